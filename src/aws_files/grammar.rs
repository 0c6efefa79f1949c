//! What a line of an AWS file is: header, key, continuation, or nothing (aws-contract 1.2).
//!
//! Everything here is spans over the file's own bytes, so that what we read can be edited byte by byte.
//! Indentation is judged as Python's `configparser` does, the only reader that accepts wholly indented sections:
//! a line indented *more* than the key above it continues that key, any other starts a new key or section.
//! (The contract's "an indented line below a key continues its value" is short for this.)

use std::ops::Range;

use memchr::memmem::Finder;
use memchr::{memchr, memchr_iter, memchr2, memchr3, memrchr_iter, memrchr2};

/// A stretch of the file's bytes.
pub type Span = Range<usize>;

/// From one `[` at the start of a line to the next: what can be read without knowing the rest of the file.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Chunk {
    pub(super) span: Span,
    /// Some later line begins with blanks and `[`: only reading all lines tells whether it is a header.
    pub(super) mixed: bool,
}

/// One header and the keys below it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Block {
    pub(super) header: Span,
    /// The text between the brackets; none without `]`.
    pub(super) inside: Option<Span>,
    pub(super) entries: Vec<Entry>,
}

/// One key line and the lines that continue it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    /// From the beginning of the key line to the end of the last line that continues it.
    pub(super) lines: Span,
    /// Trimmed; empty on a line without a key, or with one no reader agrees on (blanks in it).
    pub(super) key: Span,
    /// The rest of the key line after the separator, blanks and comment included.
    pub(super) first: Span,
    /// The trimmed texts of the lines below.
    pub(super) below: Vec<Span>,
    pub(super) separator: Separator,
}

/// What is between key and value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Separator {
    Equals,
    Colon,
    Missing,
}

/// Where the text begins: after a byte order mark.
pub(super) fn text_start(bytes: &[u8]) -> usize {
    if bytes.starts_with(b"\xEF\xBB\xBF") { 3 } else { 0 }
}

/// Returns the chunks of a file in order; the first may have no header.
///
/// Only `[` is searched for: most lines of a large file are never looked at.
pub(super) fn chunks(bytes: &[u8]) -> impl Iterator<Item = Chunk> {
    let mut start = Some(text_start(bytes));
    std::iter::from_fn(move || {
        let chunk = chunk_at(bytes, start?);
        start = Some(chunk.span.end).filter(|&end| end < bytes.len());
        Some(chunk)
    })
}

/// Returns the chunks that may hold a header naming `name`: those with a line that begins with `[` and has the name
/// where a header's name ends. With thousands of profiles that is one or two.
pub(super) fn chunks_naming<'a>(
    bytes: &'a [u8],
    name: &'a [u8],
    ends: impl Fn(Option<&u8>) -> bool + 'a,
) -> impl Iterator<Item = Chunk> + 'a {
    let finder = Finder::new(name);
    let mut done = text_start(bytes);
    let mut at = done;
    std::iter::from_fn(move || {
        loop {
            // An empty name is found everywhere and names nothing.
            let hit = at + if name.is_empty() { None } else { finder.find(&bytes[at..]) }?;
            if !ends(bytes.get(hit + name.len())) {
                at = hit + 1;
                continue;
            }
            let line = memrchr2(b'\n', b'\r', &bytes[done..hit]).map_or(done, |n| done + n + 1);
            let first = trim(bytes, line..hit).start;
            if first == hit || bytes[first] != b'[' {
                at = memchr2(b'\n', b'\r', &bytes[hit..]).map_or(bytes.len(), |n| hit + n);
                continue;
            }
            let mut headers = memrchr_iter(b'[', &bytes[done..=line]).map(|n| done + n);
            let from = headers.find(|&bracket| starts_line(bytes, bracket)).unwrap_or(done);
            let chunk = chunk_at(bytes, from);
            (done, at) = (chunk.span.end, chunk.span.end);
            return Some(chunk);
        }
    })
}

/// Whether a name ends before this byte of a header.
pub(super) fn ends_name(after: Option<&u8>) -> bool {
    matches!(after, Some(b']' | b' ' | b'\t' | b'"' | b'\''))
}

