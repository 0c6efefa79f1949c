//! Accepts connections on loopback, a thread each, and can cut them all at once.

use std::collections::HashMap;
use std::io;
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// Locks shared state; a thread that panicked has already failed its test.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What a server knows about its connections while it runs.
#[derive(Debug, Default)]
pub(crate) struct Gate {
    stopping: AtomicBool,
    accepted: AtomicU64,
    open: Mutex<HashMap<u64, TcpStream>>,
}

impl Gate {
    /// Returns how many connections were accepted so far.
    pub(crate) fn accepted(&self) -> u64 {
        self.accepted.load(Ordering::SeqCst)
    }

    /// Waits that long, or until the server stops; says whether it may go on.
    pub(crate) fn wait(&self, time: Duration) -> bool {
        let end = Instant::now() + time;
        while !self.stopping.load(Ordering::SeqCst) {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return true;
            }
            thread::sleep(left.min(Duration::from_millis(20)));
        }
        false
    }

    fn enter(&self, stream: &TcpStream) -> Option<u64> {
        let mut open = lock(&self.open);
        if self.stopping.load(Ordering::SeqCst) {
            return None;
        }
        let number = self.accepted.fetch_add(1, Ordering::SeqCst) + 1;
        open.insert(number, stream.try_clone().ok()?);
        Some(number)
    }

    fn leave(&self, number: u64) {
        lock(&self.open).remove(&number);
    }

    fn close(&self) {
        let open = lock(&self.open);
        self.stopping.store(true, Ordering::SeqCst);
        for stream in open.values() {
            // A socket that its peer has closed already is what we want.
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
}

struct Leaving {
    gate: Arc<Gate>,
    number: u64,
}

impl Drop for Leaving {
    fn drop(&mut self) {
        self.gate.leave(self.number);
    }
}

/// A port on 127.0.0.1 that is served until this is dropped.
#[derive(Debug)]
pub(crate) struct Listener {
    address: SocketAddr,
    gate: Arc<Gate>,
    socket: Option<TcpListener>,
    thread: Option<JoinHandle<()>>,
}

impl Listener {
    /// Takes a port of 127.0.0.1, a free one for 0, without accepting yet.
    pub(crate) fn bind(port: u16) -> io::Result<Listener> {
        let socket = TcpListener::bind((Ipv4Addr::LOCALHOST, port))?;
        Ok(Listener {
            address: socket.local_addr()?,
            gate: Arc::new(Gate::default()),
            socket: Some(socket),
            thread: None,
        })
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn gate(&self) -> &Arc<Gate> {
        &self.gate
    }

    /// Accepts from now on; each connection runs `handle` in its own thread, with its number.
    pub(crate) fn serve(&mut self, handle: impl Fn(TcpStream, u64) + Send + Sync + 'static) {
        let Some(socket) = self.socket.take() else {
            return;
        };
        let gate = Arc::clone(&self.gate);
        let handle = Arc::new(handle);
        self.thread = Some(thread::spawn(move || {
            for stream in socket.incoming() {
                if gate.stopping.load(Ordering::SeqCst) {
                    return;
                }
                let Ok(stream) = stream else { continue };
                let Some(number) = gate.enter(&stream) else {
                    continue;
                };
                let (gate, handle) = (Arc::clone(&gate), Arc::clone(&handle));
                thread::spawn(move || {
                    // Small answers in two writes would wait for the peer's acknowledgement.
                    let _ = stream.set_nodelay(true);
                    // Also after a panic: the copy kept for stopping would hold the connection open.
                    let _leaving = Leaving { gate, number };
                    handle(stream, number);
                });
            }
        }));
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.gate.close();
        // `accept` has no other way to notice; the connection itself is not counted.
        let _ = TcpStream::connect(self.address);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
