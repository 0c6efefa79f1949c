//! Credentials: the long-term access key, and the temporary session that replaces it.

use std::fmt;

use crate::arn::AccountId;
use crate::secret::Secret;
use crate::timestamp::Timestamp;

/// The public half of an access key: 16 to 128 of `[A-Za-z0-9_]`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AccessKeyId(String);

crate::as_text::as_text!(AccessKeyId);

impl AccessKeyId {
    /// Reads a key id; the error says what is wrong.
    pub fn parse(text: &str) -> Result<Self, String> {
        let ok = (16..=128).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
        if ok {
            Ok(Self(text.into()))
        } else {
            Err("is no access key id (16 to 128 letters and digits, like AKIA…)".into())
        }
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
}
