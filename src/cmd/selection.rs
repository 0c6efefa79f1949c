//! Which profile a command is about: named by an argument, by a variable, by an alias of
//! `config.toml`; or picked by a person.

use std::collections::HashSet;

use crate::aws_files::Profile;
use crate::cli::ProfileArg;
use crate::error::{Failure, Kind, Result};
use crate::names::ProfileName;
use crate::ours::usage::{self, Usage};
use crate::picker::{self, Choices, Style};
use crate::profile::adoption::kept_key::keeps_the_key_of;
use crate::profile::facts::{account, kind};
use crate::profile::plan;
use crate::system::terminal::Unusable;
use crate::system::{clock, log};
use crate::text::list::first_names;

use super::context::Context;

impl Context {
    /// The profile a command is about.
    pub fn asked(&self, arg: &ProfileArg) -> Result<ProfileName> {
        match self.named(arg)? {
            Some(name) => self.meant(&name),
            None => Err(self.no_profile_given()),
        }
    }

    /// The same; where no name was given, a person at the terminal picks one.
    pub fn requested_or_picked(&self, arg: &ProfileArg) -> Result<ProfileName> {
        match self.named(arg)? {
            Some(name) => self.meant(&name),
            None => self.meant(&self.pick("", |_| self.no_profile_given())?),
        }
    }

    /// Lets a person pick; `nobody` says what it means that there is no terminal to do so.
    pub fn pick(&self, filter: &str, nobody: impl FnOnce(Unusable) -> Failure) -> Result<ProfileName> {
        let (usage, now) = (Usage::load(&self.dirs.state), clock::now());
        let mut names = self.names_offered();
        names.retain(|name| ProfileName::parse(name).is_ok());
        if names.is_empty() {
            return Err(self.no_profile_given());
        }
        let alias = |name: &str| self.settings.aliases.get(name).map(|alias| alias.profile.as_str());
        let profiles: HashSet<String> = self.files.profile_names().into_iter().collect();
        let stands_for = |name: &String| if profiles.contains(name) { None } else { alias(name) };
        names.retain(|name| stands_for(name).is_none_or(|profile| profiles.contains(profile)));
        let weights: Vec<u64> = names.iter().map(|name| usage.weight(stands_for(name).unwrap_or(name), now)).collect();
        let detail = |at: usize| match stands_for(&names[at]) {
            Some(profile) => format!("alias of {profile}"),
            None => self.in_short(&names[at]),
        };
        let choices = Choices { what: "profile", names: &names, weights: &weights, detail: &detail };
        match picker::pick(&choices, filter, Style::of(&self.env)).map_err(nobody)? {
            Some(at) => ProfileName::parse(&names[at]).map_err(|why| Failure::new(Kind::Bug, why)),
            None => Err(Failure::silent(Kind::NeedsPerson)),
        }
    }

    /// What a profile is, and in which account.
    fn in_short(&self, name: &str) -> String {
        let Some(profile) = self.files.profile(name) else { return String::new() };
        let account = account(&profile, &self.index).map(|account| format!(" {account}")).unwrap_or_default();
        format!("{}{account}", kind(&profile, &self.index))
    }

    /// The name that was given, by an argument or a variable.
    fn named(&self, arg: &ProfileArg) -> Result<Option<ProfileName>> {
        match (&arg.positional, &arg.flag) {
            (Some(one), Some(other)) if one != other && self.meant(one)? != self.meant(other)? => {
                let cause = format!("two profiles were given: '{one}' and '{other}'");
                Err(Failure::new(Kind::Usage, cause))
            }
            (Some(name), _) | (None, Some(name)) => Ok(Some(name.clone())),
            (None, None) => self.named_by_variable(),
        }
    }

    fn named_by_variable(&self) -> Result<Option<ProfileName>> {
        for variable in ["AWS_PROFILE", "AWS_DEFAULT_PROFILE"] {
            if let Some(name) = self.env.text(variable) {
                let wrong = |why| Failure::new(Kind::Usage, format!("{variable}: {why}"));
                return ProfileName::parse(name).map(Some).map_err(wrong);
            }
        }
        Ok(None)
    }

    fn no_profile_given(&self) -> Failure {
        let names = first_names(&self.files.profile_names());
        let failure = Failure::new(Kind::Usage, "no profile given: name one, or set AWS_PROFILE");
        if names.is_empty() { failure } else { failure.hint(format!("profiles: {names}")) }
    }

    /// The profile a name means: the one of that very name, else the one its alias stands for. A name that is neither
    /// stays what it is; what the command does with it says best that there is none.
    pub fn meant(&self, name: &ProfileName) -> Result<ProfileName> {
        let Some(alias) = self.settings.aliases.get(name.as_str()).filter(|_| !self.has(name)) else {
            return Ok(name.clone());
        };
        if self.has(&alias.profile) {
            return Ok(alias.profile.clone());
        }
        let mut failure = plan::plan(self.sources(), &alias.profile)
            .err()
            .unwrap_or_else(|| unknown(&alias.profile))
            .at(&alias.place);
        failure.cause += &format!(", and alias '{name}' refers to it");
        Err(failure)
    }

    fn has(&self, name: &ProfileName) -> bool {
        self.files.profile(name.as_str()).is_some()
    }

    /// The profile of that name, which has to be there.
    pub fn known(&self, name: &ProfileName) -> Result<Profile> {
        self.files.profile(name.as_str()).ok_or_else(|| {
            let names = first_names(&self.files.profile_names());
            let failure = unknown(name);
            if names.is_empty() { failure } else { failure.hint(format!("profiles: {names}")) }
        })
    }

    /// Notes that a person used this profile, for the order of the picker. That it cannot be noted fails nothing.
    pub fn note_use(&self, profile: &ProfileName) {
        if self.other_home_owner().is_some() {
            return;
        }
        // Files that a variable chose do not know the profiles of the usual ones.
        let usual = self.files.config_choice.variable.is_none() && self.files.credentials_choice.variable.is_none();
        let there: Option<HashSet<String>> = usual.then(|| self.files.profile_names().into_iter().collect());
        if let Err(why) = usage::record(&self.dirs.state, profile, clock::now(), there.as_ref()) {
            log::detail(format_args!("the use of '{profile}' is not noted: {why}"));
        }
    }

    /// Every name a command takes for a profile: the profiles in file order, then the aliases.
    pub fn names_offered(&self) -> Vec<String> {
        let mut names = self.files.profile_names();
        // Where there is no keyring, an adopted profile's key has a profile to itself, which nobody means.
        names.retain(|name| ProfileName::parse(name).is_ok_and(|name| keeps_the_key_of(&self.files, &name).is_none()));
        let known: HashSet<String> = names.iter().cloned().collect();
        names.extend(self.settings.aliases.iter().map(|(alias, _)| alias.to_string()).filter(|a| !known.contains(a)));
        names
    }
}

/// A failure about a name no file has.
pub fn unknown(name: &ProfileName) -> Failure {
    Failure::new(Kind::Config, "profile not found").of_profile(name)
}
