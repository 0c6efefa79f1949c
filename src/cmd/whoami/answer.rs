//! What AWS answers about the credentials of one profile.

use serde_json::{Value, json};

use crate::aws::sts::operations::CallerIdentity;
use crate::aws::{AwsErrorKind, Bounds, Iam, Signer};
use crate::cmd::context::{Context, Planned};
use crate::credentials::Session;

/// The account's alias, which many may not see. An error says whether another profile of the account may be tried.
pub fn alias(context: &Context, planned: &Planned, session: &Session) -> Result<Option<String>, AwsErrorKind> {
    let iam = context.iam(planned).map_err(|_| AwsErrorKind::NotSent)?;
    let aliases = iam.list_account_aliases(Signer::Session(session), Bounds::LOOK).map_err(|e| e.kind)?;
    Ok(aliases.into_iter().next())
}

pub fn in_json(who: &CallerIdentity, alias: Option<&str>, profile: Option<&str>) -> Value {
    let mut fields = json!({"account": who.account.as_str(), "arn": who.arn, "user_id": who.user_id});
    for (field, given) in [("alias", alias), ("profile", profile)] {
        if let Some(given) = given {
            fields[field] = json!(given);
        }
    }
    fields
}
