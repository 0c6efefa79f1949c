//! What we read but another reader refuses, misses or reads differently: the behaviour grid of aws-contract 1.2.
//!
//! Names that only some SDKs accept are found by [`crate::names::ProfileName::is_read_by_every_sdk`].

use std::collections::HashSet;
use std::fmt;

pub use super::construct::{Construct, Effect, Reader};
use super::file::{AwsFile, FileKind};
use super::grammar::{self, Block, Chunk, Entry, LineCounter, Separator, Span};
use super::heading::Heading;
use crate::error::Place;

/// One construct found in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Oddity {
    pub place: Place,
    /// The beginning of that line in the file's bytes.
    pub at: usize,
    pub construct: Construct,
}

impl Oddity {
    /// Returns its effect on a reader, if it has one.
    pub fn effect_on(&self, reader: Reader) -> Option<Effect> {
        self.construct.stumbling().iter().find(|(_, readers)| readers.contains(&reader)).map(|(effect, _)| *effect)
    }

    /// Returns its place and its description.
    pub fn there(&self) -> String {
        format!("{}: {}", self.place, self.construct.what())
    }
}

impl AwsFile {
    /// Returns every construct that some reader refuses, misses or reads differently, in file order.
    pub fn oddities(&self) -> Vec<Oddity> {
        let mut found = Oddities { file: self, bytes: self.bytes(), at: Vec::new() };
        found.in_encoding();
        if !found.at.contains(&(0, Construct::Utf16)) {
            let text = grammar::text_start(self.bytes());
            let blocks = grammar::blocks(self.bytes(), &Chunk { span: text..self.bytes().len(), mixed: true });
            found.in_comments(text, &blocks);
            found.in_headers(&blocks);
            blocks.iter().for_each(|block| found.in_keys(block));
        }
        found.at.sort_by_key(|(at, _)| *at);
        let mut lines = LineCounter::default();
        let oddity = |(at, construct)| Oddity { place: self.place(lines.at(self.bytes(), at)), at, construct };
        found.at.into_iter().map(oddity).collect()
    }
}

/// Constructs with the beginnings of their lines.
struct Oddities<'a> {
    file: &'a AwsFile,
    bytes: &'a [u8],
    at: Vec<(usize, Construct)>,
}

impl<'a> Oddities<'a> {
    fn note(&mut self, at: usize, construct: Construct, is_there: bool) {
        if is_there {
            self.at.push((at, construct));
        }
    }

