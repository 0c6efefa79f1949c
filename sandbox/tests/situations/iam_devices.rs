//! IAM's MFA devices: made, enabled with two codes, used, lost and removed.

use data_encoding::{BASE32_NOPAD, BASE64};
use twolock_sandbox::{Clock, Fault, FaultKind, NewUser, Options, Refusal, totp};

use crate::wire::{ACCOUNT, Answer, Client, NOW, Params, World};

const STEP: i64 = NOW / 30;
const WRONG_CODES: &str = "403 InvalidAuthenticationCode: Authentication code for device is not valid.";
const TAKEN: &str = "409 EntityAlreadyExists: MFADevice entity at the same path and name already exists.";

fn serial_of(name: &str) -> String {
    format!("arn:aws:iam::{ACCOUNT}:mfa/{name}")
}

fn create(client: &Client, name: &str) -> Answer {
    client.iam().call("CreateVirtualMFADevice", &[("VirtualMFADeviceName", name)])
}

/// Calls with the codes that a device shows in two steps.
fn with_codes(world: &World, action: &str, serial: &str, steps: [i64; 2]) -> Answer {
    let [first, second] = steps.map(|step| world.sandbox.code_at(serial, step * 30).unwrap());
    let params = [
        ("UserName", "alice"),
        ("SerialNumber", serial),
        ("AuthenticationCode1", &first),
        ("AuthenticationCode2", &second),
    ];
    world.alice().iam().call(action, &params)
}

fn session(world: &World, serial: &str, step: i64) -> String {
    let code = world.sandbox.code_at(serial, step * 30).unwrap();
    world.alice().get_session_token(&[("SerialNumber", serial), ("TokenCode", &code)]).verdict()
}

#[test]
fn a_device_is_made_enabled_and_used() {
    let world = World::new();
    let made = create(&world.alice(), "alice-2");
    made.assert_good();
    let serial = made.need("SerialNumber");
    assert_eq!(serial, serial_of("alice-2"));
    let seed = BASE64.decode(made.need("Base32StringSeed").as_bytes()).unwrap();
    assert_eq!(seed.len(), 64);
    let seed = BASE32_NOPAD.decode(&seed).unwrap();
    let picture = BASE64.decode(made.need("QRCodePNG").as_bytes()).unwrap();
    assert!(picture.starts_with(b"\x89PNG"));
    assert_eq!(world.alice().iam().call("ListMFADevices", &[]).all("SerialNumber"), [world.phone.serial.as_str()]);

    // The seed alone gives the codes.
    let params = [
        ("UserName", "alice"),
        ("SerialNumber", &serial),
        ("AuthenticationCode1", &totp(&seed, STEP)),
        ("AuthenticationCode2", &totp(&seed, STEP + 1)),
    ];
    world.alice().iam().call("EnableMFADevice", &params).assert_good();
    let listed = world.alice().iam().call("ListMFADevices", &[("UserName", "alice")]);
    assert_eq!(listed.all("SerialNumber"), [serial.clone(), world.phone.serial.clone()]);
    assert_eq!(listed.need("EnableDate"), "2025-06-15T15:06:40Z");
    let devices = world.sandbox.devices_of(&world.alice.arn);
    assert!(devices.iter().any(|it| it.serial == serial && it.enabled_at == Some(NOW)));

    // Both codes count as used, so the next one is the first that STS takes.
    let next = world.sandbox.code(&serial).unwrap();
    assert_eq!(next.step, STEP - 1);
    for (step, verdict) in [(STEP, 403), (STEP + 1, 403), (STEP - 1, 200)] {
        assert!(session(&world, &serial, step).starts_with(&verdict.to_string()), "{step}");
    }
    let used: Vec<i64> = world.sandbox.codes_consumed().iter().map(|code| code.step).collect();
    assert_eq!(used, [STEP, STEP + 1, STEP - 1]);
}

