//! What the checks examine, read once. Problems with reading become findings.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use crate::aws_files::Profile;
use crate::cmd::bases::login;
use crate::error::{Failure, Kind, Result};
use crate::names::ProfileName;
use crate::profile::adoption;
use crate::profile::base::Base;
use crate::profile::facts::names_twolock;
use crate::profile::keys;
use crate::profile::plan::Plan;
use crate::session::sealing_key;
use crate::store::choose::Stores;
use crate::store::{About, StoreError};
use crate::system::clock;
use crate::system::directories::{Directories, shorten};
use crate::system::env::Env;
use crate::system::foreign_file::plain;
use crate::system::permissions::{self, PathFacts, What};
use crate::text::visible::visible;
use crate::timestamp::Timestamp;

use super::super::context::{self, Context, Planned};

/// Limits the time for a directory; no real cache has that many.
const MOST_FILES: usize = 10_000;

pub struct Checkup {
    pub context: Context,
    pub failures: Vec<Failure>,
    pub now: Timestamp,
    pub profiles: Vec<OneProfile>,
    pub places: CheckedPaths,
    /// The keyrings, which must not open a dialog, and the answer of each about the sealing key.
    pub stores: Stores,
    pub keyrings: Vec<(&'static About, Option<StoreError>)>,
}

pub struct OneProfile {
    pub name: String,
    pub profile: Profile,
    /// Without suggestions; none if the name is invalid.
    pub plan: Option<Result<Planned>>,
}

impl OneProfile {
    /// Whether it has a device or a role, or anything for twolock. Others may be of another cloud.
    pub fn concerns_mfa(&self) -> bool {
        names_twolock(&self.profile) || self.profile.settings().iter().any(|setting| keys::concerns_mfa(&setting.key))
    }
}

/// A file or directory that only its owner should access.
pub struct CheckedPath {
    pub path: PathBuf,
    pub shown: String,
    pub found: PathFacts,
    pub wanted: What,
    /// The directory it was found in by listing: all such files in a directory are one finding.
    pub among: Option<String>,
    /// Whether a variable selects it.
    pub is_chosen: bool,
}

#[derive(Default)]
pub struct CheckedPaths {
    pub found: Vec<CheckedPath>,
    /// Files of web identity tokens. Who issues them decides where they are, and whose.
    pub tokens: Vec<CheckedPath>,
    pub unseen: Vec<String>,
}

impl Checkup {
    /// Fails only if the home directory cannot be found.
    pub fn gather(env: &Env) -> Result<Self> {
        let (context, failures) = Context::readable(Directories::find(env)?, env);
        let profiles = planned(&context);
        let stores = context.stores(false);
        let keyrings = sealing_key::ask_each(&stores, &context.dirs.cache);
        let places = CheckedPaths::of(&context, &profiles);
        Ok(Self { failures, now: clock::now(), profiles, places, stores, keyrings, context })
    }

    pub fn look_again(&mut self) {
        self.places = CheckedPaths::of(&self.context, &self.profiles);
    }

    pub fn shown(&self, path: &Path) -> String {
        shorten(path, &self.context.dirs.home)
    }

    /// Why a profile cannot be adopted, if so.
    pub fn why_not_adopted(&self, name: &str) -> Option<Failure> {
        let name = match ProfileName::parse(name) {
            Ok(name) => name,
            Err(why) => return Some(Failure::new(Kind::Config, why)),
        };
        adoption::of_one(self.context.quiet(), &name, true).err()
    }

    /// The persistent keyring and its answer, unless the settings exclude it.
    pub fn durable(&self) -> Option<(&'static About, Option<&StoreError>)> {
        let durable = self.stores.durable.as_ref()?.about();
        self.keyrings.iter().find(|(asked, _)| *asked == durable).map(|(store, error)| (*store, error.as_ref()))
    }

