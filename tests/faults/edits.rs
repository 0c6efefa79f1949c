//! P30 to P34, F1 to F9: edits of the AWS files while the disk, other programs and other users are against it.

use std::fs;
use std::os::unix::fs::{FileExt, MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::outcome::failed;
use crate::somebody::Somebody;
use crate::world::{CONFIG, Ran, World, required};

const SET: &[&str] = &["profile", "set", "prod", "region", "us-east-1", "--yes"];

fn config_file(world: &World) -> PathBuf {
    world.home().join(".aws/config")
}

fn config(world: &World) -> String {
    fs::read_to_string(config_file(world)).unwrap().replace(world.sandbox.url(), "{url}")
}

fn edited() -> String {
    let at = CONFIG.find("[profile prod]").unwrap();
    format!("{}{}", &CONFIG[..at], CONFIG[at..].replacen("region = eu-west-1", "region = us-east-1", 1))
}

fn temporaries(directory: &Path) -> Vec<String> {
    let names = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.filter(|name| name.starts_with(".twolock-")).collect()
}

#[track_caller]
fn is_untouched(world: &World) {
    assert_eq!(config(world), CONFIG);
    assert_eq!(temporaries(&world.home().join(".aws")), Vec::<String>::new());
}

/// Runs the edit under a shell line in a mount namespace of its own.
fn in_a_namespace(world: &World, line: &str) -> Ran {
    let mut command = world.program("unshare");
    command.args(["--mount", "--map-root-user", "sh", "-euc", line]);
    crate::world::without_terminal(&mut command);
    world.finish(&mut command)
}

#[test]
fn a_full_disk_leaves_the_file_as_it_was() {
    let world = World::new();
    let ran = in_a_namespace(
        &world,
        "cd \"$HOME\"; mv .aws kept; mkdir .aws; mount -t tmpfs -o size=64k none .aws; cp kept/* .aws/; \
         dd if=/dev/zero of=.aws/filler bs=4k 2>/dev/null || true; set +e; twolock profile set prod region us-east-1 --yes; \
         code=$?; cp .aws/config after; ls -A .aws >names; exit $code",
    );
    failed(&ran, 10, &["~/.aws/config cannot be written: no space left on device"]);
    let after = fs::read_to_string(world.home().join("after")).unwrap();
    assert_eq!(after.replace(world.sandbox.url(), "{url}"), CONFIG);
    assert_eq!(fs::read_to_string(world.home().join("names")).unwrap(), "config\ncredentials\nfiller\n");
}

#[test]
fn a_read_only_folder_leaves_the_file_as_it_was_and_is_still_read() {
    let world = World::new();
    let ran = in_a_namespace(
        &world,
        "cd \"$HOME\"; mount --bind .aws .aws; mount -o remount,bind,ro .aws; twolock profile list >list; \
         twolock profile set prod region us-east-1 --yes",
    );
    failed(&ran, 10, &["~/.aws/config cannot be written: read-only file system"]);
    is_untouched(&world);
    assert!(fs::read_to_string(world.home().join("list")).unwrap().contains("prod"));
}

#[test]
fn a_sync_or_rename_that_fails_leaves_the_file_as_it_was() {
    for (call, error, nth, words) in [
        ("fsync", "EIO", 1, "input/output error"),
        // That of the directory, after the rename.
        ("fsync", "EIO", 2, "input/output error"),
        ("rename", "EROFS", 1, "read-only file system"),
        ("rename", "EDQUOT", 1, "disk quota exceeded"),
        ("rename", "ENOSPC", 1, "no space left on device"),
    ] {
        let world = World::new();
        let mut command = world.program("strace");
        command.args(["-f", "-o", "/dev/null", "-e", &format!("trace={call}")]);
        command.args(["-e", &format!("inject={call}:error={error}:when={nth}")]);
        command.arg(env!("CARGO_BIN_EXE_twolock")).args(SET);
        crate::world::without_terminal(&mut command);
        failed(&world.finish(&mut command), 10, &["~/.aws/config cannot be written: ", words]);
        is_untouched(&world);
        let ran = world.run(["profile", "set", "prod", "region", "us-east-1", "--yes"]);
        assert_eq!((ran.code, config(&world)), (0, edited()), "{call} {error}: the next run works");
    }
}

/// Runs the edit of `key = ours`; once the new file is in place, `theirs` is written into the replaced one, as a program
/// does that had opened it before.
fn edited_while_the_replaced_file_is_written(world: &World, key: &str, theirs: &str) -> Ran {
    let inode = || fs::metadata(config_file(world)).unwrap().ino();
    let (before, replaced) = (inode(), fs::OpenOptions::new().write(true).open(config_file(world)).unwrap());
    let mut command = world.program("strace");
    command.args(["-f", "-o", "/dev/null", "-e", "trace=rename", "-e", "inject=rename:delay_exit=400000"]);
    command.arg(env!("CARGO_BIN_EXE_twolock")).args(["profile", "set", "prod", key, "ours", "--yes"]);
    crate::world::without_terminal(&mut command);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while inode() == before {
                std::thread::sleep(std::time::Duration::from_millis(1));
            }
            replaced.set_len(0).unwrap();
            replaced.write_all_at(theirs.as_bytes(), 0).unwrap();
        });
        world.finish(&mut command)
    })
}

