//! This machine's clock beside the server's (threat-model P37).

use std::time::Duration;

use crate::timestamp::Timestamp;

/// Clocks that differ by less agree: an answer takes a while.
pub(super) const SLACK: Duration = Duration::from_secs(5 * 60);

#[derive(Clone, Copy, Debug)]
pub(super) struct Clocks {
    /// This machine's.
    pub(super) ours: Timestamp,
    /// The answer's `Date`.
    pub(super) theirs: Option<Timestamp>,
}

impl Clocks {
    /// Returns both times and their difference, if that is more than 5 minutes (P37). To the minute: an answer
    /// takes a while, so the seconds mean nothing.
    pub(super) fn skew(self) -> Option<(Timestamp, Timestamp, Duration)> {
        let theirs = self.theirs?;
        let apart = apart(self.ours, theirs);
        let minutes = (apart.as_secs() + 30) / 60;
        (apart > SLACK).then_some((self.ours, theirs, Duration::from_secs(minutes * 60)))
    }
}

pub(super) fn apart(a: Timestamp, b: Timestamp) -> Duration {
    a.since(b).max(b.since(a))
}
