//! The sign-in of `aws login`: a session of the console's user renews its own credentials. Every renewal is proved with a
//! key that only the machine has that signed in (DPoP, RFC 9449).

mod proof;
mod proof_key;

use std::time::Duration;

use serde::Deserialize;
use serde_json::json;

pub use self::proof_key::ProofKey;
use super::call::{Bounds, Call};
use super::client::service_client;
use super::clocks::Clocks;
use super::error::{AwsError, AwsErrorKind, Meaning};
use super::failure::{Said, ServiceCall, not_begun, refused};
use super::given::Given;
use super::unsigned::{self, Request, is_token, secret};
use crate::arn::AccountId;
use crate::credentials::Session;
use crate::secret::Secret;

/// Credentials of a sign-in live 15 minutes; no credentials of AWS's outlive 12 hours.
const LONGEST: Duration = Duration::from_secs(12 * 3600);

const PATH: &str = "/v1/token";

service_client! {
    /// The sign-in of `aws login` at one endpoint. Nothing is built or connected before the first call.
    LoginClient
}

/// What a session of `aws login` is renewed with; the AWS CLI keeps it beside the credentials.
#[derive(Clone, Copy, Debug)]
pub struct LoginGrant<'a> {
    pub client_id: &'a str,
    /// It works once.
    pub refresh_token: &'a Secret<String>,
    pub key: &'a ProofKey,
    /// The account of the session, which the answer does not name.
    pub account: Option<&'a AccountId>,
}

/// A renewed session of `aws login`.
#[derive(Debug)]
pub struct FreshLogin {
    pub session: Session,
    /// What the next renewal needs.
    pub refresh_token: Secret<String>,
}

impl LoginClient {
    /// Renews a session. It is sent once, since a refresh token works once; [`AwsErrorKind::SignedOut`] if it no longer
    /// does.
    pub fn refresh(&self, grant: LoginGrant<'_>, bounds: Bounds) -> Result<FreshLogin, AwsError> {
        let url = format!("{}{PATH}", self.0.endpoint().url());
        let proof = proof::of_post(grant.key, &url, (self.0.clock()).timestamp());
        let unproved = self.0.unsigned("CreateOAuth2Token", &[]);
        let proof = proof.map_err(|why| not_begun(&unproved, why))?;
        let carried = [grant.refresh_token, &proof];
        let call = LoginCall(self.0.unsigned("CreateOAuth2Token", &carried).once());
        let body = json!({
            "clientId": grant.client_id,
            "grantType": "refresh_token",
            "refreshToken": grant.refresh_token.expose(),
        });
        let body = Some(Secret::new(body.to_string()));
        let request = Request { path: PATH.into(), header: Some(("dpop", &proof)), body };
        unsigned::run(&self.0, &call, &request, bounds, |body, clocks| fresh_login(body, grant.account, clocks))
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    access_token: Credentials,
    /// Seconds.
    expires_in: u32,
    #[serde(deserialize_with = "secret")]
    refresh_token: Secret<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Credentials {
    access_key_id: String,
    #[serde(deserialize_with = "secret")]
    secret_access_key: Secret<String>,
    #[serde(deserialize_with = "secret")]
    session_token: Secret<String>,
}

fn fresh_login(body: &[u8], account: Option<&AccountId>, clocks: Clocks) -> Result<FreshLogin, String> {
    let answer: Answer = serde_json::from_slice(body).map_err(|_| "it does not contain complete credentials")?;
    let Answer { access_token, expires_in, refresh_token } = answer;
    if !is_token(&refresh_token) {
        return Err("its refresh token is missing or malformed".into());
    }
    let Credentials { access_key_id, secret_access_key, session_token } = access_token;
    let expires = clocks.ours.plus(Duration::from_secs(expires_in.into()));
    let given = Given { id: &access_key_id, secret: secret_access_key, token: session_token, expires };
    Ok(FreshLogin { session: given.checked(account.cloned(), LONGEST, clocks)?, refresh_token })
}

struct LoginCall<'a>(Call<'a>);

impl ServiceCall for LoginCall<'_> {
    fn common(&self) -> &Call<'_> {
        &self.0
    }

    /// The error that OAuth names tells more than AWS's own name for it.
    fn own_meaning(&self, said: &Said<'_>) -> Option<Meaning> {
        let words = said.words;
        let names = |error: &str| said.code.eq_ignore_ascii_case(error) || said.message.starts_with(error);
        let any = |errors: &[&str]| errors.iter().any(|error| names(error));
        if names("user_credentials_changed") {
            let cause = format!("was ended: the password or the MFA device has changed ({words})");
            return Some((AwsErrorKind::SignedOut, cause, Vec::new()));
        }
        if any(&["token_expired", "authcode_expired", "invalid_grant", "expired_token"]) || said.code == "HTTP 401" {
            let cause = format!("has expired or was ended ({words})");
            return Some((AwsErrorKind::SignedOut, cause, Vec::new()));
        }
        if names("insufficient_permissions") {
            let cause = format!("your user may not renew the sign-in ({words})");
            return Some(refused(cause, "its policies must allow signin:CreateOAuth2Token"));
        }
        None
    }
}

#[cfg(test)]
mod tests;
