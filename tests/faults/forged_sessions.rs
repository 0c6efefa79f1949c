//! Sealed files that no key opens are no sessions, whatever their headers say (P55).

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::desktop::Desktop;
use crate::machine::without_kernel_keyring;
use crate::world::{Ran, World};

const EVERYTHING: [&[&str]; 6] = [
    &["status"],
    &["status", "--json"],
    &["profile", "list"],
    &["profile", "list", "--json"],
    &["profile", "show", "deploy", "--json"],
    &[],
];

fn sealed(cache: &Path) -> Vec<PathBuf> {
    let paths = fs::read_dir(cache).unwrap().map(|entry| entry.unwrap().path());
    paths.filter(|path| path.extension().is_some_and(|e| e == "sealed")).collect()
}

fn header(path: &Path) -> Value {
    let bytes = fs::read(path).unwrap();
    serde_json::from_slice(bytes.split(|byte| *byte == b'\n').next().unwrap()).unwrap()
}

/// The sealed file whose header says this.
fn file_of(world: &World, field: &str, value: &str) -> PathBuf {
    sealed(&world.cache()).into_iter().find(|path| header(path)[field] == value).unwrap()
}

fn plant(cache: &Path, name: &str, header: &Value) {
    fs::create_dir_all(cache).unwrap();
    let path = cache.join(name);
    fs::write(&path, [format!("{header}\n").as_bytes(), &[7; 200]].concat()).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
}

/// Headers that live for hours, by what they say.
fn plant_forgeries(cache: &Path, honest: &Value) {
    let with = |name: &str, changes: Value| {
        let mut header = honest.clone();
        changes.as_object().unwrap().iter().for_each(|(field, value)| header[field] = value.clone());
        plant(cache, &format!("{name}.sealed"), &header);
    };
    with("plain", json!({"profile": "forged"}));
    with("escapes", json!({"account": "\u{1b}[2J\u{1b}]0;forged\u{7}", "profile": "forged"}));
    with("device", json!({"device": "arn:aws:iam::123456789012:mfa/\u{1b}[2Jforged"}));
    with("role", json!({"role": "\u{1b}[2Jforged"}));
    with("name", json!({"profile": "\u{1b}[2Jforged"}));
    with("key", json!({"key": "0000000000000000", "profile": "forged"}));
    with("types", json!({"account": ["forged"], "device": 7}));
    with("forever", json!({"asked": u64::MAX, "expires": i64::MAX, "profile": "forged"}));
}

/// An honest header, as somebody would write it who read the source.
fn from_the_source() -> Value {
    let now = twolock::internals::now().unix();
    json!({
        "v": 1, "identity": "ab".repeat(32), "key": "0123456789abcdef", "kind": "session",
        "account": "123456789012", "device": "arn:aws:iam::123456789012:mfa/ana", "role": null,
        "profile": "forged", "issued": now, "asked": 43_200, "expires": now + 43_000,
    })
}

/// Runs everything that shows sessions; what it printed.
fn shown(world: &World, cache: Option<&Path>) -> String {
    let run = |args: &[&str]| {
        let mut command = world.twolock(args);
        if let Some(cache) = cache {
            command.env("XDG_CACHE_HOME", cache);
        }
        let ran = world.finish(&mut command);
        assert_eq!((ran.code, ran.stderr.as_str()), (0, ""), "{args:?}: {ran:?}");
        ran.stdout
    };
    EVERYTHING.map(run).concat()
}

fn sessions(ran: &Ran) -> Vec<String> {
    let json = ran.json();
    json["sessions"].as_array().unwrap().iter().map(|s| format!("{} {}", s["profile"], s["kind"])).collect()
}

