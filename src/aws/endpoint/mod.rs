//! Where a service of AWS is: the host is decided and checked here, and nowhere else (threat-model P17, P19).
//!
//! Pure. What comes out is handed on whole, so that the host that was checked is the host that is used.

mod hosts;
mod service;

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use http::Uri;

use crate::arn::Partition;
use crate::error::{Failure, Kind};
use crate::hint::{CommandLine, Hint, Verb};
use crate::names::Region;
use crate::origin::Sourced;

pub use self::service::Service;

/// What decides the endpoint of a call.
#[derive(Clone, Debug)]
pub struct EndpointRequest {
    /// Which service is called.
    pub service: Service,
    /// Of the role's or device's ARN, else of the region.
    pub partition: Partition,
    /// The region of the call; one of another partition gives way to the partition's default.
    pub region: Region,
    /// `use_fips_endpoint`
    pub fips: bool,
    /// `use_dualstack_endpoint`
    pub dualstack: bool,
    /// An address the user gave; it wins over both switches.
    pub given: Option<Sourced<String>>,
}

/// A checked endpoint. Only [`resolve`] makes one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    service: Service,
    https: bool,
    host: String,
    port: u16,
    kind: EndpointKind,
    region: Region,
}

/// Whose an endpoint is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndpointKind {
    Aws,
    Loopback,
    /// Another host, which the user's settings allow.
    Allowed,
}

/// Returns the endpoint that is asked for, or why no request may go there.
pub fn resolve(request: &EndpointRequest, allow: &[String]) -> Result<Endpoint, Failure> {
    let Some(given) = &request.given else { return computed(request) };
    let service = request.service;
    let refuse = |why: &str| refuse(service, given, why);
    let address = Address::parse(&given.value).map_err(|why| refuse(&why))?;
    if let Some(region) = address.awss_region(service, request.partition) {
        return Ok(address.endpoint(service, EndpointKind::Aws, region));
    }
    let region = match service {
        Service::Iam => hosts::iam_region(request.partition),
        _ => request.region.clone(),
    };
    if address.is_loopback() {
        return Ok(address.endpoint(service, EndpointKind::Loopback, region));
    }
    let is_awss = |partition| hosts::signing_region(service, partition, &address.host).is_some();
    if !address.https && Partition::ALL.into_iter().any(is_awss) {
        return Err(refuse("plain http to AWS is not allowed").hint(format!("use https://{}", address.host)));
    }
    if allow.iter().any(|entry| address.is_allowed_by(entry)) {
        return Ok(address.endpoint(service, EndpointKind::Allowed, region));
    }
    let why = match address.https {
        true => "not an AWS host, and not allowed by your settings",
        false => "plain http is allowed only for this machine and for hosts in endpoints.allow",
    };
    Err(refuse(why).hint(address.way_to_allow(allow)))
}

fn computed(request: &EndpointRequest) -> Result<Endpoint, Failure> {
    let region = match request.region.partition() {
        _ if request.service == Service::Iam => hosts::iam_region(request.partition),
        Some(partition) if partition == request.partition => request.region.clone(),
        Some(_) => Region::default_of(request.partition),
        None => {
            let cause = format!(
                "region '{}' is not an AWS region, so the host of {} is unknown",
                request.region,
                request.service.name()
            );
            let failure = Failure::new(Kind::Config, cause);
            return Err(match request.region.as_str().ends_with("-global") {
                true => failure.hint(format!(
                    "that is the name of a global endpoint; write a region, such as {}",
                    Region::default_of(request.partition)
                )),
                false => failure,
            });
        }
    };
    let host = hosts::host_of(request.service, request.partition, &region, request.fips, request.dualstack);
    let host = host.ok_or_else(|| unknown_host(request.service, request.partition))?;
    Ok(Endpoint { service: request.service, https: true, host, port: 443, kind: EndpointKind::Aws, region })
}

