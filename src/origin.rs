//! Where a value that is not in the AWS files came from.

/// A value with the name of where it stood, as the user would say it: `AWS_REGION`, `~/.config/twolock/config.toml:3`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outside<T> {
    /// The value.
    pub value: T,
    /// Where it stood.
    pub origin: String,
}

impl<T> Outside<T> {
    /// The same origin with another value.
    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> Outside<U> {
        Outside { value: change(self.value), origin: self.origin }
    }
}
