//! The token of a sign-in with single sign-on, as `aws sso login` keeps it.

use std::path::{Path, PathBuf};

use sha1::{Digest, Sha1};
use sha2::Sha256;

use crate::hex::hex;
use crate::names::Region;
use crate::secret::Secret;
use crate::sources::json_file::{Fields, Object, Print};
use crate::sources::{Next, Problem, Saved};
use crate::system::obstacle::Obstacle;
use crate::timestamp::Timestamp;

/// Where a token is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SsoTokenFile(PathBuf);

/// A token of single sign-on, and what is known of its sign-in.
#[derive(Debug)]
pub struct SsoToken {
    pub access_token: Secret<String>,
    pub expires: Timestamp,
    /// Where it was issued; none in files of older programs.
    pub region: Option<Region>,
    pub start_url: Option<String>,
    /// What it can be renewed with; none in the older form, which is not renewed.
    pub renewal: Option<Renewal>,
    print: Print,
}

/// What a token is renewed with.
#[derive(Debug)]
pub struct Renewal {
    pub client_id: String,
    pub client_secret: Secret<String>,
    /// When AWS forgets the client; then a person signs in again.
    pub registration_expires: Timestamp,
    /// It works once.
    pub refresh_token: Secret<String>,
}

/// A renewed token, to be kept.
#[derive(Clone, Copy, Debug)]
pub struct RenewedSso<'a> {
    pub access_token: &'a Secret<String>,
    pub expires: Timestamp,
    /// The next one; none if the old one stays.
    pub refresh_token: Option<&'a Secret<String>>,
}

impl SsoTokenFile {
    /// The file of a sign-in below a home directory, by the name of its `sso-session`, or by its start URL where a profile
    /// has the older form.
    pub fn of(home: &Path, session_or_start_url: &str) -> Self {
        let name = hex(&Sha1::digest(session_or_start_url.as_bytes()));
        Self(home.join(".aws").join("sso").join("cache").join(name + ".json"))
    }

    pub fn path(&self) -> &Path {
        &self.0
    }

    pub fn load(&self) -> Result<SsoToken, Problem> {
        let object = Object::load(&self.0)?;
        token(&object)
    }

    /// Keeps a renewed token in place of the one that was loaded. Fields that we do not know stay. If another program has
    /// changed or removed the file since, that wins.
    pub fn save(&self, loaded: &SsoToken, renewed: RenewedSso<'_>) -> Result<Saved<SsoToken>, Obstacle> {
        let mut object = match Object::load(&self.0) {
            Ok(object) if object.print() == loaded.print => object,
            _ => return Ok(Saved::Changed(self.load())),
        };
        object.set(None, "accessToken", renewed.access_token.expose());
        object.set(None, "expiresAt", &renewed.expires.to_string());
        if let Some(token) = renewed.refresh_token {
            object.set(None, "refreshToken", token.expose());
        }
        Ok(if object.replace(&self.0, loaded.print)? { Saved::Written } else { Saved::Changed(self.load()) })
    }

    /// Returns what stands for the sign-in: another one has another token. None if there is none.
    pub fn proof(&self) -> Option<[u8; 32]> {
        let object = Object::load(&self.0).ok()?;
        let token = object.fields().text("accessToken").filter(|token| !token.is_empty())?;
        Some(Sha256::digest(token.as_bytes()).into())
    }
}

/// Returns what stands for the sign-in that a token belongs to, as [`SsoTokenFile::proof`] does once it is in the file.
pub fn proof_of(token: &Secret<String>) -> [u8; 32] {
    Sha256::digest(token.expose().as_bytes()).into()
}

impl SsoToken {
    /// Says what comes next with it.
    pub fn step(&self, now: Timestamp) -> Next {
        let can_renew = self.renewal.as_ref().is_some_and(|renewal| renewal.registration_expires > now);
        Next::of(self.expires, can_renew, now)
    }
}

fn token(object: &Object) -> Result<SsoToken, Problem> {
    let fields = object.fields();
    let expires = fields.needed("expiresAt")?;
    Ok(SsoToken {
        access_token: fields.token("accessToken")?,
        expires: moment(expires).ok_or_else(|| Problem::Damaged("expiresAt is not a date".into()))?,
        region: fields.text("region").and_then(|text| Region::parse(text).ok()),
        start_url: fields.text("startUrl").map(str::to_owned),
        renewal: renewal(fields),
        print: object.print(),
    })
}

/// The AWS CLI's own condition: with one of these missing, the token is used until it ends.
fn renewal(fields: Fields<'_>) -> Option<Renewal> {
    Some(Renewal {
        client_id: fields.needed("clientId").ok()?.to_owned(),
        client_secret: fields.token("clientSecret").ok()?,
        registration_expires: moment(fields.text("registrationExpiresAt")?)?,
        refresh_token: fields.token("refreshToken").ok()?,
    })
}

/// `2031-01-31T12:34:56Z`, or `2031-01-31T12:34:56UTC` as version 1 of the AWS CLI writes it.
fn moment(text: &str) -> Option<Timestamp> {
    match text.strip_suffix("UTC") {
        Some(bare) => Timestamp::parse(&format!("{bare}Z")),
        None => Timestamp::parse(text),
    }
}

#[cfg(test)]
mod tests;
