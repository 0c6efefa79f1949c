//! F67: `key rotate` that goes on with what an earlier run has begun, after the world has changed; and what must be there
//! before one begins.

use std::path::Path;
use std::process::Stdio;

use crate::rotate::{ANA, RECORD, at_aws, credentials, new_key, rotate, world};
use crate::world::{Fault, FaultKind, KEY_ID, Ran, SECRET, World, eventually, without_terminal};
use twolock_sandbox::Options;

pub const NEW: &str = "AKIANEWNEWNEWNEWNEW1";
const NEW_SECRET: &str = "newNEWnewNEWnewNEWnewCANARY0000000000000";

/// Rotates with a code.
fn rotate_with(world: &World, code: &str, more: &[&str]) -> Ran {
    world.finish(world.twolock([&["key", "rotate", "base", "--yes"], more].concat()).env("TWOLOCK_MFA_CODE", code))
}

/// The new key is stored, and AWS refused the code for its session.
pub fn stored(world: &World) -> String {
    world.log_in("base");
    let ran = rotate_with(world, &world.wrong_code(), &[]);
    assert_eq!(ran.code, 4, "{ran:?}");
    new_key(world).0
}

/// The same without a device: a record as the first version wrote it.
pub fn planted(world: &World, phase: &str) {
    world.sandbox.add_key(ANA, NEW, NEW_SECRET).unwrap();
    let section = |name: &str, id: &str, secret: &str| {
        format!("[{name}]\naws_access_key_id = {id}\naws_secret_access_key = {secret}\n")
    };
    let file = match phase {
        "switched" => section("base", NEW, NEW_SECRET),
        _ => section("base", KEY_ID, SECRET) + &section("base-new-key", NEW, NEW_SECRET),
    };
    world.write(".aws/credentials", &file);
    let keys = format!(r#""old":"{KEY_ID}","before":["{KEY_ID}"],"new":"{NEW}""#);
    let times = r#""began":"2026-01-01T00:00:00Z","delete_after":{"secs":604800,"nanos":0}"#;
    let record = format!(r#"{{"user":"{ANA}","profile":"base",{keys},{times},"phase":"{phase}"}}"#);
    world.write(RECORD, &format!(r#"{{"v":1,"rotations":[{record}]}}"#));
}

fn has_record(world: &World) -> bool {
    world.home().join(RECORD).exists()
}

#[test]
fn an_old_key_that_was_deleted_meanwhile_leaves_the_stored_one_to_every_profile() {
    let done = format!("uses access key {NEW}; {KEY_ID} does not exist at AWS any more\n");
    let file = format!("[base]\naws_access_key_id = {NEW}\naws_secret_access_key = {NEW_SECRET}\n");
    let world = world();
    planted(&world, "stored");
    assert!(world.sandbox.delete_key(KEY_ID));
    let ran = rotate(&world, &["--back", "--yes"]);
    let says = format!("AWS does not accept access key {KEY_ID} any more, so the new one, {NEW}, is not deleted");
    assert!(ran.code == 3 && ran.stderr.contains(&says), "{ran:?}");
    let ran = rotate(&world, &["--yes"]);
    assert!(ran.code == 0 && ran.stdout.ends_with(&done), "{ran:?}");
    assert_eq!((credentials(&world), at_aws(&world), has_record(&world)), (file, vec![(NEW.to_owned(), true)], false));
    // With a device, one code is enough: the old key can start no session.
    let world = World::new();
    let new = stored(&world);
    assert!(world.sandbox.delete_key(KEY_ID));
    let ran = rotate_with(&world, &world.code(), &[]);
    assert!(ran.code == 0 && ran.stdout.ends_with(&done.replace(NEW, &new)), "{ran:?}");
    assert_eq!(world.run(["whoami", "prod"]).code, 0);
}

#[test]
fn an_old_key_that_was_deactivated_meanwhile_is_replaced() {
    let world = world();
    planted(&world, "stored");
    assert!(world.sandbox.set_key_active(KEY_ID, false));
    let ran = rotate(&world, &["--yes"]);
    assert!(
        ran.code == 0 && ran.stdout.contains(&format!("base: uses access key {NEW}; {KEY_ID} is now inactive")),
        "{ran:?}"
    );
    assert_eq!(at_aws(&world), [(KEY_ID.to_owned(), false), (NEW.to_owned(), true)]);
    // Without a new key, AWS's refusal is all there is to say.
    let world = self::world();
    assert!(world.sandbox.set_key_active(KEY_ID, false));
    let ran = rotate(&world, &["--yes"]);
    assert!(ran.code == 4 && ran.stderr.contains("is unknown, inactive or deleted"), "{ran:?}");
}

#[test]
fn aws_files_that_differ_from_those_of_the_beginning_are_refused() {
    let variable = "AWS_SHARED_CREDENTIALS_FILE";
    for (first, second, says, hint) in [
        (
            None,
            Some("~/other"),
            format!("began with ~/.aws/credentials, but {variable} names ~/other"),
            format!("unset {variable}"),
        ),
        (
            Some("~/other"),
            None,
            format!("began with ~/other, but {variable} is not set"),
            format!("set {variable} to ~/other"),
        ),
    ] {
        let world = World::new();
        world.write("other", &credentials(&world));
        world.log_in("base");
        let run = |file: Option<&str>, code: &str, args: &[&str]| {
            let mut command = world.twolock(args);
            command.envs(file.map(|file| (variable, file))).env("TWOLOCK_MFA_CODE", code);
            world.finish(&mut command)
        };
        let again = ["key", "rotate", "base", "--yes"];
        assert_eq!(run(first, &world.wrong_code(), &again).code, 4);
        let files =
            || ["other", ".aws/credentials"].map(|name| std::fs::read_to_string(world.home().join(name)).unwrap());
        let before = files();
        for args in [&again[..], &["key", "rotate", "base", "--back", "--yes"], &["key", "rotate", KEY_ID, "--yes"]] {
            let ran = run(second, "", args);
            assert!(ran.code == 3 && ran.stderr.contains(&says) && ran.stderr.contains(&hint), "{args:?}: {ran:?}");
        }
        let remark = run(second, "", &["profile", "list"]).stderr;
        let there = first.unwrap_or("~/.aws/credentials");
        assert!(
            remark.contains(&format!("profile 'base' in {there}: the rotation of access key {KEY_ID}")),
            "{remark}"
        );
        assert_eq!(files(), before);
        assert!(world.sandbox.key(KEY_ID).unwrap().active);
        let ran = run(first, &world.code(), &again);
        assert_eq!(ran.code, 0, "{ran:?}");
        let [other, usual] = files();
        assert_eq!((other.contains(SECRET), usual.contains(SECRET)), (first.is_none(), first.is_some()));
    }
}

#[test]
fn a_profile_that_was_renamed_meanwhile_goes_on_under_its_new_name() {
    let world = World::new();
    let new = stored(&world);
    let ran = world.run(["profile", "rename", "base", "me", "--yes"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    let remark = world.run(["profile", "list"]).stderr;
    assert!(
        remark.contains("profile 'me': the rotation") && remark.ends_with("to continue: twolock key rotate me\n"),
        "{remark}"
    );
    // The name of before leads there as well.
    let ran = rotate_with(&world, &world.code(), &[]);
    assert!(
        ran.code == 0 && ran.stdout.contains(&format!("me: uses access key {new}; {KEY_ID} is now inactive")),
        "{ran:?}"
    );
    assert!(!credentials(&world).contains("new-key"), "{}", credentials(&world));
    assert_eq!(world.run(["key", "rotate", "me", "--finish", "--yes"]).code, 0);
    assert!(!has_record(&world));
}

#[test]
fn a_rotation_whose_keys_no_profile_has_any_more_is_forgotten_after_saying_what_is_at_aws() {
    for name in [KEY_ID, "base"] {
        let world = world();
        planted(&world, "stored");
        world.write(".aws/config", "");
        world.write(".aws/credentials", "");
        let remark = world.run(["status"]).stderr;
        let says = format!(
            "access key {KEY_ID} was being rotated, and no profile has it now; to see what is left: twolock key rotate {KEY_ID}\n"
        );
        assert!(remark.ends_with(&says), "{remark}");
        let text = format!(
            "no profile has access key {KEY_ID} any more; user ana of account 123456789012 may still have\n  \
             {KEY_ID} (active)\n  {NEW} (active)\nto look: aws iam list-access-keys --user-name ana\n"
        );
        world.run(["key", "rotate", name, "--dry-run"]).is(0, &text, "");
        assert_eq!(world.run(["key", "rotate", name]).code, 2);
        assert!(has_record(&world));
        let forgot = format!("forgot the rotation of access key {KEY_ID}\n");
        world.run(["key", "rotate", name, "--yes"]).is(0, &(text + &forgot), "");
        assert!(!has_record(&world));
        assert_eq!(world.run(["key", "rotate", name, "--yes"]).code, 3);
    }
    // A copy of the new key is named.
    let world = world();
    planted(&world, "stored");
    let section = format!("[base-new-key]\naws_access_key_id = {NEW}\naws_secret_access_key = {NEW_SECRET}\n");
    world.write(".aws/config", "");
    world.write(".aws/credentials", &section);
    let ran = world.run(["key", "rotate", "base", "--dry-run"]);
    assert!(
        ran.stdout.contains(&format!("{NEW} (active), stored in ~/.aws/credentials:2 [base-new-key]\n")),
        "{ran:?}"
    );
}

#[test]
fn a_profile_of_the_users_own_under_the_name_for_the_new_key_is_refused_before_one_is_created() {
    for (file, line) in
        [(".aws/config", "[profile base-new-key]\nregion = eu-west-1\n"), (".aws/credentials", "[base-new-key]\n")]
    {
        let world = world();
        let text = std::fs::read_to_string(world.home().join(file)).unwrap() + line;
        world.write(file, &text);
        let ran = rotate(&world, &["--yes"]);
        let says = "profile 'base-new-key' exists, but the rotation needs that name for the new key\n";
        assert!(ran.code == 3 && ran.stderr.contains(says), "{ran:?}");
        assert!(
            ran.stderr.contains("rename it first: twolock profile rename base-new-key base-new-key-2\n"),
            "{ran:?}"
        );
        assert_eq!(world.sandbox.count("CreateAccessKey"), 0);
        assert_eq!(std::fs::read_to_string(world.home().join(file)).unwrap(), text);
        let ran = world.run(["profile", "rename", "base-new-key", "base-new-key-2", "--yes"]);
        assert_eq!(ran.code, 0, "{ran:?}");
        assert_eq!(rotate(&world, &["--yes"]).code, 0);
    }
}

fn sealed(world: &World) -> usize {
    std::fs::read_dir(world.cache())
        .unwrap()
        .flatten()
        .filter(|entry| entry.path().extension().is_some_and(|e| e == "sealed"))
        .count()
}

#[test]
fn sessions_of_the_old_key_end_also_where_the_switch_was_made_by_an_earlier_run() {
    let world = World::new();
    world.log_in("prod");
    assert_eq!(sealed(&world), 2);
    planted(&world, "switched");
    let ran = rotate_with(&world, &world.code(), &[]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_eq!(sealed(&world), 1, "that of the new key");
    assert_eq!(world.run(["status", "--json"]).json()["sessions"].as_array().unwrap().len(), 1);
}

#[test]
fn codes_that_will_be_missing_are_said_before_a_key_is_created_or_a_code_is_used() {
    let two = "profile 'base': two MFA codes are needed, the second one for a session with the new key, and there is no terminal to ask on: nothing was changed\n";
    let one = two.replace("two MFA codes are needed, the second one", "an MFA code is needed");
    for (logged_in, how, says) in
        [(false, "variable", two), (false, "stdin", two), (false, "none", two), (true, "none", one.as_str())]
    {
        let world = World::new();
        if logged_in {
            world.log_in("base");
        }
        let sessions = world.sandbox.count("GetSessionToken");
        world.write("code", &format!("{}\n", world.code()));
        let mut command = world.twolock(["key", "rotate", "base", "--yes"]);
        match how {
            "variable" => command.env("TWOLOCK_MFA_CODE", world.code()),
            "stdin" => command.arg("--code-stdin").stdin(std::fs::File::open(world.home().join("code")).unwrap()),
            _ => &mut command,
        };
        let ran = world.finish(&mut command);
        assert!(ran.code == 9 && ran.stderr.contains(says) && ran.stderr.contains("set mfa_process"), "{how}: {ran:?}");
        assert_eq!(ran.stderr.contains("twolock login base"), !logged_in, "{how}: {ran:?}");
        assert_eq!((at_aws(&world).len(), world.sandbox.count("GetSessionToken")), (1, sessions), "{how}");
        assert!(!has_record(&world));
    }
}

#[test]
fn one_code_is_given_to_one_key_of_all() {
    let world = World::new();
    let bob = world.sandbox.add_user("123456789012", "bob");
    let device = world.sandbox.add_device(&bob.arn, "bob").serial;
    let (id, secret) = (&bob.access_key_id, &bob.secret_access_key);
    let section = format!("[bob]\naws_access_key_id = {id}\naws_secret_access_key = {secret}\n");
    world.write(".aws/credentials", &(credentials(&world) + &section));
    world.add_config(&format!("[profile bob]\nregion = eu-west-1\nendpoint_url = {{url}}\nmfa_serial = {device}\n"));
    world.log_in("base");
    assert_eq!(world.run_with_code_of(&device, &["login", "bob"]).code, 0);
    let ran = world.run_with_code(["key", "rotate", "--all", "--yes"]);
    assert!(ran.code == 9 && ran.stderr.contains("profile 'bob': an MFA code is needed"), "{ran:?}");
    assert_eq!((at_aws(&world).len(), world.sandbox.keys(&bob.arn).len()), (2, 1));
}

/// Prints one code after the other.
fn with_codes(world: &World, codes: &[String]) {
    let (program, list) = (world.home().join("print-code"), world.home().join("codes"));
    std::fs::write(&list, codes.join("\n") + "\n").unwrap();
    let list = list.display();
    std::fs::write(&program, format!("#!/bin/sh\nhead -n 1 {list}\nsed -i 1d {list}\n")).unwrap();
    crate::world::make_runnable(&program);
    let config = std::fs::read_to_string(world.home().join(".aws/config")).unwrap();
    let process = format!("[profile base]\nmfa_process = {}\n", program.display());
    world.write(".aws/config", &config.replace("[profile base]\n", &process));
}

#[test]
fn with_mfa_process_a_script_rotates_a_key_without_a_person() {
    for with_variable in [false, true] {
        let world = World::new();
        let device = crate::world::DEVICE;
        let first = world.code();
        let next = world.sandbox.code_at(device, world.sandbox.now() + 30).unwrap();
        let codes = if with_variable { vec![next] } else { vec![first.clone(), next] };
        with_codes(&world, &codes);
        let mut command = world.twolock(["key", "rotate", "base", "--yes"]);
        if with_variable {
            command.env("TWOLOCK_MFA_CODE", first);
        }
        let ran = world.finish(&mut command);
        assert_eq!(ran.code, 0, "{with_variable}: {ran:?}");
        assert!(!world.sandbox.key(KEY_ID).unwrap().active);
    }
}

#[test]
fn with_a_terminal_a_code_that_was_given_is_the_first_and_the_second_is_asked_for() {
    let world = World::new();
    let mut command = world.program(env!("CARGO_BIN_EXE_twolock"));
    command.args(["key", "rotate", "base", "--yes"]).env("TWOLOCK_MFA_CODE", world.code());
    let mut terminal = crate::world::Terminal::start(command);
    terminal.sees("device ana");
    assert_eq!(world.sandbox.count("CreateAccessKey"), 1);
    terminal.types(&format!("{}\n", world.code()));
    let ran = terminal.end();
    assert_eq!(ran.code, 0, "{ran:?}");
}

#[test]
fn a_rotation_that_is_running_is_not_called_interrupted() {
    let world = crate::rotate::with(Options { key_delay: 6, ..Options::default() });
    let mut command = world.twolock(["key", "rotate", "base", "--yes"]);
    without_terminal(&mut command);
    let running = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let record = world.home().join(RECORD);
    eventually("the new key is stored", || std::fs::read_to_string(&record).is_ok_and(|text| text.contains("stored")));
    for args in [["status", "--json"], ["profile", "list"]] {
        assert_eq!(world.run(args).stderr, "");
    }
    assert!(!world.run(["doctor", "-v"]).stdout.contains("interrupted"));
    let ran = world.read(&running.wait_with_output().unwrap());
    assert_eq!(ran.code, 0, "{ran:?}");
}

#[test]
fn two_keys_are_found_before_a_code_is_asked_for_and_the_profiles_here_are_named() {
    let world = World::new();
    let other = world.sandbox.add_another_key(ANA).unwrap();
    let work = format!("[work]\naws_access_key_id = {other}\naws_secret_access_key = {SECRET}\n");
    world.write(".aws/credentials", &(credentials(&world) + &work));
    let ran = rotate_with(&world, &world.code(), &[]);
    let says = format!("{other}: active, created today, never used; here: ~/.aws/credentials:5 [work]\n");
    assert!(ran.code == 3 && ran.stderr.contains("has 2 access keys already") && ran.stderr.contains(&says), "{ran:?}");
    assert_eq!(world.sandbox.count("GetSessionToken"), 0);
    // Where only a session may list them, its code comes first.
    let world = World::new();
    world.sandbox.fault(
        Fault::new(FaultKind::Error(twolock_sandbox::Refusal::new(403, "AccessDenied", "explicit deny")))
            .on("ListAccessKeys"),
    );
    let mut terminal = world.on_terminal(["key", "rotate", "base"]);
    terminal.sees("device ana");
    terminal.types(&format!("{}\n", world.code()));
    terminal.sees("rotate? [y/N] ");
    terminal.types("n\n");
    assert_eq!(terminal.end().code, 9);
}

#[test]
fn the_section_of_a_new_key_is_no_profile_of_the_users() {
    let world = World::new();
    stored(&world);
    assert!(credentials(&world).contains("[base-new-key]"));
    for args in [
        &["profile", "list"][..],
        &["profile", "list", "--json"],
        &[],
        &["complete", "--", "env", ""],
        &["doctor", "-v"],
        &["profile", "adopt", "--all", "--dry-run"],
    ] {
        let ran = world.finish(&mut world.twolock(args));
        assert!(ran.stdout.contains("base") && !ran.stdout.contains("base-new-key"), "{args:?}: {ran:?}");
    }
    // One of that name which is no rotation's is a profile.
    std::fs::remove_file(world.home().join(Path::new(RECORD))).unwrap();
    assert!(world.run(["profile", "list"]).stdout.contains("base-new-key"));
}
