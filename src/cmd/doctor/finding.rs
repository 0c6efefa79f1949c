//! What a check found, as a value: where, what, why it matters, what fixes it; and how it is shown.

use std::path::PathBuf;

use serde_json::{Value, json};

use crate::error::{Failure, Place};
use crate::hint::{CommandLine, Hint, Verb};
use crate::output::paragraph::wrapped;
use crate::text::list::first_names;
use crate::text::style::label;
use crate::text::visible::{one_line, sentence, visible};
use crate::text::width::cut_middle;

/// Longer than anything we say, unless a file holds names or values of a megabyte.
const LONGEST: usize = 1_000;

/// More findings of one check are counted.
pub const MOST_SHOWN: usize = 20;

/// How bad it is; the worst first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Something fails, or is in strangers' hands.
    Error,
    /// Something leaks, or will fail.
    Warning,
    /// Something to know.
    Info,
}

impl Severity {
    /// The word in front of a finding, in JSON too.
    pub fn word(self) -> &'static str {
        match self {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Info => "info",
        }
    }
}

/// One finding of one check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The name of the check, set when it is run.
    pub check: &'static str,
    pub severity: Severity,
    pub profile: Option<String>,
    /// As the user would name it.
    pub file: Option<String>,
    /// Other files of which the same is true.
    pub also: Vec<String>,
    pub line: Option<usize>,
    pub what: String,
    pub why: String,
    /// A command to paste, or a place to look.
    pub fix: Option<String>,
    /// What `--fix` closes to others.
    pub closes: Vec<PathBuf>,
    pub fixed: bool,
}

/// What a check found, and why it could not look at everything.
pub struct Checked {
    pub findings: Vec<Finding>,
    pub unchecked: Option<String>,
}

impl From<Vec<Finding>> for Checked {
    fn from(findings: Vec<Finding>) -> Self {
        Self { findings, unchecked: None }
    }
}

impl Checked {
    pub fn unchecked(why: String) -> Self {
        Self { findings: Vec::new(), unchecked: Some(why) }
    }
}

impl Finding {
    pub fn new(severity: Severity, what: impl Into<String>, why: impl Into<String>) -> Self {
        Self {
            check: "",
            severity,
            profile: None,
            file: None,
            also: Vec::new(),
            line: None,
            what: what.into(),
            why: why.into(),
            fix: None,
            closes: Vec::new(),
            fixed: false,
        }
    }

    /// A failure some command would end with, found beforehand. Its first hint fixes it if that is a command, and belongs
    /// to the reasons if it is not.
    pub fn of_failure(severity: Severity, failure: &Failure, why: impl Into<String>) -> Self {
        let mut finding = Self::new(severity, failure.shown_cause(), why);
        finding.profile.clone_from(&failure.profile);
        match &failure.place {
            Some(place) => finding.hinted(failure).at(place),
            None => finding.hinted(failure),
        }
    }

    /// Takes the first hint of a failure that has to be fixed first.
    fn hinted(mut self, failure: &Failure) -> Self {
        match failure.hints.first().map(|hint| (hint.command(), hint.shown())) {
            Some((Some(command), _)) => self.fix = command.pasteable(),
            Some((None, Some(text))) => self.why += &format!("; {text}"),
            _ => {}
        }
        self
    }

    /// Adopting fixes it, or else what stands against that has to be fixed first.
    pub fn fixed_by_adopting(mut self, name: &str, refusal: Option<&Failure>) -> Self {
        let Some(failure) = refusal else { return self.fix(CommandLine::of(Verb::Adopt, name)) };
        self.why += &format!("; it cannot be adopted yet: {}", failure.shown_cause());
        self.hinted(failure).or_edit(failure)
    }

    /// Where nothing else fixes it: the line to edit.
    pub fn or_edit(self, failure: &Failure) -> Self {
        match &failure.place {
            Some(place) if self.fix.is_none() => self.fix(format!("edit {place}")),
            _ => self,
        }
    }

    pub fn of_profile(mut self, name: impl Into<String>) -> Self {
        self.profile = Some(name.into());
        self
    }

    pub fn at(mut self, place: &Place) -> Self {
        (self.file, self.line) = (Some(place.file.to_string()), Some(place.line));
        self
    }

    pub fn in_file(mut self, shown: impl Into<String>) -> Self {
        self.file = Some(shown.into());
        self
    }

    /// What fixes it; the line to edit where that is a command that cannot be pasted.
    pub fn fix(mut self, fix: impl Into<Hint>) -> Self {
        self.fix = match fix.into() {
            Hint::Text(text) => Some(text),
            Hint::Run { command, .. } => command.pasteable().or_else(|| Some(format!("edit {}", self.place()?))),
        };
        self
    }

    /// File and line as people read them.
    fn place(&self) -> Option<String> {
        self.file.as_deref().map(|file| match self.line {
            Some(line) => format!("{}:{line}", visible(file)),
            None => visible(file),
        })
    }

    /// Whether it is about a file, and no line of it.
    pub fn is_of_a_whole_file(&self) -> bool {
        self.profile.is_none() && self.file.is_some() && self.line.is_none()
    }

    pub fn says_the_same(&self, other: &Self) -> bool {
        self.is_of_a_whole_file() && (self.severity, &self.what, &self.why) == (other.severity, &other.what, &other.why)
    }

    /// Takes another file's finding, which says the same, into this one.
    pub fn absorb(&mut self, other: Self) {
        self.also.extend(other.file);
        self.closes.extend(other.closes);
        if let (Some(fix), Some(more)) = (&mut self.fix, other.fix)
            && *fix != more
        {
            *fix += &format!(" && {more}");
        }
    }

