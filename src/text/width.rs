//! How wide text is on a terminal, and how it is made to fit. For text that is escaped already.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Returns the columns a text takes. Wide scripts and emoji take two, combining characters none; a control character,
/// which only what somebody types can hold, is echoed as `^X`.
pub(crate) fn columns(text: &str) -> usize {
    // Most text, for far less than looking up each character.
    if text.bytes().all(|byte| (b' '..=b'~').contains(&byte)) {
        return text.len();
    }
    text.width() + text.chars().filter(|c| c.is_control()).count()
}

/// Returns the text with trailing blanks, so that what follows is aligned.
pub(crate) fn padded(text: &str, width: usize) -> String {
    format!("{text}{}", " ".repeat(width.saturating_sub(columns(text))))
}

/// Cuts the middle out of a text that is too wide: names that differ do so at either end.
pub(crate) fn cut_middle(text: &str, widest: usize) -> String {
    if columns(text) <= widest {
        return text.to_owned();
    }
    let head = widest.saturating_sub(1).div_ceil(2);
    let start = fitting(text.chars(), head);
    let end: String = fitting(text.chars().rev(), widest.saturating_sub(1) - head).chars().rev().collect();
    // A combining character whose base was cut off would sit on the `…`.
    format!("{start}…{}", end.trim_start_matches(|c| most_columns(c) == 0))
}

fn fitting(characters: impl Iterator<Item = char>, widest: usize) -> String {
    let mut room = widest;
    characters.take_while(|&c| room.checked_sub(most_columns(c)).map(|left| room = left).is_some()).collect()
}

/// The most columns a character adds, whatever is next to it: these two selectors widen what they follow.
fn most_columns(c: char) -> usize {
    const WIDENING: [char; 2] = ['\u{fe01}', '\u{fe0f}'];
    if WIDENING.contains(&c) { 1 } else { c.width().unwrap_or(2) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_counted_as_a_terminal_draws() {
        for (text, expected) in [
            ("prod", 4),
            ("größer", 6),
            ("gro\u{308}ßer", 6),
            ("本番", 4),
            ("ｐｒｏｄ", 8),
            ("한글", 4),
            ("\u{1112}\u{1161}\u{11ab}", 2),
            ("🦀🚀", 4),
            ("❤\u{fe0f}", 2),
            ("🇩🇪", 2),
            ("…", 1),
            ("12\u{3}4", 5),
        ] {
            assert_eq!(columns(text), expected, "{text:?}");
        }
    }

    #[test]
    fn what_is_too_wide_keeps_both_its_ends() {
        for (text, widest, shown) in [
            ("short", 5, "short"),
            ("abcdefghij", 7, "abc…hij"),
            ("abcdefghij", 6, "abc…ij"),
            ("漢字漢字漢字", 7, "漢…字"),
            ("e\u{301}e\u{301}e\u{301}e\u{301}", 3, "e\u{301}…e\u{301}"),
            ("abcdef🦀\u{301}", 4, "ab…"),
            ("abc", 1, "…"),
        ] {
            assert_eq!(cut_middle(text, widest), shown);
        }
    }

    #[test]
    fn what_was_cut_fits_whatever_it_is_made_of() {
        let pieces = ["a", "漢", "e\u{301}", "❤\u{fe0f}", "👍🏽", "🇩🇪", "\u{fe0f}", "‘\u{fe01}", "\u{1112}\u{1161}"];
        for (one, other) in pieces.iter().flat_map(|one| pieces.iter().map(move |other| (one, other))) {
            let text = format!("{one}{other}").repeat(20);
            for widest in 1..=columns(&text) {
                let cut = cut_middle(&text, widest);
                assert!(columns(&cut) <= widest, "{cut:?} in {widest}");
            }
        }
    }
}
