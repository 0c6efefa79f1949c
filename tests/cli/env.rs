use std::process::Command;

use serde_json::Value;

use crate::world::{Terminal, World};

const REGIONLESS: &str = "[profile base]\nmfa_serial = arn:aws:iam::123456789012:mfa/ana\nendpoint_url = {url}\n";
const NO_TERMINAL: &str = "twolock: error: profile 'prod': needs an MFA code from arn:aws:iam::123456789012:mfa/ana: \
                           no terminal; run in a terminal: twolock login prod\n";

/// The values that `env` prints, with the variable names in order.
fn values(world: &World, profile: &str) -> Vec<(&'static str, String)> {
    let json: Value = world.run(["env", profile, "--format", "json"]).json();
    let names = [
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
        "AWS_CREDENTIAL_EXPIRATION",
        "AWS_ACCOUNT_ID",
        "AWS_REGION",
        "AWS_DEFAULT_REGION",
        "AWS_ENDPOINT_URL",
        "TWOLOCK_PROFILE",
        "TWOLOCK_HANDED",
    ];
    let values: Vec<_> = names.iter().filter_map(|n| Some((*n, json[*n].as_str()?.to_string()))).collect();
    assert_eq!(values.len(), json.as_object().unwrap().len(), "{json}");
    values
}

/// Every variable that would select other credentials.
pub const MIXING: [&str; 13] = [
    "AWS_PROFILE",
    "AWS_DEFAULT_PROFILE",
    "AWS_SECURITY_TOKEN",
    "AWS_ACCOUNT_ID",
    "AWS_ROLE_ARN",
    "AWS_ROLE_SESSION_NAME",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
    "AWS_BEARER_TOKEN_BEDROCK",
    "TWOLOCK_RUNNING",
];

/// What twolock says about a shell.
const MARKS: [&str; 3] = ["TWOLOCK_HANDED", "TWOLOCK_PROFILE", "TWOLOCK_EXPIRATION"];

/// One line for each of these variables.
fn of_mixing(text: fn(&str) -> String) -> String {
    MIXING.map(text).concat()
}

#[test]
fn every_format_has_the_same_values() {
    let world = World::new();
    world.log_in("prod");
    let values = values(&world, "prod");
    assert_eq!(values.len(), 10);
    let each = |text: fn(&str, &str) -> String| values.iter().map(|(n, v)| text(n, v)).collect::<String>();
    let is_removed = |n: &str| MIXING.contains(&n) || n.starts_with("TWOLOCK_");
    let not_mixing = |n: &str| if is_removed(n) { String::new() } else { format!(" {n}") };
    let removed = of_mixing(|n| format!(" {n}"))
        + " TWOLOCK_HANDED TWOLOCK_PROFILE TWOLOCK_EXPIRATION"
        + &values.iter().map(|(n, _)| not_mixing(n)).collect::<String>();
    let posix = format!("'unset'{removed} && 'export'{};\n", each(|n, v| format!(" {n}='{v}'")));
    for shell in ["sh", "bash", "zsh"] {
        world.run(["env", "prod", "--shell", shell]).is(0, &posix, "");
    }
    let fish = of_mixing(|n| format!("while set -e {n}; end;\n"))
        + &MARKS.map(|n| format!("while set -e {n}; end;\n")).concat()
        + &each(|n, v| format!("set -gx {n} '{v}';\n"));
    world.run(["env", "prod", "--shell", "fish"]).is(0, &format!("{fish}true;\n"), "");
    let powershell = of_mixing(|n| format!("Remove-Item Env:{n} -ErrorAction SilentlyContinue;\n"))
        + &MARKS.map(|n| format!("Remove-Item Env:{n} -ErrorAction SilentlyContinue;\n")).concat()
        + &each(|n, v| format!("$Env:{n} = '{v}';\n"));
    world.run(["env", "prod", "--shell", "powershell"]).is(0, &powershell, "");
    let dotenv = each(|n, v| format!("{n}={v}\n"));
    world.run(["env", "prod", "--format", "dotenv"]).is(0, &dotenv, "");
    assert_eq!(world.sandbox.count("AssumeRole"), 1);
}

