//! The sign-in of the console: credentials of a role become a URL that opens it once (aws-contract 4.6).

use std::time::Duration;

use aws_smithy_runtime_api::client::http::HttpConnector;
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_types::body::SdkBody;
use serde::Deserialize;
use serde_json::json;

use super::call::{Bounds, Call, Signer};
use super::client::{Client, with_retries};
use super::endpoint::Endpoint;
use super::error::{AwsError, Meaning};
use super::failure::{Outcome, Said, ServiceCall, refused};
use super::http::HttpSettings;
use super::mask::percent;
use super::wire::Wire;
use crate::credentials::Session;
use crate::hint::{CommandLine, Verb};
use crate::secret::Secret;

/// A token is as long as the credentials in it.
const LONGEST_TOKEN: usize = 64 * 1024;

/// The sign-in at one host. Nothing is built or connected before the first call.
#[derive(Debug)]
pub struct SigninClient(Client);

impl SigninClient {
    pub fn new(endpoint: Endpoint, http: HttpSettings) -> Self {
        Self(Client::new(endpoint, http))
    }

    /// Returns the URL that signs in and goes on to `destination`: once, within 15 minutes. Without `duration` the console
    /// session ends with the credentials; AWS takes one only for a role assumed with a long-term key.
    pub fn url(
        &self,
        session: &Session,
        duration: Option<Duration>,
        destination: &str,
        bounds: Bounds,
    ) -> Result<Secret<String>, AwsError> {
        let signer = Signer::Session(session);
        let call = SigninCall { common: self.0.call("getSigninToken", signer), duration };
        let form = form(session, duration);
        let send =
            async |wire: Wire| with_retries(&call.common, &wire, async || attempt(&wire, &call, &form).await).await;
        let token = self.0.run(&call, bounds, send, |token, _| token)?;
        let [destination, token] = [destination, token.expose()].map(|text| percent(text, true));
        let page = format!("{}/federation?Action=login&Issuer=twolock", self.0.endpoint().url());
        Ok(Secret::new(format!("{page}&Destination={destination}&SigninToken={token}")))
    }
}

async fn attempt(
    wire: &Wire,
    call: &SigninCall<'_>,
    form: &Secret<String>,
) -> Result<Result<Secret<String>, String>, Outcome> {
    let request = request(&call.common, form).map_err(|why| Outcome::NotBuilt(why.to_string()))?;
    // What went wrong on the way, the wire has seen.
    let response = wire.call(request).await.map_err(|_| Outcome::Wordless)?;
    match response.status().as_u16() {
        200..=299 => Ok(token(response.body().bytes().unwrap_or_default())),
        // It says no more than that.
        status @ 400..=428 => Err(Outcome::Said { code: format!("HTTP {status}"), message: String::new() }),
        _ => Err(Outcome::Wordless),
    }
}

/// By POST, so that no log of addresses holds the credentials.
fn request(call: &Call<'_>, form: &Secret<String>) -> Result<HttpRequest, Box<dyn std::error::Error + Send + Sync>> {
    let mut request = HttpRequest::new(SdkBody::from(form.expose().as_str()));
    request.set_method("POST")?;
    request.set_uri(format!("{}/federation", call.endpoint.url()))?;
    for (name, value) in [
        ("content-type", "application/x-www-form-urlencoded"),
        ("user-agent", concat!("twolock/", env!("CARGO_PKG_VERSION"))),
    ] {
        request.headers_mut().try_insert(name, value)?;
    }
    Ok(request)
}

fn form(session: &Session, duration: Option<Duration>) -> Secret<String> {
    let credentials = Secret::new(
        json!({
            "sessionId": session.access_key_id.as_str(),
            "sessionKey": session.secret.expose(),
            "sessionToken": session.token.expose(),
        })
        .to_string(),
    );
    let duration = duration.map(|span| format!("&SessionDuration={}", span.as_secs())).unwrap_or_default();
    Secret::new(format!("Action=getSigninToken{duration}&Session={}", percent(credentials.expose(), true)))
}

#[derive(Deserialize)]
struct Answer {
    #[serde(rename = "SigninToken")]
    token: String,
}

fn token(body: &[u8]) -> Result<Secret<String>, String> {
    let answer: Answer = serde_json::from_slice(body).map_err(|_| "it has no SigninToken")?;
    let token = Secret::new(answer.token);
    let is_one =
        (1..=LONGEST_TOKEN).contains(&token.expose().len()) && token.expose().bytes().all(|b| b.is_ascii_graphic());
    if is_one { Ok(token) } else { Err("its SigninToken is empty, too long, or not ASCII".into()) }
}

struct SigninCall<'a> {
    common: Call<'a>,
    duration: Option<Duration>,
}

impl ServiceCall for SigninCall<'_> {
    fn common(&self) -> &Call<'_> {
        &self.common
    }

    fn own_meaning(&self, said: &Said<'_>) -> Option<Meaning> {
        let refusal = |hint| refused(format!("the credentials were refused ({})", said.words), hint);
        if self.duration.is_some() {
            return Some(refusal("is the duration longer than the role allows? try a shorter --duration"));
        }
        let (kind, cause, _) = refusal("");
        Some((kind, cause, vec![CommandLine::new(Verb::Logout).to("end the session, then try again")]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_token_in_the_right_form_is_one() {
        assert_eq!(token(br#"{"SigninToken":"aB-_3+/="}"#).unwrap().expose(), "aB-_3+/=");
        for body in ["", "{}", "[]", "<html>", r#"{"SigninToken":1}"#, r#"{"SigninToken":"a"} x"#] {
            assert_eq!(token(body.as_bytes()).unwrap_err(), "it has no SigninToken", "{body}");
        }
        let long = format!(r#"{{"SigninToken":"{}"}}"#, "a".repeat(LONGEST_TOKEN + 1));
        for body in [r#"{"SigninToken":""}"#, r#"{"SigninToken":"a b"}"#, r#"{"SigninToken":"a\r\nb"}"#, &long] {
            assert!(token(body.as_bytes()).is_err(), "{body}");
        }
    }
}
