//! Processes on Unix: ours, hardened; the one it becomes; children and their groups.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::os::fd::AsFd;
use std::os::unix::process::CommandExt;
use std::process::Command;

use rustix::process::{Pid, Resource, Rlimit, Signal};

// ---- this process

/// The caller's core limit.
pub type CoreLimit = Rlimit;

/// Keeps other programs of the user out of our memory, and writes no core file; returns the limit of before.
pub fn harden() -> CoreLimit {
    refuse_debuggers();
    let before = rustix::process::getrlimit(Resource::Core);
    let _ = rustix::process::setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: before.maximum });
    before
}

#[cfg(target_os = "linux")]
fn refuse_debuggers() {
    let _ = rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable);
}

#[cfg(target_os = "macos")]
fn refuse_debuggers() {
    // SAFETY: this request takes no address and no data; it only refuses debuggers from now on.
    unsafe { libc::ptrace(libc::PT_DENY_ATTACH, 0, std::ptr::null_mut(), 0) };
}

#[cfg(not(any(target_os = "linux", target_os = "macos")))]
fn refuse_debuggers() {}

/// Gives a child the caller's limit.
pub fn restore_limit(limit: CoreLimit, command: &mut Command) {
    // SAFETY: between fork and exec the closure makes one system call and touches no heap and no lock.
    unsafe { command.pre_exec(move || rustix::process::setrlimit(Resource::Core, limit).map_err(io::Error::from)) };
}

/// Opens standard input once more, without the buffer of `std::io::stdin`.
pub fn unbuffered_stdin() -> io::Result<File> {
    io::stdin().as_fd().try_clone_to_owned().map(File::from)
}

// ---- other processes

/// Becomes another program; returns only if that failed.
pub fn become_command(command: &mut Command) -> io::Error {
    command.exec()
}

/// The system searches `PATH` as shells do.
pub fn startable(program: &OsStr, _path: Option<&OsStr>) -> OsString {
    program.into()
}

/// Returns the process that started us.
pub fn parent_id() -> Option<u32> {
    Some(std::os::unix::process::parent_id())
}

/// Lets the child lead a process group, so that its own children can be ended with it.
pub fn lead_group(command: &mut Command) {
    command.process_group(0);
}

/// Kills a group leader that was not waited for yet, with all its group.
pub fn kill_group(leader: u32) {
    if let Some(group) = i32::try_from(leader).ok().and_then(Pid::from_raw) {
        let _ = rustix::process::kill_process_group(group, Signal::KILL);
    }
}

/// Tells a child that was not waited for yet that its terminal is gone.
#[cfg(feature = "sandbox")]
pub fn hang_up(child: u32) {
    if let Some(child) = i32::try_from(child).ok().and_then(Pid::from_raw) {
        let _ = rustix::process::kill_process(child, Signal::HUP);
    }
}

/// Returns the signal that ended a child, if one did.
pub fn signal_of(status: std::process::ExitStatus) -> Option<i32> {
    std::os::unix::process::ExitStatusExt::signal(&status)
}

/// Whether a directory is one of the system's or of a package manager for all users, written just so.
pub fn is_system_directory(directory: &std::path::Path) -> bool {
    const SYSTEM: [&str; 14] = [
        "/usr/local/bin",
        "/usr/local/sbin",
        "/usr/bin",
        "/usr/sbin",
        "/bin",
        "/sbin",
        "/snap/bin",
        "/opt/homebrew/bin",
        "/opt/homebrew/sbin",
        "/home/linuxbrew/.linuxbrew/bin",
        "/opt/local/bin",
        "/run/current-system/sw/bin",
        "/run/wrappers/bin",
        "/nix/var/nix/profiles/default/bin",
    ];
    directory.is_absolute() && SYSTEM.iter().any(|system| directory == std::path::Path::new(system))
}

/// Whether a file can be started.
pub fn is_executable(file: &std::path::Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    std::fs::metadata(file).is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
}
