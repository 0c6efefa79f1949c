//! Edits a user's file atomically: it has the old content or the new, never anything else (threat-model P31 to P34).
//!
//! Symlinks stay and their target is replaced. Two runs of twolock exclude each other by a kernel lock in the data
//! directory. Other programs do not lock, so the content is compared just before the rename, and the replaced file is
//! read once more after it: what another program has written in the meantime is edited again.

use std::fs::{self, File, Metadata};
use std::io::{self, ErrorKind, Read, Seek};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, UNIX_EPOCH};

use crate::error::{Failure, Kind, Result};
use crate::hex;
use crate::system::clock::{self, Deadline};
use crate::system::directories::{self, shorten};
use crate::system::foreign_file::{self, plain};
use crate::system::lock::{self, FileLock, LockError};
use crate::system::private_file::{self, Staged};

const MOST_TRIES: usize = 3;
/// Longest wait for another twolock.
const LOCK_BOUND: Duration = Duration::from_secs(10);
/// A file younger than this may still be in the middle of a write.
const FRESH: Duration = Duration::from_millis(120);
const SETTLED_BY: Duration = Duration::from_secs(2);
/// The same for an empty file: a busy machine may need a second between truncating and writing.
const FRESH_EMPTY: Duration = Duration::from_secs(2);

pub struct Editor<'a> {
    /// The directory of the locks: that of the account's own home, so that no variable leads two runs past each other.
    pub locks: &'a Path,
    pub home: &'a Path,
    /// Larger files are refused.
    pub largest: u64,
}

pub struct Replaced {
    pub old: Vec<u8>,
    pub new: Vec<u8>,
    /// Whether others could open the file before.
    pub tightened: bool,
}

impl Editor<'_> {
    /// Reads, changes and replaces a file, unless the content stays the same.
    pub fn edit(&self, file: &Path, change: impl Fn(&[u8]) -> Result<Vec<u8>>) -> Result<Replaced> {
        let shown = shorten(file, self.home);
        let target = target(file, &shown)?;
        let _lock = self.lock(&target, &shown)?;
        // What another program wrote into the replaced file, and what we wrote instead.
        let mut overwritten: Option<(Vec<u8>, Vec<u8>)> = None;
        for _ in 0..MOST_TRIES {
            wait_while_fresh(|| fs::metadata(&target));
            let there = Existing::open(&target, &shown, self.largest)?;
            let (base, expected) = match overwritten.take() {
                Some(both) => both,
                None => {
                    let base = foreign_file::load(&target, &shown, self.largest)?;
                    (base.clone(), base)
                }
            };
            let new = match change(&base) {
                Ok(new) => new,
                Err(failure) => {
                    if base != expected {
                        self.put(&target, &shown, None, &expected, &base)?;
                    }
                    return Err(failure);
                }
            };
            if new == expected {
                return Ok(Replaced { old: base, new, tightened: false });
            }
            match self.put(&target, &shown, there.as_ref(), &expected, &new)? {
                Replacement::Done => {
                    let was_open =
                        |there: Existing| foreign_file::ownership(&there.metadata).map(|of| of.mode & 0o077 != 0);
                    let tightened = there.and_then(was_open).unwrap_or(false);
                    return Ok(Replaced { old: base, new, tightened });
                }
                Replacement::ChangedBefore => {}
                Replacement::ChangedAfter(theirs) => overwritten = Some((theirs, new)),
            }
        }
        if let Some((theirs, ours)) = overwritten {
            self.put(&target, &shown, None, &ours, &theirs)?;
        }
        let cause = format!("{shown} is being changed by another program; its changes were kept: run this again");
        Err(Failure::new(Kind::Busy, cause))
    }

    fn put(
        &self,
        target: &Path,
        shown: &str,
        there: Option<&Existing>,
        expected: &[u8],
        new: &[u8],
    ) -> Result<Replacement> {
        let disk = |e: io::Error| Failure::new(Kind::Disk, format!("{shown} cannot be written: {}", plain(&e)));
        if let Some(dir) = target.parent() {
            private_file::create_private_dir(dir).map_err(disk)?;
        }
        let staged = Staged::beside(target, new, there.map(|there| &there.metadata)).map_err(disk)?;
        if foreign_file::load(target, shown, self.largest)? != expected {
            return Ok(Replacement::ChangedBefore);
        }
        staged.commit().map_err(disk)?;
        // A program that had opened the old file before the rename writes into the file that was replaced.
        match there.map(|there| there.content(expected)).transpose().map_err(disk)? {
            Some(now) if now != expected => Ok(Replacement::ChangedAfter(now)),
            _ => Ok(Replacement::Done),
        }
    }

    fn lock(&self, target: &Path, shown: &str) -> Result<FileLock> {
        let name = format!("edit-{}.lock", &hex::sha256(target.as_os_str().as_encoded_bytes())[..16]);
        let made = private_file::create_private_dir(self.locks).map_err(LockError::Unavailable);
        let (path, until) = (self.locks.join(name), Deadline::after(Instant::now(), LOCK_BOUND));
        made.and_then(|()| FileLock::acquire(&path, until)).map_err(|error| match error {
            LockError::Held => {
                let holder = lock::holder(&path);
                Failure::new(Kind::Busy, format!("{holder} is still writing {shown}: run this again"))
            }
            LockError::Unavailable(e) if e.kind() == io::ErrorKind::NotFound => {
                let dir = shorten(self.locks, self.home);
                Failure::new(Kind::Busy, format!("another twolock has just removed {dir}: run this again"))
            }
            LockError::Unavailable(e) => {
                let dir = shorten(self.locks, self.home);
                Failure::new(
                    Kind::Busy,
                    format!("{shown} cannot be locked: no lock is available in {dir}: {}", plain(&e)),
                )
            }
        })
    }
}

