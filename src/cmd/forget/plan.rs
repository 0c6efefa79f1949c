//! What there is to forget, decided before anything is changed.

use super::own_files::OwnFiles;
use crate::aws_files::Profile;
use crate::aws_files::edit::Edit;
use crate::change::Change;
use crate::change::preview::Preview;
use crate::cmd::active_sessions::{self, sealed_files};
use crate::cmd::changing;
use crate::cmd::context::Context;
use crate::cmd::profile::release::{refuse_other_references, used_without_mfa, without_mfa};
use crate::cmd::{key, mfa};
use crate::credentials::{AccessKey, AccessKeyId, STATIC_KEYS};
use crate::enrollment;
use crate::error::{Failure, Kind, Result};
use crate::hint::{CommandLine, Verb};
use crate::names::ProfileName;
use crate::profile::adoption::edits::Edits;
use crate::profile::adoption::kept_key::{is_kept_beside, keys_profile};
use crate::profile::adoption::the_one_key;
use crate::profile::settings::ProfileSettings;
use crate::rotation;
use crate::session::sealing_key;
use crate::store::choose::Stores;
use crate::store::{StoreError, access_key};
use crate::text::list::first_names;
use crate::text::visible::visible;
use crate::timestamp::Timestamp;

/// The command, for the journal and for messages.
pub const TITLE: &str = "forget --everything";

pub struct Plan {
    /// The edits of the AWS files.
    pub change: Change,
    pub preview: Preview,
    pub keys: Vec<KeyToForget>,
    /// Keys that twolock put beside a profile of the credentials file, which the profile gets back.
    pub restored: Vec<AccessKeyId>,
    pub rotations: Vec<rotation::Record>,
    pub enrollments: Vec<enrollment::Record>,
    /// Why the keyring does not tell which keys of no profile it has.
    pub unsearched: Option<String>,
    /// When the last session ends, if there are sessions.
    pub last_session: Option<Timestamp>,
    /// How many files may be sessions.
    sessions: usize,
    /// Whether a store has their encryption key.
    pub has_sealing_key: bool,
    files: OwnFiles,
}

/// An access key that is deleted from the keyring.
pub struct KeyToForget {
    pub id: AccessKeyId,
    /// The profiles that the index names.
    pub profiles: Vec<ProfileName>,
    /// The profile that failures name.
    pub asked: ProfileName,
    /// Whether the keyring has it.
    is_there: bool,
    /// Whether the AWS files have it as well.
    is_in_files: bool,
}

impl Plan {
    pub fn of(context: &Context, forget_unfinished: bool) -> Result<Self> {
        must_be_finished(context, forget_unfinished)?;
        let data = context.dirs.account_data();
        let (rotations, enrollments) = (rotation::Records::of(&data).all(), enrollment::Records::of(&data).all());
        let rotations = if forget_unfinished { rotations.unwrap_or_default() } else { rotations? };
        let (keys, unsearched) = keys(context, &rotations)?;
        let has_sealing_key = has_sealing_key(context)?;
        let Released { mut change, restored, notes } = release_all(context)?;
        let preview = context.preview(&change)?;
        change.notes.extend(notes);
        change.notes.extend(notes_on_profiles(context, &preview));
        let opened = active_sessions::open(context, |_| true);
        Ok(Self {
            change,
            preview,
            keys,
            restored,
            rotations,
            enrollments: enrollments.unwrap_or_default(),
            unsearched,
            last_session: opened.sessions.iter().map(|(_, header)| header.expires).max(),
            sessions: opened.unopened.map_or(opened.sessions.len(), |unopened| unopened.files),
            has_sealing_key,
            files: OwnFiles::find(context)?,
        })
    }

    pub fn is_empty(&self) -> bool {
        self.preview.is_empty() && self.keys.is_empty() && !self.has_sealing_key && self.files.is_empty()
    }

    /// The diff, then all else that goes.
    pub fn text(&self, context: &Context) -> String {
        let mut notes = self.change.notes.clone();
        notes.extend(self.preview.notes.iter().cloned());
        notes.extend(self.keys.iter().map(|key| key.line(context)));
        if self.sessions > 0 {
            notes.push(format!(
                "{} deleted",
                sealed_files(self.sessions) + if self.sessions == 1 { " is" } else { " are" }
            ));
        }
        notes.extend(self.has_sealing_key.then(|| "the key that encrypts sessions is deleted".into()));
        notes.extend(self.files.lines());
        self.preview.diff() + &changing::notes(context, &notes)
    }
}

