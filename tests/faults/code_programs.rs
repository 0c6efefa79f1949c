//! Programs that print codes, and files that may not name any (F45, P16).

use std::fs;
use std::os::unix::fs::PermissionsExt;

use crate::machine::script;
use crate::outcome::{answer, failed};
use crate::world::{CONFIG, DEVICE, World};

/// The usual config with a program that prints codes.
fn config(line: &str) -> String {
    CONFIG.replace(&format!("mfa_serial = {DEVICE}\n"), &format!("mfa_serial = {DEVICE}\nmfa_process = {line}\n"))
}

fn set_program(world: &World, line: &str) {
    world.write(".aws/config", &config(line));
}

#[test]
fn a_program_that_misbehaves_is_ended_capped_and_named() {
    let world = World::new();
    for (text, code, says) in [
        ("exit 1", 4, "mfa_process exited with 1"),
        ("echo broken >&2; exit 3", 4, "mfa_process exited with 3: broken"),
        ("printf '\\033[2J\\033]0;x\\007 red' >&2; exit 1", 4, "\\u{1b}[2J\\u{1b}]0;x\\u{7} red"),
        ("echo code 123456 is wrong >&2; exit 1", 4, "code *** is wrong"),
        ("echo 123456; echo 654321", 3, "printed more than one line"),
        ("echo 12345", 3, "printed something other than six digits"),
        ("echo code: 123456", 3, "printed something other than six digits"),
        ("true", 3, "printed no code"),
        ("printf '\\377\\376'", 3, "mfa_process printed"),
        ("exec yes", 3, "printed more than 1024 bytes"),
        ("exec head -c 1073741824 /dev/zero", 3, "printed more than 1024 bytes"),
        ("yes | head -c 100000000 >&2; exit 1", 4, "mfa_process exited with 1: y"),
        ("kill -9 $$", 4, "was killed by signal 9"),
    ] {
        let program = script(&world, "codes", text);
        set_program(&world, &program);
        let ran = answer(&world, &mut world.twolock(["credential-process", "prod"]));
        failed(&ran, code, &["profile 'base' (~/.aws/config:4)", says]);
        assert!(ran.stderr.len() < 1500 && !ran.stderr.contains('\x1b'), "{text}: {ran:?}");
    }
    assert_eq!(world.sandbox.connections(), 0);
}

#[test]
fn a_program_that_hangs_is_killed_with_all_it_started() {
    let world = World::new();
    let program = script(&world, "codes", "sleep 1000 & echo $! $$ >\"$HOME/pids\"; trap '' TERM; wait; sleep 1000");
    set_program(&world, &program);
    let mut command = world.twolock(["credential-process", "prod"]);
    failed(&answer(&world, command.env("TWOLOCK_PROMPT_TIMEOUT", "2s")), 4, &["mfa_process did not finish within 2 s"]);
    let pids = fs::read_to_string(world.home().join("pids")).unwrap();
    for pid in pids.split_whitespace() {
        crate::machine::eventually("its end", || crate::machine::has_ended(pid.parse().unwrap()));
    }
}

#[test]
fn a_line_that_needs_a_shell_or_another_folder_starts_nothing() {
    let world = World::new();
    let touch = script(&world, "touch-marker", ": >\"$HOME/marker\"; echo 123456");
    for (line, says) in [
        (format!("{touch} | cat"), "uses shell syntax: '|'"),
        (format!("{touch}; true"), "uses shell syntax: ';'"),
        (format!("$({touch})"), "uses shell syntax: '$'"),
        (format!("`{touch}`"), "uses shell syntax: '`'"),
        (format!("{touch} > /dev/null"), "uses shell syntax: '>'"),
        (format!("{touch} &"), "uses shell syntax: '&'"),
        (format!("'{touch}"), "has an unclosed quote"),
        ("./touch-marker".into(), "must be an absolute path or a name on PATH"),
        ("../x/touch-marker".into(), "must be an absolute path or a name on PATH"),
        ("touch-marker".into(), "program not found"),
        ("/no/such".into(), "program not found"),
        (world.home().display().to_string(), "program not found"),
    ] {
        set_program(&world, &line);
        let mut command = world.twolock(["credential-process", "prod"]);
        let path = format!(".:{}", crate::world::path());
        let ran = answer(&world, command.current_dir(world.home()).env("PATH", path));
        failed(&ran, 3, &["profile 'base' (~/.aws/config:4)", says]);
        assert!(!world.home().join("marker").exists(), "{line} ran");
    }
}

