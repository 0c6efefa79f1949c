//! Files and directories of root's in a user's cache, as one `sudo -E` leaves them, and root itself in such a home (P54).

use std::collections::BTreeMap;
use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Barrier;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use twolock::internals::{Deadline, FileLock};

use crate::machine::script;
use crate::outcome::{answer, failed, is_one_line_or_nothing};
use crate::somebody::{Somebody, UID, is_root};
use crate::world::{CONFIG, Clock, DEVICE, Ran, Terminal, World};

/// Says loudly what was not tested; without another user there is no file of another user.
fn without_root() -> bool {
    if !is_root() {
        let loud = b"NOT TESTED: only root can give files to another user\n";
        std::io::Write::write_all(&mut std::io::stderr(), loud).unwrap();
    }
    !is_root()
}

fn chmod(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

/// A world whose code comes from a program that counts its runs, and takes a while.
fn with_a_counting_program(world: &World) -> Somebody<'_> {
    world.write("code", &world.code());
    let program = script(world, "codes", "echo run >>\"$HOME/runs\"; sleep 1; cat \"$HOME/code\"");
    let device = format!("mfa_serial = {DEVICE}\n");
    world.write(".aws/config", &CONFIG.replace(&device, &format!("{device}mfa_process = {program}\n")));
    Somebody::of(world)
}

fn runs(world: &World) -> usize {
    fs::read_to_string(world.home().join("runs")).unwrap_or_default().lines().count()
}

fn locks(world: &World) -> Vec<PathBuf> {
    let paths = fs::read_dir(world.cache()).unwrap().map(|entry| entry.unwrap().path());
    paths.filter(|path| path.extension().is_some_and(|e| e == "lock")).collect()
}

/// Makes the lock files there are, forgets the sessions, and gives to root whatever is left in the directory.
fn give_the_locks_to_root(world: &World, somebody: &Somebody<'_>) -> Vec<PathBuf> {
    let ran = world.finish(&mut somebody.twolock(&["credential-process", "prod"]));
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_eq!(world.finish(&mut somebody.twolock(&["logout", "prod"])).code, 0);
    let locks = locks(world);
    assert!(locks.len() >= 3, "of the sealing key, the device, the role: {locks:?}");
    let files = fs::read_dir(world.cache()).unwrap().map(|entry| entry.unwrap().path());
    files.for_each(|file| chown(file, Some(0), Some(0)).unwrap());
    world.write("code", &world.code());
    somebody.own(&world.home().join("code"));
    fs::remove_file(world.home().join("runs")).unwrap();
    locks
}

#[test]
fn fifteen_callers_that_find_roots_lock_files_are_one_question() {
    if without_root() {
        return;
    }
    let world = World::new();
    let somebody = with_a_counting_program(&world);
    let locks = give_the_locks_to_root(&world, &somebody);
    let before = world.sandbox.codes_consumed().len();
    let profiles = ["prod", "deploy", "base"];
    let callers: Vec<_> = (0..15)
        .map(|n| {
            let mut command = somebody.twolock(&["credential-process", profiles[n % 3]]);
            command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
        })
        .collect();
    for child in callers {
        let ran = world.read(&child.wait_with_output().unwrap());
        is_one_line_or_nothing(&ran);
        assert_eq!((ran.code, ran.stderr.as_str()), (0, ""), "{ran:?}");
    }
    assert_eq!((runs(&world), world.sandbox.codes_consumed().len() - before), (1, 1), "one question, one code");
    assert_eq!((world.sandbox.count("GetSessionToken"), world.sandbox.count("AssumeRole")), (2, 3));
    let owner = |lock: &PathBuf| fs::metadata(lock).unwrap().uid();
    let left: Vec<_> = locks.iter().filter(|lock| owner(lock) == 0).collect();
    assert!(left.iter().all(|lock| lock.ends_with("sealing-key.lock")), "used locks are the user's own: {left:?}");
}

#[test]
fn a_lock_file_of_roots_that_cannot_be_replaced_is_named_and_nobody_is_asked() {
    if without_root() {
        return;
    }
    let world = World::new();
    let somebody = with_a_counting_program(&world);
    give_the_locks_to_root(&world, &somebody);
    chmod(&world.cache(), 0o500);
    for args in
        [&["credential-process", "base"][..], &["login", "base"], &["env", "base"], &["exec", "base", "--", "true"]]
    {
        let ran = world.finish(&mut somebody.twolock(args));
        failed(&ran, 7, &["profile 'base': ~/.cache/twolock/device-", ".lock belongs to another user (uid 0)"]);
        let chown = "twolock: hint: sudo chown -R \"$(id -u):$(id -g)\" ~/.cache/twolock\n";
        assert!(ran.stderr.ends_with(chown), "{args:?}: {ran:?}");
    }
    assert_eq!(runs(&world), 0);
    chmod(&world.cache(), 0o700);
}

