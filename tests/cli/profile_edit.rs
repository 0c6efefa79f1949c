use std::io::{BufRead, BufReader};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::process::Stdio;

use crate::world::desktop::Desktop;
use crate::world::{CONFIG, CREDENTIALS, SECRET, World};
use twolock::internals::FileLock;

pub fn config_of(world: &World) -> String {
    let text = std::fs::read_to_string(world.home().join(".aws/config")).unwrap();
    text.replace(world.sandbox.url(), "{url}")
}

pub fn credentials_of(world: &World) -> String {
    std::fs::read_to_string(world.home().join(".aws/credentials")).unwrap()
}

impl World {
    fn config(&self) -> String {
        config_of(self)
    }

    fn credentials(&self) -> String {
        credentials_of(self)
    }
}

#[test]
fn set_shows_the_change_and_makes_it() {
    let world = World::new();
    let diff = "~/.aws/config\n  [profile prod]\n- region = eu-west-1\n+ region = us-east-1\n";
    world.run(["profile", "set", "prod", "region", "us-east-1", "--dry-run"]).is(0, diff, "");
    assert_eq!(world.config(), CONFIG);
    world.run(["profile", "set", "prod", "region", "us-east-1", "--yes"]).is(
        0,
        &format!("{diff}set region of prod\n"),
        "",
    );
    let at = CONFIG.find("[profile prod]").unwrap();
    let expected = format!("{}{}", &CONFIG[..at], CONFIG[at..].replacen("region = eu-west-1", "region = us-east-1", 1));
    assert_eq!(world.config(), expected);
    world.run(["profile", "set", "prod", "region", "us-east-1", "--yes"]).is(0, "nothing to change\n", "");
    world.run(["profile", "set", "prod", "REGION", "eu-west-1", "--yes"]).is(
        0,
        "~/.aws/config\n  [profile prod]\n- region = us-east-1\n+ region = eu-west-1\nset region of prod\n",
        "",
    );
    assert_eq!(world.config(), CONFIG);
}

#[test]
fn unset_is_the_reverse_of_a_new_key() {
    let world = World::new();
    world.run(["profile", "set", "prod", "duration_seconds", "3600", "--yes"]).is(
        0,
        "~/.aws/config\n  [profile prod]\n+ duration_seconds = 3600\nset duration_seconds of prod\n",
        "",
    );
    world.run(["profile", "unset", "prod", "duration_seconds", "--yes"]).is(
        0,
        "~/.aws/config\n  [profile prod]\n- duration_seconds = 3600\nremoved duration_seconds of prod\n",
        "",
    );
    assert_eq!(world.config(), CONFIG);
    world.run(["profile", "unset", "prod", "duration_seconds"]).is(0, "nothing to change\n", "");
    world.add_config("[profile odd]\nregion = eu-west-1\noutput = json\nca_bundle = x\n");
    assert_eq!(world.run(["profile", "unset", "odd", "region", "CA_Bundle", "--yes"]).code, 0, "several at once");
    assert!(world.config().ends_with("[profile odd]\noutput = json\n"));
}

#[test]
fn without_a_terminal_yes_is_required() {
    let world = World::new();
    for args in [
        vec!["set", "prod", "region", "us-east-1"],
        vec!["unset", "prod", "region"],
        vec!["rename", "prod", "production"],
        vec!["remove", "prod"],
    ] {
        world.finish(world.twolock(["profile"]).args(args)).is(
            2,
            "",
            "twolock: error: confirmation is required, and there is no terminal to ask on: add --yes, or --dry-run to see the change\n",
        );
    }
    assert_eq!((world.config(), world.credentials()), (CONFIG.into(), CREDENTIALS.into()));
}

#[test]
fn on_a_terminal_the_change_is_shown_and_needs_confirmation() {
    let world = World::new();
    let cancelled = "twolock: error: cancelled; nothing was changed\n";
    for (keys, code, stderr) in [("n\n", 9, cancelled), ("\n", 9, cancelled), ("\x04", 9, cancelled), ("y\n", 0, "")] {
        assert_eq!(world.config(), CONFIG);
        let mut terminal = world.on_terminal(["profile", "set", "prod", "region", "us-east-1"]);
        terminal.sees("- region = eu-west-1");
        terminal.sees("+ region = us-east-1");
        terminal.sees("make this change? [y/N] ");
        terminal.types(keys);
        world.tidy(terminal.end()).is(code, if code == 0 { "set region of prod\n" } else { "" }, stderr);
    }
    assert!(world.config().contains("region = us-east-1"));
}

