use std::io::Write;
use std::process::{Command, Stdio};

use super::profile_edit::{config_of, credentials_of};
use crate::world::desktop::Desktop;
use crate::world::{ADMIN, CONFIG, CREDENTIALS, DEVICE, KEY_ID, Ran, SECRET, World};

const PROGRAM: &str = env!("CARGO_BIN_EXE_twolock");

fn with_input(world: &World, mut command: Command, input: &str) -> Ran {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // An invalid command line is refused before stdin is read.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    world.read(&child.wait_with_output().unwrap())
}

fn add(world: &World, args: &[&str], input: &str) -> Ran {
    let mut command = world.twolock(["profile", "add"]);
    command.args(args);
    with_input(world, command, input)
}

#[test]
fn a_role_added_by_flags_works_at_once() {
    let world = World::new();
    let args = [
        "new",
        "--role-arn",
        ADMIN,
        "--source-profile",
        "base",
        "--region",
        "eu-north-1",
        "--duration-seconds",
        "1800",
    ];
    let diff = format!(
        "~/.aws/config\n+ [profile new]\n+ region = eu-north-1\n+ twolock_role_arn = {ADMIN}\n+ twolock_source_profile = base\n\
         + duration_seconds = 1800\n+ credential_process = {PROGRAM} credential-process --profile new\n"
    );
    add(&world, &[&args[..], &["--dry-run"]].concat(), "").is(0, &diff, "");
    assert_eq!(config_of(&world), CONFIG);
    let done = "added new; try: aws --profile new sts get-caller-identity\n";
    add(&world, &[&args[..], &["--yes"]].concat(), "").is(0, &(diff + done), "");
    assert!(config_of(&world).starts_with(CONFIG));
}

#[test]
fn a_key_from_stdin_is_stored_only_in_the_keyring() {
    let world = World::new();
    world.write(".aws/credentials", "");
    world.write(".aws/config", "");
    let desktop = Desktop::empty(&world);
    let url = world.sandbox.url().to_string();
    let mut command = desktop.twolock(&["profile", "add", "me", "--stdin", "--mfa-serial", DEVICE, "--yes"]);
    command.env("AWS_ENDPOINT_URL_STS", &url);
    let ran = with_input(&world, command, &format!("{KEY_ID}\n{SECRET}\n"));
    ran.is(
        0,
        &format!(
            "~/.aws/config\n+ [profile me]\n+ mfa_serial = {DEVICE}\n\
             + credential_process = {PROGRAM} credential-process --profile me\n\
             note: access key {KEY_ID} goes to the Secret Service\nadded me; try: twolock whoami me\n"
        ),
        "",
    );
    assert!(desktop.planted().contains(SECRET));
    assert_eq!(credentials_of(&world), "");
    let mut login = desktop.twolock(&["login", "me"]);
    login.env("AWS_ENDPOINT_URL_STS", &url).env("TWOLOCK_MFA_CODE", world.code());
    assert_eq!(world.finish(&mut login).code, 0);
}

#[test]
fn without_a_keyring_a_key_is_refused_and_written_nowhere() {
    let world = World::new();
    let error = "twolock: error: profile 'me': no persistent keyring is available to store the access key\n";
    let keep = "twolock: hint: to keep it in ~/.aws/credentials: aws configure --profile me";
    // Nothing is read from stdin before.
    let whole = world.twolock(["profile", "add", "me", "--stdin", "--mfa-serial", DEVICE, "--yes"]);
    with_input(&world, whole, "").is(
        5,
        "",
        &format!("{error}{keep} && twolock profile set me mfa_serial {DEVICE} && twolock profile adopt me\n"),
    );
    let mut terminal = world.on_terminal(["profile", "add", "me"]);
    terminal.sees("(key, role): ");
    terminal.types("key\n");
    let then = "twolock: hint: then set its MFA device (twolock profile set me mfa_serial ARN), and run: \
                twolock profile adopt me\n";
    terminal.end().is(5, "", &format!("{error}{keep}\n{then}"));
    assert_eq!((config_of(&world), credentials_of(&world)), (CONFIG.into(), CREDENTIALS.into()));
}

