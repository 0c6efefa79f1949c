//! Access keys, and temporary credentials in the place of one.

use std::fmt;

use crate::aws_files::Setting;
use crate::credentials::AccessKeyId;
use crate::error::{Failure, Kind, Place, Result};
use crate::names::ProfileName;
use crate::profile::Sources;
use crate::profile::base::{Base, other_source};
use crate::profile::settings::ProfileSettings;
use crate::text::near::nearest;

/// A long-term access key, without its secret half.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LongTermKey {
    pub profile: ProfileName,
    pub id: AccessKeyId,
    /// Where the secret half is.
    pub place: KeyPlace,
}

/// Temporary credentials, without their secrets. They end, and nobody can tell when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TemporaryKey {
    pub profile: ProfileName,
    pub id: AccessKeyId,
    /// Where the secrets are.
    pub place: KeyPlace,
}

/// Where credentials are stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyPlace {
    /// All of it is in an AWS file.
    File(Place),
    /// The secret is in the OS keyring; our key index lists it.
    Keyring,
    /// All of it is in the environment variables.
    Environment,
}

/// The public half of the credentials in the environment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EnvironmentKey {
    /// `AWS_ACCESS_KEY_ID` as it is.
    pub id: String,
    /// Whether `AWS_SECRET_ACCESS_KEY` is set.
    pub has_secret: bool,
    /// Whether `AWS_SESSION_TOKEN` is set.
    pub has_token: bool,
}

/// The values of `credential_source`.
pub(crate) const NAMED_SOURCES: [&str; 3] = ["Environment", "Ec2InstanceMetadata", "EcsContainer"];

pub(super) fn in_file(settings: ProfileSettings<'_>) -> Result<Option<Base>> {
    let Some((id, place)) = settings.static_key()? else { return Ok(None) };
    if id.is_temporary() && has_sso(settings) {
        return Ok(None);
    }
    let token = settings.raw("aws_session_token").map(|token| &token.place).filter(|token| token.file == place.file);
    let profile = settings.name().clone();
    let refuse = |cause: &str, place: &Place| Err(Failure::new(Kind::Config, cause).of_profile(&profile).at(place));
    match (id.is_temporary(), token) {
        (false, None) => Ok(Some(Base::Key(LongTermKey { profile, id, place: KeyPlace::File(place.clone()) }))),
        (true, Some(_)) => {
            Ok(Some(Base::Temporary(TemporaryKey { profile, id, place: KeyPlace::File(place.clone()) })))
        }
        (true, None) => refuse("this key is temporary, and its aws_session_token is missing", place),
        (false, Some(token)) => refuse("aws_session_token is set beside a long-term access key: remove it", token),
    }
}

/// Temporary keys beside SSO are what another tool copied there, and they may have ended long ago. As the AWS CLI does, and
/// by the settings it goes by, SSO itself is used (aws-contract 2.2).
fn has_sso(settings: ProfileSettings<'_>) -> bool {
    ["sso_account_id", "sso_role_name"].into_iter().any(|key| settings.raw(key).is_some())
}

/// A key that an adoption moved there. It does not count in a profile that has another source since.
pub(super) fn in_keyring(sources: Sources<'_>, settings: ProfileSettings<'_>) -> Option<LongTermKey> {
    if other_source(|key| settings.raw(key)).is_some() {
        return None;
    }
    let id = sources.index.get(settings.name())?.id.clone();
    Some(LongTermKey { profile: settings.name().clone(), id, place: KeyPlace::Keyring })
}

/// What `credential_source` names, if it is one that is used.
pub(in crate::profile) fn named(sources: Sources<'_>, settings: ProfileSettings<'_>, source: &Setting) -> Result<Base> {
    match source.value.as_str() {
        "Environment" => in_environment(sources, settings, source),
        "Ec2InstanceMetadata" | "EcsContainer" => {
            let why = "is not supported: twolock sends requests only to AWS's own hosts, not to a metadata server on this machine";
            Err(settings.refuse(source, why).hint("AWS tools can use it without twolock"))
        }
        other => {
            let near = nearest(NAMED_SOURCES, other, 4).map(|near| format!(": did you mean '{near}'?"));
            let why = near.unwrap_or_else(|| format!(": use one of {}", NAMED_SOURCES.join(", ")));
            Err(settings.refuse(source, &format!("is not valid{why}")))
        }
    }
}

fn in_environment(sources: Sources<'_>, settings: ProfileSettings<'_>, source: &Setting) -> Result<Base> {
    let refuse = |cause: String| Failure::new(Kind::Config, cause).of_profile(settings.name()).at(&source.place);
    let Some(found) = &sources.surroundings.environment_key else {
        return Err(refuse("credential_source is Environment, but AWS_ACCESS_KEY_ID is not set".into()));
    };
    if !found.has_secret {
        return Err(refuse("AWS_ACCESS_KEY_ID is set, but AWS_SECRET_ACCESS_KEY is not".into()));
    }
    let id = AccessKeyId::parse(&found.id).map_err(|why| refuse(format!("AWS_ACCESS_KEY_ID {why}")))?;
    let (profile, place) = (settings.name().clone(), KeyPlace::Environment);
    match (id.is_temporary(), found.has_token) {
        (true, false) => Err(refuse(format!("AWS_ACCESS_KEY_ID {id} is temporary, but AWS_SESSION_TOKEN is not set"))),
        (_, true) => Ok(Base::Temporary(TemporaryKey { profile, id, place })),
        (false, false) => Ok(Base::Key(LongTermKey { profile, id, place })),
    }
}

impl fmt::Display for KeyPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            KeyPlace::File(place) => place.fmt(f),
            KeyPlace::Keyring => f.write_str("OS keyring"),
            KeyPlace::Environment => f.write_str("environment"),
        }
    }
}
