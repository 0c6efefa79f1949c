//! `settings`: reads and edits our own `config.toml`.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use serde_json::json;

use crate::change::{Act, Change};
use crate::cli;
use crate::error::{Failure, Kind, Result};
use crate::ours::settings::{self, KNOWN, SettingEdit};
use crate::ours::{aliases, certificates, consent};
use crate::output::table::table;
use crate::output::{json_to_stdout, messages, to_stdout};
use crate::system::directories::Directories;
use crate::system::env::Env;
use crate::system::terminal;
use crate::text::visible::{as_word, one_line, visible};

use super::changing;
use super::context::{Context, Invocation, paths};
use super::conversation::confirmed;

pub fn run(args: &cli::Settings, invocation: &Invocation) -> Result<u8> {
    let dirs = Directories::find(&invocation.env)?;
    let files = paths(&dirs);
    match args {
        cli::Settings::Path => to_stdout(format!("{}\n", files.file.display()).as_bytes()),
        cli::Settings::List { json } => list(&Context::for_any_profiles(dirs, &invocation.env)?, *json),
        cli::Settings::Get { name } => {
            let value = value_of(name, &Context::for_any_profiles(dirs, &invocation.env)?)?;
            to_stdout(format!("{value}\n").as_bytes())
        }
        cli::Settings::Set { name, value, forget_unfinished } => {
            // Aliases and consents count only from the file in the account's own home.
            let counts_there = aliases::named_by(name).is_some() || settings::is_consent(name, value);
            let file = if counts_there { files.account_file } else { files.file };
            let edit = SettingEdit::Set { name: name.clone(), value: value.clone() };
            let title = format!("settings set {}", as_word(name));
            edit_settings(invocation, &title, &[file], edit, *forget_unfinished)?;
            say_what_is_set(name, &invocation.env)
        }
        cli::Settings::Unset { name, forget_unfinished } => {
            let mut both = vec![files.file, files.account_file];
            both.dedup();
            let edit = SettingEdit::Unset { name: name.clone() };
            let title = format!("settings unset {}", as_word(name));
            edit_settings(invocation, &title, &both, edit, *forget_unfinished)?;
            say_what_is_set(name, &invocation.env)
        }
        cli::Settings::Trust { path, yes, forget_unfinished } => {
            trust_file(invocation, &files.account_file, path, *yes, *forget_unfinished)
        }
    }
    .map(|()| 0)
}

/// Edits settings files, even if they are invalid: this command may be the fix.
fn edit_settings(
    invocation: &Invocation,
    title: &str,
    files: &[PathBuf],
    edit: SettingEdit,
    forget: bool,
) -> Result<()> {
    if changing::recovered(&invocation.env, Some(title), forget)? {
        return Ok(());
    }
    let (context, _) = Context::readable(Directories::find(&invocation.env)?, &invocation.env);
    let act = |file: &PathBuf| Act::EditSettings { file: file.clone(), edit: edit.clone() };
    let change = Change { acts: files.iter().map(act).collect(), ..Change::new(title) };
    let preview = context.preview(&change)?;
    changing::make_confirmed(&context, &change, &preview)?;
    if let SettingEdit::Set { name, value } = &edit {
        note_on_alias(&context, name, value);
    }
    Ok(())
}

/// Says what a setting is now and where that is set; a variable may override the edit.
fn say_what_is_set(name: &str, env: &Env) -> Result<()> {
    let settings = Context::readable(Directories::find(env)?, env).0.settings;
    let now = match aliases::named_by(name) {
        Some(alias) => settings.aliases.get(alias).map(|alias| (alias.profile.to_string(), alias.place.to_string())),
        None => settings.get(name).map(|set| (set.value, set.origin.to_string())),
    };
    let said = match now {
        Some((value, origin)) if value.is_empty() => format!("{name} is empty ({origin})"),
        Some((value, origin)) => format!("{name} is {value} ({origin})"),
        None => format!("{name} is not set"),
    };
    if let Some(note) = settings.note_on(name) {
        messages::note(note);
    }
    to_stdout(format!("{}\n", one_line(&said)).as_bytes())
}

/// Says that an alias will select nothing, or not what it names.
fn note_on_alias(context: &Context, setting: &str, profile: &str) {
    let Some(alias) = aliases::named_by(setting) else { return };
    let names = context.files.profile_names();
    if names.iter().any(|name| name == alias) {
        let alias = visible(alias);
        messages::note(&format!("alias '{alias}' is not used: a profile has this name"));
    }
    if !names.iter().any(|name| name == profile) {
        messages::note(&context.does_not_exist_yet(profile));
    }
}

fn value_of(name: &str, context: &Context) -> Result<String> {
    let Some(alias) = aliases::named_by(name) else {
        let known = settings::known(name)?;
        return Ok(context.settings.get(known.name).map(|v| v.value).unwrap_or_default());
    };
    let none = || Failure::new(Kind::Config, format!("there is no alias '{alias}'"));
    Ok(context.settings.aliases.get(alias).ok_or_else(none)?.profile.to_string())
}

/// Every setting, then the aliases: name, value, origin, meaning.
fn list(context: &Context, as_json: bool) -> Result<()> {
    let known = KNOWN.iter().filter_map(|known| {
        let set = context.settings.get(known.name)?;
        Some((known.name.to_string(), set.value, set.origin.to_string(), known.meaning()))
    });
    let profiles: HashSet<String> = context.files.profile_names().into_iter().collect();
    let aliases = context.settings.aliases.iter().map(|(name, alias)| {
        let hidden = profiles.contains(name);
        let meaning = if hidden { "not used: a profile has this name" } else { "another name for a profile" };
        (aliases::setting_of(name), alias.profile.to_string(), alias.place.to_string(), meaning.to_string())
    });
    let all = known.chain(aliases);
    if context.settings.ignores_consents {
        messages::note(&context.why_consents_are_ignored());
    }
    if as_json {
        let entry = |(name, value, origin, _)| json!({"name": name, "value": value, "origin": origin});
        return json_to_stdout(json!({ "settings": all.map(entry).collect::<Vec<_>>() }));
    }
    let room = terminal::columns(&context.env);
    // As in `profile list`, no directories on a terminal.
    let from = |origin: &str| match room {
        Some(_) => visible(origin.rsplit(['/', '\\']).next().unwrap_or(origin)),
        None => visible(origin),
    };
    let rows: Vec<_> = all
        .map(|(name, value, origin, meaning)| vec![visible(&name), visible(&value), from(&origin), meaning])
        .collect();
    to_stdout(table(&["SETTING", "VALUE", "FROM", "MEANING"], &rows, room, &[3, 2]).as_bytes())
}

/// Records the consent to run programs for the file's current content.
fn trust_file(invocation: &Invocation, file: &Path, path: &Path, yes: bool, forget: bool) -> Result<()> {
    consent::must_be_safe(path)?;
    let canonical = consent::consent_path(path)?;
    let edit = SettingEdit::Trust { path: canonical.clone(), sha256: consent::fingerprint(path)? };
    let use_of_it = if certificates::are_in(path) { "for calls to AWS" } else { "to run programs (mfa_process)" };
    confirmed(yes, "add --yes", "", &format!("trust {} {use_of_it}?", visible(&canonical)))?;
    edit_settings(invocation, &format!("settings trust {}", as_word(&canonical)), &[file.to_path_buf()], edit, forget)?;
    to_stdout(format!("{} is trusted until it changes\n", visible(&canonical)).as_bytes())
}
