//! `exec`: a command, or a sub-shell, with the credentials in its environment.

use std::ffi::{OsStr, OsString};
use std::io;
use std::process::Command;

use crate::cli;
use crate::duration;
use crate::error::{Failure, Kind, Result};
use crate::output::{exports, messages};
use crate::system::child;
use crate::system::clock;

use super::context::{Context, Invocation};
use super::sessions::exported;

/// The exit codes of shells.
const NOT_FOUND: u8 = 127;
const NOT_RUNNABLE: u8 = 126;

/// Replaces this process by the command; returns only if that fails.
pub fn run(args: cli::Exec, invocation: &Invocation) -> Result<u8> {
    let context = Context::load(&invocation.env)?;
    let planned = context.plan(&context.requested_or_picked(&args.profile.profile)?)?;
    let (variables, expires) = exported(&context, &planned, args.profile.code_stdin, args.min_ttl)?;
    let mut words = args.command.into_iter();
    let program = match words.next() {
        Some(program) => program,
        None => {
            let (name, left) = (&planned.plan.profile, duration::show(expires.since(clock::now())));
            messages::note(&format!("subshell with the credentials of '{name}', {left} left; exit to leave"));
            let fallback = if cfg!(windows) { "cmd.exe" } else { "/bin/sh" };
            invocation.env.raw("SHELL").unwrap_or(OsStr::new(fallback)).into()
        }
    };
    let mut command = Command::new(child::startable(&program, invocation.env.raw("PATH")));
    command.args(words).envs(variables);
    for name in exports::MIXING.iter().chain(&["TWOLOCK_MFA_CODE"]) {
        command.env_remove(name);
    }
    invocation.limits.restore_for(&mut command);
    context.note_use(&planned.plan.profile);
    not_run(&program, &child::become_command(&mut command))
}

fn not_run(program: &OsString, e: &io::Error) -> Result<u8> {
    let shown = program.to_string_lossy();
    let (cause, code) = match e.kind() {
        io::ErrorKind::NotFound => (format!("command '{shown}' not found"), NOT_FOUND),
        _ => (format!("command '{shown}' cannot be run: {e}"), NOT_RUNNABLE),
    };
    messages::failure(&Failure::new(Kind::Usage, cause));
    Ok(code)
}
