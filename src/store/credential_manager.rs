//! The Credential Manager of Windows.

use std::collections::HashMap;
use std::error::Error;

use keyring_core::Entry;
use keyring_core::api::CredentialStoreApi;
use windows_native_keyring_store::Store as SystemStore;

use super::keyring_core_errors::meaning;
use super::{About, Item, SERVICE, Store, StoreError};
use crate::secret::Secret;

/// The system's limit for one credential (CRED_MAX_CREDENTIAL_BLOB_SIZE).
const LARGEST: usize = 2560;

pub(crate) const ABOUT: About =
    About { name: "the Credential Manager", keeps_access_keys: true, unlock: Some("unlock the keyring"), start: None };

/// The credentials of the user who is logged on. No dialog ever opens.
#[derive(Clone, Copy, Debug, Default)]
pub struct CredentialManager;

impl Store for CredentialManager {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn read(&self, item: &Item) -> Result<Secret<Vec<u8>>, StoreError> {
        entry(item)?.get_secret().map(Secret::new).map_err(|error| meaning(error, 0, of_platform))
    }

    fn put(&self, item: &Item, bytes: &Secret<Vec<u8>>) -> Result<(), StoreError> {
        let size = bytes.expose().len();
        if size > LARGEST {
            return Err(StoreError::TooLarge(size));
        }
        let entry = entry(item)?;
        entry.set_secret(bytes.expose()).map_err(|error| meaning(error, size, of_platform))?;
        // What a person reads beside it; the item is kept whether or not this is.
        let _ = entry.update_attributes(&HashMap::from([("comment", item.label.as_str())]));
        Ok(())
    }

    fn remove(&self, item: &Item) -> Result<(), StoreError> {
        entry(item)?.delete_credential().map_err(|error| meaning(error, 0, of_platform))
    }
}

/// Items stay on this machine: the crate's default would let them roam with the profile to others.
fn entry(item: &Item) -> Result<Entry, StoreError> {
    let failed = |error| meaning(error, 0, of_platform);
    let store = SystemStore::new().map_err(failed)?;
    store.build(SERVICE, &item.user, Some(&HashMap::from([("persistence", "Local")]))).map_err(failed)
}

/// The crate keeps its error type to itself; its text is the code's name or number, never a secret.
fn of_platform(error: &(dyn Error + Send + Sync + 'static)) -> StoreError {
    let said = error.to_string();
    if said.contains("ERROR_NO_SUCH_LOGON_SESSION") {
        return StoreError::NoService("this logon session has none (a service or a network logon)".into());
    }
    StoreError::Refused(said)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An item of this run in the user's own store, taken away in the end.
    struct OwnItem(Item);

    impl OwnItem {
        fn new(name: &str) -> Self {
            Self(Item { user: format!("test-{name}-{}", std::process::id()), label: "twolock: a test's".into() })
        }
    }

    impl Drop for OwnItem {
        fn drop(&mut self) {
            let _ = CredentialManager.remove(&self.0);
        }
    }

    #[test]
    fn a_key_is_absent_then_there_then_replaced_then_absent() {
        let OwnItem(item) = &OwnItem::new("key");
        assert_eq!(CredentialManager.read(item).unwrap_err(), StoreError::Absent);
        assert_eq!(CredentialManager.remove(item), Err(StoreError::Absent));
        for bytes in [vec![0, 255, 0], (0..32).collect(), vec![7; LARGEST]] {
            CredentialManager.write(item, &Secret::new(bytes.clone())).unwrap();
            assert_eq!(CredentialManager.read(item).unwrap().expose(), &bytes);
        }
        CredentialManager.remove(item).unwrap();
        assert_eq!(CredentialManager.read(item).unwrap_err(), StoreError::Absent);
    }

    #[test]
    fn an_item_too_large_is_refused_and_what_was_there_is_kept() {
        let OwnItem(item) = &OwnItem::new("large");
        CredentialManager.write(item, &Secret::new(vec![1])).unwrap();
        let refused = CredentialManager.write(item, &Secret::new(vec![2; LARGEST + 1]));
        assert_eq!(refused, Err(StoreError::TooLarge(LARGEST + 1)));
        assert_eq!(CredentialManager.read(item).unwrap().expose(), &[1]);
    }
}
