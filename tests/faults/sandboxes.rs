//! User namespaces, which hide the kernel keyring and the session bus outside: a session is warm there, and not in here.

use std::fs;
use std::os::unix::fs::chown;
use std::path::Path;
use std::process::Command;

use crate::machine::without_kernel_keyring;
use crate::outcome::failed;
use crate::world::{Ran, World, without_terminal};

const WHY: &str = "in a sandbox: the keyring outside cannot be seen";

const UNSHARE: &[&str] = &["unshare", "-Ur", "--"];
const BUBBLEWRAP: &[&str] = &["bwrap", "--unshare-user", "--bind", "/", "/", "--dev", "/dev", "--proc", "/proc", "--"];

/// A user that nobody has.
const OTHER: u32 = 64_211;

/// A world as one user sees it.
struct Person<'a> {
    world: &'a World,
    uid: Option<u32>,
}

impl<'a> Person<'a> {
    fn root(world: &'a World) -> Self {
        Self { world, uid: None }
    }

    /// The world becomes another user's, as only root can do.
    fn other(world: &'a World) -> Self {
        fs::copy(env!("CARGO_BIN_EXE_twolock"), world.home().join("twolock")).unwrap();
        give_away(world.home());
        Self { world, uid: Some(OTHER) }
    }

    /// The binary below these programs.
    fn command(&self, under: &[&str], args: &[&str]) -> Command {
        let uid = self.uid.unwrap_or_default().to_string();
        let own = self.world.home().join("twolock");
        let binary = if self.uid.is_some() { own.to_str().unwrap() } else { env!("CARGO_BIN_EXE_twolock") };
        let drop = ["setpriv", "--reuid", &uid, "--regid", &uid, "--clear-groups"];
        let user = if self.uid.is_some() { &drop[..] } else { &[] };
        let words = [user, under, &[binary], args].concat();
        let mut command = self.world.program(words[0]);
        command.args(&words[1..]).current_dir(self.world.home());
        without_terminal(&mut command);
        command
    }

    fn run(&self, under: &[&str], args: &[&str]) -> Ran {
        self.world.finish(&mut self.command(under, args))
    }

    fn log_in(&self, under: &[&str]) -> Ran {
        let code = self.world.code();
        self.world.finish(self.command(under, &["login", "prod"]).env("TWOLOCK_MFA_CODE", code))
    }
}

fn give_away(path: &Path) {
    chown(path, Some(OTHER), Some(OTHER)).unwrap();
    if path.is_dir() {
        fs::read_dir(path).unwrap().for_each(|entry| give_away(&entry.unwrap().path()));
    }
}

fn sealed(world: &World) -> Vec<(std::ffi::OsString, Vec<u8>)> {
    let entries = fs::read_dir(world.cache()).unwrap().map(|entry| entry.unwrap());
    let sealed = entries.filter(|entry| entry.path().extension().is_some_and(|ending| ending == "sealed"));
    let mut files: Vec<_> = sealed.map(|file| (file.file_name(), fs::read(file.path()).unwrap())).collect();
    files.sort();
    files
}

/// Every verb in the sandbox says what is wrong and how to get out; the session outside stays as it was.
fn is_told_what_is_outside(person: &Person<'_>, sandbox: &[&str]) {
    let world = person.world;
    assert_eq!(person.log_in(&[]).code, 0);
    let outside = person.run(&[], &["credential-process", "prod"]);
    assert_eq!(outside.code, 0, "{outside:?}");
    let before = sealed(world);
    for args in [&["credential-process", "prod"][..], &["login", "prod"], &["env", "prod"], &["exec", "prod", "true"]] {
        let ran = person.run(sandbox, args);
        failed(&ran, 9, &["profile 'prod'", WHY, "from outside: twolock exec prod -- COMMAND"]);
        assert!(ran.stderr.contains("bwrap --bind") && !ran.stderr.contains("keyring file"), "{args:?} {ran:?}");
    }
    let status = person.run(sandbox, &["status"]);
    let first = format!("no active sessions\n2 session files cannot be opened: {WHY}\n");
    assert!(status.code == 0 && status.stdout.starts_with(&first), "{status:?}");
    assert!(status.stdout.contains("until the sandbox ends or three days unused"), "{status:?}");
    let json = person.run(sandbox, &["status", "--json"]).json();
    assert_eq!((&json["sessions"], &json["unopened"]["why"]), (&serde_json::json!([]), &serde_json::json!(WHY)));
    assert_eq!(person.run(sandbox, &["status", "prod", "--min-ttl", "1m"]).code, 9);
    assert_eq!(sealed(world), before, "nothing was written");

    let inside = person.log_in(sandbox);
    assert!(inside.code == 0 && inside.stderr.contains("ends with the sandbox"), "{inside:?}");
    assert!(before.iter().all(|file| sealed(world).contains(file)), "nothing was written over the sessions outside");
    let minted = world.sandbox.count("GetSessionToken");
    assert_eq!(person.run(&[], &["credential-process", "prod"]).stdout, outside.stdout);
    assert_eq!(world.sandbox.count("GetSessionToken"), minted);
}

