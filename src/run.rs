//! One run: harden the process, try the cached answer, else parse, run the verb, print the failure, exit.

use std::process::ExitCode;
use std::time::Instant;

use clap::error::ErrorKind;

use crate::cli::Cli;
use crate::cmd;
use crate::error::{Kind, Result};
use crate::output::{self, messages};
use crate::system::env::Env;
use crate::system::harden::harden;
use crate::system::terminal;

/// Runs the program with the arguments and environment of this process; returns its exit code.
pub fn run() -> ExitCode {
    let started = Instant::now();
    let limits = harden();
    let env = Env::from_process();
    let arguments: Vec<_> = std::env::args_os().skip(1).collect();
    let cached = cmd::credential_process::cached(&arguments, &env);
    if let Some(Ok(answered)) = cached {
        return ExitCode::from(answered);
    }
    output::allow_styles(terminal::allows_styles(&env));
    if let Some(failed) = cached {
        return code(failed);
    }
    match Cli::read(arguments.clone()) {
        Ok(cli) => code(cmd::run(cli, cmd::Invocation { started, limits, env })),
        Err(e) => {
            let meant = match e.kind() {
                ErrorKind::InvalidSubcommand => cmd::mistaken::understood(&arguments, &env),
                ErrorKind::MissingRequiredArgument => cmd::mistaken::joined(&arguments),
                _ => None,
            };
            if let Some(failure) = meant {
                return code(Err(failure));
            }
            let helped = matches!(e.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion);
            if !helped {
                cmd::env::fail_if_evaluated(&arguments, &env);
            }
            // A closed stream loses the words, and the exit code stays.
            if e.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand || helped {
                let _ = e.print();
            } else {
                messages::usage(&e.render().to_string());
            }
            if helped { ExitCode::SUCCESS } else { ExitCode::from(Kind::Usage.exit_code()) }
        }
    }
}

fn code(result: Result<u8>) -> ExitCode {
    match result {
        Ok(code) => ExitCode::from(code),
        Err(failure) => {
            messages::failure(&failure);
            ExitCode::from(failure.kind.exit_code())
        }
    }
}
