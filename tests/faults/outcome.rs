//! What every outcome owes, whatever the fault: one whole answer or nothing on stdout, and no secret anywhere else.

use std::process::Command;

use data_encoding::{BASE64, HEXLOWER};

use crate::world::{Ran, SECRET, World};

/// Runs `credential-process` and checks what it owes in any case (P1, P2).
#[track_caller]
pub fn answer(world: &World, command: &mut Command) -> Ran {
    let ran = world.finish(command);
    is_one_line_or_nothing(&ran);
    tells_no_secret(world, &ran);
    ran
}

/// Fails unless stdout is one JSON line after a success and empty after a failure, and stderr is ours (P1).
#[track_caller]
pub fn is_one_line_or_nothing(ran: &Ran) {
    match ran.code {
        0 => {
            let line = ran.stdout.strip_suffix('\n').unwrap_or_else(|| panic!("no whole line: {ran:?}"));
            assert!(!line.contains('\n'), "more than one line: {ran:?}");
            assert_eq!(ran.json()["Version"], 1, "{ran:?}");
        }
        _ => assert_eq!(ran.stdout, "", "{ran:?}"),
    }
    is_ours(ran);
}

/// Fails unless every line on stderr is one of ours, and the first one after a failure says what failed.
#[track_caller]
fn is_ours(ran: &Ran) {
    for line in ran.stderr.lines() {
        let known = ["error", "warning", "hint", "note", "debug"];
        assert!(known.iter().any(|kind| line.starts_with(&format!("twolock: {kind}: "))), "{line:?} in {ran:?}");
    }
}

/// Fails if stderr holds a secret of this world in any spelling (P2).
#[track_caller]
pub fn tells_no_secret(world: &World, ran: &Ran) {
    for secret in secrets(world) {
        assert!(!holds(&ran.stderr, &secret), "a secret on stderr: {ran:?}");
    }
}

/// Every secret of a world: the long-lived one, and those of all sessions so far.
pub fn secrets(world: &World) -> Vec<String> {
    let sessions = world.sandbox.sessions().into_iter().flat_map(|s| [s.secret_access_key, s.session_token]);
    sessions.chain([SECRET.to_owned()]).collect()
}

/// Whether a text holds a secret: raw, in base64, in hex, or as URLs spell it.
pub fn holds(text: &str, secret: &str) -> bool {
    let url: String = secret
        .bytes()
        .map(|b| if b.is_ascii_alphanumeric() { char::from(b).to_string() } else { format!("%{b:02X}") })
        .collect();
    // Base64 of a text inside another one may begin at any of three places; the middle is the same for each.
    let middles = (0..3).map(|skip| BASE64.encode(&secret.as_bytes()[skip..])).map(|text| text[..24].to_owned());
    middles.chain([secret.to_owned(), HEXLOWER.encode(secret.as_bytes()), url]).any(|form| text.contains(&form))
}

/// Fails unless this ended with the code, and its first line holds every part.
#[track_caller]
pub fn failed(ran: &Ran, code: i32, parts: &[&str]) {
    assert_eq!(ran.code, code, "{ran:?}");
    let first = ran.stderr.lines().find(|line| !line.starts_with("twolock: debug: ")).unwrap_or_default();
    assert!(first.starts_with("twolock: error: "), "{ran:?}");
    for part in parts {
        assert!(first.contains(part), "{part:?} is not in the first line: {ran:?}");
    }
}

#[test]
fn secrets_are_found_in_every_spelling() {
    let secret = "wJalr/Xutn+FEMI=CANARY0123456789abcdefgh";
    for text in [
        format!("x{secret}y"),
        BASE64.encode(format!("ab{secret}").as_bytes()),
        BASE64.encode(format!("abc{secret}z").as_bytes()),
        BASE64.encode(format!("abcd{secret}").as_bytes()),
        HEXLOWER.encode(secret.as_bytes()),
        "wJalr%2FXutn%2BFEMI%3DCANARY0123456789abcdefgh".to_owned(),
    ] {
        assert!(holds(&text, secret), "{text}");
    }
    assert!(!holds("wJalr/Xutn", secret));
}
