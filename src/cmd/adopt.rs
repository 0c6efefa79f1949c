//! `profile adopt`: every AWS tool comes to us for a profile.

use std::collections::HashSet;
use std::path::PathBuf;

use crate::cli::Adopt;
use crate::config::AwsFiles;
use crate::config::edit::Edit;
use crate::config::file::{AwsFile, Kind as FileKind};
use crate::config::key_index::Entry;
use crate::config::trust::{self, Stranger};
use crate::error::{Failure, Kind, Result};
use crate::names::ProfileName;
use crate::output::to_stdout;
use crate::profile::adoption::edits::{Edits, KeyHome, keys_profile};
use crate::profile::adoption::program::{self, Program};
use crate::profile::adoption::{self, Adoption, Adoptions, Becomes, Wish};
use crate::profile::callers::{self, Callers};
use crate::system::own_program;
use crate::visible::{as_word, visible};

use super::change::{self, Change};
use super::vault::{self, Deposit, Vault};
use super::world::World;

/// More profiles that stay as they are would push the diff off the screen.
const MOST_LEFT: usize = 20;

/// Adopts one profile and those above it, or all.
pub fn run(world: &World, args: &Adopt) -> Result<u8> {
    let wish = Wish { native: args.native, only: args.only };
    let (mut adoptions, asked) = if args.all {
        (adoption::of_all(world.quiet(), wish), None)
    } else {
        let asked = world.asked_or_picked(&args.profile)?;
        world.plan(&asked)?;
        (adoption::of_one(world.quiet(), &asked, wish)?, Some(asked))
    };
    leave_unserved(world, &mut adoptions);
    let program = own_program(world)?;
    let store = key_store(world, &adoptions.made)?;
    let home = if store.is_some() { KeyHome::Keyring } else { KeyHome::CredentialsFile };
    let edits = Edits::of(&world.files, &adoptions.made, &program.path, home)?;
    let after = after(world, &edits, &adoptions.made, home)?;
    let more = adoption::compare(world.quiet(), after.quiet())?;
    let mut notes = notes_on_keys(world, &adoptions.made, store, home);
    notes.extend(notes_on_program(&program));
    notes.extend(more.iter().map(|name| format!("'{name}' asks for a code as well then, as its key's profile does")));
    notes.extend(notes_on_native(world, &adoptions));
    notes.extend(left_alone(&adoptions.refused));
    notes.extend(notes_on_callers(&after.files, world, &adoptions, asked.as_ref()));
    let changes = changes(&edits);
    if !change::is_agreed(world, &changes, &notes, "adopt?", args.making)? {
        return Ok(0);
    }
    make(world, &after, &adoptions.made, &changes, home)?;
    to_stdout(done(&after, &adoptions.made)?.as_bytes()).map(|()| 0)
}

/// What we would refuse to serve, because of where its calls would go, stays with the tools that serve it.
fn leave_unserved(world: &World, adoptions: &mut Adoptions) {
    let refused = &mut adoptions.refused;
    adoptions.made.retain(|adoption| match world.plan_of_many(&adoption.profile) {
        Ok(_) => true,
        Err(failure) => {
            refused.push(failure);
            false
        }
    });
}

/// Whether a profile can be adopted by itself.
pub fn can_be_adopted(world: &World, name: &ProfileName) -> bool {
    world.plan_of_many(name).is_ok()
        && adoption::of_one(world.quiet(), name, Wish { only: true, ..Wish::default() }).is_ok()
}

/// The keyring that takes the keys which move; none where there is none, or no key moves.
fn key_store(world: &World, adoptions: &[Adoption]) -> Result<Option<&'static str>> {
    let vault = Vault::new(world, false);
    let mut keys = adoptions.iter().filter_map(|adoption| Some((&adoption.profile, key_of(adoption)?)));
    keys.next().map_or(Ok(None), |(profile, key)| vault.name(profile, &key.id))
}

fn key_of(adoption: &Adoption) -> Option<&crate::credentials::AccessKey> {
    match &adoption.becomes {
        Becomes::Key { key, .. } => Some(key),
        Becomes::Role | Becomes::Native | Becomes::Served => None,
    }
}

