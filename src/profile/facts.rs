//! What can be said of a profile by its own lines and the key index, without a plan.

use crate::arn;
use crate::aws_files::process_line::ProcessLine;
use crate::aws_files::{AwsFiles, Profile, Setting};
use crate::credentials::AccessKeyId;
use crate::names::ProfileName;
use crate::ours::key_index::KeyIndex;
use crate::profile::base::{Base, other_source};
use crate::profile::settings::ProfileSettings;

/// What a profile is, in a word or three, for tables and JSON.
pub fn kind(profile: &Profile, index: &KeyIndex) -> &'static str {
    let has = |key: &str| profile.get(key).is_some();
    let id = || AccessKeyId::parse(&profile.get("aws_access_key_id")?.value).ok();
    let is_temporary = || id().is_some_and(|id| id.is_temporary());
    let is_indexed = || ProfileName::parse(&profile.name).is_ok_and(|name| index.get(&name).is_some());
    match () {
        () if has_role(profile) => "role",
        // Temporary keys count for nothing beside the role of a sign-in.
        () if is_temporary() && (has("sso_account_id") || has("sso_role_name")) => "sso",
        () if is_temporary() => "temporary",
        () if has("aws_access_key_id") => "key",
        () if has("twolock_source_profile") => "key of another",
        () if other_source(|key| profile.get(key)).is_none() && is_indexed() => "key in keyring",
        () if ["sso_session", "sso_start_url", "sso_account_id", "sso_role_name"].into_iter().any(has) => "sso",
        () if has("login_session") => "login",
        () if has("credential_process") => "process",
        () => "settings only",
    }
}

/// The same, of a profile whose base is known: one that uses another's credentials, not only an access key of it.
pub fn kind_on(profile: &Profile, index: &KeyIndex, base: Option<&Base>) -> &'static str {
    match (kind(profile, index), base) {
        ("key of another", Some(base)) if base.is_fetched() => base.kind(),
        (kind, _) => kind,
    }
}

fn has_role(profile: &Profile) -> bool {
    ["twolock_role_arn", "role_arn"].iter().any(|key| profile.get(key).is_some())
}

/// The `credential_process` of the profile, if it starts twolock. Whether callers use it is for [`super::callers`] to say.
pub(crate) fn process_line(profile: &Profile) -> Option<(&Setting, ProcessLine<'_>)> {
    let setting = profile.get("credential_process")?;
    Some((setting, ProcessLine::parse(&setting.value)?))
}

/// Whether the profile's own lines name twolock as its `credential_process`.
pub(crate) fn names_twolock(profile: &Profile) -> bool {
    process_line(profile).is_some()
}

/// The device's name, or the whole serial where it has none.
pub fn device(profile: &Profile) -> Option<&str> {
    profile.get("mfa_serial").map(|serial| serial.shown().rsplit('/').next().unwrap_or_default())
}

/// The account of the role, else of the device, else what the index knows of the key's, or the base names.
pub fn account_on(profile: &Profile, index: &KeyIndex, base: Option<&Base>) -> Option<String> {
    account(profile, index).or_else(|| base?.account().map(ToString::to_string))
}

/// The account of the role, else of the device, else what the index knows of the key's.
fn account(profile: &Profile, index: &KeyIndex) -> Option<String> {
    let role = profile.get("twolock_role_arn").or_else(|| profile.get("role_arn"));
    let arn = role.or_else(|| profile.get("mfa_serial"))?;
    let named = arn::account_of(&arn.value).map(|account| account.to_string());
    let indexed = || index.get(&ProfileName::parse(&profile.name).ok()?)?.account.as_ref().map(ToString::to_string);
    named.or_else(indexed)
}

/// Other profiles that assume the role of this one, and are not protected.
pub fn unprotected_twins(files: &AwsFiles, name: &ProfileName) -> Vec<ProfileName> {
    let role_of = |name: &ProfileName| {
        let profile = files.profile(name.as_str())?;
        let settings = ProfileSettings::of(&profile, name);
        Some((settings.role_arn().ok()??.value, settings.is_protected().unwrap_or_default()))
    };
    let Some((role, _)) = role_of(name) else { return Vec::new() };
    let is_twin = |other: &ProfileName| other != name && role_of(other) == Some((role.clone(), false));
    files.profile_names().iter().filter_map(|other| ProfileName::parse(other).ok()).filter(is_twin).collect()
}

/// The settings of other profiles that name this one as source, or serve it.
pub fn references(files: &AwsFiles, name: &str) -> Vec<(String, Setting)> {
    let names_it = |setting: &Setting| match setting.key.as_str() {
        "source_profile" | "twolock_source_profile" => setting.value == name,
        "credential_process" => ProcessLine::parse(&setting.value).is_some_and(|line| line.names(name)),
        _ => false,
    };
    let mut found = Vec::new();
    for other in files.profile_names().into_iter().filter(|other| other != name) {
        let Some(profile) = files.profile(&other) else { continue };
        let settings = profile.sections().flat_map(|section| &section.settings);
        found.extend(settings.filter(|s| names_it(s)).map(|s| (other.clone(), s.clone())));
    }
    found
}
