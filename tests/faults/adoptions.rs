//! P38's rule for moving a key: whatever cuts `adopt` and `release` short, the key is somewhere it works from, and the
//! next run finishes the work.

use std::fs;
use std::process::Stdio;

use crate::machine::bent;
use crate::outcome::failed;
use crate::world::desktop::Desktop;
use crate::world::{Fault, FaultKind, KEY_ID, SECRET, World, eventually};

const ADOPT: &[&str] = &["profile", "adopt", "base", "--yes"];
const RELEASE: &[&str] = &["profile", "release", "base", "--restore-key", "--yes"];

fn files(world: &World) -> (String, String) {
    let read = |name: &str| fs::read_to_string(world.home().join(".aws").join(name)).unwrap();
    (read("config"), read("credentials"))
}

/// Whether every profile still has a plan that begins with the key.
#[track_caller]
fn works(world: &World, when: &str) {
    for name in ["base", "prod"] {
        let shown = world.run(["profile", "show", name, "--json"]).json();
        assert!(shown["plan"][0].as_str().is_some_and(|step| step.contains(KEY_ID)), "{when}: {shown}");
    }
}

#[test]
#[ignore = "long: one run for each call of an adoption"]
fn killed_at_any_call_the_key_is_in_a_file_and_the_next_run_finishes() {
    let done = World::new();
    assert_eq!(done.finish(&mut done.twolock(ADOPT)).code, 0);
    let expected = |world: &World| {
        let (config, credentials) = files(&done);
        (config.replace(done.sandbox.url(), world.sandbox.url()), credentials)
    };
    for (args, call) in ["openat", "write", "fsync", "rename", "flock"].map(|call| (ADOPT, call)) {
        for nth in 1..400 {
            let world = World::new();
            let ran = world.finish(&mut bent(&world, call, "signal=SIGKILL", nth, args));
            assert!(files(&world).1.contains(SECRET), "{call} {nth}");
            works(&world, &format!("{call} {nth}"));
            let again = world.finish(&mut world.twolock(args));
            assert_eq!((again.code, files(&world)), (0, expected(&world)), "{call} {nth}: {again:?}");
            if ran.code == 0 {
                break;
            }
        }
    }
}

#[test]
fn killed_at_any_rename_the_key_is_in_the_keyring_or_in_the_file() {
    let mut ends = 0;
    for nth in 1..10 {
        let world = World::new();
        let desktop = Desktop::empty(&world);
        let mut command = bent(&world, "rename", "signal=SIGKILL", nth, ADOPT);
        desktop.dress(&mut command);
        let ran = world.finish(&mut command);
        assert!(desktop.planted().contains(SECRET) || files(&world).1.contains(SECRET), "{nth}");
        works(&world, &nth.to_string());
        let again = desktop.run_twolock(ADOPT);
        assert_eq!(again.code, 0, "{nth}: {again:?}");
        assert!(desktop.planted().contains(SECRET) && !files(&world).1.contains(SECRET), "{nth}");
        let back = desktop.run_twolock(RELEASE);
        assert!(back.code == 0 && files(&world).1.contains(SECRET), "{nth}: {back:?}");
        if ran.code == 0 {
            ends = nth;
            break;
        }
    }
    assert!(ends > 3, "keys.json, the config and the credentials are each renamed into place");
}

#[test]
fn a_disk_that_fails_halfway_puts_everything_back_the_keyring_included() {
    // The journal, keys.json, the config, the credentials.
    for nth in 1..5 {
        let world = World::new();
        let desktop = Desktop::empty(&world);
        let before = files(&world);
        let mut command = bent(&world, "rename", "error=ENOSPC", nth, ADOPT);
        desktop.dress(&mut command);
        failed(&world.finish(&mut command), 10, &["no space left on device"]);
        assert_eq!((files(&world), desktop.planted()), (before, String::new()), "rename {nth}");
        let index = fs::read_to_string(world.home().join(".local/share/twolock/keys.json")).unwrap_or_default();
        assert!(!index.contains(KEY_ID), "rename {nth}: {index}");
        assert!(!world.home().join(".local/share/twolock/journal.json").exists(), "rename {nth}");
        assert_eq!(desktop.run_twolock(ADOPT).code, 0);
    }
}

#[test]
fn one_that_fails_does_not_take_back_the_key_another_has_moved() {
    let world = World::new();
    let desktop = Desktop::empty(&world);
    world.sandbox.fault(Fault::new(FaultKind::Hang).on("GetCallerIdentity"));
    let mut first = desktop.twolock(ADOPT);
    let first = first.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    eventually("the first one's call", || desktop.planted().contains(SECRET) && world.sandbox.connections() > 0);
    let second = desktop.run_twolock(ADOPT);
    failed(&world.read(&first.wait_with_output().unwrap()), 6, &["STS"]);
    assert_eq!(second.code, 0, "{second:?}");
    assert!(desktop.planted().contains(SECRET) && !files(&world).1.contains(SECRET));
    works(&world, "after both");
}

#[test]
fn a_keyring_that_takes_nothing_leaves_the_key_in_the_file() {
    let world = World::new();
    let desktop = Desktop::empty(&world);
    let before = files(&world);
    // SIGSTOP: it accepts and is silent
    crate::machine::signal(desktop.keyring(), 19);
    let ran = desktop.run_twolock(ADOPT);
    crate::machine::signal(desktop.keyring(), 18);
    failed(&ran, 5, &["the Secret Service"]);
    assert_eq!(files(&world), before);
}
