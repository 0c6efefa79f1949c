//! `profile set` and `profile unset`: one key of a profile.

use crate::aws_files::Profile;
use crate::aws_files::edit::Edit;
use crate::aws_files::file::FileKind;
use crate::change::preview::Preview;
use crate::change::{Act, Change};
use crate::cli::ChangeFlags;
use crate::credentials::STATIC_KEYS;
use crate::error::{Failure, Kind, Result};
use crate::hint::{CommandLine, Verb};
use crate::names::ProfileName;
use crate::profile::facts::names_twolock;
use crate::profile::settings::ProfileSettings;
use crate::secret;
use crate::text::visible::visible;

use super::super::changing::make;
use crate::cmd::context::Context;

const QUESTION: &str = "make this change?";

/// Sets one key where it counts.
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
    // The credentials file wins: a key that stands there would hide what the config file says.
    let in_credentials = profile.credentials.as_ref().is_some_and(|section| section.get(&key).is_some());
    let kind = if in_credentials { FileKind::Credentials } else { FileKind::Config };
    let mut change = Change::new(title);
    if in_credentials {
        let file = context.files.credentials.shown();
        change.notes.push(format!("{key} is set in {file}, which takes precedence, so it is changed there"));
    }
    if matches!(key.as_str(), "source_profile" | "twolock_source_profile") && context.files.profile(value).is_none() {
        change.notes.push(format!("there is no profile '{}' yet", visible(value)));
    }
    let edit = Edit::Set { profile: name.to_string(), key: key.clone(), value: value.into() };
    change.acts.push(Act::EditFile { kind, edits: vec![edit], holds: Vec::new() });
    let preview = context.preview(&change)?;
    check(&preview, kind, name, &key)?;
    make(context, &change, &preview, QUESTION, flags).map(|_| 0)
}

/// Takes one key out of both files: what is left in one of them would count again.
pub fn unset(context: &Context, name: &ProfileName, key: &str, title: &str, flags: ChangeFlags) -> Result<u8> {
    context.existing(name)?;
    let mut change = Change::new(title);
    change.edit_both(&Edit::Unset { profile: name.to_string(), key: key.to_ascii_lowercase() });
    let preview = context.preview(&change)?;
    make(context, &change, &preview, QUESTION, flags).map(|_| 0)
}

/// Arguments are seen by every user of the machine, and stay in the shell's history (threat-model P3).
fn refuse_secrets(profile: &Profile, key: &str) -> Result<()> {
    if !STATIC_KEYS.contains(&key) && !secret::is_name(key) {
        return Ok(());
    }
    let cause = format!("{key} cannot be given as an argument: other users can see the arguments of every process");
    let configure = CommandLine::other("aws configure --profile").of_profile(&profile.name);
    // A key beside the line that calls us would pass us by.
    let hint = match names_twolock(profile) {
        true => configure.and(CommandLine::of(Verb::Adopt, &profile.name)),
        false => configure,
    };
    Err(Failure::new(Kind::Usage, cause).of_profile(&profile.name).hint(hint))
}

/// Refuses a value the plan would refuse later.
fn check(preview: &Preview, kind: FileKind, name: &ProfileName, key: &str) -> Result<()> {
    let Some(profile) = preview.files.profile(name.as_str()) else { return Ok(()) };
    let (config, credentials) = match kind {
        FileKind::Config => (profile.config, None),
        FileKind::Credentials => (None, profile.credentials),
    };
    let profile = Profile { config, credentials, name: profile.name, place: profile.place };
    ProfileSettings::of(&profile, name)
        .check(key)
        .map_err(|failure| Failure::new(Kind::Usage, failure.cause).of_profile(name))
}
