//! Whether a `credential_process` is twolock itself, and for which profile.

use std::ops::Range;

use super::section::Span;
use crate::system::own_program;

/// A `credential_process` that runs twolock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProcessLine<'a> {
    /// Without quotes.
    pub program: &'a str,
    /// None if the line leaves it to `AWS_PROFILE`.
    pub profile: Option<&'a str>,
    /// Where the profile's name is in the line, or would be.
    pub at: Span,
    pub start: Start,
    /// The first variable it sets that could make twolock answer for something else.
    pub sets: Option<&'a str>,
    pub rest: Rest<'a>,
}

/// What follows the profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rest<'a> {
    Nothing,
    /// Only a shell understands it: `2>/dev/null`, `|| true`.
    ForShell(&'a str),
    /// twolock refuses it.
    Refused(&'a str),
}

/// How a line starts the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// The program is the first word.
    Direct,
    /// One pair of quotes is around the whole line.
    Quoted,
    /// Assignments stand before it, which only a shell understands: `X=1 twolock …`.
    Assigned,
    /// `env X=1 twolock …`
    Env,
    /// `sh -c "twolock …"`
    Shell,
}

impl<'a> ProcessLine<'a> {
    /// Parses a line; none if it runs another program.
    pub fn parse(line: &'a str) -> Option<Self> {
        Self::within(line, 0..line.len(), Start::Direct)
    }

    /// Whether it runs twolock for this profile.
    pub fn names(&self, profile: &str) -> bool {
        self.profile == Some(profile)
    }

    /// Whether it runs twolock for another profile.
    pub fn names_another_than(&self, profile: &str) -> bool {
        self.profile.is_some_and(|named| named != profile)
    }

    fn within(line: &'a str, span: Span, mut start: Start) -> Option<Self> {
        let mut words = Words { line: &line[..span.end], at: span.start };
        let mut word = words.next()?;
        if let Some(inner) = whole_command(line, &word, words.at, span.end) {
            return Self::within(line, inner, Start::Quoted);
        }
        let text = &line[word.clone()];
        let first = file_name(text);
        if SHELLS.contains(&first) {
            words.next().filter(|flag| is_command_flag(&line[flag.clone()]))?;
            return Self::within(line, words.next()?, Start::Shell);
        }
        let mut sets = None;
        if first == "env" || is_assignment(text) {
            start = match (first, start) {
                ("env", Start::Direct) => Start::Env,
                (_, Start::Direct) => Start::Assigned,
                (_, start) => start,
            };
            if first == "env" {
                word = words.next()?;
            }
            while is_prefix(&line[word.clone()]) {
                sets = sets.or(set_for_twolock(&line[word.clone()]));
                if TAKES_A_WORD.contains(&&line[word.clone()]) {
                    words.next()?;
                }
                word = words.next()?;
            }
        }
        let program = &line[word];
        let mut words = words.filter(|word| !is_flag_of_ours(&line[word.clone()]));
        let verb = words.next().filter(|verb| &line[verb.clone()] == "credential-process")?;
        let at = match profile_argument(line, &mut words) {
            Argument::Is(at) => Some(at),
            Argument::None => None,
            Argument::Other => return None,
        };
        let rest = words.next().map_or(Rest::Nothing, |word| rest_of(&line[word]));
        // Last, because it may have to read the file system: other programs have a command of that name too.
        if !is_twolock(program) {
            return None;
        }
        let profile = at.clone().map(|at| &line[at]);
        Some(Self { program, profile, at: at.unwrap_or(verb.end..verb.end), start, sets, rest })
    }
}

/// Flags of `env` that take the next word.
const TAKES_A_WORD: [&str; 4] = ["-u", "--unset", "-C", "--chdir"];

/// A word that may stand before the program.
fn is_prefix(word: &str) -> bool {
    word.starts_with('-') || is_assignment(word)
}

/// The variable of an assignment that twolock or the home directory depends on.
fn set_for_twolock(word: &str) -> Option<&str> {
    let (name, _) = word.split_once('=').filter(|_| is_assignment(word))?;
    let is_read = name == "HOME" || ["AWS_", "TWOLOCK_", "XDG_"].iter().any(|prefix| name.starts_with(prefix));
    is_read.then_some(name)
}

fn rest_of(word: &str) -> Rest<'_> {
    let is_operator = word.trim_start_matches(|c: char| c.is_ascii_digit()).starts_with(['>', '<', '|', '&', ';']);
    if is_operator { Rest::ForShell(word) } else { Rest::Refused(word) }
}

const SHELLS: [&str; 5] = ["sh", "bash", "dash", "zsh", "ksh"];