#[test]
fn invalid_values_are_refused_with_what_is_allowed() {
    let world = World::new();
    for (key, value, stderr) in [
        (
            "region",
            "eu west",
            "region 'eu west' is not a valid region name (lower-case letters, digits and '-', like eu-west-1)",
        ),
        ("duration_seconds", "60", "duration_seconds '60' is out of range: AWS accepts 900 (15m) to 43200 (12h)"),
        ("twolock_session_duration", "40h", "twolock_session_duration '40h' is out of range: AWS accepts 15m to 36h"),
        ("twolock_protected", "yes", "twolock_protected 'yes' must be true or false"),
        ("role_arn", "Admin", "role_arn 'Admin' is not a valid role ARN (arn:aws:iam::123456789012:role/NAME)"),
        ("s3.addressing_style", "path", "'s3.addressing_style' is inside a block, which twolock cannot edit"),
        ("x", "a\u{1b}[2J", "x cannot contain a control character: 'a\\u{1b}[2J'"),
    ] {
        let ran = world.run(["profile", "set", "prod", key, value, "--yes"]);
        ran.is(2, "", &format!("twolock: error: profile 'prod': {stderr}\n"));
    }
    let ran = world.run(["profile", "set", "nope", "region", "eu-west-1", "--yes"]);
    ran.is(
        3,
        "",
        "twolock: error: profile 'nope': not found in ~/.aws/config or ~/.aws/credentials\n\
         twolock: hint: profiles: 'base', 'prod', 'deploy', 'long'\n",
    );
    let not_found = "twolock: error: profile 'prdo': not found in ~/.aws/config or ~/.aws/credentials\n";
    for args in [
        &["set", "prdo", "region", "eu-west-1"][..],
        &["unset", "prdo", "region"],
        &["rename", "prdo", "x"],
        &["remove", "prdo"],
    ] {
        let ran = world.finish(world.twolock(["profile"]).args(args).arg("--yes"));
        ran.is(3, "", &format!("{not_found}twolock: hint: did you mean 'prod'?\n"));
    }
    assert_eq!(world.config(), CONFIG);
}

#[test]
fn a_secret_is_refused_as_an_argument() {
    let world = World::new();
    let ran = world.run(["profile", "set", "base", "aws_secret_access_key", "xyz", "--yes"]);
    ran.is(
        2,
        "",
        "twolock: error: profile 'base': aws_secret_access_key cannot be given as an argument: other users can see the arguments \
         of every process\ntwolock: hint: twolock key add base\n",
    );
    assert_eq!(world.credentials(), CREDENTIALS);
}

