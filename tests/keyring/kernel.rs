//! The kernel keyring across sessions, users and faults. What needs a second user needs root, and says so without.

use std::process::Command;

use twolock::internals::{Item, KernelStore, Store, StoreError};

use crate::person::Person;
use crate::probe::{Which, answer, call, need, under};

/// Users that nobody has; their keyrings are theirs alone.
const ONE: &str = "64201";
const OTHER: &str = "64202";
const FULL: &str = "64203";
const LOGINS: &str = "64204";

/// An item nobody else uses, removed when the test ends, however it ends.
struct Own {
    user: String,
}

impl Own {
    fn new(situation: &str) -> Self {
        need("keyctl", "keyutils");
        Self { user: format!("test-{}-{situation}", std::process::id()) }
    }

    fn command(&self, verb: &str, bytes: &[u8]) -> Command {
        call(Which::Kernel, verb, &self.user, bytes)
    }

    fn call(&self, verb: &str, bytes: &[u8]) -> String {
        answer(self.command(verb, bytes)).text
    }

    fn call_under(&self, program: &[&str], verb: &str, bytes: &[u8]) -> String {
        answer(under(program, &self.command(verb, bytes))).text
    }
}

impl Drop for Own {
    fn drop(&mut self) {
        let _ = KernelStore::new().remove(&Item { user: self.user.clone(), label: String::new() });
        // Where the test of an older kernel broke off before it removed its key.
        let _ = Command::new("keyctl").args(["unlink", &format!("%user:twolock:{}", self.user), "@u"]).output();
    }
}

#[test]
fn a_key_outlives_its_process_and_is_read_from_any_session() {
    let own = Own::new("sessions");
    assert_eq!(own.call("read", b""), "Absent");
    assert_eq!(own.call_under(&["keyctl", "session", "-"], "write", b"key"), "Ok()");
    assert_eq!(own.call("read", b""), "Ok(6b6579)");
    for way in [
        &["keyctl", "session", "-"][..],
        &["setsid", "-w"],
        &["env", "-i"],
        &["setsid", "-w", "keyctl", "session", "-"],
    ] {
        assert_eq!(own.call_under(way, "read", b""), "Ok(6b6579)", "{way:?}");
    }
    assert_eq!(own.call_under(&["setsid", "-w"], "remove", b""), "Ok()");
    assert_eq!(own.call("read", b""), "Absent");
}

#[test]
fn a_key_of_one_user_is_absent_for_another_even_by_its_number() {
    let (Some(one), Some(other)) = (Person::new(ONE), Person::new(OTHER)) else { return };
    let own = Own::new("users");
    assert_eq!(one.call(&own.user, "write", b"mine"), "Ok()");
    assert_eq!(one.call(&own.user, "read", b""), "Ok(6d696e65)");
    for verb in ["read", "remove"] {
        assert_eq!(other.call(&own.user, verb, b""), "Absent", "{verb}");
    }
    let find = format!("keyctl search $(keyctl get_persistent @s) user twolock:{}", own.user);
    let id = one.keyctl(&["session", "-", "sh", "-c", &find]);
    let id = id.lines().find(|line| line.parse::<u32>().is_ok()).unwrap_or_else(|| panic!("{id}"));
    assert_eq!(one.keyctl(&["pipe", id]), "mine");
    assert!(one.keyctl(&["rdescribe", id]).contains(&format!("user;{ONE};{ONE};3f0b0000;")));
    for attempt in [&["pipe", id][..], &["describe", id], &["link", id, "@s"], &["setperm", id, "0x3f3f3f3f"]] {
        assert!(other.keyctl(attempt).contains("Permission denied"), "{attempt:?}: {}", other.keyctl(attempt));
    }
    assert_eq!(other.call(&own.user, "write", b"other"), "Ok()");
    assert_eq!(one.call(&own.user, "read", b""), "Ok(6d696e65)");
}

#[test]
fn an_ordinary_user_reads_the_key_from_every_login() {
    let Some(one) = Person::new(LOGINS) else { return };
    let own = Own::new("logins");
    let logins = [&["keyctl", "session", "-"][..], &["setsid", "-w"], &["setsid", "-w", "keyctl", "session", "-"], &[]];
    for writer in logins {
        assert_eq!(one.call_under(writer, &own.user, "write", b"key"), "Ok()", "{writer:?}");
        for reader in logins {
            assert_eq!(one.call_under(reader, &own.user, "read", b""), "Ok(6b6579)", "{writer:?} {reader:?}");
        }
        assert_eq!(one.call_under(writer, &own.user, "remove", b""), "Ok()", "{writer:?}");
    }
}

#[test]
fn a_full_keyring_says_so_and_old_keys_stay() {
    let Some(full) = Person::new(FULL) else { return };
    let large = [7; 1800];
    let mut answers = (0..30).map(|n| full.call(&format!("item-{n}"), "write", &large));
    let kept = answers.by_ref().take_while(|answer| answer == "Ok()").count();
    assert!((5..20).contains(&kept), "{kept} keys fitted");
    assert_eq!(full.call("item-99", "write", &large), "Quota");
    assert_eq!(full.call("item-99", "read", b""), "Absent");
    for n in 0..kept {
        assert!(full.call(&format!("item-{n}"), "read", b"").starts_with("Ok(0707"), "item {n} of {kept}");
    }
    assert_eq!(full.call("item-0", "write", &[8; 2]), "Ok()", "a smaller one replaces a larger one");
}

