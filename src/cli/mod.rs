//! The command line: clap types and help texts, no logic.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use clap::{ArgAction, Args, Parser, Subcommand, ValueEnum};

use crate::duration;
use crate::keyring::Keyring;
use crate::names::ProfileName;
use crate::shell::{Integration, Shell};

mod profile;

pub use profile::{Add, Adopt, Making, Profile, Release};

/// MFA sessions for AWS: one code a day, then silence.
///
/// twolock asks for one MFA code, keeps the temporary credentials sealed under the OS keyring, and hands them to the AWS
/// CLI, to SDKs, to shells and to commands until they end. Without a command it lists your profiles and what to do next.
#[derive(Debug, Parser)]
#[command(name = "twolock", version, propagate_version = true, after_help = after_help(), arg_required_else_help = false)]
pub struct Cli {
    /// Say on stderr what is done; twice for more. Never shows a secret
    #[arg(short, long, global = true, action = ArgAction::Count)]
    pub verbose: u8,
    /// What to do; nothing means: list the profiles.
    #[command(subcommand)]
    pub command: Option<Command>,
}

const AFTER: &str = "\
Once:
  twolock profile adopt prod             # for the AWS CLI and every SDK

Every day:
  aws --profile prod s3 ls               # asks for the code if no session lives
  eval \"$(twolock env prod)\"             # credentials for this shell
  twolock exec prod -- terraform apply   # credentials for one command

Variables: AWS_PROFILE and AWS_DEFAULT_PROFILE name the profile; AWS_CONFIG_FILE and AWS_SHARED_CREDENTIALS_FILE the \
files; AWS_REGION, AWS_ENDPOINT_URL_STS, AWS_CA_BUNDLE, HTTPS_PROXY and NO_PROXY shape the calls. Ours: \
TWOLOCK_SESSION_DURATION, TWOLOCK_PROMPT_TIMEOUT, TWOLOCK_MIN_TTL, TWOLOCK_KEYRING (KEYRINGS), TWOLOCK_MFA_CODE.

Exit codes: 0 done, 1 our bug, 2 usage, 3 configuration, 4 AWS refused, 5 keyring, 6 network, 7 busy, 8 half done, \
9 a person is needed, 10 disk. exec gives its command's.";

fn after_help() -> String {
    let by_a_variable = Keyring::ALL.into_iter().filter(|choice| !choice.is_consent());
    AFTER.replace("KEYRINGS", &by_a_variable.map(Keyring::name).collect::<Vec<_>>().join(" or "))
}

/// What twolock can do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Answer an AWS CLI or SDK: one JSON line on stdout, or nothing
    #[command(after_help = "\
Example, in ~/.aws/config, as `twolock profile adopt prod` writes it:
  [profile prod]
  mfa_serial = arn:aws:iam::123456789012:mfa/ana
  credential_process = /usr/local/bin/twolock credential-process --profile prod

Where the profile's access key stands beside it, the AWS CLI and SDKs use that key and never come here; adopt moves it.

A session that still lives is always the answer. Otherwise one code is asked for on the terminal, once for all \
processes that wait; without a terminal it exits 9 at once and names the command to run.")]
    CredentialProcess(ProfileAndCode),
    /// Print statements that set the credentials in this shell
    #[command(after_help = "\
Examples:
  eval \"$(twolock env prod)\"                                # sh, bash, zsh
  twolock env prod | source                                 # fish
  twolock env prod | Out-String | Invoke-Expression         # PowerShell
  twolock env prod --format dotenv > prod.env
  eval \"$(twolock env --unset)\"                             # take them away again

On failure it prints a failing statement, so that `eval \"$(twolock env prod)\" && next` does not go on.")]
    Env(Env),
    /// Run a command with the credentials, or a sub-shell
    #[command(after_help = "\
Examples:
  twolock exec prod -- terraform apply
  twolock exec prod --min-ttl 40m -- ./long-job   # renews if less is left
  twolock exec prod                               # a sub-shell")]
    Exec(Exec),
    /// Ask for the code now, so that nobody is asked later
    #[command(
        after_help = "Examples:\n  twolock login prod\n  twolock login prod --fresh    # a new code even if the session lives"
    )]
    Login(Login),
    /// Forget the sessions of a profile
    #[command(after_help = "\
Examples:
  twolock logout prod     # its sessions, the shared MFA session included
  twolock logout --all    # every session, and the key they are sealed under

