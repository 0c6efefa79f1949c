//! Our own settings: `config.toml`, each value with its line; edits keep comments.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use toml_edit::{Document, DocumentMut, Item, Key, Table, TableLike, Value};

use crate::dialogs::DialogProgram;
use crate::duration;
use crate::error::{Failure, Kind, Place, Result};
use crate::hint::{CommandLine, Verb};
use crate::keyring::Keyring;
use crate::origin::{Origin, Sourced};
use crate::ours::aliases::{self, Aliases};
use crate::system::directories::{self, shorten};
use crate::system::env::Env;
use crate::system::foreign_file;
use crate::text::near::{did_you_mean, nearest};

pub struct Known {
    /// A dot separates a table from its key.
    pub name: &'static str,
    meaning: &'static str,
    pub default: &'static str,
    pub variable: Option<&'static str>,
    check: fn(&str) -> std::result::Result<(), String>,
}

impl Known {
    pub fn meaning(&self) -> String {
        if self.name == "keyring" { format!("{}: {}", self.meaning, Keyring::names()) } else { self.meaning.into() }
    }

    fn value(&self, item: &Item) -> std::result::Result<String, String> {
        let value = as_text(item).ok_or("must be a string or a list of strings")?;
        (self.check)(&value).map_err(|why| format!("'{value}': {why}"))?;
        Ok(value)
    }
}

/// Every setting of `config.toml` that `settings set` takes, in the order they are listed.
pub const KNOWN: &[Known] = &[
    Known {
        name: "session_duration",
        meaning: "how long an MFA session lasts",
        default: "12h",
        variable: Some("TWOLOCK_SESSION_DURATION"),
        check: |text| in_range(text, 900, 129_600, "15m to 36h"),
    },
    Known {
        name: "prompt_timeout",
        meaning: "how long to wait for a code",
        default: "55s",
        variable: Some("TWOLOCK_PROMPT_TIMEOUT"),
        check: |text| in_range(text, 1, 3_600, "1s to 1h"),
    },
    Known {
        name: "prompt",
        meaning: "dialogs for a code: auto, off or a list",
        default: "auto",
        variable: None,
        check: |text| DialogProgram::order(text).map(|_| ()),
    },
    Known {
        name: "askpass",
        meaning: "a program that asks instead of a dialog",
        default: "",
        variable: None,
        check: is_absolute,
    },
    Known {
        name: "notify",
        meaning: "a notification before a session expires",
        default: "on",
        variable: None,
        check: |text| if ["on", "off"].contains(&text) { Ok(()) } else { Err("allowed: on, off".into()) },
    },
    Known {
        name: "min_ttl",
        meaning: "env and exec renew if less time is left",
        default: "30s",
        variable: Some("TWOLOCK_MIN_TTL"),
        check: |text| in_range(text, 1, 129_600, "1s to 36h"),
    },
    Known {
        name: "keyring",
        meaning: "which keyring to use",
        default: "auto",
        variable: Some("TWOLOCK_KEYRING"),
        check: |text| match Keyring::from_name(text) {
            Some(_) => Ok(()),
            None => Err(format!("allowed: {}", Keyring::names())),
        },
    },
    Known {
        name: "key_max_age",
        meaning: "age at which to rotate access keys",
        default: "90d",
        variable: None,
        check: |text| in_range(text, 86_400, 315_360_000, "1d to 3650d"),
    },
    Known {
        name: "endpoints.allow",
        meaning: "more allowed hosts, comma-separated",
        default: "",
        variable: None,
        check: |text| match text.split(',').map(str::trim).find(|host| !is_host(host)) {
            Some(host) => Err(format!("'{host}' is not a valid host (use HOST or HOST:PORT)")),
            None => Ok(()),
        },
    },
    Known {
        name: "browser",
        meaning: "the program that console opens",
        default: "",
        variable: None,
        check: is_absolute,
    },
];

/// How long the AWS SDK for Go waits for `credential_process` (aws-contract 3.2).
const GO_WAITS: Duration = Duration::from_secs(60);

