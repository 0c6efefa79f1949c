//! What one reader sees of a profile: the behaviour grid of aws-contract 1.2 laid over what we read.

use std::cell::OnceCell;
use std::collections::HashMap;
use std::rc::Rc;

use crate::aws_files::oddities::{Construct, Effect, Oddity, Reader};
use crate::aws_files::section::Span;
use crate::aws_files::{AwsFiles, Profile, Section, Setting};
use crate::names::ProfileName;
use crate::text::visible::visible;

use super::verdict::{ALL, Resolution};

/// The keys that decide where credentials come from; `mfa_serial` does beside a role.
const DECIDING: &[&str] = &[
    "role_arn",
    "source_profile",
    "credential_source",
    "credential_process",
    "aws_access_key_id",
    "aws_secret_access_key",
    "web_identity_token_file",
    "login_session",
];

/// The two files with all that is odd in them.
pub(super) struct Readings<'a> {
    files: &'a AwsFiles,
    /// Looked for when a profile is first judged: for a list in which none names a program it takes a quarter of the time.
    oddities: OnceCell<Oddities>,
}

struct Oddities {
    config: Vec<Oddity>,
    credentials: Vec<Oddity>,
    /// Those for which a reader refuses a whole file.
    refusals: HashMap<Reader, Oddity>,
}

impl Oddities {
    fn of(files: &AwsFiles) -> Self {
        let (config, credentials) = (files.config.oddities(), files.credentials.oddities());
        let refuses = |odd: &&Oddity, reader| match odd.effect_on(reader) {
            Some(Effect::Refuses) => true,
            // Go and JavaScript end lines at LF alone; to them such a file is one line.
            Some(Effect::Misses) => odd.construct == Construct::LoneCarriageReturn,
            _ => false,
        };
        let all = || config.iter().chain(&credentials);
        let refusal = |reader| Some((reader, all().find(|odd| refuses(odd, reader))?.clone()));
        let refusals = ALL.into_iter().filter_map(refusal).collect();
        Self { refusals, config, credentials }
    }
}

/// A profile as one reader sees it.
pub(super) struct View {
    pub name: String,
    pub reader: Reader,
    profile: Profile,
}

impl<'a> Readings<'a> {
    pub fn of(files: &'a AwsFiles) -> Self {
        // Builds the index, so that later look-ups need no search.
        files.profile_names();
        Self { files, oddities: OnceCell::new() }
    }

    /// What both files say about a profile.
    pub fn profile(&self, name: &str) -> Option<Profile> {
        self.files.profile(name)
    }

    /// The profile as a reader sees it, if it is in a file; or why the reader takes it for something else.
    pub fn view(&self, reader: Reader, name: &str) -> Result<Option<View>, Resolution> {
        let oddities = self.oddities.get_or_init(|| Oddities::of(self.files));
        if let Some(odd) = oddities.refusals.get(&reader) {
            return Err(Resolution::Odd(format!("the file cannot be read: {}", odd.there())));
        }
        if !ProfileName::parse(name).is_ok_and(|name| name.is_read_by_every_sdk()) {
            let why = "the profile may not be found: its name contains characters other than A-Z a-z 0-9 _-/.%@:+";
            return Err(Resolution::Odd(why.into()));
        }
        let Some(profile) = self.profile(name) else { return Ok(None) };
        let view = View { name: name.into(), reader, profile };
        let odd_in = |section: &Option<Rc<Section>>, all| view.oddity(section.as_ref()?, all);
        let (config, credentials) = (&view.profile.config, &view.profile.credentials);
        match odd_in(config, &oddities.config).or_else(|| odd_in(credentials, &oddities.credentials)) {
            Some(odd) => Err(Resolution::Odd(format!("'{}' is read differently: {}", visible(name), odd.there()))),
            None => Ok(Some(view)),
        }
    }
}

impl View {
    /// The first oddity that makes the reader miss, or take for something else, a header or a key that decides.
    fn oddity<'a>(&self, section: &Section, all: &'a [Oddity]) -> Option<&'a Oddity> {
        let is_affected = |odd: &&Oddity| odd.effect_on(self.reader).is_some();
        let decides = |key: &str| DECIDING.contains(&key) || (key == "mfa_serial" && self.has("role_arn"));
        let headers = section.parts.iter().map(|part| with_mark(&part.header));
        let keys = section.settings.iter().filter(|setting| decides(&setting.key));
        let mut spans = headers.chain(keys.map(|setting| setting.spans.lines.clone()));
        let twice = |odd: &&Oddity| odd.construct == Construct::DefaultTwice && is_affected(odd);
        let of_default = || if self.name == "default" { all.iter().find(twice) } else { None };
        spans.find_map(|span| within(all, &span).iter().find(is_affected)).or_else(of_default)
    }

    /// The setting that counts for this reader. To Go and JavaScript an empty value is none.
    pub fn get(&self, key: &str) -> Option<&Setting> {
        let counts = |setting: &&Setting| !(setting.value.is_empty() && matches!(self.reader, Reader::Go | Reader::Js));
        let sections = [&self.profile.credentials, &self.profile.config].into_iter().flatten();
        sections.filter_map(|section| section.get(key)).find(counts)
    }

    pub fn has(&self, key: &str) -> bool {
        self.get(key).is_some()
    }

    /// The setting that makes it an SSO profile.
    pub fn sso(&self) -> Option<&Setting> {
        let keys = ["sso_account_id", "sso_role_name", "sso_session", "sso_start_url", "sso_region"];
        keys[..if self.reader == Reader::Cli { 2 } else { 5 }].iter().find_map(|key| self.get(key))
    }

    /// The access key, by its id. JavaScript goes on at one half alone; to the others that is an error.
    pub fn keys(&self) -> Result<Option<&Setting>, Resolution> {
        both(|key| self.get(key)).or_else(|half| if self.reader == Reader::Js { Ok(None) } else { Err(half) })
    }

    /// The same in the credentials file alone, as botocore looks.
    pub fn keys_in_credentials(&self) -> Result<Option<&Setting>, Resolution> {
        both(|key| self.profile.credentials.as_ref()?.get(key))
    }
}

fn both<'a>(get: impl Fn(&str) -> Option<&'a Setting>) -> Result<Option<&'a Setting>, Resolution> {
    match (get("aws_access_key_id"), get("aws_secret_access_key")) {
        (Some(id), Some(_)) => Ok(Some(id)),
        (None, None) => Ok(None),
        (Some(half), None) | (None, Some(half)) => {
            Err(Resolution::error(format!("incomplete access key: only {} is set ({})", half.key, half.place)))
        }
    }
}

/// The oddities that begin in a span.
fn within<'a>(all: &'a [Oddity], span: &Span) -> &'a [Oddity] {
    let start = all.partition_point(|odd| odd.at < span.start);
    let count = all[start..].partition_point(|odd| odd.at < span.end);
    &all[start..start + count]
}

/// The first header, with the byte order mark in front of it.
fn with_mark(header: &Span) -> Span {
    let start = if header.start == "\u{feff}".len() { 0 } else { header.start };
    start..header.end
}
