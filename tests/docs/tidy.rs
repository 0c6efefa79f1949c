//! What differs from run to run, replaced by one value that readers know from AWS's own examples.

/// A code as samples show it.
pub const CODE: &str = "123456";

/// Replaces ports, process ids, temporary keys, moments and times left.
pub fn tidy(text: &str) -> String {
    let text = strip_escapes(text).replace('\r', "");
    let text = numbers_after(&text, "127.0.0.1:", "PORT");
    let text = numbers_after(&text, "pid ", "4242");
    let text = numbers_after(&text, "comes in ", "17");
    let text = seconds_left(&text);
    let text = ids(&text);
    let text = moments(&text);
    lines(&text, |line| rounded(line).trim_end().to_owned())
}

fn lines(text: &str, change: impl Fn(&str) -> String) -> String {
    text.split('\n').map(change).collect::<Vec<_>>().join("\n")
}

/// What a terminal does not show: `ESC [ … letter`.
fn strip_escapes(text: &str) -> String {
    let mut parts = text.split("\x1b[");
    let mut plain = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let end = part.find(|c: char| c.is_ascii_alphabetic()).map_or(part.len(), |at| at + 1);
        plain += &part[end..];
    }
    plain
}

fn numbers_after(text: &str, before: &str, instead: &str) -> String {
    let mut parts = text.split(before);
    let mut tidy = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let rest = part.trim_start_matches(|c: char| c.is_ascii_digit());
        tidy += before;
        tidy += if rest.len() < part.len() { instead } else { "" };
        tidy += rest;
    }
    tidy
}

/// A number of seconds is the next whole minute.
fn seconds_left(text: &str) -> String {
    const NAME: &str = "\"seconds_left\": ";
    lines(text, |line| {
        let Some((before, rest)) = line.split_once(NAME) else { return line.to_owned() };
        let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let seconds: u64 = rest[..digits].parse().unwrap_or_default();
        format!("{before}{NAME}{}{}", seconds.next_multiple_of(60), &rest[digits..])
    })
}

/// Ids of temporary keys and of assumed roles are new in each run.
fn ids(text: &str) -> String {
    let text = words_beginning(text, "ASIA", "ASIAIOSFODNN7EXAMPLE");
    let text = words_beginning(&text, "AROA", "AROA3XFRBF535EXAMPLE1");
    words_beginning(&text, "AIDA", "AIDACKCEVSQ6C2EXAMPLE")
}

fn words_beginning(text: &str, prefix: &str, instead: &str) -> String {
    let mut parts = text.split(prefix);
    let mut tidy = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let rest = part.trim_start_matches(|c: char| c.is_ascii_uppercase() || c.is_ascii_digit());
        tidy += if part.len() - rest.len() >= 12 { instead } else { &part[..0] };
        if part.len() - rest.len() < 12 {
            tidy += prefix;
            tidy += part;
        } else {
            tidy += rest;
        }
    }
    tidy
}

/// `2026-11-29T02:10:31Z` and its kin.
fn moments(text: &str) -> String {
    const SHAPE: &str = "dddd-dd-ddTdd:dd:dd";
    let fits = |part: &str| {
        part.len() >= SHAPE.len()
            && part.bytes().zip(SHAPE.bytes()).all(|(b, s)| if s == b'd' { b.is_ascii_digit() } else { b == s })
    };
    let (mut tidy, mut rest) = (String::new(), text);
    while let Some(c) = rest.chars().next() {
        if fits(rest) {
            tidy += "2026-11-23T21:12:40";
            rest = &rest[SHAPE.len()..];
        } else {
            tidy.push(c);
            rest = &rest[c.len_utf8()..];
        }
    }
    tidy
}

/// `11h59m` is `12h` a second ago, and `59m58s` was `1h`; the column keeps its width.
fn rounded(line: &str) -> String {
    let mut tidy = line.to_owned();
    for (hour, whole) in [("11h", "12h"), ("3h", "4h")] {
        let old = format!("{hour} 59m");
        if let Some(at) = tidy.find(&old) {
            tidy = padded(&tidy, at, old.len(), whole);
        }
    }
    if let Some(at) = tidy.find("59m") {
        let after = &tidy[at + 3..];
        let seconds = after.trim_start();
        let digits = seconds.len() - seconds.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        if digits > 0 && seconds[digits..].starts_with('s') {
            let length = tidy.len() - at - seconds.len() + digits + 1;
            tidy = padded(&tidy, at, length, "1h");
        }
    }
    tidy
}

fn padded(line: &str, at: usize, length: usize, instead: &str) -> String {
    let rest = &line[at + length..];
    let gap = if rest.starts_with("  ") { " ".repeat(length - instead.len()) } else { String::new() };
    format!("{}{instead}{gap}{rest}", &line[..at])
}

#[test]
fn what_differs_from_run_to_run_is_one_value() {
    for (text, tidied) in [
        ("STS at 127.0.0.1:43210, not AWS", "STS at 127.0.0.1:PORT, not AWS"),
        ("for aws, pid 17", "for aws, pid 4242"),
        ("\x1b[1mbold\x1b[0m\r\n", "bold\n"),
        ("ASIA2B3C4D5E6F7G8H9I \"ASIAN\"", "ASIAIOSFODNN7EXAMPLE \"ASIAN\""),
        ("until 2030-01-31T12:34:56Z.", "until 2026-11-23T21:12:40Z."),
        ("prod  11h 59m  x", "prod  12h      x"),
        ("valid 59m 58s", "valid 1h"),
        ("  \"seconds_left\": 3598,", "  \"seconds_left\": 3600,"),
    ] {
        assert_eq!(tidy(text), tidied);
        assert_eq!(tidy(tidied), tidied);
    }
}
