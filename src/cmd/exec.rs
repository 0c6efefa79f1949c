//! `exec`: a command, or a sub-shell, with the credentials in its environment.

use std::ffi::OsString;
use std::io;
use std::path::Path;
use std::process::Command;

use crate::cli;
use crate::duration;
use crate::error::{Failure, Kind, Result};
use crate::hint::{CommandLine, Verb};
use crate::names::ProfileName;
use crate::output::messages;
use crate::shell::Shell;
use crate::system::foreign_file::plain;
use crate::system::{child, clock, programs};
use crate::timestamp::Timestamp;

use super::context::{Context, Invocation};
use super::handing::{Handover, HandoverRequest, Lasting, Manner, hand_over};

/// The exit codes of shells.
const NOT_FOUND: u8 = 127;
const NOT_RUNNABLE: u8 = 126;

/// Replaces this process by the command; returns only if that fails.
pub fn run(args: cli::Exec, invocation: &Invocation) -> Result<u8> {
    let context = Context::load_anywhere(&invocation.env)?.with_duration(args.duration);
    let name = context.requested_or_picked(&args.profile.profile)?;
    let planned = context.plan(&name).map_err(|failure| match &args.profile.profile.positional {
        Some(word) => perhaps_a_command(failure, &context, word, &args.command),
        None => failure,
    })?;
    refuse_a_flag(args.command.first())?;
    let subshell = if args.command.is_empty() { Some(subshell(&context, &name)?) } else { None };
    let mut words = args.command.into_iter();
    let program = words.next().or(subshell.clone()).unwrap_or_default();
    // Before a code is asked for.
    let startable = match child::startable(&program, invocation.env.raw("PATH")) {
        Ok(startable) => startable,
        Err(e) => return not_run(&program, &e),
    };
    let request = HandoverRequest {
        manner: if args.by_name { Manner::Name } else { Manner::Keys },
        code_stdin: args.profile.code_stdin,
        min_ttl: args.min_ttl,
        reason: args.reason,
        obstacle: impossible,
    };
    let Handover { removed, variables, lasting } = hand_over(&context, &planned, &request)?;
    if subshell.is_some() {
        messages::note(&format!("subshell with {}; exit to leave", described(&name, &lasting)));
    } else if planned.plan.protected {
        messages::note(&format!("the command has {}", described(&name, &lasting)));
    }
    let mut command = Command::new(startable);
    for name in removed.iter().chain(&["TWOLOCK_MFA_CODE"]) {
        command.env_remove(name);
    }
    command.args(words).envs(variables);
    invocation.limits.restore_for(&mut command);
    context.note_use(&planned.plan.profile);
    not_run(&program, &child::become_command(&mut command))
}

/// What a subshell has, and for how long.
fn described(name: &ProfileName, lasting: &Lasting) -> String {
    let left = |moment: Timestamp| duration::show(moment.since(clock::now()));
    match lasting {
        Lasting::Keys(end) => format!("the credentials of '{name}', {} left", left(*end)),
        Lasting::Name(Some(next)) => format!("AWS_PROFILE={name}, {} until the next code", left(*next)),
        Lasting::Name(None) => format!("AWS_PROFILE={name}"),
    }
}

/// Any text can be the value of a variable, but for the character that ends it.
fn impossible(value: &str) -> Option<&'static str> {
    value.contains('\0').then_some("it contains a NUL character")
}

/// The shell that `SHELL` names. A repository can set that, so it must be one of the system's.
fn subshell(context: &Context, name: &ProfileName) -> Result<OsString> {
    let Some(shell) = context.env.raw("SHELL") else {
        return Ok(if cfg!(windows) { "cmd.exe" } else { "/bin/sh" }.into());
    };
    let (path, shown) = (Path::new(shell), shell.to_string_lossy());
    let is_known = || programs::is_known_directory(path.parent(), &context.dirs.account_home());
    let is_shell = programs::is_login_shell(path) || (Shell::from_program(&shown).is_some() && is_known());
    if is_shell && child::find_program(&shown, None).is_some() {
        return Ok(shell.into());
    }
    let cause = format!("SHELL is '{shown}', which is not a shell of this system");
    let command = CommandLine::of(Verb::Exec, name).with("--").with(&*shown);
    Err(Failure::new(Kind::Config, cause).hint(command.to("if you trust it, name it as the command")))
}

/// The command begins at the first word that is no flag of ours, which a mistyped one is as well.
fn refuse_a_flag(program: Option<&OsString>) -> Result<()> {
    match program.and_then(|program| program.to_str()).filter(|program| program.starts_with('-')) {
        None => Ok(()),
        Some(flag) => {
            let cause = format!("'{flag}' is neither a flag of exec nor a command");
            Err(Failure::new(Kind::Usage, cause).hint(CommandLine::new(Verb::Exec).with("--help").to("its flags")))
        }
    }
}

/// Where a profile is expected, people write the command. The variable, or the person, may name the profile.
fn perhaps_a_command(failure: Failure, context: &Context, name: &ProfileName, arguments: &[OsString]) -> Failure {
    let is_path = Path::new(name.as_str()).components().count() > 1 && Path::new(name.as_str()).is_file();
    let is_program = || is_path || child::find_program(name.as_str(), context.env.raw("PATH")).is_some();
    let words: Option<Vec<&str>> = arguments.iter().map(|word| word.to_str()).collect();
    match words {
        Some(words) if context.existing(name).is_err() && is_program() => {
            let command = CommandLine::new(Verb::Exec).with("--").with(name.as_str());
            // Names of profiles would be rival advice.
            Failure { hints: Vec::new(), ..failure }
                .hint(words.into_iter().fold(command, CommandLine::with).to("did you mean"))
        }
        _ => failure,
    }
}

fn not_run(program: &OsString, e: &io::Error) -> Result<u8> {
    let shown = program.to_string_lossy();
    let (cause, code) = match e.kind() {
        io::ErrorKind::NotFound => (format!("command '{shown}' not found"), NOT_FOUND),
        _ => (format!("command '{shown}' cannot be run: {}", plain(e)), NOT_RUNNABLE),
    };
    messages::failure(&Failure::new(Kind::Usage, cause));
    Ok(code)
}
