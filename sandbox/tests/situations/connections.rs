//! Connections: kept, closed, and stopped with the server.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use crate::wire::{Answer, World};

const WHO: &str = "Action=GetCallerIdentity&Version=2011-06-15";

fn kept(world: &World) -> Vec<u8> {
    let request = String::from_utf8(world.alice().request(WHO)).unwrap();
    request.replace("connection: close\r\n", "").into_bytes()
}

#[test]
fn several_calls_on_one_connection() {
    let world = World::new();
    let mut stream = TcpStream::connect(world.alice().address).unwrap();
    let mut both = kept(&world);
    both.extend(kept(&world));
    stream.write_all(&both).unwrap();
    stream.write_all(&world.alice().request(WHO)).unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    assert_eq!(text.matches("HTTP/1.1 200 OK").count(), 3);
    assert_eq!(world.sandbox.count("GetCallerIdentity"), 3);
    assert_eq!(world.sandbox.connections(), 1);
    assert!(world.sandbox.calls().iter().all(|call| call.connection == 1));
}

#[test]
fn body_announced_to_a_client_that_waits_for_leave() {
    let world = World::new();
    let request = String::from_utf8(world.alice().request(WHO)).unwrap();
    let request = request.replacen("\r\n\r\n", "\r\nexpect: 100-continue\r\n\r\n", 1);
    let (head, body) = request.split_at(request.len() - WHO.len());
    let mut stream = TcpStream::connect(world.alice().address).unwrap();
    stream.write_all(head.as_bytes()).unwrap();
    let mut leave = [0; 25];
    stream.read_exact(&mut leave).unwrap();
    assert_eq!(&leave, b"HTTP/1.1 100 Continue\r\n\r\n");
    stream.write_all(body.as_bytes()).unwrap();
    Answer::read(stream).unwrap().assert_good();
}

#[test]
fn what_is_no_http_is_refused_and_does_not_count_as_a_call() {
    let world = World::new();
    let mut stream = TcpStream::connect(world.alice().address).unwrap();
    stream.write_all(b"nonsense\r\n\r\n").unwrap();
    assert_eq!(Answer::read(stream).unwrap().status, 400);
    drop(TcpStream::connect(world.alice().address).unwrap());
    assert!(world.sandbox.calls().is_empty());
}

#[test]
fn stopped_server_cuts_its_connections() {
    let world = World::new();
    let mut idle = TcpStream::connect(world.alice().address).unwrap();
    idle.write_all(&kept(&world)).unwrap();
    let mut byte = [0];
    idle.read_exact(&mut byte).unwrap();
    drop(world);
    idle.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let mut rest = Vec::new();
    // Either end will do; it must not be a time-out.
    if let Err(error) = idle.read_to_end(&mut rest) {
        assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
    }
}