Access keys are never removed.")]
    Logout(Logout),
    /// Show the sessions that live, and how long
    #[command(after_help = "\
Examples:
  twolock status
  twolock status prod --min-ttl 30m    # exit 0 if it lasts, else 9")]
    Status(Status),
    /// Ask AWS who the credentials of a profile are
    #[command(after_help = "Example:\n  twolock whoami prod")]
    Whoami(Whoami),
    /// List, explain and edit profiles
    #[command(
        subcommand,
        after_help = "Examples:\n  twolock profile list\n  twolock profile show prod\n  twolock profile set prod region eu-west-1"
    )]
    Profile(Profile),
    /// Find what makes MFA fail or leak, and what mends it
    #[command(after_help = "\
Examples:
  twolock doctor          # what, where, why, and what mends it
  twolock doctor --fix    # closes files to other users, nothing else

Exit 3 if something is wrong, 0 if there is nothing but things to know. It asks for no code and works offline; what it \
could not check it says.")]
    Doctor(Doctor),
    /// Our own settings, in config.toml
    #[command(
        subcommand,
        after_help = "Examples:\n  twolock settings list\n  twolock settings set session_duration 8h"
    )]
    Settings(Settings),
    /// Print the shell's integration: `tl`, completion, a prompt segment
    #[command(after_help = init_help())]
    Init {
        /// The shell
        #[arg(value_parser = shells(Shell::integration))]
        shell: Integration,
    },
    /// Print what a shell may offer for the last of these words, one a line, with a tab before what it does
    ///
    /// For the completion of `init`, and of shells it does not know. `=` as the last word stands for an empty one.
    #[command(hide = true, after_help = "Example:\n  twolock complete -- profile show ''")]
    Complete {
        /// The command line so far, without `twolock`
        #[arg(last = true, value_name = "WORD")]
        words: Vec<OsString>,
    },
    /// Try everything on a local imitation of STS, without an AWS account
    #[cfg(feature = "sandbox")]
    Sandbox(Sandbox),
}

/// Takes the name of a shell that has what is asked of it.
fn shells<T: Clone + Send + Sync + 'static>(of: fn(Shell) -> Option<T>) -> impl TypedValueParser<Value = T> {
    let named = |shell: Shell| PossibleValue::new(shell.name()).help(shell.title());
    let values = Shell::ALL.into_iter().filter(|shell| of(*shell).is_some()).map(named);
    PossibleValuesParser::new(values)
        .map(move |name| Shell::from_name(&name).and_then(of).expect("only these values are possible"))
}

fn init_help() -> String {
    let lines = Shell::ALL.into_iter().filter_map(Shell::integration).map(Integration::installation);
    let lines: String = lines.map(|(line, place)| format!("  {line:56}  # {place}\n")).collect();
    format!("Examples, each the line for the shell's own start file:\n{lines}{AFTER_INIT}")
}

const AFTER_INIT: &str = "
Then, in that shell:
  tl prod     # this shell gets prod's credentials
  tl          # pick the profile: type to filter
  tl -        # back to the profile before
  tl --off    # what was there before the first tl

The last lines of what is printed say how to show profile and time left in the prompt.";

/// Names a profile; both forms work in every command.
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
    /// The name that was given, the positional one first.
    pub fn name(&self) -> Option<&ProfileName> {
        self.positional.as_ref().or(self.flag.as_ref())
    }
}

/// A profile, and perhaps where its code comes from.
#[derive(Args, Clone, Debug, Default)]
pub struct ProfileAndCode {
    /// The profile.
    #[command(flatten)]
    pub profile: ProfileArg,
    /// Read the MFA code from the first line of stdin (TWOLOCK_MFA_CODE is seen by other programs of yours)
    #[arg(long)]
    pub code_stdin: bool,
}

/// `env`
#[derive(Args, Debug)]
pub struct Env {
    /// The profile and the code.
    #[command(flatten)]
    pub profile: ProfileAndCode,
    /// The shell to write for [default: the one that called]
    #[arg(long, value_parser = shells(Some))]
    pub shell: Option<Shell>,
    /// Write an env file or JSON instead of statements
    #[arg(long, value_enum, conflicts_with = "shell")]
    pub format: Option<Format>,
    /// Write statements that remove every variable `env` sets
    #[arg(long, conflicts_with = "format")]
    pub unset: bool,
}

/// The formats of `env --format`.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Format {
    /// NAME=value lines
    Dotenv,
    /// One JSON object
    Json,
}

