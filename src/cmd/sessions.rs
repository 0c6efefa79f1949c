//! Gets the credentials of a plan, with the real STS, keyrings and code sources.

use std::cell::{Cell, RefCell};
use std::time::{Duration, Instant};

use crate::aws::Bounds;
use crate::aws::sts::StsClient;
use crate::credentials::Session;
use crate::dialogs::DialogProgram;
use crate::duration;
use crate::error::{Failure, Kind, Result};
use crate::hint::{CommandLine, Verb};
use crate::names::MfaCode;
use crate::output::messages;
use crate::profile::base::Base;
use crate::profile::device::MfaProcess;
use crate::profile::plan::Plan;
use crate::profile::steps::Step;
use crate::prompt::askpass::AskpassSource;
use crate::prompt::command::CommandSource;
use crate::prompt::dialog::DialogSource;
use crate::prompt::given::GivenCode;
use crate::prompt::sources::CodeSources;
use crate::prompt::terminal::TerminalSource;
use crate::prompt::{AskError, CodeSource, Question};
use crate::session::cache::{Cache, Need, SHORTEST_REST};
use crate::session::sealed::Header;
use crate::session::{Locking, Lookup, Patience, Sessions, look};
use crate::session::{outside, sealing_key};
use crate::store::choose::Stores;
use crate::system::clock::{self, Deadline};
use crate::system::log;
use crate::system::parent::{self, Caller};
use crate::system::running::Running;

use super::bases::{self, RealBases};
use super::context::{Context, Planned, as_root_elsewhere, root_elsewhere};
use super::ending_soon;

/// Refuses a protected profile, for all verbs but `env` and `exec`.
pub fn refuse_protected(plan: &Plan) -> Result<()> {
    if !plan.protected {
        return Ok(());
    }
    let cause =
        "is protected: each use asks for a fresh code, so only twolock env and twolock exec give its credentials";
    let failure = Failure::new(Kind::Config, cause).of_profile(&plan.profile);
    Err(failure.hint(CommandLine::of(Verb::Exec, &plan.profile).to("a subshell with its credentials")))
}

pub struct SessionRequest {
    pub need: Need,
    pub patience: Patience,
    /// Whether a code may be asked for, wherever it comes from.
    pub may_ask: bool,
    /// Whether to read the code from the first line of stdin.
    pub code_stdin: bool,
    /// Whether a code that was given beforehand may be used: it can be used once.
    pub takes_given_code: bool,
    /// Whether a program that calls again is not asked again at once after a person declined.
    pub asks_once: bool,
    /// Whether to show a notification when a session expires soon.
    pub tells_of_the_end: bool,
    /// Whether a dialog for the code may be opened although the last one was closed just now.
    pub after_a_closed_dialog: bool,
    /// Whether a dialog may unlock the keyring.
    pub may_unlock: bool,
    /// Whether to continue if no cache is available.
    pub uncached: bool,
    /// Whether to fail if the credentials cannot be saved.
    pub must_keep: bool,
}

impl SessionRequest {
    /// For `env`, `exec` and `whoami`: any active session; the user can be asked for a code.
    pub fn interactive(context: &Context, code_stdin: bool) -> Self {
        let timeout = context.settings.duration_or_default("prompt_timeout");
        Self {
            need: context.need(),
            patience: Patience::EachQuestion(timeout),
            may_ask: true,
            code_stdin,
            takes_given_code: true,
            asks_once: false,
            tells_of_the_end: false,
            after_a_closed_dialog: false,
            may_unlock: false,
            uncached: true,
            must_keep: false,
        }
    }

    /// For a test of many profiles, each for at most that long: never asks for a code.
    pub fn without_a_code(context: &Context, bound: Duration) -> Self {
        let patience = Patience::Until(Deadline::after(Instant::now(), bound));
        Self { patience, may_ask: false, ..Self::interactive(context, false) }
    }

