//! `keys.json`: which profile's long-lived key lies in the OS keyring. Holds no secret.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Value, json};

use crate::arn::AccountId;
use crate::credentials::AccessKeyId;
use crate::error::{Failure, Kind, Result};
use crate::names::ProfileName;
use crate::system::foreign_file;
use crate::timestamp::Timestamp;

/// Room for tens of thousands of keys.
pub const LARGEST_FILE: u64 = 16 << 20;

/// The JSON of an index without keys; a file of no bytes is a damaged one.
pub const EMPTY: &[u8] = br#"{"keys":{},"v":1}"#;

/// One key that rests in the keyring.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The public half.
    pub id: AccessKeyId,
    /// The key's account, if it was known when the key was added.
    pub account: Option<AccountId>,
    /// When the key was created.
    pub created: Option<Timestamp>,
}

/// Profile → key id.
#[derive(Clone, Debug, Default)]
pub struct KeyIndex(BTreeMap<ProfileName, Entry>);

impl KeyIndex {
    /// Loads the index; a missing file is an empty one, a damaged or newer one is a failure and is left alone.
    pub fn load(path: &Path, shown: &str) -> Result<Self> {
        let bytes = foreign_file::load(path, shown, LARGEST_FILE)?;
        if bytes.is_empty() && !path.exists() {
            return Ok(Self::default());
        }
        Self::parse(&bytes).map_err(|why| Failure::new(Kind::Config, format!("{shown} {why}")))
    }

    /// Reads the index's JSON: `{"v":1,"keys":{PROFILE:{"access_key_id","account","created","store"}}}`.
    pub fn parse(bytes: &[u8]) -> std::result::Result<Self, String> {
        let json: Value = serde_json::from_slice(bytes).map_err(|e| format!("is damaged: {e}"))?;
        match json["v"].as_u64() {
            Some(1) => {}
            Some(newer) => return Err(format!("has version {newer}; this twolock reads version 1")),
            None => return Err("is damaged: it has no version".into()),
        }
        let keys = json["keys"].as_object().ok_or("is damaged: it has no keys")?;
        let entry = |(profile, fields): (&String, &Value)| {
            let name = ProfileName::parse(profile).map_err(|why| format!("is damaged: {why}"))?;
            let id = fields["access_key_id"].as_str().unwrap_or_default();
            let id = AccessKeyId::parse(id).map_err(|why| format!("is damaged: the key of '{profile}' {why}"))?;
            let account = fields["account"].as_str().and_then(AccountId::parse);
            let created = fields["created"].as_str().and_then(Timestamp::parse);
            Ok((name, Entry { id, account, created }))
        };
        keys.iter().map(entry).collect::<std::result::Result<_, String>>().map(Self)
    }

    /// Returns the index's JSON with a profile's entry under another name as well; what has none stays as it is.
    pub fn copied(bytes: &[u8], old: &str, new: &str) -> std::result::Result<Vec<u8>, String> {
        Self::edited(bytes, |keys| {
            if let Some(entry) = keys.get(old).cloned() {
                keys.insert(new.into(), entry);
            }
        })
    }

    /// Returns the index's JSON with this entry of a profile, in place of one it had. No bytes are an empty index.
    pub fn with(bytes: &[u8], profile: &str, entry: &Entry, store: &str) -> std::result::Result<Vec<u8>, String> {
        let mut fields = json!({"access_key_id": entry.id.as_str(), "store": store});
        if let Some(account) = &entry.account {
            fields["account"] = json!(account.as_str());
        }
        if let Some(created) = &entry.created {
            fields["created"] = json!(created.to_string());
        }
        Self::edited(bytes, |keys| drop(keys.insert(profile.into(), fields)))
    }

    /// Returns the index's JSON without a profile's entry, if it names this key.
    pub fn without(bytes: &[u8], profile: &str, id: &AccessKeyId) -> std::result::Result<Vec<u8>, String> {
        Self::edited(bytes, |keys| {
            if keys.get(profile).is_some_and(|fields| fields["access_key_id"] == json!(id.as_str())) {
                keys.remove(profile);
            }
        })
    }

