//! The SDKs for JavaScript, Go and Java, which start us through a shell; each is installed into `.tools` by its own client.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use serde_json::Value;

use crate::adopted::{helper_runs, minted, session_with, signers, world};
use crate::world::{Ran, Terminal, World, without_terminal};

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/callers");

/// Copies a directory of ours to `.tools`, and installs there.
pub fn installed(name: &str, installer: &str, args: &[&str]) -> PathBuf {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join(".tools").join(format!("caller-{name}"));
    std::fs::create_dir_all(&directory).unwrap();
    for entry in std::fs::read_dir(Path::new(FOLDER).join(name)).unwrap().flatten() {
        std::fs::copy(entry.path(), directory.join(entry.file_name())).unwrap();
    }
    let output = Command::new(installer).args(args).current_dir(&directory).output();
    let output = output.unwrap_or_else(|e| panic!("'{installer}' is needed for this test: {e}"));
    assert!(output.status.success(), "{installer}: {}", String::from_utf8_lossy(&output.stderr));
    directory
}

pub fn javascript(world: &World, args: &[&str]) -> Command {
    static INSTALLED: OnceLock<PathBuf> = OnceLock::new();
    let directory = INSTALLED.get_or_init(|| installed("js", "npm", &["ci", "--no-audit", "--no-fund"]));
    let mut command = world.program("node");
    command.arg(directory.join("identity.js")).args(args).env("NODE_NO_WARNINGS", "1");
    at_the_sandbox(world, command)
}

pub fn go(world: &World, args: &[&str]) -> Command {
    static INSTALLED: OnceLock<PathBuf> = OnceLock::new();
    let directory = INSTALLED.get_or_init(|| installed("go", "go", &["build", "-o", "caller", "."]));
    let mut command = world.program(directory.join("caller"));
    command.args(args);
    at_the_sandbox(world, command)
}

/// Calls so many times, so many seconds apart, with the profile of `AWS_PROFILE`.
pub fn java(world: &World, args: &[&str]) -> Command {
    static INSTALLED: OnceLock<PathBuf> = OnceLock::new();
    let directory = INSTALLED.get_or_init(|| {
        let plugin = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:build-classpath";
        installed("java", "mvn", &["-q", "-B", "compile", plugin, "-Dmdep.outputFile=classpath"])
    });
    let others = std::fs::read_to_string(directory.join("classpath")).unwrap();
    let mut command = world.program("java");
    command.arg("-cp").arg(format!("{}:{others}", directory.join("target/classes").display()));
    command.arg("Identity").args(args);
    at_the_sandbox(world, command)
}

/// The calls an SDK makes for a source profile do not heed the `endpoint_url` of a profile.
pub fn at_the_sandbox(world: &World, mut command: Command) -> Command {
    command.env("AWS_ENDPOINT_URL_STS", world.sandbox.url()).env("AWS_EC2_METADATA_DISABLED", "true");
    command
}

/// How an SDK is started.
pub type Sdk = fn(&World, &[&str]) -> Command;

fn run(world: &World, sdk: Sdk, args: &[&str]) -> Ran {
    let mut command = sdk(world, args);
    without_terminal(&mut command);
    world.finish(&mut command)
}

fn keys(ran: &Ran) -> Vec<String> {
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""), "{ran:?}");
    let key = |line| serde_json::from_str::<Value>(line).unwrap()["key"].as_str().unwrap().to_owned();
    ran.stdout.lines().map(key).collect()
}

fn asks_once_then_is_silent(sdk: Sdk) {
    let world = world();
    let mut terminal = Terminal::start(sdk(&world, &["--profile", "prod", "--calls", "3"]));
    terminal.sees("(123456789012, prod, device ana): ");
    terminal.types(&format!("{}\n", world.code()));
    let cold = keys(&terminal.end());
    assert_eq!((minted(&world), helper_runs(&world)), ((1, 1), 1));
    assert_eq!(signers(&world, "GetCallerIdentity"), cold);
    let warm = keys(&run(&world, sdk, &["--profile", "prod"]));
    assert_eq!((&warm[0], warm.len(), cold.len()), (&cold[0], 1, 3));
    assert_eq!((minted(&world), helper_runs(&world)), ((1, 1), 2));
}

fn assumes_a_role_from_our_session(sdk: Sdk) {
    let world = world();
    world.log_in("base");
    let answers = keys(&run(&world, sdk, &["--profile", "via-base", "--calls", "3"]));
    assert_eq!(answers.len(), 3);
    assert_eq!(signers(&world, "AssumeRole"), [world.sandbox.sessions()[0].access_key_id.as_str()]);
    assert_eq!(minted(&world), (1, 1));
}

fn ends_without_a_terminal(sdk: Sdk, says: &str) {
    let world = world();
    let ran = run(&world, sdk, &["--profile", "prod"]);
    assert_eq!((ran.code, ran.stdout.as_str(), world.sandbox.connections()), (1, "", 0), "{ran:?}");
    assert!(ran.stderr.contains(says), "{ran:?}");
}

fn is_served_in_the_last_minutes(sdk: Sdk) {
    for left in [540, 180] {
        let world = session_with(left);
        assert_eq!(keys(&run(&world, sdk, &["--profile", "base", "--calls", "5"])).len(), 5);
        assert_eq!(minted(&world), (1, 0), "{left} s left");
    }
}

#[test]
#[ignore = "long: installs the JavaScript SDK"]
fn javascript_asks_once_then_is_silent() {
    asks_once_then_is_silent(javascript);
}

#[test]
#[ignore = "long: installs the JavaScript SDK"]
fn javascript_assumes_a_role_from_our_session() {
    assumes_a_role_from_our_session(javascript);
}

/// Its default chain hides what we say; what is left for us is not to hang.
#[test]
#[ignore = "long: installs the JavaScript SDK"]
fn javascript_ends_without_a_terminal() {
    ends_without_a_terminal(javascript, "");
}

#[test]
#[ignore = "long: installs the JavaScript SDK"]
fn javascript_is_served_in_the_last_minutes() {
    is_served_in_the_last_minutes(javascript);
}

#[test]
#[ignore = "long: installs the Go SDK"]
fn go_asks_once_then_is_silent() {
    asks_once_then_is_silent(go);
}

#[test]
#[ignore = "long: installs the Go SDK"]
fn go_assumes_a_role_from_our_session() {
    assumes_a_role_from_our_session(go);
}

#[test]
#[ignore = "long: installs the Go SDK"]
fn go_ends_without_a_terminal_and_shows_our_line() {
    let line = "twolock: error: profile 'prod': needs an MFA code from arn:aws:iam::123456789012:mfa/ana: no terminal; \
                run in a terminal: twolock login prod\n";
    ends_without_a_terminal(go, line);
}

#[test]
#[ignore = "long: installs the Go SDK"]
fn go_is_served_in_the_last_minutes() {
    is_served_in_the_last_minutes(go);
}
