//! Holds the long-term keys: whose they are, whether they work, and when they were last used.

use super::ServerState;

/// A long-term key as IAM knows it, with the secret that AWS shows only once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessKey {
    pub id: String,
    pub secret: String,
    /// The ARN of the user or root it belongs to.
    pub owner: String,
    pub active: bool,
    pub created_at: i64,
    /// From when on it is accepted: a new key takes a while to spread.
    pub works_from: i64,
    /// From when on lists show it.
    pub listed_from: i64,
    pub last_used: Option<KeyUse>,
}

/// The last call that a key has signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyUse {
    pub time: i64,
    /// Such as `sts`.
    pub service: String,
    pub region: String,
}

impl AccessKey {
    /// Returns a key that works, also if the clock is set back.
    pub(crate) fn new(id: String, secret: String, owner: &str, now: i64) -> AccessKey {
        AccessKey {
            id,
            secret,
            owner: owner.to_owned(),
            active: true,
            created_at: now,
            works_from: 0,
            listed_from: 0,
            last_used: None,
        }
    }

    /// Returns the status by its name in IAM.
    pub fn status(&self) -> &'static str {
        if self.active { "Active" } else { "Inactive" }
    }
}

impl ServerState {
    pub(crate) fn key(&self, id: &str) -> Option<&AccessKey> {
        self.keys.get(id)
    }

    pub(crate) fn key_mut(&mut self, id: &str) -> Option<&mut AccessKey> {
        self.keys.get_mut(id)
    }

    /// Returns the keys of a user or root, oldest first.
    pub(crate) fn keys_of(&self, owner: &str) -> Vec<AccessKey> {
        let mut keys: Vec<AccessKey> = self.keys.values().filter(|key| key.owner == owner).cloned().collect();
        keys.sort_by_key(|key| key.created_at);
        keys
    }

    pub(crate) fn keys(&self) -> impl Iterator<Item = &AccessKey> {
        self.keys.values()
    }

    pub(crate) fn add_key(&mut self, key: AccessKey) {
        self.keys.insert(key.id.clone(), key);
    }

    pub(crate) fn remove_key(&mut self, id: &str) -> bool {
        self.keys.remove(id).is_some()
    }
}
