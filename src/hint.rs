//! What to do next, said below a failure: a place to look, a question, or a command to paste.

use std::fmt;

use crate::text::visible::{LONGEST_LINE, as_word, sentence, visible};

/// What to do next. It holds raw text; [`Hint::shown`] is what people read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Hint {
    /// A place to look, a fact, a question.
    Text(String),
    Run {
        /// When to run it, or what it does; shown before the command.
        reason: Option<String>,
        command: CommandLine,
    },
}

impl Hint {
    /// The command to paste, if the hint is one.
    pub fn command(&self) -> Option<&CommandLine> {
        match self {
            Hint::Run { command, .. } => Some(command),
            Hint::Text(_) => None,
        }
    }

    /// Names the profile of a command that lacks one.
    pub(crate) fn of_profile(self, name: impl fmt::Display) -> Self {
        match self {
            Hint::Run { reason, command } => Hint::Run { reason, command: command.of_profile(name) },
            text => text,
        }
    }

    /// The hint as people read it, escaped and on one line. A command that could not be pasted is not shown.
    pub fn shown(&self) -> Option<String> {
        match self {
            Hint::Text(text) => Some(sentence(text)),
            Hint::Run { reason, command } => {
                let reason = reason.as_ref().map(|reason| format!("{}: ", sentence(reason))).unwrap_or_default();
                Some(reason + &command.pasteable()?)
            }
        }
    }
}

impl From<String> for Hint {
    fn from(text: String) -> Self {
        Hint::Text(text)
    }
}

impl From<&str> for Hint {
    fn from(text: &str) -> Self {
        Hint::Text(text.into())
    }
}

impl From<CommandLine> for Hint {
    fn from(command: CommandLine) -> Self {
        Hint::Run { reason: None, command }
    }
}

/// A command of ours that hints name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    Console,
    Devices,
    Enroll,
    Exec,
    Forget,
    KeyRotate,
    Login,
    Logout,
    RemoveDevice,
    Add,
    Adopt,
    Release,
    Remove,
    Rename,
    Set,
    Show,
    Unset,
    KeyAdd,
    KeyExport,
    KeyImport,
    KeyList,
    KeyRemove,
    KeyReplace,
    SettingsSet,
    SettingsTrust,
    SettingsUnset,
    Setup,
    Whoami,
}

impl Verb {
    /// Every command that hints name.
    pub const ALL: [Verb; 28] = {
        use Verb::*;
        [
            Console,
            Devices,
            Enroll,
            Exec,
            Forget,
            KeyRotate,
            Login,
            Logout,
            RemoveDevice,
            Add,
            Adopt,
            Release,
            Remove,
            Rename,
            Set,
            Show,
            Unset,
            KeyAdd,
            KeyExport,
            KeyImport,
            KeyList,
            KeyRemove,
            KeyReplace,
            SettingsSet,
            SettingsTrust,
            SettingsUnset,
            Setup,
            Whoami,
        ]
    };

