//! How bytes reach AWS: certificates, proxy, names, connect bounds (threat-model P17, P35, F30, F38).

use std::fs::File;
use std::io::Read;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore, rustls_provider::CryptoMode};
use aws_smithy_http_client::{Connector, ConnectorBuilder};
use aws_smithy_runtime_api::client::dns::{DnsFuture, ResolveDns, ResolveDnsError};
use aws_smithy_runtime_api::client::http::{HttpConnectorSettings, SharedHttpConnector};
use http::Uri;
use hyper_util::client::proxy::matcher::Matcher;
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use super::endpoint::{Endpoint, EndpointKind};
use crate::error::{Failure, Kind};
use crate::secret::Secret;
use crate::system::env::Env;
use crate::system::foreign_file::plain;

/// What the environment says about connections to one endpoint.
#[derive(Clone, Debug, Default)]
pub struct HttpSettings {
    extra_certificates: Vec<String>,
    proxy: Option<Proxy>,
}

/// The proxy a call goes through.
#[derive(Clone, Debug)]
pub(super) struct Proxy {
    /// With user name and password, if it has them.
    url: Secret<String>,
    /// `proxy.corp.example:3128`
    pub(super) shown: String,
    /// The variable that named it.
    pub(super) variable: &'static str,
}

impl HttpSettings {
    /// Reads `AWS_CA_BUNDLE` and the proxy variables as they bear on `endpoint`. The bundle adds to the system's
    /// certificates; one that cannot be read, or holds none, is a failure, never ignored.
    pub fn from_env(env: &Env, endpoint: &Endpoint) -> Result<Self, Failure> {
        if endpoint.is_https() {
            refuse_a_pipe_of_certificates(env)?;
        }
        let extra_certificates = match env.raw("AWS_CA_BUNDLE") {
            Some(path) if endpoint.is_https() => certificates(Path::new(path))?,
            _ => Vec::new(),
        };
        Ok(Self { extra_certificates, proxy: Proxy::for_endpoint(env, endpoint)? })
    }

    /// Returns host and port of the proxy and the variable that named it, as people read them.
    pub fn shown_proxy(&self) -> Option<String> {
        self.proxy.as_ref().map(|proxy| format!("{} ({})", proxy.shown, proxy.variable))
    }
}

/// A megabyte holds five times the certificates of a whole system.
const LARGEST_BUNDLE: u64 = 1 << 20;

/// Returns the PEM text of each usable certificate. The SDK panics on one that is not, so they are tried here first.
fn certificates(path: &Path) -> Result<Vec<String>, Failure> {
    let failure = |why: &str| {
        let cause = format!("AWS_CA_BUNDLE names '{}', which {why}", path.display());
        Failure::new(Kind::Config, cause).hint("set it to a file of PEM certificates, or unset AWS_CA_BUNDLE")
    };
    let text = read_regular(path).map_err(|why| failure(&format!("cannot be read: {}", plain(&why))))?;
    let usable: Vec<String> = pem_blocks(&text).filter(|block| is_usable(block)).map(str::to_owned).collect();
    if usable.is_empty() { Err(failure("contains no certificate")) } else { Ok(usable) }
}

/// The TLS library reads this file in place of the system's certificates, and would wait for a pipe beyond every bound.
fn refuse_a_pipe_of_certificates(env: &Env) -> Result<(), Failure> {
    match env.raw("SSL_CERT_FILE").map(Path::new) {
        Some(path) if std::fs::metadata(path).is_ok_and(|found| !found.is_file()) => {
            let shown = path.display();
            let cause = format!("SSL_CERT_FILE names '{shown}', which cannot be read: it is not a regular file");
            Err(Failure::new(Kind::Config, cause).hint("set it to a file of PEM certificates, or unset SSL_CERT_FILE"))
        }
        _ => Ok(()),
    }
}

fn read_regular(path: &Path) -> std::io::Result<String> {
    // A FIFO would be waited for, so the kind is asked before it is opened.
    if !std::fs::metadata(path)?.is_file() {
        return Err(std::io::Error::other("it is not a regular file"));
    }
    let mut text = Vec::new();
    File::open(path)?.take(LARGEST_BUNDLE + 1).read_to_end(&mut text)?;
    if text.len() as u64 > LARGEST_BUNDLE {
        return Err(std::io::Error::other("it is larger than 1 MiB"));
    }
    Ok(String::from_utf8_lossy(&text).into_owned())
}

fn pem_blocks(text: &str) -> impl Iterator<Item = &str> {
    const END: &str = "-----END CERTIFICATE-----";
    let begins = text.match_indices("-----BEGIN CERTIFICATE-----").map(|(at, _)| at);
    begins.filter_map(move |at| text[at..].find(END).map(|end| &text[at..at + end + END.len()]))
}