#[test]
fn a_key_is_changed_in_the_file_that_takes_precedence() {
    let world = World::new();
    world.write(".aws/credentials", &format!("{CREDENTIALS}region = us-west-2\n"));
    world.run(["profile", "set", "base", "region", "eu-west-3", "--yes"]).is(
        0,
        "~/.aws/credentials\n  [base]\n- region = us-west-2\n+ region = eu-west-3\n\
         note: region is set in ~/.aws/credentials, which takes precedence, so it is changed there\nset region of base\n",
        "",
    );
    assert_eq!(world.config(), CONFIG);
    let ran = world.run(["profile", "unset", "base", "region", "--yes"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_eq!(world.credentials(), CREDENTIALS);
    assert_eq!(world.config(), CONFIG.replacen("region = eu-west-1\n", "", 1));
}

#[test]
fn rename_updates_everything_that_refers_to_the_profile() {
    let world = World::new();
    let more = "[profile t]\ncredential_process = twolock credential-process --profile base\n";
    world.write(".aws/config", &format!("{CONFIG}\n{more}"));
    let index = r#"{"v":1,"keys":{"base":{"access_key_id":"AKIAIOSFODNN7EXAMPLE"}}}"#;
    world.write(".local/share/twolock/keys.json", index);
    world.run(["profile", "rename", "base", "ana@work", "--yes"]).is(
        0,
        "~/.aws/config\n- [profile base]\n+ [profile ana@work]\n\
         \x20 [profile prod]\n- source_profile = base\n+ source_profile = ana@work\n\
         \x20 [profile deploy]\n- source_profile = base\n+ source_profile = ana@work\n\
         \x20 [profile long]\n- source_profile = base\n+ source_profile = ana@work\n\
         \x20 [profile t]\n- credential_process = twolock credential-process --profile base\n\
         + credential_process = twolock credential-process --profile ana@work\n\
         ~/.aws/credentials\n- [base]\n+ [ana@work]\n\
         note: its key AKIAIOSFODNN7EXAMPLE in the keyring is renamed as well\nrenamed base to ana@work\n",
        "",
    );
    let keys = std::fs::read_to_string(world.home().join(".local/share/twolock/keys.json")).unwrap();
    assert_eq!(keys, r#"{"keys":{"ana@work":{"access_key_id":"AKIAIOSFODNN7EXAMPLE"}},"v":1}"#);
    world.log_in("prod");
    let ran = world.run(["profile", "rename", "ana@work", "base", "--yes"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_eq!((world.config(), world.credentials()), (format!("{CONFIG}\n{more}"), CREDENTIALS.into()));
}

#[test]
fn rename_refuses_existing_names_and_names_some_sdks_cannot_read() {
    let world = World::new();
    world.run(["profile", "rename", "prod", "base", "--yes"]).is(
        3,
        "",
        "twolock: error: ~/.aws/config:1: profile 'base' already exists\n",
    );
    world.run(["profile", "rename", "prod", "p q", "--yes"]).is(
        2,
        "",
        "twolock: error: profile 'prod': 'p q' is not a name that every SDK can read: use A-Z a-z 0-9 _ - / . % @ : +\n",
    );
    assert_eq!(world.config(), CONFIG);
}

#[test]
fn the_key_of_a_former_profile_does_not_keep_its_name() {
    let world = World::new();
    let entry = "{\"access_key_id\":\"AKIAOLDOLDOLDOLDOLD1\"}";
    world.write(".local/share/twolock/keys.json", &format!("{{\"v\":1,\"keys\":{{\"left\":{entry}}}}}"));
    let ran = world.run(["profile", "rename", "prod", "left", "--yes"]);
    let note = "note: access key AKIAOLDOLDOLDOLDOLD1 of a former profile 'left' stays in the keyring, unused\n";
    assert!(ran.code == 0 && ran.stdout.contains(note), "{ran:?}");
    let index = std::fs::read_to_string(world.home().join(".local/share/twolock/keys.json")).unwrap();
    assert!(!index.contains("left"), "{index}");
    assert!(world.run(["profile", "show", "left"]).stdout.contains("): role\n"));
}

#[test]
fn remove_notes_what_refers_to_it_and_shows_no_secret() {
    let world = World::new();
    let ran = world.run(["profile", "remove", "base", "--dry-run"]);
    ran.is(
        0,
        "~/.aws/config\n- [profile base]\n- region = eu-west-1\n- mfa_serial = arn:aws:iam::123456789012:mfa/ana\n\
         - endpoint_url = http://127.0.0.1:PORT\n\
         ~/.aws/credentials\n- [base]\n- aws_access_key_id = AKIAIOSFODNN7EXAMPLE\n- aws_secret_access_key = ***\n\
         note: profile 'prod' still refers to it: source_profile (~/.aws/config:8)\n\
         note: profile 'deploy' still refers to it: source_profile (~/.aws/config:14)\n\
         note: profile 'long' still refers to it: source_profile (~/.aws/config:20)\n\
         note: this deletes the last copy of access key AKIAIOSFODNN7EXAMPLE that twolock knows of; AWS accepts the key until you delete it: IAM > Users > Security credentials in the console\n",
        "",
    );
    assert_eq!((world.config(), world.credentials()), (CONFIG.into(), CREDENTIALS.into()));
    let mut terminal = world.on_terminal(["profile", "remove", "base"]);
    terminal.sees("remove it anyway? [y/N] ");
    assert!(!terminal.shown().contains(SECRET));
    terminal.types("y\n");
    terminal.end().is(0, "removed base\n", "");
    assert!(!world.config().contains("[profile base]"));
    assert_eq!(world.credentials(), "");
}

#[test]
fn remove_ends_sessions_that_no_other_profile_uses() {
    let world = World::new();
    world.log_in("deploy");
    let sealed = || {
        let names = std::fs::read_dir(world.cache()).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap());
        names.filter(|name| name.ends_with(".sealed")).count()
    };
    assert_eq!(sealed(), 2);
    let ran = world.run(["profile", "remove", "deploy", "--yes"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(ran.stdout.ends_with("note: 1 session used only by this profile will end\nremoved deploy\n"), "{ran:?}");
    assert_eq!(sealed(), 1, "the MFA session serves the others");
    let gone = "[profile deploy]\nrole_arn = arn:aws:iam::444455556666:role/Deploy\nsource_profile = base\n\
                region = eu-central-1\nendpoint_url = {url}\n\n";
    assert_eq!(world.config(), CONFIG.replace(gone, ""));
}

#[test]
fn a_symlink_stays_and_an_open_file_is_closed_to_others() {
    let world = World::new();
    let (link, target) = (world.home().join(".aws/config"), world.home().join("dotfiles/aws-config"));
    std::fs::create_dir(target.parent().unwrap()).unwrap();
    std::fs::rename(&link, &target).unwrap();
    symlink("../dotfiles/between", &link).unwrap();
    symlink(&target, world.home().join("dotfiles/between")).unwrap();
    std::fs::set_permissions(&target, std::fs::Permissions::from_mode(0o644)).unwrap();
    let ran = world.run(["profile", "set", "prod", "region", "us-east-1", "--yes"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_eq!(
        ran.stderr,
        "twolock: note: ~/.aws/config was open to other users; now only you can read it (mode 600)\n"
    );
    assert_eq!(std::fs::read_link(&link).unwrap().to_str(), Some("../dotfiles/between"));
    assert!(std::fs::symlink_metadata(world.home().join("dotfiles/between")).unwrap().is_symlink());
    assert_eq!(std::fs::metadata(&target).unwrap().permissions().mode() & 0o7777, 0o600);
    assert!(std::fs::read_to_string(&target).unwrap().contains("us-east-1"));
    let beside = std::fs::read_dir(target.parent().unwrap()).unwrap().count();
    assert_eq!(beside, 2, "nothing stays beside a user's file");
}

#[test]
fn our_own_edit_renews_the_consent_to_start_programs() {
    let world = World::new();
    let file = world.home().join("repo-config");
    world.write("repo-config", &format!("{CONFIG}\n[profile c]\nmfa_process = code\n"));
    let path = file.to_str().unwrap();
    let trusted = |world: &World| {
        let text = std::fs::read_to_string(world.home().join(".config/twolock/config.toml")).unwrap_or_default();
        text.contains(&twolock::internals::fingerprint(&file).unwrap())
    };
    let edit = |region: &str| {
        let mut command = world.twolock(["profile", "set", "prod", "region", region, "--yes"]);
        let ran = world.finish(command.env("AWS_CONFIG_FILE", path));
        assert_eq!(ran.code, 0, "{ran:?}");
    };
    edit("us-east-1");
    assert!(!trusted(&world), "no consent comes from an edit");
    world.run(["settings", "trust", path, "--yes"]);
    assert!(trusted(&world));
    edit("us-west-2");
    assert!(trusted(&world));
    world.write("repo-config", "[profile prod]\nmfa_process = evil\n");
    edit("us-east-1");
    assert!(!trusted(&world), "somebody else's change is not covered");
}

#[test]
fn an_edit_after_which_a_tool_no_longer_calls_twolock_says_so() {
    let world = World::new();
    assert_eq!(world.run(["profile", "adopt", "base", "--yes"]).code, 0);
    for (args, note) in [
        (
            &["set", "prod", "source_profile", "base"][..],
            "note: after this, 'prod' (Go v2): an error: source_profile without role_arn (~/.aws/config:",
        ),
        (
            &["set", "prod", "credential_process", "/nowhere/twolock credential-process --profile prod"],
            "an error: cannot start the credential_process: '/nowhere/twolock' does not exist",
        ),
        (&["unset", "prod", "credential_process"], "note: after this, 'prod' (AWS CLI, boto3 and SDKs"),
        (
            &["unset", "prod", "twolock_source_profile"],
            "twolock cannot get credentials for 'prod': has a role_arn but no",
        ),
    ] {
        let ran = world.finish(world.twolock(["profile"]).args(args).arg("--dry-run"));
        assert!(ran.code == 0 && ran.stdout.contains(note), "{args:?}: {ran:?}");
    }
    let ran = world.run(["profile", "set", "prod", "output", "json", "--dry-run"]);
    assert!(!ran.stdout.contains("note:"), "{ran:?}");
    let ran = world.run(["profile", "unset", "base", "mfa_serial", "--dry-run"]);
    assert!(ran.stdout.contains("note: after this, new sessions of 'base' have no MFA\n"), "{ran:?}");
    let ran = world.run(["profile", "set", "base", "mfa_serial", "AKIAIOSFODNN7EXAMPLE"]);
    assert!(ran.code == 2 && ran.stderr.contains("is an access key id, not an MFA device"), "{ran:?}");
    assert_eq!(world.run(["profile", "release", "base", "--yes"]).code, 0);
    let ran = world.run(["profile", "release", "prod", "--dry-run"]);
    assert!(
        ran.stdout.contains("'prod' has no mfa_serial, so the AWS CLI and SDKs will use it WITHOUT MFA"),
        "{ran:?}"
    );
}

#[test]
fn the_last_copy_of_a_key_is_named_and_one_of_several_is_not() {
    let world = World::new();
    let says = |world: &World, args: &[&str]| {
        let ran = world.finish(world.twolock(["profile"]).args(args).arg("--dry-run"));
        ran.stdout.contains("the last copy of access key AKIAIOSFODNN7EXAMPLE")
    };
    let secret = ["unset", "base", "aws_secret_access_key"];
    assert!(says(&world, &secret) && says(&world, &["unset", "base", "AWS_ACCESS_KEY_ID"]));
    assert!(!says(&world, &["unset", "base", "region"]) && !says(&world, &["remove", "prod"]));
    world.write(".aws/credentials", &format!("{CREDENTIALS}{}", CREDENTIALS.replace("[base]", "[copy]")));
    assert!(!says(&world, &secret) && !says(&world, &["remove", "base"]));
    world.write(".aws/credentials", CREDENTIALS);
    world
        .write(".local/share/twolock/keys.json", r#"{"v":1,"keys":{"base":{"access_key_id":"AKIAIOSFODNN7EXAMPLE"}}}"#);
    assert!(!says(&world, &["remove", "base"]), "the keyring has it");
}

#[test]
fn what_stays_in_the_keyring_is_removed_by_the_command_that_is_named() {
    let world = World::new();
    let desktop = Desktop::unlocked(&world);
    let ran = desktop.run_twolock(&["profile", "remove", "base", "--yes"]);
    let line = ran.stdout.lines().find(|line| line.contains("stays in the keyring")).unwrap();
    let (note, command) = line.split_once(" remove it: twolock ").unwrap();
    assert_eq!(note, "note: its key AKIAIOSFODNN7EXAMPLE stays in the keyring; to");
    assert_eq!(command, "key remove AKIAIOSFODNN7EXAMPLE");
    let words: Vec<&str> = command.split(' ').chain(["--yes"]).collect();
    assert_ne!(desktop.planted(), "");
    assert_eq!(desktop.run_twolock(&words).code, 0);
    assert_eq!(desktop.planted(), "");
}

#[test]
fn a_key_that_another_profile_uses_stays_for_it() {
    let world = World::new();
    world.write(".aws/credentials", "");
    let key = r#"{"access_key_id":"AKIAIOSFODNN7EXAMPLE"}"#;
    world.write(".local/share/twolock/keys.json", &format!(r#"{{"v":1,"keys":{{"base":{key},"copy":{key}}}}}"#));
    let ran = world.run(["profile", "remove", "base", "--dry-run"]);
    let said = "its key AKIAIOSFODNN7EXAMPLE stays in the keyring, because profile 'copy' uses it too\n";
    assert!(ran.stdout.contains(said), "{ran:?}");
}

#[test]
fn tabs_of_the_file_are_tabs_of_the_diff() {
    let world = World::new();
    world.write(".aws/config", "[profile prod]\n\tregion\t= eu-west-1\n");
    world.run(["profile", "unset", "prod", "region", "--dry-run"]).is(
        0,
        "~/.aws/config\n  [profile prod]\n- \tregion\t= eu-west-1\n",
        "",
    );
}

#[test]
fn waiting_for_another_change_names_the_process() {
    let world = World::new();
    let directory = world.home().join(".local/share/twolock");
    std::fs::create_dir_all(&directory).unwrap();
    std::fs::set_permissions(&directory, std::fs::Permissions::from_mode(0o700)).unwrap();
    let held = FileLock::try_acquire(&directory.join("changes.lock")).unwrap();
    let mut command = world.twolock(["profile", "rename", "prod", "production", "--yes"]);
    let mut running = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let mut note = String::new();
    BufReader::new(running.stderr.take().unwrap()).read_line(&mut note).unwrap();
    let holder = format!("another twolock (pid {})", std::process::id());
    assert_eq!(note, format!("twolock: note: waiting for {holder}, which is making a change\n"));
    drop(held);
    assert!(running.wait().unwrap().success());
}
