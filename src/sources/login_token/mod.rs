//! The session of a sign-in with `aws login`, as the AWS CLI keeps it.

use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::arn::AccountId;
use crate::base64;
use crate::credentials::{AccessKeyId, LONGEST_TOKEN, Session, is_credential_text};
use crate::hex;
use crate::names::Region;
use crate::secret::Secret;
use crate::sources::json_file::{Fields, Object, Print};
use crate::sources::{Next, Problem, Saved};
use crate::system::obstacle::Obstacle;
use crate::timestamp::Timestamp;

/// Where a session is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoginTokenFile(PathBuf);

/// A session of `aws login`, and what it is renewed with.
#[derive(Debug)]
pub struct LoginToken {
    /// Its credentials, which may have expired.
    pub session: Session,
    /// It works once.
    pub refresh_token: Secret<String>,
    pub client_id: String,
    /// A PEM block, read where it is used.
    pub key: Secret<String>,
    /// Where the session is renewed; none in files of older versions, whose profile says it.
    pub region: Option<Region>,
    print: Print,
}

impl LoginTokenFile {
    /// The file of a sign-in, by the ARN in `login_session`: in `cache` (`AWS_LOGIN_CACHE_DIRECTORY`), else below the home
    /// directory.
    pub fn of(home: &Path, cache: Option<&Path>, login_session: &str) -> Self {
        let cache = cache.map_or_else(|| home.join(".aws").join("login").join("cache"), Path::to_path_buf);
        Self(cache.join(hex::sha256(login_session.trim().as_bytes()) + ".json"))
    }

    pub fn path(&self) -> &Path {
        &self.0
    }

    pub fn load(&self) -> Result<LoginToken, Problem> {
        token(&Object::load(&self.0)?)
    }

    /// Keeps a renewed session in place of the one that was loaded. Fields that we do not know stay. If another program
    /// has changed or removed the file since, that wins.
    pub fn save(
        &self,
        loaded: &LoginToken,
        session: &Session,
        refresh_token: &Secret<String>,
    ) -> Result<Saved<LoginToken>, Obstacle> {
        let mut object = match Object::load(&self.0) {
            Ok(object) if object.print() == loaded.print => object,
            _ => return Ok(Saved::Changed(self.load())),
        };
        let within = Some("accessToken");
        object.set(within, "accessKeyId", session.access_key_id.as_str());
        object.set(within, "secretAccessKey", session.secret.expose());
        object.set(within, "sessionToken", session.token.expose());
        object.set(within, "expiresAt", &session.expires.to_string());
        object.set(None, "refreshToken", refresh_token.expose());
        Ok(if object.replace(&self.0, loaded.print)? { Saved::Written } else { Saved::Changed(self.load()) })
    }

    /// Returns what stands for the sign-in: its client, account, subject and key, which stay when it is renewed. None if
    /// there is none.
    pub fn proof(&self) -> Option<[u8; 32]> {
        let object = Object::load(&self.0).ok()?;
        let fields = object.fields();
        fields.needed("refreshToken").ok()?;
        let account = fields.object("accessToken").ok()?.text("accountId").unwrap_or_default();
        let subject = fields.text("idToken").and_then(subject).unwrap_or_default();
        let mut proof = Sha256::new();
        for part in [fields.needed("clientId").ok()?, account, &subject, fields.needed("dpopKey").ok()?] {
            proof.update((part.len() as u64).to_be_bytes());
            proof.update(part);
        }
        Some(proof.finalize().into())
    }
}

impl LoginToken {
    /// Says what comes next with it. Only AWS knows whether the sign-in itself still lives, so it is always asked.
    pub fn step(&self, now: Timestamp) -> Next {
        Next::of(self.session.expires, true, now)
    }
}

fn token(object: &Object) -> Result<LoginToken, Problem> {
    let fields = object.fields();
    Ok(LoginToken {
        session: session(fields.object("accessToken")?)?,
        refresh_token: fields.token("refreshToken")?,
        client_id: fields.needed("clientId")?.to_owned(),
        key: Secret::new(fields.needed("dpopKey")?.to_owned()),
        region: fields.text("signInRegion").and_then(|text| Region::parse(text).ok()),
        print: object.print(),
    })
}

fn session(fields: Fields<'_>) -> Result<Session, Problem> {
    let damaged = |what: &str| Problem::Damaged(what.into());
    let credential = |name: &str| {
        let text = fields.needed(name)?;
        match is_credential_text(text) && text.len() <= LONGEST_TOKEN {
            true => Ok(Secret::new(text.to_owned())),
            false => Err(Problem::Damaged(format!("{name} is malformed"))),
        }
    };
    let id = AccessKeyId::parse(fields.needed("accessKeyId")?).map_err(|_| damaged("accessKeyId is malformed"))?;
    let expires = Timestamp::parse(fields.needed("expiresAt")?).ok_or_else(|| damaged("expiresAt is not a date"))?;
    let account = match fields.text("accountId") {
        Some(text) => Some(AccountId::parse(text).ok_or_else(|| damaged("accountId is not 12 digits"))?),
        None => None,
    };
    let (secret, token) = (credential("secretAccessKey")?, credential("sessionToken")?);
    Ok(Session { access_key_id: id, secret, token, expires, account })
}

/// Returns whom a token of OpenID Connect is about.
fn subject(jwt: &str) -> Option<String> {
    #[derive(serde::Deserialize)]
    struct Claims {
        sub: String,
    }
    let claims = base64::decode_url(jwt.split('.').nth(1)?)?;
    serde_json::from_slice(&claims).ok().map(|claims: Claims| claims.sub)
}

#[cfg(test)]
mod tests;
