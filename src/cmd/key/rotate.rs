//! `key rotate`: a new key in the place of the old one, at AWS, in the keyring and in every profile.

use std::time::Duration;

use crate::arn::AccountId;
use crate::aws::iam::{Iam, IamClient, KeyInfo, KeyStatus};
use crate::aws::sts::StsClient;
use crate::aws::{Bounds, Sts};
use crate::change::apply::forget_sessions;
use crate::cli::KeyRotate;
use crate::cmd::active_sessions::files_on_key;
use crate::cmd::context::{Context, Planned};
use crate::cmd::conversation::{Conversation, PersonNeeded, confirmed};
use crate::cmd::keys::{Credentials, RealBases};
use crate::cmd::sessions::{SessionRequest, obtain};
use crate::credentials::AccessKeyId;
use crate::duration;
use crate::error::{Failure, Kind, Result};
use crate::hint::{CommandLine, Verb};
use crate::names::{ProfileName, UserName};
use crate::output::{messages, to_stdout};
use crate::profile::base::{Base, KeyPlace, LongTermKey};
use crate::rotation::steps::MOST_KEYS;
use crate::rotation::{Created, NewKeys, Phase, Record, Records, Rotation};
use crate::session::BaseCredentials;
use crate::store::choose::Stores;
use crate::system::clock;
use crate::system::directories::Directories;
use crate::text::age::Age;
use crate::text::visible::visible;

use super::at_aws::used_when;
use super::new_keys::{Either, InFile, InKeyring};
use super::switch::Holders;

pub fn run(context: &Context, args: &KeyRotate) -> Result<u8> {
    let records = Records::of(&context.dirs.account_data());
    let _lock = records.lock()?;
    if args.all {
        return all(context, &records, args);
    }
    let name = context.requested_or_picked(&args.profile.profile)?;
    Rotating::of(context, &records, &name, args)?.run()?;
    Ok(0)
}

/// One after the other. The exit code is that of the first that fails.
fn all(context: &Context, records: &Records, args: &KeyRotate) -> Result<u8> {
    let (mut seen, mut failed) = (Vec::new(), None);
    for name in context.files.profile_names() {
        let Some(Base::Key(key)) = context.outline(&name).map(|outline| outline.base) else { continue };
        if key.profile.as_str() != name || seen.contains(&key.id) {
            continue;
        }
        seen.push(key.id.clone());
        let rotating = match Rotating::of(context, records, &key.profile, args) {
            Ok(rotating) => rotating,
            Err(failure) => {
                messages::failure(&failure);
                failed.get_or_insert(failure.kind);
                continue;
            }
        };
        if let Some(younger) = rotating.is_younger_than(args.older_than)? {
            to_stdout(format!("{}: access key {}: {younger}, left alone\n", visible(&name), key.id).as_bytes())?;
            continue;
        }
        if let Err(failure) = rotating.run() {
            messages::failure(&failure);
            failed.get_or_insert(failure.kind);
        }
    }
    if let Some(kind) = failed {
        return Ok(kind.exit_code());
    }
    if seen.is_empty() { Err(Failure::new(Kind::Config, "no profile has an access key")) } else { Ok(0) }
}

struct Rotating<'a> {
    context: &'a Context,
    records: &'a Records,
    args: &'a KeyRotate,
    /// The profile that is the key's user.
    profile: ProfileName,
    planned: Planned,
    id: AccessKeyId,
    is_in_file: bool,
    stores: Stores,
    credentials: Credentials,
    user: UserName,
    arn: String,
    account: AccountId,
    iam: IamClient,
    sts: StsClient,
}

