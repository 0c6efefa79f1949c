use proptest::prelude::*;

use super::*;
use crate::credentials::LONGEST_TOKEN;
use crate::session::cache::{self, Cache, Need};
use crate::session::identity;
use crate::session::sealing_key;
use crate::store::choose::Stores;
use crate::store::memory::MemoryStore;
use crate::system::clock::Deadline;
use crate::system::private_file;

const NOW: i64 = 1_800_000_000;
const HOUR: Duration = Duration::from_secs(3600);

fn now() -> Timestamp {
    Timestamp::from_unix(NOW)
}

/// A sealing key of its own each time.
fn key() -> SealingKey {
    let directory = tempfile::tempdir().unwrap();
    let stores = Stores { fast: Some(Box::new(MemoryStore::new())), durable: None };
    let soon = Deadline::after(std::time::Instant::now(), Duration::from_secs(20));
    sealing_key::find_or_make(&stores, directory.path(), soon).unwrap()
}

fn an_identity(name: &str) -> Identity {
    identity::tests::of_profile_with_role(name)
}

fn header(identity: &Identity, key: &SealingKey) -> Header {
    Header {
        identity: *identity,
        key: key.id().into(),
        kind: SessionKind::Role,
        account: AccountId::parse("123456789012"),
        device: MfaSerial::parse("arn:aws:iam::123456789012:mfa/ana").ok(),
        role: RoleArn::parse("arn:aws:iam::123456789012:role/Admin").ok(),
        profile: ProfileName::parse("prod").unwrap(),
        issued: now(),
        asked: HOUR,
        expires: now().plus(HOUR),
    }
}

fn session(token: &str) -> Session {
    Session {
        access_key_id: AccessKeyId::parse("ASIAIOSFODNN7EXAMPLE").unwrap(),
        secret: Secret::new("canary-secret/+=".into()),
        token: Secret::new(token.into()),
        expires: now().plus(HOUR),
        account: AccountId::parse("123456789012"),
    }
}

struct Sealed {
    identity: Identity,
    key: SealingKey,
    bytes: Vec<u8>,
}

impl Sealed {
    fn new() -> Self {
        let (identity, key) = (an_identity("Admin"), key());
        let bytes = seal(&header(&identity, &key), &session("canary-token"), &key).unwrap();
        Self { identity, key, bytes }
    }

    fn opens(&self, bytes: &[u8]) -> bool {
        open(bytes, &self.identity, &self.key).is_some()
    }

    fn line(&self) -> &[u8] {
        &self.bytes[..=memchr::memchr(b'\n', &self.bytes).unwrap()]
    }

    /// The same secrets below another header line.
    fn below(&self, line: &str) -> Vec<u8> {
        [line.as_bytes(), b"\n", &self.bytes[self.line().len()..]].concat()
    }
}

fn same(a: &Session, b: &Session) -> bool {
    a.access_key_id == b.access_key_id
        && a.secret.expose() == b.secret.expose()
        && a.token.expose() == b.token.expose()
        && (a.expires, &a.account) == (b.expires, &b.account)
}

#[test]
fn what_is_sealed_opens_again() {
    let sealed = Sealed::new();
    let (read, opened) = open(&sealed.bytes, &sealed.identity, &sealed.key).unwrap();
    assert_eq!(read, header(&sealed.identity, &sealed.key));
    assert!(same(&opened, &session("canary-token")));
}

#[test]
fn header_is_readable_and_holds_no_secret() {
    let sealed = Sealed::new();
    let header = Header::parse(sealed.line()).unwrap();
    assert_eq!((header.profile.as_str(), header.kind), ("prod", SessionKind::Role));
    let whole = String::from_utf8_lossy(&sealed.bytes);
    assert!(!whole.contains("canary") && !whole.contains("ASIA"), "{whole}");
}

#[test]
fn same_session_sealed_twice_looks_different() {
    let sealed = Sealed::new();
    let again = seal(&header(&sealed.identity, &sealed.key), &session("canary-token"), &sealed.key).unwrap();
    let rest = sealed.line().len();
    assert_ne!(sealed.bytes[rest..rest + NONCE], again[rest..rest + NONCE]);
    assert_ne!(sealed.bytes[rest + NONCE..], again[rest + NONCE..]);
}

#[test]
fn every_truncation_is_a_miss() {
    let sealed = Sealed::new();
    for length in 0..sealed.bytes.len() {
        assert!(!sealed.opens(&sealed.bytes[..length]), "{length} of {} bytes", sealed.bytes.len());
    }
}

