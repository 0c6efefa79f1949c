//! `key rotate`: a new key in the place of the old one, at AWS, in the keyring and in every profile.

use std::cell::{Cell, OnceCell};
use std::path::PathBuf;
use std::time::Duration;

use crate::arn::AccountId;
use crate::aws::iam::{Iam, KeyInfo, KeyStatus};
use crate::aws::{AwsErrorKind, Bounds, Signer};
use crate::change::apply::forget_sessions;
use crate::cli::KeyRotate;
use crate::cmd::account::{Account, mfa_credentials, user_of};
use crate::cmd::active_sessions::files_on_key;
use crate::cmd::context::{Context, Planned};
use crate::cmd::conversation::{Conversation, PersonNeeded, confirmed};
use crate::cmd::sessions::{SessionRequest, has_given_code};
use crate::credentials::{AccessKey, AccessKeyId, Credentials};
use crate::duration;
use crate::error::{Failure, Kind, Result};
use crate::hint::{CommandLine, Verb};
use crate::names::ProfileName;
use crate::output::messages;
use crate::output::paragraph::wrapped_lines;
use crate::profile::adoption::kept_key::new_key_profile;
use crate::profile::base::{KeyPlace, LongTermKey};
use crate::rotation::steps::MOST_KEYS;
use crate::rotation::{Created, NewKeys, Phase, Record, Records, Rotation};
use crate::secret::Secret;
use crate::store::choose::Stores;
use crate::system::clock;
use crate::system::terminal::{self, Terminal};
use crate::text::age::Age;
use crate::text::visible::visible;

use super::at_aws::used_when;
use super::new_keys::{Either, InFile, InKeyring};
use super::rotations::{files_of, forget, must_be_its_files, named, profile_of, state_of};
use super::switch::Holders;

/// Lists of IAM show a new key after some seconds.
const LISTED_BY_THEN: Duration = Duration::from_secs(60);

pub fn run(context: &Context, args: &KeyRotate) -> Result<u8> {
    let records = Records::of(&context.dirs.account_data());
    let _lock = records.lock()?;
    if args.all {
        return all(context, &records, args);
    }
    let name = context.requested_or_picked(&args.profile.profile)?;
    let code_used = Cell::new(false);
    let Some(record) = named(context, &records, &name)? else {
        return rotate(context, &records, &name, args, &code_used).map(|()| 0);
    };
    must_be_its_files(context, &record)?;
    match profile_of(context, &record) {
        Some(profile) => rotate(context, &records, &profile, args, &code_used)?,
        None => forget(context, &records, &record, args)?,
    }
    Ok(0)
}

/// One after the other. The exit code is that of the first that fails.
fn all(context: &Context, records: &Records, args: &KeyRotate) -> Result<u8> {
    let (mut seen, mut failed, code_used) = (Vec::new(), None, Cell::new(false));
    for name in context.profile_names() {
        let Some(key) = context.outline(&name).and_then(|outline| outline.base.into_key()) else { continue };
        if key.profile.as_str() != name || seen.contains(&key.id) {
            continue;
        }
        seen.push(key.id.clone());
        if let Err(failure) = rotate(context, records, &key.profile, args, &code_used) {
            messages::failure(&failure);
            failed.get_or_insert(failure.kind);
        }
    }
    if let Some(kind) = failed {
        return Ok(kind.exit_code());
    }
    if seen.is_empty() { Err(Failure::new(Kind::Config, "no profile has an access key")) } else { Ok(0) }
}

fn rotate(
    context: &Context,
    records: &Records,
    name: &ProfileName,
    args: &KeyRotate,
    code_used: &Cell<bool>,
) -> Result<()> {
    let key = context.plan(name)?.plan.base.required_key(name)?.clone();
    let profile = user_of(context, name, &key);
    let record = records.all()?.into_iter().find(|record| record.is_about(&key.id));
    record.as_ref().map_or(Ok(()), |record| must_be_its_files(context, record))?;
    let stores = context.stores(true);
    let places = Places { context, stores: &stores, key: &key, name: record.as_ref().map_or(&profile, |r| &r.profile) };
    let after;
    let account = match (Account::of(context, &profile), &record) {
        (Err(failure), Some(record)) if failure.kind == Kind::Refused => match places.after_switch(record)? {
            Some(switched) => {
                after = switched;
                Account::of(&after, &profile)?
            }
            None => return Err(failure),
        },
        (account, _) => account?,
    };
    let rotating =
        Rotating { context, records, args, profile: &profile, places, account, mfa: OnceCell::new(), code_used };
    if let Some(younger) = rotating.is_younger_than(args.older_than)? {
        let name = visible(name.as_str());
        return rotating.say(&format!("{name}: access key {}: {younger}, left alone", rotating.id()));
    }
    rotating.run(record.clone())
}

