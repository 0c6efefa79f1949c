//! `profile rename`: a profile, and whatever names it.

use crate::aws_files::edit::Edit;
use crate::change::{Act, Change};
use crate::cli::ChangeFlags;
use crate::error::{Failure, Kind, Result};
use crate::names::ProfileName;
use crate::ours::key_index::IndexEdit;
use crate::ours::settings::SettingEdit;
use crate::profile::adoption::kept_key::{is_kept_beside, keys_profile};
use crate::profile::settings::ProfileSettings;
use crate::text::visible::visible;

use super::super::changing::make;
use crate::cmd::context::{Context, paths};

/// Renames a profile and whatever names it.
pub fn run(context: &Context, old: &ProfileName, new: &ProfileName, title: &str, flags: ChangeFlags) -> Result<u8> {
    let profile = context.existing(old)?;
    must_be_free(context, new.as_str())?;
    let entry = context.index.get(old);
    if context.index.get(new).is_some_and(|taken| entry.is_none_or(|entry| entry.id != taken.id)) {
        let cause = format!("the key index already has a key for '{new}'");
        return Err(Failure::new(Kind::Config, cause));
    }
    let mut change = Change::new(title);
    if let Some(entry) = entry {
        change.notes.push(format!("its key {} in the keyring goes with it", entry.id.as_str()));
        // The index names the key under both names while the files change.
        change.acts.push(Act::EditIndex(IndexEdit::Copy { from: old.clone(), to: new.clone() }));
    }
    change.edit_both(&Edit::Rename { profile: old.to_string(), to: new.to_string() });
    if is_kept_beside(ProfileSettings::of(&profile, old)) {
        let (keys, new_keys) = (keys_profile(old), keys_profile(new));
        must_be_free(context, &new_keys)?;
        change.edit_both(&Edit::Rename { profile: keys, to: new_keys });
    }
    if let Some(entry) = entry {
        change.acts.push(Act::EditIndex(IndexEdit::Drop { profile: old.clone(), id: entry.id.clone() }));
    }
    rename_in_aliases(context, old, new, &mut change);
    let preview = context.preview(&change)?;
    make(context, &change, &preview, "make these changes?", flags).map(|_| 0)
}

/// Refuses a name that a profile has.
fn must_be_free(context: &Context, name: &str) -> Result<()> {
    match context.files.profile(name) {
        Some(taken) => {
            let cause = format!("profile '{name}' already exists");
            Err(Failure::new(Kind::Config, cause).at(&taken.place))
        }
        None => Ok(()),
    }
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
        1 => format!("alias {} goes with it", names[0]),
        _ => format!("aliases {} go with it", names.join(", ")),
    });
    let edit = SettingEdit::RenameInAliases { old: old.to_string(), new: new.to_string() };
    change.acts.push(Act::EditSettings { file: paths(&context.dirs).file, edit });
}
