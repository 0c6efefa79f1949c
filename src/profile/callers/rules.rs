//! In which order each caller looks for credentials in a profile (aws-contract 2.2), and how it follows sources (2.4).
//!
//! Each function is one SDK's own code, retold; the order of its lines is the order there.

use crate::aws_files::Setting;
use crate::aws_files::oddities::Reader;
use crate::aws_files::process_line::ProcessLine;
use crate::profile::chain::MOST_HOPS;
use crate::text::visible::visible;

use super::verdict::{Code, Verdict};
use super::view::{Readings, View};

type Judged = Result<Verdict, Verdict>;

/// Returns what a caller would do with a profile.
pub(super) fn judge(readings: &Readings<'_>, reader: Reader, name: &str) -> Verdict {
    let mut walk = Walk { readings, reader, visited: Vec::new() };
    let judged = walk.readings.view(reader, name).and_then(|view| match walk.of(&view) {
        // What goes wrong with the role makes the default chain go on to the process.
        Err(Verdict::Refuses(_)) if reader == Reader::Js && view.has("credential_process") => process(&view),
        judged => judged,
    });
    judged.unwrap_or_else(|refusal| refusal)
}

struct Walk<'a> {
    readings: &'a Readings<'a>,
    reader: Reader,
    visited: Vec<String>,
}

