//! Under `system/sockets.rs` on Linux: what the kernel says of a socket.

use std::io;
use std::os::fd::RawFd;

/// Returns the user who was at the other end of a connected Unix socket when it began to listen, or to be connected;
/// none for anything else.
pub fn peer_user(fd: RawFd) -> io::Result<Option<u32>> {
    let mut family: libc::c_int = 0;
    // SAFETY: any bytes are a number.
    unsafe { read_option(fd, libc::SO_DOMAIN, &mut family) }?;
    if family != libc::AF_UNIX {
        return Ok(None);
    }
    // Not by rustix: its type for a process id cannot hold the zero of a process in another namespace.
    let mut peer = libc::ucred { pid: 0, uid: u32::MAX, gid: u32::MAX };
    // SAFETY: any bytes are three numbers.
    unsafe { read_option(fd, libc::SO_PEERCRED, &mut peer) }?;
    Ok((peer.uid != u32::MAX).then_some(peer.uid))
}

/// # Safety
///
/// Any bytes have to be a valid `T`.
unsafe fn read_option<T>(fd: RawFd, name: libc::c_int, value: &mut T) -> io::Result<()> {
    let mut length = libc::socklen_t::try_from(size_of::<T>()).expect("a few bytes");
    let place: *mut T = value;
    // SAFETY: the kernel writes at most `length` bytes to `place`, which is as large and ours alone; any bytes are valid
    // there, as the caller promised; a number that is no socket is an error.
    let done = unsafe { libc::getsockopt(fd, libc::SOL_SOCKET, name, place.cast(), &raw mut length) };
    if done == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}
