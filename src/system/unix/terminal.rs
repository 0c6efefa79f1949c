//! Terminal, signals and processes on Unix.

use std::cell::Cell;
use std::ffi::{OsStr, OsString};
use std::fs::{File, OpenOptions};
use std::io::{self, PipeReader, PipeWriter, Write};
use std::marker::PhantomData;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicI32, Ordering};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::process::{Pid, Resource, Rlimit, Signal};
use rustix::termios::{self, LocalModes, QueueSelector};

use crate::system::clock::Deadline;
use crate::system::terminal::Heard;

// ---- the controlling terminal

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

/// Returns whether a process is of our session, which has one controlling terminal or none.
pub fn is_in_our_session(pid: u32) -> bool {
    let theirs =
        i32::try_from(pid).ok().and_then(Pid::from_raw).and_then(|pid| rustix::process::getsid(Some(pid)).ok());
    theirs.is_some() && theirs == rustix::process::getsid(None).ok()
}

/// Returns whether the terminal hands out whole lines, as it does unless a full-screen program owns it.
pub fn takes_lines(terminal: &File) -> bool {
    termios::tcgetattr(terminal).is_ok_and(|modes| modes.local_modes.contains(LocalModes::ICANON))
}

/// Drops what was typed and not read.
pub fn discard_input(terminal: &File) {
    let _ = termios::tcflush(terminal, QueueSelector::IFlush);
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
pub fn write(mut terminal: &File, text: &[u8]) -> io::Result<usize> {
    terminal.write(text)
}

/// Waits until the terminal takes output again.
pub fn await_room(terminal: &File, until: Deadline) {
    let _ = poll(&mut [PollFd::new(terminal, PollFlags::OUT)], Some(&span(until.left())));
}

/// Waits for typing, a return from ^Z, or the deadline, whichever comes first; for ^Z itself and for another size of
/// the window too, while there is a [`ModesKept`].
pub fn hear(terminal: &File, resumed: &Resumed, buffer: &mut [u8], until: Deadline) -> Heard {
    while !until.has_passed() {
        let mut waits = [PollFd::new(terminal, PollFlags::IN), PollFd::new(&resumed.pipe, PollFlags::IN)];
        let outcome = poll(&mut waits, Some(&span(until.left())));
        // looked at afresh: what was typed while we were stopped ends the poll before the handler has run
        if let Some(heard) = resumed.drain() {
            return heard;
        }
        if resumed.resized.take() {
            return Heard::Resized;
        }
        let typed = waits[0].revents();
        match outcome {
            Ok(0) | Err(Errno::INTR) => continue,
            Err(_) => return Heard::Gone,
            // macOS cannot poll /dev/tty
            Ok(_) if typed.contains(PollFlags::NVAL) => std::thread::sleep(Duration::from_millis(50)),
            Ok(_) => {}
        }
        let hung_up = typed.intersects(PollFlags::HUP | PollFlags::ERR);
        match rustix::io::read(terminal, &mut *buffer) {
            Err(Errno::AGAIN | Errno::INTR) if !hung_up => continue,
            Ok(0) if hung_up => return Heard::Gone,
            // The handler may still be about to run on another thread, and then this was typed while we were stopped.
            Ok(count) => return resumed.within(Duration::from_millis(10)).unwrap_or(Heard::Bytes(count)),
            Err(_) => return Heard::Gone,
        }
    }
    Heard::TimedOut
}

fn span(left: Duration) -> Timespec {
    Timespec::try_from(left).unwrap_or(Timespec { tv_sec: 3_600, tv_nsec: 0 })
}

/// Keeps the terminal's stop signals from this thread while it lives: a background read then fails instead of stopping us.
pub struct NoStops {
    before: libc::sigset_t,
    _this_thread: PhantomData<*const ()>,
}

impl NoStops {
    /// Blocks SIGTTIN and SIGTTOU for this thread.
    pub fn begin() -> Self {
        let mut before = empty_set();
        let stops = set_of(&[libc::SIGTTIN, libc::SIGTTOU]);
        // SAFETY: both sets are initialised and live through the call, which changes this thread's mask only.
        unsafe { libc::pthread_sigmask(libc::SIG_BLOCK, &stops, &mut before) };
        Self { before, _this_thread: PhantomData }
    }
}

impl Drop for NoStops {
    fn drop(&mut self) {
        // SAFETY: `before` came from the call above, on this same thread (the type is not Send).
        unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, &self.before, std::ptr::null_mut()) };
    }
}

fn empty_set() -> libc::sigset_t {
    set_of(&[])
}

fn set_of(signals: &[i32]) -> libc::sigset_t {
    // SAFETY: sigset_t is plain data and sigemptyset makes it valid before anything reads it.
    unsafe {
        let mut set = std::mem::zeroed();
        libc::sigemptyset(&mut set);
        for &signal in signals {
            libc::sigaddset(&mut set, signal);
        }
        set
    }
}

