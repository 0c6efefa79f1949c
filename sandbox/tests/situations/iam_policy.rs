//! Users who may not do everything: AWS's sample policies, and lists denied.

use twolock_sandbox::{Policy, Role};

use crate::wire::{ACCOUNT, Client, Params, World, not_authorized};

const DENIED: &str = " with an explicit deny in an identity-based policy";

/// Returns a world whose alice lives under a sample policy, with one more device that is not enabled.
fn world_under(policy: Policy) -> World {
    let world = World::new();
    world.sandbox.add_user(ACCOUNT, "bob");
    let spare = [("VirtualMFADeviceName", "alice")];
    world.alice().iam().call("CreateVirtualMFADevice", &spare).assert_good();
    assert!(world.sandbox.set_policy(&world.alice.arn, policy));
    world
}

/// Says what becomes of a call: `yes`, `explicit` or `implicit` for the two denials, or the code of another refusal.
fn outcome(client: &Client, action: &str, params: Params<'_>) -> String {
    let verdict = client.iam().call(action, params).verdict();
    match verdict.split(['\u{20}', ':']).nth(1) {
        None => "yes".to_owned(),
        Some("AccessDenied") if verdict.ends_with(DENIED) => "explicit".to_owned(),
        Some("AccessDenied") => {
            assert!(verdict.ends_with(&format!(" because no identity-based policy allows the iam:{action} action")));
            "implicit".to_owned()
        }
        Some(code) => code.to_owned(),
    }
}

/// One row an action: its parameters, and what becomes of it without and with MFA.
fn check(policy: Policy, rows: &[(&str, Params<'_>, &str, &str)]) {
    for (action, params, without, with) in rows {
        let world = world_under(policy);
        let session = world.alice_with_mfa();
        assert_eq!(outcome(&world.alice(), action, params), *without, "{policy:?}: {action} {params:?} without MFA");
        let world = if *without == "yes" { world_under(policy) } else { world };
        let session = if *without == "yes" { world.alice_with_mfa() } else { session };
        assert_eq!(outcome(&session, action, params), *with, "{policy:?}: {action} {params:?} with MFA");
    }
}

const ALICE: (&str, &str) = ("UserName", "alice");
const BOB: (&str, &str) = ("UserName", "bob");
const PHONE: (&str, &str) = ("SerialNumber", "arn:aws:iam::111122223333:mfa/alice-phone");
const SPARE: (&str, &str) = ("SerialNumber", "arn:aws:iam::111122223333:mfa/alice");
const CODES: [(&str, &str); 2] = [("AuthenticationCode1", "000000"), ("AuthenticationCode2", "000000")];

#[test]
fn the_sample_policy_lets_a_user_enrol_without_mfa_and_nothing_else() {
    let [one, two] = CODES;
    check(
        Policy::SelfManaged,
        &[
            ("CreateVirtualMFADevice", &[("VirtualMFADeviceName", "any")], "yes", "yes"),
            (
                "CreateVirtualMFADevice",
                &[("VirtualMFADeviceName", "alice")],
                "EntityAlreadyExists",
                "EntityAlreadyExists",
            ),
            ("EnableMFADevice", &[ALICE, SPARE, one, two], "InvalidAuthenticationCode", "InvalidAuthenticationCode"),
            ("EnableMFADevice", &[BOB, SPARE, one, two], "implicit", "implicit"),
            ("ListMFADevices", &[], "yes", "yes"),
            ("ListMFADevices", &[BOB], "implicit", "implicit"),
            ("ListVirtualMFADevices", &[], "yes", "yes"),
            ("ResyncMFADevice", &[ALICE, PHONE, one, two], "InvalidAuthenticationCode", "InvalidAuthenticationCode"),
            ("GetUser", &[], "yes", "yes"),
            ("DeactivateMFADevice", &[ALICE, PHONE], "explicit", "yes"),
            ("DeleteVirtualMFADevice", &[SPARE], "explicit", "implicit"),
            ("ListAccessKeys", &[ALICE], "explicit", "yes"),
            ("ListAccessKeys", &[BOB], "explicit", "implicit"),
            ("CreateAccessKey", &[ALICE], "explicit", "yes"),
            ("ListAccountAliases", &[], "explicit", "implicit"),
        ],
    );
}

#[test]
fn the_older_sample_policy_wants_the_device_named_as_the_user() {
    check(
        Policy::SelfManagedByName,
        &[
            ("CreateVirtualMFADevice", &[("VirtualMFADeviceName", "any")], "implicit", "implicit"),
            (
                "CreateVirtualMFADevice",
                &[("VirtualMFADeviceName", "alice")],
                "EntityAlreadyExists",
                "EntityAlreadyExists",
            ),
            ("DeleteVirtualMFADevice", &[SPARE], "explicit", "yes"),
            ("DeleteVirtualMFADevice", &[PHONE], "explicit", "implicit"),
            ("DeactivateMFADevice", &[ALICE, PHONE], "explicit", "yes"),
        ],
    );
}

#[test]
fn refusals_name_caller_action_and_resource() {
    let world = world_under(Policy::SelfManaged);
    let alice = &world.alice.arn;
    let key = world.alice.access_key_id.as_str();
    let start = format!("403 AccessDenied: User: {alice} is not authorized to perform: iam:");
    let rows: [(&str, Params<'_>, &str); 4] = [
        ("ListAccessKeys", &[], "ListAccessKeys on resource: user alice"),
        ("DeleteVirtualMFADevice", &[SPARE], &format!("DeleteVirtualMFADevice on resource: {}", SPARE.1)),
        (
            "GetAccessKeyLastUsed",
            &[("AccessKeyId", key)],
            &format!("GetAccessKeyLastUsed on resource: access key {key}"),
        ),
        ("ListAccountAliases", &[], "ListAccountAliases on resource: *"),
    ];
    for (action, params, rest) in rows {
        let verdict = world.alice().iam().call(action, params).verdict();
        assert_eq!(verdict, format!("{start}{rest}{DENIED}"));
    }
}

#[test]
fn without_mfa_the_sample_policy_forbids_roles_too() {
    let world = world_under(Policy::SelfManaged);
    let role = world.sandbox.add_role(Role::trusting(ACCOUNT, "dev", &world.alice.arn));
    let refused = not_authorized(&world.alice.arn, "AssumeRole", &role) + DENIED;
    assert_eq!(world.alice().assume_role(&role, &[]).verdict(), refused);
    let plain = world.alice().with(&world.alice().get_session_token(&[]));
    assert_eq!(plain.assume_role(&role, &[]).verdict(), refused);
    world.alice_with_mfa().assume_role(&role, &[]).assert_good();
    let code = world.code();
    let params = [("SerialNumber", world.phone.serial.as_str()), ("TokenCode", code.as_str())];
    world.alice().assume_role(&role, &params).assert_good();
    world.alice().who().assert_good();
}

#[test]
fn lists_denied_to_a_user() {
    let world = World::new();
    for action in ["ListAccessKeys", "ListMFADevices"] {
        assert!(world.sandbox.deny(&world.alice.arn, action));
        for client in [world.alice(), world.alice_with_mfa()] {
            assert_eq!(outcome(&client, action, &[ALICE]), "implicit");
        }
    }
    assert_eq!(outcome(&world.alice(), "CreateAccessKey", &[]), "yes");
    assert!(!world.sandbox.deny("arn:aws:iam::111122223333:user/none", "GetUser"));
}
