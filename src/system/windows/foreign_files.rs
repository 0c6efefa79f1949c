//! Under `system/foreign_file.rs` on Windows: files other programs write, and who owns them.

use std::fs::{File, Metadata};
use std::io;
use std::os::windows::fs::MetadataExt;
use std::path::Path;

use crate::system::foreign_file::{Account, Ownership};

/// Opens for reading; named pipes do not live in folders here.
pub fn open_without_waiting(path: &Path) -> io::Result<File> {
    File::open(path)
}

/// Whether this may be `NUL`: no file, no folder, no size.
pub fn is_null_device(metadata: &Metadata) -> bool {
    !metadata.is_dir() && metadata.file_size() == 0
}

/// Access lists are not read: nothing is claimed about who may change the file.
pub fn ownership(_: &Metadata) -> Option<Ownership> {
    None
}

/// There are no uids here.
pub fn account() -> Option<Account> {
    None
}
