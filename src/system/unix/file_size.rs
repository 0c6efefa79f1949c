//! The signal of a file that grows beyond its limit (`ulimit -f`): to us an error like a full disk, to children what it was.

use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};

/// What the signal did when we started: the default, or ignored by whoever started us. An error while it is untouched.
static INHERITED: AtomicUsize = AtomicUsize::new(libc::SIG_ERR);

/// Lets a write beyond the limit fail (`EFBIG`) instead of ending us in the middle of a change.
pub fn ignore_file_size_signal() {
    // SAFETY: no handler of ours is installed; whether the call fails, nothing else changes.
    let before = unsafe { libc::signal(libc::SIGXFSZ, libc::SIG_IGN) };
    INHERITED.store(before, Ordering::Relaxed);
}

/// Gives a child the signal as we were given it, which an exec would not do.
pub fn restore_file_size_signal(command: &mut Command) {
    use std::os::unix::process::CommandExt;
    let inherited = INHERITED.load(Ordering::Relaxed);
    if inherited == libc::SIG_ERR {
        return;
    }
    // SAFETY: between fork and exec the closure makes one system call and touches no heap and no lock.
    unsafe {
        command.pre_exec(move || {
            libc::signal(libc::SIGXFSZ, inherited);
            Ok(())
        })
    };
}
