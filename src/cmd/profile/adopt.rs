//! `profile adopt`: makes every AWS tool use twolock for a profile.

use std::collections::HashSet;

use crate::change::preview::Preview;
use crate::change::{Act, Change, KeyToProve, KeyToStore, Proof};
use crate::cli::{Adopt, ProfileArg};
use crate::error::{Failure, Result};
use crate::hint::{CommandLine, Verb};
use crate::names::ProfileName;
use crate::output::to_stdout;
use crate::profile::adoption::edits::{Edits, KeyHome};
use crate::profile::adoption::kept_key::keys_profile;
use crate::profile::adoption::{self, Adoption, Adoptions, Becomes};

use super::super::changing::make;
use super::notes::{self, on_callers, own_program, to_try};
use crate::cmd::context::{Context, Planned};
use crate::cmd::mfa::propose;

/// More notes on refused profiles would push the diff off the screen.
const MOST_LEFT: usize = 20;

/// Adopts one profile and those that use it as source, or all.
pub fn run(context: &Context, args: &Adopt, title: &str) -> Result<u8> {
    let (adoptions, asked) = if args.all {
        (adoption::of_all(context.quiet(), &context.new_key_sections()), None)
    } else {
        let asked = context.requested_or_picked(&args.profile)?;
        let planned = context.plan(&asked)?;
        let may_propose = !args.flags.yes && !args.flags.dry_run && planned.plan.base.key().is_some();
        if may_propose && propose::device(context, &planned)? {
            let args = Adopt { profile: ProfileArg { positional: Some(asked), flag: None }, ..*args };
            return run(&Context::load(&context.env)?, &args, title);
        }
        (adoption::of_one(context.quiet(), &asked, args.only)?, Some(asked))
    };
    let (served, refused) = served(context, adoptions);
    let program = own_program(context)?;
    let store = key_store(context, &served)?;
    let home = if store.is_some() { KeyHome::Keyring } else { KeyHome::CredentialsFile };
    let adoptions: Vec<Adoption> = served.iter().map(|(adoption, _)| adoption.clone()).collect();
    let mut change = Change::new(title);
    served.iter().for_each(|(adoption, planned)| move_key(context, &mut change, adoption, planned, store));
    change.edit_files(Edits::of(&context.files, &adoptions, &program.path, home)?);
    let preview = context.preview(&change)?;
    let after = context.sources_after(&preview);
    let more = adoption::compare(context.quiet(), after)?;
    change.notes = on_keys(context, &adoptions, store, home);
    change.notes.extend(notes::on_program(&program));
    change
        .notes
        .extend(more.iter().map(|name| format!("'{name}' will also ask for a code, like the profile with its key")));
    change.notes.extend(left_alone(&refused));
    change.notes.extend(on_others(context, &preview, &adoptions, asked.as_ref()));
    if make(context, &change, &preview, "adopt?", args.flags)? {
        to_stdout(done(context, &preview, &adoptions)?.as_bytes())?;
    }
    Ok(0)
}

/// Profiles whose endpoint we refuse are not adopted.
fn served(context: &Context, adoptions: Adoptions) -> (Vec<(Adoption, Planned)>, Vec<Failure>) {
    let (mut served, mut refused) = (Vec::new(), adoptions.refused);
    for adoption in adoptions.made {
        match context.plan_of_many(&adoption.profile) {
            Ok(planned) => served.push((adoption, planned)),
            Err(failure) => refused.push(failure),
        }
    }
    (served, refused)
}

/// The keyring for the keys that move; none without a keyring, or if no key moves.
fn key_store(context: &Context, served: &[(Adoption, Planned)]) -> Result<Option<&'static str>> {
    for (Adoption { profile, becomes }, _) in served {
        if let Becomes::Key { key, .. } = becomes {
            return context.key_store_name(profile, &key.id);
        }
    }
    Ok(None)
}

