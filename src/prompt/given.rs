//! A code given beforehand, by `TWOLOCK_MFA_CODE` or `--code-stdin`: used once, never asked again.

use std::cell::Cell;

use crate::error::{Failure, Kind};
use crate::names::MfaCode;
use crate::prompt::{AskError, CodeSource, Question};
use crate::secret::Secret;
use crate::system::clock::Deadline;
use crate::system::env::Env;
use crate::system::foreign_file::plain;
use crate::system::stdin::{self, NoLine};

const VARIABLE: &str = "TWOLOCK_MFA_CODE";
const FLAG: &str = "--code-stdin";
/// Longest line read from standard input; no code is longer.
const LONGEST_LINE: usize = 64;

/// A code given before it was asked for.
pub struct GivenCode {
    channel: Channel,
    used: Cell<bool>,
}

enum Channel {
    /// Nothing, if the variable was not text.
    Variable(Option<Secret<String>>),
    Stdin,
}

impl GivenCode {
    /// Returns the code of `TWOLOCK_MFA_CODE`, if that is set.
    pub fn from_variable(env: &Env) -> Option<Self> {
        env.raw(VARIABLE)?;
        let text = env.text(VARIABLE).map(|text| Secret::new(text.to_owned()));
        Some(Self { channel: Channel::Variable(text), used: Cell::new(false) })
    }

    /// Returns the code in the next line of standard input. It is read when it is asked for and byte by
    /// byte, so that the rest is left for the next reader.
    pub fn from_stdin() -> Self {
        Self { channel: Channel::Stdin, used: Cell::new(false) }
    }

    fn name(&self) -> &'static str {
        match self.channel {
            Channel::Variable(_) => VARIABLE,
            Channel::Stdin => FLAG,
        }
    }
}

impl CodeSource for GivenCode {
    fn ask(&self, _question: &Question, until: Deadline) -> Result<MfaCode, AskError> {
        let failed = |kind, what: &str| AskError::Failed(Failure::new(kind, format!("{} {what}", self.name())));
        if self.used.replace(true) {
            return Err(failed(Kind::Refused, "contained one code, and it was already used"));
        }
        let code = match &self.channel {
            Channel::Variable(text) => text.as_ref().and_then(|text| MfaCode::parse(text.expose())),
            Channel::Stdin => match stdin::read_line(LONGEST_LINE, until) {
                Ok(line) => MfaCode::parse(line.expose()),
                Err(NoLine::TimedOut) => return Err(AskError::TimedOut),
                Err(NoLine::Unreadable(e)) => {
                    return Err(failed(Kind::Usage, &format!("cannot read standard input: {}", plain(&e))));
                }
                Err(NoLine::Ended) => return Err(failed(Kind::Usage, "is set, but standard input is empty")),
                Err(NoLine::Unfit) => None,
            },
        };
        code.ok_or_else(|| failed(Kind::Usage, "did not contain a six-digit code"))
    }

    fn can_ask_again(&self) -> bool {
        false
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;
    use crate::arn::MfaSerial;
    use crate::names::ProfileName;

    fn ask(given: &GivenCode) -> Result<MfaCode, AskError> {
        let question = Question {
            account: None,
            profile: ProfileName::parse("prod").unwrap(),
            device: MfaSerial::parse("GAHT12345678").unwrap(),
            asker: None,
            foreign_endpoint: None,
            notice: None,
            closed_dialog: None,
        };
        given.ask(&question, Deadline::after(Instant::now(), Duration::from_secs(5)))
    }

    #[test]
    fn the_variable_gives_its_code_once() {
        let given = GivenCode::from_variable(&Env::of([("TWOLOCK_MFA_CODE", "123456")])).unwrap();
        assert_eq!(ask(&given).unwrap().expose(), "123456");
        let Err(AskError::Failed(failure)) = ask(&given) else { panic!("gave a code twice") };
        assert_eq!((failure.kind, given.can_ask_again()), (Kind::Refused, false));
    }

    #[test]
    fn a_variable_of_the_wrong_form_is_a_usage_error_that_does_not_repeat_it() {
        for wrong in ["12345", "abcdef", "1234567"] {
            let given = GivenCode::from_variable(&Env::of([("TWOLOCK_MFA_CODE", wrong)])).unwrap();
            let Err(AskError::Failed(failure)) = ask(&given) else { panic!("{wrong} was taken") };
            assert_eq!(
                (failure.kind, failure.cause.as_str()),
                (Kind::Usage, "TWOLOCK_MFA_CODE did not contain a six-digit code")
            );
        }
    }

    #[test]
    fn an_empty_variable_is_no_source() {
        assert!(GivenCode::from_variable(&Env::of([("TWOLOCK_MFA_CODE", "")])).is_none());
        assert!(GivenCode::from_variable(&Env::default()).is_none());
    }
}
