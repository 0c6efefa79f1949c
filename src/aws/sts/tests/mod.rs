//! The client against servers that do one thing wrong each (threat-model F30–F34, F38). No TLS here: the sandbox's
//! tests have it.

mod web_identity;

use std::io::Write;
use std::net::TcpListener;
use std::time::Instant;

use std::time::Duration;

use super::*;
use crate::arn::{MfaSerial, Partition, RoleArn};
use crate::aws::AwsErrorKind;
use crate::aws::call::{Bounds, Signer};
use crate::aws::canned::{Answer, Server, http, read_request};
use crate::aws::endpoint::{EndpointRequest, Service, resolve};
use crate::aws::error::AwsError;
use crate::aws::http::HttpSettings;
use crate::credentials::AccessKey;
use crate::credentials::AccessKeyId;
use crate::credentials::Session;
use crate::names::{MfaCode, SessionName};
use crate::origin::{Origin, Sourced};
use crate::role::RoleRequest;
use crate::secret::Secret;
use crate::system::env::Env;
use crate::timestamp::Timestamp;

const NOW: i64 = 1_927_629_296;
const QUICK: Bounds = Bounds { connect: Duration::from_secs(1), total: Duration::from_secs(2) };

impl Server {
    fn client(&self) -> StsClient {
        client_at(&self.url, &[], &Env::default())
    }
}

fn token_xml(expires: &str) -> String {
    format!(
        "<GetSessionTokenResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><GetSessionTokenResult><Credentials>\
         <AccessKeyId>ASIACANARYCANARY1234</AccessKeyId><SecretAccessKey>canary/secret</SecretAccessKey>\
         <SessionToken>canary/token==</SessionToken><Expiration>{expires}</Expiration></Credentials>\
         </GetSessionTokenResult></GetSessionTokenResponse>"
    )
}

/// An answer as it should be: an hour from [`NOW`].
fn good() -> Answer {
    http("200 OK", "", &token_xml("2031-01-31T13:34:56Z"))
}

fn error(status: &str, code: &str, message: &str) -> Answer {
    let body = format!("<ErrorResponse><Error><Code>{code}</Code><Message>{message}</Message></Error></ErrorResponse>");
    http(status, "", &body)
}

fn client_at(url: &str, allow: &[&str], env: &Env) -> StsClient {
    let request = EndpointRequest {
        service: Service::Sts,
        partition: Partition::Aws,
        region: crate::names::Region::parse("eu-west-1").unwrap(),
        fips: false,
        dualstack: false,
        given: (!url.is_empty())
            .then(|| Sourced { value: url.into(), origin: Origin::Variable("AWS_ENDPOINT_URL_STS") }),
    };
    let allow: Vec<String> = allow.iter().map(ToString::to_string).collect();
    let endpoint = resolve(&request, &allow).unwrap();
    let http = HttpSettings::from_env(env, &endpoint).unwrap();
    StsClient::new(endpoint, http).with_clock(|| Timestamp::from_unix(NOW))
}

fn key() -> AccessKey {
    AccessKey {
        id: AccessKeyId::parse("AKIAIOSFODNN7EXAMPLE").unwrap(),
        secret: Secret::new("longlived/canary/secret".into()),
    }
}

fn with_code(client: &StsClient, bounds: Bounds) -> Result<Session, AwsError> {
    let serial = MfaSerial::parse("arn:aws:iam::123456789012:mfa/ana").unwrap();
    let code = MfaCode::parse("493817").unwrap();
    let mfa = Some(Mfa { serial: &serial, code: &code });
    client.get_session_token(Signer::Key(&key()), mfa, Duration::from_secs(3600), bounds)
}

fn without_code(client: &StsClient, bounds: Bounds) -> Result<Session, AwsError> {
    client.get_session_token(Signer::Key(&key()), None, Duration::from_secs(3600), bounds)
}

fn assert_clean(error: &AwsError) {
    let text = format!("{error:?}");
    assert!(!text.contains("canary") && !text.contains("493817"), "{text}");
    assert!(!error.cause.contains(['\n', '<']), "{text}");
}

