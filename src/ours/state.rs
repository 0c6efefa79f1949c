//! `state.json`: what twolock remembers and can do without. Each part of it has a field.
//!
//! A damaged file counts as absent; a newer version is not read, and not overwritten.

use std::io;
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::{Map, Value, json};

use crate::system::clock::Deadline;
use crate::system::lock::{FileLock, LockError};
use crate::system::private_file::{create_private_dir, read_private, write_atomically};

pub(super) const FILE: &str = "state.json";
const LARGEST_FILE: u64 = 4 << 20;
/// The longest wait for another twolock process.
const LOCK_BOUND: Duration = Duration::from_millis(200);

enum Stored {
    /// Version 1, with unknown fields.
    Ours(Map<String, Value>),
    /// Missing or damaged.
    Nothing,
    Newer,
}

/// Reads the fields of the file in a state directory: none, if it is missing, damaged or newer.
pub(super) fn read(directory: &Path) -> Map<String, Value> {
    match stored(directory) {
        Stored::Ours(state) => state,
        Stored::Nothing | Stored::Newer => Map::new(),
    }
}

fn stored(directory: &Path) -> Stored {
    let Ok(bytes) = read_private(&directory.join(FILE), LARGEST_FILE) else { return Stored::Nothing };
    match serde_json::from_slice(&bytes) {
        Ok(Value::Object(state)) => match state.get("v").and_then(Value::as_u64) {
            Some(1) => Stored::Ours(state),
            Some(2..) => Stored::Newer,
            _ => Stored::Nothing,
        },
        _ => Stored::Nothing,
    }
}

/// Changes the fields, and writes them if `act` says so.
pub(super) fn change(directory: &Path, act: impl FnOnce(&mut Map<String, Value>) -> bool) -> io::Result<()> {
    create_private_dir(directory)?;
    let _lock = match FileLock::acquire(&directory.join("state.lock"), Deadline::after(Instant::now(), LOCK_BOUND)) {
        Ok(lock) => Some(lock),
        Err(LockError::Held) => return Err(io::ErrorKind::WouldBlock.into()),
        // Without a lock one of two simultaneous changes may be lost.
        Err(LockError::Unavailable(_)) => None,
    };
    let mut state = match stored(directory) {
        Stored::Ours(state) => state,
        Stored::Nothing => Map::new(),
        Stored::Newer => return Ok(()),
    };
    if !act(&mut state) {
        return Ok(());
    }
    state.insert("v".into(), json!(1));
    write_atomically(&directory.join(FILE), Value::Object(state).to_string().as_bytes())
}
