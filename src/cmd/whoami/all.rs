//! `whoami --all`: tests every profile that needs no code now. Nobody is asked anything.

use std::collections::{HashMap, HashSet};
use std::io::{self, IsTerminal};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::answer::{alias, in_json};
use crate::arn::AccountId;
use crate::aws::sts::operations::CallerIdentity;
use crate::aws::{AwsErrorKind, Bounds, Signer, Sts};
use crate::cmd::active_sessions::open_active;
use crate::cmd::context::{Context, Planned};
use crate::cmd::sessions::{SessionRequest, obtain_warning, refuse_protected};
use crate::credentials::Session;
use crate::error::{Failure, Kind, Result};
use crate::hint::{CommandLine, Hint, Verb};
use crate::names::ProfileName;
use crate::output::table::table;
use crate::output::{json_to_stdout, messages, to_stdout};
use crate::profile::adoption::kept_key::keeps_the_key_of;
use crate::profile::base::Base;
use crate::system::clock::Deadline;
use crate::system::env::Env;
use crate::system::{clock, log, terminal};
use crate::text::list::counted;
use crate::text::visible::visible;

/// How many profiles are tested at the same time.
const THREADS: usize = 8;

/// How long all of the tests may take, and then all of the aliases.
const PATIENCE: Duration = Duration::from_secs(20);
const ALIAS_PATIENCE: Duration = Duration::from_secs(5);
/// A program is ended before the tests are, so that none is left behind.
const SPARE: Duration = Duration::from_secs(1);
/// When a person is told what takes so long.
const TELL_AFTER: Duration = Duration::from_secs(2);

/// A call that takes so long without an answer was not answered at all.
const SILENCE: Duration = Bounds::CALL.connect;
/// So many in a row, and an endpoint counts as unreachable that has answered before.
const MOST_SILENCES: u32 = 2;

/// How many profiles of an account are asked for its alias, if they may not see it.
const ALIAS_TRIES: usize = 3;

/// A profile, and the result of its test.
struct Row {
    name: String,
    planned: Option<Arc<Planned>>,
    outcome: Outcome,
}

enum Outcome {
    Accepted(Arc<Accepted>),
    NeedsCode,
    /// Its source needs a person who signs in: why.
    NeedsSignIn(String),
    /// AWS, the network or the keyring said no.
    Failed(Failure),
    /// Nothing was asked: why there is nothing to test.
    NotTested(String),
}

struct Accepted {
    who: CallerIdentity,
    session: Session,
}

pub fn run(context: &Context, as_json: bool) -> Result<u8> {
    let rows = tested(context, context.files.profile_names().into_iter().map(|name| planned(context, name)).collect());
    let aliases = aliases(context, &rows);
    if as_json {
        json_to_stdout(json!({"profiles": rows.iter().map(|row| row.in_json(&aliases)).collect::<Vec<_>>()}))?;
    } else {
        to_stdout(as_text(context, &rows, &aliases).as_bytes())?;
    }
    Ok(rows.iter().find_map(Row::failed).map_or(0, |failure| failure.kind.exit_code()))
}

/// A profile before its test.
fn planned(context: &Context, name: String) -> Row {
    match plan(context, &name) {
        Ok(planned) => Row { name, planned: Some(Arc::new(planned)), outcome: Outcome::NeedsCode },
        Err(failure) => Row { name, planned: None, outcome: Outcome::NotTested(failure.shown_cause()) },
    }
}

fn plan(context: &Context, name: &str) -> Result<Planned> {
    let untested = |why: String| Failure::new(Kind::Config, why);
    let name = ProfileName::parse(name).map_err(untested)?;
    if let Some(adopted) = keeps_the_key_of(&context.files, &name) {
        return Err(untested(format!("keeps the access key of '{adopted}'")));
    }
    let planned = context.plan_of_many(&name)?;
    refuse_protected(&planned.plan).map(|()| planned)
}

/// Whether an endpoint can be reached: one that cannot is not tried for each profile.
#[derive(Default)]
enum Reached {
    #[default]
    Unknown,
    /// It has answered; since then so many calls in a row had no answer.
    Yes {
        silences: u32,
    },
    No(Failure),
}

impl Reached {
    /// What is known after another call, which took that long.
    fn after(self, outcome: &Outcome, took: Duration) -> Self {
        match (outcome, self) {
            (Outcome::Failed(failure), known) if failure.kind == Kind::Network && is_silence(failure, took) => {
                match known {
                    Self::Yes { silences } if silences + 1 < MOST_SILENCES => Self::Yes { silences: silences + 1 },
                    Self::No(first) => Self::No(first),
                    _ => Self::No(failure.clone()),
                }
            }
            // An answer it is, be it an error or a proxy's.
            (Outcome::Accepted(_), _) => Self::Yes { silences: 0 },
            (Outcome::Failed(failure), _) if matches!(failure.kind, Kind::Network | Kind::Refused) => {
                Self::Yes { silences: 0 }
            }
            (_, known) => known,
        }
    }
}

