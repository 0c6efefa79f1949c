//! Protected profiles: what a person sees and types, what is kept, and who is refused.

use std::os::unix::fs::PermissionsExt;
use std::process::Stdio;

use serde_json::Value;

use crate::profile_edit::config_of;
use crate::world::{ACCOUNT, CONFIG, Ran, Role, Terminal, World};

pub const GLASS: &str = "\
[profile glass]
twolock_role_arn = arn:aws:iam::123456789012:role/Glass
twolock_source_profile = base
twolock_protected = true
region = eu-west-1
endpoint_url = {url}
credential_process = twolock credential-process --profile glass
";

const BANNER: &str = "*** BREAK GLASS: role Glass in account 123456789012 ***";
const NAME: &str = "type the profile's name to continue: ";
const REASON: &str = "reason (Enter for none): ";
const ONLY: &str = "profile 'glass': is protected: each use asks for a fresh code, so only twolock env and twolock exec give \
                    its credentials\ntwolock: hint: a subshell with its credentials: twolock exec glass\n";

/// A world with a protected role, which AWS gives for a code of the last 5 minutes only.
pub fn world() -> World {
    let world = World::new();
    let ana = format!("arn:aws:iam::{ACCOUNT}:user/ana");
    world.sandbox.add_role(Role { max_mfa_age: Some(300), ..Role::trusting(ACCOUNT, "Glass", &ana) });
    world.add_config(GLASS);
    world
}

impl World {
    fn history(&self) -> Vec<Value> {
        let text = std::fs::read_to_string(self.home().join(".local/state/twolock/history")).unwrap_or_default();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    fn sealed(&self) -> usize {
        let files = std::fs::read_dir(self.cache()).into_iter().flatten().flatten();
        files.filter(|file| file.path().extension().is_some_and(|it| it == "sealed")).count()
    }

    /// Types the name, and gets to the question for the code.
    fn at_the_code(&self, args: &[&str]) -> Terminal {
        let mut terminal = self.on_terminal(args);
        terminal.sees(NAME);
        terminal.types("glass\n");
        terminal.sees(REASON);
        terminal.types("\n");
        terminal.sees("(123456789012, glass, device ana): ");
        terminal
    }

    /// Types the name, a reason and a code.
    pub fn breaks_glass(&self, mut terminal: Terminal, reason: &str) -> Ran {
        terminal.sees(BANNER);
        terminal.sees(NAME);
        terminal.types("glass\n");
        terminal.sees(REASON);
        terminal.types(&format!("{reason}\n"));
        terminal.sees("(123456789012, glass, device ana): ");
        terminal.types(&format!("{}\n", self.code()));
        self.tidy(terminal.end())
    }
}

#[test]
fn no_variable_diverts_the_history() {
    let world = world();
    let mut command = world.program(env!("CARGO_BIN_EXE_twolock"));
    command.args(["exec", "glass", "--", "true"]).env("XDG_STATE_HOME", world.home().join("repo"));
    let ran = world.breaks_glass(Terminal::start(command), "");
    assert_eq!((ran.code, world.history().len()), (0, 1), "{ran:?}");
    assert!(!world.home().join("repo/twolock/history").exists());
}

#[test]
fn exec_gives_credentials_that_are_never_cached() {
    let world = world();
    world.log_in("base");
    let sealed = world.sealed();
    let line = ["exec", "glass", "--", "sh", "-c", "echo $AWS_ACCESS_KEY_ID"];
    let ran = world.breaks_glass(world.on_terminal(line), "incident \"42\"");
    let key = ran.stdout.trim().to_owned();
    assert_eq!(ran.code, 0, "{ran:?}");
    let says =
        ["the command has the credentials of 'glass', 15m left", "the command has the credentials of 'glass', 14m "];
    assert!(says.iter().any(|says| ran.stderr.starts_with(&format!("twolock: note: {says}"))), "{ran:?}");

    let line = ["env", "glass", "--shell", "sh", "--duration", "1h", "--reason", "drill"];
    let mut terminal = world.on_terminal(line);
    terminal.sees("credentials for 1h, which are not renewed");
    terminal.sees(NAME);
    terminal.types("glass\n");
    terminal.sees("device ana): ");
    assert!(!terminal.shown().contains(REASON));
    terminal.types(&format!("{}\n", world.code()));
    let ran = terminal.end();
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));

    let calls: Vec<_> = world.sandbox.calls().into_iter().filter(|call| call.action == "AssumeRole").collect();
    let sent: Vec<_> =
        calls.iter().map(|call| (call.param("DurationSeconds"), call.param("TokenCode").is_some())).collect();
    assert_eq!(sent, [(Some("900"), true), (Some("3600"), true)]);
    assert_eq!((world.sandbox.count("GetSessionToken"), world.sealed()), (1, sealed));
    let history = world.history();
    assert_eq!(history.len(), 2);
    for (field, value) in [
        ("event", "break-glass"),
        ("result", "minted"),
        ("profile", "glass"),
        ("account", ACCOUNT),
        ("role", "arn:aws:iam::123456789012:role/Glass"),
        ("session_name", "ana"),
        ("access_key_id", &key),
        ("reason", "incident \"42\""),
    ] {
        assert_eq!(history[0][field], value);
    }
    assert_eq!(history[0]["request"].as_str().unwrap().len(), 64);
    assert_eq!(history[0]["request"], history[1]["request"], "only the durations differ");
    assert_eq!(history[1]["reason"], "drill");
    assert!(ran.stdout.contains(history[1]["access_key_id"].as_str().unwrap()), "{ran:?}");
    let file = world.home().join(".local/state/twolock/history");
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let text = std::fs::read_to_string(file).unwrap();
    for session in world.sandbox.sessions() {
        assert!(!text.contains(&session.secret_access_key) && !text.contains(&session.session_token));
    }
}

