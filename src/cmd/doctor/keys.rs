//! Long-term keys: where they are stored, how old they are, and whether the keyring has the keys in the index.

use std::collections::{BTreeMap, HashMap};
use std::time::{Duration, Instant};

use crate::aws_files::Setting;
use crate::cmd::foreign_caches::{self, ForeignCache};
use crate::cmd::key_ages::KeyAges;
use crate::cmd::shell::calling_shell;
use crate::credentials::{AccessKeyId, STATIC_KEYS};
use crate::duration;
use crate::error::Failure;
use crate::hint::{CommandLine, Verb};
use crate::names::ProfileName;
use crate::origin::{Origin, Sourced};
use crate::ours::key_index::IndexEntry;
use crate::output::exports;
use crate::profile::facts::names_twolock;
use crate::profile::settings::KEY_MAX_AGE;
use crate::secret;
use crate::session::sealing_key::NoSealingKey;
use crate::store::{About, StoreError, access_key};
use crate::system::clock::Deadline;
use crate::text::list::first_names;

use super::checkup::{Checkup, OneProfile, is_usable};
use super::finding::Severity::{Error, Info, Warning};
use super::finding::{Checked, Finding, Severity};

/// Enough for hundreds of items.
const PATIENCE: Duration = Duration::from_secs(3);

/// A long-term key in an AWS file.
struct InFile<'a> {
    of: &'a OneProfile,
    /// None if it is invalid, and may be the secret.
    id: Option<AccessKeyId>,
    secret: &'a Setting,
}

impl<'a> InFile<'a> {
    fn all(checkup: &'a Checkup) -> impl Iterator<Item = Self> {
        checkup.profiles.iter().filter_map(|of| {
            let (id, secret) = (of.profile.get("aws_access_key_id")?, of.profile.get("aws_secret_access_key")?);
            let id = AccessKeyId::parse(&id.value).ok();
            let temporary = id.as_ref().is_some_and(AccessKeyId::is_temporary);
            (!temporary && token(of).is_none()).then_some(Self { of, id, secret })
        })
    }

    /// Keys of AWS users begin with AKIA. What may be the secret is not shown to be another cloud's.
    fn is_of_another_cloud(&self) -> bool {
        let may_be_secret = |id: &Setting| secret::may_be_in(&id.value);
        !self.of.concerns_mfa()
            && match &self.id {
                Some(id) => !id.as_str().starts_with("AKIA"),
                None => !self.of.profile.get(STATIC_KEYS[0]).is_some_and(may_be_secret),
            }
    }

    fn named(&self) -> String {
        self.id.as_ref().map_or_else(|| "an access key".into(), |id| format!("access key {id}"))
    }

    fn finding(&self, severity: Severity, what: String, why: &str) -> Finding {
        Finding::new(severity, what, why).of_profile(&self.of.name).at(&self.secret.place)
    }
}

fn token(of: &OneProfile) -> Option<&Setting> {
    of.profile.get("aws_session_token").or_else(|| of.profile.get("aws_security_token"))
}

fn indexed<'a>(checkup: &'a Checkup, name: &str) -> Option<&'a IndexEntry> {
    checkup.context.index.get(&ProfileName::parse(name).ok()?)
}

/// The commands that move keys into the keyring. Contains the profiles that use each profile as source.
struct AdoptCommands<'a>(HashMap<&'a str, Vec<&'a OneProfile>>);

impl<'a> AdoptCommands<'a> {
    fn of_all(checkup: &'a Checkup) -> Self {
        let mut users: HashMap<&str, Vec<&OneProfile>> = HashMap::new();
        for one in &checkup.profiles {
            let sources = ["twolock_source_profile", "source_profile"].map(|key| one.profile.get(key));
            if let Some(source) = sources.into_iter().flatten().next() {
                users.entry(&source.value).or_default().push(one);
            }
        }
        Self(users)
    }