fn is_silence(failure: &Failure, took: Duration) -> bool {
    failure.is_unsent || took >= SILENCE
}

struct Test {
    endpoints: HashMap<String, Mutex<Reached>>,
    /// Whether a program gave credentials, by its line; none before it is started. One that fails is not started again.
    programs: HashMap<String, Mutex<Option<Result<()>>>>,
    until: Deadline,
    /// Why sessions that may be active cannot be opened.
    unopened: Option<String>,
}

fn tested(context: &Context, mut rows: Vec<Row>) -> Vec<Row> {
    let endpoints = rows.iter().filter_map(|row| Some((row.planned.as_ref()?.endpoint.to_string(), Mutex::default())));
    let line = |row: &Row| Some((line_of(row.planned.as_ref()?)?.to_owned(), Mutex::default()));
    let programs = rows.iter().filter_map(line).collect();
    let until = Deadline::after(Instant::now(), PATIENCE - SPARE);
    let unopened = open_active(context, clock::now(), |_| true).unopened.map(|unopened| unopened.why);
    let test = Test { endpoints: endpoints.collect(), programs, until, unopened };
    let (places, tasks): (Vec<usize>, Vec<Arc<Planned>>) =
        rows.iter().enumerate().filter_map(|(at, row)| Some((at, row.planned.clone()?))).unzip();
    let what = format!("asking AWS about {}", counted(tasks.len(), "profile"));
    let run = move |context: &Result<Context>, planned: &Arc<Planned>| match context {
        Ok(context) => test.run(context, planned),
        Err(failure) => Outcome::Failed(failure.clone()),
    };
    for (at, ended) in places.into_iter().zip(in_parallel(&context.env, tasks, PATIENCE, Some(&what), run)) {
        rows[at].outcome = match ended {
            Ended::Done(outcome) => outcome,
            Ended::Begun => no_time(""),
            Ended::NotBegun => no_time("not tried: "),
        };
    }
    rows
}

fn no_time(begin: &str) -> Outcome {
    let cause = format!("{begin}AWS did not answer within {} s", PATIENCE.as_secs());
    Outcome::Failed(Failure::new(Kind::Network, cause))
}

impl Test {
    fn run(&self, context: &Context, planned: &Planned) -> Outcome {
        let reached = || self.endpoints[&planned.endpoint.to_string()].lock().unwrap_or_else(PoisonError::into_inner);
        let mut known = reached();
        match &*known {
            // A slow source says nothing of the endpoint, and nobody waits for it.
            Reached::Unknown if planned.plan.base.is_fetched() => {
                drop(known);
                self.ask(context, planned)
            }
            Reached::Yes { .. } => {
                drop(known);
                let (outcome, took) = self.timed(context, planned);
                let mut known = reached();
                *known = std::mem::take(&mut *known).after(&outcome, took);
                outcome
            }
            Reached::No(failure) => {
                let cause = format!("not tried: {}", failure.cause);
                Outcome::Failed(Failure::new(Kind::Network, cause))
            }
            // The others wait for the first.
            Reached::Unknown => {
                let (outcome, took) = self.timed(context, planned);
                *known = Reached::Unknown.after(&outcome, took);
                outcome
            }
        }
    }

    fn timed(&self, context: &Context, planned: &Planned) -> (Outcome, Duration) {
        let start = Instant::now();
        let outcome = self.ask(context, planned);
        (outcome, start.elapsed())
    }

    fn ask(&self, context: &Context, planned: &Planned) -> Outcome {
        match self.accepted(context, planned) {
            Ok(accepted) => Outcome::Accepted(Arc::new(accepted)),
            Err(failure) if failure.kind != Kind::NeedsPerson => Outcome::Failed(failure),
            Err(failure) if planned.plan.codes() == 0 => Outcome::NeedsSignIn(failure.shown_cause()),
            Err(_) => match &self.unopened {
                None => Outcome::NeedsCode,
                Some(why) => Outcome::Failed(
                    Failure::new(Kind::Keyring, format!("its session cannot be opened: {why}"))
                        .hint(CommandLine::of(Verb::Login, &planned.plan.profile)),
                ),
            },
        }
    }

