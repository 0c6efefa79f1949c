//! Our own files and locks on Windows.
//!
//! Our directories lie in the user's profile, whose access list, inherited by what is created there, names the user,
//! SYSTEM and Administrators.

use std::fs::{File, Metadata, OpenOptions};
use std::io;
use std::os::windows::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use windows_sys::Win32::Storage::FileSystem::{FILE_FLAG_BACKUP_SEMANTICS, FILE_FLAG_OPEN_REPARSE_POINT};

/// Longer ones work in their other spelling only (MAX_PATH).
const LONGEST_USUAL_PATH: usize = 260;

/// Creates a file that was not there.
pub fn create_private_file(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create_new(true).open(path)
}

/// Access is inherited from the directory.
pub fn make_like(_: &File, _: &Metadata) -> io::Result<()> {
    Ok(())
}

/// Access is inherited from the directory.
pub fn close_to_others(_: &File, _: &Metadata) -> io::Result<()> {
    Ok(())
}

/// The standard library does not tell.
pub fn hard_links(_: &Metadata) -> u64 {
    1
}

/// Creates one directory.
pub fn create_private_directory(path: &Path) -> io::Result<()> {
    std::fs::create_dir(path)
}

/// Opens or creates a file to lock. It is never truncated.
pub fn open_lock_file(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)
}

/// The standard library does not tell; a file that is held open here is not replaced either.
pub fn is_same_file(_: &Metadata, _: &Metadata) -> bool {
    true
}

/// Such errors have a kind of their own.
pub fn says_no_locks(_: &io::Error) -> bool {
    false
}

/// Opens a file for reading; a symlink or a directory is opened itself, and then refused as no regular file.
pub fn open_without_following(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).custom_flags(FILE_FLAG_OPEN_REPARSE_POINT | FILE_FLAG_BACKUP_SEMANTICS).open(path)
}

/// Says why an opened file is not a plain one; `None` if it is. Access is the directory's to decide.
pub fn why_not_private(metadata: &Metadata) -> Option<&'static str> {
    (!metadata.is_file()).then_some("it is not a regular file")
}

/// Only the attempt shows it here.
pub fn may_write(_: &Path) -> bool {
    true
}

/// NTFS journals the rename; directories cannot be synced.
pub fn sync_directory(_path: &Path) -> io::Result<()> {
    Ok(())
}

/// Returns a path of a drive without the `\\?\` that resolved symlinks bring and few programs take.
pub fn usual_path(path: PathBuf) -> PathBuf {
    match path.to_str().and_then(|text| text.strip_prefix(r"\\?\")) {
        Some(short) if short.len() < LONGEST_USUAL_PATH && short.get(1..2) == Some(":") => short.into(),
        _ => path,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_resolved_path_is_spelled_as_people_do_where_that_works() {
        let long = format!(r"\\?\C:\{}", "x".repeat(300));
        for (resolved, usual) in [
            (r"\\?\C:\users\ana", r"C:\users\ana"),
            (r"\\?\UNC\server\share", r"\\?\UNC\server\share"),
            (r"\\?\", r"\\?\"),
            (r"C:\users", r"C:\users"),
            (&long, &long),
        ] {
            assert_eq!(usual_path(resolved.into()), Path::new(usual));
        }
    }
}
