//! What `env` and `exec` hand over to a shell or a program: keys, with what the profile says of endpoints and
//! certificates; or the profile's name alone, so that programs there call twolock themselves.

use std::cell::RefCell;
use std::time::Duration;

use crate::credentials::Session;
use crate::error::{Failure, Kind, Result};
use crate::hint::{CommandLine, Verb};
use crate::names::{ProfileName, Reason};
use crate::origin::Origin;
use crate::output::{exports, messages};
use crate::profile::callers::Served;
use crate::profile::handed::{self, HandedOn};
use crate::session::target::Target;
use crate::system::env::{HANDABLE, HANDED, HANDED_PROFILE, KEY_ID, handed_entry};
use crate::text::visible::visible;
use crate::timestamp::Timestamp;

use super::active_sessions::ActiveSessions;
use super::break_glass::{self, BreakGlass};
use super::context::{Context, Planned, root_elsewhere};
use super::sessions::{SessionRequest, obtain, obtain_warning};

/// How a profile is handed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manner {
    Keys,
    /// By name, or not at all.
    Name,
    /// By name where its programs get a session by that, else by keys.
    NameIfPossible,
}

/// Says why a value cannot be given to the program or shell, if it cannot.
pub type Obstacle = fn(&str) -> Option<&'static str>;

pub struct HandoverRequest {
    pub manner: Manner,
    pub code_stdin: bool,
    pub min_ttl: Option<Duration>,
    pub obstacle: Obstacle,
    /// Why a protected profile is used.
    pub reason: Option<Reason>,
}

