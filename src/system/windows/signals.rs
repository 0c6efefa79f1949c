//! What Windows has in place of signals: an event when something ends us, and no job control.

use std::io;
use std::sync::OnceLock;

use windows_sys::Win32::System::Console::SetConsoleCtrlHandler;

/// Windows stops nobody for using the console.
pub struct StopsBlocked;

impl StopsBlocked {
    /// Does nothing.
    pub fn begin() -> Self {
        Self
    }
}

/// There is no ^Z to come back from.
pub struct TerminalSignals;

impl TerminalSignals {
    /// Listens to nothing.
    pub fn listen() -> io::Result<Self> {
        Ok(Self)
    }
}

static HOOK: OnceLock<Box<dyn Fn(i32) + Send + Sync>> = OnceLock::new();

/// Calls `hook` on a thread of the system's when ^C, ^Break, or a closed window ends us.
pub fn on_termination_signal(hook: impl Fn(i32) + Send + Sync + 'static) -> io::Result<()> {
    let _ = HOOK.set(Box::new(hook));
    // SAFETY: the handler is a function that lives as long as the program.
    match unsafe { SetConsoleCtrlHandler(Some(on_control), 1) } {
        0 => Err(io::Error::last_os_error()),
        _ => Ok(()),
    }
}

unsafe extern "system" fn on_control(event: u32) -> i32 {
    if let Some(hook) = HOOK.get() {
        hook(event as i32);
    }
    0
}

/// Ends the process with the code Windows gives those ended by ^C.
pub fn end_by_signal(_event: i32) -> ! {
    const CONTROL_C_EXIT: u32 = 0xC000_013A;
    std::process::exit(CONTROL_C_EXIT as i32)
}
