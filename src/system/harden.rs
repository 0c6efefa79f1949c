//! The first thing `main` does, before a secret is in memory (threat-model P4).
//!
//! Linux: not dumpable (no core file, no `/proc/PID/environ` or memory for other programs of the same user, no
//! debugger), core limit 0. macOS: no debugger, core limit 0. Windows has no equivalent for an ordinary process:
//! there this does nothing.
//!
//! A write beyond the caller's file size limit fails like one on a full disk, instead of killing us.

use std::process::Command;

use crate::system::platform;

/// The caller's limits, for the children that should run as if the caller had started them.
#[derive(Clone, Copy, Debug)]
pub struct Limits(platform::CoreLimit);

/// Hardens this process and returns what the caller's limits were. Takes microseconds and cannot fail: what a
/// sandbox refuses stays as it was.
pub fn harden() -> Limits {
    platform::ignore_file_size_signal();
    Limits(platform::harden())
}

impl Limits {
    /// Gives the caller's limits back to a command, whether it is spawned or replaces us.
    /// A child is dumpable again by itself: exec resets that.
    pub fn restore_for(&self, command: &mut Command) {
        platform::restore_limit(self.0, command);
        platform::restore_file_size_signal(command);
    }
}
