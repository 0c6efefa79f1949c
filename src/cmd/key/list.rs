//! `key list`: every access key in the keyring, the AWS files and at AWS, its age, and who uses it.

use std::collections::HashSet;
use std::io;

use serde_json::{Value, json};

use crate::aws::iam::{KeyStatus, LastUsed};
use crate::cmd::context::Context;
use crate::cmd::key_ages::KeyAges;
use crate::credentials::AccessKeyId;
use crate::duration;
use crate::error::{Place, Result};
use crate::names::{ProfileName, UserName};
use crate::ours::key_index::IndexEntry;
use crate::output::table::table_with;
use crate::output::{is_styled, json_to_stdout, messages, to_stdout};
use crate::profile::base::KeyPlace;
use crate::profile::settings::ProfileSettings;
use crate::rotation::{Phase, Record, Records};
use crate::system::{clock, terminal};
use crate::text::age::Age;
use crate::text::style::{bold, bold_red};
use crate::text::visible::visible;
use crate::text::width::columns;
use crate::timestamp::Timestamp;

use super::at_aws::{self, Answers, AtAws, Unknown, used_when};
use crate::profile::adoption::kept_key::new_key_profile;

#[derive(Clone)]
struct Row {
    /// None of a key that only AWS has.
    profile: Option<String>,
    id: AccessKeyId,
    place: Option<KeyPlace>,
    added: Option<Timestamp>,
    /// Whether AWS could not be asked about it yet.
    unproved: bool,
    /// Why no plan uses it.
    unused: Option<&'static str>,
    rotation: Option<Part>,
    at_aws: Option<AtAws>,
    unknown: Option<Unknown>,
}

/// The part of a key in a rotation that is not finished.
#[derive(Clone)]
enum Part {
    /// No profile has it yet.
    New,
    /// No profile has it any more; this one had it.
    Old(ProfileName),
}

pub fn run(context: &Context, as_json: bool) -> Result<u8> {
    let records = Records::of(&context.dirs.account_data()).all().unwrap_or_default();
    let mut rows = rows(context, &records);
    if !rows.is_empty() {
        let answers = at_aws::ask(context, &context.new_key_sections());
        if !answers.obstacles.is_empty() {
            let why = answers.obstacles.join("; ");
            messages::note(&format!("AWS did not answer about every key, so ages may be minimums: {why}"));
        }
        let created: Vec<_> = rows.iter().filter_map(|row| answers.keys.get(&row.id)).collect();
        let created: Vec<_> = created.into_iter().map(|key| (key.info.id.clone(), key.info.created)).collect();
        context.keep_created(&created);
        rows = with_answers(rows, &answers, &records);
    }
    let listed = Listed { ages: KeyAges::of(context), rows, now: clock::now() };
    if as_json {
        json_to_stdout(json!({ "keys": listed.rows.iter().map(|row| listed.json(row)).collect::<Vec<_>>() }))?;
    } else if listed.rows.is_empty() {
        to_stdout(b"no access keys in the AWS files or the keyring\n")?;
    } else {
        to_stdout(listed.drawn(terminal::columns(&context.env)).as_bytes())?;
    }
    Ok(0)
}

/// Whether profiles still have the old key.
fn is_pending(record: &Record) -> bool {
    matches!(record.phase, Phase::Creating | Phase::Created { .. } | Phase::Stored { .. })
}

