//! The control pages, as a shell script would use them.

use std::io::Write;
use std::net::TcpStream;

use serde_json::{Value, json};
use twolock_sandbox::IdentityProvider;

use crate::wire::{ACCOUNT, Answer, NOW, World};

fn ask(world: &World, method: &str, path: &str, body: &str) -> Answer {
    let mut stream = TcpStream::connect(("127.0.0.1", world.sandbox.port())).unwrap();
    let length = body.len();
    let request = format!(
        "{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\
         Content-Length: {length}\r\n\r\n{body}"
    );
    stream.write_all(request.as_bytes()).unwrap();
    Answer::read(stream).unwrap()
}

fn json_of(answer: &Answer) -> Value {
    serde_json::from_str(&answer.body).unwrap()
}

#[test]
fn state_tells_what_happened_and_no_secret() {
    let world = World::new();
    let session = world.alice_with_mfa();
    session.who().assert_good();
    let answer = ask(&world, "GET", "/_sandbox/state.json", "");
    let state = json_of(&answer);
    assert_eq!(state["calls_by_action"], json!({"GetSessionToken": 1, "GetCallerIdentity": 1}));
    assert_eq!(state["calls_by_caller"], json!({world.alice.arn.as_str(): 2}));
    assert_eq!(state["calls"][0]["params"]["SerialNumber"], json!(world.phone.serial));
    assert_eq!(state["calls"][1]["access_key_id"], json!(session.key));
    assert_eq!(state["codes_consumed"].as_array().unwrap().len(), 1);
    assert_eq!(state["connections"], json!(3));
    assert_eq!(state["now"], json!(NOW));
    assert_eq!(state["devices"][0]["owner"], json!(world.alice.arn));
    let token = session.token.clone().unwrap();
    let secrets = [&world.alice.secret_access_key, &session.secret, &token, &world.phone.seed_base32];
    assert!(secrets.iter().all(|secret| !answer.body.contains(secret.as_str())));
    assert_eq!(world.sandbox.state()["calls"], state["calls"]);

    let key = &state["keys"][0];
    assert_eq!(key["access_key_id"], json!(world.alice.access_key_id));
    assert_eq!((&key["status"], &key["owner"]), (&json!("Active"), &json!(world.alice.arn)));
    assert_eq!(key["last_used"], json!({"time": NOW, "service": "sts", "region": "us-east-1"}));

    let page = ask(&world, "GET", "/_sandbox", "").body;
    assert!(page.contains("codes consumed 1") && page.contains("GetSessionToken 1"), "{page}");
    let key = format!("keys\n  {} Active {}\n", world.alice.access_key_id, world.alice.arn);
    assert!(page.contains(&key), "{page}");
}

#[test]
fn code_on_request_is_one_that_works() {
    let world = World::new();
    let path = format!("/_sandbox/code?serial={}", world.phone.serial.replace(':', "%3A"));
    for _ in 0..3 {
        let code = json_of(&ask(&world, "GET", &path, ""));
        assert_eq!(code["wait_seconds"], json!(0));
        let params = [("SerialNumber", world.phone.serial.as_str()), ("TokenCode", code["code"].as_str().unwrap())];
        world.alice().get_session_token(&params).assert_good();
    }
    assert_eq!(json_of(&ask(&world, "GET", &path, ""))["wait_seconds"], json!(20));
    assert_eq!(ask(&world, "GET", "/_sandbox/code?serial=none", "").status, 404);
}

#[test]
fn faults_and_clock_are_set_from_outside() {
    let world = World::new();
    let fault = r#"{"kind": "throttling", "action": "GetCallerIdentity"}"#;
    assert_eq!(ask(&world, "POST", "/_sandbox/fault", fault).status, 200);
    assert_eq!(world.alice().who().verdict(), "400 Throttling: Rate exceeded");
    world.alice().who().assert_good();
    ask(&world, "POST", "/_sandbox/fault", r#"{"kind": "hang"}"#);
    assert_eq!(ask(&world, "DELETE", "/_sandbox/fault", "").status, 200);
    world.alice().who().assert_good();

    let clock = format!(r#"{{"fixed": {}}}"#, NOW + 60);
    ask(&world, "POST", "/_sandbox/clock", &clock);
    assert_eq!(world.sandbox.now(), NOW + 60);
    ask(&world, "POST", "/_sandbox/clock", r#"{"offset": 0}"#);
    assert!(world.sandbox.now() > NOW + 60);
}

#[test]
fn identity_tokens_are_made_on_request() {
    let world = World::new();
    let make = |body: &str| ask(&world, "POST", "/_sandbox/identity-token", body);
    assert_eq!(make(r#"{"subject": "me"}"#).status, 400, "no provider yet");
    let (account, issuer, audience) = (ACCOUNT.to_owned(), "https://ci.example".to_owned(), "sts".to_owned());
    world.sandbox.add_identity_provider(IdentityProvider { account, issuer, audience });
    let claims = |answer: &Answer| {
        let token = json_of(answer)["token"].as_str().unwrap().to_owned();
        let middle = data_encoding::BASE64URL_NOPAD.decode(token.split('.').nth(1).unwrap().as_bytes()).unwrap();
        serde_json::from_slice::<Value>(&middle).unwrap()
    };
    let made = claims(&make(r#"{"subject": "me", "seconds": 60}"#));
    let usual = json!({"iss": "https://ci.example", "aud": "sts", "sub": "me", "iat": NOW, "exp": NOW + 60});
    assert_eq!(made, usual);
    assert_eq!(claims(&make(r#"{"claims": {"iss": "x"}}"#)), json!({"iss": "x"}));
    assert_eq!(make("{").status, 400);
}

#[test]
fn mistakes_are_answered_with_words() {
    let world = World::new();
    let rows = [
        ("POST", "/_sandbox/fault", "{", 400),
        ("POST", "/_sandbox/fault", r#"{"kind": "hang", "acton": "x"}"#, 400),
        ("POST", "/_sandbox/clock", r#"{"fixed": 1, "offset": 2}"#, 400),
        ("GET", "/_sandbox/other", "", 404),
        ("POST", "/_sandbox", "", 404),
    ];
    for (method, path, body, status) in rows {
        let answer = ask(&world, method, path, body);
        assert_eq!(answer.status, status, "{method} {path}");
        assert!(json_of(&answer)["error"].is_string(), "{method} {path}");
    }
    assert!(world.sandbox.calls().is_empty());
}
