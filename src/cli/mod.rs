//! The command line: clap types and help texts, no logic.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use clap::{ArgAction, Args, CommandFactory, Parser, Subcommand, ValueEnum};

use crate::duration;
use crate::keyring::Keyring;
use crate::names::{Reason, Region};
use crate::shell::{Integration, Shell};

mod exec_line;
mod key;
mod mfa;
mod profile;
mod variables;

pub use key::{Key, KeyAdd, KeyExport, KeyImport, KeyRemove, KeyReplace, KeyRotate};
pub use mfa::{Enroll, Mfa, Remove};
pub use profile::{Add, Adopt, ChangeFlags, CodeProgram, Profile, ProfileArg, Release};

/// MFA sessions for AWS: at most one code every 12 hours.
///
/// twolock asks for an MFA code once, keeps the temporary credentials encrypted with a key from the OS keyring, and gives
/// them to the AWS CLI, SDKs, shells and commands until they expire. Without a command, it lists your profiles and the
/// next step for each.
#[derive(Debug, Args)]
#[command(version, propagate_version = true, after_help = after_help(), arg_required_else_help = false)]
pub struct Cli {
    /// Print each step to stderr; -vv prints more. Secrets are never shown
    #[arg(short, long, global = true, action = ArgAction::Count)]
    pub verbose: u8,
    /// What to do [default: list the profiles]
    #[command(subcommand)]
    pub command: Option<Command>,
}

impl Parser for Cli {}

impl CommandFactory for Cli {
    fn command() -> clap::Command {
        variables::listed(Self::augment_args(clap::Command::new("twolock")))
    }

    fn command_for_update() -> clap::Command {
        Self::augment_args_for_update(clap::Command::new("twolock"))
    }
}

impl Cli {
    /// Reads the words after `twolock`.
    pub fn read(words: Vec<OsString>) -> Result<Self, clap::Error> {
        let program = std::iter::once("twolock".into());
        Self::try_parse_from(program.chain(exec_line::with_command_marked(words)))
    }
}

const AFTER: &str = "\
Once:
  twolock setup                          # access key, MFA device, profile
  twolock profile adopt prod             # another profile, for every AWS tool

Every day:
  aws --profile prod s3 ls               # asks for a code if one is needed
  eval \"$(twolock env prod)\"             # credentials for this shell
  twolock exec prod -- terraform apply   # credentials for one command

Variables: AWS_PROFILE and AWS_DEFAULT_PROFILE name the profile; AWS_CONFIG_FILE and AWS_SHARED_CREDENTIALS_FILE the \
files; AWS_REGION, AWS_ENDPOINT_URL_STS, AWS_CA_BUNDLE, HTTPS_PROXY and NO_PROXY affect the calls to AWS. twolock's own: \
TWOLOCK_SESSION_DURATION, TWOLOCK_PROMPT_TIMEOUT, TWOLOCK_MIN_TTL, TWOLOCK_KEYRING (KEYRINGS), TWOLOCK_MFA_CODE.

Exit codes: 0 success, 1 bug in twolock, 2 usage, 3 configuration, 4 refused by AWS, 5 keyring, 6 network, 7 busy, \
8 half done, 9 user input required, 10 disk. exec returns its command's exit code.";

