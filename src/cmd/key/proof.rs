//! Asks AWS whose an access key is.

use crate::aws::endpoint::Endpoint;
use crate::aws::sts::operations::CallerIdentity;
use crate::aws::{Bounds, Signer, Sts};
use crate::credentials::{AccessKey, AccessKeyId};
use crate::error::{Failure, Kind, Result};
use crate::names::ProfileName;

use crate::cmd::context::{Context, Planned};

/// What AWS says of a key that it does not refuse.
pub enum Proof {
    By(CallerIdentity),
    /// AWS could not be asked.
    Unreachable(Failure),
}

/// Asks whose the key is. One of the root user is refused, unless it may be.
pub fn prove(context: &Context, planned: &Planned, key: &AccessKey, may_be_root: bool) -> Result<Proof> {
    let profile = &planned.plan.profile;
    let who = match identity(context, &planned.endpoint, profile, key) {
        Ok(who) => who,
        Err(failure) if failure.kind == Kind::Network => return Ok(Proof::Unreachable(failure)),
        Err(failure) => return Err(failure),
    };
    if !may_be_root && is_root(&who) {
        return Err(of_root(profile, &key.id, &who).hint("to store it anyway: key add or key import, with --root"));
    }
    match planned.plan.device.as_ref().and_then(|device| device.account()) {
        Some(account) if *account != who.account => {
            let cause = format!(
                "access key {} belongs to account {}, but its mfa_serial to account {account}",
                key.id, who.account
            );
            Err(Failure::new(Kind::Config, cause).of_profile(profile))
        }
        _ => Ok(Proof::By(who)),
    }
}

/// A key of the root user can do everything, and no policy limits it.
fn of_root(profile: &ProfileName, id: &AccessKeyId, who: &CallerIdentity) -> Failure {
    let cause = format!(
        "access key {id} belongs to the root user of account {}: use a key of an IAM user instead, and delete this one",
        who.account
    );
    Failure::new(Kind::Config, cause).of_profile(profile)
}

pub fn identity(
    context: &Context,
    endpoint: &Endpoint,
    profile: &ProfileName,
    key: &AccessKey,
) -> Result<CallerIdentity> {
    let sts = context.sts(endpoint)?;
    sts.get_caller_identity(Signer::Key(key), Bounds::CALL).map_err(|e| e.of_profile(profile))
}

/// `user ana of account 123456789012`
pub fn named(who: &CallerIdentity) -> String {
    let user = who.arn.rsplit_once('/').map_or("root".into(), |(_, name)| format!("user {name}"));
    format!("{user} of account {}", who.account)
}

/// The failure of a key that is stored, and that AWS could not be asked about.
pub fn not_verified(id: &AccessKeyId, store: &str, why: Failure) -> Failure {
    let cause = format!("access key {id} is stored in {store} but not verified: {}; run this again", why.cause);
    Failure { kind: Kind::HalfDone, cause, ..why }
}

pub fn is_root(who: &CallerIdentity) -> bool {
    who.arn.ends_with(":root")
}
