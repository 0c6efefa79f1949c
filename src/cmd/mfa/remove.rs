//! `mfa remove`: deactivates and deletes a device, and removes it from the profiles that name it.

use crate::arn::MfaSerial;
use crate::aws::iam::{DeviceKind, Iam, MfaDevice};
use crate::aws::{AwsErrorKind, Bounds};
use crate::cli::{ChangeFlags, Remove};
use crate::cmd::changing::recovered;
use crate::cmd::context::{Context, Invocation};
use crate::cmd::conversation::confirmed;
use crate::error::{Failure, Kind, Result};
use crate::hint::{CommandLine, Verb};
use crate::output::paragraph::wrapped_lines;
use crate::output::to_stdout;
use crate::system::terminal;
use crate::text::visible::{refused, visible};

use super::devices::{kind_of, short};
use super::setting;
use crate::cmd::account::Account;

pub fn run(args: &Remove, invocation: &Invocation) -> Result<u8> {
    recovered(&invocation.env, None, false)?;
    let context = Context::load(&invocation.env)?;
    let name = context.requested_or_picked(&args.profile.profile)?;
    let account = Account::of(&context, &name)?.with_mfa(args.profile.code_stdin)?;
    let removing = Removing::of(&account, args)?;
    removing.confirm(args)?;
    let removed = removing.remove();
    // A device that is deactivated gives no sessions any more, although it may still exist.
    if removed.as_ref().map_or_else(|failure| failure.kind == Kind::HalfDone, |()| true) {
        let flags = ChangeFlags { yes: true, ..ChangeFlags::default() };
        // The files as they are now.
        setting::unset(&Context::load(&invocation.env)?, "mfa remove", &removing.serial, flags)?;
    }
    removed?;
    to_stdout(format!("removed MFA device {}\n", removing.serial).as_bytes())?;
    Ok(0)
}

struct Removing<'a> {
    account: &'a Account<'a>,
    serial: MfaSerial,
    /// As AWS lists it; none if it lists none, or if an earlier run has deactivated it.
    listed: Option<MfaDevice>,
}

impl<'a> Removing<'a> {
    fn of(account: &'a Account<'a>, args: &Remove) -> Result<Self> {
        let devices = match account.devices() {
            Ok(devices) => devices,
            Err(e) if e.kind == AwsErrorKind::Denied && args.force => Vec::new(),
            Err(e) => return Err(account.not_listed(e)),
        };
        let serial = serial_of(account, args, &devices)?;
        let listed = devices.iter().find(|device| device.serial == serial).cloned();
        if let Some(this) = listed.as_ref().filter(|_| !args.force) {
            must_not_be_the_last(account, this, &devices)?;
        }
        Ok(Self { account, serial, listed })
    }

    fn confirm(&self, args: &Remove) -> Result<()> {
        let kind = self.listed.as_ref().map(|device| format!(" ({})", kind_of(device.kind))).unwrap_or_default();
        let profiles = setting::profiles_naming(&self.account.context.files, &self.serial);
        let named: String =
            profiles.iter().map(|name| format!("it is the device of profile '{}'\n", visible(name))).collect();
        let text = format!("MFA device {}{kind} of user {}\n{named}", self.serial, self.account.user);
        let text = wrapped_lines(&text, terminal::columns(&self.account.context.env));
        confirmed(args.yes, "add --yes", &text, "deactivate and delete it at AWS?")
    }

    /// A device that an earlier run has deactivated is deleted.
    fn remove(&self) -> Result<()> {
        let Account { iam, user, .. } = self.account;
        let signer = self.account.signer();
        let was_enabled = match iam.deactivate_mfa_device(signer, user, &self.serial, Bounds::CALL) {
            Err(e) if e.kind == AwsErrorKind::Missing && is_virtual(&self.serial) => false,
            deactivated => deactivated.map(|()| true).map_err(|e| self.account.failure(e))?,
        };
        if !is_virtual(&self.serial) {
            return Ok(());
        }
        match iam.delete_virtual_mfa_device(signer, &self.serial, Bounds::CALL) {
            Ok(()) => Ok(()),
            Err(e) if e.kind == AwsErrorKind::Missing && was_enabled => Ok(()),
            Err(e) if was_enabled => {
                let cause = format!("device {} is deactivated, but not deleted: {}", self.serial, e.cause);
                let again = CommandLine::of(Verb::RemoveDevice, &self.account.profile).with(self.serial.to_string());
                let failure = Failure::new(Kind::HalfDone, cause).of_profile(&self.account.profile);
                Err(failure.hint(again.to("to delete it, where your policies allow that")))
            }
            Err(e) => Err(self.account.failure(e)),
        }
    }
}

/// A user who has a passkey left can sign in to the console, but start no session.
fn must_not_be_the_last(account: &Account<'_>, this: &MfaDevice, devices: &[MfaDevice]) -> Result<()> {
    let has_codes = this.kind.has_codes_for_sts();
    let is_as_good = |other: &&MfaDevice| other.serial != this.serial && (other.kind.has_codes_for_sts() || !has_codes);
    if devices.iter().any(|other| is_as_good(&other)) {
        return Ok(());
    }
    let what = if devices.len() > 1 { " whose codes STS takes" } else { "" };
    let cause = format!("{} is the last MFA device of user {}{what}", this.serial, account.user);
    let enroll = CommandLine::of(Verb::Enroll, &account.profile).to("to enroll another one first");
    let failure = Failure::new(Kind::Config, cause).of_profile(&account.profile).hint(enroll);
    Err(failure.hint("to remove it anyway: add --force"))
}

/// Only these exist without a user, and have to be deleted.
fn is_virtual(serial: &MfaSerial) -> bool {
    DeviceKind::of(serial) == DeviceKind::Virtual
}

fn serial_of(account: &Account<'_>, args: &Remove, devices: &[MfaDevice]) -> Result<MfaSerial> {
    let usage = |cause: String| Failure::new(Kind::Usage, cause).of_profile(&account.profile);
    let Some(given) = &args.device else {
        return account.device().cloned().ok_or_else(|| {
            let devices = CommandLine::of(Verb::Devices, &account.profile);
            usage("no mfa_serial: name the device".into()).hint(devices.to("to list the user's devices"))
        });
    };
    let named = devices.iter().find(|device| device.serial.as_str() == given || short(&device.serial) == given);
    match named {
        Some(device) => Ok(device.serial.clone()),
        None if given.starts_with("arn:") => {
            MfaSerial::parse(given).map_err(|why| usage(format!("'{}' {why}", refused(given))))
        }
        None => {
            let devices = CommandLine::of(Verb::Devices, &account.profile);
            Err(usage(format!("user {} has no MFA device '{}'", account.user, refused(given)))
                .hint(devices.to("to list the user's devices")))
        }
    }
}
