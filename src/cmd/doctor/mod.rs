//! `doctor`: finds what makes MFA fail or leaks secrets. Each check is a small function from a `Checkup` to findings.
//!
//! Read-only except for `--fix`, which closes files to other users and recovers interrupted changes. It asks for no
//! code, opens no dialog, and works without AWS files, with an invalid `config.toml` and offline. It reports what it
//! could not check.

mod callers;
mod checkup;
mod clients;
mod files;
mod finding;
mod keys;
mod machine;
mod profiles;
mod sources;
mod spelling;

use std::io;
use std::path::Path;

use serde_json::{Value, json};

use crate::change::{Act, Change};
use crate::cli;
use crate::error::{Kind, Result};
use crate::output::messages;
use crate::output::paragraph::wrapped;
use crate::output::{is_styled, json_to_stdout, to_stdout};
use crate::system::{directories, path_owners, terminal};
use crate::text::visible::{one_line, visible};

use super::changing;
use super::context::Invocation;
use checkup::Checkup;
use finding::{Checked, Finding, MOST_SHOWN, Severity};

type Check = fn(&Checkup) -> Checked;

/// Every check with its name, which scripts rely on. Findings of the same severity are shown in this order.
const CHECKS: &[(&str, Check)] = &[
    ("unreadable", files::unreadable),
    ("unfinished-change", files::unfinished),
    (FILE_MODE, files::modes),
    ("file-owner", files::owners),
    ("hard-link", files::links),
    ("file-kind", files::kinds),
    ("open-way", files::open_paths),
    ("plaintext-key", keys::plaintext),
    ("key-in-two-places", keys::in_two_places),
    ("shared-key", keys::shared),
    ("plaintext-session", keys::plaintext_sessions),
    ("plaintext-cache", keys::plaintext_caches),
    ("key-age", keys::ages),
    ("keyring", keys::keyrings),
    ("keyring-item", keys::items),
    ("key-without-profile", keys::without_profile),
    ("plan", profiles::plans),
    ("mfa-device", profiles::devices),
    ("short-session", profiles::short_sessions),
    ("profile-name", profiles::names),
    ("alias", profiles::aliases),
    ("file-grammar", profiles::readers),
    ("section-header", spelling::headers),
    ("profile-key", spelling::keys),
    ("unknown-setting", spelling::settings),
    ("bypass", callers::bypassed),
    ("process-program", callers::programs),
    (CLIENT, clients::ignoring),
    ("mfa-process", profiles::code_programs),
    ("program-consent", profiles::consents),
    ("source-program", sources::programs),
    ("sign-in", sources::sign_ins),
    ("endpoint", profiles::endpoints),
    ("environment-keys", machine::keys),
    ("environment-profile", machine::profile_variables),
    ("environment-file", machine::file_variables),
    ("environment-region", machine::region_variables),
    ("ignored-consents", machine::ignored_consents),
    ("connection", machine::connections),
    ("clock", machine::clock),
];

/// The check that knows clients; what an error message means is a finding of it, too.
const CLIENT: &str = "client";

/// The only check whose findings `--fix` fixes.
const FILE_MODE: &str = "file-mode";

/// Exits 3 if an error or a warning is left.
pub fn run(args: &cli::Doctor, invocation: &Invocation) -> Result<u8> {
    if let Some(message) = &args.explain {
        return explain(message, args, invocation);
    }
    if args.fix {
        // A failure becomes a finding.
        let _ = changing::recovered(&invocation.env, None, false);
    }
    let mut checkup = Checkup::gather(&invocation.env)?;
    let repaired = if args.fix { fix(&checkup) } else { Vec::new() };
    if !repaired.is_empty() {
        checkup.look_again();
    }
    let report = Report::of(&checkup, repaired);
    if args.json {
        json_to_stdout(report.as_json())?;
    } else {
        to_stdout(report.as_text(terminal::columns(&invocation.env), is_styled(&io::stdout())).as_bytes())?;
    }
    Ok(if report.is_well() { 0 } else { Kind::Config.exit_code() })
}

/// Shows what a client's error message means, and checks nothing.
fn explain(message: &str, args: &cli::Doctor, invocation: &Invocation) -> Result<u8> {
    let findings: Vec<Finding> =
        clients::explained(message)?.findings.into_iter().map(|finding| Finding { check: CLIENT, ..finding }).collect();
    if args.json {
        json_to_stdout(
            json!({"findings": findings.iter().map(Finding::as_json).collect::<Vec<_>>(), "unchecked": []}),
        )?;
    } else {
        let width = terminal::columns(&invocation.env);
        let text: String = findings.iter().map(|finding| finding.as_text(width, is_styled(&io::stdout()))).collect();
        to_stdout(text.as_bytes())?;
    }
    Ok(0)
}

