//! Aliases work wherever a profile does; a profile with the same name takes precedence.

use crate::world::World;

const FILE: &str = "# mine\n[aliases]\np = \"prod\" # short\n\"my base\" = \"base\"\nlost = \"production-admin\"\n";

fn world() -> World {
    let world = World::new();
    world.write(".config/twolock/config.toml", FILE);
    world
}

impl World {
    fn toml(&self) -> String {
        std::fs::read_to_string(self.home().join(".config/twolock/config.toml")).unwrap()
    }
}

#[test]
fn every_command_accepts_an_alias() {
    let world = world();
    world.log_in("p");
    let of_prod = world.run(["credential-process", "--profile", "prod"]).stdout;
    for args in [
        vec!["credential-process", "--profile", "p"],
        vec!["credential-process", "p"],
        vec!["env", "p", "--format", "json"],
        vec!["login", "--profile", "p"],
        vec!["whoami", "p", "--json"],
        vec!["status", "p", "--min-ttl", "1m"],
        vec!["profile", "show", "p", "--json"],
        vec!["exec", "p", "--", "true"],
        // a profile and its alias do not conflict
        vec!["login", "p", "--profile", "prod"],
        vec!["logout", "p"],
    ] {
        let ran = world.finish(&mut world.twolock(&args));
        assert_eq!(ran.code, 0, "{args:?}: {ran:?}");
        if args[0] == "credential-process" {
            assert_eq!(ran.stdout, of_prod);
        }
    }
    assert_eq!(world.run(["profile", "show", "p", "--json"]).json()["name"], "prod");
    assert_eq!(world.run(["profile", "show", "my base", "--json"]).json()["name"], "base");
}

#[test]
fn a_variable_may_name_an_alias() {
    let world = world();
    for variable in ["AWS_PROFILE", "AWS_DEFAULT_PROFILE"] {
        let mut command = world.twolock(["profile", "show", "--json"]);
        assert_eq!(world.finish(command.env(variable, "p")).json()["name"], "prod", "{variable}");
    }
}

#[test]
fn a_profile_takes_precedence_over_an_alias() {
    let world = world();
    world.write(".config/twolock/config.toml", "[aliases]\nprod = \"base\"\n");
    assert_eq!(world.run(["profile", "show", "prod", "--json"]).json()["name"], "prod");
    let list = world.run(["settings", "list"]).stdout;
    assert!(
        list.contains("aliases.prod      base   ~/.config/twolock/config.toml:2  not used: a profile has this name\n"),
        "{list}"
    );
}

#[test]
fn an_alias_without_a_profile_is_reported_with_its_line() {
    let world = world();
    for args in
        [vec!["env", "lost", "--format", "json"], vec!["profile", "set", "lost", "region", "eu-west-1", "--yes"]]
    {
        world.finish(&mut world.twolock(&args)).is(
            3,
            "",
            "twolock: error: profile 'production-admin' (~/.config/twolock/config.toml:5): not found in \
             ~/.aws/config or ~/.aws/credentials, and alias 'lost' refers to it\n\
             twolock: hint: profiles: 'base', 'prod', 'deploy', 'long'\n",
        );
    }
    // an alias of an alias does not resolve
    world.write(".config/twolock/config.toml", "[aliases]\na = \"b\"\nb = \"prod\"\n");
    let ran = world.run(["whoami", "a"]);
    assert!(ran.code == 3 && ran.stderr.contains("profile 'b' (~/.config/twolock/config.toml:2)"), "{ran:?}");
}

