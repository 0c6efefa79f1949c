//! P51, F3: a change that was killed is finished or undone by the next verb that changes something, whatever that is;
//! nothing is lost, and nothing is left.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::machine::{bent, eventually, signal};
use crate::outcome::failed;
use crate::world::desktop::Desktop;
use crate::world::{Fault, FaultKind, KEY_ID, Ran, SECRET, World};

/// A verb that changes something else altogether.
const NEXT: &[&str] = &["settings", "set", "min_ttl", "5m"];
/// What it prints.
const SET: &str = "min_ttl is 5m (~/.config/twolock/config.toml:1)\n";

/// Everything a change may touch, each file by its name.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Everything(Vec<(&'static str, String)>);

impl Everything {
    fn of(world: &World) -> Self {
        let read = |name: &'static str| {
            let text = fs::read_to_string(world.home().join(name)).unwrap_or_default();
            (name, without_the_day(&text.replace(world.sandbox.url(), "{url}")))
        };
        let names =
            [".aws/config", ".aws/credentials", ".local/share/twolock/keys.json", ".config/twolock/config.toml"];
        Self(names.map(read).into())
    }

    /// The same, as far as the other verb has not changed it.
    fn but_the_next(mut self) -> Self {
        self.0.iter_mut().for_each(|(_, text)| *text = text.replace("min_ttl = \"5m\"\n", ""));
        self.0.iter_mut().for_each(|(_, text)| *text = text.replace(r#"{"keys":{},"v":1}"#, ""));
        self
    }
}

fn journal(world: &World) -> PathBuf {
    world.home().join(".local/share/twolock/journal.json")
}

/// No temporary file, no journal, anywhere below the home.
#[track_caller]
fn nothing_is_left(world: &World, when: &str) {
    fn walk(directory: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(directory).unwrap().flatten() {
            match entry.file_type().unwrap().is_dir() {
                true => walk(&entry.path(), found),
                false => found.push(entry.path()),
            }
        }
    }
    let mut found = Vec::new();
    walk(world.home(), &mut found);
    // The cache's own temporary files are its own business: nothing of a change is written there.
    found.retain(|path| !path.starts_with(world.cache()));
    found.retain(|path| path.extension().is_some_and(|e| e == "tmp") || path.ends_with("journal.json"));
    assert_eq!(found, Vec::<PathBuf>::new(), "{when}");
}

/// Brings a world to where a command begins.
type Prepare = fn(&World, &dyn Fn(&[&str]) -> Ran);

/// One command that is killed, in a world of its own.
struct Case {
    args: &'static [&'static str],
    /// Whether a keyring is there.
    keyring: bool,
    prepare: Prepare,
}

fn with_an_alias(world: &World, _: &dyn Fn(&[&str]) -> Ran) {
    world.write(".config/twolock/config.toml", "[aliases]\nb = \"base\"\n");
}

fn nothing(_: &World, _: &dyn Fn(&[&str]) -> Ran) {}

fn adopted(_: &World, run: &dyn Fn(&[&str]) -> Ran) {
    assert_eq!(run(&["profile", "adopt", "base", "--yes"]).code, 0);
}

fn with_a_session(world: &World, _: &dyn Fn(&[&str]) -> Ran) {
    world.write(".aws/credentials", &format!("{}\n[prod]\nregion = eu-west-1\n", crate::world::CREDENTIALS));
    world.log_in("prod");
}

const ROLE: &str = "arn:aws:iam::123456789012:role/Admin";
const DEVICE: &str = "arn:aws:iam::123456789012:mfa/ana";
const ADD_ROLE: &[&str] = &["profile", "add", "audit", "--role-arn", ROLE, "--source-profile", "base", "--yes"];
const ADD_KEY: &[&str] = &["profile", "add", "second", "--stdin", "--mfa-serial", DEVICE, "--yes"];

const KEY_ADD: &[&str] = &["key", "add", "base", "--stdin"];
const KEY_IMPORT: &[&str] = &["key", "import", "base", "--yes"];
const KEY_REMOVE: &[&str] = &["key", "remove", "base", "--yes"];
const KEY_REPLACE: &[&str] = &["key", "replace", "base", "--stdin", "--yes"];

const OTHER_ID: &str = "AKIAI44QH8DHBEXAMPLE";

fn without_a_key(world: &World, _: &dyn Fn(&[&str]) -> Ran) {
    world.write(".aws/credentials", "");
}

