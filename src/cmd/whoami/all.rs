//! `whoami --all`: tests every profile that needs no code now. Nobody is asked anything.

use std::collections::{HashMap, HashSet};
use std::panic::resume_unwind;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};

use super::answer::{alias, in_json};
use crate::arn::AccountId;
use crate::aws::sts::StsClient;
use crate::aws::sts::operations::CallerIdentity;
use crate::aws::{AwsErrorKind, Bounds, Signer, Sts};
use crate::cmd::active_sessions::open_active;
use crate::cmd::context::{Context, Planned};
use crate::cmd::sessions::{NOT_FOR_PROTECTED, SessionRequest, obtain_warning};
use crate::credentials::Session;
use crate::error::{Failure, Kind, Result};
use crate::hint::{CommandLine, Hint, Verb};
use crate::names::ProfileName;
use crate::output::table::table;
use crate::output::{json_to_stdout, to_stdout};
use crate::profile::adoption::kept_key::keeps_the_key_of;
use crate::system::env::Env;
use crate::system::{clock, log, terminal};
use crate::text::visible::visible;

/// How many profiles are tested at the same time.
const THREADS: usize = 8;

/// How long one profile waits for others that make its session.
const BOUND: Duration = Duration::from_secs(30);

/// How many profiles of an account are asked for its alias, if they may not see it.
const ALIAS_TRIES: usize = 3;

/// A profile, and the result of its test.
struct Row {
    name: String,
    planned: Option<Planned>,
    outcome: Outcome,
}

enum Outcome {
    Accepted(Box<Accepted>),
    NeedsCode,
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
        Ok(planned) => Row { name, planned: Some(planned), outcome: Outcome::NeedsCode },
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
    if planned.plan.protected { Err(untested(NOT_FOR_PROTECTED.into())) } else { Ok(planned) }
}

/// Whether an endpoint can be reached: one that cannot is not tried for each profile.
#[derive(Default)]
enum Reached {
    #[default]
    Unknown,
    Yes,
    No(Failure),
}

struct Test {
    endpoints: HashMap<String, Mutex<Reached>>,
    /// Why sessions that may be active cannot be opened.
    unopened: Option<String>,
}

fn tested(context: &Context, mut rows: Vec<Row>) -> Vec<Row> {
    let endpoints = rows.iter().filter_map(|row| Some((row.planned.as_ref()?.endpoint.to_string(), Mutex::default())));
    let unopened = open_active(context, clock::now(), |_| true).unopened.map(|unopened| unopened.why);
    let test = Test { endpoints: endpoints.collect(), unopened };
    let run = |context: &Result<Context>, row: &Row| {
        let planned = row.planned.as_ref()?;
        Some(
            context
                .as_ref()
                .map_or_else(|failure| Outcome::Failed(failure.clone()), |context| test.run(context, planned)),
        )
    };
    let outcomes = in_parallel(&context.env, &rows, run);
    for (row, outcome) in rows.iter_mut().zip(outcomes) {
        row.outcome = outcome.unwrap_or_else(|| std::mem::replace(&mut row.outcome, Outcome::NeedsCode));
    }
    rows
}

impl Test {
    fn run(&self, context: &Context, planned: &Planned) -> Outcome {
        let mut reached = self.endpoints[&planned.endpoint.to_string()].lock().unwrap_or_else(PoisonError::into_inner);
        match &*reached {
            Reached::Yes => drop(reached),
            Reached::No(failure) => {
                let cause = format!("not tried: {}", failure.cause);
                return Outcome::Failed(Failure::new(Kind::Network, cause));
            }
            // The others wait for the first.
            Reached::Unknown => {
                let outcome = self.ask(context, planned);
                *reached = match &outcome {
                    Outcome::Failed(failure) if failure.kind == Kind::Network => Reached::No(failure.clone()),
                    Outcome::Failed(failure) if failure.kind == Kind::Refused => Reached::Yes,
                    Outcome::Accepted(_) => Reached::Yes,
                    _ => Reached::Unknown,
                };
                return outcome;
            }
        }
        self.ask(context, planned)
    }

