//! Profiles that `add` and `adopt` wrote, resolved by the real AWS CLI and boto3, before and after `release`.

use crate::adopted::{run_aws, run_python, signers};
use crate::world::{ADMIN, DEVICE, KEY_ID, World};

const USER: &str = "arn:aws:iam::123456789012:user/ana";

fn manage(world: &World, args: &[&str]) {
    let ran = world.finish(world.twolock(["profile"]).args(args));
    assert_eq!(ran.code, 0, "{args:?}: {ran:?}");
}

/// Who the AWS CLI and boto3 are, and with which key.
#[track_caller]
fn seen(world: &World, profile: &str) -> Vec<(String, String)> {
    let cli =
        run_aws(world, &["sts", "get-caller-identity", "--query", "Arn", "--output", "text", "--profile", profile]);
    assert_eq!((cli.code, cli.stderr.as_str()), (0, ""), "{profile}: {cli:?}");
    let signed = signers(world, "GetCallerIdentity").pop().unwrap();
    let boto3 = run_python(world, "identity.py", &["--profile", profile, "--look"]);
    assert_eq!((boto3.code, boto3.stderr.as_str()), (0, ""), "{profile}: {boto3:?}");
    let boto3: serde_json::Value = serde_json::from_str(boto3.stdout.lines().next().unwrap()).unwrap();
    let text = |value: &serde_json::Value| value.as_str().unwrap().to_string();
    vec![(cli.stdout.trim().into(), signed), (text(&boto3["arn"]), text(&boto3["key"]))]
}

#[test]
fn what_adopt_and_add_wrote_comes_to_us_and_what_release_left_does_not() {
    let world = World::new();
    let admin = "arn:aws:sts::123456789012:assumed-role/Admin/ana";
    let deploy = "arn:aws:sts::444455556666:assumed-role/Deploy/ana";
    manage(&world, &["adopt", "--all", "--yes"]);
    manage(
        &world,
        &["add", "more/ops", "--role-arn", ADMIN, "--source-profile", "base", "--region", "eu-west-1", "--yes"],
    );
    manage(&world, &["set", "more/ops", "endpoint_url", world.sandbox.url(), "--yes"]);
    world.log_in("base");
    let questions = world.sandbox.count("GetSessionToken");
    for (profile, arn) in [("base", USER), ("prod", admin), ("deploy", deploy), ("more/ops", admin)] {
        for (who, key) in seen(&world, profile) {
            assert_eq!(who, arn, "{profile}");
            assert!(world.sandbox.sessions().iter().any(|session| session.access_key_id == key), "{profile}: {key}");
        }
    }
    assert_eq!(world.sandbox.count("GetSessionToken"), questions, "one code served them all");

    // A released role is assumed by the callers themselves, from the session of the adopted base.
    manage(&world, &["release", "prod", "--yes"]);
    for (who, _) in seen(&world, "prod") {
        assert!(who.contains(":assumed-role/Admin/botocore-session-"), "{who}");
    }
    manage(&world, &["release", "base", "--restore-key", "--yes"]);
    assert!(seen(&world, "base").iter().all(|(who, key)| who == USER && key == KEY_ID));
}

#[test]
fn roles_without_a_device_are_assumed_by_the_callers_from_our_session() {
    let world = World::new();
    let config = std::fs::read_to_string(world.home().join(".aws/config")).unwrap();
    let with_device = format!("source_profile = base\nmfa_serial = {DEVICE}\nregion");
    world.write(".aws/config", &config.replace("source_profile = base\nregion", &with_device));
    manage(&world, &["adopt", "base", "--only", "--yes"]);
    manage(&world, &["unset", "prod", "mfa_serial", "--yes"]);
    world.log_in("base");
    for (who, _) in seen(&world, "prod") {
        assert!(who.contains(":assumed-role/Admin/botocore-session-"), "{who}");
    }
}
