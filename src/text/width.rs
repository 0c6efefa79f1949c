//! How wide text is on a terminal, and how it is made to fit. Made for text that was made visible before.

/// Cuts the middle out of text that is too wide: names that differ do so at either end.
pub fn shorten(text: &str, widest: usize) -> String {
    if columns(text) <= widest {
        return text.to_owned();
    }
    let head = widest.saturating_sub(1).div_ceil(2);
    let start = taken(text.chars(), head);
    let end = taken(text.chars().rev(), widest.saturating_sub(1) - head);
    format!("{start}…{}", end.chars().rev().collect::<String>())
}

fn taken(characters: impl Iterator<Item = char>, widest: usize) -> String {
    let mut room = widest;
    characters.take_while(|&c| room.checked_sub(column(c)).map(|left| room = left).is_some()).collect()
}

/// Returns the columns a text takes, rather too many.
pub fn columns(text: &str) -> usize {
    text.chars().map(column).sum()
}

/// Columns a character takes, rather one too many: wide scripts take two, and control characters echo as `^X`.
fn column(c: char) -> usize {
    if c == '…' || c.is_ascii() && !c.is_control() { 1 } else { 2 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_too_wide_keeps_both_its_ends() {
        for (text, widest, shown) in [
            ("short", 5, "short"),
            ("abcdefghij", 7, "abc…hij"),
            ("abcdefghij", 6, "abc…ij"),
            ("漢字漢字漢字", 7, "漢…字"),
            ("abc", 1, "…"),
        ] {
            assert_eq!(shorten(text, widest), shown);
        }
    }
}
