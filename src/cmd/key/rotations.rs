//! Unfinished rotations: what other commands say about them, which profile each belongs to now, and how one without a
//! profile is forgotten.

use std::borrow::Borrow;
use std::path::Path;

use crate::arn::account_of;
use crate::aws_files::file::FileKind;
use crate::cli::KeyRotate;
use crate::cmd::context::Context;
use crate::cmd::conversation::confirmed;
use crate::credentials::AccessKeyId;
use crate::duration;
use crate::error::{Failure, Kind, Result};
use crate::hint::{CommandLine, Verb};
use crate::names::{ProfileName, UserName};
use crate::origin::FileChoice;
use crate::output::to_stdout;
use crate::profile::adoption::kept_key::new_key_profile;
use crate::rotation::{Files, Phase, Record, Records};
use crate::store::{StoreError, access_key};
use crate::system::clock;
use crate::system::directories::{Directories, shorten};
use crate::text::visible::visible;

use super::switch::Holders;

/// What other commands say of unfinished rotations: a line each. They change nothing, and ask nobody.
pub fn remarks<C: Borrow<Context>>(dirs: &Directories, context: impl FnOnce() -> C) -> Vec<String> {
    remarks_unless(Records::are_locked, dirs, context)
}

/// The same for a process that holds the lock itself.
pub fn remarks_under_lock(context: &Context) -> Vec<String> {
    remarks_unless(|_| false, &context.dirs, || context)
}

fn remarks_unless<C: Borrow<Context>>(
    is_at_it: impl Fn(&Records) -> bool,
    dirs: &Directories,
    context: impl FnOnce() -> C,
) -> Vec<String> {
    let records = Records::of(&dirs.account_data());
    let unfinished: Vec<Record> = match records.all() {
        Ok(all) => all.into_iter().filter(Record::is_unfinished).collect(),
        Err(failure) => return vec![failure.headline()],
    };
    // The process that holds the lock is at it.
    if unfinished.is_empty() || is_at_it(&records) {
        return Vec::new();
    }
    let context = context();
    unfinished.iter().map(|record| state_of(context.borrow(), record)).collect()
}

/// How far a rotation has come, and what goes on with it.
pub fn state_of(context: &Context, record: &Record) -> String {
    let old = &record.old;
    let there = other_file(context, record).map(|other| other.recorded);
    let profile = match &there {
        Some(_) => Some(record.profile.clone()),
        None => profile_of(context, record),
    };
    let Some(profile) = profile else {
        let rotate = CommandLine::of(Verb::KeyRotate, old);
        return format!("access key {old} was being rotated, and no profile has it now; to see what is left: {rotate}");
    };
    let there = there.map(|file| format!(" in {}", visible(&file))).unwrap_or_default();
    let of = format!("profile '{}'{there}", visible(profile.as_str()));
    let again = |flag: Option<&str>| {
        let command = CommandLine::of(Verb::KeyRotate, &profile);
        flag.into_iter().fold(command, CommandLine::with)
    };
    match &record.phase {
        Phase::Creating | Phase::Created { .. } => {
            format!("{of}: the rotation of access key {old} was interrupted; to continue: {}", again(None))
        }
        Phase::Stored { new } => format!(
            "{of}: the rotation of access key {old} was interrupted after {new} was stored; to continue: {}",
            again(None)
        ),
        Phase::Switched { new } => {
            format!("{of}: uses access key {new}; the old one, {old}, is still active; to continue: {}", again(None))
        }
        Phase::Back { new } => format!(
            "{of}: uses access key {new}; the old one, {old}, was reactivated; to deactivate it: {}",
            again(None)
        ),
        Phase::Off { new, since } => {
            let ago = duration::show(clock::now().since(*since));
            format!(
                "{of}: uses access key {new}; {old} was deactivated {ago} ago; to delete it: {}; to reactivate it: {}",
                again(Some("--finish")),
                again(Some("--back"))
            )
        }
    }
}

/// The profile that has one of the two keys now: that of the beginning may have been renamed or removed.
pub fn profile_of(context: &Context, record: &Record) -> Option<ProfileName> {
    let uses_it = |name: &ProfileName| {
        let key = context.outline(name.as_str())?.base.into_key()?;
        Some(record.is_about(&key.id))
    };
    if uses_it(&record.profile) == Some(true) {
        return Some(record.profile.clone());
    }
    // One that has it may be broken otherwise.
    let is_profile = |name: &ProfileName| {
        name.as_str() != new_key_profile(&record.profile)
            && context.files.profile(name.as_str()).is_some()
            && uses_it(name) != Some(false)
    };
    keys_of(record).flat_map(|id| Holders::of(context, id).profiles().collect::<Vec<_>>()).find(is_profile)
}

fn keys_of(record: &Record) -> impl Iterator<Item = &AccessKeyId> {
    std::iter::once(&record.old).chain(record.phase.new_key())
}