#[test]
fn tl_sets_its_keys_because_its_name_is_of_no_use() {
    let world = world();
    let ran = world.breaks_glass(world.on_terminal(["env", "glass", "--shell", "sh", "--by-name=if-possible"]), "");
    let note = "twolock: note: profile 'glass': keys are set instead of AWS_PROFILE: it is protected, and gives its \
                credentials to twolock env and twolock exec only\n";
    assert_eq!((ran.code, ran.stderr.as_str()), (0, note));
    assert!(ran.stdout.contains("AWS_SESSION_TOKEN=") && !ran.stdout.contains("AWS_PROFILE='glass'"), "{ran:?}");
}

#[test]
fn whoever_cancels_gets_nothing() {
    let world = world();
    let mut terminal = world.on_terminal(["env", "glass", "--shell", "sh"]);
    terminal.sees(NAME);
    terminal.types("prod\n");
    terminal.sees("'prod' is not 'glass'\r\n");
    terminal.types("\n");
    terminal.sees("nothing was typed; another empty line cancels\r\n");
    terminal.types("\n");
    let nothing = "twolock: error: profile 'glass': cancelled; no credentials were requested\n";
    terminal.end().is(9, "false;\n", nothing);
    assert_eq!(world.history().len(), 0);

    let mut terminal = world.at_the_code(&["exec", "glass", "--", "echo", "ran"]);
    terminal.types("\u{4}");
    let ran = terminal.end();
    assert_eq!((ran.code, ran.stdout.as_str()), (9, ""), "{ran:?}");
    let history = world.history();
    assert_eq!((history.len(), &history[0]["result"], &history[0]["reason"]), (1, &"failed".into(), &"".into()));
    assert!(history[0].get("access_key_id").is_none());
    assert_eq!(world.sandbox.connections(), 0);
}

#[test]
fn the_banner_is_seen_without_colour_and_red_with_it() {
    for (variable, shown) in
        [("TERM=xterm", format!("\u{1b}[1;31m{BANNER}\u{1b}[0m\r\n")), ("NO_COLOR=1", format!("{BANNER}\r\n"))]
    {
        let world = world();
        let (name, value) = variable.split_once('=').unwrap();
        let mut command = world.program(env!("CARGO_BIN_EXE_twolock"));
        command.args(["exec", "glass", "--", "true"]).env(name, value);
        let mut terminal = Terminal::start(command);
        terminal.sees(NAME);
        assert!(terminal.shown().starts_with(&shown), "{:?}", terminal.shown());
    }
}

