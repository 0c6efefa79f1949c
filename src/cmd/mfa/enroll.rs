//! `mfa enroll`: a new virtual device, from its creation at AWS to the profile that names it.

use crate::arn::account_of;
use crate::aws::AwsErrorKind;
use crate::aws::iam::{MfaDevice, VirtualDevice};
use crate::cli::{ChangeFlags, Enroll};
use crate::cmd::changing::recovered;
use crate::cmd::context::{Context, Invocation};
use crate::cmd::conversation::confirmed;
use crate::cmd::sessions::code_program;
use crate::enrollment::{Enrollment, Phase, Record, Records, Settled, pair};
use crate::error::{Failure, Kind, Result};
use crate::hint::{CommandLine, Verb};
use crate::names::DeviceName;
use crate::output::paragraph::wrapped_lines;
use crate::output::{messages, qr, to_stdout};
use crate::prompt::command::CommandSource;
use crate::system::directories::Directories;
use crate::system::{clock, terminal};
use crate::text::visible::visible;

use super::devices::short;
use super::printed::Printed;
use super::prompt::{MOST_TRIES, Prompt, Seed};
use super::seed::SeedProgram;
use super::setting;
use crate::cmd::account::Account;

const TITLE: &str = "mfa enroll";
const FOR_A_SCRIPT: &str =
    "for a script: set mfa_process of the profile, and add --seed-to and --yes: mfa_process then prints the codes";

pub fn run(args: &Enroll, invocation: &Invocation) -> Result<u8> {
    recovered(&invocation.env, None, false)?;
    let context = Context::load(&invocation.env)?;
    let program = args.seed_to.as_deref().map(|line| SeedProgram::parse(line, &context)).transpose()?;
    let account = Account::of(&context, &context.requested_or_picked(&args.profile)?)?;
    let records = Records::of(&context.dirs.account_data());
    let _lock = records.lock()?;
    let enrolling = Enrolling { account: &account, args, program, records: &records };
    enrolling.run().map(|()| 0)
}

/// Where the codes of the new device come from.
enum Codes<'a> {
    Typed(Box<Prompt<'a>>),
    Printed(CommandSource),
}

struct Enrolling<'a> {
    account: &'a Account<'a>,
    args: &'a Enroll,
    program: Option<SeedProgram>,
    records: &'a Records,
}

