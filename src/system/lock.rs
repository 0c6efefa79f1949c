//! A lock between processes: the kernel's, on a file that is never removed, so a killed holder frees it.

use std::fs::{File, TryLockError};
use std::io;
use std::path::Path;
use std::time::Duration;

use super::clock::Deadline;
use super::platform;

/// Why there is no lock.
#[derive(Debug)]
pub enum LockError {
    /// Another process holds it.
    Held,
    /// None can be had here: the file cannot be made, or the file system knows no locks. Readers go on without.
    Unavailable(io::Error),
}

/// Holds the lock of one file until it is dropped or the process ends.
#[derive(Debug)]
pub struct FileLock {
    _file: File,
}

impl FileLock {
    /// Takes the lock if nobody holds it.
    pub fn try_acquire(path: &Path) -> Result<Self, LockError> {
        let file = open(path)?;
        try_lock(&file)?;
        Ok(Self { _file: file })
    }

    /// Waits for the lock until `deadline`; [`LockError::Held`] once it has passed. Tries at least once.
    pub fn acquire(path: &Path, deadline: Deadline) -> Result<Self, LockError> {
        let file = open(path)?;
        let mut pause = Duration::from_millis(1);
        loop {
            match try_lock(&file) {
                Err(LockError::Held) if !deadline.has_passed() => {}
                other => return other.map(|()| Self { _file: file }),
            }
            std::thread::sleep(pause.min(deadline.left()));
            pause = (pause * 2).min(Duration::from_millis(20));
        }
    }
}

fn open(path: &Path) -> Result<File, LockError> {
    platform::open_lock_file(path).map_err(LockError::Unavailable)
}

fn try_lock(file: &File) -> Result<(), LockError> {
    loop {
        return match file.try_lock() {
            Ok(()) => Ok(()),
            Err(TryLockError::WouldBlock) => Err(LockError::Held),
            Err(TryLockError::Error(error)) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(TryLockError::Error(error)) => Err(LockError::Unavailable(error)),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Instant;

    fn soon(millis: u64) -> Deadline {
        Deadline::after(Instant::now(), Duration::from_millis(millis))
    }

    #[test]
    fn a_held_lock_is_waited_for_until_the_deadline() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("device.lock");
        let held = FileLock::try_acquire(&path).unwrap();
        assert!(matches!(FileLock::try_acquire(&path), Err(LockError::Held)));
        let start = Instant::now();
        assert!(matches!(FileLock::acquire(&path, soon(60)), Err(LockError::Held)));
        assert!(start.elapsed() >= Duration::from_millis(60));
        drop(held);
        FileLock::acquire(&path, soon(0)).unwrap();
        assert!(path.exists(), "an unlinked lock file would let two holders in");
    }

    #[test]
    fn a_waiter_goes_on_as_soon_as_the_holder_is_done() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("device.lock");
        let held = FileLock::try_acquire(&path).unwrap();
        let waiter = std::thread::spawn({
            let path = path.clone();
            move || FileLock::acquire(&path, soon(20_000)).is_ok()
        });
        std::thread::sleep(Duration::from_millis(50));
        drop(held);
        assert!(waiter.join().unwrap());
    }

    #[test]
    fn a_lock_that_cannot_be_made_says_so() {
        let folder = tempfile::tempdir().unwrap();
        let error = FileLock::acquire(&folder.path().join("missing/x.lock"), soon(20_000)).unwrap_err();
        assert!(matches!(error, LockError::Unavailable(_)), "{error:?}");
    }

    #[cfg(unix)]
    #[test]
    fn a_lock_file_is_private_and_no_symlink_is_followed() {
        use std::os::unix::fs::{PermissionsExt, symlink};
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.lock");
        let _held = FileLock::try_acquire(&path).unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        symlink(folder.path().join("elsewhere"), folder.path().join("b.lock")).unwrap();
        assert!(matches!(FileLock::try_acquire(&folder.path().join("b.lock")), Err(LockError::Unavailable(_))));
        assert!(!folder.path().join("elsewhere").exists());
    }
}
