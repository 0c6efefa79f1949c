//! Where sessions and access keys are kept on this machine, and for how long: one line of `status`.

use serde_json::{Value, json};

use crate::session::sealing_key;
use crate::store::{About, StoreError};
use crate::system::browser::is_in_wsl;
use crate::system::confinement::Confinement;
use crate::system::directories::may_be_written;

use super::context::Context;

/// Words for people; programs get the same.
#[derive(Debug, PartialEq, Eq)]
pub struct Kept {
    /// Where the key of the sessions is, and until when; else why no session is saved.
    sessions: Result<(String, &'static str), String>,
    keys: String,
}

/// What a store answered about the sealing key: none where it has it.
type Answer = Option<StoreError>;

impl Kept {
    /// Asks each keyring for the sealing key. No dialog opens.
    pub fn look(context: &Context) -> Self {
        let stores = context.stores(false);
        let answers = sealing_key::ask_each(&stores, &context.dirs.cache);
        let is_fast =
            |(about, _): &&(&'static About, Answer)| stores.fast.as_ref().is_some_and(|fast| fast.about() == *about);
        let fast = answers.iter().find(is_fast);
        let durable = answers.iter().find(|answer| !is_fast(answer));
        let keyrings = Keyrings { fast, durable };
        let sessions = match why_not_saved(context) {
            Some(why) => Err(why),
            None => keyrings.of_sessions(Place::here()),
        };
        Self { sessions, keys: keyrings.of_keys() }
    }

    /// `sessions: the kernel keyring, until reboot or three days unused; access keys: the Secret Service`
    pub fn line(&self) -> String {
        let sessions = match &self.sessions {
            Ok((place, until)) => format!("{place}, until {until}"),
            Err(why) => format!("not saved: {why}"),
        };
        format!("sessions: {sessions}; access keys: {}", self.keys)
    }

    pub fn as_json(&self) -> Value {
        match &self.sessions {
            Ok((place, until)) => json!({"sessions": place, "until": until, "access_keys": self.keys}),
            Err(why) => json!({"not_saved": why, "access_keys": self.keys}),
        }
    }
}

/// Why the sealed files cannot be written, whatever the keyrings say.
fn why_not_saved(context: &Context) -> Option<String> {
    if context.dirs.is_nowhere {
        return Some("there is no home directory".into());
    }
    if let Some(owner) = context.other_home_owner() {
        return Some(format!("running as root in the home directory of {owner}"));
    }
    let cache = &context.dirs.cache;
    (!may_be_written(cache)).then(|| context.shortened(&format!("{} cannot be written", cache.display())))
}

/// What ends a kernel keyring.
#[derive(Clone, Copy, Debug)]
enum Place {
    Sandbox,
    Wsl,
    Machine,
}

impl Place {
    fn here() -> Self {
        match () {
            () if Confinement::here().is_some() => Self::Sandbox,
            () if is_in_wsl() => Self::Wsl,
            () => Self::Machine,
        }
    }

    fn end_of_the_kernel_keyring(self) -> &'static str {
        match self {
            Self::Sandbox => "the sandbox ends or three days unused",
            Self::Wsl => "WSL stops or three days unused",
            Self::Machine => "reboot or three days unused",
        }
    }
}

struct Keyrings<'a> {
    fast: Option<&'a (&'static About, Answer)>,
    durable: Option<&'a (&'static About, Answer)>,
}

