//! `setup`: the first day. With the real AWS CLI, from an empty home: `tests/callers/setup.rs`. Killed anywhere:
//! `tests/faults/setups.rs`.

use std::fs;

use twolock_sandbox::Policy;

use super::profile_edit::{config_of, credentials_of};
use crate::world::desktop::{Desktop, item};
use crate::world::person::{Answer, answering, codes, line};
use crate::world::{DEVICE, Fault, FaultKind, KEY_ID, NewUser, Ran, SECRET, Terminal, World};

const ANA: &str = "arn:aws:iam::123456789012:user/ana";
const NAME: &str = "profile name (Enter for default): ";
const REGION: &str = "region, such as eu-west-1 (Enter for none): ";
const KEY: &str = "access key id, or path of the console's CSV file: ";
const SECRET_KEY: &str = "secret access key (not shown): ";
const ADOPT: &str = "adopt? [y/N] ";
const ROTATE: &str = "rotate it now? [y/N] ";
const TO_GO_ON: &str = "twolock: hint: to continue: twolock setup default\n";

/// Nothing is set up: no AWS files.
fn empty_home() -> World {
    let world = World::new();
    fs::remove_dir_all(world.home().join(".aws")).unwrap();
    world
}

/// Starts it on a terminal, in a shell whose variable names the sandbox.
fn start(desktop: &Desktop, args: &[&str]) -> Terminal {
    let mut command = desktop.world.program(env!("CARGO_BIN_EXE_twolock"));
    command.arg("setup").args(args).env("AWS_ENDPOINT_URL", desktop.world.sandbox.url()).env("TERM", "dumb");
    desktop.dress(&mut command);
    Terminal::start(command)
}

/// Gives these answers first, then those that lead to the end without another key.
fn set_up<'a>(desktop: &'a Desktop, args: &[&str], mut answers: Vec<Answer<'a>>) -> (String, Ran) {
    let usual = [
        line(NAME, ""),
        line(REGION, "eu-west-1"),
        line(KEY, KEY_ID),
        line(SECRET_KEY, SECRET),
        line(ADOPT, "y"),
        line(ROTATE, "n"),
    ];
    answers.extend(usual);
    answers.extend(codes(desktop.world, ANA));
    answering(desktop.world, start(desktop, args), answers)
}

/// Whatever is left needs nobody.
#[track_caller]
fn is_set_up(desktop: &Desktop, name: &str) {
    let mut command = desktop.twolock(&["setup"]);
    let ran = desktop.world.finish(command.env("AWS_ENDPOINT_URL", desktop.world.sandbox.url()));
    ran.is(0, "every profile with an access key is set up; for another one: twolock setup NAME\n", "");
    let mut command = desktop.twolock(&["credential-process", "--profile", name]);
    let ran = desktop.world.finish(command.env("AWS_ENDPOINT_URL", desktop.world.sandbox.url()));
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""), "{ran:?}");
}

#[test]
fn a_typed_key_is_stored_its_users_device_is_taken_and_one_code_opens_the_session() {
    let world = empty_home();
    let desktop = Desktop::empty(&world);
    let (shown, ran) = set_up(&desktop, &[], vec![]);
    assert_eq!(ran.code, 0, "{ran:?} {shown}");
    assert_eq!((world.sandbox.codes_consumed().len(), desktop.planted()), (1, item()));
    assert!(!shown.contains(SECRET) && !ran.stdout.contains(SECRET), "{shown}");
    let config = config_of(&world);
    assert!(config.starts_with(&format!("[default]\nregion = eu-west-1\nmfa_serial = {DEVICE}\n")), "{config}");
    assert!(config.contains("credential_process = ") && !world.home().join(".aws/credentials").exists(), "{config}");
    let steps: Vec<&str> = ran.stdout.lines().filter(|line| line.contains("/5 ")).collect();
    assert_eq!(
        steps,
        ["1/5 access key", "2/5 MFA device", "3/5 AWS CLI and SDKs", "4/5 new access key", "5/5 test"],
        "{ran:?}"
    );
    assert!(ran.stdout.ends_with("profile default is set up\n") && ran.stderr.is_empty(), "{ran:?}");
    is_set_up(&desktop, "default");
}

