//! A question that a person ended does not come back at once to a program that runs us again (P58); all others ask.

use std::fs;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::machine::{eventually, script};
use crate::world::{Terminal, World};

const QUESTION: &str = "(123456789012, prod, device ana";
const ASKS: &str = "twolock credential-process prod";

/// A program on a terminal that runs a command twice, as SDKs do: in a shell of its own, stdout read.
fn runs_twice(world: &World, command: &str) -> Command {
    let line = format!("answer=$(sh -c '{command}; exit $?'); echo exit $? $answer");
    let mut program = world.program(script(world, "sdk", &format!("trap : INT\n{line}\n{line}")));
    program.current_dir(world.home());
    program
}

fn questions(shown: &str) -> usize {
    shown.matches(QUESTION).count()
}

/// Fails unless the second line of stderr is our line, with a cause.
fn is_not_asked_again(stderr: &str, cause: &str) {
    let last = stderr.lines().last().unwrap_or_default();
    let told = last.strip_prefix(&format!("twolock: error: profile 'prod': {cause} ")).and_then(|rest| {
        let (ago, rest) = rest.split_once(" s ago; asks again in ")?;
        let left = rest.strip_suffix(" s, or run: twolock login prod")?;
        Some((ago.parse::<u32>().ok()?, left.parse::<u32>().ok()?))
    });
    assert!(told.is_some_and(|(ago, left)| ago < 20 && ago + left == 30), "{cause}: {stderr}");
}

#[test]
fn an_sdk_that_runs_us_again_after_a_decline_does_not_ask_again() {
    let wrong = |world: &World| {
        let code = world.wrong_code();
        (0..3).map(|digit| format!("{}{digit}\n", &code[..5])).collect::<Vec<_>>()
    };
    type Typed = fn(&World) -> Vec<String>;
    let declines: [(Typed, &str, u8); 3] = [
        (|_| vec!["\n".into(), "\n".into()], "declined", 9),
        (|_| vec!["\x03".into()], "declined", 130),
        (wrong, "three wrong codes", 4),
    ];
    for (typed, cause, code) in declines {
        let world = World::new();
        let mut terminal = Terminal::start(runs_twice(&world, ASKS));
        for keys in typed(&world) {
            terminal.sees(QUESTION);
            terminal.types(&keys);
        }
        let ran = terminal.end();
        assert_eq!(ran.stdout, format!("exit {code}\nexit 9\n"), "{ran:?}");
        is_not_asked_again(&ran.stderr, cause);
    }
}

#[test]
fn an_unanswered_question_costs_the_time_of_one() {
    let world = World::new();
    let mut sdk = runs_twice(&world, ASKS);
    sdk.env("TWOLOCK_PROMPT_TIMEOUT", "1s");
    let mut terminal = Terminal::start(sdk);
    terminal.sees(QUESTION);
    let ran = terminal.end();
    assert_eq!(ran.stdout, "exit 9\nexit 9\n", "{ran:?}");
    is_not_asked_again(&ran.stderr, "timed out");
}

#[test]
fn after_a_decline_people_and_other_commands_are_asked() {
    for verb in ["login prod", "exec prod true", "env prod --shell sh"] {
        let world = World::new();
        let mut terminal = Terminal::start(runs_twice(&world, &format!("{ASKS}; twolock {verb}")));
        for question in 0..3 {
            terminal.sees(QUESTION);
            assert_eq!(questions(&terminal.shown()), question + 1, "{verb}");
            terminal.types("\x04");
        }
        let ran = terminal.end();
        assert_eq!(ran.stderr.matches(" s ago; asks again in ").count(), 1, "{verb}: {ran:?}");
    }
}

#[test]
fn a_code_given_beforehand_is_used_at_once() {
    let world = World::new();
    let text = format!("{ASKS}\nTWOLOCK_MFA_CODE={} {ASKS}", world.code());
    let mut terminal = Terminal::start(world.program(script(&world, "sdk", &text)));
    terminal.sees(QUESTION);
    terminal.types("\x04");
    let ran = terminal.end();
    assert_eq!((ran.code, ran.stderr.lines().count()), (0, 1), "{ran:?}");
}

#[test]
fn a_person_in_a_shell_is_asked_each_time() {
    for shell in [["bash", "--norc", "-i"], ["sh", "-i", "-s"]] {
        let world = World::new();
        let mut command = world.program(shell[0]);
        command.args(&shell[1..]).current_dir(world.home()).env("PS1", "> ");
        let mut terminal = Terminal::start_in_full(command);
        for _ in 0..2 {
            terminal.types(&format!("{ASKS}\n"));
            terminal.sees(QUESTION);
            terminal.types("\x04");
            terminal.sees("cancelled; no code was given");
        }
        terminal.types("exit\n");
        assert!(!terminal.shown_until_the_end().contains("asks again"), "{shell:?}");
    }
}

#[test]
fn programs_started_one_after_the_other_or_by_make_are_asked_each() {
    let world = World::new();
    script(&world, "client", ASKS);
    world.write("Makefile", "all: one two\none two:\n\t@sh -c './client; true'\n");
    for (program, args) in [("make", &["-j2"][..]), ("bash", &["-c", "./client; ./client; true"])] {
        let mut command = world.program(program);
        command.args(args).current_dir(world.home());
        let mut terminal = Terminal::start(command);
        // make's second program waits for the first one's answer, or is asked if it was started after that.
        let (mut declined, end) = (0, Instant::now() + Duration::from_secs(60));
        while !terminal.has_ended() {
            let shown = terminal.shown();
            assert!(Instant::now() < end, "hangs; the terminal shows {shown:?}");
            if questions(&shown) > declined {
                terminal.types("\x04");
                declined += 1;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        let ran = terminal.end();
        assert_eq!((ran.code, ran.stderr.matches("cancelled").count()), (0, 2), "{ran:?}");
        assert!(declined == 2 || program == "make" && declined == 1, "{program}: asked {declined} times");
        assert!(!ran.stderr.contains("asks again"), "{ran:?}");
    }
}

#[test]
fn tabs_of_one_tmux_are_asked_each() {
    let world = World::new();
    let tmux = |args: &[&str]| {
        let mut command = world.program("tmux");
        command.args(["-L", "twolock-test", "-f", "/dev/null"]).args(args).current_dir(world.home());
        command.env("TMUX_TMPDIR", world.home()).env("TERM", "xterm");
        let ran = world.finish(&mut command);
        assert_eq!(ran.code, 0, "{args:?}: {ran:?}");
        ran.stdout
    };
    tmux(&["new-session", "-d", "-s", "s", "sleep 60"]);
    for tab in ["one", "two"] {
        let window = format!("s:{tab}");
        // started by the server itself, without a shell that stays
        tmux(&["new-window", "-d", "-n", tab, &format!("exec {ASKS} 2>{tab}")]);
        eventually("a question", || tmux(&["capture-pane", "-p", "-t", &window]).contains(QUESTION));
        tmux(&["send-keys", "-t", &window, "C-d"]);
        let told = || fs::read_to_string(world.home().join(tab)).unwrap_or_default();
        eventually("its end", || told().ends_with('\n'));
        assert_eq!(told(), "twolock: error: profile 'prod': cancelled; no code was given\n", "{tab}");
    }
    tmux(&["kill-server"]);
}
