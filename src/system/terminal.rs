//! The controlling terminal: opened by ourselves, read line by line in its own line mode, and never changed.
//!
//! [`Terminal::read_line`] sets no terminal mode, so nothing has to be put back: whatever ends us, kill -9 included,
//! leaves the terminal as it was (threat-model P22). Questions for codes and for a yes keep to it. Only two things
//! change modes, for as long as they last: [`Terminal::hide_typing`], because secret keys are worth something later,
//! and [`Terminal::keys`], because a picker has to hear each key. How they put them back stands in
//! `system/modes.rs`; kill -9 within them cannot be helped. File descriptors 0 to 2 are not touched (P21).

use std::fmt;
use std::fs::File;
use std::io::{self, ErrorKind};
use std::time::{Duration, Instant};

use zeroize::Zeroizing;

use crate::secret::Secret;
use crate::system::clock::Deadline;
use crate::system::env::Env;
use crate::system::keys::Keys;
use crate::system::modes::{Changed, Wanted};
use crate::system::platform::{self, NoStops, Resumed};

/// Width assumed when the terminal does not know its own.
const USUAL_WIDTH: usize = 80;
/// Height assumed when the terminal does not know its own.
const USUAL_HEIGHT: usize = 24;
/// Longest line handed out; a longer one is read to its end and dropped.
const LONGEST_LINE: usize = 1024;
/// Longest wait for a terminal that takes no output.
const WRITE_BOUND: Duration = Duration::from_secs(1);

/// Why the terminal cannot be used for a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unusable {
    /// There is no controlling terminal.
    Missing,
    /// Another job is in its foreground.
    Background,
    /// A full-screen program or a line editor reads it key by key, and would share our digits.
    KeyByKey,
    /// It hung up.
    Gone,
}

impl fmt::Display for Unusable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Unusable::Missing => "no terminal",
            Unusable::Background => "this job is in the background of its terminal",
            Unusable::KeyByKey => "another program reads the terminal key by key",
            Unusable::Gone => "the terminal went away",
        })
    }
}

/// What came of reading a line.
#[derive(Debug)]
pub enum Line {
    /// The line, without its end.
    Text(Secret<String>),
    /// A line longer than anything we ask for; read to its end and dropped.
    TooLong,
    /// End of input (^D).
    End,
    /// Nothing before the deadline.
    TimedOut,
    /// We were stopped and go on: what stood on the screen has scrolled away.
    Resumed,
    /// The terminal can no longer be read.
    Lost(Unusable),
}

/// What the platform heard from the terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::system) enum Heard {
    /// So many bytes; none at end of input.
    Bytes(usize),
    /// Nothing before the deadline.
    TimedOut,
    /// The process was stopped and goes on.
    #[cfg_attr(windows, expect(dead_code, reason = "Windows stops nobody"))]
    Resumed,
    /// ^Z: put back what was changed, then stop. Heard only while modes are changed.
    Stop,
    /// The window has another size. Heard only while modes are changed.
    #[cfg_attr(windows, expect(dead_code, reason = "the console tells by events, which we do not read"))]
    Resized,
    /// The terminal cannot be read.
    Gone,
}

/// Returns whether a process has our controlling terminal, so that what it shows is seen here.
pub fn is_shared_with(pid: u32) -> bool {
    platform::is_in_our_session(pid)
}

/// Returns how wide a table may be: what `COLUMNS` says, else the terminal that stdout goes to. A pipe has no bounds.
pub fn columns(env: &Env) -> Option<usize> {
    let told = env.text("COLUMNS").and_then(|columns| columns.parse().ok()).filter(|&columns| columns > 0);
    told.or_else(platform::stdout_width)
}

/// The controlling terminal while we talk on it. In its background it fails; it never stops us.
pub struct Terminal {
    pub(super) input: File,
    output: File,
    pub(super) resumed: Resumed,
    _no_stops: NoStops,
}

impl Terminal {
    /// Opens the controlling terminal, if we are in its foreground and it hands out lines.
    pub fn open() -> Result<Self, Unusable> {
        let (input, output) = platform::open_terminal().map_err(|_| Unusable::Missing)?;
        let resumed = Resumed::listen().map_err(|_| Unusable::Missing)?;
        let terminal = Self { input, output, resumed, _no_stops: NoStops::begin() };
        terminal.check()?;
        Ok(terminal)
    }

    /// Says why the terminal cannot be talked to right now, if so.
    pub fn check(&self) -> Result<(), Unusable> {
        match platform::is_foreground(&self.input) {
            Err(_) => Err(Unusable::Gone),
            Ok(false) => Err(Unusable::Background),
            Ok(true) if !platform::takes_lines(&self.input) => Err(Unusable::KeyByKey),
            Ok(true) => Ok(()),
        }
    }

    /// Returns the width in columns.
    pub fn width(&self) -> usize {
        platform::width(&self.output).unwrap_or(USUAL_WIDTH)
    }

    /// Drops what was typed and not read yet.
    pub fn discard_input(&self) {
        platform::discard_input(&self.input);
    }

    /// Writes text as it is; foreign parts of it have been made visible before. A stopped terminal (^S) fails in time.
    pub fn write(&self, text: &str) -> io::Result<()> {
        let until = Deadline::after(Instant::now(), WRITE_BOUND);
        let mut rest = text.as_bytes();
        while !rest.is_empty() {
            match platform::write(&self.output, rest) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(count) => rest = &rest[count..],
                Err(e) if e.kind() == ErrorKind::Interrupted => {}
                Err(e) if e.kind() == ErrorKind::WouldBlock && !until.has_passed() => {
                    platform::await_room(&self.output, until);
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
        Ok(HiddenTyping { terminal: self, changed: Changed::begin(self, Wanted::HiddenLine)? })
    }

    /// Reads one line that is not shown; see [`HiddenTyping::read_line`].
    pub fn read_hidden_line(&self, until: Deadline) -> Line {
        self.hide_typing().map_or_else(Line::Lost, |hidden| hidden.read_line(until))
    }

    /// Reads the terminal key by key from now on, and drops what was typed before.
    pub fn keys(&self) -> Result<Keys<'_>, Unusable> {
        Keys::begin(self)
    }

    pub(super) fn hear(&self, buffer: &mut [u8], until: Deadline) -> Heard {
        platform::hear(&self.input, &self.resumed, buffer, until)
    }

    fn read_line_as(&self, changed: Option<&Changed>, until: Deadline) -> Line {
        // full size from the start: a buffer that grows leaves copies behind
        let mut line = Zeroizing::new(Vec::with_capacity(LONGEST_LINE));
        let mut piece = Zeroizing::new([0u8; 256]);
        let mut too_long = false;
        loop {
            let count = match self.hear(&mut piece[..], until) {
                Heard::Bytes(0) => return Line::End,
                Heard::Bytes(count) => count,
                Heard::TimedOut => return Line::TimedOut,
                Heard::Resized => continue,
                heard @ (Heard::Stop | Heard::Resumed) => match changed.map_or(Ok(()), |c| c.resume_after(heard)) {
                    Ok(()) => return Line::Resumed,
                    Err(why) => return Line::Lost(why),
                },
                Heard::Gone => return Line::Lost(self.check().err().unwrap_or(Unusable::Gone)),
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

/// What is typed is not shown while this lives.
pub struct HiddenTyping<'a> {
    terminal: &'a Terminal,
    changed: Changed<'a>,
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
