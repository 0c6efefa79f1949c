//! The programs that twolock runs at the moment, passed down so that one of them that calls twolock is not run again.
//!
//! The variable lists it, outermost first: serials of devices whose codes are asked for, and digests of the lines of
//! `credential_process`. Programs inherit it and add their own.

use std::process::Command;

use crate::arn::MfaSerial;
use crate::hex::sha256;

use super::env::Env;

const VARIABLE: &str = "TWOLOCK_RUNNING";
/// In no serial, whose names may have commas, and in no digest.
const SEPARATOR: &str = " ";
/// Begins what is not a serial, for which hexadecimal digits alone could pass.
const LINE: &str = "process:";

/// What runs above a process.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Running(Vec<String>);

impl Running {
    /// What runs above this process.
    pub fn above(env: &Env) -> Self {
        let listed = env.raw(VARIABLE).unwrap_or_default().to_string_lossy();
        Self(listed.split_ascii_whitespace().map(String::from).collect())
    }

    /// Whether a code of this device is asked for.
    pub fn asks_for(&self, device: &MfaSerial) -> bool {
        self.has(device.as_str())
    }

    /// Whether the program of this line of `credential_process` runs.
    pub fn runs(&self, line: &str) -> bool {
        self.has(&digest(line))
    }

    /// The same, and a code of this device is asked for.
    #[must_use]
    pub fn and_code_of(&self, device: &MfaSerial) -> Self {
        self.and(device.as_str().into())
    }

    /// The same, and the program of this line runs.
    #[must_use]
    pub fn and_line(&self, line: &str) -> Self {
        self.and(digest(line))
    }

    /// Tells a program what runs above it.
    pub fn hand_to(&self, command: &mut Command) {
        command.env(VARIABLE, self.0.join(SEPARATOR));
    }

    fn has(&self, entry: &str) -> bool {
        self.0.iter().any(|running| running == entry)
    }

    fn and(&self, entry: String) -> Self {
        let mut running = self.clone();
        if !running.has(&entry) {
            running.0.push(entry);
        }
        running
    }
}

/// Not the line itself: it may name what others need not see.
fn digest(line: &str) -> String {
    format!("{LINE}{}", &sha256(line.trim().as_bytes())[..16])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variable(running: &Running) -> String {
        let mut command = Command::new("x");
        running.hand_to(&mut command);
        let (_, value) = command.get_envs().find(|(name, _)| *name == VARIABLE).unwrap();
        value.unwrap().to_str().unwrap().into()
    }

    #[test]
    fn each_run_adds_its_own_to_what_runs_above_it() {
        let devices =
            ["arn:aws:iam::123456789012:mfa/a,na", "GAHT12345678"].map(|text| MfaSerial::parse(text).unwrap());
        let first = Running::above(&Env::default()).and_line(" helper x ");
        let below = Running::above(&Env::of([(VARIABLE, variable(&first))])).and_code_of(&devices[0]);
        let below = Running::above(&Env::of([(VARIABLE, variable(&below))]));
        assert!(below.runs("helper x") && below.asks_for(&devices[0]), "{below:?}");
        assert!(!below.runs("helper y") && !below.runs("helper") && !below.asks_for(&devices[1]), "{below:?}");
        assert!(!first.asks_for(&devices[0]), "what is below does not count");
        assert_eq!(below.and_line("helper x"), below, "a line is listed once");
        assert!(!variable(&below).contains("helper"));
    }

    #[test]
    fn a_device_alone_is_listed_as_it_always_was() {
        let device = MfaSerial::parse("arn:aws:iam::123456789012:mfa/ana").unwrap();
        assert_eq!(variable(&Running::default().and_code_of(&device)), device.as_str());
        assert!(Running::above(&Env::of([(VARIABLE, device.as_str())])).asks_for(&device));
        assert_eq!(Running::above(&Env::of([(VARIABLE, "")])), Running::default());
    }
}