/// Where the keys are.
struct Places<'a> {
    context: &'a Context,
    stores: &'a Stores,
    /// The key that the profile has.
    key: &'a LongTermKey,
    /// The profile as it was called when the rotation began.
    name: &'a ProfileName,
}

impl Places<'_> {
    fn with<T>(&self, account: Option<AccountId>, act: impl FnOnce(&dyn NewKeys) -> Result<T>) -> Result<T> {
        let in_file = InFile { context: self.context, profile: self.name };
        let in_keyring = self.in_keyring(account);
        let in_keyring: Option<&dyn NewKeys> = in_keyring.as_ref().map(|keys| keys as &dyn NewKeys);
        act(&match in_keyring {
            Some(in_keyring) if !self.is_in_file() => Either { first: in_keyring, other: Some(&in_file) },
            // A keyring that is locked has no part in the rotation of a key in a file.
            other => Either { first: &in_file, other: other.filter(|_| self.is_in_index()) },
        })
    }

    fn in_keyring(&self, account: Option<AccountId>) -> Option<InKeyring<'_>> {
        let store = self.stores.of_access_keys()?;
        Some(InKeyring { store, context: self.context, profile: self.name, account })
    }

    fn is_in_file(&self) -> bool {
        matches!(self.key.place, KeyPlace::File(_))
    }

    /// Whether the index of stored keys has the key, for any profile.
    fn is_in_index(&self) -> bool {
        self.context.index.profiles_with(&self.key.id).next().is_some()
    }

    fn keyring(&self) -> &'static str {
        self.stores.of_access_keys().map_or("the keyring", |store| store.name())
    }

    /// What commands will read once every profile has the new key. None where it is not stored, or they have it.
    fn after_switch(&self, record: &Record) -> Result<Option<Context>> {
        let Some(new) = record.phase.new_key().filter(|new| **new != self.key.id) else { return Ok(None) };
        let Some(key) = self.with(None, |keys| keys.fetch(new))? else { return Ok(None) };
        Holders::of(self.context, &record.old).after(self.context, &record.old, &key, self.keyring()).map(Some)
    }
}

struct Rotating<'a> {
    context: &'a Context,
    records: &'a Records,
    args: &'a KeyRotate,
    /// The profile that is the key's user.
    profile: &'a ProfileName,
    places: Places<'a>,
    /// Its credentials need no code, but may be refused without MFA.
    account: Account<'a>,
    /// Those for which a code was asked.
    mfa: OnceCell<Credentials>,
    /// Whether a session took the code that was given beforehand.
    code_used: &'a Cell<bool>,
}

