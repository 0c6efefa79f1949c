//! IAM's access keys: made, listed, switched off, deleted, and what lives on.

use std::io::ErrorKind;

use twolock_sandbox::{Clock, Fault, FaultKind, NewUser, Options, Role};

use crate::wire::{ACCOUNT, Client, NOW, Params, World};

const INVALID: &str = "403 InvalidClientTokenId: The security token included in the request is invalid.";
const NEEDS_NAME: &str = "400 ValidationError: Must specify userName when calling with non-User credentials";

/// Returns a client with the key that an answer to `CreateAccessKey` holds.
fn with_key(client: &Client, id: &str, secret: &str) -> Client {
    Client { key: id.to_owned(), secret: secret.to_owned(), service: "sts".to_owned(), ..client.clone() }
}

#[test]
fn a_new_key_shows_its_secret_once_and_works() {
    let world = World::new();
    let made = world.alice().iam().call("CreateAccessKey", &[]);
    made.assert_good();
    assert!(made.body.starts_with("<CreateAccessKeyResponse xmlns=\"https://iam.amazonaws.com/doc/2010-05-08/\">\n"));
    assert_eq!((made.need("UserName").as_str(), made.need("Status").as_str()), ("alice", "Active"));
    assert_eq!(made.need("CreateDate"), "2025-06-15T15:06:40Z");
    let (id, secret) = (made.need("AccessKeyId"), made.need("SecretAccessKey"));
    assert!(id.starts_with("AKIA") && secret.len() == 40);
    with_key(&world.alice(), &id, &secret).who().assert_good();

    let listed = world.alice().iam().call("ListAccessKeys", &[]);
    assert_eq!(listed.all("AccessKeyId").len(), 2);
    assert_eq!(listed.get("SecretAccessKey"), None);
    assert_eq!(listed.need("IsTruncated"), "false");
    let keys = world.sandbox.keys(&world.alice.arn);
    assert!(keys.iter().any(|key| key.id == id && key.secret == secret && key.active));
}

#[test]
fn a_third_key_is_refused_even_if_one_is_switched_off() {
    let world = World::new();
    let iam = world.alice().iam();
    iam.call("CreateAccessKey", &[]).assert_good();
    let third = || iam.call("CreateAccessKey", &[("UserName", "alice")]).verdict();
    let refused = iam.call("CreateAccessKey", &[]).body;
    assert!(refused.starts_with("<ErrorResponse xmlns=\"https://iam.amazonaws.com/doc/2010-05-08/\">\n"), "{refused}");
    assert_eq!(third(), "409 LimitExceeded: Cannot exceed quota for AccessKeysPerUser: 2");
    let other = world.sandbox.keys(&world.alice.arn).into_iter().find(|key| key.id != iam.key).unwrap().id;
    iam.call("UpdateAccessKey", &[("AccessKeyId", &other), ("Status", "Inactive")]).assert_good();
    assert_eq!(third(), "409 LimitExceeded: Cannot exceed quota for AccessKeysPerUser: 2");
    iam.call("DeleteAccessKey", &[("AccessKeyId", &other)]).assert_good();
    assert_eq!(third(), "200");
}

#[test]
fn many_calls_at_once_make_one_key_more() {
    let world = World::new();
    let iam = world.alice().iam();
    let good = std::thread::scope(|scope| {
        let calls: Vec<_> = (0..8).map(|_| scope.spawn(|| iam.call("CreateAccessKey", &[]).status == 200)).collect();
        calls.into_iter().map(|call| call.join().unwrap()).filter(|good| *good).count()
    });
    assert_eq!((good, world.sandbox.keys(&world.alice.arn).len()), (1, 2));
}

#[test]
fn a_new_key_is_refused_until_it_has_spread() {
    let world = World::with(Options { key_delay: 20, list_delay: 10, ..Options::default() });
    let made = world.alice().iam().call("CreateAccessKey", &[]);
    let (id, secret) = (made.need("AccessKeyId"), made.need("SecretAccessKey"));
    let at = |seconds: i64| {
        world.sandbox.set_clock(Clock::Fixed(NOW + seconds));
        let who = with_key(&world.alice(), &id, &secret).who().verdict();
        (who, world.alice().iam().call("ListAccessKeys", &[]).all("AccessKeyId").len())
    };
    assert_eq!(at(0), (INVALID.to_owned(), 1));
    assert_eq!(at(9), (INVALID.to_owned(), 1));
    assert_eq!(at(10), (INVALID.to_owned(), 2));
    assert_eq!(at(19), (INVALID.to_owned(), 2));
    assert_eq!(at(20), ("200".to_owned(), 2));
    let key = world.sandbox.key(&id).unwrap();
    assert_eq!((key.created_at, key.works_from, key.listed_from), (NOW, NOW + 20, NOW + 10));
}

