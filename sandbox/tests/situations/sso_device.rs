//! The device flow of single sign-on, and tokens that are refreshed.

use serde_json::{Value, json};
use twolock_sandbox::{Clock, Fault, FaultKind, Options, SsoToken, SsoUser};

use crate::wire::{ACCOUNT, Answer, NOW, World, send_json};

const DEVICE: &str = "urn:ietf:params:oauth:grant-type:device_code";

struct Device {
    client: Value,
    grant: Value,
}

fn post(world: &World, path: &str, body: &Value) -> Answer {
    send_json(world, "POST", path, &[], &body.to_string())
}

fn world() -> World {
    let world = World::with(Options { sso_token_seconds: 600, sso_session_seconds: 7200, ..Options::default() });
    world.sandbox.add_sso_user(SsoUser::new("ann").assigned(ACCOUNT, "Admin"));
    world
}

impl Device {
    fn new(world: &World, scopes: &[&str]) -> Device {
        let asked = json!({"clientName": "test", "clientType": "public", "scopes": scopes});
        let client = post(world, "/client/register", &asked).json();
        let asked = json!({"clientId": client["clientId"], "clientSecret": client["clientSecret"],
            "startUrl": "https://example.awsapps.com/start/#/"});
        let grant = post(world, "/device_authorization", &asked).json();
        Device { client, grant }
    }

    fn token(&self, world: &World) -> Answer {
        self.ask(world, &json!({"grantType": DEVICE, "deviceCode": self.grant["deviceCode"]}))
    }

    fn refresh(&self, world: &World, token: &Value) -> Answer {
        self.ask(world, &json!({"grantType": "refresh_token", "refreshToken": token}))
    }

    fn ask(&self, world: &World, what: &Value) -> Answer {
        let mut body = what.clone();
        for name in ["clientId", "clientSecret"] {
            body[name] = self.client[name].clone();
        }
        post(world, "/token", &body)
    }

    fn code(&self) -> &str {
        self.grant["userCode"].as_str().unwrap()
    }
}

#[test]
fn a_device_gets_tokens_once_its_person_has_approved() {
    let world = world();
    let device = Device::new(&world, &["sso:account:access"]);
    assert_eq!(device.client["clientSecretExpiresAt"], json!(NOW + 90 * 24 * 3600));
    assert_eq!((&device.grant["expiresIn"], &device.grant["interval"]), (&json!(600), &json!(1)));
    assert_eq!(world.sandbox.user_codes(), [device.code()]);
    // The AWS CLI asks twice at first, before it waits.
    for _ in 0..2 {
        assert_eq!(device.token(&world).json_verdict(), "400 AuthorizationPendingException authorization_pending");
    }
    assert_eq!(device.token(&world).json_verdict(), "400 SlowDownException slow_down");
    assert_eq!(world.sandbox.approve("NONE-NONE", "ann").unwrap_err(), "no such user code is waiting: NONE-NONE");
    assert_eq!(world.sandbox.approve(device.code(), "bob").unwrap_err(), "no such person: bob");
    world.sandbox.approve(device.code(), "ann").unwrap();
    world.sandbox.set_clock(Clock::Fixed(NOW + 5));
    assert_eq!(device.token(&world).json_verdict(), "400 SlowDownException slow_down", "six seconds by now");
    world.sandbox.set_clock(Clock::Fixed(NOW + 60));
    let tokens = device.token(&world).json();
    assert_eq!((&tokens["tokenType"], &tokens["expiresIn"]), (&json!("Bearer"), &json!(600)));
    assert!(tokens["refreshToken"].is_string());
    let bearer = [("x-amz-sso_bearer_token", tokens["accessToken"].as_str().unwrap())];
    let target = format!("/federation/credentials?role_name=Admin&account_id={ACCOUNT}");
    assert_eq!(send_json(&world, "GET", &target, &bearer, "").json_verdict(), "200");
    world.sandbox.set_clock(Clock::Fixed(NOW + 90));
    assert_eq!(device.token(&world).json_verdict(), "400 InvalidGrantException invalid_grant", "a second time");
    assert_eq!(world.sandbox.count("CreateToken"), 6);
    let state = world.sandbox.state().to_string();
    for secret in
        [&tokens["accessToken"], &tokens["refreshToken"], &device.client["clientSecret"], &device.grant["deviceCode"]]
    {
        assert!(!state.contains(secret.as_str().unwrap()), "{secret}");
    }
    let call = world.sandbox.calls().into_iter().find(|call| call.action == "CreateToken").unwrap();
    assert_eq!((call.param("grantType"), call.param("deviceCode")), (Some(DEVICE), Some("***")));
}

