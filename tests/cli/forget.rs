//! `forget --everything`: afterwards the machine is as if twolock had never been there, and it says what it cannot reach.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use super::profile_edit::{config_of, credentials_of};
use super::rotate::RECORD;
use super::rotate_resumed::{NEW, planted};
use crate::world::desktop::Desktop;
use crate::world::{CONFIG, CREDENTIALS, DEVICE, KEY_ID, Ran, SECRET, World, without_terminal};

const FORGET: [&str; 3] = ["forget", "--everything", "--yes"];
const NOTHING: &str = "nothing to forget\n";

const NOT_REACHED: &str = "\
forgot everything
not removed: access key AKIAIOSFODNN7EXAMPLE at AWS; to delete it: aws iam delete-access-key --access-key-id \
AKIAIOSFODNN7EXAMPLE (or in the console: IAM > Users > Security credentials)
not removed: MFA device arn:aws:iam::123456789012:mfa/ana at AWS, which stays enabled, and its entry in your app
not removed: credentials that programs already have: AWS";

fn forget(world: &World) -> Ran {
    world.run(FORGET)
}

/// Every file below the home, but for the two AWS files and what a desktop session leaves.
fn files_of(world: &World) -> Vec<String> {
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
    let below = |path: PathBuf| path.strip_prefix(world.home()).unwrap().display().to_string();
    let mut found: Vec<String> = found.into_iter().map(below).filter(|path| path.contains("twolock")).collect();
    found.sort();
    found
}

/// Adopts everything, starts sessions, uses and sets what there is.
fn use_everything(world: &World, run: &dyn Fn(&[&str]) -> Ran) {
    let code = |command: Ran| assert_eq!(command.code, 0, "{command:?}");
    code(run(&["profile", "adopt", "--all", "--yes"]));
    code(run(&["settings", "set", "session_duration", "8h"]));
    code(run(&["settings", "set", "aliases.p", "prod"]));
    code(run(&["profile", "set", "base", "twolock_session_duration", "4h", "--yes"]));
    code(run(&["login", "prod"]));
    code(run(&["env", "prod"]));
    assert!(!files_of(world).is_empty());
}

#[test]
fn everything_is_as_if_twolock_had_never_been_there() {
    let world = World::new();
    let code = world.code();
    use_everything(&world, &|args| world.finish(world.twolock(args).env("TWOLOCK_MFA_CODE", &code)));
    assert!(config_of(&world).contains("twolock_source_profile") && credentials_of(&world).contains("[base-keys]"));
    let before = (config_of(&world), files_of(&world));
    let plan = world.run(["forget", "--everything", "--dry-run"]);
    assert_eq!((plan.code, plan.stderr.as_str()), (0, ""), "{plan:?}");
    assert!(
        plan.stdout.contains("\nnote: 2 session files are deleted\nnote: the key that encrypts sessions is deleted\n")
    );
    assert_eq!((config_of(&world), files_of(&world)), before);
    let without_mfa =
        format!("note: access key {KEY_ID} is in 'base' again, so the AWS CLI and SDKs will use it WITHOUT MFA\n");
    assert!(plan.stdout.contains(&without_mfa), "{plan:?}");
    let ran = forget(&world);
    let (said, until) = ran.stdout.split_once(" accepts them until ").unwrap();
    assert!(said.ends_with(NOT_REACHED) && until.len() == 21, "{ran:?}");
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""), "{ran:?}");
    assert_eq!((config_of(&world), credentials_of(&world)), (CONFIG.into(), CREDENTIALS.into()));
    assert_eq!(files_of(&world), Vec::<String>::new());
    forget(&world).is(0, NOTHING, "");
    assert_eq!(files_of(&world), Vec::<String>::new(), "looking makes nothing");
}