fn file_name(program: &str) -> &str {
    program.rsplit(['/', '\\']).next().unwrap_or_default()
}

/// `-c`, also among others: `-lc`.
fn is_command_flag(word: &str) -> bool {
    word.starts_with('-') && word.ends_with('c')
}

/// `X=1`, `PATH=/opt/bin`.
fn is_assignment(word: &str) -> bool {
    let name = word.split_once('=').map_or("", |(name, _)| name);
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

/// What is inside the quotes, if one pair of them is around the whole line and more than a program is in it.
fn whole_command(line: &str, word: &Span, after: usize, end: usize) -> Option<Span> {
    let is_quoted = after > word.end && line[after..end].trim().is_empty();
    (is_quoted && line[word.clone()].contains(' ')).then(|| word.clone())
}

/// Whether a path names twolock: by its file name, also with a version, or as this executable under any name.
fn is_twolock(program: &str) -> bool {
    let name = file_name(program);
    name.eq_ignore_ascii_case("twolock.exe")
        || name.strip_prefix("twolock").is_some_and(is_version)
        || own_program::is_this(program)
}

/// Nothing, `2`, `-1.2.3`, `-v1.2.exe`; not `-wrapper`.
fn is_version(rest: &str) -> bool {
    rest.is_empty() || rest.trim_start_matches(['-', '_', 'v']).starts_with(|c: char| c.is_ascii_digit())
}

enum Argument {
    Is(Span),
    None,
    /// A flag that is not ours.
    Other,
}

/// `--profile NAME`, `--profile=NAME`, or the first word that is not a flag.
fn profile_argument(line: &str, words: &mut impl Iterator<Item = Span>) -> Argument {
    let Some(word) = words.next() else { return Argument::None };
    let text = &line[word.clone()];
    let at = match text.strip_prefix("--profile=") {
        _ if text == "--profile" => words.next().unwrap_or(word.end..word.end),
        Some(name) => {
            let quoted =
                name.len() > 1 && name.starts_with(['"', '\'']) && name.ends_with(name.chars().next().unwrap_or(' '));
            let quote = usize::from(quoted);
            word.end - name.len() + quote..word.end - quote
        }
        None if text.starts_with('-') => return Argument::Other,
        None => word,
    };
    if at.is_empty() { Argument::None } else { Argument::Is(at) }
}

/// Flags that are allowed anywhere.
fn is_flag_of_ours(word: &str) -> bool {
    let is_verbose = word.strip_prefix('-').is_some_and(|v| !v.is_empty() && v.bytes().all(|b| b == b'v'));
    is_verbose || word == "--verbose" || word == "--code-stdin"
}

/// Words between blanks; one in quotes may hold blanks, as a path on Windows does.
struct Words<'a> {
    line: &'a str,
    at: usize,
}

