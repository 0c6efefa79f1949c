//! Clients that run us again after a decline ask one question; those that are started again ask each time (P58).

use std::process::Command;

use crate::adopted::{aws, helper_runs, world};
use crate::sdks::{at_the_sandbox, go, installed, javascript};
use crate::world::{Terminal, World, required};

const QUESTION: &str = "(123456789012, prod, device ana";

/// Declines the only question; a second one would keep the client, which runs us again, waiting.
fn asks_once(world: &World, client: Command) {
    let mut terminal = Terminal::start(client);
    terminal.sees(QUESTION);
    terminal.types("\x04");
    let ran = terminal.end();
    assert!(helper_runs(world) > 1, "this client ran us once only: {ran:?}");
}

/// Runs a client twice in one shell, as a person does, and declines each question.
fn asks_each_time(world: &World, client: &Command) {
    let mut shell = world.program("bash");
    shell.args(["-c", "\"$@\"; \"$@\"; true", "bash"]).arg(client.get_program()).args(client.get_args());
    shell.envs(client.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let mut terminal = Terminal::start(shell);
    for _ in 0..2 {
        terminal.sees(QUESTION);
        terminal.types("\x04");
    }
    let ran = terminal.end();
    assert_eq!((helper_runs(world), ran.stderr.contains("asks again")), (2, false), "{ran:?}");
}

#[test]
fn the_aws_cli_twice_in_one_shell_asks_each_time() {
    let world = world();
    asks_each_time(&world, &aws(&world, &["sts", "get-caller-identity", "--profile", "prod"]));
}

#[test]
#[ignore = "long: installs the JavaScript SDK"]
fn javascript_does_not_ask_again_after_a_decline() {
    let world = world();
    asks_once(&world, javascript(&world, &["--profile", "prod"]));
}

#[test]
#[ignore = "long: installs ecr-credential-helper"]
fn ecr_credential_helper_does_not_ask_again_after_a_decline() {
    let program = "github.com/awslabs/amazon-ecr-credential-helper/ecr-login/cli/docker-credential-ecr-login";
    let directory = installed("ecr", "go", &["build", "-o", "caller", program]);
    let world = world();
    let line = "echo 123456789012.dkr.ecr.eu-west-1.amazonaws.com | \"$0\" get";
    let mut client = world.program("sh");
    client.args(["-c", line]).arg(directory.join("caller")).env("AWS_PROFILE", "prod");
    asks_once(&world, at_the_sandbox(&world, client));
}

#[test]
#[ignore = "long: installs pyarrow, which has the SDK for C++"]
fn pyarrow_does_not_ask_again_after_a_decline() {
    let python = required("TWOLOCK_TEST_PYTHON");
    let install = ["-m", "pip", "install", "--quiet", "--upgrade", "--target", "packages", "-r", "requirements.txt"];
    let directory = installed("pyarrow", &python, &install);
    let world = world();
    let mut client = world.program(python);
    client.arg("-B").arg(directory.join("look.py")).env("PYTHONPATH", directory.join("packages"));
    client.env("AWS_PROFILE", "prod");
    asks_once(&world, at_the_sandbox(&world, client));
}

#[test]
#[ignore = "long: installs the Go SDK and Terraform's library"]
fn go_and_terraforms_library_ask_each_time_they_are_started() {
    let directory = installed("terraform", "go", &["build", "-o", "caller", "."]);
    let terraform = |world: &World| {
        let mut client = world.program(directory.join("caller"));
        client.arg("prod");
        at_the_sandbox(world, client)
    };
    let go = |world: &World| go(world, &["--profile", "prod"]);
    for client in [&go as &dyn Fn(&World) -> Command, &terraform] {
        let world = world();
        asks_each_time(&world, &client(&world));
    }
}
