//! Unix sockets, and who is at their other end.

use std::fs;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::Path;

use super::platform;

/// Whether this is a socket that belongs to the user this process acts as.
pub(crate) fn is_own(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|found| found.file_type().is_socket() && found.uid() == platform::effective_uid())
}
