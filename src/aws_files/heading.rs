//! What a header names: a profile, another section, or nearly a profile.

use serde::{Deserialize, Serialize};

use crate::text::near::distance;

/// Which of the two files; they name their profiles differently.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FileKind {
    /// `[profile NAME]` and `[default]`.
    Config,
    /// `[NAME]`.
    Credentials,
}

/// What a header names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Heading<'a> {
    /// `[default]` in the config file, hidden by `[profile default]`.
    PlainDefault,
    Profile(&'a [u8]),
    /// `[KIND NAME]` in the config file.
    Other(&'a [u8], &'a [u8]),
    /// Nothing that any reader knows.
    Unknown,
}

impl<'a> Heading<'a> {
    pub(super) fn profile(self) -> Option<&'a [u8]> {
        match self {
            Heading::PlainDefault => Some(b"default"),
            Heading::Profile(name) => Some(name),
            Heading::Other(..) | Heading::Unknown => None,
        }
    }
}

pub(super) fn heading(kind: FileKind, inside: &[u8]) -> Heading<'_> {
    let blank = memchr::memchr2(b' ', b'\t', inside);
    let (word, rest) = blank.map_or((inside, &b""[..]), |at| (&inside[..at], &inside[at..]));
    match (kind, word) {
        (_, b"") => Heading::Unknown,
        (FileKind::Credentials, b"profile") if !rest.is_empty() => Heading::Unknown,
        (FileKind::Credentials, _) => Heading::Profile(inside),
        (FileKind::Config, b"default") if rest.is_empty() => Heading::PlainDefault,
        (FileKind::Config, word) => match (word, unquoted(rest.trim_ascii_start())) {
            (_, b"") => Heading::Unknown,
            (b"profile", name) => Heading::Profile(name),
            (word, name) => Heading::Other(word, name),
        },
    }
}

/// Only botocore and JS strip quotes, and only the AWS CLI writes them (aws-contract 1.2, 1.4).
fn unquoted(name: &[u8]) -> &[u8] {
    match name {
        [open @ (b'"' | b'\''), inner @ .., close] if open == close => inner,
        _ => name,
    }
}

/// How people write `default`, of which SDKs read only the first.
pub(super) const DEFAULTS: [&str; 3] = ["default", "Default", "DEFAULT"];

/// Sections of the config file that are no profiles, and are right.
const OTHER_SECTIONS: [&str; 6] = ["plugins", "preview", "toplevel", "services", "sso-session", "profile"];

/// Returns the profile that a header was probably meant to name, if no SDK reads it so: `[prod]`, `[Profile prod]` or
/// `[profile prod` in the config file, `[profile prod]` in the credentials file. Without `]`, there is nothing inside.
pub(super) fn nearly_named(kind: FileKind, inside: Option<&[u8]>, header: &[u8]) -> Option<String> {
    let is_profile = |inside: &[u8]| heading(kind, inside.trim_ascii()).profile().is_some();
    if kind == FileKind::Config && inside.is_some_and(is_profile) {
        return None;
    }
    let text = String::from_utf8_lossy(inside.unwrap_or_else(|| unclosed(header)));
    let is_closed = inside.is_some();
    let text = unwrapped(text.trim());
    let one_word = || Some(text).filter(|word| !word.is_empty() && !word.contains(char::is_whitespace));
    let name = match (behind_profile(kind, text), kind) {
        (Some(name), _) => name,
        (None, FileKind::Config) => one_word().filter(|word| !OTHER_SECTIONS.contains(word))?,
        (None, FileKind::Credentials) => one_word().filter(|_| !is_closed)?,
    };
    let is_default = kind == FileKind::Config && DEFAULTS.contains(&name);
    Some(if is_default { "default" } else { name }.into())
}