#[test]
fn a_header_that_names_the_right_key_and_does_not_open_is_no_session() {
    let world = World::new();
    world.log_in("prod");
    assert_eq!(world.run(["login", "deploy"]).code, 0);
    let deploy = file_of(&world, "account", "444455556666");
    plant_forgeries(&world.cache(), &header(&deploy));
    // An honest header above secrets that are not its own, at the very place where the session would be; and a copy.
    let mut bytes = fs::read(&deploy).unwrap();
    fs::copy(file_of(&world, "kind", "session"), world.cache().join("copy.sealed")).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(&deploy, bytes).unwrap();
    assert_eq!(sessions(&world.run(["status", "--json"])), ["\"prod\" \"role\"", "\"prod\" \"session\""]);
    let said = shown(&world, None);
    assert!(!said.contains('\u{1b}') && !said.contains("forged"), "{said}");
    assert!(world.run(["profile", "show", "deploy", "--json"]).json().get("expires").is_none());
    let list = world.run(["profile", "list"]).stdout;
    let left = |name: &str| list.lines().find(|line| line.starts_with(name)).unwrap().split_whitespace().nth(5);
    assert_eq!((left("deploy"), left("base").is_some_and(|left| left != "-")), (Some("-"), true), "{list}");
    assert_eq!(world.run(["status", "deploy", "--min-ttl", "10m"]).code, 0, "the session below it still lives");
    let ran = world.run(["logout", "deploy"]);
    assert_eq!(ran.stdout, "ended the session of arn:aws:iam::123456789012:mfa/ana\nit was shared with: base, prod\n");
    assert!(!deploy.exists(), "what claims to be its role goes without a word");
    // Its own two, and the copy and the forgery of a key that says it is another.
    let files = sealed(&world.cache()).len();
    let text = format!(
        "ended 1 session and deleted the encryption key\nremoved {} session files that could not be opened\n",
        files - 1
    );
    world.run(["logout", "--all"]).is(0, &text, "");
    assert_eq!(sealed(&world.cache()), Vec::<PathBuf>::new());
}

#[test]
fn a_directory_that_brings_its_own_headers_brings_no_session() {
    let world = World::new();
    world.log_in("prod");
    let honest = header(&file_of(&world, "account", "123456789012"));
    let brought = world.home().join("repo/cache");
    plant_forgeries(&brought.join("twolock"), &honest);
    plant_forgeries(&brought.join("twolock"), &from_the_source());
    let said = shown(&world, Some(&brought));
    assert!(!said.contains('\u{1b}') && !said.contains("forged") && !said.contains("expires"), "{said}");
    assert!(said.starts_with("no active sessions\n\nKEY OF"), "{said}");
    let run = |args: &[&str]| world.finish(world.twolock(args).env("XDG_CACHE_HOME", &brought));
    assert_eq!(run(&["status", "prod", "--min-ttl", "1m"]).code, 9);
    run(&["logout", "prod"]).is(0, "prod: no sessions to end\n", "");
    assert_eq!(run(&["credential-process", "prod"]).code, 9);
    let ran = run(&["logout", "--all"]);
    assert!(ran.stdout.starts_with("no sessions to end; deleted the encryption key\nremoved "), "{ran:?}");
    assert_eq!(sealed(&brought.join("twolock")), Vec::<PathBuf>::new());
    assert_eq!(sessions(&world.run(["status", "--json"])).len(), 2, "the user's own are untouched");
}

#[test]
fn under_a_locked_keyring_files_are_counted_as_files_and_nothing_of_them_is_shown() {
    let world = World::new();
    let desktop = Desktop::unlocked(&world);
    let mut login = desktop.twolock(&["login", "prod"]);
    assert_eq!(world.finish(login.env("TWOLOCK_MFA_CODE", world.code())).code, 0);
    plant(&world.cache(), "forged.sealed", &from_the_source());
    let after_a_reboot = |args: &[&str]| {
        let mut command = desktop.twolock(args);
        without_kernel_keyring(&mut command);
        world.finish(&mut command)
    };
    assert_eq!(sessions(&after_a_reboot(&["status", "--json"])).len(), 2, "the desktop's copy opens them");
    desktop.lock();
    let ran = after_a_reboot(&["status"]);
    let locked = "no active sessions\n3 session files cannot be opened: the Secret Service is locked\n";
    assert!(ran.code == 0 && ran.stdout.starts_with(locked), "{ran:?}");
    let json = after_a_reboot(&["status", "--json"]).json();
    let why = "the Secret Service is locked";
    assert_eq!((&json["sessions"], &json["unopened"]), (&json!([]), &json!({"files": 3, "why": why})));
    let list = after_a_reboot(&["profile", "list", "--json"]).stdout;
    assert!(!list.contains("seconds_left") && !list.contains("forged"), "{list}");
    assert_eq!(after_a_reboot(&["status", "prod", "--min-ttl", "1m"]).code, 9, "a person has to unlock it");
    let ran = after_a_reboot(&["logout", "prod"]);
    ran.is(0, "prod: removed 2 session files that could not be opened: the Secret Service is locked\n", "");
    assert_eq!(sealed(&world.cache()).len(), 1);
}
