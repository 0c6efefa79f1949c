//! The profile commands, and what a profile is: what there is (`profile_list`), what would be done (`profile_show`), and
//! edits (`profile_edit`).

use crate::cli;
use crate::config::Profile;
use crate::config::process_line::ProcessLine;
use crate::config::replace::wait_while_fresh;
use crate::error::{Failure, Kind, Result};
use crate::names::ProfileName;
use crate::output::to_stdout;
use crate::visible::visible;

use super::Call;
use super::world::World;
use super::{add, adopt, profile_edit, profile_list, profile_show, release};

/// Runs one of the profile commands.
pub fn run(args: &cli::Profile, call: &Call) -> Result<u8> {
    let mut world = World::load(&call.env)?;
    if !matches!(args, cli::Profile::List { .. } | cli::Profile::Show { .. } | cli::Profile::Pick { .. }) {
        // What is edited must not be half of what somebody is writing.
        for choice in [&world.files.config_choice, &world.files.credentials_choice] {
            wait_while_fresh(|| std::fs::metadata(&choice.path));
        }
        world = World::load(&call.env)?;
    }
    match args {
        cli::Profile::List { json } => profile_list::run(&world, *json),
        cli::Profile::Show { profile, json } => profile_show::run(&world, &world.asked_or_picked(profile)?, *json),
        cli::Profile::Pick { filter } => pick(&world, filter.as_deref().unwrap_or_default()),
        cli::Profile::Add(args) => add::run(&world, args),
        cli::Profile::Adopt(args) => adopt::run(&world, args),
        cli::Profile::Release(args) => release::run(&world, args),
        cli::Profile::Set { profile, key, value, making } => {
            profile_edit::set(&world, &world.meant(profile)?, key, value, *making)
        }
        cli::Profile::Unset { profile, key, making } => {
            profile_edit::unset(&world, &world.meant(profile)?, key, *making)
        }
        cli::Profile::Rename { old, new, making } => profile_edit::rename(&world, &world.meant(old)?, new, *making),
        cli::Profile::Remove { profile, making } => profile_edit::remove(&world, &world.meant(profile)?, *making),
    }
}

/// Prints the name a person picked, and nothing else.
fn pick(world: &World, filter: &str) -> Result<u8> {
    let nobody = |why| Failure::new(Kind::NeedsPerson, format!("a profile is picked on a terminal: {why}"));
    let name = world.pick(filter, nobody)?;
    to_stdout(format!("{name}\n").as_bytes())?;
    world.note_use(&world.meant(&name)?);
    Ok(0)
}

/// What a profile is, in one word for the table and one for JSON.
pub fn kind(world: &World, profile: &Profile) -> &'static str {
    let has = |key: &str| profile.get(key).is_some();
    let is_indexed = || ProfileName::parse(&profile.name).is_ok_and(|name| world.index.get(&name).is_some());
    match () {
        () if has("twolock_role_arn") || has("role_arn") => "role",
        () if has("aws_access_key_id") => "key",
        () if has("twolock_source_profile") => "key of another",
        () if is_indexed() => "key in keyring",
        () if has("sso_session") || has("sso_start_url") || has("sso_account_id") => "sso",
        () if has("credential_process") => "process",
        () => "settings only",
    }
}

/// Whether the AWS CLI and SDKs come to us for this profile.
pub fn is_adopted(profile: &Profile) -> bool {
    profile.get("credential_process").is_some_and(|process| ProcessLine::parse(&process.value).is_some())
}

/// The device's name, or the whole serial where it has none.
pub fn device(profile: &Profile) -> Option<String> {
    profile.get("mfa_serial").map(|serial| visible(serial.shown().rsplit('/').next().unwrap_or_default()))
}

/// The account of the role, else of the device; the key's account is known to AWS alone.
pub fn account(world: &World, profile: &Profile) -> Option<String> {
    let role = profile.get("twolock_role_arn").or_else(|| profile.get("role_arn"));
    let arn = role.or_else(|| profile.get("mfa_serial"))?;
    let named = crate::arn::account_of(&arn.value).map(|account| account.to_string());
    let indexed =
        || world.index.get(&ProfileName::parse(&profile.name).ok()?)?.account.as_ref().map(ToString::to_string);
    named.or_else(indexed)
}

/// A failure about a name no file has.
pub fn unknown(name: &ProfileName) -> Failure {
    Failure::new(Kind::Config, "there is no such profile").of_profile(visible(name.as_str()))
}
