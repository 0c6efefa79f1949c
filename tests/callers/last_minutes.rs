//! The last quarter of an hour, in which boto3 and the AWS CLI run us for every single call (aws-contract 3.2).

use std::process::Command;

use crate::adopted::{calls, helper_runs, minted, run_aws, run_python, session_with, world};
use crate::world::{Clock, Fault, FaultKind, Ran, World, without_terminal};

const CALLS: usize = 12;

/// A world whose role credentials, minted by us in the past, have so many seconds left of their hour.
fn role_with(left: i64) -> World {
    let world = world();
    let past = left - 3600;
    world.sandbox.set_clock(Clock::Offset(past));
    let code = world.code();
    let mut login: Command = world.program("faketime");
    login.arg("-f").arg(format!("{past}s")).args(["twolock", "login", "prod"]).env("TWOLOCK_MFA_CODE", code);
    without_terminal(&mut login);
    let ran = world.finish(&mut login);
    assert_eq!(ran.code, 0, "{ran:?}");
    world.sandbox.set_clock(Clock::Offset(0));
    assert_eq!(minted(&world), (1, 1));
    world
}

fn storm(world: &World, profile: &str) -> Ran {
    run_python(world, "identity.py", &["--profile", profile, "--calls", &CALLS.to_string()])
}

#[track_caller]
fn all_answered(ran: &Ran) {
    assert_eq!((ran.code, ran.stderr.as_str(), ran.stdout.lines().count()), (0, "", CALLS), "{ran:?}");
}

#[test]
fn session_of_a_code_serves_every_call_of_boto3_to_its_end() {
    // Fifteen minutes: boto3 tries to refresh. Ten: it insists. One: it still does, and we have nothing better.
    for left in [890, 540, 90] {
        let world = session_with(left);
        all_answered(&storm(&world, "base"));
        assert_eq!(minted(&world), (1, 0), "{left} s left");
        assert!(helper_runs(&world) >= CALLS, "boto3 came back {} times, {left} s left", helper_runs(&world));
    }
}

#[test]
fn session_of_a_code_serves_the_aws_cli_to_its_end() {
    let world = session_with(540);
    for _ in 0..2 {
        let ran = run_aws(&world, &["sts", "get-caller-identity", "--profile", "base"]);
        assert_eq!((ran.code, ran.stderr.as_str()), (0, ""), "{ran:?}");
    }
    assert_eq!((minted(&world), helper_runs(&world)), ((1, 0), 4));
}

#[test]
fn ageing_role_is_renewed_by_one_call_and_boto3_comes_back_no_more() {
    for left in [840, 540] {
        let world = role_with(left);
        all_answered(&storm(&world, "prod"));
        assert_eq!((minted(&world), helper_runs(&world)), ((1, 2), 1), "{left} s left");
    }
}

#[test]
fn role_above_sixteen_minutes_is_left_alone() {
    let world = role_with(1000);
    all_answered(&storm(&world, "prod"));
    assert_eq!((minted(&world), helper_runs(&world)), ((1, 1), 1));
}

#[test]
fn renewal_that_aws_refuses_costs_no_call_and_is_not_tried_for_each() {
    let refused = FaultKind::Error(twolock_sandbox::Refusal::new(
        403,
        "AccessDenied",
        "not authorized to perform: sts:AssumeRole",
    ));
    for (fault, most) in [(refused, 1), (FaultKind::Status(503), 3), (FaultKind::DropBefore, 3)] {
        let world = role_with(540);
        world.sandbox.fault(Fault::new(fault.clone()).on("AssumeRole").always());
        all_answered(&storm(&world, "prod"));
        let tried = calls(&world, "AssumeRole").len() - 1;
        assert!((1..=most).contains(&tried), "{tried} tries, {fault:?}");
        assert!(helper_runs(&world) >= CALLS, "{} runs", helper_runs(&world));
        assert_eq!(world.sandbox.count("GetSessionToken"), 1);
    }
}
