//! The directories that programs started by name are taken from, whatever `PATH` says: a repository can set `PATH`.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::{foreign_file, platform};

/// Package managers that install below a home.
const BELOW_HOME: [&str; 2] = [".nix-profile/bin", ".local/state/nix/profile/bin"];

/// Whether a directory is the system's, or that of a package manager. `home` is the account's own.
pub(crate) fn is_known_directory(directory: Option<&Path>, home: &Path) -> bool {
    directory.is_some_and(|directory| {
        platform::is_system_directory(directory) || BELOW_HOME.iter().any(|below| directory == home.join(below))
    })
}

/// Finds a program in these directories.
pub(crate) fn find(name: &str, home: &Path, is_there: impl Fn(&Path) -> bool) -> Option<PathBuf> {
    directories(home).map(|directory| directory.join(name)).find(|file| is_there(file))
}

/// Finds a program in those of these directories that are below a home.
pub(crate) fn find_below(home: &Path, name: &str, is_there: impl Fn(&Path) -> bool) -> Option<PathBuf> {
    BELOW_HOME.iter().map(|below| home.join(below).join(name)).find(|file| is_there(file))
}

/// A `PATH` of these directories.
pub(crate) fn path(home: &Path) -> OsString {
    // Not all, if the home's own path has a colon.
    std::env::join_paths(directories(home))
        .or_else(|_| std::env::join_paths(platform::SYSTEM_DIRECTORIES))
        .unwrap_or_default()
}

/// A person's own before the system's, as on a `PATH`.
fn directories(home: &Path) -> impl Iterator<Item = PathBuf> {
    let own = BELOW_HOME.iter().map(|below| home.join(below));
    own.chain(platform::SYSTEM_DIRECTORIES.iter().map(PathBuf::from))
}

/// Whether a program is a login shell of this machine.
pub(crate) fn is_login_shell(program: &Path) -> bool {
    let listed = foreign_file::load(Path::new("/etc/shells"), "/etc/shells", 1 << 16).unwrap_or_default();
    let program = program.as_os_str().as_encoded_bytes();
    program.starts_with(b"/") && listed.split(|&b| b == b'\n').any(|line| line.trim_ascii() == program)
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn only_the_directories_of_the_system_and_of_package_managers_are_known() {
        let home = Path::new("/home/ana");
        for (directory, expected) in [
            ("/usr/bin", true),
            ("/usr/local/bin", true),
            ("/opt/homebrew/bin", true),
            ("/home/ana/.nix-profile/bin", true),
            ("/home/eve/.nix-profile/bin", false),
            ("/home/ana/bin", false),
            ("/home/ana/.local/bin", false),
            ("/usr/bin/../../repo", false),
            ("/usr/bin/below", false),
            ("", false),
        ] {
            assert_eq!(is_known_directory(Some(Path::new(directory)), home), expected, "{directory}");
        }
        assert!(!is_known_directory(None, home));
    }
}
