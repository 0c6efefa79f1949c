//! Text from outside made visible before it reaches a terminal (threat-model P14), and secrets in it hidden (P52).

use std::borrow::Cow;

use crate::secret;
use crate::text::width::cut_middle;

/// Longest piece of foreign text shown, in characters.
pub const LONGEST: usize = 200;

/// Longest stretch between two values in quotes: our own words, or what could not be quoted.
const LONGEST_WORDS: usize = 400;

/// Longest line shown, escaped, whatever it is made of: ten hops with their places fit.
pub(crate) const LONGEST_LINE: usize = 2_000;

/// Enough text after [`LONGEST`] to recognize a secret that begins before it.
const BEHIND: usize = 200;

/// Returns `text` on one line, control, bidirectional and zero-width characters escaped, what looks like a secret masked,
/// cut at [`LONGEST`] characters.
pub fn visible(text: &str) -> String {
    let is_plain = text.len() <= LONGEST && text.bytes().all(|byte| (b' '..=b'~').contains(&byte));
    if is_plain {
        return secret::masked(text).into_owned();
    }
    let end = text.char_indices().nth(LONGEST + BEHIND).map_or(text.len(), |(at, _)| at);
    let masked = secret::masked(&text[..end]);
    let mut out = escape(masked.chars().take(LONGEST));
    if masked.chars().nth(LONGEST).is_some() || end < text.len() {
        out.push('…');
    }
    out
}

/// Returns `text` on one line with the same escapes, however long: for lines we composed ourselves out of short pieces.
pub fn one_line(text: &str) -> String {
    escape(secret::masked(text).chars())
}

/// Returns a line of a file with the same escapes, its tabs kept: they are layout.
pub fn with_tabs(line: &str) -> String {
    secret::masked(line).split('\t').map(|piece| escape(piece.chars())).collect::<Vec<_>>().join("\t")
}

/// Returns the first [`LONGEST`] characters of `text`, raw: for what is quoted in a failure without quotes around it.
pub(crate) fn cut(text: &str) -> Cow<'_, str> {
    cut_at(text, LONGEST)
}

fn cut_at(text: &str, longest: usize) -> Cow<'_, str> {
    match text.char_indices().nth(longest) {
        Some((end, _)) => Cow::Owned(format!("{}…", &text[..end])),
        None => Cow::Borrowed(text),
    }
}

/// Returns a line of our own words with raw values of others in single quotes: on one line, escaped, secrets masked,
/// every value cut at [`LONGEST`] characters. A value may hold quotes itself, so the whole has a bound as well.
pub fn sentence(text: &str) -> String {
    let masked = secret::masked(text);
    let cut = |(piece, is_quoted)| cut_at(piece, if is_quoted { LONGEST } else { LONGEST_WORDS });
    let pieces: Vec<Cow<'_, str>> = masked.split('\'').zip([false, true].into_iter().cycle()).map(cut).collect();
    cut_middle(&escape(pieces.join("'").chars()), LONGEST_LINE)
}

/// Returns a value that was refused, as a failure may quote it: itself, or a mask where it could hold a secret.
pub fn refused(value: &str) -> &str {
    if secret::may_be_in(value) { secret::MASK } else { value }
}

/// Returns JSON that means the same, its hidden characters escaped: a terminal may obey U+009B as it does ESC `[`.
pub fn in_json(document: &str) -> Cow<'_, str> {
    // In a string, JSON escapes the control characters of ASCII but DEL; between strings there are only line feeds.
    if document.is_ascii() && memchr::memchr(b'\x7f', document.as_bytes()).is_none() {
        return Cow::Borrowed(document);
    }
    let mut out = String::with_capacity(document.len());
    for c in document.chars() {
        if c == '\n' || !is_hidden(c) {
            out.push(c);
        } else {
            c.encode_utf16(&mut [0; 2]).iter().for_each(|unit| out.push_str(&format!("\\u{unit:04x}")));
        }
    }
    Cow::Owned(out)
}

/// Returns `text` as one word of the platform's shells, for commands to paste.
pub fn as_word(text: &str) -> String {
    if cfg!(windows) { as_windows_word(text) } else { as_posix_word(text) }
}

fn as_posix_word(text: &str) -> String {
    let quoted = || format!("'{}'", visible(text).replace('\'', r"'\''"));
    // To zsh `=ls` is the path of a program.
    if is_plain(text, "/_-.+@%:,=") && !text.starts_with('=') { text.into() } else { quoted() }
}

/// Double quotes serve PowerShell and cmd; what PowerShell would expand within them gets its single ones.
fn as_windows_word(text: &str) -> String {
    match visible(text) {
        _ if is_plain(text, r"\/_-.+:=") => text.into(),
        shown if shown.contains(['$', '`', '"']) => format!("'{}'", shown.replace('\'', "''")),
        shown => format!("\"{shown}\""),
    }
}