#[test]
fn a_device_is_denied_or_waited_for_too_long() {
    let world = world();
    let (denied, late) = (Device::new(&world, &[]), Device::new(&world, &[]));
    world.sandbox.deny_device(denied.code()).unwrap();
    assert_eq!(denied.token(&world).json_verdict(), "400 AccessDeniedException access_denied");
    world.sandbox.set_clock(Clock::Fixed(NOW + 600));
    assert_eq!(late.token(&world).json_verdict(), "400 ExpiredTokenException expired_token");
    assert!(world.sandbox.approve(late.code(), "ann").is_err());
    let other = SsoUser { start_url: "https://other.awsapps.com/start".to_owned(), ..SsoUser::new("bob") };
    world.sandbox.add_sso_user(other);
    let device = Device::new(&world, &[]);
    assert!(world.sandbox.approve(device.code(), "bob").unwrap_err().contains("does not belong to"));
    world.sandbox.approve(device.code(), "ann").unwrap();
    assert_eq!(device.token(&world).json().get("refreshToken"), None, "a client without scopes");
}

#[test]
fn a_refresh_token_works_once() {
    let world = world();
    let token = world.sandbox.sso_sign_in("ann");
    let device = Device { client: token.cache_json(), grant: Value::Null };
    world.sandbox.set_clock(Clock::Fixed(NOW + 3600));
    let first = json!(token.refresh_token);
    let tokens = device.refresh(&world, &first).json();
    assert_ne!(tokens["refreshToken"], first);
    let call = world.sandbox.calls().pop().unwrap();
    assert_eq!((call.action.as_str(), call.caller_arn.as_deref()), ("CreateToken", Some("ann")));
    let invalid = "400 InvalidGrantException invalid_grant";
    assert_eq!(device.refresh(&world, &first).json_verdict(), invalid, "used");
    let stranger = Device::new(&world, &["sso:account:access"]);
    assert_eq!(stranger.refresh(&world, &tokens["refreshToken"]).json_verdict(), invalid, "another client");
    let tokens = device.refresh(&world, &tokens["refreshToken"]).json();
    assert!(world.sandbox.sso_sign_out("ann"));
    assert_eq!(device.refresh(&world, &tokens["refreshToken"]).json_verdict(), invalid, "signed out");
    let late = world.sandbox.sso_sign_in("ann");
    let device = Device { client: late.cache_json(), grant: Value::Null };
    world.sandbox.set_clock(Clock::Fixed(NOW + 3600 + 7200));
    assert_eq!(device.refresh(&world, &json!(late.refresh_token)).json_verdict(), invalid, "the session has ended");
}

#[test]
fn clients_and_calls_are_checked() {
    let world = world();
    let token = world.sandbox.sso_sign_in("ann");
    let usual = json!({"clientId": token.client_id, "clientSecret": token.client_secret,
        "grantType": "refresh_token", "refreshToken": token.refresh_token});
    let rows = [
        ("clientSecret", json!("x"), "401 InvalidClientException invalid_client"),
        ("clientId", json!("x"), "401 InvalidClientException invalid_client"),
        ("clientId", json!(7), "400 InvalidRequestException invalid_request"),
        ("refreshToken", json!(""), "400 InvalidRequestException invalid_request"),
        ("refreshToken", json!("x"), "400 InvalidGrantException invalid_grant"),
        ("grantType", json!("password"), "400 UnsupportedGrantTypeException unsupported_grant_type"),
        ("grantType", json!(DEVICE), "400 InvalidRequestException invalid_request"),
    ];
    for (name, value, verdict) in rows {
        let mut body = usual.clone();
        body[name] = value;
        assert_eq!(post(&world, "/token", &body).json_verdict(), verdict, "{name}");
    }
    let form = send_json(&world, "POST", "/token", &[], "grant_type=refresh_token&refresh_token=x");
    assert_eq!(form.json_verdict(), "400 InvalidRequestException invalid_request");
    assert_eq!(
        send_json(&world, "GET", "/token", &[], "").json_verdict(),
        "404 UnknownOperationException unknown_operation"
    );
    let started = json!({"clientId": token.client_id, "clientSecret": token.client_secret, "startUrl": "https://x"});
    let verdict = post(&world, "/device_authorization", &started).json_verdict();
    assert_eq!(verdict, "400 InvalidRequestException invalid_request");
    let named = json!({"clientName": "x", "clientType": "confidential"});
    let verdict = post(&world, "/client/register", &named).json_verdict();
    assert_eq!(verdict, "400 InvalidClientMetadataException invalid_client_metadata");
    world.sandbox.set_clock(Clock::Fixed(NOW + 90 * 24 * 3600));
    assert_eq!(post(&world, "/token", &usual).json_verdict(), "401 InvalidClientException invalid_client");
}

