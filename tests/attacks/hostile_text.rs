//! Names, values, files and answers that would steer a terminal or flood it: a table of every path by which they get
//! into a failure (threat-model P14). Each is printed with its cause, on lines of bounded length, and no control
//! character works.

use std::process::Command;

use twolock_sandbox::{Sink, SinkAnswer};

use crate::world::{CONFIG, Ran, World};

/// ESC sequence, C1, DEL, bidirectional override, zero width, carriage return.
const CONTROLS: &str = "a\u{1b}[2J\u{9b}31m\u{7f}\u{202e}\u{200b}\rb";
/// What a profile may be called.
const NAME: &str = "p\u{202e}q\u{200b}\u{2066}";
/// Longer than any line, as short as the kernel takes one argument.
const LONG: usize = 100_000;

fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

/// Lines may be long where a table or a list of settings is asked for; those of stderr never are.
#[track_caller]
fn harmless(ran: &Ran) {
    for text in [&ran.stdout, &ran.stderr] {
        let seen = text.chars().find(|c| *c != '\n' && is_hidden(*c));
        assert_eq!(seen, None, "{:.3000?}", text);
    }
    for line in ran.stderr.lines() {
        assert!(line.chars().count() < 3_000, "{line:.500}");
        assert!(line.starts_with("twolock: "), "{ran:.3000?}");
    }
    assert!(ran.code != 101 && ran.code != 1 && ran.code < 128, "{ran:.3000?}");
}

/// Runs with each hostile text, and looks for `says` in the first line.
#[track_caller]
fn refused(world: &World, command: &mut Command, says: &str) {
    let ran = world.finish(command);
    harmless(&ran);
    let first = ran.stderr.lines().find(|line| line.starts_with("twolock: error: ")).unwrap_or_default();
    assert!(ran.code != 0 && first.contains(says), "'{says}' is not in: {first:.3000} {ran:.3000?}");
}

fn hostile() -> [String; 3] {
    [CONTROLS.into(), format!("{CONTROLS}{}", "é".repeat(LONG / 2)), "'".repeat(LONG)]
}

/// A value of the config ends at a line's end.
fn in_a_line(text: &str) -> String {
    text.replace('\r', "")
}

#[test]
fn a_hostile_value_of_any_setting_is_said_harmless_with_its_cause() {
    let role = "role_arn = arn:aws:iam::123456789012:role/Admin\nsource_profile = base\n";
    for (key, settings, says) in [
        ("role_arn", "source_profile = base\n", "role_arn"),
        ("source_profile", "role_arn = arn:aws:iam::123456789012:role/Admin\n", "source_profile"),
        ("credential_source", "role_arn = arn:aws:iam::123456789012:role/Admin\n", "credential_source"),
        ("credential_process", "", "credential_process"),
        ("sso_session", "", "sso_session"),
        ("sso_region", "sso_account_id = 123456789012\nsso_role_name = Ops\nsso_start_url = x\n", "sso_region"),
        ("sso_account_id", "sso_role_name = Ops\nsso_start_url = x\nsso_region = eu-west-1\n", "sso_account_id"),
        (
            "sso_role_name",
            "sso_account_id = 123456789012\nsso_start_url = x\nsso_region = eu-west-1\n",
            "sso_role_name",
        ),
        ("login_session", "", "login_session"),
        ("web_identity_token_file", "role_arn = arn:aws:iam::123456789012:role/Admin\n", "web_identity_token_file"),
        ("mfa_serial", role, "mfa_serial"),
        ("external_id", role, "external_id"),
        ("role_session_name", role, "role_session_name"),
        ("twolock_source_identity", role, "twolock_source_identity"),
        ("twolock_tags", role, "twolock_tags"),
        ("twolock_transitive_tags", role, "twolock_transitive_tags"),
        ("twolock_policy_arns", role, "twolock_policy_arns"),
        ("duration_seconds", role, "duration_seconds"),
        ("twolock_session_duration", "twolock_source_profile = base\n", "twolock_session_duration"),
        ("twolock_protected", role, "twolock_protected"),
        ("region", role, "region"),
        ("endpoint_url", role, "endpoint_url"),
        (
            "mfa_process",
            "twolock_source_profile = base\nmfa_serial = arn:aws:iam::123456789012:mfa/ana\n",
            "mfa_process",
        ),
    ] {
        for text in hostile() {
            let world = World::new();
            world.add_config(&format!("[profile {NAME}]\n{settings}{key} = x{}\n", in_a_line(&text)));
            refused(&world, &mut world.twolock(["credential-process", NAME]), says);
            for args in [
                ["profile", "show", NAME].as_slice(),
                &["profile", "adopt", NAME],
                &["doctor"],
                &["profile", "list"],
                &["key", "list"],
                &["key", "import", NAME],
            ] {
                harmless(&world.finish(&mut world.twolock(args)));
            }
        }
    }
}

