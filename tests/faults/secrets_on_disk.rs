//! What is written, and how: no secret in clear, nothing for other users (P7, P9, P3).

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::Path;

use crate::machine::{Trace, traced, with_code};
use crate::outcome::{holds, secrets};
use crate::world::{World, make_runnable};

const WRITES: &str = "write,writev,pwrite64,pwritev,sendto,sendmsg,sendmmsg,add_key";

/// The bytes a run wrote, each call with its descriptor, its answer on stdout left out.
fn assert_no_secret_is_written(world: &World, trace: &Trace, code: &str) {
    for line in trace.of(&["write", "writev", "pwrite64", "pwritev", "sendto", "sendmsg", "sendmmsg", "add_key"]) {
        let target = line.split_once('(').map_or("", |(_, rest)| rest);
        if target.starts_with("1<") {
            continue;
        }
        let is_network = target.split(',').next().is_some_and(|fd| fd.contains("TCP:") || fd.contains("socket:"));
        for secret in secrets(world) {
            // A session token is part of every signed call; nothing else is ever sent.
            let is_token = secret.len() > 100;
            assert!(is_network && is_token || !holds(line, &secret), "a secret was written: {line}");
        }
        assert!(is_network || !line.contains(code), "the code was written: {line}");
    }
}

#[test]
fn no_call_writes_a_secret_but_the_answer_itself() {
    let world = World::new();
    let code = world.code();
    for args in [
        &["credential-process", "-vv", "prod"][..],
        &["env", "prod"],
        &["whoami", "prod"],
        &["status"],
        &["login", "base"],
    ] {
        let (ran, trace) = traced(&world, WRITES, args, with_code(&code));
        assert_eq!(ran.code, 0, "{args:?}: {ran:?}");
        let is_answer = |line: &&str| line.contains("write(1<");
        let answers = trace.of(&["write"]).filter(is_answer).collect::<String>();
        let hands_out = ["credential-process", "env"].contains(&args[0]);
        assert_eq!(
            secrets(&world).iter().any(|secret| holds(&answers, secret)),
            hands_out,
            "the trace shows the answer"
        );
        assert_no_secret_is_written(&world, &trace, &code);
    }
}

