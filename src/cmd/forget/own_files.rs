//! The files in our directories, told apart from those that others put there.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use crate::cmd::context::{Context, paths};
use crate::error::{Failure, Kind, Result};
use crate::system::directories::shorten;
use crate::system::foreign_file::plain;
use crate::text::list::counted;
use crate::text::visible::visible;

/// Ours by their whole names.
const NAMES: [&str; 13] = [
    "changes.lock",
    "config.toml",
    "enrollments.json",
    "enrollments.lock",
    "history",
    "history.lock",
    "journal.json",
    "keys.json",
    "rotations.json",
    "rotations.lock",
    "sealing-key.lock",
    "state.json",
    "state.lock",
];

/// Ours by how their names begin and end: sessions and their locks, the state of a device, the locks of an edit, a terminal
/// and another program's token, the key file, and the temporary file of a killed run.
const PATTERNS: [(&str, &str); 10] = [
    ("", ".sealed"),
    ("", ".retry"),
    ("", ".failed"),
    ("device-", ".json"),
    ("device-", ".lock"),
    ("edit-", ".lock"),
    ("terminal-", ".lock"),
    ("token-", ".lock"),
    ("sealing-key%3A", ".key"),
    (".twolock-", ".tmp"),
];

/// The lock of a session: 16 hexadecimal digits.
fn is_session_lock(name: &str) -> bool {
    name.strip_suffix(".lock").is_some_and(|stem| stem.len() == 16 && stem.bytes().all(|b| b.is_ascii_hexdigit()))
}

fn is_ours(name: &str) -> bool {
    NAMES.contains(&name)
        || is_session_lock(name)
        || PATTERNS.iter().any(|(start, end)| name.starts_with(start) && name.ends_with(end))
}

/// One of our directories that exists.
struct Directory {
    path: PathBuf,
    ours: Vec<PathBuf>,
    others: Vec<PathBuf>,
}

pub struct OwnFiles {
    directories: Vec<Directory>,
    home: PathBuf,
}

impl OwnFiles {
    pub fn find(context: &Context) -> Result<Self> {
        let (dirs, home) = (&context.dirs, context.dirs.home.clone());
        let mut all = vec![dirs.cache.clone(), dirs.state.clone(), dirs.data.clone()];
        // In another home, those of the account's own are not meant.
        let of_account = dirs.is_account_home();
        all.extend(of_account.then(|| [dirs.account_data(), dirs.account_state()]).into_iter().flatten());
        // The settings come last: they say which keyring is used, which a run after this one may have to know.
        all.push(dirs.config.clone());
        all.extend(paths(dirs).account_file.parent().filter(|_| of_account).map(Path::to_owned));
        let mut directories: Vec<Directory> = Vec::new();
        for path in all {
            let is_new = directories.iter().all(|known| known.path != path);
            if let Some(directory) = if is_new { Directory::read(path, &home)? } else { None } {
                directories.push(directory);
            }
        }
        Ok(Self { directories, home })
    }

    pub fn is_empty(&self) -> bool {
        self.directories.iter().all(Directory::stays)
    }

    /// What is deleted and what stays, a line for each directory.
    pub fn lines(&self) -> Vec<String> {
        let line = |directory: &Directory| {
            let files = counted(directory.ours.len(), "file");
            let verb = if directory.ours.len() == 1 { "is" } else { "are" };
            let stays = match directory.others.is_empty() {
                true => String::new(),
                false => format!("; not twolock's, so it stays: {}", self.shown(&directory.others)),
            };
            let shown = visible(&shorten(&directory.path, &self.home));
            if directory.ours.is_empty() {
                return format!("the empty directory {shown} is deleted");
            }
            format!("{files} of {shown} {verb} deleted{stays}")
        };
        self.directories.iter().filter(|directory| !directory.stays()).map(line).collect()
    }

    fn shown(&self, paths: &[PathBuf]) -> String {
        paths.iter().map(|path| visible(&shorten(path, &self.home))).collect::<Vec<_>>().join(", ")
    }

    /// Deletes our files, and the directories that are empty then. A symlink is deleted, and its target stays.
    pub fn delete(context: &Context) -> Result<()> {
        let now = Self::find(context)?;
        for directory in &now.directories {
            directory.ours.iter().try_for_each(|file| gone(file, fs::remove_file(file), &now.home))?;
            if directory.goes() {
                gone(&directory.path, fs::remove_dir(&directory.path), &now.home)?;
            }
        }
        Ok(())
    }
}

/// What is gone already, or was filled in the meantime, is no failure.
fn gone(path: &Path, result: io::Result<()>, home: &Path) -> Result<()> {
    match result {
        Err(e) if !matches!(e.kind(), ErrorKind::NotFound | ErrorKind::DirectoryNotEmpty) => {
            Err(Failure::new(Kind::Disk, format!("{} cannot be deleted: {}", shorten(path, home), plain(&e))))
        }
        _ => Ok(()),
    }
}

impl Directory {
    /// Whether it goes with our files: nobody else has any in it, and it is no symlink.
    fn goes(&self) -> bool {
        self.others.is_empty() && !self.path.is_symlink()
    }

    /// Whether it stays as it is.
    fn stays(&self) -> bool {
        self.ours.is_empty() && !self.goes()
    }

    fn read(path: PathBuf, home: &Path) -> Result<Option<Self>> {
        let unreadable =
            |e: io::Error| Failure::new(Kind::Disk, format!("cannot list {}: {}", shorten(&path, home), plain(&e)));
        let entries = match fs::read_dir(&path) {
            Ok(entries) => entries,
            Err(e) if matches!(e.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => return Ok(None),
            Err(e) => return Err(unreadable(e)),
        };
        let entries = entries.collect::<io::Result<Vec<_>>>().map_err(unreadable)?;
        let is_file = |entry: &fs::DirEntry| entry.file_type().is_ok_and(|kind| !kind.is_dir());
        let (ours, others): (Vec<_>, Vec<_>) =
            entries.into_iter().partition(|entry| is_file(entry) && entry.file_name().to_str().is_some_and(is_ours));
        let sorted = |entries: Vec<fs::DirEntry>| {
            let mut paths: Vec<PathBuf> = entries.into_iter().map(|entry| entry.path()).collect();
            paths.sort_by_key(|path| (path.ends_with("config.toml"), path.clone()));
            paths
        };
        Ok(Some(Self { ours: sorted(ours), others: sorted(others), path }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_that_twolock_gives_are_its_own() {
        for ours in ["config.toml", "0123456789abcdef.lock", "x.sealed", "device-1.json", ".twolock-1-2-0.tmp"] {
            assert!(is_ours(ours), "{ours}");
        }
        for other in ["notes.txt", "config.toml~", "my.lock", "server.key", ".git", "0123456789abcdeg.lock", "x.json"] {
            assert!(!is_ours(other), "{other}");
        }
    }
}
