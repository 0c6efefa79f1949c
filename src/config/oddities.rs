//! What we read but somebody else refuses, misses or reads differently: the behaviour grid of aws-contract 1.2.
//!
//! Names that only some SDKs take are told by [`crate::names::ProfileName::is_read_by_every_sdk`].

use std::collections::HashSet;
use std::fmt;

use super::file::{AwsFile, Heading};
use super::grammar::{self, Block, Chunk, Entry, LineCounter, Separator, Span};
use crate::error::Place;

/// One stumbling block in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Oddity {
    /// Its line.
    pub place: Place,
    /// What stands there.
    pub construct: Construct,
}

/// Who reads the AWS files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reader {
    /// The AWS CLI and botocore.
    Cli,
    /// The SDK for Go.
    Go,
    /// The SDK for JavaScript.
    Js,
    /// The SDK for Java.
    Java,
    /// The SDK for Rust.
    Rust,
}

/// What a construct does to a reader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// The whole file is refused, or taken for empty.
    Refuses,
    /// The section or key is not seen.
    Misses,
    /// Something else is read than we read.
    Misreads,
}

macro_rules! constructs {
    ($($(#[doc = $doc:literal])+ $name:ident: $what:literal, $($effect:ident $readers:tt),+;)+) => {
        /// A construct that not everybody reads alike.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Construct {
            $($(#[doc = $doc])+ $name,)+
        }

        impl Construct {
            /// Every construct we know.
            pub const ALL: &[Construct] = &[$(Construct::$name),+];

            /// Returns what it is, in words.
            pub fn what(self) -> &'static str {
                match self { $(Construct::$name => $what,)+ }
            }

            /// Returns who stumbles over it, and how.
            pub fn stumbling(self) -> &'static [(Effect, &'static [Reader])] {
                use {Effect::*, Reader::*};
                match self { $(Construct::$name => &[$(($effect, &$readers)),+],)+ }
            }
        }
    };
}

constructs! {
    /// UTF-16 text; we read nothing of it either.
    Utf16: "UTF-16 text", Refuses [Cli, Java], Misses [Go, Js, Rust];
    /// U+FEFF at the beginning.
    ByteOrderMark: "a byte order mark", Refuses [Cli, Java, Rust], Misreads [Go];
    /// A byte that is not UTF-8, anywhere.
    NotUtf8: "a byte that is not UTF-8", Refuses [Cli, Rust];
    /// CR without LF as a line's end.
    LoneCarriageReturn: "a line ending in CR alone", Refuses [Rust], Misses [Go, Js];
    /// A line with text above the first header.
    KeyBeforeSection: "a key before any section", Refuses [Cli, Java, Rust];
    /// `[profile p`
    UnclosedHeader: "a header without ']'", Refuses [Cli, Java, Rust], Misses [Go, Js];
    /// `[profile p] text`
    TextAfterHeader: "text after ']'", Refuses [Java, Rust], Misses [Go, Js];
    /// `[profile p]; comment`
    CommentTouchingHeader: "a comment directly after ']'", Misses [Js];
    /// `  [profile p]`
    IndentedHeader: "an indented header", Refuses [Java, Rust];
    /// `[ profile p]`
    BlankInFrontOfHeading: "a blank after '['", Misses [Cli, Js];
    /// `[profile  p]` or `[profile p ]`
    ExtraBlankInHeading: "more than one blank in a header", Misses [Js];
    /// `[profile "p"]`
    QuotedName: "a quoted profile name", Misses [Go, Java, Rust];
    /// The same header text again.
    DuplicateSection: "a section that stands here twice", Refuses [Cli];
    /// The same section by another header text.
    SectionWrittenTwoWays: "a section written in two ways", Misreads [Cli];
    /// `[default]` beside `[profile default]`.
    DefaultTwice: "[default] beside [profile default]", Misreads [Cli];
    /// `[DEFAULT]`
    CapitalDefault: "[DEFAULT] in capitals", Misreads [Cli];
    /// The same key twice under one header.
    DuplicateKey: "a key that stands here twice", Refuses [Cli];
    /// The first key below a header is indented.
    IndentedKey: "an indented key", Refuses [Java, Rust];
    /// `Region = v`
    CapitalInKey: "a key with capital letters", Misses [Js, Java];
    /// `region: v`
    Colon: "':' in place of '='", Refuses [Java, Rust], Misses [Js];
    /// A line that is neither header, key, comment nor continuation.
    NoEqualsSign: "a line without '='", Refuses [Cli, Java, Rust];
    /// `region = v # c`
    InlineComment: "a comment behind a value", Misreads [Cli];
    /// `region = "v"`
    QuotedValue: "a quoted value", Misreads [Go];
    /// An indented line without `=` below a key with a value.
    ContinuedValue: "a value that goes on in the next line", Misreads [Js];
    /// An indented line with `=` below a key with a value.
    KeyInsideValue: "an indented key below a value", Misreads [Go, Js];
    /// An indented line without `=` below a key without a value.
    BlockLineWithoutEqualsSign: "a line without '=' in a block", Refuses [Cli, Java, Rust];
    /// An indented comment before the first key.
    IndentedCommentAfterHeader: "an indented comment below a header", Refuses [Java, Rust];
    /// An indented comment below a key.
    IndentedCommentAfterKey: "an indented comment below a key", Misreads [Java, Rust];
}

