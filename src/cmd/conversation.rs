//! Questions on the controlling terminal, one line each. Never on stdin: a script's input is not a user's confirmation.

use std::fmt::Display;
use std::time::{Duration, Instant};

use crate::error::{Failure, Kind};
use crate::output::to_stdout;
use crate::secret::Secret;
use crate::system::clock::Deadline;
use crate::system::terminal::{Line, Terminal, Unusable, without_paste_marks};
use crate::text::visible::{refused, sentence};

/// Time to read a diff, or to look for a key in another window.
const PATIENCE: Duration = Duration::from_secs(3_600);

/// Every question of a conversation comes before the change.
pub const UNCHANGED: &str = "nothing was changed";

/// The words of the failure when there is no terminal.
#[derive(Clone, Copy)]
pub struct PersonNeeded<'a> {
    /// "confirmation is required"
    pub what: &'a str,
    /// "add --yes"
    pub otherwise: &'a str,
}

pub struct Conversation<'a> {
    terminal: Terminal,
    until: Deadline,
    need: PersonNeeded<'a>,
    /// What a person who cancels is told.
    unfinished: &'static str,
}

impl<'a> Conversation<'a> {
    /// Opens the terminal; without one, the usage error says what to do instead.
    pub fn begin(need: PersonNeeded<'a>) -> Result<Self, Failure> {
        let terminal = Terminal::open().map_err(|why| no_person(&why, need))?;
        terminal.discard_input();
        Ok(Self { terminal, until: Deadline::after(Instant::now(), PATIENCE), need, unfinished: UNCHANGED })
    }

    /// For a conversation before something else than a change: what a person who cancels is told.
    #[must_use]
    pub fn before(self, unfinished: &'static str) -> Self {
        Self { unfinished, ..self }
    }

    /// Shows a text and asks for a yes. Any other answer cancels.
    pub fn confirm(&self, text: &str, question: &str) -> Result<(), Failure> {
        let answer = self.line(&format!("{text}{question} [y/N] "))?;
        let is_yes = matches!(answer.expose().trim(), "y" | "Y" | "yes");
        if is_yes { Ok(()) } else { Err(Failure::cancelled(self.unfinished)) }
    }

    /// Asks until the answer is valid, and says why one is not. A second empty line cancels.
    pub fn ask<T, E: Display>(&self, question: &str, parse: impl Fn(&str) -> Result<T, E>) -> Result<T, Failure> {
        self.ask_until_valid(question, |prompt| self.line(prompt), parse, |answer| format!("'{}'", refused(answer)))
    }

    /// Does not repeat the answer, which may be a secret typed by mistake.
    pub fn ask_unquoted<T, E: Display>(
        &self,
        question: &str,
        parse: impl Fn(&str) -> Result<T, E>,
    ) -> Result<T, Failure> {
        self.ask_until_valid(question, |prompt| self.line(prompt), parse, |_| "the input".into())
    }

    /// Asks for a secret, which is not shown while it is typed.
    pub fn ask_hidden<T, E: Display>(
        &self,
        question: &str,
        parse: impl Fn(&str) -> Result<T, E>,
    ) -> Result<T, Failure> {
        let read = |prompt: &str| {
            let hidden = self.terminal.hide_typing().map_err(|why| no_person(&why, self.need))?;
            self.prompt(prompt, || hidden.read_line(self.until))
        };
        self.ask_until_valid(question, read, parse, |_| "the input".into())
    }

    fn ask_until_valid<T, E: Display>(
        &self,
        question: &str,
        read: impl Fn(&str) -> Result<Secret<String>, Failure>,
        parse: impl Fn(&str) -> Result<T, E>,
        quote: impl Fn(&str) -> String,
    ) -> Result<T, Failure> {
        let mut was_empty = false;
        loop {
            let answer = read(&format!("{question}: "))?;
            let answer = answer.expose().trim();
            match parse(answer) {
                Ok(value) => return Ok(value),
                Err(_) if answer.is_empty() && was_empty => return Err(Failure::cancelled(self.unfinished)),
                Err(_) if answer.is_empty() => self.write("nothing was typed; another empty line cancels\n")?,
                Err(why) => self.write(&format!("{}\n", sentence(&format!("{} {why}", quote(answer)))))?,
            }
            was_empty = answer.is_empty();
        }
    }

    fn line(&self, prompt: &str) -> Result<Secret<String>, Failure> {
        self.prompt(prompt, || self.terminal.read_line(self.until))
    }

    /// Shows the prompt again after ^Z and `fg`.
    fn prompt(&self, prompt: &str, read: impl Fn() -> Line) -> Result<Secret<String>, Failure> {
        loop {
            self.write(prompt)?;
            return match read() {
                Line::Resumed => continue,
                Line::Text(answer) => Ok(without_paste_marks(&answer)),
                Line::Lost(why) => Err(no_person(&why, self.need)),
                Line::TooLong => Err(Failure::cancelled(self.unfinished)),
                Line::End => self.write("\n").and(Err(Failure::cancelled(self.unfinished))),
                Line::TimedOut => {
                    self.write("\n")?;
                    Err(Failure::new(Kind::NeedsPerson, format!("no answer in time; {}", self.unfinished)))
                }
            };
        }
    }

    /// Shows a text.
    pub fn write(&self, text: &str) -> Result<(), Failure> {
        self.terminal.write(text).map_err(|e| no_person(&e, self.need))
    }
}

/// Shows a text and asks for a yes; where a flag has said yes, it is only printed.
pub fn confirmed(yes: bool, otherwise: &str, text: &str, question: &str) -> Result<(), Failure> {
    if yes {
        return to_stdout(text.as_bytes());
    }
    Conversation::begin(PersonNeeded { what: "confirmation is required", otherwise })?.confirm(text, question)
}

fn no_person(why: &dyn Display, PersonNeeded { what, otherwise }: PersonNeeded) -> Failure {
    let why = match why.to_string() {
        why if why == Unusable::Missing.to_string() => "there is no terminal to ask on".into(),
        why => format!("the terminal cannot be used: {why}"),
    };
    Failure::new(Kind::Usage, format!("{what}, and {why}: {otherwise}"))
}
