//! Each exit code that can be reached, in the shortest way. 1 is a bug in twolock, and 8 belongs to rotation.

use std::fs::{File, OpenOptions};
use std::os::unix::process::CommandExt;
use std::process::Command;

use crate::world::World;

#[test]
fn a_full_stdout_is_exit_10_and_the_session_is_saved() {
    let world = World::new();
    let full = || OpenOptions::new().write(true).open("/dev/full").unwrap();
    let mut command = world.twolock(["credential-process", "prod"]);
    let no_space = "twolock: error: cannot write to stdout: no space left on device\n";
    world.finish(command.env("TWOLOCK_MFA_CODE", world.code()).stdout(full())).is(10, "", no_space);
    for args in
        [vec!["credential-process", "prod"], vec!["env", "prod"], vec!["status"], vec!["profile", "list"], vec![]]
    {
        world.finish(world.twolock(args).stdout(full())).is(10, "", no_space);
    }
    assert_eq!(world.run(["credential-process", "prod"]).code, 0);
    assert_eq!(world.sandbox.count("GetSessionToken"), 1);
}

#[test]
fn another_processs_endless_question_is_exit_7() {
    let world = World::new();
    let mut holder = world.on_terminal(["login", "base"]);
    holder.sees("device ana): ");
    let pid = holder.pid();
    let mut command = world.twolock(["credential-process", "prod"]);
    world.finish(command.env("TWOLOCK_PROMPT_TIMEOUT", "1s")).is(
        7,
        "",
        &format!(
            "twolock: error: profile 'prod': gave up after waiting 1 s for pid {pid}, which is asking for a code (profile 'base')\n\
             twolock: hint: run it again\n"
        ),
    );
    holder.types("\x04");
    assert_eq!(holder.end().code, 9);
}

#[test]
fn a_lock_with_an_unknown_holder_is_exit_7() {
    let world = World::new();
    assert_eq!(world.run(["login", "base"]).code, 9);
    let files = std::fs::read_dir(world.cache()).unwrap().map(|entry| entry.unwrap().path());
    let is_devices = |path: &std::path::PathBuf| path.file_name().unwrap().to_string_lossy().starts_with("device-");
    let (mut locks, states): (Vec<_>, Vec<_>) =
        files.filter(is_devices).partition(|path| path.extension().is_some_and(|e| e == "lock"));
    states.iter().for_each(|state| std::fs::remove_file(state).unwrap());
    let lock = File::open(locks.pop().expect("the device's lock")).unwrap();
    lock.lock().unwrap();
    let mut command = world.twolock(["credential-process", "base"]);
    world.finish(command.env("TWOLOCK_PROMPT_TIMEOUT", "1s")).is(
        7,
        "",
        "twolock: error: profile 'base': gave up after waiting 1 s for another twolock that is asking for a code\n\
         twolock: hint: run it again\n",
    );
}

#[test]
fn an_unreachable_endpoint_is_exit_6_and_the_code_stays_unused() {
    let world = World::new();
    let mut command = world.twolock(["credential-process", "prod"]);
    command.env("AWS_ENDPOINT_URL_STS", "http://127.0.0.1:1").env("TWOLOCK_MFA_CODE", "123456");
    for _ in 0..2 {
        let ran = world.finish(&mut command);
        assert_eq!((ran.code, ran.stdout.as_str()), (6, ""));
        let first = ran.stderr.lines().next().unwrap();
        assert!(first.starts_with("twolock: error: profile 'prod': ") && first.contains("127.0.0.1:1"), "{ran:?}");
        assert!(!ran.stderr.contains("sent before") && !ran.stderr.contains("counts as used"), "{ran:?}");
    }
}

