//! Calls that nobody signs, with JSON in and out, as the services of sign-ins have them: what they carry says who calls.

use std::error::Error;

use aws_smithy_runtime_api::client::http::HttpConnector;
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_types::body::SdkBody;
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

use super::call::Bounds;
use super::client::{Client, with_retries};
use super::clocks::Clocks;
use super::error::AwsError;
use super::failure::{Outcome, ServiceCall};
use super::wire::Wire;
use crate::secret::Secret;
use crate::system::log;

/// A request that could not be made, and why.
type NotMade = Box<dyn Error + Send + Sync>;

/// What is sent to a path of the service.
pub(super) struct Request<'a> {
    /// With its query.
    pub(super) path: String,
    /// The header that says who calls.
    pub(super) header: Option<(&'static str, &'a Secret<String>)>,
    /// A JSON document to POST; none for a GET.
    pub(super) body: Option<Secret<String>>,
}

impl Request<'_> {
    fn to(&self, origin: &str) -> Result<HttpRequest, NotMade> {
        let body = self.body.as_ref().map_or_else(SdkBody::empty, |body| SdkBody::from(body.expose().as_str()));
        let mut request = HttpRequest::new(body);
        request.set_method(if self.body.is_some() { "POST" } else { "GET" })?;
        request.set_uri(format!("{origin}{}", self.path))?;
        let headers = request.headers_mut();
        headers.try_insert("accept", "application/json")?;
        headers.try_insert("user-agent", concat!("twolock/", env!("CARGO_PKG_VERSION")))?;
        if self.body.is_some() {
            headers.try_insert("content-type", "application/json")?;
        }
        if let Some((name, value)) = self.header {
            headers.try_insert(name, value.expose().clone())?;
        }
        Ok(request)
    }
}

/// Makes one call within its bounds; `read` parses the answer.
pub(super) fn run<T>(
    client: &Client,
    call: &impl ServiceCall,
    request: &Request<'_>,
    bounds: Bounds,
    read: impl FnOnce(&[u8], Clocks) -> Result<T, String>,
) -> Result<T, AwsError> {
    let (action, endpoint) = (call.common().action, call.common().endpoint);
    log::step(format_args!("call {endpoint} for {action}"));
    let send = async |wire: Wire| {
        with_retries(call.common(), &wire, async || attempt(&wire, request.to(&endpoint.url())).await).await
    };
    let ended = client.run(call, bounds, send, |body, clocks| read(body.expose(), clocks));
    match &ended {
        Ok(_) => log::step(format_args!("{} answered {action}", endpoint.service().name())),
        Err(e) => {
            let service = endpoint.service().name();
            log::step(format_args!("{service} did not answer {action} ({:?}): {}", e.kind, e.cause));
        }
    }
    ended
}

async fn attempt(wire: &Wire, request: Result<HttpRequest, NotMade>) -> Result<Secret<Vec<u8>>, Outcome> {
    let request = request.map_err(|why| Outcome::NotBuilt(why.to_string()))?;
    // What went wrong on the way, the wire has seen.
    let response = wire.call(request).await.map_err(|_| Outcome::Wordless)?;
    match response.status().is_success() {
        true => Ok(Secret::new(response.body().bytes().unwrap_or_default().to_vec())),
        false => Err(error(&response).unwrap_or(Outcome::Wordless)),
    }
}

/// Reads an error: its name stands in a header, in `__type` or in `code`, and OAuth's own beside it in `error`. A page of
/// a proxy is none.
fn error(response: &HttpResponse) -> Option<Outcome> {
    let said: Map<String, Value> = serde_json::from_slice(response.body().bytes()?).ok()?;
    let text = |names: &[&str]| names.iter().find_map(|name| said.get(*name)?.as_str());
    let oauth = text(&["error"]);
    let name = response.headers().get("x-amzn-errortype").map(bare).filter(|name| !name.is_empty());
    let name = name.or_else(|| text(&["__type", "code"]).map(bare));
    let words = text(&["error_description", "message", "Message", "errorMessage"]);
    let code = match name.or(oauth) {
        Some(name) => name.to_owned(),
        // A service behind a proxy that drops headers says no more than its status.
        None => words.map(|_| format!("HTTP {}", response.status().as_u16()))?,
    };
    let message: Vec<&str> = oauth.filter(|_| name.is_some()).into_iter().chain(words).collect();
    Some(Outcome::Said { code, message: message.join(": ") })
}

/// `com.amazonaws.portal#UnauthorizedException:http://…` without what stands around the name.
fn bare(name: &str) -> &str {
    let name = name.split(':').next().unwrap_or_default();
    name.rsplit('#').next().unwrap_or_default()
}

/// Reads a text that is a secret.
pub(super) fn secret<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Secret<String>, D::Error> {
    String::deserialize(deserializer).map(Secret::new)
}

/// Reads a text that is a secret, or null.
pub(super) fn optional_secret<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Secret<String>>, D::Error> {
    Option::<String>::deserialize(deserializer).map(|text| text.map(Secret::new))
}

/// Whether a token can be sent and kept: visible ASCII, and not longer than any that is seen.
pub(super) fn is_token(text: &Secret<String>) -> bool {
    const LONGEST: usize = 16 * 1024;
    let text = text.expose();
    (1..=LONGEST).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(header: &str, body: &str) -> Option<(String, String)> {
        let mut response = HttpResponse::new(401.try_into().unwrap(), SdkBody::from(body));
        if !header.is_empty() {
            response.headers_mut().insert("x-amzn-errortype", header.to_owned());
        }
        match error(&response)? {
            Outcome::Said { code, message } => Some((code, message)),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_name_of_an_error_is_found_wherever_it_stands() {
        for (header, body, code, message) in [
            ("UnauthorizedException", r#"{"message":"no"}"#, "UnauthorizedException", "no"),
            ("UnauthorizedException:http://internal/", "{}", "UnauthorizedException", ""),
            (
                "",
                r#"{"__type":"com.amazonaws.portal#UnauthorizedException","message":"no"}"#,
                "UnauthorizedException",
                "no",
            ),
            ("", r#"{"code":"X","Message":"no"}"#, "X", "no"),
            ("", r#"{"error":"invalid_grant","error_description":"no"}"#, "invalid_grant", "no"),
            ("", r#"{"error":"invalid_grant"}"#, "invalid_grant", ""),
            (
                "AccessDeniedException",
                r#"{"error":"TOKEN_EXPIRED","message":"no"}"#,
                "AccessDeniedException",
                "TOKEN_EXPIRED: no",
            ),
            (
                "",
                r#"{"message":"Session token not found or invalid"}"#,
                "HTTP 401",
                "Session token not found or invalid",
            ),
        ] {
            assert_eq!(said(header, body), Some((code.into(), message.into())), "{header} {body}");
        }
    }

    #[test]
    fn pages_of_others_are_no_errors_of_the_service() {
        for body in ["", "{}", "[]", "null", "\"no\"", "<html>no</html>", r#"{"message":1}"#, r#"{"message":"no""#] {
            assert_eq!(said("", body), None, "{body}");
        }
        assert_eq!(said("UnauthorizedException", "<html>"), None);
    }
}