fn is_plain(text: &str, marks: &str) -> bool {
    !text.is_empty() && !secret::is_in(text) && text.chars().all(|c| c.is_ascii_alphanumeric() || marks.contains(c))
}

fn escape(chars: impl Iterator<Item = char>) -> String {
    let mut out = String::new();
    for c in chars {
        if is_hidden(c) { out.extend(c.escape_unicode()) } else { out.push(c) }
    }
    out
}

/// Returns the first character of `text` that looks like a blank or like nothing, by its number: `U+00A0`.
pub fn invisible_in(text: &str) -> Option<String> {
    let invisible = text.chars().find(|c| !c.is_ascii() && is_hidden(*c))?;
    Some(format!("U+{:04X}", u32::from(invisible)))
}

fn is_hidden(c: char) -> bool {
    c.is_control()
        || (c.is_whitespace() && c != ' ')
        || matches!(u32::from(c),
            0xAD | 0x34F | 0x61C | 0x115F..=0x1160 | 0x17B4..=0x17B5 | 0x180B..=0x180F | 0x200B..=0x200F | 0x2028..=0x202E
                | 0x2060..=0x206F | 0x3164 | 0xFEFF | 0xFFA0 | 0xFFF9..=0xFFFB | 0xE0000..=0xE007F)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_and_marks_that_could_deceive_are_spelled_out() {
        for (raw, shown) in [
            ("\x1b[31mred", "\\u{1b}[31mred"),
            ("two\nlines\r", "two\\u{a}lines\\u{d}"),
            ("\u{202e}gnp.exe", "\\u{202e}gnp.exe"),
            ("zero\u{200b}width", "zero\\u{200b}width"),
            ("\u{9b}31m", "\\u{9b}31m"),
            ("del\u{7f}", "del\\u{7f}"),
            ("prod\u{3164}", "prod\\u{3164}"),
            ("grüße 日本", "grüße 日本"),
        ] {
            assert_eq!(visible(raw), shown);
        }
    }

    #[test]
    fn what_cannot_be_seen_is_named_by_its_number() {
        for (text, named) in [("a\u{a0}b", "U+00A0"), ("\u{feff}x", "U+FEFF"), ("a\u{e0001}", "U+E0001")] {
            assert_eq!(invisible_in(text).as_deref(), Some(named));
        }
        assert_eq!(invisible_in("grüße 日本\t\n"), None);
    }

    #[test]
    fn text_is_one_word_of_the_command_to_paste() {
        for (text, word) in [
            ("/a/b-c_d.e", "/a/b-c_d.e"),
            ("/a b", "'/a b'"),
            ("/a'b", r"'/a'\''b'"),
            ("/$x", "'/$x'"),
            ("=ls", "'=ls'"),
            ("", "''"),
            ("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "'***'"),
        ] {
            assert_eq!(as_posix_word(text), word);
        }
        for (text, word) in [
            (r"C:\a\b-c_d.e", r"C:\a\b-c_d.e"),
            (r"C:\Program Files\x", "\"C:\\Program Files\\x\""),
            ("it's", "\"it's\""),
            ("a,b", "\"a,b\""),
            ("$x's", "'$x''s'"),
            ("", "\"\""),
        ] {
            assert_eq!(as_windows_word(text), word);
        }
    }

    #[test]
    fn hidden_characters_in_json_are_escaped_and_mean_the_same() {
        let value = serde_json::json!({"name": "a\u{9b}2J\u{7f}\u{202e}\u{e0001}\n", "plain": "grüße 日本"});
        let document = format!("{value:#}");
        let document = in_json(&document);
        assert_eq!(serde_json::from_str::<serde_json::Value>(&document).unwrap(), value);
        assert!(document.chars().all(|c| c == '\n' || !is_hidden(c)), "{document}");
        assert!(
            document.contains("grüße 日本") && document.contains(r"\u009b2J\u007f\u202e\udb40\udc01\n"),
            "{document}"
        );
    }

    #[test]
    fn what_looks_like_a_secret_is_masked_also_where_the_text_is_cut() {
        const SECRET: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
        assert_eq!(visible(&format!("a\n{SECRET}\u{a0}")), "a\\u{a}***\\u{a0}");
        assert_eq!(one_line(&format!("region '{SECRET}'\tx")), "region '***'\\u{9}x");
        assert_eq!(with_tabs(&format!("\tregion\t= '{SECRET}'\r")), "\tregion\t= '***'\\u{d}");
        for blanks in 150..=240 {
            let shown = visible(&format!("{}{SECRET} and more", " ".repeat(blanks)));
            assert!(!shown.contains("wJ") && shown.chars().count() <= LONGEST + 1, "{shown}");
        }
        assert_eq!((refused(&SECRET[..38]), refused("eu west"), refused("a\nb")), ("***", "eu west", "a\nb"));
    }

    #[test]
    fn long_text_is_cut() {
        let shown = visible(&"a".repeat(5_000));
        assert_eq!(shown.chars().count(), LONGEST + 1);
        assert!(shown.ends_with('…'));
    }
}
