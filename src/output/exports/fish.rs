//! fish.

use super::statements::Statements;

/// `set -e` of a variable that is not there fails, and `set -gx` hands on the status of what came before it.
const SUCCESS: &str = "true;\n";

pub(super) struct Fish;

impl Statements for Fish {
    fn set(&self, removed: &[&str], variables: &[(&'static str, String)]) -> String {
        // A function's own variable, a global and a universal one may all be there, and each would be exported.
        let mut text: String = removed.iter().map(|name| format!("while set -e {name}; end;\n")).collect();
        for (name, value) in variables {
            text += &format!("set -gx {name} {};\n", quote(value));
        }
        text + SUCCESS
    }

    fn unset(&self, names: &[&str]) -> String {
        // Global, as we set them: the user's universal ones are not ours to erase in every other fish.
        let text: String = names.iter().map(|name| format!("set -eg {name};\n")).collect();
        text + SUCCESS
    }

    fn unset_line(&self, names: &[&str]) -> String {
        format!("set -e {}", names.join(" "))
    }

    fn evaluating(&self, command: &str) -> String {
        format!("{command} | source")
    }
}

/// One word for fish: single quotes, where only `\` and `'` are special.
pub fn quote(value: &str) -> String {
    format!("'{}'", value.replace('\\', r"\\").replace('\'', r"\'"))
}
