//! The two AWS files, every byte kept: the settings of each profile and their lines.
//!
//! Uses the vocabulary and `system`; never STS, stores or prompts. We accept whatever any SDK accepts
//! (aws-contract 1.2): a file that works for one tool must not make twolock fail. What other readers refuse is listed
//! by [`file::AwsFile::oddities`].

use std::cell::OnceCell;
use std::collections::HashSet;
use std::ffi::OsStr;
use std::fmt;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use crate::error::{Failure, Kind, Place, Result};
use crate::origin::FileChoice;
use crate::system::directories::shorten;
use crate::system::env::Env;
use crate::system::foreign_file;
use file::{AwsFile, FileKind};
use near::NearSection;
pub use section::{Section, Setting};

mod construct;
pub mod edit;
pub mod file;
mod grammar;
mod heading;
pub mod hunk;
pub mod near;
pub mod oddities;
pub mod process_line;
pub mod section;
mod unreadable;

/// Far above any real file, far below what would use up memory.
pub const LARGEST_FILE: u64 = 64 << 20;

/// `config` and `credentials`, read once.
#[derive(Clone, Debug)]
pub struct AwsFiles {
    /// `~/.aws/config` or what `AWS_CONFIG_FILE` names.
    pub config: Rc<AwsFile>,
    /// `~/.aws/credentials` or what `AWS_SHARED_CREDENTIALS_FILE` names.
    pub credentials: Rc<AwsFile>,
    pub config_choice: FileChoice,
    pub credentials_choice: FileChoice,
}

/// What both files say about one profile; the credentials file wins key by key.
#[derive(Debug)]
pub struct Profile {
    pub name: String,
    /// Its first header, in the config file if that has one.
    pub place: Place,
    pub config: Option<Rc<Section>>,
    pub credentials: Option<Rc<Section>>,
    /// Where [`Profile::near`] looks when it is asked: most profiles are used without.
    files: [Rc<AwsFile>; 2],
    near: OnceCell<Vec<NearSection>>,
}

impl AwsFiles {
    /// Reads both files. A missing one is empty; one that cannot be read counts as empty and is reported.
    pub fn load(env: &Env, home: &Path) -> (Self, Vec<Failure>) {
        let config_choice = choice(env, home, "AWS_CONFIG_FILE", "config");
        let credentials_choice = choice(env, home, "AWS_SHARED_CREDENTIALS_FILE", "credentials");
        let mut failures = Vec::new();
        let mut load = |choice: &FileChoice, kind: FileKind| {
            load(choice, kind, home).unwrap_or_else(|failure| {
                failures.push(failure);
                AwsFile::from_bytes(kind, shorten(&choice.path, home), Vec::new())
            })
        };
        let config = Rc::new(load(&config_choice, FileKind::Config));
        let credentials = Rc::new(load(&credentials_choice, FileKind::Credentials));
        (Self { config, credentials, config_choice, credentials_choice }, failures)
    }

    pub fn profile(&self, name: &str) -> Option<Profile> {
        let (config, credentials) = (self.config.section(name), self.credentials.section(name));
        let place = match (&config, &credentials) {
            (Some(section), _) => self.config.place(section.header_line),
            (None, Some(section)) => self.credentials.place(section.header_line),
            (None, None) => return None,
        };
        Some(Profile { name: name.into(), place, config, credentials, files: self.both(), near: OnceCell::new() })
    }

    pub fn of(&self, kind: FileKind) -> &AwsFile {
        match kind {
            FileKind::Config => &self.config,
            FileKind::Credentials => &self.credentials,
        }
    }

    /// The two files as messages name them, with the variable that leads to one that does not exist.
    pub fn shown(&self) -> String {
        let shown = |file: &AwsFile, choice: &FileChoice| match choice.variable {
            Some(variable) if choice.is_missing => format!("{} ({variable}: no such file)", file.shown()),
            _ => file.shown().to_owned(),
        };
        let config = shown(&self.config, &self.config_choice);
        format!("{config} or {}", shown(&self.credentials, &self.credentials_choice))
    }

    pub fn not_found(&self, name: impl fmt::Display) -> Failure {
        Failure::new(Kind::Config, format!("not found in {}", self.shown())).of_profile(name)
    }

