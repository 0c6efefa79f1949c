//! Long-term keys: where they lie, how old they are, and whether the keyring gives back what the index promises.

use std::collections::{BTreeMap, HashMap};
use std::time::{Duration, Instant};

use crate::aws_files::Setting;
use crate::cmd::env::calling_shell;
use crate::credentials::{AccessKeyId, STATIC_KEYS};
use crate::error::Failure;
use crate::hint::{CommandLine, Verb};
use crate::names::ProfileName;
use crate::ours::key_index::Entry;
use crate::output::exports;
use crate::profile::facts::is_adopted;
use crate::session::sealing_key::NoSealingKey;
use crate::store::{StoreError, access_key};
use crate::system::clock::Deadline;
use crate::text::visible::visible;

use super::Outcome;
use super::context::{Context, OneProfile, is_usable};
use super::finding::Finding;
use super::finding::Severity::{Error, Info, Warning};

const DAY: Duration = Duration::from_secs(86_400);
/// A keyring gives hundreds of items in that time.
const PATIENCE: Duration = Duration::from_secs(3);

/// A long-term key that stands in a file.
struct InFile<'a> {
    of: &'a OneProfile,
    /// None where it is no key id: then it may be the secret.
    id: Option<AccessKeyId>,
    secret: &'a Setting,
}

impl<'a> InFile<'a> {
    fn all(context: &'a Context) -> impl Iterator<Item = Self> {
        context.profiles.iter().filter_map(|of| {
            let (id, secret) = (of.profile.get("aws_access_key_id")?, of.profile.get("aws_secret_access_key")?);
            let id = AccessKeyId::parse(&id.value).ok();
            let temporary = id.as_ref().is_some_and(|id| id.is_temporary());
            (!temporary && token(of).is_none()).then_some(Self { of, id, secret })
        })
    }

    fn named(&self) -> String {
        self.id.as_ref().map_or_else(|| "an access key".into(), |id| format!("access key {id}"))
    }

    fn finding(&self, severity: super::finding::Severity, what: String, why: &str) -> Finding {
        Finding::new(severity, what, why).of_profile(&self.of.name).at(&self.secret.place)
    }
}

fn token(of: &OneProfile) -> Option<&Setting> {
    of.profile.get("aws_session_token").or_else(|| of.profile.get("aws_security_token"))
}

fn indexed<'a>(context: &'a Context, name: &str) -> Option<&'a Entry> {
    context.world.index.get(&ProfileName::parse(name).ok()?)
}

/// The commands that move keys into the keyring: a key goes there with the profile that is served from it.
struct Moves<'a>(HashMap<&'a str, Vec<&'a OneProfile>>);

impl<'a> Moves<'a> {
    /// Who names whom as source.
    fn of_all(context: &'a Context) -> Self {
        let mut users: HashMap<&str, Vec<&OneProfile>> = HashMap::new();
        for one in &context.profiles {
            let sources = ["twolock_source_profile", "source_profile"].map(|key| one.profile.get(key));
            if let Some(source) = sources.into_iter().flatten().next() {
                users.entry(&source.value).or_default().push(one);
            }
        }
        Self(users)
    }

    fn of(&self, owner: &OneProfile) -> CommandLine {
        let users = self.0.get(owner.name.as_str()).map(Vec::as_slice).unwrap_or_default();
        let has_device = |one: &OneProfile| one.profile.get("mfa_serial").is_some();
        let has_role =
            |one: &OneProfile| ["twolock_role_arn", "role_arn"].iter().any(|key| one.profile.get(key).is_some());
        let adopt = |one: &OneProfile| CommandLine::of(Verb::Adopt, &one.name);
        // Where there was no keyring, an adopted profile keeps its key under another name.
        if let Some(keeper) = users.iter().find(|one| is_adopted(&one.profile) && !has_role(one)) {
            return adopt(keeper);
        }
        match has_device(owner) || users.iter().any(|one| has_device(one)) {
            true => adopt(owner),
            false => CommandLine::of(Verb::Set, &owner.name).with("mfa_serial").with("ARN").and(adopt(owner)),
        }
    }
}

