//! `complete`: the completions of the word at the cursor, from clap's tree of commands.
//!
//! Reads the profile names in the AWS files, but uses no keyring and no network, and prints no errors.

use std::ffi::OsString;

use clap::builder::StyledStr;
use clap::{Arg, Command, CommandFactory};

use crate::cli::Cli;
use crate::credentials::STATIC_KEYS;
use crate::error::Result;
use crate::names::ProfileName;
use crate::ours::settings::KNOWN;
use crate::output::to_stdout;
use crate::profile::keys::KEYS;
use crate::secret;
use crate::text::visible::visible;

use super::context::{Context, Invocation};

/// A word and its description.
type Candidate = (String, String);

/// Prints nothing if the word is a file, another program's command, or unknown.
pub fn run(words: &[OsString], invocation: &Invocation) -> Result<u8> {
    let words: Vec<String> = words.iter().map(|word| word.to_string_lossy().into_owned()).collect();
    let profiles = || Context::load(&invocation.env).map(|context| context.names_offered()).unwrap_or_default();
    let line = |(word, does): Candidate| if does.is_empty() { word + "\n" } else { format!("{word}\t{does}\n") };
    to_stdout(candidates(&words, profiles).into_iter().map(line).collect::<String>().as_bytes()).map(|()| 0)
}

fn candidates(words: &[String], profiles: impl FnOnce() -> Vec<String>) -> Vec<Candidate> {
    let mut root = Cli::command();
    root.build();
    let (last, before) = words.split_last().map_or(("", [].as_slice()), |(last, before)| (last.as_str(), before));
    let last = if last == "=" { "" } else { last };
    let Some(place) = Cursor::after(&root, before) else { return vec![] };
    let mut offered = match (place.value_of, last.split_once('=')) {
        (Some(arg), _) => values(arg, profiles),
        (None, Some((flag, _))) if flag.starts_with("--") => {
            let arg = place.command.get_arguments().find(|arg| takes_value(arg, flag));
            let values = arg.map(|arg| values(arg, profiles)).unwrap_or_default();
            values.into_iter().map(|(value, does)| (format!("{flag}={value}"), does)).collect()
        }
        _ if last.starts_with('-') => flags(place.command),
        _ => place.words(profiles),
    };
    offered.retain(|(word, _)| word.starts_with(last) && *word == visible(word));
    offered
}

struct Cursor<'a> {
    command: &'a Command,
    /// How many positional arguments come before the cursor.
    positionals: usize,
    /// The flag whose value is at the cursor.
    value_of: Option<&'a Arg>,
}

impl<'a> Cursor<'a> {
    /// None after `--` and in the command of `exec`, where another program's arguments follow.
    fn after(root: &'a Command, words: &[String]) -> Option<Self> {
        let mut place = Cursor { command: root, positionals: 0, value_of: None };
        for word in words {
            match word.as_str() {
                // bash splits `--flag=value` into three words
                "=" if place.value_of.is_some() => {}
                _ if place.value_of.take().is_some() => {}
                "--" => return None,
                flag if flag.starts_with('-') => {
                    let name = flag.split_once('=').map_or(flag, |(name, _)| name);
                    let arg = place.command.get_arguments().find(|arg| takes_value(arg, name));
                    // `--profile` names what the first word would.
                    place.positionals += usize::from(arg.is_some_and(|arg| arg.get_id() == "flag"));
                    place.value_of = arg.filter(|_| name == flag);
                }
                word => match place.command.find_subcommand(word) {
                    Some(command) if place.positionals == 0 => place.command = command,
                    _ if place.positionals > 0 && place.command.get_positionals().any(Arg::is_last_set) => return None,
                    _ => place.positionals += 1,
                },
            }
        }
        Some(place)
    }

    /// The subcommands, and the values of the next argument.
    fn words(&self, profiles: impl FnOnce() -> Vec<String>) -> Vec<Candidate> {
        let commands = self.command.get_subcommands().filter(|command| !command.is_hide_set() && self.positionals == 0);
        let commands = commands.map(|command| (command.get_name().to_string(), text(command.get_about())));
        let arguments: Vec<&Arg> = self.command.get_positionals().filter(|arg| !arg.is_last_set()).collect();
        let takes_many = |arg: &&&Arg| arg.get_num_args().is_some_and(|count| count.max_values() > 1);
        let argument = arguments.get(self.positionals).or(arguments.last().filter(takes_many)).copied();
        commands.chain(argument.map(|arg| values(arg, profiles)).unwrap_or_default()).collect()
    }
}

fn text(help: Option<&StyledStr>) -> String {
    help.map(ToString::to_string).unwrap_or_default()
}

fn takes_value(arg: &Arg, flag: &str) -> bool {
    arg.get_action().takes_values() && flag.strip_prefix("--").is_some_and(|name| arg.get_long() == Some(name))
}

fn flags(command: &Command) -> Vec<Candidate> {
    let described = |arg: &Arg| Some((format!("--{}", arg.get_long()?), text(arg.get_help())));
    command.get_arguments().filter(|arg| !arg.is_hide_set()).filter_map(described).collect()
}

