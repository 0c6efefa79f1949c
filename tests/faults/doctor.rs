//! P33, F7, F20 to F25 as `doctor` sees them: modes, owners and links that are against us, and keyrings in each state.

use std::ffi::CString;
use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::Value;
use twolock::internals::close_to_others;

use crate::desktop::{Desktop, item};
use crate::machine::{signal, traced};
use crate::outcome::tells_no_secret;
use crate::somebody::Somebody;
use crate::world::{Ran, World};

/// Far beyond what a keyring and a network call may take together, and far below a hang.
const BOUND: Duration = Duration::from_secs(25);
/// Nobody's.
const STRANGER: u32 = 64_311;

fn chmod(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

fn json(ran: &Ran) -> Value {
    serde_json::from_str(&ran.stdout).unwrap_or_else(|e| panic!("{e}: {ran:?}"))
}

/// `severity what` of the findings of one check.
fn found(ran: &Ran, check: &str) -> Vec<String> {
    let json = json(ran);
    let of = json["findings"].as_array().unwrap().iter().filter(|finding| finding["check"] == check);
    of.map(|f| format!("{} {}", f["severity"].as_str().unwrap(), f["what"].as_str().unwrap())).collect()
}

fn unchecked(ran: &Ran, check: &str) -> Option<String> {
    let json = json(ran);
    let of = json["unchecked"].as_array().unwrap().iter().find(|one| one["check"] == check)?;
    Some(of["why"].as_str().unwrap().into())
}

/// Swaps two names in one step, as often as the machine can.
fn exchange(one: &Path, other: &Path) {
    let [one, other] = [one, other].map(|path| CString::new(path.as_os_str().as_encoded_bytes()).unwrap());
    // SAFETY: both names are zero-terminated and outlive the call.
    let done = unsafe {
        libc::syscall(
            libc::SYS_renameat2,
            libc::AT_FDCWD,
            one.as_ptr(),
            libc::AT_FDCWD,
            other.as_ptr(),
            libc::RENAME_EXCHANGE,
        )
    };
    assert_eq!(done, 0, "{}", std::io::Error::last_os_error());
}

/// Our file is swapped for somebody else's all the time: by a second name of theirs, or by a link to it.
fn race(rounds: usize, plant: impl Fn(&Path, &Path)) {
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name);
    let (theirs, name, swapped) = (at("theirs"), at("config"), at("swapped"));
    fs::write(&theirs, "x").unwrap();
    // Who is not root has no stranger's file; what is left then is that the race ends.
    let _ = chown(&theirs, Some(STRANGER), Some(STRANGER));
    fs::write(&name, "ours").unwrap();
    plant(&theirs, &swapped);
    [&theirs, &name].into_iter().for_each(|file| chmod(file, 0o644));
    let is_a_strangers = fs::metadata(&theirs).unwrap().uid() == STRANGER;
    let ends = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !ends.load(Ordering::Relaxed) {
                exchange(&name, &swapped);
            }
        });
        let mut closed = 0;
        for round in 0..rounds {
            closed += usize::from(close_to_others(&name).is_ok());
            if is_a_strangers && mode(&theirs) != 0o644 {
                ends.store(true, Ordering::Relaxed);
                panic!("round {round}: the stranger's file has mode {:o}", mode(&theirs));
            }
        }
        ends.store(true, Ordering::Relaxed);
        assert!(closed > 0, "our own file was never met");
    });
}

#[test]
fn a_file_swapped_for_a_strangers_never_changes_the_strangers_mode() {
    let rounds = 10_000;
    race(rounds, |theirs, name| fs::hard_link(theirs, name).unwrap());
    race(rounds, |theirs, name| symlink(theirs, name).unwrap());
}

#[test]
fn what_is_not_ours_to_change_is_reported_and_left_alone() {
    let world = World::new();
    let at = |name: &str| world.home().join(name);
    fs::create_dir_all(at(".aws/sso/cache")).unwrap();
    assert!(std::process::Command::new("mkfifo").arg(at(".aws/sso/cache/pipe")).status().unwrap().success());
    fs::hard_link(at(".aws/credentials"), at("backup")).unwrap();
    let somebody = Somebody::of(&world);
    for name in [".aws", ".aws/sso/cache"] {
        chmod(&at(name), 0o700);
    }
    chmod(&at(".aws/credentials"), 0o644);
    let is_root = chown(at(".aws/config"), Some(0), Some(0)).is_ok();
    chmod(&at(".aws/config"), 0o644);
    let ran = world.finish(&mut somebody.twolock(&["doctor", "--fix", "--json"]));
    assert_eq!((ran.code, ran.stderr.as_str()), (3, ""), "{ran:?}");
    assert_eq!(found(&ran, "hard-link"), ["warning it has 2 hard links"]);
    assert_eq!(found(&ran, "file-kind"), ["warning it is a pipe or device"]);
    if is_root {
        assert_eq!(found(&ran, "file-owner"), ["error it belongs to another user (uid 0)"]);
        assert_eq!(found(&ran, "file-mode"), Vec::<String>::new());
        assert_eq!(mode(&at(".aws/config")), 0o644);
    }
    assert_eq!(mode(&at("backup")), 0o644);
}

