use std::os::unix::fs::{PermissionsExt, symlink};

use serde_json::json;

use crate::world::World;

const FILE: &str = "# mine\nsession_duration = \"8h\" # a day\nunknown = 1\n\n[aliases]\nprod = \"production-admin\"\n";

impl World {
    fn settings(&self) -> String {
        std::fs::read_to_string(self.home().join(".config/twolock/config.toml")).unwrap_or_default()
    }
}

#[test]
fn list_shows_each_value_and_where_it_is_set() {
    let world = World::new();
    world.write(".config/twolock/config.toml", FILE);
    let mut command = world.twolock(["settings", "list"]);
    world.finish(command.env("TWOLOCK_PROMPT_TIMEOUT", "20s")).is(
        0,
        "SETTING           VALUE             FROM                             MEANING\n\
         session_duration  8h                ~/.config/twolock/config.toml:2  how long an MFA session lasts\n\
         prompt_timeout    20s               TWOLOCK_PROMPT_TIMEOUT           how long to wait for a code\n\
         prompt            auto              default                          dialogs for a code: auto, off or a list\n\
         askpass                             default                          a program that asks instead of a dialog\n\
         notify            on                default                          a notification before a session expires\n\
         min_ttl           30s               default                          env and exec renew if less time is left\n\
         keyring           auto              default                          which keyring to use: auto, kernel, file\n\
         key_max_age       90d               default                          age at which to rotate access keys\n\
         endpoints.allow                     default                          more allowed hosts, comma-separated\n\
         browser                             default                          the program that console opens\n\
         aliases.prod      production-admin  ~/.config/twolock/config.toml:6  not used: a profile has this name\n",
        "",
    );
    let json = world.run(["settings", "list", "--json"]).json();
    assert_eq!(
        json["settings"][0],
        json!({"name": "session_duration", "value": "8h", "origin": "~/.config/twolock/config.toml:2"})
    );
    assert_eq!(json["settings"][6], json!({"name": "keyring", "value": "auto", "origin": "default"}));
}

#[test]
fn get_prints_the_effective_value() {
    let world = World::new();
    world.run(["settings", "get", "session_duration"]).is(0, "12h\n", "");
    world.write(".config/twolock/config.toml", FILE);
    world.run(["settings", "get", "session_duration"]).is(0, "8h\n", "");
    let mut command = world.twolock(["settings", "get", "session_duration"]);
    world.finish(command.env("TWOLOCK_SESSION_DURATION", "10h")).is(0, "10h\n", "");
}

#[test]
fn set_and_unset_keep_comments_order_and_unknown_keys() {
    let world = World::new();
    world.write(".config/twolock/config.toml", FILE);
    world.run(["settings", "set", "session_duration", "10h"]).is(
        0,
        "session_duration is 10h (~/.config/twolock/config.toml:2)\n",
        "",
    );
    assert_eq!(world.settings(), FILE.replace("8h", "10h"));
    world.run(["settings", "set", "session_duration", "8h"]).is(
        0,
        "session_duration is 8h (~/.config/twolock/config.toml:2)\n",
        "",
    );
    assert_eq!(world.settings(), FILE);
    world.run(["settings", "set", "endpoints.allow", "a.test, b.test:8443"]).is(
        0,
        "endpoints.allow is a.test,b.test:8443 (~/.config/twolock/config.toml:9)\n",
        "",
    );
    assert_eq!(world.settings(), format!("{FILE}\n[endpoints]\nallow = [\"a.test\", \"b.test:8443\"]\n"));
    world.run(["settings", "unset", "session_duration"]).is(0, "session_duration is 12h (default)\n", "");
    assert!(!world.settings().contains("8h") && world.settings().contains("unknown = 1\n"), "{}", world.settings());
    world.run(["settings", "unset", "min_ttl"]).is(0, "min_ttl is 30s (default)\n", "");
}

#[test]
fn a_new_file_is_private_and_a_symlink_stays() {
    let world = World::new();
    world.run(["settings", "set", "min_ttl", "5m"]).is(0, "min_ttl is 5m (~/.config/twolock/config.toml:1)\n", "");
    assert_eq!(world.settings(), "min_ttl = \"5m\"\n");
    let file = world.home().join(".config/twolock/config.toml");
    let mode = |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&file), mode(file.parent().unwrap())), (0o600, 0o700));
    let target = world.home().join("dotfiles.toml");
    std::fs::rename(&file, &target).unwrap();
    symlink(&target, &file).unwrap();
    world.run(["settings", "set", "min_ttl", "6m"]).is(0, "min_ttl is 6m (~/.config/twolock/config.toml:1)\n", "");
    assert!(std::fs::symlink_metadata(&file).unwrap().is_symlink());
    assert_eq!(std::fs::read_to_string(&target).unwrap(), "min_ttl = \"6m\"\n");
}

