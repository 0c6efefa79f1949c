//! The provider of identity tokens that roles may trust, as IAM knows it.

use serde_json::{Value, json};

use super::ServerState;
use crate::jwt::SigningKey;

/// An OIDC provider in an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdentityProvider {
    pub account: String,
    /// Such as `https://token.actions.example`.
    pub issuer: String,
    /// The only audience it is known for there.
    pub audience: String,
}

impl IdentityProvider {
    /// Returns the name in full.
    pub fn arn(&self) -> String {
        let place = self.issuer.trim_start_matches("https://");
        format!("arn:aws:iam::{}:oidc-provider/{place}", self.account)
    }

    /// Returns what a token says that is good for so many seconds; when negative, it has expired for as long.
    pub(crate) fn claims(&self, subject: &str, now: i64, seconds: i64) -> Value {
        let end = now + seconds;
        json!({"iss": self.issuer, "aud": self.audience, "sub": subject, "iat": now.min(end), "exp": end})
    }
}

/// A subject of a provider that a role trusts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebIdentity {
    pub issuer: String,
    /// As in `StringLike`: `*` stands for any text, `?` for one character.
    pub subject: String,
}

impl WebIdentity {
    pub(crate) fn means(&self, issuer: &str, subject: &str) -> bool {
        self.issuer == issuer && is_like(self.subject.as_bytes(), subject.as_bytes())
    }
}

fn is_like(pattern: &[u8], text: &[u8]) -> bool {
    match (pattern, text) {
        ([], []) => true,
        ([b'*', rest @ ..], _) => (0..=text.len()).any(|at| is_like(rest, &text[at..])),
        ([b'?', rest @ ..], [_, text @ ..]) => is_like(rest, text),
        ([one, rest @ ..], [other, text @ ..]) => one == other && is_like(rest, text),
        _ => false,
    }
}

/// The providers, and the key that signs for all of them.
#[derive(Debug, Default)]
pub(crate) struct Providers {
    pub all: Vec<IdentityProvider>,
    pub key: SigningKey,
}

impl ServerState {
    pub(crate) fn put_provider(&mut self, provider: IdentityProvider) {
        self.providers.all.retain(|it| it.arn() != provider.arn());
        self.providers.all.push(provider);
    }

    pub(crate) fn provider(&self, account: &str, issuer: &str) -> Option<&IdentityProvider> {
        self.providers.all.iter().find(|it| it.account == account && it.issuer == issuer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subjects_match_as_in_string_like() {
        let rows = [
            ("repo:org/app:ref:refs/heads/main", "repo:org/app:ref:refs/heads/main", true),
            ("repo:org/app:*", "repo:org/app:ref:refs/heads/main", true),
            ("repo:org/*:ref:*main", "repo:org/app:ref:refs/heads/main", true),
            ("repo:org/ap?:*", "repo:org/app:x", true),
            ("repo:org/app:*", "repo:org/apps:x", false),
            ("repo:org/app", "repo:org/app:x", false),
            ("a?", "a", false),
            ("", "", true),
            ("*", "", true),
        ];
        for (pattern, subject, good) in rows {
            let trusted = WebIdentity { issuer: "https://i".to_owned(), subject: pattern.to_owned() };
            assert_eq!(trusted.means("https://i", subject), good, "{pattern} {subject}");
            assert!(!trusted.means("https://j", subject), "another issuer");
        }
    }
}
