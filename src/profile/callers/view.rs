//! What one reader sees of a profile: the behaviour grid of aws-contract 1.2 laid over what we read.

use std::collections::HashMap;

use crate::aws_files::file::AwsFile;
use crate::aws_files::oddities::{Construct, Effect, Oddity, Reader};
use crate::aws_files::section::{Part, Span};
use crate::aws_files::{AwsFiles, Section, Setting};
use crate::error::Place;
use crate::names::ProfileName;

use super::verdict::{ALL, Verdict};

/// The keys that decide where credentials come from.
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

/// Looked at only where the caller assumes a role.
const DEVICE: &str = "mfa_serial";

/// Any one of these makes an SSO profile for some; see the rules.
const SSO: &[&str] = &["sso_session", "sso_account_id", "sso_role_name", "sso_start_url", "sso_region"];

/// The two files with all that is odd in them.
pub(super) struct Readings<'a> {
    files: &'a AwsFiles,
    config: Odd,
    credentials: Odd,
    refusals: HashMap<Reader, Oddity>,
}

/// A profile as one reader sees it.
pub(super) struct View {
    pub name: String,
    config: Option<Section>,
    credentials: Option<Section>,
    reader: Reader,
}

impl<'a> Readings<'a> {
    pub fn of(files: &'a AwsFiles) -> Self {
        // What is looked at more than once is found without a search after this.
        files.profile_names();
        let (config, credentials) = (Odd::of(&files.config), Odd::of(&files.credentials));
        let refuses = |odd: &&Oddity, reader: Reader| odd.effect_on(reader) == Some(Effect::Refuses);
        let first = |reader| {
            Some((reader, config.all.iter().chain(&credentials.all).find(|odd| refuses(odd, reader))?.clone()))
        };
        let refusals = ALL.into_iter().filter_map(first).collect();
        Self { files, config, credentials, refusals }
    }

    /// The profile through a reader's eyes, or why it does not see it.
    pub fn view(&self, reader: Reader, name: &str) -> Result<View, Verdict> {
        if let Some(odd) = self.refusals.get(&reader) {
            return Err(Verdict::RefusesFile(odd.clone()));
        }
        if !ProfileName::parse(name).is_ok_and(|name| name.is_read_by_every_sdk()) {
            return Err(Verdict::MayNotFind);
        }
        let seen = |file: &AwsFile, odd: &Odd| file.section(name).map(|section| odd.seen(reader, section));
        let config = seen(&self.files.config, &self.config);
        let credentials = seen(&self.files.credentials, &self.credentials);
        let (config, credentials) = match (config, credentials) {
            (None, None) => return Err(Verdict::NoSuchProfile),
            (Some(Err(missed)), None | Some(Err(_))) | (None, Some(Err(missed))) => {
                return Err(Verdict::DoesNotFind(missed));
            }
            (config, credentials) => (config.and_then(Result::ok), credentials.and_then(Result::ok)),
        };
        let view = View { name: name.into(), config, credentials, reader };
        match self.misread(&view) {
            Some(odd) => Err(Verdict::ReadsDifferently(odd.clone())),
            None => Ok(view),
        }
    }

    /// The first oddity that makes this reader take a header or a deciding key for something else.
    fn misread(&self, view: &View) -> Option<&Oddity> {
        let is_misread = |odd: &&Oddity| odd.effect_on(view.reader) == Some(Effect::Misreads);
        let of_default = |odd: &&Oddity| odd.construct == Construct::DefaultTwice && is_misread(odd);
        let files = [(&view.config, &self.config), (&view.credentials, &self.credentials)];
        let sections = [&view.config, &view.credentials].into_iter().flatten();
        let is_role = sections.into_iter().any(|section| section.get("role_arn").is_some());
        let decides = |key: &str| DECIDING.contains(&key) || (is_role && key == DEVICE);
        files.into_iter().filter_map(|(section, odd)| Some((section.as_ref()?, odd))).find_map(|(section, odd)| {
            let headers = section.parts.iter().map(|part| with_mark(&part.header));
            let keys = section.settings.iter().filter(|setting| decides(&setting.key));
            let spans = headers.chain(keys.map(|setting| setting.spans.lines.clone()));
            let inside = spans.flat_map(|span| odd.within(&span)).find(is_misread);
            if view.name == "default" { inside.or_else(|| odd.all.iter().find(of_default)) } else { inside }
        })
    }
}

