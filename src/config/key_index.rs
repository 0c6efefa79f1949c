//! `keys.json`: which profile's long-lived key lies in the OS keyring. Holds no secret.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;

use crate::arn::AccountId;
use crate::credentials::AccessKeyId;
use crate::error::{Failure, Kind, Result};
use crate::names::ProfileName;
use crate::system::foreign_file;
use crate::timestamp::Timestamp;

/// Room for tens of thousands of keys.
const LARGEST_FILE: u64 = 16 << 20;

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
pub struct KeyIndex(BTreeMap<String, Entry>);

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
            let id = fields["access_key_id"].as_str().unwrap_or_default();
            let id = AccessKeyId::parse(id).map_err(|why| format!("is damaged: the key of '{profile}' {why}"))?;
            let account = fields["account"].as_str().and_then(AccountId::parse);
            let created = fields["created"].as_str().and_then(Timestamp::parse);
            Ok((profile.clone(), Entry { id, account, created }))
        };
        keys.iter().map(entry).collect::<std::result::Result<_, String>>().map(Self)
    }

    /// Returns the index's JSON with a profile's entry under another name; what has no such entry stays as it is.
    pub fn renamed(bytes: &[u8], old: &str, new: &str) -> std::result::Result<Vec<u8>, String> {
        Self::parse(bytes)?;
        let mut json: Value = serde_json::from_slice(bytes).map_err(|e| format!("is damaged: {e}"))?;
        let Some(entry) = json["keys"].as_object_mut().and_then(|keys| keys.remove(old)) else {
            return Ok(bytes.to_vec());
        };
        json["keys"][new] = entry;
        Ok(json.to_string().into_bytes())
    }

    /// Every profile and its key.
    pub fn entries(&self) -> impl Iterator<Item = (&str, &Entry)> {
        self.0.iter().map(|(profile, entry)| (profile.as_str(), entry))
    }

    /// The key of a profile.
    pub fn get(&self, profile: &ProfileName) -> Option<&Entry> {
        self.0.get(profile.as_str())
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
    fn a_renamed_entry_keeps_all_its_fields() {
        let text = br#"{"keys":{"a":{"access_key_id":"AKIAIOSFODNN7EXAMPLE","later":1}},"v":1}"#;
        let renamed = KeyIndex::renamed(text, "a", "b").unwrap();
        assert_eq!(renamed, br#"{"keys":{"b":{"access_key_id":"AKIAIOSFODNN7EXAMPLE","later":1}},"v":1}"#);
        assert_eq!(KeyIndex::renamed(text, "x", "b").unwrap(), text);
        assert!(KeyIndex::renamed(br#"{"v":2,"keys":{}}"#, "a", "b").is_err());
    }

    #[test]
    fn damage_and_newer_versions_are_failures_not_misses() {
        for (text, part) in [
            ("", "damaged"),
            ("[]", "no version"),
            (r#"{"v":2,"keys":{}}"#, "version 2"),
            (r#"{"v":1}"#, "no keys"),
            (r#"{"v":1,"keys":{"p":{"access_key_id":"x"}}}"#, "'p'"),
        ] {
            let why = KeyIndex::parse(text.as_bytes()).unwrap_err();
            assert!(why.contains(part), "{text}: {why}");
        }
    }
}
