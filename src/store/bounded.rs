//! A store whose calls end in time even if the library behind it never returns (threat-model P26).

use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use super::{About, Item, Store, StoreError};
use crate::secret::Secret;

/// Runs each call of a store in a thread of its own, waits for it no longer than the bound, and then abandons it: the
/// end of the process does not wait for such a thread.
///
/// A write that timed out may still happen; a later read shows whether it did.
#[derive(Debug)]
pub struct Bounded<S> {
    store: Arc<S>,
    bound: Duration,
}

impl<S: Store + Send + Sync + 'static> Bounded<S> {
    /// Bounds each call to this store.
    pub fn new(store: S, bound: Duration) -> Self {
        Self { store: Arc::new(store), bound }
    }

    fn within<T: Send + 'static>(
        &self,
        call: impl FnOnce(&S) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (answer, answered) = mpsc::channel();
        let store = Arc::clone(&self.store);
        thread::Builder::new()
            .name("store".into())
            .spawn(move || answer.send(call(&store)))
            .map_err(|error| StoreError::Refused(format!("cannot start a thread: {error}")))?;
        match answered.recv_timeout(self.bound) {
            Ok(result) => result,
            Err(RecvTimeoutError::Timeout) => Err(StoreError::TimedOut(self.bound)),
            Err(RecvTimeoutError::Disconnected) => Err(StoreError::Refused("its library crashed".into())),
        }
    }
}

impl<S: Store + Send + Sync + 'static> Store for Bounded<S> {
    fn about(&self) -> &'static About {
        self.store.about()
    }

    fn read(&self, item: &Item) -> Result<Secret<Vec<u8>>, StoreError> {
        let item = item.clone();
        self.within(move |store| store.read(&item))
    }

    fn put(&self, item: &Item, bytes: &Secret<Vec<u8>>) -> Result<(), StoreError> {
        let (item, bytes) = (item.clone(), bytes.clone());
        self.within(move |store| store.put(&item, &bytes))
    }

    /// One bound for both halves.
    fn write(&self, item: &Item, bytes: &Secret<Vec<u8>>) -> Result<(), StoreError> {
        let (item, bytes) = (item.clone(), bytes.clone());
        self.within(move |store| store.write(&item, &bytes))
    }

    fn remove(&self, item: &Item) -> Result<(), StoreError> {
        let item = item.clone();
        self.within(move |store| store.remove(&item))
    }

    fn users(&self) -> Result<Vec<String>, StoreError> {
        self.within(S::users)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;
    use crate::store::memory::MemoryStore;

    struct Silent;

    impl Store for Silent {
        fn about(&self) -> &'static About {
            &About { name: "the silent store", keeps_access_keys: true, unlock: None, start: None }
        }

        fn read(&self, _: &Item) -> Result<Secret<Vec<u8>>, StoreError> {
            loop {
                thread::park();
            }
        }

        fn put(&self, _: &Item, _: &Secret<Vec<u8>>) -> Result<(), StoreError> {
            panic!("a library that breaks down");
        }

        fn remove(&self, item: &Item) -> Result<(), StoreError> {
            self.read(item).map(drop)
        }
    }

    fn item() -> Item {
        Item { user: "key".into(), label: "label".into() }
    }

    #[test]
    fn a_store_that_never_answers_is_given_up_at_the_bound() {
        let bound = Duration::from_millis(30);
        let store = Bounded::new(Silent, bound);
        let start = Instant::now();
        assert_eq!(store.read(&item()).unwrap_err(), StoreError::TimedOut(bound));
        assert_eq!(store.remove(&item()).unwrap_err(), StoreError::TimedOut(bound));
        assert!(start.elapsed() >= bound * 2);
    }

    #[test]
    fn a_library_that_breaks_down_is_refused_not_a_miss() {
        let store = Bounded::new(Silent, Duration::from_secs(20));
        let answer = store.write(&item(), &Secret::new(vec![1]));
        assert!(matches!(answer, Err(StoreError::Refused(_))), "{answer:?}");
    }

    #[test]
    fn answers_in_time_pass_through_unchanged() {
        let inner = MemoryStore::new();
        let store = Bounded::new(inner.clone(), Duration::from_secs(20));
        assert_eq!(store.read(&item()).unwrap_err(), StoreError::Absent);
        store.write(&item(), &Secret::new(vec![1, 2])).unwrap();
        assert_eq!(store.read(&item()).unwrap().expose(), &[1, 2]);
        store.remove(&item()).unwrap();
        inner.fail_reads(Some(StoreError::Locked));
        assert_eq!(store.read(&item()).unwrap_err(), StoreError::Locked);
        assert_eq!(inner.calls(), ["read key", "write key", "read key", "read key", "remove key", "read key"]);
        assert_eq!(store.name(), "the store in memory");
    }
}
