//! Asking for a code and sending it: under the device lock, each code once, at most three that AWS refuses.

use std::time::Duration;

use crate::arn::{MfaSerial, RoleArn};
use crate::aws::{AwsError, AwsErrorKind, Mfa};
use crate::credentials::Session;
use crate::error::{Failure, Kind, Result};
use crate::prompt::{AskError, Question};
use crate::session::Sessions;
use crate::session::closed_dialog::ClosedDialog;
use crate::session::codes;
use crate::session::declined::{self, How};
use crate::session::device::{DeviceFiles, DeviceState, Ending, Holder};
use crate::session::outside;
use crate::system::clock::{self, Deadline, now_millis};
use crate::system::parent::Caller;
use crate::system::signals;
use crate::timestamp::Timestamp;

/// A code that AWS refused may be followed by two more.
const TRIES: u32 = 3;

/// So often a person is asked again at once for a code that was sent already: a program behind the prompt, such as that of
/// `askpass`, could repeat it for ever.
const MOST_REPEATS: u32 = 10;

/// So often a code of a program that was sent already is answered by waiting: one that always prints the same would keep
/// us waiting for minutes, and everybody else with us.
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
            let (files, caller) = (files.clone(), self.caller);
            move || {
                let mut state = files.load();
                state.ending = Some(ending(Kind::NeedsPerson, cancelled(), Some(How::Cancelled)));
                note_declined(&mut state, caller, Some(How::Cancelled), clock::now());
                files.save(&state);
            }
        });
        let result = self.ask_until_minted(device, files, &mut state, call);
        drop(guard);
        if let Err(Ended { failure, told, declined }) = &result {
            let closed = declined.filter(|how| self.codes.is_dialog() && *how != How::WrongCodes);
            if let Some(how) = closed {
                state.closed_dialog = Some(ClosedDialog { how, at: (self.clock)() });
            }
            // The pause of a dialog is longer, and for every caller.
            let declined = declined.filter(|_| closed.is_none());
            state.ending = told.clone().map(|text| ending(failure.kind, text, declined));
            note_declined(&mut state, self.caller, declined, (self.clock)());
            files.save(&state);
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
            let code = self
                .codes
                .ask(&self.question(device, notice.take(), state), until)
                .map_err(|e| self.no_code(e, device))?;
            if codes::was_sent(state, device, &code, (self.clock)()) {
                if self.codes.is_person() && waits < MOST_REPEATS {
                    waits += 1;
                    // Asked again at once: what is typed while a countdown runs would be lost.
                    notice = Some(already_used(codes::until_next((self.clock)())));
                } else {
                    self.wait_for_the_next(until, waits < MOST_WAITS)?;
                    waits += 1;
                }
                continue;
            }
            // Written down before it is sent: a crash in between counts as used.
            codes::note(state, device, &code, (self.clock)());
            files.save(state);
            match call(Mfa { serial: device, code: &code }) {
                Ok(session) => {
                    if state.closed_dialog.take().is_some() {
                        files.save(state);
                    }
                    return Ok(session);
                }
                Err(e)
                    if matches!(e.kind, AwsErrorKind::WrongCode | AwsErrorKind::Missing)
                        && state.is_new((self.clock)())
                        && self.codes.can_ask_again() =>
                {
                    notice = Some(self.not_known_yet());
                }
                Err(e) if e.kind == AwsErrorKind::WrongCode && refused + 1 < TRIES && self.codes.can_ask_again() => {
                    refused += 1;
                    notice = Some(self.wrong_code(TRIES - refused));
                }
                Err(e) => {
                    let last_try = e.kind == AwsErrorKind::WrongCode && refused + 1 == TRIES;
                    let declined = last_try.then_some(How::WrongCodes);
                    return Err(Ended { declined, ..self.no_session(e, state) });
                }
            }
        }
    }

    fn question(&self, device: &MfaSerial, notice: Option<String>, state: &DeviceState) -> Question {
        Question {
            account: self.plan.role().map(RoleArn::account).or(device.account()).cloned(),
            profile: self.plan.profile.clone(),
            device: device.clone(),
            asker: self.asker.clone(),
            foreign_endpoint: self.foreign_host().map(String::from),
            notice,
            closed_dialog: state.closed_dialog.and_then(|closed| closed.refusal((self.clock)())),
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

    /// AWS refuses right codes, too, until it knows the device everywhere: this does not count as a try.
    fn not_known_yet(&self) -> String {
        let next = next_code(codes::until_next((self.clock)()));
        format!("refused: AWS may need up to a minute to recognize a new device; {next}")
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
                return Err(self.timed_out());
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
                Ended { failure: Box::new(failure), told: Some(cancelled()), declined: Some(How::Cancelled) }
            }
            AskError::TimedOut => self.timed_out(),
            AskError::Failed(failure) => Ended::shared(failure),
            AskError::Nobody(why) => {
                let needed = format!("needs an MFA code from {device}: {why}");
                Ended::alone(match (self.hidden_by)() {
                    Some(sandbox) => outside::nobody_to_ask(sandbox, &self.plan.profile, &needed),
                    None => {
                        let cause = format!("{needed}; run in a terminal: {}", self.login);
                        Failure::new(Kind::NeedsPerson, cause)
                    }
                })
            }
        }
    }

    fn timed_out(&self) -> Ended {
        let cause = format!("no code was entered in time; run in a terminal: {}", self.login);
        Ended { declined: Some(How::TimedOut), ..Ended::alone(Failure::new(Kind::NeedsPerson, cause)) }
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
        Ended::shared(failure)
    }

    /// What the question that ended while we waited means for us: it was put for our caller, too.
    pub(super) fn ended_meanwhile(&self, files: &DeviceFiles, since_millis: u64) -> Result<()> {
        let mut state = files.load();
        // One from the future was written before the clock was corrected; no process waited for it.
        let meanwhile = |ending: &Ending| (since_millis..=now_millis()).contains(&ending.at_millis);
        let Some(Ending { kind, text, declined, .. }) = state.ending.clone().filter(meanwhile) else { return Ok(()) };
        if note_declined(&mut state, self.caller, declined, (self.clock)()) {
            files.save(&state);
        }
        Err(self.about(Failure::new(kind, text)))
    }

    /// Does not ask a caller again whose last question was declined just now.
    pub(super) fn declined_lately(&self, files: &DeviceFiles) -> Result<()> {
        let refusal = |caller| declined::refusal(&files.load().declined, caller, (self.clock)());
        let Some(refusal) = self.caller.and_then(refusal) else { return Ok(()) };
        Err(self.about(Failure::new(Kind::NeedsPerson, format!("{refusal}, or run: {}", self.login))))
    }
}

/// A question that brought no session.
struct Ended {
    failure: Box<Failure>,
    /// What those who waited are told of it.
    told: Option<String>,
    /// How a person ended it, if one did.
    declined: Option<How>,
}

impl Ended {
    /// An ending that says nothing about the next caller's chances.
    fn alone(failure: Failure) -> Self {
        Self { failure: Box::new(failure), told: None, declined: None }
    }

    /// An ending that those who waited share.
    fn shared(failure: Failure) -> Self {
        let told = format!("{} (at the prompt of pid {})", failure.cause, std::process::id());
        Self { told: Some(told), ..Self::alone(failure) }
    }
}

fn ending(kind: Kind, text: String, declined: Option<How>) -> Ending {
    Ending { pid: std::process::id(), at_millis: now_millis(), kind, text, declined }
}

/// Notes whose question a person ended; returns whether there was anything to note.
fn note_declined(state: &mut DeviceState, caller: Option<Caller>, how: Option<How>, now: Timestamp) -> bool {
    let (Some(caller), Some(how)) = (caller, how) else { return false };
    declined::note(&mut state.declined, caller, how, now);
    true
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
