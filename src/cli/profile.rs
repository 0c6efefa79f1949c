//! `profile …`: the profile manager's command line.

use clap::{Args, Subcommand, ValueEnum};

use crate::arn::{MfaSerial, RoleArn};
use crate::names::{ProfileName, Region};

#[derive(Debug, Subcommand)]
pub enum Profile {
    /// List all profiles: kind, account, device, key, time left, and whether AWS tools get them from twolock
    #[command(
        after_help = "On a terminal, or if COLUMNS is set, long values are shortened.\n\nExample:\n  twolock profile list --json"
    )]
    List {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Explain a profile: its settings and where they are set, what twolock will do, and what the AWS CLI and SDKs do
    #[command(after_help = "\
Examples:
  twolock profile show prod
  twolock profile show admin --test    # does AWS enforce its protection?

--test asks first, and needs an MFA session that is older than 5 minutes.")]
    Show {
        #[command(flatten)]
        profile: ProfileArg,
        /// Test whether AWS refuses a protected role without a fresh code: one AssumeRole, which appears in CloudTrail
        #[arg(long, conflicts_with = "json")]
        test: bool,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Pick a profile on the terminal and print its name: type to filter, last used first
    #[command(after_help = "\
Example:
  name=$(twolock profile pick) && twolock exec \"$name\" -- aws s3 ls

Arrows, Tab, ^N and ^P move, Enter selects, Esc cancels (exit code 9). env, exec, login, logout, whoami and profile show \
also let you pick if you give no profile. With TERM=dumb, the list is numbered; NO_COLOR turns off reverse video.")]
    Pick {
        /// Text to start filtering with
        filter: Option<String>,
    },
    /// Set one key of a profile; nothing else in the file changes
    #[command(after_help = "\
Examples:
  twolock profile set prod region eu-west-1
  twolock profile set prod mfa_serial arn:aws:iam::123456789012:mfa/ana --yes
  twolock profile set admin twolock_protected true  # env, exec, console only
  twolock profile set prod --code-from ykman --entry AWS:ana@123456789012

The change is shown first and must be confirmed; --yes is for scripts. Access keys and tokens cannot be given as arguments, \
which other users can see: run `twolock key add prod` instead.")]
    Set {
        /// The profile
        #[arg(value_parser = ProfileName::parse)]
        profile: ProfileName,
        /// The key, such as region
        #[arg(required_unless_present = "code_from", conflicts_with = "code_from")]
        key: Option<String>,
        /// Its value
        #[arg(allow_hyphen_values = true, required_unless_present = "code_from")]
        value: Option<String>,
        /// Set mfa_process to this program, which prints codes, after one was tried
        #[arg(long, value_enum, value_name = "PROGRAM", requires = "entry")]
        code_from: Option<CodeProgram>,
        /// What that program calls the device
        #[arg(long, value_name = "NAME", conflicts_with_all = ["key", "value"], allow_hyphen_values = true)]
        entry: Option<String>,
        #[command(flatten)]
        flags: ChangeFlags,
    },
    /// Remove one key of a profile, from both files
    #[command(after_help = "Example:\n  twolock profile unset prod duration_seconds")]
    Unset {
        /// The profile
        #[arg(value_parser = ProfileName::parse)]
        profile: ProfileName,
        /// The keys
        #[arg(required = true, value_name = "KEY")]
        keys: Vec<String>,
        #[command(flatten)]
        flags: ChangeFlags,
    },
    /// Rename a profile, and update everything that refers to it
    #[command(
        after_help = "Example:\n  twolock profile rename prod production\n\nIt also updates source_profile and twolock's credential_process lines in other profiles, aliases, and the name of its key in the keyring."
    )]
    Rename {
        /// The profile
        #[arg(value_parser = ProfileName::parse)]
        old: ProfileName,
        /// Its new name
        #[arg(value_parser = ProfileName::parse)]
        new: ProfileName,
        #[command(flatten)]
        flags: ChangeFlags,
    },
    /// Remove a profile from both files, and end its sessions; keys in the keyring stay
    #[command(after_help = "Example:\n  twolock profile remove old --dry-run")]
    Remove {
        /// The profile
        #[arg(value_parser = ProfileName::parse)]
        profile: ProfileName,
        #[command(flatten)]
        flags: ChangeFlags,
    },
    /// Add a profile that every AWS tool uses through twolock: an access key or a role
    #[command(after_help = "\
Examples:
  twolock profile add    # asks for everything it needs
  twolock profile add prod --source-profile base \\
      --role-arn arn:aws:iam::123456789012:role/Admin
  twolock profile add base --stdin --yes < key.txt \\
      --mfa-serial arn:aws:iam::123456789012:mfa/ana