/// The world as it will be, to look at before anything is written.
fn after(world: &World, edits: &Edits, adoptions: &[Adoption], home: KeyHome) -> Result<World> {
    let keys = adoptions.iter().filter_map(|adoption| Some((&adoption.profile, key_of(adoption)?)));
    let mut index = world.index.clone();
    for (profile, key) in keys.filter(|_| home == KeyHome::Keyring) {
        index = index.and(profile, Entry { id: key.id.clone(), account: None, created: None });
    }
    Ok(world.with(edited(&world.files, edits)?, index))
}

/// Both files with all edits made, in memory.
pub fn edited(files: &AwsFiles, edits: &Edits) -> Result<AwsFiles> {
    let edited = |file: &AwsFile, edits: &[Edit]| -> Result<AwsFile> {
        let bytes = file.together(edits)?.bytes;
        Ok(AwsFile::from_bytes(file.kind(), file.shown().into(), bytes))
    };
    let first = edited(&files.credentials, &edits.first)?;
    Ok(AwsFiles {
        config: edited(&files.config, &edits.config)?,
        credentials: edited(&first, &edits.last)?,
        config_choice: files.config_choice.clone(),
        credentials_choice: files.credentials_choice.clone(),
    })
}

/// The changes in the order in which they keep every profile working.
pub fn changes(edits: &Edits) -> [Change<'_>; 3] {
    [
        change(edits, FileKind::Credentials, &edits.first),
        change(edits, FileKind::Config, &edits.config),
        change(edits, FileKind::Credentials, &edits.last),
    ]
}

/// A file is read anew when it is written: a key that somebody changed meanwhile is in no keyring and must not go.
fn change<'a>(edits: &'a Edits, kind: FileKind, part: &'a [Edit]) -> Change<'a> {
    let edit = move |file: &AwsFile| edits.must_still_fit(file).and_then(|()| file.together(part));
    Change { kind, edit: Box::new(edit) }
}

/// The keyring takes and proves the keys before the files lose them; whatever fails takes everything back.
fn make(world: &World, after: &World, adoptions: &[Adoption], changes: &[Change], home: KeyHome) -> Result<()> {
    let moving: Vec<_> = adoptions.iter().filter_map(|adoption| Some((&adoption.profile, key_of(adoption)?))).collect();
    let planned = moving.iter().map(|(profile, _)| after.plan(profile)).collect::<Result<Vec<_>>>()?;
    let with_plan = moving.iter().zip(&planned);
    let deposits: Vec<Deposit> = with_plan.map(|((profile, key), planned)| Deposit { profile, key, planned }).collect();
    match home {
        KeyHome::Keyring => Vault::new(world, true).keep_and(&deposits, || change::apply(world, changes, &[])),
        KeyHome::CredentialsFile => {
            deposits.iter().try_for_each(|one| vault::prove(world, one.planned, one.key).map(drop))?;
            change::apply(world, changes, &[])
        }
    }
}

fn done(after: &World, adoptions: &[Adoption]) -> Result<String> {
    let names: Vec<String> = adoptions.iter().map(|adoption| adoption.profile.to_string()).collect();
    let Some(first) = adoptions.first() else { return Ok(String::new()) };
    Ok(format!("adopted {}; try: {}\n", names.join(", "), to_try(after, &first.profile)?))
}

/// A command that shows that it works. The AWS CLI wants a region, which not every profile names.
pub fn to_try(after: &World, name: &ProfileName) -> Result<String> {
    let word = as_word(name.as_str());
    Ok(match after.plan(name)?.plan.shell_region {
        Some(_) => format!("aws --profile {word} sts get-caller-identity"),
        None => format!("twolock whoami {word}"),
    })
}

fn notes_on_keys(world: &World, adoptions: &[Adoption], store: Option<&str>, home: KeyHome) -> Vec<String> {
    let note = |adoption: &Adoption| {
        let Becomes::Key { key, from, device } = &adoption.becomes else { return vec![] };
        let name = &adoption.profile;
        let mut notes = vec![match (home, store) {
            (KeyHome::Keyring, Some(store)) => format!("access key {} of '{name}' moves to {store}", key.id),
            _ if from != name => format!("access key {} of '{name}' stays in '{from}': no keyring here lasts", key.id),
            _ => format!(
                "access key {} of '{name}' moves to '{}' of {}: no keyring here lasts",
                key.id,
                keys_profile(name),
                world.files.credentials.shown()
            ),
        }];
        notes.extend(device.iter().map(|_| format!("'{name}' gets the mfa_serial that the roles of its key name")));
        let other = world.index.get(name).filter(|entry| entry.id != key.id && home == KeyHome::Keyring);
        notes.extend(
            other.map(|entry| format!("the keyring's key {} of '{name}' is no longer used; it stays there", entry.id)),
        );
        notes
    };
    adoptions.iter().flat_map(note).collect()
}

