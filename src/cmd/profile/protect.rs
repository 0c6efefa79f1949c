//! `profile set NAME twolock_protected true`: the role is hidden from SDKs in the same change, and they start twolock,
//! which refuses them.

use crate::aws_files::edit::Edit;
use crate::change::preview::Preview;
use crate::change::{Act, Change};
use crate::cli::ChangeFlags;
use crate::cmd::active_sessions;
use crate::cmd::changing::make_and_say;
use crate::cmd::context::Context;
use crate::error::{Failure, Kind, Result};
use crate::hint::{CommandLine, Verb};
use crate::names::ProfileName;
use crate::profile::adoption::edits::{Edits, KeyHome};
use crate::profile::adoption::{self, above};
use crate::profile::facts::unprotected_twins;
use crate::profile::settings::ProfileSettings;
use crate::text::list::counted;
use crate::text::visible::visible;

use super::notes::{on_callers, on_program, own_program};

const KEY: &str = "twolock_protected";

pub fn run(
    context: &Context,
    settings: ProfileSettings<'_>,
    value: &str,
    title: &str,
    flags: ChangeFlags,
) -> Result<u8> {
    let name = settings.name();
    let set = Edit::Set { profile: name.to_string(), key: KEY.into(), value: value.into() };
    let is_in_credentials = context.files.credentials.section(name.as_str()).is_some_and(|it| it.get(KEY).is_some());
    let mut alone = Edits::default();
    if is_in_credentials { &mut alone.last } else { &mut alone.config }.push(set);
    let mut trial = Change::default();
    trial.edit_files(alone.clone());
    let trial = context.preview(&trial)?;
    let protected = context.sources_after(&trial);
    let usage = |failure: Failure| Failure { kind: Kind::Usage, place: None, ..failure };
    let planned = context.plan_of(protected, name).map_err(usage)?;
    let adoptions = adoption::of_one(protected, name, true)?.made;
    let program = own_program(context)?;
    let adopting = Edits::of(&trial.files, &adoptions, &program.path, KeyHome::CredentialsFile)?;
    let mut change = Change::new(title);
    change.edit_files(alone.followed_by(adopting));
    // Those of before: a protected role has none.
    let role =
        planned.steps().last().map(|step| step.identity).filter(|_| !matches!(settings.is_protected(), Ok(true)));
    let sessions = active_sessions::files_of(context, &role.into_iter().collect());
    change.notes = notes(context, name, sessions.len());
    change.notes.extend(on_program(&program));
    if !sessions.is_empty() {
        change.acts.push(Act::ForgetSessions(sessions));
    }
    let preview = context.preview(&change)?;
    adoption::compare(protected, context.sources_after(&preview))?;
    change.notes.extend(on_callers(&context.callers_after(&preview), name));
    make_and_say(context, &change, &preview, "make this change?", flags, &format!("set {KEY} of {name}"))
}

fn notes(context: &Context, name: &ProfileName, sessions: usize) -> Vec<String> {
    let shown = visible(name.as_str());
    let mut notes = vec![format!(
        "only twolock env, exec and console can use '{shown}', each time with a fresh code; AWS enforces this if the \
         role's trust policy does: {}",
        CommandLine::of(Verb::Show, name)
    )];
    notes.extend((sessions > 0).then(|| format!("{} of its role will end", counted(sessions, "session"))));
    let twins = unprotected_twins(&context.files, name).into_iter();
    notes.extend(
        twins.map(|other| format!("'{}' still assumes this role without a fresh code", visible(other.as_str()))),
    );
    let above = above(context.quiet(), name).into_iter();
    notes.extend(
        above.map(|other| format!("after this, '{}' gets no credentials: it uses '{shown}'", visible(other.as_str()))),
    );
    notes
}

/// A note if a profile was protected before a change, and is not after it.
pub fn on_lost_protection(context: &Context, after: &Preview, name: &ProfileName) -> Option<String> {
    let is_protected = |sources| context.plan_of(sources, name).ok().map(|planned| planned.plan.protected);
    let is_lost = matches!(
        (is_protected(context.quiet()), is_protected(context.sources_after(after))),
        (Some(true), Some(false))
    );
    is_lost
        .then(|| format!("after this, AWS tools get credentials of '{}' without a fresh code", visible(name.as_str())))
}

/// Refuses a value after which another line still protects the profile.
pub fn must_take_effect(after: &Preview, name: &ProfileName, key: &str) -> Result<()> {
    let Some(profile) = after.files.profile(name.as_str()).filter(|_| key == KEY) else { return Ok(()) };
    match ProfileSettings::of(&profile, name).protected()? {
        Some(still) if still.value => {
            let cause = format!("{KEY} is set more than once, and one 'true' is enough to protect it");
            let unset = CommandLine::of(Verb::Unset, name).with(KEY).to("remove all of them");
            Err(Failure::new(Kind::Usage, cause).of_profile(name).at(still.place()).hint(unset))
        }
        _ => Ok(()),
    }
}

/// Refuses a role or source under the name that SDKs read, beside the hidden one.
pub fn refuse_readable(settings: ProfileSettings<'_>, key: &str) -> Result<()> {
    if !["role_arn", "source_profile"].contains(&key) || !settings.is_protected()? {
        return Ok(());
    }
    let cause = format!("{key} of a protected profile would let AWS tools assume its role: set twolock_{key}");
    Err(Failure::new(Kind::Usage, cause).of_profile(settings.name()))
}
