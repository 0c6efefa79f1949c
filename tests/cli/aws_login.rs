//! `aws login` as a source: its session, its renewal, and what is cached on it.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use twolock_sandbox::LoginState;

use crate::world::sign_ins::{ANA, LOGIN, login_file};
use crate::world::{ACCOUNT, OTHER_ACCOUNT, Role, World};

const RENEWAL: &str = "CreateOAuth2Token";

const HINTS: &str = "; run in a terminal: twolock login ana\n\
    twolock: hint: or without twolock: aws login --profile ana\n";

#[track_caller]
fn key(world: &World, profile: &str) -> String {
    world.run(["credential-process", profile]).json()["AccessKeyId"].as_str().unwrap().to_owned()
}

#[test]
fn a_session_that_lives_is_used_as_it_is() {
    let (world, login) = World::logged_in();
    let printed = world.run(["credential-process", "ana"]).json();
    for (name, value) in [
        ("AccessKeyId", &login.access_key_id),
        ("SecretAccessKey", &login.secret_access_key),
        ("SessionToken", &login.session_token),
    ] {
        assert_eq!(&printed[name], value, "{name}");
    }
    assert_eq!(world.run(["whoami", "ana", "--json"]).json()["arn"], ANA);
    assert_eq!(world.run(["env", "ana", "--format", "json"]).json()["AWS_ACCESS_KEY_ID"], login.access_key_id.as_str());
    let ran = world.run(["exec", "hub", "--", "sh", "-c", "echo $AWS_ACCESS_KEY_ID"]);
    assert_eq!(ran.stdout.trim_end(), key(&world, "hub"));
    assert_eq!(world.counts([RENEWAL, "AssumeRole"]), [0, 1]);
    let sessions = world.run(["status", "--json"]).json();
    assert!(sessions["sessions"].as_array().unwrap().iter().any(|one| one["kind"] == "login"), "{sessions}");
}

#[test]
fn a_session_that_ended_is_renewed_once_and_everything_else_in_its_file_stays() {
    let (world, login) = World::logged_in();
    let mut file = world.login_ends_in(&login, -1).cache_json();
    file["theirs"] = "kept".into();
    world.write(&login_file(&login), &file.to_string());
    let given = key(&world, "ana");
    let renewed = world.login(&login);
    assert_eq!(renewed["accessToken"]["accessKeyId"], given.as_str());
    for changed in ["accessKeyId", "secretAccessKey", "sessionToken", "expiresAt"] {
        assert_ne!(renewed["accessToken"][changed], file["accessToken"][changed], "{changed}");
        file["accessToken"][changed] = renewed["accessToken"][changed].clone();
    }
    assert_ne!(renewed["refreshToken"], file["refreshToken"]);
    file["refreshToken"] = renewed["refreshToken"].clone();
    assert_eq!(renewed, file);
    let mode = fs::metadata(world.home().join(login_file(&login))).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert_eq!(key(&world, "ana"), given);
    assert!(world.run(["whoami", "hub"]).stdout.contains(":assumed-role/Hub/"));
    assert_eq!(world.counts([RENEWAL, "AssumeRole"]), [1, 1]);
    // Once more, with the token and the proof of the renewed session.
    let mut again = renewed.clone();
    again["accessToken"]["expiresAt"] = "2020-01-01T00:00:00Z".into();
    world.write(&login_file(&login), &again.to_string());
    assert_eq!(world.run(["logout", "ana"]).code, 0);
    assert_ne!(key(&world, "ana"), given);
    assert_eq!(world.sandbox.count(RENEWAL), 2);
}

#[test]
fn a_role_above_a_session_that_ended_is_assumed_after_its_renewal() {
    let (world, login) = World::logged_in();
    world.login_ends_in(&login, -1);
    let given = key(&world, "hub");
    assert_eq!((key(&world, "hub"), world.counts([RENEWAL, "AssumeRole"])), (given, [1, 1]));
}

