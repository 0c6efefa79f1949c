//! What a person sees: the bytes of a terminal played onto rows.

pub const BOLD: &str = "\x1b[1m";
pub const PLAIN: &str = "\x1b[0m";

/// The text without its styles.
pub fn without_styles(text: &str) -> String {
    text.replace(BOLD, "").replace(PLAIN, "")
}

/// Plays `bytes` onto a screen of this width and returns its rows. Knows only what we send, and fails on all else.
pub fn rows(bytes: &[u8], width: usize) -> Vec<String> {
    let text = String::from_utf8_lossy(bytes).into_owned();
    let mut rows: Vec<Vec<char>> = vec![vec![' '; width]];
    let (mut row, mut column) = (0usize, 0usize);
    let mut rest = text.as_str();
    while let Some(c) = rest.chars().next() {
        let mut used = c.len_utf8();
        match c {
            '\r' => column = 0,
            '\n' => row += 1,
            '\x08' => column = column.saturating_sub(1),
            '\x07' => {}
            '\x1b' if rest.starts_with("\x1b[2K") => {
                rows[row] = vec![' '; width];
                used = 4;
            }
            '\x1b' if rest.starts_with("\x1b[A") => {
                row = row.saturating_sub(1);
                used = 3;
            }
            '\x1b' if rest.starts_with(BOLD) || rest.starts_with(PLAIN) => used = BOLD.len(),
            c if c.is_control() => panic!("{c:?} reached the terminal: {text:?}"),
            c => {
                if column == width {
                    (row, column) = (row + 1, 0);
                }
                rows.resize(rows.len().max(row + 1), vec![' '; width]);
                rows[row][column] = c;
                column += 1;
            }
        }
        rows.resize(rows.len().max(row + 1), vec![' '; width]);
        rest = &rest[used..];
    }
    rows.into_iter().map(|row| row.into_iter().collect::<String>().trim_end().to_owned()).collect()
}

#[test]
fn the_screen_wraps_and_erases() {
    assert_eq!(rows(b"abcdef\r\nx", 4), ["abcd", "ef", "x"]);
    assert_eq!(rows(b"abcdef\r\n\r\x1b[2K\x1b[A\x1b[2K\x1b[A\x1b[2K", 4), ["", "", ""]);
    assert_eq!(rows(b"abcd\r\nx", 4), ["abcd", "x"]);
    assert_eq!(rows(b"ab\x1b[1mcd\x1b[0me", 4), ["abcd", "e"], "styles have no width");
}