    /// Requires the time left that the flag or the setting `min_ttl` says.
    pub fn with_min_ttl(mut self, flag: Option<Duration>, context: &Context, plan: &Plan) -> Result<Self> {
        let set = context.settings.duration("min_ttl");
        let Some(rest) = flag.or(set.as_ref().map(|set| set.value)).map(|r| r.max(SHORTEST_REST)) else {
            return Ok(self);
        };
        if rest >= plan.duration() {
            let (kind, whose) = match (flag, set) {
                (None, Some(set)) => (Kind::Config, format!("min_ttl ({}): ", set.origin)),
                _ => (Kind::Usage, String::new()),
            };
            let (rest, most) = (duration::exact(rest), duration::exact(plan.duration()));
            let cause = format!("{whose}min_ttl {rest} is longer than new credentials last ({most})");
            return Err(Failure::new(kind, cause).of_profile(&plan.profile));
        }
        self.need.rest = rest;
        Ok(self)
    }
}

/// Returns the credentials of a plan, cached or new; a warning says if they are not saved.
pub fn obtain(context: &Context, planned: &Planned, request: &SessionRequest) -> Result<Session> {
    obtain_warning(context, planned, request, &messages::warning)
}

/// The same, where the caller decides about the warnings.
pub fn obtain_warning(
    context: &Context,
    planned: &Planned,
    request: &SessionRequest,
    warn: &dyn Fn(&str),
) -> Result<Session> {
    refuse_protected(&planned.plan)?;
    let stores = context.stores(request.may_unlock);
    let cache = open_cache(context, planned, request, &stores, warn)?;
    let (renewed, cached) = on_its_sign_in(context, planned, request, cache.as_ref())?;
    let planned = renewed.as_ref().unwrap_or(planned);
    let plan = &planned.plan;
    let sts = match context.sts(&planned.endpoint) {
        Ok(sts) => sts,
        Err(failure) if request.need.not_before.is_some() => return Err(failure),
        // Certificates that cannot be read; what is valid needs no call.
        Err(failure) => return cached_or(failure, planned, cache.as_ref(), request.need),
    };
    let codes = warming_up(codes(context, plan, request), &sts);
    let base = RealBases { context, planned, keyring: stores.of_access_keys() };
    let (steps, endpoint) = (planned.steps(), planned.endpoint.identity());
    let unsaved = RefCell::new(Vec::new());
    let teller = if request.tells_of_the_end { ending_soon::teller(context, planned) } else { None };
    let sessions = Sessions {
        plan,
        steps: &steps,
        sts: &sts,
        codes: &codes,
        base: &base,
        cache: cache.as_ref(),
        directory: &context.dirs.cache,
        locking: locking(context, request.uncached),
        endpoint: endpoint.as_deref(),
        login: login(plan, request.need),
        asker: parent::asker().map(|asker| asker.to_string()),
        caller: caller(context, request),
        patience: request.patience,
        clock: &clock::now,
        warn: &|text| unsaved.borrow_mut().push(context.shortened(text)),
        ends_soon: teller.as_ref().map(|teller| teller as &dyn Fn(&Session)),
        hidden_by: &|| outside::hidden_by(&stores, &context.dirs.cache),
    };
    if let Some(failure) = runs_above(context, plan) {
        // The parent waits for us, and may hold the lock.
        return cached_or(failure, planned, cache.as_ref(), request.need);
    }
    let obtained =
        if request.may_ask { sessions.obtain(request.need) } else { sessions.obtain_without_a_code(request.need) };
    let obtained = obtained.or_else(|failure| cached.ok_or(failure));
    let unsaved = unsaved.take();
    if let (Ok(_), true, Some(why)) = (&obtained, request.must_keep, unsaved.first())
        && !cache.is_some_and(|cache| is_any_cached(&cache, planned, request.need))
    {
        return Err(Failure::new(Kind::Disk, why).of_profile(&plan.profile));
    }
    unsaved.iter().for_each(|why| warn(why));
    let session = obtained.map_err(|failure| context.shortened_failure(failure))?;
    must_last(&session, request.need.rest).map_err(|failure| failure.of_profile(&plan.profile))?;
    Ok(session)
}

