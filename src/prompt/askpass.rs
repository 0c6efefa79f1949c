//! The setting `askpass`: a program of the user's that asks for the code, as ssh's does.
//!
//! Started without a shell with the question as its one argument; the first line it prints is the code, and another exit
//! code than 0 cancels. Only where there is no terminal at all, as a [dialog](super::dialog).

use std::path::PathBuf;
use std::process::Command;

use crate::error::{Failure, Kind};
use crate::hint::{CommandLine, Verb};
use crate::names::MfaCode;
use crate::origin::Sourced;
use crate::prompt::dialog::{MOST_ANSWERS, may_open, wrong_form};
use crate::prompt::{AskError, CodeSource, Question, terminal};
use crate::system::child::{self, ChildLimits, NoAnswer};
use crate::system::clock::Deadline;
use crate::system::desktop;
use crate::system::env::Env;
use crate::system::running::Running;
use crate::text::visible::visible;

/// Room for a code and whatever follows its line.
const MOST_OUTPUT: usize = 1024;
const MOST_ERRORS: usize = 4096;

/// The program that the setting names.
pub struct AskpassSource {
    program: Sourced<String>,
    /// Above us.
    running: Running,
    after_a_closed_one: bool,
}

impl AskpassSource {
    /// Prepares to ask; `after_a_closed_one`: also where a person closed the last dialog of the device just now.
    pub fn new(program: Sourced<String>, env: &Env, after_a_closed_one: bool) -> Self {
        Self { program, running: Running::above(env), after_a_closed_one }
    }

    fn failed(&self, kind: Kind, what: &str) -> AskError {
        let Sourced { value, origin } = &self.program;
        let failure = Failure::new(kind, format!("askpass '{value}' ({origin}) {what}"));
        AskError::Failed(
            failure.hint(CommandLine::new(Verb::SettingsUnset).with("askpass").to("to use dialogs instead")),
        )
    }

    fn command(&self, question: &Question, notice: Option<&str>) -> Command {
        let line = terminal::one_line(question);
        let mut command = Command::new(PathBuf::from(&self.program.value));
        command.arg(match notice {
            Some(notice) => format!("{}\n{line}", visible(notice)),
            None => line,
        });
        // A twolock below this one must not wait for the question it is part of.
        self.running.and_code_of(&question.device).hand_to(&mut command);
        desktop::without_secrets(&mut command);
        for variable in ["AWS_PROFILE", "AWS_DEFAULT_PROFILE"] {
            command.env_remove(variable);
        }
        command
    }
}

impl CodeSource for AskpassSource {
    fn ask(&self, question: &Question, until: Deadline) -> Result<MfaCode, AskError> {
        may_open(question, self.after_a_closed_one)?;
        let mut notice = question.notice.clone();
        for _ in 0..MOST_ANSWERS {
            let bounds = ChildLimits { output: MOST_OUTPUT, errors: MOST_ERRORS, until };
            let answer = match child::answer(&mut self.command(question, notice.as_deref()), bounds) {
                Ok(answer) if !answer.status.success() => return Err(AskError::Cancelled),
                Ok(answer) => answer,
                Err(NoAnswer::NotStarted(why)) => {
                    return Err(self.failed(Kind::Config, &format!("could not be started: {why}")));
                }
                Err(NoAnswer::TimedOut) => return Err(AskError::TimedOut),
                Err(NoAnswer::TooLong) => {
                    return Err(self.failed(Kind::Config, &format!("printed more than {MOST_OUTPUT} bytes")));
                }
            };
            let text = std::str::from_utf8(answer.output.expose()).unwrap_or_default();
            let line = text.lines().next().unwrap_or_default();
            if let Some(code) = MfaCode::parse(line) {
                return Ok(code);
            }
            notice = Some(wrong_form(line).into());
        }
        Err(self.failed(Kind::Config, &format!("printed no six-digit code in {MOST_ANSWERS} tries")))
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
