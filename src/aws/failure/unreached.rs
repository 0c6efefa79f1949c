//! Why STS was not reached, in words: host, cause, what to do (threat-model P35, F30, F38).

use std::time::Duration;

use super::Meaning;
use crate::aws::StsErrorKind;
use crate::aws::endpoint::Endpoint;
use crate::aws::http::Proxy;
use crate::aws::wire::Obstacle;
use crate::hint::Hint;

/// Where a call goes, and through whom.
#[derive(Clone, Copy, Debug)]
pub(in crate::aws) struct Way<'a> {
    pub(in crate::aws) endpoint: &'a Endpoint,
    pub(in crate::aws) proxy: Option<&'a Proxy>,
}

impl Way<'_> {
    /// Returns the host as the subject of a sentence; one that is not AWS's is named as such.
    pub(in crate::aws) fn host(&self) -> String {
        if self.endpoint.is_aws() { self.endpoint.host() } else { format!("{},", self.endpoint) }
    }

    /// Returns the meaning of a connection that brought nothing within the whole bound.
    pub(in crate::aws) fn silent(&self, bound: Duration) -> Meaning {
        let cause = format!("{} did not answer within {}", self.host(), seconds(bound));
        (StsErrorKind::Unclear, cause, vec![self.look_at_the_way()])
    }

    /// Returns cause and hints of a connection that was never made.
    pub(in crate::aws) fn unreached(&self, obstacle: &Obstacle) -> (String, Vec<Hint>) {
        let host = self.host();
        let next = self.next_hop();
        match obstacle {
            Obstacle::Name(words) => (format!("{next} was not found by name ({words})"), self.look_at_the_name()),
            Obstacle::Refused => (format!("{next} refused the connection"), vec![self.look_at_the_way()]),
            Obstacle::Silence(bound) => {
                let through =
                    self.proxy.map(|_| format!(" through {}", next.trim_end_matches(','))).unwrap_or_default();
                (format!("{host} did not answer within {}{through}", seconds(*bound)), vec![self.look_at_the_way()])
            }
            Obstacle::Tunnel(what) => (format!("{next} {what}"), vec![self.look_at_the_way()]),
            Obstacle::OtherName => (
                format!("{host} was not trusted: its certificate is for another name"),
                vec!["something else answers in its place: a proxy, a guest network's login page?".into()],
            ),
            Obstacle::Validity => (
                format!("{host} was not trusted: its certificate has expired or is not valid yet"),
                vec!["is this machine's date right?".into()],
            ),
            Obstacle::Issuer => (
                format!("{host} was not trusted: its certificate's issuer is unknown on this machine"),
                vec!["if your network opens TLS, name its certificate file in AWS_CA_BUNDLE".into()],
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
            Some(proxy) => format!("is {} right? to go without it: NO_PROXY={}", proxy.variable, self.endpoint.host()),
            None if self.endpoint.is_aws() => {
                "is this machine online? behind a proxy, set HTTPS_PROXY; look at VPN and firewall".into()
            }
            None => format!("is a server running at {}?", self.endpoint.shown()),
        };
        text.into()
    }

    fn look_at_the_name(&self) -> Vec<Hint> {
        let mut hints = vec![self.look_at_the_way()];
        if self.endpoint.is_aws() && self.proxy.is_none() {
            hints.push(format!("is region '{}' right?", self.endpoint.region()).into());
        }
        hints
    }
}

fn seconds(bound: Duration) -> String {
    if bound.subsec_millis() == 0 { format!("{} s", bound.as_secs()) } else { format!("{:.1} s", bound.as_secs_f32()) }
}