/// The tables of `config.toml`.
const TABLES: [&str; 3] = ["aliases", "endpoints", "trust"];

/// Whether a value is accepted only from the file below the account's own home.
pub fn is_consent(name: &str, value: &str) -> bool {
    ["askpass", "browser", "endpoints.allow"].contains(&name)
        || name == "keyring" && Keyring::from_name(value).is_some_and(Keyring::is_consent)
}

/// Far above any real file, far below what would use up memory.
pub const LARGEST_FILE: u64 = 1 << 20;

pub fn text<'a>(bytes: &'a [u8], shown: &str) -> Result<&'a str> {
    let problem = |_| Failure::new(Kind::Config, format!("cannot read {shown}: it is not UTF-8"));
    std::str::from_utf8(bytes).map_err(problem)
}

#[derive(Clone, Debug, Default)]
pub struct Settings {
    values: BTreeMap<&'static str, Sourced<String>>,
    /// Consents to start programs a file names: path → SHA-256 in hex.
    pub trust: BTreeMap<String, String>,
    pub aliases: Aliases,
    /// Whether aliases or consents of another file than the account's own were left out.
    pub ignores_consents: bool,
    /// Names in the files that are no settings.
    pub unknown: Vec<UnknownName>,
}

/// A name in `config.toml` that nobody reads.
#[derive(Clone, Debug)]
pub struct UnknownName {
    pub name: String,
    pub place: Place,
}

/// The paths that `config.toml` is read from.
#[derive(Clone, Debug)]
pub struct Paths {
    /// The platform's path: `HOME` and `XDG_CONFIG_HOME` move it.
    pub file: PathBuf,
    /// The file below the account's own home. Aliases and consents are read only from here, so that a repository's
    /// variables cannot bring their own.
    pub account_file: PathBuf,
    pub home: PathBuf,
}

impl Settings {
    /// Loads the file; variables override it, and a missing file means the defaults. An invalid value counts as not set
    /// and is reported.
    pub fn load(paths: &Paths, env: &Env) -> (Self, Vec<Failure>) {
        let (mut settings, mut failures) = (Self::default(), Vec::new());
        settings.read_file(&paths.file, paths, &mut failures);
        if !is_same_file(&paths.file, &paths.account_file) {
            settings.ignores_consents = settings.has_consents();
            let mut own = Self::default();
            own.read_file(&paths.account_file, paths, &mut failures);
            settings.unknown.extend(std::mem::take(&mut own.unknown));
            own.values.retain(|name, value| is_consent(name, &value.value));
            settings.values.retain(|name, value| !is_consent(name, &value.value));
            for (name, consent) in own.values {
                settings.values.entry(name).or_insert(consent);
            }
            (settings.aliases, settings.trust) = (own.aliases, own.trust);
        }
        settings.override_from(env, &mut failures);
        (settings, failures)
    }

    /// Whether anything is set that counts only in the account's own file.
    pub fn has_consents(&self) -> bool {
        let is_one = |(name, value): (&&str, &Sourced<String>)| is_consent(name, &value.value);
        !self.trust.is_empty() || !self.aliases.is_empty() || self.values.iter().any(is_one)
    }

