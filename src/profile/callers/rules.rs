//! Where each caller looks for credentials in a profile (aws-contract 2.2), and how it follows sources (2.4).

use std::fmt;

use crate::aws_files::Setting;
use crate::aws_files::oddities::Reader;
use crate::aws_files::process_line::{ProcessLine, Rest, Start};
use crate::names::ProfileName;
use crate::profile::chain::MOST_HOPS;
use crate::profile::settings::ProfileSettings;
use crate::text::visible::visible;

use super::verdict::{CodeUse, Obtained, Provider, Resolution};
use super::view::{Readings, View};
use super::{Machine, lacking};

/// What a profile gives a caller; none where it has no credentials.
type Judged = Result<Option<Obtained>, Resolution>;

const KEYS: &str = "aws_access_key_id";
const KEYS_IN_CREDENTIALS: &str = "aws_access_key_id in the credentials file";
const NAMED: &str = "credential_source";
const PROCESS: &str = "credential_process";
const SIGN_IN: &str = "login_session";
const SSO: &str = "sso";
const WEB: &str = "web_identity_token_file";
const WEB_IDENTITY: &str = "a web identity";

/// Where a caller looks in a profile without a role, in this order.
fn order(reader: Reader) -> &'static [&'static str] {
    match reader {
        Reader::Cli => &[WEB, SSO, KEYS_IN_CREDENTIALS, SIGN_IN, PROCESS, KEYS],
        Reader::Go => &[KEYS, NAMED, WEB, SSO, SIGN_IN, PROCESS],
        Reader::Js => &[KEYS, WEB, PROCESS, SSO, SIGN_IN],
        Reader::Java => &[WEB, SSO, SIGN_IN, PROCESS, KEYS],
        Reader::Rust => &[NAMED, WEB, SSO, SIGN_IN, PROCESS, KEYS],
    }
}

/// Returns what a caller would do with a profile.
pub(super) fn judge(readings: &Readings<'_>, machine: &dyn Machine, reader: Reader, name: &str) -> Resolution {
    let view = match readings.view(reader, name) {
        Ok(Some(view)) => view,
        Ok(None) => return Resolution::Fails("profile not found".into()),
        Err(resolution) => return resolution,
    };
    let mut walk = Walk { readings, machine, visited: Vec::new() };
    let judged = match walk.of(&view) {
        // After an error with the role, the default chain goes on to the process.
        Err(Resolution::Fails(_)) if reader == Reader::Js && view.has(PROCESS) => walk.look(&view, PROCESS),
        judged => judged,
    };
    match judged {
        Ok(Some(found)) => Resolution::Gets(found),
        Ok(None) => Resolution::Fails("no credentials".into()),
        Err(resolution) => resolution,
    }
}

struct Walk<'a> {
    readings: &'a Readings<'a>,
    machine: &'a dyn Machine,
    visited: Vec<String>,
}

