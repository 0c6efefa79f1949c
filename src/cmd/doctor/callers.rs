//! Whether the AWS CLI and SDKs come to us where they should, and find a program there that is us.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::aws_files::Setting;
use crate::aws_files::process_line::ProcessLine;
use crate::hint::{CommandLine, Verb};
use crate::profile::adoption::program::names_a_version;
use crate::profile::callers::{self, Callers, Reader, Verdict};
use crate::system::{child, directories};
use crate::text::visible::visible;

use super::Outcome;
use super::context::{Context, OneProfile};
use super::finding::Severity::{Error, Info, Warning};
use super::finding::{Finding, Severity};
use super::keys::listed;

/// Profiles that are served by us, and callers that go another way.
pub fn bypassed(context: &Context) -> Outcome {
    let callers = Callers::of(&context.world.files);
    context.profiles.iter().filter_map(|one| bypass(one, &callers)).collect::<Vec<_>>().into()
}

fn bypass(one: &OneProfile, callers: &Callers) -> Option<Finding> {
    // Only these two bring anybody to us.
    one.profile.get("credential_process").or_else(|| one.profile.get("source_profile"))?;
    let verdicts = callers.judge(&one.name);
    let line = ours(one);
    let is_ours = line.is_some() || verdicts.iter().any(|(_, verdict)| is_above_us(verdict));
    let elsewhere: Vec<_> = verdicts.into_iter().filter(|(_, verdict)| goes_elsewhere(verdict)).collect();
    if !is_ours || elsewhere.is_empty() {
        return None;
    }
    let is_broken = |(_, verdict): &(Reader, Verdict)| verdict.fails() || verdict.without_mfa().is_some();
    let severity = if elsewhere.iter().any(is_broken) { Error } else { Warning };
    let what = format!("{} bypass twolock", names(elsewhere.iter().map(|(caller, _)| *caller)));
    let finding = Finding::new(severity, what, reasons(&elsewhere)).of_profile(&one.name);
    let place = line.map_or(&one.profile.place, |(setting, _)| &setting.place);
    Some(finding.at(place).mend(CommandLine::of(Verb::Adopt, &one.name)))
}

/// A role that a caller assumes itself, with credentials of ours.
fn is_above_us(verdict: &Verdict) -> bool {
    matches!(verdict, Verdict::Role { with, .. } if with.comes_to_us() || is_above_us(with))
}

/// What stands oddly in the files, and odd names, are findings of their own.
fn goes_elsewhere(verdict: &Verdict) -> bool {
    let is_odd = matches!(
        verdict,
        Verdict::RefusesFile(_) | Verdict::DoesNotFind(_) | Verdict::ReadsDifferently(_) | Verdict::MayNotFind
    );
    let below_is_odd = matches!(verdict, Verdict::Role { with, .. } if !with.comes_to_us() && !goes_elsewhere(with));
    !verdict.comes_to_us() && !is_odd && !below_is_odd
}

fn names(callers: impl Iterator<Item = Reader>) -> String {
    callers.map(callers::name).collect::<Vec<_>>().join(", ")
}

/// Each reason once, with those it holds for.
fn reasons(elsewhere: &[(Reader, Verdict)]) -> String {
    match callers::grouped(elsewhere).as_slice() {
        [(_, reason)] => reason.clone(),
        groups => groups.iter().map(|(who, reason)| format!("{who}: {reason}")).collect::<Vec<_>>().join("; "),
    }
}

fn ours(one: &OneProfile) -> Option<(&Setting, ProcessLine<'_>)> {
    let setting = one.profile.get("credential_process")?;
    Some((setting, ProcessLine::parse(&setting.value)?))
}

/// Lines of ours whose program is gone, is another one, or will be gone at the next upgrade.
pub fn programs(context: &Context) -> Outcome {
    let myself = std::env::current_exe().and_then(|path| directories::resolve(&path)).ok();
    let mut served: BTreeMap<&str, Vec<(&OneProfile, &Setting)>> = BTreeMap::new();
    for one in &context.profiles {
        if let Some((setting, line)) = ours(one) {
            served.entry(line.program).or_default().push((one, setting));
        }
    }
    let of = |(program, lines): (&str, Vec<(&OneProfile, &Setting)>)| {
        let (severity, what, why) = wrong(program, context, myself.as_deref())?;
        let ((one, setting), others) = lines.split_first()?;
        let others = match others {
            [] => String::new(),
            others => format!("; so does {}", listed(others.iter().map(|(one, _)| one.name.as_str()))),
        };
        let what = format!("credential_process names {}, {what}", visible(program));
        let finding = Finding::new(severity, what, format!("{why}{others}")).of_profile(&one.name).at(&setting.place);
        Some(finding.mend(CommandLine::of(Verb::Adopt, &one.name)))
    };
    served.into_iter().filter_map(of).collect::<Vec<_>>().into()
}

fn wrong(program: &str, context: &Context, myself: Option<&Path>) -> Option<(Severity, &'static str, &'static str)> {
    const NOTHING: &str = "the AWS CLI and SDKs cannot find the program";
    let path = Path::new(program);
    let found: Option<PathBuf> = child::find_program(program, context.world.env.raw("PATH"));
    let Some(found) = found else {
        return Some(match path.is_absolute() {
            true if path.exists() => (Error, "which is not executable", NOTHING),
            true => (Error, "which does not exist", NOTHING),
            false if path.components().count() > 1 => {
                (Error, "which is not an absolute path or a name on PATH", NOTHING)
            }
            false => (Error, "which is not on PATH", NOTHING),
        });
    };
    if names_a_version(path) {
        return Some((Warning, "a path that contains a version", "the next upgrade may remove it"));
    }
    let real = directories::resolve(&found).ok()?;
    let is_another = myself.is_some_and(|myself| real != myself);
    is_another.then_some((Info, "which is a different twolock", "it may be an older version"))
}
