//! Where long-lived access keys go: the OS keyring and our index of it, both or neither.

use std::path::Path;
use std::time::{Duration, Instant};

use crate::aws::http::HttpSettings;
use crate::aws::sts::StsClient;
use crate::aws::{Bounds, CallerIdentity, Signer, Sts};
use crate::config::key_index::{self, Entry, KeyIndex, LARGEST_FILE};
use crate::config::replace::{Editor, Replaced};
use crate::credentials::{AccessKey, AccessKeyId};
use crate::error::{Failure, Kind, Result};
use crate::names::ProfileName;
use crate::store::access_key::{self, Kept};
use crate::store::choose::Stores;
use crate::store::{Store, StoreError};
use crate::system::clock::Deadline;
use crate::system::lock::{FileLock, LockError};
use crate::system::{log, private_file};

use super::keys::refused;
use super::world::{Planned, World};

/// Longest wait for another of us, which waits for AWS.
const LOCK_BOUND: Duration = Duration::from_secs(30);

/// What a keyring keeps for a profile.
pub struct Deposit<'a> {
    /// The profile that the index names.
    pub profile: &'a ProfileName,
    /// The key.
    pub key: &'a AccessKey,
    /// Where its calls go, and whose account its device names.
    pub planned: &'a Planned,
}

/// The keyring that keeps access keys, if one in use does.
pub struct Vault<'a> {
    world: &'a World,
    stores: Stores,
}

impl<'a> Vault<'a> {
    /// Opens no connection yet. Without leave to unlock, no dialog opens.
    pub fn new(world: &'a World, may_unlock: bool) -> Self {
        Self { world, stores: world.stores(may_unlock) }
    }

    /// What people call it; none where there is no such keyring on this machine. One that is locked is there; one that
    /// hangs or refuses is a failure, never a reason to fall back to a file (threat-model P7).
    pub fn name(&self, profile: &ProfileName, id: &AccessKeyId) -> Result<Option<&'static str>> {
        let Some(store) = self.store() else { return Ok(None) };
        match access_key::read(store, id) {
            Ok(_) | Err(StoreError::Absent | StoreError::Locked | StoreError::Dismissed) => Ok(Some(store.name())),
            Err(StoreError::NoService(_)) => Ok(None),
            Err(e) => Err(refused(profile, id, store.name(), &e)),
        }
    }

    /// Reads a key.
    pub fn read(&self, profile: &ProfileName, id: &AccessKeyId) -> Result<AccessKey> {
        let store = self.store_for(profile, id)?;
        access_key::read(store, id).map_err(|e| refused(profile, id, store.name(), &e))
    }

    /// Keeps keys as [`Vault::keep`] does, then lets `act` change the files; where it fails, the keys go back out. Only
    /// one of us at a time: another that found the same key kept already would rely on what this one takes back.
    pub fn keep_and(&self, deposits: &[Deposit], act: impl FnOnce() -> Result<()>) -> Result<()> {
        let _alone = alone(&self.world.folders.cache)?;
        let kept = self.keep(deposits)?;
        match act() {
            // Where files could not be put back, the keyring is where the key is.
            Err(failure) if failure.kind != Kind::HalfDone => {
                take_back(kept);
                Err(failure)
            }
            result => result,
        }
    }

    /// Keeps keys, names them in the index, and proves each by a call signed with what the keyring gives back. A failure
    /// takes back what was done.
    fn keep(&self, deposits: &[Deposit]) -> Result<Vec<KeptKey<'_>>> {
        let mut kept = Vec::new();
        for deposit in deposits {
            match self.keep_one(deposit, &mut kept) {
                Ok(()) => {}
                Err(failure) => {
                    take_back(kept);
                    return Err(failure);
                }
            }
        }
        Ok(kept)
    }

    fn keep_one<'s>(&'s self, deposit: &Deposit, kept: &mut Vec<KeptKey<'s>>) -> Result<()> {
        let Deposit { profile, key, planned } = *deposit;
        let store = self.store_for(profile, &key.id)?;
        let account = planned.plan.device.as_ref().and_then(|device| device.account()).cloned();
        log::step(format_args!("keep access key {} in {}", key.id, store.name()));
        let found = access_key::keep(store, key, profile, account.as_ref())
            .map_err(|e| refused(profile, &key.id, store.name(), &e))?;
        let item = (found == Kept::New).then(|| (store, key.id.clone()));
        kept.push(KeptKey { item, index: None, world: self.world });
        let entry = Entry { id: key.id.clone(), account, created: None };
        let replaced = edit_index(self.world, |old| KeyIndex::with(old, profile.as_str(), &entry, store.name()))?;
        kept.last_mut().expect("pushed above").index = Some(replaced);
        prove(self.world, planned, &self.read(profile, &key.id)?).map(drop)
    }

    fn store_for(&self, profile: &ProfileName, id: &AccessKeyId) -> Result<&dyn Store> {
        let none = StoreError::NoService("no keyring that lasts is in use".into());
        self.store().ok_or_else(|| refused(profile, id, "the OS keyring", &none))
    }

    fn store(&self) -> Option<&dyn Store> {
        self.stores.durable.as_deref().filter(|store| store.keeps_access_keys())
    }
}

