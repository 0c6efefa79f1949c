//! What a program wrote to its stderr, as a failure may quote it: its first line without what could be a secret.

use crate::secret::{self, MASK};
use crate::text::visible::cut;

/// Returns the first line that has any text, cut; codes and what looks like a secret are masked. Control characters are
/// still in it: a failure makes them visible where it is shown.
pub fn first_words(errors: &[u8]) -> String {
    let text = String::from_utf8_lossy(errors);
    let line = text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
    cut(&without_codes(&without_secrets(line))).into_owned()
}

/// Masks what has the shape of a secret, and every value that is named as one.
fn without_secrets(line: &str) -> String {
    let masked = secret::masked(line);
    let (mut shown, mut before, mut is_named) = (String::new(), "", false);
    for piece in masked.split_inclusive(is_end) {
        let word = piece.trim_end_matches(is_end);
        let (name, value) = word.find(['=', ':']).map_or((word, ""), |at| word.split_at(at + 1));
        if word.is_empty() {
            // Two ends in a row.
        } else if std::mem::take(&mut is_named) {
            shown += MASK;
        } else if announces_a_secret(name) || (word == "=" && secret::is_name(before)) {
            is_named = value.is_empty();
            shown += name;
            shown += if is_named { "" } else { MASK };
        } else {
            shown += if secret::may_be_in(word) { MASK } else { word };
        }
        shown += &piece[word.len()..];
        before = if word.is_empty() { before } else { word };
    }
    shown
}

fn is_end(c: char) -> bool {
    c.is_whitespace() || [',', ';', '&'].contains(&c)
}

/// Whether a word is the name before a secret: `password=`, `"SessionToken":`. `Token:` begins sentences of the AWS CLI.
fn announces_a_secret(word: &str) -> bool {
    let name = word.trim_end_matches(['=', ':']);
    let is_a_word = word.ends_with(':') && name.eq_ignore_ascii_case("token");
    name.len() < word.len() && !is_a_word && secret::is_name(name.trim_matches(|c: char| "{\"'".contains(c)))
}

fn without_codes(line: &str) -> String {
    let mut shown = String::new();
    let mut rest = line;
    while let Some(start) = rest.find(|c: char| c.is_ascii_digit()) {
        let digits = rest[start..].bytes().take_while(u8::is_ascii_digit).count();
        shown.push_str(&rest[..start]);
        shown.push_str(if digits == 6 { MASK } else { &rest[start..start + digits] });
        rest = &rest[start + digits..];
    }
    shown + rest
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{Failure, Kind};

    const KEY: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
    const PIECE: &str = "IQoJb3JpZ2luX2VjEJr//////////wEaCXVzLWVhc3QtMSJHMEUCIQDdKk3xQ0uJ7sY9fVbR2";

    #[test]
    fn a_code_on_stderr_is_not_repeated() {
        for (raw, shown) in [
            ("code 123456 refused\nsecond", "code *** refused"),
            ("\n\n  error 1234567, 12345\n", "error 1234567, 12345"),
            ("\x1b[31mred\x07", "\\u{1b}[31mred\\u{7}"),
            ("", ""),
        ] {
            assert_eq!(Failure::new(Kind::Refused, first_words(raw.as_bytes())).headline(), shown);
        }
    }

    #[test]
    fn neither_keys_nor_tokens_nor_named_secrets_are_repeated() {
        let token = [PIECE; 30].concat();
        for (raw, shown) in [
            (format!("no {KEY} here"), "no *** here"),
            (format!("cannot parse {}", &KEY[..30]), "cannot parse ***"),
            (format!("got {token} for ASIAIOSFODNN7EXAMPLE"), "got *** for ASIAIOSFODNN7EXAMPLE"),
            (format!("got {}", token.replace('/', "_")), "got ***"),
            ("login failed: password=hunter2 at x".into(), "login failed: password=*** at x"),
            ("aws_secret_access_key = hunter2 is bad".into(), "aws_secret_access_key = *** is bad"),
            (r#"{"SecretAccessKey": "hunter2", "x": 1}"#.into(), r#"{"SecretAccessKey": ***, "x": 1}"#),
            (r#"{"Version":1,"SecretAccessKey":"hunter2"}"#.into(), r#"{"Version":1,"SecretAccessKey":***"#),
            ("GET /?a=1&session_token=hunter2&b=2".into(), "GET /?a=1&session_token=***&b=2"),
            (r#"{"SessionToken":"hunter2"}"#.into(), r#"{"SessionToken":***"#),
            ("SecretAccessKey: hunter2".into(), "SecretAccessKey: ***"),
        ] {
            assert_eq!(first_words(raw.as_bytes()), shown, "{raw}");
        }
    }

    #[test]
    fn what_programs_say_stays_readable() {
        for text in [
            "Error loading SSO Token: Token for https://example.awsapps.com/start does not exist",
            "aws-vault: error: exec: Failed to get credentials for work: operation error STS: GetSessionToken",
            "[ERROR] 2030/01/31 could not read secret 'AWS ana': account is not signed in",
            "open /home/ana/.aws/credentials: permission denied (AKIAIOSFODNN7EXAMPLE)",
            "User: arn:aws:iam::123456789012:user/DataPlatformReadOnlyUser2024 is not authorized",
        ] {
            assert_eq!(first_words(text.as_bytes()), text);
        }
    }

    #[test]
    fn a_long_line_is_cut_after_its_secrets_are_masked() {
        let raw = format!("{} {KEY}", "x ".repeat(95));
        let said = first_words(raw.as_bytes());
        assert!(said.ends_with(" ***") && !said.contains("wJalr"), "{said}");
        assert_eq!(first_words("é".repeat(300).as_bytes()), format!("{}…", "é".repeat(200)));
    }
}
