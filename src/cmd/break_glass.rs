//! Break-glass: the credentials of a protected profile, for `env`, `exec` and `console` alone.
//!
//! A banner, the profile's name and a reason on the terminal, a line in the history, and AssumeRole with a fresh code
//! straight from the access key. Nothing is cached, and no code comes from anywhere but the terminal.

use std::time::Duration;

use crate::aws::Sts;
use crate::credentials::{Credentials, Session};
use crate::duration;
use crate::error::{Failure, Kind, Result};
use crate::hint::{CommandLine, Verb};
use crate::names::Reason;
use crate::ours::history::{Entry, Event, History, Outcome};
use crate::profile::base::Base;
use crate::profile::plan::Plan;
use crate::profile::steps::Step;
use crate::prompt::given::GivenCode;
use crate::role::RoleRequest;
use crate::session::cache::Need;
use crate::session::{BaseCredentials, Patience, Sessions};
use crate::store::choose::Stores;
use crate::system::clock::{self, Deadline};
use crate::system::terminal::allows_styles;
use crate::text::style::bold_red;
use crate::text::visible::visible;

use super::bases;
use super::context::{Context, Planned, as_root_elsewhere};
use super::conversation::{Conversation, PersonNeeded};
use super::sessions::{locking, terminal, warming_up};

/// What a person who cancels is told, and everybody else to whom no credentials are given.
const NOTHING: &str = "no credentials were requested";

#[derive(Default)]
pub struct BreakGlass<'a> {
    pub code_stdin: bool,
    pub min_ttl: Option<Duration>,
    /// Asked for where it is not given.
    pub reason: Option<&'a Reason>,
}

/// Asks on the terminal, writes the history, and assumes the role.
pub fn mint(context: &Context, planned: &Planned, request: &BreakGlass) -> Result<Session> {
    let plan = &planned.plan;
    let of_profile = |failure: Failure| failure.of_profile(&plan.profile);
    refuse_given_codes(context, request).map_err(of_profile)?;
    refuse_longer(plan, request.min_ttl).map_err(of_profile)?;
    let history = history(context).map_err(of_profile)?;
    history.must_be_writable().map_err(of_profile)?;
    let role = role(plan).ok_or_else(|| of_profile(Failure::new(Kind::Bug, "a protected plan without a role")))?;
    let person = Conversation::begin(PERSON).map_err(|e| of_profile(Failure { kind: Kind::NeedsPerson, ..e }))?;
    let stores = context.stores(true);
    // Before the questions, so that nobody answers them for a call that cannot be signed.
    let key = key(context, planned, &stores)?;
    let reason = asked(context, &person.before(NOTHING), plan, role, request.reason).map_err(of_profile)?;
    let begun = history.begin(entry(planned, role, reason)).map_err(of_profile)?;
    let minted = assume(context, planned, key);
    let is_written = begun.end(minted.as_ref().ok().map(|session| &session.access_key_id));
    let session = minted?;
    // Without their line, they are not handed out.
    is_written.map_err(of_profile)?;
    Ok(session)
}

/// What signs the call: a long-term key, as AWS takes a code with nothing else.
fn key(context: &Context, planned: &Planned, stores: &Stores) -> Result<Credentials> {
    let Plan { base, device, profile, .. } = &planned.plan;
    let fetched = bases::credentials(context, planned, stores)?;
    match (&fetched, device) {
        (Credentials::Session(_), Some(device)) => Err(base.takes_no_code(device).of_profile(profile)),
        _ => Ok(fetched),
    }
}

const PERSON: PersonNeeded<'_> = PersonNeeded {
    what: "the code of a protected profile must be typed on the terminal",
    otherwise: "run it in a terminal",
};

/// The history, where a run may write it.
pub fn history(context: &Context) -> Result<History> {
    if context.dirs.is_nowhere {
        let cause = format!("no home directory, so its history cannot be written; {NOTHING}");
        return Err(Failure::new(Kind::Disk, cause));
    }
    match context.other_home_owner() {
        Some(owner) => Err(Failure::new(Kind::Disk, as_root_elsewhere(&owner, "so its history is not written"))),
        None => Ok(History::of(&context.dirs.account_state())),
    }
}