    fn read_file(&mut self, file: &Path, paths: &Paths, failures: &mut Vec<Failure>) {
        let shown = shorten(file, &paths.home);
        let read = || {
            let text = text(&foreign_file::load(file, &shown, LARGEST_FILE)?, &shown)?.to_string();
            Ok((parse(&text, &shown)?, text))
        };
        let (document, text) = match read() {
            Ok(read) => read,
            Err(failure) => return failures.push(failure),
        };
        let place = |span| Place { file: shown.as_str().into(), line: line_at(&text, span) };
        let unknown = unknown_names(document.as_table());
        self.unknown.extend(unknown.into_iter().map(|(name, span)| UnknownName { name, place: place(span) }));
        for known in KNOWN {
            let Some(item) = find(document.as_table(), known.name) else { continue };
            let line = line_at(&text, item.span());
            let value = match known.value(item) {
                Ok(value) => value,
                Err(why) => {
                    failures.push(refuse(&shown, line, known, &why));
                    continue;
                }
            };
            self.values.insert(known.name, Sourced::at(value, &Place { file: shown.as_str().into(), line }));
        }
        if let Some(item) = find(document.as_table(), "aliases") {
            let problem = || {
                let line = line_at(&text, item.span());
                Failure::new(Kind::Config, format!("{shown}:{line}: 'aliases' must be a table"))
            };
            let table = item.as_table_like().ok_or_else(problem);
            match table.and_then(|table| Aliases::read(table, &text, &shown)) {
                Ok(aliases) => self.aliases = aliases,
                Err(failure) => failures.push(failure),
            }
        }
        if let Some(trust) = find(document.as_table(), "trust").and_then(Item::as_table_like) {
            self.trust = trust.iter().filter_map(|(k, v)| Some((k.to_string(), v.as_str()?.to_string()))).collect();
        }
    }

    fn override_from(&mut self, env: &Env, failures: &mut Vec<Failure>) {
        for known in KNOWN {
            let Some(variable) = known.variable else { continue };
            let value = match env.readable(variable) {
                Ok(Some(value)) => value,
                Ok(None) => continue,
                Err(failure) => {
                    failures.push(failure);
                    continue;
                }
            };
            let problem = |why: &str| Failure::new(Kind::Config, format!("{variable} '{value}': {why}"));
            if let Err(why) = (known.check)(value) {
                failures.push(problem(&why));
            } else if is_consent(known.name, value) {
                let hint = CommandLine::new(Verb::SettingsSet).with(known.name).with(value).to("run");
                failures.push(problem("allowed in config.toml only").hint(hint));
            } else {
                self.values.insert(known.name, Sourced { value: value.into(), origin: Origin::Variable(variable) });
            }
        }
    }

    pub fn get(&self, name: &str) -> Option<Sourced<String>> {
        let known = KNOWN.iter().find(|k| k.name == name)?;
        let default = || Sourced { value: known.default.into(), origin: Origin::Default };
        Some(self.values.get(known.name).cloned().unwrap_or_else(default))
    }

    /// Returns a value that is set, with its origin.
    pub fn set(&self, name: &str) -> Option<Sourced<String>> {
        self.values.get(name).cloned()
    }

