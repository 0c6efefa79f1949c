//! Profiles: plans that fail, devices that cannot be used, and what other readers of the files misread.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use crate::arn::MfaSerial;
use crate::aws_files::Profile;
use crate::aws_files::file::AwsFile;
use crate::aws_files::oddities::{Construct, Effect, Oddity, Reader};
use crate::cmd::context::Context;
use crate::duration;
use crate::error::{Failure, Place};
use crate::hint::{CommandLine, Verb};
use crate::names::ProfileName;
use crate::origin::FileChoice;
use crate::ours::aliases::{Alias, setting_of};
use crate::ours::consent;
use crate::profile::EndpointUrls;
use crate::profile::base::OTHER_SOURCES;
use crate::profile::base::key::NAMED_SOURCES;
use crate::profile::facts::names_twolock;
use crate::profile::settings::parse_session_duration;
use crate::prompt::command::CommandSource;
use crate::text::list::first_names;
use crate::text::visible::visible;

use super::checkup::{Checkup, OneProfile};
use super::finding::Severity::{Error, Info, Warning};
use super::finding::{Checked, Finding, MOST_SHOWN};

/// A session of 15 minutes is always inside botocore's renewal window (aws-contract 3.2).
const NEVER_FRESH: Duration = Duration::from_secs(900);

/// Profiles without a valid plan: source_profile loops, missing sources, values that AWS would refuse.
pub fn plans(checkup: &Checkup) -> Checked {
    let mut alike: Vec<(&Failure, Vec<&OneProfile>)> = Vec::new();
    let mut known: HashMap<String, usize> = HashMap::new();
    for one in &checkup.profiles {
        let Some(failure) = refused(checkup, one) else { continue };
        // A problem of a source affects all roles that use it, and is reported once.
        match known.entry(failure.headline()) {
            Entry::Occupied(at) => alike[*at.get()].1.push(one),
            Entry::Vacant(new) => {
                new.insert(alike.len());
                alike.push((failure, vec![one]));
            }
        }
    }
    let mut found = Vec::new();
    for (failure, all) in alike {
        // Suggestions take time, so only failures that are shown get them.
        let name = ProfileName::parse(&all[0].name).ok().filter(|_| found.len() < MOST_SHOWN);
        let suggesting = name.and_then(|name| checkup.context.plan(&name).err());
        found.push(no_plan(suggesting.as_ref().unwrap_or(failure), &all));
    }
    found.into()
}

/// All these profiles fail for the same reason.
fn no_plan(failure: &Failure, all: &[&OneProfile]) -> Finding {
    let (severity, why) = match () {
        () if all.iter().any(|one| names_twolock(&one.profile)) => {
            (Error, "the AWS CLI and SDKs use twolock for it, and fail")
        }
        () if all.iter().all(|one| !one.concerns_mfa()) => {
            (Info, "twolock cannot get credentials for it; other programs may")
        }
        () => (Warning, "twolock cannot get credentials for it"),
    };
    let others: Vec<&str> = all[1..].iter().map(|one| one.name.as_str()).collect();
    let others = if others.is_empty() { String::new() } else { format!("; the same for {}", first_names(&others)) };
    Finding::of_failure(severity, failure, format!("{why}{others}")).or_edit(failure)
}

/// The failure of a profile that twolock should handle, unlike those of the instance and of no credentials at all.
fn refused<'a>(checkup: &'a Checkup, one: &'a OneProfile) -> Option<&'a Failure> {
    let failure = one.plan.as_ref()?.as_ref().err()?;
    let culprit = failure.profile.as_ref().and_then(|name| checkup.context.files.profile(name));
    let is_elsewhere =
        is_handled_elsewhere(&one.profile) || culprit.is_some_and(|profile| is_handled_elsewhere(&profile));
    (names_twolock(&one.profile) || !is_elsewhere).then_some(failure)
}

fn is_handled_elsewhere(profile: &Profile) -> bool {
    let has = |key: &str| profile.get(key).is_some();
    let has_key = has("aws_access_key_id") || has("aws_secret_access_key");
    let has_source = has_key || ["role_arn", "twolock_role_arn", "twolock_source_profile"].iter().any(|key| has(key));
    let has_other_source =
        OTHER_SOURCES.iter().any(|key| has(key) && !(*key == "credential_process" && names_twolock(profile)));
    // What this names depends on the machine or on the shell.
    let is_of_machine = profile.get("credential_source").is_some_and(|source| NAMED_SOURCES.contains(&&*source.value));
    // Another check reports a session token.
    let is_temporary = has("aws_session_token") || has("aws_security_token");
    is_of_machine || is_temporary || (!has_source && !has_other_source && !has("mfa_serial"))
}

/// Devices that cannot be used: root's, and those of another account than the key.
pub fn devices(checkup: &Checkup) -> Checked {
    checkup.profiles.iter().filter_map(|one| device(checkup, one)).collect::<Vec<_>>().into()
}