#[test]
fn a_key_that_aws_refuses_is_not_stored() {
    let world = World::new();
    let desktop = Desktop::empty(&world);
    let mut command = desktop.twolock(&["profile", "add", "me", "--stdin", "--mfa-serial", DEVICE, "--yes"]);
    command.env("AWS_ENDPOINT_URL_STS", world.sandbox.url());
    let ran = with_input(&world, command, &format!("{KEY_ID}\nwrong\n"));
    assert_eq!(ran.code, 4, "{ran:?}");
    assert_eq!((desktop.planted(), config_of(&world)), (String::new(), CONFIG.into()));
}

#[test]
fn a_device_of_another_account_is_noticed_before_anything_is_written() {
    let world = World::new();
    let desktop = Desktop::empty(&world);
    let device = "arn:aws:iam::444455556666:mfa/ana";
    let mut command = desktop.twolock(&["profile", "add", "me", "--stdin", "--mfa-serial", device, "--yes"]);
    command.env("AWS_ENDPOINT_URL_STS", world.sandbox.url());
    let ran = with_input(&world, command, &format!("{KEY_ID}\n{SECRET}\n"));
    assert_eq!(ran.code, 3, "{ran:?}");
    let cause =
        format!("access key {KEY_ID} belongs to account 123456789012, but its mfa_serial to account 444455556666");
    assert_eq!(ran.stderr, format!("twolock: error: profile 'me': {cause}\n"));
    assert_eq!((config_of(&world), credentials_of(&world)), (CONFIG.into(), CREDENTIALS.into()));
}

#[test]
fn invalid_input_is_refused_before_anything_is_written() {
    let world = World::new();
    let desktop = Desktop::empty(&world);
    let role = ["--role-arn", ADMIN, "--source-profile", "base", "--yes"];
    let key = ["new", "--stdin", "--mfa-serial", DEVICE, "--yes"];
    for (args, input, code, cause) in [
        (&[&["base"][..], &role].concat()[..], "", 2, "'base' already exists (~/.aws/config:1)"),
        (&[&["a%b"][..], &role].concat(), "", 2, "'a%b' is not a name that every SDK can use"),
        (
            &["new", "--role-arn", ADMIN, "--source-profile", "nope", "--yes"],
            "",
            3,
            "source profile 'nope' is not a profile",
        ),
        (&["new", "--role-arn", "Admin", "--yes"], "", 2, "it is not a valid role ARN"),
        (&["new", "--role-arn", ADMIN, "--yes"], "", 2, "missing arguments, and there is no terminal to ask on"),
        (&["new", "--yes"], "", 2, "missing arguments, and there is no terminal to ask on"),
        (&[], "", 2, "missing arguments, and there is no terminal to ask on"),
        (&["new", "--stdin", "--yes"], "AKIAIOSFODNN7EXAMPLE\nx\n", 2, "an access key requires an MFA device"),
        (&key, "", 2, "a line is missing"),
        (&key, "AKIAIOSFODNN7EXAMPLE\n", 2, "a line is missing"),
        (&key, "secret\nx\n", 2, "the first is not a valid access key id"),
        (&key, "ASIAIOSFODNN7EXAMPLE\nx\n", 2, "the first is a temporary key"),
        (&key, "AKIAIOSFODNN7EXAMPLE\na b\n", 2, "the second contains characters that are not valid in a secret key"),
        (
            &["new", "--stdin", "--mfa-serial", "arn:aws:iam::123456789012:u2f/user/ana", "--yes"],
            "AKIAIOSFODNN7EXAMPLE\nx\n",
            2,
            "is a FIDO key or passkey",
        ),
        (&["new", "--stdin", "--role-arn", ADMIN], "", 2, "cannot be used with"),
        (&["new", "--region", "eu west", "--yes"], "", 2, "it is not a valid region name"),
        (&[&["new", "--external-id", "x"][..], &role].concat(), "", 2, "external_id 'x' is not a valid external ID"),
        (&[&["new", "--duration-seconds", "5"][..], &role].concat(), "", 2, "duration_seconds '5' is out of range"),
    ] {
        let mut command = desktop.twolock(&["profile", "add"]);
        command.args(args);
        let ran = with_input(&world, command, input);
        assert!(ran.code == code && ran.stdout.is_empty() && ran.stderr.contains(cause), "{args:?}: {ran:?}");
        assert!(!ran.stderr.contains("secret\n") && !ran.stderr.contains("a b"), "{ran:?}");
    }
    assert_eq!((config_of(&world), credentials_of(&world)), (CONFIG.into(), CREDENTIALS.into()));
}