/// The findings about owners: file, what, what fixes it.
fn owners(ran: &Ran) -> Vec<[String; 3]> {
    let json: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    let findings = json["findings"].as_array().unwrap().iter().filter(|finding| finding["check"] == "file-owner");
    findings.map(|f| ["file", "what", "fix"].map(|field| f[field].as_str().unwrap_or_default().to_owned())).collect()
}

#[test]
fn what_one_sudo_left_in_our_directories_is_one_finding_and_one_command_fixes_it() {
    let world = World::new();
    let at = |name: &str| world.home().join(name);
    let somebody = Somebody::of(&world);
    let mut login = somebody.twolock(&["login", "prod"]);
    assert_eq!(world.finish(login.env("TWOLOCK_MFA_CODE", world.code())).code, 0);
    let doctor = || owners(&world.finish(&mut somebody.twolock(&["doctor", "--json"])));
    assert_eq!(doctor(), Vec::<[String; 3]>::new());
    let files: Vec<_> = fs::read_dir(world.cache()).unwrap().map(|entry| entry.unwrap().path()).collect();
    if files.iter().any(|file| chown(file, Some(0), Some(0)).is_err()) {
        let loud = b"NOT TESTED: only root can give files to root\n";
        return std::io::Write::write_all(&mut std::io::stderr(), loud).unwrap();
    }
    let fixes = |found: Vec<[String; 3]>, file: &str, tree: &str| {
        let [[named, what, fix]] = &found[..] else { panic!("one finding: {found:?}") };
        let command = format!("sudo chown -R \"$(id -u):$(id -g)\" ~/{tree}");
        assert_eq!((named.as_str(), fix), (file, &command), "{what}");
        // What the command does, as the user would have it done.
        somebody.own(&at(tree));
        assert_eq!(doctor(), Vec::<[String; 3]>::new());
        what.clone()
    };
    let what = fixes(doctor(), "~/.cache/twolock", ".cache/twolock");
    assert!(
        what.starts_with(&format!("{} files in it belong to another user (uid 0), such as ", files.len())),
        "{what}"
    );
    chown(&files[0], Some(0), Some(0)).unwrap();
    let name = files[0].file_name().unwrap().to_str().unwrap();
    let what = fixes(doctor(), &format!("~/.cache/twolock/{name}"), ".cache/twolock");
    assert_eq!(what, "it belongs to another user (uid 0)");
    for (directory, below) in [(".cache/twolock", None), (".cache", Some(".cache/twolock")), (".local/state", None)] {
        for given in [Some(directory), below].into_iter().flatten() {
            chown(at(given), Some(0), Some(0)).unwrap();
            chmod(&at(given), 0o700);
        }
        assert_eq!(fixes(doctor(), &format!("~/{directory}"), directory), "it belongs to another user (uid 0)");
    }
    chown(at(".aws/config"), Some(0), Some(0)).unwrap();
    chmod(&at(".aws/config"), 0o644);
    fixes(doctor(), "~/.aws/config", ".aws");
    // Nobody is told to give the user's files to root.
    let ran = world.run(["doctor", "--json"]);
    let found = owners(&ran);
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0][1].starts_with("doctor is running as root in the home directory of uid "), "{found:?}");
    assert_eq!(found[0][2], "run it without sudo, or with sudo -H");
}

#[test]
fn nothing_is_fixed_below_a_directory_that_strangers_can_change() {
    let world = World::new();
    let (open, config) = (world.home().join("open"), world.home().join(".aws/config"));
    fs::create_dir(&open).unwrap();
    fs::rename(&config, open.join("config")).unwrap();
    symlink("../open/config", &config).unwrap();
    let somebody = Somebody::of(&world);
    chmod(&world.home().join(".aws"), 0o700);
    chmod(&open.join("config"), 0o644);
    chmod(&open, 0o777);
    let ran = world.finish(&mut somebody.twolock(&["doctor", "--fix", "--json"]));
    assert_eq!(mode(&open.join("config")), 0o644);
    let said = "twolock: warning: not fixed: ~/.aws/config: HOME/open is writable by everybody\n";
    assert_eq!((ran.code, ran.stderr.as_str()), (3, said));
    let way = "warning it is writable by everybody, and it is on the path to ~/.aws/config";
    assert_eq!(found(&ran, "open-way"), [way]);
    chmod(&open, 0o755);
    let ran = world.finish(&mut somebody.twolock(&["doctor", "--fix"]));
    assert_eq!((ran.code, mode(&open.join("config"))), (0, 0o600), "{ran:?}");
    assert!(fs::symlink_metadata(&config).unwrap().is_symlink());
}

