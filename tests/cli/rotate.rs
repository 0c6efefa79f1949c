//! `key rotate` of a key in the credentials file. With a keyring, and killed anywhere: `tests/faults/rotations.rs`.

use twolock_sandbox::{KeyUse, Options};

use crate::rotate_resumed::stored;
use crate::world::{DEVICE, Fault, FaultKind, KEY_ID, Ran, SECRET, World, without_terminal};

pub const ANA: &str = "arn:aws:iam::123456789012:user/ana";
pub const RECORD: &str = ".local/share/twolock/rotations.json";

/// A user without a device: nothing here needs a code.
pub fn world() -> World {
    with(Options::default())
}

pub fn with(options: Options) -> World {
    let world = World::with(options);
    world.write(
        ".aws/config",
        "[profile base]\nregion = eu-west-1\nendpoint_url = {url}\n\
         [profile prod]\nregion = eu-west-1\nrole_arn = arn:aws:iam::123456789012:role/Admin\nsource_profile = base\nendpoint_url = {url}\n",
    );
    world
}

/// Ana's keys at AWS: id, and whether it is active.
pub fn at_aws(world: &World) -> Vec<(String, bool)> {
    let mut keys: Vec<_> = world.sandbox.keys(ANA).into_iter().map(|key| (key.id, key.active)).collect();
    // Both may have been created in the same second.
    keys.sort_by_key(|(id, _)| id != KEY_ID);
    keys
}

pub fn credentials(world: &World) -> String {
    std::fs::read_to_string(world.home().join(".aws/credentials")).unwrap()
}

/// The new key at AWS, as the credentials file has to hold it.
pub fn new_key(world: &World) -> (String, String) {
    let new = world.sandbox.keys(ANA).into_iter().find(|key| key.id != KEY_ID).expect("a new key");
    let text = format!("aws_access_key_id = {}\naws_secret_access_key = {}\n", new.id, new.secret);
    (new.id, text)
}

pub fn rotate(world: &World, more: &[&str]) -> Ran {
    world.finish(&mut world.twolock([&["key", "rotate", "base"], more].concat()))
}

#[test]
fn a_new_key_takes_the_place_of_the_old_one_which_is_switched_off_and_deleted_later() {
    let world = world();
    let ran = rotate(&world, &["--yes"]);
    let (new, text) = new_key(&world);
    assert_eq!(ran.code, 0, "{ran:?}");
    let done = format!(
        "base: uses access key {new}; {KEY_ID} is now inactive\n\
         to reactivate it: twolock key rotate base --back; to delete it: twolock key rotate base --finish\n"
    );
    assert!(ran.stdout.ends_with(&done), "{ran:?}");
    assert_eq!(credentials(&world), format!("[base]\n{text}"));
    assert_eq!(at_aws(&world), [(KEY_ID.to_owned(), false), (new.clone(), true)]);
    assert_eq!(world.run(["whoami", "base"]).code, 0);
    assert!(world.run(["status"]).stdout.contains("  today\n"), "its age is known from now on");
    // Again: nothing new, the state.
    let ran = rotate(&world, &["--yes"]);
    assert!(
        ran.code == 0 && ran.stdout.contains("was deactivated 0s ago") || ran.stdout.contains("s ago; to delete it"),
        "{ran:?}"
    );
    assert_eq!(at_aws(&world).len(), 2);
    rotate(&world, &["--back"]).is(0, &format!("access key {KEY_ID} is active again; profiles use {new}\n"), "");
    assert!(world.sandbox.key(KEY_ID).unwrap().active);
    assert_eq!(rotate(&world, &["--yes"]).code, 0);
    assert!(!world.sandbox.key(KEY_ID).unwrap().active);
    let ran = rotate(&world, &["--finish", "--yes"]);
    assert!(ran.code == 0 && ran.stdout.ends_with(&format!("deleted access key {KEY_ID}\n")), "{ran:?}");
    assert_eq!(at_aws(&world), [(new, true)]);
    assert!(!world.home().join(RECORD).exists());
    assert_eq!(credentials(&world), format!("[base]\n{text}"));
}

