//! "did you mean": names that are near to one that was written wrong.

/// Returns how many letters two names differ by, if that is at most `farthest`.
pub(crate) fn distance(one: &str, other: &str, farthest: usize) -> Option<usize> {
    // Lengths first: comparing letters costs their product, and a name in a file may be a megabyte long.
    let is_near = one.chars().count().abs_diff(other.chars().count()) <= farthest;
    is_near.then(|| strsim::damerau_levenshtein(one, other)).filter(|distance| *distance <= farthest)
}

/// Returns the name nearest to `wanted`, at most a quarter of its letters or `least` away.
pub(crate) fn nearest<'a>(names: impl IntoIterator<Item = &'a str>, wanted: &str, least: usize) -> Option<&'a str> {
    let farthest = least.max(wanted.chars().count() / 4);
    let near = names.into_iter().filter_map(|name| Some((distance(name, wanted, farthest)?, name)));
    near.min().map(|(_, name)| name)
}
