//! What adopting and releasing mean for the lines of the two files.

use std::rc::Rc;

use super::import::Import;
use super::kept_key::{is_kept_beside, keys_profile};
use super::{Adoption, Becomes, STATIC_KEYS};
use crate::aws_files::edit::{Edit, PREFIX};
use crate::aws_files::process_line::ProcessLine;
use crate::aws_files::section::Section;
use crate::aws_files::{AwsFiles, Profile, Setting};
use crate::credentials::AccessKey;
use crate::error::{Failure, Kind, Result};
use crate::names::ProfileName;
use crate::profile::Sources;
use crate::profile::settings::ProfileSettings;

/// Where an access key goes that leaves its profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyHome {
    Keyring,
    /// [`keys_profile`] of the credentials file, if no persistent keyring is available.
    CredentialsFile,
}

/// What aws-mfa writes besides keys and tokens.
const OF_AWS_MFA: [&str; 4] = ["aws_mfa_device", "expiration", "assumed_role", "assumed_role_arn"];

/// Edits in the order they are made, so that after each of them every profile still works.
#[derive(Clone, Debug, Default)]
pub struct Edits {
    /// Of the credentials file, before the others: what has to be there first.
    pub first: Vec<Edit>,
    /// Of the config file.
    pub config: Vec<Edit>,
    /// Of the credentials file: what goes last.
    pub last: Vec<Edit>,
    /// The keys that leave these profiles.
    pub leaving: Vec<(ProfileName, AccessKey)>,
}

/// The `credential_process` of a profile that calls us.
pub fn process_line(program: &str, name: &ProfileName) -> String {
    format!("{program} credential-process --profile {name}")
}

impl Edits {
    /// What these adoptions change. `program` is the path SDKs are to start.
    pub fn of(files: &AwsFiles, adoptions: &[Adoption], program: &str, home: KeyHome) -> Result<Self> {
        let mut edits = Self::default();
        for adoption in adoptions {
            edits.adopt(files, adoption, program, home)?;
        }
        Ok(edits)
    }

    /// These, and then others.
    #[must_use]
    pub fn followed_by(mut self, others: Self) -> Self {
        self.first.extend(others.first);
        self.config.extend(others.config);
        self.last.extend(others.last);
        self.leaving.extend(others.leaving);
        self
    }

    fn adopt(&mut self, files: &AwsFiles, adoption: &Adoption, program: &str, home: KeyHome) -> Result<()> {
        let name = &adoption.profile;
        let Some(profile) = files.profile(name.as_str()) else { return Ok(()) };
        let mut settings = Vec::new();
        match &adoption.becomes {
            Becomes::Role => {
                for key in ["role_arn", "source_profile"] {
                    self.both(|| Edit::Hide { profile: name.to_string(), key: key.into() });
                }
            }
            Becomes::Key { key, from, device } => {
                settings.extend(device.iter().map(|device| ("mfa_serial".to_string(), device.to_string())));
                self.leaving.push((from.clone(), key.clone()));
                match home {
                    KeyHome::CredentialsFile if from == name => {
                        self.first.extend(put_beside(files, name, key)?);
                        settings.push(("twolock_source_profile".to_string(), keys_profile(name)));
                        self.take_key_out(&profile);
                    }
                    KeyHome::CredentialsFile => {}
                    KeyHome::Keyring => {
                        self.both(|| Edit::Unset { profile: name.to_string(), key: "twolock_source_profile".into() });
                        files.profile(from.as_str()).iter().for_each(|from| self.take_key_out(from));
                    }
                }
            }
            Becomes::Served => {}
        }
        settings.push(("credential_process".into(), process_line(program, name)));
        self.set(&profile, settings);
        Ok(())
    }

    fn both(&mut self, edit: impl Fn() -> Edit) {
        self.config.push(edit());
        self.last.push(edit());
    }