#[test]
fn a_good_answer_becomes_a_session() {
    let server = Server::start(vec![good()]);
    let client = server.client();
    let session = with_code(&client, QUICK).unwrap();
    assert_eq!(session.access_key_id.as_str(), "ASIACANARYCANARY1234");
    assert_eq!(session.token.expose(), "canary/token==");
    assert_eq!(session.expires, Timestamp::from_unix(NOW + 3600));
    assert_eq!(session.account.unwrap().as_str(), "123456789012");
    let request = &server.requests()[0];
    for part in
        ["DurationSeconds=3600", "SerialNumber=arn%3Aaws%3Aiam%3A%3A123456789012%3Amfa%2Fana", "TokenCode=493817"]
    {
        assert!(request.contains(part), "{request}");
    }
    assert!(request.contains("x-amz-date: 20310131T123456Z"), "signed with the clock that was given: {request}");
    assert!(request.contains("/eu-west-1/sts/aws4_request"), "{request}");
    assert!(!format!("{client:?}").contains("canary"));
}

#[test]
fn a_role_is_sent_whole() {
    let server = Server::start(vec![error("403 Forbidden", "AccessDenied", "no")]);
    let request = RoleRequest {
        role: RoleArn::parse("arn:aws:iam::123456789012:role/Admin").unwrap(),
        session_name: SessionName::parse("ana").unwrap(),
        external_id: Some(crate::names::ExternalId::parse("contract-7").unwrap()),
        source_identity: Some(crate::names::SourceIdentity::parse("ana.m").unwrap()),
        tags: vec![crate::names::Tag::parse("team=red").unwrap()],
        transitive_tags: vec!["team".into()],
        policy_arns: vec!["arn:aws:iam::aws:policy/ReadOnlyAccess".into()],
        duration: Duration::from_secs(900),
    };
    let error = server.client().assume_role(Signer::Key(&key()), &request, None, QUICK).unwrap_err();
    assert_eq!(error.kind, AwsErrorKind::Denied);
    let sent = &server.requests()[0];
    for part in [
        "Action=AssumeRole",
        "RoleArn=arn%3Aaws%3Aiam%3A%3A123456789012%3Arole%2FAdmin",
        "RoleSessionName=ana",
        "ExternalId=contract-7",
        "SourceIdentity=ana.m",
        "Tags.member.1.Key=team",
        "Tags.member.1.Value=red",
        "TransitiveTagKeys.member.1=team",
        "PolicyArns.member.1.arn=arn%3Aaws%3Aiam%3A%3Aaws%3Apolicy%2FReadOnlyAccess",
        "DurationSeconds=900",
    ] {
        assert!(sent.contains(part), "{part} in {sent}");
    }
    assert!(!sent.contains("TokenCode") && !sent.contains("SerialNumber"));
}

#[test]
fn trouble_after_a_code_was_sent_is_unclear_and_sent_once() {
    let cut = Answer::Bytes(b"HTTP/1.1 200 OK\r\ncontent-length: 5000\r\n\r\n<GetSessionTokenResponse>".to_vec());
    for (what, answer) in [
        ("dropped", Answer::Bytes(Vec::new())),
        ("cut in the head", Answer::Bytes(b"HTTP/1.1 200 O".to_vec())),
        ("cut in the body", cut),
        ("500", http("500 Internal Server Error", "", "")),
        ("503", error("503 Service Unavailable", "ServiceUnavailable", "x")),
        ("throttled", error("400 Bad Request", "Throttling", "Rate exceeded")),
        ("silence", Answer::Silence),
    ] {
        let server = Server::start(vec![answer, good()]);
        let begun = Instant::now();
        let error = with_code(&server.client(), QUICK).expect_err(what);
        assert_eq!(error.kind, AwsErrorKind::Unclear, "{what}: {error:?}");
        assert_eq!(server.requests().len(), 1, "{what}");
        assert!(error.shown_hints().iter().any(|hint| hint.contains("counts as used")), "{what}: {error:?}");
        assert!(error.cause.contains("127.0.0.1") && begun.elapsed() < Duration::from_secs(4), "{what}: {error:?}");
        assert_clean(&error);
    }
}

#[test]
fn trouble_without_a_code_is_tried_up_to_three_times() {
    let wide = Bounds { connect: Duration::from_secs(3), total: Duration::from_secs(10) };
    for (what, answer) in [
        ("dropped", Answer::Bytes(Vec::new())),
        ("503", http("503 Service Unavailable", "", "")),
        ("throttled", error("400 Bad Request", "Throttling", "Rate exceeded")),
    ] {
        let server = Server::start(vec![answer.clone(), good()]);
        without_code(&server.client(), wide).expect(what);
        assert_eq!(server.requests().len(), 2, "{what}");
        let server = Server::start(vec![answer]);
        let error = without_code(&server.client(), wide).expect_err(what);
        assert_eq!((error.kind, server.requests().len()), (AwsErrorKind::Unclear, 3), "{what}");
    }
}

