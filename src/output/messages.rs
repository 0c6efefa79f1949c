//! Words on stderr, in one form: `twolock: error: …`, then `twolock: hint: …` (CONTRIBUTING.md, "Errors").

use std::io::Write;

use crate::error::Failure;
use crate::output::is_styled;
use crate::output::paragraph::wrapped;
use crate::system::terminal;
use crate::text::style::label;
use crate::text::visible::{one_line, sentence};

/// Says why the command failed. The first line makes sense on its own: SDKs quote it inside their own message.
pub fn failure(failure: &Failure) {
    say("error", &failure.headline());
    for hint in &failure.hints {
        let Some(shown) = hint.shown() else { continue };
        // A command is never broken: it is there to be pasted.
        let width = hint.command().map_or_else(terminal::stderr_columns, |_| None);
        say_within(width, "hint", &shown);
    }
}

/// Says why the command line could not be read: clap's plain text in our form. Its advice to write `--` before an
/// unknown flag would make a profile or a command of it.
pub fn usage(text: &str) {
    let is_kept = |line: &&str| !line.trim_start().starts_with("tip: to pass ");
    let words = |paragraph: &str| {
        paragraph.lines().filter(is_kept).flat_map(str::split_whitespace).collect::<Vec<_>>().join(" ")
    };
    let mut paragraphs = text.split("\n\n").map(words);
    let cause = paragraphs.next().unwrap_or_default();
    say("error", &sentence(cause.strip_prefix("error: ").unwrap_or(&cause)));
    for paragraph in paragraphs.filter(|p| !p.is_empty()) {
        let usage = || paragraph.strip_prefix("Usage:").map(|line| format!("usage:{line}"));
        let more = || paragraph.strip_prefix("For more information, ").map(|line| line.trim_end_matches('.').into());
        let tip = || paragraph.strip_prefix("tip: ").map(String::from);
        say("hint", &tip().or_else(usage).or_else(more).unwrap_or(paragraph));
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

fn say(what: &str, text: &str) {
    say_within(terminal::stderr_columns(), what, text);
}

/// On a terminal, lines end between words; elsewhere, a message is one line. A closed stderr loses words, never the
/// result.
fn say_within(width: Option<usize>, what: &str, text: &str) {
    let mut stderr = std::io::stderr().lock();
    let plain = label(what, false);
    let lines = wrapped(&format!("twolock: {plain} {}", one_line(text)), "", width);
    // Styles have no width, so they come last.
    let _ = stderr.write_all(lines.replacen(&plain, &label(what, is_styled(&stderr)), 1).as_bytes());
}
