//! `key …`: the command line of long-term access keys.

use std::time::Duration;

use clap::{Args, Subcommand};

use super::{ProfileAndCode, span};

#[derive(Debug, Subcommand)]
pub enum Key {
    /// Replace a profile's access key by a new one, without a moment in which no key works
    #[command(after_help = "\
Examples:
  twolock key rotate work             # creates, verifies and uses a new key, then switches the old one off
  twolock key rotate work --dry-run   # shows the steps
  twolock key rotate work --back      # switches the old key on again
  twolock key rotate work --finish    # deletes the old key
  twolock key rotate --all --older-than 60d

It asks for a code, and for another one after the new key is in use. The old key stays switched off for a week, in case \
another machine needs it. If it is interrupted, run it again: it goes on where it stopped. Sessions made with the old key \
stay valid at AWS until they expire, up to 36 hours.")]
    Rotate(KeyRotate),
}

#[derive(Args, Debug, Default)]
pub struct KeyRotate {
    #[command(flatten)]
    pub profile: ProfileAndCode,
    /// Rotate the key of every profile that has one
    #[arg(long, conflicts_with_all = ["positional", "flag", "finish", "back"])]
    pub all: bool,
    /// With --all: leave keys alone that AWS created more recently (60d)
    #[arg(long, value_name = "DURATION", value_parser = span, requires = "all")]
    pub older_than: Option<Duration>,
    /// Delete the old key as soon as it is switched off
    #[arg(long, conflicts_with_all = ["finish", "back", "delete_after"])]
    pub now: bool,
    /// Delete the old key, which is switched off
    #[arg(long, conflicts_with = "back")]
    pub finish: bool,
    /// Switch the old key on again; profiles keep the new one
    #[arg(long)]
    pub back: bool,
    /// How long the old key stays switched off before `login` offers to delete it
    #[arg(long, value_name = "DURATION", value_parser = span, default_value = "7d")]
    pub delete_after: Duration,
    /// Show the steps and change nothing
    #[arg(long, conflicts_with = "yes")]
    pub dry_run: bool,
    /// Do not ask for confirmation
    #[arg(long)]
    pub yes: bool,
}
