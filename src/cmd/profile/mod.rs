//! The profile commands.

pub mod add;
mod adopt;
mod code_from;
mod edit;
mod enforced;
mod list;
pub mod notes;
mod protect;
pub mod release;
mod show;

use crate::cli;
use crate::error::{Failure, Kind, Result};
use crate::names::ProfileName;
use crate::output::to_stdout;
use crate::system::env::Env;
use crate::text::visible::as_word;

use super::changing::changed;
use super::context::{Context, Invocation};

pub fn run(args: &cli::Profile, invocation: &Invocation) -> Result<u8> {
    use cli::Profile::*;
    match args {
        List { json } => list::run(&Context::load_anywhere(&invocation.env)?, *json),
        Show { profile, test, json } => {
            let context = Context::load_anywhere(&invocation.env)?;
            let name = context.requested_or_picked(profile)?;
            if *test { enforced::test(&context, &name) } else { show::run(&context, &name, *json) }
        }
        Pick { filter } => pick(&Context::load(&invocation.env)?, filter.as_deref().unwrap_or_default()),
        Add(args) => {
            let title = titled("add", &[args.name.as_ref()]);
            changed(args.flags, invocation, Some(&title), |context| add::run(context, args, &title))
        }
        Adopt(args) => {
            let title = titled("adopt", &[args.profile.name()]) + if args.all { " --all" } else { "" };
            changed(args.flags, invocation, None, |context| adopt::run(context, args, &title))
        }
        Release(args) => {
            let given = args.profile.name().cloned();
            let name = given.or_else(|| ProfileName::parse(profile_variable(&invocation.env)?).ok());
            let title = titled("release", &[name.as_ref()]) + if args.restore_key { " --restore-key" } else { "" };
            changed(args.flags, invocation, Some(&title), |context| release::run(context, args, &title))
        }
        Set { profile, key, value, code_from, entry, flags } => {
            let key = key.as_deref().unwrap_or("mfa_process");
            let title = format!("{} {}", titled("set", &[Some(profile)]), as_word(key));
            changed(*flags, invocation, None, |context| {
                let name = context.resolve_alias(profile)?;
                match (code_from, entry) {
                    (Some(program), Some(entry)) => code_from::set(context, &name, (*program, entry), &title, *flags),
                    _ => edit::set(context, &name, key, value.as_deref().unwrap_or_default(), &title, *flags),
                }
            })
        }
        Unset { profile, keys, flags } => {
            let keys_given: String = keys.iter().map(|key| format!(" {}", as_word(key))).collect();
            let title = titled("unset", &[Some(profile)]) + &keys_given;
            changed(*flags, invocation, Some(&title), |context| {
                edit::unset(context, &context.resolve_alias(profile)?, keys, &title, *flags)
            })
        }
        Rename { old, new, flags } => {
            let title = titled("rename", &[Some(old), Some(new)]);
            changed(*flags, invocation, Some(&title), |context| {
                edit::rename(context, &context.resolve_alias(old)?, new, &title, *flags)
            })
        }
        Remove { profile, flags } => {
            let title = titled("remove", &[Some(profile)]);
            changed(*flags, invocation, Some(&title), |context| {
                edit::remove(context, &context.resolve_alias(profile)?, &title, *flags)
            })
        }
    }
}

/// The command line without `twolock` and flags.
fn titled(verb: &str, names: &[Option<&ProfileName>]) -> String {
    let names = names.iter().flatten().map(|name| format!(" {}", as_word(name.as_str())));
    format!("profile {verb}{}", names.collect::<String>())
}

fn profile_variable(env: &Env) -> Option<&str> {
    env.text("AWS_PROFILE").or_else(|| env.text("AWS_DEFAULT_PROFILE"))
}

/// Prints only the picked name.
fn pick(context: &Context, filter: &str) -> Result<u8> {
    let no_terminal = |why| Failure::new(Kind::NeedsPerson, format!("picking a profile requires a terminal: {why}"));
    let name = context.pick(filter, no_terminal)?;
    to_stdout(format!("{name}\n").as_bytes())?;
    context.note_use(&context.resolve_alias(&name)?);
    Ok(0)
}
