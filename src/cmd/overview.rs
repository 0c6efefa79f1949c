//! `twolock` alone: what it found, and for each profile the next command.

use crate::config::Profile;
use crate::duration;
use crate::error::Result;
use crate::names::ProfileName;
use crate::output::exports::Shell;
use crate::output::table::table;
use crate::output::to_stdout;
use crate::system::clock;
use crate::visible::{as_word, visible};

use super::Call;
use super::world::World;
use super::{env, profile, status};

/// More profiles than this are for `profile list`.
const MOST: usize = 40;

/// Lists the profiles with the next command of each.
pub fn run(call: &Call) -> Result<u8> {
    let world = World::load(&call.env)?;
    let names = world.files.profile_names();
    if names.is_empty() {
        let text = format!(
            "no profiles in {} or {}\nnext: aws configure    then: twolock\n",
            world.files.config.shown(),
            world.files.credentials.shown()
        );
        return to_stdout(text.as_bytes()).map(|()| 0);
    }
    let now = clock::now();
    let living: Vec<_> = status::living(&world, now)
        .into_iter()
        .map(|header| (header.identity, duration::show(header.expires.since(now))))
        .collect();
    let shell = env::calling_shell(&world.env);
    let row = |name: &String| {
        let profile = world.files.profile(name)?;
        Some(vec![
            visible(name),
            profile::kind(&world, &profile).into(),
            left(&world, name, &living),
            next(&world, &profile, shell),
        ])
    };
    let rows: Vec<_> = names.iter().take(MOST).filter_map(row).collect();
    let mut text = table(&["PROFILE", "KIND", "LEFT", "NEXT"], &rows);
    if names.len() > MOST {
        text += &format!("and {} more: twolock profile list\n", names.len() - MOST);
    }
    to_stdout(text.as_bytes()).map(|()| 0)
}

fn left(world: &World, name: &str, living: &[(String, String)]) -> String {
    let identity = ProfileName::parse(name)
        .ok()
        .and_then(|name| world.plan(&name).ok())
        .and_then(|p| p.identities.last().copied());
    let found = identity.and_then(|identity| living.iter().find(|(known, _)| *known == identity.hex()));
    found.map_or_else(|| "-".into(), |(_, left)| left.clone())
}

/// The next command: use it, see what is wrong with it, or nothing for profiles that are not ours to serve.
fn next(world: &World, profile: &Profile, shell: Shell) -> String {
    let Ok(name) = ProfileName::parse(&profile.name) else { return "-".into() };
    let shown = as_word(name.as_str());
    match world.plan(&name) {
        Ok(planned) if planned.plan.protected => format!("twolock profile show {shown}"),
        Ok(_) if profile::is_adopted(profile) => format!("aws --profile {shown} …"),
        Ok(_) => env::line_to_type(shell, &shown),
        Err(_) => format!("twolock profile show {shown}"),
    }
}
