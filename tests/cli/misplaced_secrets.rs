//! Secrets in the wrong place of the AWS files: no verb prints them (threat-model P52).

use crate::secrets::forms;
use crate::world::{ADMIN, DEVICE, KEY_ID, Ran, SECRET, World};

/// With `/`, as most secrets have: then it cannot be a key id.
const WITH_SLASHES: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
/// In the format of AWS's own.
const TOKEN: &str = "IQoJb3JpZ2luX2VjEJr//////////wEaCXVzLWVhc3QtMSJHMEUCIQDdKk3xQ0uJ7sY9fVbR2m8TgKc4hW0nZpAyLx1eQv6GoBtDfS5iUjNrM3XwOzHkP";

/// The AWS files of one situation.
struct Files {
    what: String,
    config: String,
    credentials: String,
}

impl Files {
    /// The two lines of the key as pasted, and more lines of the same profile.
    fn key(what: &str, id: &str, secret: &str, more: &str) -> Self {
        let credentials = format!("[base]\n{more}aws_access_key_id = {id}\naws_secret_access_key = {secret}\n");
        Self { what: what.into(), config: config("", ""), credentials }
    }

    /// A line in the profile of the key, or in the role that uses it.
    fn line(of_base: &str, of_role: &str) -> Self {
        let right = format!("[base]\naws_access_key_id = {KEY_ID}\naws_secret_access_key = right\n");
        Self { what: format!("{of_base}{of_role}"), config: config(of_base, of_role), credentials: right }
    }
}

fn config(of_base: &str, of_role: &str) -> String {
    let device = if of_base.contains("mfa_serial") { String::new() } else { format!("mfa_serial = {DEVICE}\n") };
    let source = if of_role.contains("source_profile") { "" } else { "source_profile = base\n" };
    let role = if of_role.contains("role_arn") { String::new() } else { format!("role_arn = {ADMIN}\n") };
    format!(
        "[profile base]\nendpoint_url = {{url}}\n{device}{of_base}\n\n[profile prod]\nendpoint_url = {{url}}\n{role}{source}{of_role}\n"
    )
}

/// Every known wrong place for a secret.
fn places(secret: &str) -> Vec<Files> {
    let mut all = vec![
        Files::key("swapped", secret, KEY_ID, ""),
        Files::key("in both lines", secret, secret, ""),
        Files::key("quoted", &format!("\"{secret}\""), KEY_ID, ""),
        Files::key("quoted in its own line", KEY_ID, &format!("'{secret}'"), ""),
        Files::key("behind hard blanks", &format!("\u{a0}{secret}\u{2003}"), KEY_ID, ""),
        Files::key("behind a hard blank in its own line", KEY_ID, &format!("\u{a0}{secret}"), ""),
        Files::key("of the CSV file", &format!("{KEY_ID},{secret}"), secret, ""),
        Files::key("behind the id", &format!("{KEY_ID} {secret}"), secret, ""),
        Files::key("joined to the id", &format!("{KEY_ID}{secret}"), secret, ""),
        Files::key("with its name", &format!("aws_secret_access_key={secret}"), KEY_ID, ""),
        Files::key("commented out", KEY_ID, "right", &format!("# {secret}\n# old key: {secret}\n")),
        Files::key("of a token", KEY_ID, "right", &format!("aws_session_token = {secret}\n")),
        Files::key("in a header", KEY_ID, "right", &format!("[{secret}]\nregion = x\n[base]\n")),
    ];
    for name in ["aws_secret_key", "aws_secret_acces_key", "secret_key", "AWS_SECRET_ACCESS_KEYS", "whatever", "s3"] {
        all.push(Files::key(name, KEY_ID, "right", &format!("{name} = {secret}\n")));
    }
    for key in ["mfa_serial", "region", "twolock_source_profile", "duration_seconds", "mfa_process", "endpoint_url"] {
        all.push(Files::line(&format!("{key} = {secret}"), ""));
    }
    for key in [
        "role_arn",
        "twolock_role_arn",
        "source_profile",
        "external_id",
        "role_session_name",
        "duration_seconds",
        "twolock_source_identity",
        "twolock_tags",
        "twolock_policy_arns",
        "credential_process",
        "credential_source",
        "sso_session",
        "services",
        "twolock_protected",
        "login_session",
    ] {
        all.push(Files::line("", &format!("{key} = {secret}")));
    }
    all
}

