//! The plan: the steps from the long-lived key up to the asked profile's credentials, decided before anything acts.

use std::fmt;
use std::time::Duration;

use crate::arn::{MfaSerial, Partition, RoleArn};
use crate::config::Profile;
use crate::duration;
use crate::error::{Failure, Kind, Result};
use crate::names::{ProfileName, Region, SessionName};
use crate::profile::chain::{self, Chain, Hop, LongLivedKey};
use crate::profile::settings::Sourced;
use crate::profile::{Outside, Sources};
use crate::role::RoleRequest;

/// AWS caps a role at one hour when a session or another role stands in front of it (aws-contract 4.2).
pub const CHAINED_AT_MOST: Duration = Duration::from_secs(3_600);
/// A role's duration when no `duration_seconds` is set.
const ROLE_DEFAULT: Duration = Duration::from_secs(3_600);
/// An MFA session's duration when nothing sets it.
const SESSION_DEFAULT: Duration = Duration::from_secs(12 * 3_600);

/// One step; each works with the credentials of the step before it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Where everything begins.
    LongLivedKey(LongLivedKey),
    /// GetSessionToken, with a code of `device` if there is one.
    SessionToken {
        /// The device asked for a code.
        device: Option<MfaSerial>,
        /// 15 min to 36 h.
        duration: Duration,
    },
    /// AssumeRole; with a code of its own where it is called straight from the key.
    AssumeRole {
        /// The profile that names the role.
        profile: ProfileName,
        /// What is sent.
        request: Box<RoleRequest>,
        /// The device asked for a code on this very call.
        code_from: Option<MfaSerial>,
    },
}

impl Step {
    /// The device whose code this step sends.
    pub fn device(&self) -> Option<&MfaSerial> {
        match self {
            Step::LongLivedKey(_) => None,
            Step::SessionToken { device, .. } => device.as_ref(),
            Step::AssumeRole { code_from, .. } => code_from.as_ref(),
        }
    }
}

/// The command that prints codes, and whose it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MfaProcess {
    /// The profile that names it.
    pub profile: ProfileName,
    /// The command line and its place.
    pub line: Sourced<String>,
}

/// What will be done for a profile, as a value: `profile show` prints it, `session` executes it, tests compare it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// The asked profile.
    pub profile: ProfileName,
    /// The steps; the first is the long-lived key.
    pub steps: Vec<Step>,
    /// The device all codes come from.
    pub device: Option<MfaSerial>,
    /// The partition of every call.
    pub partition: Partition,
    /// The region calls go to, with where it was named.
    pub region: Outside<Region>,
    /// The region `env` and `exec` export: only what the profiles name themselves.
    pub shell_region: Option<Region>,
    /// An endpoint instead of AWS's own, with where it was named.
    pub endpoint_url: Option<Outside<String>>,
    /// Whether FIPS endpoints are wanted.
    pub fips: bool,
    /// Whether dual-stack endpoints are wanted.
    pub dualstack: bool,
    /// The command that prints codes.
    pub mfa_process: Option<MfaProcess>,
    /// Break-glass: a fresh code each time, never cached.
    pub protected: bool,
    /// What the user should know.
    pub notes: Vec<String>,
}

/// The note of sessions that have no MFA; `login`, `env` and `exec` say it first.
pub const NO_MFA: &str = "no mfa_serial, so this session has no MFA and IAM calls will be refused";

impl Plan {
    /// The key everything begins with.
    pub fn key(&self) -> &LongLivedKey {
        match &self.steps[0] {
            Step::LongLivedKey(key) => key,
            _ => unreachable!("the first step of every plan is its key"),
        }
    }

    /// How many codes a cold start asks for.
    pub fn codes(&self) -> usize {
        self.steps.iter().filter(|step| step.device().is_some()).count()
    }

    /// How long fresh credentials of the last step live.
    pub fn duration(&self) -> Duration {
        match self.steps.last() {
            Some(Step::SessionToken { duration, .. }) => *duration,
            Some(Step::AssumeRole { request, .. }) => request.duration,
            _ => Duration::ZERO,
        }
    }
}

/// What a list tells of a plan, for far less than making it.
pub struct Outline {
    /// The asked profile, which was read on the way.
    pub profile: Profile,
    /// The key everything begins with.
    pub key: LongLivedKey,
    /// The device all codes come from.
    pub device: Option<MfaSerial>,
    /// The role of the last step, if that is one.
    pub role: Option<RoleArn>,
}

