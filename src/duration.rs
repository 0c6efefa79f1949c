//! How long: `8h`, `45m`, `1h30m`, `900` (seconds), read and shown.

use std::time::Duration;

/// Reads `8h`, `45m`, `90s`, `2d`, `1h30m` or a bare number of seconds; `None` for anything else, zero included.
pub fn parse(text: &str) -> Option<Duration> {
    let text = text.trim();
    if text.bytes().all(|b| b.is_ascii_digit()) {
        return text.parse().ok().filter(|&s| s > 0 && s <= MAX_SECONDS).map(Duration::from_secs);
    }
    let (mut total, mut digits, mut last_unit) = (0u64, String::new(), u64::MAX);
    for c in text.chars() {
        if c.is_ascii_digit() {
            digits.push(c);
            continue;
        }
        let unit = match c {
            'd' => 86_400,
            'h' => 3_600,
            'm' => 60,
            's' => 1,
            _ => return None,
        };
        if unit >= last_unit {
            return None;
        }
        last_unit = unit;
        total = total.checked_add(digits.parse::<u64>().ok()?.checked_mul(unit)?)?;
        digits.clear();
    }
    (digits.is_empty() && total > 0 && total <= MAX_SECONDS).then(|| Duration::from_secs(total))
}

/// What a maximum age of access keys may be.
pub fn parse_max_age(text: &str) -> Result<Duration, &'static str> {
    let span = parse(text).ok_or("is not a valid duration (use 90d)")?;
    if (86_400..=3_650 * 86_400).contains(&span.as_secs()) {
        Ok(span)
    } else {
        Err("is out of range: 1d to 3650d (use 90d)")
    }
}

/// A century: longer than any setting can mean, short enough that no sum overflows.
const MAX_SECONDS: u64 = 100 * 366 * 86_400;

/// `11h 58m`, `4m 30s`, `12s`: the two largest units, for people.
pub fn show(span: Duration) -> String {
    let s = span.as_secs();
    let parts = [(s / 86_400, "d"), (s / 3_600 % 24, "h"), (s / 60 % 60, "m"), (s % 60, "s")];
    let Some(first) = parts.iter().position(|(n, _)| *n > 0) else { return "0s".into() };
    let shown = parts[first..].iter().take(2).filter(|(n, _)| *n > 0);
    shown.map(|(n, unit)| format!("{n}{unit}")).collect::<Vec<_>>().join(" ")
}

/// `36h1s`: exact, and as it can be typed, in the hours in which AWS states its limits.
pub fn exact(span: Duration) -> String {
    let s = span.as_secs();
    let parts = [(s / 3_600, "h"), (s / 60 % 60, "m"), (s % 60, "s")];
    parts.iter().filter(|(n, _)| *n > 0).map(|(n, unit)| format!("{n}{unit}")).collect()
}

/// Whole days.
pub fn days(span: Duration) -> u64 {
    span.as_secs() / 86_400
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_write_is_read() {
        for (text, seconds) in
            [("8h", 28_800), ("45m", 2_700), ("1h30m", 5_400), ("900", 900), ("90d", 7_776_000), (" 55s ", 55)]
        {
            assert_eq!(parse(text), Some(Duration::from_secs(seconds)), "{text:?}");
        }
    }

    #[test]
    fn what_cannot_be_a_duration_is_refused() {
        for text in ["", "0", "0h", "-1h", "h", "1.5h", "1h1h", "1m1h", "99999999999999999999", "5 h", "1w"] {
            assert_eq!(parse(text), None, "{text:?}");
        }
    }

    #[test]
    fn the_exact_form_leaves_nothing_out_and_reads_back() {
        for (seconds, text) in [(129_601, "36h1s"), (3_601, "1h1s"), (133_200, "37h"), (300, "5m"), (5_430, "1h30m30s")]
        {
            let span = Duration::from_secs(seconds);
            assert_eq!(exact(span), text);
            assert_eq!(parse(text), Some(span));
        }
    }

    #[test]
    fn two_units_are_enough_for_people() {
        for (seconds, text) in [
            (0, "0s"),
            (12, "12s"),
            (270, "4m 30s"),
            (43_080, "11h 58m"),
            (7_200, "2h"),
            (90_061, "1d 1h"),
            (86_460, "1d"),
        ] {
            assert_eq!(show(Duration::from_secs(seconds)), text);
        }
    }
}
