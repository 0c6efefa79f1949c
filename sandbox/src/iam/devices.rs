//! The actions on MFA devices.

use data_encoding::{BASE32_NOPAD, BASE64};

use super::account::{described, user_name};
use super::policy::Resource;
use super::{Answer, Implied, list};
use crate::clock::iso;
use crate::qr;
use crate::random;
use crate::refusal::Refusal;
use crate::signed_call::SignedCall;
use crate::world::MfaDevice;
use crate::xml::{element, wrap};

const DEVICES_PER_USER: usize = 8;

pub(super) fn list(call: &SignedCall<'_>) -> Result<Answer, Refusal> {
    let mut checks = call.checks();
    let name = checks.user_name();
    let wanted = checks.page()?;
    checks.finish()?;
    let user = call.subject("ListMFADevices", name, Implied::Caller)?;
    let members: Vec<String> = call
        .world
        .devices()
        .filter(|device| device.owner() == Some(&user) && device.listed_from <= call.now)
        .map(|device| user_name(&user) + &element("SerialNumber", &device.serial) + &enable_date(device))
        .map(|fields| wrap("member", &fields))
        .collect();
    Ok(call.answer("ListMFADevices", list::page(call, &wanted, "MFADevices", &members)?))
}

pub(super) fn list_virtual(call: &SignedCall<'_>) -> Result<Answer, Refusal> {
    let mut checks = call.checks();
    let assignment = checks.assignment();
    let wanted = checks.page()?;
    checks.finish()?;
    call.authorize("ListVirtualMFADevices", Resource::Account)?;
    let home = call.home();
    let is_meant = |device: &&MfaDevice| match assignment {
        "Assigned" => device.enabled.is_some(),
        "Unassigned" => device.enabled.is_none(),
        _ => true,
    };
    let members: Vec<String> = call
        .world
        .devices()
        .filter(|device| device.is_virtual() && device.home == home && device.listed_from <= call.now)
        .filter(is_meant)
        .map(|device| {
            let user = device.owner().map(|owner| wrap("User", &described(call, owner))).unwrap_or_default();
            wrap("member", &(element("SerialNumber", &device.serial) + &user + &enable_date(device)))
        })
        .collect();
    Ok(call.answer("ListVirtualMFADevices", list::page(call, &wanted, "VirtualMFADevices", &members)?))
}

pub(super) fn create(call: &mut SignedCall<'_>) -> Result<Answer, Refusal> {
    let mut checks = call.checks();
    let path = checks.path();
    let name = checks.device_name();
    checks.finish()?;
    let own = call.caller.name();
    let serial = own.sibling("iam", &format!("mfa{path}{name}"));
    call.authorize("CreateVirtualMFADevice", Resource::Device(&serial))?;
    if call.world.device(&serial).is_some() {
        return Err(Refusal::exists("MFADevice entity at the same path and name already exists."));
    }
    let seed = random::device_seed();
    let base32 = BASE32_NOPAD.encode(&seed);
    let account = call.world.alias(&own.account).unwrap_or(&own.account);
    let picture = qr::png(&format!("otpauth://totp/{name}@{account}?secret={base32}"));
    let mut device = MfaDevice::new(&serial, &call.home(), seed);
    device.listed_from = call.now + call.world.pace.list_delay;
    call.world.put_device(device);
    // The model calls both of them blobs, so the seed is Base64 of Base32.
    let result = element("SerialNumber", &serial)
        + &element("Base32StringSeed", &BASE64.encode(base32.as_bytes()))
        + &element("QRCodePNG", &BASE64.encode(&picture));
    Ok(call.answer("CreateVirtualMFADevice", wrap("VirtualMFADevice", &result)))
}

