//! What a change would make of the files and the index, and the diff. Pure; each edit is computed once.

use std::rc::Rc;

use super::{Act, Change};
use crate::aws_files::edit::{Edit, Edited};
use crate::aws_files::file::{AwsFile, FileKind};
use crate::aws_files::hunk::Hunk;
use crate::aws_files::{AwsFiles, Setting};
use crate::credentials::AccessKey;
use crate::error::{Failure, Kind, Result};
use crate::names::ProfileName;
use crate::ours::key_index::KeyIndex;
use crate::text::visible::{one_line, with_tabs};

#[derive(Debug)]
pub struct Preview {
    pub files: AwsFiles,
    pub index: KeyIndex,
    pub notes: Vec<String>,
    /// For each act: what it makes of an AWS file, if it changes one.
    steps: Vec<Option<FileStep>>,
}

#[derive(Debug)]
struct FileStep {
    before: Rc<AwsFile>,
    after: Rc<AwsFile>,
    hunks: Vec<Hunk>,
}

pub fn preview(files: &AwsFiles, index: &KeyIndex, change: &Change) -> Result<Preview> {
    let mut preview = Preview {
        files: files.clone(),
        index: index.clone(),
        notes: Vec::new(),
        steps: Vec::with_capacity(change.acts.len()),
    };
    for act in &change.acts {
        let step = preview.step(act)?;
        preview.steps.push(step);
    }
    Ok(preview)
}

impl Preview {
    fn step(&mut self, act: &Act) -> Result<Option<FileStep>> {
        if let Act::EditIndex(edit) = act {
            self.index.edit(edit);
        }
        let Act::EditFile { kind, edits, holds } = act else { return Ok(None) };
        let file = match kind {
            FileKind::Config => &mut self.files.config,
            FileKind::Credentials => &mut self.files.credentials,
        };
        let Edited { bytes, hunks, notes } = edited(file, edits, holds)?;
        self.notes.extend(notes);
        let after = Rc::new(AwsFile::from_bytes(*kind, file.shown().into(), bytes));
        let before = std::mem::replace(file, after.clone());
        let changes = !hunks.is_empty();
        Ok(changes.then_some(FileStep { before, after, hunks }))
    }

    /// Whether an act edits an AWS file and changes nothing in it.
    pub(super) fn is_idle(&self, change: &Change, act: usize) -> bool {
        matches!(change.acts[act], Act::EditFile { .. }) && self.steps[act].is_none()
    }

    /// Whether no AWS file would change.
    pub fn is_empty(&self) -> bool {
        self.steps.iter().all(Option::is_none)
    }

    /// The content after an act, if `bytes` is the content that was previewed.
    pub(super) fn planned(&self, act: usize, bytes: &[u8]) -> Option<Vec<u8>> {
        let step = self.steps[act].as_ref().filter(|step| step.before.bytes() == bytes)?;
        Some(step.after.bytes().to_vec())
    }

    /// Fails if what the user was shown of a profile is no longer so: another program has written what these edits
    /// would change, and nobody agreed to that.
    pub(super) fn must_still_hold(&self, act: usize, edits: &[Edit], now: &AwsFile) -> Result<()> {
        let Some(step) = &self.steps[act] else { return Ok(()) };
        for edit in edits {
            let (before, now) = (step.before.section(edit.profile()), now.section(edit.profile()));
            if edit.seen(before.as_deref()) != edit.seen(now.as_deref()) {
                let cause = "it was changed in the meantime: run this again";
                return Err(Failure::new(Kind::Busy, cause).of_profile(edit.profile()));
            }
        }
        Ok(())
    }

    /// The changed lines of each file, secrets masked, each line made visible.
    pub fn diff(&self) -> String {
        self.steps.iter().flatten().map(FileStep::diff).collect()
    }
}

impl FileStep {
    fn diff(&self) -> String {
        let mut text = format!("{}\n", one_line(self.before.shown()));
        let mut below = None;
        for hunk in &self.hunks {
            if hunk.below.is_some() && hunk.below != below {
                text += &format!("  {}\n", one_line(hunk.below.as_deref().unwrap_or_default()));
            }
            below.clone_from(&hunk.below);
            hunk.removed.iter().for_each(|line| text += &format!("- {}\n", with_tabs(line)));
            hunk.added.iter().for_each(|line| text += &format!("+ {}\n", with_tabs(line)));
        }
        text
    }
}

/// Edits a file, unless the AWS CLI could not read the result, or a profile no longer has the key that the edit would remove: a key that another program has
/// written in the meantime is not in the keyring.
pub(super) fn edited(file: &AwsFile, edits: &[Edit], holds: &[(ProfileName, AccessKey)]) -> Result<Edited> {
    for (profile, key) in holds {
        let Some(section) = file.section(profile.as_str()) else { continue };
        let is_same = |setting: &Setting| match setting.key.as_str() {
            "aws_access_key_id" => setting.value == key.id.as_str(),
            "aws_secret_access_key" => setting.value == *key.secret.expose(),
            _ => true,
        };
        if let Some(other) = section.settings.iter().find(|setting| !is_same(setting)) {
            let cause = "its access key was changed in the meantime: run this again";
            return Err(Failure::new(Kind::Busy, cause).of_profile(profile).at(&other.place));
        }
    }
    let of_profile = |failure: Failure| failure.of_profile(edits[0].profile());
    let edited = file.with_edits(edits).map_err(|failure| file.why_not_edited().map_or(failure, of_profile))?;
    if edited.hunks.is_empty() && file.not_text().is_none() {
        return Ok(edited);
    }
    let after = AwsFile::from_bytes(file.kind(), file.shown().into(), edited.bytes.clone());
    let stays = after.why_not_edited().map(|why| file.why_not_edited().unwrap_or(why));
    stays.map_or(Ok(edited), |failure| Err(of_profile(failure)))
}
