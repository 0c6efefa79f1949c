//! `--by-name`: the profile's name and no keys, and only where that is enough.

use crate::exit_codes::without_kernel_keyring;
use crate::world::{ADMIN, Ran, World, without_terminal};

/// Profiles that every client gets from twolock: of a key, of a role, of a role that takes its region from the key.
const ADOPTED: &str = "\
[profile keys]
region = eu-north-1

[profile base]
region = eu-west-1
mfa_serial = arn:aws:iam::123456789012:mfa/ana
twolock_source_profile = keys
endpoint_url = {url}
credential_process = twolock credential-process --profile base

[profile prod]
region = eu-west-1
mfa_serial = arn:aws:iam::123456789012:mfa/ana
twolock_role_arn = arn:aws:iam::123456789012:role/Admin
twolock_source_profile = keys
endpoint_url = {url}
credential_process = twolock credential-process --profile prod

[profile deploy]
mfa_serial = arn:aws:iam::123456789012:mfa/ana
twolock_role_arn = arn:aws:iam::444455556666:role/Deploy
twolock_source_profile = keys
endpoint_url = {url}
credential_process = twolock credential-process --profile deploy

[profile half]
mfa_serial = arn:aws:iam::123456789012:mfa/ana
role_arn = arn:aws:iam::123456789012:role/Admin
source_profile = base
endpoint_url = {url}

[profile plain]
role_arn = arn:aws:iam::123456789012:role/Admin
source_profile = unadopted
endpoint_url = {url}

[profile unadopted]
mfa_serial = arn:aws:iam::123456789012:mfa/ana
endpoint_url = {url}

[profile guarded]
twolock_protected = true
mfa_serial = arn:aws:iam::123456789012:mfa/ana
twolock_role_arn = arn:aws:iam::123456789012:role/Admin
twolock_source_profile = keys
endpoint_url = {url}
credential_process = twolock credential-process --profile guarded

[profile lent]
mfa_serial = arn:aws:iam::123456789012:mfa/ana
twolock_source_profile = keys
endpoint_url = {url}
credential_process = twolock credential-process --profile lent

[profile a*b]
mfa_serial = arn:aws:iam::123456789012:mfa/ana
twolock_source_profile = keys
endpoint_url = {url}
credential_process = twolock credential-process --profile \"a*b\"
";

const KEY: &str =
    "aws_access_key_id = AKIAIOSFODNN7EXAMPLE\naws_secret_access_key = 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\n";

pub fn adopted() -> World {
    let world = World::new();
    world.write(".aws/config", ADOPTED);
    world.write(".aws/credentials", &format!("[keys]\n{KEY}[unadopted]\n{KEY}"));
    world.write(".config/twolock/config.toml", "[aliases]\np = \"prod\"\n");
    world
}

/// What a shell script prints that evaluates statements.
fn sh(world: &World, script: &str) -> Ran {
    let mut command = world.program("sh");
    command.args(["-c", script]);
    without_terminal(&mut command);
    world.finish(&mut command)
}

/// Every variable of AWS and of ours.
const SEEN: &str = "env | grep -E '^(AWS|TWOLOCK)_' | grep -v ACCOUNT_HOME | sed 's/:[0-9a-f]\\{8\\}//g' | sort";

/// The keyword of a duration: the session of the code, not that of the role.
fn without_expiration(text: &str) -> String {
    let kept = text.lines().filter(|line| !line.starts_with("TWOLOCK_EXPIRATION=20"));
    kept.map(|line| format!("{line}\n")).collect()
}

