//! Where our files are stored: the platform's directories, found once.

use std::io;
use std::path::{MAIN_SEPARATOR, Path, PathBuf};

use crate::error::{Failure, Kind, Result};
use crate::system::env::{Env, FILE_VARIABLES};
use crate::system::platform;

/// The variable that names the home directory: `HOME`, on Windows `USERPROFILE`.
pub const HOME_VARIABLE: &str = platform::HOME_VARIABLE;

/// The directories of this user. None is created by finding it.
#[derive(Clone, Debug)]
pub struct Directories {
    /// The home directory: what [`HOME_VARIABLE`] says, else the account database.
    pub home: PathBuf,
    /// Holds `config.toml`.
    pub config: PathBuf,
    /// Holds sealed sessions and locks.
    pub cache: PathBuf,
    /// Holds `keys.json` and the key file. Like the keyring they belong to this machine: nothing of them roams.
    pub data: PathBuf,
    /// Holds `state.json`: what may be deleted but is not a cache. The data directory on platforms without a state directory.
    pub state: PathBuf,
    /// Stands for the account's own home in tests; else the account database is asked when it is needed.
    pub account_stand_in: Option<PathBuf>,
    /// No directory of these exists, and none is made.
    pub is_nowhere: bool,
}

impl Directories {
    /// Finds the directories; a relative home, or none at all, is a failure.
    pub fn find(env: &Env) -> Result<Self> {
        let hint = format!("set {HOME_VARIABLE} to your home directory");
        let given = env.raw(HOME_VARIABLE).map(PathBuf::from);
        if let Some(home) = given.as_ref().filter(|home| !home.is_absolute()) {
            let cause = format!("{HOME_VARIABLE} is '{}', which is not an absolute path", home.display());
            return Err(Failure::new(Kind::Config, cause).hint(hint));
        }
        let directories = move || {
            let home = given.or_else(dirs::home_dir)?;
            Some(Self {
                home,
                config: dirs::config_dir()?.join("twolock"),
                cache: dirs::cache_dir()?.join("twolock"),
                data: dirs::data_local_dir()?.join("twolock"),
                state: dirs::state_dir().or_else(dirs::data_local_dir)?.join("twolock"),
                account_stand_in: stand_in(env),
                is_nowhere: false,
            })
        };
        directories().ok_or_else(|| Failure::new(Kind::Config, "your home directory cannot be found").hint(hint))
    }

    /// The same for commands that can do without: a user without any home, whose AWS files are both selected by variables.
    pub fn find_or_do_without(env: &Env) -> Result<Self> {
        let is_absolute = |name: &&'static str| env.raw(name).is_some_and(|path| Path::new(path).is_absolute());
        let are_selected = FILE_VARIABLES.iter().all(is_absolute);
        match Self::find(env) {
            Err(_) if are_selected && env.raw(HOME_VARIABLE).is_none() => Ok(Self::nowhere()),
            found => found,
        }
    }

    fn nowhere() -> Self {
        // as the account `nobody` has it: absolute, so that nothing is read from the current directory
        let home = || PathBuf::from("/nonexistent");
        let [config, cache, data, state] = [home(), home(), home(), home()];
        Self { home: home(), config, cache, data, state, account_stand_in: Some(home()), is_nowhere: true }
    }

    /// The account's own home, whatever a variable says: that of the account database, or the home directory where it
    /// has no entry for this user. Asks the account database, which a cached answer seldom does.
    pub fn account_home(&self) -> PathBuf {
        let listed = || if cfg!(windows) { dirs::home_dir() } else { platform::account()?.home };
        self.account_stand_in.clone().or_else(listed).unwrap_or_else(|| self.home.clone())
    }

    /// Whether the home directory is the account's own, so that no variable has moved it.
    pub fn is_account_home(&self) -> bool {
        let own = self.account_home();
        let resolved = |path| resolve(path).ok();
        own == self.home || resolved(&own).is_some_and(|own| resolved(&self.home) == Some(own))
    }

    /// Whether no variable has moved the data directory: it is the only one of this account's that `keys.json` is in.
    pub fn has_account_data(&self) -> bool {
        self.is_account_home() && self.data == self.home.join(DATA_BELOW_HOME).join("twolock")
    }

    /// The data directory below the account's own home: it has the journal of a change, the locks, and the key file.
    pub fn account_data(&self) -> PathBuf {
        self.account_home().join(DATA_BELOW_HOME).join("twolock")
    }

    /// The state directory below the account's own home: it has the history, which no variable may divert.
    pub fn account_state(&self) -> PathBuf {
        match STATE_BELOW_HOME {
            Some(below) => self.account_home().join(below).join("twolock"),
            None => self.account_data(),
        }
    }

