//! The plan: where the first credentials come from and the calls from there up to the asked profile's own, decided
//! before anything acts.

use std::fmt::Display;
use std::time::Duration;

use crate::arn::{AccountId, MfaSerial, Partition, RoleArn};
use crate::aws_files::Profile;
use crate::error::Result;
use crate::names::{ProfileName, Region};
use crate::origin::Sourced;
use crate::profile::base::Base;
use crate::profile::chain;
use crate::profile::device::{MfaProcess, device_of, mfa_process_of};
use crate::profile::endpoint::{endpoint_kinds, endpoints_of};
use crate::profile::region::{named_region, partition_of, unnamed_region};
use crate::profile::steps::{Step, StepPlanner};
use crate::profile::{EndpointUrls, Sources};

/// What will be done for a profile, as a value: `profile show` prints it, `session` executes it, tests compare it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    pub profile: ProfileName,
    pub base: Base,
    /// The calls, the first signed with the base's credentials, each other one with those of the step before it.
    pub steps: Vec<Step>,
    pub device: Option<MfaSerial>,
    pub partition: Partition,
    /// The region calls go to, with where it was named.
    pub region: Sourced<Region>,
    /// The region `env` and `exec` export: only what the profiles name themselves.
    pub shell_region: Option<Region>,
    /// Endpoints instead of AWS's own, with where they were named.
    pub endpoint_urls: EndpointUrls,
    pub fips: bool,
    pub dualstack: bool,
    /// Also where no device is named yet.
    pub mfa_process: Option<MfaProcess>,
    /// Break-glass: a fresh code each time, typed on the terminal; never cached.
    pub protected: bool,
    pub notes: Vec<String>,
}

impl Plan {
    /// How many codes a cold start asks for.
    pub fn codes(&self) -> usize {
        self.steps.iter().filter(|step| step.device().is_some()).count()
    }

    /// The program whose codes are used.
    pub fn process_for_codes(&self) -> Option<&MfaProcess> {
        self.mfa_process.as_ref().filter(|_| self.device.is_some() && !self.protected)
    }

    /// How long fresh credentials of the last step are valid, at most.
    pub fn duration(&self) -> Duration {
        self.steps.last().map_or(Duration::ZERO, Step::duration)
    }

    /// How long fresh credentials of the last step are valid, at least. Nobody knows of what another program prints.
    pub(crate) fn least_duration(&self) -> Duration {
        match self.steps.last() {
            Some(Step::Fetch { .. }) => self.base.least_duration(),
            _ => self.duration(),
        }
    }

    /// The role of the last step that assumes one.
    pub(crate) fn role(&self) -> Option<&RoleArn> {
        self.steps.iter().rev().find_map(Step::role).or(self.base.role())
    }

    /// The account its credentials are of, where the files name it.
    pub(crate) fn account(&self) -> Option<&AccountId> {
        let of_device = || self.device.as_ref().and_then(MfaSerial::account);
        self.role().map(RoleArn::account).or_else(of_device).or_else(|| self.base.account())
    }

    /// The plan as people read it: the base, then each call.
    pub(crate) fn lines(&self) -> impl Iterator<Item = &dyn Display> {
        let calls = self.steps.iter().filter(|step| !matches!(step, Step::Fetch { .. }));
        std::iter::once(&self.base as &dyn Display).chain(calls.map(|step| step as &dyn Display))
    }
}

/// What a list tells of a plan, for far less than making it.
pub struct Outline {
    /// The asked profile, which was read on the way.
    pub profile: Profile,
    pub base: Base,
    pub device: Option<MfaSerial>,
    /// The role of the last step, if that is one.
    pub role: Option<RoleArn>,
}

/// Follows a profile down to its base, and no further: what a plan refuses besides is not looked at.
pub fn outline(sources: Sources<'_>, asked: &ProfileName) -> Result<Outline> {
    let chain = chain::walk(sources, asked)?;
    let device = device_of(&chain)?.map(|(_, device)| device.value);
    let role =
        chain.hops.iter().find_map(|hop| hop.role.as_ref()).map(|role| &role.value).or(chain.base.role()).cloned();
    Ok(Outline { base: chain.base.clone(), profile: chain.into_asked(), device, role })
}

/// Plans a profile: every refusal that can be known without asking AWS or a person is made here.
pub fn plan(sources: Sources<'_>, asked: &ProfileName) -> Result<Plan> {
    planned(sources, asked).map_err(|failure| failure.of_profile(asked))
}

fn planned(sources: Sources<'_>, asked: &ProfileName) -> Result<Plan> {
    let chain = chain::walk(sources, asked)?;
    let settings = chain.asked().settings();
    let mut notes = Vec::new();
    notes.extend(settings.note_on_inheritance());
    let device = device_of(&chain)?;
    let protected = settings.is_protected()?;
    let steps = StepPlanner { sources, chain: &chain, device: device.as_ref(), protected }.steps(&mut notes)?;
    notes.extend(settings.key_max_age().err().map(|failure| format!("{}, so it is ignored", failure.cause)));
    notes.extend(settings.note_on_duration().map(|(_, note)| note.into()));
    let partition = partition_of(&chain, device.as_ref())?;
    let named = named_region(&chain, partition)?;
    let shell_region = named.as_ref().map(|region| region.value.clone());
    let region = named.map_or_else(|| unnamed_region(sources, partition, &mut notes), Ok)?;
    let endpoint_urls = endpoints_of(sources, settings)?;
    let (fips, dualstack) = endpoint_kinds(sources, settings)?;
    Ok(Plan {
        profile: asked.clone(),
        partition: partition.or(region.value.partition()).unwrap_or(Partition::Aws),
        mfa_process: mfa_process_of(&chain, device.as_ref()),
        device: device.map(|(_, device)| device.value),
        base: with_demanded_length(chain.base, &steps, sources.surroundings.duration),
        steps,
        region,
        shell_region,
        endpoint_urls,
        fips,
        dualstack,
        protected,
        notes,
    })
}

/// `--duration` for a role that a token opens; that it is possible, the steps have checked.
fn with_demanded_length(mut base: Base, steps: &[Step], demanded: Option<Duration>) -> Base {
    if let (Base::WebIdentity(web), [Step::Fetch { .. }], Some(duration)) = (&mut base, steps, demanded) {
        web.request.duration = duration;
    }
    base
}
