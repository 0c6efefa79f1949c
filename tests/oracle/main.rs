//! What we read out of AWS files, compared with what botocore and the Rust SDK read out of the same bytes.
//!
//! `TWOLOCK_TEST_PYTHON` names a Python that has botocore (the tests were written against 1.44.5).

mod differences;
mod edits;
mod generator;
mod grid;
mod readers;

use std::fmt::Write;

use generator::{Dice, PROBES};
use readers::{Files, Reading};
use twolock::internals::{FileKind, oddities::Reader};

/// Compares our reading of all files with both readers; returns how many agreed completely, and each surprise.
fn compare(all: &[Files]) -> (usize, String) {
    let (mut agreed, mut surprises) = (0, String::new());
    for (files, cli) in all.iter().zip(readers::botocore(all, PROBES)) {
        let ours = readers::ours(files, PROBES);
        let rust = readers::rust_sdk(files, PROBES);
        agreed += usize::from(ours == cli && ours == rust);
        for (reader, theirs) in [(Reader::Cli, cli), (Reader::Rust, rust)] {
            for surprise in differences::unexplained(files, reader, &ours, &theirs, PROBES) {
                let [config, credentials] = [&files.config, &files.credentials].map(|b| String::from_utf8_lossy(b));
                writeln!(surprises, "{reader}: {surprise}\n  config: {config:?}\n  credentials: {credentials:?}")
                    .unwrap();
            }
        }
    }
    (agreed, surprises)
}

fn generated(count: u64, make: impl Fn(&mut Dice) -> Files) -> Vec<Files> {
    (0..count).map(|seed| make(&mut Dice::new(seed))).collect()
}

#[test]
fn odd_files_differ_only_by_the_table() {
    for odd in [5, 30] {
        let mut all = generated(1_500, |dice| Files::config(generator::file(dice, FileKind::Config, odd)));
        all.extend(generated(500, |dice| Files::credentials(generator::file(dice, FileKind::Credentials, odd))));
        let (agreed, surprises) = compare(&all);
        assert!(surprises.is_empty(), "{odd} in a hundred lines odd:\n{surprises}");
        assert!((100..all.len() - 100).contains(&agreed), "{agreed} files read alike: too plain or too odd to tell");
    }
}

#[test]
fn plain_files_and_their_merge_are_read_alike_by_all() {
    let all: Vec<Files> = generated(12_000, generator::plain_pair)
        .into_iter()
        .filter(|files| files.parsed().iter().all(|file| file.oddities().is_empty()))
        .collect();
    assert!(all.len() > 500, "only {} files without duplicates", all.len());
    let (agreed, surprises) = compare(&all);
    assert!(surprises.is_empty(), "{surprises}");
    assert_eq!(agreed, all.len());
    let with_merge = |files: &&Files| matches!(readers::ours(files, PROBES), Reading::Profiles(p) if p.len() > 1);
    assert!(all.iter().filter(with_merge).count() > 200);
}