/// The key in the keyring belongs to a second key of the same user, which the next run replaces by the usual one.
fn with_another_key(world: &World, run: &dyn Fn(&[&str]) -> Ran) {
    let (id, secret) = (OTHER_ID, "je7MtGbClwBFCANARYSECOND0000000000000000");
    world.sandbox.add_key("arn:aws:iam::123456789012:user/ana", id, secret).unwrap();
    world.write(".aws/credentials", &format!("[base]\naws_access_key_id = {id}\naws_secret_access_key = {secret}\n"));
    assert_eq!(run(KEY_IMPORT).code, 0);
}

const CASES: &[Case] = &[
    Case { args: KEY_ADD, keyring: true, prepare: without_a_key },
    Case { args: KEY_IMPORT, keyring: true, prepare: nothing },
    Case { args: KEY_REPLACE, keyring: true, prepare: with_another_key },
    Case { args: KEY_REMOVE, keyring: true, prepare: adopted },
    Case { args: &["profile", "rename", "base", "me", "--yes"], keyring: false, prepare: with_an_alias },
    Case { args: &["profile", "rename", "base", "me", "--yes"], keyring: true, prepare: adopted },
    Case { args: &["profile", "rename", "base", "me", "--yes"], keyring: false, prepare: adopted },
    Case { args: &["profile", "remove", "prod", "--yes"], keyring: false, prepare: with_a_session },
    Case { args: &["profile", "unset", "prod", "region", "--yes"], keyring: false, prepare: with_a_session },
    Case { args: &["profile", "set", "prod", "region", "us-east-1", "--yes"], keyring: false, prepare: with_a_session },
    Case { args: ADD_ROLE, keyring: true, prepare: adopted },
    Case { args: ADD_KEY, keyring: true, prepare: nothing },
    Case { args: &["profile", "adopt", "base", "--yes"], keyring: false, prepare: nothing },
    Case { args: &["profile", "adopt", "base", "--yes"], keyring: true, prepare: nothing },
    Case { args: &["profile", "release", "base", "--restore-key", "--yes"], keyring: true, prepare: adopted },
    Case { args: &["profile", "release", "base", "--restore-key", "--yes"], keyring: false, prepare: adopted },
    Case { args: &["profile", "release", "prod", "--yes"], keyring: true, prepare: adopted },
];

impl Case {
    /// Brings a world to where the command begins.
    fn begin<'w>(&self, world: &'w World) -> Option<Desktop<'w>> {
        let desktop = self.keyring.then(|| Desktop::empty(world));
        (self.prepare)(world, &|args| run(world, desktop.as_ref(), args));
        desktop
    }
}

fn run(world: &World, desktop: Option<&Desktop>, args: &[&str]) -> Ran {
    let mut command = match desktop {
        Some(desktop) => desktop.twolock(args),
        None => world.twolock(args),
    };
    feed(world, args, &mut command);
    world.finish(&mut command)
}

/// Gives the access key to a command that reads it from its standard input.
fn feed(world: &World, args: &[&str], command: &mut Command) {
    if args.contains(&"--stdin") {
        world.write("key.txt", &format!("{KEY_ID}\n{SECRET}\n"));
        command.stdin(fs::File::open(world.home().join("key.txt")).unwrap());
        command.env("AWS_ENDPOINT_URL_STS", world.sandbox.url());
    }
}