fn is_usable(block: &str) -> bool {
    CertificateDer::from_pem_slice(block.as_bytes()).is_ok_and(|der| RootCertStore::empty().add(der).is_ok())
}

impl Proxy {
    fn for_endpoint(env: &Env, endpoint: &Endpoint) -> Result<Option<Self>, Failure> {
        const VARIABLES: [&str; 4] = ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];
        // Plain http goes to this machine or the user's own network, and a proxy is never used for it.
        let is_near = endpoint.kind() == EndpointKind::Loopback || !endpoint.is_https();
        let first_set = |names: &[&'static str]| names.iter().copied().find(|name| env.raw(name).is_some());
        let Some(variable) = first_set(&VARIABLES).filter(|_| !is_near) else {
            return Ok(None);
        };
        let read = |name| Ok::<_, Failure>(env.readable(name)?.unwrap_or_default());
        let text = read(variable)?;
        let exempt = first_set(&["NO_PROXY", "no_proxy"]).map_or(Ok(""), read)?;
        if is_exempt(endpoint, exempt) {
            return Ok(None);
        }
        let url = if text.contains("://") { text.to_owned() } else { format!("http://{text}") };
        let uri: Option<Uri> = url.parse().ok();
        let shown = uri.as_ref().and_then(shown_host).ok_or_else(|| {
            Failure::new(Kind::Config, format!("{variable} names a proxy that cannot be used"))
                .hint("write http://HOST:PORT; socks proxies are not supported")
                .hint(format!("to connect without it: NO_PROXY={}", endpoint.host()))
        })?;
        Ok(Some(Self { url: Secret::new(url), shown, variable }))
    }
}

/// Host and port of a proxy we can talk to, without user name and password.
fn shown_host(uri: &Uri) -> Option<String> {
    let port = match uri.scheme_str()? {
        "http" => 80,
        "https" => 443,
        _ => return None,
    };
    Some(format!("{}:{}", uri.host().filter(|host| !host.is_empty())?, uri.port_u16().unwrap_or(port)))
}

fn is_exempt(endpoint: &Endpoint, rules: &str) -> bool {
    let anywhere = Matcher::builder().all("http://proxy.invalid").no(rules).build();
    endpoint.url().parse().is_ok_and(|uri: Uri| anywhere.intercept(&uri).is_none())
}

/// The connectors of one endpoint, made when they are needed: the system's certificates take 5 ms to read.
#[derive(Debug)]
pub(super) struct Connectors {
    https: bool,
    settings: HttpSettings,
    built: Mutex<Vec<(Duration, SharedHttpConnector)>>,
}

impl Connectors {
    pub(super) fn new(endpoint: &Endpoint, settings: HttpSettings) -> Arc<Self> {
        Arc::new(Self { https: endpoint.is_https(), settings, built: Mutex::default() })
    }

    pub(super) fn proxy(&self) -> Option<&Proxy> {
        self.settings.proxy.as_ref()
    }

    /// Returns the connector that gives up connecting after `connect`.
    pub(super) fn within(&self, connect: Duration) -> SharedHttpConnector {
        let mut built = self.built.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, connector)) = built.iter().find(|(bound, _)| *bound == connect) {
            return connector.clone();
        }
        let connector = SharedHttpConnector::new(self.build(connect));
        built.push((connect, connector.clone()));
        connector
    }

    fn build(&self, connect: Duration) -> Connector {
        let mut roots = TrustStore::empty().with_native_roots(self.https);
        for block in &self.settings.extra_certificates {
            roots.add_pem_certificate(block.as_bytes());
        }
        let tls = TlsContext::builder().with_trust_store(roots).build().expect("a trust store is all it needs");
        let proxy = self.proxy().map(|proxy| {
            ProxyConfig::https(proxy.url.expose().as_str()).expect("the address was read when the settings were")
        });
        ConnectorBuilder::default()
            .connector_settings(HttpConnectorSettings::builder().connect_timeout(connect).build())
            .proxy_config(proxy.unwrap_or_else(ProxyConfig::disabled))
            // Long enough for the roles of one chain; a connection that idled while a person typed might be dead,
            // and would take the code with it.
            .pool_idle_timeout(Duration::from_secs(2))
            .tls_provider(Provider::rustls(CryptoMode::Ring))
            .tls_context(tls)
            .build_with_resolver(Resolver)
    }
}

/// The system's resolver, but for `localhost`, which is this machine whatever the hosts file says.
#[derive(Clone, Debug)]
struct Resolver;

impl ResolveDns for Resolver {
    fn resolve_dns<'a>(&'a self, name: &'a str) -> DnsFuture<'a> {
        if name == "localhost" {
            return DnsFuture::ready(Ok(vec![IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)]));
        }
        DnsFuture::new(async move {
            let found = tokio::net::lookup_host((name, 0)).await.map_err(ResolveDnsError::new)?;
            Ok(found.map(|address| address.ip()).collect())
        })
    }
}
