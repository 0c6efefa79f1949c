//! `AssumeRole`: whom a role trusts, with which MFA, and for how long.

use twolock_sandbox::{Clock, Role};

use crate::wire::{ACCOUNT, Client, NOW, World, not_authorized, trusting_alice};

const CHAIN_LIMIT: &str = "400 ValidationError: The requested DurationSeconds exceeds the 1 hour \
    session limit for roles assumed by role chaining.";
const ROLE_LIMIT: &str = "400 ValidationError: The requested DurationSeconds exceeds the \
    MaxSessionDuration set for this role.";

#[test]
fn answer_has_all_its_parts() {
    let world = World::new();
    let role = world.sandbox.add_role(trusting_alice(&world));
    let answer = world.alice().assume_role(&role, &[("RoleSessionName", "alice@work")]);
    answer.assert_good();
    assert_eq!(answer.need("Arn"), "arn:aws:sts::444455556666:assumed-role/admin/alice@work");
    let id = answer.need("AssumedRoleId");
    assert!(id.starts_with("AROA") && id.ends_with(":alice@work"), "{id}");
    assert_eq!(answer.need("Expiration"), "2025-06-15T16:06:40Z");
    assert_eq!(answer.get("PackedPolicySize"), None);
    assert_eq!(answer.get("SourceIdentity"), None);
    let session = &world.sandbox.sessions()[0];
    assert_eq!(session.role_arn.as_deref(), Some(role.as_str()));
    assert_eq!(session.mfa_at, None);
}

#[test]
fn only_those_the_policy_names_may_assume() {
    let world = World::new();
    let root = format!("arn:aws:iam::{ACCOUNT}:root");
    let bob = world.sandbox.add_user(ACCOUNT, "bob").arn;
    let rows = [
        (vec![world.alice.arn.clone()], true),
        (vec![root], true),
        (vec![ACCOUNT.to_owned()], true),
        (vec!["*".to_owned()], true),
        (vec![bob.clone(), world.alice.arn.clone()], true),
        (vec![bob], false),
        (vec!["arn:aws:iam::444455556666:root".to_owned()], false),
        (vec![], false),
    ];
    for (principals, good) in rows {
        let role = world.sandbox.add_role(Role { principals, ..trusting_alice(&world) });
        let verdict = world.alice().assume_role(&role, &[]).verdict();
        let expected = if good { "200".to_owned() } else { not_authorized(&world.alice.arn, "AssumeRole", &role) };
        assert_eq!(verdict, expected);
    }
    let missing = "arn:aws:iam::444455556666:role/missing";
    assert_eq!(
        world.alice().assume_role(missing, &[]).verdict(),
        not_authorized(&world.alice.arn, "AssumeRole", missing)
    );
}

#[test]
fn role_that_wants_mfa_takes_a_session_or_a_code_of_its_own() {
    let world = World::new();
    let role = world.sandbox.add_role(Role { require_mfa: true, ..trusting_alice(&world) });
    let no = not_authorized(&world.alice.arn, "AssumeRole", &role);
    assert_eq!(world.alice().assume_role(&role, &[]).verdict(), no);
    let without = world.alice().with(&world.alice().get_session_token(&[]));
    assert_eq!(without.assume_role(&role, &[]).verdict(), no);
    world.alice_with_mfa().assume_role(&role, &[]).assert_good();
    let code = world.code();
    let mfa = [("SerialNumber", world.phone.serial.as_str()), ("TokenCode", code.as_str())];
    world.alice().assume_role(&role, &mfa).assert_good();
    assert_eq!(world.sandbox.sessions().pop().unwrap().mfa_at, Some(NOW));
    assert!(world.alice().assume_role(&role, &mfa).verdict().contains("invalid MFA one time pass code"));
    assert!(world.alice().assume_role(&role, &mfa[..1]).verdict().contains("must provide both"));
}

#[test]
fn role_that_wants_mfa_of_the_last_minutes() {
    let world = World::new();
    let role = world.sandbox.add_role(Role { max_mfa_age: Some(300), ..trusting_alice(&world) });
    let no = not_authorized(&world.alice.arn, "AssumeRole", &role);
    let session = world.alice_with_mfa();
    let at = |seconds: i64| {
        world.sandbox.set_clock(Clock::Fixed(NOW + seconds));
        let client = Client { time: NOW + seconds, ..session.clone() };
        client.assume_role(&role, &[]).verdict()
    };
    assert_eq!(at(300), "200");
    assert_eq!(at(301), no);
    assert_eq!(world.alice().assume_role(&role, &[]).verdict(), no);
    let code = world.code();
    let mfa = [("SerialNumber", world.phone.serial.as_str()), ("TokenCode", code.as_str())];
    world.alice().assume_role(&role, &mfa).assert_good();
}