/// The keys of the files in file order, each profile's before its key in the index; then those of profiles that are gone.
fn rows(context: &Context, records: &[Record]) -> Vec<Row> {
    let (mut rows, kept) = (Vec::new(), context.new_key_sections());
    for name in context.files.profile_names() {
        let Ok(profile) = ProfileName::parse(&name) else { continue };
        let section_of = |record: &&Record| kept.contains(&name) && new_key_profile(&record.profile) == name;
        if let Some(record) = records.iter().find(section_of) {
            rows.extend(in_file(context, &profile).map(|row| Row { profile: Some(record.profile.to_string()), ..row }));
            continue;
        }
        rows.extend(in_file(context, &profile));
        rows.extend(context.index.get(&profile).map(|entry| indexed(context, &name, entry)));
    }
    let gone = context.index.entries().filter(|(name, _)| context.files.profile(name).is_none());
    rows.extend(gone.map(|(name, entry)| Row { unused: Some("its profile does not exist"), ..of(name, entry) }));
    let of_no_profile = context.keys_of_no_profile(&context.stores(false)).unwrap_or_default();
    let unused = Some("no profile has it");
    rows.extend(of_no_profile.into_iter().map(|id| Row { place: Some(KeyPlace::Keyring), unused, ..Row::of(id) }));
    let hidden: Vec<Row> = records.iter().filter_map(|record| only_in_keyring(record, &rows)).collect();
    rows.extend(hidden);
    rows.iter_mut().for_each(|row| row.rotation = part(records, &row.id));
    rows
}

/// A new key that is stored where neither the files nor the index show it.
fn only_in_keyring(record: &Record, rows: &[Row]) -> Option<Row> {
    let Phase::Stored { new } = &record.phase else { return None };
    let place = rows.iter().all(|row| row.id != *new).then_some(KeyPlace::Keyring)?;
    Some(Row { profile: Some(record.profile.to_string()), place: Some(place), ..Row::of(new.clone()) })
}

fn part(records: &[Record], id: &AccessKeyId) -> Option<Part> {
    records.iter().find_map(|record| match is_pending(record) {
        true => (record.phase.new_key() == Some(id)).then_some(Part::New),
        false => (record.old == *id).then(|| Part::Old(record.profile.clone())),
    })
}

/// Adds what IAM says, and after the keys of each user those that only AWS has.
fn with_answers(rows: Vec<Row>, answers: &Answers, records: &[Record]) -> Vec<Row> {
    let here: HashSet<AccessKeyId> = rows.iter().map(|row| row.id.clone()).collect();
    let mut listed: Vec<Row> = Vec::new();
    let user_of = |row: &Row| answers.keys.get(&row.id).map(|key| key.user.clone());
    for (at, row) in rows.iter().enumerate() {
        let (at_aws, unknown) = (answers.keys.get(&row.id).cloned(), answers.unknown.get(&row.id).copied());
        listed.push(Row { at_aws, unknown, ..row.clone() });
        let Some(user) =
            user_of(row).filter(|user| rows[at + 1..].iter().all(|row| user_of(row).as_ref() != Some(user)))
        else {
            continue;
        };
        let mut others: Vec<&AtAws> =
            answers.keys.values().filter(|key| key.user == user && !here.contains(&key.info.id)).collect();
        others.sort_by_key(|key| key.info.created);
        listed.extend(others.into_iter().map(|key| Row {
            at_aws: Some(key.clone()),
            rotation: part(records, &key.info.id),
            ..Row::of(key.info.id.clone())
        }));
    }
    listed
}

fn in_file(context: &Context, name: &ProfileName) -> Option<Row> {
    let profile = context.files.profile(name.as_str())?;
    let (id, place) = ProfileSettings::of(&profile, name).static_key().ok()??;
    if id.is_temporary() {
        return None;
    }
    let place = Some(KeyPlace::File(Place::clone(place)));
    let added = context.index.added(&id);
    Some(Row { profile: Some(name.to_string()), place, added, ..Row::of(id) })
}

fn indexed(context: &Context, name: &str, entry: &IndexEntry) -> Row {
    let is_used = |place: &KeyPlace, profile: &ProfileName| *place == KeyPlace::Keyring && profile.as_str() == name;
    let unused = match context.outline(name).and_then(|outline| outline.base.into_key()) {
        Some(key) if is_used(&key.place, &key.profile) => None,
        Some(key) if key.profile.as_str() == name => Some("the AWS files have a key that is used instead"),
        _ => Some("the profile does not use it"),
    };
    Row { unused, ..of(name, entry) }
}

fn of(name: &str, entry: &IndexEntry) -> Row {
    let IndexEntry { id, added, unproved, .. } = entry.clone();
    Row { profile: Some(name.into()), place: Some(KeyPlace::Keyring), added, unproved, ..Row::of(id) }
}

