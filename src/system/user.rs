//! Who runs us, where the environment does not say.

use std::path::Path;

use super::{foreign_file, platform};

/// Returns whose home this is, if we are root and it is another user's (`sudo -E`, or any `sudo` on macOS): what we
/// created there its owner could not open (threat-model P54). A home that is missing belongs to who owns what is above it.
pub(crate) fn owner_of_the_home_root_visits(home: &Path) -> Option<String> {
    const ROOT: u32 = 0;
    if platform::user()? != ROOT {
        return None;
    }
    let there = home.ancestors().find_map(|path| std::fs::metadata(path).ok())?;
    let owner = foreign_file::ownership(&there)?.owner;
    (owner != ROOT).then(|| foreign_file::user_name(owner))
}

/// `uid-1000`: a name that is the same in every run of this user.
pub fn number() -> String {
    #[cfg(unix)]
    return format!("uid-{}", super::platform::effective_uid());
    #[cfg(not(unix))]
    return "user".into();
}
