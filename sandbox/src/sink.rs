//! Listens where nothing should arrive, and remembers what did.

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::listener::{Listener, lock};

/// How much of each connection is kept.
const KEPT: usize = 4096;

/// What a sink does with a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SinkAnswer {
    /// Reads for ever and never answers.
    Silence,
    /// Closes as soon as the first bytes are there.
    Close,
    /// Sends these bytes once the first bytes are there, then closes.
    Bytes(Vec<u8>),
}

/// A server on 127.0.0.1 that counts connections; dropping it stops it.
#[derive(Debug)]
pub struct Sink {
    listener: Listener,
    seen: Arc<Mutex<Vec<Vec<u8>>>>,
}

impl Sink {
    /// Starts a sink on a free port.
    pub fn start(answer: SinkAnswer) -> io::Result<Sink> {
        let mut listener = Listener::bind(0)?;
        let seen = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&seen);
        listener.serve(move |mut socket, _| {
            // Kept from the first byte on, so a test sees them while the peer still waits.
            let mut room = [0; 1024];
            let mut at = None;
            while let Ok(count @ 1..) = socket.read(&mut room) {
                {
                    let mut all = lock(&kept);
                    let at = *at.get_or_insert_with(|| {
                        all.push(Vec::new());
                        all.len() - 1
                    });
                    let space = KEPT.saturating_sub(all[at].len());
                    all[at].extend_from_slice(&room[..count.min(space)]);
                }
                if answer != SinkAnswer::Silence {
                    break;
                }
            }
            if let SinkAnswer::Bytes(bytes) = &answer {
                // The peer may have closed the connection; that is fine. What it still sends is read
                // for a moment, because closing over unread bytes would destroy the answer.
                let _ = socket.write_all(bytes);
                let _ = socket.shutdown(Shutdown::Write);
                let _ = socket.set_read_timeout(Some(Duration::from_millis(200)));
                while let Ok(1..) = socket.read(&mut room) {}
            }
        });
        Ok(Sink { listener, seen })
    }

    pub fn address(&self) -> SocketAddr {
        self.listener.address()
    }

    pub fn port(&self) -> u16 {
        self.listener.address().port()
    }

    /// Returns how many connections were made, silent ones included.
    pub fn connections(&self) -> u64 {
        self.listener.gate().accepted()
    }

    /// Returns the first bytes of every connection that sent any.
    pub fn first_bytes(&self) -> Vec<Vec<u8>> {
        lock(&self.seen).clone()
    }
}
