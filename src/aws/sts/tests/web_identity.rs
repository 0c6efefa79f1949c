//! AssumeRoleWithWebIdentity against servers that answer right, refuse, or do one thing wrong (threat-model F31, F34).

use super::*;
const IDENTITY: &str = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJjYW5hcnkifQ.canarycanarycanary";

fn web_identity(client: &StsClient) -> Result<Session, AwsError> {
    let mut request = RoleRequest::plain(
        RoleArn::parse("arn:aws:iam::123456789012:role/Admin").unwrap(),
        SessionName::parse("ana").unwrap(),
        Duration::from_secs(3600),
    );
    request.policy_arns = vec!["arn:aws:iam::aws:policy/ReadOnlyAccess".into()];
    let wide = Bounds { connect: Duration::from_secs(3), total: Duration::from_secs(10) };
    client.assume_role_with_web_identity(&Secret::new(IDENTITY.into()), &request, wide)
}

fn web_identity_xml(expires: &str, arn: &str) -> String {
    let user = format!("<AssumedRoleUser><Arn>{arn}</Arn><AssumedRoleId>AROA:ana</AssumedRoleId></AssumedRoleUser>");
    let whole = token_xml(expires).replace("GetSessionToken", "AssumeRoleWithWebIdentity");
    whole.replace("</Credentials>", &format!("</Credentials>{user}"))
}

const ANA: &str = "arn:aws:sts::123456789012:assumed-role/Admin/ana";

#[test]
fn a_web_identity_is_sent_unsigned_and_becomes_a_session_of_the_role() {
    let server = Server::start(vec![http("200 OK", "", &web_identity_xml("2031-01-31T13:34:56Z", ANA))]);
    let session = web_identity(&server.client()).unwrap();
    assert_eq!(
        (session.token.expose().as_str(), session.account.unwrap().as_str()),
        ("canary/token==", "123456789012")
    );
    assert_eq!(session.expires, Timestamp::from_unix(NOW + 3600));
    let sent = &server.requests()[0];
    for part in [
        "Action=AssumeRoleWithWebIdentity",
        "RoleArn=arn%3Aaws%3Aiam%3A%3A123456789012%3Arole%2FAdmin",
        "RoleSessionName=ana",
        "DurationSeconds=3600",
        "PolicyArns.member.1.arn=arn%3Aaws%3Aiam%3A%3Aaws%3Apolicy%2FReadOnlyAccess",
        &format!("WebIdentityToken={IDENTITY}"),
    ] {
        assert!(sent.contains(part), "{part} in {sent}");
    }
    let head = sent.to_ascii_lowercase();
    assert!(!head.contains("authorization") && !head.contains("x-amz-security-token"), "{sent}");
}

#[test]
fn refusals_of_a_web_identity_name_the_next_step_and_never_the_token() {
    use AwsErrorKind::*;
    for (status, code, kind, cause, hint, times) in [
        ("400 Bad Request", "ExpiredTokenException", Refused, "the web identity token has expired", "renew it?", 1),
        (
            "400 Bad Request",
            "InvalidIdentityToken",
            Refused,
            "the web identity token was not accepted",
            "123456789012",
            1,
        ),
        (
            "403 Forbidden",
            "IDPRejectedClaim",
            Refused,
            "the identity provider rejected the web identity",
            "renew it?",
            1,
        ),
        ("400 Bad Request", "IDPCommunicationError", Unclear, "STS at 127.0.0.1", "try again in a moment", 3),
        (
            "403 Forbidden",
            "AccessDenied",
            Denied,
            "not allowed to assume arn:aws:iam::123456789012:role/Admin",
            "trust policy",
            1,
        ),
        ("403 Forbidden", "RegionDisabledException", Refused, "STS is not activated in eu-west-1", "region", 1),
        ("400 Bad Request", "PackedPolicyTooLarge", Refused, "tags and policies are too large", "fewer", 1),
        ("503 Service Unavailable", "ServiceUnavailable", Unclear, "STS at 127.0.0.1", "try again", 3),
    ] {
        let server = Server::start(vec![error(status, code, &format!("no: {IDENTITY}"))]);
        let error = web_identity(&server.client()).expect_err(code);
        assert_eq!((error.kind, server.requests().len()), (kind, times), "{code}: {error:?}");
        assert!(error.cause.starts_with(cause), "{code}: {}", error.cause);
        assert!(error.shown_hints()[0].contains(hint), "{code}: {:?}", error.shown_hints());
        assert_clean(&error);
    }
}

#[test]
fn answers_to_a_web_identity_are_checked_as_those_of_a_role() {
    let other = ANA.replace("123456789012", "999999999999");
    for (what, body) in [
        ("another account", web_identity_xml("2031-01-31T13:34:56Z", &other)),
        ("another role", web_identity_xml("2031-01-31T13:34:56Z", &ANA.replace("Admin", "Root"))),
        ("ended", web_identity_xml("2031-01-31T12:34:56Z", ANA)),
        ("too long", web_identity_xml("2031-02-01T13:34:56Z", ANA)),
        ("no token", web_identity_xml("2031-01-31T13:34:56Z", ANA).replace("canary/token==", "")),
        ("html", "<!doctype html><title>canary".to_owned()),
        ("empty", String::new()),
    ] {
        let server = Server::start(vec![http("200 OK", "", &body)]);
        let error = web_identity(&server.client()).expect_err(what);
        assert_eq!((error.kind, server.requests().len()), (AwsErrorKind::BadAnswer, 1), "{what}: {error:?}");
        assert_clean(&error);
    }
}
