//! `profile release`: undoes an adoption.

use crate::aws_files::Setting;
use crate::change::Change;
use crate::change::preview::Preview;
use crate::cli::Release;
use crate::credentials::{AccessKey, AccessKeyId};
use crate::error::{Failure, Kind, Result};
use crate::hint::{CommandLine, Verb};
use crate::names::ProfileName;
use crate::output::to_stdout;
use crate::profile::adoption::edits::{Edits, is_served};
use crate::profile::adoption::kept_key::{is_kept_beside, keys_profile};
use crate::profile::adoption::{STATIC_KEYS, above, the_one_key};
use crate::profile::facts::references;
use crate::profile::settings::ProfileSettings;
use crate::text::visible::visible;

use super::super::changing::make;
use super::notes::{on_callers, on_lost_callers};
use crate::cmd::context::Context;

pub fn run(context: &Context, args: &Release, title: &str) -> Result<u8> {
    let name = context.requested_or_picked(&args.profile)?;
    let profile = context.existing(&name)?;
    let settings = ProfileSettings::of(&profile, &name);
    let is_role = settings.raw("twolock_role_arn").is_some();
    if !is_served(settings) && !is_role && !args.restore_key {
        return Err(settings.refuse_profile("is not adopted: there is nothing to undo"));
    }
    if settings.is_protected()? {
        let cause = "is protected: after a release, AWS tools could assume its role by themselves";
        let unset = CommandLine::of(Verb::Unset, &name).with("twolock_protected");
        return Err(settings.refuse_profile(cause).hint(unset.to("to end its protection first")));
    }
    if args.restore_key && is_kept_beside(settings) {
        refuse_other_references(context, &name, &keys_profile(&name))?;
    }
    let restored = if args.restore_key { Some(key(context, settings, !args.flags.dry_run)?) } else { None };
    let mut change = Change { notes: notes_on_key(context, settings, restored.as_ref()), ..Change::new(title) };
    change.edit_files(Edits::of_release(context.sources(), &name, restored)?);
    let preview = context.preview(&change)?;
    change.notes.extend(notes_on_callers(context, &preview, &name));
    if make(context, &change, &preview, "release?", args.flags)? {
        to_stdout(format!("released {name}\n").as_bytes())?;
    }
    Ok(0)
}

/// The key that `--restore-key` writes back, from its separate profile or the keyring.
fn key(context: &Context, settings: ProfileSettings<'_>, may_unlock: bool) -> Result<AccessKey> {
    let name = settings.name();
    if let Some(key) = STATIC_KEYS.iter().find_map(|key| settings.raw(key)) {
        let cause = "has an access key in the AWS files: there is none to restore";
        return Err(settings.refuse_profile(cause).at(&key.place));
    }
    if is_kept_beside(settings) {
        return the_one_key(&keys_profile(name), context.sources());
    }
    match context.index.get(name) {
        Some(entry) => context.key_in_keyring(name, &entry.id, may_unlock),
        None => Err(settings.refuse_profile("has no access key in the keyring: there is none to restore")),
    }
}

/// Refuses if another profile uses the separate profile of the key as source, because that will be removed.
pub fn refuse_other_references(context: &Context, name: &ProfileName, keys: &str) -> Result<()> {
    let is_source = |setting: &Setting| matches!(setting.key.as_str(), "source_profile" | "twolock_source_profile");
    let mut references = references(&context.files, keys).into_iter();
    let Some((other, setting)) = references.find(|(other, setting)| is_source(setting) && other != name.as_str())
    else {
        return Ok(());
    };
    let cause = format!("uses the key of '{keys}', which will be removed: change it to '{name}'");
    let hint = CommandLine::of(Verb::Set, &other).with(&setting.key).with(name.as_str());
    Err(Failure::new(Kind::Config, cause).of_profile(&other).at(&setting.place).hint(hint))
}

fn notes_on_key(context: &Context, settings: ProfileSettings<'_>, restored: Option<&AccessKey>) -> Vec<String> {
    let name = settings.name();
    match (restored, context.index.get(name)) {
        (Some(key), indexed) => {
            let file = context.files.credentials.shown();
            let mut notes =
                vec![format!("access key {} will be in {file}, where all your programs can read it", key.id)];
            notes.extend(used_without_mfa(context, name, &key.id));
            notes.extend(indexed.map(|entry| {
                let stays = context.stays_in_keyring(name, &entry.id);
                format!("the one in {file} takes precedence; its copy {stays}")
            }));
            notes
        }
        (None, Some(entry)) => vec![format!(
            "its access key {} stays in the keyring; to write it back: {}",
            entry.id,
            CommandLine::of(Verb::Release, name).with("--restore-key")
        )],
        (None, None) => vec![],
    }
}

/// What the AWS CLI and SDKs do afterwards with this profile, and with those that use it and no longer go through
/// twolock.
fn notes_on_callers(context: &Context, after: &Preview, name: &ProfileName) -> Vec<String> {
    let (before, then) = (context.callers(), context.callers_after(after));
    let mut notes = on_callers(&then, name);
    if !notes.is_empty() {
        notes.extend(without_mfa(context, after, name));
    }
    for other in above(context.quiet(), name) {
        let lost = on_lost_callers(&before, &then, &other);
        if !lost.is_empty() {
            notes.extend(lost);
            notes.extend(without_mfa(context, after, &other));
        }
    }
    notes
}

/// A key that is back in its profile is what other programs use, whatever device the profile names.
pub fn used_without_mfa(context: &Context, name: &ProfileName, id: &AccessKeyId) -> Option<String> {
    context.plan_of_many(name).ok()?.plan.device?;
    let name = visible(name.as_str());
    Some(format!("access key {id} is in '{name}' again, so the AWS CLI and SDKs will use it WITHOUT MFA"))
}

/// Without twolock, SDKs assume a role that has no mfa_serial without MFA.
pub fn without_mfa(context: &Context, after: &Preview, name: &ProfileName) -> Option<String> {
    let device = context.plan_of_many(name).ok()?.plan.device?;
    let profile = after.files.profile(name.as_str())?;
    (profile.get("role_arn").is_some() && profile.get("mfa_serial").is_none()).then(|| {
        let command = CommandLine::of(Verb::Set, name).with("mfa_serial").with(device.as_str());
        format!("'{name}' has no mfa_serial, so the AWS CLI and SDKs will use it WITHOUT MFA; to set it: {command}")
    })
}
