//! What went wrong at AWS, sorted by what the caller does next.

use crate::error::{Failure, Kind};
use crate::hint::Hint;
use crate::names::ProfileName;
use crate::text::visible::sentence;

/// A meaning: what the caller does next, what happened, what to do.
pub(super) type Meaning = (AwsErrorKind, String, Vec<Hint>);

/// What went wrong at AWS, sorted by what the caller does next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AwsError {
    /// What happens next.
    pub kind: AwsErrorKind,
    /// What happened, in our words with AWS's as the cause; nothing secret in it, raw as in a [`Failure`].
    pub cause: String,
    /// What to do, in the order of likelihood.
    pub hints: Vec<Hint>,
}

impl AwsError {
    /// The cause as people read it.
    pub fn shown_cause(&self) -> String {
        sentence(&self.cause)
    }

    /// The hints as people read them.
    pub fn shown_hints(&self) -> Vec<String> {
        self.hints.iter().filter_map(Hint::shown).collect()
    }

    /// The same as a failure of a profile, which its commands are for.
    pub fn of_profile(mut self, profile: &ProfileName) -> Failure {
        self.hints = self.hints.into_iter().map(|hint| hint.of_profile(profile)).collect();
        self.into_failure().of_profile(profile)
    }

    /// The same as a failure of credentials that are no profile's.
    pub fn into_failure(self) -> Failure {
        let kind = match self.kind {
            AwsErrorKind::NotSent | AwsErrorKind::Unclear | AwsErrorKind::BadAnswer => Kind::Network,
            AwsErrorKind::SignedOut => Kind::NeedsPerson,
            _ => Kind::Refused,
        };
        let is_unsent = self.kind == AwsErrorKind::NotSent;
        let failure = Failure { is_unsent, ..Failure::new(kind, self.cause) };
        self.hints.into_iter().fold(failure, Failure::hint)
    }
}

/// What the caller does after an [`AwsError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AwsErrorKind {
    /// The code was refused: ask again.
    WrongCode,
    /// The signing session has expired or is unknown to AWS: remove it and mint a new one.
    StaleSession,
    /// The sign-in that was called with has expired, was ended, or is unknown to AWS: a person signs in again. The cause
    /// follows the sign-in's name: "has expired (…)".
    SignedOut,
    /// What it should create is there already.
    Exists,
    /// What it is about does not exist.
    Missing,
    /// It is in use, so it cannot be deleted.
    InUse,
    /// No policy allows the call.
    Denied,
    /// AWS said no for another reason.
    Refused,
    /// Nothing was sent: the connection was never made. A code is still unused.
    NotSent,
    /// The call may have arrived: a code counts as used.
    Unclear,
    /// An answer came that is not what was asked for; nothing of it is kept.
    BadAnswer,
}

impl AwsErrorKind {
    /// Whether the call may have had its effect all the same, although its answer was lost or is of no use.
    pub fn may_have_arrived(self) -> bool {
        matches!(self, Self::Unclear | Self::BadAnswer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hint::{CommandLine, Verb};
    use crate::text::visible::as_word;

    #[test]
    fn an_error_becomes_a_failure_of_the_profile_with_commands_to_paste() {
        use AwsErrorKind::*;
        for (kind, code) in [
            (WrongCode, 4),
            (StaleSession, 4),
            (SignedOut, 9),
            (Refused, 4),
            (NotSent, 6),
            (Unclear, 6),
            (BadAnswer, 6),
        ] {
            let login = CommandLine::new(Verb::Login).with("--fresh");
            let hints = vec![login.to("try"), "look around".into()];
            let error = AwsError { kind, cause: "no".into(), hints };
            let failure = error.of_profile(&ProfileName::parse("my prod").unwrap());
            assert_eq!((failure.kind.exit_code(), failure.headline().as_str()), (code, "profile 'my prod': no"));
            let login = format!("try: twolock login {} --fresh", as_word("my prod"));
            assert_eq!(failure.shown_hints(), [login, "look around".into()]);
        }
    }
}
