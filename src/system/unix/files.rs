//! Our own files and locks on Unix.

use std::fs::{self, DirBuilder, File, Metadata, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// Creates a file that was not there, for its owner alone from its first instant.
pub fn create_private_file(path: &Path) -> io::Result<File> {
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    // A umask may have taken the owner's own bits.
    file.set_permissions(Permissions::from_mode(0o600))?;
    Ok(file)
}

/// Gives a file the group of another, and what the other's mode gave its owner. A group one is not in stays away.
pub fn make_like(file: &File, like: &Metadata) -> io::Result<()> {
    if file.metadata()?.gid() != like.gid() {
        let _ = std::os::unix::fs::fchown(file, None, Some(like.gid()));
    }
    file.set_permissions(Permissions::from_mode(like.mode() & 0o600))
}

/// Takes an opened file or directory away from everybody but its owner, who keeps what they had of it.
pub fn close_to_others(file: &File, metadata: &Metadata) -> io::Result<()> {
    let keeps = if metadata.is_dir() { 0o700 } else { 0o600 };
    file.set_permissions(Permissions::from_mode(metadata.mode() & keeps))
}

/// Returns how many names a file has.
pub fn hard_links(metadata: &Metadata) -> u64 {
    metadata.nlink()
}

/// Creates one directory for its owner alone.
pub fn create_private_directory(path: &Path) -> io::Result<()> {
    DirBuilder::new().mode(0o700).create(path)?;
    // A umask may have taken the owner's own bits.
    fs::set_permissions(path, Permissions::from_mode(0o700))
}

/// Opens or creates a file to lock. It is never truncated, and a symlink is an error.
pub fn open_lock_file(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK)
        .open(path)
}

/// Whether two looks were at the same file.
pub fn is_same_file(one: &Metadata, other: &Metadata) -> bool {
    (one.dev(), one.ino()) == (other.dev(), other.ino())
}

/// Whether `flock` failed because nobody can have a lock here: network homes without a lock daemon.
pub fn says_no_locks(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::ENOLCK | libc::ENOSYS | libc::EOPNOTSUPP))
}

/// Opens a file for reading; a symlink is refused, and a FIFO without a writer is not waited for.
pub fn open_without_following(path: &Path) -> io::Result<File> {
    let opened = OpenOptions::new().read(true).custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK).open(path);
    opened.map_err(|error| match error.raw_os_error() {
        Some(libc::ELOOP) => io::Error::new(io::ErrorKind::PermissionDenied, "it is a symlink"),
        _ => error,
    })
}

/// Says why an opened file is not ours alone; `None` if it is.
pub fn why_not_private(metadata: &Metadata) -> Option<&'static str> {
    if !metadata.is_file() {
        Some("it is not a regular file")
    } else if metadata.uid() != effective_uid() {
        Some("it belongs to another user")
    } else if metadata.mode() & 0o077 != 0 {
        Some("other users can open it")
    } else {
        None
    }
}

/// Whether this process may write into what is there; a file system that is mounted read-only says no to root as well.
pub fn may_write(path: &Path) -> bool {
    use std::os::unix::ffi::OsStrExt;
    let Ok(path) = std::ffi::CString::new(path.as_os_str().as_bytes()) else { return false };
    // SAFETY: the path is zero-terminated, only read, and outlives the call.
    unsafe { libc::access(path.as_ptr(), libc::W_OK) == 0 }
}

/// Makes a rename in this directory survive a power cut.
pub fn sync_directory(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

/// The user this process acts as.
pub fn effective_uid() -> u32 {
    // SAFETY: geteuid takes nothing, touches no memory of ours and cannot fail.
    unsafe { libc::geteuid() }
}

/// A path has one spelling.
pub fn usual_path(path: PathBuf) -> PathBuf {
    path
}
