//! The program that an adopted profile names: what SDKs can start, and what is still there after an upgrade.

use std::path::{Component, Path, PathBuf};

use crate::error::{Failure, Kind, Result};
use crate::names::is_process_word;
use crate::text::visible::visible;

/// The path that goes into a `credential_process` line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Program {
    /// The path, safe in such a line.
    pub(crate) path: String,
    /// Whether an upgrade will probably remove this path: it contains a version.
    pub(crate) is_versioned: bool,
}

/// Chooses among the paths that lead to this program, the best first: the first one that stays, else the first one.
pub(crate) fn choose(paths: &[PathBuf]) -> Result<Program> {
    let stays = |path: &&PathBuf| path.to_str().is_some_and(is_allowed_in_a_process) && !names_a_version(path);
    let chosen = paths.iter().find(stays).or(paths.first()).map(PathBuf::as_path).unwrap_or(Path::new(""));
    match chosen.to_str().filter(|path| is_allowed_in_a_process(path)) {
        Some(path) => Ok(Program { path: path.into(), is_versioned: names_a_version(chosen) }),
        None => {
            let shown = visible(&chosen.to_string_lossy());
            let cause =
                format!("SDKs split a credential_process in different ways, so its path must be simple: {shown}");
            let hint = "put twolock, or a symlink to it, on PATH in a directory whose path contains only A-Z a-z 0-9 - _ . / @ + :";
            Err(Failure::new(Kind::Config, cause).hint(hint))
        }
    }
}

fn is_allowed_in_a_process(path: &str) -> bool {
    is_process_word(&if cfg!(windows) { path.replace('\\', "/") } else { path.into() })
}

/// Whether a part of the path belongs to one version: `1.2`, `twolock-1.2.3`, Homebrew's Cellar, Nix's store.
pub(crate) fn names_a_version(path: &Path) -> bool {
    let is_version = |text: &str| {
        text.as_bytes()
            .windows(3)
            .any(|three| three[0].is_ascii_digit() && three[1] == b'.' && three[2].is_ascii_digit())
    };
    path.starts_with("/nix/store")
        || path.components().any(|part| match part {
            Component::Normal(part) => part == "Cellar" || part.to_str().is_some_and(is_version),
            _ => false,
        })
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    fn chosen(paths: &[&str]) -> (String, bool) {
        let paths: Vec<PathBuf> = paths.iter().map(PathBuf::from).collect();
        let program = choose(&paths).unwrap();
        (program.path, program.is_versioned)
    }

    #[test]
    fn the_entry_of_path_is_written_and_not_the_version_behind_it() {
        for (paths, path, is_versioned) in [
            (&["/bin/twolock", "/Cellar/twolock/1.2.3/bin/twolock"][..], "/bin/twolock", false),
            (&["/Cellar/twolock/1.2.3/bin/twolock", "/bin/twolock"], "/bin/twolock", false),
            (&["/bin/tl2", "/opt/twolock-1.2/twolock"], "/bin/tl2", false),
            (&["/opt/tools/tl2"], "/opt/tools/tl2", false),
            (&["/opt/twolock-1.2.3"], "/opt/twolock-1.2.3", true),
            (&["/opt/twolock-1.2/twolock"], "/opt/twolock-1.2/twolock", true),
        ] {
            assert_eq!(chosen(paths), (path.into(), is_versioned));
        }
    }

    #[test]
    fn a_path_that_shells_split_is_refused_with_a_hint() {
        for path in ["/my tools/twolock", "/opt/two$lock", "/opt/tl%2"] {
            let failure = choose(&[path.into()]).unwrap_err();
            assert!(failure.cause.contains(path) && !failure.hints.is_empty(), "{failure}");
            assert_eq!(chosen(&[path, "/bin/twolock"]), ("/bin/twolock".into(), false));
        }
    }

    #[test]
    fn versions_are_recognised() {
        for (path, versioned) in [
            ("/usr/local/bin/twolock", false),
            ("/home/ana.b/bin/twolock", false),
            ("/opt/homebrew/Cellar/twolock/bin/twolock", true),
            ("/nix/store/abc-twolock/bin/twolock", true),
            ("/opt/v2/twolock", false),
            ("/opt/twolock-0.1.0/twolock", true),
            ("/usr/local/bin/twolock-1.2", true),
            ("/home/ana/.local/share/mise/installs/twolock/1.2/bin/twolock", true),
        ] {
            assert_eq!(names_a_version(Path::new(path)), versioned, "{path}");
        }
    }
}
