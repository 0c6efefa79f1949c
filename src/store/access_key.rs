//! A long-term access key as an item of a keyring: one item a key id, never overwritten.

use serde_json::Value;
use zeroize::Zeroizing;

use super::{About, Item, Store, StoreError};
use crate::arn::AccountId;
use crate::credentials::{AccessKey, AccessKeyId};
use crate::error::{Failure, Kind};
use crate::hint::{CommandLine, Verb};
use crate::names::ProfileName;
use crate::secret::Secret;
use crate::system::confinement::Confinement;

/// What [`keep`] found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kept {
    New,
    /// The very same key was there already.
    Already,
}

/// Reads the key of a profile from the keyring, if there is one.
pub fn of_profile(keyring: Option<&dyn Store>, profile: &ProfileName, id: &AccessKeyId) -> Result<AccessKey, Failure> {
    let store = keyring.ok_or_else(|| no_keyring(profile, id))?;
    read(store, id).map_err(|e| failure(profile, id, store.about(), &e))
}

/// Reads the key of this id. An item that is not ours, of another version or of another key is damaged, never a miss.
pub fn read(store: &dyn Store, id: &AccessKeyId) -> Result<AccessKey, StoreError> {
    let bytes = store.read(&item(id, ""))?;
    let damaged = |why: &str| StoreError::Damaged(why.into());
    let mut json: Value = serde_json::from_slice(bytes.expose()).map_err(|_| damaged("it is not twolock's"))?;
    if json["v"].as_u64() != Some(1) {
        return Err(damaged("its version is not supported"));
    }
    // Taken out first, so that it is wiped whatever else is wrong.
    let secret = match json["secret_access_key"].take() {
        Value::String(secret) => Secret::new(secret),
        _ => Secret::new(String::new()),
    };
    if json["access_key_id"].as_str() != Some(id.as_str()) {
        return Err(damaged("it contains another access key"));
    }
    if secret.expose().is_empty() {
        return Err(damaged("it has no secret"));
    }
    Ok(AccessKey { id: id.clone(), secret })
}

/// Keeps a key: writes its item where none is. An item of that id that is there is left as it is,
/// and has to hold the very same key.
pub fn keep(
    store: &dyn Store,
    key: &AccessKey,
    profile: &ProfileName,
    account: Option<&AccountId>,
) -> Result<Kept, StoreError> {
    match read(store, &key.id) {
        Ok(there) if there.secret.expose() == key.secret.expose() => return Ok(Kept::Already),
        Ok(_) => return Err(StoreError::AnotherSecret),
        Err(StoreError::Absent) => {}
        Err(other) => return Err(other),
    }
    let label = match account {
        Some(account) => format!("twolock: {profile} ({account})"),
        None => format!("twolock: {profile}"),
    };
    store.write(&item(&key.id, &label), &bytes(key)).map(|()| Kept::New)
}

/// Asks the store for an item that it does not have, to see whether it answers.
pub fn reach(store: &dyn Store) -> Result<(), StoreError> {
    match store.read(&test_item()) {
        Ok(_) | Err(StoreError::Absent) => Ok(()),
        Err(other) => Err(other),
    }
}

/// Writes, reads back and removes an item of a key's usual size: what is done before AWS is asked for a key that only
/// this store will have.
pub fn probe(store: &dyn Store) -> Result<(), StoreError> {
    let item = test_item();
    let usual = [&b"{\"v\":1,\"access_key_id\":\"\",\"secret_access_key\":\"\"}"[..], &[b'x'; USUAL_KEY]].concat();
    store.write(&item, &Secret::new(usual))?;
    store.remove(&item)
}

fn test_item() -> Item {
    Item { user: "probe".into(), label: "twolock: a test, which can be deleted".into() }
}

/// The characters of an id and of a secret.
const USUAL_KEY: usize = 20 + 40;

