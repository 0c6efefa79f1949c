//! One call on the wire: the SDK's connector, watched. It bounds the body, keeps the `Date` header and the signature,
//! and knows for certain whether a connection was made: only then can a code have been used (threat-model P24).

use std::error::Error;
use std::fmt;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aws_smithy_async::future::timeout::TimedOutError;
use aws_smithy_runtime_api::client::dns::ResolveDnsError;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::DateTime;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::date_time::Format;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use rustls::CertificateError;

use crate::secret::Secret;
use crate::timestamp::Timestamp;

/// Longest answer read; STS's are a few kilobytes (F34).
const LONGEST_ANSWER: usize = 256 * 1024;

/// What was seen of a call, its retries included.
#[derive(Clone, Debug, Default)]
pub(super) struct Seen {
    /// How the last attempt ended; none while one is under way.
    pub(super) end: Option<End>,
    /// Whether any attempt had a connection.
    pub(super) sent: bool,
    /// The server's clock.
    pub(super) date: Option<Timestamp>,
    /// What we signed with; AWS quotes it in some errors.
    pub(super) signature: Option<Secret<String>>,
}

/// How one attempt ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// No connection was made.
    NotConnected(Obstacle),
    /// The connection ended before the whole answer was there.
    Broken,
    /// The answer was longer than we read.
    TooLong,
    /// A whole answer with this HTTP status.
    Answered(u16),
}

/// Why no connection was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Obstacle {
    /// The name could not be resolved; the resolver's words.
    Name(String),
    /// No process listens on the port.
    Refused,
    /// No answer within the bound.
    Silence(Duration),
    /// The certificate is for another name.
    OtherName,
    /// The certificate has expired, or is not valid yet, by our clock.
    Validity,
    /// The certificate's issuer is unknown here.
    Issuer,
    /// Another disagreement about TLS.
    Tls(String),
    /// What the proxy did instead of opening a tunnel.
    Tunnel(String),
    /// Something else, in the system's words.
    Other(String),
}

/// A call's HTTP client. Made for one call, so that what it saw belongs to that call.
#[derive(Clone)]
pub(super) struct Wire {
    connector: SharedHttpConnector,
    connect: Duration,
    seen: Arc<Mutex<Seen>>,
}

impl Wire {
    pub(super) fn new(connector: SharedHttpConnector, connect: Duration) -> Self {
        Self { connector, connect, seen: Arc::default() }
    }

    pub(super) fn seen(&self) -> Seen {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn note(&self, change: impl FnOnce(&mut Seen)) {
        change(&mut self.seen.lock().unwrap_or_else(PoisonError::into_inner));
    }

    fn end(&self, end: End) {
        self.note(|seen| {
            seen.sent |= !matches!(end, End::NotConnected(_));
            seen.end = Some(end);
        });
    }

    fn failed(&self, error: ConnectorError) -> ConnectorError {
        if !is_connect(&error) {
            self.end(End::Broken);
            return error;
        }
        self.end(End::NotConnected(obstacle(&error, self.connect)));
        // No kind: the SDK would connect again, and three bounds are longer than anybody waits (F30).
        ConnectorError::other(Box::new(error), None).never_connected()
    }

    async fn whole(&self, response: HttpResponse) -> Result<HttpResponse, ConnectorError> {
        let mut response = response;
        let date = response.headers().get("date").and_then(|text| DateTime::from_str(text, Format::HttpDate).ok());
        self.note(|seen| seen.date = date.map(|date| Timestamp::from_unix(date.secs())));
        let body = std::mem::replace(response.body_mut(), SdkBody::taken());
        match Limited::new(body, LONGEST_ANSWER).collect().await {
            Ok(body) => *response.body_mut() = SdkBody::from(body.to_bytes()),
            Err(error) if error.is::<LengthLimitError>() => {
                self.end(End::TooLong);
                return Err(ConnectorError::other(error, None));
            }
            Err(error) => {
                self.end(End::Broken);
                return Err(ConnectorError::io(error));
            }
        }
        self.end(End::Answered(response.status().as_u16()));
        Ok(response)
    }
}

impl fmt::Debug for Wire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Wire")
    }
}

impl HttpClient for Wire {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for Wire {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let signature = request.headers().get("authorization").and_then(|text| text.split("Signature=").nth(1));
        let signature = signature.map(|text| Secret::new(text.to_owned()));
        self.note(|seen| {
            seen.end = None;
            seen.signature = signature;
        });
        let wire = self.clone();
        let answer = self.connector.call(request);
        HttpConnectorFuture::new(async move {
            match answer.await {
                Ok(response) => wire.whole(response).await,
                Err(error) => Err(wire.failed(error)),
            }
        })
    }
}

/// Whether the attempt ended before it had a connection.
fn is_connect(error: &(dyn Error + 'static)) -> bool {
    chain(error).any(|e| e.downcast_ref::<hyper_util::client::legacy::Error>().is_some_and(|e| e.is_connect()))
}

fn obstacle(error: &(dyn Error + 'static), connect: Duration) -> Obstacle {
    let last = || chain(error).last().map(|e| e.to_string()).unwrap_or_default();
    if let Some(tls) = find::<rustls::Error>(error) {
        return certificate(tls);
    }
    if find::<TimedOutError>(error).is_some() {
        return Obstacle::Silence(connect);
    }
    if find::<ResolveDnsError>(error).is_some() {
        return Obstacle::Name(last());
    }
    match find::<io::Error>(error).map(io::Error::kind) {
        Some(io::ErrorKind::ConnectionRefused) => Obstacle::Refused,
        Some(io::ErrorKind::UnexpectedEof) => Obstacle::Tls("the connection was closed during the handshake".into()),
        _ => tunnel(error).unwrap_or_else(|| Obstacle::Other(last())),
    }
}

/// hyper-util does not export the type of a proxy's refusal, only its words.
fn tunnel(error: &(dyn Error + 'static)) -> Option<Obstacle> {
    let words = chain(error).map(|e| e.to_string()).find_map(|e| Some(e.strip_prefix("tunnel error: ")?.to_owned()))?;
    Some(match words.as_str() {
        "proxy authorization required" => Obstacle::Tunnel("requires a user name and password".into()),
        "unexpected end of file" | "io error establishing tunnel" => Obstacle::Tunnel("closed the connection".into()),
        _ => Obstacle::Tunnel("refused to connect to it".into()),
    })
}

fn certificate(error: &rustls::Error) -> Obstacle {
    use CertificateError::*;
    match error {
        rustls::Error::InvalidCertificate(NotValidForName | NotValidForNameContext { .. }) => Obstacle::OtherName,
        rustls::Error::InvalidCertificate(
            Expired | ExpiredContext { .. } | NotValidYet | NotValidYetContext { .. },
        ) => Obstacle::Validity,
        rustls::Error::InvalidCertificate(UnknownIssuer) => Obstacle::Issuer,
        other => Obstacle::Tls(other.to_string()),
    }
}

fn find<'a, E: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a E> {
    chain(error).find_map(|e| e.downcast_ref::<E>())
}

/// An error and its sources. An `io::Error` hides its payload from `source`, and rustls's errors come in two.
fn chain<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |&error| match error.downcast_ref::<io::Error>() {
        Some(io) => io.get_ref().map(|inner| inner as &(dyn Error + 'static)),
        None => error.source(),
    })
}
