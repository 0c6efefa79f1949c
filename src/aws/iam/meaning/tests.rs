//! IAM's words and what they mean: a table, with the messages as AWS writes them.

use super::*;
use crate::arn::Partition;
use crate::aws::clocks::Clocks;
use crate::aws::endpoint::{EndpointRequest, Service, resolve};
use crate::aws::error::AwsError;
use crate::aws::failure::{self, Outcome};
use crate::aws::wire::{End, Seen};
use crate::credentials::{AccessKey, AccessKeyId, Session};
use crate::names::Region;
use crate::secret::Secret;
use crate::timestamp::Timestamp;

const SERIAL: &str = "arn:aws:iam::123456789012:mfa/ana";
const KEY: &str = "AKIAI44QH8DHBEXAMPLE";

/// Has IAM refuse a call, signed by a session or a key, with these words.
fn said(
    by_session: bool,
    (action, parameters): (&'static str, &[Parameter<'static>]),
    status: u16,
    code: &str,
    message: &str,
) -> AwsError {
    let secret = || Secret::new("canary/secret+key/0123456789".to_owned());
    let key = AccessKey { id: AccessKeyId::parse("AKIAIOSFODNN7EXAMPLE").unwrap(), secret: secret() };
    let session = Session {
        access_key_id: AccessKeyId::parse("ASIAIOSFODNN7EXAMPLE").unwrap(),
        secret: secret(),
        token: secret(),
        expires: Timestamp::from_unix(0),
        account: None,
    };
    let endpoint = resolve(
        &EndpointRequest {
            service: Service::Iam,
            partition: Partition::Aws,
            region: Region::parse("eu-west-1").unwrap(),
            fips: false,
            dualstack: false,
            given: None,
        },
        &[],
    );
    let codes = ["493817", "271828"].map(|digits| MfaCode::parse(digits).unwrap());
    let signer = if by_session { Signer::Session(&session) } else { Signer::Key(&key) };
    let (signer, carried, endpoint) = (Some(signer), &[][..], &endpoint.unwrap());
    let common = Call { action, signer, carried, codes: [None; 2], once: false, endpoint, proxy: None };
    let call = IamCall { common, parameters: parameters.to_vec() };
    let has_codes = ["EnableMFADevice", "ResyncMFADevice"].contains(&action);
    let call = if has_codes { call.carrying([&codes[0], &codes[1]]) } else { call };
    let now = Timestamp::from_unix(1_927_629_296);
    let clocks = Clocks { ours: now, theirs: Some(now) };
    let seen = Seen { end: Some(End::Answered(status)), sent: true, date: Some(now), signature: None };
    failure::failed(&call, Outcome::Said { code: code.into(), message: message.into() }, &seen, clocks)
}

