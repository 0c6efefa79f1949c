//! A line that names a program and its arguments, run without a shell.

use std::fmt;
use std::path::{Path, PathBuf};

use super::env::Env;
use super::{child, programs};
use crate::error::{Failure, Kind};
use crate::hint::{CommandLine, Verb};
use crate::names::ProfileName;

/// The program and the words after it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProgramLine {
    pub program: PathBuf,
    pub arguments: Vec<String>,
}

/// Why a line is not run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    ShellSyntax(char),
    UnclosedQuote,
    Empty,
    Relative(String),
    NotFound(String),
    NotExecutable(String),
    /// PATH is a variable: a repository could put a program of its own first.
    Elsewhere {
        name: String,
        program: PathBuf,
        /// The line with the program's path, if its user trusts it.
        absolute: String,
    },
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refusal::ShellSyntax(syntax) => write!(f, "uses shell syntax: '{syntax}'"),
            Refusal::UnclosedQuote => f.write_str("has an unclosed quote"),
            Refusal::Empty => f.write_str("is empty"),
            Refusal::Relative(name) => write!(f, "must be an absolute path or a name on PATH: '{name}'"),
            Refusal::NotFound(name) => write!(f, "program not found: '{name}'"),
            Refusal::NotExecutable(name) => write!(f, "program is not executable: '{name}'"),
            Refusal::Elsewhere { name, program, .. } => {
                write!(f, "'{name}' on PATH is {}, which is not in a system directory", program.display())
            }
        }
    }
}

impl Refusal {
    /// The failure for the line of a setting in a profile, and the line to write instead.
    pub fn of_setting(&self, setting: &str, profile: &ProfileName) -> Failure {
        let failure = |between: &str| Failure::new(Kind::Config, format!("{setting}{between} {self}"));
        match self {
            Refusal::ShellSyntax(_) => {
                failure("").hint(format!("put it into a script, and set {setting} to the script's absolute path"))
            }
            Refusal::Elsewhere { absolute, .. } => {
                let command = CommandLine::of(Verb::Set, profile).with(setting).with(absolute);
                failure(":").hint(command.to("if you trust it, use its absolute path"))
            }
            Refusal::NotExecutable(name) => failure(":").hint(CommandLine::other("chmod +x").with(name)),
            Refusal::NotFound(_) => failure(":"),
            Refusal::UnclosedQuote | Refusal::Empty | Refusal::Relative(_) => failure(""),
        }
    }

    /// The failure for the line that a person gave to an option.
    pub fn of_option(&self, option: &str) -> Failure {
        let failure = Failure::new(Kind::Usage, format!("{option}: {self}"));
        match self {
            Refusal::ShellSyntax(_) => failure.hint("put it into a script, and give the script's path"),
            Refusal::Elsewhere { absolute, .. } => {
                failure.hint(format!("if you trust it, use its absolute path: {absolute}"))
            }
            Refusal::NotExecutable(name) => failure.hint(CommandLine::other("chmod +x").with(name)),
            _ => failure,
        }
    }
}

impl ProgramLine {
    /// Splits the line as POSIX does and finds its program: an absolute path, or a name whose first hit on `PATH` is in a
    /// directory of the system or of `home`'s package managers (threat-model P16).
    pub fn find(line: &str, env: &Env, home: &Path) -> Result<Self, Refusal> {
        Self::of(posix_words(line)?, line, env, home)
    }

    /// The same for a `credential_process`, which others run, too: split as Windows does there, where a backslash is
    /// part of a path (aws-contract 3.3).
    pub fn find_as_sdks_do(line: &str, env: &Env, home: &Path) -> Result<Self, Refusal> {
        let words = if cfg!(windows) { windows_words(line) } else { posix_words(line) };
        Self::of(words?, line, env, home)
    }

    fn of(mut words: Vec<String>, line: &str, env: &Env, home: &Path) -> Result<Self, Refusal> {
        let name = words.remove(0);
        let program = child::find_program(&name, env.raw("PATH")).ok_or_else(|| not_found(&name))?;
        if !Path::new(&name).is_absolute() && !programs::is_known_directory(program.parent(), home) {
            let absolute = line.trim().replacen(&name, &program.to_string_lossy(), 1);
            return Err(Refusal::Elsewhere { name, program, absolute });
        }
        Ok(Self { program, arguments: words })
    }
}

fn not_found(name: &str) -> Refusal {
    let elsewhere = name.contains(std::path::is_separator) || name.starts_with('.');
    let is_absolute = Path::new(name).is_absolute();
    match () {
        () if elsewhere && !is_absolute => Refusal::Relative(name.into()),
        () if is_absolute && Path::new(name).is_file() => Refusal::NotExecutable(name.into()),
        () => Refusal::NotFound(name.into()),
    }
}

/// Splits a line into words as POSIX quotes them; what only a shell would understand is refused.
fn posix_words(line: &str) -> Result<Vec<String>, Refusal> {
    if let Some(syntax) = shell_syntax(line) {
        return Err(Refusal::ShellSyntax(syntax));
    }
    let words = shlex::split(line).ok_or(Refusal::UnclosedQuote)?;
    not_empty(words)
}

fn not_empty(words: Vec<String>) -> Result<Vec<String>, Refusal> {
    if words.first().is_none_or(String::is_empty) { Err(Refusal::Empty) } else { Ok(words) }
}

