//! Programs that print codes, and codes that come in by standard input.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use tempfile::TempDir;
use twolock::internals::{
    AskError, CodeSource, CommandSource, Deadline, Env, Failure, Kind, MfaSerial, Place, ProfileName, Question,
};

use crate::world::{World, eventually, role};

pub const BIN: &str = ".nix-profile/bin";

/// A home whose package manager has installed one program, `code`.
pub fn with_program(body: &str) -> (TempDir, Env) {
    let directory = tempfile::tempdir().unwrap();
    let bin = directory.path().join(BIN);
    fs::create_dir_all(&bin).unwrap();
    write_program(&bin.join("code"), body);
    let path = format!("{}:/usr/bin:/bin", bin.display());
    (directory, Env::of([("PATH", path)]))
}

pub fn write_program(file: &Path, body: &str) {
    // written under another name first: a fork of another test may hold the file open for writing just now
    let draft = file.with_extension("draft");
    fs::write(&draft, format!("#!/bin/sh\n{body}\n")).unwrap();
    fs::set_permissions(&draft, fs::Permissions::from_mode(0o755)).unwrap();
    let copied = std::process::Command::new("cp").arg("-p").args([&draft, file]).status().unwrap();
    assert!(copied.success());
}

fn parse(line: &str, env: &Env) -> Result<CommandSource, Failure> {
    let place = Place { file: "~/.aws/config".into(), line: 7 };
    let home = env.text("PATH").and_then(|path| path.split_once(BIN)).map_or("/nowhere", |(home, _)| home);
    CommandSource::parse(line, &ProfileName::parse("prod").unwrap(), &place, env, Path::new(home))
}

fn ask(source: &CommandSource, bound: Duration) -> Result<String, AskError> {
    let question = Question {
        account: None,
        profile: ProfileName::parse("prod").unwrap(),
        device: MfaSerial::parse("GAHT12345678").unwrap(),
        asker: None,
        foreign_endpoint: None,
        notice: None,
        closed_dialog: None,
    };
    source.ask(&question, Deadline::after(Instant::now(), bound)).map(|code| code.expose().to_owned())
}

pub const LONG: Duration = Duration::from_secs(20);