/// Every verb with the role and thereby the key; verbs that change the files come last.
fn verbs() -> Vec<Vec<&'static str>> {
    let mut all: Vec<Vec<&str>> = Vec::new();
    for of in ["base", "prod"] {
        for verb in [
            &["login"][..],
            &["credential-process"],
            &["profile", "show"],
            &["profile", "show", "--json"],
            &["profile", "adopt", "--dry-run"],
        ] {
            all.push([verb, &[of]].concat());
        }
    }
    let others: [&[&str]; 32] = [
        &[],
        &["status"],
        &["status", "--json"],
        &["env", "prod"],
        &["env", "prod", "--format", "json"],
        &["exec", "prod", "--", "true"],
        &["whoami", "prod"],
        &["whoami", "prod", "--json"],
        &["whoami", "--all"],
        &["whoami", "--all", "--json"],
        &["logout", "prod"],
        &["profile", "list"],
        &["profile", "list", "--json"],
        &["key", "list"],
        &["key", "list", "--json"],
        &["key", "import", "--all", "--dry-run"],
        &["profile", "adopt", "--all", "--dry-run"],
        &["profile", "release", "prod", "--dry-run"],
        &["profile", "release", "base", "--restore-key", "--dry-run"],
        &["profile", "rename", "base", "new", "--dry-run"],
        &["profile", "remove", "base", "--dry-run"],
        &["profile", "remove", "prod", "--dry-run"],
        &["forget", "--everything", "--dry-run"],
        &["settings", "list"],
        &["doctor"],
        &["doctor", "--json"],
        &["profile", "set", "base", "region", "eu-west-2", "--yes"],
        &["profile", "unset", "prod", "role_session_name", "--yes"],
        &["profile", "adopt", "--all", "--yes"],
        &["profile", "show", "base"],
        &["profile", "release", "base", "--restore-key", "--yes"],
        &["profile", "remove", "base", "--yes"],
    ];
    all.extend(others.map(<[_]>::to_vec));
    all
}

#[track_caller]
fn holds_none(ran: &Ran, secret: &str, what: &str) {
    for form in forms(secret) {
        assert!(!ran.stdout.contains(&form) && !ran.stderr.contains(&form), "{what}: {form} in {ran:?}");
    }
}

fn goes_through_every_verb(secret: &str) {
    let world = World::new();
    for files in places(secret) {
        world.write(".aws/config", &files.config);
        world.write(".aws/credentials", &files.credentials);
        for words in verbs() {
            let mut command = world.twolock(["-vv"]);
            // In the format of a code, so that a valid plan gets as far as STS.
            command.args(&words).env("TWOLOCK_MFA_CODE", "424242").env("RUST_BACKTRACE", "full");
            let ran = world.finish(&mut command);
            holds_none(&ran, secret, &format!("{}: {words:?}", files.what));
            // Not even a part of it may be printed.
            holds_none(&ran, &secret[secret.len() - 24..], &format!("{}: {words:?}, the end of it", files.what));
        }
    }
}

#[test]
fn no_verb_prints_a_misplaced_alphanumeric_secret() {
    goes_through_every_verb(SECRET);
}

#[test]
fn no_verb_prints_a_misplaced_secret_with_slashes() {
    goes_through_every_verb(WITH_SLASHES);
}

#[test]
fn no_verb_prints_a_misplaced_session_token() {
    goes_through_every_verb(TOKEN);
}

