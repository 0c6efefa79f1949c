//! A person picks one of many names on the terminal: type to filter, best match first.
//!
//! May know the vocabulary and `system`; names, their details and their weights are arguments. Its rules:
//!
//! - It draws on the terminal we open ourselves, in its foreground only, and takes away what it drew. Standard output
//!   belongs to the command's result.
//! - The names are foreign and are made visible; what is too wide is cut, so that no line ever wraps.
//! - Nothing is said by colour alone: the chosen line begins with `>`.
//! - Enter takes, Esc leaves, ^C is the signal's business. A terminal that cannot be drawn on (`TERM=dumb`) gets a
//!   numbered list and keeps its own line mode.

mod choices;
mod lines;
mod matching;
mod screen;

use std::time::{Duration, Instant};

use crate::system::clock::Deadline;
use crate::system::env::Env;
use crate::system::terminal::{Terminal, Unusable};
pub use choices::Choices;
use matching::Search;

/// A person may think for as long as that.
const PATIENCE: Duration = Duration::from_secs(3_600);

/// How the terminal is used.
#[derive(Clone, Copy, Debug)]
pub struct Style {
    /// It can be drawn on.
    pub can_draw: bool,
    /// The chosen line may be shown in reverse, besides its mark.
    pub styled: bool,
}

impl Style {
    /// As `TERM` and `NO_COLOR` say.
    pub fn of(env: &Env) -> Self {
        Self { can_draw: env.text("TERM") != Some("dumb"), styled: env.text("NO_COLOR").is_none() }
    }
}

/// Lets a person pick, beginning with what may be typed already; the place of the name, or none if they left.
pub fn pick(choices: &Choices<'_>, filter: &str, look: Style) -> Result<Option<usize>, Unusable> {
    let terminal = Terminal::open()?;
    let until = Deadline::after(Instant::now(), PATIENCE);
    let search = Search::among(choices.names, choices.weights);
    if look.can_draw {
        screen::pick(&terminal, choices, search, filter, look.styled, until)
    } else {
        lines::pick(&terminal, choices, search, filter, until)
    }
}
