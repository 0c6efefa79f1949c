//! Parses the result of an edit before it is written: it must say what was asked, and change nothing else.

use std::collections::HashSet;
use std::rc::Rc;

use zeroize::Zeroizing;

use super::kinds::{Edit, Edited, PREFIX, halves, has_key};
use crate::aws_files::construct::Construct;
use crate::aws_files::file::AwsFile;
use crate::aws_files::grammar;
use crate::aws_files::hunk::{Hunk, Replacement};
use crate::aws_files::oddities::Oddity;
use crate::aws_files::section::{Section, Setting};
use crate::error::{Failure, Kind, Result};

impl AwsFile {
    pub(super) fn edited(
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
            // Two adjacent parts may both include the blank line between them.
            change.span.start = change.span.start.max(done);
            bytes.extend_from_slice(&self.bytes()[done..change.span.start]);
            bytes.extend_from_slice(&change.text);
            done = change.span.end;
        }
        bytes.extend_from_slice(&self.bytes()[done..]);
        if self.lacks_final_newline() && bytes.len() > grammar::text_start(&bytes) {
            let end = if bytes.ends_with(b"\r\n") { 2 } else { usize::from(bytes.ends_with(b"\n")) };
            bytes.truncate(bytes.len() - end);
        }
        let new = AwsFile::from_bytes(self.kind, self.shown().into(), bytes);
        self.must_read_alike(&new, touched, &changes)?;
        if !says_so(&new) {
            let cause = format!("{} would not read back as written, so it was not changed", self.shown());
            return Err(Failure::new(Kind::Usage, cause).hint("edit the file by hand"));
        }
        let hunks = Hunk::all(self.bytes(), &changes);
        Ok(Edited { bytes: new.bytes().to_vec(), hunks, notes })
    }

    fn must_read_alike(&self, new: &AwsFile, touched: &[&str], changes: &[Replacement]) -> Result<()> {
        let touched: HashSet<&str> = touched.iter().copied().collect();
        // Builds the index: each profile is then found without a search.
        new.profile_names();
        for name in self.profile_names().iter().filter(|name| !touched.contains(name.as_str())) {
            if self.section(name).map(said) != new.section(name).map(said) {
                let cause = format!("profile '{name}' of {} would change as well", self.shown());
                return Err(Failure::new(Kind::Config, cause).hint("edit the file by hand"));
            }
        }
        let (before, after) = (self.oddities(), new.oddities());
        let count = |all: &[Oddity], one| all.iter().filter(|odd| odd.construct == one).count();
        let fresh = |one: &&Construct| count(&after, **one) > count(&before, **one);
        let Some(construct) = Construct::ALL.iter().find(fresh) else { return Ok(()) };
        let (effect, readers) = &construct.stumbling()[0];
        let readers: Vec<String> = readers.iter().map(ToString::to_string).collect();
        let what = format!("{}: {effect} {}", construct.what(), readers.join(", "));
        let old_lines =
            after.iter().filter(|odd| odd.construct == *construct).map(|odd| position_before(odd.at, changes));
        // A line that stays, and would mean something else below another one.
        Err(
            match old_lines.flatten().find(|at| !before.iter().any(|odd| odd.construct == *construct && odd.at == *at))
            {
                Some(at) => {
                    let line = grammar::LineCounter::default().at(self.bytes(), at);
                    Failure::new(Kind::Config, format!("this change would turn this line into {what}"))
                        .at(&self.place(line))
                        .hint("move or remove this line, then run this again")
                }
                None => Failure::new(Kind::Usage, format!("this would write {what}")),
            },
        )
    }
}

/// Where a line of the new file was in the old one, if it was there.
fn position_before(at: usize, changes: &[Replacement]) -> Option<usize> {
    let (mut new, mut old) = (0, 0);
    for change in changes {
        let kept = change.span.start - old;
        if at < new + kept {
            break;
        }
        (new, old) = (new + kept + change.text.len(), change.span.end);
        if at < new {
            return None;
        }
    }
    Some(old + (at - new))
}

/// Keys and values; wiped on drop, because some are secret.
pub(super) type Said = Vec<(String, Zeroizing<String>)>;

pub(super) fn said(section: Rc<Section>) -> Said {
    let pair = |setting: &Setting| (setting.key.clone(), Zeroizing::new(setting.value.clone()));
    section.settings.iter().map(pair).collect()
}

pub(super) fn sorted(said: Option<Said>) -> Option<Said> {
    said.map(|mut said| {
        said.sort_by(|one, other| (&one.0, one.1.as_str()).cmp(&(&other.0, other.1.as_str())));
        said
    })
}

/// The settings a profile must have after its edits, computed without the file's bytes.
pub(super) fn expected(
    before: Option<Rc<Section>>,
    edits: &[&Edit],
    is_removed: impl Fn(&[String]) -> bool,
) -> Option<Said> {
    let rename = |said: &mut Said, from: &str, to: &str| {
        said.iter_mut().filter(|(key, _)| key == from).for_each(|(key, _)| *key = to.to_string());
    };
    let set = |said: &mut Said, key: &str, value: &str| match said.iter_mut().rfind(|(known, _)| known == key) {
        Some((_, old)) => *old = Zeroizing::new(value.to_string()),
        None => said.push((key.into(), Zeroizing::new(value.to_string()))),
    };
    edits.iter().fold(before.map(said), |said, edit| {
        let mut said = match edit {
            Edit::Add { .. } | Edit::PutKey { .. } | Edit::Set { .. } => said.unwrap_or_default(),
            _ => said?,
        };
        match edit {
            Edit::Add { settings, .. } => settings.iter().for_each(|(key, value)| set(&mut said, key, value)),
            Edit::PutKey { key, .. } => halves(key).iter().for_each(|(key, value)| set(&mut said, key, value)),
            Edit::SwapKey { from, to, .. } if has_key(said.iter().map(|(k, v)| (k.as_str(), v.as_str())), from) => {
                halves(to).iter().for_each(|(key, value)| set(&mut said, key, value));
            }
            Edit::SwapKey { .. } => {}
            Edit::Remove { .. } | Edit::Rename { .. } => return None,
            Edit::Set { key, value, .. } => set(&mut said, key, value),
            Edit::Unset { key, .. } => said.retain(|(known, _)| known != key),
            Edit::TakeOut { keys, .. } if is_removed(keys) => return None,
            Edit::TakeOut { keys, .. } => said.retain(|(known, _)| !keys.contains(known)),
            Edit::Hide { key, .. } => rename(&mut said, key, &format!("{PREFIX}{key}")),
            Edit::Show { key, .. } => rename(&mut said, &format!("{PREFIX}{key}"), key),
        }
        Some(said)
    })
}
