//! Without a profile name, the user picks one on a terminal; without a terminal it is a usage error, and an SDK is
//! never asked.

use crate::world::{Ran, Terminal, World};

/// Starts a command and waits until the picker is shown.
fn picking(world: &World, args: &[&str]) -> Terminal {
    let mut terminal = world.on_terminal(args);
    terminal.sees("\x1b[1A\rprofile ");
    terminal.sees("\x1b[K");
    terminal
}

fn after(world: &World, args: &[&str], keys: &str) -> (Ran, String) {
    let mut terminal = picking(world, args);
    terminal.types(keys);
    terminal.sees("\r\x1b[J");
    let shown = terminal.shown();
    (world.tidy(terminal.end()), shown)
}

impl World {
    /// With only one profile, it is easy to see that the picker is complete.
    fn of_one(config: &str) -> Self {
        let world = Self::new();
        world.write(".aws/config", config);
        world.write(".aws/credentials", "");
        world
    }
}

const ONE: &str = "[profile prod]\nrole_arn = arn:aws:iam::123456789012:role/Admin\nsource_profile = none\n";

#[test]
fn the_name_alone_goes_to_stdout() {
    let world = World::of_one(ONE);
    let (ran, shown) = after(&world, &["profile", "pick"], "\r");
    ran.is(0, "prod\n", "");
    assert!(shown.contains("\n\x1b[7m> prod  role 123456789012\x1b[0m\x1b[K"), "{shown:?}");
    assert!(shown.ends_with("\r\x1b[J"), "erased: {shown:?}");
    let state = std::fs::read_to_string(world.home().join(".local/state/twolock/state.json")).unwrap();
    assert!(state.contains("\"prod\""), "{state}");
    let (ran, shown) = after(&world, &["profile", "pick", "pr"], "\r");
    ran.is(0, "prod\n", "");
    assert!(shown.contains("profile 1/1: pr\x1b[K"), "{shown:?}");
}

#[test]
fn cancelling_the_picker_says_so_and_exits_9() {
    let world = World::of_one(ONE);
    for (args, stdout) in [
        (&["profile", "pick"][..], ""),
        (&["login"], ""),
        (&["logout"], ""),
        (&["whoami", "--json"], ""),
        (&["exec", "--", "echo", "ran"], ""),
        (&["profile", "show"], ""),
        (&["env", "--format", "json"], ""),
        (&["env", "--shell", "sh"], "false;\n"),
    ] {
        for keys in ["\x1b", "\x04"] {
            after(&world, args, keys).0.is(9, stdout, "twolock: error: cancelled; no profile was picked\n");
        }
    }
    assert!(!world.home().join(".local/state/twolock/state.json").exists());
}

#[test]
fn the_command_uses_the_picked_profile() {
    let world = World::of_one(ONE);
    let (ran, _) = after(&world, &["profile", "show", "--json"], "pr\r");
    assert_eq!(ran.json()["name"], "prod");
    let (ran, _) = after(&world, &["login"], "\r");
    assert!(ran.code == 3 && ran.stderr.contains("profile 'prod' (~/.aws/config:3)"), "{ran:?}");
}

#[test]
fn ctrl_c_ends_the_picker_by_the_signal_and_makes_eval_fail() {
    let world = World::of_one(ONE);
    after(&world, &["profile", "pick"], "\x03").0.is(130, "", "");
    after(&world, &["env", "--shell", "sh"], "\x03").0.is(130, "false;\n", "");
}

#[test]
fn an_alias_can_be_picked_and_escape_sequences_in_names_are_escaped() {
    let world = World::of_one(ONE);
    world.write(".config/twolock/config.toml", "[aliases]\np = \"prod\"\nlost = \"nothing\"\n");
    let mut terminal = world.on_terminal(["profile", "pick"]);
    terminal.sees("  p     alias of prod");
    terminal.sees("profile 2/2: ");
    terminal.types("p\r");
    terminal.sees("profile 2/2: p");
    world.tidy(terminal.end()).is(0, "p\n", "");
    let world = World::of_one("[profile a\u{9b}2J\u{202e}b]\nregion = x\n[profile x\u{202e}y]\nregion = \u{1b}[2J\n");
    let (ran, shown) = after(&world, &["profile", "pick"], "\r");
    ran.is(0, "x\u{202e}y\n", "");
    assert!(shown.contains("> x\\u{202e}y") && !shown.contains('\u{9b}') && !shown.contains("[2J"), "{shown:?}");
}

#[test]
fn a_terminal_that_cannot_be_drawn_on_gets_a_list() {
    let world = World::new();
    let mut command = world.program(env!("CARGO_BIN_EXE_twolock"));
    command.args(["profile", "pick"]).env("TERM", "dumb");
    let mut terminal = Terminal::start(command);
    terminal.sees("  1 base  key 123456789012\r\n  2 prod  role 123456789012\r\n");
    terminal.sees("profile: enter a number, or part of a name: ");
    terminal.types("dep\n");
    terminal.sees("  1 deploy  role 444455556666\r\n");
    terminal.types("1\n");
    let ran = terminal.end();
    ran.is(0, "deploy\n", "");
}

#[test]
fn with_no_color_nothing_is_styled() {
    let world = World::of_one(ONE);
    let mut command = world.program(env!("CARGO_BIN_EXE_twolock"));
    command.args(["profile", "pick"]).env("NO_COLOR", "1");
    let mut terminal = Terminal::start(command);
    terminal.sees("> prod");
    terminal.sees("profile 1/1: ");
    terminal.types("\r");
    terminal.sees("\r\x1b[J");
    assert!(!terminal.shown().contains("\x1b[7m"));
    terminal.end().is(0, "prod\n", "");
}

#[test]
fn the_picker_never_opens_for_an_sdk_or_without_a_terminal() {
    let world = World::of_one(ONE);
    let usage = "twolock: error: no profile given: name one, or set AWS_PROFILE\ntwolock: hint: profiles: 'prod'\n";
    world.tidy(world.on_terminal(["credential-process"]).end()).is(2, "", usage);
    world.tidy(world.on_terminal(["status", "--min-ttl", "5m"]).end()).is(2, "", usage);
    world.run(["login"]).is(2, "", usage);
    let nobody = "twolock: error: picking a profile requires a terminal: no terminal\n";
    world.run(["profile", "pick"]).is(9, "", nobody);
    let empty = World::of_one("");
    let none = "twolock: error: no profile given: name one, or set AWS_PROFILE\n\
                twolock: hint: there are no profiles in ~/.aws/config or ~/.aws/credentials; run: twolock setup\n";
    empty.tidy(empty.on_terminal(["profile", "pick"]).end()).is(2, "", none);
}
