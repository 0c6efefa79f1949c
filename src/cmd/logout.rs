//! `logout`: forgets sessions, never keys.

use std::collections::HashSet;
use std::path::Path;

use crate::cli;
use crate::error::{Failure, Kind, Result};
use crate::output::to_stdout;
use crate::session::sealed::Header;
use crate::session::{cache, sealing_key};
use crate::text::visible::visible;

use super::Call;
use super::world::{Planned, World};

/// Forgets the sessions of one profile's plan, or everything.
pub fn run(args: &cli::Logout, call: &Call) -> Result<u8> {
    let world = World::load(&call.env)?;
    if args.all {
        return all(&world);
    }
    let planned = world.plan(&world.asked_or_picked(&args.profile)?)?;
    let wanted: HashSet<String> = planned.steps().iter().map(|step| step.identity.hex()).collect();
    let found: Vec<_> =
        cache::headers(&world.folders.cache).into_iter().filter(|(_, h)| wanted.contains(&h.identity)).collect();
    let name = visible(planned.plan.profile.as_str());
    if found.is_empty() {
        return to_stdout(format!("{name}: no session to forget\n").as_bytes()).map(|()| 0);
    }
    let mut text = String::new();
    for (path, header) in &found {
        remove(path)?;
        text += &format!("forgot the {} of {}\n", header.kind.word(), whose(header));
    }
    let sharing = sharing(&world, &planned);
    if !sharing.is_empty() {
        text += &format!("it was shared by: {}\n", sharing.join(", "));
    }
    to_stdout(text.as_bytes()).map(|()| 0)
}

fn all(world: &World) -> Result<u8> {
    let removed = cache::remove_all(&world.folders.cache).map_err(|e| {
        Failure::new(Kind::Disk, format!("the sessions in {} cannot be removed: {e}", world.folders.cache.display()))
    })?;
    let left = sealing_key::forget(&world.stores(true), &world.folders.cache);
    // A keyring that is not there keeps no key; one that is locked may.
    let kept = left.into_iter().find(|(_, e)| !matches!(e, crate::store::StoreError::NoService(_)));
    if let Some((store, e)) = kept {
        let name = store.name;
        let cause = format!("{removed} sessions are forgotten, but the sealing key may still be kept: {name} {e}");
        let unlock = store.unlock.map(|unlock| format!("{unlock}, then run: twolock logout --all"));
        return Err(Failure::new(Kind::Keyring, cause).hint(unlock.unwrap_or_else(|| "remove it".into())));
    }
    to_stdout(format!("forgot {removed} sessions and the key they were sealed under\n").as_bytes()).map(|()| 0)
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

fn whose(header: &Header) -> String {
    let text = header.role.as_deref().or(header.device.as_deref()).unwrap_or(&header.profile);
    visible(text)
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
