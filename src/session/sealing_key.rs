//! The small key under which all sessions of one cache directory are sealed, and how two stores keep it.
//!
//! The kernel's copy rules: it is what every other process sees. A key is written only where the store itself said that
//! there is none; a locked, silent or damaged store is left alone (threat-model P27).

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::error::{Failure, Kind};
use crate::hex::hex;
use crate::hint::{CommandLine, Verb};
use crate::secret::Secret;
use crate::session::outside;
use crate::store::choose::Stores;
use crate::store::file;
use crate::store::{About, Item, Store, StoreError};
use crate::system::clock::Deadline;
use crate::system::confinement::Confinement;
use crate::system::directories;
use crate::system::foreign_file::plain;
use crate::system::lock::{FileLock, LockError};
use crate::system::obstacle::Obstacle;
use crate::system::private_file::create_private_dir;

/// Bytes of a sealing key.
pub const LENGTH: usize = 32;

/// The lock beside the sealed files under which a key is made.
const LOCK_FILE: &str = "sealing-key.lock";

/// The key that seals the sessions of one cache directory.
#[derive(Clone, Debug)]
pub struct SealingKey {
    bytes: Secret<Vec<u8>>,
    id: String,
}

impl SealingKey {
    /// The key itself.
    pub fn bytes(&self) -> &Secret<Vec<u8>> {
        &self.bytes
    }

    /// Tells keys apart without saying anything about them: the first 8 bytes of the key's SHA-256, in hex.
    pub fn id(&self) -> &str {
        &self.id
    }

    fn new(bytes: Secret<Vec<u8>>) -> Self {
        let id = hex(&Sha256::digest(bytes.expose())[..8]);
        Self { bytes, id }
    }

    fn random() -> Result<Self, NoSealingKey> {
        let mut bytes = vec![0; LENGTH];
        getrandom::fill(&mut bytes).map_err(|error| NoSealingKey::Random(error.to_string()))?;
        Ok(Self::new(Secret::new(bytes)))
    }
}

/// Why there is no sealing key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NoSealingKey {
    /// What each store answered.
    Nowhere(Vec<(&'static About, StoreError)>),
    /// The cache directory cannot be found.
    Directory(PathBuf, String),
    /// The cache directory cannot be created.
    Blocked(Obstacle),
    /// Another process was still creating one at our deadline.
    Busy,
    /// The system gave no random bytes.
    Random(String),
}

impl NoSealingKey {
    /// Whether every store answered, and has none: the one case that is a miss.
    pub fn is_absent(&self) -> bool {
        let Self::Nowhere(answers) = self else { return false };
        !answers.is_empty() && answers.iter().all(|(_, answer)| *answer == StoreError::Absent)
    }

    /// Why a store that may have the key could not be asked; none if there is certainly no key.
    pub(crate) fn unclear(&self) -> Option<String> {
        let Self::Nowhere(answers) = self else { return None };
        let is_clear = |answer: &StoreError| matches!(answer, StoreError::Absent | StoreError::NoService(_));
        let unclear: Vec<_> =
            answers.iter().filter(|(_, a)| !is_clear(a)).map(|(store, a)| format!("{} {a}", store.name)).collect();
        (!unclear.is_empty()).then(|| unclear.join("; "))
    }

    /// The failure to show where going on without a sealing key would not do.
    pub fn failure(&self) -> Failure {
        match self {
            Self::Nowhere(answers) => {
                if let Some(sandbox) = Confinement::here()
                    && may_be_outside(answers)
                {
                    return outside::no_keyring(sandbox, &self.to_string());
                }
                let failure =
                    Failure::new(Kind::Keyring, format!("no keyring is available to protect sessions: {self}"));
                let unlock = answers.iter().find_map(|(store, answer)| match answer {
                    StoreError::Locked | StoreError::Dismissed => store.unlock,
                    _ => None,
                });
                let unlock = unlock.map(|unlock| format!("{unlock}, then run this again"));
                let failure = unlock.into_iter().fold(failure, Failure::hint);
                let foreign = answers.iter().find_map(|(_, answer)| match answer {
                    StoreError::ForeignBus { variable, .. } => Some(format!("unset {variable}")),
                    _ => None,
                });
                let failure = foreign.into_iter().fold(failure, Failure::hint);
                // A user who chose the file is not told to choose it.
                let is_file = answers.iter().any(|(store, _)| **store == file::ABOUT);
                failure.hint(if is_file {
                    CommandLine::new(Verb::Logout).with("--all").to("to start with a new key")
                } else {
                    let command = CommandLine::new(Verb::SettingsSet).with("keyring").with("file");
                    command.to("to keep the key in a private file instead")
                })
            }
            Self::Directory(..) => Failure::new(Kind::Disk, self.to_string()),
            Self::Blocked(obstacle) => obstacle.failure(),
            Self::Busy => Failure::new(Kind::Busy, self.to_string()),
            Self::Random(_) => Failure::new(Kind::Bug, self.to_string()),
        }
    }
}

impl fmt::Display for NoSealingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nowhere(answers) if answers.is_empty() => f.write_str("this machine has none"),
            Self::Nowhere(answers) => {
                let said: Vec<_> = answers.iter().map(|(store, answer)| format!("{} {answer}", store.name)).collect();
                f.write_str(&said.join("; "))
            }
            Self::Directory(cache, why) => write!(f, "{} cannot be used: {why}", cache.display()),
            Self::Blocked(obstacle) => obstacle.fmt(f),
            Self::Busy => f.write_str("another twolock is still creating the encryption key"),
            Self::Random(why) => write!(f, "the system returned no random bytes: {why}"),
        }
    }
}