#[test]
fn an_open_folder_is_closed_before_what_lies_in_it() {
    let world = World::new();
    let somebody = Somebody::of(&world);
    let (directory, config) = (world.home().join(".aws"), world.home().join(".aws/config"));
    chmod(&directory, 0o777);
    chmod(&config, 0o666);
    let ran = world.finish(&mut somebody.twolock(&["doctor", "--fix"]));
    assert_eq!((ran.code, mode(&directory), mode(&config)), (0, 0o700, 0o600), "{ran:?}");
}

#[test]
fn a_pipe_a_lost_link_and_a_closed_home_are_findings_and_nothing_hangs() {
    let world = World::new();
    let config = world.home().join(".aws/config");
    chmod(&world.home().join(".aws"), 0o700);
    fs::remove_file(&config).unwrap();
    symlink("nowhere", &config).unwrap();
    let started = Instant::now();
    let ran = world.run(["doctor", "--json"]);
    assert_eq!(found(&ran, "file-kind"), ["warning it is a broken symlink"]);
    fs::remove_file(&config).unwrap();
    assert!(std::process::Command::new("mkfifo").arg(&config).status().unwrap().success());
    let ran = world.run(["doctor", "--json"]);
    assert_eq!(found(&ran, "unreadable"), ["error cannot read ~/.aws/config: it is a pipe or device, not a file"]);
    assert_eq!(found(&ran, "file-kind"), Vec::<String>::new(), "once is enough");
    let somebody = Somebody::of(&world);
    chmod(&world.home().join(".aws"), 0o000);
    let ran = world.finish(&mut somebody.twolock(&["doctor", "--json"]));
    assert_eq!((ran.code, found(&ran, "unreadable").len()), (3, 2), "{ran:?}");
    assert!(started.elapsed() < BOUND * 3);
    chmod(&world.home().join(".aws"), 0o700);
}

/// One run in a desktop session, which ends in time, tells no secret and signs nothing.
fn look(desktop: &Desktop<'_>) -> Ran {
    let begun = Instant::now();
    let mut command = desktop.twolock(&["doctor", "--json"]);
    let ran = desktop.world.finish(command.env("AWS_ENDPOINT_URL_STS", desktop.world.sandbox.url()));
    assert!(begun.elapsed() < BOUND, "{:?}: {ran:?}", begun.elapsed());
    tells_no_secret(desktop.world, &ran);
    assert!(!ran.stdout.contains(crate::world::SECRET), "{ran:?}");
    assert!(desktop.world.sandbox.calls().iter().all(|call| call.access_key_id.is_none()), "nothing is signed");
    ran
}

#[test]
fn a_keyring_that_holds_the_key_is_well_and_a_lost_or_damaged_item_is_not() {
    let world = World::new();
    let desktop = Desktop::unlocked(&world);
    let ran = look(&desktop);
    assert_eq!((found(&ran, "keyring").len(), found(&ran, "keyring-item").len()), (0, 0), "{ran:?}");
    assert_eq!(unchecked(&ran, "keyring-item"), None);
    desktop.plant(&item().replace("\"v\":1", "\"v\":2"), &[]);
    let ran = look(&desktop);
    let damaged = "error access key AKIAIOSFODNN7EXAMPLE: the Secret Service contains a damaged item: its version is not supported";
    assert_eq!(found(&ran, "keyring-item"), [damaged]);
    assert!(desktop.planted().contains("\"v\":2"), "it is left as it is");
    desktop.clear();
    let absent = "error access key AKIAIOSFODNN7EXAMPLE: the Secret Service does not have the item";
    assert_eq!(found(&look(&desktop), "keyring-item"), [absent]);
}

