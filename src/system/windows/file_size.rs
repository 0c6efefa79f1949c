//! Files have no such limit, and there is no such signal.

use std::process::Command;

/// Nothing to ignore.
pub fn ignore_file_size_signal() {}

/// Nothing to give back.
pub fn restore_file_size_signal(_command: &mut Command) {}
