//! Prose wrapped to the terminal's width.

use crate::text::width::columns;

/// How a command begins that ends a text; it is one piece, because it is there to be pasted.
const COMMANDS: [&str; 5] = [": twolock ", ": eval \"$(", ": unset AWS_", ": set -e AWS_", ": Remove-Item Env:"];

/// Breaks a text between its words, so that each line fits; continuation lines are indented two more spaces.
pub fn wrapped(text: &str, indent: &str, width: Option<usize>) -> String {
    let Some(width) = width else { return format!("{indent}{text}\n") };
    let (mut lines, mut line) = (String::new(), indent.to_owned());
    let mut is_empty = true;
    let command = COMMANDS.iter().filter_map(|begin| text.find(begin).map(|at| at + 2)).min();
    let (words, command) = command.map_or((text, None), |at| (&text[..at - 1], Some(&text[at..])));
    for word in words.split(' ').chain(command) {
        if !is_empty && columns(&line) + 1 + columns(word) > width {
            lines += &format!("{line}\n");
            line = format!("{indent}  ");
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
            ("two  blanks", "", Some(5), "two \n  blanks\n"),
            ("日本 語 x", "", Some(7), "日本 語\n  x\n"),
            ("e\u{301}e\u{301} e\u{301}", "", Some(4), "e\u{301}e\u{301} e\u{301}\n"),
        ] {
            assert_eq!(wrapped(text, indent, width), expected);
        }
    }

    #[test]
    fn a_command_at_the_end_is_never_broken() {
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
            ("TWOLOCK_MFA_CODE is not UTF-8: unset it", "TWOLOCK_MFA_CODE is\n  not UTF-8: unset\n  it\n"),
        ] {
            assert_eq!(wrapped(text, "", Some(19)), expected);
            assert_eq!(wrapped(text, "", None), format!("{text}\n"));
        }
    }
}
