//! Where secrets are stored: one contract, one file a store.
//!
//! Two kinds of secret are kept here: the *sealing key* (32 bytes, which encrypts sessions in private files) and the
//! long-term access keys. Sessions themselves are too large for some keyrings and are never put here.
//!
//! May know the vocabulary and `system`; never profiles, STS or prompts.

pub mod access_key;
pub mod bounded;
pub mod choose;
#[cfg(windows)]
pub mod credential_manager;
pub mod file;
pub mod kernel;
#[cfg(target_os = "macos")]
pub mod keychain;
#[cfg(any(target_os = "macos", windows))]
mod keyring_core_errors;
#[cfg(test)]
pub mod memory;
#[cfg(not(any(target_os = "macos", windows)))]
pub mod secret_service;
#[cfg(not(any(target_os = "macos", windows)))]
mod session_bus;

use std::fmt;
use std::time::Duration;

use crate::secret::Secret;

/// The service name all our items share.
pub const SERVICE: &str = "twolock";

/// Names one item in a store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// Tells items of the service apart: an access key id, or the name of a sealing key.
    pub user: String,
    /// What a person sees in the keyring's own program.
    pub label: String,
}

/// What a store can answer besides yes, sorted by what the caller does next (threat-model P27).
///
/// Only [`Absent`](StoreError::Absent) is a miss; nothing else ever leads to "add a key" or to an overwrite.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoreError {
    /// The store answered, and does not have the item.
    Absent,
    /// The store is there and locked; a person can unlock it.
    Locked,
    /// A person was asked to unlock it and declined.
    Dismissed,
    /// The store is open, and asks a person before it hands out this item, as KeePassXC does.
    Unconfirmed,
    /// No such store on this machine: no bus, no daemon, a kernel without keyrings.
    NoService(String),
    /// Another user runs the session bus that this variable names; nothing was told to it (P53).
    ForeignBus {
        /// Who runs it.
        user: u32,
        /// `DBUS_SESSION_BUS_ADDRESS`, or `XDG_RUNTIME_DIR`.
        variable: &'static str,
    },
    /// It has this access key already, with another secret half.
    AnotherSecret,
    /// The store refused the call.
    Refused(String),
    /// The store had not answered within this bound.
    TimedOut(Duration),
    /// An item is there, and it is not what we wrote; or there are several where one should be.
    Damaged(String),
    /// The store takes no item of this size, in bytes.
    TooLarge(usize),
    /// The store is full.
    Quota,
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StoreError::Absent => f.write_str("does not have the item"),
            StoreError::Locked => f.write_str("is locked"),
            StoreError::Dismissed => f.write_str("stayed locked: the unlock dialog was dismissed"),
            StoreError::Unconfirmed => f.write_str(
                "is open, but waits for a person to allow access to this item (KeePassXC asks in its window \"Access \
                 Request\")",
            ),
            StoreError::NoService(why) => write!(f, "is not available: {why}"),
            StoreError::ForeignBus { user, variable } => {
                write!(f, "cannot be trusted: {variable} names a session bus run by uid {user}")
            }
            StoreError::AnotherSecret => f.write_str("already has this key id with another secret"),
            StoreError::Refused(why) => write!(f, "refused: {why}"),
            StoreError::TimedOut(bound) => write!(f, "did not respond within {} s", bound.as_secs_f32()),
            StoreError::Damaged(why) => write!(f, "contains a damaged item: {why}"),
            StoreError::TooLarge(bytes) => write!(f, "cannot store an item of {bytes} bytes"),
            StoreError::Quota => f.write_str("is full"),
        }
    }
}

/// What there is to say of a store, for messages.
#[derive(Debug, PartialEq, Eq)]
pub struct About {
    /// What people call it: "the Secret Service", "the kernel keyring".
    pub name: &'static str,
    /// Whether access keys are kept here: items survive a reboot, and are safer there than in an AWS file.
    pub keeps_access_keys: bool,
    /// What a person does where it is locked: "unlock the keyring".
    pub unlock: Option<&'static str>,
    /// What a person does where it is not there: "start the desktop's keyring".
    pub start: Option<&'static str>,
}

/// A place that keeps small secrets for the user. Every call ends within a stated bound (P26), even if the library
/// behind it never returns, and never opens an unlock dialog unless the store was opened with leave to do so.
pub trait Store {
    /// What there is to say of this store.
    fn about(&self) -> &'static About;

    /// What people call it.
    fn name(&self) -> &'static str {
        self.about().name
    }

    /// Reads an item's bytes.
    ///
    /// - not there: [`StoreError::Absent`]
    /// - there but the store is locked: [`StoreError::Locked`], without asking anybody
    /// - two items of that name: [`StoreError::Damaged`]
    fn read(&self, item: &Item) -> Result<Secret<Vec<u8>>, StoreError>;

    /// Puts an item there, in place of one of that name. [`Store::write`] is what to call: it looks what became of it.
    fn put(&self, item: &Item, bytes: &Secret<Vec<u8>>) -> Result<(), StoreError>;

    /// Puts an item there and reads it back: `Ok` means the bytes read back equal (P28).
    ///
    /// - it reads back other bytes, or is not there: [`StoreError::Damaged`]
    fn write(&self, item: &Item, bytes: &Secret<Vec<u8>>) -> Result<(), StoreError> {
        self.put(item, bytes)?;
        match self.read(item) {
            Ok(back) if back.expose() == bytes.expose() => Ok(()),
            Ok(_) => Err(StoreError::Damaged("it returned other data than was written".into())),
            Err(StoreError::Absent) => Err(StoreError::Damaged("the written item is missing".into())),
            Err(other) => Err(other),
        }
    }

    /// Removes an item. One that is not there is [`StoreError::Absent`].
    fn remove(&self, item: &Item) -> Result<(), StoreError>;

    /// Returns the users of all our items. No dialog opens, whatever the store was opened with.
    ///
    /// - the store is locked and does not tell: [`StoreError::Locked`]
    /// - it cannot be searched: [`StoreError::Refused`]
    fn users(&self) -> Result<Vec<String>, StoreError> {
        Err(StoreError::Refused("it cannot be searched".into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Takes everything, and gives back what it was made with.
    struct Forgetful(Result<Vec<u8>, StoreError>);

    impl Store for Forgetful {
        fn about(&self) -> &'static About {
            &About { name: "the forgetful store", keeps_access_keys: false, unlock: None, start: None }
        }

        fn read(&self, _: &Item) -> Result<Secret<Vec<u8>>, StoreError> {
            self.0.clone().map(Secret::new)
        }

        fn put(&self, _: &Item, _: &Secret<Vec<u8>>) -> Result<(), StoreError> {
            Ok(())
        }

        fn remove(&self, _: &Item) -> Result<(), StoreError> {
            Err(StoreError::Absent)
        }
    }

    #[test]
    fn a_write_counts_when_it_reads_back_equal() {
        let written = |read| {
            let item = Item { user: "key".into(), label: "label".into() };
            Forgetful(read).write(&item, &Secret::new(vec![1, 2]))
        };
        assert_eq!(written(Ok(vec![1, 2])), Ok(()));
        for read in [Ok(vec![1]), Ok(vec![]), Err(StoreError::Absent)] {
            assert!(matches!(written(read), Err(StoreError::Damaged(_))));
        }
        assert_eq!(written(Err(StoreError::Locked)), Err(StoreError::Locked), "the next step is to unlock it");
    }
}
