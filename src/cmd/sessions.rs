//! The session layer's real parts, put together for one plan.

use std::cell::{Cell, RefCell};
use std::time::Duration;

use crate::arn::MfaSerial;
use crate::aws::http::HttpSettings;
use crate::aws::sts::StsClient;
use crate::credentials::Session;
use crate::error::{Failure, Kind, Result};
use crate::names::MfaCode;
use crate::ours::consent;
use crate::output::messages;
use crate::profile::device::MfaProcess;
use crate::profile::plan::Plan;
use crate::prompt::command::CommandSource;
use crate::prompt::given::GivenCode;
use crate::prompt::sources::CodeSources;
use crate::prompt::terminal::TerminalSource;
use crate::prompt::{AskError, CodeSource, Question};
use crate::session::cache::{Cache, Need, SHORTEST_REST};
use crate::session::sealing_key;
use crate::session::{Locking, Lookup, Patience, Sessions, look};
use crate::system::clock::{self, Deadline};
use crate::system::{log, parent};

use super::context::{Context, Planned, as_root_elsewhere, root_elsewhere};
use super::keys::RealBases;

/// What a verb wants of the session layer.
pub struct Wants {
    /// What the session has to be.
    pub need: Need,
    /// How long the caller can wait.
    pub patience: Patience,
    /// Whether the code stands in the first line of stdin.
    pub code_stdin: bool,
    /// Whether a locked keyring may be unlocked by a dialog.
    pub may_unlock: bool,
    /// Whether to go on without a cache where none can be had.
    pub uncached: bool,
    /// Whether credentials that cannot be kept are no success.
    pub must_keep: bool,
}

impl Wants {
    /// What `env`, `exec` and `whoami` want: a living session, from a person who can be asked.
    pub fn of_a_person(context: &Context, code_stdin: bool) -> Self {
        let timeout = context.settings.duration_or_default("prompt_timeout");
        Self {
            need: Need::ALIVE,
            patience: Patience::EachQuestion(timeout),
            code_stdin,
            may_unlock: false,
            uncached: true,
            must_keep: false,
        }
    }

    /// The same, with at least this much time left: by the flag, else by the setting.
    pub fn lasting(mut self, flag: Option<Duration>, context: &Context, plan: &Plan) -> Result<Self> {
        let set = context.settings.duration("min_ttl");
        let Some(rest) = flag.or(set.as_ref().map(|set| set.value)).map(|r| r.max(SHORTEST_REST)) else {
            return Ok(self);
        };
        if rest >= plan.duration() {
            let (kind, whose) = match (flag, set) {
                (None, Some(set)) => (Kind::Config, format!("min_ttl ({}): ", set.origin)),
                _ => (Kind::Usage, String::new()),
            };
            let (rest, most) = (crate::duration::show(rest), crate::duration::show(plan.duration()));
            let cause = format!("{whose}min_ttl {rest} is longer than new credentials last ({most})");
            return Err(Failure::new(kind, cause).of_profile(&plan.profile));
        }
        self.need.rest = rest;
        Ok(self)
    }
}

/// Brings the credentials of a plan: cached, or minted with the real STS and the real person.
pub fn obtain(context: &Context, planned: &Planned, wants: &Wants) -> Result<Session> {
    let plan = &planned.plan;
    if plan.protected {
        let cause = "twolock_protected: this version cannot use break-glass profiles yet";
        return Err(Failure::new(Kind::Config, cause).of_profile(&plan.profile));
    }
    let stores = context.stores(wants.may_unlock);
    let cache = open_cache(context, planned, wants, &stores)?;
    let http = HttpSettings::from_env(&context.env, &planned.endpoint)?;
    let sts = StsClient::new(planned.endpoint.clone(), http);
    let codes = WarmUp { codes: codes(context, plan, wants), sts: &sts, warmed: Cell::new(false) };
    let base = RealBases { context, keyring: stores.of_access_keys() };
    let (steps, endpoint) = (planned.steps(), planned.endpoint.identity());
    let unkept = RefCell::new(Vec::new());
    let sessions = Sessions {
        plan,
        steps: &steps,
        sts: &sts,
        codes: &codes,
        base: &base,
        cache: cache.as_ref(),
        directory: &context.folders.cache,
        locking: locking(context, wants),
        endpoint: endpoint.as_deref(),
        asker: parent::asker().map(|asker| asker.to_string()),
        patience: wants.patience,
        clock: &clock::now,
        warn: &|text| unkept.borrow_mut().push(context.shortened(text)),
    };
    let below = |device: &MfaSerial| context.env.text("TWOLOCK_RUNNING") == Some(device.as_str());
    if let Some(process) = plan.mfa_process.as_ref().filter(|_| plan.device.as_ref().is_some_and(below)) {
        return from_its_own_process(planned, process, cache.as_ref(), wants.need);
    }
    let obtained = sessions.obtain(wants.need);
    let unkept = unkept.take();
    if let (Ok(_), true, Some(why)) = (&obtained, wants.must_keep, unkept.first())
        && !cache.is_some_and(|cache| is_any_kept(&cache, planned, wants.need))
    {
        return Err(Failure::new(Kind::Disk, why).of_profile(&plan.profile));
    }
    unkept.iter().for_each(|why| messages::warning(why));
    obtained.map_err(|failure| context.shortened_failure(failure))
}

