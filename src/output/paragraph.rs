//! Prose wrapped to the terminal's width.

use crate::text::width::columns;

/// How a command begins that ends a text, after a colon.
const COMMANDS: [&str; 17] = [
    "twolock console ",
    "twolock env ",
    "twolock exec ",
    "twolock forget ",
    "twolock key ",
    "twolock login ",
    "twolock logout ",
    "twolock mfa ",
    "twolock profile ",
    "twolock settings ",
    "twolock setup",
    "twolock status",
    "twolock whoami ",
    "eval \"$(",
    "unset AWS_",
    "set -e AWS_",
    "Remove-Item Env:",
];

/// Breaks a text between its words, so that each line fits; continuation lines are indented two more spaces, or as the
/// words after a number are.
pub fn wrapped(text: &str, indent: &str, width: Option<usize>) -> String {
    let Some(width) = width else { return format!("{indent}{text}\n") };
    let behind_number = text.trim_start_matches(|c: char| c.is_ascii_digit()).strip_prefix(". ");
    let hang = behind_number.map_or(2, |words| text.len() - words.len());
    let (mut lines, mut line) = (String::new(), indent.to_owned());
    let mut is_empty = true;
    for word in pieces(text) {
        if !is_empty && columns(&line) + 1 + columns(word) > width {
            lines += &format!("{line}\n");
            line = format!("{indent}{:hang$}", "");
            is_empty = true;
        }
        if !is_empty {
            line.push(' ');
        }
        line += word;
        is_empty = false;
    }
    format!("{lines}{line}\n")
}

/// Breaks each line of a text so, at its own indent.
pub fn wrapped_lines(text: &str, width: Option<usize>) -> String {
    let line = |line: &str| {
        let words = line.trim_start();
        wrapped(words, &line[..line.len() - words.len()], width)
    };
    text.lines().map(line).collect()
}

/// The words of a text. A command in parentheses, or at the end, is one piece, because it is there to be pasted.
fn pieces(mut rest: &str) -> Vec<&str> {
    let mut pieces: Vec<&str> = Vec::new();
    loop {
        let word_end = |from: usize| rest[from..].find(' ').map_or(rest.len(), |at| from + at);
        let is_after_colon = pieces.last().is_some_and(|last| last.ends_with(':'));
        let end = match rest {
            _ if is_after_colon && COMMANDS.iter().any(|begin| rest.starts_with(begin)) => rest.len(),
            _ if rest.starts_with("(twolock ") => word_end(rest.find(')').unwrap_or(0)),
            _ => word_end(0),
        };
        pieces.push(&rest[..end]);
        let Some(next) = rest.get(end + 1..) else { return pieces };
        rest = next;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_broken_between_words_only() {
        for (text, indent, width, expected) in [
            ("one two three", "", None, "one two three\n"),
            ("one two three", "  ", Some(9), "  one two\n    three\n"),
            ("one two three", "", Some(13), "one two three\n"),
            ("a-word-longer-than-the-screen is", "", Some(8), "a-word-longer-than-the-screen\n  is\n"),
            ("1. one two three", "  ", Some(12), "  1. one two\n     three\n"),
            ("two  blanks", "", Some(5), "two \n  blanks\n"),
            ("日本 語 x", "", Some(7), "日本 語\n  x\n"),
            ("e\u{301}e\u{301} e\u{301}", "", Some(4), "e\u{301}e\u{301} e\u{301}\n"),
        ] {
            assert_eq!(wrapped(text, indent, width), expected);
        }
    }

    #[test]
    fn each_line_of_a_plan_is_broken_at_its_own_indent() {
        let plan = "user ana has no device\n  1. create a device\n     of it\n";
        let expected = "user ana has\n  no device\n  1. create a\n     device\n     of it\n";
        assert_eq!(wrapped_lines(plan, Some(14)), expected);
        assert_eq!(wrapped_lines(plan, None), plan);
    }

    #[test]
    fn a_command_is_never_broken() {
        for (text, expected) in [
            (
                "no terminal; run in a terminal: twolock login prod",
                "no terminal; run in\n  a terminal:\n  twolock login prod\n",
            ),
            (
                "twolock: hint: type: eval \"$(twolock env prod)\"",
                "twolock: hint:\n  type:\n  eval \"$(twolock env prod)\"\n",
            ),
            ("remove them: unset AWS_PROFILE AWS_REGION", "remove them:\n  unset AWS_PROFILE AWS_REGION\n"),
            (
                "not used (twolock profile adopt prod), and so on",
                "not used\n  (twolock profile adopt prod),\n  and so on\n",
            ),
            ("interrupted: twolock mfa enroll base", "interrupted:\n  twolock mfa enroll base\n"),
            ("an error: twolock cannot go on", "an error: twolock\n  cannot go on\n"),
            ("TWOLOCK_MFA_CODE is not UTF-8: unset it", "TWOLOCK_MFA_CODE is\n  not UTF-8: unset\n  it\n"),
        ] {
            assert_eq!(wrapped(text, "", Some(19)), expected);
            assert_eq!(wrapped(text, "", None), format!("{text}\n"));
        }
    }
}
