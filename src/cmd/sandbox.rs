//! `sandbox`: the tour on a local imitation of STS.

use crate::cli;
use crate::error::{Failure, Kind, Result};

use super::Call;

/// Runs the tour.
pub fn run(_args: &cli::Sandbox, _call: &Call) -> Result<u8> {
    Err(Failure::new(Kind::Bug, "under construction"))
}
