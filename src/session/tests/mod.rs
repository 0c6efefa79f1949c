//! The session layer with a scripted STS, a scripted person and a clock that a test moves.

mod asking;
mod declining;
mod ending;
mod fetching;
mod locking;
mod minting;
mod renewing;
mod waiting;

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::cache::{Cache, Need};
use super::identity::{self, Identity, PlannedStep};
use super::sealing_key::{self, SealingKey};
use super::{BaseCredentials, Locking, Patience, Sessions};
use crate::arn::{AccountId, MfaSerial, Partition, RoleArn};
use crate::aws::sts::operations::CallerIdentity;
use crate::aws::{AwsError, AwsErrorKind, Bounds, Mfa, Signer, Sts};
use crate::credentials::{AccessKey, AccessKeyId, Credentials, Session};
use crate::error::{Failure, Kind, Place, Result};
use crate::hint::{CommandLine, Verb};
use crate::names::{MfaCode, ProfileName, Region, SessionName};
use crate::origin::{Origin, Sourced};
use crate::profile::EndpointUrls;
use crate::profile::base::{Base, KeyPlace, LongTermKey, Process, TemporaryKey};
use crate::profile::plan::Plan;
use crate::profile::steps::Step;
use crate::prompt::{AskError, CodeSource, Question};
use crate::role::RoleRequest;
use crate::secret::Secret;
use crate::store::choose::Stores;
use crate::store::memory::MemoryStore;
use crate::system::clock::Deadline;
use crate::timestamp::Timestamp;

pub const NOW: i64 = 1_800_000_000;
pub const HOUR: Duration = Duration::from_secs(3600);
pub const MINUTE: i64 = 60;
pub const DEVICE: &str = "arn:aws:iam::123456789012:mfa/ana";
pub const KEY_ID: &str = "AKIAIOSFODNN7EXAMPLE";

// ---- plans

pub fn device() -> MfaSerial {
    MfaSerial::parse(DEVICE).unwrap()
}

pub fn session_step(device: Option<MfaSerial>, duration: Duration) -> Step {
    Step::SessionToken { device, duration }
}

pub fn role_step(name: &str, duration: Duration, code_from: Option<MfaSerial>) -> Step {
    let request = RoleRequest::plain(
        RoleArn::parse(&format!("arn:aws:iam::123456789012:role/{name}")).unwrap(),
        SessionName::parse("ana").unwrap(),
        duration,
    );
    Step::AssumeRole { profile: ProfileName::parse(name).unwrap(), request: Box::new(request), code_from }
}

pub fn plan(profile: &str, device: Option<MfaSerial>, steps: Vec<Step>) -> Plan {
    let profile = ProfileName::parse(profile).unwrap();
    let key = LongTermKey {
        profile: ProfileName::parse("base").unwrap(),
        id: AccessKeyId::parse(KEY_ID).unwrap(),
        place: KeyPlace::Keyring,
    };
    let region = Sourced { value: Region::parse("eu-west-1").unwrap(), origin: Origin::Default };
    Plan {
        profile,
        base: Base::Key(key),
        steps,
        device,
        partition: Partition::Aws,
        region,
        shell_region: None,
        endpoint_urls: EndpointUrls::default(),
        fips: false,
        dualstack: false,
        mfa_process: None,
        protected: false,
        notes: vec![],
    }
}

/// The user's own session with a code.
pub fn base() -> Plan {
    plan("base", Some(device()), vec![session_step(Some(device()), 12 * HOUR)])
}

/// A role for an hour, below that session.
pub fn role(name: &str) -> Plan {
    plan(name, Some(device()), vec![session_step(Some(device()), 12 * HOUR), role_step(name, HOUR, None)])
}

// ---- STS

/// Grants every call; before that, it fails once for each scripted kind.
pub struct FakeSts {
    now: Arc<AtomicI64>,
    failures: Mutex<VecDeque<(&'static str, AwsErrorKind)>>,
    granted: AtomicUsize,
    calls: Mutex<Vec<String>>,
    bounds: Mutex<Vec<Bounds>>,
}

impl FakeSts {
    pub fn calls(&self) -> Vec<String> {
        self.calls.lock().unwrap().clone()
    }

