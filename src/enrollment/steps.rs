//! The steps at IAM. The record says how far they have come, and names the unfinished device.

use std::time::Duration;

use super::record::{Phase, Record, Records};
use crate::arn::MfaSerial;
use crate::aws::iam::{Iam, VirtualDevice};
use crate::aws::{AwsError, AwsErrorKind, Bounds, Signer};
use crate::error::{Failure, Kind, Result};
use crate::names::{DeviceName, MfaCode, ProfileName, UserName};
use crate::timestamp::Timestamp;

/// How long a new device may be missing in a list.
const LISTING: Duration = Duration::from_secs(15);
const PAUSE: Duration = Duration::from_secs(2);
/// So many names are tried: NAME, NAME-2, and so on.
const MOST_NAMES: usize = 20;

/// What became of a device that was half made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Settled {
    /// It is enabled for the user.
    Enabled,
    /// It does not exist, or no longer.
    Gone,
    /// It is still half made: deleting it is not allowed.
    Left,
}

/// One user's new device, and what it acts on.
pub struct Enrollment<'a> {
    pub profile: &'a ProfileName,
    /// The user's ARN.
    pub arn: &'a str,
    pub user: &'a UserName,
    pub iam: &'a dyn Iam,
    pub signer: Signer<'a>,
    pub records: &'a Records,
    pub clock: &'a dyn Fn() -> Timestamp,
    pub pause: &'a dyn Fn(Duration),
}

impl Enrollment<'_> {
    /// Creates a device, named as the user or with a number behind.
    pub fn create(&self) -> Result<(Record, VirtualDevice)> {
        let mut taken = None;
        for at in 1..=MOST_NAMES {
            let (name, serial) = self.name(at)?;
            let mut record =
                Record { user: self.arn.into(), profile: self.profile.clone(), serial, phase: Phase::Creating };
            self.records.put(&record)?;
            match self.iam.create_virtual_mfa_device(self.signer, &name, Bounds::CALL) {
                Ok(device) => {
                    record.phase = Phase::Created;
                    record.serial = device.serial.clone();
                    return match self.records.put(&record) {
                        Ok(()) => Ok((record, device)),
                        Err(failure) => Err(self.undo(&record, failure)),
                    };
                }
                Err(e) if e.kind == AwsErrorKind::Exists => taken = Some(name),
                Err(e) if e.kind.may_have_arrived() => return Err(self.undo(&record, self.failure(e))),
                Err(e) => {
                    self.records.remove(&record)?;
                    return Err(self.not_created(e, taken));
                }
            }
        }
        let cause = format!("the account has {MOST_NAMES} devices named after user {} already", self.user);
        Err(Failure::new(Kind::Refused, cause).of_profile(self.profile))
    }

    fn name(&self, at: usize) -> Result<(DeviceName, MfaSerial)> {
        let name = if at == 1 { self.user.to_string() } else { format!("{}-{at}", self.user) };
        let root = self.arn.split_once(":user/").map_or(self.arn, |(root, _)| root);
        let serial = MfaSerial::parse(&format!("{root}:mfa/{name}"));
        DeviceName::parse(&name)
            .and_then(|name| serial.map(|serial| (name, serial)))
            .map_err(|why| Failure::new(Kind::Bug, format!("'{name}' {why}")))
    }

    /// Older sample policies allow a device of the user's own name, and no other.
    fn not_created(&self, e: AwsError, taken: Option<DeviceName>) -> Failure {
        match taken.filter(|_| e.kind == AwsErrorKind::Denied) {
            None => self.failure(e),
            Some(taken) => {
                let cause = format!("a device '{taken}' exists already, and another name is refused: {}", e.cause);
                Failure::new(Kind::Refused, cause)
                    .of_profile(self.profile)
                    .hint("if it is yours and no longer used, have it deleted: IAM > MFA devices in the console")
            }
        }
    }

    /// Enables a device with two consecutive codes, once.
    pub fn enable(&self, serial: &MfaSerial, codes: [&MfaCode; 2]) -> std::result::Result<(), AwsError> {
        self.iam.enable_mfa_device(self.signer, self.user, serial, codes, Bounds::CALL)
    }

    /// Writes down how far it has come.
    pub fn note(&self, record: &mut Record, phase: Phase) -> Result<()> {
        record.phase = phase;
        self.records.put(record)
    }

    /// Finds out what became of a device; one that is not enabled is deleted.
    pub fn settle(&self, record: &Record) -> Result<Settled> {
        if record.phase == Phase::Enabling && self.is_listed(&record.serial) {
            return Ok(Settled::Enabled);
        }
        match self.iam.delete_virtual_mfa_device(self.signer, &record.serial, Bounds::CALL) {
            Ok(()) => Ok(Settled::Gone),
            Err(e) => match e.kind {
                AwsErrorKind::Missing => Ok(Settled::Gone),
                AwsErrorKind::InUse => Ok(Settled::Enabled),
                AwsErrorKind::Denied => Ok(Settled::Left),
                _ => Err(self.failure(e)),
            },
        }
    }

    /// Whether the device is enabled for the user. Lists show it late, and may be refused.
    pub fn is_listed(&self, serial: &MfaSerial) -> bool {
        let until = (self.clock)().plus(LISTING);
        loop {
            match self.iam.list_mfa_devices(self.signer, self.user, Bounds::CALL) {
                Ok(devices) if devices.iter().any(|device| device.serial == *serial) => return true,
                Ok(_) if (self.clock)() < until => (self.pause)(PAUSE),
                Ok(_) | Err(_) => return false,
            }
        }
    }

    /// Deletes a device whose enrollment failed; if it stays, the failure names it.
    pub fn undo(&self, record: &Record, failure: Failure) -> Failure {
        let serial = &record.serial;
        let half_done = |what: &str| {
            let cause = format!("{}; {what}", failure.cause);
            Failure { kind: Kind::HalfDone, cause, hints: Vec::new(), ..failure.clone() }.of_profile(self.profile)
        };
        let settled = self.settle(record);
        let forgotten = match &settled {
            Ok(Settled::Gone | Settled::Left) => self.records.remove(record),
            _ => Ok(()),
        };
        match (settled, forgotten) {
            (Ok(Settled::Gone), Ok(())) => failure.of_profile(self.profile),
            (Ok(Settled::Left), _) => half_done(&format!(
                "the unfinished device {serial} stays at AWS, which does not let you delete it; run this again: the next device gets another name"
            )),
            (Ok(Settled::Enabled), _) => half_done(&format!("device {serial} is enabled all the same: run this again")),
            (Err(why), _) | (_, Err(why)) => {
                half_done(&format!("device {serial} may be left unfinished ({}): run this again", why.cause))
            }
        }
    }

    fn failure(&self, e: AwsError) -> Failure {
        e.of_profile(self.profile)
    }
}
