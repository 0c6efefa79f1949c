//! The Secret Service in each of its states (threat-model F20 to F25, P8).

use std::os::unix::net::UnixListener;
use std::time::Duration;

use twolock::internals::CALL_BOUND;

use crate::desk::{Desk, USER, processes, signal, wait_for};
use crate::probe::{Answer, DIALOG_BOUND, Which, need};

/// Generous: what a process may take beyond its call on a loaded machine.
const SLACK: Duration = Duration::from_secs(5);

fn assert_no_service(answer: &Answer) {
    assert!(answer.text.starts_with("NoService("), "{answer:?}");
}

fn assert_timed_out(answer: &Answer) {
    assert!(answer.text.starts_with("TimedOut("), "{answer:?}");
    assert!(answer.call <= CALL_BOUND + SLACK, "the call: {answer:?}");
    assert!(answer.process <= CALL_BOUND + 2 * SLACK, "the process really ends: {answer:?}");
}

#[test]
fn an_unlocked_keyring_keeps_replaces_and_removes_an_item() {
    let desk = Desk::unlocked();
    let call = |verb, bytes: &[u8]| desk.call(Which::Desktop, verb, USER, bytes).text;
    assert_eq!(call("read", b""), "Absent");
    assert_eq!(call("remove", b""), "Absent");
    assert_eq!(call("write", b"\x00one\xff"), "Ok()");
    assert_eq!(call("read", b""), "Ok(006f6e65ff)");
    assert_eq!(call("write", b"two"), "Ok()");
    assert_eq!(call("read", b""), "Ok(74776f)");
    let shown = desk.run("secret-tool", &["search", "--all", "service", "twolock"], "");
    for line in [format!("label = twolock: {USER}"), format!("attribute.username = {USER}"), "secret = two".into()] {
        assert_eq!(shown.matches(&line).count(), 1, "{line} in {shown}");
    }
    assert_eq!(call("remove", b""), "Ok()");
    assert_eq!(call("read", b""), "Absent");
}

#[test]
fn a_search_finds_the_items_of_our_service_and_opens_no_dialog() {
    let desk = Desk::unlocked();
    let users = || desk.call(Which::Desktop, "users", USER, b"").text;
    assert_eq!(users(), "Ok()");
    desk.store_by_secret_tool(&["service", "other", "username", "AKIAOTHER"], "theirs");
    assert_eq!(desk.call(Which::Desktop, "write", USER, b"one").text, "Ok()");
    let hex: String = USER.bytes().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(users(), format!("Ok({hex})"));
    desk.call(Which::Desktop, "remove", USER, b"");
    desk.lock();
    assert_eq!(users(), "Locked");
}

#[test]
fn an_item_of_another_service_or_user_is_not_ours() {
    let desk = Desk::unlocked();
    desk.store_by_secret_tool(&["service", "twolock", "username", "AKIAOTHER"], "theirs");
    desk.store_by_secret_tool(&["service", "other", "username", USER], "theirs");
    assert_eq!(desk.read(USER).text, "Absent");
}

#[test]
fn two_items_of_one_name_are_damaged_and_stay_as_they_are() {
    let desk = Desk::unlocked();
    for copy in ["1", "2"] {
        desk.store_by_secret_tool(&["service", "twolock", "username", USER, "copy", copy], copy);
    }
    for verb in ["read", "write", "remove"] {
        assert_eq!(
            desk.call(Which::Desktop, verb, USER, b"new").text,
            r#"Damaged("2 items with that name")"#,
            "{verb}"
        );
    }
    for copy in ["1", "2"] {
        assert_eq!(desk.run("secret-tool", &["lookup", "service", "twolock", "copy", copy], ""), copy);
    }
}