#[test]
fn a_key_in_a_file_is_a_warning_where_the_keyring_would_keep_it() {
    let world = World::new();
    let desktop = Desktop::unlocked(&world);
    world.write(".aws/credentials", crate::world::CREDENTIALS);
    let ran = look(&desktop);
    let both = "warning access key AKIAIOSFODNN7EXAMPLE is here and in the OS keyring";
    assert_eq!((found(&ran, "key-in-two-places"), found(&ran, "plaintext-key")), (vec![both.into()], vec![]));
    let fixes: Vec<_> = json(&ran)["findings"].as_array().unwrap().iter().map(|f| f["fix"].to_string()).collect();
    assert!(fixes.iter().any(|fix| fix.contains("twolock profile adopt base")), "{fixes:?}");
    fs::remove_file(world.home().join(".local/share/twolock/keys.json")).unwrap();
    let ran = look(&desktop);
    assert_eq!(found(&ran, "plaintext-key"), ["warning access key AKIAIOSFODNN7EXAMPLE is stored in plain text"]);
    assert_eq!(ran.code, 3);
    let role = "[profile role]\nrole_arn = arn:aws:iam::123456789012:role/Admin\nsource_profile = base\n";
    let device = "mfa_serial = arn:aws:iam::123456789012:mfa/ana\n";
    let ours = "[profile ours]\ntwolock_source_profile = base\ncredential_process = twolock credential-process ours\n";
    for (config, fix) in [
        (format!("[profile base]\n{device}"), "twolock profile adopt base"),
        (format!("{role}{device}"), "twolock profile adopt base"),
        (ours.into(), "twolock profile adopt ours"),
        (role.into(), "twolock profile set base mfa_serial ARN && twolock profile adopt base"),
    ] {
        world.write(".aws/config", &config);
        let findings = json(&look(&desktop))["findings"].clone();
        let found = findings.as_array().unwrap().iter().find(|f| f["check"] == "plaintext-key").unwrap();
        assert_eq!(found["fix"], fix, "{config}");
    }
}

#[test]
fn a_locked_stopped_or_silent_keyring_is_named_within_the_bound_and_no_dialog_opens() {
    let world = World::new();
    let mut desktop = Desktop::unlocked(&world);
    desktop.lock();
    let ran = look(&desktop);
    assert_eq!(found(&ran, "keyring"), ["warning the Secret Service is locked"]);
    assert_eq!(unchecked(&ran, "keyring-item").as_deref(), Some("the Secret Service is locked"));
    signal(desktop.keyring(), libc::SIGSTOP);
    let ran = look(&desktop);
    assert!(found(&ran, "keyring")[0].starts_with("warning the Secret Service "), "{ran:?}");
    signal(desktop.keyring(), libc::SIGCONT);
    let socket = world.home().join("run/silent");
    let _listener = UnixListener::bind(&socket).unwrap();
    desktop.set_address(&format!("unix:path={}", socket.display()));
    let ran = look(&desktop);
    assert!(found(&ran, "keyring")[0].starts_with("warning the Secret Service did not respond"), "{ran:?}");
    desktop.set_address("unix:path=/nowhere");
    let ran = look(&desktop);
    assert!(found(&ran, "keyring")[0].starts_with("error the Secret Service is not available"), "{ran:?}");
}

#[test]
fn no_call_leaves_but_one_to_the_clock_of_the_profiles_sts() {
    let world = World::new();
    let (ran, trace) = traced(&world, "connect,sendto,fchmod,fchmodat,chmod", &["doctor"], |_| {});
    let sts = format!("sin_port=htons({}), sin_addr=inet_addr(\"127.0.0.1\")", world.sandbox.port());
    let connects: Vec<_> = trace.of(&["connect"]).filter(|line| line.contains("AF_INET")).collect();
    assert!(connects.len() == 1 && connects[0].contains(&sts), "{connects:?} {ran:?}");
    assert_eq!(trace.count(&["fchmod", "fchmodat", "chmod"]), 0);
    let calls = world.sandbox.calls();
    assert!(calls.len() == 1 && calls[0].access_key_id.is_none() && calls[0].params.is_empty(), "{calls:?}");
}

#[test]
fn thousands_of_profiles_without_a_plan_end_within_seconds() {
    let world = World::new();
    let lost =
        |n: usize| format!("[profile p{n}]\nrole_arn = arn:aws:iam::123456789012:role/A\nsource_profile = q{n}\n");
    world.add_config(&(0..10_000).map(lost).collect::<String>());
    let begun = Instant::now();
    let ran = world.run(["doctor", "--json"]);
    assert!(begun.elapsed() < Duration::from_secs(60), "{:?}", begun.elapsed());
    assert_eq!(found(&ran, "plan").len(), 21, "twenty, and the number of the others");
    assert_eq!(found(&ran, "plan").last().unwrap(), "warning and 9980 more like these");
}
