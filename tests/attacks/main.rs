//! What a hostile reviewer tried on the binary: each of these once hung, crashed or misled.
#![cfg(target_os = "linux")]

mod hostile_text;
mod other_homes;
#[path = "../world/mod.rs"]
mod world;

use std::path::Path;
use std::process::Command;

use world::{KEY_ID, Ran, World};

/// Far above the duration of any of these, far below that of the bugs they test for.
const HANG: &str = "60";

/// The binary without a terminal, killed where it hangs: then it "exits" with 137.
fn bounded<const N: usize>(world: &World, args: [&str; N]) -> Command {
    let mut command = world.program("timeout");
    command.args(["-s", "KILL", HANG, env!("CARGO_BIN_EXE_twolock")]).args(args);
    world::without_terminal(&mut command);
    command
}

fn run<const N: usize>(world: &World, args: [&str; N]) -> Ran {
    world.finish(&mut bounded(world, args))
}

fn make_pipe(path: &Path) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
}

#[test]
fn pipe_or_device_in_place_of_our_own_files_is_refused_and_not_waited_for() {
    for name in [".config/twolock/config.toml", ".local/share/twolock/keys.json"] {
        let world = World::new();
        let path = world.home().join(name);
        let refusal = format!("twolock: error: cannot read ~/{name}: it is a pipe or device, not a file\n");
        make_pipe(&path);
        run(&world, ["credential-process", "prod"]).is(3, "", &refusal);
        std::fs::remove_file(&path).unwrap();
        std::os::unix::fs::symlink("/dev/zero", &path).unwrap();
        run(&world, ["profile", "list"]).is(3, "", &refusal);
        std::fs::remove_file(&path).unwrap();
    }
    let world = World::new();
    make_pipe(&world.home().join(".config/twolock/config.toml"));
    assert_eq!(run(&world, ["settings", "set", "min_ttl", "1m"]).code, 3);
    std::fs::remove_file(world.home().join(".config/twolock/config.toml")).unwrap();
}

#[test]
fn a_cache_directory_that_cannot_be_created_is_a_failure_without_endless_retries() {
    let world = World::new();
    let ran = world.finish(bounded(&world, ["login", "prod"]).env("XDG_CACHE_HOME", "/proc"));
    let why = "/proc/twolock cannot be created: no such file or directory";
    ran.is(10, "", &format!("twolock: error: profile 'prod': {why}\n"));
}