fn after_help() -> String {
    let by_a_variable = Keyring::ALL.into_iter().filter(|choice| !choice.is_consent());
    AFTER.replace("KEYRINGS", &by_a_variable.map(Keyring::name).collect::<Vec<_>>().join(" or "))
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Set up an access key, an MFA device and a profile: the first command to run
    #[command(after_help = "\
Examples:
  twolock setup                          # asks for everything it needs
  twolock setup work --csv accessKeys.csv

Five steps: the access key goes into the OS keyring, after AWS has accepted it; the user's MFA device is found, or a new \
one is added with a QR code; `profile adopt`; `key rotate`, if you like; a call by the AWS CLI. Each step says what it \
does and asks. Ctrl-C stops; run it again, and it continues where it stopped.")]
    Setup(Setup),
    /// Give credentials to the AWS CLI or an SDK: one line of JSON on stdout, or nothing
    #[command(after_help = "\
Example, in ~/.aws/config, as written by `twolock profile adopt prod`:
  [profile prod]
  mfa_serial = arn:aws:iam::123456789012:mfa/ana
  credential_process = /usr/local/bin/twolock credential-process --profile prod

If the profile also has an access key, the AWS CLI and SDKs use that key and never run twolock; adopt moves the key to the OS keyring.

An active session is used as it is. Otherwise twolock asks for a code, once for all waiting processes: on the terminal or, \
where there is none, in a dialog. If neither is possible, it exits with code 9 at once and shows the command to run. \
A desktop notification tells you shortly before the next code is needed (setting notify).")]
    CredentialProcess(ProfileAndCode),
    /// Print shell statements that set the credentials
    #[command(after_help = "\
Examples:
  eval \"$(twolock env prod)\"                                # sh, bash, zsh
  twolock env prod | source                                 # fish
  twolock env prod | Out-String | Invoke-Expression         # PowerShell
  eval \"$(twolock env prod --by-name)\"                      # AWS_PROFILE
  twolock env prod --format dotenv > prod.env
  eval \"$(twolock env --unset)\"                             # unset them again

On failure, it prints a statement that fails, so that `eval \"$(twolock env prod)\" && next` stops. --unset does not \
restore the previous values: only `tl` remembers them, and `tl --off` restores them.")]
    Env(Env),
    /// Run a command with the credentials, or a subshell
    #[command(
        override_usage = "twolock exec [OPTIONS] [PROFILE] [OPTIONS] [--] [COMMAND]...",
        after_help = "\
Examples:
  twolock exec prod -- terraform apply
  twolock exec prod --min-ttl 40m ./long-job     # renews if less is left
  twolock exec prod --by-name ./very-long-job    # AWS_PROFILE, no keys
  twolock exec prod                              # a subshell
  twolock exec admin --reason 'incident 42' ./repair    # a protected profile
  AWS_PROFILE=prod twolock exec -- terraform apply

The first word is the profile, unless --profile is given. The command begins at the next word that is not a flag, with \
or without --; flags after it belong to the command."
    )]
    Exec(Exec),
    /// Start a session now (asks for the MFA code)
    #[command(after_help = "\
Examples:
  twolock login prod
  twolock login prod --fresh           # asks even if there is a session
  twolock login prod --device tablet   # another device of the same user

If a profile with an access key has no mfa_serial, it offers the devices of the user. If a sign-in (SSO, \
`aws login`) is missing or has expired, it runs `aws sso login` or `aws login` in your terminal.")]
    Login(Login),
    /// End the sessions of a profile
    #[command(
        override_usage = "twolock logout [OPTIONS] [PROFILE | --all]",
        after_help = "\
Examples:
  twolock logout prod     # its sessions, including the shared MFA session
  twolock logout --all    # all sessions, and the key that encrypts them

Access keys are never removed."
    )]
    Logout(Logout),
    /// List active sessions and the time left
    #[command(after_help = "\
Examples:
  twolock status
  twolock status prod --min-ttl 30m    # exit code 0 if it lasts, else 9")]
    Status(Status),
    /// Ask AWS who a profile's credentials belong to
    #[command(
        override_usage = "twolock whoami [OPTIONS] [PROFILE | --all]",
        after_help = "\
Examples:
  twolock whoami prod
  twolock whoami --all    # which profiles work? Never asks for a code

With --all, a profile that \"needs a code\" or \"needs a sign-in\" first has not failed; the exit code is that of the first \
profile that AWS did not accept, else 0."
    )]
    Whoami(Whoami),
    /// Sign in to the AWS console with the role of a profile, in the browser
    #[command(after_help = "\
Examples:
  twolock console prod
  twolock console prod --service ec2 --region eu-central-1
  twolock console prod --duration 8h    # asks for a new code
  twolock console prod --print          # over SSH: open the URL yourself

The console session ends with the credentials of the role, or after --duration. Above 1h, the role is assumed with the \
access key and a new code, and must allow that duration. A profile without a role cannot sign in; an SSO profile has one.

