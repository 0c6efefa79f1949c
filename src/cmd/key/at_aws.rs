//! What IAM knows about the access keys here. Never prompts or opens a dialog, and takes a few seconds at most.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::aws::iam::{Iam, IamClient, KeyInfo, LastUsed};
use crate::aws::sts::StsClient;
use crate::aws::{AwsError, AwsErrorKind, Bounds, Sts};
use crate::cmd::context::{Context, Planned};
use crate::cmd::sessions::{cache_if_open, living_in};
use crate::credentials::{AccessKeyId, Credentials};
use crate::error::Result;
use crate::hint::{CommandLine, Verb};
use crate::names::{ProfileName, UserName};
use crate::profile::base::{KeyPlace, LongTermKey};
use crate::profile::plan::Outline;
use crate::store::choose::Stores;
use crate::store::{StoreError, access_key};
use crate::system::clock::Deadline;
use crate::text::age::ago;
use crate::text::visible::visible;
use crate::timestamp::Timestamp;

/// So many calls are made at once.
const AT_ONCE: usize = 8;
/// The longest wait for all of them.
const PATIENCE: Duration = Duration::from_secs(8);

/// A key as IAM tells of it.
#[derive(Clone, Debug)]
pub struct AtAws {
    pub info: KeyInfo,
    /// None where it is not known; `Some(None)` where it was never used.
    pub last_used: Option<Option<LastUsed>>,
    /// The ARN of its user.
    pub user: String,
}

/// Why IAM gave no information about a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unknown {
    /// The user may not list its keys.
    Denied,
    /// AWS did not answer it, such as one that is inactive or deleted.
    Refused,
    /// It belongs to the root user, which IAM does not list.
    NoUser,
}

#[derive(Debug, Default)]
pub struct Answers {
    /// Every key of the users that were asked about, also those that are not here.
    pub keys: HashMap<AccessKeyId, AtAws>,
    pub unknown: HashMap<AccessKeyId, Unknown>,
    /// Why AWS did not tell of some keys: it was not reached, it refused, or the keyring did not give the secret.
    pub obstacles: Vec<String>,
}

/// Asks about the keys of every profile, except of these profiles; each user once.
pub fn ask(context: &Context, except: &[String]) -> Answers {
    let stores = context.stores(false);
    let (mut asking, until) = (Asking::default(), Deadline::after(Instant::now(), PATIENCE));
    let askers = askers(context, &stores, except, &mut asking);
    let whos = identities(context, &stores, askers, until, &mut asking);
    let mut users: BTreeMap<(String, String), User> = BTreeMap::new();
    for (asker, arn) in whos {
        let Some(name) = UserName::of_arn(&arn) else {
            asking.answers.unknown.insert(asker.id, Unknown::NoUser);
            continue;
        };
        let user = users.entry((asker.iam.endpoint().shown(), arn.clone()));
        user.or_insert_with(|| User { arn, name, askers: Vec::new() }).askers.push(asker);
    }
    list(users.into_values().collect(), until, &mut asking);
    asking.answers
}

/// What one key is asked with, and where.
struct Asker {
    id: AccessKeyId,
    planned: Planned,
    credentials: Credentials,
    sts: StsClient,
    iam: IamClient,
}

/// A user, and the keys of it that are here.
struct User {
    arn: String,
    name: UserName,
    askers: Vec<Asker>,
}

#[derive(Default)]
struct Asking {
    answers: Answers,
    /// A keyring that is locked, or hangs, is asked for one secret and no more.
    is_keyring_shut: bool,
    is_aws_away: bool,
    is_refusal_told: bool,
}

impl Asking {
    /// Keeps why there is no answer. Without an error there was no time, or AWS had not been reached before.
    fn in_vain(&mut self, asker: &Asker, error: Option<AwsError>) {
        let (unknown, why) = match error {
            Some(error) if error.kind == AwsErrorKind::Denied => (Some(Unknown::Denied), None),
            Some(error) if !is_of_the_way(&error) => {
                // One that is not accepted, or a wrong clock, which all of them have.
                let whoami = CommandLine::of(Verb::Whoami, &asker.planned.plan.profile);
                let why = format!("access key {} is refused; to see why: {whoami}", asker.id);
                (Some(Unknown::Refused), Some(why).filter(|_| !std::mem::replace(&mut self.is_refusal_told, true)))
            }
            error => {
                let why = error.map_or_else(|| "AWS did not answer in time".into(), |error| error.shown_cause());
                (None, Some(why).filter(|_| !std::mem::replace(&mut self.is_aws_away, true)))
            }
        };
        self.answers.obstacles.extend(why);
        self.answers.unknown.extend(unknown.map(|unknown| (asker.id.clone(), unknown)));
    }
}

