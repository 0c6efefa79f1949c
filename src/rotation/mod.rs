//! Replaces an IAM user's access key with a new one. At every instant one key is active, stored and known to work
//! (threat-model P38).
//!
//! - [`record`]: what is written before each step that cannot be taken back, so that a later run can go on
//! - [`steps`]: the calls to IAM, and what each outcome leaves
//!
//! May know `aws`, credentials and `system`; never profiles, files of AWS or verbs. Where the new key is kept, and which
//! profiles get it, is the caller's.

pub mod record;
pub mod steps;

pub use self::record::{Files, Phase, Record, Records};
pub use self::steps::{Created, NewKeys, Rotation};
