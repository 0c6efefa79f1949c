//! README, docs/ and the citations in comments: every link, command and sample is run or compared.
//!
//! `TWOLOCK_DOCS_BLESS=1 cargo test --all-features --test docs` writes the program's real output into the samples.
#![cfg(target_os = "linux")]
#![allow(clippy::disallowed_methods, reason = "tests stand outside the program's layers")]

#[path = "../world/mod.rs"]
mod world;

mod citations;
mod commands;
mod fences;
mod links;
mod pages;
mod readme;
mod reference;
mod samples;
mod stage;
mod tidy;
mod words;
