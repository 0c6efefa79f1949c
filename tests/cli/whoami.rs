use std::time::{Duration, Instant};

use serde_json::json;
use twolock_sandbox::{Fault, FaultKind, Refusal};

use crate::world::desktop::Desktop;
use crate::world::{CREDENTIALS, Ran, Terminal, World};

#[test]
fn it_prints_the_identity_that_aws_returns() {
    let world = World::new();
    world.log_in("prod");
    let ran = world.run(["whoami", "prod"]);
    let lines: Vec<&str> = ran.stdout.lines().collect();
    assert_eq!((ran.code, ran.stderr.as_str(), lines.len()), (0, "", 3));
    assert_eq!(lines[..2], ["account  123456789012", "arn      arn:aws:sts::123456789012:assumed-role/Admin/ana"]);
    assert!(lines[2].starts_with("user id  AROA") && lines[2].ends_with(":ana"), "{ran:?}");
    let json = world.run(["whoami", "prod", "--json"]).json();
    assert_eq!(
        (&json["profile"], &json["account"], &json["arn"]),
        (&json!("prod"), &json!("123456789012"), &json!("arn:aws:sts::123456789012:assumed-role/Admin/ana"))
    );
    assert_eq!(world.sandbox.count("GetCallerIdentity"), 2);
}

#[test]
fn the_alias_of_the_account_is_shown_where_iam_tells_it() {
    let world = World::new();
    world.log_in("prod");
    world.sandbox.set_alias("123456789012", "ana-corp");
    let ran = world.run(["whoami", "prod"]);
    assert_eq!((ran.code, ran.stderr.as_str(), ran.stdout.lines().nth(1)), (0, "", Some("alias    ana-corp")));
    assert_eq!(world.run(["whoami", "prod", "--json"]).json()["alias"], "ana-corp");
    for kind in [FaultKind::Error(Refusal::new(403, "AccessDenied", "no")), FaultKind::Hang, FaultKind::HtmlBody] {
        world.sandbox.fault(Fault::new(kind).on("ListAccountAliases"));
        let ran = world.run(["whoami", "prod"]);
        assert_eq!((ran.code, ran.stderr.as_str(), ran.stdout.lines().count()), (0, "", 3));
    }
}

#[test]
fn iam_is_asked_where_its_variable_or_services_section_says() {
    let world = World::new();
    world.log_in("prod");
    world.sandbox.set_alias("123456789012", "ana-corp");
    let asked = || world.sandbox.count("ListAccountAliases");
    // A session of the sandbox is none at AWS, so AWS is not asked, and a host that is not allowed is not either.
    for url in ["https://iam.amazonaws.com", "https://iam.example.com"] {
        let ran = world.finish(world.twolock(["whoami", "prod"]).env("AWS_ENDPOINT_URL_IAM", url));
        assert_eq!((ran.code, ran.stdout.lines().count(), asked()), (0, 3, 0), "{url}: {ran:?}");
    }
    let url = world.sandbox.url();
    let ran = world.finish(world.twolock(["whoami", "prod"]).env("AWS_ENDPOINT_URL_IAM", url));
    assert_eq!((ran.stdout.lines().count(), asked()), (4, 1), "{ran:?}");
    let config = std::fs::read_to_string(world.home().join(".aws/config"))
        .unwrap()
        .replace("[profile prod]\n", "[profile prod]\nservices = elsewhere\n");
    let elsewhere =
        format!("\n[services elsewhere]\niam =\n  endpoint_url = http://127.0.0.1:1\nsts =\n  endpoint_url = {url}\n");
    world.write(".aws/config", &(config + &elsewhere));
    let ran = world.run(["whoami", "prod", "-v"]);
    assert!(ran.stdout.lines().count() == 3 && asked() == 1, "{ran:?}");
    assert!(ran.stderr.contains("IAM at 127.0.0.1:1, not AWS, refused the connection"), "{ran:?}");
}

