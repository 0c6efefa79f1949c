//! How variables are named on Unix, and which of them names the home folder.

use std::ffi::OsStr;

/// The variable that names the home folder.
pub const HOME_VARIABLE: &str = "HOME";

/// Whether a variable of the environment is the one of this name.
pub fn is_variable(given: &OsStr, name: &str) -> bool {
    given == name
}
