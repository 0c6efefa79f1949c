//! Under `system/foreign_file.rs` on Unix: files other programs write, and who owns them.

use std::ffi::{CStr, OsStr, OsString, c_char};
use std::fs::{File, Metadata, OpenOptions};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::{io, ptr};

use crate::system::owner::{Account, Ownership};

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

/// Returns the effective user's number, without a look into the account database.
pub fn user() -> Option<u32> {
    Some(super::files::effective_uid())
}

/// Returns the effective user; an account without a passwd entry has its process's group and no home. Asks the account
/// database once: it may be on another host.
pub fn account() -> Option<Account> {
    static FOUND: OnceLock<Account> = OnceLock::new();
    Some(FOUND.get_or_init(listed_account).clone())
}

fn listed_account() -> Account {
    // SAFETY: both calls only read the process's credentials and cannot fail.
    let (user, process_group) = unsafe { (libc::geteuid(), libc::getegid()) };
    let entry = passwd_entry(user, |entry| {
        // SAFETY: the entry was just found, and lives as long as this call.
        unsafe { text(entry.pw_dir) }.map(|home| (entry.pw_gid, PathBuf::from(home)))
    });
    let (group, home) = entry.map_or((process_group, None), |(group, home)| (group, Some(home)));
    Account { user, group, home }
}

/// Returns what the account database calls a user.
pub fn user_name(user: u32) -> Option<String> {
    // SAFETY: the entry was just found, and lives as long as this call.
    passwd_entry(user, |entry| unsafe { text(entry.pw_name) }.map(|name| name.to_string_lossy().into_owned()))
}

/// SAFETY: a null pointer, or a NUL-terminated string.
unsafe fn text(pointer: *const c_char) -> Option<OsString> {
    // SAFETY: the caller's promise; the bytes are copied before anything else runs.
    (!pointer.is_null()).then(|| OsStr::from_bytes(unsafe { CStr::from_ptr(pointer) }.to_bytes()).to_owned())
}

fn passwd_entry<T>(user: libc::uid_t, read: impl Fn(&libc::passwd) -> Option<T>) -> Option<T> {
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
            // A found entry's strings lie in `buffer`, which still lives.
            0 if !found.is_null() => return read(&entry),
            _ => return None,
        }
    }
}
