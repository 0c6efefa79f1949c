//! Edits of an AWS file, bytes in and bytes out: the lines asked for change, every other byte stays (threat-model P30).
//!
//! What is written is what all SDKs read alike (the writer rule of aws-contract 1.2). The result is parsed again before
//! it is written: if it does not say what was asked, changes any other setting, or contains a new construct that some
//! SDK cannot read, the edit is refused.

use std::collections::BTreeMap;

use super::file::AwsFile;
use super::hunk::Replacement;
use super::section::{Section, Setting, Span};
use crate::credentials::AccessKey;
use crate::error::{Failure, Kind, Result};

mod kinds;
mod lines;
mod rename;
mod verify;
mod writable;

pub use kinds::{Edit, Edited, PREFIX};
use kinds::{halves, has_key};
use verify::{expected, said, sorted};

impl AwsFile {
    /// Applies all edits or none, and verifies the result once.
    pub fn with_edits(&self, edits: &[Edit]) -> Result<Edited> {
        match edits {
            [Edit::Rename { profile, to }] => self.rename(profile, to).map_err(|failure| failure.of_profile(profile)),
            _ if self.lacks_final_newline() => {
                self.with_final_newline().together(edits).map(|edited| self.without_final_newline(edited))
            }
            _ => self.together(edits),
        }
    }

    fn together(&self, edits: &[Edit]) -> Result<Edited> {
        let (mut changes, mut notes) = (Vec::new(), Vec::new());
        // Builds the index: each profile is found without a search.
        self.profile_names();
        for edit in edits {
            let of_profile = |failure: Failure| failure.of_profile(edit.profile());
            let made = self.changes_of(edit, changes.is_empty(), &mut notes).map_err(of_profile)?;
            changes.extend(made);
        }
        changes.sort_by_key(|change| change.span.start);
        let mut about: BTreeMap<&str, Vec<&Edit>> = BTreeMap::new();
        edits.iter().for_each(|edit| about.entry(edit.profile()).or_default().push(edit));
        let touched: Vec<&str> = about.keys().copied().collect();
        self.edited(changes, notes, &touched, |new| {
            about.iter().all(|(name, edits)| {
                let is_removed =
                    |keys: &[String]| self.section(name).is_some_and(|there| self.holds_only(&there, keys));
                sorted(new.section(name).map(said)) == sorted(expected(self.section(name), edits, is_removed))
            })
        })
    }

    fn changes_of(&self, edit: &Edit, is_first: bool, notes: &mut Vec<String>) -> Result<Vec<Replacement>> {
        let section = self.section(edit.profile());
        Ok(match (edit, &section) {
            (Edit::Add { profile, settings }, None) => {
                let settings: Vec<_> = settings.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
                vec![self.new_section(profile, &settings, is_first)?]
            }
            (Edit::PutKey { profile, key }, None) => vec![self.new_section(profile, &halves(key), is_first)?],
            (Edit::PutKey { key, .. }, Some(there)) => {
                must_hold_no_other(there, key)?;
                let halves = halves(key).into_iter();
                halves.map(|(key, value)| self.set_in(there, key, value, notes)).collect::<Result<_>>()?
            }
            (Edit::SwapKey { from, to, .. }, Some(there)) => {
                let said = there.settings.iter().map(|setting| (setting.key.as_str(), setting.value.as_str()));
                let halves = if has_key(said, from) { halves(to).to_vec() } else { Vec::new() };
                halves.iter().map(|(key, value)| self.set_in(there, key, value, notes)).collect::<Result<_>>()?
            }
            (Edit::Add { .. }, Some(there)) => {
                let cause = format!("the profile already exists ({}:{})", self.shown(), there.header_line);
                return Err(Failure::new(Kind::Config, cause));
            }
            (Edit::Rename { .. }, _) => {
                return Err(Failure::new(Kind::Bug, "a profile is renamed together with other edits"));
            }
            (Edit::Set { profile, key, value }, None) => {
                vec![self.new_section(profile, &[(key, value)], is_first)?]
            }
            (_, None) => vec![],
            (Edit::Remove { .. }, Some(there)) => {
                notes.extend(self.note_on_many("its section", there.parts.len()));
                self.removal_of(there)
            }
            (Edit::TakeOut { keys, .. }, Some(there)) if self.holds_only(there, keys) => self.removal_of(there),
            (Edit::TakeOut { keys, .. }, Some(there)) => {
                let all = keys.iter().flat_map(|key| named(there, key));
                all.map(|setting| Replacement::removal(setting.spans.lines.clone())).collect()
            }
            (Edit::Set { key, value, .. }, Some(there)) => vec![self.set_in(there, key, value, notes)?],
            (Edit::Unset { key, .. }, Some(there)) => {
                notes.extend(self.note_on_many(key, named(there, key).count()));
                named(there, key).map(|setting| Replacement::removal(setting.spans.lines.clone())).collect()
            }
            (Edit::Hide { key, .. }, Some(there)) => {
                // With the capitals it was written in, so that showing it again gives the same bytes.
                let hidden = |span: &Span| [PREFIX.as_bytes(), &self.bytes()[span.clone()]].concat();
                let change = |span: &Span| Replacement { span: span.clone(), text: hidden(span) };
                named(there, key).map(|setting| change(&setting.spans.key)).collect()
            }
            (Edit::Show { key, .. }, Some(there)) => {
                let prefix = |s: &Setting| s.spans.key.start..s.spans.key.start + PREFIX.len();
                let hidden = format!("{PREFIX}{key}");
                named(there, &hidden).map(|setting| Replacement::removal(prefix(setting))).collect()
            }
        })
    }

    fn note_on_many(&self, what: &str, times: usize) -> Option<String> {
        (times > 1).then(|| format!("{what} is set {times} times in {}; all of them are removed", self.shown()))
    }

    fn with_final_newline(&self) -> Self {
        let bytes = [self.bytes(), self.line_ending().as_bytes()].concat();
        Self::from_bytes(self.kind, self.shown().into(), bytes)
    }

    fn without_final_newline(&self, mut edited: Edited) -> Edited {
        if edited.hunks.is_empty() {
            edited.bytes = self.bytes().to_vec();
        } else if edited.bytes.ends_with(self.line_ending().as_bytes()) {
            edited.bytes.truncate(edited.bytes.len() - self.line_ending().len());
        }
        edited
    }
}

/// After the diff was shown, another key may have been written there, which is stored nowhere else.
fn must_hold_no_other(section: &Section, key: &AccessKey) -> Result<()> {
    let other = halves(key).into_iter().find_map(|(half, value)| named(section, half).find(|s| s.value != value));
    other.map_or(Ok(()), |other| {
        let cause = format!("{} now has another value, which is not overwritten: run this again", other.key);
        Err(Failure::new(Kind::Busy, cause).at(&other.place))
    })
}

fn named<'a>(section: &'a Section, key: &'a str) -> impl Iterator<Item = &'a Setting> {
    section.settings.iter().filter(move |setting| setting.key == key)
}

#[cfg(test)]
mod tests;