    pub fn count(&self, action: &str) -> usize {
        self.calls().iter().filter(|call| call.starts_with(action)).count()
    }

    /// Fails the next call of an action.
    pub fn fail(&self, action: &'static str, kind: AwsErrorKind) {
        self.failures.lock().unwrap().push_back((action, kind));
    }

    fn answer(
        &self,
        action: &'static str,
        what: &str,
        signer: &str,
        mfa: Option<Mfa<'_>>,
        duration: Duration,
        bounds: Bounds,
    ) -> std::result::Result<Session, AwsError> {
        let code = mfa.map(|mfa| format!(" with {}", mfa.code.expose())).unwrap_or_default();
        self.calls.lock().unwrap().push(format!("{action}{what} by {signer}{code}"));
        self.bounds.lock().unwrap().push(bounds);
        let mut failures = self.failures.lock().unwrap();
        if let Some(at) = failures.iter().position(|(of, _)| *of == action) {
            let (_, kind) = failures.remove(at).unwrap();
            return Err(AwsError { kind, cause: format!("AWS said {kind:?}"), hints: vec!["a hint".into()] });
        }
        let number = self.granted.fetch_add(1, Ordering::SeqCst) + 1;
        Ok(Session {
            access_key_id: AccessKeyId::parse(&format!("ASIA{number:016}")).unwrap(),
            secret: Secret::new(format!("secret{number}")),
            token: Secret::new(format!("token{number}")),
            expires: Timestamp::from_unix(self.now.load(Ordering::SeqCst)).plus(duration),
            account: AccountId::parse("123456789012"),
        })
    }
}

impl Sts for FakeSts {
    fn get_session_token(
        &self,
        signer: Signer<'_>,
        mfa: Option<Mfa<'_>>,
        duration: Duration,
        bounds: Bounds,
    ) -> std::result::Result<Session, AwsError> {
        let Signer::Key(key) = signer else { panic!("AWS gives session tokens to long-term keys only") };
        self.answer("GetSessionToken", "", key.id.as_str(), mfa, duration, bounds)
    }

    fn assume_role(
        &self,
        signer: Signer<'_>,
        request: &RoleRequest,
        mfa: Option<Mfa<'_>>,
        bounds: Bounds,
    ) -> std::result::Result<Session, AwsError> {
        let signer = match signer {
            Signer::Key(key) => &key.id,
            Signer::Session(session) => &session.access_key_id,
        };
        let what = format!(" {}", request.role.name());
        self.answer("AssumeRole", &what, signer.as_str(), mfa, request.duration, bounds)
    }

    fn assume_role_with_web_identity(
        &self,
        _: &Secret<String>,
        _: &RoleRequest,
        _: Bounds,
    ) -> std::result::Result<Session, AwsError> {
        unreachable!("these plans have no web identity")
    }

