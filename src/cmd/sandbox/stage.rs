//! Runs the commands of the tour: on a pseudo-terminal without a user, or on the user's terminal.

use std::fs::File;
use std::io::{Read, Write};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use crate::error::Result;
use crate::output::to_stdout;
use crate::system::clock::Deadline;
use crate::system::terminal::{Line, Terminal};
use crate::system::{child, signals};

use super::home::broken;

const COLUMNS: u16 = 80;
/// Generous: so that a step that hangs ends.
const HANG: Duration = Duration::from_secs(60);
/// Somebody may go for a coffee.
const PATIENCE: Duration = Duration::from_secs(24 * 3_600);

/// A question of a command, and what is typed then.
pub type Turn = (&'static str, String);

/// What a command showed, if that is known, and how it ended if not well.
#[derive(Default)]
pub struct Played {
    pub shown: String,
    pub trouble: Option<String>,
}

/// What a person wants with a step.
#[derive(PartialEq, Eq)]
pub enum Wish {
    Run,
    Skip,
    Quit,
}

/// Runs a command on a terminal of its own, types the answers, and shows what a person would see there.
pub fn play(command: &mut Command, turn: Option<Turn>) -> Result<Played> {
    // Such a terminal erases nothing, so that the questions stay.
    command.env("TERM", "dumb");
    let (mut child, mut person) =
        child::start_on_own_terminal(command, COLUMNS).map_err(|e| broken("cannot start a step", &e))?;
    let screen = watch(person.try_clone().map_err(|e| broken("cannot read a terminal", &e))?);
    let until = Deadline::after(Instant::now(), HANG);
    let mut shown = String::new();
    if let Some((question, answer)) = turn {
        while !shown.contains(question) && see(&screen, until, &mut shown)? {}
        // One that has ended cannot be typed to.
        let _ = person.write_all(format!("{answer}\n").as_bytes());
    }
    while see(&screen, until, &mut shown)? {}
    let status = child.wait().map_err(|e| broken("cannot wait for a step", &e))?;
    Ok(Played { shown, trouble: trouble(status) })
}

fn trouble(status: ExitStatus) -> Option<String> {
    (!status.success()).then(|| format!("the command {}", child::ending(status)))
}

fn watch(mut screen: File) -> Receiver<Vec<u8>> {
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        let mut piece = [0; 4096];
        // The end of a terminal is an error on Linux.
        while let Ok(count @ 1..) = screen.read(&mut piece) {
            let _ = sender.send(piece[..count].to_vec());
        }
    });
    receiver
}

/// Shows what comes next; returns whether anything did.
fn see(screen: &Receiver<Vec<u8>>, until: Deadline, shown: &mut String) -> Result<bool> {
    match screen.recv_timeout(until.left()) {
        Ok(piece) => {
            let piece: Vec<u8> = piece.into_iter().filter(|byte| *byte != b'\r').collect();
            shown.push_str(&String::from_utf8_lossy(&piece));
            to_stdout(&piece).map(|()| true)
        }
        Err(RecvTimeoutError::Disconnected) => Ok(false),
        Err(RecvTimeoutError::Timeout) => Err(broken("a step does not end", &format_args!("{} s", HANG.as_secs()))),
    }
}

/// Runs a command on the terminal of the person, who sees what it shows.
pub fn perform(command: &mut Command) -> Result<Played> {
    let mut child = command.stdin(Stdio::inherit()).spawn().map_err(|e| broken("cannot start a step", &e))?;
    let id = child.id();
    let _hook = signals::on_termination(move || child::hang_up(id));
    let status = child.wait().map_err(|e| broken("cannot wait for a step", &e))?;
    Ok(Played { trouble: trouble(status), ..Played::default() })
}

/// Runs a command as an SDK does, and shows the answer and how long it took.
pub fn call(command: &mut Command) -> Result<Played> {
    let started = Instant::now();
    let output = command.output().map_err(|e| broken("cannot start a step", &e))?;
    let took = started.elapsed().as_secs_f64() * 1_000.0;
    let Some(answer) = shortened(&output.stdout).filter(|_| output.status.success()) else {
        let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        return Ok(Played { trouble: Some(format!("the command said: {said}")), ..Played::default() });
    };
    to_stdout(format!("{answer}\n({took:.1} ms)\n").as_bytes())?;
    Ok(Played { shown: answer, trouble: None })
}

/// The answer with its secrets cut: a terminal keeps what it shows.
fn shortened(answer: &[u8]) -> Option<String> {
    let mut json: serde_json::Value = serde_json::from_slice(answer).ok()?;
    for name in ["SecretAccessKey", "SessionToken"] {
        let cut: String = json[name].as_str()?.chars().take(4).collect();
        json[name] = format!("{cut}…").into();
    }
    Some(json.to_string())
}

/// Asks what to do with the command that was just shown.
pub fn ask() -> Result<Wish> {
    let terminal = Terminal::open().map_err(|e| broken("cannot use the terminal", &e))?;
    loop {
        terminal.write("[Enter] run  [s] skip  [q] quit: ").map_err(|e| broken("cannot use the terminal", &e))?;
        match terminal.read_line(Deadline::after(Instant::now(), PATIENCE)) {
            Line::Text(answer) => match answer.expose().trim() {
                "" => return Ok(Wish::Run),
                "s" | "S" => return Ok(Wish::Skip),
                "q" | "Q" => return Ok(Wish::Quit),
                _ => {}
            },
            Line::Resumed | Line::TooLong => {}
            Line::End | Line::TimedOut | Line::Lost(_) => {
                let _ = terminal.write("\n");
                return Ok(Wish::Quit);
            }
        }
    }
}
