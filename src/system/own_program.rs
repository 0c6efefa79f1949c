//! This program, as a line of a config file can name it for a long time.

use std::ffi::OsStr;
use std::path::{Component, Path, PathBuf};

use crate::error::{Failure, Kind, Result};
use crate::names::is_process_word;
use crate::system::directories;
use crate::system::env::Env;
use crate::text::visible::visible;

/// Where this program is found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnProgram {
    /// The path to write, safe in a `credential_process` line.
    pub path: String,
    /// Whether an upgrade will probably take this path away: a version stands in it.
    pub is_versioned: bool,
}

/// Finds the path to write: the entry of `PATH` that is this very file, its links not resolved, because the target of a
/// package manager's link moves with each version; else the file itself.
pub fn find(env: &Env) -> Result<OwnProgram> {
    let running = std::env::current_exe()
        .map_err(|e| Failure::new(Kind::Config, format!("this program's own path cannot be found: {e}")))?;
    find_among(env.raw("PATH"), &running)
}

fn find_among(path: Option<&OsStr>, running: &Path) -> Result<OwnProgram> {
    let name = format!("twolock{}", std::env::consts::EXE_SUFFIX);
    let resolved = directories::resolve(running).unwrap_or_else(|_| running.into());
    let folders = path.into_iter().flat_map(std::env::split_paths).filter(|folder| folder.is_absolute());
    let entries = folders.map(|folder| folder.join(&name));
    let mut ours: Vec<PathBuf> =
        entries.filter(|entry| directories::resolve(entry).is_ok_and(|target| target == resolved)).collect();
    if running.file_name() == Some(OsStr::new(&name)) {
        ours.push(running.into());
    }
    // The first one that stays; where none does, the first one.
    let stays = |path: &&PathBuf| path.to_str().is_some_and(may_stand_in_a_process) && !names_a_version(path);
    let Some(chosen) = ours.iter().find(stays).or(ours.first()) else {
        let cause = format!("this program is not called {name}: {}", visible(&running.to_string_lossy()));
        return Err(Failure::new(Kind::Config, cause).hint(format!("put a link called {name} to it on PATH")));
    };
    match chosen.to_str().filter(|path| may_stand_in_a_process(path)) {
        Some(path) => Ok(OwnProgram { path: path.into(), is_versioned: names_a_version(chosen) }),
        None => {
            let shown = visible(&chosen.to_string_lossy());
            let cause =
                format!("SDKs take a credential_process apart in different ways, so its path must be plain: {shown}");
            let hint =
                "put twolock, or a link to it, on PATH where the path holds nothing but A-Z a-z 0-9 - _ . / @ + :";
            Err(Failure::new(Kind::Config, cause).hint(hint))
        }
    }
}

fn may_stand_in_a_process(path: &str) -> bool {
    is_process_word(&if cfg!(windows) { path.replace('\\', "/") } else { path.into() })
}

/// Whether a folder on the way is one version's own: `1.2`, `twolock-1.2.3`, Homebrew's Cellar, Nix's store.
pub fn names_a_version(path: &Path) -> bool {
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
    use std::os::unix::fs::symlink;

    use super::*;

    struct Machine(tempfile::TempDir);

    impl Machine {
        fn new() -> Self {
            Self(tempfile::Builder::new().prefix("machine").tempdir().unwrap())
        }

        fn file(&self, name: &str) -> PathBuf {
            let path = self.0.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(&path, "").unwrap();
            path
        }

        fn link(&self, name: &str, target: &Path) -> PathBuf {
            let path = self.0.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            symlink(target, &path).unwrap();
            path
        }

        fn path(&self, folders: &[&str]) -> std::ffi::OsString {
            std::env::join_paths(folders.iter().map(|folder| self.0.path().join(folder))).unwrap()
        }
    }

    fn found(path: &OsStr, running: &Path) -> (PathBuf, bool) {
        let own = find_among(Some(path), running).unwrap();
        (own.path.into(), own.is_versioned)
    }

    #[test]
    fn the_entry_of_path_is_written_and_not_the_version_behind_it() {
        let machine = Machine::new();
        let real = machine.file("Cellar/twolock/1.2.3/bin/twolock");
        let link = machine.link("bin/twolock", &real);
        machine.file("other/twolock");
        let path = machine.path(&["missing", "other", "bin"]);
        assert_eq!(found(&path, &real), (link, false));
        let path = machine.path(&["Cellar/twolock/1.2.3/bin", "bin"]);
        assert!(!found(&path, &real).1, "an entry without a version is the better one");
    }

    #[test]
    fn without_an_entry_of_path_the_file_itself_is_written_and_its_version_told() {
        let machine = Machine::new();
        let plain = machine.file("tools/twolock");
        assert_eq!(found(&machine.path(&["bin"]), &plain), (plain.clone(), false));
        let real = machine.file("opt/twolock-1.2/twolock");
        assert_eq!(found(OsStr::new("relative:."), &real), (real.clone(), true));
        assert!(find_among(None, &real).unwrap().is_versioned);
    }

    #[test]
    fn a_path_that_shells_take_apart_is_refused_with_a_way_out() {
        let machine = Machine::new();
        let real = machine.file("my tools/twolock");
        let failure = find_among(None, &real).unwrap_err();
        assert!(failure.cause.contains("my tools/twolock") && !failure.hints.is_empty(), "{failure}");
        let link = machine.link("bin/twolock", &real);
        assert_eq!(found(&machine.path(&["bin"]), &real), (link, false));
    }

    #[test]
    fn a_program_of_another_name_needs_a_link_of_ours() {
        let machine = Machine::new();
        let real = machine.file("opt/twolock-1.2.3");
        let failure = find_among(None, &real).unwrap_err();
        assert!(failure.cause.contains("is not called twolock"), "{failure}");
        let link = machine.link("bin/twolock", &real);
        assert_eq!(found(&machine.path(&["bin"]), &real), (link, false));
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
            ("/home/ana/.local/share/mise/installs/twolock/1.2/bin/twolock", true),
        ] {
            assert_eq!(names_a_version(Path::new(path)), versioned, "{path}");
        }
    }
}