/// Credentials of another source last as long as that says, which is known only now.
fn must_last(session: &Session, rest: Duration) -> Result<()> {
    let left = session.expires.since(clock::now());
    if rest <= SHORTEST_REST || left >= rest {
        return Ok(());
    }
    let (rest, left) = (duration::exact(rest), duration::show(left));
    Err(Failure::new(Kind::Usage, format!("min_ttl {rest} is longer than these credentials last ({left})")))
}

/// The plan on its renewed sign-in, and cached credentials that still serve where nothing comes of that. Nothing is renewed
/// for credentials that are served as they are.
fn on_its_sign_in(
    context: &Context,
    planned: &Planned,
    request: &SessionRequest,
    cache: Option<&Cache>,
) -> Result<(Option<Planned>, Option<Session>)> {
    let look = |cache| look(cache, &planned.steps(), request.need, clock::now());
    match cache.map_or(Lookup::Miss, look) {
        Lookup::Serve(_) | Lookup::Last(..) => Ok((None, None)),
        Lookup::Renew(cached) => {
            let until = Deadline::after(Instant::now(), Bounds::RENEWAL.total);
            Ok((bases::renewed(context, planned, until).unwrap_or_default(), Some(cached)))
        }
        Lookup::Miss => {
            let until = request.patience.question();
            Ok((bases::renewed(context, planned, until)?, None))
        }
    }
}

/// The MFA session that a plan's calls rest on, if it is in the cache and valid. Asks nobody.
pub fn living_mfa_session(context: &Context, planned: &Planned, stores: &Stores) -> Option<Session> {
    living_in(&cache_if_open(context, stores)?, planned)
}

/// The cache, if its sealing key is there.
pub fn cache_if_open(context: &Context, stores: &Stores) -> Option<Cache> {
    Some(Cache::new(context.dirs.cache.clone(), sealing_key::find(stores, &context.dirs.cache).ok()?))
}

/// The same as [`living_mfa_session`], of a cache that is open.
pub fn living_in(cache: &Cache, planned: &Planned) -> Option<Session> {
    living_with_header(cache, planned).map(|(_, session)| session)
}

/// The same, with when it was made.
pub fn living_with_header(cache: &Cache, planned: &Planned) -> Option<(Header, Session)> {
    let steps = planned.steps();
    let first = steps.first().filter(|first| matches!(first.step, Step::SessionToken { device: Some(_), .. }))?;
    cache.look_up(&first.identity, Need::ALIVE, clock::now())
}

/// Starts a session of the length that was asked for; a new one, where another may not be left for long enough.
fn login(plan: &Plan, need: Need) -> CommandLine {
    let command = CommandLine::of(Verb::Login, &plan.profile);
    let is_fresh = need.not_before.is_some() || need.rest > SHORTEST_REST;
    let command = if is_fresh { command.with("--fresh") } else { command };
    match need.asked {
        Some(span) => command.with(format!("--duration={}", duration::exact(span))),
        None => command,
    }
}

/// Whether a code was given beforehand.
pub fn has_given_code(context: &Context, code_stdin: bool) -> bool {
    code_stdin || GivenCode::from_variable(&context.env).is_some()
}

/// Whose declined question is not put again; a code given beforehand asks nobody.
fn caller(context: &Context, request: &SessionRequest) -> Option<Caller> {
    if request.asks_once && !has_given_code(context, request.code_stdin) { parent::caller() } else { None }
}

pub fn locking(context: &Context, uncached: bool) -> Locking {
    match context.other_home_owner() {
        Some(_) => Locking::Never,
        None if context.dirs.is_nowhere => Locking::Never,
        None if uncached => Locking::IfPossible,
        None => Locking::Required,
    }
}

/// Whether any of the requested sessions is in the cache.
fn is_any_cached(cache: &Cache, planned: &Planned, need: Need) -> bool {
    let need = Need { not_before: need.not_before, ..Need::ALIVE };
    planned.steps().iter().any(|step| cache.look_up(&step.identity, need, clock::now()).is_some())
}

