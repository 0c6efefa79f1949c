//! `profile add`: adds a profile that every AWS tool uses through twolock, from flags or by asking questions.

use std::io::{self, IsTerminal};

use crate::arn::{MfaSerial, RoleArn};
use crate::aws::iam::Iam;
use crate::aws::{Bounds, Signer, Sts};
use crate::aws_files::Profile;
use crate::aws_files::edit::Edit;
use crate::aws_files::file::FileKind;
use crate::aws_files::near::NearSection;
use crate::change::{Act, Change, KeyToStore};
use crate::cli::Add;
use crate::credentials::{AccessKey, AccessKeyId};
use crate::error::{Failure, Kind, Result};
use crate::hint::{CommandLine, Verb};
use crate::names::{ProfileName, Region, UserName};
use crate::ours::key_index::{IndexEdit, IndexEntry};
use crate::output::to_stdout;
use crate::profile::adoption::edits::process_line;
use crate::profile::chain::suggestion;
use crate::profile::settings::ProfileSettings;

use super::super::changing::make;
use super::super::conversation::{Conversation, PersonNeeded};
use super::super::typed_key;
use super::notes::{on_program, own_program, to_try};
use crate::cmd::context::Context;
use crate::cmd::mfa::propose::{self, Chosen};

const NEED: PersonNeeded = PersonNeeded {
    what: "missing arguments",
    otherwise: "give NAME and either --role-arn and --source-profile, or --stdin and --mfa-serial",
};

enum Source {
    Role { role: String, source: String },
    Key(AccessKey),
}

pub fn run(context: &Context, args: &Add, title: &str) -> Result<u8> {
    let mut asking = Asking { context, args, person: None };
    let name = asking.name()?;
    let source = asking.source(&name)?;
    let device = asking.device(&name, &source)?;
    let region = asking.region(&name)?;
    let given = |key: &str, value: &Option<String>| value.clone().map(|value| (key.to_string(), value));
    let mut settings: Vec<(String, String)> = Vec::new();
    settings.extend(given("region", &region));
    settings.extend(given("mfa_serial", &device));
    if let Source::Role { role, source } = &source {
        settings.push(("twolock_role_arn".into(), role.clone()));
        settings.push(("twolock_source_profile".into(), source.clone()));
    }
    settings.extend(given("external_id", &args.external_id));
    settings.extend(given("duration_seconds", &args.duration_seconds));
    add(context, &name, source, settings, args, title)
}

fn add(
    context: &Context,
    name: &ProfileName,
    source: Source,
    mut settings: Vec<(String, String)>,
    args: &Add,
    title: &str,
) -> Result<u8> {
    let program = own_program(context)?;
    settings.push(("credential_process".into(), process_line(&program.path, name)));
    let edits = edits(context, name, settings);
    let edit = || Act::EditFile { kind: FileKind::Config, edits: edits.clone(), holds: Vec::new() };
    let plan_after = |change: &Change| {
        let preview = context.preview(change)?;
        let planned = context.plan_of(context.sources_after(&preview), name);
        planned.map_err(|failure| of_the_flags(failure, name)).map(|planned| (preview, planned))
    };
    let mut change = Change::new(title);
    let mut notes = Vec::new();
    if let Source::Key(key) = source {
        let store = keyring(context, name, &key.id, args)?;
        notes.push(format!("access key {} goes to {store}", key.id));
        // The endpoint for verifying the key is known only from the new profile's plan.
        let entry = IndexEntry::of(key.id.clone());
        let index = IndexEdit::Set { profile: name.clone(), entry, store: store.into() };
        let trial = Change { acts: vec![Act::EditIndex(index), edit()], ..Change::default() };
        let (_, planned) = plan_after(&trial)?;
        let account = planned.plan.device.as_ref().and_then(|device| device.account()).cloned();
        change.keep_key(
            KeyToStore { profile: name.clone(), added: context.added(&key.id), key, account },
            &planned.endpoint,
            store,
        );
    }
    change.acts.push(edit());
    let (preview, planned) = plan_after(&change)?;
    change.notes = planned.plan.notes;
    change.notes.append(&mut notes);
    let ignored = |near: &NearSection| format!("what is below '{}' ({}) stays ignored", near.written(), near.place);
    change.notes.extend(context.files.near(name.as_str()).iter().map(ignored));
    change.notes.extend(on_program(&program));
    if make(context, &change, &preview, "add?", args.flags)? {
        let after = context.sources_after(&preview);
        to_stdout(format!("added {name}; try: {}\n", to_try(context, after, name)?).as_bytes())?;
    }
    Ok(0)
}