/// The known values of an argument.
fn values(arg: &Arg, profiles: impl FnOnce() -> Vec<String>) -> Vec<Candidate> {
    let possible = arg.get_possible_values();
    if !possible.is_empty() {
        return possible.iter().map(|value| (value.get_name().to_string(), text(value.get_help()))).collect();
    }
    let names: Vec<String> = match arg.get_id().as_str() {
        "positional" | "flag" | "profile" | "old" => {
            profiles().into_iter().filter(|name| ProfileName::parse(name).is_ok()).collect()
        }
        // A secret cannot be given as an argument.
        "key" | "keys" => KEYS.iter().filter(|key| !is_secret_key(key)).map(ToString::to_string).collect(),
        "name" => KNOWN.iter().map(|known| known.name.to_string()).collect(),
        _ => vec![],
    };
    names.into_iter().map(|name| (name, String::new())).collect()
}

fn is_secret_key(key: &&&str) -> bool {
    STATIC_KEYS.contains(key) || secret::is_name(key)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shell::Shell;

    fn offered(line: &[&str]) -> Vec<String> {
        let words: Vec<String> = line.iter().map(ToString::to_string).collect();
        let profiles = || ["prod", "my base", "\u{1b}[2J", "--odd", "a\u{202e}b"].map(String::from).to_vec();
        candidates(&words, profiles).into_iter().map(|(word, _)| word).collect()
    }

    #[test]
    fn completions_by_position() {
        let names: &[&str] = &["prod", "my base", "--odd"];
        for (line, expected) in [
            (&["lo"][..], &["login", "logout"][..]),
            (&["-v", "lo"], &["login", "logout"]),
            (&["profile", "l"], &["list"]),
            (&["env", ""], names),
            (&["env", "="], names),
            (&["env", "p"], &["prod"]),
            (&["env", "--code-stdin", "p"], &["prod"]),
            (&["env", "--shell", "f"], &["fish"]),
            (&["env", "--shell", "=", "f"], &["fish"]),
            (&["env", "--shell=f"], &["--shell=fish"]),
            (&["env", "--profile=m"], &["--profile=my base"]),
            (&["env", "--profile", ""], names),
            (&["env", "--fo"], &["--format"]),
            (&["env", "--code"], &["--code-stdin"]),
            (&["env", "prod", ""], &[]),
            (&["exec", "--min-ttl", ""], &[]),
            (&["exec", "--min-ttl", "40m", "p"], &["prod"]),
            (&["exec", "prod", "--", ""], &[]),
            (&["exec", "prod", ""], &[]),
            (&["exec", "prod", "--min"], &["--min-ttl"]),
            (&["exec", "prod", "terraform", "--min"], &[]),
            (&["exec", "--profile", "prod", "terraform", "--min"], &[]),
            (&["exec", "--profile=prod", "p"], &[]),
            (&["profile", "show", "p"], &["prod"]),
            (&["profile", "set", "p"], &["prod"]),
            (&["profile", "set", "prod", "mfa"], &["mfa_process", "mfa_serial"]),
            (&["profile", "set", "prod", "aws_sec"], &[]),
            (&["profile", "set", "prod", "region", ""], &[]),
            (&["profile", "unset", "prod", "reg"], &["region"]),
            (&["profile", "unset", "prod", "output", "reg"], &["region"]),
            (&["profile", "rename", "p"], &["prod"]),
            (&["profile", "rename", "prod", ""], &[]),
            // a profile may be called as a command is
            (&["profile", "show", "list", ""], &[]),
            (&["key", "im"], &["import"]),
            (&["key", "add", "p"], &["prod"]),
            (&["key", "import", "prod", "p"], &["prod"]),
            (&["key", "import", "--csv", ""], &[]),
            (&["key", "remove", "p"], &["prod"]),
            (&["settings", "get", "session_d"], &["session_duration"]),
            (&["settings", "trust", ""], &[]),
            (&["nonsense", ""], &[]),
            (&["complet"], &[]),
        ] {
            assert_eq!(offered(line), expected, "{line:?}");
        }
        assert!(offered(&[]).contains(&"env".to_string()));
        let integrated = Shell::ALL.into_iter().filter(|shell| shell.integration().is_some());
        assert_eq!(offered(&["init", ""]), integrated.map(Shell::name).collect::<Vec<_>>());
        assert!(offered(&["-"]).contains(&"--verbose".to_string()));
    }

    #[test]
    fn every_command_and_flag_that_is_not_hidden_is_offered() {
        fn walk(command: &Command, words: &mut Vec<String>) {
            for below in command.get_subcommands().filter(|below| below.get_name() != "help") {
                let name = below.get_name().to_string();
                let line: Vec<&str> = words.iter().map(String::as_str).chain([""]).collect();
                assert_eq!(offered(&line).contains(&name), !below.is_hide_set(), "{line:?} {name}");
                words.push(name);
                walk(below, words);
                words.pop();
            }
            let line: Vec<&str> = words.iter().map(String::as_str).chain(["--"]).collect();
            for (flag, arg) in command.get_arguments().filter_map(|arg| Some((arg.get_long()?, arg))) {
                assert_eq!(offered(&line).contains(&format!("--{flag}")), !arg.is_hide_set(), "{line:?} {flag}");
            }
        }
        let mut root = Cli::command();
        root.build();
        walk(&root, &mut vec![]);
    }
}
