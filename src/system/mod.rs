//! The machine: environment, clock, terminal, private files, locks, and a hardened process.
//!
//! May know the vocabulary; never AWS or profiles. What differs by platform stands in `unix.rs` and `windows.rs`
//! under the same function names, so callers have no `cfg`.

pub mod clock;
pub mod env;
pub mod lock;
pub mod private_file;
pub mod session_bus;

#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

#[cfg(unix)]
use unix as platform;
#[cfg(windows)]
use windows as platform;
