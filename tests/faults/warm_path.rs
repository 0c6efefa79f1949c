//! A cached answer: no network, no lock, no write but the answer, no bus (P35, P46).

use std::process::Command;

use crate::machine::traced;
use crate::outcome::answer;
use crate::world::World;

const WATCHED: &str = "%network,flock,fcntl,write,writev,pwrite64,open,openat,creat,mkdir,mkdirat,rename,renameat,\
                       renameat2,unlink,unlinkat,ftruncate,fsync,fdatasync,execve,clone,clone3,fork,vfork";

/// Without the stand-in for the account database: a lookup there is a socket to its cache and a file.
fn as_installed(command: &mut Command) {
    command.env_remove("TWOLOCK_ACCOUNT_HOME");
}

#[test]
fn the_warm_path_is_reads_and_one_write() {
    let world = World::new();
    world.log_in("prod");
    let plain = world.run(["credential-process", "--profile", "prod"]);
    let before = world.sandbox.connections();
    for args in [&["credential-process", "--profile", "prod"][..], &["credential-process", "prod"]] {
        let (ran, trace) = traced(&world, WATCHED, args, as_installed);
        ran.is(0, &plain.stdout, "");
        let shown = &trace.0;
        assert_eq!(trace.count(&["socket", "connect", "sendto", "recvfrom", "bind", "socketpair"]), 0, "{shown}");
        assert_eq!(trace.count(&["flock"]), 0, "{shown}");
        assert_eq!(shown.matches("F_SETLK").count() + shown.matches("F_OFD_").count(), 0, "{shown}");
        assert_eq!(trace.count(&["clone", "clone3", "fork", "vfork"]), 0, "no thread, no process: {shown}");
        assert_eq!(trace.count(&["execve"]), 1, "{shown}");
        let changes = ["rename", "renameat", "renameat2", "unlink", "unlinkat", "ftruncate", "fsync", "fdatasync"];
        assert_eq!(trace.count(&changes) + trace.count(&["mkdir", "mkdirat", "creat"]), 0, "{shown}");
        assert!(!["O_CREAT", "O_WRONLY", "O_RDWR"].iter().any(|flag| shown.contains(flag)), "{shown}");
        let writes: Vec<_> = trace.of(&["write", "writev", "pwrite64"]).collect();
        assert_eq!(writes.len(), 1, "{writes:?}");
        assert!(writes[0].contains("write(1<"), "{writes:?}");
        let ours = |line: &&str| line.contains(world.home().to_str().unwrap());
        let read = trace.of(&["open", "openat"]).filter(ours).count();
        assert!(read <= 6, "at most: two AWS files, index, settings, the sealed file: {shown}");
    }
    assert_eq!(world.sandbox.connections(), before);
}

#[test]
fn a_cached_session_needs_no_network_at_all() {
    let world = World::new();
    world.log_in("prod");
    let plain = world.run(["credential-process", "prod"]);
    let dead = "http://127.0.0.1:1";
    let before = world.sandbox.connections();
    for proxy in ["HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY"] {
        answer(&world, world.twolock(["credential-process", "prod"]).env(proxy, dead)).is(0, &plain.stdout, "");
    }
    for args in
        [&["env", "prod", "--format", "json"][..], &["exec", "prod", "--", "true"], &["status"], &["login", "prod"]]
    {
        let (ran, trace) = traced(&world, "%network", args, as_installed);
        // The account database may be another process's.
        let sockets = trace.of(&["connect", "socket"]).filter(|line| !line.contains("AF_UNIX")).count();
        assert_eq!((ran.code, sockets), (0, 0), "{args:?}: {ran:?}\n{}", trace.0);
    }
    assert_eq!(world.sandbox.connections(), before);
}

#[test]
fn commands_that_only_look_never_touch_the_network() {
    let world = World::new();
    for args in [
        &[][..],
        &["status"],
        &["profile", "list"],
        &["profile", "show", "prod"],
        &["settings", "list"],
        &["settings", "set", "prompt_timeout", "50s"],
        &["settings", "path"],
        &["logout", "prod"],
        &["--help"],
        &["--version"],
        &["credential-process", "prod"],
    ] {
        let (ran, trace) = traced(&world, "%network", args, |_| {});
        assert!([0, 9].contains(&ran.code), "{args:?}: {ran:?}");
        assert_eq!(trace.count(&["connect", "sendto"]), 0, "{args:?}: {}", trace.0);
    }
    assert_eq!(world.sandbox.connections(), 0);
}

#[test]
fn a_cold_call_connects_to_sts_and_to_nothing_else() {
    let world = World::new();
    let code = world.code();
    let (ran, trace) = traced(&world, "connect,sendto", &["credential-process", "prod"], |command| {
        command.env("TWOLOCK_MFA_CODE", &code);
    });
    assert_eq!(ran.code, 0, "{ran:?}");
    let sts = format!("sin_port=htons({}), sin_addr=inet_addr(\"127.0.0.1\")", world.sandbox.port());
    for line in trace.of(&["connect"]) {
        assert!(line.contains(&sts), "{line}");
    }
    assert!(trace.count(&["connect"]) > 0);
}
