//! `profile set`, `unset`, `rename`, `remove`: edits of the two AWS files, every other byte kept.

use std::collections::HashSet;

use crate::cli::Making;
use crate::config::file::{AwsFile, Kind as FileKind};
use crate::config::key_index::KeyIndex;
use crate::config::process_line::ProcessLine;
use crate::config::{Profile, Setting, aliases, settings};
use crate::credentials::{AccessKeyId, STATIC_KEYS};
use crate::error::{Failure, Kind, Result};
use crate::names::ProfileName;
use crate::profile::adoption::edits::{is_kept_beside, keys_profile};
use crate::profile::settings::ProfileSettings;
use crate::secret;
use crate::session::cache;
use crate::session::sealed::Header;
use crate::system::folders::shorten;
use crate::visible::{as_word, visible};

use super::change::{self, Change, Errand, When};
use super::logout;
use super::profile::{is_adopted, unknown};
use super::world::{World, paths};

/// Sets one key where it counts.
pub fn set(world: &World, name: &ProfileName, key: &str, value: &str, making: Making) -> Result<u8> {
    let key = key.to_ascii_lowercase();
    let profile = known(world, name)?;
    refuse_secrets(&profile, &key)?;
    // The credentials file wins: a key that stands there would hide what the config file says.
    let in_credentials = profile.credentials.as_ref().is_some_and(|section| section.get(&key).is_some());
    let kind = if in_credentials { FileKind::Credentials } else { FileKind::Config };
    let mut notes = Vec::new();
    if in_credentials {
        notes.push(format!("{key} stands in {}, which wins, so it is changed there", world.files.credentials.shown()));
    }
    if matches!(key.as_str(), "source_profile" | "twolock_source_profile") && world.files.profile(value).is_none() {
        notes.push(format!("there is no profile '{}' yet", visible(value)));
    }
    let of_profile = |failure: Failure| failure.of_profile(visible(name.as_str()));
    let edit = |file: &AwsFile| {
        let edited = file.set(name.as_str(), &key, value).map_err(of_profile)?;
        check(file, kind, edited.bytes.clone(), name, &key)?;
        Ok(edited)
    };
    let changes = [Change { kind, edit: Box::new(edit) }];
    change::make(world, &changes, &[], &notes, "make this change?", making).map(|_| 0)
}

/// Takes one key out of both files: what is left in one of them would count again.
pub fn unset(world: &World, name: &ProfileName, key: &str, making: Making) -> Result<u8> {
    known(world, name)?;
    let of_profile = |failure: Failure| failure.of_profile(visible(name.as_str()));
    let edit = |file: &AwsFile| file.unset(name.as_str(), key).map_err(of_profile);
    let changes = both(edit);
    change::make(world, &changes, &[], &[], "make this change?", making).map(|_| 0)
}

/// Renames a profile and whatever names it.
pub fn rename(world: &World, old: &ProfileName, new: &ProfileName, making: Making) -> Result<u8> {
    let profile = known(world, old)?;
    must_be_free(world, new.as_str())?;
    let entry = world.index.get(old);
    if world.index.get(new).is_some_and(|taken| entry.is_none_or(|entry| entry.id != taken.id)) {
        let cause = format!("the keyring's index already has a key for '{}'", visible(new.as_str()));
        return Err(Failure::new(Kind::Config, cause));
    }
    let of_profile = |failure: Failure| failure.of_profile(visible(old.as_str()));
    let (keys, new_keys) = (keys_profile(old), keys_profile(new));
    let mut changes = Vec::from(both(|file: &AwsFile| file.rename(old.as_str(), new.as_str()).map_err(of_profile)));
    if is_kept_beside(ProfileSettings::of(&profile, old)) {
        must_be_free(world, &new_keys)?;
        changes.extend(both(|file: &AwsFile| file.rename(&keys, &new_keys).map_err(of_profile)));
    }
    let mut errands = Vec::new();
    let mut notes = Vec::new();
    if let Some(entry) = entry {
        notes.push(format!("its key {} in the keyring goes with it", entry.id.as_str()));
        errands.extend(rename_in_index(world, old, new, &entry.id));
    }
    errands.extend(rename_aliases(world, old, new, &mut notes));
    change::make(world, &changes, &errands, &notes, "make these changes?", making).map(|_| 0)
}

