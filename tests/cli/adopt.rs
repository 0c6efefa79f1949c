use super::profile_edit::{config_of, credentials_of};
use crate::world::desktop::{Desktop, item};
use crate::world::{ADMIN, CONFIG, CREDENTIALS, DEVICE, KEY_ID, Ran, SECRET, World};

/// A symlink to the binary on the test's PATH, so that the line does not contain the build directory.
fn run(world: &World, args: &[&str]) -> Ran {
    let ran = world.finish(world.twolock(["profile"]).args(args));
    let bin = std::path::Path::new(env!("CARGO_BIN_EXE_twolock")).to_str().unwrap();
    Ran { stdout: ran.stdout.replace(bin, "/bin/twolock"), stderr: ran.stderr.replace(bin, "/bin/twolock"), ..ran }
}

fn adopted(world: &World) -> String {
    config_of(world).replace(env!("CARGO_BIN_EXE_twolock"), "/bin/twolock")
}

const ROLES: &str = "\
\x20 [profile prod]
- role_arn = arn:aws:iam::123456789012:role/Admin
+ twolock_role_arn = arn:aws:iam::123456789012:role/Admin
- source_profile = base
+ twolock_source_profile = base
+ credential_process = /bin/twolock credential-process --profile prod
  [profile deploy]
- role_arn = arn:aws:iam::444455556666:role/Deploy
+ twolock_role_arn = arn:aws:iam::444455556666:role/Deploy
- source_profile = base
+ twolock_source_profile = base
+ credential_process = /bin/twolock credential-process --profile deploy
  [profile long]
- role_arn = arn:aws:iam::123456789012:role/Admin
+ twolock_role_arn = arn:aws:iam::123456789012:role/Admin
- source_profile = base
+ twolock_source_profile = base
+ credential_process = /bin/twolock credential-process --profile long
";

#[test]
fn on_a_narrow_terminal_notes_are_broken_and_the_lines_of_the_diff_stay_as_they_are() {
    let world = World::new();
    let adopt = ["profile", "adopt", "base", "--dry-run"];
    let wide = run(&world, &adopt[1..]).stdout;
    let is_diff = |line: &&str| ["+ ", "- ", "~/", "  ["].iter().any(|start| line.starts_with(start));
    for columns in [40, 60, 80] {
        let mut command = world.twolock(adopt);
        let shown = world.finish(command.env("COLUMNS", columns.to_string())).stdout;
        let diff = |text: &str| text.lines().filter(is_diff).map(String::from).collect::<Vec<_>>();
        assert_eq!(diff(&shown).len(), diff(&wide).len(), "{shown}");
        let (note, whole) = (&shown[shown.find("note: ").unwrap()..], &wide[wide.find("note: ").unwrap()..]);
        assert!(note.lines().all(|line| line.len() <= columns), "{note}");
        assert_eq!(note.split_whitespace().collect::<Vec<_>>(), whole.split_whitespace().collect::<Vec<_>>());
    }
}

#[test]
fn without_a_keyring_the_key_moves_to_its_own_profile_and_roles_are_adopted_too() {
    let world = World::new();
    let diff = format!(
        "~/.aws/credentials\n+ [base-keys]\n+ aws_access_key_id = {KEY_ID}\n+ aws_secret_access_key = ***\n\
         ~/.aws/config\n  [profile base]\n+ twolock_source_profile = base-keys\n\
         + credential_process = /bin/twolock credential-process --profile base\n{ROLES}\
         ~/.aws/credentials\n- [base]\n- aws_access_key_id = {KEY_ID}\n- aws_secret_access_key = ***\n\
         note: access key {KEY_ID} of 'base' moves to 'base-keys' of ~/.aws/credentials: no persistent keyring is available\n"
    );
    run(&world, &["adopt", "base", "--dry-run"]).is(0, &diff, "");
    assert_eq!((config_of(&world), credentials_of(&world)), (CONFIG.into(), CREDENTIALS.into()));
    let done = "adopted base, prod, deploy, long; try: aws --profile base sts get-caller-identity\n";
    run(&world, &["adopt", "base", "--yes"]).is(0, &(diff + done), "");
    assert_eq!(credentials_of(&world), CREDENTIALS.replace("[base]", "[base-keys]"));
    assert_eq!(world.sandbox.count("GetCallerIdentity"), 1);
    let again = run(&world, &["adopt", "base", "--yes"]);
    again.is(
        0,
        &format!(
            "note: access key {KEY_ID} of 'base' stays in 'base-keys': no persistent keyring is available\nnothing to change\n"
        ),
        "",
    );
    world.log_in("prod");
}

