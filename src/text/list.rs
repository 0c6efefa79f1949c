//! Names listed in a hint, and things counted.

/// More names than this are counted, not listed.
const MOST: usize = 8;

/// Returns the first names in quotes and how many more there are: `'base', 'prod' and 3 more`; nothing for no names.
pub(crate) fn first_names(names: &[impl AsRef<str>]) -> String {
    let shown: Vec<String> = names.iter().take(MOST).map(|name| format!("'{}'", name.as_ref())).collect();
    let more = names.len().saturating_sub(MOST);
    if more > 0 { format!("{} and {more} more", shown.join(", ")) } else { shown.join(", ") }
}

/// Returns how many there are of something whose plural has an `s`: `1 session`, `2 sessions`.
pub(crate) fn counted(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn eight_names_are_listed_and_the_rest_is_counted() {
        let names = |count: usize| (0..count).map(|n| format!("p{n}")).collect::<Vec<_>>();
        assert_eq!(first_names(&names(0)), "");
        assert_eq!(first_names(&["x\u{1b}"]), "'x\u{1b}'", "escaped where it is shown");
        assert!(first_names(&names(8)).ends_with("'p6', 'p7'"));
        assert!(first_names(&names(15_000)).ends_with("'p6', 'p7' and 14992 more"));
    }
}
