//! What `env` and `init` print, evaluated by the real shells: one list of scenes for all, and what only one can do.
#![cfg(unix)]

#[path = "../world/mod.rs"]
mod world;

mod by_name;
mod calling;
mod completing;
mod failing;
mod interrupted;
mod options;
mod picking;
mod powershell;
mod quoting;
mod read_only;
mod scenes;
mod segment;
mod shells;
mod switching;
