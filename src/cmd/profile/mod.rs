//! The profile commands: what there is (`list`), what would be done (`show`), and changes of the AWS files.

mod add;
mod adopt;
mod edit;
mod fields;
mod list;
mod notes;
mod release;
mod remove;
mod rename;
mod show;

use crate::change::replace::wait_while_fresh;
use crate::cli::{self, ChangeFlags};
use crate::error::{Failure, Kind, Result};
use crate::names::ProfileName;
use crate::output::to_stdout;
use crate::text::visible::as_word;

use super::changing;
use super::context::{Context, Invocation};

/// Runs one of the profile commands.
pub fn run(args: &cli::Profile, invocation: &Invocation) -> Result<u8> {
    use cli::Profile::*;
    match args {
        List { json } => list::run(&Context::load(&invocation.env)?, *json),
        Show { profile, json } => {
            let context = Context::load(&invocation.env)?;
            show::run(&context, &context.requested_or_picked(profile)?, *json)
        }
        Pick { filter } => pick(&Context::load(&invocation.env)?, filter.as_deref().unwrap_or_default()),
        Add(args) => changed(&args.flags, invocation, &titled("add", &[args.name.as_ref()]), |context, title| {
            add::run(context, args, title)
        }),
        Adopt(args) => {
            let title = titled("adopt", &[args.profile.name()]) + if args.all { " --all" } else { "" };
            changed(&args.flags, invocation, &title, |context, title| adopt::run(context, args, title))
        }
        Release(args) => {
            changed(&args.flags, invocation, &titled("release", &[args.profile.name()]), |context, title| {
                release::run(context, args, title)
            })
        }
        Set { profile, key, value, flags } => changed(
            flags,
            invocation,
            &format!("{} {}", titled("set", &[Some(profile)]), as_word(key)),
            |context, title| edit::set(context, &context.resolve_alias(profile)?, key, value, title, *flags),
        ),
        Unset { profile, key, flags } => changed(
            flags,
            invocation,
            &format!("{} {}", titled("unset", &[Some(profile)]), as_word(key)),
            |context, title| edit::unset(context, &context.resolve_alias(profile)?, key, title, *flags),
        ),
        Rename { old, new, flags } => {
            changed(flags, invocation, &titled("rename", &[Some(old), Some(new)]), |context, title| {
                rename::run(context, &context.resolve_alias(old)?, new, title, *flags)
            })
        }
        Remove { profile, flags } => {
            changed(flags, invocation, &titled("remove", &[Some(profile)]), |context, title| {
                remove::run(context, &context.resolve_alias(profile)?, title, *flags)
            })
        }
    }
}

/// The command as one would type it.
fn titled(verb: &str, names: &[Option<&ProfileName>]) -> String {
    let names = names.iter().flatten().map(|name| format!(" {}", as_word(name.as_str())));
    format!("profile {verb}{}", names.collect::<String>())
}

/// Makes good what a killed run left, waits until nobody is in the middle of writing the files, then lets a verb change
/// them.
fn changed(
    flags: &ChangeFlags,
    invocation: &Invocation,
    title: &str,
    verb: impl FnOnce(&Context, &str) -> Result<u8>,
) -> Result<u8> {
    if !flags.dry_run && changing::recovered(&invocation.env, title, flags.forget_unfinished)? {
        return Ok(0);
    }
    let context = Context::load(&invocation.env)?;
    for choice in [&context.files.config_choice, &context.files.credentials_choice] {
        wait_while_fresh(|| std::fs::metadata(&choice.path));
    }
    verb(&Context::load(&invocation.env)?, title)
}

/// Prints the name a person picked, and nothing else.
fn pick(context: &Context, filter: &str) -> Result<u8> {
    let nobody = |why| Failure::new(Kind::NeedsPerson, format!("picking a profile requires a terminal: {why}"));
    let name = context.pick(filter, nobody)?;
    to_stdout(format!("{name}\n").as_bytes())?;
    context.note_use(&context.resolve_alias(&name)?);
    Ok(0)
}
