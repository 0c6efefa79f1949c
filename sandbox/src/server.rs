//! Runs a connection: TLS if wanted, request after request, and the ways an answer may fail to come.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::Arc;

use rustls::{ServerConfig, ServerConnection, StreamOwned};

use crate::clock::http_date;
use crate::http::{Request, Response, Unread, read_request};
use crate::service::{Reply, Sending, Service};
use crate::{page, rest, signin};

trait Stream: Read + Write {
    /// Says goodbye, where the protocol has a word for it.
    fn say_goodbye(&mut self) {}
}

impl Stream for TcpStream {}

impl Stream for StreamOwned<ServerConnection, TcpStream> {
    fn say_goodbye(&mut self) {
        self.conn.send_close_notify();
        // The peer may close the connection first.
        let _ = self.flush();
    }
}

/// Serves a connection until either side has had enough.
pub(crate) fn serve(service: &Service, tls: Option<&Arc<ServerConfig>>, socket: TcpStream, number: u64) {
    let Ok(bare) = socket.try_clone() else {
        return;
    };
    let mut stream: Box<dyn Stream> = match tls {
        None => Box::new(socket),
        Some(config) => match ServerConnection::new(Arc::clone(config)) {
            Ok(connection) => Box::new(StreamOwned::new(connection, socket)),
            Err(_) => return,
        },
    };
    // A peer that goes away ends the connection and nothing else.
    let _ = converse(service, stream.as_mut(), number);
    // After half a body the peer must see the end now, not when the last handle is dropped.
    let _ = bare.shutdown(Shutdown::Both);
}

fn converse(service: &Service, stream: &mut dyn Stream, number: u64) -> io::Result<()> {
    let mut carry = Vec::new();
    loop {
        let request = match read_request(stream, &mut carry) {
            Ok(Some(request)) => request,
            Ok(None) => return Ok(()),
            Err(Unread::Io(error)) => return Err(error),
            Err(Unread::Refused(status)) => {
                let response = Response::new(status, "text/plain", "refused\n");
                return send_whole(stream, &response);
            }
        };
        let reply = answer(service, &request, number);
        if !reply.delay.is_zero() && !service.gate.wait(reply.delay) {
            return Ok(());
        }
        match reply.sending {
            Sending::Whole => send_whole(stream, &reply.response)?,
            Sending::Half => {
                let half = reply.response.body.len() / 2;
                stream.write_all(&reply.response.head())?;
                stream.write_all(&reply.response.body[..half])?;
                return stream.flush();
            }
            Sending::Nothing => return Ok(()),
            Sending::Silence => return stay_silent(stream),
        }
        if request.wants_close() {
            stream.say_goodbye();
            return Ok(());
        }
    }
}

fn answer(service: &Service, request: &Request, number: u64) -> Reply {
    match page::answer(service, request) {
        Some(mut response) => {
            let date = ("Date", http_date(service.now()));
            response.headers.push(date);
            response.into()
        }
        None => rest::answer(service, request, number)
            .or_else(|| signin::answer(service, request, number))
            .unwrap_or_else(|| service.call(request, number)),
    }
}

fn send_whole(stream: &mut dyn Stream, response: &Response) -> io::Result<()> {
    let mut bytes = response.head();
    bytes.extend_from_slice(&response.body);
    stream.write_all(&bytes)?;
    stream.flush()
}

/// Reads until the peer gives up; stopping the server shuts the socket and ends this too.
fn stay_silent(stream: &mut dyn Stream) -> io::Result<()> {
    let mut room = [0; 1024];
    while stream.read(&mut room)? > 0 {}
    Ok(())
}
