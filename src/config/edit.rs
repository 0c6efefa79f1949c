//! Edits of an AWS file, bytes in and bytes out: the lines asked for change, every other byte stays (threat-model P30).
//!
//! What is written is what all SDKs read alike (the writer rule of aws-contract 1.2). The result is read again before
//! anybody writes it: if it does not say what was asked, says anything else differently, or holds a construct some SDK
//! stumbles over that was not there before, the edit is refused.

use std::collections::HashSet;

use zeroize::Zeroizing;

use super::construct::Construct;
use super::file::{AwsFile, Kind};
use super::grammar::{self, Chunk, Span};
use super::hunk::{Hunk, Replacement};
use super::process_line::ProcessLine;
use super::section::{Part, Section, Setting};
use crate::error::{Failure, Kind as FailureKind, Result};
use crate::names::{ProfileName, is_process_word};
use crate::visible::{refused, visible};

mod together;

pub use together::{Edit, PREFIX};

/// What an edit makes of a file.
pub struct Edited {
    /// The whole file.
    pub bytes: Vec<u8>,
    /// The changed lines, for people; secrets are masked.
    pub hunks: Vec<Hunk>,
    /// What the person should know of it.
    pub notes: Vec<String>,
}

impl AwsFile {
    /// Sets a key of a profile: in place where it counts, else below the profile's last line, else in a new section.
    pub fn set(&self, profile: &str, key: &str, value: &str) -> Result<Edited> {
        let key = key.to_ascii_lowercase();
        must_be_writable(&key, value)?;
        let Some(section) = self.section(profile) else { return self.add(profile, &[(&key, value)]) };
        let mut notes = Vec::new();
        let change = match section.get(&key) {
            Some(old) if old.value.contains('\n') => {
                let cause = format!("{key} is a block of several lines, which twolock does not edit");
                return Err(Failure::new(FailureKind::Config, cause).of_profile(visible(profile)).at(&old.place));
            }
            _ => self.set_in(&section, &key, value, &mut notes)?,
        };
        self.edited(vec![change], notes, &[profile], |new| {
            new.section(profile).is_some_and(|section| section.get(&key).is_some_and(|s| s.value == value))
        })
    }

    /// Takes a key out of a profile, wherever the section names it; what is not there is not an error.
    pub fn unset(&self, profile: &str, key: &str) -> Result<Edited> {
        let key = key.to_ascii_lowercase();
        let section = self.section(profile);
        let found: Vec<&Setting> = section.iter().flat_map(|s| &s.settings).filter(|s| s.key == key).collect();
        let mut notes = Vec::new();
        if found.len() > 1 {
            notes.push(format!("{key} stands {} times in {}; each goes", found.len(), self.shown()));
        }
        let changes = found.iter().map(|setting| Replacement::removal(setting.spans.lines.clone())).collect();
        self.edited(changes, notes, &[profile], |new| new.section(profile).is_none_or(|s| s.get(&key).is_none()))
    }

    /// Adds a profile at the end of the file.
    pub fn add(&self, profile: &str, settings: &[(&str, &str)]) -> Result<Edited> {
        let settings = settings.iter().map(|(key, value)| (key.to_string(), value.to_string())).collect();
        self.together(&[Edit::Add { profile: profile.into(), settings }])
    }

    /// Removes a profile: its headers and keys. Comments stay.
    pub fn remove(&self, profile: &str) -> Result<Edited> {
        let section = self.section(profile);
        let parts: Vec<&Part> = section.iter().flat_map(|section| &section.parts).collect();
        let mut notes = Vec::new();
        if parts.len() > 1 {
            notes.push(format!("its section stands {} times in {}; each goes", parts.len(), self.shown()));
        }
        let changes = parts.iter().map(|part| Replacement::removal(self.with_a_blank_line(part))).collect();
        self.edited(changes, notes, &[profile], |new| new.section(profile).is_none())
    }