The setting `browser` chooses a program other than the desktop's browser. No secret appears on a \
command line, where other programs could read it. The URL that --print prints is a secret: it signs in once, within 15 \
minutes.")]
    Console(Console),
    /// List, explain and edit profiles
    #[command(
        subcommand,
        after_help = "Examples:\n  twolock profile list\n  twolock profile show prod\n  twolock profile set prod region eu-west-1"
    )]
    Profile(Profile),
    /// Store, import, list, rotate and remove long-term access keys
    #[command(
        subcommand,
        after_help = "Examples:\n  twolock key import --all\n  twolock key list\n  twolock key rotate work"
    )]
    Key(Key),
    /// List, enroll, synchronize and remove MFA devices
    #[command(subcommand, after_help = "Examples:\n  twolock mfa devices work\n  twolock mfa enroll work")]
    Mfa(Mfa),
    /// Check for problems and show how to fix them
    #[command(after_help = "\
Examples:
  twolock doctor          # each problem: where, why it matters, how to fix it
  twolock doctor --fix    # makes files private, finishes interrupted changes

Exits with code 3 if there is an error or a warning, else 0. It never asks for a code, works offline, and lists the checks \
that it could not do.")]
    Doctor(Doctor),
    /// Show and change twolock's settings (config.toml)
    #[command(
        subcommand,
        after_help = "Examples:\n  twolock settings list\n  twolock settings set session_duration 8h"
    )]
    Settings(Settings),
    /// Remove everything that twolock keeps on this machine, and its lines in the AWS files
    #[command(after_help = "\
Examples:
  twolock forget --everything --dry-run
  twolock profile release work --restore-key    # first, to keep its key
  twolock forget --everything

It first shows the change of the AWS files and what is deleted: the access keys in the keyring, all sessions, the key \
that encrypts them, the settings and all other files of twolock. Access keys stay active at AWS. At the end, it lists \
what it cannot remove. If it is interrupted, run it again.")]
    Forget(Forget),
    /// Print the shell integration: `tl`, completion, a segment for your prompt
    #[command(after_help = init_help())]
    Init {
        /// The shell
        #[arg(value_parser = shells(Shell::integration))]
        shell: Integration,
    },
    /// Print the completions of the last word, one per line: the word, a tab, a description
    ///
    /// For the completion that `init` installs, and for other shells. `=` as the last word means an empty word.
    #[command(hide = true, after_help = "Example:\n  twolock complete -- profile show ''")]
    Complete {
        /// The command line so far, without `twolock`
        #[arg(last = true, value_name = "WORD")]
        words: Vec<OsString>,
    },
    /// Try everything with a local STS, without an AWS account
    #[cfg(feature = "sandbox")]
    #[command(after_help = "Examples:\n  twolock sandbox\n  twolock sandbox --once")]
    Sandbox(Sandbox),
}

impl Command {
    /// Whether it edits the user's files or our settings. Session files do not count.
    pub fn writes_files(&self) -> bool {
        match self {
            Command::Profile(args) => {
                !matches!(args, Profile::List { .. } | Profile::Show { .. } | Profile::Pick { .. })
            }
            Command::Key(args) => !matches!(args, Key::List { .. } | Key::Export(_)),
            Command::Mfa(args) => !matches!(args, Mfa::Devices { .. }),
            Command::Setup(_) => true,
            Command::Forget(_) => true,
            Command::Settings(args) => {
                matches!(args, Settings::Set { .. } | Settings::Unset { .. } | Settings::Trust { .. })
            }
            _ => false,
        }
    }
}

/// Accepts the names of shells for which `of` returns a value.
fn shells<T: Clone + Send + Sync + 'static>(of: fn(Shell) -> Option<T>) -> impl TypedValueParser<Value = T> {
    let named = |shell: Shell| PossibleValue::new(shell.name()).help(shell.title());
    let values = Shell::ALL.into_iter().filter(|shell| of(*shell).is_some()).map(named);
    PossibleValuesParser::new(values)
        .map(move |name| Shell::from_name(&name).and_then(of).expect("only these values are possible"))
}

fn init_help() -> String {
    let lines = Shell::ALL.into_iter().filter_map(Shell::integration).map(Integration::installation);
    let lines: String = lines.map(|(line, place)| format!("  # {place}\n  {line}\n")).collect();
    format!("Examples, each a line for the shell's startup file:\n{lines}{AFTER_INIT}")
}

const AFTER_INIT: &str = "
Then, in that shell:
  tl prod           # use prod in this shell: AWS_PROFILE if possible, or keys
  tl --keys prod    # sets keys, for programs that read no profile
  tl                # pick a profile: type to filter
  tl -              # back to the previous profile
  tl --off          # restore what was set before the first tl

