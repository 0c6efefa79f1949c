//! `state.json`: use on the command line is recorded, requests of SDKs are not, and recording never fails a command.

use std::os::unix::fs::PermissionsExt;

use crate::world::World;

const STATE: &str = ".local/state/twolock/state.json";

impl World {
    /// The recorded profiles, without times and counts.
    fn noted(&self) -> Vec<String> {
        let Ok(text) = std::fs::read_to_string(self.home().join(STATE)) else { return vec![] };
        let json: serde_json::Value = serde_json::from_str(&text).unwrap();
        json["profiles"].as_object().unwrap().keys().cloned().collect()
    }
}

#[test]
fn successful_use_on_the_command_line_is_recorded() {
    let world = World::new();
    world.log_in("base");
    assert_eq!(world.noted(), ["base"]);
    let mode = std::fs::metadata(world.home().join(STATE)).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode, 0o600);
    for (args, code, noted) in [
        (vec!["credential-process", "prod"], 0, "base"),
        (vec!["credential-process", "--profile", "prod"], 0, "base"),
        (vec!["status", "prod"], 0, "base"),
        (vec!["profile", "show", "prod"], 0, "base"),
        (vec!["env", "nope", "--format", "json"], 3, "base"),
        (vec!["env", "prod", "--format", "json"], 0, "base,prod"),
        (vec!["exec", "deploy", "--", "true"], 0, "base,deploy,prod"),
    ] {
        let ran = world.finish(&mut world.twolock(&args));
        assert_eq!((ran.code, world.noted().join(",").as_str()), (code, noted), "{args:?}: {ran:?}");
    }
    std::fs::remove_file(world.home().join(STATE)).unwrap();
    assert_eq!(world.run(["whoami", "prod"]).code, 0);
    assert_eq!(world.noted(), ["prod"]);
}

#[test]
fn an_alias_counts_for_its_profile() {
    let world = World::new();
    world.write(".config/twolock/config.toml", "[aliases]\np = \"prod\"\n");
    world.log_in("p");
    assert_eq!(world.noted(), ["prod"]);
}

#[test]
fn an_unwritable_state_directory_fails_nothing() {
    let world = World::new();
    world.write(".local/state", "in the way");
    world.log_in("base");
    world.run(["env", "base", "--shell", "sh"]).is(0, &world.run(["env", "base", "--shell", "sh"]).stdout, "");
    let ran = world.run(["-vv", "login", "base"]);
    assert!(ran.stderr.contains("twolock: debug: cannot record the use of 'base': "), "{ran:?}");
}

#[test]
fn a_file_of_a_newer_version_is_not_changed() {
    let world = World::new();
    let newer = "{\"v\":2,\"profiles\":{}}";
    world.write(STATE, newer);
    world.log_in("base");
    assert_eq!(std::fs::read_to_string(world.home().join(STATE)).unwrap(), newer);
}

#[test]
fn files_selected_by_a_variable_remove_nothing_recorded_for_the_default_files() {
    let world = World::new();
    world.log_in("base");
    let other = "[profile other]\nregion = eu-west-1\ntwolock_source_profile = base\nmfa_serial = arn:aws:iam::123456789012:mfa/ana\nendpoint_url = {url}\n";
    world.write("other", other);
    let mut command = world.twolock(["login", "other"]);
    let ran = world.finish(command.env("AWS_CONFIG_FILE", world.home().join("other")));
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_eq!(world.noted(), ["base", "other"]);
}