/// Whether there was no answer, or none of AWS.
fn is_of_the_way(error: &AwsError) -> bool {
    matches!(error.kind, AwsErrorKind::NotSent | AwsErrorKind::Unclear | AwsErrorKind::BadAnswer)
}

/// For each key the profile that can ask best: one with an active MFA session, else one that says where its calls go.
fn askers(context: &Context, stores: &Stores, except: &[String], asking: &mut Asking) -> Vec<Asker> {
    let mut candidates: BTreeMap<AccessKeyId, Vec<(u8, ProfileName)>> = BTreeMap::new();
    for name in context.files.profile_names().into_iter().filter(|name| !except.contains(name)) {
        let (Ok(profile), Some(outline)) = (ProfileName::parse(&name), context.outline(&name)) else { continue };
        let Some(key) = outline.base.key() else { continue };
        candidates.entry(key.id.clone()).or_default().push((rank(&outline, &profile), profile));
    }
    let cache = cache_if_open(context, stores);
    let asker = |(id, mut profiles): (AccessKeyId, Vec<(u8, ProfileName)>)| {
        profiles.sort_by_key(|(rank, _)| *rank);
        let (planned, sts, iam) = profiles.iter().find_map(|(_, name)| clients(context, name).ok())?;
        let session = cache.as_ref().and_then(|cache| living_in(cache, &planned)).map(Credentials::Session);
        let credentials = session.or_else(|| key(context, stores, &planned, asking))?;
        Some(Asker { id, planned, credentials, sts, iam })
    };
    candidates.into_iter().filter_map(asker).collect()
}

fn rank(outline: &Outline, name: &ProfileName) -> u8 {
    match (outline.device.is_some(), outline.role.is_some()) {
        (true, false) => 0,
        (true, true) => 1,
        (false, false) if outline.base.profile() != name => 2,
        (false, false) => 3,
        (false, true) => 4,
    }
}

fn clients(context: &Context, name: &ProfileName) -> Result<(Planned, StsClient, IamClient)> {
    let planned = context.plan_of_many(name)?;
    let sts = context.sts(&planned.endpoint)?;
    let iam = context.iam(&planned)?;
    Ok((planned, sts, iam))
}

fn key(context: &Context, stores: &Stores, planned: &Planned, asking: &mut Asking) -> Option<Credentials> {
    let key @ LongTermKey { id, place, .. } = planned.plan.base.key()?;
    if let KeyPlace::File(_) = place {
        return context.access_key(key, None).map(Credentials::Key).ok();
    }
    let store = stores.of_access_keys().filter(|_| !asking.is_keyring_shut)?;
    match access_key::read(store, id) {
        Ok(key) => return Some(Credentials::Key(key)),
        // What `doctor` tells of.
        Err(StoreError::Absent | StoreError::Damaged(_)) => {}
        Err(e) => {
            asking.is_keyring_shut = true;
            asking.answers.obstacles.push(format!("{} {e}", store.name()));
        }
    }
    None
}

/// Whose each key is. Where AWS no longer knows a session, the key itself is asked with.
fn identities(
    context: &Context,
    stores: &Stores,
    askers: Vec<Asker>,
    until: Deadline,
    asking: &mut Asking,
) -> Vec<(Asker, String)> {
    let (mut known, mut left) = (Vec::new(), askers);
    while !left.is_empty() {
        let whos = ask_each(
            &left,
            until,
            |asker| asker.planned.endpoint.shown(),
            |asker, bounds| asker.sts.get_caller_identity((&asker.credentials).into(), bounds),
        );
        let mut again = Vec::new();
        for (mut asker, who) in left.into_iter().zip(whos) {
            match who {
                Some(Ok(who)) => known.push((asker, who.arn)),
                Some(Err(e)) if e.kind == AwsErrorKind::StaleSession && asker.is_session() => {
                    if let Some(key) = key(context, stores, &asker.planned, asking) {
                        asker.credentials = key;
                        again.push(asker);
                    }
                }
                ended => asking.in_vain(&asker, ended.and_then(std::result::Result::err)),
            }
        }
        left = again;
    }
    known
}

