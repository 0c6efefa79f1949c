//! What the checks look at: read once, changed by none of them, and nothing of it is a failure.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use crate::aws_files::Profile;

use crate::error::{Failure, Result};
use crate::names::ProfileName;
use crate::session::sealing_key;
use crate::store::StoreError;
use crate::store::choose::Stores;
use crate::system::clock;
use crate::system::directories::{Directories, shorten};
use crate::system::env::Env;
use crate::system::permissions::{self, Found, What};
use crate::text::visible::visible;
use crate::timestamp::Timestamp;

use super::super::world::{self, Planned, World};

/// Far above any cache, far below what would hurt to look at.
const MOST_FILES: usize = 10_000;

/// Everything there is to look at.
pub struct Context {
    pub world: World,
    /// What could not be read.
    pub failures: Vec<Failure>,
    pub now: Timestamp,
    pub profiles: Vec<OneProfile>,
    pub places: Places,
    /// The keyrings, without leave to open a dialog, and what each says of the sealing key.
    pub stores: Stores,
    pub keyrings: Vec<(&'static str, Option<StoreError>)>,
}

/// A profile, and what would be done for it.
pub struct OneProfile {
    pub name: String,
    pub profile: Profile,
    /// Without suggestions; none where the name is no name.
    pub plan: Option<Result<Planned>>,
}

/// A file or folder that should be its owner's alone.
pub struct Place {
    pub path: PathBuf,
    pub shown: String,
    pub found: Found,
    /// What it ought to be.
    pub wanted: What,
    /// The folder it was found in, where nobody named it: all such files of a folder are one finding.
    pub among: Option<String>,
    /// Whether a variable chose it.
    pub is_chosen: bool,
}

/// Every place, and what could not be looked at.
#[derive(Default)]
pub struct Places {
    pub found: Vec<Place>,
    pub unseen: Vec<String>,
}

impl Context {
    /// Looks at everything; only a home folder that cannot be found is a failure.
    pub fn gather(env: &Env) -> Result<Self> {
        let (world, failures) = World::readable(Directories::find(env)?, env);
        let profiles = planned(&world);
        let stores = world.stores(false);
        let keyrings = sealing_key::ask_each(&stores, &world.folders.cache);
        let places = Places::of(&world);
        Ok(Self { failures, now: clock::now(), profiles, places, stores, keyrings, world })
    }

    /// Looks at the modes once more.
    pub fn look_again(&mut self) {
        self.places = Places::of(&self.world);
    }

    /// A path as the user would name it.
    pub fn shown(&self, path: &Path) -> String {
        shorten(path, &self.world.folders.home)
    }

    /// What the keyring that keeps access keys says; none where there is none by the settings.
    pub fn durable(&self) -> Option<(&'static str, Option<&StoreError>)> {
        let name = self.stores.durable.as_ref()?.name();
        self.keyrings.iter().find(|(asked, _)| *asked == name).map(|(name, said)| (*name, said.as_ref()))
    }

    /// Whether a keyring that keeps access keys answers.
    pub fn keeps_keys(&self) -> bool {
        let keeps = self.stores.durable.as_ref().is_some_and(|store| store.keeps_access_keys());
        keeps && self.durable().is_some_and(|(_, said)| is_usable(said))
    }
}

/// A store that has an item, or says that it has none, is there and open.
pub fn is_usable(said: Option<&StoreError>) -> bool {
    matches!(said, None | Some(StoreError::Absent))
}

fn planned(world: &World) -> Vec<OneProfile> {
    let one = |name: String| {
        let profile = world.files.profile(&name)?;
        let plan = ProfileName::parse(&name).ok().map(|parsed| world.plan_of_many(&parsed));
        Some(OneProfile { name, profile, plan })
    };
    world.files.profile_names().into_iter().filter_map(one).collect()
}

impl Places {
    fn of(world: &World) -> Self {
        let mut looking = Looking { home: &world.folders.home, seen: HashSet::new(), places: Self::default() };
        let aws = world.folders.home.join(".aws");
        looking.at(&aws, What::Directory, false);
        for choice in [&world.files.config_choice, &world.files.credentials_choice] {
            looking.at(&choice.path, What::File, choice.variable.is_some());
        }
        let settings = world::paths(&world.folders);
        let folders = &world.folders;
        let key_folder = world::key_folder(folders);
        let ours = [&folders.config, &folders.cache, &folders.data, &folders.state, &key_folder].map(PathBuf::clone);
        let home_settings = settings.home_file.parent().map(Path::to_owned);
        for folder in ours.iter().chain(&home_settings) {
            looking.above(folder);
            looking.at(folder, What::Directory, false);
        }
        for file in [&settings.file, &settings.home_file, &folders.data.join("keys.json")] {
            looking.at(file, What::File, false);
        }
        let login = world.env.raw("AWS_LOGIN_CACHE_DIRECTORY").map(PathBuf::from);
        let login_is_chosen = login.is_some();
        let login = login.unwrap_or_else(|| aws.join("login/cache"));
        for (cache, is_chosen) in
            [(aws.join("cli/cache"), false), (aws.join("sso/cache"), false), (login, login_is_chosen)]
        {
            looking.at(&cache, What::Directory, is_chosen);
            looking.within(&cache);
        }
        [aws].iter().chain(&ours).chain(&home_settings).for_each(|folder| looking.within(folder));
        looking.places
    }
}

/// One walk over the places, each looked at once whatever names it has.
struct Looking<'a> {
    home: &'a Path,
    seen: HashSet<PathBuf>,
    places: Places,
}

impl Looking<'_> {
    fn at(&mut self, path: &Path, wanted: What, is_chosen: bool) {
        self.add(path, wanted, None, is_chosen);
    }

    /// The folders on the way from the home to one of ours that another user made: nothing can be made in there.
    fn above(&mut self, folder: &Path) {
        let below_home = |above: &&Path| above.starts_with(self.home) && *above != self.home;
        let above: Vec<&Path> = folder.ancestors().skip(1).take_while(below_home).collect();
        for folder in above {
            if permissions::look(folder).is_ok_and(|found| found.is_some_and(|found| found.other_owner().is_some())) {
                self.add(folder, What::Directory, None, false);
            }
        }
    }

    /// The files of a folder that nobody named: copies of editors, cached credentials, sealed sessions. What its owner may
    /// run is a program, and not ours to change.
    fn within(&mut self, folder: &Path) {
        let among = Some(shorten(folder, self.home));
        let Ok(entries) = std::fs::read_dir(folder) else { return };
        for entry in entries.flatten().take(MOST_FILES) {
            if entry.file_type().is_ok_and(|kind| !kind.is_dir() && !kind.is_symlink()) {
                self.add(&entry.path(), What::File, among.clone(), false);
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
                self.places.found.push(Place { path: path.to_owned(), shown, found, wanted, among, is_chosen });
            }
            Ok(None) => {}
            Err(e) => self.places.unseen.push(format!("{}: {e}", visible(&shown))),
        }
    }
}

fn is_program(found: &Found) -> bool {
    found.what == What::File && found.ownership.is_some_and(|of| of.mode & 0o100 != 0)
}
