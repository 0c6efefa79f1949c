//! The terminal read key by key: what one key sends becomes one value.
//!
//! ^C, ^\ and ^Z are signals, not keys. A key we know nothing about is skipped, with all it sends.

use std::time::Instant;

use super::modes::{ChangedModes, Input, Mode};
use crate::system::clock::Deadline;
use crate::system::platform::REST_OF_A_KEY;
use crate::system::terminal_events::{Event, Unusable};

/// A key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key {
    /// A character, never a control character.
    Text(char),
    /// Enter.
    Enter,
    /// Esc alone.
    Escape,
    /// ^D.
    End,
    /// Backspace, or ^H.
    Backspace,
    /// ^W.
    EraseWord,
    /// ^U.
    EraseLine,
    /// The arrow, ^P, or Shift-Tab.
    Up,
    /// The arrow, ^N, or Tab.
    Down,
    /// Page up.
    PageUp,
    /// Page down.
    PageDown,
    /// Home.
    First,
    /// End.
    Last,
}

/// What came of waiting for a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyEvent {
    /// A key.
    Key(Key),
    /// The window has another size: draw again.
    Resized,
    /// ^Z: take away what is drawn, then call [`Keys::stop`].
    Stop,
    /// We were stopped without a word before, and go on: draw again, below what is on the screen now.
    Resumed,
    /// Nothing before the deadline.
    TimedOut,
    /// The terminal can no longer be read.
    Lost(Unusable),
}

/// The keys of the terminal; line mode is restored on drop.
pub struct Keys<'a> {
    input: &'a Input,
    changed: ChangedModes<'a>,
    unread: Vec<u8>,
}

impl<'a> Keys<'a> {
    pub(super) fn begin(input: &'a Input) -> Result<Self, Unusable> {
        Ok(Self { input, changed: ChangedModes::begin(input, Mode::KeyByKey)?, unread: Vec::new() })
    }

    pub fn next(&mut self, until: Deadline) -> KeyEvent {
        loop {
            match decode(&self.unread) {
                Decoded::Key(key, length) => {
                    self.unread.drain(..length);
                    return KeyEvent::Key(key);
                }
                Decoded::Skip(length) => drop(self.unread.drain(..length)),
                Decoded::Incomplete if self.unread.is_empty() => {
                    if let Some(other) = self.read(until) {
                        return other;
                    }
                }
                Decoded::Incomplete => match self.rest() {
                    Some(KeyEvent::TimedOut) => {
                        let alone = self.unread == [ESC];
                        self.unread.clear();
                        if alone {
                            return KeyEvent::Key(Key::Escape);
                        }
                    }
                    Some(other) => return other,
                    None => {}
                },
            }
        }
    }

    fn rest(&mut self) -> Option<KeyEvent> {
        if REST_OF_A_KEY.is_zero() {
            return Some(KeyEvent::TimedOut);
        }
        self.read(Deadline::after(Instant::now(), REST_OF_A_KEY))
    }

    /// Reads what is typed; returns something else if that came first.
    fn read(&mut self, until: Deadline) -> Option<KeyEvent> {
        let mut piece = [0; 256];
        match self.input.read(&mut piece, until) {
            // nothing to read in this mode: the other side is closed
            Event::Bytes(0) | Event::Gone => Some(KeyEvent::Lost(Unusable::Gone)),
            Event::Bytes(count) => {
                self.unread.extend_from_slice(&piece[..count]);
                None
            }
            Event::TimedOut => Some(KeyEvent::TimedOut),
            Event::Resized => Some(KeyEvent::Resized),
            Event::Stop => {
                self.unread.clear();
                Some(KeyEvent::Stop)
            }
            Event::Resumed => {
                self.unread.clear();
                Some(self.changed.resume_after(Event::Resumed).map_or_else(KeyEvent::Lost, |()| KeyEvent::Resumed))
            }
        }
    }

    /// Stops the process, the terminal in its own modes meanwhile; returns in front again, or why not.
    pub fn stop(&mut self) -> Result<(), Unusable> {
        self.changed.resume_after(Event::Stop)
    }
}

const ESC: u8 = 0x1b;
/// Longest sequence of one key; whatever is longer is none.
const LONGEST_SEQUENCE: usize = 32;

/// What the first bytes are.
#[derive(Debug, PartialEq, Eq)]
enum Decoded {
    Key(Key, usize),
    Skip(usize),
    Incomplete,
}

fn decode(bytes: &[u8]) -> Decoded {
    let key = |key| Decoded::Key(key, 1);
    match bytes.first() {
        None => Decoded::Incomplete,
        Some(&ESC) => escape(bytes),
        Some(b'\r' | b'\n') => key(Key::Enter),
        Some(0x04) => key(Key::End),
        Some(0x08 | 0x7f) => key(Key::Backspace),
        Some(b'\t' | 0x0e) => key(Key::Down),
        Some(0x10) => key(Key::Up),
        Some(0x15) => key(Key::EraseLine),
        Some(0x17) => key(Key::EraseWord),
        Some(_) => text(bytes),
    }
}

fn text(bytes: &[u8]) -> Decoded {
    let start = &bytes[..bytes.len().min(4)];
    let valid = match std::str::from_utf8(start) {
        Ok(text) => text,
        Err(e) if e.valid_up_to() > 0 => std::str::from_utf8(&start[..e.valid_up_to()]).unwrap_or_default(),
        Err(e) if e.error_len().is_none() => return Decoded::Incomplete,
        Err(_) => return Decoded::Skip(1),
    };
    match valid.chars().next() {
        Some(c) if !c.is_control() => Decoded::Key(Key::Text(c), c.len_utf8()),
        other => Decoded::Skip(other.map_or(1, char::len_utf8)),
    }
}

