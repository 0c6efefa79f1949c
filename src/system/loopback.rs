//! A page on this machine that redirects one request, of this user's browser alone, and is gone (threat-model P47 to P50).
//!
//! What another program may see, on a command line or in a browser's history, is an address that has served its purpose.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, SocketAddrV4, TcpListener, TcpStream};
use std::time::Duration;

use super::clock::Deadline;
use super::platform;
use crate::hex::hex;
use crate::secret::Secret;

/// Browsers send the cookies of all servers that ever were on this machine.
const LONGEST_HEAD: usize = 64 * 1024;
/// Browsers open connections in advance, and use one of them.
const MOST_CONNECTIONS: usize = 16;
/// After so many requests for something else, somebody is searching.
const MOST_WRONG: usize = 64;
const LOOK: Duration = Duration::from_millis(10);

/// The page. It listens on 127.0.0.1 only, and its path is 128 random bits.
pub struct RedirectOnce {
    listener: TcpListener,
    address: SocketAddrV4,
    path: Secret<String>,
}

/// How waiting for the request ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    Redirected,
    TimedOut,
    /// By too many wrong requests.
    Disturbed,
    /// The caller no longer waits.
    GivenUp,
}

impl RedirectOnce {
    pub fn listen() -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        listener.set_nonblocking(true)?;
        let address = SocketAddrV4::new(Ipv4Addr::LOCALHOST, listener.local_addr()?.port());
        let mut bits = [0; 16];
        getrandom::fill(&mut bits).map_err(|error| io::Error::other(error.to_string()))?;
        Ok(Self { listener, address, path: Secret::new(format!("/{}", hex(&bits))) })
    }

    /// The address that a browser is given.
    pub fn url(&self) -> String {
        format!("http://{}{}", self.address, self.path.expose())
    }

    /// Redirects one request for the page to `location`; every other request is answered with 404. Ends at `until`, or
    /// when `gives_up` says so.
    pub fn answer(self, location: &Secret<String>, until: Deadline, mut gives_up: impl FnMut() -> bool) -> Ended {
        let (mut connections, mut wrong) = (Vec::new(), 0);
        loop {
            self.accept(&mut connections);
            for connection in std::mem::take(&mut connections) {
                match connection.read() {
                    Heard::Part(connection) => connections.push(connection),
                    Heard::Nothing => {}
                    Heard::Request(stream, head) if self.is_for_us(&head) => {
                        reply(stream, &redirect(location));
                        return Ended::Redirected;
                    }
                    Heard::Request(stream, _) => {
                        reply(stream, &Secret::new(NOT_FOUND.into()));
                        wrong += 1;
                    }
                }
            }
            match () {
                () if until.has_passed() => return Ended::TimedOut,
                () if wrong > MOST_WRONG => return Ended::Disturbed,
                () if gives_up() => return Ended::GivenUp,
                () => std::thread::sleep(LOOK.min(until.left())),
            }
        }
    }

    fn accept(&self, connections: &mut Vec<Connection>) {
        while let Ok((stream, from)) = self.listener.accept() {
            let SocketAddr::V4(from) = from else { continue };
            // Another user gets not even an error.
            if platform::is_connection_of_another_user(from, self.address) || stream.set_nonblocking(true).is_err() {
                continue;
            }
            if connections.len() == MOST_CONNECTIONS {
                connections.remove(0);
            }
            connections.push(Connection { stream, head: Vec::new() });
        }
    }

    /// Whether a request is the one that a person's browser makes when it opens the address: no other page leads there,
    /// and no name but ours.
    fn is_for_us(&self, head: &[u8]) -> bool {
        let Ok(head) = std::str::from_utf8(head) else { return false };
        let mut lines = head.split("\r\n");
        let words: Vec<&str> = lines.next().unwrap_or_default().split(' ').collect();
        let ["GET", path, "HTTP/1.1"] = words[..] else { return false };
        let headers: Option<Vec<(&str, &str)>> = lines.map(|line| line.split_once(':')).collect();
        let Some(headers) = headers else { return false };
        let values = |name: &'static str| {
            let of_that_name = move |header: &&(&str, &str)| header.0.eq_ignore_ascii_case(name);
            headers.iter().filter(of_that_name).map(|(_, value)| value.trim())
        };
        is_same(path, self.path.expose())
            && values("host").eq([self.address.to_string().as_str()])
            && values("origin").next().is_none()
            && values("sec-fetch-site").all(|site| site == "none")
    }
}

