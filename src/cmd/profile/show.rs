//! `profile show`: each setting with its file and line, the plan, and what every caller would do with the profile.

use std::io;

use serde_json::{Value, json};

use crate::aws_files::near::NearSection;
use crate::aws_files::{Profile, Setting};
use crate::error::{Failure, Result};
use crate::hint::{CommandLine, Verb};
use crate::names::ProfileName;
use crate::output::paragraph::{wrapped, wrapped_lines};
use crate::output::{is_styled, json_to_stdout, to_stdout};
use crate::profile::callers::{self, READABLE, Reader, Resolution, Served, Verdict};
use crate::profile::facts::kind_on;
use crate::system::terminal;
use crate::text::style::label;
use crate::text::visible::{one_line, visible};
use crate::text::width::{columns, padded};

use super::enforced;
use super::list::Facts;
use crate::cmd::active_sessions::ActiveSessions;
use crate::cmd::context::{Context, Planned};

const WIDEST: usize = 80;

pub fn run(context: &Context, name: &ProfileName, as_json: bool) -> Result<u8> {
    let profile = context.files.profile(name.as_str());
    let planned = context.plan(name);
    let Some(profile) = profile else { return Err(planned.err().unwrap_or_else(|| context.files.not_found(name))) };
    if as_json {
        return json_to_stdout(explained(context, &profile, planned)).map(|()| 0);
    }
    let place = one_line(&profile.place.to_string());
    let base = planned.as_ref().ok().map(|planned| &planned.plan.base);
    let mut text = format!("{} ({place}): {}\n", visible(name.as_str()), kind_on(&profile, &context.index, base));
    text += &settings_text(&profile.settings());
    text += "\nplan\n";
    let is_protected = planned.as_ref().is_ok_and(|planned| planned.plan.protected);
    let width = terminal::columns(&context.env);
    text += &match planned {
        Ok(planned) => wrapped_lines(&plan_text(&planned), width),
        Err(problem) => wrapped(&format!("none: {}", one_line(&problem.headline())), "  ", width) + &hints(&problem),
    };
    if is_protected {
        text += &enforced::policy_text(name, width);
    }
    text += "\ncallers\n";
    let columns = width.unwrap_or(WIDEST).min(WIDEST);
    let verdict = context.callers().judge(name.as_str());
    text += &callers_text(&verdict, columns);
    let is_readable = is_protected && verdict.is_readable();
    if is_readable {
        text += &wrapped(&format!("warning: {READABLE}"), "  ", Some(columns));
    }
    if (is_readable || verdict.adopting_helps()) && context.can_be_adopted(name) {
        text += &hint_line(&format!("make them all use twolock: {}", CommandLine::of(Verb::Adopt, name)));
    }
    text += &wrapped_lines(&(near(&profile) + &oddities(context)), width);
    to_stdout(text.as_bytes()).map(|()| 0)
}

/// The effective settings, by file, each with its line.
fn settings_text(settings: &[&Setting]) -> String {
    let mut text = String::new();
    for of_file in settings.chunk_by(|one, next| one.place.file == next.place.file) {
        let key = of_file.iter().map(|setting| columns(&visible(&setting.key))).max().unwrap_or_default();
        text += &format!("\nsettings in {}\n", one_line(&of_file[0].place.file));
        for setting in of_file {
            let key = padded(&visible(&setting.key), key);
            text += &format!("{:5}  {key}  {}\n", setting.place.line, shown(setting));
        }
    }
    text
}

fn shown(setting: &Setting) -> String {
    let lines: Vec<&str> = setting.shown().lines().filter(|line| !line.is_empty()).collect();
    visible(&lines.join(", "))
}