#[test]
fn a_config_file_a_variable_chose_names_no_program_without_consent() {
    let world = World::new();
    let program = script(&world, "codes", ": >\"$HOME/marker\"; cat \"$HOME/code\"");
    world.write("code", &world.code());
    world.write("repo/config", &config(&program));
    let path = world.home().join("repo/config");
    let call = || answer(&world, world.twolock(["credential-process", "prod"]).env("AWS_CONFIG_FILE", &path));
    let marker = world.home().join("marker");

    failed(
        &call(),
        3,
        &["will not run programs from", "AWS_CONFIG_FILE selected it", "twolock settings trust HOME/repo/config"],
    );
    assert!(!marker.exists(), "it ran without consent");

    let trust = || world.run(["settings", "trust", path.to_str().unwrap(), "--yes"]);
    assert_eq!(trust().code, 0);
    world.write("repo/config", &(config(&program) + "# changed\n"));
    failed(&call(), 3, &["it has changed since you trusted it"]);
    assert!(!marker.exists(), "it ran after a change");

    assert_eq!(trust().code, 0);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o666)).unwrap();
    failed(&call(), 3, &["is writable by everybody"]);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    fs::set_permissions(path.parent().unwrap(), fs::Permissions::from_mode(0o777)).unwrap();
    failed(&call(), 3, &["is writable by everybody"]);
    fs::set_permissions(path.parent().unwrap(), fs::Permissions::from_mode(0o755)).unwrap();
    assert!(!marker.exists(), "it ran from a file others can write");

    let ran = call();
    assert_eq!((ran.code, marker.exists()), (0, true), "{ran:?}");
}

#[test]
fn a_repositorys_variables_bring_no_consent_of_their_own() {
    let world = World::new();
    let program = script(&world, "codes", ": >\"$HOME/marker\"; echo 123456");
    world.write("repo/config", &config(&program));
    let path = world.home().join("repo/config");
    let mut trust = world.twolock(["settings", "trust", path.to_str().unwrap(), "--yes"]);
    let other = world.home().join("other");
    let trusted = world.finish(trust.env("HOME", &other).env("TWOLOCK_ACCOUNT_HOME", &other));
    assert_eq!(trusted.code, 0, "{trusted:?}");
    let brought = world.home().join("other/.config");
    let mut command = world.twolock(["credential-process", "prod"]);
    let ran = answer(&world, command.env("AWS_CONFIG_FILE", &path).env("XDG_CONFIG_HOME", &brought));
    failed(&ran, 3, &["AWS_CONFIG_FILE selected it"]);
    assert!(!world.home().join("marker").exists());
}

#[test]
fn reading_such_a_file_needs_no_consent() {
    let world = World::new();
    world.write("repo/config", &config("/no/such"));
    let path = world.home().join("repo/config");
    for args in [&["profile", "list"][..], &["profile", "show", "prod"], &["status"]] {
        let ran = world.finish(world.twolock(args).env("AWS_CONFIG_FILE", &path));
        assert_eq!(ran.code, 0, "{args:?}: {ran:?}");
    }
}

#[test]
fn a_program_that_is_twolock_itself_is_not_run_in_a_loop() {
    let world = World::new();
    set_program(&world, &format!("{} credential-process prod", crate::machine::BINARY));
    let ran = answer(&world, &mut world.twolock(["credential-process", "prod"]));
    failed(&ran, 4, &["profile 'base' (~/.aws/config:4)", "mfa_process"]);
    assert!(ran.stderr.contains("runs twolock itself"), "{ran:?}");
}
