//! `twolock` alone: what it found, and for each profile the next command.

use std::cell::LazyCell;

use crate::aws_files::Profile;
use crate::duration;
use crate::error::Result;
use crate::hint::{CommandLine, Verb};
use crate::names::ProfileName;
use crate::output::exports::Shell;
use crate::output::table::table;
use crate::output::to_stdout;
use crate::profile::adoption::edits::keeps_the_key_of;
use crate::profile::callers::Callers;
use crate::profile::facts;
use crate::text::visible::{as_word, visible};

use super::Call;
use super::env;
use super::living::Living;
use super::profile::can_be_adopted;
use super::world::{Planned, World};

/// More profiles than this are for `profile list`.
const MOST: usize = 40;

/// Lists the profiles with the next command of each.
pub fn run(call: &Call) -> Result<u8> {
    let world = World::load(&call.env)?;
    let names = world.files.profile_names();
    if names.is_empty() {
        let text = format!(
            "no profiles in {} or {}\nnext: twolock profile add\n",
            world.files.config.shown(),
            world.files.credentials.shown()
        );
        return to_stdout(text.as_bytes()).map(|()| 0);
    }
    let living = Living::look(&world);
    let shell = env::calling_shell(&world.env);
    let row = |name: &String| {
        let profile = world.files.profile(name)?;
        let planned = world.plan_if_any(name);
        let rest = planned.as_ref().and_then(|planned| living.rest(planned));
        Some(vec![
            visible(name),
            facts::kind(&profile, &world.index).into(),
            rest.map_or_else(|| "-".into(), |(_, left)| duration::show(left)),
            match ProfileName::parse(name) {
                Ok(name) if keeps_the_key_of(&world.files, &name).is_none() => next(&profile, planned, shell),
                _ => "-".into(),
            },
        ])
    };
    let rows: Vec<_> = names.iter().take(MOST).filter_map(row).collect();
    let mut text = table(&["PROFILE", "KIND", "LEFT", "NEXT"], &rows);
    if names.len() > MOST {
        text += &format!("{} more: twolock profile list\n", names.len() - MOST);
    }
    let callers = LazyCell::new(|| Callers::of(&world.files));
    let comes = |name: &ProfileName| callers.judge(name.as_str()).iter().any(|(_, verdict)| verdict.comes_to_us());
    text += &names.iter().take(MOST).find_map(|name| to_adopt(&world, comes, name)).unwrap_or_default();
    to_stdout(text.as_bytes()).map(|()| 0)
}

/// What makes it work without a command, of the first profile where that is so.
fn to_adopt(world: &World, comes: impl Fn(&ProfileName) -> bool, name: &str) -> Option<String> {
    let name = ProfileName::parse(name).ok().filter(|name| can_be_adopted(world, name) && !comes(name))?;
    Some(format!("to use it in the AWS CLI and every SDK: {}\n", CommandLine::of(Verb::Adopt, name)))
}

/// The next command: use it, or see what is wrong with it.
fn next(profile: &Profile, planned: Option<Planned>, shell: Shell) -> String {
    let shown = as_word(&profile.name);
    let show = || CommandLine::of(Verb::Show, &profile.name).to_string();
    match planned {
        Some(planned) if planned.plan.protected => show(),
        Some(_) if facts::is_adopted(profile) => format!("aws --profile {shown} …"),
        Some(_) => env::line_to_type(shell, &shown),
        None => show(),
    }
}
