//! The operations of IAM as the verbs on keys and devices need them (aws-contract 4.4).

use std::fmt;

use crate::arn::MfaSerial;
use crate::aws::call::{Bounds, Signer};
use crate::aws::error::AwsError;
use crate::credentials::{AccessKey, AccessKeyId};
use crate::names::{DeviceName, MfaCode, UserName};
use crate::secret::Secret;
use crate::timestamp::Timestamp;

/// Whether AWS takes what a key has signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyStatus {
    Active,
    /// It can be reactivated.
    Inactive,
    /// Ended by AWS.
    Expired,
}

impl fmt::Display for KeyStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Active => "active",
            Self::Inactive => "inactive",
            Self::Expired => "expired",
        })
    }
}

/// An access key as a list tells of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyInfo {
    pub id: AccessKeyId,
    pub status: KeyStatus,
    pub created: Timestamp,
}

/// The last use of a key that AWS knows of, to the minute and some hours late.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LastUsed {
    pub when: Timestamp,
    /// As in `s3`; AWS does not tell every one.
    pub service: Option<String>,
    pub region: Option<String>,
}

/// An MFA device that is enabled for a user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MfaDevice {
    pub serial: MfaSerial,
    /// When it was enabled.
    pub since: Option<Timestamp>,
    pub kind: DeviceKind,
}

/// What a device is, as its serial says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeviceKind {
    /// An authenticator app, or another program that knows the seed.
    Virtual,
    /// A token with a display.
    Hardware,
    /// A FIDO key or passkey.
    Passkey,
    /// Codes by text message, which AWS no longer offers.
    TextMessage,
}

impl DeviceKind {
    pub fn of(serial: &MfaSerial) -> Self {
        match serial.as_str().split(':').nth(5).map(|resource| resource.split('/').next().unwrap_or_default()) {
            None => Self::Hardware,
            Some("u2f") => Self::Passkey,
            Some("sms-mfa") => Self::TextMessage,
            Some(_) => Self::Virtual,
        }
    }

    /// Whether STS takes codes of such a device.
    pub fn has_codes_for_sts(self) -> bool {
        matches!(self, Self::Virtual | Self::Hardware)
    }
}

/// A virtual device just created: nobody's until it is enabled.
#[derive(Clone, Debug)]
pub struct VirtualDevice {
    pub serial: MfaSerial,
    /// The secret that its codes are computed from, in Base32; AWS shows it once.
    pub seed: Secret<String>,
}

/// IAM as the verbs on keys and devices need it. Answers are checked before they are returned: they must be about the
/// user, key or device that was asked for.
///
/// Calls that read, and the one that sets a key's status, are sent again where they may succeed in a moment. Every other
/// one is sent once (threat-model P24, P39): after [`AwsErrorKind::may_have_arrived`] a list decides what happened.
///
/// [`AwsErrorKind::may_have_arrived`]: crate::aws::AwsErrorKind::may_have_arrived
pub trait Iam {
    /// Lists the user's keys, two at most. A new key may be missing for some seconds.
    fn list_access_keys(&self, signer: Signer<'_>, user: &UserName, bounds: Bounds) -> Result<Vec<KeyInfo>, AwsError>;

    /// Creates a key, active at once, known everywhere some seconds later. Its secret is never shown again: where the
    /// answer is lost or damaged, so is the key.
    fn create_access_key(&self, signer: Signer<'_>, user: &UserName, bounds: Bounds) -> Result<AccessKey, AwsError>;

    /// Switches a key on or off. Sessions made with it live on.
    fn set_access_key_active(
        &self,
        signer: Signer<'_>,
        user: &UserName,
        id: &AccessKeyId,
        active: bool,
        bounds: Bounds,
    ) -> Result<(), AwsError>;

    /// Deletes a key for ever. Sessions made with it live on.
    fn delete_access_key(
        &self,
        signer: Signer<'_>,
        user: &UserName,
        id: &AccessKeyId,
        bounds: Bounds,
    ) -> Result<(), AwsError>;

    /// Says when a key was last used; nothing if it never was.
    fn access_key_last_used(
        &self,
        signer: Signer<'_>,
        id: &AccessKeyId,
        bounds: Bounds,
    ) -> Result<Option<LastUsed>, AwsError>;

    /// Lists the devices that are enabled for the user, passkeys included.
    fn list_mfa_devices(&self, signer: Signer<'_>, user: &UserName, bounds: Bounds)
    -> Result<Vec<MfaDevice>, AwsError>;

    /// Creates a virtual device in the signer's account. It blocks its name until it is enabled or deleted.
    fn create_virtual_mfa_device(
        &self,
        signer: Signer<'_>,
        name: &DeviceName,
        bounds: Bounds,
    ) -> Result<VirtualDevice, AwsError>;

    /// Makes a device the user's, with two codes that follow each other. Both count as used, also where they are
    /// refused. STS may refuse its codes for some seconds.
    fn enable_mfa_device(
        &self,
        signer: Signer<'_>,
        user: &UserName,
        serial: &MfaSerial,
        codes: [&MfaCode; 2],
        bounds: Bounds,
    ) -> Result<(), AwsError>;

    /// Tells AWS how far a device's clock is off, by two codes that follow each other.
    fn resync_mfa_device(
        &self,
        signer: Signer<'_>,
        user: &UserName,
        serial: &MfaSerial,
        codes: [&MfaCode; 2],
        bounds: Bounds,
    ) -> Result<(), AwsError>;

    /// Takes a device from its user. A virtual one still exists then, a passkey does not.
    fn deactivate_mfa_device(
        &self,
        signer: Signer<'_>,
        user: &UserName,
        serial: &MfaSerial,
        bounds: Bounds,
    ) -> Result<(), AwsError>;

    /// Deletes a virtual device that is not enabled.
    fn delete_virtual_mfa_device(&self, signer: Signer<'_>, serial: &MfaSerial, bounds: Bounds)
    -> Result<(), AwsError>;

    /// Lists the account's aliases: one, or none.
    fn list_account_aliases(&self, signer: Signer<'_>, bounds: Bounds) -> Result<Vec<String>, AwsError>;
}