#[test]
fn without_a_configured_region_no_region_is_set() {
    let world = World::new();
    world.write(".aws/config", REGIONLESS);
    world.log_in("base");
    let mut command = world.twolock(["env", "base", "--shell", "sh"]);
    let ran = world.finish(command.env("AWS_REGION", "ap-south-1"));
    assert!(ran.code == 0 && !ran.stdout.contains("REGION"), "{ran:?}");
}

#[test]
fn a_session_without_mfa_is_noted_first() {
    let world = World::new();
    world.write(".aws/config", "[profile base]\nregion = eu-west-1\nendpoint_url = {url}\n");
    let ran = world.run(["env", "base"]);
    assert_eq!(ran.code, 0);
    let note =
        "twolock: note: profile 'base': no mfa_serial, so this session has no MFA and AWS will reject IAM calls\n";
    assert_eq!(ran.stderr, note);
}

#[test]
fn unset_removes_every_variable_and_needs_no_profile() {
    let world = World::new();
    let names = [
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
        "AWS_CREDENTIAL_EXPIRATION",
        "AWS_ACCOUNT_ID",
        "AWS_REGION",
        "AWS_DEFAULT_REGION",
        "TWOLOCK_HANDED",
        "TWOLOCK_PROFILE",
        "TWOLOCK_EXPIRATION",
    ];
    world.write(".aws/config", "");
    let posix = format!("'unset' {};\n", names.join(" "));
    world.run(["env", "--unset", "--shell", "zsh"]).is(0, &posix, "");
    let fish: String = names.iter().map(|n| format!("set -eg {n};\n")).collect();
    world.run(["env", "--unset", "--shell", "fish"]).is(0, &format!("{fish}true;\n"), "");
    let powershell: String =
        names.iter().map(|n| format!("Remove-Item Env:{n} -ErrorAction SilentlyContinue;\n")).collect();
    world.run(["env", "--unset", "--shell", "powershell"]).is(0, &powershell, "");
}

#[test]
fn every_failure_prints_the_failing_statement_and_nothing_else() {
    let world = World::new();
    world.add_config(
        "[profile dead]\nmfa_serial = arn:aws:iam::123456789012:mfa/ana\ntwolock_source_profile = base\n\
         endpoint_url = http://127.0.0.1:1\n",
    );
    let wrong = world.wrong_code();
    let refused = "twolock: error: profile 'prod': the code was refused by STS at 127.0.0.1:PORT, not AWS: wrong, already \
                   used, or from another device\ntwolock: hint: check the code; each code works only once, and comes from \
                   arn:aws:iam::123456789012:mfa/ana\n";
    for (args, variables, code, stderr) in [
        (vec!["env", "prod"], vec![], 9, NO_TERMINAL),
        (vec!["-v", "env", "prod"], vec![], 9, ""),
        (vec!["env"], vec![], 2, ""),
        (vec!["env", "nobody"], vec![], 3, ""),
        (vec!["env", "a", "--profile", "b"], vec![], 2, "twolock: error: two profiles were given: 'a' and 'b'\n"),
        (vec!["env", "--bogus"], vec![], 2, ""),
        (vec!["-v", "env", "--bogus"], vec![], 2, ""),
        (vec!["--verbose", "env", "prod", "more"], vec![], 2, ""),
        (vec!["env", "prod", "--shell", "tcsh"], vec![], 2, ""),
        (
            vec!["env", "prod"],
            vec![("TWOLOCK_MFA_CODE", "12345")],
            2,
            "twolock: error: profile 'prod': TWOLOCK_MFA_CODE did not contain a six-digit code\n",
        ),
        (
            vec!["env", "prod", "--code-stdin"],
            vec![],
            2,
            "twolock: error: profile 'prod': --code-stdin is set, but standard input is empty\n",
        ),
        (vec!["env", "prod"], vec![("TWOLOCK_MFA_CODE", wrong.as_str())], 4, refused),
        (
            vec!["env", "prod"],
            vec![("TWOLOCK_MIN_TTL", "never")],
            3,
            "twolock: error: TWOLOCK_MIN_TTL 'never': allowed: 1s to 36h (such as 12h, 45m, 90s)\n",
        ),
        (
            vec!["env", "prod"],
            vec![("TWOLOCK_MIN_TTL", "2h")],
            3,
            "twolock: error: profile 'prod': min_ttl (TWOLOCK_MIN_TTL): min_ttl 2h is longer than new credentials last (1h)\n",
        ),
        (vec!["env", "prod"], vec![("HOME", "relative")], 3, ""),
        (vec!["env", "dead"], vec![("TWOLOCK_MFA_CODE", "123456")], 6, ""),
    ] {
        let ran = world.finish(world.twolock(&args).envs(variables).env("SHELL", "/bin/bash"));
        assert_eq!((ran.code, ran.stdout.as_str()), (code, "false;\n"), "{args:?}: {ran:?}");
        assert!(ran.stderr.starts_with("twolock: "), "{args:?}: {ran:?}");
        if !stderr.is_empty() {
            assert_eq!(ran.stderr, stderr, "{args:?}");
        }
    }
    world.run(["env", "prod", "--shell", "powershell"]).is(9, "throw 'twolock: no credentials';\n", NO_TERMINAL);
    world.run(["env", "prod", "--shell", "fish"]).is(9, "false;\n", NO_TERMINAL);
    let bogus = world.run(["env", "--shell=powershell", "--bogus"]);
    assert_eq!((bogus.code, bogus.stdout.as_str()), (2, "throw 'twolock: no credentials';\n"));
}

