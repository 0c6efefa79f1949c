//! A second user, whom only root can act as.

use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use crate::probe::{Which, answer, call, need};

/// Runs as another user; removes that user's test keys when it ends.
pub struct Person<'a> {
    uid: &'a str,
    program: tempfile::TempDir,
}

impl<'a> Person<'a> {
    /// `None`, loudly, without root.
    pub fn new(uid: &'a str) -> Option<Self> {
        need("setpriv", "util-linux");
        if !is_root() {
            // Past the harness, which keeps what a passing test prints to itself.
            let loud = "NOT TESTED: only root can act as a second user; run `cargo test --test keyring` as root\n";
            std::io::stderr().write_all(loud.as_bytes()).unwrap();
            return None;
        }
        // The build directory may lie where other users cannot look.
        let program = tempfile::tempdir().unwrap();
        std::fs::set_permissions(program.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
        // In a process of its own: a fork beside us could hold what we wrote open for writing when it is to be run.
        let (from, to) = (std::env::current_exe().unwrap(), program.path().join("probe"));
        assert!(Command::new("cp").args([from, to]).status().unwrap().success());
        Some(Self { uid, program })
    }

    fn command(&self, program: &[&str]) -> Command {
        let mut command = Command::new("setpriv");
        command.args(["--reuid", self.uid, "--regid", self.uid, "--clear-groups"]).args(program).current_dir("/");
        command
    }

    pub fn call(&self, user: &str, verb: &str, bytes: &[u8]) -> String {
        self.call_under(&[], user, verb, bytes)
    }

    pub fn call_under(&self, program: &[&str], user: &str, verb: &str, bytes: &[u8]) -> String {
        answer(self.probe(program, &call(Which::Kernel, verb, user, bytes))).text
    }

    /// A call made as this user.
    pub fn probe(&self, under: &[&str], call: &Command) -> Command {
        let probe = self.program.path().join("probe");
        let mut command = self.command(&[under, &[probe.to_str().unwrap()]].concat());
        command.args(call.get_args());
        command
    }

    pub fn keyctl(&self, arguments: &[&str]) -> String {
        let output = self.command(&[&["keyctl"], arguments].concat()).output().unwrap();
        (String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr)).trim().into()
    }
}

impl Drop for Person<'_> {
    fn drop(&mut self) {
        self.keyctl(&["session", "-", "sh", "-c", "keyctl clear $(keyctl get_persistent @s); keyctl clear @u"]);
    }
}

fn is_root() -> bool {
    Command::new("id").arg("-u").output().unwrap().stdout == b"0\n"
}
