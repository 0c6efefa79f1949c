//! Why a profile gives no first credentials.

use crate::credentials::STATIC_KEYS;
use crate::error::Failure;
use crate::hint::{CommandLine, Verb};
use crate::profile::base::OTHER_SOURCES;
use crate::profile::settings::ProfileSettings;

/// Why a role without a source profile cannot be assumed.
pub(in crate::profile) fn no_source(settings: ProfileSettings<'_>) -> Failure {
    lacks(settings, "has a role_arn but no source_profile").hint(
        settings
            .misspelled(&["source_profile", "twolock_source_profile", "credential_source", "web_identity_token_file"])
            .unwrap_or_else(|| "add 'source_profile = NAME': the profile whose credentials can assume the role".into()),
    )
}

/// Why a profile that names neither role nor source gives no base.
pub(in crate::profile) fn no_base(settings: ProfileSettings<'_>) -> Failure {
    for other in ["credential_source", "web_identity_token_file"] {
        if let Some(setting) = settings.raw(other) {
            return settings.refuse(setting, "is set, but role_arn is missing");
        }
    }
    let name = settings.name();
    let failure = lacks(settings, "has no access key and no role");
    let roles = ["role_arn", "source_profile", "twolock_role_arn", "twolock_source_profile"];
    let wanted = [&STATIC_KEYS[..2], &roles, &OTHER_SOURCES];
    if let Some(meant) = settings.misspelled(&wanted.concat()) {
        return failure.hint(meant);
    }
    if let Some(source) = settings.raw("source_profile") {
        let command = CommandLine::of(Verb::Set, name).with("twolock_source_profile").with(&source.value);
        return failure
            .hint(command.to("source_profile needs a role_arn; to use that profile's credentials without a role"));
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
