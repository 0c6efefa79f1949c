//! The process while it holds secrets: closed to the user's other programs, without a core file (P4).

use std::fs;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command, Stdio};

use crate::machine::{eventually, script, signal, status};
use crate::somebody::Somebody;
use crate::world::{Terminal, World};

/// Lets the command write core files, as far as this user may allow it.
fn with_cores(command: &mut Command) {
    // SAFETY: system calls on a local value.
    unsafe {
        command.pre_exec(|| {
            let mut limit = libc::rlimit { rlim_cur: libc::RLIM_INFINITY, rlim_max: libc::RLIM_INFINITY };
            if libc::setrlimit(libc::RLIMIT_CORE, &raw const limit) != 0 {
                libc::getrlimit(libc::RLIMIT_CORE, &raw mut limit);
                limit.rlim_cur = limit.rlim_max;
                libc::setrlimit(libc::RLIMIT_CORE, &raw const limit);
            }
            Ok(())
        });
    }
}

fn can_read(somebody: &Somebody<'_>, pid: u32, file: &str) -> bool {
    let mut command = somebody.program("head");
    command.args(["-c", "1", &format!("/proc/{pid}/{file}")]).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().unwrap().success()
}

/// A caller that waits for a program to print a code, with another secret in its environment.
fn waiting(world: &World, somebody: &Somebody<'_>) -> Child {
    let program = script(world, "codes", ": >\"$HOME/started\"; sleep 20");
    somebody.own(world.home());
    let config = fs::read_to_string(world.home().join(".aws/config")).unwrap();
    let device = "mfa_serial = arn:aws:iam::123456789012:mfa/ana\n";
    world.write(".aws/config", &config.replace(device, &format!("{device}mfa_process = {program}\n")));
    somebody.own(world.home());
    let mut command = somebody.twolock(&["credential-process", "prod"]);
    with_cores(&mut command);
    let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    eventually("the program to start", || world.home().join("started").exists());
    child
}

#[test]
fn another_program_of_the_same_user_reads_neither_environment_nor_memory() {
    let world = World::new();
    let somebody = Somebody::of(&world);
    let mut plain = somebody.program("sleep").arg("600").spawn().unwrap();
    eventually("a process like any other to be readable", || can_read(&somebody, plain.id(), "environ"));
    plain.kill().unwrap();
    plain.wait().unwrap();
    let mut child = waiting(&world, &somebody);
    for file in ["environ", "maps", "mem", "auxv"] {
        assert!(!can_read(&somebody, child.id(), file), "{file} of a process that holds a secret");
    }
    signal(child.id(), libc::SIGTERM);
    child.wait().unwrap();
}

#[test]
fn a_crash_leaves_no_core_file() {
    let world = World::new();
    let somebody = Somebody::of(&world);
    let crash = |mut child: Child| {
        // The first one may be taken for a full stack, and let go.
        let mut ended = None;
        eventually("the crash", || {
            signal(child.id(), libc::SIGSEGV);
            ended = child.try_wait().unwrap();
            ended.is_some()
        });
        ended.unwrap().core_dumped()
    };
    let mut other = somebody.program("sh");
    with_cores(other.args(["-c", "ulimit -c | grep -q '^0$' && exit; exec sleep 600"]));
    let mut other = other.spawn().unwrap();
    eventually("sleep", || {
        fs::read_to_string(format!("/proc/{}/comm", other.id())).is_ok_and(|name| name == "sleep\n")
            || other.try_wait().unwrap().is_some()
    });
    // A user who may write no core at all has nothing to compare with.
    assert!(other.try_wait().unwrap().is_some() || crash(other), "a process like any other is dumped");
    let cores = || {
        let entries = fs::read_dir(world.home()).unwrap().map(|e| e.unwrap().path());
        entries.filter(|path| path.file_name().unwrap().to_string_lossy().starts_with("core")).collect::<Vec<_>>()
    };
    cores().iter().for_each(|core| fs::remove_file(core).unwrap());
    assert!(!crash(waiting(&world, &somebody)), "dumped, with a secret in it");
    assert_eq!(cores(), Vec::<std::path::PathBuf>::new());
    // Its program lived in a group of its own.
    let left = fs::read_dir("/proc").unwrap().flatten().filter_map(|e| e.file_name().to_str()?.parse::<u32>().ok());
    let codes = world.home().join("codes").display().to_string();
    for pid in left.filter(|pid| fs::read_to_string(format!("/proc/{pid}/cmdline")).is_ok_and(|t| t.contains(&codes))) {
        // SAFETY: kill takes numbers only; this is the group of the program the test named.
        unsafe { libc::kill(-i32::try_from(pid).unwrap(), libc::SIGKILL) };
    }
}

#[test]
fn a_child_of_exec_has_the_callers_limits_and_can_be_traced_again() {
    let world = World::new();
    world.log_in("prod");
    let limit = |words: &[&str]| {
        let mut command = world.program("sh");
        command.args(["-c", "ulimit -S -c 7; exec \"$@\"", "sh"]).args(words);
        crate::world::without_terminal(&mut command);
        let ran = world.finish(&mut command);
        assert_eq!(ran.code, 0, "{ran:?}");
        ran.stdout
    };
    let ask = ["sh", "-c", "ulimit -S -c; ulimit -H -c"];
    let with: Vec<&str> = [crate::machine::BINARY, "exec", "prod", "--"].into_iter().chain(ask).collect();
    assert_eq!(limit(&with), limit(&ask));
}

#[test]
fn a_person_at_the_question_is_asked_by_a_process_that_is_not_dumpable() {
    let world = World::new();
    let somebody = Somebody::of(&world);
    let mut command = somebody.twolock(&["credential-process", "prod"]);
    with_cores(&mut command);
    // A terminal of its own comes with a session of its own.
    let mut terminal = Terminal::start(clone_without_session(&command));
    terminal.sees("device ana): ");
    for file in ["environ", "mem"] {
        assert!(!can_read(&somebody, terminal.pid(), file), "{file} at the question");
    }
    assert!(status(terminal.pid(), "VmRSS").is_some() || status(terminal.pid(), "Pid").is_some());
    signal(terminal.pid(), libc::SIGTERM);
    assert_eq!(terminal.end().code, 128 + libc::SIGTERM);
}

/// The same program, arguments and environment; a terminal's session is made where it is started.
fn clone_without_session(command: &Command) -> Command {
    let mut copy = Command::new(command.get_program());
    copy.env_clear().args(command.get_args());
    copy.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    copy.current_dir(command.get_current_dir().unwrap());
    copy
}
