//! The chain from the asked profile down to the base.

use crate::arn::RoleArn;
use crate::aws_files::Profile;
use crate::aws_files::near::not_found;
use crate::aws_files::process_line::ProcessLine;
use crate::error::{Failure, Kind, Place, Result};
use crate::hint::{CommandLine, Hint, Verb};
use crate::names::ProfileName;
use crate::origin::{Origin, Sourced};
use crate::profile::Sources;
use crate::profile::adoption::kept_key::usable_names;
use crate::profile::base::elsewhere::web_identity;
use crate::profile::base::key::named;
use crate::profile::base::{Base, no_base, no_source};
use crate::profile::settings::ProfileSettings;
use crate::profile::steps::ROLE_DEFAULT;
use crate::text::list::first_names;
use crate::text::near::did_you_mean;
use crate::text::visible::{invisible_in, refused};

/// A longer chain is refused as a mistake.
pub const MOST_HOPS: usize = 10;

pub struct Hop {
    pub name: ProfileName,
    pub profile: Profile,
    /// The role it assumes; none where it only lends its settings to another profile's key.
    pub role: Option<Sourced<RoleArn>>,
}

impl Hop {
    pub fn settings(&self) -> ProfileSettings<'_> {
        ProfileSettings::of(&self.profile, &self.name)
    }
}

/// The chain from the asked profile (first) to the base.
pub struct Chain {
    /// The asked profile and those below it that name a source; empty if the asked profile gives the base itself.
    pub hops: Vec<Hop>,
    /// The profile that gives the base, where it is none of the hops.
    owner: Option<Hop>,
    pub base: Base,
}

impl Chain {
    /// The profile that gives the base.
    pub fn owner(&self) -> &Hop {
        self.owner.as_ref().or(self.hops.last()).expect("a chain has an owner or ends at a hop that gives its base")
    }

    /// The profile that was asked for: the first hop, or the one that gives the base.
    pub(crate) fn asked(&self) -> &Hop {
        self.hops.first().unwrap_or(self.owner())
    }

    /// The profile that gives the base, behind those that use it without a role: they own it in all but the key.
    pub(crate) fn base_profiles(&self) -> impl Iterator<Item = &Hop> {
        self.hops.iter().rev().take_while(|hop| hop.role.is_none()).chain([self.owner()])
    }

    /// What the asked profile says.
    pub fn into_asked(self) -> Profile {
        let first = self.hops.into_iter().next().or(self.owner);
        first.expect("a chain has a hop, or an owner that was asked for").profile
    }
}

/// Walks from `asked` to the base: loops, missing sources and more than [`MOST_HOPS`] hops are refused with file and line.
pub fn walk(sources: Sources<'_>, asked: &ProfileName) -> Result<Chain> {
    let mut hops: Vec<Hop> = Vec::new();
    let mut next = asked.clone();
    let mut named_at: Option<Origin> = None;
    loop {
        if let Some(first) = hops.iter().position(|hop| hop.name == next) {
            return Err(looped(&hops[first..], &next));
        }
        if hops.len() > MOST_HOPS {
            let cause = format!("the chain of source profiles is longer than {MOST_HOPS} hops: {}", path_of(&hops));
            return Err(hops[0].settings().refuse_profile(cause));
        }
        let profile =
            sources.files.profile(next.as_str()).ok_or_else(|| missing(sources, &hops, &next, named_at.as_ref()))?;
        let mut hop = Hop { name: next, profile, role: None };
        // A source with keys *and* a role gives its keys, as the AWS CLI does (aws-contract 2.4).
        if !hops.is_empty()
            && let Some(base) = Base::key_of(sources, hop.settings())?
        {
            return Ok(Chain { hops, base, owner: Some(hop) });
        }
        match source_of(sources, &mut hop)? {
            Source::Profile(source) if source.value == hop.name => return itself(sources, hops, hop),
            Source::Profile(source) => {
                named_at = Some(source.origin);
                next = source.value;
                hops.push(hop);
            }
            Source::Base(base) if hop.role.is_some() => {
                hops.push(hop);
                return Ok(Chain { hops, base, owner: None });
            }
            Source::Base(base) => return Ok(Chain { hops, base, owner: Some(hop) }),
        }
    }
}

enum Source {
    Profile(Sourced<ProfileName>),
    Base(Base),
}

/// Decides where a profile's credentials come from, and notes its role in the hop. Keys beside a role and its source
/// are not looked at: what another tool left there does no harm.
fn source_of(sources: Sources<'_>, hop: &mut Hop) -> Result<Source> {
    let settings = hop.settings();
    if let Some(role) = settings.role_arn()? {
        let source = source_of_role(sources, settings)?;
        // A role that a token opens is the base itself.
        hop.role = Some(role).filter(|_| !matches!(source, Source::Base(Base::WebIdentity(_))));
        return Ok(source);
    }
    if let Some(source) = settings.twolock_source_profile()? {
        return Ok(Source::Profile(source));
    }
    if let Some(base) = Base::of(sources, settings)? {
        return Ok(Source::Base(base));
    }
    ours_for_another(sources, settings)?.map(Source::Profile).ok_or_else(|| no_base(settings))
}

