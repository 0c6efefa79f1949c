//! Why a service was not reached, in words: host, cause, what to do (threat-model P35, F30, F38).

use std::time::Duration;

use super::endpoint::Endpoint;
use super::error::{AwsErrorKind, Meaning};
use super::http::Proxy;
use super::wire::Obstacle;
use crate::hint::Hint;

/// Where a call goes, and through whom.
#[derive(Clone, Copy, Debug)]
pub(super) struct Way<'a> {
    pub(super) endpoint: &'a Endpoint,
    pub(super) proxy: Option<&'a Proxy>,
}

impl Way<'_> {
    /// Returns the host as the subject of a sentence; one that is not AWS's is named as such.
    pub(super) fn host(&self) -> String {
        if self.endpoint.is_aws() { self.endpoint.host() } else { format!("{},", self.endpoint) }
    }

    /// Returns the meaning of a connection that brought nothing within the whole bound.
    pub(super) fn silent(&self, bound: Duration) -> Meaning {
        let cause = format!("{} did not answer within {}", self.host(), seconds(bound));
        (AwsErrorKind::Unclear, cause, vec![self.look_at_the_way()])
    }

    /// Returns cause and hints of a connection that was never made.
    pub(super) fn unreached(&self, obstacle: &Obstacle) -> (String, Vec<Hint>) {
        let host = self.host();
        let next = self.next_hop();
        match obstacle {
            Obstacle::Name(words) => (format!("{next} could not be resolved ({words})"), self.look_at_the_name()),
            Obstacle::Refused => (format!("{next} refused the connection"), vec![self.look_at_the_way()]),
            Obstacle::Silence(bound) => {
                let through =
                    self.proxy.map(|_| format!(" through {}", next.trim_end_matches(','))).unwrap_or_default();
                (format!("{host} did not answer within {}{through}", seconds(*bound)), vec![self.look_at_the_way()])
            }
            Obstacle::Tunnel(what) => (format!("{next} {what}"), vec![self.look_at_the_way()]),
            Obstacle::OtherName => (
                format!("{host} was not trusted: its certificate is for another name"),
                vec!["is a proxy or a guest network's login page answering instead?".into()],
            ),
            Obstacle::Validity => (
                format!("{host} was not trusted: its certificate has expired or is not valid yet"),
                vec!["is this machine's date correct?".into()],
            ),
            Obstacle::Issuer => (
                format!("{host} was not trusted: this machine does not know its certificate's issuer"),
                vec!["if your network inspects TLS, set AWS_CA_BUNDLE to its certificate file".into()],
            ),
            Obstacle::Tls(words) => (format!("{host} was not trusted: {words}"), Vec::new()),
            Obstacle::Other(words) => (format!("{next} could not be reached ({words})"), vec![self.look_at_the_way()]),
        }
    }

    /// Whom the connection goes to: the proxy, if there is one.
    fn next_hop(&self) -> String {
        match self.proxy {
            Some(proxy) => format!("proxy {} ({})", proxy.shown, proxy.variable),
            None => self.host(),
        }
    }

    fn look_at_the_way(&self) -> Hint {
        let text = match self.proxy {
            Some(proxy) => {
                format!("is {} correct? to connect without it: NO_PROXY={}", proxy.variable, self.endpoint.host())
            }
            None if self.endpoint.is_aws() => {
                "is this machine online? check VPN and firewall; behind a proxy, set HTTPS_PROXY".into()
            }
            None => format!("is a server running at {}?", self.endpoint.shown()),
        };
        text.into()
    }

    fn look_at_the_name(&self) -> Vec<Hint> {
        let mut hints = vec![self.look_at_the_way()];
        if self.endpoint.is_aws() && self.proxy.is_none() {
            hints.push(format!("is region '{}' correct?", self.endpoint.region()).into());
        }
        hints
    }
}

fn seconds(bound: Duration) -> String {
    if bound.subsec_millis() == 0 { format!("{} s", bound.as_secs()) } else { format!("{:.1} s", bound.as_secs_f32()) }
}
