//! A store in this process's memory, with answers one can script: for tests.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{About, Item, Store, StoreError};
use crate::secret::Secret;

pub(crate) const ABOUT: About =
    About { name: "the store in memory", keeps_access_keys: true, unlock: Some("unlock the keyring"), start: None };

/// A store in memory. Clones share their items, so a test keeps one to look into the store it gave away.
#[derive(Clone, Debug, Default)]
pub struct MemoryStore {
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    items: BTreeMap<String, Secret<Vec<u8>>>,
    reads_fail: Option<StoreError>,
    writes_fail: Option<StoreError>,
    calls: Vec<String>,
}

impl MemoryStore {
    pub fn new() -> Self {
        Self::default()
    }

    /// Answers reads with this from now on; `None` ends it.
    pub fn fail_reads(&self, error: Option<StoreError>) {
        self.state().reads_fail = error;
    }

    /// Answers writes and removals with this from now on; `None` ends it.
    pub fn fail_writes(&self, error: Option<StoreError>) {
        self.state().writes_fail = error;
    }

    /// Puts an item there without a call.
    pub fn plant(&self, user: &str, bytes: &[u8]) {
        self.state().items.insert(user.into(), Secret::new(bytes.to_vec()));
    }

    /// The bytes of an item, looked at without a call.
    pub fn peek(&self, user: &str) -> Option<Vec<u8>> {
        self.state().items.get(user).map(|bytes| bytes.expose().clone())
    }

    pub fn users(&self) -> Vec<String> {
        self.state().items.keys().cloned().collect()
    }

    /// Every call so far: `read USER`, `write USER`, `remove USER`.
    pub fn calls(&self) -> Vec<String> {
        self.state().calls.clone()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Store for MemoryStore {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn read(&self, item: &Item) -> Result<Secret<Vec<u8>>, StoreError> {
        let mut state = self.state();
        state.calls.push(format!("read {}", item.user));
        state.reads_fail.clone().map_or(Ok(()), Err)?;
        state.items.get(&item.user).cloned().ok_or(StoreError::Absent)
    }

    fn put(&self, item: &Item, bytes: &Secret<Vec<u8>>) -> Result<(), StoreError> {
        let mut state = self.state();
        state.calls.push(format!("write {}", item.user));
        state.writes_fail.clone().map_or(Ok(()), Err)?;
        state.items.insert(item.user.clone(), bytes.clone());
        Ok(())
    }

    fn remove(&self, item: &Item) -> Result<(), StoreError> {
        let mut state = self.state();
        state.calls.push(format!("remove {}", item.user));
        state.writes_fail.clone().map_or(Ok(()), Err)?;
        state.items.remove(&item.user).map(drop).ok_or(StoreError::Absent)
    }

    fn users(&self) -> Result<Vec<String>, StoreError> {
        self.state().reads_fail.clone().map_or(Ok(()), Err)?;
        Ok(Self::users(self))
    }
}
