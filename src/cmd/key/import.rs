//! `key import`: moves access keys into the keyring, from the AWS files, the console's CSV file, or another program.

use std::fs;
use std::io;
use std::path::Path;

use zeroize::Zeroizing;

use crate::cli::KeyImport;
use crate::cmd::context::Context;
use crate::cmd::conversation::{Conversation, PersonNeeded};
use crate::credentials::{AccessKey, AccessKeyId};
use crate::error::{Failure, Kind, Result};
use crate::names::ProfileName;
use crate::output::paragraph::wrapped;
use crate::output::{messages, to_stdout};
use crate::system::directories::shorten;
use crate::system::foreign_file::{self, plain};
use crate::system::terminal;
use crate::text::visible::one_line;

use super::csv;
use super::given::{self, Leave, home, must_not_replace, must_take_a_key};
use super::{in_files, process};

/// The console's files have a few hundred bytes.
const LARGEST_CSV: u64 = 1 << 20;

pub fn run(context: &Context, args: &KeyImport, title: &str) -> Result<u8> {
    match (&args.csv, &args.process) {
        (Some(file), _) => from_csv(context, args, file, title)?,
        (None, Some(line)) => {
            let name = the_one(context, args)?;
            let leave = leave(args);
            must_take_a_key(context, &name, leave)?;
            let key = process::key(context, &name, line)?;
            store(context, args, &name, key, title)?;
        }
        (None, None) => return in_files::run(context, args, title),
    }
    Ok(0)
}

fn leave(args: &KeyImport) -> Leave {
    Leave { beside_a_file: args.flags.yes, root: args.root }
}

fn the_one(context: &Context, args: &KeyImport) -> Result<ProfileName> {
    match &args.profiles[..] {
        [one] => context.resolve_alias(one),
        _ => Err(Failure::new(Kind::Usage, "--csv and --process take the key of one profile: name exactly one")),
    }
}

fn store(context: &Context, args: &KeyImport, name: &ProfileName, key: AccessKey, title: &str) -> Result<bool> {
    must_not_replace(context, name, Some(&key.id))?;
    given::planned(context, name, &key.id)?;
    if args.flags.dry_run {
        let store = context.key_store_name(name, &key.id)?.unwrap_or("no keyring: none is available");
        let note = format!("note: access key {} goes to {store}", key.id);
        to_stdout(wrapped(&note, "", terminal::columns(&context.env)).as_bytes())?;
        return Ok(false);
    }
    let home = home(context, name, &key.id, None)?;
    let notes = given::store(context, name, key, home, leave(args), title)?;
    notes.iter().for_each(|note| messages::note(note));
    Ok(true)
}

fn from_csv(context: &Context, args: &KeyImport, file: &Path, title: &str) -> Result<()> {
    let name = the_one(context, args)?;
    must_take_a_key(context, &name, leave(args))?;
    let (shown, bytes) = read(context, file)?;
    let key = key_of(&shown, &bytes, args.user.as_deref()).map_err(|failure| failure.of_profile(&name))?;
    if !store(context, args, &name, key, title)? {
        return Ok(());
    }
    if csv::key(&bytes, None).is_err() {
        messages::note(&format!("{shown} is kept: it has keys of other users, too"));
        return Ok(());
    }
    if !args.delete && !may_delete(args, &shown) {
        messages::note(&format!("{shown} still has the secret key: delete it, and its copies"));
        return Ok(());
    }
    let cannot = |e: io::Error| Failure::new(Kind::Disk, format!("cannot delete {shown}: {}", plain(&e)));
    // A link's target has the secret.
    let target = fs::canonicalize(file).map_err(cannot)?;
    fs::remove_file(&target).map_err(cannot)?;
    if file.is_symlink() {
        fs::remove_file(file).map_err(cannot)?;
    }
    to_stdout(format!("deleted {}\n", one_line(&shown)).as_bytes())
}

fn read(context: &Context, file: &Path) -> Result<(String, Zeroizing<Vec<u8>>)> {
    let shown = shorten(file, &context.dirs.home);
    if !file.exists() {
        return Err(Failure::new(Kind::Config, format!("{shown} does not exist")));
    }
    let bytes = Zeroizing::new(foreign_file::load(file, &shown, LARGEST_CSV)?);
    Ok((shown, bytes))
}

fn unusable(shown: &str, why: &str) -> Failure {
    Failure::new(Kind::Config, format!("{shown}: {why}"))
}

fn key_of(shown: &str, bytes: &[u8], user: Option<&str>) -> Result<AccessKey> {
    csv::key(bytes, user).map_err(|why| unusable(shown, &why))
}

/// The id of the key, or of this user's key, in a CSV file of the console.
pub fn id(context: &Context, file: &Path, user: Option<&str>) -> Result<AccessKeyId> {
    let (shown, bytes) = read(context, file)?;
    key_of(&shown, &bytes, user).map(|key| key.id)
}

/// The users with keys in a CSV file of the console.
pub fn users(context: &Context, file: &Path) -> Result<Vec<String>> {
    let (shown, bytes) = read(context, file)?;
    csv::users(&bytes).map_err(|why| unusable(&shown, &why))
}

/// The key is stored already, so that any answer but yes only keeps the file.
fn may_delete(args: &KeyImport, shown: &str) -> bool {
    let need = PersonNeeded { what: "confirmation is required", otherwise: "add --delete, or --yes to keep the file" };
    let ask = |person: Conversation| person.confirm("", &format!("delete {}?", one_line(shown))).is_ok();
    !args.flags.yes && Conversation::begin(need).is_ok_and(ask)
}
