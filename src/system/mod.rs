//! The machine: environment, clock, terminal, private files, locks, and a hardened process.
//!
//! May know the vocabulary; never AWS or profiles. What differs by platform is in `unix` and `windows`
//! under the same function names, so callers have no `cfg`.

pub mod browser;
pub mod child;
pub mod clock;
pub mod confinement;
pub mod desktop;
pub mod directories;
pub mod env;
pub mod foreign_file;
pub mod harden;
pub mod lock;
pub mod log;
pub mod loopback;
pub mod obstacle;
pub mod own_program;
pub mod owner;
pub mod parent;
pub(crate) mod path_owners;
pub mod permissions;
pub mod private_file;
pub mod program_line;
pub(crate) mod programs;
pub mod running;
pub mod signals;
#[cfg(all(unix, not(target_os = "macos")))]
pub mod sockets;
pub mod stdin;
pub mod terminal;
mod terminal_events;
pub mod turn;
pub mod user;
pub mod words;

#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

#[cfg(unix)]
use unix as platform;
#[cfg(windows)]
use windows as platform;