/// The keys that the store has, also those that no index names. Asks nobody.
pub fn all(store: &dyn Store) -> Result<Vec<AccessKeyId>, StoreError> {
    let mut ids: Vec<_> = store.users()?.iter().filter_map(|user| AccessKeyId::parse(user).ok()).collect();
    ids.sort();
    ids.dedup();
    Ok(ids)
}

pub fn remove(store: &dyn Store, id: &AccessKeyId) -> Result<(), StoreError> {
    store.remove(&item(id, ""))
}

/// Where KeePassXC's question is turned off: it asks each program anew, so also one that no person watches.
const CONFIRMS: &str = "to be asked no more: KeePassXC's settings, Secret Service Integration, \"Confirm when passwords \
                        are retrieved by clients\"";

/// What a keyring answered about an access key, as a failure with the way out that there is.
pub(crate) fn failure(profile: &ProfileName, id: &AccessKeyId, store: &About, e: &StoreError) -> Failure {
    let failure = Failure::new(Kind::Keyring, format!("access key {id}: {} {e}", store.name)).of_profile(profile);
    if let (StoreError::NoService(_) | StoreError::ForeignBus { .. }, Some(sandbox)) = (e, Confinement::here()) {
        let cause = format!("{}: {}", Confinement::WHY, failure.cause);
        return sandbox.ways_out(Failure { cause, ..failure }, profile.as_str());
    }
    match e {
        StoreError::Absent => failure.hint(CommandLine::of(Verb::KeyAdd, profile).to("to store it again")),
        StoreError::Locked | StoreError::Dismissed => {
            let reason = |unlock| format!("{unlock}, then run this again; to open its dialog");
            let hint = |unlock| CommandLine::of(Verb::Login, profile).to(reason(unlock));
            store.unlock.map(hint).into_iter().fold(failure, Failure::hint)
        }
        StoreError::Unconfirmed => {
            let way = CommandLine::of(Verb::Login, profile).to("to be asked now, and allow it");
            failure.hint(way).hint(CONFIRMS)
        }
        StoreError::NoService(_) => {
            let start = store.start.map(|start| format!("{start}, or ")).unwrap_or_default();
            failure.hint(format!("{start}keep the key in ~/.aws/credentials"))
        }
        StoreError::ForeignBus { variable, .. } => failure.hint(format!("unset {variable}")),
        StoreError::AnotherSecret => {
            failure.hint("a key has only one secret, and AWS accepted the stored one: check the one given here")
        }
        StoreError::TimedOut(_) => failure.hint("the keyring does not respond; restart it, then run this again"),
        _ => failure,
    }
}

/// By the setting `keyring`, no store in use keeps access keys.
pub(crate) fn no_keyring(profile: &ProfileName, id: &AccessKeyId) -> Failure {
    let cause = format!("access key {id}: the keyring in use cannot store access keys");
    let hint = "keyring = auto can store them; to see where the setting comes from: twolock settings list";
    Failure::new(Kind::Keyring, cause).of_profile(profile).hint(hint)
}

fn item(id: &AccessKeyId, label: &str) -> Item {
    Item { user: id.to_string(), label: label.into() }
}

