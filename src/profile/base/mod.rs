//! Where a plan's first credentials come from.
//!
//! - [`key`]: access keys and temporary credentials in the AWS files, the keyring and the environment
//! - [`elsewhere`]: what another program prints, single sign-on, `aws login`, web identity
//! - `refusals`: why a profile gives no base

pub mod elsewhere;
pub mod key;
mod refusals;
#[cfg(test)]
mod sdk_chains;

use std::fmt;
use std::time::Duration;

use crate::arn::{AccountId, MfaSerial, Partition, RoleArn};
use crate::aws_files::Setting;
use crate::aws_files::process_line::ProcessLine;
use crate::error::{Failure, Kind, Result};
use crate::hint::{CommandLine, Hint, Verb};
use crate::names::ProfileName;
use crate::profile::Sources;
use crate::profile::settings::ProfileSettings;

pub use self::elsewhere::{Login, Process, SignInCommand, Sso, WebIdentity};
pub use self::key::{KeyPlace, LongTermKey, TemporaryKey};
pub(super) use self::refusals::{no_base, no_source};

/// Where the first credentials come from; every call of a plan rests on them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Base {
    /// A long-term access key.
    Key(LongTermKey),
    /// Temporary credentials that somebody put into a file or into the environment.
    Temporary(TemporaryKey),
    /// What another program prints: temporary credentials or a long-term key, which only a run of it tells.
    Process(Process),
    /// A role in an account, by single sign-on.
    Sso(Sso),
    /// A sign-in of `aws login`.
    Login(Login),
    /// A role, by a token of another identity provider.
    WebIdentity(Box<WebIdentity>),
}

/// Keys that name a source of credentials other than an access key or a profile.
pub(crate) const OTHER_SOURCES: [&str; 8] = [
    "credential_process",
    "sso_session",
    "sso_start_url",
    "sso_account_id",
    "sso_role_name",
    "login_session",
    "web_identity_token_file",
    "credential_source",
];

impl Base {
    /// The base that a profile itself gives without a role: an access key of the credentials file, the config file, or our
    /// index; else what it says of another source, in the order of the AWS CLI (aws-contract 2.2), which would take SSO
    /// before a key.
    pub(crate) fn of(sources: Sources<'_>, settings: ProfileSettings<'_>) -> Result<Option<Self>> {
        if let Some(key) = Self::key_of(sources, settings)? {
            return Ok(Some(key));
        }
        if let Some(sso) = elsewhere::sso(sources, settings)? {
            return Ok(Some(Self::Sso(sso)));
        }
        if let Some(login) = elsewhere::login(settings)? {
            return Ok(Some(Self::Login(login)));
        }
        Ok(elsewhere::process(settings).map(Self::Process))
    }

    /// The key that a profile itself gives.
    pub(crate) fn key_of(sources: Sources<'_>, settings: ProfileSettings<'_>) -> Result<Option<Self>> {
        let in_file = key::in_file(settings)?;
        Ok(in_file.or_else(|| key::in_keyring(sources, settings).map(Self::Key)))
    }

    /// The long-term key that is stored here, if it is one.
    pub(crate) fn key(&self) -> Option<&LongTermKey> {
        if let Self::Key(key) = self { Some(key).filter(|key| key.place != KeyPlace::Environment) } else { None }
    }

    /// The same, by value.
    pub(crate) fn into_key(self) -> Option<LongTermKey> {
        self.key().cloned()
    }

    /// The long-term key, for a command that is about one.
    pub(crate) fn required_key(&self, profile: &ProfileName) -> Result<&LongTermKey> {
        self.key().ok_or_else(|| {
            let cause = format!("has no access key: its credentials come from {}", self.origin());
            let failure = Failure::new(Kind::Config, cause).of_profile(profile);
            match self {
                Self::Process(process) => {
                    let whoami = CommandLine::of(Verb::Whoami, &process.profile);
                    failure.hint(whoami.to("to see whose credentials it prints"))
                }
                _ => failure,
            }
        })
    }