#[test]
fn the_name_is_set_and_everything_that_would_hide_it_is_removed() {
    let world = adopted();
    world.log_in("prod");
    let old = "export AWS_PROFILE=old AWS_DEFAULT_PROFILE=old AWS_ACCESS_KEY_ID=AKIAOLD AWS_SECRET_ACCESS_KEY=old \
        AWS_SESSION_TOKEN=old AWS_SECURITY_TOKEN=old AWS_CREDENTIAL_EXPIRATION=2001-01-01T00:00:00Z \
        AWS_ACCOUNT_ID=999999999999 AWS_ROLE_ARN=old AWS_ROLE_SESSION_NAME=old AWS_WEB_IDENTITY_TOKEN_FILE=old \
        AWS_CONTAINER_CREDENTIALS_RELATIVE_URI=old AWS_CONTAINER_CREDENTIALS_FULL_URI=old \
        AWS_CONTAINER_AUTHORIZATION_TOKEN=old AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE=old \
        AWS_BEARER_TOKEN_BEDROCK=old AWS_REGION=us-old-1 AWS_DEFAULT_REGION=us-old-1 TWOLOCK_RUNNING=old";
    let ran = sh(&world, &format!("{old}; eval $(twolock env prod --by-name) && {SEEN}"));
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
    assert_eq!(
        without_expiration(&ran.stdout),
        "AWS_PROFILE=prod\nAWS_SDK_LOAD_CONFIG=1\nTWOLOCK_HANDED=AWS_SDK_LOAD_CONFIG,TWOLOCK_PROFILE\n\
         TWOLOCK_PROFILE=prod\n"
    );
    assert!(ran.stdout.contains("TWOLOCK_EXPIRATION=20"), "{ran:?}");
}

#[test]
fn the_region_is_the_profiles_own_or_comes_from_the_profile_of_the_key() {
    let world = adopted();
    world.log_in("prod");
    for (profile, region) in [("prod", ""), ("deploy", "eu-north-1"), ("lent", "eu-north-1")] {
        let script = format!("AWS_REGION=us-old-1; export AWS_REGION; eval \"$(twolock env --by-name {profile})\"");
        sh(&world, &format!("{script}; echo \"$AWS_REGION\" \"$AWS_DEFAULT_REGION\"")).is(
            0,
            &format!("{region} {region}\n"),
            "",
        );
    }
    // Where no profile names one, the user's stays; one that twolock set for another profile does not.
    world.write(".aws/config", &ADOPTED.replace("region = eu-north-1", ""));
    let mine = "export AWS_REGION=us-old-1; eval \"$(twolock env --by-name deploy)\"; echo $AWS_REGION";
    sh(&world, mine).is(0, "us-old-1\n", "");
    let others = "eval \"$(twolock env prod)\"; eval \"$(twolock env --by-name deploy)\"; echo \"[$AWS_REGION]\"";
    sh(&world, others).is(0, "[]\n", "");
}

#[test]
fn a_switch_of_the_users_for_older_sdks_stays() {
    let world = adopted();
    world.log_in("prod");
    let script = "export AWS_SDK_LOAD_CONFIG=0; eval $(twolock env prod --by-name); echo $AWS_SDK_LOAD_CONFIG
        eval $(twolock env --unset); echo $AWS_SDK_LOAD_CONFIG; unset AWS_SDK_LOAD_CONFIG
        eval $(twolock env prod --by-name); eval $(twolock env prod --by-name); echo $AWS_SDK_LOAD_CONFIG
        eval $(twolock env --unset); echo [$AWS_SDK_LOAD_CONFIG]";
    sh(&world, script).is(0, "0\n0\n1\n[]\n", "");
}

#[test]
fn unset_removes_the_name_that_it_set_and_no_other() {
    let world = adopted();
    world.log_in("prod");
    sh(&world, &format!("eval $(twolock env prod --by-name); eval $(twolock env --unset); {SEEN}")).is(0, "", "");
    let own = format!("eval $(twolock env prod --by-name); AWS_PROFILE=base; eval $(twolock env --unset); {SEEN}");
    sh(&world, &own).is(0, "AWS_PROFILE=base\n", "");
    let keys = format!("eval $(twolock env prod); export AWS_PROFILE=base; eval $(twolock env --unset); {SEEN}");
    sh(&world, &keys).is(0, "AWS_PROFILE=base\n", "");
    let hidden = "eval $(twolock env prod --by-name); export AWS_ACCESS_KEY_ID=AKIAOTHEROTHEROTHER1";
    sh(&world, &format!("{hidden}; eval $(twolock env --unset); {SEEN}")).is(0, "", "");
}

