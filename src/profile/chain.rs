//! The way from the asked profile down to the long-lived key.

use std::fmt;

use crate::arn::RoleArn;
use crate::config::Profile;
use crate::config::process_line::ProcessLine;
use crate::credentials::AccessKeyId;
use crate::error::{Failure, Kind, Place, Result};
use crate::names::ProfileName;
use crate::profile::Sources;
use crate::profile::settings::{ProfileSettings, Sourced};
use crate::visible::{as_word, refused, visible};

/// More hops than this are a mistake, whoever made it.
pub const MOST_HOPS: usize = 10;

/// Keys that name a source of credentials other than an access key or a profile.
pub const OTHER_SOURCES: [&str; 7] = [
    "credential_process",
    "sso_session",
    "sso_start_url",
    "sso_account_id",
    "login_session",
    "web_identity_token_file",
    "credential_source",
];

/// Where a long-lived key lies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyPlace {
    /// Both halves stand in an AWS file.
    File(Place),
    /// The secret lies in the OS keyring; our key index names it.
    Keyring,
}

impl fmt::Display for KeyPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            KeyPlace::File(place) => place.fmt(f),
            KeyPlace::Keyring => f.write_str("OS keyring"),
        }
    }
}

/// The long-lived key a chain ends at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LongLivedKey {
    /// The profile that owns it.
    pub profile: ProfileName,
    /// The public half.
    pub id: AccessKeyId,
    /// Where the secret half is.
    pub place: KeyPlace,
}

/// One profile on the way.
pub struct Hop {
    /// Its name.
    pub name: ProfileName,
    /// What it says.
    pub profile: Profile,
    /// The role it assumes; none where it only lends its settings to another profile's key.
    pub role: Option<Sourced<RoleArn>>,
}

impl Hop {
    /// A typed view of the hop's profile.
    pub fn settings(&self) -> ProfileSettings<'_> {
        ProfileSettings::of(&self.profile, &self.name)
    }
}

/// The way from the asked profile (first) to the key.
pub struct Chain {
    /// The asked profile and those below it that name a source; empty if the asked profile owns the key.
    pub hops: Vec<Hop>,
    /// The profile that owns the key, where it is none of the hops.
    owner: Option<Hop>,
    /// The key.
    pub key: LongLivedKey,
}

impl Chain {
    /// The profile that owns the key.
    pub fn owner(&self) -> &Hop {
        self.owner.as_ref().or(self.hops.last()).expect("a chain has an owner or ends at a hop that owns its key")
    }
}

impl Chain {
    /// What the asked profile says.
    pub fn into_asked(self) -> Profile {
        let first = self.hops.into_iter().next().or(self.owner);
        first.expect("a chain has a hop, or an owner that was asked for").profile
    }
}

/// Walks from `asked` to the key: loops, missing sources and more than [`MOST_HOPS`] hops are refused with file and line.
pub fn walk(sources: Sources<'_>, asked: &ProfileName) -> Result<Chain> {
    let mut hops: Vec<Hop> = Vec::new();
    let mut next = asked.clone();
    let mut named_at: Option<Place> = None;
    loop {
        if let Some(first) = hops.iter().position(|hop| hop.name == next) {
            return Err(looped(&hops[first..], &next));
        }
        if hops.len() > MOST_HOPS {
            let cause = format!("the chain of source profiles is longer than {MOST_HOPS} hops: {}", way(&hops));
            return Err(hops[0].settings().refuse_profile(cause));
        }
        let profile =
            sources.files.profile(next.as_str()).ok_or_else(|| missing(sources, &hops, &next, named_at.as_ref()))?;
        let mut hop = Hop { name: next, profile, role: None };
        // A source with keys *and* a role gives its keys, as the AWS CLI does (aws-contract 2.4).
        if !hops.is_empty()
            && let Some(key) = key_of(sources, hop.settings())?
        {
            return Ok(Chain { hops, key, owner: Some(hop) });
        }
        match source_of(sources, &mut hop)? {
            Source::Profile(source) if source.value == hop.name => return itself(sources, hops, hop),
            Source::Profile(source) => {
                named_at = Some(source.place);
                next = source.value;
                hops.push(hop);
            }
            Source::OwnKey(key) => return Ok(Chain { hops, key, owner: Some(hop) }),
        }
    }
}

enum Source {
    Profile(Sourced<ProfileName>),
    OwnKey(LongLivedKey),
}

/// Decides where a profile's credentials come from, and notes its role in the hop. Keys beside a role and its source
/// are not looked at: what another tool left there does no harm.
fn source_of(sources: Sources<'_>, hop: &mut Hop) -> Result<Source> {
    let settings = hop.settings();
    if let Some(role) = settings.role_arn()? {
        let source = settings.source_profile()?.ok_or_else(|| no_source(settings))?;
        if let Some(other) = settings.raw("credential_source") {
            return Err(settings.refuse(other, "stands beside a source_profile, and a role has one source"));
        }
        hop.role = Some(role);
        return Ok(Source::Profile(source));
    }
    if let Some(source) = settings.twolock_source_profile()? {
        return Ok(Source::Profile(source));
    }
    if let Some(key) = key_of(sources, settings)? {
        return Ok(Source::OwnKey(key));
    }
    ours_for_another(settings).map(Source::Profile).ok_or_else(|| no_key(settings))
}

