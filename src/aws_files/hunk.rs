//! The lines an edit changes, as shown to people: never with a secret.

use zeroize::Zeroize;

use super::grammar::{self, Chunk, Span};
use crate::credentials::{AccessKeyId, STATIC_KEYS};
use crate::secret::{self, MASK};

/// A span of the old file and its new text. Wiped on drop: that may be a key.
pub(super) struct Replacement {
    pub(super) span: Span,
    pub(super) text: Vec<u8>,
}

impl Replacement {
    pub(super) fn removal(span: Span) -> Self {
        Self { span, text: Vec::new() }
    }
}

impl Drop for Replacement {
    fn drop(&mut self) {
        self.text.zeroize();
    }
}

/// Removed and added lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hunk {
    /// The header they are below, unless it is among them.
    pub below: Option<String>,
    pub removed: Vec<String>,
    pub added: Vec<String>,
}

impl Hunk {
    pub(super) fn all(old: &[u8], changes: &[Replacement]) -> Vec<Self> {
        let blocks = grammar::blocks(old, &Chunk { span: grammar::text_start(old)..old.len(), mixed: true });
        let headers: Vec<Span> = blocks.into_iter().map(|block| block.header).collect();
        changes.iter().map(|change| Self::of(old, &headers, change)).collect()
    }

    fn of(old: &[u8], headers: &[Span], change: &Replacement) -> Self {
        let span = whole_lines(old, change);
        let new = [&old[span.start..change.span.start], &change.text, &old[change.span.end..span.end]].concat();
        let (removed, added) = (masked_lines(&old[span.clone()]), masked_lines(&new));
        let begins = |lines: &[String]| lines.first().is_some_and(|line| line.trim_start().starts_with('['));
        let above = headers[..headers.partition_point(|header| header.end <= span.start)].last();
        let below = above.filter(|_| !begins(&removed) && !begins(&added));
        Self { below: below.and_then(|header| masked_lines(&old[header.clone()]).pop()), removed, added }
    }
}

fn whole_lines(old: &[u8], change: &Replacement) -> Span {
    let span = &change.span;
    let starts_line = |at: usize| at == grammar::text_start(old) || matches!(old[at - 1], b'\n' | b'\r');
    let start = memchr::memrchr2(b'\n', b'\r', &old[..span.start]).map_or(grammar::text_start(old), |n| n + 1);
    let is_lines = starts_line(span.start) && (span.is_empty() || starts_line(span.end));
    let begins_new_line = span.start == old.len() && matches!(change.text.first(), Some(b'\n' | b'\r'));
    if is_lines || begins_new_line {
        return span.clone();
    }
    let end = memchr::memchr2(b'\n', b'\r', &old[span.end..]).map_or(old.len(), |n| span.end + n);
    start..end
}

fn masked_lines(bytes: &[u8]) -> Vec<String> {
    let mut below_secret = false;
    let mut shown = Vec::new();
    for line in grammar::lines(bytes, 0..bytes.len()) {
        let text = String::from_utf8_lossy(&bytes[line.whole.start..line.text.end]).into_owned();
        let is_indented = line.text.start > line.whole.start;
        let is_secret = holds_a_secret(&text);
        below_secret = is_secret || (below_secret && is_indented);
        shown.push(match (is_secret, below_secret, text.find(['=', ':'])) {
            (true, _, Some(at)) => format!("{} {MASK}", secret::masked(&text[..=at])),
            (_, true, _) => MASK.into(),
            _ => secret::masked(&text).into_owned(),
        });
    }
    shown
}

/// By its key, commented out or not; in place of a key id; or in a comment without a key, which may belong to the line
/// above or below.
fn holds_a_secret(line: &str) -> bool {
    let text = line.trim_start();
    let value_of_id = text.split_once(['=', ':']).filter(|(key, _)| is_id_key(key)).map(|(_, value)| value.trim());
    let is_no_id = value_of_id.is_some_and(|value| {
        let without_comment = value.split([' ', '\t']).next().unwrap_or_default();
        AccessKeyId::parse(without_comment).is_err()
    });
    let is_bare_comment = text.starts_with(['#', ';']) && !text.contains(['=', ':']);
    secret::is_named_in(text) || is_no_id || (is_bare_comment && secret::may_be_in(text))
}

fn is_id_key(key: &str) -> bool {
    key.trim_start_matches(['#', ';']).trim().eq_ignore_ascii_case(STATIC_KEYS[0])
}
