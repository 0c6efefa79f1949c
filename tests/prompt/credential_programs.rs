//! Programs that print credentials: `credential_process` (F45, P2, P14, P16, P42).

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::{Duration, Instant};

use twolock::internals::{Credentials, Deadline, Env, Failure, Kind, Place, ProcessSource, ProfileName};

use crate::commands::{BIN, LONG, is_dead, with_program, write_program};
use crate::world::{World, eventually};

const KEY: &str = r#"{"Version":1,"AccessKeyId":"AKIAIOSFODNN7EXAMPLE","SecretAccessKey":"wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"}"#;
const SECRET: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";

/// Each may stand on stdout or stderr, and never in what we say.
const CANARIES: [&str; 4] = [
    SECRET,
    "IQoJb3JpZ2luX2VjEJr//////////wEaCXVzLWVhc3QtMSJHMEUCIQDdKk3xQ0uJ7sY9fVbR2wEaCXVzLWVhc3QtMSJHMEUCIQDdKk3xQ0uJ7sY9",
    "654321",
    "canary-on-stdout",
];

fn parse(line: &str, env: &Env) -> Result<ProcessSource, Failure> {
    let place = Place { file: "~/.aws/config".into(), line: 7 };
    let home = env.text("PATH").and_then(|path| path.split_once(BIN)).map_or("/nowhere", |(home, _)| home);
    ProcessSource::parse(line, &ProfileName::parse("base").unwrap(), &place, env, Path::new(home))
}

fn run(source: &ProcessSource, bound: Duration) -> Result<Credentials, Failure> {
    source.run(Deadline::after(Instant::now(), bound))
}

fn failed(source: &ProcessSource, bound: Duration) -> Failure {
    let failure = run(source, bound).expect_err("a failure");
    let line = failure.headline();
    assert!(line.starts_with("profile 'base' (~/.aws/config:7): credential_process 'helper' "), "{line}");
    assert!(line.bytes().all(|b| b >= b' ' && b != 0x7f) && line.len() < 1_200, "{line}");
    let all = format!("{failure:?} {line} {:?}", failure.shown_hints());
    CANARIES.iter().for_each(|canary| assert!(!all.contains(&canary[..6]), "{canary}: {all}"));
    failure
}

/// A home with a program `helper`, and its source.
fn helper(body: &str) -> (tempfile::TempDir, ProcessSource) {
    let (home, _) = with_program("exit 7");
    let program = home.path().join(BIN).join("helper");
    write_program(&program, body);
    let source = parse(&format!("{} {}", program.display(), home.path().join("seen").display()), &Env::default());
    (home, source.unwrap())
}

