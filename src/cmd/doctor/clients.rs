//! What AWS clients say when they get no credentials, and what to do; compared with docs/callers.md.

use crate::error::{Failure, Kind};
use crate::profile::facts::names_twolock;
use crate::system::child;

use super::checkup::Checkup;
use super::finding::Severity::Info;
use super::finding::{Checked, Finding};

/// An error message of clients.
struct ClientError {
    client: &'static str,
    says: &'static str,
    why: &'static str,
    fix: &'static str,
}

const fn row(client: &'static str, says: &'static str, why: &'static str, fix: &'static str) -> ClientError {
    ClientError { client, says, why, fix }
}

const LOGIN: &str = "twolock login NAME";
const ADOPT: &str = "twolock profile adopt NAME";
const EXEC: &str = "twolock exec NAME -- COMMAND";
const SHOW: &str = "twolock profile show NAME";
const ENV: &str = "eval \"$(twolock env NAME)\"";
const LOAD_CONFIG: &str = "export AWS_SDK_LOAD_CONFIG=1";
const HIDDEN: &str = "twolock ended with an error that the default chain does not show";
const NONE_FOUND: &str = "no profile is selected, or the selected one has no credentials";
const EXPIRED: &str = "the credentials have expired, usually those of an earlier env";
const UNKNOWN_KEY: &str = "AWS does not know the access key: deleted, inactive, mistyped, or of another partition";
const SIGNED_OUT: &str = "the profile's sign-in (SSO, aws login) is missing or has expired";
const ASKS_ITSELF: &str = "the role has an mfa_serial and is not adopted";

const ERRORS: [ClientError; 32] = [
    row("JavaScript", "Could not load credentials from any providers", HIDDEN, LOGIN),
    row(
        "JavaScript v2",
        "Missing credentials in config",
        "it reads the config file only with this variable",
        LOAD_CONFIG,
    ),
    row("Go v1", "no valid providers in chain", "it reads the config file only with this variable", LOAD_CONFIG),
    row("Java", "Unable to load credentials from any of the providers in the chain", HIDDEN, LOGIN),
    row(
        "Java v1",
        "Unable to load AWS credentials from any provider in the chain",
        "it reads the config file only if there is no credentials file",
        "export AWS_CREDENTIAL_PROFILES_FILE=~/.aws/config",
    ),
    row(
        "AWS CLI, boto3",
        "Error when retrieving credentials from custom-process",
        "twolock's error follows it, and shows alone in a terminal",
        LOGIN,
    ),
    row("AWS CLI, boto3", "Unable to locate credentials", NONE_FOUND, EXEC),
    row("Go", "no EC2 IMDS role found", NONE_FOUND, EXEC),
    row("Terraform", "No valid credential sources found", NONE_FOUND, EXEC),
    row("AWS", "The security token included in the request is expired", EXPIRED, ENV),
    row("AWS", "ExpiredToken", EXPIRED, ENV),
    row("AWS", "The security token included in the request is invalid", UNKNOWN_KEY, SHOW),
    row("AWS", "InvalidClientTokenId", UNKNOWN_KEY, SHOW),
    row(
        "AWS CLI, boto3",
        "The config profile (NAME) could not be found",
        "neither AWS file has a profile of that name",
        "twolock profile list",
    ),
    row("Rust", "identity resolver timed out after", "no code was entered within 21.6 s", LOGIN),
    row("Go", "exit status 9", "user input is required; twolock's error is above it on stderr", LOGIN),
    row("Go", "AssumeRoleTokenProvider session option not set", ASKS_ITSELF, ADOPT),
    row(
        "JavaScript",
        "requires multi-factor authentication, but no MFA code callback was provided",
        ASKS_ITSELF,
        ADOPT,
    ),
    row("AWS CLI, boto3", "Enter MFA code for", "the client asks for the code itself: the role is not adopted", ADOPT),
    row(
        "Go",
        "only one credential type may be specified per profile",
        "the profile has credential_process and role_arn or source_profile",
        ADOPT,
    ),
    row(
        "AWS CLI, boto3",
        "Partial credentials found",
        "the profile has half an access key, or a role beside credential_process",
        SHOW,
    ),
    row(
        "C++, pyarrow",
        "Request is missing Authentication Token",
        "it found no credentials and sent an unsigned request",
        EXEC,
    ),
    row("Docker", "credentials not found in native keychain", "ecr-credential-helper got no credentials", LOGIN),
    row("s3cmd", "Configuration file not available", "it ignores credential_process", EXEC),
    row("restic", "unable to open config file: Stat: Access Denied", "it ignores credential_process", EXEC),
    row("AWS CLI, boto3", "To refresh this SSO session run", SIGNED_OUT, LOGIN),
    row("AWS CLI, boto3", "Error loading SSO Token", SIGNED_OUT, LOGIN),
    row("AWS CLI, boto3", "Error when retrieving token from sso", SIGNED_OUT, LOGIN),
    row("AWS CLI, boto3", "Your session has expired or credentials have changed", SIGNED_OUT, LOGIN),
    row("AWS CLI, boto3", "Error loading login session token", SIGNED_OUT, LOGIN),
    row(
        "AWS CLI, boto3",
        "You must specify a region",
        "the profile has none",
        "twolock profile set NAME region REGION",
    ),
    row(
        "AWS CLI, boto3",
        "the refreshed credentials are still expired",
        "an old AWS_CREDENTIAL_EXPIRATION is in the environment",
        "eval \"$(twolock env --unset)\"",
    ),
];