#[test]
fn in_a_cache_directory_of_roots_nobody_asks_without_a_lock_but_a_person_that_waits() {
    if without_root() {
        return;
    }
    let world = World::new();
    let somebody = with_a_counting_program(&world);
    fs::create_dir_all(world.cache()).unwrap();
    chmod(&world.cache(), 0o700);
    somebody.own(&world.home().join(".cache"));
    chown(world.cache(), Some(0), Some(0)).unwrap();
    for args in [&["credential-process", "prod"][..], &["login", "prod"]] {
        let ran = world.finish(&mut somebody.twolock(args));
        failed(&ran, 7, &["profile 'prod': ~/.cache/twolock belongs to another user (uid 0)"]);
        assert!(ran.stderr.contains("sudo chown -R \"$(id -u):$(id -g)\" ~/.cache/twolock"), "{ran:?}");
    }
    assert_eq!((runs(&world), world.sandbox.connections()), (0, 0));
    let ran = world.finish(&mut somebody.twolock(&["env", "prod", "--format", "json"]));
    assert!(ran.code == 0 && ran.stdout.contains("AWS_SESSION_TOKEN"), "{ran:?}");
    let warned = "twolock: warning: the session could not be saved, so the next command starts a new one: \
                  ~/.cache/twolock belongs to another user (uid 0)\n";
    assert!(ran.stderr.starts_with(warned), "{ran:?}");
    // One that root shares with us works as it did: a container's home may be so.
    chmod(&world.cache(), 0o777);
    world.write("code", &world.code());
    somebody.own(&world.home().join("code"));
    let first = answer(&world, &mut somebody.twolock(&["credential-process", "prod"]));
    assert_eq!((first.code, first.stderr.as_str()), (0, ""), "{first:?}");
    answer(&world, &mut somebody.twolock(&["credential-process", "prod"])).is(0, &first.stdout, "");
}

#[test]
fn a_directory_that_cannot_be_made_is_named_and_no_file_below_it() {
    let world = World::new();
    let somebody = Somebody::of(&world);
    fs::create_dir(world.home().join(".cache")).unwrap();
    somebody.own(&world.home().join(".cache"));
    chmod(&world.home().join(".cache"), 0o500);
    let text = "twolock: error: profile 'prod': ~/.cache/twolock cannot be created: permission denied\n";
    for verb in ["credential-process", "login"] {
        world.finish(&mut somebody.twolock(&[verb, "prod"])).is(10, "", text);
    }
    let mut command = somebody.twolock(&["exec", "prod", "--", "true"]);
    let ran = world.finish(command.env("TWOLOCK_MFA_CODE", world.code()));
    let text = "twolock: warning: ~/.cache/twolock cannot be created: permission denied; \
                the session is not saved, and the next command asks again\n";
    ran.is(0, "", text);
    chmod(&world.home().join(".cache"), 0o700);
}

#[test]
fn a_login_that_could_keep_nothing_is_no_success() {
    let world = World::new();
    let somebody = Somebody::of(&world);
    let login = |profile: &str| {
        let mut command = somebody.twolock(&["login", profile]);
        world.finish(command.env("TWOLOCK_MFA_CODE", world.code()))
    };
    assert_eq!(login("prod").code, 0);
    assert_eq!(world.finish(&mut somebody.twolock(&["logout", "prod"])).code, 0);
    chmod(&world.cache(), 0o500);
    let ran = login("prod");
    failed(&ran, 10, &["profile 'prod': the session could not be saved", "~/.cache/twolock/", "permission denied"]);
    assert_eq!(ran.stdout, "");
    chmod(&world.cache(), 0o700);
    let ran = login("base");
    assert_eq!(ran.code, 0, "{ran:?}");
    chmod(&world.cache(), 0o500);
    let ran = login("prod");
    assert!(ran.code == 0 && ran.stderr.starts_with("twolock: warning: the session could not be saved"), "{ran:?}");
    // No lock, no question: the code is not spent.
    chmod(&world.cache(), 0o700);
    locks(&world).iter().for_each(|lock| fs::remove_file(lock).unwrap());
    assert_eq!(world.finish(&mut somebody.twolock(&["logout", "prod"])).code, 0);
    chmod(&world.cache(), 0o500);
    let before = world.sandbox.connections();
    failed(
        &login("prod"),
        10,
        &["profile 'prod': ~/.cache/twolock/device-", ".lock cannot be locked: permission denied"],
    );
    assert_eq!(world.sandbox.connections(), before);
    chmod(&world.cache(), 0o700);
}

