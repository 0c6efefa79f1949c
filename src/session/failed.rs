//! Why a base gave nothing: told to those who waited for it, so that a program or server that fails is not asked once for
//! each of them.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::error::{Failure, Kind};
use crate::system::clock::now_millis;
use crate::system::private_file;

/// A cause is one line of at most a few hundred characters.
const LARGEST: u64 = 8 * 1024;

#[derive(Serialize, Deserialize)]
struct Failed {
    at_millis: u64,
    exit_code: u8,
    cause: String,
    profile: Option<String>,
}

/// Notes a failure. One that cannot be noted costs those who wait only time.
pub fn note(file: &Path, failure: &Failure) {
    let Failure { kind, cause, profile, .. } = failure;
    let failed =
        Failed { at_millis: now_millis(), exit_code: kind.exit_code(), cause: cause.clone(), profile: profile.clone() };
    let _ = serde_json::to_vec(&failed).map(|bytes| private_file::write_atomically(file, &bytes));
}

/// The failure that was noted since then, if any was.
pub fn since(file: &Path, since_millis: u64) -> Option<Failure> {
    let failed: Failed = serde_json::from_slice(&private_file::read_private(file, LARGEST).ok()?).ok()?;
    // One from the future was noted before the clock was corrected; no process waited for it.
    let is_meanwhile = (since_millis..=now_millis()).contains(&failed.at_millis);
    let kind = Kind::from_exit_code(failed.exit_code).filter(|_| is_meanwhile)?;
    let failure = Failure::new(kind, failed.cause);
    Some(failed.profile.into_iter().fold(failure, |failure, profile| failure.of_profile(profile)))
}
