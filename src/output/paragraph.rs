//! Prose wrapped to the terminal's width.

use crate::text::width::columns;

/// Breaks a text between its words, so that each line fits; continuation lines are indented two more spaces.
pub fn wrapped(text: &str, indent: &str, width: Option<usize>) -> String {
    let Some(width) = width else { return format!("{indent}{text}\n") };
    let (mut lines, mut line) = (String::new(), indent.to_owned());
    let mut is_empty = true;
    for word in text.split(' ') {
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
}
