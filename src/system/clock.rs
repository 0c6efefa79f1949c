//! The one place that reads a clock.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::timestamp::Timestamp;

/// Reads the wall clock. A clock before 1970 reads as 1970.
#[expect(clippy::disallowed_methods, reason = "the one place that reads the wall clock")]
pub fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_unix(i64::try_from(since.as_secs()).unwrap_or(i64::MAX))
}

/// Reads the wall clock in milliseconds, to order events of different processes.
#[expect(clippy::disallowed_methods, reason = "the one place that reads the wall clock")]
pub fn now_millis() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// The moment by which work has to end; monotonic, so a changed wall clock moves nothing.
#[derive(Clone, Copy, Debug)]
pub struct Deadline(Instant);

impl Deadline {
    /// The deadline `span` after `start`.
    pub fn after(start: Instant, span: Duration) -> Self {
        Self(start + span)
    }

    /// What is left; zero once it has passed.
    pub fn left(self) -> Duration {
        self.0.saturating_duration_since(Instant::now())
    }

    /// Whether nothing is left.
    pub fn has_passed(self) -> bool {
        self.left().is_zero()
    }

    /// The earlier of this deadline and `span` from now.
    pub fn within(self, span: Duration) -> Self {
        Self(self.0.min(Instant::now() + span))
    }
}