#[test]
fn on_failure_dotenv_and_json_are_empty() {
    let world = World::new();
    for format in ["dotenv", "json"] {
        world.run(["env", "prod", "--format", format]).is(9, "", NO_TERMINAL);
        let bogus = world.run(["env", "prod", "--format", format, "--bogus"]);
        assert_eq!((bogus.code, bogus.stdout.as_str()), (2, ""));
    }
    let both = world.run(["env", "prod", "--format", "json", "--shell", "sh"]);
    assert_eq!((both.code, both.stdout.as_str()), (2, ""));
}

#[test]
fn a_terminal_gets_the_line_to_type_and_no_secret() {
    let world = World::new();
    world.log_in("prod");
    for (args, hint) in [
        (vec!["env", "prod"], "type: eval \"$(twolock env prod)\""),
        (vec!["env", "--profile", "prod", "--shell", "fish"], "type: twolock env prod | source"),
        (vec!["env", "prod", "--shell", "powershell"], "type: twolock env prod | Out-String | Invoke-Expression"),
        (vec!["env", "prod", "--format", "dotenv"], "write it to a file: twolock env prod --format dotenv > FILE"),
        (vec!["env", "prod", "--format", "json"], "pass it to a program: twolock env prod --format json | PROGRAM"),
        (vec!["env"], "type: eval \"$(twolock env PROFILE)\""),
    ] {
        let mut command: Command = world.program(env!("CARGO_BIN_EXE_twolock"));
        command.args(&args).env("SHELL", "/bin/bash");
        let mut terminal = Terminal::start_in_full(command);
        terminal.sees(hint);
        let shown = terminal.shown();
        assert!(
            shown.starts_with("twolock: error: env prints secrets for a shell to evaluate, not for the terminal\r\n"),
            "{shown}"
        );
        assert!(!shown.contains("export") && !shown.contains("ASIA") && !shown.contains("false"), "{shown}");
        assert_eq!(terminal.end().code, 2, "{args:?}");
    }
}

