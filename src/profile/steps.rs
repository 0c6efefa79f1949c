//! The calls of a plan, from the first above the base up to the asked profile's own: the table of the whole program
//! (docs/guide.md, "What twolock does for a profile").

use std::fmt;
use std::ops::RangeInclusive;
use std::time::Duration;

use crate::arn::{MfaSerial, RoleArn};
use crate::duration;
use crate::error::{Failure, Kind, Result};
use crate::names::{ProfileName, SessionName};
use crate::origin::{Origin, Sourced};
use crate::profile::Sources;
use crate::profile::base::Base;
use crate::profile::chain::{Chain, Hop};
use crate::profile::device::Device;
use crate::profile::settings::{ROLE_SECONDS, SESSION_SECONDS};
use crate::role::RoleRequest;

/// AWS caps a role at one hour when a session or another role signs the call (aws-contract 4.2).
pub(crate) const CHAINED_AT_MOST: Duration = Duration::from_secs(3_600);
/// A role's duration when no `duration_seconds` is set.
pub(super) const ROLE_DEFAULT: Duration = Duration::from_secs(3_600);
/// A protected role's, which is never cached: long enough for one task.
const PROTECTED_DEFAULT: Duration = Duration::from_secs(900);
/// An MFA session's duration when nothing sets it.
const SESSION_DEFAULT: Duration = Duration::from_secs(12 * 3_600);
/// boto3 and the AWS CLI never take a session of this length for a fresh one.
const NEVER_FRESH: Duration = Duration::from_secs(900);

/// The note of sessions that have no MFA; `login`, `env` and `exec` say it first.
pub(crate) const NO_MFA: &str = "no mfa_serial, so this session has no MFA and AWS will reject IAM calls";

/// The longest that any credentials of AWS last. Those of another source say their end themselves.
pub(crate) const LONGEST: Duration = Duration::from_secs(36 * 3_600);

/// One call; signed with the credentials of the step before it, the first with those of the plan's base.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// The base's credentials are fetched: from another program, from SSO, by a token. Where another program prints a
    /// long-term key, GetSessionToken without a code.
    Fetch {
        /// Of that session without a code.
        session: Duration,
    },
    /// GetSessionToken, with a code of `device` if there is one.
    SessionToken {
        device: Option<MfaSerial>,
        /// 15 min to 36 h.
        duration: Duration,
    },
    /// AssumeRole; with a code of its own where it is called straight from the base.
    AssumeRole {
        /// The profile that names the role.
        profile: ProfileName,
        request: Box<RoleRequest>,
        /// The device asked for a code on this very call.
        code_from: Option<MfaSerial>,
    },
}

impl Step {
    /// The device whose code this step sends.
    pub fn device(&self) -> Option<&MfaSerial> {
        match self {
            Step::Fetch { .. } => None,
            Step::SessionToken { device, .. } => device.as_ref(),
            Step::AssumeRole { code_from, .. } => code_from.as_ref(),
        }
    }

    /// How long fresh credentials of this step are valid, at most.
    pub(crate) fn duration(&self) -> Duration {
        match self {
            Step::Fetch { .. } => LONGEST,
            Step::SessionToken { duration, .. } => *duration,
            Step::AssumeRole { request, .. } => request.duration,
        }
    }

    pub(crate) fn role(&self) -> Option<&RoleArn> {
        match self {
            Step::Fetch { .. } | Step::SessionToken { .. } => None,
            Step::AssumeRole { request, .. } => Some(&request.role),
        }
    }
}

pub(super) struct StepPlanner<'a> {
    pub sources: Sources<'a>,
    pub chain: &'a Chain,
    pub device: Option<&'a Device<'a>>,
    pub protected: bool,
}

/// A role on the way, and the profile that names it.
struct RoleHop<'a> {
    hop: &'a Hop,
    arn: &'a RoleArn,
}

