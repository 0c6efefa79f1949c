//! Who else could change what a path leads to: the owners of every step on the way to it (threat-model P16, P33).

use std::ffi::OsString;
use std::fmt;
use std::fs::Metadata;
use std::io;
use std::path::{Component, Path, PathBuf};

use super::foreign_file;
use super::owner::{Account, Ownership};
use crate::hint::CommandLine;

/// As many symlinks as Linux follows in one path.
const MOST_SYMLINKS: usize = 40;

/// Everything the kernel passes when it resolves a path, symlinks themselves included, what it leads to last.
pub(crate) struct Steps(Vec<(PathBuf, Metadata)>);

impl Steps {
    pub(crate) fn to(path: &Path) -> io::Result<Self> {
        walk(path).map(Self)
    }

    /// Whether they lead to a regular file.
    pub(crate) fn end_at_a_file(&self) -> bool {
        self.0.last().is_some_and(|(_, metadata)| metadata.is_file())
    }

    /// Whether each belongs to root and only root can change it; false where the platform has no owners.
    pub(crate) fn only_root_can_change_them(&self) -> bool {
        let root = Account { user: 0, group: 0, home: None };
        let is_roots = |(_, metadata): &(PathBuf, Metadata)| {
            foreign_file::ownership(metadata)
                .is_some_and(|of| of.owner == root.user && other_writer(kind_of(metadata), of, &root).is_none())
        };
        self.0.iter().all(is_roots)
    }

    /// Returns the steps that somebody else could change, and who.
    pub(crate) fn other_writers(self) -> Vec<(PathBuf, OtherWriter)> {
        let Some(account) = foreign_file::account() else { return Vec::new() };
        let who = |metadata: &Metadata| other_writer(kind_of(metadata), foreign_file::ownership(metadata)?, &account);
        self.0.into_iter().filter_map(|(step, metadata)| Some((step, who(&metadata)?))).collect()
    }
}

/// Returns each component of a path, itself and its symlinks included, that somebody else could change, and who.
pub(crate) fn other_writers(path: &Path) -> io::Result<Vec<(PathBuf, OtherWriter)>> {
    Steps::to(path).map(Steps::other_writers)
}

/// Somebody else who could change a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OtherWriter {
    /// Another user, whose it is.
    Owner(u32),
    /// A group that may write.
    Group(u32),
    Everybody,
}

impl OtherWriter {
    /// Returns the command that takes it away from them, if its owner is us or root.
    pub(crate) fn fix(self, step: &Path) -> Option<CommandLine> {
        let close = || CommandLine::other("chmod go-w").with(step.to_string_lossy());
        (!matches!(self, OtherWriter::Owner(_))).then(close)
    }
}

/// What is said of a step, behind its name.
impl fmt::Display for OtherWriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            OtherWriter::Owner(uid) => write!(f, "belongs to another user (uid {uid})"),
            OtherWriter::Group(gid) => write!(f, "is writable by group {gid}"),
            OtherWriter::Everybody => f.write_str("is writable by everybody"),
        }
    }
}

