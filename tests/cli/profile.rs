use serde_json::json;

use crate::rounded;
use crate::world::{SECRET, World};

const ODD: &str = "
[profile s3user]
region =
s3 =
    addressing_style = path
    max_concurrent_requests = 20
mfa_serial = arn:aws:iam::123456789012:mfa/ana
aws_secret_access_key = CANARYconfig0000000000000000000000000000

[profile lost]
role_arn = arn:aws:iam::123456789012:role/Admin
source_profile = bsae

[profile served]
mfa_serial = arn:aws:iam::123456789012:mfa/ana
credential_process = /usr/local/bin/twolock credential-process --profile served
";

#[test]
fn list_is_a_table() {
    let world = World::new();
    world.add_config(ODD);
    world.run(["profile", "list"]).is(
        0,
        "PROFILE  KIND      ACCOUNT       DEVICE  KEY            LEFT  SERVED\n\
         base     key       123456789012  ana     credentials:2  -     -\n\
         prod     role      123456789012  ana     credentials:2  -     -\n\
         deploy   role      444455556666  ana     credentials:2  -     -\n\
         long     role      123456789012  ana     credentials:2  -     -\n\
         s3user   settings  123456789012  ana     -              -     -\n\
         lost     role      123456789012  -       -              -     -\n\
         served   process   123456789012  ana     -              -     yes\n",
        "",
    );
}

#[test]
fn names_in_any_script_shift_no_row_and_no_setting() {
    let world = World::new();
    world.add_config("\n[profile 本番]\nregion = eu\n鍵 = x\n\n[profile gro\u{308}ße]\nregion = eu\n");
    let listed = world.run(["profile", "list"]).stdout;
    for row in ["本番     settings  -  ", "gro\u{308}ße    settings  -  ", "prod     role      1"] {
        assert!(listed.lines().any(|line| line.starts_with(row)), "{row}: {listed}");
    }
    let shown = world.run(["profile", "show", "本番"]).stdout;
    assert!(shown.contains("  region  eu\n") && shown.contains("  鍵      x\n"), "{shown}");
}

#[test]
fn list_as_json_leaves_out_what_is_absent() {
    let world = World::new();
    world.add_config(ODD);
    let json = world.run(["profile", "list", "--json"]).json();
    let device = "arn:aws:iam::123456789012:mfa/ana";
    let admin = "arn:aws:iam::123456789012:role/Admin";
    let key = "~/.aws/credentials:2";
    let expected = json!({"profiles": [
        {"name": "base", "kind": "key", "account": "123456789012", "region": "eu-west-1", "mfa_serial": device, "adopted": false, "key": key},
        {"name": "prod", "kind": "role", "account": "123456789012", "region": "eu-west-1", "role_arn": admin,
            "source_profile": "base", "adopted": false, "key": key},
        {"name": "deploy", "kind": "role", "account": "444455556666", "region": "eu-central-1",
            "role_arn": "arn:aws:iam::444455556666:role/Deploy", "source_profile": "base", "adopted": false,
            "key": key},
        {"name": "long", "kind": "role", "account": "123456789012", "role_arn": admin, "source_profile": "base", "adopted": false,
            "key": key},
        {"name": "s3user", "kind": "settings only", "account": "123456789012", "mfa_serial": device, "adopted": false},
        {"name": "lost", "kind": "role", "account": "123456789012", "role_arn": admin, "source_profile": "bsae", "adopted": false},
        {"name": "served", "kind": "process", "account": "123456789012", "mfa_serial": device, "adopted": true},
    ]});
    assert_eq!(json, expected);
}

#[test]
fn no_profiles_is_an_empty_list_and_a_way_to_begin() {
    let world = World::new();
    world.write(".aws/config", "");
    world.write(".aws/credentials", "");
    world.run(["profile", "list", "--json"]).is(0, "{\n  \"profiles\": []\n}\n", "");
    world.run(["profile", "list"]).is(
        0,
        "no profiles in ~/.aws/config or ~/.aws/credentials; run: twolock profile add\n",
        "",
    );
}

