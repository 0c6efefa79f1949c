//! Another program's `credential_process` that fails, may not be started, or runs twolock itself.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use crate::process_sources::KEY;
use crate::world::{Ran, SECRET, World, make_runnable};

const SCRIPT: &str = "put it into a script, and set credential_process to the script's absolute path";
const TOKEN: &str = "IQoJb3JpZ2luX2VjEJr//////////wEaCXVzLWVhc3QtMSJHMEUCIQDdKk3xQ0uJ7sY9fVbR2wEaCXVzLWVhc3QtMSJH";

impl World {
    /// From now on its program does this, after it has recorded its run.
    fn does(&self, text: &str) {
        self.write("vend", &format!("#!/bin/sh\necho run >>\"$0.runs\"\n{text}\n"));
        make_runnable(&self.home().join("vend"));
    }

    /// Replaces the program's line.
    fn with_program(&self, line: &str) {
        let config = fs::read_to_string(self.home().join(".aws/config")).unwrap();
        let old = format!("credential_process = {}", self.home().join("vend").display());
        self.write(".aws/config", &config.replace(&old, &format!("credential_process = {line}")));
    }

    fn locks(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(self.cache()).into_iter().flatten().map(|entry| entry.unwrap().path());
        entries.filter(|path| path.extension().is_some_and(|end| end == "lock")).collect()
    }
}

/// A first line for the profile of the program itself.
fn first_line(ran: &Ran) -> &str {
    ran.stderr.lines().next().unwrap_or_default()
}

#[test]
fn a_program_that_fails_is_named_with_its_line_and_its_first_words() {
    let world = World::vending("");
    let temporary = KEY.replace("AKIA", "ASIA");
    for (does, code, says) in [
        ("echo 'not signed in: run vend login' >&2; exit 7".into(), 4, "exited with 7: not signed in: run vend login"),
        (format!("echo '{KEY}'; exit 1"), 4, "exited with 1"),
        ("kill -9 $$".into(), 4, "was killed by signal 9"),
        ("printf 'a\\033[31mb\\n' >&2; exit 1".into(), 4, "exited with 1: a\\u{1b}[31mb"),
        (format!("echo token {TOKEN} >&2; exit 1"), 4, "exited with 1: token ***"),
        (format!("echo secret={SECRET} >&2; exit 1"), 4, "exited with 1: secret=***"),
        ("true".into(), 3, "printed nothing"),
        (format!("echo hello; echo '{KEY}'"), 3, "printed something other than one JSON object"),
        (format!("echo '{}'", KEY.replace("\"Version\":1", "\"Version\":2")), 3, "printed JSON without \"Version\": 1"),
        (format!("echo '{temporary}'"), 3, "printed a temporary AccessKeyId without a SessionToken"),
        ("yes | head -c 1G".into(), 3, "printed more than 64000 bytes"),
    ] {
        world.does(&does);
        for profile in ["vend", "open"] {
            let ran = world.run(["credential-process", "-vvv", profile]);
            let line = format!("twolock: error: profile 'vend' (~/.aws/config:3): credential_process 'vend' {says}");
            let errors = ran.stderr.lines().find(|line| line.contains("error: ")).unwrap_or_default();
            assert_eq!((ran.code, ran.stdout.as_str(), errors), (code, "", line.as_str()), "{does}");
            for canary in [SECRET, TOKEN, &SECRET[..12], &TOKEN[..24], "hello"] {
                assert!(!ran.stderr.contains(canary), "{canary}: {ran:?}");
            }
        }
    }
    assert!(world.sandbox.calls().is_empty());
}

#[test]
fn the_highest_verbosity_shows_no_secret_of_a_program_that_succeeds() {
    let world = World::vending_a_session();
    let printed: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(world.home().join("vend.json")).unwrap()).unwrap();
    for args in [["credential-process", "-vvv", "open"], ["whoami", "-vvv", "vend"], ["profile", "show", "vend"]] {
        let ran = world.run(args);
        assert_eq!(ran.code, 0, "{ran:?}");
        for field in ["SecretAccessKey", "SessionToken"] {
            assert!(!ran.stderr.contains(printed[field].as_str().unwrap()), "{field}: {ran:?}");
        }
    }
}