    /// The others that rest on the same program wait for the first, and do without if it fails.
    fn session(&self, context: &Context, planned: &Planned) -> Result<Session> {
        let Some(first) = line_of(planned).and_then(|line| self.programs.get(line)) else {
            return self.obtained(context, planned);
        };
        let mut first = first.lock().unwrap_or_else(PoisonError::into_inner);
        match &*first {
            None => {
                let obtained = self.obtained(context, planned);
                // AWS's refusals have no place in a file.
                let of_program = obtained.as_ref().err().filter(|failure| failure.place.is_some());
                *first = Some(of_program.cloned().map_or(Ok(()), Err));
                obtained
            }
            Some(Err(failure)) => {
                let cause = format!("not tried: {}", failure.cause);
                Err(Failure { cause, ..failure.clone() })
            }
            Some(Ok(())) => {
                drop(first);
                self.obtained(context, planned)
            }
        }
    }

    fn obtained(&self, context: &Context, planned: &Planned) -> Result<Session> {
        let request = SessionRequest::without_a_code(context, self.until.left());
        // A session that could not be saved was tested all the same.
        let warn = |text: &str| log::detail(format_args!("{}: {text}", planned.plan.profile));
        obtain_warning(context, planned, &request, &warn)
    }

    fn accepted(&self, context: &Context, planned: &Planned) -> Result<Accepted> {
        let session = self.session(context, planned)?;
        let sts = context.sts(&planned.endpoint)?;
        let who = sts.get_caller_identity(Signer::Session(&session), Bounds::CALL);
        Ok(Accepted { who: who.map_err(|e| e.of_profile(&planned.plan.profile))?, session })
    }
}

/// The line of the program that a plan rests on.
fn line_of(planned: &Planned) -> Option<&str> {
    if let Base::Process(process) = &planned.plan.base { Some(&process.line) } else { None }
}

/// How far a task came in time.
enum Ended<R> {
    Done(R),
    Begun,
    NotBegun,
}

/// Acts on each until the time is over, and returns the results in the same order. Each thread reads the files for itself;
/// one that is late is abandoned. Where a person waits, `what` is shown after a moment.
fn in_parallel<T: Send + Sync + 'static, R: Send + 'static>(
    env: &Env,
    tasks: Vec<T>,
    patience: Duration,
    what: Option<&str>,
    act: impl Fn(&Result<Context>, &T) -> R + Send + Sync + 'static,
) -> Vec<Ended<R>> {
    let (start, count) = (Instant::now(), tasks.len());
    let shared = Arc::new((tasks, act, AtomicUsize::new(0)));
    let (done, results) = mpsc::channel();
    for _ in 0..THREADS.min(count) {
        let (shared, done, env) = (Arc::clone(&shared), done.clone(), env.clone());
        let work = move || {
            let (tasks, act, next) = &*shared;
            let context = Context::load_anywhere(&env);
            let one = || {
                let at = next.fetch_add(1, Ordering::Relaxed);
                done.send((at, act(&context, tasks.get(at)?))).ok()
            };
            while one().is_some() {}
        };
        // Without another thread, the others do its part.
        drop(std::thread::Builder::new().spawn(work));
    }
    drop(done);
    let mut ended: Vec<Ended<R>> = (0..count).map(|_| Ended::NotBegun).collect();
    let mut what = what.filter(|_| io::stderr().is_terminal());
    loop {
        let until = Deadline::after(start, if what.is_some() { TELL_AFTER } else { patience });
        match (results.recv_timeout(until.left()), what) {
            (Ok((at, result)), _) => ended[at] = Ended::Done(result),
            (Err(RecvTimeoutError::Timeout), Some(text)) => {
                messages::note(&format!("{text} …"));
                what = None;
            }
            (Err(_), _) => break,
        }
    }
    let begun = shared.2.load(Ordering::Relaxed).min(count);
    let late = ended[..begun].iter_mut().filter(|one| matches!(one, Ended::NotBegun));
    late.for_each(|one| *one = Ended::Begun);
    ended
}

/// The aliases of the accounts, each asked of the first profiles that belong to it.
fn aliases(context: &Context, rows: &[Row]) -> HashMap<AccountId, String> {
    type Profiles = Vec<(Arc<Planned>, Arc<Accepted>)>;
    let mut accounts: HashMap<AccountId, Profiles> = HashMap::new();
    for row in rows {
        if let (Some(planned), Outcome::Accepted(accepted)) = (&row.planned, &row.outcome) {
            let of_account = accounts.entry(accepted.who.account.clone()).or_default();
            of_account.push((Arc::clone(planned), Arc::clone(accepted)));
        }
    }
    let ask = |context: &Result<Context>, (account, profiles): &(AccountId, Profiles)| {
        let context = context.as_ref().ok()?;
        let mut answers =
            profiles.iter().take(ALIAS_TRIES).map(|(planned, accepted)| alias(context, planned, &accepted.session));
        let answer = answers.find(|answer| *answer != Err(AwsErrorKind::Denied))?;
        Some((account.clone(), answer.ok().flatten()?))
    };
    let ended = in_parallel(&context.env, accounts.into_iter().collect(), ALIAS_PATIENCE, None, ask);
    let done = |ended| if let Ended::Done(found) = ended { found } else { None };
    ended.into_iter().filter_map(done).collect()
}

