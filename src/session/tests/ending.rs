//! Whether, when and how often a person is notified that a session expires soon which only a code can replace.

use std::cell::Cell;

use super::*;
use crate::session::device::DeviceFiles;
use crate::session::is_told;
use crate::system::lock::FileLock;

/// Asks for a plan's credentials, and returns how often a person was told.
fn told(world: &World, plan: &Plan) -> u32 {
    let told = Cell::new(0);
    let tell = |_: &Session| told.set(told.get() + 1);
    let ask = |sessions: Sessions<'_>| Sessions { ends_soon: Some(&tell), ..sessions }.obtain(Need::ALIVE);
    world.caller(plan, &FakePerson::typing(&["111111"]), Some(&world.cache()), &ask).unwrap();
    told.get()
}

/// A one-hour role on a one-hour MFA session.
fn role_of_an_hour(name: &str) -> Plan {
    plan(name, Some(device()), vec![session_step(Some(device()), HOUR), role_step(name, HOUR, None)])
}

fn long() -> Plan {
    plan("long", Some(device()), vec![role_step("long", 4 * HOUR, Some(device()))])
}

#[test]
fn below_a_quarter_of_an_hour_a_person_is_told_once() {
    let short = plan("short", Some(device()), vec![session_step(Some(device()), HOUR / 4)]);
    for (plan, left, expected) in [
        (base(), 15 * MINUTE, 0),
        (base(), 15 * MINUTE - 1, 1),
        (base(), 31, 1),
        (long(), 15 * MINUTE, 0),
        (long(), 15 * MINUTE - 1, 1),
        (short.clone(), 5 * MINUTE, 0),
        (short, 5 * MINUTE - 1, 1),
    ] {
        let world = World::new();
        assert_eq!(told(&world, &plan), 0);
        world.pass(i64::try_from(plan.duration().as_secs()).unwrap() - left);
        assert_eq!(told(&world, &plan), expected, "{} with {left} s left", plan.profile);
        assert_eq!(told(&world, &plan), 0, "not twice");
        assert_eq!(world.sts.calls().len(), 1);
    }
}

#[test]
fn nobody_is_told_of_what_is_renewed_without_a_person() {
    let bare = plan("bare", None, vec![session_step(None, 12 * HOUR)]);
    for plan in [role("admin"), bare] {
        let world = World::new();
        told(&world, &plan);
        world.pass(i64::try_from(plan.duration().as_secs()).unwrap() - 10 * MINUTE);
        world.sts.fail("AssumeRole", AwsErrorKind::NotSent);
        world.sts.fail("GetSessionToken", AwsErrorKind::NotSent);
        assert_eq!((told(&world, &plan), told(&world, &plan)), (0, 0), "{}", plan.profile);
    }
}

#[test]
fn roles_on_one_mfa_session_give_one_notification_and_the_next_session_another() {
    let world = World::new();
    let [one, two] = ["one", "two"].map(role_of_an_hour);
    told(&world, &one);
    world.pass(5 * MINUTE);
    told(&world, &two);
    // The session's end is 60 minutes after its code; the second role ends five later.
    world.pass(46 * MINUTE);
    assert_eq!((told(&world, &one), told(&world, &two)), (0, 0), "both renewed from the session");
    world.pass(50 * MINUTE);
    assert_eq!((told(&world, &one), told(&world, &two), told(&world, &one)), (1, 0, 0));
    // With a new code, it begins anew.
    world.pass(30 * MINUTE);
    told(&world, &one);
    world.pass(50 * MINUTE);
    told(&world, &one);
    world.pass(50 * MINUTE);
    assert_eq!((told(&world, &one), told(&world, &one)), (1, 0));
}

#[test]
fn nobody_is_told_while_a_code_is_asked_for_or_if_that_cannot_be_saved() {
    let world = World::new();
    told(&world, &base());
    world.pass(12 * 3_600 - 10 * MINUTE);
    let files = DeviceFiles::of(&world.directory(), &device(), None);
    let held = FileLock::try_acquire(&files.lock).unwrap();
    assert_eq!(told(&world, &base()), 0);
    drop(held);
    std::fs::remove_file(&files.state).unwrap();
    std::fs::create_dir(&files.state).unwrap();
    assert_eq!((told(&world, &base()), told(&world, &base())), (0, 0));
    std::fs::remove_dir(&files.state).unwrap();
    assert_eq!((told(&world, &base()), told(&world, &base())), (1, 0));
}

#[test]
fn whether_a_person_was_told_is_seen_without_a_lock() {
    let world = World::new();
    let plan = base();
    told(&world, &plan);
    world.pass(12 * 3_600 - 10 * MINUTE);
    assert!(!is_told(&world.directory(), None, &steps(&plan)));
    told(&world, &plan);
    assert!(is_told(&world.directory(), None, &steps(&plan)));
    assert!(!is_told(&world.directory(), Some("http://127.0.0.1:1"), &steps(&plan)));
}

#[test]
fn a_clock_that_is_set_back_repeats_nothing_and_silences_no_later_session() {
    let world = World::new();
    told(&world, &base());
    world.pass(12 * 3_600 - 5 * MINUTE);
    assert_eq!(told(&world, &base()), 1);
    world.pass(-5 * MINUTE);
    assert_eq!(told(&world, &base()), 0);
    world.pass(-11 * 3_600);
    let fresh = Need { not_before: Some(world.now()), ..Need::ALIVE };
    let act = |sessions: Sessions<'_>| sessions.obtain(fresh);
    world.caller(&base(), &FakePerson::typing(&["222222"]), Some(&world.cache()), &act).unwrap();
    world.pass(12 * 3_600 - 10 * MINUTE);
    assert_eq!((told(&world, &base()), told(&world, &base())), (1, 0));
}
