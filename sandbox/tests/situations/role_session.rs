//! `AssumeRole`: what is asked for a session, what it carries on, and what is recorded.

use twolock_sandbox::{Role, SourceIdentity};

use crate::wire::{Client, NOW, Params, World, not_authorized, trusting_alice};

#[test]
fn source_identity_as_the_policies_say_and_for_ever() {
    let world = World::new();
    let role = |name: &str, rule: SourceIdentity| {
        world.sandbox.add_role(Role {
            name: name.to_owned(),
            source_identity: rule,
            principals: vec!["*".to_owned()],
            ..trusting_alice(&world)
        })
    };
    let refusing = role("refusing", SourceIdentity::Refused);
    let allowing = role("allowing", SourceIdentity::Allowed);
    let wanting = role("wanting", SourceIdentity::Required);
    let exact = role("exact", SourceIdentity::Exactly("alice".to_owned()));
    let alice = [("SourceIdentity", "alice")];
    let bob = [("SourceIdentity", "bob")];
    let arn = &world.alice.arn;
    let rows: [(&String, Params<'_>, String); 7] = [
        (&refusing, &alice, not_authorized(arn, "SetSourceIdentity", &refusing)),
        (&allowing, &[], "200".to_owned()),
        (&allowing, &alice, "200".to_owned()),
        (&wanting, &[], not_authorized(arn, "AssumeRole", &wanting)),
        (&wanting, &bob, "200".to_owned()),
        (&exact, &bob, not_authorized(arn, "AssumeRole", &exact)),
        (&exact, &alice, "200".to_owned()),
    ];
    for (role, params, verdict) in rows {
        assert_eq!(world.alice().assume_role(role, params).verdict(), verdict);
    }
    let first = world.alice().assume_role(&allowing, &alice);
    assert_eq!(first.need("SourceIdentity"), "alice");
    let chained = world.alice().with(&first);
    let caller = first.need("Arn");
    assert_eq!(chained.assume_role(&exact, &[]).need("SourceIdentity"), "alice");
    assert_eq!(chained.assume_role(&wanting, &bob).verdict(), not_authorized(&caller, "SetSourceIdentity", &wanting));
    assert_eq!(chained.assume_role(&refusing, &[]).verdict(), not_authorized(&caller, "SetSourceIdentity", &refusing));
}

#[test]
fn tags_need_leave_and_transitive_ones_stay() {
    let world = World::new();
    let tagging = |name: &str, allow_tags: bool| {
        world.sandbox.add_role(Role {
            name: name.to_owned(),
            allow_tags,
            principals: vec!["*".to_owned()],
            ..trusting_alice(&world)
        })
    };
    let (closed, open) = (tagging("closed", false), tagging("open", true));
    let tags = [
        ("Tags.member.1.Key", "Team"),
        ("Tags.member.1.Value", "red"),
        ("Tags.member.2.Key", "Cost"),
        ("Tags.member.2.Value", ""),
        ("TransitiveTagKeys.member.1", "team"),
    ];
    let no = not_authorized(&world.alice.arn, "TagSession", &closed);
    assert_eq!(world.alice().assume_role(&closed, &tags).verdict(), no);
    let first = world.alice().assume_role(&open, &tags);
    first.assert_good();
    assert!(first.get("PackedPolicySize").is_some());
    let team = ("Team".to_owned(), "red".to_owned());
    assert_eq!(world.sandbox.sessions()[0].transitive_tags, std::slice::from_ref(&team));
    let chained = world.alice().with(&first);
    chained.assume_role(&open, &[]).assert_good();
    assert_eq!(world.sandbox.sessions()[1].transitive_tags, [team]);
    assert_eq!(chained.assume_role(&closed, &[]).verdict(), not_authorized(&first.need("Arn"), "TagSession", &closed));

    let rows: [(&Client, Params<'_>, &str); 3] = [
        (
            &chained,
            &[("Tags.member.1.Key", "TEAM"), ("Tags.member.1.Value", "blue")],
            "400 InvalidParameterValue: One of the specified transitive tag keys can't be set \
             because it conflicts with a transitive tag key from the calling session.",
        ),
        (
            &chained,
            &[("TransitiveTagKeys.member.1", "Other")],
            "400 InvalidParameterValue: The specified transitive tag key must be included in the \
             requested tags.",
        ),
        (
            &chained,
            &[
                ("Tags.member.1.Key", "a"),
                ("Tags.member.1.Value", "1"),
                ("Tags.member.2.Key", "A"),
                ("Tags.member.2.Value", "2"),
            ],
            "400 InvalidParameterValue: Duplicate tag keys found. Please note that Tag keys are \
             case insensitive.",
        ),
    ];
    for (client, params, verdict) in rows {
        assert_eq!(client.assume_role(&open, params).verdict(), verdict);
    }
}

#[test]
fn policies_are_read_and_weighed() {
    let world = World::new();
    let role = world.sandbox.add_role(trusting_alice(&world));
    let arn = "arn:aws:iam::aws:policy/ReadOnlyAccess";
    let policy = r#"{"Version":"2012-10-17","Statement":[]}"#;
    let answer = world.alice().assume_role(&role, &[("Policy", policy), ("PolicyArns.member.1.arn", arn)]);
    assert_eq!(answer.need("PackedPolicySize"), "2");
    assert_eq!(world.sandbox.calls()[0].policy_arns(), [arn]);
    assert_eq!(
        world.alice().assume_role(&role, &[("Policy", "{")]).verdict(),
        "400 MalformedPolicyDocument: This policy contains invalid Json"
    );
    let long: Vec<(String, String)> =
        (1..=3).map(|at| (format!("PolicyArns.member.{at}.arn"), "a".repeat(1800))).collect();
    let long: Vec<(&str, &str)> = long.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
    assert!(
        world
            .alice()
            .assume_role(&role, &long)
            .verdict()
            .starts_with("400 PackedPolicyTooLarge: Packed policy consumes 132% of allotted space")
    );
}

#[test]
fn malformed_values_are_named() {
    let world = World::new();
    let role = world.sandbox.add_role(trusting_alice(&world));
    let long = "x".repeat(65);
    let rows: [(&str, Params<'_>, &str); 8] = [
        (
            &role,
            &[("RoleSessionName", "a b")],
            "Value 'a b' at 'roleSessionName' failed to satisfy constraint: Member must satisfy regular expression pattern: [\\w+=,.@-]*",
        ),
        (
            &role,
            &[("RoleSessionName", "a")],
            "Value 'a' at 'roleSessionName' failed to satisfy constraint: Member must have length greater than or equal to 2",
        ),
        (
            &role,
            &[("SourceIdentity", &long)],
            "' at 'sourceIdentity' failed to satisfy constraint: Member must have length less than or equal to 64",
        ),
        (
            &role,
            &[("SourceIdentity", "aws:me")],
            "Value 'aws:me' at 'sourceIdentity' failed to satisfy constraint: Member must satisfy regular expression pattern: [\\w+=,.@-]*",
        ),
        (
            &role,
            &[("ExternalId", "a#b")],
            "Value 'a#b' at 'externalId' failed to satisfy constraint: Member must satisfy regular expression pattern: [\\w+=,.@:\\/-]*",
        ),
        (
            &role,
            &[("DurationSeconds", "43201")],
            "Value '43201' at 'durationSeconds' failed to satisfy constraint: Member must have value less than or equal to 43200",
        ),
        (
            &role,
            &[("Tags.member.1.Key", "a{b")],
            "2 validation errors detected: Value null at 'tags.1.member.value' failed to satisfy constraint: Member must not be null; Value 'a{b' at 'tags.1.member.key'",
        ),
        ("arn:aws:iam::444455556666:user/x", &[], "400 ValidationError: arn:aws:iam::444455556666:user/x is invalid"),
    ];
    for (role, params, words) in rows {
        let verdict = world.alice().assume_role(role, params).verdict();
        assert!(verdict.starts_with("400 ValidationError: "), "{verdict}");
        assert!(verdict.contains(words), "{verdict}");
    }
    assert_eq!(
        world.alice().call("AssumeRole", &[]).verdict(),
        "400 ValidationError: 2 validation errors detected: Value null at 'roleArn' failed to \
         satisfy constraint: Member must not be null; Value null at 'roleSessionName' failed to \
         satisfy constraint: Member must not be null"
    );
    assert!(world.sandbox.sessions().is_empty());
}

#[test]
fn everything_asked_for_is_recorded() {
    let world = World::new();
    let role = world.sandbox.add_role(Role { allow_tags: true, ..trusting_alice(&world) });
    let code = world.code();
    world.alice().assume_role(
        &role,
        &[
            ("RoleSessionName", "night+shift"),
            ("ExternalId", "ex"),
            ("DurationSeconds", "900"),
            ("SerialNumber", &world.phone.serial),
            ("TokenCode", &code),
            ("Tags.member.1.Key", "k 1"),
            ("Tags.member.1.Value", "ä =+"),
            ("TransitiveTagKeys.member.1", "k 1"),
        ],
    );
    let call = world.sandbox.calls().remove(0);
    assert_eq!(call.outcome, "ok");
    assert_eq!((call.number, call.connection, call.time), (1, 1, NOW));
    assert_eq!(call.role_arn(), Some(role.as_str()));
    assert_eq!(call.session_name(), Some("night+shift"));
    assert_eq!(call.external_id(), Some("ex"));
    assert_eq!(call.seconds(), Some(900));
    assert_eq!(call.serial(), Some(world.phone.serial.as_str()));
    assert_eq!(call.token_code(), Some(code.as_str()));
    assert_eq!(call.tags(), [("k 1", "ä =+")]);
    assert_eq!(call.transitive_tag_keys(), ["k 1"]);
    assert_eq!(call.caller_arn.as_deref(), Some(world.alice.arn.as_str()));
    assert_eq!(call.access_key_id.as_deref(), Some(world.alice.access_key_id.as_str()));
    assert_eq!(call.user_agent.as_deref(), Some("wire/1"));
    assert_eq!(call.status, Some(200));
}