#[test]
fn a_key_in_a_missing_keyring_is_exit_5_before_any_question() {
    let world = World::new();
    world.write(".aws/credentials", "");
    world.write(
        ".local/share/twolock/keys.json",
        r#"{"v":1,"keys":{"base":{"access_key_id":"AKIAIOSFODNN7EXAMPLE","account":"123456789012"}}}"#,
    );
    for args in [["credential-process", "prod"], ["login", "prod"], ["exec", "prod"]] {
        let ran = world.run(args);
        assert_eq!((ran.code, ran.stdout.as_str()), (5, ""), "{ran:?}");
        let first = ran.stderr.lines().next().unwrap();
        assert!(
            first.starts_with("twolock: error: profile 'base': access key AKIAIOSFODNN7EXAMPLE: the Secret Service"),
            "{ran:?}"
        );
        assert!(!ran.stderr.contains("aws configure"), "no keyring never means no key: {ran:?}");
    }
    let ran = world.run(["env", "prod"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (5, "false;\n"));
    assert_eq!(world.sandbox.connections(), 0);
}

#[cfg(target_os = "linux")]
#[test]
fn without_any_keyring_sessions_are_refused_or_not_saved() {
    let world = World::new();
    for args in [["credential-process", "prod"], ["login", "prod"]] {
        let ran = world.finish(without_kernel_keyring(&mut world.twolock(args)));
        assert_eq!((ran.code, ran.stdout.as_str()), (5, ""), "{ran:?}");
        let first = ran.stderr.lines().next().unwrap();
        assert!(
            first.starts_with(
                "twolock: error: profile 'prod': no keyring is available to protect sessions: the kernel keyring "
            ),
            "{first}"
        );
        assert!(
            ran.stderr.ends_with(
                "twolock: hint: to keep the key in a private file instead: twolock settings set keyring file\n"
            ),
            "{ran:?}"
        );
    }
    assert_eq!(world.sandbox.connections(), 0, "nobody was asked for a code that could not be kept");
    let mut command = world.twolock(["exec", "prod", "--", "echo", "ran"]);
    let ran = world.finish(without_kernel_keyring(command.env("TWOLOCK_MFA_CODE", world.code())));
    assert_eq!((ran.code, ran.stdout.as_str(), ran.stderr.lines().count()), (0, "ran\n", 1), "{ran:?}");
    assert!(ran.stderr.starts_with("twolock: warning: ") && ran.stderr.contains("is not saved"), "{ran:?}");
    assert!(!world.home().join(".local/share/twolock").exists(), "no file in silence");
    // The hint works.
    world.run(["settings", "set", "keyring", "file"]).is(0, "keyring is file (~/.config/twolock/config.toml:1)\n", "");
    let ran = world.finish(without_kernel_keyring(&mut world.twolock(["credential-process", "prod"])));
    assert_eq!(ran.code, 9, "{ran:?}");
}

/// Starts the command without access to the kernel keyring, as in containers.
#[cfg(target_os = "linux")]
pub fn without_kernel_keyring(command: &mut Command) -> &mut Command {
    let load_number =
        libc::sock_filter { code: (libc::BPF_LD | libc::BPF_W | libc::BPF_ABS) as u16, jt: 0, jf: 0, k: 0 };
    let end = |k| libc::sock_filter { code: (libc::BPF_RET | libc::BPF_K) as u16, jt: 0, jf: 0, k };
    let refused = [libc::SYS_keyctl, libc::SYS_add_key, libc::SYS_request_key];
    let mut filter = vec![load_number];
    for (at, number) in refused.into_iter().enumerate() {
        let to_refusal = (refused.len() - at) as u8;
        let code = (libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K) as u16;
        filter.push(libc::sock_filter { code, jt: to_refusal, jf: 0, k: number as u32 });
    }
    filter.extend([end(libc::SECCOMP_RET_ALLOW), end(libc::SECCOMP_RET_ERRNO | libc::EPERM as u32)]);
    // SAFETY: prctl is async-signal-safe; the closure owns the filter program, and the length is that of the program.
    unsafe {
        command.pre_exec(move || {
            let program = libc::sock_fprog { len: filter.len() as u16, filter: filter.as_mut_ptr() };
            let done = libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0
                && libc::prctl(libc::PR_SET_SECCOMP, libc::SECCOMP_MODE_FILTER, &program) == 0;
            if done { Ok(()) } else { Err(std::io::Error::last_os_error()) }
        })
    }
}

#[test]
fn each_unusable_home_directory_has_one_outcome() {
    let world = World::new();
    let mut relative = world.twolock(["status"]);
    world.finish(relative.env("HOME", "relative")).is(
        3,
        "",
        "twolock: error: HOME is 'relative', which is not an absolute path\n\
         twolock: hint: set HOME to your home directory\n",
    );
    let missing = world.home().join("missing");
    let mut command = world.twolock(["profile", "list"]);
    world.finish(command.env("HOME", &missing)).is(
        0,
        "no profiles in ~/.aws/config or ~/.aws/credentials; run: twolock setup\n",
        "",
    );
    assert!(!missing.exists(), "reading creates no home");
    // Not UTF-8: works.
    use std::os::unix::ffi::OsStrExt;
    let odd = world.home().join(std::ffi::OsStr::from_bytes(b"h\xffme"));
    std::fs::create_dir_all(odd.join(".aws")).unwrap();
    for file in [".aws/config", ".aws/credentials"] {
        std::fs::copy(world.home().join(file), odd.join(file)).unwrap();
    }
    let mut command = world.twolock(["credential-process", "prod"]);
    let ran = world.finish(command.env("HOME", &odd).env("TWOLOCK_MFA_CODE", world.code()));
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""), "{ran:?}");
    let mut command = world.twolock(["logout", "--all"]);
    assert_eq!(world.finish(command.env("HOME", &odd)).code, 0);
}