#[test]
fn what_a_program_prints_is_a_key_or_a_session() {
    let (_home, source) = helper(&format!("echo noise {SECRET} >&2; echo '{KEY}'"));
    let Ok(Credentials::Key(key)) = run(&source, LONG) else { panic!("no key") };
    assert_eq!((key.id.as_str(), key.secret.expose().as_str()), ("AKIAIOSFODNN7EXAMPLE", SECRET));
    let session = KEY.replace("AKIA", "ASIA").replace("}", r#","SessionToken":"IQoJb3Jp","AccountId":123456789012}"#);
    let (_home, source) = helper(&format!("echo '{session}'"));
    let Ok(Credentials::Session(session)) = run(&source, LONG) else { panic!("no session") };
    assert_eq!(session.token.expose(), "IQoJb3Jp");
    let left = session.expires.since(twolock::internals::now()).as_secs();
    assert!((13 * 60..=15 * 60).contains(&left), "{left}");
    assert_eq!(session.account.unwrap().as_str(), "123456789012");
}

#[test]
fn a_program_that_fails_is_named_with_its_first_words_and_without_its_secrets() {
    let [secret, token, code, printed] = CANARIES;
    for (body, kind, what) in [
        ("exit 1".into(), Kind::Refused, "exited with 1".into()),
        (format!("echo '{printed}'; exit 1"), Kind::Refused, "exited with 1".into()),
        (
            format!("echo '{KEY}'; echo 'not signed in' >&2; exit 3"),
            Kind::Refused,
            "exited with 3: not signed in".into(),
        ),
        (
            format!("printf '\\n\\033[2J\\033]0;x\\007 red\\n{secret}\\n' >&2; exit 1"),
            Kind::Refused,
            "exited with 1: \\u{1b}[2J\\u{1b}]0;x\\u{7} red".into(),
        ),
        (
            format!("echo 'code {code}, key {secret}, token {token}{token}== of ASIAIOSFODNN7EXAMPLE' >&2; exit 1"),
            Kind::Refused,
            "exited with 1: code ***, key ***, token ***== of ASIAIOSFODNN7EXAMPLE".into(),
        ),
        (format!("echo '{KEY}' >&2; exit 1"), Kind::Refused, String::from("exited with 1: {\"Version\":1,")),
        (
            "printf 'x%.0s' $(seq 1000) >&2; exit 1".into(),
            Kind::Refused,
            format!("exited with 1: {}…", "x".repeat(200)),
        ),
        ("head -c 100000000 /dev/zero >&2; exit 1".into(), Kind::Refused, "exited with 1: \\u{0}".into()),
        ("kill -9 $$".into(), Kind::Refused, "was killed by signal 9".into()),
        (":".into(), Kind::Config, "printed nothing".into()),
        (format!("echo '{printed}'"), Kind::Config, "printed something other than one JSON object".into()),
        (format!("echo '{KEY}{printed}'"), Kind::Config, "printed something other than one JSON object".into()),
        (
            format!("echo '{}'", KEY.replace(r#""Version":1"#, r#""Version":2"#)),
            Kind::Config,
            "printed JSON without \"Version\": 1".into(),
        ),
    ] {
        let (_home, source) = helper(&body);
        let failure = failed(&source, LONG);
        assert_eq!(failure.kind, kind, "{body}: {failure}");
        let said = failure.shown_cause();
        assert!(said.starts_with(&format!("credential_process 'helper' {what}")), "{body}: {said}");
    }
}

#[test]
fn a_gigabyte_of_output_ends_the_program_and_all_it_started() {
    for body in [
        "echo $$ >$1; exec yes canary-on-stdout",
        "echo $$ >$1; { until [ -e $1.go ]; do :; done; exec yes canary-on-stdout; } & echo $! >>$1; : >$1.go; wait",
    ] {
        let (home, source) = helper(body);
        let failure = failed(&source, LONG);
        assert_eq!(
            (failure.kind, failure.cause.as_str()),
            (Kind::Config, "credential_process 'helper' printed more than 64000 bytes"),
            "{body}"
        );
        all_are_dead(home.path());
    }
    let (_home, source) =
        helper(&format!("head -c $((64000 - {})) /dev/zero | tr '\\0' ' '; printf '{KEY}'", KEY.len()));
    assert!(matches!(run(&source, LONG), Ok(Credentials::Key(_))), "64000 bytes are not too many");
}

#[test]
fn what_writes_on_after_the_program_has_ended_is_killed_too() {
    // It is told from silence only if it is quick, so it may try again.
    let is_told = |_| {
        let (home, source) =
            helper("{ while kill -0 $$ 2>/dev/null; do :; done; exec yes canary-on-stdout; } & echo $! >$1");
        let is_told = failed(&source, LONG).cause.ends_with("printed more than 64000 bytes");
        if !is_told {
            let pid = fs::read_to_string(home.path().join("seen")).unwrap();
            let _ = std::process::Command::new("kill").arg("-9").arg(pid.trim()).status();
        }
        all_are_dead(home.path());
        is_told
    };
    assert!((0..20).any(is_told));
}

fn all_are_dead(home: &Path) {
    let pids = fs::read_to_string(home.join("seen")).unwrap();
    assert!(pids.lines().count() > 0, "{pids}");
    for pid in pids.lines() {
        eventually("the death of the whole group", || is_dead(pid));
    }
}

#[test]
fn a_program_that_hangs_is_killed_at_the_bound_with_its_children() {
    let (home, source) =
        helper("sleep 1000 & echo $! >$1; echo $$ >>$1; trap '' TERM; echo canary-on-stdout; wait; sleep 1000");
    let start = Instant::now();
    let failure = failed(&source, Duration::from_secs(2));
    assert!(start.elapsed() < Duration::from_secs(20), "{:?}", start.elapsed());
    assert_eq!(failure.kind, Kind::Refused);
    assert_eq!(failure.cause, "credential_process 'helper' did not finish within 2 s");
    all_are_dead(home.path());
}

#[test]
fn a_grandchild_that_keeps_the_pipe_open_is_not_waited_for() {
    let (home, source) = helper(&format!("sleep 1000 & echo $! >$1; echo '{KEY}'"));
    assert!(matches!(run(&source, Duration::from_secs(60)), Ok(Credentials::Key(_))));
    let pid = fs::read_to_string(home.path().join("seen")).unwrap();
    assert!(!is_dead(pid.trim()), "an agent that the program started may stay");
    assert!(std::process::Command::new("kill").arg(pid.trim()).status().unwrap().success());
}

#[test]
fn a_signal_ends_the_program_too() {
    let (home, _) = with_program("echo $$ > \"$1\"; sleep 1000");
    let (program, pids) = (home.path().join(BIN).join("code"), home.path().join("pids"));
    let line = format!("{} {}", program.display(), pids.display());
    let mut world = World::new(&[("PROMPT_JOB", "process"), ("PROMPT_LINE", &line)]);
    world.start();
    eventually("the program", || fs::read_to_string(&pids).is_ok_and(|text| text.ends_with('\n')));
    world.types("\x03");
    assert_eq!(world.event(), "signaled 2");
    let pid = fs::read_to_string(&pids).unwrap();
    eventually("the death of the program", || is_dead(pid.trim()));
}

#[test]
fn the_program_gets_no_code_no_profile_and_no_input_but_what_runs_above_it() {
    let (home, _) = with_program(&format!("env >$1.env; cat >$1.in; echo '{KEY}'"));
    let program = home.path().join(BIN).join("code").display().to_string();
    let line = format!("{program} {program}");
    let mut world = World::new(&[
        ("PROMPT_JOB", "process"),
        ("PROMPT_LINE", &line),
        ("TWOLOCK_MFA_CODE", "777777"),
        ("AWS_PROFILE", "canary"),
        ("AWS_DEFAULT_PROFILE", "canary"),
        ("TWOLOCK_RUNNING", "arn:aws:iam::123456789012:mfa/ana"),
    ]);
    world.start();
    assert_eq!(world.event(), "exited 0");
    assert_eq!(world.report(), "key AKIAIOSFODNN7EXAMPLE\n");
    let environment = fs::read_to_string(format!("{program}.env")).unwrap();
    let running = environment.lines().find_map(|line| line.strip_prefix("TWOLOCK_RUNNING=")).unwrap();
    assert!(running.starts_with("arn:aws:iam::123456789012:mfa/ana process:"), "{running}");
    assert!(!environment.contains("777777") && !environment.contains("canary"), "{environment}");
    assert_eq!(fs::read(format!("{program}.in")).unwrap(), b"");
    let below = Env::of([("TWOLOCK_RUNNING", running.to_owned())]);
    let again = parse(&line, &below).unwrap();
    assert!(again.is_running_above(&below) && !again.is_running_above(&Env::default()));
    fs::remove_file(format!("{program}.in")).unwrap();
    let failure = run(&again, LONG).unwrap_err();
    assert_eq!(
        failure.headline(),
        "profile 'base' (~/.aws/config:7): credential_process of 'base' calls twolock, which would run the same program again: 'code'"
    );
    assert!(!Path::new(&format!("{program}.in")).exists(), "it was not run");
    let other = parse(&format!("{program} other"), &below).unwrap();
    assert!(!other.is_running_above(&below));
}

#[test]
fn a_program_that_cannot_be_started_says_why() {
    let (home, env) = with_program("exit 7");
    let path = |name: &str| home.path().join(BIN).join(name);
    fs::write(path("plain"), "#!/bin/sh\n").unwrap();
    write_program(&path("draft"), ":");
    fs::write(path("helper"), "#!/no/such/interpreter\n").unwrap();
    fs::set_permissions(path("helper"), fs::Permissions::from_mode(0o755)).unwrap();
    let at = |name: &str| path(name).display().to_string();
    for (line, cause, hint) in [
        (
            at("plain"),
            format!("credential_process: program is not executable: '{}'", at("plain")),
            format!("chmod +x {}", at("plain")),
        ),
        (at("none"), format!("credential_process: program not found: '{}'", at("none")), String::new()),
        (
            home.path().display().to_string(),
            format!("credential_process: program not found: '{}'", home.path().display()),
            String::new(),
        ),
        ("none".into(), "credential_process: program not found: 'none'".into(), String::new()),
        (
            "./code".into(),
            "credential_process must be an absolute path or a name on PATH: './code'".into(),
            String::new(),
        ),
        (
            "~/code".into(),
            "credential_process must be an absolute path or a name on PATH: '~/code'".into(),
            String::new(),
        ),
        (
            "code | jq .".into(),
            "credential_process uses shell syntax: '|'".into(),
            "put it into a script, and set credential_process to the script's absolute path".into(),
        ),
        ("code 'x".into(), "credential_process has an unclosed quote".into(), String::new()),
        (" ".into(), "credential_process is empty".into(), String::new()),
    ] {
        let failure = parse(&line, &env).unwrap_err();
        assert_eq!((failure.kind, &failure.cause), (Kind::Config, &cause), "{line}");
        assert_eq!(failure.headline(), format!("profile 'base' (~/.aws/config:7): {cause}"));
        assert_eq!(failure.shown_hints().concat(), hint, "{line}");
    }
    let lost = failed(&parse(&at("helper"), &env).unwrap(), LONG);
    assert_eq!(lost.kind, Kind::Config);
    assert!(
        lost.cause.ends_with("could not be started: the interpreter named in its first line does not exist"),
        "{lost}"
    );
}

#[test]
fn a_name_on_path_outside_the_known_directories_is_refused_with_the_line_to_write() {
    let (home, _) = with_program("exit 7");
    let bin = home.path().join("bin");
    fs::create_dir(&bin).unwrap();
    write_program(&bin.join("helper"), ":");
    let env = Env::of([("PATH", bin.display().to_string())]);
    let failure = parse("helper print prod", &env).unwrap_err();
    let program = bin.join("helper").display().to_string();
    assert_eq!(
        failure.cause,
        format!("credential_process: 'helper' on PATH is {program}, which is not in a system directory")
    );
    let hint = format!(
        "if you trust it, use its absolute path: twolock profile set base credential_process '{program} print prod'"
    );
    assert_eq!(failure.shown_hints(), [hint]);
}

/// Some systems give it to `sh`, as a shell would; others do not know what it is.
#[test]
fn a_script_without_a_first_line_runs_or_is_told_what_it_lacks() {
    let (home, env) = with_program("exit 7");
    let program = home.path().join(BIN).join("helper");
    write_program(&program, ":");
    fs::write(&program, format!("echo '{KEY}'\n")).unwrap();
    let source = parse(&program.display().to_string(), &env).unwrap();
    match run(&source, LONG) {
        Ok(Credentials::Key(key)) => assert_eq!(key.secret.expose(), SECRET),
        Ok(Credentials::Session(_)) => panic!("a session"),
        Err(_) => assert_eq!(
            failed(&source, LONG).cause,
            "credential_process 'helper' could not be started: it is not a program; \
             if it is a script, its first line must be like #!/bin/sh"
        ),
    }
}