    fn fix(&self, checkup: &Checkup, finding: Finding, owner: &OneProfile) -> Finding {
        let users = self.0.get(owner.name.as_str()).map(Vec::as_slice).unwrap_or_default();
        let has_device = |one: &OneProfile| one.profile.get("mfa_serial").is_some();
        let has_role =
            |one: &OneProfile| ["twolock_role_arn", "role_arn"].iter().any(|key| one.profile.get(key).is_some());
        let adopt = |one: &OneProfile| CommandLine::of(Verb::Adopt, &one.name);
        // Adopting without a keyring stores the key in a separate profile.
        if let Some(keeper) = users.iter().find(|one| names_twolock(&one.profile) && !has_role(one)) {
            return finding.fix(adopt(keeper));
        }
        if has_device(owner) {
            return finding.fixed_by_adopting(&owner.name, checkup.why_not_adopted(&owner.name).as_ref());
        }
        finding.fix(match users.iter().any(|one| has_device(one)) {
            true => adopt(owner),
            false => CommandLine::of(Verb::Set, &owner.name).with("mfa_serial").with("ARN").and(adopt(owner)),
        })
    }
}

/// Keys in plain text.
pub fn plaintext(checkup: &Checkup) -> Checked {
    let (keeps, adopt) = (checkup.keeps_keys(), AdoptCommands::of_all(checkup));
    let of = |key: InFile| {
        let what = format!("{} is stored in plain text", key.named());
        if !keeps {
            return key.finding(Info, what, "no persistent keyring is available, so it stays in the file");
        }
        if key.is_of_another_cloud() {
            return key.finding(Info, what, "it does not look like an AWS key, so twolock does not need it");
        }
        let why = "malware and backups can read this file; the OS keyring is safer";
        adopt.fix(checkup, key.finding(Warning, what, why), key.of)
    };
    let only_here = InFile::all(checkup).filter(|key| indexed(checkup, &key.of.name).is_none());
    only_here.map(of).collect::<Vec<_>>().into()
}

/// Profiles with a key in a file and in the index.
pub fn in_two_places(checkup: &Checkup) -> Checked {
    let (keeps, adopt) = (checkup.keeps_keys(), AdoptCommands::of_all(checkup));
    let of = |key: InFile| {
        let entry = indexed(checkup, &key.of.name)?;
        let why = "the file takes precedence, as in SDKs, so the key in the keyring is not used";
        let what = match key.id.as_ref() == Some(&entry.id) {
            true => format!("access key {} is here and in the OS keyring", entry.id),
            false => format!("{} is here, and {} is in the OS keyring", key.named(), entry.id),
        };
        let finding = key.finding(Warning, what, why);
        // Adopting verifies the key in the keyring before it removes the one in the file.
        Some(if keeps { adopt.fix(checkup, finding, key.of) } else { finding })
    };
    InFile::all(checkup).filter_map(of).collect::<Vec<_>>().into()
}

/// Profiles that share one key.
pub fn shared(checkup: &Checkup) -> Checked {
    let mut owners: BTreeMap<AccessKeyId, Vec<InFile>> = BTreeMap::new();
    let keys = InFile::all(checkup).filter_map(|key| Some((key.id.clone()?, key)));
    keys.for_each(|(id, key)| owners.entry(id).or_default().push(key));
    let of = |(id, keys): (AccessKeyId, Vec<InFile>)| {
        let (first, others) = keys.split_first().filter(|(_, others)| !others.is_empty())?;
        let names: Vec<&str> = others.iter().map(|key| key.of.name.as_str()).collect();
        let what = format!("access key {id} is also used by {}", first_names(&names));
        Some(first.finding(Info, what, "to change or remove it, edit each of them"))
    };
    owners.into_iter().filter_map(of).collect::<Vec<_>>().into()
}

/// Sessions in plain text, as `aws configure mfa-login` and other tools write them.
pub fn plaintext_sessions(checkup: &Checkup) -> Checked {
    let of = |profile: &OneProfile| {
        let token = token(profile)?;
        let id = profile.profile.get(STATIC_KEYS[0]).and_then(|id| AccessKeyId::parse(&id.value).ok());
        // Beside a long-term key, only the token is of the session.
        let of_session = if id.is_some_and(|id| !id.is_temporary()) { &STATIC_KEYS[2..] } else { &STATIC_KEYS };
        let (session, rest): (Vec<_>, Vec<_>) =
            profile.profile.settings().into_iter().partition(|setting| of_session.contains(&setting.key.as_str()));
        let fix = match rest.is_empty() {
            true => CommandLine::of(Verb::Remove, &profile.name),
            false => session
                .iter()
                .fold(CommandLine::of(Verb::Unset, &profile.name), |unset, setting| unset.with(&setting.key)),
        };
        let why = "it was written by `aws configure mfa-login`: whoever reads the file can use the session";
        let finding = Finding::new(Warning, "a session token is stored in plain text", why);
        Some(finding.of_profile(&profile.name).at(&token.place).fix(fix))
    };
    checkup.profiles.iter().filter_map(of).collect::<Vec<_>>().into()
}

