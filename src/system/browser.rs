//! The browser of the desktop, and how it is started: not by what a repository's variables name (threat-model P16).

use std::io;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use super::env::Env;
use super::{child, desktop, platform, programs};

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
            None if !desktop::names_display(env) => Err(NoBrowser::NoDisplay),
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
        desktop::hand_environment(&mut command, env, home);
        prepare(&mut command);
        child::start_apart(&mut command)
    }
}

#[cfg(all(test, unix))]
mod tests {
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
}
