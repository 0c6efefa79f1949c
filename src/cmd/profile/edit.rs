//! `profile set`, `unset`, `rename` and `remove`: edits of one profile.

use std::collections::HashSet;
use std::path::PathBuf;

use crate::aws_files::Profile;
use crate::aws_files::edit::{Edit, PREFIX};
use crate::aws_files::file::FileKind;
use crate::change::preview::Preview;
use crate::change::{Act, Change};
use crate::cli::ChangeFlags;
use crate::cmd::active_sessions;
use crate::cmd::changing::make_and_say;
use crate::cmd::context::{Context, Planned, paths};
use crate::cmd::profile::notes::{on_lost_callers, on_lost_mfa};
use crate::cmd::profile::protect;
use crate::credentials::{AccessKeyId, STATIC_KEYS};
use crate::error::{Failure, Kind, Result};
use crate::hint::{CommandLine, Verb};
use crate::names::ProfileName;
use crate::ours::aliases;
use crate::ours::key_index::IndexEdit;
use crate::ours::settings::SettingEdit;
use crate::profile::Sources;
use crate::profile::adoption::kept_key::{is_kept_beside, keys_profile};
use crate::profile::base::Base;
use crate::profile::facts::references;
use crate::profile::keys::{self, KEYS, Mistake};
use crate::profile::settings::ProfileSettings;
use crate::secret;
use crate::text::list::counted;
use crate::text::visible::{refused, visible};

const QUESTION: &str = "make this change?";

/// Sets one key, in the file that takes precedence.
pub fn set(
    context: &Context,
    name: &ProfileName,
    key: &str,
    value: &str,
    title: &str,
    flags: ChangeFlags,
) -> Result<u8> {
    let key = key.to_ascii_lowercase();
    let profile = context.existing(name)?;
    refuse_secrets(&profile, &key)?;
    refuse_mistakes(name, &key)?;
    let settings = ProfileSettings::of(&profile, name);
    if key == "twolock_protected" && value.eq_ignore_ascii_case("true") {
        return protect::run(context, settings, value, title, flags);
    }
    protect::refuse_readable(settings, &key)?;
    let in_credentials = profile.credentials.as_ref().is_some_and(|section| section.get(&key).is_some());
    let kind = if in_credentials { FileKind::Credentials } else { FileKind::Config };
    let mut change = Change::new(title);
    if in_credentials {
        let file = context.files.credentials.shown();
        change.notes.push(format!("{key} is set in {file}, which takes precedence, so it is changed there"));
    }
    if matches!(key.as_str(), "source_profile" | "twolock_source_profile") && context.files.profile(value).is_none() {
        change.notes.push(context.does_not_exist_yet(value));
    }
    let edit = Edit::Set { profile: name.to_string(), key: key.clone(), value: value.into() };
    change.acts.push(Act::EditFile { kind, edits: vec![edit], holds: Vec::new() });
    let preview = context.preview(&change)?;
    check(&preview, name, &key)?;
    protect::must_take_effect(&preview, name, &key)?;
    refuse_itself(context.sources_after(&preview), name, &key, value)?;
    change.notes.extend(note_on(&preview, name, &key));
    change.notes.extend(note_on_device(context, &preview, name, &key));
    change.notes.extend(losses(context, &preview, name));
    make_and_say(context, &change, &preview, QUESTION, flags, &format!("set {key} of {name}"))
}

/// Removes keys from both files, so that the other file's value does not become effective.
pub fn unset(context: &Context, name: &ProfileName, keys: &[String], title: &str, flags: ChangeFlags) -> Result<u8> {
    let profile = context.existing(name)?;
    let keys: Vec<String> = keys.iter().map(|key| key.to_ascii_lowercase()).collect();
    let mut change = Change::new(title);
    if keys.iter().any(|key| STATIC_KEYS[..2].contains(&key.as_str())) {
        change.notes.extend(note_on_last_copy(context, &profile));
    }
    let unset = |key: &String| Edit::Unset { profile: name.to_string(), key: key.clone() };
    change.edit_both(&keys.iter().map(unset).collect::<Vec<_>>());
    let preview = context.preview(&change)?;
    change.notes.extend(losses(context, &preview, name));
    make_and_say(context, &change, &preview, QUESTION, flags, &format!("removed {} of {name}", keys.join(", ")))
}

/// What a profile no longer has after an edit: callers that use twolock for it, MFA, protection.
fn losses(context: &Context, preview: &Preview, name: &ProfileName) -> Vec<String> {
    let callers = on_lost_callers(&context.callers(), &context.callers_after(preview), name);
    let protection = protect::on_lost_protection(context, preview, name);
    callers.into_iter().chain(on_lost_mfa(context, preview, name)).chain(protection).collect()
}

