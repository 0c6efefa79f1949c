//! Homes and directories that are missing, odd or closed (F40, P43, F8).

use std::ffi::OsString;
use std::fs;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::PermissionsExt;

use crate::outcome::{answer, failed, is_one_line_or_nothing};
use crate::somebody::Somebody;
use crate::world::{CONFIG, CREDENTIALS, World};

#[test]
fn a_relative_home_is_refused() {
    let world = World::new();
    for home in ["relative", "./x", "../x", "~"] {
        let ran = answer(&world, world.twolock(["credential-process", "prod"]).env("HOME", home));
        failed(&ran, 3, &["HOME is '", "not an absolute path"]);
    }
}

#[test]
fn without_a_home_variable_the_account_says_where_it_is() {
    let world = World::new();
    let listed =
        std::process::Command::new("sh").args(["-c", "getent passwd $(id -u) | cut -d: -f6"]).output().unwrap();
    let listed = String::from_utf8(listed.stdout).unwrap();
    for unset in [true, false] {
        let mut command = world.twolock(["settings", "path"]);
        if unset {
            command.env_remove("HOME")
        } else {
            command.env("HOME", "")
        };
        let ran = world.finish(&mut command);
        assert_eq!((ran.code, ran.stderr.as_str()), (0, ""), "unset {unset}: {ran:?}");
        assert_eq!(ran.stdout, format!("{}/.config/twolock/config.toml\n", listed.trim()), "unset {unset}");
    }
}

#[test]
fn without_any_home_and_both_files_given_readers_env_exec_and_whoami_go_on_without_keeping() {
    let world = World::new();
    let somebody = Somebody::of(&world);
    let here = world.home().join("here");
    fs::create_dir(&here).unwrap();
    somebody.own(&here);
    let homeless = |args: &[&str]| {
        let mut command = somebody.twolock(args);
        command.env_remove("HOME").env_remove("TWOLOCK_ACCOUNT_HOME").current_dir(&here);
        command.env("AWS_CONFIG_FILE", world.home().join(".aws/config"));
        command.env("AWS_SHARED_CREDENTIALS_FILE", world.home().join(".aws/credentials"));
        command
    };
    for args in [&["profile", "list"][..], &["profile", "show", "prod"]] {
        let ran = world.finish(&mut homeless(args));
        assert!(ran.code == 0 && ran.stdout.contains("prod") && ran.stderr.is_empty(), "{args:?}: {ran:?}");
    }
    let warning = "twolock: warning: no home directory, so the session is not saved, and the next command asks again\n";
    for (args, shown) in [
        (&["env", "prod", "--format", "json"][..], "ASIA"),
        (&["exec", "prod", "--", "env"], "ASIA"),
        (&["whoami", "prod"], "assumed-role/Admin"),
    ] {
        let ran = world.finish(homeless(args).env("TWOLOCK_MFA_CODE", world.code()));
        assert_eq!((ran.code, ran.stderr.as_str()), (0, warning), "{args:?}: {ran:?}");
        assert!(ran.stdout.contains(shown), "{ran:?}");
    }
    for args in [&["login", "prod"][..], &["credential-process", "prod"], &["settings", "path"]] {
        let ran = world.finish(&mut homeless(args));
        failed(&ran, 3, &["your home directory cannot be found"]);
    }
    let ran = world.finish(homeless(&["profile", "list"]).env_remove("AWS_CONFIG_FILE"));
    failed(&ran, 3, &["your home directory cannot be found"]);
    assert_eq!(fs::read_dir(&here).unwrap().count(), 0, "nothing is written into the current directory");
}

#[test]
fn a_home_that_is_missing_is_empty_for_readers_and_made_by_writers() {
    let world = World::new();
    let home = world.home().join("not/there");
    for args in [&["credential-process", "prod"][..], &["status"], &["profile", "list"], &[]] {
        let ran = world.finish(world.twolock(args).env("HOME", &home));
        assert_eq!(ran.code, if args.first() == Some(&"credential-process") { 3 } else { 0 }, "{args:?}: {ran:?}");
        assert!(!home.exists(), "{args:?} made it");
    }
    let ran = world.finish(world.twolock(["settings", "set", "prompt_timeout", "40s"]).env("HOME", &home));
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(home.join(".config/twolock/config.toml").is_file());
}