#[test]
fn what_a_program_prints_is_a_code_or_a_failure() {
    type Row = (&'static str, Result<&'static str, (Kind, &'static str)>);
    let table: [Row; 13] = [
        ("echo 123456", Ok("123456")),
        ("printf 123456", Ok("123456")),
        ("printf '\\n 123 456 \\r\\n\\n'", Ok("123456")),
        ("echo 123456; echo noise >&2", Ok("123456")),
        ("echo 123456; exec sleep 4 >&- 2>&- &", Ok("123456")),
        ("echo 123456; sleep 4 & exit 0", Ok("123456")),
        ("echo 123456; echo 654321", Err((Kind::Config, "mfa_process printed more than one line"))),
        ("echo 123456 654321", Err((Kind::Config, "mfa_process printed something other than six digits"))),
        (":", Err((Kind::Config, "mfa_process printed no code"))),
        ("exit 1", Err((Kind::Refused, "mfa_process exited with 1"))),
        (
            "echo 123456; printf '\\033[31mno token\\007\\nmore\\n' >&2; exit 3",
            Err((Kind::Refused, "mfa_process exited with 3: \\u{1b}[31mno token\\u{7}")),
        ),
        ("kill -9 $$", Err((Kind::Refused, "mfa_process was killed by signal 9"))),
        ("head -c 1000000 /dev/zero >&2; exit 1", Err((Kind::Refused, "mfa_process exited with 1: \\u{0}"))),
    ];
    for (body, expected) in table {
        let (_folder, env) = with_program(body);
        match (ask(&parse("code", &env).unwrap(), LONG), expected) {
            (Ok(code), Ok(wanted)) => assert_eq!(code, wanted, "{body}"),
            (Err(AskError::Failed(failure)), Err((kind, cause))) => {
                assert_eq!(failure.kind, kind, "{body}: {failure}");
                assert!(failure.shown_cause().starts_with(cause), "{body}: {failure}");
                assert!(failure.headline().starts_with("profile 'prod' (~/.aws/config:7): mfa_process "), "{failure}");
                assert!(failure.cause.len() < 2_000 && !failure.cause.contains("123456"), "{failure}");
            }
            (got, _) => panic!("{body}: {got:?}"),
        }
    }
}

#[test]
fn a_gigabyte_of_output_is_cut_short() {
    let (_folder, env) = with_program("exec head -c 1000000000 /dev/zero");
    let start = Instant::now();
    let Err(AskError::Failed(failure)) = ask(&parse("code", &env).unwrap(), LONG) else { panic!("took it") };
    assert_eq!((failure.kind, failure.cause.as_str()), (Kind::Config, "mfa_process printed more than 1024 bytes"));
    assert!(start.elapsed() < Duration::from_secs(10));
}

#[test]
fn a_program_that_hangs_is_killed_at_the_bound_with_its_children() {
    let (directory, env) = with_program("sleep 1000 & echo $! > \"$1\"; echo $$ >> \"$1\"; echo 123456; wait");
    let pids = directory.path().join("pids");
    let source = parse(&format!("code {}", pids.display()), &env).unwrap();
    let start = Instant::now();
    let Err(AskError::Failed(failure)) = ask(&source, Duration::from_secs(2)) else { panic!("did not hang") };
    assert!(start.elapsed() < Duration::from_secs(10), "{:?}", start.elapsed());
    assert_eq!((failure.kind, failure.cause.as_str()), (Kind::Refused, "mfa_process did not finish within 2 s"));
    for pid in fs::read_to_string(pids).unwrap().lines() {
        eventually("the death of the whole group", || is_dead(pid));
    }
}

/// Gone, or waiting for somebody to collect it.
pub fn is_dead(pid: &str) -> bool {
    fs::read_to_string(format!("/proc/{pid}/stat")).map_or(true, |stat| stat.contains(") Z "))
}

#[test]
fn a_signal_at_the_question_of_a_program_ends_that_program_too() {
    let (directory, _) = with_program("echo $$ > \"$1\"; sleep 1000");
    let (program, pids) = (directory.path().join(BIN).join("code"), directory.path().join("pids"));
    let line = format!("{} {}", program.display(), pids.display());
    let mut world = World::new(&[("PROMPT_JOB", "command"), ("PROMPT_LINE", &line)]);
    world.start();
    eventually("the program", || fs::read_to_string(&pids).is_ok_and(|text| text.ends_with('\n')));
    world.types("\x03");
    assert_eq!(world.event(), "signaled 2");
    let pid = fs::read_to_string(&pids).unwrap();
    eventually("the death of the program", || is_dead(pid.trim()));
}

#[test]
fn programs_are_found_by_absolute_path_or_on_path_and_never_from_the_current_folder() {
    let (directory, env) = with_program("echo 123456");
    let absolute = directory.path().join(BIN).join("code").display().to_string();
    assert_eq!(ask(&parse(&absolute, &env).unwrap(), LONG).unwrap(), "123456");
    let beside = Env::of([("PATH", format!(".::relative:{}", directory.path().join("none").display()))]);
    for (line, env, cause) in [
        ("./code", &env, "must be an absolute path or a name on PATH: './code'"),
        ("../code", &env, "must be an absolute path or a name on PATH: '../code'"),
        ("bin/code", &env, "must be an absolute path or a name on PATH: 'bin/code'"),
        ("~/code", &env, "must be an absolute path or a name on PATH: '~/code'"),
        ("..", &env, "must be"),
        ("main.rs", &beside, "program not found: 'main.rs'"),
        ("Cargo.toml", &beside, "program not found: 'Cargo.toml'"),
        ("code", &Env::default(), "program not found: 'code'"),
        ("/no/such/program", &env, "program not found: '/no/such/program'"),
        ("/tmp", &env, "program not found: '/tmp'"),
        ("code | tee /tmp/x", &env, "shell syntax: '|'"),
        ("code $HOME", &env, "shell syntax: '$'"),
    ] {
        let failure = parse(line, env).unwrap_err();
        assert_eq!(failure.kind, Kind::Config, "{line}");
        assert!(failure.cause.contains(cause), "{line}: {failure}");
    }
}

#[test]
fn path_entries_that_depend_on_the_current_folder_are_skipped() {
    let (directory, _) = with_program("echo 123456");
    let report = directory.path().join("report");
    for (path, found) in [(".", false), ("", false), (":/usr/bin", false), ("sub/..", false), ("", false)] {
        let mut job = role("command");
        job.current_dir(directory.path()).env("PATH", path).env("PROMPT_LINE", "code").env("PROMPT_REPORT", &report);
        let ended = job.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status().unwrap();
        assert_eq!((ended.success(), report.exists()), (found, found), "PATH={path}");
    }
    let mut job = role("command");
    let path = format!(".:{}", directory.path().join(BIN).display());
    job.env("PROMPT_HOME", directory.path());
    job.env("PATH", path).env("PROMPT_LINE", "code").env("PROMPT_REPORT", &report).stdout(Stdio::null());
    assert!(job.status().unwrap().success());
    assert_eq!(fs::read_to_string(&report).unwrap(), "code 123456\ndone\n");
}

#[test]
fn the_program_gets_no_code_no_profile_no_input_and_ordinary_signals() {
    let (directory, _) =
        with_program("env > \"$1.env\"; cat > \"$1.in\"; grep ^Sig[BIC] /proc/self/status > \"$1.sig\"; echo 123456");
    let program = directory.path().join(BIN).join("code").display().to_string();
    let line = format!("{program} {program}");
    let mut world = World::new(&[
        ("PROMPT_JOB", "command"),
        ("PROMPT_LINE", &line),
        ("TWOLOCK_MFA_CODE", "777777"),
        ("AWS_PROFILE", "canary"),
        ("AWS_DEFAULT_PROFILE", "canary"),
    ]);
    world.start();
    assert_eq!(world.event(), "exited 0");
    assert_eq!(world.report(), "code 123456\ndone\n");
    let environment = fs::read_to_string(format!("{program}.env")).unwrap();
    assert!(environment.contains("TWOLOCK_RUNNING=arn:aws:iam::"), "{environment}");
    assert!(!environment.contains("777777") && !environment.contains("canary"), "{environment}");
    assert_eq!(fs::read(format!("{program}.in")).unwrap(), b"");
    // The 31 ordinary signals; glibc's own, above them, depend on how a process was spawned.
    let signals = || -> Vec<(String, u64)> {
        let text = fs::read_to_string(format!("{program}.sig")).unwrap();
        let rows = text.lines().map(|line| line.split_once(":\t").unwrap());
        rows.map(|(name, mask)| (name.into(), u64::from_str_radix(mask, 16).unwrap() & 0x7fff_ffff)).collect()
    };
    let under_us = signals();
    let plain = std::process::Command::new(&program).arg(&program).stdin(Stdio::null()).output().unwrap();
    assert_eq!(plain.stdout, b"123456\n");
    assert_eq!(under_us, signals(), "blocked, ignored and caught signals");
}

#[test]
fn a_code_on_standard_input_is_one_line_and_the_rest_is_the_childs() {
    for (input, code, rest) in [
        ("123456\nrest of\nthe data\n", "code 123456", "rest of\nthe data\n"),
        ("123456", "code 123456", ""),
        ("hello\nrest", "failed 2: --code-stdin did not contain a six-digit code", "rest"),
        ("", "failed 2: --code-stdin is set, but standard input is empty", ""),
    ] {
        let directory = tempfile::tempdir().unwrap();
        let (report, data) = (directory.path().join("report"), directory.path().join("data"));
        fs::write(&data, input).unwrap();
        let mut job = role("stdin");
        job.env("PROMPT_REPORT", &report).stdin(fs::File::open(data).unwrap()).stdout(Stdio::null());
        assert!(job.status().unwrap().success());
        assert_eq!(fs::read_to_string(report).unwrap(), format!("{code}\nrest {rest}\n"), "{input:?}");
    }
}

#[test]
fn a_standard_input_that_never_speaks_is_waited_for_until_the_deadline() {
    let directory = tempfile::tempdir().unwrap();
    let report = directory.path().join("report");
    let mut job = role("stdin");
    job.env("PROMPT_REPORT", &report).env("PROMPT_SECONDS", "0.5").stdin(Stdio::piped()).stdout(Stdio::null());
    let mut running = job.spawn().unwrap();
    eventually("the deadline", || fs::read_to_string(&report).is_ok_and(|text| text == "TimedOut\n"));
    drop(running.stdin.take());
    assert!(running.wait().unwrap().success());
}
