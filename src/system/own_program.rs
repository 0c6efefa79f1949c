//! This program as a file: where it is found, and whether a path leads to it.

use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use super::directories;

/// What it is usually called.
const NAME: &str = "twolock";

/// Returns every path that leads to this very file: the entries of `PATH`, their links not resolved, by its usual name,
/// by the one it was called by and by its own; then the file itself.
pub(crate) fn paths(path: Option<&OsStr>) -> io::Result<Vec<PathBuf>> {
    Ok(paths_of(&std::env::current_exe()?, std::env::args_os().next().as_deref(), path))
}

fn paths_of(running: &Path, called: Option<&OsStr>, path: Option<&OsStr>) -> Vec<PathBuf> {
    let resolved = directories::resolve(running).unwrap_or_else(|_| running.into());
    let usual = OsString::from(format!("{NAME}{}", std::env::consts::EXE_SUFFIX));
    let called = called.and_then(|called| Path::new(called).file_name());
    let names = [Some(usual.as_os_str()), called, running.file_name()];
    let directories: Vec<PathBuf> =
        path.into_iter().flat_map(std::env::split_paths).filter(|directory| directory.is_absolute()).collect();
    let mut found: Vec<PathBuf> = Vec::new();
    let entries =
        names.into_iter().flatten().flat_map(|name| directories.iter().map(move |directory| directory.join(name)));
    for entry in entries.filter(|entry| directories::resolve(entry).is_ok_and(|target| target == resolved)) {
        if !found.contains(&entry) {
            found.push(entry);
        }
    }
    found.push(running.into());
    found
}

/// Whether a program somebody named is this one, whatever it is called: it has its file's name, or its path leads here.
pub(crate) fn is_this(program: &str) -> bool {
    static RUNNING: OnceLock<Option<PathBuf>> = OnceLock::new();
    let running = || std::env::current_exe().and_then(|running| directories::resolve(&running)).ok();
    let Some(running) = RUNNING.get_or_init(running) else { return false };
    is_at(Path::new(program), running)
}

fn is_at(program: &Path, running: &Path) -> bool {
    let same_name = program.file_name().is_some_and(|name| running.file_name() == Some(name));
    same_name || program.is_absolute() && directories::resolve(program).is_ok_and(|target| target == running)
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

        fn at(&self, name: &str) -> PathBuf {
            let path = self.0.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            path
        }

        fn file(&self, name: &str) -> PathBuf {
            std::fs::write(self.at(name), "").unwrap();
            self.at(name)
        }

        fn link(&self, name: &str, target: &Path) -> PathBuf {
            symlink(target, self.at(name)).unwrap();
            self.at(name)
        }

        fn path(&self, directories: &[&str]) -> OsString {
            std::env::join_paths(directories.iter().map(|directory| self.0.path().join(directory))).unwrap()
        }
    }

    #[test]
    fn entries_of_path_that_are_this_very_file_come_first_unresolved() {
        let machine = Machine::new();
        let real = machine.file("Cellar/twolock/1.2.3/bin/twolock");
        let link = machine.link("bin/twolock", &real);
        machine.file("other/twolock");
        let path = machine.path(&["missing", "other", "bin"]);
        assert_eq!(paths_of(&real, None, Some(&path)), [link, real.clone()]);
        assert_eq!(paths_of(&real, None, Some(OsStr::new("relative:."))), std::slice::from_ref(&real));
        assert_eq!(paths_of(&real, None, None), [real]);
    }

    #[test]
    fn it_is_found_by_any_name_it_goes_by() {
        let machine = Machine::new();
        let real = machine.file("opt/twolock-1.2");
        let (tl2, usual) = (machine.link("bin/tl2", &real), machine.link("more/twolock", &real));
        let path = machine.path(&["bin", "more", "opt"]);
        for called in ["tl2", "./tl2", "/somewhere/tl2"] {
            let found = paths_of(&real, Some(OsStr::new(called)), Some(&path));
            assert_eq!(found[..2], [usual.clone(), tl2.clone()], "{called}");
        }
        assert_eq!(paths_of(&real, Some(OsStr::new("twolock-1.2")), Some(&machine.path(&["opt"])))[0], real);
        // Whatever the caller says it is called, another file is not this one.
        machine.file("bin/cat");
        assert_eq!(paths_of(&real, Some(OsStr::new("cat")), Some(&machine.path(&["bin"]))), [real]);
    }

    #[test]
    fn a_program_is_this_one_by_its_name_or_by_where_it_leads() {
        let machine = Machine::new();
        let real = machine.file("opt/tl2");
        let link = machine.link("bin/other", &real);
        let another = machine.file("bin/granted");
        for (program, is) in [
            (real.as_path(), true),
            (&link, true),
            (&another, false),
            (Path::new("/gone/tl2"), true),
            (Path::new("tl2"), true),
            (Path::new("other"), false),
            (Path::new("/gone/other"), false),
            (Path::new(""), false),
        ] {
            assert_eq!(is_at(program, &real), is, "{}", program.display());
        }
    }
}
