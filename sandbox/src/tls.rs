//! Makes a certificate authority and a server certificate at start, good or bad as asked.

use std::io;
use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};
use rustls::ServerConfig;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use time::{Duration, OffsetDateTime};

/// Whether the server speaks TLS, and what is wrong with its certificate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tls {
    #[default]
    Plain,
    /// For `localhost`, `127.0.0.1` and the extra names of the options.
    Good,
    /// For a name that no client asks for.
    WrongName,
    /// Good until yesterday.
    Expired,
}

/// What a server needs to speak TLS, and a client to trust it.
pub(crate) struct Identity {
    pub config: Arc<ServerConfig>,
    pub ca_pem: String,
}

/// Makes an authority and a certificate under it; nothing for plain HTTP.
pub(crate) fn identity(tls: Tls, extra_names: &[String]) -> io::Result<Option<Identity>> {
    if tls == Tls::Plain {
        return Ok(None);
    }
    make(tls, extra_names).map(Some).map_err(|error| io::Error::other(error.to_string()))
}

#[expect(clippy::disallowed_methods, reason = "a client checks certificates by the real clock, whatever ours says")]
fn make(tls: Tls, extra_names: &[String]) -> Result<Identity, Box<dyn std::error::Error>> {
    let today = OffsetDateTime::now_utc();
    let ca_key = KeyPair::generate()?;
    let mut ca = CertificateParams::default();
    ca.distinguished_name = named("twolock sandbox CA");
    ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    ca.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    ca.not_before = today - Duration::days(60);
    ca.not_after = today + Duration::days(60);
    let ca_pem = ca.self_signed(&ca_key)?.pem();
    let issuer = Issuer::new(ca, ca_key);

    let mut names = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
    names.extend_from_slice(extra_names);
    if tls == Tls::WrongName {
        names = vec!["elsewhere.invalid".to_owned()];
    }
    let mut leaf = CertificateParams::new(names)?;
    leaf.distinguished_name = named("twolock sandbox");
    leaf.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    leaf.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    // Strict verifiers, Python's among them, want to see which key has signed.
    leaf.use_authority_key_identifier_extension = true;
    leaf.not_before = today - Duration::days(30);
    leaf.not_after = match tls {
        Tls::Expired => today - Duration::days(1),
        _ => today + Duration::days(30),
    };
    let key = KeyPair::generate()?;
    let certificate = leaf.signed_by(&key, &issuer)?.der().clone();

    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)?;
    Ok(Identity { config: Arc::new(config), ca_pem })
}

fn named(common_name: &str) -> DistinguishedName {
    let mut name = DistinguishedName::new();
    name.push(DnType::CommonName, common_name);
    name
}