/// Keys in clear, which a keyring would keep better where there is one.
pub fn in_clear(context: &Context) -> Outcome {
    let (keeps, moves) = (context.keeps_keys(), Moves::of_all(context));
    let of = |key: InFile| {
        let what = format!("{} is stored in plain text", key.named());
        if !keeps {
            return key.finding(Info, what, "no persistent keyring is available, so it stays in a file with mode 600");
        }
        let why = "malware and backups read this file; the OS keyring is a safer place";
        key.finding(Warning, what, why).mend(moves.of(key.of))
    };
    let only_here = InFile::all(context).filter(|key| indexed(context, &key.of.name).is_none());
    only_here.map(of).collect::<Vec<_>>().into()
}

/// A profile whose key stands in a file and in the index.
pub fn in_two_places(context: &Context) -> Outcome {
    let (keeps, moves) = (context.keeps_keys(), Moves::of_all(context));
    let of = |key: InFile| {
        let entry = indexed(context, &key.of.name)?;
        let why = "the file wins, as in SDKs, so the key in the keyring is not used";
        let what = match key.id.as_ref() == Some(&entry.id) {
            true => format!("access key {} is here and in the OS keyring", entry.id),
            false => format!("{} is here, and {} is in the OS keyring", key.named(), entry.id),
        };
        let finding = key.finding(Warning, what, why);
        // What the keyring cannot give back must not be taken out of the file: adopting proves it first.
        Some(finding.mend(if keeps { moves.of(key.of) } else { CommandLine::of(Verb::Show, &key.of.name) }))
    };
    InFile::all(context).filter_map(of).collect::<Vec<_>>().into()
}

/// Profiles that share one key.
pub fn shared(context: &Context) -> Outcome {
    let mut owners: BTreeMap<AccessKeyId, Vec<InFile>> = BTreeMap::new();
    let keys = InFile::all(context).filter_map(|key| Some((key.id.clone()?, key)));
    keys.for_each(|(id, key)| owners.entry(id).or_default().push(key));
    let of = |(id, keys): (AccessKeyId, Vec<InFile>)| {
        let (first, others) = keys.split_first().filter(|(_, others)| !others.is_empty())?;
        let names = listed(others.iter().map(|key| key.of.name.as_str()));
        let what = format!("access key {id} is also used by {names}");
        Some(first.finding(Info, what, "to change or remove it, edit each of them"))
    };
    owners.into_iter().filter_map(of).collect::<Vec<_>>().into()
}

/// Names in quotes, the first few of them.
pub fn listed<'a>(names: impl ExactSizeIterator<Item = &'a str>) -> String {
    const SHOWN: usize = 5;
    let more = names.len().saturating_sub(SHOWN);
    let shown: Vec<String> = names.take(SHOWN).map(|name| format!("'{}'", visible(name))).collect();
    if more == 0 { shown.join(", ") } else { format!("{} and {more} more", shown.join(", ")) }
}

/// Sessions in clear, as `aws configure mfa-login` and other tools leave them.
pub fn sessions_in_clear(context: &Context) -> Outcome {
    let of = |profile: &OneProfile| {
        let token = token(profile)?;
        let nothing_else = profile.profile.settings().iter().all(|setting| STATIC_KEYS.contains(&setting.key.as_str()));
        let mend = match nothing_else {
            true => CommandLine::of(Verb::Remove, &profile.name),
            false => CommandLine::of(Verb::Unset, &profile.name).with(&token.key),
        };
        let why = "`aws configure mfa-login` writes it: whoever reads the file has the session";
        let finding = Finding::new(Warning, "a session token is stored in plain text", why);
        Some(finding.of_profile(&profile.name).at(&token.place).mend(mend))
    };
    context.profiles.iter().filter_map(of).collect::<Vec<_>>().into()
}

/// Keys older than `key_max_age`, and from half of it on a reminder. Only the index knows when a key was made.
pub fn ages(context: &Context) -> Outcome {
    let most = context.world.settings.duration_or_default("key_max_age");
    let origin = context.world.settings.get("key_max_age").map(|set| set.origin.to_string()).unwrap_or_default();
    let of = |(profile, entry): (&str, &Entry)| {
        let age = context.now.since(entry.created?);
        let severity = match age {
            _ if age >= most => Warning,
            _ if age >= most / 2 => Info,
            _ => return None,
        };
        let days = |span: Duration| format!("{}d", span.as_secs() / DAY.as_secs());
        let what = format!("access key {} is {} old; key_max_age is {} ({origin})", entry.id, days(age), days(most));
        let finding = Finding::new(severity, what, "the older a key, the more copies of it may exist");
        let mend = "create a new one: IAM > Users > Security credentials in the console";
        Some(finding.of_profile(profile).mend(mend))
    };
    context.world.index.entries().filter_map(of).collect::<Vec<_>>().into()
}

