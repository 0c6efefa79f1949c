//! A repository sets `HOME`, `XDG_CONFIG_HOME` and `PATH`: no alias, consent or program of its own counts.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::world::{CONFIG, Ran, World, make_runnable};

const CONSENTS: &str = "[aliases]\nstage = \"prod\"\n\n[endpoints]\nallow = [\"sts.evil.test\"]\n";

/// A directory of the world with AWS files and settings of its own.
fn repository(world: &World) -> PathBuf {
    world.write("repo/.aws/config", CONFIG);
    world.write("repo/.aws/credentials", &std::fs::read_to_string(world.home().join(".aws/credentials")).unwrap());
    world.write("repo/.config/twolock/config.toml", CONSENTS);
    world.home().join("repo")
}

fn in_its_home(world: &World, repository: &Path, args: &[&str]) -> Ran {
    world.finish(world.twolock(args).env("HOME", repository))
}

/// A program that leaves a mark.
fn program(world: &World, name: &str) -> (PathBuf, PathBuf) {
    let (program, mark) = (world.home().join(name), world.home().join("mark"));
    std::fs::create_dir_all(program.parent().unwrap()).unwrap();
    std::fs::write(&program, format!("#!/bin/sh\ntouch {}\necho {}\n", mark.display(), world.code())).unwrap();
    make_runnable(&program);
    (program, mark)
}

fn with_process(world: &World, line: &str) -> String {
    let device = "mfa_serial = arn:aws:iam::123456789012:mfa/ana\n";
    CONFIG.replace(device, &format!("{device}mfa_process = {line}\n")).replace("{url}", world.sandbox.url())
}

#[test]
fn aliases_of_another_home_are_no_names() {
    let world = World::new();
    let repository = repository(&world);
    let why = "twolock: hint: HOME is not the account's home (HOME): aliases and consents there do not count\n";
    for verb in ["login", "env", "whoami", "credential-process"] {
        let ran = in_its_home(&world, &repository, &[verb, "stage"]);
        assert!(ran.code == 3 && ran.stderr.contains("profile 'stage'") && ran.stderr.contains(why), "{verb}: {ran:?}");
    }
    let ran = in_its_home(&world, &repository, &["settings", "list"]);
    assert!(ran.code == 0 && !ran.stdout.contains("stage") && ran.stderr.contains("do not count"), "{ran:?}");
    // The account's own alias counts, wherever HOME leads.
    world.write(".config/twolock/config.toml", CONSENTS);
    assert_eq!(in_its_home(&world, &repository, &["profile", "show", "stage"]).code, 0);
}

#[test]
fn aliases_of_another_settings_directory_are_no_names() {
    let world = World::new();
    let repository = repository(&world);
    let moved = |args: &[&str]| world.finish(world.twolock(args).env("XDG_CONFIG_HOME", repository.join(".config")));
    let ran = moved(&["login", "stage"]);
    let why = "hint: XDG_CONFIG_HOME is set: aliases and consents count only in ~/.config/twolock/config.toml\n";
    assert!(ran.code == 3 && ran.stderr.contains(why), "{ran:?}");
    // The command that the user runs for it writes where it counts.
    assert_eq!(moved(&["settings", "set", "aliases.stage", "prod"]).code, 0);
    assert_eq!(moved(&["profile", "show", "stage"]).code, 0);
}

#[test]
fn hosts_that_another_home_allows_get_no_request() {
    let world = World::new();
    let repository = repository(&world);
    world.write("repo/.aws/config", &CONFIG.replace("{url}", "https://sts.evil.test"));
    let ran = in_its_home(&world, &repository, &["login", "prod"]);
    assert!(ran.code == 3 && ran.stderr.contains("sts.evil.test") && ran.stderr.contains("do not count"), "{ran:?}");
}