    fn text(&self, span: &Span) -> &'a [u8] {
        &self.bytes[span.clone()]
    }

    fn in_encoding(&mut self) {
        let bytes = self.bytes;
        let is_wide = bytes.starts_with(b"\xFF\xFE") || bytes.starts_with(b"\xFE\xFF");
        self.note(0, Construct::Utf16, is_wide);
        self.note(0, Construct::ByteOrderMark, grammar::text_start(bytes) > 0);
        if is_wide {
            return;
        }
        let line_of = |at: usize| memchr::memrchr2(b'\n', b'\r', &bytes[..at]).map_or(0, |n| n + 1);
        if let Err(error) = std::str::from_utf8(bytes) {
            self.note(line_of(error.valid_up_to()), Construct::NotUtf8, true);
        }
        let lone = memchr::memchr_iter(b'\r', bytes).find(|&at| bytes.get(at + 1) != Some(&b'\n'));
        if let Some(at) = lone {
            self.note(line_of(at), Construct::LoneCarriageReturn, true);
        }
    }

    /// What blocks do not contain: comments, and lines above the first header.
    fn in_comments(&mut self, text: usize, blocks: &[Block]) {
        let mut headers = blocks.iter().peekable();
        let mut current: Option<&Block> = None;
        let whole = text..self.bytes.len();
        for line in grammar::lines(self.bytes, whole) {
            let at = line.whole.start;
            while let Some(block) = headers.next_if(|block| block.header.start <= at) {
                current = Some(block);
            }
            let comment = matches!(self.bytes[line.text.start], b'#' | b';');
            let indented = line.text.start > at;
            let construct = match current {
                None if !comment => Construct::KeyBeforeSection,
                Some(block) if comment && indented => self.in_indented_comment(block, &line),
                _ => continue,
            };
            self.at.push((at, construct));
        }
    }

    fn in_indented_comment(&self, block: &Block, line: &grammar::Line) -> Construct {
        let above = block.entries.partition_point(|entry| entry.lines.start < line.whole.start);
        let Some(entry) = above.checked_sub(1).map(|n| &block.entries[n]) else {
            return Construct::IndentedCommentAfterHeader;
        };
        let is_bare = memchr::memchr(b'=', self.text(&line.text)).is_none();
        if self.first_value(entry).is_empty() && is_bare {
            Construct::IndentedCommentInBlock
        } else {
            Construct::IndentedCommentAfterKey
        }
    }

    fn in_headers(&mut self, blocks: &[Block]) {
        let mut texts = HashSet::new();
        let mut profiles = HashSet::new();
        let mut defaults = HashSet::new();
        for block in blocks {
            let at = block.header.start;
            self.note(at, Construct::IndentedHeader, self.bytes[at] != b'[');
            let Some(span) = &block.inside else {
                self.note(at, Construct::UnclosedHeader, true);
                continue;
            };
            let (inside, heading) = (self.text(span), self.file.heading(block));
            self.note(at, Construct::CommentMarkInHeading, memchr::memchr2(b'#', b';', inside).is_some());
            self.note(at, Construct::KindLikeProfile, is_like_a_known_kind(heading));
            if is_used_by_sdks(heading) {
                self.in_heading(at, inside, heading);
            }
            self.in_header_tail(block);
            self.note(at, Construct::CapitalDefault, inside == b"DEFAULT");
            // To Python a name ends at the last bracket of the line.
            let line = self.text(&(span.start..block.header.end));
            let python_name = &line[..memchr::memrchr(b']', line).unwrap_or(0)];
            self.note(at, Construct::EmptyHeader, python_name.is_empty());
            let is_new_text = texts.insert(python_name);
            self.note(at, Construct::DuplicateSection, !is_new_text && python_name != b"DEFAULT");
            let is_new = heading == Heading::Unknown || profiles.insert(heading);
            self.note(at, Construct::SectionWrittenTwoWays, is_new_text && !is_new);
            if matches!(heading, Heading::PlainDefault | Heading::Profile(b"default")) {
                defaults.insert(heading);
                self.note(at, Construct::DefaultTwice, is_new && defaults.len() == 2);
            }
        }
    }

    fn in_heading(&mut self, at: usize, inside: &[u8], heading: Heading<'_>) {
        let is_blank = |byte: Option<&u8>| matches!(byte, Some(b' ' | b'\t'));
        let inner = inside.trim_ascii();
        let first_blank = inner.iter().position(|&b| b == b' ' || b == b'\t');
        let doubled = first_blank.is_some_and(|n| is_blank(inner.get(n + 1)));
        let is_prefixed = first_blank.is_some() && self.file.kind == FileKind::Config;
        let at_bracket = is_blank(inside.first()) || (is_blank(inside.last()) && !is_prefixed);
        self.note(at, Construct::BlankNextToBracket, at_bracket);
        self.note(at, Construct::ExtraBlankInHeading, !at_bracket && (is_blank(inside.last()) || doubled));
        let (Heading::Profile(name) | Heading::Other(_, name)) = heading else { return };
        self.note(at, Construct::QuotedName, !inner.ends_with(name));
    }

    fn in_header_tail(&mut self, block: &Block) {
        let Some(inside) = &block.inside else { return };
        let tail = self.text(&(inside.end + 1..block.header.end));
        let is_comment = |text: &[u8]| matches!(text.first(), Some(b'#' | b';'));
        let text = tail.trim_ascii();
        self.note(block.header.start, Construct::CommentTouchingHeader, is_comment(tail));
        let has_bracket = text.contains(&b']');
        let (after, bracket) = match is_comment(text) {
            true => (None, Construct::BracketInComment),
            false => (Some(Construct::TextAfterHeader).filter(|_| !text.is_empty()), Construct::BracketAfterHeader),
        };
        let construct = if has_bracket { Some(bracket) } else { after };
        self.at.extend(construct.map(|construct| (block.header.start, construct)));
    }

    fn in_keys(&mut self, block: &Block) {
        let mut seen = HashSet::new();
        let is_read = is_used_by_sdks(self.file.heading(block));
        for (n, entry) in block.entries.iter().enumerate() {
            let at = entry.lines.start;
            let key = self.text(&entry.key);
            let line = self.text(&grammar::trim(self.bytes, at..entry.first.end));
            let indented = matches!(self.bytes[at], b' ' | b'\t');
            self.note(at, Construct::IndentedKey, n == 0 && indented);
            self.at.extend(in_separator(line, entry).map(|construct| (at, construct)));
            let end = memchr::memchr2(b'=', b':', line).unwrap_or(line.len());
            let cli_key = line[..end].trim_ascii_end().to_ascii_lowercase();
            self.note(at, Construct::DuplicateKey, !cli_key.is_empty() && !seen.insert(cli_key));
            self.in_block(entry);
            if is_read && !key.is_empty() {
                self.note(at, Construct::HardBlank, self.has_hard_blank(entry));
                self.note(at, Construct::CapitalInKey, key.iter().any(u8::is_ascii_uppercase));
                self.in_value(entry);
            }
        }
    }

    /// Whether more than blanks and tabs is trimmed around key and value.
    fn has_hard_blank(&self, entry: &Entry) -> bool {
        let first = grammar::without_comment(self.bytes, entry.first.clone());
        let behind = &self.bytes[entry.first.end..entry.lines.end];
        let end = memchr::memchr2(b'\n', b'\r', behind).unwrap_or(behind.len());
        let behind = entry.first.end..entry.first.end + end;
        [entry.lines.start..entry.key.start, entry.key.end..entry.first.start, first, behind]
            .into_iter()
            .any(|span| grammar::trim(self.bytes, span.clone()) != grammar::trim_plain(self.bytes, span))
    }

    /// Refused in every section, even in one that no SDK uses.
    fn in_block(&mut self, entry: &Entry) {
        if self.first_value(entry).is_empty() {
            let bare = entry.below.iter().filter(|below| memchr::memchr(b'=', self.text(below)).is_none());
            let bare: Vec<usize> = bare.map(|below| self.line_start(below.start)).collect();
            let has_comment = memchr::memchr2(b'#', b';', self.text(&entry.first)).is_some();
            let construct = match has_comment {
                true => Construct::BareLineBelowComment,
                false => Construct::BlockLineWithoutEqualsSign,
            };
            self.at.extend(bare.into_iter().map(|at| (at, construct)));
        }
    }

    fn in_value(&mut self, entry: &Entry) {
        let at = entry.lines.start;
        let has_comment = grammar::without_comment(self.bytes, entry.first.clone()) != entry.first;
        self.note(at, Construct::InlineComment, has_comment);
        let value = self.first_value(entry);
        let quoted = matches!(value, [open @ (b'"' | b'\''), .., close] if open == close);
        self.note(at, Construct::QuotedValue, quoted);
        if value.is_empty() {
            return;
        }
        let mut raw = grammar::every_line(self.bytes, entry.lines.clone());
        let blank = raw.find(|line| line.text.is_empty()).map(|line| line.whole.start);
        self.at.extend(blank.map(|at| (at, Construct::BlankLineInsideValue)));
        for below in &entry.below {
            let is_key = memchr::memchr(b'=', self.text(below)).is_some();
            let construct = if is_key { Construct::KeyInsideValue } else { Construct::ContinuedValue };
            self.at.push((self.line_start(below.start), construct));
        }
    }

    /// Returns the value on the key's own line, also of a key with blanks in it.
    fn first_value(&self, entry: &Entry) -> &'a [u8] {
        let mut span = entry.first.clone();
        if entry.key.is_empty() {
            span.start += memchr::memchr(b'=', self.text(&span)).map_or(0, |at| at + 1);
        }
        self.text(&grammar::trim(self.bytes, grammar::without_comment(self.bytes, span)))
    }

    /// `text` is the first character of a line behind its blanks.
    fn line_start(&self, text: usize) -> usize {
        text - self.bytes[..text].iter().rev().take_while(|&&b| b == b' ' || b == b'\t').count()
    }
}

