//! `key list`: what the machine knows of each key, and what IAM says. Without IAM: `key.rs`.

use std::time::Instant;

use twolock_sandbox::{Clock, KeyUse, Policy};

use crate::world::desktop::Desktop;
use crate::world::{CREDENTIALS, Fault, FaultKind, KEY_ID, NewUser, Ran, World};

const ANA: &str = "arn:aws:iam::123456789012:user/ana";
const BOB: &str = "arn:aws:iam::123456789012:user/team/bob";
const SECOND_ID: &str = "AKIAI44QH8DHBEXAMPLE";
const BOBS_ID: &str = "AKIABOBBOBBOBBOBBOB1";
const BOBS_SECRET: &str = "je7MtGbClwBFCANARYBOBBOB0000000000000000";
const DAY: i64 = 86_400;

/// Ana's key of 40 days, used 3 h ago by s3.
fn world() -> World {
    let world = World::new();
    world.sandbox.set_key_created(KEY_ID, world.sandbox.now() - 40 * DAY);
    // What is asked here would count as a use.
    world.log_in("base");
    world
}

fn used(world: &World, id: &str, seconds_ago: i64, service: &str) {
    let time = world.sandbox.now() - seconds_ago;
    let last = KeyUse { time, service: service.into(), region: "eu-west-1".into() };
    assert!(world.sandbox.set_key_used(id, Some(last)));
}

fn add_bob(world: &World) {
    let (id, secret) = (Some(BOBS_ID.into()), Some(BOBS_SECRET.into()));
    world.sandbox.add(NewUser { arn: BOB.into(), access_key_id: id, secret_access_key: secret }).unwrap();
    world.add_config("[profile bob]\nendpoint_url = {url}\nregion = eu-west-1\n");
    let section = format!("[bob]\naws_access_key_id = {BOBS_ID}\naws_secret_access_key = {BOBS_SECRET}\n");
    world.write(".aws/credentials", &(CREDENTIALS.to_owned() + &section));
}