#[test]
fn a_session_that_aws_no_longer_accepts_is_reported_with_a_hint() {
    let world = World::new();
    world.log_in("prod");
    for session in world.sandbox.sessions() {
        world.sandbox.revoke_session(&session.access_key_id);
    }
    let ran = world.run(["whoami", "prod"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (4, ""));
    assert!(ran.stderr.starts_with("twolock: error: profile 'prod': "), "{ran:?}");
    assert!(ran.stderr.ends_with("twolock: hint: end it, then try again: twolock logout prod\n"), "{ran:?}");
}

#[test]
fn an_unreachable_endpoint_is_exit_6() {
    let world = World::new();
    world.log_in("prod");
    // A session belongs to one endpoint, and there is none for this one.
    let mut command = world.twolock(["whoami", "prod"]);
    command.env("AWS_ENDPOINT_URL_STS", "http://127.0.0.1:1").env("TWOLOCK_MFA_CODE", "123456");
    let ran = world.finish(&mut command);
    assert_eq!((ran.code, ran.stdout.as_str()), (6, ""));
    assert!(
        ran.stderr.starts_with("twolock: error: profile 'prod': ") && ran.stderr.contains("127.0.0.1:1, not AWS"),
        "{ran:?}"
    );
}

const PROBLEM: &str = "sso_start_url is set, but sso_role_name is missing";
const SSO: &str = "\n[profile sso]\nsso_start_url = https://x.io\nsso_region = eu-west-1\n\
                   sso_account_id = 123456789012\n";

const LONG: &str = "[profile long]\nrole_arn = arn:aws:iam::123456789012:role/Long";

/// The profiles with the end of each line of the table, and what follows the table.
fn table(ran: &Ran) -> (Vec<(String, String)>, Vec<String>) {
    let (next, rows): (Vec<&str>, _) = ran.stdout.lines().skip(1).partition(|line| line.starts_with("next: "));
    let cell = |row: &str| {
        let mut cells = row.splitn(2, "  ").map(str::trim);
        (cells.next().unwrap().to_string(), cells.next().unwrap_or_default().to_string())
    };
    (rows.into_iter().map(cell).collect(), next.into_iter().map(String::from).collect())
}

fn pairs<const N: usize>(rows: [(&str, &str); N]) -> Vec<(String, String)> {
    rows.map(|(name, rest)| (name.into(), rest.into())).to_vec()
}

#[test]
fn all_tests_what_needs_no_code_and_names_the_rest() {
    let world = World::new();
    world.add_config(&format!("[profile free]\nendpoint_url = {{url}}\ntwolock_source_profile = base\n{SSO}"));
    // A key without MFA is tested; its profile has no device of its own.
    world.write(".aws/credentials", &CREDENTIALS.replace("[base]", "[plain]"));
    world.add_config("[profile plain]\nendpoint_url = {url}\n");
    let config = std::fs::read_to_string(world.home().join(".aws/config")).unwrap();
    let config = config.replace("[profile base]\n", "[profile base]\ntwolock_source_profile = plain\n");
    // A role of its own: one that is active for `prod` would serve this profile too.
    world
        .write(".aws/config", &config.replace("[profile long]\nrole_arn = arn:aws:iam::123456789012:role/Admin", LONG));
    let user = "123456789012  arn:aws:iam::123456789012:user/ana";
    let untested = format!("-             not tested: {PROBLEM}");
    let cold = world.run(["whoami", "--all"]);
    let rows = pairs([
        ("base", "-             needs a code"),
        ("prod", "-             needs a code"),
        ("deploy", "-             needs a code"),
        ("long", "-             needs a code"),
        ("free", "-             needs a code"),
        ("sso", untested.as_str()),
        ("plain", user),
    ]);
    assert_eq!((cold.code, cold.stderr.as_str()), (0, ""), "{cold:?}");
    assert_eq!(table(&cold), (rows, vec!["next: twolock login base".to_string()]));
    // Whose MFA session is active, its roles are assumed: that needs no code, except where the role demands one itself.
    world.log_in("base");
    let warm = world.run(["whoami", "--all"]);
    let rows = pairs([
        ("base", user),
        ("prod", "123456789012  arn:aws:sts::123456789012:assumed-role/Admin/ana"),
        ("deploy", "444455556666  arn:aws:sts::444455556666:assumed-role/Deploy/ana"),
        ("long", "-             needs a code"),
        ("free", user),
        ("sso", untested.as_str()),
        ("plain", user),
    ]);
    assert_eq!((warm.code, warm.stderr.as_str()), (0, ""), "{warm:?}");
    assert_eq!(table(&warm), (rows, vec!["next: twolock login long".to_string()]));
    let assumed = world.sandbox.count("AssumeRole");
    assert_eq!(world.run(["whoami", "--all"]).stdout, warm.stdout);
    assert_eq!(world.sandbox.count("AssumeRole"), assumed, "what it started is cached");
}

#[test]
fn all_in_json_has_the_result_of_each_profile_in_file_order() {
    let world = World::new();
    world.add_config(SSO);
    world.log_in("base");
    world.sandbox.set_alias("444455556666", "ana-corp");
    let denied = FaultKind::Error(Refusal::new(403, "AccessDenied", "no"));
    world.sandbox.fault(Fault::new(denied).on("AssumeRole").role("arn:aws:iam::123456789012:role/Admin").always());
    let ran = world.run(["whoami", "--all", "--json"]);
    assert_eq!(ran.code, 4, "{ran:?}");
    let json: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    let profiles = json["profiles"].as_array().unwrap();
    let of = |field: &str| profiles.iter().map(|one| one[field].clone()).collect::<Vec<_>>();
    assert_eq!(of("profile"), ["base", "prod", "deploy", "long", "sso"]);
    assert_eq!(of("result"), ["accepted", "failed", "accepted", "needs a code", "not tested"]);
    assert_eq!((&profiles[1]["exit_code"], &profiles[2]["alias"]), (&json!(4), &json!("ana-corp")));
    assert_eq!(profiles[2]["arn"], "arn:aws:sts::444455556666:assumed-role/Deploy/ana");
    assert!(profiles[1]["problem"].as_str().unwrap().contains("AccessDenied"), "{ran:?}");
    assert_eq!(profiles[4]["problem"], PROBLEM);
    let text = world.run(["whoami", "--all"]);
    assert!(text.code == 4 && text.stdout.starts_with("PROFILE  ACCOUNT       ALIAS     WHO\n"), "{text:?}");
    assert!(text.stdout.contains("\ndeploy   444455556666  ana-corp  arn:aws:sts::444455556666:"), "{text:?}");
}

#[test]
fn all_asks_nobody_and_starts_no_program() {
    let world = World::new();
    let mark = world.home().join("mark");
    let config = std::fs::read_to_string(world.home().join(".aws/config")).unwrap();
    let line = format!("[profile base]\nmfa_process = /usr/bin/touch {}\n", mark.display());
    world.write(".aws/config", &config.replace("[profile base]\n", &line));
    let terminal = world.on_terminal(["whoami", "--all"]);
    let ran = world.tidy(terminal.end());
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""), "{ran:?}");
    assert_eq!(ran.stdout.matches("needs a code").count(), 4, "{ran:?}");
    // A code given beforehand is not used up by a test.
    let code = world.code();
    let given = world.finish(world.twolock(["whoami", "--all"]).env("TWOLOCK_MFA_CODE", &code));
    assert_eq!((given.stdout.matches("needs a code").count(), world.sandbox.connections()), (4, 0), "{given:?}");
    assert!(!mark.exists());
}