/// Kills the case at the nth call of a kind; returns whether it was killed at all. `after` is what a whole run makes of
/// the same world.
#[track_caller]
fn killed(case: &Case, after: &Everything, call: &str, nth: usize) -> bool {
    let when = format!("{:?} (keyring: {}) killed at {call} {nth}", case.args, case.keyring);
    let world = World::new();
    let desktop = case.begin(&world);
    let before = Everything::of(&world);
    let mut command = bent(&world, call, "signal=SIGKILL", nth, case.args);
    if let Some(desktop) = &desktop {
        desktop.dress(&mut command);
    }
    feed(&world, case.args, &mut command);
    let was_killed = world.finish(&mut command).code != 0;
    if let Ok(text) = fs::read_to_string(journal(&world)) {
        assert!(!text.contains(SECRET), "{when}: {text}");
    }
    let next = run(&world, desktop.as_ref(), NEXT);
    assert_eq!(next.code, 0, "{when}: {next:?}");
    nothing_is_left(&world, &when);
    let now = Everything::of(&world).but_the_next();
    let kept = desktop.as_ref().map(Desktop::planted).unwrap_or_default();
    let has_other_copy = case.args.contains(&"--stdin") || case.args == KEY_REMOVE;
    let is_in_file = Everything::of(&world).0[1].1.contains(SECRET);
    assert!(kept.contains(SECRET) || is_in_file || has_other_copy, "{when}: the key is lost");
    if let Some(desktop) = &desktop {
        what_is_indexed_is_stored(&world, desktop, &when);
    }

    // Either nothing happened or everything did.
    let is_done = now == *after;
    assert!(is_done || now == before.but_the_next(), "{when}: {now:?}");

    // The same command again ends well, whichever it was.
    let again = run(&world, desktop.as_ref(), case.args);
    assert!(again.code == 0 || is_done && [2, 3].contains(&again.code), "{when}: {again:?}");
    assert_eq!(Everything::of(&world).but_the_next(), *after, "{when}");
    was_killed
}

/// Whatever was killed, the keyring has the key of each entry of the index; and no key that was removed.
#[track_caller]
fn what_is_indexed_is_stored(world: &World, desktop: &Desktop, when: &str) {
    let index = fs::read_to_string(world.home().join(".local/share/twolock/keys.json")).unwrap_or_default();
    for id in [KEY_ID, OTHER_ID] {
        let item = desktop.run("secret-tool", &["lookup", "service", "twolock", "username", id], "");
        assert!(!index.contains(id) || item.contains(id), "{when}: {id} is lost");
        assert!(!item.contains(id) || index.contains(id), "{when}: {id} is left in the keyring");
    }
}

impl Case {
    /// What a whole run makes of the world.
    fn after(&self) -> Everything {
        let world = World::new();
        let desktop = self.begin(&world);
        let ran = run(&world, desktop.as_ref(), self.args);
        assert_eq!(ran.code, 0, "{ran:?}");
        Everything::of(&world).but_the_next()
    }

    /// Kills it at every call of a kind.
    fn sweep(&self, call: &str) {
        let after = self.after();
        let times = (1..600).take_while(|&nth| killed(self, &after, call, nth)).count();
        assert!(times > 0, "{:?}: {call} was never met", self.args);
    }
}

#[test]
fn killed_at_any_rename_the_next_changing_verb_makes_it_good() {
    CASES.iter().for_each(|case| case.sweep("rename"));
}

#[test]
#[ignore = "long: one run for each write of every changing verb"]
fn killed_at_any_write_sync_or_removal_the_next_changing_verb_makes_it_good() {
    for call in ["unlink", "write", "fsync"] {
        CASES.iter().for_each(|case| case.sweep(call));
    }
}

/// `keys.json` without the moment at which its key was added.
fn without_the_day(text: &str) -> String {
    match text.split_once(r#""added":""#) {
        Some((before, after)) => before.to_owned() + after.split_once('"').unwrap().1,
        None => text.into(),
    }
}

/// Killed at the rename of the config, after the journal was written.
fn half_renamed(world: &World) {
    let ran =
        world.finish(&mut bent(world, "rename", "signal=SIGKILL", 3, &["profile", "rename", "base", "me", "--yes"]));
    assert!(ran.code != 0 && journal(world).exists(), "{ran:?}");
}

#[test]
fn what_was_finished_is_said_and_the_same_command_has_nothing_more_to_do() {
    let world = World::new();
    half_renamed(&world);
    let said = "twolock: note: finished an earlier, interrupted command: twolock profile rename base me\n";
    world.run(["profile", "rename", "base", "me", "--yes"]).is(0, "", said);
    let credentials = fs::read_to_string(world.home().join(".aws/credentials")).unwrap();
    assert!(credentials.starts_with("[me]\n"), "{credentials}");
    nothing_is_left(&world, "finished");
}

