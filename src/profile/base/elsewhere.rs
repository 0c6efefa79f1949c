//! Credentials that another program or another service gives.

use std::fmt;
use std::path::Path;
use std::time::Duration;

use crate::arn::{AccountId, Partition, account_of};
use crate::aws_files::Setting;
use crate::aws_files::process_line::ProcessLine;
use crate::error::{Failure, Place, Result};
use crate::hint::CommandLine;
use crate::names::{ProfileName, Region, RoleName, SessionName};
use crate::origin::Sourced;
use crate::profile::Sources;
use crate::profile::settings::ProfileSettings;
use crate::role::RoleRequest;
use crate::text::near::did_you_mean;
use crate::text::visible::visible;

/// Another program's `credential_process`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Process {
    pub profile: ProfileName,
    pub line: String,
    pub place: Place,
}

/// A role in an account, by single sign-on (IAM Identity Center).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sso {
    pub profile: ProfileName,
    /// The name of the `[sso-session]`; none in the older form, which has its settings in the profile.
    pub session: Option<String>,
    pub start_url: String,
    /// Where the portal is; not where calls go.
    pub region: Region,
    pub account: AccountId,
    pub role: RoleName,
    /// Where its sign-in is named.
    pub place: Place,
}

/// A sign-in of `aws login`, by the ARN of who signed in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Login {
    pub profile: ProfileName,
    pub session: String,
    pub account: AccountId,
    pub place: Place,
}

/// A role that a token of another identity provider opens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebIdentity {
    pub profile: ProfileName,
    /// An absolute path.
    pub token_file: String,
    /// Without what AssumeRoleWithWebIdentity does not take: external id, source identity, tags.
    pub request: RoleRequest,
    pub place: Place,
}

/// A command of the AWS CLI that signs in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SignInCommand<'a> {
    /// `aws sso login`
    words: &'static str,
    /// An option with its value.
    option: (&'static str, &'a str),
}

impl SignInCommand<'_> {
    /// As a person types it.
    pub fn line(self) -> CommandLine {
        let (name, value) = self.option;
        match value.starts_with('-') {
            true => CommandLine::other(self.words).with(format!("{name}={value}")),
            false => CommandLine::other(self.words).with(name).with(value),
        }
    }

    /// What the AWS CLI gets.
    pub fn arguments(self) -> Vec<String> {
        let (name, value) = self.option;
        self.words.split(' ').skip(1).map(String::from).chain([format!("{name}={value}")]).collect()
    }
}

impl Sso {
    /// What the AWS CLI names the file of its token after.
    pub fn token_name(&self) -> &str {
        self.session.as_deref().unwrap_or(&self.start_url)
    }

    /// The command of the AWS CLI that signs in.
    pub fn sign_in(&self) -> SignInCommand<'_> {
        let option = match &self.session {
            Some(session) => ("--sso-session", session.as_str()),
            None => ("--profile", self.profile.as_str()),
        };
        SignInCommand { words: "aws sso login", option }
    }
}

impl Login {
    /// The command of the AWS CLI that signs in.
    pub fn sign_in(&self) -> SignInCommand<'_> {
        SignInCommand { words: "aws login", option: ("--profile", self.profile.as_str()) }
    }

    pub fn partition(&self) -> Option<Partition> {
        Partition::from_name(self.session.split(':').nth(1)?)
    }
}

/// Another program's `credential_process`; twolock's own line for this profile is none.
pub(super) fn process(settings: ProfileSettings<'_>) -> Option<Process> {
    let setting = settings.raw("credential_process").filter(|setting| ProcessLine::parse(&setting.value).is_none())?;
    Some(Process { profile: settings.name().clone(), line: setting.value.clone(), place: setting.place.clone() })
}

pub(super) fn login(settings: ProfileSettings<'_>) -> Result<Option<Login>> {
    let Some(setting) = settings.raw("login_session") else { return Ok(None) };
    let session = setting.value.trim().to_owned();
    let partition = session.split(':').nth(1).and_then(Partition::from_name);
    match (account_of(&session), partition) {
        (Some(account), Some(_)) => {
            Ok(Some(Login { profile: settings.name().clone(), session, account, place: setting.place.clone() }))
        }
        _ => Err(settings.refuse(setting, "is not the ARN of a user or role")),
    }
}