#[test]
fn a_home_whose_name_is_not_text_works() {
    let world = World::new();
    let home = world.home().join(OsString::from_vec(b"h\xff\xfe \x01me".to_vec()));
    fs::create_dir_all(home.join(".aws")).unwrap();
    fs::write(home.join(".aws/config"), CONFIG.replace("{url}", world.sandbox.url())).unwrap();
    fs::write(home.join(".aws/credentials"), CREDENTIALS).unwrap();
    let ran = answer(
        &world,
        world.twolock(["credential-process", "prod"]).env("HOME", &home).env("TWOLOCK_MFA_CODE", world.code()),
    );
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""), "{ran:?}");
    answer(&world, world.twolock(["credential-process", "prod"]).env("HOME", &home)).is(0, &ran.stdout, "");
    assert!(home.join(".cache/twolock").is_dir());
    assert_eq!(world.finish(world.twolock(["logout", "--all"]).env("HOME", &home)).code, 0);
}

#[test]
fn a_home_nobody_may_write_hands_credentials_out_and_says_that_they_are_not_kept() {
    let world = World::new();
    let somebody = Somebody::of(&world);
    fs::set_permissions(world.home(), fs::Permissions::from_mode(0o500)).unwrap();
    for (args, code) in [(&["credential-process", "prod"][..], 10), (&["login", "prod"], 10)] {
        let ran = world.finish(&mut somebody.twolock(args));
        failed(&ran, code, &["profile 'prod'", "cache"]);
        assert_eq!(ran.stdout, "");
    }
    assert_eq!(world.sandbox.connections(), 0, "no code was spent on a session that cannot be kept");
    let mut command = somebody.twolock(&["env", "prod", "--format", "json"]);
    let ran = world.finish(command.env("TWOLOCK_MFA_CODE", world.code()));
    assert!(ran.code == 0 && ran.stderr.starts_with("twolock: warning: "), "{ran:?}");
    for args in [&["status"][..], &["profile", "list"], &["profile", "show", "prod"], &["settings", "list"]] {
        assert_eq!(world.finish(&mut somebody.twolock(args)).code, 0, "{args:?} only reads");
    }
    let ran = world.finish(&mut somebody.twolock(&["settings", "set", "prompt_timeout", "40s"]));
    assert!([7, 10].contains(&ran.code) && ran.stdout.is_empty(), "{ran:?}");
    fs::set_permissions(world.home(), fs::Permissions::from_mode(0o700)).unwrap();
}

#[test]
fn a_cache_folder_that_was_closed_serves_and_warns() {
    let world = World::new();
    let somebody = Somebody::of(&world);
    let mut command = somebody.twolock(&["credential-process", "base"]);
    let first = answer(&world, command.env("TWOLOCK_MFA_CODE", world.code()));
    assert_eq!(first.code, 0, "{first:?}");
    fs::set_permissions(world.cache(), fs::Permissions::from_mode(0o500)).unwrap();
    answer(&world, &mut somebody.twolock(&["credential-process", "base"])).is(0, &first.stdout, "");
    let ran = answer(&world, &mut somebody.twolock(&["credential-process", "prod"]));
    assert_eq!(ran.code, 0, "a role below the living session: {ran:?}");
    assert!(ran.stderr.starts_with("twolock: warning: the session could not be saved"), "{ran:?}");
    fs::set_permissions(world.cache(), fs::Permissions::from_mode(0o700)).unwrap();
}

#[test]
fn what_stands_in_the_way_of_a_file_is_named_and_never_hangs() {
    let world = World::new();
    for (name, what) in [(".aws/config", "a FIFO"), (".aws/credentials", "a FIFO"), (".aws/config", "a directory")] {
        let path = world.home().join(name);
        let before = fs::read(&path).unwrap();
        fs::remove_file(&path).unwrap();
        let made = if what == "a FIFO" { "mkfifo" } else { "mkdir" };
        assert!(std::process::Command::new(made).arg(&path).status().unwrap().success());
        let ran = answer(&world, &mut world.twolock(["credential-process", "prod"]));
        failed(&ran, 3, &["cannot read ~/.aws/"]);
        if what == "a FIFO" {
            fs::remove_file(&path).unwrap()
        } else {
            fs::remove_dir(&path).unwrap()
        }
        fs::write(&path, before).unwrap();
    }
    let ran = answer(&world, world.twolock(["credential-process", "prod"]).env("AWS_CONFIG_FILE", "/dev/null"));
    failed(&ran, 3, &["profile 'prod'"]);
}

#[test]
fn nothing_of_ours_in_the_way_makes_it_hang_or_panic() {
    let world = World::new();
    world.log_in("prod");
    for name in [".config/twolock/config.toml", ".local/share/twolock/keys.json"] {
        let path = world.home().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        assert!(std::process::Command::new("mkfifo").arg(&path).status().unwrap().success());
        let mut command = world.program("timeout");
        command.args(["-k", "1", "30", crate::machine::BINARY, "credential-process", "prod"]);
        let ran = world.finish(&mut command);
        is_one_line_or_nothing(&ran);
        assert_eq!(ran.code, 3, "{name}: {ran:?}");
        fs::remove_file(path).unwrap();
    }
}
