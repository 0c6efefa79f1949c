//! Sessions of `aws login`: refreshed only with the proof of the session's own key.

use data_encoding::{BASE64, BASE64URL_NOPAD};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use serde_json::{Value, json};
use twolock_sandbox::{Clock, Fault, FaultKind, Login, LoginState, Refusal, Role};

use crate::wire::{ACCOUNT, Answer, NOW, World, send_json};

const INVALID: &str = "400 ValidationException INVALID_REQUEST";
const EXPIRED: &str = "400 AccessDeniedException TOKEN_EXPIRED";

/// The parts of a proof before it is signed.
struct Proof {
    header: Value,
    claims: Value,
    key: EcdsaKeyPair,
}

impl Proof {
    fn new(world: &World, login: &Login, jti: &str) -> Proof {
        let text: String = login.dpop_key.lines().filter(|line| !line.starts_with('-')).collect();
        let der = BASE64.decode(text.as_bytes()).unwrap();
        let (scalar, point) = (&der[7..39], &der[der.len() - 65..]);
        let algorithm = &ECDSA_P256_SHA256_FIXED_SIGNING;
        let key =
            EcdsaKeyPair::from_private_key_and_public_key(algorithm, scalar, point, &SystemRandom::new()).unwrap();
        let point = key.public_key().as_ref();
        let (x, y) = (BASE64URL_NOPAD.encode(&point[1..33]), BASE64URL_NOPAD.encode(&point[33..]));
        let jwk = json!({"kty": "EC", "crv": "P-256", "x": x, "y": y});
        Proof {
            header: json!({"typ": "dpop+jwt", "alg": "ES256", "jwk": jwk}),
            claims: json!({"jti": jti, "htm": "POST", "iat": NOW,
                "htu": format!("http://127.0.0.1:{}/v1/token", world.sandbox.port())}),
            key,
        }
    }

    fn signed(&self) -> String {
        let encode = |value: &Value| BASE64URL_NOPAD.encode(value.to_string().as_bytes());
        let text = format!("{}.{}", encode(&self.header), encode(&self.claims));
        let signature = self.key.sign(&SystemRandom::new(), text.as_bytes()).unwrap();
        format!("{text}.{}", BASE64URL_NOPAD.encode(signature.as_ref()))
    }
}

fn body(login: &Login) -> Value {
    json!({"clientId": login.client_id, "grantType": "refresh_token", "refreshToken": login.refresh_token})
}

fn send(world: &World, body: &Value, proof: &str) -> Answer {
    send_json(world, "POST", "/v1/token", &[("DPoP", proof)], &body.to_string())
}

fn refresh(world: &World, login: &Login, jti: &str) -> Answer {
    send(world, &body(login), &Proof::new(world, login, jti).signed())
}

fn world() -> (World, Login) {
    let world = World::new();
    let login = world.sandbox.open_login(&world.alice.arn).unwrap();
    (world, login)
}

#[test]
fn a_session_gives_credentials_of_its_own_user_again_and_again() {
    let (world, login) = world();
    let file = login.cache_json();
    let first = world.alice().with_json(&file["accessToken"]);
    assert_eq!(first.who().need("Arn"), world.alice.arn);
    assert_eq!(login.expires_at, NOW + 900);
    let answer = refresh(&world, &login, "1").json();
    assert_eq!((&answer["tokenType"], &answer["expiresIn"]), (&json!("aws_sigv4"), &json!(900)));
    let client = world.alice().with_json(&answer["accessToken"]);
    assert_eq!(client.who().need("UserId"), world.alice.user_id);
    let role = world.sandbox.add_role(Role::trusting("444455556666", "below", &world.alice.arn));
    client.assume_role(&role, &[]).assert_good();
    assert_eq!(refresh(&world, &login, "2").json_verdict(), EXPIRED, "the refresh token was used");
    let next = Login { refresh_token: answer["refreshToken"].as_str().unwrap().to_owned(), ..login.clone() };
    assert_eq!(refresh(&world, &next, "3").json_verdict(), "200");
    let call = world.sandbox.calls().into_iter().find(|call| call.action == "CreateOAuth2Token").unwrap();
    assert_eq!(call.caller_arn.as_deref(), Some(world.alice.arn.as_str()));
    assert_eq!((call.param("grantType"), call.param("refreshToken")), (Some("refresh_token"), Some("***")));
    let state = world.sandbox.state().to_string();
    assert!(!state.contains(&login.refresh_token) && !state.contains(&client.secret));
}