fn as_text(context: &Context, rows: &[Row], aliases: &HashMap<AccountId, String>) -> String {
    if rows.is_empty() {
        return format!("no profiles in {}; run: {}\n", context.files.shown(), CommandLine::new(Verb::Setup));
    }
    let mut cells: Vec<Vec<String>> = rows.iter().map(|row| row.cells(aliases)).collect();
    let mut header = vec!["PROFILE", "ACCOUNT", "ALIAS", "WHO"];
    if aliases.is_empty() {
        header.remove(ALIAS);
        cells.iter_mut().for_each(|row| drop(row.remove(ALIAS)));
    }
    let spare: &[usize] = if aliases.is_empty() { &[] } else { &[ALIAS] };
    table(&header, &cells, terminal::columns(&context.env), spare) + &next(rows)
}

/// The column of the alias, which is left out if no account has one.
const ALIAS: usize = 2;

/// What to do for the profiles that need a code or a sign-in, once for each device and sign-in, or the keyring.
fn next(rows: &[Row]) -> String {
    let (mut seen, mut signed_in) = (HashSet::new(), HashSet::new());
    let next = |row: &Row| {
        let plan = &row.planned.as_ref()?.plan;
        match &row.outcome {
            Outcome::NeedsCode if seen.insert(plan.device.clone()) => {
                Some(Hint::from(CommandLine::of(Verb::Login, &plan.profile)))
            }
            Outcome::NeedsSignIn(_) if signed_in.insert(sign_in(&plan.base)) => {
                Some(Hint::from(CommandLine::of(Verb::Login, &plan.profile)))
            }
            Outcome::Failed(failure) if failure.kind == Kind::Keyring && seen.insert(None) => {
                failure.hints.first().cloned()
            }
            _ => None,
        }
    };
    rows.iter().filter_map(next).filter_map(|hint| Some(format!("next: {}\n", hint.shown()?))).collect()
}

/// What tells one sign-in from another.
fn sign_in(base: &Base) -> String {
    match base {
        Base::Sso(sso) => format!("{} {}", sso.token_name(), sso.region),
        Base::Login(login) => login.session.clone(),
        other => other.profile().to_string(),
    }
}

impl Row {
    fn failed(&self) -> Option<&Failure> {
        match &self.outcome {
            Outcome::Failed(failure) => Some(failure),
            _ => None,
        }
    }

    fn cells(&self, aliases: &HashMap<AccountId, String>) -> Vec<String> {
        let account = |accepted: &Accepted| accepted.who.account.to_string();
        let alias = |accepted: &Accepted| Some(visible(aliases.get(&accepted.who.account)?));
        let (account, alias, who) = match &self.outcome {
            Outcome::Accepted(accepted) => (Some(account(accepted)), alias(accepted), visible(&accepted.who.arn)),
            Outcome::NeedsCode => (None, None, "needs a code".into()),
            Outcome::NeedsSignIn(why) => (None, None, format!("needs a sign-in: {why}")),
            Outcome::Failed(failure) => (None, None, failure.shown_cause()),
            Outcome::NotTested(why) => (None, None, format!("not tested: {why}")),
        };
        let or_none = |cell: Option<String>| cell.unwrap_or_else(|| "-".into());
        vec![visible(&self.name), or_none(account), or_none(alias), who]
    }

    fn in_json(&self, aliases: &HashMap<AccountId, String>) -> Value {
        let mut fields = match &self.outcome {
            Outcome::Accepted(accepted) => {
                in_json(&accepted.who, aliases.get(&accepted.who.account).map(String::as_str), None)
            }
            Outcome::NeedsCode => json!({}),
            Outcome::NeedsSignIn(why) => json!({"problem": why}),
            Outcome::Failed(failure) => {
                json!({"problem": failure.shown_cause(), "exit_code": failure.kind.exit_code()})
            }
            Outcome::NotTested(why) => json!({"problem": why}),
        };
        fields["profile"] = json!(self.name);
        fields["result"] = json!(match &self.outcome {
            Outcome::Accepted(_) => "accepted",
            Outcome::NeedsCode => "needs a code",
            Outcome::NeedsSignIn(_) => "needs a sign-in",
            Outcome::Failed(_) => "failed",
            Outcome::NotTested(_) => "not tested",
        });
        fields
    }
}
