//! Processes on Unix: ours, hardened; the one it becomes; children and their groups.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, ErrorKind};
use std::os::fd::AsFd;
use std::os::unix::process::CommandExt;
use std::path::Path;
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

/// Returns the program as it is: the system searches `PATH` as shells do, relative directories too. Fails as it will, if
/// that can be seen before.
pub fn startable(program: &OsStr, path: Option<&OsStr>) -> io::Result<OsString> {
    let as_it_is = || Ok(program.into());
    let is_path = program.as_encoded_bytes().contains(&b'/');
    match path {
        _ if is_path => may_run(Path::new(program)).and_then(|()| as_it_is()),
        // The system has a PATH of its own.
        None => as_it_is(),
        Some(path) => {
            let mut tried = std::env::split_paths(path).map(|directory| may_run(&directory.join(program)));
            let refused = |seen, tried: io::Result<()>| match tried {
                Ok(()) => Err(()),
                Err(e) if e.kind() == ErrorKind::PermissionDenied => Ok(e.kind()),
                Err(_) => Ok(seen),
            };
            tried.try_fold(ErrorKind::NotFound, refused).map_or_else(|()| as_it_is(), |kind| Err(kind.into()))
        }
    }
}

fn may_run(file: &Path) -> io::Result<()> {
    match file.metadata() {
        Ok(_) if !is_executable(file) => Err(ErrorKind::PermissionDenied.into()),
        found => found.map(|_| ()),
    }
}

/// Returns the process that started us.
pub fn parent_id() -> Option<u32> {
    Some(std::os::unix::process::parent_id())
}

/// Lets the child lead a process group, so that its own children can be ended with it.
pub fn lead_group(command: &mut Command) {
    command.process_group(0);
}

/// Keeps open files from a child that outlives us: what our caller left open, such as a lock, would stay open in it.
pub fn keep_files(command: &mut Command) {
    // SAFETY: between fork and exec the closure only makes system calls.
    unsafe {
        command.pre_exec(|| {
            close_at_exec();
            Ok(())
        })
    };
}

/// All but the three standard streams. A kernel older than 5.11 cannot, and the child keeps them.
#[cfg(target_os = "linux")]
fn close_at_exec() {
    // SAFETY: the call takes numbers only.
    unsafe { libc::syscall(libc::SYS_close_range, 3, libc::c_uint::MAX, libc::CLOSE_RANGE_CLOEXEC) };
}

/// All that a program usually has open but the three standard streams.
#[cfg(not(target_os = "linux"))]
fn close_at_exec() {
    for file in 3..256 {
        // SAFETY: the call takes numbers only, and fails where no file is open.
        unsafe { libc::fcntl(file, libc::F_SETFD, libc::FD_CLOEXEC) };
    }
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

/// The directories of the system's programs, and of those that a package manager installs for all users.
pub const SYSTEM_DIRECTORIES: &[&str] = &[
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

/// Whether a directory is one of them, written just so.
pub fn is_system_directory(directory: &Path) -> bool {
    directory.is_absolute() && SYSTEM_DIRECTORIES.iter().any(|system| directory == Path::new(system))
}

/// Whether a file can be started.
pub fn is_executable(file: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    std::fs::metadata(file).is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn what_cannot_start_is_found_as_the_system_would_find_it() {
        let (first, second) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let path = std::env::join_paths([first.path(), Path::new("/nowhere"), second.path()]).unwrap();
        for (directory, name, mode) in
            [(&first, "plain", 0o600), (&first, "both", 0o600), (&second, "both", 0o700), (&second, "tool", 0o700)]
        {
            let file = directory.path().join(name);
            std::fs::write(&file, "").unwrap();
            std::fs::set_permissions(file, std::fs::Permissions::from_mode(mode)).unwrap();
        }
        std::fs::create_dir(first.path().join("directory")).unwrap();
        let found = |program: &str, path: Option<&OsStr>| startable(OsStr::new(program), path).map_err(|e| e.kind());
        let in_second = |name: &str| second.path().join(name).to_str().unwrap().to_owned();
        for (program, expected) in [
            ("tool", None),
            ("both", None),
            ("plain", Some(ErrorKind::PermissionDenied)),
            ("directory", Some(ErrorKind::PermissionDenied)),
            ("nobody", Some(ErrorKind::NotFound)),
            (&in_second("tool"), None),
            (&in_second("nobody"), Some(ErrorKind::NotFound)),
            (&in_second("tool/x"), Some(ErrorKind::NotADirectory)),
            ("./nobody-in-this-directory", Some(ErrorKind::NotFound)),
        ] {
            assert_eq!(found(program, Some(&path)), expected.map_or_else(|| Ok(program.into()), Err), "{program}");
        }
        assert_eq!(found("nobody", None), Ok("nobody".into()), "the system has a PATH of its own");
        let here = found("Cargo.toml", Some(OsStr::new(":/nowhere")));
        assert_eq!(here, Err(ErrorKind::PermissionDenied), "an empty entry is the current directory");
    }
}
