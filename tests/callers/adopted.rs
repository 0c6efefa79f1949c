//! A home whose profiles were adopted: what the callers of this group read, and how they are started.

use std::path::PathBuf;
use std::process::Command;

use crate::world::{Call, Clock, Options, Ran, World, required, without_terminal};

/// Layout M for `base` and `via-base` (the SDK assumes the role), layout O for `prod` (we do): aws-contract 2.3.
pub const CONFIG: &str = "\
[profile base]
region = eu-west-1
mfa_serial = arn:aws:iam::123456789012:mfa/ana
twolock_source_profile = base-keys
endpoint_url = {url}
credential_process = {helper} credential-process --profile base

[profile via-base]
region = eu-west-1
role_arn = arn:aws:iam::123456789012:role/Admin
source_profile = base
endpoint_url = {url}

[profile prod]
region = eu-west-1
mfa_serial = arn:aws:iam::123456789012:mfa/ana
twolock_role_arn = arn:aws:iam::123456789012:role/Admin
twolock_source_profile = base-keys
endpoint_url = {url}
credential_process = {helper} credential-process --profile prod
";

/// The keys, out of the SDKs' way.
pub const CREDENTIALS: &str = "\
[base-keys]
aws_access_key_id = AKIAIOSFODNN7EXAMPLE
aws_secret_access_key = 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
";

/// The usual world, adopted; each run of the helper is counted.
pub fn world() -> World {
    world_with(Options::default())
}

/// The same with another STS.
pub fn world_with(options: Options) -> World {
    let world = World::with(options);
    let counter = "#!/bin/sh\necho run >> \"${0%/*}/runs\"\nexec twolock \"$@\"\n";
    world.write("bin/helper", counter);
    crate::world::make_runnable(&world.home().join("bin/helper"));
    world.write("bin/runs", "");
    world.write(".aws/config", &CONFIG.replace("{helper}", world.home().join("bin/helper").to_str().unwrap()));
    world.write(".aws/credentials", CREDENTIALS);
    world
}

/// How often callers ran the helper.
pub fn helper_runs(world: &World) -> usize {
    std::fs::read_to_string(world.home().join("bin/runs")).unwrap().lines().count()
}

/// A world whose MFA session, opened by a code, has so many seconds left of its fifteen minutes.
pub fn session_with(left: i64) -> World {
    let world = world();
    world.add_config("[profile base-keys]\ntwolock_session_duration = 15m\n");
    world.sandbox.set_clock(Clock::Offset(left - 900));
    world.log_in("base");
    world.sandbox.set_clock(Clock::Offset(0));
    world
}

/// The AWS CLI, on whatever terminal the test gives it.
pub fn aws(world: &World, args: &[&str]) -> Command {
    let mut command = world.program(required("TWOLOCK_TEST_AWS"));
    command.args(args).env("AWS_EC2_METADATA_DISABLED", "true").env("AWS_PAGER", "");
    command
}

/// Runs the AWS CLI without a terminal.
pub fn run_aws(world: &World, args: &[&str]) -> Ran {
    let mut command = aws(world, args);
    without_terminal(&mut command);
    world.finish(&mut command)
}

/// A Python script of this directory.
pub fn python(world: &World, script: &str, args: &[&str]) -> Command {
    let script = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/callers").join(script);
    let mut command = world.program(required("TWOLOCK_TEST_PYTHON"));
    command.arg("-B").arg(script).args(args).env("AWS_EC2_METADATA_DISABLED", "true");
    command
}

/// Runs a Python script without a terminal.
pub fn run_python(world: &World, script: &str, args: &[&str]) -> Ran {
    let mut command = python(world, script, args);
    without_terminal(&mut command);
    world.finish(&mut command)
}

/// The sandbox's records of one action, in order.
pub fn calls(world: &World, action: &str) -> Vec<Call> {
    world.sandbox.calls().into_iter().filter(|call| call.action == action).collect()
}

/// The access key ids that signed calls of one action.
pub fn signers(world: &World, action: &str) -> Vec<String> {
    calls(world, action).into_iter().filter_map(|call| call.access_key_id).collect()
}

/// How often STS was asked for credentials.
pub fn minted(world: &World) -> (usize, usize) {
    (world.sandbox.count("GetSessionToken"), world.sandbox.count("AssumeRole"))
}
