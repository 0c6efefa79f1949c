//! Credentials: the long-term access key, and the temporary session that replaces it.

use std::fmt;

use crate::arn::AccountId;
use crate::secret::{self, Secret};
use crate::timestamp::Timestamp;

/// The keys of static credentials in the AWS files: the two halves of an access key, and the two names of a session token.
pub const STATIC_KEYS: [&str; 4] =
    ["aws_access_key_id", "aws_secret_access_key", "aws_session_token", "aws_security_token"];

/// The public half of an access key: 16 to 128 of `[A-Za-z0-9_]` that are not a secret key.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AccessKeyId(String);

crate::as_text::as_text!(AccessKeyId);

impl AccessKeyId {
    /// Reads a key id; the error says what is wrong, and never repeats the text: it may be a secret.
    pub fn parse(text: &str) -> Result<Self, String> {
        let ok = (16..=128).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
        if ok && !is_secret_in_place_of_id(text) { Ok(Self(text.into())) } else { Err(no_id(text).into()) }
    }

    /// The id as it is sent.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the id is of temporary credentials.
    pub fn is_temporary(&self) -> bool {
        self.0.starts_with("ASIA")
    }
}

impl fmt::Display for AccessKeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One secret key in four is of letters and digits alone, as ids are. Ids of AWS are short, and in upper case.
fn is_secret_in_place_of_id(text: &str) -> bool {
    secret::is_in(text) || (text.len() > 32 && text.bytes().any(|b| b.is_ascii_lowercase()))
}

fn no_id(text: &str) -> &'static str {
    match secret::begins_as_key_id(text.trim_start()) && text.len() > 24 {
        true => "contains more than an access key id: is the secret key on the same line?",
        false if is_secret_in_place_of_id(text) || secret::may_be_in(text) => {
            "looks like the secret key: are the two lines swapped?"
        }
        false => "is not a valid access key id (16 to 128 letters and digits, like AKIA…)",
    }
}

/// Reads the secret half of an access key; the error says what is wrong, and never repeats the text.
pub fn parse_secret_key(text: &str) -> Result<Secret<String>, &'static str> {
    match text {
        "" => Err("is empty"),
        _ if is_long_term_id(text) => Err("looks like an access key id: are the two lines swapped?"),
        _ if !is_credential_text(text) => Err("contains characters that are not valid in a secret key"),
        _ => Ok(Secret::new(text.into())),
    }
}

fn is_long_term_id(text: &str) -> bool {
    let is_id = |b: u8| b.is_ascii_uppercase() || b.is_ascii_digit();
    text.starts_with("AKIA") && text.len() <= 32 && text.bytes().all(is_id)
}

/// A long-term access key.
#[derive(Clone, Debug)]
pub struct AccessKey {
    /// The public half.
    pub id: AccessKeyId,
    /// The secret half.
    pub secret: Secret<String>,
}

/// Temporary credentials with their end.
#[derive(Clone, Debug)]
pub struct Session {
    /// Usually `ASIA…`.
    pub access_key_id: AccessKeyId,
    /// The secret half.
    pub secret: Secret<String>,
    /// Sent with every call; no maximum length is promised by AWS.
    pub token: Secret<String>,
    /// When AWS stops taking it.
    pub expires: Timestamp,
    /// The account it acts in; none where neither answer nor device names one.
    pub account: Option<AccountId>,
}

/// What can sign a call.
#[derive(Clone, Debug)]
pub enum Credentials {
    /// A long-term access key.
    Key(AccessKey),
    /// Temporary credentials.
    Session(Session),
}

/// Longest session token we take (aws-contract 4.1 promises no maximum; 4,096 bytes are seen).
pub const LONGEST_TOKEN: usize = 16_384;

/// Whether a secret or token from outside holds only what AWS's alphabets hold: visible ASCII that survives `eval $(…)` unquoted.
pub fn is_credential_text(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_graphic() && !b"*?[]'\"\\`$;&|<>(){}!#~^".contains(&b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credential_text_is_what_survives_an_unquoted_eval() {
        for good in ["abc/DEF+123==", "IQoJb3JpZ2luX2VjE-_.,:%@"] {
            assert!(is_credential_text(good), "{good}");
        }
        for bad in ["", "a b", "a*b", "a?b", "[a]", "a\nb", "a$b", "a`b`", "ä", "a'b", "a\"b", "a\\b", "a;b"] {
            assert!(!is_credential_text(bad), "{bad:?}");
        }
    }

    #[test]
    fn key_ids_are_words() {
        assert!(AccessKeyId::parse("AKIAIOSFODNN7EXAMPLE").is_ok());
        for bad in ["", "AKIA", "AKIAIOSFODNN7 EXAMPLE", "AKIAIOSFODNN7EXAMPLÉ"] {
            assert!(AccessKeyId::parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_secret_in_place_of_the_id_is_told_and_not_repeated() {
        const SWAPPED: &str = "looks like the secret key: are the two lines swapped?";
        const MORE: &str = "contains more than an access key id: is the secret key on the same line?";
        const NONE: &str = "is not a valid access key id (16 to 128 letters and digits, like AKIA…)";
        for (text, why) in [
            ("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", SWAPPED),
            ("wJalrXUtnFEMIK7MDENGbPxRfiCYCANARYKEY000", SWAPPED),
            ("abcdefghijklmnopqrstuvwxyzabcdefghijklmn", SWAPPED),
            ("\u{a0}wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", SWAPPED),
            ("\"wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY\"", SWAPPED),
            ("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLE", SWAPPED),
            ("aws_secret_access_key=wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", SWAPPED),
            ("AKIAIOSFODNN7EXAMPLE,wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", MORE),
            ("AKIAIOSFODNN7EXAMPLE wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", MORE),
            ("AKIAIOSFODNN7EXAMPLEwJalrXUtnFEMIK7MDENGbPxRfiCYCANARYKEY000", MORE),
            ("\"AKIAIOSFODNN7EXAMPLE\"", NONE),
        ] {
            assert_eq!(AccessKeyId::parse(text), Err(why.into()), "{text}");
        }
        for id in ["AKIAIOSFODNN7EXAMPLE", "AKIAI44QH8DHBEXAMPLE", "Q3AM3UQ867SPQQA43P2F", "made_up_for_a_test"] {
            assert!(AccessKeyId::parse(id).is_ok(), "{id}");
        }
    }

    #[test]
    fn a_secret_key_is_read_in_one_way() {
        for good in ["wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "short", "AKIA/not+an/id"] {
            assert_eq!(parse_secret_key(good).unwrap().expose(), good);
        }
        for (bad, why) in [
            ("", "is empty"),
            ("AKIAIOSFODNN7EXAMPLE", "looks like an access key id: are the two lines swapped?"),
            ("\"wJalrXUtnFEMI\"", "contains characters that are not valid in a secret key"),
            ("wJalr\u{a0}", "contains characters that are not valid in a secret key"),
            ("a b", "contains characters that are not valid in a secret key"),
        ] {
            assert_eq!(parse_secret_key(bad).err(), Some(why), "{bad:?}");
        }
    }
}