    /// Renames a profile: its headers, and every setting that names it as a source or as what twolock serves.
    pub fn rename(&self, old: &str, new_name: &str) -> Result<Edited> {
        must_be_a_safe_name(new_name)?;
        let section = self.section(old);
        let mut changes: Vec<Replacement> =
            section.iter().flat_map(|s| &s.parts).filter_map(|part| self.new_header(part, new_name)).collect();
        for name in self.profile_names() {
            let Some(section) = self.section(&name) else { continue };
            for setting in &section.settings {
                changes.extend(self.renamed_in(setting, old, new_name)?);
            }
        }
        changes.sort_by_key(|change| change.span.start);
        let referring: Vec<String> = self.profile_names();
        let mut touched: Vec<&str> = referring.iter().map(String::as_str).collect();
        touched.push(new_name);
        let keys = |section: Option<Section>| section.map(|s| s.settings.iter().map(|s| s.key.clone()).collect());
        let before: Option<Vec<String>> = keys(section);
        self.edited(changes, Vec::new(), &touched, |new| {
            new.section(old).is_none() && (before.is_none() || keys(new.section(new_name)) == before)
        })
    }

    fn notes_on(&self, section: &Section, counts: &Setting) -> Vec<String> {
        let mut notes = Vec::new();
        let times = section.settings.iter().filter(|other| other.key == counts.key).count();
        if times > 1 {
            let line = counts.place.line;
            notes
                .push(format!("{} stands {times} times; the last one counts and is changed (line {line})", counts.key));
        }
        let line = &self.bytes()[counts.spans.value.end..counts.spans.lines.end];
        if line.trim_ascii_start().iter().next().is_some_and(|b| matches!(b, b'#' | b';')) {
            notes.push(format!(
                "the comment behind {} stays, and the AWS CLI reads it as part of the value",
                counts.key
            ));
        }
        notes
    }