#[test]
fn show_as_json_has_every_setting_and_the_plan() {
    let world = World::new();
    let json = world.run(["profile", "show", "prod", "--json"]).json();
    let at = |key: &str, value: &str, line: usize| json!({"key": key, "value": value, "file": "~/.aws/config", "line": line});
    let what = "its own AssumeRole, with the keys at ~/.aws/credentials:2; twolock is not called";
    let callers = ["AWS CLI and boto3", "Go", "JavaScript", "Java", "Rust"];
    let callers = callers.map(|name| json!({"name": name, "comes": false, "what": what}));
    assert_eq!(
        json,
        json!({
            "name": "prod", "kind": "role", "account": "123456789012", "region": "eu-west-1", "adopted": false,
            "role_arn": "arn:aws:iam::123456789012:role/Admin", "source_profile": "base",
            "settings": [
                at("role_arn", "arn:aws:iam::123456789012:role/Admin", 7),
                at("source_profile", "base", 8),
                at("region", "eu-west-1", 9),
                at("endpoint_url", "http://127.0.0.1:PORT", 10),
            ],
            "plan": [
                "access key AKIAIOSFODNN7EXAMPLE of profile 'base' (~/.aws/credentials:2)",
                "session token with a code from arn:aws:iam::123456789012:mfa/ana, 12h",
                "role arn:aws:iam::123456789012:role/Admin as 'ana', 1h",
            ],
            "codes": 1, "region_of_calls": "eu-west-1", "endpoint": "http://127.0.0.1:PORT", "notes": [],
            "key": "~/.aws/credentials:2",
            "callers": callers,
        })
    );
}

#[test]
fn secrets_are_stars_and_a_block_is_one_value() {
    let world = World::new();
    world.add_config(ODD);
    let ran = world.run(["profile", "show", "base", "--json"]);
    assert!(!ran.stdout.contains(SECRET));
    let json = ran.json();
    let secret = json["settings"].as_array().unwrap().iter().find(|s| s["key"] == "aws_secret_access_key").unwrap();
    assert_eq!(
        *secret,
        json!({"key": "aws_secret_access_key", "value": "***", "file": "~/.aws/credentials", "line": 3})
    );
    let ran = world.run(["profile", "show", "s3user", "--json"]);
    assert!(!ran.stdout.contains("CANARY"));
    let json = ran.json();
    let block = json["settings"].as_array().unwrap().iter().find(|s| s["key"] == "s3").unwrap();
    assert_eq!(block["value"], "\naddressing_style = path\nmax_concurrent_requests = 20");
    let region = json["settings"].as_array().unwrap().iter().find(|s| s["key"] == "region").unwrap();
    assert_eq!((&region["value"], json.get("region")), (&json!(""), None), "as read there, absent here");
}

#[test]
fn a_profile_without_a_plan_is_shown_with_its_problem() {
    let world = World::new();
    world.add_config(ODD);
    let json = world.run(["profile", "show", "lost", "--json"]).json();
    let line = json["settings"][1]["line"].as_u64().unwrap();
    assert_eq!(json["problem"], format!("profile 'lost' (~/.aws/config:{line}): source_profile 'bsae' does not exist"));
    assert!(json.get("plan").is_none() && json.get("codes").is_none(), "{json}");
    let ran = world.run(["profile", "show", "lost"]);
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
    let plan = format!("(~/.aws/config:{line}): source_profile 'bsae' does not exist\n  hint: did you mean 'base'?\n");
    let callers = format!(
        "\ncallers\n  all: an error: source_profile 'bsae' of 'lost' (~/.aws/config:{line}) does not\n    exist\n"
    );
    assert!(ran.stdout.ends_with(&(plan + &callers)), "{ran:?}");
}

#[test]
fn a_name_nobody_knows_is_exit_3_in_either_form() {
    let world = World::new();
    let stderr = "twolock: error: profile 'prdo': profile not found in ~/.aws/config or ~/.aws/credentials\n\
                  twolock: hint: did you mean 'prod'?\n";
    world.run(["profile", "show", "prdo"]).is(3, "", stderr);
    world.run(["profile", "show", "prdo", "--json"]).is(3, "", stderr);
}

