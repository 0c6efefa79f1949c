//! The one way our own files are written and read: private from the first instant, old or new, never neither (P31).

use std::fs::{self, File, TryLockError};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use super::{clock, platform};

const TEMPORARY: &str = ".twolock-";

/// Where the file system knows no locks, an older temporary file belongs to a run that died: no write takes this long.
const LEFTOVER_AGE: Duration = Duration::from_secs(3600);

/// Replaces `path` by a private file that holds `bytes`: afterwards it is the old file or the new one, whatever happened.
///
/// A symlink at `path` is replaced, not followed. The directory has to exist.
pub fn write_atomically(path: &Path, bytes: &[u8]) -> io::Result<()> {
    Staged::beside(path, bytes, None)?.commit()
}

/// A file written and synced beside the one it shall replace; gone once this is dropped, unless it was committed.
pub struct Staged {
    temporary: Temporary,
    path: PathBuf,
}

impl Staged {
    /// Writes `bytes` beside `path`, private from the first instant. `like` is the file to be replaced: its group, and
    /// what its mode gave its owner, are kept; nobody else gets anything.
    pub fn beside(path: &Path, bytes: &[u8], like: Option<&fs::Metadata>) -> io::Result<Self> {
        remove_leftovers(folder_of(path));
        let mut temporary = Temporary::create(folder_of(path))?;
        temporary.file.write_all(bytes)?;
        if let Some(like) = like {
            platform::make_like(&temporary.file, like)?;
        }
        temporary.file.sync_all()?;
        Ok(Self { temporary, path: path.into() })
    }

    /// Replaces the file.
    pub fn commit(self) -> io::Result<()> {
        fs::rename(&self.temporary.path, &self.path)?;
        platform::sync_directory(folder_of(&self.path))
    }
}

/// Opens a file of the user's, to look at it and replace it. A symlink is refused: symlinks were resolved before, so
/// somebody has just put it there. Never waits.
pub fn open_to_replace(path: &Path) -> io::Result<File> {
    platform::open_without_following(path)
}

/// Returns how many names a file has; one where the platform does not tell.
pub fn hard_links(metadata: &fs::Metadata) -> u64 {
    platform::hard_links(metadata)
}

/// Creates a directory and those above it that are missing, each for its owner alone whatever the umask.
///
/// Directories that exist keep their modes.
pub fn create_private_dir(path: &Path) -> io::Result<()> {
    match platform::create_private_directory(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let above = path.parent().filter(|above| !above.as_os_str().is_empty()).ok_or(error)?;
            create_private_dir(above)?;
            // Once more and no oftener: below /proc every new directory is "not found".
            platform::create_private_directory(path).or_else(|error| if path.is_dir() { Ok(()) } else { Err(error) })
        }
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && path.is_dir() => Ok(()),
        other => other,
    }
}

/// Reads a file that is ours and nobody else's.
///
/// - a symlink, a FIFO, a device, somebody else's file, or one that others may open:
///   [`PermissionDenied`](io::ErrorKind::PermissionDenied)
/// - longer than `max_bytes`: [`FileTooLarge`](io::ErrorKind::FileTooLarge)
pub fn read_private(path: &Path, max_bytes: u64) -> io::Result<Vec<u8>> {
    let file = platform::open_without_following(path)?;
    let metadata = file.metadata()?;
    if let Some(reason) = platform::why_not_private(&metadata) {
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, reason));
    }
    read_at_most(file, metadata.len(), max_bytes)
}

fn read_at_most(file: File, expected: u64, max_bytes: u64) -> io::Result<Vec<u8>> {
    let room = usize::try_from(expected.min(max_bytes)).unwrap_or(0) + 1;
    let mut bytes = Vec::with_capacity(room);
    file.take(max_bytes.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > max_bytes {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, format!("longer than {max_bytes} bytes")));
    }
    Ok(bytes)
}

/// A temporary file that is gone once this is dropped, unless it was renamed away. It is locked as long as its run
/// lives, so that others know a leftover when they see one.
struct Temporary {
    path: PathBuf,
    file: File,
}

