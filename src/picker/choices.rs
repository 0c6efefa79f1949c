//! The names to pick from.

pub struct Choices<'a> {
    /// What they are, in one word, for the prompt: `profile`.
    pub what: &'a str,
    pub names: &'a [String],
    /// How recently and often each name was used; the highest comes first.
    pub weights: &'a [u64],
    /// A description of the name at an index, computed only for names that are shown.
    pub detail: &'a dyn Fn(usize) -> String,
}
