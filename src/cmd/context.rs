//! What a command reads once, at its start: files, settings, key index, environment.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::arn::Partition;
use crate::aws::endpoint::{self, Endpoint, EndpointKind, EndpointRequest, Service};
use crate::aws::http::HttpSettings;
use crate::aws::iam::IamClient;
use crate::aws::signin::SigninClient;
use crate::aws::sts::StsClient;
use crate::aws_files::AwsFiles;
use crate::change::Change;
use crate::change::preview::{Preview, preview};
use crate::credentials::STATIC_KEYS;
use crate::error::{Failure, Kind, Result};
use crate::hint::Hint;
use crate::keyring::Keyring;
use crate::names::{ProfileName, Region};
use crate::origin::{Origin, Sourced};
use crate::ours::certificates;
use crate::ours::key_index::KeyIndex;
use crate::ours::settings::{Paths, Settings};
use crate::output::paragraph::wrapped_lines;
use crate::output::{messages, to_stdout};
use crate::profile::adoption::{self, kept_key::new_key_profile};
use crate::profile::base::Base;
use crate::profile::base::key::EnvironmentKey;
use crate::profile::callers::{Callers, Lacking, Machine};
use crate::profile::plan::{self, Outline, Plan};
use crate::profile::{EndpointUrls, Sources, Surroundings};
use crate::rotation::{Record, Records};
use crate::secret::Secret;
use crate::session::cache::Need;
use crate::session::identity::{self, Identity, PlannedStep, Proof};
use crate::store::choose::Stores;
use crate::system::directories::{Directories, HOME_VARIABLE, shorten, shorten_last_word};
use crate::system::env::Env;
use crate::system::harden::Limits;
use crate::system::{child, log, terminal, user};
use crate::text::visible::visible;

use super::bases;

pub struct Invocation {
    /// When the process started; the deadline of `credential-process` counts from here.
    pub started: Instant,
    /// The caller's limits, restored for child processes.
    pub limits: Limits,
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

/// A plan and the endpoint of its calls.
pub struct Planned {
    pub plan: Plan,
    pub endpoint: Endpoint,
    /// Of the base's sign-in or token; none for a base that needs none, and where nobody is signed in.
    pub proof: Option<Proof>,
    /// The token of single sign-on, where it was about to end and has been renewed.
    pub token: Option<Arc<Secret<String>>>,
}

impl Planned {
    /// The plan's steps with their identities, which are hashed on each call.
    pub fn steps(&self) -> Vec<PlannedStep<'_>> {
        identity::of_plan(&self.plan, self.endpoint.identity().as_deref(), self.proof.as_ref())
    }

    /// The same way to AWS and the same base, for another plan on it.
    #[must_use]
    pub fn with_plan(&self, plan: Plan) -> Self {
        Self { plan, endpoint: self.endpoint.clone(), proof: self.proof, token: self.token.clone() }
    }

    /// The same on what the sign-in is after its renewal.
    #[must_use]
    pub fn renewed(&self, proof: Option<Proof>, token: Secret<String>) -> Self {
        Self { proof, token: Some(Arc::new(token)), ..self.with_plan(self.plan.clone()) }
    }

    pub fn identities(&self) -> HashSet<Identity> {
        self.steps().iter().map(|step| step.identity).collect()
    }

    pub fn print_notes(&self) {
        let of = visible(self.plan.profile.as_str());
        self.plan.notes.iter().for_each(|note| messages::note(&format!("profile '{of}': {note}")));
    }
}

impl Context {
    pub fn load(env: &Env) -> Result<Self> {
        Self::of(Directories::find(env)?, env)
    }

    /// For commands that go on without a home directory.
    pub fn load_anywhere(env: &Env) -> Result<Self> {
        Self::of(Directories::find_or_do_without(env)?, env)
    }