#[test]
fn a_code_comes_from_the_terminal_alone() {
    let world = world();
    let set = world.run(["profile", "set", "base", "mfa_process", "/bin/false", "--yes"]);
    assert_eq!(set.code, 0, "{set:?}");
    let of = |what: &str| {
        format!(
            "profile 'glass': {what} not accepted for a protected profile, whose codes must be typed on the terminal: "
        )
    };
    let nobody = "profile 'glass': the code of a protected profile must be typed on the terminal, and there is no terminal to ask \
                  on: run it in a terminal\n";
    for verb in [&["env", "glass"][..], &["exec", "glass"]] {
        let failing = if verb[0] == "env" { "false;\n" } else { "" };
        let command = |more: &[&str]| {
            let mut command = world.twolock(verb);
            command.args(more).args(if verb[0] == "env" { &[][..] } else { &["--", "true"] });
            command
        };
        let says = |text: String| format!("twolock: error: {text}");
        world.finish(&mut command(&[])).is(9, failing, &says(nobody.into()));
        let ran = world.finish(command(&[]).env("TWOLOCK_MFA_CODE", "123456"));
        ran.is(9, failing, &says(of("TWOLOCK_MFA_CODE is") + "unset it\n"));
        let ran = world.finish(command(&["--code-stdin"]).stdin(Stdio::null()));
        ran.is(9, failing, &says(of("--code-stdin is") + "leave it out\n"));
    }
    assert_eq!((world.sandbox.connections(), world.history().len()), (0, 0));
}

#[test]
fn every_other_way_is_refused_and_names_env_and_exec() {
    let world = world();
    world.add_config("[profile above]\nrole_arn = arn:aws:iam::123456789012:role/Admin\nsource_profile = glass\n");
    world.log_in("base");
    let before = world.sandbox.connections();
    let by_name = "profile 'glass': --by-name is not possible: it is protected, and gives its credentials to twolock env and \
                   twolock exec only\n";
    let process = "profile 'glass': is protected: an AWS tool would need a fresh code for each request, so it gets no \
                   credentials; use twolock env or twolock exec\ntwolock: hint: a subshell with its credentials: \
                   twolock exec glass\n";
    let above = "profile 'above' (~/.aws/config:32): uses 'glass', which is protected: only twolock env and exec give its \
                 credentials\n";
    for (args, code, stdout, says) in [
        (&["credential-process", "glass"][..], 3, "", process),
        (&["credential-process", "--profile", "glass"], 3, "", process),
        (&["login", "glass"], 3, "", ONLY),
        (&["whoami", "glass"], 3, "", ONLY),
        (&["status", "glass"], 3, "", ONLY),
        (&["status", "glass", "--min-ttl", "1m"], 3, "", ONLY),
        (&["env", "glass", "--by-name"], 3, "false;\n", by_name),
        (&["exec", "glass", "--by-name", "--", "true"], 3, "", by_name),
        (&["credential-process", "above"], 3, "", above),
        (
            &["exec", "glass", "--duration", "2h", "--", "true"],
            2,
            "",
            "profile 'glass': --duration of 2h is too long for a protected profile: at most 1h\n",
        ),
        (
            &["exec", "glass", "--min-ttl", "20m", "--", "true"],
            2,
            "",
            "profile 'glass': min_ttl 20m is longer than new credentials last (15m)\ntwolock: hint: --duration: up to 1h\n",
        ),
    ] {
        let ran = world.finish(&mut world.twolock(args));
        ran.is(code, stdout, &format!("twolock: error: {says}"));
    }
    let all = world.run(["whoami", "--all"]);
    assert!(all.stdout.contains("not tested: is protected: each use asks"), "{all:?}");
    assert_eq!((world.history().len(), world.sandbox.count("AssumeRole")), (0, 2), "of prod and deploy");
    assert!(world.sandbox.connections() > before);
}

