//! Secrets: a value that cannot be printed, serialised or compared by accident; and which text of unknown meaning could
//! be one, because somebody pasted it into the wrong place (threat-model P52).
//!
//! - by its setting's name: [`is_name`], [`is_named_in`]
//! - by its shape, whatever the setting's name: [`is_in`], and [`masked`] for text that is shown
//! - by a weaker likeness, for a value that was refused and need not be repeated: [`may_be_in`]

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

use zeroize::Zeroize;

/// Holds a secret, redacts itself in `Debug`, and wipes its memory on drop.
///
/// [`Secret::expose`] is the one door: searching for that word lists every place where a secret is handled.
///
/// ```compile_fail
/// println!("{}", twolock::secret::Secret::new(String::from("hush")));
/// ```
/// ```compile_fail
/// let (a, b) = (twolock::secret::Secret::new(1u8), twolock::secret::Secret::new(1u8));
/// assert!(a == b);
/// ```
/// ```compile_fail
/// serde_json::to_string(&twolock::secret::Secret::new(String::from("hush")));
/// ```
#[derive(Clone)]
pub struct Secret<T: Zeroize>(T);

impl<T: Zeroize> Secret<T> {
    /// Takes ownership of a secret value.
    pub fn new(value: T) -> Self {
        Self(value)
    }

    /// Lends the secret to code that has to send, seal or print it.
    pub fn expose(&self) -> &T {
        &self.0
    }
}

impl<T: Zeroize> fmt::Debug for Secret<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl<T: Zeroize> Drop for Secret<T> {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

/// How the ids of AWS's access keys begin: long-term, temporary.
pub fn begins_as_key_id(text: &str) -> bool {
    ["AKIA", "ASIA"].iter().any(|prefix| text.starts_with(prefix))
}

/// Stands wherever a secret would.
pub const MASK: &str = "***";

/// An AWS secret key has so many characters of base64.
const KEY: usize = 40;
/// A shorter piece of a secret key is worth little, and names of CamelCase words begin to look like it.
const LEAST: usize = 32;
/// Where nothing is lost by silence, a shorter piece is enough.
const LEAST_OF_REFUSED: usize = 20;
/// Tokens may be of the other base64, whose `-` and `_` also join the words of names.
const LEAST_OF_TOKEN: usize = 100;

const LONGEST_ARN: usize = 2_048;

/// Whether a key of a file, spelled well or not, is that of a secret.
pub fn is_name(key: &str) -> bool {
    let key = key.trim();
    let ends_with = |end: &str| key.len() >= end.len() && is_in_at(key, key.len() - end.len(), end);
    let token = contains(key, "token") && !ends_with("_file");
    let half = contains(key, "access_key") && !ends_with("id");
    token || half || ["secret", "password", "passwd"].iter().any(|word| contains(key, word))
}

/// Whether a word, which begins with a letter in lower case, is in a text, whatever the case, and `-` as `_`. Called for
/// every value of every profile, so it makes no copies.
fn contains(text: &str, word: &str) -> bool {
    let (first, places) = (word.as_bytes()[0], (text.len() + 1).saturating_sub(word.len()));
    let mut begins = memchr::memchr2_iter(first, first.to_ascii_uppercase(), &text.as_bytes()[..places]);
    begins.any(|at| is_in_at(text, at, word))
}

fn is_in_at(text: &str, at: usize, word: &str) -> bool {
    let same = |(found, wanted): (&u8, u8)| match found {
        b'-' => wanted == b'_',
        found => found.to_ascii_lowercase() == wanted,
    };
    text.as_bytes()[at..].iter().zip(word.bytes()).all(same)
}

/// Whether a line, commented out or not, says which secret it holds.
pub fn is_named_in(line: &str) -> bool {
    let word = line.split(['=', ':']).next().unwrap_or_default().trim_start_matches(['#', ';']).trim();
    let is_word = !word.is_empty() && word.len() < line.len() && !word.contains(char::is_whitespace);
    let is_known = ["secret_access_key", "session_token", "security_token"].iter().any(|name| contains(line, name));
    is_known || (is_word && is_name(word))
}

/// Whether a value holds what has the shape of a secret key or of a session token.
pub fn is_in(value: &str) -> bool {
    if value.len() < LEAST {
        return false;
    }
    let is_joined = value.bytes().all(is_part);
    !secret_runs(value).is_empty() || (!is_joined && !secret_runs(&joined(value)).is_empty())
}

/// Whether a value that is not what it should be could hold a secret, or most of one.
pub fn may_be_in(value: &str) -> bool {
    let text = joined(value);
    is_in(value) || runs(&text, is_base64).any(|run| has_likeness(&text, &run, LEAST_OF_REFUSED))
}

/// Returns `text` with every piece masked that has the shape of a secret.
pub fn masked(text: &str) -> Cow<'_, str> {
    let (mut shown, mut at) = (String::new(), 0);
    for run in secret_runs(text) {
        // What is found as a key may be a piece of what was found as a token.
        if run.start >= at {
            shown += &text[at..run.start];
            shown += MASK;
            at = run.end;
        }
    }
    if at == 0 { Cow::Borrowed(text) } else { Cow::Owned(shown + &text[at..]) }
}