#[test]
fn each_answer_that_is_wrong_is_asked_again() {
    let world = empty_home();
    let desktop = Desktop::empty(&world);
    let root = world.sandbox.add_root("123456789012");
    fn each<'a>(lines: &[&str]) -> Box<dyn FnMut() -> String + 'a> {
        let mut lines = lines.iter().map(|line| format!("{line}\n")).collect::<Vec<_>>().into_iter();
        Box::new(move || lines.next().expect("asked too often"))
    }
    let answers = vec![
        (NAME, each(&["a b", ""])),
        (REGION, each(&["nowhere!", ""])),
        (KEY, each(&["AKIA", SECRET, "/no/such.csv", KEY_ID, &root.access_key_id, KEY_ID])),
        (SECRET_KEY, each(&["", "wJalrXUtnFEMIK7MDENGbPxRfiCYWRONG0000000", &root.secret_access_key, SECRET])),
    ];
    let (shown, ran) = set_up(&desktop, &[], answers);
    assert_eq!(ran.code, 0, "{ran:?} {shown}");
    assert!(ran.stderr.contains("does not match the one at AWS") && ran.stderr.contains("belongs to the root user"));
    assert!(!shown.contains(&root.secret_access_key) && !ran.stderr.contains(SECRET), "{shown} {ran:?}");
    assert!(shown.contains("the input is not the path of a file\r\n"), "{shown}");
    assert_eq!(desktop.planted(), item());
    // Without a region the AWS CLI may refuse to start.
    assert!(ran.stdout.contains("account  123456789012\n"), "{ran:?}");
    is_set_up(&desktop, "default");
}

#[test]
fn the_key_of_a_csv_file_is_taken_as_it_is_dropped_on_the_terminal() {
    for (file, typed, args) in [
        ("my keys.csv", "'HOME/my keys.csv'", &[][..]),
        ("my keys.csv", "HOME/my\\ keys.csv", &[]),
        ("Downloads/ana_accessKeys.csv", "~/Downloads/ana_accessKeys.csv", &[]),
        ("keys.csv", "", &["work", "--csv", "HOME/keys.csv"]),
    ] {
        let world = empty_home();
        let desktop = Desktop::empty(&world);
        world.write(file, &format!("\u{feff}Access key ID,Secret access key\r\n{KEY_ID},{SECRET}\r\n"));
        let home = |text: &str| text.replace("HOME", world.home().to_str().unwrap());
        let (typed, args): (String, Vec<String>) = (home(typed), args.iter().map(|arg| home(arg)).collect());
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        let (shown, ran) = set_up(&desktop, &args, vec![line(KEY, &typed), line("csv? [y/N] ", "y")]);
        assert_eq!(ran.code, 0, "{typed}: {ran:?} {shown}");
        assert!(!world.home().join(file).exists() && desktop.planted() == item(), "{typed}: {ran:?}");
        is_set_up(&desktop, args.first().unwrap_or(&"default"));
    }
}

#[test]
fn whose_key_is_asked_where_a_csv_file_has_several_and_a_key_that_is_there_is_not_replaced() {
    let world = empty_home();
    let desktop = Desktop::empty(&world);
    let rows = format!(
        "User name,Access key ID,Secret access key\nana,{KEY_ID},{SECRET}\nbob,AKIABOBBOBBOBBOBBOB1,wJalrXUtnFEMIK7MDENGbPxRfiCYBOB00000000\n"
    );
    world.write("keys.csv", &rows);
    let file = world.home().join("keys.csv").to_str().unwrap().to_owned();
    let (shown, ran) = set_up(&desktop, &[], vec![line(KEY, &file), line("whose key ('ana', 'bob'): ", "ana")]);
    assert_eq!(ran.code, 0, "{ran:?} {shown}");
    assert_eq!(desktop.planted(), item());
    assert!(world.home().join("keys.csv").exists(), "it has a key of bob as well");
    let (_, again) = set_up(&desktop, &["default", "--csv", &file, "--user", "bob"], vec![]);
    let why = format!(
        "twolock: error: profile 'default': has access key {KEY_ID} already, and the CSV file another one\n\
         twolock: hint: to store another one in its place: twolock key replace default\n{TO_GO_ON}"
    );
    assert_eq!((again.code, again.stderr.as_str()), (3, why.as_str()));
    // The same command again goes on, whether the file is still there or not.
    for _ in 0..2 {
        let (shown, ran) = set_up(&desktop, &["default", "--csv", &file, "--user", "ana"], vec![]);
        assert_eq!(ran.code, 0, "{ran:?} {shown}");
        let _ = fs::remove_file(&file);
    }
    // Nothing is written for a file that is none.
    let (_, ran) = set_up(&desktop, &["new", "--csv", "/etc/hostname"], vec![]);
    assert!(ran.code == 3 && !config_of(&world).contains("new"), "{ran:?}");
}

