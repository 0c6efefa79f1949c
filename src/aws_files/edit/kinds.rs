//! The kinds of edits, and what comes of them. Plain values.

use serde::{Deserialize, Serialize};

use crate::aws_files::hunk::Hunk;
use crate::credentials::AccessKey;

/// What hides a standard key from SDKs (docs/reference.md, "Keys of ours in a profile").
pub const PREFIX: &str = "twolock_";

/// One edit of one file. What it says of a profile that is not in the file changes nothing, but for those that add one.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Edit {
    /// Adds a profile at the end of the file.
    Add {
        /// Its name.
        profile: String,
        /// Its keys and values.
        settings: Vec<(String, String)>,
    },
    /// Writes both halves of an access key: the one edit that puts a secret into a file. Another key is never overwritten.
    #[serde(skip)]
    PutKey {
        /// The profile, added if it is not there.
        profile: String,
        /// The key.
        key: AccessKey,
    },
    /// Sets a key where it counts, else below the profile's last line, else in a new section.
    Set {
        /// The profile, added if it is not there.
        profile: String,
        /// The key, in lower case.
        key: String,
        /// Its new value.
        value: String,
    },
    /// Takes a key out, wherever the section names it.
    Unset {
        /// The profile.
        profile: String,
        /// The key, in lower case.
        key: String,
    },
    /// Takes keys out, and the section with them where it holds nothing else, not even a comment.
    TakeOut {
        /// The profile.
        profile: String,
        /// The keys, in lower case.
        keys: Vec<String>,
    },
    /// Puts [`PREFIX`] before a key, in place.
    Hide {
        /// The profile.
        profile: String,
        /// The standard key, in lower case.
        key: String,
    },
    /// Takes [`PREFIX`] away from a key, in place.
    Show {
        /// The profile.
        profile: String,
        /// The standard key, in lower case.
        key: String,
    },
    /// Removes a profile's headers and keys. Comments stay.
    Remove {
        /// The profile.
        profile: String,
    },
    /// Renames a profile: its headers, and every setting that names it as a source or as what twolock serves. Made alone,
    /// because it may touch every profile.
    Rename {
        /// The profile.
        profile: String,
        /// Its new name.
        to: String,
    },
}

/// What an edit makes of a file.
pub struct Edited {
    /// The whole file.
    pub bytes: Vec<u8>,
    /// The changed lines, for people; secrets are masked.
    pub hunks: Vec<Hunk>,
    /// What the person should know of it.
    pub notes: Vec<String>,
}

impl Edit {
    /// The profile it is about.
    pub(super) fn profile(&self) -> &str {
        match self {
            Edit::Add { profile, .. }
            | Edit::PutKey { profile, .. }
            | Edit::Set { profile, .. }
            | Edit::Unset { profile, .. }
            | Edit::TakeOut { profile, .. }
            | Edit::Hide { profile, .. }
            | Edit::Show { profile, .. }
            | Edit::Remove { profile }
            | Edit::Rename { profile, .. } => profile,
        }
    }
}

/// The two settings of an access key.
pub(super) fn halves(key: &AccessKey) -> [(&'static str, &str); 2] {
    [("aws_access_key_id", key.id.as_str()), ("aws_secret_access_key", key.secret.expose())]
}
