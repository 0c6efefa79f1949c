//! `credential_process`: a program that prints credentials.
//!
//! Started from words, without a shell, by absolute path or from PATH, with nothing on its input, in a process group
//! that is killed as a whole at the bound. Nothing it prints to stdout is ever repeated.

use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::credentials::Credentials;
use crate::error::{Failure, Kind, Place, Result};
use crate::names::ProfileName;
use crate::system::child::{self, Answer, ChildLimits, NoAnswer};
use crate::system::clock::{self, Deadline};
use crate::system::env::Env;
use crate::system::foreign_file::plain;
use crate::system::program_line::ProgramLine;
use crate::system::running::Running;
use crate::system::words::first_words;

use super::given;

/// Longest time the program gets, however late the deadline: to unlock a keyring in a dialog, and as long as Go's SDK
/// waits for us.
pub const BOUND: Duration = Duration::from_secs(60);
/// With less time than this it is not started, only to be killed.
const LEAST: Duration = Duration::from_millis(500);
/// Java's, the least that an SDK takes (aws-contract 3.3).
const MOST_OUTPUT: usize = 64_000;
const MOST_ERRORS: usize = 4096;

/// A program that prints credentials.
#[derive(Clone, Debug)]
pub struct ProcessSource {
    line: String,
    program: PathBuf,
    arguments: Vec<String>,
    profile: ProfileName,
    named: NamedBy,
    /// Above us.
    running: Running,
}

#[derive(Clone, Debug)]
enum NamedBy {
    /// A line of `credential_process`.
    Setting(Place),
    /// A person, who gave the line to `--process`.
    Person,
}

impl ProcessSource {
    /// Reads the line of `credential_process` at `place` in `profile`, and finds its program: an absolute path, or a name
    /// whose first hit on `PATH` is in a directory of the system or of `home`'s package managers.
    pub fn parse(line: &str, profile: &ProfileName, place: &Place, env: &Env, home: &Path) -> Result<Self> {
        let words = ProgramLine::find_as_sdks_do(line, env, home)
            .map_err(|refusal| refusal.of_setting("credential_process", profile).of_profile(profile).at(place))?;
        Ok(Self::of(line, words, profile, NamedBy::Setting(place.clone()), env))
    }

    /// The same for a line that a person gave to `--process`. Its program keeps their `AWS_PROFILE`, as in their shell.
    pub fn of_person(line: &str, profile: &ProfileName, env: &Env, home: &Path) -> Result<Self> {
        let words = ProgramLine::find_as_sdks_do(line, env, home)
            .map_err(|refusal| refusal.of_option("--process").of_profile(profile))?;
        Ok(Self::of(line, words, profile, NamedBy::Person, env))
    }

    fn of(line: &str, words: ProgramLine, profile: &ProfileName, named: NamedBy, env: &Env) -> Self {
        let ProgramLine { program, arguments } = words;
        Self { line: line.into(), program, arguments, profile: profile.clone(), named, running: Running::above(env) }
    }

    /// Whether this very line runs above us: its program started twolock, which would wait for itself.
    pub fn is_running_above(&self, env: &Env) -> bool {
        Running::above(env).runs(&self.line)
    }

    /// The failure where it does. It names the profile of the line in its cause; the caller adds the one asked for.
    pub fn recursion(&self) -> Failure {
        let cause = match &self.named {
            NamedBy::Setting(_) => {
                format!(
                    "credential_process of '{}' calls twolock, which would run the same program again: '{}'",
                    self.profile,
                    self.name()
                )
            }
            NamedBy::Person => {
                format!("--process: '{}' calls twolock, which would run the same program again", self.name())
            }
        };
        let failure = Failure::new(Kind::Config, cause).at(self.place());
        failure.hint("in that program, call twolock with another profile")
    }

    /// Runs the program and reads what it prints. Refused without running it if it runs above us.
    ///
    /// `Config` for a program that cannot be started or prints something else, `Refused` for one that fails, hangs or
    /// prints expired credentials.
    pub fn run(&self, until: Deadline) -> Result<Credentials> {
        if self.running.runs(&self.line) {
            return Err(self.recursion().of_profile(&self.profile));
        }
        let until = until.within(BOUND);
        let patience = until.left();
        if patience < LEAST {
            let cause = format!("no time was left to run '{}' (credential_process)", self.name());
            return Err(Failure::new(Kind::Busy, cause)
                .of_profile(&self.profile)
                .at(self.place())
                .hint("run this again"));
        }
        let bounds = ChildLimits { output: MOST_OUTPUT, errors: MOST_ERRORS, until };
        let answer = child::answer(&mut self.command(), bounds).map_err(|none| self.no_answer(none, patience))?;
        self.given_in(&answer)
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.args(&self.arguments).env_remove("TWOLOCK_MFA_CODE");
        if matches!(self.named, NamedBy::Setting(_)) {
            // Names the profile that asked for it, not the one it is the source of: it could run us for that again.
            command.env_remove("AWS_PROFILE").env_remove("AWS_DEFAULT_PROFILE");
        }
        self.running.and_line(&self.line).hand_to(&mut command);
        command
    }

    fn given_in(&self, answer: &Answer) -> Result<Credentials> {
        if !answer.status.success() {
            let (ended, said) = (child::ending(answer.status), first_words(&answer.errors));
            let what = if said.is_empty() { ended } else { format!("{ended}: {said}") };
            return Err(self.failed(Kind::Refused, &what));
        }
        given::read(&answer.output, clock::now()).map_err(|why| self.failed(why.kind, &why.cause))
    }

    fn no_answer(&self, none: NoAnswer, patience: Duration) -> Failure {
        match none {
            NoAnswer::NotStarted(why) => {
                self.failed(Kind::Config, &format!("could not be started: {}", not_started(&why)))
            }
            NoAnswer::TimedOut => self
                .failed(Kind::Refused, &format!("did not finish within {} s", patience.as_secs_f32().round()))
                .hint("it gets no input and cannot read the terminal; to see what it waits for, run it yourself with >/dev/null"),
            NoAnswer::TooLong => self.failed(Kind::Config, &format!("printed more than {MOST_OUTPUT} bytes")),
        }
    }

    fn failed(&self, kind: Kind, what: &str) -> Failure {
        let named = if self.place().is_some() { "credential_process" } else { "--process:" };
        let cause = format!("{named} '{}' {what}", self.name());
        Failure::new(kind, cause).of_profile(&self.profile).at(self.place())
    }

    /// The program's file name.
    fn name(&self) -> String {
        self.program.file_name().unwrap_or_default().to_string_lossy().into_owned()
    }

    fn place(&self) -> Option<&Place> {
        match &self.named {
            NamedBy::Setting(place) => Some(place),
            NamedBy::Person => None,
        }
    }
}

/// What Unix says of a file that is no program: `ENOEXEC`.
const NO_PROGRAM: Option<i32> = if cfg!(unix) { Some(8) } else { None };

/// The program itself was found just before.
fn not_started(error: &io::Error) -> String {
    match error.kind() {
        ErrorKind::NotFound => "the interpreter named in its first line does not exist".into(),
        _ if error.raw_os_error().is_some() && error.raw_os_error() == NO_PROGRAM => {
            "it is not a program; if it is a script, its first line must be like #!/bin/sh".into()
        }
        _ => plain(error),
    }
}
