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
use crate::hint::{CommandLine, Verb};
use crate::names::{MfaCode, ProfileName};
use crate::prompt::{AskError, CodeSource, Question};
use crate::system::child::{self, Answer, ChildLimits, NoAnswer};
use crate::system::clock::Deadline;
use crate::system::env::Env;
use crate::system::program_line::{ProgramLine, Refusal};
use crate::text::visible::cut;

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
}

impl CommandSource {
    /// Reads the line of `mfa_process` at `place` in `profile`, and finds its program: an absolute path, or a name whose
    /// first hit on `PATH` is in a directory of the system or of `home`'s package managers.
    pub fn parse(line: &str, profile: &ProfileName, place: &Place, env: &Env, home: &Path) -> Result<Self, Failure> {
        let refused = |refusal: Refusal| refused(&refusal, profile).of_profile(profile).at(place);
        let ProgramLine { program, arguments } = ProgramLine::find(line, env, home).map_err(refused)?;
        Ok(Self { program, arguments, profile: profile.clone(), place: place.clone() })
    }

    fn failed(&self, kind: Kind, what: &str) -> AskError {
        let cause = format!("mfa_process {what}");
        AskError::Failed(Failure::new(kind, cause).of_profile(&self.profile).at(&self.place))
    }

    fn command(&self, device: &MfaSerial) -> Command {
        let mut command = Command::new(&self.program);
        // A twolock below this one must not wait for the question it is part of.
        command.args(&self.arguments).env("TWOLOCK_RUNNING", device.as_str());
        for variable in ["TWOLOCK_MFA_CODE", "AWS_PROFILE", "AWS_DEFAULT_PROFILE"] {
            command.env_remove(variable);
        }
        command
    }

    fn code_of(&self, answer: &Answer) -> Result<MfaCode, AskError> {
        if !answer.status.success() {
            let ended = child::ending(answer.status);
            let said = first_line(&answer.errors);
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

/// Why the line is not run, and the line to write instead.
fn refused(refusal: &Refusal, profile: &ProfileName) -> Failure {
    let failure = |between: &str| Failure::new(Kind::Config, format!("mfa_process{between} {refusal}"));
    match refusal {
        Refusal::ShellSyntax(_) => {
            failure("").hint("put it into a script, and set mfa_process to the script's absolute path")
        }
        Refusal::Elsewhere { absolute, .. } => {
            let command = CommandLine::of(Verb::Set, profile).with("mfa_process").with(absolute);
            failure(":").hint(command.to("if you trust it, use its absolute path"))
        }
        Refusal::NotFound(_) => failure(":"),
        Refusal::UnclosedQuote | Refusal::Empty | Refusal::Relative(_) => failure(""),
    }
}

/// The first line a program wrote to its stderr, cut; a code it may have written there is not repeated.
fn first_line(errors: &[u8]) -> String {
    let text = String::from_utf8_lossy(errors);
    let line = text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
    cut(&without_codes(line)).into_owned()
}

fn without_codes(line: &str) -> String {
    let mut shown = String::new();
    let mut rest = line;
    while let Some(start) = rest.find(|c: char| c.is_ascii_digit()) {
        let digits = rest[start..].bytes().take_while(u8::is_ascii_digit).count();
        shown.push_str(&rest[..start]);
        shown.push_str(if digits == 6 { "***" } else { &rest[start..start + digits] });
        rest = &rest[start + digits..];
    }
    shown + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_on_stderr_is_not_repeated() {
        for (raw, shown) in [
            ("code 123456 refused\nsecond", "code *** refused"),
            ("\n\n  error 1234567, 12345\n", "error 1234567, 12345"),
            ("\x1b[31mred\x07", "\\u{1b}[31mred\\u{7}"),
            ("", ""),
        ] {
            assert_eq!(Failure::new(Kind::Refused, first_line(raw.as_bytes())).headline(), shown);
        }
    }
}
