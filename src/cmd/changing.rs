//! Making a change: shown as a diff, asked about on the controlling terminal, then done. And making good what a killed
//! run left of one, before anything is read.

use crate::aws::Sts;
use crate::aws::endpoint::Endpoint;
use crate::aws::http::HttpSettings;
use crate::aws::sts::StsClient;
use crate::change::apply::{Applied, apply};
use crate::change::preview::Preview;
use crate::change::recover::{Recovered, recover};
use crate::change::{Change, Parts};
use crate::cli::ChangeFlags;
use crate::error::Result;
use crate::output::{messages, to_stdout};
use crate::system::directories::Directories;
use crate::system::env::Env;
use crate::text::visible::one_line;

use super::context::{Context, paths};
use super::conversation::{Conversation, PersonNeeded};

/// Finishes or undoes what a killed run left, and says so. Returns whether that was this very command, which then has
/// nothing more to do.
pub fn recovered(env: &Env, title: &str, forget: bool) -> Result<bool> {
    // What is wrong in a file is for the verb to say.
    let (context, _) = Context::readable(Directories::find(env)?, env);
    match with_parts(&context, |parts| recover(parts, forget))? {
        Recovered::Nothing => {}
        Recovered::Finished(unfinished) => {
            messages::note(&format!("finished an earlier, interrupted command: twolock {unfinished}"));
            return Ok(unfinished == title);
        }
        Recovered::Undone(unfinished) => {
            messages::note(&format!("undid an earlier, interrupted command: twolock {unfinished}"));
        }
        Recovered::Forgotten => messages::note("the earlier, interrupted change was left as it is"),
    }
    Ok(false)
}

/// Shows a change, asks, and makes it; returns whether it was made.
pub fn make(context: &Context, change: &Change, preview: &Preview, question: &str, flags: ChangeFlags) -> Result<bool> {
    let notes =
        |notes: &[String]| -> String { notes.iter().map(|note| format!("note: {}\n", one_line(note))).collect() };
    if preview.is_empty() {
        to_stdout((notes(&change.notes) + "nothing to change\n").as_bytes())?;
        return Ok(false);
    }
    let text = preview.diff() + &notes(&change.notes) + &notes(&preview.notes);
    if flags.yes || flags.dry_run {
        to_stdout(text.as_bytes())?;
    } else {
        let need =
            PersonNeeded { what: "confirmation is required", otherwise: "add --yes, or --dry-run to see the change" };
        Conversation::begin(need)?.agree(&text, question)?;
    }
    if flags.dry_run {
        return Ok(false);
    }
    make_agreed(context, change, preview).map(|()| true)
}

/// Makes a change that needs no yes, or has it.
pub fn make_agreed(context: &Context, change: &Change, preview: &Preview) -> Result<()> {
    let Applied { notes, warnings } = with_parts(context, |parts| apply(change, preview, parts))?;
    notes.iter().for_each(|note| messages::note(note));
    warnings.iter().for_each(|warning| messages::warning(warning));
    Ok(())
}

/// The real parts, with leave to unlock the keyring: a person waits for this.
pub fn with_parts<T>(context: &Context, act: impl FnOnce(&Parts) -> T) -> T {
    let (stores, settings) = (context.stores(true), paths(&context.dirs));
    let sts = |endpoint: &Endpoint| -> Result<Box<dyn Sts>> {
        Ok(Box::new(StsClient::new(endpoint.clone(), HttpSettings::from_env(&context.env, endpoint)?)))
    };
    act(&Parts {
        files: &context.files,
        dirs: &context.dirs,
        settings: &settings,
        trust: &context.settings.trust,
        store: stores.of_access_keys(),
        sts: &sts,
    })
}
