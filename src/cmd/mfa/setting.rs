//! `mfa_serial` in the profiles that name a device.

use crate::arn::MfaSerial;
use crate::aws_files::AwsFiles;
use crate::aws_files::edit::Edit;
use crate::aws_files::file::FileKind;
use crate::change::{Act, Change};
use crate::cli::ChangeFlags;
use crate::cmd::changing::make;
use crate::cmd::context::Context;
use crate::cmd::profile::notes::on_lost_mfa;
use crate::error::Result;
use crate::names::ProfileName;
use crate::profile::plan::Plan;

const KEY: &str = "mfa_serial";

/// The profiles that name this device themselves, in file order.
pub fn profiles_naming(files: &AwsFiles, device: &MfaSerial) -> Vec<String> {
    let names = |name: &String| {
        files.profile(name).and_then(|profile| Some(profile.get(KEY)?.value == device.as_str())).unwrap_or(false)
    };
    files.profile_names().into_iter().filter(names).collect()
}

/// The profile that a new device is written into: the asked one, or that of the key below a role.
pub fn home_of(plan: &Plan) -> &ProfileName {
    if plan.role().is_some() { plan.base.profile() } else { &plan.profile }
}

/// Writes a device into every profile that names the old one, or into the one that lacks any. Returns whether it was
/// done.
pub fn write(
    context: &Context,
    title: &str,
    old: Option<&MfaSerial>,
    new: &MfaSerial,
    home: &ProfileName,
    flags: ChangeFlags,
) -> Result<bool> {
    let set = |profile: String| Edit::Set { profile, key: KEY.into(), value: new.to_string() };
    let change = match old {
        Some(old) => changing(context, title, old, |profile| set(profile.into())),
        None => Change {
            acts: vec![Act::EditFile { kind: FileKind::Config, edits: vec![set(home.to_string())], holds: Vec::new() }],
            ..Change::new(title)
        },
    };
    make(context, &change, &context.preview(&change)?, "use it in the profile?", flags)
}

/// Removes a device from every profile that names it; says nothing where none does.
pub fn unset(context: &Context, title: &str, device: &MfaSerial, flags: ChangeFlags) -> Result<()> {
    let mut change =
        changing(context, title, device, |profile| Edit::Unset { profile: profile.into(), key: KEY.into() });
    if change.acts.is_empty() {
        return Ok(());
    }
    let preview = context.preview(&change)?;
    let names = context.files.profile_names();
    let names = names.iter().filter_map(|name| ProfileName::parse(name).ok());
    change.notes = names.filter_map(|name| on_lost_mfa(context, &preview, &name)).collect();
    make(context, &change, &preview, "remove it from the profiles?", flags).map(drop)
}

/// The same edit of each profile that names a device, in the file where it does.
fn changing(context: &Context, title: &str, device: &MfaSerial, edit: impl Fn(&str) -> Edit) -> Change {
    let mut change = Change::new(title);
    for kind in [FileKind::Config, FileKind::Credentials] {
        let file = context.files.of(kind);
        let names = |name: &String| {
            file.section(name)
                .is_some_and(|section| section.get(KEY).is_some_and(|found| found.value == device.as_str()))
        };
        let edits: Vec<Edit> = file.profile_names().iter().filter(|name| names(name)).map(|name| edit(name)).collect();
        if !edits.is_empty() {
            change.acts.push(Act::EditFile { kind, edits, holds: Vec::new() });
        }
    }
    change
}
