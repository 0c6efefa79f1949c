//! An enrollment cut short anywhere: no half-made device is unknown to us, and the next run ends with one that the
//! profile names. The person at the terminal types what the sandbox's device shows.

use std::time::{Duration, Instant};

use twolock_sandbox::Policy;

use crate::machine::under_strace;
use crate::world::{DEVICE, Fault, FaultKind, Ran, Terminal, World};

const ANA: &str = "arn:aws:iam::123456789012:user/ana";
const RECORD: &str = ".local/share/twolock/enrollments.json";

/// Ana has a device that no profile names: every run first finds its name taken.
fn world() -> World {
    let world = World::new();
    world.write(".aws/config", "[profile base]\nregion = eu-west-1\nendpoint_url = {url}\n");
    world
}

/// The device that is being enrolled: the newest one that is not enabled.
fn newest(world: &World) -> Option<String> {
    let serial = |device: twolock_sandbox::Device| device.owner.is_none().then_some(device.serial);
    world.sandbox.devices().into_iter().filter_map(serial).max()
}

/// Answers until the command ends, whatever it asks.
fn answered(world: &World, command: std::process::Command) -> Ran {
    let mut terminal = Terminal::start(command);
    let (end, mut answers) = (Instant::now() + Duration::from_secs(90), 0);
    while !terminal.has_ended() {
        assert!(Instant::now() < end, "hangs: {}", terminal.shown());
        let shown = terminal.shown();
        let asked = shown.matches("first code (").count() + shown.matches("the next one: ").count();
        if asked > answers {
            let later = if asked % 2 == 1 { 0 } else { 30 };
            let code = newest(world).and_then(|serial| world.sandbox.code_at(&serial, world.sandbox.now() + later));
            terminal.types(&format!("{}\n", code.unwrap_or_else(|| "000000".into())));
            answers = asked;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    world.tidy(terminal.end())
}

const ENROLL: [&str; 4] = ["mfa", "enroll", "base", "--yes"];

fn enroll(world: &World) -> Ran {
    let mut command = world.program(env!("CARGO_BIN_EXE_twolock"));
    command.args(ENROLL);
    answered(world, command)
}

/// The same under strace, which does this at the nth call of a kind.
fn bent(world: &World, calls: &str, what: &str, nth: usize) -> Ran {
    answered(world, under_strace(world, calls, what, nth, &ENROLL))
}

fn half_made(world: &World) -> Vec<String> {
    world.sandbox.devices().into_iter().filter(|device| device.owner.is_none()).map(|device| device.serial).collect()
}

/// Every half-made device stands in the record.
#[track_caller]
fn is_known(world: &World, when: &str) {
    let record = std::fs::read_to_string(world.home().join(RECORD)).unwrap_or_default();
    for serial in half_made(world) {
        assert!(record.contains(&serial), "{when}: {serial} is in no record: {record}");
    }
}

/// Runs it again until it is done: the profile names an enabled device, and nothing is half made.
#[track_caller]
fn goes_on(world: &World, when: &str) {
    is_known(world, when);
    let mut ran = enroll(world);
    if ran.code != 0 {
        is_known(world, when);
        ran = enroll(world);
    }
    assert_eq!(ran.code, 0, "{when}: {ran:?}");
    assert_eq!(half_made(world), [""; 0], "{when}");
    assert!(!world.home().join(RECORD).exists(), "{when}");
    let config = std::fs::read_to_string(world.home().join(".aws/config")).unwrap();
    let named = config.lines().find_map(|line| line.strip_prefix("mfa_serial = ")).expect("the profile names a device");
    assert!(named != DEVICE && world.sandbox.devices_of(ANA).iter().any(|device| device.serial == named), "{when}");
}

fn sweep(calls: &str) {
    let killed = |nth: usize| {
        let world = world();
        let ran = bent(&world, calls, "signal=SIGKILL", nth);
        if ran.code == 0 {
            return false;
        }
        goes_on(&world, &format!("killed at {calls} {nth}"));
        true
    };
    let times = (1..100).take_while(|&nth| killed(nth)).count();
    assert!(times > 2, "{calls} was met {times} times");
}

/// Each call to AWS begins with the one, each step on the disk ends with the other.
#[test]
fn killed_before_any_call_to_aws_or_at_any_rename_no_half_made_device_is_unknown() {
    for calls in ["connect", "rename"] {
        sweep(calls);
    }
}

#[test]
#[ignore = "long: one run for each system call of an enrollment"]
fn killed_anywhere_no_half_made_device_is_unknown() {
    for calls in ["recvfrom,readv,recvmsg", "sendto,writev,sendmsg", "fsync,unlink"] {
        sweep(calls);
    }
}

#[test]
fn a_disk_that_fails_leaves_no_half_made_device() {
    for (calls, what) in [("rename", "error=EIO"), ("fsync", "error=ENOSPC")] {
        for nth in 1.. {
            let world = world();
            let ran = bent(&world, calls, what, nth);
            if ran.code == 0 && nth > 3 {
                break;
            }
            goes_on(&world, &format!("{calls} {nth} {what}: {ran:?}"));
        }
    }
}

#[test]
fn each_fault_of_iam_is_survived() {
    for action in ["GetCallerIdentity", "ListMFADevices", "CreateVirtualMFADevice", "EnableMFADevice"] {
        for kind in [
            FaultKind::DropBefore,
            FaultKind::DropAfter,
            FaultKind::Status(503),
            FaultKind::TruncatedBody,
            FaultKind::HtmlBody,
            FaultKind::EmptyBody,
        ] {
            let when = format!("{action} {kind:?}");
            let world = world();
            world.sandbox.fault(Fault::new(kind).on(action));
            let ran = enroll(&world);
            assert!([0, 4, 6, 8].contains(&ran.code), "{when}: {ran:?}");
            world.sandbox.clear_faults();
            if ran.code == 0 {
                assert_eq!(half_made(&world), [""; 0], "{when}");
            } else {
                assert_eq!(half_made(&world), [""; 0], "{when}: removed at once: {ran:?}");
                goes_on(&world, &when);
            }
        }
    }
}

#[test]
fn a_device_that_cannot_be_deleted_for_a_moment_is_deleted_by_the_next_run() {
    let world = world();
    world.sandbox.fault(Fault::new(FaultKind::Status(503)).on("DeleteVirtualMFADevice"));
    let mut terminal = world.on_terminal(ENROLL);
    terminal.sees("first code (");
    terminal.types("\x04");
    let ran = terminal.end();
    let serial = half_made(&world).pop().expect("left");
    assert!(ran.code == 8 && ran.stderr.contains(&format!("device {serial} may be left unfinished (")), "{ran:?}");
    let listed = world.run(["profile", "list"]);
    let remark =
        format!("twolock: warning: the enrollment of MFA device {serial} was interrupted: twolock mfa enroll base\n");
    assert_eq!(listed.stderr, remark);
    goes_on(&world, "deleted later");
    assert_eq!(world.run(["profile", "list"]).stderr, "");
}

#[test]
fn interrupted_at_the_question_the_picture_goes_and_the_device_is_named() {
    let world = world();
    world.sandbox.set_policy(ANA, Policy::SelfManaged);
    let mut terminal = world.on_terminal(ENROLL);
    terminal.sees("first code (");
    terminal.types("\x03");
    let shown = terminal.shown_after_end();
    let serial = half_made(&world).pop().expect("left");
    let rows = shown.0.matches("\x1b[0;30;47;107m").count();
    assert!(shown.0.contains(&"\x1b[A\r\x1b[2K".repeat(rows)) && !shown.0.contains("\x1b[J"), "{shown:?}");
    let says =
        format!("twolock: warning: interrupted; device {serial} is unfinished; to continue: twolock mfa enroll base\n");
    assert!(shown.1.code == 130 && shown.1.stderr == says, "{shown:?}");
    let ran = enroll(&world);
    let left = format!(
        "twolock: note: the unfinished device {serial} stays at AWS, which does not let you delete it; the new one gets another name\n"
    );
    assert!(ran.code == 0 && ran.stderr.contains(&left), "{ran:?}");
    assert_eq!(half_made(&world), [serial]);
}
