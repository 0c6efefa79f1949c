//! Callers that do not wait for the person: the deadline, and answers nobody reads any more (P25).

use std::time::{Duration, Instant};

use crate::outcome::{answer, failed};
use crate::world::{Fault, FaultKind, Terminal, World};

#[test]
fn a_code_typed_after_the_caller_left_still_counts() {
    let world = World::new();
    let mut shell = world.program("sh");
    // The reader goes at once; the question stays.
    shell.args(["-c", "twolock credential-process prod | true; exit 0"]).current_dir(world.home());
    let mut terminal = Terminal::start(shell);
    terminal.sees("device ana): ");
    terminal.types(&format!("{}\n", world.code()));
    terminal.end().is(0, "", "");
    let ran = answer(&world, &mut world.twolock(["credential-process", "prod"]));
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""), "{ran:?}");
    assert_eq!(world.sandbox.count("GetSessionToken"), 1);
}

#[test]
fn a_question_nobody_answers_ends_at_the_deadline() {
    let world = World::new();
    let mut command = world.program(crate::machine::BINARY);
    command.args(["credential-process", "prod"]).env("TWOLOCK_PROMPT_TIMEOUT", "2s");
    let mut terminal = Terminal::start(command);
    terminal.sees("device ana): ");
    terminal.types("123");
    let ran = terminal.end();
    failed(&ran, 9, &["profile 'prod'", "no code was entered in time"]);
    assert_eq!((ran.stdout.as_str(), world.sandbox.connections()), ("", 0));
}

#[test]
fn a_call_under_way_at_the_deadline_ends_and_its_session_is_kept() {
    let world = World::new();
    world.sandbox.fault(Fault::new(FaultKind::Delay(Duration::from_secs(3))).on("GetSessionToken"));
    let mut command = world.twolock(["credential-process", "base"]);
    command.env("TWOLOCK_PROMPT_TIMEOUT", "2s").env("TWOLOCK_MFA_CODE", world.code());
    let first = answer(&world, &mut command);
    assert_eq!((first.code, first.stderr.as_str()), (0, ""), "{first:?}");
    world.run(["credential-process", "base"]).is(0, &first.stdout, "");
    assert_eq!(world.sandbox.count("GetSessionToken"), 1);
}

#[test]
#[ignore = "long: lets a deadline of 12 s pass"]
fn one_deadline_runs_from_process_start_over_all_questions() {
    let world = World::new();
    let mut command = world.program(crate::machine::BINARY);
    command.args(["credential-process", "prod"]).env("TWOLOCK_PROMPT_TIMEOUT", "12s");
    let begun = Instant::now();
    let mut terminal = Terminal::start(command);
    for digit in ["1", "2"] {
        terminal.sees("device ana): ");
        std::thread::sleep(Duration::from_secs(4));
        terminal.types(&format!("{}{digit}\n", &world.wrong_code()[..5]));
    }
    terminal.sees("device ana): ");
    failed(&terminal.end(), 9, &["no code was entered in time"]);
    // A deadline of its own for the last question would make it 20 s.
    assert!((12..19).contains(&begun.elapsed().as_secs()), "{:?}", begun.elapsed());
}

#[test]
fn a_caller_that_is_killed_at_the_question_leaves_nothing_behind_for_the_next() {
    let world = World::new();
    let mut terminal = world.on_terminal(["credential-process", "prod"]);
    terminal.sees("device ana): ");
    crate::machine::signal(terminal.pid(), libc::SIGKILL);
    assert_eq!(terminal.end().code, 128 + libc::SIGKILL);
    let ran = answer(&world, world.twolock(["credential-process", "prod"]).env("TWOLOCK_MFA_CODE", world.code()));
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""), "{ran:?}");
}
