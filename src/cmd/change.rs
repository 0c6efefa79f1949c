//! An edit of the AWS files: shown as a diff, asked about on the terminal, then made.

use std::path::{Path, PathBuf};

use crate::cli::Making;
use crate::config::edit::Edited;
use crate::config::file::{AwsFile, Kind as FileKind};
use crate::config::hunk::Hunk;
use crate::config::replace::{Editor, Replaced};
use crate::config::{self, Choice, settings, trust};
use crate::error::{Failure, Kind, Result};
use crate::output::messages;
use crate::output::to_stdout;
use crate::system::directories::shorten;
use crate::text::visible::{as_word, one_line};

use super::conversation::{Conversation, Need};
use super::world::{World, paths};

type FileEdit<'a> = Box<dyn Fn(&AwsFile) -> Result<Edited> + 'a>;
type BytesEdit<'a> = Box<dyn Fn(&[u8]) -> Result<Vec<u8>> + 'a>;

/// An edit of one of the two files.
pub struct Change<'a> {
    pub kind: FileKind,
    pub edit: FileEdit<'a>,
}

/// An edit of a file of ours that goes with it and is not shown.
pub struct Errand<'a> {
    /// When it is done, so that a run cut short leaves profiles that work.
    pub when: When,
    pub path: PathBuf,
    pub edit: BytesEdit<'a>,
}

/// Before or after the AWS files are changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    Before,
    After,
}

/// Shows the changes, asks, makes them; returns whether they were made. Either all are made or none.
pub fn make(
    world: &World,
    changes: &[Change],
    errands: &[Errand],
    notes: &[String],
    question: &str,
    making: Making,
) -> Result<bool> {
    let agreed = is_agreed(world, changes, notes, question, making)?;
    if agreed {
        apply(world, changes, errands)?;
    }
    Ok(agreed)
}

/// Shows the changes and asks; false where there is nothing to make, or nothing is to be made.
pub fn is_agreed(world: &World, changes: &[Change], notes: &[String], question: &str, making: Making) -> Result<bool> {
    let (mut text, mut said) = (String::new(), notes.to_vec());
    for change in changes {
        let file = change.file(world);
        let edited = (change.edit)(file)?;
        if !edited.hunks.is_empty() {
            text += &diff(file.shown(), &edited.hunks);
        }
        said.extend(edited.notes);
    }
    if text.is_empty() {
        to_stdout((lines(notes) + "nothing to change\n").as_bytes())?;
        return Ok(false);
    }
    text += &lines(&said);
    if making.yes || making.dry_run {
        to_stdout(text.as_bytes())?;
    } else {
        let need = Need { what: "this needs a yes", otherwise: "add --yes, or --dry-run to see the change" };
        Conversation::begin(need)?.agree(&text, question)?;
    }
    Ok(!making.dry_run)
}

fn lines(notes: &[String]) -> String {
    notes.iter().map(|note| format!("note: {}\n", one_line(note))).collect()
}

impl Change<'_> {
    fn file<'w>(&self, world: &'w World) -> &'w AwsFile {
        match self.kind {
            FileKind::Config => &world.files.config,
            FileKind::Credentials => &world.files.credentials,
        }
    }

    fn choice<'w>(&self, world: &'w World) -> &'w Choice {
        match self.kind {
            FileKind::Config => &world.files.config_choice,
            FileKind::Credentials => &world.files.credentials_choice,
        }
    }
}

fn diff(shown: &str, hunks: &[Hunk]) -> String {
    let mut text = format!("{}\n", one_line(shown));
    let mut below = None;
    for hunk in hunks {
        if hunk.below.is_some() && hunk.below != below {
            text += &format!("  {}\n", one_line(hunk.below.as_deref().unwrap_or_default()));
        }
        below.clone_from(&hunk.below);
        hunk.removed.iter().for_each(|line| text += &format!("- {}\n", one_line(line)));
        hunk.added.iter().for_each(|line| text += &format!("+ {}\n", one_line(line)));
    }
    text
}

