//! Each fault as a client meets it, and what the call has cost by then.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use twolock_sandbox::{Fault, FaultKind, Refusal, Role};

use crate::wire::{ACCOUNT, Answer, World, form};

/// Calls with a one-time code while a fault waits.
fn call_with_code(world: &World, fault: Fault) -> std::io::Result<Answer> {
    world.sandbox.fault(fault);
    let code = world.code();
    world.alice().try_call("GetSessionToken", &[("SerialNumber", &world.phone.serial), ("TokenCode", &code)])
}

#[test]
fn cut_connections_cost_the_code_only_after_the_effect() {
    let rows = [(FaultKind::DropBefore, 0), (FaultKind::DropAfter, 1), (FaultKind::CutBody, 1)];
    for (kind, codes) in rows {
        let world = World::new();
        let name = kind.name();
        let error = call_with_code(&world, Fault::new(kind)).unwrap_err();
        let ends = [ErrorKind::UnexpectedEof, ErrorKind::ConnectionReset];
        assert!(ends.contains(&error.kind()), "{name}: {error}");
        assert_eq!(world.sandbox.codes_consumed().len(), codes, "{name}");
        assert_eq!(world.sandbox.sessions().len(), codes, "{name}");
        let call = world.sandbox.calls().remove(0);
        assert_eq!(call.fault.as_deref(), Some(name));
        assert_eq!(call.outcome, if codes == 0 { "unprocessed" } else { "ok" });
        world.alice().who().assert_good();
    }
}

#[test]
fn refusals_leave_the_code_unless_told_otherwise() {
    let region = Refusal::new(403, "RegionDisabledException", "STS is not activated");
    let rows = [
        (
            FaultKind::Status(500),
            "500 InternalFailure: The request processing has failed because of an unknown error, exception or failure.",
        ),
        (FaultKind::Status(503), "503 ServiceUnavailable: Service is unavailable"),
        (FaultKind::Throttling, "400 Throttling: Rate exceeded"),
        (FaultKind::Error(region), "403 RegionDisabledException: STS is not activated"),
    ];
    for (kind, verdict) in rows {
        let world = World::new();
        let answer = call_with_code(&world, Fault::new(kind.clone())).unwrap();
        assert_eq!(answer.verdict(), verdict);
        assert!(world.sandbox.codes_consumed().is_empty(), "{verdict}");
        let answer = call_with_code(&world, Fault::new(kind).after_effect()).unwrap();
        assert_eq!(answer.verdict(), verdict);
        assert_eq!(world.sandbox.codes_consumed().len(), 1, "{verdict}");
    }
}

#[test]
fn spoiled_documents() {
    let world = World::new();
    let body = |kind: FaultKind| call_with_code(&world, Fault::new(kind)).unwrap().body;
    let short = body(FaultKind::TruncatedBody);
    assert!(short.contains("<GetSessionTokenResponse") && !short.contains("</GetSessionTokenRes"));
    let long = body(FaultKind::OversizedBody(10 * 1024 * 1024));
    assert!(long.len() > 10 * 1024 * 1024 && long.ends_with("</GetSessionTokenResponse>\n"));
    assert!(body(FaultKind::HtmlBody).starts_with("<!DOCTYPE html>"));
    let empty = world.sandbox.add_user(ACCOUNT, "bob");
    world.sandbox.fault(Fault::new(FaultKind::EmptyBody).by(&empty.arn));
    let answer = crate::wire::Client::new(&world.sandbox, &empty).who();
    assert_eq!((answer.status, answer.body.as_str()), (200, ""));
}

