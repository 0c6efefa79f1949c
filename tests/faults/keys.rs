//! P7, P27, P28, F24, F25: the key verbs on failing disks, with keyrings that fail, and with an AWS that gives no answer.
//! A key is never lost, never half there, and never in clear where it was not before.

use std::fs;
use std::process::{Command, Stdio};

use crate::desktop::{Desktop, item};
use crate::machine::{bent, signal};
use crate::outcome::{failed, holds, tells_no_secret};
use crate::world::{CREDENTIALS, Fault, FaultKind, KEY_ID, Ran, SECRET, World, without_terminal};
use twolock_sandbox::Refusal;

const ADD: &[&str] = &["key", "add", "base", "--stdin"];
const IMPORT: &[&str] = &["key", "import", "base", "--yes"];
const REMOVE: &[&str] = &["key", "remove", "base", "--yes"];
const REPLACE: &[&str] = &["key", "replace", "base", "--stdin", "--yes"];

const OTHER_ID: &str = "AKIAI44QH8DHBEXAMPLE";
const OTHER_SECRET: &str = "je7MtGbClwBFCANARYSECOND0000000000000000";

/// Everything a key verb may change: index, credentials file, both items.
fn state(world: &World, desktop: &Desktop) -> [String; 4] {
    let read = |name: &str| fs::read_to_string(world.home().join(name)).unwrap_or_default();
    let item = |id: &str| desktop.run("secret-tool", &["lookup", "service", "twolock", "username", id], "");
    let index = read(".local/share/twolock/keys.json").replace(r#"{"keys":{},"v":1}"#, "");
    [index, read(".aws/credentials"), item(KEY_ID), item(OTHER_ID)]
}

/// A world in which this command has something to do; for `replace` and `remove` the usual key is stored.
fn begun<'w>(world: &'w World, args: &[&str]) -> Desktop<'w> {
    let ana = "arn:aws:iam::123456789012:user/ana";
    world.sandbox.add_key(ana, OTHER_ID, OTHER_SECRET).unwrap();
    let (id, secret) = if args == REPLACE { (OTHER_ID, OTHER_SECRET) } else { (KEY_ID, SECRET) };
    world.write("key.txt", &format!("{id}\n{secret}\n"));
    match args {
        IMPORT => Desktop::empty(world),
        ADD => {
            world.write(".aws/credentials", "");
            Desktop::empty(world)
        }
        _ => Desktop::unlocked(world),
    }
}

