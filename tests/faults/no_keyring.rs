//! Machines where no keyring keeps a sealing key (P7).

use std::fs;

use crate::machine::without_kernel_keyring;
use crate::outcome::{answer, failed};
use crate::world::{Ran, World};

fn run(world: &World, args: &[&str], code: Option<&str>) -> Ran {
    let mut command = world.twolock(args);
    if let Some(code) = code {
        command.env("TWOLOCK_MFA_CODE", code);
    }
    without_kernel_keyring(&mut command);
    world.finish(&mut command)
}

fn files(world: &World) -> Vec<String> {
    let entries = fs::read_dir(world.cache()).into_iter().flatten().flatten();
    let mut names: Vec<_> = entries.map(|entry| entry.file_name().into_string().unwrap()).collect();
    names.retain(|name| !name.ends_with(".lock"));
    names
}

#[test]
fn those_who_would_ask_fifty_times_refuse_and_name_the_way_out() {
    let world = World::new();
    for args in [&["credential-process", "prod"][..], &["login", "prod"]] {
        let ran = run(&world, args, Some("123456"));
        failed(
            &ran,
            5,
            &[
                "profile 'prod'",
                "the kernel keyring is not available: keyctl is not permitted here",
                "the Secret Service is not available",
            ],
        );
        assert!(ran.stderr.contains("twolock settings set keyring file"), "{ran:?}");
        assert_eq!(ran.stdout, "");
    }
    assert_eq!(world.sandbox.connections(), 0, "no code was spent");
    assert_eq!(files(&world), Vec::<String>::new(), "nothing fell back to a file");
}

#[test]
fn env_and_exec_go_on_without_a_cache_and_say_so_once() {
    let world = World::new();
    let ran = run(&world, &["exec", "prod", "--", "sh", "-c", "echo $AWS_ACCESS_KEY_ID"], Some(&world.code()));
    assert!(ran.code == 0 && ran.stdout.starts_with("ASIA"), "{ran:?}");
    assert_eq!(ran.stderr.lines().count(), 1, "{ran:?}");
    assert!(ran.stderr.starts_with("twolock: warning: ") && ran.stderr.contains("the session is not saved"), "{ran:?}");
    assert!(ran.stderr.contains("twolock settings set keyring file"), "{ran:?}");
    let sealed: Vec<_> = files(&world).into_iter().filter(|name| !name.starts_with("device-")).collect();
    assert_eq!(sealed, Vec::<String>::new(), "nothing fell back to a file");
    let ran = run(&world, &["env", "prod", "--shell", "sh"], None);
    assert_eq!((ran.code, ran.stdout.as_str()), (9, "false;\n"), "and it would ask again: {ran:?}");
}

#[test]
fn the_key_file_works_where_the_user_chose_it() {
    let world = World::new();
    assert_eq!(run(&world, &["settings", "set", "keyring", "file"], None).code, 0);
    let ran = run(&world, &["login", "prod"], Some(&world.code()));
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""), "{ran:?}");
    let mut command = world.twolock(["credential-process", "prod"]);
    without_kernel_keyring(&mut command);
    let first = answer(&world, &mut command);
    assert_eq!((first.code, first.stderr.as_str()), (0, ""), "{first:?}");
    assert_eq!(world.run(["credential-process", "prod"]).stdout, first.stdout, "with or without the kernel's");
    assert_eq!(world.sandbox.count("GetSessionToken"), 1);
    let files = fs::read_dir(world.home().join(".local/share/twolock")).unwrap().map(|e| e.unwrap());
    let keys: Vec<_> = files.filter(|file| file.path().extension().is_none_or(|e| e != "lock")).collect();
    assert_eq!(keys.len(), 1, "{keys:?}");
    let mode = std::os::unix::fs::PermissionsExt::mode(&keys[0].metadata().unwrap().permissions());
    assert_eq!(mode & 0o777, 0o600);
    assert_eq!(run(&world, &["logout", "--all"], None).code, 0);
    assert!(!keys[0].path().exists(), "logout --all takes the key file with it");
}

#[test]
fn no_variable_and_no_other_folder_chooses_the_key_file() {
    let world = World::new();
    world.write("repo/twolock/config.toml", "keyring = \"file\"\n");
    let mut command = world.twolock(["login", "prod"]);
    command.env("TWOLOCK_KEYRING", "file").env("TWOLOCK_MFA_CODE", "123456");
    without_kernel_keyring(&mut command);
    let ran = world.finish(&mut command);
    assert!([3, 5].contains(&ran.code), "{ran:?}");
    let mut command = world.twolock(["login", "prod"]);
    command.env("XDG_CONFIG_HOME", world.home().join("repo")).env("TWOLOCK_MFA_CODE", "123456");
    without_kernel_keyring(&mut command);
    failed(&world.finish(&mut command), 5, &["no keyring is available to protect sessions"]);
    assert!(!world.home().join(".local/share/twolock").exists());
}

#[test]
fn a_key_file_others_may_read_is_not_used() {
    let world = World::new();
    assert_eq!(run(&world, &["settings", "set", "keyring", "file"], None).code, 0);
    assert_eq!(run(&world, &["login", "prod"], Some(&world.code())).code, 0);
    let directory = world.home().join(".local/share/twolock");
    for entry in fs::read_dir(&directory).unwrap().flatten() {
        fs::set_permissions(entry.path(), std::os::unix::fs::PermissionsExt::from_mode(0o644)).unwrap();
    }
    let ran = run(&world, &["credential-process", "prod"], None);
    failed(&ran, 5, &["profile 'prod'", "the key file refused", "other users can open it"]);
}
