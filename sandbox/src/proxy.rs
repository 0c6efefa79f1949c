//! Forwards like a company's proxy, CONNECT and plain, but only to loopback or where a test says.

use std::collections::HashMap;
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use crate::http::{Request, Response, read_request};
use crate::listener::{Listener, lock};

/// One request that a proxy was asked to forward.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proxied {
    pub method: String,
    /// `host:port` for CONNECT, else the whole address.
    pub target: String,
    pub forwarded: bool,
    pub authorization: Option<String>,
}

/// An HTTP proxy on 127.0.0.1; dropping it stops it.
#[derive(Debug)]
pub struct Proxy {
    listener: Listener,
    seen: Arc<Mutex<Vec<Proxied>>>,
}

/// Where `host:port` leads; loopback leads to itself, all else nowhere.
type Routes = HashMap<String, SocketAddr>;

impl Proxy {
    /// Starts a proxy that connects these `host:port` names to these addresses.
    pub fn start(routes: &[(&str, SocketAddr)]) -> io::Result<Proxy> {
        let routes: Routes = routes.iter().map(|(name, address)| (name.to_lowercase(), *address)).collect();
        let mut listener = Listener::bind(0)?;
        let seen = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&seen);
        listener.serve(move |socket, _| {
            // A peer that goes away ends its own connection only.
            let _ = forward(socket, &routes, &kept);
        });
        Ok(Proxy { listener, seen })
    }

    /// Returns the address for `HTTPS_PROXY` and `HTTP_PROXY`.
    pub fn url(&self) -> String {
        format!("http://{}", self.listener.address())
    }

    pub fn port(&self) -> u16 {
        self.listener.address().port()
    }

    pub fn connections(&self) -> u64 {
        self.listener.gate().accepted()
    }

    /// Returns what it was asked to forward, in order.
    pub fn requests(&self) -> Vec<Proxied> {
        lock(&self.seen).clone()
    }
}

fn forward(mut client: TcpStream, routes: &Routes, seen: &Mutex<Vec<Proxied>>) -> io::Result<()> {
    let mut carry = Vec::new();
    let Ok(Some(request)) = read_request(&mut client, &mut carry) else {
        return Ok(());
    };
    let connect = request.method == "CONNECT";
    let (place, path) =
        if connect { (request.target.to_lowercase(), String::new()) } else { split_address(&request.target) };
    let upstream = resolve(&place, routes).and_then(|address| TcpStream::connect(address).ok());
    lock(seen).push(Proxied {
        method: request.method.clone(),
        target: request.target.clone(),
        forwarded: upstream.is_some(),
        authorization: request.header("proxy-authorization").map(str::to_owned),
    });
    let Some(mut upstream) = upstream else {
        let response = Response::new(502, "text/plain", "not forwarded\n");
        client.write_all(&response.head())?;
        return client.write_all(&response.body);
    };
    if connect {
        client.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n")?;
        upstream.write_all(&carry)?;
    } else {
        upstream.write_all(&origin_form(&request, &path))?;
    }
    join(client, upstream)
}

/// Returns `host:port` and the path of an absolute address.
fn split_address(target: &str) -> (String, String) {
    let rest = target.strip_prefix("http://").unwrap_or_default();
    let (place, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let place = place.to_lowercase();
    let with_port =
        place.rsplit(':').next().is_some_and(|port| place.contains(':') && port.bytes().all(|b| b.is_ascii_digit()));
    let place = if with_port { place } else { place + ":80" };
    (place, if path.is_empty() { "/".to_owned() } else { path.to_owned() })
}

fn resolve(place: &str, routes: &Routes) -> Option<SocketAddr> {
    if let Some(address) = routes.get(place) {
        return Some(*address);
    }
    let (host, port) = place.rsplit_once(':')?;
    // Never beyond this machine, whatever a test under way asks for.
    matches!(host, "localhost" | "127.0.0.1")
        .then(|| Some(SocketAddr::from((Ipv4Addr::LOCALHOST, port.parse().ok()?))))?
}

/// Writes a request as its server wants it; one a connection, so that the end is the end.
fn origin_form(request: &Request, path: &str) -> Vec<u8> {
    let mut text = format!("{} {path} HTTP/1.1\r\n", request.method);
    for (name, value) in &request.headers {
        let ours = name.to_lowercase();
        if !ours.starts_with("proxy-") && ours != "connection" {
            text.push_str(&format!("{name}: {value}\r\n"));
        }
    }
    text.push_str("Connection: close\r\n\r\n");
    let mut bytes = text.into_bytes();
    bytes.extend_from_slice(&request.body);
    bytes
}

/// Carries bytes both ways until both sides have ended.
fn join(client: TcpStream, upstream: TcpStream) -> io::Result<()> {
    let (up_from, up_to) = (client.try_clone()?, upstream.try_clone()?);
    let up = thread::spawn(move || carry_over(up_from, up_to));
    carry_over(upstream, client);
    let _ = up.join();
    Ok(())
}

fn carry_over(mut from: TcpStream, mut to: TcpStream) {
    let mut room = [0; 4096];
    while let Ok(count @ 1..) = from.read(&mut room) {
        if to.write_all(&room[..count]).is_err() {
            break;
        }
    }
    // The other direction may still have something to say.
    let _ = to.shutdown(Shutdown::Write);
}