impl<'a> Rotating<'a> {
    /// Finds the key, and gets the credentials of its user.
    fn of(context: &'a Context, records: &'a Records, name: &ProfileName, args: &'a KeyRotate) -> Result<Self> {
        let Base::Key(key) = context.plan(name)?.plan.base;
        let profile = user_of(context, name, &key);
        let planned = context.plan(&profile)?;
        let stores = context.stores(true);
        let credentials = credentials_of(context, &planned, args, &stores)?;
        let sts = StsClient::new(planned.endpoint.clone(), context.http(&planned.endpoint)?);
        let who = sts.get_caller_identity(credentials.signer(), Bounds::CALL).map_err(|e| e.of_profile(&profile))?;
        let user = UserName::of_arn(&who.arn).ok_or_else(|| {
            let cause = format!("access key {} belongs to {}, which is not an IAM user", key.id, who.arn);
            Failure::new(Kind::Config, cause).of_profile(&profile).hint("create an IAM user, and use its keys")
        })?;
        Ok(Self {
            context,
            records,
            args,
            is_in_file: matches!(key.place, KeyPlace::File(_)),
            iam: context.iam(&planned)?,
            profile,
            id: key.id,
            planned,
            stores,
            credentials,
            user,
            arn: who.arn,
            account: who.account,
            sts,
        })
    }

    fn run(&self) -> Result<()> {
        let record = self.records.all()?.into_iter().find(|record| record.is_about(&self.id));
        self.with_rotation(|rotation| match record {
            None if self.args.finish || self.args.back => {
                let cause = format!("no rotation of access key {} is under way", self.id);
                Err(Failure::new(Kind::Config, cause).of_profile(&self.profile))
            }
            None => self.start(rotation),
            Some(record) => self.go_on(rotation, record),
        })
    }

    fn with_rotation<T>(&self, act: impl FnOnce(&Rotation) -> Result<T>) -> Result<T> {
        let in_keyring = self.in_keyring();
        let in_keyring: Option<&dyn NewKeys> = in_keyring.as_ref().map(|keys| keys as &dyn NewKeys);
        let in_file = InFile { context: self.context, profile: &self.profile };
        let keys = match in_keyring {
            Some(in_keyring) if !self.is_in_file => Either { first: in_keyring, other: Some(&in_file) },
            // A keyring that is locked has no part in the rotation of a key in a file.
            other => Either { first: &in_file, other: other.filter(|_| self.is_in_index()) },
        };
        act(&Rotation {
            profile: &self.profile,
            arn: &self.arn,
            user: &self.user,
            iam: &self.iam,
            sts: &self.sts,
            keys: &keys,
            records: self.records,
            clock: &clock::now,
            pause: &std::thread::sleep,
        })
    }

