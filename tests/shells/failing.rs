//! A failure stops what follows `&&`, ends scripts under `set -e`, and leaves the old credentials.

use crate::shells::{ALL, POSIX, Stage};
use crate::world::Ran;

/// Arguments that fail, the exit code, and what stderr says of it.
const FAILURES: &[(&str, i32, &str)] = &[
    ("env nope", 3, "profile 'nope'"),
    ("env asks", 9, "no terminal"),
    ("env keyless", 3, "profile 'keyless'"),
    ("env refused", 4, "profile 'refused'"),
    ("env wrong", 3, "profile 'wrong'"),
    ("env prod --frobnicate", 2, "--frobnicate"),
    ("env prod --shell tcsh", 2, "tcsh"),
    ("env prod base", 2, "base"),
    ("env prod --profile base", 2, "profile"),
    ("-v env prod --frobnicate", 2, "--frobnicate"),
    ("--verbose env --frobnicate prod", 2, "--frobnicate"),
    ("env --code-stdin asks", 2, "--code-stdin"),
];

#[track_caller]
fn is(ran: &Ran, stdout: &str, says: &str, situation: &str) {
    assert_eq!(ran.stdout, stdout, "{situation}: {ran:?}");
    assert!(ran.stderr.contains(says), "{situation}: {ran:?}");
    let mut of_the_shell = ran.stderr.lines().filter(|line| !line.starts_with("twolock: "));
    let unknown = of_the_shell.any(|line| line.contains("not found") || line.contains("Unknown command"));
    assert!(!unknown, "{situation}: {ran:?}");
}

#[test]
fn what_follows_does_not_run_and_old_credentials_stay() {
    let stage = Stage::new();
    for shell in ALL {
        let ways = if shell.is_fish() {
            ["eval (twolock ARGS); and seen; seen", "twolock ARGS | source && seen; seen"]
        } else {
            ["eval $(twolock ARGS) && seen; seen", "eval \"$(twolock ARGS)\" && seen; seen"]
        };
        for (arguments, _, says) in FAILURES {
            for way in ways {
                let ran = stage.run(shell, &way.replace("ARGS", arguments));
                is(&ran, "old\n", says, &format!("{} {arguments}", shell.name()));
            }
        }
    }
}

#[test]
fn set_e_ends_the_script() {
    let stage = Stage::new();
    for shell in POSIX {
        for way in ["eval $(twolock env nope)", "eval \"$(twolock env nope)\""] {
            let ran = stage.run(shell, &format!("set -e; {way}; seen"));
            is(&ran, "", "twolock: error: profile 'nope'", &shell.name());
            assert_ne!(ran.code, 0, "{} {way}", shell.name());
        }
    }
}

#[test]
fn exactly_the_failing_statement_is_printed_and_nothing_for_files() {
    let stage = Stage::new();
    let run = |arguments: String| stage.world.finish(&mut stage.world.twolock(arguments.split(' ')));
    for (arguments, code, _) in FAILURES {
        for shell in ["sh", "bash", "zsh", "fish", "powershell"] {
            if !arguments.contains("--shell") {
                let ran = run(format!("{arguments} --shell {shell}"));
                let fails = if shell == "powershell" { "throw 'twolock: no credentials';\n" } else { "false;\n" };
                assert_eq!((ran.code, ran.stdout.as_str()), (*code, fails), "{arguments} {shell}: {ran:?}");
            }
        }
        for format in ["json", "dotenv"] {
            let ran = run(format!("{arguments} --format {format}"));
            assert_eq!(ran.stdout, "", "{arguments} {format}");
            assert_ne!(ran.code, 0, "{arguments} {format}");
        }
    }
}

#[test]
fn a_reader_that_is_gone_ends_it_without_words() {
    let stage = Stage::new();
    for shell in ALL {
        // `true` reads nothing; whether the pipe was closed in time or not, nothing is printed
        let ran = stage.run(shell, "twolock env prod | true; seen");
        ran.is(0, "old\n", "");
    }
}