/// Follows a profile down to its key, and no further: what a plan refuses besides is not looked at.
pub fn outline(sources: Sources<'_>, asked: &ProfileName) -> Result<Outline> {
    let chain = chain::walk(sources, asked)?;
    let device = device_of(&chain)?.map(|(_, device)| device.value);
    let role = chain.hops.iter().find_map(|hop| hop.role.as_ref()).map(|role| role.value.clone());
    Ok(Outline { key: chain.key.clone(), profile: chain.into_asked(), device, role })
}

/// Plans a profile: every refusal that can be known without asking AWS or a person is made here.
pub fn plan(sources: Sources<'_>, asked: &ProfileName) -> Result<Plan> {
    planned(sources, asked).map_err(|failure| failure.of_profile(asked))
}

fn planned(sources: Sources<'_>, asked: &ProfileName) -> Result<Plan> {
    let chain = chain::walk(sources, asked)?;
    let mut notes = Vec::new();
    let device = device_of(&chain)?;
    let protected = asked_hop(&chain).settings().protected()?.is_some_and(|p| p.value);
    let steps = steps_of(sources, &chain, device.as_ref(), protected, &mut notes)?;
    let partition = partition_of(&chain, device.as_ref())?;
    let (region, shell_region) = region_of(sources, &chain, partition, &mut notes)?;
    let partition = partition.or(region.value.partition()).unwrap_or(Partition::Aws);
    let endpoint_url = endpoint_of(sources, &chain)?;
    let (fips, dualstack) = endpoint_kinds(sources, &chain)?;
    Ok(Plan {
        profile: asked.clone(),
        mfa_process: mfa_process_of(&chain, device.as_ref()),
        device: device.map(|(_, d)| d.value),
        steps,
        partition,
        region,
        shell_region,
        endpoint_url,
        fips,
        dualstack,
        protected,
        notes,
    })
}

/// The profile that was asked for: the first hop, or the owner of the key.
fn asked_hop(chain: &Chain) -> &Hop {
    chain.hops.first().unwrap_or(chain.owner())
}

type Device<'a> = (&'a Hop, Sourced<MfaSerial>);

/// The first `mfa_serial` from the first role above the key up to the asked profile, else the key profile's own.
fn device_of(chain: &Chain) -> Result<Option<Device<'_>>> {
    let mut first: Option<Device<'_>> = None;
    for hop in chain.hops.iter().rev() {
        let Some(serial) = hop.settings().mfa_serial()? else { continue };
        match &first {
            Some((_, known)) if known.value != serial.value => {
                let cause = format!(
                    "mfa_serial {} differs from {} ({}), which already opens the chain; a chain has one device",
                    serial.value, known.value, known.place
                );
                return Err(Failure::new(Kind::Config, cause).of_profile(&hop.name).at(&serial.place));
            }
            Some(_) => {}
            None => first = Some((hop, serial)),
        }
    }
    if first.is_none() {
        first = chain.owner().settings().mfa_serial()?.map(|serial| (chain.owner(), serial));
    }
    if let Some((hop, serial)) = &first
        && serial.value.is_fido()
    {
        let cause = format!(
            "mfa_serial {} is a FIDO key or passkey; STS takes codes of virtual and hardware token devices only",
            serial.value
        );
        return Err(Failure::new(Kind::Config, cause).of_profile(&hop.name).at(&serial.place).hint(
            "add an authenticator app (a virtual MFA device, arn:aws:iam::…:mfa/NAME) to the IAM user and name it here",
        ));
    }
    Ok(first)
}

fn steps_of(
    sources: Sources<'_>,
    chain: &Chain,
    device: Option<&Device<'_>>,
    protected: bool,
    notes: &mut Vec<String>,
) -> Result<Vec<Step>> {
    let roles: Vec<&Hop> = chain.hops.iter().rev().filter(|hop| hop.role.is_some()).collect();
    let serial = device.map(|(_, d)| d.value.clone());
    let session = || -> Result<Step> {
        Ok(Step::SessionToken { device: serial.clone(), duration: session_duration(sources, chain)? })
    };
    let mut steps = vec![Step::LongLivedKey(chain.key.clone())];
    let Some(top) = roles.last() else {
        if protected {
            return Err(asked_hop(chain)
                .settings()
                .refuse_profile("twolock_protected is for roles, and this profile has none"));
        }
        steps.push(session()?);
        if serial.is_none() {
            notes.push(NO_MFA.into());
        }
        session_length_note(&steps, notes);
        return Ok(steps);
    };
    let wanted = top.settings().role_duration()?;
    let wants_long = wanted.as_ref().is_some_and(|w| w.value > CHAINED_AT_MOST);
    refuse_impossible(chain, &roles, top, wanted.as_ref(), device, protected)?;
    let straight = roles.len() == 1 && (wants_long || protected || serial.is_none());
    if serial.is_none() {
        notes.push("no mfa_serial in the chain, so the role is assumed without MFA".into());
    } else if !straight {
        steps.push(session()?);
        session_length_note(&steps, notes);
    }
    for hop in roles.iter() {
        let mut request = role_request(sources, hop, device)?;
        if !straight && request.duration > CHAINED_AT_MOST {
            notes.push(format!("role of '{}' is taken for 1h here: AWS caps chained roles", hop.name));
            request.duration = CHAINED_AT_MOST;
        }
        let code_from = serial.clone().filter(|_| straight);
        steps.push(Step::AssumeRole { profile: hop.name.clone(), request: Box::new(request), code_from });
    }
    Ok(steps)
}

