//! The notification that a session expires soon which only a code can replace: once, on the desktop, and it slows no
//! caller down.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::machine::{at_time, eventually, traced};
use crate::outcome::{answer, is_one_line_or_nothing, secrets};
use crate::world::{Terminal, World};

/// Where the stand-in of the account has its programs.
const PROGRAM: &str = ".nix-profile/bin/notify-send";

/// A world with a session of `base`, and a program for notifications that notes what it is given.
fn world(program: &str) -> World {
    let world = World::new();
    world.log_in("base");
    world.write(PROGRAM, &format!("#!/bin/sh\n{program}\n"));
    fs::set_permissions(world.home().join(PROGRAM), fs::Permissions::from_mode(0o755)).unwrap();
    world
}

/// Notes its arguments in one line, and its environment.
const NOTES: &str = "env >\"$HOME/environment\"; (IFS='|'; printf '%s\\n' \"$*\") >>\"$HOME/shown\"";

fn on_desktop<'a>(world: &World, command: &'a mut Command) -> &'a mut Command {
    command.env("DISPLAY", ":77").current_dir(world.home())
}

/// A caller with so many minutes left of the twelve hours.
fn late(world: &World, profile: &str, left: i64) -> Command {
    let mut command = world.twolock(["credential-process", profile]);
    on_desktop(world, &mut command);
    at_time(&mut command, &format!("+{}m", 12 * 60 - left));
    command
}

fn shown(world: &World) -> Vec<String> {
    let text = fs::read_to_string(world.home().join("shown")).unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}

fn state(world: &World) -> PathBuf {
    let names = fs::read_dir(world.cache()).unwrap().map(|entry| entry.unwrap().path());
    names.into_iter().find(|path| path.extension().is_some_and(|end| end == "json")).unwrap()
}

/// Gives a notification that must not come time to do so.
fn settle() {
    std::thread::sleep(Duration::from_millis(400));
}

#[test]
fn two_hundred_late_callers_give_one_notification_and_get_their_answers() {
    let world = world(NOTES);
    let first = answer(&world, &mut late(&world, "base", 20));
    assert_eq!((first.code, shown(&world)), (0, vec![]), "20 minutes are not late");
    for _ in 0..4 {
        let start = |_| late(&world, "base", 14).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let callers: Vec<Child> = (0..50).map(start).collect();
        for child in callers {
            let ran = world.read(&child.wait_with_output().unwrap());
            is_one_line_or_nothing(&ran);
            ran.is(0, &first.stdout, "");
        }
    }
    eventually("a notification", || !shown(&world).is_empty());
    settle();
    let words = "base: AWS session expires in 14 min|To start a new one with an MFA code, run in a terminal: twolock login base --fresh";
    assert_eq!(shown(&world), [format!("--app-name=twolock|--|{words}")]);
    let environment = fs::read_to_string(world.home().join("environment")).unwrap();
    assert!(environment.contains("DISPLAY=:77") && !environment.contains("AWS_") && !environment.contains("TWOLOCK_"));
    assert!(secrets(&world).iter().all(|secret| !environment.contains(secret)));
    assert_eq!(world.sandbox.count("GetSessionToken"), 1);
}

#[test]
fn the_next_session_has_a_notification_of_its_own() {
    let world = world(NOTES);
    answer(&world, &mut late(&world, "base", 10));
    eventually("a notification", || shown(&world).len() == 1);
    let mut login = world.twolock(["login", "base", "--fresh"]);
    at_time(&mut login, "+715m");
    world.sandbox.set_clock(crate::world::Clock::Offset(715 * 60));
    assert_eq!(world.finish(login.env("TWOLOCK_MFA_CODE", world.code())).code, 0);
    for (minutes, expected) in [(715 + 700, 1), (715 + 710, 2), (715 + 711, 2)] {
        let mut command = world.twolock(["credential-process", "base"]);
        at_time(on_desktop(&world, &mut command), &format!("+{minutes}m"));
        assert_eq!(answer(&world, &mut command).code, 0);
        eventually("a notification", || shown(&world).len() >= expected);
        settle();
        assert_eq!(shown(&world).len(), expected, "{minutes}");
    }
}

#[test]
fn nobody_is_told_without_a_display_over_ssh_or_where_it_is_off_and_nothing_is_noted() {
    for (what, change) in [
        (
            "no display",
            (|_: &World, command: &mut Command| _ = command.env_remove("DISPLAY")) as fn(&World, &mut Command),
        ),
        ("SSH", |_, command| _ = command.env("SSH_CONNECTION", "10.0.0.1 50000 10.0.0.2 22")),
        ("off", |world, _| assert_eq!(world.run(["settings", "set", "notify", "off"]).code, 0)),
        ("no program", |world, _| fs::remove_file(world.home().join(PROGRAM)).unwrap()),
        ("codes of a program", |world, _| {
            let config = fs::read_to_string(world.home().join(".aws/config")).unwrap();
            world.write(".aws/config", &config.replace("[profile base]", "[profile base]\nmfa_process = echo 123456"));
        }),
    ] {
        let world = world(NOTES);
        let mut command = late(&world, "base", 14);
        change(&world, &mut command);
        let before = fs::read(state(&world)).unwrap();
        let ran = answer(&world, &mut command);
        assert_eq!((ran.code, ran.stderr.as_str()), (0, ""), "{what}: {ran:?}");
        settle();
        assert_eq!((shown(&world), fs::read(state(&world)).unwrap()), (vec![], before), "{what}");
    }
}

