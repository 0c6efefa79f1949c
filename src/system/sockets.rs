//! Unix sockets, and who is at their other end.

use std::fs;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::Path;

use super::platform;

#[cfg(all(target_os = "linux", feature = "secret-service"))]
pub(crate) use peers::{Peers, peer};

/// Whether this is a socket that belongs to the user this process acts as.
pub(crate) fn is_own(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|found| found.file_type().is_socket() && found.uid() == platform::effective_uid())
}

/// Whether a user is the one this process acts as, or root, who could read and change everything of ours anyway.
#[cfg(all(target_os = "linux", feature = "secret-service"))]
pub(crate) fn is_self_or_root(user: u32) -> bool {
    user == 0 || user == platform::effective_uid()
}

#[cfg(all(target_os = "linux", feature = "secret-service"))]
mod peers {
    use std::collections::BTreeMap;
    use std::os::fd::{AsRawFd, RawFd};
    use std::os::unix::net::UnixStream;
    use std::{fs, io};

    use super::platform;

    /// Returns the user who listens at the other end.
    pub(crate) fn peer(stream: &UnixStream) -> io::Result<u32> {
        let unknown = || io::Error::other("the kernel does not report who is listening");
        platform::peer_user(stream.as_raw_fd())?.ok_or_else(unknown)
    }

    /// The connected Unix sockets of this process, and the user at the other end of each: for a connection that a library
    /// made and keeps to itself.
    #[derive(Debug)]
    pub(crate) struct Peers(BTreeMap<String, u32>);

    impl Peers {
        /// Looks at all of them. The kernel never gives two sockets that are open the same number.
        pub(crate) fn now() -> io::Result<Self> {
            let mut peers = BTreeMap::new();
            for entry in fs::read_dir("/proc/self/fd")?.flatten() {
                // What was closed meanwhile is no connection of ours.
                let Ok(target) = fs::read_link(entry.path()) else { continue };
                let fd = entry.file_name().to_str().and_then(|name| name.parse::<RawFd>().ok());
                let Some((fd, target)) = fd.zip(target.to_str().filter(|target| target.starts_with("socket:"))) else {
                    continue;
                };
                if let Ok(Some(user)) = platform::peer_user(fd) {
                    peers.insert(target.to_owned(), user);
                }
            }
            Ok(Self(peers))
        }

        /// The users at the other end of the sockets that were not there before.
        pub(crate) fn since<'a>(&'a self, before: &'a Self) -> impl Iterator<Item = u32> + 'a {
            self.0.iter().filter(|(socket, _)| !before.0.contains_key(*socket)).map(|(_, user)| *user)
        }
    }

    #[cfg(test)]
    mod tests {
        use std::net::TcpListener;
        use std::os::unix::net::{UnixDatagram, UnixListener};

        use super::*;

        #[test]
        fn a_connection_made_since_is_seen_with_the_user_at_its_other_end() {
            let directory = tempfile::tempdir().unwrap();
            let listener = UnixListener::bind(directory.path().join("socket")).unwrap();
            let tcp = TcpListener::bind("127.0.0.1:0").unwrap();
            let before = Peers::now().unwrap();
            let ours = platform::effective_uid();

            let stream = UnixStream::connect(directory.path().join("socket")).unwrap();
            let _others = (UnixDatagram::unbound(), std::net::TcpStream::connect(tcp.local_addr().unwrap()).unwrap());
            assert_eq!(peer(&stream).unwrap(), ours);
            let now = Peers::now().unwrap();
            let socket = format!("/proc/self/fd/{}", stream.as_raw_fd());
            let socket = fs::read_link(socket).unwrap().to_str().unwrap().to_owned();
            assert!(!before.0.contains_key(&socket));
            assert_eq!(now.0.get(&socket), Some(&ours));
            assert!(now.since(&before).all(|user| user == ours));
            drop((stream, listener));
            assert!(!Peers::now().unwrap().0.contains_key(&socket));
        }
    }
}