    /// Returns what to know of the value of a setting.
    pub fn note_on(&self, name: &str) -> Option<&'static str> {
        let is_too_long = name == "prompt_timeout" && self.duration_or_default(name) > GO_WAITS;
        is_too_long.then_some("programs that use the AWS SDK for Go give up after 60 s, before this prompt_timeout")
    }

    /// Returns a duration that is set, with its origin.
    pub fn duration(&self, name: &str) -> Option<Sourced<Duration>> {
        let set = self.values.get(name)?;
        Some(Sourced { value: duration::parse(&set.value)?, origin: set.origin.clone() })
    }

    /// Returns a duration that is set, or the default.
    pub fn duration_or_default(&self, name: &str) -> Duration {
        self.get(name).and_then(|v| duration::parse(&v.value)).unwrap_or_default()
    }

    /// Returns whether a setting is `on`.
    pub fn is_on(&self, name: &str) -> bool {
        self.get(name).is_some_and(|set| set.value == "on")
    }

    /// Returns the allowed hosts besides AWS's own.
    pub fn allowed_endpoints(&self) -> Vec<String> {
        let text = self.values.get("endpoints.allow").map(|v| v.value.as_str()).unwrap_or_default();
        text.split(',').map(str::trim).filter(|host| !host.is_empty()).map(String::from).collect()
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SettingEdit {
    /// Sets a setting; the value is checked first.
    Set { name: String, value: String },
    /// Removes a setting, if it is set.
    Unset { name: String },
    /// Records consent to start the programs that a file names; `sha256` is that of its content, in hex.
    Trust {
        /// Absolute, symlinks resolved.
        path: String,
        sha256: String,
    },
    /// Makes every alias of one profile an alias of another; an alias with the new profile's name is removed.
    RenameInAliases { old: String, new: String },
}

/// A home may be reached by a symlink.
fn is_same_file(one: &Path, other: &Path) -> bool {
    one == other || directories::resolve(one).is_ok_and(|one| directories::resolve(other).ok() == Some(one))
}

/// Returns `text` after an edit; comments, order and unknown keys stay.
pub fn edited(text: &str, shown: &str, edit: &SettingEdit) -> Result<String> {
    match edit {
        SettingEdit::Set { name, value } => set(text, shown, name, value),
        SettingEdit::Unset { name } => unset(text, shown, name),
        SettingEdit::Trust { path, sha256 } => set_trust(text, shown, path, sha256),
        SettingEdit::RenameInAliases { old, new } => rename_in_aliases(text, shown, old, new),
    }
}

pub(super) fn set(text: &str, shown: &str, name: &str, value: &str) -> Result<String> {
    if let Some(alias) = aliases::named_by(name) {
        aliases::check(alias, value)?;
        return edit(text, shown, name, Some(Value::from(value)));
    }
    let known = known(name)?;
    (known.check)(value).map_err(|why| Failure::new(Kind::Usage, format!("{name} cannot be '{value}': {why}")))?;
    let new = if known.name == "endpoints.allow" {
        Value::Array(value.split(',').map(str::trim).collect())
    } else {
        Value::from(value)
    };
    edit(text, shown, known.name, Some(new))
}

pub(super) fn unset(text: &str, shown: &str, name: &str) -> Result<String> {
    if aliases::named_by(name).is_some() {
        return edit(text, shown, name, None);
    }
    edit(text, shown, known(name)?.name, None)
}

pub(super) fn rename_in_aliases(text: &str, shown: &str, old: &str, new: &str) -> Result<String> {
    let document = parse(text, shown)?;
    let table = find(document.as_table(), "aliases").and_then(Item::as_table_like);
    let stand_for = |item: &Item| item.as_str() == Some(old);
    let names = table.into_iter().flat_map(TableLike::iter).filter(|(_, item)| stand_for(item)).map(|(name, _)| name);
    let names: Vec<String> = names.map(aliases::setting_of).collect();
    let mut document = document.into_mut();
    for setting in names {
        let value = (aliases::named_by(&setting) != Some(new)).then(|| Value::from(new));
        edit_in(&mut document, shown, &setting, value)?;
    }
    Ok(document.to_string())
}

fn set_trust(text: &str, shown: &str, path: &str, sha256: &str) -> Result<String> {
    edit(text, shown, &format!("trust.{path}"), Some(Value::from(sha256)))
}

fn edit(text: &str, shown: &str, name: &str, new: Option<Value>) -> Result<String> {
    let mut document = parse(text, shown)?.into_mut();
    edit_in(&mut document, shown, name, new)?;
    Ok(document.to_string())
}

fn edit_in(document: &mut DocumentMut, shown: &str, name: &str, new: Option<Value>) -> Result<()> {
    let mut table: &mut dyn TableLike = document.as_table_mut();
    let mut key = name;
    if let Some((outer, inner)) = name.split_once('.') {
        key = inner;
        if new.is_none() && !table.contains_key(outer) {
            return Ok(());
        }
        let item = table.entry(outer).or_insert_with(toml_edit::table);
        let problem = || Failure::new(Kind::Config, format!("{shown}: '{outer}' must be a table"));
        table = item.as_table_like_mut().ok_or_else(problem)?;
    }
    match (new, table.get_mut(key).and_then(Item::as_value_mut)) {
        (Some(mut new), Some(old)) => {
            *new.decor_mut() = old.decor().clone();
            *old = new;
        }
        (Some(new), None) => {
            table.insert(key, Item::Value(new));
        }
        (None, _) => {
            table.remove(key);
        }
    }
    Ok(())
}

/// The setting of that name, or a usage failure that lists all names.
pub fn known(name: &str) -> Result<&'static Known> {
    KNOWN.iter().find(|k| k.name == name).ok_or_else(|| {
        let names: Vec<&str> = KNOWN.iter().map(|k| k.name).collect();
        let list = || format!("settings: {}, aliases.NAME", names.join(", "));
        let hint = did_you_mean(&names, name).unwrap_or_else(list);
        Failure::new(Kind::Usage, format!("unknown setting '{name}'")).hint(hint)
    })
}