#[test]
fn showing_needs_no_keyring_no_network_and_no_writable_home() {
    let world = World::new();
    for args in
        [vec!["profile", "list"], vec!["profile", "show", "prod"], vec![], vec!["status"], vec!["settings", "list"]]
    {
        assert_eq!(world.finish(&mut world.twolock(args)).code, 0);
    }
    assert_eq!(world.sandbox.connections(), 0);
    let mut left: Vec<_> = std::fs::read_dir(world.home()).unwrap().map(|e| e.unwrap().file_name()).collect();
    left.sort();
    assert_eq!(left, [".aws"], "nothing is created by looking");
}

#[test]
fn list_tells_what_lives_of_each_profile() {
    let world = World::new();
    world.log_in("prod");
    let ran = world.run(["profile", "list"]);
    let left = |name: &str| {
        let row = ran.stdout.lines().find(|line| line.starts_with(name)).unwrap();
        rounded(row).split_whitespace().nth(5).unwrap().to_owned()
    };
    assert_eq!(["base", "prod", "deploy", "long"].map(left), ["12h", "1h", "-", "1h"], "{ran:?}");
    let json = world.run(["profile", "list", "--json"]).json();
    let (prod, deploy) = (&json["profiles"][1], &json["profiles"][2]);
    assert!((3_500..=3_600).contains(&prod["seconds_left"].as_u64().unwrap()), "{prod}");
    assert!(prod["expires"].as_str().unwrap().ends_with('Z'));
    assert!(deploy.get("expires").is_none() && deploy.get("seconds_left").is_none(), "{deploy}");
    let show = world.run(["profile", "show", "prod", "--json"]).json();
    assert_eq!(show["expires"], prod["expires"]);
}

#[test]
fn list_fits_the_columns_there_are() {
    let world = World::new();
    world.add_config(
        "[profile a-team-whose-name-is-as-long-as-names-get-in-large-organisations]\n\
         role_arn = arn:aws:iam::123456789012:role/Admin\nsource_profile = base\n",
    );
    let within = |columns: &str| {
        let ran = world.finish(world.twolock(["profile", "list"]).env("COLUMNS", columns));
        let widest = ran.stdout.lines().map(|line| line.chars().count()).max();
        (widest.unwrap(), ran.stdout)
    };
    for columns in [80, 60, 40] {
        let (widest, text) = within(&columns.to_string());
        assert!(widest <= columns && text.contains("a-team") && text.contains('…'), "{columns}:\n{text}");
    }
    assert!(within("80").1.contains("123456789012  ana "), "{}", within("80").1);
    assert!(within("40").1.starts_with("PROFILE") && !within("40").1.contains("ACCOUNT"));
    let (widest, text) = within("nonsense");
    assert!(widest > 80 && !text.contains('…'), "a pipe has no bounds:\n{text}");
}

#[test]
fn show_tells_what_each_caller_would_do() {
    let world = World::new();
    world.add_config(ODD);
    world.add_config(
        "[profile half]\nrole_arn = arn:aws:iam::123456789012:role/Admin\nsource_profile = base\n\
         mfa_serial = arn:aws:iam::123456789012:mfa/ana\n",
    );
    let callers = |name: &str| {
        let ran = world.run(["profile", "show", name]);
        assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
        ran.stdout.split_once("\ncallers\n").unwrap().1.to_owned()
    };
    assert_eq!(
        callers("base"),
        "  all: the keys at ~/.aws/credentials:2; twolock is not called\n  \
         hint: to route them all through twolock: twolock profile adopt base\n"
    );
    assert_eq!(callers("served"), "  all: twolock answers\n");
    assert_eq!(
        callers("half"),
        "  AWS CLI and boto3: its own AssumeRole, with the keys at ~/.aws/credentials:2;\n    \
         twolock is not called; asks for the code itself (~/.aws/config:44)\n  \
         Go, JavaScript: an error: no way to ask for the code of mfa_serial\n    \
         (~/.aws/config:44)\n  \
         Java, Rust: its own AssumeRole, with the keys at ~/.aws/credentials:2; twolock\n    \
         is not called; WITHOUT MFA: mfa_serial is ignored (~/.aws/config:44)\n  \
         hint: to route them all through twolock: twolock profile adopt half\n"
    );
    let json = world.run(["profile", "show", "served", "--json"]).json();
    let comes = json["callers"].as_array().unwrap().iter().map(|caller| caller["comes"] == true);
    assert_eq!(comes.collect::<Vec<_>>(), [true; 5]);
}
