//! The setting `keyring`: which stores a person may choose. What each choice means is in `store/choose.rs`.

/// The user's choice of keyring.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Keyring {
    /// What the system offers: on Linux the kernel keyring and the Secret Service.
    #[default]
    Auto,
    /// The kernel keyring of Linux alone: nothing survives a reboot, and access keys cannot be kept.
    Kernel,
    /// A private file, in clear.
    File,
}

impl Keyring {
    /// Every choice, in the order of the documentation.
    pub const ALL: [Self; 3] = [Self::Auto, Self::Kernel, Self::File];

    /// The choice as it is written in the settings.
    pub fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Kernel => "kernel",
            Self::File => "file",
        }
    }

    /// The choice that is written like this.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|choice| choice.name() == name)
    }

    /// Whether it counts only from the file below the home directory, which no repository's variables choose.
    pub(crate) fn is_consent(self) -> bool {
        self == Self::File
    }

    /// Every choice, for people.
    pub(crate) fn names() -> String {
        Self::ALL.map(Self::name).join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_setting_is_one_of_three_words() {
        for choice in Keyring::ALL {
            assert_eq!(Keyring::from_name(choice.name()), Some(choice));
        }
        for wrong in ["", "Auto", "files", "secret-service"] {
            assert_eq!(Keyring::from_name(wrong), None, "{wrong}");
        }
    }
}