/// What begins with Esc: a sequence of a key, or a key pressed together with Alt, which means nothing here.
fn escape(bytes: &[u8]) -> Decoded {
    match bytes.get(1) {
        None => Decoded::Incomplete,
        Some(&ESC) => Decoded::Key(Key::Escape, 1),
        Some(b'[') => control_sequence(bytes),
        Some(b'O') => bytes.get(2).map_or(Decoded::Incomplete, |&last| named(b"", last, 3)),
        Some(_) => match text(&bytes[1..]) {
            Decoded::Key(_, length) | Decoded::Skip(length) => Decoded::Skip(1 + length),
            Decoded::Incomplete => Decoded::Incomplete,
        },
    }
}

/// `ESC [`, parameters, and a last byte; the console of Linux sends a second `[` for its function keys.
fn control_sequence(bytes: &[u8]) -> Decoded {
    let start = if bytes.get(2) == Some(&b'[') { 3 } else { 2 };
    let parameters = bytes[start..].iter().take(LONGEST_SEQUENCE).take_while(|b| matches!(b, 0x20..=0x3f)).count();
    let end = start + parameters;
    match bytes.get(end) {
        _ if parameters == LONGEST_SEQUENCE => Decoded::Skip(end),
        None => Decoded::Incomplete,
        Some(_) if start == 3 => Decoded::Skip(end + 1),
        Some(&last @ 0x40..=0x7e) => named(&bytes[start..end], last, end + 1),
        Some(_) => Decoded::Skip(end),
    }
}

fn named(parameters: &[u8], last: u8, length: usize) -> Decoded {
    // what follows `;` are Shift, Alt and Control
    let number = parameters.split(|&b| b == b';').next().unwrap_or_default();
    let key = match (number, last) {
        (_, b'A' | b'Z') => Key::Up,
        (_, b'B') => Key::Down,
        (b"5", b'~') => Key::PageUp,
        (b"6", b'~') => Key::PageDown,
        (_, b'H') | (b"1" | b"7", b'~') => Key::First,
        (_, b'F') | (b"4" | b"8", b'~') => Key::Last,
        (b"", b'M') => Key::Enter,
        _ => return Decoded::Skip(length),
    };
    Decoded::Key(key, length)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All keys in what was typed, up to what is not complete.
    fn keys(mut bytes: &[u8]) -> (Vec<Key>, usize) {
        let mut found = Vec::new();
        loop {
            match decode(bytes) {
                Decoded::Key(key, length) => {
                    found.push(key);
                    bytes = &bytes[length..];
                }
                Decoded::Skip(length) => bytes = &bytes[length..],
                Decoded::Incomplete => return (found, bytes.len()),
            }
        }
    }

    #[test]
    fn what_keys_send() {
        use Key::*;
        for (bytes, expected) in [
            (&b"a b"[..], &[Text('a'), Text(' '), Text('b')][..]),
            ("é漢🦀".as_bytes(), &[Text('é'), Text('漢'), Text('🦀')]),
            (b"\r\n", &[Enter, Enter]),
            (b"\x7f\x08\x15\x17\x04", &[Backspace, Backspace, EraseLine, EraseWord, End]),
            (b"\t\x0e\x10\x1b[Z", &[Down, Down, Up, Up]),
            (b"\x1b[A\x1b[B\x1bOA\x1bOB", &[Up, Down, Up, Down]),
            (b"\x1b[5~\x1b[6~\x1b[H\x1b[F\x1b[1~\x1b[4~", &[PageUp, PageDown, First, Last, First, Last]),
            (b"\x1b[1;5A\x1b[6;2~", &[Up, PageDown]),
            (b"\x1b\x1b\x1b[A", &[Escape, Escape, Up]),
        ] {
            assert_eq!(keys(bytes), (expected.to_vec(), 0), "{bytes:?}");
        }
    }

    #[test]
    fn what_means_nothing_is_skipped_whole() {
        for bytes in [
            &b"\x01\x1f\x00"[..],
            b"\x1b[C\x1b[D\x1b[3~\x1b[15~\x1bOP\x1b[[A",
            b"\x1bx\x1b\xc3\xa9",
            b"\xff\xfe\xc3",
            "\u{9b}".as_bytes(),
            b"\x1b[200~\x1b[201~\x1b[?1;2c\x1b[<0;1;1M",
        ] {
            let (found, left) = keys(bytes);
            assert!(found.is_empty() && left <= 1, "{bytes:?}: {found:?}");
        }
        assert_eq!(keys(b"\xff\xc3(x").0, [Key::Text('('), Key::Text('x')]);
        let long = [b"\x1b[".as_slice(), &[b'1'; 1_000], b"Ax"].concat();
        assert!(keys(&long).0.len() > 900, "no endless sequence");
    }

    #[test]
    fn half_a_key_waits_for_its_rest() {
        for bytes in [&b"\x1b"[..], b"\x1b[", b"\x1b[1;", b"\x1bO", b"\x1b[[", b"\xe6\xbc", b"\xf0\x9f"] {
            assert_eq!(keys(bytes), (vec![], bytes.len()), "{bytes:?}");
        }
    }
}
