//! `forget --everything`: removes all that is ours from this machine, in an order in which a second run can finish it.
//!
//! - `plan`: what is there, and what it refuses to leave half done
//! - `own_files`: the files in our directories
//! - `unreached`: what stays elsewhere, in words

mod own_files;
mod plan;
mod unreached;

use std::path::PathBuf;
use std::time::Duration;

use crate::change::journal::PATIENCE;
use crate::change::{Act, Change};
use crate::cli;
use crate::enrollment;
use crate::error::{Failure, Kind, Result};
use crate::hint::{CommandLine, Verb};
use crate::keyring::Keyring;
use crate::ours::key_index::IndexEdit;
use crate::output::to_stdout;
use crate::rotation;
use crate::session::{cache, sealing_key};
use crate::store::StoreError;
use crate::store::choose::Stores;
use crate::system::lock::FileLock;
use crate::system::obstacle::Obstacle;

use super::changing::{changed, confirmed, make_confirmed, with_parts};
use super::context::{Context, Invocation};
use own_files::OwnFiles;
use plan::{KeyToForget, Plan, TITLE};

pub fn run(args: &cli::Forget, invocation: &Invocation) -> Result<u8> {
    if !args.everything {
        let cause = "forget removes twolock's lines from the AWS files, the access keys in the keyring, all sessions, \
                     settings and files: add --everything";
        let look = CommandLine::new(Verb::Forget).with("--everything").with("--dry-run");
        return Err(Failure::new(Kind::Usage, cause).hint(look.to("to see what it would remove")));
    }
    changed(args.flags, invocation, None, |context| {
        let mut tries = TRIES;
        let mut ended = everything(context, args.flags);
        // Another run of this may be at it, or may have ended just now.
        while args.flags.yes && tries > 1 && ended.as_ref().is_err_and(|failure| failure.kind == Kind::Busy) {
            tries -= 1;
            std::thread::sleep(PAUSE);
            ended = Context::load(&context.env).and_then(|context| everything(&context, args.flags));
        }
        ended
    })
}

/// How often it is tried while another process is in the way, and the pause in between.
const TRIES: u32 = 3;
const PAUSE: Duration = Duration::from_millis(300);

fn everything(context: &Context, flags: cli::ChangeFlags) -> Result<u8> {
    let _locks = no_other_run(context)?;
    let plan = Plan::of(context, flags.forget_unfinished)?;
    let unreached = unreached::lines(context, &plan);
    let unreached: String = unreached.iter().map(|line| format!("not removed: {line}\n")).collect();
    if plan.is_empty() {
        to_stdout(format!("nothing to forget\n{unreached}").as_bytes())?;
    } else if confirmed(&plan.text(context), "forget everything? This cannot be undone", flags)? {
        carry_out(context, &plan)?;
        to_stdout(format!("forgot everything\n{unreached}").as_bytes())?;
    } else {
        to_stdout(unreached.as_bytes())?;
    }
    Ok(0)
}

/// Excludes runs that change keys or devices at AWS. Where no such run ever was, no file is made for it.
fn no_other_run(context: &Context) -> Result<[Option<FileLock>; 2]> {
    let data = context.dirs.account_data();
    let (keys, devices) = (rotation::Records::of(&data), enrollment::Records::of(&data));
    let locked = |file: PathBuf, lock: &dyn Fn() -> Result<FileLock>| {
        file.with_extension("lock").exists().then(lock).transpose()
    };
    Ok([locked(keys.file(), &|| keys.lock())?, locked(devices.file(), &|| devices.lock())?])
}

/// The settings are last of all: they say which keyring is used.
fn carry_out(context: &Context, plan: &Plan) -> Result<()> {
    let files = || match plan.preview.is_empty() {
        true => Ok(()),
        false => make_confirmed(context, &plan.change, &plan.preview),
    };
    let keys = || plan.keys.iter().try_for_each(|key| remove_key(context, key));
    let (sessions, own) = (|| end_sessions(context, plan), || delete_own_files(context));
    let steps: [(&str, &dyn Fn() -> Result<()>); 4] = [
        ("the lines in the AWS files", &files),
        ("the access keys in the keyring", &keys),
        ("the sessions and their encryption key", &sessions),
        ("its own files", &own),
    ];
    for (at, (_, step)) in steps.iter().enumerate() {
        step().map_err(|failure| match at {
            0 => failure,
            // Another run of this, which does the rest.
            _ if failure.kind == Kind::Busy => failure,
            _ => half_done(failure, &steps[at..].iter().map(|(what, _)| *what).collect::<Vec<_>>()),
        })?;
    }
    Ok(())
}

fn half_done(failure: Failure, left: &[&str]) -> Failure {
    let cause = format!("{}; not forgotten yet: {}", failure.cause, left.join(", "));
    let again = CommandLine::new(Verb::Forget).with("--everything");
    Failure { kind: Kind::HalfDone, cause, ..failure }.hint(again.to("to finish it, run this again"))
}

/// The index first: an item without an entry is deleted by whoever finishes this change.
fn remove_key(context: &Context, key: &KeyToForget) -> Result<()> {
    let KeyToForget { id, profiles, asked, .. } = key;
    let mut change = Change::new(TITLE);
    let drops = profiles.iter().map(|profile| IndexEdit::Drop { profile: profile.clone(), id: id.clone() });
    change.acts.extend(drops.map(Act::EditIndex));
    change.acts.push(Act::RemoveKey { profile: asked.clone(), id: id.clone() });
    make_confirmed(context, &change, &context.preview(&change)?)
}

/// Not while another process makes a change: its journal would go.
fn delete_own_files(context: &Context) -> Result<()> {
    let lock = || with_parts(context, |parts| parts.journal().lock(PATIENCE, parts.tell));
    let _lock = context.dirs.account_data().is_dir().then(lock).transpose()?;
    OwnFiles::delete(context)
}

fn end_sessions(context: &Context, plan: &Plan) -> Result<()> {
    let directory = &context.dirs.cache;
    cache::remove_all(directory).map_err(|e| Obstacle::to("removed", &directory.join("*.sealed"), &e).failure())?;
    let forget = |stores: &Stores| sealing_key::forget(stores, directory).1;
    let left = if plan.has_sealing_key { forget(&context.stores(true)) } else { Vec::new() };
    if let Some((store, e)) = left.into_iter().find(|(_, e)| !matches!(e, StoreError::NoService(_))) {
        let cause = format!("the encryption key of sessions may still be stored: {} {e}", store.name);
        return Err(Failure::new(Kind::Keyring, cause));
    }
    // What another setting used before. What does not answer there has at most a key that opens nothing.
    for other in Keyring::ALL.into_iter().filter(|other| *other != context.keyring()) {
        forget(&Stores::choose(other, &context.env, || context.dirs.account_data(), false));
    }
    Ok(())
}
