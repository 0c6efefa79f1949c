//! With thousands of profiles, the time of a command is proportional to their number, not to its square.

use std::io::Read;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, ExitStatus, Output, Stdio};
use std::time::Duration;

use crate::world::{Ran, World};

/// Roles that use one key, as in large organisations.
fn world(profiles: usize, source: &str) -> World {
    let world = World::new();
    let role = |n: usize| {
        format!(
            "[profile team-{n}]\nrole_arn = arn:aws:iam::123456789012:role/team-{n}\nsource_profile = {source}\n\
             region = eu-west-1 # ours\n\n"
        )
    };
    world.add_config(&(0..profiles).map(role).collect::<String>());
    world
}

/// The processor time of a run: what other programs do meanwhile does not count. The least of three runs, because a
/// busy machine makes a run cost more, never less.
fn time(world: &World, args: &[&str]) -> Duration {
    let run = || {
        let (ran, time) = measured(world, &mut world.twolock(args));
        // Not every reader understands comments after values, and doctor reports them.
        let code = if args == ["doctor"] { 3 } else { 0 };
        assert_eq!((ran.code, ran.stderr.as_str()), (code, ""), "{args:?}");
        time
    };
    (0..3).map(|_| run()).min().unwrap()
}

/// Runs a command to its end; with the processor time that it took.
#[expect(clippy::zombie_processes, reason = "wait4 waits for it")]
fn measured(world: &World, command: &mut Command) -> (Ran, Duration) {
    let command = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap_or_else(|e| panic!("{command:?}: {e}"));
    let (mut stdout, mut stderr) = (vec![], vec![]);
    // What goes to stderr is a few lines at most, so neither pipe fills while the other is read.
    child.stdout.take().unwrap().read_to_end(&mut stdout).unwrap();
    child.stderr.take().unwrap().read_to_end(&mut stderr).unwrap();

    let mut status = 0;
    // SAFETY: all zeros is a valid rusage.
    let mut used: libc::rusage = unsafe { std::mem::zeroed() };
    // SAFETY: both places outlive the call, and nothing else waits for this child.
    let waited = unsafe { libc::wait4(child.id() as libc::pid_t, &raw mut status, 0, &raw mut used) };
    assert_eq!(waited, child.id() as libc::pid_t, "{command:?}: {}", std::io::Error::last_os_error());
    let time = |of: libc::timeval| Duration::from_secs(of.tv_sec as u64) + Duration::from_micros(of.tv_usec as u64);
    let output = Output { status: ExitStatus::from_raw(status), stdout, stderr };
    (world.read(&output), time(used.ru_utime) + time(used.ru_stime))
}

#[test]
fn ten_times_the_profiles_take_about_ten_times_as_long() {
    let (few, many) = (world(1_000, "base"), world(10_000, "base"));
    let show: &[&str] = &["profile", "show", "team-7"];
    for args in [&[][..], &["profile", "list"], show, &["complete", "--", "env", "="], &["doctor"]] {
        let (short, long) = (time(&few, args), time(&many, args));
        // Quadratic work would take a hundred times as long.
        assert!(long < short * 30, "{args:?}: {short:?} with 1,000 profiles, {long:?} with 10,000");
    }
}

#[test]
fn a_change_with_ten_times_the_profiles_takes_about_ten_times_as_long() {
    let (few, many) = (world(400, "base"), world(4_000, "base"));
    for args in [
        &["set", "team-7", "region", "eu-north-1"][..],
        &["unset", "team-7", "region"],
        &["rename", "base", "root"],
        &["remove", "team-7"],
        &["adopt", "team-7", "--only"],
        &["adopt", "base"],
    ] {
        let args = [&["profile"], args, &["--dry-run"]].concat();
        let (short, long) = (time(&few, &args), time(&many, &args));
        assert!(long < short * 30, "{args:?}: {short:?} with 400 profiles, {long:?} with 4,000");
    }
}

#[test]
fn forgetting_and_testing_ten_times_the_profiles_take_about_ten_times_as_long() {
    let adopted = |profiles: usize| {
        let world = world(profiles, "base");
        let config = std::fs::read_to_string(world.home().join(".aws/config")).unwrap();
        let ours = config.replace("role_arn", "twolock_role_arn").replace("source_profile", "twolock_source_profile");
        world.write(".aws/config", &ours);
        world
    };
    let (few, many) = (adopted(400), adopted(4_000));
    for args in [&["forget", "--everything", "--dry-run"][..], &["whoami", "--all"]] {
        let (short, long) = (time(&few, args), time(&many, args));
        assert!(long < short * 30, "{args:?}: {short:?} with 400 profiles, {long:?} with 4,000");
    }
}

#[test]
fn a_section_that_is_repeated_ten_times_as_often_takes_about_ten_times_as_long() {
    let repeated = |times: usize| {
        let world = World::new();
        world.write(".aws/config", &(0..times).map(|n| format!("[profile p]\nkey{n} = v\n\n")).collect::<String>());
        world
    };
    let (few, many) = (repeated(1_000), repeated(10_000));
    for args in [&["profile", "show", "p"][..], &["profile", "remove", "p", "--dry-run"], &["profile", "list"]] {
        let (short, long) = (time(&few, args), time(&many, args));
        assert!(long < short * 30, "{args:?}: {short:?} with 1,000 sections, {long:?} with 10,000");
    }
}

#[test]
fn suggestions_for_a_missing_source_are_not_computed_for_each_profile() {
    let (few, many) = (world(1_000, "team"), world(10_000, "team"));
    for args in [&[][..], &["profile", "list"], &["status"]] {
        let (short, long) = (time(&few, args), time(&many, args));
        assert!(long < short * 30, "{args:?}: {short:?} with 1,000 profiles, {long:?} with 10,000");
    }
    let ran = many.run(["profile", "show", "team-7"]);
    assert!(ran.stdout.contains("hint: did you mean "), "one may look: {ran:?}");
}

#[test]
fn a_very_long_name_does_not_widen_every_row() {
    let world = world(1_000, "base");
    world.add_config(&format!("[profile {}]\nregion = eu-west-1\n", "x".repeat(1_000_000)));
    let ran = world.run(["profile", "list"]);
    assert_eq!((ran.code, ran.stdout.lines().count()), (0, 1_006));
    assert!(ran.stdout.len() < 1_000_000, "{} bytes", ran.stdout.len());
}
