//! `profile …`: the profile manager's command line.

use clap::{Args, Subcommand};

use super::ProfileArg;
use crate::arn::{MfaSerial, RoleArn};
use crate::names::{ProfileName, Region};

/// `profile …`
#[derive(Debug, Subcommand)]
pub enum Profile {
    /// List all profiles: what they are, where the key is, how long the session lives, which are served
    #[command(
        after_help = "On a terminal, or where COLUMNS is set, long cells are cut.\n\nExample:\n  twolock profile list --json"
    )]
    List {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Explain a profile: each setting with its line, the plan, its codes, and what the AWS CLI and each SDK would do
    #[command(after_help = "Example:\n  twolock profile show prod")]
    Show {
        /// The profile.
        #[command(flatten)]
        profile: ProfileArg,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Pick a profile on the terminal and print its name: type to filter, most used first
    #[command(after_help = "\
Example:
  name=$(twolock profile pick) && twolock exec \"$name\" -- aws s3 ls

Arrows, Tab, ^N and ^P choose, Enter takes, Esc leaves (exit 9). env, exec, login, logout, whoami and profile show pick \
by themselves where no profile is named. TERM=dumb gets a numbered list; NO_COLOR turns reverse video off.")]
    Pick {
        /// What is typed already
        filter: Option<String>,
    },
    /// Set one key of a profile, where it counts; every other byte of the file stays
    #[command(after_help = "\
Examples:
  twolock profile set prod region eu-west-1
  twolock profile set prod mfa_serial arn:aws:iam::123456789012:mfa/ana --yes

The change is shown and asked about on the terminal; --yes is for scripts. Keys and tokens are not taken as arguments, \
which other users can see: run `aws configure --profile prod`.")]
    Set {
        /// The profile
        #[arg(value_parser = ProfileName::parse)]
        profile: ProfileName,
        /// The key, such as region
        key: String,
        /// Its value
        #[arg(allow_hyphen_values = true)]
        value: String,
        /// How.
        #[command(flatten)]
        making: Making,
    },
    /// Take one key out of a profile, in both files
    #[command(after_help = "Example:\n  twolock profile unset prod duration_seconds")]
    Unset {
        /// The profile
        #[arg(value_parser = ProfileName::parse)]
        profile: ProfileName,
        /// The key
        key: String,
        /// How.
        #[command(flatten)]
        making: Making,
    },
    /// Rename a profile, and what names it: source_profile, credential_process lines of twolock, its key in the keyring
    #[command(after_help = "Example:\n  twolock profile rename prod production")]
    Rename {
        /// The profile
        #[arg(value_parser = ProfileName::parse)]
        old: ProfileName,
        /// Its new name
        #[arg(value_parser = ProfileName::parse)]
        new: ProfileName,
        /// How.
        #[command(flatten)]
        making: Making,
    },
    /// Remove a profile from both files, and its sessions; keys in the keyring stay
    #[command(after_help = "Example:\n  twolock profile remove old --dry-run")]
    Remove {
        /// The profile
        #[arg(value_parser = ProfileName::parse)]
        profile: ProfileName,
        /// How.
        #[command(flatten)]
        making: Making,
    },
    /// Add a profile that every AWS tool comes to us for: an access key, or a role
    #[command(after_help = "\
Examples:
  twolock profile add    # asks for each thing
  twolock profile add prod --role-arn arn:aws:iam::123456789012:role/Admin --source-profile base
  twolock profile add base --stdin --mfa-serial arn:aws:iam::123456789012:mfa/ana --yes < key.txt

An access key goes into the OS keyring, once a call to AWS has proved it; without a keyring it is refused, and not
written into a file. No option takes a secret.")]
    Add(Add),
    /// Make every AWS tool come to us for a profile, and for those that lead through it
    #[command(after_help = "\
Examples:
  twolock profile adopt prod --dry-run
  twolock profile adopt --all
  twolock profile adopt base --only    # its roles stay as they are

An access key moves into the OS keyring, because the AWS CLI and SDKs would use it and never call twolock; a call to AWS \
proves it first. A role's settings get the prefix twolock_. `twolock profile release` takes it back, one profile at a time.")]
    Adopt(Adopt),
    /// Take an adoption back: AWS tools serve the profile themselves again
    #[command(after_help = "\
Examples:
  twolock profile release prod
  twolock profile release base --restore-key    # its access key, too")]
    Release(Release),
}

/// `profile add`
#[derive(Args, Debug)]
pub struct Add {
    /// Its name
    #[arg(value_parser = ProfileName::parse)]
    pub name: Option<ProfileName>,
    /// The role to assume
    #[arg(long, value_name = "ARN", value_parser = |text: &str| RoleArn::parse(text).map_err(|why| format!("it {why}")))]
    pub role_arn: Option<RoleArn>,
    /// The profile whose credentials may assume it
    #[arg(long, value_name = "NAME", value_parser = ProfileName::parse)]
    pub source_profile: Option<ProfileName>,
    /// The MFA device; a role without one uses its source's
    #[arg(long, value_name = "ARN", value_parser = |text: &str| MfaSerial::parse(text).map_err(|why| format!("it {why}")))]
    pub mfa_serial: Option<MfaSerial>,
    /// The region of its calls
    #[arg(long, value_parser = |text: &str| Region::parse(text).map_err(|why| format!("it {why}")))]
    pub region: Option<Region>,
    /// What the role's trust policy asks for
    #[arg(long, value_name = "ID", requires = "role_arn")]
    pub external_id: Option<String>,
    /// How long the role's credentials live, in seconds
    #[arg(long, value_name = "SECONDS", requires = "role_arn")]
    pub duration_seconds: Option<String>,
    /// Read an access key from two lines of stdin: its id, its secret
    #[arg(long, conflicts_with_all = ["role_arn", "source_profile"])]
    pub stdin: bool,
    /// How.
    #[command(flatten)]
    pub making: Making,
}

/// `profile adopt`
#[derive(Args, Debug)]
pub struct Adopt {
    /// The profile.
    #[command(flatten)]
    pub profile: ProfileArg,
    /// Adopt every profile that can be
    #[arg(long, conflicts_with_all = ["positional", "flag", "only"])]
    pub all: bool,
    /// Leave the profiles alone whose chain passes through this one
    #[arg(long)]
    pub only: bool,
    /// How.
    #[command(flatten)]
    pub making: Making,
}

/// `profile release`
#[derive(Args, Debug)]
pub struct Release {
    /// The profile.
    #[command(flatten)]
    pub profile: ProfileArg,
    /// Write the access key back into the credentials file
    #[arg(long)]
    pub restore_key: bool,
    /// How.
    #[command(flatten)]
    pub making: Making,
}

/// How a change is made.
#[derive(Args, Clone, Copy, Debug)]
pub struct Making {
    /// Do not ask
    #[arg(long)]
    pub yes: bool,
    /// Show the change and make none
    #[arg(long, conflicts_with = "yes")]
    pub dry_run: bool,
    /// Drop the journal of an earlier change that was cut short and cannot be finished
    #[arg(long, conflicts_with = "dry_run")]
    pub forget_unfinished: bool,
}