fn locking(context: &Context, wants: &Wants) -> Locking {
    match context.owner_root_visits() {
        Some(_) => Locking::Never,
        None if wants.uncached => Locking::IfPossible,
        None => Locking::Required,
    }
}

/// Whether the next command finds any of the sessions that were wanted.
fn is_any_kept(cache: &Cache, planned: &Planned, need: Need) -> bool {
    let need = Need { not_before: need.not_before, ..Need::ALIVE };
    planned.steps().iter().any(|step| cache.look_up(&step.identity, need, clock::now()).is_some())
}

/// Inside an `mfa_process` of ours, the lock of the device may be held by whoever waits for that very process.
fn from_its_own_process(planned: &Planned, process: &MfaProcess, cache: Option<&Cache>, need: Need) -> Result<Session> {
    let looked = cache.map(|cache| look(cache, &planned.steps(), need, clock::now()));
    if let Some(Lookup::Serve(session) | Lookup::Renew(session)) = looked {
        return Ok(session);
    }
    let cause = "mfa_process runs twolock itself, which would ask mfa_process again";
    Err(Failure::new(Kind::Config, cause).of_profile(&process.profile).at(&process.place))
}

/// The cache under its sealing key; none where there can be none and the verb goes on without.
fn open_cache(
    context: &Context,
    planned: &Planned,
    wants: &Wants,
    stores: &crate::store::choose::Stores,
) -> Result<Option<Cache>> {
    let of_profile = |failure: Failure| failure.of_profile(&planned.plan.profile);
    match context.owner_root_visits() {
        Some(owner) if wants.uncached => {
            let why = "so the session is not saved, and the next command asks again";
            messages::warning(&as_root_elsewhere(&owner, why));
            return Ok(None);
        }
        Some(owner) => return Err(of_profile(root_elsewhere(&owner))),
        None => {}
    }
    let deadline = Deadline::after(std::time::Instant::now(), Duration::from_secs(10));
    match sealing_key::find_or_make(stores, &context.folders.cache, deadline) {
        Ok(key) => {
            log::detail(format_args!(
                "sessions are sealed under key {} in {}",
                key.id(),
                context.folders.cache.display()
            ));
            Ok(Some(Cache::new(context.folders.cache.clone(), key)))
        }
        Err(none) if wants.uncached => {
            let ways: String = none.failure().shown_hints().iter().map(|hint| format!(" ({hint})")).collect();
            let why = context.shortened(&none.to_string());
            messages::warning(&format!("{why}; the session is not saved, and the next command asks again{ways}"));
            Ok(None)
        }
        Err(none) => Err(of_profile(context.shortened_failure(none.failure()))),
    }
}

/// Given beforehand, then the profile's command, then the terminal.
fn codes<'a>(context: &'a Context, plan: &'a Plan, wants: &Wants) -> CodeSources<'a> {
    let given = if wants.code_stdin { Some(GivenCode::from_stdin()) } else { GivenCode::from_variable(&context.env) };
    let command = plan.mfa_process.as_ref().map(|process| Consented { context, process });
    CodeSources::new().then_if(given).then_if(command).then(TerminalSource::new(&context.env))
}

/// `mfa_process`, started only if the file that names it may start programs (threat-model P16). Looked at when a code is
/// needed and not before: a living session needs none of it.
struct Consented<'a> {
    context: &'a Context,
    process: &'a MfaProcess,
}

impl Consented<'_> {
    fn command(&self) -> Result<CommandSource> {
        self.check()?;
        let MfaProcess { profile, line, place } = self.process;
        CommandSource::parse(line, profile, place, &self.context.env)
    }

    fn check(&self) -> Result<()> {
        let problem = |failure: Failure| failure.of_profile(&self.process.profile).at(&self.process.place);
        let files = &self.context.files;
        let in_config = self.process.place.file == files.config.shown();
        let (choice, bytes) = if in_config {
            (&files.config_choice, files.config.bytes())
        } else {
            (&files.credentials_choice, files.credentials.bytes())
        };
        consent::may_start_programs(choice, bytes, &self.context.env, &self.context.settings.trust).map_err(problem)
    }
}

impl CodeSource for Consented<'_> {
    fn ask(&self, question: &Question, until: Deadline) -> std::result::Result<MfaCode, AskError> {
        self.command().map_err(AskError::Failed)?.ask(question, until)
    }

    /// The next step brings another code.
    fn can_ask_again(&self) -> bool {
        true
    }
}

/// Reads the system's certificates while the person types: that costs nothing visible then.
struct WarmUp<'a> {
    codes: CodeSources<'a>,
    sts: &'a StsClient,
    warmed: Cell<bool>,
}

impl CodeSource for WarmUp<'_> {
    fn ask(&self, question: &Question, until: Deadline) -> std::result::Result<MfaCode, AskError> {
        if !self.warmed.replace(true) {
            self.sts.warm_up();
        }
        self.codes.ask(question, until)
    }

    fn can_ask_again(&self) -> bool {
        self.codes.can_ask_again()
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
    fn a_program_is_judged_by_the_file_that_names_it() {
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
            Directories { home: home.path().into(), config, cache, account_home: Some(data.clone()), data, state },
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
