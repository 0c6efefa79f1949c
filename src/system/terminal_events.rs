//! What can come from the terminal, and why it may be of no use. Plain values: the platform files know them.

use std::fmt;

use crate::secret::Secret;

/// Why the terminal cannot be used for a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unusable {
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
            Unusable::Background => "this job runs in the background",
            Unusable::KeyByKey => "another program reads the terminal key by key",
            Unusable::Gone => "the terminal was closed",
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
    /// We were stopped and go on: what was on the screen has scrolled away.
    Resumed,
    /// The terminal can no longer be read.
    Lost(Unusable),
}

/// What the platform read from the terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Event {
    /// So many bytes; none at end of input.
    Bytes(usize),
    TimedOut,
    /// The process was stopped and goes on.
    #[cfg_attr(windows, expect(dead_code, reason = "Windows has no job control"))]
    Resumed,
    /// ^Z: restore the modes, then stop. Comes only while modes are changed.
    Stop,
    /// The window has another size. Comes only while modes are changed.
    #[cfg_attr(windows, expect(dead_code, reason = "the console tells by events, which we do not read"))]
    Resized,
    /// The terminal cannot be read.
    Gone,
}
