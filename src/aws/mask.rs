//! Foreign words without what we sent: every code, secret, token and signature becomes `***` (threat-model P2).

use std::collections::HashSet;

/// This many characters in a row of a secret are the secret: a server may quote a piece of it.
const PIECE: usize = 12;

/// Returns `text` with every occurrence of a secret, whole or in pieces, plain or percent-encoded, replaced by `***`.
pub(super) fn mask<'a>(text: &str, secrets: impl IntoIterator<Item = &'a str>) -> String {
    let mut hidden = vec![false; text.len()];
    for secret in secrets.into_iter().filter(|secret| !secret.is_empty()) {
        for form in [secret.to_owned(), percent(secret, true), percent(secret, false)] {
            hide(text.as_bytes(), form.as_bytes(), &mut hidden);
        }
    }
    let mut out = String::new();
    let mut in_secret = false;
    for (at, c) in text.char_indices() {
        match (hidden[at], in_secret) {
            (true, false) => out.push_str("***"),
            (true, true) => {}
            (false, _) => out.push(c),
        }
        in_secret = hidden[at];
    }
    out
}

fn hide(text: &[u8], secret: &[u8], hidden: &mut [bool]) {
    let piece = secret.len().min(PIECE);
    let pieces: HashSet<&[u8]> = secret.windows(piece).collect();
    for (at, window) in text.windows(piece).enumerate() {
        if pieces.contains(window) {
            hidden[at..at + piece].fill(true);
        }
    }
}

/// Percent-encodes all but the unreserved characters of RFC 3986.
pub(super) fn percent(text: &str, upper: bool) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => out.push(byte.into()),
            _ if upper => out.push_str(&format!("%{byte:02X}")),
            _ => out.push_str(&format!("%{byte:02x}")),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: &str = "IQoJb3JpZ2luX2VjE+/canary/token==";

    #[test]
    fn secrets_disappear_whole_encoded_and_in_pieces() {
        for (text, masked) in [
            ("token IQoJb3JpZ2luX2VjE+/canary/token== is bad", "token *** is bad"),
            ("token IQoJb3JpZ2luX2VjE%2B%2Fcanary%2Ftoken%3D%3D is bad", "token *** is bad"),
            ("token IQoJb3JpZ2luX2VjE%2b%2fcanary%2ftoken%3d%3d is bad", "token *** is bad"),
            ("begins with IQoJb3JpZ2luX2V", "begins with ***"),
            ("ends in E+/canary/token==", "ends in ***"),
            ("code 123456, again 123456", "code ***, again ***"),
            ("grüße 123456 日本", "grüße *** 日本"),
            ("nothing to hide", "nothing to hide"),
            ("", ""),
        ] {
            assert_eq!(mask(text, [TOKEN, "123456", ""]), masked);
        }
    }
}
