//! The question in a dialog. Its rules:
//!
//! - Only where there is no controlling terminal at all: a background job of a terminal, or a program that reads it key
//!   by key, has a person who can be told to type a command. And only where there is a display.
//! - The programs come from the directories of the system and of package managers, in the order of the setting `prompt`.
//!   One that is missing, or that cannot open its window, is skipped for the next.
//! - A dialog never outlives the deadline: the program is told the time, and its group is killed at the end.
//! - Account and device come from the values that will be sent; everything else is foreign, is made visible, and is never
//!   read as markup. Nothing of it is part of a script: programs get it as an argument or on their standard input.
//! - The program gets what a program of the desktop needs of our environment, and no credentials.
//! - A code of the wrong form is asked again, with the reason. Cancel, an empty window that is closed, and Escape cancel.
//!
//! Each file knows one program: what it is told, and what its answer means.

mod kdialog;
mod osascript;
mod pinentry;
mod powershell;
mod words;
mod zenity;

#[cfg(all(test, unix))]
mod tests;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use crate::dialogs::DialogProgram;
use crate::error::{Failure, Kind};
use crate::names::MfaCode;
use crate::prompt::{AskError, CodeSource, Question};
use crate::secret::Secret;
use crate::system::child::{self, Answer, ChildLimits};
use crate::system::clock::Deadline;
use crate::system::desktop;
use crate::system::directories::Directories;
use crate::system::env::Env;
use crate::system::log;
use crate::system::terminal::{Terminal, Unusable};
use crate::system::words::first_words;
use words::Words;

/// So many answers that are no code, then the program is taken for broken: each would open a window again.
pub(super) const MOST_ANSWERS: usize = 5;
/// Room for a code and what a program writes around it.
const MOST_OUTPUT: usize = 4096;
const MOST_ERRORS: usize = 4096;
/// A window that failed so fast was never seen by a person.
const TOO_FAST_FOR_A_PERSON: Duration = Duration::from_millis(300);

/// A person in front of a display.
pub struct DialogSource<'a> {
    env: &'a Env,
    dirs: &'a Directories,
    order: Vec<DialogProgram>,
    after_a_closed_one: bool,
}

/// A program that was started, and what it is told.
struct Start {
    command: Command,
    input: Option<Secret<String>>,
}

/// What a program's answer means.
#[derive(Debug)]
enum Reply {
    Typed(Secret<String>),
    Cancelled,
    TimedOut,
    /// It could not show a window.
    NoWindow,
}

impl<'a> DialogSource<'a> {
    /// Prepares to ask with these programs in this order; nothing is looked for before. `after_a_closed_one`: also where
    /// a person closed the last dialog of the device just now.
    pub fn new(env: &'a Env, dirs: &'a Directories, order: Vec<DialogProgram>, after_a_closed_one: bool) -> Self {
        Self { env, dirs, order, after_a_closed_one }
    }

    fn programs(&self) -> impl Iterator<Item = (DialogProgram, PathBuf)> {
        let files = self.order.iter().flat_map(|program| files(*program).iter().map(move |file| (*program, *file)));
        files.filter_map(|(program, file)| Some((program, desktop::find(file, self.dirs)?)))
    }

    /// Asks with one program until there is a code; none if it cannot show a window.
    fn ask_with(
        &self,
        program: DialogProgram,
        file: &Path,
        question: &Question,
        until: Deadline,
    ) -> Option<Result<MfaCode, AskError>> {
        let mut notice = question.notice.clone();
        for _ in 0..MOST_ANSWERS {
            let typed = match self.show(program, file, &Words::of(question, notice.as_deref()), until) {
                Reply::Typed(typed) => typed,
                Reply::Cancelled => return Some(Err(AskError::Cancelled)),
                Reply::TimedOut => return Some(Err(AskError::TimedOut)),
                Reply::NoWindow => return None,
            };
            if let Some(code) = MfaCode::parse(typed.expose()) {
                return Some(Ok(code));
            }
            notice = Some(wrong_form(typed.expose()).into());
        }
        let cause = format!("no six-digit code in {MOST_ANSWERS} dialogs of {}", program.name());
        Some(Err(AskError::Failed(Failure::new(Kind::Refused, cause))))
    }

    fn show(&self, program: DialogProgram, file: &Path, words: &Words, until: Deadline) -> Reply {
        let seconds = until.left().as_secs().max(1);
        let Start { mut command, input } = start(program, file, words, seconds);
        desktop::hand_environment(&mut command, self.env, &self.dirs.account_home());
        let bounds = ChildLimits { output: MOST_OUTPUT, errors: MOST_ERRORS, until };
        let began = Instant::now();
        let answer = match &input {
            Some(input) => child::answer_to(input, &mut command, bounds),
            None => child::answer(&mut command, bounds),
        };
        match answer {
            Ok(answer) if is_without_window(&answer, began.elapsed()) => {
                let (name, words) = (program.name(), first_words(&answer.errors));
                log::step(format_args!("{name} opened no dialog ({}): {words}", answer.status));
                Reply::NoWindow
            }
            Ok(answer) => reply(program, &answer),
            Err(child::NoAnswer::TimedOut) => Reply::TimedOut,
            Err(child::NoAnswer::NotStarted(_) | child::NoAnswer::TooLong) => Reply::NoWindow,
        }
    }
}