    fn in_place(&self, old: &Setting, value: &str) -> Replacement {
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

    fn new_line(&self, section: &Section, line: &str) -> Replacement {
        let last = section.parts.last().expect("a section has a header");
        let at = self.behind_its_comments(last);
        Replacement { span: at..at, text: self.as_lines(at, line).into_bytes() }
    }

    /// Behind the last key, and behind indented comments there: to Java and Rust they would continue the new key.
    fn behind_its_comments(&self, part: &Part) -> usize {
        let rest = grammar::lines(self.bytes(), part.end..self.end());
        let of_this_part = rest.take_while(|line| self.bytes()[line.text.start] != b'[');
        let indented = of_this_part.filter(|line| line.text.start > line.whole.start);
        indented.last().map_or(part.end, |line| line.whole.end)
    }

    /// The part's lines, and one of two blank lines that would then meet; at the end of the file the one above.
    fn with_a_blank_line(&self, part: &Part) -> Span {
        let (mut start, mut end) = (part.header.start, part.end);
        let text = grammar::text_start(self.bytes());
        let above = grammar::every_line(self.bytes(), text..start).last();
        let below = grammar::every_line(self.bytes(), end..self.end()).next();
        let blank_above = above.as_ref().is_some_and(|line| line.text.is_empty());
        match (above, below) {
            (Some(above), None) if blank_above => start = above.whole.start,
            (above, Some(below)) if below.text.is_empty() && (blank_above || above.is_none()) => end = below.whole.end,
            _ => {}
        }
        start..end
    }

    fn new_header(&self, part: &Part, name: &str) -> Option<Replacement> {
        let text = self.line_text(part.header.clone());
        let inside = grammar::chunk_header(self.bytes(), &Chunk { span: text, mixed: false })??;
        let inside = grammar::trim(self.bytes(), inside);
        let old = &self.bytes()[inside.clone()];
        // The blank stays as it is: `[profile<TAB>p]` is read by all.
        let word = b"profile".len();
        let has_word = self.kind == Kind::Config && old.starts_with(b"profile") && old.len() > word;
        let (start, text) = match (self.kind, name) {
            (Kind::Config, "default") => (inside.start, "default".to_string()),
            (Kind::Config, _) if has_word => {
                let blanks = old[word..].iter().take_while(|b| matches!(b, b' ' | b'\t')).count();
                (inside.start + word + blanks, name.to_string())
            }
            (Kind::Config, _) => (inside.start, format!("profile {name}")),
            (Kind::Credentials, _) => (inside.start, name.to_string()),
        };
        Some(Replacement { span: start..inside.end, text: text.into_bytes() })
    }

    fn line_text(&self, line: Span) -> Span {
        grammar::lines(self.bytes(), line.clone()).next().map_or(line, |line| line.text)
    }

    fn renamed_in(&self, setting: &Setting, old: &str, new: &str) -> Result<Option<Replacement>> {
        let whole = |text: &str| Replacement { span: setting.spans.value.clone(), text: text.into() };
        match setting.key.as_str() {
            "source_profile" | "twolock_source_profile" if setting.value == old => Ok(Some(whole(new))),
            "credential_process" => match ProcessLine::parse(&setting.value).filter(|line| line.profile == old) {
                None => Ok(None),
                Some(_) if !is_process_word(new) => {
                    let cause = format!(
                        "'{}' cannot stand in a credential_process: it may hold A-Z a-z 0-9 - _ . / @ + : and not begin with '-'",
                        visible(new)
                    );
                    Err(Failure::new(FailureKind::Usage, cause).at(&setting.place))
                }
                Some(ProcessLine { at, .. }) => {
                    let start = setting.spans.value.start;
                    Ok(Some(Replacement { span: start + at.start..start + at.end, text: new.into() }))
                }
            },
            _ => Ok(None),
        }
    }

    fn header_of(&self, profile: &str) -> String {
        match (self.kind, profile) {
            (Kind::Config, "default") | (Kind::Credentials, _) => format!("[{profile}]"),
            (Kind::Config, name) => format!("[profile {name}]"),
        }
    }

    /// Whole lines to go in at `at`. A file without a last line's end stays without one.
    fn as_lines(&self, at: usize, text: &str) -> String {
        let end = self.line_ending();
        if at == self.end() && self.lacks_its_last_end() { format!("{end}{text}") } else { format!("{text}{end}") }
    }

    fn lacks_its_last_end(&self) -> bool {
        self.end() > grammar::text_start(self.bytes()) && !matches!(self.bytes().last(), Some(b'\n' | b'\r'))
    }

    fn line_ending(&self) -> &'static str {
        let first = memchr::memchr(b'\n', self.bytes());
        if first.is_some_and(|at| at > 0 && self.bytes()[at - 1] == b'\r') { "\r\n" } else { "\n" }
    }

    fn end(&self) -> usize {
        self.bytes().len()
    }

    /// Makes the changes and reads the result: it must say what was asked, and nothing else differently.
    fn edited(
        &self,
        mut changes: Vec<Replacement>,
        notes: Vec<String>,
        touched: &[&str],
        says_so: impl Fn(&AwsFile) -> bool,
    ) -> Result<Edited> {
        changes.retain(|change| self.bytes()[change.span.clone()] != change.text[..]);
        if changes.is_empty() {
            return Ok(Edited { bytes: self.bytes().to_vec(), hunks: Vec::new(), notes });
        }
        let mut bytes = Vec::with_capacity(self.end() + changes.iter().map(|c| c.text.len()).sum::<usize>());
        let mut done = 0;
        for change in &mut changes {
            // Two parts side by side may both claim the blank line between them.
            change.span.start = change.span.start.max(done);
            bytes.extend_from_slice(&self.bytes()[done..change.span.start]);
            bytes.extend_from_slice(&change.text);
            done = change.span.end;
        }
        bytes.extend_from_slice(&self.bytes()[done..]);
        if self.lacks_its_last_end() && bytes.len() > grammar::text_start(&bytes) {
            let end = if bytes.ends_with(b"\r\n") { 2 } else { usize::from(bytes.ends_with(b"\n")) };
            bytes.truncate(bytes.len() - end);
        }
        let new = AwsFile::from_bytes(self.kind, self.shown().into(), bytes);
        self.must_read_alike(&new, touched)?;
        if !says_so(&new) {
            let cause = format!("{} would not read back as it was asked to be; it is left as it is", self.shown());
            return Err(Failure::new(FailureKind::Usage, cause).hint("edit the file by hand"));
        }
        let hunks = Hunk::all(self.bytes(), &changes);
        Ok(Edited { bytes: new.bytes().to_vec(), hunks, notes })
    }

