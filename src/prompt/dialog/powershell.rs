//! PowerShell, on Windows: an input box whose text it reads from its standard input. It has no time limit of its own.

use std::path::Path;
use std::process::Command;

use super::words::{TITLE, Words};
use super::{Reply, Start, first_line};
use crate::secret::Secret;
use crate::system::child::Answer;

/// The title is in the first line that it reads.
const SCRIPT: &str = "$ErrorActionPreference = 'Stop'; \
    $in = New-Object IO.StreamReader([Console]::OpenStandardInput(), [Text.Encoding]::UTF8); \
    $title = $in.ReadLine(); $text = $in.ReadToEnd(); \
    Add-Type -AssemblyName Microsoft.VisualBasic; \
    [Console]::Out.Write([Microsoft.VisualBasic.Interaction]::InputBox($text, $title))";

pub(super) fn start(file: &Path, words: &Words) -> Start {
    let mut command = Command::new(file);
    command.args(["-NoProfile", "-NonInteractive", "-ExecutionPolicy", "Restricted", "-STA", "-Command", SCRIPT]);
    let text = words.text("\r\n", str::to_owned);
    Start { command, input: Some(Secret::new(format!("{TITLE}\r\n{text}"))) }
}

/// An input box that was cancelled returns the empty text, as one that was left empty does.
pub(super) fn reply(answer: &Answer) -> Reply {
    match answer.status.code() {
        Some(0) if answer.output.expose().is_empty() => Reply::Cancelled,
        Some(0) => Reply::Typed(first_line(answer)),
        _ => Reply::NoWindow,
    }
}
