//! A role whose source is another program, adopted: the real callers get it from us, and share one run of the program.

use crate::adopted::{run_aws, run_python};
use crate::world::{ACCOUNT, KEY_ID, Role, SECRET, World, make_runnable};

const CONFIG: &str = "\
[profile prod]
role_arn = arn:aws:iam::123456789012:role/Free
source_profile = tool
region = eu-west-1
endpoint_url = {url}

[profile tool]
credential_process = {tool} print
region = eu-west-1
endpoint_url = {url}
";

const SESSION: &str = "arn:aws:sts::123456789012:assumed-role/Free/ana";

#[test]
fn aws_cli_and_boto3_share_one_run_of_the_program_below_an_adopted_role() {
    let world = World::new();
    world.sandbox.add_role(Role::trusting(ACCOUNT, "Free", "*"));
    let key = format!(r#"{{"Version":1,"AccessKeyId":"{KEY_ID}","SecretAccessKey":"{SECRET}"}}"#);
    world.write("bin/tool", &format!("#!/bin/sh\necho run >> \"${{0%/*}}/runs\"\necho '{key}'\n"));
    make_runnable(&world.home().join("bin/tool"));
    world.write(".aws/config", &CONFIG.replace("{tool}", world.home().join("bin/tool").to_str().unwrap()));
    world.write(".aws/credentials", "");
    let adopted = world.run(["profile", "adopt", "prod", "--yes"]);
    assert_eq!(adopted.code, 0, "{adopted:?}");
    let aws = ["sts", "get-caller-identity", "--query", "Arn", "--output", "text", "--profile", "prod"];
    for _ in 0..2 {
        run_aws(&world, &aws).is(0, &format!("{SESSION}\n"), "");
    }
    let ran = run_python(&world, "identity.py", &["--profile", "prod"]);
    assert!(ran.code == 0 && ran.stdout.contains(SESSION), "{ran:?}");
    let runs = std::fs::read_to_string(world.home().join("bin/runs")).unwrap();
    assert_eq!((runs.lines().count(), world.sandbox.count("AssumeRole")), (1, 1));
}
