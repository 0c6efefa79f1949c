//! What a dialog says, in lines.

use crate::prompt::{Question, terminal};
use crate::text::visible::visible;
use crate::text::width::cut_middle;

/// The title of every dialog.
pub(super) const TITLE: &str = "twolock";

/// Widest piece of foreign text: no dialog breaks it into lines that could pass for ours.
const WIDEST: usize = 48;
/// Longest text, in bytes: a line of Assuan holds 1,000.
const LONGEST: usize = 800;

/// The lines of a dialog, visible and bounded. The first is ours alone, without `<` and `&`: by it Qt decides whether a
/// text is rich.
pub(super) struct Words {
    lines: Vec<String>,
}

impl Words {
    pub(super) fn of(question: &Question, notice: Option<&str>) -> Self {
        let shown = |text: &str| cut_middle(&visible(text), WIDEST);
        let account = question.account.as_ref().map(|account| format!(" for account {account}")).unwrap_or_default();
        let device = question.device.name().unwrap_or(question.device.as_str());
        let mut lines = vec![
            format!("MFA code{account}"),
            format!("Profile: {}", terminal::profile_of(question, WIDEST)),
            format!("Device: {}", shown(device)),
        ];
        lines.extend(question.asker.as_deref().map(|asker| format!("Asked by: {}", shown(asker))));
        lines.extend(question.foreign_endpoint.as_deref().map(|host| format!("Sent to: {}, not AWS", shown(host))));
        lines.extend(notice.map(visible));
        Self { lines }
    }

    /// The lines as one text, each as `escaped` makes it, as many as there is room for.
    pub(super) fn text(&self, line_end: &str, escaped: impl Fn(&str) -> String) -> String {
        let mut text = String::new();
        for (index, line) in self.lines.iter().enumerate() {
            let line = escaped(line);
            if text.len() + line.len() > LONGEST {
                break;
            }
            text += if index > 0 { line_end } else { "" };
            text += &line;
        }
        text
    }
}
