use crate::world::{Terminal, World};

#[test]
fn the_tour_succeeds_and_leaves_no_files() {
    let world = World::new();
    let temporary = world.home().join("tmp");
    std::fs::create_dir(&temporary).unwrap();
    let ran = world.finish(world.twolock(["sandbox", "--once"]).env("TMPDIR", &temporary));
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""), "{ran:?}");
    for part in [
        "credential_process = ",
        "with MFA code",
        "no call to STS",
        ":assumed-role/Admin/ana",
        "in eu-west-1",
        "All steps succeeded.",
    ] {
        assert!(ran.stdout.contains(part), "{part}: {}", ran.stdout);
    }
    assert_eq!(std::fs::read_dir(&temporary).unwrap().count(), 0);
    assert!(!world.cache().exists());
}

#[test]
fn on_a_terminal_the_tour_ends_in_a_shell_that_knows_the_code() {
    let world = World::new();
    let mut tour = world.program(env!("CARGO_BIN_EXE_twolock"));
    tour.arg("sandbox").env("SHELL", "/bin/sh");
    let mut terminal = Terminal::start_in_full(tour);
    terminal.sees("To leave: exit");
    assert!(!terminal.shown().contains("MFA code for"), "{}", terminal.shown());
    terminal.types("while ! test -s ~/code; do sleep 0.1; done; wc -c < ~/code; twolock status\n");
    terminal.sees("role Admin");
    terminal.types("exit\n");
    assert_eq!(terminal.end().code, 0);
}

#[test]
fn a_shell_that_does_not_start_is_reported_and_leaves_no_files() {
    let world = World::new();
    let temporary = world.home().join("tmp");
    std::fs::create_dir(&temporary).unwrap();
    let mut tour = world.program(env!("CARGO_BIN_EXE_twolock"));
    tour.arg("sandbox").env("SHELL", "/nowhere/sh").env("TMPDIR", &temporary);
    let mut terminal = Terminal::start_in_full(tour);
    terminal.sees("cannot start the shell: ");
    assert_eq!(terminal.end().code, 10);
    assert_eq!(std::fs::read_dir(&temporary).unwrap().count(), 0);
}