#[test]
fn with_a_device_a_person_gives_two_codes_and_old_sessions_end() {
    let world = World::new();
    world.log_in("prod");
    let old: Vec<String> = world.sandbox.sessions().into_iter().map(|session| session.access_key_id).collect();
    let mut terminal = world.on_terminal(["key", "rotate", "prod"]);
    terminal.sees("rotate? [y/N] ");
    let shown = terminal.shown();
    assert!(shown.contains("start a session with it, which needs another code"), "{shown}");
    terminal.types("y\n");
    terminal.sees("device ana");
    terminal.types(&format!("{}\n", world.code()));
    let ran = terminal.end();
    assert_eq!(ran.code, 0, "{ran:?}");
    let sealed = world.run(["status", "--json"]).json();
    let count = sealed["sessions"].as_array().unwrap().len();
    assert_eq!((count, sealed["sessions"][0]["mfa_serial"].as_str()), (1, Some(DEVICE)), "{sealed}");
    let answer = world.run(["credential-process", "base"]).json();
    assert!(!old.contains(&answer["AccessKeyId"].as_str().unwrap().to_owned()), "{answer}");
    assert_eq!(world.sandbox.count("GetSessionToken"), 2);
}

#[test]
fn without_the_second_code_both_keys_work_and_the_next_run_goes_on() {
    let world = World::new();
    stored(&world);
    let (new, text) = new_key(&world);
    assert_eq!(at_aws(&world), [(KEY_ID.to_owned(), true), (new.clone(), true)]);
    let kept = credentials(&world);
    assert!(
        kept.contains(SECRET) && kept.ends_with(&format!("[base-new-key]\n{text}")),
        "the old one is in use: {kept}"
    );
    // Other commands say so, in one line, and a program that reads us hears nothing.
    let remark = format!(
        "twolock: warning: profile 'base': the rotation of access key {KEY_ID} was interrupted after {new} was stored; to continue: twolock key rotate base\n"
    );
    assert_eq!(world.run(["profile", "list"]).stderr, remark);
    assert!(!world.run(["credential-process", "base"]).stderr.contains("rotate"));
    let ran = world.finish(world.twolock(["key", "rotate", "base", "--yes"]).env("TWOLOCK_MFA_CODE", world.code()));
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_eq!(at_aws(&world), [(KEY_ID.to_owned(), false), (new, true)]);
    assert_eq!(world.run(["profile", "list"]).stderr, "");
}

#[test]
fn what_cannot_begin_is_refused_before_a_key_is_created() {
    let second = |world: &World| {
        let created = world.sandbox.add_another_key(ANA).expect("room for a second key");
        world.sandbox.set_key_used(
            &created,
            Some(KeyUse { time: world.sandbox.now() - 180, service: "s3".into(), region: "eu-west-1".into() }),
        );
        created
    };
    type Prepare<'a> = &'a dyn Fn(&World) -> String;
    let nothing: Prepare = &|_| String::new();
    let cases: &[(&str, Prepare, &[&str], i32, &str)] = &[
        ("two keys", &second, &["--yes"], 3, "user ana has 2 access keys already, and AWS allows no more"),
        (
            "no terminal",
            nothing,
            &[],
            2,
            "confirmation is required, and there is no terminal to ask on: add --yes, or --dry-run to see the steps",
        ),
        (
            "nothing to finish",
            nothing,
            &["--finish", "--yes"],
            3,
            "no rotation of access key AKIAIOSFODNN7EXAMPLE is in progress",
        ),
        (
            "nothing to take back",
            nothing,
            &["--back"],
            3,
            "no rotation of access key AKIAIOSFODNN7EXAMPLE is in progress",
        ),
        (
            "may not create",
            &|world| {
                world.sandbox.deny(ANA, "CreateAccessKey");
                String::new()
            },
            &["--yes"],
            4,
            "CreateAccessKey",
        ),
        (
            "may not list",
            &|world| {
                world.sandbox.deny(ANA, "ListAccessKeys");
                String::new()
            },
            &["--yes"],
            4,
            "ListAccessKeys",
        ),
        ("a dry run", nothing, &["--dry-run"], 0, ""),
    ];
    for (what, prepare, args, code, says) in cases {
        let world = world();
        let other = prepare(&world);
        let before = at_aws(&world);
        let ran = rotate(&world, args);
        assert!(ran.code == *code && ran.stderr.contains(says), "{what}: {ran:?}");
        assert!(
            other.is_empty()
                || ran.stderr.contains(&format!("{other}: active, created today, last used 3 min ago by s3")),
            "{what}: {ran:?}"
        );
        assert_eq!(at_aws(&world), before, "{what}");
        assert!(credentials(&world).contains(SECRET) && !world.home().join(RECORD).exists(), "{what}");
    }
}

