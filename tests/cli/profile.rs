use serde_json::{Value, json};

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
twolock_source_profile = base
credential_process = twolock credential-process --profile served
";

const ALL: &str = "AWS CLI, boto3 and SDKs (Go, JavaScript, Java, Rust)";

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
         served   key       123456789012  ana     credentials:2  -     yes\n",
        "",
    );
}

#[test]
fn wide_names_keep_columns_aligned() {
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
fn list_as_json_omits_missing_fields() {
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
        {"name": "served", "kind": "key of another", "account": "123456789012", "mfa_serial": device, "source_profile": "base",
            "adopted": true, "key": key},
    ]});
    assert_eq!(json, expected);
}

#[test]
fn without_profiles_the_list_is_empty_and_says_how_to_start() {
    let world = World::new();
    world.write(".aws/config", "");
    world.write(".aws/credentials", "");
    world.run(["profile", "list", "--json"]).is(0, "{\n  \"profiles\": []\n}\n", "");
    world.run(["profile", "list"]).is(
        0,
        "no profiles in ~/.aws/config or ~/.aws/credentials; run: twolock setup\n",
        "",
    );
}

#[test]
fn show_as_json_has_every_setting_and_the_plan() {
    let world = World::new();
    let json = world.run(["profile", "show", "prod", "--json"]).json();
    let at = |key: &str, value: &str, line: usize| json!({"key": key, "value": value, "file": "~/.aws/config", "line": line});
    let what = "its own AssumeRole with the access key (~/.aws/credentials:2); twolock is not called";
    let callers = ["AWS CLI and boto3", "Go v2", "JavaScript v3", "Java v2", "Rust"];
    let callers = callers.map(|name| json!({"name": name, "uses_twolock": false, "what": what}));
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
fn secrets_are_masked_and_a_nested_block_is_one_value() {
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
        "\ncallers\n  {ALL}: an error: source_profile\n    'bsae' of 'lost' (~/.aws/config:{line}) does not exist\n"
    );
    assert!(ran.stdout.ends_with(&(plan + &callers)), "{ran:?}");
}

