//! `enrollments.json`: the devices whose enrollment is unfinished. The seed is not in it.

use serde::{Deserialize, Serialize};

use crate::arn::MfaSerial;
use crate::names::ProfileName;
use crate::ours::{self, records::Entry};

/// One new device.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// The ARN of the user.
    pub user: String,
    /// The profile that will name the device.
    pub profile: ProfileName,
    /// Its ARN, before and after IAM has created it.
    pub serial: MfaSerial,
    pub phase: Phase,
}

/// How far it has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// IAM may have been asked to create it; a device of this name may also be somebody else's.
    Creating,
    /// IAM has created it, and nobody has it.
    Created,
    /// IAM may have been asked to enable it, and the profile may not name it yet.
    Enabling,
}

impl Entry for Record {
    const LIST: &'static str = "enrollments";
    const DOES: &'static str = "is enrolling an MFA device";

    fn user(&self) -> &str {
        &self.user
    }
}

/// `enrollments.json`.
pub type Records = ours::records::Records<Record>;