#[test]
fn only_two_fresh_consecutive_codes_enable() {
    let rows = [
        ("previous and current", [STEP - 1, STEP], "200"),
        ("current and next", [STEP, STEP + 1], "200"),
        ("the same twice", [STEP, STEP], WRONG_CODES),
        ("in the wrong order", [STEP, STEP - 1], WRONG_CODES),
        ("one left out", [STEP - 1, STEP + 1], WRONG_CODES),
        ("an hour old", [STEP - 120, STEP - 119], WRONG_CODES),
    ];
    for (situation, steps, verdict) in rows {
        let world = World::new();
        create(&world.alice(), "two").assert_good();
        let answer = with_codes(&world, "EnableMFADevice", &serial_of("two"), steps);
        assert_eq!(answer.verdict(), verdict, "{situation}");
        let enabled = world.sandbox.devices_of(&world.alice.arn).len();
        assert_eq!(enabled, if verdict == "200" { 2 } else { 1 }, "{situation}");
    }
}

#[test]
fn sts_takes_the_codes_of_a_new_device_after_a_while() {
    let world = World::with(Options { device_delay: 60, list_delay: 30, ..Options::default() });
    let serial = serial_of("two");
    create(&world.alice(), "two").assert_good();
    with_codes(&world, "EnableMFADevice", &serial, [STEP - 1, STEP]).assert_good();
    let listed = || world.alice().iam().call("ListMFADevices", &[]).all("SerialNumber").len();
    assert_eq!(listed(), 1);
    world.sandbox.set_clock(Clock::Fixed(NOW + 59));
    assert!(session(&world, &serial, STEP + 2).contains("unable to validate MFA code"));
    assert_eq!(listed(), 2);
    world.sandbox.set_clock(Clock::Fixed(NOW + 60));
    assert_eq!(session(&world, &serial, STEP + 2), "200", "the refused code was not used up");
}

#[test]
fn lost_answers_leave_a_device_made_or_enabled() {
    let world = World::new();
    let iam = world.alice().iam();
    let name = [("VirtualMFADeviceName", "two")];
    let serial = serial_of("two");
    world.sandbox.fault(Fault::new(FaultKind::DropAfter).on("CreateVirtualMFADevice"));
    iam.try_call("CreateVirtualMFADevice", &name).unwrap_err();
    assert_eq!(create(&world.alice(), "two").verdict(), TAKEN);

    let busy = Refusal::new(409, "EntityTemporarilyUnmodifiable", "Please wait.");
    world.sandbox.fault(Fault::new(FaultKind::Error(busy)).on("EnableMFADevice"));
    let answer = with_codes(&world, "EnableMFADevice", &serial, [STEP - 1, STEP]);
    assert_eq!(answer.verdict(), "409 EntityTemporarilyUnmodifiable: Please wait.");
    assert!(world.sandbox.codes_consumed().is_empty());

    world.sandbox.fault(Fault::new(FaultKind::Status(500)).on("EnableMFADevice").after_effect());
    assert_eq!(with_codes(&world, "EnableMFADevice", &serial, [STEP - 1, STEP]).status, 500);
    assert_eq!(world.sandbox.codes_consumed().len(), 2);
    assert_eq!(
        with_codes(&world, "EnableMFADevice", &serial, [STEP, STEP + 1]).verdict(),
        "409 EntityAlreadyExists: MFA Device is already in use."
    );
    assert_eq!(session(&world, &serial, STEP + 1), "200");
}

#[test]
fn a_half_made_device_blocks_its_name_until_it_is_deleted() {
    let world = World::new();
    create(&world.alice(), "alice").assert_good();
    assert_eq!(create(&world.alice(), "alice").verdict(), TAKEN);
    world.alice().iam().call("DeleteVirtualMFADevice", &[("SerialNumber", &serial_of("alice"))]).assert_good();
    let again = create(&world.alice(), "alice");
    again.assert_good();
    assert_eq!(world.sandbox.devices().len(), 2);
}

