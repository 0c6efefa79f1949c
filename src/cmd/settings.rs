//! `settings`: our own `config.toml`, read and edited.

use std::collections::HashSet;
use std::io::{self, IsTerminal, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::cli;
use crate::config::settings::{self, KNOWN, Paths};
use crate::config::trust;
use crate::config::{aliases, replace};
use crate::error::{Failure, Kind, Result};
use crate::output::table::table;
use crate::output::{json_to_stdout, to_stdout};
use crate::system::clock::Deadline;
use crate::system::folders::{Folders, shorten};
use crate::system::stdin;
use crate::visible::visible;

use super::Call;
use super::change::say_tightened;
use super::world::{World, paths};

/// Runs one of the settings commands.
pub fn run(args: &cli::Settings, call: &Call) -> Result<u8> {
    let folders = Folders::find(&call.env)?;
    let editor = Editor { paths: paths(&folders), cache: &folders.cache };
    match args {
        cli::Settings::Path => to_stdout(format!("{}\n", editor.paths.file.display()).as_bytes()),
        cli::Settings::List { json } => list(&World::of(folders, &call.env)?, *json),
        cli::Settings::Get { name } => {
            let value = value_of(name, &World::of(folders, &call.env)?)?;
            to_stdout(format!("{value}\n").as_bytes())
        }
        cli::Settings::Set { name, value } => {
            let file = editor.file_of(name, value);
            editor.edit(file, |text, shown| settings::set(text, shown, name, value))
        }
        cli::Settings::Unset { name } => {
            // What a moved file does not say still counts from the home folder's, if it is a consent.
            let mut files = vec![&editor.paths.file, &editor.paths.home_file];
            files.dedup();
            files.into_iter().try_for_each(|file| editor.edit(file, |text, shown| settings::unset(text, shown, name)))
        }
        cli::Settings::Trust { path, yes } => trust_file(&editor, path, *yes),
    }
    .map(|()| 0)
}

fn value_of(name: &str, world: &World) -> Result<String> {
    let Some(alias) = aliases::named_by(name) else {
        let known = settings::known(name)?;
        return Ok(world.settings.get(known.name).map(|v| v.value).unwrap_or_default());
    };
    let none = || Failure::new(Kind::Config, format!("there is no alias '{}'", visible(alias)));
    Ok(world.settings.aliases.get(alias).ok_or_else(none)?.profile.to_string())
}

/// Every setting: name, value, origin, meaning. Aliases come last.
fn list(world: &World, as_json: bool) -> Result<()> {
    let known = KNOWN.iter().filter_map(|known| {
        let set = world.settings.get(known.name)?;
        Some((known.name.to_string(), set.value, set.origin, known.meaning))
    });
    let profiles: HashSet<String> = world.files.profile_names().into_iter().collect();
    let aliases = world.settings.aliases.iter().map(|(name, alias)| {
        let hidden = profiles.contains(name);
        let meaning = if hidden { "hidden: a profile has this name" } else { "another name for a profile" };
        (aliases::setting_of(name), alias.profile.to_string(), alias.place.to_string(), meaning)
    });
    let all = known.chain(aliases);
    if as_json {
        let entry = |(name, value, origin, _)| json!({"name": name, "value": value, "origin": origin});
        return json_to_stdout(json!({ "settings": all.map(entry).collect::<Vec<_>>() }));
    }
    let rows: Vec<_> = all
        .map(|(name, value, origin, meaning)| vec![visible(&name), visible(&value), visible(&origin), meaning.into()])
        .collect();
    to_stdout(table(&["SETTING", "VALUE", "FROM", "MEANING"], &rows).as_bytes())
}

/// Records that this very content may start programs.
fn trust_file(editor: &Editor<'_>, path: &Path, yes: bool) -> Result<()> {
    trust::must_be_safe(path)?;
    let canonical = trust::consent_path(path)?;
    let fingerprint = trust::fingerprint(path)?;
    if !yes {
        confirm(&format!("let {} name programs that twolock starts (mfa_process)?", visible(&canonical)))?;
    }
    editor.edit(&editor.paths.home_file, |text, shown| settings::set_trust(text, shown, &canonical, &fingerprint))?;
    to_stdout(format!("trusted {} as it is now\n", visible(&canonical)).as_bytes())
}

fn confirm(question: &str) -> Result<()> {
    if !io::stdin().is_terminal() {
        return Err(Failure::new(Kind::Usage, "this needs a yes, and stdin is no terminal; add --yes"));
    }
    let _ = write!(io::stderr().lock(), "{question} [y/N] ");
    let answer = stdin::read_line(64, Deadline::after(Instant::now(), Duration::from_secs(3_600)));
    match answer {
        Ok(text) if matches!(text.expose().trim(), "y" | "Y" | "yes") => Ok(()),
        _ => Err(Failure::silent(Kind::NeedsPerson)),
    }
}

/// Edits one of the two files consents and settings stand in.
struct Editor<'a> {
    paths: Paths,
    cache: &'a Path,
}

impl Editor<'_> {
    /// Consents count only from the file below the home folder, so they are written there.
    fn file_of(&self, name: &str, value: &str) -> &Path {
        let consent = name == "endpoints.allow" || (name == "keyring" && value == "file");
        if consent { &self.paths.home_file } else { &self.paths.file }
    }

    fn edit(&self, file: &Path, change: impl Fn(&str, &str) -> Result<String>) -> Result<()> {
        let home = &self.paths.home;
        let shown = shorten(file, home);
        let editor = replace::Editor { cache: self.cache, home, largest: settings::LARGEST_FILE };
        let replaced = editor.edit(file, |old| change(settings::text(old, &shown)?, &shown).map(String::into_bytes))?;
        say_tightened(file, home, &replaced);
        Ok(())
    }
}