impl CodeSource for DialogSource<'_> {
    fn ask(&self, question: &Question, until: Deadline) -> Result<MfaCode, AskError> {
        may_open(question, self.after_a_closed_one)?;
        if !desktop::has_display(self.env) {
            return Err(AskError::Nobody(Unusable::Missing.to_string()));
        }
        if self.order.is_empty() {
            return Err(nobody("dialogs are off (setting prompt)"));
        }
        let mut without_window = None;
        for (program, file) in self.programs() {
            match self.ask_with(program, &file, question, until) {
                Some(asked) => return asked,
                None => without_window = Some(program.name()),
            }
        }
        Err(match without_window {
            Some(name) => nobody(&format!("{name} could not open a dialog")),
            None => nobody("no dialog program was found (such as zenity or kdialog)"),
        })
    }

    fn can_ask_again(&self) -> bool {
        true
    }

    fn is_person(&self) -> bool {
        true
    }

    fn is_dialog(&self) -> bool {
        true
    }
}

/// Fails unless there is no terminal at all, and no dialog of this device was closed lately.
pub(super) fn may_open(question: &Question, after_a_closed_one: bool) -> Result<(), AskError> {
    match Terminal::open().err() {
        Some(Unusable::Missing) => {}
        // The terminal had its turn before us.
        why => return Err(AskError::Nobody(why.unwrap_or(Unusable::Gone).to_string())),
    }
    match &question.closed_dialog {
        Some(why) if !after_a_closed_one => Err(nobody(why)),
        _ => Ok(()),
    }
}

/// Why an answer that is no code is asked again.
pub(super) fn wrong_form(typed: &str) -> &'static str {
    if typed.trim().is_empty() { "no code was typed" } else { "not a six-digit code" }
}

fn nobody(why: &str) -> AskError {
    AskError::Nobody(format!("{}, and {why}", Unusable::Missing))
}

/// The files of a program, by name or, where the system has it at one place, by path.
fn files(program: DialogProgram) -> &'static [&'static str] {
    match program {
        DialogProgram::Pinentry => pinentry::FILES,
        DialogProgram::Zenity => &["zenity"],
        DialogProgram::Kdialog => &["kdialog"],
        DialogProgram::Osascript => &[desktop::OSASCRIPT],
        DialogProgram::Powershell => &[desktop::POWERSHELL],
    }
}

fn start(program: DialogProgram, file: &Path, words: &Words, seconds: u64) -> Start {
    match program {
        DialogProgram::Pinentry => pinentry::start(file, words, seconds),
        DialogProgram::Zenity => zenity::start(file, words, seconds),
        DialogProgram::Kdialog => kdialog::start(file, words),
        DialogProgram::Osascript => osascript::start(file, words, seconds),
        DialogProgram::Powershell => powershell::start(file, words),
    }
}

fn reply(program: DialogProgram, answer: &Answer) -> Reply {
    match program {
        DialogProgram::Pinentry => pinentry::reply(answer),
        DialogProgram::Zenity => zenity::reply(answer),
        DialogProgram::Kdialog => kdialog::reply(answer),
        DialogProgram::Osascript => osascript::reply(answer),
        DialogProgram::Powershell => powershell::reply(answer),
    }
}

/// What GTK and Qt say where there is no display that they can use.
const NO_DISPLAY: [&str; 4] =
    ["cannot open display", "failed to open display", "could not connect to display", "qt platform plugin"];

/// Whether a program failed before a person could do anything. Without a display, toolkits end with the exit code of a
/// cancelled dialog, or crash.
fn is_without_window(answer: &Answer, took: Duration) -> bool {
    let errors = String::from_utf8_lossy(&answer.errors).to_ascii_lowercase();
    let is_told = NO_DISPLAY.iter().any(|words| errors.contains(words));
    let is_at_once = took < TOO_FAST_FOR_A_PERSON && !errors.trim().is_empty();
    !answer.status.success() && (answer.status.code().is_none() || is_told || is_at_once)
}

/// The first line of what a program printed.
fn first_line(answer: &Answer) -> Secret<String> {
    let text = std::str::from_utf8(answer.output.expose()).unwrap_or_default();
    Secret::new(text.lines().next().unwrap_or_default().to_owned())
}
