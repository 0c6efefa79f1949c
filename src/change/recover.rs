//! Making good what a killed run left: its acts are finished where this run can do them, else undone.

use std::path::PathBuf;
use std::time::Duration;

use super::journal::{JournalEntry, PATIENCE};
use super::record::{FileStep, Record, What};
use super::{Parts, apply, half_done};
use crate::aws_files;
use crate::aws_files::file::AwsFile;
use crate::error::{Failure, Kind, Result};
use crate::hex;
use crate::ours::key_index::KeyIndex;
use crate::store::{StoreError, access_key};
use crate::system::{foreign_file, private_file};

/// What became of an unfinished change, which is named by its command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Recovered {
    /// There was none.
    Nothing,
    /// Its last acts were done now.
    Finished(String),
    /// Its first acts were undone.
    Undone(String),
    /// Its journal was dropped unread.
    Forgotten,
}

/// The directories in which a killed run may have left a temporary file.
fn directories(parts: &Parts<'_>) -> Vec<PathBuf> {
    let files = [&parts.files.config_choice.path, &parts.files.credentials_choice.path];
    let files = files.into_iter().chain([&parts.settings.file, &parts.settings.home_file]);
    // The file that is replaced is the one behind the links.
    let targets = files.map(|path| crate::system::directories::resolve(path).unwrap_or_else(|_| path.clone()));
    let mut found: Vec<PathBuf> = targets.filter_map(|path| Some(path.parent()?.to_path_buf())).collect();
    found.extend([parts.dirs.data.clone(), parts.dirs.account_data(), parts.dirs.state.clone()]);
    found.sort();
    found.dedup();
    found
}

/// The command of a change that a killed run left unfinished, and the temporary files of such runs. Changes nothing.
pub fn unfinished(parts: &Parts<'_>) -> (Result<Option<String>>, Vec<PathBuf>) {
    let journal = parts.journal();
    let title = match journal.is_there().then(|| journal.lock(Duration::ZERO)) {
        Some(Ok(_lock)) => journal.read().map(|entry| entry.map(|entry| entry.title)),
        // Whoever holds the lock is at work.
        None | Some(Err(_)) => Ok(None),
    };
    (title, directories(parts).iter().flat_map(|directory| private_file::leftovers(directory)).collect())
}

/// Removes the temporary files of killed runs, and finishes or undoes the change that one of them left unfinished. With
/// `forget`, drops its journal and leaves everything as it is.
///
/// A file that is neither as it was before an act nor as it was to be after it is left alone: a failure of kind
/// [`Kind::HalfDone`].
pub fn recover(parts: &Parts<'_>, forget: bool) -> Result<Recovered> {
    directories(parts).iter().for_each(|directory| private_file::remove_leftovers(directory));
    let journal = parts.journal();
    if !journal.is_there() {
        return Ok(Recovered::Nothing);
    }
    let _lock = journal.lock(PATIENCE)?;
    if forget {
        return journal.remove().map(|()| Recovered::Forgotten);
    }
    let Some(entry) = journal.read()? else { return Ok(Recovered::Nothing) };
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
            rest.iter().try_for_each(|record| self.finish(record))?;
            return Ok(if rest.is_empty() { Recovered::Nothing } else { Recovered::Finished(title()) });
        }
        if let Some(file) = done.iter().find_map(|record| record.file.as_ref()) {
            return Err(self.left_alone(file, "cannot be undone without its content"));
        }
        self.entry.records.iter().rev().try_for_each(|record| self.undo(record))?;
        Ok(Recovered::Undone(title()))
    }

    /// How many acts were done. They are done in their order, so those before the last edit that stands are done too.
    fn done(&self) -> Result<usize> {
        let mut done = 0;
        let mut pending: Option<&FileStep> = None;
        for (at, record) in self.entry.records.iter().enumerate() {
            let Some(file) = &record.file else { continue };
            if !self.is_done(at, file)? {
                pending.get_or_insert(file);
            } else if let Some(file) = pending {
                return Err(self.left_alone(file, "was restored since"));
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
        let same_file = |record: &&Record| record.file.as_ref().is_some_and(|other| other.path == file.path);
        let steps = |records: &[Record]| -> Vec<FileStep> {
            records.iter().filter(same_file).filter_map(|record| record.file.clone()).collect()
        };
        let (until, after) = self.entry.records.split_at(at + 1);
        if steps(after).iter().any(|step| is_now(&step.after)) || is_now(&file.after) {
            return Ok(true);
        }
        if steps(until).iter().any(|step| is_now(&step.before)) {
            return Ok(false);
        }
        Err(self.left_alone(file, "was changed since"))
    }

    fn finish(&self, record: &Record) -> Result<()> {
        let Some(file) = &record.file else {
            return match &record.what {
                What::ForgetSessions { files } => apply::forget_sessions(files),
                _ => Ok(()),
            };
        };
        let shown = self.parts.shown(&file.path);
        let edit = |bytes: &[u8]| {
            let new = edited(&record.what, &shown, bytes)?;
            match hex::sha256(bytes) == file.before && hex::sha256(&new) == file.after {
                true => Ok(new),
                false => Err(self.left_alone(file, "would not come out as planned")),
            }
        };
        self.parts.editor_up_to(aws_files::LARGEST_FILE).edit(&file.path, edit).map(drop)
    }

    fn undo(&self, record: &Record) -> Result<()> {
        let What::KeepKey { profile, id, is_new: true } = &record.what else { return Ok(()) };
        let removed = self.parts.store_for(profile, id).and_then(|store| match access_key::remove(store, id) {
            Ok(()) | Err(StoreError::Absent) => Ok(()),
            Err(e) => Err(access_key::failure(profile, id, store.about(), &e)),
        });
        removed.map_err(|mut failure| {
            let title = &self.entry.title;
            failure.cause = format!("'{title}' was interrupted, and cannot be undone: {}", failure.cause);
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
