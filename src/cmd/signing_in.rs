//! The AWS CLI's own sign-in, run for a person at the terminal.

use std::process::Command;

use crate::aws::endpoint::EndpointKind;
use crate::error::{Failure, Kind, Result};
use crate::hint::Hint;
use crate::output::messages;
use crate::profile::base::{Base, SignInCommand};
use crate::system::terminal::Terminal;
use crate::system::{child, programs};

use super::context::{Context, Planned};

/// Whether a failure says that a person has to sign in, and one is there.
pub fn helps(failure: &Failure, base: &Base) -> bool {
    let command = base.sign_in().map(SignInCommand::line);
    let is_named = failure.hints.iter().filter_map(Hint::command).any(|named| Some(named) == command.as_ref());
    failure.kind == Kind::NeedsPerson && is_named && Terminal::open().is_ok()
}

/// Runs it in our place at the terminal. `failure` says what is missing, where it cannot be run.
pub fn run(context: &Context, planned: &Planned, failure: Failure) -> Result<()> {
    let base = &planned.plan.base;
    let is_at_aws = planned.endpoint.kind() != EndpointKind::Loopback;
    let (Some(command), Some(place)) = (base.sign_in(), failure.place.as_ref()) else { return Err(failure) };
    // The AWS CLI runs what its file names: plugins, aliases.
    context.may_start_program(base.profile(), place)?;
    let Some(aws) = programs::find("aws", &context.dirs.account_home(), child::is_executable) else {
        return Err(failure.hint("the AWS CLI was not found in a system directory, so twolock does not run it"));
    };
    messages::note(&format!("running: {}", command.line()));
    let mut aws = Command::new(aws);
    aws.args(command.arguments());
    // Both would name other settings than the command does.
    for variable in ["AWS_PROFILE", "AWS_DEFAULT_PROFILE", "TWOLOCK_MFA_CODE"] {
        aws.env_remove(variable);
    }
    // Where twolock sends no token, a person signs in nowhere either.
    if is_at_aws {
        for variable in
            ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_SSO", "AWS_ENDPOINT_URL_SSO_OIDC", "AWS_ENDPOINT_URL_SIGNIN"]
        {
            aws.env_remove(variable);
        }
    }
    let why = match aws.status() {
        Ok(status) if status.success() => return Ok(()),
        Ok(status) => child::ending(status),
        Err(error) => format!("could not be started: {error}"),
    };
    let cause = format!("'{}' {why}", command.line());
    Err(Failure { cause, hints: Vec::new(), ..failure })
}
