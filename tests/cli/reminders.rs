//! The reminder to rotate a key: one line on stderr of `status`, `login` and `env`, and nowhere else.

use std::process::Command;

use crate::world::{CONFIG, CREDENTIALS, KEY_ID, Options, Ran, World};

const STATE: &str = ".local/state/twolock/state.json";
const INDEX: &str = ".local/share/twolock/keys.json";
const DAY: i64 = 86_400;

fn moment(seconds_ago: i64) -> String {
    let output = Command::new("date").args(["-u", "-d", &format!("{seconds_ago} seconds ago"), "+%FT%TZ"]).output();
    String::from_utf8(output.unwrap().stdout).unwrap().trim().into()
}

/// The index has had Ana's key for so many days.
fn added(world: &World, days: i64) {
    let entry = format!(r#"{{"access_key_id":"{KEY_ID}","added":"{}"}}"#, moment(days * DAY));
    world.write(INDEX, &format!(r#"{{"v":1,"keys":{{"base":{entry}}}}}"#));
}

/// AWS has said that the key is so old.
fn created(world: &World, days: i64) {
    world.write(STATE, &format!(r#"{{"v":1,"keys":{{"{KEY_ID}":{{"created":"{}"}}}}}}"#, moment(days * DAY)));
}

fn reminder(age: &str, most: u32) -> String {
    format!("twolock: note: profile 'base': access key {KEY_ID} {age} (maximum {most}): twolock key rotate base\n")
}

/// What `status` says some days later.
fn status_after(world: &World, days: f64) -> String {
    let mut later = world.program("faketime");
    later.args(["-f", &format!("+{days}d"), env!("CARGO_BIN_EXE_twolock"), "status", "base"]);
    let ran = world.finish(&mut later);
    assert_eq!(ran.code, 0, "{ran:?}");
    ran.stderr
}

#[test]
fn once_at_half_and_at_three_quarters_of_the_maximum_age_and_then_once_a_day() {
    let world = World::new();
    added(&world, 0);
    for (day, age) in [
        (44.0, None),
        (45.1, Some(45)),
        (45.2, None),
        (60.0, None),
        (67.6, Some(67)),
        (68.0, None),
        (89.9, None),
        (90.1, Some(90)),
        (90.2, None),
        (91.0, None),
        (91.2, Some(91)),
        (200.0, Some(200)),
    ] {
        let said = age.map(|days| reminder(&format!("is at least {days} days old"), 90)).unwrap_or_default();
        assert_eq!(status_after(&world, day), said, "day {day}");
    }
    // The clock was wrong: a reminder in the future neither repeats nor silences others.
    assert_eq!(status_after(&world, 50.0), reminder("is at least 50 days old", 90));
    assert_eq!(status_after(&world, 50.0), "");
    assert_eq!(status_after(&world, 90.5), reminder("is at least 90 days old", 90));
}

#[test]
fn three_verbs_remind_and_programs_hear_nothing() {
    let said = reminder("is 95 days old", 90);
    let with_code =
        |world: &World, args: &[&str]| world.finish(world.twolock(args).env("TWOLOCK_MFA_CODE", world.code()));
    for (args, reminds) in [
        (&["login", "prod"][..], true),
        (&["env", "base"], true),
        (&["env", "prod", "--format", "json"], true),
        (&["status"], true),
        (&["status", "deploy"], true),
        (&["status", "--json"], false),
        (&["status", "base", "--min-ttl", "1s"], false),
        (&["credential-process", "base"], false),
        (&["credential-process", "--profile", "base"], false),
        (&["exec", "base", "--", "true"], false),
        (&["whoami", "base"], false),
        (&["env", "--unset"], false),
        (&["profile", "list"], false),
    ] {
        let world = World::new();
        created(&world, 95);
        let ran = with_code(&world, args);
        assert_eq!(ran.stderr.contains(&said), reminds, "{args:?}: {ran:?}");
        assert_eq!(ran.stderr.matches("key rotate").count(), usize::from(reminds), "{args:?}: {ran:?}");
        let again = with_code(&world, &["status"]);
        assert_eq!(again.stderr, if reminds { "" } else { &said }, "{args:?}");
    }
}

#[test]
fn nothing_is_said_of_a_key_of_unknown_age_or_in_a_rotation_or_where_nothing_can_be_kept() {
    let world = World::new();
    world.run(["status"]);
    assert!(!world.home().join(STATE).exists());
    created(&world, 95);
    world.write(
        ".local/share/twolock/rotations.json",
        &format!(
            r#"{{"v":1,"rotations":[{{"user":"arn:aws:iam::123456789012:user/ana","profile":"base","old":"{KEY_ID}",
            "before":["{KEY_ID}"],"began":"{}","delete_after":{{"secs":1,"nanos":0}},"phase":"creating"}}]}}"#,
            moment(0)
        ),
    );
    let ran = world.run(["status"]);
    assert!(ran.stderr.contains("was interrupted") && !ran.stderr.contains("days old"), "{ran:?}");
    std::fs::remove_file(world.home().join(".local/share/twolock/rotations.json")).unwrap();
    world.write(STATE, &std::fs::read_to_string(world.home().join(STATE)).unwrap().replace(r#""v":1"#, r#""v":2"#));
    added(&world, 95);
    assert_eq!(world.run(["status"]).stderr, "", "a newer twolock keeps it");
}

fn with_ages(config: &str) -> World {
    let world = World::new();
    world.write(".aws/config", config);
    created(&world, 20);
    world
}

#[test]
fn the_smallest_maximum_of_the_profiles_that_use_a_key_counts() {
    let of_base = CONFIG.replace("[profile base]\n", "[profile base]\ntwolock_key_max_age = 60d\n");
    let of_both = of_base.replace("[profile prod]\n", "[profile prod]\nTwoLock_Key_Max_Age = 30d\n");
    let invalid = of_base.replace("[profile prod]\n", "[profile prod]\ntwolock_key_max_age = 5h\n");
    for (what, config, most) in [
        ("the setting", CONFIG.to_owned(), Some(25)),
        ("a longer one of its profile", of_base, None),
        ("a shorter one of a role", of_both, Some(30)),
        ("an invalid one", invalid, None),
    ] {
        let world = with_ages(&config);
        assert_eq!(world.run(["settings", "set", "key_max_age", "25d"]).code, 0);
        let said = most.map(|most| reminder("is 20 days old", most)).unwrap_or_default();
        assert_eq!(world.run(["status"]).stderr, said, "{what}");
    }
}

#[test]
fn an_invalid_maximum_is_refused_and_told_where_the_profile_is_used() {
    let world = World::new();
    for (value, why) in [
        ("0", "is not a valid duration (use 90d)"),
        ("soon", "is not a valid duration (use 90d)"),
        ("90", "is out of range: 1d to 3650d (use 90d)"),
        ("23h", "is out of range: 1d to 3650d (use 90d)"),
        ("3651d", "is out of range: 1d to 3650d (use 90d)"),
    ] {
        let ran = world.run(["profile", "set", "base", "twolock_key_max_age", value, "--yes"]);
        ran.is(2, "", &format!("twolock: error: profile 'base': twolock_key_max_age '{value}' {why}\n"));
    }
    assert_eq!(world.run(["profile", "set", "base", "twolock_key_max_age", "30d", "--yes"]).code, 0);
    assert!(world.run(["profile", "show", "base"]).stdout.contains("twolock_key_max_age  30d"));
    world.add_config("[profile odd]\nregion = eu-west-1\nendpoint_url = {url}\ntwolock_key_max_age = 5h\n");
    world.write(".aws/credentials", &CREDENTIALS.replace("[base]", "[odd]"));
    let ran = world.run(["env", "odd"]);
    let note =
        "note: profile 'odd': twolock_key_max_age '5h' is out of range: 1d to 3650d (use 90d), so it is ignored\n";
    assert!(ran.code == 0 && ran.stderr.ends_with(note), "{ran:?}");
    assert_eq!(world.run(["credential-process", "odd"]).stderr, "");
}

#[test]
fn twelve_keys_over_their_maximum_are_one_reminder_a_day() {
    let world = World::new();
    let id = |n: usize| format!("AKIAI44QH8DHBEXAMP{n:02}");
    let sections = |n| format!("[u{n}]\naws_access_key_id = {}\naws_secret_access_key = x\n", id(n));
    world.write(".aws/config", "");
    world.write(".aws/credentials", &(0..12).map(sections).collect::<String>());
    let created: Vec<String> =
        (0..12).map(|n| format!(r#""{}":{{"created":"{}"}}"#, id(n), moment((100 + n as i64) * DAY))).collect();
    world.write(STATE, &format!(r#"{{"v":1,"keys":{{{}}}}}"#, created.join(",")));
    let said: Vec<String> = (0..4).map(|_| world.run(["status"]).stderr).collect();
    let first = format!(
        "twolock: note: profile 'u11': access key {} is 111 days old (maximum 90): twolock key rotate u11; and 11 others: \
         twolock key list\n",
        id(11)
    );
    assert_eq!(said, [&first, "", "", ""]);
    assert_eq!(world.finish(world.twolock(["status", "u3"]).stdin(std::process::Stdio::null())).stderr, "");
}

#[test]
fn a_list_of_iam_that_was_read_anyway_tells_the_age_from_then_on() {
    let world = World::new();
    world.write(".aws/config", "[profile base]\nregion = eu-west-1\nendpoint_url = {url}\n");
    world.sandbox.set_key_created(KEY_ID, world.sandbox.now() - 200 * DAY);
    added(&world, 0);
    assert_eq!(world.run(["status"]).stderr, "");
    assert_eq!(world.run(["key", "rotate", "base", "--dry-run"]).code, 0);
    assert_eq!(world.run(["status"]).stderr, reminder("is 200 days old", 90));
}

#[test]
fn one_line_tells_of_the_key_that_is_oldest_for_its_profile() {
    let other = "AKIAI44QH8DHBEXAMPLE";
    let world = World::with(Options::default());
    let young = "[profile young]\ntwolock_key_max_age = 30d\n";
    world.write(".aws/config", &format!("[profile base]\nregion = eu-west-1\n{young}"));
    world.write(
        ".aws/credentials",
        &format!("{CREDENTIALS}[young]\naws_access_key_id = {other}\naws_secret_access_key = x\n"),
    );
    let entry = |id: &str, days| format!(r#""{id}":{{"created":"{}"}}"#, moment(days * DAY));
    world.write(
        STATE,
        &format!(
            r#"{{"v":1,"keys":{{{},{},{}}}}}"#,
            entry(KEY_ID, 95),
            entry(other, 60),
            entry("AKIAOLDOLDOLDOLDOLD1", 1)
        ),
    );
    let of_young = reminder("is 60 days old", 30).replace("base", "young").replace(KEY_ID, other);
    let with_the_other = of_young.replace("rotate young\n", "rotate young; and 1 other: twolock key list\n");
    for said in [with_the_other, String::new()] {
        assert_eq!(world.run(["status"]).stderr, said);
    }
    assert_eq!(status_after(&world, 0.9), "", "one reminder a day in all");
    assert_eq!(status_after(&world, 1.1), reminder("is 96 days old", 90));
    assert!(!std::fs::read_to_string(world.home().join(STATE)).unwrap().contains("AKIAOLDOLD"), "that key is gone");
    // Only the keys of the profile that is asked about.
    created(&world, 95);
    let ran: Ran = world.run(["status", "young"]);
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
}