/// What is there before a protected profile is used.
type Prepare = fn(&World);

#[test]
fn without_its_history_nothing_is_asked_for_and_nothing_minted() {
    let directory = ".local/state/twolock";
    let situations: [(&str, Prepare, &str); 3] = [
        (
            "a directory in its place",
            |world| world.write(".local/state/twolock/history/x", ""),
            "history cannot be read",
        ),
        (
            "others can open it",
            |world| {
                world.write(".local/state/twolock/history", "");
                let file = world.home().join(".local/state/twolock/history");
                std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o644)).unwrap();
            },
            "history cannot be read",
        ),
        (
            "a file in place of its directory",
            |world| world.write(".local/state/twolock", ""),
            "history cannot be written",
        ),
    ];
    for (what, prepare, says) in situations {
        let world = world();
        prepare(&world);
        let mut terminal = world.on_terminal(["exec", "glass", "--", "echo", "ran"]);
        while !terminal.has_ended() {
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        let (shown, ran) = terminal.shown_after_end();
        let ran = world.tidy(ran);
        assert_eq!((ran.code, ran.stdout.as_str(), shown.as_str()), (10, "", ""), "{what}: {ran:?}");
        let begin = format!("twolock: error: profile 'glass': HOME/{directory}");
        assert!(ran.stderr.starts_with(&begin) && ran.stderr.contains(says), "{what}: {ran:?}");
        assert!(ran.stderr.contains("so nothing was requested"), "{what}: {ran:?}");
        assert_eq!(world.sandbox.connections(), 0, "{what}");
    }
}

#[test]
fn credentials_whose_line_cannot_be_completed_are_dropped() {
    let world = world();
    let mut terminal = world.at_the_code(&["exec", "glass", "--", "echo", "ran"]);
    let file = world.home().join(".local/state/twolock/history");
    std::fs::remove_file(&file).unwrap();
    std::fs::create_dir(&file).unwrap();
    terminal.types(&format!("{}\n", world.code()));
    let ran = world.tidy(terminal.end());
    let says = "twolock: error: profile 'glass': HOME/.local/state/twolock/history cannot be read: it is not a regular \
                file, so the new credentials were dropped\n";
    ran.is(10, "", says);
    assert_eq!(world.sandbox.count("AssumeRole"), 1);
}

#[test]
fn a_run_that_is_killed_at_its_code_leaves_a_line_that_has_only_begun() {
    let world = world();
    for _ in 0..2 {
        let terminal = world.at_the_code(&["exec", "glass", "--", "true"]);
        // SAFETY: our own child, which has not ended.
        unsafe { libc::kill(terminal.pid() as i32, libc::SIGKILL) };
        assert_eq!(terminal.end().code, 137);
    }
    let results: Vec<Value> = world.history().into_iter().map(|mut line| line["result"].take()).collect();
    assert_eq!(results, ["begun", "begun"]);
}

