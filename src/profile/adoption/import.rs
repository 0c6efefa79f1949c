//! Importing: which access key of the AWS files belongs to a profile, so that it can move into a keyring.

use super::kept_key::{is_kept_beside, keeps_the_key_of, keys_profile};
use super::the_one_key;
use crate::arn::MfaSerial;
use crate::credentials::AccessKey;
use crate::error::{Failure, Kind, Result};
use crate::hint::{CommandLine, Verb};
use crate::names::ProfileName;
use crate::profile::Sources;
use crate::profile::base::other_source;
use crate::profile::settings::ProfileSettings;

/// An access key that leaves the AWS files.
#[derive(Clone, Debug)]
pub struct Import {
    pub profile: ProfileName,
    pub key: AccessKey,
    /// The profile that has it: this one, its [`keys_profile`], or its [`long_term_profile`].
    pub from: ProfileName,
    /// The device that aws-mfa uses, written into the profile because it names none itself.
    pub device: Option<MfaSerial>,
}

impl Import {
    /// Whether the key is in aws-mfa's section, and the profile has aws-mfa's temporary credentials.
    pub fn is_of_aws_mfa(&self) -> bool {
        self.from.as_str() == long_term_profile(&self.profile)
    }
}

/// The section in which aws-mfa keeps a profile's access key.
pub fn long_term_profile(name: &ProfileName) -> String {
    format!("{name}{LONG_TERM}")
}

const LONG_TERM: &str = "-long-term";

/// Finds the access key of a profile.
pub fn of_one(sources: Sources<'_>, name: &ProfileName) -> Result<Import> {
    if let Some(adopted) = keeps_the_key_of(sources.files, name) {
        let cause = format!("holds the access key of '{adopted}': import that one");
        return Err(Failure::new(Kind::Config, cause).of_profile(name).hint(CommandLine::of(Verb::KeyImport, adopted)));
    }
    let of = |from: &str, device| {
        let key = the_one_key(from, sources)?;
        let from = ProfileName::parse(from).map_err(|why| Failure::new(Kind::Config, why))?;
        Ok(Import { profile: name.clone(), key, from, device })
    };
    let profile = sources.files.profile(name.as_str());
    if let Some(profile) = &profile {
        let settings = ProfileSettings::of(profile, name);
        if has_long_term_key(settings)? {
            return of(name.as_str(), None);
        }
        if is_kept_beside(settings) {
            return of(&keys_profile(name), None);
        }
    }
    let long_term = long_term_profile(name);
    match sources.files.profile(&long_term) {
        Some(there) => {
            let has_device = profile.as_ref().is_some_and(|profile| profile.get("mfa_serial").is_some());
            let device = ["aws_mfa_device", "mfa_serial"].into_iter().find_map(|key| there.get(key));
            let device = device.and_then(|device| MfaSerial::parse(&device.value).ok());
            of(&long_term, device.filter(|_| !has_device))
        }
        None if profile.is_none() => Err(sources.files.not_found(name)),
        None => {
            let failure = Failure::new(Kind::Config, "has no long-term access key in the AWS files").of_profile(name);
            let has_other_source = profile.is_some_and(|it| other_source(|key| it.get(key)).is_some());
            let add = (!has_other_source).then(|| CommandLine::of(Verb::KeyAdd, name).to("to type one"));
            Err(add.into_iter().fold(failure, Failure::hint))
        }
    }
}

/// The profiles that have a key of an AWS user in the AWS files, in file order; those of aws-mfa by the name without
/// suffix. Keys of other clouds do not begin with AKIA.
pub fn importable(sources: Sources<'_>) -> Vec<ProfileName> {
    let mut found: Vec<ProfileName> = Vec::new();
    for name in sources.files.profile_names() {
        let short = name.strip_suffix(LONG_TERM).and_then(|short| ProfileName::parse(short).ok());
        let of_aws_mfa = short.filter(|short| of_one(sources, short).is_ok_and(|import| import.from.as_str() == name));
        let Some(name) = of_aws_mfa.or_else(|| ProfileName::parse(&name).ok()) else { continue };
        let is_aws = |import: Import| import.key.id.as_str().starts_with("AKIA");
        if !found.contains(&name) && of_one(sources, &name).is_ok_and(is_aws) {
            found.push(name);
        }
    }
    found
}

fn has_long_term_key(settings: ProfileSettings<'_>) -> Result<bool> {
    let has_token = ["aws_session_token", "aws_security_token"].iter().any(|token| settings.raw(token).is_some());
    Ok(settings.static_key()?.is_some_and(|(id, _)| !id.is_temporary() && !has_token))
}
