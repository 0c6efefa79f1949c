//! What went wrong, sorted by what happens next: kind, place, cause, hints; kind → exit code in one match.

use std::fmt;
use std::sync::Arc;

use crate::hint::Hint;
use crate::text::visible::{sentence, visible};

/// The result of anything that can fail in front of a user.
pub type Result<T> = std::result::Result<T, Failure>;

/// What a caller does next, which is also the exit code (docs/reference.md, "Exit codes").
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Our own bug.
    Bug,
    /// The command line is wrong.
    Usage,
    /// A file or setting is unusable or unsafe.
    Config,
    /// AWS said no.
    Refused,
    /// The keyring did not give or take what was needed.
    Keyring,
    /// STS could not be reached or gave no usable answer.
    Network,
    /// Another of us was waited for in vain.
    Busy,
    /// Work is half done; running again finishes it.
    HalfDone,
    /// A person is needed: no terminal, or the person cancelled.
    NeedsPerson,
    /// The disk refused a write.
    Disk,
}

impl Kind {
    /// The process exit code of this kind.
    pub fn exit_code(self) -> u8 {
        match self {
            Kind::Bug => 1,
            Kind::Usage => 2,
            Kind::Config => 3,
            Kind::Refused => 4,
            Kind::Keyring => 5,
            Kind::Network => 6,
            Kind::Busy => 7,
            Kind::HalfDone => 8,
            Kind::NeedsPerson => 9,
            Kind::Disk => 10,
        }
    }

    /// The kind that has this exit code.
    pub fn from_exit_code(code: u8) -> Option<Self> {
        use Kind::*;
        [Bug, Usage, Config, Refused, Keyring, Network, Busy, HalfDone, NeedsPerson, Disk]
            .into_iter()
            .find(|kind| kind.exit_code() == code)
    }
}

/// Where a setting is: the file as the user would name it, and the line.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// The file, home shortened to `~`.
    pub file: Arc<str>,
    /// 1-based line.
    pub line: usize,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file, self.line)
    }
}

/// One failure: its first line makes sense on its own (CONTRIBUTING.md, "Errors"), hints follow.
///
/// It holds text as it was read, also what others wrote. What is shown of it ([`Failure::headline`],
/// [`Failure::shown_cause`], [`Failure::shown_hints`], `Display`) is escaped and cut there and nowhere before
/// (threat-model P14): names and values stand in the cause as they are, between quotes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// What happens next.
    pub kind: Kind,
    /// The cause, lower case, no full stop, raw.
    pub cause: String,
    /// The profile it is about.
    pub profile: Option<String>,
    /// The file and line it is about.
    pub place: Option<Place>,
    /// Commands to paste, places to look, questions; only what is true for this set-up.
    pub hints: Vec<Hint>,
    /// Whether nothing was sent to AWS because no connection was made.
    pub is_unsent: bool,
}

impl Failure {
    /// A failure with nothing but kind and cause.
    pub fn new(kind: Kind, cause: impl Into<String>) -> Self {
        Self { kind, cause: cause.into(), profile: None, place: None, hints: Vec::new(), is_unsent: false }
    }

    /// The person cancelled; `outcome` says what that left: "nothing was changed".
    pub fn cancelled(outcome: &str) -> Self {
        Self::new(Kind::NeedsPerson, format!("cancelled; {outcome}"))
    }

    /// Names the profile, unless one is named already.
    pub fn of_profile(mut self, name: impl fmt::Display) -> Self {
        self.profile.get_or_insert_with(|| name.to_string());
        self
    }

    /// Names file and line, unless they are named already or there are none.
    pub fn at<'a>(mut self, place: impl Into<Option<&'a Place>>) -> Self {
        self.place = self.place.or_else(|| place.into().cloned());
        self
    }

    /// Adds a hint.
    pub fn hint(mut self, hint: impl Into<Hint>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// The first line, without program name: `profile 'x' (file:line): cause`.
    pub fn headline(&self) -> String {
        let cause = self.shown_cause();
        let place = self.place.as_ref().map(|place| format!("{}:{}", visible(&place.file), place.line));
        match (self.profile.as_deref().map(visible), place) {
            (Some(profile), Some(place)) => format!("profile '{profile}' ({place}): {cause}"),
            (Some(profile), None) => format!("profile '{profile}': {cause}"),
            (None, Some(place)) => format!("{place}: {cause}"),
            (None, None) => cause,
        }
    }

    /// The cause as people read it.
    pub fn shown_cause(&self) -> String {
        sentence(&self.cause)
    }

    /// The hints as people read them.
    pub fn shown_hints(&self) -> Vec<String> {
        self.hints.iter().filter_map(Hint::shown).collect()
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.headline())
    }
}

impl std::error::Error for Failure {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_names_profile_place_and_cause() {
        let place = Place { file: "~/.aws/config".into(), line: 12 };
        let failure = Failure::new(Kind::Config, "source_profile 'base' does not exist").of_profile("prod").at(&place);
        assert_eq!(failure.headline(), "profile 'prod' (~/.aws/config:12): source_profile 'base' does not exist");
    }

    #[test]
    fn every_exit_code_has_one_kind() {
        for code in 1..=10 {
            assert_eq!(Kind::from_exit_code(code).unwrap().exit_code(), code);
        }
        assert_eq!(Kind::from_exit_code(11), None);
    }

    #[test]
    fn what_is_named_first_stays() {
        let failure = Failure::new(Kind::Config, "x").of_profile("inner").of_profile("outer");
        assert_eq!(failure.profile.as_deref(), Some("inner"));
    }

    #[test]
    fn text_of_others_is_escaped_once_wherever_it_stands() {
        let hostile = "a\u{1b}[2J\n\u{202e}\\b";
        let place = Place { file: hostile.into(), line: 3 };
        let failure =
            Failure::new(Kind::Config, format!("'{hostile}' is odd")).of_profile(hostile).at(&place).hint(hostile);
        let shown = "a\\u{1b}[2J\\u{a}\\u{202e}\\b";
        assert_eq!(failure.headline(), format!("profile '{shown}' ({shown}:3): '{shown}' is odd"));
        assert_eq!(failure.shown_hints(), [shown]);
        let again = Failure::new(Kind::Config, failure.headline());
        assert_eq!(again.headline(), failure.headline(), "a failure inside another is not escaped twice");
    }

    #[test]
    fn a_name_of_a_megabyte_neither_floods_the_screen_nor_hides_the_cause() {
        let long = "x".repeat(1 << 20);
        let quotes = "'".repeat(1 << 20);
        for name in [&long, &quotes] {
            let place = Place { file: name.as_str().into(), line: 3 };
            let failure = Failure::new(Kind::Config, format!("source_profile '{name}' does not exist"));
            let failure = failure.of_profile(name).at(&place).hint(format!("did you mean '{name}'?"));
            let line = failure.headline();
            assert!(line.chars().count() < 3_000, "{}", line.len());
            assert!(line.starts_with("profile '") && line.contains(": source_profile '"), "{line}");
            assert!(line.ends_with("' does not exist"), "{line}");
            assert!(failure.shown_hints()[0].chars().count() < 3_000);
        }
        let two = Failure::new(Kind::Config, format!("alias '{long}' cannot be '{long}': too long")).headline();
        assert!(two.contains("…' cannot be 'x") && two.ends_with("…': too long") && two.len() < 1_000, "{two}");
    }
}