#[test]
fn an_alias_is_a_setting() {
    let world = world();
    world.run(["settings", "get", "aliases.p"]).is(0, "prod\n", "");
    world.run(["settings", "set", "aliases.d", "deploy"]).is(
        0,
        "aliases.d is deploy (~/.config/twolock/config.toml:6)\n",
        "",
    );
    world.run(["settings", "get", "aliases.d"]).is(0, "deploy\n", "");
    assert_eq!(world.toml(), format!("{FILE}d = \"deploy\"\n"));
    let list = world.run(["settings", "list"]).stdout;
    assert!(
        list.contains(
            "aliases.d         deploy            ~/.config/twolock/config.toml:6  another name for a profile\n"
        ),
        "{list}"
    );
    let json = world.run(["settings", "list", "--json"]).json();
    let names: Vec<_> = json["settings"].as_array().unwrap().iter().map(|setting| &setting["name"]).collect();
    assert!(names.iter().any(|name| *name == "aliases.d"), "{names:?}");
    world.run(["settings", "unset", "aliases.d"]).is(0, "aliases.d is not set\n", "");
    assert_eq!(world.toml(), FILE);
    world.run(["settings", "get", "aliases.d"]).is(3, "", "twolock: error: there is no alias 'd'\n");
    world.run(["settings", "set", "aliases.", "prod"]).is(
        2,
        "",
        "twolock: error: alias '' cannot be 'prod': a name cannot be empty\n",
    );
    world.run(["settings", "set", "aliases.x", "a\u{1b}b"]).is(
        2,
        "",
        "twolock: error: alias 'x' cannot be 'a\\u{1b}b': 'a\\u{1b}b' is not a valid profile name\n",
    );
    assert_eq!(world.toml(), FILE);
}

#[test]
fn an_invalid_alias_is_reported_with_its_line_and_can_be_removed() {
    let world = world();
    world.write(".config/twolock/config.toml", "[aliases]\nprod2 = \"\"\n");
    world.run(["profile", "list"]).is(
        3,
        "",
        "twolock: error: ~/.config/twolock/config.toml:2: alias 'prod2': a profile name cannot be empty\n\
         twolock: hint: to remove it: twolock settings unset aliases.prod2\n",
    );
    world.run(["settings", "unset", "aliases.prod2"]).is(0, "aliases.prod2 is not set\n", "");
    assert_eq!(world.run(["profile", "list"]).code, 0);
}

#[test]
fn renaming_a_profile_updates_its_aliases() {
    let world = world();
    let ran = world.run(["profile", "rename", "p", "production", "--dry-run"]);
    assert!(ran.stdout.contains("note: alias 'p' is updated as well\n"), "{ran:?}");
    assert_eq!(world.toml(), FILE);
    let ran = world.run(["profile", "rename", "p", "production", "--yes"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_eq!(world.toml(), FILE.replace("\"prod\"", "\"production\""));
    assert_eq!(world.run(["profile", "show", "p", "--json"]).json()["name"], "production");
    // to the name of its own alias, which is then not needed any more
    let ran = world.run(["profile", "rename", "production", "p", "--yes"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(!world.toml().contains("p = "), "{}", world.toml());
    // to the name of another profile's alias
    let ran = world.run(["profile", "rename", "p", "lost", "--yes"]);
    assert!(ran.stdout.contains("note: alias 'lost' will be hidden by the profile\n"), "{ran:?}");
}

#[test]
fn removing_a_profile_notes_the_aliases_that_refer_to_it() {
    let world = world();
    let ran = world.run(["profile", "remove", "p", "--yes"]);
    let note =
        "note: alias 'p' still refers to it (~/.config/twolock/config.toml:3): twolock settings unset aliases.p\n";
    assert!(ran.code == 0 && ran.stdout.contains(note), "{ran:?}");
    assert_eq!(world.toml(), FILE);
}

#[test]
fn aliases_are_completed_like_profiles() {
    let world = world();
    for line in [vec!["env", ""], vec!["profile", "set", ""], vec!["login", "--profile", ""]] {
        let ran = world.finish(world.twolock(["complete", "--"]).args(&line));
        ran.is(0, "base\nprod\ndeploy\nlong\nlost\nmy base\np\n", "");
    }
}