#[test]
fn a_terminal_gets_no_line_that_would_fail() {
    let world = World::new();
    for (args, said) in [
        (
            &["env", "prdo"][..],
            "profile 'prdo': not found in ~/.aws/config or ~/.aws/credentials\r\ntwolock: hint: did you mean: eval \"$(twolock env prod)\"\r\n",
        ),
        (
            &["env", "--by-name", "pro", "--shell", "fish"],
            "twolock: hint: did you mean: twolock env --by-name prod | source\r\n",
        ),
        (
            &["env", "ba", "--format", "json"],
            "twolock: hint: did you mean: twolock env base --format json | PROGRAM\r\n",
        ),
        (&["env", "other"], "twolock: hint: profiles: 'base', 'prod'"),
        (&["env", "lost"], "does not\r\n  exist\r\ntwolock: hint: did you mean 'base'?\r\n"),
    ] {
        if args[1] == "lost" {
            world.write(".aws/config", "[profile base]\nregion = eu-west-1\n[profile lost]\nrole_arn = arn:aws:iam::123456789012:role/Admin\nsource_profile = bsae\n");
        }
        let mut command: Command = world.program(env!("CARGO_BIN_EXE_twolock"));
        command.args(args).env("SHELL", "/bin/bash");
        let mut terminal = Terminal::start_in_full(command);
        terminal.sees(said);
        let shown = terminal.shown();
        assert!(!shown.contains(" type: ") && !shown.contains("evaluate"), "{shown}");
        assert_eq!(terminal.end().code, 3, "{args:?}");
    }
}

#[test]
fn a_terminal_gets_the_line_that_unsets_and_no_statements() {
    let world = World::new();
    let mut command: Command = world.program(env!("CARGO_BIN_EXE_twolock"));
    command.args(["env", "--unset", "--shell", "sh"]);
    let mut terminal = Terminal::start_in_full(command);
    terminal.sees("type: eval \"$(twolock env --unset)\"");
    let shown = terminal.shown();
    let error = "twolock: error: env prints statements for a shell to evaluate, not for the\r\n  terminal\r\n";
    assert!(shown.starts_with(error) && !shown.contains("AWS_"), "{shown}");
    assert_eq!(terminal.end().code, 2);
}

#[test]
fn the_calling_shell_is_detected() {
    let world = World::new();
    // The last command prevents the shell from replacing itself by twolock.
    for (shell, flag, first) in [
        ("sh", "-c", "'unset' "),
        ("dash", "-c", "'unset' "),
        ("bash", "-c", "'unset' "),
        ("zsh", "-c", "'unset' "),
        ("fish", "-c", "set -eg "),
    ] {
        let line = "twolock env --unset; true";
        let ran = world.finish(world.program(shell).args([flag, line]).env("SHELL", "/usr/bin/pwsh"));
        assert!(ran.code == 0 && ran.stdout.starts_with(first), "{shell}: {ran:?}");
    }
}

#[test]
fn cancelling_the_question_makes_eval_fail() {
    let world = World::new();
    let mut terminal = world.on_terminal(["env", "prod", "--shell", "sh"]);
    terminal.sees("): ");
    terminal.types("\x04");
    terminal.end().is(9, "false;\n", "twolock: error: profile 'prod': cancelled; no code was given\n");
    let mut terminal = world.on_terminal(["env", "prod", "--shell", "sh"]);
    terminal.sees("): ");
    terminal.types("\x03");
    terminal.end().is(130, "false;\n", "");
    assert_eq!(world.sandbox.connections(), 0);
}

/// Settings that have a variable, and one that has none.
const TOLD: &str = "\
[profile local]
mfa_serial = arn:aws:iam::123456789012:mfa/ana
twolock_source_profile = base
region = eu-west-1
endpoint_url = {url}
use_fips_endpoint = false
use_dualstack_endpoint = true
sts_regional_endpoints = legacy
ca_bundle = /etc/ssl/corp.pem
services = local

[profile plain]
mfa_serial = arn:aws:iam::123456789012:mfa/ana
twolock_source_profile = base
region = eu-west-1
";
const NAMES: &str = "AWS_ENDPOINT_URL,AWS_USE_FIPS_ENDPOINT,AWS_USE_DUALSTACK_ENDPOINT,AWS_STS_REGIONAL_ENDPOINTS,\
                      AWS_CA_BUNDLE";

