use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use super::profile_edit::{config_of, credentials_of};
use crate::world::desktop::{Desktop, item};
use crate::world::{CONFIG, CREDENTIALS, KEY_ID, NewUser, Ran, SECRET, World};

const PROGRAM: &str = env!("CARGO_BIN_EXE_twolock");

/// Another key of Ana.
const SECOND_ID: &str = "AKIAI44QH8DHBEXAMPLE";
const SECOND_SECRET: &str = "je7MtGbClwBFCANARYSECOND0000000000000000";

fn given(world: &World, mut command: Command, input: &str) -> Ran {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    world.read(&child.wait_with_output().unwrap())
}

fn lines(id: &str, secret: &str) -> String {
    format!("{id}\n{secret}\n")
}

/// A desktop where the profile `base` is without its key.
fn without_key(world: &World) -> Desktop<'_> {
    world.write(".aws/credentials", "");
    Desktop::empty(world)
}

fn index_of(world: &World) -> String {
    std::fs::read_to_string(world.home().join(".local/share/twolock/keys.json")).unwrap_or_default()
}

fn item_of(desktop: &Desktop, id: &str) -> String {
    desktop.run("secret-tool", &["lookup", "service", "twolock", "username", id], "")
}

/// AWS is out of reach: nothing listens there.
fn cut_off(world: &World) {
    let config = config_of(world).replace("{url}", "http://127.0.0.1:1");
    world.write(".aws/config", &config);
}

fn reachable(world: &World) {
    let config = config_of(world).replace("http://127.0.0.1:1", "{url}");
    world.write(".aws/config", &config);
}

fn second_key(world: &World, user: &str) {
    let arn = format!("arn:aws:iam::123456789012:user/{user}");
    let (id, secret) = (Some(SECOND_ID.into()), Some(SECOND_SECRET.into()));
    match user {
        "ana" => world.sandbox.add_key(&arn, SECOND_ID, SECOND_SECRET).unwrap(),
        _ => drop(world.sandbox.add(NewUser { arn, access_key_id: id, secret_access_key: secret }).unwrap()),
    }
}

