//! With thousands of profiles, the time of a command is proportional to their number, not to its square.

use std::time::{Duration, Instant};

use crate::world::World;

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

/// The shortest of three runs, because other load can only make a run longer.
fn time(world: &World, args: &[&str]) -> Duration {
    let run = || {
        let started = Instant::now();
        let ran = world.finish(&mut world.twolock(args));
        // Not every reader understands comments after values, and doctor reports them.
        let code = if args == ["doctor"] { 3 } else { 0 };
        assert_eq!((ran.code, ran.stderr.as_str()), (code, ""), "{args:?}");
        started.elapsed()
    };
    (0..3).map(|_| run()).min().unwrap()
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