#[test]
fn what_another_program_writes_into_the_replaced_file_is_kept() {
    let world = World::new();
    let url = world.sandbox.url();
    let theirs = CONFIG.replace("[profile deploy]\n", "[profile deploy]\ntheir_key = x\n");
    let ran = edited_while_the_replaced_file_is_written(&world, "our_key", &theirs.replace("{url}", url));
    let both = theirs.replace("[profile prod]\n", "[profile prod]\nour_key = ours\n");
    let lines = |text: &str| text.lines().map(str::to_owned).collect::<std::collections::BTreeSet<_>>();
    assert_eq!((ran.code, lines(&config(&world))), (0, lines(&both)));

    // They also wrote the key that this edit changes: nobody has agreed to overwrite that.
    let world = World::new();
    let url = world.sandbox.url();
    let theirs = theirs.replace("region = eu-west-1", "region = eu-north-1");
    let ran = edited_while_the_replaced_file_is_written(&world, "region", &theirs.replace("{url}", url));
    failed(&ran, 7, &["it was changed in the meantime"]);
    assert_eq!(config(&world), theirs);
    assert_eq!(temporaries(&world.home().join(".aws")), Vec::<String>::new());
}

#[test]
#[ignore = "long: one run for each call of an edit"]
fn killed_at_any_call_the_file_is_old_or_new() {
    for call in ["openat", "write", "fsync", "rename", "flock", "fchmod", "close", "unlink", "mkdir"] {
        for nth in 1..200 {
            let world = World::new();
            let mut command = world.program("strace");
            command.args(["-f", "-o", "/dev/null", "-e", &format!("trace={call}")]);
            command.args(["-e", &format!("inject={call}:signal=SIGKILL:when={nth}")]);
            command.arg(env!("CARGO_BIN_EXE_twolock")).args(SET);
            crate::world::without_terminal(&mut command);
            let ran = world.finish(&mut command);
            let now = config(&world);
            assert!(now == CONFIG || now == edited(), "{call} {nth}: {now}");
            let again = world.run(["profile", "set", "prod", "region", "us-east-1", "--yes"]);
            assert_eq!((again.code, config(&world)), (0, edited()), "{call} {nth}: {again:?}");
            if ran.code == 0 {
                assert!(nth > 1 || call == "unlink" || call == "mkdir", "{call} was never met");
                break;
            }
        }
    }
}

#[test]
fn what_is_no_plain_file_of_ours_is_refused() {
    let world = World::new();
    let file = config_file(&world);
    let edit = || world.run(["profile", "set", "base", "region", "us-east-1", "--yes"]);
    fs::hard_link(&file, world.home().join("other-name")).unwrap();
    failed(&edit(), 3, &["will not edit ~/.aws/config: it has 2 hard links"]);
    fs::remove_file(world.home().join("other-name")).unwrap();
    fs::set_permissions(world.home().join(".aws"), fs::Permissions::from_mode(0o777)).unwrap();
    failed(&edit(), 3, &["will not edit ~/.aws/config: everybody can write to its directory"]);
    fs::set_permissions(world.home().join(".aws"), fs::Permissions::from_mode(0o700)).unwrap();
    is_untouched(&world);
    fs::rename(&file, world.home().join("kept")).unwrap();
    symlink("nowhere", &file).unwrap();
    failed(&edit(), 3, &["will not edit ~/.aws/config: it is a broken symlink"]);
    assert!(fs::symlink_metadata(&file).unwrap().is_symlink() && !world.home().join(".aws/nowhere").exists());
    fs::remove_file(&file).unwrap();
    symlink("config", &file).unwrap();
    failed(&edit(), 3, &["~/.aws/config"]);
    fs::remove_file(&file).unwrap();
    symlink("/dev/null", &file).unwrap();
    failed(&edit(), 3, &["will not edit ~/.aws/config: it is a pipe or device, not a file"]);
    fs::remove_file(&file).unwrap();
    assert!(Command::new("mkfifo").arg(&file).status().unwrap().success());
    failed(&edit(), 3, &["~/.aws/config: it is a pipe or device, not a file"]);
}

