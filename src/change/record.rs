//! An act as the journal stores it: kinds, names, key ids and hashes, but no secrets.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::{Act, KeyToProve};
use crate::aws_files::edit::Edit;
use crate::aws_files::file::FileKind;
use crate::credentials::AccessKeyId;
use crate::names::ProfileName;
use crate::ours::key_index::IndexEdit;
use crate::ours::settings::SettingEdit;

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Record {
    #[serde(flatten)]
    pub(super) what: What,
    /// For acts that edit a file.
    pub(super) file: Option<FileStep>,
}

/// A file, and the SHA-256 of its content before and after an act.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct FileStep {
    pub(super) path: PathBuf,
    pub(super) before: String,
    pub(super) after: String,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "act", rename_all = "kebab-case")]
pub(super) enum What {
    EditFile {
        kind: FileKind,
        /// None if one of them contains a secret: only the run that has it can make these edits.
        edits: Option<Vec<Edit>>,
    },
    EditIndex {
        edit: IndexEdit,
    },
    EditSettings {
        edit: SettingEdit,
    },
    KeepKey {
        profile: ProfileName,
        id: AccessKeyId,
        /// Whether the keyring had no such item before: only then undoing removes it.
        is_new: bool,
    },
    RemoveKey {
        profile: ProfileName,
        id: AccessKeyId,
    },
    Prove {
        profile: ProfileName,
        id: AccessKeyId,
    },
    ForgetSessions {
        files: Vec<PathBuf>,
    },
}

impl What {
    /// None for acts that cannot be half done.
    pub(super) fn of(act: &Act) -> Option<Self> {
        Some(match act {
            Act::EditFile { kind, edits, .. } => {
                let has_secret = edits.iter().any(Edit::has_secret);
                What::EditFile { kind: *kind, edits: (!has_secret).then(|| edits.clone()) }
            }
            Act::EditIndex(edit) => What::EditIndex { edit: edit.clone() },
            Act::EditSettings { edit, .. } => What::EditSettings { edit: edit.clone() },
            Act::KeepKey(key) => What::KeepKey { profile: key.profile.clone(), id: key.key.id.clone(), is_new: false },
            Act::RemoveKey { profile, id } => What::RemoveKey { profile: profile.clone(), id: id.clone() },
            Act::Prove(proof) => {
                let id = match &proof.key {
                    KeyToProve::Given(key) => &key.id,
                    KeyToProve::InKeyring(id) => id,
                };
                What::Prove { profile: proof.profile.clone(), id: id.clone() }
            }
            Act::ForgetSessions(files) => What::ForgetSessions { files: files.clone() },
            Act::Close(_) => return None,
        })
    }

    /// Whether a later run can do it.
    pub(super) fn can_be_finished(&self) -> bool {
        !matches!(self, What::EditFile { edits: None, .. } | What::KeepKey { .. } | What::Prove { .. })
    }
}

impl Record {
    /// Whether this program can have written it: acts that edit a file have its path, which is absolute.
    pub(super) fn is_valid(&self) -> bool {
        let edits = matches!(self.what, What::EditFile { .. } | What::EditIndex { .. } | What::EditSettings { .. });
        edits == self.file.is_some() && self.file.iter().all(|file| file.path.is_absolute())
    }
}
