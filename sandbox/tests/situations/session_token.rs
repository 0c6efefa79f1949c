//! `GetSessionToken`: devices, codes and times.

use twolock_sandbox::{Clock, Options, Role};

use crate::wire::{ACCOUNT, Client, NOW, Params, World};

const WRONG_CODE: &str = "403 AccessDenied: MultiFactorAuthentication failed with invalid MFA one \
    time pass code. ";
const WRONG_DEVICE: &str = "403 AccessDenied: MultiFactorAuthentication failed, unable to validate \
    MFA code.  Please verify your MFA serial number is valid and associated with this user.";
const BOTH: &str = "403 AccessDenied: MultiFactorAuthentication failed, must provide both MFA \
    serial number and one time pass code.";

#[test]
fn a_code_works_once_and_gives_a_session_with_mfa() {
    let world = World::new();
    let code = world.code();
    let params = [("SerialNumber", world.phone.serial.as_str()), ("TokenCode", code.as_str())];
    let answer = world.alice().get_session_token(&params);
    answer.assert_good();
    assert_eq!(answer.need("Expiration"), "2025-06-16T03:06:40Z");
    let key = answer.need("AccessKeyId");
    assert!(key.starts_with("ASIA") && key.len() == 20, "{key}");
    assert_eq!(world.alice().get_session_token(&params).verdict(), WRONG_CODE);

    let session = &world.sandbox.sessions()[0];
    assert_eq!(session.mfa_at, Some(NOW));
    assert_eq!(session.made_by, world.alice.access_key_id);
    assert_eq!(session.access_key_id, key);
    let consumed = world.sandbox.codes_consumed();
    assert_eq!(consumed.len(), 1);
    assert_eq!((consumed[0].code.as_str(), consumed[0].step), (code.as_str(), NOW / 30));
}

#[test]
fn codes_of_neighbouring_steps_pass_and_farther_ones_do_not() {
    let rows = [(-60, false), (-30, true), (0, true), (30, true), (60, false)];
    for (seconds, good) in rows {
        let world = World::new();
        let serial = world.phone.serial.as_str();
        let code = world.sandbox.code_at(serial, NOW + seconds).unwrap();
        let params = [("SerialNumber", serial), ("TokenCode", code.as_str())];
        let verdict = world.alice().get_session_token(&params).verdict();
        assert_eq!(verdict, if good { "200" } else { WRONG_CODE }, "{seconds} s");
    }
}

#[test]
fn all_codes_of_a_moment_used_up() {
    let world = World::new();
    for _ in 0..3 {
        world.alice_with_mfa();
    }
    let next = world.sandbox.code(&world.phone.serial).unwrap();
    assert_eq!(next.wait_seconds, 30 - (NOW % 30).unsigned_abs());
    let params = [("SerialNumber", world.phone.serial.as_str()), ("TokenCode", next.digits.as_str())];
    assert_eq!(world.alice().get_session_token(&params).verdict(), WRONG_CODE);
    world.sandbox.set_clock(Clock::Fixed(NOW + next.wait_seconds.cast_signed()));
    world.alice().get_session_token(&params).assert_good();
}

