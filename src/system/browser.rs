//! The browser of the desktop, and how it is started: not by what a repository's variables name (threat-model P16).

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use super::env::{self, CREDENTIALS, Env, is_bus_of_sockets};
use super::path_owners::Steps;
use super::{child, platform, programs};

/// A program that opens an address in a browser.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Browser {
    pub program: PathBuf,
    arguments: &'static [&'static str],
}

/// Why there is no browser to start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NoBrowser {
    /// It would open where nobody sits.
    Ssh,
    /// `xdg-open` would start a text browser in the terminal.
    NoDisplay,
    /// The program is missing.
    NotFound(PathBuf),
    NoOpener,
}

/// What decides which program opens an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Machine {
    Mac,
    Windows,
    Wsl,
    Desktop,
}

const OF_WINDOWS: &[&str] = &["url.dll,FileProtocolHandler"];

impl Machine {
    fn this() -> Self {
        match () {
            () if cfg!(target_os = "macos") => Machine::Mac,
            () if cfg!(windows) => Machine::Windows,
            () if is_wsl(&std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default()) => Machine::Wsl,
            () => Machine::Desktop,
        }
    }

    /// The system's own program, which is at one place; a desktop's `xdg-open` is not.
    fn own(self) -> Option<Browser> {
        let (program, arguments): (_, &[&str]) = match self {
            Machine::Mac => ("/usr/bin/open", &[]),
            Machine::Windows => (r"C:\Windows\System32\rundll32.exe", OF_WINDOWS),
            Machine::Wsl => ("/mnt/c/Windows/System32/rundll32.exe", OF_WINDOWS),
            Machine::Desktop => return None,
        };
        Some(Browser { program: program.into(), arguments })
    }
}

/// Whether this Linux is one of WSL.
pub fn is_in_wsl() -> bool {
    Machine::this() == Machine::Wsl
}

/// Microsoft names the kernels of WSL, of both versions.
fn is_wsl(kernel: &str) -> bool {
    kernel.to_ascii_lowercase().contains("microsoft")
}

impl Browser {
    /// The program that the settings name; else the one of the system or desktop. `home` is the account's own.
    pub fn find(env: &Env, set: Option<&Path>, home: &Path) -> Result<Self, NoBrowser> {
        Self::find_on(Machine::this(), env, set, home, platform::is_executable)
    }

    fn find_on(
        machine: Machine,
        env: &Env,
        set: Option<&Path>,
        home: &Path,
        is_there: impl Fn(&Path) -> bool,
    ) -> Result<Self, NoBrowser> {
        if let Some(set) = set {
            let there = is_there(set).then(|| Self { program: set.into(), arguments: &[] });
            return there.ok_or_else(|| NoBrowser::NotFound(set.into()));
        }
        if env.raw("SSH_CONNECTION").is_some() {
            return Err(NoBrowser::Ssh);
        }
        let own = machine.own();
        match own.filter(|own| is_there(&own.program)) {
            Some(own) => Ok(own),
            None if matches!(machine, Machine::Mac | Machine::Windows) => Err(NoBrowser::NoOpener),
            None if ["WAYLAND_DISPLAY", "DISPLAY"].iter().all(|display| env.raw(display).is_none()) => {
                Err(NoBrowser::NoDisplay)
            }
            None => {
                let program = programs::find("xdg-open", home, is_there).ok_or(NoBrowser::NoOpener)?;
                Ok(Self { program, arguments: &[] })
            }
        }
    }

