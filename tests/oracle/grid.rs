//! Every row of the behaviour grid of aws-contract 1.2: the value of `region`, as we read it and as the others do.

use crate::differences;
use crate::generator::PROBES;
use crate::readers::{self, Files, Probes, Reading};
use twolock::internals::oddities::Reader;

/// The profile or the key is not there.
const ABSENT: &str = "—";
/// The whole file is refused.
const ERROR: &str = "error";

struct Row {
    input: &'static [u8],
    profile: &'static str,
    ours: &'static str,
    cli: &'static str,
    rust: &'static str,
}

/// A row about profile `p`.
const fn p(input: &'static [u8], ours: &'static str, cli: &'static str, rust: &'static str) -> Row {
    Row { input, profile: "p", ours, cli, rust }
}

/// A row about another profile.
const fn of(
    profile: &'static str,
    input: &'static [u8],
    ours: &'static str,
    cli: &'static str,
    rust: &'static str,
) -> Row {
    Row { input, profile, ours, cli, rust }
}

const GRID: &[Row] = &[
    p(b"[profile p]\nregion = \xC2\xA0v\xE2\x80\x83\n", "v", "v", "\u{a0}v\u{2003}"),
    p(b"[profile p]\nregion\xC2\xA0=v\n", "v", "v", ABSENT),
    p(b"[profile p]\n\xC2\xA0region = v\n", "v", "v", ABSENT),
    p(b"[profile p]\nregion = v\n", "v", "v", "v"),
    p(b"[profile p]\nregion=v\n", "v", "v", "v"),
    p(b"[profile p]\nregion: v\n", "v", "v", ERROR),
    p(b"[profile p]\nregion = v # c\n", "v", "v # c", "v"),
    p(b"[profile p]\nregion = v ; c\n", "v", "v ; c", "v"),
    p(b"[profile p]\nregion = v#c\n", "v#c", "v#c", "v#c"),
    p(b"[profile p]\nregion = v;c\n", "v;c", "v;c", "v;c"),
    p(b"[profile p]\nregion = v\t# c\n", "v", "v\t# c", "v"),
    p(b"[profile p] # c\nregion = v\n", "v", "v", "v"),
    p(b"[profile p]; c\nregion = v\n", "v", "v", "v"),
    p(b"[profile p]\n  # c\nregion = v\n", "v", "v", ERROR),
    p(b"[profile p]\nregion = v\n  # c\n", "v", "v", "v\n# c"),
    p(b"[profile p]\nregion = \"v\"\n", "\"v\"", "\"v\"", "\"v\""),
    p(b"[profile p]\nregion = 'v'\n", "'v'", "'v'", "'v'"),
    p(b"[profile \"p\"]\nregion = v\n", "v", "v", ABSENT),
    p(b"[profile 'p']\nregion = v\n", "v", "v", ABSENT),
    of("p q", b"[profile \"p q\"]\nregion = v\n", "v", "v", ABSENT),
    of("p q", b"[profile p q]\nregion = v\n", "v", ABSENT, ABSENT),
    p(b"[ profile p ]\nregion = v\n", "v", ABSENT, "v"),
    p(b"[profile p ]\nregion = v\n", "v", "v", "v"),
    p(b"[profile  p]\nregion = v\n", "v", "v", "v"),
    p(b"[profile\tp]\nregion = v\n", "v", "v", "v"),
    p(b"  [profile p]\nregion = v\n", "v", "v", ERROR),
    p(b"[profile p]\nregion = u\nregion = v\n", "v", ERROR, "v"),
    p(b"[profile p]\nregion = v\n[profile p]\noutput = json\n", "v", ERROR, "v"),
    of("default", b"[profile default]\nregion = v\n[default]\nregion = u\n", "v", "u", "v"),
    of("default", b"[default]\nregion = u\n[profile default]\nregion = v\n", "v", "v", "v"),
    p(b"[profile p]\r\nregion = v\r\n", "v", "v", "v"),
    p(b"[profile p]\rregion = v\r", "v", "v", ERROR),
    p(b"\xEF\xBB\xBF[profile p]\nregion = v\n", "v", ERROR, ERROR),
    p(b"\xFF\xFE[\0p\0r\0o\0f\0i\0l\0e\0 \0p\0]\0\n\0", ABSENT, ERROR, ABSENT),
    p(b"[profile p]\nregion = v\n[profile q]\nx = \xFF\n", "v", ERROR, ABSENT),
    p(b"[profile p]\nregion = v\n  w\n", "v\nw", "v\nw", "v\nw"),
    p(b"[profile p]\n  region = v\n", "v", "v", ERROR),
    p(b"[profile p]\noutput = json\n  region = v\n", ABSENT, ABSENT, ABSENT),
    p(b"[profile p]\ns3 =\n  region = sub\nregion = v\n", "v", "v", "v"),
    p(b"[profile p]\nregion =\n", "", "", ""),
    p(b"[profile p]\njunk\nregion = v\n", "v", ERROR, ERROR),
    p(b"region = u\n[profile p]\nregion = v\n", "v", ERROR, ERROR),
    p(b"[profile p\nregion = v\n", ABSENT, ERROR, ERROR),
    p(b"[profile p] junk\nregion = v\n", "v", "v", ERROR),
    p(b"[profile p]\ns3 =\n  junk\nregion = v\n", "v", ERROR, ERROR),
    p(b"[profile p]\nregion = %(v)s=\0", "%(v)s=\0", "%(v)s=\0", "%(v)s=\0"),
    p(b"[profile p]\na-b.c_d = x\na:b = x\nregion = v\n", "v", "v", "v"),
    p(b"[profile p]\na b = x\nregion = v\n", "v", "v", "v"),
    // The rules around the grid.
    p(b"[p]\nregion = v\n", ABSENT, ABSENT, ABSENT),
    p(b"[mytool p]\nregion = v\n", ABSENT, ABSENT, ABSENT),
    p(b"[PROFILE p]\nregion = v\n", ABSENT, ABSENT, ABSENT),
    of("default", b"[Default]\nregion = v\n", ABSENT, ABSENT, ABSENT),
    p(b"[profile p]\nREGION = v\n", "v", "v", "v"),
    p(b"[default]\nregion = v\n[profile p]\noutput = json\n", ABSENT, ABSENT, ABSENT),
    p(b"[DEFAULT]\nregion = v\n[profile p]\noutput = json\n", ABSENT, "v", ABSENT),
    // Found by the generated files.
    p(b"[profile p] # see [1]\nregion = v\n", "v", ABSENT, "v"),
    p(b"[profiles p]\nregion = v\n", ABSENT, "v", ABSENT),
    p(b"[profile p]\ns3 =\n  # c\n  a = b\nregion = v\n", "v", "v", ERROR),
    p(b"[profile p]\nregion: a=b\n", "a=b", "a=b", ABSENT),
    p(b"[profile p]\nregion:x = v\n", ABSENT, "x = v", ABSENT),
    p(b"[profile p]\nregion = v\n\n  w\n", "v\nw", "v\n\nw", "v\nw"),
    p(b"[profile p]\n  output = json\n  region = v\n", "v", "v", ERROR),
];

