//! Web identity: a token of another identity provider becomes credentials of a role.

use crate::aws::Sts;
use crate::cmd::context::{Context, Planned};
use crate::credentials::Session;
use crate::error::{Failure, Kind, Result};
use crate::hint::{CommandLine, Verb};
use crate::profile::base::WebIdentity;
use crate::sources::Problem;
use crate::sources::token_file::TokenFile;
use crate::system::clock::Deadline;
use crate::system::log;

use super::sign_in::bounds;

pub fn fetch(context: &Context, planned: &Planned, web: &WebIdentity, until: Deadline) -> Result<Session> {
    must_get_tokens(context, planned, web)?;
    let token = TokenFile::at(web.token_file.as_ref()).and_then(|file| file.load());
    let token = token.map_err(|problem| no_token(web, &problem))?;
    let sts = context.sts(&planned.endpoint)?;
    log::step(format_args!("call STS for {web}"));
    let answer = sts.assume_role_with_web_identity(&token, &web.request, bounds(until));
    answer.map_err(|e| e.of_profile(&web.profile).at(&web.place))
}

/// A token opens the role to whoever has it.
fn must_get_tokens(context: &Context, planned: &Planned, web: &WebIdentity) -> Result<()> {
    let mut allow = context.settings.allowed_endpoints();
    if planned.endpoint.may_get_tokens(&allow) {
        return Ok(());
    }
    let cause = format!("the token in {} would be sent to {}", web.token_file, planned.endpoint);
    allow.push(planned.endpoint.host());
    let command = CommandLine::new(Verb::SettingsSet).with("endpoints.allow").with(allow.join(","));
    let failure = Failure::new(Kind::Config, cause).of_profile(&web.profile).at(&web.place);
    Err(failure.hint(command.to("if you trust that server with the token")))
}

fn no_token(web: &WebIdentity, problem: &Problem) -> Failure {
    let why = match problem {
        Problem::Missing => "does not exist".into(),
        Problem::Unreadable(why) => format!("cannot be read: {why}"),
        Problem::Damaged(what) => format!("contains no valid token: {what}"),
    };
    let cause = format!("web_identity_token_file '{}' {why}", web.token_file);
    Failure::new(Kind::Config, cause).of_profile(&web.profile).at(&web.place)
}