#[test]
fn what_the_profile_says_is_handed_on_and_what_has_no_variable_is_noted() {
    let world = World::new();
    world.add_config(TOLD);
    world.log_in("local");
    let note = "twolock: note: profile 'local': services (~/.aws/config:33) has no environment variable, so it has no \
                effect here\n";
    let ran = world.run(["env", "local", "--format", "json"]);
    assert_eq!(ran.stderr, note);
    let json = ran.json();
    for (name, value) in [
        ("AWS_ENDPOINT_URL", "http://127.0.0.1:PORT"),
        ("AWS_USE_FIPS_ENDPOINT", "false"),
        ("AWS_USE_DUALSTACK_ENDPOINT", "true"),
        ("AWS_STS_REGIONAL_ENDPOINTS", "legacy"),
        ("AWS_CA_BUNDLE", "/etc/ssl/corp.pem"),
        ("AWS_ACCOUNT_ID", "123456789012"),
    ] {
        assert_eq!(json[name], value, "{name}");
    }
    let handed = json["TWOLOCK_HANDED"].as_str().unwrap();
    assert_eq!(names_in(handed), NAMES);
    world.run(["exec", "local", "--", "sh", "-c", "echo $AWS_CA_BUNDLE $TWOLOCK_HANDED"]).is(
        0,
        &format!("/etc/ssl/corp.pem {handed}\n"),
        note,
    );
}

/// The list without the hash of each value, and without what `env` sets for every profile.
fn names_in(handed: &str) -> String {
    let names = handed.split(',').map(|entry| entry.split_once(':').unwrap().0);
    let of_every = ["AWS_ACCESS_KEY_ID", "AWS_REGION", "AWS_DEFAULT_REGION", "TWOLOCK_PROFILE"];
    names.filter(|name| !of_every.contains(name)).collect::<Vec<_>>().join(",")
}

/// Prints the variables in question, the list of them without hashes.
const SEEN: &str = "env | grep -E 'ENDPOINT|BUNDLE|HANDED' | sort | sed 's/:[0-9a-f]\\{8\\}//g; s/AWS_ACCESS_KEY_ID,AWS_REGION,AWS_DEFAULT_REGION,//; s/,TWOLOCK_PROFILE$//' | tr '\\n' ' '; echo";

#[test]
fn a_variable_that_the_user_changed_after_env_is_the_users() {
    let world = World::new();
    world.add_config(TOLD);
    world.log_in("local");
    let handed = "unset AWS_CA_BUNDLE; eval $(twolock env local 2>/dev/null)";
    let changed = "export AWS_ENDPOINT_URL=http://127.0.0.1:9";
    let kept = "AWS_ENDPOINT_URL=http://127.0.0.1:9 \n";
    let says = format!("{handed}; {changed}; eval $(twolock env --unset); {SEEN}");
    world.finish(world.program("sh").args(["-c", &says])).is(0, kept, "");
    // The next command uses it for its own call, and passes it on.
    let code = world.code();
    let next = "HTTPS_PROXY=http://127.0.0.1:1 twolock exec plain -- true";
    let says = format!("{handed}; {changed}; export TWOLOCK_MFA_CODE={code}; {next}");
    let ran = world.finish(world.program("sh").args(["-c", &says]));
    assert!(ran.code == 6 && ran.stderr.contains("127.0.0.1:9"), "{ran:?}");
    let own =
        format!("{handed}; export AWS_ENDPOINT_URL={}/; twolock exec local -- sh -c \"{SEEN}\"", world.sandbox.url());
    let ran = world.finish(world.program("sh").args(["-c", &own]));
    let note = "AWS_ENDPOINT_URL is already set, and takes precedence over endpoint_url (~/.aws/config:28)\n";
    assert!(ran.code == 0 && ran.stderr.contains(note), "{ran:?}");
    let set = "AWS_CA_BUNDLE=/etc/ssl/corp.pem AWS_ENDPOINT_URL=http://127.0.0.1:PORT/ ";
    let listed = "TWOLOCK_HANDED=AWS_USE_FIPS_ENDPOINT,";
    assert!(ran.stdout.starts_with(set) && ran.stdout.contains(listed), "{ran:?}");
}