/// Looks for the sealing key of this cache directory: the fast store, then the durable one. Takes no lock.
pub fn find(stores: &Stores, cache: &Path) -> Result<SealingKey, NoSealingKey> {
    let item = item(cache).map_err(|error| NoSealingKey::Directory(cache.into(), plain(&error)))?;
    Search::of(stores, &item).found()
}

/// Asks each store for the sealing key of this cache directory; returns the answers of those without it. Read-only.
pub fn ask_each(stores: &Stores, cache: &Path) -> Vec<(&'static About, Option<StoreError>)> {
    // A directory that cannot be resolved has no key; the item's name does not matter then.
    let item = item(cache).unwrap_or_else(|_| Item { user: "sealing-key".into(), label: String::new() });
    stores.all().map(|store| (store.about(), look_up(store, &item).err())).collect()
}

/// Whether the durable store neither has the sealing key of this cache directory nor may have it behind a lock. Asks
/// nobody.
pub(super) fn is_unseen_in_durable(stores: &Stores, cache: &Path) -> bool {
    let (Some(durable), Ok(item)) = (&stores.durable, item(cache)) else { return true };
    look_up(durable.as_ref(), &item).is_err_and(|answer| is_unseen(&answer))
}

/// Whether a store answered that it has nothing for us, or is not there.
fn is_unseen(answer: &StoreError) -> bool {
    use StoreError::{Absent, ForeignBus, NoService, Refused};
    matches!(answer, Absent | NoService(_) | ForeignBus { .. } | Refused(_))
}