fn parse(text: &str, shown: &str) -> Result<Document<String>> {
    Document::parse(text.to_string()).map_err(|e| {
        let line = line_at(text, e.span());
        let why = e.message().lines().next().unwrap_or("syntax error").to_string();
        Failure::new(Kind::Config, format!("{shown}:{line}: invalid TOML: {why}"))
    })
}

/// Every name that is no setting, and where it is: those of the file, and those in tables whose names are fixed.
fn unknown_names(document: &Table) -> Vec<(String, Option<Range<usize>>)> {
    let names = |table: &dyn TableLike, prefix: &str| -> Vec<(String, Option<Range<usize>>)> {
        let span = |name: &str, item: &Item| table.key(name).and_then(Key::span).or_else(|| item.span());
        table.iter().map(|(name, item)| (format!("{prefix}{name}"), span(name, item))).collect()
    };
    let inside = |(name, item): (&str, &Item)| {
        let fixed = KNOWN.iter().any(|known| known.name.split_once('.').is_some_and(|(table, _)| table == name));
        item.as_table_like().filter(|_| fixed).map(|table| names(table, &format!("{name}.")))
    };
    let all = names(document, "").into_iter().chain(document.iter().filter_map(inside).flatten());
    all.filter(|(name, _)| !is_known(name)).collect()
}

fn is_known(name: &str) -> bool {
    TABLES.contains(&name) || KNOWN.iter().any(|known| known.name == name)
}

/// The setting or table that an unknown name was probably meant to be.
pub fn near_name(name: &str) -> Option<&'static str> {
    nearest(KNOWN.iter().map(|known| known.name).chain(TABLES), name, 2)
}

fn find<'a>(table: &'a dyn TableLike, name: &str) -> Option<&'a Item> {
    match name.split_once('.') {
        Some((outer, inner)) => table.get(outer)?.as_table_like()?.get(inner),
        None => table.get(name),
    }
}

/// A string as it is; a bare number means seconds, a list is joined by commas.
fn as_text(item: &Item) -> Option<String> {
    if let Some(list) = item.as_array() {
        let texts: Option<Vec<&str>> = list.iter().map(|v| v.as_str()).collect();
        return texts.map(|t| t.join(","));
    }
    item.as_str().map(String::from).or_else(|| item.as_integer().map(|n| n.to_string()))
}

fn line_at(text: &str, span: Option<Range<usize>>) -> usize {
    span.map_or(1, |span| 1 + text[..span.start].matches('\n').count())
}

fn refuse(shown: &str, line: usize, known: &Known, why: &str) -> Failure {
    Failure::new(Kind::Config, format!("{shown}:{line}: {} {why}", known.name))
        .hint(CommandLine::new(Verb::SettingsUnset).with(known.name).to("to use the default again"))
}

fn in_range(text: &str, least: u64, most: u64, words: &str) -> std::result::Result<(), String> {
    match duration::parse(text) {
        Some(span) if (least..=most).contains(&span.as_secs()) => Ok(()),
        _ => Err(format!("allowed: {words} (such as 12h, 45m, 90s)")),
    }
}

fn is_absolute(text: &str) -> std::result::Result<(), String> {
    if Path::new(text).is_absolute() { Ok(()) } else { Err("it must be an absolute path".into()) }
}