fn in_separator(line: &[u8], entry: &Entry) -> Option<Construct> {
    let (equals, colon) = (memchr::memchr(b'=', line), memchr::memchr(b':', line));
    match (equals, colon, entry.separator) {
        (Some(0), _, _) | (None, Some(0), _) => Some(Construct::EmptyKey),
        (None, None, _) => Some(Construct::NoEqualsSign),
        (None, Some(_), _) => Some(Construct::Colon),
        (Some(_), Some(_), Separator::Colon) => Some(Construct::ColonBeforeEqualsSign),
        (Some(equals), Some(colon), Separator::Equals) if colon < equals => Some(Construct::ColonInKey),
        _ => None,
    }
}

/// botocore checks only how the header begins: to it, `[profiles p]` is a profile.
fn is_like_a_known_kind(heading: Heading<'_>) -> bool {
    let Heading::Other(kind, _) = heading else { return false };
    let known: [&[u8]; 3] = [b"profile", b"sso-session", b"services"];
    known.iter().any(|known| kind.starts_with(known) && kind != *known)
}

/// Sections of other programs have to be well-formed, but no SDK uses them.
fn is_used_by_sdks(heading: Heading<'_>) -> bool {
    match heading {
        Heading::PlainDefault | Heading::Profile(_) => true,
        Heading::Other(kind, _) => kind == b"sso-session" || kind == b"services",
        Heading::Unknown => false,
    }
}

