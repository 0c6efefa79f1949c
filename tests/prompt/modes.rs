//! Hidden typing and single keys: however they end, the terminal has its own modes again and nothing is left to read.

use rustix::process::Signal;
use rustix::termios::LocalModes;
use twolock::internals::{Key, KeyEvent, Line, Terminal, signals};

use crate::driver::{deadline, report, setting};
use crate::ending::{ENDS, send};
use crate::world::World;

/// The process that reads a hidden line, again after ^Z and `fg`.
pub fn hidden() {
    signals::watch();
    let terminal = Terminal::open().unwrap();
    match terminal.hide_typing() {
        Err(why) => report(&format!("refused: {why}")),
        Ok(typing) => loop {
            assert!(terminal.hide_typing().is_err(), "one at a time");
            terminal.write("secret: ").unwrap();
            fail_if_wanted();
            match typing.read_line(deadline()) {
                Line::Text(text) => report(&format!("text {}", text.expose())),
                Line::Resumed => {
                    report("resumed");
                    continue;
                }
                Line::Lost(why) => report(&format!("lost: {why}")),
                other => report(&format!("{other:?}")),
            }
            break;
        },
    }
    report("done");
}

/// The process that reads keys until Esc.
pub fn keys() {
    signals::watch();
    let terminal = Terminal::open().unwrap();
    let mut keys = terminal.keys().unwrap();
    terminal.write("key? ").unwrap();
    fail_if_wanted();
    loop {
        match keys.next(deadline()) {
            KeyEvent::Key(Key::Escape) => break,
            KeyEvent::Key(key) => report(&format!("{key:?}")),
            KeyEvent::Resized => report(&format!("resized {}", terminal.width())),
            KeyEvent::Stop => match keys.stop() {
                Ok(()) => {
                    report("resumed");
                    terminal.write("key? ").unwrap();
                }
                Err(why) => {
                    report(&format!("lost: {why}"));
                    break;
                }
            },
            other => {
                report(&format!("{other:?}"));
                break;
            }
        }
    }
    report("done");
}

fn fail_if_wanted() {
    assert!(setting("PROMPT_FAILS").is_none(), "a bug");
    if setting("PROMPT_ABORTS").is_some() {
        // as a release build: the panic hook runs, and nothing is dropped
        std::panic::catch_unwind(|| panic!("a bug")).unwrap_or_else(|_| std::process::abort());
    }
}

const JOBS: [(&str, &str); 2] = [("hidden", "secret: "), ("keys", "key? ")];

fn reading(job: &str, prompt: &str, settings: &[(&str, &str)]) -> (World, i32) {
    let mut world = World::new(&[settings, &[("PROMPT_JOB", job)]].concat());
    let pid = world.start();
    world.sees(prompt);
    (world, pid)
}

#[track_caller]
fn is_as_before(world: &mut World, situation: &str) {
    world.assert_modes_unchanged();
    world.assert_nothing_left();
    let shown = String::from_utf8_lossy(world.bytes()).into_owned();
    assert!(!shown.contains("hunter2"), "{situation}: {shown}");
}

#[test]
fn a_secret_is_not_shown_and_enter_ends_its_line() {
    for (typed, said) in [
        ("hunter2\r", "text hunter2\ndone\n"),
        ("hunterX\x7f2\r", "text hunter2\ndone\n"),
        ("x\x15hunter2\rls\r", "text hunter2\ndone\n"),
        ("\r", "text \ndone\n"),
        ("\x04", "End\ndone\n"),
        (&"hunter2".repeat(300), "TimedOut\ndone\n"),
    ] {
        let (mut world, _) = reading("hidden", "secret: ", &[("PROMPT_SECONDS", "3")]);
        world.types(typed);
        assert_eq!(world.event(), "exited 0", "{typed:?}");
        assert_eq!(world.report(), said, "{typed:?}");
        is_as_before(&mut world, typed);
        let end = if typed.contains('\r') { "secret: \r\n" } else { "secret: " };
        assert!(world.bytes().ends_with(end.as_bytes()), "{typed:?}");
    }
}

#[test]
fn what_was_typed_before_is_no_secret() {
    let mut world = World::new(&[("PROMPT_JOB", "hidden")]);
    world.types("early\r");
    world.start();
    world.sees("secret: ");
    world.types("hunter2\r");
    assert_eq!(world.event(), "exited 0");
    assert_eq!(world.report(), "text hunter2\ndone\n");
}