/// Hears SIGCONT while it lives, so that a question can be shown again after ^Z and `fg`.
pub struct Resumed {
    pipe: &'static PipeReader,
    /// Another size of the window was heard of and not said yet.
    resized: Cell<bool>,
    _caught: Caught,
}

impl Resumed {
    /// Starts to listen.
    pub fn listen() -> io::Result<Self> {
        let (pipe, writer) = terminal_signals()?;
        let caught = Caught::from_now_on(libc::SIGCONT, writer)?;
        let resumed = Self { pipe, resized: Cell::new(false), _caught: caught };
        resumed.drain();
        Ok(resumed)
    }

    /// Waits this long for a stop or a return from one, and takes note of it.
    pub(super) fn within(&self, wait: Duration) -> Option<Heard> {
        let _ = poll(&mut [PollFd::new(&self.pipe, PollFlags::IN)], Some(&span(wait)));
        self.drain()
    }

    /// Empties the pipe; what there was of stops and returns, the last of them.
    fn drain(&self) -> Option<Heard> {
        let (mut heard, mut numbers) = (None, [0; 16]);
        while let Ok(count @ 1..) = rustix::io::read(self.pipe, &mut numbers) {
            for &number in &numbers[..count] {
                match i32::from(number) {
                    libc::SIGCONT => heard = Some(Heard::Resumed),
                    libc::SIGTSTP => heard = Some(Heard::Stop),
                    _ => self.resized.set(true),
                }
            }
        }
        heard
    }
}

/// Where the signals of the terminal are written to; kept for ever, because a handler that still runs elsewhere must
/// never write into a file that reused the number.
pub(super) fn terminal_signals() -> io::Result<(&'static PipeReader, &'static PipeWriter)> {
    static PIPE: OnceLock<(PipeReader, PipeWriter)> = OnceLock::new();
    let (reader, writer) = match PIPE.get() {
        Some(pipe) => pipe,
        None => {
            let made = signal_pipe()?;
            rustix::io::ioctl_fionbio(&made.0, true)?;
            PIPE.get_or_init(|| made)
        }
    };
    Ok((reader, writer))
}

/// A signal whose handler writes into a pipe while this lives.
pub(super) struct Caught {
    signal: i32,
    before: libc::sigaction,
}

impl Caught {
    pub(super) fn from_now_on(signal: i32, pipe: &'static PipeWriter) -> io::Result<Self> {
        Ok(Self { signal, before: relay_to(signal, pipe.as_fd())? })
    }
}

impl Drop for Caught {
    fn drop(&mut self) {
        // SAFETY: `before` was filled in by sigaction for this same signal.
        unsafe { libc::sigaction(self.signal, &self.before, std::ptr::null_mut()) };
    }
}

// ---- signals that end us

/// The signals a terminal, a shell or a supervisor ends us with.
const DEADLY: [i32; 4] = [libc::SIGINT, libc::SIGTERM, libc::SIGHUP, libc::SIGQUIT];

/// For each signal, where its handler writes its number; -1 is nowhere.
static RELAYS: [AtomicI32; 32] = [const { AtomicI32::new(-1) }; 32];

/// Calls `act` on a thread of its own with each deadly signal that comes; those ignored at the start stay ignored (nohup).
pub fn on_deadly_signal(act: impl Fn(i32) + Send + Sync + 'static) -> io::Result<()> {
    static PIPE: OnceLock<PipeWriter> = OnceLock::new();
    let (mut reader, writer) = signal_pipe()?;
    std::thread::Builder::new().name("signals".into()).spawn(move || {
        let mut signal = [0];
        while io::Read::read_exact(&mut reader, &mut signal).is_ok() {
            act(i32::from(signal[0]));
        }
    })?;
    let writer = PIPE.get_or_init(|| writer);
    for signal in DEADLY {
        if !is_ignored(signal) {
            relay_to(signal, writer.as_fd())?;
        }
    }
    Ok(())
}

/// Ends the process by this very signal, so that whoever waits for us sees what happened.
pub fn die_of(signal: i32) -> ! {
    // SAFETY: each call takes plain values or sets that live through it; nothing of ours runs after them.
    unsafe {
        libc::signal(signal, libc::SIG_DFL);
        libc::pthread_sigmask(libc::SIG_UNBLOCK, &set_of(&[signal]), std::ptr::null_mut());
        libc::raise(signal);
        // only the first process of a container gets here: the kernel spares it its own signals
        libc::_exit(128 + signal)
    }
}

/// Returns whether a signal does nothing to us.
pub(super) fn is_ignored(signal: i32) -> bool {
    // SAFETY: an all-zero sigaction is valid plain data; with a null action the call only reads the present one.
    unsafe {
        let mut present: libc::sigaction = std::mem::zeroed();
        libc::sigaction(signal, std::ptr::null(), &mut present) == 0 && present.sa_sigaction == libc::SIG_IGN
    }
}

