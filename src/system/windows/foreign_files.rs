//! Under `system/foreign_file.rs` on Windows: files other programs write, and who owns them.

use std::fs::{File, Metadata, OpenOptions};
use std::io;
use std::os::windows::fs::OpenOptionsExt;
use std::os::windows::io::AsRawHandle;
use std::path::Path;

use windows_sys::Win32::Storage::FileSystem::{
    FILE_FLAG_BACKUP_SEMANTICS, FILE_TYPE_CHAR, FILE_TYPE_DISK, GetFileType,
};

use crate::system::owner::{Account, Ownership};

/// Opens for reading; a directory too, so that it can be told from a file one may not read.
///
/// Devices and pipes have no metadata. The device people name is `NUL`, which is as empty as a file that is not there.
pub fn open_without_waiting(path: &Path) -> io::Result<File> {
    let file = OpenOptions::new().read(true).custom_flags(FILE_FLAG_BACKUP_SEMANTICS).open(path)?;
    // SAFETY: the handle is open as long as `file` lives.
    match unsafe { GetFileType(file.as_raw_handle().cast()) } {
        FILE_TYPE_DISK => Ok(file),
        FILE_TYPE_CHAR => Err(io::ErrorKind::NotFound.into()),
        _ => Err(io::Error::other("it is a pipe or device, not a file")),
    }
}

/// None gets this far.
pub fn is_null_device(_: &Metadata) -> bool {
    false
}

/// Access lists are not read: nothing is claimed about who may change the file.
pub fn ownership(_: &Metadata) -> Option<Ownership> {
    None
}

/// There are no uids here.
pub fn user() -> Option<u32> {
    None
}

/// There are no uids here.
pub fn user_name(_: u32) -> Option<String> {
    None
}

/// There are no uids here.
pub fn account() -> Option<Account> {
    None
}
