//! The answer of either service, before it is written.

use crate::fault::FaultKind;
use crate::{iam, sts};

/// A good answer.
#[derive(Clone, Debug)]
pub(crate) enum Answer {
    Sts(Box<sts::Answer>),
    Iam(iam::Answer),
}

impl Answer {
    pub(crate) fn xml(&self, request_id: &str) -> String {
        match self {
            Answer::Sts(answer) => answer.xml(request_id),
            Answer::Iam(answer) => answer.xml(request_id),
        }
    }

    /// Makes the values of the answer untrue, as far as the fault is about values.
    pub(crate) fn falsify(&mut self, kind: &FaultKind, now: i64) {
        match (self, kind) {
            (Answer::Sts(answer), FaultKind::ForeignAccount(account)) => answer.move_to_account(account),
            (Answer::Iam(answer), FaultKind::ForeignAccount(account)) => answer.move_to_account(account),
            (Answer::Sts(answer), kind) => answer.falsify(kind, now),
            (Answer::Iam(_), _) => {}
        }
    }
}