fn alone(cache: &Path) -> Result<FileLock> {
    let made = private_file::create_private_dir(cache).map_err(LockError::Unavailable);
    let until = Deadline::after(Instant::now(), LOCK_BOUND);
    made.and_then(|()| FileLock::acquire(&cache.join("keys.lock"), until)).map_err(|error| match error {
        LockError::Held => Failure::new(Kind::Busy, "another twolock is still moving an access key; run it again"),
        LockError::Unavailable(e) => Failure::new(Kind::Busy, format!("no access key moves without a lock: {e}")),
    })
}

/// A key that was put into the keyring, and can be taken out again while the files still have it.
struct KeptKey<'a> {
    item: Option<(&'a dyn Store, AccessKeyId)>,
    index: Option<Replaced>,
    world: &'a World,
}

/// Takes keys back out, newest first, where this very run put them in. What cannot be taken back stays: the keyring
/// then has a key that the file has as well, and the next try finds it.
fn take_back(kept: Vec<KeptKey>) {
    for KeptKey { item, index, world } in kept.into_iter().rev() {
        if let Some(index) = index {
            let old = if index.old.is_empty() { key_index::EMPTY } else { &index.old };
            let back = |now: &[u8]| Ok(if now == index.new { old.to_vec() } else { now.to_vec() });
            let _ = edit_index(world, back);
        }
        if let Some((store, id)) = item {
            let _ = access_key::remove(store, &id);
        }
    }
}

/// Edits `keys.json`.
fn edit_index(world: &World, edit: impl Fn(&[u8]) -> std::result::Result<Vec<u8>, String>) -> Result<Replaced> {
    let editor = Editor { cache: &world.folders.cache, home: &world.folders.home, largest: LARGEST_FILE };
    let problem = |why| Failure::new(Kind::Config, format!("keys.json {why}"));
    editor.edit(&world.folders.data.join("keys.json"), |old| edit(old).map_err(problem))
}

/// Asks AWS whose this key is. The device has to be in the same account, or no code of it would ever serve.
pub fn prove(world: &World, planned: &Planned, key: &AccessKey) -> Result<CallerIdentity> {
    let profile = &planned.plan.profile;
    let sts = StsClient::new(planned.endpoint.clone(), HttpSettings::from_env(&world.env, &planned.endpoint)?);
    let who = sts.get_caller_identity(Signer::Key(key), Bounds::CALL).map_err(|e| e.of_profile(profile))?;
    match planned.plan.device.as_ref().and_then(|device| device.account()) {
        Some(account) if *account != who.account => {
            let cause =
                format!("access key {} is of account {}, but its mfa_serial is of {account}", key.id, who.account);
            Err(Failure::new(Kind::Config, cause).of_profile(profile))
        }
        _ => Ok(who),
    }
}
