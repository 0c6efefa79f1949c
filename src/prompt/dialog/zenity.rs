//! zenity: the code is what it prints.
//!
//! The text of an entry is no markup; a backslash begins an escape in it, and an underscore marks the next letter as a
//! shortcut.

use std::path::Path;
use std::process::Command;

use super::words::{TITLE, Words};
use super::{Reply, Start, first_line};
use crate::system::child::Answer;

/// Exit codes, as its manual gives them.
const CANCELLED: i32 = 1;
const TIMED_OUT: i32 = 5;

pub(super) fn start(file: &Path, words: &Words, seconds: u64) -> Start {
    let mut command = Command::new(file);
    let text = words.text("\n", |line| line.replace('\\', r"\\").replace('_', "__"));
    command.args(["--entry", &format!("--title={TITLE}"), &format!("--text={text}"), &format!("--timeout={seconds}")]);
    Start { command, input: None }
}

pub(super) fn reply(answer: &Answer) -> Reply {
    match answer.status.code() {
        Some(0) => Reply::Typed(first_line(answer)),
        Some(CANCELLED) => Reply::Cancelled,
        Some(TIMED_OUT) => Reply::TimedOut,
        _ => Reply::NoWindow,
    }
}
