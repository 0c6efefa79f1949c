//! Look, mint, keep: what is called, by whom it is signed, and what serves the next caller.

use super::*;
use crate::error::Kind;

#[test]
fn cold_role_is_one_code_one_session_one_role() {
    let world = World::new();
    let person = FakePerson::typing(&["111111"]);
    let session = world.obtain(&role("admin"), &person).unwrap();
    let calls = ["GetSessionToken by AKIAIOSFODNN7EXAMPLE with 111111", "AssumeRole admin by ASIA0000000000000001"];
    assert_eq!(world.sts.calls(), calls);
    assert_eq!((number(&session), person.asked()), (2, 1));
}

#[test]
fn warm_callers_are_served_without_key_call_or_question() {
    let world = World::new();
    let first = world.obtain(&role("admin"), &FakePerson::typing(&["111111"])).unwrap();
    let (calls, fetched) = (world.sts.calls(), world.bases.fetched.load(Ordering::SeqCst));
    for _ in 0..3 {
        let session = world.obtain(&role("admin"), &FakePerson::default()).unwrap();
        assert_eq!(number(&session), number(&first));
        assert_eq!((session.secret.expose(), session.token.expose()), (first.secret.expose(), first.token.expose()));
        assert_eq!((session.expires, session.account), (first.expires, first.account.clone()));
    }
    assert_eq!((world.sts.calls(), world.bases.fetched.load(Ordering::SeqCst)), (calls, fetched));
}

#[test]
fn plan_that_calls_nothing_never_hands_out_its_base() {
    let world = World::new();
    let failure = world.obtain(&plan("base", None, vec![]), &FakePerson::default()).unwrap_err();
    assert_eq!((failure.kind, world.bases.fetched.load(Ordering::SeqCst)), (Kind::Bug, 0), "{failure}");
}

#[test]
fn roles_of_one_device_share_its_session() {
    let world = World::new();
    world.obtain(&role("admin"), &FakePerson::typing(&["111111"])).unwrap();
    world.obtain(&role("deploy"), &FakePerson::default()).unwrap();
    world.obtain(&base(), &FakePerson::default()).unwrap();
    assert_eq!((world.sts.count("GetSessionToken"), world.sts.count("AssumeRole")), (1, 2));
}

#[test]
fn role_longer_than_an_hour_is_assumed_straight_from_the_key_with_the_code() {
    let world = World::new();
    let plan = plan("long", Some(device()), vec![role_step("long", 4 * HOUR, Some(device()))]);
    world.obtain(&plan, &FakePerson::typing(&["111111"])).unwrap();
    world.obtain(&plan, &FakePerson::default()).unwrap();
    assert_eq!(world.sts.calls(), ["AssumeRole long by AKIAIOSFODNN7EXAMPLE with 111111"]);
}

#[test]
fn chained_roles_are_each_kept() {
    let world = World::new();
    let steps = |last: &str| {
        vec![session_step(Some(device()), 12 * HOUR), role_step("hub", HOUR, None), role_step(last, HOUR, None)]
    };
    world.obtain(&plan("a", Some(device()), steps("a")), &FakePerson::typing(&["111111"])).unwrap();
    world.obtain(&plan("b", Some(device()), steps("b")), &FakePerson::default()).unwrap();
    let signed = world.sts.calls();
    assert_eq!(signed[1], "AssumeRole hub by ASIA0000000000000001");
    assert_eq!(signed[2..], ["AssumeRole a by ASIA0000000000000002", "AssumeRole b by ASIA0000000000000002"]);
}

#[test]
fn profile_without_a_device_asks_nobody() {
    let world = World::new();
    world.obtain(&plan("bare", None, vec![session_step(None, 12 * HOUR)]), &FakePerson::default()).unwrap();
    world.obtain(&plan("r", None, vec![role_step("r", HOUR, None)]), &FakePerson::default()).unwrap();
    let calls = ["GetSessionToken by AKIAIOSFODNN7EXAMPLE", "AssumeRole r by AKIAIOSFODNN7EXAMPLE"];
    assert_eq!(world.sts.calls(), calls);
}

#[test]
fn role_over_while_the_session_lives_is_minted_without_a_question() {
    let world = World::new();
    world.obtain(&role("admin"), &FakePerson::typing(&["111111"])).unwrap();
    world.pass(2 * 3600);
    let session = world.obtain(&role("admin"), &FakePerson::default()).unwrap();
    assert_eq!((number(&session), world.sts.calls().len()), (3, 3));
}

#[test]
fn session_in_its_last_half_minute_is_over() {
    let world = World::new();
    world.obtain(&base(), &FakePerson::typing(&["111111"])).unwrap();
    world.pass(12 * 3600 - 31);
    assert_eq!(number(&world.obtain(&base(), &FakePerson::default()).unwrap()), 1);
    world.pass(1);
    assert_eq!(number(&world.obtain(&base(), &FakePerson::typing(&["222222"])).unwrap()), 2);
}

