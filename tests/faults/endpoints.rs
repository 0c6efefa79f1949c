//! Where a signed call may go: to AWS, to this machine, or where the user's own settings allow it (P10, P17, P19).

use twolock_sandbox::{Sink, SinkAnswer};

use crate::machine::traced;
use crate::outcome::{answer, failed};
use crate::world::{DEVICE, Fault, FaultKind, World};

/// Addresses that lead, or seem to lead, elsewhere; `{port}` is where somebody listens.
const TRAPS: &[&str] = &[
    "http://user@127.0.0.1:{port}",
    "http://user:pass@localhost:{port}",
    "http://sts.amazonaws.com@127.0.0.1:{port}",
    "http://127.1:{port}",
    "http://2130706433:{port}",
    "http://0x7f000001:{port}",
    "http://0177.0.0.1:{port}",
    "http://127.0.0.1.:{port}",
    "http://localhost.:{port}",
    "http://LOCALHOST.evil.test:{port}",
    "http://127.0.0.1.nip.io:{port}",
    "http://[::ffff:127.0.0.1]:{port}",
    "http://0.0.0.0:{port}",
    "http://10.0.0.1:{port}",
    "http://169.254.169.254/latest",
    "http://sts.amazonaws.com",
    "https://sts.amazonaws.com.evil.test:{port}",
    "https://evil.test/sts.amazonaws.com",
    "https://evil.test#sts.amazonaws.com",
    "https://evil.test?sts.amazonaws.com",
    "https://sts.amazonaws.com.",
    "https://xsts.amazonaws.com",
    "https://mybucket.s3.amazonaws.com",
    "https://abc123.execute-api.eu-west-1.amazonaws.com",
    "https://my-elb-1.eu-west-1.elb.amazonaws.com",
    "https://vpce-svc-0123456789abcdef0.eu-west-1.vpce.amazonaws.com",
    "https://127.0.0.1:{port}/path",
    "ftp://127.0.0.1:{port}",
    "127.0.0.1:{port}",
    "//127.0.0.1:{port}",
    "http://",
    "http://127.0.0.1:0",
    "http://127.0.0.1:99999",
    "http://127.0.0.1:{port}\u{7f}",
    "http://127.0.0.1 :{port}",
    "http://１２７.0.0.1:{port}",
];

#[test]
fn an_address_that_is_not_aws_is_refused_before_anything_is_sent() {
    let world = World::new();
    let sink = Sink::start(SinkAnswer::Close).unwrap();
    for trap in TRAPS {
        let trap = trap.replace("{port}", &sink.port().to_string());
        for from_file in [false, true] {
            if from_file {
                world.write(".aws/config", &format!("[profile base]\nmfa_serial = {DEVICE}\nendpoint_url = {trap}\n"));
            }
            let (ran, trace) = traced(&world, "%network", &["credential-process", "base"], |command| {
                command.env("TWOLOCK_MFA_CODE", "123456");
                if !from_file {
                    command.env("AWS_ENDPOINT_URL_STS", &trap);
                }
            });
            // A comment begins at ` #` and a blank ends nothing: a file may make another address of it, as bad.
            assert_eq!((ran.code, ran.stdout.as_str()), (3, ""), "{trap}: {ran:?}");
            assert!(ran.stderr.starts_with("twolock: error: profile 'base'"), "{trap}: {ran:?}");
            assert!(!ran.stderr.contains("pass@"), "{trap}: {ran:?}");
            assert_eq!(trace.count(&["socket", "connect", "sendto"]), 0, "{trap}: {}", trace.0);
        }
    }
    assert_eq!(sink.connections(), 0);
}

#[test]
fn each_source_of_an_address_is_held_to_the_same_rule() {
    let world = World::new();
    let sink = Sink::start(SinkAnswer::Close).unwrap();
    let evil = format!("https://evil.test:{}", sink.port());
    for variable in ["AWS_ENDPOINT_URL_STS", "AWS_ENDPOINT_URL"] {
        let ran = answer(&world, world.twolock(["credential-process", "prod"]).env(variable, &evil));
        failed(&ran, 3, &["profile 'prod'", variable, "not an AWS host, and not allowed by your settings"]);
        assert!(ran.stderr.contains("twolock settings set endpoints.allow"), "{ran:?}");
    }
    world.write(
        ".aws/config",
        &format!(
            "[profile base]\nmfa_serial = {DEVICE}\nservices = mine\n[services mine]\nsts =\n  endpoint_url = {evil}\n"
        ),
    );
    failed(&answer(&world, &mut world.twolock(["credential-process", "base"])), 3, &["~/.aws/config:5", "evil.test"]);
    assert_eq!(sink.connections(), 0);
}

