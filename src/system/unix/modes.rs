//! Terminal modes on Unix, and what must not happen while they are changed.

use std::fs::File;
use std::io;
use std::time::Duration;

use rustix::termios::{self, LocalModes, OptionalActions, SpecialCodeIndex};

use super::signals::{Handler, TerminalSignals, is_ignored, terminal_signals};

/// All modes of a terminal.
#[derive(Clone)]
pub struct Modes(termios::Termios);

impl Modes {
    /// Reads them.
    pub fn of(terminal: &File) -> io::Result<Self> {
        Ok(Self(termios::tcgetattr(terminal)?))
    }

    /// Sets them at once. Not after what was written: a terminal stopped by ^S would keep us waiting.
    pub fn set(&self, terminal: &File) -> io::Result<()> {
        Ok(termios::tcsetattr(terminal, OptionalActions::Now, &self.0)?)
    }

    /// The same, and whole lines without echo.
    pub fn hidden(&self) -> Self {
        let mut modes = self.clone();
        modes.0.local_modes -= LocalModes::ECHO | LocalModes::ECHONL;
        modes
    }

    /// The same, and each key at once, without echo. ^C, ^\ and ^Z stay signals.
    pub fn key_by_key(&self) -> Self {
        let mut modes = self.hidden();
        modes.0.local_modes -= LocalModes::ICANON;
        modes.0.special_codes[SpecialCodeIndex::VMIN] = 1;
        modes.0.special_codes[SpecialCodeIndex::VTIME] = 0;
        modes
    }
}

/// Longest wait for the rest of what one key sends, after its first byte; a person's Esc comes alone.
pub const REST_OF_A_KEY: Duration = Duration::from_millis(50);

/// While this lives, SIGTSTP does not stop us but becomes an event, so that the shell gets its terminal back with its
/// own modes; and so does SIGWINCH. SIGTSTP is caught rather than ^Z taken from the terminal's special characters: so a
/// `kill -TSTP` is covered, and the rest of the job is stopped by the terminal as ever.
pub struct StopHandler {
    _resized: Handler,
    stop: Option<Handler>,
}

impl StopHandler {
    /// Installs the handlers; where ^Z was ignored (a command substitution of bash), it stays so.
    pub fn install() -> io::Result<Self> {
        let (_, writer) = terminal_signals()?;
        Ok(Self { _resized: Handler::install(libc::SIGWINCH, writer)?, stop: Self::catch_stop()? })
    }

    fn catch_stop() -> io::Result<Option<Handler>> {
        let (_, writer) = terminal_signals()?;
        if is_ignored(libc::SIGTSTP) { Ok(None) } else { Handler::install(libc::SIGTSTP, writer).map(Some) }
    }

    /// Stops the process as SIGTSTP would have, and returns once it goes on.
    pub fn stop(&mut self, signals: &TerminalSignals) {
        self.stop = None;
        // SAFETY: each call takes plain values or a set that lives through it.
        unsafe {
            libc::signal(libc::SIGTSTP, libc::SIG_DFL);
            libc::raise(libc::SIGTSTP);
        }
        self.stop = Self::catch_stop().unwrap_or(None);
        // Said by returning. In an orphaned group nobody stops, and nothing resumes.
        signals.within(Duration::from_millis(10));
    }
}
