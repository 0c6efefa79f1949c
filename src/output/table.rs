//! Aligned columns for people.

/// The longest cell shown where no terminal bounds it: one long name must not widen every row.
const LONGEST: usize = 100;

/// A cell is not cut shorter than this: the digits of an account.
const SHORTEST: usize = 12;

/// Rows under a header, two blanks between columns, nothing behind the last one. Escapes are the caller's business.
pub fn table(header: &[&str], rows: &[Vec<String>]) -> String {
    drawn(header, rows, &natural_widths(header, rows))
}

/// The same in so many columns of a terminal: the widest cells are cut first. If that is not enough, the `spare` ones go
/// whole, in their order.
pub fn table_within(header: &[&str], rows: &[Vec<String>], columns: Option<usize>, spare: &[usize]) -> String {
    let mut widths: Vec<usize> = natural_widths(header, rows).into_iter().map(|width| width.min(LONGEST)).collect();
    let Some(columns) = columns else { return drawn(header, rows, &widths) };
    let floors: Vec<usize> = header.iter().zip(&widths).map(|(h, width)| (*width).min(SHORTEST.max(wide(h)))).collect();
    let total = |widths: &[usize]| widths.iter().filter(|width| **width > 0).map(|width| width + 2).sum::<usize>() - 2;
    let mut least = floors.clone();
    for &column in spare {
        if total(&least) > columns {
            (least[column], widths[column]) = (0, 0);
        }
    }
    while total(&widths) > columns {
        let may_shrink = |column: &usize| widths[*column] > least[*column];
        let Some(widest) = (0..widths.len()).filter(may_shrink).max_by_key(|&column| widths[column]) else { break };
        widths[widest] -= 1;
    }
    drawn(header, rows, &widths)
}

fn natural_widths(header: &[&str], rows: &[Vec<String>]) -> Vec<usize> {
    let mut widths: Vec<usize> = header.iter().map(|h| wide(h)).collect();
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(wide(cell));
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

/// Writes a cell, its middle taken out where it is too wide: names that differ do so at either end. Returns its width.
fn put(text: &mut String, cell: &str, width: usize) -> usize {
    let count = wide(cell);
    if count <= width {
        text.push_str(cell);
        return count;
    }
    let tail = (width - 1) / 2;
    text.extend(cell.chars().take(width - 1 - tail).chain(['…']).chain(cell.chars().skip(count - tail)));
    width
}

fn wide(text: &str) -> usize {
    text.chars().count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_stand_below_each_other() {
        let rows =
            vec![vec!["a".into(), "long cell".into(), String::new()], vec!["größer".into(), "b".into(), "c".into()]];
        assert_eq!(table(&["X", "Y", "Z"], &rows), "X       Y          Z\na       long cell\ngrößer  b          c\n");
    }

    #[test]
    fn what_does_not_fit_is_cut_at_its_widest_and_then_left_out() {
        let rows = vec![vec!["a-very-long-name".into(), "123456789012".into(), "keyring".into()]];
        let within = |columns: usize| table_within(&["NAME", "ACCOUNT", "KEY"], &rows, Some(columns), &[1, 2]);
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
    fn one_long_cell_does_not_widen_every_row_without_bound() {
        let rows = vec![vec!["x".repeat(100_000), "y".into()], vec!["z".into(), "y".into()]];
        let text = table_within(&["A", "B"], &rows, None, &[]);
        assert!(text.lines().all(|line| line.chars().count() == 103), "{}", text.len());
        assert!(text.contains("x…x") && text.contains("x  y\n"));
    }
}