fn other_writer(kind: StepKind, of: Ownership, account: &Account) -> Option<OtherWriter> {
    const ROOT: u32 = 0;
    let has = |bits: u32| of.mode & bits != 0;
    if of.owner != account.user && of.owner != ROOT {
        return Some(OtherWriter::Owner(of.owner));
    }
    // A symlink's own mode means nothing. In a sticky directory of root's nobody can replace what belongs to us.
    if kind == StepKind::Symlink || (kind == StepKind::Directory && of.owner == ROOT && has(0o1000)) {
        return None;
    }
    if has(0o002) {
        return Some(OtherWriter::Everybody);
    }
    (has(0o020) && of.group != account.group).then_some(OtherWriter::Group(of.group))
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum StepKind {
    Directory,
    Symlink,
    Other,
}

fn kind_of(metadata: &Metadata) -> StepKind {
    match metadata.file_type() {
        kind if kind.is_symlink() => StepKind::Symlink,
        kind if kind.is_dir() => StepKind::Directory,
        _ => StepKind::Other,
    }
}

fn walk(path: &Path) -> io::Result<Vec<(PathBuf, Metadata)>> {
    let mut ahead = parts_in_reverse(&std::path::absolute(path)?);
    let mut at = PathBuf::new();
    let (mut passed, mut symlinks) = (Vec::new(), 0);
    while let Some(part) = ahead.pop() {
        if part == ".." {
            at.pop();
            continue;
        }
        let step = at.join(&part);
        let metadata = std::fs::symlink_metadata(&step)?;
        if metadata.is_symlink() {
            symlinks += 1;
            if symlinks > MOST_SYMLINKS {
                return Err(io::Error::other("too many symlinks"));
            }
            ahead.extend(parts_in_reverse(&std::fs::read_link(&step)?));
        } else {
            at.clone_from(&step);
        }
        passed.push((step, metadata));
    }
    Ok(passed)
}

fn parts_in_reverse(path: &Path) -> Vec<OsString> {
    let mut parts: Vec<OsString> = Vec::new();
    for part in path.components() {
        match (part, parts.last_mut()) {
            (Component::CurDir, _) => {}
            // a drive alone is whatever directory one is in there
            (Component::RootDir, Some(drive)) => drive.push(part),
            _ => parts.push(part.as_os_str().to_owned()),
        }
    }
    parts.reverse();
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANA: Account = Account { user: 1000, group: 1000, home: None };

    #[test]
    fn who_else_could_change_a_step() {
        use StepKind::{Directory, Other, Symlink};
        for (kind, owner, group, mode, expected) in [
            (Other, 1000, 1000, 0o600, None),
            (Other, 0, 0, 0o644, None),
            (Other, 1000, 1000, 0o664, None),
            (Other, 1000, 50, 0o664, Some(OtherWriter::Group(50))),
            (Other, 0, 0, 0o664, Some(OtherWriter::Group(0))),
            (Other, 1000, 1000, 0o666, Some(OtherWriter::Everybody)),
            (Other, 1001, 1000, 0o600, Some(OtherWriter::Owner(1001))),
            (Directory, 0, 0, 0o755, None),
            (Directory, 0, 0, 0o1777, None),
            (Directory, 0, 50, 0o1775, None),
            (Directory, 1000, 1000, 0o1777, Some(OtherWriter::Everybody)),
            (Directory, 1001, 1001, 0o1777, Some(OtherWriter::Owner(1001))),
            (Directory, 0, 0, 0o777, Some(OtherWriter::Everybody)),
            (Other, 0, 0, 0o1666, Some(OtherWriter::Everybody)),
            (Symlink, 1000, 1000, 0o777, None),
            (Symlink, 1001, 1001, 0o777, Some(OtherWriter::Owner(1001))),
        ] {
            let of = Ownership { owner, group, mode };
            assert_eq!(other_writer(kind, of, &ANA), expected, "{kind:?} {of:?}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_way_passes_symlinks_themselves_and_ends_at_what_they_lead_to() {
        use std::os::unix::fs::symlink;
        let world = tempfile::tempdir().unwrap();
        let at = |name: &str| world.path().join(name);
        std::fs::create_dir(at("real")).unwrap();
        std::fs::write(at("real/file"), "").unwrap();
        symlink("real/../real/file", at("symlink")).unwrap();
        symlink(at("loop"), at("loop")).unwrap();
        let steps = Steps::to(&at("symlink")).unwrap();
        assert!(steps.end_at_a_file());
        let passed: Vec<PathBuf> = steps.0.into_iter().map(|(step, _)| step).collect();
        assert!(passed.ends_with(&[at("symlink"), at("real"), at("real"), at("real/file")]), "{passed:?}");
        assert!(!Steps::to(&at("real")).unwrap().end_at_a_file());
        assert_eq!(Steps::to(&at("loop")).err().map(|e| e.to_string()), Some("too many symlinks".into()));
    }
}
