//! Asking for a code and sending it: under the device lock, each code once, at most three that AWS refuses.

use std::time::Duration;

use crate::arn::{MfaSerial, RoleArn};
use crate::aws::{AwsError, AwsErrorKind, Mfa};
use crate::credentials::Session;
use crate::error::{Failure, Kind, Result};
use crate::hint::{CommandLine, Verb};
use crate::prompt::{AskError, Question};
use crate::session::Sessions;
use crate::session::codes;
use crate::session::device::{DeviceFiles, DeviceState, Ending, Holder};
use crate::system::clock::{Deadline, now_millis};
use crate::system::signals;

/// A code that AWS refused may be followed by two more.
const TRIES: u32 = 3;

/// So often a code that was sent already is answered by waiting: a program that always prints the same would keep us
/// waiting for minutes, and everybody else with us.
const MOST_WAITS: u32 = 2;

type StsCall<'a> = &'a dyn Fn(Mfa<'_>) -> std::result::Result<Session, AwsError>;

impl Sessions<'_> {
    /// Asks until there is a session, or until asking again cannot help. The device lock is held.
    pub(super) fn ask_and_call(&self, device: &MfaSerial, files: &DeviceFiles, call: StsCall<'_>) -> Result<Session> {
        let mut state = files.load();
        state.holder = Some(Holder { pid: std::process::id(), profile: self.plan.profile.clone() });
        state.ending = None;
        files.save(&state);
        let guard = signals::on_termination({
            let files = files.clone();
            move || end(&files, files.load(), Kind::NeedsPerson, cancelled())
        });
        let result = self.ask_until_minted(device, files, &mut state, call);
        drop(guard);
        if let Err(Ended { failure, told: Some(text) }) = &result {
            end(files, state, failure.kind, text.clone());
        }
        result.map_err(|ended| self.about(*ended.failure))
    }

    fn ask_until_minted(
        &self,
        device: &MfaSerial,
        files: &DeviceFiles,
        state: &mut DeviceState,
        call: StsCall<'_>,
    ) -> std::result::Result<Session, Ended> {
        let (mut refused, mut waits, mut notice) = (0, 0, None);
        loop {
            let until = self.patience.question();
            let code =
                self.codes.ask(&self.question(device, notice.take()), until).map_err(|e| self.no_code(e, device))?;
            if codes::was_sent(state, device, &code, (self.clock)()) {
                self.wait_for_the_next(until, waits < MOST_WAITS)?;
                waits += 1;
                continue;
            }
            // Written down before it is sent: a crash in between counts as used.
            codes::note(state, device, &code, (self.clock)());
            files.save(state);
            match call(Mfa { serial: device, code: &code }) {
                Ok(session) => return Ok(session),
                Err(e) if e.kind == AwsErrorKind::WrongCode && refused + 1 < TRIES && self.codes.can_ask_again() => {
                    refused += 1;
                    notice = Some(self.wrong_code(TRIES - refused));
                }
                Err(e) => return Err(self.no_session(e, state)),
            }
        }
    }

    fn question(&self, device: &MfaSerial, notice: Option<String>) -> Question {
        Question {
            account: self.plan.role().map(RoleArn::account).or(device.account()).cloned(),
            profile: self.plan.profile.clone(),
            device: device.clone(),
            asker: self.asker.clone(),
            foreign_endpoint: self.foreign_host().map(String::from),
            notice,
        }
    }

    /// The endpoint as people read it, `127.0.0.1:4566`, if it is not AWS's own.
    fn foreign_host(&self) -> Option<&str> {
        self.endpoint.map(|e| e.rsplit_once("://").map_or(e, |(_, host)| host))
    }

    /// One line of 80 columns: the question below it names the device and the endpoint.
    fn wrong_code(&self, left: u32) -> String {
        let next = next_code(codes::until_next((self.clock)()));
        let tries = if left == 1 { "try" } else { "tries" };
        format!("wrong code, already used, or of another device; {next}; {left} {tries} left")
    }

    /// Counts down to the next code; a source that cannot give another one fails at once.
    fn wait_for_the_next(&self, until: Deadline, again: bool) -> std::result::Result<(), Ended> {
        let wait = codes::until_next((self.clock)());
        if !again || !self.codes.can_ask_again() {
            return Err(Ended::alone(Failure::new(Kind::Refused, already_used(wait))));
        }
        let next = Deadline::after(std::time::Instant::now(), wait);
        while !next.has_passed() {
            if until.has_passed() {
                return Err(Ended::alone(self.timed_out()));
            }
            self.codes.note(&already_used(next.left() + Duration::from_secs(1)));
            std::thread::sleep(next.left().min(until.left()).min(Duration::from_secs(1)));
        }
        self.codes.note("");
        Ok(())
    }

    fn no_code(&self, e: AskError, device: &MfaSerial) -> Ended {
        match e {
            AskError::Cancelled => {
                let failure = Failure::cancelled("no code was given");
                Ended { failure: Box::new(failure), told: Some(cancelled()) }
            }
            AskError::TimedOut => Ended::alone(self.timed_out()),
            AskError::Failed(failure) => Ended { told: Some(told(&failure.cause)), failure: Box::new(failure) },
            AskError::Nobody(why) => {
                let command = CommandLine::of(Verb::Login, &self.plan.profile);
                let cause = format!("needs an MFA code from {device}: {why}; run in a terminal: {command}");
                Ended::alone(Failure::new(Kind::NeedsPerson, cause))
            }
        }
    }

    fn timed_out(&self) -> Failure {
        let command = CommandLine::of(Verb::Login, &self.plan.profile);
        Failure::new(Kind::NeedsPerson, format!("no code was entered in time; run in a terminal: {command}"))
    }

    fn no_session(&self, e: AwsError, state: &mut DeviceState) -> Ended {
        let sent = e.kind != AwsErrorKind::NotSent;
        let unclear = matches!(e.kind, AwsErrorKind::Unclear | AwsErrorKind::BadAnswer);
        let mut failure = self.refused(e);
        if !sent {
            codes::forget_last(state);
        }
        if unclear {
            let next = next_code(codes::until_next((self.clock)()));
            failure.cause.push_str(&format!("; the code counts as used; {next}"));
        }
        Ended { told: Some(told(&failure.cause)), failure: Box::new(failure) }
    }

    /// What the question that ended while we waited means for us.
    pub(super) fn ended_meanwhile(&self, files: &DeviceFiles, since_millis: u64) -> Result<()> {
        match files.load().ending {
            // One from the future was written before the clock was corrected; no process waited for it.
            Some(ending) if (since_millis..=now_millis()).contains(&ending.at_millis) => {
                Err(self.about(Failure::new(ending.kind, ending.text)))
            }
            _ => Ok(()),
        }
    }
}

/// A question that brought no session, and what those who waited are told of it.
struct Ended {
    failure: Box<Failure>,
    told: Option<String>,
}

impl Ended {
    /// An ending that says nothing about the next caller's chances.
    fn alone(failure: Failure) -> Self {
        Self { failure: Box::new(failure), told: None }
    }
}

fn end(files: &DeviceFiles, mut state: DeviceState, kind: Kind, text: String) {
    state.ending = Some(Ending { pid: std::process::id(), at_millis: now_millis(), kind, text });
    files.save(&state);
}

fn next_code(wait: Duration) -> String {
    format!("next code in {} s", wait.as_secs())
}

fn already_used(wait: Duration) -> String {
    format!("this code was already used; {}", next_code(wait))
}

fn cancelled() -> String {
    format!("cancelled at the prompt of pid {}", std::process::id())
}

fn told(cause: &str) -> String {
    format!("{cause} (at the prompt of pid {})", std::process::id())
}
