//! `env`: statements that set the credentials in the shell that evaluates them.

use std::ffi::OsString;
use std::io::IsTerminal;

use crate::cli::{self, Format};
use crate::error::{Failure, Kind, Result};
use crate::names::ProfileName;
use crate::output::exports::{self, Shell};
use crate::output::{credentials_to_stdout, to_stdout};
use crate::system::env::Env;
use crate::system::{parent, signals};
use crate::text::visible::as_word;

use super::sessions::{Wants, obtain};
use super::world::World;
use super::{Call, say_notes};

/// Prints the statements. Whatever fails, what is evaluated fails too, and old variables stay.
pub fn run(args: &cli::Env, call: &Call) -> Result<u8> {
    let shell = args.shell.map_or_else(|| calling_shell(&call.env), Shell::from);
    if args.unset {
        return to_stdout(exports::unset(shell).as_bytes()).map(|()| 0);
    }
    refuse_a_terminal(args, shell)?;
    if args.format.is_some() {
        return print(args, call, shell).map(|(world, profile)| world.note_use(&profile)).map(|()| 0);
    }
    fail_on_a_bug(shell);
    let guard = signals::on_termination(move || drop(to_stdout(exports::failing(shell).as_bytes())));
    let result = print(args, call, shell);
    drop(guard);
    if result.is_err() {
        // The failure itself is what is reported; a stdout that is gone too has no reader to tell.
        let _ = to_stdout(exports::failing(shell).as_bytes());
    }
    // only now: a signal meanwhile finds the answer given, and must add no failing statement to it
    result.map(|(world, profile)| world.note_use(&profile)).map(|()| 0)
}

/// A bug of ours ends the process without an answer, and an empty one evaluates as success.
fn fail_on_a_bug(shell: Shell) {
    let say = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |bug| {
        let _ = to_stdout(exports::failing(shell).as_bytes());
        say(bug);
    }));
}

/// Prints them; returns for whom.
fn print(args: &cli::Env, call: &Call, shell: Shell) -> Result<(World, ProfileName)> {
    let world = World::load(&call.env)?;
    let planned = world.plan(&world.asked_or_picked(&args.profile.profile)?)?;
    say_notes(&planned.plan);
    let wants = Wants::of_a_person(&world, args.profile.code_stdin).lasting(None, &world, &planned.plan)?;
    let session = obtain(&world, &planned, &wants)?;
    let variables = exports::variables(&session, planned.plan.shell_region.as_ref())
        .map_err(|failure| failure.of_profile(&planned.plan.profile))?;
    match args.format {
        None => to_stdout(exports::set(shell, &variables).as_bytes()),
        Some(Format::Dotenv) => to_stdout(exports::dotenv(&variables).as_bytes()),
        Some(Format::Json) => credentials_to_stdout(&exports::json(&variables)),
    }?;
    Ok((world, planned.plan.profile))
}

/// Secrets do not go to a screen, where scrollback and screen sharing keep them (threat-model P6).
fn refuse_a_terminal(args: &cli::Env, shell: Shell) -> Result<()> {
    if !std::io::stdout().is_terminal() {
        return Ok(());
    }
    let profile = args.profile.profile.positional.as_ref().or(args.profile.profile.flag.as_ref());
    let profile = profile.map_or("PROFILE".into(), |name| as_word(name.as_str()));
    let hint = match (args.format, shell) {
        (Some(Format::Dotenv), _) => format!("write it to a file: twolock env {profile} --format dotenv > FILE"),
        (Some(Format::Json), _) => format!("pass it to a program: twolock env {profile} --format json | PROGRAM"),
        (None, shell) => format!("type: {}", line_to_type(shell, &profile)),
    };
    Err(Failure::new(Kind::Usage, "env prints secrets for a shell to evaluate, not for the terminal").hint(hint))
}

/// What a person types in this shell to have the statements evaluated; the profile is one word of it.
pub fn line_to_type(shell: Shell, profile: &str) -> String {
    match shell {
        Shell::Sh | Shell::Bash | Shell::Zsh => format!("eval \"$(twolock env {profile})\""),
        Shell::Fish => format!("twolock env {profile} | source"),
        Shell::PowerShell => format!("twolock env {profile} | Out-String | Invoke-Expression"),
    }
}

/// For a command line that could not be read: if a shell evaluates what we print, that has to fail as well.
pub fn fail_if_evaluated(arguments: &[OsString], env: &Env) {
    let words: Vec<_> = arguments.iter().filter_map(|a| a.to_str()).collect();
    // no flag before the verb takes a value
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

/// The nearest shell that called us (through `timeout`, `make` or a script), else the user's own, else the platform's.
pub fn calling_shell(env: &Env) -> Shell {
    let parent = parent::nearest(Shell::from_program);
    let own = || env.text("SHELL").and_then(Shell::from_program);
    parent.or_else(own).unwrap_or(if cfg!(windows) { Shell::PowerShell } else { Shell::Sh })
}

impl From<cli::Shell> for Shell {
    fn from(shell: cli::Shell) -> Self {
        match shell {
            cli::Shell::Sh => Shell::Sh,
            cli::Shell::Bash => Shell::Bash,
            cli::Shell::Zsh => Shell::Zsh,
            cli::Shell::Fish => Shell::Fish,
            cli::Shell::Powershell => Shell::PowerShell,
        }
    }
}
