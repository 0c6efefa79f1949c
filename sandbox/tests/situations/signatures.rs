//! Who is let in, and with which words the others are turned away.

use std::io::Write;
use std::net::TcpStream;

use twolock_sandbox::{Clock, NewUser, Options, User};

use crate::wire::{ACCOUNT, Answer, Client, NOW, World};

const INVALID: &str = "403 InvalidClientTokenId: The security token included in the request is invalid.";
const MISMATCH: &str = "403 SignatureDoesNotMatch: The request signature we calculated does not \
    match the signature you provided. Check your AWS Secret Access Key and signing method. Consult \
    the service documentation for details.";

#[test]
fn wrong_keys_and_tokens_are_refused_as_aws_does() {
    let world = World::new();
    let session = world.alice_with_mfa();
    let old = world.alice_with_mfa();
    let revoked = world.alice_with_mfa();
    assert!(world.sandbox.expire_session(&old.key));
    assert!(world.sandbox.revoke_session(&revoked.key));
    let alice = world.alice();
    let rows: [(&str, Client, &str); 9] = [
        ("right key", alice.clone(), "200"),
        ("right session", session.clone(), "200"),
        ("wrong secret", Client { secret: "other".to_owned(), ..alice.clone() }, MISMATCH),
        ("unknown key", Client { key: "AKIAXXXXXXXXXXXXXXXX".to_owned(), ..alice.clone() }, INVALID),
        ("session without its token", Client { token: None, ..session.clone() }, INVALID),
        ("session with the token of another", Client { token: old.token.clone(), ..session.clone() }, INVALID),
        ("long-lived key with a token", Client { token: session.token.clone(), ..alice.clone() }, INVALID),
        ("expired session", old, "403 ExpiredToken: The security token included in the request is expired"),
        ("revoked session", revoked, INVALID),
    ];
    for (situation, client, verdict) in rows {
        assert_eq!(client.who().verdict(), verdict, "{situation}");
    }
}

#[test]
fn scope_must_name_the_service_and_a_region_of_the_keys_partition() {
    let world = World::new();
    let alice = world.alice();
    let elsewhere = |region: &str, service: &str| Client {
        region: region.to_owned(),
        service: service.to_owned(),
        ..alice.clone()
    };
    assert_eq!(
        elsewhere("us-east-1", "iam").send("Action=GetCallerIdentity&Version=2011-06-15").unwrap().verdict(),
        "403 SignatureDoesNotMatch: Credential should be scoped to correct service: 'sts'. "
    );
    let body = "Action=GetUser&Version=2010-05-08";
    assert_eq!(
        elsewhere("us-east-1", "sts").send(body).unwrap().verdict(),
        "403 SignatureDoesNotMatch: Credential should be scoped to correct service: 'iam'. "
    );
    elsewhere("us-east-1", "iam").send(body).unwrap().assert_good();
    world.sandbox.forget_calls();
    assert_eq!(elsewhere("cn-north-1", "sts").who().verdict(), INVALID);
    elsewhere("eu-central-1", "sts").who().assert_good();
    let regions: Vec<_> = world.sandbox.calls().into_iter().map(|call| call.region.unwrap()).collect();
    assert_eq!(regions, ["cn-north-1", "eu-central-1"]);

    let chen = world.sandbox.add(NewUser { arn: format!("arn:aws-cn:iam::{ACCOUNT}:user/chen"), ..NewUser::default() });
    let mut chen = Client::new(&world.sandbox, &chen.unwrap());
    assert_eq!(chen.who().verdict(), INVALID);
    chen.region = "cn-north-1".to_owned();
    chen.who().assert_good();
}

#[test]
fn iam_is_signed_for_the_only_region_it_has() {
    let rows = [
        ("aws", "us-east-1", "eu-central-1"),
        ("aws-cn", "cn-north-1", "cn-northwest-1"),
        ("aws-us-gov", "us-gov-west-1", "us-gov-east-1"),
    ];
    let world = World::new();
    for (partition, region, other) in rows {
        let arn = format!("arn:{partition}:iam::{ACCOUNT}:user/uma");
        let uma = world.sandbox.add(NewUser { arn, ..NewUser::default() }).unwrap();
        let at = |region: &str| Client { region: region.to_owned(), ..Client::new(&world.sandbox, &uma).iam() };
        at(region).call("GetUser", &[]).assert_good();
        assert_eq!(
            at(other).call("GetUser", &[]).verdict(),
            "403 SignatureDoesNotMatch: Credential should be scoped to a valid region. "
        );
    }
}

