//! The binary against the sandbox: each verb, each exit code, whole stdout and stderr.
#![cfg(unix)]

#[path = "../world/mod.rs"]
mod world;

mod credential_process;
