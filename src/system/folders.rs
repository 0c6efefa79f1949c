//! Where our files lie: the platform's folders, found once.

use std::path::PathBuf;

use crate::error::{Failure, Kind, Result};
use crate::system::env::Env;

/// The folders of this user. None is created by finding it.
#[derive(Clone, Debug)]
pub struct Folders {
    /// The home folder: `HOME`, else the passwd entry.
    pub home: PathBuf,
    /// `config.toml` lies here.
    pub config: PathBuf,
    /// Sealed sessions and locks lie here.
    pub cache: PathBuf,
    /// `keys.json` lies here.
    pub data: PathBuf,
}

impl Folders {
    /// Finds the folders; a relative `HOME`, or none at all, is a failure.
    pub fn find(env: &Env) -> Result<Self> {
        if let Some(home) = env.raw("HOME").map(PathBuf::from).filter(|home| !home.is_absolute()) {
            let cause = format!("HOME is '{}', which is not an absolute path", home.display());
            return Err(Failure::new(Kind::Config, cause).hint("set HOME to your home folder"));
        }
        let folders = || {
            Some(Self {
                home: dirs::home_dir()?,
                config: dirs::config_dir()?.join("twolock"),
                cache: dirs::cache_dir()?.join("twolock"),
                data: dirs::data_dir()?.join("twolock"),
            })
        };
        folders().ok_or_else(|| {
            Failure::new(Kind::Config, "your home folder cannot be found").hint("set HOME to your home folder")
        })
    }
}