impl Rotating<'_> {
    fn id(&self) -> &AccessKeyId {
        &self.places.key.id
    }

    /// What signs calls that change something.
    fn signer(&self) -> Result<Signer<'_>> {
        if let Some(known) = self.mfa.get() {
            return Ok(known.into());
        }
        let Account { context, planned, stores, .. } = &self.account;
        let credentials = self.credentials(context, planned, stores)?;
        self.code_used.set(self.code_used.get() || self.needs_code());
        Ok(self.mfa.get_or_init(|| credentials).into())
    }

    fn credentials(&self, context: &Context, planned: &Planned, stores: &Stores) -> Result<Credentials> {
        let request = SessionRequest {
            may_unlock: true,
            takes_given_code: !self.code_used.get(),
            ..SessionRequest::interactive(context, self.args.profile.code_stdin)
        };
        mfa_credentials(context, planned, stores, &request)
    }

    fn run(&self, record: Option<Record>) -> Result<()> {
        self.with_rotation(|rotation| match record {
            None if self.args.finish || self.args.back => {
                let cause = format!("no rotation of access key {} is in progress", self.id());
                Err(Failure::new(Kind::Config, cause).of_profile(self.profile))
            }
            None => self.start(rotation),
            Some(record) => self.go_on(rotation, record),
        })
    }

    fn with_rotation<T>(&self, act: impl FnOnce(&Rotation) -> Result<T>) -> Result<T> {
        let Account { arn, user, number, iam, sts, .. } = &self.account;
        self.places.with(Some(number.clone()), |keys| {
            act(&Rotation {
                profile: self.profile,
                arn,
                user,
                iam,
                sts,
                keys,
                records: self.records,
                clock: &clock::now,
                pause: &std::thread::sleep,
            })
        })
    }

    /// How old AWS says the key is, if that is less than asked for.
    fn is_younger_than(&self, least: Option<Duration>) -> Result<Option<String>> {
        let Some(least) = least else { return Ok(None) };
        let keys = match self.keys_without_code()? {
            Some(keys) => keys,
            None => self.with_rotation(|rotation| rotation.keys(self.signer()?))?,
        };
        self.context.keep_created_of(&keys);
        let is_younger = |key: &&KeyInfo| key.id == *self.id() && clock::now().since(key.created) < least;
        Ok(keys.iter().find(is_younger).map(age_of))
    }

    /// Whether AWS no longer lists a new key that it has had the time to list.
    fn is_deleted(&self, record: &Record, new: &AccessKeyId) -> Result<bool> {
        let is_new = clock::now().since(record.began) < LISTED_BY_THEN;
        Ok(!is_new && self.keys_without_code()?.is_some_and(|keys| keys.iter().all(|key| key.id != *new)))
    }

    /// The user's keys, unless AWS lists them only with MFA, and no session is active.
    fn keys_without_code(&self) -> Result<Option<Vec<KeyInfo>>> {
        let Account { iam, user, .. } = &self.account;
        match iam.list_access_keys(self.account.signer(), user, Bounds::CALL) {
            Err(e) if e.kind == AwsErrorKind::Denied && self.needs_code() => Ok(None),
            listed => listed.map(Some).map_err(|e| e.of_profile(self.profile)),
        }
    }

    fn needs_code(&self) -> bool {
        self.account.device().is_some() && !self.account.has_session()
    }

    /// Fails where a code will be missing, before anything is begun: each session needs one, and a code that was given
    /// beforehand is good for one.
    fn must_have_codes(&self) -> Result<()> {
        let Planned { plan, .. } = &self.account.planned;
        let needed = 1 + usize::from(self.needs_code());
        let is_given = has_given_code(self.context, self.args.profile.code_stdin) && !self.code_used.get();
        if plan.device.is_none()
            || plan.mfa_process.is_some()
            || usize::from(is_given) >= needed
            || Terminal::open().is_ok()
        {
            return Ok(());
        }
        let what = if needed == 2 { "two MFA codes are needed, the second one" } else { "an MFA code is needed" };
        let cause =
            format!("{what} for a session with the new key, and there is no terminal to ask on: nothing was changed");
        let failure = Failure::new(Kind::NeedsPerson, cause).of_profile(self.profile);
        let failure = failure.hint("set mfa_process, the program that prints your codes");
        let login =
            CommandLine::of(Verb::Login, self.profile).to("or start a session first, and give the next code here");
        Err(if needed == 2 { failure.hint(login) } else { failure })
    }

    fn start(&self, rotation: &Rotation) -> Result<()> {
        let has_room = |keys: &[KeyInfo]| {
            rotation.must_have_room(keys, self.id()).map_err(|failure| self.naming_keys(failure, keys))
        };
        let listed = self.keys_without_code()?;
        listed.as_deref().map_or(Ok(()), has_room)?;
        if !self.args.dry_run {
            self.must_have_codes()?;
        }
        let keys = match listed {
            Some(keys) => keys,
            None => rotation.keys(self.signer()?)?,
        };
        self.context.keep_created_of(&keys);
        has_room(&keys)?;
        let text = self.steps(&keys);
        if self.args.dry_run {
            return self.context.say(&text);
        }
        self.confirm(&text, "rotate?")?;
        let record = Record {
            user: self.account.arn.clone(),
            profile: self.profile.clone(),
            old: self.id().clone(),
            before: keys.into_iter().map(|key| key.id).collect(),
            began: clock::now(),
            delete_after: self.args.delete_after,
            files: Some(files_of(self.context)),
            phase: Phase::Creating,
        };
        let (record, new) = rotation.create(self.signer()?, record)?;
        self.context.keep_created(&[(new.clone(), clock::now())]);
        self.go_on_stored(rotation, record, &new)
    }

    /// The keys of a user who has two, and which of them may go.
    fn naming_keys(&self, failure: Failure, keys: &[KeyInfo]) -> Failure {
        if keys.len() < MOST_KEYS {
            return failure;
        }
        let used_here = |key: &KeyInfo| {
            let places = Holders::of(self.context, &key.id).lines(self.places.keyring());
            if places.is_empty() { String::new() } else { format!("; here: {}", places.join(", ")) }
        };
        let lines = keys.iter().map(|key| format!("{}: {}{}", key.id, self.described(key), used_here(key)));
        let failure = lines.fold(failure, Failure::hint);
        match keys.iter().find(|key| key.status != KeyStatus::Active) {
            Some(inactive) => failure.hint(format!(
                "if nothing needs {0}: aws iam delete-access-key --user-name {1} --access-key-id {0}",
                inactive.id, self.account.user
            )),
            None => failure.hint("both are active: find out what uses the other one, and delete it when nothing does"),
        }
    }

    fn described(&self, key: &KeyInfo) -> String {
        format!("{}, {}, {}", key.status, age_of(key), self.last_use(&key.id))
    }

    fn last_use(&self, id: &AccessKeyId) -> String {
        let signer = self.mfa.get().map_or(self.account.signer(), Signer::from);
        match self.account.iam.access_key_last_used(signer, id, Bounds::LOOK) {
            Ok(Some(used)) => format!("last used {}", used_when(&used, clock::now())),
            Ok(None) => "never used".into(),
            Err(_) => "last use unknown".into(),
        }
    }

    /// What will be done, for the confirmation.
    fn steps(&self, keys: &[KeyInfo]) -> String {
        let keyring = self.places.keyring();
        let place = if self.places.is_in_file() { self.context.files.credentials.shown() } else { keyring };
        let old = keys.iter().find(|key| key.id == *self.id()).map(|key| self.described(key)).unwrap_or_default();
        let holders = Holders::of(self.context, self.id()).lines(keyring);
        let holders: String = holders.iter().map(|line| format!("     {line}\n")).collect();
        let mut steps =
            vec![format!("create a new access key, and store it in {place}"), "wait until AWS accepts it".into()];
        if self.account.device().is_some() {
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
        format!(
            "access key {} of user {} (profile '{}')\n",
            self.id(),
            self.account.user,
            visible(self.profile.as_str())
        ) + &lines.collect::<String>()
    }

    fn confirm(&self, text: &str, question: &str) -> Result<()> {
        let otherwise =
            if self.args.finish || self.args.back { "add --yes" } else { "add --yes, or --dry-run to see the steps" };
        let text = wrapped_lines(text, terminal::columns(&self.context.env));
        confirmed(self.args.yes, otherwise, &text, question)
    }

    /// A rotation that an earlier run has begun.
    fn go_on(&self, rotation: &Rotation, record: Record) -> Result<()> {
        let KeyRotate { dry_run, finish, back, now, .. } = *self.args;
        if dry_run {
            return self.say(&self.state_of(&record));
        }
        match record.phase.clone() {
            Phase::Off { new, .. } if back => {
                let old = record.old.clone();
                rotation.reactivate(self.signer()?, record, &new)?;
                self.say(&format!("access key {old} is active again; profiles use {new}"))
            }
            Phase::Off { new, .. } if finish || now => self.delete(rotation, &record, &new),
            Phase::Off { .. } => self.say(&self.state_of(&record)),
            _ if finish => {
                let cause = format!("access key {} is still active, so it is not deleted", record.old);
                let rotate = CommandLine::of(Verb::KeyRotate, self.profile);
                Err(Failure::new(Kind::Config, cause)
                    .of_profile(self.profile)
                    .hint(rotate.to("to deactivate it first")))
            }
            Phase::Switched { new } | Phase::Back { new } if back => {
                self.say(&format!("access key {} is active; profiles use {new}", record.old))
            }
            Phase::Switched { new } | Phase::Back { new } => {
                let text = format!("{}\nthe old key: {}\n", self.state_of(&record), self.last_use(&record.old));
                self.confirm(&text, "deactivate the old key?")?;
                self.deactivate(rotation, record, &new, self.signer()?)
            }
            Phase::Creating | Phase::Created { .. } | Phase::Stored { .. } if back => self.undo(rotation, &record),
            Phase::Creating | Phase::Created { .. } | Phase::Stored { .. } => self.after_create(rotation, record),
        }
    }

    fn state_of(&self, record: &Record) -> String {
        state_of(self.context, record)
    }

    /// What became of the new key. Only a list that is asked of AWS may need a code.
    fn found(&self, rotation: &Rotation, record: &Record) -> Result<Created> {
        let signer = if record.phase.new_key().is_some() { self.account.signer() } else { self.signer()? };
        rotation.found(signer, record)
    }

    /// Deletes the new key, which no profile has.
    fn undo(&self, rotation: &Rotation, record: &Record) -> Result<()> {
        let new = match (self.found(rotation, record)?, record.phase.new_key()) {
            (Created::Orphan(orphan), _) => Some(orphan),
            (_, new) => new.cloned(),
        };
        if let Some(new) = new {
            self.must_not_be_in_use(record, &new)?;
            self.confirm(&format!("{}\n", self.state_of(record)), &format!("delete the new access key {new}?"))?;
            rotation.delete_orphan(self.signer()?, record, &new)?;
            self.say(&format!("deleted access key {new}"))?;
        } else {
            self.records.remove(record)?;
        }
        self.say(&format!("{}: uses access key {}", visible(self.profile.as_str()), record.old))
    }

    /// Fails if profiles have the new key already, or the old one is refused.
    fn must_not_be_in_use(&self, record: &Record, new: &AccessKeyId) -> Result<()> {
        let signing = self.account.planned.plan.base.required_key(self.profile)?;
        let cause = if Holders::of(self.context, new).has_other_than(&new_key_profile(self.places.name)) {
            format!("profiles use the new access key {new} already, so it is not deleted")
        } else if signing.id == *new {
            format!("AWS does not accept access key {} any more, so the new one, {new}, is not deleted", record.old)
        } else {
            return Ok(());
        };
        let rotate = CommandLine::of(Verb::KeyRotate, self.profile);
        Err(Failure::new(Kind::Config, cause).of_profile(self.profile).hint(rotate.to("to continue")))
    }

    fn after_create(&self, rotation: &Rotation, mut record: Record) -> Result<()> {
        match (self.found(rotation, &record)?, record.phase.new_key().cloned()) {
            (Created::Stored, Some(new)) if self.is_deleted(&record, &new)? => {
                messages::note(&format!("access key {new}, which an earlier run created, was deleted at AWS"));
                rotation.keys.forget(&new)?;
                self.records.remove(&record)?;
                self.start(rotation)
            }
            (Created::Stored, Some(new)) => {
                record.phase = Phase::Stored { new: new.clone() };
                self.records.put(&record)?;
                messages::note(&self.state_of(&record));
                self.go_on_stored(rotation, record, &new)
            }
            (Created::Orphan(orphan), _) => {
                let text = format!(
                    "an earlier, interrupted rotation created access key {orphan}, whose secret is lost ({})\n",
                    self.last_use(&orphan)
                );
                self.confirm(&text, "delete it, and start over?")?;
                rotation.delete_orphan(self.signer()?, &record, &orphan)?;
                self.start(rotation)
            }
            (Created::Stored | Created::Nothing, _) => {
                self.records.remove(&record)?;
                self.start(rotation)
            }
        }
    }

    fn go_on_stored(&self, rotation: &Rotation, record: Record, new: &AccessKeyId) -> Result<()> {
        messages::note(&format!("access key {new} is stored; waiting until AWS accepts it"));
        let key = rotation.prove(new)?;
        // It may be in a file, and the keyring has the old one for another profile, or has got it meanwhile.
        let in_keyring = self.places.in_keyring(Some(self.account.number.clone()));
        in_keyring.filter(|_| self.places.is_in_index()).map_or(Ok(()), |in_keyring| in_keyring.keep(&key))?;
        let (holders, keyring) = (Holders::of(self.context, &record.old), self.places.keyring());
        // A session with the new key first: those who call in the meantime are served by the old one, then by this.
        let after = holders.after(self.context, &record.old, &key, keyring)?;
        let credentials = self.credentials(&after, &after.plan(self.profile)?, self.places.stores)?;
        self.code_used.set(true);
        holders.switch(self.context, &record.old, &key, keyring)?;
        rotation.keys.forget(new)?;
        let record = rotation.switched(record, new)?;
        self.deactivate(rotation, record, new, (&credentials).into())
    }

    fn deactivate(&self, rotation: &Rotation, record: Record, new: &AccessKeyId, signer: Signer<'_>) -> Result<()> {
        let context = self.must_be_replaced(rotation, &record, new)?;
        let old = record.old.clone();
        forget_sessions(&self.sessions_of(&context, &old, new)?)?;
        let name = visible(self.profile.as_str());
        let Some(record) = rotation.deactivate(signer, record, new).map_err(|failure| self.to_finish(failure))? else {
            return self.say(&format!("{name}: uses access key {new}; {old} does not exist at AWS any more"));
        };
        self.say(&format!("{name}: uses access key {new}; {old} is now inactive"))?;
        if self.args.now {
            return self.delete_old(rotation, &record, signer);
        }
        let again = |flag| CommandLine::of(Verb::KeyRotate, self.profile).with(flag);
        self.say(&format!("to reactivate it: {}; to delete it: {}", again("--back"), again("--finish")))
    }

    /// The files of the old key's sessions, which the profiles had before they got the new one.
    fn sessions_of(&self, context: &Context, old: &AccessKeyId, new: &AccessKeyId) -> Result<Vec<PathBuf>> {
        let stand_in = AccessKey { id: old.clone(), secret: Secret::new("x".repeat(40)) };
        let before = Holders::of(context, new).after(context, new, &stand_in, self.places.keyring())?;
        Ok(files_on_key(&before, old))
    }

    /// Fails unless no profile has the old key any more, and this one has the new key, which works now. Returns what
    /// profiles are now.
    fn must_be_replaced(&self, rotation: &Rotation, record: &Record, new: &AccessKeyId) -> Result<Context> {
        let context = Context::load(&self.context.env)?;
        let old = &record.old;
        if let Some(place) = Holders::of(&context, old).lines(self.places.keyring()).first() {
            let cause = format!("access key {old} is in use again ({place}), so it is left alone");
            return Err(Failure::new(Kind::Config, cause).of_profile(self.profile));
        }
        let key = context.plan(self.profile)?.plan.base.required_key(self.profile)?.clone();
        if key.id != *new {
            let cause = format!("it uses access key {}, not the new one, {new}, so {old} is left alone", key.id);
            return Err(Failure::new(Kind::Config, cause).of_profile(self.profile));
        }
        rotation.must_work(&context.access_key(&key, self.places.stores.of_access_keys())?)?;
        Ok(context)
    }

    fn delete(&self, rotation: &Rotation, record: &Record, new: &AccessKeyId) -> Result<()> {
        let old = &record.old;
        self.must_be_replaced(rotation, record, new)?;
        let text = format!("access key {old} of user {}: inactive, {}\n", self.account.user, self.last_use(old));
        self.confirm(&text, "delete it at AWS?")?;
        self.delete_old(rotation, record, self.signer()?)
    }

    fn delete_old(&self, rotation: &Rotation, record: &Record, signer: Signer<'_>) -> Result<()> {
        rotation.delete_old(signer, record).map_err(|failure| self.to_finish(failure))?;
        self.say(&format!("deleted access key {}", record.old))
    }

    /// Names the command that removes here what AWS has no more.
    fn to_finish(&self, failure: Failure) -> Failure {
        match failure.kind {
            Kind::HalfDone => {
                failure.hint(CommandLine::of(Verb::KeyRotate, self.profile).with("--finish").to("to remove the rest"))
            }
            _ => failure,
        }
    }

    fn say(&self, text: &str) -> Result<()> {
        self.context.say(text)
    }
}

