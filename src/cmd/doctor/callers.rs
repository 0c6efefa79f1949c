//! Whether the AWS CLI and SDKs use twolock for its profiles, and whether the program they start is this twolock.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use crate::aws_files::Setting;
use crate::cmd::context::Planned;
use crate::hint::{CommandLine, Verb};
use crate::names::ProfileName;
use crate::profile::adoption::program::names_a_version;
use crate::profile::callers::{self, Bypass, Callers, READABLE, Reader, Resolution, Verdict};
use crate::profile::facts::{process_line, unprotected_twins};
use crate::system::{child, directories};
use crate::text::list::first_names;
use crate::text::visible::visible;

use super::checkup::{Checkup, OneProfile};
use super::finding::Severity::{Error, Info, Warning};
use super::finding::{Checked, Finding, Severity};

/// Profiles for twolock that some callers use without it.
pub fn bypassed(checkup: &Checkup) -> Checked {
    let callers = checkup.context.callers();
    // A program that nobody can start is a finding of its own, and so is a profile without a plan.
    let is_another_finding = |one: &&OneProfile| {
        let line = process_line(&one.profile);
        let lacks = || line.is_some_and(|(_, line)| callers.lacks(line.program).is_some());
        !matches!(one.plan, Some(Ok(_))) || !is_protected(one) && lacks()
    };
    let judged = checkup.profiles.iter().filter(|one| !is_another_finding(one));
    let bypasses = judged.filter_map(|one| bypass(checkup, one, &callers));
    let protected = checkup.profiles.iter().filter(|one| is_protected(one));
    bypasses.chain(protected.flat_map(|one| twins(checkup, one))).collect::<Vec<_>>().into()
}

fn bypass(checkup: &Checkup, one: &OneProfile, callers: &Callers) -> Option<Finding> {
    if is_protected(one) {
        return readable(checkup, one, &callers.judge(&one.name));
    }
    if !callers.leads_to_a_program(&one.profile) {
        return None;
    }
    let verdict = callers.judge(&one.name);
    let bypasses = verdict.bypasses();
    let is_broken = |resolution: &Resolution| matches!(resolution.bypass(), Some(Bypass::Error | Bypass::WithoutMfa));
    let severity = if bypasses.iter().any(|(_, resolution)| is_broken(resolution)) { Error } else { Warning };
    if bypasses.is_empty() {
        return None;
    }
    let fails = bypasses.iter().all(|(_, resolution)| resolution.bypass() == Some(Bypass::Error));
    let is_one = matches!(bypasses.as_slice(), [(one, _)] if *one != Reader::Cli);
    let who = callers::together(bypasses.iter().map(|(caller, _)| *caller).collect());
    let what = match (fails, is_one) {
        (true, true) => format!("{who} gets no credentials"),
        (true, false) => format!("{who} get no credentials"),
        (false, true) => format!("{who} bypasses twolock"),
        (false, false) => format!("{who} bypass twolock"),
    };
    let finding = Finding::new(severity, what, reasons(&bypasses)).of_profile(&one.name);
    let place = process_line(&one.profile).map_or(&one.profile.place, |(setting, _)| &setting.place);
    Some(finding.at(place).fixed_by_adopting(&one.name, checkup.why_not_adopted(&one.name).as_ref()))
}

fn is_protected(one: &OneProfile) -> bool {
    matches!(&one.plan, Some(Ok(planned)) if planned.plan.protected)
}

/// A protected role that SDKs assume themselves, without a question and a line in the history.
fn readable(checkup: &Checkup, one: &OneProfile, verdict: &Verdict) -> Option<Finding> {
    if !verdict.is_readable() {
        return None;
    }
    let what = format!("is protected, but {READABLE}");
    let finding = Finding::new(Error, what, reasons(&verdict.readers())).of_profile(&one.name);
    let place = one.profile.get("role_arn").map_or(&one.profile.place, |role| &role.place);
    Some(finding.at(place).fixed_by_adopting(&one.name, checkup.why_not_adopted(&one.name).as_ref()))
}