    fn ask(&self, context: &Context, planned: &Planned) -> Outcome {
        match Self::accepted(context, planned) {
            Ok(accepted) => Outcome::Accepted(Box::new(accepted)),
            Err(failure) if failure.kind != Kind::NeedsPerson => Outcome::Failed(failure),
            Err(_) => match &self.unopened {
                None => Outcome::NeedsCode,
                Some(why) => Outcome::Failed(
                    Failure::new(Kind::Keyring, format!("its session cannot be opened: {why}"))
                        .hint(CommandLine::of(Verb::Login, &planned.plan.profile)),
                ),
            },
        }
    }

    fn accepted(context: &Context, planned: &Planned) -> Result<Accepted> {
        let request = SessionRequest::without_a_code(context, BOUND);
        // A session that could not be saved was tested all the same.
        let warn = |text: &str| log::detail(format_args!("{}: {text}", planned.plan.profile));
        let session = obtain_warning(context, planned, &request, &warn)?;
        let sts = StsClient::new(planned.endpoint.clone(), context.http(&planned.endpoint)?);
        let who = sts.get_caller_identity(Signer::Session(&session), Bounds::CALL);
        Ok(Accepted { who: who.map_err(|e| e.of_profile(&planned.plan.profile))?, session })
    }
}

/// Acts on each, and returns the results in the same order. Each thread reads the files for itself.
fn in_parallel<T: Sync, R: Send>(env: &Env, items: &[T], act: impl Fn(&Result<Context>, &T) -> R + Sync) -> Vec<R> {
    let next = AtomicUsize::new(0);
    let work = || {
        let context = Context::load_anywhere(env);
        let one = || {
            let at = next.fetch_add(1, Ordering::Relaxed);
            Some((at, act(&context, items.get(at)?)))
        };
        std::iter::from_fn(one).collect::<Vec<_>>()
    };
    let mut done: Vec<(usize, R)> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS.min(items.len())).map(|_| scope.spawn(work)).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap_or_else(|panic| resume_unwind(panic))).collect()
    });
    done.sort_by_key(|(at, _)| *at);
    done.into_iter().map(|(_, result)| result).collect()
}

/// The aliases of the accounts, each asked of the first profiles that belong to it.
fn aliases(context: &Context, rows: &[Row]) -> HashMap<AccountId, String> {
    let mut accounts: HashMap<&AccountId, Vec<(&Planned, &Session)>> = HashMap::new();
    for row in rows {
        if let (Some(planned), Outcome::Accepted(accepted)) = (&row.planned, &row.outcome) {
            accounts.entry(&accepted.who.account).or_default().push((planned, &accepted.session));
        }
    }
    let accounts: Vec<_> = accounts.into_iter().collect();
    let found = in_parallel(&context.env, &accounts, |context, (account, profiles)| {
        let context = context.as_ref().ok()?;
        let mut answers = profiles.iter().take(ALIAS_TRIES).map(|(planned, session)| alias(context, planned, session));
        let answer = answers.find(|answer| *answer != Err(AwsErrorKind::Denied))?;
        Some(((*account).clone(), answer.ok().flatten()?))
    });
    found.into_iter().flatten().collect()
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

/// What to do for the profiles that need a code, once for each device, or the keyring.
fn next(rows: &[Row]) -> String {
    let mut seen = HashSet::new();
    let next = |row: &Row| {
        let plan = &row.planned.as_ref()?.plan;
        match &row.outcome {
            Outcome::NeedsCode if seen.insert(plan.device.clone()) => {
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
            Outcome::Failed(failure) => {
                json!({"problem": failure.shown_cause(), "exit_code": failure.kind.exit_code()})
            }
            Outcome::NotTested(why) => json!({"problem": why}),
        };
        fields["profile"] = json!(self.name);
        fields["result"] = json!(match &self.outcome {
            Outcome::Accepted(_) => "accepted",
            Outcome::NeedsCode => "needs a code",
            Outcome::Failed(_) => "failed",
            Outcome::NotTested(_) => "not tested",
        });
        fields
    }
}