#[test]
fn sessions_outlive_the_key_that_made_them() {
    let world = World::new();
    let session = world.alice_with_mfa();
    let id = world.alice.access_key_id.as_str();
    let user = ("UserName", "alice");
    let off = [user, ("AccessKeyId", id), ("Status", "Inactive")];
    session.iam().call("UpdateAccessKey", &off).assert_good();
    assert_eq!(world.alice().who().verdict(), INVALID);
    assert_eq!(world.alice().iam().call("GetUser", &[]).verdict(), INVALID);
    session.who().assert_good();
    let listed = session.iam().call("ListAccessKeys", &[user]);
    assert_eq!(listed.need("Status"), "Inactive");

    session.iam().call("UpdateAccessKey", &[user, ("AccessKeyId", id), ("Status", "Active")]).assert_good();
    world.alice().who().assert_good();
    session.iam().call("DeleteAccessKey", &[user, ("AccessKeyId", id)]).assert_good();
    assert_eq!(world.alice().who().verdict(), INVALID);
    session.who().assert_good();
    assert_eq!(session.iam().call("ListAccessKeys", &[user]).all("AccessKeyId"), [""; 0]);
    assert!(world.sandbox.keys(&world.alice.arn).is_empty());
}

#[test]
fn last_use_tells_minute_service_and_region() {
    let world = World::new();
    let second = world.sandbox.add(NewUser { arn: world.alice.arn.clone(), ..NewUser::default() }).unwrap();
    let ask = |id: &str| {
        let answer = world.alice().iam().call("GetAccessKeyLastUsed", &[("AccessKeyId", id)]);
        answer.assert_good();
        (answer.get("LastUsedDate"), answer.need("ServiceName"), answer.need("Region"), answer.need("UserName"))
    };
    let row = |date: Option<&str>, service: &str, region: &str| {
        (date.map(str::to_owned), service.to_owned(), region.to_owned(), "alice".to_owned())
    };
    assert_eq!(ask(&second.access_key_id), row(None, "N/A", "N/A"));
    Client { region: "eu-west-1".to_owned(), ..Client::new(&world.sandbox, &second) }.who().assert_good();
    assert_eq!(ask(&second.access_key_id), row(Some("2025-06-15T15:06:00Z"), "sts", "eu-west-1"));
    // A wrong secret is no use of the key.
    Client { secret: "x".to_owned(), ..Client::new(&world.sandbox, &second) }.iam().call("GetUser", &[]);
    assert_eq!(ask(&second.access_key_id), row(Some("2025-06-15T15:06:00Z"), "sts", "eu-west-1"));
    assert_eq!(ask(&world.alice.access_key_id), row(Some("2025-06-15T15:06:00Z"), "iam", "us-east-1"));
}

