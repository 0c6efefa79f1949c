//! Answers checked before anything of them is kept: they are about the user, key or device that was asked for, and whole
//! (threat-model P18, F34). What is wrong is named by its field, never repeated where it may be a secret.

use aws_smithy_types::base64;

use super::operations::{DeviceKind, KeyInfo, KeyStatus, LastUsed, MfaDevice, VirtualDevice};
use super::xml::Element;
use crate::arn::MfaSerial;
use crate::aws::call::Signer;
use crate::aws::failure::Outcome;
use crate::credentials::{AccessKey, AccessKeyId, is_credential_text};
use crate::names::{DeviceName, UserName};
use crate::secret::Secret;
use crate::text::visible::cut;
use crate::timestamp::Timestamp;

/// One page of a list.
pub(super) struct Page<T> {
    pub(super) entries: Vec<T>,
    /// Where the list goes on.
    pub(super) next: Option<String>,
}

/// Returns what an `ErrorResponse` says, if it is one.
pub(super) fn error(root: &Element<'_>) -> Option<Outcome> {
    let error = root.find("Error").ok().flatten().filter(|_| root.is("ErrorResponse"))?;
    let code = error.need("Code").and_then(Element::text).ok().filter(|code| !code.is_empty())?;
    let message = error.need("Message").and_then(Element::text).unwrap_or_default();
    Some(Outcome::Said { code, message })
}

