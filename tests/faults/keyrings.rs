//! The desktop's keyring in each of its states, with the access key in it (P26, P27, F20 to F25).

use std::fs;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{SocketAddr, UnixListener, UnixStream};
use std::process::Command;
use std::time::{Duration, Instant};

use crate::desktop::{Desktop, item};
use crate::machine::{eventually, has_ended, signal, traced, with_code, without_kernel_keyring};
use crate::outcome::{answer, failed};
use crate::world::{CREDENTIALS, KEY_ID, Ran, World};

/// Far beyond what a call to a keyring may take (5 s each, two of them), and far below a hang.
const BOUND: Duration = Duration::from_secs(25);

fn call(desktop: &Desktop<'_>, change: impl FnOnce(&mut Command)) -> Ran {
    let mut command = desktop.twolock(&["credential-process", "prod"]);
    change(&mut command);
    let begun = Instant::now();
    let ran = answer(desktop.world, &mut command);
    assert!(begun.elapsed() < BOUND, "{:?}: {ran:?}", begun.elapsed());
    ran
}

/// Fails unless the key was not had, without a terminal, a dialog, or a call to STS.
fn refused(desktop: &Desktop<'_>, parts: &[&str]) {
    let before = desktop.world.sandbox.connections();
    let ran = call(desktop, with_code("123456"));
    let parts = [&["profile 'base'", KEY_ID, "the Secret Service"], parts].concat();
    failed(&ran, 5, &parts);
    assert!(!ran.stderr.contains("aws configure") && !ran.stderr.contains("key add"), "never \"no key\": {ran:?}");
    assert_eq!(desktop.world.sandbox.connections(), before);
}

fn log_in(desktop: &Desktop<'_>) -> Ran {
    let code = desktop.world.code();
    let ran = call(desktop, with_code(&code));
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""), "{ran:?}");
    ran
}

#[test]
fn an_unlocked_keyring_signs_and_a_cached_answer_never_asks_it() {
    let world = World::new();
    let mut desktop = Desktop::unlocked(&world);
    let first = log_in(&desktop);
    for _ in 0..3 {
        call(&desktop, |_| {}).is(0, &first.stdout, "");
    }
    let (ran, trace) = traced(&world, "%network", &["credential-process", "prod"], |command| desktop.dress(command));
    ran.is(0, &first.stdout, "");
    assert_eq!(trace.count(&["socket", "connect"]), 0, "no connection to the bus: {}", trace.0);
    // The durable copy of the sealing key is there for the time after a reboot.
    call(&desktop, without_kernel_keyring).is(0, &first.stdout, "");
    desktop.lock();
    call(&desktop, |_| {}).is(0, &first.stdout, "");
    signal(desktop.keyring(), libc::SIGSTOP);
    call(&desktop, |_| {}).is(0, &first.stdout, "");
    signal(desktop.keyring(), libc::SIGCONT);
    desktop.kill_keyring();
    call(&desktop, |_| {}).is(0, &first.stdout, "");
    desktop.set_address("unix:path=/no/such/socket");
    call(&desktop, |_| {}).is(0, &first.stdout, "");
    assert_eq!(world.sandbox.count("GetSessionToken"), 1);
}

#[test]
fn a_locked_keyring_is_said_to_be_locked_and_no_dialog_opens() {
    let world = World::new();
    let desktop = Desktop::unlocked(&world);
    desktop.lock();
    refused(&desktop, &["is locked"]);
    let sends = "sendmsg,sendto,write,writev";
    for args in [&["credential-process", "prod"][..], &["env", "prod"], &["exec", "prod", "--", "true"]] {
        let (ran, trace) = traced(&world, sends, args, |command| desktop.dress(command));
        assert_eq!(ran.code, 5, "also without a code and a terminal: {ran:?}");
        assert!(trace.0.contains("org.freedesktop.secrets"), "the keyring was asked: {}", trace.0);
        assert!(!trace.0.contains("Unlock") && !trace.0.contains("Secret.Prompt"), "to unlock: {}", trace.0);
    }
}