#[test]
fn keys_and_users_that_are_not_there_or_not_ones_own() {
    let world = World::new();
    let bob = world.sandbox.add_user(ACCOUNT, "bob").access_key_id;
    let far = world.sandbox.add_user("444455556666", "far").access_key_id;
    let none = "AKIAXXXXXXXXXXXXXXXX";
    let not_found = |id: &str| format!("404 NoSuchEntity: The Access Key with id {id} cannot be found.");
    let no_user = |name: &str| format!("404 NoSuchEntity: The user with name {name} cannot be found.");
    let off = ("Status", "Inactive");
    let alice = ("UserName", "alice");
    let rows: [(&str, Params<'_>, String); 9] = [
        ("DeleteAccessKey", &[("AccessKeyId", none)], not_found(none)),
        ("DeleteAccessKey", &[("AccessKeyId", &bob)], not_found(&bob)),
        ("UpdateAccessKey", &[("AccessKeyId", &bob), off, alice], not_found(&bob)),
        ("UpdateAccessKey", &[("AccessKeyId", &far), off, alice], not_found(&far)),
        ("GetAccessKeyLastUsed", &[("AccessKeyId", &far)], not_found(&far)),
        ("ListAccessKeys", &[("UserName", "carol")], no_user("carol")),
        ("CreateAccessKey", &[("UserName", "far")], no_user("far")),
        ("GetUser", &[("UserName", "carol")], no_user("carol")),
        ("DeleteAccessKey", &[("AccessKeyId", &bob), ("UserName", "bob")], "200".to_owned()),
    ];
    for (action, params, verdict) in rows {
        assert_eq!(world.alice().iam().call(action, params).verdict(), verdict, "{action} {params:?}");
    }
    assert!(world.sandbox.key(&far).unwrap().active);
}

#[test]
fn iam_does_not_know_a_session_without_mfa() {
    let world = World::new();
    let plain = world.alice().with(&world.alice().get_session_token(&[]));
    plain.who().assert_good();
    let role = world.sandbox.add_role(Role::trusting(ACCOUNT, "dev", &world.alice.arn));
    let assumed = world.alice().with(&world.alice().assume_role(&role, &[]));
    let rows = [
        ("key", world.alice(), "200"),
        ("session without MFA", plain, INVALID),
        ("session with MFA", world.alice_with_mfa(), "200"),
        ("role session", assumed, "200"),
    ];
    for (situation, client, verdict) in rows {
        for action in ["ListAccessKeys", "ListMFADevices", "GetUser"] {
            let answer = client.iam().call(action, &[("UserName", "alice")]);
            assert_eq!(answer.verdict(), verdict, "{situation}: {action}");
        }
    }
}

#[test]
fn whose_keys_a_session_means_must_be_said() {
    let world = World::new();
    let role = world.sandbox.add_role(Role::trusting(ACCOUNT, "dev", &world.alice.arn));
    let assumed = world.alice().with(&world.alice().assume_role(&role, &[])).iam();
    let session = world.alice_with_mfa().iam();
    let id = ("AccessKeyId", world.alice.access_key_id.as_str());
    let on = ("Status", "Active");
    let rows: [(&str, Params<'_>, &str); 5] = [
        ("ListAccessKeys", &[], NEEDS_NAME),
        ("UpdateAccessKey", &[id, on], NEEDS_NAME),
        ("CreateAccessKey", &[], "200"),
        ("ListMFADevices", &[], "200"),
        ("GetUser", &[], "200"),
    ];
    for (action, params, verdict) in rows {
        assert_eq!(session.call(action, params).verdict(), verdict, "{action}");
        assert_eq!(assumed.call(action, params).verdict(), NEEDS_NAME, "{action} with a role");
    }
}

#[test]
fn root_has_keys_and_no_name() {
    let world = World::new();
    let root = Client::new(&world.sandbox, &world.sandbox.add_root(ACCOUNT)).iam();
    let listed = root.call("ListAccessKeys", &[]);
    assert_eq!((listed.all("AccessKeyId"), listed.get("UserName")), (vec![root.key.clone()], None));
    let user = root.call("GetUser", &[]);
    assert_eq!((user.need("Arn"), user.get("UserName")), (format!("arn:aws:iam::{ACCOUNT}:root"), None));
    root.call("DeleteAccessKey", &[("AccessKeyId", &root.key)]).assert_good();
    assert_eq!(root.call("GetUser", &[]).verdict(), INVALID);
}

#[test]
fn who_a_user_is_and_what_an_account_is_called() {
    let world = World::new();
    let arn = format!("arn:aws:iam::{ACCOUNT}:user/team/dev/dana");
    let dana = world.sandbox.add(NewUser { arn: arn.clone(), ..NewUser::default() }).unwrap();
    let user = world.alice().iam().call("GetUser", &[("UserName", "dana")]);
    assert_eq!(
        (user.need("Path"), user.need("Arn"), user.need("UserId")),
        ("/team/dev/".to_owned(), arn, dana.user_id)
    );
    let aliases = || world.alice().iam().call("ListAccountAliases", &[]).all("member");
    assert_eq!(aliases(), [""; 0]);
    world.sandbox.set_alias(ACCOUNT, "example");
    assert_eq!(aliases(), ["example"]);
}

#[test]
fn malformed_values_are_named() {
    let world = World::new();
    let wrong = |value: &str, member: &str, rule: &str| {
        let value = if value == "null" { value.to_owned() } else { format!("'{value}'") };
        format!(
            "400 ValidationError: 1 validation error detected: Value {value} at '{member}' failed to satisfy constraint: Member must {rule}"
        )
    };
    let id = ("AccessKeyId", "AKIAXXXXXXXXXXXXXXXX");
    let all = "satisfy enum value set: [Active, Inactive, Expired]";
    let own = ("AccessKeyId", world.alice.access_key_id.as_str());
    let rows: [(&str, Params<'_>, String); 8] = [
        ("DeleteAccessKey", &[], wrong("null", "accessKeyId", "not be null")),
        (
            "DeleteAccessKey",
            &[("AccessKeyId", "AKIA1")],
            wrong("AKIA1", "accessKeyId", "have length greater than or equal to 16"),
        ),
        ("UpdateAccessKey", &[id], wrong("null", "status", "not be null")),
        ("UpdateAccessKey", &[id, ("Status", "off")], wrong("off", "status", all)),
        (
            "UpdateAccessKey",
            &[own, ("Status", "Expired")],
            "400 InvalidInput: Access key status can be set to Active or Inactive only.".to_owned(),
        ),
        (
            "ListAccessKeys",
            &[("UserName", "a b")],
            wrong("a b", "userName", "satisfy regular expression pattern: [\\w+=,.@-]+"),
        ),
        ("ListAccessKeys", &[("MaxItems", "0")], wrong("0", "maxItems", "have value greater than or equal to 1")),
        ("ListAccessKeys", &[("Marker", "x")], "400 ValidationError: Invalid Marker.".to_owned()),
    ];
    for (action, params, verdict) in rows {
        assert_eq!(world.alice().iam().call(action, params).verdict(), verdict, "{action} {params:?}");
    }
}

#[test]
fn lists_come_in_pages_of_the_callers_or_the_servers_size() {
    for (size, asked) in [(1000, Some("2")), (2, Some("50")), (2, None)] {
        let world = World::with(Options { page_size: size, ..Options::default() });
        for name in ["b", "c", "d", "e"] {
            world.sandbox.add_device(&world.alice.arn, name);
        }
        let mut sizes = Vec::new();
        let mut marker: Option<String> = None;
        loop {
            let mut params: Vec<(&str, &str)> = asked.map(|most| ("MaxItems", most)).into_iter().collect();
            params.extend(marker.as_deref().map(|it| ("Marker", it)));
            let answer = world.alice().iam().call("ListMFADevices", &params);
            sizes.push(answer.all("SerialNumber").len());
            marker = answer.get("Marker");
            assert_eq!(answer.need("IsTruncated"), marker.is_some().to_string());
            if marker.is_none() {
                break;
            }
        }
        assert_eq!(sizes, [2, 2, 1], "{size} {asked:?}");
    }
}

#[test]
fn lost_answers_of_iam_have_an_effect_or_none() {
    let rows = [(FaultKind::DropBefore, 1), (FaultKind::DropAfter, 2), (FaultKind::CutBody, 2)];
    for (kind, keys) in rows {
        let world = World::new();
        let name = kind.name();
        world.sandbox.fault(Fault::new(kind).on("CreateAccessKey"));
        let iam = world.alice().iam();
        let error = iam.try_call("CreateAccessKey", &[]).unwrap_err().kind();
        assert!([ErrorKind::UnexpectedEof, ErrorKind::ConnectionReset].contains(&error), "{name}");
        assert_eq!(iam.call("ListAccessKeys", &[]).all("AccessKeyId").len(), keys, "{name}");
        assert_eq!(world.sandbox.keys(&world.alice.arn).len(), keys, "{name}");
    }
    let world = World::new();
    let iam = world.alice().iam();
    iam.call("CreateAccessKey", &[]).assert_good();
    let other = world.sandbox.keys(&world.alice.arn).into_iter().find(|key| key.id != iam.key).unwrap().id;
    let off = [("AccessKeyId", other.as_str()), ("Status", "Inactive")];
    world.sandbox.fault(Fault::new(FaultKind::Status(503)).on("UpdateAccessKey").after_effect());
    assert_eq!(iam.call("UpdateAccessKey", &off).verdict(), "503 ServiceUnavailable: Service is unavailable");
    assert!(!world.sandbox.key(&other).unwrap().active);
    world.sandbox.fault(Fault::new(FaultKind::DropAfter).on("DeleteAccessKey"));
    iam.try_call("DeleteAccessKey", &off[..1]).unwrap_err();
    assert_eq!(world.sandbox.key(&other), None);
}

#[test]
fn the_second_look_at_a_new_key_fails() {
    let world = World::new();
    let made = world.alice().iam().call("CreateAccessKey", &[]);
    let new = with_key(&world.alice(), &made.need("AccessKeyId"), &made.need("SecretAccessKey"));
    let unknown = twolock_sandbox::Refusal::new(403, "InvalidClientTokenId", "The security token is invalid.");
    world.sandbox.fault(Fault::new(FaultKind::Error(unknown)).by(&world.alice.arn).on("GetCallerIdentity").after(1));
    let statuses: Vec<u16> = (0..3).map(|_| new.who().status).collect();
    assert_eq!(statuses, [200, 403, 200]);
}

#[test]
fn answers_of_iam_name_another_account() {
    let world = World::new();
    world.sandbox.fault(Fault::new(FaultKind::ForeignAccount("999999999999".to_owned())).on("GetUser"));
    let answer = world.alice().iam().call("GetUser", &[]);
    assert_eq!(answer.need("Arn"), "arn:aws:iam::999999999999:user/alice");
}

#[test]
fn the_record_of_a_call_names_service_and_user() {
    let world = World::new();
    world.alice().iam().call("ListAccessKeys", &[("UserName", "alice")]).assert_good();
    world.alice().who().assert_good();
    let calls = world.sandbox.calls();
    assert_eq!((calls[0].service.as_deref(), calls[0].user_name()), (Some("iam"), Some("alice")));
    assert_eq!((calls[1].service.as_deref(), calls[1].user_name()), (Some("sts"), None));
}