#[test]
fn what_the_sign_in_refuses_is_said_with_what_to_do() {
    for (state, code, says, hints) in [
        (
            LoginState::CredentialsChanged,
            9,
            "the sign-in to AWS as arn:aws:iam::123456789012:user/ana was ended: the password or the MFA device has \
             changed (AWS sign-in at 127.0.0.1:PORT, not AWS: ",
            HINTS,
        ),
        (
            LoginState::Expired,
            9,
            "the sign-in to AWS as arn:aws:iam::123456789012:user/ana has expired or was ended (AWS sign-in at ",
            HINTS,
        ),
        (
            LoginState::NotPermitted,
            4,
            "your user may not renew the sign-in (AWS sign-in at ",
            "twolock: hint: its policies must allow signin:CreateOAuth2Token\n",
        ),
    ] {
        let (world, login) = World::logged_in();
        world.login_ends_in(&login, -1);
        world.sandbox.set_login_state(ANA, state);
        let ran = world.run(["credential-process", "ana"]);
        assert_eq!((ran.code, ran.stdout.as_str()), (code, ""), "{state:?}: {ran:?}");
        let start = format!("twolock: error: profile 'ana' (~/.aws/config:2): {says}");
        assert!(ran.stderr.starts_with(&start) && ran.stderr.ends_with(hints), "{state:?}: {ran:?}");
        assert_eq!(
            (world.login(&login)["refreshToken"].as_str(), world.sandbox.count(RENEWAL)),
            (Some(login.refresh_token.as_str()), 1)
        );
        // While the credentials live, they are used.
        world.login_ends_in(&login, 200);
        let ran = world.run(["credential-process", "ana"]);
        assert_eq!((ran.code, ran.stderr.as_str()), (0, ""), "{state:?}: {ran:?}");
    }
}

#[test]
fn the_cache_may_be_elsewhere() {
    let (world, login) = World::logged_in();
    let elsewhere = world.home().join("elsewhere");
    fs::rename(world.home().join(".aws/login/cache"), &elsewhere).unwrap();
    let ran = world.run(["credential-process", "ana"]);
    let text = format!("twolock: error: profile 'ana' (~/.aws/config:2): not signed in to AWS as {ANA}{HINTS}");
    ran.is(9, "", &text);
    let run = |args: &[&str]| world.finish(world.twolock(args).env("AWS_LOGIN_CACHE_DIRECTORY", &elsewhere));
    assert_eq!(run(&["credential-process", "ana"]).json()["AccessKeyId"], login.access_key_id.as_str());
    assert_eq!(run(&["credential-process", "hub"]).code, 0);
    world.run(["credential-process", "ana"]).is(9, "", &text);
}

#[test]
fn a_session_to_another_account_is_refused() {
    let (world, login) = World::logged_in();
    let other = twolock_sandbox::Login { account: OTHER_ACCOUNT.into(), ..login };
    world.keep_login(&other);
    let ran = world.run(["credential-process", "ana"]);
    let says =
        format!("the sign-in to AWS as {ANA} is for account {OTHER_ACCOUNT}, not 123456789012; run in a terminal: ");
    assert!(ran.code == 9 && ran.stderr.contains(&says), "{ran:?}");
}

#[test]
fn a_damaged_session_is_named_and_not_shown() {
    let (world, login) = World::logged_in();
    let file = login.cache_json();
    for (field, value, says) in [
        ("dpopKey", "-----BEGIN EC PRIVATE KEY-----\nAAAA\n-----END EC PRIVATE KEY-----\n", "dpopKey "),
        ("refreshToken", "two words", "refreshToken is malformed"),
        ("clientId", "", "clientId is missing"),
    ] {
        let mut file = file.clone();
        file[field] = value.into();
        file["accessToken"]["expiresAt"] = "2020-01-01T00:00:00Z".into();
        world.write(&login_file(&login), &file.to_string());
        let ran = world.run(["credential-process", "ana"]);
        assert!(ran.code == 9 && ran.stderr.contains(" is damaged: ") && ran.stderr.contains(says), "{field}: {ran:?}");
    }
    assert_eq!(world.sandbox.connections(), 0);
}

#[test]
fn after_a_sign_out_or_with_another_subject_nothing_cached_is_served() {
    let (world, login) = World::logged_in();
    let before = ["ana", "hub"].map(|profile| key(&world, profile));
    fs::remove_file(world.home().join(login_file(&login))).unwrap();
    for profile in ["ana", "hub"] {
        for verb in ["credential-process", "env", "whoami"] {
            let ran = world.run([verb, profile]);
            assert!(ran.code == 9 && ran.stderr.contains("not signed in to AWS as"), "{verb} {profile}: {ran:?}");
        }
        assert_eq!(world.run(["exec", profile, "--", "true"]).code, 9);
    }
    // Another user's session in its place.
    let bob = world.sandbox.add_user(ACCOUNT, "bob");
    world.sandbox.add_role(Role::trusting(ACCOUNT, "Hub", &bob.arn));
    let of_bob = world.sandbox.open_login(&bob.arn).unwrap();
    world.write(&login_file(&login), &of_bob.cache_json().to_string());
    let after = ["ana", "hub"].map(|profile| key(&world, profile));
    assert!(before.iter().all(|old| !after.contains(old)), "{before:?} {after:?}");
    // The same person, signed in again.
    let again = world.sandbox.open_login(ANA).unwrap();
    world.keep_login(&again);
    assert_ne!(key(&world, "ana"), before[0], "another sign-in");
    assert!(LOGIN.contains(ANA));
}