/// Makes the changes, in their order: all of them or none.
pub fn apply(world: &World, changes: &[Change], errands: &[Errand]) -> Result<()> {
    let editor = Editor { cache: &world.folders.cache, home: &world.folders.home, largest: config::LARGEST_FILE };
    let errands = |when| {
        errands
            .iter()
            .filter(move |errand| errand.when == when)
            .map(|errand| (errand.path.as_path(), Step::Errand(errand)))
    };
    let changes = changes.iter().map(|change| (change.choice(world).path.as_path(), Step::Change(change)));
    let mut done: Vec<(&Path, Replaced)> = Vec::new();
    for (path, step) in errands(When::Before).chain(changes).chain(errands(When::After)) {
        match editor.edit(path, |bytes| step.edited(world, bytes)) {
            Ok(replaced) => done.push((path, replaced)),
            Err(failure) => return Err(undone(&editor, &done, failure)),
        }
    }
    for (path, replaced) in &done {
        say_tightened(path, &world.folders.home, replaced);
        // The files are changed, and who keeps a key for them must not take it back: no failure any more.
        if let Err(failure) = carry_consent(world, path, replaced) {
            messages::warning(&untrusted(path, &world.folders.home, &failure));
        }
    }
    Ok(())
}

enum Step<'a> {
    Change(&'a Change<'a>),
    Errand(&'a Errand<'a>),
}

impl Step<'_> {
    fn edited(&self, world: &World, bytes: &[u8]) -> Result<Vec<u8>> {
        match self {
            Step::Errand(errand) => (errand.edit)(bytes),
            Step::Change(change) => {
                let file = AwsFile::from_bytes(change.kind, change.file(world).shown().into(), bytes.to_vec());
                (change.edit)(&file).map(|edited| edited.bytes)
            }
        }
    }
}

/// Says that a file was closed to others on the way.
pub fn say_tightened(path: &Path, home: &Path, replaced: &Replaced) {
    if replaced.tightened {
        let shown = shorten(path, home);
        messages::note(&format!("{shown} was open to other users; it is yours alone now (mode 600)"));
    }
}

/// Puts back what was edited before something failed, so that either all is done or nothing.
fn undone(editor: &Editor, done: &[(&Path, Replaced)], failure: Failure) -> Failure {
    let put_back = |(path, replaced): &(&Path, Replaced)| {
        let changed = || Failure::new(Kind::Busy, "it was changed meanwhile");
        let back = |now: &[u8]| if now == replaced.new { Ok(replaced.old.clone()) } else { Err(changed()) };
        editor.edit(path, back).is_err()
    };
    let left: Vec<String> =
        done.iter().rev().filter(|one| put_back(one)).map(|(p, _)| p.display().to_string()).collect();
    if left.is_empty() {
        return failure;
    }
    let cause = format!("{}; the edit of {} is made and could not be taken back", failure.cause, left.join(", "));
    Failure { kind: Kind::HalfDone, cause, ..failure }
}

fn untrusted(path: &Path, home: &Path, failure: &Failure) -> String {
    let (shown, word) = (shorten(path, home), as_word(&path.to_string_lossy()));
    format!("{shown} is changed and so not trusted any more ({}): twolock settings trust {word}", failure.headline())
}

/// A file that was trusted to name programs stays so after our own edit (threat-model P16).
fn carry_consent(world: &World, path: &Path, replaced: &Replaced) -> Result<()> {
    let Ok(canonical) = trust::consent_path(path) else { return Ok(()) };
    if world.settings.trust.get(&canonical) != Some(&trust::hex_digest(&replaced.old)) {
        return Ok(());
    }
    let editor = Editor { cache: &world.folders.cache, home: &world.folders.home, largest: settings::LARGEST_FILE };
    let (file, digest) = (paths(&world.folders).home_file, trust::hex_digest(&replaced.new));
    let shown = shorten(&file, &world.folders.home);
    let anew = |old: &[u8]| {
        settings::set_trust(settings::text(old, &shown)?, &shown, &canonical, &digest).map(String::into_bytes)
    };
    editor.edit(&file, anew).map(|replaced| say_tightened(&file, &world.folders.home, &replaced))
}
