//! Which profile a command is about: named by an argument, by a variable, or by an alias of `config.toml`.

use std::collections::HashSet;

use crate::cli::ProfileArg;
use crate::config::usage;
use crate::error::{Failure, Kind, Result};
use crate::names::ProfileName;
use crate::profile::plan;
use crate::system::{clock, log};
use crate::visible::visible;

use super::profile::unknown;
use super::world::World;

impl World {
    /// The profile a command is about.
    pub fn asked(&self, arg: &ProfileArg) -> Result<ProfileName> {
        match self.named(arg)? {
            Some(name) => self.meant(&name),
            None => Err(self.nobody_named()),
        }
    }

    /// The name that was given, by an argument or a variable.
    fn named(&self, arg: &ProfileArg) -> Result<Option<ProfileName>> {
        match (&arg.positional, &arg.flag) {
            (Some(one), Some(other)) if one != other && self.meant(one)? != self.meant(other)? => {
                let cause = format!("two profiles are named: '{one}' and '{other}'");
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

    fn nobody_named(&self) -> Failure {
        let names: Vec<String> =
            self.files.profile_names().iter().take(8).map(|n| format!("'{}'", visible(n))).collect();
        let failure = Failure::new(Kind::Usage, "no profile is named: give PROFILE, or set AWS_PROFILE");
        if names.is_empty() { failure } else { failure.hint(format!("profiles: {}", names.join(", "))) }
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
        failure.cause += &format!(", and alias '{}' stands for it", visible(name.as_str()));
        Err(failure)
    }

    fn has(&self, name: &ProfileName) -> bool {
        self.files.profile(name.as_str()).is_some()
    }

    /// Notes that a person used this profile, for the order of the picker. That it cannot be noted fails nothing.
    pub fn note_use(&self, profile: &ProfileName) {
        // Files that a variable chose do not know the profiles of the usual ones.
        let usual = self.files.config_choice.variable.is_none() && self.files.credentials_choice.variable.is_none();
        let there: Option<HashSet<String>> = usual.then(|| self.files.profile_names().into_iter().collect());
        if let Err(why) = usage::record(&self.folders.state, profile, clock::now(), there.as_ref()) {
            log::detail(format_args!("the use of '{profile}' is not noted: {why}"));
        }
    }

    /// Every name a command takes for a profile: the profiles in file order, then the aliases.
    pub fn names_offered(&self) -> Vec<String> {
        let mut names = self.files.profile_names();
        let known: HashSet<String> = names.iter().cloned().collect();
        names.extend(self.settings.aliases.iter().map(|(alias, _)| alias.to_string()).filter(|a| !known.contains(a)));
        names
    }
}
