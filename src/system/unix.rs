//! What only Unix does: unsafe calls, each with its SAFETY line.

use std::fs::{self, DirBuilder, File, Metadata, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

/// Creates a file that was not there, for its owner alone from its first instant.
pub fn create_private_file(path: &Path) -> io::Result<File> {
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    // A umask may have taken the owner's own bits.
    file.set_permissions(Permissions::from_mode(0o600))?;
    Ok(file)
}

/// Creates one folder for its owner alone.
pub fn create_private_folder(path: &Path) -> io::Result<()> {
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
        Some("other users may open it")
    } else {
        None
    }
}

/// Makes a rename in this folder survive a power cut.
pub fn sync_folder(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

/// The user this process acts as.
pub fn effective_uid() -> u32 {
    // SAFETY: geteuid takes nothing, touches no memory of ours and cannot fail.
    unsafe { libc::geteuid() }
}
pub(super) use foreign_files::{account, is_null_device, open_without_waiting, ownership};

/// Under `system/foreign_file.rs`: files other programs write, and who owns them.
mod foreign_files {
    use std::ffi::{CStr, OsStr, c_char};
    use std::fs::{File, Metadata, OpenOptions};
    use std::os::unix::ffi::OsStrExt;
    use std::os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt};
    use std::path::{Path, PathBuf};
    use std::{io, ptr};

    use crate::system::foreign_file::{Account, Ownership};

    /// Opens for reading; a FIFO without writer does not hold us up, a terminal does not become ours.
    pub fn open_without_waiting(path: &Path) -> io::Result<File> {
        OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY).open(path)
    }

    /// Whether this is the metadata of `/dev/null`.
    pub fn is_null_device(metadata: &Metadata) -> bool {
        let null = || std::fs::metadata("/dev/null").map(|null| null.rdev());
        metadata.file_type().is_char_device() && null().is_ok_and(|null| null == metadata.rdev())
    }

    /// Returns owner, group and permission bits.
    pub fn ownership(metadata: &Metadata) -> Option<Ownership> {
        Some(Ownership { owner: metadata.uid(), group: metadata.gid(), mode: metadata.mode() & 0o7777 })
    }

    /// Returns the effective user; an account without a passwd entry has its process's group and no home.
    pub fn account() -> Option<Account> {
        // SAFETY: both calls only read the process's credentials and cannot fail.
        let (user, process_group) = unsafe { (libc::geteuid(), libc::getegid()) };
        let (group, home) = passwd_entry(user).map_or((process_group, None), |(group, home)| (group, Some(home)));
        Some(Account { user, group, home })
    }

    fn passwd_entry(user: libc::uid_t) -> Option<(libc::gid_t, PathBuf)> {
        const LARGEST: usize = 1 << 20;
        let mut buffer: Vec<c_char> = vec![0; 1 << 10];
        loop {
            // SAFETY: all-zero is a valid `passwd`: integers and null pointers.
            let mut entry: libc::passwd = unsafe { std::mem::zeroed() };
            let mut found = ptr::null_mut();
            // SAFETY: every pointer is to a live local, and the buffer's length is given with it.
            let code = unsafe { libc::getpwuid_r(user, &mut entry, buffer.as_mut_ptr(), buffer.len(), &mut found) };
            match code {
                libc::EINTR => {}
                libc::ERANGE if buffer.len() < LARGEST => buffer.resize(buffer.len() * 4, 0),
                0 if !found.is_null() && !entry.pw_dir.is_null() => {
                    // SAFETY: a found entry's `pw_dir` is a NUL-terminated string inside `buffer`, which still lives.
                    let home = unsafe { CStr::from_ptr(entry.pw_dir) };
                    return Some((entry.pw_gid, PathBuf::from(OsStr::from_bytes(home.to_bytes()))));
                }
                _ => return None,
            }
        }
    }
}
