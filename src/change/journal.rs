//! The journal: the acts of a run, so that a later run can finish or undo them (threat-model P51).
//!
//! One file in the data directory of the account's own home, 0600, its owner checked. It exists while a change of more
//! than one act is in progress and the lock beside it is held, and contains no secret.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::half_done;
use super::record::Record;
use crate::error::{Failure, Kind, Result};
use crate::system::clock::Deadline;
use crate::system::directories::shorten;
use crate::system::foreign_file::plain;
use crate::system::lock::{self, FileLock, LockError};
use crate::system::private_file;

const VERSION: u64 = 1;
/// Enough for thousands of profiles adopted at once.
const LARGEST: u64 = 64 << 20;
/// Longest wait for another twolock, which may be waiting for AWS.
pub const PATIENCE: Duration = Duration::from_secs(30);
/// A shorter wait is not mentioned.
const TELL_AFTER: Duration = Duration::from_secs(3);

pub struct Journal<'a> {
    pub(super) directory: &'a Path,
    pub(super) home: &'a Path,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct JournalEntry {
    pub(super) title: String,
    #[serde(rename = "acts")]
    pub(super) records: Vec<Record>,
}

impl JournalEntry {
    /// The files it edits.
    pub(super) fn files(&self) -> impl Iterator<Item = &PathBuf> {
        self.records.iter().filter_map(|record| record.file.as_ref().map(|file| &file.path))
    }
}

#[derive(Serialize)]
struct Versioned<'a> {
    v: u64,
    #[serde(flatten)]
    entry: &'a JournalEntry,
}

