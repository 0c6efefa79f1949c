//! The machine around the binary, bent: traced, under another clock, without a kernel keyring, with closed streams.

use std::fs;
use std::io;
use std::os::unix::process::CommandExt;
use std::process::Command;

use crate::world::{Ran, World, without_terminal};

/// The binary under test.
pub const BINARY: &str = env!("CARGO_BIN_EXE_twolock");

pub use crate::world::eventually;

/// The binary under strace, whose nth call of a kind ends in this.
pub fn under_strace(world: &World, calls: &str, what: &str, nth: usize, args: &[&str]) -> Command {
    let mut command = world.program("strace");
    command.args(["-f", "-o", "/dev/null", "-e", &format!("trace={calls}")]);
    command.args(["-e", &format!("inject={calls}:{what}:when={nth}")]).arg(BINARY).args(args);
    command
}

/// The same without a terminal.
pub fn bent(world: &World, calls: &str, what: &str, nth: usize, args: &[&str]) -> Command {
    let mut command = under_strace(world, calls, what, nth, args);
    without_terminal(&mut command);
    command
}

/// Sends a signal to a process this test started.
pub fn signal(pid: u32, number: i32) {
    // SAFETY: kill takes numbers only; the process is a child of this test and not reaped yet.
    let sent = unsafe { libc::kill(i32::try_from(pid).unwrap(), number) };
    assert_eq!(sent, 0, "signal {number} to {pid}: {}", io::Error::last_os_error());
}

/// A number from `/proc/PID/status`, which stays readable where the process itself is closed.
pub fn status(pid: u32, field: &str) -> Option<u64> {
    let text = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    text.lines().find_map(|line| line.strip_prefix(field)?.trim_start_matches(':').trim().parse().ok())
}

/// Whether a process has ended, reaped or not.
pub fn has_ended(pid: u32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.is_empty() || stat.rsplit_once(')').is_some_and(|(_, rest)| rest.starts_with(" Z"))
}

/// Waits until a process has given the processor away this often: it waits for something, looking again and again.
#[track_caller]
pub fn waits(pid: u32) {
    eventually(&format!("pid {pid} to wait"), || status(pid, "voluntary_ctxt_switches").is_none_or(|n| n > 60));
    assert!(status(pid, "voluntary_ctxt_switches").is_some(), "pid {pid} ended instead of waiting");
}

/// What a run did, call by call, each with the process id in front and descriptors spelled out.
pub struct Trace(pub String);

impl Trace {
    /// The lines of these system calls.
    pub fn of<'a>(&'a self, calls: &'a [&str]) -> impl Iterator<Item = &'a str> {
        let is = move |line: &&str| {
            let call = line.trim_start_matches(|c: char| c.is_ascii_digit() || c == ' ');
            calls.iter().any(|name| call.strip_prefix(name).is_some_and(|rest| rest.starts_with('(')))
        };
        self.0.lines().filter(is)
    }

    /// How many of these system calls there were.
    pub fn count(&self, calls: &[&str]) -> usize {
        self.of(calls).count()
    }
}

/// Runs the binary under strace; `change` dresses the command further.
pub fn traced(world: &World, calls: &str, args: &[&str], change: impl FnOnce(&mut Command)) -> (Ran, Trace) {
    let file = tempfile::NamedTempFile::new().unwrap();
    let mut command = world.program("strace");
    command.args(["-f", "-qq", "-y", "-s", "100000", "-o"]).arg(file.path()).args(["-e", &format!("trace={calls}")]);
    command.arg("--").arg(BINARY).args(args);
    without_terminal(&mut command);
    change(&mut command);
    let ran = world.finish(&mut command);
    let trace = String::from_utf8_lossy(&fs::read(file.path()).unwrap()).into_owned();
    assert!(!trace.is_empty() || ran.code >= 0, "strace is needed: {ran:?}");
    (ran, Trace(trace))
}

/// Gives a command a code beforehand.
pub fn with_code(code: &str) -> impl FnOnce(&mut Command) {
    let code = code.to_owned();
    move |command| {
        command.env("TWOLOCK_MFA_CODE", code);
    }
}

/// Moves the wall clock of a command: `+45m`, `-1d`. The clock that only measures spans stays right.
pub fn at_time(command: &mut Command, offset: &str) {
    let library =
        Command::new("faketime").args(["-f", "+0", "printenv", "LD_PRELOAD"]).env_remove("LD_PRELOAD").output();
    let library = library.expect("faketime is installed").stdout;
    command.env("LD_PRELOAD", String::from_utf8(library).unwrap().trim()).env("FAKETIME", offset);
    command.env("FAKETIME_DONT_FAKE_MONOTONIC", "1").env("DONT_FAKE_MONOTONIC", "1").env("FAKETIME_NO_CACHE", "1");
}

/// Refuses the kernel's keyring to a command, as a container's default profile does.
pub fn without_kernel_keyring(command: &mut Command) {
    const REFUSED: [libc::c_long; 3] = [libc::SYS_keyctl, libc::SYS_add_key, libc::SYS_request_key];
    let load =
        |k: u32| libc::sock_filter { code: (libc::BPF_LD | libc::BPF_W | libc::BPF_ABS) as u16, jt: 0, jf: 0, k };
    let jump =
        |k: u32, jt: u8| libc::sock_filter { code: (libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K) as u16, jt, jf: 0, k };
    let end = |k: u32| libc::sock_filter { code: (libc::BPF_RET | libc::BPF_K) as u16, jt: 0, jf: 0, k };
    let [first, second, third] = REFUSED.map(|call| u32::try_from(call).unwrap());
    let filter = [
        load(0),
        jump(first, 3),
        jump(second, 2),
        jump(third, 1),
        end(libc::SECCOMP_RET_ALLOW),
        end(libc::SECCOMP_RET_ERRNO | libc::EPERM as u32),
    ];
    let install = move || {
        let program = libc::sock_fprog { len: filter.len() as u16, filter: filter.as_ptr().cast_mut() };
        // SAFETY: prctl copies the program, which outlives both calls.
        let done = unsafe {
            libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0
                && libc::prctl(libc::PR_SET_SECCOMP, libc::SECCOMP_MODE_FILTER, &raw const program) == 0
        };
        if done { Ok(()) } else { Err(io::Error::last_os_error()) }
    };
    // SAFETY: the closure makes two system calls and allocates nothing.
    unsafe { command.pre_exec(install) };
}

/// Closes descriptors before the command starts.
pub fn without_streams(command: &mut Command, closed: &'static [i32]) {
    // SAFETY: close is async-signal-safe, and the standard library has its own descriptors elsewhere by then.
    unsafe {
        command.pre_exec(move || {
            for fd in closed {
                libc::close(*fd);
            }
            Ok(())
        });
    }
}

/// A script of this world, run by `sh`.
pub fn script(world: &World, name: &str, text: &str) -> String {
    world.write(name, &format!("#!/bin/sh\n{text}\n"));
    let path = world.home().join(name);
    crate::world::make_runnable(&path);
    path.to_str().unwrap().to_owned()
}

/// The processes that a process started and that are there.
pub fn children(pid: u32) -> Vec<u32> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
    text.split_whitespace().map(|pid| pid.parse().unwrap()).collect()
}

/// Sends a signal to the group that a process leads.
pub fn signal_group(leader: u32, number: i32) {
    // SAFETY: kill takes numbers only; whatever started the group belongs to this test.
    let sent = unsafe { libc::kill(-i32::try_from(leader).unwrap(), number) };
    assert_eq!(sent, 0, "signal {number} to the group of {leader}: {}", io::Error::last_os_error());
}
