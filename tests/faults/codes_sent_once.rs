//! A call that carries a code is sent once, whatever becomes of it (P24, F32, F33, F34).

use std::fs;

use crate::machine::script;
use crate::outcome::{answer, failed};
use crate::world::{DEVICE, Fault, FaultKind, OTHER_ACCOUNT, World};

/// The names of all sealed sessions.
fn sealed(world: &World) -> Vec<String> {
    let entries = fs::read_dir(world.cache()).into_iter().flatten().flatten();
    entries.map(|e| e.file_name().into_string().unwrap()).filter(|name| name.ends_with(".sealed")).collect()
}

/// What goes wrong with a call, what the first line says of it, and whether the code is used up at STS.
fn faults() -> Vec<(FaultKind, &'static str)> {
    vec![
        (FaultKind::DropBefore, "closed the connection before the response was complete"),
        (FaultKind::DropAfter, "closed the connection before the response was complete"),
        (FaultKind::CutBody, "closed the connection before the response was complete"),
        (FaultKind::TruncatedBody, "invalid response"),
        (FaultKind::EmptyBody, "invalid response"),
        (FaultKind::HtmlBody, "invalid response"),
        (FaultKind::OversizedBody(10 * 1024 * 1024), "it is too long"),
        (FaultKind::NoSessionToken, "invalid response"),
        (FaultKind::ExpiryPast, "invalid response"),
        (FaultKind::ExpiryBeyond(24 * 3600), "invalid response"),
        (FaultKind::Redirect("http://127.0.0.1:9/".into()), "redirects are not followed"),
        (FaultKind::Status(500), "is temporarily unavailable"),
        (FaultKind::Status(503), "is temporarily unavailable"),
        (FaultKind::Throttling, "is temporarily unavailable"),
    ]
}

#[test]
fn trouble_after_a_code_was_sent_is_sent_once_and_tells_when_the_next_one_comes() {
    for (kind, says) in faults() {
        let world = World::new();
        world.sandbox.fault(Fault::new(kind.clone()).on("GetSessionToken"));
        let ran = answer(&world, world.twolock(["credential-process", "prod"]).env("TWOLOCK_MFA_CODE", world.code()));
        failed(&ran, 6, &["profile 'prod'", says, "the code counts as used; next code in "]);
        assert!(!ran.stderr.contains('<') && ran.stderr.len() < 1000, "the answer is not shown: {ran:?}");
        assert_eq!(world.sandbox.count("GetSessionToken"), 1, "{kind:?}");
        assert_eq!(sealed(&world), Vec::<String>::new(), "{kind:?}");
    }
}

#[test]
#[ignore = "long: waits for the bound of a call"]
fn a_call_that_hangs_with_a_code_ends_at_the_bound_and_the_code_is_not_sent_again() {
    let world = World::new();
    world.sandbox.fault(Fault::new(FaultKind::Hang).on("GetSessionToken"));
    let code = world.code();
    let call = || answer(&world, world.twolock(["credential-process", "prod"]).env("TWOLOCK_MFA_CODE", &code));
    failed(&call(), 6, &["did not answer within 10 s", "the code counts as used"]);
    let again = call();
    failed(&again, 4, &["this code was already used", "next code in "]);
    assert_eq!(world.sandbox.count("GetSessionToken"), 1);
    assert_eq!(sealed(&world), Vec::<String>::new());
}

#[test]
fn a_code_that_never_left_the_machine_can_be_used() {
    let world = World::new();
    let config = fs::read_to_string(world.home().join(".aws/config")).unwrap();
    let code = world.code();
    world.write(".aws/config", &config.replace(world.sandbox.url(), "http://127.0.0.1:1"));
    let call = || answer(&world, world.twolock(["credential-process", "prod"]).env("TWOLOCK_MFA_CODE", &code));
    let ran = call();
    failed(&ran, 6, &["127.0.0.1:1, not AWS", "refused the connection"]);
    assert!(!ran.stderr.contains("counts as used"), "{ran:?}");
    let ran = call();
    failed(&ran, 6, &["refused the connection"]);
    world.write(".aws/config", &config);
    assert_eq!(call().code, 0, "the same code, now that STS is there");
}

#[test]
fn a_code_not_sent_stays_usable_at_the_same_sts() {
    let world = World::new();
    // An address that answers the handshake never: nothing of the call leaves the machine.
    let silent = twolock_sandbox::Sink::start(twolock_sandbox::SinkAnswer::Silence).unwrap();
    let config = fs::read_to_string(world.home().join(".aws/config")).unwrap();
    let url = format!("https://127.0.0.1:{}", silent.port());
    world.write(".aws/config", &config.replace(world.sandbox.url(), &url));
    let code = world.code();
    let call = || answer(&world, world.twolock(["credential-process", "prod"]).env("TWOLOCK_MFA_CODE", &code));
    for _ in 0..2 {
        failed(&call(), 6, &["did not answer within 3 s"]);
    }
    assert_eq!(silent.connections(), 2, "the code was not taken for a used one");
}

