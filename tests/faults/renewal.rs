//! Renewal without a person, and credentials near their end (docs/guide.md, "What twolock does for a profile"; F37).

use std::process::Command;

use crate::machine::{at_time, traced};
use crate::outcome::{answer, is_one_line_or_nothing};
use crate::world::{Clock, Fault, FaultKind, Ran, World};

/// Lets so much time pass for STS.
fn pass(world: &World, minutes: i64) {
    world.sandbox.set_clock(Clock::Offset(minutes * 60));
}

fn call_at(world: &World, profile: &str, minutes: i64) -> Ran {
    let mut command: Command = world.twolock(["credential-process", profile]);
    at_time(&mut command, &format!("+{minutes}m"));
    answer(world, &mut command)
}

fn assume_roles(world: &World) -> usize {
    world.sandbox.count("AssumeRole")
}

#[test]
fn a_role_below_a_living_session_is_renewed_silently_when_little_is_left() {
    let world = World::new();
    world.log_in("prod");
    let first = call_at(&world, "prod", 40);
    assert_eq!((first.code, assume_roles(&world)), (0, 1), "20 minutes left are enough");
    pass(&world, 46);
    let renewed = call_at(&world, "prod", 46);
    assert_eq!((renewed.code, renewed.stderr.as_str(), assume_roles(&world)), (0, "", 2), "{renewed:?}");
    assert_ne!(renewed.json()["AccessKeyId"], first.json()["AccessKeyId"]);
    assert_eq!(call_at(&world, "prod", 47).stdout, renewed.stdout, "and then it is the cached one");
    assert_eq!((assume_roles(&world), world.sandbox.count("GetSessionToken")), (2, 1));
}

#[test]
fn with_sts_down_the_old_credentials_are_the_answer_and_it_is_left_alone_for_a_minute() {
    for kind in [FaultKind::Hang, FaultKind::DropBefore, FaultKind::Status(500), FaultKind::HtmlBody] {
        let world = World::new();
        world.log_in("prod");
        let first = world.run(["credential-process", "prod"]);
        pass(&world, 50);
        world.sandbox.fault(Fault::new(kind.clone()).on("AssumeRole").always());
        let begun = std::time::Instant::now();
        call_at(&world, "prod", 50).is(0, &first.stdout, "");
        // 2 s are the bound; ten is what a call somebody waits for may take.
        assert!(begun.elapsed().as_secs() < 8, "{kind:?}: {:?}", begun.elapsed());
        let tried = world.sandbox.connections();
        for _ in 0..3 {
            call_at(&world, "prod", 50).is(0, &first.stdout, "");
        }
        assert_eq!(world.sandbox.connections(), tried, "{kind:?}: not again within a minute");
        pass(&world, 52);
        call_at(&world, "prod", 52).is(0, &first.stdout, "");
        assert!(world.sandbox.connections() > tried, "{kind:?}: again after a minute");
    }
}

#[test]
fn many_callers_renew_once_and_none_waits_for_it() {
    let world = World::new();
    world.log_in("prod");
    let first = world.run(["credential-process", "prod"]);
    pass(&world, 50);
    let start = |_| {
        let mut command = world.twolock(["credential-process", "prod"]);
        at_time(&mut command, "+50m");
        command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped()).spawn().unwrap()
    };
    let callers: Vec<_> = (0..12).map(start).collect();
    let answers: Vec<Ran> = callers.into_iter().map(|child| world.read(&child.wait_with_output().unwrap())).collect();
    let distinct: std::collections::BTreeSet<_> = answers.iter().map(|ran| &ran.stdout).collect();
    for ran in &answers {
        is_one_line_or_nothing(ran);
        assert_eq!((ran.code, ran.stderr.as_str()), (0, ""), "{ran:?}");
    }
    assert!(distinct.len() <= 2, "the old ones and the new ones");
    assert_eq!(assume_roles(&world), 2, "one renewal for all");
    assert_ne!(call_at(&world, "prod", 51).stdout, first.stdout);
}

#[test]
fn a_session_in_its_last_quarter_of_an_hour_is_answered_silently_each_time() {
    let world = World::new();
    world.log_in("base");
    let first = world.run(["credential-process", "base"]);
    pass(&world, 11 * 60 + 50);
    let before = world.sandbox.connections();
    for minute in 50..55 {
        call_at(&world, "base", 11 * 60 + minute).is(0, &first.stdout, "");
    }
    let (ran, trace) = traced(&world, "flock,socket,connect,fcntl", &["credential-process", "base"], |command| {
        at_time(command, "+710m");
    });
    ran.is(0, &first.stdout, "");
    assert_eq!(trace.count(&["flock", "socket", "connect"]), 0, "{}", trace.0);
    assert_eq!(world.sandbox.connections(), before);
}

#[test]
fn a_role_near_its_end_below_a_dead_session_is_answered_until_the_end_without_a_question() {
    let world = World::new();
    // Only the role's session stays: renewing it would need a code.
    world.log_in("prod");
    let first = world.run(["credential-process", "prod"]);
    let header = |bytes: &[u8]| String::from_utf8_lossy(bytes).contains("\"kind\":\"session\"");
    for entry in std::fs::read_dir(world.cache()).unwrap().flatten() {
        if entry.path().extension().is_some_and(|e| e == "sealed") && header(&std::fs::read(entry.path()).unwrap()) {
            std::fs::remove_file(entry.path()).unwrap();
        }
    }
    pass(&world, 57);
    let before = world.sandbox.connections();
    for _ in 0..3 {
        call_at(&world, "prod", 57).is(0, &first.stdout, "");
    }
    assert_eq!(world.sandbox.connections(), before);
}

#[test]
fn three_minutes_left_and_sts_down_is_an_answer() {
    let world = World::new();
    world.log_in("prod");
    let first = world.run(["credential-process", "prod"]);
    pass(&world, 57);
    world.sandbox.fault(Fault::new(FaultKind::DropBefore).always());
    call_at(&world, "prod", 57).is(0, &first.stdout, "");
    let ran = call_at(&world, "prod", 60);
    assert_eq!(ran.code, 6, "and after the end there is none: {ran:?}");
}