    fn get_caller_identity(&self, _: Signer<'_>, _: Bounds) -> std::result::Result<CallerIdentity, AwsError> {
        unreachable!("the session layer asks nobody who it is")
    }
}

// ---- the person

type Hook = Box<dyn Fn() + Send + Sync>;

/// Answers questions from a list; a question beyond its end is the test's failure.
#[derive(Default)]
pub struct FakePerson {
    answers: Mutex<VecDeque<std::result::Result<&'static str, AskError>>>,
    questions: Mutex<Vec<Question>>,
    deadlines: Mutex<Vec<Duration>>,
    notes: Mutex<Vec<String>>,
    only_one_code: bool,
    is_program: bool,
    is_dialog: bool,
    before_answering: Option<Hook>,
}

impl FakePerson {
    pub fn typing(codes: &[&'static str]) -> Self {
        let person = Self::default();
        person.answers.lock().unwrap().extend(codes.iter().map(|code| Ok(*code)));
        person
    }

    pub fn ending(error: AskError) -> Self {
        let person = Self::default();
        person.answers.lock().unwrap().push_back(Err(error));
        person
    }

    /// Like a code in a variable: another one cannot be had.
    pub fn only_one(mut self) -> Self {
        self.only_one_code = true;
        self
    }

    /// Like an `mfa_process`: it does not see when there is another code.
    pub fn of_a_program(mut self) -> Self {
        self.is_program = true;
        self
    }

    /// Runs this while the prompt is shown.
    pub fn meanwhile(mut self, hook: impl Fn() + Send + Sync + 'static) -> Self {
        self.before_answering = Some(Box::new(hook));
        self
    }

    pub fn asked(&self) -> usize {
        self.questions.lock().unwrap().len()
    }

    pub fn notices(&self) -> Vec<Option<String>> {
        self.questions.lock().unwrap().iter().map(|question| question.notice.clone()).collect()
    }

    pub fn notes(&self) -> Vec<String> {
        self.notes.lock().unwrap().clone()
    }
}

impl CodeSource for FakePerson {
    fn ask(&self, question: &Question, until: Deadline) -> std::result::Result<MfaCode, AskError> {
        self.questions.lock().unwrap().push(question.clone());
        self.deadlines.lock().unwrap().push(until.left());
        if let Some(hook) = &self.before_answering {
            hook();
        }
        let answer = self.answers.lock().unwrap().pop_front().expect("a question too many");
        answer.map(|code| MfaCode::parse(code).unwrap())
    }

    fn can_ask_again(&self) -> bool {
        !self.only_one_code
    }

    fn is_person(&self) -> bool {
        !self.only_one_code && !self.is_program
    }

    fn is_dialog(&self) -> bool {
        self.is_dialog
    }

    fn note(&self, text: &str) {
        self.notes.lock().unwrap().push(text.into());
    }
}

// ---- keys

/// What another program or service gives.
#[derive(Clone, Copy, Debug)]
pub enum Given {
    Key,
    /// Temporary credentials for so long.
    SessionFor(Duration),
    /// Nothing, as where nobody is signed in.
    Nothing,
}

/// Has the key, or fails like a locked keyring; for other bases, what is given.
pub struct FakeBases {
    locked: Option<Failure>,
    fetched: AtomicUsize,
    given: Mutex<Given>,
    now: Arc<AtomicI64>,
    bounds: Mutex<Vec<Deadline>>,
    /// Whether somebody signed in or out since the plan was made.
    pub is_changed: AtomicBool,
}

impl FakeBases {
    fn new(now: &Arc<AtomicI64>) -> Self {
        let given = Mutex::new(Given::Key);
        Self {
            locked: None,
            fetched: AtomicUsize::new(0),
            given,
            now: Arc::clone(now),
            bounds: Mutex::default(),
            is_changed: AtomicBool::new(false),
        }
    }

    pub fn fetched(&self) -> usize {
        self.fetched.load(Ordering::SeqCst)
    }

    pub fn give(&self, given: Given) {
        *self.given.lock().unwrap() = given;
    }

    /// How long the last fetching had.
    pub fn last_bound(&self) -> Duration {
        self.bounds.lock().unwrap().last().unwrap().left()
    }
}

impl BaseCredentials for FakeBases {
    fn fetch(&self, base: &Base, until: Deadline) -> Result<Credentials> {
        let count = self.fetched.fetch_add(1, Ordering::SeqCst) + 1;
        self.bounds.lock().unwrap().push(until);
        if let Some(locked) = &self.locked {
            return Err(locked.clone());
        }
        let secret = || Secret::new("canary".into());
        if let Base::Key(key) = base {
            return Ok(Credentials::Key(AccessKey { id: key.id.clone(), secret: secret() }));
        }
        // As slow as a program, so that callers meet.
        std::thread::sleep(Duration::from_millis(30));
        match *self.given.lock().unwrap() {
            Given::Key => Ok(Credentials::Key(AccessKey { id: AccessKeyId::parse(KEY_ID).unwrap(), secret: secret() })),
            Given::SessionFor(life) => Ok(Credentials::Session(Session {
                access_key_id: AccessKeyId::parse(&format!("ASIAFETCHED{count:09}")).unwrap(),
                secret: secret(),
                token: secret(),
                expires: Timestamp::from_unix(self.now.load(Ordering::SeqCst)).plus(life),
                account: None,
            })),
            Given::Nothing => Err(Failure::new(Kind::NeedsPerson, "not signed in")),
        }
    }

