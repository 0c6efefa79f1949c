//! The controlling terminal on Unix: opened, read, written and measured.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;
use rustix::termios::{self, LocalModes, QueueSelector};

use super::signals::{TerminalSignals, timespec};
use crate::system::clock::Deadline;
use crate::system::terminal_events::Event;

/// Opens the controlling terminal for reading and writing.
///
/// Non-blocking, because another reader may take the line between our poll and our read, and a terminal stopped by ^S
/// takes no output; the mode belongs to this open file alone.
pub fn open_terminal() -> io::Result<(File, File)> {
    let flags = libc::O_NOCTTY | libc::O_NONBLOCK;
    let file = OpenOptions::new().read(true).write(true).custom_flags(flags).open("/dev/tty")?;
    Ok((file.try_clone()?, file))
}

/// Returns whether our process group is the one the terminal listens to; an error if the terminal is gone.
pub fn is_foreground(terminal: &File) -> io::Result<bool> {
    match termios::tcgetpgrp(terminal) {
        Ok(group) => Ok(group == rustix::process::getpgrp()),
        // the foreground group lives in another pid namespace, which is no sign of a background job
        Err(Errno::OPNOTSUPP) => Ok(true),
        Err(gone) => Err(gone.into()),
    }
}

/// Returns whether a process is in the foreground of the terminal; true where that cannot be told.
pub fn is_foreground_of(terminal: &File, pid: u32) -> bool {
    match (termios::tcgetpgrp(terminal), i32::try_from(pid)) {
        // SAFETY: the call takes a number only. It is negative for a process that is gone, and 0 for one whose group is
        // not of our pid namespace.
        (Ok(group), Ok(pid)) => group.as_raw_nonzero().get() == unsafe { libc::getpgid(pid) },
        (Ok(_), Err(_)) => false,
        (Err(_), _) => true,
    }
}

/// Names our controlling terminal among those of this machine: its session and, on Linux, its device and our pid
/// namespace, since each container counts sessions anew.
pub fn terminal_id() -> Option<String> {
    let session = session_of(0)?;
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let device = stat.rsplit_once(')').and_then(|(_, fields)| fields.split_whitespace().nth(4)).unwrap_or("0");
    let namespace = std::fs::metadata("/proc/self/ns/pid").map_or(0, |namespace| namespace.ino());
    Some(format!("{session}-{device}-{namespace}"))
}

/// Returns whether a process is of our session, which has one controlling terminal or none.
pub fn is_in_our_session(pid: u32) -> bool {
    let theirs = i32::try_from(pid).ok().filter(|pid| *pid > 0).and_then(session_of);
    theirs.is_some() && theirs == session_of(0)
}

/// The session of a process, or of ours (0); 0 if its leader is not of our pid namespace, for which `rustix` has no value.
fn session_of(pid: i32) -> Option<i32> {
    // SAFETY: the call takes a number only.
    Some(unsafe { libc::getsid(pid) }).filter(|session| *session >= 0)
}

/// Returns whether the terminal hands out whole lines, as it does unless a full-screen program owns it.
pub fn takes_lines(terminal: &File) -> bool {
    termios::tcgetattr(terminal).is_ok_and(|modes| modes.local_modes.contains(LocalModes::ICANON))
}

/// Drops what was typed and not read.
pub fn discard_input(terminal: &File) {
    let _ = termios::tcflush(terminal, QueueSelector::IFlush);
}

/// Returns whether a terminal of this type shows styles.
pub fn shows_styles(terminal_type: Option<&str>) -> bool {
    terminal_type.is_some_and(|name| name != "dumb")
}

/// Returns the width in columns, if the terminal knows it.
pub fn width(terminal: &File) -> Option<usize> {
    termios::tcgetwinsize(terminal).ok().map(|size| usize::from(size.ws_col)).filter(|&columns| columns > 0)
}

/// Returns the height in rows, if the terminal knows it.
pub fn height(terminal: &File) -> Option<usize> {
    termios::tcgetwinsize(terminal).ok().map(|size| usize::from(size.ws_row)).filter(|&rows| rows > 0)
}

/// Writes what fits.
pub fn write_terminal(mut terminal: &File, text: &[u8]) -> io::Result<usize> {
    terminal.write(text)
}

/// Waits until the terminal takes output again.
pub fn wait_until_writable(terminal: &File, until: Deadline) {
    let _ = poll(&mut [PollFd::new(terminal, PollFlags::OUT)], Some(&timespec(until.left())));
}

/// Waits for typing, a return from ^Z, or the deadline, whichever comes first; for ^Z itself and for another size of
/// the window too, while there is a [`StopHandler`](super::StopHandler).
pub fn read_terminal(terminal: &File, signals: &TerminalSignals, buffer: &mut [u8], until: Deadline) -> Event {
    while !until.has_passed() {
        let mut waits = [PollFd::new(terminal, PollFlags::IN), PollFd::new(signals.pipe(), PollFlags::IN)];
        let outcome = poll(&mut waits, Some(&timespec(until.left())));
        // looked at afresh: what was typed while we were stopped ends the poll before the handler has run
        if let Some(event) = signals.next() {
            return event;
        }
        let typed = waits[0].revents();
        match outcome {
            Ok(0) | Err(Errno::INTR) => continue,
            Err(_) => return Event::Gone,
            // macOS cannot poll /dev/tty
            Ok(_) if typed.contains(PollFlags::NVAL) => std::thread::sleep(Duration::from_millis(50)),
            Ok(_) => {}
        }
        let hung_up = typed.intersects(PollFlags::HUP | PollFlags::ERR);
        match rustix::io::read(terminal, &mut *buffer) {
            Err(Errno::AGAIN | Errno::INTR) if !hung_up => continue,
            Ok(0) if hung_up => return Event::Gone,
            // The handler may still be about to run on another thread, and then this was typed while we were stopped.
            Ok(count) => return signals.within(Duration::from_millis(10)).unwrap_or(Event::Bytes(count)),
            Err(_) => return Event::Gone,
        }
    }
    Event::TimedOut
}

/// Returns the width of the terminal that standard output goes to, if it goes to one.
pub fn stdout_width() -> Option<usize> {
    width_of(&io::stdout())
}

/// The same for standard error.
pub fn stderr_width() -> Option<usize> {
    width_of(&io::stderr())
}

fn width_of(stream: &impl AsFd) -> Option<usize> {
    stream.as_fd().try_clone_to_owned().ok().and_then(|out| width(&File::from(out)))
}