#[test]
fn a_key_that_came_from_elsewhere_is_rotated_after_a_stop_as_well() {
    let world = empty_home();
    let desktop = Desktop::empty(&world);
    world.sandbox.deny(ANA, "ListAccessKeys");
    let (_, ran) = set_up(&desktop, &[], vec![(ADOPT, Box::new(|| "\x04".into()))]);
    assert!(ran.code == 9 && ran.stderr.starts_with("twolock: error: cancelled\n"), "{ran:?}");
    let (shown, _) = set_up(&desktop, &[], vec![]);
    assert!(shown.contains(ROTATE), "AWS does not say how old it is: {shown}");
}

#[test]
fn a_key_that_is_found_in_a_file_moves_with_its_roles() {
    for name in ["base", "deploy", ""] {
        let world = World::new();
        let desktop = Desktop::empty(&world);
        let args: &[&str] = if name.is_empty() { &[] } else { &[name] };
        let (shown, ran) = set_up(&desktop, args, vec![]);
        assert_eq!(ran.code, 0, "{name}: {ran:?} {shown}");
        assert!(ran.stdout.starts_with("1/5 access key\nAKIAIOSFODNN7EXAMPLE (~/.aws/credentials:2)\n"), "{ran:?}");
        assert!(ran.stdout.contains("adopted base, prod, deploy, long; try: "), "{ran:?}");
        let said = match name {
            "base" => "",
            "deploy" => {
                "twolock: note: profile 'deploy' is a role that uses the access key of 'base', so 'base' is set up\n"
            }
            _ => "twolock: note: profile 'base' is not set up yet\n",
        };
        assert_eq!(ran.stderr, said);
        assert_eq!((credentials_of(&world).as_str(), desktop.planted()), ("", item()));
        is_set_up(&desktop, "deploy");
    }
}

#[test]
fn several_devices_are_chosen_from_and_where_aws_lists_none_the_arn_is_pasted() {
    let world = empty_home();
    let desktop = Desktop::empty(&world);
    let tablet = world.sandbox.add_device(ANA, "tablet").serial;
    let code = ("MFA code for ", Box::new(|| world.code_of(&tablet) + "\n") as Box<dyn FnMut() -> String>);
    let (shown, ran) = set_up(&desktop, &[], vec![line("tablet", "2"), code]);
    assert_eq!(ran.code, 0, "{ran:?} {shown}");
    assert!(config_of(&world).contains(&format!("mfa_serial = {tablet}\n")), "{ran:?}");

    let world = empty_home();
    let desktop = Desktop::empty(&world);
    world.sandbox.deny(ANA, "ListMFADevices");
    let (shown, ran) = set_up(&desktop, &[], vec![line("Security credentials; Enter for none): ", DEVICE)]);
    assert_eq!(ran.code, 0, "{ran:?} {shown}");
    assert!(config_of(&world).contains(&format!("mfa_serial = {DEVICE}\n")), "{ran:?}");
}

/// A user without any device that shows codes.
const BEA: &str = "arn:aws:iam::123456789012:user/bea";
const BEAS_ID: &str = "AKIAI44QH8DHBEXAMPLE";
const BEAS_SECRET: &str = "je7MtGbClwBFCANARYSECOND0000000000000000";