#[test]
fn untrue_answers() {
    let world = World::new();
    let role = world.sandbox.add_role(Role::trusting(ACCOUNT, "dev", &world.alice.arn));
    let ask = |kind: FaultKind| {
        world.sandbox.fault(Fault::new(kind).role(&role));
        world.alice().who().assert_good();
        world.alice().assume_role(&role, &[])
    };
    let foreign = ask(FaultKind::ForeignAccount("999999999999".to_owned()));
    assert_eq!(foreign.need("Arn"), "arn:aws:sts::999999999999:assumed-role/dev/work");
    assert_eq!(ask(FaultKind::ExpiryPast).need("Expiration"), "2025-06-15T14:06:40Z");
    assert_eq!(ask(FaultKind::ExpiryBeyond(301)).need("Expiration"), "2025-06-15T16:11:41Z");
    let tokenless = ask(FaultKind::NoSessionToken);
    assert_eq!(tokenless.get("SessionToken"), None);
    assert!(tokenless.get("SecretAccessKey").is_some());
    let dated = ask(FaultKind::DateOffset(-1200));
    dated.assert_good();
    assert_eq!(dated.header("Date"), Some("Sun, 15 Jun 2025 14:46:40 GMT"));

    let stranger = Fault::new(FaultKind::ForeignAccount("999999999999".to_owned()));
    world.sandbox.fault(stranger);
    let who = world.alice().who();
    assert_eq!(who.need("Account"), "999999999999");
    assert_eq!(who.need("Arn"), "arn:aws:iam::999999999999:user/alice");
    world.sandbox.fault(Fault::new(FaultKind::ForeignRole("arn:aws:sts::1:assumed-role/x/y".to_owned())));
    assert_eq!(world.alice().who().need("Account"), ACCOUNT, "only AssumeRole names a role");
}

#[test]
fn redirect_to_elsewhere() {
    let world = World::new();
    let answer = call_with_code(&world, Fault::new(FaultKind::Redirect("http://127.0.0.1:1/".to_owned())));
    let answer = answer.unwrap();
    assert_eq!(answer.status, 302);
    assert_eq!(answer.header("Location"), Some("http://127.0.0.1:1/"));
    assert!(world.sandbox.codes_consumed().is_empty());
}

#[test]
fn late_answer_is_a_good_one() {
    let world = World::new();
    let start = Instant::now();
    let late = Fault::new(FaultKind::Delay(Duration::from_millis(300)));
    call_with_code(&world, late).unwrap().assert_good();
    assert!(start.elapsed() >= Duration::from_millis(300));
}

#[test]
fn hanging_call_is_seen_and_ends_with_the_server() {
    let world = World::new();
    world.sandbox.fault(Fault::new(FaultKind::Hang).on("GetCallerIdentity"));
    let body = form(&[("Action", "GetCallerIdentity"), ("Version", "2011-06-15")]);
    let mut stream = TcpStream::connect(world.alice().address).unwrap();
    stream.write_all(&world.alice().request(&body)).unwrap();
    stream.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
    let kind = stream.read(&mut [0; 8]).unwrap_err().kind();
    assert!([ErrorKind::WouldBlock, ErrorKind::TimedOut].contains(&kind), "{kind:?}");
    assert_eq!(world.sandbox.calls()[0].fault.as_deref(), Some("hang"));
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let start = Instant::now();
    drop(world);
    assert!(matches!(stream.read(&mut [0; 8]), Ok(0) | Err(_)));
    assert!(start.elapsed() < Duration::from_secs(5));
}

#[test]
fn faults_run_in_order_and_run_out() {
    let world = World::new();
    world.sandbox.fault(Fault::new(FaultKind::Throttling).times(2));
    world.sandbox.fault(Fault::new(FaultKind::Status(503)));
    world.sandbox.fault(Fault::new(FaultKind::Status(500)).on("AssumeRole").always());
    let statuses: Vec<u16> = (0..4).map(|_| world.alice().who().status).collect();
    assert_eq!(statuses, [400, 400, 503, 200]);
    for _ in 0..3 {
        assert_eq!(world.alice().assume_role("arn:aws:iam::1:role/x", &[]).status, 500);
    }
    assert_eq!(world.sandbox.faults().len(), 1);
    world.sandbox.clear_faults();
    assert!(world.sandbox.faults().is_empty());
}
