//! Single sign-on as a source: its token, its renewal, and what is cached on it.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::process::{Command, Stdio};
use std::time::Duration;

use twolock_sandbox::SsoToken;

use crate::world::sign_ins::SSO;
use crate::world::{ACCOUNT, Fault, FaultKind, Ran, World, eventually};

const PORTAL: &str = "GetRoleCredentials";
const RENEWAL: &str = "CreateToken";

/// Who the credentials of a profile are.
#[track_caller]
fn arn(world: &World, profile: &str) -> String {
    world.run(["whoami", profile, "--json"]).json()["arn"].as_str().unwrap().to_owned()
}

/// The id of the key that `credential-process` gives.
#[track_caller]
fn key(world: &World, profile: &str) -> String {
    world.run(["credential-process", profile]).json()["AccessKeyId"].as_str().unwrap().to_owned()
}

/// Fails unless every verb that hands out credentials says this, and gives nothing.
#[track_caller]
fn nothing_is_served(world: &World, profiles: &[&str], says: &str) {
    for profile in profiles {
        for args in [
            &["credential-process", profile][..],
            &["env", profile],
            &["exec", profile, "--", "true"],
            &["whoami", profile],
        ] {
            let ran = world.finish(&mut world.twolock(args));
            let is_failing_statement = args[0] == "env" && !ran.stdout.contains("AWS_");
            assert!(ran.code == 9 && (ran.stdout.is_empty() || is_failing_statement), "{args:?}: {ran:?}");
            assert!(ran.stderr.contains(says), "{args:?}: {ran:?}");
        }
    }
}

const SIGNED_OUT: &str = "twolock: error: profile 'dev' (~/.aws/config:7): not signed in to SSO 'corp'; \
    run in a terminal: twolock login dev\n\
    twolock: hint: or without twolock: aws sso login --sso-session corp\n";

#[test]
fn every_verb_gives_the_roles_credentials() {
    let (world, _) = World::signed_in();
    let printed = world.run(["credential-process", "dev"]).json();
    let session = world.sandbox.sessions().pop().unwrap();
    for (name, value) in [
        ("AccessKeyId", &session.access_key_id),
        ("SecretAccessKey", &session.secret_access_key),
        ("SessionToken", &session.session_token),
    ] {
        assert_eq!(&printed[name], value, "{name}");
    }
    assert!(printed["Expiration"].is_string(), "{printed}");
    let variables = world.run(["env", "dev", "--format", "json"]).json();
    assert_eq!(variables["AWS_ACCESS_KEY_ID"], session.access_key_id.as_str());
    // The portal's region is not where calls go.
    assert_eq!(variables["AWS_REGION"], "eu-west-1");
    let ran = world.run(["exec", "dev", "--", "sh", "-c", "echo $AWS_ACCESS_KEY_ID"]);
    ran.is(0, &format!("{}\n", session.access_key_id), "");
    assert_eq!(arn(&world, "dev"), session.arn);
    let call = world.sandbox.calls().into_iter().find(|call| call.action == PORTAL).unwrap();
    assert_eq!((call.param("account_id"), call.param("role_name")), (Some(ACCOUNT), Some("Developer")));
    assert_eq!(world.counts([PORTAL, RENEWAL]), [1, 0], "the second answer comes from the cache");
}

#[test]
fn the_older_form_has_a_token_of_its_own() {
    let (world, token) = World::signed_in();
    let ran = world.run(["credential-process", "older"]);
    ran.is(
        9,
        "",
        "twolock: error: profile 'older' (~/.aws/config:21): not signed in to SSO 'https://example.awsapps.com/start'; \
         run in a terminal: twolock login older\n\
         twolock: hint: or without twolock: aws sso login --profile older\n",
    );
    let file = format!(".aws/sso/cache/{}", SsoToken::cache_file_name(&token.start_url));
    world.write(&file, &token.legacy_cache_json().to_string());
    assert!(arn(&world, "older").contains(":assumed-role/AWSReservedSSO_Developer_"));
    assert_eq!(key(&world, "older"), key(&world, "older"));
    assert_eq!(world.counts([PORTAL, RENEWAL]), [1, 0]);
    // It cannot be renewed.
    let ended = SsoToken { expires_at: world.sandbox.now() - 1, ..token };
    world.write(&file, &ended.legacy_cache_json().to_string());
    assert_eq!(world.run(["logout", "older"]).code, 0);
    let ran = world.run(["login", "older"]);
    assert!(ran.code == 9 && ran.stderr.contains("start' has expired; run in a terminal: twolock login "), "{ran:?}");
    assert_eq!(world.sandbox.count(RENEWAL), 0);
}

