//! STS, the only network: typed calls in, checked answers or sorted errors out.
//!
//! May know the vocabulary and `system`; never profiles, prompts or stores. Async ends here: the traits block.

mod answer;
pub mod date;
pub mod endpoint;
mod failure;
pub mod http;
pub mod sts;
mod wire;

use std::time::Duration;

use crate::arn::{AccountId, MfaSerial};
use crate::credentials::{AccessKey, Session};
use crate::error::{Failure, Kind};
use crate::hint::Hint;
use crate::names::{MfaCode, ProfileName};
pub use crate::role::RoleRequest;
use crate::text::visible::sentence;

/// Who signs a call.
#[derive(Clone, Copy, Debug)]
pub enum Signer<'a> {
    /// A long-term access key.
    Key(&'a AccessKey),
    /// Temporary credentials.
    Session(&'a Session),
}

/// A device and its current code; always sent together.
#[derive(Clone, Copy, Debug)]
pub struct Mfa<'a> {
    /// The device.
    pub serial: &'a MfaSerial,
    /// Its code, which STS takes once.
    pub code: &'a MfaCode,
}

/// The answer of GetCallerIdentity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallerIdentity {
    /// The account.
    pub account: AccountId,
    /// The whole ARN of user or role session.
    pub arn: String,
    /// The unique id.
    pub user_id: String,
}

/// The bounds of one call.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// Until the connection stands.
    pub connect: Duration,
    /// Until the answer is there, retries included.
    pub total: Duration,
}

impl Bounds {
    /// What a person waits for: 3 s to connect, 10 s in all.
    pub const CALL: Bounds = Bounds { connect: Duration::from_secs(3), total: Duration::from_secs(10) };
    /// A look that may come to nothing: 2 s to connect, 3 s in all.
    pub const LOOK: Bounds = Bounds { connect: Duration::from_secs(2), total: Duration::from_secs(3) };
    /// A renewal nobody waits for: 2 s in all.
    pub const RENEWAL: Bounds = Bounds { connect: Duration::from_secs(2), total: Duration::from_secs(2) };
}

/// STS as the session layer needs it. Answers are checked before they are returned: expiry, lengths, the role's
/// account (threat-model P18, F34). A call that carries a code is sent once (P24).
pub trait Sts {
    /// Mints a session, with MFA when a device and code are given. AWS gives one to a long-term key and to nobody else.
    fn get_session_token(
        &self,
        signer: Signer<'_>,
        mfa: Option<Mfa<'_>>,
        duration: Duration,
        bounds: Bounds,
    ) -> Result<Session, StsError>;

    /// Mints credentials of a role.
    fn assume_role(
        &self,
        signer: Signer<'_>,
        request: &RoleRequest,
        mfa: Option<Mfa<'_>>,
        bounds: Bounds,
    ) -> Result<Session, StsError>;

    /// Says who the signer is.
    fn get_caller_identity(&self, signer: Signer<'_>, bounds: Bounds) -> Result<CallerIdentity, StsError>;
}

/// What went wrong at STS, sorted by what the caller does next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StsError {
    /// What happens next.
    pub kind: StsErrorKind,
    /// What happened, in our words with AWS's as the cause; nothing secret in it, raw as in a [`Failure`].
    pub cause: String,
    /// What to do, in the order of likelihood.
    pub hints: Vec<Hint>,
}

impl StsError {
    /// The cause as people read it.
    pub fn shown_cause(&self) -> String {
        sentence(&self.cause)
    }

    /// The hints as people read them.
    pub fn shown_hints(&self) -> Vec<String> {
        self.hints.iter().filter_map(Hint::shown).collect()
    }

    /// The same as a failure of a profile, which its commands are for.
    pub fn of_profile(self, profile: &ProfileName) -> Failure {
        let kind = match self.kind {
            StsErrorKind::WrongCode | StsErrorKind::StaleSession | StsErrorKind::Refused => Kind::Refused,
            StsErrorKind::NotSent | StsErrorKind::Unclear | StsErrorKind::BadAnswer => Kind::Network,
        };
        let hints = self.hints.into_iter().map(|hint| hint.of_profile(profile));
        hints.fold(Failure::new(kind, self.cause), Failure::hint).of_profile(profile)
    }
}

/// What the caller does after an [`StsError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StsErrorKind {
    /// The code was refused: ask again.
    WrongCode,
    /// The signing session is over or unknown to AWS: forget it and mint anew.
    StaleSession,
    /// AWS said no for another reason.
    Refused,
    /// Nothing was sent: the connection was never made. A code is still unused.
    NotSent,
    /// The call may have arrived: a code counts as used.
    Unclear,
    /// An answer came that is not what was asked for; nothing of it is kept.
    BadAnswer,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hint::{CommandLine, Verb};
    use crate::text::visible::as_word;

    #[test]
    fn an_error_becomes_a_failure_of_the_profile_with_commands_to_paste() {
        use StsErrorKind::*;
        for (kind, code) in
            [(WrongCode, 4), (StaleSession, 4), (Refused, 4), (NotSent, 6), (Unclear, 6), (BadAnswer, 6)]
        {
            let login = CommandLine::new(Verb::Login).with("--fresh");
            let hints = vec![login.to("try"), "look around".into()];
            let error = StsError { kind, cause: "no".into(), hints };
            let failure = error.of_profile(&ProfileName::parse("my prod").unwrap());
            assert_eq!((failure.kind.exit_code(), failure.headline().as_str()), (code, "profile 'my prod': no"));
            let login = format!("try: twolock login {} --fresh", as_word("my prod"));
            assert_eq!(failure.shown_hints(), [login, "look around".into()]);
        }
    }
}