#[test]
fn a_keyring_that_is_locked_is_found_out_before_anybody_is_asked_for_a_code() {
    let world = World::new();
    let desktop = Desktop::unlocked(&world);
    desktop.lock();
    let mut command = world.program(crate::machine::BINARY);
    command.args(["credential-process", "prod"]);
    desktop.dress(&mut command);
    let terminal = crate::world::Terminal::start(command);
    eventually("its end", || has_ended(terminal.pid()));
    let shown = terminal.shown();
    failed(&terminal.end(), 5, &["is locked"]);
    assert_eq!(shown, "", "no question");
}

#[test]
fn a_keyring_that_was_stopped_is_given_up_at_the_bound() {
    let world = World::new();
    let desktop = Desktop::unlocked(&world);
    signal(desktop.keyring(), libc::SIGSTOP);
    refused(&desktop, &["did not respond within"]);
    signal(desktop.keyring(), libc::SIGCONT);
    assert_eq!(log_in(&desktop).code, 0, "and works once it goes on");
}

#[test]
fn a_keyring_that_died_comes_back_locked_and_is_not_taken_for_an_empty_one() {
    let world = World::new();
    let mut desktop = Desktop::unlocked(&world);
    desktop.kill_keyring();
    refused(&desktop, &["is locked"]);
}

#[test]
fn a_bus_that_is_not_there_dead_silent_or_empty_is_named() {
    let world = World::new();
    let mut desktop = Desktop::without_bus(&world);
    refused(&desktop, &["is not available: no session bus"]);
    desktop.set_address("unix:path=/no/such/socket");
    refused(&desktop, &["is not available"]);
    desktop.set_address("autolaunch:");
    refused(&desktop, &["is not available", "would start a bus"]);
    desktop.set_address("nonsense");
    refused(&desktop, &["is not available"]);
    let socket = world.home().join("run/silent");
    let _listener = UnixListener::bind(&socket).unwrap();
    desktop.set_address(&format!("unix:path={}", socket.display()));
    refused(&desktop, &["did not respond within"]);
}

#[test]
fn a_bus_without_a_keyring_is_named() {
    let world = World::new();
    let desktop = Desktop::with_empty_bus(&world);
    refused(&desktop, &["is not available"]);
}

#[test]
fn a_key_that_is_damaged_newer_or_another_ones_is_refused_and_left_alone() {
    let world = World::new();
    let desktop = Desktop::unlocked(&world);
    for (secret, says) in [
        ("", "damaged"),
        ("{", "it is not twolock's"),
        ("wJalrXUtnFEMI", "it is not twolock's"),
        ("[]", "its version is not supported"),
        (&item().replace("\"v\":1", "\"v\":2"), "its version is not supported"),
        (&item().replace("\"v\":1,", ""), "its version is not supported"),
        (&item().replace(KEY_ID, "AKIAIOSFODNN7EXAMPL2"), "it contains another access key"),
        (&item().replace("secret_access_key", "secret"), "it has no secret"),
        (&item().replace(crate::world::SECRET, ""), "it has no secret"),
    ] {
        desktop.plant(secret, &[]);
        refused(&desktop, &[says]);
        assert_eq!(desktop.planted(), secret, "left alone");
    }
    desktop.plant(&item(), &["copy", "2"]);
    refused(&desktop, &["2 items with that name"]);
    desktop.clear();
    let gone = call(&desktop, with_code("123456"));
    failed(&gone, 5, &["does not have the item"]);
    assert!(gone.stderr.contains("to store it again: twolock key add base\n"), "{gone:?}");
    assert_eq!(desktop.planted(), "", "nothing was put there");
    desktop.plant(&item(), &[]);
    assert_eq!(log_in(&desktop).code, 0);
}

#[test]
fn a_keyring_that_keeps_no_access_keys_is_not_asked_for_one_and_the_setting_named() {
    let world = World::new();
    let desktop = Desktop::unlocked(&world);
    desktop.plant(&item(), &[]);
    for choice in ["file", "kernel"] {
        world.write(".config/twolock/config.toml", &format!("keyring = \"{choice}\"\n"));
        let ran = call(&desktop, with_code("123456"));
        failed(&ran, 5, &["profile 'base'", KEY_ID, "the keyring in use cannot store access keys"]);
        let hint = "hint: keyring = auto can store them; to see where the setting comes from: twolock settings list\n";
        assert!(ran.stderr.ends_with(hint), "{ran:?}");
    }
    assert_eq!(world.sandbox.count("GetSessionToken"), 0);
    fs::remove_file(world.home().join(".config/twolock/config.toml")).unwrap();
    assert_eq!(log_in(&desktop).code, 0);
}

