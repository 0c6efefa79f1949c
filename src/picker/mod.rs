//! Picks one of many names on the terminal: type to filter, best match first.
//!
//! May know the vocabulary and `system`; names, their details and their weights are arguments. Its rules:
//!
//! - It draws on the terminal we open ourselves, only in the foreground, and erases what it drew. Standard output is
//!   for the command's result.
//! - Names are untrusted: control characters are escaped, and long ones are cut so that no line wraps.
//! - Colour alone has no meaning: the selected line begins with `>`.
//! - Enter selects, Esc cancels, ^C is handled as a signal. A terminal that cannot be drawn on (`TERM=dumb`) gets a
//!   numbered list and keeps its line mode.

mod lines;
mod matching;
mod screen;

use std::time::{Duration, Instant};

use crate::system::clock::Deadline;
use crate::system::env::Env;
use crate::system::terminal::{Terminal, Unusable};
pub use matching::Choices;
use matching::Search;

const PATIENCE: Duration = Duration::from_secs(3_600);

/// Returns the index of the picked name, or none if the user cancelled. `filter` is the text to start with.
pub fn pick(choices: &Choices<'_>, filter: &str, env: &Env) -> Result<Option<usize>, Unusable> {
    let terminal = Terminal::open()?;
    let until = Deadline::after(Instant::now(), PATIENCE);
    let search = Search::among(choices.names, choices.weights);
    if env.text("TERM") == Some("dumb") {
        lines::pick(&terminal, choices, search, filter, until)
    } else {
        let styled = env.text("NO_COLOR").is_none();
        screen::pick(&terminal, choices, search, filter, styled, until)
    }
}
