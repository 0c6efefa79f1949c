//! What is in the way of a file of ours, in words: the directory if the fault is its, else the file.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use super::foreign_file::plain;
use super::lock::{other_owner, other_owner_at};
use crate::error::{Failure, Kind};
use crate::text::visible::as_word;

/// What is in the way, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Obstacle {
    at: PathBuf,
    why: String,
    fault: Fault,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    /// A file of another user in a directory of ours.
    AnothersFile,
    /// A directory of another user.
    AnothersDirectory,
    /// The disk, or what our own directory permits.
    Disk,
    /// Something else is in the file's place.
    Other,
}

impl Obstacle {
    /// Looks for what made this file fail with this error; what is done is "locked" or "written".
    pub fn to(done: &str, file: &Path, error: &io::Error) -> Self {
        let directory = file.parent().unwrap_or(file);
        let belongs = |owner: u32| format!("belongs to another user (uid {owner})");
        match fs::metadata(directory) {
            Err(e) if e.kind() == ErrorKind::NotFound => {
                Self { at: directory.into(), why: "is missing".into(), fault: Fault::Disk }
            }
            Ok(found) => match (other_owner(&found), other_owner_at(file)) {
                (Some(owner), _) if error.kind() == ErrorKind::PermissionDenied => {
                    Self { at: directory.into(), why: belongs(owner), fault: Fault::AnothersDirectory }
                }
                (None, Some(owner)) => {
                    let why = format!("{} and cannot be replaced: {}", belongs(owner), plain(error));
                    Self { at: file.into(), why, fault: Fault::AnothersFile }
                }
                _ => {
                    let is_missing = fs::symlink_metadata(file).is_err();
                    let fault = if is_missing || is_full(error) { Fault::Disk } else { Fault::Other };
                    Self { at: file.into(), why: format!("cannot be {done}: {}", plain(error)), fault }
                }
            },
            Err(_) => Self { at: file.into(), why: format!("cannot be {done}: {}", plain(error)), fault: Fault::Disk },
        }
    }

    /// A directory that could not be made.
    pub fn of_directory(directory: &Path, error: &io::Error) -> Self {
        Self { at: directory.into(), why: format!("cannot be created: {}", plain(error)), fault: Fault::Disk }
    }

    /// Whether it is another user's file in a directory of ours, which we could not replace.
    pub fn is_anothers_file(&self) -> bool {
        self.fault == Fault::AnothersFile
    }

    /// The failure to show, with the command that fixes it where one does.
    pub fn failure(&self) -> Failure {
        let kind = if self.fault == Fault::Disk { Kind::Disk } else { Kind::Busy };
        let failure = Failure::new(kind, self.to_string());
        match self.fault {
            Fault::AnothersFile => failure.hint(chown(self.at.parent().unwrap_or(&self.at))),
            Fault::AnothersDirectory => failure.hint(chown(&self.at)),
            Fault::Disk | Fault::Other => failure,
        }
    }
}

impl std::fmt::Display for Obstacle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.at.display(), self.why)
    }
}

/// The command that gives a directory and all that is in it back to the user who runs it.
pub fn chown(directory: &Path) -> String {
    format!("sudo chown -R \"$(id -u):$(id -g)\" {}", as_word(&directory.to_string_lossy()))
}

fn is_full(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::ReadOnlyFilesystem | ErrorKind::FileTooLarge
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_directory_is_named_and_not_the_file_below_it() {
        let directory = tempfile::tempdir().unwrap();
        let missing = directory.path().join("missing");
        let obstacle = Obstacle::to("locked", &missing.join("x.lock"), &ErrorKind::NotFound.into());
        let failure = obstacle.failure();
        assert_eq!(failure.cause, format!("{} is missing", missing.display()));
        assert_eq!((failure.kind, failure.hints.len()), (Kind::Disk, 0));
    }

    #[test]
    fn a_full_disk_and_a_file_in_the_place_are_named_with_their_kinds() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("x.lock");
        for (error, kind) in [(ErrorKind::StorageFull, Kind::Disk), (ErrorKind::PermissionDenied, Kind::Disk)] {
            let failure = Obstacle::to("locked", &file, &error.into()).failure();
            assert_eq!(failure.cause, format!("{} cannot be locked: {error}", file.display()));
            assert_eq!(failure.kind, kind, "{error}");
        }
        fs::create_dir(&file).unwrap();
        let failure = Obstacle::to("locked", &file, &ErrorKind::IsADirectory.into()).failure();
        assert_eq!(failure.kind, Kind::Busy);
    }

    #[cfg(unix)]
    #[test]
    fn what_belongs_to_another_user_is_named_with_the_command_that_gives_it_back() {
        use std::os::unix::fs::chown;
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("x.lock");
        fs::write(&file, "").unwrap();
        if chown(&file, Some(4242), None).is_err() {
            let loud = b"NOT TESTED: only root can give a file to another user\n";
            return io::Write::write_all(&mut io::stderr(), loud).unwrap();
        }
        let failure = || Obstacle::to("locked", &file, &ErrorKind::PermissionDenied.into()).failure();
        let fix = super::chown(directory.path());
        let why = "belongs to another user (uid 4242)";
        let replaced = format!("{} {why} and cannot be replaced: permission denied", file.display());
        assert_eq!(
            (failure().kind, failure().cause, failure().hints),
            (Kind::Busy, replaced, vec![fix.clone().into()])
        );
        chown(directory.path(), Some(4242), None).unwrap();
        let named = format!("{} {why}", directory.path().display());
        assert_eq!((failure().kind, failure().cause, failure().hints), (Kind::Busy, named, vec![fix.into()]));
    }
}
