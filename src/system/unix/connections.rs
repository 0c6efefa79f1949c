//! Whose a connection from this machine is.

use std::net::SocketAddrV4;

/// Whether the kernel tells that the other end of a connection on this machine belongs to another user. Root could read
/// everything anyway, and passes on what Windows sends into WSL.
pub fn is_connection_of_another_user(from: SocketAddrV4, to: SocketAddrV4) -> bool {
    let Some(end) = end(from, to) else { return false };
    // One that its program has closed already counts as root's.
    let is_roots = end.user == 0 && end.is_open;
    end.user != super::effective_uid() && !is_roots
}

/// The program's end of a connection.
#[derive(Debug, PartialEq, Eq)]
struct End {
    user: u32,
    is_open: bool,
}

#[cfg(target_os = "linux")]
fn end(from: SocketAddrV4, to: SocketAddrV4) -> Option<End> {
    use table::{find, of_v4, of_v6};
    let read = |table| std::fs::read_to_string(table).unwrap_or_default();
    let found = find(&read("/proc/net/tcp"), &of_v4(from), &of_v4(to));
    // A socket of IPv6 can connect to an address of IPv4.
    found.or_else(|| find(&read("/proc/net/tcp6"), &of_v6(from), &of_v6(to)))
}

#[cfg(not(target_os = "linux"))]
fn end(_: SocketAddrV4, _: SocketAddrV4) -> Option<End> {
    None
}

/// The kernel's tables of connections: number, local and remote address, state, queues, timer, retransmissions, user.
#[cfg(target_os = "linux")]
mod table {
    use super::*;

    const ESTABLISHED: &str = "01";

    pub(super) fn find(table: &str, from: &str, to: &str) -> Option<End> {
        table.lines().find_map(|line| {
            let fields: Vec<&str> = line.split_ascii_whitespace().collect();
            let &[_, local, remote, state, _, _, _, user, ..] = fields.as_slice() else { return None };
            let is_it = local == from && remote == to;
            is_it.then_some(End { user: user.parse().ok()?, is_open: state == ESTABLISHED })
        })
    }

    pub(super) fn of_v4(address: SocketAddrV4) -> String {
        format!("{:08X}:{:04X}", u32::from_ne_bytes(address.ip().octets()), address.port())
    }

    pub(super) fn of_v6(address: SocketAddrV4) -> String {
        format!("{:016X}{:08X}{}", 0, u32::from_ne_bytes([0, 0, 0xff, 0xff]), of_v4(address))
    }

    #[cfg(test)]
    mod tests {
        use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};

        use super::*;

        #[test]
        fn a_row_of_the_table_is_read() {
            let table = "\
  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:A3C4 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 11 1 0000 100 0 0 10 0
   1: 0100007F:D431 0100007F:A3C4 01 00000000:00000000 00:00000000 00000000  1000        0 12 1 0000 20 4 30 10 -1
   2: 0100007F:A3C4 0100007F:D431 01 00000000:00000000 00:00000000 00000000     0        0 13 1 0000 20 4 30 10 -1
   3: 0100007F:D432 0100007F:A3C4 06 00000000:00000000 03:00000176 00000000     0        0 0 3 0000
";
            let to = "0100007F:A3C4";
            assert_eq!(find(table, "0100007F:D431", to), Some(End { user: 1000, is_open: true }));
            assert_eq!(find(table, "0100007F:D432", to), Some(End { user: 0, is_open: false }));
            assert_eq!(find(table, "0100007F:D433", to), None);
            assert_eq!(find("", "0100007F:D431", to), None);
        }

        #[test]
        fn a_connection_of_ours_is_found_with_its_user() {
            let v4 = |address| match address {
                SocketAddr::V4(address) => address,
                SocketAddr::V6(_) => unreachable!("it is IPv4"),
            };
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
            let to = v4(listener.local_addr().unwrap());
            let stream = TcpStream::connect(to).unwrap();
            let from = v4(stream.local_addr().unwrap());
            let user = crate::system::platform::effective_uid();
            assert_eq!(end(from, to), Some(End { user, is_open: true }));
            assert!(!is_connection_of_another_user(from, to));
        }

        #[test]
        #[cfg(target_endian = "little")]
        fn an_address_of_ipv4_in_the_table_of_ipv6_is_found() {
            let shown = of_v6(SocketAddrV4::new(Ipv4Addr::LOCALHOST, 80));
            assert_eq!(shown, "0000000000000000FFFF00000100007F:0050");
        }
    }
}
