//! `login`: asks for the code now.

use crate::cli;
use crate::duration;
use crate::error::Result;
use crate::output::to_stdout;
use crate::session::cache::Need;
use crate::system::clock;
use crate::text::visible::visible;

use super::sessions::{Wants, obtain};
use super::world::World;
use super::{Call, say_notes};

/// Brings a session, and says how long it lives.
pub fn run(args: &cli::Login, call: &Call) -> Result<u8> {
    let world = World::load(&call.env)?;
    let planned = world.plan(&world.asked_or_picked(&args.profile.profile)?)?;
    say_notes(&planned.plan);
    let started = clock::now();
    let need = Need { not_before: args.fresh.then_some(started), ..Need::ALIVE };
    let wants = Wants {
        need,
        may_unlock: true,
        uncached: false,
        must_keep: true,
        ..Wants::of_a_person(&world, args.profile.code_stdin)
    };
    let session = obtain(&world, &planned, &wants)?;
    let left = duration::show(session.expires.since(clock::now()));
    let account = session.account.as_ref().map(|a| format!(" in account {a}")).unwrap_or_default();
    let line = format!("{}: credentials{account}, {left} left\n", visible(planned.plan.profile.as_str()));
    to_stdout(line.as_bytes())?;
    world.note_use(&planned.plan.profile);
    Ok(0)
}
