//! Terminal, signals and processes on Windows.

use std::ffi::{OsStr, OsString};
use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::os::windows::io::{AsHandle, AsRawHandle};
use std::path::Path;
use std::process::{Command, ExitStatus};
use std::sync::{OnceLock, mpsc};
use std::time::Duration;

use windows_sys::Win32::Foundation::{ERROR_OPERATION_ABORTED, HANDLE};
use windows_sys::Win32::System::Console::{
    CONSOLE_MODE, CONSOLE_SCREEN_BUFFER_INFO, CTRL_BREAK_EVENT, CTRL_C_EVENT, ENABLE_ECHO_INPUT, ENABLE_LINE_INPUT,
    ENABLE_VIRTUAL_TERMINAL_INPUT, ENABLE_VIRTUAL_TERMINAL_PROCESSING, FlushConsoleInputBuffer, GetConsoleMode,
    GetConsoleScreenBufferInfo, SMALL_RECT, SetConsoleCtrlHandler, SetConsoleMode, WriteConsoleW,
};

use crate::system::clock::Deadline;
use crate::system::terminal::Heard;

/// How long the handler of ^C may take to end us, its last acts included, before ^C counts as the end of input.
const INTERRUPTED_BOUND: Duration = Duration::from_secs(2);

// ---- the console

/// Opens the console for reading and writing.
pub fn open_terminal() -> io::Result<(File, File)> {
    let open = |name| OpenOptions::new().read(true).write(true).open(name);
    Ok((open("CONIN$")?, open("CONOUT$")?))
}

/// A console has no background jobs.
pub fn is_foreground(_terminal: &File) -> io::Result<bool> {
    Ok(true)
}

/// Returns whether a process shares our console; not looked into here.
pub fn is_in_our_session(_pid: u32) -> bool {
    false
}

/// Returns whether the console hands out whole lines.
pub fn takes_lines(terminal: &File) -> bool {
    let mut mode = 0;
    // SAFETY: the handle is open as long as `terminal` is borrowed, and `mode` lives through the call.
    unsafe { GetConsoleMode(handle(terminal), &mut mode) != 0 && mode & ENABLE_LINE_INPUT != 0 }
}

/// Drops what was typed and not read.
pub fn discard_input(terminal: &File) {
    // SAFETY: the handle is open as long as `terminal` is borrowed.
    unsafe { FlushConsoleInputBuffer(handle(terminal)) };
}

/// Returns the width in columns.
pub fn width(terminal: &File) -> Option<usize> {
    let window = window(terminal)?;
    usize::try_from(window.Right - window.Left + 1).ok().filter(|&columns| columns > 0)
}

/// Returns the height in rows.
pub fn height(terminal: &File) -> Option<usize> {
    let window = window(terminal)?;
    usize::try_from(window.Bottom - window.Top + 1).ok().filter(|&rows| rows > 0)
}

fn window(terminal: &File) -> Option<SMALL_RECT> {
    // SAFETY: the structure is plain data, filled in by the call while the handle is open.
    unsafe {
        let mut info: CONSOLE_SCREEN_BUFFER_INFO = std::mem::zeroed();
        (GetConsoleScreenBufferInfo(handle(terminal), &mut info) != 0).then_some(info.srWindow)
    }
}

/// Writes text, all of it, with escape sequences understood. The console's mode is another's to choose, so it is put
/// back at once; bytes would be read in the console's own code page, hence UTF-16.
pub fn write(terminal: &File, text: &[u8]) -> io::Result<usize> {
    let wide: Vec<u16> = String::from_utf8_lossy(text).encode_utf16().collect();
    let (console, mut mode, mut written) = (handle(terminal), 0, 0);
    // SAFETY: the handle is open as long as `terminal` is borrowed; `mode`, `wide` and `written` live through the calls,
    // and the length is that of `wide`.
    let done = unsafe {
        let known = GetConsoleMode(console, &mut mode) != 0;
        SetConsoleMode(console, mode | ENABLE_VIRTUAL_TERMINAL_PROCESSING);
        let done = WriteConsoleW(console, wide.as_ptr(), wide.len() as u32, &mut written, std::ptr::null());
        if known {
            SetConsoleMode(console, mode);
        }
        done
    };
    if done == 0 { Err(io::Error::last_os_error()) } else { Ok(text.len()) }
}

/// A console always takes output.
pub fn await_room(_terminal: &File, _until: Deadline) {}

/// Waits for typing or the deadline. A console read cannot be ended, so a thread that outlives the deadline stays
/// behind until the process ends; it takes at most one line.
pub fn hear(terminal: &File, _resumed: &Resumed, buffer: &mut [u8], until: Deadline) -> Heard {
    let Ok(mut input) = terminal.try_clone() else { return Heard::Gone };
    let mut own = zeroize::Zeroizing::new(vec![0u8; buffer.len()]);
    let (done, wait) = mpsc::channel();
    std::thread::spawn(move || {
        let count = input.read(&mut own);
        if matches!(count, Ok(0)) && was_interrupted() {
            std::thread::sleep(INTERRUPTED_BOUND);
        }
        let _ = done.send(count.map(|count| (own, count)));
    });
    match wait.recv_timeout(until.left()) {
        Ok(Ok((typed, count))) => {
            buffer[..count].copy_from_slice(&typed[..count]);
            Heard::Bytes(count)
        }
        Ok(Err(_)) => Heard::Gone,
        Err(_) => Heard::TimedOut,
    }
}

/// Returns whether ^C ended the read that this thread has just made: it looks like the end of input, and the handler
/// that ends the process is called beside it.
fn was_interrupted() -> bool {
    io::Error::last_os_error().raw_os_error() == Some(ERROR_OPERATION_ABORTED as i32)
}

