//! A long command that was given a profile by name: it comes back before a session ends, and holds no key.

use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;

use crate::adopted::{helper_runs, minted, world};
use crate::sdks::{at_the_sandbox, go, java, javascript};
use crate::world::{Fault, FaultKind, Ran, World, make_runnable, required, without_terminal};

/// So long says STS that a role's session lasts. twolock gives none that has less than 30 s left.
const LIFE: i64 = 45;
const CALLS: &str = "22";
const PAUSE: &str = "5";

/// Runs a program by `exec --by-name`, without a terminal.
fn by_name(world: &World, program: &Command) -> Ran {
    let mut command = world.twolock(["exec", "prod", "--by-name", "--"]);
    command.arg(program.get_program()).args(program.get_args());
    for (name, value) in program.get_envs() {
        value.map(|value| command.env(name, value));
    }
    without_terminal(&mut command);
    world.finish(&mut command)
}

/// The usual world; the script that counts our runs has our name, else the profile would not be ours.
fn named_world() -> World {
    let world = world();
    let read = |name: &str| std::fs::read_to_string(world.home().join(name)).unwrap();
    world.write("bin/twolock", &read("bin/helper"));
    make_runnable(&world.home().join("bin/twolock"));
    world.write(".aws/config", &read(".aws/config").replace("/bin/helper", "/bin/twolock"));
    world
}

/// A hundred seconds of calls, over two ends of a session.
#[track_caller]
fn outlives_two_sessions(program: impl FnOnce(&World) -> Command) {
    let world = named_world();
    world.log_in("base");
    world.sandbox.fault(Fault::new(FaultKind::ExpiryBeyond(LIFE - 3600)).on("AssumeRole").always());
    let ran = by_name(&world, &program(&world));
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""), "{ran:?}");
    let key = |line: &str| serde_json::from_str::<Value>(line).unwrap()["key"].as_str().unwrap().to_owned();
    let mut keys: Vec<String> = ran.stdout.lines().map(key).collect();
    assert_eq!(keys.len().to_string(), CALLS);
    keys.dedup();
    assert!(keys.len() >= 3, "{keys:?}");
    assert_eq!(minted(&world).0, 1, "nobody was asked");
    assert!(helper_runs(&world) >= 2, "the program came back by itself");
}

#[test]
#[ignore = "long: waits for the end of two sessions"]
fn boto3_outlives_two_sessions() {
    outlives_two_sessions(|world| {
        let script = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/callers/identity.py");
        let mut command = Command::new(required("TWOLOCK_TEST_PYTHON"));
        command.arg("-B").arg(script).args(["--calls", CALLS, "--pause", PAUSE, "--look"]);
        at_the_sandbox(world, command)
    });
}

#[test]
#[ignore = "long: waits for the end of two sessions"]
fn javascript_outlives_two_sessions() {
    outlives_two_sessions(|world| javascript(world, &["--calls", CALLS, "--pause", PAUSE]));
}

#[test]
#[ignore = "long: waits for the end of two sessions"]
fn go_outlives_two_sessions() {
    outlives_two_sessions(|world| go(world, &["--calls", CALLS, "--pause", &format!("{PAUSE}s")]));
}

#[test]
#[ignore = "long: waits for the end of two sessions, installs the Java SDK"]
fn java_outlives_two_sessions() {
    outlives_two_sessions(|world| java(world, &[CALLS, PAUSE]));
}

#[test]
fn the_aws_cli_is_served_by_the_name_alone() {
    let world = named_world();
    world.log_in("prod");
    let mut command = Command::new(required("TWOLOCK_TEST_AWS"));
    command.args(["sts", "get-caller-identity", "--query", "Arn", "--output", "text"]);
    let ran = by_name(&world, &at_the_sandbox(&world, command));
    ran.is(0, "arn:aws:sts::123456789012:assumed-role/Admin/ana\n", "");
    assert_eq!((minted(&world), helper_runs(&world)), ((1, 1), 1));
}
