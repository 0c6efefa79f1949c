//! One call before it is made: who signs it, where it goes, which codes it carries, how long it may take.

use std::time::Duration;

use aws_credential_types::Credentials;

use super::endpoint::Endpoint;
use super::http::Proxy;
use super::mask::mask;
use super::unreached::Way;
use super::wire::Seen;
use crate::credentials::{AccessKey, AccessKeyId, Session};
use crate::names::MfaCode;

/// Who signs a call.
#[derive(Clone, Copy, Debug)]
pub enum Signer<'a> {
    /// A long-term access key.
    Key(&'a AccessKey),
    /// Temporary credentials.
    Session(&'a Session),
}

impl Signer<'_> {
    pub(super) fn key_id(&self) -> &AccessKeyId {
        match self {
            Signer::Key(key) => &key.id,
            Signer::Session(session) => &session.access_key_id,
        }
    }

    pub(super) fn credentials(&self) -> Credentials {
        let (id, secret, token) = match self {
            Signer::Key(key) => (&key.id, &key.secret, None),
            Signer::Session(session) => (&session.access_key_id, &session.secret, Some(session.token.expose().clone())),
        };
        Credentials::new(id.as_str(), secret.expose().as_str(), token, None, "twolock")
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
    pub(super) signer: Signer<'a>,
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

    /// Returns a text from AWS with the secrets we sent masked (threat-model P2).
    pub(super) fn masked(&self, text: &str, seen: Option<&Seen>) -> String {
        let (secret, token) = match self.signer {
            Signer::Key(key) => (&key.secret, None),
            Signer::Session(session) => (&session.secret, Some(session.token.expose().as_str())),
        };
        let signature = seen.and_then(|seen| seen.signature.as_ref()).map(|text| text.expose().as_str());
        let codes = self.codes.map(|code| code.map(MfaCode::expose));
        mask(text, [Some(secret.expose().as_str()), token, signature].into_iter().chain(codes).flatten())
    }
}
