//! A change as a value: a verb first lists its acts, and does nothing while it makes the list.
//!
//! - [`preview`]: pure; computes the files and the index after a change, and the diff
//! - [`apply`]: does the acts in order; when one fails, undoes them in reverse
//! - [`replace`]: replaces one file
//! - [`journal`], `record`: what is written before the first act, so that a later run can finish or undo it
//! - [`recover`]: finishes or undoes the change of a killed run
//!
//! May know the AWS files, our own files, profiles, and `store` and `aws` by their traits; never verbs or output.

pub mod apply;
pub mod journal;
pub mod preview;
mod record;
pub mod recover;
pub mod replace;

use std::path::{Path, PathBuf};

use crate::arn::AccountId;
use crate::aws::Sts;
use crate::aws::endpoint::Endpoint;
use crate::aws_files::AwsFiles;
use crate::aws_files::edit::Edit;
use crate::aws_files::file::FileKind;
use crate::credentials::{AccessKey, AccessKeyId};
use crate::error::{Failure, Kind, Result};
use crate::names::ProfileName;
use crate::ours::consent::Consents;
use crate::ours::key_index::{IndexEdit, IndexEntry};
use crate::ours::settings::{Paths, SettingEdit};
use crate::profile::adoption::edits::Edits;
use crate::store::{Store, StoreError, access_key};
use crate::system::directories::Directories;
use crate::timestamp::Timestamp;

#[derive(Debug, Default)]
pub struct Change {
    /// The command, for the journal and for messages: `profile rename prod production`.
    pub title: String,
    /// Ordered so that every profile works after each act. Acts that only this run can do (storing a key, verifying it,
    /// writing it to a file) come before edits that a later run can finish.
    pub acts: Vec<Act>,
    /// Shown with the diff, before the confirmation.
    pub notes: Vec<String>,
}

#[derive(Debug)]
pub enum Act {
    EditFile {
        kind: FileKind,
        edits: Vec<Edit>,
        /// Keys that these profiles must still have, because the edit removes them.
        holds: Vec<(ProfileName, AccessKey)>,
    },
    EditIndex(IndexEdit),
    EditSettings {
        file: PathBuf,
        edit: SettingEdit,
    },
    KeepKey(KeyToStore),
    /// Removes a key from the keyring, where it may be gone already. Always the last act: it cannot be undone.
    RemoveKey {
        profile: ProfileName,
        id: AccessKeyId,
    },
    /// Verifies a key by GetCallerIdentity.
    Prove(Proof),
    /// Deletes these sealed files.
    ForgetSessions(Vec<PathBuf>),
    Close(PathBuf),
}

#[derive(Clone, Debug)]
pub struct KeyToStore {
    pub profile: ProfileName,
    pub key: AccessKey,
    pub account: Option<AccountId>,
    /// When the index got it first; now, if it has not.
    pub added: Timestamp,
}

impl KeyToStore {
    fn index_edit(&self, store: &str, unproved: bool) -> IndexEdit {
        let (id, account) = (self.key.id.clone(), self.account.clone());
        let entry = IndexEntry { account, added: Some(self.added), unproved, ..IndexEntry::of(id) };
        IndexEdit::Set { profile: self.profile.clone(), entry, store: store.into() }
    }
}

#[derive(Clone, Debug)]
pub struct Proof {
    pub profile: ProfileName,
    pub key: KeyToProve,
    pub endpoint: Endpoint,
    /// The account of the profile's device: STS refuses codes of another account's device.
    pub account: Option<AccountId>,
}

#[derive(Clone, Debug)]
pub enum KeyToProve {
    Given(AccessKey),
    /// What the keyring returns is verified.
    InKeyring(AccessKeyId),
}

/// What a change acts on.
pub struct Parts<'a> {
    pub files: &'a AwsFiles,
    pub dirs: &'a Directories,
    /// The data directory of the account's own home, asked of the account database once: journal and locks are there.
    pub account_data: PathBuf,
    pub settings: &'a Paths,
    pub trust: &'a Consents,
    /// The keyring for access keys, if there is one. It may be unlocked.
    pub store: Option<&'a dyn Store>,
    pub sts: &'a dyn Fn(&Endpoint) -> Result<Box<dyn Sts>>,
    /// Tells the user what a change waits for.
    pub tell: &'a dyn Fn(&str),
}

impl Parts<'_> {
    fn index(&self) -> PathBuf {
        self.dirs.data.join("keys.json")
    }

    /// Every file that a change can edit, absolute.
    fn editable(&self) -> [PathBuf; 5] {
        let files = [&self.files.config_choice.path, &self.files.credentials_choice.path, &self.index()];
        let [config, credentials, index] = files.map(|path| absolute(path));
        [config, credentials, index, absolute(&self.settings.file), absolute(&self.settings.account_file)]
    }

    fn store_for(&self, profile: &ProfileName, id: &AccessKeyId) -> Result<&dyn Store> {
        self.store.ok_or_else(|| access_key::no_keyring(profile, id))
    }

    fn remove_key(&self, profile: &ProfileName, id: &AccessKeyId) -> Result<()> {
        let store = self.store_for(profile, id)?;
        match access_key::remove(store, id) {
            Ok(()) | Err(StoreError::Absent) => Ok(()),
            Err(e) => Err(access_key::failure(profile, id, store.about(), &e)),
        }
    }
}

impl Change {
    pub fn new(title: impl Into<String>) -> Self {
        Self { title: title.into(), ..Self::default() }
    }

    /// Adds the edits of an adoption or a release, ordered so that every profile keeps working.
    pub fn edit_files(&mut self, edits: Edits) {
        let Edits { first, config, last, leaving } = edits;
        let parts = [(FileKind::Credentials, first), (FileKind::Config, config), (FileKind::Credentials, last)];
        for (kind, edits) in parts.into_iter().filter(|(_, edits)| !edits.is_empty()) {
            self.acts.push(Act::EditFile { kind, edits, holds: leaving.clone() });
        }
    }

    /// Adds the same edits of both AWS files.
    pub fn edit_both(&mut self, edits: &[Edit]) {
        for kind in [FileKind::Config, FileKind::Credentials] {
            self.acts.push(Act::EditFile { kind, edits: edits.to_vec(), holds: Vec::new() });
        }
    }

    /// Adds the acts that move a key into the keyring: store it, verify what the keyring returns, add it to the index.
    pub fn keep_key(&mut self, key: KeyToStore, endpoint: &Endpoint, store: &str) {
        let index = Act::EditIndex(key.index_edit(store, false));
        let proof = Proof {
            profile: key.profile.clone(),
            key: KeyToProve::InKeyring(key.key.id.clone()),
            endpoint: endpoint.clone(),
            account: key.account.clone(),
        };
        self.acts.extend([Act::KeepKey(key), Act::Prove(proof), index]);
    }

    /// The same for a key that AWS cannot be asked about now.
    pub fn keep_unproved_key(&mut self, key: KeyToStore, store: &str) {
        let index = Act::EditIndex(key.index_edit(store, true));
        self.acts.extend([Act::KeepKey(key), index]);
    }
}

fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.into())
}

fn half_done(cause: String) -> Failure {
    Failure::new(Kind::HalfDone, cause)
}

#[cfg(test)]
mod tests;