/// Every user of the machine can see arguments, and the shell's history keeps them (threat-model P3).
fn refuse_secrets(profile: &Profile, key: &str) -> Result<()> {
    if !STATIC_KEYS.contains(&key) && !secret::is_name(key) {
        return Ok(());
    }
    let cause = format!("{key} cannot be given as an argument: other users can see the arguments of every process");
    Err(Failure::new(Kind::Usage, cause).of_profile(&profile.name).hint(CommandLine::of(Verb::KeyAdd, &profile.name)))
}

/// Refuses a key that nobody reads, and that is nearly one that somebody does.
fn refuse_mistakes(name: &ProfileName, key: &str) -> Result<()> {
    let unknown = Failure::new(Kind::Usage, format!("unknown key '{}'", refused(key))).of_profile(name);
    match keys::mistake(key) {
        None => Ok(()),
        Some(Mistake::Nearly(meant)) => Err(unknown.hint(format!("did you mean '{meant}'?"))),
        Some(Mistake::NotOurs) => {
            let ours: Vec<&str> = KEYS.iter().copied().filter(|known| known.starts_with(PREFIX)).collect();
            Err(unknown.hint(format!("the keys of twolock: {}", ours.join(", "))))
        }
    }
}

/// Refuses a value that would make the plan fail.
fn check(preview: &Preview, name: &ProfileName, key: &str) -> Result<()> {
    let Some(profile) = preview.files.profile(name.as_str()) else { return Ok(()) };
    let usage = |failure| Failure { kind: Kind::Usage, place: None, ..failure };
    ProfileSettings::of(&profile, name).check(key).map_err(usage)
}

/// A profile with a key of its own may name itself as its source (aws-contract 2.4); another one would be a loop.
fn refuse_itself(after: Sources<'_>, name: &ProfileName, key: &str, value: &str) -> Result<()> {
    let is_itself = matches!(key, "source_profile" | "twolock_source_profile") && value == name.as_str();
    let Some(profile) = after.files.profile(name.as_str()).filter(|_| is_itself) else { return Ok(()) };
    match Base::key_of(after, ProfileSettings::of(&profile, name))? {
        Some(_) => Ok(()),
        None => {
            let cause =
                format!("{key} cannot be '{name}' itself, which has no access key: name the profile that has it");
            Err(Failure::new(Kind::Usage, cause).of_profile(name))
        }
    }
}

/// What to know of a key that the profile does not use.
fn note_on(preview: &Preview, name: &ProfileName, key: &str) -> Option<String> {
    let profile = preview.files.profile(name.as_str())?;
    let (setting, note) = ProfileSettings::of(&profile, name).note_on_duration()?;
    (setting.key == key).then(|| note.into())
}

/// What to know of a device that the profile's credentials take no code of.
fn note_on_device(context: &Context, preview: &Preview, name: &ProfileName, key: &str) -> Option<String> {
    let plan = |sources| context.plan_of(sources, name).map(|planned| planned.plan);
    let before = plan(context.quiet()).ok().filter(|plan| key == "mfa_serial" && plan.base.is_temporary())?;
    match plan(context.sources_after(preview)) {
        Ok(after) => after.notes.into_iter().find(|note| !before.notes.contains(note)),
        Err(failure) => {
            Some(format!("after this, twolock cannot get credentials for '{name}': {}", failure.shown_cause()))
        }
    }
}

/// Renames a profile, and updates whatever refers to it.
pub fn rename(context: &Context, old: &ProfileName, new: &ProfileName, title: &str, flags: ChangeFlags) -> Result<u8> {
    let profile = context.existing(old)?;
    must_not_exist(context, new.as_str())?;
    let entry = context.index.get(old);
    let mut change = Change::new(title);
    if let Some(left) = context.index.get(new).filter(|left| entry.is_none_or(|entry| entry.id != left.id)) {
        change.notes.push(format!("access key {} of a former profile '{new}' stays in the keyring, unused", left.id));
        change.acts.push(Act::EditIndex(IndexEdit::Drop { profile: new.clone(), id: left.id.clone() }));
    }
    if let Some(entry) = entry {
        change.notes.push(format!("its key {} in the keyring is renamed as well", entry.id.as_str()));
        // The index has the key under both names while the files change.
        change.acts.push(Act::EditIndex(IndexEdit::Copy { from: old.clone(), to: new.clone() }));
    }
    change.edit_both(&[Edit::Rename { profile: old.to_string(), to: new.to_string() }]);
    if is_kept_beside(ProfileSettings::of(&profile, old)) {
        let (keys, new_keys) = (keys_profile(old), keys_profile(new));
        must_not_exist(context, &new_keys)?;
        change.edit_both(&[Edit::Rename { profile: keys, to: new_keys }]);
    }
    if let Some(entry) = entry {
        change.acts.push(Act::EditIndex(IndexEdit::Drop { profile: old.clone(), id: entry.id.clone() }));
    }
    rename_in_aliases(context, old, new, &mut change);
    let preview = context.preview(&change)?;
    make_and_say(context, &change, &preview, "make these changes?", flags, &format!("renamed {old} to {new}"))
}