impl Journal<'_> {
    /// The journal's file, which exists while a change of several acts is in progress.
    pub fn file(&self) -> PathBuf {
        self.directory.join("journal.json")
    }

    pub(super) fn shown(&self) -> String {
        shorten(&self.file(), self.home)
    }

    /// Whether a run has written one. The run may still be active.
    pub(super) fn is_there(&self) -> bool {
        fs::symlink_metadata(self.file()).is_ok()
    }

    /// Waits until no other run makes a change of several acts, and tells after a while whom it waits for.
    pub fn lock(&self, patience: Duration, tell: &dyn Fn(&str)) -> Result<FileLock> {
        let dir = shorten(self.directory, self.home);
        private_file::create_private_dir(self.directory).map_err(|e| {
            let cause = format!("cannot create {dir}, which is needed for the journal: {}", plain(&e));
            Failure::new(Kind::Disk, cause)
        })?;
        let (start, path) = (Instant::now(), self.directory.join("changes.lock"));
        let mut lock = FileLock::acquire(&path, Deadline::after(start, patience.min(TELL_AFTER)));
        if matches!(lock, Err(LockError::Held)) && patience > TELL_AFTER {
            tell(&format!("waiting for {}, which is making a change", lock::holder(&path)));
            lock = FileLock::acquire(&path, Deadline::after(start, patience));
        }
        lock.map_err(|error| match error {
            LockError::Held => {
                let cause = format!("{} is still making a change: run this again", lock::holder(&path));
                Failure::new(Kind::Busy, cause)
            }
            LockError::Unavailable(e) if e.kind() == ErrorKind::NotFound => {
                Failure::new(Kind::Busy, format!("another twolock has just removed {dir}: run this again"))
            }
            LockError::Unavailable(e) => {
                Failure::new(Kind::Busy, format!("cannot lock {dir}/changes.lock: {}", plain(&e)))
            }
        })
    }

    pub(super) fn write(&self, entry: &JournalEntry) -> Result<()> {
        let fails = |e| Failure::new(Kind::Bug, format!("{} cannot be written: {e}", self.shown()));
        let json = serde_json::to_vec(&Versioned { v: VERSION, entry }).map_err(fails)?;
        private_file::write_atomically(&self.file(), &json)
            .map_err(|e| Failure::new(Kind::Disk, format!("{} cannot be written: {}", self.shown(), plain(&e))))
    }

    pub(super) fn read(&self) -> Result<Option<JournalEntry>> {
        let bytes = match private_file::read_private(&self.file(), LARGEST) {
            Ok(bytes) => bytes,
            Err(e) if e.kind() == ErrorKind::NotFound => return Ok(None),
            Err(e) => return Err(self.unusable(&format!("cannot be read: {}", plain(&e)))),
        };
        let json: Value = serde_json::from_slice(&bytes).map_err(|e| self.unusable(&format!("is damaged: {e}")))?;
        match json["v"].as_u64() {
            Some(VERSION) => {}
            Some(newer) => {
                return Err(
                    self.unusable(&format!("has version {newer}, and this twolock reads only version {VERSION}"))
                );
            }
            None => return Err(self.unusable("is damaged: it has no version")),
        }
        let entry: Option<JournalEntry> = serde_json::from_value(json).ok();
        match entry.filter(|entry| entry.records.iter().all(Record::is_valid)) {
            Some(entry) => Ok(Some(entry)),
            None => Err(self.unusable("is damaged: it contains an unknown step")),
        }
    }

    pub(super) fn remove(&self) -> Result<()> {
        match fs::remove_file(self.file()) {
            Err(e) if e.kind() != ErrorKind::NotFound => {
                Err(Failure::new(Kind::Disk, format!("{} cannot be removed: {}", self.shown(), plain(&e))))
            }
            _ => Ok(()),
        }
    }

    fn unusable(&self, why: &str) -> Failure {
        let way_out = "check the AWS files, then run this again with --forget-unfinished";
        half_done(format!("an earlier change may be half done, but its journal {} {why}: {way_out}", self.shown()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aws_files::edit::Edit;
    use crate::aws_files::file::FileKind;
    use crate::change::record::{FileStep, What};
    use crate::credentials::AccessKeyId;
    use crate::names::ProfileName;
    use crate::ours::key_index::{IndexEdit, IndexEntry};
    use crate::ours::settings::SettingEdit;

    fn every_record() -> Vec<Record> {
        let text = |text: &str| text.to_string();
        let name = |text: &str| ProfileName::parse(text).unwrap();
        let id = || AccessKeyId::parse("AKIAIOSFODNN7EXAMPLE").unwrap();
        let edits = vec![
            Edit::Add { profile: text("a"), settings: vec![(text("region"), text("v"))] },
            Edit::Set { profile: text("a"), key: text("region"), value: text("v") },
            Edit::Unset { profile: text("a"), key: text("region") },
            Edit::TakeOut { profile: text("a"), keys: vec![text("x"), text("y")] },
            Edit::Hide { profile: text("a"), key: text("role_arn") },
            Edit::Show { profile: text("a"), key: text("role_arn") },
            Edit::Remove { profile: text("a") },
            Edit::Rename { profile: text("a"), to: text("b") },
        ];
        let entry = IndexEntry::of(id());
        let files = [
            What::EditFile { kind: FileKind::Config, edits: Some(edits) },
            What::EditFile { kind: FileKind::Credentials, edits: None },
            What::EditIndex { edit: IndexEdit::Set { profile: name("a"), entry, store: text("x") } },
            What::EditIndex { edit: IndexEdit::Copy { from: name("a"), to: name("b") } },
            What::EditIndex { edit: IndexEdit::Drop { profile: name("a"), id: id() } },
            What::EditSettings { edit: SettingEdit::Set { name: text("keyring"), value: text("file") } },
            What::EditSettings { edit: SettingEdit::Unset { name: text("keyring") } },
            What::EditSettings { edit: SettingEdit::Trust { path: text("/x"), sha256: text("ab") } },
            What::EditSettings { edit: SettingEdit::RenameInAliases { old: text("a"), new: text("b") } },
        ];
        let others = [
            What::KeepKey { profile: name("a"), id: id(), is_new: true },
            What::Prove { profile: name("a"), id: id() },
            What::ForgetSessions { files: vec!["/c/x.sealed".into()] },
        ];
        let step = || FileStep { path: std::env::temp_dir().join("file"), before: text("12"), after: text("34") };
        let of_files = files.into_iter().map(|what| Record { what, file: Some(step()) });
        of_files.chain(others.into_iter().map(|what| Record { what, file: None })).collect()
    }

    #[test]
    fn a_written_journal_can_be_read() {
        let directory = tempfile::tempdir().unwrap();
        let journal = Journal { directory: directory.path(), home: directory.path() };
        assert!(journal.read().unwrap().is_none());
        let entry = JournalEntry { title: "profile rename a b".into(), records: every_record() };
        journal.write(&entry).unwrap();
        let read = journal.read().unwrap().unwrap();
        assert_eq!(format!("{read:?}"), format!("{entry:?}"));
        journal.remove().unwrap();
        journal.remove().unwrap();
        assert!(!journal.is_there());
    }

    #[test]
    fn an_unreadable_journal_is_kept_and_the_failure_says_what_to_do() {
        let directory = tempfile::tempdir().unwrap();
        let journal = Journal { directory: directory.path(), home: directory.path() };
        for (content, why) in [
            ("", "is damaged"),
            ("[]", "no version"),
            (r#"{"v":2,"title":"x","acts":[]}"#, "has version 2, and this twolock reads only version 1"),
            (r#"{"v":1,"acts":[]}"#, "an unknown step"),
            (r#"{"v":1,"title":"x","acts":[{"act":"fly"}]}"#, "an unknown step"),
            (
                r#"{"v":1,"title":"x","acts":[{"act":"edit-file","kind":"config","edits":[],"file":{"path":"a/b","before":"","after":""}}]}"#,
                "an unknown step",
            ),
        ] {
            private_file::write_atomically(&journal.file(), content.as_bytes()).unwrap();
            let failure = journal.read().unwrap_err();
            assert_eq!(failure.kind, Kind::HalfDone, "{content}");
            assert!(failure.cause.contains(why), "{content}: {failure}");
            assert!(failure.cause.contains("--forget-unfinished"), "{failure:?}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_journal_that_other_users_can_write_is_refused() {
        use std::os::unix::fs::PermissionsExt;
        let directory = tempfile::tempdir().unwrap();
        let journal = Journal { directory: directory.path(), home: directory.path() };
        journal.write(&JournalEntry { title: "x".into(), records: every_record() }).unwrap();
        fs::set_permissions(journal.file(), fs::Permissions::from_mode(0o666)).unwrap();
        assert_eq!(journal.read().unwrap_err().kind, Kind::HalfDone);
    }
}