#[test]
fn roles_above_it_are_assumed_with_its_credentials() {
    let (world, _) = World::signed_in();
    let top = arn(&world, "top");
    assert!(top.starts_with("arn:aws:sts::123456789012:assumed-role/Top/"), "{top}");
    assert!(arn(&world, "hub").contains(":assumed-role/Hub/"));
    assert_eq!(world.counts([PORTAL, "AssumeRole"]), [1, 2], "one a role");
    assert_eq!(arn(&world, "top"), top);
    assert_eq!(world.counts([PORTAL, "AssumeRole"]), [1, 2]);
}

#[test]
fn status_shows_what_it_is_and_when_it_ends() {
    let (world, _) = World::signed_in();
    key(&world, "hub");
    key(&world, "dev");
    let status = world.run(["status", "--json"]).json();
    let sessions = status["sessions"].as_array().unwrap();
    let mut kinds: Vec<_> =
        sessions.iter().map(|one| (one["kind"].as_str().unwrap(), one["profile"].as_str().unwrap())).collect();
    kinds.sort_unstable();
    assert_eq!(kinds, [("role", "hub"), ("sso", "dev")]);
    for session in sessions {
        assert!((3500..=3600).contains(&session["seconds_left"].as_i64().unwrap()), "{session}");
        assert!(session["expires"].as_str().unwrap().ends_with('Z') && session["account"] == ACCOUNT, "{session}");
    }
}

