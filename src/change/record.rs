//! An act as the journal keeps it: kinds, names, key ids and hashes; no value of a credential.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::{Act, KeyToProve};
use crate::arn::AccountId;
use crate::config::edit::Edit;
use crate::config::file::Kind as FileKind;
use crate::config::key_index::{Entry, IndexEdit};
use crate::config::settings::SettingEdit;
use crate::credentials::AccessKeyId;
use crate::names::ProfileName;
use crate::timestamp::Timestamp;

/// One act, and what it makes of its file.
#[derive(Clone, Debug)]
pub(super) struct Record {
    pub(super) what: What,
    /// For acts that edit a file.
    pub(super) file: Option<FileStep>,
}

/// A file, and the SHA-256 of its content before and after an act.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct FileStep {
    pub(super) path: PathBuf,
    pub(super) before: String,
    pub(super) after: String,
}

/// What an act does, without secrets.
#[derive(Clone, Debug)]
pub(super) enum What {
    /// None where the edits hold a secret: only the run that has it can make them.
    EditFile(FileKind, Option<Vec<Edit>>),
    EditIndex(IndexEdit),
    EditSettings(SettingEdit),
    KeepKey {
        profile: ProfileName,
        id: AccessKeyId,
        /// Whether the keyring had no such item before: only then it is taken out again.
        is_new: bool,
    },
    Prove(ProfileName, AccessKeyId),
    ForgetSessions(Vec<PathBuf>),
}

impl What {
    /// None for acts that are whole by themselves.
    pub(super) fn of(act: &Act) -> Option<Self> {
        Some(match act {
            Act::EditFile { kind, edits, .. } => {
                let has_secret = edits.iter().any(|edit| matches!(edit, Edit::PutKey { .. }));
                What::EditFile(*kind, (!has_secret).then(|| edits.clone()))
            }
            Act::EditIndex(edit) => What::EditIndex(edit.clone()),
            Act::EditSettings { edit, .. } => What::EditSettings(edit.clone()),
            Act::KeepKey(key) => What::KeepKey { profile: key.profile.clone(), id: key.key.id.clone(), is_new: false },
            Act::Prove(proof) => {
                let id = match &proof.key {
                    KeyToProve::Given(key) => &key.id,
                    KeyToProve::InKeyring(id) => id,
                };
                What::Prove(proof.profile.clone(), id.clone())
            }
            Act::ForgetSessions(paths) => What::ForgetSessions(paths.clone()),
            Act::Close(_) => return None,
        })
    }

    /// Whether a later run can do it.
    pub(super) fn can_be_finished(&self) -> bool {
        !matches!(self, What::EditFile(_, None) | What::KeepKey { .. } | What::Prove(..))
    }
}

impl Record {
    pub(super) fn json(&self) -> Value {
        let mut fields = match &self.what {
            What::EditFile(kind, edits) => json!({
                "act": "edit-file",
                "kind": file_kind(*kind),
                "edits": edits.as_ref().and_then(|edits| edits.iter().map(edit_json).collect::<Option<Vec<_>>>()),
            }),
            What::EditIndex(edit) => json!({"act": "edit-index", "edit": index_json(edit)}),
            What::EditSettings(edit) => json!({"act": "edit-settings", "edit": setting_json(edit)}),
            What::KeepKey { profile, id, is_new } => {
                json!({"act": "keep-key", "profile": profile.as_str(), "id": id.as_str(), "is_new": is_new})
            }
            What::Prove(profile, id) => json!({"act": "prove", "profile": profile.as_str(), "id": id.as_str()}),
            What::ForgetSessions(paths) => {
                json!({"act": "forget-sessions", "files": paths.iter().filter_map(|p| p.to_str()).collect::<Vec<_>>()})
            }
        };
        if let Some(FileStep { path, before, after }) = &self.file {
            fields["path"] = json!(path.to_str());
            fields["before"] = json!(before);
            fields["after"] = json!(after);
        }
        fields
    }

    pub(super) fn parse(json: &Value) -> Option<Self> {
        let what = match json["act"].as_str()? {
            "edit-file" => {
                let edits = match &json["edits"] {
                    Value::Null => None,
                    edits => Some(edits.as_array()?.iter().map(edit_of).collect::<Option<_>>()?),
                };
                What::EditFile(file_kind_of(&json["kind"])?, edits)
            }
            "edit-index" => What::EditIndex(index_of(&json["edit"])?),
            "edit-settings" => What::EditSettings(setting_of(&json["edit"])?),
            "keep-key" => {
                What::KeepKey { profile: name(json, "profile")?, id: id(json)?, is_new: json["is_new"].as_bool()? }
            }
            "prove" => What::Prove(name(json, "profile")?, id(json)?),
            "forget-sessions" => {
                let files = json["files"].as_array()?.iter().map(|path| path.as_str().map(PathBuf::from));
                What::ForgetSessions(files.collect::<Option<_>>()?)
            }
            _ => return None,
        };
        let file = match json["path"].as_str() {
            Some(path) if Path::new(path).is_absolute() => {
                Some(FileStep { path: path.into(), before: text(json, "before")?, after: text(json, "after")? })
            }
            Some(_) => return None,
            None => None,
        };
        let edits = matches!(what, What::EditFile(..) | What::EditIndex(_) | What::EditSettings(_));
        (edits == file.is_some()).then_some(Self { what, file })
    }
}