#[test]
fn a_file_that_somebody_changed_since_is_left_alone_until_the_journal_is_dropped() {
    let world = World::new();
    half_renamed(&world);
    let file = world.home().join(".aws/credentials");
    let changed = format!("{}# mine\n", fs::read_to_string(&file).unwrap());
    fs::write(&file, &changed).unwrap();
    let cause = "'profile rename base me' was interrupted, and ~/.aws/credentials was changed in the meantime, so it was left as it is";
    for verb in [NEXT, &["profile", "set", "me", "region", "us-east-1", "--yes"]] {
        let ran = world.finish(&mut world.twolock(verb));
        failed(&ran, 8, &[cause, "run this again with --forget-unfinished"]);
    }
    assert_eq!(fs::read_to_string(&file).unwrap(), changed);
    let doctor = world.run(["doctor"]);
    assert!(doctor.stdout.contains("profile rename base me"), "{doctor:?}");
    let ran = world.run(["settings", "set", "min_ttl", "5m", "--forget-unfinished"]);
    ran.is(0, SET, "twolock: note: the interrupted change was kept as it is\n");
    assert_eq!(fs::read_to_string(&file).unwrap(), changed);
    nothing_is_left(&world, "dropped");
}

#[test]
fn a_dry_run_and_a_verb_that_only_reads_leave_an_unfinished_change_as_it_is() {
    let world = World::new();
    half_renamed(&world);
    let before = fs::read_to_string(journal(&world)).unwrap();
    for args in [&["profile", "remove", "prod", "--dry-run"][..], &["profile", "list"], &["status"], &[]] {
        assert_eq!(world.finish(&mut world.twolock(args)).code, 0, "{args:?}");
    }
    assert_eq!(fs::read_to_string(journal(&world)).unwrap(), before);
}

#[test]
fn a_journal_in_a_home_that_a_variable_chose_is_not_read() {
    let (world, other) = (World::new(), World::new());
    half_renamed(&world);
    let mut command = other.twolock(NEXT);
    let data = world.home().join(".local/share");
    let ran = other.finish(command.env("HOME", world.home()).env("XDG_DATA_HOME", data));
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""), "{ran:?}");
    assert!(journal(&world).exists());
}

#[test]
fn a_key_that_a_killed_run_put_into_the_keyring_is_taken_out_where_nothing_else_was_done() {
    let world = World::new();
    let desktop = Desktop::empty(&world);
    // The first rename is the journal's; the second would be that of keys.json, after the key is kept and proved.
    let mut command = bent(&world, "rename", "signal=SIGKILL", 2, &["profile", "adopt", "base", "--yes"]);
    desktop.dress(&mut command);
    assert_ne!(world.finish(&mut command).code, 0);
    assert!(desktop.planted().contains(SECRET));
    let text = fs::read_to_string(journal(&world)).unwrap();
    assert!(text.contains(KEY_ID) && !text.contains(SECRET), "{text}");
    let ran = desktop.run_twolock(NEXT);
    ran.is(0, SET, "twolock: note: undid an earlier, interrupted command: twolock profile adopt base\n");
    assert_eq!(desktop.planted(), "");
    assert!(fs::read_to_string(world.home().join(".aws/credentials")).unwrap().contains(SECRET));
    nothing_is_left(&world, "undone");
}

#[test]
fn temporary_files_of_killed_runs_are_named_by_doctor_and_gone_after_the_next_change() {
    let world = World::new();
    let left = world.home().join(".aws/.twolock-4242-18c-0.tmp");
    fs::write(&left, crate::world::CREDENTIALS).unwrap();
    let doctor = world.run(["doctor"]);
    assert!(doctor.stdout.contains("~/.aws/.twolock-4242-18c-0.tmp"), "{doctor:?}");
    assert_eq!(world.finish(&mut world.twolock(NEXT)).code, 0);
    assert!(!left.exists(), "whatever its age");
}

/// Killed after the key was stored, verified and added to the index: both AWS files still have their old content.
fn half_adopted(desktop: &Desktop, world: &World) {
    let mut command = bent(world, "rename", "signal=SIGKILL", 3, &["profile", "adopt", "base", "--yes"]);
    desktop.dress(&mut command);
    assert_ne!(world.finish(&mut command).code, 0);
    assert!(journal(world).exists() && Everything::of(world).0[1].1.contains(SECRET));
}

