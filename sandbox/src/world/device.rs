//! Plays the virtual MFA device: shows codes, and accepts each of them once.

use std::collections::BTreeSet;

use data_encoding::BASE32_NOPAD;

use crate::totp::{STEP_SECONDS, step_at, totp};

/// A virtual device as its owner knows it.
#[derive(Clone, Debug)]
pub struct Device {
    pub serial: String,
    /// The ARN of the user or root it belongs to.
    pub owner: String,
    pub seed_base32: String,
}

/// A code that has not been used yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Code {
    pub digits: String,
    pub step: i64,
    /// How long until it is accepted; 0 unless every code of this moment is used up.
    pub wait_seconds: u64,
}

/// A code that the server has accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConsumedCode {
    pub serial: String,
    pub code: String,
    pub step: i64,
    /// When, by the server's clock.
    pub time: i64,
}

#[derive(Debug)]
pub(crate) struct VirtualDevice {
    owner: String,
    serial: String,
    seed: Vec<u8>,
    used: BTreeSet<i64>,
}

impl VirtualDevice {
    pub(super) fn new(owner: &str, serial: &str, seed: Vec<u8>) -> VirtualDevice {
        VirtualDevice { owner: owner.to_owned(), serial: serial.to_owned(), seed, used: BTreeSet::new() }
    }

    pub(super) fn owner(&self) -> &str {
        &self.owner
    }

    pub(super) fn shown(&self) -> Device {
        Device { serial: self.serial.clone(), owner: self.owner.clone(), seed_base32: BASE32_NOPAD.encode(&self.seed) }
    }

    pub(crate) fn digits(&self, step: i64) -> String {
        totp(&self.seed, step)
    }

    /// Marks the step of a code as used; nothing when the code is wrong, too old, too new or used.
    pub(super) fn accept(&mut self, code: &str, now: i64) -> Option<i64> {
        let current = step_at(now);
        let step = [current, current + 1, current - 1]
            .into_iter()
            .find(|step| !self.used.contains(step) && self.digits(*step) == code)?;
        self.used.insert(step);
        Some(step)
    }

    /// Returns a code to use now, or the first one to come.
    pub(crate) fn unused(&self, now: i64) -> Code {
        let current = step_at(now);
        let left = STEP_SECONDS - now.rem_euclid(STEP_SECONDS);
        // The code of the previous step is too old once this step ends, and could run out on the way.
        let previous = (left > 10).then_some(current - 1);
        let step = [Some(current), Some(current + 1), previous, Some(current + 2)]
            .into_iter()
            .flatten()
            .find(|step| !self.used.contains(step))
            .expect("a step is used only once it is within one step of now");
        let wait = if step > current + 1 { left } else { 0 };
        Code { digits: self.digits(step), step, wait_seconds: wait.unsigned_abs() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn device() -> VirtualDevice {
        VirtualDevice::new("owner", "serial", b"12345678901234567890".to_vec())
    }

    #[test]
    fn codes_of_three_steps_are_accepted_once_each() {
        let mut device = device();
        let codes: Vec<String> = (98..=102).map(|step| device.digits(step)).collect();
        let now = 100 * STEP_SECONDS;
        let accepted: Vec<_> = codes.iter().map(|code| device.accept(code, now)).collect();
        assert_eq!(accepted, [None, Some(99), Some(100), Some(101), None]);
        assert!(codes.iter().all(|code| device.accept(code, now).is_none()));
    }

    #[test]
    fn an_unused_code_is_offered_until_none_is_left() {
        let mut device = device();
        let now = 100 * STEP_SECONDS + 10;
        for step in [100, 101, 99] {
            let code = device.unused(now);
            assert_eq!((code.step, code.wait_seconds), (step, 0));
            assert_eq!(device.accept(&code.digits, now), Some(step));
        }
        let code = device.unused(now);
        assert_eq!((code.step, code.wait_seconds), (102, 20));
        assert_eq!(device.accept(&code.digits, now), None);
        assert_eq!(device.accept(&code.digits, now + 20), Some(102));
        let late = 200 * STEP_SECONDS + 27;
        for step in [200, 201] {
            assert_eq!(device.accept(&device.digits(step), late), Some(step));
        }
        let code = device.unused(late);
        assert_eq!((code.step, code.wait_seconds), (202, 3), "the code of step 199 could run out on the way");
    }
}
