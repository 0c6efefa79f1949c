//! Where a new key is kept until every profile has it: the OS keyring, else a section of its own in the credentials file.

use crate::arn::AccountId;
use crate::aws_files::edit::Edit;
use crate::aws_files::file::FileKind;
use crate::change::{Act, Change};
use crate::cmd::changing::make_confirmed;
use crate::cmd::context::Context;
use crate::credentials::{AccessKey, AccessKeyId, STATIC_KEYS};
use crate::error::{Failure, Kind, Result};
use crate::hint::{CommandLine, Verb};
use crate::names::ProfileName;
use crate::profile::adoption::kept_key::new_key_profile;
use crate::profile::adoption::the_one_key;
use crate::rotation::NewKeys;
use crate::secret::Secret;
use crate::store::{Store, StoreError, access_key};

/// The OS keyring, where each key has an item of its own.
pub struct InKeyring<'a> {
    pub store: &'a dyn Store,
    pub context: &'a Context,
    pub profile: &'a ProfileName,
    pub account: Option<AccountId>,
}

impl InKeyring<'_> {
    fn failure(&self, e: &StoreError) -> Failure {
        let cause = format!("{} {e}, so no key was created", self.store.name());
        let hint = self.store.about().unlock.map(|unlock| format!("{unlock}, then run this again"));
        hint.into_iter().fold(Failure::new(Kind::Keyring, cause).of_profile(self.profile), Failure::hint)
    }
}

impl NewKeys for InKeyring<'_> {
    fn probe(&self) -> Result<()> {
        access_key::probe(self.store).map_err(|e| self.failure(&e))
    }

    fn keep(&self, key: &AccessKey) -> Result<()> {
        access_key::keep(self.store, key, self.profile, self.account.as_ref())
            .map(drop)
            .map_err(|e| access_key::failure(self.profile, &key.id, self.store.about(), &e))
    }

    fn fetch(&self, id: &AccessKeyId) -> Result<Option<AccessKey>> {
        match access_key::read(self.store, id) {
            Ok(key) => Ok(Some(key)),
            Err(StoreError::Absent) => Ok(None),
            Err(e) => Err(access_key::failure(self.profile, id, self.store.about(), &e)),
        }
    }

    fn must_be_removable(&self, id: &AccessKeyId) -> Result<()> {
        match access_key::read(self.store, id) {
            Ok(_) | Err(StoreError::Absent | StoreError::Damaged(_)) => Ok(()),
            Err(e) => Err(access_key::failure(self.profile, id, self.store.about(), &e)),
        }
    }

    fn forget(&self, id: &AccessKeyId) -> Result<()> {
        if Context::load(&self.context.env)?.index.profiles_with(id).next().is_some() {
            return Ok(());
        }
        match access_key::remove(self.store, id) {
            Ok(()) | Err(StoreError::Absent) => Ok(()),
            Err(e) => Err(access_key::failure(self.profile, id, self.store.about(), &e)),
        }
    }
}

/// Both places: a key that one of them keeps may have been put there by a run that found the other one missing.
pub struct Either<'a> {
    /// Where new keys go.
    pub first: &'a dyn NewKeys,
    pub other: Option<&'a dyn NewKeys>,
}

impl NewKeys for Either<'_> {
    fn probe(&self) -> Result<()> {
        self.first.probe()
    }

    fn keep(&self, key: &AccessKey) -> Result<()> {
        self.first.keep(key)
    }

    fn fetch(&self, id: &AccessKeyId) -> Result<Option<AccessKey>> {
        match (self.first.fetch(id)?, self.other) {
            (None, Some(other)) => Ok(other.fetch(id).unwrap_or_default()),
            (found, _) => Ok(found),
        }
    }

    fn must_be_removable(&self, id: &AccessKeyId) -> Result<()> {
        self.first.must_be_removable(id)?;
        self.other.map_or(Ok(()), |other| other.must_be_removable(id))
    }

    fn forget(&self, id: &AccessKeyId) -> Result<()> {
        self.first.forget(id)?;
        self.other.map_or(Ok(()), |other| other.forget(id))
    }
}

