//! An edit of the AWS files: shown as a diff, asked about on the terminal, then made.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::cli::Making;
use crate::config::edit::Edited;
use crate::config::file::{AwsFile, Kind as FileKind};
use crate::config::hunk::Hunk;
use crate::config::replace::{Editor, Replaced};
use crate::config::{self, Choice, settings, trust};
use crate::error::{Failure, Kind, Result};
use crate::output::messages;
use crate::output::to_stdout;
use crate::system::clock::Deadline;
use crate::system::folders::shorten;
use crate::system::terminal::{Line, Terminal};
use crate::visible::one_line;

use super::world::{World, paths};

/// A person may think about a diff for as long as that.
const PATIENCE: Duration = Duration::from_secs(3_600);

type FileEdit<'a> = Box<dyn Fn(&AwsFile) -> Result<Edited> + 'a>;
type BytesEdit<'a> = Box<dyn Fn(&[u8]) -> Result<Vec<u8>> + 'a>;

/// An edit of one of the two files.
pub struct Change<'a> {
    pub kind: FileKind,
    pub edit: FileEdit<'a>,
}

/// An edit of a file of ours that goes with it and is not shown.
pub struct Errand<'a> {
    pub path: PathBuf,
    pub edit: BytesEdit<'a>,
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
        to_stdout(b"nothing to change\n")?;
        return Ok(false);
    }
    text.extend(said.iter().map(|note| format!("note: {}\n", one_line(note))));
    if making.yes || making.dry_run {
        to_stdout(text.as_bytes())?;
    } else {
        ask(&text, question)?;
    }
    if !making.dry_run {
        apply(world, changes, errands)?;
    }
    Ok(!making.dry_run)
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

/// On the terminal, never on borrowed streams: a script's stdin is not a person's yes.
fn ask(text: &str, question: &str) -> Result<()> {
    let nobody = |why: String| {
        let cause =
            format!("this needs a yes, and nobody can be asked ({why}): add --yes, or --dry-run to see the change");
        Failure::new(Kind::Usage, cause)
    };
    let terminal = Terminal::open().map_err(|why| nobody(why.to_string()))?;
    let until = Deadline::after(Instant::now(), PATIENCE);
    terminal.discard_input();
    loop {
        terminal.write(&format!("{text}{question} [y/N] ")).map_err(|e| nobody(e.to_string()))?;
        return match terminal.read_line(until) {
            Line::Resumed => continue,
            Line::Text(answer) if matches!(answer.expose().trim(), "y" | "Y" | "yes") => Ok(()),
            Line::Lost(why) => Err(nobody(why.to_string())),
            Line::Text(_) | Line::TooLong | Line::End | Line::TimedOut => Err(Failure::silent(Kind::NeedsPerson)),
        };
    }
}

fn apply(world: &World, changes: &[Change], errands: &[Errand]) -> Result<()> {
    let editor = Editor { cache: &world.folders.cache, home: &world.folders.home, largest: config::LARGEST_FILE };
    let mut done: Vec<(&Path, Replaced)> = Vec::new();
    for change in changes {
        let (file, path) = (change.file(world), change.choice(world).path.as_path());
        let anew = |bytes: &[u8]| {
            let file = AwsFile::from_bytes(change.kind, file.shown().into(), bytes.to_vec());
            (change.edit)(&file).map(|edited| edited.bytes)
        };
        match editor.edit(path, anew) {
            Ok(replaced) => done.push((path, replaced)),
            Err(failure) => return Err(undone(&editor, &done, failure)),
        }
    }
    for errand in errands {
        match editor.edit(&errand.path, |bytes| (errand.edit)(bytes)) {
            Ok(replaced) => done.push((&errand.path, replaced)),
            Err(failure) => return Err(undone(&editor, &done, failure)),
        }
    }
    for (path, replaced) in &done {
        say_tightened(path, &world.folders.home, replaced);
        carry_consent(world, path, replaced)?;
    }
    Ok(())
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
