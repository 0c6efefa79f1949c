//! "did you mean": names that are near to one that was written wrong.

use super::list::first_names;

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

/// Returns the names that begin with `wanted`, in whatever case, or else the nearest one.
pub(crate) fn meant<'a>(names: &[&'a str], wanted: &str) -> Vec<&'a str> {
    let begins = |name: &&str| name.get(..wanted.len()).is_some_and(|start| start.eq_ignore_ascii_case(wanted));
    let begun: Vec<&str> = names.iter().copied().filter(begins).collect();
    if begun.is_empty() { nearest(names.iter().copied(), wanted, 2).into_iter().collect() } else { begun }
}

/// Asks whether one of the names was [`meant`].
pub(crate) fn did_you_mean(names: &[impl AsRef<str>], wanted: &str) -> Option<String> {
    let names: Vec<&str> = names.iter().map(AsRef::as_ref).collect();
    match meant(&names, wanted)[..] {
        [] => None,
        [one] => Some(format!("did you mean '{one}'?")),
        ref many => Some(format!("did you mean one of {}?", first_names(many))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_beginning_of_a_name_stands_for_it_before_a_name_that_is_only_near() {
        let names = ["dev", "admin", "Prod-eu", "prod-us", "été"];
        for (wanted, meant) in [
            ("a", Some("did you mean 'admin'?")),
            ("adm", Some("did you mean 'admin'?")),
            ("ADM", Some("did you mean 'admin'?")),
            ("admni", Some("did you mean 'admin'?")),
            ("pro", Some("did you mean one of 'Prod-eu', 'prod-us'?")),
            ("prod-su", Some("did you mean 'prod-us'?")),
            ("ét", Some("did you mean 'été'?")),
            ("stage", None),
        ] {
            assert_eq!(did_you_mean(&names, wanted).as_deref(), meant, "{wanted}");
        }
    }
}
