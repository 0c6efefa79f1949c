//! `login`: starts a session now.

use crate::cli;
use crate::duration;
use crate::error::Result;
use crate::output::{messages, to_stdout};
use crate::session::cache::Need;
use crate::session::outside;
use crate::system::clock;
use crate::text::visible::visible;

use super::bases::sign_in::in_the_terminal;
use super::context::{Context, Invocation};
use super::key::rotate::offer_deletion;
use super::mfa::propose;
use super::sessions::{SessionRequest, obtain, refuse_protected};
use super::signing_in;

pub fn run(args: &cli::Login, invocation: &Invocation) -> Result<u8> {
    let load = || Ok(Context::load(&invocation.env)?.with_duration(args.duration));
    let mut context = load()?;
    let name = context.requested_or_picked(&args.profile.profile)?;
    if let Some(device) = &args.device {
        propose::switch(&context, &name, device)?;
        context = load()?;
    }
    let mut planned = context.plan(&name)?;
    refuse_protected(&planned.plan)?;
    if propose::device(&context, &planned)? {
        context = load()?;
        planned = context.plan(&name)?;
    }
    planned.print_notes();
    let need = Need { not_before: args.fresh.then(clock::now), ..context.need() };
    let request = SessionRequest {
        need,
        after_a_closed_dialog: true,
        may_unlock: true,
        uncached: false,
        must_keep: true,
        ..SessionRequest::interactive(&context, args.profile.code_stdin)
    };
    let session = match obtain(&context, &planned, &request) {
        Err(failure) if signing_in::helps(&failure, &planned.plan.base) => {
            let there = |failure| in_the_terminal(failure, &name);
            signing_in::run(&context, &planned, there(failure))?;
            planned = context.plan(&name)?;
            obtain(&context, &planned, &request).map_err(there)?
        }
        obtained => obtained?,
    };
    let left = duration::show(session.expires.since(clock::now()));
    let account = session.account.as_ref().map(|a| format!(" in account {a}")).unwrap_or_default();
    let line = format!("{}: credentials{account}, {left} left\n", visible(planned.plan.profile.as_str()));
    to_stdout(line.as_bytes())?;
    if outside::hidden_by(&context.stores(false), &context.dirs.cache).is_some() {
        messages::warning("in a sandbox: this session is seen in here only, and ends with the sandbox");
    }
    context.note_use(&planned.plan.profile);
    offer_deletion(&context, &planned)?;
    context.remind(planned.plan.base.key());
    Ok(0)
}
