//! The profile of a command: from an argument, a variable or an alias in `config.toml`, or picked on the terminal.

use std::collections::HashSet;

use crate::aws_files::Profile;
use crate::aws_files::near::not_found;
use crate::cli::ProfileArg;
use crate::error::{Failure, Kind, Result};
use crate::hint::{CommandLine, Verb};
use crate::names::ProfileName;
use crate::ours::usage::{self, Usage};
use crate::picker::{self, Choices};
use crate::profile::adoption::kept_key::usable_names;
use crate::profile::chain::suggestion;
use crate::profile::facts::{account_on, kind, kind_on};
use crate::profile::plan;
use crate::system::terminal::Unusable;
use crate::system::{clock, log};
use crate::text::list::first_names;
use crate::text::near::{did_you_mean, meant};
use crate::text::visible::{refused, sentence, visible};

use super::context::Context;

impl Context {
    pub fn requested(&self, arg: &ProfileArg) -> Result<ProfileName> {
        let name = self.given_name(arg)?.ok_or_else(|| self.no_profile_given())?;
        self.resolve_alias(&name)
    }

    /// Lets the user pick a profile if none is given.
    pub fn requested_or_picked(&self, arg: &ProfileArg) -> Result<ProfileName> {
        match self.given_name(arg)? {
            Some(name) => self.resolve_alias(&name),
            None => self.resolve_alias(&self.pick("", |_| self.no_profile_given())?),
        }
    }

    /// Lets the user pick a profile; `no_terminal` makes the failure if there is no terminal.
    pub fn pick(&self, filter: &str, no_terminal: impl FnOnce(Unusable) -> Failure) -> Result<ProfileName> {
        let (usage, now) = (Usage::load(&self.dirs.state), clock::now());
        let mut names = self.names_offered();
        names.retain(|name| ProfileName::parse(name).is_ok());
        if names.is_empty() {
            return Err(self.no_profile_given());
        }
        let alias = |name: &str| self.settings.aliases.get(name).map(|alias| alias.profile.as_str());
        let profiles: HashSet<String> = self.files.profile_names().into_iter().collect();
        let alias_of = |name: &String| if profiles.contains(name) { None } else { alias(name) };
        names.retain(|name| alias_of(name).is_none_or(|profile| profiles.contains(profile)));
        let weights: Vec<u64> = names.iter().map(|name| usage.weight(alias_of(name).unwrap_or(name), now)).collect();
        let detail = |at: usize| match alias_of(&names[at]) {
            Some(profile) => format!("alias of {profile}"),
            None => self.summary(&names[at]),
        };
        let choices = Choices { what: "profile", names: &names, weights: &weights, detail: &detail };
        match picker::pick(&choices, filter, &self.env).map_err(no_terminal)? {
            Some(at) => ProfileName::parse(&names[at]).map_err(|why| Failure::new(Kind::Bug, why)),
            None => Err(Failure::cancelled("no profile was picked")),
        }
    }

    pub fn summary(&self, name: &str) -> String {
        let Some(profile) = self.files.profile(name) else { return String::new() };
        let kind = kind(&profile, &self.index);
        // A chain is followed only where the profile itself does not say it: there may be thousands.
        let base = if ["key of another", "sso", "login"].contains(&kind) { self.outline(name) } else { None };
        let base = base.map(|outline| outline.base);
        let account = account_on(&profile, &self.index, base.as_ref());
        let account = account.map(|account| format!(" {account}")).unwrap_or_default();
        format!("{}{account}", kind_on(&profile, &self.index, base.as_ref()))
    }

    pub fn given_name(&self, arg: &ProfileArg) -> Result<Option<ProfileName>> {
        match (&arg.positional, &arg.flag) {
            (Some(one), Some(other)) if one != other && self.resolve_alias(one)? != self.resolve_alias(other)? => {
                Err(Failure::new(Kind::Usage, format!("two profiles were given: '{one}' and '{other}'")))
            }
            (Some(name), _) | (None, Some(name)) => Ok(Some(name.clone())),
            (None, None) => self.named_by_variable(),
        }
    }

    fn named_by_variable(&self) -> Result<Option<ProfileName>> {
        for variable in ["AWS_PROFILE", "AWS_DEFAULT_PROFILE"] {
            if let Some(name) = self.env.readable(variable)? {
                let invalid = |why| Failure::new(Kind::Usage, format!("{variable}: {why}"));
                let name = ProfileName::parse(name).map_err(invalid)?;
                let is_known = self.has(&name) || self.settings.aliases.get(name.as_str()).is_some();
                return if is_known {
                    Ok(Some(name))
                } else {
                    Err(self.unknown(&name, &format!("named by {variable}, but ")))
                };
            }
        }
        Ok(None)
    }

