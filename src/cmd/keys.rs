//! Long-lived keys: the secret half, from the AWS file or the OS keyring, when a call has to be signed with it.

use crate::credentials::{AccessKey, AccessKeyId, STATIC_KEYS, parse_secret_key};
use crate::error::{Failure, Kind, Place, Result};
use crate::names::ProfileName;
use crate::profile::chain::{KeyPlace, LongLivedKey};
use crate::session::Keys;
use crate::store::access_key;
use crate::store::{Store, StoreError};
use crate::system::log;
use crate::visible::as_word;

use super::world::World;

/// Fetches keys from where the plan says they are.
pub struct RealKeys<'a> {
    pub world: &'a World,
    /// The keyring that keeps access keys; none where only the kernel's is used.
    pub durable: Option<&'a dyn Store>,
}

impl Keys for RealKeys<'_> {
    fn fetch(&self, key: &LongLivedKey) -> Result<AccessKey> {
        log::step(format_args!("take the secret of access key {}", key.id));
        match &key.place {
            KeyPlace::File(place) => self.in_file(key, place),
            KeyPlace::Keyring => self.in_keyring(key),
        }
    }
}

impl RealKeys<'_> {
    fn in_file(&self, key: &LongLivedKey, place: &Place) -> Result<AccessKey> {
        let profile = self.world.files.profile(key.profile.as_str());
        let setting = profile.as_ref().and_then(|p| p.get(STATIC_KEYS[1]));
        let secret = parse_secret_key(setting.map_or("", |setting| &setting.value)).map_err(|why| {
            let failure = Failure::new(Kind::Config, format!("{} {why}", STATIC_KEYS[1])).of_profile(&key.profile);
            failure.at(setting.map_or(place, |setting| &setting.place))
        })?;
        Ok(AccessKey { id: key.id.clone(), secret })
    }

    fn in_keyring(&self, key: &LongLivedKey) -> Result<AccessKey> {
        let store = self.durable.ok_or_else(|| {
            let none = StoreError::NoService("keyring = kernel".into());
            refused(&key.profile, &key.id, "no keyring that keeps access keys", &none)
        })?;
        access_key::read(store, &key.id).map_err(|e| refused(&key.profile, &key.id, store.name(), &e))
    }
}

/// What a keyring answered about an access key, as a failure with the way out that there is.
pub fn refused(profile: &ProfileName, id: &AccessKeyId, store: &str, e: &StoreError) -> Failure {
    let failure = Failure::new(Kind::Keyring, format!("access key {id}: {store} {e}")).of_profile(profile);
    match e {
        StoreError::Locked | StoreError::Dismissed => {
            let name = as_word(profile.as_str());
            failure.hint(format!(
                "unlock the desktop's keyring, then run this again; twolock login {name} opens its dialog"
            ))
        }
        StoreError::NoService(_) if cfg!(target_os = "linux") => failure.hint(
            "start the desktop's keyring (gnome-keyring, KWallet, KeePassXC), or keep the key in ~/.aws/credentials",
        ),
        StoreError::NoService(_) => failure.hint("keep the key in ~/.aws/credentials"),
        StoreError::TimedOut(_) => failure.hint("the keyring's daemon hangs; restart it, then run this again"),
        _ => failure,
    }
}