    pub fn of(dirs: Directories, env: &Env) -> Result<Self> {
        let (context, failures) = Self::readable(dirs, env);
        failures.into_iter().next().map_or(Ok(context), Err)
    }

    /// For commands that can do without profiles: an AWS file or key index that cannot be read is only a warning.
    pub fn for_any_profiles(dirs: Directories, env: &Env) -> Result<Self> {
        let (context, of_settings, of_files) = Self::with_settings_at(&paths(&dirs), dirs, env);
        of_files.iter().for_each(|failure| messages::warning(&failure.headline()));
        of_settings.into_iter().next().map_or(Ok(context), Err)
    }

    /// Treats what cannot be read as missing, and returns the failures.
    pub fn readable(dirs: Directories, env: &Env) -> (Self, Vec<Failure>) {
        let (context, mut failures, of_files) = Self::with_settings_at(&paths(&dirs), dirs, env);
        failures.extend(of_files);
        (context, failures)
    }

    /// For the cached answer, which does without the account database if it can: `None` where it would have to know
    /// whether a consent counts, and it does not, or on any failure.
    pub fn without_account(env: &Env) -> Option<Self> {
        let dirs = Directories::find(env).ok()?;
        let paths = paths_of(&dirs, &dirs.home);
        let (context, of_settings, of_files) = Self::with_settings_at(&paths, dirs, env);
        let counts = || !context.settings.has_consents() || context.dirs.is_account_home();
        (of_settings.is_empty() && of_files.is_empty() && counts()).then_some(context)
    }

    /// Returns also what failed: first of the settings, then of the AWS files and the key index.
    fn with_settings_at(paths: &Paths, dirs: Directories, env: &Env) -> (Self, Vec<Failure>, Vec<Failure>) {
        let (settings, of_settings) = Settings::load(paths, env);
        let (files, mut of_files) = AwsFiles::load(env, &dirs.home);
        let index_path = dirs.data.join("keys.json");
        let index = KeyIndex::load(&index_path, &shorten(&index_path, &dirs.home));
        let index = index.map_err(|failure| of_files.push(failure)).unwrap_or_default();
        of_files.extend(SAY_WHERE.iter().filter_map(|variable| env.readable(variable).err()));
        let surroundings = surroundings(env, &settings);
        log::detail(format_args!("read {} and {}", files.config.shown(), files.credentials.shown()));
        (Self { env: env.clone(), dirs, settings, files, index, surroundings }, of_settings, of_files)
    }

    /// With `--duration`, if it is given.
    #[must_use]
    pub fn with_duration(mut self, duration: Option<Duration>) -> Self {
        self.surroundings.duration = duration;
        self
    }

    /// With other files and another index: those of a change that is not made yet.
    #[must_use]
    pub fn reading(self, files: AwsFiles, index: KeyIndex) -> Self {
        Self { files, index, ..self }
    }

    /// Any active session, or one of the length that `--duration` asks for.
    pub fn need(&self) -> Need {
        Need { asked: self.surroundings.duration, ..Need::ALIVE }
    }