fn plan_text(planned: &Planned) -> String {
    let plan = &planned.plan;
    let mut text: String =
        plan.lines().zip(1..).map(|(line, n)| format!("  {n}. {}\n", one_line(&line.to_string()))).collect();
    let whose = if planned.endpoint.identity().is_some() { ", not AWS" } else { "" };
    let chosen = plan
        .endpoint_urls
        .sts
        .as_ref()
        .map(|url| format!(", set by {}", one_line(&url.origin.to_string())))
        .unwrap_or_default();
    text += &format!(
        "  region {} ({}), STS at {}{whose}{chosen}\n",
        plan.region.value,
        one_line(&plan.region.origin.to_string()),
        planned.endpoint.shown()
    );
    text += &match plan.codes() {
        _ if plan.protected => {
            "  protected: only for env, exec and console; asks for a fresh code on the terminal each time\n".to_string()
        }
        0 => "  asks for no code\n".to_string(),
        1 => "  asks for one code if there is no active session\n".to_string(),
        n => format!("  asks for {n} codes if there are no active sessions\n"),
    };
    if let Some(process) = plan.process_for_codes() {
        text += &format!(
            "  the code comes from mfa_process of '{}' ({})\n",
            visible(process.profile.as_str()),
            one_line(&process.place.to_string())
        );
    }
    if let Some(process) = plan.mfa_process.as_ref().filter(|_| plan.protected) {
        let (profile, place) = (visible(process.profile.as_str()), one_line(&process.place.to_string()));
        text += &format!("  mfa_process of '{profile}' ({place}) is not used for it\n");
    }
    plan.notes.iter().fold(text, |text, note| text + &format!("  note: {}\n", one_line(note)))
}

fn hints(problem: &Failure) -> String {
    problem.shown_hints().iter().map(|hint| hint_line(hint)).collect()
}

fn hint_line(hint: &str) -> String {
    format!("  {} {hint}\n", label("hint", is_styled(&io::stdout())))
}

/// One paragraph for all callers that behave the same.
fn callers_text(verdict: &Verdict, columns: usize) -> String {
    let line = |(who, what): &(String, String)| wrapped(&format!("{who}: {what}"), "  ", Some(columns));
    let mut text: String = callers::grouped(verdict.callers()).iter().map(line).collect();
    if verdict.served() != Served::No && !verdict.is_protected() {
        let others = callers::OTHER_CLIENTS.map(|(who, what)| (who.to_string(), what.to_string()));
        text.extend(others.iter().map(line));
    }
    text
}

/// Sections that were probably meant for this profile.
fn near(profile: &Profile) -> String {
    let line = |near: &NearSection| {
        let line = format!("{}: {}: {}", near.place, near.problem(), near.advice());
        format!("  {}\n", one_line(&line))
    };
    let lines: String = profile.near().iter().map(line).collect();
    if lines.is_empty() { lines } else { format!("\nignored by AWS tools\n{lines}") }
}

/// What other readers of the two files misread; most of it makes them refuse the whole file.
fn oddities(context: &Context) -> String {
    let all = context.files.config.oddities().into_iter().chain(context.files.credentials.oddities());
    let lines: Vec<String> = all.map(|oddity| format!("  {}\n", one_line(&oddity.to_string()))).take(20).collect();
    if lines.is_empty() { String::new() } else { format!("\nread differently by AWS tools\n{}", lines.concat()) }
}

fn explained(context: &Context, profile: &Profile, planned: Result<Planned>) -> Value {
    let verdict = context.callers().judge(&profile.name);
    let planned_base = planned.as_ref().ok().map(|planned| &planned.plan.base);
    let rest = planned.as_ref().ok().and_then(|planned| ActiveSessions::look(context).time_left(planned));
    let mut fields = json!(Facts::of(context, profile, verdict.served(), planned_base, rest));
    let setting = |s: &Setting| json!({"key": s.key, "value": s.shown(), "file": &*s.place.file, "line": s.place.line});
    fields["settings"] = profile.settings().into_iter().map(setting).collect();
    let caller = |(caller, resolution): &(Reader, Resolution)| {
        let uses_twolock = resolution.bypass().is_none();
        json!({"name": callers::name(*caller), "uses_twolock": uses_twolock, "what": resolution.to_string()})
    };
    fields["callers"] = verdict.callers().iter().map(caller).collect();
    match planned {
        Ok(planned) => {
            fields["plan"] = planned.plan.lines().map(|line| json!(line.to_string())).collect();
            fields["codes"] = json!(planned.plan.codes());
            fields["region_of_calls"] = json!(planned.plan.region.value.as_str());
            fields["endpoint"] = json!(planned.endpoint.url());
            if planned.plan.protected {
                fields["protected"] = json!(true);
                fields["trust_policy_condition"] = enforced::condition();
            }
            fields["notes"] = json!(planned.plan.notes);
        }
        Err(problem) => fields["problem"] = json!(problem.headline()),
    }
    fields
}