    /// Where the MFA devices are of whoever signs in for it.
    pub(crate) fn where_devices_are(&self) -> Option<Hint> {
        match self {
            Self::Sso(Sso { start_url, .. }) => {
                let where_else = "MFA devices for SSO are managed in the access portal, or by your identity provider";
                Some(format!("{where_else}: {start_url}").into())
            }
            Self::Login(login) if login.session.contains(":user/") => {
                Some("to manage the user's MFA devices: IAM > Users in the AWS console".into())
            }
            _ => None,
        }
    }

    /// Refuses a code for credentials that turned out to be temporary.
    pub(crate) fn takes_no_code(&self, device: &MfaSerial) -> Failure {
        let cause = format!(
            "mfa_serial {device} cannot be used: AWS accepts a code only with a long-term access key, and {} gave \
             temporary credentials",
            self.origin()
        );
        let unset = CommandLine::of(Verb::Unset, self.profile()).with("mfa_serial");
        Failure::new(Kind::Config, cause).hint(unset.to("to use them without a code"))
    }

    /// The profile that gives it.
    pub(crate) fn profile(&self) -> &ProfileName {
        match self {
            Self::Key(key) => &key.profile,
            Self::Temporary(key) => &key.profile,
            Self::Process(process) => &process.profile,
            Self::Sso(sso) => &sso.profile,
            Self::Login(login) => &login.profile,
            Self::WebIdentity(web) => &web.profile,
        }
    }

    /// Whether its credentials are temporary, so that AWS takes no code with them.
    pub(crate) fn is_temporary(&self) -> bool {
        !matches!(self, Self::Key(_) | Self::Process(_))
    }

    /// Whether its credentials have to be fetched from another program or from AWS before a call can be signed.
    pub(crate) fn is_fetched(&self) -> bool {
        !matches!(self, Self::Key(_) | Self::Temporary(_))
    }

    /// Whether a sign-in or a token stands behind it, which another one can replace.
    pub(crate) fn has_proof(&self) -> bool {
        matches!(self, Self::Sso(_) | Self::Login(_) | Self::WebIdentity(_))
    }

    /// Its kind, in a word or two for tables and JSON.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Key(_) => "key",
            Self::Temporary(_) => "temporary",
            Self::Process(_) => "process",
            Self::Sso(_) => "sso",
            Self::Login(_) => "login",
            Self::WebIdentity(_) => "web identity",
        }
    }

    /// Where its credentials come from, in a sentence.
    pub(crate) fn origin(&self) -> &'static str {
        match self {
            Self::Key(LongTermKey { place: KeyPlace::Environment, .. })
            | Self::Temporary(TemporaryKey { place: KeyPlace::Environment, .. }) => "the environment",
            Self::Key(_) => "an access key",
            Self::Temporary(_) => "a temporary key in the AWS files",
            Self::Process(_) => "another program",
            Self::Sso(_) => "SSO",
            Self::Login(_) => "aws login",
            Self::WebIdentity(_) => "a web identity token",
        }
    }

    /// The command by which a person signs in, where there is one.
    pub(crate) fn sign_in(&self) -> Option<SignInCommand<'_>> {
        match self {
            Self::Sso(sso) => Some(sso.sign_in()),
            Self::Login(login) => Some(login.sign_in()),
            Self::Key(_) | Self::Temporary(_) | Self::Process(_) | Self::WebIdentity(_) => None,
        }
    }

    pub(crate) fn partition(&self) -> Option<Partition> {
        match self {
            Self::Key(_) | Self::Temporary(_) | Self::Process(_) => None,
            Self::Sso(sso) => sso.region.partition(),
            Self::Login(login) => login.partition(),
            Self::WebIdentity(web) => Some(web.request.role.partition()),
        }
    }

    /// How long its credentials last at least, when they are fresh.
    pub(crate) fn least_duration(&self) -> Duration {
        match self {
            Self::Key(_) | Self::Temporary(_) | Self::Process(_) => Duration::ZERO,
            // The shortest session of a permission set.
            Self::Sso(_) => Duration::from_secs(3_600),
            Self::Login(_) => Duration::from_secs(900),
            Self::WebIdentity(web) => web.request.duration,
        }
    }

    /// The account of its credentials, where the files name it.
    pub(crate) fn account(&self) -> Option<&AccountId> {
        match self {
            Self::Key(_) | Self::Temporary(_) | Self::Process(_) => None,
            Self::Sso(sso) => Some(&sso.account),
            Self::Login(login) => Some(&login.account),
            Self::WebIdentity(web) => Some(web.request.role.account()),
        }
    }

    pub(crate) fn role(&self) -> Option<&RoleArn> {
        if let Self::WebIdentity(web) = self { Some(&web.request.role) } else { None }
    }

    /// Whether both give the same credentials, wherever they are stored.
    pub(crate) fn gives_the_same_as(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Key(one), Self::Key(other)) => one.id == other.id,
            (Self::Temporary(one), Self::Temporary(other)) => one.id == other.id,
            (Self::Process(one), Self::Process(other)) => one.line == other.line,
            // Lines move when a profile above them is edited.
            (Self::Sso(one), Self::Sso(other)) => *one == Sso { place: one.place.clone(), ..other.clone() },
            (Self::Login(one), Self::Login(other)) => one.session == other.session,
            (Self::WebIdentity(one), Self::WebIdentity(other)) => {
                one.token_file == other.token_file && one.request == other.request
            }
            _ => false,
        }
    }
}

