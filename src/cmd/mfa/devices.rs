//! `mfa devices`: the devices of a profile's user.

use serde_json::json;

use crate::arn::MfaSerial;
use crate::aws::iam::{DeviceKind, MfaDevice};
use crate::cli::ProfileArg;
use crate::cmd::context::{Context, Invocation};
use crate::error::Result;
use crate::hint::{CommandLine, Verb};
use crate::output::table::table;
use crate::output::{json_to_stdout, messages, to_stdout};
use crate::system::{clock, terminal};
use crate::text::age;
use crate::text::visible::visible;

use super::setting;
use crate::cmd::account::Account;

pub fn run(profile: &ProfileArg, as_json: bool, invocation: &Invocation) -> Result<u8> {
    let context = Context::load(&invocation.env)?;
    let account = Account::of(&context, &context.requested_or_picked(profile)?)?;
    let devices = account.devices().map_err(|e| account.not_listed(e))?;
    if as_json {
        return json_to_stdout(json!({
            "user": account.arn,
            "devices": devices.iter().map(|device| in_json(&account, device)).collect::<Vec<_>>(),
        }))
        .map(|()| 0);
    }
    if devices.is_empty() {
        let enroll = CommandLine::of(Verb::Enroll, &account.profile);
        to_stdout(format!("user {} has no MFA device; to create one: {enroll}\n", account.user).as_bytes())?;
        return Ok(0);
    }
    let rows: Vec<Vec<String>> = devices.iter().map(|device| row(&account, device)).collect();
    let header = ["DEVICE", "KIND", "AGE", "PROFILES", "ARN"];
    to_stdout(table(&header, &rows, terminal::columns(&context.env), &[2]).as_bytes())?;
    if !devices.iter().any(|device| device.kind.has_codes_for_sts()) {
        let enroll = CommandLine::of(Verb::Enroll, &account.profile);
        messages::note(&format!(
            "STS accepts only codes from an authenticator app or hardware token; to create a virtual device: {enroll}"
        ));
    }
    Ok(0)
}

fn row(account: &Account<'_>, device: &MfaDevice) -> Vec<String> {
    let now = clock::now();
    let since = device.since.map(|since| age::days(now.since(since)));
    let profiles = setting::profiles_naming(&account.context.files, &device.serial);
    let kind = match device.kind.has_codes_for_sts() {
        true => kind_of(device.kind).to_owned(),
        false => format!("{} (not for STS)", kind_of(device.kind)),
    };
    vec![
        visible(short(&device.serial)),
        kind,
        since.unwrap_or_else(|| "-".into()),
        if profiles.is_empty() {
            "-".into()
        } else {
            profiles.iter().map(|name| visible(name)).collect::<Vec<_>>().join(", ")
        },
        visible(device.serial.as_str()),
    ]
}

fn in_json(account: &Account<'_>, device: &MfaDevice) -> serde_json::Value {
    let mut fields = json!({
        "serial": device.serial.as_str(),
        "kind": kind_of(device.kind),
        "codes_for_sts": device.kind.has_codes_for_sts(),
        "used": account.device() == Some(&device.serial),
        "profiles": setting::profiles_naming(&account.context.files, &device.serial),
    });
    if let Some(since) = device.since {
        fields["since"] = since.to_string().into();
    }
    fields
}

pub fn kind_of(kind: DeviceKind) -> &'static str {
    match kind {
        DeviceKind::Virtual => "app",
        DeviceKind::Hardware => "hardware token",
        DeviceKind::Passkey => "passkey",
        DeviceKind::TextMessage => "text message",
    }
}

/// What people call a device: its name, or the number on it.
pub fn short(serial: &MfaSerial) -> &str {
    serial.name().unwrap_or(serial.as_str())
}
