//! Questions to a person, a line each, on the controlling terminal: never on borrowed streams, because a script's stdin is
//! not a person's yes.

use std::fmt::Display;
use std::time::{Duration, Instant};

use crate::error::{Failure, Kind, Result};
use crate::secret::Secret;
use crate::system::clock::Deadline;
use crate::system::terminal::{Line, Terminal, Unusable};
use crate::text::visible::{refused, sentence};

/// A person may think about a diff, or look for a key in another window, for as long as that.
const PATIENCE: Duration = Duration::from_secs(3_600);

/// What a person is wanted for, in the words of the failure where there is none.
#[derive(Clone, Copy)]
pub struct Need<'a> {
    /// "confirmation is required"
    pub what: &'a str,
    /// "add --yes"
    pub otherwise: &'a str,
}

/// A terminal with a person at it.
pub struct Conversation<'a> {
    terminal: Terminal,
    until: Deadline,
    need: Need<'a>,
}

impl<'a> Conversation<'a> {
    /// Opens the terminal; without one it is a usage error that says what to do instead.
    pub fn begin(need: Need<'a>) -> Result<Self> {
        let terminal = Terminal::open().map_err(|why| nobody(&why, need))?;
        terminal.discard_input();
        Ok(Self { terminal, until: Deadline::after(Instant::now(), PATIENCE), need })
    }

    /// Shows a text and asks for a yes; anything else is a cancel, which needs no words.
    pub fn agree(&self, text: &str, question: &str) -> Result<()> {
        let answer = self.line(&format!("{text}{question} [y/N] "))?;
        let is_yes = matches!(answer.expose().trim(), "y" | "Y" | "yes");
        if is_yes { Ok(()) } else { Err(Failure::silent(Kind::NeedsPerson)) }
    }

    /// Asks until the answer fits; says why one does not. An empty answer fits only if `parse` takes it.
    pub fn ask<T, E: Display>(&self, question: &str, parse: impl Fn(&str) -> std::result::Result<T, E>) -> Result<T> {
        self.ask_again(question, parse, |answer| format!("'{}'", refused(answer)))
    }

    /// The same where a secret may be typed by mistake: the answer is not repeated.
    pub fn ask_unquoted<T, E: Display>(
        &self,
        question: &str,
        parse: impl Fn(&str) -> std::result::Result<T, E>,
    ) -> Result<T> {
        self.ask_again(question, parse, |_| "what was typed".into())
    }

    fn ask_again<T, E: Display>(
        &self,
        question: &str,
        parse: impl Fn(&str) -> std::result::Result<T, E>,
        quote: impl Fn(&str) -> String,
    ) -> Result<T> {
        loop {
            let answer = self.line(&format!("{question}: "))?;
            let answer = answer.expose().trim();
            match parse(answer) {
                Ok(value) => return Ok(value),
                Err(why) => self.say(&sentence(&format!("{} {why}", quote(answer))))?,
            }
        }
    }

    /// Asks for a secret, which is not shown while it is typed.
    pub fn ask_hidden<T, E: Display>(
        &self,
        question: &str,
        parse: impl Fn(&str) -> std::result::Result<T, E>,
    ) -> Result<T> {
        loop {
            let hidden = self.terminal.hide_typing().map_err(|why| nobody(&why, self.need))?;
            let answer = self.told(&format!("{question}: "), || hidden.read_line(self.until))?;
            drop(hidden);
            match parse(answer.expose().trim()) {
                Ok(value) => return Ok(value),
                Err(why) => self.say(&sentence(&format!("what was typed {why}")))?,
            }
        }
    }

    fn line(&self, prompt: &str) -> Result<Secret<String>> {
        self.told(prompt, || self.terminal.read_line(self.until))
    }

    /// After ^Z and `fg` the prompt is shown again.
    fn told(&self, prompt: &str, read: impl Fn() -> Line) -> Result<Secret<String>> {
        loop {
            self.terminal.write(prompt).map_err(|e| nobody(&e, self.need))?;
            return match read() {
                Line::Resumed => continue,
                Line::Text(answer) => Ok(answer),
                Line::Lost(why) => Err(nobody(&why, self.need)),
                Line::TooLong | Line::End | Line::TimedOut => Err(Failure::silent(Kind::NeedsPerson)),
            };
        }
    }

    fn say(&self, text: &str) -> Result<()> {
        self.terminal.write(&format!("{text}\n")).map_err(|e| nobody(&e, self.need))
    }
}

fn nobody(why: &dyn Display, Need { what, otherwise }: Need) -> Failure {
    let why = match why.to_string() {
        why if why == Unusable::Missing.to_string() => "there is no terminal to ask on".into(),
        why => format!("nobody can be asked: {why}"),
    };
    Failure::new(Kind::Usage, format!("{what}, and {why}: {otherwise}"))
}
