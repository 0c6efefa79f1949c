//! `setup`: sets up an access key, an MFA device and a profile for every AWS tool, by running the other commands.
//!
//! The files, the keyring and AWS show what is done already, so a second run continues where the first one stopped.

mod call;
mod key;
mod target;

use crate::arn::MfaSerial;
use crate::aws::AwsErrorKind;
use crate::cli;
use crate::cmd::account::{self, Account};
use crate::cmd::changing::recovered;
use crate::cmd::context::{Context, Invocation};
use crate::cmd::conversation::{Conversation, PersonNeeded, UNCHANGED};
use crate::cmd::mfa::{self, propose, setting};
use crate::cmd::{login, profile};
use crate::credentials::AccessKeyId;
use crate::enrollment;
use crate::error::{Failure, Kind, Result};
use crate::hint::{CommandLine, Verb};
use crate::names::ProfileName;
use crate::output::{messages, to_stdout};
use crate::profile::base::{KeyPlace, LongTermKey};
use crate::profile::callers::Served;
use crate::rotation;
use crate::system::signals;
use crate::system::terminal::Terminal;
use crate::text::visible::{as_word, visible};

use super::key::{given, import};
use propose::Chosen;

pub use target::lacks_key;

/// A step that cannot be done without a terminal.
const NEED: PersonNeeded = PersonNeeded { what: "setup asks questions", otherwise: "run it in a terminal" };

pub fn run(args: &cli::Setup, invocation: &Invocation) -> Result<u8> {
    recovered(&invocation.env, None, false)?;
    let context = Context::load(&invocation.env)?;
    let Some(name) = target::chosen(&context, args)? else {
        let another = CommandLine::new(Verb::Setup).with("NAME");
        to_stdout(format!("every profile with an access key is set up; for another one: {another}\n").as_bytes())?;
        return Ok(0);
    };
    let again = CommandLine::of(Verb::Setup, &name);
    let said = format!("interrupted; to continue: {again}");
    let _hook = signals::on_termination(move || {
        // The cursor may stand behind a question.
        let _ = Terminal::open().map(|terminal| terminal.write("\n"));
        messages::warning(&said);
    });
    // Earlier steps may have changed something.
    let stopped = |failure: Failure| Failure { cause: failure.cause.replace(&format!("; {UNCHANGED}"), ""), ..failure };
    Setup { invocation, args, name }.run().map_err(|failure| stopped(failure).hint(again.to("to continue")))?;
    Ok(0)
}

struct Setup<'a> {
    invocation: &'a Invocation,
    args: &'a cli::Setup,
    /// The profile with the access key.
    name: ProfileName,
}

