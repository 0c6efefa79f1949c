//! However the question ends, the terminal is as it was, unread typing is gone, and a signal's death is its own.

use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal};

use crate::world::World;

/// What ends a process by a signal: how it is called, how it is done to one of this id, and the signal.
pub type End = (&'static str, fn(&mut World, i32), i32);

pub const ENDS: [End; 6] = [
    ("^C", |world, _| world.types("\x03"), libc::SIGINT),
    ("^\\", |world, _| world.types("\x1c"), libc::SIGQUIT),
    ("INT", |_, pid| send(pid, Signal::INT), libc::SIGINT),
    ("TERM", |_, pid| send(pid, Signal::TERM), libc::SIGTERM),
    ("HUP", |_, pid| send(pid, Signal::HUP), libc::SIGHUP),
    ("QUIT", |_, pid| send(pid, Signal::QUIT), libc::SIGQUIT),
];

pub fn send(pid: i32, signal: Signal) {
    rustix::process::kill_process(Pid::from_raw(pid).unwrap(), signal).unwrap();
}

#[test]
fn whatever_is_typed_the_terminal_is_as_it_was() {
    for (keys, report) in
        [("123456\r", "code 123456\ndone\n"), ("\x04", "Cancelled\ndone\n"), ("123456\x04\x04", "Cancelled\ndone\n")]
    {
        let (mut world, _) = World::asked(&[]);
        world.types(keys);
        assert_eq!(world.event(), "exited 0", "{keys:?}");
        assert_eq!(world.report(), report, "{keys:?}");
        world.assert_modes_unchanged();
        world.assert_nothing_left();
        assert!(world.screen().is_empty(), "{keys:?}: {:?}", world.screen());
    }
}

#[test]
fn at_the_deadline_half_a_code_is_dropped() {
    let (mut world, _) = World::asked(&[("PROMPT_SECONDS", "1.5")]);
    world.types("1234");
    assert_eq!(world.event(), "exited 0");
    assert_eq!(world.report(), "TimedOut\ndone\n");
    world.assert_modes_unchanged();
    world.assert_nothing_left();
    assert!(world.screen().is_empty(), "{:?}", world.screen());
}

#[test]
fn a_signal_ends_it_as_itself_after_the_exit_hooks_newest_first() {
    for (name, end, signal) in ENDS {
        let (mut world, pid) = World::asked(&[("PROMPT_NOTICE", "wrong code")]);
        world.types("12");
        world.sees("): 12");
        end(&mut world, pid);
        assert_eq!(world.event(), format!("signaled {signal}"), "{name}");
        assert_eq!(world.report(), "act 2\nact 1\n", "{name}");
        world.assert_modes_unchanged();
        world.assert_nothing_left();
        assert!(world.screen().is_empty(), "{name}: {:?} {:?}", world.screen(), String::from_utf8_lossy(world.bytes()));
    }
}

#[test]
fn kill_9_leaves_the_terminal_as_it_was() {
    let (mut world, pid) = World::asked(&[]);
    send(pid, Signal::KILL);
    assert_eq!(world.event(), "signaled 9");
    world.assert_modes_unchanged();
}

#[test]
fn an_exit_hook_that_hangs_does_not_keep_us_alive() {
    let (mut world, pid) = World::asked(&[("PROMPT_ACT_HANGS", "1")]);
    let start = Instant::now();
    send(pid, Signal::TERM);
    assert_eq!(world.event(), "signaled 15");
    assert!(start.elapsed() < Duration::from_secs(10), "{:?}", start.elapsed());
}

#[test]
fn nohup_keeps_hangups_ignored() {
    let (mut world, pid) = World::asked(&[("PROMPT_NOHUP", "1")]);
    send(pid, Signal::HUP);
    std::thread::sleep(Duration::from_millis(300));
    assert_eq!(world.report(), "");
    world.types("123456\r");
    assert_eq!(world.event(), "exited 0");
    assert_eq!(world.report(), "code 123456\ndone\n");
}

#[test]
fn a_note_is_erased_when_a_signal_ends_us() {
    let mut world = World::new(&[("PROMPT_JOB", "note"), ("PROMPT_NOTE_STAYS", "1")]);
    world.start();
    world.sees("11 s");
    assert_eq!(world.screen().len(), 1, "cut to one line: {:?}", world.screen());
    world.types("\x03");
    assert_eq!(world.event(), "signaled 2");
    assert!(world.screen().is_empty(), "{:?}", world.screen());
}
