//! AWS's words and what they mean: a table a code, with the messages as AWS writes them.

use std::time::Duration;

use super::*;
use crate::arn::{MfaSerial, Partition, RoleArn};
use crate::aws::clocks::Clocks;
use crate::aws::endpoint::Endpoint;
use crate::aws::endpoint::{EndpointRequest, Service, resolve};
use crate::aws::error::AwsError;
use crate::aws::failure::{self, Outcome};
use crate::aws::wire::{End, Obstacle, Seen};
use crate::credentials::{AccessKey, AccessKeyId, Session};
use crate::names::{ExternalId, MfaCode, Region, SessionName};
use crate::origin::{Origin, Sourced};
use crate::secret::Secret;
use crate::timestamp::Timestamp;

const NOW: i64 = 1_927_629_296;
const SECRET: &str = "canary/secret+key/0123456789";
const TOKEN: &str = "canaryTOKENcanary/TOKEN+canary==";
const SIGNATURE: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

/// One world for all tables.
struct World {
    key: AccessKey,
    session: Session,
    device: MfaSerial,
    code: MfaCode,
    role: RoleRequest,
    aws: Endpoint,
    sandbox: Endpoint,
}

impl World {
    fn new() -> Self {
        let id = |id| AccessKeyId::parse(id).unwrap();
        let request = EndpointRequest {
            service: Service::Sts,
            partition: Partition::Aws,
            region: Region::parse("eu-west-1").unwrap(),
            fips: false,
            dualstack: false,
            given: None,
        };
        let local = Sourced { value: "http://127.0.0.1:4566".into(), origin: Origin::Variable("AWS_ENDPOINT_URL") };
        Self {
            key: AccessKey { id: id("AKIAIOSFODNN7EXAMPLE"), secret: Secret::new(SECRET.into()) },
            session: Session {
                access_key_id: id("ASIAIOSFODNN7EXAMPLE"),
                secret: Secret::new(SECRET.into()),
                token: Secret::new(TOKEN.into()),
                expires: Timestamp::from_unix(NOW + 3600),
                account: None,
            },
            device: MfaSerial::parse("arn:aws:iam::123456789012:mfa/ana").unwrap(),
            code: MfaCode::parse("493817").unwrap(),
            role: RoleRequest::plain(
                RoleArn::parse("arn:aws:iam::123456789012:role/Admin").unwrap(),
                SessionName::parse("ana").unwrap(),
                Duration::from_secs(7200),
            ),
            aws: resolve(&request, &[]).unwrap(),
            sandbox: resolve(&EndpointRequest { given: Some(local), ..request }, &[]).unwrap(),
        }
    }

    fn token_call(&self) -> StsCall<'_> {
        let (signer, codes) = (Some(Signer::Key(&self.key)), [Some(&self.code), None]);
        let (action, endpoint) = ("GetSessionToken", &self.aws);
        let common = Call { action, signer, carried: &[], codes, once: true, endpoint, proxy: None };
        StsCall { common, mfa: Some(Mfa { serial: &self.device, code: &self.code }), role: None }
    }

    fn role_call(&self) -> StsCall<'_> {
        let common = Call {
            action: "AssumeRole",
            signer: Some(Signer::Session(&self.session)),
            codes: [None; 2],
            once: false,
            ..self.token_call().common
        };
        StsCall { common, mfa: None, role: Some(&self.role) }
    }
}

fn clocks(apart: i64) -> Clocks {
    Clocks { ours: Timestamp::from_unix(NOW), theirs: Some(Timestamp::from_unix(NOW + apart)) }
}

fn seen(status: u16) -> Seen {
    Seen {
        end: Some(End::Answered(status)),
        sent: true,
        date: None,
        signature: Some(Secret::new(SIGNATURE.to_owned())),
    }
}

fn said(call: &StsCall<'_>, code: &str, message: &str) -> AwsError {
    failure::failed(call, Outcome::Said { code: code.into(), message: message.into() }, &seen(403), clocks(0))
}