impl Walk<'_> {
    fn of(&mut self, view: &View) -> Judged {
        if self.visited.len() > MOST_HOPS {
            return refuse(format!("the chain of source profiles is longer than {MOST_HOPS} hops"));
        }
        match self.reader {
            Reader::Cli => self.cli(view),
            Reader::Go => self.go(view),
            Reader::Js => self.js(view),
            Reader::Java => self.java(view),
            Reader::Rust => self.rust(view),
        }
    }

    fn cli(&mut self, view: &View) -> Judged {
        let is_role = view.has("role_arn") && !view.has("web_identity_token_file");
        // A source with keys, even half of them, is not asked for its role.
        let has_key = view.has("aws_access_key_id") || view.has("aws_secret_access_key");
        if !is_role || (has_key && !self.visited.is_empty()) {
            return cli_source(view);
        }
        match the_source(view)? {
            Source::Named(named) => assume(view, None, Verdict::CredentialSource(named.place.clone()), self.reader),
            Source::Profile(source) if source.value == view.name && has_key => {
                assume(view, None, cli_source(view)?, self.reader)
            }
            Source::Profile(source) => self.follow(view, source),
        }
    }

    fn go(&mut self, view: &View) -> Judged {
        let is_second_visit = self.visited.contains(&view.name);
        let source = view.get("source_profile").filter(|_| !is_second_visit);
        let role = view.get("role_arn").filter(|_| !is_second_visit);
        let (named, token) = (view.get("credential_source"), view.get("web_identity_token_file"));
        if let Some(needs) = source.or(named).or(token).filter(|_| role.is_none() && !is_second_visit) {
            return refuse(format!("{} without role_arn ({})", needs.key, needs.place));
        }
        // Keys that are lent to another profile come first; their own profile's source is not followed then.
        let lent = view.keys()?.filter(|_| !self.visited.is_empty()).map(Verdict::StaticKeys);
        let base = match lent {
            Some(keys) => keys,
            None => self.go_base(view, source)?,
        };
        match (role, &base) {
            (Some(_), Verdict::WebIdentity(_)) if source.is_none() => Ok(base),
            (Some(_), Verdict::Nothing) if !view.has("mfa_serial") => Ok(base),
            (Some(_), _) => {
                let other = source.filter(|source| source.value != view.name && self.visited.contains(&view.name));
                assume(view, other.map(|source| source.value.clone()), base, self.reader)
            }
            (None, _) => Ok(base),
        }
    }

    /// The one source of credentials that Go takes, in its order.
    fn go_base(&mut self, view: &View, source: Option<&Setting>) -> Judged {
        let (named, token) = (view.get("credential_source"), view.get("web_identity_token_file"));
        let kinds = [source, named, view.get("credential_process"), token];
        if kinds.iter().flatten().count() > 1 {
            let all: Vec<&str> = kinds.iter().flatten().map(|setting| setting.key.as_str()).collect();
            return refuse(format!("takes one source of credentials, not {}", all.join(" and ")));
        }
        self.visited.push(view.name.clone());
        if let Some(source) = source {
            return self.source(view, source);
        }
        match (view.keys()?, named, token) {
            (Some(keys), ..) => Ok(Verdict::StaticKeys(keys)),
            (None, Some(named), _) => Ok(Verdict::CredentialSource(named.place.clone())),
            (None, None, Some(token)) => Ok(Verdict::WebIdentity(token.place.clone())),
            (None, None, None) => sso_sign_in_or_process(view),
        }
    }

    fn js(&mut self, view: &View) -> Judged {
        let keys = view.keys().ok().flatten().map(Verdict::StaticKeys);
        let is_source = !self.visited.is_empty();
        if let Some(keys) = keys.clone().filter(|_| is_source) {
            return Ok(keys);
        }
        let (source, named) = (view.get("source_profile"), view.get("credential_source"));
        let role = view.get("role_arn");
        match (role, source, named) {
            (Some(_), Some(source), None) => return self.js_role(view, source),
            (Some(_), None, Some(named)) => {
                return assume(view, None, Verdict::CredentialSource(named.place.clone()), self.reader);
            }
            (None, _, Some(named)) if is_source => return Ok(Verdict::CredentialSource(named.place.clone())),
            _ => {}
        }
        if let Some(keys) = keys {
            return Ok(keys);
        }
        match view.get("web_identity_token_file") {
            Some(token) if role.is_some() => Ok(Verdict::WebIdentity(token.place.clone())),
            _ if view.has("credential_process") => process(view),
            _ => sso_sign_in_or_process(view),
        }
    }

    /// It begins to ask the source, and stops at `mfa_serial` whatever the source says.
    fn js_role(&mut self, view: &View, source: &Setting) -> Judged {
        if self.visited.contains(&source.value) {
            return refuse(looped(view, source));
        }
        if let Some(serial) = view.get("mfa_serial") {
            return Err(Verdict::CannotAsk(serial.place.clone()));
        }
        self.visited.push(source.value.clone());
        let with = self.source(view, source)?;
        let other = Some(source.value.clone()).filter(|source| *source != view.name);
        assume(view, other, with, self.reader)
    }

    fn java(&mut self, view: &View) -> Judged {
        let role = view.get("role_arn");
        if let Some(token) = view.get("web_identity_token_file").filter(|_| role.is_some()) {
            return Ok(Verdict::WebIdentity(token.place.clone()));
        }
        if let Some(sso) = view.sso() {
            return Ok(Verdict::SingleSignOn(sso.place.clone()));
        }
        if role.is_some() && (view.has("source_profile") || view.has("credential_source")) {
            return match the_source(view)? {
                Source::Named(named) => assume(view, None, Verdict::CredentialSource(named.place.clone()), self.reader),
                Source::Profile(source) => self.follow(view, source),
            };
        }
        match sso_sign_in_or_process(view)? {
            Verdict::Nothing => Ok(view.keys()?.map_or(Verdict::Nothing, Verdict::StaticKeys)),
            found => Ok(found),
        }
    }

    fn rust(&mut self, view: &View) -> Judged {
        if !self.visited.is_empty()
            && let Ok(Some(keys)) = view.keys()
        {
            return Ok(Verdict::StaticKeys(keys));
        }
        if !view.has("role_arn") || view.has("web_identity_token_file") {
            return rust_base(view);
        }
        match the_source(view)? {
            Source::Profile(source) if source.value != view.name => self.follow(view, source),
            // `credential_source`, or itself.
            _ => assume(view, None, rust_base(view)?, self.reader),
        }
    }

    /// A role above another profile; one that was passed already is a loop.
    fn follow(&mut self, view: &View, source: &Setting) -> Judged {
        self.visited.push(view.name.clone());
        if self.visited.contains(&source.value) {
            return refuse(looped(view, source));
        }
        let with = self.source(view, source)?;
        assume(view, Some(source.value.clone()), with, self.reader)
    }

    /// What a source gives.
    fn source(&mut self, view: &View, source: &Setting) -> Judged {
        let missing = |why: String| {
            let named =
                format!("source_profile '{}' of '{}' ({})", visible(&source.value), visible(&view.name), source.place);
            Verdict::Refuses(format!("{named} {why}"))
        };
        let below = self.readings.view(self.reader, &source.value).map_err(|blind| match blind {
            Verdict::NoSuchProfile => missing("does not exist".into()),
            Verdict::DoesNotFind(odd) => missing(format!("is not seen ({}: {})", odd.place, odd.construct.what())),
            other => other,
        })?;
        match self.of(&below)? {
            Verdict::Nothing => Err(missing("has no credentials".into())),
            with => Ok(with),
        }
    }
}

