//! Console modes on Windows.

use std::fs::File;
use std::io;
use std::time::Duration;

use windows_sys::Win32::System::Console::{
    CONSOLE_MODE, ENABLE_ECHO_INPUT, ENABLE_LINE_INPUT, ENABLE_VIRTUAL_TERMINAL_INPUT, GetConsoleMode, SetConsoleMode,
};

use super::signals::TerminalSignals;
use super::terminal::handle;

/// The modes of the console's input.
#[derive(Clone)]
pub struct Modes(CONSOLE_MODE);

impl Modes {
    /// Reads them.
    pub fn of(terminal: &File) -> io::Result<Self> {
        let mut modes = Self(0);
        // SAFETY: the handle is open as long as `terminal` is borrowed, and the mode lives through the call.
        match unsafe { GetConsoleMode(handle(terminal), &mut modes.0) } {
            0 => Err(io::Error::last_os_error()),
            _ => Ok(modes),
        }
    }

    /// Sets them.
    pub fn set(&self, terminal: &File) -> io::Result<()> {
        // SAFETY: the handle is open as long as `terminal` is borrowed.
        match unsafe { SetConsoleMode(handle(terminal), self.0) } {
            0 => Err(io::Error::last_os_error()),
            _ => Ok(()),
        }
    }

    /// The same, and whole lines without echo.
    pub fn hidden(&self) -> Self {
        Self(self.0 & !ENABLE_ECHO_INPUT)
    }

    /// The same, and each key at once, without echo, arrows as the sequences of other terminals. ^C stays a signal.
    pub fn key_by_key(&self) -> Self {
        Self(self.0 & !(ENABLE_ECHO_INPUT | ENABLE_LINE_INPUT) | ENABLE_VIRTUAL_TERMINAL_INPUT)
    }
}

/// What one key sends comes in one read, and a read that is given up would take the next key with it: no wait.
pub const REST_OF_A_KEY: Duration = Duration::ZERO;

/// Windows has no job control.
pub struct StopHandler;

impl StopHandler {
    /// Does nothing.
    pub fn install() -> io::Result<Self> {
        Ok(Self)
    }

    /// Does nothing; there is no ^Z.
    pub fn stop(&mut self, _signals: &TerminalSignals) {}
}
