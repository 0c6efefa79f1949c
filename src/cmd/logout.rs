//! `logout`: forgets sessions, never keys.

use std::collections::HashSet;
use std::path::Path;

use crate::arn::{MfaSerial, RoleArn};
use crate::cli;
use crate::error::{Failure, Kind, Result};
use crate::hint::{CommandLine, Verb};
use crate::output::to_stdout;
use crate::session::identity::Identity;
use crate::session::sealed::Header;
use crate::session::{cache, sealing_key};
use crate::store::file::FileStore;
use crate::system::obstacle::Obstacle;
use crate::text::visible::visible;

use super::Call;
use super::living::{self, sealed_files};
use super::world::{Planned, World};

/// Forgets the sessions of one profile's plan, or everything.
pub fn run(args: &cli::Logout, call: &Call) -> Result<u8> {
    let world = World::load(&call.env)?;
    if args.all {
        return all(&world);
    }
    let planned = world.plan(&world.asked_or_picked(&args.profile)?)?;
    let wanted: HashSet<Identity> = planned.steps().iter().map(|step| step.identity).collect();
    let is_wanted = |header: &Header| wanted.contains(&header.identity);
    let found = living::open(&world, is_wanted);
    // What says that it is one of them and does not open serves nobody; it goes with them, without a word of its own.
    cache::claims(&world.folders.cache).filter(|(_, h)| is_wanted(h)).try_for_each(|(path, _)| remove(&path))?;
    let name = visible(planned.plan.profile.as_str());
    let mut text: String = found.sessions.iter().map(|(_, header)| forgot(header)).collect();
    if let Some(unopened) = &found.unopened {
        text += &format!("{name}: removed {}\n", unopened.line().replace(" cannot be ", " that could not be "));
    } else if found.sessions.is_empty() {
        text += &format!("{name}: no sessions to end\n");
    } else {
        text += &shared_by(&sharing(&world, &planned));
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

fn all(world: &World) -> Result<u8> {
    let sessions = living::open(world, |_| true).sessions.len();
    let removed = cache::remove_all(&world.folders.cache).map_err(|e| {
        let obstacle = Obstacle::to("removed", &world.folders.cache.join("*.sealed"), &e);
        world.shortened_failure(Failure { kind: Kind::Disk, ..obstacle.failure() })
    })?;
    let left = sealing_key::forget(&world.stores(true), &world.folders.cache);
    // A keyring that is not there keeps no key; one that is locked may.
    let kept = left.into_iter().find(|(_, e)| !matches!(e, crate::store::StoreError::NoService(_)));
    if let Some((store, e)) = kept {
        let cause = format!("{} removed, but the sealing key may still be stored: {store} {e}", sealed_files(removed));
        let is_file = store == FileStore::NAME;
        let again = || CommandLine::new(Verb::Logout).with("--all").to("unlock the keyring, then run");
        let hint = if is_file { "remove it".into() } else { again() };
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
fn sharing(world: &World, planned: &Planned) -> Vec<String> {
    let forgotten: HashSet<_> = planned.steps().iter().map(|step| step.identity).collect();
    let names = world.files.profile_names();
    let others = names.iter().filter(|name| *name != planned.plan.profile.as_str());
    let shares = |name: &&String| {
        let plan = world.plan_if_any(name);
        plan.is_some_and(|other| other.steps().iter().any(|step| forgotten.contains(&step.identity)))
    };
    others.filter(shares).map(|name| visible(name)).collect()
}
