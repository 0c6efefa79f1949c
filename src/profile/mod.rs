//! From a profile's name to a plan. Pure: settings in, plan out; no clock, disk, network or people.
//!
//! - [`settings`]: what one profile says, each value parsed when a plan uses it, with its file and line
//! - [`chain`]: the way from the asked profile down to its base
//! - [`base`]: where the first credentials come from
//! - [`plan`]: that base, and what is done from there: the calls upwards again ([`steps`], the table of the whole
//!   program), the [`device`] their codes come from, the region and the endpoint they go to
//! - [`adoption`]: what profiles become so that every AWS tool uses twolock
//! - [`handed`]: what `env` and `exec` hand on besides credentials
//! - [`facts`]: what can be said of a profile without a plan
//! - [`keys`]: the keys that somebody reads, and what an unknown one was meant to be
//! - [`callers`]: what the AWS CLI and each SDK would do with a profile

pub mod adoption;
pub mod base;
pub mod callers;
pub mod chain;
pub mod device;
mod endpoint;
pub mod facts;
pub mod handed;
pub mod keys;
pub mod plan;
mod region;
pub mod settings;
pub mod steps;

use std::time::Duration;

use crate::aws_files::AwsFiles;
use crate::origin::Sourced;
use crate::ours::key_index::KeyIndex;
use crate::profile::base::key::EnvironmentKey;

/// Everything a plan is made from.
#[derive(Clone, Copy)]
pub struct Sources<'a> {
    pub files: &'a AwsFiles,
    /// Which profiles' keys are stored in the keyring.
    pub index: &'a KeyIndex,
    /// What the caller's environment and our own settings say.
    pub surroundings: &'a Surroundings,
    /// Whether somebody reads what a failure suggests: looking for names like a missing one is expensive with many.
    pub suggests: bool,
}

/// The endpoints that are named instead of AWS's own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EndpointUrls {
    pub sts: Option<Sourced<String>>,
    pub iam: Option<Sourced<String>>,
}

/// What the caller's environment and our own settings say.
#[derive(Clone, Debug, Default)]
pub struct Surroundings {
    /// `AWS_REGION`, else `AWS_DEFAULT_REGION`.
    pub region: Option<Sourced<String>>,
    /// `AWS_ENDPOINT_URL_STS` and `AWS_ENDPOINT_URL_IAM`, else `AWS_ENDPOINT_URL`.
    pub endpoint_urls: EndpointUrls,
    /// `AWS_IGNORE_CONFIGURED_ENDPOINT_URLS`.
    pub ignore_configured_endpoints: bool,
    /// `AWS_USE_FIPS_ENDPOINT`.
    pub fips: bool,
    /// `AWS_USE_DUALSTACK_ENDPOINT`.
    pub dualstack: bool,
    /// The person's name where the device has none: `USER`, else `uid-N`.
    pub person: String,
    /// The credentials in the environment, for profiles whose `credential_source` names them.
    pub environment_key: Option<EnvironmentKey>,
    /// The length of an MFA session from `TWOLOCK_SESSION_DURATION` or `config.toml`.
    pub session_duration: Option<Sourced<Duration>>,
    /// How long the asked profile's credentials last, by `--duration`.
    pub duration: Option<Duration>,
}
