//! The hardened process: no core, nothing to read for the user's other programs, and children as the caller wanted.

use std::io::Read;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};

use rustix::process::{Resource, Rlimit};

use crate::driver::report;
use crate::world::{eventually, role};

/// What the hardened process does: reports, then waits until it may go.
pub fn part() {
    let limits = twolock::internals::harden::harden();
    let limit_of_child = |restore: bool| {
        let mut child = Command::new("sh");
        child.args(["-c", "ulimit -c"]);
        if restore {
            limits.restore_for(&mut child);
        }
        String::from_utf8(child.output().unwrap().stdout).unwrap().trim().to_owned()
    };
    report(&format!("core of a child {}, restored {}", limit_of_child(false), limit_of_child(true)));
    report("ready");
    let _ = std::io::stdin().read(&mut [0]);
    let mut replaced = Command::new("sh");
    replaced.args(["-c", "echo core after exec $(ulimit -c) >> \"$PROMPT_REPORT\""]);
    limits.restore_for(&mut replaced);
    panic!("exec: {}", replaced.exec());
}

#[test]
fn no_core_is_written_and_children_get_the_callers_limit_back() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("report");
    let mut job = role("hardened");
    job.env("PROMPT_REPORT", &path).stdin(Stdio::piped()).stdout(Stdio::null());
    let wanted = Rlimit { current: Some(4096 * 512), maximum: Some(8192 * 512) };
    // SAFETY: between fork and exec one system call is made.
    unsafe { job.pre_exec(move || Ok(rustix::process::setrlimit(Resource::Core, wanted)?)) };
    let mut running = job.spawn().unwrap();
    let report = || std::fs::read_to_string(&path).unwrap_or_default();
    eventually("the report", || report().contains("ready"));
    let limits = std::fs::read_to_string(format!("/proc/{}/limits", running.id())).unwrap();
    let core: Vec<&str> = limits.lines().find(|line| line.contains("core")).unwrap().split_whitespace().collect();
    assert_eq!(core[4], "0", "soft limit: {core:?}");
    drop(running.stdin.take());
    assert!(running.wait().unwrap().success());
    assert_eq!(report(), "core of a child 0, restored 4096\nready\ncore after exec 4096\n");
}

/// As root everything can be read: the test drops to another user, or has nothing to show.
#[test]
fn another_program_of_the_same_user_reads_neither_environment_nor_memory() {
    let directory = tempfile::tempdir().unwrap();
    let program = directory.path().join("prompt-test");
    std::fs::copy(std::env::current_exe().unwrap(), &program).unwrap();
    for path in [directory.path(), &program] {
        let open = std::os::unix::fs::PermissionsExt::from_mode(0o777);
        std::fs::set_permissions(path, open).unwrap();
    }
    let path = directory.path().join("report");
    let mut job = as_nobody(program.to_str().unwrap());
    job.args(role("hardened").get_args()).env("PROMPT_ROLE", "hardened").env("PROMPT_REPORT", &path);
    let hardened = Ended(job.stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap());
    let plain = Ended(as_nobody("sleep").arg("600").stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap());
    eventually("the report", || std::fs::read_to_string(&path).is_ok_and(|text| text.contains("ready")));
    eventually("sleep to run as nobody", || can_read(plain.0.id(), "environ"));
    for secret in ["environ", "maps", "auxv"] {
        assert!(!can_read(hardened.0.id(), secret), "{secret} of a hardened process");
    }
}

/// A process that ends with the test, however that ends.
struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn can_read(pid: u32, file: &str) -> bool {
    as_nobody("cat")
        .arg(format!("/proc/{pid}/{file}"))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .unwrap()
        .success()
}

/// The program as an ordinary user: `nobody` if we are root, ourselves otherwise.
fn as_nobody(program: &str) -> Command {
    if !rustix::process::geteuid().is_root() {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command.args(["--reuid", "65534", "--regid", "65534", "--clear-groups", "--", program]);
    command
}
