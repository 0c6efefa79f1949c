//! What the sign-ins of the AWS CLI have in common: their tokens are renewed by one of us at a time, and where that does
//! not help, a person signs in again.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::aws::{AwsError, AwsErrorKind, Bounds};
use crate::cmd::context::{Context, root_elsewhere};
use crate::error::{Failure, Kind, Place, Result};
use crate::hex::sha256;
use crate::hint::{CommandLine, Verb};
use crate::names::ProfileName;
use crate::output::messages;
use crate::sources::{Next, Problem, Saved};
use crate::system::clock::Deadline;
use crate::system::directories::shorten;
use crate::system::lock::{FileLock, LockError, holder};
use crate::system::obstacle::Obstacle;
use crate::text::visible::visible;

/// A sign-in, as messages name it.
pub struct SignIn<'a> {
    /// `SSO 'corp'`
    pub name: String,
    /// The profile that names it.
    pub profile: &'a ProfileName,
    pub place: &'a Place,
    /// The command that signs in.
    pub command: CommandLine,
    /// The profile that was asked for.
    pub asked: &'a ProfileName,
}

impl SignIn<'_> {
    /// A person has to sign in. `state` follows the sign-in's name: "has expired".
    pub fn needed(&self, state: &str) -> Failure {
        self.failure(format!("the sign-in to {} {state}", self.name))
    }

    /// Why its token file gives nothing.
    pub fn no_token(&self, context: &Context, file: &Path, problem: Problem) -> Failure {
        let shown = visible(&shorten(file, &context.dirs.home));
        match problem {
            Problem::Missing => self.failure(format!("not signed in to {}", self.name)),
            Problem::Unreadable(why) => {
                let cause = format!("the saved sign-in to {} cannot be read: {shown}: {why}", self.name);
                Failure::new(Kind::Config, cause).of_profile(self.profile).at(self.place)
            }
            Problem::Damaged(what) => {
                self.failure(format!("the saved sign-in to {} is damaged: {shown}: {what}", self.name))
            }
        }
    }

    /// What AWS's refusal means: a person signs in again, or something else is wrong.
    pub fn refused(&self, e: AwsError) -> Failure {
        match e.kind {
            AwsErrorKind::SignedOut => self.needed(&e.cause),
            _ => e.of_profile(self.profile).at(self.place),
        }
    }

    fn failure(&self, cause: String) -> Failure {
        let cause = cause + &advice(self.asked);
        let failure = Failure::new(Kind::NeedsPerson, cause).of_profile(self.profile).at(self.place);
        failure.hint(self.command.clone().to("or without twolock"))
    }
}

/// A sign-in whose token is kept in a file, and renewed there.
pub trait Kept {
    type Token;
    /// What a token gives: the token itself for a portal, or credentials.
    type Given;

    fn context(&self) -> &Context;
    fn file(&self) -> &Path;
    fn sign_in(&self) -> SignIn<'_>;
    /// Until when somebody waits.
    fn until(&self) -> Deadline;

    /// What is in the file, which belongs to what is asked for.
    fn load(&self) -> Result<Self::Token>;
    fn next(&self, token: &Self::Token) -> Next;
    fn given(&self, token: Self::Token) -> Self::Given;
    /// Whether another program renewed one to the other.
    fn is_other(&self, one: &Self::Token, other: &Self::Token) -> bool;

    /// Renews it at AWS, and keeps that in the file.
    fn renew(&self, token: &Self::Token) -> std::result::Result<Self::Given, NotRenewed>;
}

/// Why a token was not renewed.
pub enum NotRenewed {
    Refused(AwsError),
    Failed(Failure),
}