fn add_bea(world: &World) {
    let (id, secret) = (Some(BEAS_ID.into()), Some(BEAS_SECRET.into()));
    world.sandbox.add(NewUser { arn: BEA.into(), access_key_id: id, secret_access_key: secret }).unwrap();
    world.sandbox.set_policy(BEA, Policy::SelfManaged);
}

fn set_up_bea<'a>(desktop: &'a Desktop, args: &[&str], mut answers: Vec<Answer<'a>>) -> (String, Ran) {
    answers.extend([line(KEY, BEAS_ID), line(SECRET_KEY, BEAS_SECRET), line("enroll? [y/N] ", "y")]);
    answers.extend(codes(desktop.world, BEA));
    set_up(desktop, args, answers)
}

#[test]
fn a_user_with_a_passkey_alone_gets_a_device_in_its_place() {
    let world = World::new();
    add_bea(&world);
    let passkey = world.sandbox.add_passkey(BEA, "laptop").unwrap();
    world.write(".aws/config", &format!("[profile base]\nregion = eu-west-1\nmfa_serial = {passkey}\n"));
    world.write(
        ".aws/credentials",
        &format!("[base]\naws_access_key_id = {BEAS_ID}\naws_secret_access_key = {BEAS_SECRET}\n"),
    );
    let desktop = Desktop::empty(&world);
    let (shown, ran) = set_up_bea(&desktop, &["base"], vec![]);
    assert_eq!(ran.code, 0, "{ran:?} {shown}");
    let config = config_of(&world);
    assert!(config.contains("mfa_serial = arn:aws:iam::123456789012:mfa/bea\n") && !config.contains("u2f"), "{config}");
    assert_eq!(world.sandbox.codes_consumed().len(), 3);
    is_set_up(&desktop, "base");
}

#[test]
fn an_enrollment_that_was_cut_short_is_gone_on_with() {
    let world = empty_home();
    add_bea(&world);
    let desktop = Desktop::empty(&world);
    let (_, ran) = set_up_bea(&desktop, &[], vec![("first code (", Box::new(|| "\x03".into()))]);
    assert_eq!(ran.code, 130, "{ran:?}");
    assert!(ran.stderr.contains("twolock: warning: interrupted; to continue: twolock setup default\n"), "{ran:?}");
    // Its name is taken, and the policy does not let her delete it.
    let (shown, ran) = set_up_bea(&desktop, &["default"], vec![]);
    assert_eq!(ran.code, 0, "{ran:?} {shown}");
    assert!(config_of(&world).contains("mfa_serial = arn:aws:iam::123456789012:mfa/bea-2\n"), "{ran:?}");
    assert!(!ran.stderr.contains("was interrupted"), "no remark that names another command: {ran:?}");
    is_set_up(&desktop, "default");
}

#[test]
fn without_a_network_the_key_is_stored_and_the_next_run_goes_on() {
    let world = empty_home();
    let desktop = Desktop::empty(&world);
    world.sandbox.fault(Fault::new(FaultKind::DropBefore).on("GetCallerIdentity").always());
    let (shown, ran) = set_up(&desktop, &[], vec![]);
    assert_eq!(ran.code, 8, "{ran:?} {shown}");
    assert!(ran.stderr.contains("is stored in the Secret Service but not verified: "), "{ran:?}");
    assert!(ran.stderr.ends_with(TO_GO_ON), "{ran:?}");
    world.sandbox.clear_faults();
    let (shown, ran) = set_up(&desktop, &[], vec![]);
    assert_eq!(ran.code, 0, "{ran:?} {shown}");
    assert!(ran.stdout.contains("verified access key AKIAIOSFODNN7EXAMPLE of user ana of account 123456789012\n"));
    assert!(!shown.contains(KEY), "it was given already: {shown}");
    is_set_up(&desktop, "default");
}