#[test]
fn a_program_that_hangs_is_ended_at_the_bound() {
    let world = World::vending("");
    world.does("sleep 1000");
    let ran = world.finish(world.twolock(["credential-process", "vend"]).env("TWOLOCK_PROMPT_TIMEOUT", "1s"));
    let line = "twolock: error: profile 'vend' (~/.aws/config:3): credential_process 'vend' did not finish within 1 s";
    assert_eq!((ran.code, ran.stdout.as_str(), first_line(&ran)), (4, "", line));
}

#[test]
fn a_config_that_a_variable_chose_starts_no_program_without_consent() {
    let world = World::vending(KEY);
    fs::create_dir(world.home().join("repo")).unwrap();
    fs::rename(world.home().join(".aws/config"), world.home().join("repo/config")).unwrap();
    let file = world.home().join("repo/config");
    let run = |args: &[&str]| world.finish(world.twolock(args).env("AWS_CONFIG_FILE", &file));
    for profile in ["vend", "open", "top"] {
        let ran = run(&["credential-process", profile]);
        let line = "twolock: error: profile 'vend' (~/repo/config:3): will not run programs from HOME/repo/config, because \
                    AWS_CONFIG_FILE selected it: check the file, then run `twolock settings trust HOME/repo/config`";
        assert_eq!((ran.code, ran.stdout.as_str(), first_line(&ran)), (3, "", line), "{profile}");
        assert!(ran.stderr.ends_with("twolock: hint: twolock settings trust HOME/repo/config\n"), "{ran:?}");
        assert_eq!(run(&["profile", "show", profile]).code, 0, "reading needs no consent");
    }
    assert_eq!((world.runs(), world.sandbox.connections()), (0, 0));
    assert_eq!(run(&["settings", "trust", "--yes", file.to_str().unwrap()]).code, 0);
    assert_eq!(run(&["credential-process", "open"]).code, 0);
    assert_eq!(world.runs(), 1);
    let cached = run(&["credential-process", "open"]).stdout;

    // A file that changed starts no program. What is cached was given with consent, for the same line, and starts nothing.
    let text = fs::read_to_string(&file).unwrap();
    fs::write(&file, format!("{text}\n# changed\n")).unwrap();
    run(&["credential-process", "open"]).is(0, &cached, "");
    let ran = run(&["credential-process", "vend"]);
    assert_eq!((ran.code, world.runs()), (3, 1), "{ran:?}");
}

#[test]
fn a_config_that_others_can_write_starts_no_program() {
    let world = World::vending(KEY);
    let file = world.home().join(".aws/config");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o666)).unwrap();
    let ran = world.run(["credential-process", "vend"]);
    let line = "twolock: error: profile 'vend' (~/.aws/config:3): will not run programs from HOME/.aws/config, because \
                HOME/.aws/config is writable by everybody: chmod go-w HOME/.aws/config";
    assert_eq!((ran.code, first_line(&ran), world.runs()), (3, line, 0));
    // Root's own group may write, as may everybody's own (threat-model P16): another one may not.
    fs::set_permissions(&file, fs::Permissions::from_mode(0o660)).unwrap();
    // SAFETY: geteuid reads a number of this process and cannot fail.
    if unsafe { libc::geteuid() } == 0 {
        std::os::unix::fs::chown(&file, None, Some(12_345)).unwrap();
        let ran = world.run(["credential-process", "open"]);
        let line = "twolock: error: profile 'vend' (~/.aws/config:3): will not run programs from HOME/.aws/config, because \
                    HOME/.aws/config is writable by group 12345: chmod go-w HOME/.aws/config";
        assert_eq!((ran.code, world.runs()), (3, 0));
        assert!(first_line(&ran).starts_with(line), "{ran:?}");
    }
}