/// A profile that lacks only credentials keeps what it says.
fn edits(context: &Context, name: &ProfileName, settings: Vec<(String, String)>) -> Vec<Edit> {
    let profile = name.to_string();
    if context.files.profile(name.as_str()).is_none() {
        return vec![Edit::Add { profile, settings }];
    }
    let set = |(key, value)| Edit::Set { profile: profile.clone(), key, value };
    settings.into_iter().map(set).collect()
}

/// A problem of the new profile is a usage error, and its line does not exist yet.
fn of_the_flags(failure: Failure, name: &ProfileName) -> Failure {
    if failure.profile.as_deref() != Some(name.as_str()) {
        return failure;
    }
    Failure { kind: Kind::Usage, place: None, ..failure }
}

/// The keyring for a new key.
fn keyring(context: &Context, name: &ProfileName, id: &AccessKeyId, args: &Add) -> Result<&'static str> {
    context.key_store_name(name, id)?.ok_or_else(|| no_keyring(name, args))
}

/// Without a keyring a key is refused: it must not be stored in plain text silently (threat-model P7).
fn no_keyring(name: &ProfileName, args: &Add) -> Failure {
    let configure = CommandLine::other("aws configure --profile").of_profile(name);
    let adopt = CommandLine::of(Verb::Adopt, name);
    let set = |device: &str| CommandLine::of(Verb::Set, name).with("mfa_serial").with(device);
    let to = "to keep it in ~/.aws/credentials";
    let failure = Failure::new(Kind::Keyring, "no persistent keyring is available to store the access key");
    let failure = failure.of_profile(name);
    match &args.mfa_serial {
        Some(device) => failure.hint(configure.and(set(device.as_str()).and(adopt)).to(to)),
        None => {
            failure.hint(configure.to(to)).hint(format!("then set its MFA device ({}), and run: {adopt}", set("ARN")))
        }
    }
}

/// Takes values from the flags and asks for missing ones. Opens the terminal at the first question.
struct Asking<'a> {
    context: &'a Context,
    args: &'a Add,
    person: Option<Conversation<'static>>,
}

