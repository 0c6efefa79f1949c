//! Adopting: what profiles become so that every AWS tool uses twolock for them (docs/guide.md, "Adopting a profile").
//! Pure: settings in, edits out.
//!
//! - here: which profiles, and what each becomes, or why it stays as it is
//! - [`edits`]: what that means for the lines of the two files, and what taking it back means
//! - [`import`]: which key of the files belongs to a profile, so that it can move into a keyring
//! - [`kept_key`]: where its key is, if no keyring keeps it
//! - `program`: the path of ours that those lines name

pub mod edits;
pub mod import;
pub mod kept_key;
pub(crate) mod program;

use std::cell::OnceCell;
use std::collections::BTreeSet;

use crate::arn::MfaSerial;
use crate::aws_files::Setting;
use crate::aws_files::process_line::ProcessLine;
pub use crate::credentials::STATIC_KEYS;
use crate::credentials::{AccessKey, parse_secret_key};
use crate::error::{Failure, Kind, Result};
use crate::hint::{CommandLine, Verb};
use crate::names::ProfileName;
use crate::profile::Sources;
use crate::profile::chain::{self, Chain};
use crate::profile::plan;
use crate::profile::settings::ProfileSettings;

#[derive(Clone, Debug)]
pub struct Adoption {
    pub profile: ProfileName,
    pub becomes: Becomes,
}

/// What becomes of a profile.
#[derive(Clone, Debug)]
pub enum Becomes {
    /// Its access key moves out of the profile, and it calls us.
    Key {
        key: AccessKey,
        /// The profile it is stored in: this one, or where an earlier adoption put it.
        from: ProfileName,
        /// The device its roles name, written into the profile because it names none itself.
        device: Option<MfaSerial>,
    },
    /// Its role and source are hidden from SDKs, and it calls us.
    Role,
    /// It calls us, and that is all.
    Served,
}

/// The profiles to adopt, and those that stay as they are, each with the reason.
#[derive(Debug, Default)]
pub struct Adoptions {
    /// In file order.
    pub made: Vec<Adoption>,
    /// In file order.
    pub refused: Vec<Failure>,
}

/// Works out what adopting one profile means, and unless `only` it, those whose chain passes through it. Its own refusal
/// is a failure, that of a profile above it is not.
pub fn of_one(sources: Sources<'_>, asked: &ProfileName, only: bool) -> Result<Adoptions> {
    let chains = Chains::of(sources);
    becomes(&chains, asked)?;
    let mut wanted = BTreeSet::from([asked.to_string()]);
    if !only {
        let above: Vec<String> = chains.through(&wanted).map(ToString::to_string).collect();
        wanted.extend(above);
    }
    Ok(adoptions(&chains, |name| wanted.contains(name)))
}

/// Works out what adopting all profiles means, but for these, which are not the user's.
pub fn of_all(sources: Sources<'_>, but: &[String]) -> Adoptions {
    adoptions(&Chains::of(sources), |name| !but.iter().any(|other| other == name))
}

/// The profiles whose chain passes through this one, in file order.
pub fn above(sources: Sources<'_>, name: &ProfileName) -> Vec<ProfileName> {
    let below = BTreeSet::from([name.to_string()]);
    Chains::of(sources).through(&below).filter(|other| *other != name).cloned().collect()
}

fn adoptions(chains: &Chains<'_>, is_wanted: impl Fn(&str) -> bool) -> Adoptions {
    let mut found = Adoptions::default();
    for name in chains.sources.files.profile_names().iter().filter(|name| is_wanted(name)) {
        match ProfileName::parse(name).map_err(|why| Failure::new(Kind::Config, why)) {
            Ok(profile) => match becomes(chains, &profile) {
                Ok(becomes) => found.made.push(Adoption { profile, becomes }),
                Err(failure) => found.refused.push(failure),
            },
            Err(failure) => found.refused.push(failure),
        }
    }
    found
}

/// Every profile's chain down to its key, computed once and only when needed.
struct Chains<'a> {
    sources: Sources<'a>,
    walked: OnceCell<Vec<Passed>>,
}

struct Passed {
    name: ProfileName,
    /// The profiles it passes through, itself and the key's included.
    through: Vec<String>,
    key: ProfileName,
}

impl<'a> Chains<'a> {
    fn of(sources: Sources<'a>) -> Self {
        Self { sources, walked: OnceCell::new() }
    }

    fn walked(&self) -> &[Passed] {
        self.walked.get_or_init(|| {
            let names = self.sources.files.profile_names();
            let names = names.iter().filter_map(|name| ProfileName::parse(name).ok());
            names.filter_map(|name| Some(passed(name.clone(), &chain::walk(self.sources, &name).ok()?))).collect()
        })
    }

    fn through(&self, names: &BTreeSet<String>) -> impl Iterator<Item = &ProfileName> {
        let passes = |passed: &&Passed| passed.through.iter().any(|name| names.contains(name));
        self.walked().iter().filter(passes).map(|passed| &passed.name)
    }

