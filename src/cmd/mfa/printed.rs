//! Two consecutive codes from `mfa_process`, a program that prints those of a device.

use std::time::Duration;

use crate::arn::MfaSerial;
use crate::error::{Failure, Kind, Result};
use crate::names::{MfaCode, ProfileName};
use crate::prompt::{AskError, CodeSource, Question};
use crate::session::codes::until_next;
use crate::system::clock::Deadline;
use crate::timestamp::Timestamp;

/// How long the program may take to print a code, and then another one.
const BOUND: Duration = Duration::from_secs(30);
const PATIENCE: Duration = Duration::from_secs(75);
/// A program whose clock is behind shows the next code a little later.
const PAUSE: Duration = Duration::from_secs(2);

pub struct Printed<'a> {
    pub source: &'a dyn CodeSource,
    pub profile: &'a ProfileName,
    pub clock: &'a dyn Fn() -> Timestamp,
    pub pause: &'a dyn Fn(Duration),
}

impl Printed<'_> {
    pub fn two_codes(&self, device: &MfaSerial) -> Result<[MfaCode; 2]> {
        let started = (self.clock)();
        let next = started.plus(until_next(started));
        let first = self.code(device)?;
        let now = (self.clock)();
        // After a new step has begun, nobody knows of which one the code is: the other is asked for at once.
        if now < next {
            (self.pause)(next.since(now));
        }
        loop {
            let second = self.code(device)?;
            if second.expose() != first.expose() {
                return Ok([first, second]);
            }
            if (self.clock)().since(started) > PATIENCE {
                let seconds = PATIENCE.as_secs();
                let failure = Failure::new(Kind::Refused, format!("mfa_process printed the same code for {seconds} s"));
                return Err(failure.of_profile(self.profile));
            }
            (self.pause)(PAUSE);
        }
    }

    fn code(&self, device: &MfaSerial) -> Result<MfaCode> {
        let question = Question {
            account: device.account().cloned(),
            profile: self.profile.clone(),
            device: device.clone(),
            asker: None,
            foreign_endpoint: None,
            notice: None,
            closed_dialog: None,
        };
        self.source.ask(&question, Deadline::after(std::time::Instant::now(), BOUND)).map_err(|e| match e {
            AskError::Failed(failure) => failure,
            AskError::Nobody(_) | AskError::Cancelled | AskError::TimedOut => {
                Failure::new(Kind::Refused, "mfa_process gave no code").of_profile(self.profile)
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use std::cell::{Cell, RefCell};

    use super::*;

    /// A program that takes a while, whose clock is behind, and that prints the number of the time step.
    struct Program<'a> {
        now: &'a Cell<i64>,
        takes: i64,
        behind: i64,
        stuck: bool,
        runs: RefCell<Vec<i64>>,
    }

    impl CodeSource for Program<'_> {
        fn ask(&self, _: &Question, _: Deadline) -> std::result::Result<MfaCode, AskError> {
            self.runs.borrow_mut().push(self.now.get());
            let step = if self.stuck { 0 } else { (self.now.get() - self.behind) / 30 };
            self.now.set(self.now.get() + self.takes);
            Ok(MfaCode::parse(&format!("{step:06}")).unwrap())
        }

        fn can_ask_again(&self) -> bool {
            true
        }
    }

    fn run(begin: i64, takes: i64, behind: i64, stuck: bool) -> (Result<[String; 2]>, usize, i64) {
        let now = Cell::new(begin);
        let source = Program { now: &now, takes, behind, stuck, runs: RefCell::default() };
        let (profile, device) = (ProfileName::parse("p").unwrap(), MfaSerial::parse("GAHT12345678").unwrap());
        let printed = Printed {
            source: &source,
            profile: &profile,
            clock: &|| Timestamp::from_unix(now.get()),
            pause: &|pause| now.set(now.get() + pause.as_secs() as i64),
        };
        let codes = printed.two_codes(&device).map(|codes| codes.map(|code| code.expose().to_owned()));
        let runs = source.runs.borrow().len();
        (codes, runs, now.get() - begin)
    }

    #[test]
    fn the_second_code_is_that_of_the_next_step() {
        for (begin, takes, behind, first, runs, took) in [
            (3_000, 0, 0, 100, 2, 30),
            (3_029, 0, 0, 100, 2, 1),
            // While it ran, the next step began: the second code is there already.
            (3_029, 2, 0, 100, 2, 4),
            // Its clock is behind: asked again.
            (3_020, 0, 3, 100, 4, 14),
        ] {
            let (codes, asked, seconds) = run(begin, takes, behind, false);
            let [one, two] = codes.unwrap();
            assert_eq!((one, two), (format!("{first:06}"), format!("{:06}", first + 1)), "{begin}");
            assert_eq!((asked, seconds), (runs, took), "{begin}");
        }
    }

    #[test]
    fn a_program_that_always_prints_the_same_is_given_up() {
        let (codes, _, took) = run(3_000, 0, 0, true);
        let failure = codes.unwrap_err();
        assert_eq!(failure.headline(), "profile 'p': mfa_process printed the same code for 75 s");
        assert!((75..80).contains(&took) && failure.kind == Kind::Refused, "{took}");
    }
}