impl AwsFile {
    /// Returns every construct that somebody refuses, misses or reads differently, in file order.
    pub fn oddities(&self) -> Vec<Oddity> {
        let mut found = Found { file: self, bytes: self.bytes(), at: Vec::new() };
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
        let place = |line| Place { file: self.shown().into(), line };
        let oddity = |(at, construct)| Oddity { place: place(lines.at(self.bytes(), at)), construct };
        found.at.into_iter().map(oddity).collect()
    }
}

/// Constructs with the beginnings of their lines.
struct Found<'a> {
    file: &'a AwsFile,
    bytes: &'a [u8],
    at: Vec<(usize, Construct)>,
}

impl<'a> Found<'a> {
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

    /// What blocks do not tell: comments, and lines above the first header.
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
            match current {
                None => self.note(at, Construct::KeyBeforeSection, !comment),
                Some(_) if !(comment && indented) => {}
                Some(block) if block.entries.first().is_some_and(|key| key.lines.start < at) => {
                    self.note(at, Construct::IndentedCommentAfterKey, true);
                }
                Some(_) => self.note(at, Construct::IndentedCommentAfterHeader, true),
            }
        }
    }

    fn in_headers(&mut self, blocks: &[Block]) {
        let mut texts = HashSet::new();
        let mut profiles = HashSet::new();
        let mut defaults = HashSet::new();
        for block in blocks {
            let at = block.header.start;
            self.note(at, Construct::IndentedHeader, self.bytes[at] != b'[');
            let Some(inside) = &block.inside else {
                self.note(at, Construct::UnclosedHeader, true);
                continue;
            };
            let (inside, heading) = (self.text(inside), self.file.heading(block));
            if somebody_reads(heading) {
                self.in_heading(at, inside, heading);
            }
            self.in_header_tail(block);
            self.note(at, Construct::CapitalDefault, inside == b"DEFAULT");
            let is_new_text = texts.insert(inside);
            self.note(at, Construct::DuplicateSection, !is_new_text);
            let is_new = heading == Heading::Unknown || profiles.insert(heading);
            self.note(at, Construct::SectionWrittenTwoWays, is_new_text && !is_new);
            if matches!(heading, Heading::PlainDefault | Heading::Profile(b"default")) {
                defaults.insert(heading);
                self.note(at, Construct::DefaultTwice, is_new && defaults.len() == 2);
            }
        }
    }

    fn in_heading(&mut self, at: usize, inside: &[u8], heading: Heading<'_>) {
        let (Heading::Profile(name) | Heading::Other(_, name)) = heading else { return };
        let is_blank = |byte: Option<&u8>| matches!(byte, Some(b' ' | b'\t'));
        let inner = inside.trim_ascii();
        let blanks = inner.iter().position(|&b| b == b' ' || b == b'\t');
        let doubled = blanks.is_some_and(|n| is_blank(inner.get(n + 1)));
        self.note(at, Construct::BlankInFrontOfHeading, is_blank(inside.first()));
        self.note(
            at,
            Construct::ExtraBlankInHeading,
            !is_blank(inside.first()) && (is_blank(inside.last()) || doubled),
        );
        self.note(at, Construct::QuotedName, !inner.ends_with(name));
    }

    fn in_header_tail(&mut self, block: &Block) {
        let Some(inside) = &block.inside else { return };
        let tail = self.text(&(inside.end + 1..block.header.end));
        let is_comment = |text: &[u8]| matches!(text.first(), Some(b'#' | b';'));
        let text = tail.trim_ascii();
        self.note(block.header.start, Construct::CommentTouchingHeader, is_comment(tail));
        self.note(block.header.start, Construct::TextAfterHeader, !text.is_empty() && !is_comment(text));
    }

    fn in_keys(&mut self, block: &Block) {
        let mut seen = HashSet::new();
        let is_read = somebody_reads(self.file.heading(block));
        for (n, entry) in block.entries.iter().enumerate() {
            let at = entry.lines.start;
            let key = self.text(&entry.key);
            let indented = matches!(self.bytes[at], b' ' | b'\t');
            self.note(at, Construct::IndentedKey, n == 0 && indented);
            self.note(at, Construct::Colon, entry.separator == Separator::Colon);
            let is_bare = memchr::memchr(b'=', self.text(&entry.first)).is_none();
            self.note(at, Construct::NoEqualsSign, entry.separator == Separator::Missing && is_bare);
            self.note(at, Construct::DuplicateKey, !key.is_empty() && !seen.insert(key.to_ascii_lowercase()));
            if is_read && !key.is_empty() {
                self.note(at, Construct::CapitalInKey, key.iter().any(u8::is_ascii_uppercase));
                self.in_value(entry);
            }
        }
    }

    fn in_value(&mut self, entry: &Entry) {
        let kept = grammar::without_comment(self.bytes, entry.first.clone());
        let at = entry.lines.start;
        self.note(at, Construct::InlineComment, kept != entry.first);
        let value = self.text(&grammar::trim(self.bytes, kept));
        let quoted = matches!(value, [open @ (b'"' | b'\''), .., close] if open == close);
        self.note(at, Construct::QuotedValue, quoted);
        for below in &entry.below {
            let construct = match (value.is_empty(), memchr::memchr(b'=', self.text(below))) {
                (true, Some(_)) => continue,
                (true, None) => Construct::BlockLineWithoutEqualsSign,
                (false, Some(_)) => Construct::KeyInsideValue,
                (false, None) => Construct::ContinuedValue,
            };
            self.at.push((self.line_start(below.start), construct));
        }
    }

    /// `text` is the first character of a line behind its blanks.
    fn line_start(&self, text: usize) -> usize {
        text - self.bytes[..text].iter().rev().take_while(|&&b| b == b' ' || b == b'\t').count()
    }
}

