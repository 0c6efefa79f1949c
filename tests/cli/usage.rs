use clap::CommandFactory;

use crate::world::World;

/// Every command and group of commands.
fn commands() -> Vec<Vec<String>> {
    fn walk(command: &clap::Command, words: &[String], found: &mut Vec<Vec<String>>) {
        found.push(words.to_vec());
        for below in command.get_subcommands().filter(|below| below.get_name() != "help") {
            walk(below, &[words, &[below.get_name().to_string()]].concat(), found);
        }
    }
    let mut found = Vec::new();
    walk(&twolock::Cli::command(), &[], &mut found);
    found
}

#[test]
fn every_help_has_an_example_and_its_usage() {
    let world = World::new();
    for words in commands() {
        for flag in ["--help", "-h"] {
            let ran = world.finish(world.twolock(&words).arg(flag));
            assert_eq!((ran.code, ran.stderr.as_str()), (0, ""), "{words:?}");
            let usage = format!("Usage: {}", [&["twolock".to_string()], words.as_slice()].concat().join(" "));
            assert!(ran.stdout.contains(&usage), "{words:?}: {}", ran.stdout);
            let example = ran.stdout.contains("Example") || ran.stdout.contains("Every day:");
            assert!(example, "{words:?}: {}", ran.stdout);
        }
    }
}

#[test]
fn no_help_names_a_command_that_is_not_built() {
    let world = World::new();
    let commands = commands();
    let built: Vec<&str> = commands.iter().filter_map(|words| words.first()).map(String::as_str).collect();
    for words in &commands {
        let text = world.finish(world.twolock(words).arg("--help")).stdout;
        for after in text.split("twolock ").skip(1) {
            let named: String = after.chars().take_while(|c| c.is_ascii_lowercase() || *c == '-').collect();
            let known = named.is_empty() || named.starts_with('-') || built.contains(&named.as_str());
            // Prose in the help: "twolock asks for …".
            let prose = ["asks", "keeps", "hands", "can", "starts", "runs", "reads", "serves", "will"]
                .contains(&named.as_str());
            assert!(known || prose, "{words:?} names 'twolock {named}'");
        }
    }
}

#[test]
fn the_help_lists_variables_and_exit_codes() {
    let world = World::new();
    let text = world.run(["--help"]).stdout;
    for word in [
        "AWS_PROFILE",
        "AWS_CONFIG_FILE",
        "AWS_SHARED_CREDENTIALS_FILE",
        "AWS_ENDPOINT_URL_STS",
        "AWS_CA_BUNDLE",
        "HTTPS_PROXY",
        "TWOLOCK_SESSION_DURATION",
        "TWOLOCK_PROMPT_TIMEOUT",
        "TWOLOCK_MIN_TTL",
        "TWOLOCK_KEYRING",
        "TWOLOCK_MFA_CODE",
        "Exit codes: 0 success",
        "9 user input required",
    ] {
        assert!(text.split_whitespace().collect::<Vec<_>>().join(" ").contains(word), "{word}: {text}");
    }
}

#[test]
fn a_mistyped_flag_of_exec_gets_one_piece_of_advice() {
    World::new().run(["exec", "--prof", "prod", "ls"]).is(
        2,
        "",
        "twolock: error: unexpected argument '--prof' found\n\
         twolock: hint: a similar argument exists: '--profile'\n\
         twolock: hint: usage: twolock exec [OPTIONS] [PROFILE] [OPTIONS] [--] [COMMAND]...\n\
         twolock: hint: try '--help'\n",
    );
}

#[test]
fn the_version_is_the_packages() {
    let world = World::new();
    for flag in ["--version", "-V"] {
        world.run([flag]).is(0, concat!("twolock ", env!("CARGO_PKG_VERSION"), "\n"), "");
    }
}

#[test]
fn an_invalid_command_line_is_exit_2_in_the_usual_error_format() {
    let world = World::new();
    for (args, stderr) in [
        (
            vec!["foo"],
            "unrecognized subcommand 'foo'\ntwolock: hint: usage: twolock [OPTIONS] [COMMAND]\ntwolock: hint: try '--help'",
        ),
        (
            vec!["whoam", "prod"],
            "unrecognized subcommand 'whoam'\ntwolock: hint: a similar subcommand exists: 'whoami'\n\
             twolock: hint: usage: twolock [OPTIONS] [COMMAND]\ntwolock: hint: try '--help'",
        ),
        (
            vec!["login", "--odd"],
            "unexpected argument '--odd' found\ntwolock: hint: usage: twolock login [OPTIONS] [PROFILE]\n\
             twolock: hint: try '--help'",
        ),
        (
            vec!["settings", "get"],
            "the following required arguments were not provided: <NAME>\n\
             twolock: hint: usage: twolock settings get <NAME>\ntwolock: hint: try '--help'",
        ),
        (
            vec!["login", "--profile"],
            "a value is required for '--profile <NAME>' but none was supplied\ntwolock: hint: try '--help'",
        ),
        (
            vec!["env", "prod", "--shell", "tcsh"],
            "invalid value 'tcsh' for '--shell <SHELL>' [possible values: sh, bash, zsh, fish, powershell]\n\
             twolock: hint: a similar value exists: 'zsh'\ntwolock: hint: try '--help'",
        ),
        (
            vec!["a\u{202e}b"],
            "unrecognized subcommand 'a\\u{202e}b'\ntwolock: hint: usage: twolock [OPTIONS] [COMMAND]\n\
             twolock: hint: try '--help'",
        ),
    ] {
        let ran = world.finish(&mut world.twolock(&args));
        let stdout = if args[0] == "env" { "false;\n" } else { "" };
        ran.is(2, stdout, &format!("twolock: error: {stderr}\n"));
    }
    for group in ["profile", "settings"] {
        let ran = world.run([group]);
        assert_eq!((ran.code, ran.stdout.as_str()), (2, ""));
        assert!(ran.stderr.contains(&format!("Usage: twolock {group}")), "{ran:?}");
    }
}

