//! Bases whose credentials another program or service gives.

use std::thread;

use super::*;
use crate::session::identity::of_plan;

fn process() -> Base {
    Base::Process(Process {
        profile: ProfileName::parse("slow").unwrap(),
        line: "/opt/slow".into(),
        place: Place { file: "~/.aws/config".into(), line: 2 },
    })
}

fn fetch() -> Step {
    Step::Fetch { session: 12 * HOUR }
}

/// What the program gives, and nothing more.
fn alone() -> Plan {
    Plan { base: process(), ..plan("slow", None, vec![fetch()]) }
}

fn below_a_role() -> Plan {
    Plan { base: process(), ..plan("admin", None, vec![fetch(), role_step("admin", HOUR, None)]) }
}

fn with_a_device() -> Plan {
    Plan { base: process(), ..base() }
}

fn world(given: Given) -> World {
    let world = World::new();
    world.bases.give(given);
    world
}

fn id(session: &Session) -> &str {
    session.access_key_id.as_str()
}

const A_SESSION: Given = Given::SessionFor(HOUR);

#[test]
fn what_is_fetched_is_kept_until_it_ends() {
    let world = world(A_SESSION);
    for _ in 0..3 {
        assert_eq!(id(&world.obtain(&alone(), &FakePerson::default()).unwrap()), "ASIAFETCHED000000001");
    }
    world.pass(i64::try_from(HOUR.as_secs()).unwrap() - 20);
    assert_eq!(id(&world.obtain(&alone(), &FakePerson::default()).unwrap()), "ASIAFETCHED000000002");
    assert_eq!((world.bases.fetched(), world.sts.calls().len()), (2, 0));
}

#[test]
fn fifty_cold_callers_of_a_program_run_it_once() {
    for (given, plan) in
        [(A_SESSION, alone()), (A_SESSION, below_a_role()), (Given::Key, alone()), (Given::Key, below_a_role())]
    {
        let world = world(given);
        thread::scope(|scope| {
            let call = || id(&world.obtain(&plan, &FakePerson::default()).unwrap()).to_owned();
            let callers: Vec<_> = (0..50).map(|_| scope.spawn(call)).collect();
            let all: Vec<String> = callers.into_iter().map(|caller| caller.join().unwrap()).collect();
            assert!(all.iter().all(|id| *id == all[0]), "{given:?} {}: {all:?}", plan.profile);
        });
        assert_eq!(world.bases.fetched(), 1, "{given:?} {}", plan.profile);
        let calls = usize::from(matches!(given, Given::Key) || plan.steps.len() > 1);
        assert_eq!(world.sts.calls().len(), calls, "{given:?} {}: {:?}", plan.profile, world.sts.calls());
    }
}

#[test]
fn a_long_term_key_becomes_a_session_and_is_not_kept() {
    let world = world(Given::Key);
    let session = world.obtain(&alone(), &FakePerson::default()).unwrap();
    assert_eq!((number(&session), world.sts.calls()), (1, vec![format!("GetSessionToken by {KEY_ID}")]));
    let other = Plan { steps: vec![fetch(), role_step("other", HOUR, None)], ..below_a_role() };
    for plan in [below_a_role(), other] {
        world.obtain(&plan, &FakePerson::default()).unwrap();
    }
    // The session without MFA is the living one of the same base.
    let by: Vec<String> = world.sts.calls()[1..].iter().map(|call| call.replace("AssumeRole ", "")).collect();
    assert_eq!(by, ["admin by ASIA0000000000000001", "other by ASIA0000000000000001"]);
    assert_eq!(world.bases.fetched(), 1);
}

#[test]
fn a_role_is_assumed_straight_with_a_key_that_a_program_prints() {
    let world = world(Given::Key);
    world.obtain(&below_a_role(), &FakePerson::default()).unwrap();
    assert_eq!(world.sts.calls(), [format!("AssumeRole admin by {KEY_ID}")]);
}

#[test]
fn roles_share_what_was_fetched_below_them() {
    let world = world(A_SESSION);
    let other = Plan { steps: vec![fetch(), role_step("other", HOUR, None)], ..below_a_role() };
    for plan in [below_a_role(), other, alone()] {
        world.obtain(&plan, &FakePerson::default()).unwrap();
    }
    assert_eq!(world.bases.fetched(), 1);
    let by = |role| format!("AssumeRole {role} by ASIAFETCHED000000001");
    assert_eq!(world.sts.calls(), [by("admin"), by("other")]);
}

#[test]
fn a_code_opens_a_session_on_a_key_that_a_program_prints() {
    let world = world(Given::Key);
    let person = FakePerson::typing(&["111111"]);
    for _ in 0..2 {
        assert_eq!(number(&world.obtain(&with_a_device(), &person).unwrap()), 1);
    }
    assert_eq!(world.sts.calls(), [format!("GetSessionToken by {KEY_ID} with 111111")]);
    assert_eq!(world.bases.fetched(), 1);
}