#[test]
fn wrong_code_asks_again_and_says_why() {
    let world = World::new();
    for message in [
        "MultiFactorAuthentication failed with invalid MFA one time pass code. ",
        "MultiFactorAuthentication failed with invalid MFA one time pass code",
    ] {
        let error = said(&world.token_call(), "AccessDenied", message);
        assert_eq!(error.kind, AwsErrorKind::WrongCode);
        assert_eq!(error.cause, "the code was refused by STS: wrong, already used, or from another device");
    }
}

#[test]
fn codes_of_aws_and_what_they_mean() {
    use AwsErrorKind::*;
    let world = World::new();
    let root = "Roles may not be assumed by root accounts.";
    let chained = "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining.";
    let maximum = "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.";
    let device = "MultiFactorAuthentication failed, unable to validate MFA code.  Please verify your MFA serial number is valid and associated with this user.";
    let both = "MultiFactorAuthentication failed, must provide both MFA serial number and one time pass code.";
    let policy = "User: arn:aws:iam::123456789012:user/ana is not authorized to perform: sts:AssumeRole on resource: x";
    let invalid = "The security token included in the request is invalid";
    let expired = "The security token included in the request is expired";
    let mismatch = "The request signature we calculated does not match the signature you provided.";
    for (call, code, message, kind, begin) in [
        (
            world.token_call(),
            "AccessDenied",
            device,
            Missing,
            "device 'arn:aws:iam::123456789012:mfa/ana' was refused: ",
        ),
        (world.token_call(), "AccessDenied", both, Refused, "GetSessionToken needs both a device and a code"),
        (
            world.token_call(),
            "AccessDenied",
            "Cannot call GetSessionToken with session credentials",
            Refused,
            "access key AKIAIOSFODNN7EXAMPLE is temporary",
        ),
        (world.role_call(), "AccessDenied", root, Refused, "root cannot assume roles"),
        (
            world.role_call(),
            "AccessDenied",
            policy,
            Denied,
            "not allowed to assume arn:aws:iam::123456789012:role/Admin",
        ),
        (
            world.role_call(),
            "AccessDeniedException",
            policy,
            Denied,
            "not allowed to assume arn:aws:iam::123456789012:role/Admin",
        ),
        (world.token_call(), "AccessDenied", "no", Refused, "GetSessionToken is not allowed"),
        (
            world.token_call(),
            "InvalidClientTokenId",
            invalid,
            Refused,
            "access key AKIAIOSFODNN7EXAMPLE is unknown, inactive or deleted in partition aws",
        ),
        (world.role_call(), "InvalidClientTokenId", invalid, StaleSession, "AWS no longer knows the session"),
        (world.role_call(), "ExpiredToken", expired, StaleSession, "the session has expired"),
        (world.role_call(), "ExpiredTokenException", expired, StaleSession, "the session has expired"),
        (world.token_call(), "ExpiredToken", expired, Refused, "the session has expired"),
        (
            world.token_call(),
            "SignatureDoesNotMatch",
            mismatch,
            Refused,
            "the secret key of AKIAIOSFODNN7EXAMPLE does not match",
        ),
        (world.role_call(), "SignatureDoesNotMatch", mismatch, StaleSession, "the session's signature was refused"),
        (
            world.role_call(),
            "ValidationError",
            chained,
            Refused,
            "a role assumed from a session lasts at most 1h, not 2h",
        ),
        (world.role_call(), "ValidationError", maximum, Refused, "the role does not allow sessions of 2h"),
        (
            world.role_call(),
            "ValidationError",
            "1 validation error detected: Value 'x' at 'roleSessionName' failed",
            Refused,
            "AssumeRole was not understood",
        ),
        (world.role_call(), "PackedPolicyTooLarge", "x", Refused, "tags and policies are too large together"),
        (world.role_call(), "PackedPolicyTooLargeException", "x", Refused, "tags and policies are too large together"),
        (world.role_call(), "MalformedPolicyDocument", "x", Refused, "a policy was not accepted"),
        (
            world.role_call(),
            "RegionDisabledException",
            "STS is not activated in this region for account:1",
            Refused,
            "STS is not activated in eu-west-1 for this account",
        ),
        (world.role_call(), "Throttling", "Rate exceeded", Unclear, "STS is temporarily unavailable"),
        (world.role_call(), "ThrottlingException", "Rate exceeded", Unclear, "STS is temporarily unavailable"),
        (world.role_call(), "Brandnew", "never seen", Refused, "AssumeRole was refused (STS: Brandnew: never seen)"),
        (world.role_call(), "Brandnew", "", Refused, "AssumeRole was refused (STS: Brandnew)"),
    ] {
        let error = said(&call, code, message);
        assert_eq!(error.kind, kind, "{code}: {message}");
        assert!(error.cause.starts_with(begin), "{}", error.cause);
        assert!(error.cause.contains(code), "AWS's own words stay: {}", error.cause);
    }
}

