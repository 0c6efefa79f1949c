use crate::rounded;
use crate::world::{Clock, World};

#[test]
fn one_code_is_enough_for_every_role() {
    let world = World::new();
    let ran = world.run_with_code(["login", "prod"]);
    assert_eq!(
        (ran.code, rounded(&ran.stdout).as_str(), ran.stderr.as_str()),
        (0, "prod: credentials in account 123456789012, 1h left\n", "")
    );
    let ran = world.run(["login", "deploy"]);
    assert_eq!(
        (ran.code, rounded(&ran.stdout).as_str(), ran.stderr.as_str()),
        (0, "deploy: credentials in account 444455556666, 1h left\n", "")
    );
    assert_eq!((world.sandbox.count("GetSessionToken"), world.sandbox.count("AssumeRole")), (1, 2));
}

#[test]
fn a_long_role_session_lasts_as_long_as_configured() {
    let world = World::new();
    world.add_config("[profile day]\nrole_arn = arn:aws:iam::123456789012:role/Day\nsource_profile = base\nduration_seconds = 14400\nendpoint_url = {url}\n");
    world.sandbox.add_role(crate::world::Role {
        max_duration: 14_400,
        ..crate::world::Role::trusting("123456789012", "Day", "arn:aws:iam::123456789012:user/ana")
    });
    let ran = world.run_with_code(["login", "day"]);
    assert_eq!((ran.code, rounded(&ran.stdout).as_str()), (0, "day: credentials in account 123456789012, 4h left\n"));
    assert_eq!((world.sandbox.count("GetSessionToken"), world.sandbox.count("AssumeRole")), (0, 1));
}

#[test]
fn duration_sets_how_long_the_profiles_own_credentials_last() {
    let world = World::new();
    world.log_in("prod");
    let ran = world.run(["login", "prod", "--duration", "20m"]);
    assert_eq!((ran.code, rounded(&ran.stdout).as_str()), (0, "prod: credentials in account 123456789012, 20m left\n"));
    let ran = world.run(["exec", "prod", "--duration", "20m", "sh", "-c", "echo $AWS_ACCESS_KEY_ID"]);
    assert_eq!(
        (ran.code, world.sandbox.count("AssumeRole")),
        (0, 2),
        "a session of that length is used again: {ran:?}"
    );
    let ran = world.run(["env", "prod", "--duration", "1200", "--format", "dotenv"]);
    assert_eq!((ran.code, world.sandbox.count("AssumeRole")), (0, 2), "{ran:?}");
    assert_eq!(world.run(["env", "prod", "--duration", "1h", "--format", "dotenv"]).code, 0);
    // The session below is shared, and stays as it is.
    assert_eq!((world.sandbox.count("AssumeRole"), world.sandbox.count("GetSessionToken")), (3, 1));
    let ran = world.run_with_code(["login", "base", "--duration", "1h"]);
    assert_eq!((ran.code, rounded(&ran.stdout).as_str()), (0, "base: credentials in account 123456789012, 1h left\n"));
}

#[test]
fn a_role_for_longer_than_an_hour_takes_a_code_of_its_own() {
    let world = World::new();
    world.sandbox.add_role(crate::world::Role {
        max_duration: 14_400,
        ..crate::world::Role::trusting("123456789012", "Admin", "arn:aws:iam::123456789012:user/ana")
    });
    let ran = world.run_with_code(["login", "prod", "--duration", "4h"]);
    assert_eq!((ran.code, rounded(&ran.stdout).as_str()), (0, "prod: credentials in account 123456789012, 4h left\n"));
    assert_eq!((world.sandbox.count("GetSessionToken"), world.sandbox.count("AssumeRole")), (0, 1));
    // It lives, so it serves whoever asks for no length.
    assert_eq!(world.run(["credential-process", "prod"]).code, 0);
}

#[test]
fn a_duration_that_aws_does_not_accept_is_a_usage_error_before_any_question() {
    let world = World::new();
    world.add_config("[profile top]\nrole_arn = arn:aws:iam::123456789012:role/Top\nsource_profile = prod\n");
    for (args, text) in [
        (
            ["login", "prod", "--duration", "13h"],
            "profile 'prod': --duration 13h is out of range: AWS accepts 15m to 12h",
        ),
        (
            ["exec", "base", "--duration", "37h"],
            "profile 'base': --duration 37h is out of range: AWS accepts 15m to 36h",
        ),
        (
            ["exec", "base", "--duration", "36h1s"],
            "profile 'base': --duration 36h1s is out of range: AWS accepts 15m to 36h",
        ),
        (
            ["login", "top", "--duration", "1h1s"],
            "profile 'top': --duration of 1h1s is too long: AWS limits roles assumed through other roles to 1h",
        ),
        (["env", "base", "--duration", "5m"], "profile 'base': --duration 5m is out of range: AWS accepts 15m to 36h"),
        (
            ["login", "top", "--duration", "2h"],
            "profile 'top': --duration of 2h is too long: AWS limits roles assumed through other roles to 1h",
        ),
        (
            ["login", "prod", "--duration", "soon"],
            "invalid value 'soon' for '--duration <DURATION>': write 40m, 2h or a number of seconds\n\
             twolock: hint: try '--help'",
        ),
    ] {
        let ran = world.run(args);
        assert_eq!((ran.code, ran.stderr), (2, format!("twolock: error: {text}\n")), "{args:?}");
    }
    assert_eq!(world.sandbox.connections(), 0);
}