#[test]
fn missing_values_are_asked_for_and_the_secret_is_not_shown() {
    let world = World::new();
    world.write(".aws/credentials", "");
    world.write(".aws/config", "");
    let desktop = Desktop::empty(&world);
    let mut command = world.program(PROGRAM);
    desktop.dress(command.args(["profile", "add"]).env("AWS_ENDPOINT_URL_STS", world.sandbox.url()));
    let mut terminal = crate::world::Terminal::start(command);
    for (question, answer) in [
        ("name of the new profile: ", "\n"),
        ("nothing was typed; another empty line cancels", ""),
        ("name of the new profile: ", "a b\n"),
        ("'a b' is not a name that every SDK can use", ""),
        ("name of the new profile: ", "me\n"),
        ("an access key, or a role assumed from another profile? (key, role): ", "key\n"),
        ("access key id: ", &format!("{KEY_ID}\n")),
        ("secret access key (not shown): ", &format!("{SECRET}\n")),
        ("ARN of its MFA device (console: IAM, Users, Security credentials): ", "ana\n"),
        ("'ana' ", ""),
        ("ARN of its MFA device (console: IAM, Users, Security credentials): ", &format!("{DEVICE}\n")),
        ("region (Enter for none): ", "\n"),
        ("+ [profile me]", ""),
        ("add? [y/N] ", "y\n"),
    ] {
        terminal.sees(question);
        terminal.types(answer);
    }
    let shown = terminal.shown();
    terminal.end().is(0, "added me; try: twolock whoami me\n", "");
    assert!(!shown.contains(SECRET), "{shown}");
    assert!(desktop.planted().contains(SECRET));
}

#[test]
fn the_device_of_the_new_keys_user_is_offered() {
    for (answer, asks) in [("y\n", false), ("n\n", true)] {
        let world = World::new();
        world.write(".aws/credentials", "");
        world.write(".aws/config", "");
        let desktop = Desktop::empty(&world);
        let mut command = world.program(PROGRAM);
        desktop.dress(command.args(["profile", "add", "me"]).env("AWS_ENDPOINT_URL", world.sandbox.url()));
        let mut terminal = crate::world::Terminal::start(command);
        for (question, answer) in [
            ("(key, role): ", "key\n"),
            ("access key id: ", &*format!("{KEY_ID}\n")),
            ("secret access key (not shown): ", &format!("{SECRET}\n")),
            (&format!("use {DEVICE}? [y/n]: "), answer),
        ] {
            terminal.sees(question);
            terminal.types(answer);
        }
        if asks {
            terminal.sees("ARN of its MFA device");
            terminal.types(&format!("{DEVICE}\n"));
        }
        terminal.sees("region (Enter for none): ");
        terminal.types("\n");
        terminal.sees(&format!("+ mfa_serial = {DEVICE}"));
        terminal.sees("add? [y/N] ");
        terminal.types("y\n");
        let ran = terminal.end();
        let note = format!("twolock: note: profile 'me': no mfa_serial; user ana has the MFA device {DEVICE}\n");
        assert!(ran.code == 0 && ran.stderr == note, "{ran:?}");
    }
}

#[test]
fn a_key_is_not_read_from_a_terminal_that_would_show_it() {
    let terminal = World::new().on_terminal(["profile", "add", "me", "--stdin"]);
    let said = "twolock: error: profile 'me': --stdin reads two lines, access key id and secret: it is a terminal\n\
                twolock: hint: to type the key without showing it: twolock profile add me\n";
    terminal.end().is(2, "", said);
}

#[test]
fn two_empty_answers_cancel() {
    let mut terminal = World::new().on_terminal(["profile", "add"]);
    for seen in ["name of the new profile: ", "another empty line cancels"] {
        terminal.sees(seen);
        terminal.types("\n");
    }
    terminal.end().is(9, "", "twolock: error: cancelled; nothing was changed\n");
}