fn age_of(key: &KeyInfo) -> String {
    Age { span: clock::now().since(key.created), is_least: false }.old()
}

/// Offers to delete the old key of a profile once its time has come.
pub fn offer_deletion(context: &Context, planned: &Planned) -> Result<()> {
    let records = Records::of(&context.dirs.account_data());
    let Some(key) = planned.plan.base.key() else { return Ok(()) };
    let is_due = |record: &Record| record.is_about(&key.id) && record.deletion().is_some_and(|end| end <= clock::now());
    let Some(record) = records.all().unwrap_or_default().into_iter().find(is_due) else { return Ok(()) };
    if records.are_locked() || must_be_its_files(context, &record).is_err() {
        return Ok(());
    }
    let (text, question) = (state_of(context, &record), format!("delete the old access key {} now?", record.old));
    let need = PersonNeeded { what: "confirmation is required", otherwise: "add --yes" };
    match Conversation::begin(need) {
        Ok(conversation) if conversation.confirm(&format!("{text}\n"), &question).is_ok() => {
            let args = KeyRotate { finish: true, yes: true, ..KeyRotate::default() };
            let _lock = records.lock()?;
            rotate(context, &records, &key.profile, &args, &Cell::new(false))
        }
        Ok(_) => Ok(()),
        Err(_) => {
            messages::note(&text);
            Ok(())
        }
    }
}