    /// Starts it apart from our terminal. It finds programs and settings where they are for the account, not where
    /// variables say, and gets no credentials.
    pub fn open(&self, url: &str, env: &Env, home: &Path, prepare: impl FnOnce(&mut Command)) -> io::Result<Child> {
        let mut command = Command::new(&self.program);
        command.args(self.arguments).arg(url);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        if cfg!(unix) {
            env::remove_all_but(&mut command, &KEPT);
            command.env("HOME", home).env("PATH", programs::path(home));
            if !env.raw(BUS).is_none_or(|addresses| is_bus_of_sockets(&addresses.to_string_lossy())) {
                command.env_remove(BUS);
            }
        } else {
            for name in CREDENTIALS.iter().chain(&["TWOLOCK_MFA_CODE"]) {
                command.env_remove(name);
            }
        }
        match data_directories(env, home) {
            Some(directories) => command.env("XDG_DATA_DIRS", directories),
            None => command.env_remove("XDG_DATA_DIRS"),
        };
        prepare(&mut command);
        child::start_apart(&mut command)
    }
}

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
    const DISPLAY: (&str, &str) = ("DISPLAY", ":0");
    const SSH: (&str, &str) = ("SSH_CONNECTION", "10.0.0.1 50000 10.0.0.2 22");

    fn found(
        machine: Machine,
        env: &[(&'static str, &str)],
        set: Option<&str>,
        there: &str,
    ) -> Result<String, NoBrowser> {
        let env = Env::of(env.iter().copied());
        let is_there = |file: &Path| there.split(' ').any(|there| file == Path::new(there));
        let browser = Browser::find_on(machine, &env, set.map(Path::new), Path::new(HOME), is_there)?;
        let words = std::iter::once(browser.program.to_str().unwrap()).chain(browser.arguments.iter().copied());
        Ok(words.collect::<Vec<_>>().join(" "))
    }

    #[test]
    fn the_browser_is_the_one_that_is_set_else_the_systems() {
        use Machine::*;
        let xdg = "/usr/bin/xdg-open";
        let wsl = "/mnt/c/Windows/System32/rundll32.exe";
        let on_windows = |program: &str| Ok(format!("{program} url.dll,FileProtocolHandler"));
        for (machine, env, set, there, expected) in [
            (Desktop, [DISPLAY].as_slice(), None, xdg, Ok(xdg.to_owned())),
            (Desktop, &[("WAYLAND_DISPLAY", "wayland-0")], None, xdg, Ok(xdg.into())),
            (
                Desktop,
                &[DISPLAY],
                None,
                "/home/ana/.nix-profile/bin/xdg-open",
                Ok("/home/ana/.nix-profile/bin/xdg-open".into()),
            ),
            (Desktop, &[DISPLAY], None, "/home/ana/bin/xdg-open", Err(NoBrowser::NoOpener)),
            (Desktop, &[], None, xdg, Err(NoBrowser::NoDisplay)),
            (Desktop, &[SSH, DISPLAY], None, xdg, Err(NoBrowser::Ssh)),
            (Desktop, &[SSH], Some("/opt/b"), "/opt/b", Ok("/opt/b".into())),
            (Desktop, &[DISPLAY], Some("/opt/b"), xdg, Err(NoBrowser::NotFound("/opt/b".into()))),
            // Whatever a repository's variables say.
            (
                Desktop,
                &[DISPLAY, ("BROWSER", "/repo/b"), ("PATH", "/repo")],
                None,
                "/usr/bin/xdg-open /repo/b /repo/xdg-open",
                Ok(xdg.into()),
            ),
            (Mac, &[], None, "/usr/bin/open", Ok("/usr/bin/open".into())),
            (Mac, &[SSH], None, "/usr/bin/open", Err(NoBrowser::Ssh)),
            (Mac, &[], None, "", Err(NoBrowser::NoOpener)),
            (Windows, &[], None, r"C:\Windows\System32\rundll32.exe", on_windows(r"C:\Windows\System32\rundll32.exe")),
            (Wsl, &[], None, wsl, on_windows(wsl)),
            (Wsl, &[SSH], None, wsl, Err(NoBrowser::Ssh)),
            // A container in WSL, or one without its drives.
            (Wsl, &[DISPLAY], None, xdg, Ok(xdg.into())),
            (Wsl, &[], None, xdg, Err(NoBrowser::NoDisplay)),
        ] {
            assert_eq!(found(machine, env, set, there), expected, "{machine:?} {env:?} {set:?} {there}");
        }
    }

    #[test]
    fn a_kernel_of_wsl_is_known_by_its_name() {
        assert!(is_wsl("4.4.0-19041-Microsoft") && is_wsl("5.15.153.1-microsoft-standard-WSL2\n"));
        assert!(!is_wsl("6.1.0-18-amd64") && !is_wsl(""));
    }

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
