//! `whoami`: asks AWS whose credentials these are: those of a profile, or without a name those of the calling shell.

mod all;
mod answer;

use crate::aws::endpoint::Endpoint;
use crate::aws::sts::operations::CallerIdentity;
use crate::aws::{AwsErrorKind, Bounds, Signer, Sts};
use crate::cli;
use crate::error::{Failure, Result};
use crate::hint::{CommandLine, Verb};
use crate::names::ProfileName;
use crate::output::{exports, json_to_stdout, messages, to_stdout};
use crate::system::env::HANDED_PROFILE;
use crate::text::visible::{as_word, visible};

use super::context::{Context, Invocation};
use super::handing::{as_note, why_unserved};
use super::keys::in_environment;
use super::sessions::{SessionRequest, obtain};
use super::shell::{calling_shell, line_to_type};
use super::this_shell::ThisShell;
use answer::{alias, in_json};

pub fn run(args: &cli::Whoami, invocation: &Invocation) -> Result<u8> {
    let context = Context::load_anywhere(&invocation.env)?;
    if args.all {
        return all::run(&context, args.json);
    }
    let this_shell = ThisShell::of(&context.env);
    let is_of_shell = args.profile.profile.name().is_none();
    if is_of_shell {
        this_shell.contradiction.iter().for_each(|text| messages::note(text));
        if this_shell.has_keys {
            return own_keys(&context, &this_shell, args.json);
        }
    }
    let planned = context.plan(&context.requested_or_picked(&args.profile.profile)?)?;
    if is_of_shell && this_shell.profile.is_some() {
        note_other_credentials(&context, &planned.plan.profile);
    }
    let session = obtain(&context, &planned, &SessionRequest::interactive(&context, args.profile.code_stdin))?;
    let sts = context.sts(&planned.endpoint)?;
    let who = sts.get_caller_identity(Signer::Session(&session), Bounds::CALL).map_err(|e| {
        let stale = e.kind == AwsErrorKind::StaleSession;
        let failure = e.of_profile(&planned.plan.profile);
        let logout = || CommandLine::of(Verb::Logout, &planned.plan.profile).to("end it, then try again");
        if stale { failure.hint(logout()) } else { failure }
    })?;
    let profile = planned.plan.profile.as_str();
    let alias = alias(&context, &planned, &session).ok().flatten();
    print(&who, alias.as_deref(), Some(profile).filter(|_| args.json), args.json)?;
    context.note_use(&planned.plan.profile);
    Ok(0)
}

/// Programs of a shell with `AWS_PROFILE` may use keys that twolock does not: those of a file, for one.
fn note_other_credentials(context: &Context, name: &ProfileName) {
    if let Some(why) = why_unserved(context, name) {
        messages::note(&format!("profile '{}': {}", visible(name.as_str()), as_note(&why)));
    }
}

/// Prints who it is, and alias and profile if they are given.
fn print(who: &CallerIdentity, alias: Option<&str>, profile: Option<&str>, as_json: bool) -> Result<()> {
    if as_json {
        return json_to_stdout(in_json(who, alias, profile));
    }
    let CallerIdentity { account, arn, user_id } = who;
    let profile = profile.map(|name| format!("profile  {}\n", visible(name))).unwrap_or_default();
    let alias = alias.map(|alias| format!("alias    {}\n", visible(alias))).unwrap_or_default();
    let (arn, user_id) = (visible(arn), visible(user_id));
    let text = format!("{profile}account  {account}\n{alias}arn      {arn}\nuser id  {user_id}\n");
    to_stdout(text.as_bytes())
}

/// The keys in the environment, whoever set them.
fn own_keys(context: &Context, this_shell: &ThisShell, as_json: bool) -> Result<u8> {
    let profile = this_shell.profile.as_ref().and_then(|name| ProfileName::parse(name).ok());
    let planned = profile.as_ref().and_then(|name| context.plan_of_many(name).ok());
    let account = planned.as_ref().and_then(|planned| planned.plan.account().cloned());
    let endpoint = planned.map_or_else(|| context.endpoint_without_profile(), |planned| Ok(planned.endpoint))?;
    let who = ask(context, &endpoint, profile.as_ref())?;
    let named = this_shell.profile.as_deref().filter(|_| account.is_none_or(|account| account == who.account));
    if let (None, Some(name)) = (named, &this_shell.profile) {
        messages::note(&format!(
            "{HANDED_PROFILE} says {}, but the keys in this shell belong to another account",
            visible(name)
        ));
    }
    print(&who, None, named, as_json)?;
    Ok(0)
}

fn ask(context: &Context, endpoint: &Endpoint, profile: Option<&ProfileName>) -> Result<CallerIdentity> {
    let unset = |failure: Failure| {
        let set = context.env.credentials();
        failure.hint(format!("remove them: {}", exports::unset_line(calling_shell(&context.env), &set)))
    };
    let credentials = in_environment().map_err(unset)?;
    let sts = context.sts(endpoint)?;
    sts.get_caller_identity((&credentials).into(), Bounds::CALL).map_err(|e| {
        let is_stale = e.kind == AwsErrorKind::StaleSession;
        let mut failure = e.into_failure();
        failure.cause = format!("the credentials of this shell: {}", failure.cause);
        match profile {
            _ if !is_stale => failure,
            Some(name) => {
                let line = line_to_type(calling_shell(&context.env), &as_word(name.as_str()));
                failure.of_profile(name).hint(format!("get new ones: {line}"))
            }
            None => unset(failure),
        }
    })
}