#[test]
fn least_rest_renews_the_role_and_asks_only_where_it_must() {
    let world = World::new();
    world.obtain(&role("admin"), &FakePerson::typing(&["111111"])).unwrap();
    world.pass(30 * MINUTE);
    let forty_minutes = Need { rest: Duration::from_secs(40 * 60), ..Need::ALIVE };
    assert_eq!(number(&world.obtain_with(&role("admin"), &FakePerson::default(), forty_minutes).unwrap()), 3);
    assert_eq!(number(&world.obtain_with(&base(), &FakePerson::default(), forty_minutes).unwrap()), 1);
    world.pass(11 * 3600);
    assert_eq!(number(&world.obtain_with(&base(), &FakePerson::typing(&["222222"]), forty_minutes).unwrap()), 4);
}

#[test]
fn fresh_means_a_new_code_and_everything_above_it_anew() {
    let world = World::new();
    world.obtain(&role("admin"), &FakePerson::typing(&["111111"])).unwrap();
    world.pass(10);
    let fresh = Need { not_before: Some(world.now()), ..Need::ALIVE };
    let person = FakePerson::typing(&["222222"]);
    assert_eq!(number(&world.obtain_with(&role("admin"), &person, fresh).unwrap()), 4);
    assert_eq!((person.asked(), world.sts.calls().len()), (1, 4));
    assert_eq!(number(&world.obtain_with(&role("admin"), &FakePerson::default(), fresh).unwrap()), 4);
}

#[test]
fn session_that_aws_forgot_is_minted_anew_once() {
    let world = World::new();
    world.obtain(&base(), &FakePerson::typing(&["111111"])).unwrap();
    world.sts.fail("AssumeRole", AwsErrorKind::StaleSession);
    let session = world.obtain(&role("admin"), &FakePerson::typing(&["222222"])).unwrap();
    assert_eq!((number(&session), world.sts.count("GetSessionToken"), world.sts.count("AssumeRole")), (3, 2, 2));
    assert_eq!(number(&world.obtain(&base(), &FakePerson::default()).unwrap()), 2, "the forgotten one is replaced");
}

#[test]
fn session_that_stays_unknown_to_aws_is_refused_after_the_second_try() {
    let world = World::new();
    for _ in 0..2 {
        world.sts.fail("AssumeRole", AwsErrorKind::StaleSession);
    }
    let failure = world.obtain(&role("admin"), &FakePerson::typing(&["111111", "222222"])).unwrap_err();
    assert_eq!(failure.kind, Kind::Refused);
    assert_eq!(failure.headline(), "profile 'admin': AWS said StaleSession");
    assert_eq!((world.sts.count("GetSessionToken"), world.sts.count("AssumeRole")), (2, 2));
}

#[test]
fn refusals_keep_aws_words_hints_and_kind() {
    for (kind, exit) in [
        (AwsErrorKind::Refused, Kind::Refused),
        (AwsErrorKind::NotSent, Kind::Network),
        (AwsErrorKind::Unclear, Kind::Network),
        (AwsErrorKind::BadAnswer, Kind::Network),
    ] {
        let world = World::new();
        world.sts.fail("AssumeRole", kind);
        let failure = world.obtain(&role("admin"), &FakePerson::typing(&["111111"])).unwrap_err();
        assert_eq!((failure.kind, failure.headline()), (exit, format!("profile 'admin': AWS said {kind:?}")));
        assert_eq!(failure.shown_hints(), ["a hint"]);
        // The session itself was good and is kept: the next try needs no code.
        assert_eq!(number(&world.obtain(&role("admin"), &FakePerson::default()).unwrap()), 2);
    }
}

#[test]
fn locked_keyring_fails_before_the_question() {
    let mut world = World::new();
    world.bases.locked = Some(Failure::new(Kind::Keyring, "the Secret Service is locked"));
    let failure = world.obtain(&base(), &FakePerson::default()).unwrap_err();
    assert_eq!((failure.kind, world.sts.calls().len()), (Kind::Keyring, 0));
}

#[test]
fn session_that_cannot_be_kept_is_handed_out_with_a_warning() {
    let world = World::new();
    std::fs::write(world.directory().join("file"), "").unwrap();
    let cache = Cache::new(world.directory().join("file/cache"), world.key.clone());
    let person = FakePerson::typing(&["111111"]);
    let session = world.caller(&base(), &person, Some(&cache), &|s| s.obtain(Need::ALIVE)).unwrap();
    assert_eq!(number(&session), 1);
    let warnings = world.warnings.lock().unwrap();
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert!(
        warnings[0].starts_with("the session could not be saved, so the next command starts a new one: "),
        "{warnings:?}"
    );
}

#[test]
fn without_a_cache_every_caller_asks_and_nothing_is_kept() {
    let world = World::new();
    for (at, code) in ["111111", "222222"].into_iter().enumerate() {
        let person = FakePerson::typing(&[code]);
        let session = world.obtain_uncached(&role("admin"), &person).unwrap();
        assert_eq!((number(&session), person.asked()), (2 * at + 2, 1));
    }
    let kept = std::fs::read_dir(world.directory()).unwrap().flatten();
    assert_eq!(kept.filter(|e| e.path().extension().is_some_and(|e| e == "sealed")).count(), 0);
}

#[test]
fn folder_without_locks_or_notes_stops_nobody() {
    let world = World::new();
    let missing = world.directory().join("missing");
    let person = FakePerson::typing(&["111111"]);
    let obtain = |sessions: Sessions<'_>| Sessions { directory: &missing, ..sessions }.obtain(Need::ALIVE);
    assert_eq!(number(&world.caller(&role("admin"), &person, None, &obtain).unwrap()), 2);
}
