//! How old access keys are, how old they may get, and the reminder of `status`, `login` and `env`. None of it calls AWS.

use std::cell::OnceCell;
use std::collections::{HashMap, HashSet};
use std::time::Duration;

use crate::aws::iam::KeyInfo;
use crate::aws_files::file::{AwsFile, FileKind};
use crate::credentials::AccessKeyId;
use crate::duration;
use crate::hint::{CommandLine, Verb};
use crate::names::ProfileName;
use crate::origin::{Origin, Sourced};
use crate::ours::key_dates::{self, Aging, AllKeyDates};
use crate::output::messages;
use crate::profile::base::LongTermKey;
use crate::profile::settings::{KEY_MAX_AGE, ProfileSettings};
use crate::rotation::Records;
use crate::system::{clock, log};
use crate::text::age::Age;
use crate::text::list::counted;
use crate::text::visible::visible;
use crate::timestamp::Timestamp;

use super::context::Context;

pub struct KeyAges<'a> {
    context: &'a Context,
    dates: AllKeyDates,
    /// The maximum age of keys whose profiles set one.
    most: OnceCell<HashMap<AccessKeyId, Sourced<Duration>>>,
}

impl<'a> KeyAges<'a> {
    pub fn of(context: &'a Context) -> Self {
        Self { context, dates: AllKeyDates::load(&context.dirs.state), most: OnceCell::new() }
    }

    /// When AWS created the key, if it has said so, else when the index got it, which is a lower bound of its age.
    pub fn age(&self, id: &AccessKeyId, now: Timestamp) -> Option<Age> {
        self.since(id).map(|(since, is_least)| Age { span: now.since(since), is_least })
    }

    fn since(&self, id: &AccessKeyId) -> Option<(Timestamp, bool)> {
        let created = self.dates.created(id).map(|created| (created, false));
        created.or_else(|| self.context.index.added(id).map(|added| (added, true)))
    }

    /// The maximum age of a key: the smallest that a profile sets which uses it, else the setting `key_max_age`.
    pub fn most(&self, id: &AccessKeyId) -> Sourced<Duration> {
        let set = self.most.get_or_init(|| set_by_profiles(self.context));
        set.get(id).cloned().unwrap_or_else(|| {
            let settings = &self.context.settings;
            let origin = settings.get("key_max_age").map_or(Origin::Default, |set| set.origin);
            Sourced { value: settings.duration_or_default("key_max_age"), origin }
        })
    }

    /// How much of its maximum age a key has reached: 50, 75 or 100 percent.
    pub fn percent(&self, id: &AccessKeyId, age: Age) -> Option<u32> {
        key_dates::percent(age.span, self.most(id).value)
    }

    /// What reminders are decided by; none of a key of unknown age.
    fn aging(&self, id: &AccessKeyId) -> Option<Aging> {
        let (since, _) = self.since(id)?;
        Some(Aging { id: id.clone(), since, most: self.most(id).value })
    }
}

/// The files are searched first: few have the setting, and some have thousands of profiles.
fn set_by_profiles(context: &Context) -> HashMap<AccessKeyId, Sourced<Duration>> {
    let mut most: HashMap<AccessKeyId, Sourced<Duration>> = HashMap::new();
    if ![FileKind::Config, FileKind::Credentials].into_iter().any(|kind| may_set(context.files.of(kind))) {
        return most;
    }
    for name in context.files.profile_names() {
        let Some((set, key)) = set_by(context, &name) else { continue };
        match most.get_mut(&key.id) {
            Some(other) if other.value <= set.value => {}
            Some(other) => *other = set,
            None => drop(most.insert(key.id, set)),
        }
    }
    most
}

fn may_set(file: &AwsFile) -> bool {
    let (bytes, name) = (file.bytes(), KEY_MAX_AGE.as_bytes());
    // Its rarest letter is searched for.
    let before = name.iter().position(|letter| *letter == b'x').unwrap_or_default();
    let is_there = |at: usize| {
        let begin = at.checked_sub(before);
        let word = begin.and_then(|begin| bytes.get(begin..begin + name.len()));
        word.is_some_and(|word| word.eq_ignore_ascii_case(name))
    };
    memchr::memchr2_iter(b'x', b'X', bytes).any(is_there)
}

