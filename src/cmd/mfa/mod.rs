//! The MFA commands: the devices of a profile's user.

mod devices;
mod enroll;
mod printed;
mod prompt;
pub mod propose;
mod remove;
mod resync;
mod seed;
pub mod setting;

pub use enroll::{remarks, remarks_under_lock};

use crate::cli::Mfa;
use crate::error::Result;

use super::context::Invocation;

pub fn run(args: &Mfa, invocation: &Invocation) -> Result<u8> {
    match args {
        Mfa::Devices { profile, json } => devices::run(profile, *json, invocation),
        Mfa::Enroll(args) => enroll::run(args, invocation),
        Mfa::Resync { profile } => resync::run(profile, invocation),
        Mfa::Remove(args) => remove::run(args, invocation),
    }
}