/// Sections of other programs have to be grammatical, but nobody looks into them.
fn somebody_reads(heading: Heading<'_>) -> bool {
    match heading {
        Heading::PlainDefault | Heading::Profile(_) => true,
        Heading::Other(kind, _) => kind == b"sso-session" || kind == b"services",
        Heading::Unknown => false,
    }
}

impl fmt::Display for Reader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Reader::Cli => "the AWS CLI",
            Reader::Go => "Go",
            Reader::Js => "JavaScript",
            Reader::Java => "Java",
            Reader::Rust => "Rust",
        })
    }
}

impl fmt::Display for Effect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Effect::Refuses => "the whole file is refused by",
            Effect::Misses => "it is not seen by",
            Effect::Misreads => "it is read differently by",
        })
    }
}

/// `~/.aws/config:3: a byte order mark: the whole file is refused by the AWS CLI, Java, Rust; …`
impl fmt::Display for Oddity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.construct.what())?;
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
    use crate::config::file::Kind;

    fn found(text: impl AsRef<[u8]>) -> Vec<(usize, Construct)> {
        let file = AwsFile::from_bytes(Kind::Config, "~/.aws/config".into(), text.as_ref().to_vec());
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
            (b"[ profile p ]\n", &[(1, BlankInFrontOfHeading)]),
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
            (b"[default]\njunk\n", &[(2, NoEqualsSign)]),
            (b"[default]\nx = y # c\n", &[(2, InlineComment)]),
            (b"[default]\nx = 'y'\n", &[(2, QuotedValue)]),
            (b"[default]\nx = y\n# c\n  w\n", &[(4, ContinuedValue)]),
            (b"[default]\nx = y\n  w = z\n", &[(3, KeyInsideValue)]),
            (b"[default]\ns3 =\n  x = y\n  junk\n", &[(4, BlockLineWithoutEqualsSign)]),
            (b"[default]\n  # c\nx = y\n", &[(2, IndentedCommentAfterHeader)]),
            (b"[default]\nx = y\n  # c\n", &[(3, IndentedCommentAfterKey)]),
        ];
        for (text, expected) in table {
            assert_eq!(found(text), *expected, "{:?}", String::from_utf8_lossy(text));
        }
        let unseen = |construct: &&Construct| !table.iter().any(|(_, rows)| rows.iter().any(|(_, c)| c == *construct));
        assert_eq!(Construct::ALL.iter().find(unseen), None, "a construct without a row");
    }

    #[test]
    fn an_oddity_says_where_what_and_who() {
        let file = AwsFile::from_bytes(Kind::Config, "~/.aws/config".into(), b"[default]\nx: y".to_vec());
        let expected = "~/.aws/config:2: ':' in place of '=': the whole file is refused by Java, Rust; it is not seen by JavaScript";
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
        assert!(started.elapsed() < std::time::Duration::from_secs(20), "{:?}", started.elapsed());
    }
}
