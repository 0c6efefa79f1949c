//! Applies a change: does the acts in order; when one fails, undoes those before it in reverse.

use std::cell::RefCell;
use std::collections::HashMap;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::journal::{Journal, JournalEntry, PATIENCE};
use super::preview::{self, Preview};
use super::record::{FileStep, Record, What};
use super::replace::{Editor, Replaced};
use super::{Act, Change, KeyToProve, KeyToStore, Parts, Proof, absolute, half_done};
use crate::aws::{Bounds, Signer};
use crate::aws_files;
use crate::aws_files::file::{AwsFile, FileKind};
use crate::error::{Failure, Kind, Result};
use crate::hex;
use crate::hint::{CommandLine, Verb};
use crate::ours::key_index::{self, KeyIndex};
use crate::ours::settings::SettingEdit;
use crate::ours::{consent, settings};
use crate::store::StoreError;
use crate::store::access_key::{self, Kept};
use crate::system::directories::shorten;
use crate::system::foreign_file::{self, plain};
use crate::system::{log, permissions};

/// What to tell the user after the change.
#[derive(Debug, Default)]
pub struct Applied {
    pub notes: Vec<String>,
    pub warnings: Vec<String>,
}

/// Does the acts in order. When one fails, those before it are undone; the failure names what could not be undone.
pub fn apply(change: &Change, preview: &Preview, parts: &Parts<'_>) -> Result<Applied> {
    let acts: Vec<usize> = (0..change.acts.len()).filter(|&act| !preview.is_idle(change, act)).collect();
    let run = Run { change, preview, parts, records: RefCell::default(), applied: RefCell::default() };
    let recorded = acts.iter().filter(|&&act| What::of(&change.acts[act]).is_some()).count();
    let journal = parts.journal();
    let _lock = (recorded > 0).then(|| journal.lock(PATIENCE, parts.tell)).transpose()?;
    if recorded > 0 && journal.is_there() {
        let cause = "another change was interrupted in the meantime: run this again";
        return Err(Failure::new(Kind::Busy, cause));
    }
    let journal = (recorded > 1).then_some(journal);
    if let Some(journal) = &journal {
        *run.records.borrow_mut() = run.planned(&acts)?;
        run.write(journal)?;
    }
    let mut done = Vec::new();
    for act in acts {
        if let Err(failure) = run.act(act, journal.as_ref(), &mut done) {
            return Err(run.undo(done, failure, journal.as_ref()));
        }
    }
    run.keep_consents(&done);
    if let Some(journal) = &journal {
        journal.remove()?;
    }
    Ok(run.applied.into_inner())
}

/// An act that can be undone.
enum Done<'a> {
    Replaced { path: PathBuf, replaced: Replaced },
    Kept { key: &'a KeyToStore },
}

struct Run<'a> {
    change: &'a Change,
    preview: &'a Preview,
    parts: &'a Parts<'a>,
    /// The content of the journal, by act.
    records: RefCell<HashMap<usize, Record>>,
    applied: RefCell<Applied>,
}

impl<'a> Run<'a> {
    fn act(&self, act: usize, journal: Option<&Journal>, done: &mut Vec<Done<'a>>) -> Result<()> {
        match &self.change.acts[act] {
            Act::EditFile { .. } | Act::EditIndex(_) | Act::EditSettings { .. } => {
                let path = self.path(act).unwrap_or_default();
                let last = RefCell::default();
                let edited = self.parts.editor(&self.change.acts[act]).edit(&path, |bytes| {
                    let new = self.edited(act, bytes)?;
                    self.note_other_content(act, bytes, &new, journal)?;
                    last.replace(Some((bytes.to_vec(), new.clone())));
                    Ok(new)
                });
                let replaced = match edited {
                    Ok(replaced) => replaced,
                    Err(failure) => {
                        done.extend(self.replaced_all_the_same(path, last.take()));
                        return Err(failure);
                    }
                };
                self.note_tightened(&path, &replaced);
                done.push(Done::Replaced { path, replaced });
            }
            Act::KeepKey(key) => {
                if self.keep(key)? == Kept::New {
                    done.push(Done::Kept { key });
                }
            }
            Act::RemoveKey { profile, id } => self.parts.remove_key(profile, id)?,
            Act::Prove(proof) => self.prove(proof)?,
            Act::ForgetSessions(paths) => forget_sessions(paths)?,
            Act::Close(path) => permissions::close_to_others(path).map_err(|e| {
                Failure::new(Kind::Disk, format!("cannot make {} private: {}", path.display(), plain(&e)))
            })?,
        }
        Ok(())
    }

