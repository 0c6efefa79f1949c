//! PowerShell.

pub(super) fn set(removed: &[&str], variables: &[(&'static str, String)]) -> String {
    let mut text = unset(removed);
    for (name, value) in variables {
        text += &format!("$Env:{name} = {};\n", quote(value));
    }
    text
}

pub(super) fn unset(names: &[&str]) -> String {
    names.iter().map(|name| format!("Remove-Item Env:{name} -ErrorAction SilentlyContinue;\n")).collect()
}

/// One string for PowerShell: single quotes doubled; its typographic quotes count as quotes too.
pub fn quote(value: &str) -> String {
    let doubled: String = value
        .chars()
        .flat_map(|c| {
            let quote = matches!(c, '\'' | '\u{2018}' | '\u{2019}' | '\u{201a}' | '\u{201b}');
            std::iter::repeat_n(c, if quote { 2 } else { 1 })
        })
        .collect();
    format!("'{doubled}'")
}