/// Sessions in plain text in the caches of other programs.
pub fn plaintext_caches(checkup: &Checkup) -> Checked {
    let of = |cache: ForeignCache| {
        let what = format!("{} stores credentials here in plain text", cache.of);
        let finding = Finding::new(Warning, what, cache.advice()).in_file(checkup.shown(&cache.place));
        finding.fix(CommandLine::other("rm -r").with(cache.place.to_string_lossy()))
    };
    foreign_caches::found(&checkup.context.dirs.home, checkup.now).into_iter().map(of).collect::<Vec<_>>().into()
}

/// Keys older than their maximum age, or than half of it as a reminder.
pub fn ages(checkup: &Checkup) -> Checked {
    let (ages, index) = (KeyAges::of(&checkup.context), &checkup.context.index);
    let in_file = InFile::all(checkup).filter_map(|key| Some((key.of.name.as_str(), key.id?)));
    // A key of both places is told of once.
    let only_in_file = in_file.filter(|(profile, id)| indexed(checkup, profile).is_none_or(|entry| entry.id != *id));
    let in_index = index.entries().map(|(profile, entry)| (profile, entry.id.clone()));
    let of = |(profile, id): (&str, AccessKeyId)| {
        let age = ages.age(&id, checkup.now)?;
        let severity = if ages.percent(&id, age)? == 100 { Warning } else { Info };
        let Sourced { value, origin } = ages.most(&id);
        let name = if matches!(origin, Origin::Setting(..)) { KEY_MAX_AGE } else { "key_max_age" };
        let place = origin.place().map_or_else(|| origin.to_string(), ToString::to_string);
        let what = format!("access key {id} {}; {name} is {}d ({place})", age.predicate(), duration::days(value));
        let finding = Finding::new(severity, what, "the older a key is, the more copies of it may exist");
        let is_there = checkup.context.files.profile(profile).is_some();
        let fix = is_there.then(|| CommandLine::of(Verb::KeyRotate, profile));
        Some(fix.into_iter().fold(finding, Finding::fix).of_profile(profile))
    };
    in_index.chain(only_in_file).filter_map(of).collect::<Vec<_>>().into()
}

/// Keys in the index of profiles that are gone.
pub fn without_profile(checkup: &Checkup) -> Checked {
    let files = &checkup.context.files;
    let of = |(profile, entry): (&str, &IndexEntry)| {
        let what = format!("access key {} is stored for it, but the profile does not exist", entry.id);
        let why = "nothing uses the key; a new profile with this name would use it";
        Finding::new(Info, what, why).of_profile(profile).fix(CommandLine::of(Verb::KeyRemove, profile))
    };
    let gone = checkup.context.index.entries().filter(|(profile, _)| files.profile(profile).is_none());
    gone.map(of).chain(of_no_profile(checkup)).collect::<Vec<_>>().into()
}

/// Keys in the keyring that the index does not have; nothing, if a file that may name them cannot be read.
fn of_no_profile(checkup: &Checkup) -> impl Iterator<Item = Finding> {
    let is_known = checkup.failures.is_empty() && checkup.keeps_keys();
    let ids = is_known.then(|| checkup.context.keys_of_no_profile(&checkup.stores)).and_then(Result::ok);
    ids.into_iter().flatten().map(|id| {
        let what = format!("access key {id} is in the keyring, but no profile has it");
        Finding::new(Info, what, "nothing uses the key").fix(CommandLine::of(Verb::KeyRemove, &id))
    })
}

