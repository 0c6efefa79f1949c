//! The portal and the OIDC service against servers that answer right, refuse, or do one thing wrong (threat-model F30–F34).

use std::net::TcpListener;
use std::time::Duration;

use super::*;
use crate::arn::{AccountId, Partition};
use crate::aws::call::Bounds;
use crate::aws::canned::{Answer, Server, http};
use crate::aws::endpoint::{Endpoint, EndpointRequest, Service, resolve};
use crate::aws::http::HttpSettings;
use crate::aws::{AwsError, AwsErrorKind};
use crate::credentials::Session;
use crate::names::Region;
use crate::origin::{Origin, Sourced};
use crate::secret::Secret;
use crate::timestamp::Timestamp;

const NOW: i64 = 1_927_629_296;
const BOUNDS: Bounds = Bounds { connect: Duration::from_secs(3), total: Duration::from_secs(10) };
const QUICK: Bounds = Bounds { connect: Duration::from_secs(1), total: Duration::from_secs(2) };
const TOKEN: &str = "aoaAAAA-canary:MGQCM+canary/token==";
const REFRESH: &str = "aorAAAA-canary:MGUCM+canary/refresh==";
const CLIENT_SECRET: &str = "eyJraWQi.canary.clientsecret";

fn endpoint(service: Service, url: &str) -> Endpoint {
    let given = Some(Sourced { value: url.into(), origin: Origin::Variable("AWS_ENDPOINT_URL") });
    let (partition, region) = (Partition::Aws, Region::parse("eu-west-1").unwrap());
    resolve(&EndpointRequest { service, partition, region, fips: false, dualstack: false, given }, &[]).unwrap()
}

fn at(url: &str, bounds: Bounds) -> Result<Session, AwsError> {
    let client = SsoClient::new(endpoint(Service::Sso, url), HttpSettings::default());
    let client = client.with_clock(|| Timestamp::from_unix(NOW));
    let account = AccountId::parse("123456789012").unwrap();
    client.role_credentials(&Secret::new(TOKEN.into()), &account, "Read&Only", bounds)
}

fn renewed_at(url: &str, bounds: Bounds) -> Result<FreshToken, AwsError> {
    let client = SsoOidcClient::new(endpoint(Service::SsoOidc, url), HttpSettings::default());
    let client = client.with_clock(|| Timestamp::from_unix(NOW));
    let [client_secret, refresh_token] = [CLIENT_SECRET, REFRESH].map(|text| Secret::new(text.to_owned()));
    let grant = RefreshGrant { client_id: "client-1", client_secret: &client_secret, refresh_token: &refresh_token };
    client.refresh(grant, bounds)
}

/// Credentials that end so many milliseconds from [`NOW`].
fn credentials(ends_in: i64) -> String {
    let ends = NOW * 1000 + ends_in;
    format!(
        r#"{{"roleCredentials":{{"accessKeyId":"ASIACANARYCANARY1234","secretAccessKey":"canary/secret","sessionToken":"canary/token==","expiration":{ends}}}}}"#
    )
}

fn token(expires_in: &str) -> String {
    format!(
        r#"{{"accessToken":"canary-new","tokenType":"Bearer","expiresIn":{expires_in},"refreshToken":"canary-next","idToken":null}}"#
    )
}

fn json(status: &str, error_type: &str, body: &str) -> Answer {
    http(status, &format!("content-type: application/json\r\nx-amzn-errortype: {error_type}\r\n"), body)
}

fn assert_clean(error: &AwsError) {
    let text = format!("{error:?}");
    assert!(!text.contains("canary"), "{text}");
    assert!(!error.cause.contains(['\n', '<']), "{text}");
}

#[test]
fn a_token_an_account_and_a_role_become_a_session() {
    let server = Server::start(vec![http("200 OK", "", &credentials(3_600_999))]);
    let session = at(&server.url, BOUNDS).unwrap();
    assert_eq!(session.access_key_id.as_str(), "ASIACANARYCANARY1234");
    assert_eq!(
        (session.secret.expose().as_str(), session.token.expose().as_str()),
        ("canary/secret", "canary/token==")
    );
    assert_eq!(session.expires, Timestamp::from_unix(NOW + 3600), "milliseconds are cut, not rounded");
    assert_eq!(session.account, AccountId::parse("123456789012"));
    let sent = &server.requests()[0];
    assert!(sent.starts_with("GET /federation/credentials?role_name=Read%26Only&account_id=123456789012 HTTP/1.1\r\n"));
    assert!(sent.contains(&format!("x-amz-sso_bearer_token: {TOKEN}\r\n")), "{sent}");
    assert!(!sent.contains("authorization"), "{sent}");
}

