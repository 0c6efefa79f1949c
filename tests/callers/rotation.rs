//! Clients that call all the time while a key is rotated: no request of theirs fails.

use std::path::Path;
use std::process::{Child, Command, Stdio};

use crate::adopted::{aws, python, world_with};
use crate::world::{KEY_ID, Options, World, without_terminal};

/// Calls until a file is there, and writes what failed.
const LOOP: &str = "n=0; >failed; while test -e failed && ! test -e stop && test $n -lt 500; do \"$@\" >/dev/null 2>>failed || echo failed >>failed; n=$((n+1)); done; echo $n";

fn start_loop(world: &World, directory: &Path, client: &Command) -> Child {
    std::fs::create_dir(directory).unwrap();
    let mut command = world.program("timeout");
    command
        .args(["120", "sh", "-c", LOOP, "sh"])
        .arg(client.get_program())
        .args(client.get_args())
        .current_dir(directory);
    command.envs(client.get_envs().filter_map(|(name, value)| Some((name, value?))));
    without_terminal(&mut command);
    command.stdout(Stdio::piped()).spawn().unwrap()
}

#[test]
fn no_request_of_the_aws_cli_or_boto3_fails_before_during_and_after_a_rotation() {
    let world = world_with(Options { key_delay: 3, ..Options::default() });
    world.log_in("prod");
    let clients = [
        ("cli", aws(&world, &["sts", "get-caller-identity", "--profile", "prod"])),
        ("cli-of-the-key", aws(&world, &["sts", "get-caller-identity", "--profile", "base"])),
        ("boto3", python(&world, "identity.py", &["--profile", "prod"])),
    ];
    let loops = clients.map(|(name, client)| {
        let directory = world.home().join(name);
        (start_loop(&world, &directory, &client), directory)
    });
    std::thread::sleep(std::time::Duration::from_secs(2));
    let mut rotate = world.twolock(["key", "rotate", "base", "--yes"]);
    let ran = world.finish(rotate.env("TWOLOCK_MFA_CODE", world.code()));
    assert_eq!(ran.code, 0, "{ran:?}");
    std::thread::sleep(std::time::Duration::from_secs(3));
    for (child, directory) in loops {
        std::fs::write(directory.join("stop"), "").unwrap();
        let output = child.wait_with_output().unwrap();
        let calls: usize = String::from_utf8(output.stdout).unwrap().trim().parse().unwrap();
        let failed = std::fs::read_to_string(directory.join("failed")).unwrap();
        assert!(failed.is_empty() && calls >= 3, "{}: {calls} calls, {failed}", directory.display());
    }
    assert!(!world.sandbox.key(KEY_ID).unwrap().active);
}