#[test]
fn refused_role_says_what_to_check_for_this_set_up() {
    let mut world = World::new();
    let message = "User: x is not authorized to perform: sts:AssumeRole";
    let hints = said(&world.role_call(), "AccessDenied", message).shown_hints().join("\n");
    assert!(hints.contains("twolock login --fresh") && hints.contains("set external_id"), "{hints}");
    let of_key = Call { signer: Some(Signer::Key(&world.key)), ..world.role_call().common };
    let plain = StsCall { common: of_key, ..world.role_call() };
    let hints = said(&plain, "AccessDenied", message).shown_hints().join("\n");
    assert!(hints.contains("set mfa_serial") && !hints.contains("--fresh"), "{hints}");
    world.role.external_id = Some(ExternalId::parse("contract-7").unwrap());
    let hints = said(&world.role_call(), "AccessDenied", message).shown_hints().join("\n");
    assert!(hints.contains("check external_id"), "{hints}");
}

#[test]
fn a_session_name_that_is_not_the_users_may_be_why_a_role_is_refused() {
    let mut world = World::new();
    let message = "User: arn:aws:iam::123456789012:user/team/ana.b is not authorized to perform: sts:AssumeRole on x";
    let mut hints_as = |name: &str| {
        world.role.session_name = SessionName::from_person(name);
        said(&world.role_call(), "AccessDenied", message).shown_hints().join("\n")
    };
    let hint = "if the role requires your user name as the session name (it was 'phone'): twolock profile set role_session_name ana.b";
    assert!(hints_as("phone").contains(hint), "{}", hints_as("phone"));
    assert!(!hints_as("ana.b").contains("session's name"));
}

#[test]
fn wrong_clock_names_both_times_and_the_direction() {
    let world = World::new();
    let expired =
        "Signature expired: 20310131T123456Z is now earlier than 20310131T123956Z (20310131T125456Z - 15 min.)";
    let early = "Signature not yet current: 20310131T123456Z is still later than 20310131T122956Z";
    for (code, message, apart, said_of_us) in [
        (
            "SignatureDoesNotMatch",
            expired,
            1200,
            "this machine's clock is 20m slow: 2031-01-31T12:34:56Z here, 2031-01-31T12:54:56Z at STS",
        ),
        (
            "SignatureDoesNotMatch",
            early,
            -86_400,
            "this machine's clock is 1d fast: 2031-01-31T12:34:56Z here, 2031-01-30T12:34:56Z at STS",
        ),
        ("InvalidSignatureException", expired, 1200, "this machine's clock is 20m slow"),
        ("RequestExpired", "Request has expired.", 1200, "this machine's clock is 20m slow"),
        ("RequestTimeTooSkewed", "", 0, "this machine's clock does not agree with AWS's: 2031-01-31T12:34:56Z here"),
        (
            "SignatureDoesNotMatch",
            "The request signature we calculated does not match",
            1200,
            "this machine's clock is",
        ),
    ] {
        let outcome = Outcome::Said { code: code.into(), message: message.into() };
        let error = failure::failed(&world.token_call(), outcome, &seen(403), clocks(apart));
        assert_eq!(error.kind, AwsErrorKind::Refused);
        assert!(error.cause.starts_with(said_of_us), "{}", error.cause);
        assert_eq!(error.shown_hints(), ["set the clock, preferably by time synchronization, and try again"]);
    }
}