#[test]
fn what_was_handed_on_is_ignored_and_removed_by_the_next_and_what_the_user_set_stays() {
    let world = World::new();
    world.add_config(TOLD);
    world.log_in("local");
    let local = format!("export AWS_CA_BUNDLE=/mine; eval $(twolock env local 2>/dev/null); {SEEN}");
    // The profile without an endpoint goes to AWS, so its code is not sent to that of the profile before.
    let next = "AWS_CA_BUNDLE= TWOLOCK_MFA_CODE=123456 HTTPS_PROXY=http://127.0.0.1:1 twolock env plain 2>&1 | grep -c 127.0.0.1:1";
    let gone = format!("eval $(twolock env --unset); {SEEN}");
    let base = format!("eval $(twolock env local 2>/dev/null); eval $(twolock env base); {SEEN}");
    let ran = world.finish(world.program("sh").args(["-c", &format!("{local}; {next}; {gone}; {base}")]));
    let mine = NAMES.replace(",AWS_CA_BUNDLE", "");
    let local = format!(
        "AWS_CA_BUNDLE=/mine AWS_ENDPOINT_URL=http://127.0.0.1:PORT AWS_STS_REGIONAL_ENDPOINTS=legacy \
         AWS_USE_DUALSTACK_ENDPOINT=true AWS_USE_FIPS_ENDPOINT=false TWOLOCK_HANDED={mine} \n"
    );
    let base = "AWS_CA_BUNDLE=/mine AWS_ENDPOINT_URL=http://127.0.0.1:PORT TWOLOCK_HANDED=AWS_ENDPOINT_URL \n";
    ran.is(0, &format!("{local}1\nAWS_CA_BUNDLE=/mine \n{base}"), "");
}

#[test]
fn a_variable_of_the_user_that_differs_from_the_profile_is_noted() {
    let world = World::new();
    world.add_config(&TOLD.replace("services = local\n", ""));
    world.log_in("local");
    let mut command = world.twolock(["exec", "local", "--", "sh", "-c", "echo $AWS_CA_BUNDLE"]);
    command.envs([("AWS_CA_BUNDLE", "/mine"), ("AWS_USE_FIPS_ENDPOINT", "false")]);
    let note = "twolock: note: profile 'local': AWS_CA_BUNDLE is already set, and takes precedence over ca_bundle \
                (~/.aws/config:32)\n";
    world.finish(&mut command).is(0, "/mine\n", note);
}

#[test]
fn an_endpoint_of_the_default_profile_is_not_used_with_the_credentials_of_another() {
    let world = World::new();
    world.add_config("[default]\nendpoint_url = http://127.0.0.1:1\nuse_fips_endpoint = true\n");
    world.log_in("prod");
    let json = world.run(["env", "prod", "--format", "json"]).json();
    assert_eq!(
        (json["AWS_USE_FIPS_ENDPOINT"].as_str(), &json["AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"]),
        (Some("false"), &Value::Null)
    );
    // A profile that names no endpoint itself.
    world.add_config(TOLD);
    let of_sts = ("AWS_ENDPOINT_URL_STS", world.sandbox.url());
    let mut command = world.twolock(["env", "plain", "--format", "json"]);
    let json = world.finish(command.envs([of_sts, ("TWOLOCK_MFA_CODE", &world.code())])).json();
    assert_eq!(json["AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"], "true");
}

/// What programs see of the endpoint and of ignoring it, where the profile's lines and those of `default` are these.
fn endpoint_seen(verb: &str, own: &str, default: &str) -> String {
    let world = World::new();
    world.add_config(&format!(
        "[default]\n{default}\n[profile p]\nmfa_serial = arn:aws:iam::123456789012:mfa/ana\nregion = eu-west-1\n\
         twolock_source_profile = base\n{own}"
    ));
    let shown = "echo ${AWS_ENDPOINT_URL-none} ${AWS_IGNORE_CONFIGURED_ENDPOINT_URLS-none}";
    let line = match verb {
        "env" => format!("eval \"$(twolock env p)\"; {shown}"),
        "exec" => format!("twolock exec p -- sh -c '{shown}'"),
        _ => format!("AWS_ENDPOINT_URL={} twolock exec p -- sh -c '{shown}'", world.sandbox.url()),
    };
    let line = format!("export AWS_ENDPOINT_URL_STS={} TWOLOCK_MFA_CODE={}; {line}", world.sandbox.url(), world.code());
    world.finish(world.program("sh").args(["-c", &line])).stdout
}