/// What the history calls the request of a plan's role: a digest of the key, the device, the endpoint if it is not AWS's,
/// and all that is sent but the duration.
pub fn request(planned: &Planned) -> Option<String> {
    planned.steps().last().map(|step| step.identity.hex())
}

/// The one call of a protected plan.
pub fn role(plan: &Plan) -> Option<&RoleRequest> {
    plan.steps.iter().find_map(|step| match step {
        Step::AssumeRole { request, .. } => Some(&**request),
        Step::Fetch { .. } | Step::SessionToken { .. } => None,
    })
}

/// A code that a program has is no person's consent.
fn refuse_given_codes(context: &Context, request: &BreakGlass) -> Result<()> {
    let (given, instead) = match () {
        () if request.code_stdin => ("--code-stdin is", "leave it out"),
        () if GivenCode::from_variable(&context.env).is_some() => ("TWOLOCK_MFA_CODE is", "unset it"),
        () => return Ok(()),
    };
    let cause =
        format!("{given} not accepted for a protected profile, whose codes must be typed on the terminal: {instead}");
    Err(Failure::new(Kind::NeedsPerson, cause))
}

fn refuse_longer(plan: &Plan, min_ttl: Option<Duration>) -> Result<()> {
    let Some(wanted) = min_ttl.filter(|wanted| *wanted >= plan.duration()) else { return Ok(()) };
    let (wanted, most) = (duration::exact(wanted), duration::exact(plan.duration()));
    let cause = format!("min_ttl {wanted} is longer than new credentials last ({most})");
    Err(Failure::new(Kind::Usage, cause).hint("--duration: up to 1h"))
}

/// The banner, the profile's name and the reason.
fn asked(
    context: &Context,
    person: &Conversation<'_>,
    plan: &Plan,
    role: &RoleRequest,
    given: Option<&Reason>,
) -> Result<Reason> {
    let (name, lasts) = (visible(plan.profile.as_str()), duration::show(plan.duration()));
    let title = format!("*** BREAK GLASS: role {} in account {} ***", role.role.name(), role.role.account());
    let title = bold_red(&title, allows_styles(&context.env));
    person.write(&format!("{title}\nprofile '{name}': credentials for {lasts}, which are not renewed\n"))?;
    let is_it = |typed: &str| match typed == plan.profile.as_str() {
        true => Ok(()),
        false => Err(format!("is not '{name}'")),
    };
    person.ask("type the profile's name to continue", is_it)?;
    match given {
        Some(given) => Ok(given.clone()),
        None => person.ask("reason (Enter for none)", Reason::parse),
    }
}

fn entry(planned: &Planned, role: &RoleRequest, reason: Reason) -> Entry {
    Entry {
        time: clock::now(),
        event: Event::BreakGlass,
        result: Outcome::Begun,
        profile: planned.plan.profile.clone(),
        account: role.role.account().clone(),
        role: role.role.clone(),
        session_name: role.session_name.clone(),
        request: request(planned),
        access_key_id: None,
        reason,
    }
}

/// A key that was fetched before.
struct Fetched(Credentials);

impl BaseCredentials for Fetched {
    fn fetch(&self, _: &Base, _: Deadline) -> Result<Credentials> {
        Ok(self.0.clone())
    }
}

/// AssumeRole with a code, which other runs of twolock know as sent; without a cache.
fn assume(context: &Context, planned: &Planned, key: Credentials) -> Result<Session> {
    let plan = &planned.plan;
    let sts = context.sts(&planned.endpoint)?;
    let (steps, endpoint) = (planned.steps(), planned.endpoint.identity());
    let sessions = Sessions {
        plan,
        steps: &steps,
        sts: &sts as &dyn Sts,
        codes: &warming_up(terminal(context), &sts),
        base: &Fetched(key),
        cache: None,
        directory: &context.dirs.cache,
        locking: locking(context, true),
        endpoint: endpoint.as_deref(),
        login: CommandLine::of(Verb::Exec, &plan.profile),
        asker: None,
        caller: None,
        patience: Patience::EachQuestion(context.settings.duration_or_default("prompt_timeout")),
        clock: &clock::now,
        warn: &|_| {},
        ends_soon: None,
        // A protected profile rests on no session, inside or outside.
        hidden_by: &|| None,
    };
    sessions.obtain(Need::ALIVE).map_err(|failure| context.shortened_failure(failure))
}
