//! A change is applied to what was shown: what another program writes between the diff and the yes is never changed
//! unseen, and no lock can be led past by a variable (P34).

use std::fs;
use std::process::Child;

use crate::outcome::failed;
use crate::world::desktop::Desktop;
use crate::world::{CREDENTIALS, SECRET, World};

const OTHER_SECRET: &str = "anotherSecretAccessKey/0123456789abcdefg";

fn read(world: &World, name: &str) -> String {
    fs::read_to_string(world.home().join(name)).unwrap_or_default()
}

/// Shows a change on a terminal, lets something else happen, and agrees.
#[track_caller]
fn agreed_too_late(world: &World, args: &[&str], meanwhile: impl FnOnce()) {
    let mut terminal = world.on_terminal(args);
    terminal.sees("[y/N]");
    meanwhile();
    terminal.types("y\n");
    failed(&terminal.end(), 7, &["changed in the meantime", "run this again"]);
}

#[test]
fn a_key_that_was_rotated_after_the_diff_is_not_removed() {
    for args in [&["profile", "remove", "base"][..], &["profile", "unset", "base", "aws_secret_access_key"]] {
        let world = World::new();
        let rotated = CREDENTIALS.replace(SECRET, OTHER_SECRET);
        agreed_too_late(&world, args, || world.write(".aws/credentials", &rotated));
        assert_eq!(read(&world, ".aws/credentials"), rotated, "{args:?}");
    }
}

#[test]
fn a_line_that_was_added_after_the_diff_is_not_removed() {
    let world = World::new();
    let config = read(&world, ".aws/config").replace("[profile prod]\n", "[profile prod]\noutput = json\n");
    agreed_too_late(&world, &["profile", "remove", "prod"], || world.write(".aws/config", &config));
    assert_eq!(read(&world, ".aws/config"), config);
}

#[test]
fn a_profile_that_another_run_adopted_or_renamed_after_the_diff_is_left_alone() {
    for (args, other) in [
        (&["profile", "rename", "base", "baz"][..], &["profile", "adopt", "base", "--yes"][..]),
        (&["profile", "adopt", "base"], &["profile", "rename", "base", "baz", "--yes"]),
        (&["profile", "adopt", "base"], &["profile", "remove", "long", "--yes"]),
        (&["profile", "set", "prod", "output", "json"], &["profile", "rename", "prod", "p2", "--yes"]),
    ] {
        let world = World::new();
        let desktop = Desktop::empty(&world);
        let mut terminal = desktop.on_terminal(args);
        terminal.sees("[y/N]");
        assert_eq!(desktop.run_twolock(other).code, 0, "{other:?}");
        let all = || {
            let names = [".aws/config", ".aws/credentials", ".local/share/twolock/keys.json"];
            (names.map(|name| read(&world, name)), desktop.planted())
        };
        let before = all();
        terminal.types("y\n");
        failed(&terminal.end(), 7, &["changed in the meantime"]);
        let mut after = all();
        if before.0[2].is_empty() {
            after.0[2] = after.0[2].replace(r#"{"keys":{},"v":1}"#, "");
        }
        assert_eq!(after, before, "{args:?} after {other:?}");
    }
}

#[test]
fn runs_with_other_cache_directories_wait_for_each_other() {
    let world = World::new();
    let profiles: String = (0..8).map(|n| format!("[profile p{n}]\nregion = eu-west-1\n")).collect();
    world.add_config(&profiles);
    let start = |n: usize| {
        let mut command = world.twolock(["profile", "set", &format!("p{n}"), "output", "json", "--yes"]);
        command.env("XDG_CACHE_HOME", world.home().join(format!("cache{n}"))).spawn().unwrap()
    };
    let children: Vec<Child> = (0..8).map(start).collect();
    let succeeded = children.into_iter().filter_map(|mut child| child.wait().unwrap().success().then_some(())).count();
    assert_eq!(read(&world, ".aws/config").matches("output = json").count(), succeeded);
    assert_eq!(succeeded, 8);
}
