//! What one file says about one profile: settings with their places.

use std::fmt;

use zeroize::Zeroize;

pub use super::grammar::Span;
use super::grammar::{self, Block, Entry};
use crate::credentials::{AccessKeyId, STATIC_KEYS};
use crate::error::Place;
use crate::secret;

/// All that one profile, or another named section, says in one file.
#[derive(Debug)]
pub struct Section {
    /// The name as it was asked for.
    pub name: String,
    /// The line of the first header.
    pub header_line: usize,
    /// Every place where the section stands; duplicate headers are merged.
    pub parts: Vec<Part>,
    /// Every key in file order, duplicates included.
    pub settings: Vec<Setting>,
}

/// One header and what belongs to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// The header's line with its ending.
    pub header: Span,
    /// Where the last line ends that belongs to a key, or the header; a new key goes here.
    pub end: usize,
}

/// One key, its value as we read it, and where it stands. Wiped on drop.
pub struct Setting {
    /// In lower case.
    pub key: String,
    /// Trimmed, inline comment dropped; the lines of a block each behind a `\n`.
    pub value: String,
    /// File and line of the key.
    pub place: Place,
    /// The same in bytes, for the editor.
    pub spans: Spans,
}

/// Where a setting stands in the file's bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spans {
    /// The key's line with its ending, and all lines that continue it.
    pub lines: Span,
    /// The key.
    pub key: Span,
    /// From the first character of the value to the last, continuation lines included, an inline comment excluded.
    pub value: Span,
}

impl From<&Block> for Part {
    fn from(block: &Block) -> Self {
        let end = block.entries.last().map_or(block.header.end, |entry| entry.lines.end);
        Self { header: block.header.clone(), end }
    }
}

impl Section {
    /// Returns the setting that counts: the last of duplicates. `key` is in lower case.
    pub fn get(&self, key: &str) -> Option<&Setting> {
        self.settings.iter().rev().find(|setting| setting.key == key)
    }
}

impl Setting {
    pub(super) fn read(bytes: &[u8], entry: &Entry, place: Place) -> Self {
        let text = |span: Span| String::from_utf8_lossy(&bytes[span]);
        let first = grammar::trim(bytes, grammar::without_comment(bytes, entry.first.clone()));
        let last = entry.below.last().unwrap_or(&first).end;
        // The room is made at once: growing would leave pieces of a key behind in freed memory.
        let mut value = String::with_capacity(last - first.start + 1);
        value.push_str(&text(first.clone()));
        for below in &entry.below {
            value.push('\n');
            value.push_str(&text(below.clone()));
        }
        let spans = Spans { lines: entry.lines.clone(), key: entry.key.clone(), value: first.start..last };
        Self { key: text(entry.key.clone()).to_ascii_lowercase(), value, place, spans }
    }

    /// Whether the value is shown to nobody: the secret half of a key or a session token, wherever it stands.
    pub fn is_secret(&self) -> bool {
        let is_no_id = || self.key == STATIC_KEYS[0] && AccessKeyId::parse(&self.value).is_err();
        secret::is_name(&self.key)
            || is_no_id()
            || self.value.lines().any(secret::is_named_in)
            || secret::is_in(&self.value)
    }

    /// The value as it may be shown: its own text, or a mask.
    pub fn shown(&self) -> &str {
        if self.is_secret() { secret::MASK } else { &self.value }
    }
}

impl fmt::Debug for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} = {:?} ({})", self.key, self.shown(), self.place)
    }
}

impl Drop for Setting {
    fn drop(&mut self) {
        self.value.zeroize();
    }
}