fn list(world: &World) -> Ran {
    let ran = world.run(["key", "list"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    ran
}

/// The cells of the row of a key.
fn row(ran: &Ran, id: &str) -> Vec<String> {
    let line = ran.stdout.lines().find(|line| line.contains(id)).unwrap_or_else(|| panic!("{id}: {ran:?}"));
    line.split("  ").map(str::trim).filter(|cell| !cell.is_empty()).map(String::from).collect()
}

#[test]
fn each_user_is_asked_once_and_its_other_key_is_a_row_too() {
    let world = world();
    add_bob(&world);
    // Two profiles share Bob's key.
    world.add_config(&format!(
        "[profile bob-too]\nendpoint_url = {{url}}\naws_access_key_id = {BOBS_ID}\naws_secret_access_key = {BOBS_SECRET}\n"
    ));
    world.sandbox.add_key(ANA, SECOND_ID, "elsewhere").unwrap();
    world.sandbox.set_key_active(SECOND_ID, false);
    world.sandbox.set_key_created(BOBS_ID, world.sandbox.now() - 70 * DAY);
    used(&world, KEY_ID, 3 * 3_600, "s3");
    world.sandbox.forget_calls();
    list(&world).is(
        0,
        &format!(
            "PROFILE  ACCESS KEY            STATUS    AGE      LAST USED        WHERE                 NOTE\n\
             base     {KEY_ID}  active    40 days  3 h ago by s3    ~/.aws/credentials:2\n\
             -        {SECOND_ID}  inactive  today    never            not on this machine   of user ana\n\
             bob      {BOBS_ID}  active    70 days  just now by iam  ~/.aws/credentials:5  due in 20d\n\
             bob-too  {BOBS_ID}  active    70 days  just now by iam  ~/.aws/config:30      due in 20d\n"
        ),
        "",
    );
    for (action, times) in [("GetCallerIdentity", 2), ("ListAccessKeys", 2), ("GetAccessKeyLastUsed", 3)] {
        assert_eq!(world.sandbox.count(action), times, "{action}");
    }
    let keys = world.run(["key", "list", "--json"]).json()["keys"].clone();
    for (at, fields) in [
        (
            0,
            [
                ("profile", "\"base\""),
                ("where", "\"file\""),
                ("days", "40"),
                ("days_at_least", "40"),
                ("max_days", "90"),
            ],
        ),
        (
            1,
            [
                ("where", "\"elsewhere\""),
                ("status", "\"inactive\""),
                ("days", "0"),
                ("never_used", "true"),
                ("profile", "null"),
            ],
        ),
        (
            2,
            [
                ("status", "\"active\""),
                ("days", "70"),
                ("rotation", "null"),
                ("unused", "null"),
                ("user", &format!("\"{BOB}\"")),
            ],
        ),
    ] {
        for (name, value) in fields {
            assert_eq!(keys[at][name].to_string(), value, "{at} {name}: {keys}");
        }
    }
    let last = &keys[0]["last_used"];
    assert_eq!((last["service"].as_str(), last["region"].as_str()), (Some("s3"), Some("eu-west-1")), "{keys}");
    assert!(last["when"].as_str().unwrap().ends_with('Z') && keys[0]["created"].as_str().unwrap().ends_with('Z'));
}

#[test]
fn what_iam_says_of_the_age_stays_known() {
    let world = world();
    world.sandbox.set_key_created(KEY_ID, world.sandbox.now() - 60 * DAY);
    assert!(world.run(["status"]).stdout.contains("  unknown\n"));
    assert_eq!(row(&list(&world), KEY_ID)[3], "60 days");
    let ran = world.run(["status"]);
    assert!(ran.stdout.contains("  60 days\n"), "{ran:?}");
    assert!(ran.stderr.contains(&format!("access key {KEY_ID} is 60 days old (maximum 90)")), "{ran:?}");
    world.sandbox.deny(ANA, "ListAccessKeys");
    assert_eq!(row(&list(&world), KEY_ID)[2..], ["60 days", "~/.aws/credentials:2", "not listed by AWS"]);
}

#[test]
fn without_an_answer_the_machine_tells_what_it_knows() {
    type Prepare<'a> = &'a dyn Fn(&World);
    let deny: Prepare = &|world| assert!(world.sandbox.deny(ANA, "ListAccessKeys"));
    let deny_use: Prepare = &|world| assert!(world.sandbox.deny(ANA, "GetAccessKeyLastUsed"));
    let gone: Prepare = &|world| {
        world.run(["logout", "--all"]);
        world.sandbox.set_key_active(KEY_ID, false);
    };
    let stale: Prepare = &|world| {
        let session = world.sandbox.sessions()[0].access_key_id.clone();
        world.sandbox.revoke_session(&session);
    };
    let broken: Prepare = &|world| {
        world.add_config(
            "[profile a]\nendpoint_url = ftp://x\nsource_profile = a\n[profile b]\nregion = nowhere at all\n",
        );
        let other = format!("[b]\naws_access_key_id = {SECOND_ID}\naws_secret_access_key = x\n");
        world.write(".aws/credentials", &(CREDENTIALS.to_owned() + &other));
    };
    let skewed: Prepare = &|world| world.sandbox.set_clock(Clock::Offset(-7_200));
    let html: Prepare = &|world| world.sandbox.fault(Fault { times: None, ..Fault::new(FaultKind::HtmlBody) });
    for (what, prepare, cells, note) in [
        ("denied", deny, &["unknown", "~/.aws/credentials:2", "not listed by AWS"][..], ""),
        ("last use denied", deny_use, &["active", "40 days", "~/.aws/credentials:2"], ""),
        (
            "a wrong clock",
            skewed,
            &["unknown", "~/.aws/credentials:2", "refused by AWS"],
            "minimums: access key AKIAIOSFODNN7EXAMPLE is refused; to see why: twolock whoami base",
        ),
        (
            "inactive",
            gone,
            &["unknown", "~/.aws/credentials:2", "refused by AWS"],
            "minimums: access key AKIAIOSFODNN7EXAMPLE is refused; to see why: twolock whoami base",
        ),
        ("a stale session", stale, &["active", "40 days", "just now by iam", "~/.aws/credentials:2"], ""),
        ("other profiles are broken", broken, &["active", "40 days", "just now by sts", "~/.aws/credentials:2"], ""),
        (
            "a portal",
            html,
            &["unknown", "~/.aws/credentials:2"],
            "note: AWS did not answer about every key, so ages may be minimums: ",
        ),
    ] {
        let world = world();
        prepare(&world);
        let ran = list(&world);
        assert_eq!(row(&ran, KEY_ID)[2..], *cells, "{what}: {ran:?}");
        assert!(ran.stderr.contains(note) && note.is_empty() == ran.stderr.is_empty(), "{what}: {ran:?}");
    }
}

#[test]
fn where_iam_needs_mfa_a_session_is_used_and_no_code_is_asked_for() {
    let world = World::new();
    world.sandbox.set_policy(ANA, Policy::SelfManaged);
    let ran = list(&world);
    assert_eq!(row(&ran, KEY_ID)[2..], ["unknown", "~/.aws/credentials:2", "not listed by AWS"], "{ran:?}");
    world.log_in("prod");
    assert_eq!(row(&list(&world), KEY_ID)[2], "active");
}

#[test]
fn an_unreachable_endpoint_is_tried_once_and_the_list_is_not_slow() {
    let world = World::new();
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", silent.local_addr().unwrap());
    let (mut config, mut credentials) = (String::new(), String::new());
    for at in 0..20 {
        config += &format!("[profile p{at}]\nregion = eu-west-1\nendpoint_url = {url}\n");
        credentials += &format!("[p{at}]\naws_access_key_id = AKIAMANYMANYMANYMA{at:02}\naws_secret_access_key = x\n");
    }
    world.write(".aws/config", &config);
    world.write(".aws/credentials", &credentials);
    let begun = Instant::now();
    let ran = list(&world);
    assert!(begun.elapsed().as_secs() < 6, "{:?}", begun.elapsed());
    assert_eq!((ran.stdout.lines().count(), ran.stderr.lines().count()), (21, 1), "{ran:?}");
    silent.set_nonblocking(true).unwrap();
    let tried = std::iter::from_fn(|| silent.accept().ok()).count();
    assert!((1..=3).contains(&tried), "one call and its repetitions: {tried}");
}

#[test]
fn a_locked_keyring_stays_locked_and_a_session_lists_its_keys_all_the_same() {
    let world = World::new();
    let desktop = Desktop::unlocked(&world);
    world.sandbox.set_key_created(KEY_ID, world.sandbox.now() - 40 * DAY);
    desktop.lock();
    let ran = desktop.run_twolock(&["key", "list"]);
    let note =
        "twolock: note: AWS did not answer about every key, so ages may be minimums: the Secret Service is locked\n";
    assert_eq!((ran.code, ran.stderr.as_str()), (0, note), "{ran:?}");
    assert_eq!(row(&ran, KEY_ID)[2..], ["unknown", "OS keyring"]);
    let unlocked = Desktop::unlocked(&world);
    let mut login = unlocked.twolock(&["login", "base"]);
    assert_eq!(world.finish(login.env("TWOLOCK_MFA_CODE", world.code())).code, 0);
    unlocked.lock();
    let ran = unlocked.run_twolock(&["key", "list"]);
    assert_eq!((row(&ran, KEY_ID)[3].as_str(), ran.stderr.as_str()), ("40 days", ""), "{ran:?}");
}

#[test]
fn the_new_key_of_an_unfinished_rotation_is_its_profiles_and_the_old_one_is_named_after_it() {
    let world = World::new();
    world.log_in("base");
    let mut declined = world.on_terminal(["key", "rotate", "base", "--yes"]);
    declined.sees("MFA code for ");
    declined.types("\x04");
    assert_eq!(declined.end().code, 9);
    let new = world.sandbox.keys(ANA).into_iter().find(|key| key.id != KEY_ID).unwrap().id;
    let ran = list(&world);
    assert!(!ran.stdout.contains("base-new-key"), "{ran:?}");
    let pending = row(&ran, &new);
    assert_eq!(
        (pending[0].as_str(), &pending[2..4], pending.last().unwrap().as_str()),
        ("base", &["active".to_owned(), "today".to_owned()][..], "new key of a rotation"),
        "{ran:?}"
    );
    assert_eq!(world.run(["key", "list", "--json"]).json()["keys"][1]["rotation"], "new");
    assert_eq!(world.run_with_code(["key", "rotate", "base", "--yes"]).code, 0);
    let ran = list(&world);
    let old = row(&ran, KEY_ID);
    assert_eq!((old[0].as_str(), old[2].as_str()), ("base", "inactive"));
    assert_eq!(old[5..], ["not on this machine", "old key"], "{ran:?}");
}

#[test]
fn keys_near_and_beyond_their_maximum_age_are_named_and_styled_on_a_terminal() {
    for (days, is_active, note, style) in [
        (60, true, None, ""),
        (70, true, Some("due in 20d"), "\x1b[1m"),
        (95, true, Some("older than 90d"), "\x1b[1;31m"),
        (95, false, None, ""),
    ] {
        let world = World::new();
        world.sandbox.set_key_created(KEY_ID, world.sandbox.now() - days * DAY);
        world.log_in("base");
        world.sandbox.set_key_active(KEY_ID, is_active);
        let ran = list(&world);
        assert_eq!(row(&ran, KEY_ID).get(6).map(String::as_str), note, "{ran:?}");
        for (no_color, style) in [(None, style), (Some("1"), "")] {
            let mut command = world.program("script");
            command.args(["-qec", "stty cols 200; twolock key list", "/dev/null"]).env("TERM", "xterm");
            let ran = world.finish(command.envs(no_color.map(|it| ("NO_COLOR", it))));
            assert!(
                ran.stdout.lines().any(|line| line.starts_with(&format!("{style}base"))),
                "{days} {no_color:?}: {ran:?}"
            );
        }
    }
}

#[test]
fn a_list_fits_80_columns_and_no_key_id_is_cut() {
    let world = world();
    add_bob(&world);
    let narrow = || world.finish(world.twolock(["key", "list"]).env("COLUMNS", "80")).stdout;
    assert_eq!(
        narrow(),
        format!(
            "PROFILE  ACCESS KEY            AGE      LAST USED        WHERE              NOTE\n\
             base     {KEY_ID}  40 days  just now by sts  ~/.aws/c…ntials:2\n\
             bob      {BOBS_ID}  today    just now by iam  ~/.aws/c…ntials:5\n"
        )
    );
    world.sandbox.set_key_active(BOBS_ID, false);
    assert!(narrow().lines().all(|line| line.chars().count() <= 80), "{}", narrow());
    assert!(narrow().contains("refused by AWS") && narrow().contains(BOBS_ID), "{}", narrow());
}