    /// The first line, in the form of a [`Failure`]'s.
    fn headline(&self) -> String {
        let subject = match (self.profile.as_deref().map(visible), self.place()) {
            (Some(profile), Some(place)) => format!("profile '{profile}' ({place}): "),
            (Some(profile), None) => format!("profile '{profile}': "),
            (None, Some(place)) => format!("{place}: "),
            (None, None) => String::new(),
        };
        format!("{}: {subject}{}", self.severity.word(), sentence(&self.what))
    }

    /// Three lines: what and where, why, what fixes it. A command is never broken: it is there to be pasted.
    pub fn as_text(&self, width: Option<usize>, is_styled: bool) -> String {
        let shown = |text: &str, indent| wrapped(&cut_middle(text, LONGEST), indent, width);
        let severity = self.severity.word();
        // Styles have no width, so they come last.
        let headline = shown(&self.headline(), "").replacen(&label(severity, false), &label(severity, is_styled), 1);
        let also = if self.also.is_empty() { String::new() } else { format!("; also: {}", first_names(&self.also)) };
        let mut text = headline + &shown(&one_line(&format!("{}{also}", self.why)), "  ");
        // A command with a name as long as that could not be run.
        if let Some(fix) = self.fix.as_ref().filter(|fix| fix.len() <= LONGEST) {
            text += &format!("  {} {}\n", label("fix", is_styled), one_line(fix));
        }
        text
    }

    /// What is absent is left out.
    pub fn as_json(&self) -> Value {
        let mut fields = json!({
            "check": self.check,
            "severity": self.severity.word(),
            "what": self.what,
            "why": self.why,
            "fixable": !self.closes.is_empty(),
            "fixed": self.fixed,
        });
        for (name, value) in [("profile", &self.profile), ("file", &self.file), ("fix", &self.fix)] {
            if let Some(value) = value {
                fields[name] = json!(value);
            }
        }
        if !self.also.is_empty() {
            fields["also"] = json!(self.also);
        }
        if let Some(line) = self.line {
            fields["line"] = json!(line);
        }
        fields
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Kind;

    #[test]
    fn a_name_of_a_megabyte_floods_no_screen_and_makes_no_command() {
        let long = "x".repeat(1_000_000);
        let finding = Finding::new(Severity::Info, format!("'{long}' is odd"), long.clone()).fix(long);
        let text = finding.as_text(Some(80), false);
        assert!(text.len() < 3 * LONGEST && !text.contains("fix"), "{}", text.len());
    }

    fn finding() -> Finding {
        let place = Place { file: "~/.aws/config".into(), line: 12 };
        Finding::new(Severity::Error, "role_arn is set beside credential_process", "the AWS CLI refuses the profile")
            .of_profile("prod")
            .at(&place)
            .fix("twolock profile adopt prod")
    }

    #[test]
    fn a_finding_is_three_lines() {
        assert_eq!(
            finding().as_text(None, false),
            "error: profile 'prod' (~/.aws/config:12): role_arn is set beside credential_process\n  \
             the AWS CLI refuses the profile\n  fix: twolock profile adopt prod\n"
        );
    }

    #[test]
    fn on_a_narrow_screen_prose_is_broken_between_words_and_commands_are_not() {
        assert_eq!(
            finding().as_text(Some(30), false),
            "error: profile 'prod'\n  (~/.aws/config:12): role_arn\n  is set beside\n  credential_process\n  \
             the AWS CLI refuses the\n    profile\n  fix: twolock profile adopt prod\n"
        );
    }

    #[test]
    fn the_severity_and_the_fix_are_styled_and_lines_break_as_without() {
        let text = finding().as_text(Some(30), true);
        assert!(text.starts_with("\x1b[1;31merror:\x1b[0m profile 'prod'\n  (~"), "{text:?}");
        assert!(text.ends_with("\n  \x1b[1mfix:\x1b[0m twolock profile adopt prod\n"), "{text:?}");
    }

    #[test]
    fn text_of_strangers_stays_on_its_line() {
        let text = Finding::new(Severity::Info, "a\x1b[2Jb\nc", "x\ny").of_profile("p\u{202e}q").as_text(None, false);
        assert_eq!(text, "info: profile 'p\\u{202e}q': a\\u{1b}[2Jb\\u{a}c\n  x\\u{a}y\n");
    }

    #[test]
    fn absent_fields_are_absent() {
        let json = Finding::of_failure(Severity::Warning, &Failure::new(Kind::Config, "x"), "y").as_json();
        assert_eq!(
            json,
            json!({"check": "", "severity": "warning", "what": "x", "why": "y", "fixable": false, "fixed": false})
        );
        assert_eq!((&finding().as_json()["line"], &finding().as_json()["profile"]), (&json!(12), &json!("prod")));
    }

    #[test]
    fn a_hint_that_is_a_command_is_pasted_and_another_is_read() {
        let failure = || Failure::new(Kind::Config, "x");
        let adopt = CommandLine::of(Verb::Adopt, "a b").to("where nothing else helps");
        let finding = Finding::of_failure(Severity::Info, &failure().hint(adopt), "y");
        let command = CommandLine::of(Verb::Adopt, "a b").to_string();
        assert_eq!((finding.why.as_str(), finding.fix), ("y", Some(command)));
        let finding = Finding::of_failure(Severity::Info, &failure().hint("did you mean 'b'?"), "y");
        assert_eq!((finding.why.as_str(), finding.fix), ("y; did you mean 'b'?", None));
    }

    #[test]
    fn errors_come_first() {
        assert!(Severity::Error < Severity::Warning && Severity::Warning < Severity::Info);
    }
}
