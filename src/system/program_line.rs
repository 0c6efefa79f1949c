//! A line that names a program and its arguments, run without a shell.

use std::fmt;
use std::path::{Path, PathBuf};

use super::env::Env;
use super::{child, programs};

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
            Refusal::Elsewhere { name, program, .. } => {
                write!(f, "'{name}' on PATH is {}, which is not in a system directory", program.display())
            }
        }
    }
}

impl ProgramLine {
    /// Splits the line and finds its program: an absolute path, or a name whose first hit on `PATH` is in a directory of
    /// the system or of `home`'s package managers (threat-model P16).
    pub fn find(line: &str, env: &Env, home: &Path) -> Result<Self, Refusal> {
        let mut words = words_of(line)?;
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
    match elsewhere && !Path::new(name).is_absolute() {
        true => Refusal::Relative(name.into()),
        false => Refusal::NotFound(name.into()),
    }
}

/// Splits a line into words as POSIX quotes them; what only a shell would understand is refused.
fn words_of(line: &str) -> Result<Vec<String>, Refusal> {
    if let Some(syntax) = shell_syntax(line) {
        return Err(Refusal::ShellSyntax(syntax));
    }
    let words = shlex::split(line).ok_or(Refusal::UnclosedQuote)?;
    if words.first().is_none_or(String::is_empty) { Err(Refusal::Empty) } else { Ok(words) }
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
            match (words_of(line), expected) {
                (Ok(words), Ok(wanted)) => assert_eq!(words, wanted, "{line:?}"),
                (Err(refusal), Err(part)) => assert!(refusal.to_string().contains(part), "{line:?}: {refusal}"),
                (got, _) => panic!("{line:?}: {got:?}"),
            }
        }
    }
}