    /// An edit that failed, although the file has its result: the directory could not be synced after the rename.
    fn replaced_all_the_same(&self, path: PathBuf, last: Option<(Vec<u8>, Vec<u8>)>) -> Option<Done<'a>> {
        let (old, new) = last.filter(|(old, new)| old != new)?;
        let now = foreign_file::load(&path, "", aws_files::LARGEST_FILE).ok()?;
        (now == new).then_some(Done::Replaced { path, replaced: Replaced { old, new, tightened: false } })
    }

    /// The file an act edits, absolute.
    fn path(&self, act: usize) -> Option<PathBuf> {
        Some(match &self.change.acts[act] {
            Act::EditFile { kind: FileKind::Config, .. } => absolute(&self.parts.files.config_choice.path),
            Act::EditFile { kind: FileKind::Credentials, .. } => absolute(&self.parts.files.credentials_choice.path),
            Act::EditIndex(_) => absolute(&self.parts.index()),
            Act::EditSettings { file, .. } => absolute(file),
            _ => return None,
        })
    }

    fn edited(&self, act: usize, bytes: &[u8]) -> Result<Vec<u8>> {
        if let Some(planned) = self.preview.planned(act, bytes) {
            return Ok(planned);
        }
        match &self.change.acts[act] {
            Act::EditFile { kind, edits, holds } => {
                let shown = self.parts.files.of(*kind).shown().into();
                let file = AwsFile::from_bytes(*kind, shown, bytes.to_vec());
                self.preview.must_still_hold(act, edits, &file)?;
                preview::edited(&file, edits, holds).map(|edited| edited.bytes)
            }
            Act::EditIndex(edit) => KeyIndex::edited(bytes, edit).map_err(index_problem),
            Act::EditSettings { file, edit } => setting_bytes(bytes, &self.parts.shown(file), edit),
            _ => Ok(bytes.to_vec()),
        }
    }

    /// The records to write: for each file, the hashes of its content before and after each act.
    fn planned(&self, acts: &[usize]) -> Result<HashMap<usize, Record>> {
        let (mut records, mut contents) = (HashMap::new(), HashMap::<PathBuf, Vec<u8>>::new());
        for &act in acts {
            let Some(mut what) = What::of(&self.change.acts[act]) else { continue };
            if let What::KeepKey { id, is_new, profile } = &mut what {
                let store = self.parts.store_for(profile, id)?;
                *is_new = matches!(access_key::read(store, id), Err(StoreError::Absent));
            }
            let mut file = None;
            if let Some(path) = self.path(act) {
                let before = match contents.remove(&path) {
                    Some(content) => content,
                    None => foreign_file::load(&path, &self.parts.shown(&path), aws_files::LARGEST_FILE)?,
                };
                let after = self.edited(act, &before)?;
                file = Some(FileStep { path: path.clone(), before: hex::sha256(&before), after: hex::sha256(&after) });
                contents.insert(path, after);
            }
            records.insert(act, Record { what, file });
        }
        records.extend((self.change.acts.len()..).zip(self.consents(&records)?));
        Ok(records)
    }

    /// The consents to renew after the edits, if the files have the planned content.
    fn consents(&self, records: &HashMap<usize, Record>) -> Result<Vec<Record>> {
        let account_file = &self.parts.settings.account_file;
        let shown = self.parts.shown(account_file);
        let mut content = foreign_file::load(account_file, &shown, settings::LARGEST_FILE)?;
        let mut found = Vec::new();
        let mut acts: Vec<_> = records.iter().collect();
        acts.sort_by_key(|(act, _)| **act);
        let files = acts.into_iter().filter_map(|(_, record)| record.file.as_ref());
        let edits = files.map(|file| (file.path.as_path(), file.before.as_str(), file.after.as_str()));
        for (path, before, after) in first_and_last(edits) {
            let Some(edit) = self.consent(path, before, after) else { continue };
            let before = hex::sha256(&content);
            content = setting_bytes(&content, &shown, &edit)?;
            let step = FileStep { path: account_file.clone(), before, after: hex::sha256(&content) };
            found.push(Record { what: What::EditSettings { edit }, file: Some(step) });
        }
        Ok(found)
    }

    /// The edit that renews the consent for a file, if the content before had one.
    fn consent(&self, path: &Path, before: &str, after: &str) -> Option<SettingEdit> {
        let path = consent::consent_path(path).ok()?;
        let is_given = before != after && self.parts.trust.get(&path).is_some_and(|given| given == before);
        is_given.then(|| SettingEdit::Trust { path, sha256: after.into() })
    }

    /// Another program may have written since the plan was made: updates the journal with the content that this edit
    /// and later edits of the same file find.
    fn note_other_content(&self, act: usize, old: &[u8], new: &[u8], journal: Option<&Journal>) -> Result<()> {
        let Some(journal) = journal else { return Ok(()) };
        let (mut before, mut content) = (hex::sha256(old), new.to_vec());
        let is_as_planned = |record: &Record| record.file.as_ref().is_some_and(|file| file.before == before);
        if self.records.borrow().get(&act).is_some_and(is_as_planned) {
            return Ok(());
        }
        let path = self.path(act);
        for later in act..self.change.acts.len() {
            if self.path(later) != path || !self.records.borrow().contains_key(&later) {
                continue;
            }
            if later > act {
                content = self.edited(later, &content)?;
            }
            let after = hex::sha256(&content);
            if let Some(file) = self.records.borrow_mut().get_mut(&later).and_then(|record| record.file.as_mut()) {
                (file.before, file.after) = (before, after.clone());
            }
            before = after;
        }
        // The consents were planned for other content. They are still renewed, but not if this run is killed.
        self.records.borrow_mut().retain(|act, _| *act < self.change.acts.len());
        self.write(journal)
    }

    fn write(&self, journal: &Journal) -> Result<()> {
        let records = self.records.borrow();
        let mut acts: Vec<_> = records.keys().collect();
        acts.sort();
        let records = acts.into_iter().map(|act| records[act].clone()).collect();
        journal.write(&JournalEntry { title: self.change.title.clone(), records })
    }

    fn keep(&self, key: &KeyToStore) -> Result<Kept> {
        let KeyToStore { profile, key, account, .. } = key;
        let store = self.parts.store_for(profile, &key.id)?;
        log::step(format_args!("keep access key {} in {}", key.id, store.name()));
        access_key::keep(store, key, profile, account.as_ref())
            .map_err(|e| access_key::failure(profile, &key.id, store.about(), &e))
    }

    /// Asks AWS whose the key is. STS refuses codes of a device in another account.
    fn prove(&self, proof: &Proof) -> Result<()> {
        let Proof { profile, key, endpoint, account } = proof;
        let key = match key {
            KeyToProve::Given(key) => key.clone(),
            KeyToProve::InKeyring(id) => access_key::of_profile(self.parts.store, profile, id)?,
        };
        let sts = (self.parts.sts)(endpoint)?;
        let who = sts.get_caller_identity(Signer::Key(&key), Bounds::CALL).map_err(|e| e.of_profile(profile))?;
        match account {
            Some(account) if *account != who.account => {
                let cause = format!(
                    "access key {} belongs to account {}, but its mfa_serial to account {account}",
                    key.id, who.account
                );
                Err(Failure::new(Kind::Config, cause).of_profile(profile))
            }
            _ => Ok(()),
        }
    }

    fn note_tightened(&self, path: &Path, replaced: &Replaced) {
        if replaced.tightened {
            let note =
                format!("{} was open to other users; now only you can read it (mode 600)", self.parts.shown(path));
            self.applied.borrow_mut().notes.push(note);
        }
    }

    /// A trusted file stays trusted after our own edit (threat-model P16). The files are changed already, so a consent
    /// that cannot be renewed is only a warning.
    fn keep_consents(&self, done: &[Done]) {
        let edits = done.iter().filter_map(|one| match one {
            Done::Replaced { path, replaced } => Some((path.as_path(), &replaced.old[..], &replaced.new[..])),
            Done::Kept { .. } => None,
        });
        for (path, old, new) in first_and_last(edits) {
            if let Err(failure) = self.keep_consent(path, old, new) {
                let (shown, cause) = (self.parts.shown(path), failure.headline());
                let trust = CommandLine::new(Verb::SettingsTrust).with(path.to_string_lossy());
                let warning =
                    format!("{shown} has changed and is no longer trusted ({cause}); to trust it again: {trust}");
                self.applied.borrow_mut().warnings.push(warning);
            }
        }
    }

    fn keep_consent(&self, path: &Path, old: &[u8], new: &[u8]) -> Result<()> {
        let (before, after) = (hex::sha256(old), hex::sha256(new));
        let Some(edit) = self.consent(path, &before, &after) else { return Ok(()) };
        let file = &self.parts.settings.account_file;
        let shown = self.parts.shown(file);
        let editor = self.parts.editor_up_to(settings::LARGEST_FILE);
        let replaced = editor.edit(file, |bytes| setting_bytes(bytes, &shown, &edit))?;
        self.note_tightened(file, &replaced);
        Ok(())
    }

    /// Undoes the acts that were done, newest first. If a file cannot be restored, its key stays in the keyring.
    fn undo(&self, done: Vec<Done>, failure: Failure, journal: Option<&Journal>) -> Failure {
        let mut left = Vec::new();
        for one in done.iter().rev() {
            match one {
                Done::Replaced { path, replaced } => {
                    if self.restore(path, replaced).is_err() {
                        left.push(self.parts.shown(path));
                    }
                }
                // A key that cannot be removed is in the file as well, and the next try finds it.
                Done::Kept { key } if left.is_empty() => drop(self.parts.remove_key(&key.profile, &key.key.id)),
                Done::Kept { .. } => {}
            }
        }
        if left.is_empty() {
            return match journal.map_or(Ok(()), Journal::remove) {
                Ok(()) => failure,
                Err(e) => half_done(format!("{}; and {}", failure.cause, e.cause)),
            };
        }
        let cause = format!("{}; the edit of {} was made and could not be undone", failure.cause, left.join(", "));
        Failure { kind: Kind::HalfDone, cause, ..failure }
    }

    fn restore(&self, path: &Path, replaced: &Replaced) -> Result<()> {
        let is_index = path == self.parts.index();
        let old = if is_index && replaced.old.is_empty() { key_index::EMPTY } else { &replaced.old };
        let changed = || Failure::new(Kind::Busy, "it was changed in the meantime");
        let back = |now: &[u8]| if now == replaced.new { Ok(old.to_vec()) } else { Err(changed()) };
        self.parts.editor_up_to(aws_files::LARGEST_FILE).edit(path, back).map(drop)
    }
}