fn is_host(text: &str) -> bool {
    let (host, port) = text.rsplit_once(':').map_or((text, None), |(h, p)| (h, Some(p)));
    let labels = host.split('.').all(|label| {
        !label.is_empty()
            && label.len() <= 63
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    });
    labels && port.is_none_or(|p| p.parse::<u16>().is_ok_and(|n| n > 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "# mine\nsession_duration = \"8h\" # a day\n\n[aliases]\nprod = \"production-admin\"\n\n[endpoints]\nallow = [\"sts.corp.test\"]\n";

    #[test]
    fn setting_a_value_keeps_comments_order_and_unknown_keys() {
        let after = set(FILE, "config.toml", "session_duration", "10h").unwrap();
        assert_eq!(after, FILE.replace("8h", "10h"));
        let after = set(FILE, "config.toml", "endpoints.allow", "a.test, b.test:8443").unwrap();
        assert!(after.contains(r#"allow = ["a.test", "b.test:8443"]"#), "{after}");
        assert!(after.starts_with("# mine\nsession_duration = \"8h\" # a day\n"), "{after}");
    }

    #[test]
    fn unsetting_removes_one_line() {
        assert!(!unset(FILE, "config.toml", "session_duration").unwrap().contains("8h"));
        assert_eq!(unset("", "config.toml", "endpoints.allow").unwrap(), "");
    }

    #[test]
    fn wrong_values_are_refused_with_what_is_allowed() {
        for (name, value, part) in [
            ("session_duration", "40h", "15m to 36h"),
            ("session_duration", "soon", "15m to 36h"),
            ("prompt_timeout", "0", "1s to 1h"),
            ("keyring", "plain", Keyring::names().as_str()),
            ("endpoints.allow", "https://x/", "is not a valid host"),
            ("nonsense", "1", "unknown setting"),
        ] {
            let failure = set("", "config.toml", name, value).unwrap_err();
            assert!(failure.cause.contains(part), "{name}={value}: {failure}");
            assert_eq!(failure.kind, Kind::Usage);
        }
    }

    #[test]
    fn names_that_are_no_settings_are_found_with_their_lines_and_what_they_were_meant_to_be() {
        let home = tempfile::tempdir().unwrap();
        let file = home.path().join("config.toml");
        let text = "sesion_duration = \"8h\"\nkeyring = \"auto\"\n[alias]\nprod = \"p\"\n[aliases]\nx = \"y\"\n\
                    [endpoints]\nallow = [\"a.test\"]\nalow = [\"b.test\"]\n[nonsense.deep]\na = 1\n";
        std::fs::write(&file, text).unwrap();
        let paths = Paths { account_file: file.clone(), file, home: home.path().into() };
        let (settings, failures) = Settings::load(&paths, &Env::of::<&str>([]));
        let mut found: Vec<_> =
            settings.unknown.iter().map(|one| (one.place.line, one.name.as_str(), near_name(&one.name))).collect();
        found.sort_unstable();
        assert_eq!(
            found,
            [
                (1, "sesion_duration", Some("session_duration")),
                (3, "alias", Some("aliases")),
                (9, "endpoints.alow", Some("endpoints.allow")),
                (10, "nonsense", None),
            ]
        );
        assert_eq!(failures, []);
    }

    #[test]
    fn a_setting_that_is_nearly_another_is_refused_with_that_one() {
        let failure = set("", "config.toml", "sesion_duration", "8h").unwrap_err();
        assert_eq!(failure.shown_hints(), ["did you mean 'session_duration'?"]);
    }

    #[test]
    fn a_file_that_is_not_toml_is_named_with_its_line() {
        let failure = set("a = 1\nb = = 2\n", "config.toml", "keyring", "auto").unwrap_err();
        assert!(failure.cause.starts_with("config.toml:2: invalid TOML"), "{failure}");
    }

    #[test]
    fn consent_is_added_and_the_rest_stays() {
        let after = set_trust(FILE, "config.toml", "/repo/config", "ab12").unwrap();
        assert!(after.starts_with(FILE) && after.contains("[trust]\n\"/repo/config\" = \"ab12\""), "{after}");
    }
    #[test]
    fn trusting_a_changed_file_again_keeps_the_comment_behind_its_hash() {
        let text = "[trust]\n\"/repo/.aws/config\" = \"ab12\" # the team's\n";
        let after = set_trust(text, "config.toml", "/repo/.aws/config", "cd34").unwrap();
        assert_eq!(after, text.replace("ab12", "cd34"));
    }
}