/// The oddities of one file, in its order.
struct Odd {
    all: Vec<Oddity>,
    /// Go and JavaScript end lines at LF alone; to them such a file is one line.
    lone_return: Option<Oddity>,
}

impl Odd {
    fn of(file: &AwsFile) -> Self {
        let all = file.oddities();
        let lone_return = all.iter().find(|odd| odd.construct == Construct::LoneCarriageReturn).cloned();
        Self { all, lone_return }
    }

    /// Those that begin in a span.
    fn within(&self, span: &Span) -> &[Oddity] {
        let start = self.all.partition_point(|odd| odd.at < span.start);
        let count = self.all[start..].partition_point(|odd| odd.at < span.end);
        &self.all[start..start + count]
    }

    /// Takes out of a section what a reader does not see; why, if nothing is left.
    fn seen(&self, reader: Reader, mut section: Section) -> Result<Section, Oddity> {
        let is_missed = |odd: &&Oddity| odd.effect_on(reader) == Some(Effect::Misses);
        if let Some(odd) = self.lone_return.as_ref().filter(is_missed) {
            return Err(odd.clone());
        }
        let missed = |span: &Span| self.within(span).iter().find(is_missed);
        let (parts, lost): (Vec<Part>, Vec<Part>) =
            section.parts.into_iter().partition(|part| missed(&part.header).is_none());
        if let (true, Some(odd)) = (parts.is_empty(), lost.iter().find_map(|part| missed(&part.header))) {
            return Err(odd.clone());
        }
        section.parts = parts;
        section.settings.retain(|setting| {
            let at = &setting.spans.lines;
            let next = lost.partition_point(|part| part.end <= at.start);
            missed(at).is_none() && lost.get(next).is_none_or(|part| at.start < part.header.start)
        });
        Ok(section)
    }
}

impl View {
    /// The setting that counts for this reader. To Go and JavaScript an empty value is none.
    pub fn get(&self, key: &str) -> Option<&Setting> {
        let counts = |setting: &&Setting| !(setting.value.is_empty() && matches!(self.reader, Reader::Go | Reader::Js));
        [&self.credentials, &self.config].into_iter().flatten().find_map(|section| section.get(key).filter(counts))
    }

    pub fn has(&self, key: &str) -> bool {
        self.get(key).is_some()
    }

    /// The first SSO key, of all that there are.
    pub fn sso(&self) -> Option<&Setting> {
        SSO.iter().find_map(|key| self.get(key))
    }

    /// Where both halves of a key stand; one half alone is an error to those who look for it.
    pub fn keys(&self) -> Result<Option<Place>, Verdict> {
        both(self.get("aws_access_key_id"), self.get("aws_secret_access_key"))
    }

    /// The same in the credentials file alone, as botocore looks.
    pub fn keys_in_credentials(&self) -> Result<Option<Place>, Verdict> {
        keys_of(self.credentials.as_ref())
    }

    /// The same in the config file alone.
    pub fn keys_in_config(&self) -> Result<Option<Place>, Verdict> {
        keys_of(self.config.as_ref())
    }
}

fn keys_of(section: Option<&Section>) -> Result<Option<Place>, Verdict> {
    let get = |key: &str| section.and_then(|section| section.get(key));
    both(get("aws_access_key_id"), get("aws_secret_access_key"))
}

fn both(id: Option<&Setting>, secret: Option<&Setting>) -> Result<Option<Place>, Verdict> {
    match (id, secret) {
        (Some(id), Some(_)) => Ok(Some(id.place.clone())),
        (None, None) => Ok(None),
        (Some(half), None) | (None, Some(half)) => {
            Err(Verdict::Refuses(format!("{} stands alone ({})", half.key, half.place)))
        }
    }
}

/// The first header, with the byte order mark in front of it.
fn with_mark(header: &Span) -> Span {
    let start = if header.start == "\u{feff}".len() { 0 } else { header.start };
    start..header.end
}
