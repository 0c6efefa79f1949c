//! What is needed to obtain the credentials of a plan, and the limits of one caller.

use std::path::Path;
use std::time::{Duration, Instant};

use crate::aws::Sts;
use crate::credentials::{Credentials, Session};
use crate::error::Result;
use crate::hint::CommandLine;
use crate::profile::base::Base;
use crate::profile::plan::Plan;
use crate::prompt::CodeSource;
use crate::session::cache::{Cache, Need};
use crate::session::identity::PlannedStep;
use crate::session::target::Target;
use crate::system::clock::Deadline;
use crate::system::confinement::Confinement;
use crate::system::parent::Caller;
use crate::timestamp::Timestamp;

/// Fetches the credentials of a plan's base, which sign its first call.
pub trait BaseCredentials {
    /// Fetches them, before `until`. A long-term key comes from an AWS file, the environment or the OS keyring: one that is
    /// locked or silent is a failure of kind `Keyring`, never "no key". Another source's come from its program or server;
    /// where a person has to sign in first, that is a failure of kind `NeedsPerson`.
    fn fetch(&self, base: &Base, until: Deadline) -> Result<Credentials>;

    /// Whether the sign-in or token that the plan was made with is still there. What was obtained on another one is not
    /// kept under it.
    fn is_unchanged(&self, _: &Base) -> bool {
        true
    }
}

/// How long a caller can wait.
#[derive(Clone, Copy, Debug)]
pub enum Patience {
    /// One deadline over everything, from process start (`credential-process`).
    Until(Deadline),
    /// Each question may take this long; there is a person who can press ^C.
    EachQuestion(Duration),
}

/// How long an interactive command waits for another twolock process.
const WAIT_FOR_OTHERS: Duration = Duration::from_secs(180);

impl Patience {
    pub(crate) fn question(self) -> Deadline {
        match self {
            Patience::Until(deadline) => deadline,
            Patience::EachQuestion(span) => Deadline::after(Instant::now(), span),
        }
    }

    pub(super) fn others(self) -> Deadline {
        match self {
            Patience::Until(deadline) => deadline,
            Patience::EachQuestion(_) => Deadline::after(Instant::now(), WAIT_FOR_OTHERS),
        }
    }
}

/// What a caller does about the locks that make one question of many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Locking {
    /// Asks under a lock or not at all: fifty callers without one would be fifty questions.
    Required,
    /// Asks without one where our directory takes none: a person started this one command.
    IfPossible,
    /// Takes none and writes nothing: we are root in another user's home.
    Never,
}

/// Everything needed to obtain the credentials of one plan.
pub struct Sessions<'a> {
    pub plan: &'a Plan,
    pub steps: &'a [PlannedStep<'a>],
    pub sts: &'a dyn Sts,
    pub codes: &'a dyn CodeSource,
    pub base: &'a dyn BaseCredentials,
    /// Sealed sessions; none where no keyring keeps a sealing key.
    pub cache: Option<&'a Cache>,
    /// The directory of the locks.
    pub directory: &'a Path,
    /// What to do where no lock can be had.
    pub locking: Locking,
    /// The endpoint's identity, when it is not AWS's own.
    pub endpoint: Option<&'a str>,
    /// What a person runs in a terminal to get what is needed here.
    pub login: CommandLine,
    /// Who asks, shown in the question.
    pub asker: Option<String>,
    /// The program that is not asked again at once after a person declined; none where every call asks.
    pub caller: Option<Caller>,
    pub patience: Patience,
    pub clock: &'a dyn Fn() -> Timestamp,
    pub warn: &'a dyn Fn(&str),
    /// Notifies a person that a session expires soon which only a code can replace; none if nobody is to be notified.
    pub ends_soon: Option<&'a dyn Fn(&Session)>,
    /// The sandbox that hides sessions and keyring, if one does; asked for only where nobody can be asked for a code.
    pub hidden_by: &'a dyn Fn() -> Option<Confinement>,
}

impl Sessions<'_> {
    /// Looks for the credentials of one step in the cache.
    pub(super) fn cached(&self, step: Target<'_>, need: Need) -> Option<Session> {
        let found = self.cache?.look_up(&step.identity, need, (self.clock)());
        found.map(|(_, session)| session)
    }
}
