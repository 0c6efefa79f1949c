//! What a person picks from.

/// What there is to pick from.
pub struct Choices<'a> {
    /// What they are, in one word, for the line typed into: `profile`.
    pub what: &'a str,
    /// The names, in the order that counts where nothing else does.
    pub names: &'a [String],
    /// When and how often each was used; the highest stand first.
    pub weights: &'a [u64],
    /// What else is said of a name, by its place; asked for those that are shown.
    pub detail: &'a dyn Fn(usize) -> String,
}
