//! `GetSessionToken`: a session of the user's own, with MFA when a code comes with the call.

use super::{Answer, SignedCall};
use crate::checks::Checks;
use crate::refusal::Refusal;

const DEFAULT_SECONDS: i64 = 43_200;
const ROOT_SECONDS: i64 = 3600;

pub(super) fn answer(mut call: SignedCall<'_>) -> Result<Answer, Refusal> {
    let mut checks = Checks::new(call.params);
    checks.device();
    let asked = checks.seconds(900, 129_600)?;
    checks.finish()?;
    if call.caller.session.is_some() {
        return Err(Refusal::access_denied("Cannot call GetSessionToken with session credentials"));
    }
    let mfa_at = call.prove_device()?;
    let mut seconds = asked.unwrap_or(DEFAULT_SECONDS);
    if call.caller.is_root() {
        // AWS shortens a root's session without a word.
        seconds = seconds.min(ROOT_SECONDS);
    }
    let session = call.new_session(seconds, mfa_at);
    let mut answer = Answer::new("GetSessionToken");
    answer.credentials = Some((&session).into());
    call.world.remember(session);
    Ok(answer)
}
