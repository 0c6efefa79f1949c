//! Aligned columns for people.

use crate::text::width::{columns, cut_middle};

/// The longest cell shown outside a terminal: one long name must not widen every row.
const LONGEST: usize = 100;

/// A cell is not cut shorter than this: the length of an account id.
const SHORTEST: usize = 12;

/// Rows under a header, two spaces between columns, none after the last one, for a terminal of `room` columns: the
/// widest cells are cut first. If that is not enough, the `spare` columns are left out, in their order. Escaping is up
/// to the caller.
pub fn table(header: &[&str], rows: &[Vec<String>], room: Option<usize>, spare: &[usize]) -> String {
    table_with(header, rows, room, spare, &[])
}

/// The same, where the cells of some columns are not cut.
pub fn table_with(
    header: &[&str],
    rows: &[Vec<String>],
    room: Option<usize>,
    spare: &[usize],
    whole: &[usize],
) -> String {
    let mut widths: Vec<usize> = natural_widths(header, rows).into_iter().map(|width| width.min(LONGEST)).collect();
    let Some(room) = room else { return drawn(header, rows, &widths) };
    let floor = |(at, width): (usize, &usize)| match whole.contains(&at) {
        true => *width,
        false => (*width).min(SHORTEST.max(columns(header[at]))),
    };
    let mut least: Vec<usize> = widths.iter().enumerate().map(floor).collect();
    let total = |widths: &[usize]| widths.iter().filter(|width| **width > 0).map(|width| width + 2).sum::<usize>() - 2;
    for &column in spare {
        if total(&least) > room {
            (least[column], widths[column]) = (0, 0);
        }
    }
    while total(&widths) > room {
        let may_shrink = |column: &usize| widths[*column] > least[*column];
        let Some(widest) = (0..widths.len()).filter(may_shrink).max_by_key(|&column| widths[column]) else { break };
        widths[widest] -= 1;
    }
    drawn(header, rows, &widths)
}

fn natural_widths(header: &[&str], rows: &[Vec<String>]) -> Vec<usize> {
    let mut widths: Vec<usize> = header.iter().map(|h| columns(h)).collect();
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(columns(cell));
        }
    }
    widths
}

/// A column without width is left out.
fn drawn(header: &[&str], rows: &[Vec<String>], widths: &[usize]) -> String {
    let mut text = String::new();
    draw(&mut text, header.iter().copied(), widths);
    rows.iter().for_each(|row| draw(&mut text, row.iter().map(String::as_str), widths));
    text
}

fn draw<'a>(text: &mut String, cells: impl Iterator<Item = &'a str>, widths: &[usize]) {
    let mut blanks = 0;
    for (cell, width) in cells.zip(widths).filter(|(_, width)| **width > 0) {
        if !cell.is_empty() {
            text.extend(std::iter::repeat_n(' ', blanks));
            blanks = 0;
        }
        blanks += 2 + width - put(text, cell, *width);
    }
    text.push('\n');
}

/// Writes a cell, its middle cut out if it is too wide. Returns its width.
fn put(text: &mut String, cell: &str, width: usize) -> usize {
    let shown = cut_middle(cell, width);
    text.push_str(&shown);
    columns(&shown)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned() {
        let rows =
            vec![vec!["a".into(), "long cell".into(), String::new()], vec!["größer".into(), "b".into(), "c".into()]];
        assert_eq!(
            table(&["X", "Y", "Z"], &rows, None, &[]),
            "X       Y          Z\na       long cell\ngrößer  b          c\n"
        );
    }

    #[test]
    fn names_in_wide_scripts_and_combining_characters_shift_no_row() {
        let names = ["本番", "prod", "gro\u{308}ßer", "🦀-dev", "❤\u{fe0f}"];
        let rows: Vec<Vec<String>> = names.iter().map(|name| vec![name.to_string(), "x".into()]).collect();
        for text in [table(&["PROFILE", "Y"], &rows, None, &[]), table(&["PROFILE", "Y"], &rows, Some(80), &[])] {
            for line in text.lines() {
                let before = line.strip_suffix(['x', 'Y']).unwrap();
                assert_eq!(columns(before), 9, "{text}");
            }
        }
        let wide = vec![vec!["本番環境の設定ファイル".to_string(), "x".into()], vec!["prod".into(), "x".into()]];
        let text = table(&["P", "Y"], &wide, Some(15), &[]);
        assert_eq!(text, "P             Y\n本番環…イル   x\nprod          x\n");
    }

    #[test]
    fn what_does_not_fit_is_cut_at_its_widest_and_then_left_out() {
        let rows = vec![vec!["a-very-long-name".into(), "123456789012".into(), "keyring".into()]];
        let within = |columns: usize| table(&["NAME", "ACCOUNT", "KEY"], &rows, Some(columns), &[1, 2]);
        assert_eq!(
            within(39),
            "NAME              ACCOUNT       KEY\na-very-long-name  123456789012  keyring\n",
            "all of it"
        );
        assert_eq!(within(35), "NAME          ACCOUNT       KEY\na-very…-name  123456789012  keyring\n");
        assert_eq!(within(34), "NAME              KEY\na-very-long-name  keyring\n");
        assert_eq!(within(21), "NAME          KEY\na-very…-name  keyring\n");
        assert_eq!(within(20), "NAME\na-very-long-name\n");
        assert_eq!(within(1), "NAME\na-very…-name\n", "no shorter than that");
    }

    #[test]
    fn a_column_that_is_to_be_whole_is_not_cut() {
        let rows = vec![vec!["a-very-long-name".into(), "AKIAIOSFODNN7EXAMPLE".into()]];
        let within = |columns: usize| table_with(&["NAME", "KEY"], &rows, Some(columns), &[0], &[1]);
        assert_eq!(within(34), "NAME          KEY\na-very…-name  AKIAIOSFODNN7EXAMPLE\n");
        assert_eq!(within(33), "KEY\nAKIAIOSFODNN7EXAMPLE\n");
    }

    #[test]
    fn one_long_cell_does_not_widen_every_row_without_bound() {
        let rows = vec![vec!["x".repeat(100_000), "y".into()], vec!["z".into(), "y".into()]];
        let text = table(&["A", "B"], &rows, None, &[]);
        assert!(text.lines().all(|line| line.chars().count() == 103), "{}", text.len());
        assert!(text.contains("x…x") && text.contains("x  y\n"));
    }
}
