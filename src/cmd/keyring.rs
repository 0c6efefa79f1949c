//! The keyring that keeps access keys: which one there is, and what it gives back.

use crate::credentials::{AccessKey, AccessKeyId};
use crate::error::Result;
use crate::names::ProfileName;
use crate::store::{StoreError, access_key};

use super::world::World;

impl World {
    /// What people call the keyring; none where there is no persistent one on this machine. One that is locked is there;
    /// one that hangs or refuses is a failure, never a reason to fall back to a file (threat-model P7).
    pub fn key_store_name(&self, profile: &ProfileName, id: &AccessKeyId) -> Result<Option<&'static str>> {
        let stores = self.stores(false);
        let Some(store) = stores.of_access_keys() else { return Ok(None) };
        match access_key::read(store, id) {
            Ok(_) | Err(StoreError::Absent | StoreError::Locked | StoreError::Dismissed) => Ok(Some(store.name())),
            Err(StoreError::NoService(_)) => Ok(None),
            Err(e) => Err(access_key::failure(profile, id, store.name(), &e)),
        }
    }

    /// Reads a key.
    pub fn key_in_keyring(&self, profile: &ProfileName, id: &AccessKeyId, may_unlock: bool) -> Result<AccessKey> {
        let stores = self.stores(may_unlock);
        let none = StoreError::NoService("no persistent keyring is in use".into());
        let store = stores.of_access_keys().ok_or_else(|| access_key::failure(profile, id, "the OS keyring", &none))?;
        access_key::read(store, id).map_err(|e| access_key::failure(profile, id, store.name(), &e))
    }
}
