//! The sign-in of `aws login` against servers that answer right, refuse, or do one thing wrong (threat-model F30–F34), and
//! the key that its renewals are proved with.

use std::time::Duration;

use data_encoding::{BASE64, BASE64URL_NOPAD};
use ring::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};
use serde_json::Value;

use super::*;
use crate::arn::Partition;
use crate::aws::canned::{Answer, Server, http};
use crate::aws::endpoint::{EndpointRequest, Service, resolve};
use crate::aws::http::HttpSettings;
use crate::names::Region;
use crate::origin::{Origin, Sourced};
use crate::timestamp::Timestamp;

const NOW: i64 = 1_927_629_296;
const BOUNDS: Bounds = Bounds { connect: Duration::from_secs(3), total: Duration::from_secs(10) };
const QUICK: Bounds = Bounds { connect: Duration::from_secs(1), total: Duration::from_secs(2) };
const CLIENT: &str = "arn:aws:signin:::devtools/same-device";
const REFRESH: &str = "canary-refresh-token-0123456789";

/// A new key: its private number and its public point.
fn halves() -> ([u8; 32], [u8; 65]) {
    use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
    let document =
        EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &ring::rand::SystemRandom::new()).unwrap();
    let der = document.as_ref();
    (der[36..68].try_into().unwrap(), der[der.len() - 65..].try_into().unwrap())
}

fn der(scalar: &[u8], point: &[u8]) -> Vec<u8> {
    let mut der = vec![0x30, 0x77, 2, 1, 1, 4, 32];
    der.extend_from_slice(scalar);
    der.extend_from_slice(&[0xa0, 10, 6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7, 0xa1, 0x44, 3, 0x42, 0]);
    der.extend_from_slice(point);
    der
}

fn pem(der: &[u8]) -> String {
    let text = BASE64.encode(der);
    let lines: Vec<&str> = text.as_bytes().chunks(64).map(|line| str::from_utf8(line).unwrap()).collect();
    format!("-----BEGIN EC PRIVATE KEY-----\n{}\n-----END EC PRIVATE KEY-----\n", lines.join("\n"))
}

fn parsed(pem: &str) -> Result<ProofKey, &'static str> {
    ProofKey::parse(&Secret::new(pem.to_owned()))
}

fn renewed_at(url: &str, key: &ProofKey, bounds: Bounds) -> Result<FreshLogin, AwsError> {
    let given = Some(Sourced { value: url.into(), origin: Origin::Variable("AWS_ENDPOINT_URL") });
    let (partition, region, service) = (Partition::Aws, Region::parse("eu-west-1").unwrap(), Service::Login);
    let endpoint = resolve(&EndpointRequest { service, partition, region, fips: false, dualstack: false, given }, &[]);
    let client = LoginClient::new(endpoint.unwrap(), HttpSettings::default());
    let client = client.with_clock(|| Timestamp::from_unix(NOW));
    let (refresh_token, account) = (Secret::new(REFRESH.to_owned()), AccountId::parse("123456789012"));
    let account = account.as_ref();
    client.refresh(LoginGrant { client_id: CLIENT, refresh_token: &refresh_token, key, account }, bounds)
}

fn key() -> ProofKey {
    let (scalar, point) = halves();
    parsed(&pem(&der(&scalar, &point))).unwrap()
}

fn good() -> String {
    r#"{"accessToken":{"accessKeyId":"ASIACANARYCANARY1234","secretAccessKey":"canary/secret","sessionToken":"canary/token=="},
       "tokenType":"aws_sigv4","expiresIn":900,"refreshToken":"canary-next"}"#
        .into()
}