    pub fn sources(&self) -> Sources<'_> {
        Sources { files: &self.files, index: &self.index, surroundings: &self.surroundings, suggests: true }
    }

    /// For many plans: without suggestions of similar names, which take time for each plan that fails.
    pub fn quiet(&self) -> Sources<'_> {
        Sources { suggests: false, ..self.sources() }
    }

    pub fn callers(&self) -> Callers<'_> {
        self.callers_in(self.quiet())
    }

    pub fn callers_after<'a>(&'a self, preview: &'a Preview) -> Callers<'a> {
        self.callers_in(self.sources_after(preview))
    }

    fn callers_in<'a>(&'a self, sources: Sources<'a>) -> Callers<'a> {
        Callers::of(
            sources.files,
            OwnMachine { context: self, sources, programs: RefCell::default(), refusals: RefCell::default() },
        )
    }

    pub fn sources_after<'a>(&'a self, preview: &'a Preview) -> Sources<'a> {
        Sources { files: &preview.files, index: &preview.index, ..self.quiet() }
    }

    pub fn preview(&self, change: &Change) -> Result<Preview> {
        preview(&self.files, &self.index, change)
    }

    /// Plans a profile and checks its endpoint.
    pub fn plan(&self, name: &ProfileName) -> Result<Planned> {
        self.plan_of(self.sources(), name)
    }

    /// For one of many, when the reason of a failure is not shown.
    pub fn plan_quietly(&self, name: &str) -> Option<Planned> {
        self.plan_of_many(&ProfileName::parse(name).ok()?).ok()
    }

    /// For one of many, without suggestions.
    pub fn plan_of_many(&self, name: &ProfileName) -> Result<Planned> {
        self.plan_of(self.quiet(), name)
    }

    /// The profiles in file order, without [`Context::new_key_sections`].
    pub fn profile_names(&self) -> Vec<String> {
        let (mut names, kept) = (self.files.profile_names(), self.new_key_sections());
        names.retain(|name| !kept.contains(name));
        names
    }

    /// The sections that only keep the new key of a rotation under way.
    pub fn new_key_sections(&self) -> Vec<String> {
        let section = |record: Record| {
            let name = new_key_profile(&record.profile);
            let id = self.files.credentials.section(&name)?.get(STATIC_KEYS[0])?.value.clone();
            (record.phase.new_key()?.as_str() == id).then_some(name)
        };
        let records = Records::of(&self.dirs.account_data()).all().unwrap_or_default();
        records.into_iter().filter_map(section).collect()
    }

    /// Whether a profile can be adopted without the profiles that use it as source.
    pub fn can_be_adopted(&self, name: &ProfileName) -> bool {
        self.plan_of_many(name).is_ok() && adoption::of_one(self.quiet(), name, true).is_ok()
    }

    pub fn outline(&self, name: &str) -> Option<Outline> {
        plan::outline(self.quiet(), &ProfileName::parse(name).ok()?).ok()
    }

    pub fn plan_of(&self, sources: Sources<'_>, name: &ProfileName) -> Result<Planned> {
        let ignoring = |failure| self.naming_ignored_consents(failure);
        let plan = plan::plan(sources, name).map_err(ignoring)?;
        let endpoint = self.endpoint(Service::Sts, &plan).map_err(ignoring)?;
        for line in plan.lines().skip(usize::from(matches!(plan.base, Base::Process(_)))) {
            log::detail(format_args!("plan of '{name}': {line}"));
        }
        let proof = bases::proof(self, &plan.base);
        Ok(Planned { plan, endpoint, proof, token: None })
    }

    pub fn sts(&self, endpoint: &Endpoint) -> Result<StsClient> {
        Ok(StsClient::new(endpoint.clone(), self.http(endpoint)?))
    }

    /// A client of IAM where the profile's calls to it go. Its credentials are those of STS, so the two of them are either
    /// AWS's or a server's that stands for AWS, such as the sandbox.
    pub fn iam(&self, planned: &Planned) -> Result<IamClient> {
        let endpoint = self.iam_endpoint(planned)?;
        let is_mixed = |one: &Endpoint, other: &Endpoint| one.kind() == EndpointKind::Loopback && other.is_aws();
        if is_mixed(&planned.endpoint, &endpoint) || is_mixed(&endpoint, &planned.endpoint) {
            let cause = format!("only one of STS and IAM would be AWS's own: {}; {endpoint}", planned.endpoint);
            let failure = Failure::new(Kind::Config, cause).of_profile(&planned.plan.profile);
            return Err(failure.hint("set AWS_ENDPOINT_URL or endpoint_url, which both services use"));
        }
        let http = self.http(&endpoint)?;
        Ok(IamClient::new(endpoint, http))
    }

    /// A client of the console's sign-in.
    pub fn signin(&self, planned: &Planned) -> Result<SigninClient> {
        let (endpoint, http) = self.way_to_a_sign_in(planned, Service::Console, &planned.plan.region.value)?;
        Ok(SigninClient::new(endpoint, http))
    }

    /// Where a sign-in is: AWS's own, unless a server on this machine stands for STS, and may get tokens. What variables
    /// and settings say of a sign-in's own endpoints counts for nothing.
    pub fn way_to_a_sign_in(
        &self,
        planned: &Planned,
        service: Service,
        region: &Region,
    ) -> Result<(Endpoint, HttpSettings)> {
        let Planned { plan, endpoint: sts, .. } = planned;
        let of_aws = EndpointUrls::default();
        // The console gets the credentials that a server on this machine gave, and no token.
        let may_get = service == Service::Console || sts.may_get_tokens(&self.settings.allowed_endpoints());
        let is_here = sts.kind() == EndpointKind::Loopback && may_get;
        let urls = if is_here { &plan.endpoint_urls } else { &of_aws };
        let kinds = if service == Service::Console { (false, false) } else { (plan.fips, plan.dualstack) };
        let partition = region.partition().unwrap_or(plan.partition);
        let found = self.resolved(service, partition, region, kinds, urls);
        let endpoint = found.map_err(|failure| self.naming_ignored_consents(failure).of_profile(&plan.profile))?;
        let http = self.http(&endpoint)?;
        Ok((endpoint, http))
    }

    pub fn iam_endpoint(&self, planned: &Planned) -> Result<Endpoint> {
        self.endpoint(Service::Iam, &planned.plan).map_err(|failure| self.naming_ignored_consents(failure))
    }

    fn endpoint(&self, service: Service, plan: &Plan) -> Result<Endpoint> {
        let urls = &plan.endpoint_urls;
        let found = self.resolved(service, plan.partition, &plan.region.value, (plan.fips, plan.dualstack), urls);
        found.map_err(|mut failure| {
            if given_to(service, urls).is_none() {
                failure.cause += &format!(" (the region is set in {})", plan.region.origin);
            }
            failure.of_profile(&plan.profile)
        })
    }

    /// Where calls go that no profile says anything about: what the variables name.
    pub fn endpoint_without_profile(&self) -> Result<Endpoint> {
        let Surroundings { region, endpoint_urls, ignore_configured_endpoints, fips, dualstack, .. } =
            &self.surroundings;
        let invalid =
            |set: &Sourced<String>, why| Failure::new(Kind::Config, format!("{} '{}' {why}", set.origin, set.value));
        let named = region.as_ref().map(|set| Region::parse(&set.value).map_err(|why| invalid(set, why)));
        let region = named.transpose()?.unwrap_or_else(|| Region::default_of(Partition::Aws));
        let partition = region.partition().unwrap_or(Partition::Aws);
        let none = EndpointUrls::default();
        let urls = if *ignore_configured_endpoints { &none } else { endpoint_urls };
        self.resolved(Service::Sts, partition, &region, (*fips, *dualstack), urls)
            .map_err(|failure| self.naming_ignored_consents(failure))
    }

    fn resolved(
        &self,
        service: Service,
        partition: Partition,
        region: &Region,
        (fips, dualstack): (bool, bool),
        urls: &EndpointUrls,
    ) -> Result<Endpoint> {
        let given = given_to(service, urls).clone();
        let request = EndpointRequest { service, partition, region: region.clone(), fips, dualstack, given };
        endpoint::resolve(&request, &self.settings.allowed_endpoints())
    }

    /// How the program reaches an endpoint. A certificate file that a variable names counts only if root or the user's
    /// consent says so.
    pub fn http(&self, endpoint: &Endpoint) -> Result<HttpSettings> {
        if endpoint.is_https() {
            certificates::must_count(&self.env, &self.settings.trust).map_err(|f| self.naming_ignored_consents(f))?;
        }
        HttpSettings::from_env(&self.env, endpoint)
    }

    /// Adds to a failure why aliases and consents were left out, if any were.
    pub fn naming_ignored_consents(&self, failure: Failure) -> Failure {
        if !self.settings.ignores_consents {
            return failure;
        }
        failure.hint(self.why_consents_are_ignored())
    }

    pub fn why_consents_are_ignored(&self) -> String {
        let own = self.dirs.account_home();
        if self.dirs.is_account_home() {
            let file = shorten(&paths(&self.dirs).account_file, &self.dirs.home);
            return format!("XDG_CONFIG_HOME is set: aliases and consents count only in {file}");
        }
        format!(
            "{HOME_VARIABLE} is not the account's home ({}): aliases and consents there do not count",
            own.display()
        )
    }

    /// The owner of the home directory, if we are root and it is another user's.
    pub fn other_home_owner(&self) -> Option<String> {
        user::owner_of_the_home_root_visits(&self.dirs.home)
    }

    /// Whether `state.json` may be written.
    pub fn may_keep_state(&self) -> bool {
        !self.dirs.is_nowhere && self.other_home_owner().is_none()
    }

    /// Whether no variable chose the AWS files: such files do not have the profiles of the default ones.
    pub fn has_usual_files(&self) -> bool {
        self.files.config_choice.variable.is_none() && self.files.credentials_choice.variable.is_none()
    }

    /// Prints lines for people, broken at the terminal's width.
    pub fn say(&self, text: &str) -> Result<()> {
        to_stdout(wrapped_lines(text, terminal::columns(&self.env)).as_bytes())
    }

    /// Shortens our cache directory in a text.
    pub fn shortened(&self, text: &str) -> String {
        let cache = &self.dirs.cache;
        text.replace(&*cache.to_string_lossy(), &shorten(cache, &self.dirs.home))
    }

    /// Shortens our cache directory in a failure, and in the command that fixes it.
    pub fn shortened_failure(&self, failure: Failure) -> Failure {
        let cache = self.dirs.cache.to_string_lossy();
        let short = |hint: Hint| match hint {
            Hint::Text(text) if text.ends_with(&*cache) => Hint::Text(shorten_last_word(&text, &self.dirs.home)),
            hint => hint,
        };
        let hints = failure.hints.into_iter().map(short).collect();
        Failure { cause: self.shortened(&failure.cause), hints, ..failure }
    }

    pub fn keyring(&self) -> Keyring {
        let setting = self.settings.get("keyring");
        setting.and_then(|setting| Keyring::from_name(&setting.value)).unwrap_or_default()
    }

    fn lacks(&self, program: &str) -> Option<Lacking> {
        let below = ["~/", "$HOME/", "${HOME}/"].iter().find_map(|home| program.strip_prefix(home));
        let path = below.map_or_else(|| program.into(), |below| self.dirs.home.join(below));
        // What another variable stands for is the shell's to say.
        let is_expanded = below.is_none() && program.contains('$');
        if is_expanded || child::find_program(&path.to_string_lossy(), self.env.raw("PATH")).is_some() {
            return None;
        }
        Some(match path.is_absolute() {
            true if path.exists() => Lacking::NotExecutable,
            true => Lacking::NoSuchFile,
            false if path.components().count() > 1 => Lacking::RelativePath,
            false => Lacking::NotOnPath,
        })
    }

    /// The keyrings in use. No dialog opens unless `may_unlock`.
    pub fn stores(&self, may_unlock: bool) -> Stores {
        Stores::choose(self.keyring(), &self.env, || self.dirs.account_data(), may_unlock)
    }
}