fn device(checkup: &Checkup, one: &OneProfile) -> Option<Finding> {
    let setting = one.profile.get("mfa_serial")?;
    let serial = MfaSerial::parse(&setting.value).ok()?;
    let finding =
        |severity, what: String, why: &str| Finding::new(severity, what, why).of_profile(&one.name).at(&setting.place);
    if serial.name() == Some("root-account-mfa-device") {
        let why = "root keys can do everything, and cannot assume roles";
        let finding = finding(Warning, "mfa_serial is the root user's device".into(), why);
        return Some(finding.fix("use an IAM user with its own device: IAM > Users in the console"));
    }
    let key = one.plan.as_ref()?.as_ref().ok()?.plan.base.key()?;
    let entry = checkup.context.index.get(&key.profile).filter(|entry| entry.id == key.id)?;
    let (device, account) = (serial.account()?, entry.account.as_ref()?);
    (device != account).then(|| {
        let what = format!("mfa_serial belongs to account {device}, and access key {} to account {account}", key.id);
        finding(Error, what, "STS accepts codes only from the key's own user")
            .fix(CommandLine::of(Verb::Set, &one.name).with("mfa_serial").with("ARN"))
    })
}

/// MFA sessions so short that boto3 and the AWS CLI always renew them.
pub fn short_sessions(checkup: &Checkup) -> Checked {
    let why = "boto3 and the AWS CLI run twolock on every call in the last 15m";
    let what = |span: Duration| format!("an MFA session of {} always looks expired", duration::show(span));
    let of = |one: &OneProfile| {
        let setting = one.profile.get("twolock_session_duration")?;
        let span = parse_session_duration(&setting.value).ok().filter(|span| *span <= NEVER_FRESH)?;
        let fix = CommandLine::of(Verb::Set, &one.name).with("twolock_session_duration").with("12h");
        Some(Finding::new(Warning, what(span), why).of_profile(&one.name).at(&setting.place).fix(fix))
    };
    let set = checkup.context.settings.duration("session_duration").filter(|set| set.value <= NEVER_FRESH);
    let ours = set.map(|set| {
        let finding = Finding::new(Warning, format!("session_duration ({}): {}", set.origin, what(set.value)), why);
        finding.fix(CommandLine::new(Verb::SettingsSet).with("session_duration").with("12h"))
    });
    ours.into_iter().chain(checkup.profiles.iter().filter_map(of)).collect::<Vec<_>>().into()
}

/// Profile names that some SDKs cannot read.
pub fn names(checkup: &Checkup) -> Checked {
    let is_odd = |one: &&OneProfile| !ProfileName::parse(&one.name).is_ok_and(|name| name.is_read_by_every_sdk());
    let of = |one: &OneProfile| {
        let why = "they accept only A-Z a-z 0-9 _ - / . % @ : + in names";
        let severity = if names_twolock(&one.profile) { Warning } else { Info };
        let finding = Finding::new(severity, "some SDKs cannot find a profile with this name", why);
        let finding = finding.of_profile(&one.name).at(&one.profile.place);
        match plain(checkup, &one.name) {
            Some(name) => finding.fix(CommandLine::of(Verb::Rename, &one.name).with(name)),
            None => finding,
        }
    };
    checkup.profiles.iter().filter(is_odd).map(of).collect::<Vec<_>>().into()
}

/// A similar name that every SDK can read, unless it is in use.
fn plain(checkup: &Checkup, name: &str) -> Option<String> {
    let keep = |c: char| if c.is_ascii_alphanumeric() || "_/.@:+".contains(c) { c } else { '-' };
    let plain: String = name.chars().map(keep).collect();
    let plain = plain.trim_matches('-');
    (!plain.is_empty() && plain.len() <= 64 && checkup.context.files.profile(plain).is_none())
        .then(|| plain.to_string())
}

/// Aliases that are not used or select nothing.
pub fn aliases(checkup: &Checkup) -> Checked {
    let files = &checkup.context.files;
    let of = |(name, alias): (&str, &Alias)| {
        let (what, why) = if files.profile(name).is_some() {
            (
                "is also the name of a profile, which takes precedence".to_string(),
                "it selects that profile, not the other one",
            )
        } else if files.profile(alias.profile.as_str()).is_none() {
            let what = format!("refers to profile '{}', which does not exist", visible(alias.profile.as_str()));
            (what, "it selects nothing")
        } else {
            return None;
        };
        let finding = Finding::new(Info, format!("alias '{}' {what}", visible(name)), why).at(&alias.place);
        Some(finding.fix(CommandLine::new(Verb::SettingsUnset).with(setting_of(name))))
    };
    checkup.context.settings.aliases.iter().filter_map(of).collect::<Vec<_>>().into()
}

