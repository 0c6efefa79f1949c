//! Shows a change as a diff, asks for confirmation on the controlling terminal, and applies it. Before that, recovers
//! from a killed run.

use crate::aws::Sts;
use crate::aws::endpoint::Endpoint;
use crate::change::apply::{Applied, apply};
use crate::change::preview::Preview;
use crate::change::recover::{Recovered, recover};
use crate::change::replace::wait_while_fresh;
use crate::change::{Change, Parts};
use crate::cli::ChangeFlags;
use crate::error::Result;
use crate::output::paragraph::wrapped;
use crate::output::{messages, to_stdout};
use crate::system::directories::Directories;
use crate::system::env::Env;
use crate::system::{signals, terminal};
use crate::text::visible::one_line;

use super::context::{Context, Invocation, paths};
use super::conversation;

/// Finishes or undoes the change of a killed run. Returns whether that has done the work of this command; never without
/// a title.
pub fn recovered(env: &Env, title: Option<&str>, forget: bool) -> Result<bool> {
    // The verb reports what is wrong in a file.
    let (context, _) = Context::readable(Directories::find(env)?, env);
    match with_parts(&context, |parts| recover(parts, forget))? {
        Recovered::Nothing => {}
        Recovered::Finished { title: unfinished, is_here } => {
            messages::note(&format!("finished an earlier, interrupted command: twolock {unfinished}"));
            return Ok(is_here && title == Some(&unfinished));
        }
        Recovered::Undone(unfinished) => {
            messages::note(&format!("undid an earlier, interrupted command: twolock {unfinished}"));
        }
        Recovered::Forgotten => messages::note("the interrupted change was kept as it is"),
    }
    Ok(false)
}

/// Recovers from a killed run, waits until no other program is writing the files, then runs a verb that changes them,
/// unless the killed run was of the command with this title. Without one, it runs in any case.
pub fn changed(
    flags: ChangeFlags,
    invocation: &Invocation,
    title: Option<&str>,
    verb: impl FnOnce(&Context) -> Result<u8>,
) -> Result<u8> {
    if !flags.dry_run && recovered(&invocation.env, title, flags.forget_unfinished)? {
        return Ok(0);
    }
    let context = Context::load(&invocation.env)?;
    for choice in [&context.files.config_choice, &context.files.credentials_choice] {
        wait_while_fresh(|| std::fs::metadata(&choice.path));
    }
    verb(&Context::load(&invocation.env)?)
}

/// Returns whether the change was applied.
pub fn make(context: &Context, change: &Change, preview: &Preview, question: &str, flags: ChangeFlags) -> Result<bool> {
    if preview.is_empty() {
        to_stdout((notes(context, &change.notes) + "nothing to change\n").as_bytes())?;
        return Ok(false);
    }
    let text = preview.diff() + &notes(context, &change.notes) + &notes(context, &preview.notes);
    Ok(confirmed(&text, question, flags)? && make_confirmed(context, change, preview).map(|()| true)?)
}

/// The same for a change that touches no AWS file: its notes say all of it.
pub fn make_unseen(context: &Context, change: &Change, question: &str, flags: ChangeFlags) -> Result<bool> {
    let preview = context.preview(change)?;
    Ok(confirmed(&notes(context, &change.notes), question, flags)?
        && make_confirmed(context, change, &preview).map(|()| true)?)
}

/// Shows what will change, and asks unless a flag answers. Returns whether to go on.
pub fn confirmed(text: &str, question: &str, flags: ChangeFlags) -> Result<bool> {
    let otherwise = "add --yes, or --dry-run to see the change";
    conversation::confirmed(flags.yes || flags.dry_run, otherwise, text, question)?;
    Ok(!flags.dry_run)
}

/// Prose, so that it fits the terminal; the lines of a diff stay as they are in the file.
pub fn notes(context: &Context, notes: &[String]) -> String {
    let width = terminal::columns(&context.env);
    notes.iter().map(|note| wrapped(&format!("note: {}", one_line(note)), "", width)).collect()
}

/// The same, and says what was done.
pub fn make_and_say(
    context: &Context,
    change: &Change,
    preview: &Preview,
    question: &str,
    flags: ChangeFlags,
    done: &str,
) -> Result<u8> {
    if make(context, change, preview, question, flags)? {
        to_stdout(format!("{}\n", one_line(done)).as_bytes())?;
    }
    Ok(0)
}

/// Applies a change that is confirmed or needs no confirmation.
pub fn make_confirmed(context: &Context, change: &Change, preview: &Preview) -> Result<()> {
    let Applied { notes, warnings } = with_parts(context, |parts| {
        let journal = parts.journal().file();
        let _hook = signals::on_termination(move || {
            if journal.exists() {
                messages::warning("interrupted; the next command that changes something finishes or undoes this one");
            }
        });
        apply(change, preview, parts)
    })?;
    notes.iter().for_each(|note| messages::note(note));
    warnings.iter().for_each(|warning| messages::warning(warning));
    Ok(())
}

/// Calls with the real parts. The keyring may be unlocked, because the user is waiting.
pub fn with_parts<T>(context: &Context, act: impl FnOnce(&Parts) -> T) -> T {
    let (stores, settings) = (context.stores(true), paths(&context.dirs));
    let sts = |endpoint: &Endpoint| -> Result<Box<dyn Sts>> { Ok(Box::new(context.sts(endpoint)?)) };
    act(&Parts {
        files: &context.files,
        dirs: &context.dirs,
        account_data: context.dirs.account_data(),
        settings: &settings,
        trust: &context.settings.trust,
        store: stores.of_access_keys(),
        sts: &sts,
        tell: &messages::note,
    })
}