    /// The failure of a name that neither file has, with suggestions.
    fn unknown(&self, name: &ProfileName, before: &str) -> Failure {
        let mut failure = plan::plan(self.sources(), name).err().unwrap_or_else(|| self.files.not_found(name));
        failure.cause.insert_str(0, before);
        failure
    }

    fn no_profile_given(&self) -> Failure {
        self.listing_profiles(Failure::new(Kind::Usage, "no profile given: name one, or set AWS_PROFILE"))
    }

    fn listing_profiles(&self, failure: Failure) -> Failure {
        let names = first_names(&self.usable_names());
        match names.is_empty() {
            false => failure.hint(format!("profiles: {names}")),
            true => failure.hint(
                CommandLine::new(Verb::Setup).to(format!("there are no profiles in {}; run", self.files.shown())),
            ),
        }
    }

    /// The profile with this name, else the profile of this alias. A name that is neither is returned as it is: the
    /// command reports that it does not exist.
    pub fn resolve_alias(&self, name: &ProfileName) -> Result<ProfileName> {
        let Some(alias) = self.settings.aliases.get(name.as_str()).filter(|_| !self.has(name)) else {
            return Ok(name.clone());
        };
        if self.has(&alias.profile) {
            return Ok(alias.profile.clone());
        }
        let mut failure = self.unknown(&alias.profile, "").at(&alias.place);
        failure.cause += &format!(", and alias '{name}' refers to it");
        Err(failure)
    }

    fn has(&self, name: &ProfileName) -> bool {
        self.files.profile(name.as_str()).is_some()
    }

    fn nearly_found(&self, name: &ProfileName) -> Option<Failure> {
        Some(not_found(name.as_str(), &self.files.why_not_found(name.as_str())?))
    }

    pub fn existing(&self, name: &ProfileName) -> Result<Profile> {
        let missing =
            || self.files.not_found(name).hint(suggestion(&self.files.profile_names(), refused(name.as_str())));
        self.files.profile(name.as_str()).ok_or_else(|| self.nearly_found(name).unwrap_or_else(missing))
    }

    /// The only profile that a name of none was probably meant to be.
    pub fn meant_by(&self, name: &ProfileName) -> Option<String> {
        let is_nowhere = !self.has(name) && self.files.why_not_found(name.as_str()).is_none();
        let names = usable_names(&self.files);
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        match meant(&names, name.as_str())[..] {
            [one] if is_nowhere => Some(one.into()),
            _ => None,
        }
    }

    /// For a command that could go on with a profile that was only just added.
    pub fn existing_or_to_add(&self, name: &ProfileName) -> Result<Profile> {
        self.existing(name).map_err(|failure| match self.files.why_not_found(name.as_str()) {
            None if name.fits_every_tool() => {
                let hints = failure.hints.into_iter().filter(|hint| hint.command().is_none()).collect();
                Failure { hints, ..failure }.hint(CommandLine::of(Verb::Add, name).to("to add it"))
            }
            _ => failure,
        })
    }

    /// Says of a profile that was named, and that the AWS files do not have, which one may be meant.
    pub fn does_not_exist_yet(&self, name: &str) -> String {
        let near = did_you_mean(&self.files.profile_names(), name);
        let near = near.map(|question| format!("; {}", sentence(&question))).unwrap_or_default();
        format!("profile '{}' does not exist yet{near}", visible(name))
    }

    /// Records that the profile was used, for the order in the picker. A failure is only logged.
    pub fn note_use(&self, profile: &ProfileName) {
        if !self.may_keep_state() {
            return;
        }
        let existing: Option<HashSet<String>> =
            self.has_usual_files().then(|| self.files.profile_names().into_iter().collect());
        if let Err(why) = usage::record(&self.dirs.state, profile, clock::now(), existing.as_ref()) {
            log::detail(format_args!("cannot record the use of '{profile}': {why}"));
        }
    }

    /// The profiles that people use: none that only keeps a key.
    pub fn usable_names(&self) -> Vec<String> {
        let (mut names, kept) = (usable_names(&self.files), self.new_key_sections());
        names.retain(|name| !kept.contains(name));
        names
    }

    /// Every name that a command accepts: the profiles in file order, then the aliases.
    pub fn names_offered(&self) -> Vec<String> {
        let mut names = self.usable_names();
        let known: HashSet<String> = names.iter().cloned().collect();
        names.extend(self.settings.aliases.iter().map(|(alias, _)| alias.to_string()).filter(|a| !known.contains(a)));
        names
    }
}