fn must_not_exist(context: &Context, name: &str) -> Result<()> {
    let failure = Failure::new(Kind::Config, format!("profile '{name}' already exists"));
    context.files.profile(name).map_or(Ok(()), |existing| Err(failure.at(&existing.place)))
}

fn rename_in_aliases(context: &Context, old: &ProfileName, new: &ProfileName, change: &mut Change) {
    let aliases = &context.settings.aliases;
    if aliases.get(new.as_str()).is_some_and(|alias| alias.profile != *old) {
        change.notes.push(format!("alias '{}' will be hidden by the profile", visible(new.as_str())));
    }
    let names: Vec<String> = aliases.of(old.as_str()).map(|(alias, _)| format!("'{}'", visible(alias))).collect();
    if names.is_empty() {
        return;
    }
    change.notes.push(match names.len() {
        1 => format!("alias {} is updated as well", names[0]),
        _ => format!("aliases {} are updated as well", names.join(", ")),
    });
    let edit = SettingEdit::RenameInAliases { old: old.to_string(), new: new.to_string() };
    change.acts.push(Act::EditSettings { file: paths(&context.dirs).account_file, edit });
}

/// Removes a profile from both files, and its sessions unless other profiles use them.
pub fn remove(context: &Context, name: &ProfileName, title: &str, flags: ChangeFlags) -> Result<u8> {
    let profile = context.existing(name)?;
    let mut change = Change { notes: remaining_references(context, name), ..Change::new(title) };
    if let Some(entry) = context.index.get(name) {
        change.notes.push(format!("its key {} {}", entry.id, context.stays_in_keyring(name, &entry.id)));
    }
    if is_kept_beside(ProfileSettings::of(&profile, name)) {
        change.notes.push(format!("its key stays in profile '{}'", keys_profile(name)));
    }
    change.notes.extend(note_on_last_copy(context, &profile));
    change.edit_both(&[Edit::Remove { profile: name.to_string() }]);
    let sessions = unshared_sessions(context, name);
    if !sessions.is_empty() {
        let count = counted(sessions.len(), "session");
        change.notes.push(format!("{count} used only by this profile will end"));
        change.acts.push(Act::ForgetSessions(sessions));
    }
    let question = if change.notes.is_empty() { "remove it?" } else { "remove it anyway?" };
    let preview = context.preview(&change)?;
    make_and_say(context, &change, &preview, question, flags, &format!("removed {name}"))
}

/// Says that this profile has the last copy of its access key, which AWS does not show a second time.
fn note_on_last_copy(context: &Context, profile: &Profile) -> Option<String> {
    let key_of = |profile: &Profile| {
        let [id, _] = STATIC_KEYS[..2].iter().map(|key| profile.get(key)).collect::<Option<Vec<_>>>()?[..] else {
            return None;
        };
        AccessKeyId::parse(&id.value).ok().filter(|id| !id.is_temporary())
    };
    let id = key_of(profile)?;
    let others = context.files.profile_names().into_iter().filter(|name| *name != profile.name);
    let has_it = |name: String| context.files.profile(&name).and_then(|other| key_of(&other)).as_ref() == Some(&id);
    let is_last = context.index.profiles_with(&id).next().is_none() && !others.into_iter().any(has_it);
    is_last.then(|| {
        format!(
            "this deletes the last copy of access key {id} that twolock knows of; AWS accepts the key until \
             you delete it: IAM > Users > Security credentials in the console"
        )
    })
}

fn remaining_references(context: &Context, name: &ProfileName) -> Vec<String> {
    let profiles = references(&context.files, name.as_str()).into_iter().map(|(profile, setting)| {
        format!("profile '{}' still refers to it: {} ({})", visible(&profile), setting.key, setting.place)
    });
    let aliases = context.settings.aliases.of(name.as_str()).map(|(alias, at)| {
        let unset = CommandLine::new(Verb::SettingsUnset).with(aliases::setting_of(alias));
        format!("alias '{}' still refers to it ({}): {unset}", visible(alias), at.place)
    });
    profiles.chain(aliases).collect()
}

/// The sealed sessions of this profile's plan that no other profile's plan uses.
fn unshared_sessions(context: &Context, name: &ProfileName) -> Vec<PathBuf> {
    let identities =
        |name: &str| -> HashSet<_> { context.plan_quietly(name).as_ref().map(Planned::identities).unwrap_or_default() };
    let mut own = identities(name.as_str());
    if active_sessions::files_of(context, &own).is_empty() {
        return Vec::new();
    }
    for other in context.files.profile_names().iter().filter(|other| *other != name.as_str()) {
        let used = identities(other);
        own.retain(|identity| !used.contains(identity));
    }
    active_sessions::files_of(context, &own)
}
