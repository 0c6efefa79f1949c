//! A value that cannot be printed, serialised or compared by accident.

use std::fmt;

use zeroize::Zeroize;

/// Holds a secret, redacts itself in `Debug`, and wipes its memory on drop.
///
/// [`Secret::expose`] is the one door: searching for that word lists every place where a secret is handled.
///
/// ```compile_fail
/// println!("{}", twolock::secret::Secret::new(String::from("hush")));
/// ```
/// ```compile_fail
/// let (a, b) = (twolock::secret::Secret::new(1u8), twolock::secret::Secret::new(1u8));
/// assert!(a == b);
/// ```
/// ```compile_fail
/// serde_json::to_string(&twolock::secret::Secret::new(String::from("hush")));
/// ```
#[derive(Clone)]
pub struct Secret<T: Zeroize>(T);

impl<T: Zeroize> Secret<T> {
    /// Takes ownership of a secret value.
    pub fn new(value: T) -> Self {
        Self(value)
    }

    /// Lends the secret to code that has to send, seal or print it.
    pub fn expose(&self) -> &T {
        &self.0
    }
}

impl<T: Zeroize> fmt::Debug for Secret<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl<T: Zeroize> Drop for Secret<T> {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_inside_a_debugged_struct_stays_hidden() {
        #[derive(Debug)]
        #[allow(dead_code)]
        struct Holder {
            token: Secret<String>,
        }
        let text = format!("{:?}", Holder { token: Secret::new("hush-hush".into()) });
        assert_eq!(text, "Holder { token: *** }");
    }
}