#[test]
fn what_the_portal_refuses_is_told_apart() {
    use AwsErrorKind::*;
    let signed_out = "has expired or was ended (SSO at 127.0.0.1";
    for (status, name, body, kind, cause) in [
        (
            "401 Unauthorized",
            "UnauthorizedException",
            r#"{"message":"Session token not found or invalid"}"#,
            SignedOut,
            signed_out,
        ),
        ("401 Unauthorized", "", r#"{"__type":"a.b#UnauthorizedException","message":"x"}"#, SignedOut, signed_out),
        ("401 Unauthorized", "", r#"{"message":"Session token not found or invalid"}"#, SignedOut, signed_out),
        (
            "403 Forbidden",
            "ForbiddenException",
            r#"{"message":"No access"}"#,
            Denied,
            "your SSO user has no role 'Read&Only' in account 123456789012 (SSO at",
        ),
        (
            "404 Not Found",
            "ResourceNotFoundException",
            r#"{"message":"gone"}"#,
            Missing,
            "SSO has no role 'Read&Only' in account 123456789012",
        ),
        (
            "400 Bad Request",
            "InvalidRequestException",
            r#"{"message":"bad"}"#,
            Refused,
            "SSO did not accept role 'Read&Only'",
        ),
        ("418 Teapot", "SomethingNew", "{}", Refused, "GetRoleCredentials was refused (SSO at"),
    ] {
        let server = Server::start(vec![json(status, name, body)]);
        let error = at(&server.url, BOUNDS).expect_err(cause);
        assert_eq!((error.kind, server.requests().len()), (kind, 1), "{error:?}");
        assert!(error.cause.starts_with(cause), "{}", error.cause);
        assert_eq!(error.kind == SignedOut, error.clone().into_failure().kind.exit_code() == 9, "{error:?}");
    }
}

#[test]
fn words_of_the_services_are_shown_without_any_token() {
    let quoted = format!(r#"{{"message":"token {TOKEN} of {REFRESH} and {CLIENT_SECRET} is bad \u001b[2J"}}"#);
    let server = Server::start(vec![json("401 Unauthorized", "UnauthorizedException", &quoted)]);
    let error = at(&server.url, BOUNDS).unwrap_err();
    assert!(error.cause.contains("token *** of"), "{}", error.cause);
    assert!(!format!("{error:?}").contains("canary/token"), "{error:?}");
    let quoted = quoted.replace("message", "error_description").replace("{\"", r#"{"error":"invalid_grant",""#);
    let server = Server::start(vec![json("400 Bad Request", "InvalidGrantException", &quoted)]);
    let error = renewed_at(&server.url, BOUNDS).unwrap_err();
    let text = format!("{error:?}");
    assert!(!text.contains("canary/refresh") && !text.contains("clientsecret"), "{text}");
    // A token that we never had is known by its shape.
    let foreign = "IQoJb3JpZ2luX2VjEJr//////////wEaCXVzLWVhc3QtMSJHMEUCIQDdKk3xQ0uJ7sY9fVbR2".repeat(4);
    let body = format!(r#"{{"message":"the new one is {foreign}"}}"#);
    let server = Server::start(vec![json("401 Unauthorized", "UnauthorizedException", &body)]);
    assert!(!at(&server.url, BOUNDS).unwrap_err().cause.contains("IQoJb3JpZ2luX2Vj"));
}

#[test]
fn credentials_are_asked_for_up_to_three_times() {
    for (what, answer) in [
        ("dropped", Answer::Bytes(Vec::new())),
        ("503", http("503 Service Unavailable", "", "")),
        ("throttled", json("429 Too Many Requests", "TooManyRequestsException", r#"{"message":"slow"}"#)),
        ("a bare 429", http("429 Too Many Requests", "", "")),
    ] {
        let server = Server::start(vec![answer.clone(), http("200 OK", "", &credentials(3_600_000))]);
        at(&server.url, BOUNDS).expect(what);
        assert_eq!(server.requests().len(), 2, "{what}");
        let server = Server::start(vec![answer]);
        let error = at(&server.url, BOUNDS).expect_err(what);
        assert_eq!((error.kind, server.requests().len()), (AwsErrorKind::Unclear, 3), "{what}");
    }
}

#[test]
fn answers_of_the_portal_that_are_none_are_not_kept_and_not_shown() {
    let good = credentials(3_600_000);
    let html = "<!doctype html><title>canary</title>";
    let seconds = good.replace(&(NOW * 1000 + 3_600_000).to_string(), &(NOW + 3600).to_string());
    let cases = [
        ("empty", http("200 OK", "", "")),
        ("html", http("200 OK", "content-type: text/html\r\n", html)),
        ("a list", http("200 OK", "", "[]")),
        ("no credentials", http("200 OK", "", "{}")),
        ("null", http("200 OK", "", r#"{"roleCredentials":null}"#)),
        ("cut", http("200 OK", "", &good[..good.len() - 3])),
        ("more", http("200 OK", "", &format!("{good} canary"))),
        ("no token", http("200 OK", "", &good.replace("sessionToken", "token"))),
        ("empty token", http("200 OK", "", &good.replace("canary/token==", ""))),
        ("a blank in the secret", http("200 OK", "", &good.replace("canary/secret", "canary secret"))),
        ("a command in the token", http("200 OK", "", &good.replace("canary/token", "$(canary)"))),
        ("a secret for an id", http("200 OK", "", &good.replace("ASIACANARYCANARY1234", "canary/of/a/secret"))),
        ("already expired", http("200 OK", "", &credentials(0))),
        ("more than 12 h", http("200 OK", "", &credentials((12 * 3600 + 301) * 1000))),
        ("seconds for milliseconds", http("200 OK", "", &seconds)),
        ("an expiry as text", http("200 OK", "", &good.replace(r#""expiration":"#, r#""expiration":"canary","x":"#))),
        ("a redirect", http("302 Found", "location: http://canary.invalid/\r\n", "")),
        ("html 401", http("401 Unauthorized", "", html)),
        ("html 403", http("403 Forbidden", "", html)),
        ("10 MB", http("200 OK", "", &format!("{good}{}", " ".repeat(10 << 20)))),
        ("nested", http("200 OK", "", &"[".repeat(100_000))),
    ];
    for (what, answer) in cases {
        let server = Server::start(vec![answer]);
        let error = at(&server.url, BOUNDS).expect_err(what);
        assert_eq!((error.kind, server.requests().len()), (AwsErrorKind::BadAnswer, 1), "{what}: {error:?}");
        assert!(error.cause.starts_with("invalid response to GetRoleCredentials from SSO at 127"), "{}", error.cause);
        assert_clean(&error);
    }
    let longest = Server::start(vec![http("200 OK", "", &credentials(12 * 3_600_000))]);
    at(&longest.url, BOUNDS).unwrap();
}

#[test]
fn a_refresh_token_becomes_the_next_token() {
    for (body, next) in [
        (token("3600"), Some("canary-next")),
        (token("3600").replace(r#""canary-next""#, "null"), None),
        (token("3600").replace("refreshToken", "other"), None),
    ] {
        let server = Server::start(vec![http("200 OK", "", &body)]);
        let fresh = renewed_at(&server.url, BOUNDS).unwrap();
        assert_eq!(fresh.access_token.expose(), "canary-new");
        assert_eq!(fresh.expires, Timestamp::from_unix(NOW + 3600));
        assert_eq!(fresh.refresh_token.map(|token| token.expose().clone()).as_deref(), next);
        let requests = server.requests();
        let (head, sent) = requests[0].split_once("\r\n\r\n").unwrap();
        assert!(
            head.starts_with("POST /token HTTP/1.1\r\n") && head.contains("content-type: application/json"),
            "{head}"
        );
        let sent: serde_json::Value = serde_json::from_str(sent).unwrap();
        let expected = serde_json::json!({
            "clientId": "client-1", "clientSecret": CLIENT_SECRET, "grantType": "refresh_token", "refreshToken": REFRESH,
        });
        assert_eq!(sent, expected);
    }
}

#[test]
fn a_refresh_is_sent_once_whatever_happens() {
    for (what, answer) in [
        ("dropped", Answer::Bytes(Vec::new())),
        ("cut", Answer::Bytes(b"HTTP/1.1 200 OK\r\ncontent-length: 5000\r\n\r\n{\"accessToken\":\"canary".to_vec())),
        ("500", http("500 Internal Server Error", "", "")),
        (
            "InternalServerException",
            json("500 Internal Server Error", "InternalServerException", r#"{"error":"server_error"}"#),
        ),
        ("slow down", json("400 Bad Request", "SlowDownException", r#"{"error":"slow_down"}"#)),
        ("silence", Answer::Silence),
    ] {
        let server = Server::start(vec![answer, http("200 OK", "", &token("3600"))]);
        let error = renewed_at(&server.url, QUICK).expect_err(what);
        assert_eq!((error.kind, server.requests().len()), (AwsErrorKind::Unclear, 1), "{what}: {error:?}");
        assert_clean(&error);
    }
}

#[test]
fn an_end_of_the_sign_in_is_told_from_every_other_refusal() {
    use AwsErrorKind::*;
    for (status, name, error, kind) in [
        ("400 Bad Request", "InvalidGrantException", "invalid_grant", SignedOut),
        ("400 Bad Request", "", "invalid_grant", SignedOut),
        ("400 Bad Request", "ExpiredTokenException", "expired_token", SignedOut),
        ("400 Bad Request", "", "expired_token", SignedOut),
        ("401 Unauthorized", "InvalidClientException", "invalid_client", SignedOut),
        ("400 Bad Request", "UnauthorizedClientException", "unauthorized_client", SignedOut),
        ("401 Unauthorized", "UnauthorizedException", "x", SignedOut),
        ("400 Bad Request", "AccessDeniedException", "access_denied", Refused),
        ("400 Bad Request", "InvalidRequestException", "invalid_request", Refused),
        ("400 Bad Request", "UnsupportedGrantTypeException", "unsupported_grant_type", Refused),
        ("400 Bad Request", "InvalidScopeException", "invalid_scope", Refused),
    ] {
        let body = format!(r#"{{"error":"{error}","error_description":"no"}}"#);
        let server = Server::start(vec![json(status, name, &body)]);
        let error = renewed_at(&server.url, BOUNDS).expect_err(name);
        assert_eq!((error.kind, server.requests().len()), (kind, 1), "{name}: {error:?}");
        assert!(error.cause.contains("SSO OIDC at 127.0.0.1"), "{}", error.cause);
    }
}

#[test]
fn tokens_that_are_none_are_not_kept_and_not_shown() {
    let good = token("3600");
    for (what, body) in [
        ("empty", String::new()),
        ("html", "<!doctype html><title>canary".into()),
        ("no token", good.replace("accessToken", "token")),
        ("empty token", good.replace("canary-new", "")),
        ("a line end in the token", good.replace("canary-new", "canary\\r\\nx: y")),
        ("a blank in the refresh token", good.replace("canary-next", "canary next")),
        ("too long", good.replace("canary-new", &"canary".repeat(3000))),
        ("expired", token("0")),
        ("negative", token("-5")),
        ("milliseconds", token("3600000")),
        ("a fraction", token("1.5")),
        ("a text", token(r#""canary""#)),
    ] {
        let server = Server::start(vec![http("200 OK", "", &body)]);
        let error = renewed_at(&server.url, BOUNDS).expect_err(what);
        assert_eq!((error.kind, server.requests().len()), (AwsErrorKind::BadAnswer, 1), "{what}: {error:?}");
        assert!(error.cause.starts_with("invalid response to CreateToken from SSO OIDC at"), "{}", error.cause);
        assert_clean(&error);
    }
}

#[test]
fn a_service_that_cannot_be_reached_got_nothing() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let url = format!("http://{free}");
    for error in [at(&url, QUICK).unwrap_err(), renewed_at(&url, QUICK).unwrap_err()] {
        assert_eq!(error.kind, AwsErrorKind::NotSent, "{error:?}");
        assert!(error.cause.ends_with(", not AWS, refused the connection"), "{}", error.cause);
    }
}

#[test]
fn a_token_that_no_header_takes_is_not_sent() {
    let server = Server::start(vec![http("200 OK", "", &credentials(3_600_000))]);
    let client = SsoClient::new(endpoint(Service::Sso, &server.url), HttpSettings::default());
    let account = AccountId::parse("123456789012").unwrap();
    let token = Secret::new("canary\r\nx-other: canary".to_owned());
    let error = client.role_credentials(&token, &account, "Admin", BOUNDS).unwrap_err();
    assert_eq!((error.kind, server.requests().len()), (AwsErrorKind::NotSent, 0), "{error:?}");
    assert_clean(&error);
}
