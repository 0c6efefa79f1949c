//! What is written alike in every language.

/// What is written in one language; one file a language.
pub(super) trait Statements {
    /// Removes some variables and sets others.
    fn set(&self, removed: &[&str], variables: &[(&'static str, String)]) -> String;

    /// Removes variables, and succeeds where one is not there.
    fn unset(&self, names: &[&str]) -> String;

    /// Fails, so that what follows an `eval` does not run with the credentials of before.
    fn failing(&self) -> &'static str {
        "false;\n"
    }

    /// What a person types to be rid of variables.
    fn unset_line(&self, names: &[&str]) -> String;

    /// What a person types to have evaluated what a command prints.
    fn evaluating(&self, command: &str) -> String;
}