fn bytes(key: &AccessKey) -> Secret<Vec<u8>> {
    let secret = Zeroizing::new(Value::from(key.secret.expose().as_str()).to_string());
    let parts = ["{\"v\":1,\"access_key_id\":\"", key.id.as_str(), "\",\"secret_access_key\":", &secret, "}"];
    // The room is made at once: growing would leave pieces of the secret behind in freed memory.
    let mut bytes = Vec::with_capacity(parts.iter().map(|part| part.len()).sum());
    parts.iter().for_each(|part| bytes.extend_from_slice(part.as_bytes()));
    Secret::new(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::memory::MemoryStore;

    fn key(secret: &str) -> AccessKey {
        AccessKey { id: AccessKeyId::parse("AKIAIOSFODNN7EXAMPLE").unwrap(), secret: Secret::new(secret.into()) }
    }

    fn keep_in(store: &MemoryStore, secret: &str) -> Result<Kept, StoreError> {
        keep(store, &key(secret), &ProfileName::parse("base").unwrap(), None)
    }

    #[test]
    fn a_kept_key_is_the_documented_bytes_and_reads_back() {
        let store = MemoryStore::new();
        assert_eq!(keep_in(&store, "a/b+\"c"), Ok(Kept::New));
        let bytes = store.peek("AKIAIOSFODNN7EXAMPLE").unwrap();
        let text = r#"{"v":1,"access_key_id":"AKIAIOSFODNN7EXAMPLE","secret_access_key":"a/b+\"c"}"#;
        assert_eq!(String::from_utf8(bytes).unwrap(), text);
        assert_eq!(read(&store, &key("").id).unwrap().secret.expose(), "a/b+\"c");
    }

    #[test]
    fn an_item_that_is_there_is_never_overwritten() {
        let store = MemoryStore::new();
        keep_in(&store, "one").unwrap();
        assert_eq!(keep_in(&store, "one"), Ok(Kept::Already));
        assert!(matches!(keep_in(&store, "two"), Err(StoreError::AnotherSecret)));
        for other in [&b"junk"[..], br#"{"v":2,"access_key_id":"AKIAIOSFODNN7EXAMPLE","secret_access_key":"x"}"#] {
            store.plant("AKIAIOSFODNN7EXAMPLE", other);
            assert!(matches!(keep_in(&store, "two"), Err(StoreError::Damaged(_))));
            assert_eq!(store.peek("AKIAIOSFODNN7EXAMPLE").unwrap(), other);
        }
    }

    #[test]
    fn a_key_id_with_another_secret_has_a_next_step() {
        let (store, name) = (MemoryStore::new(), ProfileName::parse("base").unwrap());
        let failure = failure(&name, &key("").id, store.about(), &StoreError::AnotherSecret);
        assert!(failure.cause.ends_with(" already has this key id with another secret"), "{failure}");
        let hint = "a key has only one secret, and AWS accepted the stored one: check the one given here";
        assert_eq!(failure.shown_hints(), [hint]);
    }

    #[test]
    fn what_is_no_key_of_ours_is_damaged_and_only_absence_is_a_miss() {
        let store = MemoryStore::new();
        assert_eq!(read(&store, &key("").id).err(), Some(StoreError::Absent));
        for (bytes, why) in [
            ("", "not twolock's"),
            ("[]", "version"),
            (r#"{"v":1,"access_key_id":"AKIAOTHEROTHEROTHER1","secret_access_key":"x"}"#, "another access key"),
            (r#"{"v":1,"access_key_id":"AKIAIOSFODNN7EXAMPLE","secret_access_key":""}"#, "no secret"),
            (r#"{"v":1,"access_key_id":"AKIAIOSFODNN7EXAMPLE"}"#, "no secret"),
        ] {
            store.plant("AKIAIOSFODNN7EXAMPLE", bytes.as_bytes());
            let Err(StoreError::Damaged(said)) = read(&store, &key("").id) else { panic!("{bytes}") };
            assert!(said.contains(why), "{bytes}: {said}");
        }
        store.fail_reads(Some(StoreError::Locked));
        assert_eq!(keep_in(&store, "one"), Err(StoreError::Locked));
    }

    #[test]
    fn what_to_do_is_what_the_store_says() {
        let id = key("").id;
        let hints =
            |about: &About, error| failure(&ProfileName::parse("base").unwrap(), &id, about, &error).shown_hints();
        let silent = About { name: "it", keeps_access_keys: true, unlock: None, start: None };
        assert!(hints(&silent, StoreError::Locked).is_empty());
        assert_eq!(hints(&silent, StoreError::NoService("x".into())), ["keep the key in ~/.aws/credentials"]);
        let open = About { unlock: Some("open it"), start: Some("start it"), ..silent };
        let unlock = "open it, then run this again; to open its dialog: twolock login base";
        assert_eq!(hints(&open, StoreError::Dismissed), [unlock]);
        let start = "start it, or keep the key in ~/.aws/credentials";
        assert_eq!(hints(&open, StoreError::NoService("x".into())), [start]);
    }
}