#[test]
fn a_key_that_is_no_longer_in_the_keyring_stays_in_the_file() {
    let world = World::new();
    let desktop = Desktop::empty(&world);
    half_adopted(&desktop, &world);
    desktop.clear();
    let ran = desktop.run_twolock(NEXT);
    failed(&ran, 8, &["no longer has access key", KEY_ID, "--forget-unfinished"]);
    assert!(Everything::of(&world).0[1].1.contains(SECRET));
    let ran = desktop.run_twolock(&["settings", "set", "min_ttl", "5m", "--forget-unfinished"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(Everything::of(&world).0[1].1.contains(SECRET));
}

#[test]
fn a_keyring_that_cannot_be_reached_leaves_the_files_as_they_are() {
    let world = World::new();
    let desktop = Desktop::empty(&world);
    half_adopted(&desktop, &world);
    let ran = world.finish(&mut world.twolock(NEXT));
    failed(&ran, 5, &[KEY_ID]);
    assert!(journal(&world).exists() && Everything::of(&world).0[1].1.contains(SECRET));
    assert_eq!(desktop.run_twolock(NEXT).code, 0);
    assert!(!Everything::of(&world).0[1].1.contains(SECRET) && desktop.planted().contains(SECRET));
}

#[test]
fn a_command_that_differs_from_the_interrupted_one_is_still_run() {
    let world = World::new();
    let desktop = Desktop::empty(&world);
    let mut command = bent(&world, "rename", "signal=SIGKILL", 3, &["profile", "adopt", "base", "--only", "--yes"]);
    desktop.dress(&mut command);
    assert_ne!(world.finish(&mut command).code, 0);
    assert_eq!(desktop.run_twolock(&["profile", "adopt", "base", "--yes"]).code, 0);
    let config = fs::read_to_string(world.home().join(".aws/config")).unwrap();
    assert!(config.contains("twolock_role_arn"), "the roles are adopted as well: {config}");
}

#[test]
fn temporary_files_beside_files_that_a_variable_chose_go_as_well() {
    let world = World::new();
    for name in ["config", "credentials"] {
        let text = fs::read_to_string(world.home().join(".aws").join(name)).unwrap();
        world.write(&format!("elsewhere/{name}"), &text);
    }
    let args = &["profile", "adopt", "base", "--yes"];
    let mut command = bent(&world, "rename", "signal=SIGKILL", 2, args);
    command.env("AWS_CONFIG_FILE", world.home().join("elsewhere/config"));
    command.env("AWS_SHARED_CREDENTIALS_FILE", world.home().join("elsewhere/credentials"));
    assert_ne!(world.finish(&mut command).code, 0);
    assert_eq!(world.finish(&mut world.twolock(NEXT)).code, 0);
    nothing_is_left(&world, "undone");
}

#[test]
fn a_trusted_file_that_is_edited_twice_stays_trusted() {
    let world = World::new();
    let config = fs::read_to_string(world.home().join(".aws/config")).unwrap();
    let device = "mfa_serial = arn:aws:iam::123456789012:mfa/ana\n";
    world.write("repo/config", &config.replacen(device, &format!("{device}mfa_process = /bin/false\n"), 1));
    let chosen = world.home().join("repo/config");
    let run = |args: &[&str]| world.finish(world.twolock(args).env("AWS_CONFIG_FILE", &chosen));
    assert_eq!(run(&["profile", "adopt", "base", "--yes"]).code, 0);
    assert_eq!(run(&["settings", "trust", &chosen.to_string_lossy(), "--yes"]).code, 0);
    assert_eq!(run(&["profile", "rename", "base", "b2", "--yes"]).code, 0);
    let ran = run(&["login", "b2"]);
    assert!(!ran.stderr.contains("changed since"), "{ran:?}");
    assert!(ran.stderr.contains("mfa_process"), "its program was started: {ran:?}");
}

#[test]
fn a_run_that_is_interrupted_says_that_the_next_one_goes_on() {
    let world = World::new();
    let desktop = Desktop::empty(&world);
    // AWS never answers whether the key is valid.
    world.sandbox.fault(Fault::new(FaultKind::Hang).on("GetCallerIdentity"));
    let mut command = desktop.twolock(&["profile", "adopt", "base", "--yes"]);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    eventually("the call", || world.sandbox.connections() > 0);
    signal(child.id(), libc::SIGTERM);
    let ran = world.read(&child.wait_with_output().unwrap());
    assert!(ran.stderr.contains("interrupted; the next command that changes something"), "{ran:?}");
    assert!(journal(&world).exists());
    assert_eq!(desktop.run_twolock(NEXT).code, 0);
    nothing_is_left(&world, "undone");
    assert!(!desktop.planted().contains(SECRET) && Everything::of(&world).0[1].1.contains(SECRET));
}
