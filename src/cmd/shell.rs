//! The user's shell.

use crate::output::exports;
use crate::shell::Shell;
use crate::system::env::Env;
use crate::system::parent;

/// The nearest shell among the parent processes (`make` or `timeout` may be in between), else the user's, else a
/// default.
pub fn calling_shell(env: &Env) -> Shell {
    let parent = parent::nearest(Shell::from_program);
    let own = || env.text("SHELL").and_then(Shell::from_program);
    parent.or_else(own).unwrap_or(if cfg!(windows) { Shell::PowerShell } else { Shell::Sh })
}

/// The command that sets the credentials in this shell. The words are already quoted.
pub fn line_to_type(shell: Shell, words: &str) -> String {
    let is_profile = words.starts_with('-') && words != "--unset" && !words.starts_with("--by-name ");
    let end_of_options = if is_profile { "-- " } else { "" };
    exports::evaluating(shell, &format!("twolock env {end_of_options}{words}"))
}
