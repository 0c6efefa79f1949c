//! One call before it is made: who signs it, where it goes, which codes it carries, how long it may take.

use std::time::Duration;

use aws_credential_types::Credentials as SdkCredentials;

use super::endpoint::Endpoint;
use super::http::Proxy;
use super::mask::mask;
use super::unreached::Way;
use super::wire::Seen;
use crate::credentials::{AccessKey, AccessKeyId, Credentials, Session};
use crate::names::MfaCode;
use crate::secret::{self, Secret};

/// Who signs a call.
#[derive(Clone, Copy, Debug)]
pub enum Signer<'a> {
    /// A long-term access key.
    Key(&'a AccessKey),
    /// Temporary credentials.
    Session(&'a Session),
}

impl<'a> From<&'a Credentials> for Signer<'a> {
    fn from(credentials: &'a Credentials) -> Self {
        match credentials {
            Credentials::Key(key) => Self::Key(key),
            Credentials::Session(session) => Self::Session(session),
        }
    }
}

impl<'a> Signer<'a> {
    pub(super) fn key_id(self) -> &'a AccessKeyId {
        match self {
            Signer::Key(key) => &key.id,
            Signer::Session(session) => &session.access_key_id,
        }
    }

    pub(super) fn credentials(self) -> SdkCredentials {
        let (id, secret, token) = match self {
            Signer::Key(key) => (&key.id, &key.secret, None),
            Signer::Session(session) => (&session.access_key_id, &session.secret, Some(session.token.expose().clone())),
        };
        SdkCredentials::new(id.as_str(), secret.expose().as_str(), token, None, "twolock")
    }
}

/// The bounds of one call.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// Until the connection is established.
    pub connect: Duration,
    /// Until the whole answer is received, retries included.
    pub total: Duration,
}

impl Bounds {
    /// For a call that a person waits for: 3 s to connect, 10 s in all.
    pub const CALL: Bounds = Bounds { connect: Duration::from_secs(3), total: Duration::from_secs(10) };
    /// For an optional look-up: 2 s to connect, 3 s in all.
    pub const LOOK: Bounds = Bounds { connect: Duration::from_secs(2), total: Duration::from_secs(3) };
    /// For a renewal in the background: 2 s in all.
    pub const RENEWAL: Bounds = Bounds { connect: Duration::from_secs(2), total: Duration::from_secs(2) };
}

impl Bounds {
    /// A little less than the total, so that a failed connection can be told from a missing answer.
    pub(super) fn to_connect(self) -> Duration {
        self.connect.min(self.total * 9 / 10)
    }
}

/// What is tried: who signs what, and where it goes. Made by the client.
#[derive(Clone, Copy, Debug)]
pub(super) struct Call<'a> {
    /// As AWS names it: `GetSessionToken`.
    pub(super) action: &'static str,
    /// None for a call that is not signed: what it carries says who calls.
    pub(super) signer: Option<Signer<'a>>,
    /// The tokens and secrets it carries, in its headers or its body.
    pub(super) carried: &'a [&'a Secret<String>],
    /// The codes it carries, which AWS takes once.
    pub(super) codes: [Option<&'a MfaCode>; 2],
    /// Whether it is sent once at most, because it may have had its effect although no answer came.
    pub(super) once: bool,
    pub(super) endpoint: &'a Endpoint,
    pub(super) proxy: Option<&'a Proxy>,
}

impl<'a> Call<'a> {
    /// The same call with codes. It is sent once, and they count as used where the end is unclear (P24).
    pub(super) fn carrying(self, codes: [Option<&'a MfaCode>; 2]) -> Self {
        Self { codes, once: self.once || codes.iter().any(Option::is_some), ..self }
    }

    /// The same call, of which a second one would not have the effect of the first.
    pub(super) fn once(self) -> Self {
        Self { once: true, ..self }
    }

    /// How often it may be sent at most.
    pub(super) fn attempts(&self) -> u32 {
        if self.once { 1 } else { 3 }
    }

    pub(super) fn way(&self) -> Way<'a> {
        Way { endpoint: self.endpoint, proxy: self.proxy }
    }

    /// Returns the id of the key that signs it, as messages name it.
    pub(super) fn key_id(&self) -> &'a str {
        self.signer.map_or("", |signer| signer.key_id().as_str())
    }

    /// Returns a text from AWS with the secrets we sent masked (threat-model P2). One that answers a token may quote
    /// another, which we never had: whatever has the shape of one is masked there too.
    pub(super) fn masked(&self, text: &str, seen: Option<&Seen>) -> String {
        let (secret, token) = match self.signer {
            Some(Signer::Key(key)) => (Some(&key.secret), None),
            Some(Signer::Session(session)) => (Some(&session.secret), Some(&session.token)),
            None => (None, None),
        };
        let signature = seen.and_then(|seen| seen.signature.as_ref());
        let sent = [secret, token, signature].into_iter().flatten().chain(self.carried.iter().copied());
        let codes = self.codes.into_iter().flatten().map(MfaCode::expose);
        let text = mask(text, sent.map(|secret| secret.expose().as_str()).chain(codes));
        if self.carried.is_empty() { text } else { secret::masked(&text).into_owned() }
    }
}
