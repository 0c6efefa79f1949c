//! The programs of the desktop, such as the browser or one that shows a dialog: where they are, whether a person would
//! see them, and what they get of our environment.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::child;
use super::directories::Directories;
use super::env::{self, CREDENTIALS, Env, is_bus_of_sockets};
use super::path_owners::Steps;
use super::programs;

const BUS: &str = "DBUS_SESSION_BUS_ADDRESS";

/// What a program of the desktop needs. Others name modules that it would load, or programs that it would start, and a
/// directory may set variables.
const KEPT: [&str; 19] = [
    BUS,
    "DESKTOP_SESSION",
    "DISPLAY",
    "KDE_FULL_SESSION",
    "KDE_SESSION_VERSION",
    "LANG",
    "LC_ALL",
    "LC_MESSAGES",
    "LOGNAME",
    "TZ",
    "USER",
    "WAYLAND_DISPLAY",
    "WSL_DISTRO_NAME",
    "WSL_INTEROP",
    "XAUTHORITY",
    "XDG_CURRENT_DESKTOP",
    "XDG_RUNTIME_DIR",
    "XDG_SESSION_TYPE",
    "__CF_USER_TEXT_ENCODING",
];

/// Programs with a fixed path on their system.
pub const OSASCRIPT: &str = "/usr/bin/osascript";
pub const POWERSHELL: &str = r"C:\Windows\System32\WindowsPowerShell\v1.0\powershell.exe";

/// Finds a program by its path or, in the directories of the system and of package managers, by its name. A stand-in for
/// the account's home, in tests, stands for the whole machine, whatever system that is.
pub fn find(file: &str, dirs: &Directories) -> Option<PathBuf> {
    let is_there = child::is_executable;
    match (&dirs.account_stand_in, file.rsplit_once(['/', '\\'])) {
        (Some(home), Some((_, name))) => programs::find_below(home, name, is_there),
        (Some(home), None) => programs::find_below(home, file, is_there),
        (None, Some(_)) => Some(PathBuf::from(file)).filter(|file| file.is_absolute() && is_there(file)),
        (None, None) => programs::find(file, &dirs.account_home(), is_there),
    }
}

/// Whether a window would be seen. Over SSH, only X shows windows where the person is.
pub fn has_display(env: &Env) -> bool {
    if cfg!(any(target_os = "macos", windows)) {
        return env.raw("SSH_CONNECTION").is_none();
    }
    names_display(env)
}

/// Whether the environment names a display of X or Wayland.
pub fn names_display(env: &Env) -> bool {
    ["WAYLAND_DISPLAY", "DISPLAY"].iter().any(|display| env.raw(display).is_some())
}

/// Gives a program the variables it needs, and no credentials. It finds programs and settings where they are for the
/// account, whose home is `home`, not where variables say.
pub fn hand_environment(command: &mut Command, env: &Env, home: &Path) {
    if cfg!(unix) {
        env::remove_all_but(command, &KEPT);
        command.env("HOME", home).env("PATH", programs::path(home));
        if !env.raw(BUS).is_none_or(|addresses| is_bus_of_sockets(&addresses.to_string_lossy())) {
            command.env_remove(BUS);
        }
    } else {
        without_secrets(command);
    }
    match data_directories(env, home) {
        Some(directories) => command.env("XDG_DATA_DIRS", directories),
        None => command.env_remove("XDG_DATA_DIRS"),
    };
}

/// Keeps credentials and a code that was given to us from a program.
pub fn without_secrets(command: &mut Command) {
    for name in CREDENTIALS.iter().chain(&["TWOLOCK_MFA_CODE"]) {
        command.env_remove(name);
    }
}

/// Those of `XDG_DATA_DIRS` that only root can change, or that package managers keep in the home: its desktop entries
/// name programs.
fn data_directories(env: &Env, home: &Path) -> Option<OsString> {
    const BELOW_HOME: [&str; 2] = [".local/share/flatpak/exports/share", ".nix-profile/share"];
    let is_safe = |directory: &PathBuf| {
        BELOW_HOME.iter().any(|below| *directory == home.join(below))
            || directory.is_absolute() && Steps::to(directory).is_ok_and(|steps| steps.only_root_can_change_them())
    };
    let directories: Vec<PathBuf> = std::env::split_paths(env.raw("XDG_DATA_DIRS")?).filter(is_safe).collect();
    std::env::join_paths(directories).ok().filter(|joined| !joined.is_empty())
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    const HOME: &str = "/home/ana";

    #[test]
    fn desktop_entries_of_a_repository_do_not_count() {
        let repository = tempfile::tempdir().unwrap();
        // Root's directories count where only root can change them.
        std::fs::set_permissions(repository.path(), std::fs::Permissions::from_mode(0o777)).unwrap();
        let shown = |list: &str| data_directories(&Env::of([("XDG_DATA_DIRS", list)]), Path::new(HOME));
        let list = format!("{}:share:/usr/share:/home/ana/.nix-profile/share:/home/ana/x", repository.path().display());
        assert_eq!(shown(&list).unwrap(), "/usr/share:/home/ana/.nix-profile/share");
        assert_eq!(shown("share"), None);
        assert_eq!(data_directories(&Env::default(), Path::new(HOME)), None);
    }
}
