//! `key replace`: a key that was rotated elsewhere takes the place of the old one.

use crate::aws::sts::operations::CallerIdentity;
use crate::change::{Act, Change, KeyToStore};
use crate::cli::KeyReplace;
use crate::cmd::active_sessions::files_on_key;
use crate::cmd::changing::make_unseen;
use crate::cmd::context::{Context, Planned};
use crate::cmd::conversation::{Conversation, PersonNeeded};
use crate::cmd::typed_key;
use crate::credentials::AccessKey;
use crate::error::{Failure, Kind, Result};
use crate::hint::{CommandLine, Verb};
use crate::names::ProfileName;
use crate::ours::key_index::IndexEntry;
use crate::output::to_stdout;
use crate::profile::adoption::import;
use crate::profile::base::Base;
use crate::text::list::{counted, first_names};
use crate::text::visible::visible;

use super::given::needs_none;
use super::proof::{Proof, identity, is_root, named, prove};

const NEED: PersonNeeded = PersonNeeded { what: "the new access key is required", otherwise: "give it by --stdin" };

pub fn run(context: &Context, args: &KeyReplace, title: &str) -> Result<u8> {
    let name = context.requested_or_picked(&args.profile)?;
    let old = old(context, &name)?;
    let store = context.key_store_name(&name, &old.id)?.ok_or_else(|| {
        Failure::new(Kind::Keyring, "no persistent keyring is available to store the access key").of_profile(&name)
    })?;
    let new = new(context, &name, args)?;
    if new.id == old.id {
        return Err(
            Failure::new(Kind::Usage, format!("access key {} is already stored for it", new.id)).of_profile(&name)
        );
    }
    let planned = context.plan(&name)?;
    let who = match prove(context, &planned, &new, true)? {
        Proof::By(who) => who,
        Proof::Unreachable(why) => return Err(why),
    };
    must_be_the_same(context, &planned, old, &who)?;
    let profiles: Vec<ProfileName> = context.index.profiles_with(&old.id).cloned().collect();
    let mut change = Change::new(title);
    for profile in &profiles {
        let account = Some(who.account.clone());
        let key = KeyToStore { profile: profile.clone(), key: new.clone(), account, added: context.added(&new.id) };
        change.keep_key(key, &planned.endpoint, store);
    }
    let names: Vec<&str> = profiles.iter().map(ProfileName::as_str).collect();
    change.notes.push(format!("access key {} replaces {} of {}, {}", new.id, old.id, first_names(&names), named(&who)));
    let sessions = files_on_key(context, &old.id);
    if !sessions.is_empty() {
        change.notes.push(format!("{} made with the old key will end here", counted(sessions.len(), "session")));
        change.acts.push(Act::ForgetSessions(sessions));
    }
    change.notes.push(format!("{} is removed from the keyring last; AWS accepts it until you delete it there", old.id));
    change.acts.push(Act::RemoveKey { profile: name.clone(), id: old.id.clone() });
    if make_unseen(context, &change, "replace it?", args.flags)? {
        let visible = visible(name.as_str());
        to_stdout(
            format!("replaced the access key of {visible}; now deactivate {} in the console\n", old.id).as_bytes(),
        )?;
    }
    Ok(0)
}

fn old<'a>(context: &'a Context, name: &ProfileName) -> Result<&'a IndexEntry> {
    context.existing(name)?;
    let in_file = import::of_one(context.quiet(), name).ok();
    match (context.index.get(name), in_file) {
        (Some(entry), None) => Ok(entry),
        (_, Some(there)) => {
            let cause = format!("access key {} is in the AWS files: move it into the keyring first", there.key.id);
            Err(Failure::new(Kind::Config, cause).of_profile(name).hint(CommandLine::of(Verb::KeyImport, name)))
        }
        (None, None) => {
            let base = context.outline(name.as_str()).map(|outline| outline.base);
            if let Some(base) = base.filter(Base::is_fetched) {
                return Err(needs_none(&base).of_profile(name));
            }
            let failure = Failure::new(Kind::Config, "has no access key in the keyring to replace");
            Err(failure.of_profile(name).hint(CommandLine::of(Verb::KeyAdd, name)))
        }
    }
}

fn new(context: &Context, name: &ProfileName, args: &KeyReplace) -> Result<AccessKey> {
    if args.stdin {
        return typed_key::from_stdin(name, Verb::KeyReplace);
    }
    let person = Conversation::begin(NEED)?;
    let id = typed_key::id(&person)?;
    typed_key::with_secret(context, &person, id)
}

/// A key of somebody else would silently change what every profile above may do.
fn must_be_the_same(context: &Context, planned: &Planned, old: &IndexEntry, new: &CallerIdentity) -> Result<()> {
    let name = &planned.plan.profile;
    let refuse = |of: &str| {
        let cause =
            format!("the new access key belongs to {}, but the old one to {of}: nothing was replaced", named(new));
        let remove = CommandLine::of(Verb::KeyRemove, name).and(CommandLine::of(Verb::KeyAdd, name));
        Err(Failure::new(Kind::Config, cause).of_profile(name).hint(remove.to("if that is what you want")))
    };
    let known = context.key_in_keyring(name, &old.id, true).ok();
    let was = known.and_then(|key| identity(context, &planned.endpoint, name, &key).ok());
    match (was, &old.account) {
        (Some(was), _) if was.arn != new.arn => refuse(&named(&was)),
        (None, Some(account)) if *account != new.account => refuse(&format!("account {account}")),
        (None, _) if is_root(new) => refuse("a user that no longer answers"),
        _ => Ok(()),
    }
}