The last lines of the output show what to add to your prompt, so that it shows the profile and the time left.";

#[derive(Args, Clone, Debug, Default)]
pub struct ProfileAndCode {
    #[command(flatten)]
    pub profile: ProfileArg,
    /// Read the MFA code from the first line of stdin (safer than TWOLOCK_MFA_CODE, which your other programs can see)
    #[arg(long)]
    pub code_stdin: bool,
}

#[derive(Args, Debug)]
pub struct Env {
    #[command(flatten)]
    pub profile: ProfileAndCode,
    /// How long new credentials last; a session of another length is replaced (1h, 8h) [default: the profile's]
    #[arg(long, value_name = "DURATION", value_parser = span)]
    pub duration: Option<Duration>,
    /// Set AWS_PROFILE and no keys: programs then get credentials through the profile whenever they need them; with
    /// =if-possible, set keys where that would not work, or if the session cannot be saved
    #[arg(long, value_name = "WHEN", value_enum, num_args = 0..=1, require_equals = true, default_missing_value = "always",
        hide_possible_values = true)]
    pub by_name: Option<ByName>,
    /// Why a protected profile is used, for its history [default: asked for]
    #[arg(long, value_name = "TEXT", value_parser = Reason::parse)]
    pub reason: Option<Reason>,
    /// The shell to write for [default: the calling shell]
    #[arg(long, value_parser = shells(Some))]
    pub shell: Option<Shell>,
    /// Print an env file or JSON instead of statements
    #[arg(long, value_enum, conflicts_with = "shell")]
    pub format: Option<Format>,
    /// Print statements that unset all variables that `env` sets
    #[arg(long, conflicts_with_all = ["format", "duration", "by_name", "reason"])]
    pub unset: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ByName {
    /// Fail if the profile's name is not enough
    Always,
    /// Set keys if the profile's name is not enough
    IfPossible,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Format {
    /// NAME=value lines
    Dotenv,
    /// One JSON object
    Json,
}

#[derive(Args, Debug)]
pub struct Exec {
    #[command(flatten)]
    pub profile: ProfileAndCode,
    /// How long new credentials last; a session of another length is replaced (1h, 8h) [default: the profile's]
    #[arg(long, value_name = "DURATION", value_parser = span)]
    pub duration: Option<Duration>,
    /// Renew the credentials first if less than this is left (40m, 2h)
    #[arg(long, value_name = "DURATION", value_parser = span)]
    pub min_ttl: Option<Duration>,
    /// Set AWS_PROFILE and no keys: a long command then gets new credentials through the profile before the old ones expire
    #[arg(long)]
    pub by_name: bool,
    /// Why a protected profile is used, for its history [default: asked for]
    #[arg(long, value_name = "TEXT", value_parser = Reason::parse)]
    pub reason: Option<Reason>,
    /// The command and its arguments [default: your shell]
    #[arg(last = true, value_name = "COMMAND")]
    pub command: Vec<OsString>,
}

#[derive(Args, Debug)]
pub struct Login {
    #[command(flatten)]
    pub profile: ProfileAndCode,
    /// How long new credentials last; a session of another length is replaced (1h, 8h) [default: the profile's]
    #[arg(long, value_name = "DURATION", value_parser = span)]
    pub duration: Option<Duration>,
    /// Ask for a new code even if there is a session, for roles that require recent MFA
    #[arg(long)]
    pub fresh: bool,
    /// Use another MFA device of the same user from now on, by name or ARN, for example if you lost the present one
    #[arg(long)]
    pub device: Option<String>,
}

#[derive(Args, Debug)]
pub struct Logout {
    #[command(flatten)]
    pub profile: ProfileArg,
    /// End all sessions, and delete the key that encrypts them
    #[arg(long, conflicts_with_all = ["positional", "flag"])]
    pub all: bool,
}

#[derive(Args, Debug)]
pub struct Status {
    #[command(flatten)]
    pub profile: ProfileArg,
    /// Exit with code 0 if the profile's credentials last this long without a code, else 9 (30m, 2h)
    #[arg(long, value_name = "DURATION", value_parser = span)]
    pub min_ttl: Option<Duration>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Args, Debug)]
