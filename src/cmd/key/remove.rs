//! `key remove`: removes an access key from the keyring, and its entries from the key index.

use crate::change::{Act, Change};
use crate::cli::KeyRemove;
use crate::cmd::changing::make_unseen;
use crate::cmd::context::Context;
use crate::credentials::AccessKeyId;
use crate::error::{Failure, Kind, Result};
use crate::hint::{CommandLine, Verb};
use crate::names::ProfileName;
use crate::ours::key_index::IndexEdit;
use crate::output::to_stdout;
use crate::profile::adoption::import;
use crate::profile::base::KeyPlace;
use crate::store::{StoreError, access_key};
use crate::text::list::first_names;
use crate::text::visible::visible;

/// What is removed: a key's entries, and its item unless another profile's entry remains.
struct Removal {
    id: AccessKeyId,
    /// The profiles whose entries go.
    of: Vec<ProfileName>,
    with_item: bool,
}

pub fn run(context: &Context, args: &KeyRemove, title: &str) -> Result<u8> {
    let removal = removal(context, &args.name)?;
    let Removal { id, of, with_item } = &removal;
    let users = users(context, &removal);
    if !users.is_empty() && !args.flags.yes && !args.flags.dry_run {
        let cause =
            format!("access key {id} is still needed by {}: add --yes to remove it anyway", first_names(&users));
        return Err(
            Failure::new(Kind::Config, cause).hint(CommandLine::of(Verb::KeyReplace, &of[0]).to("to replace it"))
        );
    }
    let of_whom = removal.of_whom();
    let mut change = Change { notes: notes(context, &removal, &users), ..Change::new(title) };
    let drops = of.iter().map(|profile| IndexEdit::Drop { profile: profile.clone(), id: id.clone() });
    change.acts.extend(drops.map(Act::EditIndex));
    let profile = of.first().unwrap_or(&args.name).clone();
    change.acts.extend(with_item.then(|| Act::RemoveKey { profile, id: id.clone() }));
    if make_unseen(context, &change, "remove it?", args.flags)? {
        let of_whom = if *with_item { "" } else { &of_whom };
        to_stdout(format!("removed access key {id}{of_whom}\n").as_bytes())?;
    }
    Ok(0)
}

impl Removal {
    /// ` of 'base', 'prod'`; nothing for an item without entries.
    fn of_whom(&self) -> String {
        let names: Vec<String> = self.of.iter().map(|name| format!("'{}'", visible(name.as_str()))).collect();
        if names.is_empty() { String::new() } else { format!(" of {}", names.join(", ")) }
    }
}

fn notes(context: &Context, removal: &Removal, users: &[String]) -> Vec<String> {
    let (id, of_whom) = (&removal.id, removal.of_whom());
    if !removal.with_item {
        return vec![format!("access key {id}{of_whom} {}", context.stays_in_keyring(&removal.of[0], id))];
    }
    let needed = (!users.is_empty()).then(|| format!("still needed by {}", first_names(users)));
    let leaves = format!("access key {id}{of_whom} is removed from the keyring; this may be its last copy");
    let at_aws = "AWS accepts the key until you delete it: IAM > Users > Security credentials in the console";
    [Some(leaves), needed, Some(at_aws.into())].into_iter().flatten().collect()
}

/// A name is a profile's if the index has one of that name, else a key's id.
fn removal(context: &Context, name: &ProfileName) -> Result<Removal> {
    let profile = context.resolve_alias(name)?;
    if let Some(entry) = context.index.get(&profile) {
        let with_item = context.index.profiles_with(&entry.id).count() == 1;
        return Ok(Removal { id: entry.id.clone(), of: vec![profile], with_item });
    }
    match AccessKeyId::parse(name.as_str()).ok().filter(|_| context.files.profile(name.as_str()).is_none()) {
        Some(id) => {
            let of: Vec<ProfileName> = context.index.profiles_with(&id).cloned().collect();
            if of.is_empty() {
                must_be_in_keyring(context, name, &id)?;
            }
            Ok(Removal { id, of, with_item: true })
        }
        None => Err(none(context, &profile)),
    }
}

/// An item that no profile names any more.
fn must_be_in_keyring(context: &Context, name: &ProfileName, id: &AccessKeyId) -> Result<()> {
    let stores = context.stores(true);
    let store = stores.of_access_keys().ok_or_else(|| access_key::no_keyring(name, id))?;
    match access_key::read(store, id) {
        Ok(_) | Err(StoreError::Damaged(_)) => Ok(()),
        Err(StoreError::Absent) => {
            let cause = format!("access key {id} is neither in the keyring nor in the key index");
            Err(Failure::new(Kind::Config, cause).hint(CommandLine::new(Verb::KeyList)))
        }
        Err(e) => Err(access_key::failure(name, id, store.about(), &e)),
    }
}

fn none(context: &Context, name: &ProfileName) -> Failure {
    let there = match (context.existing(name), import::of_one(context.quiet(), name)) {
        (Err(failure), _) => return failure,
        (Ok(_), there) => there.ok(),
    };
    let failure =
        |why: &str| Failure::new(Kind::Config, format!("has no access key in the keyring{why}")).of_profile(name);
    match there {
        Some(there) => {
            let halves = ["aws_access_key_id", "aws_secret_access_key"];
            let unset = halves.into_iter().fold(CommandLine::of(Verb::Unset, &there.from), CommandLine::with);
            failure(": the AWS files have it").hint(unset.to("to remove it there"))
        }
        None => failure(""),
    }
}

/// The profiles whose plans need the key in the keyring, and lose it.
fn users(context: &Context, removal: &Removal) -> Vec<String> {
    let needs = |name: &String| {
        context.outline(name).is_some_and(|outline| {
            outline.base.key().is_some_and(|key| {
                key.id == removal.id && key.place == KeyPlace::Keyring && removal.of.contains(&key.profile)
            })
        })
    };
    context.files.profile_names().into_iter().filter(needs).collect()
}