impl KeyToForget {
    fn line(&self, context: &Context) -> String {
        let Self { id, profiles, is_there, is_in_files, .. } = self;
        let names: Vec<&str> = profiles.iter().map(ProfileName::as_str).collect();
        let of = if names.is_empty() { String::new() } else { format!(" of {}", first_names(&names)) };
        if !is_there {
            return format!("access key {id}{of} is not in the keyring any more; its entry is deleted");
        }
        let deleted = format!("access key {id}{of} is deleted from the keyring and stays active at AWS");
        if *is_in_files {
            return format!("{deleted}; the AWS files have it, too");
        }
        // A profile takes it back if it is there and has no other key.
        let takes_it = |name: &&ProfileName| {
            let profile = context.files.profile(name.as_str());
            profile.is_some_and(|profile| STATIC_KEYS.iter().all(|half| profile.get(half).is_none()))
        };
        match profiles.iter().find(takes_it) {
            None => format!("{deleted}; this may be its last copy"),
            Some(profile) => {
                let command = CommandLine::of(Verb::Release, profile).with("--restore-key");
                format!("{deleted}; this may be its last copy; to keep it, run first: {command}")
            }
        }
    }
}

/// What is unfinished at AWS is finished first: afterwards nobody knows of it.
fn must_be_finished(context: &Context, forget_unfinished: bool) -> Result<()> {
    let unfinished = [key::rotations::remarks_under_lock(context), mfa::remarks_under_lock(&context.dirs)].concat();
    let Some((first, others)) = unfinished.split_first().filter(|_| !forget_unfinished) else { return Ok(()) };
    let failure = Failure::new(Kind::Config, format!("something is unfinished at AWS: {first}"));
    let failure = others.iter().fold(failure, |failure, other| failure.hint(other.as_str()));
    let anyway = CommandLine::new(Verb::Forget).with("--everything").with("--forget-unfinished");
    Err(failure.hint(anyway.to("to leave it as it is at AWS")))
}

/// The keys of the index, those of rotations and those of no profile that the keyring has; and why it does not tell of the
/// latter. One that may be there and cannot be read now is a failure: nobody would know of it later.
fn keys(context: &Context, rotations: &[rotation::Record]) -> Result<(Vec<KeyToForget>, Option<String>)> {
    let stores = context.stores(false);
    let mut keys: Vec<KeyToForget> = Vec::new();
    for (profile, entry) in context.index.entries() {
        let profile = ProfileName::parse(profile).map_err(|why| Failure::new(Kind::Config, why))?;
        match keys.iter_mut().find(|key| key.id == entry.id) {
            Some(key) => key.profiles.push(profile),
            None => {
                let key = KeyToForget::of(context, &stores, &entry.id, &profile)?;
                keys.push(KeyToForget { profiles: vec![profile], ..key });
            }
        }
    }
    // A rotation of a key in a file has no part in a keyring, and there may be none.
    let has_part = stores.of_access_keys().is_some() && !keys.is_empty();
    let rotated = rotations.iter().filter(|_| has_part).flat_map(|record| {
        [Some(&record.old), record.phase.new_key()].into_iter().flatten().map(|id| (id.clone(), record.profile.clone()))
    });
    let mut others: Vec<(AccessKeyId, ProfileName)> = rotated.collect();
    let unsearched = match context.keys_of_no_profile(&stores) {
        Ok(ids) => {
            others.extend(ids.into_iter().filter_map(|id| Some((id.clone(), ProfileName::parse(id.as_str()).ok()?))));
            None
        }
        Err(StoreError::NoService(_)) => None,
        Err(e) => Some(format!("{} {e}", stores.of_access_keys().map_or("the keyring", |store| store.name()))),
    };
    for (id, asked) in others {
        if keys.iter().all(|key| key.id != id) {
            let key = KeyToForget::of(context, &stores, &id, &asked)?;
            keys.extend(key.is_there.then_some(key));
        }
    }
    Ok((keys, unsearched))
}

impl KeyToForget {
    /// A key that no profile is known to have yet.
    fn of(context: &Context, stores: &Stores, id: &AccessKeyId, asked: &ProfileName) -> Result<Self> {
        let store = stores.of_access_keys().ok_or_else(|| access_key::no_keyring(asked, id))?;
        let (is_there, is_in_files) = match access_key::read(store, id) {
            Ok(key) => (true, is_in_files(context, &key)),
            Err(StoreError::Damaged(_)) => (true, false),
            Err(StoreError::Absent) => (false, false),
            Err(e) => return Err(access_key::failure(asked, id, store.about(), &e)),
        };
        Ok(Self { id: id.clone(), profiles: Vec::new(), asked: asked.clone(), is_there, is_in_files })
    }
}