#[test]
fn key_switched_off_on_and_deleted() {
    let world = World::new();
    let second = world.sandbox.add(NewUser { arn: world.alice.arn.clone(), ..NewUser::default() }).unwrap();
    let id = world.alice.access_key_id.as_str();
    assert!(world.sandbox.set_key_active(id, false));
    assert_eq!(world.alice().who().verdict(), INVALID);
    Client::new(&world.sandbox, &second).who().assert_good();
    assert!(world.sandbox.set_key_active(id, true));
    world.alice().who().assert_good();
    assert!(world.sandbox.delete_key(id));
    assert_eq!(world.alice().who().verdict(), INVALID);
    assert!(!world.sandbox.delete_key(id) && !world.sandbox.set_key_active(id, true));
    let same: &User = &second;
    assert_eq!(same.user_id, world.alice.user_id);
}

#[test]
fn clock_of_the_client_is_off() {
    let world = World::new();
    let at = |seconds: i64| Client { time: NOW + seconds, ..world.alice() };
    at(-900).who().assert_good();
    at(900).who().assert_good();
    assert_eq!(
        at(-901).who().verdict(),
        "403 SignatureDoesNotMatch: Signature expired: 20250615T145139Z is now earlier than \
         20250615T145140Z (20250615T150640Z - 15 min.)"
    );
    assert_eq!(
        at(86_400).who().verdict(),
        "403 SignatureDoesNotMatch: Signature not yet current: 20250616T150640Z is still later \
         than 20250615T152140Z (20250615T150640Z + 15 min.)"
    );
    let answer = at(86_400).who();
    assert_eq!(answer.header("Date"), Some("Sun, 15 Jun 2025 15:06:40 GMT"));
    assert!(answer.header("x-amzn-RequestId").is_some_and(|id| id.len() == 36));

    let strict = World::with(Options { tolerance: 60, ..Options::default() });
    let late = Client { time: NOW - 61, ..strict.alice() };
    assert!(late.who().verdict().contains("(20250615T150640Z - 1 min.)"));
}

#[test]
fn clock_of_the_server_moves_while_running() {
    let world = World::new();
    world.sandbox.set_clock(Clock::Fixed(NOW + 3600));
    assert!(world.alice().time == NOW + 3600);
    world.alice().who().assert_good();
    let stale = Client { time: NOW, ..world.alice() };
    assert!(stale.who().verdict().contains("Signature expired"));
}

#[test]
fn requests_without_or_with_half_a_signature() {
    let world = World::new();
    let body = "Action=GetCallerIdentity&Version=2011-06-15";
    let signed = String::from_utf8(world.alice().request(body)).unwrap();
    let rows = [
        ("authorization:", "x-nothing:", "403 MissingAuthenticationToken: Request is missing Authentication Token"),
        ("AWS4-HMAC-SHA256", "Bearer", "400 IncompleteSignature: Unsupported AWS 'algorithm' in Authorization header."),
        ("Signature=", "Sign=", "400 IncompleteSignature: Authorization header requires 'Signature' parameter."),
        ("GetCallerIdentity", "GetFederationTokn", MISMATCH),
        ("POST / ", "POST /other ", MISMATCH),
    ];
    for (old, new, verdict) in rows {
        let mut stream = TcpStream::connect(world.alice().address).unwrap();
        let text = signed.replacen(old, new, 1);
        stream.write_all(text.as_bytes()).unwrap();
        assert_eq!(Answer::read(stream).unwrap().verdict(), verdict, "{old}");
    }
}

#[test]
fn actions_that_do_not_exist_here() {
    let world = World::new();
    let rows = [
        ("", "400 MissingAction: Missing Action"),
        (
            "Action=GetCallerIdentity",
            "400 InvalidAction: Could not find operation GetCallerIdentity for version NO_VERSION_SPECIFIED",
        ),
        (
            "Action=ListUsers&Version=2011-06-15",
            "400 InvalidAction: Could not find operation ListUsers for version 2011-06-15",
        ),
        ("Action=%zz", "400 MalformedQueryString: The query string contains a syntax error"),
    ];
    for (body, verdict) in rows {
        assert_eq!(world.alice().send(body).unwrap().verdict(), verdict, "{body}");
    }
    let rows = [
        ("Version=2010-05-08", "400 MissingAction: Missing Action"),
        (
            "Action=ListUsers&Version=2010-05-08",
            "400 InvalidAction: Could not find operation ListUsers for version 2010-05-08",
        ),
    ];
    for (body, verdict) in rows {
        assert_eq!(world.alice().iam().send(body).unwrap().verdict(), verdict, "{body}");
    }
}