/// Why nothing new can be had where a program of this plan runs twolock: it would be run again.
fn runs_above(context: &Context, plan: &Plan) -> Option<Failure> {
    let above = Running::above(&context.env);
    if let Base::Process(process) = &plan.base
        && above.runs(&process.line)
    {
        return Some(bases::process::recursion(context, process).of_profile(&plan.profile));
    }
    let process = plan.mfa_process.as_ref()?;
    plan.device.as_ref().filter(|device| above.asks_for(device))?;
    let cause = "mfa_process runs twolock itself, which would run mfa_process again";
    Some(Failure::new(Kind::Config, cause).of_profile(&process.profile).at(&process.place))
}

/// What is cached and serves, else this failure; takes no lock.
fn cached_or(failure: Failure, planned: &Planned, cache: Option<&Cache>, need: Need) -> Result<Session> {
    match cache.map(|cache| look(cache, &planned.steps(), need, clock::now())) {
        Some(Lookup::Serve(session) | Lookup::Last(session) | Lookup::Renew(session)) => Ok(session),
        Some(Lookup::Miss) | None => Err(failure),
    }
}

/// The cache, or none if it is not available and the verb can continue without.
fn open_cache(
    context: &Context,
    planned: &Planned,
    request: &SessionRequest,
    stores: &Stores,
    warn: &dyn Fn(&str),
) -> Result<Option<Cache>> {
    let of_profile = |failure: Failure| failure.of_profile(&planned.plan.profile);
    if context.dirs.is_nowhere {
        warn("no home directory, so the session is not saved, and the next command asks again");
        return Ok(None);
    }
    match context.other_home_owner() {
        Some(owner) if request.uncached => {
            let why = "so the session is not saved, and the next command asks again";
            warn(&as_root_elsewhere(&owner, why));
            return Ok(None);
        }
        Some(owner) => return Err(of_profile(root_elsewhere(&owner))),
        None => {}
    }
    let deadline = Deadline::after(Instant::now(), Duration::from_secs(10));
    match sealing_key::find_or_make(stores, &context.dirs.cache, deadline) {
        Ok(key) => {
            log::detail(format_args!(
                "sessions are encrypted with key {} in {}",
                key.id(),
                context.dirs.cache.display()
            ));
            Ok(Some(Cache::new(context.dirs.cache.clone(), key)))
        }
        Err(none) if request.uncached => {
            let ways: String = none.failure().shown_hints().iter().map(|hint| format!(" ({hint})")).collect();
            let why = context.shortened(&none.to_string());
            warn(&format!("{why}; the session is not saved, and the next command asks again{ways}"));
            Ok(None)
        }
        Err(none) => Err(of_profile(context.shortened_failure(none.failure()))),
    }
}

/// A code given in advance, then the profile's command, then the terminal, then a dialog.
fn codes<'a>(context: &'a Context, plan: &'a Plan, request: &SessionRequest) -> CodeSources<'a> {
    let given = if request.code_stdin { Some(GivenCode::from_stdin()) } else { GivenCode::from_variable(&context.env) };
    let given = given.filter(|_| request.takes_given_code);
    let command = plan.process_for_codes().map(|process| Consented { context, process });
    let Context { env, dirs, settings, .. } = context;
    let again = request.after_a_closed_dialog;
    let askpass = settings.set("askpass").map(|program| AskpassSource::new(program, env, again));
    let order = settings.get("prompt").and_then(|set| DialogProgram::order(&set.value).ok()).unwrap_or_default();
    let dialog = DialogSource::new(env, dirs, order, again);
    let sources = CodeSources::new().then_if(given).then_if(command).then(terminal(context));
    sources.then_if(askpass).then(dialog)
}

/// A person at the terminal.
pub fn terminal(context: &Context) -> TerminalSource {
    let may_write = locking(context, true) != Locking::Never;
    TerminalSource::new(&context.env, may_write.then_some(&context.dirs.cache))
}