    fn both(&self) -> [Rc<AwsFile>; 2] {
        [self.config.clone(), self.credentials.clone()]
    }

    /// Returns the names of all profiles, those of the config file first, each once.
    pub fn profile_names(&self) -> Vec<String> {
        let mut names = self.config.profile_names();
        names.extend(self.credentials.profile_names().into_iter().filter(|name| !self.config.has_profile(name)));
        names
    }
}

fn choice(env: &Env, home: &Path, variable: &'static str, usual: &str) -> FileChoice {
    match env.raw(variable) {
        Some(given) => {
            let path = below_home(given, home);
            FileChoice { is_missing: !path.exists(), path, variable: Some(variable) }
        }
        None => FileChoice { path: home.join(".aws").join(usual), variable: None, is_missing: false },
    }
}

fn load(choice: &FileChoice, kind: FileKind, home: &Path) -> Result<AwsFile> {
    let shown = shorten(&choice.path, home);
    let bytes = foreign_file::load(&choice.path, &shown, LARGEST_FILE).map_err(|failure| match choice.variable {
        Some(variable) => failure.hint(format!("the file was selected by {variable}")),
        None => failure,
    })?;
    Ok(AwsFile::from_bytes(kind, shown, bytes))
}

impl Profile {
    /// Returns the effective setting of a key, given in lower case.
    pub fn get(&self, key: &str) -> Option<&Setting> {
        let credentials = self.credentials.as_ref().and_then(|section| section.get(key));
        credentials.or_else(|| self.config.as_ref().and_then(|section| section.get(key)))
    }

    /// What each file says, the config file first.
    pub fn sections(&self) -> impl Iterator<Item = &Section> {
        [&self.config, &self.credentials].into_iter().flatten().map(Rc::as_ref)
    }

    /// Returns every effective setting, in file order, the config file's first.
    pub fn settings(&self) -> Vec<&Setting> {
        let mut all: Vec<&Setting> = self.sections().flat_map(|section| &section.settings).collect();
        let mut seen = HashSet::new();
        // The last one of a key counts, whichever file it is in: walk from the end.
        all.reverse();
        all.retain(|setting| seen.insert(setting.key.as_str()));
        all.reverse();
        all
    }

    /// A profile of the same name that says only this.
    pub fn saying_only(&self, setting: Setting) -> Self {
        let section = Section { name: self.name.clone(), header_line: 0, parts: Vec::new(), settings: vec![setting] };
        Self {
            name: self.name.clone(),
            place: self.place.clone(),
            config: Some(Rc::new(section)),
            credentials: None,
            files: self.files.clone(),
            near: Vec::new().into(),
        }
    }
}

