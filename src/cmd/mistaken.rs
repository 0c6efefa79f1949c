//! A word in place of a command that shows what was meant: a profile, or a command of aws-vault or granted.

use std::ffi::OsString;

use clap::{Arg, CommandFactory};

use crate::cli::Cli;
use crate::error::{Failure, Kind};
use crate::hint::{CommandLine, Verb};
use crate::system::directories::Directories;
use crate::system::env::Env;
use crate::text::visible::{as_word, refused};

use super::context::Context;
use super::shell::{calling_shell, line_to_type};

/// The flags of twolock, aws-vault and granted that take a value and may stand before a profile.
const WITH_VALUE: [&str; 17] = [
    "--format",
    "--shell",
    "--duration",
    "-d",
    "--min-ttl",
    "--region",
    "-r",
    "--mfa-token",
    "-t",
    "--backend",
    "--prompt",
    "--service",
    "-s",
    "--exec",
    "--browser-profile",
    "--federation-token-ttl",
    "--reason",
];

/// Says what to run instead. Nothing is run: the words that follow may mean something else here.
pub fn understood(arguments: &[OsString], env: &Env) -> Option<Failure> {
    let words: Vec<&str> = arguments.iter().map(|word| word.to_str()).collect::<Option<_>>()?;
    let at = words.iter().position(|word| !word.starts_with('-'))?;
    let (word, rest) = (words[at], &words[at + 1..]);
    if Cli::command().find_subcommand(word).is_some() {
        return None;
    }
    of_another_program(word, rest, env).or_else(|| of_a_profile(word, rest, env))
}

/// Says what to run where a key and its value are one word, as in `settings set min_ttl=5m`.
pub fn joined(arguments: &[OsString]) -> Option<Failure> {
    let words: Vec<&str> = arguments.iter().map(|word| word.to_str()).collect::<Option<_>>()?;
    let (command, joined) = match words[..] {
        ["settings", "set", joined, ..] => (CommandLine::new(Verb::SettingsSet), joined),
        ["profile", "set", profile, joined, ..] => (CommandLine::of(Verb::Set, profile), joined),
        _ => return None,
    };
    let (key, value) = joined.split_once('=').filter(|(key, value)| !key.is_empty() && !value.is_empty())?;
    let command = command.with(key).with(value);
    Some(Failure::new(Kind::Usage, format!("'{}' should be two words; run: {command}", refused(joined))))
}

/// Commands of aws-vault and granted that have another name here, or none; and ours without their first word.
fn of_another_program(word: &str, rest: &[&str], env: &Env) -> Option<Failure> {
    let given = profile_in(rest);
    let name = as_word(given.unwrap_or("NAME"));
    let (instead, hint) = match word {
        "list" | "ls" => ("run: twolock profile list".into(), None),
        "add" | "remove" => (format!("run: twolock profile {word} {name}"), None),
        "rm" | "delete" => (format!("run: twolock profile remove {name}"), None),
        "adopt" | "release" | "rename" | "set" | "show" | "unset" => {
            (format!("run: twolock profile {word} {}", words_after(rest, "NAME")), None)
        }
        "import" | "replace" => (format!("run: twolock key {word} {name}"), None),
        "pick" => ("run: twolock profile pick".into(), None),
        "get" | "path" | "trust" => {
            (format!("run: twolock settings {word} {}", words_after(rest, "")).trim_end().into(), None)
        }
        "clear" if given.is_none() => ("run: twolock logout --all".into(), None),
        "clear" => (format!("run: twolock logout {name}"), None),
        "export" | "assume" => {
            let one = format!("for one command: twolock exec {name} -- COMMAND");
            (format!("run: {}", line_to_type(calling_shell(env), &name)), Some(one))
        }
        "rotate" => (format!("run: twolock key rotate {name}"), None),
        "enroll" => (format!("run: twolock mfa enroll {name}"), None),
        _ => return None,
    };
    let failure = Failure::new(Kind::Usage, format!("'{word}' is not a command of twolock; {instead}"));
    Some(hint.into_iter().fold(failure, Failure::hint))
}

/// The words as they can be pasted, or what stands for them where there are none.
fn words_after(words: &[&str], missing: &str) -> String {
    let words: Vec<String> = words.iter().map(|word| as_word(word).to_string()).collect();
    if words.is_empty() { missing.into() } else { words.join(" ") }
}

/// The first word that is neither a flag nor the value of one.
fn profile_in<'a>(words: &[&'a str]) -> Option<&'a str> {
    let before = [""].iter().chain(words);
    let of_flag = |(before, word): &(&&str, &&str)| word.starts_with('-') || WITH_VALUE.contains(before);
    before.zip(words).find(|pair| !of_flag(pair)).map(|(_, word)| *word)
}

fn of_a_profile(word: &str, rest: &[&str], env: &Env) -> Option<Failure> {
    let (context, _) = Context::readable(Directories::find(env).ok()?, env);
    if !context.names_offered().iter().any(|name| name == word) {
        return None;
    }
    let command = match rest.split_at(words_of_command(rest)) {
        ([], _) => rest.iter().copied().fold(CommandLine::of(Verb::Exec, word), CommandLine::with).to_string(),
        (verb, more) => {
            let short = [verb, &[word]].concat();
            let whole = [&short[..], more].concat();
            let is_valid = Cli::read(whole.iter().map(OsString::from).collect()).is_ok();
            let words = if is_valid { whole } else { short };
            words.iter().fold("twolock".to_string(), |line, word| line + " " + &as_word(word))
        }
    };
    let failure = Failure::new(Kind::Usage, format!("'{word}' is a profile, not a command; run: {command}"));
    Some(failure.hint(format!("for this shell: {}", line_to_type(calling_shell(env), &as_word(word)))))
}

/// How many of the first words name a command that takes a profile.
fn words_of_command(words: &[&str]) -> usize {
    let (mut command, mut length) = (Cli::command(), 0);
    while let Some(inner) = words.get(length).and_then(|word| command.find_subcommand(word)).cloned() {
        (command, length) = (inner, length + 1);
    }
    let is_profile = |argument: &Arg| ["positional", "profile", "old"].contains(&argument.get_id().as_str());
    if command.get_positionals().any(is_profile) { length } else { 0 }
}
