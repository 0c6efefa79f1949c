//! Who signed in to the console, and the tokens that are still waiting.

use super::ServerState;

/// One sign-in to the console.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignIn {
    /// The role session.
    pub arn: String,
    /// The page it went on to.
    pub destination: String,
    /// When the console session ends, by the server's clock.
    pub ends_at: i64,
}

/// A token that nobody has used.
#[derive(Debug)]
pub(super) struct Waiting {
    sign_in: SignIn,
    until: i64,
}

impl ServerState {
    pub(crate) fn offer_sign_in(&mut self, token: String, sign_in: SignIn, until: i64) {
        self.waiting.insert(token, Waiting { sign_in, until });
    }

    /// Uses up a token.
    pub(crate) fn sign_in(&mut self, token: &str, destination: &str, now: i64) -> Option<SignIn> {
        let Waiting { sign_in, until } = self.waiting.remove(token)?;
        if until <= now {
            return None;
        }
        let sign_in = SignIn { destination: destination.to_owned(), ..sign_in };
        self.sign_ins.push(sign_in.clone());
        Some(sign_in)
    }

    pub(crate) fn sign_ins(&self) -> &[SignIn] {
        &self.sign_ins
    }
}