pub(super) fn sso(sources: Sources<'_>, settings: ProfileSettings<'_>) -> Result<Option<Sso>> {
    let keys = ["sso_session", "sso_start_url", "sso_account_id", "sso_role_name"];
    let Some(first) = keys.into_iter().find_map(|key| settings.raw(key)) else { return Ok(None) };
    let (start_url, region) = sign_in(sources, settings, first)?;
    let needed = |key| settings.raw(key).ok_or_else(|| lacks(settings, first, key, &[key]));
    let (account, role) = (needed("sso_account_id")?, needed("sso_role_name")?);
    let place = Region::parse(&region.value).map_err(|why| settings.refuse(&region, &why))?;
    if place.partition().is_none() {
        return Err(settings.refuse(&region, "is not an AWS region"));
    }
    let region = place;
    Ok(Some(Sso {
        profile: settings.name().clone(),
        session: settings.raw("sso_session").map(|session| session.value.clone()),
        start_url: start_url.value.clone(),
        region,
        account: AccountId::parse(&account.value).ok_or_else(|| settings.refuse(account, "is not 12 digits"))?,
        role: RoleName::parse(&role.value).map_err(|why| settings.refuse(role, &why))?,
        place: first.place.clone(),
    }))
}

/// Start URL and region: of the `[sso-session]` that the profile names, else its own.
fn sign_in(sources: Sources<'_>, settings: ProfileSettings<'_>, first: &Setting) -> Result<(Setting, Setting)> {
    let Some(session) = settings.raw("sso_session") else {
        // Both are missing where a session was meant.
        let needed = |key| settings.raw(key).cloned().ok_or_else(|| lacks(settings, first, key, &[key, "sso_session"]));
        return Ok((needed("sso_start_url")?, needed("sso_region")?));
    };
    let Some(section) = sources.files.config.named_section("sso-session", &session.value) else {
        let why = format!("does not exist: there is no [sso-session {}]", visible(&session.value));
        let near = did_you_mean(&sources.files.config.section_names("sso-session"), &session.value);
        let hint = near.unwrap_or_else(|| "to set one up: aws configure sso-session".into());
        return Err(settings.refuse(session, &why).hint(hint));
    };
    let needed = |key: &str| {
        let set = section.get(key).ok_or_else(|| settings.refuse(session, &format!("has no {key}")))?;
        match settings.raw(key).filter(|own| own.value != set.value) {
            Some(own) => Err(settings.refuse(own, &format!("differs from {key} of its sso_session ({})", set.place))),
            None => Ok(set.clone()),
        }
    };
    Ok((needed("sso_start_url")?, needed("sso_region")?))
}

/// `meant`: the keys of which a misspelt one may be.
fn lacks(settings: ProfileSettings<'_>, first: &Setting, key: &str, meant: &[&str]) -> Failure {
    let failure = settings.refuse_unquoted(first, &format!("is set, but {key} is missing"));
    settings.misspelled(meant).into_iter().fold(failure, Failure::hint)
}

/// The role of a profile that has a token for it. `person` names the session where the profile does not.
pub(in crate::profile) fn web_identity(
    sources: Sources<'_>,
    settings: ProfileSettings<'_>,
    file: &Setting,
    default: Duration,
) -> Result<WebIdentity> {
    let Some(role) = settings.role_arn()? else {
        return Err(settings.refuse(file, "is set, but role_arn is missing"));
    };
    if !Path::new(&file.value).is_absolute() {
        return Err(settings.refuse(file, "must be an absolute path"));
    }
    let name = settings.role_session_name()?.map(|name| name.value);
    let name = name.unwrap_or_else(|| SessionName::from_person(&sources.surroundings.person));
    let duration = settings.role_duration()?.map_or(default, |Sourced { value, .. }| value);
    let request =
        RoleRequest { policy_arns: settings.policy_arns()?, ..RoleRequest::plain(role.value, name, duration) };
    let (profile, place) = (settings.name().clone(), file.place.clone());
    Ok(WebIdentity { profile, token_file: file.value.clone(), request, place })
}

impl fmt::Display for Process {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "what '{}' prints (credential_process of profile '{}', {})", self.line, self.profile, self.place)
    }
}

impl fmt::Display for Sso {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.token_name();
        write!(f, "role {} in account {} by SSO '{name}' (profile '{}', ", self.role, self.account, self.profile)?;
        write!(f, "{})", self.place)
    }
}

impl fmt::Display for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "aws login as {} (profile '{}', {})", self.session, self.profile, self.place)
    }
}

impl fmt::Display for WebIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let RoleRequest { role, session_name, .. } = &self.request;
        write!(f, "role {role} as '{session_name}' with the token in {} (", self.token_file)?;
        write!(f, "profile '{}', {})", self.profile, self.place)
    }
}