#[test]
fn answers_that_are_none_are_not_kept_and_not_shown() {
    let html = "<!doctype html><title>canary</title><p>please log in";
    let page = http("200 OK", "content-type: text/html\r\n", html);
    let missing = token_xml("2031-01-31T13:34:56Z").replace("canary/token==", "");
    for (what, answer) in [
        ("empty", http("200 OK", "", "")),
        ("html", page),
        ("broken xml", http("200 OK", "", "<GetSessionTokenResponse><GetSessionTokenResult><Cred")),
        ("other xml", http("200 OK", "", "<canary/>")),
        ("no token", http("200 OK", "", &missing)),
        ("ended", http("200 OK", "", &token_xml("2031-01-31T12:34:56Z"))),
        ("too long", http("200 OK", "", &token_xml("2031-02-01T13:34:56Z"))),
        ("no date", http("200 OK", "", &token_xml("soon"))),
        ("redirect", http("302 Found", "location: http://canary.invalid/\r\n", "")),
        ("html 403", http("403 Forbidden", "", html)),
        ("not http", Answer::Bytes(b"220 smtp ready\r\n".to_vec())),
    ] {
        let server = Server::start(vec![answer]);
        let error = with_code(&server.client(), QUICK).expect_err(what);
        let kinds = if what == "not http" { AwsErrorKind::Unclear } else { AwsErrorKind::BadAnswer };
        assert_eq!(error.kind, kinds, "{what}: {error:?}");
        assert_eq!(server.requests().len(), 1, "{what}");
        assert_clean(&error);
    }
}

#[test]
fn ten_megabytes_are_not_read() {
    let body = format!("{}{}", token_xml("2031-01-31T13:34:56Z"), " ".repeat(10 << 20));
    let unannounced = Answer::Bytes(format!("HTTP/1.1 200 OK\r\n\r\n{body}").into());
    for answer in [http("200 OK", "", &body), unannounced] {
        let server = Server::start(vec![answer]);
        let error = with_code(&server.client(), QUICK).unwrap_err();
        assert_eq!(error.kind, AwsErrorKind::BadAnswer);
        assert!(error.cause.ends_with("it is too long"), "{}", error.cause);
    }
}

#[test]
fn an_answer_in_drops_ends_at_the_bound() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        let (mut socket, _) = listener.accept().unwrap();
        read_request(&mut socket);
        let _ = socket.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 5000\r\n\r\n");
        while socket.write_all(b" ").is_ok() {
            std::thread::sleep(Duration::from_millis(50));
        }
    });
    let begun = Instant::now();
    let error = with_code(&client_at(&url, &[], &Env::default()), QUICK).unwrap_err();
    assert_eq!(error.kind, AwsErrorKind::Unclear);
    assert!(error.cause.ends_with("did not answer within 2 s"), "{}", error.cause);
    assert!(begun.elapsed() < Duration::from_secs(4));
}

#[test]
fn a_clock_that_differs_is_named_and_costs_no_success() {
    let behind = "date: Fri, 31 Jan 2031 12:54:56 GMT\r\n";
    let good = http("200 OK", behind, &token_xml("2031-01-31T13:34:56Z"));
    let expired = "Signature expired: 20310131T123456Z is now earlier than 20310131T123956Z";
    let Answer::Bytes(refused) = error("403 Forbidden", "SignatureDoesNotMatch", expired) else { unreachable!() };
    let refused =
        String::from_utf8(refused).unwrap().replace("connection: close", &format!("{behind}connection: close"));
    let server = Server::start(vec![good, Answer::Bytes(refused.into())]);
    let client = server.client();
    with_code(&client, QUICK).expect("a wrong Date beside a right answer");
    let error = without_code(&client, QUICK).unwrap_err();
    assert_eq!((error.kind, server.requests().len()), (AwsErrorKind::Refused, 2), "not sent again with another clock");
    let named = "this machine's clock is 20m slow: 2031-01-31T12:34:56Z here, 2031-01-31T12:54:56Z at STS at 127.0.0.1";
    assert!(error.cause.starts_with(named), "{}", error.cause);
}

#[test]
fn a_name_nobody_knows_is_not_sent() {
    let client = client_at("https://sts.twolock.invalid", &["sts.twolock.invalid"], &Env::default());
    let begun = Instant::now();
    let error = with_code(&client, Bounds::CALL).unwrap_err();
    assert_eq!(error.kind, AwsErrorKind::NotSent);
    let said = "STS at sts.twolock.invalid, not AWS, could not be resolved";
    assert!(error.cause.starts_with(said), "{}", error.cause);
    assert!(begun.elapsed() < Bounds::CALL.connect);
}