    /// In the config file, where Go reads every key, unless the credentials file has the key already and wins.
    fn set(&mut self, profile: &Profile, settings: Vec<(String, String)>) {
        let wins = |key: &str| profile.credentials.as_ref().is_some_and(|section| section.get(key).is_some());
        let (there, here): (Vec<_>, Vec<_>) = settings.into_iter().partition(|(key, _)| wins(key));
        let set = |(key, value)| Edit::Set { profile: profile.name.clone(), key, value };
        self.last.extend(there.into_iter().map(set));
        match &profile.config {
            Some(_) => self.config.extend(here.into_iter().map(set)),
            None if here.is_empty() => {}
            None => self.config.push(Edit::Add { profile: profile.name.clone(), settings: here }),
        }
    }

    /// A section of the credentials file that held nothing else goes as a whole.
    fn take_key_out(&mut self, profile: &Profile) {
        self.take_out(profile, &STATIC_KEYS);
    }

    fn take_out(&mut self, profile: &Profile, keys: &[&str]) {
        let all = keys.iter().map(ToString::to_string).collect();
        self.last.push(Edit::TakeOut { profile: profile.name.clone(), keys: all });
        let unset = keys.iter().map(|key| Edit::Unset { profile: profile.name.clone(), key: key.to_string() });
        self.config.extend(unset);
    }

    /// What importing these keys changes: they leave the files, and every profile stays.
    pub fn of_imports(files: &AwsFiles, imports: &[Import]) -> Self {
        let mut edits = Self::default();
        imports.iter().for_each(|import| edits.import(files, import));
        edits
    }

    fn import(&mut self, files: &AwsFiles, import: &Import) {
        let (name, from) = (&import.profile, files.profile(import.from.as_str()));
        let device = import.device.iter().map(|device| ("mfa_serial".to_string(), device.to_string())).collect();
        self.leaving.push((import.from.clone(), import.key.clone()));
        match files.profile(name.as_str()).and_then(|profile| profile.config.map(drop)) {
            None => self.config.push(Edit::Add { profile: name.to_string(), settings: device }),
            Some(()) => {
                let set = |(key, value)| Edit::Set { profile: name.to_string(), key, value };
                self.config.extend(device.into_iter().map(set));
            }
        }
        if import.from.as_str() == keys_profile(name) {
            self.both(|| Edit::Unset { profile: name.to_string(), key: "twolock_source_profile".into() });
        }
        if import.is_of_aws_mfa() {
            let keys = [&STATIC_KEYS[..], &OF_AWS_MFA].concat();
            let stale = files.profile(name.as_str());
            from.iter().chain(&stale).for_each(|profile| self.take_out(profile, &keys));
        } else {
            from.iter().for_each(|from| self.take_key_out(from));
        }
    }

    /// What taking an adoption back changes: role profiles are as they were to the byte; of others our line goes, and
    /// with a key its place is the profile again.
    pub fn of_release(sources: Sources<'_>, name: &ProfileName, restored: Option<AccessKey>) -> Result<Self> {
        let profile = sources.files.profile(name.as_str()).ok_or_else(|| sources.files.not_found(name))?;
        let settings = ProfileSettings::of(&profile, name);
        let mut edits = Self::default();
        if settings.raw("twolock_role_arn").is_some() {
            edits.show(settings)?;
        }
        if let Some(key) = restored {
            edits.first.push(Edit::PutKey { profile: name.to_string(), key: key.clone() });
            if is_kept_beside(settings) {
                edits.both(|| Edit::Unset { profile: name.to_string(), key: "twolock_source_profile".into() });
                let beside = ProfileName::parse(&keys_profile(name)).map_err(|why| Failure::new(Kind::Config, why))?;
                sources.files.profile(beside.as_str()).iter().for_each(|beside| edits.take_key_out(beside));
                edits.leaving.push((beside, key));
            }
        }
        if is_served(settings) {
            edits.take_line_out(&profile);
        }
        Ok(edits)
    }

