//! Clocks that are wrong, and credentials at their end (P36, P37, F36).

use std::process::Command;

use crate::machine::{at_time, with_code};
use crate::outcome::{answer, failed};
use crate::world::{Clock, Fault, FaultKind, Ran, World};

fn call_at(world: &World, profile: &str, offset: &str, change: impl FnOnce(&mut Command)) -> Ran {
    let mut command = world.twolock(["credential-process", profile]);
    at_time(&mut command, offset);
    change(&mut command);
    answer(world, &mut command)
}

#[test]
fn a_clock_off_by_more_than_aws_takes_is_named_with_both_times() {
    for (offset, shown, direction) in
        [("+20m", "20m", "fast"), ("-20m", "20m", "slow"), ("+1d", "24h", "fast"), ("-1d", "24h", "slow")]
    {
        let world = World::new();
        let code = world.code();
        let ran = call_at(&world, "prod", offset, with_code(&code));
        failed(
            &ran,
            4,
            &["profile 'prod'", "this machine's clock is ", direction, " here, ", " at STS at 127.0.0.1:PORT"],
        );
        let about = ["23h", "24h", "1d", "19m", "20m"];
        assert!(about.iter().any(|span| ran.stderr.contains(span)), "{shown}: {ran:?}");
        assert!(ran.stderr.matches('Z').count() >= 2, "both times: {ran:?}");
    }
}

#[test]
fn a_date_that_differs_beside_a_good_answer_fails_nothing() {
    for offset in [-86_400, -1200, 1200, 86_400] {
        let world = World::new();
        world.sandbox.fault(Fault::new(FaultKind::DateOffset(offset)).always());
        let ran = answer(&world, world.twolock(["credential-process", "prod"]).env("TWOLOCK_MFA_CODE", world.code()));
        assert_eq!(ran.code, 0, "{offset}: {ran:?}");
    }
}

#[test]
fn a_cached_item_from_the_future_is_a_miss() {
    let world = World::new();
    world.log_in("prod");
    assert_eq!(world.run(["credential-process", "prod"]).code, 0);
    for offset in ["-20m", "-1d", "-400d"] {
        failed(&call_at(&world, "prod", offset, |_| {}), 9, &["needs an MFA code from"]);
    }
    assert_eq!(world.run(["credential-process", "prod"]).code, 0, "and it serves again once the clock is right");
}

#[test]
fn a_clock_within_awss_own_tolerance_costs_no_session() {
    let world = World::new();
    world.log_in("prod");
    let first = world.run(["credential-process", "prod"]);
    for offset in ["-10m", "-1m", "+1m", "+10m"] {
        call_at(&world, "prod", offset, |_| {}).is(0, &first.stdout, "");
    }
}

#[test]
fn expired_credentials_are_never_given_out() {
    let world = World::new();
    world.log_in("prod");
    assert_eq!(world.run(["credential-process", "prod"]).code, 0);
    // Both the role's hour and the session's twelve are over; STS would take a code, and nobody is there.
    for offset in ["+12h", "+13h", "+30d", "+4000d"] {
        failed(&call_at(&world, "prod", offset, |_| {}), 9, &["needs an MFA code from"]);
        failed(&call_at(&world, "base", offset, |_| {}), 9, &["needs an MFA code from"]);
    }
}

#[test]
fn the_last_half_minute_is_not_worth_handing_out() {
    let world = World::new();
    world.log_in("base");
    assert_eq!(world.run(["credential-process", "base"]).code, 0);
    // 12 h of life; the login was a moment ago.
    failed(&call_at(&world, "base", "+43175", |_| {}), 9, &["needs an MFA code from"]);
    assert_eq!(call_at(&world, "base", "+43140", |_| {}).code, 0);
}

#[test]
fn temporary_credentials_always_carry_their_end_in_utc() {
    let world = World::new();
    world.log_in("prod");
    for zone in ["UTC", "America/St_Johns", "Asia/Kathmandu", ":/no/such"] {
        let json = answer(&world, world.twolock(["credential-process", "prod"]).env("TZ", zone)).json();
        let end = json["Expiration"].as_str().unwrap();
        assert!(end.len() == 20 && end.ends_with('Z') && end.as_bytes()[10] == b'T', "{zone}: {end}");
        let left = time::OffsetDateTime::parse(end, &time::format_description::well_known::Rfc3339).unwrap();
        let left = left.unix_timestamp() - world.sandbox.now();
        assert!((3000..=3600).contains(&left), "{zone}: {left} s");
    }
}

#[test]
fn a_session_aws_ended_early_is_minted_anew_below_a_role() {
    let world = World::new();
    world.log_in("base");
    let session = world.sandbox.sessions()[0].access_key_id.clone();
    world.sandbox.expire_session(&session);
    let ran = answer(&world, &mut world.twolock(["credential-process", "prod"]));
    failed(&ran, 9, &["needs an MFA code from"]);
    world.sandbox.set_clock(Clock::Offset(0));
    assert_eq!(world.sandbox.count("AssumeRole"), 1);
}
