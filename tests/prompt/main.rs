//! Questions on a real pseudo-terminal, programs that print codes or credentials, signals and the hardened process.
//!
//! The asking process is this test binary again, started as the ignored test `driver::driver` with a role; beside it
//! plays `driver::shell`, a shell with job control reduced to what a test needs.

#![cfg(unix)]

mod asking;
mod commands;
mod credential_programs;
mod driver;
mod ending;
mod hardened;
mod modes;
mod screen;
mod world;
