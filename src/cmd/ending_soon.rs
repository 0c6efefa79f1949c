//! The desktop notification that a session expires soon which only a code can replace. `credential-process` shows it,
//! because nobody reads its stderr.

use crate::credentials::Session;
use crate::hint::{CommandLine, Verb};
use crate::notification::Notifier;
use crate::session::is_told;
use crate::system::clock;
use crate::system::log;
use crate::text::visible::visible;
use crate::text::width::cut_middle;

use super::context::{Context, Planned};

/// Widest profile name in a notification, in columns.
const WIDEST: usize = 48;

/// Returns whether the notification for the plan's session is still to be shown.
pub fn is_due(context: &Context, planned: &Planned) -> bool {
    let endpoint = planned.endpoint.identity();
    notifier(context, planned).is_some() && !is_told(&context.dirs.cache, endpoint.as_deref(), &planned.steps())
}

/// Returns the function that shows the notification; none if none is to be shown.
pub fn teller<'a>(context: &'a Context, planned: &'a Planned) -> Option<impl Fn(&Session) + use<'a>> {
    let notifier = notifier(context, planned)?;
    Some(move |session: &Session| {
        let Context { env, dirs, .. } = context;
        let (title, text) = words(planned, session);
        if let Err(error) = notifier.show(&title, &text, env, dirs) {
            log::step(format_args!("no notification: {error}"));
        }
    })
}

fn notifier(context: &Context, planned: &Planned) -> Option<Notifier> {
    // With a program that prints the codes, no person is needed.
    let is_wanted = context.settings.is_on("notify") && planned.plan.process_for_codes().is_none();
    if is_wanted { Notifier::find(&context.env, &context.dirs) } else { None }
}

fn words(planned: &Planned, session: &Session) -> (String, String) {
    let profile = &planned.plan.profile;
    let minutes = session.expires.since(clock::now()).as_secs().div_ceil(60);
    let title = format!("{}: AWS session expires in {minutes} min", cut_middle(&visible(profile.as_str()), WIDEST));
    let login = CommandLine::of(Verb::Login, profile).with("--fresh");
    (title, format!("To start a new one with an MFA code, run in a terminal: {login}"))
}