const CREDENTIALS: &[Row] = &[
    p(b"[p]\nregion = v\n", "v", "v", "v"),
    p(b"[profile p]\nregion = v\n", ABSENT, ABSENT, ABSENT),
    p(b"[ p ]\nregion = v\n", "v", ABSENT, "v"),
    p(b"[p ]\nregion = v\n", "v", ABSENT, "v"),
    p(b"['p']\nregion = v\n", ABSENT, ABSENT, ABSENT),
    of("default", b"[default]\nregion = v\n", "v", "v", "v"),
    of("p q", b"[p q]\nregion = v\n", "v", "v", ABSENT),
];

fn outcome<'a>(reading: &'a Reading, row: &Row) -> &'a str {
    if reading.is_refused() { ERROR } else { reading.value(row.profile, "region").unwrap_or(ABSENT) }
}

fn check(rows: &[Row], files: impl Fn(Vec<u8>) -> Files) {
    const REGION: Probes = Probes { keys: &["region"], ..PROBES };
    let all: Vec<Files> = rows.iter().map(|row| files(row.input.to_vec())).collect();
    for ((row, files), cli) in rows.iter().zip(&all).zip(readers::botocore(&all, REGION)) {
        let (ours, rust) = (readers::ours(files, REGION), readers::rust_sdk(files, REGION));
        let found = [outcome(&ours, row), outcome(&cli, row), outcome(&rust, row)];
        let input = String::from_utf8_lossy(row.input);
        assert_eq!(found, [row.ours, row.cli, row.rust], "[ours, botocore, Rust SDK] of {input:?}");
        for (reader, theirs) in [(Reader::Cli, cli), (Reader::Rust, rust)] {
            let surprises = differences::unexplained(files, reader, &ours, &theirs, REGION);
            assert!(surprises.is_empty(), "{reader}, {input:?}: {surprises:?}");
        }
    }
}

#[test]
fn the_config_file_is_read_as_the_behaviour_grid_says() {
    check(GRID, Files::config);
}

#[test]
fn the_credentials_file_is_read_as_the_rules_say() {
    check(CREDENTIALS, Files::credentials);
}
