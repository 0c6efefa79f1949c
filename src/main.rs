//! The program: harden the process, try the cached answer, else parse, run, print the failure, exit.

use std::process::ExitCode;
use std::time::Instant;

use clap::Parser;
use clap::error::ErrorKind;
use twolock::cli::Cli;
use twolock::cmd;
use twolock::error::Kind;
use twolock::output::messages;
use twolock::system::env::Env;
use twolock::system::harden::harden;

/// musl's own allocator maps and unmaps single pages, which costs a cached answer more than opening the session does.
#[cfg(target_env = "musl")]
#[global_allocator]
static ALLOCATOR: dlmalloc::GlobalDlmalloc = dlmalloc::GlobalDlmalloc;

fn main() -> ExitCode {
    let started = Instant::now();
    let limits = harden();
    let env = Env::from_process();
    let arguments: Vec<_> = std::env::args_os().skip(1).collect();
    if let Some(answered) = cmd::credential_process::cached(&arguments, &env) {
        return code(answered);
    }
    match Cli::try_parse() {
        Ok(cli) => code(cmd::run(cli, cmd::Invocation { started, limits, env })),
        Err(e) => {
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

fn code(result: twolock::error::Result<u8>) -> ExitCode {
    match result {
        Ok(code) => ExitCode::from(code),
        Err(failure) => {
            messages::failure(&failure);
            ExitCode::from(failure.kind.exit_code())
        }
    }
}