enum Replacement {
    Done,
    ChangedBefore,
    /// Another program wrote this into the file that was replaced.
    ChangedAfter(Vec<u8>),
}

struct Existing {
    file: File,
    metadata: Metadata,
}

impl Existing {
    fn open(target: &Path, shown: &str, largest: u64) -> Result<Option<Self>> {
        let refused = |why: &str| Failure::new(Kind::Config, format!("will not edit {shown}: {why}"));
        let file = match private_file::open_to_replace(target) {
            Ok(file) => file,
            Err(e) if e.kind() == ErrorKind::NotFound => return Ok(None),
            Err(e) => return Err(refused(&plain(&e))),
        };
        let metadata = file.metadata().map_err(|e| refused(&plain(&e)))?;
        if let Some(why) = why_not_replaced(&metadata, target) {
            return Err(refused(&why));
        }
        if metadata.len() > largest {
            return Err(refused(&format!("it is larger than {} MiB", largest >> 20)));
        }
        Ok(Some(Self { file, metadata }))
    }

    /// Its content, once no program is writing it.
    fn content(&self, expected: &[u8]) -> io::Result<Vec<u8>> {
        let read = || {
            let (mut file, mut bytes) = (&self.file, Vec::new());
            file.rewind()?;
            file.read_to_end(&mut bytes)?;
            Ok::<_, io::Error>(bytes)
        };
        let first = read()?;
        if first == expected {
            return Ok(first);
        }
        wait_while_fresh(|| self.file.metadata());
        read()
    }
}

/// The file behind all symlinks; a missing file keeps its name.
fn target(file: &Path, shown: &str) -> Result<PathBuf> {
    let refused = |why: &str| Err(Failure::new(Kind::Config, format!("will not edit {shown}: {why}")));
    match directories::resolve(file) {
        Ok(target) => Ok(target),
        Err(_) if fs::symlink_metadata(file).is_ok_and(|found| found.is_symlink()) => refused("it is a broken symlink"),
        Err(e) if matches!(e.kind(), ErrorKind::NotFound) => {
            let dir = file.parent().and_then(|dir| directories::resolve(dir).ok());
            Ok(dir.zip(file.file_name()).map_or_else(|| file.into(), |(dir, name)| dir.join(name)))
        }
        Err(e) => refused(&plain(&e)),
    }
}

/// Waits while a file was written a moment ago: a program that writes in place may not have finished.
pub fn wait_while_fresh(metadata: impl Fn() -> io::Result<Metadata>) {
    let until = Deadline::after(Instant::now(), SETTLED_BY);
    let is_fresh = |metadata: Metadata| {
        let written = metadata.modified().ok().and_then(|at| at.duration_since(UNIX_EPOCH).ok());
        let age = written.and_then(|at| Duration::from_millis(clock::now_millis()).checked_sub(at));
        age.is_some_and(|age| age < if metadata.len() == 0 { FRESH_EMPTY } else { FRESH })
    };
    while !until.has_passed() && metadata().is_ok_and(is_fresh) {
        std::thread::sleep(FRESH / 4);
    }
}

fn why_not_replaced(metadata: &Metadata, target: &Path) -> Option<String> {
    if metadata.is_dir() {
        return Some("it is a directory".into());
    }
    if !metadata.is_file() {
        return Some("it is a pipe or device, not a file".into());
    }
    let links = private_file::hard_links(metadata);
    if links > 1 {
        return Some(format!("it has {links} hard links, and only one of them would change"));
    }
    let account = foreign_file::account()?;
    let owner = foreign_file::ownership(metadata)?.owner;
    if owner != account.user {
        return Some(format!("it belongs to another user (uid {owner})"));
    }
    let dir = target.parent()?;
    let mode = foreign_file::ownership(&fs::metadata(dir).ok()?)?.mode;
    let anybody_replaces = mode & 0o002 != 0 && mode & 0o1000 == 0;
    anybody_replaces.then(|| format!("everybody can write to its directory, {}", dir.display()))
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    fn edit(dir: &Path, change: impl Fn(&[u8]) -> Result<Vec<u8>>) -> Result<Replaced> {
        let editor = Editor { locks: &dir.join("locks"), home: dir, largest: 1 << 20 };
        editor.edit(&dir.join("file"), change)
    }

    #[test]
    fn what_another_program_writes_in_the_meantime_is_edited_again() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("file");
        fs::write(&file, "a").unwrap();
        let seen = Cell::new(0);
        let replaced = edit(dir.path(), |old| {
            if seen.replace(seen.get() + 1) == 0 {
                fs::write(&file, "theirs").unwrap();
            }
            Ok([old, b"+ours"].concat())
        });
        assert_eq!((seen.get(), replaced.unwrap().old), (2, b"theirs".to_vec()));
        assert_eq!(fs::read(&file).unwrap(), b"theirs+ours");
    }

    #[test]
    fn a_file_that_keeps_changing_is_left_as_the_other_program_wrote_it() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("file");
        let seen = Cell::new(0);
        let failure = edit(dir.path(), |old| {
            seen.set(seen.get() + 1);
            fs::write(&file, format!("theirs {}", seen.get())).unwrap();
            Ok([old, b"+ours"].concat())
        });
        assert_eq!(failure.err().map(|failure| failure.kind), Some(Kind::Busy));
        assert_eq!(fs::read(&file).unwrap(), b"theirs 3");
        let names: Vec<_> = fs::read_dir(dir.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
        assert_eq!(names.len(), 2, "{names:?}");
    }
}