#[test]
fn setting_it_hides_the_role_and_writes_the_process_line_in_one_diff() {
    let world = world();
    world.log_in("prod");
    let sealed = world.sealed();
    let program = env!("CARGO_BIN_EXE_twolock");
    let dry = world.run(["profile", "set", "prod", "twolock_protected", "true", "--dry-run"]);
    let diff = format!(
        "~/.aws/config\n  [profile prod]\n- role_arn = arn:aws:iam::123456789012:role/Admin\n- source_profile = base\n\
         + twolock_role_arn = arn:aws:iam::123456789012:role/Admin\n+ twolock_source_profile = base\n\
         + twolock_protected = true\n+ credential_process = {program} credential-process --profile prod\n"
    );
    assert!(dry.code == 0 && dry.stdout.starts_with("~/.aws/config\n  [profile prod]\n"), "{dry:?}");
    for line in diff.lines() {
        assert!(dry.stdout.contains(line), "{line}: {}", dry.stdout);
    }
    assert!(dry.stdout.contains("note: 1 session of its role will end\n"), "{dry:?}");
    assert_eq!(config_of(&world), format!("{CONFIG}\n{GLASS}"));
    let set = world.run(["profile", "set", "prod", "twolock_protected", "true", "--yes"]);
    assert!(set.code == 0 && set.stdout.ends_with("set twolock_protected of prod\n"), "{set:?}");
    assert_eq!(world.sealed(), sealed - 1);
    assert_eq!(world.run(["credential-process", "prod"]).code, 3);
    let list = world.run(["profile", "show", "prod"]).stdout;
    let callers = "AWS CLI, boto3 and SDKs (Go, JavaScript, Java, Rust): nothing: twolock gives";
    assert!(list.contains(callers) && list.contains("aws:MultiFactorAuthAge"), "{list}");
    let json = world.run(["profile", "show", "prod", "--json"]).json();
    assert_eq!((&json["protected"], json["codes"].as_u64()), (&true.into(), Some(1)));
    assert_eq!(json["trust_policy_condition"]["NumericLessThan"]["aws:MultiFactorAuthAge"], "300");
    world.run(["profile", "set", "prod", "twolock_protected", "true", "--yes"]).is(
        0,
        "note: only twolock env, exec and console can use 'prod', each time with a fresh code; AWS enforces this if \
         the role's trust policy does: twolock profile show prod\nnote: 'long' still assumes this role without a fresh \
         code\nnothing to change\n",
        "",
    );

    let release = world.run(["profile", "release", "prod", "--yes"]);
    let says = "is protected: after a release, AWS tools could assume its role by themselves\ntwolock: hint: to end its \
                protection first: twolock profile unset prod twolock_protected\n";
    assert!(release.code == 3 && release.stderr.ends_with(says), "{release:?}");
    for key in ["role_arn", "source_profile"] {
        let says = format!("{key} of a protected profile would let AWS tools assume its role: set twolock_{key}\n");
        let ran = world.run(["profile", "set", "prod", key, "base", "--yes"]);
        ran.is(2, "", &format!("twolock: error: profile 'prod': {says}"));
    }
    let note = "note: after this, AWS tools get credentials of 'prod' without a fresh code\n";
    let dry = world.run(["profile", "set", "prod", "twolock_protected", "false", "--dry-run"]);
    assert!(dry.code == 0 && dry.stdout.ends_with(note), "{dry:?}");
    let unset = world.run(["profile", "unset", "prod", "twolock_protected", "--yes"]);
    assert!(unset.code == 0 && unset.stdout.contains(note), "{unset:?}");
    assert_eq!(world.run(["profile", "release", "prod", "--yes"]).code, 0);
    assert_eq!(config_of(&world), format!("{CONFIG}\n{GLASS}"));
}

#[test]
fn what_cannot_be_protected_is_refused_and_nothing_is_changed() {
    let world = World::new();
    let more = "\
[profile above]
role_arn = arn:aws:iam::123456789012:role/Admin
source_profile = prod

[profile sso]
sso_start_url = https://x.awsapps.com/start
sso_region = eu-west-1
sso_account_id = 123456789012
sso_role_name = Admin

[profile of-sso]
role_arn = arn:aws:iam::123456789012:role/Admin
source_profile = sso
mfa_serial = arn:aws:iam::123456789012:mfa/ana

[profile bare]
twolock_source_profile = base-keys

[profile no-device]
role_arn = arn:aws:iam::123456789012:role/Admin
source_profile = bare
";
    world.add_config(more);
    let keys = crate::world::CREDENTIALS.replace("[base]", "[base-keys]");
    world.write(".aws/credentials", &format!("{}{keys}", crate::world::CREDENTIALS));
    let before = config_of(&world);
    for (profile, code, says) in [
        ("base", 2, "twolock_protected is for roles, and this profile has none"),
        (
            "above",
            2,
            "twolock_protected is for a role that an access key assumes, and this one is assumed through the role of 'prod'",
        ),
        ("of-sso", 2, "AWS accepts a code only with a long-term access key"),
        ("no-device", 2, "twolock_protected needs an mfa_serial: it asks for a fresh code each time"),
        ("long", 2, "duration_seconds of 4h is too long for a protected profile: at most 1h"),
    ] {
        let ran = world.run(["profile", "set", profile, "twolock_protected", "true", "--yes"]);
        assert!(ran.code == code && ran.stderr.contains(says), "{profile}: {ran:?}");
        assert_eq!((ran.stdout.as_str(), config_of(&world)), ("", before.clone()), "{profile}");
    }
    let dry = world.run(["profile", "set", "prod", "twolock_protected", "true", "--dry-run"]);
    assert!(dry.stdout.contains("note: after this, 'above' gets no credentials: it uses 'prod'\n"), "{dry:?}");
}