/// The path SDKs are to start. One on whose way everybody could put another program is refused.
pub fn own_program(world: &World) -> Result<Program> {
    let paths = own_program::paths(world.env.raw("PATH"))
        .map_err(|e| Failure::new(Kind::Config, format!("this program's own path cannot be found: {e}")))?;
    let program = program::choose(&paths)?;
    let open = strangers(&program);
    match open.iter().find(|(_, stranger)| *stranger == Stranger::Everybody) {
        None => Ok(program),
        Some((step, _)) => {
            let (path, step) = (&program.path, step.to_string_lossy());
            let cause = format!("every AWS tool would start {path}, but everybody can change {}", visible(&step));
            let hint = format!("chmod o-w {}, or put twolock elsewhere", as_word(&step));
            Err(Failure::new(Kind::Config, cause).hint(hint))
        }
    }
}

fn strangers(program: &Program) -> Vec<(PathBuf, Stranger)> {
    trust::open_steps(program.path.as_ref()).unwrap_or_default()
}

/// A path that an upgrade takes away, or that another user could change.
pub fn notes_on_program(program: &Program) -> Vec<String> {
    let path = &program.path;
    let versioned = program.is_versioned.then(|| {
        format!("{path} has a version in it and may be gone after an upgrade; better put a link to it on PATH")
    });
    let open = strangers(program).into_iter().next().map(|(step, stranger)| {
        let who = match stranger {
            Stranger::Owner(uid) => format!("user {uid}"),
            Stranger::Group(gid) => format!("group {gid}"),
            Stranger::Everybody => "everybody".into(),
        };
        format!("{who} can change {}, and every AWS tool starts {path}", visible(&step.to_string_lossy()))
    });
    versioned.into_iter().chain(open).collect()
}

/// What a native role loses stands nowhere else.
fn notes_on_native(world: &World, adoptions: &Adoptions) -> Vec<String> {
    let note = |adoption: &Adoption| {
        let name = adoption.profile.as_str();
        let serial = world.files.profile(name)?.get("mfa_serial")?.value.clone();
        let back = format!("twolock profile set {} mfa_serial {}", as_word(name), as_word(&serial));
        matches!(adoption.becomes, Becomes::Native).then(|| format!("to take '{name}' back later: {back}"))
    };
    adoptions.made.iter().filter_map(note).collect()
}

/// Profiles that cannot be adopted, each with the reason; of many, the first ones.
fn left_alone(refused: &[Failure]) -> Vec<String> {
    let named = refused.iter().take(MOST_LEFT).map(|failure| format!("left as it is: {}", failure.headline()));
    let more = refused.len().saturating_sub(MOST_LEFT);
    named.chain((more > 0).then(|| format!("and {more} more are left as they are"))).collect()
}

/// Who would not come to us: an adopted profile that somebody reads differently, or one above it that is left as it is.
fn notes_on_callers(
    files: &AwsFiles,
    world: &World,
    adoptions: &Adoptions,
    asked: Option<&ProfileName>,
) -> Vec<String> {
    let made: HashSet<&ProfileName> = adoptions.made.iter().map(|adoption| &adoption.profile).collect();
    let above = asked.map(|asked| adoption::above(world.quiet(), asked)).unwrap_or_default();
    let left = above.iter().filter(|name| !made.contains(name));
    let callers = Callers::of(files);
    let adopted = adoptions.made.iter().map(|adoption| &adoption.profile);
    let lines = |name: &ProfileName| elsewhere(&callers, name);
    adopted.flat_map(lines).chain(left.flat_map(lines)).collect()
}

/// One line a verdict that is not ours: `'prod' then (Go, JavaScript): an error: …`.
pub fn elsewhere(callers: &Callers, name: &ProfileName) -> Vec<String> {
    let mut judged = callers.judge(name.as_str());
    judged.retain(|(_, verdict)| !verdict.comes_to_us());
    let line = |(who, what): (String, String)| format!("'{}' then ({who}): {what}", visible(name.as_str()));
    callers::grouped(&judged).into_iter().map(line).collect()
}
