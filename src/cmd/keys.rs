//! Where long-term keys come from when a call has to be signed: the AWS files, the environment or the OS keyring.

use super::context::Context;
use crate::credentials::{
    AccessKey, AccessKeyId, Credentials, STATIC_KEYS, Session, is_credential_text, parse_secret_key,
};
use crate::error::{Failure, Kind, Place, Result};
use crate::hint::{CommandLine, Verb};
use crate::names::ProfileName;
use crate::profile::base::{KeyPlace, LongTermKey};
use crate::rotation::Records;
use crate::secret::Secret;
use crate::store::choose::Stores;
use crate::store::{Store, StoreError, access_key};
use crate::system::env::{self, ShellCredentials};
use crate::system::{clock, log};
use crate::text::visible::visible;
use crate::timestamp::Timestamp;

/// The credentials in the environment. The failure names the variable, and repeats nothing of what it holds.
pub fn in_environment() -> Result<Credentials> {
    let failure = |name: &str, why: &str| Failure::new(Kind::Config, format!("{name} {why}"));
    let Some(ShellCredentials { key_id, secret, token }) = env::shell_credentials() else {
        return Err(failure("AWS_ACCESS_KEY_ID", "is set without AWS_SECRET_ACCESS_KEY"));
    };
    let id = AccessKeyId::parse(&key_id).map_err(|why| failure("AWS_ACCESS_KEY_ID", &why))?;
    let secret = parse_secret_key(secret.expose()).map_err(|why| failure("AWS_SECRET_ACCESS_KEY", why))?;
    match token {
        Some(token) if !is_credential_text(token.expose()) => {
            Err(failure("AWS_SESSION_TOKEN", "contains characters that are not valid in a session token"))
        }
        // Nobody knows when it ends.
        Some(token) => {
            Ok(Credentials::Session(Session { access_key_id: id, secret, token, expires: clock::now(), account: None }))
        }
        None => Ok(Credentials::Key(AccessKey { id, secret })),
    }
}

impl Context {
    /// The key with its secret half. `keyring` is the one for access keys, unless the setting excludes it.
    pub fn access_key(&self, key: &LongTermKey, keyring: Option<&dyn Store>) -> Result<AccessKey> {
        log::step(format_args!("take the secret of access key {}", key.id));
        match &key.place {
            KeyPlace::File(place) => {
                Ok(AccessKey { id: key.id.clone(), secret: self.secret_in_file(&key.profile, place)? })
            }
            KeyPlace::Keyring => access_key::of_profile(keyring, &key.profile, &key.id),
            KeyPlace::Environment => match in_environment().map_err(|failure| failure.of_profile(&key.profile))? {
                Credentials::Key(found) if found.id == key.id => Ok(found),
                _ => Err(Failure::new(Kind::Bug, "the access key in the environment changed").of_profile(&key.profile)),
            },
        }
    }

    /// The secret half of what an AWS file has as the credentials of a profile, whose id is at `place`.
    pub fn secret_in_file(&self, profile: &ProfileName, place: &Place) -> Result<Secret<String>> {
        let files = self.files.profile(profile.as_str());
        let setting = files.as_ref().and_then(|files| files.get(STATIC_KEYS[1]));
        parse_secret_key(setting.map_or("", |setting| &setting.value)).map_err(|why| {
            let failure = Failure::new(Kind::Config, format!("{} {why}", STATIC_KEYS[1])).of_profile(profile);
            failure.at(setting.map_or(place, |setting| &setting.place))
        })
    }

    /// When the index got a key first; now, if it has not.
    pub fn added(&self, id: &AccessKeyId) -> Timestamp {
        self.index.added(id).unwrap_or_else(clock::now)
    }

    /// The name of the keyring for access keys, if this machine has a persistent one. It may be locked. One that hangs
    /// or refuses is a failure, never a reason to store the key in a file (threat-model P7).
    pub fn key_store_name(&self, profile: &ProfileName, id: &AccessKeyId) -> Result<Option<&'static str>> {
        let stores = self.stores(false);
        let Some(store) = stores.of_access_keys() else { return Ok(None) };
        match access_key::read(store, id) {
            Ok(_) | Err(StoreError::Absent | StoreError::Locked | StoreError::Dismissed | StoreError::Unconfirmed) => {
                Ok(Some(store.name()))
            }
            Err(StoreError::NoService(_)) => Ok(None),
            Err(e) => Err(access_key::failure(profile, id, store.about(), &e)),
        }
    }

    /// Whether a keyring that stores access keys is there, be it locked.
    pub fn has_key_store(&self) -> bool {
        let stores = self.stores(false);
        stores.of_access_keys().is_some_and(|store| !matches!(access_key::reach(store), Err(StoreError::NoService(_))))
    }

    /// What to say of a key that stays in the keyring when a profile no longer uses it.
    pub fn stays_in_keyring(&self, profile: &ProfileName, id: &AccessKeyId) -> String {
        if let Some(other) = self.index.profiles_with(id).find(|other| *other != profile) {
            return format!("stays in the keyring, because profile '{}' uses it too", visible(other.as_str()));
        }
        format!("stays in the keyring; to remove it: {}", CommandLine::of(Verb::KeyRemove, id))
    }

    /// The key of this id that the keyring has already, if it can be read without a dialog.
    pub fn known_key(&self, id: &AccessKeyId) -> Option<AccessKey> {
        access_key::read(self.stores(false).of_access_keys()?, id).ok()
    }

    /// The keys in the keyring that are of no profile and of no rotation. Other homes share the keyring and have an index
    /// of their own: only in the account's own home nothing is said of theirs.
    pub fn keys_of_no_profile(&self, stores: &Stores) -> std::result::Result<Vec<AccessKeyId>, StoreError> {
        let Some(store) = stores.of_access_keys().filter(|_| self.dirs.has_account_data()) else {
            return Ok(Vec::new());
        };
        let Ok(records) = Records::of(&self.dirs.account_data()).all() else { return Ok(Vec::new()) };
        let mut ids = access_key::all(store)?;
        let is_indexed = |id: &AccessKeyId| self.index.profiles_with(id).next().is_some();
        ids.retain(|id| !is_indexed(id) && !records.iter().any(|record| record.is_about(id)));
        Ok(ids)
    }

    pub fn key_in_keyring(&self, profile: &ProfileName, id: &AccessKeyId, may_unlock: bool) -> Result<AccessKey> {
        access_key::of_profile(self.stores(may_unlock).of_access_keys(), profile, id)
    }
}