fn unknown_host(service: Service, partition: Partition) -> Failure {
    Failure::new(Kind::Config, format!("the host of {} in partition {} is not known", service.name(), partition.name()))
}

/// Returns the address of a console page in a region: a service's first page, or the console's own.
pub fn console_page(partition: Partition, region: &Region, service: Option<&str>) -> Result<String, Failure> {
    let host = hosts::console_host(partition, region).ok_or_else(|| unknown_host(Service::Console, partition))?;
    Ok(format!("https://{host}/{}/home?region={region}", service.unwrap_or("console")))
}

fn refuse(service: Service, given: &Sourced<String>, why: &str) -> Failure {
    // A password may precede the '@'.
    let shown = match given.value.contains('@') {
        true => "a URL with '@'".into(),
        false => format!("'{}'", given.value),
    };
    Failure::new(Kind::Config, format!("{} points {} to {shown}: {why}", given.origin, service.name()))
}

impl Endpoint {
    /// Returns which service it is of.
    pub fn service(&self) -> Service {
        self.service
    }

    /// Returns `scheme://host[:port]`, as the SDK gets it.
    pub fn url(&self) -> String {
        format!("{}://{}", if self.https { "https" } else { "http" }, self.host())
    }

    /// Returns the host, with the port unless it is the scheme's own.
    pub fn host(&self) -> String {
        let own = if self.https { 443 } else { 80 };
        if self.port == own { self.host.clone() } else { format!("{}:{}", self.host, self.port) }
    }

    /// Returns whose it is.
    pub fn kind(&self) -> EndpointKind {
        self.kind
    }

    /// Returns the region calls to it are signed for: the host's own where the host names one.
    pub fn region(&self) -> &Region {
        &self.region
    }

    /// Returns whether the connection is encrypted; loopback and hosts the settings allow may do without.
    pub fn is_https(&self) -> bool {
        self.https
    }

    /// Returns whether it is AWS's own.
    pub fn is_aws(&self) -> bool {
        self.kind == EndpointKind::Aws
    }

    /// Returns whether a token may go there, with which anybody who has it can act: to AWS's own hosts, and to those the
    /// settings allow. A server on this machine, which a variable can name, is another user's as easily as one's own;
    /// builds with the feature `sandbox` trust it.
    pub fn may_get_tokens(&self, allow: &[String]) -> bool {
        let is_named = || allow.iter().any(|entry| entry.trim().eq_ignore_ascii_case(&self.host()));
        self.kind != EndpointKind::Loopback || cfg!(feature = "sandbox") || is_named()
    }

    /// Returns what tells sessions of this endpoint from AWS's (P18): nothing for AWS's own, else the whole origin.
    pub fn identity(&self) -> Option<String> {
        let scheme = if self.https { "https" } else { "http" };
        (!self.is_aws()).then(|| format!("{scheme}://{}:{}", self.host, self.port))
    }

    /// Returns host and port as people read them: `127.0.0.1:4566`.
    pub fn shown(&self) -> String {
        self.host()
    }
}

/// `STS`, or `STS at 127.0.0.1:4566, not AWS`, as every message about a call names it.
impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.service.name();
        if self.is_aws() { f.write_str(name) } else { write!(f, "{name} at {}, not AWS", self.shown()) }
    }
}

/// `scheme://host[:port][/]` and nothing else, every part in its one plain notation.
struct Address {
    https: bool,
    host: String,
    port: u16,
}

impl Address {
    fn parse(text: &str) -> Result<Self, String> {
        if text.contains('@') {
            return Err("a user name or password in the URL is not allowed".into());
        }
        // `http::Uri` is what the connection is made from. It drops a fragment without a word.
        let uri: Uri = text.parse().map_err(|_| "it is not a valid URL (https://HOST)")?;
        if text.contains('#') || uri.query().is_some() || !matches!(uri.path(), "" | "/") {
            return Err("a path, query or fragment in the URL is not allowed".into());
        }
        let https = match uri.scheme_str() {
            Some("https") => true,
            Some("http") => false,
            _ => return Err("the URL must start with https://".into()),
        };
        let host = plain_host(uri.host().unwrap_or_default())?;
        let port = uri.port_u16().unwrap_or(if https { 443 } else { 80 });
        let authority = uri.authority().map(|a| a.as_str().to_ascii_lowercase()).unwrap_or_default();
        if port == 0 || (authority != host && authority != format!("{host}:{port}")) {
            return Err("invalid port".into());
        }
        Ok(Self { https, host, port })
    }

