//! Computes one-time codes as RFC 6238 has them, in the one shape AWS accepts: SHA-1, six digits, 30 seconds.

use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;

/// How long a code is the current one.
pub const STEP_SECONDS: i64 = 30;

/// Returns the time step that a moment falls in.
pub fn step_at(unix: i64) -> i64 {
    unix.div_euclid(STEP_SECONDS)
}

/// Returns the six digits of a step.
pub fn totp(seed: &[u8], step: i64) -> String {
    format!("{:06}", truncated(seed, step) % 1_000_000)
}

/// Returns the 31 bits of RFC 4226, section 5.3, before they are cut to digits.
fn truncated(seed: &[u8], step: i64) -> u32 {
    let mut mac = Hmac::<Sha1>::new_from_slice(seed).expect("HMAC takes keys of any length");
    mac.update(&step.to_be_bytes());
    let digest = mac.finalize().into_bytes();
    let offset = usize::from(digest[19] & 0x0f);
    let word: [u8; 4] = digest[offset..offset + 4].try_into().expect("the offset is at most 15 of 20 bytes");
    u32::from_be_bytes(word) & 0x7fff_ffff
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 6238, appendix B, the SHA-1 rows: eight digits for a seed of twenty bytes.
    #[test]
    fn published_vectors_of_rfc_6238() {
        let rows = [
            (59, "94287082"),
            (1_111_111_109, "07081804"),
            (1_111_111_111, "14050471"),
            (1_234_567_890, "89005924"),
            (2_000_000_000, "69279037"),
            (20_000_000_000, "65353130"),
        ];
        for (time, digits) in rows {
            let seed = b"12345678901234567890";
            let eight = format!("{:08}", truncated(seed, step_at(time)) % 100_000_000);
            assert_eq!(eight, digits, "at {time}");
            assert_eq!(totp(seed, step_at(time)), digits[2..], "at {time}");
        }
    }
}