#[test]
fn an_enabled_device_is_deactivated_before_it_is_deleted() {
    let world = World::new();
    let serial = [("SerialNumber", world.phone.serial.as_str())];
    let session_before = world.alice_with_mfa();
    let iam = world.alice().iam();
    assert_eq!(
        iam.call("DeleteVirtualMFADevice", &serial).verdict(),
        "409 DeleteConflict: MFA VirtualDevice in use. Must deactivate first."
    );
    iam.call("DeactivateMFADevice", &serial).assert_good();
    assert_eq!(iam.call("DeactivateMFADevice", &serial).verdict(), "404 NoSuchEntity: MFA Device invalid for user.");
    assert!(session(&world, &world.phone.serial, STEP).contains("unable to validate MFA code"));
    session_before.iam().call("GetUser", &[]).assert_good();
    iam.call("DeleteVirtualMFADevice", &serial).assert_good();
    assert!(world.sandbox.devices().is_empty());
}

#[test]
fn devices_that_are_not_there_or_not_ones_own() {
    let world = World::new();
    let bob = world.sandbox.add_user(ACCOUNT, "bob");
    let bobs = world.sandbox.add_device(&bob.arn, "bob").serial;
    let far = world.sandbox.add_user("444455556666", "far");
    let far = world.sandbox.add_device(&far.arn, "far").serial;
    let none = serial_of("none");
    let missing =
        |serial: &str| format!("404 NoSuchEntity: VirtualMFADevice with serial number {serial} doesn't exist.");
    let invalid = "404 NoSuchEntity: MFA Device invalid for user.".to_owned();
    let codes = [("AuthenticationCode1", "000000"), ("AuthenticationCode2", "000001")];
    let rows: [(&str, &str, &str, String); 9] = [
        ("EnableMFADevice", "alice", &none, missing(&none)),
        ("EnableMFADevice", "alice", &far, missing(&far)),
        ("EnableMFADevice", "alice", &bobs, "409 EntityAlreadyExists: MFA Device is already in use.".to_owned()),
        ("EnableMFADevice", "carol", &none, "404 NoSuchEntity: The user with name carol cannot be found.".to_owned()),
        ("ResyncMFADevice", "alice", &bobs, invalid.clone()),
        ("ResyncMFADevice", "alice", &none, missing(&none)),
        ("DeactivateMFADevice", "alice", &bobs, invalid),
        ("DeactivateMFADevice", "alice", &none, missing(&none)),
        ("DeleteVirtualMFADevice", "alice", &far, missing(&far)),
    ];
    for (action, user, serial, verdict) in rows {
        let mut params = vec![("UserName", user), ("SerialNumber", serial)];
        params.extend(codes);
        assert_eq!(world.alice().iam().call(action, &params).verdict(), verdict, "{action} {serial}");
    }
}

#[test]
fn a_ninth_device_is_refused() {
    let world = World::new();
    for number in 2..=7 {
        world.sandbox.add_device(&world.alice.arn, &format!("device-{number}"));
    }
    world.sandbox.add_passkey(&world.alice.arn, "laptop").unwrap();
    create(&world.alice(), "nine").assert_good();
    let answer = with_codes(&world, "EnableMFADevice", &serial_of("nine"), [STEP - 1, STEP]);
    assert_eq!(answer.verdict(), "409 LimitExceeded: Cannot exceed quota for MFADevicesPerUser: 8");
}

#[test]
fn passkeys_are_listed_and_sts_does_not_take_them() {
    let world = World::new();
    let passkey = world.sandbox.add_passkey(&world.alice.arn, "laptop").unwrap();
    assert!(passkey.starts_with(&format!("arn:aws:iam::{ACCOUNT}:u2f/user/alice/laptop-")), "{passkey}");
    let listed = || world.alice().iam().call("ListMFADevices", &[]).all("SerialNumber");
    assert_eq!(listed(), [world.phone.serial.clone(), passkey.clone()]);
    let params = [("SerialNumber", passkey.as_str()), ("TokenCode", "123456")];
    assert!(world.alice().get_session_token(&params).verdict().contains("unable to validate MFA code"));
    assert_eq!(world.sandbox.code(&passkey), None);
    let virtual_ones = world.alice().iam().call("ListVirtualMFADevices", &[]);
    assert_eq!(virtual_ones.all("SerialNumber"), [world.phone.serial.as_str()]);
    world.alice().iam().call("DeactivateMFADevice", &params[..1]).assert_good();
    assert_eq!(listed(), [world.phone.serial.as_str()]);
}