#[test]
fn the_root_users_key_is_not_rotated() {
    let world = world();
    let root = world.sandbox.add_root("123456789012");
    world.write(
        ".aws/credentials",
        &format!(
            "[base]\naws_access_key_id = {}\naws_secret_access_key = {}\n",
            root.access_key_id, root.secret_access_key
        ),
    );
    let ran = rotate(&world, &["--yes"]);
    assert!(
        ran.code == 3 && ran.stderr.contains("belongs to arn:aws:iam::123456789012:root, which is not an IAM user"),
        "{ran:?}"
    );
    assert_eq!(world.sandbox.count("CreateAccessKey"), 0);
}

#[test]
fn a_new_key_that_needs_seconds_to_spread_is_waited_for() {
    let world = with(Options { key_delay: 4, list_delay: 3, ..Options::default() });
    let ran = rotate(&world, &["--yes"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_eq!(at_aws(&world).iter().filter(|(_, active)| *active).count(), 1);
}

#[test]
#[ignore = "long: waits as long as a new key may take"]
fn a_new_key_that_never_works_leaves_both_active_and_stored() {
    let world = with(Options { key_delay: 100_000, ..Options::default() });
    let ran = rotate(&world, &["--yes"]);
    let (new, text) = new_key(&world);
    assert!(
        ran.code == 8 && ran.stderr.contains(&format!("AWS does not accept the new access key {new} yet")),
        "{ran:?}"
    );
    assert!(at_aws(&world).iter().all(|(_, active)| *active));
    let both = credentials(&world);
    assert!(both.contains(SECRET) && both.contains(&format!("[base-new-key]\n{text}")), "{both}");
}

#[test]
fn a_lost_answer_is_said_by_name_and_the_next_run_deletes_the_key_that_nobody_has() {
    let world = with(Options { list_delay: 2, ..Options::default() });
    world.sandbox.fault(Fault::new(FaultKind::DropAfter).on("CreateAccessKey"));
    let ran = rotate(&world, &["--yes"]);
    let (orphan, _) = new_key(&world);
    let says = format!("AWS created access key {orphan}, but its secret was lost with the answer");
    assert!(ran.code == 8 && ran.stderr.contains(&says), "{ran:?}");
    assert_eq!(world.sandbox.count("CreateAccessKey"), 1, "sent once");
    assert!(credentials(&world).contains(SECRET));
    let ran = rotate(&world, &[]);
    assert!(ran.code == 2, "nothing is deleted without a yes: {ran:?}");
    assert!(at_aws(&world).contains(&(orphan.clone(), true)));
    let ran = rotate(&world, &["--yes"]);
    assert!(
        ran.code == 0 && ran.stdout.contains(&format!("created access key {orphan}, whose secret is lost")),
        "{ran:?}"
    );
    let (new, text) = new_key(&world);
    assert_eq!(at_aws(&world), [(KEY_ID.to_owned(), false), (new, true)]);
    assert_eq!(credentials(&world), format!("[base]\n{text}"));
}

#[test]
fn an_answer_that_never_meant_a_key_is_begun_again() {
    let world = world();
    world.sandbox.fault(Fault::new(FaultKind::DropBefore).on("CreateAccessKey"));
    let ran = rotate(&world, &["--yes"]);
    assert!(ran.code == 8 && ran.stderr.contains("it is unclear whether AWS created an access key"), "{ran:?}");
    assert_eq!(rotate(&world, &["--yes"]).code, 0);
    assert_eq!(at_aws(&world).len(), 2);
}

#[test]
fn a_file_that_takes_no_key_gets_none_and_the_new_one_is_deleted_again() {
    let world = world();
    // Another section is in the way, with a key of its own.
    let other = "[base-new-key]\naws_access_key_id = AKIAOTHEROTHEROTHER1\naws_secret_access_key = x\n";
    let before = credentials(&world) + other;
    world.write(".aws/credentials", &before);
    let ran = rotate(&world, &["--yes"]);
    assert!(ran.code != 0, "{ran:?}");
    assert_eq!(at_aws(&world), [(KEY_ID.to_owned(), true)]);
    assert_eq!(credentials(&world), before);
}

#[test]
fn every_section_with_the_old_key_gets_the_new_one_and_every_other_byte_stays() {
    let world = world();
    let text = format!(
        "# keys\n[base]\naws_access_key_id={KEY_ID} \r\naws_secret_access_key = {SECRET}\n\n[other] # mine\n\
         aws_secret_access_key : {SECRET}\naws_access_key_id = {KEY_ID}\n[third]\naws_access_key_id = AKIAOTHEROTHEROTHER1\naws_secret_access_key = x\n"
    );
    let config = world.home().join("elsewhere");
    let config_text = format!(
        "[profile base]\nregion = eu-west-1\nendpoint_url = {}\n[profile in-config]\naws_access_key_id = {KEY_ID}\naws_secret_access_key = {SECRET}\n",
        world.sandbox.url()
    );
    world.write("elsewhere", &config_text);
    world.write(".aws/credentials", &text);
    let mut command = world.twolock(["key", "rotate", "base", "--yes"]);
    let ran = world.finish(command.env("AWS_CONFIG_FILE", &config));
    assert_eq!(ran.code, 0, "{ran:?}");
    for place in ["~/.aws/credentials:3 [base]", "~/.aws/credentials:8 [other]", "~/elsewhere:5 [in-config]"] {
        assert!(ran.stdout.contains(place), "{place}: {ran:?}");
    }
    let new = world.sandbox.keys(ANA).into_iter().find(|key| key.id != KEY_ID).unwrap();
    let swapped = |text: &str| text.replace(KEY_ID, &new.id).replace(SECRET, &new.secret);
    assert_eq!(credentials(&world), swapped(&text));
    assert_eq!(std::fs::read_to_string(config).unwrap(), swapped(&config_text));
}

#[test]
fn two_at_once_are_one_and_a_refusal() {
    let world = with(Options { key_delay: 3, ..Options::default() });
    let start = || {
        let mut command = world.twolock(["key", "rotate", "base", "--yes"]);
        without_terminal(&mut command);
        command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped()).spawn().unwrap()
    };
    let both = [start(), start()].map(|child| world.read(&child.wait_with_output().unwrap()));
    let mut codes = both.each_ref().map(|ran| ran.code);
    codes.sort_unstable();
    assert_eq!(codes, [0, 7], "{both:?}");
    let busy = both.iter().find(|ran| ran.code == 7).unwrap();
    assert!(busy.stderr.contains("is rotating a key"), "{busy:?}");
    assert_eq!(world.sandbox.count("CreateAccessKey"), 1);
}

#[test]
fn after_a_while_login_offers_to_delete_the_old_key() {
    let world = World::new();
    world.log_in("base");
    let ran = world.finish(
        world.twolock(["key", "rotate", "base", "--yes", "--delete-after", "1s"]).env("TWOLOCK_MFA_CODE", world.code()),
    );
    assert_eq!(ran.code, 0, "{ran:?}");
    std::thread::sleep(std::time::Duration::from_secs(2));
    let ran = world.run(["login", "base"]);
    assert!(ran.code == 0 && ran.stderr.contains("to delete it: twolock key rotate base --finish"), "{ran:?}");
    for (answer, left) in [("n\n", 2), ("y\n", 1)] {
        let mut terminal = world.on_terminal(["login", "base"]);
        terminal.sees(&format!("delete the old access key {KEY_ID} now? [y/N] "));
        terminal.types(answer);
        let ran = terminal.end();
        assert_eq!((ran.code, at_aws(&world).len()), (0, left), "{ran:?}");
    }
}

#[test]
fn all_keys_older_than_asked_for_are_rotated_and_younger_ones_left() {
    let world = world();
    let bob = world.sandbox.add_user("123456789012", "bob");
    world.write(
        ".aws/credentials",
        &format!(
            "{}[bob]\naws_access_key_id = {}\naws_secret_access_key = {}\n",
            credentials(&world),
            bob.access_key_id,
            bob.secret_access_key
        ),
    );
    world.add_config("[profile bob]\nregion = eu-west-1\nendpoint_url = {url}\n");
    world.sandbox.set_key_created(&bob.access_key_id, world.sandbox.now() - 61 * 86_400);
    let ran = world.run(["key", "rotate", "--all", "--older-than", "60d", "--yes"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(ran.stdout.contains(&format!("base: access key {KEY_ID}: created today, left alone")), "{ran:?}");
    assert_eq!(at_aws(&world), [(KEY_ID.to_owned(), true)]);
    assert_eq!(world.sandbox.keys(&bob.arn).len(), 2);
}

#[test]
fn a_key_that_was_reactivated_is_deactivated_only_after_a_yes_and_never_deleted_while_active() {
    let world = world();
    assert_eq!(rotate(&world, &["--yes"]).code, 0);
    assert_eq!(rotate(&world, &["--back"]).code, 0);
    assert_eq!(world.run(["status"]).stderr, "", "it is meant to be so");
    let ran = rotate(&world, &["--finish", "--yes"]);
    let says = format!("profile 'base': access key {KEY_ID} is still active, so it is not deleted\n");
    assert!(ran.code == 3 && ran.stderr.contains(&says), "{ran:?}");
    assert_eq!(rotate(&world, &[]).code, 2, "nothing is deactivated without a yes");
    assert!(world.sandbox.key(KEY_ID).unwrap().active);
    let mut terminal = world.on_terminal(["key", "rotate", "base"]);
    terminal.sees("was reactivated; to deactivate it: twolock key rotate base");
    terminal.sees("deactivate the old key? [y/N] ");
    terminal.types("y\n");
    assert_eq!(terminal.end().code, 0);
    assert!(!world.sandbox.key(KEY_ID).unwrap().active);
}

#[test]
fn back_undoes_a_rotation_that_was_interrupted() {
    // Without the second code, the new key is stored and no profile has it.
    let world = World::new();
    let new = stored(&world);
    let doctor = world.run(["doctor"]).stdout;
    assert!(doctor.contains("was interrupted after") && !doctor.contains("no problems"), "{doctor}");
    assert_eq!(rotate(&world, &["--finish", "--yes"]).code, 3);
    assert_eq!(rotate(&world, &["--back"]).code, 2, "a key is deleted only after a yes");
    rotate(&world, &["--back", "--yes"]).is(
        0,
        &format!(
            "profile 'base': the rotation of access key {KEY_ID} was interrupted after {new} was stored; to continue: \
             twolock key rotate base\ndeleted access key {new}\nbase: uses access key {KEY_ID}\n"
        ),
        "",
    );
    assert_eq!(at_aws(&world), [(KEY_ID.to_owned(), true)]);
    assert_eq!(
        credentials(&world),
        format!("[base]\naws_access_key_id = {KEY_ID}\naws_secret_access_key = {SECRET}\n")
    );
    // Of one that never got a key, only the record goes.
    let world = self::world();
    world.sandbox.fault(Fault::new(FaultKind::DropBefore).on("CreateAccessKey"));
    assert_eq!(rotate(&world, &["--yes"]).code, 8);
    rotate(&world, &["--back"]).is(0, &format!("base: uses access key {KEY_ID}\n"), "");
    assert!(!world.home().join(RECORD).exists());
}

/// Whatever happened in the meantime, a key goes only while another one is in use and works.
#[test]
fn the_old_key_is_left_alone_where_the_new_one_is_not_the_one_in_use() {
    type Meanwhile<'a> = &'a dyn Fn(&World, &str, &str);
    let restored: Meanwhile = &|world, old, _| world.write(".aws/credentials", old);
    let deleted: Meanwhile = &|world, _, new| assert!(world.sandbox.delete_key(new));
    let active: Meanwhile = &|world, _, _| assert!(world.sandbox.set_key_active(KEY_ID, true));
    let restored_and_active: Meanwhile = &|world, old, new| {
        restored(world, old, new);
        active(world, old, new);
    };
    let deleted_and_active: Meanwhile = &|world, old, new| {
        deleted(world, old, new);
        active(world, old, new);
    };
    for (what, back, meanwhile, args, code, says) in [
        (
            "restored",
            true,
            restored,
            &["--yes"][..],
            3,
            "is in use again (~/.aws/credentials:2 [base]), so it is left alone",
        ),
        ("restored, then finished", false, restored_and_active, &["--finish", "--yes"], 3, "is in use again"),
        ("active again at AWS", false, active, &["--finish", "--yes"], 3, "is active again, so it is not deleted"),
        (
            "the new one is gone",
            false,
            deleted_and_active,
            &["--finish", "--yes"],
            4,
            "is unknown, inactive or deleted",
        ),
        ("the new one is gone after --back", true, deleted, &["--yes"], 4, "is unknown, inactive or deleted"),
    ] {
        let world = world();
        let old = credentials(&world);
        assert_eq!(rotate(&world, &["--yes"]).code, 0);
        let (new, _) = new_key(&world);
        if back {
            assert_eq!(rotate(&world, &["--back"]).code, 0);
        }
        meanwhile(&world, &old, &new);
        let ran = rotate(&world, args);
        assert!(ran.code == code && ran.stderr.contains(says), "{what}: {ran:?}");
        assert!(world.sandbox.key(KEY_ID).unwrap().active, "{what}");
    }
}

#[test]
fn a_key_that_another_machine_created_is_not_taken_for_a_lost_one() {
    let world = world();
    world.sandbox.fault(Fault::new(FaultKind::DropBefore).on("CreateAccessKey"));
    assert_eq!(rotate(&world, &["--yes"]).code, 8);
    let others = world.sandbox.add_another_key(ANA).unwrap();
    let used = KeyUse { time: world.sandbox.now(), service: "s3".into(), region: "eu-west-1".into() };
    world.sandbox.set_key_used(&others, Some(used));
    let ran = rotate(&world, &["--yes"]);
    assert!(ran.code == 3 && ran.stderr.contains(&format!("{others}: active, created today")), "{ran:?}");
    world.sandbox.set_key_used(&others, None);
    world.sandbox.set_key_created(&others, world.sandbox.now() - 3600);
    assert_eq!(rotate(&world, &["--yes"]).code, 3);
    assert!(at_aws(&world).iter().all(|(_, active)| *active) && at_aws(&world).len() == 2);
}

#[test]
fn an_old_key_that_is_deleted_already_ends_the_rotation() {
    let world = world();
    assert_eq!(rotate(&world, &["--yes"]).code, 0);
    assert!(world.sandbox.delete_key(KEY_ID));
    assert_eq!(rotate(&world, &["--finish", "--yes"]).code, 0);
    assert!(!world.home().join(RECORD).exists());
}

#[test]
fn now_deletes_the_old_key_at_once() {
    let world = world();
    let ran = rotate(&world, &["--yes", "--now"]);
    let (new, _) = new_key(&world);
    assert!(ran.code == 0 && ran.stdout.ends_with(&format!("deleted access key {KEY_ID}\n")), "{ran:?}");
    assert_eq!(at_aws(&world), [(new, true)]);
    assert!(!world.home().join(RECORD).exists());
}

#[test]
fn no_secret_is_printed_or_recorded() {
    let world = world();
    let ran = world.run(["-vv", "key", "rotate", "base", "--yes"]);
    let new = world.sandbox.keys(ANA).into_iter().find(|key| key.id != KEY_ID).unwrap();
    let record = std::fs::read_to_string(world.home().join(RECORD)).unwrap();
    for text in [&ran.stdout, &ran.stderr, &record] {
        assert!(!text.contains(SECRET) && !text.contains(&new.secret), "{text}");
    }
}