/// Profiles that assume the role of a protected one, and are not protected.
fn twins<'a>(checkup: &'a Checkup, one: &'a OneProfile) -> impl Iterator<Item = Finding> + 'a {
    let name = ProfileName::parse(&one.name).ok();
    let twins = name.map(|name| unprotected_twins(&checkup.context.files, &name)).unwrap_or_default();
    let others = checkup.profiles.iter().filter(move |other| twins.iter().any(|twin| twin.as_str() == other.name));
    others.map(|other| twin(one, other))
}

fn twin(one: &OneProfile, other: &OneProfile) -> Finding {
    let what = format!("is protected, but '{}' assumes the same role without a fresh code", visible(&other.name));
    let why = "through that profile, AWS tools can use the role, and no line of the history tells of it";
    let key = ["twolock_role_arn", "role_arn"].into_iter().find_map(|key| other.profile.get(key));
    let place = key.map_or(&other.profile.place, |key| &key.place);
    let finding = Finding::new(Warning, what, why).of_profile(&one.name).at(place);
    match can_be_protected(other) {
        true => finding.fix(CommandLine::of(Verb::Set, &other.name).with("twolock_protected").with("true")),
        false => finding.fix(format!("edit {place}")),
    }
}

fn can_be_protected(one: &OneProfile) -> bool {
    let Some(Ok(Planned { plan, .. })) = &one.plan else { return false };
    let roles = plan.steps.iter().filter(|step| step.role().is_some()).count();
    plan.device.is_some() && roles == 1 && plan.duration() <= Duration::from_secs(3600)
}

/// Each reason once, with its callers.
fn reasons(bypasses: &[&(Reader, Resolution)]) -> String {
    match callers::grouped(bypasses.iter().copied()).as_slice() {
        [(_, reason)] => reason.clone(),
        groups => groups.iter().map(|(who, reason)| format!("{who}: {reason}")).collect::<Vec<_>>().join("; "),
    }
}

/// `credential_process` lines whose program is missing, is another one, or may be missing after the next upgrade.
pub fn programs(checkup: &Checkup) -> Checked {
    let callers = checkup.context.callers();
    let myself = std::env::current_exe().and_then(|path| directories::resolve(&path)).ok();
    let mut lines: BTreeMap<&str, Vec<(&OneProfile, &Setting)>> = BTreeMap::new();
    for one in &checkup.profiles {
        if let Some((setting, line)) = process_line(&one.profile) {
            lines.entry(line.program).or_default().push((one, setting));
        }
    }
    let of = |(program, lines): (&str, Vec<(&OneProfile, &Setting)>)| {
        let (severity, what, why) = wrong(program, checkup, &callers, myself.as_deref())?;
        let ((one, setting), others) = lines.split_first()?;
        let names: Vec<&str> = others.iter().map(|(one, _)| one.name.as_str()).collect();
        let others = if names.is_empty() { String::new() } else { format!("; so does {}", first_names(&names)) };
        let what = format!("credential_process names {}, {what}", visible(program));
        let finding = Finding::new(severity, what, format!("{why}{others}")).of_profile(&one.name).at(&setting.place);
        Some(finding.fixed_by_adopting(&one.name, checkup.why_not_adopted(&one.name).as_ref()))
    };
    lines.into_iter().filter_map(of).collect::<Vec<_>>().into()
}

fn wrong(
    program: &str,
    checkup: &Checkup,
    callers: &Callers,
    myself: Option<&Path>,
) -> Option<(Severity, String, &'static str)> {
    if let Some(lacking) = callers.lacks(program) {
        return Some((Error, format!("which {lacking}"), "the AWS CLI and SDKs cannot find the program"));
    }
    let found = child::find_program(program, checkup.context.env.raw("PATH"))?;
    if names_a_version(Path::new(program)) {
        return Some((Warning, "a path that contains a version".into(), "the next upgrade may remove it"));
    }
    let real = directories::resolve(&found).ok()?;
    let is_another = myself.is_some_and(|myself| real != myself);
    is_another.then_some((Info, "which is a different twolock".into(), "it may be an older version"))
}
