//! What a plan's base gives, when a call has to be signed with it: a long-term key, whose secret half comes from the AWS
//! file or the OS keyring.

use crate::credentials::{AccessKey, STATIC_KEYS, parse_secret_key};
use crate::error::{Failure, Kind, Place, Result};
use crate::profile::base::{Base, KeyPlace, LongTermKey};
use crate::session::BaseCredentials;
use crate::store::access_key;
use crate::store::{Store, StoreError};
use crate::system::log;

use super::world::World;

/// Fetches a base from where the plan says it is.
pub struct RealBases<'a> {
    pub world: &'a World,
    /// The keyring that keeps access keys; none where only the kernel's is used.
    pub durable: Option<&'a dyn Store>,
}

impl BaseCredentials for RealBases<'_> {
    fn fetch(&self, base: &Base) -> Result<AccessKey> {
        match base {
            Base::Key(key) => self.key(key),
        }
    }
}

impl RealBases<'_> {
    fn key(&self, key: &LongTermKey) -> Result<AccessKey> {
        log::step(format_args!("take the secret of access key {}", key.id));
        match &key.place {
            KeyPlace::File(place) => self.in_file(key, place),
            KeyPlace::Keyring => self.in_keyring(key),
        }
    }

    fn in_file(&self, key: &LongTermKey, place: &Place) -> Result<AccessKey> {
        let profile = self.world.files.profile(key.profile.as_str());
        let setting = profile.as_ref().and_then(|p| p.get(STATIC_KEYS[1]));
        let secret = parse_secret_key(setting.map_or("", |setting| &setting.value)).map_err(|why| {
            let failure = Failure::new(Kind::Config, format!("{} {why}", STATIC_KEYS[1])).of_profile(&key.profile);
            failure.at(setting.map_or(place, |setting| &setting.place))
        })?;
        Ok(AccessKey { id: key.id.clone(), secret })
    }

    fn in_keyring(&self, key: &LongTermKey) -> Result<AccessKey> {
        let store = self.durable.ok_or_else(|| {
            let none = StoreError::NoService("keyring = kernel".into());
            access_key::failure(&key.profile, &key.id, "no persistent keyring", &none)
        })?;
        access_key::read(store, &key.id).map_err(|e| access_key::failure(&key.profile, &key.id, store.name(), &e))
    }
}