impl Asking<'_> {
    fn person(&mut self) -> Result<&Conversation<'static>> {
        if self.person.is_none() {
            self.person = Some(Conversation::begin(NEED)?);
        }
        Ok(self.person.as_ref().expect("opened above"))
    }

    fn name(&mut self) -> Result<ProfileName> {
        let context = self.context;
        match &self.args.name {
            Some(name) => {
                let usage = |why: String| Failure::new(Kind::Usage, format!("'{name}' {why}"));
                new_name(context, name.as_str()).map_err(usage)
            }
            None => self.person()?.ask("name of the new profile", |text| new_name(context, text)),
        }
    }

    fn source(&mut self, name: &ProfileName) -> Result<Source> {
        let is_role = self.args.role_arn.is_some() || self.args.source_profile.is_some();
        if self.args.stdin {
            if !io::stdin().is_terminal() {
                self.refuse_without_keyring(name)?;
            }
            return typed_key::from_stdin(name, Verb::Add).map(Source::Key);
        }
        if !is_role {
            let kind = |text: &str| match text {
                "key" | "k" => Ok(false),
                "role" | "r" => Ok(true),
                _ => Err("is not 'key' or 'role'"),
            };
            if !self.person()?.ask("an access key, or a role assumed from another profile? (key, role)", kind)? {
                return self.key(name).map(Source::Key);
            }
        }
        let role = match &self.args.role_arn {
            Some(given) => given.clone(),
            None => self.person()?.ask("ARN of the role", RoleArn::parse)?,
        };
        Ok(Source::Role { role: role.as_str().into(), source: self.source_profile()? })
    }

    fn source_profile(&mut self) -> Result<String> {
        let context = self.context;
        let known = |text: &str| match context.files.profile(text) {
            Some(_) => Ok(text.to_string()),
            None => Err("is not a profile in the AWS files"),
        };
        match &self.args.source_profile {
            Some(name) => {
                let hint = || suggestion(&context.files.profile_names(), name.as_str());
                let failure = |why| Failure::new(Kind::Config, format!("source profile '{name}' {why}")).hint(hint());
                known(name.as_str()).map_err(failure)
            }
            None => self.person()?.ask("profile that can assume it", known),
        }
    }

    /// Before a key is asked for.
    fn refuse_without_keyring(&self, name: &ProfileName) -> Result<()> {
        if self.context.has_key_store() { Ok(()) } else { Err(no_keyring(name, self.args)) }
    }

    fn key(&mut self, name: &ProfileName) -> Result<AccessKey> {
        self.refuse_without_keyring(name)?;
        let (context, args) = (self.context, self.args);
        let person = self.person()?;
        let id = typed_key::id(person)?;
        keyring(context, name, &id, args)?;
        typed_key::with_secret(context, person, id)
    }

    /// A role can use the device of its source, but without a device a key would give sessions without MFA.
    fn device(&mut self, name: &ProfileName, source: &Source) -> Result<Option<String>> {
        let parse = |text: &str| MfaSerial::parse(text).map(|serial| Some(serial.to_string()));
        match (&self.args.mfa_serial, source) {
            (Some(given), _) => Ok(Some(given.to_string())),
            (None, Source::Role { .. }) => Ok(None),
            (None, Source::Key(_)) if self.is_set(name, "mfa_serial") => Ok(None),
            (None, Source::Key(_)) if self.args.stdin => {
                Err(Failure::new(Kind::Usage, "an access key requires an MFA device: add --mfa-serial ARN")
                    .hint("the console shows the ARN: IAM, Users, the user, Security credentials"))
            }
            (None, Source::Key(key)) => {
                if let Chosen::Device(serial) = self.found_device(name, key)?
                    && self.person()?.ask(&format!("use {serial}? [y/n]"), yes_or_no)?
                {
                    return Ok(Some(serial.to_string()));
                }
                self.person()?.ask("ARN of its MFA device (console: IAM, Users, Security credentials)", parse)
            }
        }
    }

    /// One of the devices that AWS lists for the user of the new key.
    fn found_device(&self, name: &ProfileName, key: &AccessKey) -> Result<Chosen> {
        let context = self.context;
        let settings = self.args.region.iter().map(|region| ("region".to_owned(), region.to_string())).collect();
        let entry = IndexEntry::of(key.id.clone());
        let index = IndexEdit::Set { profile: name.clone(), entry, store: String::new() };
        let edit = Act::EditFile { kind: FileKind::Config, edits: edits(context, name, settings), holds: Vec::new() };
        let trial = Change { acts: vec![Act::EditIndex(index), edit], ..Change::default() };
        let preview = context.preview(&trial)?;
        // What is wrong with the profile is said when it is added.
        let Ok(planned) = context.plan_of(context.sources_after(&preview), name) else { return Ok(Chosen::Nothing) };
        let sts = context.sts(&planned.endpoint)?;
        let who = sts.get_caller_identity(Signer::Key(key), Bounds::LOOK).ok();
        let (Some(user), Ok(iam)) = (who.and_then(|who| UserName::of_arn(&who.arn)), context.iam(&planned)) else {
            return Ok(Chosen::Nothing);
        };
        propose::choose(iam.list_mfa_devices(Signer::Key(key), &user, Bounds::LOOK), &user, name, context)
    }

    fn region(&mut self, name: &ProfileName) -> Result<Option<String>> {
        let parse = |text: &str| match text {
            "" => Ok(None),
            _ => Region::parse(text).map(|region| Some(region.to_string())),
        };
        match &self.args.region {
            Some(given) => Ok(Some(given.to_string())),
            // An optional value is asked for only after a required one.
            None if self.person.is_some() && !self.is_set(name, "region") => {
                self.person()?.ask("region (Enter for none)", parse)
            }
            None => Ok(None),
        }
    }

    /// Whether the profile is there and says this already.
    fn is_set(&self, name: &ProfileName, key: &str) -> bool {
        self.context.files.profile(name.as_str()).is_some_and(|profile| profile.get(key).is_some())
    }
}

fn yes_or_no(text: &str) -> std::result::Result<bool, &'static str> {
    match text {
        "y" | "Y" | "yes" => Ok(true),
        "n" | "N" | "no" => Ok(false),
        _ => Err("is not 'y' or 'n'"),
    }
}

pub fn new_name(context: &Context, text: &str) -> std::result::Result<ProfileName, String> {
    let name = ProfileName::parse(text).map_err(|_| "is not a valid profile name".to_string())?;
    if let Some(there) = context.files.profile(text).filter(|there| !lacks_credentials(context, &name, there)) {
        return Err(format!("already exists ({})", there.place));
    }
    if !name.fits_every_tool() {
        let allowed = "use A-Z a-z 0-9 - _ . / @ + : only, and do not start with '-'";
        return Err(format!("is not a name that every SDK can use: {allowed}"));
    }
    Ok(name)
}

pub fn lacks_credentials(context: &Context, name: &ProfileName, there: &Profile) -> bool {
    let has_plan = || context.plan_of_many(name).is_ok();
    ProfileSettings::of(there, name).can_be_completed() && context.index.get(name).is_none() && !has_plan()
}
