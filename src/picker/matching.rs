//! Which names match what was typed, and in which order. Fast enough for ten thousand names per key press: no
//! allocation per name.

use std::cmp::Reverse;

pub struct Choices<'a> {
    /// What they are, in one word, for the prompt: `profile`.
    pub what: &'a str,
    pub names: &'a [String],
    /// How recently and often each name was used; the highest comes first.
    pub weights: &'a [u64],
    /// A description of the name at an index, computed only for names that are shown.
    pub detail: &'a dyn Fn(usize) -> String,
}

/// Further characters are ignored.
pub const LONGEST_FILTER: usize = 64;

/// How well a name matches; lower is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rank {
    Exact,
    Prefix,
    /// A word of the name begins with what was typed.
    WordStart,
    /// Words of the name begin with parts of it: `pa` in `prod-admin`.
    Initials,
    Within,
    /// The name contains its characters in order: in so many pieces, over so many characters.
    Scattered(u16, u16),
}

pub struct Search {
    /// All names, concatenated, in lower case, and whether a word begins at each character.
    characters: Vec<(char, bool)>,
    /// Where each name ends.
    ends: Vec<usize>,
    /// The indices of the names, most used first.
    by_weight: Vec<u32>,
    /// Reused by each search.
    ranked: Vec<(Rank, u32)>,
}

impl Search {
    /// Equal matches are ordered by weight, then by the order of the names.
    pub fn among(names: &[String], weights: &[u64]) -> Self {
        let (mut characters, mut ends) = (Vec::new(), Vec::with_capacity(names.len()));
        for name in names {
            let mut before = None;
            for c in name.chars() {
                characters.push((fold(c), begins_word(before, c)));
                before = Some(c);
            }
            ends.push(characters.len());
        }
        let mut by_weight: Vec<u32> = (0..names.len()).filter_map(|at| u32::try_from(at).ok()).collect();
        by_weight.sort_by_key(|&at| Reverse(weights.get(at as usize).copied().unwrap_or(0)));
        Self { characters, ends, by_weight, ranked: Vec::new() }
    }

    /// Puts the indices of all matching names into `found`, the best first. If nothing matches, spaces are ignored:
    /// `prod eu` finds `prod-eu`.
    pub fn find(&mut self, filter: &str, found: &mut Vec<u32>) {
        self.find_all_of(filter.chars(), found);
        if found.is_empty() && filter.contains(char::is_whitespace) {
            self.find_all_of(filter.chars().filter(|c| !c.is_whitespace()), found);
        }
    }

    fn find_all_of(&mut self, filter: impl Iterator<Item = char>, found: &mut Vec<u32>) {
        let mut typed = ['\0'; LONGEST_FILTER];
        let mut length = 0;
        for (place, c) in typed.iter_mut().zip(filter) {
            *place = fold(c);
            length += 1;
        }
        let typed = &typed[..length];
        let mut ranked = std::mem::take(&mut self.ranked);
        ranked.clear();
        let places = (0u32..).zip(&self.by_weight);
        ranked.extend(places.filter_map(|(place, &at)| Some((rank(typed, self.name(at as usize))?, place))));
        ranked.sort_unstable();
        found.clear();
        found.extend(ranked.iter().map(|&(_, place)| self.by_weight[place as usize]));
        self.ranked = ranked;
    }

    fn name(&self, at: usize) -> &[(char, bool)] {
        let start = at.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.characters[start..self.ends[at]]
    }
}

/// Only the first character of the lower case, which is enough for matching.
fn fold(c: char) -> char {
    c.to_lowercase().next().unwrap_or(c)
}

fn begins_word(before: Option<char>, c: char) -> bool {
    let Some(before) = before else { return true };
    c.is_alphanumeric()
        && (!before.is_alphanumeric()
            || (c.is_uppercase() && !before.is_uppercase())
            || (c.is_numeric() && !before.is_numeric()))
}

fn rank(typed: &[char], name: &[(char, bool)]) -> Option<Rank> {
    if typed.is_empty() {
        return Some(Rank::Exact);
    }
    let scattered = scattered(typed, name)?;
    let within = |at: usize| name[at..].iter().map(|(c, _)| c).take(typed.len()).eq(typed);
    let mut best = scattered;
    for (at, &(_, begins_word)) in name.iter().enumerate().take(1 + name.len() - typed.len()) {
        if (begins_word || best > Rank::Within) && within(at) {
            let rank = match (at, begins_word) {
                (0, _) if name.len() == typed.len() => return Some(Rank::Exact),
                (0, _) => return Some(Rank::Prefix),
                (_, true) => return Some(Rank::WordStart),
                (_, false) => Rank::Within,
            };
            best = best.min(rank);
        }
    }
    Some(if are_initials(typed, name) { Rank::Initials } else { best })
}

/// The characters in order, at the first place where they end, as close together as possible.
fn scattered(typed: &[char], name: &[(char, bool)]) -> Option<Rank> {
    let (mut wanted, mut end) = (typed.iter(), 0);
    let mut next = wanted.next();
    for (at, (c, _)) in name.iter().enumerate() {
        if next == Some(c) {
            next = wanted.next();
            if next.is_none() {
                end = at + 1;
                break;
            }
        }
    }
    if next.is_some() {
        return None;
    }
    let (mut wanted, mut start, mut pieces, mut last) = (typed.iter().rev().peekable(), end, 0u16, None);
    for at in (0..end).rev() {
        if wanted.next_if_eq(&&name[at].0).is_some() {
            pieces += u16::from(last != Some(at + 1));
            (start, last) = (at, Some(at));
        }
    }
    Some(Rank::Scattered(pieces, u16::try_from(end - start).unwrap_or(u16::MAX)))
}