    fn awss_region(&self, service: Service, partition: Partition) -> Option<Region> {
        (self.https && self.port == 443).then(|| hosts::signing_region(service, partition, &self.host)).flatten()
    }

    fn is_loopback(&self) -> bool {
        self.host == "localhost" || literal(&self.host).is_some_and(|ip| ip.is_loopback())
    }

    /// An entry is a whole host, with its port unless that is the one of https. So a host that is allowed for https is not
    /// allowed without encryption by the same entry.
    fn is_allowed_by(&self, entry: &str) -> bool {
        let entry = entry.trim().to_ascii_lowercase();
        let is_plain_on_the_port_of_https = !self.https && self.port == 443;
        let is_named = entry == format!("{}:{}", self.host, self.port) || entry == self.entry();
        is_named && !is_plain_on_the_port_of_https
    }

    fn entry(&self) -> String {
        if self.https && self.port == 443 { self.host.clone() } else { format!("{}:{}", self.host, self.port) }
    }

    fn way_to_allow(&self, allow: &[String]) -> Hint {
        let all: Vec<String> = allow.iter().cloned().chain([self.entry()]).collect();
        let command = CommandLine::new(Verb::SettingsSet).with("endpoints.allow").with(all.join(","));
        command.to("if you trust that host with your keys and codes")
    }

    fn endpoint(self, service: Service, kind: EndpointKind, region: Region) -> Endpoint {
        Endpoint { service, https: self.https, host: self.host, port: self.port, kind, region }
    }
}

/// Returns the host in lower case, if it is a name of plain labels or an address in its one canonical notation.
fn plain_host(host: &str) -> Result<String, String> {
    let host = host.to_ascii_lowercase();
    if host.starts_with('[') || looks_like_a_number(&host) {
        return match literal(&host) {
            Some(_) => Ok(host),
            None => Err("an IP address must be written in its usual form (127.0.0.1, [::1])".into()),
        };
    }
    let label = |l: &str| {
        (1..=63).contains(&l.len())
            && l.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
            && !l.starts_with('-')
            && !l.ends_with('-')
    };
    if host.ends_with('.') {
        return Err("its host name ends with a dot".into());
    }
    if host.len() > 253 || !host.split('.').all(label) {
        return Err("invalid host name".into());
    }
    Ok(host)
}

/// An address only in the notation it prints as; an IPv4 address inside IPv6 is another notation of it.
fn literal(host: &str) -> Option<IpAddr> {
    if let Some(inner) = host.strip_prefix('[').and_then(|h| h.strip_suffix(']')) {
        let ip: Ipv6Addr = inner.parse().ok()?;
        return (ip.to_string() == inner && ip.to_ipv4_mapped().is_none()).then_some(IpAddr::V6(ip));
    }
    let ip: Ipv4Addr = host.parse().ok()?;
    (ip.to_string() == host).then_some(IpAddr::V4(ip))
}

/// Whether resolvers may read this as an IPv4 address (`0x7f.1`, `2130706433`, `0177.0.0.1`, `127.1`): its last label
/// is a number, as in the WHATWG URL standard's "ends in a number".
fn looks_like_a_number(host: &str) -> bool {
    let last = host.trim_end_matches('.').rsplit('.').next().unwrap_or_default();
    let hexadecimal = last.strip_prefix("0x").is_some_and(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()));
    !last.is_empty() && (last.bytes().all(|b| b.is_ascii_digit()) || hexadecimal)
}

#[cfg(test)]
mod tests;