    fn in_keyring(&self) -> Option<InKeyring<'_>> {
        let account = Some(self.account.clone());
        let store = self.stores.of_access_keys()?;
        Some(InKeyring { store, context: self.context, profile: &self.profile, account })
    }

    /// Whether the index of stored keys has the old key, for any profile.
    fn is_in_index(&self) -> bool {
        self.context.index.profiles_with(&self.id).next().is_some()
    }

    fn keyring(&self) -> &'static str {
        self.stores.of_access_keys().map_or("the keyring", |store| store.name())
    }

    /// How old AWS says the key is, if that is less than asked for.
    fn is_younger_than(&self, least: Option<Duration>) -> Result<Option<String>> {
        let Some(least) = least else { return Ok(None) };
        let keys = self.with_rotation(|rotation| rotation.keys(self.credentials.signer()))?;
        let is_younger = |key: &&KeyInfo| key.id == self.id && clock::now().since(key.created) < least;
        Ok(keys.iter().find(is_younger).map(age_of))
    }

    fn start(&self, rotation: &Rotation) -> Result<()> {
        let signer = self.credentials.signer();
        let keys = rotation.keys(signer)?;
        rotation.must_have_room(&keys, &self.id).map_err(|failure| self.naming_keys(failure, &keys))?;
        let record = Record {
            user: self.arn.clone(),
            profile: self.profile.clone(),
            old: self.id.clone(),
            before: keys.iter().map(|key| key.id.clone()).collect(),
            began: clock::now(),
            delete_after: self.args.delete_after,
            phase: Phase::Creating,
        };
        let text = self.steps(&keys);
        if self.args.dry_run {
            return to_stdout(text.as_bytes());
        }
        self.confirm(&text, "rotate?")?;
        let record = rotation.create(signer, record)?;
        let created: Vec<_> = record.phase.new_key().map(|new| (new.clone(), clock::now())).into_iter().collect();
        self.context.keep_created(&created);
        self.go_on_stored(rotation, record)
    }

    /// The keys of a user who has two, and which of them may go.
    fn naming_keys(&self, failure: Failure, keys: &[KeyInfo]) -> Failure {
        if keys.len() < MOST_KEYS {
            return failure;
        }
        let lines = keys.iter().map(|key| format!("{}: {}", key.id, self.described(key)));
        let failure = lines.fold(failure, Failure::hint);
        match keys.iter().find(|key| key.status != KeyStatus::Active) {
            Some(inactive) => failure.hint(format!(
                "if nothing needs {0}: aws iam delete-access-key --user-name {1} --access-key-id {0}",
                inactive.id, self.user
            )),
            None => failure.hint("both are active: find out what uses the other one, and delete it when nothing does"),
        }
    }

    fn described(&self, key: &KeyInfo) -> String {
        format!("{}, {}, {}", key.status, age_of(key), self.last_use(&key.id))
    }

    fn last_use(&self, id: &AccessKeyId) -> String {
        match self.iam.access_key_last_used(self.credentials.signer(), id, Bounds::LOOK) {
            Ok(Some(used)) => format!("last used {}", used_when(&used, clock::now())),
            Ok(None) => "never used".into(),
            Err(_) => "last use unknown".into(),
        }
    }

    /// What will be done, for the confirmation.
    fn steps(&self, keys: &[KeyInfo]) -> String {
        let place = if self.is_in_file { self.context.files.credentials.shown() } else { self.keyring() };
        let old = keys.iter().find(|key| key.id == self.id).map(|key| self.described(key)).unwrap_or_default();
        let holders = Holders::of(self.context, &self.id).lines(self.keyring());
        let holders: String = holders.iter().map(|line| format!("     {line}\n")).collect();
        let mut steps =
            vec![format!("create a new access key, and store it in {place}"), "wait until AWS accepts it".into()];
        if self.planned.plan.device.is_some() {
            steps.push("start a session with it, which needs another code".into());
        }
        steps.push(format!("use it in place of the old one:\n{holders}").trim_end().to_string());
        steps.push("end the sessions of the old key here (at AWS they stay valid until they expire, up to 36h)".into());
        steps.push(format!("deactivate the old key ({old}): is it also used on another machine?"));
        steps.push(match self.args.now {
            true => "delete the old key".into(),
            false => format!("after {}, `login` offers to delete the old key", duration::show(self.args.delete_after)),
        });
        let lines = steps.iter().enumerate().map(|(at, step)| format!("  {}. {step}\n", at + 1));
        format!("access key {} of user {} (profile '{}')\n", self.id, self.user, visible(self.profile.as_str()))
            + &lines.collect::<String>()
    }

    fn confirm(&self, text: &str, question: &str) -> Result<()> {
        let otherwise =
            if self.args.finish || self.args.back { "add --yes" } else { "add --yes, or --dry-run to see the steps" };
        confirmed(self.args.yes, otherwise, text, question)
    }

    /// A rotation that an earlier run has begun.
    fn go_on(&self, rotation: &Rotation, record: Record) -> Result<()> {
        let KeyRotate { dry_run, finish, back, now, .. } = *self.args;
        if dry_run {
            return self.say(&state_of(&record));
        }
        match record.phase.clone() {
            Phase::Off { new, .. } if back => {
                let old = record.old.clone();
                rotation.reactivate(self.credentials.signer(), record, &new)?;
                self.say(&format!("access key {old} is active again; profiles use {new}"))
            }
            Phase::Off { .. } if finish || now => self.delete(rotation, &record),
            Phase::Off { .. } => self.say(&state_of(&record)),
            _ if finish => {
                let cause = format!("access key {} is still active, so it is not deleted", record.old);
                let rotate = CommandLine::of(Verb::KeyRotate, &self.profile);
                Err(Failure::new(Kind::Config, cause)
                    .of_profile(&self.profile)
                    .hint(rotate.to("to deactivate it first")))
            }
            Phase::Switched { new } | Phase::Back { new } if back => {
                self.say(&format!("access key {} is active; profiles use {new}", record.old))
            }
            Phase::Switched { new } | Phase::Back { new } => {
                let text = format!("{}\nthe old key: {}\n", state_of(&record), self.last_use(&record.old));
                self.confirm(&text, "deactivate the old key?")?;
                self.go_on_switched(rotation, record, &new)
            }
            Phase::Creating | Phase::Created { .. } | Phase::Stored { .. } if back => self.undo(rotation, &record),
            Phase::Creating | Phase::Created { .. } | Phase::Stored { .. } => self.after_create(rotation, record),
        }
    }

    /// Deletes the new key, which no profile has.
    fn undo(&self, rotation: &Rotation, record: &Record) -> Result<()> {
        let signer = self.credentials.signer();
        let new = match (rotation.found(signer, record)?, record.phase.new_key()) {
            (Created::Orphan(orphan), _) => Some(orphan),
            (_, new) => new.cloned(),
        };
        if let Some(new) = new {
            if Holders::of(self.context, &new).has_other_than(&InFile::section(&self.profile)) {
                let cause = format!("profiles use the new access key {new} already, so it is not deleted");
                let rotate = CommandLine::of(Verb::KeyRotate, &self.profile);
                return Err(Failure::new(Kind::Config, cause).of_profile(&self.profile).hint(rotate.to("to go on")));
            }
            self.confirm(&format!("{}\n", state_of(record)), &format!("delete the new access key {new}?"))?;
            rotation.delete_orphan(signer, record, &new)?;
            self.say(&format!("deleted access key {new}"))?;
        } else {
            self.records.remove(record)?;
        }
        self.say(&format!("{}: uses access key {}", visible(self.profile.as_str()), record.old))
    }

    fn after_create(&self, rotation: &Rotation, mut record: Record) -> Result<()> {
        let signer = self.credentials.signer();
        match (rotation.found(signer, &record)?, record.phase.new_key().cloned()) {
            (Created::Stored, Some(new)) => {
                record.phase = Phase::Stored { new };
                self.records.put(&record)?;
                messages::note(&state_of(&record));
                self.go_on_stored(rotation, record)
            }
            (Created::Orphan(orphan), _) => {
                let text = format!(
                    "an earlier, interrupted rotation created access key {orphan}, whose secret is lost ({})\n",
                    self.last_use(&orphan)
                );
                self.confirm(&text, "delete it, and start over?")?;
                rotation.delete_orphan(signer, &record, &orphan)?;
                self.start(rotation)
            }
            (Created::Stored | Created::Nothing, _) => {
                self.records.remove(&record)?;
                self.start(rotation)
            }
        }
    }

    fn go_on_stored(&self, rotation: &Rotation, record: Record) -> Result<()> {
        let Some(new) = record.phase.new_key().cloned() else { return Ok(()) };
        messages::note(&format!("access key {new} is stored; waiting until AWS accepts it"));
        rotation.prove(&new)?;
        let key = rotation.keys.fetch(&new)?.ok_or_else(|| Failure::new(Kind::HalfDone, "the new key is gone"))?;
        let (holders, keyring) = (Holders::of(self.context, &record.old), self.keyring());
        // A session with the new key first: those who call in the meantime are served by the old one, then by this.
        let after = holders.after(self.context, &record.old, &key, keyring)?;
        let credentials = credentials_of(&after, &after.plan(&self.profile)?, self.args, &self.stores)?;
        if self.is_in_file
            && self.is_in_index()
            && let Some(in_keyring) = self.in_keyring()
        {
            in_keyring.keep(&key)?;
        }
        holders.switch(self.context, &record.old, &key, keyring)?;
        if self.is_in_file {
            rotation.keys.forget(&new)?;
        }
        let record = rotation.switched(record, &new)?;
        self.deactivate(rotation, record, &new, &credentials)
    }

    fn go_on_switched(&self, rotation: &Rotation, record: Record, new: &AccessKeyId) -> Result<()> {
        let context = Context::load(&self.context.env)?;
        let credentials = credentials_of(&context, &context.plan(&self.profile)?, self.args, &self.stores)?;
        self.deactivate(rotation, record, new, &credentials)
    }

    fn deactivate(
        &self,
        rotation: &Rotation,
        record: Record,
        new: &AccessKeyId,
        credentials: &Credentials,
    ) -> Result<()> {
        self.must_be_replaced(rotation, &record, new)?;
        forget_sessions(&files_on_key(self.context, &record.old))?;
        let old = record.old.clone();
        let record = rotation.deactivate(credentials.signer(), record, new)?;
        self.say(&format!("{}: uses access key {new}; {old} is now inactive", visible(self.profile.as_str())))?;
        if self.args.now {
            rotation.delete_old(credentials.signer(), &record)?;
            return self.say(&format!("deleted access key {old}"));
        }
        let again = |flag| CommandLine::of(Verb::KeyRotate, &self.profile).with(flag);
        self.say(&format!("to reactivate it: {}; to delete it: {}", again("--back"), again("--finish")))
    }

    /// Fails unless no profile has the old key any more, and this one has the new key, which works now.
    fn must_be_replaced(&self, rotation: &Rotation, record: &Record, new: &AccessKeyId) -> Result<()> {
        let context = Context::load(&self.context.env)?;
        let old = &record.old;
        if let Some(place) = Holders::of(&context, old).lines(self.keyring()).first() {
            let cause = format!("access key {old} is in use again ({place}), so it is left alone");
            return Err(Failure::new(Kind::Config, cause).of_profile(&self.profile));
        }
        let Base::Key(key) = context.plan(&self.profile)?.plan.base;
        if key.id != *new {
            let cause = format!("it uses access key {}, not the new one, {new}, so {old} is left alone", key.id);
            return Err(Failure::new(Kind::Config, cause).of_profile(&self.profile));
        }
        let bases = RealBases { context: &context, keyring: self.stores.of_access_keys() };
        rotation.must_work(&bases.fetch(&Base::Key(key))?)
    }

    fn delete(&self, rotation: &Rotation, record: &Record) -> Result<()> {
        let old = &record.old;
        if let Some(new) = record.phase.new_key() {
            self.must_be_replaced(rotation, record, new)?;
        }
        let text = format!("access key {old} of user {}: inactive, {}\n", self.user, self.last_use(old));
        self.confirm(&text, "delete it at AWS?")?;
        rotation.delete_old(self.credentials.signer(), record)?;
        self.say(&format!("deleted access key {old}"))
    }

    fn say(&self, text: &str) -> Result<()> {
        to_stdout(format!("{text}\n").as_bytes())
    }
}

