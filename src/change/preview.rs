//! What a change would make of what is there, and the diff. Pure, and each edit is made once.

use super::{Act, Change};
use crate::aws_files::file::{AwsFile, FileKind};
use crate::aws_files::hunk::Hunk;
use crate::aws_files::{AwsFiles, Setting};
use crate::credentials::AccessKey;
use crate::error::{Failure, Kind, Result};
use crate::names::ProfileName;
use crate::ours::key_index::KeyIndex;
use crate::text::visible::one_line;

/// What would be there.
#[derive(Debug)]
pub struct Preview {
    /// The AWS files after the change.
    pub files: AwsFiles,
    /// The index after the change.
    pub index: KeyIndex,
    /// What the edits have to say.
    pub notes: Vec<String>,
    diffs: Vec<Diff>,
    /// For each act that edits an AWS file, in their order: the file before and after it; none where nothing changes.
    steps: Vec<Option<FileStep>>,
}

#[derive(Debug)]
struct Diff {
    shown: String,
    hunks: Vec<Hunk>,
}

#[derive(Debug)]
struct FileStep {
    before: AwsFile,
    after: AwsFile,
}

/// Works out what a change would make of the files and the index.
pub fn preview(files: &AwsFiles, index: &KeyIndex, change: &Change) -> Result<Preview> {
    let mut preview = Preview {
        files: files.copied(),
        index: index.clone(),
        notes: Vec::new(),
        diffs: Vec::new(),
        steps: Vec::new(),
    };
    change.acts.iter().try_for_each(|act| preview.add(act)).map(|()| preview)
}

impl Preview {
    fn add(&mut self, act: &Act) -> Result<()> {
        match act {
            Act::EditIndex(edit) => self.index.edit(edit),
            Act::EditFile { kind, .. } => {
                let file = match kind {
                    FileKind::Config => &mut self.files.config,
                    FileKind::Credentials => &mut self.files.credentials,
                };
                let EditedFile { after, hunks, notes } = edited(act, file)?;
                self.notes.extend(notes);
                let changes = !hunks.is_empty();
                if changes {
                    self.diffs.push(Diff { shown: file.shown().into(), hunks });
                }
                let (copy, before) = (after.copied(), std::mem::replace(file, after));
                self.steps.push(changes.then_some(FileStep { before, after: copy }));
            }
            _ => {}
        }
        Ok(())
    }

    /// Whether an act edits an AWS file and changes nothing in it.
    pub(super) fn is_idle(&self, change: &Change, act: usize) -> bool {
        is_file_edit(&change.acts[act]) && self.step(change, act).is_none()
    }

    /// Whether no AWS file would change.
    pub fn is_empty(&self) -> bool {
        self.diffs.is_empty()
    }

    fn step(&self, change: &Change, act: usize) -> Option<&FileStep> {
        let before = change.acts[..act].iter().filter(|act| is_file_edit(act)).count();
        self.steps.get(before)?.as_ref().filter(|_| is_file_edit(&change.acts[act]))
    }

    /// The content after an act, if `bytes` is the content that was previewed.
    pub(super) fn planned(&self, change: &Change, act: usize, bytes: &[u8]) -> Option<Vec<u8>> {
        let step = self.step(change, act).filter(|step| step.before.bytes() == bytes)?;
        Some(step.after.bytes().to_vec())
    }

    /// The changed lines of each file, secrets masked, each line made visible.
    pub fn diff(&self) -> String {
        self.diffs.iter().map(Diff::text).collect()
    }
}

impl Diff {
    fn text(&self) -> String {
        let mut text = format!("{}\n", one_line(&self.shown));
        let mut below = None;
        for hunk in &self.hunks {
            if hunk.below.is_some() && hunk.below != below {
                text += &format!("  {}\n", one_line(hunk.below.as_deref().unwrap_or_default()));
            }
            below.clone_from(&hunk.below);
            hunk.removed.iter().for_each(|line| text += &format!("- {}\n", one_line(line)));
            hunk.added.iter().for_each(|line| text += &format!("+ {}\n", one_line(line)));
        }
        text
    }
}

fn is_file_edit(act: &Act) -> bool {
    matches!(act, Act::EditFile { .. })
}

/// What an act makes of its file.
struct EditedFile {
    after: AwsFile,
    hunks: Vec<Hunk>,
    notes: Vec<String>,
}

fn edited(act: &Act, file: &AwsFile) -> Result<EditedFile> {
    let Act::EditFile { edits, holds, .. } = act else {
        return Ok(EditedFile { after: file.copied(), hunks: Vec::new(), notes: Vec::new() });
    };
    must_still_hold(file, holds)?;
    let edited = file.with_edits(edits)?;
    let after = AwsFile::from_bytes(file.kind(), file.shown().into(), edited.bytes);
    Ok(EditedFile { after, hunks: edited.hunks, notes: edited.notes })
}

/// The content of a file after an act that edits it: read anew when it is written, because somebody else may have
/// written meanwhile.
pub(super) fn edited_bytes(act: &Act, kind: FileKind, shown: &str, bytes: &[u8]) -> Result<Vec<u8>> {
    let file = AwsFile::from_bytes(kind, shown.into(), bytes.to_vec());
    edited(act, &file).map(|edit| edit.after.bytes().to_vec())
}

/// Refuses a file in which a profile no longer holds the very key that is to leave it: a key that somebody put there
/// meanwhile is in no keyring.
fn must_still_hold(file: &AwsFile, holds: &[(ProfileName, AccessKey)]) -> Result<()> {
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
    Ok(())
}