#[test]
fn an_active_session_is_reused_without_a_code() {
    let world = World::new();
    world.log_in("base");
    let ran = world.run(["login", "base"]);
    assert_eq!(
        (ran.code, rounded(&ran.stdout).as_str(), ran.stderr.as_str()),
        (0, "base: credentials in account 123456789012, 12h left\n", "")
    );
    assert_eq!(world.sandbox.count("GetSessionToken"), 1);
}

#[test]
fn fresh_asks_again_and_renews_the_role_sessions() {
    let world = World::new();
    world.log_in("prod");
    let before = world.run(["credential-process", "prod"]);
    // A minute later by the sandbox's clock, so that the device shows another code.
    world.sandbox.set_clock(Clock::Offset(60));
    // Fresh means: not created before the second of the request.
    std::thread::sleep(std::time::Duration::from_millis(1_100));
    world.run(["login", "prod", "--fresh"]).is(
        9,
        "",
        "twolock: error: profile 'prod': needs an MFA code from arn:aws:iam::123456789012:mfa/ana: no terminal; \
         run in a terminal: twolock login prod --fresh\n",
    );
    assert_eq!(world.run_with_code(["login", "prod", "--fresh"]).code, 0);
    let after = world.run(["credential-process", "prod"]);
    assert_ne!(before.json()["AccessKeyId"], after.json()["AccessKeyId"]);
    assert_eq!((world.sandbox.count("GetSessionToken"), world.sandbox.count("AssumeRole")), (2, 2));
}

#[test]
fn a_session_without_mfa_is_noted_first() {
    let world = World::new();
    world.write(".aws/config", "[profile base]\nregion = eu-west-1\nendpoint_url = {url}\n");
    let ran = world.run(["login", "base"]);
    assert_eq!((ran.code, rounded(&ran.stdout).as_str()), (0, "base: credentials, 12h left\n"));
    let note =
        "twolock: note: profile 'base': no mfa_serial, so this session has no MFA and AWS will reject IAM calls\n";
    assert_eq!(ran.stderr, note);
}

#[test]
fn a_refusal_by_aws_is_reported_with_a_hint() {
    let world = World::new();
    world.add_config("[profile closed]\nrole_arn = arn:aws:iam::444455556666:role/Closed\nsource_profile = base\nendpoint_url = {url}\n");
    world.sandbox.add_role(crate::world::Role::new("444455556666", "Closed"));
    let ran = world.run_with_code(["login", "closed"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (4, ""));
    let first = ran.stderr.lines().next().unwrap();
    assert!(
        first.starts_with(
            "twolock: error: profile 'closed': not allowed to assume arn:aws:iam::444455556666:role/Closed (STS at \
             127.0.0.1:PORT, not AWS: AccessDenied: User: arn:aws:iam::123456789012:user/ana is not authorized"
        ),
        "{first}"
    );
    assert!(ran.stderr.contains("\ntwolock: hint: if it requires a recent code: twolock login closed --fresh\n"));
    // The session is cached: the next profile needs no code.
    assert_eq!(world.run(["login", "prod"]).code, 0);
}

#[test]
fn a_variable_that_names_no_profile_is_named() {
    let world = World::new();
    for (variables, named) in [
        (&[("AWS_PROFILE", "stage")][..], "AWS_PROFILE"),
        (&[("AWS_DEFAULT_PROFILE", "stage")], "AWS_DEFAULT_PROFILE"),
        (&[("AWS_PROFILE", "stage"), ("AWS_DEFAULT_PROFILE", "prod")], "AWS_PROFILE"),
    ] {
        for args in [&["login"][..], &["credential-process"], &["exec", "--", "true"], &["profile", "show"]] {
            let ran = world.finish(world.twolock(args).envs(variables.iter().copied()));
            ran.is(
                3,
                "",
                &format!(
                    "twolock: error: profile 'stage': named by {named}, but not found in ~/.aws/config or \
                     ~/.aws/credentials\ntwolock: hint: profiles: 'base', 'prod', 'deploy', 'long'\n"
                ),
            );
        }
    }
}

#[test]
fn a_variable_that_leads_to_a_missing_file_is_named() {
    let world = World::new();
    for (variable, files) in [
        ("AWS_CONFIG_FILE", "~/gone (AWS_CONFIG_FILE: no such file) or ~/.aws/credentials"),
        ("AWS_SHARED_CREDENTIALS_FILE", "~/.aws/config or ~/gone (AWS_SHARED_CREDENTIALS_FILE: no such file)"),
    ] {
        for args in [&["login", "stage"][..], &["profile", "set", "stage", "region", "x", "--yes"]] {
            let ran = world.finish(world.twolock(args).env(variable, "~/gone"));
            let line = format!("twolock: error: profile 'stage': not found in {files}\n");
            assert!(ran.code == 3 && ran.stderr.starts_with(&line), "{ran:?}");
        }
    }
    let mut command = world.twolock(["profile", "list"]);
    command.envs([("AWS_CONFIG_FILE", "~/gone"), ("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")]);
    let none = "no profiles in ~/gone (AWS_CONFIG_FILE: no such file) or /dev/null; run: twolock setup\n";
    world.finish(&mut command).is(0, none, "");
    world.finish(command.arg("--json")).is(0, "{\n  \"profiles\": []\n}\n", "");
    let mut command = world.twolock(["login"]);
    command.envs([("AWS_CONFIG_FILE", "~/gone"), ("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")]);
    world.finish(&mut command).is(
        2,
        "",
        "twolock: error: no profile given: name one, or set AWS_PROFILE\n\
         twolock: hint: there are no profiles in ~/gone (AWS_CONFIG_FILE: no such file) or /dev/null; run: twolock setup\n",
    );
}