#[test]
fn keys_after_a_name_and_a_name_after_keys_leave_nothing_of_the_other() {
    let world = adopted();
    world.log_in("prod");
    let keys = "eval $(twolock env base --by-name); eval $(twolock env prod)";
    let ran = sh(&world, &format!("{keys}; {SEEN} | cut -d= -f1 | tr '\\n' ' '"));
    ran.is(
        0,
        "AWS_ACCESS_KEY_ID AWS_ACCOUNT_ID AWS_CREDENTIAL_EXPIRATION AWS_DEFAULT_REGION AWS_ENDPOINT_URL AWS_REGION \
         AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN TWOLOCK_HANDED TWOLOCK_PROFILE ",
        "",
    );
    let name = "eval $(twolock env prod); eval $(twolock env base --by-name)";
    let ran = sh(&world, &format!("{name}; {SEEN} | cut -d= -f1 | tr '\\n' ' '"));
    ran.is(0, "AWS_PROFILE AWS_SDK_LOAD_CONFIG TWOLOCK_EXPIRATION TWOLOCK_HANDED TWOLOCK_PROFILE ", "");
}

#[test]
fn an_alias_is_resolved_because_sdks_know_none() {
    let world = adopted();
    world.log_in("p");
    sh(&world, "eval $(twolock env p --by-name); echo $AWS_PROFILE $TWOLOCK_PROFILE").is(0, "prod prod\n", "");
    world.run(["exec", "p", "--by-name", "--", "printenv", "AWS_PROFILE"]).is(0, "prod\n", "");
}

