//! Bytes in lower-case hex.

use sha2::{Digest, Sha256};

/// Two digits a byte.
pub fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    bytes.iter().flat_map(|b| [DIGITS[usize::from(b >> 4)], DIGITS[usize::from(b & 15)]]).map(char::from).collect()
}

/// Returns the SHA-256 of bytes in hex.
pub fn sha256(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// Reads as many bytes as [`hex`] wrote; anything else is none.
pub fn bytes<const N: usize>(text: &str) -> Option<[u8; N]> {
    let digit = |c: u8| match c {
        b'0'..=b'9' => Some(c - b'0'),
        b'a'..=b'f' => Some(c - b'a' + 10),
        _ => None,
    };
    let (mut bytes, (pairs, [])) = ([0; N], text.as_bytes().as_chunks::<2>()) else { return None };
    if pairs.len() != N {
        return None;
    }
    for (byte, [high, low]) in bytes.iter_mut().zip(pairs) {
        *byte = digit(*high)? << 4 | digit(*low)?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_byte_is_two_digits() {
        assert_eq!(hex(&[0x00, 0x0f, 0xa5, 0xff]), "000fa5ff");
    }

    #[test]
    fn what_was_written_reads_back_and_nothing_else_does() {
        assert_eq!(bytes("000fa5ff"), Some([0x00, 0x0f, 0xa5, 0xff]));
        for other in ["", "000fa5", "000fa5f", "000fa5ff00", "000FA5FF", "000fa5fg", "+00fa5ff", "00 0fa5f", "é0fa5f"]
        {
            assert_eq!(bytes::<4>(other), None, "{other}");
        }
    }
}
