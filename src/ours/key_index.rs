//! `keys.json`: which profiles have a long-term key in the OS keyring. Contains no secret.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::arn::AccountId;
use crate::credentials::AccessKeyId;
use crate::error::{Failure, Kind, Result};
use crate::names::ProfileName;
use crate::system::foreign_file;
use crate::timestamp::Timestamp;

/// Room for tens of thousands of keys.
pub const LARGEST_FILE: u64 = 16 << 20;

/// The JSON of an index without keys; an empty file is a damaged one.
pub const EMPTY: &[u8] = br#"{"keys":{},"v":1}"#;

/// One key that is stored in the keyring.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IndexEntry {
    pub id: AccessKeyId,
    /// If it was known when the key was added.
    pub account: Option<AccountId>,
    /// When it was added: IAM created it then or before. Unknown in an index of before this was recorded.
    pub added: Option<Timestamp>,
    /// Whether AWS could not be asked yet if it accepts the key.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unproved: bool,
    /// Whether `key rotate` created it: then nobody else has seen it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub created_here: bool,
}

impl IndexEntry {
    pub fn of(id: AccessKeyId) -> Self {
        Self { id, account: None, added: None, unproved: false, created_here: false }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum IndexEdit {
    /// Sets a profile's key; `store` is the keyring's name as shown to people.
    Set { profile: ProfileName, entry: IndexEntry, store: String },
    /// Copies a profile's entry, if it has one.
    Copy { from: ProfileName, to: ProfileName },
    /// Removes a profile's entry, if it has this key.
    Drop { profile: ProfileName, id: AccessKeyId },
}

/// The key of each profile.
#[derive(Clone, Debug, Default)]
pub struct KeyIndex(BTreeMap<ProfileName, IndexEntry>);

impl KeyIndex {
    /// Loads the index; a missing file is empty, a damaged or newer one is a failure.
    pub fn load(path: &Path, shown: &str) -> Result<Self> {
        let bytes = foreign_file::load(path, shown, LARGEST_FILE)?;
        if bytes.is_empty() && !path.exists() {
            return Ok(Self::default());
        }
        Self::parse(&bytes).map_err(|why| Failure::new(Kind::Config, format!("{shown} {why}")))
    }

    /// Parses `{"v":1,"keys":{PROFILE:{"access_key_id","account","added","store","unproved","created_here"}}}`.
    pub fn parse(bytes: &[u8]) -> std::result::Result<Self, String> {
        let json: Value = serde_json::from_slice(bytes).map_err(|e| format!("is damaged: {e}"))?;
        match json["v"].as_u64() {
            Some(1) => {}
            Some(newer) => return Err(format!("has version {newer}, and this twolock reads only version 1")),
            None => return Err("is damaged: it has no version".into()),
        }
        let keys = json["keys"].as_object().ok_or("is damaged: it has no keys")?;
        let entry = |(profile, fields): (&String, &Value)| {
            let name = ProfileName::parse(profile).map_err(|why| format!("is damaged: {why}"))?;
            let id = fields["access_key_id"].as_str().unwrap_or_default();
            let id = AccessKeyId::parse(id).map_err(|why| format!("is damaged: the key of '{profile}' {why}"))?;
            let account = fields["account"].as_str().and_then(AccountId::parse);
            let added = fields["added"].as_str().and_then(Timestamp::parse);
            let unproved = fields["unproved"] == json!(true);
            let created_here = fields["created_here"] == json!(true);
            Ok((name, IndexEntry { account, added, unproved, created_here, ..IndexEntry::of(id) }))
        };
        keys.iter().map(entry).collect::<std::result::Result<_, String>>().map(Self)
    }

    /// Returns the index's JSON after an edit; unknown fields stay. No bytes are an empty index; an edit that changes
    /// nothing returns the same bytes.
    pub fn edited(bytes: &[u8], edit: &IndexEdit) -> std::result::Result<Vec<u8>, String> {
        let base = if bytes.is_empty() { EMPTY } else { bytes };
        Self::parse(base)?;
        let mut json: Value = serde_json::from_slice(base).map_err(|e| format!("is damaged: {e}"))?;
        let before = json.clone();
        let keys = json["keys"].as_object_mut().ok_or("is damaged: it has no keys")?;
        match edit {
            IndexEdit::Set { profile, entry, store } => drop(keys.insert(profile.to_string(), fields(entry, store))),
            IndexEdit::Copy { from, to } => {
                if let Some(entry) = keys.get(from.as_str()).cloned() {
                    keys.insert(to.to_string(), entry);
                }
            }
            IndexEdit::Drop { profile, id } => {
                if keys.get(profile.as_str()).is_some_and(|fields| fields["access_key_id"] == json!(id.as_str())) {
                    keys.remove(profile.as_str());
                }
            }
        }
        Ok(if json == before { bytes.to_vec() } else { json.to_string().into_bytes() })
    }

    /// Applies the same edit in memory.
    pub fn edit(&mut self, edit: &IndexEdit) {
        match edit {
            IndexEdit::Set { profile, entry, .. } => drop(self.0.insert(profile.clone(), entry.clone())),
            IndexEdit::Copy { from, to } => {
                if let Some(entry) = self.get(from).cloned() {
                    self.0.insert(to.clone(), entry);
                }
            }
            IndexEdit::Drop { profile, id } => {
                if self.get(profile).is_some_and(|entry| entry.id == *id) {
                    self.0.remove(profile);
                }
            }
        }
    }

    pub fn entries(&self) -> impl Iterator<Item = (&str, &IndexEntry)> {
        self.0.iter().map(|(profile, entry)| (profile.as_str(), entry))
    }

    pub fn get(&self, profile: &ProfileName) -> Option<&IndexEntry> {
        self.0.get(profile)
    }

    /// The profiles that have a key.
    pub fn profiles_with(&self, id: &AccessKeyId) -> impl Iterator<Item = &ProfileName> {
        self.0.iter().filter(move |(_, entry)| entry.id == *id).map(|(profile, _)| profile)
    }

    /// When a key was first added, under any profile.
    pub fn added(&self, id: &AccessKeyId) -> Option<Timestamp> {
        self.0.values().filter(|entry| entry.id == *id).filter_map(|entry| entry.added).min()
    }
}

fn fields(entry: &IndexEntry, store: &str) -> Value {
    let mut fields = json!({"access_key_id": entry.id.as_str(), "store": store});
    if let Some(account) = &entry.account {
        fields["account"] = json!(account.as_str());
    }
    if let Some(added) = &entry.added {
        fields["added"] = json!(added.to_string());
    }
    if entry.unproved {
        fields["unproved"] = json!(true);
    }
    if entry.created_here {
        fields["created_here"] = json!(true);
    }
    fields
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_found_by_its_profile() {
        let text = br#"{"v":1,"keys":{"base":{"access_key_id":"AKIAIOSFODNN7EXAMPLE","account":"123456789012","added":"2026-01-02T03:04:05Z","store":"secret-service"}}}"#;
        let index = KeyIndex::parse(text).unwrap();
        let entry = index.get(&ProfileName::parse("base").unwrap()).unwrap();
        assert_eq!(entry.id.as_str(), "AKIAIOSFODNN7EXAMPLE");
        assert_eq!(entry.added, Timestamp::parse("2026-01-02T03:04:05Z"));
        assert!(index.get(&ProfileName::parse("other").unwrap()).is_none());
    }

    fn name(text: &str) -> ProfileName {
        ProfileName::parse(text).unwrap()
    }

    fn id(text: &str) -> AccessKeyId {
        AccessKeyId::parse(text).unwrap()
    }

    fn entry(key: &str) -> IndexEntry {
        IndexEntry::of(id(key))
    }

    fn drop_of(profile: &str, key: &str) -> IndexEdit {
        IndexEdit::Drop { profile: name(profile), id: id(key) }
    }

    #[test]
    fn an_entry_under_another_name_keeps_all_its_fields() {
        let text = br#"{"keys":{"a":{"access_key_id":"AKIAIOSFODNN7EXAMPLE","later":1}},"v":1}"#;
        let copy = |from: &str| IndexEdit::Copy { from: name(from), to: name("b") };
        let both = KeyIndex::edited(text, &copy("a")).unwrap();
        let renamed = KeyIndex::edited(&both, &drop_of("a", "AKIAIOSFODNN7EXAMPLE")).unwrap();
        assert_eq!(renamed, br#"{"keys":{"b":{"access_key_id":"AKIAIOSFODNN7EXAMPLE","later":1}},"v":1}"#);
        assert_eq!(KeyIndex::edited(text, &copy("x")).unwrap(), text);
        assert!(KeyIndex::edited(br#"{"v":2,"keys":{}}"#, &copy("a")).is_err());
    }

    #[test]
    fn an_entry_comes_and_goes_and_the_others_keep_all_their_fields() {
        let entry = IndexEntry {
            account: AccountId::parse("123456789012"),
            unproved: true,
            created_here: true,
            ..entry("AKIANEWNEWNEWNEWNEW1")
        };
        let text = br#"{"keys":{"a":{"access_key_id":"AKIAIOSFODNN7EXAMPLE","later":1}},"v":1}"#;
        let set = IndexEdit::Set { profile: name("b"), entry: entry.clone(), store: "the Keychain".into() };
        let with = KeyIndex::edited(text, &set).unwrap();
        let index = KeyIndex::parse(&with).unwrap();
        assert_eq!(index.get(&name("b")), Some(&entry));
        assert_eq!(KeyIndex::edited(&with, &drop_of("b", "AKIANEWNEWNEWNEWNEW1")).unwrap(), text);
        assert_eq!(KeyIndex::edited(&with, &drop_of("b", "AKIAOTHEROTHEROTHER1")).unwrap(), with);
        assert_eq!(KeyIndex::edited(b"", &drop_of("b", "AKIANEWNEWNEWNEWNEW1")).unwrap(), b"");
        assert!(KeyIndex::edited(b"", &set).unwrap().starts_with(br#"{"keys":{"b":{"access_key_id""#));
        for refused in [&br#"{"v":2,"keys":{}}"#[..], b"junk", br#"{"v":1}"#] {
            assert!(KeyIndex::edited(refused, &set).is_err());
        }
    }

    #[test]
    fn an_edit_in_memory_is_the_edit_of_the_file() {
        let text = br#"{"keys":{"a":{"access_key_id":"AKIAIOSFODNN7EXAMPLE"}},"v":1}"#;
        let entry = entry("AKIANEWNEWNEWNEWNEW1");
        for edit in [
            IndexEdit::Set { profile: name("b"), entry, store: "x".into() },
            IndexEdit::Copy { from: name("a"), to: name("b") },
            IndexEdit::Copy { from: name("x"), to: name("b") },
            drop_of("a", "AKIAIOSFODNN7EXAMPLE"),
            drop_of("a", "AKIAOTHEROTHEROTHER1"),
        ] {
            let mut index = KeyIndex::parse(text).unwrap();
            index.edit(&edit);
            let read = KeyIndex::parse(&KeyIndex::edited(text, &edit).unwrap()).unwrap();
            assert!(index.entries().eq(read.entries()), "{edit:?}");
        }
    }

    #[test]
    fn damage_and_newer_versions_are_failures_not_misses() {
        for (text, part) in [
            ("", "damaged"),
            ("[]", "no version"),
            (r#"{"v":2,"keys":{}}"#, "version 2"),
            (r#"{"v":1}"#, "no keys"),
            (r#"{"v":1,"keys":{"p":{"access_key_id":"x"}}}"#, "'p'"),
            (r#"{"v":1,"keys":{"\u001b[2J":{"access_key_id":"AKIAIOSFODNN7EXAMPLE"}}}"#, "'\u{1b}[2J'"),
        ] {
            let why = KeyIndex::parse(text.as_bytes()).unwrap_err();
            assert!(why.contains(part), "{text}: {why}");
        }
    }
}