#[test]
fn a_user_namespace_is_told_that_the_keyring_is_outside() {
    is_told_what_is_outside(&Person::root(&World::new()), UNSHARE);
}

#[test]
fn bubblewrap_is_told_that_the_keyring_is_outside() {
    is_told_what_is_outside(&Person::root(&World::new()), BUBBLEWRAP);
}

#[test]
fn another_user_is_told_the_same() {
    for sandbox in [UNSHARE, BUBBLEWRAP] {
        is_told_what_is_outside(&Person::other(&World::new()), sandbox);
    }
}

#[test]
fn a_key_that_an_earlier_call_made_inside_does_not_hide_what_is_wrong() {
    let world = World::new();
    world.log_in("prod");
    let person = Person::root(&world);
    let twice = "\"$0\" credential-process prod; \"$0\" status >&2; exec \"$0\" credential-process prod";
    let words = [BUBBLEWRAP, &["sh", "-c", twice]].concat();
    let ran = person.run(&words, &[]);
    assert_eq!((ran.code, ran.stderr.matches(WHY).count()), (9, 3), "{ran:?}");
}

#[test]
fn without_keyctl_in_a_sandbox_nobody_is_sent_to_the_key_file() {
    let world = World::new();
    world.log_in("prod");
    let person = Person::root(&world);
    let without_keyctl = |args: &[&str]| {
        let mut command = person.command(UNSHARE, args);
        without_kernel_keyring(&mut command);
        world.finish(&mut command)
    };
    for args in [&["credential-process", "prod"][..], &["login", "prod"]] {
        let ran = without_keyctl(args);
        failed(&ran, 5, &["profile 'prod'", WHY, "keyctl is not permitted here"]);
        assert!(
            ran.stderr.contains("twolock exec PROFILE -- COMMAND") && !ran.stderr.contains("keyring file"),
            "{ran:?}"
        );
    }
    let status = without_keyctl(&["status"]).stdout;
    assert!(status.contains(&format!("2 session files cannot be opened: {WHY}\n")), "{status}");
    assert!(status.contains("sessions: not saved: the kernel keyring is not available"), "{status}");
}

#[test]
fn a_key_file_is_seen_from_inside() {
    let world = World::new();
    assert_eq!(world.run(["settings", "set", "keyring", "file"]).code, 0);
    world.log_in("prod");
    let outside = world.run(["credential-process", "prod"]);
    let inside = Person::root(&world).run(BUBBLEWRAP, &["credential-process", "prod"]);
    assert_eq!((inside.code, inside.stdout, inside.stderr), (0, outside.stdout, String::new()));
}

#[test]
fn a_home_that_cannot_be_written_saves_no_session_and_says_so() {
    let world = World::new();
    let home = world.home().to_str().unwrap();
    // No user namespace: its keyring is the one outside.
    let read_only = ["bwrap", "--bind", "/", "/", "--ro-bind", home, home, "--dev", "/dev", "--proc", "/proc", "--"];
    let ran = Person::root(&world).run(&read_only, &["status"]);
    let line = "sessions: not saved: ~/.cache/twolock cannot be written; access keys: the AWS files\n";
    assert!(ran.code == 0 && ran.stdout.ends_with(line), "{ran:?}");
}