#[test]
fn without_a_keyring_the_credentials_file_is_offered_by_name() {
    let world = empty_home();
    let desktop = Desktop::with_empty_bus(&world);
    fs::remove_dir_all(world.home().join(".local")).unwrap();
    fs::remove_dir_all(world.home().join(".aws")).unwrap();
    let beside = "keep it in [default-keys] of ~/.aws/credentials, where all your programs can read it? [y/N] ";
    let (_, refused) = set_up(&desktop, &[], vec![line(beside, "n")]);
    assert!(refused.code == 9 && refused.stderr.ends_with(TO_GO_ON), "{refused:?}");
    let (shown, ran) = set_up(&desktop, &[], vec![line(beside, "y")]);
    assert_eq!(ran.code, 0, "{ran:?} {shown}");
    let kept = format!("[default-keys]\naws_access_key_id = {KEY_ID}\naws_secret_access_key = {SECRET}\n");
    assert_eq!(credentials_of(&world), kept);
    let config = config_of(&world);
    assert!(
        config.contains("twolock_source_profile = default-keys\n") && config.contains("credential_process"),
        "{config}"
    );
    is_set_up(&desktop, "default");
}

#[test]
fn a_keyring_that_is_locked_or_gone_takes_no_key_and_no_file_gets_it() {
    for is_gone in [false, true] {
        let world = empty_home();
        let mut desktop = Desktop::empty(&world);
        if is_gone {
            desktop.kill_keyring();
        } else {
            desktop.lock();
        }
        let (shown, ran) = set_up(&desktop, &[], vec![]);
        assert_eq!(ran.code, 5, "{ran:?} {shown}");
        assert!(ran.stderr.contains("the Secret Service is locked") && ran.stderr.ends_with(TO_GO_ON), "{ran:?}");
        let found = world.finish(world.program("grep").args(["-rl", SECRET]).arg(world.home()));
        assert_eq!((found.stdout.as_str(), config_of(&world).as_str()), ("", "[default]\nregion = eu-west-1\n"));
    }
}

#[test]
fn without_a_terminal_it_says_so_and_changes_nothing() {
    let world = empty_home();
    let said = "twolock: error: setup asks questions, and there is no terminal to ask on: run it in a terminal\n";
    world.run(["setup"]).is(2, "", said);
    let named = world.run(["setup", "work"]);
    let hint = "twolock: hint: to continue: twolock setup work\n";
    named.is(2, "1/5 access key\n", &format!("{said}{hint}"));
    assert!(!world.home().join(".aws").exists());
}

/// Each question in its turn is not answered; then another run asks on from there, and what was done stays.
#[test]
fn stopped_at_any_question_the_next_run_goes_on_from_there() {
    for (at, question) in [NAME, REGION, KEY, SECRET_KEY, ADOPT, ROTATE, "MFA code for "].into_iter().enumerate() {
        let world = empty_home();
        let desktop = Desktop::empty(&world);
        let (shown, ran) = set_up(&desktop, &[], vec![(question, Box::new(|| "\x04".into()))]);
        // Rotating is optional.
        assert_eq!(ran.code, if question == ROTATE { 0 } else { 9 }, "{question}: {ran:?} {shown}");
        if ![0, 5].contains(&at) {
            assert!(ran.stderr.ends_with(TO_GO_ON), "{question}: {ran:?}");
        }
        if question == ROTATE {
            is_set_up(&desktop, "default");
            continue;
        }
        // Without a name: there is only one that can be meant.
        let (shown, ran) = set_up(&desktop, &[], vec![]);
        if question == "MFA code for " {
            let all = "every profile with an access key is set up; for another one: twolock setup NAME\n";
            assert_eq!((ran.code, ran.stdout.as_str()), (0, all), "{ran:?} {shown}");
            continue;
        }
        assert_eq!(ran.code, 0, "{question}: {ran:?} {shown}");
        assert!(!ran.stderr.contains("nothing was changed"), "{ran:?}");
        for (done, asked) in [NAME, REGION, KEY, SECRET_KEY, ADOPT].into_iter().enumerate() {
            let again = shown.contains(asked);
            // The halves of a key belong together; after the region, the profile is there.
            let is_due = done >= at || (asked == KEY && question == SECRET_KEY) || (at < 2 && done < 2);
            assert_eq!(again, is_due, "{question}, then {asked}: {shown}");
        }
        is_set_up(&desktop, "default");
    }
}