impl Walk<'_> {
    fn of(&mut self, view: &View) -> Judged {
        if self.visited.len() > MOST_HOPS {
            return error(format!("the chain of source profiles is longer than {MOST_HOPS} hops"));
        }
        let is_source = !self.visited.is_empty();
        match view.reader {
            Reader::Go => self.go(view, is_source),
            Reader::Js | Reader::Rust if is_source && has_keys(view) => self.look(view, KEYS),
            _ if is_role(view, is_source) => self.role(view),
            Reader::Js if is_source && !view.has("role_arn") && view.has(NAMED) => self.look(view, NAMED),
            _ => self.base(view),
        }
    }

    /// A role assumed with what its source gives.
    fn role(&mut self, view: &View) -> Judged {
        if view.reader == Reader::Js {
            can_ask(view)?;
        }
        let found = match (view.get("source_profile"), view.get(NAMED)) {
            (Some(source), None) if source.value == view.name && is_source_of_itself(view) => self.base(view)?,
            (Some(source), None) => self.follow(view, source)?,
            (None, Some(_)) => self.look(view, NAMED)?,
            (Some(_), Some(named)) => {
                return error(format!("both source_profile and credential_source ({})", named.place));
            }
            (None, None) => return error("role_arn without source_profile or credential_source"),
        };
        assume(view, found)
    }

    /// Go takes one source of credentials, and assumes the role with whatever that gives.
    fn go(&mut self, view: &View, is_source: bool) -> Judged {
        let role = view.get("role_arn");
        let given: Vec<&Setting> =
            ["source_profile", NAMED, WEB, PROCESS].into_iter().filter_map(|key| view.get(key)).collect();
        let needs_role = given.iter().find(|setting| role.is_none() && setting.key != PROCESS);
        if let Some(needs) = needs_role {
            return error(format!("{} without role_arn ({})", needs.key, needs.place));
        }
        let source = view.get("source_profile").filter(|source| source.value != view.name);
        // In a source profile, keys come first; its own source is not followed then.
        let found = match source {
            _ if is_source && view.keys()?.is_some() => self.look(view, KEYS)?,
            _ if given.len() > 1 => {
                let keys: Vec<&str> = given.iter().map(|setting| setting.key.as_str()).collect();
                return error(format!("takes one source of credentials, not {}", keys.join(" and ")));
            }
            Some(source) => self.follow(view, source)?,
            None => self.base(view)?,
        };
        // A web identity has assumed the role.
        match &found {
            Some(Obtained { provider: Provider::Other(WEB_IDENTITY, _), .. }) if source.is_none() => Ok(found),
            _ if role.is_none() => Ok(found),
            _ => assume(view, found),
        }
    }

    /// What a source gives.
    fn follow(&mut self, view: &View, source: &Setting) -> Judged {
        let wrong = |why: &str| {
            let (name, of) = (visible(source.shown()), visible(&view.name));
            error(format!("source_profile '{name}' of '{of}' ({}) {why}", source.place))
        };
        self.visited.push(view.name.clone());
        if self.visited.contains(&source.value) {
            return wrong("is a loop");
        }
        let below = match self.readings.view(view.reader, &source.value) {
            Ok(Some(below)) => below,
            Ok(None) => return wrong("does not exist"),
            Err(odd) => return Err(odd),
        };
        self.of(&below)?.map_or_else(|| wrong("has no credentials"), |found| Ok(Some(found)))
    }

    /// What a profile gives without another one.
    fn base(&self, view: &View) -> Judged {
        for key in order(view.reader) {
            if let Some(found) = self.look(view, key)? {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    /// What a caller finds in one place.
    fn look(&self, view: &View, key: &str) -> Judged {
        let there = |setting: &Setting, what| Provider::Other(what, setting.place.clone());
        let provider = match key {
            KEYS => view.keys()?.map(|id| there(id, "the access key")),
            KEYS_IN_CREDENTIALS => view.keys_in_credentials()?.map(|id| there(id, "the access key")),
            SSO => view.sso().map(|sso| there(sso, "SSO")),
            WEB => match view.get(WEB) {
                Some(token) if !view.has("role_arn") && matches!(view.reader, Reader::Cli | Reader::Rust) => {
                    return error(format!("web_identity_token_file without role_arn ({})", token.place));
                }
                token => token.filter(|_| view.has("role_arn")).map(|token| there(token, WEB_IDENTITY)),
            },
            SIGN_IN => view.get(key).map(|setting| there(setting, "the sign-in of aws login")),
            NAMED => view.get(key).map(|setting| there(setting, "credential_source")),
            _ => view.get(key).map(|setting| self.process(view, setting)).transpose()?,
        };
        Ok(provider.map(|provider| Obtained { provider, roles: 0, code: CodeUse::NotNeeded }))
    }

    /// Whether twolock gives a profile to a person alone.
    fn is_protected(&self, name: &str) -> bool {
        let (Some(profile), Ok(name)) = (self.readings.profile(name), ProfileName::parse(name)) else { return false };
        ProfileSettings::of(&profile, &name).is_protected().unwrap_or_default()
    }

    /// Whether a `credential_process` is twolock, and whether this caller gets credentials from it.
    fn process(&self, view: &View, setting: &Setting) -> Result<Provider, Resolution> {
        let Some(line) = ProcessLine::parse(&setting.value) else {
            return Ok(Provider::Other("another program", setting.place.clone()));
        };
        let fails = |why: String| error(format!("{why} ({})", setting.place));
        if let Some(why) = why_not_started(&line, view.reader, self.machine) {
            return fails(format!("cannot start the credential_process: {why}"));
        }
        match line.profile {
            None => fails("credential_process names no profile, so it needs AWS_PROFILE".into()),
            Some(profile) => match self.machine.refusal(profile) {
                None if !self.is_protected(profile) => Ok(Provider::Twolock(profile.into())),
                None if self.visited.is_empty() && profile == view.name => Err(Resolution::Protected),
                None => fails(format!("'{}' is protected", visible(profile))),
                Some(why) => fails(format!("twolock cannot get credentials for '{}': {why}", visible(profile))),
            },
        }
    }
}

/// Whether a caller takes a profile for a role, which it assumes with the credentials of another source.
fn is_role(view: &View, is_source: bool) -> bool {
    let has = |key: &str| view.has(key);
    has("role_arn")
        && match view.reader {
            // A source with keys, even half of them, is not asked for its role.
            Reader::Cli => !has(WEB) && !(is_source && (has(KEYS) || has("aws_secret_access_key"))),
            Reader::Java => !has(WEB) && view.sso().is_none() && (has("source_profile") || has(NAMED)),
            Reader::Js => has("source_profile") != has(NAMED),
            Reader::Rust => !has(WEB),
            Reader::Go => true,
        }
}

fn is_source_of_itself(view: &View) -> bool {
    view.reader == Reader::Rust || (matches!(view.reader, Reader::Cli | Reader::Js) && has_keys(view))
}

fn has_keys(view: &View) -> bool {
    matches!(view.keys(), Ok(Some(_)))
}

/// Assumes a role: some callers ask for the code, some cannot, some ignore `mfa_serial`.
fn assume(view: &View, found: Option<Obtained>) -> Judged {
    can_ask(view)?;
    let Some(mut found) = found else { return Ok(None) };
    let has_mfa = found.code == CodeUse::NotNeeded && matches!(found.provider, Provider::Twolock(_));
    found.roles += 1;
    if let Some(serial) = view.get("mfa_serial") {
        match view.reader {
            Reader::Cli => found.code = CodeUse::Asked(serial.place.clone()),
            // A session of ours was opened with a code, and that counts for the calls it signs.
            _ if has_mfa => {}
            _ => found.code = CodeUse::Ignored(serial.place.clone()),
        }
    }
    Ok(Some(found))
}

fn can_ask(view: &View) -> Result<(), Resolution> {
    match view.get("mfa_serial") {
        Some(serial) if matches!(view.reader, Reader::Go | Reader::Js) => {
            Err(Resolution::CannotAsk(serial.place.clone()))
        }
        _ => Ok(()),
    }
}

/// Why a caller cannot start the program of a line. The AWS CLI and boto3 start it without a shell, the others with one
/// (aws-contract 3.3).
fn why_not_started(line: &ProcessLine<'_>, reader: Reader, machine: &dyn Machine) -> Option<String> {
    let program = visible(line.program);
    let has_shell = reader != Reader::Cli || line.start == Start::Shell;
    match line.start {
        Start::Quoted => return Some("the quotes make the whole line one word".into()),
        Start::Assigned if !has_shell => return Some("it runs no shell, so it cannot set variables".into()),
        _ => {}
    }
    match line.rest {
        Rest::Refused(word) => return Some(format!("twolock refuses '{}' after the profile", visible(word))),
        Rest::ForShell(word) if !has_shell => {
            return Some(format!("it runs no shell, so '{}' is an argument to twolock", visible(word)));
        }
        _ => {}
    }
    if let Some(name) = line.sets {
        return Some(format!("it sets {name}, so twolock answers for other files or settings"));
    }
    if !has_shell && (line.program.starts_with('~') || line.program.contains('$')) {
        return Some(format!("it runs no shell, so '{program}' is not expanded"));
    }
    lacking(line.program, machine).map(|lacking| format!("'{program}' {lacking}"))
}

fn error<T>(why: impl fmt::Display) -> Result<T, Resolution> {
    Err(Resolution::error(why))
}