impl StepPlanner<'_> {
    /// The steps; notes tell what the user should know of them.
    pub(super) fn steps(&self, notes: &mut Vec<String>) -> Result<Vec<Step>> {
        self.refuse_protected_sources()?;
        let roles = self.roles();
        match roles.last() {
            None => self.session_alone(notes),
            Some(top) => self.up_to_role(&roles, top, notes),
        }
    }

    /// A protected role gives its credentials to a person alone, and not to other profiles.
    fn refuse_protected_sources(&self) -> Result<()> {
        for source in self.chain.hops.iter().skip(1) {
            if source.settings().is_protected()? {
                let name = &source.name;
                return Err(self.refuse(&format!(
                    "uses '{name}', which is protected: only twolock env and exec give its credentials"
                )));
            }
        }
        Ok(())
    }

    /// The roles, in the order they are assumed.
    fn roles(&self) -> Vec<RoleHop<'_>> {
        let hops = self.chain.hops.iter().rev();
        hops.filter_map(|hop| Some(RoleHop { hop, arn: &hop.role.as_ref()?.value })).collect()
    }

    fn session_alone(&self, notes: &mut Vec<String>) -> Result<Vec<Step>> {
        if self.protected {
            return Err(self.refuse("twolock_protected is for roles, and this profile has none"));
        }
        if self.chain.base.is_fetched() && self.device.is_none() {
            notes.extend(self.note_on_unused_device());
            return Ok(vec![self.fetch()?]);
        }
        if let Base::Temporary(key) = &self.chain.base {
            let cause = format!("access key {} is temporary: it can assume roles, but cannot start a session", key.id);
            return Err(self.refuse(&cause).hint("use a long-term access key (AKIA…) of an IAM user"));
        }
        let session = match self.demanded(SESSION_SECONDS)? {
            Some(duration) => Step::SessionToken { device: self.serial().cloned(), duration },
            None => self.session()?,
        };
        if self.device.is_none() {
            notes.push(self.note_on_no_device());
        }
        notes.extend(note_on_length(&session));
        Ok(vec![session])
    }

    /// The credentials of the base themselves. Their length is not ours to choose.
    fn fetch(&self) -> Result<Step> {
        match &self.chain.base {
            Base::WebIdentity(_) => drop(self.demanded(ROLE_SECONDS)?),
            base if self.sources.surroundings.duration.is_some() => {
                let cause =
                    format!("--duration does not apply: {} decides how long the credentials last", base.origin());
                return Err(Failure::new(Kind::Usage, cause));
            }
            _ => {}
        }
        Ok(Step::Fetch { session: self.session_duration()? })
    }

    /// A device beside temporary credentials is of no use.
    fn note_on_unused_device(&self) -> Option<String> {
        let base = &self.chain.base;
        self.chain.owner().settings().raw("mfa_serial").filter(|_| base.is_temporary())?;
        let which = match base {
            Base::Temporary(_) => "temporary credentials".into(),
            _ => format!("credentials from {}", base.origin()),
        };
        Some(format!("mfa_serial is not used: AWS accepts no code with {which}"))
    }

    fn note_on_no_device(&self) -> String {
        let meant = self.chain.base_profiles().find_map(|hop| hop.settings().misspelled(&["mfa_serial"])?.shown());
        meant.map_or(NO_MFA.into(), |meant| format!("{NO_MFA}; {meant}"))
    }

    fn up_to_role(&self, roles: &[RoleHop<'_>], top: &RoleHop<'_>, notes: &mut Vec<String>) -> Result<Vec<Step>> {
        let long = self.role_duration(top, top)?.filter(|wanted| wanted.value > CHAINED_AT_MOST);
        self.refuse_impossible(roles, top, long.as_ref())?;
        let is_chained = self.chain.base.is_temporary();
        let straight = roles.len() == 1 && !is_chained && (long.is_some() || self.protected || self.device.is_none());
        let mut steps = Vec::new();
        if self.device.is_none() && self.chain.base.is_fetched() {
            notes.extend(self.note_on_unused_device());
            steps.push(Step::Fetch { session: self.session_duration()? });
        } else if is_chained {
            // Whether MFA was used for temporary credentials, nobody can tell.
            notes.extend(self.note_on_unused_device());
        } else if self.device.is_none() {
            notes.push("no mfa_serial in the chain, so the role is assumed without MFA".into());
        } else if !straight {
            let session = self.session()?;
            notes.extend(note_on_length(&session));
            steps.push(session);
        }
        for role in roles {
            let mut request = self.request(role, top)?;
            if !straight && request.duration > CHAINED_AT_MOST {
                notes.push(format!("the role of '{}' lasts 1h here: AWS limits chained roles", role.hop.name));
                request.duration = CHAINED_AT_MOST;
            }
            let code_from = self.serial().filter(|_| straight).cloned();
            steps.push(Step::AssumeRole { profile: role.hop.name.clone(), request: Box::new(request), code_from });
        }
        Ok(steps)
    }

    /// Durations AWS would refuse after the code was typed are refused before.
    fn refuse_impossible(
        &self,
        roles: &[RoleHop<'_>],
        top: &RoleHop<'_>,
        long: Option<&Sourced<Duration>>,
    ) -> Result<()> {
        if let (true, [.., below, _]) = (self.protected, roles) {
            let why = "twolock_protected is for a role that an access key assumes, and this one is assumed through the role of";
            return Err(self.refuse(&format!("{why} '{}'", below.hop.name)));
        }
        if let Some(long) = long {
            let shown = duration::exact(long.value);
            let (kind, set) = match long.origin {
                Origin::Flag(flag) => (Kind::Usage, flag),
                _ => (Kind::Config, "duration_seconds"),
            };
            let too_long = |why: &str| {
                let failure = Failure::new(kind, format!("{set} of {shown} is too long{why}"));
                Err(failure.of_profile(&top.hop.name).at(long.place()))
            };
            if self.chain.base.is_temporary() {
                return too_long(": AWS limits roles assumed with temporary credentials to 1h");
            }
            if roles.len() > 1 {
                return too_long(": AWS limits roles assumed through other roles to 1h");
            }
            if self.protected {
                return too_long(" for a protected profile: at most 1h");
            }
        }
        if self.protected && self.device.is_none() {
            return Err(self.refuse("twolock_protected needs an mfa_serial: it asks for a fresh code each time"));
        }
        Ok(())
    }

    fn refuse(&self, why: &str) -> Failure {
        self.chain.asked().settings().refuse_profile(why)
    }

    fn serial(&self) -> Option<&MfaSerial> {
        self.device.map(|(_, serial)| &serial.value)
    }

    fn session(&self) -> Result<Step> {
        Ok(Step::SessionToken { device: self.serial().cloned(), duration: self.session_duration()? })
    }

    /// `twolock_session_duration` of the base's profile, else our settings: the session is shared.
    fn session_duration(&self) -> Result<Duration> {
        for hop in self.chain.base_profiles() {
            if let Some(own) = hop.settings().session_duration()? {
                return Ok(own.value);
            }
        }
        let set = self.sources.surroundings.session_duration.as_ref().map(|d| d.value);
        Ok(set.unwrap_or(SESSION_DEFAULT))
    }

    /// What `--duration` demands of the asked profile's own credentials.
    fn demanded(&self, range: RangeInclusive<u64>) -> Result<Option<Duration>> {
        let Some(duration) = self.sources.surroundings.duration else { return Ok(None) };
        if range.contains(&duration.as_secs()) {
            return Ok(Some(duration));
        }
        let (shown, hours) = (duration::exact(duration), range.end() / 3_600);
        let cause = format!("--duration {shown} is out of range: AWS accepts 15m to {hours}h");
        Err(Failure::new(Kind::Usage, cause))
    }

    /// `--duration` for the last role, else the profile's.
    fn role_duration(&self, role: &RoleHop<'_>, top: &RoleHop<'_>) -> Result<Option<Sourced<Duration>>> {
        let demanded = if role.hop.name == top.hop.name { self.demanded(ROLE_SECONDS)? } else { None };
        match demanded {
            Some(value) => Ok(Some(Sourced { value, origin: Origin::Flag("--duration") })),
            None => role.hop.settings().role_duration(),
        }
    }

    fn request(&self, role: &RoleHop<'_>, top: &RoleHop<'_>) -> Result<RoleRequest> {
        let settings = role.hop.settings();
        let default = if self.protected { PROTECTED_DEFAULT } else { ROLE_DEFAULT };
        let person = self.serial().and_then(MfaSerial::name).unwrap_or(&self.sources.surroundings.person);
        Ok(RoleRequest {
            role: role.arn.clone(),
            session_name: settings.role_session_name()?.map_or_else(|| SessionName::from_person(person), |n| n.value),
            external_id: settings.external_id()?.map(|id| id.value),
            source_identity: settings.source_identity()?.map(|id| id.value),
            tags: settings.tags()?,
            transitive_tags: settings.transitive_tags()?,
            policy_arns: settings.policy_arns()?,
            duration: self.role_duration(role, top)?.map_or(default, |d| d.value),
        })
    }
}

fn note_on_length(session: &Step) -> Option<String> {
    let note = "a session of 15m or less always looks expired to boto3 and the AWS CLI: they run twolock on every call";
    (session.duration() <= NEVER_FRESH).then(|| note.into())
}

/// As `profile show` prints it, a line each.
impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Step::Fetch { .. } => f.write_str("the credentials that it gives"),
            Step::SessionToken { device: Some(device), duration } => {
                write!(f, "session token with a code from {device}, {}", duration::show(*duration))
            }
            Step::SessionToken { device: None, duration } => {
                write!(f, "session token without MFA, {}", duration::show(*duration))
            }
            Step::AssumeRole { request, code_from, .. } => {
                write!(f, "role {} as '{}', {}", request.role, request.session_name, duration::show(request.duration))?;
                match code_from {
                    Some(device) => write!(f, ", with a code from {device}"),
                    None => Ok(()),
                }
            }
        }
    }
}