#[test]
fn a_proof_must_be_for_this_call_now_and_new() {
    let (world, login) = world();
    let refused = |why: &str, change: &dyn Fn(&mut Proof)| {
        let mut proof = Proof::new(&world, &login, why);
        change(&mut proof);
        let answer = send(&world, &body(&login), &proof.signed());
        let message = answer.json()["message"].as_str().unwrap_or_default().to_owned();
        assert_eq!(answer.json_verdict(), INVALID, "{why}");
        assert!(message.contains(why), "{message}");
    };
    refused("not for POST", &|it| it.claims["htm"] = json!("GET"));
    refused("not for POST", &|it| it.claims["htu"] = json!("http://127.0.0.1:1/v1/token"));
    refused("not for POST", &|it| it.claims["htu"] = json!("https://us-east-1.signin.aws.amazon.com/v1/token"));
    refused("not of the last five minutes", &|it| it.claims["iat"] = json!(NOW - 301));
    refused("not of the last five minutes", &|it| it.claims["iat"] = json!(NOW + 301));
    refused("not of the last five minutes", &|it| it.claims["iat"] = json!("now"));
    refused("no jti", &|it| it.claims["jti"] = json!(""));
    refused("not of type dpop+jwt", &|it| it.header["typ"] = json!("jwt"));
    refused("not of type dpop+jwt", &|it| it.header["alg"] = json!("none"));
    refused("no public key on P-256", &|it| it.header["jwk"]["crv"] = json!("P-384"));
    refused("no public key on P-256", &|it| it.header["jwk"]["d"] = json!("leaked"));
    refused("no public key on P-256", &|it| it.header["jwk"]["x"] = json!("AA"));
    let other = world.sandbox.open_login(&world.sandbox.add_user(ACCOUNT, "bob").arn).unwrap();
    let foreign = Proof::new(&world, &other, "foreign");
    refused("wrong signature", &|it| it.header["jwk"] = foreign.header["jwk"].clone());
    let answer = send(&world, &body(&login), &foreign.signed());
    assert!(answer.json()["message"].as_str().unwrap().contains("not of the key"), "{answer:?}");
    let good = Proof::new(&world, &login, "once").signed();
    for (proof, why) in [("", "not a JWT"), ("a.b.c", "not a JWT"), (&good[1..], "not a JWT")] {
        let answer = send(&world, &body(&login), proof);
        assert!(answer.json()["message"].as_str().unwrap().contains(why), "{answer:?}");
    }
    let bare = send_json(&world, "POST", "/v1/token", &[], &body(&login).to_string());
    assert_eq!(bare.json()["message"], "DPoP proof is missing");
    let sessions = world.sandbox.sessions().len();
    let answer = send(&world, &body(&login), &good);
    assert_eq!(answer.json_verdict(), "200");
    let next = Login { refresh_token: answer.json()["refreshToken"].as_str().unwrap().to_owned(), ..login.clone() };
    assert_eq!(send(&world, &body(&next), &good).json()["message"], "DPoP proof was used before");
    assert_eq!(world.sandbox.sessions().len(), sessions + 1);
}

#[test]
fn what_has_become_of_the_session_is_told() {
    let (world, login) = world();
    let rows = [
        (LoginState::Expired, EXPIRED),
        (LoginState::CredentialsChanged, "400 AccessDeniedException USER_CREDENTIALS_CHANGED"),
        (LoginState::NotPermitted, "400 AccessDeniedException INSUFFICIENT_PERMISSIONS"),
        (LoginState::Good, "200"),
    ];
    for (state, verdict) in rows {
        assert!(world.sandbox.set_login_state(&world.alice.arn, state));
        assert_eq!(refresh(&world, &login, verdict).json_verdict(), verdict);
    }
    world.sandbox.open_login(&world.alice.arn).unwrap();
    assert_eq!(refresh(&world, &login, "replaced").json_verdict(), EXPIRED);
    assert!(!world.sandbox.set_login_state("arn:aws:iam::111122223333:user/nobody", LoginState::Good));
}

#[test]
fn calls_that_are_not_right_are_named() {
    let (world, login) = world();
    let rows = [
        ("clientId", json!("arn:aws:signin:::devtools/other"), INVALID),
        ("clientId", json!("arn:aws:signin:::devtools/cross-device"), EXPIRED),
        ("grantType", json!("password"), INVALID),
        ("grantType", json!("authorization_code"), INVALID),
        ("refreshToken", json!(""), INVALID),
        ("refreshToken", json!("x"), EXPIRED),
    ];
    for (at, (name, value, verdict)) in rows.into_iter().enumerate() {
        let mut body = body(&login);
        body[name] = value;
        let proof = Proof::new(&world, &login, &at.to_string()).signed();
        assert_eq!(send(&world, &body, &proof).json_verdict(), verdict, "{name}");
    }
    let other = send_json(&world, "POST", "/v1/token?x-amz-client-auth-method=iam", &[], "{}");
    assert_eq!(other.json_verdict(), "404 UnknownOperationException UnknownOperationException");
    assert_eq!(send_json(&world, "POST", "/v1/token", &[], "[]").json_verdict(), INVALID);
}

