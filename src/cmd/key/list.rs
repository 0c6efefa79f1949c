//! `key list`: every access key in the keyring and the AWS files, its age, and who uses it.

use std::io;

use serde_json::{Value, json};

use crate::cmd::context::Context;
use crate::credentials::AccessKeyId;
use crate::duration;
use crate::error::{Place, Result};
use crate::names::ProfileName;
use crate::ours::key_index::IndexEntry;
use crate::output::table::table;
use crate::output::{is_styled, json_to_stdout, to_stdout};
use crate::profile::base::{Base, KeyPlace};
use crate::profile::settings::ProfileSettings;
use crate::system::{clock, terminal};
use crate::text::age::Age;
use crate::text::style::bold;
use crate::text::visible::visible;
use crate::timestamp::Timestamp;

struct Row {
    profile: String,
    id: AccessKeyId,
    place: KeyPlace,
    added: Option<Timestamp>,
    /// Whether AWS could not be asked about it yet.
    unproved: bool,
    /// Why no plan uses it.
    unused: Option<&'static str>,
}

pub fn run(context: &Context, as_json: bool) -> Result<u8> {
    let (rows, now) = (rows(context), clock::now());
    if as_json {
        let keys: Vec<Value> = rows.iter().map(|row| row.json(now)).collect();
        json_to_stdout(json!({ "keys": keys }))?;
    } else if rows.is_empty() {
        to_stdout(b"no access keys in the AWS files or the keyring\n")?;
    } else {
        to_stdout(drawn(context, &rows, now).as_bytes())?;
    }
    Ok(0)
}

/// A table; the keys that are due for a new one are in bold.
fn drawn(context: &Context, rows: &[Row], now: Timestamp) -> String {
    let most = context.settings.duration_or_default("key_max_age");
    let is_due = |row: &Row| row.added.is_some_and(|added| now.since(added) >= most);
    let cells: Vec<Vec<String>> = rows.iter().map(|row| row.cells(now, is_due(row))).collect();
    let room = terminal::columns(&context.env);
    let text = table(&["PROFILE", "ACCESS KEY", "AGE", "WHERE", "NOTE"], &cells, room, &[3]);
    let is_styled = is_styled(&io::stdout());
    let is_bold = std::iter::once(false).chain(rows.iter().map(|row| is_styled && is_due(row)));
    text.lines().zip(is_bold).map(|(line, is_bold)| bold(line, is_bold) + "\n").collect()
}

/// The keys of the files in file order, each profile's before its key in the index; then those of profiles that are gone.
fn rows(context: &Context) -> Vec<Row> {
    let mut rows = Vec::new();
    for name in context.files.profile_names() {
        let Ok(profile) = ProfileName::parse(&name) else { continue };
        rows.extend(in_file(context, &profile));
        rows.extend(context.index.get(&profile).map(|entry| indexed(context, &name, entry)));
    }
    let gone = context.index.entries().filter(|(name, _)| context.files.profile(name).is_none());
    rows.extend(gone.map(|(name, entry)| Row { unused: Some("its profile does not exist"), ..of(name, entry) }));
    rows
}

fn in_file(context: &Context, name: &ProfileName) -> Option<Row> {
    let profile = context.files.profile(name.as_str())?;
    let (id, place) = ProfileSettings::of(&profile, name).static_key().ok()??;
    if id.is_temporary() {
        return None;
    }
    let place = KeyPlace::File(Place::clone(place));
    let added = context.index.added(&id);
    Some(Row { profile: name.to_string(), id, place, added, unproved: false, unused: None })
}

fn indexed(context: &Context, name: &str, entry: &IndexEntry) -> Row {
    let is_used = |place: &KeyPlace, profile: &ProfileName| *place == KeyPlace::Keyring && profile.as_str() == name;
    let unused = match context.outline(name).map(|outline| outline.base) {
        Some(Base::Key(key)) if is_used(&key.place, &key.profile) => None,
        Some(Base::Key(key)) if key.profile.as_str() == name => Some("the AWS files have a key that is used instead"),
        _ => Some("the profile does not use it"),
    };
    Row { unused, ..of(name, entry) }
}

fn of(name: &str, entry: &IndexEntry) -> Row {
    let IndexEntry { id, added, unproved, .. } = entry.clone();
    Row { profile: name.into(), id, place: KeyPlace::Keyring, added, unproved, unused: None }
}

impl Row {
    fn cells(&self, now: Timestamp, is_due: bool) -> Vec<String> {
        let notes = [
            self.unproved.then_some("not verified yet"),
            self.unused.map(|_| "unused"),
            is_due.then_some("older than key_max_age"),
        ];
        let notes: Vec<&str> = notes.into_iter().flatten().collect();
        // Only the index knows since when a key exists at least.
        let age = self.added.map(|added| Age { span: now.since(added), is_least: true });
        let age = age.map_or("unknown".into(), |age| age.to_string());
        vec![visible(&self.profile), self.id.to_string(), age, self.place.to_string(), notes.join(", ")]
    }

    fn json(&self, now: Timestamp) -> Value {
        let mut fields = json!({"profile": self.profile, "access_key_id": self.id.as_str()});
        match &self.place {
            KeyPlace::Keyring => fields["where"] = json!("keyring"),
            KeyPlace::File(place) => {
                fields["where"] = json!("file");
                fields["file"] = json!(&*place.file);
                fields["line"] = json!(place.line);
            }
        }
        if let Some(added) = self.added {
            fields["added"] = json!(added.to_string());
            fields["days_at_least"] = json!(duration::days(now.since(added)));
        }
        if self.unproved {
            fields["verified"] = json!(false);
        }
        if let Some(why) = self.unused {
            fields["unused"] = json!(why);
        }
        fields
    }
}