/// Refuses a name that a profile has.
fn must_be_free(world: &World, name: &str) -> Result<()> {
    match world.files.profile(name) {
        Some(taken) => {
            let cause = format!("there is a profile '{}' already", visible(name));
            Err(Failure::new(Kind::Config, cause).at(&taken.place))
        }
        None => Ok(()),
    }
}

/// The index names the key under both names while the files change.
fn rename_in_index<'a>(
    world: &World,
    old: &'a ProfileName,
    new: &'a ProfileName,
    id: &'a AccessKeyId,
) -> [Errand<'a>; 2] {
    let path = || world.folders.data.join("keys.json");
    let problem = |why| Failure::new(Kind::Config, format!("keys.json {why}"));
    let copied = move |bytes: &[u8]| KeyIndex::copied(bytes, old.as_str(), new.as_str()).map_err(problem);
    let without = move |bytes: &[u8]| KeyIndex::without(bytes, old.as_str(), id).map_err(problem);
    [
        Errand { when: When::Before, path: path(), edit: Box::new(copied) },
        Errand { when: When::After, path: path(), edit: Box::new(without) },
    ]
}

/// The edit of `config.toml` that goes with a renamed profile, if an alias stands for it.
fn rename_aliases<'a>(
    world: &World,
    old: &'a ProfileName,
    new: &'a ProfileName,
    notes: &mut Vec<String>,
) -> Option<Errand<'a>> {
    let aliases = &world.settings.aliases;
    if aliases.get(new.as_str()).is_some_and(|alias| alias.profile != *old) {
        notes.push(format!("alias '{}' is hidden by the profile from now on", visible(new.as_str())));
    }
    let names: Vec<String> = aliases.of(old.as_str()).map(|(alias, _)| format!("'{}'", visible(alias))).collect();
    if names.is_empty() {
        return None;
    }
    notes.push(match names.len() {
        1 => format!("alias {} goes with it", names[0]),
        _ => format!("aliases {} go with it", names.join(", ")),
    });
    let file = paths(&world.folders).file;
    let shown = shorten(&file, &world.folders.home);
    let renamed = move |bytes: &[u8]| {
        let text = settings::text(bytes, &shown)?;
        settings::rename_in_aliases(text, &shown, old.as_str(), new.as_str()).map(String::into_bytes)
    };
    Some(Errand { when: When::After, path: file, edit: Box::new(renamed) })
}

/// Removes a profile from both files, and the sessions nobody else uses.
pub fn remove(world: &World, name: &ProfileName, making: Making) -> Result<u8> {
    let profile = known(world, name)?;
    let mut notes: Vec<String> = references(world, name.as_str())
        .iter()
        .map(|(profile, setting)| {
            format!("profile '{}' still names it: {} ({})", visible(profile), setting.key, setting.place)
        })
        .collect();
    notes.extend(world.settings.aliases.of(name.as_str()).map(|(alias, at)| {
        let word = as_word(&aliases::setting_of(alias));
        format!("alias '{}' still names it ({}): twolock settings unset {word}", visible(alias), at.place)
    }));
    if let Some(entry) = world.index.get(name) {
        notes.push(format!("its key {} stays in the keyring", entry.id.as_str()));
    }
    if is_kept_beside(ProfileSettings::of(&profile, name)) {
        notes.push(format!("its key stays in profile '{}'", keys_profile(name)));
    }
    let sessions = sessions_of_its_own(world, name);
    if !sessions.is_empty() {
        notes.push(format!("{} of its sessions will be forgotten", sessions.len()));
    }
    let of_profile = |failure: Failure| failure.of_profile(visible(name.as_str()));
    let changes = both(|file: &AwsFile| file.remove(name.as_str()).map_err(of_profile));
    let question = if notes.is_empty() { "remove it?" } else { "remove it all the same?" };
    if change::make(world, &changes, &[], &notes, question, making)? {
        sessions.iter().try_for_each(|(path, _)| logout::remove(path))?;
    }
    Ok(0)
}