#[test]
fn a_key_file_of_another_home_is_not_used() {
    let world = World::new();
    world.write("repo/.config/twolock/config.toml", "keyring = \"file\"\n");
    let repository = world.home().join("repo");
    let ran = in_its_home(&world, &repository, &["settings", "get", "keyring"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (0, "auto\n"), "{ran:?}");
    world.write(".config/twolock/config.toml", "keyring = \"file\"\n");
    let ran = in_its_home(&world, &repository, &["settings", "get", "keyring"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (0, "file\n"), "{ran:?}");
}

#[test]
fn a_config_file_of_another_home_starts_no_program() {
    let world = World::new();
    let repository = repository(&world);
    let (program, mark) = program(&world, "repo/code");
    world.write("repo/.aws/config", &with_process(&world, program.to_str().unwrap()));
    let ran = in_its_home(&world, &repository, &["login", "base"]);
    let says = "will not run programs from HOME/repo/.aws/config, because HOME selected it";
    assert!(ran.code == 3 && ran.stderr.contains(says), "{ran:?}");
    assert!(!mark.exists());
    let file = repository.join(".aws/config");
    assert_eq!(in_its_home(&world, &repository, &["settings", "trust", "--yes", file.to_str().unwrap()]).code, 0);
    assert_eq!(in_its_home(&world, &repository, &["login", "base"]).code, 0);
    assert!(mark.exists());
}

#[test]
fn a_config_file_of_another_home_starts_no_program_that_prints_credentials() {
    let world = World::new();
    let repository = repository(&world);
    let (program, mark) = program(&world, "repo/vend");
    let role = "[profile open]\nrole_arn = arn:aws:iam::123456789012:role/Open\nsource_profile = vend\n";
    world.write("repo/.aws/config", &format!("{role}[profile vend]\ncredential_process = {}\n", program.display()));
    let verbs: [&[&str]; 5] = [
        &["login", "open"],
        &["env", "vend"],
        &["whoami", "open"],
        &["console", "open", "--print"],
        &["credential-process", "vend"],
    ];
    for args in verbs {
        let ran = in_its_home(&world, &repository, args);
        let says = "will not run programs from HOME/repo/.aws/config, because HOME selected it";
        assert!(ran.code == 3 && ran.stderr.contains(says), "{args:?}: {ran:?}");
    }
    in_its_home(&world, &repository, &["whoami", "--all"]);
    in_its_home(&world, &repository, &["doctor"]);
    in_its_home(&world, &repository, &["overview"]);
    assert!(!mark.exists());
}

#[test]
fn a_name_that_path_leads_elsewhere_starts_nothing_and_the_hint_writes_the_absolute_path() {
    let world = World::new();
    let (program, mark) = program(&world, "repo/bin/oathtool");
    world.write(".aws/config", &with_process(&world, "oathtool --totp 'a b'"));
    let path = format!("{}:{}", program.parent().unwrap().display(), crate::world::path());
    let run = |command: &mut Command| world.finish(command.env("PATH", &path));
    let ran = run(&mut world.twolock(["login", "base"]));
    let expected = "twolock: error: profile 'base' (~/.aws/config:4): mfa_process: 'oathtool' on \
                    PATH is HOME/repo/bin/oathtool, which is not in a system directory\n\
                    twolock: hint: if you trust it, use its absolute path: twolock profile set base mfa_process ";
    assert!(ran.code == 3 && ran.stderr.starts_with(expected), "{ran:?}");
    assert!(!mark.exists());
    let command = ran.stderr.rsplit_once("absolute path: ").unwrap().1.replace("HOME", world.home().to_str().unwrap());
    let bin = Path::new(env!("CARGO_BIN_EXE_twolock")).parent().unwrap().display().to_string();
    let mut shell = world.program("sh");
    shell.args(["-c", &format!("{} --yes", command.trim())]).env("PATH", format!("{bin}:{}", crate::world::path()));
    assert_eq!(world.finish(&mut shell).code, 0);
    assert_eq!(run(&mut world.twolock(["login", "base"])).code, 0);
    assert!(mark.exists());
}

#[test]
fn a_shell_that_is_none_of_the_system_is_not_started_as_subshell() {
    let world = World::new();
    let (program, mark) = program(&world, "repo/sh");
    world.log_in("prod");
    let ran = world.finish(world.twolock(["exec", "prod"]).env("SHELL", &program));
    for other in ["# /etc/shells: valid login shells", "/usr/bin/env", "/usr/bin/nosuch", "/bin/sh/", "sh"] {
        let ran = world.finish(world.twolock(["exec", "prod"]).env("SHELL", other));
        assert!(ran.code == 3 && ran.stderr.contains("is not a shell of this system"), "{other}: {ran:?}");
    }
    let said = "twolock: error: SHELL is 'HOME/repo/sh', which is not a shell of this system\n\
                twolock: hint: if you trust it, name it as the command: twolock exec prod -- HOME/repo/sh\n";
    ran.is(3, "", said);
    assert!(!mark.exists());
    assert_eq!(world.run(["exec", "prod", "--", program.to_str().unwrap()]).code, 0);
    assert!(mark.exists());
}