#[test]
fn every_flipped_bit_is_a_miss() {
    let sealed = Sealed::new();
    let mut bytes = sealed.bytes.clone();
    for at in 0..bytes.len() {
        for bit in 0..8 {
            bytes[at] ^= 1 << bit;
            assert!(!sealed.opens(&bytes), "bit {bit} of byte {at}");
            bytes[at] ^= 1 << bit;
        }
    }
    assert!(sealed.opens(&bytes));
}

#[test]
fn longer_file_is_a_miss() {
    let sealed = Sealed::new();
    for more in [&b"\n"[..], b"\0", b"x", &sealed.bytes] {
        assert!(!sealed.opens(&[&sealed.bytes, more].concat()));
        assert!(!sealed.opens(&[more, &sealed.bytes].concat()));
    }
}

#[test]
fn other_key_or_other_identity_is_a_miss() {
    let sealed = Sealed::new();
    assert!(open(&sealed.bytes, &sealed.identity, &key()).is_none());
    assert!(open(&sealed.bytes, &an_identity("Other"), &sealed.key).is_none());
}

#[test]
fn header_rewritten_for_another_identity_or_key_does_not_open() {
    let sealed = Sealed::new();
    let (other, stranger) = (an_identity("Other"), key());
    let line = String::from_utf8(sealed.line().to_vec()).unwrap();
    let renamed = sealed.below(line.trim_end().replace(&sealed.identity.hex(), &other.hex()).as_str());
    assert!(Header::parse(&renamed[..line.len()]).is_some(), "the rewritten header reads well");
    assert!(open(&renamed, &other, &sealed.key).is_none());
    let rekeyed = sealed.below(line.trim_end().replace(sealed.key.id(), stranger.id()).as_str());
    assert!(open(&rekeyed, &sealed.identity, &stranger).is_none());
}

#[test]
fn every_changed_header_field_is_a_miss() {
    let sealed = Sealed::new();
    let honest = header(&sealed.identity, &sealed.key);
    let changed = [
        Header { kind: SessionKind::Session, ..honest.clone() },
        Header { account: AccountId::parse("444455556666"), ..honest.clone() },
        Header { account: None, ..honest.clone() },
        Header { device: MfaSerial::parse("arn:aws:iam::123456789012:mfa/eve").ok(), ..honest.clone() },
        Header { device: None, ..honest.clone() },
        Header { role: RoleArn::parse("arn:aws:iam::123456789012:role/Other").ok(), ..honest.clone() },
        Header { role: None, ..honest.clone() },
        Header { device: MfaSerial::parse("GAHT12345678").ok(), ..honest.clone() },
        Header { identity: an_identity("Other"), ..honest.clone() },
        Header { profile: ProfileName::parse("other").unwrap(), ..honest.clone() },
        Header { issued: now().plus(Duration::from_secs(1)), ..honest.clone() },
        Header { asked: 2 * HOUR, ..honest.clone() },
        Header { expires: now().plus(2 * HOUR), ..honest.clone() },
    ];
    for header in changed {
        assert!(!sealed.opens(&sealed.below(header.line().trim_end())), "{header:?}");
    }
    assert!(sealed.opens(&sealed.below(honest.line().trim_end())), "the honest header still opens");
}

#[test]
fn header_whose_fields_are_not_of_their_form_is_none() {
    let sealed = Sealed::new();
    let honest: Value = serde_json::from_slice(sealed.line()).unwrap();
    for (field, value) in [
        ("identity", json!("x")),
        ("identity", json!(sealed.identity.hex().to_uppercase())),
        ("account", json!("\u{1b}[2J")),
        ("account", json!("12345678901")),
        ("account", json!(123_456_789_012_u64)),
        ("device", json!("arn:aws:iam::123456789012:mfa/\u{1b}[2J")),
        ("device", json!("")),
        ("role", json!("arn:aws:iam::123456789012:mfa/ana")),
        ("role", json!(true)),
        ("profile", json!("two\nlines")),
        ("profile", json!("")),
        ("profile", Value::Null),
    ] {
        let mut forged = honest.clone();
        forged[field] = value;
        assert_eq!(Header::parse(forged.to_string().as_bytes()), None, "{forged}");
    }
}

#[test]
fn only_what_opens_is_among_the_sessions_of_a_cache() {
    let directory = tempfile::tempdir().unwrap();
    let (identity, key) = (an_identity("Admin"), key());
    let cache = Cache::new(directory.path().into(), key.clone());
    cache.keep(&identity, header(&identity, &key), &session("t")).unwrap();
    let (path, found) = cache.headers().pop().unwrap();
    assert_eq!(found, header(&identity, &key));
    let (bytes, at) = (std::fs::read(&path).unwrap(), |name: &str| directory.path().join(name));
    private_file::write_atomically(&at("renamed.sealed"), &bytes).unwrap();
    let forged = seal(&header(&an_identity("Other"), &key), &session("t"), &self::key()).unwrap();
    private_file::write_atomically(&at("forged.sealed"), &forged).unwrap();
    assert_eq!((cache.headers().len(), cache::claims(directory.path()).count()), (1, 3));
    private_file::write_atomically(&path, &bytes[..bytes.len() - 1]).unwrap();
    assert_eq!(cache.headers(), []);
}

