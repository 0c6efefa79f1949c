//! Answers the IAM actions for keys and MFA devices, and refuses everything else as AWS does.

mod account;
mod answer;
mod devices;
mod grammar;
mod keys;
mod list;
mod policy;

pub(crate) use answer::{Answer, NAMESPACE};

use crate::checks::Checks;
use crate::refusal::Refusal;
use crate::signed_call::SignedCall;
use policy::Resource;

pub(crate) const SERVICE: &str = "iam";
pub(crate) const VERSION: &str = "2010-05-08";

/// Performs the action that the parameters name.
pub(crate) fn perform(mut call: SignedCall<'_>) -> Result<Answer, Refusal> {
    // AWS does not say more than this about a session without MFA.
    if call.caller.is_session_without_mfa() {
        return Err(Refusal::invalid_token());
    }
    let action = call.params.get("Action").ok_or_else(Refusal::missing_action)?;
    match action {
        "ListAccessKeys" => keys::list(&call),
        "CreateAccessKey" => keys::create(&mut call),
        "UpdateAccessKey" => keys::update(&mut call),
        "DeleteAccessKey" => keys::delete(&mut call),
        "GetAccessKeyLastUsed" => keys::last_used(&call),
        "ListMFADevices" => devices::list(&call),
        "ListVirtualMFADevices" => devices::list_virtual(&call),
        "CreateVirtualMFADevice" => devices::create(&mut call),
        "EnableMFADevice" => devices::enable(&mut call),
        "ResyncMFADevice" => devices::resync(&mut call),
        "DeactivateMFADevice" => devices::deactivate(&mut call),
        "DeleteVirtualMFADevice" => devices::delete(&mut call),
        "GetUser" => account::user(&call),
        "ListAccountAliases" => account::aliases(&call),
        _ => Err(Refusal::invalid_action(action, Some(VERSION))),
    }
}

/// Whose keys or devices a call means when it names no user.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Implied {
    /// The caller, with a key or a session.
    Caller,
    /// The caller with a long-term key; with a session AWS wants a name.
    KeyOwner,
}

impl<'a> SignedCall<'a> {
    /// Starts the checks of this call's parameters.
    fn checks(&self) -> Checks<'a> {
        Checks::new(self.params)
    }

    /// Returns the ARN of the user that a call is about, once the caller may perform the action on that user.
    fn subject(&self, action: &str, name: Option<&str>, implied: Implied) -> Result<String, Refusal> {
        let own = self.caller.name();
        let Some(name) = name else {
            let needed = implied == Implied::KeyOwner && self.caller.session.is_some();
            if needed || self.caller.role_arn().is_some() {
                return Err(Refusal::validation("Must specify userName when calling with non-User credentials"));
            }
            self.authorize(action, Resource::User(own.name()))?;
            return Ok(self.caller.arn.clone());
        };
        self.authorize(action, Resource::User(name))?;
        self.world
            .user_named(&own, name)
            .ok_or_else(|| Refusal::no_such_entity(format!("The user with name {name} cannot be found.")))
    }
}