#[test]
fn a_locked_keyring_is_not_a_miss_and_opens_no_dialog() {
    let desk = Desk::unlocked();
    assert_eq!(desk.call(Which::Desktop, "write", USER, b"kept").text, "Ok()");
    desk.lock();
    let recorder = desk.record();
    for user in [USER, "AKIAABSENT"] {
        for verb in ["read", "write", "remove"] {
            assert_eq!(desk.call(Which::Desktop, verb, user, b"new").text, "Locked", "{verb} {user}");
        }
    }
    desk.run("gdbus", &["emit", "--session", "-o", "/x", "-s", "x.y.AllDone"], "");
    recorder.wait_for(b"AllDone");
    assert!(recorder.holds(b"SearchItems"), "the recorder saw our calls");
    for word in ["Unlock", "org.freedesktop.Secret.Prompt", "org.gnome.keyring.internal.Prompter", "PerformPrompt"] {
        assert!(!recorder.holds(word.as_bytes()), "{word} crossed the bus");
    }
    assert_eq!(processes("prompter", desk.at("").as_path()), [""; 0]);
}

#[test]
fn with_leave_to_unlock_and_nobody_to_ask_the_keyring_stays_locked() {
    let desk = Desk::unlocked();
    assert_eq!(desk.call(Which::Desktop, "write", USER, b"kept").text, "Ok()");
    desk.lock();
    let recorder = desk.record();
    let answer = desk.call(Which::DesktopMayUnlock, "read", USER, b"");
    assert!(["Locked", "Dismissed"].contains(&answer.text.as_str()), "{answer:?}");
    recorder.wait_for(b"Unlock");
    assert!(answer.process < CALL_BOUND + 2 * SLACK, "{answer:?}");
}

#[test]
fn an_unlock_dialog_that_is_never_answered_is_given_up_at_its_bound() {
    let desk = Desk::unlocked();
    assert_eq!(desk.call(Which::Desktop, "write", USER, b"kept").text, "Ok()");
    desk.set_prompter("/bin/sleep 10");
    desk.lock();
    let answer = desk.call(Which::DesktopMayUnlock, "read", USER, b"");
    assert_timed_out(&answer);
    assert!(answer.call >= DIALOG_BOUND, "the person had the time that was promised: {answer:?}");
    assert_eq!(desk.read(USER).text, "Locked");
}

/// A prompter that goes away stands for a person who declines: the keyring reports both in the same words.
#[test]
fn a_dialog_that_closes_after_a_while_was_dismissed_by_somebody() {
    let desk = Desk::unlocked();
    assert_eq!(desk.call(Which::Desktop, "write", USER, b"kept").text, "Ok()");
    desk.set_prompter("/bin/sh -c \"sleep 1; exit 1\"");
    desk.lock();
    assert_eq!(desk.call(Which::DesktopMayUnlock, "read", USER, b"").text, "Dismissed");
}

#[test]
fn a_keyring_that_was_never_unlocked_is_never_absent() {
    let mut desk = Desk::unlocked();
    assert_eq!(desk.call(Which::Desktop, "write", USER, b"kept").text, "Ok()");
    desk.end_keyring();
    // The bus starts it again, and this time nobody gives the password.
    let answer = desk.read(USER);
    assert!(answer.text == "Locked" || answer.text.starts_with("NoService("), "{answer:?}");
    let answer = desk.call(Which::Desktop, "write", USER, b"new");
    assert!(answer.text == "Locked" || answer.text.starts_with("NoService("), "{answer:?}");
}

#[test]
fn a_keyring_without_any_collection_is_no_service_and_gets_none_made() {
    let desk = Desk::with_bus();
    need("gnome-keyring-daemon", "gnome-keyring");
    assert_no_service(&desk.read(USER));
    assert_no_service(&desk.call(Which::Desktop, "write", USER, b"new"));
    assert!(!desk.at("data/keyrings/login.keyring").exists() && !desk.at("data/keyrings/default.keyring").exists());
}

#[test]
fn a_damaged_keyring_file_is_never_absent() {
    let mut desk = Desk::unlocked();
    assert_eq!(desk.call(Which::Desktop, "write", USER, b"kept").text, "Ok()");
    desk.end_keyring();
    let file = desk.at("data/keyrings/login.keyring");
    let whole = std::fs::read(&file).unwrap();
    std::fs::write(&file, &whole[..whole.len() / 2]).unwrap();
    let answer = desk.read(USER);
    assert!(answer.text != "Absent" && !answer.text.starts_with("Ok("), "{answer:?}");
}

