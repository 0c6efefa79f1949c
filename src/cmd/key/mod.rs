//! The key commands: long-term access keys, in the OS keyring.
//!
//! `proof` asks AWS whose a key is; `given` stores a key that came from a person, a file or a program, for `add` and
//! `import`; `in_files` moves keys out of the AWS files. `at_aws` asks what IAM knows of them, for `list`. `rotate`
//! replaces one at AWS; `new_keys` keeps the new one until `switch` has given it to every profile, and `rotations` says
//! which are under way.

mod add;
mod at_aws;
mod csv;
mod export;
pub mod given;
pub mod import;
mod in_files;
mod list;
mod new_keys;
mod process;
mod proof;
mod remove;
mod replace;
pub mod rotate;
pub mod rotations;
mod switch;

use crate::cli::{self, ChangeFlags};
use crate::error::Result;
use crate::names::ProfileName;
use crate::text::visible::as_word;

use super::changing::changed;
use super::context::{Context, Invocation};

pub fn run(args: &cli::Key, invocation: &Invocation) -> Result<u8> {
    use cli::Key::*;
    match args {
        Add(args) => {
            let title = titled("add", args.profile.name());
            let flags = ChangeFlags { yes: args.yes, dry_run: false, forget_unfinished: args.forget_unfinished };
            changed(flags, invocation, None, |context| add::run(context, args, &title))
        }
        Import(args) => {
            let title = titled("import", &args.profiles) + if args.all { " --all" } else { "" };
            changed(args.flags, invocation, None, |context| import::run(context, args, &title))
        }
        List { json } => list::run(&Context::load_anywhere(&invocation.env)?, *json),
        Export(args) => export::run(&Context::load(&invocation.env)?, args),
        Replace(args) => {
            let title = titled("replace", args.profile.name());
            changed(args.flags, invocation, None, |context| replace::run(context, args, &title))
        }
        Rotate(args) => {
            let flags = ChangeFlags { yes: args.yes, dry_run: args.dry_run, forget_unfinished: false };
            changed(flags, invocation, None, |context| rotate::run(context, args))
        }
        Remove(args) => {
            let title = titled("remove", [&args.name]);
            changed(args.flags, invocation, Some(&title), |context| remove::run(context, args, &title))
        }
    }
}

/// The command line without `twolock` and flags.
fn titled<'a>(verb: &str, names: impl IntoIterator<Item = &'a ProfileName>) -> String {
    let names = names.into_iter().map(|name| format!(" {}", as_word(name.as_str())));
    format!("key {verb}{}", names.collect::<String>())
}
