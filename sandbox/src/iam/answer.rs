//! Holds the answer of an action and writes it as XML.

use crate::xml;

pub(crate) const NAMESPACE: &str = "https://iam.amazonaws.com/doc/2010-05-08/";

/// A good answer; actions that only change something have no result.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    action: &'static str,
    account: String,
    result: Option<String>,
}

impl Answer {
    /// Returns the answer of an action in this account.
    pub(super) fn new(action: &'static str, account: &str, result: impl Into<Option<String>>) -> Answer {
        Answer { action, account: account.to_owned(), result: result.into() }
    }

    /// Puts another account into all names of the answer.
    pub(crate) fn move_to_account(&mut self, account: &str) {
        if let Some(result) = &mut self.result {
            *result = result.replace(&format!("::{}:", self.account), &format!("::{account}:"));
        }
    }

    pub(crate) fn xml(&self, request_id: &str) -> String {
        xml::response(self.action, NAMESPACE, self.result.as_deref(), request_id)
    }
}
