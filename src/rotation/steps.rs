//! The steps at IAM. Each may be interrupted at any point: the record says how far it has come.

use std::time::Duration;

use super::record::{Phase, Record, Records};
use crate::aws::iam::{Iam, KeyInfo, KeyStatus};
use crate::aws::{AwsError, AwsErrorKind, Bounds, Signer, Sts};
use crate::credentials::{AccessKey, AccessKeyId};
use crate::error::{Failure, Kind, Result};
use crate::hint::{CommandLine, Verb};
use crate::names::{ProfileName, UserName};
use crate::timestamp::Timestamp;

/// A user has so many keys at most.
pub const MOST_KEYS: usize = 2;

/// Where a new key is kept until every profile has it.
pub trait NewKeys {
    /// Fails if no key of usual size can be written, read back and removed here.
    fn probe(&self) -> Result<()>;

    /// Keeps a key, read back equal.
    fn keep(&self, key: &AccessKey) -> Result<()>;

    /// Fetches a key that was kept; none if it is not here.
    fn fetch(&self, id: &AccessKeyId) -> Result<Option<AccessKey>>;

    /// Fails if what is kept here of a key could not be removed now.
    fn must_be_removable(&self, id: &AccessKeyId) -> Result<()>;

    /// Removes what is kept here alone of a key; that is nothing where a profile has it.
    fn forget(&self, id: &AccessKeyId) -> Result<()>;
}

/// What a run finds of a key whose creation was cut short.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Created {
    /// It is stored: go on.
    Stored,
    /// It exists, and its secret is lost: it can only be deleted.
    Orphan(AccessKeyId),
    /// IAM has made none.
    Nothing,
}

/// One user's rotation, and what it acts on.
pub struct Rotation<'a> {
    pub profile: &'a ProfileName,
    /// The user's ARN.
    pub arn: &'a str,
    pub user: &'a UserName,
    pub iam: &'a dyn Iam,
    pub sts: &'a dyn Sts,
    pub keys: &'a dyn NewKeys,
    pub records: &'a Records,
    pub clock: &'a dyn Fn() -> Timestamp,
    pub pause: &'a dyn Fn(Duration),
}

/// How long a new key may take to be known everywhere.
const SPREADING: Duration = Duration::from_secs(60);
/// How long a new key may be missing in a list.
const LISTING: Duration = Duration::from_secs(15);
/// A key that was created longer before or after a rotation began is not its own; clocks differ.
const CREATING: Duration = Duration::from_secs(300);
const PAUSE: Duration = Duration::from_secs(2);

