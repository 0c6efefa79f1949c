//! How variables are named on Unix, and which of them names the home directory.

use std::ffi::OsStr;

/// The variable that names the home directory.
pub const HOME_VARIABLE: &str = "HOME";

/// Whether a variable of the environment is the one of this name.
pub fn is_variable(given: &OsStr, name: &str) -> bool {
    given == name
}