fn given_to(service: Service, urls: &EndpointUrls) -> &Option<Sourced<String>> {
    match service {
        Service::Iam => &urls.iam,
        // Only a server on this machine stands for all of these.
        _ => &urls.sts,
    }
}

/// This machine, and the plans of one set of files.
struct OwnMachine<'a> {
    context: &'a Context,
    sources: Sources<'a>,
    /// Thousands of profiles name the same one.
    programs: RefCell<HashMap<String, Option<Lacking>>>,
    /// By profile: each caller asks about it.
    refusals: RefCell<HashMap<String, Option<String>>>,
}

impl Machine for OwnMachine<'_> {
    fn lacks(&self, program: &str) -> Option<Lacking> {
        *self.programs.borrow_mut().entry(program.into()).or_insert_with(|| self.context.lacks(program))
    }

    fn refusal(&self, profile: &str) -> Option<String> {
        if let Some(known) = self.refusals.borrow().get(profile) {
            return known.clone();
        }
        let refusal = match ProfileName::parse(profile) {
            Ok(name) => self.context.plan_of(self.sources, &name).err().map(|failure| failure.shown_cause()),
            Err(why) => Some(why),
        };
        self.refusals.borrow_mut().insert(profile.into(), refusal.clone());
        refusal
    }
}