#[test]
fn an_endpoint_that_does_not_answer_is_tried_once_for_many_profiles() {
    let world = World::new();
    let plain = |n: usize| format!("[profile p{n}]\nendpoint_url = {{url}}\ntwolock_source_profile = plain\n");
    let profiles: String = (0..30).map(plain).collect();
    world.write(".aws/config", &format!("{profiles}[profile plain]\nendpoint_url = {{url}}\n"));
    world.write(".aws/credentials", &CREDENTIALS.replace("[base]", "[plain]"));
    let all = world.run(["whoami", "--all"]);
    assert_eq!((all.code, all.stdout.matches("user/ana").count()), (0, 31), "{all:?}");
    let ran = world.finish(world.twolock(["whoami", "--all"]).env("AWS_ENDPOINT_URL_STS", "http://127.0.0.1:1"));
    assert_eq!((ran.code, ran.stdout.matches("not tried: ").count()), (6, 30), "{ran:?}");
}

/// Profiles with the same key and no device, and faults from some call on.
fn many(count: usize, fault: Fault) -> World {
    let world = World::new();
    let plain = |n| {
        format!("[profile p{n}]\nregion = eu-west-1\nendpoint_url = {{url}}\ntwolock_session_duration = {}m\n", 15 + n)
    };
    world.write(".aws/config", &(0..count).map(plain).collect::<String>());
    let key = |n| CREDENTIALS.replace("[base]", &format!("[p{n}]"));
    world.write(".aws/credentials", &(0..count).map(key).collect::<String>());
    world.sandbox.fault(fault);
    world
}