/// A connection, and what came on it so far.
struct Connection {
    stream: TcpStream,
    head: Vec<u8>,
}

enum Heard {
    Part(Connection),
    /// The head of a request, without the empty line; nothing of one that is too long.
    Request(TcpStream, Vec<u8>),
    Nothing,
}

impl Connection {
    fn read(mut self) -> Heard {
        let mut piece = [0; 4096];
        loop {
            match self.stream.read(&mut piece) {
                Ok(0) => return Heard::Nothing,
                Ok(count) => self.head.extend_from_slice(&piece[..count]),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Heard::Part(self),
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(_) => return Heard::Nothing,
            }
            if let Some(end) = self.head.windows(4).position(|window| window == b"\r\n\r\n") {
                self.head.truncate(end);
                return Heard::Request(self.stream, self.head);
            }
            if self.head.len() > LONGEST_HEAD {
                return Heard::Request(self.stream, Vec::new());
            }
        }
    }
}

const NOT_FOUND: &str = "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";

fn redirect(location: &Secret<String>) -> Secret<String> {
    Secret::new(format!(
        "HTTP/1.1 302 Found\r\nLocation: {}\r\nReferrer-Policy: no-referrer\r\nCache-Control: no-store\r\n\
         Content-Length: 0\r\nConnection: close\r\n\r\n",
        location.expose()
    ))
}

/// A peer that does not read loses the answer, and holds nobody up.
fn reply(mut stream: TcpStream, answer: &Secret<String>) {
    let _ = stream.set_nonblocking(false);
    let _ = stream.set_write_timeout(Some(Duration::from_secs(1)));
    let _ = stream.write_all(answer.expose().as_bytes());
    let _ = stream.shutdown(Shutdown::Write);
}