/// Durations AWS would refuse after the code was typed are refused before.
fn refuse_impossible(
    chain: &Chain,
    roles: &[&Hop],
    top: &Hop,
    wanted: Option<&Sourced<Duration>>,
    device: Option<&Device<'_>>,
    protected: bool,
) -> Result<()> {
    let long = wanted.filter(|w| w.value > CHAINED_AT_MOST);
    if let Some(long) = long {
        let too_long = |cause: String| Err(Failure::new(Kind::Config, cause).of_profile(&top.name).at(&long.place));
        let shown = duration::show(long.value);
        if roles.len() > 1 {
            let cause =
                format!("duration_seconds of {shown} cannot be had: AWS caps roles assumed through other roles at 1h");
            return too_long(cause);
        }
        if protected {
            return too_long(format!("duration_seconds of {shown} is too long for a protected profile: at most 1h"));
        }
    }
    if protected && device.is_none() {
        return Err(asked_hop(chain)
            .settings()
            .refuse_profile("twolock_protected needs an mfa_serial: it asks for a fresh code each time"));
    }
    Ok(())
}

/// The profile that owns the key, behind those that use it without a role: they are its owners in all but the key.
fn key_profiles(chain: &Chain) -> impl Iterator<Item = &Hop> {
    chain.hops.iter().rev().take_while(|hop| hop.role.is_none()).chain([chain.owner()])
}

/// `twolock_session_duration` of the key's profile, else our settings: the session is shared.
fn session_duration(sources: Sources<'_>, chain: &Chain) -> Result<Duration> {
    for hop in key_profiles(chain) {
        if let Some(own) = hop.settings().session_duration()? {
            return Ok(own.value);
        }
    }
    let set = sources.surroundings.session_duration.as_ref().map(|d| d.value);
    Ok(set.unwrap_or(SESSION_DEFAULT))
}

fn session_length_note(steps: &[Step], notes: &mut Vec<String>) {
    if let Some(Step::SessionToken { duration, .. }) = steps.last()
        && duration.as_secs() <= 900
    {
        notes.push(
            "a session of 15m or less never looks fresh to boto3 and the AWS CLI: they run twolock at every call"
                .into(),
        );
    }
}

fn role_request(sources: Sources<'_>, hop: &Hop, device: Option<&Device<'_>>) -> Result<RoleRequest> {
    let settings = hop.settings();
    let role = hop.role.as_ref().expect("only hops with a role become requests").value.clone();
    let person = device.and_then(|(_, d)| d.value.name()).unwrap_or(&sources.surroundings.person);
    Ok(RoleRequest {
        role,
        session_name: settings.role_session_name()?.map_or_else(|| SessionName::from_person(person), |n| n.value),
        external_id: settings.external_id()?.map(|id| id.value),
        source_identity: settings.source_identity()?.map(|id| id.value),
        tags: settings.tags()?,
        transitive_tags: settings.transitive_tags()?,
        policy_arns: settings.policy_arns()?,
        duration: settings.role_duration()?.map_or(ROLE_DEFAULT, |d| d.value),
    })
}

/// The partition of the ARNs, which have to agree: an account of one partition cannot enter another.
fn partition_of(chain: &Chain, device: Option<&Device<'_>>) -> Result<Option<Partition>> {
    let mut found = device.and_then(|(_, d)| d.value.partition());
    for hop in chain.hops.iter().rev() {
        let Some(role) = &hop.role else { continue };
        let partition = role.value.partition();
        if let Some(known) = found
            && known != partition
        {
            let cause =
                format!("role {} is in partition {partition}, but the chain below it is in {known}", role.value);
            return Err(Failure::new(Kind::Config, cause).of_profile(&hop.name).at(&role.place));
        }
        found = Some(partition);
    }
    Ok(found)
}