pub struct Handover {
    /// The variables to remove before those below are set.
    pub removed: Vec<&'static str>,
    pub variables: Vec<(&'static str, String)>,
    pub lasting: Lasting,
}

/// How long what is handed over lasts.
pub enum Lasting {
    /// The keys expire then.
    Keys(Timestamp),
    /// A code is needed then; never, if the profile has no MFA device.
    Name(Option<Timestamp>),
}

/// Each with its value.
type Variables = Vec<(&'static str, String)>;

/// Starts a session if there is none, and says which variables hand it over.
pub fn hand_over(context: &Context, planned: &Planned, request: &HandoverRequest) -> Result<Handover> {
    planned.print_notes();
    if request.reason.is_some() && !planned.plan.protected {
        let of = visible(planned.plan.profile.as_str());
        messages::note(&format!("profile '{of}' is not protected, so --reason is not kept"));
    }
    let obstacle = match request.manner {
        Manner::Keys => return keys(context, planned, request),
        Manner::Name | Manner::NameIfPossible => why_not_by_name(context, planned),
    };
    match (request.manner, obstacle) {
        (Manner::Name, Some(failure)) => {
            Err(Failure { cause: format!("--by-name is not possible: {}", failure.cause), ..failure })
        }
        (Manner::Name, None) => {
            let needed =
                SessionRequest { uncached: false, must_keep: true, ..session_request(context, planned, request)? };
            obtain(context, planned, &needed)?;
            Ok(name(context, planned, &ActiveSessions::look(context)))
        }
        (_, Some(failure)) => {
            note_keys(planned, &as_note(&failure));
            keys(context, planned, request)
        }
        (_, None) => name_if_kept(context, planned, request),
    }
}

fn session_request(context: &Context, planned: &Planned, request: &HandoverRequest) -> Result<SessionRequest> {
    SessionRequest::interactive(context, request.code_stdin).with_min_ttl(request.min_ttl, context, &planned.plan)
}

/// A failure as a note: cause and ways in one line.
pub fn as_note(failure: &Failure) -> String {
    failure.shown_hints().iter().fold(failure.shown_cause(), |text, way| format!("{text} ({way})"))
}

fn note_keys(planned: &Planned, why: &str) {
    let of = visible(planned.plan.profile.as_str());
    messages::note(&format!("profile '{of}': keys are set instead of AWS_PROFILE: {why}"));
}

/// Why programs that know only the profile's name would not get its session from twolock, if so.
fn why_not_by_name(context: &Context, planned: &Planned) -> Option<Failure> {
    let name = &planned.plan.profile;
    if planned.plan.protected {
        let cause = "it is protected, and gives its credentials to twolock env and twolock exec only";
        return Some(Failure::new(Kind::Config, cause).of_profile(name));
    }
    if context.dirs.is_nowhere {
        return Some(Failure::new(Kind::Config, "no home directory, so its session cannot be saved").of_profile(name));
    }
    if let Some(owner) = context.other_home_owner() {
        return Some(root_elsewhere(&owner).of_profile(name));
    }
    why_unserved(context, name)
}

/// Why programs that know only the profile's name use other credentials than twolock does, if so.
pub fn why_unserved(context: &Context, name: &ProfileName) -> Option<Failure> {
    let verdict = context.callers().judge(name.as_str());
    let cause = match verdict.served() {
        Served::Fully => return None,
        Served::Partly => "not every SDK uses twolock for it",
        Served::No => "the AWS CLI and SDKs do not use twolock for it",
    };
    let verb = if verdict.adopting_helps() && context.can_be_adopted(name) { Verb::Adopt } else { Verb::Show };
    Some(Failure::new(Kind::Config, cause).of_profile(name).hint(CommandLine::of(verb, name)))
}

/// Hands over the name if the session was saved, so that the programs find it.
fn name_if_kept(context: &Context, planned: &Planned, request: &HandoverRequest) -> Result<Handover> {
    let warnings = RefCell::new(Vec::new());
    let warn = |text: &str| warnings.borrow_mut().push(text.to_owned());
    let session = obtain_warning(context, planned, &session_request(context, planned, request)?, &warn)?;
    let active_sessions = ActiveSessions::look(context);
    let is_kept = planned.steps().iter().any(|step| active_sessions.end(&step.identity).is_some());
    if is_kept {
        warnings.take().iter().for_each(|warning| messages::warning(warning));
        return Ok(name(context, planned, &active_sessions));
    }
    let why = warnings.take().into_iter().next().unwrap_or_else(|| "the session was not saved".into());
    note_keys(planned, &why);
    let of_profile = said_by_profile(context, &planned.plan.profile, request.obstacle);
    keys_with(context, planned, request, &session, of_profile)
}

fn name(context: &Context, planned: &Planned, active_sessions: &ActiveSessions) -> Handover {
    let name = planned.plan.profile.as_str();
    let profile = context.files.profile(name);
    let has_own_region = profile.is_some_and(|own| own.get("region").is_some_and(|region| !region.value.is_empty()));
    let region = planned.plan.shell_region.as_ref().filter(|_| !has_own_region);
    let loads_config = context.env.raw(LOAD_CONFIG).is_none();
    let next_code = Target::last_of(&planned.steps()).and_then(|last| last.next_code(|step| active_sessions.end(step)));

    let mut variables: Variables = vec![("AWS_PROFILE", name.into())];
    variables.extend(exports::regions(region));
    variables.extend(loads_config.then(|| (LOAD_CONFIG, "1".into())));
    variables.push((HANDED_PROFILE, name.into()));
    variables.extend(next_code.map(|moment| (exports::EXPIRATION, moment.to_string())));
    Handover {
        removed: exports::removed_for_name(context.env.handed(), has_own_region),
        variables: with_list(variables),
        lasting: Lasting::Name(next_code),
    }
}

/// Go v1 and JavaScript v2 read `~/.aws/config` only where this is set (aws-contract 7).
const LOAD_CONFIG: &str = "AWS_SDK_LOAD_CONFIG";

fn keys(context: &Context, planned: &Planned, request: &HandoverRequest) -> Result<Handover> {
    let of_profile = said_by_profile(context, &planned.plan.profile, request.obstacle);
    let session = match planned.plan.protected {
        true => {
            let HandoverRequest { code_stdin, min_ttl, reason, .. } = request;
            let request = BreakGlass { code_stdin: *code_stdin, min_ttl: *min_ttl, reason: reason.as_ref() };
            break_glass::mint(context, planned, &request)?
        }
        false => obtain(context, planned, &session_request(context, planned, request)?)?,
    };
    keys_with(context, planned, request, &session, of_profile)
}

fn keys_with(
    context: &Context,
    planned: &Planned,
    request: &HandoverRequest,
    session: &Session,
    said_by_profile: Variables,
) -> Result<Handover> {
    let name = &planned.plan.profile;
    let mut variables =
        exports::variables(session, planned.plan.shell_region.as_ref()).map_err(|failure| failure.of_profile(name))?;
    variables.extend(said_by_profile);
    variables.extend((request.obstacle)(name.as_str()).is_none().then(|| (HANDED_PROFILE, name.to_string())));
    Ok(Handover {
        removed: exports::removed(context.env.handed()),
        variables: with_list(variables),
        lasting: Lasting::Keys(session.expires),
    })
}

/// Adds the list of what the next `env` or `exec` removes, or believes.
fn with_list(mut variables: Variables) -> Variables {
    let is_listed = |name: &str| HANDABLE.contains(&name) || [KEY_ID, HANDED_PROFILE].contains(&name);
    let listed = variables.iter().filter(|(name, _)| is_listed(name));
    let list: Vec<_> = listed.map(|(name, value)| handed_entry(name, value.as_ref())).collect();
    variables.push((HANDED, list.join(",")));
    variables
}

/// What the profile says of endpoints and certificates, as variables. One that the user set stays as it is. Notes tell
/// what is not handed on, and what applies that is not the profile's.
fn said_by_profile(context: &Context, name: &ProfileName, obstacle: Obstacle) -> Variables {
    let Some(own) = context.files.profile(name.as_str()) else { return Vec::new() };
    let default = context.files.profile("default");
    let is_set = |variable| context.env.raw(variable).is_some();
    let can_pass = |value: &str| obstacle(value).is_none();
    let HandedOn { variables, lost, inherited } =
        handed::handed_on(&own, default.as_ref(), can_pass, is_set("AWS_ENDPOINT_URL"));
    let note = |text: String| messages::note(&format!("profile '{}': {text}", visible(name.as_str())));
    let mut handed = Vec::new();
    for (variable, said) in variables {
        match context.env.raw(variable) {
            Some(set) if said.origin != Origin::Default && *set != *said.value => {
                note(format!("{variable} is already set, and takes precedence over {}", said.origin));
            }
            Some(_) => {}
            None => match obstacle(&said.value) {
                None => handed.push((variable, said.value)),
                Some(why) => note(format!("{} is not exported: {why}", said.origin)),
            },
        }
    }
    lost.iter().for_each(|lost| note(format!("{lost} has no environment variable, so it has no effect here")));
    let is_used = |origin: &&Origin| !(origin.name() == "ca_bundle" && is_set("AWS_CA_BUNDLE"));
    for origin in inherited.iter().filter(is_used) {
        note(format!("{origin} of the profile 'default' is used here as well"));
    }
    handed
}
