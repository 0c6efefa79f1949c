//! An ordinary user: root may read, write and trace everything, and would hide what these tests look for.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::machine::BINARY;
use crate::world::{World, copy_runnable, without_terminal};

/// Nobody's; each test that needs one lives in a home of its own.
pub const UID: u32 = 64_310;

/// The binary as an ordinary user runs it, in a world's home.
pub struct Somebody<'a> {
    world: &'a World,
    directory: tempfile::TempDir,
}

impl<'a> Somebody<'a> {
    /// Gives the world's home to an ordinary user, if we are root.
    pub fn of(world: &'a World) -> Self {
        let directory = tempfile::tempdir().unwrap();
        fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o755)).unwrap();
        // The build's own directory may be closed to others.
        copy_runnable(Path::new(BINARY), &directory.path().join("twolock"));
        let somebody = Self { world, directory };
        somebody.own(world.home());
        somebody
    }

    /// Gives a tree to the user.
    pub fn own(&self, path: &Path) {
        if is_root() {
            chown(path, Some(UID), Some(UID)).unwrap();
        }
        if path.is_dir() {
            fs::read_dir(path).unwrap().for_each(|entry| self.own(&entry.unwrap().path()));
        }
    }

    /// The binary.
    pub fn binary(&self) -> PathBuf {
        self.directory.path().join("twolock")
    }

    /// Any program as this user, without a terminal.
    pub fn program(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = if is_root() {
            let mut command = self.world.program("setpriv");
            let id = UID.to_string();
            command.args(["--reuid", &id, "--regid", &id, "--clear-groups", "--"]).arg(program);
            command
        } else {
            self.world.program(program)
        };
        let path = crate::world::path();
        let path = path.split_once(':').map_or(path.as_str(), |(_, system)| system);
        command.env("PATH", format!("{}:{path}", self.directory.path().display()));
        command.current_dir(self.world.home());
        without_terminal(&mut command);
        command
    }

    /// The binary as this user, without a terminal.
    pub fn twolock(&self, args: &[&str]) -> Command {
        let mut command = self.program(self.binary());
        command.args(args);
        command
    }
}

impl Drop for Somebody<'_> {
    /// The kernel keyring of this user would keep the sealing key.
    fn drop(&mut self) {
        let _ = self.twolock(&["logout", "--all"]).output();
    }
}

/// Whether the tests run as root.
pub fn is_root() -> bool {
    // SAFETY: geteuid takes nothing and cannot fail.
    unsafe { libc::geteuid() == 0 }
}
