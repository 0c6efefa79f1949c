//! The commands of the tour, in their order.

use std::process::Command;

use crate::shell::Shell;

use super::home::{Home, ROLE_SESSION};

/// How a command is run.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Way {
    Shown,
    /// It asks whether to do it.
    Confirmed,
    /// It asks for a code.
    WithCode,
    /// As an SDK runs it: timed, without a question and without a call to STS.
    Silent,
}

pub struct Step {
    pub title: &'static str,
    /// What a person types.
    pub line: String,
    pub command: Command,
    pub way: Way,
    /// Looks at its effect, and at what it showed, which is not known if a person ran it.
    pub is_right: fn(&Home, &str) -> bool,
}

pub fn all(home: &Home) -> Vec<Step> {
    vec![
        step(home, "Today: an access key in a file, and two roles", "twolock", Way::Shown, |_, _| true),
        step(
            home,
            "Adopt all three: AWS tools then get their credentials from twolock",
            "twolock profile adopt --all",
            Way::Confirmed,
            |home, _| home.is_adopted(),
        ),
        step(home, "The prompt, at most once every 12 hours", "twolock login admin", Way::WithCode, |home, _| {
            !home.sts.codes_consumed().is_empty()
        }),
        step(
            home,
            "What AWS tools run from now on: no prompt, no call to STS",
            "twolock credential-process --profile admin",
            Way::Silent,
            shows_a_session,
        ),
        step(home, "Who AWS thinks you are", who(home), Way::Shown, |home, _| home.sts.count_by(ROLE_SESSION) > 0),
    ]
}

/// `tl` in the user's shell, or the line to type in a shell that has no integration.
pub fn in_a_shell(home: &Home) -> Step {
    let shell =
        Shell::from_program(&home.shell).filter(|shell| matches!(shell, Shell::Bash | Shell::Zsh | Shell::Fish));
    let (title, line) = match shell {
        Some(_) => ("In a shell: the profile's name, and no key", "tl admin && env | grep ^AWS_"),
        None => ("The same credentials in a shell", "eval \"$(twolock env admin)\" && env | grep ^AWS_ACCESS_KEY_ID"),
    };
    let (program, flags) = if shell.is_some() { (home.shell.as_str(), "-ic") } else { ("/bin/sh", "-c") };
    let mut command = home.program(program);
    command.args([flags, line]);
    let is_right = if shell.is_some() { shows_the_name } else { shows_a_session };
    Step { title, line: line.into(), command, way: Way::Shown, is_right }
}

fn step(home: &Home, title: &'static str, line: &str, way: Way, is_right: fn(&Home, &str) -> bool) -> Step {
    let mut words = line.split(' ');
    let mut command = match words.next() {
        Some("aws") => home.program("aws"),
        _ => home.twolock(&[]),
    };
    command.args(words);
    Step { title, line: line.into(), command, way, is_right }
}

fn shows_the_name(home: &Home, shown: &str) -> bool {
    shown.contains("AWS_PROFILE=admin\n") && !shows_a_session(home, shown)
}

fn shows_a_session(home: &Home, shown: &str) -> bool {
    home.sts.sessions().iter().any(|session| shown.contains(&session.access_key_id))
}

/// The AWS CLI if there is one that can be sent to the local STS.
fn who(home: &Home) -> &'static str {
    let version = home.program("aws").arg("--version").output();
    let version = version.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
    if reads_endpoint_url(&version) { "aws --profile admin sts get-caller-identity" } else { "twolock whoami admin" }
}

/// The AWS CLI reads `endpoint_url` since 1.29 and 2.13; one of before would call AWS.
fn reads_endpoint_url(version: &str) -> bool {
    let number = version.strip_prefix("aws-cli/").and_then(|rest| rest.split(' ').next()).unwrap_or_default();
    let mut parts = number.split('.').map_while(|part| part.parse::<u32>().ok());
    match (parts.next(), parts.next()) {
        (Some(1), Some(minor)) => minor >= 29,
        (Some(2), Some(minor)) => minor >= 13,
        (major, _) => major > Some(2),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_aws_cli_that_would_call_aws_is_not_used() {
        for (version, reads) in [
            ("aws-cli/1.46.3 Python/3.11.7 Linux/6.18 botocore/1.43.62\n", true),
            ("aws-cli/1.29.0 Python/3.11.7", true),
            ("aws-cli/1.28.85 Python/3.11.7", false),
            ("aws-cli/2.9.19 Python/3.11.2", false),
            ("aws-cli/2.13.0 Python/3.11.4", true),
            ("aws-cli/3.0.0", true),
            ("pyenv: aws: command not found", false),
            ("", false),
        ] {
            assert_eq!(reads_endpoint_url(version), reads, "{version}");
        }
    }
}
