//! What a caller would do with a profile.

use std::fmt;

use crate::aws_files::oddities::{Oddity, Reader};
use crate::error::Place;
use crate::text::visible::visible;

/// Every caller, in the order they are told of.
pub const ALL: [Reader; 5] = [Reader::Cli, Reader::Go, Reader::Js, Reader::Java, Reader::Rust];

/// What a caller would do with a profile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Its `credential_process` is twolock, for this very profile.
    Comes,
    /// Its `credential_process` is twolock, for the profile named here.
    ComesFor(String),
    /// Assumes the role itself.
    Role {
        /// The profile the role's credentials come from; none where that is the role's own profile.
        source: Option<String>,
        /// What it does with that.
        with: Box<Verdict>,
        /// What becomes of the code.
        code: Code,
    },
    /// Uses the static keys here.
    StaticKeys(Place),
    /// Uses IAM Identity Center.
    SingleSignOn(Place),
    /// Uses a token file.
    WebIdentity(Place),
    /// Uses the sign-in of `aws login`.
    SignIn(Place),
    /// Uses `credential_source`: the environment, the container or the machine.
    CredentialSource(Place),
    /// Its `credential_process` is another program.
    AnotherProgram(Place),
    /// Stops because it cannot ask for the code that this `mfa_serial` calls for.
    CannotAsk(Place),
    /// Stops with an error about the profile.
    Refuses(String),
    /// Stops with an error about the file.
    RefusesFile(Oddity),
    /// Does not see the profile, because of this.
    DoesNotFind(Oddity),
    /// The name is outside the set that everybody reads.
    MayNotFind,
    /// No file has the profile.
    NoSuchProfile,
    /// Takes what decides for something else than we do.
    ReadsDifferently(Oddity),
    /// Finds no credentials in it.
    Nothing,
}

/// What becomes of the MFA code where a caller assumes a role itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Code {
    /// No device is named, or the session below was opened with a code.
    NotNeeded,
    /// The caller asks for it itself, each time.
    Asked(Place),
    /// The caller does not know `mfa_serial` and calls without MFA.
    Ignored(Place),
}

impl Verdict {
    /// Whether its credentials come from twolock, without a question or a call without MFA of its own.
    pub fn comes_to_us(&self) -> bool {
        match self {
            Verdict::Comes | Verdict::ComesFor(_) => true,
            Verdict::Role { with, code, .. } => *code == Code::NotNeeded && with.comes_to_us(),
            _ => false,
        }
    }

    /// Whether it ends in an error, or without credentials.
    pub fn fails(&self) -> bool {
        use Verdict::*;
        match self {
            Role { with, .. } => with.fails(),
            CannotAsk(_) | Refuses(_) | RefusesFile(_) | DoesNotFind(_) | MayNotFind | NoSuchProfile | Nothing => true,
            _ => false,
        }
    }

    /// The `mfa_serial` that is ignored: the call goes out without MFA.
    pub fn without_mfa(&self) -> Option<&Place> {
        match self {
            Verdict::Role { code: Code::Ignored(place), .. } => Some(place),
            Verdict::Role { with, .. } => with.without_mfa(),
            _ => None,
        }
    }

    /// The `mfa_serial` whose code the caller asks for itself.
    pub fn asks_itself(&self) -> Option<&Place> {
        match self {
            Verdict::Role { code: Code::Asked(place), .. } => Some(place),
            Verdict::Role { with, .. } => with.asks_itself(),
            _ => None,
        }
    }

    /// Down a chain of roles, to what is no role, with the profile it belongs to where that is another.
    fn base(&self) -> (&Verdict, Option<&str>) {
        let (mut base, mut owner) = (self, None);
        while let Verdict::Role { source, with, .. } = base {
            owner = source.as_deref().or(owner);
            base = with;
        }
        (base, owner)
    }
}

/// Noun phrases, so that they fit one caller and several.
impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Verdict::Comes => f.write_str("twolock answers"),
            Verdict::ComesFor(other) => write!(f, "twolock answers, for profile '{}'", visible(other)),
            Verdict::Role { .. } => self.fmt_role(f),
            Verdict::StaticKeys(place) => write!(f, "the keys at {place}; twolock is not called"),
            Verdict::SingleSignOn(place) => write!(f, "single sign-on ({place}); twolock is not called"),
            Verdict::WebIdentity(place) => write!(f, "a web identity ({place}); twolock is not called"),
            Verdict::SignIn(place) => write!(f, "the sign-in of aws login ({place}); twolock is not called"),
            Verdict::CredentialSource(place) => write!(f, "credential_source ({place}); twolock is not called"),
            Verdict::AnotherProgram(place) => write!(f, "another program ({place}); twolock is not called"),
            Verdict::CannotAsk(place) => write!(f, "an error: no way to ask for the code of mfa_serial ({place})"),
            Verdict::Refuses(why) => write!(f, "an error: {why}"),
            Verdict::RefusesFile(odd) => {
                write!(f, "an error: the file is refused: {}: {}", odd.place, odd.construct.what())
            }
            Verdict::DoesNotFind(odd) => write!(f, "the profile is not seen: {}: {}", odd.place, odd.construct.what()),
            Verdict::MayNotFind => {
                f.write_str("the profile may not be seen: its name holds more than A-Z a-z 0-9 _-/.%@:+")
            }
            Verdict::NoSuchProfile => f.write_str("no such profile"),
            Verdict::ReadsDifferently(odd) => write!(f, "read differently: {}: {}", odd.place, odd.construct.what()),
            Verdict::Nothing => f.write_str("no credentials"),
        }
    }
}

impl Verdict {
    fn fmt_role(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (base, owner) = self.base();
        let of = owner.map(|owner| format!(" for '{}'", visible(owner))).unwrap_or_default();
        match base {
            Verdict::Comes => write!(f, "its own AssumeRole, with what twolock answers{of}")?,
            Verdict::ComesFor(other) => {
                write!(f, "its own AssumeRole, with what twolock answers for '{}'", visible(other))?;
            }
            base => write!(f, "its own AssumeRole, with {base}")?,
        }
        if let Some(place) = self.asks_itself() {
            write!(f, "; asks for the code itself ({place})")?;
        }
        if let Some(place) = self.without_mfa() {
            write!(f, "; WITHOUT MFA: mfa_serial is ignored ({place})")?;
        }
        Ok(())
    }
}