/// Returns the entries of one page, each read by `read`.
pub(super) fn page<T>(
    result: &Element<'_>,
    name: &str,
    read: impl Fn(&Element<'_>) -> Result<T, String>,
) -> Result<Page<T>, String> {
    let entries = result.need(name)?.members()?.iter().map(read).collect::<Result<_, _>>()?;
    let next = match optional(result, "IsTruncated")?.as_deref() {
        None | Some("false") => None,
        Some("true") => Some(required(result, "Marker")?),
        Some(_) => return Err("its IsTruncated is invalid".into()),
    };
    Ok(Page { entries, next })
}

pub(super) fn key_info(entry: &Element<'_>, user: &UserName) -> Result<KeyInfo, String> {
    must_be_of(entry, user)?;
    let status = match required(entry, "Status")?.as_str() {
        "Active" => KeyStatus::Active,
        "Inactive" => KeyStatus::Inactive,
        "Expired" => KeyStatus::Expired,
        _ => return Err("its Status is invalid".into()),
    };
    Ok(KeyInfo { id: key_id(entry)?, status, created: moment(entry, "CreateDate")? })
}

/// Returns the key of a CreateAccessKey answer.
pub(super) fn new_key(result: &Element<'_>, user: &UserName) -> Result<AccessKey, String> {
    let key = result.need("AccessKey")?;
    let secret = Secret::new(required(key, "SecretAccessKey")?);
    must_be_of(key, user)?;
    let id = key_id(key)?;
    match required(key, "Status")?.as_str() {
        "Active" if is_credential_text(secret.expose()) => Ok(AccessKey { id, secret }),
        "Active" => Err(format!("the secret of its key {id} is malformed")),
        _ => Err(format!("its key {id} is not active")),
    }
}

/// Returns the last use; a key that was never used has no date.
pub(super) fn last_used(result: &Element<'_>) -> Result<Option<LastUsed>, String> {
    let last = result.need("AccessKeyLastUsed")?;
    if last.find("LastUsedDate")?.is_none() {
        return Ok(None);
    }
    let named = |field| Ok::<_, String>(plain(last, field)?.filter(|name| name != "N/A"));
    let (service, region) = (named("ServiceName")?, named("Region")?);
    Ok(Some(LastUsed { when: moment(last, "LastUsedDate")?, service, region }))
}

pub(super) fn device(entry: &Element<'_>, user: &UserName, signer: Signer<'_>) -> Result<MfaDevice, String> {
    must_be_of(entry, user)?;
    let serial = serial(entry, signer)?;
    let since = entry.find("EnableDate")?.map(|_| moment(entry, "EnableDate")).transpose()?;
    Ok(MfaDevice { kind: DeviceKind::of(&serial), serial, since })
}

/// Returns the device of a CreateVirtualMFADevice answer. Its seed is Base32 in Base64; the picture is left out.
pub(super) fn virtual_device(
    result: &Element<'_>,
    name: &DeviceName,
    signer: Signer<'_>,
) -> Result<VirtualDevice, String> {
    let device = result.need("VirtualMFADevice")?;
    let serial = serial(device, signer)?;
    if DeviceKind::of(&serial) != DeviceKind::Virtual || serial.name() != Some(name.as_str()) {
        return Err(format!("it is for device '{serial}', but '{name}' was requested"));
    }
    let encoded = Secret::new(required(device, "Base32StringSeed")?);
    let seed = base64::decode(encoded.expose()).ok().map(Secret::new).and_then(|seed| base32(&seed));
    Ok(VirtualDevice { serial, seed: seed.ok_or("its Base32StringSeed is invalid")? })
}

pub(super) fn alias(entry: &Element<'_>) -> Result<String, String> {
    let alias = entry.text()?;
    let is_alias = (1..=63).contains(&alias.len()) && alias.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    if is_alias { Ok(alias) } else { Err("its alias is invalid".into()) }
}

/// The text of Base32 without its padding, as authenticator apps take it.
fn base32(seed: &Secret<Vec<u8>>) -> Option<Secret<String>> {
    let text = Secret::new(std::str::from_utf8(seed.expose()).ok()?.trim_end_matches('=').to_owned());
    let is_base32 = |text: &str| text.bytes().all(|b| b.is_ascii_uppercase() || (b'2'..=b'7').contains(&b));
    ((16..=512).contains(&text.expose().len()) && is_base32(text.expose())).then_some(text)
}

/// Some entries need not name the user. In IAM no two names differ in case alone.
fn must_be_of(entry: &Element<'_>, user: &UserName) -> Result<(), String> {
    match optional(entry, "UserName")? {
        Some(named) if !named.eq_ignore_ascii_case(user.as_str()) => {
            Err(format!("it is for user '{}', but '{user}' was requested", cut(&named)))
        }
        _ => Ok(()),
    }
}

/// Reads a serial; that of an ARN must be of the signer's account, where that is known.
fn serial(entry: &Element<'_>, signer: Signer<'_>) -> Result<MfaSerial, String> {
    let text = required(entry, "SerialNumber")?;
    let serial = MfaSerial::parse(&text).map_err(|why| format!("its SerialNumber {why}"))?;
    let own = match signer {
        Signer::Session(session) => session.account.as_ref(),
        Signer::Key(_) => None,
    };
    match (serial.account(), own) {
        (Some(account), Some(own)) if account != own => {
            Err(format!("it is for account {account}, but the session is of account {own}"))
        }
        _ => Ok(serial),
    }
}

fn key_id(entry: &Element<'_>) -> Result<AccessKeyId, String> {
    AccessKeyId::parse(&required(entry, "AccessKeyId")?).map_err(|_| "its AccessKeyId is invalid".into())
}

fn moment(entry: &Element<'_>, name: &str) -> Result<Timestamp, String> {
    Timestamp::parse(&required(entry, name)?).ok_or_else(|| format!("its {name} is invalid"))
}

/// A short text that is shown.
fn plain(entry: &Element<'_>, name: &str) -> Result<Option<String>, String> {
    let text = optional(entry, name)?;
    let is_plain = |text: &String| text.len() <= 64 && text.bytes().all(|b| b.is_ascii_graphic() || b == b' ');
    if text.as_ref().is_none_or(is_plain) { Ok(text) } else { Err(format!("its {name} is invalid")) }
}

fn required(entry: &Element<'_>, name: &str) -> Result<String, String> {
    entry.need(name)?.text()
}

fn optional(entry: &Element<'_>, name: &str) -> Result<Option<String>, String> {
    entry.find(name)?.map(Element::text).transpose()
}

#[cfg(test)]
mod tests;
