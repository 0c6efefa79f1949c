//! `rotations.json`: the rotations under way, one a user at most. No secret is in it.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::credentials::AccessKeyId;
use crate::names::ProfileName;
use crate::ours::{self, records::Entry};
use crate::timestamp::Timestamp;

/// One rotation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// The ARN of the user.
    pub user: String,
    /// The profile whose key it is.
    pub profile: ProfileName,
    /// The key that goes.
    pub old: AccessKeyId,
    /// Every key of the user before: one that is listed besides is the new one.
    pub before: Vec<AccessKeyId>,
    pub began: Timestamp,
    /// How long the old key stays inactive before it is deleted.
    pub delete_after: Duration,
    /// The AWS files whose profiles have the key; none in records of older versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub files: Option<Files>,
    #[serde(flatten)]
    pub phase: Phase,
}

/// The absolute paths of the two AWS files.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Files {
    pub config: String,
    pub credentials: String,
}

/// How far it has come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "phase", rename_all = "kebab-case")]
pub enum Phase {
    /// IAM may have been asked for a key.
    Creating,
    /// IAM has made this key, and it may not be stored.
    Created { new: AccessKeyId },
    /// The new key is stored beside the old one.
    Stored { new: AccessKeyId },
    /// Every profile has the new key, which works; the old one is still active.
    Switched { new: AccessKeyId },
    /// The same, because the old key was reactivated on purpose.
    Back { new: AccessKeyId },
    /// The old key is inactive.
    Off { new: AccessKeyId, since: Timestamp },
}

impl Phase {
    /// The new key, once there is one.
    pub fn new_key(&self) -> Option<&AccessKeyId> {
        match self {
            Phase::Creating => None,
            Phase::Created { new }
            | Phase::Stored { new }
            | Phase::Switched { new }
            | Phase::Back { new }
            | Phase::Off { new, .. } => Some(new),
        }
    }
}

impl Record {
    /// Whether a key is one of the two.
    pub fn is_about(&self, id: &AccessKeyId) -> bool {
        self.old == *id || self.phase.new_key() == Some(id)
    }

    /// When the old key may be deleted; none as long as it is active.
    pub fn deletion(&self) -> Option<Timestamp> {
        match self.phase {
            Phase::Off { since, .. } => Some(since.plus(self.delete_after)),
            _ => None,
        }
    }

    /// Whether something is left to do before the old key is inactive.
    pub fn is_unfinished(&self) -> bool {
        !matches!(self.phase, Phase::Off { .. } | Phase::Back { .. })
    }
}

impl Entry for Record {
    const LIST: &'static str = "rotations";
    const DOES: &'static str = "is rotating a key";

    fn user(&self) -> &str {
        &self.user
    }
}

/// `rotations.json`.
pub type Records = ours::records::Records<Record>;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Kind;
    use crate::system::private_file::write_atomically;

    fn id(text: &str) -> AccessKeyId {
        AccessKeyId::parse(text).unwrap()
    }

    fn record(user: &str, phase: Phase) -> Record {
        Record {
            user: user.into(),
            profile: ProfileName::parse("work").unwrap(),
            old: id("AKIAOLDOLDOLDOLDOLD1"),
            before: vec![id("AKIAOLDOLDOLDOLDOLD1")],
            began: Timestamp::from_unix(1_800_000_000),
            delete_after: Duration::from_secs(7 * 86_400),
            files: None,
            phase,
        }
    }

    #[test]
    fn one_record_a_user_and_no_file_without_any() {
        let home = tempfile::tempdir().unwrap();
        let records = Records::of(&home.path().join("data"));
        let _lock = records.lock().unwrap();
        assert_eq!(records.all(), Ok(vec![]));
        let (new, since) = (id("AKIANEWNEWNEWNEWNEW1"), Timestamp::from_unix(1_800_000_100));
        for phase in [
            Phase::Creating,
            Phase::Created { new: new.clone() },
            Phase::Stored { new: new.clone() },
            Phase::Switched { new: new.clone() },
            Phase::Back { new: new.clone() },
            Phase::Off { new: new.clone(), since },
        ] {
            let one = record("arn:aws:iam::123456789012:user/ana", phase);
            records.put(&one).unwrap();
            assert_eq!(records.all(), Ok(vec![one]));
        }
        let files = Files { config: "/home/bob/config".into(), credentials: "/home/bob/credentials".into() };
        let other = Record { files: Some(files), ..record("arn:aws:iam::123456789012:user/bob", Phase::Creating) };
        records.put(&other).unwrap();
        let all = records.all().unwrap();
        assert_eq!(all[1], other);
        assert_eq!((all.len(), all[0].deletion()), (2, Some(since.plus(Duration::from_secs(7 * 86_400)))));
        assert!(all[0].is_about(&new) && all[0].is_about(&all[0].old) && !all[1].is_about(&new));
        all.iter().for_each(|one| records.remove(one).unwrap());
        assert!(!records.file().exists());
        assert!(records.lock().is_err_and(|failure| failure.kind == Kind::Busy));
    }

    #[test]
    fn a_newer_or_damaged_file_is_half_done_and_is_not_overwritten() {
        let home = tempfile::tempdir().unwrap();
        let records = Records::of(home.path());
        for (text, why) in [
            ("{\"v\":2,\"rotations\":{}}", "has version 2, and this twolock reads only version 1"),
            ("{\"rotations\":[]}", "is damaged: it has no version"),
            ("{\"v\":1,\"rotations\":[{}]}", "is damaged: "),
            ("", "is damaged: "),
        ] {
            write_atomically(&records.file(), text.as_bytes()).unwrap();
            let failure = records.all().unwrap_err();
            assert!(failure.kind == Kind::HalfDone && failure.cause.contains(why), "{failure}");
            assert!(records.put(&record("u", Phase::Creating)).is_err());
            assert_eq!(std::fs::read_to_string(records.file()).unwrap(), text);
        }
    }
}
