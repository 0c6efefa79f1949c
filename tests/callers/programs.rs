//! A role profile as `adopt` writes it, above another program's `credential_process`: used by the AWS CLI and boto3.

use crate::adopted::{minted, run_aws, run_python, signers};
use crate::world::{ACCOUNT, KEY_ID, Role, SECRET, World, make_runnable};

/// The program's profile, which callers use without us, and the adopted role above it.
const CONFIG: &str = "\
[profile vend]
region = eu-west-1
credential_process = {home}/vend
endpoint_url = {url}

[profile open]
region = eu-west-1
twolock_role_arn = arn:aws:iam::123456789012:role/Open
twolock_source_profile = vend
credential_process = {twolock} credential-process --profile open
endpoint_url = {url}
";

fn world() -> World {
    let world = World::new();
    world.write("vend", "#!/bin/sh\necho run >>\"$0.runs\"\ncat \"$0.json\"\n");
    make_runnable(&world.home().join("vend"));
    let key = format!(r#"{{"Version":1,"AccessKeyId":"{KEY_ID}","SecretAccessKey":"{SECRET}"}}"#);
    world.write("vend.json", &key);
    let config = CONFIG.replace("{home}", world.home().to_str().unwrap());
    world.write(".aws/config", &config.replace("{twolock}", env!("CARGO_BIN_EXE_twolock")));
    world.write(".aws/credentials", "");
    world.sandbox.add_role(Role::trusting(ACCOUNT, "Open", &format!("arn:aws:iam::{ACCOUNT}:user/ana")));
    world
}

#[test]
fn a_role_on_another_program_serves_the_aws_cli_and_boto3_with_one_run() {
    let world = world();
    let arn = format!("arn:aws:sts::{ACCOUNT}:assumed-role/Open/ana");
    let query = ["sts", "get-caller-identity", "--query", "Arn", "--output", "text", "--profile", "open"];
    let cli = run_aws(&world, &query);
    assert_eq!((cli.code, cli.stdout.trim(), cli.stderr.as_str()), (0, arn.as_str(), ""), "{cli:?}");
    let boto3 = run_python(&world, "identity.py", &["--profile", "open", "--look"]);
    assert_eq!((boto3.code, boto3.stderr.as_str()), (0, ""), "{boto3:?}");
    assert!(boto3.stdout.contains(&arn), "{boto3:?}");
    assert_eq!(std::fs::read_to_string(world.home().join("vend.runs")).unwrap(), "run\n");
    assert_eq!(minted(&world), (0, 1), "one role, and no session in between");
    let by = signers(&world, "GetCallerIdentity");
    assert!(by.len() == 2 && by[0] == by[1] && by[0].starts_with("ASIA"), "{by:?}");
}

#[test]
fn what_a_program_gives_beside_us_is_not_ours_to_serve() {
    let world = world();
    let query = ["sts", "get-caller-identity", "--query", "Arn", "--output", "text", "--profile", "vend"];
    let cli = run_aws(&world, &query);
    assert_eq!((cli.code, cli.stdout.trim()), (0, "arn:aws:iam::123456789012:user/ana"), "{cli:?}");
    assert_eq!((minted(&world), signers(&world, "GetCallerIdentity")), ((0, 0), vec![KEY_ID.to_string()]));
}