#[test]
fn the_key_is_stored_and_verified_before_the_file_loses_it() {
    let world = World::new();
    let desktop = Desktop::empty(&world);
    let ran = desktop.run_twolock(&["profile", "adopt", "base", "--yes"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(
        ran.stdout.contains(&format!("note: access key {KEY_ID} of 'base' moves to the Secret Service\n")),
        "{ran:?}"
    );
    assert_eq!(desktop.planted(), item());
    assert_eq!(credentials_of(&world), "");
    let index = std::fs::read_to_string(world.home().join(".local/share/twolock/keys.json")).unwrap();
    let json: serde_json::Value = serde_json::from_str(&index).unwrap();
    assert_eq!(json["keys"]["base"]["access_key_id"], KEY_ID);
    assert_eq!(json["keys"]["base"]["account"], "123456789012");
    assert_eq!(world.sandbox.count("GetCallerIdentity"), 1);
    let mut login = desktop.twolock(&["login", "prod"]);
    assert_eq!(world.finish(login.env("TWOLOCK_MFA_CODE", world.code())).code, 0);
    desktop.run_twolock(&["profile", "adopt", "base", "--yes"]).is(0, "nothing to change\n", "");
}

#[test]
fn the_day_on_which_a_key_was_first_added_is_recorded_and_stays() {
    let world = World::new();
    let desktop = Desktop::empty(&world);
    let age = || world.run(["status", "--json"]).json()["keys"][0]["age"].clone();
    let adopt = || assert_eq!(desktop.run_twolock(&["profile", "adopt", "base", "--yes"]).code, 0);
    adopt();
    assert_eq!(age(), "added today");
    let index = std::fs::read_to_string(world.home().join(".local/share/twolock/keys.json")).unwrap();
    let json: serde_json::Value = serde_json::from_str(&index).unwrap();
    let today = json["keys"]["base"]["added"].as_str().unwrap();
    let earlier = format!("{}-01-02T03:04:05Z", &today[..4].parse::<u32>().unwrap() - 1);
    world.write(".local/share/twolock/keys.json", &index.replace(today, &earlier));
    let days = age();
    assert!(days.as_str().unwrap().starts_with("at least "), "{days}");
    assert_eq!(desktop.run_twolock(&["profile", "release", "base", "--restore-key", "--yes"]).code, 0);
    adopt();
    assert_eq!(age(), days, "also after it was given back and adopted again");
}

#[test]
fn a_key_that_aws_refuses_stays_where_it_is_and_leaves_nothing_in_the_keyring() {
    let world = World::new();
    let desktop = Desktop::empty(&world);
    world.write(".aws/credentials", &CREDENTIALS.replace("CANARYKEY000", "CANARYKEY111"));
    let ran = desktop.run_twolock(&["profile", "adopt", "base", "--yes"]);
    assert_eq!(ran.code, 4, "{ran:?}");
    assert!(ran.stderr.starts_with("twolock: error: profile 'base': "), "{ran:?}");
    assert_eq!(desktop.planted(), "");
    assert_eq!(config_of(&world), CONFIG);
    assert!(credentials_of(&world).contains(KEY_ID));
    let index = std::fs::read_to_string(world.home().join(".local/share/twolock/keys.json")).unwrap_or_default();
    assert!(!index.contains(KEY_ID), "{index}");
}

#[test]
fn without_a_network_nothing_moves() {
    let world = World::new();
    world.write(".aws/config", &CONFIG.replace("{url}", "http://127.0.0.1:1"));
    let before = config_of(&world);
    let ran = run(&world, &["adopt", "base", "--yes"]);
    assert_eq!(ran.code, 6, "{ran:?}");
    assert_eq!((config_of(&world), credentials_of(&world)), (before, CREDENTIALS.into()));
}

#[test]
fn a_locked_keyring_is_reported_and_the_key_stays_in_the_file() {
    let world = World::new();
    let desktop = Desktop::empty(&world);
    desktop.lock();
    let dry = desktop.run_twolock(&["profile", "adopt", "base", "--dry-run"]);
    assert!(dry.code == 0 && dry.stdout.contains("moves to the Secret Service"), "{dry:?}");
    let ran = desktop.run_twolock(&["profile", "adopt", "base", "--yes"]);
    assert_eq!(ran.code, 5, "{ran:?}");
    assert!(ran.stderr.contains(&format!("access key {KEY_ID}: the Secret Service ")), "{ran:?}");
    assert_eq!((config_of(&world), credentials_of(&world)), (CONFIG.into(), CREDENTIALS.into()));
}

#[test]
fn an_item_of_that_key_id_with_another_secret_is_never_overwritten() {
    let world = World::new();
    let desktop = Desktop::empty(&world);
    let other = item().replace(SECRET, "another");
    desktop.plant(&other, &[]);
    let ran = desktop.run_twolock(&["profile", "adopt", "base", "--yes"]);
    assert_eq!(ran.code, 5, "{ran:?}");
    assert!(
        ran.stderr.contains("already has this key id with another secret\ntwolock: hint: a key has only"),
        "{ran:?}"
    );
    assert_eq!(desktop.planted(), other);
    assert_eq!((config_of(&world), credentials_of(&world)), (CONFIG.into(), CREDENTIALS.into()));
}

#[test]
fn releasing_roles_restores_every_byte() {
    let world = World::new();
    let odd = CONFIG
        .replace("role_arn = arn:aws:iam::444455556666:role/Deploy", "Role_Arn=arn:aws:iam::444455556666:role/Deploy");
    world.write(".aws/config", odd.trim_end());
    let before = config_of(&world);
    assert_eq!(run(&world, &["adopt", "--all", "--yes"]).code, 0);
    for name in ["prod", "deploy", "long"] {
        let ran = run(&world, &["release", name, "--yes"]);
        assert!(ran.code == 0 && ran.stdout.ends_with(&format!("released {name}\n")), "{ran:?}");
    }
    let ran = run(&world, &["release", "base", "--restore-key", "--yes"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_eq!((config_of(&world), credentials_of(&world)), (before, CREDENTIALS.into()));
}

#[test]
fn a_released_key_stays_in_the_keyring_until_it_is_written_back() {
    let world = World::new();
    let desktop = Desktop::empty(&world);
    assert_eq!(desktop.run_twolock(&["profile", "adopt", "base", "--yes", "--only"]).code, 0);
    let ran = desktop.run_twolock(&["profile", "release", "base", "--yes"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(ran.stdout.contains("its access key AKIAIOSFODNN7EXAMPLE stays in the keyring"), "{ran:?}");
    assert!(
        ran.stdout.contains(
            "note: after this, 'base' (AWS CLI, boto3 and SDKs (Go, JavaScript, Java, Rust)): no credentials\n"
        ),
        "{ran:?}"
    );
    assert!(ran.stdout.contains("note: after this, 'prod' ("), "those that stood on it are told: {ran:?}");
    assert_eq!((config_of(&world), credentials_of(&world)), (CONFIG.into(), String::new()));
    let ran = desktop.run_twolock(&["profile", "release", "base", "--restore-key", "--yes"]);
    assert!(ran.code == 0 && !ran.stdout.contains(SECRET), "{ran:?}");
    assert_eq!((config_of(&world), credentials_of(&world)), (CONFIG.into(), CREDENTIALS.into()));
    assert_eq!(desktop.planted(), item());
    let again = desktop.run_twolock(&["profile", "adopt", "base", "--yes", "--only"]);
    assert_eq!((again.code, credentials_of(&world)), (0, String::new()), "{again:?}");
}

#[test]
fn only_notes_which_callers_break() {
    let world = World::new();
    let config = CONFIG.replace(
        "source_profile = base\nregion = eu-west-1",
        &format!("source_profile = base\nmfa_serial = {DEVICE}\nregion = eu-west-1"),
    );
    world.write(".aws/config", &config);
    let ran = run(&world, &["adopt", "base", "--only", "--dry-run"]);
    for line in [
        "note: after this, 'prod' (AWS CLI and boto3): ",
        "note: after this, 'prod' (Go v2, JavaScript v3): an error: ",
    ] {
        assert!(ran.stdout.contains(line), "{line}: {ran:?}");
    }
    assert!(
        !ran.stdout.contains("Java v2"),
        "where the session below has MFA, ignoring mfa_serial does no harm: {ran:?}"
    );
    assert!(!ran.stdout.contains("'deploy' ("), "what uses twolock through its source is not broken: {ran:?}");
    let line = "note: to let SDKs assume 'prod' from the adopted source: twolock profile unset prod mfa_serial\n";
    assert_eq!(ran.stdout.matches("mfa_serial\n").count(), 1, "only of the role that keeps its device: {ran:?}");
    assert!(ran.stdout.contains(line), "{ran:?}");
}

#[test]
fn a_key_without_a_device_gets_the_device_of_its_roles() {
    let world = World::new();
    let config = CONFIG.replacen(&format!("mfa_serial = {DEVICE}\n"), "", 1).replace(
        "source_profile = base\nregion = eu-west-1",
        &format!("source_profile = base\nmfa_serial = {DEVICE}\nregion = eu-west-1"),
    );
    world.write(".aws/config", &config);
    let ran = run(&world, &["adopt", "base", "--dry-run"]);
    assert!(ran.stdout.contains(&format!("+ mfa_serial = {DEVICE}\n")), "{ran:?}");
    assert!(ran.stdout.contains("note: 'base' gets the mfa_serial of the roles that use its key\n"), "{ran:?}");
    assert!(ran.stdout.contains("note: 'deploy' will also ask for a code, like the profile with its key\n"), "{ran:?}");
    world.write(".aws/config", "[profile base]\nendpoint_url = {url}\n");
    run(&world, &["adopt", "base", "--yes"]).is(
        3,
        "",
        "twolock: error: profile 'base' (~/.aws/config:1): has no mfa_serial: its sessions would have no MFA, and IAM would reject them\n\
         twolock: hint: to choose one of the user's devices: twolock login base\n",
    );
}

#[test]
fn a_profile_that_cannot_be_adopted_is_refused_with_the_reason() {
    let world = World::new();
    let device = format!("mfa_serial = {DEVICE}\n");
    for (config, credentials, cause) in [
        ("[profile p]\nsso_session = s\n", "", "there is no [sso-session s]"),
        ("[profile p]\nsso_region = eu-west-1\ntwolock_source_profile = base\n", CREDENTIALS, "an SSO profile"),
        (
            "[profile p]\ncredential_process = other\ntwolock_source_profile = base\n",
            CREDENTIALS,
            "runs another program",
        ),
        (
            "[profile p]\ncredential_process = twolock credential-process base\ntwolock_source_profile = base\n",
            CREDENTIALS,
            "already runs twolock for another profile",
        ),
        ("[profile p]\nlogin_session = x\ntwolock_source_profile = base\n", CREDENTIALS, "aws login"),
        (
            "[profile p]\nrole_arn = arn:aws:iam::123456789012:role/Admin\nsource_profile = base\n[profile base]\n",
            "[base]\naws_access_key_id = AKIAIOSFODNN7EXAMPLE\naws_secret_access_key = x\n[p]\naws_access_key_id = AKIAIOSFODNN7EXAMPLE\naws_secret_access_key = x\n",
            "is set beside a role",
        ),
        (
            "[profile p]\nrole_arn = arn:aws:iam::123456789012:role/Admin\ntwolock_role_arn = arn:aws:iam::123456789012:role/Admin\nsource_profile = base\n",
            CREDENTIALS,
            "and twolock_role_arn",
        ),
        (
            "[profile p]\naws_access_key_id = AKIAOTHEROTHEROTHER1\naws_secret_access_key = x\n",
            "[p]\naws_access_key_id = AKIAIOSFODNN7EXAMPLE\naws_secret_access_key = x\n",
            "differs from the one",
        ),
        (
            "[profile p]\n",
            "[p]\naws_access_key_id = ASIAIOSFODNN7EXAMPLE\naws_secret_access_key = x\naws_session_token = t\n",
            "temporary",
        ),
        (
            "[profile p]\nsource_profile = base\n",
            "[p]\naws_access_key_id = AKIAIOSFODNN7EXAMPLE\naws_secret_access_key = x\n",
            "source_profile 'base' is set but role_arn is missing",
        ),
        ("", "", "not found in "),
    ] {
        let config = config.replace(
            "[profile p]\n",
            &format!("[profile p]\n{}", if config.contains("mfa_serial") { "" } else { &device }),
        );
        world.write(".aws/config", &config);
        world.write(".aws/credentials", credentials);
        let ran = run(&world, &["adopt", "p", "--yes"]);
        assert!(ran.code == 3 && ran.stdout.is_empty(), "{config}: {ran:?}");
        assert!(
            ran.stderr.starts_with("twolock: error: profile 'p'") && ran.stderr.contains(cause),
            "{config}: {ran:?}"
        );
        assert_eq!((config_of(&world), credentials_of(&world)), (config, credentials.to_string()));
    }
}

#[test]
fn a_name_that_cmd_or_a_word_splitter_splits_is_refused() {
    let world = World::new();
    for (name, part) in [("a%b", "cmd.exe expands it"), ("a b", "can contain A-Z"), ("-x", "can contain A-Z")] {
        world
            .write(".aws/config", &format!("[profile {name}]\nmfa_serial = {DEVICE}\ntwolock_source_profile = base\n"));
        let ran = run(&world, &["adopt", "--yes", &format!("--profile={name}")]);
        assert!(ran.code == 3 && ran.stderr.contains(part), "{name}: {ran:?}");
    }
}

#[test]
fn a_run_killed_between_two_files_is_finished_by_the_next() {
    let world = World::new();
    assert_eq!(run(&world, &["adopt", "base", "--yes"]).code, 0);
    let (config, credentials) = (config_of(&world), credentials_of(&world));
    // the key is under both names; the config file has the new lines or not yet
    for there in [CONFIG, config.as_str()] {
        world.write(".aws/config", there);
        world.write(".aws/credentials", &format!("{CREDENTIALS}\n{credentials}"));
        let ran = run(&world, &["adopt", "base", "--yes"]);
        assert_eq!(ran.code, 0, "{ran:?}");
        assert_eq!((config_of(&world), credentials_of(&world)), (config.clone(), credentials.clone()));
    }
}

#[test]
fn a_profile_only_in_the_credentials_file_gets_a_config_section_until_released() {
    let world = World::new();
    let credentials = format!(
        "{CREDENTIALS}[p]\nregion = eu-west-1\nendpoint_url = {}\nmfa_serial = {DEVICE}\ntwolock_source_profile = base\n",
        world.sandbox.url()
    );
    world.write(".aws/credentials", &credentials);
    assert_eq!(run(&world, &["adopt", "p", "--yes"]).code, 0);
    assert!(
        adopted(&world)
            .ends_with("\n\n[profile p]\ncredential_process = /bin/twolock credential-process --profile p\n")
    );
    assert_eq!(run(&world, &["release", "p", "--yes"]).code, 0);
    assert_eq!((config_of(&world), credentials_of(&world)), (CONFIG.into(), credentials));
}

#[test]
fn with_a_new_keyring_the_key_moves_there_from_its_own_profile() {
    let world = World::new();
    assert_eq!(run(&world, &["adopt", "base", "--yes"]).code, 0);
    let desktop = Desktop::empty(&world);
    let ran = desktop.run_twolock(&["profile", "adopt", "base", "--yes"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_eq!((desktop.planted(), credentials_of(&world)), (item(), String::new()));
    assert!(!adopted(&world).contains("base-keys"));
}

#[test]
fn comments_next_to_a_key_stay() {
    let world = World::new();
    let old = "[base]\n# aws_access_key_id = AKIAOLDOLDOLDOLDOLD1\n# aws_secret_access_key = kept for a day\n";
    world.write(".aws/credentials", &CREDENTIALS.replace("[base]\n", old));
    assert_eq!(run(&world, &["adopt", "base", "--yes"]).code, 0);
    assert_eq!(credentials_of(&world), format!("{old}\n{}", CREDENTIALS.replace("[base]", "[base-keys]")));
    assert_eq!(run(&world, &["release", "base", "--restore-key", "--yes"]).code, 0);
    assert_eq!(credentials_of(&world), format!("{CREDENTIALS}{}", old.trim_start_matches("[base]\n")));
}

#[test]
fn an_indented_comment_that_would_get_another_meaning_is_named_with_its_line() {
    let world = World::new();
    let text = CREDENTIALS.replace("aws_secret", "  # of the team\naws_secret");
    world.write(".aws/credentials", &text);
    run(&world, &["adopt", "base", "--yes"]).is(
        3,
        "",
        "twolock: error: ~/.aws/credentials:3: this change would turn this line into an indented comment below a header: \
         the whole file is rejected by Java, Rust\ntwolock: hint: move or remove this line, then run this again\n",
    );
    assert_eq!(credentials_of(&world), text);
}

#[test]
fn a_key_that_other_profiles_use_stays_for_them() {
    let world = World::new();
    assert_eq!(run(&world, &["adopt", "base", "--yes"]).code, 0);
    world.add_config(&format!(
        "[profile other]\nmfa_serial = {DEVICE}\nsource_profile = base-keys\nrole_arn = {ADMIN}\n"
    ));
    let before = (config_of(&world), credentials_of(&world));
    let ran = run(&world, &["release", "base", "--restore-key", "--yes"]);
    assert_eq!(ran.code, 3, "{ran:?}");
    assert!(ran.stderr.contains("uses the key of 'base-keys', which will be removed"), "{ran:?}");
    assert!(ran.stderr.ends_with("twolock: hint: twolock profile set other source_profile base\n"), "{ran:?}");
    assert_eq!((config_of(&world), credentials_of(&world)), before);
    assert_eq!(run(&world, &["set", "other", "source_profile", "base", "--yes"]).code, 0);
    assert_eq!(run(&world, &["release", "base", "--restore-key", "--yes"]).code, 0);
}

#[test]
fn a_setting_added_next_to_the_key_in_the_meantime_stays() {
    let world = World::new();
    let desktop = Desktop::empty(&world);
    let mut terminal = desktop.on_terminal(&["profile", "adopt", "base"]);
    terminal.sees("adopt? [y/N] ");
    world.write(".aws/credentials", &format!("{CREDENTIALS}region = eu-west-1\n"));
    terminal.types("y\n");
    assert_eq!(terminal.end().code, 0);
    assert_eq!((desktop.planted(), credentials_of(&world)), (item(), "[base]\nregion = eu-west-1\n".into()));
}

#[test]
fn a_key_rotated_during_the_question_is_neither_overwritten_nor_removed() {
    let other = CREDENTIALS.replace(KEY_ID, "AKIAOTHEROTHEROTHER1").replace(SECRET, "another");
    let beside = |text: &str| text.replace("[base]", "[base-keys]");
    let adopt: &[&str] = &["profile", "adopt", "base"];
    let release: &[&str] = &["profile", "release", "base", "--restore-key"];
    for (args, is_adopted, meanwhile) in [
        (adopt, false, other.clone()),
        (adopt, false, format!("{CREDENTIALS}{}", beside(&other))),
        (release, true, beside(&other)),
        (release, true, format!("{other}{}", beside(CREDENTIALS))),
    ] {
        let world = World::new();
        if is_adopted {
            assert_eq!(run(&world, &["adopt", "base", "--yes"]).code, 0);
        }
        let config = config_of(&world);
        let mut terminal = world.on_terminal(args);
        terminal.sees("[y/N] ");
        world.write(".aws/credentials", &meanwhile);
        terminal.types("y\n");
        let ran = terminal.end();
        assert!(ran.code == 7 && ran.stderr.contains("run this again"), "{meanwhile}: {ran:?}");
        assert_eq!((config_of(&world), credentials_of(&world)), (config, meanwhile));
    }
}

#[test]
fn a_consent_that_cannot_be_renewed_does_not_remove_the_key_from_the_keyring() {
    let world = World::new();
    let desktop = Desktop::empty(&world);
    world.write("work/config", CONFIG);
    let file = world.home().join("work/config");
    let run = |args: &[&str]| world.finish(desktop.twolock(args).env("AWS_CONFIG_FILE", &file));
    assert_eq!(run(&["settings", "trust", "--yes", file.to_str().unwrap()]).code, 0);
    let ours = world.home().join(".config/twolock/config.toml");
    std::fs::hard_link(&ours, world.home().join("its second name")).unwrap();
    let ran = run(&["profile", "adopt", "base", "--yes"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    let warning = "twolock: warning: ~/work/config has changed and is no longer trusted (will not edit ~/.config/twolock/config.toml:";
    assert!(ran.stderr.starts_with(warning), "{ran:?}");
    assert!(ran.stderr.ends_with("twolock settings trust HOME/work/config\n"), "{ran:?}");
    assert_eq!((desktop.planted(), credentials_of(&world)), (item(), String::new()));
}

#[test]
fn on_a_terminal_the_diff_is_shown_and_no_secret_is() {
    let world = World::new();
    let desktop = Desktop::empty(&world);
    let mut terminal = desktop.on_terminal(&["profile", "adopt", "base"]);
    terminal.sees("- aws_secret_access_key = ***");
    terminal.sees("adopt? [y/N] ");
    assert!(!terminal.shown().contains(SECRET));
    terminal.types("n\n");
    terminal.end().is(9, "", "twolock: error: cancelled; nothing was changed\n");
    assert_eq!((desktop.planted(), credentials_of(&world)), (String::new(), CREDENTIALS.into()));
}

#[test]
fn releasing_a_profile_that_is_not_adopted_is_refused() {
    let world = World::new();
    run(&world, &["release", "base", "--yes"]).is(
        3,
        "",
        "twolock: error: profile 'base' (~/.aws/config:1): is not adopted: there is nothing to undo\n",
    );
    let ran = run(&world, &["release", "base", "--restore-key", "--yes"]);
    assert!(ran.code == 3 && ran.stderr.contains("has an access key in the AWS files"), "{ran:?}");
}

/// P13: a word splitter (boto3, the AWS CLI) and `sh -c` (the other SDKs) give the same argv.
#[test]
fn the_line_names_a_symlink_and_word_splitters_and_shells_split_it_alike() {
    let world = World::new();
    let real = world.home().join("opt/twolock-1.2.3/twolock");
    let link = world.home().join("bin/twolock");
    std::fs::create_dir_all(real.parent().unwrap()).unwrap();
    std::fs::create_dir_all(link.parent().unwrap()).unwrap();
    crate::world::copy_runnable(std::path::Path::new(env!("CARGO_BIN_EXE_twolock")), &real);
    std::os::unix::fs::symlink("../opt/twolock-1.2.3/twolock", &link).unwrap();
    let name = "a/b.c@d:e+f_g-h";
    world.write(".aws/config", &format!("[profile {name}]\nmfa_serial = {DEVICE}\ntwolock_source_profile = base\n"));
    let path = format!("{}:/usr/bin:/bin", link.parent().unwrap().display());
    let adopt = |program: &std::path::Path, path: &str| {
        let mut command = world.program(program);
        command.args(["profile", "adopt", name, "--yes"]).env("PATH", path);
        crate::world::without_terminal(&mut command);
        world.finish(&mut command)
    };
    let versioned = adopt(&real, "/usr/bin:/bin");
    let note = "note: HOME/opt/twolock-1.2.3/twolock contains a version and may be removed by an upgrade";
    assert!(versioned.code == 0 && versioned.stdout.contains(note), "{versioned:?}");
    let ran = adopt(&real, &path);
    assert!(ran.code == 0 && !ran.stdout.contains("contains a version"), "{ran:?}");
    let config = config_of(&world);
    let line = config.lines().find_map(|line| line.strip_prefix("credential_process = ")).unwrap();
    assert_eq!(line, format!("{} credential-process --profile {name}", link.display()));

    world.write("opt/twolock-1.2.3/twolock", "#!/bin/sh\nprintf '<%s>' \"$0\" \"$@\"\n");
    crate::world::make_runnable(&real);
    let words = |mut command: std::process::Command| {
        let ran = world.finish(&mut command);
        assert_eq!(ran.code, 0, "{ran:?}");
        ran.stdout
    };
    let mut shell = world.program("sh");
    shell.args(["-c", line]);
    let mut splitter = world.program("python3");
    splitter.args(["-c", "import shlex, subprocess, sys; subprocess.run(shlex.split(sys.argv[1]), check=True)", line]);
    let expected = format!("<HOME/bin/twolock><credential-process><--profile><{name}>");
    assert_eq!((words(shell), words(splitter)), (expected.clone(), expected));
}

/// Whatever the name of the binary: the line that adopt writes starts it, and it recognizes its own lines.
#[test]
fn a_renamed_binary_adopts_serves_and_releases() {
    for (file, called, written) in [
        ("opt/twolock-1.2", "opt/twolock-1.2", "opt/twolock-1.2"),
        ("opt/tl2", "opt/tl2", "opt/tl2"),
        ("opt/lock", "bin/tl2", "bin/tl2"),
        ("opt/twolock-1.2", "bin/tl2", "bin/tl2"),
        ("opt/lock", "opt/lock", "bin/twolock"),
    ] {
        let world = World::new();
        let at = |name: &str| world.home().join(name);
        for dir in ["opt", "bin"] {
            std::fs::create_dir(at(dir)).unwrap();
        }
        crate::world::copy_runnable(std::path::Path::new(env!("CARGO_BIN_EXE_twolock")), &at(file));
        if written != file {
            std::os::unix::fs::symlink(at(file), at(written)).unwrap();
        }
        let path = format!("{}:{}:/usr/bin:/bin", at("bin").display(), at("opt").display());
        let run = |program: &str, args: &[&str]| {
            // On PATH, as a user types it.
            let mut command = world.program(std::path::Path::new(program).file_name().unwrap());
            command.args(args).env("PATH", &path).env("TWOLOCK_MFA_CODE", "123456");
            crate::world::without_terminal(&mut command);
            world.finish(&mut command)
        };
        world.log_in("base");
        let before = config_of(&world);
        let ran = run(called, &["profile", "adopt", "base", "--only", "--yes"]);
        assert_eq!(ran.code, 0, "{called}: {ran:?}");
        assert_eq!(ran.stdout.contains("contains a version"), written.contains("1.2"), "{called}: {ran:?}");
        let line = format!("credential_process = {} credential-process --profile base\n", at(written).display());
        assert!(config_of(&world).contains(&line), "{called}: {}", config_of(&world));

        let served = world.finish(world.program(at(written)).args(["credential-process", "--profile", "base"]));
        assert_eq!((served.code, served.stderr.as_str()), (0, ""), "{called}: {served:?}");
        // The binary started by its path recognizes the line as well, because it is the same file.
        for program in [called, file] {
            let adopted = run(program, &["profile", "list", "--json"]).json();
            let adopted = adopted["profiles"].as_array().unwrap().iter().find(|p| p["name"] == "base").unwrap().clone();
            assert_eq!(adopted["adopted"], true, "{program}: {adopted}");
            let checks = run(program, &["doctor", "--json"]);
            let names_program = checks.stdout.contains("credential_process names");
            assert_eq!(names_program, written.contains("1.2"), "{program}: {}", checks.stdout);
        }
        let again = run(called, &["profile", "adopt", "base", "--only", "--yes"]);
        assert_eq!(again.code, 0, "{called}: {again:?}");
        let ran = run(called, &["profile", "release", "base", "--restore-key", "--yes"]);
        assert_eq!((ran.code, config_of(&world)), (0, before), "{called}: {ran:?}");
    }
}

#[test]
fn renaming_a_profile_renames_the_profile_of_its_key() {
    let world = World::new();
    assert_eq!(run(&world, &["adopt", "base", "--yes"]).code, 0);
    assert_eq!(run(&world, &["rename", "base", "me", "--yes"]).code, 0);
    assert_eq!(credentials_of(&world), CREDENTIALS.replace("[base]", "[me-keys]"));
    assert!(adopted(&world).contains(
        "twolock_source_profile = me-keys\ncredential_process = /bin/twolock credential-process --profile me\n"
    ));
    world.log_in("prod");
    let ran = run(&world, &["remove", "me", "--dry-run"]);
    assert!(ran.stdout.contains("note: its key stays in profile 'me-keys'\n"), "{ran:?}");
    assert_eq!(run(&world, &["release", "me", "--restore-key", "--yes"]).code, 0);
    assert_eq!(credentials_of(&world), CREDENTIALS.replace("[base]", "[me]"));
}

#[test]
fn a_program_path_that_everybody_can_change_is_refused() {
    let world = World::new();
    let open = world.home().join("open");
    std::fs::create_dir(&open).unwrap();
    crate::world::copy_runnable(std::path::Path::new(env!("CARGO_BIN_EXE_twolock")), &open.join("twolock"));
    std::fs::set_permissions(&open, std::os::unix::fs::PermissionsExt::from_mode(0o777)).unwrap();
    let mut command = world.program(open.join("twolock"));
    command.args(["profile", "adopt", "base", "--yes"]).env("PATH", &open);
    crate::world::without_terminal(&mut command);
    world.finish(&mut command).is(
        3,
        "",
        "twolock: error: every AWS tool would run HOME/open/twolock, but everybody can change HOME/open\n\
         twolock: hint: install twolock elsewhere, or remove write access for others: chmod o-w HOME/open\n",
    );
    assert_eq!(config_of(&world), CONFIG);
}

#[test]
fn a_profile_whose_endpoint_is_refused_is_not_adopted() {
    let world = World::new();
    world.add_config(
        "[profile evil]\nrole_arn = arn:aws:iam::123456789012:role/Admin\nsource_profile = base\nendpoint_url = https://sts.evil.test\n",
    );
    let ran = run(&world, &["adopt", "evil", "--yes"]);
    assert!(ran.code == 3 && ran.stderr.contains("not an AWS host, and not allowed"), "{ran:?}");
    let ran = run(&world, &["adopt", "base", "--dry-run"]);
    assert!(
        ran.stdout.contains("note: not adopted: profile 'evil'") && !ran.stdout.contains("[profile evil]"),
        "{ran:?}"
    );
}

#[test]
fn releasing_the_source_of_roles_without_a_device_warns_that_they_lose_mfa() {
    let world = World::new();
    let config = CONFIG.replace(
        "source_profile = base\nregion = eu-west-1",
        &format!("source_profile = base\nmfa_serial = {DEVICE}\nregion = eu-west-1"),
    );
    world.write(".aws/config", &config);
    assert_eq!(run(&world, &["adopt", "base", "--only", "--yes"]).code, 0);
    assert_eq!(run(&world, &["unset", "prod", "mfa_serial", "--yes"]).code, 0);
    let ran = run(&world, &["release", "base", "--restore-key", "--dry-run"]);
    let note = "note: 'prod' has no mfa_serial, so the AWS CLI and SDKs will use it WITHOUT MFA; to set it: \
                twolock profile set prod mfa_serial arn:aws:iam::123456789012:mfa/ana\n";
    assert!(ran.stdout.contains(note), "{ran:?}");
}

#[test]
fn a_profile_that_only_stores_a_key_is_not_offered() {
    let world = World::new();
    assert_eq!(run(&world, &["adopt", "base", "--yes"]).code, 0);
    let ran = world.run(["complete", "--", "env", "="]);
    assert_eq!((ran.code, ran.stdout.as_str()), (0, "base\nprod\ndeploy\nlong\n"));
    let ran = world.finish(&mut world.twolock::<&str>([]));
    assert!(!ran.stdout.contains("env base-keys"), "{ran:?}");
}