#[test]
fn header_said_in_other_bytes_is_a_miss() {
    let sealed = Sealed::new();
    let line = String::from_utf8(sealed.line().to_vec()).unwrap();
    let line = line.trim_end();
    let spaced = line.replacen(':', ": ", 1);
    let extended = line.replacen('{', "{\"more\":1,", 1);
    let crlf = format!("{line}\r");
    for text in [spaced, extended, crlf] {
        assert!(Header::parse(text.as_bytes()).is_some(), "reads as a header: {text}");
        assert!(!sealed.opens(&sealed.below(&text)), "{text}");
    }
}

#[test]
fn other_format_version_is_a_miss_and_no_header() {
    let sealed = Sealed::new();
    let line = String::from_utf8(sealed.line().to_vec()).unwrap();
    for version in ["0", "2", "\"1\"", "1.5", "-1", "null"] {
        let text = line.trim_end().replace("\"v\":1", &format!("\"v\":{version}"));
        assert_ne!(text, line.trim_end());
        assert_eq!(Header::parse(text.as_bytes()), None, "{version}");
        assert!(!sealed.opens(&sealed.below(&text)), "{version}");
    }
}

/// What a newer program might write: sealed correctly, under our key, with a version of its own.
#[test]
fn honest_file_of_a_newer_version_is_a_miss() {
    let sealed = Sealed::new();
    let line = String::from_utf8(sealed.line().to_vec()).unwrap().replace("\"v\":1", "\"v\":2");
    let payload = Payload { msg: b"{}", aad: line.as_bytes() };
    let nonce = [7; NONCE];
    let secrets = cipher(&sealed.key).unwrap().encrypt(&XNonce::from(nonce), payload).unwrap();
    assert!(!sealed.opens(&[line.as_bytes(), &nonce, &secrets].concat()));
}