fn both<'a>(edit: impl Fn(&AwsFile) -> Result<crate::config::edit::Edited> + Copy + 'a) -> [Change<'a>; 2] {
    [FileKind::Config, FileKind::Credentials].map(|kind| Change { kind, edit: Box::new(edit) })
}

/// The profile of that name, which has to be there.
pub fn known(world: &World, name: &ProfileName) -> Result<Profile> {
    world.files.profile(name.as_str()).ok_or_else(|| {
        let names: Vec<String> =
            world.files.profile_names().iter().take(8).map(|n| format!("'{}'", visible(n))).collect();
        let failure = unknown(name);
        if names.is_empty() { failure } else { failure.hint(format!("profiles: {}", names.join(", "))) }
    })
}

/// Arguments are seen by every user of the machine, and stay in the shell's history (threat-model P3).
fn refuse_secrets(profile: &Profile, key: &str) -> Result<()> {
    if !STATIC_KEYS.contains(&key) && !secret::is_name(key) {
        return Ok(());
    }
    let cause = format!("{} is not taken as an argument: other users see the arguments of every process", visible(key));
    let word = as_word(&profile.name);
    let configure = format!("aws configure --profile {word}");
    // A key beside the line that calls us would pass us by.
    let hint = if is_adopted(profile) { format!("{configure} && twolock profile adopt {word}") } else { configure };
    Err(Failure::new(Kind::Usage, cause).of_profile(visible(&profile.name)).hint(hint))
}

/// Refuses a value the plan would refuse later.
fn check(file: &AwsFile, kind: FileKind, bytes: Vec<u8>, name: &ProfileName, key: &str) -> Result<()> {
    let new = AwsFile::from_bytes(kind, file.shown().into(), bytes);
    let Some(section) = new.section(name.as_str()) else { return Ok(()) };
    let place = crate::error::Place { file: file.shown().into(), line: section.header_line };
    let profile = Profile { name: name.as_str().into(), place, config: Some(section), credentials: None };
    ProfileSettings::of(&profile, name)
        .check(key)
        .map_err(|failure| Failure::new(Kind::Usage, failure.cause).of_profile(visible(name.as_str())))
}

/// The settings of other profiles that name this one.
pub fn references(world: &World, name: &str) -> Vec<(String, Setting)> {
    let mut found = Vec::new();
    for other in world.files.profile_names().into_iter().filter(|other| other != name) {
        let Some(profile) = world.files.profile(&other) else { continue };
        let sections = [profile.config, profile.credentials].into_iter().flatten();
        let names_it = |setting: &Setting| match setting.key.as_str() {
            "source_profile" | "twolock_source_profile" => setting.value == name,
            "credential_process" => ProcessLine::parse(&setting.value).is_some_and(|line| line.profile == name),
            _ => false,
        };
        found.extend(sections.flat_map(|s| s.settings).filter(|s| names_it(s)).map(|s| (other.clone(), s)));
    }
    found
}

/// The sealed sessions of this profile's plan that no other profile's plan uses.
fn sessions_of_its_own(world: &World, name: &ProfileName) -> Vec<(std::path::PathBuf, Header)> {
    let hexes = |name: &ProfileName| -> HashSet<String> {
        world
            .plan_if_any(name.as_str())
            .map(|planned| planned.identities().iter().map(|i| i.hex()).collect())
            .unwrap_or_default()
    };
    let mut own = hexes(name);
    if own.is_empty() {
        return Vec::new();
    }
    let found: Vec<_> = cache::headers(&world.folders.cache);
    if !found.iter().any(|(_, header)| own.contains(&header.identity)) {
        return Vec::new();
    }
    for other in world.files.profile_names().iter().filter(|other| *other != name.as_str()) {
        if let Ok(other) = ProfileName::parse(other) {
            let used = hexes(&other);
            own.retain(|identity| !used.contains(identity));
        }
    }
    found.into_iter().filter(|(_, header)| own.contains(&header.identity)).collect()
}
