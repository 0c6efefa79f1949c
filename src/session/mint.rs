//! A plan's steps, executed: each from the credentials of the step before it, each by one caller for all.

use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::arn::MfaSerial;
use crate::aws::{AwsError, AwsErrorKind, Bounds, Mfa};
use crate::credentials::{Credentials, Session};
use crate::error::{Failure, Kind, Result};
use crate::profile::base::Base;
use crate::profile::steps::Step;
use crate::prompt::CodeSource;
use crate::session::cache::Need;
use crate::session::device::DeviceFiles;
use crate::session::ending;
use crate::session::failed;
use crate::session::sealed;
use crate::session::sessions::{Locking, Sessions};
use crate::session::target::Target;
use crate::system::clock::{Deadline, now_millis};
use crate::system::lock::{self, FileLock, LockError};
use crate::system::log;
use crate::system::obstacle::Obstacle;
use crate::system::terminal;

/// How one walk over the steps may behave.
#[derive(Clone, Copy, Debug)]
pub struct Run {
    may_ask: bool,
    deadline: Option<Deadline>,
}

impl Run {
    /// Somebody waits for the answer and may be asked for a code.
    pub const FOR_A_CALLER: Run = Run { may_ask: true, deadline: None };

    /// Somebody waits for the answer and is never asked for a code.
    pub const WITHOUT_A_CODE: Run = Run { may_ask: false, deadline: None };

    /// No caller waits: never prompts, and ends before the deadline.
    pub fn renewal(deadline: Deadline) -> Self {
        Self { may_ask: false, deadline: Some(deadline) }
    }

    fn bounds(self) -> Bounds {
        match self.deadline {
            None => Bounds::CALL,
            Some(deadline) => Bounds { connect: deadline.left(), total: deadline.left() },
        }
    }
}

enum Turn {
    Ours(Option<FileLock>),
    Served(Session),
}