    /// The devices that roles of this profile's key name.
    fn devices(&self, key: &ProfileName) -> BTreeSet<String> {
        let plans = self.walked().iter().filter(|passed| passed.key == *key && passed.name != *key);
        let plans = plans.filter_map(|passed| plan::plan(self.sources, &passed.name).ok());
        plans.filter_map(|plan| Some(plan.device?.as_str().to_string())).collect()
    }
}

fn passed(name: ProfileName, chain: &Chain) -> Passed {
    let through = chain.hops.iter().chain([chain.owner()]).map(|hop| hop.name.to_string()).collect();
    Passed { name, through, key: chain.owner().name.clone() }
}

/// What becomes of one profile, or why it stays as it is.
fn becomes(chains: &Chains<'_>, name: &ProfileName) -> Result<Becomes> {
    let sources = chains.sources;
    let plan = plan::plan(sources, name)?;
    let profile = sources.files.profile(name.as_str()).expect("a profile with a plan is in the files");
    let settings = ProfileSettings::of(&profile, name);
    must_be_nameable(settings)?;
    must_have_no_other_source(sources, settings)?;
    let lone_keys = STATIC_KEYS.iter().find_map(|key| settings.raw(key));
    match (settings.role_arn()?, lone_keys) {
        (Some(_), Some(key)) => Err(settings
            .refuse(key, "is set beside a role, and SDKs would use the key instead")
            .hint("move the access key to its own profile, and set source_profile to it")),
        (Some(_), None) => hidden(settings).map(|()| Becomes::Role),
        (None, Some(_)) => own_key(chains, settings),
        (None, None) if kept_key::is_kept_beside(settings) => {
            let of = plan.base.required_key(name)?.clone();
            let key = the_one_key(of.profile.as_str(), sources)?;
            Ok(Becomes::Key { key, from: of.profile, device: None })
        }
        (None, None) if plan.base.is_fetched() => must_name_no_source(settings).map(|()| Becomes::Served),
        (None, None) if plan.device.is_none() => Err(no_device(settings, &BTreeSet::new())),
        (None, None) => must_name_no_source(settings).map(|()| Becomes::Served),
    }
}

fn must_be_nameable(settings: ProfileSettings<'_>) -> Result<()> {
    let name = settings.name();
    if name.fits_every_tool() {
        return Ok(());
    }
    let why = if name.as_str().contains('%') {
        "'%' cannot be used in a credential_process: cmd.exe expands it"
    } else {
        "a name in a credential_process can contain A-Z a-z 0-9 - _ . / @ + : only, and cannot start with '-'"
    };
    Err(settings.refuse_profile(why).hint(CommandLine::of(Verb::Rename, name).with("NEW").to("rename it")))
}

/// Sources that SDKs use before a `credential_process`, or instead of one (aws-contract 2.2).
fn must_have_no_other_source(sources: Sources<'_>, settings: ProfileSettings<'_>) -> Result<()> {
    let refuse = |setting: &Setting, why: &str| settings.refuse(setting, why);
    let with_exec = |failure: Failure| {
        let exec = CommandLine::of(Verb::Exec, settings.name()).to("for a program that cannot, in a subshell");
        Err(failure.hint(exec))
    };
    for (key, why) in [
        ("web_identity_token_file", "makes this a web identity profile, which AWS tools use without twolock"),
        ("login_session", "makes this a profile of 'aws login', which AWS tools use without twolock"),
        ("credential_source", "sets another source of credentials, which AWS tools use without twolock"),
    ] {
        if let Some(setting) = settings.raw(key) {
            return with_exec(refuse(setting, why));
        }
    }
    let sso = settings.settings().into_iter().find(|setting| setting.key.starts_with("sso_"));
    if let Some(setting) = sso {
        return with_exec(refuse(setting, "makes this an SSO profile, which AWS tools use without twolock"));
    }
    let Some(process) = settings.raw("credential_process") else { return Ok(()) };
    let Some(line) = ProcessLine::parse(&process.value) else {
        return with_exec(refuse(process, "runs another program, which AWS tools use without twolock"));
    };
    // A line that names a profile which is gone is replaced: its section was renamed by hand.
    let is_there = |named: &&str| sources.files.profile(named).is_some();
    match line.profile.filter(|named| *named != settings.name().as_str()).filter(is_there) {
        Some(_) => Err(refuse(process, "already runs twolock for another profile")),
        None => Ok(()),
    }
}

/// Go refuses a `source_profile` without role beside a `credential_process`; to us it means nothing.
fn must_name_no_source(settings: ProfileSettings<'_>) -> Result<()> {
    match settings.raw("source_profile") {
        Some(source) => Err(settings
            .refuse(source, "is set but role_arn is missing: remove it first")
            .hint(CommandLine::of(Verb::Unset, settings.name()).with("source_profile"))),
        None => Ok(()),
    }
}