#[test]
fn a_file_open_to_other_users_is_closed_with_a_note() {
    let world = World::new();
    world.run(["settings", "set", "min_ttl", "5m"]).is(0, "min_ttl is 5m (~/.config/twolock/config.toml:1)\n", "");
    let file = world.home().join(".config/twolock/config.toml");
    let said =
        "twolock: note: ~/.config/twolock/config.toml was open to other users; now only you can read it (mode 600)\n";
    for args in [["settings", "set", "min_ttl", "6m"].as_slice(), &["settings", "trust", ".aws/config", "--yes"]] {
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).unwrap();
        let ran = world.finish(world.twolock(args).current_dir(world.home()));
        assert_eq!((ran.code, ran.stderr.as_str()), (0, said), "{args:?}");
        assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    }
}

#[test]
fn invalid_values_and_names_are_refused_and_nothing_is_written() {
    let world = World::new();
    world.write(".config/twolock/config.toml", FILE);
    for (args, stderr) in [
        (
            ["set", "session_duration", "40h"],
            "session_duration cannot be '40h': allowed: 15m to 36h (such as 12h, 45m, 90s)",
        ),
        (["set", "prompt_timeout", "-1"], "prompt_timeout cannot be '-1': allowed: 1s to 1h (such as 12h, 45m, 90s)"),
        (["set", "notify", "yes"], "notify cannot be 'yes': allowed: on, off"),
        (["set", "min_ttl", ""], "min_ttl cannot be '': allowed: 1s to 36h (such as 12h, 45m, 90s)"),
        (["set", "keyring", "Kernel"], "keyring cannot be 'Kernel': allowed: auto, kernel, file"),
        (
            ["set", "endpoints.allow", "https://x.test/"],
            "endpoints.allow cannot be 'https://x.test/': 'https://x.test/' is not a valid host (use HOST or HOST:PORT)",
        ),
        (
            ["set", "colour", "red"],
            "unknown setting 'colour'\ntwolock: hint: settings: session_duration, prompt_timeout, prompt, askpass, notify, min_ttl, keyring, key_max_age, endpoints.allow, browser, aliases.NAME",
        ),
    ] {
        let ran = world.finish(world.twolock(["settings"]).args(args));
        ran.is(2, "", &format!("twolock: error: {stderr}\n"));
    }
    assert_eq!(world.settings(), FILE);
}

#[test]
fn an_invalid_value_in_the_file_is_reported_with_its_line_and_can_be_fixed() {
    let world = World::new();
    world.write(".config/twolock/config.toml", "# mine\nsession_duration = \"3 days\"\n");
    for args in [vec!["settings", "list"], vec!["login", "prod"], vec![]] {
        world.finish(&mut world.twolock(args)).is(
            3,
            "",
            "twolock: error: ~/.config/twolock/config.toml:2: session_duration '3 days': allowed: 15m to 36h (such as 12h, \
             45m, 90s)\ntwolock: hint: to use the default again: twolock settings unset session_duration\n",
        );
    }
    world.run(["settings", "unset", "session_duration"]).is(0, "session_duration is 12h (default)\n", "");
    world.run(["settings", "get", "session_duration"]).is(0, "12h\n", "");
    world.write(".config/twolock/config.toml", "session_duration = [1]\nmin_ttl = 90\n");
    let ran = world.run(["settings", "list"]);
    assert!(ran.stderr.starts_with("twolock: error: ~/.config/twolock/config.toml:1: session_duration must be"));
}