impl Sessions<'_> {
    /// The credentials of a step, cached or minted.
    pub(super) fn credentials(&self, step: Target<'_>, need: Need, run: Run) -> Result<Session> {
        if let Some(found) = self.cached(step, need) {
            return Ok(found);
        }
        match step.call.device() {
            Some(device) if run.may_ask => self.with_a_code(step, need, device),
            Some(_) => Err(self.about(Failure::new(Kind::NeedsPerson, "a code is required"))),
            None => self.without_a_code(step, need, run),
        }
    }

    /// What signs a step's call: the credentials of the step below, or those of the base.
    pub(super) fn parent(&self, step: Target<'_>, need: Need, run: Run) -> Result<Credentials> {
        let Some(below) = step.below() else { return self.of_the_base(run) };
        let need = Need { not_before: need.not_before, ..Need::ALIVE };
        if below.is_fetched() {
            return self.fetched(below, need, run);
        }
        self.credentials(below, need, run).map(Credentials::Session)
    }

    /// The base's credentials for a call that they sign: cached, or fetched by one caller for all. A long-term key is not
    /// kept.
    fn fetched(&self, step: Target<'_>, need: Need, run: Run) -> Result<Credentials> {
        if let Some(found) = self.cached(step, need) {
            return Ok(Credentials::Session(found));
        }
        let (lock, since) = (self.lock_of(step), now_millis());
        let _lock = match self.turn(&lock, step, need, Awaited::Source(&lock))? {
            Turn::Served(session) => return Ok(Credentials::Session(session)),
            Turn::Ours(lock) => lock,
        };
        if let Some(found) = self.cached(step, need) {
            return Ok(Credentials::Session(found));
        }
        Ok(match self.once(&lock, since, || self.of_the_base(run))? {
            Credentials::Session(session) => Credentials::Session(self.keep(step, session)),
            key @ Credentials::Key(_) => key,
        })
    }

    /// What a base gives, unless it failed while we waited for its lock: that failure is ours, too.
    fn once(&self, lock: &Path, since: u64, fetch: impl FnOnce() -> Result<Credentials>) -> Result<Credentials> {
        let file = lock.with_extension("failed");
        if let Some(failure) = failed::since(&file, since) {
            return Err(self.about(failure));
        }
        fetch().inspect_err(|failure| {
            if self.locking != Locking::Never {
                failed::note(&file, failure);
            }
        })
    }

    fn of_the_base(&self, run: Run) -> Result<Credentials> {
        log::step(format_args!("fetch the credentials of {}", self.plan.base.origin()));
        // Another program is not cut short: it may be asking somebody.
        let until = match run.deadline {
            Some(deadline) if !matches!(self.plan.base, Base::Process(_)) => deadline,
            _ => self.patience.question(),
        };
        self.base.fetch(&self.plan.base, until).map_err(|failure| self.about(failure))
    }

    fn without_a_code(&self, step: Target<'_>, need: Need, run: Run) -> Result<Session> {
        let (mut second_try, since) = (false, now_millis());
        loop {
            // A code below is asked for under the lock of its device alone. Where none can be, one caller does all.
            let parent = if step.may_ask_below() { Some(self.parent(step, need, run)?) } else { None };
            let lock = self.lock_of(step);
            let awaited = if step.is_fetched() { Awaited::Source(&lock) } else { Awaited::Call(&lock) };
            let _lock = match self.turn(&lock, step, need, awaited)? {
                Turn::Served(session) => return Ok(session),
                Turn::Ours(lock) => lock,
            };
            if let Some(found) = self.cached(step, need) {
                return Ok(found);
            }
            let parent = match parent {
                Some(parent) => parent,
                None if self.plan.base.is_fetched() => self.once(&lock, since, || self.parent(step, need, run))?,
                None => self.parent(step, need, run)?,
            };
            match self.call(step, &parent, None, run) {
                Ok(session) => return Ok(self.keep(step, session)),
                Err(e) => match step.below() {
                    // AWS no longer knows the session below (its key was rotated or disabled): mint a new one, once.
                    Some(below) if e.kind == AwsErrorKind::StaleSession && !second_try => {
                        second_try = true;
                        self.forget(below);
                    }
                    _ => return Err(self.refused(e)),
                },
            }
        }
    }

    fn with_a_code(&self, step: Target<'_>, need: Need, device: &MfaSerial) -> Result<Session> {
        let files = DeviceFiles {
            is_kept: self.locking != Locking::Never,
            ..DeviceFiles::of(self.directory, device, self.endpoint)
        };
        let since = now_millis();
        let _lock = match self.turn(&files.lock, step, need, Awaited::Question(&files))? {
            Turn::Served(session) => return Ok(session),
            Turn::Ours(lock) => lock,
        };
        if let Some(found) = self.cached(step, need) {
            return Ok(found);
        }
        self.ended_meanwhile(&files, since)?;
        self.declined_lately(&files)?;
        // Before the question, so that no code is typed for a call that cannot be signed.
        let parent = self.key_for_a_code(device)?;
        let call = |mfa: Mfa<'_>| self.call(step, &parent, Some(mfa), Run::FOR_A_CALLER);
        let session = self.ask_and_call(device, &files, &call)?;
        ending::begins_anew(&files, &step.identity);
        Ok(self.keep(step, session))
    }

    /// What signs a call with a code: AWS takes one only with a long-term key.
    fn key_for_a_code(&self, device: &MfaSerial) -> Result<Credentials> {
        match self.of_the_base(Run::FOR_A_CALLER)? {
            key @ Credentials::Key(_) => Ok(key),
            Credentials::Session(_) => Err(self.about(self.plan.base.takes_no_code(device))),
        }
    }

    /// Waits for a lock, and for the session that its holder may obtain.
    fn turn(&self, lock: &Path, step: Target<'_>, need: Need, awaited: Awaited<'_>) -> Result<Turn> {
        if self.locking == Locking::Never {
            return Ok(Turn::Ours(None));
        }
        let until = self.patience.others();
        let (started, mut pause, mut told) = (Instant::now(), Duration::from_millis(1), false);
        loop {
            match FileLock::try_acquire(lock) {
                Ok(lock) => return Ok(Turn::Ours(Some(lock))),
                Err(LockError::Unavailable(error)) => {
                    return self.without_a_lock(lock, &error, awaited).map(|()| Turn::Ours(None));
                }
                Err(LockError::Held) => {}
            }
            if let Some(found) = self.cached(step, need) {
                return Ok(Turn::Served(found));
            }
            if until.has_passed() {
                let cause = format!(
                    "gave up after waiting {} s for {}",
                    started.elapsed().as_secs_f64().ceil(),
                    awaited.holder()
                );
                return Err(self.about(Failure::new(Kind::Busy, cause).hint("run it again")));
            }
            if !told && started.elapsed() > TELL_AFTER {
                told = true;
                awaited.tell(self.codes);
            }
            std::thread::sleep(pause.min(until.left()));
            pause = (pause * 2).min(Duration::from_millis(20));
        }
    }

    /// Whether to go on where no lock can be had (threat-model P54). Without one, a call is made by each caller that
    /// comes, which does no harm; a question is put by each, and a code may be sent twice.
    fn without_a_lock(&self, lock: &Path, error: &io::Error, awaited: Awaited<'_>) -> Result<()> {
        if lock::is_unsupported(error) || !matches!(awaited, Awaited::Question(_)) {
            return Ok(());
        }
        let obstacle = Obstacle::to("locked", lock, error);
        if self.locking == Locking::IfPossible && !obstacle.is_anothers_file() {
            return Ok(());
        }
        Err(self.about(obstacle.failure()))
    }

    /// Calls STS for a step and caches the answer.
    pub(super) fn call_and_keep(
        &self,
        step: Target<'_>,
        parent: &Credentials,
        mfa: Option<Mfa<'_>>,
        run: Run,
    ) -> Result<Session> {
        let session = self.call(step, parent, mfa, run).map_err(|e| self.refused(e))?;
        Ok(self.keep(step, session))
    }

    fn call(
        &self,
        step: Target<'_>,
        parent: &Credentials,
        mfa: Option<Mfa<'_>>,
        run: Run,
    ) -> std::result::Result<Session, AwsError> {
        let bounds = run.bounds();
        let answer = match (step.call, parent) {
            (Step::Fetch { .. }, Credentials::Session(session)) => return Ok(session.clone()),
            (Step::Fetch { session }, Credentials::Key(_)) => {
                self.sts.get_session_token(parent.into(), None, *session, bounds)
            }
            (Step::SessionToken { duration, .. }, _) => {
                log::step(format_args!("call STS for {}", step.call));
                self.sts.get_session_token(parent.into(), mfa, *duration, bounds)
            }
            (Step::AssumeRole { request, .. }, _) => {
                log::step(format_args!("call STS for {}", step.call));
                self.sts.assume_role(parent.into(), request, mfa, bounds)
            }
        };
        match &answer {
            Ok(session) => log::step(format_args!("STS gave {} until {}", session.access_key_id, session.expires)),
            Err(e) => log::step(format_args!("STS gave nothing ({:?}): {}", e.kind, e.cause)),
        }
        answer
    }

    /// Keeps a fresh session. One that cannot be kept is handed out all the same, with a warning.
    fn keep(&self, step: Target<'_>, session: Session) -> Session {
        let Some(cache) = self.cache.filter(|_| self.base.is_unchanged(&self.plan.base)) else { return session };
        if let Err(obstacle) = cache.keep(&step.identity, self.header(step, &session), &session) {
            (self.warn)(&format!("the session could not be saved, so the next command starts a new one: {obstacle}"));
        }
        session
    }

    fn forget(&self, step: Target<'_>) {
        if let Some(cache) = self.cache {
            // One that is gone already is as forgotten as one that goes now.
            let _ = cache.forget(&step.identity);
        }
    }

    fn header(&self, step: Target<'_>, session: &Session) -> sealed::Header {
        let (kind, asked) = match step.call {
            Step::AssumeRole { request, .. } => (sealed::SessionKind::Role, request.duration),
            Step::SessionToken { duration, .. } => (sealed::SessionKind::Session, *duration),
            // Its length was not ours to choose.
            Step::Fetch { .. } => (kind_of(&self.plan.base), session.expires.since((self.clock)())),
        };
        let role_of_base = || self.plan.base.role().filter(|_| step.is_fetched());
        sealed::Header {
            identity: step.identity,
            key: String::new(),
            kind,
            account: session.account.clone(),
            device: self.plan.device.clone(),
            role: step.call.role().or_else(role_of_base).cloned(),
            profile: if step.is_fetched() { self.plan.base.profile() } else { &self.plan.profile }.clone(),
            issued: (self.clock)(),
            asked,
            expires: session.expires,
        }
    }

    /// The lock under which one identity is minted.
    pub(super) fn lock_of(&self, step: Target<'_>) -> PathBuf {
        self.directory.join(format!("{}.lock", &step.identity.hex()[..16]))
    }

    /// STS's refusal as a failure of this profile.
    pub(super) fn refused(&self, e: AwsError) -> Failure {
        e.of_profile(&self.plan.profile)
    }

    /// A failure that names the asked profile.
    pub(super) fn about(&self, failure: Failure) -> Failure {
        failure.of_profile(&self.plan.profile)
    }
}