const LIST: (&str, &[Parameter<'_>]) = ("ListAccessKeys", &[("UserName", "ana")]);
const CREATE: (&str, &[Parameter<'_>]) = ("CreateAccessKey", &[("UserName", "ana")]);
const DELETE: (&str, &[Parameter<'_>]) = ("DeleteAccessKey", &[("UserName", "ana"), ("AccessKeyId", KEY)]);
const LAST_USED: (&str, &[Parameter<'_>]) = ("GetAccessKeyLastUsed", &[("AccessKeyId", KEY)]);
const ALIASES: (&str, &[Parameter<'_>]) = ("ListAccountAliases", &[]);
const CREATE_DEVICE: (&str, &[Parameter<'_>]) = ("CreateVirtualMFADevice", &[("VirtualMFADeviceName", "ana")]);
const ENABLE: (&str, &[Parameter<'_>]) = ("EnableMFADevice", &[("UserName", "ana"), ("SerialNumber", SERIAL)]);
const DELETE_DEVICE: (&str, &[Parameter<'_>]) = ("DeleteVirtualMFADevice", &[("SerialNumber", SERIAL)]);

#[test]
fn each_error_of_iam_says_what_happened_and_what_to_do() {
    for (call, code, message, begins, hint) in [
        (
            CREATE,
            "LimitExceeded",
            "Cannot exceed quota for AccessKeysPerUser: 2",
            "user 'ana' already has two access keys, the most that AWS allows (IAM: LimitExceeded: Cannot exceed",
            "delete one of them; an inactive key counts too",
        ),
        (
            ENABLE,
            "LimitExceededException",
            "Cannot exceed quota for MFADevicesPerUser: 8",
            "user 'ana' already has as many MFA devices as AWS allows (",
            "remove one that is no longer used",
        ),
        (
            CREATE_DEVICE,
            "LimitExceeded",
            "Cannot exceed quota for VirtualMFADevicesPerAccount",
            "CreateVirtualMFADevice would exceed a quota of the account (",
            "",
        ),
        (
            LIST,
            "NoSuchEntity",
            "The user with name ana cannot be found.",
            "user 'ana' does not exist (IAM: NoSuchEntity: The user with name ana cannot be found)",
            "",
        ),
        (
            DELETE,
            "NoSuchEntity",
            "The Access Key with id AKIAI44QH8DHBEXAMPLE cannot be found.",
            "access key AKIAI44QH8DHBEXAMPLE does not exist, or does not belong to user 'ana' (",
            "if it was created just now, try again in a minute",
        ),
        (
            DELETE_DEVICE,
            "NoSuchEntity",
            "VirtualMFADevice with serial number arn:aws:iam::123456789012:mfa/ana doesn't exist.",
            "device 'arn:aws:iam::123456789012:mfa/ana' does not exist, or does not belong to the user (",
            "if it was created just now, try again in a minute",
        ),
        (
            DELETE_DEVICE,
            "DeleteConflict",
            "MFA VirtualDevice in use. Must deactivate first.",
            "device 'arn:aws:iam::123456789012:mfa/ana' is still enabled for a user, so it cannot be deleted (",
            "deactivate it first",
        ),
        (
            CREATE_DEVICE,
            "EntityAlreadyExists",
            "MFADevice entity at the same path and name already exists.",
            "device 'ana' already exists in this account (",
            "choose another name",
        ),
        (
            ENABLE,
            "EntityAlreadyExists",
            "MFA Device is already in use.",
            "device 'arn:aws:iam::123456789012:mfa/ana' is already enabled for a user (",
            "",
        ),
        (
            ENABLE,
            "EntityTemporarilyUnmodifiable",
            "x",
            "device 'arn:aws:iam::123456789012:mfa/ana' is being changed at AWS at this moment (",
            "try again in a few minutes",
        ),
        (LIST, "InvalidInput", "x", "ListAccessKeys was refused (IAM: InvalidInput: x)", ""),
        (LIST, "ValidationError", "x", "ListAccessKeys was not understood (IAM: ValidationError: x)", ""),
    ] {
        let error = said(true, call, 409, code, message);
        let kind = match (code, call.0) {
            ("NoSuchEntity", _) if !begins.starts_with("user") => AwsErrorKind::Missing,
            ("DeleteConflict", _) => AwsErrorKind::InUse,
            ("EntityAlreadyExists", "CreateVirtualMFADevice") => AwsErrorKind::Exists,
            _ => AwsErrorKind::Refused,
        };
        assert_eq!(error.kind, kind, "{code}");
        assert!(error.cause.starts_with(begins), "{}", error.cause);
        assert_eq!(error.shown_hints().concat(), hint, "{code}");
    }
}

#[test]
fn codes_that_are_refused_are_asked_for_again() {
    let message = "Authentication code 493817 for device is not valid. Not 271828 either.";
    let error = said(false, ENABLE, 403, "InvalidAuthenticationCode", message);
    assert_eq!(error.kind, AwsErrorKind::WrongCode);
    assert_eq!(error.cause, "the codes were refused by IAM: wrong, not consecutive, or from another device");
    assert_eq!(error.shown_hints(), [format!("enter two codes that follow each other, both from {SERIAL}")]);
    let error = said(false, ENABLE, 400, "Whatever", message);
    assert!(error.cause.contains("Authentication code *** for device is not valid. Not *** either"), "{}", error.cause);
}

#[test]
fn what_a_policy_denies_is_named_with_who_may_do_it() {
    let message = "User: arn:aws:iam::123456789012:user/ana is not authorized to perform: iam:x on resource: user ana";
    for (by_session, call, hint) in [
        (false, LIST, "if your policies require MFA for this action, it needs a session made with a code"),
        (true, LIST, "your policies must allow iam:ListAccessKeys on your own user"),
        (true, LAST_USED, "your policies must allow iam:GetAccessKeyLastUsed on your own keys"),
        (true, CREATE_DEVICE, "your policies must allow iam:CreateVirtualMFADevice on your own devices"),
        (true, ALIASES, "your policies must allow iam:ListAccountAliases on your account"),
    ] {
        let error = said(by_session, call, 403, "AccessDenied", message);
        assert_eq!(error.kind, AwsErrorKind::Denied);
        assert!(error.cause.starts_with(&format!("{} is not allowed (IAM: AccessDenied: User: ", call.0)));
        assert_eq!(error.shown_hints(), [hint]);
    }
}

#[test]
fn a_session_without_a_code_is_stale_and_a_key_is_unknown() {
    let message = "The security token included in the request is invalid.";
    let error = said(true, LIST, 403, "InvalidClientTokenId", message);
    assert_eq!(error.kind, AwsErrorKind::StaleSession);
    assert!(error.cause.starts_with("AWS no longer knows the session, or it was made without a code ("));
    assert_eq!(error.shown_hints(), ["IAM accepts only sessions made with an MFA code"]);
    let error = said(false, LIST, 403, "InvalidClientTokenId", message);
    assert_eq!(error.kind, AwsErrorKind::Refused);
    assert!(error.cause.starts_with("access key AKIAIOSFODNN7EXAMPLE is unknown, inactive or deleted"));
    assert_eq!(said(true, LIST, 403, "ExpiredToken", "x").kind, AwsErrorKind::StaleSession);
}

#[test]
fn trouble_may_have_arrived_and_uses_up_both_codes() {
    for (status, code) in [(500, "ServiceFailure"), (503, "ServiceUnavailable"), (400, "Throttling")] {
        let error = said(true, CREATE, status, code, "x");
        assert_eq!((error.kind, error.kind.may_have_arrived()), (AwsErrorKind::Unclear, true));
        assert_eq!(error.shown_hints(), ["try again in a moment"]);
        let error = said(true, ENABLE, status, code, "x");
        let hints = ["try again in a moment", "the codes count as used: wait for the next two codes"];
        assert_eq!(error.shown_hints(), hints);
    }
}
