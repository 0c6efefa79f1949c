//! Finishes the change of a killed run if this run can do the remaining acts, else undoes it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::journal::{JournalEntry, PATIENCE};
use super::record::{FileStep, Record, What};
use super::{Parts, apply, half_done};
use crate::aws_files;
use crate::aws_files::file::AwsFile;
use crate::credentials::AccessKeyId;
use crate::error::{Failure, Kind, Result};
use crate::hex;
use crate::names::ProfileName;
use crate::ours::key_index::KeyIndex;
use crate::store::{StoreError, access_key};
use crate::system::{directories, foreign_file, private_file};

/// What was done about an unfinished change, with its command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Recovered {
    Nothing,
    Finished {
        title: String,
        /// Whether it edited only files that this run uses.
        is_here: bool,
    },
    Undone(String),
    /// Its journal was deleted unread.
    Forgotten,
}

/// The directories that may contain the temporary file of a killed run.
fn directories_of(parts: &Parts<'_>) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = parts.editable().iter().filter_map(|path| directory_of(path)).collect();
    found.extend([parts.account_data.clone(), parts.dirs.state.clone()]);
    found.sort();
    found.dedup();
    found
}

/// Where a file is replaced: a symlink's target is, not the symlink.
fn directory_of(path: &Path) -> Option<PathBuf> {
    let target = directories::resolve(path).unwrap_or_else(|_| path.into());
    Some(target.parent()?.to_path_buf())
}

/// The command of an unfinished change, and the temporary files of killed runs. Changes nothing.
pub fn unfinished(parts: &Parts<'_>) -> (Result<Option<String>>, Vec<PathBuf>) {
    let journal = parts.journal();
    let title = match journal.is_there().then(|| journal.lock(Duration::ZERO, parts.tell)) {
        Some(Ok(_lock)) => journal.read().map(|entry| entry.map(|entry| entry.title)),
        // The lock is held: a change is still in progress.
        None | Some(Err(_)) => Ok(None),
    };
    (title, directories_of(parts).iter().flat_map(|directory| private_file::leftovers(directory)).collect())
}

/// Removes the temporary files of killed runs, and finishes or undoes an unfinished change. With `forget`, only deletes
/// its journal.
///
/// A file whose content is neither that before an act nor that planned after it is not touched: a failure of kind
/// [`Kind::HalfDone`].
pub fn recover(parts: &Parts<'_>, forget: bool) -> Result<Recovered> {
    directories_of(parts).iter().for_each(|directory| private_file::remove_leftovers(directory));
    let journal = parts.journal();
    if !journal.is_there() {
        return Ok(Recovered::Nothing);
    }
    let _lock = journal.lock(PATIENCE, parts.tell)?;
    if forget {
        return journal.remove().map(|()| Recovered::Forgotten);
    }
    let Some(entry) = journal.read()? else { return Ok(Recovered::Nothing) };
    // It may have edited files that other variables chose.
    entry
        .files()
        .filter_map(|path| directory_of(path))
        .for_each(|directory| private_file::remove_leftovers(&directory));
    let recovered = Unfinished { parts, entry: &entry }.finish_or_undo()?;
    journal.remove()?;
    Ok(recovered)
}

struct Unfinished<'a> {
    parts: &'a Parts<'a>,
    entry: &'a JournalEntry,
}