#[test]
fn an_endpoint_of_the_default_profile_is_ignored_whatever_the_profile_says_of_ignoring() {
    let elsewhere = "endpoint_url = http://127.0.0.1:4566\n";
    let own = "endpoint_url = http://127.0.0.1:4567\n";
    let (no, yes) = ("ignore_configured_endpoint_urls = false\n", "ignore_configured_endpoint_urls = true\n");
    for (of_profile, of_default, seen) in [
        (no, elsewhere, "none true\n"),
        ("", elsewhere, "none true\n"),
        ("", "services = local\n", "none true\n"),
        (no, "", "none false\n"),
        ("", "", "none none\n"),
        (own, elsewhere, "http://127.0.0.1:4567 none\n"),
        // `default` must not make SDKs ignore the endpoint of the profile.
        (own, yes, "http://127.0.0.1:4567 false\n"),
        ("", &[elsewhere, yes].concat(), "none true\n"),
    ] {
        assert_eq!(endpoint_seen("exec", of_profile, of_default), seen, "{of_profile} {of_default}");
    }
}

#[test]
fn an_endpoint_that_the_user_set_is_never_ignored() {
    let elsewhere = "endpoint_url = http://127.0.0.1:4566\n";
    let ignoring = "ignore_configured_endpoint_urls = true\n";
    for (default, seen) in [
        (elsewhere, "http://127.0.0.1:PORT none\n"),
        (ignoring, "http://127.0.0.1:PORT false\n"),
        (&[elsewhere, ignoring].concat(), "http://127.0.0.1:PORT false\n"),
    ] {
        assert_eq!(endpoint_seen("exec with a variable", "", default), seen, "{default}");
    }
}

#[test]
fn an_endpoint_that_env_cannot_export_does_not_give_way_to_that_of_the_default_profile() {
    let own = "endpoint_url = http://127.0.0.1:4567/a?b\n";
    let elsewhere = "endpoint_url = http://127.0.0.1:4566\n";
    assert_eq!(endpoint_seen("env", own, elsewhere), "none true\n");
    assert_eq!(endpoint_seen("exec", own, elsewhere), "http://127.0.0.1:4567/a?b none\n");
}

#[test]
fn settings_of_the_default_profile_that_apply_to_every_program_are_noted() {
    let world = World::new();
    world.add_config(TOLD);
    world.add_config("[default]\nca_bundle = /etc/ssl/other.pem\ns3 =\n  addressing_style = path\n");
    world.log_in("prod");
    let of_bundle =
        "twolock: note: profile 'prod': ca_bundle (~/.aws/config:41) of the profile 'default' is used here as well\n";
    let of_s3 = "twolock: note: profile 'prod': s3 (~/.aws/config:42) of the profile 'default' is used here as well\n";
    world.run(["exec", "prod", "--", "true"]).is(0, "", &format!("{of_bundle}{of_s3}"));
    let mut command = world.twolock(["exec", "prod", "--", "true"]);
    world.finish(command.env("AWS_CA_BUNDLE", "/mine")).is(0, "", of_s3);
    // The profile's own replaces it, unless it cannot be exported.
    let ran = world.run(["exec", "local", "--", "true"]);
    assert!(!ran.stderr.contains("ca_bundle"), "{ran:?}");
}

#[test]
fn a_value_that_a_shell_could_change_is_given_to_exec_alone() {
    let world = World::new();
    world.add_config(&TOLD.replace("corp.pem", "my corp.pem").replace("services = local\n", ""));
    world.log_in("local");
    let ran = world.run(["env", "local"]);
    assert!(ran.code == 0 && !ran.stdout.contains("AWS_CA_BUNDLE="), "{ran:?}");
    let note = "twolock: note: profile 'local': ca_bundle (~/.aws/config:32) is not exported: a shell could change its value\n";
    assert_eq!(ran.stderr, note);
    world.run(["exec", "local", "--", "sh", "-c", "echo $AWS_CA_BUNDLE"]).is(0, "/etc/ssl/my corp.pem\n", "");
}