#[test]
fn somebody_elses_file_and_a_closed_folder_are_left_alone() {
    let world = World::new();
    let somebody = Somebody::of(&world);
    if fs::metadata("/proc/self").unwrap().uid() == 0 {
        std::os::unix::fs::chown(config_file(&world), Some(0), Some(0)).unwrap();
        fs::set_permissions(config_file(&world), fs::Permissions::from_mode(0o644)).unwrap();
        failed(&world.finish(&mut somebody.twolock(SET)), 3, &["it belongs to another user (uid 0)"]);
        is_untouched(&world);
        somebody.own(&config_file(&world));
    }
    let target = world.home().join("closed/config");
    fs::create_dir(target.parent().unwrap()).unwrap();
    fs::rename(config_file(&world), &target).unwrap();
    symlink(&target, config_file(&world)).unwrap();
    somebody.own(target.parent().unwrap());
    fs::set_permissions(target.parent().unwrap(), fs::Permissions::from_mode(0o500)).unwrap();
    let ran = world.finish(&mut somebody.twolock(SET));
    failed(&ran, 10, &["~/.aws/config cannot be written: permission denied"]);
    assert!(fs::symlink_metadata(config_file(&world)).unwrap().is_symlink());
    is_untouched(&world);
    fs::set_permissions(target.parent().unwrap(), fs::Permissions::from_mode(0o700)).unwrap();
    assert_eq!(world.finish(&mut somebody.twolock(SET)).code, 0);
    assert_eq!(fs::metadata(&target).unwrap().permissions().mode() & 0o7777, 0o600);
}

#[test]
fn without_a_lock_nothing_is_written() {
    let world = World::new();
    fs::write(world.home().join(".local"), "in the way").unwrap();
    let ran = world.run(["profile", "set", "prod", "region", "us-east-1", "--yes"]);
    failed(&ran, 10, &["cannot create ~/.local/share/twolock"]);
    is_untouched(&world);
}

#[test]
fn odd_bytes_elsewhere_stay_as_they_are() {
    let world = World::new();
    for odd in [&b"\xEF\xBB\xBF# c\r\n[profile x]\r\nregion = a\r\n"[..], b"[profile x]\nk = \xFF\xFE\0\n\n# \xFF\n"] {
        let before = [odd, b"[profile p]\nregion = a\n[profile y]\n  z=1"].concat();
        fs::write(config_file(&world), &before).unwrap();
        let ran = world.run(["profile", "set", "p", "region", "us-east-1", "--yes"]);
        assert_eq!(ran.code, 0, "{ran:?}");
        let after = [odd, b"[profile p]\nregion = us-east-1\n[profile y]\n  z=1"].concat();
        assert_eq!(fs::read(config_file(&world)).unwrap(), after);
    }
}

/// Our edits and the AWS CLI's at once: the base profiles stay, the file always parses, the last writer's words are there.
fn interleaved(rounds: usize) {
    let world = World::new();
    let aws = required("TWOLOCK_TEST_AWS");
    for round in 0..rounds {
        let (ours, theirs) = (format!("r-{round}"), format!("t-{round}"));
        let spawn = |command: &mut Command| command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut cli = world.program(&aws);
        let cli = spawn(cli.args(["configure", "set", "their_key", &theirs, "--profile", "deploy"]));
        let mut edits = Vec::new();
        // The CLI needs most of a second to start; ours are spread over it.
        for n in 0..12 {
            std::thread::sleep(std::time::Duration::from_millis(20 + (round as u64 * 7) % 40));
            let value = format!("{ours}-{n}");
            let ran = world.run(["profile", "set", "prod", "our_key", &value, "--yes"]);
            assert!(ran.code == 0 || ran.code == 7, "{ran:?}");
            edits.push(value);
        }
        let done = cli.wait_with_output().unwrap();
        assert!(done.status.success(), "{done:?}");
        let text = config(&world);
        let key = |name: &str| text.lines().find_map(|line| line.strip_prefix(name)).map(str::to_owned);
        assert_eq!(key("their_key = "), Some(theirs), "round {round}: {text}");
        let value = key("our_key = ").unwrap_or_default();
        assert!(edits.contains(&value), "round {round}: {value:?} in {text}");
        let rest: String = text.lines().filter(|l| !l.contains("_key = ")).map(|l| format!("{l}\n")).collect();
        assert_eq!(rest, CONFIG, "round {round}");
        assert_eq!(temporaries(&world.home().join(".aws")), Vec::<String>::new());
    }
}

#[test]
fn edits_beside_the_aws_cli_lose_no_profile() {
    interleaved(3);
}

#[test]
#[ignore = "long: 200 runs of the AWS CLI"]
fn two_hundred_interleavings_with_the_aws_cli_lose_no_profile() {
    interleaved(200);
}

#[test]
fn many_of_us_at_once_lose_no_edit() {
    let world = World::new();
    let children: Vec<_> = (0..12)
        .map(|n| {
            let (key, value) = (format!("key_{n}"), format!("v{n}"));
            let mut command = world.twolock(["profile", "set", "prod", &key, &value, "--yes"]);
            command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap()
        })
        .collect();
    for child in children {
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{output:?}");
    }
    let text = config(&world);
    assert!((0..12).all(|n| text.contains(&format!("key_{n} = v{n}\n"))), "{text}");
}
