//! A new virtual MFA device, from its creation at IAM to the profile that names it. Each step may be interrupted.
//!
//! - [`record`]: what is written before each step, so that every unfinished device is known to us
//! - [`steps`]: the steps at IAM
//! - [`pair`]: two consecutive codes, sent once
//!
//! May know our own files, `aws` and the state of devices in `session`; never profiles, verbs or output.

pub mod pair;
pub mod record;
pub mod steps;

pub use record::{Phase, Record, Records};
pub use steps::{Enrollment, Settled};