#[test]
fn a_refresh_that_is_cut_off_has_used_its_token() {
    let world = world();
    let token = world.sandbox.sso_sign_in("ann");
    let device = Device { client: token.cache_json(), grant: Value::Null };
    let refresh = json!(token.refresh_token);
    world.sandbox.fault(Fault::new(FaultKind::EmptyBody).on("CreateToken"));
    assert_eq!(device.refresh(&world, &refresh).body, "");
    assert_eq!(device.refresh(&world, &refresh).json_verdict(), "400 InvalidGrantException invalid_grant");
    let token = world.sandbox.sso_sign_in("ann");
    let device = Device { client: token.cache_json(), grant: Value::Null };
    let refresh = json!(token.refresh_token);
    world.sandbox.fault(Fault::new(FaultKind::Status(503)).on("CreateToken").by("ann"));
    assert_eq!(device.refresh(&world, &refresh).json_verdict(), "503 ServiceUnavailableException server_error");
    world.sandbox.fault(Fault::new(FaultKind::Throttling).on("CreateToken"));
    assert_eq!(device.refresh(&world, &refresh).json_verdict(), "400 SlowDownException slow_down");
    world.sandbox.fault(Fault::new(FaultKind::ExpiryPast).on("CreateToken"));
    assert_eq!(device.refresh(&world, &refresh).json()["expiresIn"], json!(-3600), "not used before");
}

#[test]
fn scripts_approve_on_the_page() {
    let world = world();
    let device = Device::new(&world, &[]);
    let link = device.grant["verificationUriComplete"].as_str().unwrap();
    let target = link.strip_prefix(world.sandbox.url()).unwrap();
    let page = send_json(&world, "GET", target, &[], "");
    assert!(page.body.contains(device.code()) && page.body.contains("ann"), "{}", page.body);
    let state = world.sandbox.state();
    assert_eq!(state["user_codes"][0]["user_code"], json!(device.code()));
    let wrong = post(&world, "/_sandbox/approve", &json!({"user_code": device.code()}));
    assert_eq!((wrong.status, wrong.json()["error"].as_str()), (400, Some("\"user\" is missing")));
    let answer = post(&world, "/_sandbox/approve", &json!({"user_code": device.code(), "user": "ann"}));
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(device.token(&world).json_verdict(), "200");
    let denied = Device::new(&world, &[]);
    post(&world, "/_sandbox/deny", &json!({"user_code": denied.code()}));
    assert_eq!(denied.token(&world).json_verdict(), "400 AccessDeniedException access_denied");
    assert!(send_json(&world, "GET", "/_sandbox/device?user_code=x", &[], "").body.contains("No such code"));
}

#[test]
fn files_of_the_cache_are_as_the_aws_cli_writes_them() {
    let token = SsoToken { expires_at: NOW, ..world().sandbox.sso_sign_in("ann") };
    // Known from `printf corp | sha1sum`.
    assert_eq!(SsoToken::cache_file_name("corp"), CORP);
    let file = token.cache_json();
    let names: Vec<&String> = file.as_object().unwrap().keys().collect();
    let all = [
        "accessToken",
        "clientId",
        "clientSecret",
        "expiresAt",
        "refreshToken",
        "region",
        "registrationExpiresAt",
        "startUrl",
    ];
    assert_eq!(names, all);
    assert_eq!(file["expiresAt"], json!("2025-06-15T15:06:40Z"));
    assert_eq!(token.legacy_cache_json().as_object().unwrap().len(), 4);
}

const CORP: &str = "ee0bfd2552fbd840c02cc48b6e823320543c450f.json";