/// The credentials file, where the old key lies as well.
pub struct InFile<'a> {
    pub context: &'a Context,
    pub profile: &'a ProfileName,
}

impl InFile<'_> {
    fn name(&self) -> Result<ProfileName> {
        ProfileName::parse(&new_key_profile(self.profile)).map_err(|why| Failure::new(Kind::Config, why))
    }

    /// A profile of the user's own would get the key, and lose it again.
    fn must_be_free(&self, context: &Context) -> Result<()> {
        let name = self.name()?;
        let Some(there) = context.files.profile(name.as_str()) else { return Ok(()) };
        let cause = format!("profile '{name}' exists, but the rotation needs that name for the new key");
        let rename = CommandLine::of(Verb::Rename, &name).with(format!("{name}-2")).to("rename it first");
        Err(Failure::new(Kind::Config, cause).of_profile(self.profile).at(&there.place).hint(rename))
    }

    /// The files as they are now.
    fn now(&self) -> Result<Context> {
        Context::load(&self.context.env)
    }

    fn putting(&self, key: &AccessKey) -> Result<Change> {
        let put = Edit::PutKey { profile: self.name()?.to_string(), key: key.clone() };
        Ok(Change {
            acts: vec![Act::EditFile { kind: FileKind::Credentials, edits: vec![put], holds: Vec::new() }],
            ..Change::new(format!("key rotate {}", self.profile))
        })
    }

    fn take_section_out(&self, context: &Context) -> Result<()> {
        let out = Edit::TakeOut { profile: self.name()?.to_string(), keys: STATIC_KEYS.map(String::from).into() };
        let change = Change {
            acts: vec![Act::EditFile { kind: FileKind::Credentials, edits: vec![out], holds: Vec::new() }],
            ..Change::new(format!("key rotate {}", self.profile))
        };
        make_confirmed(context, &change, &context.preview(&change)?)
    }
}

fn has_key(context: &Context, name: &str, id: &AccessKeyId) -> bool {
    let profile = context.files.profile(name);
    profile.is_some_and(|profile| profile.get(STATIC_KEYS[0]).is_some_and(|found| found.value == id.as_str()))
}

impl NewKeys for InFile<'_> {
    /// Makes the edit without writing it.
    fn probe(&self) -> Result<()> {
        let context = self.now()?;
        self.must_be_free(&context)?;
        let id = AccessKeyId::parse("AKIAPROBEPROBEPROBE0").map_err(|why| Failure::new(Kind::Bug, why))?;
        let change = self.putting(&AccessKey { id, secret: Secret::new("x".repeat(40)) })?;
        context.preview(&change).map(drop)
    }

    fn keep(&self, key: &AccessKey) -> Result<()> {
        let (context, change) = (self.now()?, self.putting(key)?);
        make_confirmed(&context, &change, &context.preview(&change)?)?;
        match self.fetch(&key.id)? {
            Some(back) if back.secret.expose() == key.secret.expose() => Ok(()),
            _ => Err(Failure::new(Kind::Disk, "the new key does not read back as written").of_profile(self.profile)),
        }
    }

    /// Also from a profile that has it already: its section may be gone.
    fn fetch(&self, id: &AccessKeyId) -> Result<Option<AccessKey>> {
        let context = self.now()?;
        let name = context.files.profile_names().into_iter().find(|name| has_key(&context, name, id));
        name.map(|name| the_one_key(&name, context.sources())).transpose()
    }

    fn must_be_removable(&self, _: &AccessKeyId) -> Result<()> {
        Ok(())
    }

    fn forget(&self, id: &AccessKeyId) -> Result<()> {
        let context = self.now()?;
        if has_key(&context, self.name()?.as_str(), id) { self.take_section_out(&context) } else { Ok(()) }
    }
}
