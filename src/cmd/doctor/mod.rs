//! `doctor`: what makes MFA fail or leak, each check a small function from what is there to what it found.
//!
//! Read-only but for `--fix`, which closes files to others and changes nothing else. It asks for no code, opens no
//! dialog, and needs nothing: neither AWS files nor a whole `config.toml` nor a network. What it could not check, it says.

mod callers;
mod context;
mod files;
mod finding;
mod keys;
mod machine;
mod profiles;

use std::path::Path;

use serde_json::{Value, json};

use crate::change::preview::preview;
use crate::change::{Act, Change};
use crate::cli;
use crate::error::{Kind, Result};
use crate::output::messages;
use crate::output::paragraph::wrapped;
use crate::output::{json_to_stdout, to_stdout};
use crate::system::{directories, path_owners, terminal};
use crate::text::visible::{one_line, visible};

use super::{Call, changing};
use context::Context;
use finding::{Finding, Severity};

/// One check: its name is kept, scripts know it.
struct Check {
    name: &'static str,
    look: fn(&Context) -> Outcome,
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

/// The one check whose findings `--fix` mends.
const FILE_MODE: &str = "file-mode";
/// More findings of one check are counted.
const MOST_SHOWN: usize = 20;

/// What a check found, and why it could not look at everything.
struct Outcome {
    findings: Vec<Finding>,
    unchecked: Option<String>,
}

impl From<Vec<Finding>> for Outcome {
    fn from(findings: Vec<Finding>) -> Self {
        Self { findings, unchecked: None }
    }
}

impl Outcome {
    fn unchecked(why: String) -> Self {
        Self { findings: Vec::new(), unchecked: Some(why) }
    }
}

/// Looks, mends what may be mended, shows the rest. Exit 3 if something is left that is wrong.
pub fn run(args: &cli::Doctor, call: &Call) -> Result<u8> {
    // What cannot be made good is a finding.
    let _ = args.fix.then(|| changing::recovered(&call.env, "doctor --fix", false));
    let mut context = Context::gather(&call.env)?;
    let mended = if args.fix { mend(&context) } else { Vec::new() };
    if !mended.is_empty() {
        context.look_again();
    }
    let report = Report::of(&context, mended);
    if args.json {
        json_to_stdout(report.as_json())?;
    } else {
        to_stdout(report.as_text(terminal::columns(&call.env)).as_bytes())?;
    }
    Ok(if report.is_well() { 0 } else { Kind::Config.exit_code() })
}

/// Closes what others can open, directories first, and returns what was closed.
fn mend(context: &Context) -> Vec<Finding> {
    let close = |finding: Finding| {
        let failed: Vec<String> = finding.closes.iter().filter_map(|path| close(context, path).err()).collect();
        failed.iter().for_each(|why| messages::warning(&format!("not adopted: {}", visible(why))));
        failed.is_empty().then_some(Finding { check: FILE_MODE, fixed: true, ..finding })
    };
    files::modes(context).findings.into_iter().filter_map(close).collect()
}

/// What is in a directory that others can change may be swapped at any moment, so nothing there is touched.
fn close(context: &Context, path: &Path) -> std::result::Result<(), String> {
    let failed = |why: String| format!("{}: {why}", context.shown(path));
    let itself = directories::resolve(path).map_err(|e| failed(e.to_string()))?;
    let steps = path_owners::other_writers(path).map_err(|e| failed(e.to_string()))?;
    if let Some((step, writer)) = steps.into_iter().find(|(step, _)| *step != itself) {
        return Err(failed(format!("{} {writer}", step.display())));
    }
    let change = Change { acts: vec![Act::Close(path.to_owned())], ..Change::new("doctor --fix") };
    changing::make_agreed(
        &context.world,
        &change,
        &preview(&context.world.files, &context.world.index, &change).map_err(|failure| failure.shown_cause())?,
    )
    .map_err(|failure| failure.shown_cause())
}

/// Everything that was found, the worst first.
struct Report {
    mended: Vec<Finding>,
    findings: Vec<Finding>,
    unchecked: Vec<(&'static str, String)>,
}

impl Report {
    fn of(context: &Context, mended: Vec<Finding>) -> Self {
        let mut report = Self { mended, findings: Vec::new(), unchecked: Vec::new() };
        for check in CHECKS {
            let Outcome { findings, unchecked } = (check.look)(context);
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

    fn as_text(&self, width: Option<usize>) -> String {
        let mut text = String::new();
        for finding in &self.mended {
            let what = format!("mended: {}: {}", visible(finding.file.as_deref().unwrap_or_default()), finding.what);
            text += &wrapped(&one_line(&what), "", width);
        }
        text.extend(self.findings.iter().map(|finding| finding.as_text(width)));
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
            "findings": self.mended.iter().chain(&self.findings).map(Finding::as_json).collect::<Vec<_>>(),
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