#[test]
fn roles_and_roots_sign_in_too() {
    let world = World::new();
    let role = world.sandbox.add_role(Role::new("444455556666", "admin"));
    let arn = "arn:aws:sts::444455556666:assumed-role/admin/ann";
    let login = world.sandbox.open_login(arn).unwrap();
    let client = world.alice().with_json(&refresh(&world, &login, "role").json()["accessToken"]);
    assert_eq!(client.who().need("Arn"), arn);
    assert_eq!(login.account, "444455556666");
    let below = world.sandbox.add_role(Role::trusting(ACCOUNT, "below", &role));
    client.assume_role(&below, &[]).assert_good();
    let root = world.sandbox.add_root(ACCOUNT);
    let login = world.sandbox.open_login(&root.arn).unwrap();
    assert_eq!(world.alice().with_json(&login.cache_json()["accessToken"]).who().need("Arn"), root.arn);
    for nobody in [
        "arn:aws:sts::111122223333:assumed-role/admin/ann",
        "arn:aws:sts::444455556666:assumed-role/admin",
        "arn:aws:iam::111122223333:user/nobody",
        "alice",
    ] {
        assert_eq!(world.sandbox.open_login(nobody), Err(format!("nobody here has this ARN: {nobody}")));
    }
}

#[test]
fn a_code_given_in_the_browser_counts_for_roles() {
    let (world, without) = world();
    let role = Role { require_mfa: true, ..Role::trusting("444455556666", "admin", &world.alice.arn) };
    let role = world.sandbox.add_role(role);
    let with = world.sandbox.open_login_with_mfa(&world.alice.arn).unwrap();
    let assume = |login: &Login| world.alice().with_json(&login.cache_json()["accessToken"]).assume_role(&role, &[]);
    assert_eq!((assume(&without).status, assume(&with).status), (403, 200));
}

#[test]
fn faults_strike_the_sign_in() {
    let (world, login) = world();
    let changed = Refusal::new(400, "USER_CREDENTIALS_CHANGED", "the password was changed");
    let rows = [
        (FaultKind::Throttling, "429 TooManyRequestsError rate_exceeded"),
        (FaultKind::Status(500), "500 InternalServerException server_error"),
        (FaultKind::Status(503), "503 ServiceUnavailableException service_unavailable"),
        (FaultKind::Error(changed), "400 AccessDeniedException USER_CREDENTIALS_CHANGED"),
    ];
    for (kind, verdict) in rows {
        world.sandbox.fault(Fault::new(kind).on("CreateOAuth2Token").by(&world.alice.arn));
        assert_eq!(refresh(&world, &login, verdict).json_verdict(), verdict);
    }
    world.sandbox.fault(Fault::new(FaultKind::NoSessionToken).on("CreateOAuth2Token"));
    let answer = refresh(&world, &login, "halved").json();
    assert_eq!(answer["accessToken"].get("sessionToken"), None);
    let next = Login { refresh_token: answer["refreshToken"].as_str().unwrap().to_owned(), ..login };
    world.sandbox.fault(Fault::new(FaultKind::ExpiryBeyond(100)).on("CreateOAuth2Token"));
    assert_eq!(refresh(&world, &next, "long").json()["expiresIn"], json!(1000));
}

#[test]
fn the_file_of_the_cache_is_as_the_aws_cli_writes_it() {
    let (world, login) = world();
    assert_eq!(world.alice.arn, "arn:aws:iam::111122223333:user/alice");
    // Known from `printf %s ARN | sha256sum`.
    assert_eq!(login.cache_file_name(), ALICE);
    assert_eq!(Login { arn: format!(" {} ", login.arn), ..login.clone() }.cache_file_name(), ALICE);
    let file = login.cache_json();
    let names: Vec<&String> = file.as_object().unwrap().keys().collect();
    assert_eq!(names, ["accessToken", "clientId", "dpopKey", "idToken", "refreshToken", "tokenType"]);
    assert_eq!(file["accessToken"]["accountId"], json!(ACCOUNT));
    assert_eq!(file["accessToken"]["expiresAt"], json!("2025-06-15T15:21:40Z"));
    world.sandbox.set_clock(Clock::Fixed(NOW + 900));
    let client = world.alice().with_json(&file["accessToken"]);
    let late = crate::wire::Client { time: NOW + 900, ..client };
    assert!(late.who().verdict().starts_with("403 ExpiredToken:"), "{}", late.who().verdict());
}

const ALICE: &str = "5778c30d3fe8c123cb2ab0d5a82c81b6fdcedfb868a6625f6f5bf6f05a7f129b.json";
