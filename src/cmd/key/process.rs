//! Another program that prints an access key as a `credential_process` does: aws-vault, a password manager.

use std::time::Instant;

use crate::cmd::context::Context;
use crate::credentials::{AccessKey, Credentials};
use crate::error::{Failure, Kind, Result};
use crate::names::ProfileName;
use crate::sources::process::{BOUND, ProcessSource};
use crate::system::clock::Deadline;

/// Runs the program and takes the key from what it prints, which is never shown.
pub fn key(context: &Context, profile: &ProfileName, line: &str) -> Result<AccessKey> {
    let source = ProcessSource::of_person(line, profile, &context.env, &context.dirs.account_home())?;
    match source.run(Deadline::after(Instant::now(), BOUND))? {
        Credentials::Key(key) => Ok(key),
        Credentials::Session(_) => {
            let cause =
                "--process: printed temporary credentials (they have a SessionToken): it must print the long-term key";
            Err(Failure::new(Kind::Config, cause).of_profile(profile))
        }
    }
}