#[test]
fn a_device_beside_temporary_credentials_is_refused_before_the_question() {
    let world = world(A_SESSION);
    // A question would be this person's failure.
    let failure = world.obtain(&with_a_device(), &FakePerson::default()).unwrap_err();
    assert_eq!(failure.kind, Kind::Config);
    assert!(failure.cause.contains("AWS accepts a code only with a long-term access key"), "{}", failure.cause);
    assert_eq!(failure.shown_hints(), ["to use them without a code: twolock profile unset slow mfa_serial"]);
    assert!(world.sts.calls().is_empty());
}

#[test]
fn what_aws_no_longer_knows_is_fetched_again_once() {
    let world = world(A_SESSION);
    world.obtain(&alone(), &FakePerson::default()).unwrap();
    world.sts.fail("AssumeRole", AwsErrorKind::StaleSession);
    assert_eq!(number(&world.obtain(&below_a_role(), &FakePerson::default()).unwrap()), 1);
    assert_eq!(world.bases.fetched(), 2);
    let by = |count| format!("AssumeRole admin by ASIAFETCHED00000000{count}");
    assert_eq!(world.sts.calls(), [by(1), by(2)]);
}

#[test]
fn ageing_credentials_are_fetched_again_and_a_failure_costs_nobody_anything() {
    let world = world(A_SESSION);
    world.obtain(&alone(), &FakePerson::default()).unwrap();
    world.pass(50 * MINUTE);
    world.bases.give(Given::Nothing);
    for _ in 0..3 {
        assert_eq!(id(&world.obtain(&alone(), &FakePerson::default()).unwrap()), "ASIAFETCHED000000001");
    }
    assert_eq!(world.bases.fetched(), 2, "not again for a minute");
    world.pass(61);
    world.bases.give(A_SESSION);
    assert_eq!(id(&world.obtain(&alone(), &FakePerson::default()).unwrap()), "ASIAFETCHED000000003");
    // A program may be asking somebody: it is not cut short.
    assert!(world.bases.last_bound() > Duration::from_secs(10));
}

#[test]
fn who_has_to_sign_in_is_told_so_and_nothing_is_sent() {
    let world = world(Given::Nothing);
    for plan in [alone(), below_a_role(), with_a_device()] {
        let failure = world.obtain(&plan, &FakePerson::default()).unwrap_err();
        assert_eq!((failure.kind, failure.cause.as_str()), (Kind::NeedsPerson, "not signed in"));
        assert_eq!(failure.profile, Some(plan.profile.to_string()));
    }
    assert!(world.sts.calls().is_empty());
}

#[test]
fn a_base_that_fails_is_not_asked_again_for_each_who_waited() {
    let world = world(Given::Nothing);
    let (start, plans) = (std::sync::Barrier::new(20), [alone(), below_a_role()]);
    thread::scope(|scope| {
        for plan in plans.iter().cycle().take(20) {
            let (world, start) = (&world, &start);
            scope.spawn(move || {
                start.wait();
                let failure = world.obtain(plan, &FakePerson::default()).unwrap_err();
                assert_eq!((failure.kind, failure.cause.as_str()), (Kind::NeedsPerson, "not signed in"));
            });
        }
    });
    assert!(world.bases.fetched() <= 10, "{}", world.bases.fetched());
    // Who comes later does not wait, and asks anew.
    let before = world.bases.fetched();
    world.obtain(&alone(), &FakePerson::default()).unwrap_err();
    assert_eq!(world.bases.fetched(), before + 1);
}

#[test]
fn another_sign_in_is_another_identity_for_all_that_rests_on_it() {
    let plan = below_a_role();
    let identities =
        |proof: Option<[u8; 32]>| of_plan(&plan, None, proof.as_ref()).iter().map(|s| s.identity).collect();
    let all: Vec<Vec<Identity>> = [None, Some([1; 32]), Some([2; 32])].into_iter().map(identities).collect();
    let [none, one, other] = &all[..] else { unreachable!() };
    for ((none, one), other) in none.iter().zip(one).zip(other) {
        assert!(none != one && one != other && none != other);
    }
}

#[test]
fn what_came_while_somebody_signed_in_or_out_is_kept_for_nobody() {
    let world = world(A_SESSION);
    world.bases.is_changed.store(true, Ordering::SeqCst);
    world.obtain(&below_a_role(), &FakePerson::default()).unwrap();
    world.bases.is_changed.store(false, Ordering::SeqCst);
    world.obtain(&below_a_role(), &FakePerson::default()).unwrap();
    assert_eq!(world.bases.fetched(), 2);
    let by = |count| format!("AssumeRole admin by ASIAFETCHED00000000{count}");
    assert_eq!(world.sts.calls(), [by(1), by(2)]);
}

#[test]
fn temporary_credentials_sign_without_being_kept() {
    let key = TemporaryKey {
        profile: ProfileName::parse("pasted").unwrap(),
        id: AccessKeyId::parse("ASIAPASTED0000000000").unwrap(),
        place: KeyPlace::Environment,
    };
    let plan = Plan { base: Base::Temporary(key), ..plan("admin", None, vec![role_step("admin", HOUR, None)]) };
    let world = world(A_SESSION);
    for _ in 0..2 {
        world.obtain(&plan, &FakePerson::default()).unwrap();
    }
    assert_eq!(world.sts.calls(), ["AssumeRole admin by ASIAFETCHED000000001"]);
}
