//! A change as a value: what a verb wants done is a list of acts, and nothing is done while the list is made.
//!
//! - [`preview`]: pure; what is there and a change give what would be there, and the diff
//! - [`apply`]: does the acts in their order; when one fails, undoes them in reverse
//! - [`replace`]: how one file is replaced
//! - [`journal`], `record`: what is written down before the first act, so that a killed run can be made good
//! - [`recover`]: finishes or undoes what a killed run left
//!
//! May know the AWS files, our own files, profiles, and `store` and `aws` by their traits; never verbs or output.

pub mod apply;
pub mod journal;
pub mod preview;
mod record;
pub mod recover;
pub mod replace;

use std::path::PathBuf;

use crate::arn::AccountId;
use crate::aws::Sts;
use crate::aws::endpoint::Endpoint;
use crate::aws_files::AwsFiles;
use crate::aws_files::edit::Edit;
use crate::aws_files::file::FileKind;
use crate::credentials::{AccessKey, AccessKeyId};
use crate::error::{Failure, Kind, Result};
use crate::names::ProfileName;
use crate::origin::FileChoice;
use crate::ours::consent::Consents;
use crate::ours::key_index::{IndexEdit, IndexEntry};
use crate::ours::settings::{Paths, SettingEdit};
use crate::profile::adoption::edits::Edits;
use crate::store::{Store, access_key};
use crate::system::directories::Directories;

/// Everything one verb wants done.
#[derive(Debug, Default)]
pub struct Change {
    /// The command, for the journal and for what is said of it: `profile rename prod production`.
    pub title: String,
    /// In the order in which they leave every profile working. Acts that only this run can do (a key is kept, proved or
    /// written into a file) come before edits that a later run could finish.
    pub acts: Vec<Act>,
    /// What the person should know before the yes.
    pub notes: Vec<String>,
}

/// One step of a change.
#[derive(Debug)]
pub enum Act {
    /// Edits one of the two AWS files.
    EditFile {
        /// Which one.
        kind: FileKind,
        /// What changes.
        edits: Vec<Edit>,
        /// Keys that these profiles must still hold, because the edit takes them out.
        holds: Vec<(ProfileName, AccessKey)>,
    },
    /// Edits the index of the keys in the keyring.
    EditIndex(IndexEdit),
    /// Edits our settings.
    EditSettings {
        /// Which `config.toml`.
        file: PathBuf,
        /// What changes.
        edit: SettingEdit,
    },
    /// Keeps a key in the keyring.
    KeepKey(KeyToStore),
    /// Proves a key by GetCallerIdentity.
    Prove(Proof),
    /// Forgets sessions: the sealed files.
    ForgetSessions(Vec<PathBuf>),
    /// Closes a file or directory to other users.
    Close(PathBuf),
}

/// A key and the profile that the index names for it.
#[derive(Clone, Debug)]
pub struct KeyToStore {
    /// The profile.
    pub profile: ProfileName,
    /// The key.
    pub key: AccessKey,
    /// Its account, where it is known.
    pub account: Option<AccountId>,
}

/// A key to prove, and what the answer has to say.
#[derive(Clone, Debug)]
pub struct Proof {
    /// The profile it is for.
    pub profile: ProfileName,
    /// The key.
    pub key: KeyToProve,
    /// Where the call goes.
    pub endpoint: Endpoint,
    /// The account of the profile's device: no code of another account's device would ever serve.
    pub account: Option<AccountId>,
}

/// Where the key is that is to be proved.
#[derive(Clone, Debug)]
pub enum KeyToProve {
    /// Here.
    Given(AccessKey),
    /// In the keyring: proved is what that gives back.
    InKeyring(AccessKeyId),
}

/// The real parts that a change acts on.
pub struct Parts<'a> {
    /// Where the two AWS files are.
    pub files: &'a AwsFiles,
    /// Our directories.
    pub dirs: &'a Directories,
    /// Our settings files.
    pub settings: &'a Paths,
    /// The consents in them.
    pub trust: &'a Consents,
    /// The keyring that keeps access keys, with leave to unlock it; none where there is none.
    pub store: Option<&'a dyn Store>,
    /// STS at an endpoint.
    pub sts: &'a dyn Fn(&Endpoint) -> Result<Box<dyn Sts>>,
}

impl Parts<'_> {
    fn choice(&self, kind: FileKind) -> &FileChoice {
        match kind {
            FileKind::Config => &self.files.config_choice,
            FileKind::Credentials => &self.files.credentials_choice,
        }
    }

    fn index(&self) -> PathBuf {
        self.dirs.data.join("keys.json")
    }

    fn store_for(&self, profile: &ProfileName, id: &AccessKeyId) -> Result<&dyn Store> {
        self.store.ok_or_else(|| access_key::no_keyring(profile, id))
    }
}

impl Change {
    /// A change without acts yet.
    pub fn new(title: impl Into<String>) -> Self {
        Self { title: title.into(), ..Self::default() }
    }

    /// Adds the edits of an adoption or a release, in the order in which they keep every profile working.
    pub fn edit_files(&mut self, edits: Edits) {
        let Edits { first, config, last, leaving } = edits;
        let parts = [(FileKind::Credentials, first), (FileKind::Config, config), (FileKind::Credentials, last)];
        for (kind, edits) in parts.into_iter().filter(|(_, edits)| !edits.is_empty()) {
            self.acts.push(Act::EditFile { kind, edits, holds: leaving.clone() });
        }
    }

    /// Adds the same edit of both AWS files.
    pub fn edit_both(&mut self, edit: &Edit) {
        for kind in [FileKind::Config, FileKind::Credentials] {
            self.acts.push(Act::EditFile { kind, edits: vec![edit.clone()], holds: Vec::new() });
        }
    }

    /// Adds what moves a key into the keyring: kept, proved by what the keyring gives back, named in the index.
    pub fn keep_key(&mut self, key: KeyToStore, endpoint: &Endpoint, store: &str) {
        let KeyToStore { profile, key: AccessKey { id, .. }, account } = &key;
        let entry = IndexEntry { id: id.clone(), account: account.clone(), created: None };
        let index = IndexEdit::Set { profile: profile.clone(), entry, store: store.into() };
        let proof = Proof {
            profile: profile.clone(),
            key: KeyToProve::InKeyring(id.clone()),
            endpoint: endpoint.clone(),
            account: account.clone(),
        };
        self.acts.extend([Act::KeepKey(key), Act::Prove(proof), Act::EditIndex(index)]);
    }
}

/// A failure that work is half done: what is to be done about it is in the cause or a hint.
fn half_done(cause: String) -> Failure {
    Failure::new(Kind::HalfDone, cause)
}

#[cfg(test)]
mod tests;
