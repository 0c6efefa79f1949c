//! The sink and the proxy: paths that must not be taken, or must.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use twolock_sandbox::{Proxy, Sink, SinkAnswer};

use crate::wire::{Answer, World};

fn local(port: u16) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], port))
}

fn head(stream: &mut TcpStream) -> String {
    let mut text = Vec::new();
    let mut byte = [0];
    while !text.ends_with(b"\r\n\r\n") && stream.read(&mut byte).unwrap() == 1 {
        text.push(byte[0]);
    }
    String::from_utf8(text).unwrap()
}

#[test]
fn sink_counts_and_keeps_first_bytes() {
    let sink = Sink::start(SinkAnswer::Bytes(b"HTTP/1.1 204 No\r\n\r\n".to_vec())).unwrap();
    assert_eq!(sink.connections(), 0);
    let mut stream = TcpStream::connect(sink.address()).unwrap();
    stream.write_all(b"hello").unwrap();
    assert!(head(&mut stream).starts_with("HTTP/1.1 204"));
    assert_eq!(sink.connections(), 1);
    assert_eq!(sink.first_bytes(), [b"hello"]);
}

#[test]
fn silent_sink_keeps_its_peer_waiting() {
    let sink = Sink::start(SinkAnswer::Silence).unwrap();
    let mut stream = TcpStream::connect(local(sink.port())).unwrap();
    stream.write_all(b"hello").unwrap();
    stream.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
    assert!(stream.read(&mut [0]).is_err());
    assert_eq!(sink.first_bytes(), [b"hello"]);
    stream.set_read_timeout(None).unwrap();
    drop(sink);
    assert!(matches!(stream.read(&mut [0]), Ok(0) | Err(_)));
}

#[test]
fn closing_sink_closes() {
    let sink = Sink::start(SinkAnswer::Close).unwrap();
    let mut stream = TcpStream::connect(sink.address()).unwrap();
    stream.write_all(b"hello").unwrap();
    assert!(matches!(stream.read(&mut [0]), Ok(0) | Err(_)));
}

#[test]
fn tunnel_to_a_name_that_the_test_knows() {
    let world = World::new();
    let place = ("sts.us-east-1.amazonaws.com:443", local(world.sandbox.port()));
    let proxy = Proxy::start(&[place]).unwrap();
    let mut stream = TcpStream::connect(local(proxy.port())).unwrap();
    let asked = "CONNECT sts.us-east-1.amazonaws.com:443 HTTP/1.1\r\n\
        Host: sts.us-east-1.amazonaws.com:443\r\nProxy-Authorization: Basic eA==\r\n\r\n";
    stream.write_all(asked.as_bytes()).unwrap();
    assert!(head(&mut stream).starts_with("HTTP/1.1 200"));
    let body = "Action=GetCallerIdentity&Version=2011-06-15";
    stream.write_all(&world.alice().request(body)).unwrap();
    Answer::read(stream).unwrap().assert_good();
    let request = proxy.requests().remove(0);
    assert_eq!(request.target, "sts.us-east-1.amazonaws.com:443");
    assert_eq!(request.authorization.as_deref(), Some("Basic eA=="));
    assert!(request.forwarded && proxy.connections() == 1);
}

#[test]
fn plain_requests_are_forwarded_whole() {
    let world = World::new();
    let proxy = Proxy::start(&[]).unwrap();
    let body = "Action=GetCallerIdentity&Version=2011-06-15";
    let request = String::from_utf8(world.alice().request(body)).unwrap();
    let absolute = format!("POST {}/ ", world.sandbox.url());
    let mut stream = TcpStream::connect(local(proxy.port())).unwrap();
    stream.write_all(request.replacen("POST / ", &absolute, 1).as_bytes()).unwrap();
    Answer::read(stream).unwrap().assert_good();
    assert!(proxy.url().ends_with(&proxy.port().to_string()));
}

#[test]
fn proxy_never_leaves_the_machine() {
    let proxy = Proxy::start(&[]).unwrap();
    for request in [
        "CONNECT sts.amazonaws.com:443 HTTP/1.1\r\n\r\n",
        "GET http://192.0.2.1/latest HTTP/1.1\r\n\r\n",
        "GET /no-address HTTP/1.1\r\n\r\n",
    ] {
        let mut stream = TcpStream::connect(local(proxy.port())).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        assert_eq!(Answer::read(stream).unwrap().status, 502, "{request}");
    }
    assert!(proxy.requests().iter().all(|request| !request.forwarded));
}