/// Compares in a time that does not tell where they differ.
fn is_same(one: &str, other: &str) -> bool {
    let differs = |all: u8, (a, b): (u8, u8)| all | (a ^ b);
    one.len() == other.len() && one.bytes().zip(other.bytes()).fold(0, differs) == 0
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    const URL: &str = "https://signin.aws.amazon.com/federation?SigninToken=hush";
    const LONG: Duration = Duration::from_secs(30);

    /// Runs the page while a client talks to its host and path; returns how it ended and what the client returned.
    fn with_client<T: Send>(until: Duration, client: impl FnOnce(&str, &str) -> T + Send) -> (Ended, T) {
        let page = RedirectOnce::listen().unwrap();
        let (host, path) = (page.address.to_string(), page.path.expose().clone());
        assert_eq!(page.url(), format!("http://{host}{path}"));
        std::thread::scope(|scope| {
            let client = scope.spawn(move || client(&host, &path));
            let until = Deadline::after(Instant::now(), until);
            let ended = page.answer(&Secret::new(URL.into()), until, || false);
            (ended, client.join().unwrap())
        })
    }

    fn send(host: &str, request: &str) -> String {
        let mut stream = TcpStream::connect(host).unwrap();
        // What is too long is answered before it is read.
        let _ = stream.write_all(request.as_bytes());
        let mut answer = String::new();
        let _ = stream.read_to_string(&mut answer);
        answer
    }

    #[test]
    fn one_request_of_the_browser_is_redirected_and_the_page_is_gone() {
        let (ended, (path, answer)) = with_client(LONG, |host, path| {
            let _opened_in_advance = TcpStream::connect(host).unwrap();
            let request = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nSec-Fetch-Site: none\r\n\r\n");
            let answer = send(host, &request);
            std::thread::sleep(Duration::from_millis(100));
            assert!(TcpStream::connect(host).is_err(), "a second request");
            (path.to_owned(), answer)
        });
        assert_eq!((ended, path.len()), (Ended::Redirected, 33));
        let expected = format!(
            "HTTP/1.1 302 Found\r\nLocation: {URL}\r\nReferrer-Policy: no-referrer\r\nCache-Control: no-store\r\n\
             Content-Length: 0\r\nConnection: close\r\n\r\n"
        );
        assert_eq!(answer, expected);
    }

    #[test]
    fn every_other_request_gets_404_and_the_page_stays() {
        let (ended, (wrong, flood, right)) = with_client(LONG, |host, path| {
            let get = |path: &str, headers: &str| format!("GET {path} HTTP/1.1\r\n{headers}\r\n");
            let right = format!("Host: {host}\r\n");
            let port = host.split_once(':').unwrap().1;
            let wrong = [
                get("/", &right),
                get(&path[..path.len() - 1], &right),
                get(&format!("{path}?x"), &right),
                get(&format!("http://{host}{path}"), &right),
                get(path, ""),
                get(path, &format!("Host: localhost:{port}\r\n")),
                get(path, "Host: 127.0.0.1\r\n"),
                get(path, &format!("Host: evil.example:{port}\r\n")),
                get(path, &format!("{right}{right}")),
                get(path, &format!("{right}Origin: http://{host}\r\n")),
                get(path, &format!("{right}origin: null\r\n")),
                get(path, &format!("{right}Sec-Fetch-Site: cross-site\r\n")),
                get(path, &format!("{right}Sec-Fetch-Site: same-origin\r\n")),
                get(path, &format!("{right}folded\r\n")),
                get(path, &right).replace("GET", "POST"),
                get(path, &right).replace("GET", "HEAD"),
                get(path, &right).replace("HTTP/1.1", "HTTP/1.0"),
                get(path, &right).replace("GET ", "GET  "),
                "\r\n\r\n".into(),
            ];
            let wrong = wrong.map(|request| (send(host, &request), request));
            let flood = send(host, &"x".repeat(LONGEST_HEAD + 4096));
            (wrong, flood, send(host, &get(path, &right)))
        });
        for (answer, request) in wrong {
            assert_eq!(answer, NOT_FOUND, "{request}");
        }
        assert!(flood.is_empty() || flood == NOT_FOUND, "{flood}");
        assert!(right.starts_with("HTTP/1.1 302 Found\r\n"), "{right}");
        assert_eq!(ended, Ended::Redirected);
    }

    #[test]
    fn it_ends_at_its_bound_by_too_many_requests_and_when_the_caller_gives_up() {
        let (ended, ()) = with_client(Duration::from_millis(50), |_, _| ());
        assert_eq!(ended, Ended::TimedOut);
        let (ended, ()) = with_client(LONG, |host, _| {
            while let Ok(mut stream) = TcpStream::connect(host) {
                let _ = stream.write_all(b"GET / HTTP/1.1\r\n\r\n").and_then(|()| stream.read(&mut [0; 512]));
            }
        });
        assert_eq!(ended, Ended::Disturbed);
        let page = RedirectOnce::listen().unwrap();
        let until = Deadline::after(Instant::now(), LONG);
        assert_eq!(page.answer(&Secret::new(URL.into()), until, || true), Ended::GivenUp);
    }

    #[test]
    fn a_client_that_is_silent_holds_nobody_up() {
        let (ended, answer) = with_client(LONG, |host, path| {
            let silent: Vec<TcpStream> = (0..40).map(|_| TcpStream::connect(host).unwrap()).collect();
            let mut slow = TcpStream::connect(host).unwrap();
            slow.write_all(b"GET ").unwrap();
            let answer = send(host, &format!("GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n"));
            drop((silent, slow));
            answer
        });
        assert_eq!((ended, answer.starts_with("HTTP/1.1 302 ")), (Ended::Redirected, true), "{answer}");
    }
}