#[test]
fn reading_adds_no_keyring_to_the_users_quota() {
    need("strace", "strace");
    let own = Own::new("crowd");
    assert_eq!(own.call("write", b"key"), "Ok()");
    let directory = tempfile::tempdir().unwrap();
    let trace = directory.path().join("trace");
    let strace = ["strace", "-f", "-o", trace.to_str().unwrap(), "-e", "trace=keyctl,add_key"];
    assert_eq!(own.call_under(&strace, "read", b""), "Ok(6b6579)");
    let trace = std::fs::read_to_string(&trace).unwrap();
    assert_eq!(trace.matches("KEYCTL_READ").count(), 1, "one search, one read: {trace}");
    assert!(!trace.contains("KEY_SPEC_PROCESS_KEYRING"), "each would count as a key of the user: {trace}");
}

#[test]
fn a_user_namespace_does_not_see_the_key() {
    need("unshare", "util-linux");
    let own = Own::new("namespace");
    assert_eq!(own.call("write", b"key"), "Ok()");
    let program = under(&["unshare", "-U"], &own.command("read", b""));
    let text = answer(program).text;
    assert!(text == "Absent" || text.starts_with("NoService("), "{text}");
}

#[test]
fn a_kernel_that_refuses_keyrings_is_no_service_not_a_miss() {
    need("strace", "strace");
    let own = Own::new("refused");
    assert_eq!(own.call("write", b"key"), "Ok()");
    for (errno, outcome) in
        [("ENOSYS", "NoService("), ("EPERM", "NoService("), ("EACCES", "NoService("), ("EDQUOT", "Quota")]
    {
        let inject = format!("inject=keyctl:error={errno}");
        for verb in ["read", "write", "remove"] {
            let text = own.call_under(&["strace", "-f", "-o", "/dev/null", "-e", &inject], verb, b"new");
            assert!(text.starts_with(outcome), "{errno} {verb}: {text}");
        }
    }
    assert_eq!(own.call("read", b""), "Ok(6b6579)");
}

#[test]
fn a_refused_write_leaves_the_old_key() {
    need("strace", "strace");
    let own = Own::new("kept");
    assert_eq!(own.call("write", b"key"), "Ok()");
    for (errno, outcome) in [("EDQUOT", "Quota"), ("EACCES", "Refused("), ("EPERM", "Refused("), ("ENOMEM", "Refused(")]
    {
        let inject = format!("inject=add_key:error={errno}");
        let text = own.call_under(&["strace", "-f", "-o", "/dev/null", "-e", &inject], "write", b"new");
        assert!(text.starts_with(outcome), "{errno}: {text}");
        assert_eq!(own.call("read", b""), "Ok(6b6579)", "{errno}");
    }
}

#[test]
fn a_kernel_without_persistent_keyrings_keeps_the_key_in_the_user_keyring_for_three_days() {
    need("strace", "strace");
    let own = Own::new("older");
    let older = ["strace", "-f", "-o", "/dev/null", "-e", "inject=keyctl:error=EOPNOTSUPP:when=1"];
    assert_eq!(own.call_under(&older, "write", b"key"), "Ok()");
    let held = Command::new("keyctl").args(["list", "@u"]).output().unwrap();
    assert!(String::from_utf8_lossy(&held.stdout).contains(&own.user), "{held:?}");
    assert_eq!(own.call_under(&older, "read", b""), "Ok(6b6579)");
    let elsewhere = [&["keyctl", "session", "-"][..], &older].concat();
    assert_eq!(own.call_under(&elsewhere, "read", b""), "Ok(6b6579)");
    let keys = std::fs::read_to_string("/proc/keys").unwrap();
    let line = keys.lines().find(|line| line.contains(&own.user)).unwrap();
    assert!(line.contains(" 3d ") || line.contains(" 2d "), "{line}");
    assert!(line.contains("3f0b0000"), "{line}");
    assert_eq!(own.call_under(&older, "remove", b""), "Ok()");
    assert_eq!(own.call_under(&older, "read", b""), "Absent");
}

#[test]
fn the_store_of_this_process_and_of_another_are_one() {
    let own = Own::new("one");
    let item = Item { user: own.user.clone(), label: String::new() };
    let store = KernelStore::new();
    assert_eq!(store.read(&item).unwrap_err(), StoreError::Absent);
    assert_eq!(own.call("write", &[5; 32]), "Ok()");
    assert_eq!(store.read(&item).unwrap().expose(), &[5; 32]);
}

#[test]
fn a_sealing_key_lives_in_the_real_kernel_keyring_and_is_forgotten() {
    use std::time::{Duration, Instant};
    use twolock::internals::Keyring;
    use twolock::internals::Stores;
    use twolock::internals::sealing_key::{find, find_or_make, forget};
    use twolock::internals::{Deadline, Env};

    let cache = tempfile::tempdir().unwrap();
    let stores = Stores::choose(Keyring::Kernel, &Env::default(), || cache.path().into(), false);
    assert!(find(&stores, cache.path()).unwrap_err().is_absent());
    let deadline = Deadline::after(Instant::now(), Duration::from_secs(20));
    let made = find_or_make(&stores, cache.path(), deadline).unwrap();
    assert_eq!(find(&stores, cache.path()).unwrap().id(), made.id());
    assert_eq!(forget(&stores, cache.path()), (true, vec![]));
    assert!(find(&stores, cache.path()).unwrap_err().is_absent());
}