#[test]
fn sealed_file_that_claims_to_live_for_ever_is_no_panic() {
    let world = World::new();
    let numbers = format!(r#""issued":0,"asked":{},"expires":{}"#, u64::MAX, i64::MAX);
    let header = r#""key":"y","kind":"session","profile":"p""#;
    let identity = "0".repeat(64);
    let planted = format!("{{\"v\":1,\"identity\":\"{identity}\",{header},{numbers}}}\nsealed");
    world.write(".cache/twolock/planted.sealed", &planted);
    for args in [["status", "--json"], ["login", "prod"], ["status", "prod"]] {
        let ran = run(&world, args);
        assert!(!ran.stderr.contains("panic") && [0, 9].contains(&ran.code), "{ran:?}");
    }
}

#[test]
fn ten_thousand_profiles_are_listed_without_reading_the_file_ten_thousand_times() {
    let world = World::new();
    let role = "role_arn = arn:aws:iam::123456789012:role/R\nsource_profile = base\nregion = eu-west-1\n";
    world.add_config(&(0..10_000).map(|n| format!("[profile p{n}]\n{role}\n")).collect::<String>());
    let listed = run(&world, ["profile", "list"]);
    assert_eq!((listed.code, listed.stdout.lines().count()), (0, 10_005), "{}", listed.stderr);
    let status = run(&world, ["status"]);
    assert!(status.code == 0 && status.stdout.contains(KEY_ID), "{status:?}");
    let json = run(&world, ["profile", "list", "--json"]).json();
    assert_eq!(json["profiles"][10_003]["name"], "p9999");
}

#[test]
fn name_of_a_megabyte_is_not_compared_letter_by_letter() {
    let world = World::new();
    world.add_config(&format!("[profile {}]\nregion = x\n", "a".repeat(1_000_000)));
    let ran = run(&world, ["credential-process", &"b".repeat(400)]);
    assert_eq!((ran.code, ran.stdout.as_str()), (3, ""), "{}", ran.stderr);
    assert!(ran.stderr.len() < 4_000);
}

#[test]
fn json_holds_no_character_that_a_terminal_obeys() {
    let world = World::new();
    world.add_config("[profile c1]\nregion = \u{9b}2J\u{7f}\u{202e}x\n");
    for args in [["profile", "list", "--json"].as_slice(), &["profile", "show", "c1", "--json"]] {
        let ran = world.finish(&mut world.twolock(args));
        let region = r#""region": "\u009b2J\u007f\u202ex""#;
        assert!(ran.code == 0 && ran.stdout.contains(region), "{ran:?}");
        assert!(ran.stdout.chars().all(|c| c == '\n' || !c.is_control()), "{ran:?}");
    }
}

/// libdbus starts what `unixexec:` names, and entering a directory may set variables (P16).
#[test]
fn bus_address_that_names_a_program_starts_none() {
    let world = World::new();
    let marker = world.home().join("started");
    for before in ["", "unix:path=/nowhere;"] {
        let address = format!("{before}unixexec:path=/usr/bin/touch,argv1={}", marker.display());
        for args in [["credential-process", "prod"], ["env", "prod"], ["logout", "--all"]] {
            let ran = world.finish(bounded(&world, args).env("DBUS_SESSION_BUS_ADDRESS", &address));
            assert!([0, 9].contains(&ran.code) && !marker.exists(), "{ran:?}");
        }
    }
}

#[test]
fn damaged_key_file_is_left_alone_and_the_way_out_works() {
    let world = World::new();
    assert_eq!(run(&world, ["settings", "set", "keyring", "file"]).code, 0);
    world.log_in("base");
    let directory = world.home().join(".local/share/twolock");
    let mut files = std::fs::read_dir(&directory).unwrap().map(|file| file.unwrap().path());
    let file = files.find(|file| file.extension().is_some_and(|e| e == "key")).unwrap();
    std::fs::write(&file, "short").unwrap();
    run(&world, ["credential-process", "prod"]).is(
        5,
        "",
        "twolock: error: profile 'prod': no keyring is available to protect sessions: the key file contains a damaged item: \
         an encryption key of 5 bytes instead of 32\n\
         twolock: hint: to start with a new key: twolock logout --all\n",
    );
    assert_eq!(std::fs::read(&file).unwrap(), b"short");
    assert_eq!(run(&world, ["logout", "--all"]).code, 0);
    assert_eq!(run(&world, ["credential-process", "prod"]).code, 9, "a code is all that is missing now");
}

#[test]
fn the_warning_of_an_unusable_cache_directory_names_no_fix_that_does_not_help() {
    let world = World::new();
    let ran = world.finish(bounded(&world, ["env", "prod"]).env("XDG_CACHE_HOME", "/proc"));
    assert_eq!((ran.code, ran.stdout.as_str()), (9, "false;\n"));
    assert!(ran.stderr.contains("and the next command asks again\n") && !ran.stderr.contains("keyring"), "{ran:?}");
}

/// AWS's own STS behind a proxy that is not available: nothing leaves this machine.
fn towards_aws(command: &mut Command) -> &mut Command {
    let dead = [("HTTPS_PROXY", "http://127.0.0.1:1"), ("TWOLOCK_MFA_CODE", "123456")];
    command.envs(dead).env("AWS_ENDPOINT_URL_STS", "https://sts.eu-west-1.amazonaws.com")
}

#[test]
fn pipe_of_certificates_is_refused_and_not_waited_for() {
    let world = World::new();
    let pipe = world.home().join("pipe");
    make_pipe(&pipe);
    let ran = world.finish(towards_aws(&mut bounded(&world, ["login", "base"])).env("SSL_CERT_FILE", &pipe));
    let refusal = "SSL_CERT_FILE names 'HOME/pipe', which cannot be read: it is not a regular file\n";
    let hint = "twolock: hint: set it to a file of PEM certificates, or unset SSL_CERT_FILE\n";
    ran.is(3, "", &format!("twolock: error: {refusal}{hint}"));
}

/// Without any certificate the TLS library panics in debug builds, which is used here as a bug of ours.
#[test]
fn bug_in_env_fails_in_the_shell_too() {
    let world = World::new();
    world.write("empty.pem", "");
    let mut command = bounded(&world, ["env", "base", "--shell", "sh"]);
    let ran = world.finish(towards_aws(&mut command).env("SSL_CERT_FILE", world.home().join("empty.pem")));
    assert_ne!(ran.code, 0, "{ran:?}");
    assert!(!ran.stdout.is_empty() && ran.stdout.lines().all(|line| line == "false;"), "{ran:?}");
}
