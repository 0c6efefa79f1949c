//! `doctor`: what makes MFA fail or leak, each check a small function from what is there to what it found.
//!
//! Read-only but for `--fix`, which closes files to others and changes nothing else. It asks for no code, opens no
//! dialog, and needs nothing: neither AWS files nor a whole `config.toml` nor a network. What it could not check, it says.

mod callers;
mod checkup;
mod files;
mod finding;
mod keys;
mod machine;
mod profiles;

use std::io;
use std::path::Path;

use serde_json::{Value, json};

use crate::change::preview::preview;
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

/// One check: its name is kept, scripts know it.
struct Check {
    name: &'static str,
    look: fn(&Checkup) -> Checked,
}

/// Every check, in the order findings of one severity are shown in.
const CHECKS: &[Check] = &[
    Check { name: "unreadable", look: files::unreadable },
    Check { name: "unfinished-change", look: files::unfinished },
    Check { name: FILE_MODE, look: files::modes },
    Check { name: "file-owner", look: files::owners },
    Check { name: "hard-link", look: files::links },
    Check { name: "file-kind", look: files::kinds },
    Check { name: "open-way", look: files::ways },
    Check { name: "plaintext-key", look: keys::in_clear },
    Check { name: "key-in-two-places", look: keys::in_two_places },
    Check { name: "shared-key", look: keys::shared },
    Check { name: "plaintext-session", look: keys::sessions_in_clear },
    Check { name: "key-age", look: keys::ages },
    Check { name: "keyring", look: keys::keyrings },
    Check { name: "keyring-item", look: keys::items },
    Check { name: "plan", look: profiles::plans },
    Check { name: "mfa-device", look: profiles::devices },
    Check { name: "short-session", look: profiles::short_sessions },
    Check { name: "profile-name", look: profiles::names },
    Check { name: "alias", look: profiles::aliases },
    Check { name: "file-grammar", look: profiles::readers },
    Check { name: "bypass", look: callers::bypassed },
    Check { name: "process-program", look: callers::programs },
    Check { name: "program-consent", look: profiles::consents },
    Check { name: "endpoint", look: profiles::endpoints },
    Check { name: "environment-keys", look: machine::keys },
    Check { name: "environment-profile", look: machine::profile_variables },
    Check { name: "environment-region", look: machine::region_variables },
    Check { name: "connection", look: machine::connections },
    Check { name: "clock", look: machine::clock },
];

/// The one check whose findings `--fix` fixes.
const FILE_MODE: &str = "file-mode";

/// Looks, fixes what may be repaired, shows the rest. Exit 3 if something is left that is wrong.
pub fn run(args: &cli::Doctor, invocation: &Invocation) -> Result<u8> {
    // What cannot be made good is a finding.
    let _ = args.fix.then(|| changing::recovered(&invocation.env, "doctor --fix", false));
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

/// Closes what others can open, directories first, and returns what was closed.
fn fix(checkup: &Checkup) -> Vec<Finding> {
    let close = |finding: Finding| {
        let failed: Vec<String> = finding.closes.iter().filter_map(|path| close(checkup, path).err()).collect();
        failed.iter().for_each(|why| messages::warning(&format!("not adopted: {}", visible(why))));
        failed.is_empty().then_some(Finding { check: FILE_MODE, fixed: true, ..finding })
    };
    files::modes(checkup).findings.into_iter().filter_map(close).collect()
}

/// What is in a directory that others can change may be swapped at any moment, so nothing there is touched.
fn close(checkup: &Checkup, path: &Path) -> std::result::Result<(), String> {
    let failed = |why: String| format!("{}: {why}", checkup.shown(path));
    let itself = directories::resolve(path).map_err(|e| failed(e.to_string()))?;
    let steps = path_owners::other_writers(path).map_err(|e| failed(e.to_string()))?;
    if let Some((step, writer)) = steps.into_iter().find(|(step, _)| *step != itself) {
        return Err(failed(format!("{} {writer}", step.display())));
    }
    let change = Change { acts: vec![Act::Close(path.to_owned())], ..Change::new("doctor --fix") };
    changing::make_agreed(
        &checkup.context,
        &change,
        &preview(&checkup.context.files, &checkup.context.index, &change).map_err(|failure| failure.shown_cause())?,
    )
    .map_err(|failure| failure.shown_cause())
}

/// Everything that was found, the worst first.
struct Report {
    repaired: Vec<Finding>,
    findings: Vec<Finding>,
    unchecked: Vec<(&'static str, String)>,
}

impl Report {
    fn of(checkup: &Checkup, repaired: Vec<Finding>) -> Self {
        let mut report = Self { repaired, findings: Vec::new(), unchecked: Vec::new() };
        for check in CHECKS {
            let Checked { findings, unchecked } = (check.look)(checkup);
            report.findings.extend(capped(findings).map(|finding| Finding { check: check.name, ..finding }));
            report.unchecked.extend(unchecked.map(|why| (check.name, why)));
        }
        report.findings.sort_by_key(|finding| finding.severity);
        report
    }

    fn is_well(&self) -> bool {
        self.findings.iter().all(|finding| finding.severity == Severity::Info)
    }

    fn count(&self, severity: Severity) -> usize {
        self.findings.iter().filter(|finding| finding.severity == severity).count()
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
        let count = |severity: Severity| match self.count(severity) {
            1 => format!("1 {}", severity.word()),
            n => format!("{n} {}s", severity.word()),
        };
        let checks = format!("doctor: {} checks", CHECKS.len());
        match self.is_well() {
            true => format!("{checks}, no problems found"),
            false => format!("{checks}: {}, {}", count(Severity::Error), count(Severity::Warning)),
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

/// The first findings of a check, and the number of the others.
fn capped(mut findings: Vec<Finding>) -> impl Iterator<Item = Finding> {
    findings.sort_by_key(|finding| finding.severity);
    let rest = findings.split_off(findings.len().min(MOST_SHOWN));
    let more = rest.first().map(|first| {
        Finding::new(first.severity, format!("and {} more like these", rest.len()), "fix some, then run doctor again")
    });
    findings.into_iter().chain(more)
}