#[test]
fn refused_role_costs_the_code_all_the_same() {
    let world = World::new();
    let role = world.sandbox.add_role(Role { principals: vec![], ..trusting_alice(&world) });
    let code = world.code();
    let mfa = [("SerialNumber", world.phone.serial.as_str()), ("TokenCode", code.as_str())];
    assert!(world.alice().assume_role(&role, &mfa).verdict().contains("not authorized"));
    assert_eq!(world.sandbox.codes_consumed().len(), 1);
}

#[test]
fn external_id_must_be_the_agreed_one() {
    let world = World::new();
    let role = world.sandbox.add_role(Role { external_id: Some("agreed/1".to_owned()), ..trusting_alice(&world) });
    let no = not_authorized(&world.alice.arn, "AssumeRole", &role);
    assert_eq!(world.alice().assume_role(&role, &[]).verdict(), no);
    assert_eq!(world.alice().assume_role(&role, &[("ExternalId", "other")]).verdict(), no);
    world.alice().assume_role(&role, &[("ExternalId", "agreed/1")]).assert_good();
}

#[test]
fn time_is_limited_by_role_and_by_chain() {
    let world = World::new();
    let long = world.sandbox.add_role(Role { max_duration: 43_200, ..trusting_alice(&world) });
    let short = world.sandbox.add_role(Role { name: "short".to_owned(), ..trusting_alice(&world) });
    let next = world.sandbox.add_role(Role { max_duration: 43_200, ..Role::trusting(ACCOUNT, "next", &long) });
    let session = world.alice_with_mfa();
    let chained = world.alice().with(&world.alice().assume_role(&long, &[]));
    let rows = [
        ("key, the role's maximum", world.alice(), &long, "43200", "200"),
        ("key, beyond the role's maximum", world.alice(), &short, "3601", ROLE_LIMIT),
        ("session, an hour", session.clone(), &long, "3600", "200"),
        ("session, more", session.clone(), &long, "3601", CHAIN_LIMIT),
        ("session, more than both limits", session, &short, "3601", CHAIN_LIMIT),
        ("role, an hour", chained.clone(), &next, "3600", "200"),
        ("role, more", chained, &next, "3601", CHAIN_LIMIT),
    ];
    for (situation, client, role, asked, verdict) in rows {
        let answer = client.assume_role(role, &[("DurationSeconds", asked)]);
        assert_eq!(answer.verdict(), verdict, "{situation}");
    }
}

#[test]
fn root_may_not_assume() {
    let world = World::new();
    let root = Client::new(&world.sandbox, &world.sandbox.add_root(ACCOUNT));
    let role = world.sandbox.add_role(Role::trusting(ACCOUNT, "dev", "*"));
    let session = root.with(&root.get_session_token(&[]));
    for client in [root, session] {
        assert_eq!(
            client.assume_role(&role, &[]).verdict(),
            "403 AccessDenied: Roles may not be assumed by root accounts."
        );
    }
}

#[test]
fn chained_role_is_trusted_by_its_own_name_and_brings_no_mfa() {
    let world = World::new();
    let first = world.sandbox.add_role(trusting_alice(&world));
    let second = world.sandbox.add_role(Role::trusting(ACCOUNT, "second", &first));
    let guarded = world.sandbox.add_role(Role { require_mfa: true, ..Role::trusting(ACCOUNT, "guarded", &first) });
    let one = world.alice_with_mfa().assume_role(&first, &[]);
    let client = world.alice().with(&one);
    client.assume_role(&second, &[]).assert_good();
    let caller = one.need("Arn");
    assert_eq!(client.assume_role(&guarded, &[]).verdict(), not_authorized(&caller, "AssumeRole", &guarded));
    assert_eq!(
        world.alice().assume_role(&second, &[]).verdict(),
        not_authorized(&world.alice.arn, "AssumeRole", &second)
    );
    let code = world.code();
    let mfa = [("SerialNumber", world.phone.serial.as_str()), ("TokenCode", code.as_str())];
    assert!(client.assume_role(&guarded, &mfa).verdict().contains("unable to validate MFA code"));
}
