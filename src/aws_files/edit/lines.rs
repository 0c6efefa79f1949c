//! Where an edit is written: in place, below a profile's last line, or at the end of the file.

use super::writable::{must_be_a_safe_name, must_be_writable};
use crate::aws_files::file::{AwsFile, FileKind};
use crate::aws_files::grammar;
use crate::aws_files::hunk::Replacement;
use crate::aws_files::section::{Part, Section, Setting, Span};
use crate::error::{Failure, Kind, Result};

impl AwsFile {
    pub(super) fn set_in(
        &self,
        section: &Section,
        key: &str,
        value: &str,
        notes: &mut Vec<String>,
    ) -> Result<Replacement> {
        must_be_writable(key, value)?;
        Ok(match section.get(key) {
            Some(old) if old.value.contains('\n') => {
                let cause = format!("{key} is a block of several lines, which twolock cannot edit");
                return Err(Failure::new(Kind::Config, cause).at(&old.place));
            }
            Some(old) => {
                notes.extend(self.notes_on(section, old));
                self.in_place(old, value)
            }
            None => self.new_line(section, &format!("{key} = {value}")),
        })
    }

    pub(super) fn in_place(&self, old: &Setting, value: &str) -> Replacement {
        let span = old.spans.value.clone();
        let mut text = value.to_string();
        if span.is_empty() {
            let before = self.bytes()[..span.start].last();
            let after = self.bytes().get(span.end);
            if before.is_some_and(|b| matches!(b, b'=' | b':')) {
                text.insert(0, ' ');
            }
            if after.is_some_and(|b| matches!(b, b'#' | b';')) {
                text.push(' ');
            }
        }
        Replacement { span, text: text.into_bytes() }
    }

    pub(super) fn new_line(&self, section: &Section, line: &str) -> Replacement {
        let last = section.parts.last().expect("a section has a header");
        let at = self.after_its_comments(last);
        Replacement { span: at..at, text: self.as_lines(at, line).into_bytes() }
    }

    /// After the last key and the indented comments that follow it: Java and Rust would read those as part of a new
    /// key.
    pub(super) fn after_its_comments(&self, part: &Part) -> usize {
        let rest = grammar::lines(self.bytes(), part.end..self.end());
        let of_this_part = rest.take_while(|line| self.bytes()[line.text.start] != b'[');
        let indented = of_this_part.filter(|line| line.text.start > line.whole.start);
        indented.last().map_or(part.end, |line| line.whole.end)
    }

    pub(super) fn notes_on(&self, section: &Section, counts: &Setting) -> Vec<String> {
        let mut notes = Vec::new();
        let times = section.settings.iter().filter(|other| other.key == counts.key).count();
        if times > 1 {
            let line = counts.place.line;
            notes
                .push(format!("{} is set {times} times; the last one counts and is changed (line {line})", counts.key));
        }
        let line = &self.bytes()[counts.spans.value.end..counts.spans.lines.end];
        if line.trim_ascii_start().iter().next().is_some_and(|b| matches!(b, b'#' | b';')) {
            notes.push(format!(
                "the comment after {} is kept, and the AWS CLI reads it as part of the value",
                counts.key
            ));
        }
        notes
    }

    pub(super) fn removal_of(&self, section: &Section) -> Vec<Replacement> {
        section.parts.iter().map(|part| Replacement::removal(self.with_a_blank_line(part))).collect()
    }

    /// The part's lines, and one of two blank lines that would become adjacent; at the end of the file the one above.
    pub(super) fn with_a_blank_line(&self, part: &Part) -> Span {
        let (mut start, mut end) = (part.header.start, part.end);
        let text = grammar::text_start(self.bytes());
        let above = grammar::every_line(self.bytes(), self.line_above(start).max(text)..start).last();
        let below = grammar::every_line(self.bytes(), end..self.end()).next();
        let blank_above = above.as_ref().is_some_and(|line| line.text.is_empty());
        match (above, below) {
            (Some(above), None) if blank_above => start = above.whole.start,
            (above, Some(below)) if below.text.is_empty() && (blank_above || above.is_none()) => end = below.whole.end,
            _ => {}
        }
        start..end
    }

    /// The beginning of the line above a line. A file may repeat a section thousands of times, so only that line is read.
    fn line_above(&self, start: usize) -> usize {
        let before = &self.bytes()[..start];
        let end = before.strip_suffix(b"\r\n").map_or(start.saturating_sub(1), <[u8]>::len);
        memchr::memrchr2(b'\n', b'\r', &before[..end]).map_or(0, |at| at + 1)
    }

    /// Whether there is nothing between a section's headers and their last settings but these keys.
    pub(super) fn holds_only(&self, section: &Section, keys: &[String]) -> bool {
        let mut known: Vec<&Span> = section.settings.iter().map(|setting| &setting.spans.lines).collect();
        known.extend(section.parts.iter().map(|part| &part.header));
        known.sort_by_key(|lines| lines.start);
        let is_bare = |part: &Part| {
            let first = |at: usize| known.partition_point(|lines| lines.start < at);
            let inside = known[first(part.header.start)..first(part.end)].iter();
            let starts = inside.clone().map(|lines| lines.start).skip(1).chain([part.end]);
            let mut gaps = inside.map(|lines| lines.end).zip(starts);
            gaps.all(|(end, start)| self.bytes()[end..start].trim_ascii().is_empty())
        };
        section.settings.iter().all(|setting| keys.contains(&setting.key)) && section.parts.iter().all(is_bare)
    }

    pub(super) fn new_section(&self, profile: &str, settings: &[(&str, &str)], is_first: bool) -> Result<Replacement> {
        must_be_a_safe_name(profile)?;
        settings.iter().try_for_each(|(key, value)| must_be_writable(key, value))?;
        let end = self.line_ending();
        let is_empty = self.bytes().len() == grammar::text_start(self.bytes());
        let mut text = String::from(if is_empty && is_first { "" } else { end });
        text += &self.header_of(profile);
        settings.iter().for_each(|(key, value)| text += &format!("{end}{key} = {value}"));
        Ok(Replacement { span: self.end()..self.end(), text: self.as_lines(self.end(), &text).into_bytes() })
    }

    pub(in crate::aws_files) fn header_of(&self, profile: &str) -> String {
        match (self.kind, profile) {
            (FileKind::Config, "default") | (FileKind::Credentials, _) => format!("[{profile}]"),
            (FileKind::Config, name) => format!("[profile {name}]"),
        }
    }

    /// Whole lines to insert at `at`. A file whose last line has no line ending stays so.
    pub(super) fn as_lines(&self, at: usize, text: &str) -> String {
        let end = self.line_ending();
        if at == self.end() && self.lacks_final_newline() { format!("{end}{text}") } else { format!("{text}{end}") }
    }

    pub(super) fn lacks_final_newline(&self) -> bool {
        self.end() > grammar::text_start(self.bytes()) && !matches!(self.bytes().last(), Some(b'\n' | b'\r'))
    }

    pub(super) fn line_ending(&self) -> &'static str {
        let first = memchr::memchr(b'\n', self.bytes());
        if first.is_some_and(|at| at > 0 && self.bytes()[at - 1] == b'\r') { "\r\n" } else { "\n" }
    }

    pub(super) fn end(&self) -> usize {
        self.bytes().len()
    }
}
