//! What STS says of an identity provider's token, and what it means.

use crate::aws::call::Call;
use crate::aws::error::{AwsErrorKind, Meaning};
use crate::aws::failure::{Said, refused};
use crate::role::RoleRequest;

/// The codes that mean something else where a token is what was called with.
pub(super) const CODES: [&str; 5] =
    ["AccessDenied", "ExpiredToken", "InvalidIdentityToken", "IDPRejectedClaim", "IDPCommunicationError"];

/// Returns the meaning of one of [`CODES`].
pub(super) fn meaning(call: &Call<'_>, request: &RoleRequest, said: &Said<'_>) -> Option<Meaning> {
    const AGAIN: &str = "does the program that writes the token file still renew it?";
    let (words, role) = (said.words, &request.role);
    Some(match said.code {
        "AccessDenied" => (
            AwsErrorKind::Denied,
            format!("not allowed to assume {role} with the web identity token ({words})"),
            vec![
                format!(
                    "the trust policy of {} must allow sts:AssumeRoleWithWebIdentity for the token's issuer, audience and \
                     subject",
                    role.name()
                )
                .into(),
            ],
        ),
        "ExpiredToken" => refused(format!("the web identity token has expired ({words})"), AGAIN),
        "InvalidIdentityToken" => refused(
            format!("the web identity token was not accepted ({words})"),
            &format!("the token's issuer must be an IAM identity provider in account {}, with the token's audience", role.account()),
        ),
        "IDPRejectedClaim" => refused(format!("the identity provider rejected the web identity token ({words})"), AGAIN),
        "IDPCommunicationError" => {
            let cause = format!("{} could not reach the identity provider that issued the token ({words})", call.endpoint);
            (AwsErrorKind::Unclear, cause, vec!["try again in a moment".into()])
        }
        _ => return None,
    })
}