An access key is stored in the OS keyring after a call to AWS has verified it. Without a keyring, the command \
fails; the key is never written to a file. No option takes a secret. The source of a role may be any profile with \
credentials, SSO profiles included.")]
    Add(Add),
    /// Route a profile, and the profiles that use it as their source, through twolock
    #[command(
        override_usage = "twolock profile adopt [OPTIONS] [PROFILE | --all]",
        after_help = "\
Examples:
  twolock profile adopt prod --dry-run
  twolock profile adopt --all
  twolock profile adopt base --only    # its roles stay as they are

An access key moves into the OS keyring, after a call to AWS has verified it: the AWS CLI and SDKs would use it and never \
run twolock. A role's settings get the prefix twolock_, whatever its source is. Profiles that use SSO, `aws login`, web \
identity or another program are refused: AWS tools use them without twolock. `twolock profile release` undoes this, one \
profile at a time."
    )]
    Adopt(Adopt),
    /// Undo adopt: AWS tools no longer go through twolock
    #[command(after_help = "\
Examples:
  twolock profile release prod
  twolock profile release base --restore-key    # its access key as well")]
    Release(Release),
}

/// A program that prints the codes of a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum CodeProgram {
    /// A YubiKey
    Ykman,
    /// 1Password
    Op,
    /// Bitwarden
    Bw,
    /// pass, with pass-otp
    Pass,
    /// gopass
    Gopass,
}

impl CodeProgram {
    pub fn name(self) -> &'static str {
        match self {
            Self::Ykman => "ykman",
            Self::Op => "op",
            Self::Bw => "bw",
            Self::Pass => "pass",
            Self::Gopass => "gopass",
        }
    }
}

/// Both forms work in every command.
#[derive(Args, Clone, Debug, Default)]
pub struct ProfileArg {
    /// The profile [default: AWS_PROFILE, then AWS_DEFAULT_PROFILE]
    #[arg(value_name = "PROFILE", value_parser = ProfileName::parse)]
    pub positional: Option<ProfileName>,
    /// The same as PROFILE
    #[arg(long = "profile", value_name = "NAME", value_parser = ProfileName::parse)]
    pub flag: Option<ProfileName>,
}

impl ProfileArg {
    pub fn name(&self) -> Option<&ProfileName> {
        self.positional.as_ref().or(self.flag.as_ref())
    }
}

#[derive(Args, Debug)]
pub struct Add {
    /// Its name
    #[arg(value_parser = ProfileName::parse)]
    pub name: Option<ProfileName>,
    /// The role to assume
    #[arg(long, value_name = "ARN", value_parser = |text: &str| RoleArn::parse(text).map_err(|why| format!("it {why}")))]
    pub role_arn: Option<RoleArn>,
    /// The profile whose credentials can assume it
    #[arg(long, value_name = "NAME", value_parser = ProfileName::parse)]
    pub source_profile: Option<ProfileName>,
    /// The MFA device [default for a role: the source profile's]
    #[arg(long, value_name = "ARN", value_parser = |text: &str| MfaSerial::parse(text).map_err(|why| format!("it {why}")))]
    pub mfa_serial: Option<MfaSerial>,
    /// The AWS region
    #[arg(long, value_parser = |text: &str| Region::parse(text).map_err(|why| format!("it {why}")))]
    pub region: Option<Region>,
    /// The external ID that the role's trust policy requires
    #[arg(long, value_name = "ID", requires = "role_arn")]
    pub external_id: Option<String>,
    /// How long the role's credentials last, in seconds
    #[arg(long, value_name = "SECONDS", requires = "role_arn")]
    pub duration_seconds: Option<String>,
    /// Read an access key from stdin: the key id on the first line, the secret on the second
    #[arg(long, conflicts_with_all = ["role_arn", "source_profile"])]
    pub stdin: bool,
    #[command(flatten)]
    pub flags: ChangeFlags,
}

#[derive(Args, Debug)]
pub struct Adopt {
    #[command(flatten)]
    pub profile: ProfileArg,
    /// Adopt every profile that can be adopted
    #[arg(long, conflicts_with_all = ["positional", "flag", "only"])]
    pub all: bool,
    /// Do not adopt the profiles that use this one as their source
    #[arg(long)]
    pub only: bool,
    #[command(flatten)]
    pub flags: ChangeFlags,
}

#[derive(Args, Debug)]
pub struct Release {
    #[command(flatten)]
    pub profile: ProfileArg,
    /// Write the access key back to the credentials file
    #[arg(long)]
    pub restore_key: bool,
    #[command(flatten)]
    pub flags: ChangeFlags,
}

#[derive(Args, Clone, Copy, Debug, Default)]
pub struct ChangeFlags {
    /// Do not ask for confirmation
    #[arg(long)]
    pub yes: bool,
    /// Show the change, but do not make it
    #[arg(long, conflicts_with = "yes")]
    pub dry_run: bool,
    /// Keep an interrupted change as it is, and delete its journal
    #[arg(long, conflicts_with = "dry_run")]
    pub forget_unfinished: bool,
}