impl Keyrings<'_> {
    fn of_sessions(&self, place: Place) -> Result<(String, &'static str), String> {
        let (fast, durable) = (usable(self.fast), usable(self.durable));
        let kernel_has_it = || self.fast.is_some_and(|(_, answer)| answer.is_none());
        match (fast, durable) {
            (None, Some((store, _))) => Ok((store.name.into(), "they expire")),
            (Some((kernel, _)), Some((store, has_key))) if has_key || !kernel_has_it() => {
                Ok((format!("{} and {}", kernel.name, store.name), "they expire"))
            }
            (Some((kernel, _)), _) => Ok((kernel.name.into(), place.end_of_the_kernel_keyring())),
            (None, None) => Err(self.answers()),
        }
    }

    fn answers(&self) -> String {
        let said = |(store, answer): &(&About, Answer)| Some(format!("{} {}", store.name, answer.as_ref()?));
        let said: Vec<_> = self.fast.into_iter().chain(self.durable).filter_map(said).collect();
        if said.is_empty() { "this machine has no keyring".into() } else { said.join("; ") }
    }

    fn of_keys(&self) -> String {
        match self.durable.filter(|(store, _)| store.keeps_access_keys) {
            Some((store, None | Some(StoreError::Absent))) => store.name.into(),
            Some((_, Some(StoreError::NoService(_)))) | None => "the AWS files".into(),
            Some((store, Some(answer))) => format!("{}, which {answer}", store.name),
        }
    }
}

/// A store that keeps sealing keys, and whether it has ours.
fn usable(of: Option<&(&'static About, Answer)>) -> Option<(&'static About, bool)> {
    match of? {
        (store, None) => Some((store, true)),
        (store, Some(StoreError::Absent)) => Some((store, false)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{file, kernel};

    const DESKTOP: About = About { name: "the desktop's", keeps_access_keys: true, unlock: None, start: None };

    fn line(fast: Option<(&'static About, Answer)>, durable: Option<(&'static About, Answer)>, place: Place) -> String {
        let keyrings = Keyrings { fast: fast.as_ref(), durable: durable.as_ref() };
        Kept { sessions: keyrings.of_sessions(place), keys: keyrings.of_keys() }.line()
    }

    #[test]
    fn each_surrounding_has_its_line() {
        let kernel = |answer| Some((&kernel::ABOUT, answer));
        let desktop = |answer| Some((&DESKTOP, answer));
        let absent = || Some(StoreError::Absent);
        let none = || Some(StoreError::NoService("none".into()));
        for (fast, durable, place, expected) in [
            (
                kernel(None),
                desktop(None),
                Place::Machine,
                "the kernel keyring and the desktop's, until they expire; access keys: the desktop's",
            ),
            (
                kernel(absent()),
                desktop(absent()),
                Place::Machine,
                "the kernel keyring and the desktop's, until they expire; access keys: the desktop's",
            ),
            (
                kernel(None),
                desktop(absent()),
                Place::Machine,
                "the kernel keyring, until reboot or three days unused; access keys: the desktop's",
            ),
            (
                kernel(None),
                desktop(Some(StoreError::Locked)),
                Place::Machine,
                "the kernel keyring, until reboot or three days unused; access keys: the desktop's, which is locked",
            ),
            (
                kernel(absent()),
                desktop(none()),
                Place::Wsl,
                "the kernel keyring, until WSL stops or three days unused; access keys: the AWS files",
            ),
            (
                kernel(absent()),
                desktop(none()),
                Place::Sandbox,
                "the kernel keyring, until the sandbox ends or three days unused; access keys: the AWS files",
            ),
            (
                kernel(none()),
                desktop(absent()),
                Place::Machine,
                "the desktop's, until they expire; access keys: the desktop's",
            ),
            (
                kernel(none()),
                desktop(none()),
                Place::Machine,
                "not saved: the kernel keyring is not available: none; the desktop's is not available: none; access \
                 keys: the AWS files",
            ),
            (
                None,
                Some((&file::ABOUT, absent())),
                Place::Machine,
                "the key file, until they expire; access keys: the AWS files",
            ),
            (
                kernel(absent()),
                None,
                Place::Machine,
                "the kernel keyring, until reboot or three days unused; access keys: the AWS files",
            ),
        ] {
            assert_eq!(line(fast, durable, place), format!("sessions: {expected}"));
        }
    }
}
