//! What is under way at AWS, written down before each step: one entry a user at most, and no secret.

use std::io::ErrorKind;
use std::marker::PhantomData;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::error::{Failure, Kind, Result};
use crate::system::clock::Deadline;
use crate::system::foreign_file::plain;
use crate::system::lock::{self, FileLock, LockError};
use crate::system::private_file::{create_private_dir, read_private, write_atomically};

const VERSION: u64 = 1;
const LARGEST_FILE: u64 = 1 << 20;
const A_LOOK: Duration = Duration::from_millis(200);

/// One entry of a file of records.
pub trait Entry: Clone + Serialize + DeserializeOwned {
    /// The name of the list, and of the file without `.json`.
    const LIST: &'static str;
    /// What a process does that holds the lock: `is rotating a key`.
    const DOES: &'static str;

    /// The ARN of the user.
    fn user(&self) -> &str;
}

/// The file, in the data directory of the account's own home.
#[derive(Clone, Debug)]
pub struct Records<E> {
    directory: PathBuf,
    entries: PhantomData<E>,
}

impl<E: Entry> Records<E> {
    /// The records of a data directory. Nothing is read or made yet.
    pub fn of(directory: &Path) -> Self {
        Self { directory: directory.into(), entries: PhantomData }
    }

    pub fn file(&self) -> PathBuf {
        self.directory.join(E::LIST).with_extension("json")
    }

    /// Takes the lock that one run holds; fails with [`Kind::Busy`] while another one does.
    pub fn lock(&self) -> Result<FileLock> {
        create_private_dir(&self.directory).map_err(|e| self.disk("created", &e))?;
        let path = self.lock_file();
        // One that only looks has it for a moment.
        FileLock::acquire(&path, Deadline::after(Instant::now(), A_LOOK)).map_err(|e| match e {
            LockError::Held => Failure::new(Kind::Busy, format!("{} {}", lock::holder(&path), E::DOES)),
            LockError::Unavailable(e) => self.disk("locked", &e),
        })
    }

    /// Whether a process holds the lock: what the records say is under way, and not interrupted.
    pub fn are_locked(&self) -> bool {
        let path = self.lock_file();
        path.exists() && matches!(FileLock::try_acquire(&path), Err(LockError::Held))
    }

    fn lock_file(&self) -> PathBuf {
        self.file().with_extension("lock")
    }

    /// Reads every entry; a newer or damaged file is a failure of kind [`Kind::HalfDone`].
    pub fn all(&self) -> Result<Vec<E>> {
        let bytes = match read_private(&self.file(), LARGEST_FILE) {
            Ok(bytes) => bytes,
            Err(e) if matches!(e.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => return Ok(Vec::new()),
            Err(e) => return Err(self.disk("read", &e)),
        };
        let half_done = |why: String| Failure::new(Kind::HalfDone, format!("{} {why}", self.file().display()));
        let mut json: Value = serde_json::from_slice(&bytes).map_err(|e| half_done(format!("is damaged: {e}")))?;
        match json["v"].as_u64() {
            Some(VERSION) => {
                serde_json::from_value(json[E::LIST].take()).map_err(|e| half_done(format!("is damaged: {e}")))
            }
            Some(newer) => {
                Err(half_done(format!("has version {newer}, and this twolock reads only version {VERSION}")))
            }
            None => Err(half_done("is damaged: it has no version".into())),
        }
    }

    /// Writes an entry, in the place of the same user's earlier one.
    pub fn put(&self, entry: &E) -> Result<()> {
        self.change(|entries| {
            entries.retain(|other| other.user() != entry.user());
            entries.push(entry.clone());
        })
    }

    /// Removes the entry of a user.
    pub fn remove(&self, entry: &E) -> Result<()> {
        self.change(|entries| entries.retain(|other| other.user() != entry.user()))
    }

    fn change(&self, change: impl FnOnce(&mut Vec<E>)) -> Result<()> {
        let mut entries = self.all()?;
        change(&mut entries);
        let result = match entries.is_empty() {
            true => std::fs::remove_file(self.file()),
            false => {
                let text = json!({"v": VERSION, E::LIST: entries}).to_string();
                write_atomically(&self.file(), text.as_bytes())
            }
        };
        match result {
            Err(e) if e.kind() != ErrorKind::NotFound => Err(self.disk("written", &e)),
            _ => Ok(()),
        }
    }

    fn disk(&self, what: &str, error: &std::io::Error) -> Failure {
        Failure::new(Kind::Disk, format!("{} cannot be {what}: {}", self.file().display(), plain(error)))
    }
}