#[test]
fn wrong_clock_is_named_beside_any_other_error() {
    let world = World::new();
    let message = "MultiFactorAuthentication failed with invalid MFA one time pass code";
    let outcome = || Outcome::Said { code: "AccessDenied".into(), message: message.into() };
    let error = failure::failed(&world.token_call(), outcome(), &seen(403), clocks(600));
    assert_eq!(error.kind, AwsErrorKind::WrongCode);
    assert!(error.shown_hints().iter().any(|hint| hint.contains("clock is off by 10m")), "{:?}", error.shown_hints());
    let error = failure::failed(&world.token_call(), outcome(), &seen(403), clocks(240));
    assert!(!error.shown_hints().iter().any(|hint| hint.contains("clock")), "{:?}", error.shown_hints());
}

#[test]
fn server_trouble_with_a_code_is_unclear_and_counts_it_as_used() {
    let world = World::new();
    for (status, code) in [(500, "InternalFailure"), (503, "ServiceUnavailable"), (400, "Throttling")] {
        let outcome = || Outcome::Said { code: code.into(), message: "x".into() };
        let error = failure::failed(&world.token_call(), outcome(), &seen(status), clocks(0));
        assert_eq!(error.kind, AwsErrorKind::Unclear, "{code}");
        assert!(error.shown_hints().iter().any(|hint| hint.contains("counts as used")), "{:?}", error.shown_hints());
        let error = failure::failed(&world.role_call(), outcome(), &seen(status), clocks(0));
        assert!(
            !error.shown_hints().iter().any(|hint| hint.contains("code")),
            "no code was sent: {:?}",
            error.shown_hints()
        );
    }
}

#[test]
fn answers_that_are_not_of_sts() {
    use AwsErrorKind::*;
    let world = World::new();
    for (end, kind, cause) in [
        (End::Answered(200), BadAnswer, "invalid response to GetSessionToken from STS: it cannot be read"),
        (
            End::Answered(302),
            BadAnswer,
            "invalid response to GetSessionToken from STS: it is a redirect (HTTP 302), and redirects are not followed",
        ),
        (
            End::Answered(403),
            BadAnswer,
            "invalid response to GetSessionToken from STS: unexpected HTTP 403, not a response from STS",
        ),
        (End::Answered(502), Unclear, "STS is temporarily unavailable (HTTP 502)"),
        (End::Answered(429), Unclear, "STS is temporarily unavailable (HTTP 429)"),
        (End::TooLong, BadAnswer, "invalid response to GetSessionToken from STS: it is too long"),
        (End::Broken, Unclear, "sts.eu-west-1.amazonaws.com closed the connection before the response was complete"),
    ] {
        let error =
            failure::failed(&world.token_call(), Outcome::Wordless, &Seen { end: Some(end), ..seen(0) }, clocks(0));
        assert_eq!((error.kind, error.cause.as_str()), (kind, cause));
    }
}

#[test]
fn connections_never_made_name_host_and_cause_and_what_to_do() {
    let world = World::new();
    let host = "sts.eu-west-1.amazonaws.com";
    for (obstacle, cause) in [
        (Obstacle::Name("no such name".into()), format!("{host} could not be resolved (no such name)")),
        (Obstacle::Refused, format!("{host} refused the connection")),
        (Obstacle::Silence(Duration::from_secs(3)), format!("{host} did not answer within 3 s")),
        (Obstacle::OtherName, format!("{host} was not trusted: its certificate is for another name")),
        (Obstacle::Validity, format!("{host} was not trusted: its certificate has expired or is not valid yet")),
        (Obstacle::Issuer, format!("{host} was not trusted: this machine does not know its certificate's issuer")),
        (Obstacle::Other("no route to host".into()), format!("{host} could not be reached (no route to host)")),
    ] {
        let seen = Seen { end: Some(End::NotConnected(obstacle)), ..Seen::default() };
        let error = failure::failed(&world.token_call(), Outcome::Wordless, &seen, clocks(0));
        assert_eq!((error.kind, error.cause), (AwsErrorKind::NotSent, cause));
        assert!(!error.hints.is_empty());
        let retried = Seen { sent: true, ..seen };
        let error = failure::failed(&world.token_call(), Outcome::Wordless, &retried, clocks(0));
        assert_eq!(error.kind, AwsErrorKind::Unclear, "an attempt before this one had arrived");
    }
}

