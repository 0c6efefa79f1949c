//! Where the words of `exec` end and those of its command begin.

use std::ffi::{OsStr, OsString};

use clap::{Arg, Command, CommandFactory};

use crate::cli::Cli;

/// Puts `--` before the command of `exec` if none is there. The first word is the profile unless `--profile` names one;
/// the command begins at the next word that is no flag of ours.
pub fn with_command_marked(mut words: Vec<OsString>) -> Vec<OsString> {
    if let Some(at) = command_start(&words) {
        words.insert(at, "--".into());
    }
    words
}

fn command_start(words: &[OsString]) -> Option<usize> {
    // The flags before the verb have no values.
    let verb = words.iter().position(|word| flag(word).is_none()).filter(|at| words[*at] == "exec")?;
    let mut root = Cli::command();
    root.build();
    let exec = root.find_subcommand("exec")?;
    let (mut at, mut is_profile_given) = (verb + 1, false);
    while let Some(word) = words.get(at) {
        match flag(word) {
            Some("--") => return None,
            Some(flag) => match argument(exec, flag) {
                Some(arg) => {
                    is_profile_given |= arg.get_id() == "flag";
                    at += usize::from(arg.get_action().takes_values() && !flag.contains('='));
                }
                None if is_profile_given => return Some(at),
                // clap says what is wrong with it.
                None => {}
            },
            None if is_profile_given => return Some(at),
            None => is_profile_given = true,
        }
        at += 1;
    }
    None
}

/// A flag, or `--`.
fn flag(word: &OsStr) -> Option<&str> {
    word.to_str().filter(|word| word.starts_with('-') && *word != "-")
}

/// The argument of `exec` that a flag sets.
fn argument<'a>(exec: &'a Command, flag: &str) -> Option<&'a Arg> {
    let name = flag.split_once('=').map_or(flag, |(name, _)| name);
    exec.get_arguments().find(|arg| match name.strip_prefix("--") {
        Some(long) => arg.get_long() == Some(long),
        None => name.chars().skip(1).all(|short| arg.get_short() == Some(short)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::{Command, Exec};

    fn read(line: &str) -> Result<Exec, String> {
        match Cli::read(line.split_whitespace().map(OsString::from).collect()) {
            Ok(Cli { command: Some(Command::Exec(exec)), .. }) => Ok(exec),
            other => Err(format!("{other:?}")),
        }
    }

    #[test]
    fn the_command_begins_at_the_first_word_that_is_no_flag_after_the_profile() {
        for (line, profile, command) in [
            ("exec prod", Some("prod"), ""),
            ("exec prod terraform apply", Some("prod"), "terraform apply"),
            ("exec prod -- terraform apply", Some("prod"), "terraform apply"),
            ("exec prod --min-ttl 40m terraform --profile x -v", Some("prod"), "terraform --profile x -v"),
            ("exec --min-ttl 40m prod --code-stdin env -i", Some("prod"), "env -i"),
            ("exec --min-ttl=40m prod env", Some("prod"), "env"),
            ("-v exec -v prod -vv env -v", Some("prod"), "env -v"),
            ("exec --profile prod terraform", Some("prod"), "terraform"),
            ("exec --profile=prod -- terraform", Some("prod"), "terraform"),
            ("exec --profile prod --min-ttl 40m prod", Some("prod"), "prod"),
            ("exec prod --profile prod terraform", Some("prod"), "terraform"),
            ("exec prod aws --profile other s3 ls", Some("prod"), "aws --profile other s3 ls"),
            ("exec prod sh -- --help", Some("prod"), "sh -- --help"),
            ("exec prod terraform --help", Some("prod"), "terraform --help"),
            ("exec prod - x", Some("prod"), "- x"),
            ("exec prod -- --odd", Some("prod"), "--odd"),
            ("exec -- terraform", None, "terraform"),
            ("exec --min-ttl 40m -- terraform", None, "terraform"),
            ("exec ls -l", Some("ls"), "-l"),
            ("exec prod --odd -- x", Some("prod"), "--odd -- x"),
            ("exec exec exec", Some("exec"), "exec"),
        ] {
            let exec = read(line).unwrap_or_else(|why| panic!("{line}: {why}"));
            let words: Vec<_> = exec.command.iter().map(|word| word.to_str().unwrap()).collect();
            let named = exec.profile.profile.name().map(|name| name.as_str());
            assert_eq!((named, words.join(" ").as_str()), (profile, command), "{line}");
        }
        assert_eq!(read("exec --min-ttl 40m prod --code-stdin env").unwrap().min_ttl.unwrap().as_secs(), 2_400);
    }

    #[test]
    fn a_flag_before_the_profile_that_is_not_ours_is_an_error() {
        for line in ["exec --odd prod terraform", "exec -x prod", "exec -vx"] {
            assert!(read(line).unwrap_err().contains("UnknownArgument"), "{line}");
        }
    }

    #[test]
    fn other_verbs_are_left_alone() {
        for line in ["login exec prod x", "profile show exec", "", "-v"] {
            let words: Vec<OsString> = line.split_whitespace().map(OsString::from).collect();
            assert_eq!(with_command_marked(words.clone()), words);
        }
    }
}