    fn must_read_alike(&self, new: &AwsFile, touched: &[&str]) -> Result<()> {
        let touched: HashSet<&str> = touched.iter().copied().collect();
        // With the index made, each profile is found without a search.
        new.profile_names();
        for name in self.profile_names().iter().filter(|name| !touched.contains(name.as_str())) {
            let says = |file: &AwsFile| file.section(name).map(|s| s.settings.iter().map(pair).collect::<Vec<_>>());
            if says(self) != says(new) {
                let cause = format!("profile '{}' of {} would be read differently", visible(name), self.shown());
                return Err(Failure::new(FailureKind::Config, cause).hint("edit the file by hand"));
            }
        }
        let (before, after) = (self.oddities(), new.oddities());
        let count = |all: &[super::oddities::Oddity], one| all.iter().filter(|odd| odd.construct == one).count();
        let fresh = |one: &&Construct| count(&after, **one) > count(&before, **one);
        match Construct::ALL.iter().find(fresh) {
            None => Ok(()),
            Some(construct) => {
                let (effect, readers) = &construct.stumbling()[0];
                let readers: Vec<String> = readers.iter().map(ToString::to_string).collect();
                let cause = format!("this would write {}: {effect} {}", construct.what(), readers.join(", "));
                Err(Failure::new(FailureKind::Usage, cause))
            }
        }
    }
}

fn pair(setting: &Setting) -> (String, Zeroizing<String>) {
    (setting.key.clone(), Zeroizing::new(setting.value.clone()))
}

fn must_be_a_safe_name(name: &str) -> Result<()> {
    let problem = |why: String| Err(Failure::new(FailureKind::Usage, why));
    match ProfileName::parse(name) {
        Err(why) => problem(why),
        Ok(name) if !name.is_read_by_every_sdk() => problem(format!(
            "'{}' is not read by every SDK: a name may hold A-Z a-z 0-9 _ - / . % @ : +",
            visible(name.as_str())
        )),
        Ok(_) => Ok(()),
    }
}

fn must_be_writable(key: &str, value: &str) -> Result<()> {
    let problem = |why: String| Err(Failure::new(FailureKind::Usage, why));
    let is_key = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "_-".contains(c);
    if key.contains('.') {
        return problem(format!("'{}' names a block inside a key, which twolock does not edit", visible(key)));
    }
    if key.is_empty() || !key.chars().all(is_key) {
        return problem(format!("'{}' is no key: a key may hold a-z 0-9 _ -", visible(key)));
    }
    if value.is_empty() {
        return problem(format!(
            "{key} cannot be empty: SDKs read that differently (twolock profile unset takes it out)"
        ));
    }
    if value.chars().any(char::is_control) {
        return problem(format!("{key} cannot hold a control character: '{}'", refused(value)));
    }
    if value.trim() != value || value.contains(" #") || value.contains(" ;") || value.starts_with(['#', ';']) {
        let cause = format!("{key} would read back differently: '{}'", refused(value));
        return Err(Failure::new(FailureKind::Usage, cause)
            .hint("a value cannot begin or end with a blank, nor hold '#' or ';' behind one"));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