/// Blanks of every kind, line ends and quotes come between the characters of what was pasted.
fn joined(value: &str) -> String {
    value.bytes().filter(|&byte| is_part(byte)).map(char::from).collect()
}

fn is_part(byte: u8) -> bool {
    byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\'' | b'`')
}

fn secret_runs(text: &str) -> Vec<Range<usize>> {
    // Both alphabets are in this one, and most values have no stretch of that length.
    if text.len() < LEAST || !runs(text, is_of_token).any(|run| run.len() >= LEAST) {
        return Vec::new();
    }
    let keys = runs(text, is_base64).filter(|run| has_likeness(text, run, LEAST));
    let tokens = runs(text, is_of_token).filter(|run| is_token(&text.as_bytes()[run.clone()]));
    let mut found: Vec<Range<usize>> = keys.chain(tokens).collect();
    found.sort_by_key(|run| (run.start, std::cmp::Reverse(run.end)));
    found
}

fn is_base64(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"+/".contains(&byte)
}

fn is_of_token(byte: u8) -> bool {
    is_base64(byte) || b"-_".contains(&byte)
}

/// The longest stretches of an alphabet, in their order.
fn runs(text: &str, is_letter: impl Fn(u8) -> bool) -> impl Iterator<Item = Range<usize>> {
    let bytes = text.as_bytes();
    let mut at = 0;
    std::iter::from_fn(move || {
        let start = at + bytes[at..].iter().position(|b| is_letter(*b))?;
        at = bytes[start..].iter().position(|b| !is_letter(*b)).map_or(bytes.len(), |length| start + length);
        Some(start..at)
    })
}

/// Whether a stretch could be a secret key, or hold one. The resource of an ARN is a path and a name, never that.
///
/// Random letters are of another kind than their neighbour two times in three. CamelCase names change less often; they
/// pass for a secret only where they have a secret's length. A path of several directories has to look more random.
fn has_likeness(text: &str, run: &Range<usize>, least: usize) -> bool {
    let letters = &text.as_bytes()[run.clone()];
    if letters.len() < least || !has_all_kinds(letters) || is_in_arn(&text[..run.start]) {
        return false;
    }
    let of_twenty = match () {
        () if letters.iter().filter(|b| **b == b'/').count() > 2 => 10,
        () if letters.len() < KEY - 4 => 9,
        () => 7,
    };
    let is_random = |window: &[u8]| changes(window) * 20 >= window.len() * of_twenty && has_all_kinds(window);
    letters.windows(letters.len().min(KEY)).any(is_random)
}

fn is_in_arn(before: &str) -> bool {
    let nearest = &before.as_bytes()[before.len().saturating_sub(LONGEST_ARN)..];
    let word = nearest.rsplit(|b| !b.is_ascii_graphic() || b"'\"=,".contains(b)).next().unwrap_or_default();
    word.starts_with(b"arn:")
}

fn is_token(letters: &[u8]) -> bool {
    letters.len() >= LEAST_OF_TOKEN && has_all_kinds(letters) && changes(letters) * 20 >= letters.len() * 9
}

/// Neither hexadecimal digits nor an access key id are of upper and lower case.
fn has_all_kinds(letters: &[u8]) -> bool {
    let has = |is: fn(&u8) -> bool| letters.iter().any(is);
    has(u8::is_ascii_uppercase) && has(u8::is_ascii_lowercase) && has(|b| !b.is_ascii_alphabetic())
}