/// Lists the keys of each user, with their last uses.
fn list(mut users: Vec<User>, until: Deadline, asking: &mut Asking) {
    users.iter_mut().for_each(|user| user.askers.sort_by_key(|asker| !asker.is_session()));
    let lists = ask_each(
        &users,
        until,
        |user| user.askers[0].iam.endpoint().shown(),
        |user, bounds| {
            let Asker { iam, credentials, .. } = &user.askers[0];
            let keys = iam.list_access_keys(credentials.into(), &user.name, bounds)?;
            let with_use = |info: KeyInfo| {
                let used = within(until).map(|bounds| iam.access_key_last_used(credentials.into(), &info.id, bounds));
                AtAws { info, last_used: used.and_then(std::result::Result::ok), user: user.arn.clone() }
            };
            Ok(keys.into_iter().map(with_use).collect::<Vec<_>>())
        },
    );
    for (user, list) in users.iter().zip(lists) {
        match list {
            Some(Ok(keys)) => asking.answers.keys.extend(keys.into_iter().map(|key| (key.info.id.clone(), key))),
            ended => {
                let error = ended.and_then(std::result::Result::err);
                user.askers.iter().for_each(|asker| asking.in_vain(asker, error.clone()));
            }
        }
    }
}

/// Makes a call of each task, several at once: first one at each endpoint, then the others where that one got through.
/// None of a task that was not tried any more.
fn ask_each<T: Sync, A: Send>(
    tasks: &[T],
    until: Deadline,
    endpoint: impl Fn(&T) -> String,
    call: impl Fn(&T, Bounds) -> std::result::Result<A, AwsError> + Sync,
) -> Vec<Option<std::result::Result<A, AwsError>>> {
    let mut endpoints: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    tasks.iter().enumerate().for_each(|(at, task)| endpoints.entry(endpoint(task)).or_default().push(at));
    let mut answers: Vec<_> = tasks.iter().map(|_| None).collect();
    let ask = |those: Vec<usize>, answers: &mut Vec<_>| {
        for (at, answer) in at_once(&those, |at| within(until).map(|bounds| call(&tasks[at], bounds))) {
            answers[at] = answer;
        }
    };
    ask(endpoints.values().map(|those| those[0]).collect(), &mut answers);
    let got_through =
        |at: usize| matches!(&answers[at], Some(answer) if answer.as_ref().err().is_none_or(|e| !is_of_the_way(e)));
    let others =
        endpoints.values().filter(|those| got_through(those[0])).flat_map(|those| those[1..].to_vec()).collect();
    ask(others, &mut answers);
    answers
}

/// The bounds of a look-up that has to end by then; none if it is too late.
fn within(until: Deadline) -> Option<Bounds> {
    let total = until.left().min(Bounds::LOOK.total);
    (!total.is_zero()).then_some(Bounds { total, ..Bounds::LOOK })
}

/// Runs a function of each index, on some threads.
fn at_once<R: Send>(indexes: &[usize], act: impl Fn(usize) -> R + Sync) -> Vec<(usize, R)> {
    let (next, done) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    let work = || {
        while let Some(&at) = indexes.get(next.fetch_add(1, Ordering::Relaxed)) {
            let result = act(at);
            done.lock().unwrap_or_else(PoisonError::into_inner).push((at, result));
        }
    };
    std::thread::scope(|scope| {
        for _ in 1..AT_ONCE.min(indexes.len()) {
            // Without another thread, this one does all of it.
            let _ = std::thread::Builder::new().spawn_scoped(scope, work);
        }
        work();
    });
    done.into_inner().unwrap_or_else(PoisonError::into_inner)
}

impl Asker {
    fn is_session(&self) -> bool {
        matches!(self.credentials, Credentials::Session(_))
    }
}

/// When a key was last used, and by which service: `3 h ago by s3`.
pub fn used_when(used: &LastUsed, now: Timestamp) -> String {
    let service = used.service.as_ref().map(|service| format!(" by {}", visible(service))).unwrap_or_default();
    ago(now.since(used.when)) + &service
}