#[test]
fn silence_to_the_end_is_unclear() {
    let world = World::new();
    let error =
        failure::failed(&world.token_call(), Outcome::TimedOut(Duration::from_secs(10)), &Seen::default(), clocks(0));
    assert_eq!(error.kind, AwsErrorKind::Unclear);
    assert_eq!(error.cause, "sts.eu-west-1.amazonaws.com did not answer within 10 s");
}

#[test]
fn every_message_about_another_endpoint_says_not_aws() {
    let world = World::new();
    let call = world.token_call();
    let call = StsCall { common: Call { endpoint: &world.sandbox, ..call.common }, ..call };
    let named = "STS at 127.0.0.1:4566, not AWS";
    for (code, message) in [
        ("AccessDenied", "MultiFactorAuthentication failed with invalid MFA one time pass code"),
        ("AccessDenied", "no"),
        ("ValidationError", "no"),
        ("InvalidClientTokenId", "no"),
        ("RegionDisabledException", "no"),
        ("Throttling", "no"),
        ("Unheard", "no"),
    ] {
        let error = said(&call, code, message);
        assert!(error.cause.contains(named), "{}", error.cause);
    }
    for end in [
        End::Answered(200),
        End::Answered(302),
        End::Answered(500),
        End::TooLong,
        End::Broken,
        End::NotConnected(Obstacle::Refused),
        End::NotConnected(Obstacle::Issuer),
        End::NotConnected(Obstacle::Silence(Duration::from_secs(1))),
    ] {
        let error = failure::failed(&call, Outcome::Wordless, &Seen { end: Some(end), ..Seen::default() }, clocks(0));
        assert!(error.cause.contains(named), "{}", error.cause);
    }
    assert!(
        failure::failed(&call, Outcome::TimedOut(Duration::from_secs(1)), &Seen::default(), clocks(0))
            .cause
            .contains(named)
    );
    assert!(failure::unusable(&call.common, "it contains no credentials", clocks(0)).cause.contains(named));
    assert!(failure::not_begun(&call.common, "x").cause.contains(named));
}

#[test]
fn what_we_sent_is_taken_out_of_awss_words() {
    let world = World::new();
    let echoed = format!("{SECRET} {TOKEN} 493817 {SIGNATURE} {}", TOKEN.replace('/', "%2F").replace('+', "%2B"));
    let (with_code, role) = (world.token_call(), world.role_call());
    let common = role.common.carrying(with_code.common.codes);
    let with_session = StsCall { common, mfa: with_code.mfa, ..role };
    for code in ["AccessDenied", "Unheard", "Throttling", "ValidationError", "SignatureDoesNotMatch", "493817"] {
        let error = said(&with_session, code, &echoed);
        let all = format!("{error:?}");
        for secret in ["canary", "493817", &SIGNATURE[..20]] {
            assert!(!all.contains(secret), "{code}: {all}");
        }
        assert!(all.contains("***"), "{all}");
    }
    let debugged = format!("{with_session:?} {:?}", seen(200));
    assert!(
        !debugged.contains("canary") && !debugged.contains("493817") && !debugged.contains(SIGNATURE),
        "{debugged}"
    );
}

#[test]
fn hostile_words_are_harmless_and_short() {
    let world = World::new();
    let message = format!("\u{1b}]0;owned\u{7}\n{}\u{202e}", "x".repeat(5000));
    let error = said(&world.token_call(), "Evil\u{1b}[2J", &message);
    let shown = error.shown_cause();
    assert!(shown.chars().all(|c| !c.is_control() && c != '\u{202e}'), "{shown}");
    assert!(shown.chars().count() < 400 && shown.ends_with("…)"), "{shown}");
}
