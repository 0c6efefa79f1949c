//! PowerShell.

use super::statements::Statements;

pub(super) struct PowerShell;

impl Statements for PowerShell {
    fn set(&self, removed: &[&str], variables: &[(&'static str, String)]) -> String {
        let mut text = self.unset(removed);
        for (name, value) in variables {
            text += &format!("$Env:{name} = {};\n", quote(value));
        }
        text
    }

    fn unset(&self, names: &[&str]) -> String {
        names.iter().map(|name| format!("Remove-Item Env:{name} -ErrorAction SilentlyContinue;\n")).collect()
    }

    fn failing(&self) -> &'static str {
        "throw 'twolock: no credentials';\n"
    }

    fn unset_line(&self, names: &[&str]) -> String {
        format!("Remove-Item Env:{}", names.join(", Env:"))
    }

    fn evaluating(&self, command: &str) -> String {
        format!("{command} | Out-String | Invoke-Expression")
    }
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
