//! The portal: who gets which role's credentials, and until when.

use serde_json::{Value, json};
use twolock_sandbox::{Assignment, Clock, Fault, FaultKind, Options, Refusal, Role, SsoToken, SsoUser};

use crate::wire::{ACCOUNT, Answer, NOW, World, send_json};

fn world(options: Options) -> (World, Vec<String>, SsoToken) {
    let world = World::with(options);
    let user = SsoUser::new("ann@example.com").assigned(ACCOUNT, "Admin").assigned("444455556666", "ReadOnly");
    let arns = world.sandbox.add_sso_user(user.assigned(ACCOUNT, "Billing"));
    let token = world.sandbox.sso_sign_in("ann@example.com");
    (world, arns, token)
}

fn get(world: &World, target: &str, token: &str) -> Answer {
    send_json(world, "GET", target, &[("x-amz-sso_bearer_token", token)], "")
}

fn credentials(world: &World, token: &str, account: &str, role: &str) -> Answer {
    get(world, &format!("/federation/credentials?role_name={role}&account_id={account}"), token)
}

#[test]
fn credentials_of_an_assigned_role_work_everywhere() {
    let (world, arns, token) = world(Options::default());
    let answer = credentials(&world, &token.access_token, ACCOUNT, "Admin");
    let given = &answer.json()["roleCredentials"];
    assert_eq!(given["expiration"], json!((NOW + 3600) * 1000), "{answer:?}");
    let client = world.alice().with_json(given);
    let arn = client.who().need("Arn");
    let name = arns[0].rsplit('/').next().unwrap();
    assert_eq!(arn, format!("arn:aws:sts::{ACCOUNT}:assumed-role/{name}/ann@example.com"));
    let hex = name.strip_prefix("AWSReservedSSO_Admin_").unwrap();
    assert!(hex.len() == 16 && hex.bytes().all(|byte| byte.is_ascii_hexdigit()), "{name}");
    assert!(arns[0].contains(":role/aws-reserved/sso.amazonaws.com/AWSReservedSSO_"), "{}", arns[0]);
    let below = world.sandbox.add_role(Role::trusting("444455556666", "below", &arns[0]));
    client.assume_role(&below, &[]).assert_good();
    let verdict = client.assume_role(&below, &[("DurationSeconds", "3601")]).verdict();
    assert!(verdict.contains("role chaining"), "{verdict}");
    let call = &world.sandbox.calls()[0];
    assert_eq!((call.action.as_str(), call.method.as_str(), call.status), ("GetRoleCredentials", "GET", Some(200)));
    assert_eq!(call.caller_arn.as_deref(), Some("ann@example.com"));
    assert_eq!((call.param("role_name"), call.param("account_id")), (Some("Admin"), Some(ACCOUNT)));
    let state = world.sandbox.state().to_string();
    assert!(!state.contains(&token.access_token) && !state.contains(&client.secret));
}

#[test]
fn a_permission_set_keeps_its_role_and_has_its_own_time() {
    let (world, arns, token) = world(Options::default());
    let again = SsoUser { region: "eu-west-1".to_owned(), ..SsoUser::new("bob") }.assigned(ACCOUNT, "Admin");
    assert_eq!(world.sandbox.add_sso_user(again)[0], arns[0]);
    let long = Assignment { account: ACCOUNT.to_owned(), role_name: "Long".to_owned(), seconds: 43_200 };
    let ann = SsoUser { region: "eu-west-1".to_owned(), assignments: vec![long], ..SsoUser::new("ann@example.com") };
    let arn = &world.sandbox.add_sso_user(ann)[0];
    assert!(arn.contains(":role/aws-reserved/sso.amazonaws.com/eu-west-1/AWSReservedSSO_Long_"), "{arn}");
    let answer = credentials(&world, &token.access_token, ACCOUNT, "Long").json();
    assert_eq!(answer["roleCredentials"]["expiration"], json!((NOW + 43_200) * 1000));
}

#[test]
fn refusals_tell_who_is_not_signed_in_from_who_may_not() {
    let (world, _, token) = world(Options::default());
    let token = token.access_token.as_str();
    let rows = [
        ("role_name=Admin&account_id=111122223333", "x", "401 UnauthorizedException"),
        ("role_name=Admin&account_id=111122223333", "", "401 UnauthorizedException"),
        ("role_name=Other&account_id=111122223333", token, "403 ForbiddenException"),
        ("role_name=Admin&account_id=444455556666", token, "403 ForbiddenException"),
        ("role_name=Admin&account_id=999999999999", token, "403 ForbiddenException"),
        ("role_name=Admin&account_id=1", token, "400 InvalidRequestException"),
        ("role_name=Admin", token, "400 InvalidRequestException"),
        ("role_name=&account_id=111122223333", token, "400 InvalidRequestException"),
        ("account_id=%zz", token, "400 InvalidRequestException"),
    ];
    for (query, token, verdict) in rows {
        let answer = get(&world, &format!("/federation/credentials?{query}"), token);
        assert_eq!(answer.json_verdict(), verdict, "{query}");
    }
    let answer = credentials(&world, "x", ACCOUNT, "Admin");
    assert_eq!(answer.json()["message"], "Session token not found or invalid");
    assert_eq!(credentials(&world, token, ACCOUNT, "Other").json()["message"], "No access");
    let bare = send_json(&world, "GET", "/federation/credentials?role_name=Admin&account_id=111122223333", &[], "");
    assert_eq!(bare.json_verdict(), "401 UnauthorizedException");
    let post = send_json(&world, "POST", "/federation/credentials", &[("x-amz-sso_bearer_token", token)], "");
    assert_eq!(post.json_verdict(), "404 UnknownOperationException");
    assert!(world.sandbox.sessions().is_empty());
    assert!(world.sandbox.unassign("ann@example.com", ACCOUNT, "Admin"));
    assert_eq!(credentials(&world, token, ACCOUNT, "Admin").json_verdict(), "403 ForbiddenException");
}

