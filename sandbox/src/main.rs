//! Runs the sandbox on its own, for tests in other languages.
//!
//! A shell gives background jobs an empty standard input, which ends at once: hence `--stay`.

#![expect(clippy::disallowed_macros, reason = "a program of its own: its one line of JSON goes to stdout")]

mod world_file;

use std::io::{self, Read};
use std::process::ExitCode;

use serde_json::{Value, json};
use twolock_sandbox::Sandbox;

const USAGE: &str = "usage: twolock-sandbox [--stay] [--ca-file FILE] [WORLD.json]

Prints one line of JSON with everything a caller needs (url, ca_pem, users with keys and devices,
roles, people, logins, identity tokens), then serves until standard input ends.

  --stay          serve until killed
  --ca-file FILE  write the certificate authority there, for AWS_CA_BUNDLE

Without a world there is one user, alice, with an MFA device and a role that requires MFA. The fields of a
world are described in sandbox/src/world_file/mod.rs.";

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(words) => {
            eprintln!("twolock-sandbox: error: {words}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), String> {
    let mut stay = false;
    let (mut file, mut ca_file) = (None, None);
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--stay" => stay = true,
            "--ca-file" => ca_file = Some(arguments.next().ok_or("--ca-file requires a path")?),
            "-h" | "--help" => {
                println!("{USAGE}");
                return Ok(());
            }
            flag if flag.starts_with('-') => return Err(format!("unknown flag: {flag}\n{USAGE}")),
            _ => file = Some(argument),
        }
    }
    let world = match file {
        None => usual_world(),
        Some(path) => read_world(&path)?,
    };
    let options = world_file::options(&world)?;
    let sandbox = Sandbox::start(options).map_err(|error| format!("cannot start: {error}"))?;
    let mut line = world_file::fill(&sandbox, &world)?;
    line["url"] = json!(sandbox.url());
    line["ca_pem"] = json!(sandbox.ca_pem());
    if let (Some(path), Some(pem)) = (&ca_file, sandbox.ca_pem()) {
        std::fs::write(path, pem).map_err(|error| format!("{path}: {error}"))?;
    }
    println!("{line}");
    if stay {
        loop {
            std::thread::park();
        }
    }
    io::stdin().read_to_end(&mut Vec::new()).map(drop).map_err(|error| format!("cannot read standard input: {error}"))
}

fn read_world(path: &str) -> Result<Value, String> {
    let text = std::fs::read_to_string(path).map_err(|error| format!("{path}: {error}"))?;
    serde_json::from_str(&text).map_err(|error| format!("{path}: {error}"))
}

fn usual_world() -> Value {
    json!({
        "users": [{
            "arn": "arn:aws:iam::111122223333:user/alice",
            "devices": [{"name": "alice-phone"}],
        }],
        "roles": [{
            "arn": "arn:aws:iam::111122223333:role/admin",
            "principals": ["arn:aws:iam::111122223333:user/alice"],
            "require_mfa": true,
        }],
    })
}
