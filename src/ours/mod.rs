//! Our own files: `config.toml` with its settings, aliases and consents, the index of the keys in the keyring, the last
//! use of each profile, the ages of keys, the uses of protected profiles, and what is under way at AWS.
//!
//! Uses the vocabulary and `system`; never the AWS files, stores or prompts.

pub mod aliases;
pub mod certificates;
pub mod consent;
pub mod history;
pub mod key_dates;
pub mod key_index;
pub mod records;
pub mod settings;
mod state;
pub mod usage;
