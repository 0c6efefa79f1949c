//! The OIDC service: a refresh token, which works once, becomes a token for the portal.

use std::time::Duration;

use serde::Deserialize;
use serde_json::json;

use crate::aws::call::{Bounds, Call};
use crate::aws::client::service_client;
use crate::aws::clocks::Clocks;
use crate::aws::error::{AwsError, AwsErrorKind, Meaning};
use crate::aws::failure::{Said, ServiceCall};
use crate::aws::unsigned::{self, Request, is_token, optional_secret, secret};
use crate::secret::Secret;
use crate::timestamp::Timestamp;

/// A token lives an hour. More than this is not believed, so that milliseconds are not taken for seconds.
const LONGEST: Duration = Duration::from_secs(30 * 86_400);

service_client! {
    /// The OIDC service of single sign-on at one endpoint. Nothing is built or connected before the first call.
    SsoOidcClient
}

/// What a token is renewed with; the AWS CLI keeps it beside the token.
#[derive(Clone, Copy, Debug)]
pub struct RefreshGrant<'a> {
    pub client_id: &'a str,
    pub client_secret: &'a Secret<String>,
    /// It works once.
    pub refresh_token: &'a Secret<String>,
}

/// A renewed token.
#[derive(Debug)]
pub struct FreshToken {
    /// What the portal takes.
    pub access_token: Secret<String>,
    /// When it stops taking it.
    pub expires: Timestamp,
    /// What the next renewal needs; none if the old one still does.
    pub refresh_token: Option<Secret<String>>,
}

impl SsoOidcClient {
    /// Renews a token. It is sent once, since a refresh token works once; [`AwsErrorKind::SignedOut`] if it no longer does.
    pub fn refresh(&self, grant: RefreshGrant<'_>, bounds: Bounds) -> Result<FreshToken, AwsError> {
        let carried = [grant.client_secret, grant.refresh_token];
        let call = OidcCall(self.0.unsigned("CreateToken", &carried).once());
        let body = json!({
            "clientId": grant.client_id,
            "clientSecret": grant.client_secret.expose(),
            "grantType": "refresh_token",
            "refreshToken": grant.refresh_token.expose(),
        });
        let body = Some(Secret::new(body.to_string()));
        unsigned::run(&self.0, &call, &Request { path: "/token".into(), header: None, body }, bounds, fresh_token)
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    #[serde(deserialize_with = "secret")]
    access_token: Secret<String>,
    /// Seconds.
    expires_in: u64,
    #[serde(default, deserialize_with = "optional_secret")]
    refresh_token: Option<Secret<String>>,
}

fn fresh_token(body: &[u8], clocks: Clocks) -> Result<FreshToken, String> {
    let answer: Answer = serde_json::from_slice(body).map_err(|_| "it does not contain a complete token")?;
    let Answer { access_token, expires_in, refresh_token } = answer;
    if !is_token(&access_token) || !refresh_token.as_ref().is_none_or(is_token) {
        return Err("its token is missing or malformed".into());
    }
    if !(1..=LONGEST.as_secs()).contains(&expires_in) {
        return Err(format!("its token would be valid for {expires_in} s"));
    }
    Ok(FreshToken { access_token, expires: clocks.ours.plus(Duration::from_secs(expires_in)), refresh_token })
}

struct OidcCall<'a>(Call<'a>);

impl ServiceCall for OidcCall<'_> {
    fn common(&self) -> &Call<'_> {
        &self.0
    }

    fn own_meaning(&self, said: &Said<'_>) -> Option<Meaning> {
        let words = said.words;
        let cause = match said.code {
            "InvalidGrant" | "invalid_grant" | "ExpiredToken" | "expired_token" | "Unauthorized" | "HTTP 401" => {
                format!("has expired or was ended ({words})")
            }
            "InvalidClient" | "invalid_client" | "UnauthorizedClient" | "unauthorized_client" => {
                format!("has expired: AWS no longer knows its client ({words})")
            }
            _ => return None,
        };
        Some((AwsErrorKind::SignedOut, cause, Vec::new()))
    }
}