/// The binary, with a fault in each of these calls.
fn bent(world: &World, call: &str, error: &str, args: &[&str]) -> Ran {
    let mut command = world.program("strace");
    command.args(["-f", "-o", "/dev/null", "-e", &format!("trace={call}")]);
    command.args(["-e", &format!("inject={call}:error={error}")]);
    command.arg(crate::machine::BINARY).args(args).env("TWOLOCK_MFA_CODE", world.code());
    crate::world::without_terminal(&mut command);
    world.finish(&mut command)
}

#[test]
fn a_login_on_a_full_disk_is_no_success_and_other_callers_are_served_with_a_warning() {
    let world = World::new();
    let ran = bent(&world, "fsync", "ENOSPC", &["login", "base"]);
    failed(
        &ran,
        10,
        &["profile 'base': the session could not be saved", "~/.cache/twolock/", "no space left on device"],
    );
    assert_eq!(ran.stdout, "");
    let ran = bent(&world, "fsync", "ENOSPC", &["credential-process", "base"]);
    assert!(ran.code == 0 && ran.stderr.contains("no space left on device"), "{ran:?}");
}

#[test]
fn a_file_system_without_locks_stops_no_caller_and_every_writer() {
    let world = World::new();
    let ran = bent(&world, "flock", "ENOLCK", &["credential-process", "prod"]);
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""), "{ran:?}");
    let ran = bent(&world, "flock", "ENOLCK", &["settings", "set", "min_ttl", "1m"]);
    failed(&ran, 7, &["cannot lock ~/.local/share/twolock/changes.lock: no locks available"]);
}

/// Everything in a home, with owner and mode.
fn tree(path: &Path) -> BTreeMap<PathBuf, (u32, u32)> {
    let found = fs::symlink_metadata(path).unwrap();
    let mut all = BTreeMap::from([(path.to_owned(), (found.uid(), found.mode()))]);
    if found.is_dir() {
        fs::read_dir(path).unwrap().for_each(|entry| all.extend(tree(&entry.unwrap().path())));
    }
    all
}

fn as_root(world: &World, args: &[&str]) -> Ran {
    world.finish(&mut world.twolock(args))
}

#[test]
fn root_in_another_users_home_creates_nothing_and_says_so() {
    if without_root() {
        return;
    }
    let whose = format!("running as root in the home directory of uid {UID}");
    let refusal =
        format!("{whose}, so uid {UID} could not open the files it creates: run it without sudo, or with sudo -H\n");
    for has_cache in [false, true] {
        let world = World::new();
        let somebody = Somebody::of(&world);
        if has_cache {
            let mut login = somebody.twolock(&["login", "prod"]);
            assert_eq!(world.finish(login.env("TWOLOCK_MFA_CODE", world.code())).code, 0);
        }
        let (before, connections) = (tree(world.home()), world.sandbox.connections());
        for verb in ["credential-process", "login"] {
            let ran = as_root(&world, &[verb, "prod"]);
            ran.is(3, "", &format!("twolock: error: profile 'prod': {refusal}"));
        }
        for args in [
            &["profile", "set", "prod", "region", "eu-west-1", "--yes"][..],
            &["profile", "unset", "prod", "region", "--yes"],
            &["profile", "rename", "prod", "other", "--yes"],
            &["profile", "remove", "prod", "--yes"],
            &["profile", "adopt", "prod", "--yes"],
            &["profile", "release", "prod", "--yes"],
            &["settings", "set", "min_ttl", "1m"],
            &["settings", "unset", "min_ttl"],
            &["settings", "trust", "x", "--yes"],
        ] {
            as_root(&world, args).is(3, "", &format!("twolock: error: {refusal}"));
        }
        assert_eq!(world.sandbox.connections(), connections, "no code is spent on what is not kept");
        let mut minutes = 0;
        let warning = format!(
            "twolock: warning: {whose}, so the session is not saved, and the next command asks again: run it without \
             sudo, or with sudo -H\n"
        );
        for args in [&["env", "prod", "--format", "json"][..], &["exec", "prod", "--", "true"], &["whoami", "prod"]] {
            // A minute later by the sandbox's clock, so that the device shows another code.
            minutes += 1;
            world.sandbox.set_clock(Clock::Offset(60 * minutes));
            let ran = world.finish(world.twolock(args).env("TWOLOCK_MFA_CODE", world.code()));
            assert_eq!((ran.code, ran.stderr.as_str()), (0, warning.as_str()), "{args:?}: {ran:?}");
        }
        for args in [&["status"][..], &["profile", "list"], &["profile", "show", "prod"], &["settings", "list"], &[]] {
            let ran = as_root(&world, args);
            assert_eq!((ran.code, ran.stderr.as_str()), (0, ""), "{args:?}: {ran:?}");
        }
        as_root(&world, &["doctor", "--fix"]);
        assert_eq!(tree(world.home()), before, "cache: {has_cache}");
    }
}