/// How often a letter is of another kind than the one before it.
fn changes(letters: &[u8]) -> usize {
    let kind = |b: &u8| match b {
        b'a'..=b'z' => 0,
        b'A'..=b'Z' => 1,
        b'0'..=b'9' => 2,
        _ => 3,
    };
    letters.windows(2).filter(|pair| kind(&pair[0]) != kind(&pair[1])).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_inside_a_debugged_struct_stays_hidden() {
        #[derive(Debug)]
        #[allow(dead_code)]
        struct Holder {
            token: Secret<String>,
        }
        let text = format!("{:?}", Holder { token: Secret::new("hush-hush".into()) });
        assert_eq!(text, "Holder { token: *** }");
    }

    const SECRETS: [&str; 5] = [
        "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
        "je7MtGbClwBF/2Zp9Utk/h3yCo8nvbEXAMPLEKEY",
        "wJalrXUtnFEMIK7MDENGbPxRfiCYCANARYKEY000",
        "/Fq3+x9ZkPbT7mWc0LsR5uYvA2dNhJ8gEoX1iQ6/",
        "9fK2bYtQ7xVn3RmZcD8LwPsH5gJe1UoXiA4kTqEy",
    ];

    #[test]
    fn a_secret_is_found_wherever_it_stands_in_a_text() {
        for secret in SECRETS {
            for (text, shown) in [
                (secret.to_string(), "***"),
                (format!("'{secret}'"), "'***'"),
                (format!("\u{a0}{secret}\u{2003}"), "\u{a0}***\u{2003}"),
                (format!("AKIAIOSFODNN7EXAMPLE,{secret}\r"), "AKIAIOSFODNN7EXAMPLE,***\r"),
                (format!("AKIAIOSFODNN7EXAMPLE{secret}"), "***"),
                (format!("region = x # {secret} {secret}"), "region = x # *** ***"),
                (format!("KEY={secret}"), "KEY=***"),
                (format!("x\n{secret}\ny"), "x\n***\ny"),
                (format!("arn:aws:iam::123456789012:mfa/ana {secret}"), "arn:aws:iam::123456789012:mfa/ana ***"),
            ] {
                assert_eq!(masked(&text), shown, "{text}");
                assert!(is_in(&text), "{text}");
            }
            assert!(is_in(&format!("{}\n{}", &secret[..20], &secret[20..])) && is_in(&secret.replace("M", "\u{a0}M")));
            assert!(may_be_in(&secret[..38]), "{secret}");
        }
    }

    #[test]
    fn of_ten_thousand_random_secrets_hardly_one_is_missed() {
        const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        let mut state = 1u64;
        let mut letter = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            char::from(LETTERS[(state >> 58) as usize])
        };
        let missed = (0..10_000).filter(|_| !is_in(&(0..40).map(|_| letter()).collect::<String>())).count();
        assert!(missed <= 10, "{missed}");
    }

    #[test]
    fn a_session_token_is_found_in_either_base64() {
        let piece = "IQoJb3JpZ2luX2VjEJr//////////wEaCXVzLWVhc3QtMSJHMEUCIQDdKk3xQ0uJ7sY9fVbR2";
        let token = [piece; 5].concat();
        for text in [token.clone(), format!("{token}=="), token.replace('/', "_").replace('J', "-")] {
            assert!(is_in(&text) && !masked(&text).contains(&piece[..12]), "{}", masked(&text));
        }
    }

    #[test]
    fn what_people_and_aws_write_is_no_secret() {
        for text in [
            "",
            "AKIAIOSFODNN7EXAMPLE",
            "arn:aws:iam::123456789012:role/DataPlatformReadOnlyRole2024ProductionEuWest1",
            "'arn:aws:iam::123456789012:role/aws-reserved/sso.amazonaws.com/AWSReservedSSO_Admin_0a1B2c3D4e5F6a7B'",
            "arn:aws:sts::123456789012:assumed-role/DataPlatformReadOnlyRole2024Prod/ana",
            "da39a3ee5e6b4b0d3255bfef95601890afd80709",
            "DA39A3EE5E6B4B0D3255BFEF95601890AFD80709",
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
            "MyCompanyProductionAdministratorRole2024",
            "DataPlatformReadOnlyRole2024Prod",
            "/Users/AnaMaria/Documents/Work2024/aws/bin/twolock credential-process --profile prod",
            "/home/ana/Projects/Customer1/Infrastructure/Terraform/modules/Network2/credentials",
            r"C:\Users\AnaMaria\AppData\Local\Programs\Twolock2\twolock.exe",
            "https://vpce-0a1b2c3d4e5f60718-abcdefgh.sts.eu-west-1.vpce.amazonaws.com",
            "https://d-1234567890.awsapps.com/start",
            "f81d4fae-7dec-11d0-a765-00a0c91e6bf6",
            "op item get AWS --otp --vault Private2024 --account MyCompanyAccount",
            "canary/of/base/0000000000000000000000000",
        ] {
            assert!(!is_in(text) && matches!(masked(text), Cow::Borrowed(_)), "{text}");
        }
        for text in ["eu west 1", "EU-WEST-1", "arn:aws:iam::1234:role/ReadOnly2024", "Admin", "MyCompanyProdAdmin2024"]
        {
            assert!(!may_be_in(text), "{text}");
        }
    }

    #[test]
    fn names_of_secrets_are_known_by_their_parts() {
        for name in [
            "aws_secret_access_key",
            "aws_secret_acces_key",
            "aws_secret_key",
            "secret_key",
            "AWS_SECERT_ACCESS_KEY",
            "aws_session_token",
            "aws-session-tokens",
            "password",
        ] {
            assert!(is_name(name) && is_named_in(&format!("#{name} = x")), "{name}");
        }
        for name in ["aws_access_key_id", "region", "web_identity_token_file", "credential_process", "role_arn"] {
            assert!(!is_name(name) && !is_named_in(&format!("{name} = x")), "{name}");
        }
        assert!(is_named_in("# export AWS_SECRET_ACCESS_KEY=x") && !is_named_in("mfa_process = pass --token=x"));
    }

    #[test]
    fn a_text_of_a_megabyte_is_looked_through_once() {
        let long = "aB3".repeat(350_000);
        assert_eq!(masked(&long), MASK);
        assert_eq!(masked(&"a/".repeat(500_000)).len(), 1_000_000);
    }
}
