use serde_json::json;
use twolock_sandbox::{Fault, FaultKind, Refusal};

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
fn the_alias_of_the_account_is_shown_where_iam_tells_it() {
    let world = World::new();
    world.log_in("prod");
    world.sandbox.set_alias("123456789012", "ana-corp");
    let ran = world.run(["whoami", "prod"]);
    assert_eq!((ran.code, ran.stderr.as_str(), ran.stdout.lines().nth(1)), (0, "", Some("alias    ana-corp")));
    assert_eq!(world.run(["whoami", "prod", "--json"]).json()["alias"], "ana-corp");
    for kind in [FaultKind::Error(Refusal::new(403, "AccessDenied", "no")), FaultKind::Hang, FaultKind::HtmlBody] {
        world.sandbox.fault(Fault::new(kind).on("ListAccountAliases"));
        let ran = world.run(["whoami", "prod"]);
        assert_eq!((ran.code, ran.stderr.as_str(), ran.stdout.lines().count()), (0, "", 3));
    }
}

#[test]
fn iam_is_asked_where_its_variable_or_services_section_says() {
    let world = World::new();
    world.log_in("prod");
    world.sandbox.set_alias("123456789012", "ana-corp");
    let asked = || world.sandbox.count("ListAccountAliases");
    // A session of the sandbox is none at AWS, so AWS is not asked, and a host that is not allowed is not either.
    for url in ["https://iam.amazonaws.com", "https://iam.example.com"] {
        let ran = world.finish(world.twolock(["whoami", "prod"]).env("AWS_ENDPOINT_URL_IAM", url));
        assert_eq!((ran.code, ran.stdout.lines().count(), asked()), (0, 3, 0), "{url}: {ran:?}");
    }
    let url = world.sandbox.url();
    let ran = world.finish(world.twolock(["whoami", "prod"]).env("AWS_ENDPOINT_URL_IAM", url));
    assert_eq!((ran.stdout.lines().count(), asked()), (4, 1), "{ran:?}");
    let config = std::fs::read_to_string(world.home().join(".aws/config"))
        .unwrap()
        .replace("[profile prod]\n", "[profile prod]\nservices = elsewhere\n");
    let elsewhere =
        format!("\n[services elsewhere]\niam =\n  endpoint_url = http://127.0.0.1:1\nsts =\n  endpoint_url = {url}\n");
    world.write(".aws/config", &(config + &elsewhere));
    let ran = world.run(["whoami", "prod", "-v"]);
    assert!(ran.stdout.lines().count() == 3 && asked() == 1, "{ran:?}");
    assert!(ran.stderr.contains("IAM at 127.0.0.1:1, not AWS, refused the connection"), "{ran:?}");
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
