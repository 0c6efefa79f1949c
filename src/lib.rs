//! twolock: MFA session credential helper and profile manager for AWS.

#![deny(missing_docs)]

pub mod arn;
pub mod credentials;
pub mod duration;
pub mod error;
pub mod names;
pub mod origin;
pub mod role;
pub mod secret;
pub mod timestamp;
pub mod visible;

pub mod system;

pub mod config;
pub mod profile;

pub mod aws;
pub mod prompt;
pub mod store;

pub mod session;

pub mod output;

pub mod cli;
pub mod cmd;