#[test]
fn sessions_of_a_key_in_a_file_need_no_desktop_keyring() {
    let world = World::new();
    let desktop = Desktop::unlocked(&world);
    desktop.lock();
    world.write(".aws/credentials", crate::world::CREDENTIALS);
    let first = log_in(&desktop);
    call(&desktop, |_| {}).is(0, &first.stdout, "");
}

/// A bus of another user, who listens at an abstract address and lets everybody in. `None`, loudly, without root.
struct ForeignBus {
    child: std::process::Child,
    address: String,
    _config: tempfile::TempDir,
}

impl ForeignBus {
    fn start() -> Option<Self> {
        // SAFETY: geteuid takes nothing and cannot fail.
        if unsafe { libc::geteuid() } != 0 {
            // Past the harness, which keeps what a passing test prints to itself.
            let loud = b"NOT TESTED: only root can run a bus as a second user\n";
            std::io::Write::write_all(&mut std::io::stderr(), loud).unwrap();
            return None;
        }
        let directory = tempfile::tempdir().unwrap();
        fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let address = format!("unix:abstract=/twolock-faults-{}-{}", std::process::id(), directory.path().display());
        let config = directory.path().join("bus.conf");
        let text = format!(
            "<busconfig><type>session</type><listen>{address}</listen><policy context=\"default\">\
             <allow user=\"*\"/><allow send_destination=\"*\"/><allow own=\"*\"/></policy></busconfig>"
        );
        fs::write(&config, text).unwrap();
        let mut command = Command::new("setpriv");
        command.args([
            "--reuid",
            "1",
            "--regid",
            "1",
            "--clear-groups",
            "--",
            "dbus-daemon",
            "--nofork",
            "--nopidfile",
        ]);
        let child = command.arg(format!("--config-file={}", config.display())).spawn().unwrap();
        let name = address.strip_prefix("unix:abstract=").unwrap();
        let socket = SocketAddr::from_abstract_name(name).unwrap();
        eventually("the bus", || UnixStream::connect_addr(&socket).is_ok());
        Some(Self { child, address, _config: directory })
    }
}

impl Drop for ForeignBus {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

const FOREIGN: &str = "the Secret Service cannot be trusted: DBUS_SESSION_BUS_ADDRESS names a session bus run by uid 1";

#[test]
fn a_session_bus_of_another_user_gets_no_key_and_its_user_is_named() {
    let Some(bus) = ForeignBus::start() else { return };
    let world = World::new();
    let mut desktop = Desktop::without_bus(&world);
    desktop.set_address(&bus.address);
    refused(&desktop, &[FOREIGN]);
    let ran = call(&desktop, with_code("123456"));
    assert!(ran.stderr.ends_with("twolock: hint: unset DBUS_SESSION_BUS_ADDRESS\n"), "{ran:?}");

    let world = World::new();
    let mut desktop = Desktop::without_bus(&world);
    desktop.set_address(&bus.address);
    world.write(".aws/credentials", CREDENTIALS);
    world.write(".local/share/twolock/keys.json", "{\"v\":1,\"keys\":{}}");
    let ran = desktop.run_twolock(&["profile", "adopt", "base", "--yes"]);
    failed(&ran, 5, &[KEY_ID, FOREIGN]);
    assert_eq!(fs::read_to_string(world.home().join(".aws/credentials")).unwrap(), CREDENTIALS);
}

#[test]
fn a_session_bus_of_another_user_gets_no_sealing_key() {
    let Some(bus) = ForeignBus::start() else { return };
    let world = World::new();
    let mut desktop = Desktop::without_bus(&world);
    desktop.set_address(&bus.address);
    world.write(".aws/credentials", CREDENTIALS);
    world.write(".local/share/twolock/keys.json", "{\"v\":1,\"keys\":{}}");
    let ran = call(&desktop, |command| {
        with_code("123456")(command);
        without_kernel_keyring(command);
    });
    failed(&ran, 5, &["no keyring is available to protect sessions", FOREIGN]);
    // With the kernel's keyring, which is this user's own, everything works.
    log_in(&desktop);
}