impl Unfinished<'_> {
    fn finish_or_undo(&self) -> Result<Recovered> {
        let title = || self.entry.title.clone();
        let (done, rest) = self.entry.records.split_at(self.done()?);
        if rest.iter().all(|record| record.what.can_be_finished()) {
            done.iter().try_for_each(|record| self.must_be_kept(record))?;
            rest.iter().try_for_each(|record| self.finish(record))?;
            let here = self.parts.editable();
            return Ok(Recovered::Finished {
                title: title(),
                is_here: self.entry.files().all(|file| here.contains(file)),
            });
        }
        if let Some(file) = done.iter().find_map(|record| record.file.as_ref()) {
            return Err(self.left_alone(file, "cannot be undone without its content"));
        }
        self.entry.records.iter().rev().try_for_each(|record| self.undo(record))?;
        Ok(Recovered::Undone(title()))
    }

    /// A key that leaves the files must still be in the keyring: a keyring can be reset after the run was killed.
    fn must_be_kept(&self, record: &Record) -> Result<()> {
        let What::KeepKey { profile, id, .. } = &record.what else { return Ok(()) };
        let store = self.parts.store_for(profile, id)?;
        access_key::read(store, id).map(drop).map_err(|error| match error {
            StoreError::Absent => half_done(format!(
                "'{}' was interrupted, and {} no longer has access key {id}, so the files were left as they are: \
                 check them, then run this again with --forget-unfinished",
                self.entry.title,
                store.name()
            )),
            other => access_key::failure(profile, id, store.about(), &other),
        })
    }

    /// How many acts were done. Acts are done in order, so those before the last edit found in a file are done too.
    fn done(&self) -> Result<usize> {
        let mut done = 0;
        let mut pending: Option<&FileStep> = None;
        for (at, record) in self.entry.records.iter().enumerate() {
            // A step that changes nothing says nothing.
            let Some(file) = record.file.as_ref().filter(|file| file.before != file.after) else { continue };
            if !self.is_done(at, file)? {
                pending.get_or_insert(file);
            } else if let Some(file) = pending {
                return Err(self.left_alone(file, "was restored in the meantime"));
            } else {
                done = at + 1;
            }
        }
        Ok(done)
    }

    fn is_done(&self, at: usize, file: &FileStep) -> Result<bool> {
        let shown = self.parts.shown(&file.path);
        let now = hex::sha256(&foreign_file::load(&file.path, &shown, aws_files::LARGEST_FILE)?);
        let is_now = |wanted: &str| wanted == now;
        let any = |records: &[Record], is_it: &dyn Fn(&FileStep) -> bool| {
            records.iter().filter_map(|record| record.file.as_ref()).any(|step| step.path == file.path && is_it(step))
        };
        if any(&self.entry.records[at..], &|step| is_now(&step.after)) {
            return Ok(true);
        }
        if any(&self.entry.records[..=at], &|step| is_now(&step.before)) {
            return Ok(false);
        }
        Err(self.left_alone(file, "was changed in the meantime"))
    }

    fn finish(&self, record: &Record) -> Result<()> {
        let Some(file) = &record.file else {
            return match &record.what {
                What::ForgetSessions { files } => apply::forget_sessions(files),
                What::RemoveKey { profile, id } => self.remove_key(profile, id, "finished"),
                _ => Ok(()),
            };
        };
        let shown = self.parts.shown(&file.path);
        let edit = |bytes: &[u8]| {
            let new = edited(&record.what, &shown, bytes)?;
            match hex::sha256(bytes) == file.before && hex::sha256(&new) == file.after {
                true => Ok(new),
                false => Err(self.left_alone(file, "would differ from the planned result")),
            }
        };
        self.parts.editor_up_to(aws_files::LARGEST_FILE).edit(&file.path, edit).map(drop)
    }

    fn undo(&self, record: &Record) -> Result<()> {
        let What::KeepKey { profile, id, is_new: true } = &record.what else { return Ok(()) };
        self.remove_key(profile, id, "undone")
    }

    fn remove_key(&self, profile: &ProfileName, id: &AccessKeyId, what: &str) -> Result<()> {
        self.parts.remove_key(profile, id).map_err(|mut failure| {
            let title = &self.entry.title;
            failure.cause = format!("'{title}' was interrupted, and cannot be {what}: {}", failure.cause);
            failure.hint("to leave it as it is: run this again with --forget-unfinished")
        })
    }

    fn left_alone(&self, file: &FileStep, why: &str) -> Failure {
        let (title, shown) = (&self.entry.title, self.parts.shown(&file.path));
        let way_out = "check it, then run this again with --forget-unfinished";
        half_done(format!("'{title}' was interrupted, and {shown} {why}, so it was left as it is: {way_out}"))
    }
}

fn edited(what: &What, shown: &str, bytes: &[u8]) -> Result<Vec<u8>> {
    match what {
        What::EditFile { kind, edits: Some(edits) } => {
            Ok(AwsFile::from_bytes(*kind, shown.into(), bytes.to_vec()).with_edits(edits)?.bytes)
        }
        What::EditIndex { edit } => KeyIndex::edited(bytes, edit).map_err(apply::index_problem),
        What::EditSettings { edit } => apply::setting_bytes(bytes, shown, edit),
        _ => Err(Failure::new(Kind::Bug, "this act edits no file")),
    }
}
