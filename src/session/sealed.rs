//! One session in a file: a readable header, and the secrets sealed under it with XChaCha20-Poly1305.
//!
//! ```text
//! {"v":1,"identity":…,"key":…,"kind":…,…}\n      the header, authenticated byte for byte
//! 24 bytes of nonce, then the sealed secrets
//! ```

use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use serde_json::{Value, json};
use std::time::Duration;
use zeroize::Zeroizing;

use crate::arn::{AccountId, MfaSerial, RoleArn};
use crate::credentials::{AccessKeyId, Session};
use crate::names::ProfileName;
use crate::secret::Secret;
use crate::session::identity::Identity;
use crate::session::sealing_key::SealingKey;
use crate::timestamp::Timestamp;

/// The format this program writes and reads; another one is a miss.
const VERSION: u64 = 1;
const NONCE: usize = 24;
/// How far two clocks may differ before AWS refuses to talk at all.
pub const CLOCK_TOLERANCE: Duration = Duration::from_secs(15 * 60);

/// What anybody may read of a sealed session: no secret, enough for `status`. Anybody may write one too: what is shown
/// or counted comes from [`open_header`], or it is not a session of ours (threat-model P55).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// What it is stored for.
    pub identity: Identity,
    pub key: String,
    /// Whose credentials.
    pub kind: SessionKind,
    /// The account, where it is known.
    pub account: Option<AccountId>,
    /// The device whose code opened it.
    pub device: Option<MfaSerial>,
    pub role: Option<RoleArn>,
    /// The profile that was asked for when it was minted.
    pub profile: ProfileName,
    /// When it was minted, by our clock.
    pub issued: Timestamp,
    /// The duration that was requested.
    pub asked: Duration,
    /// When it expires.
    pub expires: Timestamp,
}

/// Whose credentials a sealed file holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SessionKind {
    /// The user's own, from GetSessionToken.
    Session,
    /// A role's, from AssumeRole or AssumeRoleWithWebIdentity.
    Role,
    /// What another program printed.
    Process,
    /// A role's, by single sign-on.
    Sso,
    /// Those of a sign-in of `aws login`.
    Login,
}

impl SessionKind {
    const ALL: [Self; 5] = [Self::Session, Self::Role, Self::Process, Self::Sso, Self::Login];

    /// The word in header and tables.
    pub fn word(self) -> &'static str {
        match self {
            SessionKind::Session => "session",
            SessionKind::Role => "role",
            SessionKind::Process => "process",
            SessionKind::Sso => "sso",
            SessionKind::Login => "login",
        }
    }
}

impl Header {
    /// Reads the header line of a sealed file; anything unknown or odd is `None`. Nothing vouches for it yet.
    pub fn parse(line: &[u8]) -> Option<Self> {
        let json: Value = serde_json::from_slice(line).ok()?;
        let kind = SessionKind::ALL.into_iter().find(|kind| json["kind"].as_str() == Some(kind.word()))?;
        (json["v"].as_u64() == Some(VERSION)).then_some(())?;
        Some(Self {
            identity: Identity::parse(json["identity"].as_str()?)?,
            key: json["key"].as_str()?.into(),
            kind,
            account: optional(&json["account"], AccountId::parse)?,
            device: optional(&json["device"], |text| MfaSerial::parse(text).ok())?,
            role: optional(&json["role"], |text| RoleArn::parse(text).ok())?,
            profile: ProfileName::parse(json["profile"].as_str()?).ok()?,
            issued: Timestamp::from_unix(json["issued"].as_i64()?),
            asked: Duration::from_secs(json["asked"].as_u64()?),
            expires: Timestamp::from_unix(json["expires"].as_i64()?),
        })
    }

    fn line(&self) -> String {
        let fields = json!({
            "v": VERSION,
            "identity": self.identity.hex(),
            "key": self.key,
            "kind": self.kind.word(),
            "account": self.account.as_ref().map(AccountId::as_str),
            "device": self.device.as_ref().map(MfaSerial::as_str),
            "role": self.role.as_ref().map(RoleArn::as_str),
            "profile": self.profile.as_str(),
            "issued": self.issued.unix(),
            "asked": self.asked.as_secs(),
            "expires": self.expires.unix(),
        });
        format!("{fields}\n")
    }

