//! Signals on Unix: those of the terminal, which become events, and those that end us.

use std::cell::Cell;
use std::io::{self, PipeReader, PipeWriter};
use std::marker::PhantomData;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicI32, Ordering};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::system::terminal_events::Event;

// ---- the signals of the terminal

/// Blocks the terminal's stop signals for this thread while it lives: a background read then fails instead of stopping us.
pub struct StopsBlocked {
    before: libc::sigset_t,
    _this_thread: PhantomData<*const ()>,
}

impl StopsBlocked {
    /// Blocks SIGTTIN and SIGTTOU for this thread.
    pub fn begin() -> Self {
        let mut before = set_of(&[]);
        let stops = set_of(&[libc::SIGTTIN, libc::SIGTTOU]);
        // SAFETY: both sets are initialised and live through the call, which changes this thread's mask only.
        unsafe { libc::pthread_sigmask(libc::SIG_BLOCK, &stops, &mut before) };
        Self { before, _this_thread: PhantomData }
    }
}

impl Drop for StopsBlocked {
    fn drop(&mut self) {
        // SAFETY: `before` came from the call above, on this same thread (the type is not Send).
        unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, &self.before, std::ptr::null_mut()) };
    }
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

/// The signals of the terminal while it lives: SIGCONT, so that a question can be shown again after ^Z and `fg`, and
/// what else has a handler.
pub struct TerminalSignals {
    pipe: &'static PipeReader,
    /// The window has another size, and nobody was told yet.
    resized: Cell<bool>,
    _handler: Handler,
}

impl TerminalSignals {
    /// Starts to listen.
    pub fn listen() -> io::Result<Self> {
        let (pipe, writer) = terminal_signals()?;
        let signals = Self { pipe, resized: Cell::new(false), _handler: Handler::install(libc::SIGCONT, writer)? };
        signals.drain();
        Ok(signals)
    }

    /// Becomes readable with the next one.
    pub(super) fn pipe(&self) -> &'static PipeReader {
        self.pipe
    }

    /// Takes the next event, if there is one: a stop or a return from one before another size.
    pub(super) fn next(&self) -> Option<Event> {
        self.drain().or_else(|| self.resized.take().then_some(Event::Resized))
    }

    /// Waits this long for a stop or a return from one, and takes note of it.
    pub(super) fn within(&self, wait: Duration) -> Option<Event> {
        let _ = poll(&mut [PollFd::new(&self.pipe, PollFlags::IN)], Some(&timespec(wait)));
        self.drain()
    }

    /// Empties the pipe; returns the last stop, or return from one, that was in it.
    fn drain(&self) -> Option<Event> {
        let (mut event, mut numbers) = (None, [0; 16]);
        while let Ok(count @ 1..) = rustix::io::read(self.pipe, &mut numbers) {
            for &number in &numbers[..count] {
                match i32::from(number) {
                    libc::SIGCONT => event = Some(Event::Resumed),
                    libc::SIGTSTP => event = Some(Event::Stop),
                    _ => self.resized.set(true),
                }
            }
        }
        event
    }
}

pub(super) fn timespec(left: Duration) -> Timespec {
    Timespec::try_from(left).unwrap_or(Timespec { tv_sec: 3_600, tv_nsec: 0 })
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

/// A handler that writes its signal into a pipe while this lives.
pub(super) struct Handler {
    signal: i32,
    before: libc::sigaction,
}

impl Handler {
    pub(super) fn install(signal: i32, pipe: &'static PipeWriter) -> io::Result<Self> {
        Ok(Self { signal, before: relay_to(signal, pipe.as_fd())? })
    }
}

impl Drop for Handler {
    fn drop(&mut self) {
        // SAFETY: `before` was filled in by sigaction for this same signal.
        unsafe { libc::sigaction(self.signal, &self.before, std::ptr::null_mut()) };
    }
}

// ---- signals that end us

/// The signals a terminal, a shell or a supervisor ends us with.
const TERMINATION: [i32; 4] = [libc::SIGINT, libc::SIGTERM, libc::SIGHUP, libc::SIGQUIT];

/// For each signal, where its handler writes its number; -1 is nowhere.
static RELAYS: [AtomicI32; 32] = [const { AtomicI32::new(-1) }; 32];

/// Calls `act` on a thread of its own with each termination signal that comes; those ignored at the start stay ignored (nohup).
pub fn on_termination_signal(act: impl Fn(i32) + Send + Sync + 'static) -> io::Result<()> {
    static PIPE: OnceLock<PipeWriter> = OnceLock::new();
    let (mut reader, writer) = signal_pipe()?;
    std::thread::Builder::new().name("signals".into()).spawn(move || {
        let mut signal = [0];
        while io::Read::read_exact(&mut reader, &mut signal).is_ok() {
            act(i32::from(signal[0]));
        }
    })?;
    let writer = PIPE.get_or_init(|| writer);
    for signal in TERMINATION {
        if !is_ignored(signal) {
            relay_to(signal, writer.as_fd())?;
        }
    }
    Ok(())
}

/// Ends the process by this very signal, so that whoever waits for us sees what happened.
pub fn end_by_signal(signal: i32) -> ! {
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
