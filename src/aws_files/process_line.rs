//! Whether a `credential_process` is twolock itself, and for which profile.

use std::ops::Range;

use super::section::Span;
use crate::system::own_program;

/// A `credential_process` that runs twolock for a profile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProcessLine<'a> {
    /// Without quotes.
    pub program: &'a str,
    pub profile: &'a str,
    /// Where the profile's name is in the line.
    pub at: Span,
}

impl<'a> ProcessLine<'a> {
    /// Parses a line; none if it runs another program, or names no profile.
    pub fn parse(line: &'a str) -> Option<Self> {
        let mut words = Words { line, at: 0 };
        let program = &line[words.next()?];
        let mut words = words.filter(|word| !is_verbose(&line[word.clone()]));
        if &line[words.next()?] != "credential-process" {
            return None;
        }
        let at = profile_argument(line, words)?;
        // Last, because it may have to read the file system: other programs have a command of that name too.
        if !is_twolock(program) {
            return None;
        }
        Some(Self { program, profile: &line[at.clone()], at })
    }
}

/// Whether a path names twolock: by its file name, also with a version, or as this executable under any name.
fn is_twolock(program: &str) -> bool {
    let name = program.rsplit(['/', '\\']).next().unwrap_or_default();
    name.eq_ignore_ascii_case("twolock.exe")
        || name.strip_prefix("twolock").is_some_and(is_version)
        || own_program::is_this(program)
}

/// Nothing, `2`, `-1.2.3`, `-v1.2.exe`; not `-wrapper`.
fn is_version(rest: &str) -> bool {
    rest.is_empty() || rest.trim_start_matches(['-', '_', 'v']).starts_with(|c: char| c.is_ascii_digit())
}

/// `--profile NAME`, `--profile=NAME`, or the first word that is not a flag.
fn profile_argument(line: &str, mut words: impl Iterator<Item = Span>) -> Option<Span> {
    let word = words.next()?;
    let text = &line[word.clone()];
    let at = match text.strip_prefix("--profile=") {
        _ if text == "--profile" => words.next()?,
        Some(name) => word.end - name.len()..word.end,
        None if text.starts_with('-') => return None,
        None => word,
    };
    (!at.is_empty()).then_some(at)
}

/// `-v` is allowed anywhere.
fn is_verbose(word: &str) -> bool {
    word == "--verbose" || word.strip_prefix('-').is_some_and(|v| !v.is_empty() && v.bytes().all(|b| b == b'v'))
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
            ("twolock credential-process", None),
            ("twolock credential-process --profile", None),
            ("twolock credential-process --profile=", None),
            ("twolock credential-process --other p", None),
            ("other credential-process p", None),
            ("mytwolock credential-process p", None),
            ("TWOLOCK credential-process p", None),
            ("sh -c 'twolock credential-process p'", None),
            (r#""twolock credential-process p"#, None),
            (r#""" credential-process p"#, None),
            ("  ", None),
            ("", None),
        ] {
            let found = ProcessLine::parse(line);
            assert_eq!(found.as_ref().map(|line| (line.program, line.profile)), expected, "{line}");
            assert!(found.is_none_or(|found| &line[found.at.clone()] == found.profile), "{line}");
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
            ProcessLine::parse(&line).map(|line| line.profile.to_owned())
        };
        assert_eq!(profile_of(&running).as_deref(), Some("p"));
        assert_eq!(profile_of(&ours).is_some(), cfg!(unix));
        assert_eq!(profile_of(&other), None);
    }
}
