//! The sources of codes in their order: given beforehand, a command, the terminal, a dialog (docs/guide.md, "The MFA prompt").

use std::cell::Cell;

use crate::names::MfaCode;
use crate::prompt::{AskError, CodeSource, Question};
use crate::system::clock::Deadline;

/// Several sources, asked in turn until one is there. Only a source that cannot ask falls back to the next:
/// one that fails, is cancelled or times out has answered.
#[derive(Default)]
pub struct CodeSources<'a> {
    list: Vec<Box<dyn CodeSource + 'a>>,
    answered: Cell<usize>,
}

impl<'a> CodeSources<'a> {
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a source that comes after those before it.
    pub fn then(mut self, source: impl CodeSource + 'a) -> Self {
        self.list.push(Box::new(source));
        self
    }

    pub fn then_if(self, source: Option<impl CodeSource + 'a>) -> Self {
        match source {
            Some(source) => self.then(source),
            None => self,
        }
    }
}

impl CodeSource for CodeSources<'_> {
    fn ask(&self, question: &Question, until: Deadline) -> Result<MfaCode, AskError> {
        let mut nobody = String::from("no source of codes");
        for (index, source) in self.list.iter().enumerate() {
            self.answered.set(index);
            match source.ask(question, until) {
                Err(AskError::Nobody(why)) => nobody = why,
                answer => return answer,
            }
        }
        Err(AskError::Nobody(nobody))
    }

    fn can_ask_again(&self) -> bool {
        self.list.get(self.answered.get()).is_some_and(|source| source.can_ask_again())
    }

    fn is_person(&self) -> bool {
        self.list.get(self.answered.get()).is_some_and(|source| source.is_person())
    }

    fn is_dialog(&self) -> bool {
        self.list.get(self.answered.get()).is_some_and(|source| source.is_dialog())
    }

    fn note(&self, text: &str) {
        self.list.iter().for_each(|source| source.note(text));
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;
    use crate::arn::MfaSerial;
    use crate::error::{Failure, Kind};
    use crate::names::ProfileName;

    /// Answers one thing: `nobody`, `cancel`, `fail`, or a code.
    struct Says(&'static str);

    impl CodeSource for Says {
        fn ask(&self, _: &Question, _: Deadline) -> Result<MfaCode, AskError> {
            Err(match self.0 {
                "nobody" => AskError::Nobody("no terminal".into()),
                "cancel" => AskError::Cancelled,
                "fail" => AskError::Failed(Failure::new(Kind::Usage, "x")),
                code => return Ok(MfaCode::parse(code).unwrap()),
            })
        }

        fn can_ask_again(&self) -> bool {
            self.0 != "fail"
        }
    }

    #[test]
    fn only_a_source_that_reaches_nobody_hands_over() {
        let question = Question {
            account: None,
            profile: ProfileName::parse("prod").unwrap(),
            device: MfaSerial::parse("GAHT12345678").unwrap(),
            asker: None,
            foreign_endpoint: None,
            notice: None,
            closed_dialog: None,
        };
        let table: [(&[&str], &str, bool); 7] = [
            (&[], "Nobody(\"no source of codes\")", false),
            (&["nobody"], "Nobody(\"no terminal\")", true),
            (&["123456", "654321"], "123456", true),
            (&["nobody", "654321"], "654321", true),
            (&["cancel", "654321"], "Cancelled", true),
            (&["fail", "654321"], "Failed", false),
            (&["nobody", "fail", "654321"], "Failed", false),
        ];
        for (says, expected, again) in table {
            let sources = says.iter().fold(CodeSources::new(), |sources, word| sources.then(Says(word)));
            let answer = match sources.ask(&question, Deadline::after(Instant::now(), Duration::from_secs(1))) {
                Ok(code) => code.expose().to_owned(),
                Err(e) => format!("{e:?}"),
            };
            assert!(answer.starts_with(expected), "{says:?}: {answer}");
            assert_eq!(sources.can_ask_again(), again, "{says:?}");
        }
    }
}
