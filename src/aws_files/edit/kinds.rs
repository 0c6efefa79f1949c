//! The kinds of edits, and their result.

use serde::{Deserialize, Serialize};

use crate::aws_files::hunk::Hunk;
use crate::aws_files::section::Section;
use crate::credentials::{AccessKey, AccessKeyId};

/// The prefix that hides a standard key from SDKs (docs/reference.md, "twolock's own keys in a profile").
pub const PREFIX: &str = "twolock_";

/// One edit of one file. Keys are in lower case. `Add`, `PutKey` and `Set` add a profile that does not exist; for it,
/// the others change nothing.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Edit {
    /// Adds a profile at the end of the file.
    Add { profile: String, settings: Vec<(String, String)> },
    /// Writes both halves of an access key. Another key is never overwritten.
    #[serde(skip)]
    PutKey { profile: String, key: AccessKey },
    /// Writes both halves of an access key in the place of another one. A profile that has not that one stays as it is.
    #[serde(skip)]
    SwapKey { profile: String, from: AccessKeyId, to: AccessKey },
    /// Changes a key's effective line, else adds one below the profile's last line or in a new section.
    Set { profile: String, key: String, value: String },
    /// Removes every line of a key.
    Unset { profile: String, key: String },
    /// Removes keys, and the section as well if it holds nothing else, not even a comment.
    TakeOut { profile: String, keys: Vec<String> },
    /// Puts [`PREFIX`] before a key, in place.
    Hide { profile: String, key: String },
    /// Removes [`PREFIX`] from a key, in place.
    Show { profile: String, key: String },
    /// Removes a profile's headers and keys. Comments stay.
    Remove { profile: String },
    /// Renames a profile: its headers, and every `source_profile` and twolock command that names it. Never together
    /// with other edits, because it may touch every profile.
    Rename { profile: String, to: String },
}

/// The result of an edit.
pub struct Edited {
    pub bytes: Vec<u8>,
    /// The changed lines, for people; secrets are masked.
    pub hunks: Vec<Hunk>,
    /// For the user.
    pub notes: Vec<String>,
}

impl Edit {
    /// Whether it writes a secret.
    pub(crate) fn has_secret(&self) -> bool {
        matches!(self, Edit::PutKey { .. } | Edit::SwapKey { .. })
    }

    pub(crate) fn profile(&self) -> &str {
        match self {
            Edit::Add { profile, .. }
            | Edit::PutKey { profile, .. }
            | Edit::SwapKey { profile, .. }
            | Edit::Set { profile, .. }
            | Edit::Unset { profile, .. }
            | Edit::TakeOut { profile, .. }
            | Edit::Hide { profile, .. }
            | Edit::Show { profile, .. }
            | Edit::Remove { profile }
            | Edit::Rename { profile, .. } => profile,
        }
    }

    /// The settings that the edit would change, as a person saw them: none if the profile is not in the file.
    pub(crate) fn seen<'a>(&self, section: Option<&'a Section>) -> Option<Vec<(&'a str, &'a str)>> {
        let is_seen = |key: &str| match self {
            Edit::Add { .. } | Edit::PutKey { .. } => false,
            Edit::SwapKey { to, .. } => halves(to).iter().any(|(half, _)| key == *half),
            Edit::Remove { .. } | Edit::Rename { .. } => true,
            Edit::Set { key: changed, .. } | Edit::Unset { key: changed, .. } | Edit::Hide { key: changed, .. } => {
                key == changed
            }
            Edit::Show { key: changed, .. } => key.strip_prefix(PREFIX) == Some(changed),
            Edit::TakeOut { keys, .. } => keys.iter().any(|changed| key == changed),
        };
        let seen = section?.settings.iter().filter(|setting| is_seen(&setting.key));
        Some(seen.map(|setting| (setting.key.as_str(), setting.value.as_str())).collect())
    }
}

/// Whether a profile with these settings has the key that is swapped. The last of several counts.
pub(super) fn has_key<'a>(settings: impl DoubleEndedIterator<Item = (&'a str, &'a str)>, id: &AccessKeyId) -> bool {
    settings.rev().find(|(key, _)| *key == "aws_access_key_id").is_some_and(|(_, value)| value == id.as_str())
}

/// The two settings of an access key.
pub(super) fn halves(key: &AccessKey) -> [(&'static str, &str); 2] {
    [("aws_access_key_id", key.id.as_str()), ("aws_secret_access_key", key.secret.expose())]
}