fn kind_of(base: &Base) -> sealed::SessionKind {
    match base {
        Base::Process(_) => sealed::SessionKind::Process,
        Base::Sso(_) => sealed::SessionKind::Sso,
        Base::Login(_) => sealed::SessionKind::Login,
        Base::WebIdentity(_) => sealed::SessionKind::Role,
        Base::Key(_) | Base::Temporary(_) => sealed::SessionKind::Session,
    }
}

/// A shorter wait is not mentioned.
const TELL_AFTER: Duration = Duration::from_secs(5);

/// What a caller waits for.
#[derive(Clone, Copy)]
enum Awaited<'a> {
    /// Another twolock process calls AWS under this lock.
    Call(&'a Path),
    /// Another twolock process fetches a base's credentials under this lock.
    Source(&'a Path),
    /// Another twolock process prompts for a code of this device.
    Question(&'a DeviceFiles),
}

impl Awaited<'_> {
    fn holder(self) -> String {
        match self {
            Awaited::Call(lock) => format!("{}, which is calling AWS", lock::holder(lock)),
            Awaited::Source(lock) => format!("{}, which is fetching the credentials", lock::holder(lock)),
            Awaited::Question(files) => match files.load().holder {
                Some(holder) => {
                    format!("pid {}, which is asking for a code (profile '{}')", holder.pid, holder.profile)
                }
                None => "another twolock that is asking for a code".into(),
            },
        }
    }

    /// Where the prompt is on our own terminal, it says all there is to say, and a note would wipe it away.
    fn tell(self, codes: &dyn CodeSource) {
        let seen = match self {
            Awaited::Call(_) | Awaited::Source(_) => false,
            Awaited::Question(files) => files.load().holder.is_some_and(|holder| terminal::is_shared_with(holder.pid)),
        };
        if !seen {
            codes.note(&format!("waiting for {}", self.holder()));
        }
    }
}
