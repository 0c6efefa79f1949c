//! `profile remove`: a profile, and the sessions nobody else uses.

use std::collections::HashSet;
use std::path::PathBuf;

use crate::aws_files::edit::Edit;
use crate::change::{Act, Change};
use crate::cli::ChangeFlags;
use crate::error::Result;
use crate::hint::{CommandLine, Verb};
use crate::names::ProfileName;
use crate::ours::aliases;
use crate::profile::adoption::kept_key::{is_kept_beside, keys_profile};
use crate::profile::facts::references;
use crate::profile::settings::ProfileSettings;
use crate::session::identity::Identity;
use crate::text::visible::visible;

use super::super::changing::make;
use crate::cmd::active_sessions;
use crate::cmd::context::Context;

/// Removes a profile from both files, and the sessions nobody else uses.
pub fn run(context: &Context, name: &ProfileName, title: &str, flags: ChangeFlags) -> Result<u8> {
    let profile = context.existing(name)?;
    let mut change = Change { notes: still_named(context, name), ..Change::new(title) };
    if let Some(entry) = context.index.get(name) {
        change.notes.push(format!("its key {} stays in the keyring", entry.id.as_str()));
    }
    if is_kept_beside(ProfileSettings::of(&profile, name)) {
        change.notes.push(format!("its key stays in profile '{}'", keys_profile(name)));
    }
    change.edit_both(&Edit::Remove { profile: name.to_string() });
    let sessions = sessions_of_its_own(context, name);
    if !sessions.is_empty() {
        change.notes.push(format!("{} of its sessions will be ended", sessions.len()));
        change.acts.push(Act::ForgetSessions(sessions));
    }
    let question = if change.notes.is_empty() { "remove it?" } else { "remove it anyway?" };
    let preview = context.preview(&change)?;
    make(context, &change, &preview, question, flags).map(|_| 0)
}

/// Profiles and aliases that name it.
fn still_named(context: &Context, name: &ProfileName) -> Vec<String> {
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
fn sessions_of_its_own(context: &Context, name: &ProfileName) -> Vec<PathBuf> {
    let identities = |name: &str| -> HashSet<Identity> {
        let planned = context.plan_quietly(name);
        planned.map(|planned| planned.steps().iter().map(|step| step.identity).collect()).unwrap_or_default()
    };
    let mut own = identities(name.as_str());
    let mut found = active_sessions::open(context, |header| own.contains(&header.identity)).sessions;
    if found.is_empty() {
        return Vec::new();
    }
    for other in context.files.profile_names().iter().filter(|other| *other != name.as_str()) {
        let used = identities(other);
        own.retain(|identity| !used.contains(identity));
    }
    found.retain(|(_, header)| own.contains(&header.identity));
    found.into_iter().map(|(path, _)| path).collect()
}
