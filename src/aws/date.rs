//! What time it is at STS: the `Date` of any answer to an empty request, which carries no credentials (threat-model P37).

use std::time::Duration;

use aws_smithy_runtime_api::client::http::HttpConnector;
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_types::body::SdkBody;

use super::call::Bounds;
use super::client::Client;
use super::endpoint::Endpoint;
use super::error::{AwsError, AwsErrorKind, Meaning};
use super::http::HttpSettings;
use super::unreached::Way;
use super::wire::{End, Seen};
use crate::timestamp::Timestamp;

/// Two clocks that differ by more than 5 minutes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skew {
    pub ours: Timestamp,
    pub theirs: Timestamp,
    /// How far they are apart, to the minute.
    pub apart: Duration,
}

/// Compares this machine's clock with the endpoint's; nothing where they agree within 5 minutes.
///
/// Unsigned, sent once, bounded; whatever the answer is, its date counts. No date is an error as of any call.
pub fn skew(endpoint: &Endpoint, http: HttpSettings, bounds: Bounds) -> Result<Option<Skew>, AwsError> {
    let failed = |(kind, cause, hints)| AwsError { kind, cause, hints };
    let unbuilt =
        |why: String| failed((AwsErrorKind::NotSent, format!("could not ask {endpoint} for the time: {why}"), vec![]));
    let mut request = HttpRequest::new(SdkBody::empty());
    request.set_uri(format!("{}/", endpoint.url())).map_err(|e| unbuilt(e.to_string()))?;
    let client = Client::new(endpoint.clone(), http);
    // What came of it is in what the wire saw.
    let (_, seen) = client.watch(bounds, async |wire| wire.call(request).await).map_err(unbuilt)?;
    if seen.date.is_none() {
        return Err(failed(without_date(client.way(), &seen, bounds)));
    }
    Ok(client.clocks(&seen).skew().map(|(ours, theirs, apart)| Skew { ours, theirs, apart }))
}

fn without_date(way: Way<'_>, seen: &Seen, bounds: Bounds) -> Meaning {
    match &seen.end {
        Some(End::NotConnected(obstacle)) => {
            let (cause, hints) = way.unreached(obstacle);
            (AwsErrorKind::NotSent, cause, hints)
        }
        None => way.silent(bounds.total),
        Some(_) => (AwsErrorKind::BadAnswer, format!("{} sent a response without a date", way.host()), Vec::new()),
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::TcpListener;
    use std::time::Instant;

    use super::*;
    use crate::arn::Partition;
    use crate::aws::endpoint::{self, EndpointRequest, Service};
    use crate::names::Region;
    use crate::origin::{Origin, Sourced};

    fn at(port: u16) -> Endpoint {
        let given =
            Sourced { value: format!("http://127.0.0.1:{port}"), origin: Origin::Variable("AWS_ENDPOINT_URL_STS") };
        let region = Region::parse("eu-west-1").unwrap();
        let request = EndpointRequest {
            service: Service::Sts,
            partition: Partition::Aws,
            region,
            fips: false,
            dualstack: false,
            given: Some(given),
        };
        endpoint::resolve(&request, &[]).unwrap()
    }

    fn asked(answer: &'static str) -> (Result<Option<Skew>, AwsError>, String) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let server = std::thread::spawn(move || {
            let (mut socket, _) = listener.accept().unwrap();
            let mut room = [0; 4096];
            let count = socket.read(&mut room).unwrap();
            let _ = socket.write_all(answer.as_bytes());
            String::from_utf8_lossy(&room[..count]).into_owned()
        });
        let answered = skew(&at(port), HttpSettings::default(), Bounds::LOOK);
        (answered, server.join().unwrap())
    }

    #[test]
    fn a_date_far_away_is_told_and_nothing_is_sent_that_could_be_used() {
        let old = "HTTP/1.1 302 Found\r\nDate: Thu, 09 Jun 2016 18:45:12 GMT\r\nLocation: http://127.0.0.1:1/\r\n\
                   Content-Length: 0\r\n\r\n";
        let (answered, request) = asked(old);
        let skew = answered.unwrap().expect("2016 is long ago");
        assert_eq!(skew.theirs.to_string(), "2016-06-09T18:45:12Z");
        assert!(skew.ours > skew.theirs && skew.apart > Duration::from_secs(86_400 * 365));
        assert!(request.starts_with("GET / HTTP/1.1\r\n"), "{request}");
        assert!(!request.to_ascii_lowercase().contains("authorization"), "{request}");
    }

    #[test]
    fn an_answer_without_a_date_and_a_dead_port_are_errors_that_name_the_host() {
        for (answer, part) in [
            ("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "sent a response without a date"),
            ("HTTP/1.1 200 OK\r\nDate: soon\r\nContent-Length: 0\r\n\r\n", "sent a response without a date"),
            ("", "sent a response without a date"),
        ] {
            let error = asked(answer).0.unwrap_err();
            assert!(error.cause.contains(part) && error.cause.contains("127.0.0.1"), "{answer:?}: {}", error.cause);
        }
        let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let error = skew(&at(closed), HttpSettings::default(), Bounds::LOOK).unwrap_err();
        assert_eq!(error.kind, AwsErrorKind::NotSent);
        assert!(error.cause.contains("refused the connection"), "{}", error.cause);
    }

    #[test]
    fn a_server_that_is_silent_is_given_up_at_the_bound() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let bounds = Bounds { connect: Duration::from_millis(100), total: Duration::from_millis(200) };
        let started = Instant::now();
        let error = skew(&at(listener.local_addr().unwrap().port()), HttpSettings::default(), bounds).unwrap_err();
        assert!(error.cause.contains("did not answer within 0.2 s"), "{}", error.cause);
        assert!(started.elapsed() < Duration::from_secs(20));
    }
}