pub struct Whoami {
    #[command(flatten)]
    pub profile: ProfileAndCode,
    /// Test every profile that needs no code now, and list all of them
    #[arg(long, conflicts_with_all = ["positional", "flag", "code_stdin"])]
    pub all: bool,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Args, Debug)]
pub struct Console {
    #[command(flatten)]
    pub profile: ProfileAndCode,
    /// The service to open, by its name in the console's URLs (ec2, s3, cloudwatch) [default: the console's home]
    #[arg(long, value_parser = service)]
    pub service: Option<String>,
    /// The region of the page [default: the profile's]
    #[arg(long, value_parser = |text: &str| Region::parse(text).map_err(|why| format!("it {why}")))]
    pub region: Option<Region>,
    /// How long the console session lasts (1h, 8h) [default: as long as the role's credentials]
    #[arg(long, value_name = "DURATION", value_parser = span)]
    pub duration: Option<Duration>,
    /// Print the URL instead of opening a browser. It is a secret: it signs in once, within 15 minutes
    #[arg(long)]
    pub print: bool,
}

#[derive(Args, Debug)]
pub struct Setup {
    #[command(flatten)]
    pub profile: ProfileArg,
    /// Take the access key from a CSV file of the AWS console
    #[arg(long, value_name = "FILE")]
    pub csv: Option<PathBuf>,
    /// Whose key to take, if the CSV file has several
    #[arg(long, value_name = "NAME", requires = "csv")]
    pub user: Option<String>,
}

#[derive(Args, Debug)]
pub struct Doctor {
    /// Make files private that other users can open, and finish interrupted changes
    #[arg(long)]
    pub fix: bool,
    /// Explain this error message of an AWS client, and check nothing else
    #[arg(long, value_name = "MESSAGE", conflicts_with = "fix")]
    pub explain: Option<String>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Subcommand)]
pub enum Settings {
    /// List every setting, its value and where it was set
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
    /// Change one setting; comments and order in config.toml are kept
    #[command(
        after_help = "Examples:\n  twolock settings set session_duration 8h\n  twolock settings set prompt zenity,kdialog\n  twolock settings set endpoints.allow sts.example.com\n  twolock settings set aliases.prod production-admin"
    )]
    Set {
        /// Its name, as `settings list` shows it
        name: String,
        /// Its value
        #[arg(allow_hyphen_values = true)]
        value: String,
        /// Keep an interrupted change as it is, and delete its journal
        #[arg(long)]
        forget_unfinished: bool,
    },
    /// Remove one setting from config.toml, so that its default applies
    #[command(after_help = "Example:\n  twolock settings unset session_duration")]
    Unset {
        /// Its name, as `settings list` shows it
        name: String,
        /// Keep an interrupted change as it is, and delete its journal
        #[arg(long)]
        forget_unfinished: bool,
    },
    /// Print the path of config.toml
    #[command(after_help = "Example:\n  $EDITOR \"$(twolock settings path)\"")]
    Path,
    /// Trust an AWS config file selected by AWS_CONFIG_FILE: it may run programs (mfa_process) until it changes
    #[command(after_help = "Example:\n  twolock settings trust ./aws-config")]
    Trust {
        /// The file
        path: PathBuf,
        /// Do not ask for confirmation
        #[arg(long)]
        yes: bool,
        /// Keep an interrupted change as it is, and delete its journal
        #[arg(long)]
        forget_unfinished: bool,
    },
}

#[derive(Args, Debug)]
pub struct Forget {
    /// Required, because this cannot be undone
    #[arg(long)]
    pub everything: bool,
    #[command(flatten)]
    pub flags: ChangeFlags,
}

#[cfg(feature = "sandbox")]
#[derive(Args, Debug)]
pub struct Sandbox {
    /// Run the tour by itself and exit, with code 0 only if every step succeeded
    #[arg(long)]
    pub once: bool,
    /// The process that removes everything at the end, this access key too
    #[arg(long, hide = true, value_name = "KEY_ID")]
    pub sweep: Option<String>,
}

fn service(text: &str) -> Result<String, String> {
    let is_letter = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    let is_name = (1..=63).contains(&text.len()) && text.bytes().all(is_letter);
    if is_name { Ok(text.into()) } else { Err("write up to 63 characters of a-z, 0-9 and '-'".into()) }
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