#[test]
fn a_stopped_keyring_is_given_up_in_time_and_the_process_ends() {
    let mut desk = Desk::with_bus();
    let keyring = desk.start_keyring();
    signal(keyring, "STOP");
    for verb in ["read", "write", "remove"] {
        assert_timed_out(&desk.call(Which::Desktop, verb, USER, b"new"));
    }
    signal(keyring, "CONT");
    wait_for("the keyring to go on", || desk.read(USER).text == "Absent");
}

#[test]
fn a_bus_that_accepts_and_is_silent_is_given_up_at_the_bound() {
    let mut desk = Desk::without_bus();
    let socket = desk.at("silent");
    let _listener = UnixListener::bind(&socket).unwrap();
    desk.set_address(&format!("unix:path={}", socket.display()));
    assert_timed_out(&desk.read(USER));
}

#[test]
fn a_session_without_a_bus_is_told_at_once_and_no_bus_is_started() {
    let desk = Desk::without_bus();
    let answer = desk.read(USER);
    assert_no_service(&answer);
    assert!(answer.call < Duration::from_secs(1), "{answer:?}");
    assert!(answer.text.contains("DBUS_SESSION_BUS_ADDRESS is not set"), "{answer:?}");
    assert_eq!(processes("dbus", desk.at("").as_path()), [""; 0]);
}

#[test]
fn a_dead_or_unusable_address_is_told_at_once() {
    let mut desk = Desk::without_bus();
    let dead = desk.at("dead");
    drop(UnixListener::bind(&dead).unwrap());
    let dead = format!("unix:path={}", dead.display());
    for address in [&dead, "unix:path=/nowhere/bus", "autolaunch:", "nonsense", "tcp:host=127.0.0.1,port=1"] {
        desk.set_address(address);
        let answer = desk.read(USER);
        assert_no_service(&answer);
        assert!(answer.call < Duration::from_secs(1), "{address}: {answer:?}");
    }
}

#[test]
fn a_bus_is_found_in_the_runtime_folder_too() {
    let mut desk = Desk::unlocked();
    assert_eq!(desk.call(Which::Desktop, "write", USER, b"kept").text, "Ok()");
    std::fs::hard_link(desk.at("session"), desk.at("run/bus")).unwrap();
    desk.set_address("");
    assert_eq!(desk.read(USER).text, "Ok(6b657074)");
}

#[test]
fn no_secret_crosses_the_bus_in_clear() {
    let desk = Desk::unlocked();
    let recorder = desk.record();
    let canary = b"canary-Zx81-secret-access-key";
    assert_eq!(desk.call(Which::Desktop, "write", USER, canary).text, "Ok()");
    assert!(desk.read(USER).text.starts_with("Ok("));
    // The control: the same bytes sent openly are found, so the recorder would have shown ours.
    let open = "shown-Zx81-by-the-recorder";
    desk.gdbus("/org/freedesktop/secrets", "org.freedesktop.Secret.Service.ReadAlias", &[open]);
    recorder.wait_for(open.as_bytes());
    assert!(recorder.holds(b"CreateItem") && recorder.holds(b"GetSecret"), "the recorder saw our calls");
    assert!(recorder.holds(b"dh-ietf1024-sha256-aes128-cbc-pkcs7"));
    for shape in [
        canary.to_vec(),
        data_encoding::BASE64.encode(canary).into_bytes(),
        data_encoding::HEXLOWER.encode(canary).into_bytes(),
        data_encoding::HEXUPPER.encode(canary).into_bytes(),
    ] {
        assert!(!recorder.holds(&shape[..shape.len().min(24)]), "{}", String::from_utf8_lossy(&shape));
    }
}

#[test]
fn many_writers_at_once_leave_one_item() {
    let desk = Desk::unlocked();
    std::thread::scope(|scope| {
        for writer in 0..6u8 {
            let desk = &desk;
            scope.spawn(move || desk.call(Which::Desktop, "write", USER, &[writer; 8]));
        }
    });
    let answer = desk.read(USER);
    assert!(answer.text.starts_with("Ok("), "{answer:?}");
}