/// The asked profile's region, else the key profile's, else the caller's, else the partition's default.
fn region_of(
    sources: Sources<'_>,
    chain: &Chain,
    partition: Option<Partition>,
    notes: &mut Vec<String>,
) -> Result<(Outside<Region>, Option<Region>)> {
    for hop in std::iter::once(asked_hop(chain)).chain(key_profiles(chain)) {
        let Some(region) = hop.settings().region()? else { continue };
        if let (Some(wanted), Some(is)) = (partition, region.value.partition())
            && wanted != is
        {
            let cause = format!("region {} is in partition {is}, but the account is in {wanted}", region.value);
            return Err(Failure::new(Kind::Config, cause).of_profile(&hop.name).at(&region.place));
        }
        let origin = region.place.to_string();
        return Ok((Outside { value: region.value.clone(), origin }, Some(region.value)));
    }
    if let Some(outside) = &sources.surroundings.region {
        let region = Region::parse(&outside.value).map_err(|why| {
            Failure::new(
                Kind::Config,
                format!("{} '{}' {why}", outside.origin, crate::text::visible::visible(&outside.value)),
            )
        })?;
        match (partition, region.partition()) {
            (Some(wanted), Some(is)) if wanted != is => {
                notes.push(format!("{} {region} is not used: the account is in partition {wanted}", outside.origin));
            }
            _ => return Ok((Outside { value: region, origin: outside.origin.clone() }, None)),
        }
    }
    let default = Region::default_of(partition.unwrap_or(Partition::Aws));
    Ok((Outside { value: default, origin: "default".into() }, None))
}

/// Variables, then `[services]`, then the profile's `endpoint_url` (aws-contract 1.3).
fn endpoint_of(sources: Sources<'_>, chain: &Chain) -> Result<Option<Outside<String>>> {
    let settings = asked_hop(chain).settings();
    let ignored = settings.switch("ignore_configured_endpoint_urls")?.is_some_and(|s| s.value);
    if sources.surroundings.ignore_configured_endpoints || ignored {
        return Ok(None);
    }
    if let Some(outside) = &sources.surroundings.endpoint_url {
        return Ok(Some(outside.clone()));
    }
    if let Some(services) = settings.raw("services") {
        let section = sources.files.config.named_section("services", &services.value);
        let sts = section.as_ref().and_then(|section| section.get("sts"));
        let url = sts.and_then(|sts| {
            sts.value.lines().find_map(|line| {
                let (key, value) = line.split_once('=')?;
                key.trim().eq_ignore_ascii_case("endpoint_url").then(|| value.trim().to_string())
            })
        });
        if let (Some(sts), Some(value)) = (sts, url) {
            return Ok(Some(Outside {
                value,
                origin: format!("sts of [services {}] ({})", services.value, sts.place),
            }));
        }
    }
    Ok(settings
        .raw("endpoint_url")
        .map(|s| Outside { value: s.value.clone(), origin: format!("endpoint_url ({})", s.place) }))
}

fn endpoint_kinds(sources: Sources<'_>, chain: &Chain) -> Result<(bool, bool)> {
    let settings = asked_hop(chain).settings();
    let fips = settings.switch("use_fips_endpoint")?.is_some_and(|s| s.value);
    let dualstack = settings.switch("use_dualstack_endpoint")?.is_some_and(|s| s.value);
    Ok((fips || sources.surroundings.fips, dualstack || sources.surroundings.dualstack))
}

/// `mfa_process` of the profile whose `mfa_serial` is used, else of the key's.
fn mfa_process_of(chain: &Chain, device: Option<&Device<'_>>) -> Option<MfaProcess> {
    let (hop, _) = device?;
    std::iter::once(*hop)
        .chain(key_profiles(chain))
        .find_map(|hop| Some(MfaProcess { profile: hop.name.clone(), line: hop.settings().mfa_process()? }))
}

/// The steps as `profile show` prints them, one a line.
impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Step::LongLivedKey(key) => write!(f, "access key {} of profile '{}' ({})", key.id, key.profile, key.place),
            Step::SessionToken { device: Some(device), duration } => {
                write!(f, "session token with a code of {device}, {}", duration::show(*duration))
            }
            Step::SessionToken { device: None, duration } => {
                write!(f, "session token without MFA, {}", duration::show(*duration))
            }
            Step::AssumeRole { request, code_from, .. } => {
                write!(f, "role {} as '{}', {}", request.role, request.session_name, duration::show(request.duration))?;
                match code_from {
                    Some(device) => write!(f, ", with a code of {device}"),
                    None => Ok(()),
                }
            }
        }
    }
}
