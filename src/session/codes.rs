//! A code is sent once: digests of what was sent, and how long until the device shows another.

use std::time::Duration;

use sha2::{Digest, Sha256};

use crate::arn::MfaSerial;
use crate::hex::hex;
use crate::names::MfaCode;
use crate::session::device::DeviceState;
use crate::timestamp::Timestamp;

/// STS takes the code of the current step and its neighbours; after this long no digest can matter.
const REMEMBERED: Duration = Duration::from_secs(120);

/// Whether this code of this device was sent within the last two minutes.
pub fn was_sent(state: &DeviceState, device: &MfaSerial, code: &MfaCode, now: Timestamp) -> bool {
    let digest = digest(device, code);
    state.sent.iter().any(|(known, at)| *known == digest && now.since(*at) < REMEMBERED)
}

/// Notes that a code is about to be sent; forgets what is too old to matter.
pub fn note(state: &mut DeviceState, device: &MfaSerial, code: &MfaCode, now: Timestamp) {
    state.sent.retain(|(_, at)| now.since(*at) < REMEMBERED);
    state.sent.push((digest(device, code), now));
}

/// Takes the last note back: the connection was never made, so the code is unused.
pub fn forget_last(state: &mut DeviceState) {
    state.sent.pop();
}

/// The time until devices show the next code: steps of 30 s begin at whole half minutes of Unix time (RFC 6238).
pub fn until_next(now: Timestamp) -> Duration {
    let step = MfaCode::STEP.as_secs();
    Duration::from_secs(step - now.unix().rem_euclid(step as i64) as u64)
}

/// Not a secret once sent: the code is worthless, and six digits can be guessed from any digest.
fn digest(device: &MfaSerial, code: &MfaCode) -> String {
    let mut hash = Sha256::new();
    hash.update(device.as_str());
    hash.update([0]);
    hash.update(code.expose());
    hex(&hash.finalize()[..8])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_unix(1_800_000_000 + seconds)
    }

    #[test]
    fn a_sent_code_is_known_for_two_minutes_and_only_for_its_device() {
        let device = MfaSerial::parse("arn:aws:iam::123456789012:mfa/ana").unwrap();
        let other = MfaSerial::parse("arn:aws:iam::123456789012:mfa/bob").unwrap();
        let code = MfaCode::parse("123456").unwrap();
        let mut state = DeviceState::default();
        note(&mut state, &device, &code, at(0));
        assert!(was_sent(&state, &device, &code, at(119)));
        assert!(!was_sent(&state, &device, &code, at(120)));
        assert!(!was_sent(&state, &other, &code, at(0)));
        assert!(!was_sent(&state, &device, &MfaCode::parse("123457").unwrap(), at(0)));
        forget_last(&mut state);
        assert!(!was_sent(&state, &device, &code, at(1)));
    }

    #[test]
    fn the_next_code_comes_at_the_half_minute() {
        for (now, wait) in [(0, 30), (1, 29), (29, 1), (30, 30)] {
            assert_eq!(until_next(at(now)), Duration::from_secs(wait), "{now}");
        }
    }
}
