//! Files: who else can read, change or replace them, and whether they are files at all.

use std::collections::BTreeMap;
use std::path::Path;

use crate::change::recover::unfinished as unfinished_change;
use crate::cmd::changing;
use crate::cmd::context;
use crate::cmd::key::rotations;
use crate::hint::CommandLine;
use crate::ours::settings::Paths;
use crate::secret;
use crate::system::obstacle;
use crate::system::permissions::What;
use crate::system::{directories, path_owners};
use crate::text::visible::visible;

use super::checkup::{CheckedPath, CheckedPaths, Checkup};
use super::finding::Severity::{Error, Info, Warning};
use super::finding::{Checked, Finding};

const OTHERS_READ: u32 = 0o044;
const OTHERS_WRITE: u32 = 0o022;
const STICKY: u32 = 0o1000;

/// What cannot be read, so that every other command fails.
pub fn unreadable(checkup: &Checkup) -> Checked {
    let why = "other commands fail until this is fixed";
    checkup.failures.iter().map(|failure| Finding::of_failure(Error, failure, why)).collect::<Vec<_>>().into()
}

/// An unfinished change and temporary files of killed runs.
pub fn unfinished(checkup: &Checkup) -> Checked {
    let (title, left) = changing::with_parts(&checkup.context, unfinished_change);
    let mut found = Vec::new();
    match title {
        Ok(None) => {}
        Ok(Some(title)) => {
            let what = format!("'twolock {}' was interrupted and is half done", visible(&title));
            let why = "the next command that changes something finishes or undoes it";
            found.push(Finding::new(Warning, what, why).fix("twolock doctor --fix"));
        }
        Err(failure) => {
            found.push(Finding::of_failure(Error, &failure, "no command can change anything until this is fixed"))
        }
    }
    for remark in rotations::remarks(&checkup.context.dirs, || &checkup.context) {
        let why = "two keys of one user are active until it is done";
        found.push(Finding::new(Warning, remark, why));
    }
    let (what, why) = (
        "it is a temporary file of an interrupted twolock",
        "it may contain an access key; the next change removes it",
    );
    let temporary = Finding::new(Warning, what, why).fix("twolock doctor --fix");
    found.extend(left.iter().map(|path| temporary.clone().in_file(checkup.shown(path))));
    found.into()
}

/// What other users can open.
pub fn modes(checkup: &Checkup) -> Checked {
    let is_open = |place: &&CheckedPath| place.found.open_bits() != 0 && is_closable(place);
    let (mut found, mut among) = (Vec::new(), BTreeMap::<&str, Vec<&CheckedPath>>::new());
    let CheckedPaths { found: places, tokens, .. } = &checkup.places;
    for place in places.iter().chain(tokens).filter(is_open) {
        match &place.among {
            Some(dir) => among.entry(dir).or_default().push(place),
            None => found.push(open(checkup, place)),
        }
    }
    found.extend(among.into_iter().map(|(dir, places)| many_open(checkup, dir, &places)));
    let unseen = &checkup.places.unseen;
    Checked { findings: found, unchecked: (!unseen.is_empty()).then(|| unseen.join("; ")) }
}

/// Whether [`crate::system::permissions::close_to_others`] would accept it; the rest is a finding of another check.
fn is_closable(place: &CheckedPath) -> bool {
    // A directory that everybody shares, such as /tmp, is not the user's to close.
    let is_shared = place.is_chosen && place.found.ownership.is_some_and(|of| of.mode & STICKY != 0);
    !is_shared
        && place.found.what == place.wanted
        && place.found.other_owner().is_none()
        && !place.found.has_more_names()
}

/// Whether other users could read a secret in it. A directory has those of the files that they can read.
fn has_secrets(checkup: &Checkup, place: &CheckedPath) -> bool {
    let (files, dirs) = (&checkup.context.files, &checkup.context.dirs);
    let is_readable = |file: &&CheckedPath| file.wanted == What::File && file.found.open_bits() & OTHERS_READ != 0;
    let within = |file: &&CheckedPath| file.path.starts_with(&place.path) && is_readable(file);
    match place.wanted {
        What::Directory => checkup.places.found.iter().filter(within).any(|file| has_secrets(checkup, file)),
        _ if place.path == files.config_choice.path => {
            let text = String::from_utf8_lossy(files.config.bytes());
            text.lines().any(|line| secret::is_named_in(line) || secret::is_in(line))
        }
        _ => {
            let Paths { file, account_file, .. } = context::paths(dirs);
            ![file, account_file, dirs.data.join("keys.json")].contains(&place.path)
        }
    }
}