/// Whether parts of what was typed, in order, each begin a word. Reads the name once with the set of possible numbers
/// of characters found so far: bit n of `found` means n characters, and bit n of `here` means n with the last one here.
fn are_initials(typed: &[char], name: &[(char, bool)]) -> bool {
    let (mut found, mut here) = (1u128, 0u128);
    for &(c, begins_word) in name {
        let from = if begins_word { found | here } else { here };
        let fits = (0u32..).zip(typed).filter(|&(_, &t)| t == c).fold(0u128, |bits, (n, _)| bits | 1 << n);
        here = (from & fits) << 1;
        found |= here;
    }
    found >> typed.len() & 1 == 1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found<'a>(names: &[&'a str], weights: &[u64], filter: &str) -> Vec<&'a str> {
        let owned: Vec<String> = names.iter().map(ToString::to_string).collect();
        let mut places = Vec::new();
        Search::among(&owned, weights).find(filter, &mut places);
        places.into_iter().map(|at| names[at as usize]).collect()
    }

    #[test]
    fn the_best_match_comes_first() {
        let names = ["japan-two", "x-prod", "prod-eu", "reprod", "p-r-o-d", "Prod", "apart-rod", "staging"];
        assert_eq!(found(&names, &[], "prod"), ["Prod", "prod-eu", "x-prod", "p-r-o-d", "reprod", "apart-rod"]);
        assert_eq!(found(&names, &[], "PROD"), found(&names, &[], "prod"), "case does not count");
        assert_eq!(found(&["company", "prod-admin", "pa"], &[], "pa"), ["pa", "prod-admin", "company"]);
        assert_eq!(found(&["a1-b2", "teamTwo", "team2"], &[], "t2"), ["team2"]);
        assert_eq!(found(&["xteamtwo", "teamTwo"], &[], "tt"), ["teamTwo", "xteamtwo"]);
        assert_eq!(found(&["grüße", "GRÜN"], &[], "grü"), ["grüße", "GRÜN"]);
        assert_eq!(found(&["x a y", "a y", "ay"], &[], "a y"), ["a y", "x a y"]);
        assert_eq!(found(&["prod-eu", "eu-prod"], &[], "prod eu "), ["prod-eu"]);
    }

    #[test]
    fn fewer_and_closer_pieces_are_better() {
        assert_eq!(found(&["xaxbxc", "xabxc", "xabc"], &[], "abc"), ["xabc", "xabxc", "xaxbxc"]);
        assert_eq!(found(&["xaxxxb", "xaxb"], &[], "ab"), ["xaxb", "xaxxxb"]);
        assert_eq!(rank(&['a', 'b'], &[('a', false), ('x', false), ('a', false), ('b', false)]), Some(Rank::Within));
    }

    #[test]
    fn a_name_without_every_typed_character_is_not_found() {
        for filter in ["prodx", "dorp", "prod x", "pprod", "ö", &"p".repeat(LONGEST_FILTER)] {
            assert!(found(&["prod", ""], &[], filter).is_empty(), "{filter}");
        }
    }

    #[test]
    fn equal_matches_are_ordered_by_weight_then_by_name_order() {
        let names = ["prod-a", "prod-b", "prod-c", "prod-d", "prod"];
        assert_eq!(found(&names, &[0, 5, 0, 9, 1], "pr"), ["prod-d", "prod-b", "prod", "prod-a", "prod-c"]);
        assert_eq!(found(&names, &[0, 5, 0, 9, 1], "prod"), ["prod", "prod-d", "prod-b", "prod-a", "prod-c"]);
        assert_eq!(found(&names, &[0, 5, 0, 9, 1], ""), ["prod-d", "prod-b", "prod", "prod-a", "prod-c"]);
    }

    #[test]
    fn initials_are_found_at_any_word() {
        let names = |text: &str| {
            text.chars().scan(None, |b, c| Some((fold(c), begins_word(b.replace(c), c)))).collect::<Vec<_>>()
        };
        for (typed, name, are) in [
            ("pa", "prod-admin", true),
            ("prad", "prod-admin", true),
            ("pa", "p-pro-admin", true),
            ("padm", "pa-admin", true),
            ("pd", "prod-admin", false),
            ("ap", "prod-admin", false),
        ] {
            let typed: Vec<char> = typed.chars().collect();
            assert_eq!(are_initials(&typed, &names(name)), are, "{typed:?} {name}");
        }
        let long: Vec<char> = "ab".repeat(LONGEST_FILTER / 2).chars().collect();
        assert!(are_initials(&long, &names(&"a-b-".repeat(LONGEST_FILTER / 2))));
    }

    #[test]
    fn long_repetitive_names_are_searched_in_time() {
        let owned: Vec<String> = (0..200).map(|n| format!("{}{n}", "a-".repeat(250))).collect();
        let mut places = Vec::new();
        let mut search = Search::among(&owned, &[]);
        search.find(&"a".repeat(LONGEST_FILTER), &mut places);
        assert_eq!(places.len(), owned.len());
        search.find(&"ab".repeat(LONGEST_FILTER), &mut places);
        assert!(places.is_empty());
    }
}
