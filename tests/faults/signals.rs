//! Signals at the question: the failing statement first, then the signal's own death (F43).

use crate::machine::signal;
use crate::world::{Terminal, World};

const SIGNALS: [(&str, i32); 4] =
    [("INT", libc::SIGINT), ("TERM", libc::SIGTERM), ("HUP", libc::SIGHUP), ("QUIT", libc::SIGQUIT)];

fn asking(world: &World, args: &[&str]) -> Terminal {
    let mut terminal = world.on_terminal(args);
    terminal.sees("device ana): ");
    terminal
}

#[test]
fn env_writes_its_failing_statement_and_dies_of_the_signal() {
    let world = World::new();
    for (name, number) in SIGNALS {
        for (shell, statement) in
            [("sh", "false;\n"), ("fish", "false;\n"), ("powershell", "throw 'twolock: no credentials';\n")]
        {
            let terminal = asking(&world, &["env", "prod", "--shell", shell]);
            signal(terminal.pid(), number);
            let ran = terminal.end();
            assert_eq!((ran.code, ran.stdout.as_str(), ran.stderr.as_str()), (128 + number, statement, ""), "{name}");
        }
    }
    assert_eq!(world.sandbox.connections(), 0);
}

#[test]
fn other_commands_die_of_the_signal_without_a_word() {
    let world = World::new();
    for (name, number) in SIGNALS {
        for args in [
            &["credential-process", "prod"][..],
            &["exec", "prod", "--", "echo", "ran"],
            &["env", "prod", "--format", "json"],
            &["login", "prod"],
        ] {
            let terminal = asking(&world, args);
            signal(terminal.pid(), number);
            let ran = terminal.end();
            let outcome = (ran.code, ran.stdout.as_str(), ran.stderr.as_str());
            assert_eq!(outcome, (128 + number, "", ""), "{name}, {args:?}");
        }
    }
}

#[test]
fn control_c_on_the_terminal_ends_it_like_any_command() {
    let world = World::new();
    for (keys, number) in [("\x03", libc::SIGINT), ("\x1c", libc::SIGQUIT)] {
        let mut terminal = asking(&world, &["env", "prod", "--shell", "bash"]);
        terminal.types(keys);
        let ran = terminal.end();
        assert_eq!((ran.code, ran.stdout.as_str(), ran.stderr.as_str()), (128 + number, "false;\n", ""));
    }
}

#[test]
fn what_follows_an_interrupted_eval_does_not_run() {
    let world = World::new();
    let mut shell = world.program("bash");
    shell.args(["-c", "trap : INT; eval \"$(twolock env prod --shell bash)\" && echo went on; echo ended"]);
    let mut terminal = Terminal::start(shell);
    terminal.sees("device ana): ");
    terminal.types("\x03");
    let ran = terminal.end();
    assert_eq!(ran.stdout, "ended\n", "{ran:?}");
}

#[test]
fn a_second_empty_line_and_the_end_of_input_cancel() {
    let world = World::new();
    for lines in [&["\n", "\n"][..], &["\x04"], &["  \n", "\x04"]] {
        for (args, stdout) in
            [(&["credential-process", "prod"][..], ""), (&["env", "prod", "--shell", "sh"], "false;\n")]
        {
            let mut terminal = asking(&world, args);
            terminal.types(lines[0]);
            for line in &lines[1..] {
                terminal.sees("no code was typed; another empty line cancels");
                terminal.sees("device ana): ");
                terminal.types(line);
            }
            terminal.end().is(9, stdout, "twolock: error: profile 'prod': cancelled; no code was given\n");
        }
    }
    assert_eq!(world.sandbox.connections(), 0);
}

#[test]
fn a_signal_ignored_at_the_start_stays_ignored() {
    let world = World::new();
    let mut shell = world.program("sh");
    shell.args(["-c", "trap '' HUP; exec twolock credential-process prod"]);
    let mut terminal = Terminal::start(shell);
    terminal.sees("device ana): ");
    signal(terminal.pid(), libc::SIGHUP);
    terminal.types(&format!("{}\n", world.code()));
    assert_eq!(terminal.end().code, 0, "nohup's promise");
}

#[test]
fn a_signal_during_the_call_dies_of_it_and_nothing_is_half_kept() {
    let world = World::new();
    world.sandbox.fault(crate::world::Fault::new(crate::world::FaultKind::Hang).on("GetSessionToken"));
    let mut terminal = asking(&world, &["env", "prod", "--shell", "sh"]);
    terminal.types(&format!("{}\n", world.code()));
    crate::machine::eventually("the call", || world.sandbox.count("GetSessionToken") == 1);
    signal(terminal.pid(), libc::SIGTERM);
    let ran = terminal.end();
    assert_eq!((ran.code, ran.stdout.as_str()), (128 + libc::SIGTERM, "false;\n"), "{ran:?}");
    let left: Vec<_> = std::fs::read_dir(world.cache()).unwrap().flatten().map(|e| e.file_name()).collect();
    let is_left = |end: &str| left.iter().any(|name| name.to_str().unwrap().ends_with(end));
    assert!(!is_left(".sealed") && !is_left(".tmp"), "{left:?}");
}
