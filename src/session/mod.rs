//! The meeting place of plan, question, STS and store: look, lock, look again, mint, keep.
//!
//! - [`identity`]: what makes two sessions the same; a plan's steps with theirs
//! - `target`: one of those steps, with what its call rests on
//! - [`sealing_key`], [`sealed`], [`cache`]: sessions in private files under one key
//! - [`device`], [`codes`]: what callers that want a code of the same device tell each other
//! - [`mint`]: the steps of a plan, executed
//!
//! May know [`Plan`] and the traits of `prompt`, `aws` and `store`; never commands or output.

pub mod cache;
pub mod codes;
pub mod device;
pub mod identity;
pub mod mint;
pub mod question;
pub mod sealed;
pub mod sealing_key;
pub(crate) mod target;

use std::path::Path;
use std::time::{Duration, Instant};

use crate::aws::{Bounds, Sts};
use crate::credentials::{AccessKey, Session};
use crate::error::{Failure, Kind, Result};
use crate::profile::base::Base;
use crate::profile::plan::Plan;
use crate::prompt::CodeSource;
use crate::session::cache::{Cache, Need};
use crate::session::identity::PlannedStep;
use crate::session::sealed::Header;
use crate::session::target::Target;
use crate::system::clock::Deadline;
use crate::system::lock::{FileLock, LockError};
use crate::system::log;
use crate::timestamp::Timestamp;

/// Fetches the credentials of a plan's base, which sign its first call.
pub trait BaseCredentials {
    /// Fetches them. A long-term key comes from an AWS file or the OS keyring: one that is locked or silent is a
    /// failure of kind `Keyring`, never "no key".
    fn fetch(&self, base: &Base) -> Result<AccessKey>;
}

/// How long a caller can wait.
#[derive(Clone, Copy, Debug)]
pub enum Patience {
    /// One deadline over everything, from process start (`credential-process`).
    Until(Deadline),
    /// Each question may take this long; there is a person who can press ^C.
    EachQuestion(Duration),
}

/// How long a person's command waits for another of us.
const WAIT_FOR_OTHERS: Duration = Duration::from_secs(180);

impl Patience {
    fn question(self) -> Deadline {
        match self {
            Patience::Until(deadline) => deadline,
            Patience::EachQuestion(span) => Deadline::after(Instant::now(), span),
        }
    }

    fn others(self) -> Deadline {
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

/// Everything needed to bring the credentials of one plan.
pub struct Sessions<'a> {
    /// What to do.
    pub plan: &'a Plan,
    /// The plan's steps with their identities.
    pub steps: &'a [PlannedStep<'a>],
    /// STS.
    pub sts: &'a dyn Sts,
    /// Where codes come from.
    pub codes: &'a dyn CodeSource,
    /// Fetches the plan's base.
    pub base: &'a dyn BaseCredentials,
    /// Sealed sessions; none where no keyring keeps a sealing key.
    pub cache: Option<&'a Cache>,
    /// The folder of the locks.
    pub folder: &'a Path,
    /// What to do where no lock can be had.
    pub locking: Locking,
    /// The endpoint's identity, when it is not AWS's own.
    pub endpoint: Option<&'a str>,
    /// Who asks, shown in the question.
    pub asker: Option<String>,
    /// How long the caller can wait.
    pub patience: Patience,
    /// Reads the wall clock.
    pub clock: &'a dyn Fn() -> Timestamp,
    /// Says one warning to the user.
    pub warn: &'a dyn Fn(&str),
}

/// What a look into the cache brings.
pub enum Lookup {
    /// A session that serves.
    Serve(Session),
    /// A session that serves, and that one caller should renew now, without a person.
    Renew(Session),
    /// Nothing that serves.
    Miss,
}

/// Looks for a plan's credentials; no lock, no network, no question.
pub fn look(cache: &Cache, steps: &[PlannedStep<'_>], need: Need, now: Timestamp) -> Lookup {
    Target::last_of(steps).map_or(Lookup::Miss, |last| look_at(cache, last, need, now))
}

fn look_at(cache: &Cache, last: Target<'_>, need: Need, now: Timestamp) -> Lookup {
    let identity = &last.identity;
    let Some((header, session)) = cache.look_up(identity, need, now) else { return Lookup::Miss };
    let lives = |below| cache.look_up(&below, Need::ALIVE, now).is_some();
    let renew = is_ageing(&header, now) && last.needs_no_person(lives) && !cache.failed_lately(identity, now);
    if renew { Lookup::Renew(session) } else { Lookup::Serve(session) }
}

/// Less than 16 minutes, or a third of its whole life, remains (docs/guide.md, "What is done for a profile").
fn is_ageing(header: &Header, now: Timestamp) -> bool {
    header.expires.since(now) < Duration::from_secs(16 * 60).min(header.life() / 3)
}

impl Sessions<'_> {
    /// Brings the plan's credentials: out of the cache, or by one caller for all.
    pub fn obtain(&self, need: Need) -> Result<Session> {
        let last = Target::last_of(self.steps).ok_or_else(|| self.about(nothing_to_call()))?;
        let looked = self.cache.map_or(Lookup::Miss, |cache| look_at(cache, last, need, (self.clock)()));
        match looked {
            Lookup::Serve(session) => {
                log::step(format_args!("using a cached session until {}", session.expires));
                Ok(session)
            }
            Lookup::Renew(old) => {
                log::step(format_args!("using a cached session until {}, and renewing it", old.expires));
                Ok(self.renew(last, need).unwrap_or(old))
            }
            Lookup::Miss => self.credentials(last, need, mint::Run::FOR_A_CALLER),
        }
    }

    /// Renews the last step within two seconds, if no other caller is at it; the old credentials live on.
    fn renew(&self, last: Target<'_>, need: Need) -> Option<Session> {
        let cache = self.cache?;
        let started = (self.clock)();
        let lock = match FileLock::try_acquire(&self.lock_of(last)) {
            Ok(lock) => lock,
            Err(LockError::Held | LockError::Unavailable(_)) => return None,
        };
        if let Lookup::Serve(session) = look_at(cache, last, need, started) {
            return Some(session);
        }
        let run = mint::Run::renewal(Deadline::after(Instant::now(), Bounds::RENEWAL.total));
        let renewed =
            self.parent(last, Need::ALIVE, run).and_then(|parent| self.call_and_keep(last, &parent, None, run));
        drop(lock);
        renewed.inspect_err(|_| cache.note_failure(&last.identity, started)).ok()
    }

    fn cached(&self, step: Target<'_>, need: Need) -> Option<Session> {
        let found = self.cache?.look_up(&step.identity, need, (self.clock)());
        found.map(|(_, session)| session)
    }
}

/// Whoever asks gets what a call brought, and never the base's own credentials, which may be a long-term key.
fn nothing_to_call() -> Failure {
    Failure::new(Kind::Bug, "the plan has no step whose credentials could be handed out")
}

#[cfg(test)]
mod tests;
