//! A file size limit of zero (`ulimit -f 0`): like a full disk for us, and the caller's own affair for children.

use std::fs;
use std::os::unix::process::CommandExt;
use std::process::Command;

use crate::desktop::Desktop;
use crate::machine::{script, with_code};
use crate::outcome::{failed, tells_no_secret};
use crate::world::{CONFIG, CREDENTIALS, KEY_ID, Ran, World};

/// Runs the binary where no file can grow. What it says goes to pipes, which have no such limit.
fn limited(world: &World, args: &[&str], change: impl FnOnce(&mut Command)) -> Ran {
    let mut command = world.program("sh");
    command.args(["-c", "ulimit -f 0; exec twolock \"$@\"", "sh"]).args(args);
    crate::world::without_terminal(&mut command);
    change(&mut command);
    world.finish(&mut command)
}

#[test]
fn a_session_that_cannot_be_kept_is_handed_out_with_a_warning() {
    let world = World::new();
    for args in [&["credential-process", "base"][..], &["env", "base"], &["exec", "base", "--", "true"]] {
        let code = world.code();
        let ran = limited(&world, args, with_code(&code));
        assert_eq!(ran.code, 0, "{args:?} {ran:?}");
        assert_eq!(args[0] == "exec", ran.stdout.is_empty(), "{args:?} {ran:?}");
        assert!(ran.stderr.starts_with("twolock: warning: ") && ran.stderr.contains("file too large"), "{ran:?}");
    }
    // One that was kept before is served without a word.
    world.log_in("base");
    let plain = world.run(["credential-process", "base"]);
    limited(&world, &["credential-process", "base"], |_| {}).is(0, &plain.stdout, "");
}

#[test]
fn an_answer_that_goes_to_a_file_is_a_disk_failure() {
    let world = World::new();
    world.log_in("base");
    for args in [&["credential-process", "base"][..], &["env", "base"], &["status"], &["profile", "list"]] {
        let file = fs::File::create(world.home().join("answer")).unwrap();
        let mut command = world.program("sh");
        command.args(["-c", "ulimit -f 0; exec twolock \"$@\"", "sh"]).args(args);
        crate::world::without_terminal(&mut command);
        let child = command.stdout(file).stderr(std::process::Stdio::piped()).spawn().unwrap();
        let ran = world.read(&child.wait_with_output().unwrap());
        failed(&ran, 10, &["cannot write to stdout: file too large"]);
        tells_no_secret(&world, &ran);
    }
}

#[test]
fn whoever_changes_a_file_leaves_it_as_it_was_and_says_why() {
    let world = World::new();
    let desktop = Desktop::empty(&world);
    for args in [
        &["profile", "set", "prod", "region", "us-east-1", "--yes"][..],
        &["profile", "unset", "prod", "region", "--yes"],
        &["profile", "rename", "prod", "live", "--yes"],
        &["profile", "remove", "prod", "--yes"],
        &["profile", "adopt", "base", "--yes"],
        &["settings", "set", "min_ttl", "30m"],
    ] {
        let ran = limited(&world, args, |command| desktop.dress(command));
        failed(&ran, 10, &["file too large"]);
        let read = |name: &str| fs::read_to_string(world.home().join(name)).unwrap();
        assert_eq!(read(".aws/config").replace(world.sandbox.url(), "{url}"), CONFIG, "{args:?}");
        assert_eq!(read(".aws/credentials"), CREDENTIALS, "{args:?}");
        assert!(!desktop.planted().contains(KEY_ID), "{args:?}: the key went back out of the keyring");
    }
    let names: Vec<_> = fs::read_dir(world.home().join(".aws")).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(names.len(), 2, "no temporary file is left: {names:?}");
}

/// A line of `/proc/PID/status` that says which signals a process ignores.
fn ignores(status: &str, signal: i32) -> bool {
    let line = status.lines().find_map(|line| line.strip_prefix("SigIgn:")).unwrap_or_else(|| panic!("{status}"));
    u64::from_str_radix(line.trim(), 16).unwrap() & (1 << (signal - 1)) != 0
}

#[test]
fn children_get_the_signal_as_the_caller_had_it_and_never_ignore_that_of_a_closed_pipe() {
    for inherited in [libc::SIG_DFL, libc::SIG_IGN] {
        let world = World::new();
        let seen = world.home().join("seen");
        // A program of its own, no shell: it tells what it was given.
        let program = script(
            &world,
            "print-code",
            &format!("grep SigIgn /proc/self/status >{}; echo {}", seen.display(), world.code()),
        );
        world.write(
            ".aws/config",
            &CONFIG.replacen("endpoint_url", &format!("mfa_process = {program}\nendpoint_url"), 1),
        );
        let mut command = world.twolock(["exec", "base", "--", "grep", "SigIgn", "/proc/self/status"]);
        // SAFETY: between fork and exec the closure makes one system call and touches no heap and no lock.
        unsafe {
            command.pre_exec(move || {
                libc::signal(libc::SIGXFSZ, inherited);
                Ok(())
            })
        };
        crate::world::without_terminal(&mut command);
        let ran = world.finish(&mut command);
        assert_eq!(ran.code, 0, "{ran:?}");
        for (what, status) in [("exec", ran.stdout), ("mfa_process", fs::read_to_string(seen).unwrap())] {
            assert_eq!(ignores(&status, libc::SIGXFSZ), inherited == libc::SIG_IGN, "{what}: {status}");
            assert!(!ignores(&status, libc::SIGPIPE), "{what}: {status}");
        }
    }
}