/// A role naming itself as source with keys of its own is no loop (aws-contract 2.4).
fn itself(sources: Sources<'_>, mut hops: Vec<Hop>, hop: Hop) -> Result<Chain> {
    let Some(key) = key_of(sources, hop.settings())? else {
        let cause = "names itself as source_profile, but has no access key of its own";
        return Err(hop.settings().refuse_profile(cause));
    };
    hops.push(hop);
    Ok(Chain { hops, owner: None, key })
}

/// The key of a profile: credentials file, config file, then our index.
fn key_of(sources: Sources<'_>, settings: ProfileSettings<'_>) -> Result<Option<LongLivedKey>> {
    let profile = settings.name().clone();
    if let Some(id) = settings.static_key()? {
        let place = KeyPlace::File(id.place.clone());
        let temporary = settings.raw("aws_session_token").map(|token| &token.place).filter(|p| p.file == id.place.file);
        if id.value.is_temporary() || temporary.is_some() {
            let place = temporary.unwrap_or(&id.place);
            return Err(Failure::new(
                Kind::Config,
                "the key here is temporary (a session token belongs to it), and no MFA session can be made from it",
            )
            .of_profile(&profile)
            .at(place)
            .hint("use a long-lived access key (AKIA…) of the IAM user here"));
        }
        return Ok(Some(LongLivedKey { profile, id: id.value, place }));
    }
    Ok(sources.index.get(&profile).map(|entry| LongLivedKey {
        profile,
        id: entry.id.clone(),
        place: KeyPlace::Keyring,
    }))
}

/// If the profile's `credential_process` is twolock itself for another profile, that profile.
fn ours_for_another(settings: ProfileSettings<'_>) -> Option<Sourced<ProfileName>> {
    let process = settings.raw("credential_process")?;
    let line = ProcessLine::parse(&process.value).filter(|line| line.profile != settings.name().as_str())?;
    let value = ProfileName::parse(line.profile).ok()?;
    Some(Sourced { value, place: process.place.clone() })
}

fn no_source(settings: ProfileSettings<'_>) -> Failure {
    for other in ["credential_source", "web_identity_token_file"] {
        if let Some(setting) = settings.raw(other) {
            return settings.refuse(setting, "is a source twolock does not use yet: only profiles with an access key");
        }
    }
    settings
        .refuse_profile("has a role_arn but no source_profile")
        .hint("add 'source_profile = NAME' with the profile whose access key may assume the role")
}

fn no_key(settings: ProfileSettings<'_>) -> Failure {
    for other in OTHER_SOURCES {
        if let Some(setting) = settings.raw(other).filter(|s| ProcessLine::parse(&s.value).is_none()) {
            return settings.refuse(setting, "is a source twolock does not use yet: only profiles with an access key");
        }
    }
    settings.refuse_profile("has no access key and no role").hint(format!(
        "run 'aws configure --profile {}' to give it an access key, or add role_arn and source_profile",
        as_word(settings.name().as_str())
    ))
}

fn looped(hops: &[Hop], back_to: &ProfileName) -> Failure {
    let cause = format!("source_profile goes round in a circle: {} -> '{back_to}'", way(hops));
    hops[0].settings().refuse_profile(cause)
}

fn way(hops: &[Hop]) -> String {
    let passed: Vec<String> = hops.iter().map(|hop| format!("'{}' ({})", hop.name, hop.settings().place())).collect();
    passed.join(" -> ")
}

fn missing(sources: Sources<'_>, hops: &[Hop], name: &ProfileName, named_at: Option<&Place>) -> Failure {
    let shown = refused(name.as_str());
    let failure = match (hops.last(), named_at) {
        (Some(hop), Some(place)) => Failure::new(Kind::Config, format!("source_profile '{shown}' does not exist"))
            .of_profile(&hop.name)
            .at(place),
        _ => Failure::new(
            Kind::Config,
            format!(
                "there is no such profile in {} or {}",
                sources.files.config.shown(),
                sources.files.credentials.shown()
            ),
        )
        .of_profile(&shown),
    };
    match sources.suggests {
        true => failure.hint(suggestion(&sources.files.profile_names(), name.as_str())),
        false => failure,
    }
}

/// "did you mean", or the names there are.
fn suggestion(names: &[String], wanted: &str) -> String {
    let farthest = 2.max(wanted.chars().count() / 4);
    // Lengths first: comparing letters costs their product, and a name in a file may be a megabyte long.
    let may_be_near = |name: &&String| name.chars().count().abs_diff(wanted.chars().count()) <= farthest;
    let near = names.iter().filter(may_be_near).map(|name| (strsim::damerau_levenshtein(name, wanted), name)).min();
    if let Some((_, name)) = near.filter(|(distance, _)| *distance <= farthest) {
        return format!("did you mean '{}'?", visible(name));
    }
    match names {
        [] => "there are no profiles yet; run: twolock profile add".into(),
        _ => {
            let shown: Vec<String> = names.iter().take(8).map(|name| format!("'{}'", visible(name))).collect();
            let more = if names.len() > 8 { format!(" and {} more", names.len() - 8) } else { String::new() };
            format!("profiles: {}{more}", shown.join(", "))
        }
    }
}
