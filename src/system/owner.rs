//! Whose a file is, and whom we act for, as values; the platform files fill them in.

use std::path::PathBuf;

/// Who may change a file. There is none where the platform keeps no Unix owners and modes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ownership {
    /// The owner's uid.
    pub owner: u32,
    /// The group's gid.
    pub group: u32,
    /// Permission bits, sticky included.
    pub mode: u32,
}

/// The user this process acts for, as the system's account database has them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// The effective uid.
    pub user: u32,
    /// The primary group's gid.
    pub group: u32,
    /// The home directory, whatever `HOME` says.
    pub home: Option<PathBuf>,
}
