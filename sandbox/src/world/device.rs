//! Plays the MFA devices: shows codes, and accepts each of them once.

use std::collections::BTreeSet;

use data_encoding::BASE32_NOPAD;

use super::ServerState;
use crate::totp::{STEP_SECONDS, step_at, totp};

/// How far the clock of a device may be off when it is enabled or resynchronized.
const WIDEST_DRIFT: i64 = 20;

/// A device as its owner knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Device {
    pub serial: String,
    /// The ARN of the user or root it is enabled for.
    pub owner: Option<String>,
    /// Empty for a passkey.
    pub seed_base32: String,
    /// Missing as long as the device is not enabled.
    pub enabled_at: Option<i64>,
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

/// A device as the server knows it.
#[derive(Debug)]
pub(crate) struct MfaDevice {
    pub serial: String,
    /// The root of the account that a virtual device was made in, or that a passkey belongs to.
    pub home: String,
    /// The user or root, and since when.
    pub enabled: Option<(String, i64)>,
    /// From when on its codes are accepted: an enabled device takes a while to spread.
    pub works_from: i64,
    /// From when on lists show it.
    pub listed_from: i64,
    /// How many steps the clock of the device is ahead, and how many of them AWS knows about.
    pub ahead: i64,
    known_ahead: i64,
    seed: Vec<u8>,
    /// Counters, that is steps of the device's own clock.
    used: BTreeSet<i64>,
}

impl MfaDevice {
    /// Returns a device that no one has enabled; a passkey has no seed.
    pub(crate) fn new(serial: &str, home: &str, seed: Vec<u8>) -> MfaDevice {
        MfaDevice {
            serial: serial.to_owned(),
            home: home.to_owned(),
            enabled: None,
            works_from: 0,
            listed_from: 0,
            ahead: 0,
            known_ahead: 0,
            seed,
            used: BTreeSet::new(),
        }
    }

    pub(crate) fn owner(&self) -> Option<&str> {
        self.enabled.as_ref().map(|(owner, _)| owner.as_str())
    }

    /// Virtual devices alone can be created and deleted by a call.
    pub(crate) fn is_virtual(&self) -> bool {
        self.serial.contains(":mfa/")
    }

    pub(crate) fn is_passkey(&self) -> bool {
        self.seed.is_empty()
    }

    pub(crate) fn shown(&self) -> Device {
        Device {
            serial: self.serial.clone(),
            owner: self.owner().map(str::to_owned),
            seed_base32: BASE32_NOPAD.encode(&self.seed),
            enabled_at: self.enabled.as_ref().map(|(_, time)| *time),
        }
    }

    /// Returns what the device shows in a step of the true time.
    pub(crate) fn digits(&self, step: i64) -> String {
        totp(&self.seed, step + self.ahead)
    }

    /// Marks the step of a code as used; nothing when the code is wrong, too old, too new or used.
    pub(super) fn accept(&mut self, code: &str, now: i64) -> Option<i64> {
        let current = step_at(now);
        let step = [current, current + 1, current - 1]
            .into_iter()
            .find(|step| self.is_fresh(step + self.known_ahead, code))?;
        self.used.insert(step + self.known_ahead);
        Some(step)
    }

    /// Accepts two consecutive codes, learns from them how far the device's clock is off, and returns their steps.
    pub(crate) fn accept_pair(&mut self, codes: [&str; 2], now: i64) -> Option<[i64; 2]> {
        let current = step_at(now);
        let mut nearest: Vec<i64> = (-WIDEST_DRIFT..=WIDEST_DRIFT).collect();
        nearest.sort_by_key(|off| off.abs());
        let off = nearest
            .into_iter()
            .find(|off| self.is_fresh(current + off, codes[0]) && self.is_fresh(current + off + 1, codes[1]))?;
        let steps = [current + off, current + off + 1];
        self.used.extend(steps);
        // The pair of an exact clock is the previous and the current code, or the current and the next one.
        self.known_ahead = if (-2..=0).contains(&off) { 0 } else { off + 1 };
        Some(steps)
    }

    fn is_fresh(&self, counter: i64, code: &str) -> bool {
        !self.is_passkey() && !self.used.contains(&counter) && totp(&self.seed, counter) == code
    }

    /// Returns a code to use now, or the first one to come.
    pub(crate) fn unused(&self, now: i64) -> Code {
        let current = step_at(now);
        let left = STEP_SECONDS - now.rem_euclid(STEP_SECONDS);
        // The code of the previous step is too old once this step ends, and could run out on the way.
        let previous = (left > 10).then_some(current - 1);
        let step = [Some(current), Some(current + 1), previous]
            .into_iter()
            .flatten()
            .chain(current + 2..)
            .find(|step| !self.used.contains(&(step + self.ahead)))
            .expect("steps do not end");
        let wait = if step > current + 1 { left + (step - current - 2) * STEP_SECONDS } else { 0 };
        Code { digits: self.digits(step), step, wait_seconds: wait.unsigned_abs() }
    }
}

impl ServerState {
    /// Adds a device that is enabled for a user or root already.
    pub(crate) fn add_device(&mut self, mut device: MfaDevice, owner: &str, now: i64) -> Result<Device, String> {
        if !self.accounts.contains_key(owner) {
            return Err(format!("no such user: {owner}"));
        }
        if self.devices.contains_key(&device.serial) {
            return Err(format!("this device exists already: {}", device.serial));
        }
        device.enabled = Some((owner.to_owned(), now));
        let seen = device.shown();
        self.put_device(device);
        Ok(seen)
    }

    pub(crate) fn put_device(&mut self, device: MfaDevice) {
        self.devices.insert(device.serial.clone(), device);
    }

    pub(crate) fn device(&self, serial: &str) -> Option<&MfaDevice> {
        self.devices.get(serial)
    }

    /// Returns a device that shows codes.
    pub(crate) fn code_device(&self, serial: &str) -> Option<&MfaDevice> {
        self.device(serial).filter(|device| !device.is_passkey())
    }

    pub(crate) fn device_mut(&mut self, serial: &str) -> Option<&mut MfaDevice> {
        self.devices.get_mut(serial)
    }

    pub(crate) fn remove_device(&mut self, serial: &str) {
        self.devices.remove(serial);
    }

    pub(crate) fn devices(&self) -> impl Iterator<Item = &MfaDevice> {
        self.devices.values()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn device() -> MfaDevice {
        MfaDevice::new("serial", "home", b"12345678901234567890".to_vec())
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

    #[test]
    fn a_pair_of_codes_is_consecutive_and_teaches_the_drift() {
        let now = 100 * STEP_SECONDS;
        let pair = |ahead: i64, from: i64, to: i64| {
            let mut device = MfaDevice { ahead, ..device() };
            let codes = [device.digits(from), device.digits(to)];
            let steps = device.accept_pair([&codes[0], &codes[1]], now);
            (steps.is_some(), device.known_ahead)
        };
        assert_eq!(pair(0, 99, 100), (true, 0));
        assert_eq!(pair(0, 100, 101), (true, 0));
        assert_eq!(pair(0, 100, 100), (false, 0));
        assert_eq!(pair(0, 100, 99), (false, 0));
        assert_eq!(pair(0, 100, 102), (false, 0));
        assert_eq!(pair(7, 99, 100), (true, 7));
        assert_eq!(pair(-9, 99, 100), (true, -9));
        assert_eq!(pair(30, 99, 100), (false, 0));
    }
}
