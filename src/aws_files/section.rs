//! One profile's settings in one file, with their places.

use std::fmt;

use zeroize::Zeroize;

pub use super::grammar::Span;
use super::grammar::{self, Block, Entry};
use crate::credentials::{AccessKeyId, STATIC_KEYS};
use crate::error::Place;
use crate::secret;

/// The settings of one profile, or of another named section, in one file.
#[derive(Debug)]
pub struct Section {
    pub name: String,
    /// The line of the first header.
    pub header_line: usize,
    /// One for each of its headers; duplicates are merged.
    pub parts: Vec<Part>,
    /// Every key in file order, duplicates included.
    pub settings: Vec<Setting>,
}

/// One header and what belongs to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// The header's line with its ending.
    pub header: Span,
    /// The end of the last line that belongs to a key or the header; a new key is inserted here.
    pub end: usize,
}

/// One key and its value. Wiped on drop.
#[derive(Clone)]
pub struct Setting {
    /// In lower case.
    pub key: String,
    /// Trimmed, inline comment dropped; each line of a block follows a `\n`.
    pub value: String,
    pub place: Place,
    pub spans: Spans,
}

/// Where a setting is in the file's bytes, for edits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spans {
    /// The key's line with its ending, and all lines that continue it.
    pub lines: Span,
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
    /// Returns the effective setting: the last of duplicates. `key` is in lower case.
    pub fn get(&self, key: &str) -> Option<&Setting> {
        self.settings.iter().rev().find(|setting| setting.key == key)
    }
}

impl Setting {
    pub(super) fn read(bytes: &[u8], entry: &Entry, place: Place) -> Self {
        let text = |span: Span| String::from_utf8_lossy(&bytes[span]);
        let first = grammar::trim(bytes, grammar::without_comment(bytes, entry.first.clone()));
        let last = entry.below.last().unwrap_or(&first).end;
        // Allocated at once: growing would leave parts of a key in freed memory.
        let mut value = String::with_capacity(last - first.start + 1);
        value.push_str(&text(first.clone()));
        for below in &entry.below {
            value.push('\n');
            value.push_str(&text(below.clone()));
        }
        let spans = Spans { lines: entry.lines.clone(), key: entry.key.clone(), value: first.start..last };
        Self { key: text(entry.key.clone()).to_ascii_lowercase(), value, place, spans }
    }

    /// Another key with another value in its place.
    pub fn renamed(&self, key: &str, value: &str) -> Self {
        Self { key: key.into(), value: value.into(), place: self.place.clone(), spans: self.spans.clone() }
    }

    /// Whether the value is never shown: it is or contains a secret key or a session token.
    pub fn is_secret(&self) -> bool {
        let is_invalid_id = || self.key == STATIC_KEYS[0] && AccessKeyId::parse(&self.value).is_err();
        secret::is_name(&self.key)
            || is_invalid_id()
            || self.value.lines().any(secret::is_named_in)
            || secret::is_in(&self.value)
    }

    /// The value, masked if it is secret.
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
