//! The message bus of this session: whether there is one, found out without the bus library, which starts a bus where it
//! finds none and leaves it behind; and whether it is ours (threat-model P53).
//!
//! A bus of another user reads and answers whatever we say on it. The variable that names it may come from `sudo -E` or
//! from a directory one entered, so the other end has to be this user or root. It is looked at twice: who listens at the
//! address, before the library says a word; and who is at the other end of the connection that the library made, before
//! anything is asked or told, because the address may lead to somebody else by then.

use std::path::Path;

use crate::system::env::{Env, is_bus_of_sockets};
use crate::system::sockets;

const ADDRESS: &str = "DBUS_SESSION_BUS_ADDRESS";
const RUNTIME: &str = "XDG_RUNTIME_DIR";

/// A bus that the environment names, alive or not.
#[cfg_attr(not(feature = "secret-service"), allow(dead_code, reason = "a build without it only says so"))]
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct SessionBus {
    /// Where to look, in the order and the words of the library: `unix:path=/run/user/1000/bus;…`.
    addresses: String,
    variable: &'static str,
}

impl SessionBus {
    /// Returns the bus of this environment, or why there is none to talk to.
    pub(super) fn find(env: &Env) -> Result<Self, String> {
        match env.raw(ADDRESS).map(|address| address.to_str()) {
            Some(None) => Err(format!("{ADDRESS} is not valid text")),
            Some(Some(addresses)) if addresses.split(';').any(|one| one.trim_start().starts_with("autolaunch:")) => {
                Err(format!("{ADDRESS} would start a bus"))
            }
            // A directory may set variables.
            Some(Some(addresses)) if !is_bus_of_sockets(addresses) => {
                Err(format!("{ADDRESS} does not name a socket on this machine (unix:…)"))
            }
            Some(Some(addresses)) => Ok(Self { addresses: addresses.into(), variable: ADDRESS }),
            // The library looks there itself, and only takes a socket of the same user.
            None => match env.raw(RUNTIME).map(|directory| Path::new(directory).join("bus")) {
                Some(socket) if sockets::is_own(&socket) => {
                    Ok(Self { addresses: format!("unix:path={}", escaped(&socket)), variable: RUNTIME })
                }
                Some(_) => Err(format!("no session bus: {ADDRESS} is not set, and {RUNTIME} has none")),
                None => Err(format!("no session bus: neither {ADDRESS} nor {RUNTIME} is set")),
            },
        }
    }
}

/// A path as an address spells it.
fn escaped(path: &Path) -> String {
    let spell = |byte: &u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'/' | b'.' | b'\\' => char::from(*byte).to_string(),
        _ => format!("%{byte:02x}"),
    };
    path.as_os_str().as_encoded_bytes().iter().map(spell).collect()
}

#[cfg(all(target_os = "linux", feature = "secret-service"))]
mod owner {
    use std::io;
    use std::os::linux::net::SocketAddrExt;
    use std::os::unix::ffi::OsStrExt;
    use std::os::unix::net::{SocketAddr, UnixStream};

    use super::*;
    use crate::store::StoreError;
    use crate::system::foreign_file::plain;
    use crate::system::sockets::Peers;

    impl SessionBus {
        /// Connects to this bus by `connect`, and returns the connection if its other end is this user or root. Before
        /// that nothing but the connection request is sent.
        pub(in crate::store) fn connected<T>(
            &self,
            connect: impl FnOnce() -> Result<T, StoreError>,
        ) -> Result<T, StoreError> {
            if let Some(user) = self.listener() {
                self.trust(user)?;
            }
            let unknown =
                |e: io::Error| StoreError::Refused(format!("cannot find out who runs the session bus: {}", plain(&e)));
            let before = Peers::now().map_err(unknown)?;
            let connection = connect()?;
            let now = Peers::now().map_err(unknown)?;
            let mut users = now.since(&before).peekable();
            if users.peek().is_none() {
                return Err(unknown(io::Error::other("its connection is not among this process's sockets")));
            }
            users.try_for_each(|user| self.trust(user))?;
            Ok(connection)
        }

        fn trust(&self, user: u32) -> Result<(), StoreError> {
            if sockets::is_self_or_root(user) {
                return Ok(());
            }
            Err(StoreError::ForeignBus { user, variable: self.variable })
        }

        /// Returns the user behind the first address that answers: the library takes that one too.
        fn listener(&self) -> Option<u32> {
            let streams = sockets_of(&self.addresses).filter_map(|address| UnixStream::connect_addr(&address).ok());
            streams.filter_map(|stream| sockets::peer(&stream).ok()).next()
        }
    }

