//! Credentials that other programs keep in plain text, and that neither we nor the keyring protect (aws-contract 7).

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::system::foreign_file;
use crate::timestamp::Timestamp;

/// Where a program keeps credentials that are still valid.
pub struct ForeignCache {
    /// Whose it is.
    pub of: &'static str,
    /// The directory, or the one file.
    pub place: PathBuf,
}

/// Far above any real file.
const LARGEST_FILE: u64 = 1 << 20;
/// More are not looked at; no real cache has that many.
const MOST_FILES: usize = 1_000;

/// Every cache that holds credentials at that time.
pub fn found(home: &Path, now: Timestamp) -> Vec<ForeignCache> {
    let of = |(of, place): (&'static str, &str)| {
        let place = home.join(place);
        let is_there = files_of(&place).iter().any(|file| has_credentials(file, now));
        is_there.then_some(ForeignCache { of, place })
    };
    [("the AWS CLI", ".aws/cli/cache"), ("git-remote-codecommit", ".aws/boto/cache"), (ECR, ".ecr/cache.json")]
        .into_iter()
        .filter_map(of)
        .collect()
}

const ECR: &str = "ecr-credential-helper";

impl ForeignCache {
    /// Why that matters, and how to avoid it.
    pub fn advice(&self) -> &'static str {
        match self.of {
            ECR => "whoever reads it can use the registry, also after logout; AWS_ECR_DISABLE_CACHE=1 turns it off",
            _ => "whoever reads them can use the role, also after logout; for adopted roles it keeps none",
        }
    }
}

fn files_of(place: &Path) -> Vec<PathBuf> {
    match std::fs::read_dir(place) {
        Ok(entries) => entries.flatten().take(MOST_FILES).map(|entry| entry.path()).collect(),
        Err(_) => vec![place.to_owned()],
    }
}

/// Whether a file names a secret or a token that has not expired. What cannot be read is a finding of other checks.
fn has_credentials(file: &Path, now: Timestamp) -> bool {
    let Ok(bytes) = foreign_file::load(file, "", LARGEST_FILE) else { return false };
    let is_valid = |text: &str| Timestamp::parse(text).is_none_or(|end| end > now);
    serde_json::from_slice(&bytes).is_ok_and(|document: Value| holds_a_secret(&document, &is_valid))
}

/// A secret of an object is as old as the object says.
fn holds_a_secret(value: &Value, is_valid: &dyn Fn(&str) -> bool) -> bool {
    match value {
        Value::Object(fields) => {
            let text = |names: &[&str]| names.iter().find_map(|name| fields.get(*name)?.as_str());
            let has_secret = text(&["SecretAccessKey", "AuthorizationToken"]).is_some_and(|secret| !secret.is_empty());
            (has_secret && text(&["Expiration", "ExpiresAt"]).is_none_or(is_valid))
                || fields.values().any(|value| holds_a_secret(value, is_valid))
        }
        Value::Array(values) => values.iter().any(|value| holds_a_secret(value, is_valid)),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_still_valid_is_a_secret() {
        let now = Timestamp::parse("2026-11-29T12:00:00Z").unwrap();
        for (text, is_secret) in [
            (r#"{"Credentials":{"SecretAccessKey":"s","Expiration":"2026-11-29T13:00:00+00:00"}}"#, true),
            (r#"{"Credentials":{"SecretAccessKey":"s","Expiration":"2026-11-29T11:00:00Z"}}"#, false),
            (r#"{"Credentials":{"SecretAccessKey":"s"}}"#, true),
            (r#"{"Credentials":{"SecretAccessKey":""}}"#, false),
            (r#"{"Registries":{"r":{"AuthorizationToken":"t","ExpiresAt":"2026-11-29T23:00:00.5Z"}}}"#, true),
            (r#"{"Registries":{"r":{"AuthorizationToken":"t","ExpiresAt":"2026-11-28T23:00:00Z"}}}"#, false),
            ("{}", false),
            ("no JSON", false),
        ] {
            let file = tempfile::NamedTempFile::new().unwrap();
            std::fs::write(file.path(), text).unwrap();
            assert_eq!(has_credentials(file.path(), now), is_secret, "{text}");
        }
    }
}
