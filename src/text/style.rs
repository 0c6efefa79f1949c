//! Styles on a terminal. Red and magenta, bold, are read on light and on dark screens alike; yellow and cyan are not.

const BOLD: &str = "\x1b[1m";
const BOLD_RED: &str = "\x1b[1;31m";
const BOLD_MAGENTA: &str = "\x1b[1;35m";
const RESET: &str = "\x1b[0m";

/// Text in bold, if styles are wanted.
pub fn bold(text: &str, is_styled: bool) -> String {
    styled(text, BOLD, is_styled)
}

/// Text in bold and red, if styles are wanted.
pub fn bold_red(text: &str, is_styled: bool) -> String {
    styled(text, BOLD_RED, is_styled)
}

/// A label with its colon, such as `error:`.
pub fn label(word: &str, is_styled: bool) -> String {
    let text = format!("{word}:");
    match word {
        "error" => styled(&text, BOLD_RED, is_styled),
        "warning" => styled(&text, BOLD_MAGENTA, is_styled),
        "fix" | "hint" => bold(&text, is_styled),
        _ => text,
    }
}

fn styled(text: &str, style: &str, is_styled: bool) -> String {
    if is_styled { format!("{style}{text}{RESET}") } else { text.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_styled_only_where_it_is_wanted() {
        for (word, styled) in [
            ("error", "\x1b[1;31merror:\x1b[0m"),
            ("warning", "\x1b[1;35mwarning:\x1b[0m"),
            ("fix", "\x1b[1mfix:\x1b[0m"),
            ("hint", "\x1b[1mhint:\x1b[0m"),
            ("info", "info:"),
            ("note", "note:"),
        ] {
            assert_eq!((label(word, true), label(word, false)), (styled.to_string(), format!("{word}:")));
        }
        assert_eq!((bold_red("old", true), bold_red("old", false)), ("\x1b[1;31mold\x1b[0m".into(), "old".into()));
        assert_eq!((bold("prod", true), bold("prod", false)), ("\x1b[1mprod\x1b[0m".into(), "prod".into()));
    }
}
