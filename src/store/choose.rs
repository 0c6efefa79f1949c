//! Which stores there are on this machine, for this setting. No store is asked anything here.

use std::path::PathBuf;
use std::time::Duration;

use super::Store;
use super::bounded::Bounded;
use super::file::FileStore;
use super::kernel::KernelStore;
use crate::keyring::Keyring;
use crate::system::env::Env;

/// How long a desktop's keyring may take for one call.
pub const CALL_BOUND: Duration = Duration::from_secs(5);

/// How long its unlock dialog may stay open.
pub const DIALOG_BOUND: Duration = Duration::from_secs(60);

/// The stores in use. Sealing keys may be stored in both, access keys only in the durable one.
#[derive(Default)]
pub struct Stores {
    /// Answers in microseconds and forgets: the kernel keyring.
    pub fast: Option<Box<dyn Store>>,
    /// Survives a reboot: the Secret Service, the Keychain, the Credential Manager, or the key file.
    pub durable: Option<Box<dyn Store>>,
}

impl Stores {
    /// The stores for this setting. Every call to them ends within [`CALL_BOUND`], or with permission to unlock within
    /// [`DIALOG_BOUND`] more; without it no dialog opens.
    ///
    /// `env` has to be the process's own; `key_directory` returns the directory of the key file.
    pub fn choose(keyring: Keyring, env: &Env, key_directory: impl FnOnce() -> PathBuf, may_unlock: bool) -> Self {
        match keyring {
            Keyring::Auto => Self { fast: system::fast(), durable: Some(system::durable(env, may_unlock)) },
            Keyring::Kernel => Self { fast: Some(Box::new(KernelStore::new())), durable: None },
            Keyring::File => Self { fast: None, durable: Some(Box::new(FileStore::new(key_directory()))) },
        }
    }

    pub(crate) fn of_access_keys(&self) -> Option<&dyn Store> {
        self.durable.as_deref().filter(|store| store.about().keeps_access_keys)
    }

    /// Both, the faster one first.
    pub fn all(&self) -> impl Iterator<Item = &dyn Store> {
        self.fast.iter().chain(&self.durable).map(Box::as_ref)
    }
}

fn bounded<S: Store + Send + Sync + 'static>(store: S, may_unlock: bool) -> Box<dyn Store> {
    let bound = if may_unlock { CALL_BOUND + DIALOG_BOUND } else { CALL_BOUND };
    Box::new(Bounded::new(store, bound))
}

#[cfg(not(any(target_os = "macos", windows)))]
mod system {
    use super::*;
    use crate::store::secret_service::SecretService;

    pub fn fast() -> Option<Box<dyn Store>> {
        Some(Box::new(KernelStore::new()))
    }

    pub fn durable(env: &Env, may_unlock: bool) -> Box<dyn Store> {
        bounded(SecretService::new(env, may_unlock), may_unlock)
    }
}

#[cfg(target_os = "macos")]
mod system {
    use super::*;
    use crate::store::keychain::Keychain;

    pub fn fast() -> Option<Box<dyn Store>> {
        None
    }

    pub fn durable(_: &Env, may_unlock: bool) -> Box<dyn Store> {
        bounded(Keychain::new(may_unlock), may_unlock)
    }
}

#[cfg(windows)]
mod system {
    use super::*;
    use crate::store::credential_manager::CredentialManager;

    pub fn fast() -> Option<Box<dyn Store>> {
        None
    }

    pub fn durable(_: &Env, may_unlock: bool) -> Box<dyn Store> {
        bounded(CredentialManager, may_unlock)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::Secret;
    use crate::store::Item;

    fn names(keyring: Keyring) -> Vec<&'static str> {
        Stores::choose(keyring, &Env::default(), || "/nowhere".into(), false).all().map(Store::name).collect()
    }

    #[test]
    fn each_setting_has_its_stores() {
        let of_the_system: &[&str] = if cfg!(windows) {
            &["the Credential Manager"]
        } else if cfg!(target_os = "macos") {
            &["the Keychain"]
        } else {
            &["the kernel keyring", "the Secret Service"]
        };
        assert_eq!(names(Keyring::Auto), of_the_system);
        assert_eq!(names(Keyring::Kernel), ["the kernel keyring"]);
        for choice in Keyring::ALL {
            let stores = Stores::choose(choice, &Env::default(), || "/nowhere".into(), false);
            let keep = stores.all().filter(|store| store.about().keeps_access_keys).count();
            assert_eq!(
                keep,
                usize::from(choice == Keyring::Auto),
                "{choice:?}: only a desktop's keyring keeps access keys"
            );
        }
        assert_eq!(names(Keyring::File), ["the key file"]);
    }

    #[test]
    fn the_key_file_is_used_by_that_choice_alone() {
        for choice in Keyring::ALL {
            assert_eq!(names(choice).contains(&"the key file"), choice == Keyring::File, "{choice:?}");
        }
        let directory = tempfile::tempdir().unwrap();
        let item = Item { user: "test".into(), label: "x".into() };
        let stores = Stores::choose(Keyring::File, &Env::default(), || directory.path().into(), false);
        stores.durable.unwrap().write(&item, &Secret::new(vec![1])).unwrap();
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 1);
    }
}