impl Setup<'_> {
    fn run(&self) -> Result<()> {
        self.key()?;
        self.device()?;
        self.adopt()?;
        self.rotate()?;
        self.call()
    }

    fn load(&self) -> Result<Context> {
        Context::load(&self.invocation.env)
    }

    fn begin(&self, number: u32, step: &str) -> Result<()> {
        say(&format!("{number}/5 {step}"))
    }

    fn profile(&self) -> cli::ProfileArg {
        cli::ProfileArg { positional: Some(self.name.clone()), flag: None }
    }

    /// The access key: one that the profile has, or a new one.
    fn key(&self) -> Result<()> {
        self.begin(1, "access key")?;
        let context = self.load()?;
        if lacks_key(&context, self.name.as_str()) {
            return key::take(&context, self.invocation, self.args, &self.name);
        }
        let key = account::planned(&context, &self.name)?.plan.base.required_key(&self.name)?.clone();
        let entry =
            context.index.get(&key.profile).filter(|entry| key.place == KeyPlace::Keyring && entry.id == key.id);
        match entry {
            Some(entry) if given::is_lost(&context, entry) => {
                messages::note(&format!("access key {} is no longer in the keyring", key.id));
                key::take(&context, self.invocation, self.args, &key.profile)
            }
            _ if self.has_another_in_csv(&context, &key.id)? => Err(self.has_key(&key.id)),
            Some(entry) if entry.unproved => key::prove(&context, &key.profile, entry),
            _ => say(&format!("{} ({})", key.id, key.place)),
        }
    }

    /// Whether the CSV file has another key. Its own may be there from an earlier run, which may have deleted the file.
    fn has_another_in_csv(&self, context: &Context, id: &AccessKeyId) -> Result<bool> {
        match self.args.csv.as_deref().filter(|file| file.exists()) {
            Some(file) => Ok(import::id(context, file, self.args.user.as_deref())? != *id),
            None => Ok(false),
        }
    }

    fn has_key(&self, id: &AccessKeyId) -> Failure {
        let replace = CommandLine::of(Verb::KeyReplace, &self.name).to("to store another one in its place");
        Failure::new(Kind::Config, format!("has access key {id} already, and the CSV file another one"))
            .of_profile(&self.name)
            .hint(replace)
    }

    /// The device of the profile, one of the user's, or a new one.
    fn device(&self) -> Result<()> {
        self.begin(2, "MFA device")?;
        let context = self.load()?;
        let account = Account::of(&context, &self.name)?;
        let enrollments = enrollment::Records::of(&context.dirs.account_data()).all()?;
        if enrollments.iter().any(|record| record.user == account.arn) {
            return self.enroll();
        }
        if let Some(device) = account.device() {
            return say(&visible(device.as_str()));
        }
        let Some(serial) = self.found(&context, &account)? else { return self.enroll() };
        let home = setting::home_of(&account.planned.plan);
        let flags = cli::ChangeFlags { yes: true, ..cli::ChangeFlags::default() };
        setting::write(&context, &titled(&self.name), None, &serial, home, flags).map(drop)
    }

    /// The user's device, the chosen one of several, or one whose ARN is pasted where AWS lists none.
    fn found(&self, context: &Context, account: &Account) -> Result<Option<MfaSerial>> {
        let listed = match account.devices() {
            Ok(mut all) => {
                all.retain(|device| device.kind.has_codes_for_sts());
                if all.len() < 2 {
                    return Ok(all.pop().map(|device| device.serial));
                }
                Ok(all)
            }
            Err(e) if e.kind != AwsErrorKind::Denied => return Err(account.failure(e)),
            denied => denied,
        };
        match propose::choose(listed, &account.user, &self.name, context)? {
            Chosen::Device(serial) => Ok(Some(serial)),
            Chosen::Ask => propose::ask(&self.name),
            Chosen::Nothing => Err(Failure::cancelled("no device was chosen").of_profile(&self.name)),
        }
    }

    fn enroll(&self) -> Result<()> {
        let args = cli::Enroll { profile: self.profile(), show_seed: false, seed_to: None, yes: false };
        mfa::run(&cli::Mfa::Enroll(args), self.invocation).map(drop)
    }

    /// Makes every AWS tool use twolock for the profile, and for the roles that use its key.
    fn adopt(&self) -> Result<()> {
        self.begin(3, "AWS CLI and SDKs")?;
        let context = self.load()?;
        let verdict = context.callers().judge(self.name.as_str());
        if verdict.served() == Served::Fully {
            return say("they get the credentials of this profile from twolock");
        }
        let flags = cli::ChangeFlags::default();
        let args = cli::Adopt { profile: self.profile(), all: false, only: false, flags };
        profile::run(&cli::Profile::Adopt(args), self.invocation).map(drop)
    }

    /// Offers a new key in the place of one that others may have seen on its way here.
    fn rotate(&self) -> Result<()> {
        self.begin(4, "new access key")?;
        let context = self.load()?;
        let key = context.plan(&self.name)?.plan.base.required_key(&self.name)?.clone();
        let records = rotation::Records::of(&context.dirs.account_data()).all()?;
        let under_way = records.iter().find(|record| record.is_about(&key.id)).map(rotation::Record::is_unfinished);
        match under_way {
            Some(true) => self.rotated(false),
            Some(false) => say("not needed: this one was created here"),
            None if self.is_created_here(&context, &key) => say("not needed: this one was created here"),
            None if self.wants_rotation(&key.id)? => self.rotated(true),
            None => say(&format!("skipped; to do it later: {}", CommandLine::of(Verb::KeyRotate, &self.name))),
        }
    }

    fn rotated(&self, yes: bool) -> Result<()> {
        let profile = cli::ProfileAndCode { profile: self.profile(), code_stdin: false };
        let args = cli::KeyRotate { profile, yes, ..cli::KeyRotate::usual() };
        match super::key::run(&cli::Key::Rotate(args), self.invocation) {
            // The profile is of use with the old key as well.
            Err(failure) if failure.kind == Kind::Config => {
                messages::failure(&failure);
                say("the access key stays as it is")
            }
            done => done.map(drop),
        }
    }

    fn wants_rotation(&self, id: &AccessKeyId) -> Result<bool> {
        let text = format!(
            "others may have seen {id}: in an email, in a file or on a screen.\n\
             A new key takes its place, and the old one is deactivated. This needs up to two codes.\n"
        );
        match Conversation::begin(NEED)?.confirm(&text, "rotate it now?") {
            Ok(()) => Ok(true),
            Err(failure) if failure.kind == Kind::NeedsPerson => Ok(false),
            Err(failure) => Err(failure),
        }
    }

    /// Whether `key rotate` has created it, so that nobody else has seen it.
    fn is_created_here(&self, context: &Context, key: &LongTermKey) -> bool {
        let entry = context.index.get(&key.profile).filter(|entry| entry.id == key.id);
        key.place == KeyPlace::Keyring && entry.is_some_and(|entry| entry.created_here)
    }

    /// A session, and a call that uses it without a question.
    fn call(&self) -> Result<()> {
        self.begin(5, "test")?;
        let profile = cli::ProfileAndCode { profile: self.profile(), code_stdin: false };
        let args = cli::Login { profile, duration: None, fresh: false, device: None };
        login::run(&args, self.invocation)?;
        call::run(&self.load()?, self.invocation, &self.name)?;
        say(&format!("profile {} is set up", as_word(self.name.as_str())))
    }
}

/// The command line without `twolock`.
fn titled(name: &ProfileName) -> String {
    format!("setup {}", as_word(name.as_str()))
}

fn say(text: &str) -> Result<()> {
    to_stdout(format!("{text}\n").as_bytes())
}