/// What the index promises and the keyring does not give back.
pub fn items(context: &Context) -> Outcome {
    let index = &context.world.index;
    if index.entries().next().is_none() {
        return Vec::new().into();
    }
    let closed = || {
        let (name, said) = context.durable()?;
        Some(format!("{name} {}", said?))
    };
    if !context.keeps_keys() {
        return Outcome::unchecked(closed().unwrap_or_else(|| "no persistent keyring is in use".into()));
    }
    let until = Deadline::after(Instant::now(), PATIENCE);
    let mut findings = Vec::new();
    for (profile, entry) in index.entries() {
        if until.has_passed() {
            return Outcome { findings, unchecked: Some("the keyring is too slow to check all items".into()) };
        }
        match kept(context, entry) {
            Some(Err(error @ (StoreError::Absent | StoreError::Damaged(_)))) => {
                findings.push(lost(context, profile, entry, &error))
            }
            Some(Err(error)) => return Outcome { findings, unchecked: Some(error.to_string()) },
            Some(Ok(())) | None => {}
        }
    }
    findings.into()
}

/// Whether the keyring gives a key back. The secret is dropped at once.
fn kept(context: &Context, entry: &Entry) -> Option<Result<(), StoreError>> {
    let store = context.stores.durable.as_deref().filter(|_| context.keeps_keys())?;
    Some(access_key::read(store, &entry.id).map(drop))
}

fn lost(context: &Context, profile: &str, entry: &Entry, error: &StoreError) -> Finding {
    let store = context.durable().map_or("the keyring", |(name, _)| name);
    let what = format!("access key {}: {store} {error}", entry.id);
    if context.world.files.profile(profile).is_none() {
        let why = "the index still names it for a profile that no longer exists; this is harmless";
        return Finding::new(Info, what, why).of_profile(profile);
    }
    let finding = Finding::new(Error, what, "the key cannot be used; the index was not changed");
    let configure = || CommandLine::other("aws configure --profile").of_profile(profile);
    match error {
        StoreError::Absent => finding.mend(configure().and(CommandLine::of(Verb::Adopt, profile))),
        _ => finding,
    }
    .of_profile(profile)
}

/// Which keyrings answer, and so which of them seals sessions and keeps keys.
pub fn keyrings(context: &Context) -> Outcome {
    let answers = &context.keyrings;
    if !answers.iter().any(|(_, said)| is_usable(said.as_ref())) {
        let said = answers.iter().filter_map(|(name, said)| Some((*name, said.clone()?))).collect();
        let failure: Failure = NoSealingKey::Nowhere(said).failure();
        let why = "every command asks for a code; login and credential-process fail";
        return vec![Finding::of_failure(Error, &failure, why)].into();
    }
    let of = |(name, said): &(&'static str, Option<StoreError>)| {
        let error = said.as_ref().filter(|said| !is_usable(Some(said)))?;
        Some(if context.durable().is_some_and(|(durable, _)| durable == *name) {
            without_durable(context, name, error)
        } else {
            let why = "only the other keyring protects sessions, and it is slower";
            Finding::new(Info, format!("{name} {error}"), why)
        })
    };
    answers.iter().filter_map(of).collect::<Vec<_>>().into()
}

fn without_durable(context: &Context, name: &str, error: &StoreError) -> Finding {
    let has_keys = context.world.index.entries().next().is_some();
    let severity = match error {
        StoreError::Locked | StoreError::Dismissed if has_keys => Warning,
        StoreError::Locked | StoreError::Dismissed => Info,
        StoreError::NoService(_) if has_keys => Error,
        StoreError::NoService(_) => Info,
        _ => Warning,
    };
    let why = match has_keys {
        true => "the access keys in it cannot be used; active sessions can",
        false => "only the kernel keyring protects sessions, and access keys stay in files",
    };
    let finding = Finding::new(severity, format!("{name} {error}"), why);
    match error {
        StoreError::Locked | StoreError::Dismissed => finding.mend("unlock the keyring"),
        StoreError::ForeignBus { variable, .. } => {
            finding.mend(exports::unset_line(calling_shell(&context.world.env), &[*variable]))
        }
        StoreError::TimedOut(_) => finding.mend("restart the keyring"),
        _ => finding,
    }
}
