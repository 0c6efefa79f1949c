//! What stands in the environment of what we start, and what the caller's environment can do to us (P3, P20).

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;

use crate::machine::script;
use crate::world::{DEVICE, World};

/// Everything in a caller's environment that could mix with ours.
const STALE: [(&str, &str); 19] = [
    ("AWS_ACCESS_KEY_ID", "AKIASTALESTALESTALE0"),
    ("AWS_SECRET_ACCESS_KEY", "stale"),
    ("AWS_SESSION_TOKEN", "stale"),
    ("AWS_SECURITY_TOKEN", "stale"),
    ("AWS_CREDENTIAL_EXPIRATION", "2001-01-01T00:00:00Z"),
    ("AWS_PROFILE", "stale"),
    ("AWS_DEFAULT_PROFILE", "stale"),
    ("AWS_ACCOUNT_ID", "999999999999"),
    ("AWS_REGION", "sa-east-1"),
    ("AWS_DEFAULT_REGION", "sa-east-1"),
    ("AWS_ROLE_ARN", "arn:aws:iam::999999999999:role/stale"),
    ("AWS_WEB_IDENTITY_TOKEN_FILE", "/stale"),
    ("AWS_ROLE_SESSION_NAME", "stale"),
    ("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/stale"),
    ("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://127.0.0.1:1/stale"),
    ("AWS_CONTAINER_AUTHORIZATION_TOKEN", "stale"),
    ("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", "/stale"),
    ("AWS_BEARER_TOKEN_BEDROCK", "stale"),
    ("TWOLOCK_RUNNING", DEVICE),
];

fn variables(text: &str) -> BTreeMap<&str, &str> {
    text.lines().filter_map(|line| line.split_once('=')).collect()
}

#[test]
fn exec_and_env_leave_nothing_of_another_identity() {
    let world = World::new();
    world.log_in("prod");
    let exec = world.finish(world.twolock(["exec", "prod", "--", "env"]).envs(STALE));
    let line = format!("eval \"$({} env prod --shell sh)\"; env", crate::machine::BINARY);
    let eval = world.finish(world.program("sh").args(["-c", &line]).envs(STALE));
    let json = world.run(["credential-process", "prod"]).json();
    for ran in [exec, eval] {
        assert_eq!((ran.code, ran.stderr.as_str()), (0, ""), "{ran:?}");
        let found = variables(&ran.stdout);
        for (name, field) in [
            ("AWS_ACCESS_KEY_ID", "AccessKeyId"),
            ("AWS_SECRET_ACCESS_KEY", "SecretAccessKey"),
            ("AWS_SESSION_TOKEN", "SessionToken"),
            ("AWS_CREDENTIAL_EXPIRATION", "Expiration"),
        ] {
            assert_eq!(found.get(name).copied(), json[field].as_str(), "{name}");
        }
        assert!(!ran.stdout.to_lowercase().contains("stale"), "{ran:?}");
        for name in ["AWS_SECURITY_TOKEN", "AWS_PROFILE", "AWS_DEFAULT_PROFILE", "TWOLOCK_RUNNING"] {
            assert!(!found.contains_key(name), "{name}: {ran:?}");
        }
        assert_eq!(found.get("AWS_ACCOUNT_ID"), Some(&"123456789012"));
        for name in ["AWS_REGION", "AWS_DEFAULT_REGION"] {
            assert_eq!(found.get(name), Some(&"eu-west-1"), "{name}");
        }
    }
}

#[test]
fn a_failing_env_changes_no_variable_and_stops_what_follows() {
    let world = World::new();
    let line = format!("eval \"$({} env prod --shell sh 2>/dev/null)\" && echo went on; env", crate::machine::BINARY);
    let ran = world.finish(world.program("setsid").args(["-w", "sh", "-c", &line]).envs(STALE));
    assert!(!ran.stdout.contains("went on"), "{ran:?}");
    let found = variables(&ran.stdout);
    STALE.iter().for_each(|(name, value)| assert_eq!(found.get(name), Some(value), "{name}"));
}

#[test]
fn a_variable_that_is_not_text_does_not_count_as_unset() {
    let world = World::new();
    world.log_in("prod");
    world.add_config(&format!("[profile real]\nmfa_serial = {DEVICE}\ntwolock_source_profile = base\n"));
    let odd = OsString::from_vec(b"pr\xffod".to_vec());
    for (variable, args) in [
        ("AWS_PROFILE", &["exec", "--", "true"][..]),
        ("AWS_PROFILE", &["credential-process"]),
        ("AWS_ENDPOINT_URL", &["credential-process", "prod"]),
        ("AWS_ENDPOINT_URL_STS", &["whoami", "prod"]),
        ("AWS_REGION", &["env", "prod", "--format", "json"]),
        ("HTTPS_PROXY", &["whoami", "real"]),
        ("TWOLOCK_MIN_TTL", &["env", "prod", "--format", "json"]),
    ] {
        let mut command = world.twolock(args);
        let ran = world.finish(command.env("AWS_DEFAULT_PROFILE", "base").env(variable, &odd));
        ran.is(3, "", &format!("twolock: error: {variable} is not UTF-8: set it again, or unset it\n"));
    }
    let other = world.finish(world.twolock(["exec", "prod", "--", "true"]).env("AWS_PROFILE", &odd));
    assert_eq!((other.code, other.stderr.as_str()), (0, ""), "the profile that is named counts");
    let doctor = world.finish(world.twolock(["doctor"]).env("AWS_PROFILE", &odd));
    assert!(doctor.stdout.contains("error: AWS_PROFILE is not UTF-8"), "{doctor:?}");
    let doctor = world.finish(world.twolock(["doctor"]).env("AWS_ENDPOINT_URL", &odd));
    assert!(doctor.stdout.contains("AWS_ENDPOINT_URL is not UTF-8"), "{doctor:?}");
}

#[test]
fn a_code_in_the_environment_reaches_no_child() {
    let world = World::new();
    let program = script(&world, "codes", "env >\"$HOME/seen\"; cat \"$HOME/code\"");
    world.add_config(&format!(
        "[profile auto]\nmfa_serial = {DEVICE}\nmfa_process = {program}\ntwolock_source_profile = base\nendpoint_url = {{url}}\n"
    ));
    world.write("code", &world.code());
    let ran = world.finish(world.twolock(["exec", "auto", "--", "env"]).env("AWS_PROFILE", "stale"));
    assert_eq!(ran.code, 0, "{ran:?}");
    let seen = std::fs::read_to_string(world.home().join("seen")).unwrap();
    assert!(seen.contains("TWOLOCK_RUNNING=") && !seen.contains("AWS_PROFILE"), "{seen}");
    let ran = world.finish(world.twolock(["exec", "auto", "--", "env"]).env("TWOLOCK_MFA_CODE", "123456"));
    assert!(ran.code == 0 && !ran.stdout.contains("TWOLOCK_MFA_CODE"), "{ran:?}");
}

#[test]
fn the_callers_own_aws_keys_are_not_ours() {
    let world = World::new();
    world.log_in("prod");
    let plain = world.run(["credential-process", "prod"]);
    let keys: Vec<_> = STALE.iter().filter(|(name, _)| !name.contains("REGION")).copied().collect();
    world.finish(world.twolock(["credential-process", "prod"]).envs(keys)).is(0, &plain.stdout, "");
}
