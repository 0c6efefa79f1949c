//! Where a plan's first credentials come from, and which sources of them are not used yet.

use std::fmt;

use crate::aws_files::Setting;
use crate::aws_files::process_line::ProcessLine;
use crate::credentials::{AccessKeyId, STATIC_KEYS};
use crate::error::{Failure, Kind, Place, Result};
use crate::hint::{CommandLine, Verb};
use crate::names::ProfileName;
use crate::profile::Sources;
use crate::profile::settings::ProfileSettings;

/// Where the first credentials come from; every call of a plan rests on them.
///
/// A source that is built gets a variant here, its settings in `Base::of`, its fields in the identity, and its
/// fetching beside the others; until then it is refused below.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Base {
    Key(LongTermKey),
}

/// A long-term access key, without its secret half.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LongTermKey {
    pub profile: ProfileName,
    pub id: AccessKeyId,
    /// Where the secret half is.
    pub place: KeyPlace,
}

/// Where a long-term key is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyPlace {
    /// Both halves are in an AWS file.
    File(Place),
    /// The secret is in the OS keyring; our key index lists it.
    Keyring,
}

/// Keys that name a source of credentials other than an access key or a profile.
pub(crate) const OTHER_SOURCES: [&str; 7] = [
    "credential_process",
    "sso_session",
    "sso_start_url",
    "sso_account_id",
    "login_session",
    "web_identity_token_file",
    "credential_source",
];

impl Base {
    /// The base that a profile itself gives: an access key of the credentials file, the config file, or our index.
    pub(crate) fn of(sources: Sources<'_>, settings: ProfileSettings<'_>) -> Result<Option<Self>> {
        let in_file = key_in_file(settings)?;
        Ok(in_file.or_else(|| key_in_keyring(sources, settings)).map(Base::Key))
    }

    /// Whether both give the same credentials, wherever they are stored.
    pub(crate) fn gives_the_same_as(&self, other: &Self) -> bool {
        let (Base::Key(one), Base::Key(other)) = (self, other);
        one.id == other.id
    }
}

fn key_in_file(settings: ProfileSettings<'_>) -> Result<Option<LongTermKey>> {
    let Some((id, place)) = settings.static_key()? else { return Ok(None) };
    let token = settings.raw("aws_session_token").map(|token| &token.place).filter(|token| token.file == place.file);
    if id.is_temporary() || token.is_some() {
        let cause = "this key is temporary (it has a session token), and cannot start an MFA session";
        return Err(Failure::new(Kind::Config, cause)
            .of_profile(settings.name())
            .at(token.unwrap_or(place))
            .hint("use a long-term access key (AKIA…) of an IAM user"));
    }
    Ok(Some(LongTermKey { profile: settings.name().clone(), id, place: KeyPlace::File(place.clone()) }))
}

/// A key that an adoption moved there. It does not count in a profile that has another source since.
fn key_in_keyring(sources: Sources<'_>, settings: ProfileSettings<'_>) -> Option<LongTermKey> {
    if other_source(|key| settings.raw(key)).is_some() {
        return None;
    }
    let id = sources.index.get(settings.name())?.id.clone();
    Some(LongTermKey { profile: settings.name().clone(), id, place: KeyPlace::Keyring })
}

/// A setting that names a source of credentials other than an access key or a profile.
pub(super) fn other_source<'a>(get: impl Fn(&str) -> Option<&'a Setting>) -> Option<&'a Setting> {
    let mut others = OTHER_SOURCES.into_iter().filter_map(get);
    others.find(|setting| setting.key != "credential_process" || ProcessLine::parse(&setting.value).is_none())
}

/// Why a role without a source profile cannot be assumed.
pub(super) fn no_source(settings: ProfileSettings<'_>) -> Failure {
    for other in ["credential_source", "web_identity_token_file"] {
        if let Some(setting) = settings.raw(other) {
            return settings.refuse(setting, NOT_BUILT);
        }
    }
    lacks(settings, "has a role_arn but no source_profile").hint(
        settings
            .misspelled(&["source_profile", "twolock_source_profile"])
            .unwrap_or_else(|| "add 'source_profile = NAME': the profile whose access key can assume the role".into()),
    )
}

/// Why a profile that names neither role nor source gives no base.
pub(super) fn no_key(settings: ProfileSettings<'_>) -> Failure {
    if let Some(setting) = other_source(|key| settings.raw(key)) {
        return without_us(settings, setting);
    }
    let name = settings.name();
    let failure = lacks(settings, "has no access key and no role");
    let wanted = [&STATIC_KEYS[..2], &["role_arn", "source_profile", "twolock_role_arn", "twolock_source_profile"]];
    if let Some(meant) = settings.misspelled(&wanted.concat()) {
        return failure.hint(meant);
    }
    if let Some(source) = settings.raw("source_profile") {
        let command = CommandLine::of(Verb::Set, name).with("twolock_source_profile").with(&source.value);
        return failure.hint(command.to("source_profile needs a role_arn; to use that profile's key without a role"));
    }
    let key = CommandLine::of(Verb::KeyAdd, name);
    let key = match settings.raw("mfa_serial") {
        Some(_) => key.and(CommandLine::of(Verb::Adopt, name)),
        None => key,
    };
    let add =
        settings.can_be_completed().then(|| CommandLine::of(Verb::Add, name).to("to give it an access key or a role"));
    let failure = add.into_iter().fold(failure, Failure::hint);
    failure.hint(key.to("to store its access key in the keyring"))
}

/// Refuses a source of credentials that AWS tools use themselves.
fn without_us(settings: ProfileSettings<'_>, setting: &Setting) -> Failure {
    let login = match setting.key.as_str() {
        "login_session" => Some("aws login --profile"),
        key => key.starts_with("sso_").then_some("aws sso login --profile"),
    };
    let hint = login.map(|login| {
        CommandLine::other(login).of_profile(settings.name()).to("AWS tools use it without twolock; to sign in")
    });
    hint.into_iter().fold(settings.refuse(setting, NOT_BUILT), Failure::hint)
}

/// Refuses a profile, and names where what it lacks may be.
fn lacks(settings: ProfileSettings<'_>, what: &str) -> Failure {
    let failure = settings.refuse_profile(format!("{what}{}", nearly(settings)));
    settings.note_on_inheritance().into_iter().fold(failure, Failure::hint)
}

/// Where what is missing may be: in a section that nobody reads.
fn nearly(settings: ProfileSettings<'_>) -> String {
    let near = settings.near().first();
    near.map(|near| format!(" ({}: {}: {})", near.place, near.problem(), near.advice())).unwrap_or_default()
}

const NOT_BUILT: &str = "is not supported yet: twolock needs an access key";

/// As `profile show` prints it, in the first line of a plan.
impl fmt::Display for Base {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Base::Key(LongTermKey { profile, id, place }) => {
                write!(f, "access key {id} of profile '{profile}' ({place})")
            }
        }
    }
}

impl fmt::Display for KeyPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            KeyPlace::File(place) => place.fmt(f),
            KeyPlace::Keyring => f.write_str("OS keyring"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