    /// Whether a keyring for access keys answers.
    pub fn keeps_keys(&self) -> bool {
        self.stores.of_access_keys().is_some() && self.durable().is_some_and(|(_, error)| is_usable(error))
    }
}

/// A store that returns an item or reports that it has none is available and unlocked.
pub fn is_usable(error: Option<&StoreError>) -> bool {
    matches!(error, None | Some(StoreError::Absent))
}

fn planned(context: &Context) -> Vec<OneProfile> {
    let one = |name: String| {
        let profile = context.files.profile(&name)?;
        let plan = ProfileName::parse(&name).ok().map(|parsed| context.plan_of_many(&parsed));
        Some(OneProfile { name, profile, plan })
    };
    context.profile_names().into_iter().filter_map(one).collect()
}

impl CheckedPaths {
    fn of(context: &Context, profiles: &[OneProfile]) -> Self {
        let mut looking = Looking { home: &context.dirs.home, seen: HashSet::new(), places: Self::default() };
        let aws = looking.home.join(".aws");
        looking.at(&aws, What::Directory, false);
        for choice in [&context.files.config_choice, &context.files.credentials_choice] {
            looking.at(&choice.path, What::File, choice.variable.is_some());
        }
        let dirs = &context.dirs;
        let settings = context::paths(dirs);
        let key_dir = dirs.account_data();
        let ours = [&dirs.config, &dirs.cache, &dirs.data, &dirs.state, &key_dir].map(PathBuf::clone);
        let home_settings = settings.account_file.parent().map(Path::to_owned);
        for dir in ours.iter().chain(&home_settings) {
            looking.above(dir);
            looking.at(dir, What::Directory, false);
        }
        for file in [&settings.file, &settings.account_file, &dirs.data.join("keys.json")] {
            looking.at(file, What::File, false);
        }
        let login = login::chosen_cache(context).map(|chosen| (chosen, true));
        let login = login.unwrap_or_else(|| (aws.join("login/cache"), false));
        for (cache, is_chosen) in
            [aws.join("cli/cache"), aws.join("boto/cache"), aws.join("sso/cache"), looking.home.join(".ecr")]
                .map(|cache| (cache, false))
                .into_iter()
                .chain([login])
        {
            // What a variable names may be anything, such as /etc.
            if !is_chosen {
                looking.at(&cache, What::Directory, is_chosen);
                looking.within(&cache);
            } else {
                looking.sessions_of_login(&cache);
            }
        }
        [aws].iter().chain(&ours).chain(&home_settings).for_each(|dir| looking.within(dir));
        looking.tokens(context, profiles);
        looking.places
    }
}

/// Examines each path once.
struct Looking<'a> {
    home: &'a Path,
    seen: HashSet<PathBuf>,
    places: CheckedPaths,
}

impl Looking<'_> {
    fn at(&mut self, path: &Path, wanted: What, is_chosen: bool) {
        self.add(path, wanted, None, is_chosen);
    }

    /// Directories between the home directory and one of ours that belong to another user: we cannot create files
    /// there.
    fn above(&mut self, dir: &Path) {
        let below_home = |above: &&Path| above.starts_with(self.home) && *above != self.home;
        let above: Vec<&Path> = dir.ancestors().skip(1).take_while(below_home).collect();
        for dir in above {
            if permissions::look(dir).is_ok_and(|found| found.is_some_and(|found| found.other_owner().is_some())) {
                self.add(dir, What::Directory, None, false);
            }
        }
    }

    /// The other files in a directory: copies of editors, cached credentials, sealed sessions. Executables are
    /// programs, and are ignored.
    fn within(&mut self, dir: &Path) {
        let among = Some(shorten(dir, self.home));
        let Ok(entries) = std::fs::read_dir(dir) else { return };
        for entry in entries.flatten().take(MOST_FILES) {
            if entry.file_type().is_ok_and(|kind| !kind.is_dir() && !kind.is_symlink()) {
                self.add(&entry.path(), What::File, among.clone(), false);
            }
        }
    }

    /// The files of `aws login` in a directory that a variable named: 64 hexadecimal digits each.
    fn sessions_of_login(&mut self, dir: &Path) {
        let is_session = |path: &Path| {
            let stem = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
            path.extension().is_some_and(|end| end == "json")
                && stem.len() == 64
                && stem.bytes().all(|b| b.is_ascii_hexdigit())
        };
        for path in std::fs::read_dir(dir).into_iter().flatten().flatten().map(|entry| entry.path()).take(MOST_FILES) {
            if is_session(&path) {
                self.add(&path, What::File, Some(shorten(dir, self.home)), false);
            }
        }
    }

    /// Only those that a file names which may name programs, too: another one may name any file.
    fn tokens(&mut self, context: &Context, profiles: &[OneProfile]) {
        for one in profiles {
            let Some(Ok(Planned { plan: Plan { base: Base::WebIdentity(web), .. }, .. })) = &one.plan else { continue };
            if context.may_start_program(&web.profile, &web.place).is_err() {
                continue;
            }
            let path = Path::new(&web.token_file);
            if let (true, Ok(Some(found))) = (self.seen.insert(path.to_owned()), permissions::look(path)) {
                let (path, shown, wanted) = (path.to_owned(), shorten(path, self.home), What::File);
                self.places.tokens.push(CheckedPath { path, shown, found, wanted, among: None, is_chosen: true });
            }
        }
    }

    fn add(&mut self, path: &Path, wanted: What, among: Option<String>, is_chosen: bool) {
        if !self.seen.insert(path.to_owned()) {
            return;
        }
        let shown = shorten(path, self.home);
        match permissions::look(path) {
            Ok(Some(found)) if among.is_some() && is_program(&found) => {}
            Ok(Some(found)) => {
                self.places.found.push(CheckedPath { path: path.to_owned(), shown, found, wanted, among, is_chosen });
            }
            Ok(None) => {}
            Err(e) => self.places.unseen.push(format!("{}: {}", visible(&shown), plain(&e))),
        }
    }
}

fn is_program(found: &PathFacts) -> bool {
    found.what == What::File && found.ownership.is_some_and(|of| of.mode & 0o100 != 0)
}