impl Rotation<'_> {
    /// Lists the user's keys.
    pub fn keys(&self, signer: Signer<'_>) -> Result<Vec<KeyInfo>> {
        self.iam.list_access_keys(signer, self.user, Bounds::CALL).map_err(|e| self.failure(e))
    }

    /// Fails if the user's keys, as listed, leave no room for a new one, or the old one is none of them.
    pub fn must_have_room(&self, keys: &[KeyInfo], old: &AccessKeyId) -> Result<()> {
        let refuse = |cause: String| Failure::new(Kind::Config, cause).of_profile(self.profile);
        match keys.iter().find(|key| key.id == *old) {
            None => return Err(refuse(format!("user {} has no access key {old}", self.user))),
            Some(key) if key.status != KeyStatus::Active => {
                return Err(refuse(format!("access key {old} is not active")));
            }
            Some(_) => {}
        }
        match keys.len() < MOST_KEYS {
            true => Ok(()),
            false => {
                Err(refuse(format!("user {} has {MOST_KEYS} access keys already, and AWS allows no more", self.user)))
            }
        }
    }

    /// Makes a new key and keeps it beside the old one. When the store refuses it, it is deleted again.
    pub fn create(&self, signer: Signer<'_>, mut record: Record) -> Result<(Record, AccessKeyId)> {
        self.keys.probe()?;
        self.records.put(&record)?;
        let key = match self.iam.create_access_key(signer, self.user, Bounds::CALL) {
            Ok(key) => key,
            Err(e) if e.kind.may_have_arrived() => return Err(self.lost_answer(signer, &record, &e)),
            Err(e) => {
                self.records.remove(&record)?;
                return Err(self.failure(e));
            }
        };
        record.phase = Phase::Created { new: key.id.clone() };
        let kept = self.records.put(&record).and_then(|()| self.keys.keep(&key));
        if let Err(failure) = kept {
            return Err(self.without(signer, &record, &key.id, failure));
        }
        record.phase = Phase::Stored { new: key.id.clone() };
        self.records.put(&record)?;
        Ok((record, key.id))
    }

    /// The store refused the new key: nothing else has its secret.
    fn without(&self, signer: Signer<'_>, record: &Record, new: &AccessKeyId, failure: Failure) -> Failure {
        let deleted = self.iam.delete_access_key(signer, self.user, new, Bounds::CALL);
        // A write that failed may have been made all the same.
        if deleted.is_ok() && self.keys.forget(new).is_ok() && self.records.remove(record).is_ok() {
            return failure.of_profile(self.profile);
        }
        let cause = format!(
            "the new access key {new} could not be stored ({}), and not all of it could be deleted: run this again to delete it",
            failure.cause
        );
        Failure { kind: Kind::HalfDone, cause, ..failure }.of_profile(self.profile)
    }

    fn lost_answer(&self, signer: Signer<'_>, record: &Record, e: &AwsError) -> Failure {
        let why = e.shown_cause();
        let cause = match self.listed_besides(signer, record) {
            Ok(Some(new)) => {
                format!(
                    "AWS created access key {new}, but its secret was lost with the answer ({why}): run this again to delete it and start over"
                )
            }
            Ok(None) => format!("it is unclear whether AWS created an access key ({why}): run this again in a minute"),
            Err(_) => format!("it is unclear whether AWS created an access key ({why}): run this again"),
        };
        Failure::new(Kind::HalfDone, cause).of_profile(self.profile)
    }

    /// The key that is listed besides those of before. Lists show a new key late.
    fn listed_besides(&self, signer: Signer<'_>, record: &Record) -> Result<Option<AccessKeyId>> {
        let until = (self.clock)().plus(LISTING);
        loop {
            let keys = self.keys(signer)?;
            if let Some(key) = keys.iter().find(|key| !record.before.contains(&key.id)) {
                return self.is_ours(signer, record, key).map(|ours| ours.then(|| key.id.clone()));
            }
            if (self.clock)() >= until {
                return Ok(None);
            }
            (self.pause)(PAUSE);
        }
    }

    /// Whether a key that is new in the list can be the one that was asked for: created then, and never used. Another one
    /// is somebody else's, such as that of another machine, and is left alone.
    fn is_ours(&self, signer: Signer<'_>, record: &Record, key: &KeyInfo) -> Result<bool> {
        let apart = key.created.since(record.began).max(record.began.since(key.created));
        let used = self.iam.access_key_last_used(signer, &key.id, Bounds::CALL).map_err(|e| self.failure(e))?;
        Ok(apart < CREATING && used.is_none())
    }

    /// What became of a creation that was cut short.
    pub fn found(&self, signer: Signer<'_>, record: &Record) -> Result<Created> {
        let new = match record.phase.new_key() {
            Some(new) => Some(new.clone()),
            None => self.listed_besides(signer, record)?,
        };
        let Some(new) = new else { return Ok(Created::Nothing) };
        Ok(match self.keys.fetch(&new)? {
            Some(_) => Created::Stored,
            None => Created::Orphan(new),
        })
    }

    /// Deletes a key that nobody can use, and the record of it.
    pub fn delete_orphan(&self, signer: Signer<'_>, record: &Record, orphan: &AccessKeyId) -> Result<()> {
        self.delete(signer, orphan)?;
        self.keys.forget(orphan)?;
        self.records.remove(record)
    }

    /// A key that does not exist any more is deleted already. A list is not asked: it may be late.
    fn delete(&self, signer: Signer<'_>, id: &AccessKeyId) -> Result<()> {
        match self.iam.delete_access_key(signer, self.user, id, Bounds::CALL) {
            Err(e) if e.kind != AwsErrorKind::Missing => Err(self.failure(e)),
            _ => Ok(()),
        }
    }

    /// Waits until the new key has answered twice in a row, and returns it.
    pub fn prove(&self, new: &AccessKeyId) -> Result<AccessKey> {
        let key = self.stored(new)?;
        let until = (self.clock)().plus(SPREADING);
        let mut answered = 0;
        loop {
            let why = match self.sts.get_caller_identity(Signer::Key(&key), Bounds::CALL) {
                Ok(who) if who.arn == self.arn => {
                    answered += 1;
                    if answered == 2 {
                        return Ok(key);
                    }
                    continue;
                }
                Ok(who) => format!("it belongs to {}", who.arn),
                Err(e) => e.shown_cause(),
            };
            answered = 0;
            if (self.clock)() >= until {
                let cause = format!(
                    "AWS does not accept the new access key {new} yet ({why}); the old one is still in use: run this again later"
                );
                let undo = CommandLine::of(Verb::KeyRotate, self.profile).with("--back").to("to delete the new key");
                return Err(Failure::new(Kind::HalfDone, cause).of_profile(self.profile).hint(undo));
            }
            (self.pause)(PAUSE);
        }
    }

    fn stored(&self, new: &AccessKeyId) -> Result<AccessKey> {
        self.keys.fetch(new)?.ok_or_else(|| {
            let cause = format!("the new access key {new} is no longer stored: the old one is still in use");
            Failure::new(Kind::HalfDone, cause).of_profile(self.profile)
        })
    }

    /// Fails unless the new key, as a profile has it, works now. Before the old one is deactivated or
    /// deleted: anything may have happened since it was proved.
    pub fn must_work(&self, new: &AccessKey) -> Result<()> {
        let refuse = |why: String| {
            let cause = format!("the new access key {} {why}, so the old one is left alone", new.id);
            Failure::new(Kind::Config, cause).of_profile(self.profile)
        };
        let who = self.sts.get_caller_identity(Signer::Key(new), Bounds::CALL);
        let who = who.map_err(|e| refuse(format!("does not work: {}", e.shown_cause())))?;
        if who.arn == self.arn { Ok(()) } else { Err(refuse(format!("belongs to {}", who.arn))) }
    }

    /// Records that every profile has the new key.
    pub fn switched(&self, mut record: Record, new: &AccessKeyId) -> Result<Record> {
        record.phase = Phase::Switched { new: new.clone() };
        self.records.put(&record)?;
        Ok(record)
    }

    /// Deactivates the old key. The signer must not be the old key. If AWS has that no more, the rotation is over: none.
    pub fn deactivate(&self, signer: Signer<'_>, mut record: Record, new: &AccessKeyId) -> Result<Option<Record>> {
        let is_gone = match self.set_active(signer, &record.old, false) {
            Err(e) if e.kind != AwsErrorKind::Missing => return Err(self.failure(e)),
            deactivated => deactivated.is_err(),
        };
        record.phase = Phase::Off { new: new.clone(), since: (self.clock)() };
        self.records.put(&record)?;
        if is_gone { self.end(&record).map(|()| None) } else { Ok(Some(record)) }
    }

    /// Reactivates the old key; the profiles keep the new one.
    pub fn reactivate(&self, signer: Signer<'_>, mut record: Record, new: &AccessKeyId) -> Result<()> {
        self.set_active(signer, &record.old, true).map_err(|e| self.failure(e))?;
        record.phase = Phase::Back { new: new.clone() };
        self.records.put(&record)
    }

    fn set_active(&self, signer: Signer<'_>, id: &AccessKeyId, active: bool) -> std::result::Result<(), AwsError> {
        self.iam.set_access_key_active(signer, self.user, id, active, Bounds::CALL)
    }

    /// Deletes the old key, which is inactive, and ends the rotation.
    pub fn delete_old(&self, signer: Signer<'_>, record: &Record) -> Result<()> {
        if let Some(old) = self.keys(signer)?.iter().find(|key| key.id == record.old)
            && old.status == KeyStatus::Active
        {
            let cause = format!("access key {} is active again, so it is not deleted", record.old);
            return Err(Failure::new(Kind::Config, cause).of_profile(self.profile));
        }
        self.keys.must_be_removable(&record.old)?;
        self.delete(signer, &record.old)?;
        self.end(record)
    }

    /// Removes what is kept of an old key that AWS has no more, and the record.
    fn end(&self, record: &Record) -> Result<()> {
        self.keys.forget(&record.old).and_then(|()| self.records.remove(record)).map_err(|failure| {
            let cause = format!("access key {} is deleted at AWS, but not here: {}", record.old, failure.cause);
            Failure { kind: Kind::HalfDone, cause, ..failure }
        })
    }

    fn failure(&self, e: AwsError) -> Failure {
        e.of_profile(self.profile)
    }
}
