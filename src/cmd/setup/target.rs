//! The profile that is set up: the one that is named, or the one that is not set up yet.

use crate::cli;
use crate::cmd::account::planned;
use crate::cmd::context::Context;
use crate::cmd::conversation::Conversation;
use crate::cmd::profile::add::{lacks_credentials, new_name};
use crate::error::{Failure, Kind, Result};
use crate::hint::{CommandLine, Verb};
use crate::names::ProfileName;
use crate::output::messages;
use crate::picker::{self, Choices};
use crate::profile::adoption::kept_key::keeps_the_key_of;
use crate::profile::callers::Served;
use crate::rotation;
use crate::text::visible::visible;

use super::NEED;

const DEFAULT: &str = "default";

/// Returns the profile with the key; none if every profile is set up.
pub fn chosen(context: &Context, args: &cli::Setup) -> Result<Option<ProfileName>> {
    if let Some(name) = context.given_name(&args.profile)? {
        return of_its_key(context, &context.resolve_alias(&name)?).map(Some);
    }
    let names: Vec<ProfileName> =
        context.usable_names().iter().filter_map(|name| ProfileName::parse(name).ok()).collect();
    let unfinished: Vec<&ProfileName> = names.iter().filter(|name| is_unfinished(context, name)).collect();
    match &unfinished[..] {
        [one] => Ok(Some(not_yet(one))),
        [] if names.iter().any(|name| has_own_key(context, name)) => Ok(None),
        [] => match &names.iter().filter(|name| lacks_key(context, name.as_str())).collect::<Vec<_>>()[..] {
            [one] => Ok(Some(not_yet(one))),
            _ => named(context).map(Some),
        },
        several => picked(context, several).map(Some),
    }
}

fn not_yet(name: &ProfileName) -> ProfileName {
    messages::note(&format!("profile '{}' is not set up yet", visible(name.as_str())));
    name.clone()
}

/// Whether the profile is new, or has neither a key nor another source of credentials.
pub fn lacks_key(context: &Context, name: &str) -> bool {
    let Some(profile) = context.files.profile(name) else { return true };
    ProfileName::parse(name).is_ok_and(|name| lacks_credentials(context, &name, &profile))
}

/// A role is set up with the profile of its key.
fn of_its_key(context: &Context, name: &ProfileName) -> Result<ProfileName> {
    if lacks_key(context, name.as_str()) {
        return new_name(context, name.as_str())
            .map_err(|why| Failure::new(Kind::Usage, format!("'{}' {why}", visible(name.as_str()))));
    }
    let plan = planned(context, name)?.plan;
    let another = || CommandLine::new(Verb::Setup).with("NAME").to("to set up another profile, with an access key");
    let key = plan.base.required_key(name).map_err(|failure| failure.hint(another()))?;
    if plan.role().is_none() {
        return Ok(name.clone());
    }
    let owner = keeps_the_key_of(&context.files, &key.profile).unwrap_or_else(|| key.profile.clone());
    let (role, of) = (visible(name.as_str()), visible(owner.as_str()));
    messages::note(&format!("profile '{role}' is a role that uses the access key of '{of}', so '{of}' is set up"));
    Ok(owner)
}

fn has_own_key(context: &Context, name: &ProfileName) -> bool {
    context.outline(name.as_str()).is_some_and(|outline| outline.role.is_none() && outline.base.key().is_some())
}

/// Whether a step is left for a profile with a key.
fn is_unfinished(context: &Context, name: &ProfileName) -> bool {
    let Some(plan) = context.plan_of_many(name).ok().map(|planned| planned.plan) else { return false };
    let Some(key) = plan.base.key() else { return false };
    let is_unproved = context.index.get(&key.profile).is_some_and(|entry| entry.unproved);
    let rotations = rotation::Records::of(&context.dirs.account_data()).all().unwrap_or_default();
    let is_rotating = rotations.iter().any(|record| record.is_unfinished() && record.is_about(&key.id));
    let is_served = || context.callers().judge(name.as_str()).served() == Served::Fully;
    plan.role().is_none() && (is_unproved || is_rotating || plan.device.is_none() || !is_served())
}

fn named(context: &Context) -> Result<ProfileName> {
    let parse = |text: &str| new_name(context, if text.is_empty() { DEFAULT } else { text });
    Conversation::begin(NEED)?.ask(&format!("profile name (Enter for {DEFAULT})"), parse)
}

fn picked(context: &Context, unfinished: &[&ProfileName]) -> Result<ProfileName> {
    let names: Vec<String> = unfinished.iter().map(|name| name.to_string()).collect();
    let choices = Choices {
        what: "profile",
        names: &names,
        weights: &vec![0; names.len()],
        detail: &|at| context.summary(&names[at]),
    };
    let lost = |why| {
        let named = CommandLine::new(Verb::Setup).with("NAME");
        Failure::new(Kind::NeedsPerson, format!("choosing a profile requires a terminal: {why}")).hint(named)
    };
    match picker::pick(&choices, "", &context.env).map_err(lost)? {
        Some(at) => Ok(unfinished[at].clone()),
        None => Err(Failure::cancelled("no profile was chosen")),
    }
}
