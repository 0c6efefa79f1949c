//! What the AWS CLI and each SDK would do with a profile, by the tables of aws-contract 1.2 and 2.1 to 2.4.
//!
//! - `view`: what one of them sees of a profile at all
//! - `rules`: where each looks for credentials there
//! - `verdict`: what comes of it, in one verdict, which `list`, `show`, `doctor`, `adopt`, `release` and the overview
//!   all ask
//!
//! Pure: what it has to know of the machine and of twolock's own plans, a [`Machine`] tells. Keys in the environment win
//! over any profile in all but JavaScript.

mod rules;
mod verdict;
mod view;

use std::fmt;

use super::chain::MOST_HOPS;
use super::facts::names_twolock;
pub use crate::aws_files::oddities::Reader;
use crate::aws_files::{AwsFiles, Profile};
pub use verdict::{
    ALL, Bypass, CodeUse, OTHER_CLIENTS, Obtained, Provider, READABLE, Resolution, Served, Verdict, grouped, name,
    together,
};

/// What decides whether twolock answers, beside the files.
pub trait Machine {
    /// Why a program cannot be started, if so: a path, also one that begins with `~/` or `$HOME/`, or a name on `PATH`.
    fn lacks(&self, program: &str) -> Option<Lacking>;

    /// Why twolock gives no credentials for a profile, if it does not.
    fn refusal(&self, profile: &str) -> Option<String>;
}

/// Why a program of a `credential_process` cannot be started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lacking {
    WindowsPath,
    NotExecutable,
    NoSuchFile,
    NotOnPath,
    /// Neither an absolute path nor a name that is looked for on `PATH`.
    RelativePath,
}

impl fmt::Display for Lacking {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::WindowsPath => "is a Windows path",
            Self::NotExecutable => "is not executable",
            Self::NoSuchFile => "does not exist",
            Self::NotOnPath => "is not on PATH",
            Self::RelativePath => "is not an absolute path or a name on PATH",
        })
    }
}

/// The files, ready to judge one profile or all of them.
pub struct Callers<'a> {
    readings: view::Readings<'a>,
    machine: Box<dyn Machine + 'a>,
}

impl<'a> Callers<'a> {
    /// Looks through both files once.
    pub fn of(files: &'a AwsFiles, machine: impl Machine + 'a) -> Self {
        Self { readings: view::Readings::of(files), machine: Box::new(machine) }
    }

    /// Returns why no caller can start a program, if so.
    pub fn lacks(&self, program: &str) -> Option<Lacking> {
        lacking(program, &*self.machine)
    }

    /// Returns what each caller would do with a profile.
    pub fn judge(&self, name: &str) -> Verdict {
        let judge = |reader| (reader, rules::judge(&self.readings, &*self.machine, reader, name));
        let has_line = self.readings.profile(name).is_some_and(|profile| names_twolock(&profile));
        Verdict { callers: ALL.into_iter().map(judge).collect(), has_line }
    }

    /// Returns whether callers use twolock for a profile, quickly for the many that lead to no program.
    pub(crate) fn served(&self, profile: &Profile) -> Served {
        if self.leads_to_a_program(profile) { self.judge(&profile.name).served() } else { Served::No }
    }

    /// Whether a profile, or one of its sources, names a program that gives credentials, as twolock does.
    pub(crate) fn leads_to_a_program(&self, profile: &Profile) -> bool {
        let names_one = |profile: &Profile| profile.get("credential_process").is_some();
        let source = |profile: &Profile| self.readings.profile(&profile.get("source_profile")?.value);
        let sources = std::iter::successors(source(profile), |below| source(below));
        names_one(profile) || sources.take(MOST_HOPS + 1).any(|below| names_one(&below))
    }
}

fn lacking(program: &str, machine: &dyn Machine) -> Option<Lacking> {
    if cfg!(not(windows)) && program.contains('\\') { Some(Lacking::WindowsPath) } else { machine.lacks(program) }
}

#[cfg(test)]
mod tests;
