//! Whose a connection from this machine is.

use std::net::SocketAddrV4;

/// Windows is not asked.
pub fn is_connection_of_another_user(_: SocketAddrV4, _: SocketAddrV4) -> bool {
    false
}