#[test]
fn a_secret_that_differs_from_the_stored_one_is_asked_for_again() {
    let world = World::new();
    let desktop = Desktop::empty(&world);
    desktop.plant(&format!(r#"{{"v":1,"access_key_id":"{KEY_ID}","secret_access_key":"{SECRET}"}}"#), &[]);
    let mut terminal = desktop.on_terminal(&["profile", "add", "new"]);
    for (question, answer) in [
        ("(key, role): ", "key\n"),
        ("access key id: ", &format!("{KEY_ID}\n")),
        ("secret access key (not shown): ", &format!("{}\n", SECRET.replace("CANARY", "CANARX"))),
        ("is not the secret of this key id: the keyring has another one, which AWS accepted", ""),
        ("secret access key (not shown): ", &format!("{SECRET}\n")),
        ("ARN of its MFA device", "\x04"),
    ] {
        terminal.sees(question);
        terminal.types(answer);
    }
    terminal.end().is(9, "", "twolock: error: cancelled; nothing was changed\n");
}

#[test]
fn a_profile_that_lacks_only_credentials_gets_them_and_keeps_its_settings() {
    let world = World::new();
    world.add_config("[profile bare]\nregion = eu-west-1\n");
    let args = ["bare", "--role-arn", ADMIN, "--source-profile", "base", "--yes"];
    let ran = add(&world, &args, "");
    let added = format!(
        "[profile bare]\nregion = eu-west-1\ntwolock_role_arn = {ADMIN}\ntwolock_source_profile = base\n\
         credential_process = {PROGRAM} credential-process --profile bare\n"
    );
    assert!(ran.code == 0 && config_of(&world).ends_with(&added), "{ran:?}");
    let again = add(&world, &args, "");
    assert!(again.code == 2 && again.stderr.contains("'bare' already exists (~/.aws/config:24)"), "{again:?}");
}

#[test]
fn a_secret_given_for_the_key_id_is_not_repeated() {
    let world = World::new();
    let desktop = Desktop::empty(&world);
    let slashes = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
    let csv = format!("{KEY_ID},{slashes}");
    const SWAPPED: &str = "looks like the secret key: are the two lines swapped?";
    for (text, why) in [
        (SECRET, SWAPPED),
        (slashes, SWAPPED),
        (&slashes[..25], SWAPPED),
        (&csv, "contains more than an access key id: is the secret key on the same line?"),
    ] {
        let command = desktop.twolock(&["profile", "add", "new", "--stdin", "--mfa-serial", DEVICE, "--yes"]);
        let ran = with_input(&world, command, &format!("{text}\n{KEY_ID}\n"));
        let line = "twolock: error: profile 'new': --stdin reads two lines, access key id and secret: the first ";
        assert!(ran.stderr.starts_with(&format!("{line}{why}")) && ran.code == 2, "{ran:?}");
        assert!(!ran.stderr.contains(&text[text.len() - 20..]) && ran.stdout.is_empty(), "{ran:?}");
        let mut terminal = desktop.on_terminal(&["profile", "add", "new"]);
        for (question, answer) in [("(key, role): ", "key\n"), ("access key id: ", &format!("{text}\n"))] {
            terminal.sees(question);
            terminal.types(answer);
        }
        terminal.sees(&format!("the input {why}"));
        terminal.sees("access key id: ");
        assert_eq!(terminal.shown().matches(text).count(), 1, "the echo alone: {}", terminal.shown());
        terminal.types("\x04");
        terminal.end().is(9, "", "twolock: error: cancelled; nothing was changed\n");
    }
    let command = desktop.twolock(&["profile", "add", "new", "--stdin", "--mfa-serial", DEVICE, "--yes"]);
    let ran = with_input(&world, command, &format!("{KEY_ID}\n{KEY_ID}\n"));
    assert!(ran.stderr.contains("the second looks like an access key id: are the two lines swapped?"), "{ran:?}");
}

#[test]
fn cancelling_any_question_changes_nothing() {
    let world = World::new();
    let desktop = Desktop::empty(&world);
    for answers in [
        &["\x04"][..],
        &["me\n", "\x04"],
        &["me\n", "role\n", "\x04"],
        &["me\n", "key\n", "AKIAIOSFODNN7EXAMPLE\n", "\x04"],
    ] {
        let mut terminal = desktop.on_terminal(&["profile", "add"]);
        for answer in answers {
            terminal.sees(": ");
            terminal.types(answer);
        }
        terminal.end().is(9, "", "twolock: error: cancelled; nothing was changed\n");
    }
    assert_eq!((config_of(&world), credentials_of(&world)), (CONFIG.into(), CREDENTIALS.into()));
}
