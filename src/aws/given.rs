//! Temporary credentials as a service gave them, checked before anything of them is kept (threat-model P36, P37, F34).
//!
//! An expiry is judged by our clock: past is refused, and so is more than 5 minutes beyond what was asked. Between two
//! clocks that differ a right answer may look too long, so the end may also be measured from the server's `Date`, as
//! long as that is within the 15 minutes in which AWS takes our signature at all; a `Date` further off proves nothing.

use std::time::Duration;

use super::clocks::{Clocks, SLACK, apart};
use crate::arn::AccountId;
use crate::credentials::{AccessKeyId, LONGEST_TOKEN, Session, is_credential_text};
use crate::secret::Secret;
use crate::timestamp::Timestamp;

/// The window in which AWS takes a signature.
const SIGNATURE_WINDOW: Duration = Duration::from_secs(15 * 60);

/// The parts of an answer.
pub(super) struct Given<'a> {
    pub(super) id: &'a str,
    pub(super) secret: Secret<String>,
    pub(super) token: Secret<String>,
    pub(super) expires: Timestamp,
}

impl Given<'_> {
    /// Returns the session, or what is wrong with it: the words end a sentence that begins with the answer.
    pub(super) fn checked(
        self,
        account: Option<AccountId>,
        longest: Duration,
        clocks: Clocks,
    ) -> Result<Session, String> {
        let Self { id, secret, token, expires } = self;
        let access_key_id = AccessKeyId::parse(id).map_err(|_| "its access key id is invalid")?;
        if !is_credential_text(secret.expose()) {
            return Err("its secret key is missing or malformed".into());
        }
        if token.expose().len() > LONGEST_TOKEN {
            return Err(format!("its session token is longer than {LONGEST_TOKEN} bytes"));
        }
        if !is_credential_text(token.expose()) {
            return Err("its session token is missing or malformed".into());
        }
        check_end(expires, longest, clocks)?;
        Ok(Session { access_key_id, secret, token, expires, account })
    }
}

fn check_end(expires: Timestamp, longest: Duration, clocks: Clocks) -> Result<(), String> {
    if expires <= clocks.ours {
        return Err(format!("it has already expired ({expires}, and it is {})", clocks.ours));
    }
    // How much later than asked a session may end.
    if expires > latest_start(clocks).plus(longest).plus(SLACK) {
        return Err(format!("it expires later than requested ({expires}, and it is {})", clocks.ours));
    }
    Ok(())
}

fn latest_start(clocks: Clocks) -> Timestamp {
    let near = clocks.theirs.filter(|&theirs| apart(clocks.ours, theirs) <= SIGNATURE_WINDOW);
    near.map_or(clocks.ours, |theirs| theirs.max(clocks.ours))
}