fn refusal(status: &str, name: &str, error: &str) -> Answer {
    let body = format!(r#"{{"error":"{error}","message":"no: {REFRESH}"}}"#);
    http(status, &format!("x-amzn-errortype: {name}\r\n"), &body)
}

fn assert_clean(error: &AwsError) {
    let text = format!("{error:?}");
    assert!(!text.contains("canary") && !error.cause.contains(['\n', '<']), "{text}");
}

#[test]
fn a_renewal_is_proved_with_the_key_for_this_url_and_once() {
    let server = Server::start(vec![http("200 OK", "", &good())]);
    let (scalar, point) = halves();
    let key = parsed(&pem(&der(&scalar, &point))).unwrap();
    let fresh = renewed_at(&server.url, &key, BOUNDS).unwrap();
    assert_eq!(fresh.session.token.expose(), "canary/token==");
    assert_eq!(fresh.session.expires, Timestamp::from_unix(NOW + 900));
    assert_eq!(fresh.session.account, AccountId::parse("123456789012"));
    assert_eq!(fresh.refresh_token.expose(), "canary-next");
    renewed_at(&server.url, &key, BOUNDS).unwrap();

    let mut unique = Vec::new();
    for request in server.requests() {
        let (head, body) = request.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("POST /v1/token HTTP/1.1\r\n"), "{head}");
        let body: Value = serde_json::from_str(body).unwrap();
        let sent = json!({"clientId": CLIENT, "grantType": "refresh_token", "refreshToken": REFRESH});
        assert_eq!(body, sent);

        let proof = head.lines().find_map(|line| line.strip_prefix("dpop: ")).unwrap();
        let (signed, signature) = proof.rsplit_once('.').unwrap();
        let signature = BASE64URL_NOPAD.decode(signature.as_bytes()).unwrap();
        UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).verify(signed.as_bytes(), &signature).unwrap();
        let [head, claims]: [Value; 2] = [0, 1].map(|at| {
            let part = BASE64URL_NOPAD.decode(signed.split('.').nth(at).unwrap().as_bytes()).unwrap();
            serde_json::from_slice(&part).unwrap()
        });
        let [x, y] = [&point[1..33], &point[33..]].map(|half| BASE64URL_NOPAD.encode(half));
        let expected = json!({"typ": "dpop+jwt", "alg": "ES256", "jwk": {"kty": "EC", "crv": "P-256", "x": x, "y": y}});
        assert_eq!(head, expected);
        let jti = claims["jti"].as_str().unwrap().to_owned();
        let expected = json!({"htm": "POST", "htu": format!("{}/v1/token", server.url), "iat": NOW, "jti": jti});
        assert_eq!(claims, expected);
        let is_uuid = jti.len() == 36 && jti.as_bytes()[14] == b'4' && b"89ab".contains(&jti.as_bytes()[19]);
        assert!(is_uuid, "{jti}");
        unique.push(jti);
    }
    assert!(unique.len() == 2 && unique[0] != unique[1], "{unique:?}");
}

#[test]
fn what_the_sign_in_refuses_is_told_apart() {
    use AwsErrorKind::*;
    for (status, name, error, kind, cause) in [
        (
            "400 Bad Request",
            "AccessDeniedException",
            "TOKEN_EXPIRED",
            SignedOut,
            "has expired or was ended (AWS sign-in at",
        ),
        (
            "403 Forbidden",
            "AccessDeniedException",
            "TOKEN_EXPIRED",
            SignedOut,
            "has expired or was ended (AWS sign-in at",
        ),
        ("401 Unauthorized", "", "TOKEN_EXPIRED", SignedOut, "has expired or was ended (AWS sign-in at"),
        ("401 Unauthorized", "", "invalid_grant", SignedOut, "has expired or was ended (AWS sign-in at"),
        (
            "400 Bad Request",
            "AccessDeniedException",
            "USER_CREDENTIALS_CHANGED",
            SignedOut,
            "was ended: the password or the MFA device has changed (AWS",
        ),
        (
            "403 Forbidden",
            "AccessDeniedException",
            "INSUFFICIENT_PERMISSIONS",
            Refused,
            "your user may not renew the sign-in",
        ),
        ("403 Forbidden", "AccessDeniedException", "CONFLICT", Refused, "CreateOAuth2Token is not allowed"),
        ("400 Bad Request", "ValidationException", "INVALID_REQUEST", Refused, "CreateOAuth2Token was not understood"),
        ("429 Too Many Requests", "TooManyRequestsError", "rate_exceeded", Unclear, "AWS sign-in at 127.0.0.1"),
        ("500 Internal Server Error", "InternalServerException", "server_error", Unclear, "AWS sign-in at 127.0.0.1"),
    ] {
        let server = Server::start(vec![refusal(status, name, error), http("200 OK", "", &good())]);
        let found = renewed_at(&server.url, &key(), BOUNDS).expect_err(error);
        assert_eq!((found.kind, server.requests().len()), (kind, 1), "{error}: {found:?}");
        assert!(found.cause.starts_with(cause), "{error}: {}", found.cause);
        assert_clean(&found);
    }
}

#[test]
fn a_renewal_is_sent_once_whatever_happens() {
    for (what, answer) in [
        ("dropped", Answer::Bytes(Vec::new())),
        ("cut", Answer::Bytes(b"HTTP/1.1 200 OK\r\ncontent-length: 5000\r\n\r\n{\"accessToken\":".to_vec())),
        ("503", http("503 Service Unavailable", "", "")),
        ("silence", Answer::Silence),
    ] {
        let server = Server::start(vec![answer, http("200 OK", "", &good())]);
        let error = renewed_at(&server.url, &key(), QUICK).expect_err(what);
        assert_eq!((error.kind, server.requests().len()), (AwsErrorKind::Unclear, 1), "{what}: {error:?}");
        assert_clean(&error);
    }
}