/// The profile that is the user of a key, and no role: the one that is named, else one with a device, else that of the
/// key itself, which may hold nothing else.
fn user_of(context: &Context, named: &ProfileName, key: &LongTermKey) -> ProfileName {
    let is_user = |name: &ProfileName, needs_device: bool| {
        let plan = context.plan_of_many(name).ok().map(|planned| planned.plan);
        plan.is_some_and(|plan| {
            let Base::Key(other) = &plan.base;
            other.id == key.id && plan.role().is_none() && (plan.device.is_some() || !needs_device)
        })
    };
    if is_user(named, *named == key.profile) {
        return named.clone();
    }
    let names = context.files.profile_names();
    let names = names.iter().filter_map(|name| ProfileName::parse(name).ok());
    let found = std::iter::once(key.profile.clone()).chain(names).find(|name| is_user(name, true));
    found.unwrap_or_else(|| key.profile.clone())
}

fn credentials_of(context: &Context, planned: &Planned, args: &KeyRotate, stores: &Stores) -> Result<Credentials> {
    if planned.plan.device.is_none() {
        let bases = RealBases { context, keyring: stores.of_access_keys() };
        return bases.fetch(&planned.plan.base).map(Credentials::Key);
    }
    let request = SessionRequest { may_unlock: true, ..SessionRequest::interactive(context, args.profile.code_stdin) };
    obtain(context, planned, &request).map(Credentials::Session)
}

