//! Answers the four STS actions that a session helper needs, and refuses everything else as AWS does.

mod answer;
mod assume_role;
mod caller_identity;
mod grammar;
mod session_token;
mod web_identity;

pub(crate) use answer::{Answer, NAMESPACE};

use crate::form::Params;
use crate::refusal::Refusal;
use crate::signed_call::{SignedCall, UnsignedCall};
use crate::world::Session;

pub(crate) const SERVICE: &str = "sts";
const VERSION: &str = "2011-06-15";

/// Says whether the call is one that needs no signature.
pub(crate) fn is_unsigned(params: &Params) -> bool {
    params.get("Action") == Some("AssumeRoleWithWebIdentity") && params.get("Version") == Some(VERSION)
}

/// Performs the one action that needs no signature.
pub(crate) fn perform_unsigned(call: UnsignedCall<'_>) -> Result<Answer, Refusal> {
    web_identity::answer(call)
}

/// Performs the action that the parameters name.
pub(crate) fn perform(call: SignedCall<'_>) -> Result<Answer, Refusal> {
    let Some(action) = call.params.get("Action") else {
        return Err(Refusal::missing_action());
    };
    let version = call.params.get("Version");
    match (action, version) {
        ("GetSessionToken", Some(VERSION)) => session_token::answer(call),
        ("AssumeRole", Some(VERSION)) => assume_role::answer(call),
        ("GetCallerIdentity", Some(VERSION)) => Ok(caller_identity::answer(call.caller)),
        (action, version) => Err(Refusal::invalid_action(action, version)),
    }
}

impl SignedCall<'_> {
    /// Accepts serial and code when both are there; says when the device was proved on this call.
    fn prove_device(&mut self) -> Result<Option<i64>, Refusal> {
        let serial = self.params.get("SerialNumber");
        let code = self.params.get("TokenCode");
        match (serial, code) {
            (None, None) => Ok(None),
            (Some(serial), Some(code)) => {
                self.world.consume(self.caller, serial, code, self.now)?;
                Ok(Some(self.now))
            }
            _ => Err(Refusal::access_denied(
                "MultiFactorAuthentication failed, must provide both MFA serial number and one \
                 time pass code.",
            )),
        }
    }

    /// Returns a session for the caller itself; a role changes its identity, the world numbers it.
    fn new_session(&self, seconds: i64, mfa_at: Option<i64>) -> Session {
        Session {
            mfa_at,
            arn: self.caller.arn.clone(),
            user_id: self.caller.user_id.clone(),
            ..Session::new(&self.caller.access_key_id, self.now, seconds, self.token_length)
        }
    }
}
