//! Words that nobody reads because they are nearly, but not quite, right: headers, keys, values and settings.

use crate::aws_files::Setting;
use crate::aws_files::near::NearSection;
use crate::credentials::STATIC_KEYS;
use crate::error::Failure;
use crate::hint::{CommandLine, Hint, Verb};
use crate::names::ProfileName;
use crate::ours::settings::{UnknownName, near_name};
use crate::profile::keys::{self, Mistake};
use crate::profile::settings::{ProfileSettings, without_quotes};
use crate::secret;
use crate::text::visible::visible;

use super::checkup::{Checkup, OneProfile};
use super::finding::Severity::{Info, Warning};
use super::finding::{Checked, Finding};

/// Sections that were probably meant as profiles.
pub fn headers(checkup: &Checkup) -> Checked {
    checkup.context.files.all_near().iter().filter(|near| is_meant(near)).map(header).collect::<Vec<_>>().into()
}

/// A section of one word may be another program's; it is meant as a profile if it has a profile's keys, or none.
fn is_meant(near: &NearSection) -> bool {
    let is_one_word = !near.written().contains(char::is_whitespace);
    let mut keys = near.settings().iter().map(|setting| setting.key.as_str());
    !is_one_word || near.settings().is_empty() || keys.any(keys::is_known)
}

fn header(near: &NearSection) -> Finding {
    let (severity, why) = match () {
        () if near.get("mfa_serial").is_some() => {
            (Warning, "AWS tools ignore it, and without its mfa_serial they would not use MFA")
        }
        () if near.settings().iter().any(|setting| keys::concerns_mfa(&setting.key)) => {
            (Warning, "AWS tools and twolock ignore it")
        }
        () => (Info, "AWS tools and twolock ignore it"),
    };
    Finding::new(severity, near.problem(), why).of_profile(&near.name).at(&near.place).fix(near.advice())
}

/// Keys that nobody reads, and values that a command would refuse when it needs them.
pub fn keys(checkup: &Checkup) -> Checked {
    checkup.profiles.iter().flat_map(of_profile).collect::<Vec<_>>().into()
}

fn of_profile(one: &OneProfile) -> Vec<Finding> {
    let Ok(name) = ProfileName::parse(&one.name) else { return Vec::new() };
    let settings = ProfileSettings::of(&one.profile, &name);
    let reported = one.plan.as_ref().and_then(|plan| plan.as_ref().err()?.place.as_ref());
    let all = settings.settings();
    let wrong = all.iter().filter_map(|setting| {
        let value = || Some(settings.check(&setting.key).err()?).filter(|_| reported != Some(&setting.place));
        unread(one, setting).or_else(|| value().map(|failure| invalid(one, setting, &failure)))
    });
    let note = settings.note_on_duration().map(|(setting, note)| {
        let why = match setting.key.as_str() {
            "duration_seconds" => "AWS tools use it for roles only",
            _ => "roles share the MFA session of the profile with the access key",
        };
        let finding = Finding::new(Info, note, why).of_profile(&one.name).at(&setting.place);
        finding.fix(CommandLine::of(Verb::Unset, &one.name).with(&setting.key))
    });
    wrong.chain(note).collect()
}

fn invalid(one: &OneProfile, setting: &Setting, failure: &Failure) -> Finding {
    let severity = if one.concerns_mfa() { Warning } else { Info };
    let finding = Finding::of_failure(severity, failure, "commands that read it fail");
    finding.fix(match without_quotes(&setting.value).filter(|value| may_be_set(one, setting, &setting.key, value)) {
        Some(value) => CommandLine::of(Verb::Set, &one.name).with(&setting.key).with(value).into(),
        None => removed(one, setting),
    })
}

/// A key that is nearly one that somebody reads.
fn unread(one: &OneProfile, setting: &Setting) -> Option<Finding> {
    let (severity, why, fix) = match keys::mistake(&setting.key)? {
        Mistake::Nearly(meant) => {
            let matters = keys::concerns_mfa(meant) || setting.is_secret() || STATIC_KEYS.contains(&meant);
            let why = format!("no AWS tool reads it; did you mean '{meant}'?");
            (if matters { Warning } else { Info }, why, renamed(one, setting, meant))
        }
        Mistake::NotOurs => (Warning, "twolock has no such key".into(), removed(one, setting)),
    };
    let finding = Finding::new(severity, format!("unknown key '{}'", visible(&setting.key)), why);
    Some(finding.of_profile(&one.name).at(&setting.place).fix(fix))
}

fn renamed(one: &OneProfile, setting: &Setting, meant: &str) -> Hint {
    if one.profile.get(meant).is_some() {
        return removed(one, setting);
    }
    let rename = || Hint::from(format!("rename this key in line {} to '{meant}'", setting.place.line));
    let set = CommandLine::of(Verb::Set, &one.name).with(meant).with(&setting.value);
    let moved = set.and(CommandLine::of(Verb::Unset, &one.name).with(&setting.key));
    let is_movable = may_be_set(one, setting, meant, &setting.value) && moved.pasteable().is_some();
    if is_movable { moved.into() } else { rename() }
}

/// A secret may have no other copy, so no command removes it.
fn removed(one: &OneProfile, setting: &Setting) -> Hint {
    match setting.is_secret() {
        true => format!("edit {}", setting.place).into(),
        false => CommandLine::of(Verb::Unset, &one.name).with(&setting.key).into(),
    }
}

/// Whether `profile set` takes this setting's value, or what is between its quotes, for a key.
fn may_be_set(one: &OneProfile, setting: &Setting, key: &str, value: &str) -> bool {
    let is_secret = setting.is_secret() || secret::is_name(key) || STATIC_KEYS.contains(&key);
    let is_word = !value.is_empty() && !value.starts_with("--") && !value.contains(char::is_control);
    let Ok(name) = ProfileName::parse(&one.name) else { return false };
    !is_secret && is_word && {
        let tried = one.profile.saying_only(setting.renamed(key, value));
        ProfileSettings::of(&tried, &name).check(key).is_ok()
    }
}

/// Names in `config.toml` that are no settings.
pub fn settings(checkup: &Checkup) -> Checked {
    checkup.context.settings.unknown.iter().map(setting).collect::<Vec<_>>().into()
}

fn setting(unknown: &UnknownName) -> Finding {
    let what = format!("unknown setting '{}'", visible(&unknown.name));
    let finding = Finding::new(Warning, what, "twolock does not read it").at(&unknown.place);
    match near_name(&unknown.name) {
        Some(meant) => finding.fix(format!("write '{meant}'")),
        None => finding.fix("remove it"),
    }
}
