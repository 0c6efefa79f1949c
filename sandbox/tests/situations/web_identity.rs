//! Identity tokens: which are taken, and which roles they open.

use serde_json::{Value, json};
use twolock_sandbox::{Clock, Fault, FaultKind, IdentityProvider, Role, WebIdentity};

use crate::wire::{ACCOUNT, Answer, NOW, Params, World, form};

const ISSUER: &str = "https://ci.example/tokens";
const SUBJECT: &str = "repo:org/app:ref:main";
const DENIED: &str = "403 AccessDenied: Not authorized to perform sts:AssumeRoleWithWebIdentity";

fn world() -> (World, String) {
    let world = World::new();
    world.sandbox.add_identity_provider(IdentityProvider {
        account: ACCOUNT.to_owned(),
        issuer: ISSUER.to_owned(),
        audience: "sts.amazonaws.com".to_owned(),
    });
    let trusted = WebIdentity { issuer: ISSUER.to_owned(), subject: "repo:org/app:*".to_owned() };
    let role = world.sandbox.add_role(Role { web_identities: vec![trusted], ..Role::new(ACCOUNT, "deploy") });
    (world, role)
}

/// Calls without any signature.
fn assume(world: &World, role: &str, token: &str, further: Params<'_>) -> Answer {
    let mut fields = vec![("Action", "AssumeRoleWithWebIdentity"), ("Version", "2011-06-15"), ("RoleArn", role)];
    if !further.iter().any(|(name, _)| *name == "RoleSessionName") {
        fields.push(("RoleSessionName", "build-7"));
    }
    fields.push(("WebIdentityToken", token));
    fields.extend_from_slice(further);
    let body = form(&fields);
    let target = format!(
        "POST / HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n\
         content-type: application/x-www-form-urlencoded\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    let mut stream = std::net::TcpStream::connect(("127.0.0.1", world.sandbox.port())).unwrap();
    std::io::Write::write_all(&mut stream, target.as_bytes()).unwrap();
    Answer::read(stream).unwrap()
}

#[test]
fn a_token_opens_a_role_that_trusts_its_subject() {
    let (world, role) = world();
    let token = world.sandbox.identity_token(SUBJECT, 300);
    let answer = assume(&world, &role, &token, &[("DurationSeconds", "900")]);
    answer.assert_good();
    assert_eq!(answer.need("SubjectFromWebIdentityToken"), SUBJECT);
    assert_eq!(answer.need("Audience"), "sts.amazonaws.com");
    assert_eq!(answer.need("Provider"), format!("arn:aws:iam::{ACCOUNT}:oidc-provider/ci.example/tokens"));
    let arn = format!("arn:aws:sts::{ACCOUNT}:assumed-role/deploy/build-7");
    assert_eq!(answer.need("Arn"), arn);
    let client = world.alice().with(&answer);
    assert_eq!(client.who().need("Arn"), arn);
    assert_eq!(world.sandbox.sessions()[0].expires_at, NOW + 900);
    let next = world.sandbox.add_role(Role::trusting("444455556666", "next", &role));
    client.assume_role(&next, &[]).assert_good();
    let call = &world.sandbox.calls()[0];
    assert_eq!((call.access_key_id.as_deref(), call.param("WebIdentityToken")), (None, Some("***")));
    assert!(!world.sandbox.state().to_string().contains(&token));
    assert_eq!(world.sandbox.count("AssumeRoleWithWebIdentity"), 1);
}

#[test]
fn tokens_that_are_not_right_are_named() {
    let (world, role) = world();
    let usual = json!({"iss": ISSUER, "aud": "sts.amazonaws.com", "sub": SUBJECT, "iat": NOW, "exp": NOW + 60});
    let with = |name: &str, value: Value| {
        let mut claims = usual.clone();
        claims[name] = value;
        world.sandbox.sign_identity_token(&claims)
    };
    let good = world.sandbox.sign_identity_token(&usual);
    let foreign = World::new().sandbox.sign_identity_token(&usual);
    let (head, signature) = good.rsplit_once('.').unwrap();
    let changed = format!("{}.{signature}", head.replacen("eyJ", "eyK", 1));
    let not_jwt = "The ID Token provided is not a valid JWT. (You may see this error if you sent an Access Token)";
    let rows = [
        (
            with("iss", json!("https://other.example")),
            "No OpenIDConnect provider found in your account for https://other.example",
        ),
        (with("aud", json!("sts.example")), "Incorrect token audience"),
        (with("aud", json!(null)), "Missing a required claim: aud"),
        (with("sub", json!(7)), "Missing a required claim: sub"),
        (with("iat", json!(null)), "Missing a required claim: iat"),
        (with("exp", json!("soon")), "Missing a required claim: exp"),
        (with("nbf", json!(NOW + 1)), "Token is not valid yet"),
        (foreign, "Couldn't retrieve verification key from your identity provider"),
        (changed, not_jwt),
        ("nonsense".to_owned(), not_jwt),
    ];
    for (token, words) in rows {
        let verdict = assume(&world, &role, &token, &[]).verdict();
        assert_eq!(verdict, format!("400 InvalidIdentityToken: {words}"));
    }
    assert!(world.sandbox.sessions().is_empty());
    assume(&world, &role, &good, &[]).assert_good();
    world.sandbox.set_clock(Clock::Fixed(NOW + 60));
    let words = format!("current date/time {0} must be before the expiration date/time {0}", NOW + 60);
    let expired = assume(&world, &role, &good, &[]).verdict();
    assert_eq!(expired, format!("400 ExpiredTokenException: Token expired: {words}"));
}

#[test]
fn only_roles_that_trust_the_subject_open() {
    let (world, role) = world();
    let token = world.sandbox.identity_token("repo:org/other:ref:main", 300);
    assert_eq!(assume(&world, &role, &token, &[]).verdict(), DENIED);
    let token = world.sandbox.identity_token(SUBJECT, 300);
    let missing = format!("arn:aws:iam::{ACCOUNT}:role/missing");
    assert_eq!(assume(&world, &missing, &token, &[]).verdict(), DENIED);
    let anybody = world.sandbox.add_role(Role::trusting(ACCOUNT, "anybody", "*"));
    assert_eq!(assume(&world, &anybody, &token, &[]).verdict(), DENIED);
    // The provider belongs to an account, as the role does.
    let elsewhere = Role::from_arn("arn:aws:iam::444455556666:role/deploy").unwrap();
    let elsewhere = world.sandbox.add_role(elsewhere);
    assert!(assume(&world, &elsewhere, &token, &[]).verdict().contains("No OpenIDConnect provider"));
}

#[test]
fn the_form_of_a_call_is_checked_as_by_aws() {
    let (world, role) = world();
    let token = world.sandbox.identity_token(SUBJECT, 300);
    let rows: [(Params<'_>, &str); 5] = [
        (&[("DurationSeconds", "899")], "greater than or equal to 900"),
        (&[("DurationSeconds", "43201")], "less than or equal to 43200"),
        (&[("DurationSeconds", "3601")], "exceeds the MaxSessionDuration set for this role"),
        (&[("RoleSessionName", "a b")], "pattern: [\\w+=,.@-]*"),
        (&[("RoleSessionName", "a")], "length greater than or equal to 2"),
    ];
    for (further, words) in rows {
        let verdict = assume(&world, &role, &token, further).verdict();
        assert!(verdict.starts_with("400 ValidationError") && verdict.contains(words), "{verdict}");
    }
    let user = format!("arn:aws:iam::{ACCOUNT}:user/alice");
    assert_eq!(assume(&world, &user, &token, &[]).verdict(), "400 ValidationError: Request ARN is invalid");
    assert!(assume(&world, &role, "", &[]).verdict().contains("at 'webIdentityToken'"));
}

#[test]
fn faults_strike_this_action_too() {
    let (world, role) = world();
    let token = world.sandbox.identity_token(SUBJECT, 300);
    world.sandbox.fault(Fault::new(FaultKind::Throttling).on("AssumeRoleWithWebIdentity").role(&role));
    assert_eq!(assume(&world, &role, &token, &[]).verdict(), "400 Throttling: Rate exceeded");
    world.sandbox.fault(Fault::new(FaultKind::NoSessionToken).on("AssumeRoleWithWebIdentity"));
    assert_eq!(assume(&world, &role, &token, &[]).get("SessionToken"), None);
}