impl Iterator for Words<'_> {
    type Item = Range<usize>;

    fn next(&mut self) -> Option<Span> {
        let rest = &self.line[self.at..];
        let start = self.at + (rest.len() - rest.trim_ascii_start().len());
        let text = &self.line[start..];
        let quote = text.chars().next().filter(|c| matches!(c, '"' | '\''));
        let word = match quote {
            Some(quote) => start + 1..start + 1 + text[1..].find(quote)?,
            None => start..start + text.find(|c: char| c.is_ascii_whitespace()).unwrap_or(text.len()),
        };
        self.at = word.end + usize::from(quote.is_some());
        (!text.is_empty()).then_some(word)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_profile_of_a_line_is_found() {
        for (line, expected) in [
            ("twolock credential-process --profile p", Some(("twolock", "p"))),
            ("/usr/bin/twolock  credential-process\tp", Some(("/usr/bin/twolock", "p"))),
            (r"C:\x\twolock.exe credential-process --profile=p -v", Some((r"C:\x\twolock.exe", "p"))),
            (
                r#""C:\Program Files\twolock\TwoLock.EXE" credential-process --profile p"#,
                Some((r"C:\Program Files\twolock\TwoLock.EXE", "p")),
            ),
            ("'/opt/my tools/twolock' credential-process --profile 'a b'", Some(("/opt/my tools/twolock", "a b"))),
            ("twolock -vv credential-process --verbose p", Some(("twolock", "p"))),
            ("twolock credential-process --profile -x", Some(("twolock", "-x"))),
            ("/opt/twolock-1.2 credential-process --profile p", Some(("/opt/twolock-1.2", "p"))),
            ("twolock2 credential-process --profile p", Some(("twolock2", "p"))),
            ("twolock-v1.2.3-rc1 credential-process --profile p", Some(("twolock-v1.2.3-rc1", "p"))),
            ("/opt/twolock-wrapper credential-process --profile p", None),
            ("granted credential-process --profile p", None),
            ("/usr/bin/granted credential-process --profile p", None),
            ("/usr/bin/aws_signing_helper credential-process --profile-arn p", None),
            ("twolock env p", None),
            ("twolock credential-process --other p", None),
            ("other credential-process p", None),
            ("mytwolock credential-process p", None),
            ("TWOLOCK credential-process p", None),
            ("sh -c 'other credential-process p'", None),
            ("sh 'twolock credential-process p'", None),
            (r#""twolock credential-process p"#, None),
            (r#""" credential-process p"#, None),
            ("  ", None),
            ("", None),
        ] {
            let found = ProcessLine::parse(line);
            assert_eq!(found.as_ref().map(|line| (line.program, line.profile.unwrap())), expected, "{line}");
            assert!(found.is_none_or(|found| &line[found.at.clone()] == found.profile.unwrap()), "{line}");
        }
    }

    #[test]
    fn a_line_may_start_it_in_other_ways_and_may_name_no_profile() {
        for (line, start, profile) in [
            ("twolock credential-process", Start::Direct, None),
            ("twolock credential-process --profile", Start::Direct, None),
            ("twolock credential-process --profile= ", Start::Direct, None),
            ("\"twolock credential-process --profile p\"", Start::Quoted, Some("p")),
            ("'twolock credential-process p' ", Start::Quoted, Some("p")),
            ("X=/x/y twolock credential-process p", Start::Assigned, Some("p")),
            ("env A=1 B=2 twolock credential-process --profile p", Start::Env, Some("p")),
            ("/usr/bin/env -i twolock credential-process p", Start::Env, Some("p")),
            ("sh -c \"twolock credential-process --profile p\"", Start::Shell, Some("p")),
            ("/bin/bash -lc 'A=1 twolock credential-process p'", Start::Shell, Some("p")),
            ("sh -c 'twolock credential-process'", Start::Shell, None),
            ("env -u AWS_PROFILE twolock credential-process p", Start::Env, Some("p")),
            ("twolock credential-process --code-stdin --profile=\"p\"", Start::Direct, Some("p")),
        ] {
            let found = ProcessLine::parse(line).unwrap_or_else(|| panic!("{line}"));
            assert_eq!((found.program, found.start, found.profile), ("twolock", start, profile), "{line}");
            assert!(profile.is_none_or(|profile| &line[found.at.clone()] == profile), "{line}");
        }
    }

    #[test]
    fn what_follows_the_profile_and_variables_that_twolock_reads_are_told() {
        for (line, rest, sets) in [
            ("twolock credential-process p", Rest::Nothing, None),
            ("twolock credential-process p -v", Rest::Nothing, None),
            ("twolock credential-process --profile p 2>/dev/null", Rest::ForShell("2>/dev/null"), None),
            ("twolock credential-process p || true", Rest::ForShell("||"), None),
            ("twolock credential-process p q", Rest::Refused("q"), None),
            ("twolock credential-process --profile p --bogus", Rest::Refused("--bogus"), None),
            ("twolock credential-process --profile \"p\"x", Rest::Refused("x"), None),
            ("env A=1 AWS_CONFIG_FILE=/x twolock credential-process p", Rest::Nothing, Some("AWS_CONFIG_FILE")),
            ("HOME=/x twolock credential-process p", Rest::Nothing, Some("HOME")),
        ] {
            let found = ProcessLine::parse(line).unwrap_or_else(|| panic!("{line}"));
            assert_eq!((found.profile, found.rest, found.sets), (Some("p"), rest, sets), "{line}");
        }
    }

    #[test]
    fn this_executable_is_recognized_by_any_name_and_another_one_is_not() {
        let directory = tempfile::tempdir().unwrap();
        let running = std::env::current_exe().unwrap();
        let (ours, other) = (directory.path().join("tl2"), directory.path().join("granted"));
        #[cfg(unix)]
        std::os::unix::fs::symlink(&running, &ours).unwrap();
        std::fs::write(&other, "").unwrap();
        let profile_of = |program: &std::path::Path| {
            let line = format!("'{}' credential-process --profile p", program.display());
            ProcessLine::parse(&line).map(|line| line.profile.unwrap().to_owned())
        };
        assert_eq!(profile_of(&running).as_deref(), Some("p"));
        assert_eq!(profile_of(&ours).is_some(), cfg!(unix));
        assert_eq!(profile_of(&other), None);
    }
}