/// The same where `]` may be missing or brackets too many. Many values end so, which takes time in a large file.
pub(super) fn ends_near_name(after: Option<&u8>) -> bool {
    ends_name(after) || matches!(after, None | Some(b'\n' | b'\r' | b'#' | b';' | b')' | b'}' | b'>'))
}

fn chunk_at(bytes: &[u8], from: usize) -> Chunk {
    let mut mixed = false;
    for at in memchr_iter(b'[', &bytes[from..]).map(|n| from + n).filter(|&at| at > from) {
        if starts_line(bytes, at) {
            return Chunk { span: from..at, mixed };
        }
        mixed = mixed || starts_line(bytes, at - blanks_before(&bytes[from..at]));
    }
    Chunk { span: from..bytes.len(), mixed }
}

fn starts_line(bytes: &[u8], at: usize) -> bool {
    at == text_start(bytes) || matches!(bytes[at - 1], b'\n' | b'\r')
}

/// Returns the text between the brackets of a chunk that begins with a header; none inside if `]` is missing.
pub(super) fn chunk_header(bytes: &[u8], chunk: &Chunk) -> Option<Option<Span>> {
    (bytes.get(chunk.span.start) == Some(&b'[')).then(|| between_brackets(bytes, chunk.span.clone()))
}

/// Reads every line of a chunk. Keys before the first header belong to no section and are left out.
pub(super) fn blocks(bytes: &[u8], chunk: &Chunk) -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    let mut key_indent = None;
    for Line { whole, text } in lines(bytes, chunk.span.clone()) {
        // counted in characters, as Python does: continuing bytes of UTF-8 begin with 10
        let indent = bytes[whole.start..text.start].iter().filter(|&&b| b & 0xC0 != 0x80).count();
        match (bytes[text.start], key_indent, blocks.last_mut()) {
            (b'#' | b';', _, _) => {}
            (_, Some(above), Some(block)) if indent > above => {
                let entry = block.entries.last_mut().expect("an indent is remembered with its entry");
                entry.lines.end = whole.end;
                entry.below.push(text);
            }
            (b'[', _, _) => {
                key_indent = None;
                blocks.push(Block { header: whole, inside: between_brackets(bytes, text), entries: Vec::new() });
            }
            (_, _, Some(block)) => {
                key_indent = Some(indent);
                block.entries.push(key_line(bytes, whole, text));
            }
            (_, _, None) => {}
        }
    }
    blocks
}

/// One line: all of it with its ending, and its text without blanks around it.
pub(super) struct Line {
    pub(super) whole: Span,
    pub(super) text: Span,
}

/// Returns the lines of a stretch that hold more than blanks.
pub(super) fn lines(bytes: &[u8], span: Span) -> impl Iterator<Item = Line> {
    every_line(bytes, span).filter(|line| !line.text.is_empty())
}

/// Returns all lines of a stretch. LF, CRLF and a lone CR end a line.
pub(super) fn every_line(bytes: &[u8], span: Span) -> impl Iterator<Item = Line> {
    let mut at = span.start;
    std::iter::from_fn(move || {
        let line = (at < span.end).then(|| line_at(bytes, at, span.end))?;
        at = line.whole.end;
        Some(line)
    })
}

fn line_at(bytes: &[u8], at: usize, end: usize) -> Line {
    let stop = memchr2(b'\n', b'\r', &bytes[at..end]).map_or(end, |n| at + n);
    let ending = match &bytes[stop..end] {
        [b'\r', b'\n', ..] => 2,
        [] => 0,
        _ => 1,
    };
    Line { whole: at..stop + ending, text: trim(bytes, at..stop) }
}

/// `span` begins with `[`.
fn between_brackets(bytes: &[u8], span: Span) -> Option<Span> {
    let inside = span.start + 1;
    let stop = inside + memchr3(b']', b'\n', b'\r', &bytes[inside..span.end])?;
    (bytes[stop] == b']').then_some(inside..stop)
}

