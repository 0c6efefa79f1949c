//! Base64 in its two alphabets (RFC 4648): the standard one of PEM, and the one of tokens, without padding.

const STANDARD: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const OF_URLS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// Returns bytes in the alphabet of URLs, without padding.
pub fn encode_url(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for group in bytes.chunks(3) {
        let all = group.iter().fold(0, |all, byte| all << 8 | u32::from(*byte)) << (8 * (3 - group.len()));
        let letters = (0..=group.len()).map(|at| OF_URLS[(all >> (18 - 6 * at) & 63) as usize]);
        text.extend(letters.map(char::from));
    }
    text
}

/// Reads the alphabet of URLs without padding.
pub fn decode_url(text: &str) -> Option<Vec<u8>> {
    decoded(text, OF_URLS)
}

/// Reads the standard alphabet with its padding.
pub fn decode(text: &str) -> Option<Vec<u8>> {
    let padding = text.len() - text.trim_end_matches('=').len();
    let is_padded = text.len().is_multiple_of(4) && padding <= 2;
    if is_padded { decoded(&text[..text.len() - padding], STANDARD) } else { None }
}

/// Nothing but the one spelling that bytes have: bits left over are zero.
fn decoded(text: &str, alphabet: &[u8; 64]) -> Option<Vec<u8>> {
    // The room is made at once: growing would leave copies of keys behind in freed memory.
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3 + 3);
    for group in text.as_bytes().chunks(4) {
        let mut all = 0u32;
        for letter in group {
            all = all << 6 | u32::try_from(alphabet.iter().position(|known| known == letter)?).ok()?;
        }
        let whole = group.len() * 6 / 8;
        let left = group.len() * 6 % 8;
        if whole == 0 || all & ((1 << left) - 1) != 0 {
            return None;
        }
        bytes.extend_from_slice(&(all >> left).to_be_bytes()[4 - whole..]);
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_vectors_of_rfc_4648_in_both_alphabets() {
        for (bytes, text) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
            ("fooba", "Zm9vYmE="),
            ("foobar", "Zm9vYmFy"),
        ] {
            assert_eq!(decode(text).as_deref(), Some(bytes.as_bytes()), "{text}");
            let bare = text.trim_end_matches('=');
            assert_eq!((encode_url(bytes.as_bytes()).as_str(), decode_url(bare)), (bare, Some(bytes.into())));
        }
        assert_eq!((encode_url(&[0xfb, 0xff]), decode("+/8=")), ("-_8".into(), Some(vec![0xfb, 0xff])));
    }

    #[test]
    fn what_was_encoded_reads_back() {
        let all: Vec<u8> = (0..=255).collect();
        for length in 0..all.len() {
            assert_eq!(decode_url(&encode_url(&all[..length])).as_deref(), Some(&all[..length]));
        }
    }

    #[test]
    fn other_spellings_are_none() {
        for text in
            ["Z", "Zg", "Zg=", "Zg===", "=", "====", "Zh==", "Zm9=", "Zm 9v", "Zm9v\n", "-_8=", "Zm9vé", "Zg==Zg=="]
        {
            assert_eq!(decode(text), None, "{text}");
        }
        for text in ["Z", "Zh", "Zg==", "+/8", "Zm9v.", "Zm9vZ"] {
            assert_eq!(decode_url(text), None, "{text}");
        }
    }
}