#[test]
fn without_a_code_a_call_is_tried_again() {
    let world = World::new();
    world.log_in("base");
    for kind in [FaultKind::Status(500), FaultKind::Status(503), FaultKind::Throttling, FaultKind::DropBefore] {
        world.sandbox.forget_calls();
        world.sandbox.fault(Fault::new(kind.clone()).on("AssumeRole"));
        let ran = answer(&world, &mut world.twolock(["credential-process", "prod"]));
        assert_eq!((ran.code, ran.stderr.as_str()), (0, ""), "{kind:?}: {ran:?}");
        assert_eq!(world.sandbox.count("AssumeRole"), 2, "{kind:?}");
        forget_roles(&world);
    }
    world.sandbox.forget_calls();
    world.sandbox.fault(Fault::new(FaultKind::Status(500)).on("AssumeRole").always());
    let ran = answer(&world, &mut world.twolock(["credential-process", "prod"]));
    failed(&ran, 6, &["is temporarily unavailable"]);
    assert!(!ran.stderr.contains("code"), "nothing of codes: {ran:?}");
    assert_eq!(world.sandbox.count("AssumeRole"), 3);
}

/// Removes the sealed role sessions; the session of the code stays.
fn forget_roles(world: &World) {
    for name in sealed(world) {
        let path = world.cache().join(name);
        let bytes = fs::read(&path).unwrap();
        if String::from_utf8_lossy(&bytes).contains("\"kind\":\"role\"") {
            fs::remove_file(path).unwrap();
        }
    }
}

#[test]
fn an_answer_that_is_not_what_was_asked_for_is_never_kept() {
    let world = World::new();
    world.log_in("base");
    let before = sealed(&world);
    for (kind, says) in [
        (FaultKind::ForeignAccount(OTHER_ACCOUNT.into()), "444455556666"),
        (
            FaultKind::ForeignRole("arn:aws:sts::123456789012:assumed-role/Other/ana".into()),
            "it is for role 'Other', but 'Admin' was requested",
        ),
        (
            FaultKind::ForeignRole("arn:aws:sts::123456789012:assumed-role/Admin/bob".into()),
            "its session is 'bob', but 'ana' was requested",
        ),
        (FaultKind::ExpiryPast, "invalid response"),
        (FaultKind::ExpiryBeyond(3600), "invalid response"),
        (FaultKind::NoSessionToken, "invalid response"),
        (FaultKind::EmptyBody, "invalid response"),
        (FaultKind::HtmlBody, "invalid response"),
        (FaultKind::TruncatedBody, "invalid response"),
        (FaultKind::OversizedBody(10 * 1024 * 1024), "it is too long"),
    ] {
        world.sandbox.fault(Fault::new(kind.clone()).on("AssumeRole").always());
        let ran = answer(&world, &mut world.twolock(["credential-process", "prod"]));
        failed(&ran, 6, &["profile 'prod'", says]);
        assert_eq!(sealed(&world), before, "{kind:?}");
        world.sandbox.clear_faults();
    }
}

#[test]
fn a_wrong_code_is_asked_again_twice_and_not_more() {
    let world = World::new();
    let mut terminal = world.on_terminal(["credential-process", "prod"]);
    for digit in ["1", "2", "3"] {
        terminal.sees("device ana): ");
        let wrong = world.wrong_code();
        terminal.types(&format!("{}{digit}\n", &wrong[..5]));
    }
    let ran = terminal.end();
    failed(&ran, 4, &["profile 'prod'", "the code was refused"]);
    assert_eq!(world.sandbox.count("GetSessionToken"), 3);
    assert_eq!(world.sandbox.codes_consumed().len(), 0);
}

#[test]
fn a_code_of_the_wrong_form_is_never_sent() {
    let world = World::new();
    for wrong in ["12345", "1234567", "12345a", "１２３４５６", "123 45", "-12345"] {
        let ran = answer(&world, world.twolock(["credential-process", "prod"]).env("TWOLOCK_MFA_CODE", wrong));
        failed(&ran, 2, &["TWOLOCK_MFA_CODE did not contain a six-digit code"]);
        assert!(!ran.stderr.contains(wrong), "{ran:?}");
    }
    assert_eq!(world.sandbox.connections(), 0);
}

#[test]
#[ignore = "long: waits for the device's next code"]
fn a_program_that_prints_a_used_code_runs_again_for_the_next_one() {
    let world = World::new();
    let used = world.code();
    let next = world.sandbox.code_at(DEVICE, world.sandbox.now() + 30).unwrap();
    let second = format!("[ -e \"$HOME/asked\" ] && exec echo {next}; : >\"$HOME/asked\"; exec echo {used}");
    let program = script(&world, "codes", &format!("echo run >>\"$HOME/runs\"; {second}"));
    let config = fs::read_to_string(world.home().join(".aws/config")).unwrap();
    let device = format!("mfa_serial = {DEVICE}\n");
    world.write(".aws/config", &config.replace(&device, &format!("{device}mfa_process = {program}\n")));
    assert_eq!(world.run(["login", "prod"]).code, 0);
    fs::remove_file(world.home().join("asked")).unwrap();
    // A session of this very second is as fresh as any.
    std::thread::sleep(std::time::Duration::from_millis(1100));
    let ran = world.run(["login", "prod", "--fresh"]);
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""), "{ran:?}");
    assert_eq!(fs::read_to_string(world.home().join("runs")).unwrap(), "run\nrun\nrun\n");
    assert_eq!(world.sandbox.count("GetSessionToken"), 2, "the used code was not sent again");
}