/// A setting that names a source of credentials other than an access key or a profile.
pub(super) fn other_source<'a>(get: impl Fn(&str) -> Option<&'a Setting>) -> Option<&'a Setting> {
    let mut others = OTHER_SOURCES.into_iter().filter_map(get);
    others.find(|setting| setting.key != "credential_process" || ProcessLine::parse(&setting.value).is_none())
}

/// As `profile show` prints it, in the first line of a plan.
impl fmt::Display for Base {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Key(LongTermKey { profile, id, place }) => {
                write!(f, "access key {id} of profile '{profile}' ({place})")
            }
            Self::Temporary(TemporaryKey { profile, id, place }) => {
                write!(f, "temporary credentials {id} of profile '{profile}' ({place})")
            }
            Self::Process(process) => process.fmt(f),
            Self::Sso(sso) => sso.fmt(f),
            Self::Login(login) => login.fmt(f),
            Self::WebIdentity(web) => web.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::credentials::AccessKeyId;
    use crate::error::Place;

    fn key(profile: &str, id: &str, place: KeyPlace) -> Base {
        let (profile, id) = (ProfileName::parse(profile).unwrap(), AccessKeyId::parse(id).unwrap());
        Base::Key(LongTermKey { profile, id, place })
    }

    fn in_file(line: usize) -> KeyPlace {
        KeyPlace::File(Place { file: "~/.aws/credentials".into(), line })
    }

    #[test]
    fn a_key_is_shown_with_its_profile_and_place() {
        for (place, shown) in [(in_file(2), "~/.aws/credentials:2"), (KeyPlace::Keyring, "OS keyring")] {
            let base = key("base", "AKIAIOSFODNN7EXAMPLE", place);
            assert_eq!(base.to_string(), format!("access key AKIAIOSFODNN7EXAMPLE of profile 'base' ({shown})"));
        }
    }

    #[test]
    fn a_key_that_moved_gives_the_same_and_another_key_does_not() {
        let base = key("base", "AKIAIOSFODNN7EXAMPLE", in_file(2));
        assert!(base.gives_the_same_as(&key("other", "AKIAIOSFODNN7EXAMPLE", KeyPlace::Keyring)));
        assert!(!base.gives_the_same_as(&key("base", "AKIAI44QH8DHBEXAMPLE", in_file(2))));
    }
}
