//! Offers the user's devices where a profile names none: `login`, `profile add`, `profile adopt`.

use crate::arn::MfaSerial;
use crate::aws::iam::MfaDevice;
use crate::aws::{AwsError, AwsErrorKind};
use crate::cli::ChangeFlags;
use crate::cmd::changing::recovered;
use crate::cmd::context::{Context, Planned};
use crate::cmd::conversation::{Conversation, PersonNeeded};
use crate::error::{Failure, Kind, Result};
use crate::hint::{CommandLine, Verb};
use crate::names::{ProfileName, UserName};
use crate::output::messages;
use crate::picker::{self, Choices};
use crate::system::log;
use crate::system::terminal::Terminal;
use crate::text::visible::{refused, visible};

use super::devices::{kind_of, short};
use super::setting;
use crate::cmd::account::Account;

/// What a person chose of the devices that AWS lists.
pub enum Chosen {
    Device(MfaSerial),
    /// AWS does not list them, so the person has to know.
    Ask,
    Nothing,
}

/// Offers a profile with an access key and no device one of its user's. Returns whether it was written. Without a
/// terminal nothing is asked, not even AWS.
pub fn device(context: &Context, planned: &Planned) -> Result<bool> {
    let plan = &planned.plan;
    if plan.device.is_some() || plan.role().is_some() || Terminal::open().is_err() {
        return Ok(false);
    }
    let account = match Account::of(context, &plan.profile) {
        Ok(account) => account,
        Err(failure) if matches!(failure.kind, Kind::Network | Kind::Refused | Kind::Config) => {
            log::step(format_args!("no device is offered: {}", failure.headline()));
            return Ok(false);
        }
        Err(failure) => return Err(failure),
    };
    let serial = match choose(account.devices(), &account.user, &plan.profile, context)? {
        Chosen::Device(serial) => Some(serial),
        Chosen::Ask => ask(&plan.profile)?,
        Chosen::Nothing => None,
    };
    let Some(serial) = serial else { return Ok(false) };
    recovered(&context.env, None, false)?;
    let flags = ChangeFlags::default();
    match setting::write(&Context::load(&context.env)?, "mfa_serial", None, &serial, &plan.profile, flags) {
        Err(failure) if failure.kind == Kind::NeedsPerson => Ok(false),
        written => written,
    }
}

/// Says which devices there are, and lets the person choose if they are several.
pub fn choose(
    listed: std::result::Result<Vec<MfaDevice>, AwsError>,
    user: &UserName,
    profile: &ProfileName,
    context: &Context,
) -> Result<Chosen> {
    let of = visible(profile.as_str());
    let devices: Vec<MfaDevice> = match listed {
        Ok(devices) => devices.into_iter().filter(|device| device.kind.has_codes_for_sts()).collect(),
        Err(e) if e.kind == AwsErrorKind::Denied => {
            messages::note(&format!("profile '{of}': no mfa_serial, and AWS does not list the devices of user {user}"));
            return Ok(Chosen::Ask);
        }
        Err(e) => {
            log::step(format_args!("no device is offered: {}", e.shown_cause()));
            return Ok(Chosen::Nothing);
        }
    };
    match &devices[..] {
        [] => {
            let enroll = CommandLine::of(Verb::Enroll, profile);
            messages::note(&format!("user {user} has no MFA device whose codes STS accepts; to create one: {enroll}"));
            Ok(Chosen::Nothing)
        }
        [one] => {
            messages::note(&format!("profile '{of}': no mfa_serial; user {user} has the MFA device {}", one.serial));
            Ok(Chosen::Device(one.serial.clone()))
        }
        several => {
            messages::note(&format!("profile '{of}': no mfa_serial; user {user} has {} MFA devices", several.len()));
            picked(several, context)
        }
    }
}

fn picked(devices: &[MfaDevice], context: &Context) -> Result<Chosen> {
    let names: Vec<String> = devices.iter().map(|device| short(&device.serial).to_owned()).collect();
    let detail = |at: usize| kind_of(devices[at].kind).to_owned();
    let choices = Choices { what: "device", names: &names, weights: &vec![0; names.len()], detail: &detail };
    let lost = |why| Failure::new(Kind::NeedsPerson, format!("choosing a device requires a terminal: {why}"));
    Ok(match picker::pick(&choices, "", &context.env).map_err(lost)? {
        Some(at) => Chosen::Device(devices[at].serial.clone()),
        None => Chosen::Nothing,
    })
}

/// Takes the ARN pasted; none for an empty line.
pub fn ask(profile: &ProfileName) -> Result<Option<MfaSerial>> {
    let need = PersonNeeded { what: "an MFA device is required", otherwise: "set mfa_serial" };
    let parse = |text: &str| if text.is_empty() { Ok(None) } else { MfaSerial::parse(text).map(Some) };
    let question = "ARN of its MFA device (console: IAM, Users, Security credentials; Enter for none)";
    Conversation::begin(need)?.ask(question, parse).map_err(|failure| failure.of_profile(profile))
}

/// Has every profile that names the present device name another one of the same user.
pub fn switch(context: &Context, profile: &ProfileName, name: &str) -> Result<()> {
    let account = Account::of(context, profile)?;
    let of_profile = |failure: Failure| failure.of_profile(profile);
    let devices = match account.devices() {
        Err(e) if e.kind == AwsErrorKind::Denied && name.starts_with("arn:") => Vec::new(),
        listed => listed.map_err(|e| account.not_listed(e))?,
    };
    let named =
        devices.into_iter().map(|device| device.serial).find(|serial| serial.as_str() == name || short(serial) == name);
    let unknown = || {
        let cause = format!("user {} has no MFA device '{}'", account.user, refused(name));
        let list = CommandLine::of(Verb::Devices, profile).to("to list the user's devices");
        of_profile(Failure::new(Kind::Usage, cause).hint(list))
    };
    let serial = match named {
        Some(serial) => serial,
        None if name.starts_with("arn:") => MfaSerial::parse(name).map_err(|_| unknown())?,
        None => return Err(unknown()),
    };
    if serial.is_fido() {
        let cause = format!("{serial} is a passkey or FIDO key, and STS accepts only six-digit codes");
        return Err(of_profile(Failure::new(Kind::Config, cause)));
    }
    recovered(&context.env, None, false)?;
    let (old, home) = (account.device(), setting::home_of(&account.planned.plan));
    if old == Some(&serial) {
        return Ok(());
    }
    // The flag is the confirmation; the diff is shown all the same.
    let flags = ChangeFlags { yes: true, ..ChangeFlags::default() };
    setting::write(&Context::load(&context.env)?, "login --device", old, &serial, home, flags).map(drop)
}