#[test]
fn a_token_that_ended_is_renewed_once_and_everything_else_in_its_file_stays() {
    let (world, token) = World::signed_in();
    let mut file = world.token_ends_in(&token, -1).cache_json();
    file["theirs"] = serde_json::json!({"kept": [1, null, "x"]});
    world.write_token(&file.to_string());
    fs::set_permissions(world.token_file(), fs::Permissions::from_mode(0o644)).unwrap();
    let given = key(&world, "dev");
    assert_eq!(world.counts([RENEWAL, PORTAL]), [1, 1]);
    let renewed = world.token();
    for changed in ["accessToken", "refreshToken", "expiresAt"] {
        assert_ne!(renewed[changed], file[changed], "{changed}");
        file[changed] = renewed[changed].clone();
    }
    assert_eq!(renewed, file);
    assert_eq!(fs::metadata(world.token_file()).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(fs::read_dir(world.token_file().parent().unwrap()).unwrap().count(), 1, "nothing is left beside it");
    assert_eq!(key(&world, "dev"), given, "what was fetched after the renewal is cached");
    assert!(arn(&world, "top").contains("/Top/"));
    assert_eq!(world.counts([RENEWAL, PORTAL]), [1, 1]);
}

#[test]
fn a_token_about_to_end_is_renewed_before_and_a_role_above_it_is_cached_on_the_new_one() {
    let (world, token) = World::signed_in();
    world.token_ends_in(&token, 240);
    let given = key(&world, "top");
    assert_eq!((key(&world, "top"), world.counts([RENEWAL, PORTAL, "AssumeRole"])), (given, [1, 1, 2]));
}

#[test]
fn a_symlink_to_the_token_stays_one() {
    let (world, token) = World::signed_in();
    world.token_ends_in(&token, -1);
    let elsewhere = world.home().join("kept/token.json");
    fs::create_dir(elsewhere.parent().unwrap()).unwrap();
    fs::rename(world.token_file(), &elsewhere).unwrap();
    symlink(&elsewhere, world.token_file()).unwrap();
    key(&world, "dev");
    assert!(fs::symlink_metadata(world.token_file()).unwrap().is_symlink());
    assert_ne!(world.token()["accessToken"], token.access_token.as_str());
    key(&world, "dev");
    assert_eq!(world.sandbox.count(RENEWAL), 1);
}

#[test]
fn a_token_that_cannot_be_renewed_is_used_while_it_lives() {
    let refused = || FaultKind::Error(twolock_sandbox::Refusal::new(400, "InvalidGrantException", "no"));
    for (kind, calls) in
        [(refused(), 1), (FaultKind::Status(500), 1), (FaultKind::DropAfter, 1), (FaultKind::HtmlBody, 1)]
    {
        let (world, token) = World::signed_in();
        world.token_ends_in(&token, 240);
        world.sandbox.fault(Fault::new(kind.clone()).on(RENEWAL).always());
        let ran = world.run(["credential-process", "dev"]);
        assert_eq!((ran.code, ran.stderr.as_str()), (0, ""), "{kind:?}: {ran:?}");
        assert_eq!(world.counts([RENEWAL, PORTAL]), [calls, 1], "{kind:?}");
        assert_eq!(world.run(["credential-process", "dev"]).stdout, ran.stdout);
        assert_eq!(world.counts([RENEWAL, PORTAL]), [calls, 1], "{kind:?}: cached");
    }
}

#[test]
fn a_sign_in_that_expired_says_how_to_sign_in_again_and_both_ways_work() {
    let (world, token) = World::signed_in();
    world.token_ends_in(&token, -1);
    world.sandbox.sso_sign_out("ana");
    let ran = world.run(["credential-process", "dev"]);
    ran.is(
        9,
        "",
        "twolock: error: profile 'dev' (~/.aws/config:7): the sign-in to SSO 'corp' has expired or was ended \
         (SSO OIDC at 127.0.0.1:PORT, not AWS: InvalidGrantException: invalid_grant: Invalid refresh token provided); \
         run in a terminal: twolock login dev\n\
         twolock: hint: or without twolock: aws sso login --sso-session corp\n",
    );
    assert_eq!(world.counts([RENEWAL, PORTAL]), [1, 0]);
    // A role above it names itself in the command, since that signs in where it has to.
    let above = world.run(["credential-process", "top"]);
    assert!(above.code == 9 && above.stderr.contains("run in a terminal: twolock login top\n"), "{above:?}");
    // Without a terminal the first command says the same, and starts nothing.
    assert_eq!(world.run(["login", "dev"]).stderr, ran.stderr);
    // What `aws sso login` leaves is all that is needed; `signing_in.rs` shows the other way.
    world.sign_in("ana");
    assert_eq!(world.run(["credential-process", "dev"]).code, 0);
}

#[test]
fn a_registration_that_ended_is_not_tried() {
    let (world, token) = World::signed_in();
    let ended = SsoToken { expires_at: 0, registration_expires_at: world.sandbox.now() - 1, ..token };
    world.keep_token(&ended);
    let ran = world.run(["credential-process", "dev"]);
    assert!(
        ran.code == 9
            && ran.stderr.contains("the sign-in to SSO 'corp' has expired; run in a terminal: twolock login "),
        "{ran:?}"
    );
    assert_eq!(world.sandbox.connections(), 0);
    // One that AWS forgot on its own.
    let world = World::of_sso();
    let token = world.sandbox.sso_sign_in("ana");
    world.keep_token(&SsoToken { expires_at: 0, client_secret: "another".into(), ..token });
    let ran = world.run(["credential-process", "dev"]);
    assert!(ran.code == 9 && ran.stderr.contains("has expired: AWS no longer knows its client ("), "{ran:?}");
}

#[test]
fn nobody_is_signed_in() {
    let world = World::of_sso();
    world.run(["credential-process", "dev"]).is(9, "", SIGNED_OUT);
    nothing_is_served(&world, &["dev", "hub", "top"], "not signed in to SSO 'corp'");
    assert_eq!(world.sandbox.connections(), 0);
}

#[test]
fn a_token_file_that_is_none_is_named_with_what_is_wrong() {
    let (world, token) = World::signed_in();
    let whole = token.cache_json().to_string();
    let huge = whole.replace('}', &format!(",\"more\":\"{}\"}}", "x".repeat(70_000)));
    let without = |name: &str| whole.replace(&format!("\"{name}\""), "\"other\"");
    let elsewhere = whole.replace("us-east-1", "eu-central-1");
    let stranger = whole.replace("example.awsapps.com", "evil.awsapps.com");
    for (text, code, says) in [
        (String::new(), 9, "the saved sign-in to SSO 'corp' is damaged: "),
        ("[1]".into(), 9, ": it is not a JSON object; run in a terminal: twolock login dev\n"),
        (whole[..200].into(), 9, ": it is not a JSON object; run in a terminal: twolock login dev\n"),
        (without("accessToken"), 9, ": accessToken is missing; run in a terminal: twolock login dev\n"),
        (without("expiresAt"), 9, ": expiresAt is missing; run in a terminal: twolock login dev\n"),
        (
            whole.replace(&token.access_token, "two words"),
            9,
            ": accessToken is malformed; run in a terminal: twolock login dev\n",
        ),
        (huge, 3, "the saved sign-in to SSO 'corp' cannot be read: "),
        (
            elsewhere,
            9,
            "the sign-in to SSO 'corp' is for eu-central-1, but sso_region is us-east-1; run in a terminal: twolock login dev\n",
        ),
        (
            stranger,
            9,
            "the sign-in to SSO 'corp' is for https://evil.awsapps.com/start, but sso_start_url is \
             https://example.awsapps.com/start; run in a terminal: twolock login dev\n",
        ),
    ] {
        world.write_token(&text);
        let ran = world.run(["credential-process", "dev"]);
        assert!(ran.code == code && ran.stdout.is_empty() && ran.stderr.contains(says), "{says}: {ran:?}");
        let has_hints = ran.stderr.contains("run in a terminal: twolock login dev\n");
        assert_eq!(has_hints, code == 9, "{ran:?}");
        assert!(!ran.stderr.contains(&token.access_token[..20]), "{ran:?}");
    }
    assert_eq!(world.sandbox.connections(), 0);
}

#[test]
fn a_pipe_or_a_directory_in_place_of_the_token_holds_nobody_up() {
    let (world, _) = World::signed_in();
    fs::remove_file(world.token_file()).unwrap();
    assert!(Command::new("mkfifo").arg(world.token_file()).status().unwrap().success());
    let ran = world.run(["credential-process", "dev"]);
    assert!(ran.code == 3 && ran.stderr.contains("it is a pipe or device, not a file"), "{ran:?}");
    fs::remove_file(world.token_file()).unwrap();
    fs::create_dir(world.token_file()).unwrap();
    let ran = world.run(["credential-process", "dev"]);
    assert!(ran.code == 3 && ran.stderr.contains("it is a directory"), "{ran:?}");
}

#[test]
fn the_portal_ended_the_sign_in() {
    let (world, _) = World::signed_in();
    world.sandbox.sso_sign_out("ana");
    let ran = world.run(["credential-process", "dev"]);
    ran.is(
        9,
        "",
        "twolock: error: profile 'dev' (~/.aws/config:7): the sign-in to SSO 'corp' has expired or was ended \
         (SSO at 127.0.0.1:PORT, not AWS: UnauthorizedException: Session token not found or invalid); \
         run in a terminal: twolock login dev\n\
         twolock: hint: or without twolock: aws sso login --sso-session corp\n",
    );
}

#[test]
fn a_role_that_is_not_assigned_is_named_with_its_account() {
    let world = World::of_sso();
    world.sign_in("eve");
    let ran = world.run(["credential-process", "ops"]);
    ran.is(
        4,
        "",
        "twolock: error: profile 'ops' (~/.aws/config:14): your SSO user has no role 'Operator' in account 123456789012 \
         (SSO at 127.0.0.1:PORT, not AWS: ForbiddenException: No access)\n\
         twolock: hint: check sso_account_id and sso_role_name; your access portal lists the accounts and roles you have\n",
    );
}

#[test]
fn after_a_sign_out_nothing_cached_is_served_and_the_same_person_is_served_anew() {
    let (world, _) = World::signed_in();
    let profiles = ["dev", "hub", "top"];
    let before = profiles.map(|profile| key(&world, profile));
    // As `aws sso logout` does it.
    world.sandbox.sso_sign_out("ana");
    fs::remove_file(world.token_file()).unwrap();
    world.sandbox.forget_calls();
    nothing_is_served(&world, &profiles, "not signed in to SSO 'corp'");
    assert!(world.sandbox.calls().is_empty());
    world.sign_in("ana");
    let after = profiles.map(|profile| key(&world, profile));
    assert!(before.iter().all(|old| !after.contains(old)), "{before:?} {after:?}");
    assert_eq!(world.counts([PORTAL, "AssumeRole"]), [1, 2]);
}

#[test]
fn another_person_gets_nothing_of_the_first_ones() {
    let (world, token) = World::signed_in();
    let before = ["dev", "top", "ops"].map(|profile| key(&world, profile));
    world.sign_in("eve");
    assert!(arn(&world, "dev").ends_with("/eve"));
    let after = ["dev", "top"].map(|profile| key(&world, profile));
    assert!(before.iter().all(|old| !after.contains(old)), "{before:?} {after:?}");
    assert_eq!(world.run(["credential-process", "ops"]).code, 4, "Eve has no such role");
    // The first one's token again.
    world.keep_token(&token);
    assert_eq!(["dev", "top", "ops"].map(|profile| key(&world, profile)), before);
}

/// Does something while the answer to the renewal of a token is under way.
fn while_it_renews(world: &World, act: impl FnOnce()) -> Ran {
    world.sandbox.fault(Fault::new(FaultKind::Delay(Duration::from_secs(2))).on(RENEWAL));
    let child = world.twolock(["credential-process", "dev"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    eventually("the call for a renewal", || world.sandbox.count(RENEWAL) == 1);
    act();
    world.read(&child.unwrap().wait_with_output().unwrap())
}

#[test]
fn what_another_program_renewed_meanwhile_wins() {
    let (world, token) = World::signed_in();
    world.token_ends_in(&token, -1);
    // The AWS CLI used the refresh token up, and is about to write its file.
    let newer = world.sandbox.sso_sign_in("ana");
    let ran = while_it_renews(&world, || world.keep_token(&newer));
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_eq!(world.token(), newer.cache_json(), "theirs is not written over");
    assert_eq!(world.run(["credential-process", "dev"]).stdout, ran.stdout);
    assert_eq!(world.counts([RENEWAL, PORTAL]), [1, 1]);
}

#[test]
fn a_refresh_token_that_another_program_used_up_is_no_end_of_the_sign_in() {
    let (world, token) = World::signed_in();
    world.token_ends_in(&token, -1);
    world.sandbox.sso_sign_out("ana");
    let newer = world.sandbox.sso_sign_in("ana");
    let ran = while_it_renews(&world, || world.keep_token(&newer));
    assert_eq!((ran.code, world.counts([RENEWAL, PORTAL])), (0, [1, 1]), "{ran:?}");
}

#[test]
fn the_region_of_the_portal_is_its_own() {
    // The sandbox tells regions apart by signatures alone, and the portal's calls have none: the host says it.
    let world = World::of_sso();
    world.write(".aws/config", &SSO.replace("endpoint_url = {url}\n", "").replace("us-east-1", "ap-southeast-2"));
    let token = world.sandbox.sso_sign_in("ana");
    world.keep_token(&SsoToken { region: "ap-southeast-2".into(), ..token });
    let ran = world.finish(world.twolock(["-v", "credential-process", "dev"]).env("HTTPS_PROXY", "http://127.0.0.1:1"));
    assert_eq!(ran.code, 6, "{ran:?}");
    assert!(ran.stderr.contains("portal.sso.ap-southeast-2.amazonaws.com"), "{ran:?}");
    assert!(!ran.stderr.contains("portal.sso.eu-west-1"), "{ran:?}");
}