#[test]
fn no_file_anywhere_in_the_home_holds_a_secret_but_the_one_the_user_wrote() {
    let world = World::new();
    world.log_in("prod");
    assert_eq!(world.run(["credential-process", "prod"]).code, 0);
    world.write("config-ours", "");
    let ran = world.run(["settings", "set", "keyring", "file"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_eq!(world.run(["status"]).code, 0);
    let mut files = 0;
    walk(world.home(), &mut |path| {
        files += 1;
        let bytes = fs::read(path).unwrap();
        let text = String::from_utf8_lossy(&bytes);
        if !path.ends_with(".aws/credentials") {
            secrets(&world).iter().for_each(|secret| assert!(!holds(&text, secret), "{}", path.display()));
        }
    });
    assert!(files > 5, "{files}");
}

fn walk(directory: &Path, look: &mut impl FnMut(&Path)) {
    for entry in fs::read_dir(directory).unwrap().flatten() {
        if entry.file_type().unwrap().is_dir() { walk(&entry.path(), look) } else { look(&entry.path()) }
    }
}

#[test]
fn whatever_the_umask_what_is_made_is_private_from_the_first_instant() {
    for umask in [0o000, 0o022, 0o777] {
        let world = World::new();
        let code = world.code();
        let made = "open,openat,openat2,creat,mkdir,mkdirat";
        for args in
            [&["login", "prod"][..], &["settings", "set", "prompt_timeout", "50s"], &["credential-process", "prod"]]
        {
            let (ran, trace) = traced(&world, made, args, |command| {
                command.env("TWOLOCK_MFA_CODE", &code);
                // SAFETY: umask takes a number and cannot fail.
                unsafe {
                    command.pre_exec(move || {
                        libc::umask(umask);
                        Ok(())
                    });
                }
            });
            assert_eq!(ran.code, 0, "{args:?} {umask:o}: {ran:?}");
            for line in trace.0.lines().filter(|line| line.contains("O_CREAT") || line.contains("mkdir")) {
                let private = line.contains(", 0600)") || line.contains(", 0700)");
                assert!(private || line.contains("/dev/"), "made with other rights: {line}");
                let ours = line.contains(".twolock-") && line.contains("O_CREAT");
                assert!(!ours || line.contains("O_EXCL"), "a temporary file that might be somebody's: {line}");
            }
        }
        for directory in [".cache", ".config"] {
            check_tree(&world.home().join(directory));
        }
    }
}

fn check_tree(path: &Path) {
    let metadata = fs::symlink_metadata(path).unwrap();
    let mode = metadata.permissions().mode() & 0o777;
    let wanted = if metadata.is_dir() { 0o700 } else { 0o600 };
    assert_eq!(mode & 0o077, 0, "{} is {mode:o}", path.display());
    assert!(mode == wanted || path.extension().is_some_and(|e| e == "lock"), "{} is {mode:o}", path.display());
    if metadata.is_dir() {
        fs::read_dir(path).unwrap().flatten().for_each(|entry| check_tree(&entry.path()));
    }
}

#[test]
fn links_and_strangers_files_where_ours_should_be_are_neither_read_nor_followed() {
    let world = World::new();
    world.log_in("prod");
    let elsewhere = world.home().join("elsewhere");
    for entry in fs::read_dir(world.cache()).unwrap().flatten() {
        if entry.path().extension().is_some_and(|e| e == "sealed") {
            fs::rename(entry.path(), &elsewhere).unwrap();
            std::os::unix::fs::symlink(&elsewhere, entry.path()).unwrap();
        }
    }
    let before = fs::read(&elsewhere).unwrap();
    let ran = world.run_with_code(["credential-process", "prod"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_eq!(fs::read(&elsewhere).unwrap(), before, "the link was replaced, not followed");
    for entry in fs::read_dir(world.cache()).unwrap().flatten() {
        assert!(fs::symlink_metadata(entry.path()).unwrap().is_file(), "{:?}", entry.path());
    }
}

#[test]
fn a_sealed_file_others_may_read_is_a_miss_and_replaced_by_a_private_one() {
    let world = World::new();
    world.log_in("base");
    let path = fs::read_dir(world.cache()).unwrap().flatten().map(|e| e.path());
    let path = path.into_iter().find(|p| p.extension().is_some_and(|e| e == "sealed")).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    assert_eq!(world.run(["credential-process", "base"]).code, 9);
    assert_eq!(world.run_with_code(["credential-process", "base"]).code, 0);
    assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
}

#[test]
fn the_command_line_of_no_process_holds_a_code_or_a_secret() {
    let world = World::new();
    let code = world.code();
    let (ran, trace) = traced(&world, "execve", &["exec", "prod", "--", "env"], |command| {
        command.env("TWOLOCK_MFA_CODE", &code);
    });
    assert_eq!(ran.code, 0, "{ran:?}");
    for line in trace.of(&["execve"]) {
        assert!(!line.contains(&code), "{line}");
        secrets(&world).iter().for_each(|secret| assert!(!holds(line, secret), "{line}"));
    }
    assert!(!ran.stdout.contains("TWOLOCK_MFA_CODE"), "{ran:?}");
}

#[test]
fn the_url_that_signs_in_to_the_console_stands_in_no_file_and_in_no_command_line() {
    let world = World::new();
    world.log_in("prod");
    let browser = world.home().join("browser");
    // It asks for the page, and reads the first line of the answer.
    let script = "#!/bin/bash\nurl=${1#http://}; host=${url%%/*}; exec 3<>/dev/tcp/${host/://}\n\
                  printf 'GET /%s HTTP/1.1\\r\\nHost: %s\\r\\n\\r\\n' \"${url#*/}\" \"$host\" >&3; read -r <&3\n";
    world.write("browser", script);
    make_runnable(&browser);
    world.write(".config/twolock/config.toml", &format!("browser = '{}'\n", browser.display()));
    let (ran, trace) = traced(&world, &format!("execve,{WRITES}"), &["console", "prod", "-vv"], |_| {});
    assert_eq!(ran.code, 0, "{ran:?}");
    let holds_one = |line: &&str| line.contains("SigninToken=") || secrets(&world).iter().any(|one| holds(line, one));
    let lines: Vec<&str> = trace.0.lines().filter(holds_one).collect();
    assert!(lines.iter().any(|line| line.contains("302 Found")), "the trace shows the redirect: {}", trace.0);
    for line in lines {
        let descriptor = line.split_once('(').and_then(|(_, rest)| rest.split(',').next()).unwrap_or_default();
        assert!(descriptor.contains("TCP:") || descriptor.contains("socket:"), "{line}");
    }
    assert!(trace.of(&["execve"]).any(|line| line.contains("http://127.0.0.1:")), "{}", trace.0);
}
