//! The profile commands: what there is (`list`), what would be done (`show`), and changes of the AWS files.

mod add;
mod adopt;
mod edit;
pub mod list;
mod notes;
mod release;
mod remove;
mod rename;
mod show;

use crate::aws_files::Profile;
use crate::change::replace::wait_while_fresh;
use crate::cli::{self, Making};
use crate::error::{Failure, Kind, Result};
use crate::names::ProfileName;
use crate::output::to_stdout;
use crate::text::list::first_names;
use crate::text::visible::as_word;

pub use adopt::can_be_adopted;

use super::world::World;
use super::{Call, changing};

/// Runs one of the profile commands.
pub fn run(args: &cli::Profile, call: &Call) -> Result<u8> {
    use cli::Profile::*;
    match args {
        List { json } => list::run(&World::load(&call.env)?, *json),
        Show { profile, json } => {
            let world = World::load(&call.env)?;
            show::run(&world, &world.asked_or_picked(profile)?, *json)
        }
        Pick { filter } => pick(&World::load(&call.env)?, filter.as_deref().unwrap_or_default()),
        Add(args) => changed(&args.making, call, &titled("add", &[args.name.as_ref()]), |world, title| {
            add::run(world, args, title)
        }),
        Adopt(args) => {
            let title = titled("adopt", &[args.profile.name()]) + if args.all { " --all" } else { "" };
            changed(&args.making, call, &title, |world, title| adopt::run(world, args, title))
        }
        Release(args) => changed(&args.making, call, &titled("release", &[args.profile.name()]), |world, title| {
            release::run(world, args, title)
        }),
        Set { profile, key, value, making } => {
            changed(making, call, &format!("{} {}", titled("set", &[Some(profile)]), as_word(key)), |world, title| {
                edit::set(world, &world.meant(profile)?, key, value, title, *making)
            })
        }
        Unset { profile, key, making } => {
            changed(making, call, &format!("{} {}", titled("unset", &[Some(profile)]), as_word(key)), |world, title| {
                edit::unset(world, &world.meant(profile)?, key, title, *making)
            })
        }
        Rename { old, new, making } => {
            changed(making, call, &titled("rename", &[Some(old), Some(new)]), |world, title| {
                rename::run(world, &world.meant(old)?, new, title, *making)
            })
        }
        Remove { profile, making } => changed(making, call, &titled("remove", &[Some(profile)]), |world, title| {
            remove::run(world, &world.meant(profile)?, title, *making)
        }),
    }
}

/// The command as one would type it.
fn titled(verb: &str, names: &[Option<&ProfileName>]) -> String {
    let names = names.iter().flatten().map(|name| format!(" {}", as_word(name.as_str())));
    format!("profile {verb}{}", names.collect::<String>())
}

/// Makes good what a killed run left, waits until nobody is in the middle of writing the files, then lets a verb change
/// them.
fn changed(making: &Making, call: &Call, title: &str, verb: impl FnOnce(&World, &str) -> Result<u8>) -> Result<u8> {
    if !making.dry_run && changing::recovered(&call.env, title, making.forget_unfinished)? {
        return Ok(0);
    }
    let world = World::load(&call.env)?;
    for choice in [&world.files.config_choice, &world.files.credentials_choice] {
        wait_while_fresh(|| std::fs::metadata(&choice.path));
    }
    verb(&World::load(&call.env)?, title)
}

/// Prints the name a person picked, and nothing else.
fn pick(world: &World, filter: &str) -> Result<u8> {
    let nobody = |why| Failure::new(Kind::NeedsPerson, format!("picking a profile requires a terminal: {why}"));
    let name = world.pick(filter, nobody)?;
    to_stdout(format!("{name}\n").as_bytes())?;
    world.note_use(&world.meant(&name)?);
    Ok(0)
}

/// The profile of that name, which has to be there.
fn known(world: &World, name: &ProfileName) -> Result<Profile> {
    world.files.profile(name.as_str()).ok_or_else(|| {
        let names = first_names(&world.files.profile_names());
        let failure = unknown(name);
        if names.is_empty() { failure } else { failure.hint(format!("profiles: {names}")) }
    })
}

/// A failure about a name no file has.
pub fn unknown(name: &ProfileName) -> Failure {
    Failure::new(Kind::Config, "profile not found").of_profile(name)
}