impl Temporary {
    fn create(directory: &Path) -> io::Result<Self> {
        loop {
            let path = directory.join(Self::name());
            let temporary = Self { file: platform::create_private_file(&path)?, path };
            // Another run may take it for a leftover until it is locked.
            let is_lost = matches!(temporary.file.try_lock(), Err(TryLockError::WouldBlock))
                || hard_links(&temporary.file.metadata()?) == 0;
            if !is_lost {
                return Ok(temporary);
            }
        }
    }

    fn name() -> String {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let (pid, count) = (std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        // Process ids are shared between containers with one home, so the id alone does not tell runs apart.
        let moment = clock::now_millis();
        format!("{TEMPORARY}{pid}-{moment:x}-{count}.tmp")
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|directory| !directory.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Removes the temporary files that killed runs left in a directory. What cannot be removed now is left for the next
/// run: it never costs this one its write.
pub fn remove_leftovers(directory: &Path) {
    for path in temporaries(directory) {
        // Locked until it is gone: its run may be about to lock it, and then sees that it lost it.
        if let Some(_locked) = claim(&path) {
            let _ = fs::remove_file(path);
        }
    }
}

/// Returns the temporary files that killed runs left in a directory.
pub fn leftovers(directory: &Path) -> Vec<PathBuf> {
    temporaries(directory).filter(|path| claim(path).is_some()).collect()
}

fn temporaries(directory: &Path) -> impl Iterator<Item = PathBuf> {
    let is_ours = |name: &str| name.starts_with(TEMPORARY) && name.ends_with(".tmp");
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    entries.filter(move |entry| entry.file_name().to_str().is_some_and(is_ours)).map(|entry| entry.path())
}

/// Opens and locks a temporary file whose run is dead; none if it lives, as it holds the lock.
fn claim(path: &Path) -> Option<File> {
    let file = platform::open_without_following(path).ok()?;
    let metadata = file.metadata().ok()?;
    let is_left = metadata.is_file()
        && match file.try_lock() {
            Ok(()) => true,
            Err(TryLockError::WouldBlock) => false,
            Err(TryLockError::Error(_)) => is_old(&metadata),
        };
    is_left.then_some(file)
}

fn is_old(metadata: &fs::Metadata) -> bool {
    let Ok(written) = metadata.modified().map(|at| at.duration_since(std::time::UNIX_EPOCH).unwrap_or_default()) else {
        return false;
    };
    Duration::from_millis(clock::now_millis()).saturating_sub(written) > LEFTOVER_AGE
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names_in(directory: &Path) -> Vec<String> {
        let mut names: Vec<_> =
            fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn a_written_file_reads_back_and_leaves_nothing_beside_it() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("state.json");
        write_atomically(&path, b"old").unwrap();
        write_atomically(&path, b"new").unwrap();
        assert_eq!(read_private(&path, 3).unwrap(), b"new");
        assert_eq!(names_in(directory.path()), ["state.json"]);
    }

    #[test]
    fn a_write_that_cannot_end_leaves_the_old_file_and_no_temporary() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("taken");
        fs::create_dir(&path).unwrap();
        fs::write(path.join("inside"), b"kept").unwrap();
        assert!(write_atomically(&path, b"new").is_err());
        assert_eq!(names_in(directory.path()), ["taken"]);
        assert_eq!(fs::read(path.join("inside")).unwrap(), b"kept");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_place_that_takes_no_folders_is_an_error_and_no_endless_try() {
        assert_eq!(create_private_dir(Path::new("/proc/twolock/cache")).unwrap_err().kind(), io::ErrorKind::NotFound);
    }

    #[test]
    fn a_missing_folder_is_an_error_not_a_new_folder() {
        let directory = tempfile::tempdir().unwrap();
        let error = write_atomically(&directory.path().join("missing/file"), b"x").unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
        assert!(names_in(directory.path()).is_empty());
    }

    #[test]
    fn leftovers_of_killed_runs_go_whatever_their_age_and_those_of_live_runs_stay() {
        let directory = tempfile::tempdir().unwrap();
        let live = Staged::beside(&directory.path().join("other"), b"x", None).unwrap();
        for name in [".twolock-77-1-0.tmp", ".other-79-1-0.tmp", "old.tmp"] {
            fs::write(directory.path().join(name), "").unwrap();
        }
        assert_eq!(leftovers(directory.path()), [directory.path().join(".twolock-77-1-0.tmp")]);
        write_atomically(&directory.path().join("file"), b"x").unwrap();
        let mut names = names_in(directory.path());
        names.retain(|name| !live.temporary.path.ends_with(name));
        assert_eq!(names, [".other-79-1-0.tmp", "file", "old.tmp"]);
        live.commit().unwrap();
        assert_eq!(names_in(directory.path()), [".other-79-1-0.tmp", "file", "old.tmp", "other"]);
    }

    #[test]
    fn writers_in_one_directory_do_not_take_each_others_files_for_leftovers() {
        let directory = tempfile::tempdir().unwrap();
        std::thread::scope(|scope| {
            for writer in 0..8 {
                let path = directory.path().join(writer.to_string());
                scope.spawn(move || (0..200).for_each(|_| write_atomically(&path, b"x").unwrap()));
            }
        });
        assert_eq!(names_in(directory.path()), ["0", "1", "2", "3", "4", "5", "6", "7"]);
    }

    #[test]
    fn a_file_longer_than_its_cap_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("long");
        write_atomically(&path, b"12345").unwrap();
        assert_eq!(read_private(&path, 4).unwrap_err().kind(), io::ErrorKind::FileTooLarge);
        assert_eq!(read_private(&path, 5).unwrap(), b"12345");
    }

    #[test]
    fn a_file_in_the_way_of_a_folder_is_an_error() {
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join("file"), b"").unwrap();
        assert!(create_private_dir(&directory.path().join("file")).is_err());
        assert!(create_private_dir(&directory.path().join("file/below")).is_err());
    }

    #[cfg(unix)]
    mod on_unix {
        use super::*;
        use std::os::unix::fs::{PermissionsExt, symlink};

        fn mode(path: &Path) -> u32 {
            fs::metadata(path).unwrap().permissions().mode() & 0o7777
        }

        fn chmod(path: &Path, mode: u32) {
            fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
        }

        #[test]
        fn files_and_new_folders_are_for_their_owner_alone() {
            let root = tempfile::tempdir().unwrap();
            chmod(root.path(), 0o755);
            let directory = root.path().join("a/b/c");
            create_private_dir(&directory).unwrap();
            create_private_dir(&directory).unwrap();
            write_atomically(&directory.join("file"), b"x").unwrap();
            let modes = ["", "a", "a/b", "a/b/c", "a/b/c/file"].map(|name| mode(&root.path().join(name)));
            assert_eq!(modes, [0o755, 0o700, 0o700, 0o700, 0o600]);
        }

        #[test]
        fn a_file_that_others_may_open_is_refused() {
            let directory = tempfile::tempdir().unwrap();
            let path = directory.path().join("file");
            write_atomically(&path, b"x").unwrap();
            for others in [0o640, 0o620, 0o604, 0o602, 0o610, 0o666] {
                chmod(&path, others);
                let error = read_private(&path, 9).unwrap_err();
                assert_eq!(error.kind(), io::ErrorKind::PermissionDenied, "{others:o}");
            }
            chmod(&path, 0o400);
            assert_eq!(read_private(&path, 9).unwrap(), b"x");
        }

        #[test]
        fn what_is_not_a_plain_file_is_refused_and_never_waited_for() {
            let directory = tempfile::tempdir().unwrap();
            let target = directory.path().join("target");
            write_atomically(&target, b"x").unwrap();
            symlink(&target, directory.path().join("link")).unwrap();
            let fifo = directory.path().join("fifo");
            assert!(std::process::Command::new("mkfifo").arg("-m").arg("600").arg(&fifo).status().unwrap().success());
            for name in ["link", "fifo", "."] {
                let error = read_private(&directory.path().join(name), 9).unwrap_err();
                assert_eq!(error.kind(), io::ErrorKind::PermissionDenied, "{name}: {error}");
            }
        }

        #[test]
        fn a_symlink_at_the_target_is_replaced_not_followed() {
            let directory = tempfile::tempdir().unwrap();
            let foreign = directory.path().join("foreign");
            fs::write(&foreign, b"theirs").unwrap();
            let path = directory.path().join("file");
            symlink(&foreign, &path).unwrap();
            write_atomically(&path, b"ours").unwrap();
            assert_eq!(fs::read(&foreign).unwrap(), b"theirs");
            assert_eq!(read_private(&path, 9).unwrap(), b"ours");
        }
    }
}
