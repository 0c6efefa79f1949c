//! No client assumes a protected role from the shared MFA session that lives beside it.

use std::process::Command;

use crate::adopted::{aws, calls, python, world};
use crate::sdks::{at_the_sandbox, go, java, javascript};
use crate::verdicts::tell_what_rust_does;
use crate::world::{Ran, World, without_terminal};

const PROFILE: &str = "via-base";

/// A world with a session of `base`, from which SDKs assume the role of `via-base` themselves.
fn with_a_session() -> World {
    let world = world();
    world.log_in("base");
    world
}

fn protect(world: &World) {
    let ran = world.run(["profile", "set", PROFILE, "twolock_protected", "true", "--yes"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    world.sandbox.forget_calls();
}

/// The client as it is started, with the profile in a variable, without a terminal.
fn run(world: &World, client: impl Fn(&World) -> Command) -> Ran {
    let mut command = client(world);
    command.env("AWS_PROFILE", PROFILE);
    without_terminal(&mut command);
    world.finish(&mut command)
}

#[track_caller]
fn gets_nothing_of_a_protected_role(client: impl Fn(&World) -> Command, says: &str) {
    let world = with_a_session();
    let before = run(&world, &client);
    assert_eq!((before.code, calls(&world, "AssumeRole").len()), (0, 1), "{before:?}");
    protect(&world);
    let ran = run(&world, &client);
    assert!(ran.code != 0 && ran.stdout.is_empty() && ran.stderr.contains(says), "{ran:?}");
    assert_eq!(calls(&world, "AssumeRole").len(), 0, "{ran:?}");
}

const SAYS: &str = "profile 'via-base': is protected: an AWS tool would need a fresh code for each request";

#[test]
fn the_aws_cli_gets_our_refusal() {
    let who = |world: &World| at_the_sandbox(world, aws(world, &["sts", "get-caller-identity"]));
    gets_nothing_of_a_protected_role(who, SAYS);
}

#[test]
fn boto3_gets_our_refusal() {
    gets_nothing_of_a_protected_role(|world| at_the_sandbox(world, python(world, "identity.py", &[])), SAYS);
}

#[test]
#[ignore = "long: installs the Go SDK"]
fn go_gets_our_refusal() {
    gets_nothing_of_a_protected_role(|world| go(world, &[]), SAYS);
}

/// Its default chain hides what we say; that of Java hides our words.
#[test]
#[ignore = "long: installs the JavaScript SDK"]
fn javascript_gets_nothing() {
    gets_nothing_of_a_protected_role(|world| javascript(world, &[]), "");
}

#[test]
#[ignore = "long: installs the Java SDK"]
fn java_gets_nothing() {
    let says = "Failed to refresh process-based credentials";
    gets_nothing_of_a_protected_role(|world| java(world, &["1", "0"]), says);
}

/// Without its feature for processes, the Rust SDK stops just before ours, and says so.
#[test]
#[expect(clippy::disallowed_methods, reason = "how the test knows which of the two runs it is")]
fn rust_comes_to_our_process() {
    const MARK: &str = "TWOLOCK_TEST_PROTECTED";
    if std::env::var_os(MARK).is_some() {
        return tell_what_rust_does(PROFILE);
    }
    let world = with_a_session();
    protect(&world);
    let told = run(&world, |world| {
        let mut command = world.program(std::env::current_exe().unwrap());
        command.args(["--exact", "protected::rust_comes_to_our_process", "--nocapture"]).env(MARK, "1");
        at_the_sandbox(world, command)
    });
    assert!(told.stdout.contains("rust: a process"), "{told:?}");
    assert_eq!(calls(&world, "AssumeRole").len(), 0);
}
