//! What the editor wrote, read by all three.

use twolock::internals::{AwsFile, Edit, FileKind};

use crate::generator::{self, Dice, PROBES};
use crate::readers::{self, Files, Reading};

const VALUES: &[&str] = &[
    "v",
    "eu-west-1",
    "a=b",
    "a:b",
    "a#b;c",
    "arn:aws:iam::123456789012:mfa/ana",
    "a  b",
    "ü",
    "%(x)s",
    "$HOME",
    "~/x",
    "[x]",
    "a\"b",
    "/usr/bin/twolock credential-process --profile p",
    "a\\b",
    "{a}",
    "*",
    "=",
    "= x",
    ":x",
    "a,b",
    "-x",
    "\"a b\" c",
    "100%",
];

fn edited(file: &AwsFile, dice: &mut Dice) -> Option<(Vec<u8>, Option<&'static str>)> {
    let value = dice.pick(VALUES);
    let (p, q) = (|| "p".to_string(), || "q".to_string());
    let text = |text: &str| text.to_string();
    let (edit, says) = match dice.roll(6) {
        0 => (Edit::Unset { profile: p(), key: text("region") }, None),
        1 => (Edit::Remove { profile: q() }, None),
        2 => (Edit::Rename { profile: q(), to: text("a/b.c@d:e+f%g") }, None),
        3 => {
            let settings = vec![(text("region"), text(value)), (text("a"), text("b"))];
            (Edit::Add { profile: q(), settings }, None)
        }
        _ => (Edit::Set { profile: p(), key: text("region"), value: text(value) }, Some(value)),
    };
    file.with_edits(&[edit]).ok().map(|edited| (edited.bytes, says))
}

#[test]
fn what_was_written_is_read_alike_by_all() {
    let (mut all, mut wanted) = (Vec::new(), Vec::new());
    for seed in 0..6_000 {
        let dice = &mut Dice::new(seed);
        let mut bytes = generator::file(dice, FileKind::Config, 0);
        if !Files::config(bytes.clone()).parsed()[0].oddities().is_empty() {
            continue;
        }
        let mut says = None;
        for _ in 0..3 {
            let file = AwsFile::from_bytes(FileKind::Config, "config".into(), bytes.clone());
            let Some((new, value)) = edited(&file, dice) else { continue };
            (bytes, says) = (new, value);
        }
        all.push(Files::config(bytes));
        wanted.push(says);
    }
    assert!(all.len() > 1_000 && wanted.iter().flatten().count() > 500, "{} files", all.len());
    let (agreed, surprises) = crate::compare(&all);
    assert!(surprises.is_empty(), "{surprises}");
    assert_eq!(agreed, all.len());
    for ((files, says), theirs) in all.iter().zip(wanted).zip(readers::botocore(&all, PROBES)) {
        let Some(value) = says else { continue };
        for reading in [&theirs, &readers::rust_sdk(files, PROBES)] {
            assert!(matches!(reading, Reading::Profiles(_)));
            assert_eq!(reading.value("p", "region"), Some(value), "{}", String::from_utf8_lossy(&files.config));
        }
    }
}
