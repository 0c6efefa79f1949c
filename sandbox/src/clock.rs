//! Tells the server's time, which a test may shift or stop, and writes it in AWS's three notations.

use std::time::{SystemTime, UNIX_EPOCH};

use time::{Date, Month, OffsetDateTime, Time};

/// The server's idea of the present moment, in seconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clock {
    /// The machine's clock, so many seconds ahead (or behind, when negative).
    Offset(i64),
    /// One moment that does not pass.
    Fixed(i64),
}

impl Default for Clock {
    fn default() -> Clock {
        Clock::Offset(0)
    }
}

impl Clock {
    /// Returns the present moment by this clock.
    #[expect(clippy::disallowed_methods, reason = "the sandbox is a program of its own; this is its clock")]
    pub fn now(self) -> i64 {
        match self {
            Clock::Fixed(moment) => moment,
            Clock::Offset(seconds) => {
                let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("the machine's clock is after 1970");
                since.as_secs().cast_signed() + seconds
            }
        }
    }
}

fn moment(unix: i64) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(unix).unwrap_or(OffsetDateTime::UNIX_EPOCH)
}

/// Returns the form that signatures use: `20160609T184512Z`.
pub(crate) fn basic(unix: i64) -> String {
    let t = moment(unix);
    format!(
        "{:04}{:02}{:02}T{:02}{:02}{:02}Z",
        t.year(),
        u8::from(t.month()),
        t.day(),
        t.hour(),
        t.minute(),
        t.second()
    )
}

/// Returns the form that answers use: `2016-06-09T18:45:12Z`.
pub(crate) fn iso(unix: i64) -> String {
    let t = moment(unix);
    format!(
        "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z",
        t.year(),
        u8::from(t.month()),
        t.day(),
        t.hour(),
        t.minute(),
        t.second()
    )
}

/// Returns the form of the `Date` header: `Thu, 09 Jun 2016 18:45:12 GMT`.
pub(crate) fn http_date(unix: i64) -> String {
    let t = moment(unix);
    let day = t.weekday().to_string();
    let month = t.month().to_string();
    format!(
        "{}, {:02} {} {:04} {:02}:{:02}:{:02} GMT",
        &day[..3],
        t.day(),
        &month[..3],
        t.year(),
        t.hour(),
        t.minute(),
        t.second()
    )
}

/// Returns the moment that a `20160609T184512Z` names.
pub(crate) fn parse_basic(text: &str) -> Option<i64> {
    let bytes = text.as_bytes();
    if bytes.len() != 16 || bytes[8] != b'T' || bytes[15] != b'Z' || !text.is_ascii() {
        return None;
    }
    let number = |from: usize, to: usize| {
        let digits = &text[from..to];
        digits.bytes().all(|b| b.is_ascii_digit()).then_some(())?;
        digits.parse::<u16>().ok()
    };
    let small = |from, to| number(from, to).and_then(|n| u8::try_from(n).ok());
    let month = Month::try_from(small(4, 6)?).ok()?;
    let date = Date::from_calendar_date(i32::from(number(0, 4)?), month, small(6, 8)?).ok()?;
    let time = Time::from_hms(small(9, 11)?, small(11, 13)?, small(13, 15)?).ok()?;
    Some(date.with_time(time).assume_utc().unix_timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_reads_the_same_in_all_notations() {
        assert_eq!(basic(1_465_497_912), "20160609T184512Z");
        assert_eq!(iso(1_465_497_912), "2016-06-09T18:45:12Z");
        assert_eq!(http_date(1_465_497_912), "Thu, 09 Jun 2016 18:45:12 GMT");
        assert_eq!(parse_basic("20160609T184512Z"), Some(1_465_497_912));
    }

    #[test]
    fn what_is_no_moment_is_not_one() {
        for text in ["", "20160609T184512", "20161309T184512Z", "2016+609T184512Z", "2016-06-09T18:45Z"] {
            assert_eq!(parse_basic(text), None, "{text}");
        }
    }
}
