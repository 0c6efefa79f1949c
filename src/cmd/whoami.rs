//! `whoami`: asks AWS who a profile's credentials are.

use serde_json::json;

use crate::aws::http::HttpSettings;
use crate::aws::sts::StsClient;
use crate::aws::{Bounds, Signer, Sts, StsErrorKind};
use crate::cli;
use crate::error::Result;
use crate::hint::{CommandLine, Verb};
use crate::output::{json_to_stdout, to_stdout};
use crate::text::visible::visible;

use super::Call;
use super::sessions::{Wants, obtain};
use super::world::World;

/// Prints account, ARN and user id.
pub fn run(args: &cli::Whoami, call: &Call) -> Result<u8> {
    let world = World::load(&call.env)?;
    let planned = world.plan(&world.asked_or_picked(&args.profile.profile)?)?;
    let session = obtain(&world, &planned, &Wants::of_a_person(&world, args.profile.code_stdin))?;
    let sts = StsClient::new(planned.endpoint.clone(), HttpSettings::from_env(&world.env, &planned.endpoint)?);
    let who = sts.get_caller_identity(Signer::Session(&session), Bounds::CALL).map_err(|e| {
        let stale = e.kind == StsErrorKind::StaleSession;
        let failure = e.of_profile(&planned.plan.profile);
        let forget = || CommandLine::of(Verb::Logout, &planned.plan.profile).to("end it, then try again");
        if stale { failure.hint(forget()) } else { failure }
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
    world.note_use(&planned.plan.profile);
    Ok(0)
}