    /// The words after `twolock`.
    pub fn words(self) -> &'static str {
        match self {
            Verb::Console => "console",
            Verb::Devices => "mfa devices",
            Verb::Enroll => "mfa enroll",
            Verb::Exec => "exec",
            Verb::Forget => "forget",
            Verb::KeyRotate => "key rotate",
            Verb::Login => "login",
            Verb::Logout => "logout",
            Verb::RemoveDevice => "mfa remove",
            Verb::Add => "profile add",
            Verb::Adopt => "profile adopt",
            Verb::Release => "profile release",
            Verb::Remove => "profile remove",
            Verb::Rename => "profile rename",
            Verb::Set => "profile set",
            Verb::Show => "profile show",
            Verb::Unset => "profile unset",
            Verb::KeyAdd => "key add",
            Verb::KeyExport => "key export",
            Verb::KeyImport => "key import",
            Verb::KeyList => "key list",
            Verb::KeyRemove => "key remove",
            Verb::KeyReplace => "key replace",
            Verb::SettingsSet => "settings set",
            Verb::SettingsTrust => "settings trust",
            Verb::SettingsUnset => "settings unset",
            Verb::Setup => "setup",
            Verb::Whoami => "whoami",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Program {
    Twolock(Verb),
    /// Another program, with the words that always follow it.
    Other(&'static str),
}

/// A command line to paste. Displaying it makes each name and value one word of the shell, escaped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommandLine {
    program: Program,
    profile: Option<String>,
    rest: Vec<String>,
    next: Option<Box<CommandLine>>,
}

impl CommandLine {
    pub fn new(verb: Verb) -> Self {
        Self { program: Program::Twolock(verb), profile: None, rest: Vec::new(), next: None }
    }

    pub fn of(verb: Verb, profile: impl fmt::Display) -> Self {
        Self::new(verb).of_profile(profile)
    }

    /// Another program's, with the words that are ours to choose: `aws configure --profile`.
    pub fn other(program: &'static str) -> Self {
        Self { program: Program::Other(program), profile: None, rest: Vec::new(), next: None }
    }

    /// Names the profile, the first argument, unless one is named already.
    #[must_use]
    pub fn of_profile(mut self, name: impl fmt::Display) -> Self {
        self.profile.get_or_insert_with(|| name.to_string());
        self
    }

    /// Adds a word: an option, a setting, a value, a path.
    #[must_use]
    pub fn with(mut self, word: impl Into<String>) -> Self {
        self.rest.push(word.into());
        self
    }

    /// Adds the command to run after it, if it succeeded.
    #[must_use]
    pub fn and(self, next: CommandLine) -> Self {
        Self { next: Some(Box::new(next)), ..self }
    }

    /// The command as text, unless it has a word that cannot be shown as it is (an invisible character, a secret), or
    /// that is too long: what is shown would then name something else.
    pub fn pasteable(&self) -> Option<String> {
        let mut words = self.profile.iter().chain(&self.rest);
        let is_exact = words.all(|word| visible(word) == *word);
        let is_next_exact = || self.next.as_ref().is_none_or(|next| next.pasteable().is_some());
        let line = (is_exact && is_next_exact()).then(|| self.to_string())?;
        (line.len() <= LONGEST_LINE).then_some(line)
    }

    /// Says when to run it, or what it does.
    #[must_use]
    pub fn to(self, reason: impl Into<String>) -> Hint {
        Hint::Run { reason: Some(reason.into()), command: self }
    }
}

impl fmt::Display for CommandLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.program {
            Program::Twolock(verb) => write!(f, "twolock {}", verb.words())?,
            Program::Other(program) => f.write_str(program)?,
        }
        let has_dash = |word: &String| word.starts_with('-');
        match (&self.program, &self.profile) {
            (Program::Other(_) | Program::Twolock(Verb::Exec), Some(name)) if has_dash(name) => {
                let flag = if matches!(self.program, Program::Other(_)) { "" } else { " --profile" };
                write!(f, "{flag}={}", as_word(name))?;
                write_words(f, &self.rest)?;
            }
            // Options have two dashes and come first: behind '--' nothing is one.
            (Program::Twolock(_), Some(name))
                if has_dash(name) || self.rest.iter().any(|word| is_like_an_option(word)) =>
            {
                let (options, words): (Vec<&String>, Vec<&String>) =
                    self.rest.iter().partition(|word| word.starts_with("--"));
                write_words(f, options)?;
                f.write_str(" --")?;
                write_words(f, [name].into_iter().chain(words))?;
            }
            _ => write_words(f, self.profile.iter().chain(&self.rest))?,
        }
        self.next.iter().try_for_each(|next| write!(f, " && {next}"))
    }
}

/// A name or value that clap would take for an option.
fn is_like_an_option(word: &str) -> bool {
    word.starts_with('-') && !word.starts_with("--")
}