/// `~/.aws/config:3: a byte order mark: the whole file is rejected by the AWS CLI, Java, Rust; …`
impl fmt::Display for Oddity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.there())?;
        for (n, (effect, readers)) in self.construct.stumbling().iter().enumerate() {
            let readers: Vec<String> = readers.iter().map(Reader::to_string).collect();
            write!(f, "{} {effect} {}", if n == 0 { ":" } else { ";" }, readers.join(", "))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::Construct::*;
    use super::*;
    use crate::aws_files::file::FileKind;

    fn found(text: impl AsRef<[u8]>) -> Vec<(usize, Construct)> {
        let file = AwsFile::from_bytes(FileKind::Config, "~/.aws/config".into(), text.as_ref().to_vec());
        file.oddities().into_iter().map(|oddity| (oddity.place.line, oddity.construct)).collect()
    }

    #[test]
    fn what_everybody_reads_is_not_odd() {
        for text in [
            "",
            "# c\n; c\n\n[default]\nregion = v\n",
            "[profile p] # c\r\nregion = v#c\r\n# c\r\noutput=json\r\n",
            "[profile p]\ns3 =\n  a = b\n\n  c = d\nregion = a:b=c \"x\"\n[profile q]\nregion = v",
            "[mytool x]\nKey = \"v\" # c\n[sso-session s]\nsso_region = v\n[services s]\nsts =\n  endpoint_url = x # y\n",
        ] {
            assert_eq!(found(text), [], "{text:?}");
        }
    }

    #[test]
    fn every_construct_is_found_at_its_line() {
        type Row = (&'static [u8], &'static [(usize, Construct)]);
        let table: &[Row] = &[
            (b"\xFF\xFE[\0p\0]\0", &[(1, Utf16)]),
            (b"\xEF\xBB\xBF[default]\n", &[(1, ByteOrderMark)]),
            (b"[default]\nx = y\nz = \xFF\xFE\n", &[(3, NotUtf8)]),
            (b"[default]\r\nx = y\rz = a\r", &[(2, LoneCarriageReturn)]),
            (b"# c\nx = y\n[default]\n", &[(2, KeyBeforeSection)]),
            (b"[default]\n[profile p\nx = y\n", &[(2, UnclosedHeader)]),
            (b"[default] junk\n", &[(1, TextAfterHeader)]),
            (b"[profile p]; c\n", &[(1, CommentTouchingHeader)]),
            (b"[profile p]\n  [profile q]\n", &[(2, IndentedHeader)]),
            (b"[ profile p ]\n[default ]\n", &[(1, BlankNextToBracket), (2, BlankNextToBracket)]),
            (b"[]\n", &[(1, EmptyHeader)]),
            (b"[profile p#q]\n", &[(1, CommentMarkInHeading)]),
            (b"[profile p] # [1]\n", &[(1, BracketInComment)]),
            (b"[profile p]]\n", &[(1, BracketAfterHeader)]),
            (b"[profiles p]\n", &[(1, KindLikeProfile)]),
            (b"[profile  p]\n[profile q ]\n", &[(1, ExtraBlankInHeading), (2, ExtraBlankInHeading)]),
            (b"[profile \"p\"]\n[profile 'q']\n", &[(1, QuotedName), (2, QuotedName)]),
            (b"[profile p]\n\n[profile p]\n", &[(3, DuplicateSection)]),
            (b"[tool]\n[tool]\n", &[(2, DuplicateSection)]),
            (b"[profile p]\n[profile \"p\"]\n", &[(2, QuotedName), (2, SectionWrittenTwoWays)]),
            (b"[profile default]\n[default]\n", &[(2, DefaultTwice)]),
            (b"[DEFAULT]\n", &[(1, CapitalDefault)]),
            (b"[default]\nx = 1\ny = 1\nX = 2\n", &[(4, DuplicateKey), (4, CapitalInKey)]),
            (b"[default]\n\n  x = y\n  z = y\n", &[(3, IndentedKey)]),
            (b"[default]\nx: y\n", &[(2, Colon)]),
            (b"[default]\nx: y=z\n", &[(2, ColonBeforeEqualsSign)]),
            (b"[default]\nx:y = z\n", &[(2, ColonInKey)]),
            (b"[default]\n= z\n", &[(2, EmptyKey)]),
            (b"[default]\njunk\n", &[(2, NoEqualsSign)]),
            (b"[default]\na b = 1\nA b: 2\n", &[(3, Colon), (3, DuplicateKey)]),
            (b"[default]\nx = y # c\n", &[(2, InlineComment)]),
            (b"[default]\nx = 'y'\n", &[(2, QuotedValue)]),
            (b"[default]\nregion = v\xC2\xA0\n", &[(2, HardBlank)]),
            (b"[default]\nx = y\n# c\n  w\n", &[(4, ContinuedValue)]),
            (b"[default]\nx = y\n  w = z\n", &[(3, KeyInsideValue)]),
            (b"[default]\ns3 =\n  x = y\n  junk\n", &[(4, BlockLineWithoutEqualsSign)]),
            (b"[tool]\nx = # c\n  junk\n", &[(3, BareLineBelowComment)]),
            (b"[tool]\na b =\n  junk\n", &[(3, BlockLineWithoutEqualsSign)]),
            (b"[default]\n  # c\nx = y\n", &[(2, IndentedCommentAfterHeader)]),
            (b"[default]\nx = y\n  # c\n", &[(3, IndentedCommentAfterKey)]),
            (b"[default]\nx =\n  # c\n  # c = d\n", &[(3, IndentedCommentInBlock), (4, IndentedCommentAfterKey)]),
            (b"[default]\nx = y\n\n  w\n\n", &[(3, BlankLineInsideValue), (4, ContinuedValue)]),
        ];
        for (text, expected) in table {
            assert_eq!(found(text), *expected, "{:?}", String::from_utf8_lossy(text));
        }
        let unseen = |construct: &&Construct| !table.iter().any(|(_, rows)| rows.iter().any(|(_, c)| c == *construct));
        assert_eq!(Construct::ALL.iter().find(unseen), None, "a construct without a row");
    }

    #[test]
    fn an_oddity_says_where_what_and_who() {
        let file = AwsFile::from_bytes(FileKind::Config, "~/.aws/config".into(), b"[default]\nx: y".to_vec());
        let expected = "~/.aws/config:2: ':' instead of '=': the whole file is rejected by Java, Rust; it is ignored by JavaScript";
        assert_eq!(file.oddities()[0].to_string(), expected);
    }

    #[test]
    fn hostile_sizes_are_judged_in_linear_time() {
        let started = std::time::Instant::now();
        found("[x]\n".repeat(200_000));
        found("[profile p]\n".to_owned() + &"  # c\n".repeat(200_000));
        found("[profile p]\nx = y\n".to_owned() + &"  w\n".repeat(200_000));
        found("[profile p]\n".to_owned() + &"x = y\n".repeat(200_000));
        found("[profile p]\rx = y\r".repeat(100_000));
        assert!(started.elapsed() < std::time::Duration::from_secs(120), "{:?}", started.elapsed());
    }
}
