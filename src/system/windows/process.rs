//! Processes on Windows: ours, the one it runs in its place, and children.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::os::windows::io::AsHandle;
use std::path::{Component, Path};
use std::process::{Command, ExitStatus};

use windows_sys::Win32::System::Console::{CTRL_BREAK_EVENT, CTRL_C_EVENT, SetConsoleCtrlHandler};

// ---- this process

/// There is no core limit.
#[derive(Clone, Copy, Debug)]
pub struct CoreLimit;

/// Does nothing: an ordinary process cannot keep its user's other programs out.
pub fn harden() -> CoreLimit {
    CoreLimit
}

/// Does nothing.
pub fn restore_limit(_limit: CoreLimit, _command: &mut Command) {}

/// The sandbox does not run here.
#[cfg(feature = "sandbox")]
pub fn hang_up(_child: u32) {}

/// The sandbox does not run here.
#[cfg(feature = "sandbox")]
pub fn start_on_own_terminal(_: &mut Command, _: u16) -> io::Result<(std::process::Child, File)> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Opens standard input once more, without the buffer of `std::io::stdin`.
pub fn unbuffered_stdin() -> io::Result<File> {
    io::stdin().as_handle().try_clone_to_owned().map(File::from)
}

// ---- other processes

/// Runs another program in our place and ends with its exit code, as Windows has no exec; returns only if it did not
/// start. ^C and ^Break are the program's to act on: we stay until it has ended.
pub fn become_command(command: &mut Command) -> io::Error {
    // SAFETY: the handler is a function that lives as long as the program.
    unsafe { SetConsoleCtrlHandler(Some(leave_to_the_child), 1) };
    match command.status() {
        Ok(status) => std::process::exit(status.code().unwrap_or(1)),
        Err(error) => error,
    }
}

unsafe extern "system" fn leave_to_the_child(event: u32) -> i32 {
    i32::from(matches!(event, CTRL_C_EVENT | CTRL_BREAK_EVENT))
}

/// Returns the file a bare name means to a shell. The system itself finds `.exe` only, and much of what npm or pip
/// install is a `.cmd` or `.bat`. Fails for none: the system looks in more places than `PATH`.
pub fn startable(program: &OsStr, path: Option<&OsStr>) -> io::Result<OsString> {
    let name = Path::new(program);
    if name.components().count() != 1 || name.extension().is_some() {
        return Ok(program.into());
    }
    let directories = std::env::split_paths(path.unwrap_or_default()).filter(|directory| directory.is_absolute());
    let mut files =
        directories.flat_map(|directory| ["exe", "cmd", "bat"].map(|end| directory.join(name).with_extension(end)));
    Ok(files.find(|file| file.is_file()).map_or_else(|| program.into(), OsString::from))
}

/// Names nobody.
pub fn parent_id() -> Option<u32> {
    None
}

/// Windows has no process groups of this kind; a child's own children outlive it.
pub fn lead_group(_command: &mut Command) {}

/// Does nothing: a child gets the handles of its standard streams, and those that were made to be inherited.
pub fn keep_files(_command: &mut Command) {}

/// Does nothing; the child itself is ended by its handle.
pub fn kill_group(_leader: u32) {}

/// Windows ends nobody by signal.
pub fn signal_of(_status: ExitStatus) -> Option<i32> {
    None
}

/// Where the system's own programs are.
pub const SYSTEM_DIRECTORIES: &[&str] = &[r"C:\Windows\System32"];

/// Whether a directory is below those that only administrators can write to.
pub fn is_system_directory(directory: &Path) -> bool {
    let is_plain = directory
        .components()
        .all(|part| matches!(part, Component::Normal(_) | Component::Prefix(_) | Component::RootDir));
    let system = [r"C:\Windows", r"C:\Program Files", r"C:\Program Files (x86)"];
    is_plain && system.iter().any(|system| directory.starts_with(system))
}

/// Whether a file can be started.
pub fn is_executable(file: &Path) -> bool {
    file.is_file()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bare_name_means_the_file_a_shell_would_start() {
        let (first, second) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let path = std::env::join_paths([Path::new("relative"), first.path(), second.path()]).unwrap();
        for (directory, name) in [(&first, "cdk.cmd"), (&second, "cdk.exe"), (&second, "sam.bat"), (&second, "plain")] {
            std::fs::write(directory.path().join(name), "").unwrap();
        }
        let found = |name: &str| startable(OsStr::new(name), Some(&path)).unwrap();
        assert_eq!(found("cdk"), first.path().join("cdk.cmd"));
        assert_eq!(found("sam"), second.path().join("sam.bat"));
        for left_to_the_system in ["plain", "nobody", "sam.bat", r".\sam", r"C:\sam", "", "."] {
            assert_eq!(found(left_to_the_system), left_to_the_system);
        }
        assert_eq!(startable(OsStr::new("cdk"), None).unwrap(), "cdk");
    }
}
