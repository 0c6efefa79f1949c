//! The controlling terminal: opened by ourselves, read line by line in its own line mode, and never changed.
//!
//! [`Terminal::read_line`] sets no terminal mode, so nothing has to be put back: whatever ends us, kill -9 included,
//! leaves the terminal as it was (threat-model P22). Questions for codes and for a yes keep to it. Only two things
//! change modes, for as long as they last: [`Terminal::hide_typing`], because secret keys are worth something later,
//! and [`Terminal::keys`], because a picker reads each key. `modes.rs` describes how they restore them; kill -9 within
//! them cannot be helped. File descriptors 0 to 2 are not touched (P21).
//!
//! Files know the ones before them only: `modes`, `keys`, and this one.

pub mod keys;
mod modes;

use std::fs::File;
use std::io::{self, ErrorKind};
use std::time::{Duration, Instant};

use zeroize::Zeroizing;

use crate::secret::Secret;
use crate::system::clock::Deadline;
use crate::system::env::Env;
use crate::system::platform;
use crate::system::terminal_events::Event;
pub use crate::system::terminal_events::{Line, Unusable};
use keys::Keys;
use modes::{ChangedModes, Input, Mode};

/// Width assumed when the terminal does not know its own.
const USUAL_WIDTH: usize = 80;
/// Height assumed when the terminal does not know its own.
const USUAL_HEIGHT: usize = 24;
/// Longest line handed out; a longer one is read to its end and dropped.
const LONGEST_LINE: usize = 1024;
/// Longest wait for a terminal that takes no output.
const WRITE_BOUND: Duration = Duration::from_secs(1);

/// Returns whether a process has our controlling terminal, so that what it shows is seen here.
pub fn is_shared_with(pid: u32) -> bool {
    platform::is_in_our_session(pid)
}

/// Returns how wide a table may be: what `COLUMNS` says, else the terminal that stdout goes to. A pipe has no bounds.
pub fn columns(env: &Env) -> Option<usize> {
    let told = env.text("COLUMNS").and_then(|columns| columns.parse().ok()).filter(|&columns| columns > 0);
    told.or_else(platform::stdout_width)
}

/// Returns the width of the terminal that stderr goes to, if it goes to one.
pub fn stderr_columns() -> Option<usize> {
    platform::stderr_width()
}

/// Returns whether words on a terminal may be styled: not with `NO_COLOR`, nor where the terminal shows no styles.
pub fn allows_styles(env: &Env) -> bool {
    env.text("NO_COLOR").is_none() && platform::shows_styles(env.text("TERM"))
}

/// The controlling terminal while we talk on it. In its background it fails; it never stops us.
pub struct Terminal {
    input: Input,
    output: File,
}

impl Terminal {
    /// Opens the controlling terminal, if we are in its foreground and it hands out lines.
    pub fn open() -> Result<Self, Unusable> {
        let (input, output) = platform::open_terminal().map_err(|_| Unusable::Missing)?;
        let terminal = Self { input: Input::new(input)?, output };
        terminal.check()?;
        Ok(terminal)
    }

    /// Says why the terminal cannot be talked to right now, if so.
    pub fn check(&self) -> Result<(), Unusable> {
        self.input.check()
    }

    /// Returns whether a process is in its foreground, where it can ask.
    pub fn is_foreground_of(&self, pid: u32) -> bool {
        platform::is_foreground_of(&self.output, pid)
    }

    /// Returns the width in columns.
    pub fn width(&self) -> usize {
        platform::width(&self.output).unwrap_or(USUAL_WIDTH)
    }

    /// Drops what was typed and not read yet.
    pub fn discard_input(&self) {
        self.input.discard();
    }