fn file_kind(kind: FileKind) -> &'static str {
    match kind {
        FileKind::Config => "config",
        FileKind::Credentials => "credentials",
    }
}

fn file_kind_of(json: &Value) -> Option<FileKind> {
    [FileKind::Config, FileKind::Credentials].into_iter().find(|kind| json.as_str() == Some(file_kind(*kind)))
}

fn text(json: &Value, field: &str) -> Option<String> {
    json[field].as_str().map(String::from)
}

fn name(json: &Value, field: &str) -> Option<ProfileName> {
    ProfileName::parse(json[field].as_str()?).ok()
}

fn id(json: &Value) -> Option<AccessKeyId> {
    AccessKeyId::parse(json["id"].as_str()?).ok()
}

/// None for an edit with a secret.
fn edit_json(edit: &Edit) -> Option<Value> {
    Some(match edit {
        Edit::Add { profile, settings } => json!({"add": profile, "settings": settings}),
        Edit::PutKey { .. } => return None,
        Edit::Set { profile, key, value } => json!({"set": profile, "key": key, "value": value}),
        Edit::Unset { profile, key } => json!({"unset": profile, "key": key}),
        Edit::TakeOut { profile, keys } => json!({"take-out": profile, "keys": keys}),
        Edit::Hide { profile, key } => json!({"hide": profile, "key": key}),
        Edit::Show { profile, key } => json!({"show": profile, "key": key}),
        Edit::Remove { profile } => json!({"remove": profile}),
        Edit::Rename { profile, to } => json!({"rename": profile, "to": to}),
    })
}

fn edit_of(json: &Value) -> Option<Edit> {
    let has = |verb: &str| text(json, verb);
    let key = || text(json, "key");
    let texts = |list: &Value| -> Option<Vec<String>> {
        list.as_array()?.iter().map(|one| one.as_str().map(String::from)).collect()
    };
    let pair = |pair: &Value| Some((pair[0].as_str()?.to_string(), pair[1].as_str()?.to_string()));
    if let Some(profile) = has("add") {
        return Some(Edit::Add {
            profile,
            settings: json["settings"].as_array()?.iter().map(pair).collect::<Option<_>>()?,
        });
    }
    if let Some(profile) = has("set") {
        return Some(Edit::Set { profile, key: key()?, value: text(json, "value")? });
    }
    if let Some(profile) = has("unset") {
        return Some(Edit::Unset { profile, key: key()? });
    }
    if let Some(profile) = has("take-out") {
        return Some(Edit::TakeOut { profile, keys: texts(&json["keys"])? });
    }
    if let Some(profile) = has("hide") {
        return Some(Edit::Hide { profile, key: key()? });
    }
    if let Some(profile) = has("show") {
        return Some(Edit::Show { profile, key: key()? });
    }
    if let Some(profile) = has("remove") {
        return Some(Edit::Remove { profile });
    }
    Some(Edit::Rename { profile: has("rename")?, to: text(json, "to")? })
}

fn index_json(edit: &IndexEdit) -> Value {
    match edit {
        IndexEdit::Set { profile, entry, store } => json!({
            "set": profile.as_str(), "id": entry.id.as_str(), "store": store,
            "account": entry.account.as_ref().map(|account| account.as_str()),
            "created": entry.created.map(|at| at.to_string()),
        }),
        IndexEdit::Copy { from, to } => json!({"copy": from.as_str(), "to": to.as_str()}),
        IndexEdit::Drop { profile, id } => json!({"drop": profile.as_str(), "id": id.as_str()}),
    }
}

fn index_of(json: &Value) -> Option<IndexEdit> {
    if let Some(profile) = name(json, "set") {
        let account = json["account"].as_str().and_then(AccountId::parse);
        let created = json["created"].as_str().and_then(Timestamp::parse);
        let entry = Entry { id: id(json)?, account, created };
        return Some(IndexEdit::Set { profile, entry, store: text(json, "store")? });
    }
    if let Some(from) = name(json, "copy") {
        return Some(IndexEdit::Copy { from, to: name(json, "to")? });
    }
    Some(IndexEdit::Drop { profile: name(json, "drop")?, id: id(json)? })
}

fn setting_json(edit: &SettingEdit) -> Value {
    match edit {
        SettingEdit::Set { name, value } => json!({"set": name, "value": value}),
        SettingEdit::Unset { name } => json!({"unset": name}),
        SettingEdit::Trust { path, sha256 } => json!({"trust": path, "sha256": sha256}),
        SettingEdit::RenameInAliases { old, new } => json!({"aliases-of": old, "to": new}),
    }
}

fn setting_of(json: &Value) -> Option<SettingEdit> {
    if let Some(name) = text(json, "set") {
        return Some(SettingEdit::Set { name, value: text(json, "value")? });
    }
    if let Some(name) = text(json, "unset") {
        return Some(SettingEdit::Unset { name });
    }
    if let Some(path) = text(json, "trust") {
        return Some(SettingEdit::Trust { path, sha256: text(json, "sha256")? });
    }
    Some(SettingEdit::RenameInAliases { old: text(json, "aliases-of")?, new: text(json, "to")? })
}