impl ClientError {
    /// Whether a message holds it, or is most of it: a few of its words may be anybody's.
    fn is_meant_by(&self, message: &str) -> bool {
        let says = self.says.to_lowercase();
        let holds = |rest: Option<usize>, piece: &str| {
            rest.and_then(|from| Some(from + message[from..].find(piece)? + piece.len()))
        };
        let is_most = message.len() >= 8 && 2 * message.len() >= says.len();
        says.split("name").fold(Some(0), holds).is_some() || (is_most && says.contains(message))
    }

    fn finding(&self) -> Finding {
        Finding::new(Info, format!("{}: {}", self.client, self.says), self.why).fix(self.fix)
    }
}

/// What a client's error message means. It may be pasted whole, or be the part of it that was kept.
pub fn explained(message: &str) -> Result<Checked, Failure> {
    // A terminal may have broken its lines.
    let message = message.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase();
    let mut meant: Vec<&ClientError> = ERRORS.iter().filter(|error| error.is_meant_by(&message)).collect();
    // AWS's code and AWS's sentence say the same.
    meant.dedup_by_key(|error| (error.why, error.fix));
    let found: Vec<Finding> = meant.into_iter().map(ClientError::finding).collect();
    match found.is_empty() {
        true => Err(Failure::new(Kind::Usage, "doctor does not know this error message")
            .hint("run twolock doctor without --explain: it checks everything it knows")),
        false => Ok(found.into()),
    }
}

/// Programs on `PATH` that never call twolock.
pub fn ignoring(checkup: &Checkup) -> Checked {
    if !checkup.profiles.iter().any(|one| names_twolock(&one.profile)) {
        return Vec::new().into();
    }
    let is_here = |program: &&str| child::find_program(program, checkup.context.env.raw("PATH")).is_some();
    let of = |program| {
        let why = "it works with the variables that exec sets";
        let fix = format!("twolock exec NAME -- {program}");
        Finding::new(Info, format!("{program} ignores credential_process"), why).fix(fix)
    };
    ["s3cmd", "restic"].into_iter().filter(is_here).map(of).collect::<Vec<_>>().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = include_str!("../../../docs/callers.md");

    #[test]
    fn every_error_is_a_row_of_the_page_and_every_row_of_the_page_is_one() {
        let section = PAGE.split_once("## What the client says").unwrap().1;
        let rows: Vec<&str> = section.lines().filter(|line| line.starts_with("| `")).collect();
        for error in ERRORS {
            let cell = format!("| `{}` ({}) |", error.says, error.client);
            assert!(rows.iter().any(|row| row.starts_with(&cell)), "{cell}");
        }
        assert_eq!(rows.len(), ERRORS.len());
    }

    #[test]
    fn a_message_is_found_whole_and_in_part() {
        let fix = |message: &str| explained(message).ok()?.findings.into_iter().next()?.fix;
        let whole = "CredentialsProviderError: could not load credentials from any providers\n  at fromEnv";
        assert_eq!(fix(whole).as_deref(), Some(LOGIN));
        assert_eq!(fix("Missing Authentication").as_deref(), Some(EXEC));
        let expired = "(ExpiredToken) when calling ListBuckets: The security token included in the request is expired";
        assert_eq!(explained(expired).unwrap().findings.len(), 1);
        for signed_out in [
            "Error when retrieving token from sso: Token has expired and refresh failed",
            "The SSO session associated with this profile has expired or is otherwise invalid. To refresh this SSO session \
             run aws sso login with the corresponding profile.",
            "Error loading SSO Token: Token for corp does not exist",
            "Your session has expired or credentials have changed. Please reauthenticate using 'aws login'.",
        ] {
            assert_eq!(fix(signed_out).as_deref(), Some(LOGIN), "{signed_out}");
        }
        let gone = "aws: The config profile (my prod)\n could not be found";
        assert_eq!(fix(gone).as_deref(), Some("twolock profile list"));
    }

    #[test]
    fn words_that_any_message_may_hold_explain_none() {
        for words in [
            "in",
            "no such words",
            "credential",
            "expired",
            "credentials",
            "from any",
            "could not be found",
            "the request",
        ] {
            assert_eq!(explained(words).map(|found| found.findings.len()).unwrap_or(0), 0, "{words}");
        }
    }

    #[test]
    fn every_fix_is_a_command() {
        for error in ERRORS {
            let is_command = ["twolock ", "export ", "eval "].iter().any(|start| error.fix.starts_with(start));
            assert!(is_command, "{}", error.fix);
        }
    }
}
