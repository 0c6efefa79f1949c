//! The signal of a file that grows beyond its limit (`ulimit -f`): to us an error like a full disk, to children what it was.

use std::process::Command;

/// Lets a write beyond the limit fail (`EFBIG`) instead of ending us in the middle of a change.
pub fn ignore_file_size_signal() {
    // SAFETY: no handler of ours is installed; whether the call fails, nothing else changes.
    unsafe { libc::signal(libc::SIGXFSZ, libc::SIG_IGN) };
}

/// Gives a child the signal's default back, which an exec would not do. The standard library does so for SIGPIPE.
pub fn restore_file_size_signal(command: &mut Command) {
    use std::os::unix::process::CommandExt;
    // SAFETY: between fork and exec the closure makes one system call and touches no heap and no lock.
    unsafe {
        command.pre_exec(|| {
            libc::signal(libc::SIGXFSZ, libc::SIG_DFL);
            Ok(())
        })
    };
}