fn open(checkup: &Checkup, place: &CheckedPath) -> Finding {
    let (bits, mode) = (place.found.open_bits(), mode(place));
    let is_dir = place.wanted == What::Directory;
    let what = match (is_dir, bits & OTHERS_WRITE != 0, bits & OTHERS_READ != 0) {
        (true, true, _) => "other users can create files in it",
        (true, false, true) => "other users can list it",
        (false, true, _) => "other users can change it",
        (false, false, true) => "other users can read it",
        (true, ..) => "other users can enter it",
        (false, ..) => "other users can run it",
    };
    let what = format!("{what} (mode {mode:o})");
    let finding = open_finding(is_dir, bits, has_secrets(checkup, place), what).in_file(&place.shown);
    Finding { closes: vec![place.path.clone()], ..finding }
}

fn many_open(checkup: &Checkup, dir: &str, places: &[&CheckedPath]) -> Finding {
    if let [only] = places {
        return open(checkup, only);
    }
    let bits = places.iter().fold(0, |bits, place| bits | place.found.open_bits());
    let name = file_name(places[0]);
    let verb = if bits & OTHERS_WRITE != 0 { "change" } else { "read" };
    let what =
        format!("other users can {verb} {} files in it, such as {name} (mode {:o})", places.len(), mode(places[0]));
    let finding = open_finding(false, bits, true, what).in_file(dir);
    Finding { closes: places.iter().map(|place| place.path.clone()).collect(), ..finding }
}

fn file_name(place: &CheckedPath) -> String {
    place.path.file_name().map(|name| visible(&name.to_string_lossy())).unwrap_or_default()
}

fn mode(place: &CheckedPath) -> u32 {
    place.found.ownership.map_or(0, |of| of.mode)
}

fn open_finding(is_dir: bool, bits: u32, has_secrets: bool, what: String) -> Finding {
    let can_write = bits & OTHERS_WRITE != 0;
    let (severity, why) = match (is_dir, can_write) {
        (true, true) => (Error, "whoever can write there can replace your file"),
        (false, true) => (Error, "whoever changes it controls which accounts, hosts and programs your AWS tools use"),
        (true, false) if has_secrets => (Warning, "everybody can read any file in it that is not private"),
        (true, false) => (Info, "everybody can list its files, but cannot read credentials"),
        (false, false) if has_secrets => (Warning, "it contains credentials that only you should read"),
        (false, false) => (Info, "it contains no credentials, but names accounts, roles and devices"),
    };
    Finding::new(severity, what, why).fix("twolock doctor --fix")
}

/// What belongs to another user. All files in one directory are one finding, with one command as fix.
pub fn owners(checkup: &Checkup) -> Checked {
    if let Some(owner) = checkup.context.other_home_owner() {
        let what = format!("doctor is running as root in the home directory of {owner}");
        let why = "its files belong to another user, as they should, so ownership was not checked";
        return vec![Finding::new(Warning, what, why).fix("run it without sudo, or with sudo -H")].into();
    }
    let mut trees = BTreeMap::<&Path, Vec<&CheckedPath>>::new();
    for place in checkup.places.found.iter().filter(|place| has_other_owner(place)) {
        trees.entry(tree_of(checkup, place)).or_default().push(place);
    }
    trees.into_iter().map(|(tree, places)| of_others(checkup, tree, &places)).collect::<Vec<_>>().into()
}

/// Root may own a file that a variable selects: an administrator provides it for everybody.
fn has_other_owner(place: &CheckedPath) -> bool {
    place.found.other_owner().is_some_and(|owner| owner != 0 || !place.is_chosen)
}

