//! What goes wrong from outside, and its one stated outcome: the binary from end to end, named by situation.
//!
//! The ids (P1, F20, …) are those of the threat model; README.md lists what stands where, and what is left out.
#![cfg(target_os = "linux")]

#[path = "../world/mod.rs"]
mod world;

use world::desktop;

mod machine;
mod outcome;
mod somebody;

mod adoptions;
mod cache_identity;
mod callers_that_leave;
mod clocks;
mod code_programs;
mod codes_sent_once;
mod declined_questions;
mod doctor;
mod edits;
mod ending;
mod endpoints;
mod enforced;
mod enrollments;
mod environment;
mod file_size;
mod foreign_locks;
mod forged_sessions;
mod forgetting;
mod hardened;
mod homes;
mod keyrings;
mod keys;
mod many_callers;
mod network;
mod no_keyring;
mod renewal;
mod rotations;
mod sandboxes;
mod secrets_on_disk;
mod setups;
mod sign_in_secrets;
mod sign_ins;
mod signals;
mod slow_sources;
mod stale_preview;
mod streams;
mod turns;
mod unfinished;
mod warm_path;
mod wounds;