impl Row {
    fn of(id: AccessKeyId) -> Self {
        Self {
            id,
            profile: None,
            place: None,
            added: None,
            unproved: false,
            unused: None,
            rotation: None,
            at_aws: None,
            unknown: None,
        }
    }

    /// The profile that has it, or had it before it was rotated.
    fn owner(&self) -> Option<&str> {
        match &self.rotation {
            Some(Part::Old(profile)) => Some(profile.as_str()),
            _ => self.profile.as_deref(),
        }
    }

    fn is_active(&self) -> bool {
        self.at_aws.as_ref().is_none_or(|key| key.info.status == KeyStatus::Active)
    }

    fn last_used(&self, now: Timestamp) -> Option<String> {
        let used = self.at_aws.as_ref()?.last_used.as_ref()?;
        Some(used.as_ref().map_or_else(|| "never".into(), |used| used_when(used, now)))
    }

    fn notes(&self) -> impl Iterator<Item = String> {
        let part = self.rotation.as_ref().map(|part| match part {
            Part::New => "new key of a rotation",
            Part::Old(_) => "old key",
        });
        let unknown = self.unknown.map(|unknown| match unknown {
            Unknown::Denied => "not listed by AWS",
            Unknown::Refused => "refused by AWS",
            Unknown::NoUser => "of the root user",
        });
        let unused = self.unused.map(|_| if self.profile.is_some() { "unused" } else { "of no profile" });
        let notes = [self.unproved.then_some("not verified yet"), unused, part, unknown];
        let user = self.at_aws.as_ref().filter(|_| self.owner().is_none()).and_then(|key| UserName::of_arn(&key.user));
        notes.into_iter().flatten().map(String::from).chain(user.map(|user| format!("of user {user}")))
    }
}

struct Listed<'a> {
    ages: KeyAges<'a>,
    rows: Vec<Row>,
    now: Timestamp,
}