#[test]
fn a_key_is_added_and_works_at_once() {
    let world = World::new();
    let desktop = without_key(&world);
    let ran = given(&world, desktop.twolock(&["key", "add", "base", "--stdin"]), &lines(KEY_ID, SECRET));
    ran.is(0, &format!("stored access key {KEY_ID} of user ana of account 123456789012 in the Secret Service\n"), "");
    assert_eq!(desktop.planted(), item());
    assert!(index_of(&world).contains(r#""account":"123456789012""#) && !index_of(&world).contains("unproved"));
    let mut login = desktop.twolock(&["login", "base"]);
    assert_eq!(world.finish(login.env("TWOLOCK_MFA_CODE", world.code())).code, 0);
    // The same key again changes nothing; another one is a matter of replacing.
    let again = given(&world, desktop.twolock(&["key", "add", "base", "--stdin"]), &lines(KEY_ID, SECRET));
    assert_eq!(again.code, 0, "{again:?}");
    let other = given(&world, desktop.twolock(&["key", "add", "base", "--stdin"]), &lines(SECOND_ID, SECOND_SECRET));
    other.is(
        3,
        "",
        &format!(
            "twolock: error: profile 'base': has access key {KEY_ID} in the keyring already\n\
             twolock: hint: to replace it by a new one: twolock key replace base\n"
        ),
    );
}

#[test]
fn a_key_is_typed_and_its_secret_is_not_shown() {
    let world = World::new();
    let desktop = without_key(&world);
    let mut terminal = desktop.on_terminal(&["key", "add", "base"]);
    for (question, answer) in
        [("access key id: ", format!("{KEY_ID}\n")), ("secret access key (not shown): ", format!("{SECRET}\n"))]
    {
        terminal.sees(question);
        terminal.types(&answer);
    }
    terminal.sees("\n");
    let shown = terminal.shown();
    let ran = terminal.end();
    assert!(ran.code == 0 && ran.stdout.starts_with("stored access key"), "{ran:?}");
    assert!(!shown.contains(SECRET) && desktop.planted().contains(SECRET), "{shown}");
}

#[test]
fn a_key_that_cannot_be_added_is_stored_nowhere() {
    let world = World::new();
    let desktop = Desktop::empty(&world);
    let key = lines(SECOND_ID, SECOND_SECRET);
    for (args, input, code, stderr) in [
        (
            &["bas"][..],
            &key,
            3,
            "profile 'bas': not found in ~/.aws/config or ~/.aws/credentials\ntwolock: hint: did you mean 'base'",
        ),
        (
            &["base"],
            &key,
            3,
            "profile 'base' (~/.aws/config:1): access key AKIAIOSFODNN7EXAMPLE in 'base' of the AWS files would be used instead",
        ),
        (
            &["prod"],
            &key,
            3,
            "profile 'prod': gets its credentials from the access key of profile 'base', and needs none of its own\ntwolock: hint: twolock key add base",
        ),
        (
            &["base", "--yes"],
            &lines(SECOND_ID, "wrong"),
            4,
            "profile 'base': access key AKIAI44QH8DHBEXAMPLE is unknown",
        ),
        (&["base", "--yes"], &"x\n".to_string(), 2, "the first is not a valid access key id"),
    ] {
        let mut command = desktop.twolock(&["key", "add", "--stdin"]);
        command.args(args);
        let ran = given(&world, command, input);
        assert!(ran.code == code && ran.stderr.contains(stderr) && ran.stdout.is_empty(), "{args:?}: {ran:?}");
        assert_eq!((index_of(&world), item_of(&desktop, SECOND_ID)), (String::new(), String::new()), "{args:?}");
    }
    assert_eq!((config_of(&world), credentials_of(&world)), (CONFIG.into(), CREDENTIALS.into()));
}

#[test]
fn a_key_of_the_root_user_is_refused_unless_it_is_forced() {
    let world = World::new();
    let desktop = without_key(&world);
    let root = world.sandbox.add_root("123456789012");
    let key = lines(&root.access_key_id, &root.secret_access_key);
    let ran = given(&world, desktop.twolock(&["key", "add", "base", "--stdin"]), &key);
    ran.is(
        3,
        "",
        &format!(
            "twolock: error: profile 'base': access key {} belongs to the root user of account 123456789012: use a key \
             of an IAM user instead, and delete this one\ntwolock: hint: to store it anyway: key add or key import, with --root\n",
            root.access_key_id
        ),
    );
    assert_eq!((index_of(&world), item_of(&desktop, &root.access_key_id)), (String::new(), String::new()));
    let ran = given(&world, desktop.twolock(&["key", "add", "base", "--stdin", "--root"]), &key);
    assert!(ran.code == 0 && ran.stdout.contains("of root of account 123456789012"), "{ran:?}");
}

#[test]
fn without_a_network_a_key_is_stored_unproved_and_proved_by_the_next_run_without_typing() {
    let world = World::new();
    let desktop = without_key(&world);
    cut_off(&world);
    let ran = given(&world, desktop.twolock(&["key", "add", "base", "--stdin"]), &lines(KEY_ID, SECRET));
    assert!(ran.code == 8 && ran.stdout.is_empty(), "{ran:?}");
    let said = format!("profile 'base': access key {KEY_ID} is stored in the Secret Service but not verified: ");
    assert!(ran.stderr.contains(&said) && ran.stderr.contains("; run this again"), "{ran:?}");
    assert!(index_of(&world).contains(r#""unproved":true"#) && desktop.planted().contains(SECRET));
    assert!(desktop.run_twolock(&["key", "list"]).stdout.contains("not verified yet"));
    assert_eq!(desktop.run_twolock(&["key", "add", "base"]).code, 8, "still cut off");
    reachable(&world);
    let ran = desktop.run_twolock(&["key", "add", "base"]);
    ran.is(0, &format!("verified access key {KEY_ID} of user ana of account 123456789012\n"), "");
    assert!(!index_of(&world).contains("unproved"));
}

#[test]
fn an_unproved_key_that_aws_refuses_is_removed() {
    let world = World::new();
    let desktop = without_key(&world);
    cut_off(&world);
    let typo = SECRET.replace("CANARY", "CANARX");
    assert_eq!(given(&world, desktop.twolock(&["key", "add", "base", "--stdin"]), &lines(KEY_ID, &typo)).code, 8);
    reachable(&world);
    let ran = desktop.run_twolock(&["key", "add", "base"]);
    assert!(ran.code == 4 && ran.stderr.contains("; it was removed from the Secret Service"), "{ran:?}");
    assert_eq!((desktop.planted(), index_of(&world)), (String::new(), r#"{"keys":{},"v":1}"#.into()));
    // The right secret may also be given at once.
    cut_off(&world);
    assert_eq!(given(&world, desktop.twolock(&["key", "add", "base", "--stdin"]), &lines(KEY_ID, &typo)).code, 8);
    reachable(&world);
    assert_eq!(given(&world, desktop.twolock(&["key", "add", "base", "--stdin"]), &lines(KEY_ID, SECRET)).code, 0);
    assert_eq!(desktop.planted(), item());
}

#[test]
fn without_a_keyring_the_credentials_file_is_offered_by_name_on_a_terminal_alone() {
    let world = World::new();
    world.write(".aws/credentials", "");
    let ran = given(&world, world.twolock(["key", "add", "base", "--stdin", "--yes"]), &lines(KEY_ID, SECRET));
    ran.is(
        5,
        "",
        "twolock: error: profile 'base': no persistent keyring is available to store the access key\n\
         twolock: hint: to keep it in 'base-keys' of ~/.aws/credentials, run in a terminal: twolock key add base\n",
    );
    assert_eq!(credentials_of(&world), "");
    for (answer, code) in [("n\n", 9), ("y\n", 0)] {
        let mut terminal = world.on_terminal(["key", "add", "base"]);
        terminal.sees("access key id: ");
        terminal.types(&format!("{KEY_ID}\n"));
        terminal.sees("keep it in [base-keys] of ~/.aws/credentials, where all your programs can read it? [y/N] ");
        terminal.types(answer);
        if code == 0 {
            terminal.sees("secret access key (not shown): ");
            terminal.types(&format!("{SECRET}\n"));
        }
        let ran = terminal.end();
        assert_eq!(ran.code, code, "{ran:?}");
    }
    let beside = format!("[base-keys]\naws_access_key_id = {KEY_ID}\naws_secret_access_key = {SECRET}\n");
    assert_eq!(credentials_of(&world), beside);
    assert!(config_of(&world).contains("twolock_source_profile = base-keys\n"));
    assert_eq!(world.run_with_code(["login", "base"]).code, 0);
}

#[test]
fn a_key_moves_from_the_file_into_the_keyring() {
    let world = World::new();
    let desktop = Desktop::empty(&world);
    let diff = format!(
        "~/.aws/credentials\n- [base]\n- aws_access_key_id = {KEY_ID}\n- aws_secret_access_key = ***\n\
         note: access key {KEY_ID} of 'base' moves to the Secret Service\n\
         note: after this, AWS tools find no credentials for 'base', 'prod', 'deploy', 'long', unless they use twolock: \
         twolock profile adopt base\n"
    );
    desktop.run_twolock(&["key", "import", "base", "--dry-run"]).is(0, &diff, "");
    assert_eq!((credentials_of(&world), desktop.planted()), (CREDENTIALS.into(), String::new()));
    desktop.run_twolock(&["key", "import", "base"]).is(
        2,
        "",
        "twolock: error: confirmation is required, and there is no terminal to ask on: add --yes, or --dry-run to see the change\n",
    );
    let done = "moved the access key of base to the Secret Service\n";
    desktop.run_twolock(&["key", "import", "base", "--yes"]).is(0, &(diff + done), "");
    assert_eq!((credentials_of(&world), desktop.planted()), (String::new(), item()));
    let mut login = desktop.twolock(&["login", "prod"]);
    assert_eq!(world.finish(login.env("TWOLOCK_MFA_CODE", world.code())).code, 0);
    let again = desktop.run_twolock(&["key", "import", "base", "--yes"]);
    let said = format!("twolock: error: profile 'base': has its access key {KEY_ID} in the keyring already\n");
    again.is(3, "", &said);
    desktop.run_twolock(&["key", "import", "--all", "--yes"]).is(
        0,
        "nothing to import: the AWS files have no long-term access key\n",
        "",
    );
    let adopted = desktop.run_twolock(&["profile", "adopt", "base", "--yes"]);
    assert_eq!(adopted.code, 0, "{adopted:?}");
}

#[test]
fn a_profile_of_the_credentials_file_alone_stays_a_profile() {
    let world = World::new();
    world.write(".aws/config", "");
    let desktop = Desktop::empty(&world);
    let mut command = desktop.twolock(&["key", "import", "base", "--yes"]);
    let ran = world.finish(command.env("AWS_ENDPOINT_URL_STS", world.sandbox.url()));
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_eq!((config_of(&world), credentials_of(&world)), ("[profile base]\n".into(), String::new()));
    let mut login = desktop.twolock(&["whoami", "base"]);
    assert_eq!(world.finish(login.env("AWS_ENDPOINT_URL_STS", world.sandbox.url())).code, 0);
}

#[test]
fn keys_that_cannot_be_imported_stay_in_the_file() {
    let world = World::new();
    second_key(&world, "eve");
    let more = format!(
        "[eve]\naws_access_key_id = {SECOND_ID}\naws_secret_access_key = {SECOND_SECRET}\n\
         [old]\naws_access_key_id = AKIAOLDOLDOLDOLDOLD1\naws_secret_access_key = gone\n"
    );
    let credentials = format!("{CREDENTIALS}{more}");
    world.write(".aws/credentials", &credentials);
    world.add_config("[profile eve]\nendpoint_url = {url}\n[profile old]\nendpoint_url = {url}\n");
    let desktop = Desktop::empty(&world);
    // One that AWS refuses: none of the named are moved.
    let ran = desktop.run_twolock(&["key", "import", "base", "old", "--yes"]);
    assert!(ran.code == 4 && ran.stderr.contains("AKIAOLDOLDOLDOLDOLD1 is unknown, inactive or deleted"), "{ran:?}");
    assert_eq!(
        (credentials_of(&world), desktop.planted(), index_of(&world)),
        (credentials.clone(), String::new(), String::new())
    );
    for (name, stderr) in [
        (
            "prod",
            "profile 'prod': has no long-term access key in the AWS files\ntwolock: hint: to type one: twolock key add prod\n",
        ),
        ("nope", "profile 'nope'"),
    ] {
        let ran = desktop.run_twolock(&["key", "import", name, "--yes"]);
        assert!(ran.code == 3 && ran.stderr.contains(stderr), "{ran:?}");
    }
    // All others are.
    let ran = desktop.run_twolock(&["key", "import", "--all", "--yes"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(
        ran.stdout.contains("note: not imported: profile 'old': access key AKIAOLDOLDOLDOLDOLD1 is unknown"),
        "{ran:?}"
    );
    assert!(ran.stdout.ends_with("moved the access key of base, eve to the Secret Service\n"), "{ran:?}");
    assert!(credentials_of(&world).starts_with("[old]\n") && !credentials_of(&world).contains(SECRET));
}

#[test]
fn without_a_network_or_a_keyring_nothing_leaves_the_file() {
    let world = World::new();
    world.run(["key", "import", "base", "--yes"]).is(
        5,
        "",
        "twolock: error: profile 'base': no persistent keyring is available to store the access key, so it stays in the file\n\
         twolock: hint: to move it within the file, so that AWS tools do not bypass twolock: twolock profile adopt base\n",
    );
    let desktop = Desktop::empty(&world);
    cut_off(&world);
    let ran = desktop.run_twolock(&["key", "import", "base", "--yes"]);
    assert!(ran.code == 8 && ran.stderr.contains("is stored in the Secret Service but not verified: "), "{ran:?}");
    assert_eq!((credentials_of(&world), desktop.planted()), (CREDENTIALS.into(), item()));
    reachable(&world);
    assert_eq!(desktop.run_twolock(&["key", "import", "base", "--yes"]).code, 0);
    assert_eq!((credentials_of(&world), desktop.planted()), (String::new(), item()));
    assert!(!index_of(&world).contains("unproved"));
}

#[test]
fn the_key_of_aws_mfa_is_imported_and_its_stale_session_goes() {
    let world = World::new();
    world.write(".aws/config", "[profile other]\nregion = eu-west-1\n");
    world.write(
        ".aws/credentials",
        &format!(
            "[work-long-term]\naws_access_key_id = {KEY_ID}\naws_secret_access_key = {SECRET}\n\
             aws_mfa_device = arn:aws:iam::123456789012:mfa/ana\n\n[work]\nassumed_role = False\n\
             aws_access_key_id = ASIAIOSFODNN7EXAMPLE\naws_secret_access_key = stale\naws_session_token = stale\n\
             aws_security_token = stale\nexpiration = 2020-01-01 00:00:00\n\n[kept]\nregion = us-east-1\n"
        ),
    );
    let desktop = Desktop::empty(&world);
    for args in [&["key", "import", "work", "--yes"][..], &["key", "list"]] {
        let mut command = desktop.twolock(args);
        let ran = world.finish(command.env("AWS_ENDPOINT_URL_STS", world.sandbox.url()));
        assert_eq!(ran.code, 0, "{ran:?}");
    }
    assert_eq!(credentials_of(&world), "[kept]\nregion = us-east-1\n");
    assert!(config_of(&world).ends_with("\n[profile work]\nmfa_serial = arn:aws:iam::123456789012:mfa/ana\n"));
    assert_eq!(desktop.planted(), item());
}

#[test]
fn the_csv_file_of_the_console_is_imported_and_deleted_if_that_is_wanted() {
    let world = World::new();
    let file = |world: &World| world.home().join("accessKeys.csv");
    let desktop = without_key(&world);
    for (flags, answer, is_deleted) in [
        (&["--delete"][..], None, true),
        (&["--yes"], None, false),
        (&[], None, false),
        (&[], Some("n\n"), false),
        (&[], Some("y\n"), true),
    ] {
        world.write("accessKeys.csv", &format!("\u{feff}Access key ID,Secret access key\r\n{KEY_ID},{SECRET}\r\n"));
        let path = file(&world).to_str().unwrap().to_string();
        let args = [&["key", "import", "base", "--csv", &path][..], flags].concat();
        let ran = match answer {
            None => desktop.run_twolock(&args),
            Some(answer) => {
                let mut terminal = desktop.on_terminal(&args);
                terminal.sees("delete ~/accessKeys.csv? [y/N] ");
                terminal.types(answer);
                terminal.end()
            }
        };
        assert_eq!(ran.code, 0, "{ran:?}");
        assert_eq!((desktop.planted(), file(&world).exists()), (item(), !is_deleted), "{flags:?} {answer:?}: {ran:?}");
        let still = "twolock: note: ~/accessKeys.csv still has the secret key: delete it, and its copies\n";
        assert_eq!(ran.stderr.contains(still), !is_deleted, "{ran:?}");
        desktop.clear();
        world.write(".local/share/twolock/keys.json", r#"{"keys":{},"v":1}"#);
    }
}

#[test]
fn a_csv_file_that_is_none_is_refused_and_stays() {
    let world = World::new();
    let desktop = without_key(&world);
    let file = world.home().join("keys.csv");
    let path = file.to_str().unwrap();
    let import = |more: &[&str]| {
        desktop.run_twolock(&[&["key", "import", "base", "--csv", path, "--delete"][..], more].concat())
    };
    import(&[]).is(3, "", "twolock: error: ~/keys.csv does not exist\n");
    let two =
        format!("User name,Access key ID,Secret access key\nana,{KEY_ID},{SECRET}\neve,{SECOND_ID},{SECOND_SECRET}\n");
    world.write("keys.csv", &two);
    import(&[]).is(
        3,
        "",
        "twolock: error: profile 'base': ~/keys.csv: has 2 keys: choose one with --user NAME (users: 'ana', 'eve')\n",
    );
    let unknown = "has no key of user 'bob' (users: 'ana', 'eve')";
    import(&["--user", "bob"]).is(3, "", &format!("twolock: error: profile 'base': ~/keys.csv: {unknown}\n"));
    let ran = import(&["--user", "eve"]);
    assert!(ran.code == 4 && file.exists() && index_of(&world).is_empty(), "{ran:?}");
    let ran = desktop.run_twolock(&["key", "import", "base", "prod", "--csv", path]);
    assert!(ran.code == 2 && ran.stderr.contains("name exactly one"), "{ran:?}");
    let ran = import(&["--user", "ana"]);
    assert!(ran.code == 0 && ran.stderr.contains("is kept: it has keys of other users, too"), "{ran:?}");
    assert!(file.exists(), "eve's key is nowhere else");
}

#[test]
fn a_key_for_a_profile_that_is_not_there_leads_to_the_command_that_adds_it() {
    let world = World::new();
    let desktop = Desktop::empty(&world);
    world.write("keys.csv", &format!("Access key ID,Secret access key\n{KEY_ID},{SECRET}\n"));
    let file = world.home().join("keys.csv");
    let error = "twolock: error: profile 'stage': not found in ~/.aws/config or ~/.aws/credentials\n";
    let add = "twolock: hint: to add it: twolock profile add stage\n";
    for args in [&["import", "stage", "--csv", file.to_str().unwrap()][..], &["add", "stage", "--stdin"]] {
        let ran = desktop.run_twolock(&[&["key"], args].concat());
        ran.is(3, "", &format!("{error}twolock: hint: profiles: 'base', 'prod', 'deploy', 'long'\n{add}"));
    }
    let ran = desktop.run_twolock(&["key", "import", "--csv", file.to_str().unwrap(), "a b"]);
    assert!(ran.code == 3 && !ran.stderr.contains("profile add"), "no tool would find it: {ran:?}");
    world.write(".aws/config", "");
    world.write(".aws/credentials", "");
    desktop.run_twolock(&["key", "import", "stage", "--csv", file.to_str().unwrap()]).is(
        3,
        "",
        &format!("{error}{add}"),
    );
    let ran = desktop.run_twolock(&["profile", "add", "stage"]);
    assert!(
        ran.code == 2 && ran.stderr.contains("missing arguments, and there is no terminal"),
        "it asks on a terminal: {ran:?}"
    );
}

/// A program that prints this, and a line to run it.
fn printing(world: &World, text: &str) -> PathBuf {
    world.write("print-key", &format!("#!/bin/sh\ncat <<'END'\n{text}\nEND\n"));
    let program = world.home().join("print-key");
    crate::world::make_runnable(&program);
    program
}

#[test]
fn a_key_that_another_program_prints_is_imported() {
    let world = World::new();
    let desktop = without_key(&world);
    let import = |line: &str| desktop.run_twolock(&["-vv", "key", "import", "base", "--process", line]);
    let json = |more: &str| format!(r#"{{"Version":1,"AccessKeyId":"{KEY_ID}","SecretAccessKey":"{SECRET}"{more}}}"#);
    let program = printing(&world, &json(r#","SessionToken":"token""#));
    let line = format!("'{}' --no-session", program.display());
    let ran = import(&line);
    assert!(ran.code == 3 && ran.stderr.contains("--process: printed temporary credentials"), "{ran:?}");
    assert!(!ran.stderr.contains(SECRET) && desktop.planted().is_empty());
    for (line, code, why) in [
        ("print-key | cat", 2, "--process: uses shell syntax: '|'"),
        ("./print-key", 2, "--process: must be an absolute path or a name on PATH: './print-key'"),
        ("twolock-no-such", 2, "--process: program not found: 'twolock-no-such'"),
        ("twolock", 2, "if you trust it, use its absolute path: "),
        ("/bin/false", 4, "--process: 'false' exited with 1"),
        ("echo wJalrXUtnFEMI/K7MDENG", 3, "--process: 'echo' printed something other than one JSON object"),
    ] {
        let ran = import(line);
        assert!(ran.code == code && ran.stderr.contains(why), "{line}: {ran:?}");
        assert!(!ran.stderr.contains("one JSON object wJalr"), "{ran:?}");
    }
    printing(&world, &json(""));
    let ran = import(&line);
    assert!(ran.code == 0 && !ran.stderr.contains(SECRET) && !ran.stdout.contains(SECRET), "{ran:?}");
    assert_eq!(desktop.planted(), item());
}

#[test]
fn the_list_says_where_each_key_is_and_which_are_not_used() {
    let world = World::new();
    cut_off(&world);
    let note = "twolock: note: AWS did not answer about every key, so ages may be minimums: STS at 127.0.0.1:1, not AWS, refused the connection\n";
    world.run(["key", "list"]).is(
        0,
        &format!("PROFILE  ACCESS KEY            AGE      WHERE                 NOTE\nbase     {KEY_ID}  unknown  ~/.aws/credentials:2\n"),
        note,
    );
    let entry = |id: &str, days| format!(r#"{{"access_key_id":"{id}","added":"{}"}}"#, days_ago(days));
    world.write(
        ".local/share/twolock/keys.json",
        &format!(
            r#"{{"v":1,"keys":{{"base":{},"gone":{},"prod":{}}}}}"#,
            entry(KEY_ID, 12),
            entry("AKIAOLDOLDOLDOLDOLD1", 100),
            entry(SECOND_ID, 0)
        ),
    );
    world.run(["key", "list"]).is(
        0,
        &format!(
            "PROFILE  ACCESS KEY            AGE                WHERE                 NOTE\n\
             base     {KEY_ID}  at least 12 days   ~/.aws/credentials:2\n\
             base     {KEY_ID}  at least 12 days   OS keyring            unused\n\
             prod     {SECOND_ID}  added today        OS keyring            unused\n\
             gone     AKIAOLDOLDOLDOLDOLD1  at least 100 days  OS keyring            unused, older than 90d\n"
        ),
        note,
    );
    let json = world.run(["key", "list", "--json"]).json();
    let keys = json["keys"].as_array().unwrap();
    assert_eq!(
        (&keys[0]["where"], &keys[0]["file"], &keys[0]["line"], &keys[0]["days_at_least"]),
        (&"file".into(), &"~/.aws/credentials".into(), &2.into(), &12.into())
    );
    assert_eq!(keys[1]["unused"], "the AWS files have a key that is used instead");
    assert_eq!(keys[2]["unused"], "the profile does not use it");
    assert_eq!((&keys[3]["profile"], &keys[3]["unused"]), (&"gone".into(), &"its profile does not exist".into()));
    world.write(".aws/credentials", "");
    world.write(".local/share/twolock/keys.json", r#"{"keys":{},"v":1}"#);
    world.run(["key", "list"]).is(0, "no access keys in the AWS files or the keyring\n", "");
}

fn days_ago(days: u32) -> String {
    let output = Command::new("date").args(["-u", "-d", &format!("{days} days ago"), "+%Y-%m-%dT%H:%M:%SZ"]).output();
    String::from_utf8(output.unwrap().stdout).unwrap().trim().into()
}

#[test]
fn an_exported_key_is_the_one_that_was_imported() {
    let world = World::new();
    let desktop = Desktop::empty(&world);
    let exported = desktop.run_twolock(&["key", "export", "base", "--yes"]);
    exported.is(0, CREDENTIALS, "");
    assert_eq!(desktop.run_twolock(&["key", "import", "base", "--yes"]).code, 0);
    desktop.run_twolock(&["key", "export", "base", "--yes"]).is(0, CREDENTIALS, "");
    for (at, secret) in ["a/b+c==", "0", SECOND_SECRET].into_iter().enumerate() {
        let id = format!("AKIAODDODDODDODDODD{at}");
        world.sandbox.add_key("arn:aws:iam::123456789012:user/ana", &id, secret).unwrap();
        let section = format!("[base]\naws_access_key_id = {id}\naws_secret_access_key = {secret}\n");
        world.write(".aws/credentials", &section);
        assert_eq!(desktop.run_twolock(&["key", "import", "base", "--yes"]).code, 0);
        assert_eq!(credentials_of(&world), "");
        desktop.run_twolock(&["key", "export", "base", "--yes"]).is(0, &section, "");
    }
    desktop.run_twolock(&["key", "export", "base"]).is(
        2,
        "",
        "twolock: error: confirmation is required, and there is no terminal to ask on: add --yes\n",
    );
    desktop.run_twolock(&["key", "export", "prod", "--yes"]).is(
        3,
        "",
        "twolock: error: profile 'prod': has no access key of its own: its credentials come from profile 'base'\n\
         twolock: hint: twolock key export base\n",
    );
    let mut terminal = desktop.on_terminal(&["key", "export", "base"]);
    terminal.sees("print access key AKIAODDODDODDODDODD2 of 'base' with its secret? [y/N] ");
    terminal.types("n\n");
    terminal.end().is(9, "", "twolock: error: cancelled; nothing was changed\n");
}

#[test]
fn a_key_is_shown_on_a_terminal_only_if_that_is_asked_for() {
    let world = World::new();
    let run = |args: &[&str]| {
        let line = args.iter().fold(PROGRAM.to_string(), |line, word| line + " " + word);
        let mut command = world.program("script");
        command.args(["-qec", &line, "/dev/null"]);
        world.finish(&mut command)
    };
    let ran = run(&["key", "export", "base", "--yes"]);
    assert!(ran.code == 2 && ran.stdout.contains("stdout is a terminal") && !ran.stdout.contains(SECRET), "{ran:?}");
    let ran = run(&["key", "export", "base", "--yes", "--to-terminal"]);
    assert!(ran.code == 0 && ran.stdout.contains(SECRET), "{ran:?}");
}

#[test]
fn a_key_that_was_rotated_elsewhere_takes_the_place_of_the_old_one() {
    let world = World::new();
    let desktop = Desktop::unlocked(&world);
    let entry = format!(r#"{{"access_key_id":"{KEY_ID}","account":"123456789012"}}"#);
    world.write(".local/share/twolock/keys.json", &format!(r#"{{"v":1,"keys":{{"base":{entry},"twin":{entry}}}}}"#));
    world.add_config("[profile twin]\nmfa_serial = arn:aws:iam::123456789012:mfa/ana\nendpoint_url = {url}\n");
    let mut login = desktop.twolock(&["login", "prod"]);
    assert_eq!(world.finish(login.env("TWOLOCK_MFA_CODE", world.code())).code, 0);
    second_key(&world, "ana");
    let replace = |more: &[&str], input: &str| {
        let args = [&["key", "replace", "base", "--stdin"][..], more].concat();
        given(&world, desktop.twolock(&args), input)
    };
    let key = lines(SECOND_ID, SECOND_SECRET);
    let ran = replace(&["--yes"], &lines(KEY_ID, SECRET));
    ran.is(2, "", &format!("twolock: error: profile 'base': access key {KEY_ID} is already stored for it\n"));
    let ran = replace(&["--yes"], &lines(SECOND_ID, "wrong"));
    assert_eq!((ran.code, item_of(&desktop, SECOND_ID)), (4, String::new()), "{ran:?}");
    let notes = format!(
        "note: access key {SECOND_ID} replaces {KEY_ID} of 'base', 'twin', user ana of account 123456789012\n\
         note: 2 sessions made with the old key will end here\n\
         note: {KEY_ID} is removed from the keyring last; AWS accepts it until you delete it there\n"
    );
    replace(&["--dry-run"], &key).is(0, &notes, "");
    assert_eq!(desktop.planted(), item());
    let done = format!("replaced the access key of base; now deactivate {KEY_ID} in the console\n");
    replace(&["--yes"], &key).is(0, &(notes + &done), "");
    assert_eq!(desktop.planted(), "");
    assert!(item_of(&desktop, SECOND_ID).contains(SECOND_SECRET) && !index_of(&world).contains(KEY_ID));
    assert!(desktop.run_twolock(&["status"]).stdout.starts_with("no active sessions\n"));
    let mut login = desktop.twolock(&["login", "twin"]);
    assert_eq!(world.finish(login.env("TWOLOCK_MFA_CODE", world.code())).code, 0);
}

#[test]
fn a_key_of_somebody_else_replaces_nothing() {
    let world = World::new();
    let desktop = Desktop::unlocked(&world);
    second_key(&world, "eve");
    let key = lines(SECOND_ID, SECOND_SECRET);
    let replace = |name: &str| given(&world, desktop.twolock(&["key", "replace", name, "--stdin", "--yes"]), &key);
    replace("base").is(
        3,
        "",
        "twolock: error: profile 'base': the new access key belongs to user eve of account 123456789012, but the old one to \
         user ana of account 123456789012: nothing was replaced\n\
         twolock: hint: if that is what you want: twolock key remove base && twolock key add base\n",
    );
    let ran = replace("prod");
    assert!(ran.code == 3 && ran.stderr.contains("has no access key in the keyring to replace"), "{ran:?}");
    // An old key that no longer answers cannot tell its user, but its account is known.
    world.sandbox.set_key_active(KEY_ID, false);
    assert_eq!(replace("base").code, 0);
    world.write(".aws/credentials", CREDENTIALS);
    let ran = replace("base");
    assert!(ran.code == 3 && ran.stderr.contains("twolock key import base"), "{ran:?}");
}

#[test]
fn a_key_is_removed_from_the_keyring_but_not_while_it_is_needed() {
    let world = World::new();
    let desktop = Desktop::unlocked(&world);
    let notes = format!(
        "note: access key {KEY_ID} of 'base' is removed from the keyring; this may be its last copy\n\
         note: still needed by 'base', 'prod', 'deploy', 'long'\n\
         note: AWS accepts the key until you delete it: IAM > Users > Security credentials in the console\n"
    );
    for name in ["base", KEY_ID] {
        desktop.run_twolock(&["key", "remove", name]).is(
            3,
            "",
            &format!(
                "twolock: error: access key {KEY_ID} is still needed by 'base', 'prod', 'deploy', 'long': add --yes to \
                 remove it anyway\ntwolock: hint: to replace it: twolock key replace base\n"
            ),
        );
        desktop.run_twolock(&["key", "remove", name, "--dry-run"]).is(0, &notes, "");
    }
    assert_eq!(desktop.planted(), item());
    let done = format!("removed access key {KEY_ID}\n");
    desktop.run_twolock(&["key", "remove", "base", "--yes"]).is(0, &(notes + &done), "");
    assert_eq!((desktop.planted(), index_of(&world)), (String::new(), r#"{"keys":{},"v":1}"#.into()));
    for (name, why) in [
        ("base", "profile 'base': has no access key in the keyring\n"),
        ("prod", "profile 'prod': has no access key in the keyring\n"),
        ("nope", "profile 'nope': not found"),
        (SECOND_ID, "access key AKIAI44QH8DHBEXAMPLE is neither in the keyring nor in the key index\n"),
    ] {
        let ran = desktop.run_twolock(&["key", "remove", name, "--yes"]);
        assert!(ran.code == 3 && ran.stderr.contains(why), "{name}: {ran:?}");
    }
}

#[test]
fn what_no_profile_names_any_more_is_removed_without_force() {
    let world = World::new();
    let desktop = Desktop::unlocked(&world);
    // An item without an entry.
    world.write(".local/share/twolock/keys.json", r#"{"keys":{},"v":1}"#);
    let ask = format!("note: access key {KEY_ID} is removed from the keyring; this may be its last copy\n");
    let mut terminal = desktop.on_terminal(&["key", "remove", KEY_ID]);
    terminal.sees(&ask.replace('\n', "\r\n"));
    terminal.sees("remove it? [y/N] ");
    terminal.types("y\n");
    terminal.end().is(0, &format!("removed access key {KEY_ID}\n"), "");
    assert_eq!(desktop.planted(), "");
    // Entries of two profiles, one of which is gone.
    desktop.plant(&item(), &[]);
    let entry = format!(r#"{{"access_key_id":"{KEY_ID}"}}"#);
    world.write(".local/share/twolock/keys.json", &format!(r#"{{"v":1,"keys":{{"base":{entry},"gone":{entry}}}}}"#));
    let mut command = desktop.twolock(&["key", "remove", "gone", "--yes"]);
    let ran = world.finish(&mut command);
    let stays = "stays in the keyring, because profile 'base' uses it too";
    let said = format!("note: access key {KEY_ID} of 'gone' {stays}\nremoved access key {KEY_ID} of 'gone'\n");
    ran.is(0, &said, "");
    assert_eq!(desktop.planted(), item());
}

#[test]
fn a_key_in_a_file_is_not_the_keyrings_to_remove() {
    let world = World::new();
    let ran = world.run(["key", "remove", "base", "--yes"]);
    ran.is(
        3,
        "",
        "twolock: error: profile 'base': has no access key in the keyring: the AWS files have it\n\
         twolock: hint: to remove it there: twolock profile unset base aws_access_key_id aws_secret_access_key\n",
    );
}
