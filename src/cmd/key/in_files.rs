//! Moves access keys from the AWS files into the keyring: stored, read back and proved before they leave a file.

use crate::change::preview::Preview;
use crate::change::{Act, Change};
use crate::cli::KeyImport;
use crate::cmd::changing::{make, make_confirmed};
use crate::cmd::context::{Context, Planned};
use crate::credentials::AccessKeyId;
use crate::error::{Failure, Kind, Result};
use crate::hint::{CommandLine, Verb};
use crate::ours::key_index::{IndexEdit, IndexEntry};
use crate::output::to_stdout;
use crate::profile::adoption::edits::Edits;
use crate::profile::adoption::import::{self, Import};
use crate::profile::adoption::{above, compare};
use crate::profile::callers::Served;
use crate::text::visible::visible;

use super::given::{self, keep};
use super::proof::{self, Proof};

/// More notes on keys that stay would push the diff off the screen.
const MOST_LEFT: usize = 20;

/// A key on its way, and what AWS says of it; nothing in a dry run.
struct Moving {
    import: Import,
    planned: Planned,
    proof: Option<Proof>,
}

pub fn run(context: &Context, args: &KeyImport, title: &str) -> Result<u8> {
    let imports = if args.all { all(context) } else { named(context, args, title)? };
    let Some(store) = store(context, &imports)? else {
        if args.all {
            to_stdout(b"nothing to import: the AWS files have no long-term access key\n")?;
        }
        return Ok(0);
    };
    let (mut moving, mut left) = (Vec::new(), Vec::new());
    for import in imports {
        match proved(context, import, args) {
            Ok(one) => moving.push(one),
            Err(failure) if args.all => left.push(failure),
            Err(failure) => return Err(failure),
        }
    }
    let mut change = Change::new(title);
    moving.iter().for_each(|one| one.keep(context, &mut change, store));
    if let Some((id, why)) = moving.iter().find_map(Moving::unreachable) {
        make_confirmed(context, &change, &context.preview(&change)?)?;
        return Err(proof::not_verified(id, store, why.clone()));
    }
    let imports: Vec<Import> = moving.into_iter().map(|one| one.import).collect();
    change.edit_files(Edits::of_imports(&context.files, &imports));
    let preview = context.preview(&change)?;
    compare(context.quiet(), context.sources_after(&preview))?;
    change.notes = notes(context, &preview, &imports, store);
    change.notes.extend(left.iter().take(MOST_LEFT).map(|why| format!("not imported: {}", why.headline())));
    if make(context, &change, &preview, "import?", args.flags)? {
        let names: Vec<String> = imports.iter().map(|import| visible(import.profile.as_str())).collect();
        to_stdout(format!("moved the access key of {} to {store}\n", names.join(", ")).as_bytes())?;
    }
    Ok(0)
}

fn all(context: &Context) -> Vec<Import> {
    let (sources, kept) = (context.quiet(), context.new_key_sections());
    let names = import::importable(sources).into_iter().filter(|name| !kept.iter().any(|kept| kept == name.as_str()));
    names.filter_map(|name| import::of_one(sources, &name).ok()).collect()
}

/// The keys of the named profiles. One that an earlier run could only store is proved at once.
fn named(context: &Context, args: &KeyImport, title: &str) -> Result<Vec<Import>> {
    let mut imports: Vec<Import> = Vec::new();
    for name in &args.profiles {
        let name = context.resolve_alias(name)?;
        match (import::of_one(context.sources(), &name), context.index.get(&name)) {
            (Ok(import), _) if imports.iter().any(|other| other.profile == import.profile) => {}
            (Ok(import), _) => imports.push(import),
            (Err(_), Some(entry)) if entry.unproved => {
                given::prove_stored(context, &name, entry, args.root, title)?;
            }
            (Err(_), Some(entry)) => {
                let cause = format!("has its access key {} in the keyring already", entry.id);
                return Err(Failure::new(Kind::Config, cause).of_profile(&name));
            }
            (Err(failure), None) => return Err(context.existing(&name).err().unwrap_or(failure)),
        }
    }
    Ok(imports)
}

/// The keyring for the keys, if there are any.
fn store(context: &Context, imports: &[Import]) -> Result<Option<&'static str>> {
    let Some(Import { profile, key, .. }) = imports.first() else { return Ok(None) };
    let none = || {
        let cause = "no persistent keyring is available to store the access key, so it stays in the file";
        let adopt = CommandLine::of(Verb::Adopt, profile);
        let hint = adopt.to("to move it within the file, so that AWS tools do not bypass twolock");
        Failure::new(Kind::Keyring, cause).of_profile(profile).hint(hint)
    };
    context.key_store_name(profile, &key.id)?.ok_or_else(none).map(Some)
}

/// Asks AWS about a key, by the plan that its profile has once it is imported.
fn proved(context: &Context, import: Import, args: &KeyImport) -> Result<Moving> {
    let mut trial = Change { acts: vec![Act::EditIndex(index_edit(&import, ""))], ..Change::default() };
    trial.edit_files(Edits::of_imports(&context.files, std::slice::from_ref(&import)));
    let planned = context.plan_of(context.sources_after(&context.preview(&trial)?), &import.profile)?;
    let proof = match args.flags.dry_run {
        true => None,
        false => Some(proof::prove(context, &planned, &import.key, args.root)?),
    };
    Ok(Moving { import, planned, proof })
}

fn index_edit(import: &Import, store: &str) -> IndexEdit {
    let entry = IndexEntry::of(import.key.id.clone());
    IndexEdit::Set { profile: import.profile.clone(), entry, store: store.into() }
}

impl Moving {
    fn keep(&self, context: &Context, change: &mut Change, store: &str) {
        let Import { profile, key, .. } = &self.import;
        match &self.proof {
            Some(proof) => keep(context, change, profile, key.clone(), &self.planned, proof, store),
            None => change.acts.push(Act::EditIndex(index_edit(&self.import, store))),
        }
    }

    fn unreachable(&self) -> Option<(&AccessKeyId, &Failure)> {
        match &self.proof {
            Some(Proof::Unreachable(why)) => Some((&self.import.key.id, why)),
            _ => None,
        }
    }
}

fn notes(context: &Context, preview: &Preview, imports: &[Import], store: &str) -> Vec<String> {
    let callers = context.callers_after(preview);
    let of = |import: &Import| {
        let (name, id) = (&import.profile, &import.key.id);
        let mut notes = vec![format!("access key {id} of '{name}' moves to {store}")];
        let other = context.index.get(name).filter(|entry| entry.id != *id);
        notes.extend(other.map(|entry| {
            let remove = CommandLine::of(Verb::KeyRemove, &entry.id);
            format!(
                "access key {} of '{name}' is no longer used, and stays in the keyring; to remove it: {remove}",
                entry.id
            )
        }));
        let all = std::iter::once(name.clone()).chain(above(context.sources_after(preview), name));
        let lost: Vec<String> = all
            .filter(|name| callers.judge(name.as_str()).served() != Served::Fully)
            .map(|name| format!("'{}'", visible(name.as_str())))
            .collect();
        let adopt = CommandLine::of(Verb::Adopt, name);
        notes.extend((!lost.is_empty()).then(|| {
            format!(
                "after this, AWS tools find no credentials for {}, unless they use twolock: {adopt}",
                lost.join(", ")
            )
        }));
        notes
    };
    imports.iter().flat_map(of).collect()
}
