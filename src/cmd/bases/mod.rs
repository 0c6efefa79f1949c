//! Where a plan's first credentials really come from: the AWS files, the environment, the keyring, another program, or a
//! sign-in that another program keeps.
//!
//! - `process`: another program's `credential_process`, with the consent that it needs
//! - `sso`, `login`, `web_identity`: what the AWS CLI or another identity provider keeps here, and what AWS gives for it
//! - [`proof`]: which sign-in that is, for the identity of what is cached

pub mod login;
pub mod process;
pub mod sign_in;
mod sso;
mod web_identity;

use std::time::Instant;

use crate::credentials::{Credentials, LONGEST_TOKEN, STATIC_KEYS, Session, is_credential_text};
use crate::error::{Failure, Kind, Result};
use crate::profile::base::{Base, KeyPlace, TemporaryKey};
use crate::secret::Secret;
use crate::session::BaseCredentials;
use crate::session::identity::Proof;
use crate::sources::sso_token;
use crate::sources::token_file::TokenFile;
use crate::store::Store;
use crate::store::choose::Stores;
use crate::system::clock::{self, Deadline};

use super::context::{Context, Planned};
use super::keys::in_environment;

/// The bases of this machine.
pub struct RealBases<'a> {
    pub context: &'a Context,
    pub planned: &'a Planned,
    /// The keyring for access keys, unless the setting excludes it.
    pub keyring: Option<&'a dyn Store>,
}

impl BaseCredentials for RealBases<'_> {
    fn fetch(&self, base: &Base, until: Deadline) -> Result<Credentials> {
        let context = self.context;
        match base {
            Base::Key(key) => context.access_key(key, self.keyring).map(Credentials::Key),
            Base::Temporary(key) => temporary(context, key).map(Credentials::Session),
            Base::Process(process) => process::fetch(context, process, until),
            Base::Sso(sso) => sso::fetch(context, self.planned, sso, until).map(Credentials::Session),
            Base::Login(login) => login::fetch(context, self.planned, login, until).map(Credentials::Session),
            Base::WebIdentity(web) => web_identity::fetch(context, self.planned, web, until).map(Credentials::Session),
        }
    }

    fn is_unchanged(&self, base: &Base) -> bool {
        let planned = &self.planned.proof;
        !base.has_proof() || (planned.is_some() && *planned == proof(self.context, base))
    }
}

/// The credentials of a plan's base, for a command that a person waits for.
pub fn credentials(context: &Context, planned: &Planned, stores: &Stores) -> Result<Credentials> {
    let until = Deadline::after(Instant::now(), context.settings.duration_or_default("prompt_timeout"));
    RealBases { context, planned, keyring: stores.of_access_keys() }.fetch(&planned.plan.base, until)
}

/// The plan on its renewed sign-in, if that was about to end. What is cached rests on the token of single sign-on, so that
/// is renewed before anything is fetched with it, or looked for under it.
pub fn renewed(context: &Context, planned: &Planned, until: Deadline) -> Result<Option<Planned>> {
    let Base::Sso(sso) = &planned.plan.base else { return Ok(None) };
    let token = sso::renew(context, planned, sso, until).map_err(|f| f.of_profile(&planned.plan.profile))?;
    Ok(token.map(|token| {
        // Where the new token could not be saved, the file still has the old one, and is what the next command goes by.
        let now = proof(context, &planned.plan.base);
        let proof = if now == planned.proof { now } else { Some(sso_token::proof_of(&token)) };
        planned.renewed(proof, token)
    }))
}

/// What a base's cached credentials rest on beside its settings: the sign-in, or the token, that is there now. None where
/// it is gone, so that nothing cached is served.
pub fn proof(context: &Context, base: &Base) -> Option<Proof> {
    match base {
        Base::Key(_) | Base::Temporary(_) | Base::Process(_) => None,
        Base::Sso(sso) => sso::file(context, sso).proof(),
        Base::Login(login) => login::file(context, login).proof(),
        Base::WebIdentity(web) => TokenFile::at(web.token_file.as_ref()).ok()?.proof(),
    }
}

/// Temporary credentials as somebody put them there. Nobody knows when they end; they only sign.
fn temporary(context: &Context, key: &TemporaryKey) -> Result<Session> {
    let TemporaryKey { profile, id, place } = key;
    let place = match place {
        KeyPlace::File(place) => place,
        KeyPlace::Environment | KeyPlace::Keyring => {
            return match in_environment().map_err(|failure| failure.of_profile(profile))? {
                Credentials::Session(session) if session.access_key_id == *id => Ok(session),
                _ => Err(Failure::new(Kind::Bug, "the credentials in the environment changed").of_profile(profile)),
            };
        }
    };
    let secret = context.secret_in_file(profile, place)?;
    let files = context.files.profile(profile.as_str());
    let token = files.as_ref().and_then(|files| files.get(STATIC_KEYS[2]));
    let token = Secret::new(token.map(|token| token.value.clone()).unwrap_or_default());
    if !is_credential_text(token.expose()) || token.expose().len() > LONGEST_TOKEN {
        let cause = "aws_session_token contains characters that are not valid in a session token, or is too long";
        return Err(Failure::new(Kind::Config, cause).of_profile(profile).at(place));
    }
    Ok(Session { access_key_id: id.clone(), secret, token, expires: clock::now(), account: None })
}