/// Splits a line as `CommandLineToArgvW` and botocore do; what only `cmd` would understand is refused. Backslashes are
/// literal but before a quote: two of them are one there, and a single one makes it a character.
fn windows_words(line: &str) -> Result<Vec<String>, Refusal> {
    let (mut words, mut word, mut is_quoted) = (Vec::new(), None::<String>, false);
    let mut rest = line.trim();
    while let Some(c) = rest.chars().next() {
        let backslashes = rest.len() - rest.trim_start_matches('\\').len();
        let is_literal = backslashes % 2 == 1 && rest[backslashes..].starts_with('"');
        let length = backslashes.max(c.len_utf8()) + usize::from(is_literal);
        let is_before_quote = backslashes > 0 && rest[backslashes..].starts_with('"');
        match c {
            '\\' if is_before_quote => {
                let word = word.get_or_insert_default();
                word.push_str(&rest[..backslashes / 2]);
                word.push_str(if is_literal { "\"" } else { "" });
            }
            '\\' => word.get_or_insert_default().push_str(&rest[..backslashes]),
            '"' => {
                is_quoted = !is_quoted;
                word.get_or_insert_default();
            }
            ' ' | '\t' if !is_quoted => words.extend(word.take()),
            '|' | '&' | '<' | '>' | '^' if !is_quoted => return Err(Refusal::ShellSyntax(c)),
            '%' if rest[1..].contains('%') => return Err(Refusal::ShellSyntax(c)),
            '\n' => return Err(Refusal::ShellSyntax(c)),
            _ => word.get_or_insert_default().push(c),
        }
        rest = &rest[length..];
    }
    words.extend(word);
    if is_quoted { Err(Refusal::UnclosedQuote) } else { not_empty(words) }
}

/// Returns the first character that has a meaning in a shell at its position.
fn shell_syntax(line: &str) -> Option<char> {
    let mut quote = None;
    let mut characters = line.trim().chars();
    while let Some(c) = characters.next() {
        match (quote, c) {
            (Some('\''), '\'') | (Some('"'), '"') => quote = None,
            (Some('\''), _) => {}
            (_, '\\') => drop(characters.next()),
            (None, '\'' | '"') => quote = Some(c),
            (_, '$' | '`') | (None, '|' | '&' | ';' | '<' | '>' | '(' | ')' | '\n') => return Some(c),
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_becomes_words_or_is_refused() {
        let table: [(&str, Result<&[&str], &str>); 22] = [
            ("code", Ok(&["code"])),
            ("oathtool --totp -b SEED", Ok(&["oathtool", "--totp", "-b", "SEED"])),
            ("'my prog' \"a b\" c\\ d", Ok(&["my prog", "a b", "c d"])),
            ("p 'a|b;$c`d`' \"x;y|z\"", Ok(&["p", "a|b;$c`d`", "x;y|z"])),
            ("p a\\$b", Ok(&["p", "a$b"])),
            ("p ''", Ok(&["p", ""])),
            ("p \"it's\"", Ok(&["p", "it's"])),
            ("p *.txt", Ok(&["p", "*.txt"])),
            ("p | q", Err("'|'")),
            ("p $HOME", Err("'$'")),
            ("p \"$HOME\"", Err("'$'")),
            ("p \"`x`\"", Err("'`'")),
            ("p `x`", Err("'`'")),
            ("p; q", Err("';'")),
            ("p & ", Err("'&'")),
            ("p > /tmp/x", Err("'>'")),
            ("p < /tmp/x", Err("'<'")),
            ("(p)", Err("'('")),
            ("p\nq", Err("'\n'")),
            ("p 'a", Err("unclosed quote")),
            ("", Err("is empty")),
            ("''", Err("is empty")),
        ];
        for (line, expected) in table {
            match (posix_words(line), expected) {
                (Ok(words), Ok(wanted)) => assert_eq!(words, wanted, "{line:?}"),
                (Err(refusal), Err(part)) => assert!(refusal.to_string().contains(part), "{line:?}: {refusal}"),
                (got, _) => panic!("{line:?}: {got:?}"),
            }
        }
    }

    #[test]
    fn on_windows_backslashes_are_part_of_paths() {
        let table: [(&str, Result<&[&str], &str>); 17] = [
            (r"C:\tools\helper.exe process prod", Ok(&[r"C:\tools\helper.exe", "process", "prod"])),
            (r#""C:\Program Files (x86)\h\helper.exe" a"#, Ok(&[r"C:\Program Files (x86)\h\helper.exe", "a"])),
            (r#"p "a b"c 'd e'"#, Ok(&["p", "a bc", "'d", "e'"])),
            (r#"p \\server\share "C:\dir\\" x"#, Ok(&["p", r"\\server\share", r"C:\dir\", "x"])),
            (r#"p \"a\" \\\"b"#, Ok(&["p", "\"a\"", r#"\"b"#])),
            (r#"p "" x"#, Ok(&["p", "", "x"])),
            ("p\t $a `b` (c);d 50% é", Ok(&["p", "$a", "`b`", "(c);d", "50%", "é"])),
            (r#"p "a|b&c<d>e^f""#, Ok(&["p", "a|b&c<d>e^f"])),
            ("p | q", Err("'|'")),
            ("p & q", Err("'&'")),
            ("p > x", Err("'>'")),
            ("p ^x", Err("'^'")),
            (r#"p "%USERPROFILE%\x""#, Err("'%'")),
            ("p\nq", Err("'\n'")),
            (r#"p "a"#, Err("unclosed quote")),
            ("  ", Err("is empty")),
            (r#""""#, Err("is empty")),
        ];
        for (line, expected) in table {
            match (windows_words(line), expected) {
                (Ok(words), Ok(wanted)) => assert_eq!(words, wanted, "{line:?}"),
                (Err(refusal), Err(part)) => assert!(refusal.to_string().contains(part), "{line:?}: {refusal}"),
                (got, _) => panic!("{line:?}: {got:?}"),
            }
        }
    }
}