#[test]
fn a_device_whose_clock_is_off_works_once_resynchronized() {
    for ahead in [300, -300] {
        let world = World::new();
        let serial = world.phone.serial.clone();
        assert!(world.sandbox.set_device_ahead(&serial, ahead));
        assert!(session(&world, &serial, STEP).contains("invalid MFA one time pass code"), "{ahead}");
        assert_eq!(with_codes(&world, "ResyncMFADevice", &serial, [STEP, STEP]).verdict(), WRONG_CODES);
        with_codes(&world, "ResyncMFADevice", &serial, [STEP - 1, STEP]).assert_good();
        assert!(session(&world, &serial, STEP).contains("invalid MFA one time pass code"), "{ahead}: used");
        assert_eq!(session(&world, &serial, STEP + 1), "200", "{ahead}");
    }
}

#[test]
fn virtual_devices_by_assignment() {
    let world = World::new();
    create(&world.alice(), "spare").assert_good();
    let list = |params: Params<'_>| world.alice().iam().call("ListVirtualMFADevices", params);
    let (phone, spare) = (world.phone.serial.clone(), serial_of("spare"));
    let rows: [(Params<'_>, Vec<String>); 4] = [
        (&[], vec![phone.clone(), spare.clone()]),
        (&[("AssignmentStatus", "Any")], vec![phone.clone(), spare.clone()]),
        (&[("AssignmentStatus", "Assigned")], vec![phone.clone()]),
        (&[("AssignmentStatus", "Unassigned")], vec![spare.clone()]),
    ];
    for (params, serials) in rows {
        assert_eq!(list(params).all("SerialNumber"), serials, "{params:?}");
    }
    assert_eq!(list(&[("AssignmentStatus", "Assigned")]).need("Arn"), world.alice.arn);
    assert_eq!(list(&[("AssignmentStatus", "Unassigned")]).get("EnableDate"), None);
    assert!(list(&[("AssignmentStatus", "None")]).verdict().ends_with("enum value set: [Assigned, Unassigned, Any]"));
}

#[test]
fn names_and_paths_of_devices() {
    let world = World::new();
    let make = |params: Params<'_>| world.alice().iam().call("CreateVirtualMFADevice", params);
    let name = ("VirtualMFADeviceName", "phone");
    assert_eq!(make(&[name, ("Path", "/team/")]).need("SerialNumber"), serial_of("team/phone"));
    assert_eq!(make(&[name]).need("SerialNumber"), serial_of("phone"));
    assert!(make(&[name, ("Path", "team")]).verdict().contains("Value 'team' at 'path'"));
    assert!(make(&[("VirtualMFADeviceName", "a b")]).verdict().contains("Value 'a b' at 'virtualMFADeviceName'"));
    assert!(make(&[]).verdict().contains("Value null at 'virtualMFADeviceName'"));
    let codes = with_codes(&world, "EnableMFADevice", &serial_of("phone"), [STEP - 1, STEP]);
    codes.assert_good();
    let short = [("UserName", "alice"), ("SerialNumber", &world.phone.serial), ("AuthenticationCode1", "12a")];
    let verdict = world.alice().iam().call("ResyncMFADevice", &short).verdict();
    assert!(verdict.starts_with("400 ValidationError: 3 validation errors detected: "), "{verdict}");
}

#[test]
fn devices_belong_to_the_partition_of_their_account() {
    let world = World::new();
    let arn = format!("arn:aws-cn:iam::{ACCOUNT}:user/chen");
    let chen = world.sandbox.add(NewUser { arn, ..NewUser::default() }).unwrap();
    let chen = Client { region: "cn-north-1".to_owned(), ..Client::new(&world.sandbox, &chen) };
    let made = create(&chen, "phone").need("SerialNumber");
    assert_eq!(made, format!("arn:aws-cn:iam::{ACCOUNT}:mfa/phone"));
    let here = |client: &Client| client.iam().call("ListVirtualMFADevices", &[]).all("SerialNumber");
    assert_eq!(here(&chen), [made]);
    assert_eq!(here(&world.alice()), [world.phone.serial.as_str()]);
}