impl From<Failure> for NotRenewed {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

/// Returns what a valid sign-in gives, and renews its token first if it is about to expire.
pub fn living<K: Kept>(kept: &K) -> Result<K::Given> {
    let token = kept.load()?;
    if kept.next(&token) == Next::Use {
        return Ok(kept.given(token));
    }
    if let Some(owner) = kept.context().other_home_owner() {
        return unrenewed(kept, token, root_elsewhere(&owner));
    }
    let lock = lock_file(kept.context(), kept.file());
    let held = match FileLock::acquire(&lock, kept.until()) {
        Ok(held) => Some(held),
        // Without one each of us renews it; then the file says whose renewal counts.
        Err(LockError::Unavailable(_)) => None,
        Err(LockError::Held) => return unrenewed(kept, kept.load()?, busy(&kept.sign_in(), &lock)),
    };
    let token = kept.load()?;
    let given = match kept.next(&token) {
        Next::Use => Ok(kept.given(token)),
        Next::SignIn => Err(kept.sign_in().needed("has expired")),
        Next::Renew => renewed(kept, &token),
        Next::RenewOrUse => renewed(kept, &token).or_else(|why| match kept.load() {
            Ok(now) if !kept.is_other(&token, &now) => Ok(kept.given(token)),
            // Somebody has signed out, or in again, in the meantime.
            _ => Err(why),
        }),
    };
    drop(held);
    given
}

/// Returns what a token gives that we may not renew, or fails with `why`.
fn unrenewed<K: Kept>(kept: &K, token: K::Token, why: Failure) -> Result<K::Given> {
    match kept.next(&token) {
        Next::Use | Next::RenewOrUse => Ok(kept.given(token)),
        Next::SignIn => Err(kept.sign_in().needed("has expired")),
        Next::Renew => Err(why.of_profile(kept.sign_in().profile)),
    }
}

fn busy(sign_in: &SignIn<'_>, lock: &Path) -> Failure {
    let cause = format!("gave up waiting for {}, which is renewing the sign-in to {}", holder(lock), sign_in.name);
    Failure::new(Kind::Busy, cause).hint("run this again")
}

fn renewed<K: Kept>(kept: &K, token: &K::Token) -> Result<K::Given> {
    let why = match kept.renew(token) {
        Ok(given) => return Ok(given),
        Err(NotRenewed::Failed(failure)) => return Err(failure),
        Err(NotRenewed::Refused(why)) => why,
    };
    // A refresh token works once: what refused ours may have taken it from another program, which writes its new token
    // to the file about now.
    let until =
        Deadline::after(Instant::now(), if why.kind == AwsErrorKind::SignedOut { OTHERS } else { Duration::ZERO });
    loop {
        match kept.load() {
            Ok(now) if kept.is_other(token, &now) && matches!(kept.next(&now), Next::Use | Next::RenewOrUse) => {
                return Ok(kept.given(now));
            }
            Ok(_) if !until.has_passed() => std::thread::sleep(Duration::from_millis(50)),
            _ => return Err(kept.sign_in().refused(why)),
        }
    }
}

/// How long another program may take to write the token that it got.
const OTHERS: Duration = Duration::from_secs(1);

/// What is in the file after a renewal.
pub fn saved<K: Kept>(
    kept: &K,
    saved: std::result::Result<Saved<K::Token>, Obstacle>,
    fresh: K::Given,
) -> std::result::Result<K::Given, NotRenewed> {
    match saved {
        Ok(Saved::Written) => Ok(fresh),
        Ok(Saved::Changed(_)) => Ok(kept.given(kept.load()?)),
        // The old refresh token is used up all the same.
        Err(obstacle) => {
            let name = kept.sign_in().name;
            let text =
                format!("the renewed sign-in to {name} could not be saved; sign in again when it expires: {obstacle}");
            messages::warning(&kept.context().shortened(&text));
            Ok(fresh)
        }
    }
}

fn lock_file(context: &Context, file: &Path) -> PathBuf {
    context.dirs.cache.join(format!("token-{}.lock", &sha256(file.as_os_str().as_encoded_bytes())[..16]))
}

/// What follows the cause where nobody can sign in.
fn advice(asked: &ProfileName) -> String {
    format!("; run in a terminal: {}", CommandLine::of(Verb::Login, asked))
}

/// The same failure for a person who has just run that.
pub fn in_the_terminal(mut failure: Failure, asked: &ProfileName) -> Failure {
    if let Some(cause) = failure.cause.strip_suffix(&advice(asked)) {
        failure.cause = cause.into();
    }
    failure
}

/// The bounds of a call that has to end before `until`.
pub fn bounds(until: Deadline) -> Bounds {
    let Bounds { connect, total } = Bounds::CALL;
    Bounds { connect: connect.min(until.left()), total: total.min(until.left()) }
}