#[test]
fn root_in_another_users_home_is_not_given_a_name_that_its_programs_could_not_use() {
    if without_root() {
        return;
    }
    let world = World::new();
    world.write(".config/twolock/config.toml", "keyring = \"file\"\n");
    let program = crate::machine::BINARY;
    world.add_config(&format!(
        "[profile adopted]\ntwolock_source_profile = base\nregion = eu-west-1\nendpoint_url = {{url}}\n\
         mfa_serial = {DEVICE}\ncredential_process = {program} credential-process --profile adopted\n"
    ));
    let somebody = Somebody::of(&world);
    // A session that root can open, too.
    let mut login = somebody.twolock(&["login", "adopted"]);
    assert_eq!(world.finish(login.env("TWOLOCK_MFA_CODE", world.code())).code, 0);
    let by_name = world.finish(&mut somebody.twolock(&["env", "adopted", "--by-name", "--format", "dotenv"]));
    assert!(by_name.stdout.starts_with("AWS_PROFILE=adopted\n"), "{by_name:?}");
    let whose = format!("running as root in the home directory of uid {UID}");
    let ran = as_root(&world, &["env", "adopted", "--by-name", "--format", "json"]);
    failed(&ran, 3, &["profile 'adopted': --by-name is not possible: ", &whose]);
    world.sandbox.set_clock(Clock::Offset(60));
    let mut command = world.twolock(["env", "adopted", "--by-name=if-possible", "--format", "json"]);
    let ran = world.finish(command.env("TWOLOCK_MFA_CODE", world.code()));
    assert!(ran.code == 0 && ran.json().get("AWS_PROFILE").is_none(), "{ran:?}");
    let note = format!("twolock: note: profile 'adopted': keys are set instead of AWS_PROFILE: {whose}");
    assert!(ran.stderr.starts_with(&note), "{ran:?}");
}

#[test]
fn a_question_of_roots_in_another_users_home_leaves_no_lock_and_no_note() {
    if without_root() {
        return;
    }
    let world = World::new();
    let _somebody = Somebody::of(&world);
    let before = tree(world.home());
    let mut terminal = Terminal::start({
        let mut command: Command = world.program(crate::machine::BINARY);
        command.args(["env", "prod", "--format", "json"]);
        command
    });
    terminal.sees("device ana): ");
    assert_eq!(tree(world.home()), before, "while it asks");
    terminal.types(&format!("{}\n", world.code()));
    assert_eq!(terminal.end().code, 0);
    assert_eq!(tree(world.home()), before);
}

#[test]
fn a_home_that_belongs_to_root_serves_the_user_it_is_given_to() {
    if without_root() {
        return;
    }
    let world = World::new();
    let somebody = Somebody::of(&world);
    chown(world.home(), Some(0), Some(0)).unwrap();
    chmod(world.home(), 0o777);
    let mut login = somebody.twolock(&["login", "prod"]);
    assert_eq!(world.finish(login.env("TWOLOCK_MFA_CODE", world.code())).code, 0);
    assert_eq!(world.finish(&mut somebody.twolock(&["credential-process", "prod"])).code, 0);
}

/// Makes this thread alone an ordinary user's.
fn become_somebody() {
    // SAFETY: the call takes numbers only; past libc's wrapper it changes the calling thread and no other.
    let done = unsafe { libc::syscall(libc::SYS_setresuid, -1, UID, -1) };
    assert_eq!(done, 0, "{}", std::io::Error::last_os_error());
}

#[test]
fn fifty_that_cannot_open_roots_lock_file_hold_one_lock_at_a_time() {
    if without_root() {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    chown(directory.path(), Some(UID), Some(UID)).unwrap();
    let path = directory.path().join("device.lock");
    let (holders, taken) = (AtomicUsize::new(0), AtomicUsize::new(0));
    for round in 0..20 {
        let _ = fs::remove_file(&path);
        fs::write(&path, "").unwrap();
        chmod(&path, 0o600);
        let start = Barrier::new(50);
        std::thread::scope(|scope| {
            for _ in 0..50 {
                scope.spawn(|| {
                    become_somebody();
                    start.wait();
                    let until = Deadline::after(Instant::now(), Duration::from_secs(60));
                    let held = FileLock::acquire(&path, until).unwrap_or_else(|e| panic!("round {round}: {e:?}"));
                    assert_eq!(holders.fetch_add(1, Ordering::SeqCst), 0, "round {round}: two at once");
                    std::thread::yield_now();
                    holders.fetch_sub(1, Ordering::SeqCst);
                    taken.fetch_add(1, Ordering::SeqCst);
                    drop(held);
                });
            }
        });
        assert_eq!(fs::metadata(&path).unwrap().uid(), UID);
    }
    assert_eq!(taken.into_inner(), 20 * 50);
}
