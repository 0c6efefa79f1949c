//! `env` and `exec`: what the AWS CLI and boto3 make of the variables.

use std::process::Command;

use crate::adopted::{calls, minted, world};
use crate::world::{Ran, World, required, without_terminal};

const ARN: &str = "arn:aws:sts::123456789012:assumed-role/Admin/ana";

/// What an earlier session may have left in the shell: each would break a call or send it astray.
const LEFTOVERS: [(&str, &str); 14] = [
    ("AWS_PROFILE", "nowhere"),
    ("AWS_DEFAULT_PROFILE", "nowhere"),
    ("AWS_ACCESS_KEY_ID", "AKIAI44QH8DHBEXAMPLE"),
    ("AWS_SECRET_ACCESS_KEY", "stale"),
    ("AWS_SESSION_TOKEN", "stale"),
    ("AWS_SECURITY_TOKEN", "stale"),
    ("AWS_CREDENTIAL_EXPIRATION", "2020-01-01T00:00:00Z"),
    ("AWS_REGION", "ap-south-1"),
    ("AWS_DEFAULT_REGION", "ap-south-1"),
    ("AWS_ROLE_ARN", "arn:aws:iam::999999999999:role/stale"),
    ("AWS_ROLE_SESSION_NAME", "stale"),
    ("AWS_WEB_IDENTITY_TOKEN_FILE", "/nowhere"),
    ("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://127.0.0.1:1/stale"),
    ("AWS_CONTAINER_AUTHORIZATION_TOKEN", "stale"),
];

/// A shell line run among the leftovers; the endpoint comes from a variable, as no profile is left to name it.
fn run(world: &World, line: &str) -> Ran {
    let mut command = world.program("sh");
    command.arg("-c").arg(line).envs(LEFTOVERS);
    surround(world, &mut command);
    without_terminal(&mut command);
    world.finish(&mut command)
}

fn surround(world: &World, command: &mut Command) {
    command.env("AWS_ENDPOINT_URL_STS", world.sandbox.url()).env("AWS_EC2_METADATA_DISABLED", "true");
    command.env("AWS", required("TWOLOCK_TEST_AWS")).env("PYTHON", required("TWOLOCK_TEST_PYTHON"));
    command.env("SCRIPT", concat!(env!("CARGO_MANIFEST_DIR"), "/tests/callers/identity.py"));
}

/// The region that the last call was signed for, and by which of our sessions.
fn last_call(world: &World) -> (String, bool) {
    let call = calls(world, "GetCallerIdentity").pop().expect("the caller reached STS");
    let sessions = world.sandbox.sessions();
    let of_role = sessions.iter().find(|session| session.role_arn.is_some()).expect("we minted a role session");
    (call.region.unwrap(), call.access_key_id.as_ref() == Some(&of_role.access_key_id))
}

const AWS_LINE: &str = "\"$AWS\" sts get-caller-identity --query Arn --output text";

#[test]
fn env_serves_the_aws_cli_whatever_stood_there_before() {
    let world = world();
    world.log_in("prod");
    run(&world, &format!("eval \"$(twolock env prod)\" && {AWS_LINE}")).is(0, &format!("{ARN}\n"), "");
    assert_eq!(last_call(&world), ("eu-west-1".into(), true));
    assert_eq!(minted(&world), (1, 1));
}

#[test]
fn env_serves_boto3_whatever_stood_there_before() {
    let world = world();
    world.log_in("prod");
    let ran = run(&world, "eval $(twolock env prod) && exec \"$PYTHON\" -B \"$SCRIPT\" --calls 3");
    assert_eq!((ran.code, ran.stderr.as_str(), ran.stdout.lines().count()), (0, "", 3), "{ran:?}");
    assert!(ran.stdout.lines().all(|line| line.contains(ARN)), "{ran:?}");
    assert_eq!(last_call(&world), ("eu-west-1".into(), true));
}

#[test]
fn exec_serves_the_aws_cli_and_boto3_whatever_stood_there_before() {
    let world = world();
    world.log_in("prod");
    run(&world, &format!("exec twolock exec prod -- {AWS_LINE}")).is(0, &format!("{ARN}\n"), "");
    assert_eq!(last_call(&world), ("eu-west-1".into(), true));
    let ran = run(&world, "exec twolock exec prod -- \"$PYTHON\" -B \"$SCRIPT\"");
    assert_eq!((ran.code, ran.json()["arn"].as_str()), (0, Some(ARN)));
    assert_eq!(minted(&world), (1, 1));
}

#[test]
fn profile_without_a_region_leaves_the_callers() {
    let world = world();
    world.add_config(
        "[profile nowhere-special]\ntwolock_role_arn = arn:aws:iam::123456789012:role/Admin\n\
         mfa_serial = arn:aws:iam::123456789012:mfa/ana\ntwolock_source_profile = base-keys\nendpoint_url = {url}\n\
         role_arn = arn:aws:iam::123456789012:role/Admin\nsource_profile = base-keys\n",
    );
    world.log_in("prod");
    run(&world, &format!("eval \"$(twolock env nowhere-special)\" && {AWS_LINE}")).is(0, &format!("{ARN}\n"), "");
    assert_eq!(last_call(&world), ("ap-south-1".into(), true));
}

#[test]
fn failed_env_stops_before_the_aws_cli_uses_what_stood_there() {
    let world = world();
    let ran = run(&world, &format!("eval \"$(twolock env prod)\" && {AWS_LINE}"));
    assert_eq!((ran.code, ran.stdout.as_str()), (1, ""), "{ran:?}");
    assert!(ran.stderr.ends_with("no terminal; run in a terminal: twolock login prod\n"), "{ran:?}");
    assert_eq!(world.sandbox.connections(), 0);
}

#[test]
fn unset_leaves_the_aws_cli_without_credentials() {
    let world = world();
    world.log_in("prod");
    let ran = run(&world, &format!("eval \"$(twolock env prod)\"; eval \"$(twolock env --unset)\"; {AWS_LINE}"));
    assert_eq!((ran.code, ran.stdout.as_str()), (255, ""), "{ran:?}");
    assert!(ran.stderr.contains("Unable to locate credentials") || ran.stderr.contains("region"), "{ran:?}");
    assert_eq!(world.sandbox.count("GetCallerIdentity"), 0);
}
