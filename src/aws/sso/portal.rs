//! The portal: a token, an account and a role become credentials.

use std::time::Duration;

use serde::Deserialize;

use crate::arn::AccountId;
use crate::aws::call::{Bounds, Call};
use crate::aws::client::service_client;
use crate::aws::clocks::Clocks;
use crate::aws::error::{AwsError, AwsErrorKind, Meaning};
use crate::aws::failure::{Said, ServiceCall, refused};
use crate::aws::given::Given;
use crate::aws::mask::percent;
use crate::aws::unsigned::{self, Request, secret};
use crate::credentials::Session;
use crate::secret::Secret;
use crate::timestamp::Timestamp;

/// The longest session of a permission set.
const LONGEST: Duration = Duration::from_secs(12 * 3600);

const LOOK: &str = "check sso_account_id and sso_role_name; your access portal lists the accounts and roles you have";

service_client! {
    /// The portal of single sign-on at one endpoint. Nothing is built or connected before the first call.
    SsoClient
}

impl SsoClient {
    /// Returns credentials of a role in an account, for whom the token says. [`AwsErrorKind::SignedOut`] if that sign-in has
    /// ended, [`AwsErrorKind::Denied`] if the person has no such role there.
    pub fn role_credentials(
        &self,
        token: &Secret<String>,
        account: &AccountId,
        role: &str,
        bounds: Bounds,
    ) -> Result<Session, AwsError> {
        let carried = [token];
        let call = PortalCall { common: self.0.unsigned("GetRoleCredentials", &carried), account, role };
        let path = format!("/federation/credentials?role_name={}&account_id={account}", percent(role, true));
        let request = Request { path, header: Some(("x-amz-sso_bearer_token", token)), body: None };
        unsigned::run(&self.0, &call, &request, bounds, |body, clocks| session(body, account, clocks))
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    role_credentials: Credentials,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Credentials {
    access_key_id: String,
    #[serde(deserialize_with = "secret")]
    secret_access_key: Secret<String>,
    #[serde(deserialize_with = "secret")]
    session_token: Secret<String>,
    /// Milliseconds.
    expiration: i64,
}

fn session(body: &[u8], account: &AccountId, clocks: Clocks) -> Result<Session, String> {
    let answer: Answer = serde_json::from_slice(body).map_err(|_| "it does not contain complete credentials")?;
    let Credentials { access_key_id, secret_access_key, session_token, expiration } = answer.role_credentials;
    let expires = Timestamp::from_unix(expiration / 1000);
    let given = Given { id: &access_key_id, secret: secret_access_key, token: session_token, expires };
    given.checked(Some(account.clone()), LONGEST, clocks)
}

struct PortalCall<'a> {
    common: Call<'a>,
    account: &'a AccountId,
    role: &'a str,
}

impl ServiceCall for PortalCall<'_> {
    fn common(&self) -> &Call<'_> {
        &self.common
    }

    fn own_meaning(&self, said: &Said<'_>) -> Option<Meaning> {
        let (account, role, words) = (self.account, self.role, said.words);
        Some(match said.code {
            "Unauthorized" | "HTTP 401" => {
                (AwsErrorKind::SignedOut, format!("has expired or was ended ({words})"), Vec::new())
            }
            "Forbidden" | "AccessDenied" | "HTTP 403" => {
                let cause = format!("your SSO user has no role '{role}' in account {account} ({words})");
                (AwsErrorKind::Denied, cause, vec![LOOK.into()])
            }
            "ResourceNotFound" | "HTTP 404" => {
                let cause = format!("SSO has no role '{role}' in account {account} ({words})");
                (AwsErrorKind::Missing, cause, vec![LOOK.into()])
            }
            "InvalidRequest" | "HTTP 400" => {
                refused(format!("SSO did not accept role '{role}' in account {account} ({words})"), LOOK)
            }
            _ => return None,
        })
    }
}