    /// The directory of `config.toml` below a home.
    pub fn config_below(&self, home: &Path) -> PathBuf {
        // No variable moves it on Windows.
        if cfg!(windows) { self.config.clone() } else { home.join(CONFIG_BELOW_HOME).join("twolock") }
    }
}

/// Where the platform keeps a user's settings, below the home directory.
const CONFIG_BELOW_HOME: &str = if cfg!(target_os = "macos") { "Library/Application Support" } else { ".config" };

/// Where the platform keeps a user's data, below the home directory.
const DATA_BELOW_HOME: &str = match () {
    () if cfg!(windows) => r"AppData\Local",
    () if cfg!(target_os = "macos") => "Library/Application Support",
    () => ".local/share",
};

/// Where the platform keeps what may be deleted but is not a cache, if it has a place for that.
const STATE_BELOW_HOME: Option<&str> =
    if cfg!(any(windows, target_os = "macos")) { None } else { Some(".local/state") };

/// A build with the feature `sandbox` lets a variable stand for the account database, so that tests have an account of
/// their own.
fn stand_in(env: &Env) -> Option<PathBuf> {
    if cfg!(feature = "sandbox") { env.raw("TWOLOCK_ACCOUNT_HOME").map(PathBuf::from) } else { None }
}

/// A path with the home directory as `~`, and then with `/` on Windows too, as AWS's documentation writes it.
pub fn shorten(path: &Path, home: &Path) -> String {
    match path.strip_prefix(home) {
        Ok(rest) if !home.as_os_str().is_empty() => format!("~/{}", rest.display()).replace(MAIN_SEPARATOR, "/"),
        _ => path.display().to_string(),
    }
}

/// A command whose last word is a path, with the home directory as `~`; one that is quoted stays as it is.
pub(crate) fn shorten_last_word(command: &str, home: &Path) -> String {
    match command.rsplit_once(' ') {
        Some((rest, path)) if Path::new(path) != home => format!("{rest} {}", shorten(Path::new(path), home)),
        _ => command.into(),
    }
}

/// Returns a path that is there, absolute and with its symlinks resolved, as people write it on this platform.
pub fn resolve(path: &Path) -> io::Result<PathBuf> {
    std::fs::canonicalize(path).map(platform::usual_path)
}

/// Whether a directory may be written to, or created where it is missing.
pub fn may_be_written(directory: &Path) -> bool {
    directory.ancestors().find(|path| path.exists()).is_some_and(platform::may_write)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_platforms_own_variable_names_the_home_and_no_other_does() {
        let home = tempfile::tempdir().unwrap();
        let other = if HOME_VARIABLE == "HOME" { "USERPROFILE" } else { "HOME" };
        let env = Env::of([(HOME_VARIABLE, home.path().to_str().unwrap()), (other, "relative")]);
        assert_eq!(Directories::find(&env).unwrap().home, home.path());
    }

    /// Run by `tests/run` in a build without the feature, such as releases are.
    #[cfg(not(feature = "sandbox"))]
    #[test]
    fn no_variable_stands_for_the_account_in_a_release() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().to_str().unwrap();
        let directories = Directories::find(&Env::of([(HOME_VARIABLE, path), ("TWOLOCK_ACCOUNT_HOME", path)])).unwrap();
        assert_eq!(directories.account_stand_in, None);
        assert!(!directories.is_account_home());
    }

    #[test]
    fn a_path_below_the_home_is_shown_from_there() {
        let home = Path::new("/home/ana");
        for (path, shown) in [("/home/ana/.aws/x", "~/.aws/x"), ("/home/anatol/x", "/home/anatol/x"), ("x", "x")] {
            assert_eq!(shorten(Path::new(path), home), shown);
        }
        assert_eq!(shorten(Path::new("/x"), Path::new("")), "/x");
    }

    #[test]
    fn a_path_that_ends_a_command_is_shown_from_the_home_where_a_shell_finds_it() {
        let home = Path::new("/home/ana");
        for (command, shown) in [
            ("chown -R x /home/ana/.cache/twolock", "chown -R x ~/.cache/twolock"),
            ("chown -R x /home/ana", "chown -R x /home/ana"),
            ("chown -R x '/home/ana/a b'", "chown -R x '/home/ana/a b'"),
            ("chown -R x /srv/twolock", "chown -R x /srv/twolock"),
            ("twolock", "twolock"),
        ] {
            assert_eq!(shorten_last_word(command, home), shown);
        }
    }

    #[test]
    fn a_relative_home_is_refused_by_the_variables_name() {
        let failure = Directories::find(&Env::of([(HOME_VARIABLE, "relative")])).unwrap_err();
        assert_eq!(failure.cause, format!("{HOME_VARIABLE} is 'relative', which is not an absolute path"));
    }
}
