//! Stores a key that was typed, or came from a file or program that is not one of the AWS files.

use crate::aws_files::edit::Edit;
use crate::aws_files::file::FileKind;
use crate::change::{Act, Change, KeyToProve, KeyToStore, Proof as ToProve};
use crate::cmd::changing::make_confirmed;
use crate::cmd::context::{Context, Planned};
use crate::cmd::conversation::{Conversation, PersonNeeded};
use crate::credentials::{AccessKey, AccessKeyId};
use crate::error::{Failure, Kind, Result};
use crate::hint::{CommandLine, Verb};
use crate::names::ProfileName;
use crate::ours::key_index::{IndexEdit, IndexEntry};
use crate::profile::adoption::import;
use crate::profile::adoption::kept_key::keys_profile;
use crate::profile::base::Base;
use crate::store::{StoreError, access_key};
use crate::text::visible::visible;

use super::proof::{self, Proof};

const BESIDE: PersonNeeded = PersonNeeded { what: "a choice is required", otherwise: "run this in a terminal" };

/// What may be done with a key.
#[derive(Clone, Copy, Default)]
pub struct Leave {
    /// Store it beside one in the AWS files.
    pub beside_a_file: bool,
    /// Store one of the root user.
    pub root: bool,
}

/// Where a key of a profile goes.
#[derive(Clone, Copy)]
pub enum Home {
    Keyring(&'static str),
    /// [`keys_profile`] of the credentials file.
    Beside,
}

/// Finds the place for a key. Without a keyring that lasts, a person may choose the credentials file, by name
/// (threat-model P7).
pub fn home(context: &Context, name: &ProfileName, id: &AccessKeyId, person: Option<&Conversation>) -> Result<Home> {
    if let Some(store) = context.key_store_name(name, id)? {
        return Ok(Home::Keyring(store));
    }
    let cause = "no persistent keyring is available to store the access key";
    let failure = || Failure::new(Kind::Keyring, cause).of_profile(name);
    let (beside, file) = (keys_profile(name), context.files.credentials.shown());
    if context.files.profile(&beside).is_some() {
        return Err(failure().hint(format!("it could be in '{beside}' of {file}, but that profile already exists")));
    }
    let terminal = || {
        let command = CommandLine::of(Verb::KeyAdd, name);
        failure().hint(command.to(format!("to keep it in '{beside}' of {file}, run in a terminal")))
    };
    let begun;
    let person = match person {
        Some(person) => person,
        None => {
            begun = Conversation::begin(BESIDE).map_err(|_| terminal())?;
            &begun
        }
    };
    let question = format!("keep it in [{}] of {file}, where all your programs can read it?", visible(&beside));
    person.confirm(&format!("{cause}\n"), &question).map(|()| Home::Beside)
}

/// Fails if the profile cannot use a key of its own, or has one already.
pub fn must_take_a_key(context: &Context, name: &ProfileName, leave: Leave) -> Result<()> {
    context.existing_or_to_add(name)?;
    must_have_no_source(context, name)?;
    let Ok(there) = import::of_one(context.quiet(), name) else { return Ok(()) };
    if leave.beside_a_file {
        return Ok(());
    }
    let cause = format!(
        "access key {} in '{}' of the AWS files would be used instead of the new one",
        there.key.id, there.from
    );
    let place = context.files.profile(there.from.as_str()).map(|profile| profile.place);
    Err(Failure::new(Kind::Config, cause)
        .of_profile(name)
        .at(place.as_ref())
        .hint(CommandLine::of(Verb::KeyImport, name).to("to move that key into the keyring"))
        .hint("to store the new one anyway: add --yes"))
}

/// Fails if the profile's credentials come from elsewhere than an access key, so that a new one would not be used.
fn must_have_no_source(context: &Context, name: &ProfileName) -> Result<()> {
    match context.outline(name.as_str()).map(|outline| outline.base).filter(|base| base.key().is_none()) {
        Some(base) => Err(needs_none(&base).of_profile(name)),
        None => Ok(()),
    }
}

/// Fails if the index has another key of the profile that the keyring still has.
pub fn must_not_replace(context: &Context, name: &ProfileName, id: Option<&AccessKeyId>) -> Result<()> {
    let Some(entry) = context.index.get(name).filter(|entry| Some(&entry.id) != id) else { return Ok(()) };
    if is_lost(context, entry) {
        return Ok(());
    }
    Err(Failure::new(Kind::Config, format!("has access key {} in the keyring already", entry.id))
        .of_profile(name)
        .hint(CommandLine::of(Verb::KeyReplace, name).to("to replace it by a new one")))
}

/// Whether the keyring no longer has the key of an entry.
pub fn is_lost(context: &Context, entry: &IndexEntry) -> bool {
    let stores = context.stores(false);
    stores.of_access_keys().is_some_and(|store| matches!(access_key::read(store, &entry.id), Err(StoreError::Absent)))
}

/// The plan of a profile once it has this key.
pub fn planned(context: &Context, name: &ProfileName, id: &AccessKeyId) -> Result<Planned> {
    let entry = IndexEntry::of(id.clone());
    let index = IndexEdit::Set { profile: name.clone(), entry, store: String::new() };
    let preview = context.preview(&Change { acts: vec![Act::EditIndex(index)], ..Change::default() })?;
    let planned = context.plan_of(context.sources_after(&preview), name)?;
    let base = &planned.plan.base;
    if base.key().is_some() && base.profile() == name {
        return Ok(planned);
    }
    let Some(used) = base.key() else { return Err(needs_none(base).of_profile(name)) };
    let cause =
        format!("gets its credentials from the access key of profile '{}', and needs none of its own", used.profile);
    Err(Failure::new(Kind::Config, cause).of_profile(name).hint(CommandLine::of(Verb::KeyAdd, &used.profile)))
}

/// Refuses a key for a profile whose credentials come from elsewhere.
pub fn needs_none(base: &Base) -> Failure {
    Failure::new(Kind::Config, format!("gets its credentials from {}, and needs no access key", base.origin()))
}

/// Stores a key, and proves what is stored by a call to AWS. Without a network it stays in the keyring unproved. Returns
/// the notes of the profile's plan.
pub fn store(
    context: &Context,
    name: &ProfileName,
    key: AccessKey,
    home: Home,
    leave: Leave,
    title: &str,
) -> Result<Vec<String>> {
    let planned = planned(context, name, &key.id)?;
    let (id, proof) = (key.id.clone(), proof::prove(context, &planned, &key, leave.root)?);
    let mut change = Change::new(title);
    let place = match (home, &proof) {
        (Home::Beside, Proof::Unreachable(why)) => return Err(why.clone()),
        (Home::Beside, Proof::By(_)) => {
            keep_beside(&mut change, name, key, &planned);
            format!("'{}' of {}", keys_profile(name), context.files.credentials.shown())
        }
        (Home::Keyring(store), proof) => {
            forget_another_try(context, name, &key, title)?;
            keep(context, &mut change, name, key, &planned, proof, store);
            store.to_string()
        }
    };
    let preview = context.preview(&change)?;
    context.plan_of(context.sources_after(&preview), name)?;
    make_confirmed(context, &change, &preview)?;
    let who = match proof {
        Proof::By(who) => who,
        Proof::Unreachable(why) => return Err(proof::not_verified(&id, &place, why)),
    };
    let said = format!("stored access key {id} of {} in {place}\n", visible(&proof::named(&who)));
    context.say(&said).map(|()| planned.plan.notes)
}

/// Adds the acts that put a key into the keyring, proved or not.
pub fn keep(
    context: &Context,
    change: &mut Change,
    name: &ProfileName,
    key: AccessKey,
    planned: &Planned,
    proof: &Proof,
    store: &str,
) {
    let (profile, added) = (name.clone(), context.added(&key.id));
    match proof {
        Proof::By(who) => {
            let key = KeyToStore { profile, key, account: Some(who.account.clone()), added };
            change.keep_key(key, &planned.endpoint, store);
        }
        Proof::Unreachable(_) => {
            let account = planned.plan.device.as_ref().and_then(|device| device.account()).cloned();
            change.keep_unproved_key(KeyToStore { profile, key, account, added }, store);
        }
    }
}

fn keep_beside(change: &mut Change, name: &ProfileName, key: AccessKey, planned: &Planned) {
    let proof = KeyToProve::Given(key.clone());
    let (profile, endpoint) = (name.clone(), planned.endpoint.clone());
    let beside = keys_profile(name);
    let edit = |kind, edit| Act::EditFile { kind, edits: vec![edit], holds: Vec::new() };
    let source = Edit::Set { profile: name.to_string(), key: "twolock_source_profile".into(), value: beside.clone() };
    change.acts.extend([
        Act::Prove(ToProve { profile, key: proof, endpoint, account: None }),
        edit(FileKind::Credentials, Edit::PutKey { profile: beside, key }),
        edit(FileKind::Config, source),
    ]);
}

/// An unproved key whose secret was typed wrongly makes room for the right one.
fn forget_another_try(context: &Context, name: &ProfileName, key: &AccessKey, title: &str) -> Result<()> {
    let Some(entry) = context.index.get(name).filter(|entry| entry.unproved && entry.id == key.id) else {
        return Ok(());
    };
    match context.known_key(&key.id) {
        Some(known) if known.secret.expose() != key.secret.expose() => remove(context, name, &entry.id, title),
        _ => Ok(()),
    }
}

/// Proves the key of a profile that an earlier run could only store. One that AWS refuses is removed.
pub fn prove_stored(context: &Context, name: &ProfileName, entry: &IndexEntry, root: bool, title: &str) -> Result<()> {
    let key = context.key_in_keyring(name, &entry.id, true)?;
    let planned = planned(context, name, &entry.id)?;
    let store = context.key_store_name(name, &entry.id)?.unwrap_or("the keyring");
    let who = match proof::prove(context, &planned, &key, root) {
        Ok(Proof::By(who)) => who,
        Ok(Proof::Unreachable(why)) => return Err(proof::not_verified(&entry.id, store, why)),
        Err(mut failure) if failure.kind == Kind::Refused && !failure.cause.contains("this machine's clock") => {
            remove(context, name, &entry.id, title)?;
            failure.cause += &format!("; it was removed from {store}");
            return Err(failure);
        }
        Err(failure) => return Err(failure),
    };
    let entry = IndexEntry { account: Some(who.account.clone()), unproved: false, ..entry.clone() };
    let said = format!("verified access key {} of {}\n", entry.id, visible(&proof::named(&who)));
    let index = IndexEdit::Set { profile: name.clone(), entry, store: store.into() };
    let change = Change { acts: vec![Act::EditIndex(index)], ..Change::new(title) };
    make_confirmed(context, &change, &context.preview(&change)?)?;
    context.say(&said)
}

/// Removes a key that was never proved, and its entry.
fn remove(context: &Context, name: &ProfileName, id: &AccessKeyId, title: &str) -> Result<()> {
    let (profile, id) = (name.clone(), id.clone());
    let drop = Act::EditIndex(IndexEdit::Drop { profile: profile.clone(), id: id.clone() });
    let change = Change { acts: vec![drop, Act::RemoveKey { profile, id }], ..Change::new(title) };
    make_confirmed(context, &change, &context.preview(&change)?)
}