/// Why not to run as root in another user's home, and what to do instead (threat-model P54).
pub fn as_root_elsewhere(owner: &str, why: &str) -> String {
    format!("running as root in the home directory of {owner}, {why}: run it without sudo, or with sudo -H")
}

/// The failure of a command that would write files as root in another user's home.
pub fn root_elsewhere(owner: &str) -> Failure {
    let why = format!("so {owner} could not open the files it creates");
    Failure::new(Kind::Config, as_root_elsewhere(owner, &why))
}

/// The paths of `config.toml`.
pub fn paths(dirs: &Directories) -> Paths {
    paths_of(dirs, &dirs.account_home())
}

fn paths_of(dirs: &Directories, account_home: &Path) -> Paths {
    let file_in = |dir: &Path| dir.join("config.toml");
    let account_file = file_in(&dirs.config_below(account_home));
    Paths { file: file_in(&dirs.config), account_file, home: dirs.home.clone() }
}

/// Decide where credentials go: one that cannot be read must not send them to AWS instead.
const SAY_WHERE: [&str; 8] = [
    "AWS_REGION",
    "AWS_DEFAULT_REGION",
    "AWS_ENDPOINT_URL_STS",
    "AWS_ENDPOINT_URL_IAM",
    "AWS_ENDPOINT_URL",
    "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS",
    "AWS_USE_FIPS_ENDPOINT",
    "AWS_USE_DUALSTACK_ENDPOINT",
];