fn age_of(key: &KeyInfo) -> String {
    Age { span: clock::now().since(key.created), is_least: false }.old()
}

/// How far a rotation has come, and what goes on with it.
pub fn state_of(record: &Record) -> String {
    let Record { profile, old, .. } = record;
    let again = |flag: Option<&str>| {
        let command = CommandLine::of(Verb::KeyRotate, profile);
        flag.into_iter().fold(command, CommandLine::with)
    };
    let of = visible(profile.as_str());
    match &record.phase {
        Phase::Creating | Phase::Created { .. } => {
            format!("profile '{of}': the rotation of access key {old} was interrupted; to go on: {}", again(None))
        }
        Phase::Stored { new } => format!(
            "profile '{of}': the rotation of access key {old} was interrupted after {new} was stored; to go on: {}",
            again(None)
        ),
        Phase::Switched { new } => format!(
            "profile '{of}': uses access key {new}; the old one, {old}, is still active; to go on: {}",
            again(None)
        ),
        Phase::Back { new } => format!(
            "profile '{of}': uses access key {new}; the old one, {old}, was reactivated; to deactivate it: {}",
            again(None)
        ),
        Phase::Off { new, since } => {
            let ago = duration::show(clock::now().since(*since));
            format!(
                "profile '{of}': uses access key {new}; {old} was deactivated {ago} ago; to delete it: {}; to reactivate it: {}",
                again(Some("--finish")),
                again(Some("--back"))
            )
        }
    }
}

