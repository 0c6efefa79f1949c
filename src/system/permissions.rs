//! Who else may open what is at a path, and closing it to them, on an opened descriptor only (threat-model P33).

use std::fs::Metadata;
use std::io;
use std::path::Path;

use super::foreign_file;
use super::owner::Ownership;
use super::private_file::hard_links;
use super::{directories, platform};

/// What is at a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    File,
    Directory,
    /// A pipe, a socket or a device.
    Special,
    /// A symlink that leads nowhere, or to itself.
    BrokenSymlink,
}

/// What was found at a path; of a symlink, what it leads to.
#[derive(Clone, Copy, Debug)]
pub struct PathFacts {
    /// What it is.
    pub what: What,
    /// Whether the path itself is a symlink.
    pub is_symlink: bool,
    /// Who may change it; none where the platform keeps no owners and modes.
    pub ownership: Option<Ownership>,
    /// How many names it has.
    pub names: u64,
}

impl PathFacts {
    /// The permission bits others have; none where the platform keeps no modes.
    pub fn open_bits(&self) -> u32 {
        self.ownership.map_or(0, |of| of.mode & 0o077)
    }

    /// The owner, if that is another user.
    pub fn other_owner(&self) -> Option<u32> {
        let (owner, user) = (self.ownership?.owner, platform::user()?);
        (owner != user).then_some(owner)
    }

    /// Whether it is a file with more than one name. Directories have several by nature.
    pub fn has_more_names(&self) -> bool {
        self.what == What::File && self.names > 1
    }

    fn of(metadata: &Metadata, is_symlink: bool) -> Self {
        let what = match metadata.file_type() {
            kind if kind.is_file() => What::File,
            kind if kind.is_dir() => What::Directory,
            _ => What::Special,
        };
        Self { what, is_symlink, ownership: foreign_file::ownership(metadata), names: hard_links(metadata) }
    }
}

/// Looks at what a path leads to without opening it; nothing where nothing is there.
pub fn look(path: &Path) -> io::Result<Option<PathFacts>> {
    let itself = match std::fs::symlink_metadata(path) {
        Ok(itself) => itself,
        Err(e) if matches!(e.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => return Ok(None),
        Err(e) => return Err(e),
    };
    if !itself.is_symlink() {
        return Ok(Some(PathFacts::of(&itself, false)));
    }
    let lost = PathFacts { what: What::BrokenSymlink, is_symlink: true, ..PathFacts::of(&itself, true) };
    Ok(Some(std::fs::metadata(path).map_or(lost, |target| PathFacts::of(&target, true))))
}

/// Takes a file or directory of ours away from everybody else; its owner keeps what they have.
///
/// Symlinks are resolved first and never followed after that. What was opened is looked at again: whatever is neither a
/// regular file nor a directory, has another owner or a second name is left alone, and the error says why.
pub fn close_to_others(path: &Path) -> io::Result<()> {
    let target = directories::resolve(path)?;
    let refused = |why: &str| io::Error::new(io::ErrorKind::PermissionDenied, why);
    // Opening a device may already do something, so what is plainly none of ours is not opened at all.
    if let Some(why) = why_left_alone(&PathFacts::of(&std::fs::symlink_metadata(&target)?, false)) {
        return Err(refused(why));
    }
    let file = platform::open_without_following(&target)?;
    let metadata = file.metadata()?;
    match why_left_alone(&PathFacts::of(&metadata, false)) {
        Some(why) => Err(refused(why)),
        None => platform::close_to_others(&file, &metadata),
    }
}

fn why_left_alone(found: &PathFacts) -> Option<&'static str> {
    match found.what {
        What::Special => Some("it is a pipe or device"),
        What::BrokenSymlink => Some("it is a symlink"),
        _ if found.other_owner().is_some() => Some("it belongs to another user"),
        _ if found.has_more_names() => Some("it has more than one hard link"),
        _ => None,
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::fs::{self, Permissions};
    use std::os::unix::fs::{PermissionsExt, symlink};
    use std::process::Command;

    use super::*;

    fn chmod(path: &Path, mode: u32) {
        fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
    }

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o7777
    }

    #[test]
    fn a_file_and_a_directory_keep_what_their_owner_has_and_nothing_else() {
        let world = tempfile::tempdir().unwrap();
        let (file, directory) = (world.path().join("file"), world.path().join("directory"));
        fs::write(&file, "x").unwrap();
        fs::create_dir(&directory).unwrap();
        for (path, before, after) in [
            (&file, 0o644, 0o600),
            (&file, 0o466, 0o400),
            (&file, 0o4755, 0o600),
            (&directory, 0o755, 0o700),
            (&directory, 0o3777, 0o700),
            (&directory, 0o550, 0o500),
        ] {
            chmod(path, before);
            close_to_others(path).unwrap();
            assert_eq!(mode(path), after, "{before:o}");
            assert_eq!(look(path).unwrap().unwrap().open_bits(), 0);
        }
    }

    #[test]
    fn a_symlink_stays_and_the_file_behind_it_is_closed() {
        let world = tempfile::tempdir().unwrap();
        let (file, link) = (world.path().join("file"), world.path().join("symlink"));
        fs::write(&file, "x").unwrap();
        chmod(&file, 0o644);
        symlink("file", &link).unwrap();
        close_to_others(&link).unwrap();
        assert_eq!(mode(&file), 0o600);
        assert!(look(&link).unwrap().unwrap().is_symlink);
    }

    #[test]
    fn what_is_none_of_ours_is_left_alone_with_the_reason() {
        let world = tempfile::tempdir().unwrap();
        let at = |name: &str| world.path().join(name);
        fs::write(at("file"), "x").unwrap();
        fs::hard_link(at("file"), at("twin")).unwrap();
        chmod(&at("file"), 0o644);
        assert!(Command::new("mkfifo").arg(at("pipe")).status().unwrap().success());
        symlink("nowhere", at("lost")).unwrap();
        for (name, why) in [("twin", "more than one hard link"), ("pipe", "pipe or device"), ("lost", ""), ("none", "")]
        {
            let error = close_to_others(&at(name)).unwrap_err().to_string();
            assert!(error.contains(why), "{name}: {error}");
        }
        assert_eq!(mode(&at("file")), 0o644);
        assert!(close_to_others(Path::new("/dev/null")).is_err());
        let what = |name: &str| look(&at(name)).unwrap().map(|found| found.what);
        assert_eq!((what("pipe"), what("lost"), what("none")), (Some(What::Special), Some(What::BrokenSymlink), None));
    }
}
