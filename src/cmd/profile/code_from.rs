//! `profile set --code-from`: the `mfa_process` line of a program that knows codes, tried before it is written.

use std::time::{Duration, Instant};

use crate::cli::{ChangeFlags, CodeProgram};
use crate::cmd::context::Context;
use crate::error::{Failure, Kind, Place, Result};
use crate::hint::{CommandLine, Verb};
use crate::names::ProfileName;
use crate::prompt::command::CommandSource;
use crate::prompt::{AskError, CodeSource, Question};
use crate::system::clock::Deadline;
use crate::system::program_line::{ProgramLine, Refusal};

use super::edit;

const KEY: &str = "mfa_process";
/// Time to touch a key, or to unlock a store in its own window.
const PATIENCE: Duration = Duration::from_secs(30);

/// The words after the program; `ENTRY` is what it calls the device.
fn words(program: CodeProgram) -> &'static [&'static str] {
    match program {
        CodeProgram::Ykman => &["oath", "accounts", "code", "--single", "ENTRY"],
        CodeProgram::Op => &["item", "get", "ENTRY", "--otp"],
        CodeProgram::Bw => &["get", "totp", "ENTRY", "--nointeraction"],
        CodeProgram::Pass => &["otp", "ENTRY"],
        CodeProgram::Gopass => &["otp", "--password", "ENTRY"],
    }
}

pub fn set(
    context: &Context,
    name: &ProfileName,
    (program, entry): (CodeProgram, &str),
    title: &str,
    flags: ChangeFlags,
) -> Result<u8> {
    let refused = |kind, cause: String| Failure::new(kind, cause).of_profile(name);
    let Some(device) = context.plan(name)?.plan.device else {
        let login = CommandLine::of(Verb::Login, name).to("to choose one of the user's devices");
        return Err(refused(Kind::Config, "no mfa_serial, so no code is ever needed".into()).hint(login));
    };
    if entry.starts_with('-') || entry.is_empty() {
        return Err(refused(Kind::Usage, format!("'{entry}' is not a name of an entry")));
    }
    let line = line(context, program, entry).map_err(|refusal| {
        let failure = refused(Kind::Usage, format!("--code-from {}: {refusal}", program.name()));
        match refusal {
            Refusal::Elsewhere { absolute, .. } => {
                let set = CommandLine::of(Verb::Set, name).with(KEY).with(absolute);
                failure.hint(set.to("if you trust it"))
            }
            _ => failure,
        }
    })?;
    let place = Place { file: "--code-from".into(), line: 1 };
    let source = CommandSource::parse(&line, name, &place, &context.env, &context.dirs.account_home());
    let question = Question {
        account: device.account().cloned(),
        profile: name.clone(),
        device,
        asker: None,
        foreign_endpoint: None,
        notice: None,
        closed_dialog: None,
    };
    let tried = source.and_then(|source| match source.ask(&question, Deadline::after(Instant::now(), PATIENCE)) {
        Err(AskError::Failed(failure)) => Err(failure),
        _ => Ok(()),
    });
    tried.map_err(|failure| {
        let cause = format!("{}; nothing was changed", failure.cause);
        Failure { cause, place: None, hints: Vec::new(), ..failure }.hint(format!("the line that was tried: {line}"))
    })?;
    edit::set(context, name, KEY, &line, title, flags)
}

/// The line, with the path under which the program stands on PATH: a resolved one would break at its next update.
fn line(context: &Context, program: CodeProgram, entry: &str) -> std::result::Result<String, Refusal> {
    let words = words(program).iter().map(|word| if *word == "ENTRY" { entry } else { word });
    let words: Vec<&str> = std::iter::once(program.name()).chain(words).collect();
    let line = shlex::try_join(words.iter().copied()).map_err(|_| Refusal::UnclosedQuote)?;
    let found = ProgramLine::find(&line, &context.env, &context.dirs.account_home())?.program;
    Ok(line.replacen(
        program.name(),
        &shlex::try_quote(&found.to_string_lossy()).map_err(|_| Refusal::UnclosedQuote)?,
        1,
    ))
}