/// Whether a profile of the AWS files keeps both halves of a key.
fn is_in_files(context: &Context, key: &AccessKey) -> bool {
    let halves = [key.id.as_str(), key.secret.expose()];
    context.profile_names().iter().filter_map(|name| context.files.profile(name)).any(|profile| {
        let has = |(half, value): (&&str, &str)| profile.get(half).is_some_and(|own| own.value == value);
        STATIC_KEYS.iter().zip(halves).all(has)
    })
}

/// Whether a store has the encryption key of sessions; a store that cannot say is a failure. Without a session directory,
/// which is created before the key, there is none.
fn has_sealing_key(context: &Context) -> Result<bool> {
    let answers = sealing_key::ask_each(&context.stores(false), &context.dirs.cache);
    let may_be_there = context.dirs.cache.is_dir();
    for (store, answer) in &answers {
        let Some(e) = answer else { continue };
        if may_be_there && !matches!(e, StoreError::Absent | StoreError::NoService(_) | StoreError::Damaged(_)) {
            let cause = format!("{} {e}, and it may have the key that encrypts sessions", store.name);
            let failure = Failure::new(Kind::Keyring, cause);
            return Err(store
                .unlock
                .iter()
                .fold(failure, |f, unlock| f.hint(format!("{unlock}, then run this again"))));
        }
    }
    Ok(answers.iter().any(|(_, answer)| matches!(answer, None | Some(StoreError::Damaged(_)))))
}

/// What takes every profile back.
struct Released {
    change: Change,
    /// The keys that return to their profiles.
    restored: Vec<AccessKeyId>,
    notes: Vec<String>,
}

fn release_all(context: &Context) -> Result<Released> {
    let (mut edits, mut restored, mut notes) = (Edits::default(), Vec::new(), Vec::new());
    for name in context.files.profile_names() {
        let Some(profile) = context.files.profile(&name) else { continue };
        let key = kept_beside(context, &profile)?;
        if let Some(key) = &key {
            notes.extend(ProfileName::parse(&name).ok().and_then(|name| used_without_mfa(context, &name, &key.id)));
            restored.push(key.id.clone());
        }
        edits.forget(&context.files, &profile, key);
    }
    // What an interrupted rotation left is of no use without its record.
    for name in context.new_key_sections() {
        if let Some(id) = context.files.credentials.section(&name).as_ref().and_then(|kept| kept.get(STATIC_KEYS[0])) {
            let (id, of) = (&id.value, visible(&name));
            notes.push(format!(
                "access key {id} of '{of}' is removed and stays active at AWS; this may be its last copy"
            ));
        }
        edits.last.push(Edit::TakeOut { profile: name, keys: STATIC_KEYS.map(String::from).into() });
    }
    let mut change = Change::new(TITLE);
    change.edit_files(edits);
    Ok(Released { change, restored, notes })
}

/// The key that adopting put beside the profile, if the profile can have it back: it has no other one.
fn kept_beside(context: &Context, profile: &Profile) -> Result<Option<AccessKey>> {
    let Ok(name) = ProfileName::parse(&profile.name) else { return Ok(None) };
    if !is_kept_beside(ProfileSettings::of(profile, &name)) {
        return Ok(None);
    }
    let Ok(key) = the_one_key(&keys_profile(&name), context.quiet()) else { return Ok(None) };
    let expected = [key.id.as_str(), key.secret.expose()];
    let is_other = |(half, expected): (&&str, &str)| profile.get(half).is_some_and(|own| own.value != expected);
    let has_token = STATIC_KEYS[2..].iter().any(|token| profile.get(token).is_some());
    if has_token || STATIC_KEYS.iter().zip(expected).any(is_other) {
        return Ok(None);
    }
    refuse_other_references(context, &name, &keys_profile(&name))?;
    Ok(Some(key))
}

/// What to know of profiles afterwards: those that AWS tools use without MFA, and settings that are not ours alone.
fn notes_on_profiles(context: &Context, after: &Preview) -> Vec<String> {
    let mut notes = Vec::new();
    // Builds the index, so that each profile is found without a search.
    after.files.profile_names();
    for name in context.files.profile_names().iter().filter_map(|name| ProfileName::parse(name).ok()) {
        let Some(profile) = context.files.profile(name.as_str()) else { continue };
        if profile.get("twolock_role_arn").is_some() {
            notes.extend(without_mfa(context, after, &name));
        }
        if let Some(process) = profile.get("mfa_process") {
            let place = &process.place;
            notes.push(format!("mfa_process of '{name}' ({place}) stays, because aws-vault reads it, too"));
        }
    }
    notes
}