#[test]
fn a_hostile_argument_is_said_harmless_with_its_cause() {
    let world = World::new();
    world.write("plain", "x");
    for text in hostile() {
        let text = text.as_str();
        let table: &[(&[&str], &str)] = &[
            (&["credential-process", text], "profile name"),
            (&["login", NAME], "not found in "),
            (&["env", text], "profile name"),
            (&["exec", text, "--", "true"], "profile name"),
            (&["logout", NAME], "not found in "),
            (&["whoami", NAME], "not found in "),
            (&["profile", "show", NAME], "not found in "),
            (&["profile", "set", NAME, "region", text], "not found in "),
            (&["profile", "set", "prod", text, "x"], "is not a valid key"),
            (&["profile", "set", "prod", "region", text], ""),
            (&["profile", "set", "prod", "mfa_serial", text], ""),
            (&["profile", "rename", "prod", NAME], "is not a name that every SDK can read"),
            (&["profile", "rename", NAME, "x"], "not found in "),
            (&["profile", "remove", NAME], "not found in "),
            (&["profile", "release", NAME], "not found in "),
            (&["profile", "adopt", NAME], "not found in "),
            (&["profile", "add", NAME], ""),
            (&["settings", "set", text, "x"], "unknown setting"),
            (&["settings", "set", "min_ttl", text], "min_ttl cannot be"),
            (&["settings", "set", "keyring", text], "keyring cannot be"),
            (&["settings", "set", "endpoints.allow", text], "endpoints.allow cannot be"),
            (&["settings", "set", "aliases.x", text], "alias 'x' cannot be"),
            (&["settings", "unset", text], ""),
            (&["settings", "trust", text], "cannot check who can write to"),
            (&["init", text], ""),
            (&[text], ""),
        ];
        for (args, says) in table {
            refused(&world, &mut world.twolock(*args), says);
        }
        harmless(&world.finish(&mut world.twolock(["profile", "unset", "prod", text])));
    }
    world.log_in("prod");
    for text in hostile() {
        refused(&world, &mut world.twolock(["exec", "prod", "--", &text]), "command '");
    }
}

#[test]
fn a_hostile_variable_is_said_harmless_with_its_cause() {
    for (variable, says) in [
        ("AWS_PROFILE", "profile name"),
        ("AWS_REGION", "AWS_REGION"),
        ("AWS_ENDPOINT_URL_STS", "AWS_ENDPOINT_URL_STS"),
        ("TWOLOCK_MFA_CODE", "TWOLOCK_MFA_CODE"),
        ("TWOLOCK_SESSION_DURATION", "TWOLOCK_SESSION_DURATION"),
        ("TWOLOCK_KEYRING", "TWOLOCK_KEYRING"),
        ("HOME", "not an absolute path"),
    ] {
        for text in hostile() {
            let world = World::new();
            world.write(".aws/config", &CONFIG.replace("region =", "other ="));
            let args: &[&str] = if variable == "AWS_PROFILE" { &["whoami"] } else { &["credential-process", "prod"] };
            refused(&world, world.twolock(args).env(variable, &text), says);
            harmless(&world.finish(world.twolock(["doctor"]).env(variable, &text)));
        }
    }
}

/// Paths are shorter than 4096 bytes.
#[test]
fn a_hostile_file_name_is_said_harmless_with_its_cause() {
    for variable in
        ["AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE", "AWS_CA_BUNDLE", "SSL_CERT_FILE", "XDG_CACHE_HOME"]
    {
        let world = World::new();
        let path = world.home().join(CONTROLS);
        std::fs::create_dir(&path).unwrap();
        let with = |args: &[&str]| {
            let mut command = world.twolock(args);
            command.env("AWS_ENDPOINT_URL_STS", "https://sts.eu-west-1.amazonaws.com").env(variable, &path);
            command
        };
        for args in
            [["credential-process", "prod"].as_slice(), &["profile", "show", "prod"], &["doctor"], &["profile", "list"]]
        {
            harmless(&world.finish(&mut with(args)));
        }
        if !variable.ends_with("_FILE") || variable == "SSL_CERT_FILE" {
            continue;
        }
        std::fs::remove_dir(&path).unwrap();
        world.write(CONTROLS, &format!("{CONFIG}\nx\n[profile q]\nsource_profile = missing\nrole_arn = x\n"));
        let shows: &[&[&str]] = &[
            &["credential-process", "q"],
            &["profile", "show", "q"],
            &["profile", "show", "prod"],
            &["profile", "show", "q", "--json"],
            &["profile", "set", "q", "region", "x y"],
            &["profile", "list"],
            &["doctor"],
            &["doctor", "--json"],
            &["key", "list"],
            &["key", "list", "--json"],
            &["key", "import", "base", "--dry-run"],
            &["key", "add", "q"],
            &["key", "remove", "q"],
            &["status"],
        ];
        for args in shows {
            harmless(&world.finish(&mut with(args)));
        }
    }
}