#[test]
fn swapped_key_lines_are_reported_as_swapped() {
    let world = World::new();
    for secret in [SECRET, WITH_SLASHES] {
        world.write(".aws/credentials", &Files::key("", secret, KEY_ID, "").credentials);
        let cause = "aws_access_key_id looks like the secret key: are the two lines swapped?";
        let line = format!("twolock: error: profile 'base' (~/.aws/credentials:2): {cause}\n");
        for words in [&["login", "base"][..], &["credential-process", "base"], &["profile", "adopt", "base"]] {
            world.finish(&mut world.twolock(words)).is(3, "", &line);
        }
        assert!(world.run(["profile", "show", "base", "--json"]).json()["problem"].as_str().unwrap().contains(cause));
        assert!(world.run(["doctor"]).stdout.contains(cause));
    }
    assert_eq!(world.sandbox.connections(), 0);
}

#[test]
fn a_key_id_in_both_lines_is_reported_before_a_code_is_used() {
    let world = World::new();
    world.write(".aws/credentials", &Files::key("", KEY_ID, KEY_ID, "").credentials);
    let ran = world.finish(world.twolock(["login", "base"]).env("TWOLOCK_MFA_CODE", "424242"));
    let cause = "aws_secret_access_key looks like an access key id: are the two lines swapped?";
    ran.is(3, "", &format!("twolock: error: profile 'base' (~/.aws/credentials:3): {cause}\n"));
    assert_eq!(world.sandbox.connections(), 0);
}

#[test]
fn a_secret_given_as_an_argument_is_not_repeated() {
    let world = World::new();
    for secret in [SECRET, WITH_SLASHES, TOKEN] {
        let padded = format!(" {secret}");
        for words in [
            &["profile", "set", "base", "region", secret][..],
            &["profile", "set", "base", "region", &padded, "--yes"],
            &["profile", "set", "base", "mfa_serial", secret, "--yes"],
            &["profile", "set", "base", "source_profile", secret, "--dry-run"],
            &["profile", "set", "base", "whatever", secret, "--dry-run"],
            &["profile", "set", "base", "aws_secret_key", secret, "--yes"],
            &["profile", "set", "base", "aws_secret_access_key", secret, "--yes"],
            &["profile", "set", "base", secret, "x", "--yes"],
            &["profile", "set", secret, "region", "x", "--yes"],
            &["profile", "add", secret, "--role-arn", "x"],
            &["profile", "add", "new", "--role-arn", secret, "--source-profile", "base", "--yes"],
            &["profile", "add", "new", "--role-arn", ADMIN, "--source-profile", secret, "--yes"],
            &["profile", "add", "new", "--role-arn", ADMIN, "--source-profile", "base", "--external-id", secret],
            &["profile", "add", "new", "--stdin", "--mfa-serial", secret, "--yes"],
            &["profile", "rename", "base", secret, "--dry-run"],
            &["settings", "set", "session_duration", secret],
            &["settings", "set", secret, "x"],
            &["login", secret],
            &["login", "--code", secret],
            &[secret],
        ] {
            let ran = world.finish(&mut world.twolock(words));
            holds_none(&ran, secret, &format!("{words:?}"));
        }
        for variable in ["AWS_PROFILE", "AWS_REGION", "AWS_ENDPOINT_URL_STS", "TWOLOCK_SESSION_DURATION"] {
            let ran = world.finish(world.twolock(["-vv", "login"]).env("AWS_PROFILE", "base").env(variable, secret));
            holds_none(&ran, secret, variable);
        }
    }
}

#[test]
fn a_secret_setting_is_refused_as_an_argument_in_any_spelling() {
    let world = World::new();
    for key in ["aws_secret_access_key", "aws_secret_key", "Secret_Key", "aws_session_tokn_or_token"] {
        let ran = world.run(["profile", "set", "base", key, "short", "--yes"]);
        let cause = format!("profile 'base': {} cannot be given as an argument", key.to_lowercase());
        assert!(ran.code == 2 && ran.stderr.contains(&cause), "{ran:?}");
    }
}