#[test]
fn a_token_ends_by_time_by_sign_out_and_by_an_administrator() {
    let (world, _, token) = world(Options { sso_token_seconds: 600, ..Options::default() });
    let ask = |token: &SsoToken| credentials(&world, &token.access_token, ACCOUNT, "Admin").json_verdict();
    assert_eq!((token.expires_at, ask(&token).as_str()), (NOW + 600, "200"));
    let other = world.sandbox.sso_sign_in("ann@example.com");
    let out = send_json(&world, "POST", "/logout", &[("x-amz-sso_bearer_token", &token.access_token)], "");
    assert_eq!((out.status, out.body.as_str()), (200, ""));
    assert_eq!((ask(&token).as_str(), ask(&other).as_str()), ("401 UnauthorizedException", "200"));
    assert!(world.sandbox.expire_sso_token(&other.access_token));
    assert_eq!(ask(&other), "401 UnauthorizedException");
    let third = world.sandbox.sso_sign_in("ann@example.com");
    world.sandbox.set_clock(Clock::Fixed(NOW + 600));
    assert_eq!(ask(&third), "401 UnauthorizedException");
    let fourth = world.sandbox.sso_sign_in("ann@example.com");
    assert_eq!(ask(&fourth), "200");
    assert!(world.sandbox.sso_sign_out("ann@example.com") && !world.sandbox.sso_sign_out("ann@example.com"));
    assert_eq!(ask(&fourth), "401 UnauthorizedException");
}

#[test]
fn lists_come_in_pages() {
    let (world, _, token) = world(Options { page_size: 1, ..Options::default() });
    world.sandbox.set_alias(ACCOUNT, "example");
    let list = |target: &str| get(&world, target, &token.access_token).json();
    let first = list("/assignment/accounts");
    assert_eq!(first["accountList"][0]["accountId"], json!(ACCOUNT));
    assert_eq!(first["accountList"][0]["accountName"], json!("example"));
    let next = first["nextToken"].as_str().unwrap();
    let second = list(&format!("/assignment/accounts?next_token={next}&max_result=100"));
    assert_eq!(second["accountList"][0]["accountId"], json!("444455556666"));
    assert_eq!(second["nextToken"], Value::Null);
    let roles = list(&format!("/assignment/roles?account_id={ACCOUNT}"));
    assert_eq!(roles["roleList"], json!([{"accountId": ACCOUNT, "roleName": "Admin"}]));
    for (target, verdict) in [
        ("/assignment/roles?account_id=999999999999", "403 ForbiddenException"),
        ("/assignment/roles", "400 InvalidRequestException"),
        ("/assignment/accounts?max_result=0", "400 InvalidRequestException"),
        ("/assignment/accounts?next_token=7", "400 InvalidRequestException"),
    ] {
        assert_eq!(get(&world, target, &token.access_token).json_verdict(), verdict, "{target}");
    }
}

#[test]
fn faults_strike_the_portal() {
    let (world, _, token) = world(Options::default());
    let ask = |fault: Fault| {
        world.sandbox.fault(fault.on("GetRoleCredentials").by("ann@example.com").role("Admin"));
        credentials(&world, &token.access_token, ACCOUNT, "Admin")
    };
    let missing = Refusal::new(404, "ResourceNotFoundException", "no such account");
    for (kind, verdict) in [
        (FaultKind::Throttling, "429 TooManyRequestsException"),
        (FaultKind::Status(500), "500 InternalServerException"),
        (FaultKind::Error(missing), "404 ResourceNotFoundException"),
    ] {
        assert_eq!(ask(Fault::new(kind)).json_verdict(), verdict);
    }
    assert!(world.sandbox.sessions().is_empty());
    let past = ask(Fault::new(FaultKind::ExpiryPast)).json();
    assert_eq!(past["roleCredentials"]["expiration"], json!((NOW - 3600) * 1000));
    let beyond = ask(Fault::new(FaultKind::ExpiryBeyond(7))).json();
    assert_eq!(beyond["roleCredentials"]["expiration"], json!((NOW + 3607) * 1000));
    let halved = ask(Fault::new(FaultKind::NoSessionToken)).json();
    assert_eq!(halved["roleCredentials"].get("sessionToken"), None);
    assert!(ask(Fault::new(FaultKind::HtmlBody)).body.starts_with("<!DOCTYPE html>"));
    assert_eq!(ask(Fault::new(FaultKind::EmptyBody)).body, "");
    assert!(serde_json::from_str::<Value>(&ask(Fault::new(FaultKind::TruncatedBody)).body).is_err());
    let moved = ask(Fault::new(FaultKind::Redirect("http://127.0.0.1:1/".to_owned())));
    assert_eq!((moved.status, moved.header("Location")), (302, Some("http://127.0.0.1:1/")));
    assert!(ask(Fault::new(FaultKind::OversizedBody(1 << 20))).body.len() > 1 << 20);
    let faults = world.sandbox.calls().iter().filter(|call| call.fault.is_some()).count();
    assert_eq!((faults, world.sandbox.count("GetRoleCredentials")), (11, 11));
}
