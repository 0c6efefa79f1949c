//! Long-lived keys: the secret half, from the AWS file or the OS keyring, when a call has to be signed with it.

use serde_json::Value;
use zeroize::Zeroizing;

use crate::credentials::{AccessKey, AccessKeyId};
use crate::error::{Failure, Kind, Place, Result};
use crate::profile::chain::{KeyPlace, LongLivedKey};
use crate::secret::Secret;
use crate::session::Keys;
use crate::store::{Item, Store, StoreError};
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
        let secret = profile.as_ref().and_then(|p| p.get("aws_secret_access_key")).map(|s| s.value.clone());
        let secret = Secret::new(secret.unwrap_or_default());
        if secret.expose().is_empty() || !secret.expose().bytes().all(|b| b.is_ascii_graphic()) {
            let cause = "aws_secret_access_key is empty, or holds characters that no secret key has";
            return Err(Failure::new(Kind::Config, cause).of_profile(&key.profile).at(place));
        }
        Ok(AccessKey { id: key.id.clone(), secret })
    }

    fn in_keyring(&self, key: &LongLivedKey) -> Result<AccessKey> {
        let store = self.durable.ok_or_else(|| {
            self.refuse(key, "no keyring that keeps access keys", &StoreError::NoService("keyring = kernel".into()))
        })?;
        let item = Item { user: key.id.to_string(), label: format!("twolock: {}", key.profile) };
        let secret = store.read(&item).and_then(|bytes| secret_of(&bytes, &key.id));
        let secret = secret.map_err(|e| self.refuse(key, store.name(), &e))?;
        Ok(AccessKey { id: key.id.clone(), secret })
    }

    fn refuse(&self, key: &LongLivedKey, store: &str, e: &StoreError) -> Failure {
        let failure =
            Failure::new(Kind::Keyring, format!("access key {}: {store} {e}", key.id)).of_profile(&key.profile);
        match e {
            StoreError::Locked | StoreError::Dismissed => {
                failure.hint(format!("unlock the desktop's keyring, or run in a terminal: twolock login {}", as_word(key.profile.as_str())))
            }
            StoreError::NoService(_) if cfg!(target_os = "linux") => failure.hint("start the desktop's keyring (gnome-keyring, KWallet, KeePassXC), or keep the key in ~/.aws/credentials"),
            StoreError::NoService(_) => failure.hint("keep the key in ~/.aws/credentials"),
            StoreError::TimedOut(_) => failure.hint("the keyring's daemon hangs; restart it, then run this again"),
            _ => failure,
        }
    }
}

/// The secret half of this access key out of the bytes of its item. What is not exactly that is damage.
pub fn secret_of(item: &Secret<Vec<u8>>, id: &AccessKeyId) -> std::result::Result<Secret<String>, StoreError> {
    let damaged = |why: &str| StoreError::Damaged(why.into());
    let json = Zeroizing::new(item.expose().clone());
    let mut json: Value = serde_json::from_slice(&json).map_err(|_| damaged("it is not ours"))?;
    if json["v"].as_u64() != Some(1) {
        return Err(damaged("its version is not 1"));
    }
    if json["access_key_id"].as_str() != Some(id.as_str()) {
        return Err(damaged("it holds another access key"));
    }
    match json["secret_access_key"].take() {
        Value::String(secret) if !secret.is_empty() => Ok(Secret::new(secret)),
        _ => Err(damaged("it has no secret")),
    }
}