#[test]
fn a_port_where_nobody_listens_is_not_sent() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    for url in [format!("http://{free}"), format!("https://{free}"), format!("http://localhost:{}", free.port())] {
        let client = client_at(&url, &[], &Env::default());
        let error = with_code(&client, QUICK).unwrap_err();
        assert_eq!(error.kind, AwsErrorKind::NotSent, "{error:?}");
        assert!(error.cause.ends_with(", not AWS, refused the connection"), "{}", error.cause);
        assert_eq!(without_code(&client, QUICK).unwrap_err().kind, AwsErrorKind::NotSent);
    }
}

#[test]
fn a_handshake_that_never_ends_is_not_sent_within_the_connect_bound() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let client = client_at(&format!("https://{}", listener.local_addr().unwrap()), &[], &Env::default());
    let begun = Instant::now();
    for error in [with_code(&client, QUICK), without_code(&client, QUICK)].map(Result::unwrap_err) {
        assert_eq!(error.kind, AwsErrorKind::NotSent);
        assert!(error.cause.ends_with("did not answer within 1 s"), "{}", error.cause);
    }
    assert!(begun.elapsed() < Duration::from_secs(4), "a connection is tried once, not three times");
}

#[test]
fn one_that_speaks_no_tls_is_not_sent() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("https://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || listener.accept().unwrap().0.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").unwrap());
    let error = with_code(&client_at(&url, &[], &Env::default()), QUICK).unwrap_err();
    assert_eq!(error.kind, AwsErrorKind::NotSent, "{error:?}");
    assert!(error.cause.contains("not AWS, was not trusted"), "{}", error.cause);
}

#[test]
fn localhost_is_this_machine_by_both_addresses() {
    let server = Server::start(vec![good()]);
    let url = server.url.replace("127.0.0.1", "localhost");
    with_code(&client_at(&url, &[], &Env::default()), QUICK).unwrap();
    // Below the ports that the system chooses: another test may listen at 127.0.0.1 on one of those.
    let is_free = |port: &u16| TcpListener::bind(("127.0.0.1", *port)).is_ok();
    let listener = (20_000..20_100).filter(is_free).find_map(|port| TcpListener::bind(("::1", port)).ok());
    let Some(listener) = listener else { return eprintln!("skipped: no IPv6 here") };
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        let (mut socket, _) = listener.accept().unwrap();
        read_request(&mut socket);
        let Answer::Bytes(bytes) = good() else { unreachable!() };
        socket.write_all(&bytes).unwrap();
    });
    with_code(&client_at(&format!("http://localhost:{port}"), &[], &Env::default()), QUICK).unwrap();
}

#[test]
fn a_dead_proxy_is_named_with_its_variable_and_without_its_password() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    for (variable, value) in [
        ("HTTPS_PROXY", format!("http://{free}")),
        ("https_proxy", format!("http://ana:canary@{free}")),
        ("ALL_PROXY", free.to_string()),
    ] {
        let client = client_at("", &[], &Env::of([(variable, value)]));
        let error = with_code(&client, QUICK).unwrap_err();
        assert_eq!(error.kind, AwsErrorKind::NotSent);
        assert_eq!(error.cause, format!("proxy {free} ({variable}) refused the connection"));
        assert!(error.shown_hints()[0].ends_with("NO_PROXY=sts.eu-west-1.amazonaws.com"), "{:?}", error.shown_hints());
        assert!(!format!("{client:?}{error:?}").contains("canary"));
    }
}

#[test]
fn a_proxy_that_refuses_is_named_and_the_code_is_unused() {
    for (answer, said) in [
        ("HTTP/1.1 407 Proxy Authentication Required\r\n\r\n", "requires a user name and password"),
        ("HTTP/1.1 502 Bad Gateway\r\n\r\n", "refused to connect to it"),
        ("", "closed the connection"),
    ] {
        let proxy = Server::start(vec![Answer::Bytes(answer.into())]);
        let client = client_at("", &[], &Env::of([("HTTPS_PROXY", proxy.url.as_str())]));
        let error = with_code(&client, QUICK).unwrap_err();
        assert_eq!(error.kind, AwsErrorKind::NotSent, "{error:?}");
        let shown = proxy.url.strip_prefix("http://").unwrap();
        assert_eq!(error.cause, format!("proxy {shown} (HTTPS_PROXY) {said}"));
        assert!(proxy.requests()[0].starts_with("CONNECT sts.eu-west-1.amazonaws.com:443 "), "{:?}", proxy.requests());
        assert!(!proxy.requests()[0].contains("493817"));
    }
}

