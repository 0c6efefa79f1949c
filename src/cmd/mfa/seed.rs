//! `--seed-to`: a program that stores the secret key of a new device.

use std::process::Command;
use std::time::{Duration, Instant};

use crate::cmd::context::Context;
use crate::error::{Failure, Kind, Result};
use crate::secret::Secret;
use crate::system::child::{self, ChildLimits, NoAnswer};
use crate::system::clock::Deadline;
use crate::system::program_line::ProgramLine;
use crate::text::visible::cut;

/// It may have to ask for a passphrase in a window.
const PATIENCE: Duration = Duration::from_secs(120);
const MOST_OUTPUT: usize = 64 * 1024;

pub struct SeedProgram(ProgramLine);

impl SeedProgram {
    /// Splits a line as `mfa_process` is split, and finds its program.
    pub fn parse(line: &str, context: &Context) -> Result<Self> {
        ProgramLine::find(line, &context.env, &context.dirs.account_home())
            .map(Self)
            .map_err(|refusal| Failure::new(Kind::Usage, format!("--seed-to: {refusal}")))
    }

    /// Hands the secret key over, as one line. What the program prints is not repeated: it may be the key.
    pub fn take(&self, seed: &Secret<String>) -> Result<()> {
        let mut line = String::with_capacity(seed.expose().len() + 1);
        line.push_str(seed.expose());
        line.push('\n');
        let until = Deadline::after(Instant::now(), PATIENCE);
        let limits = ChildLimits { output: MOST_OUTPUT, errors: MOST_OUTPUT, until };
        let failed = |what: String| Failure::new(Kind::HalfDone, format!("the program of --seed-to {what}"));
        match child::answer_to(&Secret::new(line), Command::new(&self.0.program).args(&self.0.arguments), limits) {
            Ok(answer) if answer.status.success() => Ok(()),
            Ok(answer) => {
                let said = String::from_utf8_lossy(&answer.errors).replace(seed.expose(), "***");
                let said = said.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
                let said = if said.is_empty() { String::new() } else { format!(": {}", cut(said)) };
                Err(failed(format!("{}{said}", child::ending(answer.status))))
            }
            Err(NoAnswer::NotStarted(why)) => Err(failed(format!("could not be started: {why}"))),
            Err(NoAnswer::TimedOut) => Err(failed(format!("did not finish within {} s", PATIENCE.as_secs()))),
            Err(NoAnswer::TooLong) => Err(failed(format!("printed more than {MOST_OUTPUT} bytes"))),
        }
    }
}