/// Keys in the index that the keyring does not return.
pub fn items(checkup: &Checkup) -> Checked {
    let index = &checkup.context.index;
    if index.entries().next().is_none() {
        return Vec::new().into();
    }
    let mut findings: Vec<Finding> = index.entries().filter_map(|(profile, entry)| unproved(profile, entry)).collect();
    let Some(store) = checkup.stores.of_access_keys().filter(|_| checkup.keeps_keys()) else {
        let why = checkup.durable().and_then(|(store, error)| Some(format!("{} {}", store.name, error?)));
        return Checked { findings, unchecked: Some(why.unwrap_or_else(|| "no persistent keyring is in use".into())) };
    };
    let until = Deadline::after(Instant::now(), PATIENCE);
    for (profile, entry) in index.entries().filter(|(profile, _)| checkup.context.files.profile(profile).is_some()) {
        if until.has_passed() {
            return Checked { findings, unchecked: Some("the keyring is too slow to check all items".into()) };
        }
        match access_key::read(store, &entry.id) {
            Ok(_) => {}
            Err(error @ (StoreError::Absent | StoreError::Damaged(_))) => {
                findings.push(lost(profile, entry, store.name(), &error))
            }
            Err(error) => return Checked { findings, unchecked: Some(error.to_string()) },
        }
    }
    findings.into()
}

fn unproved(profile: &str, entry: &IndexEntry) -> Option<Finding> {
    let what = format!("access key {} is stored but not verified", entry.id);
    let finding = Finding::new(Warning, what, "AWS could not be reached when it was added, so it may not work");
    entry.unproved.then(|| finding.of_profile(profile).fix(CommandLine::of(Verb::KeyAdd, profile)))
}

fn lost(profile: &str, entry: &IndexEntry, store: &str, error: &StoreError) -> Finding {
    let what = format!("access key {}: {store} {error}", entry.id);
    let finding = Finding::new(Error, what, "the key cannot be used; the index was not changed");
    match error {
        StoreError::Absent => finding.fix(CommandLine::of(Verb::KeyAdd, profile)),
        _ => finding,
    }
    .of_profile(profile)
}

/// Keyrings that do not answer.
pub fn keyrings(checkup: &Checkup) -> Checked {
    let answers = &checkup.keyrings;
    if !answers.iter().any(|(_, error)| is_usable(error.as_ref())) {
        let errors = answers.iter().filter_map(|(store, error)| Some((*store, error.clone()?))).collect();
        let failure: Failure = NoSealingKey::Nowhere(errors).failure();
        let why = "every command asks for a code; login and credential-process fail";
        return vec![Finding::of_failure(Error, &failure, why)].into();
    }
    let of = |(store, error): &(&'static About, Option<StoreError>)| {
        let error = error.as_ref().filter(|error| !is_usable(Some(error)))?;
        Some(if checkup.durable().is_some_and(|(durable, _)| durable == *store) {
            without_durable(checkup, store, error)
        } else {
            let why = "only the other keyring protects sessions, and it is slower";
            Finding::new(Info, format!("{} {error}", store.name), why)
        })
    };
    answers.iter().filter_map(of).collect::<Vec<_>>().into()
}

fn without_durable(checkup: &Checkup, store: &About, error: &StoreError) -> Finding {
    let has_keys = checkup.context.index.entries().next().is_some();
    let severity = match error {
        StoreError::Locked | StoreError::Dismissed | StoreError::Unconfirmed if has_keys => Warning,
        StoreError::Locked | StoreError::Dismissed | StoreError::Unconfirmed => Info,
        StoreError::NoService(_) if has_keys => Error,
        StoreError::NoService(_) => Info,
        _ => Warning,
    };
    let other = checkup.stores.fast.as_ref().map_or("nothing else", |store| store.name());
    let why = match has_keys {
        true => "the access keys in it cannot be used; active sessions can".into(),
        false => format!("only {other} protects sessions, and access keys stay in files"),
    };
    let finding = Finding::new(severity, format!("{} {error}", store.name), why);
    match error {
        StoreError::Locked | StoreError::Dismissed => store.unlock.into_iter().fold(finding, Finding::fix),
        StoreError::ForeignBus { variable, .. } => {
            finding.fix(exports::unset_line(calling_shell(&checkup.context.env), &[*variable]))
        }
        StoreError::TimedOut(_) => finding.fix("restart the keyring"),
        _ => finding,
    }
}
