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
use crate::system::programs;
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
        let refused = |failure: Failure| failure.of_profile(profile).at(place);
        let mut words = words_of(line).map_err(refused)?;
        let name = words.remove(0);
        let program = child::find_program(&name, env.raw("PATH")).ok_or_else(|| refused(not_found(&name)))?;
        if !Path::new(&name).is_absolute() && !programs::is_known_directory(program.parent(), home) {
            return Err(refused(elsewhere(&name, &program, line, profile)));
        }
        Ok(Self { program, arguments: words, profile: profile.clone(), place: place.clone() })
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

/// PATH is a variable: a repository could put a program of its own first.
fn elsewhere(name: &str, program: &Path, line: &str, profile: &ProfileName) -> Failure {
    let cause = format!("mfa_process: '{name}' on PATH is {}, which is not in a system directory", program.display());
    let absolute = line.trim().replacen(name, &program.to_string_lossy(), 1);
    let command = CommandLine::of(Verb::Set, profile).with("mfa_process").with(absolute);
    Failure::new(Kind::Config, cause).hint(command.to("if you trust it, use its absolute path"))
}

fn not_found(name: &str) -> Failure {
    let elsewhere = name.contains(std::path::is_separator) || name.starts_with('.');
    if elsewhere && !Path::new(name).is_absolute() {
        return Failure::new(Kind::Config, format!("mfa_process must be an absolute path or a name on PATH: '{name}'"));
    }
    Failure::new(Kind::Config, format!("mfa_process: program not found: '{name}'"))
}

/// Splits a line into words as POSIX quotes them; what only a shell would understand is refused.
fn words_of(line: &str) -> Result<Vec<String>, Failure> {
    if let Some(syntax) = shell_syntax(line) {
        return Err(Failure::new(Kind::Config, format!("mfa_process uses shell syntax: '{syntax}'"))
            .hint("put it into a script, and set mfa_process to the script's absolute path"));
    }
    let words = shlex::split(line).ok_or_else(|| Failure::new(Kind::Config, "mfa_process has an unclosed quote"))?;
    if words.first().is_none_or(String::is_empty) {
        return Err(Failure::new(Kind::Config, "mfa_process is empty"));
    }
    Ok(words)
}

/// Returns the first character that has a meaning in a shell at its position.
fn shell_syntax(line: &str) -> Option<char> {
    let mut quote = None;
    let mut characters = line.trim().chars();
    while let Some(c) = characters.next() {
        match (quote, c) {
            (Some('\''), '\'') | (Some('"'), '"') => quote = None,
            (Some('\''), _) => {}
            (_, '\\') => drop(characters.next()),
            (None, '\'' | '"') => quote = Some(c),
            (_, '$' | '`') | (None, '|' | '&' | ';' | '<' | '>' | '(' | ')' | '\n') => return Some(c),
            _ => {}
        }
    }
    None
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
    fn a_line_becomes_words_or_is_refused() {
        let table: [(&str, Result<&[&str], &str>); 22] = [
            ("code", Ok(&["code"])),
            ("oathtool --totp -b SEED", Ok(&["oathtool", "--totp", "-b", "SEED"])),
            ("'my prog' \"a b\" c\\ d", Ok(&["my prog", "a b", "c d"])),
            ("p 'a|b;$c`d`' \"x;y|z\"", Ok(&["p", "a|b;$c`d`", "x;y|z"])),
            ("p a\\$b", Ok(&["p", "a$b"])),
            ("p ''", Ok(&["p", ""])),
            ("p \"it's\"", Ok(&["p", "it's"])),
            ("p *.txt", Ok(&["p", "*.txt"])),
            ("p | q", Err("'|'")),
            ("p $HOME", Err("'$'")),
            ("p \"$HOME\"", Err("'$'")),
            ("p \"`x`\"", Err("'`'")),
            ("p `x`", Err("'`'")),
            ("p; q", Err("';'")),
            ("p & ", Err("'&'")),
            ("p > /tmp/x", Err("'>'")),
            ("p < /tmp/x", Err("'<'")),
            ("(p)", Err("'('")),
            ("p\nq", Err("'\\u{a}'")),
            ("p 'a", Err("unclosed quote")),
            ("", Err("is empty")),
            ("''", Err("is empty")),
        ];
        for (line, expected) in table {
            match (words_of(line), expected) {
                (Ok(words), Ok(wanted)) => assert_eq!(words, wanted, "{line:?}"),
                (Err(failure), Err(part)) => {
                    assert!(failure.headline().contains(part), "{line:?}: {failure}");
                    assert_eq!(failure.kind, Kind::Config, "{line:?}");
                }
                (got, _) => panic!("{line:?}: {got:?}"),
            }
        }
    }

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
