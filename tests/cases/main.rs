//! Situations as directories: what `twolock profile show` prints for a pair of AWS files.
//!
//! Each directory here is one case; its name is the situation. To add one, no Rust is needed:
//!
//! 1. Create a directory with a `config` and, usually, a `credentials` file, as in `~/.aws`. Begin `config` with a
//!    comment that says in one sentence what the case shows.
//! 2. Write the profile's name into `ask`.
//! 3. If the case needs them, add
//!    - `env`: NAME=value lines, the variables set for the run (`~` at the start of a value is the home directory),
//!    - `keys.json`: the index of the keys in the keyring,
//!    - `config.toml`: twolock's own settings.
//! 4. Run `BLESS=1 cargo test --test cases`, which writes `expected`, and read what it wrote: it is what users see.
//!
//! `expected` is the complete stdout and stderr, with `exit N` as its first line if N is not 0. The home directory is
//! written `~`, and the user's number in `uid-1000` is written `uid-N`. Neither AWS nor a keyring is used here.
//!
//! For every case, `--json` is checked as well: it is valid, has either a plan or a problem, and no empty or null
//! field. No secret in the files is shown in either format.
#![cfg(unix)]
#![allow(clippy::disallowed_methods, reason = "tests stand outside the program's layers")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

#[test]
fn every_case_shows_what_is_expected() {
    let cases = cases();
    let wrong: Vec<String> = cases.iter().filter_map(|case| compare(case)).collect();
    assert!(wrong.is_empty(), "{} of {} cases differ\n\n{}", wrong.len(), cases.len(), wrong.join("\n"));
}

#[test]
fn json_has_a_plan_or_a_problem_and_nothing_empty() {
    for case in cases() {
        let ran = show(&case, &["--json"]);
        if !ran.status.success() {
            assert!(ran.stdout.is_empty(), "{}: {ran:?}", name(&case));
            continue;
        }
        let json: Value = serde_json::from_slice(&ran.stdout).unwrap_or_else(|e| panic!("{}: {e}", name(&case)));
        assert!(json.get("plan").is_some() != json.get("problem").is_some(), "{}: {json:#}", name(&case));
        for (field, value) in json.as_object().unwrap() {
            assert!(!value.is_null() && value != "", "{}: {field} is {value}", name(&case));
        }
    }
}

#[test]
fn no_secret_in_the_files_is_shown() {
    for case in cases() {
        let files: String = ["config", "credentials"].iter().map(|file| text(&case.join(file))).collect();
        let is_secret = |line: &&str| line.contains("secret") || line.contains("token =");
        let values = files.lines().filter(is_secret).filter_map(|line| Some(line.split_once('=')?.1.trim()));
        let canaries: Vec<&str> = values.filter(|value| value.len() > 8).collect();
        for args in [&[][..], &["--json"], &["-vv"]] {
            let ran = show(&case, args);
            let said = String::from_utf8([ran.stdout, ran.stderr].concat()).expect("output is UTF-8");
            let shown = canaries.iter().find(|canary| said.contains(**canary));
            assert_eq!(shown, None, "{} with {args:?}", name(&case));
        }
    }
}

/// Describes the difference; with `BLESS=1`, the new text becomes the expected one.
fn compare(case: &Path) -> Option<String> {
    let ran = show(case, &[]);
    let code = ran.status.code().unwrap_or_else(|| panic!("{}: {:?}", name(case), ran.status));
    let exit = if code == 0 { String::new() } else { format!("exit {code}\n") };
    let actual = exit + &String::from_utf8([ran.stdout, ran.stderr].concat()).expect("output is UTF-8");
    let file = case.join("expected");
    if std::env::var_os("BLESS").is_some_and(|value| value == "1") {
        fs::write(&file, &actual).unwrap();
        return None;
    }
    let expected = text(&file);
    (actual != expected).then(|| format!("== {}: expected\n{expected}== but it shows\n{actual}", name(case)))
}

/// Where the cases say that twolock is, and where it is.
const INSTALLED: &str = "/usr/local/bin/twolock";
const BINARY: &str = env!("CARGO_BIN_EXE_twolock");

fn replaced(bytes: Vec<u8>, from: &str, to: &str) -> Vec<u8> {
    match String::from_utf8(bytes) {
        Ok(text) => text.replace(from, to).into_bytes(),
        Err(odd) => odd.into_bytes(),
    }
}

/// Runs `profile show` in a temporary home directory, and replaces this machine's paths and numbers.
fn show(case: &Path, args: &[&str]) -> Output {
    let home = tempfile::tempdir().expect("a temporary home");
    for (file, place) in [
        ("config", ".aws/config"),
        ("credentials", ".aws/credentials"),
        ("keys.json", ".local/share/twolock/keys.json"),
        ("config.toml", ".config/twolock/config.toml"),
    ] {
        let (from, to) = (case.join(file), home.path().join(place));
        if from.exists() {
            fs::create_dir_all(to.parent().unwrap()).unwrap();
            fs::write(to, replaced(fs::read(from).unwrap(), INSTALLED, BINARY)).unwrap();
        }
    }
    let mut command = Command::new(BINARY);
    command
        .env_clear()
        .env("HOME", home.path())
        .env("TWOLOCK_ACCOUNT_HOME", home.path())
        .env("USER", "ana")
        .env("PATH", "/usr/bin:/bin");
    for line in text(&case.join("env")).lines() {
        let (variable, value) = line.split_once('=').unwrap_or_else(|| panic!("{}: env: {line}", name(case)));
        command.env(variable, value.replacen('~', home.path().to_str().unwrap(), 1));
    }
    let asked = text(&case.join("ask"));
    command.args(["profile", "show", "--profile", asked.trim_end_matches('\n')]).args(args);
    let mut ran = command.output().expect("the binary runs");
    for stream in [&mut ran.stdout, &mut ran.stderr] {
        let said = String::from_utf8(std::mem::take(stream)).expect("output is UTF-8");
        // SAFETY: geteuid reads a number of this process and cannot fail.
        let uid = format!("uid-{}", unsafe { libc::geteuid() });
        let said = said.replace(home.path().to_str().unwrap(), "~").replace(&uid, "uid-N");
        *stream = said.replace(BINARY, INSTALLED).into_bytes();
    }
    ran
}

fn cases() -> Vec<PathBuf> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    let entries = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    let mut cases: Vec<PathBuf> = entries.filter(|path| path.is_dir()).collect();
    cases.sort();
    assert!(!cases.is_empty());
    cases
}

fn name(case: &Path) -> String {
    case.file_name().unwrap().to_string_lossy().into_owned()
}

/// A file's text; nothing if there is no such file.
fn text(file: &Path) -> String {
    fs::read(file).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default()
}
