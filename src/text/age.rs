//! How old something is, and how long ago it happened, in words.

use std::fmt;
use std::time::Duration;

use crate::duration;

/// The age of an access key: known, or at least so much.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Age {
    pub span: Duration,
    /// Whether only a date is known by which it existed.
    pub is_least: bool,
}

/// `95 days`, `at least 95 days`; on its first day `today` or `added today`.
impl fmt::Display for Age {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (duration::days(self.span), self.is_least) {
            (0, true) => f.write_str("added today"),
            (_, false) => f.write_str(&days(self.span)),
            (_, true) => write!(f, "at least {}", days(self.span)),
        }
    }
}

impl Age {
    /// `at least 95 days old`, `created today`.
    pub fn old(self) -> String {
        match (self.is_of_today(), self.is_least) {
            (false, _) => format!("{self} old"),
            (true, true) => self.to_string(),
            (true, false) => "created today".into(),
        }
    }

    /// The end of a sentence: `is at least 95 days old`, `was created today`.
    pub fn predicate(self) -> String {
        format!("{} {}", if self.is_of_today() { "was" } else { "is" }, self.old())
    }

    fn is_of_today(self) -> bool {
        duration::days(self.span) == 0
    }
}

/// Whole days: `today`, `1 day`, `95 days`.
pub fn days(span: Duration) -> String {
    match duration::days(span) {
        0 => "today".into(),
        1 => "1 day".into(),
        days => format!("{days} days"),
    }
}

/// `just now`, `3 min ago`, `5 h ago`, `95 days ago`.
pub fn ago(span: Duration) -> String {
    match span.as_secs() / 60 {
        0..=1 => "just now".into(),
        minutes @ 2..=119 => format!("{minutes} min ago"),
        minutes @ 120..=2879 => format!("{} h ago", minutes / 60),
        _ => format!("{} ago", days(span)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_age_is_told_in_days_and_a_minimum_as_one() {
        for (seconds, is_least, shown, sentence) in [
            (0, false, "today", "was created today"),
            (86_399, true, "added today", "was added today"),
            (86_400, false, "1 day", "is 1 day old"),
            (86_400, true, "at least 1 day", "is at least 1 day old"),
            (95 * 86_400, false, "95 days", "is 95 days old"),
            (95 * 86_400, true, "at least 95 days", "is at least 95 days old"),
        ] {
            let age = Age { span: Duration::from_secs(seconds), is_least };
            assert_eq!((age.to_string().as_str(), age.predicate().as_str()), (shown, sentence));
        }
    }

    #[test]
    fn what_happened_is_told_in_minutes_hours_and_days() {
        for (minutes, shown) in [
            (1, "just now"),
            (2, "2 min ago"),
            (119, "119 min ago"),
            (120, "2 h ago"),
            (2_879, "47 h ago"),
            (2_880, "2 days ago"),
        ] {
            assert_eq!(ago(Duration::from_secs(minutes * 60)), shown);
        }
    }
}
