//! Aligned columns for people.

/// Rows under a header, two blanks between columns, nothing behind the last one. Escapes are the caller's business.
pub fn table(header: &[&str], rows: &[Vec<String>]) -> String {
    let wide = |text: &str| text.chars().count();
    let mut widths: Vec<usize> = header.iter().map(|h| wide(h)).collect();
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(wide(cell));
        }
    }
    let line = |cells: &[String]| {
        let padded = cells.iter().zip(&widths).map(|(cell, width)| format!("{cell}{}", " ".repeat(width - wide(cell))));
        let line = padded.collect::<Vec<_>>().join("  ");
        format!("{}\n", line.trim_end())
    };
    let header: Vec<String> = header.iter().map(ToString::to_string).collect();
    std::iter::once(line(&header)).chain(rows.iter().map(|row| line(row))).collect()
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
}
