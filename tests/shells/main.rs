//! What `env` prints, evaluated by the real shells: one list of scenes for all, and what only one of them can do.
#![cfg(unix)]

#[path = "../world/mod.rs"]
mod world;

mod calling;
mod failing;
mod interrupted;
mod options;
mod powershell;
mod quoting;
mod read_only;
mod scenes;
mod shells;
