//! `env`: statements that set the credentials in the shell that evaluates them.

use std::ffi::OsString;
use std::io::IsTerminal;

use crate::cli::{self, ByName, Format};
use crate::error::{Failure, Kind, Result};
use crate::names::ProfileName;
use crate::output::{credentials_to_stdout, exports, to_stdout};
use crate::shell::Shell;
use crate::system::env::Env;
use crate::system::signals;
use crate::text::visible::as_word;

use super::context::{Context, Invocation, Planned};
use super::handing::{Handover, HandoverRequest, Manner, hand_over};
use super::shell::{calling_shell, line_to_type};
use super::this_shell::ThisShell;

/// Prints the statements. On any failure, it prints a failing statement, and the shell's variables stay as they are.
pub fn run(args: &cli::Env, invocation: &Invocation) -> Result<u8> {
    let shell = args.shell.unwrap_or_else(|| calling_shell(&invocation.env));
    if std::io::stdout().is_terminal() {
        return Err(refuse_the_terminal(args, shell, &invocation.env));
    }
    if args.unset {
        let env = &invocation.env;
        let names = exports::removed_at_last(env.handed(), ThisShell::of(env).is_by_name);
        return to_stdout(exports::unset(shell, &names).as_bytes()).map(|()| 0);
    }
    let result = if args.format.is_some() {
        print(args, invocation, shell)
    } else {
        fail_on_a_bug(shell);
        // Dropped before the use is recorded: a signal must not add a failing statement to a complete answer.
        let _guard = signals::on_termination(move || drop(to_stdout(exports::failing(shell).as_bytes())));
        print(args, invocation, shell)
    };
    if result.is_err() && args.format.is_none() {
        // The failure is reported anyway.
        let _ = to_stdout(exports::failing(shell).as_bytes());
    }
    let (context, planned) = result?;
    context.note_use(&planned.plan.profile);
    context.remind(planned.plan.base.key());
    Ok(0)
}

/// A panic would print nothing, which a shell evaluates as success.
fn fail_on_a_bug(shell: Shell) {
    let say = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |bug| {
        let _ = to_stdout(exports::failing(shell).as_bytes());
        say(bug);
    }));
}

/// Prints the statements, and returns the plan.
fn print(args: &cli::Env, invocation: &Invocation, shell: Shell) -> Result<(Context, Planned)> {
    let context = Context::load_anywhere(&invocation.env)?.with_duration(args.duration);
    let planned = context.plan(&context.requested_or_picked(&args.profile.profile)?)?;
    let Handover { removed, variables, .. } = hand_over(&context, &planned, &request(args))?;
    match args.format {
        None => to_stdout(exports::set(shell, &removed, &variables).as_bytes()),
        Some(Format::Dotenv) => to_stdout(exports::dotenv(&variables).as_bytes()),
        Some(Format::Json) => credentials_to_stdout(&exports::json(&variables)),
    }?;
    Ok((context, planned))
}

fn request(args: &cli::Env) -> HandoverRequest {
    HandoverRequest {
        manner: match args.by_name {
            None => Manner::Keys,
            Some(ByName::Always) => Manner::Name,
            Some(ByName::IfPossible) => Manner::NameIfPossible,
        },
        code_stdin: args.profile.code_stdin,
        min_ttl: None,
        reason: args.reason.clone(),
        obstacle: |value| (!exports::is_plain(value)).then_some("a shell could change its value"),
    }
}

/// Secrets are not printed on a terminal: scrollback and screen sharing would reveal them (threat-model P6).
fn refuse_the_terminal(args: &cli::Env, shell: Shell, env: &Env) -> Failure {
    let name = args.profile.profile.name();
    if let Some(name) = name.filter(|_| !args.unset)
        && let Some(failure) = why_not(args, name, shell, env)
    {
        return failure;
    }
    let (how, line) = another_line(args, shell, name.map_or("PROFILE", ProfileName::as_str));
    let what = if args.unset || args.by_name == Some(ByName::Always) { "statements" } else { "secrets" };
    Failure::new(Kind::Usage, format!("env prints {what} for a shell to evaluate, not for the terminal"))
        .hint(format!("{how}: {line}"))
}

/// What is wrong with the profile: any line with it would fail as well.
fn why_not(args: &cli::Env, name: &ProfileName, shell: Shell, env: &Env) -> Option<Failure> {
    let context = Context::load_anywhere(env).ok()?;
    let failure = context.requested(&args.profile.profile).and_then(|profile| context.plan(&profile)).err()?;
    Some(match context.meant_by(name) {
        Some(meant) => {
            let (_, line) = another_line(args, shell, &meant);
            Failure { hints: Vec::new(), ..failure }.hint(format!("did you mean: {line}"))
        }
        None => failure,
    })
}

/// The line to use in place of one that prints on the terminal, and what to do with it.
fn another_line(args: &cli::Env, shell: Shell, profile: &str) -> (&'static str, String) {
    let profile = as_word(profile);
    let words = match args.by_name {
        _ if args.unset => "--unset".into(),
        Some(_) => format!("--by-name {profile}"),
        None => profile,
    };
    match args.format {
        Some(Format::Dotenv) => ("write it to a file", format!("twolock env {words} --format dotenv > FILE")),
        Some(Format::Json) => ("pass it to a program", format!("twolock env {words} --format json | PROGRAM")),
        None => ("type", line_to_type(shell, &words)),
    }
}

/// For an invalid command line: a shell that evaluates the output must see a failure.
pub fn fail_if_evaluated(arguments: &[OsString], env: &Env) {
    let words: Vec<_> = arguments.iter().filter_map(|a| a.to_str()).collect();
    // flags before the verb have no values
    let verb = words.iter().find(|word| !word.starts_with('-'));
    let other_format = words.iter().any(|word| word.starts_with("--format"));
    if verb != Some(&"env") || other_format || std::io::stdout().is_terminal() {
        return;
    }
    let named = words.iter().position(|word| *word == "--shell").and_then(|at| words.get(at + 1));
    let named = named.copied().or_else(|| words.iter().find_map(|word| word.strip_prefix("--shell=")));
    let shell = named.and_then(Shell::from_program).unwrap_or_else(|| calling_shell(env));
    let _ = to_stdout(exports::failing(shell).as_bytes());
}