/// What other commands say of unfinished rotations: a line each. They change nothing, and ask nobody.
pub fn remarks(dirs: &Directories) -> Vec<String> {
    match Records::of(&dirs.account_data()).all() {
        Ok(all) => all.iter().filter(|record| record.is_unfinished()).map(state_of).collect(),
        Err(failure) => vec![failure.headline()],
    }
}

/// Offers to delete the old key of a profile once its time has come.
pub fn offer_deletion(context: &Context, planned: &Planned) -> Result<()> {
    let records = Records::of(&context.dirs.account_data());
    let Base::Key(key) = &planned.plan.base;
    let is_due = |record: &Record| record.is_about(&key.id) && record.deletion().is_some_and(|end| end <= clock::now());
    let Some(record) = records.all().unwrap_or_default().into_iter().find(is_due) else { return Ok(()) };
    let question = format!("delete the old access key {} now?", record.old);
    let need = PersonNeeded { what: "confirmation is required", otherwise: "add --yes" };
    match Conversation::begin(need) {
        Ok(conversation) if conversation.confirm(&format!("{}\n", state_of(&record)), &question).is_ok() => {
            let args = KeyRotate { finish: true, yes: true, ..KeyRotate::default() };
            let _lock = records.lock()?;
            Rotating::of(context, &records, &key.profile, &args)?.run()
        }
        Ok(_) => Ok(()),
        Err(_) => {
            messages::note(&state_of(&record));
            Ok(())
        }
    }
}