pub(super) fn enable(call: &mut SignedCall<'_>) -> Result<Answer, Refusal> {
    let mut checks = call.checks();
    let name = checks.need_user_name();
    let serial = checks.serial();
    let codes = checks.codes();
    checks.finish()?;
    let user = call.subject("EnableMFADevice", Some(name), Implied::Caller)?;
    let home = call.home();
    let others = call.world.devices().filter(|device| device.owner() == Some(&user)).count();
    let device = call.world.device(serial).filter(|device| device.home == home).ok_or_else(|| not_found(serial))?;
    if device.enabled.is_some() {
        return Err(Refusal::exists("MFA Device is already in use."));
    }
    if others >= DEVICES_PER_USER {
        return Err(Refusal::limit_exceeded("MFADevicesPerUser", DEVICES_PER_USER));
    }
    prove(call, serial, codes)?;
    let (now, pace) = (call.now, call.world.pace);
    if let Some(device) = call.world.device_mut(serial) {
        device.enabled = Some((user, now));
        device.works_from = now + pace.device_delay;
        device.listed_from = now + pace.list_delay;
    }
    Ok(call.answer("EnableMFADevice", None))
}

pub(super) fn resync(call: &mut SignedCall<'_>) -> Result<Answer, Refusal> {
    let mut checks = call.checks();
    let name = checks.need_user_name();
    let serial = checks.serial();
    let codes = checks.codes();
    checks.finish()?;
    let user = call.subject("ResyncMFADevice", Some(name), Implied::Caller)?;
    check_owner(call, serial, &user)?;
    prove(call, serial, codes)?;
    Ok(call.answer("ResyncMFADevice", None))
}

pub(super) fn deactivate(call: &mut SignedCall<'_>) -> Result<Answer, Refusal> {
    let mut checks = call.checks();
    let name = checks.user_name();
    let serial = checks.serial();
    checks.finish()?;
    let user = call.subject("DeactivateMFADevice", name, Implied::Caller)?;
    check_owner(call, serial, &user)?;
    match call.world.device_mut(serial) {
        Some(device) if !device.is_passkey() => device.enabled = None,
        // A passkey without a user does not exist.
        _ => call.world.remove_device(serial),
    }
    Ok(call.answer("DeactivateMFADevice", None))
}

pub(super) fn delete(call: &mut SignedCall<'_>) -> Result<Answer, Refusal> {
    let mut checks = call.checks();
    let serial = checks.serial();
    checks.finish()?;
    call.authorize("DeleteVirtualMFADevice", Resource::Device(serial))?;
    let home = call.home();
    let is_here = |device: &&MfaDevice| device.is_virtual() && device.home == home;
    let device = call.world.device(serial).filter(is_here).ok_or_else(|| not_found(serial))?;
    if device.enabled.is_some() {
        return Err(Refusal::new(409, "DeleteConflict", "MFA VirtualDevice in use. Must deactivate first."));
    }
    call.world.remove_device(serial);
    Ok(call.answer("DeleteVirtualMFADevice", None))
}

/// Accepts two consecutive codes of a device; from now on they are used.
fn prove(call: &mut SignedCall<'_>, serial: &str, codes: [&str; 2]) -> Result<(), Refusal> {
    let steps =
        call.world.device_mut(serial).and_then(|device| device.accept_pair(codes, call.now)).ok_or_else(|| {
            Refusal::new(403, "InvalidAuthenticationCode", "Authentication code for device is not valid.")
        })?;
    for (code, step) in codes.into_iter().zip(steps) {
        call.world.note_code(serial, code, step, call.now);
    }
    Ok(())
}

fn check_owner(call: &SignedCall<'_>, serial: &str, user: &str) -> Result<(), Refusal> {
    let device = call.world.device(serial).ok_or_else(|| not_found(serial))?;
    if device.owner() == Some(user) {
        return Ok(());
    }
    Err(Refusal::no_such_entity("MFA Device invalid for user."))
}

fn not_found(serial: &str) -> Refusal {
    Refusal::no_such_entity(format!("VirtualMFADevice with serial number {serial} doesn't exist."))
}

fn enable_date(device: &MfaDevice) -> String {
    device.enabled.as_ref().map(|(_, time)| element("EnableDate", &iso(*time))).unwrap_or_default()
}

impl SignedCall<'_> {
    /// Returns the root of the caller's account, by which devices know where they belong.
    fn home(&self) -> String {
        self.caller.name().sibling("iam", "root")
    }
}
