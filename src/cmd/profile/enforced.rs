//! Whether AWS itself enforces a protected profile: the condition that the role's trust policy needs, and a test of it.

use std::io;
use std::time::Duration;

use serde_json::{Value, json};

use crate::aws::{AwsErrorKind, Bounds, Signer, Sts};
use crate::cmd::account::user_of;
use crate::cmd::break_glass::{self, history};
use crate::cmd::context::{Context, Planned};
use crate::cmd::conversation::{Conversation, PersonNeeded};
use crate::cmd::sessions::{cache_if_open, living_with_header};
use crate::credentials::Session;
use crate::duration;
use crate::error::{Failure, Kind, Result};
use crate::hint::{CommandLine, Verb};
use crate::names::ProfileName;
use crate::output::paragraph::wrapped;
use crate::output::{is_styled, to_stdout};
use crate::profile::plan::Plan;
use crate::profile::steps::Step;
use crate::role::RoleRequest;
use crate::system::clock;
use crate::text::style::label;
use crate::text::visible::visible;
use crate::timestamp::Timestamp;

/// A code that is older is no fresh one. AWS's condition and the test use the same number.
const FRESH: Duration = Duration::from_secs(300);
/// A use that is older says little: the trust policy and the user's rights may have changed since.
const RECENT_SECONDS: i64 = 86_400;
const SHORTEST_ROLE: Duration = Duration::from_secs(900);

/// The condition for each statement that allows `sts:AssumeRole`. Without MFA there is no age, which fulfils no
/// numeric condition.
pub fn condition() -> Value {
    json!({"NumericLessThan": {"aws:MultiFactorAuthAge": FRESH.as_secs().to_string()}})
}

/// What `profile show` says of it.
pub fn policy_text(name: &ProfileName, width: Option<usize>) -> String {
    let intro =
        "AWS enforces this only if the role's trust policy does. Add to each statement that allows sts:AssumeRole:";
    let test = CommandLine::of(Verb::Show, name).with("--test");
    let hint = format!("  {} to test it: {test}\n", label("hint", is_styled(&io::stdout())));
    let most = FRESH.as_secs();
    let line = format!("    \"Condition\": {{\"NumericLessThan\": {{\"aws:MultiFactorAuthAge\": \"{most}\"}}}}\n");
    format!("\ntrust policy\n{}{line}{hint}", wrapped(intro, "  ", width))
}

/// Assumes the role with an MFA session that is too old for the condition, after asking.
pub fn test(context: &Context, name: &ProfileName) -> Result<u8> {
    let planned = context.plan(name)?;
    let of_profile = |failure: Failure| failure.of_profile(name);
    let role = break_glass::role(&planned.plan).filter(|_| planned.plan.protected);
    let role =
        role.ok_or_else(|| of_profile(Failure::new(Kind::Usage, "is not protected: there is nothing to test")))?;
    let (age, session) = old_session(context, &planned).map_err(of_profile)?;
    let age = duration::show(age);
    let arn = &role.role;
    let text = format!(
        "assumes {arn} with an MFA session that is {age} old, without a code\nthis AssumeRole appears in CloudTrail\n"
    );
    let need = PersonNeeded { what: "the test must be confirmed", otherwise: "run it in a terminal" };
    Conversation::begin(need)?.before("nothing was requested").confirm(&text, "test it?").map_err(of_profile)?;
    let request = RoleRequest { duration: SHORTEST_ROLE, ..role.clone() };
    let sts = context.sts(&planned.endpoint)?;
    match sts.assume_role(Signer::Session(&session), &request, None, Bounds::CALL) {
        Ok(credentials) => {
            drop(credentials);
            let cause = format!(
                "not enforced by AWS: the role was assumed with a code {age} old; its credentials were dropped at once"
            );
            let show = CommandLine::of(Verb::Show, name).to("the condition that its trust policy needs");
            Err(of_profile(Failure::new(Kind::Config, cause).hint(show)))
        }
        Err(e) if e.kind == AwsErrorKind::Denied => {
            let confirmed = refused(context, &planned, &age).map_err(of_profile)?;
            to_stdout(confirmed.as_bytes()).map(|()| 0)
        }
        Err(e) => Err(e.of_profile(name)),
    }
}

/// A refusal alone proves little: AWS also refuses a user who may not assume the role at all, or sends what the trust
/// policy does not accept. It confirms the condition only if the very same request was accepted with a fresh code.
fn refused(context: &Context, planned: &Planned, age: &str) -> Result<String> {
    let name = &planned.plan.profile;
    let now = clock::now();
    let recent = Timestamp::from_unix(now.unix() - RECENT_SECONDS)..=now;
    let minted = history(context).ok().zip(break_glass::request(planned));
    match minted.and_then(|(history, request)| history.last_minted(&request, recent)) {
        Some(at) => {
            let shown = visible(name.as_str());
            Ok(format!(
                "{shown}: AWS refused a code {age} old, as it would with the condition\n\
                 {shown}: confirmed: AWS gave credentials for the same request with a fresh code at {at}\n"
            ))
        }
        None => {
            let cause = format!(
                "not confirmed: AWS refused a code {age} old, but may have done so for another reason: use the profile \
                 once, then test again within 24h"
            );
            Err(Failure::new(Kind::NeedsPerson, cause).hint(CommandLine::of(Verb::Exec, name).to("to use it")))
        }
    }
}

/// The shared MFA session, and its age, which is more than what the condition allows.
fn old_session(context: &Context, planned: &Planned) -> Result<(Duration, Session)> {
    let shared = planned.with_plan(shared_session(&planned.plan));
    let cache = cache_if_open(context, &context.stores(true));
    let plan = &planned.plan;
    let user = plan.base.key().map_or_else(|| plan.base.profile().clone(), |key| user_of(context, &plan.profile, key));
    let wait = duration::show(FRESH);
    let Some((header, session)) = cache.and_then(|cache| living_with_header(&cache, &shared)) else {
        let cause = format!("the test needs an MFA session older than {wait}, and there is none");
        let login = CommandLine::of(Verb::Login, user).to(format!("to start one, and test {wait} later"));
        return Err(Failure::new(Kind::NeedsPerson, cause).hint(login));
    };
    let age = clock::now().since(header.issued);
    if age <= FRESH {
        let left = duration::show(FRESH + Duration::from_secs(1) - age);
        let cause = format!("the test needs an MFA session older than {wait}, and this one is too new: test in {left}");
        return Err(Failure::new(Kind::Busy, cause));
    }
    Ok((age, session))
}

/// The plan of the MFA session that unprotected roles of the same key and device rest on.
fn shared_session(plan: &Plan) -> Plan {
    let session = Step::SessionToken { device: plan.device.clone(), duration: Duration::ZERO };
    Plan { steps: vec![session], protected: false, ..plan.clone() }
}
