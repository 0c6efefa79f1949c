//! A signal at the question: what is evaluated fails, the shell goes on, and what follows does not run.

use std::fs;
use std::time::{Duration, Instant};

use crate::shells::{ALL, BASH, Shell, Stage};
use crate::world::Terminal;

const QUESTION: &str = "device spare): ";

/// An interactive shell.
fn interactive(stage: &Stage, shell: Shell) -> Terminal {
    let mut command = stage.world.program(shell.command[0]);
    let environment = stage.shell(shell);
    let environment: Vec<_> = environment.get_envs().filter_map(|(n, v)| Some((n, v?))).collect();
    command.args(&shell.command[1..]).arg("-i").current_dir(&stage.directory);
    command.envs(environment).env("TERM", "dumb").env("PS1", "$ ").env("ENV", "");
    let mut terminal = Terminal::start_in_full(command);
    // what is typed before the shell's line editor is there may be lost or shown twice
    terminal.types("echo rea\"\"dy\n");
    terminal.sees("ready");
    terminal
}

fn evaluating(shell: Shell) -> &'static str {
    if shell.is_fish() {
        "twolock env asks | source && echo r\"\"an; or echo fai\"\"led\n"
    } else {
        "eval \"$(twolock env asks)\" && echo r\"\"an || echo fai\"\"led\n"
    }
}

/// The binary on this terminal, if it is running.
fn running(terminal: &Terminal) -> Option<i32> {
    fs::read_dir("/proc").unwrap().flatten().find_map(|entry| {
        let pid = entry.file_name().to_string_lossy().parse().ok()?;
        let stat = fs::read_to_string(entry.path().join("stat")).ok()?;
        let (name, rest) = stat.rsplit_once(')')?;
        let rest: Vec<_> = rest.split_whitespace().collect();
        let here = rest[3] == terminal.pid().to_string() && rest[0] != "Z";
        (here && name.ends_with("(twolock")).then_some(pid)
    })
}

/// Waits until it has ended: until then the terminal belongs to its question.
#[track_caller]
fn ends(terminal: &Terminal) {
    let end = Instant::now() + Duration::from_secs(40);
    while running(terminal).is_some() {
        assert!(Instant::now() < end, "it does not end: {}", terminal.shown());
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[track_caller]
fn goes_on_with_old_credentials(mut terminal: Terminal, situation: &str) {
    ends(&terminal);
    terminal.types("seen\n");
    terminal.sees("old");
    let shown = terminal.shown();
    assert!(!shown.contains("ran\r") && !shown.contains("ran\n"), "{situation}: {shown}");
    terminal.types("exit\n");
    terminal.end();
}

#[test]
fn ctrl_c_at_the_question() {
    let stage = Stage::new();
    for shell in ALL {
        let mut terminal = interactive(&stage, shell);
        terminal.types(evaluating(shell));
        terminal.sees(QUESTION);
        terminal.types("\x03");
        goes_on_with_old_credentials(terminal, &shell.name());
    }
}

#[test]
fn a_signal_from_elsewhere_at_the_question() {
    let stage = Stage::new();
    for shell in ALL {
        for signal in [libc::SIGTERM, libc::SIGHUP] {
            let mut terminal = interactive(&stage, shell);
            terminal.types(evaluating(shell));
            terminal.sees(QUESTION);
            // SAFETY: a signal to a process whose id was just read; it waits at its question.
            assert_eq!(unsafe { libc::kill(running(&terminal).expect("it asks"), signal) }, 0);
            terminal.sees("failed");
            goes_on_with_old_credentials(terminal, &format!("{} {signal}", shell.name()));
        }
    }
}

#[test]
fn the_failing_statement_is_written_before_it_dies() {
    let stage = Stage::new();
    for (key, name) in [("\x03", "INT"), ("\x1c", "QUIT"), ("\n", "nothing"), ("\x04", "end of input")] {
        let mut terminal = interactive(&stage, BASH);
        terminal.types("twolock env asks > ../said\n");
        terminal.sees(QUESTION);
        terminal.types(key);
        if name == "nothing" {
            terminal.sees("another empty line cancels");
            terminal.sees(QUESTION);
            terminal.types(key);
        }
        ends(&terminal);
        assert_eq!(fs::read_to_string(stage.world.home().join("said")).unwrap(), "false;\n", "{name}");
        terminal.types("exit\n");
        terminal.end();
    }
}
