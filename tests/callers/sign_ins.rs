//! The token files of sign-ins, which boto3 and we renew in turn, and callers of what is fetched with them.

use std::process::Stdio;

use serde_json::Value;

use crate::adopted::python;
use crate::world::sign_ins::ANA;
use crate::world::{Ran, World, without_terminal};

const PORTAL: &str = "GetRoleCredentials";
const RENEWAL: &str = "CreateToken";
const LOGIN_RENEWAL: &str = "CreateOAuth2Token";

/// Who boto3 is with a profile, by its own providers.
#[track_caller]
fn boto3(world: &World, profile: &str) -> Value {
    let mut command = python(world, "signed_in.py", &["--profile", profile, "--by", "processes"]);
    // Only so does it find the portal here.
    command.env("AWS_ENDPOINT_URL", world.sandbox.url()).stdin(Stdio::null());
    without_terminal(&mut command);
    let ran: Ran = world.finish(&mut command);
    assert_eq!(ran.code, 0, "{ran:?}");
    serde_json::from_str(&ran.stdout).unwrap_or_else(|_| panic!("{ran:?}"))
}

/// Who twolock is with it.
#[track_caller]
fn twolock(world: &World, profile: &str) -> Value {
    world.run(["whoami", profile, "--json"]).json()
}

#[test]
fn boto3_uses_the_token_that_we_renewed() {
    let (world, token) = World::signed_in();
    world.token_ends_in(&token, -1);
    let arn = twolock(&world, "dev")["arn"].clone();
    assert_eq!(boto3(&world, "dev")["arn"], arn);
    assert_eq!(world.counts([RENEWAL, PORTAL]), [1, 2]);
    // Its own renewal, after ours: with the refresh token that we kept.
    let mut file = world.token();
    file["expiresAt"] = "2020-01-01T00:00:00Z".into();
    world.write_token(&file.to_string());
    assert_eq!(boto3(&world, "dev")["arn"], arn);
    assert_eq!(world.sandbox.count(RENEWAL), 2);
}

#[test]
fn we_use_the_token_that_boto3_renewed() {
    let (world, token) = World::signed_in();
    world.token_ends_in(&token, -1);
    let arn = boto3(&world, "dev")["arn"].clone();
    assert_eq!(world.sandbox.count(RENEWAL), 1);
    assert_eq!(twolock(&world, "dev")["arn"], arn);
    assert_eq!(world.sandbox.count(RENEWAL), 1);
    let mut file = world.token();
    file["expiresAt"] = "2020-01-01T00:00:00Z".into();
    world.write_token(&file.to_string());
    assert_eq!(world.run(["credential-process", "ops"]).code, 0);
    assert_eq!(world.sandbox.count(RENEWAL), 2);
}

#[test]
fn boto3_and_we_renew_a_session_of_aws_login_in_turn() {
    let (world, login) = World::logged_in();
    world.login_ends_in(&login, -1);
    assert_eq!(twolock(&world, "ana")["arn"], ANA);
    let ours = world.login(&login);
    assert_eq!(boto3(&world, "ana")["key"], ours["accessToken"]["accessKeyId"], "what we renewed");
    assert_eq!(world.sandbox.count(LOGIN_RENEWAL), 1);
    let end = |mut file: Value| {
        file["accessToken"]["expiresAt"] = "2020-01-01T00:00:00Z".into();
        world.write(&crate::world::sign_ins::login_file(&login), &file.to_string());
    };
    end(ours);
    let theirs = boto3(&world, "ana")["key"].clone();
    assert_eq!(world.sandbox.count(LOGIN_RENEWAL), 2);
    assert_eq!(world.run(["logout", "ana"]).code, 0);
    assert_eq!(world.run(["credential-process", "ana"]).json()["AccessKeyId"], theirs, "what boto3 renewed");
    end(world.login(&login));
    assert_eq!(world.run(["logout", "ana"]).code, 0);
    assert_ne!(world.run(["credential-process", "ana"]).json()["AccessKeyId"], theirs);
    assert_eq!(world.sandbox.count(LOGIN_RENEWAL), 3);
}

#[test]
fn boto3_calls_us_for_a_role_above_single_sign_on() {
    let (world, token) = World::signed_in();
    world.token_ends_in(&token, -1);
    let program = env!("CARGO_BIN_EXE_twolock");
    world.add_config(&format!(
        "[profile via]\nregion = eu-west-1\nendpoint_url = {{url}}\ncredential_process = {program} credential-process --profile top\n"
    ));
    let arn = boto3(&world, "via")["arn"].clone();
    assert!(arn.as_str().unwrap().contains(":assumed-role/Top/"), "{arn}");
    assert_eq!(boto3(&world, "via")["arn"], arn);
    assert_eq!(world.counts([RENEWAL, PORTAL, "AssumeRole"]), [1, 1, 2]);
}