/// The program of `mfa_process`, if it may be started.
pub fn code_program(context: &Context, process: &MfaProcess) -> Result<CommandSource> {
    Consented { context, process }.program()
}

/// `mfa_process`, started only with consent for the file that names it (threat-model P16). The consent is checked only
/// when a code is needed.
struct Consented<'a> {
    context: &'a Context,
    process: &'a MfaProcess,
}

impl Consented<'_> {
    fn program(&self) -> Result<CommandSource> {
        let MfaProcess { profile, line, place } = self.process;
        let Context { env, dirs, .. } = self.context;
        self.check().and_then(|()| CommandSource::parse(line, profile, place, env, &dirs.account_home()))
    }

    fn check(&self) -> Result<()> {
        self.context.may_start_program(&self.process.profile, &self.process.place)
    }
}

impl CodeSource for Consented<'_> {
    fn ask(&self, question: &Question, until: Deadline) -> std::result::Result<MfaCode, AskError> {
        self.program().map_err(AskError::Failed)?.ask(question, until)
    }

    /// The command returns another code in the next time step.
    fn can_ask_again(&self) -> bool {
        true
    }
}

/// Reads the system's certificates while the user types the code.
struct WarmUp<'a, C> {
    codes: C,
    sts: &'a StsClient,
    warmed: Cell<bool>,
}

/// A source of codes for calls by this client.
pub fn warming_up<'a>(codes: impl CodeSource + 'a, sts: &'a StsClient) -> impl CodeSource + 'a {
    WarmUp { codes, sts, warmed: Cell::new(false) }
}

impl<C: CodeSource> CodeSource for WarmUp<'_, C> {
    fn ask(&self, question: &Question, until: Deadline) -> std::result::Result<MfaCode, AskError> {
        if !self.warmed.replace(true) {
            self.sts.warm_up();
        }
        self.codes.ask(question, until)
    }

    fn can_ask_again(&self) -> bool {
        self.codes.can_ask_again()
    }

    fn is_person(&self) -> bool {
        self.codes.is_person()
    }

    fn is_dialog(&self) -> bool {
        self.codes.is_dialog()
    }

    fn note(&self, text: &str) {
        self.codes.note(text);
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::fs::{self, Permissions};
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::names::ProfileName;
    use crate::system::directories::Directories;
    use crate::system::env::Env;

    #[test]
    fn consent_is_checked_for_the_file_that_sets_mfa_process() {
        let home = tempfile::tempdir().unwrap();
        let at = |name: &str| home.path().join(name);
        fs::create_dir(at(".aws")).unwrap();
        let process = "mfa_serial = arn:aws:iam::123456789012:mfa/ana\nmfa_process = code\n";
        let key = "aws_access_key_id = AKIAIOSFODNN7EXAMPLE\naws_secret_access_key = x\n";
        fs::write(at("repo"), format!("[profile p]\n{process}")).unwrap();
        fs::write(at(".aws/credentials"), format!("[p]\n{key}[q]\n{key}{process}")).unwrap();
        for (name, mode) in [("", 0o700), ("repo", 0o600), (".aws", 0o700), (".aws/credentials", 0o600)] {
            fs::set_permissions(at(name), Permissions::from_mode(mode)).unwrap();
        }
        let [config, cache, data, state] = ["config", "cache", "data", "state"].map(at);
        let env = Env::of([("AWS_CONFIG_FILE", "~/repo")]);
        let context = Context::of(
            Directories {
                home: home.path().into(),
                config,
                cache,
                account_stand_in: Some(home.path().into()),
                data,
                state,
                is_nowhere: false,
            },
            &env,
        )
        .unwrap();
        let check = |name: &str| {
            let plan = context.plan(&ProfileName::parse(name).unwrap()).unwrap().plan;
            Consented { context: &context, process: plan.mfa_process.as_ref().unwrap() }.check()
        };
        let failure = check("p").unwrap_err().headline();
        assert!(failure.starts_with("profile 'p' (~/repo:3): will not run programs from "), "{failure}");
        assert_eq!(check("q"), Ok(()));
    }
}