#[test]
fn it_expires_with_the_session_of_the_code_and_never_without_one() {
    let world = adopted();
    world.log_in("prod");
    let sessions = world.sandbox.sessions();
    let of_code = sessions.iter().find(|session| session.role_arn.is_none()).unwrap();
    let of_role = sessions.iter().find(|session| session.role_arn.as_deref() == Some(ADMIN)).unwrap();
    assert!(of_code.expires_at > of_role.expires_at);
    let ran = world.run(["exec", "prod", "--by-name", "--", "sh", "-c", "date -d $TWOLOCK_EXPIRATION +%s"]);
    ran.is(0, &format!("{}\n", of_code.expires_at), "");
    world.write(".aws/config", &ADOPTED.replace("mfa_serial = arn:aws:iam::123456789012:mfa/ana\n", ""));
    let ran = world.run(["exec", "base", "--by-name", "--", "sh", "-c", "echo [$TWOLOCK_EXPIRATION]"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (0, "[]\n"), "{ran:?}");
}

#[test]
fn a_session_is_started_before_the_name_is_given() {
    let world = adopted();
    for (args, code, stdout) in
        [(vec!["env", "prod", "--by-name"], 9, "false;\n"), (vec!["exec", "prod", "--by-name", "--", "true"], 9, "")]
    {
        let ran = world.finish(&mut world.twolock(&args));
        assert_eq!((ran.code, ran.stdout.as_str()), (code, stdout), "{args:?}: {ran:?}");
    }
    let ran = world.run_with_code(["exec", "prod", "--by-name", "--", "twolock", "credential-process", "prod"]);
    assert!(ran.code == 0 && ran.stdout.contains("\"AccessKeyId\":\"ASIA"), "{ran:?}");
    assert_eq!(world.sandbox.count("GetSessionToken"), 1);
}

#[test]
fn where_the_name_is_not_enough_nothing_is_given_and_nobody_is_asked() {
    let world = adopted();
    let no = "--by-name is not possible";
    let cli = "the AWS CLI and SDKs do not use twolock for it";
    for (profile, code, says) in [
        ("plain", 3, format!("profile 'plain': {no}: {cli}\ntwolock: hint: twolock profile adopt plain\n")),
        ("unadopted", 3, format!("profile 'unadopted': {no}: {cli}\ntwolock: hint: twolock profile adopt unadopted\n")),
        (
            "half",
            3,
            format!(
                "profile 'half': {no}: not every SDK uses twolock for it\ntwolock: hint: twolock profile adopt half\n"
            ),
        ),
        ("a*b", 3, format!("profile 'a*b': {no}: {cli}\ntwolock: hint: twolock profile show 'a*b'\n")),
        (
            "guarded",
            3,
            format!(
                "profile 'guarded': {no}: it is protected, and gives its credentials to twolock env and twolock exec only\n"
            ),
        ),
    ] {
        let ran = world.finish(world.twolock(["env", profile, "--by-name"]).env("TWOLOCK_MFA_CODE", "000000"));
        ran.is(code, "false;\n", &format!("twolock: error: {says}"));
    }
    let ran = world.run(["exec", "plain", "--by-name", "--", "echo", "ran"]);
    ran.is(
        3,
        "",
        &format!("twolock: error: profile 'plain': {no}: {cli}\ntwolock: hint: twolock profile adopt plain\n"),
    );
    assert_eq!(world.sandbox.connections(), 0);
}

#[test]
fn the_hint_makes_the_name_enough() {
    let world = adopted();
    world.write(".config/twolock/config.toml", "keyring = \"file\"\n");
    for profile in ["half", "unadopted"] {
        let adopted = world.run_with_code(["profile", "adopt", profile, "--yes"]);
        assert_eq!(adopted.code, 0, "{adopted:?}");
        let ran = world.run_with_code(["exec", profile, "--by-name", "--", "printenv", "AWS_PROFILE"]);
        assert_eq!((ran.code, ran.stdout), (0, format!("{profile}\n")), "{}", ran.stderr);
    }
}

#[test]
fn a_session_that_cannot_be_saved_is_no_session_of_a_name() {
    let world = adopted();
    let mut command = world.twolock(["env", "prod", "--by-name"]);
    let ran = world.finish(without_kernel_keyring(command.env("TWOLOCK_MFA_CODE", world.code())));
    assert_eq!((ran.code, ran.stdout.as_str()), (5, "false;\n"), "{ran:?}");
    assert_eq!(world.sandbox.connections(), 0, "no code was spent");
}

#[test]
fn if_possible_gives_the_name_else_keys_with_one_note() {
    let world = adopted();
    let env = |profile: &str| world.twolock(["env", "--by-name=if-possible", "--format", "json", profile]);
    let ran = world.finish(env("prod").env("TWOLOCK_MFA_CODE", world.code()));
    let json = ran.json();
    assert_eq!((ran.code, ran.stderr.as_str(), json["AWS_PROFILE"].as_str()), (0, "", Some("prod")));
    assert!(json.get("AWS_ACCESS_KEY_ID").is_none(), "{json}");
    for (profile, why) in [
        ("plain", "the AWS CLI and SDKs do not use twolock for it (twolock profile adopt plain)"),
        ("half", "not every SDK uses twolock for it (twolock profile adopt half)"),
    ] {
        let ran = world.finish(&mut env(profile));
        let note = format!("twolock: note: profile '{profile}': keys are set instead of AWS_PROFILE: {why}\n");
        assert_eq!((ran.code, ran.stderr.as_str()), (0, note.as_str()));
        let json = ran.json();
        assert!(json["AWS_ACCESS_KEY_ID"].as_str().unwrap().starts_with("ASIA"), "{json}");
        assert!(json.get("AWS_PROFILE").is_none() && json["TWOLOCK_PROFILE"] == profile, "{json}");
    }
    let mut command = env("prod");
    let ran = world.finish(without_kernel_keyring(command.env("TWOLOCK_MFA_CODE", world.code())));
    assert!(ran.code == 0 && ran.json()["AWS_ACCESS_KEY_ID"].as_str().unwrap().starts_with("ASIA"), "{ran:?}");
    assert_eq!(ran.stderr.lines().count(), 1, "{ran:?}");
    let note = "twolock: note: profile 'prod': keys are set instead of AWS_PROFILE: ";
    assert!(ran.stderr.starts_with(note) && ran.stderr.contains("the session is not saved"), "{ran:?}");
}

#[test]
fn a_subshell_says_what_it_has() {
    let world = adopted();
    world.log_in("prod");
    let ran = world.finish(world.twolock(["exec", "prod", "--by-name"]).env("SHELL", "/bin/sh"));
    let note = "twolock: note: subshell with AWS_PROFILE=prod, 11h 59m until the next code; exit to leave\n";
    assert_eq!((ran.code, crate::rounded(&ran.stderr)), (0, crate::rounded(note)));
}

#[test]
fn an_env_file_and_json_have_the_name_too() {
    let world = adopted();
    world.log_in("prod");
    let file = world.run(["env", "prod", "--by-name", "--format", "dotenv"]).stdout;
    assert!(file.starts_with("AWS_PROFILE=prod\nAWS_SDK_LOAD_CONFIG=1\nTWOLOCK_PROFILE=prod\n"), "{file}");
    // A name that a shell could change is left out beside keys.
    let keys = world.run(["env", "a*b", "--format", "dotenv"]);
    assert!(keys.code == 0 && !keys.stdout.contains("\nTWOLOCK_PROFILE="), "{keys:?}");
}