/// What the role's credentials come from.
enum Source<'a> {
    Profile(&'a Setting),
    Named(&'a Setting),
}

fn the_source(view: &View) -> Result<Source<'_>, Verdict> {
    match (view.get("source_profile"), view.get("credential_source")) {
        (Some(source), None) => Ok(Source::Profile(source)),
        (None, Some(named)) => Ok(Source::Named(named)),
        (Some(_), Some(named)) => {
            Err(Verdict::Refuses(format!("both source_profile and credential_source ({})", named.place)))
        }
        (None, None) => {
            let role = place(view.get("role_arn"));
            Err(Verdict::Refuses(format!("role_arn without source_profile or credential_source ({role})")))
        }
    }
}

/// A role upon what its source gives: who asks, who cannot, and who does not know `mfa_serial`.
fn assume(view: &View, source: Option<String>, with: Verdict, reader: Reader) -> Judged {
    let serial = view.get("mfa_serial").map(|serial| serial.place.clone());
    let code = match (reader, serial) {
        (_, None) => Code::NotNeeded,
        (Reader::Cli, Some(place)) => Code::Asked(place),
        (Reader::Go | Reader::Js, Some(place)) => return Err(Verdict::CannotAsk(place)),
        // A session of ours was opened with a code, and that counts for the calls it signs.
        (Reader::Java | Reader::Rust, Some(_)) if with.comes_to_us() => Code::NotNeeded,
        (Reader::Java | Reader::Rust, Some(place)) => Code::Ignored(place),
    };
    Ok(Verdict::Role { source, with: Box::new(with), code })
}

/// botocore's providers of a profile that is no role.
fn cli_source(view: &View) -> Judged {
    if let Some(token) = view.get("web_identity_token_file") {
        return if view.has("role_arn") {
            Ok(Verdict::WebIdentity(token.place.clone()))
        } else {
            refuse(format!("web_identity_token_file without role_arn ({})", token.place))
        };
    }
    if let Some(sso) = view.get("sso_account_id").or_else(|| view.get("sso_role_name")) {
        return Ok(Verdict::SingleSignOn(sso.place.clone()));
    }
    if let Some(keys) = view.keys_in_credentials()? {
        return Ok(Verdict::StaticKeys(keys));
    }
    if let Some(login) = view.get("login_session") {
        return Ok(Verdict::SignIn(login.place.clone()));
    }
    if view.has("credential_process") {
        return process(view);
    }
    Ok(view.keys_in_config()?.map_or(Verdict::Nothing, Verdict::StaticKeys))
}

fn rust_base(view: &View) -> Judged {
    if let Some(named) = view.get("credential_source") {
        return Ok(Verdict::CredentialSource(named.place.clone()));
    }
    if let Some(token) = view.get("web_identity_token_file") {
        return if view.has("role_arn") {
            Ok(Verdict::WebIdentity(token.place.clone()))
        } else {
            refuse(format!("web_identity_token_file without role_arn ({})", token.place))
        };
    }
    match sso_sign_in_or_process(view)? {
        Verdict::Nothing => Ok(view.keys()?.map_or(Verdict::Nothing, Verdict::StaticKeys)),
        found => Ok(found),
    }
}

/// In this order, all but the AWS CLI; JavaScript has looked for a process before.
fn sso_sign_in_or_process(view: &View) -> Judged {
    if let Some(sso) = view.sso() {
        return Ok(Verdict::SingleSignOn(sso.place.clone()));
    }
    if let Some(login) = view.get("login_session") {
        return Ok(Verdict::SignIn(login.place.clone()));
    }
    if view.has("credential_process") { process(view) } else { Ok(Verdict::Nothing) }
}

fn process(view: &View) -> Judged {
    let process = view.get("credential_process").expect("looked for before");
    Ok(match ProcessLine::parse(&process.value) {
        Some(line) if line.profile == view.name => Verdict::Comes,
        Some(line) => Verdict::ComesFor(line.profile.into()),
        None => Verdict::AnotherProgram(process.place.clone()),
    })
}

fn looped(view: &View, source: &Setting) -> String {
    format!("source_profile '{}' of '{}' makes a loop ({})", visible(&source.value), visible(&view.name), source.place)
}

fn place(setting: Option<&Setting>) -> crate::error::Place {
    setting.map(|setting| setting.place.clone()).expect("looked for before")
}

fn refuse<T>(why: String) -> Result<T, Verdict> {
    Err(Verdict::Refuses(why))
}