    /// An edit that changes nothing gives the bytes back as they are; fields we do not know stay.
    fn edited(
        bytes: &[u8],
        edit: impl FnOnce(&mut serde_json::Map<String, Value>),
    ) -> std::result::Result<Vec<u8>, String> {
        let base = if bytes.is_empty() { EMPTY } else { bytes };
        Self::parse(base)?;
        let mut json: Value = serde_json::from_slice(base).map_err(|e| format!("is damaged: {e}"))?;
        let before = json.clone();
        edit(json["keys"].as_object_mut().ok_or("is damaged: it has no keys")?);
        Ok(if json == before { bytes.to_vec() } else { json.to_string().into_bytes() })
    }

    /// The same index with one more entry, in memory alone.
    pub fn and(mut self, profile: &ProfileName, entry: Entry) -> Self {
        self.0.insert(profile.clone(), entry);
        self
    }

    /// Every profile and its key.
    pub fn entries(&self) -> impl Iterator<Item = (&str, &Entry)> {
        self.0.iter().map(|(profile, entry)| (profile.as_str(), entry))
    }

    /// The key of a profile.
    pub fn get(&self, profile: &ProfileName) -> Option<&Entry> {
        self.0.get(profile)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_found_by_its_profile() {
        let text = br#"{"v":1,"keys":{"base":{"access_key_id":"AKIAIOSFODNN7EXAMPLE","account":"123456789012","created":"2026-01-02T03:04:05Z","store":"secret-service"}}}"#;
        let index = KeyIndex::parse(text).unwrap();
        let entry = index.get(&ProfileName::parse("base").unwrap()).unwrap();
        assert_eq!(entry.id.as_str(), "AKIAIOSFODNN7EXAMPLE");
        assert_eq!(entry.created, Timestamp::parse("2026-01-02T03:04:05Z"));
        assert!(index.get(&ProfileName::parse("other").unwrap()).is_none());
    }

    #[test]
    fn an_entry_under_another_name_keeps_all_its_fields() {
        let text = br#"{"keys":{"a":{"access_key_id":"AKIAIOSFODNN7EXAMPLE","later":1}},"v":1}"#;
        let both = KeyIndex::copied(text, "a", "b").unwrap();
        let id = AccessKeyId::parse("AKIAIOSFODNN7EXAMPLE").unwrap();
        let renamed = KeyIndex::without(&both, "a", &id).unwrap();
        assert_eq!(renamed, br#"{"keys":{"b":{"access_key_id":"AKIAIOSFODNN7EXAMPLE","later":1}},"v":1}"#);
        assert_eq!(KeyIndex::copied(text, "x", "b").unwrap(), text);
        assert!(KeyIndex::copied(br#"{"v":2,"keys":{}}"#, "a", "b").is_err());
    }

    #[test]
    fn an_entry_comes_and_goes_and_the_others_keep_all_their_fields() {
        let id = |text: &str| AccessKeyId::parse(text).unwrap();
        let entry = Entry { id: id("AKIANEWNEWNEWNEWNEW1"), account: AccountId::parse("123456789012"), created: None };
        let text = br#"{"keys":{"a":{"access_key_id":"AKIAIOSFODNN7EXAMPLE","later":1}},"v":1}"#;
        let with = KeyIndex::with(text, "b", &entry, "the Keychain").unwrap();
        let index = KeyIndex::parse(&with).unwrap();
        assert_eq!(index.get(&ProfileName::parse("b").unwrap()), Some(&entry));
        assert_eq!(KeyIndex::without(&with, "b", &entry.id).unwrap(), text);
        assert_eq!(KeyIndex::without(&with, "b", &id("AKIAOTHEROTHEROTHER1")).unwrap(), with);
        assert_eq!(KeyIndex::without(b"", "b", &entry.id).unwrap(), b"");
        assert!(KeyIndex::with(b"", "b", &entry, "x").unwrap().starts_with(br#"{"keys":{"b":{"access_key_id""#));
        for refused in [&br#"{"v":2,"keys":{}}"#[..], b"junk", br#"{"v":1}"#] {
            assert!(KeyIndex::with(refused, "b", &entry, "x").is_err());
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
            (r#"{"v":1,"keys":{"\u001b[2J":{"access_key_id":"AKIAIOSFODNN7EXAMPLE"}}}"#, r"'\u{1b}[2J'"),
        ] {
            let why = KeyIndex::parse(text.as_bytes()).unwrap_err();
            assert!(why.contains(part), "{text}: {why}");
        }
    }
}