    /// Adds what leaves a profile as if twolock had never been used: what adopting hid is shown, our line and our other
    /// keys go. `restored` is the key that a profile beside it keeps.
    pub fn forget(&mut self, files: &AwsFiles, profile: &Profile, restored: Option<AccessKey>) {
        let has = |key: &str| profile.get(key).is_some();
        let has_role = has("role_arn") || has("twolock_role_arn");
        // Beside the standard key ours had no effect on AWS tools, and a source without a role is an error for them.
        let is_shown = |key: &&str| has_role && !has(key) && has(&format!("{PREFIX}{key}"));
        let shown: Vec<&str> = ["role_arn", "source_profile"].into_iter().filter(is_shown).collect();
        for key in &shown {
            self.both(|| Edit::Show { profile: profile.name.clone(), key: (*key).into() });
        }
        if let Some(key) = restored {
            let beside = format!("{}-keys", profile.name);
            self.first.push(Edit::PutKey { profile: profile.name.clone(), key: key.clone() });
            files.profile(&beside).iter().for_each(|beside| self.take_key_out(beside));
            self.leaving.extend(ProfileName::parse(&beside).ok().map(|beside| (beside, key)));
        }
        let gone = |section: &Option<Rc<Section>>| section.as_deref().map(|it| ours_in(it, &shown)).unwrap_or_default();
        let (config, credentials) = (gone(&profile.config), gone(&profile.credentials));
        let unset = |key| Edit::Unset { profile: profile.name.clone(), key };
        match (config.is_empty(), profile.credentials.is_some()) {
            (true, _) => {}
            // Adopting made this section, if it holds nothing else.
            (false, true) => self.config.push(Edit::TakeOut { profile: profile.name.clone(), keys: config }),
            (false, false) => self.config.extend(config.into_iter().map(unset)),
        }
        self.last.extend(credentials.into_iter().map(unset));
    }

    fn show(&mut self, settings: ProfileSettings<'_>) -> Result<()> {
        for key in ["role_arn", "source_profile"] {
            if let Some(standard) = settings.raw(key) {
                let why = format!("and twolock_{key} are both set: remove one");
                return Err(settings.refuse(standard, &why));
            }
            self.both(|| Edit::Show { profile: settings.name().to_string(), key: key.into() });
        }
        Ok(())
    }

    /// A section that adopting made, because the profile stood in the credentials file alone, goes as a whole.
    fn take_line_out(&mut self, profile: &Profile) {
        let line = |name: &str| Edit::Unset { profile: name.into(), key: "credential_process".into() };
        let may_go = profile.credentials.is_some();
        let with_its_section =
            || Edit::TakeOut { profile: profile.name.clone(), keys: vec!["credential_process".into()] };
        self.config.push(if may_go { with_its_section() } else { line(&profile.name) });
        self.last.push(line(&profile.name));
    }
}

/// The keys of a section that only twolock reads, but for those that are shown again; and its `credential_process`, if
/// every line of it is ours.
fn ours_in(section: &Section, shown: &[&str]) -> Vec<String> {
    let is_shown = |key: &str| key.strip_prefix(PREFIX).is_some_and(|standard| shown.contains(&standard));
    let mut keys: Vec<String> = Vec::new();
    for Setting { key, .. } in &section.settings {
        if key.starts_with(PREFIX) && !is_shown(key) && !keys.contains(key) {
            keys.push(key.clone());
        }
    }
    let mut lines = section.settings.iter().filter(|setting| setting.key == "credential_process").peekable();
    if lines.peek().is_some() && lines.all(|line| ProcessLine::parse(&line.value).is_some()) {
        keys.push("credential_process".into());
    }
    keys
}

/// Whether the profile's `credential_process` is ours for it.
pub fn is_served(settings: ProfileSettings<'_>) -> bool {
    let process = settings.raw("credential_process");
    process
        .and_then(|process| ProcessLine::parse(&process.value))
        .is_some_and(|line| !line.names_another_than(settings.name().as_str()))
}

/// The key under a name of its own; nothing where an earlier run, cut short, has put it there.
fn put_beside(files: &AwsFiles, name: &ProfileName, key: &AccessKey) -> Result<Option<Edit>> {
    let beside = keys_profile(name);
    let Some(there) = files.profile(&beside) else {
        return Ok(Some(Edit::PutKey { profile: beside, key: key.clone() }));
    };
    let same = |half: &str, value: &str| there.get(half).is_some_and(|setting| setting.value == value);
    if same(STATIC_KEYS[0], key.id.as_str()) && same(STATIC_KEYS[1], key.secret.expose()) {
        return Ok(None);
    }
    let cause = format!("its access key would go to profile '{beside}', which already exists");
    Err(Failure::new(Kind::Config, cause).of_profile(name).at(&there.place))
}