#[test]
fn a_repositorys_own_settings_allow_no_host() {
    let world = World::new();
    world.write("repo/twolock/config.toml", "[endpoints]\nallow = [\"evil.test\"]\n");
    let mut command = world.twolock(["credential-process", "prod"]);
    command.env("XDG_CONFIG_HOME", world.home().join("repo")).env("AWS_ENDPOINT_URL_STS", "https://evil.test");
    failed(&answer(&world, &mut command), 3, &["not an AWS host, and not allowed by your settings"]);
    world.write(".config/twolock/config.toml", "[endpoints]\nallow = [\"evil.test\", \"plain.test:80\"]\n");
    for (url, allowed) in [
        ("https://evil.test", true),
        ("https://x.evil.test", false),
        ("https://evil.test.x", false),
        ("https://xevil.test", false),
        ("http://plain.test", true),
        ("http://evil.test", false),
        ("http://evil.test:443", false),
        ("http://x.evil.test", false),
    ] {
        let ran = answer(&world, world.twolock(["credential-process", "prod"]).env("AWS_ENDPOINT_URL_STS", url));
        assert_eq!(ran.code, if allowed { 9 } else { 3 }, "{url}: {ran:?}");
    }
}

#[test]
fn values_that_would_steer_a_request_are_refused_with_their_line() {
    let world = World::new();
    for (line, part) in [
        ("region = x.evil.test/#", "region"),
        ("region = eu-west-1.evil.test", "region"),
        ("region = eu-west-1@evil.test", "region"),
        ("region = ../eu-west-1", "region"),
        ("region = evil", "region"),
        ("duration_seconds = 1; rm", "duration_seconds"),
        ("duration_seconds = 99999999", "duration_seconds"),
        ("role_session_name = a b", "role_session_name"),
        ("role_session_name = a&Action=x", "role_session_name"),
        ("external_id = a b", "external_id"),
        ("mfa_serial = arn:aws:iam::123456789012:mfa/a&x", "mfa_serial"),
        ("mfa_serial = arn:aws:iam::123456789012:u2f/key", "mfa_serial"),
        ("role_arn = arn:aws:iam::12345:role/x", "role_arn"),
        ("role_arn = arn:evil:iam::123456789012:role/x", "role_arn"),
        ("role_arn = https://evil.test/", "role_arn"),
    ] {
        let role = if line.starts_with("role_arn") { "" } else { "role_arn = arn:aws:iam::123456789012:role/Admin\n" };
        world.write(
            ".aws/config",
            &format!("[profile base]\n[profile p]\n{role}source_profile = base\nmfa_serial = {DEVICE}\n{line}\n"),
        );
        let (ran, trace) = traced(&world, "%network", &["credential-process", "p"], |_| {});
        failed(&ran, 3, &["profile 'p'", part]);
        assert_eq!((ran.stdout.as_str(), trace.count(&["socket", "connect"])), ("", 0), "{line}: {ran:?}");
    }
    for region in ["x.evil.test/#", "a b", "eu-west-1\nX: y"] {
        world.write(".aws/config", &format!("[profile base]\nmfa_serial = {DEVICE}\n"));
        let (ran, trace) = traced(&world, "%network", &["credential-process", "base"], |command| {
            command.env("AWS_REGION", region);
        });
        assert_eq!((ran.code, ran.stdout.as_str(), trace.count(&["connect"])), (3, "", 0), "{region:?}: {ran:?}");
    }
}

#[test]
fn a_redirect_is_not_followed() {
    let sink = Sink::start(SinkAnswer::Close).unwrap();
    for action in ["GetSessionToken", "AssumeRole"] {
        let world = World::new();
        let to = format!("http://127.0.0.1:{}/", sink.port());
        world.sandbox.fault(Fault::new(FaultKind::Redirect(to)).on(action));
        let ran = answer(&world, world.twolock(["credential-process", "prod"]).env("TWOLOCK_MFA_CODE", world.code()));
        failed(&ran, 6, &["profile 'prod'", "HTTP 302", "redirects are not followed"]);
    }
    assert_eq!(sink.connections(), 0);
}

#[test]
fn a_loopback_endpoint_is_named_in_question_and_messages_as_not_aws() {
    let world = World::new();
    let mut terminal = world.on_terminal(["credential-process", "prod"]);
    terminal.sees(&format!("STS at 127.0.0.1:{}, not AWS", world.sandbox.port()));
    terminal.types(&format!("{}\n", world.wrong_code()));
    terminal.sees("not AWS");
    terminal.sees("device ana): ");
    terminal.types("\x04");
    assert_eq!(terminal.end().code, 9);
}