/// Closes what other users can open, directories first, and returns what was closed.
fn fix(checkup: &Checkup) -> Vec<Finding> {
    let close = |finding: Finding| {
        let failed: Vec<String> = finding.closes.iter().filter_map(|path| close(checkup, path).err()).collect();
        failed.iter().for_each(|why| messages::warning(&format!("not fixed: {}", visible(why))));
        failed.is_empty().then_some(Finding { check: FILE_MODE, fixed: true, ..finding })
    };
    files::modes(checkup).findings.into_iter().filter_map(close).collect()
}

/// Refuses a path that other users can change: they could replace the file at any moment.
fn close(checkup: &Checkup, path: &Path) -> std::result::Result<(), String> {
    let failed = |why: String| format!("{}: {why}", checkup.shown(path));
    let itself = directories::resolve(path).map_err(|e| failed(e.to_string()))?;
    let steps = path_owners::other_writers(path).map_err(|e| failed(e.to_string()))?;
    if let Some((step, writer)) = steps.into_iter().find(|(step, _)| *step != itself) {
        return Err(failed(format!("{} {writer}", step.display())));
    }
    let change = Change { acts: vec![Act::Close(path.to_owned())], ..Change::new("doctor --fix") };
    let context = &checkup.context;
    let preview = context.preview(&change).map_err(|failure| failure.shown_cause())?;
    changing::make_confirmed(context, &change, &preview).map_err(|failure| failure.shown_cause())
}

struct Report {
    repaired: Vec<Finding>,
    findings: Vec<Finding>,
    unchecked: Vec<(&'static str, String)>,
}

impl Report {
    fn of(checkup: &Checkup, repaired: Vec<Finding>) -> Self {
        let mut report = Self { repaired, findings: Vec::new(), unchecked: Vec::new() };
        for &(check, find) in CHECKS {
            let Checked { findings, unchecked } = find(checkup);
            report.findings.extend(capped(merged(findings)).map(|finding| Finding { check, ..finding }));
            report.unchecked.extend(unchecked.map(|why| (check, why)));
        }
        report.findings.sort_by_key(|finding| finding.severity);
        report
    }

    fn is_well(&self) -> bool {
        self.findings.iter().all(|finding| finding.severity == Severity::Info)
    }

    fn as_text(&self, width: Option<usize>, is_styled: bool) -> String {
        let mut text = String::new();
        for finding in &self.repaired {
            let what = format!("fixed: {}: {}", visible(finding.file.as_deref().unwrap_or_default()), finding.what);
            text += &wrapped(&one_line(&what), "", width);
        }
        text.extend(self.findings.iter().map(|finding| finding.as_text(width, is_styled)));
        for (check, why) in &self.unchecked {
            text += &wrapped(&one_line(&format!("not checked: {check}: {why}")), "", width);
        }
        text + &wrapped(&self.summary(), "", width)
    }

    fn summary(&self) -> String {
        let count =
            |severity: Severity| match self.findings.iter().filter(|finding| finding.severity == severity).count() {
                1 => format!("1 {}", severity.word()),
                n => format!("{n} {}s", severity.word()),
            };
        match self.is_well() {
            true => "doctor: no problems found".into(),
            false => format!("doctor: {}, {}", count(Severity::Error), count(Severity::Warning)),
        }
    }

    fn as_json(&self) -> Value {
        let unchecked = |(check, why): &(&str, String)| json!({"check": check, "why": why});
        json!({
            "findings": self.repaired.iter().chain(&self.findings).map(Finding::as_json).collect::<Vec<_>>(),
            "unchecked": self.unchecked.iter().map(unchecked).collect::<Vec<_>>(),
        })
    }
}

/// Findings that say the same of several files, as one.
fn merged(findings: Vec<Finding>) -> Vec<Finding> {
    let mut kept: Vec<Finding> = Vec::new();
    for finding in findings {
        match kept.iter_mut().find(|one| finding.is_of_a_whole_file() && one.says_the_same(&finding)) {
            Some(one) => one.absorb(finding),
            None => kept.push(finding),
        }
    }
    kept
}

/// The first findings of a check, and how many more there are.
fn capped(mut findings: Vec<Finding>) -> impl Iterator<Item = Finding> {
    findings.sort_by_key(|finding| finding.severity);
    let rest = findings.split_off(findings.len().min(MOST_SHOWN));
    let more = rest.first().map(|first| {
        Finding::new(first.severity, format!("and {} more like these", rest.len()), "fix some, then run doctor again")
    });
    findings.into_iter().chain(more)
}