    /// The sockets that addresses lead to. Anything else, or what only a bus can use (`unix:tmpdir=`), is skipped.
    fn sockets_of(addresses: &str) -> impl Iterator<Item = SocketAddr> {
        let keys = addresses.split(';').filter_map(|one| one.strip_prefix("unix:"));
        keys.flat_map(|keys| keys.split(',')).filter_map(|pair| {
            let (key, value) = pair.split_once('=')?;
            let value = unescaped(value)?;
            match key {
                "path" => SocketAddr::from_pathname(std::ffi::OsStr::from_bytes(&value)).ok(),
                "abstract" => SocketAddr::from_abstract_name(&value).ok(),
                _ => None,
            }
        })
    }

    fn unescaped(value: &str) -> Option<Vec<u8>> {
        let mut pieces = value.split('%');
        let mut bytes = pieces.next()?.as_bytes().to_vec();
        for piece in pieces {
            let hex = piece.get(..2).filter(|hex| hex.bytes().all(|digit| digit.is_ascii_hexdigit()))?;
            bytes.push(u8::from_str_radix(hex, 16).ok()?);
            bytes.extend_from_slice(&piece.as_bytes()[2..]);
        }
        Some(bytes)
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn addresses_lead_to_sockets_as_the_library_reads_them() {
            let shown = |addresses: &str| {
                sockets_of(addresses)
                    .map(|address| match (address.as_pathname(), address.as_abstract_name()) {
                        (Some(path), _) => path.display().to_string(),
                        (_, name) => format!("@{}", String::from_utf8_lossy(name.unwrap())),
                    })
                    .collect::<Vec<_>>()
            };
            assert_eq!(shown("unix:path=/run/bus"), ["/run/bus"]);
            assert_eq!(shown("unix:guid=0,path=/a;unix:abstract=/tmp/dbus-x,guid=1;"), ["/a", "@/tmp/dbus-x"]);
            assert_eq!(shown("unix:path=/a%20b%2cc"), ["/a b,c"]);
            for nowhere in ["", "unix:", "unix:tmpdir=/tmp", "unix:runtime=yes", "unix:path=/a%2", "unix:path=%zz"] {
                assert!(shown(nowhere).is_empty(), "{nowhere}");
            }
            assert!(shown(&format!("unix:path=/{}", "x".repeat(200))).is_empty());
            assert_eq!(shown(&format!("unix:path={}", escaped(Path::new("/r%n/ü;b,=")))), ["/r%n/ü;b,="]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bus_is_there_when_an_address_or_a_socket_names_it() {
        let directory = tempfile::tempdir().unwrap();
        let with_socket = directory.path().join("with");
        let with_file = directory.path().join("file");
        for runtime in [&with_socket, &with_file] {
            std::fs::create_dir(runtime).unwrap();
        }
        let _socket = std::os::unix::net::UnixListener::bind(with_socket.join("bus")).unwrap();
        std::fs::write(with_file.join("bus"), "").unwrap();
        let (socket, file) = (with_socket.to_str().unwrap(), with_file.to_str().unwrap());

        let none = |address: &str, runtime: &str| {
            SessionBus::find(&Env::of([("DBUS_SESSION_BUS_ADDRESS", address), ("XDG_RUNTIME_DIR", runtime)])).is_err()
        };
        for (address, runtime, is_none) in [
            ("unix:path=/run/bus", "", false),
            ("unix:path=/run/bus", file, false),
            ("", socket, false),
            ("", file, true),
            ("", "/nowhere", true),
            ("", "", true),
            ("autolaunch:", socket, true),
            ("unix:path=/run/bus;autolaunch:scope=*user", socket, true),
            ("unix:abstract=/tmp/dbus-x,guid=0;unix:path=/run/bus;", socket, false),
            ("unixexec:path=/bin/sh,argv1=-c,argv2=true", socket, true),
            ("unix:path=/run/bus;unixexec:path=/bin/sh", socket, true),
            (" unix:path=/run/bus", socket, true),
            ("tcp:host=127.0.0.1,port=1", socket, true),
            ("nonce-tcp:host=127.0.0.1,port=1", socket, true),
            ("launchd:env=X", socket, true),
            ("systemd:", socket, true),
        ] {
            assert_eq!(none(address, runtime), is_none, "{address:?} {runtime:?}");
        }
    }
}