/// Each of the two keys is set either under AWS's name or under ours.
fn hidden(settings: ProfileSettings<'_>) -> Result<()> {
    for (ours, standard) in [("twolock_role_arn", "role_arn"), ("twolock_source_profile", "source_profile")] {
        if let (Some(ours), Some(standard)) = (settings.raw(ours), settings.raw(standard)) {
            let why = format!("and {} ({}) are both set: remove one", ours.key, ours.place);
            let unset = CommandLine::of(Verb::Unset, settings.name()).with(&standard.key);
            return Err(settings.refuse(standard, &why).hint(unset));
        }
    }
    Ok(())
}

fn own_key(chains: &Chains<'_>, settings: ProfileSettings<'_>) -> Result<Becomes> {
    must_name_no_source(settings)?;
    if let Some(other) = settings.raw("twolock_source_profile").filter(|_| !kept_key::is_kept_beside(settings)) {
        return Err(settings.refuse(other, "and an access key are both set: remove one"));
    }
    if let Some(adopted) = kept_key::keeps_the_key_of(chains.sources.files, settings.name()) {
        let cause = format!(
            "holds the access key of '{adopted}', which is adopted: adopt that one again once a keyring is available"
        );
        return Err(settings.refuse_profile(cause));
    }
    let from = settings.name().clone();
    let key = the_one_key(from.as_str(), chains.sources)?;
    if settings.mfa_serial()?.is_some() {
        return Ok(Becomes::Key { key, from, device: None });
    }
    let devices = chains.devices(settings.name());
    match devices.iter().next() {
        Some(device) if devices.len() == 1 => Ok(Becomes::Key { key, from, device: MfaSerial::parse(device).ok() }),
        _ => Err(no_device(settings, &devices)),
    }
}

fn no_device(settings: ProfileSettings<'_>, devices: &BTreeSet<String>) -> Failure {
    let why = match devices.len() {
        0 | 1 => "has no mfa_serial: its sessions would have no MFA, and IAM would reject them".to_string(),
        n => format!("has no mfa_serial, and the roles that use its key have {n} devices"),
    };
    let set = || match devices.first() {
        Some(device) => CommandLine::of(Verb::Set, settings.name()).with("mfa_serial").with(device).into(),
        None => CommandLine::of(Verb::Login, settings.name()).to("to choose one of the user's devices"),
    };
    settings.refuse_profile(why).hint(settings.misspelled(&["mfa_serial"]).unwrap_or_else(set))
}

/// The access key of a profile. Removing two different ones would lose one, so they are refused.
pub fn the_one_key(profile: &str, sources: Sources<'_>) -> Result<AccessKey> {
    let name = ProfileName::parse(profile).map_err(|why| Failure::new(Kind::Config, why))?;
    let none = || Failure::new(Kind::Config, "has no access key in the AWS files").of_profile(&name);
    let profile = sources.files.profile(profile).ok_or_else(none)?;
    let settings = ProfileSettings::of(&profile, &name);
    for half in &STATIC_KEYS[..2] {
        let all: Vec<&Setting> = settings.every(half).collect();
        if let Some(other) = all.iter().find(|other| other.value != all[0].value) {
            let cause = format!("{half} differs from the one at {}: remove one of them", all[0].place);
            return Err(Failure::new(Kind::Config, cause).of_profile(&name).at(&other.place));
        }
    }
    let (Some((id, _)), Some(secret)) = (settings.static_key()?, settings.raw(STATIC_KEYS[1])) else {
        return Err(none());
    };
    let secret = parse_secret_key(&secret.value).map_err(|why| settings.refuse_unquoted(secret, why))?;
    Ok(AccessKey { id, secret })
}

/// Whether every profile gets what it got before, by the key, role and device of its plan. Those that get more, because
/// their key's profile names a device now, are returned; a profile that would get anything else is a failure.
pub fn compare(before: Sources<'_>, after: Sources<'_>) -> Result<Vec<ProfileName>> {
    let mut more = Vec::new();
    // Builds the index, so that each profile is found without a search.
    after.files.profile_names();
    for name in before.files.profile_names().iter().filter_map(|name| ProfileName::parse(name).ok()) {
        let Ok(old) = plan::plan(before, &name) else { continue };
        // A section whose key was moved away is no longer a profile.
        if after.files.profile(name.as_str()).is_none() {
            continue;
        }
        let new = plan::plan(after, &name)?;
        let same_region = old.region.value == new.region.value && old.shell_region == new.shell_region;
        let same_command = old.process_for_codes().is_some() == new.process_for_codes().is_some();
        if !old.base.gives_the_same_as(&new.base) || !same_region || !same_command {
            return Err(differs(&name));
        }
        match (&old.device, &new.device) {
            (old_device, new_device) if old_device == new_device && old.steps == new.steps => {}
            (None, Some(_)) => more.push(name),
            _ => return Err(differs(&name)),
        }
    }
    Ok(more)
}

fn differs(name: &ProfileName) -> Failure {
    Failure::new(Kind::Config, "would get different credentials than before; nothing was changed")
        .of_profile(name)
        .hint(CommandLine::of(Verb::Show, name).to("what it gets now"))
}

#[cfg(test)]
mod tests;
