//! `setup` cut short anywhere: the next run ends with what the first would have, and the key is never in clear. What an
//! enrollment and a rotation do then: `enrollments.rs` and `rotations.rs`.

use crate::machine::under_strace;
use crate::world::desktop::{Desktop, item};
use crate::world::person::{answering, codes, line};
use crate::world::{DEVICE, Fault, FaultKind, KEY_ID, Ran, SECRET, Terminal, World};

const ANA: &str = "arn:aws:iam::123456789012:user/ana";

fn empty_home() -> World {
    let world = World::new();
    std::fs::remove_dir_all(world.home().join(".aws")).unwrap();
    world
}

const SETUP: [&str; 2] = ["setup", "work"];

fn answered(desktop: &Desktop, mut command: std::process::Command) -> Ran {
    desktop.dress(command.env("AWS_ENDPOINT_URL", desktop.world.sandbox.url()));
    let mut answers = vec![
        line("region, such as eu-west-1 (Enter for none): ", "eu-west-1"),
        line("access key id, or path of the console's CSV file: ", KEY_ID),
        line("secret access key (not shown): ", SECRET),
        line("adopt? [y/N] ", "y"),
        line("rotate it now? [y/N] ", "n"),
    ];
    answers.extend(codes(desktop.world, ANA));
    answering(desktop.world, Terminal::start(command), answers).1
}

fn set_up(desktop: &Desktop) -> Ran {
    let mut command = desktop.world.program(env!("CARGO_BIN_EXE_twolock"));
    command.args(SETUP);
    answered(desktop, command)
}

fn bent(desktop: &Desktop, calls: &str, what: &str, nth: usize) -> Ran {
    answered(desktop, under_strace(desktop.world, calls, what, nth, &SETUP))
}

/// No file has the secret.
#[track_caller]
fn is_hidden(world: &World, when: &str) {
    let found = world.finish(world.program("grep").args(["-rl", SECRET]).arg(world.home()));
    assert_eq!(found.stdout, "", "{when}");
}

#[track_caller]
fn goes_on(desktop: &Desktop, when: &str) {
    let world = desktop.world;
    is_hidden(world, when);
    let ran = set_up(desktop);
    assert_eq!(ran.code, 0, "{when}: {ran:?}");
    let config = std::fs::read_to_string(world.home().join(".aws/config")).unwrap();
    let begins = format!("[profile work]\nregion = eu-west-1\nmfa_serial = {DEVICE}\ncredential_process = ");
    assert!(config.starts_with(&begins) && config.lines().count() == 4, "{when}: {config}");
    assert_eq!(desktop.planted(), item(), "{when}");
    assert!(!world.home().join(".aws/credentials").exists(), "{when}");
    is_hidden(world, when);
}

/// Each call to AWS or the keyring begins with the one, each step on the disk ends with the other.
#[test]
#[ignore = "long: one run for each system call of a setup"]
fn killed_anywhere_the_next_run_ends_it() {
    for calls in ["connect", "rename", "fsync,unlink", "sendto,writev,sendmsg", "recvfrom,readv,recvmsg"] {
        let killed = |nth: usize| {
            let world = empty_home();
            let desktop = Desktop::empty(&world);
            let was_killed = bent(&desktop, calls, "signal=SIGKILL", nth).code != 0;
            goes_on(&desktop, &format!("killed at {calls} {nth}"));
            was_killed
        };
        let times = (1..200).take_while(|&nth| killed(nth)).count();
        assert!(times > 2, "{calls} was met {times} times");
    }
}

#[test]
fn killed_at_any_step_on_the_disk_the_next_run_ends_it() {
    for nth in 1..200 {
        let world = empty_home();
        let desktop = Desktop::empty(&world);
        let ran = bent(&desktop, "rename", "signal=SIGKILL", nth);
        goes_on(&desktop, &format!("killed at rename {nth}"));
        if ran.code == 0 {
            assert!(nth > 4, "rename was met {nth} times");
            return;
        }
    }
}

#[test]
fn a_disk_that_fails_leaves_what_the_next_run_ends() {
    for (calls, what) in [("rename", "error=EIO"), ("fsync", "error=ENOSPC")] {
        for nth in 1.. {
            let world = empty_home();
            let desktop = Desktop::empty(&world);
            let ran = bent(&desktop, calls, what, nth);
            goes_on(&desktop, &format!("{calls} {nth} {what}: {ran:?}"));
            if ran.code == 0 && nth > 3 {
                break;
            }
        }
    }
}

#[test]
fn each_fault_of_aws_leaves_what_the_next_run_ends() {
    for action in ["GetCallerIdentity", "ListMFADevices", "GetSessionToken"] {
        for kind in [
            FaultKind::DropBefore,
            FaultKind::Status(503),
            FaultKind::TruncatedBody,
            FaultKind::HtmlBody,
            FaultKind::EmptyBody,
        ] {
            let when = format!("{action} {kind:?}");
            let world = empty_home();
            let desktop = Desktop::empty(&world);
            world.sandbox.fault(Fault::new(kind).on(action).always());
            let ran = set_up(&desktop);
            assert!([4, 6, 8].contains(&ran.code), "{when}: {ran:?}");
            assert!(ran.stderr.ends_with("twolock: hint: to continue: twolock setup work\n"), "{when}: {ran:?}");
            world.sandbox.clear_faults();
            goes_on(&desktop, &when);
        }
    }
}
