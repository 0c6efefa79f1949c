//! kdialog: the code is what it prints. It has no time limit of its own.
//!
//! Qt reads a text as rich if its first line looks like markup, which ours never does. `&` marks the next letter as a
//! shortcut, and a backslash begins an escape.

use std::path::Path;
use std::process::Command;

use super::words::{TITLE, Words};
use super::{Reply, Start, first_line};
use crate::system::child::Answer;

pub(super) fn start(file: &Path, words: &Words) -> Start {
    let mut command = Command::new(file);
    let text = words.text("\n", |line| line.replace('\\', r"\\").replace('&', "&&"));
    command.args(["--title", TITLE, "--inputbox", &text]);
    Start { command, input: None }
}

pub(super) fn reply(answer: &Answer) -> Reply {
    match answer.status.code() {
        Some(0) => Reply::Typed(first_line(answer)),
        Some(1) => Reply::Cancelled,
        _ => Reply::NoWindow,
    }
}
