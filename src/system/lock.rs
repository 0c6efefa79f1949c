//! A lock between processes: the kernel's, on a file that is never removed, so a killed holder frees it.
//!
//! Another user's file in a directory of ours (one run under `sudo -E` leaves such files) is replaced: a lock that only
//! some of us can open excludes nobody (threat-model P54).

use std::fs::{self, File, Metadata, TryLockError};
use std::io::{self, Read, Write};
use std::path::Path;
use std::time::Duration;

use super::clock::Deadline;
use super::{foreign_file, platform};

/// How often a file that was replaced while we took its lock is reopened.
const MOST_TRIES: usize = 3;

/// Why there is no lock.
#[derive(Debug)]
pub enum LockError {
    Held,
    /// None can be had here: the file cannot be created or opened, or the file system has no locks.
    /// [`Obstacle`](super::obstacle::Obstacle) says what is in the way; readers that ask nobody go on without.
    Unavailable(io::Error),
}

/// Holds the lock of one file until it is dropped or the process ends.
#[derive(Debug)]
pub struct FileLock {
    _file: File,
}

impl FileLock {
    /// Takes the lock if it is free.
    pub fn try_acquire(path: &Path) -> Result<Self, LockError> {
        for _ in 0..MOST_TRIES {
            let file = open(path)?;
            try_lock(&file)?;
            // The lock of a file that was removed or replaced meanwhile excludes no later process.
            if is_at(&file, path) {
                sign(&file);
                return Ok(Self { _file: file });
            }
        }
        Err(LockError::Held)
    }

    /// Waits for the lock until `deadline`; [`LockError::Held`] once it has passed. Tries at least once.
    pub fn acquire(path: &Path, deadline: Deadline) -> Result<Self, LockError> {
        let mut pause = Duration::from_millis(1);
        loop {
            match Self::try_acquire(path) {
                Err(LockError::Held) if !deadline.has_passed() => {}
                other => return other,
            }
            std::thread::sleep(pause.min(deadline.left()));
            pause = (pause * 2).min(Duration::from_millis(20));
        }
    }
}

/// Names the process that holds a lock, in words: `another twolock (pid 42)`.
pub fn holder(path: &Path) -> String {
    match holder_pid(path) {
        Some(pid) => format!("another twolock (pid {pid})"),
        None => "another twolock".into(),
    }
}

/// The process that holds a lock, or held it last; none if it has not said so yet.
pub fn holder_pid(path: &Path) -> Option<u32> {
    let mut pid = String::new();
    platform::open_lock_file(path).ok()?.take(16).read_to_string(&mut pid).ok()?;
    pid.parse().ok()
}

/// Writes our pid into the file, for those who wait. Where that fails, they wait for a nameless one.
fn sign(mut file: &File) {
    let _ = file.set_len(0).and_then(|()| write!(file, "{}", std::process::id()));
}

/// Whether an error of a lock says that this file system knows none: nobody is at fault, and nobody can fix it.
pub fn is_unsupported(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::Unsupported || platform::says_no_locks(error)
}

/// The owner of a file, if that is another user.
pub(super) fn other_owner(metadata: &Metadata) -> Option<u32> {
    let owner = foreign_file::ownership(metadata)?.owner;
    (Some(owner) != platform::user()).then_some(owner)
}

/// The owner of what is at a path, symlinks not followed, if that is another user.
pub(super) fn other_owner_at(path: &Path) -> Option<u32> {
    other_owner(&fs::symlink_metadata(path).ok()?)
}

fn open(path: &Path) -> Result<File, LockError> {
    let opened = platform::open_lock_file(path);
    let owner = match &opened {
        Ok(file) => file.metadata().ok().and_then(|metadata| other_owner(&metadata)),
        Err(_) => other_owner_at(path),
    };
    match (path.parent().filter(|directory| is_ours(directory)), owner, opened) {
        (Some(directory), Some(_), _) => replace(path, directory),
        // Another of us may have replaced it between the two looks.
        (Some(_), None, Err(e)) if e.kind() == io::ErrorKind::PermissionDenied => open_once(path),
        (_, _, opened) => opened.map_err(LockError::Unavailable),
    }
}

fn open_once(path: &Path) -> Result<File, LockError> {
    platform::open_lock_file(path).map_err(LockError::Unavailable)
}

fn is_ours(directory: &Path) -> bool {
    fs::metadata(directory).is_ok_and(|metadata| other_owner(&metadata).is_none())
}

/// Puts a file of ours in the place of another user's. One at a time, under a lock of the directory, and looked at once
/// more: what another of us put there meanwhile may be locked already, and must stay.
fn replace(path: &Path, directory: &Path) -> Result<File, LockError> {
    let directory = File::open(directory).map_err(LockError::Unavailable)?;
    try_lock(&directory)?;
    if other_owner_at(path).is_some() {
        fs::remove_file(path).map_err(LockError::Unavailable)?;
    }
    open_once(path)
}