impl Enrolling<'_> {
    fn run(&self) -> Result<()> {
        let enrollment = self.enrollment();
        // Before anything is created.
        let codes = self.codes()?;
        if let Some(record) = self.records.all()?.into_iter().find(|record| record.user == self.account.arn)
            && self.settle(&enrollment, record)?
        {
            return Ok(());
        }
        self.confirm(&self.steps(&codes), "enroll?")?;
        let (record, device) = enrollment.create()?;
        let enabled = self.seed_and_codes(&enrollment, record, &device, codes)?;
        self.use_it(enabled)
    }

    /// A script has nobody who could type codes, but perhaps the program that prints them from now on.
    fn codes(&self) -> Result<Codes<'_>> {
        let Account { context, planned, profile, .. } = self.account;
        if let Some(process) = &planned.plan.mfa_process
            && self.program.is_some()
            && self.args.yes
        {
            return code_program(context, process).map(Codes::Printed);
        }
        let prompt = Prompt::open(profile, &context.env, &|_| false).map_err(|failure| failure.hint(FOR_A_SCRIPT))?;
        Ok(Codes::Typed(Box::new(prompt)))
    }

    fn enrollment(&self) -> Enrollment<'_> {
        Enrollment {
            profile: &self.account.profile,
            arn: &self.account.arn,
            user: &self.account.user,
            iam: &self.account.iam,
            signer: self.account.signer(),
            records: self.records,
            clock: &clock::now,
            pause: &std::thread::sleep,
        }
    }

    /// What an earlier run has left. Returns whether its device is enabled, and in use now.
    fn settle(&self, enrollment: &Enrollment<'_>, record: Record) -> Result<bool> {
        let serial = record.serial.clone();
        if record.phase == Phase::Creating {
            let text = format!("an earlier, interrupted run may have created the device {serial}\n");
            if self.confirm(&text, "delete it if it is not enabled?").is_err() {
                self.records.remove(&record)?;
                return Ok(false);
            }
        }
        match enrollment.settle(&record)? {
            Settled::Enabled if record.phase != Phase::Creating => {
                messages::note(&format!("device {serial} of an earlier, interrupted run is enabled"));
                return self.use_it(record).map(|()| true);
            }
            Settled::Gone | Settled::Enabled => {}
            Settled::Left => messages::note(&format!(
                "the unfinished device {serial} stays at AWS, which does not let you delete it; the new one gets another name"
            )),
        }
        self.records.remove(&record)?;
        Ok(false)
    }

    /// What will be done, for the confirmation.
    fn steps(&self, codes: &Codes<'_>) -> String {
        let account = self.account;
        let of = account_of(&account.arn).map(|id| format!(" of account {id}")).unwrap_or_default();
        let has = match account.devices() {
            Ok(devices) => shown(&devices),
            Err(_) => "MFA devices that AWS does not list".into(),
        };
        let seed = match (&self.args.seed_to, self.args.show_seed) {
            (Some(line), _) => format!("give its seed to: {}", visible(line)),
            (None, true) => "show its seed, to type into an authenticator app".into(),
            (None, false) => "show its QR code, to scan with an authenticator app".into(),
        };
        let codes = match codes {
            Codes::Typed(_) => "ask for two consecutive codes",
            Codes::Printed(_) => "get two consecutive codes from mfa_process, which takes up to a minute",
        };
        let profile = match account.device() {
            Some(old) if self.args.yes => format!("use it in place of {}", visible(short(old))),
            Some(old) => format!("offer to use it in place of {}", visible(short(old))),
            None => {
                format!("set mfa_serial of profile '{}'", visible(setting::home_of(&account.planned.plan).as_str()))
            }
        };
        format!(
            "user {}{of} has {has}\n  1. create a virtual MFA device at AWS\n  2. {seed}\n  3. \
             {codes}, and enable the device with them\n  4. {profile}\n",
            account.user
        )
    }

    fn confirm(&self, text: &str, question: &str) -> Result<()> {
        let text = &wrapped_lines(text, terminal::columns(&self.account.context.env));
        confirmed(self.args.yes, "add --yes", text, question)
    }

    /// Hands the secret key over and enables the device; one that stays unfinished is deleted.
    fn seed_and_codes(
        &self,
        enrollment: &Enrollment<'_>,
        mut record: Record,
        device: &VirtualDevice,
        mut codes: Codes<'_>,
    ) -> Result<Record> {
        let handed = self.program.as_ref().map_or(Ok(()), |program| program.take(&device.seed));
        let enabled = handed.and_then(|()| match &mut codes {
            Codes::Printed(source) => self.enable_by_program(enrollment, &mut record, source),
            Codes::Typed(prompt) => {
                if self.program.is_none() {
                    self.show_seed(prompt, device)?;
                }
                self.enable(enrollment, &mut record, prompt)
            }
        });
        drop(codes);
        if let Err(failure) = enabled {
            // Its answer may have been lost.
            if record.phase != Phase::Enabling || !enrollment.is_listed(&record.serial) {
                record.phase = Phase::Created;
                return Err(enrollment.undo(&record, failure));
            }
        }
        pair::note_enabled(&self.account.context.dirs.cache, &record.serial, self.account.endpoint().as_deref());
        Ok(record)
    }

    fn show_seed(&self, prompt: &mut Prompt<'_>, device: &VirtualDevice) -> Result<()> {
        let name = DeviceName::parse(short(&device.serial)).map_err(|why| Failure::new(Kind::Bug, why))?;
        let uri = qr::uri(&name, device.serial.account(), &device.seed);
        let seed =
            Seed { qr: if self.args.show_seed { None } else { qr::drawn(&uri) }, text: qr::typed(&name, &device.seed) };
        let again = CommandLine::of(Verb::Enroll, &self.account.profile);
        prompt.show_seed(seed, format!("interrupted; device {} is unfinished; to continue: {again}", device.serial));
        Ok(())
    }

    fn enable(&self, enrollment: &Enrollment<'_>, record: &mut Record, prompt: &mut Prompt<'_>) -> Result<()> {
        let (directory, endpoint) = (&self.account.context.dirs.cache, self.account.endpoint());
        let about = format!("device {}", visible(short(&record.serial)));
        let mut notice = String::new();
        for left in (0..MOST_TRIES).rev() {
            let [first, second] = prompt.two_codes(&about, &notice)?;
            enrollment.note(record, Phase::Enabling)?;
            let codes = [&first, &second];
            let call = || enrollment.enable(&record.serial, codes);
            match pair::send(directory, &record.serial, endpoint.as_deref(), codes, call)? {
                Ok(()) => return Ok(()),
                Err(e) if e.kind == AwsErrorKind::WrongCode && left > 0 => {
                    // Nothing is under way at AWS.
                    enrollment.note(record, Phase::Created)?;
                    notice = format!("AWS refused the codes; tries left: {left}");
                }
                Err(e) => return Err(self.account.failure(e)),
            }
        }
        unreachable!("the last try returns")
    }

    fn enable_by_program(
        &self,
        enrollment: &Enrollment<'_>,
        record: &mut Record,
        source: &CommandSource,
    ) -> Result<()> {
        let (clock, pause) = (&clock::now, &std::thread::sleep);
        let profile = &self.account.profile;
        let [first, second] = Printed { source, profile, clock, pause }.two_codes(&record.serial)?;
        enrollment.note(record, Phase::Enabling)?;
        let (directory, endpoint) = (&self.account.context.dirs.cache, self.account.endpoint());
        let codes = [&first, &second];
        let call = || enrollment.enable(&record.serial, codes);
        pair::send(directory, &record.serial, endpoint.as_deref(), codes, call)?.map_err(|e| match e.kind {
            AwsErrorKind::WrongCode => {
                let cause = "AWS refused the codes of mfa_process: it must print the codes of the new seed";
                Failure::new(Kind::Refused, cause).of_profile(profile)
            }
            _ => self.account.failure(e),
        })
    }

    /// Writes the enabled device into the profile.
    fn use_it(&self, record: Record) -> Result<()> {
        let context = Context::load(&self.account.context.env)?;
        let (old, home) = (self.account.device(), setting::home_of(&self.account.planned.plan));
        let flags = ChangeFlags { yes: self.args.yes || old.is_none(), ..ChangeFlags::default() };
        let written = match old {
            Some(old) if *old == record.serial => Ok(true),
            old => setting::write(&context, TITLE, old, &record.serial, home, flags),
        };
        let serial = &record.serial;
        let set = CommandLine::of(Verb::Set, home).with("mfa_serial").with(serial.to_string());
        match written {
            Ok(_) => {}
            Err(failure) if failure.kind == Kind::NeedsPerson => {
                self.records.remove(&record)?;
                return to_stdout(format!("device {serial} is enabled; to use it: {set}\n").as_bytes());
            }
            Err(failure) => {
                let cause = format!("device {serial} is enabled, but not written into the profile: {}", failure.cause);
                let again = CommandLine::of(Verb::Enroll, &self.account.profile);
                return Err(Failure::new(Kind::HalfDone, cause).of_profile(home).hint(again.to("to finish")));
            }
        }
        self.records.remove(&record)?;
        let login = CommandLine::of(Verb::Login, &self.account.profile);
        to_stdout(format!("device {serial} is enabled; to start a session with its next code: {login}\n").as_bytes())
    }
}

