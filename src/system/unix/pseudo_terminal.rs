//! A pseudo-terminal on Unix, for the tour of the sandbox.

use std::fs::File;
use std::io;
use std::os::fd::{FromRawFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};

use rustix::io::{FdFlags, fcntl_setfd};

/// Starts a program whose controlling terminal is a new one of that width; returns the other side of it.
pub fn start_on_own_terminal(command: &mut Command, columns: u16) -> io::Result<(Child, File)> {
    let (person, program) = open(columns)?;
    command.stdin(program.try_clone()?).stdout(program.try_clone()?).stderr(program);
    // SAFETY: both calls are async-signal-safe and take plain values; descriptor 0 is the terminal by then.
    unsafe {
        command.pre_exec(|| {
            rustix::process::setsid()?;
            if libc::ioctl(0, libc::TIOCSCTTY as _, 0) < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
        });
    }
    let child = command.spawn();
    // Our copies of the program's side go, so that its end is seen.
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    Ok((child?, person.into()))
}

fn open(columns: u16) -> io::Result<(OwnedFd, OwnedFd)> {
    let (mut person, mut program) = (0, 0);
    let mut size = libc::winsize { ws_row: 24, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
    let (name, modes) = (std::ptr::null_mut(), std::ptr::null_mut());
    // SAFETY: the pointers are to live locals; name and modes may be null.
    if unsafe { libc::openpty(&mut person, &mut program, name, modes, &raw mut size) } != 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: both descriptors were just opened by us and are used nowhere else.
    let sides = unsafe { (OwnedFd::from_raw_fd(person), OwnedFd::from_raw_fd(program)) };
    fcntl_setfd(&sides.0, FdFlags::CLOEXEC)?;
    fcntl_setfd(&sides.1, FdFlags::CLOEXEC)?;
    Ok(sides)
}
