//! Labels are styled where a person looks, and nowhere else.

use crate::world::{Ran, Terminal, World};

const ERROR: &str = "twolock: \x1b[1;31merror:\x1b[0m ";
const HINT: &str = "twolock: \x1b[1mhint:\x1b[0m ";

/// What a terminal shows of a command whose three streams are that terminal.
fn shown(world: &World, arguments: &[&str], variables: &[(&str, &str)]) -> String {
    let mut command = world.program(env!("CARGO_BIN_EXE_twolock"));
    command.args(arguments).envs(variables.iter().copied());
    Terminal::start_in_full(command).shown_until_the_end()
}

#[test]
fn an_error_and_its_hint_are_styled_on_a_terminal_that_shows_styles() {
    let world = World::new();
    let text = shown(&world, &["profile", "show", "prdo"], &[("TERM", "xterm-256color")]);
    assert!(text.starts_with(ERROR) && text.contains(HINT), "{text:?}");
}

#[test]
fn messages_on_a_terminal_are_broken_between_words_and_commands_are_not() {
    let world = World::new();
    let serial = "arn:aws:iam::123456789012:mfa/a-device-with-a-long-name";
    world.add_config(&format!("[profile odd]\ntwolock_source_profile = base\nmfa-serial = {serial}\n"));
    let text = shown(&world, &["login", "odd"], &[]);
    let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
    let command = format!("twolock profile set odd mfa_serial {serial} && twolock profile unset odd mfa-serial");
    let [first, second, hint] = lines[..] else { panic!("{text}") };
    assert!(first.len() <= 80 && first.starts_with("twolock: error: profile 'odd' ("), "{text}");
    assert_eq!(second, "  there would be no MFA: rename it to 'mfa_serial'", "{text}");
    assert!(hint.ends_with(&command), "{text}");
    let in_pipe = world.run(["login", "odd"]).stderr;
    assert_eq!(in_pipe.lines().count(), 2, "{in_pipe}");
}

#[test]
fn what_profile_show_says_of_a_plan_is_broken_between_words() {
    let world = World::new();
    let text = world.finish(world.twolock(["profile", "show", "prod"]).env("COLUMNS", "60")).stdout;
    let plan = text.split("\nplan\n").nth(1).and_then(|rest| rest.split("\ncallers\n").next()).unwrap();
    assert!(plan.lines().all(|line| line.chars().count() <= 60) && plan.contains("\n    (~/.aws/"), "{plan}");
}

#[test]
fn severities_and_fixes_are_styled_on_a_terminal_that_shows_styles() {
    let world = World::new();
    world.add_config("[profile odd]\nrole_arn = x\n");
    let text = shown(&world, &["doctor"], &[("TERM", "xterm")]);
    assert!(text.contains("\x1b[1;35mwarning:\x1b[0m ") && text.contains("  \x1b[1mfix:\x1b[0m "), "{text:?}");
}

#[test]
fn nothing_is_styled_where_it_is_not_wanted_or_not_shown() {
    let world = World::new();
    for variables in [
        &[("TERM", "xterm"), ("NO_COLOR", "1")][..],
        &[("TERM", "xterm"), ("NO_COLOR", "0")],
        &[("TERM", "dumb")],
        &[("TERM", "")],
        &[],
    ] {
        for arguments in [&["profile", "show", "prdo"][..], &["doctor"], &["profile", "show", "prod"]] {
            let text = shown(&world, arguments, variables);
            assert!(!text.contains('\x1b'), "{variables:?} {arguments:?}: {text:?}");
        }
    }
}

#[test]
fn pipes_get_plain_text() {
    let world = World::new();
    for arguments in [&["profile", "show", "prdo"][..], &["doctor"], &["credential-process", "prdo"]] {
        let Ran { stdout, stderr, .. } = world.finish(world.twolock(arguments.iter().copied()).env("TERM", "xterm"));
        assert!(!stdout.contains('\x1b') && !stderr.contains('\x1b'), "{arguments:?}: {stdout:?} {stderr:?}");
    }
}