#[test]
fn doctor_reports_a_protected_role_that_aws_tools_can_read() {
    let world = world();
    assert_eq!(world.findings(&[]).1.iter().filter(|finding| finding["check"] == "bypassed").count(), 0);
    world.add_config(
        "[profile open]\nrole_arn = arn:aws:iam::123456789012:role/Admin\nsource_profile = base\ntwolock_protected = true\n",
    );
    let found = |world: &World| -> Vec<Value> {
        let of_open = |finding: &Value| finding["profile"] == "open" && finding["severity"] == "error";
        world.findings(&[]).1.into_iter().filter(of_open).collect()
    };
    let findings = found(&world);
    assert_eq!(findings.len(), 1, "{findings:?}");
    let what = "is protected, but AWS tools can read its role, and assume it without twolock";
    assert_eq!((&findings[0]["what"], &findings[0]["fix"]), (&what.into(), &"twolock profile adopt open".into()));
    assert_eq!(world.run(["profile", "adopt", "open", "--yes"]).code, 0);
    assert_eq!(found(&world).len(), 0);
    let overview = world.run([]).stdout;
    assert!(overview.contains("role, protected") && overview.contains("twolock env open"), "{overview}");
}

#[test]
fn a_role_that_is_assumed_with_credentials_of_twolock_is_readable_too() {
    let world = world();
    world.add_config(
        "[profile mine]\ntwolock_source_profile = base\ncredential_process = twolock credential-process --profile mine\n\
         [profile open]\nrole_arn = arn:aws:iam::123456789012:role/Open\nsource_profile = mine\n\
         twolock_protected = true\ncredential_process = twolock credential-process --profile open\n",
    );
    let found = || -> Vec<Value> {
        let of_open = |finding: &Value| finding["profile"] == "open" && finding["check"] == "bypass";
        world.findings(&[]).1.into_iter().filter(of_open).collect()
    };
    let findings = found();
    assert_eq!(findings.len(), 1, "{findings:?}");
    let what = "is protected, but AWS tools can read its role, and assume it without twolock";
    let (severity, fix) = ("error", "twolock profile adopt open");
    assert_eq!([&findings[0]["severity"], &findings[0]["what"], &findings[0]["fix"]], [severity, what, fix]);
    let why = findings[0]["why"].as_str().unwrap();
    assert!(why.contains("its own AssumeRole with credentials from twolock for 'mine'"), "{why}");
    let warning = "\n  warning: AWS tools can read its role, and assume it without twolock\n";
    let shown = world.run(["profile", "show", "open"]).stdout;
    assert!(shown.contains(&format!("{warning}  hint: make them all use twolock: {fix}\n")), "{shown}");
    assert!(world.run([]).stdout.contains(fix));
    assert_eq!(world.run(["profile", "adopt", "open", "--yes"]).code, 0);
    assert_eq!(found().len(), 0);
    assert!(!world.run(["profile", "show", "open"]).stdout.contains("warning"));
}

