//! TLS with a good certificate and with two bad ones.

use std::io::{self, Write};
use std::net::TcpStream;
use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use twolock_sandbox::{Options, Tls};

use crate::wire::{Answer, World};

fn call(world: &World, name: &str) -> io::Result<Answer> {
    let ca = world.sandbox.ca_pem().unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(ca.as_bytes()).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from(name.to_owned()).unwrap();
    let connection = ClientConnection::new(Arc::new(config), name).unwrap();
    let socket = TcpStream::connect(("127.0.0.1", world.sandbox.port()))?;
    let mut stream = StreamOwned::new(connection, socket);
    let body = "Action=GetCallerIdentity&Version=2011-06-15";
    stream.write_all(&world.alice().request(body))?;
    Answer::read(stream)
}

#[test]
fn good_certificate_for_address_name_and_extra_name() {
    let world = World::with(Options {
        tls: Tls::Good,
        extra_names: vec!["sts.us-east-1.amazonaws.com".to_owned()],
        ..Options::default()
    });
    assert!(world.sandbox.url().starts_with("https://127.0.0.1:"));
    for name in ["127.0.0.1", "localhost", "sts.us-east-1.amazonaws.com"] {
        call(&world, name).unwrap().assert_good();
    }
    assert!(call(&world, "sts.eu-west-1.amazonaws.com").is_err());
}

#[test]
fn bad_certificates_are_bad_in_their_own_way() {
    for (tls, words) in [(Tls::WrongName, "not valid for name"), (Tls::Expired, "expired")] {
        let world = World::with(Options { tls, ..Options::default() });
        let error = call(&world, "127.0.0.1").unwrap_err().to_string();
        assert!(error.contains(words), "{tls:?}: {error}");
        assert!(world.sandbox.calls().is_empty());
        assert_eq!(world.sandbox.connections(), 1);
    }
}

#[test]
fn plain_server_has_no_authority() {
    let world = World::new();
    assert!(world.sandbox.ca_pem().is_none());
    assert!(world.sandbox.url().starts_with("http://127.0.0.1:"));
}