#[test]
fn a_silent_proxy_is_named() {
    let proxy = Server::start(vec![Answer::Silence]);
    let client = client_at("", &[], &Env::of([("HTTPS_PROXY", proxy.url.as_str())]));
    let error = with_code(&client, QUICK).unwrap_err();
    assert_eq!(error.kind, AwsErrorKind::NotSent);
    let shown = proxy.url.strip_prefix("http://").unwrap();
    let said = format!("sts.eu-west-1.amazonaws.com did not answer within 1 s through proxy {shown} (HTTPS_PROXY)");
    assert_eq!(error.cause, said);
}

#[test]
fn no_proxy_is_obeyed_and_loopback_is_never_proxied() {
    let proxy = Server::start(vec![Answer::Silence]);
    let env =
        |no_proxy| Env::of([("HTTPS_PROXY", proxy.url.as_str()), ("ALL_PROXY", &proxy.url), ("NO_PROXY", no_proxy)]);
    for no_proxy in ["sts.twolock.invalid", ".twolock.invalid", "x.example, twolock.invalid", "*"] {
        let client = client_at("https://sts.twolock.invalid", &["sts.twolock.invalid"], &env(no_proxy));
        let error = with_code(&client, QUICK).unwrap_err();
        assert!(
            error.cause.starts_with("STS at sts.twolock.invalid, not AWS, could not be resolved"),
            "{}",
            error.cause
        );
    }
    let server = Server::start(vec![good()]);
    with_code(&client_at(&server.url, &[], &env("x.example")), QUICK).unwrap();
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let error = with_code(&client_at(&format!("https://{free}"), &[], &env("x.example")), QUICK).unwrap_err();
    assert!(error.cause.starts_with(&format!("STS at {free}, not AWS, refused")), "{}", error.cause);
    assert_eq!(proxy.requests().len(), 0);
}

#[test]
fn a_proxy_that_cannot_be_used_is_a_failure_without_its_password() {
    let client = client_at("", &[], &Env::default());
    for value in ["socks5://ana:canary@127.0.0.1:1080", "http://", "ftp://x", "http://ana:canary @x"] {
        let failure = HttpSettings::from_env(&Env::of([("ALL_PROXY", value)]), client.endpoint()).unwrap_err();
        assert_eq!(failure.cause, "ALL_PROXY names a proxy that cannot be used");
        assert!(!format!("{failure:?}").contains("canary"));
    }
}

#[test]
fn a_certificate_file_that_is_none_is_a_failure_naming_it() {
    let aws = client_at("", &[], &Env::default());
    let directory = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &[u8]| {
        let path = directory.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_string_lossy().into_owned()
    };
    let noise = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    for (path, why) in [
        (directory.path().join("missing.pem").to_string_lossy().into_owned(), "cannot be read"),
        (directory.path().to_string_lossy().into_owned(), "cannot be read: it is not a regular file"),
        ("/dev/zero".into(), if cfg!(windows) { "cannot be read" } else { "cannot be read: it is not a regular file" }),
        (write("empty.pem", b""), "contains no certificate"),
        (write("text.pem", b"hello"), "contains no certificate"),
        (write("noise.pem", noise), "contains no certificate"),
        (write("open.pem", b"-----BEGIN CERTIFICATE-----\nMIIB"), "contains no certificate"),
        (write("bytes.pem", &[0xff; 100]), "contains no certificate"),
        (write("large.pem", &vec![b'x'; 2 << 20]), "cannot be read: it is larger than 1 MiB"),
    ] {
        let failure = HttpSettings::from_env(&Env::of([("AWS_CA_BUNDLE", &path)]), aws.endpoint()).unwrap_err();
        assert_eq!(failure.kind, crate::error::Kind::Config);
        assert!(failure.cause.starts_with(&format!("AWS_CA_BUNDLE names '{path}', which {why}")), "{}", failure.cause);
    }
}

#[test]
fn warming_up_connects_to_nobody() {
    let server = Server::start(vec![good()]);
    let client = server.client();
    client.warm_up();
    with_code(&client, QUICK).unwrap();
    assert_eq!(server.requests().len(), 1);
}
