//! A token of another identity provider as a source.

use std::fs;

use serde_json::{Value, json};

use crate::world::sign_ins::SUBJECT;
use crate::world::{Ran, World};

const ACTION: &str = "AssumeRoleWithWebIdentity";

#[track_caller]
fn key(world: &World, profile: &str) -> String {
    world.run(["credential-process", profile]).json()["AccessKeyId"].as_str().unwrap().to_owned()
}

fn run(world: &World) -> Ran {
    world.run(["credential-process", "ci"])
}

/// The claims of a good token.
fn claims(world: &World) -> Value {
    let now = world.sandbox.now();
    json!({"iss": "https://ci.example", "aud": "sts.amazonaws.com", "sub": SUBJECT, "iat": now, "exp": now + 600})
}

#[test]
fn the_call_is_unsigned_and_says_what_the_profile_says() {
    let world = World::with_identity_token();
    let given = key(&world, "ci");
    assert_eq!((key(&world, "ci"), world.sandbox.count(ACTION)), (given.clone(), 1));
    let call = world.sandbox.calls().remove(0);
    assert_eq!(
        (call.access_key_id.as_deref(), call.session_name(), call.seconds()),
        (None, Some("build-7"), Some(3600))
    );
    let who = world.run(["whoami", "ci", "--json"]).json();
    assert_eq!(who["arn"], "arn:aws:sts::123456789012:assumed-role/Pipeline/build-7");
    assert_eq!(world.run(["env", "ci", "--format", "json"]).json()["AWS_ACCESS_KEY_ID"], given.as_str());
    assert!(world.run(["whoami", "hub"]).stdout.contains(":assumed-role/Hub/"));
    assert_eq!(world.counts([ACTION, "AssumeRole"]), [1, 1], "the role above is assumed with what is cached");
}

#[test]
fn its_length_is_the_profiles_or_the_one_asked_for() {
    let world = World::with_identity_token();
    let config = fs::read_to_string(world.home().join(".aws/config")).unwrap();
    world.write(".aws/config", &config.replace("role_session_name", "duration_seconds = 1800\nrole_session_name"));
    key(&world, "ci");
    let ran = world.run(["login", "ci", "--duration", "2h", "--fresh"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    let seconds: Vec<_> = world.sandbox.calls().iter().map(|call| call.seconds()).collect();
    assert_eq!(seconds, [Some(1800), Some(7200)]);
    let ran = world.run(["login", "ci", "--duration", "3h", "--fresh"]);
    assert!(ran.code == 4 && ran.stderr.contains("MaxSessionDuration"), "{ran:?}");
}

#[test]
fn a_token_that_sts_refuses_is_told_apart() {
    let world = World::with_identity_token();
    let mut of_another = claims(&world);
    of_another["aud"] = "somebody".into();
    let mut of_a_stranger = claims(&world);
    of_a_stranger["iss"] = "https://stranger.example".into();
    for (token, code, says, hint) in [
        (
            world.sandbox.identity_token(SUBJECT, -5),
            4,
            "the web identity token has expired (STS at 127.0.0.1:PORT, not AWS: ExpiredTokenException: ",
            "does the program that writes the token file still renew it?",
        ),
        (world.sandbox.sign_identity_token(&of_another), 4, "Incorrect token audience", ""),
        (world.sandbox.sign_identity_token(&of_a_stranger), 4, "No OpenIDConnect provider found", ""),
        (
            world.sandbox.identity_token("repo:org/other:main", 600),
            4,
            "not allowed to assume arn:aws:iam::123456789012:role/Pipeline with the web identity token",
            "the trust policy of Pipeline must allow sts:AssumeRoleWithWebIdentity",
        ),
        ("no.jwt.atall".into(), 4, "is not a valid JWT", ""),
    ] {
        world.keep_identity_token(&token);
        let ran = run(&world);
        assert_eq!((ran.code, ran.stdout.as_str()), (code, ""), "{says}: {ran:?}");
        let first = ran.stderr.lines().next().unwrap();
        assert!(
            first.starts_with("twolock: error: profile 'ci' (~/.aws/config:3): ") && first.contains(says),
            "{ran:?}"
        );
        assert!(ran.stderr.contains(hint) && !ran.stderr.contains(&token), "{ran:?}");
    }
    assert_eq!(world.sandbox.count(ACTION), 5);
}

#[test]
fn a_file_that_holds_no_token_is_named_and_nothing_is_sent() {
    let world = World::with_identity_token();
    for (text, says) in [
        ("", "contains no valid token: it is empty"),
        (
            "two words",
            "contains no valid token: it contains a space, a line break or another character that a token cannot have",
        ),
        (&"x".repeat(40_000), "cannot be read: it is larger than 32 KiB"),
    ] {
        world.write("token", text);
        let ran = run(&world);
        assert!(ran.code == 3 && ran.stderr.contains(says) && !ran.stderr.contains("two words"), "{ran:?}");
    }
    fs::remove_file(world.identity_token_file()).unwrap();
    run(&world).is(
        3,
        "",
        "twolock: error: profile 'ci' (~/.aws/config:3): web_identity_token_file 'HOME/token' does not exist\n",
    );
    assert_eq!(world.sandbox.connections(), 0);
}

#[test]
fn a_token_that_changed_or_is_gone_takes_what_was_cached_with_it() {
    let world = World::with_identity_token();
    let profiles = ["ci", "hub"];
    let before = profiles.map(|profile| key(&world, profile));
    world.keep_identity_token(&world.sandbox.identity_token("repo:org/app:other", 600));
    let after = profiles.map(|profile| key(&world, profile));
    assert!(before.iter().all(|old| !after.contains(old)), "{before:?} {after:?}");
    assert_eq!(world.counts([ACTION, "AssumeRole"]), [2, 2]);
    fs::remove_file(world.identity_token_file()).unwrap();
    for profile in profiles {
        for verb in ["credential-process", "env", "whoami"] {
            let ran = world.run([verb, profile]);
            assert!(ran.code == 3 && !ran.stdout.contains("AWS_"), "{verb} {profile}: {ran:?}");
        }
        assert_eq!(world.run(["exec", profile, "--", "true"]).code, 3);
    }
    assert_eq!(world.counts([ACTION, "AssumeRole"]), [2, 2]);
}
