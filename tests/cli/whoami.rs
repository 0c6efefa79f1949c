use serde_json::json;

use crate::world::World;

#[test]
fn it_prints_the_identity_that_aws_returns() {
    let world = World::new();
    world.log_in("prod");
    let ran = world.run(["whoami", "prod"]);
    let lines: Vec<&str> = ran.stdout.lines().collect();
    assert_eq!((ran.code, ran.stderr.as_str(), lines.len()), (0, "", 3));
    assert_eq!(lines[..2], ["account  123456789012", "arn      arn:aws:sts::123456789012:assumed-role/Admin/ana"]);
    assert!(lines[2].starts_with("user id  AROA") && lines[2].ends_with(":ana"), "{ran:?}");
    let json = world.run(["whoami", "prod", "--json"]).json();
    assert_eq!(
        (&json["profile"], &json["account"], &json["arn"]),
        (&json!("prod"), &json!("123456789012"), &json!("arn:aws:sts::123456789012:assumed-role/Admin/ana"))
    );
    assert_eq!(world.sandbox.count("GetCallerIdentity"), 2);
}

#[test]
fn a_session_that_aws_no_longer_accepts_is_reported_with_a_hint() {
    let world = World::new();
    world.log_in("prod");
    for session in world.sandbox.sessions() {
        world.sandbox.revoke_session(&session.access_key_id);
    }
    let ran = world.run(["whoami", "prod"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (4, ""));
    assert!(ran.stderr.starts_with("twolock: error: profile 'prod': "), "{ran:?}");
    assert!(ran.stderr.ends_with("twolock: hint: end it, then try again: twolock logout prod\n"), "{ran:?}");
}

#[test]
fn an_unreachable_endpoint_is_exit_6() {
    let world = World::new();
    world.log_in("prod");
    // A session belongs to one endpoint, and there is none for this one.
    let mut command = world.twolock(["whoami", "prod"]);
    command.env("AWS_ENDPOINT_URL_STS", "http://127.0.0.1:1").env("TWOLOCK_MFA_CODE", "123456");
    let ran = world.finish(&mut command);
    assert_eq!((ran.code, ran.stdout.as_str()), (6, ""));
    assert!(
        ran.stderr.starts_with("twolock: error: profile 'prod': ") && ran.stderr.contains("127.0.0.1:1, not AWS"),
        "{ran:?}"
    );
}