fn write_words<'a>(f: &mut fmt::Formatter<'_>, words: impl IntoIterator<Item = &'a String>) -> fmt::Result {
    words.into_iter().try_for_each(|word| write!(f, " {}", as_word(word)))
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory, Parser};

    use super::*;
    use crate::cli::Cli;

    #[test]
    fn every_command_a_hint_names_exists() {
        for verb in Verb::ALL {
            let mut words = verb.words().split(' ');
            let found = words.try_fold(Cli::command(), |command, word| command.find_subcommand(word).cloned());
            assert!(found.is_some(), "{verb:?}");
        }
    }

    #[test]
    fn commands_that_are_pasted_are_read() {
        let commands = [
            CommandLine::of(Verb::Login, "my prod").with("--fresh"),
            CommandLine::of(Verb::Set, "prod").with("mfa_serial").with("arn:aws:iam::123456789012:mfa/alice"),
            CommandLine::of(Verb::Adopt, "prod"),
            CommandLine::new(Verb::Logout).with("--all"),
            CommandLine::new(Verb::SettingsSet).with("keyring").with("file"),
        ];
        for command in commands {
            let words = command.profile.iter().chain(&command.rest).map(String::as_str);
            let Program::Twolock(verb) = command.program else { unreachable!("only ours are listed") };
            let line = ["twolock"].into_iter().chain(verb.words().split(' ')).chain(words);
            assert!(Cli::try_parse_from(line).is_ok(), "{command}");
        }
    }

    #[test]
    fn a_profile_is_one_word_of_the_command_and_the_reason_stands_before_it() {
        let hint = CommandLine::of(Verb::Login, "my prod").with("--fresh").to("if it demands a recent code");
        let word = as_word("my prod");
        assert_eq!(hint.shown().unwrap(), format!("if it demands a recent code: twolock login {word} --fresh"));
    }

    #[test]
    fn a_command_that_would_name_another_profile_once_it_is_shown_is_not_shown() {
        for name in ["a\u{202e}b", "a\u{1b}b", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"] {
            assert_eq!(Hint::from(CommandLine::other("aws configure --profile").of_profile(name)).shown(), None);
            let after = CommandLine::of(Verb::Set, "p").with("region").and(CommandLine::of(Verb::Unset, name));
            assert_eq!(Hint::from(after).shown(), None);
        }
    }

    #[test]
    fn a_profile_that_is_named_stays_and_one_that_is_not_is_filled_in() {
        assert_eq!(CommandLine::of(Verb::Login, "inner").of_profile("outer").to_string(), "twolock login inner");
        let hint = Hint::from(CommandLine::new(Verb::Login).with("--fresh")).of_profile("prod");
        assert_eq!(hint.shown().unwrap(), "twolock login prod --fresh");
    }

    #[test]
    fn a_name_that_begins_with_a_dash_is_not_taken_for_an_option() {
        let device = "arn:aws:iam::123456789012:mfa/alice";
        for (command, line) in [
            (CommandLine::of(Verb::Login, "-x").with("--fresh"), "twolock login --fresh -- -x".to_string()),
            (CommandLine::of(Verb::Show, "--x"), "twolock profile show -- --x".into()),
            (CommandLine::of(Verb::Rename, "prod").with("-x"), "twolock profile rename -- prod -x".into()),
            (
                CommandLine::of(Verb::Set, "-x").with("mfa_serial").with(device),
                format!("twolock profile set -- -x mfa_serial {device}"),
            ),
            (CommandLine::of(Verb::Exec, "-x").with("--").with("env"), "twolock exec --profile=-x -- env".into()),
        ] {
            assert_eq!(command.to_string(), line);
            assert!(Cli::try_parse_from(line.split(' ')).is_ok(), "{line}");
        }
        let aws = CommandLine::other("aws configure --profile").of_profile("-x");
        assert_eq!(aws.to_string(), "aws configure --profile=-x", "argparse takes no value that begins with a dash");
    }

    #[test]
    fn a_command_with_a_name_of_a_megabyte_is_not_shown() {
        assert_eq!(Hint::from(CommandLine::of(Verb::Login, "a".repeat(1 << 20))).shown(), None);
    }
}