#[test]
fn wrong_or_missing_halves_of_mfa() {
    let world = World::new();
    let bob = world.sandbox.add_user(ACCOUNT, "bob");
    let bobs = world.sandbox.add_device(&bob.arn, "bob-phone").serial;
    let bobs_code = world.sandbox.code(&bobs).unwrap().digits;
    let own = world.phone.serial.as_str();
    let code = world.code();
    let user_arn = world.alice.arn.replace(":user/", ":mfa/");
    let fido = format!("arn:aws:iam::{ACCOUNT}:u2f/user/alice/key-X");
    let wrong = world.wrong_code();
    let rows: [(&str, Params<'_>, &str); 7] = [
        ("neither", &[], "200"),
        ("serial only", &[("SerialNumber", own)], BOTH),
        ("code only", &[("TokenCode", &code)], BOTH),
        ("device of another", &[("SerialNumber", &bobs), ("TokenCode", &bobs_code)], WRONG_DEVICE),
        ("no such device", &[("SerialNumber", &user_arn), ("TokenCode", &code)], WRONG_DEVICE),
        ("a FIDO key", &[("SerialNumber", &fido), ("TokenCode", &code)], WRONG_DEVICE),
        ("wrong code", &[("SerialNumber", own), ("TokenCode", &wrong)], WRONG_CODE),
    ];
    for (situation, params, verdict) in rows {
        assert_eq!(world.alice().get_session_token(params).verdict(), verdict, "{situation}");
    }
    assert!(world.sandbox.codes_consumed().is_empty());
    assert_eq!(world.sandbox.sessions()[0].mfa_at, None);
}

#[test]
fn malformed_values_are_named() {
    let world = World::new();
    let rows = [
        (
            ("TokenCode", "12345"),
            "400 ValidationError: 1 validation error detected: Value '12345' at 'tokenCode' failed \
             to satisfy constraint: Member must have length greater than or equal to 6",
        ),
        (
            ("TokenCode", "12345a"),
            "400 ValidationError: 1 validation error detected: Value '12345a' at 'tokenCode' failed \
             to satisfy constraint: Member must satisfy regular expression pattern: [\\d]*",
        ),
        (
            ("SerialNumber", "short"),
            "400 ValidationError: 1 validation error detected: Value 'short' at 'serialNumber' \
             failed to satisfy constraint: Member must have length greater than or equal to 9",
        ),
        (
            ("DurationSeconds", "899"),
            "400 ValidationError: 1 validation error detected: Value '899' at 'durationSeconds' \
             failed to satisfy constraint: Member must have value greater than or equal to 900",
        ),
        (
            ("DurationSeconds", "129601"),
            "400 ValidationError: 1 validation error detected: Value '129601' at 'durationSeconds' \
             failed to satisfy constraint: Member must have value less than or equal to 129600",
        ),
        (("DurationSeconds", "1h"), "400 MalformedInput: Expected a number for DurationSeconds"),
    ];
    for (param, verdict) in rows {
        assert_eq!(world.alice().get_session_token(&[param]).verdict(), verdict);
    }
}

#[test]
fn time_asked_for_is_time_given() {
    let world = World::new();
    let root = Client::new(&world.sandbox, &world.sandbox.add_root(ACCOUNT));
    let rows = [
        (world.alice(), None, 43_200),
        (world.alice(), Some("900"), 900),
        (world.alice(), Some("129600"), 129_600),
        (root.clone(), None, 3600),
        (root.clone(), Some("900"), 900),
        (root, Some("43200"), 3600),
    ];
    for (client, asked, given) in rows {
        let params: Vec<_> = asked.map(|it| ("DurationSeconds", it)).into_iter().collect();
        client.get_session_token(&params).assert_good();
        let session = world.sandbox.sessions().pop().unwrap();
        assert_eq!(session.expires_at - session.made_at, given, "{asked:?}");
    }
}

#[test]
fn root_has_a_device_of_its_own() {
    let world = World::new();
    let root = world.sandbox.add_root(ACCOUNT);
    let device = world.sandbox.add_device(&root.arn, "ignored");
    assert_eq!(device.serial, format!("arn:aws:iam::{ACCOUNT}:mfa/root-account-mfa-device"));
    let code = world.sandbox.code(&device.serial).unwrap().digits;
    let params = [("SerialNumber", device.serial.as_str()), ("TokenCode", code.as_str())];
    Client::new(&world.sandbox, &root).get_session_token(&params).assert_good();
}

#[test]
fn hardware_token_with_a_given_seed() {
    let world = World::new();
    let seed = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";
    world.sandbox.add_device_as(&world.alice.arn, "GAHT12345678", seed).unwrap();
    assert_eq!(world.sandbox.code_at("GAHT12345678", 59).unwrap(), "287082");
    let code = world.sandbox.code("GAHT12345678").unwrap().digits;
    let params = [("SerialNumber", "GAHT12345678"), ("TokenCode", code.as_str())];
    world.alice().get_session_token(&params).assert_good();
    assert!(world.sandbox.add_device_as(&world.alice.arn, "GAHT12345678", seed).is_err());
    assert!(world.sandbox.add_device_as(&world.alice.arn, "GAHT00000000", "0189").is_err());
    assert!(world.sandbox.add_device_as("nobody", "GAHT00000000", seed).is_err());
}

#[test]
fn temporary_credentials_cannot_ask() {
    let world = World::new();
    let role = world.sandbox.add_role(Role::trusting(ACCOUNT, "dev", &world.alice.arn));
    let assumed = world.alice().assume_role(&role, &[]);
    for client in [world.alice_with_mfa(), world.alice().with(&assumed)] {
        assert_eq!(
            client.get_session_token(&[]).verdict(),
            "403 AccessDenied: Cannot call GetSessionToken with session credentials"
        );
    }
}

#[test]
fn session_ends_by_the_clock() {
    let world = World::new();
    let answer = world.alice().get_session_token(&[("DurationSeconds", "900")]);
    let at = |time: i64| {
        world.sandbox.set_clock(Clock::Fixed(time));
        world.alice().with(&answer).who().verdict()
    };
    assert_eq!(at(NOW + 899), "200");
    assert!(at(NOW + 900).starts_with("403 ExpiredToken"));
}

#[test]
fn tokens_as_long_as_aws_allows() {
    for (asked, given) in [(4096, 4096), (9000, 4096), (356, 356)] {
        let world = World::with(Options { token_length: asked, ..Options::default() });
        let session = world.alice_with_mfa();
        assert_eq!(session.token.as_ref().unwrap().len(), given);
        session.who().assert_good();
    }
}

#[test]
fn one_code_in_two_calls_at_once() {
    let world = World::new();
    let code = world.code();
    let params = [("SerialNumber", world.phone.serial.as_str()), ("TokenCode", code.as_str())];
    let client = world.alice();
    let good = std::thread::scope(|scope| {
        let calls: Vec<_> = (0..8).map(|_| scope.spawn(|| client.get_session_token(&params).status == 200)).collect();
        calls.into_iter().map(|call| call.join().unwrap()).filter(|good| *good).count()
    });
    assert_eq!(good, 1);
    assert_eq!(world.sandbox.count("GetSessionToken"), 8);
}