impl Listed<'_> {
    /// A table; a key that is due for rotation soon is in bold, one that is over its maximum age in red.
    fn drawn(&self, room: Option<usize>) -> String {
        let is_styled = is_styled(&io::stdout());
        let percent = std::iter::once(None).chain(self.rows.iter().map(|row| self.percent(row)));
        let styled = |(line, percent): (&str, Option<u32>)| match percent {
            Some(100) => bold_red(line, is_styled) + "\n",
            Some(75) => bold(line, is_styled) + "\n",
            _ => line.to_owned() + "\n",
        };
        self.table(room).lines().zip(percent).map(styled).collect()
    }

    /// Where it is too wide for the terminal, a status that is not "active" stands in the note.
    fn table(&self, room: Option<usize>) -> String {
        let whole = self.table_within(None, true);
        match room {
            Some(room) if whole.lines().any(|line| columns(line) > room) => self.table_within(Some(room), false),
            _ => whole,
        }
    }

    /// Without an answer of IAM, two of the columns are empty and left out.
    fn table_within(&self, room: Option<usize>, has_status: bool) -> String {
        const HEADER: [&str; 7] = ["PROFILE", "ACCESS KEY", "STATUS", "AGE", "LAST USED", "WHERE", "NOTE"];
        const KEY: usize = 1;
        const STATUS: usize = 2;
        const AGE: usize = 3;
        const LAST_USED: usize = 4;
        const WHERE: usize = 5;
        let cells: Vec<[String; 7]> = self.rows.iter().map(|row| self.cells(row, has_status)).collect();
        let is_shown =
            |column: &usize| ![STATUS, LAST_USED].contains(column) || cells.iter().any(|row| !row[*column].is_empty());
        let shown: Vec<usize> = (0..HEADER.len()).filter(is_shown).collect();
        let pick = |row: &[String; 7]| shown.iter().map(|&column| row[column].clone()).collect();
        let places = |columns: &[usize]| -> Vec<usize> {
            columns.iter().filter_map(|column| shown.iter().position(|shown| shown == column)).collect()
        };
        let header: Vec<&str> = shown.iter().map(|&column| HEADER[column]).collect();
        let rows: Vec<Vec<String>> = cells.iter().map(pick).collect();
        table_with(&header, &rows, room, &places(&[WHERE, LAST_USED]), &places(&[KEY, AGE, LAST_USED]))
    }

    fn age(&self, row: &Row) -> Option<Age> {
        let created = row.at_aws.as_ref().map(|key| Age { span: self.now.since(key.info.created), is_least: false });
        created.or_else(|| self.ages.age(&row.id, self.now))
    }

    /// How much of its maximum age an active key has reached.
    fn percent(&self, row: &Row) -> Option<u32> {
        self.ages.percent(&row.id, self.age(row)?).filter(|_| row.is_active())
    }

    fn due(&self, row: &Row) -> Option<String> {
        let most = self.ages.most(&row.id).value;
        match self.percent(row)? {
            100 => Some(format!("older than {}d", duration::days(most))),
            // Rounded up: on the last day it is due in 1d.
            75 => Some(format!("due in {}d", most.saturating_sub(self.age(row)?.span).as_secs().div_ceil(86_400))),
            _ => None,
        }
    }

    fn cells(&self, row: &Row, has_status: bool) -> [String; 7] {
        let status = row.at_aws.as_ref().map(|key| key.info.status.to_string());
        let (status, remark) = if has_status { (status, None) } else { (None, status.filter(|_| !row.is_active())) };
        [
            row.owner().map_or_else(|| "-".into(), visible),
            row.id.to_string(),
            status.unwrap_or_default(),
            self.age(row).map_or_else(|| "unknown".into(), |age| age.to_string()),
            row.last_used(self.now).unwrap_or_default(),
            row.place.as_ref().map_or_else(|| "not on this machine".into(), ToString::to_string),
            remark.into_iter().chain(row.notes()).chain(self.due(row)).collect::<Vec<_>>().join(", "),
        ]
    }

    fn json(&self, row: &Row) -> Value {
        let mut fields = json!({"access_key_id": row.id.as_str()});
        if let Some(profile) = &row.profile {
            fields["profile"] = json!(profile);
        }
        match &row.place {
            None => fields["where"] = json!("elsewhere"),
            Some(KeyPlace::Keyring) => fields["where"] = json!("keyring"),
            Some(KeyPlace::Environment) => fields["where"] = json!("environment"),
            Some(KeyPlace::File(place)) => {
                fields["where"] = json!("file");
                fields["file"] = json!(&*place.file);
                fields["line"] = json!(place.line);
            }
        }
        if let Some(added) = row.added {
            fields["added"] = json!(added.to_string());
        }
        if let Some(age) = self.age(row) {
            fields["days_at_least"] = json!(duration::days(age.span));
            if !age.is_least {
                fields["days"] = json!(duration::days(age.span));
            }
        }
        fields["max_days"] = json!(duration::days(self.ages.most(&row.id).value));
        if row.unproved {
            fields["verified"] = json!(false);
        }
        if let Some(why) = row.unused {
            fields["unused"] = json!(why);
        }
        if let Some(part) = &row.rotation {
            fields["rotation"] = json!(match part {
                Part::New => "new",
                Part::Old(_) => "old",
            });
        }
        if let Some(key) = &row.at_aws {
            add_what_iam_says(&mut fields, key);
        }
        fields
    }
}

fn add_what_iam_says(fields: &mut Value, key: &AtAws) {
    fields["user"] = json!(key.user);
    fields["status"] = json!(key.info.status.to_string());
    fields["created"] = json!(key.info.created.to_string());
    match &key.last_used {
        None => {}
        Some(None) => fields["never_used"] = json!(true),
        Some(Some(LastUsed { when, service, region })) => {
            let mut used = json!({"when": when.to_string()});
            for (name, value) in [("service", service), ("region", region)] {
                if let Some(value) = value {
                    used[name] = json!(value);
                }
            }
            fields["last_used"] = used;
        }
    }
}