/// Syntax that other readers refuse, ignore or read differently.
pub fn readers(checkup: &Checkup) -> Checked {
    let mut found = Vec::new();
    let mut lines: Vec<(Construct, Vec<Oddity>)> = Vec::new();
    for file in [&checkup.context.files.config, &checkup.context.files.credentials] {
        // Its lines would be findings without a meaning.
        if let Some((place, what)) = file.not_text() {
            let finding = Finding::new(Error, format!("this file is {what}"), "AWS tools cannot read it");
            found.push(finding.at(&place).fix("save it as UTF-8"));
            continue;
        }
        for oddity in file.oddities() {
            match lines.iter_mut().find(|(construct, _)| *construct == oddity.construct) {
                Some((_, same)) => same.push(oddity),
                None => lines.push((oddity.construct, vec![oddity])),
            }
        }
    }
    found.extend(lines.iter().map(|(construct, all)| odd(*construct, all)));
    found.into()
}

fn odd(construct: Construct, all: &[Oddity]) -> Finding {
    let stumbling = construct.stumbling();
    let hurts = |(effect, readers): &(Effect, &[Reader])| *effect == Effect::Refuses || readers.contains(&Reader::Cli);
    let severity = if stumbling.iter().any(hurts) { Warning } else { Info };
    let more = match all.len() - 1 {
        0 => String::new(),
        n => format!(", and {n} more like this"),
    };
    let effect = |(effect, readers): &(Effect, &[Reader])| {
        let readers: Vec<String> = readers.iter().map(Reader::to_string).collect();
        format!("{effect} {}", readers.join(", "))
    };
    let why: Vec<String> = stumbling.iter().map(effect).collect();
    let finding = Finding::new(severity, format!("{}{more}", construct.what()), why.join("; ")).at(&all[0].place);
    construct.remedy().into_iter().fold(finding, Finding::fix)
}

/// Files that a variable selects and that lack the consent to start programs.
pub fn consents(checkup: &Checkup) -> Checked {
    let files = &checkup.context.files;
    let of = |(file, choice): (&AwsFile, &FileChoice)| {
        let place = names_a_program(checkup, file)?;
        let consents = &checkup.context.settings.trust;
        let home = checkup.context.dirs.account_home();
        let failure = consent::must_have_consent(choice, file.bytes(), &home, consents).err()?;
        let why = "entering a directory must not run code, so you must trust this file first";
        Some(Finding::of_failure(Warning, &failure, why).at(place))
    };
    let both = [(&*files.config, &files.config_choice), (&*files.credentials, &files.credentials_choice)];
    both.into_iter().filter_map(of).collect::<Vec<_>>().into()
}

/// Each `mfa_process` that would not be started.
pub fn code_programs(checkup: &Checkup) -> Checked {
    let Context { env, dirs, .. } = &checkup.context;
    let home = dirs.account_home();
    let of = |one: &OneProfile| {
        let setting = one.profile.get("mfa_process")?;
        let name = ProfileName::parse(&one.name).ok()?;
        let failure = CommandSource::parse(&setting.value, &name, &setting.place, env, &home).err()?;
        Some(Finding::of_failure(Warning, &failure, "twolock gets no code from it, and fails instead of asking"))
    };
    checkup.profiles.iter().filter_map(of).collect::<Vec<_>>().into()
}

/// The first mfa_process in a file.
fn names_a_program<'a>(checkup: &'a Checkup, file: &AwsFile) -> Option<&'a Place> {
    let named = checkup.profiles.iter().filter_map(|one| one.profile.get("mfa_process"));
    named.map(|setting| &setting.place).find(|place| *place.file == *file.shown())
}

/// Profiles whose calls do not go to AWS.
pub fn endpoints(checkup: &Checkup) -> Checked {
    let mut elsewhere: BTreeMap<[String; 3], Vec<&str>> = BTreeMap::new();
    for one in &checkup.profiles {
        let Some(Ok(planned)) = &one.plan else { continue };
        let EndpointUrls { sts, iam } = &planned.plan.endpoint_urls;
        let of_iam = checkup.context.iam_endpoint(planned).ok();
        // Both are usually the same host.
        let of_iam = of_iam.as_ref().filter(|of_iam| of_iam.identity() != planned.endpoint.identity());
        for (endpoint, given) in [(Some(&planned.endpoint), sts), (of_iam, iam)] {
            if let (Some(endpoint), Some(given)) = (endpoint.filter(|endpoint| !endpoint.is_aws()), given) {
                let service = endpoint.service().name().to_owned();
                elsewhere.entry([service, endpoint.shown(), given.origin.name()]).or_default().push(&one.name);
            }
        }
    }
    let of = |([service, host, by], names): ([String; 3], Vec<&str>)| {
        let what = format!("{service} is {host}, not AWS, set by {} of {}", visible(&by), first_names(&names));
        Finding::new(Info, what, "your key signs requests to it; its sessions are separate from AWS's")
    };
    elsewhere.into_iter().map(of).collect::<Vec<_>>().into()
}