#[test]
fn answers_that_are_none_are_not_kept_and_not_shown() {
    let html = "<!doctype html><title>canary";
    for (what, answer) in [
        ("empty", http("200 OK", "", "")),
        ("html", http("200 OK", "", html)),
        ("html 403", http("403 Forbidden", "", html)),
        ("no credentials", http("200 OK", "", &good().replace("accessToken", "other"))),
        ("no secret", http("200 OK", "", &good().replace("secretAccessKey", "other"))),
        ("no refresh token", http("200 OK", "", &good().replace("refreshToken", "other"))),
        ("empty refresh token", http("200 OK", "", &good().replace("canary-next", ""))),
        ("a bad token", http("200 OK", "", &good().replace("canary/token", "canary token"))),
        ("expired", http("200 OK", "", &good().replace("900", "0"))),
        ("milliseconds", http("200 OK", "", &good().replace("900", "900000"))),
        ("a redirect", http("307 Temporary Redirect", "location: http://canary.invalid/\r\n", "")),
        ("10 MB", http("200 OK", "", &format!("{}{}", good(), " ".repeat(10 << 20)))),
    ] {
        let server = Server::start(vec![answer]);
        let error = renewed_at(&server.url, &key(), BOUNDS).expect_err(what);
        assert_eq!((error.kind, server.requests().len()), (AwsErrorKind::BadAnswer, 1), "{what}: {error:?}");
        assert_clean(&error);
    }
}

#[test]
fn keys_in_the_right_form_are_read_and_not_shown() {
    let (scalar, point) = halves();
    let text = pem(&der(&scalar, &point));
    let lines = text.replace('\n', "\r\n");
    let one_line = text.lines().filter(|line| !line.starts_with('-')).collect::<String>();
    let one_line = format!("-----BEGIN EC PRIVATE KEY-----\n{one_line}\n-----END EC PRIVATE KEY-----");
    for text in [text, lines, one_line] {
        assert_eq!(format!("{:?}", parsed(&text).unwrap()), "ProofKey(***)");
    }
}

#[test]
fn keys_in_any_other_form_are_refused() {
    let ((scalar, point), (other, _)) = (halves(), halves());
    let good = der(&scalar, &point);
    let changed = |at: usize, byte: u8| {
        let mut der = good.clone();
        der[at] = byte;
        pem(&der)
    };
    const NO_PEM: &str = "is not a PEM block 'EC PRIVATE KEY'";
    const NO_KEY: &str = "is not an EC private key on P-256 with its public half";
    const TWO: &str = "has two halves that do not belong together";
    let without_public = [&[0x30, 0x31][..], &good[2..51]].concat();
    let long_form = [&[0x30, 0x81, 0x77][..], &good[2..]].concat();
    for (what, text, why) in [
        ("nothing", String::new(), NO_PEM),
        ("a text", "canary".into(), NO_PEM),
        ("PKCS #8", pem(&good).replace("EC PRIVATE", "PRIVATE"), NO_PEM),
        ("no base64", pem(&good).replace("MHcC", "MH!C"), NO_PEM),
        ("two keys", pem(&good) + &pem(&good), NO_PEM),
        ("an encrypted key", pem(&good).replacen('\n', "\nProc-Type: 4,ENCRYPTED\n", 1), NO_PEM),
        ("no DER", pem(b"canary"), NO_KEY),
        ("nothing inside", pem(b""), NO_KEY),
        ("cut", pem(&good[..good.len() - 1]), NO_KEY),
        ("a byte more", pem(&[&good[..], &[0]].concat()), NO_KEY),
        ("without its public half", pem(&without_public), NO_KEY),
        ("a length in its long form", pem(&long_form), NO_KEY),
        ("version 2", changed(4, 2), NO_KEY),
        ("another curve", changed(50, 8), NO_KEY),
        ("a compressed point", changed(56, 2), NO_KEY),
        ("the key of another", pem(&der(&other, &point)), TWO),
        ("a number out of range", pem(&der(&[0xff; 32], &point)), TWO),
        ("a point beside the curve", pem(&der(&scalar, &[4; 65])), TWO),
    ] {
        assert_eq!(parsed(&text).err(), Some(why), "{what}");
    }
}
