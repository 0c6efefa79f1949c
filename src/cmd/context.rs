//! What is there: files, settings, key index, environment; read once at the start of a command.

use std::time::Instant;

use crate::aws::endpoint::{self, Endpoint, EndpointRequest, Service};
use crate::aws_files::AwsFiles;
use crate::error::{Failure, Kind, Result};
use crate::hint::Hint;
use crate::keyring::Keyring;
use crate::names::ProfileName;
use crate::origin::{Origin, Sourced};
use crate::ours::key_index::KeyIndex;
use crate::ours::settings::{Paths, Settings};
use crate::output::messages;
use crate::profile::adoption;
use crate::profile::plan::{self, Outline, Plan};
use crate::profile::{Sources, Surroundings};
use crate::session::identity::{self, PlannedStep};
use crate::store::choose::Stores;
use crate::system::directories::{Directories, shorten, shorten_last_word};
use crate::system::env::Env;
use crate::system::harden::Limits;
use crate::system::{log, user};
use crate::text::visible::visible;

/// What a run starts with.
pub struct Invocation {
    /// When the process started: the deadline of `credential-process` counts from here.
    pub started: Instant,
    /// The caller's limits, for the children.
    pub limits: Limits,
    /// The environment.
    pub env: Env,
}

/// Everything a command reads before it acts.
pub struct Context {
    pub env: Env,
    pub dirs: Directories,
    pub settings: Settings,
    pub files: AwsFiles,
    pub index: KeyIndex,
    surroundings: Surroundings,
}

/// A plan with what its endpoint makes of it.
pub struct Planned {
    pub plan: Plan,
    pub endpoint: Endpoint,
}

impl Planned {
    /// The plan's steps with their identities. Each time they are hashed anew: ask once, and of few in a list.
    pub fn steps(&self) -> Vec<PlannedStep<'_>> {
        identity::of_plan(&self.plan, self.endpoint.identity().as_deref())
    }

    /// Says what the user should know of the plan before it is used.
    pub fn say_notes(&self) {
        let of = visible(self.plan.profile.as_str());
        self.plan.notes.iter().for_each(|note| messages::note(&format!("profile '{of}': {note}")));
    }
}

impl Context {
    /// Reads everything; each file once.
    pub fn load(env: &Env) -> Result<Self> {
        Self::of(Directories::find(env)?, env)
    }

    /// The same below directories that were found already.
    pub fn of(dirs: Directories, env: &Env) -> Result<Self> {
        let (context, failures) = Self::readable(dirs, env);
        failures.into_iter().next().map_or(Ok(context), Err)
    }

    /// The same, where what cannot be used is a failure beside it and counts as not there.
    pub fn readable(dirs: Directories, env: &Env) -> (Self, Vec<Failure>) {
        let (settings, mut failures) = Settings::load(&paths(&dirs), env);
        let (files, more) = AwsFiles::load(env, &dirs.home);
        failures.extend(more);
        let index_path = dirs.data.join("keys.json");
        let index = KeyIndex::load(&index_path, &shorten(&index_path, &dirs.home));
        let index = index.map_err(|failure| failures.push(failure)).unwrap_or_default();
        let surroundings = surroundings(env, &settings);
        log::detail(format_args!("read {} and {}", files.config.shown(), files.credentials.shown()));
        (Self { env: env.clone(), dirs, settings, files, index, surroundings }, failures)
    }