#[test]
fn hostile_settings_of_our_own_file_are_said_harmless() {
    let quoted = |text: &str| serde_json::to_string(text).unwrap().replace('\u{7f}', "\\u007f");
    for text in hostile() {
        for settings in [
            format!("min_ttl = {}", quoted(&text)),
            format!("{} = 1", quoted(&text)),
            format!("[aliases]\n{} = \"prod\"", quoted(&text)),
            format!("[aliases]\nx = {}", quoted(&text)),
            format!("[endpoints]\nallow = [{}]", quoted(&text)),
            format!("a {text}"),
        ] {
            let world = World::new();
            world.write(".config/twolock/config.toml", &settings);
            for args in [
                ["login", "prod"].as_slice(),
                &["login", "x"],
                &["settings", "list"],
                &["doctor"],
                &["doctor", "--json"],
            ] {
                harmless(&world.finish(&mut world.twolock(args)));
            }
        }
    }
}

#[test]
fn hostile_words_of_aws_are_said_harmless_and_short() {
    for text in hostile() {
        let text: String = text.chars().filter(|c| *c != '\u{1b}').collect();
        let world = World::new();
        let body = format!(
            "<ErrorResponse><Error><Code>AccessDenied</Code><Message>no &#x9b;2J {text}</Message></Error></ErrorResponse>"
        );
        let head =
            format!("HTTP/1.1 403 Forbidden\r\nContent-Type: text/xml\r\nContent-Length: {}\r\n\r\n", body.len());
        let sink = Sink::start(SinkAnswer::Bytes((head + &body).into_bytes())).unwrap();
        let url = format!("http://127.0.0.1:{}", sink.port());
        world.write(".aws/config", &CONFIG.replace("{url}", &url));
        let mut command = world.twolock(["credential-process", "prod"]);
        refused(&world, command.env("TWOLOCK_MFA_CODE", "123456"), "AccessDenied: no ");
        let ran = world.finish(world.twolock(["credential-process", "prod"]).env("TWOLOCK_MFA_CODE", "654321"));
        assert!(ran.stderr.lines().all(|line| line.chars().count() < 600), "{ran:.3000?}");
    }
}

#[test]
fn hostile_words_of_a_code_program_are_said_harmless_and_short() {
    for text in hostile() {
        let world = World::new();
        world.write("words", &text);
        let program = world.home().join("code");
        world.write("code", &format!("#!/bin/sh\ncat '{}' >&2\nexit 3\n", world.home().join("words").display()));
        crate::world::make_runnable(&program);
        let config = CONFIG.replace("{url}", world.sandbox.url());
        let line = format!("mfa_process = {}\nmfa_serial", program.display());
        world.write(".aws/config", &config.replace("mfa_serial", &line));
        let ran = world.finish(&mut world.twolock(["credential-process", "prod"]));
        harmless(&ran);
        assert!(ran.code == 4 && ran.stderr.lines().all(|line| line.chars().count() < 700), "{ran:.3000?}");
    }
}

#[test]
fn hostile_words_of_a_program_that_prints_credentials_are_said_harmless_and_short() {
    for text in hostile() {
        for (does, code) in [("cat \"$0.words\" >&2; exit 3", 4), ("cat \"$0.words\"", 3), ("cat \"$0.json\"", 3)] {
            let world = World::new();
            world.write("vend.words", &text);
            let json =
                serde_json::json!({ "Version": 1, "AccessKeyId": text, "SecretAccessKey": text, "Expiration": text });
            world.write("vend.json", &json.to_string());
            world.write("vend", &format!("#!/bin/sh\n{does}\n"));
            let program = world.home().join("vend");
            crate::world::make_runnable(&program);
            world.add_config(&format!("[profile {NAME}]\ncredential_process = {}\n", program.display()));
            let ran = world.finish(&mut world.twolock(["credential-process", NAME]));
            harmless(&ran);
            assert!(ran.code == code && ran.stderr.lines().all(|line| line.chars().count() < 700), "{ran:.3000?}");
        }
    }
}