fn is_at(file: &File, path: &Path) -> bool {
    let (held, there) = (file.metadata(), fs::symlink_metadata(path));
    held.is_ok_and(|held| there.is_ok_and(|there| platform::is_same_file(&held, &there)))
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
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("device.lock");
        let held = FileLock::try_acquire(&path).unwrap();
        assert!(matches!(FileLock::try_acquire(&path), Err(LockError::Held)));
        let start = Instant::now();
        assert!(matches!(FileLock::acquire(&path, soon(60)), Err(LockError::Held)));
        assert!(start.elapsed() >= Duration::from_millis(60));
        assert_eq!(holder(&path), format!("another twolock (pid {})", std::process::id()));
        drop(held);
        FileLock::acquire(&path, soon(0)).unwrap();
        fs::write(&path, "\u{1b}[2J").unwrap();
        assert_eq!(holder(&path), "another twolock");
        assert!(path.exists(), "an unlinked lock file would let two holders in");
    }

    #[test]
    fn a_waiter_goes_on_as_soon_as_the_holder_is_done() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("device.lock");
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
        let directory = tempfile::tempdir().unwrap();
        let error = FileLock::acquire(&directory.path().join("missing/x.lock"), soon(20_000)).unwrap_err();
        assert!(matches!(error, LockError::Unavailable(_)), "{error:?}");
    }

    #[cfg(unix)]
    #[test]
    fn a_file_that_was_removed_or_replaced_while_it_was_waited_for_is_no_lock() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("device.lock");
        let file = open(&path).unwrap();
        assert!(is_at(&file, &path));
        fs::remove_file(&path).unwrap();
        assert!(!is_at(&file, &path));
        let held = FileLock::try_acquire(&path).unwrap();
        assert!(!is_at(&file, &path), "another file is there");
        assert!(matches!(FileLock::try_acquire(&path), Err(LockError::Held)));
        drop(held);
        FileLock::try_acquire(&path).unwrap();
    }

    /// Gives a file to another user, if we may.
    #[cfg(unix)]
    fn give_away(path: &Path) -> bool {
        let given = std::os::unix::fs::chown(path, Some(4242), None).is_ok();
        if !given {
            let loud = b"NOT TESTED: only root can give a file to another user\n";
            io::Write::write_all(&mut io::stderr(), loud).unwrap();
        }
        given
    }

    #[cfg(unix)]
    #[test]
    fn anothers_file_in_our_directory_is_replaced_and_in_theirs_it_stays() {
        use std::os::unix::fs::MetadataExt;
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("device.lock");
        File::create(&path).unwrap();
        if !give_away(&path) {
            return;
        }
        let _held = FileLock::try_acquire(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().uid(), platform::user().unwrap());
        let theirs = directory.path().join("theirs");
        fs::create_dir(&theirs).unwrap();
        let path = theirs.join("device.lock");
        File::create(&path).unwrap();
        assert!(give_away(&theirs) && give_away(&path));
        let _held = FileLock::try_acquire(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().uid(), 4242, "whoever shares a directory shares its locks");
    }

    #[cfg(unix)]
    #[test]
    fn fifty_that_find_anothers_file_at_once_never_hold_two_locks() {
        use std::sync::atomic::{AtomicUsize, Ordering};
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("device.lock");
        let (holders, taken) = (AtomicUsize::new(0), AtomicUsize::new(0));
        for round in 0..20 {
            let _ = fs::remove_file(&path);
            File::create(&path).unwrap();
            if !give_away(&path) {
                return;
            }
            let start = std::sync::Barrier::new(50);
            std::thread::scope(|scope| {
                for _ in 0..50 {
                    scope.spawn(|| {
                        start.wait();
                        let held = FileLock::acquire(&path, soon(60_000)).unwrap();
                        assert_eq!(holders.fetch_add(1, Ordering::SeqCst), 0, "round {round}: two at once");
                        std::thread::yield_now();
                        holders.fetch_sub(1, Ordering::SeqCst);
                        taken.fetch_add(1, Ordering::SeqCst);
                        drop(held);
                    });
                }
            });
        }
        assert_eq!(taken.into_inner(), 20 * 50);
    }

    #[cfg(unix)]
    #[test]
    fn a_lock_file_is_private_and_no_symlink_is_followed() {
        use std::os::unix::fs::{PermissionsExt, symlink};
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a.lock");
        let _held = FileLock::try_acquire(&path).unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        symlink(directory.path().join("elsewhere"), directory.path().join("b.lock")).unwrap();
        assert!(matches!(FileLock::try_acquire(&directory.path().join("b.lock")), Err(LockError::Unavailable(_))));
        assert!(!directory.path().join("elsewhere").exists());
    }
}