/// `exec`
#[derive(Args, Debug)]
pub struct Exec {
    /// The profile and the code.
    #[command(flatten)]
    pub profile: ProfileAndCode,
    /// Renew first if less than this is left (40m, 2h)
    #[arg(long, value_name = "SPAN", value_parser = span)]
    pub min_ttl: Option<Duration>,
    /// The command and its arguments, after `--` [default: your shell]
    #[arg(last = true, value_name = "COMMAND")]
    pub command: Vec<OsString>,
}

/// `login`
#[derive(Args, Debug)]
pub struct Login {
    /// The profile and the code.
    #[command(flatten)]
    pub profile: ProfileAndCode,
    /// Ask for a new code even if a session lives: for roles that want a recent one
    #[arg(long)]
    pub fresh: bool,
}

/// `logout`
#[derive(Args, Debug)]
pub struct Logout {
    /// The profile.
    #[command(flatten)]
    pub profile: ProfileArg,
    /// Forget every session, and the key they are sealed under
    #[arg(long, conflicts_with_all = ["positional", "flag"])]
    pub all: bool,
}

/// `status`
#[derive(Args, Debug)]
pub struct Status {
    /// The profile.
    #[command(flatten)]
    pub profile: ProfileArg,
    /// Exit 0 if the profile's credentials last this long without a code, else 9 (30m, 2h)
    #[arg(long, value_name = "SPAN", value_parser = span)]
    pub min_ttl: Option<Duration>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// `whoami`
#[derive(Args, Debug)]
pub struct Whoami {
    /// The profile and the code.
    #[command(flatten)]
    pub profile: ProfileAndCode,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// `doctor`
#[derive(Args, Debug)]
pub struct Doctor {
    /// Close files and folders to other users
    #[arg(long)]
    pub fix: bool,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// `settings …`
#[derive(Debug, Subcommand)]
pub enum Settings {
    /// List every setting, its value and where that stands
    #[command(after_help = "Example:\n  twolock settings list")]
    List {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Print one setting's value
    #[command(after_help = "Example:\n  twolock settings get session_duration")]
    Get {
        /// Its name, as `settings list` shows it
        name: String,
    },
    /// Set one setting; comments and order of config.toml stay
    #[command(
        after_help = "Examples:\n  twolock settings set session_duration 8h\n  twolock settings set endpoints.allow sts.example.com\n  twolock settings set aliases.prod production-admin"
    )]
    Set {
        /// Its name, as `settings list` shows it
        name: String,
        /// Its value
        #[arg(allow_hyphen_values = true)]
        value: String,
        /// Drop the journal of an earlier change that was cut short and cannot be finished
        #[arg(long)]
        forget_unfinished: bool,
    },
    /// Take one setting out of config.toml, back to its default
    #[command(after_help = "Example:\n  twolock settings unset session_duration")]
    Unset {
        /// Its name, as `settings list` shows it
        name: String,
        /// Drop the journal of an earlier change that was cut short and cannot be finished
        #[arg(long)]
        forget_unfinished: bool,
    },
    /// Print where config.toml lies
    #[command(after_help = "Example:\n  $EDITOR \"$(twolock settings path)\"")]
    Path,
    /// Allow an AWS config file chosen by a variable to name programs (mfa_process); asked anew when the file changes
    #[command(after_help = "Example:\n  twolock settings trust ./aws-config")]
    Trust {
        /// The file
        path: PathBuf,
        /// Do not ask
        #[arg(long)]
        yes: bool,
        /// Drop the journal of an earlier change that was cut short and cannot be finished
        #[arg(long)]
        forget_unfinished: bool,
    },
}

/// `sandbox`
#[cfg(feature = "sandbox")]
#[derive(Args, Debug)]
pub struct Sandbox {
    /// Run the tour and end, 0 only if every step was right
    #[arg(long)]
    pub once: bool,
}

fn span(text: &str) -> Result<Duration, String> {
    duration::parse(text).ok_or_else(|| "write 40m, 2h or a number of seconds".into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }

    #[test]
    fn a_profile_is_named_in_both_ways() {
        for line in [["twolock", "login", "prod"].as_slice(), &["twolock", "login", "--profile", "prod"]] {
            let cli = Cli::try_parse_from(line).unwrap();
            let Some(Command::Login(login)) = cli.command else { panic!("{line:?}") };
            let named = login.profile.profile;
            assert_eq!(named.positional.or(named.flag).unwrap().as_str(), "prod");
        }
    }
}