/// Splits a key line: at the first `=`; at the first `:` where that gives a key and `=` does not.
fn key_line(bytes: &[u8], whole: Span, text: Span) -> Entry {
    let split = |separator: u8| {
        let at = text.start + memchr(separator, &bytes[text.clone()])?;
        let key = trim(bytes, text.start..at);
        is_key(&bytes[key.clone()]).then_some((key, at + 1..text.end))
    };
    let (key, first, separator) = match (split(b'='), split(b':')) {
        (Some((key, first)), _) => (key, first, Separator::Equals),
        (None, Some((key, first))) => (key, first, Separator::Colon),
        (None, None) => (text.start..text.start, text.clone(), Separator::Missing),
    };
    Entry { lines: whole, key, first, below: Vec::new(), separator }
}

fn is_key(text: &[u8]) -> bool {
    !text.is_empty() && memchr2(b' ', b'\t', text).is_none()
}

/// Returns where the value proper ends: before a comment that follows a blank.
pub(super) fn without_comment(bytes: &[u8], span: Span) -> Span {
    let mut at = span.start;
    while let Some(n) = memchr2(b'#', b';', &bytes[at..span.end]) {
        let mark = at + n;
        if mark > span.start && is_blank(bytes[mark - 1]) {
            return span.start..mark;
        }
        at = mark + 1;
    }
    span
}

/// Returns the span without what Python takes for blanks around it, U+00A0 among them.
pub(super) fn trim(bytes: &[u8], span: Span) -> Span {
    let (mut start, mut end) = (span.start, span.end);
    while let Some(length) = bytes[start..end]
        .first()
        .and_then(|&first| blank_length(first, |n| start + n <= end && is_wide_blank(&bytes[start..start + n])))
    {
        start += length;
    }
    end -= blanks_before(&bytes[start..end]);
    start..end
}

fn blanks_before(text: &[u8]) -> usize {
    let mut end = text.len();
    while let Some(length) =
        text[..end].last().and_then(|&last| blank_length(last, |n| n <= end && is_wide_blank(&text[end - n..end])))
    {
        end -= length;
    }
    text.len() - end
}

/// Returns the span without blanks and tabs around it, as headers are read: to all, U+00A0 belongs to the name.
pub(super) fn trim_plain(bytes: &[u8], span: Span) -> Span {
    let blanks = bytes[span.clone()].iter().take_while(|&&b| is_blank(b)).count();
    let start = span.start + blanks;
    start..span.end - bytes[start..span.end].iter().rev().take_while(|&&b| is_blank(b)).count()
}

/// How many bytes the character takes that `str.strip` removes and that does not end a line. Nearly all are ASCII, which
/// its outer byte tells; `is_wide` looks at so many bytes.
fn blank_length(outer: u8, is_wide: impl Fn(usize) -> bool) -> Option<usize> {
    match outer {
        b' ' | b'\t' | 0x0b | 0x0c | 0x1c..=0x1f => Some(1),
        0x80.. => [2, 3].into_iter().find(|&n| is_wide(n)),
        _ => None,
    }
}

fn is_wide_blank(bytes: &[u8]) -> bool {
    let mut chars = std::str::from_utf8(bytes).unwrap_or_default().chars();
    chars.next().is_some_and(|c| !c.is_ascii() && c.is_whitespace()) && chars.next().is_none()
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

/// Counts lines in one pass through a file, so that numbering many keys stays linear.
#[derive(Default)]
pub(super) struct LineCounter {
    counted_to: usize,
    endings: usize,
}

impl LineCounter {
    /// Starts at a line whose number is known.
    pub(super) fn from(at: usize, line: usize) -> Self {
        Self { counted_to: at, endings: line - 1 }
    }

    /// Returns the 1-based number of the line that begins at `at`, which must not be before that of an earlier call.
    pub(super) fn at(&mut self, bytes: &[u8], at: usize) -> usize {
        let passed = &bytes[self.counted_to..at];
        let lone = memchr_iter(b'\r', passed).filter(|n| passed.get(n + 1) != Some(&b'\n')).count();
        self.endings += memchr_iter(b'\n', passed).count() + lone;
        self.counted_to = at;
        self.endings + 1
    }
}
