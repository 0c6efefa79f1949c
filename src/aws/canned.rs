//! Servers of tests that give canned answers, each of which does one thing wrong.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// A server that gives each connection the next of its answers, and the last one for ever.
pub(super) struct Server {
    pub(super) url: String,
    requests: Arc<Mutex<Vec<String>>>,
}

/// What a connection gets after its request was read whole: bytes, then a close, or silence.
#[derive(Clone)]
pub(super) enum Answer {
    Bytes(Vec<u8>),
    Silence,
}

impl Server {
    pub(super) fn start(answers: Vec<Answer>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let requests = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&requests);
        std::thread::spawn(move || {
            let mut open = Vec::new();
            for (at, socket) in listener.incoming().enumerate() {
                let mut socket = socket.unwrap();
                kept.lock().unwrap().push(read_request(&mut socket));
                match &answers[at.min(answers.len() - 1)] {
                    Answer::Bytes(bytes) => drop(socket.write_all(bytes)),
                    Answer::Silence => open.push(socket),
                }
            }
        });
        Self { url, requests }
    }

    pub(super) fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }
}

pub(super) fn read_request(socket: &mut TcpStream) -> String {
    let mut text = String::new();
    let mut buffer = [0; 4096];
    while let Ok(n @ 1..) = socket.read(&mut buffer) {
        text.push_str(&String::from_utf8_lossy(&buffer[..n]));
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length =
            head.to_ascii_lowercase().split("content-length: ").nth(1).map_or(0, |rest| {
                rest.chars().take_while(char::is_ascii_digit).collect::<String>().parse().unwrap_or(0)
            });
        if body.len() >= length {
            break;
        }
    }
    text
}

pub(super) fn http(status: &str, headers: &str, body: &str) -> Answer {
    let length = body.len();
    Answer::Bytes(
        format!("HTTP/1.1 {status}\r\ncontent-length: {length}\r\n{headers}connection: close\r\n\r\n{body}").into(),
    )
}