/// What a profile sets, and the key it uses. An invalid value is told where the profile is planned or checked.
fn set_by(context: &Context, name: &str) -> Option<(Sourced<Duration>, LongTermKey)> {
    let (name, profile) = (ProfileName::parse(name).ok()?, context.files.profile(name)?);
    let set = ProfileSettings::of(&profile, &name).key_max_age().ok()??;
    let origin = Origin::Setting(KEY_MAX_AGE, set.place()?.clone());
    let key = context.outline(name.as_str())?.base.into_key()?;
    Some((Sourced { value: set.value, origin }, key))
}

impl Context {
    /// Reminds, in one line, to rotate those of these keys for which it is time. It names the one that is nearest to its
    /// maximum age or farthest beyond it.
    pub fn remind<'a>(&self, keys: impl IntoIterator<Item = &'a LongTermKey>) {
        if !self.may_keep_state() {
            return;
        }
        let (ages, now) = (KeyAges::of(self), clock::now());
        let is_due = |key: &&LongTermKey| ages.aging(&key.id).is_some_and(|aging| ages.dates.is_due(&aging, now));
        let mut due: Vec<&LongTermKey> = keys.into_iter().filter(is_due).collect();
        if !due.is_empty() {
            let records = Records::of(&self.dirs.account_data()).all().unwrap_or_default();
            due.retain(|key| !records.iter().any(|record| record.is_about(&key.id) && record.is_unfinished()));
        }
        let part = |key: &&LongTermKey| {
            let age = ages.age(&key.id, now).map_or(0, |age| age.span.as_secs());
            age * 1_000 / ages.most(&key.id).value.as_secs().max(1)
        };
        if let Some(key) = due.iter().copied().max_by_key(part) {
            self.remind_of(key, &due, &ages, now);
        }
    }

    fn remind_of(&self, key: &LongTermKey, due: &[&LongTermKey], ages: &KeyAges, now: Timestamp) {
        let Some(age) = ages.age(&key.id, now) else { return };
        let ids: HashSet<&AccessKeyId> = due.iter().map(|key| &key.id).collect();
        let aging: Vec<Aging> = ids.into_iter().filter_map(|id| ages.aging(id)).collect();
        let others = match aging.len() - 1 {
            0 => String::new(),
            others => format!("; and {}: {}", counted(others, "other"), CommandLine::new(Verb::KeyList)),
        };
        match key_dates::record_reminder(&self.dirs.state, &aging, now, self.existing_keys().as_ref()) {
            Ok(true) => messages::note(&format!(
                "profile '{}': access key {} {} (maximum {}): {}{others}",
                visible(key.profile.as_str()),
                key.id,
                age.predicate(),
                duration::days(ages.most(&key.id).value),
                CommandLine::of(Verb::KeyRotate, &key.profile)
            )),
            Ok(false) => {}
            Err(why) => log::detail(format_args!("cannot record the reminder of {}: {why}", key.id)),
        }
    }

    /// Keeps when AWS created keys, for the verbs that do not ask it. A failure is only logged.
    pub fn keep_created(&self, created: &[(AccessKeyId, Timestamp)]) {
        if created.is_empty() || !self.may_keep_state() {
            return;
        }
        let existing = self.existing_keys().map(|mut existing| {
            existing.extend(created.iter().map(|(id, _)| id.clone()));
            existing
        });
        if let Err(why) = key_dates::record_created(&self.dirs.state, created, existing.as_ref()) {
            log::detail(format_args!("cannot record when keys were created: {why}"));
        }
    }

    /// The same for a list of IAM, of the keys that are here.
    pub fn keep_created_of(&self, listed: &[KeyInfo]) {
        let existing = self.existing_keys();
        let is_here = |key: &&KeyInfo| existing.as_ref().is_none_or(|existing| existing.contains(&key.id));
        let created: Vec<_> = listed.iter().filter(is_here).map(|key| (key.id.clone(), key.created)).collect();
        self.keep_created(&created);
    }

    /// Every key of the files and the index; none if a variable chose other files than the usual ones.
    fn existing_keys(&self) -> Option<HashSet<AccessKeyId>> {
        if !self.has_usual_files() {
            return None;
        }
        let in_file = |name: String| {
            let (parsed, profile) = (ProfileName::parse(&name).ok()?, self.files.profile(&name)?);
            Some(ProfileSettings::of(&profile, &parsed).static_key().ok()??.0)
        };
        let indexed = self.index.entries().map(|(_, entry)| entry.id.clone());
        Some(self.files.profile_names().into_iter().filter_map(in_file).chain(indexed).collect())
    }
}
