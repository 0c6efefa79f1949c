//! fish.

/// `set -e` of a variable that is not set fails, and `set -gx` keeps the status of the statement before it.
const SUCCESS: &str = "true;\n";

pub(super) fn set(removed: &[&str], variables: &[(&'static str, String)]) -> String {
    // A variable may exist in function, global and universal scope at once, and each would be exported.
    let mut text: String = removed.iter().map(|name| format!("while set -e {name}; end;\n")).collect();
    for (name, value) in variables {
        text += &format!("set -gx {name} {};\n", quote(value));
    }
    text + SUCCESS
}

pub(super) fn unset(names: &[&str]) -> String {
    // Only global, as we set them: erasing the user's universal variables would affect every other fish.
    let text: String = names.iter().map(|name| format!("set -eg {name};\n")).collect();
    text + SUCCESS
}

/// One word for fish: single quotes, where only `\` and `'` are special.
pub fn quote(value: &str) -> String {
    format!("'{}'", value.replace('\\', r"\\").replace('\'', r"\'"))
}
