//! How variables are named on Windows, and which of them names the home directory.

use std::ffi::OsStr;

/// The variable that names the home directory. The AWS CLI, boto3 and Go look nowhere else; JavaScript, Java and Rust
/// try `HOME` first, which the system does not set and Git's shell sets to this same directory (aws-contract 1.1).
pub const HOME_VARIABLE: &str = "USERPROFILE";

/// Whether a variable of the environment is the one of this name, in whatever case it was set: `Path` is usual.
pub fn is_variable(given: &OsStr, name: &str) -> bool {
    given.eq_ignore_ascii_case(name)
}
