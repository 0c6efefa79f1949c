//! The console's sign-in: which credentials get a token, and what a token is good for.

use std::io::Write;
use std::net::TcpStream;

use serde_json::{Value, json};
use twolock_sandbox::{Clock, Role, SignIn};

use crate::wire::{Answer, Client, NOW, World, trusting_alice};

const PAGE: &str = "https%3A%2F%2Feu-west-1.console.aws.amazon.com%2Fec2%2Fhome";

fn send(world: &World, head: &str, body: &str) -> Answer {
    let mut stream = TcpStream::connect(("127.0.0.1", world.sandbox.port())).unwrap();
    let length = body.len();
    let request = format!(
        "{head} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\
         Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {length}\r\n\r\n{body}"
    );
    stream.write_all(request.as_bytes()).unwrap();
    Answer::read(stream).unwrap()
}

fn encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

/// Asks for a token with a client's credentials, and further parameters.
fn ask(world: &World, client: &Client, further: &str) -> Answer {
    let session = json!({
        "sessionId": client.key, "sessionKey": client.secret,
        "sessionToken": client.token.clone().unwrap_or_default(),
    });
    let form = format!("Action=getSigninToken&Session={}{further}", encoded(&session.to_string()));
    send(world, "POST /federation", &form)
}

fn token(answer: &Answer) -> String {
    let value: Value = serde_json::from_str(&answer.body).unwrap_or_else(|_| panic!("{}", answer.body));
    value["SigninToken"].as_str().unwrap().to_owned()
}

fn open(world: &World, token: &str, page: &str) -> Answer {
    let query = format!("Action=login&Issuer=x&Destination={page}&SigninToken={}", encoded(token));
    send(world, &format!("GET /federation?{query}"), "")
}

/// A client with a role's credentials, made with a session or straight with the key.
fn with_role(world: &World, caller: &Client) -> Client {
    let role = world.sandbox.add_role(trusting_alice(world));
    caller.with(&caller.assume_role(&role, &[]))
}

#[test]
fn a_token_signs_in_once_and_shows_who_did() {
    let world = World::new();
    let role = with_role(&world, &world.alice_with_mfa());
    let token = token(&ask(&world, &role, ""));
    let page = open(&world, &token, PAGE);
    assert_eq!(page.status, 200, "{}", page.body);
    let SignIn { arn, destination, ends_at } = world.sandbox.sign_ins().remove(0);
    assert!(arn.starts_with("arn:aws:sts::444455556666:assumed-role/admin/"), "{arn}");
    assert!(page.body.contains(&format!("<p>as {arn}</p>")), "{}", page.body);
    assert_eq!(destination, "https://eu-west-1.console.aws.amazon.com/ec2/home");
    assert_eq!(ends_at, NOW + 3600, "with the credentials");
    assert_eq!(open(&world, &token, PAGE).status, 400, "a second time");
    let calls: Vec<_> =
        world.sandbox.calls().into_iter().rev().take(3).map(|call| (call.action, call.outcome)).collect();
    let called = |action: &str, outcome: &str| (action.to_owned(), outcome.to_owned());
    assert_eq!(calls, [called("login", "BadRequest"), called("login", "ok"), called("getSigninToken", "ok")]);
    let state = world.sandbox.state().to_string();
    assert!(!state.contains(&token) && !state.contains(&role.secret), "{state}");
}

#[test]
fn only_credentials_of_a_role_get_a_token() {
    let world = World::new();
    let role = with_role(&world, &world.alice_with_mfa());
    let refused = |client: &Client, why: &str| {
        let answer = ask(&world, client, "");
        assert_eq!((answer.status, answer.body.trim_end()), (400, why));
    };
    refused(&world.alice(), "the credentials are not known");
    refused(&world.alice_with_mfa(), "the credentials are those of GetSessionToken");
    refused(&Client { secret: "x".into(), ..role.clone() }, "the credentials are not known");
    refused(&Client { token: None, ..role.clone() }, "the credentials are not known");
    world.sandbox.expire_session(&role.key);
    refused(&role, "the credentials have expired");
    assert_eq!(send(&world, "POST /federation", "Action=getSigninToken&Session=x").status, 400);
    assert_eq!(send(&world, "POST /federation", "Action=login").status, 400);
}

#[test]
fn a_duration_is_for_roles_assumed_with_a_long_term_key() {
    let world = World::new();
    world.sandbox.add_role(Role { max_duration: 43_200, ..trusting_alice(&world) });
    let chained = with_role(&world, &world.alice_with_mfa());
    let straight = with_role(&world, &world.alice());
    let duration = |client: &Client, seconds: &str| ask(&world, client, &format!("&SessionDuration={seconds}"));
    assert_eq!(
        duration(&chained, "900").body.trim_end(),
        "SessionDuration is not allowed for a role assumed with a session"
    );
    for seconds in ["899", "43201", "", "x"] {
        assert_eq!(duration(&straight, seconds).body.trim_end(), "SessionDuration is out of range", "{seconds}");
    }
    let token = token(&duration(&straight, "43200"));
    assert_eq!(open(&world, &token, PAGE).status, 200);
    assert_eq!(world.sandbox.sign_ins()[0].ends_at, NOW + 43_200);
}

#[test]
fn a_token_is_good_for_fifteen_minutes_and_for_pages_of_the_console() {
    let world = World::new();
    let role = with_role(&world, &world.alice_with_mfa());
    let token = token(&ask(&world, &role, ""));
    for page in [
        "",
        "https%3A%2F%2Fevil.example",
        "https%3A%2F%2Fx.y.console.aws.amazon.com%2F",
        "http%3A%2F%2Fconsole.aws.amazon.com",
    ] {
        assert_eq!(open(&world, &token, page).body.trim_end(), "Destination is no page of the console", "{page}");
    }
    world.sandbox.set_clock(Clock::Fixed(NOW + 15 * 60));
    assert_eq!(open(&world, &token, PAGE).body.trim_end(), "SigninToken is not valid");
    assert_eq!(world.sandbox.sign_ins(), []);
}
