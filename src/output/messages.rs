//! Words on stderr, in one form: `twolock: error: …`, then `twolock: hint: …` (style.md 5).

use std::io::Write;

use crate::error::Failure;
use crate::visible::one_line;

/// Says why the command failed. The first line stands alone: SDKs quote it inside their own message.
pub fn failure(failure: &Failure) {
    if failure.silent {
        return;
    }
    say("error", &failure.headline());
    for hint in &failure.hints {
        say("hint", hint);
    }
}

/// Says something the user should know, and goes on.
pub fn warning(text: &str) {
    say("warning", text);
}

/// Says what was done, plainly.
pub fn note(text: &str) {
    say("note", text);
}

/// A closed stderr loses words, never the result.
fn say(what: &str, text: &str) {
    let _ = std::io::stderr().lock().write_all(format!("twolock: {what}: {}\n", one_line(text)).as_bytes());
}