    /// Writes text as it is; foreign parts of it have been made visible before. A stopped terminal (^S) fails in time.
    pub fn write(&self, text: &str) -> io::Result<()> {
        let until = Deadline::after(Instant::now(), WRITE_BOUND);
        let mut rest = text.as_bytes();
        while !rest.is_empty() {
            match platform::write_terminal(&self.output, rest) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(count) => rest = &rest[count..],
                Err(e) if e.kind() == ErrorKind::Interrupted => {}
                Err(e) if e.kind() == ErrorKind::WouldBlock && !until.has_passed() => {
                    platform::wait_until_writable(&self.output, until);
                }
                Err(e) => return Err(e),
            }
        }
        Ok(())
    }

    /// Returns the height in rows.
    pub fn height(&self) -> usize {
        platform::height(&self.output).unwrap_or(USUAL_HEIGHT)
    }

    /// Reads one line; returns early when the process was stopped and goes on, with what was typed so far dropped.
    pub fn read_line(&self, until: Deadline) -> Line {
        self.read_line_as(None, until)
    }

    /// Hides what is typed from now on, and drops what was typed before; for secrets.
    ///
    /// Write the prompt after this, not before: what is typed between the two would be seen.
    pub fn hide_typing(&self) -> Result<HiddenTyping<'_>, Unusable> {
        Ok(HiddenTyping { terminal: self, changed: ChangedModes::begin(&self.input, Mode::HiddenLine)? })
    }

    /// Reads one line that is not shown; see [`HiddenTyping::read_line`].
    pub fn read_hidden_line(&self, until: Deadline) -> Line {
        self.hide_typing().map_or_else(Line::Lost, |hidden| hidden.read_line(until))
    }

    /// Reads the terminal key by key from now on, and drops what was typed before.
    pub fn keys(&self) -> Result<Keys<'_>, Unusable> {
        Keys::begin(&self.input)
    }

    fn read_line_as(&self, changed: Option<&ChangedModes>, until: Deadline) -> Line {
        // full size from the start: a buffer that grows leaves copies behind
        let mut line = Zeroizing::new(Vec::with_capacity(LONGEST_LINE));
        let mut piece = Zeroizing::new([0u8; 256]);
        let mut too_long = false;
        loop {
            let count = match self.input.read(&mut piece[..], until) {
                Event::Bytes(0) => return Line::End,
                Event::Bytes(count) => count,
                Event::TimedOut => return Line::TimedOut,
                Event::Resized => continue,
                event @ (Event::Stop | Event::Resumed) => match changed.map_or(Ok(()), |c| c.resume_after(event)) {
                    Ok(()) => return Line::Resumed,
                    Err(why) => return Line::Lost(why),
                },
                Event::Gone => return Line::Lost(self.check().err().unwrap_or(Unusable::Gone)),
            };
            too_long |= line.len() + count > LONGEST_LINE;
            if !too_long {
                line.extend_from_slice(&piece[..count]);
            }
            if piece[count - 1] == b'\n' {
                return if too_long { Line::TooLong } else { Line::Text(text_of(&line)) };
            }
        }
    }
}

/// Returns what was typed without the marks that a terminal puts around a paste, where a line editor before us asked
/// for them and left that mode on.
pub fn without_paste_marks(typed: &Secret<String>) -> Secret<String> {
    let typed = typed.expose();
    // full size from the start: a string that grows leaves copies behind
    let mut text = String::with_capacity(typed.len());
    typed.split("\x1b[200~").flat_map(|piece| piece.split("\x1b[201~")).for_each(|piece| text.push_str(piece));
    Secret::new(text)
}

/// What is typed is not shown until this is dropped.
pub struct HiddenTyping<'a> {
    terminal: &'a Terminal,
    changed: ChangedModes<'a>,
}

impl HiddenTyping<'_> {
    /// Reads one line as [`Terminal::read_line`] does, and ends it on the screen, where Enter is not shown either.
    pub fn read_line(&self, until: Deadline) -> Line {
        let line = self.terminal.read_line_as(Some(&self.changed), until);
        if matches!(line, Line::Text(_) | Line::TooLong) {
            let _ = self.terminal.write("\n");
        }
        line
    }
}

fn text_of(line: &[u8]) -> Secret<String> {
    let text = Zeroizing::new(String::from_utf8_lossy(line).into_owned());
    Secret::new(text.trim_end_matches(['\r', '\n']).to_owned())
}
