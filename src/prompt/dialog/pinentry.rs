//! pinentry, by its Assuan protocol: commands in lines, each answered by `OK` or `ERR`; data comes in `D` lines, and `S`
//! lines may stand before any answer.
//!
//! All commands are sent at once, and the answers are read when it has ended. Flavours without a window have no terminal
//! here: pinentry-tty then says that it was cancelled, so the flavour is asked for before.

use std::path::Path;
use std::process::Command;

use zeroize::Zeroizing;

use super::words::{TITLE, Words};
use super::{Reply, Start};
use crate::secret::Secret;
use crate::system::child::Answer;

/// The one that the machine prefers, then those with a window.
pub(super) const FILES: &[&str] =
    &["pinentry", "pinentry-mac", "pinentry-gnome3", "pinentry-qt", "pinentry-qt5", "pinentry-gtk-2"];

/// Errors of libgpg-error, in the low 16 bits; what is above tells who says so.
const TIMED_OUT: u32 = 62;
const CANCELLED: [u32; 2] = [99, 198];

/// Which answer is that to GETINFO and GETPIN: the greeting comes first, then one for each command.
const FLAVOUR: usize = 6;
const PIN: usize = 7;
/// What has no window.
const ON_TERMINALS: [&str; 2] = ["curses", "tty"];

pub(super) fn start(file: &Path, words: &Words, seconds: u64) -> Start {
    let text = words.text("%0A", escaped);
    let lines = [
        "OPTION no-grab".into(),
        format!("SETTITLE {TITLE}"),
        format!("SETDESC {text}"),
        "SETPROMPT MFA code:".into(),
        format!("SETTIMEOUT {seconds}"),
        "GETINFO flavor".into(),
        "GETPIN".into(),
        "BYE".into(),
    ];
    let input = lines.map(|line: String| line + "\n").concat();
    Start { command: Command::new(file), input: Some(Secret::new(input)) }
}

/// A percent sign begins an escape, and a line end ends the command.
fn escaped(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// Undoes [`escaped`]; a percent sign that begins no escape stands for itself.
fn unescaped(data: &str) -> Secret<String> {
    let mut pieces = data.split('%');
    // full size from the start: a string that grows leaves copies behind
    let mut text = Zeroizing::new(Vec::with_capacity(data.len()));
    text.extend_from_slice(pieces.next().unwrap_or_default().as_bytes());
    for piece in pieces {
        match piece.get(..2).and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(byte) => {
                text.push(byte);
                text.extend_from_slice(&piece.as_bytes()[2..]);
            }
            None => {
                text.push(b'%');
                text.extend_from_slice(piece.as_bytes());
            }
        }
    }
    Secret::new(String::from_utf8_lossy(&text).into_owned())
}

/// Reads the answer to GETPIN: it greets, then answers each command in turn.
pub(super) fn reply(answer: &Answer) -> Reply {
    let text = std::str::from_utf8(answer.output.expose()).unwrap_or_default();
    let (mut answered, mut typed) = (0, None);
    for line in text.lines() {
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        match word {
            "D" if answered == FLAVOUR && is_on_terminals(rest) => return Reply::NoWindow,
            "D" if answered == PIN => typed = Some(unescaped(rest)),
            // It sends no data if nothing was typed.
            "OK" if answered == PIN => return Reply::Typed(typed.unwrap_or_else(|| Secret::new(String::new()))),
            "ERR" if answered == PIN => return meaning(rest),
            "OK" | "ERR" => answered += 1,
            _ => {}
        }
    }
    Reply::NoWindow
}

/// `tty`, or `gtk2:curses` where GTK has no display.
fn is_on_terminals(flavour: &str) -> bool {
    flavour.rsplit(':').next().is_some_and(|last| ON_TERMINALS.contains(&last))
}

fn meaning(error: &str) -> Reply {
    let code = error.split(' ').next().and_then(|number| number.parse::<u32>().ok()).map(|number| number & 0xffff);
    match code {
        Some(TIMED_OUT) => Reply::TimedOut,
        Some(code) if CANCELLED.contains(&code) => Reply::Cancelled,
        _ => Reply::NoWindow,
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::process::ExitStatusExt;
    use std::process::ExitStatus;

    use super::*;

    /// What comes of this output, behind the answers to the options.
    fn read(output: &str) -> String {
        let output = format!("OK Pleased to meet you\n{}{output}", "OK\n".repeat(FLAVOUR - 1));
        let status = ExitStatus::from_raw(0);
        match reply(&Answer { status, output: Secret::new(output.into_bytes()), errors: Vec::new() }) {
            Reply::Typed(text) => text.expose().clone(),
            other => format!("{other:?}"),
        }
    }

    #[test]
    fn the_answer_to_getpin_is_the_one_that_counts() {
        for (output, expected) in [
            ("D gtk2\nOK\nD 123456\nOK\nOK closing connection\n", "123456"),
            ("ERR 83886179 not known\nD 123456\nOK\n", "123456"),
            ("D qt\nOK\nOK\n", ""),
            ("D qt\nOK\nD 12%0a%25%zz%4\nOK\n", "12\n%%zz%4"),
            ("D qt\nOK\nERR 83886179 Operation cancelled <Pinentry>\n", "Cancelled"),
            ("D qt\nOK\nERR 83886278 Operation fully cancelled <Pinentry>\n", "Cancelled"),
            ("D qt\nOK\nS ERROR qt.? 83886142\nERR 83886142 Timeout <Pinentry>\n", "TimedOut"),
            ("D gnome3\nOK\nERR 83918950 Inappropriate ioctl for device <Pinentry>\n", "NoWindow"),
            ("D tty\nOK\nERR 83886179 Operation cancelled <Pinentry>\n", "NoWindow"),
            ("D gtk2:curses\nOK\nD 123456\nOK\n", "NoWindow"),
            ("D curses\nOK\nD 123456\nOK\n", "NoWindow"),
            ("D qt\nOK\nD 123456\n", "NoWindow"),
            ("", "NoWindow"),
            ("ERR\nERR\n", "NoWindow"),
        ] {
            assert_eq!(read(output), expected, "{output}");
        }
    }

    #[test]
    fn what_ends_a_command_is_escaped() {
        assert_eq!(escaped("100 %0A\r\nBYE"), "100 %250A%0D%0ABYE");
    }
}