fn handle(file: &File) -> HANDLE {
    file.as_raw_handle().cast()
}

/// Windows stops nobody for using the console.
pub struct NoStops;

impl NoStops {
    /// Does nothing.
    pub fn begin() -> Self {
        Self
    }
}

/// There is no ^Z to come back from.
pub struct Resumed;

impl Resumed {
    /// Listens to nothing.
    pub fn listen() -> io::Result<Self> {
        Ok(Self)
    }
}

// ---- console modes

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

/// Windows stops nobody.
pub struct ModesKept;

impl ModesKept {
    /// Does nothing.
    pub fn begin() -> io::Result<Self> {
        Ok(Self)
    }

    /// Does nothing; there is no ^Z.
    pub fn stop(&mut self, _resumed: &Resumed) {}
}

// ---- what ends us

static ACT: OnceLock<Box<dyn Fn(i32) + Send + Sync>> = OnceLock::new();

/// Calls `act` on a thread of the system's when ^C, ^Break, or a closed window ends us.
pub fn on_deadly_signal(act: impl Fn(i32) + Send + Sync + 'static) -> io::Result<()> {
    let _ = ACT.set(Box::new(act));
    // SAFETY: the handler is a function that lives as long as the program.
    match unsafe { SetConsoleCtrlHandler(Some(on_control), 1) } {
        0 => Err(io::Error::last_os_error()),
        _ => Ok(()),
    }
}

unsafe extern "system" fn on_control(event: u32) -> i32 {
    if let Some(act) = ACT.get() {
        act(event as i32);
    }
    0
}

/// Ends the process with the code Windows gives those ended by ^C.
pub fn die_of(_event: i32) -> ! {
    const CONTROL_C_EXIT: u32 = 0xC000_013A;
    std::process::exit(CONTROL_C_EXIT as i32)
}

// ---- a hardened process

/// There is no core limit.
#[derive(Clone, Copy, Debug)]
pub struct CoreLimit;

/// Does nothing: an ordinary process cannot keep its user's other programs out.
pub fn harden() -> CoreLimit {
    CoreLimit
}

/// Does nothing.
pub fn restore_limit(_limit: CoreLimit, _command: &mut Command) {}

// ---- standard input, other processes

/// Runs another program in our place and ends with its exit code, as Windows has no exec; returns only if it did not
/// start. ^C and ^Break are the program's to act on: we stay until it has ended.
pub fn become_command(command: &mut Command) -> io::Error {
    // SAFETY: the handler is a function that lives as long as the program.
    unsafe { SetConsoleCtrlHandler(Some(leave_to_the_child), 1) };
    match command.status() {
        Ok(status) => std::process::exit(status.code().unwrap_or(1)),
        Err(error) => error,
    }
}

unsafe extern "system" fn leave_to_the_child(event: u32) -> i32 {
    i32::from(matches!(event, CTRL_C_EVENT | CTRL_BREAK_EVENT))
}

/// Returns the file a bare name means to a shell. The system itself finds `.exe` only, and much of what npm or pip
/// install is a `.cmd` or `.bat`.
pub fn startable(program: &OsStr, path: Option<&OsStr>) -> OsString {
    let name = Path::new(program);
    if name.components().count() != 1 || name.extension().is_some() {
        return program.into();
    }
    let folders = std::env::split_paths(path.unwrap_or_default()).filter(|folder| folder.is_absolute());
    let mut files = folders.flat_map(|folder| ["exe", "cmd", "bat"].map(|end| folder.join(name).with_extension(end)));
    files.find(|file| file.is_file()).map_or_else(|| program.into(), OsString::from)
}

/// Returns the width of the terminal that standard output goes to, if it goes to one.
pub fn stdout_width() -> Option<usize> {
    io::stdout().as_handle().try_clone_to_owned().ok().and_then(|out| width(&File::from(out)))
}

/// Opens standard input once more, without the buffer of `std::io::stdin`.
pub fn unbuffered_stdin() -> io::Result<File> {
    io::stdin().as_handle().try_clone_to_owned().map(File::from)
}

/// Names nobody.
pub fn parent_id() -> Option<u32> {
    None
}

/// Windows has no process groups of this kind; a child's own children outlive it.
pub fn lead_group(_command: &mut Command) {}

/// Does nothing; the child itself is ended by its handle.
pub fn kill_group(_leader: u32) {}

/// Windows ends nobody by signal.
pub fn signal_of(_status: ExitStatus) -> Option<i32> {
    None
}

/// Whether a file can be started.
pub fn is_executable(file: &Path) -> bool {
    file.is_file()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bare_name_means_the_file_a_shell_would_start() {
        let (first, second) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let path = std::env::join_paths([Path::new("relative"), first.path(), second.path()]).unwrap();
        for (folder, name) in [(&first, "cdk.cmd"), (&second, "cdk.exe"), (&second, "sam.bat"), (&second, "plain")] {
            std::fs::write(folder.path().join(name), "").unwrap();
        }
        let found = |name: &str| startable(OsStr::new(name), Some(&path));
        assert_eq!(found("cdk"), first.path().join("cdk.cmd"));
        assert_eq!(found("sam"), second.path().join("sam.bat"));
        for left_to_the_system in ["plain", "nobody", "sam.bat", r".\sam", r"C:\sam", "", "."] {
            assert_eq!(found(left_to_the_system), left_to_the_system);
        }
        assert_eq!(startable(OsStr::new("cdk"), None), "cdk");
    }
}