#[test]
fn a_line_that_is_no_program_to_be_trusted_is_refused() {
    let world = World::vending(KEY);
    for (line, says, hint) in [
        (
            "vend --for x",
            "credential_process: 'vend' on PATH is HOME/vend, which is not in a system directory",
            "use its absolute path: twolock profile set vend credential_process 'HOME/vend --for x'",
        ),
        ("./vend", "credential_process must be an absolute path or a name on PATH: './vend'", ""),
        ("vend | jq .", "credential_process uses shell syntax: '|'", SCRIPT),
        ("/bin/cat $HOME/vend.json", "credential_process uses shell syntax: '$'", SCRIPT),
        ("/no/such/program", "credential_process: program not found: '/no/such/program'", ""),
    ] {
        world.with_program(line);
        let mut command = world.twolock(["credential-process", "vend"]);
        let ran = world.finish(command.env("PATH", format!("{}:/usr/bin:/bin", world.home().display())));
        let first = format!("twolock: error: profile 'vend' (~/.aws/config:3): {says}");
        assert_eq!((ran.code, first_line(&ran)), (3, first.as_str()), "{line}");
        assert!(ran.stderr.contains(hint), "{ran:?}");
        let old = format!("credential_process = {line}");
        let config = fs::read_to_string(world.home().join(".aws/config")).unwrap();
        let program = world.home().join("vend");
        world.write(".aws/config", &config.replace(&old, &format!("credential_process = {}", program.display())));
    }
    assert_eq!((world.runs(), world.sandbox.connections()), (0, 0));
}

/// The innermost run is refused with exit 3, and its program ends with that: for those above it, their program failed.
fn ended_with(code: u8, why: &str) -> String {
    format!("credential_process 'vend' exited with {code}: twolock: error: {why}")
}

#[test]
fn a_program_that_runs_twolock_for_its_own_profile_is_refused_at_once() {
    let world = World::vending("");
    let twolock = env!("CARGO_BIN_EXE_twolock");
    for below in ["vend", "open"] {
        world.does(&format!("exec {twolock} credential-process --profile {below}"));
        for asked in ["vend", "open", "top"] {
            let ran = world.run(["credential-process", asked]);
            let why = "(~/.aws/config:3): credential_process of 'vend' calls twolock, which would run the same program again: 'vend'";
            let why = ended_with(3, &format!("profile '{below}' {why}"));
            let line = format!("twolock: error: profile 'vend' (~/.aws/config:3): {why}");
            assert_eq!((ran.code, ran.stdout.as_str(), first_line(&ran)), (4, "", line.as_str()), "below {asked}");
        }
    }
    assert_eq!(world.runs(), 6, "once for each");
    assert!(!world.locks().is_empty());
    for lock in world.locks() {
        assert!(fs::File::open(&lock).unwrap().try_lock().is_ok(), "{}", lock.display());
    }
    assert!(world.sandbox.calls().is_empty());
}

#[test]
fn programs_that_run_twolock_for_each_other_are_refused_at_once() {
    let world = World::vending("");
    let twolock = env!("CARGO_BIN_EXE_twolock");
    world.does(&format!("exec {twolock} credential-process --profile other"));
    world.write("other", &format!("#!/bin/sh\nexec {twolock} credential-process --profile vend\n"));
    make_runnable(&world.home().join("other"));
    world.add_config(&format!("[profile other]\ncredential_process = {}\n", world.home().join("other").display()));
    for (asked, outer, inner) in [("vend", "vend", "other"), ("open", "vend", "other"), ("other", "other", "vend")] {
        let ran = world.run(["credential-process", asked]);
        let named = |name: &str| if name == "vend" { "'vend' (~/.aws/config:3)" } else { "'other' (~/.aws/config:22)" };
        let line = format!(
            "twolock: error: profile {}: credential_process '{outer}' exited with 4: twolock: error: profile {}: \
             credential_process '{inner}' exited with 3: twolock: error: profile {}: credential_process of '{outer}' \
             calls twolock, which would run the same program again",
            named(outer),
            named(inner),
            named(outer),
        );
        assert_eq!((ran.code, ran.stdout.as_str()), (4, ""), "{ran:?}");
        assert!(line.starts_with(first_line(&ran).trim_end_matches('…').trim_end()), "{ran:?}\n{line}");
    }
    assert_eq!(world.runs(), 3, "once for each");
}