fn run(world: &World, desktop: &Desktop, mut command: Command) -> Ran {
    desktop.dress(&mut command);
    command.stdin(fs::File::open(world.home().join("key.txt")).unwrap()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let ran = world.finish(&mut command);
    for secret in [SECRET, OTHER_SECRET] {
        assert!(!holds(&ran.stderr, secret) && !holds(&ran.stdout, secret), "{ran:?}");
    }
    tells_no_secret(world, &ran);
    ran
}

#[test]
fn a_disk_that_fails_halfway_puts_everything_back() {
    // The journal, keys.json, and for an import the credentials file.
    for (args, renames) in [(ADD, 2), (IMPORT, 3), (REMOVE, 2), (REPLACE, 2)] {
        for nth in 1..=renames {
            let world = World::new();
            let desktop = begun(&world, args);
            let before = state(&world, &desktop);
            let ran = run(&world, &desktop, bent(&world, "rename", "error=ENOSPC", nth, args));
            failed(&ran, 10, &["no space left on device"]);
            assert_eq!(state(&world, &desktop), before, "{args:?} rename {nth}");
            assert!(!world.home().join(".local/share/twolock/journal.json").exists(), "{args:?} rename {nth}");
            let again = run(&world, &desktop, world.twolock(args));
            assert_eq!(again.code, 0, "{args:?} rename {nth}: {again:?}");
        }
    }
}

#[test]
fn a_silent_keyring_leaves_everything_as_it_was() {
    for args in [ADD, IMPORT, REMOVE, REPLACE] {
        let world = World::new();
        let desktop = begun(&world, args);
        let before = state(&world, &desktop);
        // SIGSTOP: it accepts and is silent.
        signal(desktop.keyring(), 19);
        let ran = run(&world, &desktop, world.twolock(args));
        signal(desktop.keyring(), 18);
        failed(&ran, 5, &["the Secret Service"]);
        assert_eq!(state(&world, &desktop), before, "{args:?}");
    }
}

#[test]
fn a_damaged_or_different_item_is_neither_overwritten_nor_taken_for_a_miss() {
    for (planted, why) in [
        ("junk".to_string(), "contains a damaged item"),
        (item().replace("\"v\":1", "\"v\":2"), "contains a damaged item"),
        (item().replace("CANARY", "CANARX"), "already has this key id with another secret"),
    ] {
        for args in [ADD, IMPORT] {
            let world = World::new();
            let desktop = begun(&world, args);
            desktop.plant(&planted, &[]);
            let before = state(&world, &desktop);
            let ran = run(&world, &desktop, world.twolock(args));
            failed(&ran, 5, &[why]);
            assert_eq!(state(&world, &desktop), before, "{args:?}");
        }
    }
    // It can be removed, and a key that the keyring has lost can be added again.
    let world = World::new();
    let desktop = begun(&world, REMOVE);
    desktop.plant("junk", &[]);
    assert_eq!(run(&world, &desktop, world.twolock(REMOVE)).code, 0);
    assert_eq!(desktop.planted(), "");
    let world = World::new();
    let desktop = begun(&world, REMOVE);
    desktop.clear();
    assert_eq!(run(&world, &desktop, world.twolock(ADD)).code, 0);
    assert_eq!(desktop.planted(), item());
}

#[test]
fn without_an_answer_of_aws_the_key_is_kept_its_source_too_and_the_exit_code_is_8() {
    for kind in [FaultKind::HtmlBody, FaultKind::Status(500), FaultKind::DropAfter, FaultKind::Hang] {
        for args in [ADD, IMPORT] {
            let world = World::new();
            let desktop = begun(&world, args);
            let before = state(&world, &desktop);
            world.sandbox.fault(Fault::new(kind.clone()).on("GetCallerIdentity").always());
            let ran = run(&world, &desktop, world.twolock(args));
            failed(&ran, 8, &[KEY_ID, "is stored in the Secret Service but not verified", "run this again"]);
            let now = state(&world, &desktop);
            assert!(now[0].contains(r#""unproved":true"#), "{now:?}");
            assert_eq!((&now[1], &now[2]), (&before[1], &item()), "{kind:?} {args:?}");
            world.sandbox.clear_faults();
            let ran = run(&world, &desktop, world.twolock(args));
            assert_eq!(ran.code, 0, "{kind:?} {args:?}: {ran:?}");
            assert!(!state(&world, &desktop)[0].contains("unproved"));
        }
        // Whose key it is must be known to replace another one.
        let world = World::new();
        let desktop = begun(&world, REPLACE);
        let before = state(&world, &desktop);
        world.sandbox.fault(Fault::new(kind.clone()).on("GetCallerIdentity").always());
        let ran = run(&world, &desktop, world.twolock(REPLACE));
        assert_eq!((ran.code, state(&world, &desktop)), (6, before), "{kind:?}: {ran:?}");
    }
}

#[test]
fn a_key_that_aws_refuses_after_it_was_stored_is_taken_out_again() {
    for args in [ADD, IMPORT, REPLACE] {
        let world = World::new();
        let desktop = begun(&world, args);
        let before = state(&world, &desktop);
        // The first call asks whose it is, for `replace` the second asks about the old one, and the last proves what is stored.
        let first = if args == REPLACE { 2 } else { 1 };
        let refusal =
            Refusal::new(403, "InvalidClientTokenId", "The security token included in the request is invalid.");
        world.sandbox.fault(Fault::new(FaultKind::Error(refusal)).on("GetCallerIdentity").after(first));
        let ran = run(&world, &desktop, world.twolock(args));
        failed(&ran, 4, &["is unknown, inactive or deleted"]);
        assert_eq!(state(&world, &desktop), before, "{args:?}");
    }
}

#[test]
fn a_keyring_that_fails_never_means_a_file() {
    let world = World::new();
    let mut desktop = begun(&world, ADD);
    desktop.kill_keyring();
    let ran = run(&world, &desktop, world.twolock(ADD));
    assert_eq!(ran.code, 5, "{ran:?}");
    assert_eq!(fs::read_to_string(world.home().join(".aws/credentials")).unwrap(), "");
    let config = fs::read_to_string(world.home().join(".aws/config")).unwrap();
    assert!(!config.contains("base-keys"), "{config}");
    assert!(CREDENTIALS.contains(SECRET));
}

#[test]
fn no_argument_and_no_write_of_the_key_verbs_holds_a_secret() {
    let calls = "execve,write,writev,pwrite64,pwritev,sendto,sendmsg,sendmmsg,add_key";
    for args in [ADD, IMPORT, REMOVE, REPLACE] {
        let world = World::new();
        let desktop = begun(&world, args);
        let trace = world.home().join("trace");
        let mut command = world.program("strace");
        command.args(["-f", "-s", "100000", "-o", trace.to_str().unwrap(), "-e", &format!("trace={calls}")]);
        command.arg(env!("CARGO_BIN_EXE_twolock")).arg("-vv").args(args);
        without_terminal(&mut command);
        assert_eq!(run(&world, &desktop, command).code, 0, "{args:?}");
        let trace = fs::read_to_string(trace).unwrap();
        assert!(trace.contains("execve("), "{trace}");
        for secret in [SECRET, OTHER_SECRET] {
            let line = trace.lines().find(|line| holds(line, secret));
            assert!(line.is_none(), "{args:?}: {line:?}");
        }
    }
}
