//! Whose turn it is to ask on a terminal: two questions at once would erase each other, and share what is typed.
//!
//! A lock on a file of ours for each terminal, removed when the question is over. If it cannot be locked, the question
//! is asked at once: two questions at a time are better than none at all.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::clock::Deadline;
use super::lock::{self, FileLock, LockError};
use super::platform;
use super::private_file;
use super::terminal::Terminal;

const PAUSE: Duration = Duration::from_millis(20);

/// Our turn on a terminal, until it is dropped.
pub struct Turn {
    held: Option<(FileLock, PathBuf)>,
}

/// Who asks there instead, in words: `another twolock (pid 42)`.
#[derive(Debug)]
pub struct Taken(pub String);

impl Turn {
    /// Waits until nobody else asks on our controlling terminal. The files are in `directory`.
    pub fn wait(terminal: &Terminal, directory: &Path, until: Deadline) -> Result<Self, Taken> {
        let Some(path) = file(directory) else { return Ok(Self { held: None }) };
        loop {
            match FileLock::try_acquire(&path) {
                Ok(lock) => return Ok(Self { held: Some((lock, path)) }),
                Err(LockError::Unavailable(_)) => return Ok(Self { held: None }),
                Err(LockError::Held) if until.has_passed() => return Err(Taken(lock::holder(&path))),
                Err(LockError::Held) => std::thread::sleep(PAUSE.min(until.left())),
            }
            if !is_asked(terminal, &path)
                && let Some(turn) = Self::instead(terminal, &path)
            {
                return Ok(turn);
            }
        }
    }

    /// Takes the turn of a process that was stopped or is gone. One of those who wait at a time, and looked at once more:
    /// another may have the turn by now.
    fn instead(terminal: &Terminal, path: &Path) -> Option<Self> {
        let next = path.with_extension("next.lock");
        let _lock = FileLock::try_acquire(&next).ok()?;
        let taken = match FileLock::try_acquire(path) {
            Err(LockError::Held) if is_asked(terminal, path) => None,
            Err(LockError::Held) => {
                // Who was stopped keeps the lock of a file that nobody finds.
                remove(path);
                FileLock::try_acquire(path).ok()
            }
            other => other.ok(),
        };
        remove(&next);
        taken.map(|lock| Self { held: Some((lock, path.to_owned())) })
    }

    /// Ends the turn of a process that is about to end.
    pub fn release_at_exit(&self) -> impl FnOnce() + Send + 'static {
        let file = self.held.as_ref().map(|(_, path)| path.clone());
        move || file.iter().for_each(|file| remove_ours(file))
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        if let Some((_, path)) = &self.held {
            remove_ours(path);
        }
    }
}

/// Whether another process asks on our terminal now.
pub fn is_taken(terminal: &Terminal, directory: &Path) -> bool {
    let Some(file) = file(directory).filter(|file| file.exists()) else { return false };
    match FileLock::try_acquire(&file) {
        Err(LockError::Held) => is_asked(terminal, &file),
        // One that was killed left it.
        Ok(_lock) => {
            remove(&file);
            false
        }
        Err(LockError::Unavailable(_)) => false,
    }
}

/// One that was stopped (^Z) shows its question again only once it is back in the foreground. A process in another
/// container is not known here, and has another terminal.
fn is_asked(terminal: &Terminal, lock: &Path) -> bool {
    lock::holder_pid(lock).is_none_or(|pid| terminal.is_foreground_of(pid))
}

fn file(directory: &Path) -> Option<PathBuf> {
    Some(directory.join(format!("terminal-{}.lock", platform::terminal_id()?)))
}

/// While we were stopped, another may have taken our turn.
fn remove_ours(file: &Path) {
    let holder = private_file::read_private(file, 16).unwrap_or_default();
    if holder == std::process::id().to_string().as_bytes() {
        remove(file);
    }
}

/// Terminals come and go, and their files would stay. Windows removes no file that is open; it has few consoles.
fn remove(file: &Path) {
    if cfg!(unix) {
        let _ = fs::remove_file(file);
    }
}
