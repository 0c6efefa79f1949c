//! Which stores there are on this machine, for this setting.

use super::Store;

/// The stores in use. Sealing keys may lie in both; access keys only in the durable one.
#[derive(Default)]
pub struct Stores {
    /// Answers in microseconds and forgets: the kernel keyring.
    pub fast: Option<Box<dyn Store>>,
    /// Survives a reboot: the Secret Service, the Keychain, the Credential Manager, or the key file.
    pub durable: Option<Box<dyn Store>>,
}

impl Stores {
    /// Both, the faster one first.
    pub fn all(&self) -> impl Iterator<Item = &dyn Store> {
        self.fast.iter().chain(&self.durable).map(Box::as_ref)
    }
}
