//! The console on Windows: opened, read, written and measured.

use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::os::windows::io::{AsHandle, AsRawHandle};
use std::sync::mpsc;
use std::time::Duration;

use windows_sys::Win32::Foundation::{ERROR_OPERATION_ABORTED, HANDLE};
use windows_sys::Win32::System::Console::{
    CONSOLE_SCREEN_BUFFER_INFO, ENABLE_LINE_INPUT, ENABLE_VIRTUAL_TERMINAL_PROCESSING, FlushConsoleInputBuffer,
    GetConsoleMode, GetConsoleScreenBufferInfo, GetConsoleWindow, SMALL_RECT, SetConsoleMode, WriteConsoleW,
};

use super::signals::TerminalSignals;
use crate::system::clock::Deadline;
use crate::system::terminal_events::Event;

/// How long the handler of ^C may take to end us, its exit hooks included, before ^C counts as the end of input.
const INTERRUPTED_BOUND: Duration = Duration::from_secs(2);

/// Opens the console for reading and writing.
pub fn open_terminal() -> io::Result<(File, File)> {
    let open = |name| OpenOptions::new().read(true).write(true).open(name);
    Ok((open("CONIN$")?, open("CONOUT$")?))
}

/// A console has no background jobs.
pub fn is_foreground(_terminal: &File) -> io::Result<bool> {
    Ok(true)
}

/// A console has no background jobs.
pub fn is_foreground_of(_terminal: &File, _pid: u32) -> bool {
    true
}

/// Names our console among those of this machine: its window, which may be one that nobody sees.
pub fn terminal_id() -> Option<String> {
    // SAFETY: the call takes nothing, and returns a handle that is only a name here.
    let window = unsafe { GetConsoleWindow() } as usize;
    (window != 0).then(|| window.to_string())
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

/// Returns whether the console shows styles, and makes it do so.
pub fn shows_styles(terminal_type: Option<&str>) -> bool {
    terminal_type != Some("dumb") && anstyle_query::windows::enable_ansi_colors() == Some(true)
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
pub fn write_terminal(terminal: &File, text: &[u8]) -> io::Result<usize> {
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
pub fn wait_until_writable(_terminal: &File, _until: Deadline) {}

/// Waits for typing or the deadline. A console read cannot be ended, so a thread that outlives the deadline stays
/// behind until the process ends; it takes at most one line.
pub fn read_terminal(terminal: &File, _signals: &TerminalSignals, buffer: &mut [u8], until: Deadline) -> Event {
    let Ok(mut input) = terminal.try_clone() else { return Event::Gone };
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
            Event::Bytes(count)
        }
        Ok(Err(_)) => Event::Gone,
        Err(_) => Event::TimedOut,
    }
}

/// Returns whether ^C ended the read that this thread has just made: it looks like the end of input, and the handler
/// that ends the process is called beside it.
fn was_interrupted() -> bool {
    io::Error::last_os_error().raw_os_error() == Some(ERROR_OPERATION_ABORTED as i32)
}

pub(super) fn handle(file: &File) -> HANDLE {
    file.as_raw_handle().cast()
}

/// Returns the width of the terminal that standard output goes to, if it goes to one.
pub fn stdout_width() -> Option<usize> {
    width_of(&io::stdout())
}

/// The same for standard error.
pub fn stderr_width() -> Option<usize> {
    width_of(&io::stderr())
}

fn width_of(stream: &impl AsHandle) -> Option<usize> {
    stream.as_handle().try_clone_to_owned().ok().and_then(|out| width(&File::from(out)))
}