/// Finds a rotation whose profile no longer exists, by the id of a key or by the profile's old name.
pub fn named(context: &Context, records: &Records, name: &ProfileName) -> Result<Option<Record>> {
    if context.files.profile(name.as_str()).is_some() {
        return Ok(None);
    }
    let id = AccessKeyId::parse(name.as_str()).ok();
    let is_meant = |record: &Record| record.profile == *name || id.as_ref().is_some_and(|id| record.is_about(id));
    Ok(records.all()?.into_iter().find(is_meant))
}

/// Ends a rotation whose keys no profile has any more: says what AWS may still have, and drops the record.
pub fn forget(context: &Context, records: &Records, record: &Record, args: &KeyRotate) -> Result<()> {
    let user = UserName::of_arn(&record.user).map(|user| user.to_string()).unwrap_or_default();
    let of = account_of(&record.user).map(|account| format!(" of account {account}")).unwrap_or_default();
    let mut text = format!("no profile has access key {} any more; user {user}{of} may still have\n", record.old);
    let old = if matches!(record.phase, Phase::Off { .. }) { "inactive" } else { "active" };
    text += &format!("  {} ({old}){}\n", record.old, kept(context, &record.old));
    text += &match record.phase.new_key() {
        Some(new) => format!("  {new} (active){}\n", kept(context, new)),
        None => format!("  a key that was created after {}, whose secret is lost\n", record.began),
    };
    text += &format!("to look: aws iam list-access-keys --user-name {user}\n");
    if args.dry_run {
        return to_stdout(text.as_bytes());
    }
    confirmed(args.yes, "add --yes", &text, "forget this rotation?")?;
    records.remove(record)?;
    to_stdout(format!("forgot the rotation of access key {}\n", record.old).as_bytes())
}

/// Where a key is that no profile uses.
fn kept(context: &Context, id: &AccessKeyId) -> String {
    let (places, remove) = (Holders::of(context, id).lines("the keyring"), CommandLine::of(Verb::KeyRemove, id));
    if let Some(place) = places.first() {
        return format!(", stored in {place}");
    }
    let stores = context.stores(false);
    match stores.of_access_keys().map(|store| (store.name(), access_key::read(store, id))) {
        None | Some((_, Err(StoreError::Absent | StoreError::NoService(_)))) => String::new(),
        Some((_, Ok(_) | Err(StoreError::Damaged(_)))) => {
            format!(", stored in the keyring; to remove it there: {remove}")
        }
        Some((store, Err(e))) => format!(", maybe stored in the keyring ({store} {e}); to remove it there: {remove}"),
    }
}

/// The files that a rotation is about.
pub fn files_of(context: &Context) -> Files {
    let path = |choice: &FileChoice| absolute(&choice.path);
    Files { config: path(&context.files.config_choice), credentials: path(&context.files.credentials_choice) }
}

fn absolute(path: &Path) -> String {
    std::path::absolute(path).unwrap_or_else(|_| path.into()).to_string_lossy().into_owned()
}

/// An AWS file that is another one than at the beginning of a rotation.
struct OtherFile<'a> {
    /// That of the beginning.
    recorded: String,
    is_usual: bool,
    now: &'a FileChoice,
    variable: &'static str,
}

fn other_file<'a>(context: &'a Context, record: &Record) -> Option<OtherFile<'a>> {
    let Files { config, credentials } = record.files.as_ref()?;
    let files = &context.files;
    let other = |kind: FileKind, recorded: &String, now: &'a FileChoice| {
        let (usual, variable) = match kind {
            FileKind::Config => ("config", "AWS_CONFIG_FILE"),
            FileKind::Credentials => ("credentials", "AWS_SHARED_CREDENTIALS_FILE"),
        };
        let is_same = absolute(&now.path) == *recorded
            || std::fs::canonicalize(&now.path)
                .ok()
                .is_some_and(|path| std::fs::canonicalize(recorded).ok() == Some(path));
        let home = &context.dirs.home;
        let is_usual = absolute(&home.join(".aws").join(usual)) == *recorded;
        (!is_same).then(|| OtherFile { recorded: shorten(Path::new(recorded), home), is_usual, now, variable })
    };
    other(FileKind::Credentials, credentials, &files.credentials_choice)
        .or_else(|| other(FileKind::Config, config, &files.config_choice))
}

/// Fails if the AWS files are others than when the rotation began: the profiles of those have the keys.
pub fn must_be_its_files(context: &Context, record: &Record) -> Result<()> {
    let Some(OtherFile { recorded, is_usual, now, variable }) = other_file(context, record) else { return Ok(()) };
    let names = match now.variable {
        Some(_) => format!("names {}", shorten(&now.path, &context.dirs.home)),
        None => "is not set".into(),
    };
    let cause = format!("the rotation of access key {} began with {recorded}, but {variable} {names}", record.old);
    let hint = if is_usual { format!("unset {variable}") } else { format!("set {variable} to {recorded}") };
    Err(Failure::new(Kind::Config, cause).of_profile(&record.profile).hint(hint))
}