#[test]
fn an_answer_that_is_none_of_sts_does_not_stop_the_tests_of_others() {
    for kind in [FaultKind::Status(500), FaultKind::Throttling, FaultKind::HtmlBody, FaultKind::CutBody] {
        // It is tried three times.
        let ran = many(12, Fault { times: Some(3), ..Fault::new(kind.clone()) }).run(["whoami", "--all"]);
        assert_eq!((ran.stdout.matches("not tried").count(), ran.stdout.lines().count()), (0, 13), "{kind:?}: {ran:?}");
        assert!(ran.stdout.matches("user/ana").count() >= 9, "{kind:?}: {ran:?}");
    }
}

#[test]
fn an_endpoint_that_stops_answering_counts_as_unreachable_and_all_ends_in_time() {
    let world = many(30, Fault { skip: 2, times: None, ..Fault::new(FaultKind::Hang) });
    let start = Instant::now();
    let ran = world.run(["whoami", "--all"]);
    assert!(start.elapsed() < Duration::from_secs(24), "{:?}", start.elapsed());
    let count = |text| ran.stdout.matches(text).count();
    assert_eq!((ran.code, count("user/ana"), count("did not answer")), (6, 1, 29), "{ran:?}");
    assert!(count("not tried: ") >= 20, "{ran:?}");
}

#[test]
fn on_a_terminal_it_says_what_it_waits_for() {
    let world = many(2, Fault { times: None, ..Fault::new(FaultKind::Delay(Duration::from_secs(2))) });
    let mut command = world.program(env!("CARGO_BIN_EXE_twolock"));
    command.args(["whoami", "--all"]);
    let mut terminal = Terminal::start_in_full(command);
    terminal.sees("twolock: note: asking AWS about 2 profiles …");
    assert_eq!(terminal.end().code, 0);
}

#[test]
fn a_locked_keyring_is_said_and_fails_what_needs_it() {
    let world = World::new();
    let desktop = Desktop::unlocked(&world);
    let without_device = std::fs::read_to_string(world.home().join(".aws/config")).unwrap();
    world.write(".aws/config", &without_device.replace("mfa_serial = arn:aws:iam::123456789012:mfa/ana\n", ""));
    desktop.lock();
    let ran = desktop.run_twolock(&["whoami", "--all"]);
    let locked = "access key AKIAIOSFODNN7EXAMPLE: the Secret Service is locked";
    assert_eq!((ran.code, ran.stdout.matches(locked).count()), (5, 4), "{ran:?}");
    assert!(ran.stdout.ends_with("to open its dialog: twolock login base\n"), "{ran:?}");
}

#[test]
fn all_takes_no_profile_and_no_code_and_lists_none_where_there_is_none() {
    let world = World::new();
    for other in ["prod", "--profile=prod", "--code-stdin"] {
        let ran = world.run(["whoami", "--all", other]);
        assert_eq!((ran.code, ran.stdout.as_str()), (2, ""), "{ran:?}");
        assert!(ran.stderr.starts_with("twolock: error: the argument '--all' cannot be used with '"), "{ran:?}");
    }
    world.write(".aws/config", "");
    world.write(".aws/credentials", "");
    let none = "no profiles in ~/.aws/config or ~/.aws/credentials; run: twolock setup\n";
    world.run(["whoami", "--all"]).is(0, none, "");
    assert_eq!(world.run(["whoami", "--all", "--json"]).json(), json!({"profiles": []}));
}

#[test]
fn a_hostile_name_or_a_broken_profile_is_one_line_of_the_table() {
    let world = World::new();
    world.add_config("[profile a\u{1b}[2Jb]\nregion = eu-west-1\n[profile loop]\nrole_arn = x\n");
    let ran = world.run(["whoami", "--all"]);
    assert_eq!((ran.code, ran.stdout.lines().count()), (0, 8), "{ran:?}");
    assert!(!ran.stdout.contains('\u{1b}') && ran.stdout.contains("not tested: role_arn"), "{ran:?}");
}
