//! `whoami`: asks AWS who a profile's credentials are.

use serde_json::json;

use crate::aws::sts::StsClient;
use crate::aws::{AwsErrorKind, Bounds, Signer, Sts};
use crate::cli;
use crate::error::Result;
use crate::hint::{CommandLine, Verb};
use crate::output::{json_to_stdout, to_stdout};
use crate::text::visible::visible;

use super::context::{Context, Invocation};
use super::sessions::{SessionRequest, obtain};

pub fn run(args: &cli::Whoami, invocation: &Invocation) -> Result<u8> {
    let context = Context::load_anywhere(&invocation.env)?;
    let planned = context.plan(&context.requested_or_picked(&args.profile.profile)?)?;
    let session = obtain(&context, &planned, &SessionRequest::interactive(&context, args.profile.code_stdin))?;
    let sts = StsClient::new(planned.endpoint.clone(), context.http(&planned.endpoint)?);
    let who = sts.get_caller_identity(Signer::Session(&session), Bounds::CALL).map_err(|e| {
        let stale = e.kind == AwsErrorKind::StaleSession;
        let failure = e.of_profile(&planned.plan.profile);
        let logout = || CommandLine::of(Verb::Logout, &planned.plan.profile).to("end it, then try again");
        if stale { failure.hint(logout()) } else { failure }
    })?;
    if args.json {
        let profile = planned.plan.profile.as_str();
        json_to_stdout(
            json!({"profile": profile, "account": who.account.as_str(), "arn": who.arn, "user_id": who.user_id}),
        )?;
    } else {
        let text =
            format!("account  {}\narn      {}\nuser id  {}\n", who.account, visible(&who.arn), visible(&who.user_id));
        to_stdout(text.as_bytes())?;
    }
    context.note_use(&planned.plan.profile);
    Ok(0)
}