fn below_home(given: &OsStr, home: &Path) -> PathBuf {
    Path::new(given).strip_prefix("~").map_or_else(|_| given.into(), |rest| home.join(rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    struct World(tempfile::TempDir);

    impl World {
        fn new(config: &str, credentials: &str) -> Self {
            let home = tempfile::tempdir().unwrap();
            std::fs::create_dir(home.path().join(".aws")).unwrap();
            std::fs::write(home.path().join(".aws/config"), config).unwrap();
            std::fs::write(home.path().join(".aws/credentials"), credentials).unwrap();
            Self(home)
        }

        fn load(&self, env: &Env) -> AwsFiles {
            AwsFiles::load(env, self.0.path()).0
        }
    }

    fn nothing() -> Env {
        Env::of::<&str>([])
    }

    #[test]
    fn the_credentials_file_wins_key_by_key() {
        let world = World::new(
            "[profile p]\nregion = eu\noutput = json\n",
            "[p]\naws_access_key_id = AKIA\nregion = us\n[q]\n",
        );
        let files = world.load(&nothing());
        let profile = files.profile("p").unwrap();
        let place = |key: &str| profile.get(key).map(|s| (s.value.as_str(), s.place.to_string()));
        assert_eq!(place("region"), Some(("us", "~/.aws/credentials:3".into())));
        assert_eq!(place("output"), Some(("json", "~/.aws/config:3".into())));
        assert_eq!(place("mfa_serial"), None);
        let keys: Vec<&str> = profile.settings().iter().map(|s| s.key.as_str()).collect();
        assert_eq!(keys, ["output", "aws_access_key_id", "region"]);
        assert_eq!(files.profile_names(), ["p", "q"]);
        assert!(files.profile("q").unwrap().config.is_none());
        assert!(files.profile("r").is_none());
    }

    #[test]
    fn thousands_of_sections_that_nearly_name_one_profile_are_read_in_linear_time() {
        let started = std::time::Instant::now();
        for header in ["[Profile p]", "[profile p", "[p]"] {
            let many = format!("{header}\nregion = a\n").repeat(50_000);
            let files = World::new(&format!("[profile p]\nregion = v\n{many}"), "").load(&nothing());
            let near = files.near("p");
            assert_eq!((near.len(), near[49_999].place.line), (50_000, 100_001));
            assert_eq!(near[49_999].advice(), "move the lines under it to '[profile p]' on line 1");
            assert_eq!(files.all_near().len(), 50_000);
        }
        assert!(started.elapsed() < std::time::Duration::from_secs(120), "{:?}", started.elapsed());
    }

    #[test]
    fn of_two_sections_that_nearly_name_one_profile_only_the_first_becomes_it() {
        let files = World::new("[Default]\nregion = v\n[DEFAULT]\noutput = json\n", "").load(&nothing());
        let advice = |near: Vec<NearSection>| near.iter().map(NearSection::advice).collect::<Vec<_>>();
        let expected = ["write '[default]'", "write '[default]' in line 1, and move its lines below it"];
        assert_eq!(advice(files.near("default")), expected);
        assert_eq!(advice(files.all_near()), expected);
    }

    #[test]
    fn variables_choose_the_files_and_a_tilde_is_the_home() {
        let world = World::new("[profile usual]", "");
        std::fs::write(world.0.path().join("other"), "[profile other]\nregion=v").unwrap();
        let env = Env::of([("AWS_CONFIG_FILE", "~/other"), ("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")]);
        let files = world.load(&env);
        assert_eq!(files.profile_names(), ["other"]);
        assert_eq!(files.config.shown(), "~/other");
        assert_eq!(files.config_choice.path, world.0.path().join("other"));
        assert_eq!(files.config_choice.variable, Some("AWS_CONFIG_FILE"));
        assert_eq!(world.load(&nothing()).config_choice.variable, None);
    }

    #[test]
    fn an_empty_variable_chooses_nothing_and_only_a_leading_tilde_is_the_home() {
        let home = Path::new("/home/ana");
        let path = |given: &str| choice(&Env::of([("AWS_CONFIG_FILE", given)]), home, "AWS_CONFIG_FILE", "config").path;
        assert_eq!(path(""), Path::new("/home/ana/.aws/config"));
        assert_eq!(path("~/x"), Path::new("/home/ana/x"));
        assert_eq!(path("~bob/x"), Path::new("~bob/x"));
        assert_eq!(path("a/~/x"), Path::new("a/~/x"));
    }

    #[test]
    fn missing_files_are_empty() {
        let home = tempfile::tempdir().unwrap();
        let files = AwsFiles::load(&nothing(), home.path()).0;
        assert!(files.profile_names().is_empty());
        assert_eq!(files.config.bytes(), b"");
    }

    #[test]
    fn a_variable_that_leads_to_a_missing_file_is_named() {
        let world = World::new("", "");
        let env = Env::of([("AWS_CONFIG_FILE", "~/gone"), ("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")]);
        let shown = "not found in ~/gone (AWS_CONFIG_FILE: no such file) or /dev/null";
        assert_eq!(world.load(&env).not_found("p").headline(), format!("profile 'p': {shown}"));
        assert_eq!(world.load(&nothing()).shown(), "~/.aws/config or ~/.aws/credentials");
    }

    #[test]
    fn a_directory_in_place_of_a_file_is_named_with_the_variable_that_chose_it() {
        let world = World::new("", "");
        let (_, failures) = AwsFiles::load(&Env::of([("AWS_CONFIG_FILE", "~/.aws")]), world.0.path());
        let [failure] = &failures[..] else { panic!("{failures:?}") };
        assert_eq!((failure.kind, failure.cause.as_str()), (Kind::Config, "cannot read ~/.aws: it is a directory"));
        assert_eq!(failure.shown_hints(), ["the file was selected by AWS_CONFIG_FILE"]);
    }
}
