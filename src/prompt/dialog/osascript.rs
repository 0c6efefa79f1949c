//! osascript, on macOS: a script of ours that shows what its arguments say, and prints what was typed.

use std::path::Path;
use std::process::Command;

use super::words::{TITLE, Words};
use super::{Reply, Start, first_line};
use crate::system::child::Answer;

/// Fails with -1712 ("timed out") when nobody answered, and by itself with -128 when a person cancelled.
const SCRIPT: [&str; 5] = [
    "on run argv",
    "set answer to display dialog (item 1 of argv) with title (item 2 of argv) default answer \"\" giving up after \
     ((item 3 of argv) as integer)",
    "if gave up of answer then error number -1712",
    "return text returned of answer",
    "end run",
];
const CANCELLED: &str = "(-128)";
const TIMED_OUT: &str = "(-1712)";

pub(super) fn start(file: &Path, words: &Words, seconds: u64) -> Start {
    let mut command = Command::new(file);
    SCRIPT.iter().for_each(|line| {
        command.args(["-e", line]);
    });
    command.args([&words.text("\n", str::to_owned), TITLE, &seconds.to_string()]);
    Start { command, input: None }
}

pub(super) fn reply(answer: &Answer) -> Reply {
    let errors = String::from_utf8_lossy(&answer.errors);
    match () {
        () if answer.status.success() => Reply::Typed(first_line(answer)),
        () if errors.contains(CANCELLED) => Reply::Cancelled,
        () if errors.contains(TIMED_OUT) => Reply::TimedOut,
        () => Reply::NoWindow,
    }
}
