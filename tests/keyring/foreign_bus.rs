//! A session bus that another user runs: nothing is asked of it, and nothing told (threat-model P53).

use std::fs;
use std::os::unix::net::UnixListener;
use std::time::Duration;

use crate::desk::{Desk, USER, signal};
use crate::person::Person;
use crate::probe::Which;

/// A bus cannot be run by a user without an account; this one is there on every Linux.
const OTHER: u32 = 1;
const FOREIGN: &str = r#"ForeignBus { user: 1, variable: "DBUS_SESSION_BUS_ADDRESS" }"#;
const SOCKET: &str = "unix:path={folder}/session";

/// The other user's session, who has an item of that name, and somebody else. `None`, loudly, without root.
fn two_users(address: &str) -> Option<(Desk, Person<'static>)> {
    let somebody = Person::new("4243")?;
    let desk = Desk::of_another_user(OTHER, address);
    desk.store_by_secret_tool(&["service", "twolock", "username", USER], "planted");
    Some((desk, somebody))
}

/// Fails unless neither root nor another user says a word to this bus.
fn is_refused(desk: &Desk, somebody: &Person<'_>) {
    for verb in ["read", "write", "remove"] {
        for answer in [desk.call(Which::Desktop, verb, USER, b"canary"), desk.call_as(somebody, verb, b"canary")] {
            assert_eq!(answer.text, FOREIGN, "{verb}");
            assert!(answer.call < Duration::from_secs(1), "{answer:?}");
        }
    }
}

#[test]
fn a_bus_of_another_user_is_told_nothing_and_believed_nothing() {
    let Some((desk, somebody)) = two_users(SOCKET) else { return };
    let recorder = desk.record();
    is_refused(&desk, &somebody);
    let may_unlock = desk.call(Which::DesktopMayUnlock, "write", USER, b"canary");
    assert_eq!(may_unlock.text, FOREIGN);
    assert!(!recorder.holds(b"OpenSession"), "a message of ours crossed the bus");
    // The control: the very same calls by the bus's own user are heard and answered.
    let owner = Person::new("1").unwrap();
    assert_eq!(desk.call_as(&owner, "read", b"").text, "Ok(706c616e746564)");
    recorder.wait_for(b"OpenSession");
}

#[test]
fn a_foreign_bus_is_known_by_each_kind_of_address() {
    let name = format!("unix:abstract=/twolock-test-{}", std::process::id());
    let Some((mut desk, somebody)) = two_users(&name) else { return };
    is_refused(&desk, &somebody);
    let list = format!("unix:path=/nowhere/bus;unix:tmpdir=/tmp;{name};");
    desk.set_address(&list);
    is_refused(&desk, &somebody);
}

#[test]
fn a_foreign_listener_that_is_silent_is_not_waited_for() {
    let Some((desk, somebody)) = two_users(SOCKET) else { return };
    signal(desk.bus(), "STOP");
    is_refused(&desk, &somebody);
    signal(desk.bus(), "CONT");
}

/// The socket that was ours when we looked leads to another user when the library connects.
#[test]
fn a_bus_that_changes_hands_while_we_look_is_refused_by_the_connection_itself() {
    let Some((mut desk, _)) = two_users(SOCKET) else { return };
    let recorder = desk.record();
    let foreign = desk.at("session");
    let swapped = tempfile::tempdir().unwrap();
    let socket = swapped.path().join("bus");
    desk.set_address(&format!("unix:path={}", socket.display()));
    let mut answers = Vec::new();
    // The library may be faster than the one who swaps; then it meets a listener that is gone.
    for _ in 0..50 {
        let listener = UnixListener::bind(swapped.path().join("ours")).unwrap();
        fs::rename(swapped.path().join("ours"), &socket).unwrap();
        std::os::unix::fs::symlink(&foreign, swapped.path().join("theirs")).unwrap();
        let answer = std::thread::scope(|scope| {
            scope.spawn(|| {
                let looked = listener.accept();
                fs::rename(swapped.path().join("theirs"), &socket).unwrap();
                drop((looked, listener));
            });
            desk.call(Which::Desktop, "write", USER, b"canary")
        });
        answers.push(answer.text);
        if answers.last().is_some_and(|text| text == FOREIGN) {
            assert!(!recorder.holds(b"SearchItems") && !recorder.holds(b"CreateItem"), "it was asked for an item");
            return;
        }
    }
    panic!("never swapped in time: {answers:?}");
}

#[test]
fn a_bus_of_root_serves_everybody() {
    let Some(somebody) = Person::new("1") else { return };
    let desk = Desk::of_another_user(0, SOCKET);
    assert_eq!(desk.call_as(&somebody, "write", b"kept").text, "Ok()");
    assert_eq!(desk.call_as(&somebody, "read", b"").text, "Ok(6b657074)");
}
