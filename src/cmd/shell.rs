//! The shell that a person uses: which one it is, and what is typed there.

use crate::output::exports;
use crate::shell::Shell;
use crate::system::env::Env;
use crate::system::parent;

/// The nearest shell that called us (through `timeout`, `make` or a script), else the user's own, else the platform's.
pub fn calling_shell(env: &Env) -> Shell {
    let parent = parent::nearest(Shell::from_program);
    let own = || env.text("SHELL").and_then(Shell::from_program);
    parent.or_else(own).unwrap_or(if cfg!(windows) { Shell::PowerShell } else { Shell::Sh })
}

/// What a person types in this shell to have the statements evaluated; the profile is one word of it.
pub fn line_to_type(shell: Shell, profile: &str) -> String {
    exports::evaluating(shell, &format!("twolock env {profile}"))
}