#[test]
fn a_key_of_the_keyring_is_deleted_and_named() {
    let world = World::new();
    let desktop = Desktop::empty(&world);
    let code = world.code();
    use_everything(&world, &|args| world.finish(desktop.twolock(args).env("TWOLOCK_MFA_CODE", &code)));
    let ran = desktop.run_twolock(&FORGET);
    let line = format!(
        "note: access key {KEY_ID} of 'base' is deleted from the keyring and stays active at AWS; this may be its last \
         copy; to keep it, run first: twolock profile release base --restore-key\n"
    );
    assert!(ran.stdout.contains(&line) && ran.stdout.contains(NOT_REACHED), "{ran:?}");
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""), "{ran:?}");
    assert_eq!((config_of(&world), credentials_of(&world), desktop.planted()), (CONFIG.into(), "".into(), "".into()));
    assert_eq!(files_of(&world), Vec::<String>::new());
    assert_eq!(desktop.run("secret-tool", &["search", "--all", "service", "twolock"], ""), "");
}

#[test]
fn a_key_that_was_written_back_first_is_kept_in_the_file() {
    let world = World::new();
    let desktop = Desktop::empty(&world);
    assert_eq!(desktop.run_twolock(&["profile", "adopt", "base", "--only", "--yes"]).code, 0);
    let ran = desktop.run_twolock(&["profile", "release", "base", "--restore-key", "--yes"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    let ran = desktop.run_twolock(&FORGET);
    assert!(ran.code == 0 && ran.stdout.contains("stays active at AWS; the AWS files have it, too\n"), "{ran:?}");
    let left = (config_of(&world), credentials_of(&world), desktop.planted());
    assert_eq!(left, (CONFIG.into(), CREDENTIALS.into(), "".into()));
}

#[test]
fn without_its_flag_it_says_what_it_would_do() {
    let world = World::new();
    world.run(["forget"]).is(
        2,
        "",
        "twolock: error: forget removes twolock's lines from the AWS files, the access keys in the keyring, all sessions, \
         settings and files: add --everything\n\
         twolock: hint: to see what it would remove: twolock forget --everything --dry-run\n",
    );
    assert_eq!(world.run(["forget", "--everything", "--yes", "--dry-run"]).code, 2);
}

#[test]
fn where_nothing_of_twolock_is_nothing_is_made_or_asked() {
    let world = World::new();
    for args in [&["forget", "--everything"][..], &["forget", "--everything", "--dry-run"], &FORGET] {
        world.finish(&mut world.twolock(args)).is(0, NOTHING, "");
    }
    assert_eq!((config_of(&world), credentials_of(&world)), (CONFIG.into(), CREDENTIALS.into()));
    assert_eq!(files_of(&world), Vec::<String>::new());
}

#[test]
fn it_asks_once_and_nothing_happens_without_a_yes() {
    let world = World::new();
    world.log_in("prod");
    let before = files_of(&world);
    let none = world.run(["forget", "--everything"]);
    assert_eq!((none.code, none.stdout.as_str()), (2, ""), "{none:?}");
    assert!(none.stderr.contains("add --yes, or --dry-run"), "{none:?}");
    let mut no = world.on_terminal(["forget", "--everything"]);
    no.sees(" files of ~/.cache/twolock are deleted");
    no.sees("forget everything? This cannot be undone [y/N] ");
    no.types("n\n");
    assert_eq!((no.end().code, files_of(&world)), (9, before));
    let mut yes = world.on_terminal(["forget", "--everything"]);
    yes.sees("[y/N] ");
    yes.types("yes\n");
    let ran = yes.end();
    assert!(ran.code == 0 && ran.stdout.starts_with("forgot everything\n"), "{ran:?}");
    assert_eq!(files_of(&world), Vec::<String>::new());
}

#[test]
fn a_keyring_that_is_locked_or_gone_is_refused_before_anything_changes() {
    let world = World::new();
    let desktop = Desktop::unlocked(&world);
    let before = (config_of(&world), files_of(&world));
    desktop.lock();
    let locked = desktop.run_twolock(&FORGET);
    assert_eq!((locked.code, locked.stdout.as_str()), (5, ""), "{locked:?}");
    assert!(locked.stderr.contains(&format!("access key {KEY_ID}: the Secret Service is locked")), "{locked:?}");
    let gone = forget(&world);
    assert_eq!((gone.code, gone.stdout.as_str()), (5, ""), "{gone:?}");
    assert_eq!((config_of(&world), files_of(&world)), before);
    // Nothing of twolock is in this locked keyring.
    let world = World::new();
    let desktop = Desktop::empty(&world);
    desktop.lock();
    let unsearched = "not removed: access keys of no profile, if there are any: the Secret Service is locked; look there \
                      for items of service 'twolock'\n";
    desktop.run_twolock(&FORGET).is(0, &format!("{NOTHING}{unsearched}"), "");
}

#[test]
fn what_is_unfinished_at_aws_is_finished_first() {
    let world = World::new();
    let record = ".local/share/twolock/enrollments.json";
    let device = "arn:aws:iam::123456789012:mfa/new";
    let text = format!(
        r#"{{"v":1,"enrollments":[{{"user":"arn:aws:iam::123456789012:user/ana","profile":"base","serial":"{device}","phase":"created"}}]}}"#
    );
    world.write(record, &text);
    world.write(&record.replace(".json", ".lock"), "");
    forget(&world).is(
        3,
        "",
        &format!(
            "twolock: error: something is unfinished at AWS: the enrollment of MFA device {device} was interrupted: \
             twolock mfa enroll base\n\
             twolock: hint: to leave it as it is at AWS: twolock forget --everything --forget-unfinished\n"
        ),
    );
    assert!(world.home().join(record).exists());
    let ran = world.run(["forget", "--everything", "--yes", "--forget-unfinished"]);
    assert_eq!((ran.code, files_of(&world)), (0, Vec::new()), "{ran:?}");
    let device = format!("not removed: MFA device {device} at AWS, whose enrollment is unfinished; to look: ");
    assert!(ran.stdout.contains(&device), "{ran:?}");
}

#[test]
fn a_rotation_that_was_interrupted_is_finished_first_and_its_new_key_is_not_left_in_the_file() {
    let world = World::new();
    planted(&world, "stored");
    world.write(&RECORD.replace(".json", ".lock"), "");
    let before = credentials_of(&world);
    let refused = forget(&world);
    assert_eq!((refused.code, refused.stdout.as_str(), credentials_of(&world)), (3, "", before), "{refused:?}");
    let why = format!(
        "twolock: error: something is unfinished at AWS: profile 'base': the rotation of access key {KEY_ID} was \
         interrupted after {NEW} was stored; to continue: twolock key rotate base\n"
    );
    assert!(refused.stderr.starts_with(&why), "{refused:?}");
    let ran = world.run(["forget", "--everything", "--yes", "--forget-unfinished"]);
    assert_eq!((ran.code, credentials_of(&world), files_of(&world)), (0, CREDENTIALS.into(), Vec::new()), "{ran:?}");
    for said in [
        format!(
            "note: access key {NEW} of 'base-new-key' is removed and stays active at AWS; this may be its last copy\n"
        ),
        format!("not removed: access key {NEW} at AWS; "),
        format!("not removed: access key {KEY_ID} at AWS; "),
    ] {
        assert!(ran.stdout.contains(&said), "{ran:?}");
    }
}

#[test]
fn a_file_with_another_secret_or_none_is_no_copy_of_a_key() {
    let world = World::new();
    let desktop = Desktop::empty(&world);
    assert_eq!(desktop.run_twolock(&["profile", "adopt", "base", "--only", "--yes"]).code, 0);
    let id = format!("[old]\naws_access_key_id = {KEY_ID}\n");
    let with = |secret: &str| format!("{id}aws_secret_access_key = {secret}\n");
    for (file, is_copy) in [(id.clone(), false), (with(&"x".repeat(40)), false), (with(SECRET), true)] {
        world.write(".aws/credentials", &file);
        let ran = desktop.run_twolock(&["forget", "--everything", "--dry-run"]);
        let said = |part| ran.stdout.contains(part);
        assert_eq!(
            (said("; the AWS files have it, too\n"), said("this may be its last copy; to keep it, ")),
            (is_copy, !is_copy)
        );
    }
}

#[test]
fn no_command_is_named_that_could_not_write_a_key_back() {
    let world = World::new();
    let desktop = Desktop::empty(&world);
    assert_eq!(desktop.run_twolock(&["profile", "adopt", "base", "--only", "--yes"]).code, 0);
    world.write(".aws/config", "");
    let ran = desktop.run_twolock(&["forget", "--everything", "--dry-run"]);
    assert!(ran.code == 0 && ran.stdout.contains("; this may be its last copy\n"), "{ran:?}");
}

#[test]
fn keys_in_the_keyring_that_no_file_names_are_found_named_and_deleted() {
    let world = World::new();
    let desktop = Desktop::empty(&world);
    assert_eq!(desktop.run_twolock(&["profile", "adopt", "base", "--only", "--yes"]).code, 0);
    fs::remove_file(world.home().join(".local/share/twolock/keys.json")).unwrap();
    let list = desktop.run_twolock(&["key", "list"]).stdout;
    assert!(list.lines().any(|line| line.contains(KEY_ID) && line.ends_with("of no profile")), "{list}");
    let doctor = desktop.run_twolock(&["doctor", "-v"]).stdout;
    assert!(doctor.contains(&format!("access key {KEY_ID} is in the keyring, but no profile has it")), "{doctor}");
    assert!(doctor.contains(&format!("twolock key remove {KEY_ID}")), "{doctor}");
    assert_eq!(desktop.run_twolock(&["key", "remove", KEY_ID, "--dry-run"]).code, 0);
    // Another home has an index of its own.
    let mut elsewhere = desktop.twolock(&FORGET);
    let own = tempfile::tempdir().unwrap();
    let ran = world.finish(elsewhere.env("TWOLOCK_ACCOUNT_HOME", own.path()));
    assert!(ran.code == 0 && !ran.stdout.contains("deleted from the keyring"), "{ran:?}");
    assert!(desktop.planted().contains(KEY_ID));
    let other = ["store", "--label=x", "service", "twolock", "username", "sealing-key:0123"];
    assert_eq!(desktop.run("secret-tool", &other, "x"), "");
    let ran = desktop.run_twolock(&FORGET);
    let others = "not removed: 1 encryption key of other session directories: look for items of service 'twolock' in the keyring\n";
    assert!(ran.stdout.contains(others), "{ran:?}");
    let line = format!(
        "note: access key {KEY_ID} is deleted from the keyring and stays active at AWS; this may be its last copy\n"
    );
    assert!(ran.code == 0 && ran.stdout.contains(&line), "{ran:?}");
    assert!(ran.stdout.contains(&format!("not removed: access key {KEY_ID} at AWS; ")), "{ran:?}");
    assert_eq!((desktop.planted(), files_of(&world)), (String::new(), Vec::new()));
}

#[test]
fn two_at_once_forget_everything_and_say_so_or_name_the_other() {
    for _ in 0..3 {
        let world = World::new();
        world.log_in("prod");
        assert_eq!(world.run(["profile", "adopt", "--all", "--yes"]).code, 0);
        let start = |_| {
            let mut command = world.twolock(FORGET);
            without_terminal(&mut command);
            command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
        };
        let running: Vec<_> = (0..3).map(start).collect();
        let ran: Vec<Ran> = running.into_iter().map(|run| world.read(&run.wait_with_output().unwrap())).collect();
        assert!(ran.iter().any(|ran| ran.code == 0), "{ran:?}");
        for ran in &ran {
            assert!(ran.code == 0 || ran.code == 7 && ran.stderr.contains("another twolock"), "{ran:?}");
        }
        assert_eq!((config_of(&world), files_of(&world)), (CONFIG.into(), Vec::new()), "{ran:?}");
    }
}

#[test]
fn after_a_rotation_the_old_key_at_aws_is_named() {
    let world = World::new();
    world.write(".aws/config", "[profile base]\nregion = eu-west-1\nendpoint_url = {url}\n");
    let ran = world.run(["key", "rotate", "base", "--yes"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    let credentials = credentials_of(&world);
    let ran = forget(&world);
    let keys: Vec<&str> = ran.stdout.lines().filter(|line| line.starts_with("not removed: access key ")).collect();
    assert!(ran.code == 0 && keys.len() == 1 && keys[0].contains(KEY_ID), "{ran:?}");
    assert_eq!((credentials_of(&world), files_of(&world)), (credentials, Vec::new()), "the new key is the user's");
}

#[test]
fn every_profile_is_as_it_was_before_it_was_adopted() {
    let url = "endpoint_url = {url}\n";
    let device = format!("mfa_serial = {DEVICE}\n");
    let role = "role_arn = arn:aws:iam::123456789012:role/Admin\nsource_profile = base\n";
    for (config, credentials) in [
        (String::new(), format!("{CREDENTIALS}{device}{url}")),
        (format!("[profile base]\n{url}{device}"), CREDENTIALS.to_string()),
        (format!("# mine\n[profile base]\n{url}\n[profile r]\n{url}{role}"), format!("{CREDENTIALS}{device}")),
        (format!("[profile base]\n{url}"), format!("{CREDENTIALS}{device}\n[r]\n{role}{url}")),
        (format!("[profile base]\n{url}{device}[profile r]\n{url}{}", role.trim_end()), CREDENTIALS.to_string()),
    ] {
        let world = World::new();
        world.write(".aws/config", &config);
        world.write(".aws/credentials", &credentials);
        let ran = world.run(["profile", "adopt", "--all", "--yes"]);
        assert_eq!(ran.code, 0, "{ran:?}");
        let ran = forget(&world);
        assert_eq!(ran.code, 0, "{ran:?}");
        let credentials_now = credentials_of(&world).replace(world.sandbox.url(), "{url}");
        let sections = |text: &str| {
            let mut lines: Vec<String> = text.lines().map(String::from).filter(|line| !line.is_empty()).collect();
            lines.sort();
            lines
        };
        assert_eq!(config_of(&world), config, "{ran:?}");
        assert_eq!(sections(&credentials_now), sections(&credentials), "{ran:?}");
    }
}

#[test]
fn only_lines_of_twolock_leave_the_files() {
    let world = World::new();
    let ours = "credential_process = /opt/twolock credential-process --profile base\n";
    let config = "\
[profile base]
mfa_process = code
credential_process = /usr/bin/other --profile base
[profile role]
role_arn = arn:aws:iam::123456789012:role/Admin
# kept
source_profile = base
[profile lends]
region = eu-west-1
";
    let with_ours = config
        .replace("# kept\n", "# kept\ntwolock_role_arn = arn:aws:iam::123456789012:role/Other\ntwolock_tags = a=b\n")
        .replace("[profile lends]\n", &format!("[profile lends]\ntwolock_source_profile = base\n{ours}"));
    world.write(".aws/config", &with_ours);
    let ran = forget(&world);
    assert_eq!((ran.code, config_of(&world)), (0, config.to_string()), "{ran:?}");
    assert!(
        ran.stdout.contains("note: mfa_process of 'base' (~/.aws/config:2) stays, because aws-vault reads it, too\n")
    );
}

#[test]
fn a_key_that_another_profile_uses_under_its_separate_name_stays_until_that_is_changed() {
    let world = World::new();
    assert_eq!(world.run(["profile", "adopt", "base", "--only", "--yes"]).code, 0);
    world.add_config("[profile other]\nrole_arn = arn:aws:iam::123456789012:role/Admin\nsource_profile = base-keys\n");
    let config = config_of(&world);
    let ran = forget(&world);
    assert_eq!((ran.code, config_of(&world)), (3, config), "{ran:?}");
    assert!(ran.stderr.ends_with("hint: twolock profile set other source_profile base\n"), "{ran:?}");
}

#[test]
fn files_of_others_stay_in_our_directories_and_are_named() {
    let world = World::new();
    world.log_in("prod");
    world.write(".config/twolock/config.toml", "session_duration = \"8h\"\n");
    for other in [".config/twolock/notes.txt", ".cache/twolock/sub/x.sealed"] {
        world.write(other, "mine");
    }
    let ran = forget(&world);
    assert_eq!(ran.code, 0, "{ran:?}");
    for said in [
        "note: 1 file of ~/.config/twolock is deleted; not twolock's, so it stays: ~/.config/twolock/notes.txt\n",
        "files of ~/.cache/twolock are deleted; not twolock's, so it stays: ~/.cache/twolock/sub\n",
    ] {
        assert!(ran.stdout.contains(said), "{ran:?}");
    }
    let left = [".cache/twolock", ".cache/twolock/sub", ".cache/twolock/sub/x.sealed", ".config/twolock"];
    assert_eq!(files_of(&world), [&left[..], &[".config/twolock/notes.txt"]].concat());
    forget(&world).is(0, NOTHING, "");
}

#[test]
fn behind_a_symlink_our_file_goes_and_the_directory_stays() {
    let world = World::new();
    world.write("dotfiles/settings/config.toml", "session_duration = \"8h\"\n");
    world.write("dotfiles/settings/README", "mine");
    fs::create_dir_all(world.home().join(".config")).unwrap();
    symlink(world.home().join("dotfiles/settings"), world.home().join(".config/twolock")).unwrap();
    // A file that is a symlink: the symlink is ours.
    world.write("elsewhere.json", r#"{"v":1,"keys":{}}"#);
    fs::create_dir_all(world.home().join(".local/share/twolock")).unwrap();
    symlink(world.home().join("elsewhere.json"), world.home().join(".local/share/twolock/keys.json")).unwrap();
    let ran = forget(&world);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_eq!(files_of(&world), [".config/twolock"]);
    let there = |name: &str| world.home().join(name).exists();
    assert!(there("dotfiles/settings/README") && there("elsewhere.json") && !there("dotfiles/settings/config.toml"));
}

#[test]
fn the_key_file_goes_too() {
    let world = World::new();
    world.write(".config/twolock/config.toml", "keyring = \"file\"\n");
    world.log_in("prod");
    assert!(files_of(&world).iter().any(|file| file.ends_with(".key")));
    let ran = forget(&world);
    assert_eq!((ran.code, files_of(&world)), (0, Vec::new()), "{ran:?}");
}

#[test]
fn it_names_the_lines_in_shell_files_this_shell_other_caches_and_other_files() {
    let world = World::new();
    world.write(".bashrc", "# twolock is nice\nexport X=1\neval \"$(twolock init bash)\"\n");
    world.write(".config/fish/config.fish", "twolock init fish | source\n");
    world.write(".zshrc", "setopt x\n");
    world.write(".aws/cli/cache/x.json", r#"{"Credentials":{"SecretAccessKey":"s"}}"#);
    let mut command = world.twolock(FORGET);
    command
        .env("TWOLOCK_PROFILE", "prod")
        .env("SHELL", "/bin/bash")
        .env("AWS_CONFIG_FILE", world.home().join(".aws/config"));
    let ran = world.finish(&mut command);
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""), "{ran:?}");
    let lines: Vec<&str> = ran.stdout.lines().collect();
    assert_eq!(
        lines[..3],
        [
            NOTHING.trim_end(),
            "not removed: the line of twolock in ~/.bashrc:3",
            "not removed: the line of twolock in ~/.config/fish/config.fish:1",
        ]
    );
    assert!(
        lines[3].starts_with("not removed: the credentials of this shell, and of others; to unset them: "),
        "{ran:?}"
    );
    assert_eq!(
        lines[4],
        "not removed: credentials of the AWS CLI in ~/.aws/cli/cache; to remove them: rm -r HOME/.aws/cli/cache"
    );
    assert_eq!(lines[5..], ["not removed: other AWS files than the one that AWS_CONFIG_FILE selects"]);
}

#[test]
fn in_another_home_the_files_of_the_accounts_own_stay() {
    let (world, own) = (World::new(), tempfile::tempdir().unwrap());
    world.log_in("prod");
    let settings = own.path().join(".config/twolock/config.toml");
    fs::create_dir_all(settings.parent().unwrap()).unwrap();
    fs::write(&settings, "session_duration = \"8h\"\n").unwrap();
    let ran = world.finish(world.twolock(FORGET).env("TWOLOCK_ACCOUNT_HOME", own.path()));
    assert_eq!((ran.code, settings.exists()), (0, true), "{ran:?}");
    let said = format!("not removed: the files of twolock in {}, the account's own home\n", own.path().display());
    assert!(ran.stdout.ends_with(&said), "{ran:?}");
}