/// Whether the stores that answered are those that a sandbox hides: the key file is what it is.
fn may_be_outside(answers: &[(&'static About, StoreError)]) -> bool {
    answers.iter().all(|(store, answer)| **store != file::ABOUT && is_unseen(answer))
}

/// How many sealing keys of other cache directories the durable store has, as far as it tells.
pub fn count_of_others(stores: &Stores, cache: &Path) -> usize {
    let own = item(cache).map(|item| item.user).unwrap_or_default();
    let users = stores.durable.as_ref().and_then(|store| store.users().ok()).unwrap_or_default();
    users.iter().filter(|user| user.starts_with("sealing-key:") && **user != own).count()
}

/// Finds or creates the sealing key of this cache directory, under a lock in it. The directory is created if missing.
///
/// - in the fast store: that one, and the durable store is not asked
/// - in the durable store alone: copied to the fast one
/// - nowhere: a new one goes to each store that said it has none; one of them has to keep it
/// - another process holds the lock beyond `deadline`: [`NoSealingKey::Busy`]
/// - no lock can be had at all: goes on without
pub fn find_or_make(stores: &Stores, cache: &Path, deadline: Deadline) -> Result<SealingKey, NoSealingKey> {
    create_private_dir(cache).map_err(|error| NoSealingKey::Blocked(Obstacle::of_directory(cache, &error)))?;
    let item = item(cache).map_err(|error| NoSealingKey::Directory(cache.into(), plain(&error)))?;
    if let Some(Ok(key)) = stores.fast.as_ref().map(|fast| look_up(fast.as_ref(), &item)) {
        return Ok(key);
    }
    let _lock = match FileLock::acquire(&cache.join(LOCK_FILE), deadline) {
        Ok(lock) => Some(lock),
        Err(LockError::Unavailable(_)) => None,
        Err(LockError::Held) => return find(stores, cache).map_err(|_| NoSealingKey::Busy),
    };
    let search = Search::of(stores, &item);
    let made = search.key.is_none().then(SealingKey::random).transpose()?;
    search.spread(&item, made)
}

/// Removes the sealing key of this cache directory from every store: no session sealed under it opens again.
///
/// Returns whether a store had it, and what those that did not remove it answered; having none is not among it.
pub fn forget(stores: &Stores, cache: &Path) -> (bool, Vec<(&'static About, StoreError)>) {
    let Ok(item) = item(cache) else { return (false, Vec::new()) };
    let (mut had_it, mut left) = (false, Vec::new());
    for store in stores.all() {
        match store.remove(&item) {
            Ok(()) => had_it = true,
            Err(StoreError::Absent) => {}
            Err(e) => left.push((store.about(), e)),
        }
    }
    (had_it, left)
}

/// One walk through the stores: the key if one has it, and what the ones asked before it answered.
struct Search<'a> {
    key: Option<SealingKey>,
    without: Vec<(&'a dyn Store, StoreError)>,
}

impl<'a> Search<'a> {
    fn of(stores: &'a Stores, item: &Item) -> Self {
        let mut without = Vec::new();
        for store in stores.all() {
            match look_up(store, item) {
                Ok(key) => return Self { key: Some(key), without },
                Err(error) => without.push((store, error)),
            }
        }
        Self { key: None, without }
    }

    fn found(self) -> Result<SealingKey, NoSealingKey> {
        let answers = self.without;
        self.key.ok_or_else(|| NoSealingKey::Nowhere(answers.into_iter().map(|(s, e)| (s.about(), e)).collect()))
    }

    /// Writes the key into each store that said it has none. A found key needs no store to take it; a new one needs one.
    fn spread(self, item: &Item, made: Option<SealingKey>) -> Result<SealingKey, NoSealingKey> {
        let is_kept = self.key.is_some();
        let Some(key) = self.key.or(made) else { return Err(NoSealingKey::Nowhere(Vec::new())) };
        let (mut keepers, mut answers) = (usize::from(is_kept), Vec::new());
        for (store, answer) in self.without {
            let answer = if answer == StoreError::Absent { store.write(item, &key.bytes) } else { Err(answer) };
            match answer {
                Ok(()) => keepers += 1,
                Err(error) => answers.push((store.about(), error)),
            }
        }
        if keepers > 0 { Ok(key) } else { Err(NoSealingKey::Nowhere(answers)) }
    }
}

fn look_up(store: &dyn Store, item: &Item) -> Result<SealingKey, StoreError> {
    let bytes = store.read(item)?;
    match bytes.expose().len() {
        LENGTH => Ok(SealingKey::new(bytes)),
        other => Err(StoreError::Damaged(format!("an encryption key of {other} bytes instead of {LENGTH}"))),
    }
}

/// Each cache directory has a key of its own, so another HOME, a test and the sandbox do not touch the user's.
fn item(cache: &Path) -> io::Result<Item> {
    let canonical = canonical(&std::path::absolute(cache)?)?;
    let hash = Sha256::digest(canonical.as_os_str().as_encoded_bytes());
    Ok(Item {
        user: format!("sealing-key:{}", hex(&hash[..16])),
        label: format!("twolock: sealing key ({})", canonical.display()),
    })
}

/// A removed directory keeps its name, so that `forget` still finds its key.
fn canonical(path: &Path) -> io::Result<PathBuf> {
    match (directories::resolve(path), path.parent(), path.file_name()) {
        (Err(error), Some(above), Some(name)) if error.kind() == io::ErrorKind::NotFound => {
            Ok(canonical(above)?.join(name))
        }
        (found, ..) => found,
    }
}

#[cfg(test)]
mod tests;
