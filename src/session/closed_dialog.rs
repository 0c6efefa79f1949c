//! A dialog that a person closed, or let pass: it opened unbidden, and the next program that wants a code would open
//! another one.

use std::time::Duration;

use crate::duration;
use crate::session::declined::How;
use crate::timestamp::Timestamp;

/// So long no dialog is opened for the device, unless a person runs `login`.
const PAUSE: Duration = Duration::from_secs(10 * 60);

/// How the last dialog of a device ended without a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClosedDialog {
    pub how: How,
    pub at: Timestamp,
}

impl ClosedDialog {
    /// Why no dialog may be opened; none once one may be, or if the clock was set back.
    pub fn refusal(self, now: Timestamp) -> Option<String> {
        let ago = now.since(self.at);
        let left = PAUSE.saturating_sub(ago);
        if self.at > now || left.is_zero() {
            return None;
        }
        let ended = if self.how == How::TimedOut { "timed out" } else { "was cancelled" };
        Some(format!(
            "the last dialog {ended} {} ago (the next may open in {})",
            duration::exact(ago.max(Duration::from_secs(1))),
            duration::exact(left)
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_dialog_is_opened_for_ten_minutes() {
        let at = |seconds: i64| Timestamp::from_unix(1_800_000_000 + seconds);
        for (how, seconds, said) in [
            (How::Cancelled, 0, Some("the last dialog was cancelled 1s ago (the next may open in 10m)")),
            (How::Cancelled, 12, Some("the last dialog was cancelled 12s ago (the next may open in 9m48s)")),
            (How::TimedOut, 599, Some("the last dialog timed out 9m59s ago (the next may open in 1s)")),
            (How::TimedOut, 600, None),
            (How::Cancelled, -1, None),
        ] {
            let refusal = ClosedDialog { how, at: at(0) }.refusal(at(seconds));
            assert_eq!(refusal.as_deref(), said, "{how:?} {seconds}");
        }
    }
}