#[test]
fn a_second_line_that_says_false_opens_nothing() {
    for (config, credentials) in [
        ("twolock_protected = true\ntwolock_protected = false\n", ""),
        ("twolock_protected = false\ntwolock_protected = True\ntwolock_protected = maybe\n", ""),
        ("twolock_protected = true\n", "[glass]\ntwolock_protected = false\n"),
    ] {
        let world = World::new();
        world.add_config(&GLASS.replace("twolock_protected = true\n", config));
        world.write(".aws/credentials", &format!("{}{credentials}", crate::world::CREDENTIALS));
        let ran = world.run(["credential-process", "--profile", "glass"]);
        assert!(ran.code == 3 && ran.stderr.contains("profile 'glass': is protected"), "{config}: {ran:?}");
    }
    let world = World::new();
    world.add_config(&GLASS.replace("= true\n", "= true\ntwolock_protected = true\n"));
    let ran = world.run(["profile", "set", "glass", "twolock_protected", "false", "--yes"]);
    let says = "twolock_protected is set more than once, and one 'true' is enough to protect it\n\
                twolock: hint: remove all of them: twolock profile unset glass twolock_protected\n";
    assert!(ran.code == 2 && ran.stderr.contains(says), "{ran:?}");
    assert_eq!(world.run(["profile", "unset", "glass", "twolock_protected", "--yes"]).code, 0);
    assert!(!world.run(["profile", "show", "glass"]).stdout.contains("protected"));
}

#[test]
fn another_profile_with_the_same_role_is_named() {
    let world = world();
    let role = "role_arn = arn:aws:iam::123456789012:role/Twin\nsource_profile = base\n";
    world.add_config(&format!("[profile s1]\n{role}[profile s2]\n{role}"));
    let set = |name: &str| world.run(["profile", "set", name, "twolock_protected", "true", "--yes"]);
    let found = || -> Vec<Value> {
        let of_s1 = |finding: &Value| finding["profile"] == "s1" && finding["check"] == "bypass";
        world.findings(&[]).1.into_iter().filter(of_s1).collect()
    };
    let ran = set("s1");
    let both = format!("{}{}", ran.stdout, ran.stderr);
    assert!(ran.code == 0 && both.contains("note: 's2' still assumes this role without a fresh code\n"), "{ran:?}");
    let findings = found();
    assert_eq!(findings.len(), 1, "{findings:?}");
    let what = "is protected, but 's2' assumes the same role without a fresh code";
    let fix = "twolock profile set s2 twolock_protected true";
    assert_eq!([&findings[0]["severity"], &findings[0]["what"], &findings[0]["fix"]], ["warning", what, fix]);
    let ran = set("s2");
    assert!(ran.code == 0 && !format!("{ran:?}").contains("still assumes"), "{ran:?}");
    assert_eq!(found().len(), 0);
}

#[test]
fn a_protected_profile_has_no_time_left_of_another_ones_session() {
    let world = world();
    world.add_config(&GLASS.replace("glass", "twin").replace("twolock_protected = true\n", ""));
    world.log_in("base");
    let line = |text: &str, name: &str| text.lines().find(|line| line.starts_with(name)).unwrap().to_owned();
    assert_eq!(world.run(["exec", "twin", "--", "true"]).code, 0);
    for text in [world.run([]).stdout, world.run(["profile", "list"]).stdout] {
        let has_time_left = |name| line(&text, name).split_whitespace().any(|word| word == "59m" || word == "1h");
        assert!(has_time_left("twin ") && !has_time_left("glass "), "{text}");
    }
    let shown =
        |name: &str| -> Value { serde_json::from_str(&world.run(["profile", "show", name, "--json"]).stdout).unwrap() };
    assert!(shown("twin").get("seconds_left").is_some());
    assert!(shown("glass").get("seconds_left").is_none() && shown("glass").get("expires").is_none());
}

#[test]
fn a_reason_is_for_protected_profiles_and_one_line() {
    let world = world();
    world.log_in("prod");
    world.run(["exec", "prod", "--reason", "x", "--", "true"]).is(
        0,
        "",
        "twolock: note: profile 'prod' is not protected, so --reason is not kept\n",
    );
    for reason in ["a\nb", "\u{1b}[31m", &"x".repeat(501)] {
        let ran = world.run(["exec", "glass", "--reason", reason, "--", "true"]);
        assert!(ran.code == 2 && ran.stderr.contains("is not a valid reason"), "{ran:?}");
    }
}
