//! A plan's credentials: out of the cache, renewed in time, or by one caller for all.

use std::time::{Duration, Instant};

use crate::aws::Bounds;
use crate::credentials::Session;
use crate::error::{Failure, Kind, Result};
use crate::session::cache::{Cache, Need};
use crate::session::ending;
use crate::session::identity::PlannedStep;
use crate::session::mint;
use crate::session::sealed::Header;
use crate::session::sessions::Sessions;
use crate::session::target::Target;
use crate::system::clock::Deadline;
use crate::system::lock::{FileLock, LockError};
use crate::system::log;
use crate::timestamp::Timestamp;

/// The result of a cache look-up.
pub enum Lookup {
    /// A session that meets the need.
    Serve(Session),
    /// A session that still serves but expires soon: only a code can replace it.
    Last(Session),
    /// A session that serves, and that one caller should renew now, without a person.
    Renew(Session),
    /// No session meets the need.
    Miss,
}

/// Looks for a plan's credentials; no lock, no network, no question.
pub fn look(cache: &Cache, steps: &[PlannedStep<'_>], need: Need, now: Timestamp) -> Lookup {
    Target::last_of(steps).map_or(Lookup::Miss, |last| look_at(cache, last, need, now))
}

pub(super) fn look_at(cache: &Cache, last: Target<'_>, need: Need, now: Timestamp) -> Lookup {
    let identity = &last.identity;
    let Some((header, session)) = cache.look_up(identity, need, now) else { return Lookup::Miss };
    let lives = |below| cache.look_up(&below, Need::ALIVE, now).is_some();
    match () {
        () if !is_ageing(&header, now) => Lookup::Serve(session),
        () if !last.needs_no_person(lives) && ending::is_near(&header, now) => Lookup::Last(session),
        () if !last.needs_no_person(lives) || cache.failed_lately(identity, now) => Lookup::Serve(session),
        () => Lookup::Renew(session),
    }
}

/// Less than 16 minutes, or a third of its whole life, remains (docs/guide.md, "What twolock does for a profile").
fn is_ageing(header: &Header, now: Timestamp) -> bool {
    header.expires.since(now) < Duration::from_secs(16 * 60).min(header.life() / 3)
}

impl Sessions<'_> {
    /// Returns the plan's credentials: from the cache, or minted by one caller for all.
    pub fn obtain(&self, need: Need) -> Result<Session> {
        self.obtain_in(need, mint::Run::FOR_A_CALLER)
    }

    /// The same without asking for a code: where one is needed, a failure of kind `NeedsPerson`.
    pub fn obtain_without_a_code(&self, need: Need) -> Result<Session> {
        self.obtain_in(need, mint::Run::WITHOUT_A_CODE)
    }

    fn obtain_in(&self, need: Need, run: mint::Run) -> Result<Session> {
        let last = Target::last_of(self.steps).ok_or_else(|| self.about(nothing_to_call()))?;
        let looked = self.cache.map_or(Lookup::Miss, |cache| look_at(cache, last, need, (self.clock)()));
        match looked {
            Lookup::Serve(session) => {
                log::step(format_args!("using a cached session until {}", session.expires));
                Ok(session)
            }
            Lookup::Last(session) => {
                log::step(format_args!("using a cached session until {}; then a code is needed", session.expires));
                self.tell_of_the_end(last, &session);
                Ok(session)
            }
            Lookup::Renew(old) => {
                log::step(format_args!("using a cached session until {}, and renewing it", old.expires));
                Ok(self.renew(last, need).unwrap_or(old))
            }
            Lookup::Miss => self.credentials(last, need, run),
        }
    }

    /// Renews the last step within two seconds, unless another caller is doing so; the old credentials stay valid.
    fn renew(&self, last: Target<'_>, need: Need) -> Option<Session> {
        let cache = self.cache?;
        let started = (self.clock)();
        let lock = match FileLock::try_acquire(&self.lock_of(last)) {
            Ok(lock) => lock,
            Err(LockError::Held | LockError::Unavailable(_)) => return None,
        };
        if let Lookup::Serve(session) | Lookup::Last(session) = look_at(cache, last, need, started) {
            return Some(session);
        }
        let run = mint::Run::renewal(Deadline::after(Instant::now(), Bounds::RENEWAL.total));
        let renewed =
            self.parent(last, Need::ALIVE, run).and_then(|parent| self.call_and_keep(last, &parent, None, run));
        drop(lock);
        renewed.inspect_err(|_| cache.note_failure(&last.identity, started)).ok()
    }
}

/// Callers get only credentials that a call returned, never the base's own, which may be a long-term key.
fn nothing_to_call() -> Failure {
    Failure::new(Kind::Bug, "the plan has no step whose credentials could be handed out")
}
