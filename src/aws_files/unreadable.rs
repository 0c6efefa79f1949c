//! Files that are no text, or that the AWS CLI refuses as a whole: they are not edited.

use super::construct::{Construct, Reader};
use super::file::AwsFile;
use super::grammar::{self, Chunk};
use super::oddities::Oddity;
use crate::error::{Failure, Kind, Place};

/// What the AWS CLI refuses, but other SDKs read well and edits keep as it is.
const KEPT: [Construct; 3] = [Construct::ByteOrderMark, Construct::NotUtf8, Construct::DuplicateKey];

impl AwsFile {
    /// Returns what this file is, and on which line, if no SDK can read it as text.
    pub fn not_text(&self) -> Option<(Place, &'static str)> {
        if self.bytes().starts_with(b"\xFF\xFE") || self.bytes().starts_with(b"\xFE\xFF") {
            return Some((self.place(1), "UTF-16 text"));
        }
        let at = self.binary_line()?;
        Some((self.place(grammar::LineCounter::default().at(self.bytes(), at)), "binary data or UTF-16 text"))
    }

    /// Returns why this file is not edited, with the line: the edited file would be as unreadable.
    pub fn why_not_edited(&self) -> Option<Failure> {
        let refused = |(place, what, remedy): (Place, &str, Option<&str>)| {
            let cause = format!("will not edit this file, because the AWS CLI cannot read it: {what}");
            let hint = format!("{}, then run this again", remedy.unwrap_or("save it as UTF-8"));
            Failure::new(Kind::Config, cause).at(&place).hint(hint)
        };
        let mut oddities = self.oddities().into_iter();
        let is_refused = |construct: &Construct| construct.refused_by(Reader::Cli) && !KEPT.contains(construct);
        let odd = || {
            let Oddity { place, construct, .. } = oddities.find(|odd| is_refused(&odd.construct))?;
            Some((place, construct.what(), construct.remedy()))
        };
        self.not_text().map(|(place, what)| (place, what, None)).or_else(odd).map(refused)
    }

    /// Where a line with a NUL byte begins. In a value or a comment it does no harm.
    fn binary_line(&self) -> Option<usize> {
        memchr::memchr(0, self.bytes())?;
        let text = grammar::text_start(self.bytes())..self.bytes().len();
        let blocks = grammar::blocks(self.bytes(), &Chunk { span: text.clone(), mixed: true });
        let above = text.start..blocks.first().map_or(text.end, |block| block.header.start);
        let is_comment = |line: &grammar::Line| matches!(self.bytes()[line.text.start], b'#' | b';');
        let keyless = grammar::lines(self.bytes(), above).filter(|line| !is_comment(line)).map(|line| line.whole);
        let names = blocks.iter().flat_map(|block| {
            let keys = block.entries.iter().map(|entry| entry.lines.start..entry.first.start);
            [block.header.clone()].into_iter().chain(keys)
        });
        let is_binary = |span: &grammar::Span| memchr::memchr(0, &self.bytes()[span.clone()]).is_some();
        keyless.chain(names).find(is_binary).map(|span| span.start)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aws_files::file::FileKind;

    fn refused(bytes: &[u8]) -> Option<String> {
        AwsFile::from_bytes(FileKind::Config, "config".into(), bytes.into()).why_not_edited().map(|why| why.headline())
    }

    #[test]
    fn a_file_that_the_aws_cli_cannot_read_is_not_edited() {
        for (bytes, line, what) in [
            (&b"\xFF\xFE[\0p\0]\0"[..], 1, "UTF-16 text"),
            (b"\xFE\xFF\0[\0p\0]", 1, "UTF-16 text"),
            (b"[\0p\0]\0\n\0", 1, "binary data or UTF-16 text"),
            (b"\0[\0p\0]\0\n", 1, "binary data or UTF-16 text"),
            (b"#\0c\0\n\0[\0p\0]\0", 2, "binary data or UTF-16 text"),
            (b"\x7FELF\x02\x01\0\0\x03\0", 1, "binary data or UTF-16 text"),
            (b"[profile p]\nregion = v\nx\0y = z\n", 3, "binary data or UTF-16 text"),
            (b"[profile p]\n[profile q]\n[profile p]\n", 3, "a duplicate section"),
            (b"[profile p]\n[profile q\n", 2, "a header without ']'"),
            (b"[profile p]\njunk\n", 2, "a line without '='"),
        ] {
            let expected =
                format!("config:{line}: will not edit this file, because the AWS CLI cannot read it: {what}");
            assert_eq!(refused(bytes), Some(expected), "{}", String::from_utf8_lossy(bytes));
        }
    }

    #[test]
    fn a_file_that_some_sdk_reads_otherwise_is_edited() {
        for bytes in [
            &b""[..],
            b"\xEF\xBB\xBF[profile p]\n",
            b"[profile p]\nregion = a\0b\n# \xFF\0\n",
            b"# a NUL in a comment above the first header: \0\n[profile p]\n",
            b"# \0\n",
            b"[profile p]\nregion = a\nregion = b\n",
            b"[profile \"p\"]\nregion: v # c\n",
        ] {
            assert_eq!(refused(bytes), None, "{}", String::from_utf8_lossy(bytes));
        }
    }
}