fn surroundings(env: &Env, settings: &Settings) -> Surroundings {
    let sourced = |name| Some(Sourced { value: env.text(name)?.to_string(), origin: Origin::Variable(name) });
    let first = |names: [&'static str; 2]| names.into_iter().find_map(sourced);
    Surroundings {
        region: first(["AWS_REGION", "AWS_DEFAULT_REGION"]),
        endpoint_urls: EndpointUrls {
            sts: first(["AWS_ENDPOINT_URL_STS", "AWS_ENDPOINT_URL"]),
            iam: first(["AWS_ENDPOINT_URL_IAM", "AWS_ENDPOINT_URL"]),
        },
        ignore_configured_endpoints: env.is_true("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"),
        fips: env.is_true("AWS_USE_FIPS_ENDPOINT"),
        dualstack: env.is_true("AWS_USE_DUALSTACK_ENDPOINT"),
        person: env.text("USER").or(env.text("USERNAME")).map_or_else(user::number, String::from),
        environment_key: env.key_id().map(|id| {
            let set = env.credentials();
            let has_token = ["AWS_SESSION_TOKEN", "AWS_SECURITY_TOKEN"].iter().any(|name| set.contains(name));
            EnvironmentKey { id: id.into(), has_secret: set.contains(&"AWS_SECRET_ACCESS_KEY"), has_token }
        }),
        session_duration: settings.duration("session_duration"),
        duration: None,
    }
}
