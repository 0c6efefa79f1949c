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