fn shown(devices: &[MfaDevice]) -> String {
    match devices {
        [] => "no MFA device".into(),
        [one] => format!("the MFA device {}", visible(short(&one.serial))),
        many => {
            let names: Vec<String> = many.iter().map(|device| visible(short(&device.serial))).collect();
            format!("the MFA devices {}", names.join(", "))
        }
    }
}

/// What other commands say of an unfinished enrollment: a line each.
pub fn remarks(dirs: &Directories) -> Vec<String> {
    remarks_unless(Records::are_locked, dirs)
}

/// The same for a process that holds the lock itself.
pub fn remarks_under_lock(dirs: &Directories) -> Vec<String> {
    remarks_unless(|_| false, dirs)
}

fn remarks_unless(is_at_it: impl Fn(&Records) -> bool, dirs: &Directories) -> Vec<String> {
    let remark = |record: Record| {
        let again = CommandLine::of(Verb::Enroll, &record.profile);
        format!("the enrollment of MFA device {} was interrupted: {again}", record.serial)
    };
    let records = Records::of(&dirs.account_data());
    match records.all() {
        // The process that holds the lock is at it.
        Ok(all) if all.is_empty() || is_at_it(&records) => Vec::new(),
        Ok(all) => all.into_iter().map(remark).collect(),
        Err(failure) => vec![failure.headline()],
    }
}