#[test]
fn well_sealed_nonsense_is_a_miss() {
    let sealed = Sealed::new();
    let good = r#"{"access_key_id":"ASIAIOSFODNN7EXAMPLE","secret_access_key":"s","session_token":"t"}"#;
    for (text, opens) in [
        (good, true),
        ("", false),
        ("{}", false),
        ("[]", false),
        ("null", false),
        (r#"{"access_key_id":"ASIAIOSFODNN7EXAMPLE","secret_access_key":"s"}"#, false),
        (r#"{"access_key_id":"ASIAIOSFODNN7EXAMPLE","secret_access_key":1,"session_token":"t"}"#, false),
        (r#"{"access_key_id":"short","secret_access_key":"s","session_token":"t"}"#, false),
        (r#"{"access_key_id":"ASIA IOSFODNN7EXAMPL","secret_access_key":"s","session_token":"t"}"#, false),
    ] {
        let payload = Payload { msg: text.as_bytes(), aad: sealed.line() };
        let secrets = cipher(&sealed.key).unwrap().encrypt(&XNonce::from([9; NONCE]), payload).unwrap();
        assert_eq!(sealed.opens(&[sealed.line(), &[9; NONCE], &secrets].concat()), opens, "{text}");
    }
}

#[test]
fn files_that_are_none_are_misses() {
    let sealed = Sealed::new();
    let long_line = vec![b'x'; 100_000];
    for bytes in [&b""[..], b"\n", b"{}\n", b"null\n", b"{\"v\":1}\n", b"\xff\xfe\n", &long_line] {
        assert!(!sealed.opens(bytes));
    }
}

#[test]
fn times_that_cannot_be_true_are_implausible() {
    let tolerance = i64::try_from(CLOCK_TOLERANCE.as_secs()).unwrap();
    for (issued, expires, plausible) in [
        (0, 3600, true),
        (-3600, 1, true),
        // a clock that was a little ahead
        (tolerance, 3600, true),
        (tolerance + 1, 3600, false),
        (86_400, 90_000, false),
        // a life longer than was asked for
        (0, 3600 + tolerance, true),
        (0, 3600 + tolerance + 1, false),
        (0, i64::MAX - NOW, false),
        (-3 * 86_400, 3600, false),
        (i64::MIN, 3600, false),
    ] {
        let honest = header(&an_identity("Admin"), &key());
        let header = Header {
            issued: Timestamp::from_unix(NOW.saturating_add(issued)),
            expires: Timestamp::from_unix(NOW + expires),
            ..honest
        };
        assert_eq!(header.is_plausible(now()), plausible, "issued {issued}, expires {expires}");
    }
}

#[test]
fn a_header_with_the_largest_numbers_is_judged_without_a_panic() {
    let line = r#"{"v":1,"identity":"0000000000000000000000000000000000000000000000000000000000000000","key":"y","kind":"role","profile":"p","issued":0,"asked":18446744073709551615,"expires":9223372036854775807}"#;
    let header = Header::parse(line.as_bytes()).expect("it is a header");
    assert!(header.is_plausible(now()), "it was asked to live for ever");
}

#[test]
fn implausible_or_expired_files_serve_nobody() {
    let directory = tempfile::tempdir().unwrap();
    let (identity, key) = (an_identity("Admin"), key());
    let cache = Cache::new(directory.path().into(), key.clone());
    for (issued, expires, served) in [
        (0, 3600, true),
        (-3600, 31, true),
        (-3600, 30, false),
        (-7200, -3600, false),
        (3600, 7200, false),
        (0, 9000, false),
    ] {
        let header = Header {
            issued: Timestamp::from_unix(NOW + issued),
            expires: Timestamp::from_unix(NOW + expires),
            ..header(&identity, &key)
        };
        cache.keep(&identity, header, &session("t")).unwrap();
        let found = cache.look_up(&identity, Need::ALIVE, now());
        assert_eq!(found.is_some(), served, "issued {issued}, expires {expires}");
    }
}

#[test]
fn renamed_or_swapped_files_serve_nobody() {
    let directory = tempfile::tempdir().unwrap();
    let (mine, other, key) = (an_identity("Admin"), an_identity("Other"), key());
    let cache = Cache::new(directory.path().into(), key.clone());
    for identity in [&mine, &other] {
        cache.keep(identity, header(identity, &key), &session("t")).unwrap();
    }
    let paths: Vec<_> = std::fs::read_dir(directory.path()).unwrap().map(|entry| entry.unwrap().path()).collect();
    let [one, two] = &paths[..] else { panic!("two sealed files: {paths:?}") };
    let spare = directory.path().join("spare");
    for (from, to) in [(one, &spare), (two, one), (&spare, two)] {
        std::fs::rename(from, to).unwrap();
    }
    for identity in [&mine, &other] {
        assert!(cache.look_up(identity, Need::ALIVE, now()).is_none());
    }
}

#[test]
fn file_under_another_key_is_neither_found_nor_overwritten() {
    let directory = tempfile::tempdir().unwrap();
    let (identity, mine, others) = (an_identity("Admin"), key(), key());
    let (cache, theirs) =
        (Cache::new(directory.path().into(), mine.clone()), Cache::new(directory.path().into(), others));
    cache.keep(&identity, header(&identity, &mine), &session("t")).unwrap();
    assert!(theirs.look_up(&identity, Need::ALIVE, now()).is_none());
    theirs.keep(&identity, header(&identity, &mine), &session("u")).unwrap();
    assert_eq!(cache.look_up(&identity, Need::ALIVE, now()).unwrap().1.token.expose(), "t");
    assert_eq!(theirs.look_up(&identity, Need::ALIVE, now()).unwrap().1.token.expose(), "u");
}

#[test]
fn longest_session_is_kept_and_found() {
    let directory = tempfile::tempdir().unwrap();
    let (identity, key) = (an_identity("Admin"), key());
    let cache = Cache::new(directory.path().into(), key.clone());
    let longest = "t".repeat(LONGEST_TOKEN);
    cache.keep(&identity, header(&identity, &key), &session(&longest)).unwrap();
    assert_eq!(*cache.look_up(&identity, Need::ALIVE, now()).unwrap().1.token.expose(), longest);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_text_comes_back_as_it_went(secret in ".{1,80}", token in ".{1,4096}", profile in "\\PC{1,60}") {
        let (identity, key) = (an_identity("Admin"), key());
        let profile = ProfileName::parse(&profile).unwrap();
        let header = Header { profile, ..header(&identity, &key) };
        let session = Session { secret: Secret::new(secret), ..session(&token) };
        let bytes = seal(&header, &session, &key).unwrap();
        let (read, opened) = open(&bytes, &identity, &key).unwrap();
        prop_assert_eq!(read, header);
        prop_assert!(same(&opened, &session));
    }

    #[test]
    fn any_bytes_are_a_miss_and_no_panic(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
        let sealed = Sealed::new();
        prop_assert!(!sealed.opens(&bytes));
        prop_assert!(!sealed.opens(&[sealed.line(), &bytes].concat()));
    }
}
