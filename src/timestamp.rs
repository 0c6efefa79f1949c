//! A moment: whole seconds since 1970-01-01T00:00:00Z.

use std::fmt;
use std::time::Duration;

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// A moment in whole Unix seconds, UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

crate::as_text::as_text!(Timestamp);

impl Timestamp {
    /// The moment this many seconds after the epoch.
    pub const fn from_unix(seconds: i64) -> Self {
        Self(seconds)
    }

    /// Whole seconds since the epoch.
    pub const fn unix(self) -> i64 {
        self.0
    }

    /// The time from `earlier` to `self`; zero if `earlier` is later.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_secs(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    /// The moment `span` later (whole seconds).
    pub fn plus(self, span: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(span.as_secs()).unwrap_or(i64::MAX)))
    }

    /// Reads an RFC 3339 date with zone; a fraction of a second is dropped.
    pub fn parse(text: &str) -> Option<Self> {
        OffsetDateTime::parse(text, &Rfc3339).ok().map(|t| Self(t.unix_timestamp()))
    }
}

/// `2030-01-31T12:34:56Z`, the one form every SDK reads (aws-contract 3.1).
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let t = OffsetDateTime::from_unix_timestamp(self.0.clamp(0, 253_402_300_799))
            .expect("seconds clamped to the years 1970 to 9999");
        let (y, m, d) = (t.year(), u8::from(t.month()), t.day());
        write!(f, "{y:04}-{m:02}-{d:02}T{:02}:{:02}:{:02}Z", t.hour(), t.minute(), t.second())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_the_form_every_sdk_reads() {
        assert_eq!(Timestamp::from_unix(1_927_629_296).to_string(), "2031-01-31T12:34:56Z");
        assert_eq!(Timestamp::from_unix(-5).to_string(), "1970-01-01T00:00:00Z");
    }

    #[test]
    fn reads_back_what_it_prints_and_drops_fractions() {
        let moment = Timestamp::from_unix(1_927_629_296);
        assert_eq!(Timestamp::parse(&moment.to_string()), Some(moment));
        assert_eq!(Timestamp::parse("2031-01-31T12:34:56.789Z"), Some(moment));
        assert_eq!(Timestamp::parse("2031-01-31T12:34:56"), None, "a date without a zone is nobody's moment");
    }
}