/// The name in `[Profile NAME]`, `[profiles NAME]` and, where a name cannot hold these characters, `[profile:NAME]`,
/// `[profile/NAME]`, `[profile=NAME]` and `[profile"NAME"]`.
fn behind_profile(kind: FileKind, text: &str) -> Option<&str> {
    let is_gap = |c: char| c.is_whitespace() || (":/=".contains(c) && kind == FileKind::Config);
    let is_opening = |c: char| kind == FileKind::Config && WRAPPERS.iter().any(|(open, _)| *open == c);
    let (word, name) = text.split_at(text.find(|c| is_gap(c) || is_opening(c))?);
    let name = unwrapped(name.trim_start_matches(is_gap));
    let is_meant = !name.is_empty() && distance(&word.to_lowercase(), "profile", 2).is_some();
    is_meant.then_some(name)
}

/// What people put around names in documents, and then into the file.
const WRAPPERS: [(char, char); 5] = [('"', '"'), ('\'', '\''), ('(', ')'), ('{', '}'), ('<', '>')];

fn unwrapped(text: &str) -> &str {
    let inner = WRAPPERS.iter().find_map(|(open, close)| text.strip_prefix(*open)?.strip_suffix(*close));
    inner.map_or(text, str::trim)
}

/// A header without `]`: what follows `[`, up to a comment.
fn unclosed(header: &[u8]) -> &[u8] {
    let text = header.trim_ascii_start().strip_prefix(b"[").unwrap_or_default();
    &text[..memchr::memchr2(b'#', b';', text).unwrap_or(text.len())]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(kind: FileKind, header: &str) -> Option<String> {
        let inside =
            header.strip_prefix('[').and_then(|rest| rest.split_once(']')).map(|(inside, _)| inside.as_bytes());
        nearly_named(kind, inside, header.as_bytes())
    }

    #[test]
    fn a_header_that_no_sdk_reads_as_a_profile_nearly_names_one() {
        for (header, name) in [
            ("[prod]", "prod"),
            ("[ prod ]", "prod"),
            ("[\"prod\"]", "prod"),
            ("[Profile prod]", "prod"),
            ("[PROFILE prod]", "prod"),
            ("[profiles prod]", "prod"),
            ("[proflie \"prod\"]", "prod"),
            ("[profile:prod]", "prod"),
            ("[profile\u{a0}prod]", "prod"),
            ("[profile/prod]", "prod"),
            ("[profile=prod]", "prod"),
            ("[profile\"prod\"]", "prod"),
            ("[profile(prod)]", "prod"),
            ("[(profile prod)]", "prod"),
            ("[\"profile prod\"]", "prod"),
            ("[<prod>]", "prod"),
            ("[profile-prod]", "profile-prod"),
            ("[profile prod", "prod"),
            ("[profile prod # c", "prod"),
            ("[prod", "prod"),
            ("[default", "default"),
            ("[Default]", "default"),
            ("[Profile default]", "default"),
        ] {
            assert_eq!(near(FileKind::Config, header).as_deref(), Some(name), "{header}");
        }
        for (header, name) in
            [("[profile prod]", "prod"), ("[Profile prod]", "prod"), ("[profile prod", "prod"), ("[prod", "prod")]
        {
            assert_eq!(near(FileKind::Credentials, header).as_deref(), Some(name), "{header}");
        }
    }

    #[test]
    fn sections_that_are_right_and_those_of_other_programs_name_no_profile() {
        for header in [
            "[default]",
            "[profile prod]",
            "[profile \"prod\"]",
            "[profile default]",
            "[plugins]",
            "[preview]",
            "[toplevel]",
            "[sso-session prod]",
            "[services prod]",
            "[mytool prod]",
            "[mytool prod",
            "[profile]",
            "[]",
            "[",
        ] {
            assert_eq!(near(FileKind::Config, header), None, "{header}");
        }
        for header in [
            "[prod]",
            "[profile]",
            "[profile:prod]",
            "[profile/prod]",
            "[(prod)]",
            "[my prod]",
            "[Default]",
            "[my prod",
            "[",
        ] {
            assert_eq!(near(FileKind::Credentials, header), None, "{header}");
        }
    }
}
