//! The login keychain of macOS.
//!
//! Without permission to ask, the system is told to open no window: a locked keychain, or an item that another build of
//! twolock created, is then [`StoreError::Locked`].

use std::collections::HashMap;
use std::error::Error;

use apple_native_keyring_store::keychain::Store as LoginKeychain;
use keyring_core::Entry;
use keyring_core::api::CredentialStoreApi;
use security_framework::base::Error as SystemError;
use security_framework::os::macos::keychain::{KeychainUserInteractionLock, SecKeychain};

use super::keyring_core_errors::meaning;
use super::{About, Item, SERVICE, Store, StoreError};
use crate::secret::Secret;

pub(crate) const ABOUT: About =
    About { name: "the Keychain", keeps_access_keys: true, unlock: Some("unlock the keyring"), start: None };

/// The login keychain. Wrap it in [`Bounded`](super::bounded::Bounded): its questions wait for a person.
#[derive(Clone, Copy, Debug)]
pub struct Keychain {
    may_ask: bool,
}

impl Keychain {
    /// The user's keychain; `may_ask` permits its password window.
    pub fn new(may_ask: bool) -> Self {
        Self { may_ask }
    }

    fn silence(&self) -> Result<Option<KeychainUserInteractionLock>, StoreError> {
        (!self.may_ask).then(SecKeychain::disable_user_interaction).transpose().map_err(|error| of_system(&error))
    }
}

impl Store for Keychain {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn read(&self, item: &Item) -> Result<Secret<Vec<u8>>, StoreError> {
        let _silent = self.silence()?;
        entry(item)?.get_secret().map(Secret::new).map_err(|error| meaning(error, 0, of_platform))
    }

    fn put(&self, item: &Item, bytes: &Secret<Vec<u8>>) -> Result<(), StoreError> {
        let _silent = self.silence()?;
        let failed = |error| meaning(error, bytes.expose().len(), of_platform);
        entry(item)?.set_secret(bytes.expose()).map_err(failed)
    }

    fn remove(&self, item: &Item) -> Result<(), StoreError> {
        let _silent = self.silence()?;
        entry(item)?.delete_credential().map_err(|error| meaning(error, 0, of_platform))
    }

    fn users(&self) -> Result<Vec<String>, StoreError> {
        let _silent = Self::new(false).silence()?;
        let failed = |error| meaning(error, 0, of_platform);
        let store = LoginKeychain::new().map_err(failed)?;
        let found = store.search(&HashMap::from([("service", SERVICE)])).map_err(failed)?;
        Ok(found.iter().filter_map(Entry::get_specifiers).map(|(_, user)| user).collect())
    }
}

/// The store crate has no way to set a label: Keychain Access shows the service and the user.
fn entry(item: &Item) -> Result<Entry, StoreError> {
    let store = LoginKeychain::new().map_err(|error| meaning(error, 0, of_platform))?;
    store.build(SERVICE, &item.user, None).map_err(|error| meaning(error, 0, of_platform))
}

fn of_platform(error: &(dyn Error + Send + Sync + 'static)) -> StoreError {
    match error.downcast_ref::<SystemError>() {
        Some(error) => of_system(error),
        None => StoreError::Refused("no reason given".into()),
    }
}

/// The codes of Apple's SecBase.h.
fn of_system(error: &SystemError) -> StoreError {
    match error.code() {
        -25300 => StoreError::Absent,
        // errSecInteractionNotAllowed, errSecInteractionRequired
        -25308 | -25315 => StoreError::Locked,
        // errSecUserCanceled
        -128 => StoreError::Dismissed,
        // errSecNotAvailable, errSecNoSuchKeychain, errSecInvalidKeychain, errSecNoDefaultKeychain
        -25291 | -25294 | -25295 | -25307 => StoreError::NoService(error.to_string()),
        // errSecDuplicateItem
        -25299 => StoreError::Damaged("several items with that name".into()),
        // errSecDiskFull
        -34 => StoreError::Quota,
        _ => StoreError::Refused(error.to_string()),
    }
}