#[test]
fn an_invalid_toml_file_is_not_changed() {
    let world = World::new();
    world.write(".config/twolock/config.toml", "keyring = \"auto\"\nmin_ttl 5\n");
    let ran = world.run(["settings", "set", "min_ttl", "5m"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (3, ""));
    assert!(ran.stderr.starts_with("twolock: error: ~/.config/twolock/config.toml:2: invalid TOML: "), "{ran:?}");
    assert_eq!(world.settings(), "keyring = \"auto\"\nmin_ttl 5\n");
}

#[test]
fn the_path_is_in_the_platforms_directory() {
    let world = World::new();
    world.run(["settings", "path"]).is(0, "HOME/.config/twolock/config.toml\n", "");
    let mut command = world.twolock(["settings", "path"]);
    world.finish(command.env("XDG_CONFIG_HOME", world.home().join("x"))).is(0, "HOME/x/twolock/config.toml\n", "");
}

#[test]
fn a_variable_cannot_select_a_key_file() {
    let world = World::new();
    for args in [vec!["login", "prod"], vec!["credential-process", "prod"], vec!["settings", "list"]] {
        let mut command = world.twolock(args);
        world.finish(command.env("TWOLOCK_KEYRING", "file").env("TWOLOCK_MFA_CODE", "123456")).is(
            3,
            "",
            "twolock: error: TWOLOCK_KEYRING 'file': allowed in config.toml only\n\
             twolock: hint: run: twolock settings set keyring file\n",
        );
    }
    assert!(!world.home().join(".local/share/twolock").exists());
    assert_eq!(world.sandbox.connections(), 0);
}

#[test]
fn a_settings_file_selected_by_a_variable_gives_no_consent() {
    let world = World::new();
    world.write(
        "repo/twolock/config.toml",
        "session_duration = \"9h\"\nkeyring = \"file\"\n[endpoints]\nallow = [\"sts.evil.test\"]\n[trust]\n\"/x\" = \"00\"\n",
    );
    let list = |world: &World| {
        let mut command = world.twolock(["settings", "list", "--json"]);
        world.finish(command.env("XDG_CONFIG_HOME", world.home().join("repo"))).json()["settings"].clone()
    };
    let before = list(&world);
    assert_eq!(
        (&before[0]["value"], &before[6]["value"], &before[8]["value"]),
        (&json!("9h"), &json!("auto"), &json!(""))
    );
    // Consents are written to the file where they count, even if a variable selects another file.
    for args in [["set", "endpoints.allow", "sts.corp.test"], ["set", "keyring", "file"]] {
        let mut command = world.twolock(["settings"]);
        let ran = world.finish(command.args(args).env("XDG_CONFIG_HOME", world.home().join("repo")));
        let said = format!("{} is {} (~/.config/twolock/config.toml:", args[1], args[2]);
        assert!(ran.code == 0 && ran.stdout.starts_with(&said) && ran.stderr.is_empty(), "{ran:?}");
    }
    let after = list(&world);
    assert_eq!((&after[6]["value"], &after[8]["value"]), (&json!("file"), &json!("sts.corp.test")));
    assert!(world.settings().contains("sts.corp.test") && world.settings().contains("keyring = \"file\""));
    // And removed from both.
    let mut command = world.twolock(["settings", "unset", "keyring"]);
    let ran = world.finish(command.env("XDG_CONFIG_HOME", world.home().join("repo")));
    ran.is(0, "keyring is auto (default)\n", "");
    assert_eq!(list(&world)[6]["value"], "auto");
}

#[test]
fn the_default_config_directory_gives_consent_even_if_a_variable_selects_it() {
    let world = World::new();
    world.write(".config/twolock/config.toml", "[endpoints]\nallow = [\"sts.corp.test\"]\n");
    let mut command = world.twolock(["settings", "get", "endpoints.allow"]);
    world.finish(command.env("XDG_CONFIG_HOME", world.home().join(".config"))).is(0, "sts.corp.test\n", "");
}

#[test]
fn a_key_file_is_used_once_it_is_selected() {
    let world = World::new();
    world.run(["settings", "set", "keyring", "file"]).is(0, "keyring is file (~/.config/twolock/config.toml:1)\n", "");
    world.log_in("prod");
    let dir = world.home().join(".local/share/twolock");
    let files: Vec<_> = std::fs::read_dir(&dir).unwrap().map(|e| e.unwrap().path()).collect();
    assert!(!files.is_empty());
    for file in files.iter().chain([&dir]) {
        let mode = std::fs::metadata(file).unwrap().permissions().mode() & 0o077;
        assert_eq!(mode, 0, "{}", file.display());
    }
    assert_eq!(world.run(["credential-process", "prod"]).code, 0);
    world.run(["logout", "--all"]).is(0, "ended 2 sessions and deleted the encryption key\n", "");
}

#[test]
fn what_is_said_after_an_edit_is_what_counts() {
    let world = World::new();
    let mut set = world.twolock(["settings", "set", "min_ttl", "5m"]);
    world.finish(set.env("TWOLOCK_MIN_TTL", "20s")).is(0, "min_ttl is 20s (TWOLOCK_MIN_TTL)\n", "");
    world.run(["settings", "unset", "endpoints.allow"]).is(0, "endpoints.allow is empty (default)\n", "");
}

#[test]
fn a_prompt_timeout_that_the_go_sdk_does_not_wait_for_is_noted() {
    let world = World::new();
    let said = |value: &str| world.run(["settings", "set", "prompt_timeout", value]).stderr;
    assert_eq!(said("60s"), "");
    let note = "programs that use the AWS SDK for Go give up after 60 s, before this prompt_timeout";
    assert_eq!(said("61s"), format!("twolock: note: {note}\n"));
}

#[test]
fn the_list_fits_the_terminal_and_keeps_names_and_values() {
    let world = World::new();
    let list = |columns: &str| world.finish(world.twolock(["settings", "list"]).env("COLUMNS", columns)).stdout;
    world.write(".config/twolock/config.toml", "session_duration = \"12h\"\n");
    let shown = list("80");
    assert!(shown.contains("session_duration  12h    config.toml:1  how long") && !shown.contains('…'), "{shown}");
    world.write(".config/twolock/config.toml", &format!("endpoints.allow = \"{}.test\"\n", "x".repeat(50)));
    let shown = list("80");
    assert!(shown.contains('…') && shown.lines().all(|line| line.chars().count() <= 80), "{shown}");
    for columns in [60, 40] {
        let shown = list(&columns.to_string());
        assert!(shown.contains("12h") && shown.lines().all(|line| line.chars().count() <= columns), "{shown}");
    }
    for part in ["session_duration  12h", "endpoints.allow", "key_max_age       90d"] {
        assert!(shown.contains(part), "{shown}");
    }
}