#[test]
fn an_unknown_name_is_exit_3_as_text_and_json() {
    let world = World::new();
    let stderr = "twolock: error: profile 'prdo': not found in ~/.aws/config or ~/.aws/credentials\n\
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
fn list_shows_the_time_left_of_each_profile() {
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
fn list_fits_the_width_of_the_terminal() {
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
fn show_explains_what_each_caller_does() {
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
        format!(
            "  {ALL}: the access key\n    (~/.aws/credentials:2); twolock is not called\n  \
             hint: make them all use twolock: twolock profile adopt base\n"
        )
    );
    let served = callers("served");
    assert!(served.starts_with(&format!("  {ALL}: credentials from twolock\n    for 'served'\n")), "{served}");
    let older = "  Go v1 and JavaScript v2: only with AWS_SDK_LOAD_CONFIG=1\n";
    assert!(served.contains(older) && served.contains("s3cmd, restic: use twolock exec\n"), "{served}");
    assert_eq!(
        callers("half"),
        "  AWS CLI and boto3: its own AssumeRole with the access key\n    \
         (~/.aws/credentials:2); twolock is not called; asks for the code itself\n    \
         (mfa_serial at ~/.aws/config:45)\n  \
         Go v2, JavaScript v3: an error: cannot ask for the MFA code (mfa_serial at\n    \
         ~/.aws/config:45)\n  \
         Java v2, Rust: its own AssumeRole with the access key (~/.aws/credentials:2);\n    \
         twolock is not called; WITHOUT MFA: mfa_serial is ignored (~/.aws/config:45)\n  \
         hint: make them all use twolock: twolock profile adopt half\n"
    );
    let json = world.run(["profile", "show", "served", "--json"]).json();
    let uses = json["callers"].as_array().unwrap().iter().map(|caller| caller["uses_twolock"] == true);
    assert_eq!(uses.collect::<Vec<_>>(), [true; 5]);
}

/// What every command reports on who uses twolock for a profile: SERVED, `adopted`, the overview, `show` and `doctor`.
fn reported(world: &World, name: &str) -> (String, bool, String, usize, bool) {
    let last_column = |ran: String| {
        let row = ran.lines().find(|line| line.split_whitespace().next() == Some(name)).unwrap();
        row.rsplit("  ").next().unwrap().trim().to_owned()
    };
    let served = last_column(world.run(["profile", "list"]).stdout);
    let list = world.run(["profile", "list", "--json"]).json();
    let listed = list["profiles"].as_array().unwrap().iter().find(|profile| profile["name"] == name).unwrap();
    let next = last_column(world.run([]).stdout);
    let shown = world.run(["profile", "show", name, "--json"]).json();
    assert_eq!(shown["adopted"], listed["adopted"]);
    let using = shown["callers"].as_array().unwrap().iter().filter(|caller| caller["uses_twolock"] == true).count();
    let is_here = |finding: &Value| finding["check"] == "bypass" && finding["profile"] == name;
    let bypassed = world.findings(&[]).1.iter().any(is_here);
    (served, listed["adopted"] == true, next, using, bypassed)
}

#[test]
fn every_command_reports_a_key_in_an_adopted_profile_as_a_bypass() {
    let world = World::new();
    assert_eq!(world.run(["profile", "adopt", "base", "--yes"]).code, 0);
    let adopted = |next: &str| ("yes".to_string(), true, next.to_string(), 5, false);
    assert_eq!(reported(&world, "base"), adopted("aws --profile base …"));
    assert_eq!(reported(&world, "prod"), adopted("aws --profile prod …"));
    // As `aws configure --profile base` does.
    let key = "[base]\naws_access_key_id = AKIAIOSFODNN7EXAMPLE\naws_secret_access_key = x\n";
    let credentials = std::fs::read_to_string(world.home().join(".aws/credentials")).unwrap();
    world.write(".aws/credentials", &format!("{credentials}{key}"));
    let fix = "twolock profile adopt base".to_string();
    assert_eq!(reported(&world, "base"), ("partly".into(), false, fix, 2, true));
}

#[test]
fn a_role_with_an_adopted_source_is_served_through_it() {
    let world = World::new();
    assert_eq!(world.run(["profile", "adopt", "base", "--only", "--yes"]).code, 0);
    let config = std::fs::read_to_string(world.home().join(".aws/config")).unwrap();
    assert!(!config.contains("twolock_role_arn"), "the roles keep their own lines: {config}");
    assert_eq!(reported(&world, "prod"), ("yes".into(), true, "aws --profile prod …".into(), 5, false));
    let role = "[profile half]\nrole_arn = arn:aws:iam::123456789012:role/Admin\nsource_profile = base\n";
    world.add_config(&format!("{role}mfa_serial = arn:aws:iam::123456789012:mfa/ana\n"));
    assert_eq!(reported(&world, "half"), ("partly".into(), false, "twolock profile adopt half".into(), 2, true));
}

#[test]
fn an_ineffective_credential_process_line_is_not_served() {
    let world = World::new();
    let line = "credential_process = twolock credential-process --profile lost";
    world.add_config(&format!(
        "[profile lost]\nrole_arn = arn:aws:iam::123456789012:role/Admin\nsource_profile = base\n{line}\n"
    ));
    let (served, adopted, _, using, bypassed) = reported(&world, "lost");
    assert_eq!((served.as_str(), adopted, using, bypassed), ("-", false, 0, true));
}

#[test]
fn a_line_that_nobody_can_start_or_that_twolock_cannot_answer_is_not_served() {
    let world = World::new();
    let profile = |name: &str, settings: &str| world.add_config(&format!("[profile {name}]\n{settings}\n"));
    let line = |name: &str, program: &str| {
        let line = format!("credential_process = {program} credential-process --profile {name}");
        profile(
            name,
            &format!("twolock_source_profile = base\nmfa_serial = arn:aws:iam::123456789012:mfa/ana\n{line}"),
        );
    };
    line("missing", "/nowhere/twolock");
    line("windows", r"C:\bin\twolock.exe");
    line("tilde", "~/nowhere/twolock");
    profile("bare", "twolock_source_profile = base\ncredential_process = twolock credential-process");
    profile("quoted", "twolock_source_profile = base\ncredential_process = \"twolock credential-process quoted\"");
    profile("renamed", "credential_process = twolock credential-process --profile old-name");
    profile(
        "sourceless",
        "twolock_role_arn = arn:aws:iam::123456789012:role/A\ntwolock_source_profile = nobody\n\
                           credential_process = twolock credential-process --profile sourceless",
    );
    for (name, next) in [
        ("missing", "twolock profile adopt missing"),
        ("windows", "twolock profile adopt windows"),
        ("tilde", "twolock profile adopt tilde"),
        ("bare", "twolock profile adopt bare"),
        ("quoted", "twolock profile adopt quoted"),
        ("renamed", "twolock profile show renamed"),
        ("sourceless", "twolock profile show sourceless"),
    ] {
        let (served, adopted, to_do, using, _) = reported(&world, name);
        assert_eq!((served.as_str(), adopted, to_do.as_str(), using), ("-", false, next, 0), "{name}");
        let doctor = world.findings(&[]).1;
        let is_named = |finding: &Value| {
            let names = |key: &str| finding[key].as_str().is_some_and(|text| text.contains(name));
            names("profile") && finding["severity"] == "error"
        };
        assert!(doctor.iter().any(is_named), "{name}: {doctor:?}");
    }
    let shown = world.run(["profile", "show", "renamed"]).stdout;
    let why = "runs twolock for 'old-name', which does not exist\n  hint: if you renamed it in the file: change it \
               back to 'old-name', then run: twolock profile rename old-name renamed\n";
    assert!(shown.contains(why), "{shown}");
}

#[test]
fn a_line_below_env_or_a_shell_is_served() {
    let world = World::new();
    for (name, line) in [
        ("env", "env X=1 twolock credential-process --profile env"),
        ("shell", "sh -c \"twolock credential-process --profile shell\""),
    ] {
        world.add_config(&format!("[profile {name}]\ntwolock_source_profile = base\ncredential_process = {line}\n"));
        let next = format!("aws --profile {name} …");
        assert_eq!(reported(&world, name), ("yes".into(), true, next, 5, false), "{name}");
    }
}
