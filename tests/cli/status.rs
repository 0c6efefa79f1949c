use serde_json::json;

use crate::rounded;
use crate::world::World;

const KEYS: &str = "\nKEY OF  ACCESS KEY            WHERE                 AGE\n\
                    base    AKIAIOSFODNN7EXAMPLE  ~/.aws/credentials:2  unknown\n\n\
                    sessions: the kernel keyring, until reboot or three days unused; access keys: the AWS files\n";

#[test]
fn at_first_there_are_no_active_sessions() {
    World::new().run(["status"]).is(0, &format!("no active sessions\n{KEYS}"), "");
}

#[test]
fn each_session_with_its_account_kind_device_and_time() {
    let world = World::new();
    world.log_in("prod");
    let ran = world.run(["status"]);
    let sessions = "PROFILE  ACCOUNT       KIND         DEVICE  LEFT\n\
                    prod     123456789012  role Admin   ana     1h\n\
                    prod     123456789012  MFA session  ana     12h\n";
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
    assert_eq!(rounded(&ran.stdout), format!("{sessions}{KEYS}"));
    assert_eq!(world.run(["status", "deploy"]).stdout.matches("\nprod ").count(), 1, "only what deploy uses");
}

#[test]
fn json_omits_missing_fields() {
    let world = World::new();
    world.log_in("prod");
    let json = world.run(["status", "--json"]).json();
    let role = &json["sessions"][0];
    assert!((3_590..=3_600).contains(&role["seconds_left"].as_u64().unwrap()), "{json}");
    assert!(role["expires"].as_str().unwrap().ends_with('Z'));
    assert_eq!(
        (&role["profile"], &role["kind"], &role["account"], &role["mfa_serial"], &role["role_arn"]),
        (
            &json!("prod"),
            &json!("role"),
            &json!("123456789012"),
            &json!("arn:aws:iam::123456789012:mfa/ana"),
            &json!("arn:aws:iam::123456789012:role/Admin")
        )
    );
    let session = json["sessions"][1].as_object().unwrap();
    assert!(!session.contains_key("role_arn") && session.values().all(|v| !v.is_null() && v != ""), "{json}");
    assert_eq!(
        json["keys"],
        json!([{"profile": "base", "access_key_id": "AKIAIOSFODNN7EXAMPLE", "where": "~/.aws/credentials:2", "age": "unknown"}])
    );
}

#[test]
fn where_sessions_and_keys_are_kept_is_one_line_and_one_json_field() {
    let world = World::new();
    let kept = || {
        let line = world.run(["status"]).stdout.lines().last().unwrap().to_string();
        (line, world.run(["status", "--json"]).json()["kept"].clone())
    };
    let (line, json) = kept();
    assert_eq!(line, "sessions: the kernel keyring, until reboot or three days unused; access keys: the AWS files");
    let until = "reboot or three days unused";
    assert_eq!(json, json!({"sessions": "the kernel keyring", "until": until, "access_keys": "the AWS files"}));
    assert_eq!(world.run(["settings", "set", "keyring", "file"]).code, 0);
    assert_eq!(kept().0, "sessions: the key file, until they expire; access keys: the AWS files");
}

#[test]
fn min_ttl_sets_the_exit_code() {
    let world = World::new();
    assert_eq!(world.run(["status", "prod", "--min-ttl", "1m"]).code, 9);
    world.log_in("base");
    for (profile, rest, code) in [
        ("base", "11h", 0),
        ("base", "13h", 9),
        // There is no role session yet, but it needs no code.
        ("prod", "30m", 0),
        ("prod", "2h", 9),
        // This one needs a code of its own, because it is signed with the key.
        ("long", "1m", 9),
    ] {
        let ran = world.run(["status", profile, "--min-ttl", rest]);
        assert_eq!((ran.code, ran.stderr.as_str()), (code, ""), "{profile} {rest}: {ran:?}");
    }
    assert_eq!(world.sandbox.count("AssumeRole"), 0, "status asks nobody");
}

#[test]
fn invalid_durations_and_names_are_refused() {
    let world = World::new();
    world.run(["status", "prod", "--min-ttl", "soon"]).is(
        2,
        "",
        "twolock: error: invalid value 'soon' for '--min-ttl <DURATION>': write 40m, 2h or a number of seconds\n\
         twolock: hint: try '--help'\n",
    );
    let ran = world.run(["status", "--min-ttl", "1h"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (2, ""));
    assert_eq!(world.run(["status", "nobody"]).code, 3);
}

#[test]
fn the_age_of_a_key_in_the_keyring_is_shown() {
    let world = World::new();
    world.write(".aws/credentials", "");
    world.write(
        ".local/share/twolock/keys.json",
        r#"{"v":1,"keys":{"base":{"access_key_id":"AKIAIOSFODNN7EXAMPLE","added":"2020-01-02T03:04:05Z"}}}"#,
    );
    let json = world.run(["status", "--json"]).json();
    assert_eq!(json["keys"][0]["where"], "OS keyring");
    let age = json["keys"][0]["age"].as_str().unwrap();
    let days =
        age.strip_prefix("at least ").and_then(|age| age.strip_suffix(" days")).and_then(|days| days.parse().ok());
    assert!(days.is_some_and(|days: u32| days > 2_000), "{age}");
}
