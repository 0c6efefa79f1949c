//! `logout`: forgets sessions, never keys.

use std::collections::HashSet;
use std::path::Path;

use crate::arn::{MfaSerial, RoleArn};
use crate::cli;
use crate::error::{Failure, Kind, Result};
use crate::hint::{CommandLine, Hint, Verb};
use crate::output::to_stdout;
use crate::session::identity::Identity;
use crate::session::sealed::Header;
use crate::session::{cache, sealing_key};
use crate::system::obstacle::Obstacle;
use crate::text::visible::visible;

use super::active_sessions::{self, sealed_files};
use super::context::Invocation;
use super::context::{Context, Planned};

/// Forgets the sessions of one profile's plan, or everything.
pub fn run(args: &cli::Logout, invocation: &Invocation) -> Result<u8> {
    let context = Context::load(&invocation.env)?;
    if args.all {
        return all(&context);
    }
    let planned = context.plan(&context.requested_or_picked(&args.profile)?)?;
    let wanted: HashSet<Identity> = planned.steps().iter().map(|step| step.identity).collect();
    let is_wanted = |header: &Header| wanted.contains(&header.identity);
    let found = active_sessions::open(&context, is_wanted);
    // What says that it is one of them and does not open serves nobody; it goes with them, without a word of its own.
    cache::claims(&context.dirs.cache).filter(|(_, h)| is_wanted(h)).try_for_each(|(path, _)| remove(&path))?;
    let name = visible(planned.plan.profile.as_str());
    let mut text: String = found.sessions.iter().map(|(_, header)| forgot(header)).collect();
    if let Some(unopened) = &found.unopened {
        text += &format!("{name}: removed {}\n", unopened.line().replace(" cannot be ", " that could not be "));
    } else if found.sessions.is_empty() {
        text += &format!("{name}: no sessions to end\n");
    } else {
        text += &shared_by(&sharing(&context, &planned));
    }
    to_stdout(text.as_bytes()).map(|()| 0)
}

fn forgot(header: &Header) -> String {
    let role = header.role.as_ref().map(RoleArn::as_str);
    let whose = role.or(header.device.as_ref().map(MfaSerial::as_str)).unwrap_or(header.profile.as_str());
    format!("ended the {} of {}\n", header.kind.word(), visible(whose))
}

fn shared_by(others: &[String]) -> String {
    if others.is_empty() { String::new() } else { format!("it was shared with: {}\n", others.join(", ")) }
}

fn all(context: &Context) -> Result<u8> {
    let sessions = active_sessions::open(context, |_| true).sessions.len();
    let removed = cache::remove_all(&context.dirs.cache).map_err(|e| {
        let obstacle = Obstacle::to("removed", &context.dirs.cache.join("*.sealed"), &e);
        context.shortened_failure(Failure { kind: Kind::Disk, ..obstacle.failure() })
    })?;
    let left = sealing_key::forget(&context.stores(true), &context.dirs.cache);
    // A keyring that is not there keeps no key; one that is locked may.
    let kept = left.into_iter().find(|(_, e)| !matches!(e, crate::store::StoreError::NoService(_)));
    if let Some((store, e)) = kept {
        let cause =
            format!("{} removed, but the sealing key may still be stored: {} {e}", sealed_files(removed), store.name);
        let again = |unlock| CommandLine::new(Verb::Logout).with("--all").to(format!("{unlock}, then run"));
        let hint = store.unlock.map_or_else(|| Hint::from("remove it"), again);
        return Err(Failure::new(Kind::Keyring, cause).hint(hint));
    }
    let mut text = format!("ended {sessions} sessions and deleted their sealing key\n");
    if removed > sessions {
        text += &format!("removed {} that could not be opened\n", sealed_files(removed - sessions));
    }
    to_stdout(text.as_bytes()).map(|()| 0)
}

/// Removes one sealed session; one that is gone is no failure.
pub fn remove(path: &Path) -> Result<()> {
    match std::fs::remove_file(path) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => {
            Err(Failure::new(Kind::Disk, format!("{} cannot be removed: {e}", path.display())))
        }
        _ => Ok(()),
    }
}

/// The other profiles that used one of the sessions forgotten.
fn sharing(context: &Context, planned: &Planned) -> Vec<String> {
    let forgotten: HashSet<_> = planned.steps().iter().map(|step| step.identity).collect();
    let names = context.files.profile_names();
    let others = names.iter().filter(|name| *name != planned.plan.profile.as_str());
    let shares = |name: &&String| {
        let plan = context.plan_quietly(name);
        plan.is_some_and(|other| other.steps().iter().any(|step| forgotten.contains(&step.identity)))
    };
    others.filter(shares).map(|name| visible(name)).collect()
}