/// A role has one source: a profile, a token of another identity provider, or what `credential_source` names.
fn source_of_role(sources: Sources<'_>, settings: ProfileSettings<'_>) -> Result<Source> {
    let source = settings.source_profile()?;
    let [named_source, token] = ["credential_source", "web_identity_token_file"].map(|key| settings.raw(key));
    match (source, token, named_source) {
        (Some(source), None, None) => Ok(Source::Profile(source)),
        (None, Some(file), None) => {
            let web = web_identity(sources, settings, file, ROLE_DEFAULT)?;
            Ok(Source::Base(Base::WebIdentity(Box::new(web))))
        }
        (None, None, Some(setting)) => named(sources, settings, setting).map(Source::Base),
        (None, None, None) => Err(no_source(settings)),
        (Some(_), Some(other), _) | (Some(_), None, Some(other)) => {
            Err(settings.refuse(other, "cannot be combined with source_profile: a role has one source"))
        }
        (None, Some(_), Some(other)) => {
            Err(settings.refuse(other, "cannot be combined with web_identity_token_file: a role has one source"))
        }
    }
}

/// A role naming itself as source with keys of its own is not a loop (aws-contract 2.4).
fn itself(sources: Sources<'_>, mut hops: Vec<Hop>, hop: Hop) -> Result<Chain> {
    let Some(base) = Base::key_of(sources, hop.settings())? else {
        let cause = "is its own source_profile, but has no access key";
        return Err(hop.settings().refuse_profile(cause));
    };
    hops.push(hop);
    Ok(Chain { hops, owner: None, base })
}

/// If the profile's `credential_process` is twolock itself for another profile, that profile.
fn ours_for_another(sources: Sources<'_>, settings: ProfileSettings<'_>) -> Result<Option<Sourced<ProfileName>>> {
    let Some(process) = settings.raw("credential_process") else { return Ok(None) };
    let line = ProcessLine::parse(&process.value).filter(|line| line.names_another_than(settings.name().as_str()));
    let Some(named) = line.and_then(|line| ProfileName::parse(line.profile?).ok()) else { return Ok(None) };
    if sources.files.profile(named.as_str()).is_some() {
        return Ok(Some(Sourced::at(named, &process.place)));
    }
    let rename = CommandLine::of(Verb::Rename, &named).with(settings.name().as_str());
    Err(settings
        .refuse(process, &format!("runs twolock for '{named}', which does not exist"))
        .hint(rename.to(format!("if you renamed it in the file: change it back to '{named}', then run"))))
}

fn looped(hops: &[Hop], back_to: &ProfileName) -> Failure {
    let cause = format!("source_profile loop: {} -> '{back_to}'", path_of(hops));
    hops[0].settings().refuse_profile(cause)
}

fn path_of(hops: &[Hop]) -> String {
    let passed: Vec<String> = hops.iter().map(|hop| format!("'{}' ({})", hop.name, hop.settings().place())).collect();
    passed.join(" -> ")
}

fn missing(sources: Sources<'_>, hops: &[Hop], name: &ProfileName, named_at: Option<&Origin>) -> Failure {
    let nearly = sources.suggests.then(|| sources.files.why_not_found(name.as_str())).flatten();
    let failure = missing_at(sources, hops, name, named_at, nearly.as_ref());
    let failure = match invisible_in(name.as_str()) {
        Some(it) => {
            Failure { cause: format!("{}; the name contains the invisible character {it}", failure.cause), ..failure }
        }
        None => failure,
    };
    match sources.suggests && nearly.is_none() {
        true => failure.hint(suggestion(&usable_names(sources.files), name.as_str())),
        false => failure,
    }
}

/// `nearly` is where the profile is nearly found, and why it is not.
fn missing_at(
    sources: Sources<'_>,
    hops: &[Hop],
    name: &ProfileName,
    named_at: Option<&Origin>,
    nearly: Option<&(Place, String)>,
) -> Failure {
    let shown = refused(name.as_str());
    let failure = |cause| Failure::new(Kind::Config, cause);
    match (hops.last(), named_at, nearly) {
        (Some(hop), Some(origin), _) => {
            let why = nearly.map(|(place, reason)| format!(" ({place}: {reason})")).unwrap_or_default();
            let cause = format!("source_profile '{shown}' does not exist{why}");
            failure(cause).of_profile(&hop.name).at(origin.place())
        }
        (.., Some(nearly)) => not_found(shown, nearly),
        _ => sources.files.not_found(shown),
    }
}

/// "did you mean", or the names there are.
pub(crate) fn suggestion(names: &[String], wanted: &str) -> Hint {
    if let Some(question) = did_you_mean(names, wanted) {
        return question.into();
    }
    match names {
        [] => CommandLine::new(Verb::Setup).to("there are no profiles yet; run"),
        _ => format!("profiles: {}", first_names(names)).into(),
    }
}