    /// What plans are made from.
    pub fn sources(&self) -> Sources<'_> {
        Sources { files: &self.files, index: &self.index, surroundings: &self.surroundings, suggests: true }
    }

    /// The same for many plans: looking for a near name costs as much as there are names, for each that fails.
    pub fn quiet(&self) -> Sources<'_> {
        Sources { suggests: false, ..self.sources() }
    }

    /// The same for other files and another index: what a change would make of them.
    pub fn sources_of<'a>(&'a self, files: &'a AwsFiles, index: &'a KeyIndex) -> Sources<'a> {
        Sources { files, index, ..self.quiet() }
    }

    /// Plans a profile and checks where its calls would go.
    pub fn plan(&self, name: &ProfileName) -> Result<Planned> {
        self.planned(self.sources(), name)
    }

    /// The same for one of many: where there is a problem, nobody reads about it.
    pub fn plan_quietly(&self, name: &str) -> Option<Planned> {
        self.plan_without_suggestions(&ProfileName::parse(name).ok()?).ok()
    }

    /// The same, where the first few problems will be read about.
    pub fn plan_without_suggestions(&self, name: &ProfileName) -> Result<Planned> {
        self.planned(self.quiet(), name)
    }

    /// The same from other sources.
    pub fn plan_in(&self, sources: Sources<'_>, name: &ProfileName) -> Result<Planned> {
        self.planned(sources, name)
    }

    /// Whether a profile can be adopted by itself.
    pub fn can_be_adopted(&self, name: &ProfileName) -> bool {
        self.plan_without_suggestions(name).is_ok() && adoption::of_one(self.quiet(), name, true).is_ok()
    }

    /// What a list tells of a plan.
    pub fn outline(&self, name: &str) -> Option<Outline> {
        plan::outline(self.quiet(), &ProfileName::parse(name).ok()?).ok()
    }

    fn planned(&self, sources: Sources<'_>, name: &ProfileName) -> Result<Planned> {
        let plan = plan::plan(sources, name)?;
        let endpoint = self.endpoint(&plan)?;
        for line in plan.lines() {
            log::detail(format_args!("plan of '{name}': {line}"));
        }
        Ok(Planned { plan, endpoint })
    }

    fn endpoint(&self, plan: &Plan) -> Result<Endpoint> {
        let request = EndpointRequest {
            service: Service::Sts,
            partition: plan.partition,
            region: plan.region.value.clone(),
            fips: plan.fips,
            dualstack: plan.dualstack,
            given: plan.endpoint_url.clone(),
        };
        let from_region = request.given.is_none();
        endpoint::resolve(&request, &self.settings.allowed_endpoints()).map_err(|mut failure| {
            if from_region {
                failure.cause += &format!(" (the region is set in {})", plan.region.origin);
            }
            failure.of_profile(&plan.profile)
        })
    }

    /// Whose home this is, if we are root and it is another user's.
    pub fn other_home_owner(&self) -> Option<String> {
        user::owner_of_the_home_root_visits(&self.dirs.home)
    }

    /// A text that may name our cache directory, as people read it.
    pub fn shortened(&self, text: &str) -> String {
        let cache = &self.dirs.cache;
        text.replace(&*cache.to_string_lossy(), &shorten(cache, &self.dirs.home))
    }

    /// The same of a failure, and of the command that fixes it.
    pub fn shortened_failure(&self, failure: Failure) -> Failure {
        let cache = self.dirs.cache.to_string_lossy();
        let short = |hint: Hint| match hint {
            Hint::Text(text) if text.ends_with(&*cache) => Hint::Text(shorten_last_word(&text, &self.dirs.home)),
            hint => hint,
        };
        let hints = failure.hints.into_iter().map(short).collect();
        Failure { cause: self.shortened(&failure.cause), hints, ..failure }
    }

    /// The user's choice of keyring.
    pub fn keyring(&self) -> Keyring {
        let setting = self.settings.get("keyring");
        setting.and_then(|setting| Keyring::from_name(&setting.value)).unwrap_or_default()
    }

    /// The keyrings in use, by the setting. Without leave to unlock, no dialog opens.
    pub fn stores(&self, may_unlock: bool) -> Stores {
        Stores::choose(self.keyring(), &self.env, &key_dir(&self.dirs), may_unlock)
    }
}

/// What to do as root in another user's home, and why not to go on (threat-model P54).
pub fn as_root_elsewhere(owner: &str, why: &str) -> String {
    format!("run as root in the home of {owner}, {why}: run it without sudo, or with sudo -H")
}

/// The failure of whoever would write files as root in another user's home.
pub fn root_elsewhere(owner: &str) -> Failure {
    let why = format!("so {owner} could not open the files it creates");
    Failure::new(Kind::Config, as_root_elsewhere(owner, &why))
}

/// Where the key file lies, if that is the choice: like consents, where no variable of a repository moves it.
pub fn key_dir(dirs: &Directories) -> std::path::PathBuf {
    if cfg!(target_os = "linux") { dirs.home.join(".local/share/twolock") } else { dirs.data.clone() }
}

/// Where `config.toml` is read from.
pub fn paths(dirs: &Directories) -> Paths {
    Paths { file: dirs.config.join("config.toml"), home_file: home_settings(dirs), home: dirs.home.clone() }
}

/// `$HOME/.config/twolock/config.toml` on Linux; elsewhere no variable moves the directory, so it is the platform's.
fn home_settings(dirs: &Directories) -> std::path::PathBuf {
    if cfg!(target_os = "linux") {
        dirs.home.join(".config/twolock/config.toml")
    } else {
        dirs.config.join("config.toml")
    }
}

fn surroundings(env: &Env, settings: &Settings) -> Surroundings {
    let first = |names: &[&'static str]| {
        names
            .iter()
            .find_map(|&name| Some(Sourced { value: env.text(name)?.to_string(), origin: Origin::Variable(name) }))
    };
    Surroundings {
        region: first(&["AWS_REGION", "AWS_DEFAULT_REGION"]),
        endpoint_url: first(&["AWS_ENDPOINT_URL_STS", "AWS_ENDPOINT_URL"]),
        ignore_configured_endpoints: env.is_true("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"),
        fips: env.is_true("AWS_USE_FIPS_ENDPOINT"),
        dualstack: env.is_true("AWS_USE_DUALSTACK_ENDPOINT"),
        person: env.text("USER").or(env.text("USERNAME")).map_or_else(user::number, String::from),
        session_duration: settings.duration("session_duration"),
    }
}