/// The outermost checked directory that contains the path; for a symlink, and outside of all, the path itself.
fn tree_of<'a>(checkup: &'a Checkup, place: &'a CheckedPath) -> &'a Path {
    let is_tree =
        |tree: &&CheckedPath| tree.wanted == What::Directory && !tree.is_chosen && place.path.starts_with(&tree.path);
    let trees = checkup.places.found.iter().filter(|tree| is_tree(tree) && !place.found.is_symlink);
    trees.map(|tree| tree.path.as_path()).min_by_key(|tree| tree.as_os_str().len()).unwrap_or(&place.path)
}

fn of_others(checkup: &Checkup, tree: &Path, places: &[&CheckedPath]) -> Finding {
    let owner = format!("another user (uid {})", places[0].found.other_owner().unwrap_or_default());
    let name = file_name(places[0]);
    let belongs = format!("it belongs to {owner}");
    let (what, named) = match places {
        [only] => (belongs, only.path.as_path()),
        _ if places.iter().any(|place| place.path == tree) => (belongs, tree),
        _ => (format!("{} files in it belong to {owner}, such as {name}", places.len()), tree),
    };
    let why = "its owner can read and change it, and twolock does not edit it";
    let fix = obstacle::chown(&directories::resolve(tree).unwrap_or(tree.into()));
    let fix = directories::shorten_last_word(&fix, &checkup.context.dirs.home);
    Finding::new(Error, what, why).in_file(checkup.shown(named)).fix(fix)
}

/// Files that have hard links.
pub fn links(checkup: &Checkup) -> Checked {
    let of = |place: &CheckedPath| {
        let what = format!("it has {} hard links", place.found.names);
        let why = "an edit would change only one of them, so twolock does not edit it";
        let (path, copy) = (place.path.to_string_lossy(), format!("{}.own", place.path.display()));
        let restore = CommandLine::other("mv").with(&copy).with(&*path);
        Finding::new(Warning, what, why)
            .in_file(&place.shown)
            .fix(CommandLine::other("cp -p").with(&*path).with(&copy).and(restore))
    };
    let several = checkup.places.found.iter().filter(|place| place.found.has_more_names());
    several.map(of).collect::<Vec<_>>().into()
}

/// Something else than the expected file or directory. A file that commands read is not checked here: if it is a pipe
/// or a directory, it is already a finding as unreadable.
pub fn kinds(checkup: &Checkup) -> Checked {
    let of = |place: &CheckedPath| {
        let (what, why) = match (place.found.what, place.wanted) {
            (What::BrokenSymlink, _) => ("it is a broken symlink", "it is treated as empty, and cannot be written"),
            (What::Special, What::File) if place.among.is_some() => {
                ("it is a pipe or device", "reading it may hang, or return what another program sends")
            }
            (found, What::Directory) if found != What::Directory => {
                ("it is not a directory", "nothing can be stored there")
            }
            _ => return None,
        };
        let fix = CommandLine::other("ls -l").with(place.path.to_string_lossy());
        Some(Finding::new(Warning, what, why).in_file(&place.shown).fix(fix))
    };
    checkup.places.found.iter().filter_map(of).collect::<Vec<_>>().into()
}

/// Directories and symlinks on the path to a file that another user can change, and so replace the file.
pub fn open_paths(checkup: &Checkup) -> Checked {
    let mut found: Vec<Finding> = Vec::new();
    for place in checkup.places.found.iter().filter(|place| place.among.is_none() && place.wanted == What::File) {
        for (step, writer) in path_owners::other_writers(&place.path).unwrap_or_default() {
            let shown = checkup.shown(&step);
            if is_checked(checkup, &step) || found.iter().any(|finding| finding.file.as_ref() == Some(&shown)) {
                continue;
            }
            let what = format!("it {writer}, and it is on the path to {}", visible(&place.shown));
            let why = "whoever can write there can replace your file";
            let finding = Finding::new(Warning, what, why).in_file(shown);
            found.push(Finding { fix: writer.fix(&step).map(|fix| fix.to_string()), ..finding });
        }
    }
    found.into()
}

fn is_checked(checkup: &Checkup, step: &Path) -> bool {
    let is_it =
        |place: &CheckedPath| place.path == step || directories::resolve(&place.path).is_ok_and(|real| real == step);
    checkup.places.found.iter().any(|place| place.among.is_none() && is_it(place))
}