#[test]
fn a_key_is_heard_at_once_and_esc_alone_is_a_key() {
    let (mut world, _) = reading("keys", "key? ", &[]);
    for (typed, key) in [("a", "Text('a')"), ("\r", "Enter"), ("\x1b[B", "Down"), ("\x04", "End"), ("漢", "Text('漢')")]
    {
        world.types(typed);
        crate::world::eventually(key, || world.report().ends_with(&format!("{key}\n")));
    }
    // a slow line may cut a key in two
    world.types("\x1b");
    world.types("[A");
    crate::world::eventually("Up", || world.report().ends_with("Up\n"));
    world.resize(40);
    crate::world::eventually("another size", || world.report().ends_with("resized 40\n"));
    world.types("\x1b");
    assert_eq!(world.event(), "exited 0");
    is_as_before(&mut world, "Esc");
}

#[test]
fn a_signal_leaves_the_terminal_as_it_was() {
    for (job, prompt) in JOBS {
        for (name, end, signal) in ENDS {
            let (mut world, pid) = reading(job, prompt, &[]);
            world.types("hunter2");
            end(&mut world, pid);
            assert_eq!(world.event(), format!("signaled {signal}"), "{job} {name}");
            is_as_before(&mut world, &format!("{job} {name}"));
        }
    }
}

#[test]
fn the_deadline_leaves_it_as_it_was() {
    for (job, prompt) in JOBS {
        let (mut world, _) = reading(job, prompt, &[("PROMPT_SECONDS", "1")]);
        world.types("hunter2");
        assert_eq!(world.event(), "exited 0");
        assert!(world.report().ends_with("TimedOut\ndone\n"), "{}", world.report());
        is_as_before(&mut world, job);
    }
}

#[test]
fn a_bug_of_ours_leaves_it_as_it_was_though_nothing_is_dropped() {
    for (job, prompt) in JOBS {
        for (setting, ended) in [("PROMPT_FAILS", "exited 101"), ("PROMPT_ABORTS", "signaled 6")] {
            let (mut world, _) = reading(job, prompt, &[(setting, "1")]);
            assert_eq!(world.event(), ended, "{job}");
            is_as_before(&mut world, &format!("{job} {setting}"));
        }
    }
}

#[test]
fn while_we_are_stopped_the_shell_has_its_own_modes() {
    for (job, prompt) in JOBS {
        type Stop = fn(&mut World, i32);
        let stops: [(&str, Stop); 2] =
            [("^Z", |world, _| world.types("\x1a")), ("TSTP", |_, pid| send(pid, Signal::TSTP))];
        for (name, stop) in stops {
            let (mut world, pid) = reading(job, prompt, &[]);
            for _ in 0..2 {
                stop(&mut world, pid);
                assert_eq!(world.event(), "stopped", "{job} {name}");
                world.assert_modes_unchanged();
                world.types("ls\r");
                let before = world.shown_so_far();
                world.tell("fg");
                world.sees_after(before, prompt);
            }
            let before = world.shown_so_far();
            world.types(if job == "keys" { "\x1b" } else { "hunter2\r" });
            assert_eq!(world.event(), "exited 0", "{job} {name}");
            let said =
                if job == "keys" { "resumed\nresumed\ndone\n" } else { "resumed\nresumed\ntext hunter2\ndone\n" };
            assert_eq!(world.report(), said, "{job} {name}");
            assert!(!String::from_utf8_lossy(&world.bytes()[before..]).contains("hunter2"), "hidden again");
            is_as_before(&mut world, name);
        }
    }
}

#[test]
fn sent_to_the_background_we_leave_the_terminal_to_whoever_is_in_front() {
    for (job, prompt) in JOBS {
        let (mut world, _) = reading(job, prompt, &[]);
        world.types("\x1a");
        assert_eq!(world.event(), "stopped");
        world.change_modes(|modes| modes.local_modes.remove(LocalModes::ECHO | LocalModes::ICANON));
        world.types("ls");
        world.tell("bg");
        assert_eq!(world.event(), "exited 0", "{job}");
        assert!(world.report().to_lowercase().contains("background"), "{}", world.report());
        world.assert_modes_unchanged();
        world.tell("left");
        assert_eq!(world.event(), "left 2", "{job}");
    }
}

#[test]
fn a_terminal_read_key_by_key_by_somebody_else_is_left_alone() {
    let mut world = World::new(&[("PROMPT_JOB", "hidden")]);
    world.change_modes(|modes| modes.local_modes.remove(LocalModes::ICANON));
    world.start();
    assert_eq!(world.event(), "exited 101", "no terminal is opened");
    world.assert_modes_unchanged();
}