/// For each file: what it was before its first edit, and what it is after its last.
fn first_and_last<'a, T: ?Sized>(
    edits: impl Iterator<Item = (&'a Path, &'a T, &'a T)>,
) -> Vec<(&'a Path, &'a T, &'a T)> {
    let mut files: Vec<(&Path, &T, &T)> = Vec::new();
    for (path, before, after) in edits {
        match files.iter_mut().find(|(known, ..)| *known == path) {
            Some((_, _, last)) => *last = after,
            None => files.push((path, before, after)),
        }
    }
    files
}

impl Parts<'_> {
    pub fn journal(&self) -> Journal<'_> {
        Journal { directory: &self.account_data, home: &self.dirs.home }
    }

    pub(super) fn shown(&self, path: &Path) -> String {
        shorten(path, &self.dirs.home)
    }

    fn editor(&self, act: &Act) -> Editor<'_> {
        self.editor_up_to(match act {
            Act::EditIndex(_) => key_index::LARGEST_FILE,
            Act::EditSettings { .. } => settings::LARGEST_FILE,
            _ => aws_files::LARGEST_FILE,
        })
    }

    pub(super) fn editor_up_to(&self, largest: u64) -> Editor<'_> {
        Editor { locks: &self.account_data, home: &self.dirs.home, largest }
    }
}

pub(super) fn setting_bytes(bytes: &[u8], shown: &str, edit: &SettingEdit) -> Result<Vec<u8>> {
    settings::edited(settings::text(bytes, shown)?, shown, edit).map(String::into_bytes)
}

pub(super) fn index_problem(why: String) -> Failure {
    Failure::new(Kind::Config, format!("keys.json {why}"))
}

/// Removes sealed sessions; one that does not exist any more is not a failure.
pub fn forget_sessions(paths: &[PathBuf]) -> Result<()> {
    for path in paths {
        if let Err(e) = fs::remove_file(path)
            && e.kind() != ErrorKind::NotFound
        {
            return Err(Failure::new(Kind::Disk, format!("{} cannot be removed: {}", path.display(), plain(&e))));
        }
    }
    Ok(())
}