    /// Its whole duration, by the header.
    pub fn life(&self) -> Duration {
        self.expires.since(self.issued)
    }

    /// Whether the header can be true at all: not from the future, not living longer than it was asked to (P37).
    pub fn is_plausible(&self, now: Timestamp) -> bool {
        self.issued <= now.plus(CLOCK_TOLERANCE) && self.life() <= self.asked.saturating_add(CLOCK_TOLERANCE)
    }
}

/// Seals a session: header line, nonce, ciphertext. `None` only if the system gives no random bytes.
pub fn seal(header: &Header, session: &Session, key: &SealingKey) -> Option<Vec<u8>> {
    let line = header.line();
    let secrets = Zeroizing::new(
        json!({
            "access_key_id": session.access_key_id.as_str(),
            "secret_access_key": session.secret.expose(),
            "session_token": session.token.expose(),
        })
        .to_string(),
    );
    let mut nonce = [0u8; NONCE];
    getrandom::fill(&mut nonce).ok()?;
    let payload = Payload { msg: secrets.as_bytes(), aad: line.as_bytes() };
    let sealed = cipher(key)?.encrypt(&XNonce::from(nonce), payload).ok()?;
    Some([line.as_bytes(), &nonce, &sealed].concat())
}

/// A field that is absent, or of this form; anything else makes a header none.
fn optional<T>(field: &Value, parse: impl Fn(&str) -> Option<T>) -> Option<Option<T>> {
    match field {
        Value::Null => Some(None),
        field => parse(field.as_str()?).map(Some),
    }
}

/// Opens a sealed file if it is this identity's under this key; anything else is `None`, a miss.
pub fn open(bytes: &[u8], identity: &Identity, key: &SealingKey) -> Option<(Header, Session)> {
    let (header, rest) = split(bytes)?;
    if header.identity != *identity {
        return None;
    }
    let session = unseal(bytes, rest, &header, key)?;
    Some((header, session))
}

/// The header of a sealed file that opens under this key, whosever identity it is.
pub fn open_header(bytes: &[u8], key: &SealingKey) -> Option<Header> {
    let (header, rest) = split(bytes)?;
    unseal(bytes, rest, &header, key).map(|_| header)
}

/// The header, and where what is sealed below it begins.
fn split(bytes: &[u8]) -> Option<(Header, usize)> {
    let rest = memchr::memchr(b'\n', bytes)? + 1;
    Some((Header::parse(&bytes[..rest])?, rest))
}

fn unseal(bytes: &[u8], rest: usize, header: &Header, key: &SealingKey) -> Option<Session> {
    if header.key != key.id() {
        return None;
    }
    let (nonce, sealed) = bytes[rest..].split_at_checked(NONCE)?;
    let nonce: [u8; NONCE] = nonce.try_into().ok()?;
    let payload = Payload { msg: sealed, aad: &bytes[..rest] };
    let secrets = Zeroizing::new(cipher(key)?.decrypt(&XNonce::from(nonce), payload).ok()?);
    read_secrets(&secrets, header)
}

fn cipher(key: &SealingKey) -> Option<XChaCha20Poly1305> {
    XChaCha20Poly1305::new_from_slice(key.bytes().expose()).ok()
}

fn read_secrets(secrets: &[u8], header: &Header) -> Option<Session> {
    let mut json: Value = serde_json::from_slice(secrets).ok()?;
    let mut take = |name: &str| match json.get_mut(name)?.take() {
        Value::String(text) => Some(text),
        _ => None,
    };
    Some(Session {
        access_key_id: AccessKeyId::parse(&take("access_key_id")?).ok()?,
        secret: Secret::new(take("secret_access_key")?),
        token: Secret::new(take("session_token")?),
        expires: header.expires,
        account: header.account.clone(),
    })
}

#[cfg(test)]
mod tests;
