//! P51: `forget --everything` that is killed, or that the disk stops, is finished by running it again.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::world::desktop::Desktop;
use crate::world::{CONFIG, CREDENTIALS, Ran, World, without_terminal};

const FORGET: &[&str] = &["forget", "--everything", "--yes"];

/// Everything of ours below the home.
fn left(world: &World) -> Vec<PathBuf> {
    fn walk(directory: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(directory).unwrap().flatten() {
            found.push(entry.path());
            if entry.file_type().unwrap().is_dir() {
                walk(&entry.path(), found);
            }
        }
    }
    let mut found = Vec::new();
    walk(world.home(), &mut found);
    found.retain(|path| path.to_string_lossy().contains("twolock"));
    found
}

struct Scene<'w> {
    world: &'w World,
    desktop: Option<Desktop<'w>>,
}

impl<'w> Scene<'w> {
    /// Adopted profiles, settings and sessions.
    fn of(world: &'w World, keyring: bool) -> Self {
        let scene = Self { world, desktop: keyring.then(|| Desktop::empty(world)) };
        let code = world.code();
        for args in
            [&["profile", "adopt", "--all", "--yes"][..], &["settings", "set", "min_ttl", "5m"], &["login", "prod"]]
        {
            let ran = scene.finish(world.twolock(args).env("TWOLOCK_MFA_CODE", &code));
            assert_eq!(ran.code, 0, "{ran:?}");
        }
        scene
    }

    fn finish(&self, command: &mut Command) -> Ran {
        self.desktop.iter().for_each(|desktop| desktop.dress(command));
        without_terminal(command);
        self.world.finish(command)
    }

    /// The command under strace, which does this at the nth call of a kind.
    fn bent(&self, call: &str, what: &str, nth: usize) -> Ran {
        let mut command = self.world.program("strace");
        command.args(["-f", "-o", "/dev/null", "-e", &format!("trace={call}")]);
        command.args(["-e", &format!("inject={call}:{what}:when={nth}")]);
        command.arg(env!("CARGO_BIN_EXE_twolock")).args(FORGET);
        self.finish(&mut command)
    }

    #[track_caller]
    fn nothing_is_left_after_the_next(&self, when: &str) {
        let next = self.finish(&mut self.world.twolock(FORGET));
        assert_eq!(next.code, 0, "{when}: {next:?}");
        let read = |name: &str| fs::read_to_string(self.world.home().join(name)).unwrap();
        let config = read(".aws/config").replace(self.world.sandbox.url(), "{url}");
        let credentials = if self.desktop.is_some() { "" } else { CREDENTIALS };
        assert_eq!((config, read(".aws/credentials").as_str()), (CONFIG.into(), credentials), "{when}");
        assert_eq!(left(self.world), Vec::<PathBuf>::new(), "{when}");
        if let Some(desktop) = &self.desktop {
            assert_eq!(desktop.run("secret-tool", &["search", "--all", "service", "twolock"], ""), "", "{when}");
        }
    }
}

/// Bends the nth call of a kind in a world of its own; returns whether the command noticed.
#[track_caller]
fn bent(keyring: bool, call: &str, what: &str, nth: usize) -> bool {
    let world = World::new();
    let scene = Scene::of(&world, keyring);
    let ran = scene.bent(call, what, nth);
    let when = format!("{call} {nth} {what} (keyring: {keyring}): {ran:?}");
    if !what.starts_with("signal") {
        assert!([0, 5, 7, 8, 10].contains(&ran.code), "{when}");
    }
    scene.nothing_is_left_after_the_next(&when);
    ran.code != 0
}

#[test]
fn killed_in_the_middle_it_is_finished_by_the_next_run() {
    for (keyring, call, nth) in [
        (false, "rename", 2),
        (false, "rename", 3),
        (false, "unlink", 2),
        (false, "unlink", 5),
        (false, "unlink", 9),
        (false, "rmdir", 2),
        (true, "rename", 3),
        (true, "unlink", 3),
        (true, "unlink", 8),
    ] {
        assert!(bent(keyring, call, "signal=SIGKILL", nth), "{call} {nth}");
    }
}

#[test]
fn a_disk_that_fails_is_said_and_the_next_run_finishes() {
    for (call, error, nth) in [
        ("unlink", "EIO", 4),
        ("unlink", "EIO", 8),
        ("rename", "ENOSPC", 1),
        ("rename", "ENOSPC", 3),
        ("fsync", "EIO", 2),
        ("fsync", "EIO", 4),
        ("fsync", "EIO", 6),
        ("rmdir", "EACCES", 1),
    ] {
        bent(false, call, &format!("error={error}"), nth);
    }
}

#[test]
fn what_is_left_is_named_where_a_file_cannot_be_deleted() {
    let world = World::new();
    let scene = Scene::of(&world, false);
    let ran = scene.bent("rmdir", "error=EACCES", 1);
    assert_eq!(ran.code, 8, "{ran:?}");
    assert!(
        ran.stderr.starts_with(
            "twolock: error: ~/.cache/twolock cannot be deleted: permission denied; not forgotten yet: its own files\n"
        ) && ran.stderr.ends_with("hint: to finish it, run this again: twolock forget --everything\n"),
        "{ran:?}"
    );
}

#[test]
#[ignore = "long: one run for each call"]
fn killed_or_failing_at_any_call_it_is_finished_by_the_next_run() {
    for keyring in [false, true] {
        for call in ["rename", "unlink", "rmdir", "fsync", "flock", "mkdir"] {
            let last = (1..200).take_while(|nth| bent(keyring, call, "signal=SIGKILL", *nth)).count();
            assert!(last < 199, "{call}");
            // Some failures are of no consequence, and are not said.
            (1..=last).for_each(|nth| {
                bent(keyring, call, "error=EIO", nth);
            });
        }
    }
}