/// A pipe for a handler to write into: both ends close on exec, the writer never blocks.
fn signal_pipe() -> io::Result<(PipeReader, PipeWriter)> {
    let (reader, writer) = io::pipe()?;
    rustix::io::ioctl_fionbio(&writer, true)?;
    Ok((reader, writer))
}

/// Lets the handler of `signal` write its number to `pipe`; returns the action before.
fn relay_to(signal: i32, pipe: BorrowedFd<'static>) -> io::Result<libc::sigaction> {
    RELAYS[signal as usize].store(pipe.as_raw_fd(), Ordering::SeqCst);
    // SAFETY: an all-zero sigaction is valid plain data; the handler is a function that only does what handlers may do.
    unsafe {
        let (mut action, mut before): (libc::sigaction, libc::sigaction) = (std::mem::zeroed(), std::mem::zeroed());
        action.sa_sigaction = relay as *const () as usize;
        action.sa_flags = libc::SA_RESTART;
        libc::sigemptyset(&mut action.sa_mask);
        if libc::sigaction(signal, &action, &mut before) != 0 {
            return Err(io::Error::last_os_error());
        }
        Ok(before)
    }
}

extern "C" fn relay(signal: i32) {
    let pipe = RELAYS[signal as usize].load(Ordering::SeqCst);
    let number = signal as u8;
    // SAFETY: write is safe inside a handler, the pipe is never closed, and errno is put back for the code interrupted.
    unsafe {
        let errno = *errno_place();
        libc::write(pipe, (&raw const number).cast(), 1);
        *errno_place() = errno;
    }
}

#[cfg(any(target_os = "linux", target_os = "emscripten"))]
use libc::__errno_location as errno_place;
#[cfg(any(target_vendor = "apple", target_os = "freebsd"))]
use libc::__error as errno_place;

// ---- a hardened process

/// The caller's core limit.
pub type CoreLimit = Rlimit;

/// Keeps other programs of the user out of our memory, and writes no core file; returns the limit of before.
pub fn harden() -> CoreLimit {
    keep_out();
    let before = rustix::process::getrlimit(Resource::Core);
    let _ = rustix::process::setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: before.maximum });
    before
}

#[cfg(target_os = "linux")]
fn keep_out() {
    let _ = rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable);
}

#[cfg(target_os = "macos")]
fn keep_out() {
    // SAFETY: this request takes no address and no data; it only refuses debuggers from now on.
    unsafe { libc::ptrace(libc::PT_DENY_ATTACH, 0, std::ptr::null_mut(), 0) };
}

#[cfg(not(any(target_os = "linux", target_os = "macos")))]
fn keep_out() {}

/// Gives a child the caller's limit.
pub fn restore_limit(limit: CoreLimit, command: &mut Command) {
    // SAFETY: between fork and exec the closure makes one system call and touches no heap and no lock.
    unsafe { command.pre_exec(move || rustix::process::setrlimit(Resource::Core, limit).map_err(io::Error::from)) };
}

// ---- standard input, other processes

/// Becomes another program; returns only if that failed.
pub fn become_command(command: &mut Command) -> io::Error {
    command.exec()
}

/// The system searches `PATH` as shells do.
pub fn startable(program: &OsStr, _path: Option<&OsStr>) -> OsString {
    program.into()
}

/// Returns the width of the terminal that standard output goes to, if it goes to one.
pub fn stdout_width() -> Option<usize> {
    io::stdout().as_fd().try_clone_to_owned().ok().and_then(|out| width(&File::from(out)))
}

/// Opens standard input once more, without the buffer of `std::io::stdin`.
pub fn unbuffered_stdin() -> io::Result<File> {
    io::stdin().as_fd().try_clone_to_owned().map(File::from)
}

/// Returns the process that started us.
pub fn parent_id() -> Option<u32> {
    Some(std::os::unix::process::parent_id())
}

/// Lets the child lead a process group, so that its own children can be ended with it.
pub fn lead_group(command: &mut Command) {
    command.process_group(0);
}

/// Kills a group leader that was not waited for yet, with all its group.
pub fn kill_group(leader: u32) {
    if let Some(group) = i32::try_from(leader).ok().and_then(Pid::from_raw) {
        let _ = rustix::process::kill_process_group(group, Signal::KILL);
    }
}

/// Returns the signal that ended a child, if one did.
pub fn signal_of(status: std::process::ExitStatus) -> Option<i32> {
    std::os::unix::process::ExitStatusExt::signal(&status)
}

/// Whether a file can be started.
pub fn is_executable(file: &std::path::Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    std::fs::metadata(file).is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
}
