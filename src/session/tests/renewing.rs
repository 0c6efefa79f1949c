//! Renewal without a person: when, by whom, and that it never costs anybody anything.

use super::*;
use crate::session::{Lookup, look};
use crate::system::lock::FileLock;

/// A world with a role session that has so many seconds left.
fn ageing(plan: &Plan, left: i64) -> World {
    let world = World::new();
    world.obtain(plan, &FakePerson::typing(&["111111"])).unwrap();
    let life = i64::try_from(plan.duration().as_secs()).unwrap();
    world.pass(life - left);
    world
}

fn looked(world: &World, plan: &Plan) -> &'static str {
    match look(&world.cache(), &steps(plan), Need::ALIVE, world.now()) {
        Lookup::Serve(_) => "serve",
        Lookup::Last(..) => "last",
        Lookup::Renew(_) => "renew",
        Lookup::Miss => "miss",
    }
}

fn quarter_hour_role() -> Plan {
    let steps = vec![session_step(Some(device()), 12 * HOUR), role_step("short", HOUR / 4, None)];
    plan("short", Some(device()), steps)
}

#[test]
fn credentials_age_in_their_last_sixteen_minutes_or_last_third() {
    for (plan, left, expected) in [
        (role("admin"), 16 * MINUTE, "serve"),
        (role("admin"), 16 * MINUTE - 1, "renew"),
        (role("admin"), 31, "renew"),
        (role("admin"), 30, "miss"),
        (quarter_hour_role(), 5 * MINUTE, "serve"),
        (quarter_hour_role(), 5 * MINUTE - 1, "renew"),
    ] {
        let world = ageing(&plan, left);
        assert_eq!(looked(&world, &plan), expected, "{} with {left} s left", plan.profile);
    }
}

#[test]
fn what_a_code_opened_is_not_renewed() {
    let long = plan("long", Some(device()), vec![role_step("long", 4 * HOUR, Some(device()))]);
    for plan in [base(), long] {
        let world = ageing(&plan, 60);
        assert_eq!(looked(&world, &plan), "last");
        assert_eq!(number(&world.obtain(&plan, &FakePerson::default()).unwrap()), 1);
        assert_eq!(world.sts.calls().len(), 1);
    }
}

#[test]
fn role_is_renewed_once_and_silently() {
    let world = ageing(&role("admin"), 10 * MINUTE);
    for _ in 0..3 {
        assert_eq!(number(&world.obtain(&role("admin"), &FakePerson::default()).unwrap()), 3);
    }
    assert_eq!((world.sts.count("GetSessionToken"), world.sts.count("AssumeRole")), (1, 2));
    assert_eq!(looked(&world, &role("admin")), "serve");
}

#[test]
fn renewal_has_two_seconds_for_all() {
    let world = ageing(&role("admin"), 10 * MINUTE);
    world.obtain(&role("admin"), &FakePerson::default()).unwrap();
    let bounds = *world.sts.bounds.lock().unwrap().last().unwrap();
    assert!(bounds.total <= Duration::from_secs(2) && bounds.connect <= Duration::from_secs(2), "{bounds:?}");
    let cold = world.sts.bounds.lock().unwrap()[0];
    assert_eq!((cold.connect, cold.total), (Bounds::CALL.connect, Bounds::CALL.total));
}

#[test]
fn role_above_a_session_that_is_over_is_served_to_its_end() {
    let steps = vec![session_step(Some(device()), HOUR), role_step("admin", HOUR, None)];
    let plan = plan("admin", Some(device()), steps);
    let world = World::new();
    world.obtain(&plan, &FakePerson::typing(&["111111"])).unwrap();
    world.pass(30 * MINUTE);
    world.cache().forget(&identities(&plan)[0]).unwrap();
    world.pass(20 * MINUTE);
    assert_eq!(looked(&world, &plan), "last");
    assert_eq!(number(&world.obtain(&plan, &FakePerson::default()).unwrap()), 2);
}

#[test]
fn chain_is_renewed_from_the_role_below() {
    let hops = vec![session_step(Some(device()), 12 * HOUR), role_step("hub", HOUR, None), role_step("a", HOUR, None)];
    let plan = plan("a", Some(device()), hops);
    let world = ageing(&plan, 10 * MINUTE);
    world.obtain(&plan, &FakePerson::default()).unwrap();
    assert_eq!(world.sts.calls()[3..], ["AssumeRole a by ASIA0000000000000002"]);
}

#[test]
fn without_a_device_everything_is_renewed_from_the_key() {
    for plan in
        [plan("bare", None, vec![session_step(None, 12 * HOUR)]), plan("r", None, vec![role_step("r", HOUR, None)])]
    {
        let world = ageing(&plan, 10 * MINUTE);
        assert_eq!(number(&world.obtain(&plan, &FakePerson::default()).unwrap()), 2);
        assert!(world.sts.calls().iter().all(|call| call.ends_with(KEY_ID)), "{:?}", world.sts.calls());
    }
}

#[test]
fn renewal_by_another_is_not_waited_for() {
    let world = ageing(&role("admin"), 10 * MINUTE);
    let lock = world.directory().join(format!("{}.lock", &identities(&role("admin"))[1].hex()[..16]));
    let held = FileLock::try_acquire(&lock).unwrap();
    assert_eq!(number(&world.obtain(&role("admin"), &FakePerson::default()).unwrap()), 2);
    drop(held);
    assert_eq!(world.sts.count("AssumeRole"), 1);
}

#[test]
fn failed_renewal_serves_the_old_and_rests_for_a_minute() {
    for kind in [AwsErrorKind::NotSent, AwsErrorKind::Unclear, AwsErrorKind::Refused, AwsErrorKind::StaleSession] {
        let world = ageing(&role("admin"), 10 * MINUTE);
        world.sts.fail("AssumeRole", kind);
        for _ in 0..3 {
            assert_eq!(number(&world.obtain(&role("admin"), &FakePerson::default()).unwrap()), 2, "{kind:?}");
        }
        assert_eq!(world.sts.count("AssumeRole"), 2);
        world.pass(59);
        world.obtain(&role("admin"), &FakePerson::default()).unwrap();
        assert_eq!(world.sts.count("AssumeRole"), 2, "not again within the minute");
        world.pass(1);
        assert_eq!(number(&world.obtain(&role("admin"), &FakePerson::default()).unwrap()), 3);
    }
}

#[test]
fn failed_renewal_of_one_role_leaves_another_alone() {
    let world = ageing(&role("admin"), 10 * MINUTE);
    world.sts.fail("AssumeRole", AwsErrorKind::Refused);
    world.obtain(&role("admin"), &FakePerson::default()).unwrap();
    world.obtain(&role("deploy"), &FakePerson::default()).unwrap();
    world.pass(50 * MINUTE);
    assert_eq!(looked(&world, &role("deploy")), "renew");
}

#[test]
fn failure_noted_in_the_future_stops_no_renewal() {
    let world = ageing(&role("admin"), 10 * MINUTE);
    let tomorrow = world.now().plus(24 * HOUR);
    world.cache().note_failure(&identities(&role("admin"))[1], tomorrow);
    assert_eq!(looked(&world, &role("admin")), "renew");
}

#[test]
fn locked_keyring_costs_a_renewal_and_no_caller() {
    let bare = plan("bare", None, vec![session_step(None, 12 * HOUR)]);
    let mut world = ageing(&bare, 10 * MINUTE);
    world.bases.locked = Some(Failure::new(crate::error::Kind::Keyring, "locked"));
    assert_eq!(number(&world.obtain(&bare, &FakePerson::default()).unwrap()), 1);
}
