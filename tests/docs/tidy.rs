//! What differs from run to run, replaced by one value that readers know from AWS's own examples.

/// A code as samples show it.
pub const CODE: &str = "123456";

/// Replaces ports, process ids, temporary keys, moments and times left.
pub fn tidy(text: &str) -> String {
    let text = strip_escapes(text).replace('\r', "");
    let text = numbers_after(&text, "127.0.0.1:", "PORT");
    let text = numbers_after(&text, "pid ", "4242");
    let text = numbers_after(&text, "next code in ", "17");
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

/// A session was created minutes ago at most.
fn seconds_left(text: &str) -> String {
    const NAME: &str = "\"seconds_left\": ";
    lines(text, |line| {
        let Some((before, rest)) = line.split_once(NAME) else { return line.to_owned() };
        let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let seconds: u64 = rest[..digits].parse().unwrap_or_default();
        format!("{before}{NAME}{}{}", seconds.next_multiple_of(600), &rest[digits..])
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

/// A session was created minutes ago at most: `11h 59m` was `12h`, `59m 58s` was `1h`.
fn rounded(line: &str) -> String {
    let words: Vec<&str> = line.split(' ').collect();
    let mut tidy: Vec<String> = words.iter().map(ToString::to_string).collect();
    for at in 1..words.len() {
        let (before, this) = (words[at - 1], words[at]);
        let rest = this.trim_start_matches(|c: char| c.is_ascii_alphanumeric());
        let whole = match (before, minutes(this), minutes(before)) {
            ("11h", Some(50..), _) => "12h",
            ("7h", Some(50..), _) => "8h",
            ("3h", Some(50..), _) => "4h",
            (_, _, Some(50..)) if this.trim_end_matches(rest).ends_with('s') => "1h",
            _ => continue,
        };
        tidy[at - 1] = String::new();
        tidy[at] = format!("{whole}{rest}");
    }
    tidy.join(" ")
}

/// The number of `59m`, with or without more behind it.
fn minutes(word: &str) -> Option<u32> {
    let (number, _) = word.split_once('m')?;
    number.parse().ok()
}

#[test]
fn what_differs_from_run_to_run_is_one_value() {
    for (text, tidied) in [
        ("STS at 127.0.0.1:43210, not AWS", "STS at 127.0.0.1:PORT, not AWS"),
        ("for aws, pid 17", "for aws, pid 4242"),
        ("\x1b[1mbold\x1b[0m\r\n", "bold\n"),
        ("ASIA2B3C4D5E6F7G8H9I \"ASIAN\"", "ASIAIOSFODNN7EXAMPLE \"ASIAN\""),
        ("already used; next code in 9 s; 1 try left", "already used; next code in 17 s; 1 try left"),
        ("until 2030-01-31T12:34:56Z.", "until 2026-11-23T21:12:40Z."),
        ("prod  11h 58m  x", "prod   12h  x"),
        ("59m 58s left, 1h 59m more", " 1h left, 1h 59m more"),
        ("  \"seconds_left\": 3598,", "  \"seconds_left\": 3600,"),
    ] {
        assert_eq!(tidy(text), tidied);
        assert_eq!(tidy(tidied), tidied);
    }
}