#[test]
fn only_the_helper_tells_and_never_on_a_terminal() {
    let world = world(NOTES);
    for args in [&["env", "base"][..], &["exec", "base", "--", "true"], &["status"]] {
        let mut command = world.twolock(args);
        at_time(on_desktop(&world, &mut command), "+706m");
        assert_eq!(world.finish(&mut command).code, 0, "{args:?}");
    }
    settle();
    assert_eq!(shown(&world), [""; 0]);
    let mut command = world.program(crate::machine::BINARY);
    command.args(["credential-process", "base"]);
    at_time(on_desktop(&world, &mut command), "+706m");
    let (terminal, ran) = Terminal::start(command).shown_after_end();
    assert_eq!((ran.code, ran.stderr.as_str(), terminal.as_str()), (0, "", ""), "{ran:?}");
    eventually("a notification", || shown(&world).len() == 1);
}

#[test]
fn a_program_that_hangs_fails_or_writes_costs_nobody_anything() {
    for program in ["sleep 100", "exit 1", "echo x; echo y >&2", "kill -9 $$"] {
        let world = world(&format!("echo $$ >\"$HOME/pid\"; {program}"));
        let begun = Instant::now();
        let ran = answer(&world, &mut late(&world, "base", 14));
        assert_eq!((ran.code, ran.stderr.as_str()), (0, ""), "{program}: {ran:?}");
        assert!(begun.elapsed() < Duration::from_secs(20), "{program}");
        let pid = || fs::read_to_string(world.home().join("pid")).ok()?.trim().parse::<u32>().ok();
        eventually("its start", || pid().is_some());
        if program.starts_with("sleep") {
            crate::machine::signal_group(pid().unwrap(), libc::SIGKILL);
        }
    }
}

#[test]
fn what_the_caller_has_open_is_closed_in_the_program() {
    let world = world("ls /proc/self/fd >\"$HOME/open\"; echo >\"$HOME/shown\"");
    let mut command = world.program("sh");
    command.args(["-c", "exec 9>lock; exec \"$0\" credential-process base", crate::machine::BINARY]);
    at_time(on_desktop(&world, &mut command), "+706m");
    assert_eq!(answer(&world, &mut command).code, 0);
    eventually("a notification", || shown(&world).len() == 1);
    // The last one is the directory that ls reads.
    assert_eq!(fs::read_to_string(world.home().join("open")).unwrap(), "0\n1\n2\n3\n");
}

#[test]
fn names_are_shown_as_they_are_and_never_as_markup_or_options() {
    for (profile, title, text) in [
        ("--help", "--help: AWS session expires in 14 min", "twolock login --fresh -- --help"),
        ("a <b>&x", "a <b>&x: AWS session expires in 14 min", "twolock login 'a &lt;b&gt;&amp;x' --fresh"),
        (r"a \074b", r"a \074b: AWS session expires in 14 min", r"twolock login 'a \\074b' --fresh"),
    ] {
        let world = world(NOTES);
        let config = fs::read_to_string(world.home().join(".aws/config")).unwrap();
        world.write(
            ".aws/config",
            &config
                .replace("[profile base]", &format!("[profile '{profile}']"))
                .replace("source_profile = base", "source_profile = x"),
        );
        let credentials = fs::read_to_string(world.home().join(".aws/credentials")).unwrap();
        world.write(".aws/credentials", &credentials.replace("[base]", &format!("[{profile}]")));
        let mut command = world.twolock(["credential-process", &format!("--profile={profile}")]);
        at_time(on_desktop(&world, &mut command), "+706m");
        let ran = answer(&world, &mut command);
        assert_eq!(ran.code, 0, "{ran:?}");
        eventually("a notification", || shown(&world).len() == 1);
        assert_eq!(
            shown(&world),
            [format!("--app-name=twolock|--|{title}|To start a new one with an MFA code, run in a terminal: {text}")]
        );
    }
}

#[test]
fn once_told_a_late_caller_is_as_quick_as_any() {
    let world = world(NOTES);
    answer(&world, &mut late(&world, "base", 14));
    eventually("a notification", || shown(&world).len() == 1);
    let (ran, trace) =
        traced(&world, "openat,flock,rename,execve,connect", &["credential-process", "base"], |command| {
            on_desktop(&world, command);
            at_time(command, "+707m");
        });
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_eq!(
        (trace.count(&["flock"]), trace.count(&["rename"]), trace.count(&["connect"])),
        (0, 0, 0),
        "{}",
        trace.0
    );
}
