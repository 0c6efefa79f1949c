//! `key …`: the command line of long-term access keys.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand};

use super::profile::{ChangeFlags, ProfileArg};
use super::{ProfileAndCode, span};
use crate::names::ProfileName;

#[derive(Debug, Subcommand)]
pub enum Key {
    /// Store an access key of a profile in the OS keyring, after AWS has accepted it
    #[command(after_help = "\
Examples:
  twolock key add work                      # asks; the secret is not shown
  twolock key add work --stdin < key.txt    # two lines: key id, secret

The profile must exist. If AWS cannot be reached, the key is stored, the exit code is 8, and the next `key add` of the \
profile verifies it without asking for it again. If AWS refuses the key, nothing is stored. No option takes a secret.")]
    Add(KeyAdd),
    /// Move access keys into the OS keyring: from the AWS files, the console's CSV file, or another program
    #[command(after_help = "\
Examples:
  twolock key import work                        # from ~/.aws/credentials
  twolock key import --all
  twolock key import work --csv accessKeys.csv   # as downloaded
  twolock key import work \\
      --process 'aws-vault export --no-session --format=json work'

A key is stored, read back and verified by a call to AWS before it is removed from a file. Of aws-mfa's sections, \
`key import NAME` takes the key of [NAME-long-term], and removes the temporary credentials in [NAME].")]
    Import(KeyImport),
    /// List access keys: profile, status, age, last use, where they are stored, and whether they are used
    #[command(after_help = "\
Example:
  twolock key list --json

Status, age and last use come from IAM, asked with the MFA session if one is active, else with the key; you are not \
asked for a code, and a locked keyring stays locked. Where IAM does not answer, the age is at least the time since the \
key was added to the keyring. A user's other key, which no profile here has, is listed, too. Keys older than \
`key_max_age`, or the `twolock_key_max_age` of a profile that uses them, are red on a terminal; those that soon will be \
are bold.")]
    List {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Print a profile's access key, secret included, as a section of a credentials file
    #[command(after_help = "\
Examples:
  twolock key export work >> other-credentials    # asks first
  twolock key export work --to-terminal")]
    Export(KeyExport),
    /// Replace a profile's access key with one that was created elsewhere
    #[command(after_help = "\
Example:
  twolock key replace work    # after creating a new key in the console

The new key must belong to the same user. Every profile with the old key in the keyring gets the new one; sessions made \
with the old key end; the old key is removed from the keyring last. AWS still has it: delete it there.")]
    Replace(KeyReplace),
    /// Replace a profile's access key with a new one; a working key exists at every moment
    #[command(after_help = "\
Examples:
  twolock key rotate work             # a new key; the old one is deactivated
  twolock key rotate work --dry-run   # shows the steps
  twolock key rotate work --back      # reactivates the old key
  twolock key rotate work --finish    # deletes the old key
  twolock key rotate --all --older-than 60d

It asks for a code, and for another one once AWS accepts the new key. The old key stays inactive for a week, in case \
another machine needs it. If the rotation is interrupted, run it again: it continues where it stopped. Sessions made \
with the old key stay valid at AWS until they expire, up to 36 hours.")]
    Rotate(KeyRotate),
    /// Remove an access key from the OS keyring; AWS still has it
    #[command(after_help = "\
Examples:
  twolock key remove work
  twolock key remove AKIAIOSFODNN7EXAMPLE --yes    # even if it is needed")]
    Remove(KeyRemove),
}

#[derive(Args, Debug)]
pub struct KeyAdd {
    #[command(flatten)]
    pub profile: ProfileArg,
    /// Read the key from stdin: the key id on the first line, the secret on the second
    #[arg(long)]
    pub stdin: bool,
    /// Store it even if the profile has a key in the AWS files, which takes precedence
    #[arg(long)]
    pub yes: bool,
    /// Store it even if it is a key of the account's root user
    #[arg(long)]
    pub root: bool,
    /// Keep an interrupted change as it is, and delete its journal
    #[arg(long)]
    pub forget_unfinished: bool,
}

#[derive(Args, Debug)]
pub struct KeyImport {
    /// The profiles
    #[arg(id = "profile", value_name = "PROFILE", value_parser = ProfileName::parse, required_unless_present = "all")]
    pub profiles: Vec<ProfileName>,
    /// Import the key of every profile that has one in the AWS files
    #[arg(long, conflicts_with_all = ["profile", "csv", "process"])]
    pub all: bool,
    /// Take the key of a single profile from a CSV file of the AWS console
    #[arg(long, value_name = "FILE", conflicts_with = "process")]
    pub csv: Option<PathBuf>,
    /// Whose key to take, if the CSV file has several
    #[arg(long, value_name = "NAME", requires = "csv")]
    pub user: Option<String>,
    /// Delete the CSV file afterwards, without asking
    #[arg(long, requires = "csv")]
    pub delete: bool,
    /// Take the key from a program that prints credential_process JSON without a token; it is run without a shell
    #[arg(long, value_name = "COMMAND")]
    pub process: Option<String>,
    /// Store keys even if they belong to an account's root user
    #[arg(long)]
    pub root: bool,
    #[command(flatten)]
    pub flags: ChangeFlags,
}

#[derive(Args, Debug)]
pub struct KeyExport {
    #[command(flatten)]
    pub profile: ProfileArg,
    /// Print it even if stdout is a terminal
    #[arg(long)]
    pub to_terminal: bool,
    /// Do not ask for confirmation
    #[arg(long)]
    pub yes: bool,
}

#[derive(Args, Debug)]
pub struct KeyReplace {
    #[command(flatten)]
    pub profile: ProfileArg,
    /// Read the new key from stdin: the key id on the first line, the secret on the second
    #[arg(long)]
    pub stdin: bool,
    #[command(flatten)]
    pub flags: ChangeFlags,
}

#[derive(Args, Debug)]
pub struct KeyRemove {
    /// The profile, or the id of the key
    #[arg(id = "profile", value_name = "PROFILE|KEYID", value_parser = ProfileName::parse)]
    pub name: ProfileName,
    #[command(flatten)]
    pub flags: ChangeFlags,
}

#[derive(Args, Debug, Default)]
pub struct KeyRotate {
    #[command(flatten)]
    pub profile: ProfileAndCode,
    /// Rotate the key of every profile that has one
    #[arg(long, conflicts_with_all = ["positional", "flag", "finish", "back"])]
    pub all: bool,
    /// With --all: skip keys that are younger than this (60d)
    #[arg(long, value_name = "DURATION", value_parser = span, requires = "all")]
    pub older_than: Option<Duration>,
    /// Delete the old key as soon as it is inactive
    #[arg(long, conflicts_with_all = ["finish", "back", "delete_after"])]
    pub now: bool,
    /// Delete the old key, which is inactive
    #[arg(long, conflicts_with = "back")]
    pub finish: bool,
    /// Reactivate the old key; profiles keep the new one
    #[arg(long)]
    pub back: bool,
    /// How long the old key stays inactive before `login` offers to delete it
    #[arg(long, value_name = "DURATION", value_parser = span, default_value = "7d")]
    pub delete_after: Duration,
    /// Show the steps and change nothing
    #[arg(long, conflicts_with = "yes")]
    pub dry_run: bool,
    /// Do not ask for confirmation
    #[arg(long)]
    pub yes: bool,
}

impl KeyRotate {
    /// Without flags.
    pub fn usual() -> Self {
        Self { delete_after: Duration::from_secs(7 * 24 * 60 * 60), ..Self::default() }
    }
}