#[test]
fn a_profile_in_place_of_a_command_is_suggested_and_not_run() {
    let world = World::new();
    world.log_in("prod");
    world.write(".config/twolock/config.toml", "[aliases]\np = \"prod\"\n");
    world.add_config("[profile \"my prod\"]\nregion = eu-west-1\n");
    let marker = world.home().join("marker");
    for (args, name, command) in [
        (&["prod"][..], "prod", "exec prod"),
        (&["p"], "p", "exec p"),
        (&["-v", "prod", "touch", marker.to_str().unwrap()], "prod", "exec prod touch HOME/marker"),
        (&["prod", "--", "touch", marker.to_str().unwrap()], "prod", "exec prod -- touch HOME/marker"),
        (&["prod", "login"], "prod", "login prod"),
        (&["my prod", "status"], "my prod", "status 'my prod'"),
        // what follows the command is kept, unless it is not valid there
        (&["prod", "exec", "--", "ls"], "prod", "exec prod -- ls"),
        (&["prod", "exec", "ls", "-l", "my file"], "prod", "exec prod ls -l 'my file'"),
        (&["prod", "env", "--format", "json"], "prod", "env prod --format json"),
        (&["prod", "login", "now"], "prod", "login prod"),
        (&["prod", "profile", "show"], "prod", "profile show prod"),
        (&["prod", "profile", "set", "region", "eu-west-1"], "prod", "profile set prod region eu-west-1"),
    ] {
        let quoted = if name == "my prod" { "'my prod'" } else { name };
        world.finish(world.twolock(args).env("SHELL", "/bin/bash")).is(
            2,
            "",
            &format!(
                "twolock: error: '{name}' is a profile, not a command; run: twolock {command}\n\
                 twolock: hint: for this shell: eval \"$(twolock env {quoted})\"\n"
            ),
        );
        assert!(!marker.exists(), "{args:?}");
    }
}

#[test]
fn commands_of_aws_vault_and_granted_are_answered_with_ours() {
    let world = World::new();
    let exec = "twolock: hint: for one command: twolock exec prod -- COMMAND\n";
    for (args, instead, hint) in [
        (&["list"][..], "run: twolock profile list", ""),
        (&["ls", "--credentials"], "run: twolock profile list", ""),
        (&["add", "new"], "run: twolock profile add new", ""),
        (&["remove", "my prod"], "run: twolock profile remove 'my prod'", ""),
        (&["rm"], "run: twolock profile remove NAME", ""),
        (&["delete", "prod"], "run: twolock profile remove prod", ""),
        (&["adopt", "prod"], "run: twolock profile adopt prod", ""),
        (&["set", "prod", "region", "a b"], "run: twolock profile set prod region 'a b'", ""),
        (&["show"], "run: twolock profile show NAME", ""),
        (&["trust", "x"], "run: twolock settings trust x", ""),
        (&["path"], "run: twolock settings path", ""),
        (&["import", "prod"], "run: twolock key import prod", ""),
        (&["replace"], "run: twolock key replace NAME", ""),
        (&["clear"], "run: twolock logout --all", ""),
        (&["clear", "prod"], "run: twolock logout prod", ""),
        (&["export", "--format=json", "prod"], "run: eval \"$(twolock env prod)\"", exec),
        (&["assume", "prod"], "run: eval \"$(twolock env prod)\"", exec),
        (&["rotate", "prod"], "run: twolock key rotate prod", ""),
        (&["enroll"], "run: twolock mfa enroll NAME", ""),
    ] {
        let line = format!("twolock: error: '{}' is not a command of twolock; {instead}\n{hint}", args[0]);
        world.finish(world.twolock(args).env("SHELL", "/bin/bash")).is(2, "", &line);
    }
    assert_eq!(world.sandbox.connections(), 0);
}

#[test]
fn the_value_of_a_flag_is_not_taken_for_the_profile() {
    let world = World::new();
    for args in [
        &["export", "--format", "json", "prod"][..],
        &["export", "-d", "1h", "--region=eu-west-1", "prod"],
        &["export", "prod", "--format", "json"],
        &["assume", "-r", "eu-west-1", "--profile", "prod"],
    ] {
        let ran = world.finish(world.twolock(args).env("SHELL", "/bin/bash"));
        assert!(ran.stderr.contains("; run: eval \"$(twolock env prod)\"\n"), "{args:?}: {ran:?}");
    }
}

#[test]
fn no_option_takes_a_secret() {
    fn walk(command: &clap::Command) {
        for option in command.get_arguments().filter(|option| option.get_action().takes_values()) {
            // One of the names that we know is no secret.
            if !option.get_possible_values().is_empty() {
                continue;
            }
            let name = option.get_long().unwrap_or_default();
            for word in ["secret", "key", "token", "password", "code"] {
                assert!(!name.contains(word), "{}: --{name}", command.get_name());
            }
        }
        command.get_subcommands().for_each(walk);
    }
    walk(&twolock::Cli::command());
}