#[test]
fn a_rotation_that_was_cut_short_is_gone_on_with_and_a_new_key_is_not_rotated_again() {
    let world = World::new();
    world.write(".aws/config", &format!("[profile base]\nregion = eu-west-1\nmfa_serial = {DEVICE}\n"));
    let desktop = Desktop::empty(&world);
    world.sandbox.fault(Fault::new(FaultKind::Status(503)).on("UpdateAccessKey").always());
    let rotate = || vec![line(ROTATE, "y"), line("deactivate the old key? [y/N] ", "y")];
    let (shown, ran) = set_up(&desktop, &["base"], rotate());
    assert!(ran.code != 0 && ran.stderr.ends_with("to continue: twolock setup base\n"), "{ran:?} {shown}");
    world.sandbox.clear_faults();
    let (shown, ran) = set_up(&desktop, &["base"], rotate());
    assert_eq!(ran.code, 0, "{ran:?} {shown}");
    let keys = world.sandbox.keys(ANA);
    let active: Vec<&str> = keys.iter().filter(|key| key.active).map(|key| key.id.as_str()).collect();
    assert!(keys.len() == 2 && active.len() == 1 && active[0] != KEY_ID, "{keys:?}");
    for flags in [&["key", "rotate", "base", "--finish", "--yes"][..], &[]] {
        if !flags.is_empty() {
            let mut finish = desktop.twolock(flags);
            assert_eq!(world.finish(finish.env("AWS_ENDPOINT_URL", world.sandbox.url())).code, 0);
        }
        let (shown, ran) = set_up(&desktop, &["base"], vec![line(ROTATE, "?")]);
        assert!(ran.code == 0 && !shown.contains(ROTATE), "{ran:?} {shown}");
        assert!(ran.stdout.contains("4/5 new access key\nnot needed: this one was created here\n"), "{ran:?}");
    }
}

#[test]
fn a_user_with_two_keys_keeps_both_and_is_set_up_all_the_same() {
    let world = empty_home();
    let desktop = Desktop::empty(&world);
    world.sandbox.add_key(ANA, BEAS_ID, BEAS_SECRET).unwrap();
    let (shown, ran) = set_up(&desktop, &[], vec![line(ROTATE, "y")]);
    assert_eq!(ran.code, 0, "{ran:?} {shown}");
    assert!(ran.stdout.contains("\nthe access key stays as it is\n5/5 test\n"), "{ran:?}");
    assert!(ran.stderr.contains(BEAS_ID) && world.sandbox.keys(ANA).iter().all(|key| key.active), "{ran:?}");
    is_set_up(&desktop, "default");
}

#[test]
fn a_key_that_the_keyring_lost_is_asked_for_again() {
    let world = World::new();
    let desktop = Desktop::unlocked(&world);
    desktop.clear();
    let (shown, ran) = set_up(&desktop, &["base"], vec![]);
    assert_eq!(ran.code, 0, "{ran:?} {shown}");
    assert_eq!(ran.stderr, "twolock: note: access key AKIAIOSFODNN7EXAMPLE is no longer in the keyring\n");
    assert_eq!(desktop.planted(), item());
    is_set_up(&desktop, "base");
}

#[test]
fn profiles_that_get_their_credentials_elsewhere_are_left_alone() {
    for (settings, why) in [
        (
            "sso_session = corp\nsso_account_id = 123456789012\nsso_role_name = Admin\n",
            "sso_session 'corp' does not exist",
        ),
        ("credential_process = /bin/other\n", "come from another program"),
        ("role_arn = arn:aws:iam::123456789012:role/Admin\nsource_profile = nobody\n", "'nobody'"),
    ] {
        let world = World::new();
        let config = format!("[profile there]\n{settings}");
        world.write(".aws/config", &config);
        let ran = world.run(["setup", "there"]);
        assert!(ran.code == 3 && ran.stderr.contains(why) && ran.stdout.is_empty(), "{ran:?}");
        assert_eq!(config_of(&world), config);
    }
    let world = World::new();
    let ran = world.run(["setup", "a b"]);
    assert!(ran.code == 2 && ran.stderr.contains("'a b' is not a name that every SDK can use"), "{ran:?}");
}