    fn is_unchanged(&self, _: &Base) -> bool {
        !self.is_changed.load(Ordering::SeqCst)
    }
}

// ---- the world

pub struct World {
    home: tempfile::TempDir,
    key: SealingKey,
    pub now: Arc<AtomicI64>,
    pub sts: FakeSts,
    pub bases: FakeBases,
    pub warnings: Mutex<Vec<String>>,
}

impl World {
    pub fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        let stores = Stores { fast: Some(Box::new(MemoryStore::new())), durable: None };
        let soon = Deadline::after(Instant::now(), Duration::from_secs(20));
        let key = sealing_key::find_or_make(&stores, home.path(), soon).unwrap();
        let now = Arc::new(AtomicI64::new(NOW));
        let sts = FakeSts {
            now: Arc::clone(&now),
            failures: Mutex::default(),
            granted: AtomicUsize::new(0),
            calls: Mutex::default(),
            bounds: Mutex::default(),
        };
        let bases = FakeBases::new(&now);
        Self { home, key, now, sts, bases, warnings: Mutex::default() }
    }

    pub fn directory(&self) -> PathBuf {
        self.home.path().into()
    }

    pub fn cache(&self) -> Cache {
        Cache::new(self.directory(), self.key.clone())
    }

    /// Lets time pass for clocks and STS.
    pub fn pass(&self, seconds: i64) {
        self.now.fetch_add(seconds, Ordering::SeqCst);
    }

    pub fn now(&self) -> Timestamp {
        Timestamp::from_unix(self.now.load(Ordering::SeqCst))
    }

    /// One caller that can wait for a while.
    pub fn obtain(&self, plan: &Plan, person: &FakePerson) -> Result<Session> {
        self.obtain_with(plan, person, Need::ALIVE)
    }

    pub fn obtain_with(&self, plan: &Plan, person: &FakePerson, need: Need) -> Result<Session> {
        let cache = self.cache();
        self.caller(plan, person, Some(&cache), &|sessions| sessions.obtain(need))
    }

    /// A caller where no keyring keeps a sealing key.
    pub fn obtain_uncached(&self, plan: &Plan, person: &FakePerson) -> Result<Session> {
        self.caller(plan, person, None, &|sessions| sessions.obtain(Need::ALIVE))
    }

    /// A caller with parts of its own: `act` may change what it finds.
    pub fn caller(
        &self,
        plan: &Plan,
        person: &FakePerson,
        cache: Option<&Cache>,
        act: &dyn Fn(Sessions<'_>) -> Result<Session>,
    ) -> Result<Session> {
        act(Sessions {
            plan,
            steps: &steps(plan),
            sts: &self.sts,
            codes: person,
            base: &self.bases,
            cache,
            directory: &self.directory(),
            locking: Locking::IfPossible,
            endpoint: None,
            login: CommandLine::of(Verb::Login, &plan.profile),
            asker: None,
            caller: None,
            patience: Patience::EachQuestion(Duration::from_secs(55)),
            clock: &|| self.now(),
            warn: &|text| self.warnings.lock().unwrap().push(text.into()),
            ends_soon: None,
            hidden_by: &|| None,
        })
    }
}

pub fn identities(plan: &Plan) -> Vec<Identity> {
    steps(plan).iter().map(|step| step.identity).collect()
}

pub fn steps(plan: &Plan) -> Vec<PlannedStep<'_>> {
    identity::of_plan(plan, None, None)
}

/// The number that the fake STS gave a session.
pub fn number(session: &Session) -> usize {
    session.access_key_id.as_str()["ASIA".len()..].parse().unwrap()
}
