//! What sources of credentials other than access keys need on this machine. No program is started.

use std::collections::BTreeMap;

use crate::cmd::context::Context;
use crate::error::{Failure, Place};
use crate::profile::base::{Base, Process};
use crate::profile::facts::names_twolock;
use crate::sources::process::ProcessSource;
use crate::system::program_line::{ProgramLine, Refusal};
use crate::system::{child, programs as known};
use crate::text::list::first_names;
use crate::text::visible::visible;

use super::checkup::{Checkup, OneProfile};
use super::finding::Severity::{Error, Info, Warning};
use super::finding::{Checked, Finding};

/// Each program of a `credential_process` that twolock would have to run, and would not.
pub fn programs(checkup: &Checkup) -> Checked {
    let mut lines: BTreeMap<(&str, usize), (&Process, Vec<&OneProfile>)> = BTreeMap::new();
    for one in &checkup.profiles {
        if let Some(Base::Process(process)) = base(one) {
            let Place { file, line } = &process.place;
            lines.entry((&**file, *line)).or_insert((process, Vec::new())).1.push(one);
        }
    }
    let mut found: Vec<Finding> = Vec::new();
    for (process, profiles) in lines.into_values() {
        let Some(failure) = refusal(&checkup.context, process) else { continue };
        let finding = finding(checkup, process, &profiles, &failure);
        // What is wrong with a file is wrong with each line of it.
        if !found.iter().any(|other| other.what == finding.what && other.file == finding.file) {
            found.push(finding);
        }
    }
    found.into()
}

fn base(one: &OneProfile) -> Option<&Base> {
    Some(&one.plan.as_ref()?.as_ref().ok()?.plan.base)
}

/// What a run would end with before it starts the program.
fn refusal(context: &Context, process: &Process) -> Option<Failure> {
    let Process { profile, line, place } = process;
    let of_file = context.may_start_program(profile, place).err();
    of_file.or_else(|| ProcessSource::parse(line, profile, place, &context.env, &context.dirs.account_home()).err())
}

fn finding(checkup: &Checkup, process: &Process, profiles: &[&OneProfile], failure: &Failure) -> Finding {
    let is_served = profiles.iter().any(|one| names_twolock(&one.profile));
    let (severity, why) = match () {
        () if is_served => (Error, "the AWS CLI and SDKs use twolock for it, and fail"),
        () if is_missing(&checkup.context, process) => (Warning, "neither twolock nor AWS tools can run it"),
        () => (Info, "twolock cannot get credentials from it; AWS tools may"),
    };
    let others = profiles.iter().map(|one| one.name.as_str()).filter(|name| *name != process.profile.as_str());
    let others: Vec<&str> = others.collect();
    let why = if others.is_empty() { why.into() } else { format!("{why}; used by {}", first_names(&others)) };
    Finding::of_failure(severity, failure, why).or_edit(failure)
}

fn is_missing(context: &Context, process: &Process) -> bool {
    let found = ProgramLine::find_as_sdks_do(&process.line, &context.env, &context.dirs.account_home());
    matches!(found, Err(Refusal::NotFound(_) | Refusal::NotExecutable(_)))
}

/// Whether the AWS CLI, which signs in for SSO and `aws login`, is where twolock takes programs from.
pub fn sign_ins(checkup: &Checkup) -> Checked {
    let sign_in = |one: &OneProfile| Some(base(one)?.sign_in()?.line());
    let Some((first, command)) = checkup.profiles.iter().find_map(|one| Some((one, sign_in(one)?))) else {
        return Vec::new().into();
    };
    let Context { env, dirs, .. } = &checkup.context;
    if child::find_program("aws", Some(&known::path(&dirs.account_home()))).is_some() {
        return Vec::new().into();
    }
    let what = match child::find_program("aws", env.raw("PATH")) {
        Some(elsewhere) => {
            format!("aws on PATH is {}, which is not in a system directory", visible(&elsewhere.to_string_lossy()))
        }
        None => "the AWS CLI, which this profile needs to sign in, was not found".to_string(),
    };
    let why = "twolock login cannot run it; when the sign-in has expired, run the command below yourself";
    vec![Finding::new(Info, what, why).of_profile(&first.name).at(&first.profile.place).fix(command)].into()
}
