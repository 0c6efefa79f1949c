//! `mfa_process`: a program that prints a code.
//!
//! Started from words, without a shell, by absolute path or from PATH, with nothing on its input, in a process group
//! that is killed as a whole at the bound. Whether the config file may name programs at all was decided before this
//! (threat-model P16).

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::arn::MfaSerial;
use crate::error::{Failure, Kind, Place};
use crate::names::{MfaCode, ProfileName};
use crate::prompt::{AskError, CodeSource, Question};
use crate::system::child::{self, Answer, ChildLimits, NoAnswer};
use crate::system::clock::Deadline;
use crate::system::env::Env;
use crate::system::program_line::{ProgramLine, Refusal};
use crate::system::running::Running;
use crate::system::words::first_words;

/// Longest time the program gets, however late the deadline.
const BOUND: Duration = Duration::from_secs(30);
/// Room for a code and its line end, many times over.
const MOST_OUTPUT: usize = 1024;
const MOST_ERRORS: usize = 4096;

/// A program that prints one code.
#[derive(Clone, Debug)]
pub struct CommandSource {
    program: PathBuf,
    arguments: Vec<String>,
    profile: ProfileName,
    place: Place,
    /// Above us.
    running: Running,
}

impl CommandSource {
    /// Reads the line of `mfa_process` at `place` in `profile`, and finds its program: an absolute path, or a name whose
    /// first hit on `PATH` is in a directory of the system or of `home`'s package managers.
    pub fn parse(line: &str, profile: &ProfileName, place: &Place, env: &Env, home: &Path) -> Result<Self, Failure> {
        let refused = |refusal: Refusal| refusal.of_setting("mfa_process", profile).of_profile(profile).at(place);
        let ProgramLine { program, arguments } = ProgramLine::find(line, env, home).map_err(refused)?;
        let running = Running::above(env);
        Ok(Self { program, arguments, profile: profile.clone(), place: place.clone(), running })
    }

    fn failed(&self, kind: Kind, what: &str) -> AskError {
        let cause = format!("mfa_process {what}");
        AskError::Failed(Failure::new(kind, cause).of_profile(&self.profile).at(&self.place))
    }

    fn command(&self, device: &MfaSerial) -> Command {
        let mut command = Command::new(&self.program);
        // A twolock below this one must not wait for the question it is part of.
        command.args(&self.arguments);
        self.running.and_code_of(device).hand_to(&mut command);
        for variable in ["TWOLOCK_MFA_CODE", "AWS_PROFILE", "AWS_DEFAULT_PROFILE"] {
            command.env_remove(variable);
        }
        command
    }

    fn code_of(&self, answer: &Answer) -> Result<MfaCode, AskError> {
        if !answer.status.success() {
            let ended = child::ending(answer.status);
            let said = first_words(&answer.errors);
            let what = if said.is_empty() { ended } else { format!("{ended}: {said}") };
            return Err(self.failed(Kind::Refused, &what));
        }
        let text = std::str::from_utf8(answer.output.expose()).unwrap_or_default();
        let mut lines = text.lines().filter(|line| !line.trim().is_empty());
        let (first, second) = (lines.next(), lines.next());
        match (first, second) {
            (Some(_), Some(_)) => Err(self.failed(Kind::Config, "printed more than one line")),
            (None, _) => Err(self.failed(Kind::Config, "printed no code")),
            (Some(line), None) => {
                MfaCode::parse(line).ok_or_else(|| self.failed(Kind::Config, "printed something other than six digits"))
            }
        }
    }
}

impl CodeSource for CommandSource {
    fn ask(&self, question: &Question, until: Deadline) -> Result<MfaCode, AskError> {
        let until = until.within(BOUND);
        let patience = until.left();
        let bounds = ChildLimits { output: MOST_OUTPUT, errors: MOST_ERRORS, until };
        match child::answer(&mut self.command(&question.device), bounds) {
            Ok(answer) => self.code_of(&answer),
            Err(NoAnswer::NotStarted(why)) => Err(self.failed(Kind::Config, &format!("could not be started: {why}"))),
            Err(NoAnswer::TimedOut) => {
                Err(self.failed(Kind::Refused, &format!("did not finish within {} s", patience.as_secs_f32().round())))
            }
            Err(NoAnswer::TooLong) => Err(self.failed(Kind::Config, &format!("printed more than {MOST_OUTPUT} bytes"))),
        }
    }

    /// The next time step has another code.
    fn can_ask_again(&self) -> bool {
        true
    }
}