/// The key is stored in the keyring and verified before it is removed from the files; without a keyring, it is only
/// verified.
fn move_key(context: &Context, change: &mut Change, adoption: &Adoption, planned: &Planned, store: Option<&str>) {
    let Becomes::Key { key, device, .. } = &adoption.becomes else { return };
    let (profile, endpoint) = (adoption.profile.clone(), &planned.endpoint);
    let account = device.as_ref().or(planned.plan.device.as_ref()).and_then(|device| device.account()).cloned();
    match store {
        Some(store) => {
            let added = context.added(&key.id);
            change.keep_key(KeyToStore { profile, key: key.clone(), account, added }, endpoint, store);
        }
        None => {
            let key = KeyToProve::Given(key.clone());
            change.acts.push(Act::Prove(Proof { profile, key, endpoint: endpoint.clone(), account }));
        }
    }
}

fn done(context: &Context, preview: &Preview, adoptions: &[Adoption]) -> Result<String> {
    let names: Vec<String> = adoptions.iter().map(|adoption| adoption.profile.to_string()).collect();
    let Some(first) = adoptions.first() else { return Ok(String::new()) };
    let after = context.sources_after(preview);
    Ok(format!("adopted {}; try: {}\n", names.join(", "), to_try(context, after, &first.profile)?))
}

fn on_keys(context: &Context, adoptions: &[Adoption], store: Option<&str>, home: KeyHome) -> Vec<String> {
    let note = |adoption: &Adoption| {
        let Becomes::Key { key, from, device } = &adoption.becomes else { return vec![] };
        let name = &adoption.profile;
        let mut notes = vec![match (home, store) {
            (KeyHome::Keyring, Some(store)) => format!("access key {} of '{name}' moves to {store}", key.id),
            _ if from != name => {
                format!("access key {} of '{name}' stays in '{from}': no persistent keyring is available", key.id)
            }
            _ => format!(
                "access key {} of '{name}' moves to '{}' of {}: no persistent keyring is available",
                key.id,
                keys_profile(name),
                context.files.credentials.shown()
            ),
        }];
        notes.extend(device.iter().map(|_| format!("'{name}' gets the mfa_serial of the roles that use its key")));
        let other = context.index.get(name).filter(|entry| entry.id != key.id && home == KeyHome::Keyring);
        notes.extend(other.map(|entry| {
            let remove = CommandLine::of(Verb::KeyRemove, &entry.id);
            format!(
                "access key {} of '{name}' is no longer used, and stays in the keyring; to remove it: {remove}",
                entry.id
            )
        }));
        notes
    };
    adoptions.iter().flat_map(note).collect()
}

/// The first profiles that cannot be adopted, each with the reason.
fn left_alone(refused: &[Failure]) -> Vec<String> {
    let named = refused.iter().take(MOST_LEFT).map(|failure| format!("not adopted: {}", failure.headline()));
    let more = refused.len().saturating_sub(MOST_LEFT);
    named.chain((more > 0).then(|| format!("{more} more not adopted"))).collect()
}

/// Callers that still bypass twolock for an adopted profile, or for one that uses it as source and is not adopted.
fn on_others(context: &Context, preview: &Preview, adoptions: &[Adoption], asked: Option<&ProfileName>) -> Vec<String> {
    let made: HashSet<&ProfileName> = adoptions.iter().map(|adoption| &adoption.profile).collect();
    let above = asked.map(|asked| adoption::above(context.quiet(), asked)).unwrap_or_default();
    let left: Vec<&ProfileName> = above.iter().filter(|name| !made.contains(name)).collect();
    let callers = context.callers_after(preview);
    let mut notes: Vec<String> = adoptions.iter().flat_map(|one| on_callers(&callers, &one.profile)).collect();
    for name in left {
        notes.extend(on_callers(&callers, name));
        notes.extend(keeps_its_device(context, name));
    }
    notes
}

/// SDKs ask for a code themselves if a role has an mfa_serial.
fn keeps_its_device(context: &Context, name: &ProfileName) -> Option<String> {
    let profile = context.files.profile(name.as_str())?;
    let keeps = profile.get("role_arn").is_some() && profile.get("mfa_serial").is_some();
    let unset = CommandLine::of(Verb::Unset, name).with("mfa_serial");
    keeps.then(|| format!("to let SDKs assume '{name}' from the adopted source: {unset}"))
}
