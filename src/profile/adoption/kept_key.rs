//! Where the access key of an adopted profile is, if no keyring keeps it: in a profile beside it.

use crate::aws_files::AwsFiles;
use crate::names::ProfileName;
use crate::profile::settings::ProfileSettings;

/// The profile that keeps an adopted profile's access key where no keyring does.
pub fn keys_profile(name: &ProfileName) -> String {
    format!("{name}-keys")
}

/// The section of the credentials file that keeps the new key of a profile while it is rotated.
pub fn new_key_profile(name: &ProfileName) -> String {
    format!("{name}-new-key")
}

/// Whether the profile's access key is stored in its [`keys_profile`].
pub fn is_kept_beside(settings: ProfileSettings<'_>) -> bool {
    let source = settings.raw("twolock_source_profile");
    settings.raw("twolock_role_arn").is_none()
        && source.is_some_and(|source| source.value == keys_profile(settings.name()))
}

/// The profiles that people use: those that only keep the key of an adopted one are left out.
pub fn usable_names(files: &AwsFiles) -> Vec<String> {
    let mut names = files.profile_names();
    names.retain(|name| ProfileName::parse(name).is_ok_and(|name| keeps_the_key_of(files, &name).is_none()));
    names
}

/// The adopted profile whose access key this one keeps.
pub fn keeps_the_key_of(files: &AwsFiles, name: &ProfileName) -> Option<ProfileName> {
    let adopted = ProfileName::parse(name.as_str().strip_suffix("-keys")?).ok()?;
    let profile = files.profile(adopted.as_str())?;
    is_kept_beside(ProfileSettings::of(&profile, &adopted)).then_some(adopted)
}
