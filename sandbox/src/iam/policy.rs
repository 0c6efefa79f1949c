//! Decides what a user may do, as AWS's own sample policies decide it.

use crate::refusal::Refusal;
use crate::signed_call::SignedCall;
use crate::world::Policy;

/// What the sample policies allow without MFA, if they allow it at all.
const WITHOUT_MFA: [&str; 6] = [
    "CreateVirtualMFADevice",
    "EnableMFADevice",
    "GetUser",
    "ListMFADevices",
    "ListVirtualMFADevices",
    "ResyncMFADevice",
];
/// What they allow on the own user.
const ON_ONESELF: [&str; 10] = [
    "CreateAccessKey",
    "DeactivateMFADevice",
    "DeleteAccessKey",
    "EnableMFADevice",
    "GetAccessKeyLastUsed",
    "GetUser",
    "ListAccessKeys",
    "ListMFADevices",
    "ResyncMFADevice",
    "UpdateAccessKey",
];

/// What an action is performed on.
#[derive(Clone, Copy)]
pub(super) enum Resource<'a> {
    /// A user of the caller's account, by name.
    User(&'a str),
    Key {
        id: &'a str,
        owner: &'a str,
    },
    /// A virtual device, by its ARN.
    Device(&'a str),
    Account,
}

impl Resource<'_> {
    /// Returns how refusals name it.
    fn name(self) -> String {
        match self {
            Resource::User(name) => format!("user {name}"),
            Resource::Key { id, .. } => format!("access key {id}"),
            Resource::Device(serial) => serial.to_owned(),
            Resource::Account => "*".to_owned(),
        }
    }
}

impl SignedCall<'_> {
    /// Holds an action against the policies of the calling user; roots and roles may do everything.
    pub(super) fn authorize(&self, action: &str, resource: Resource<'_>) -> Result<(), Refusal> {
        let own = self.caller.name();
        let Some(user) = self.world.account(&self.caller.arn).filter(|_| own.is_user()) else {
            return Ok(());
        };
        let refused = |reason: &str| {
            Err(Refusal::not_authorized(&self.caller.arn, &format!("iam:{action}"), &resource.name(), reason))
        };
        let sample = user.policy != Policy::Everything;
        if sample && self.caller.mfa_at().is_none() && !WITHOUT_MFA.contains(&action) {
            return refused(Refusal::EXPLICIT_DENY);
        }
        let is_own_device = |serial: &str| serial == own.sibling("iam", &format!("mfa/{}", own.name()));
        let by_name = user.policy == Policy::SelfManagedByName;
        let allowed = !sample
            || match resource {
                Resource::User(name) => name == own.name() && ON_ONESELF.contains(&action),
                Resource::Key { owner, .. } => owner == self.caller.arn && ON_ONESELF.contains(&action),
                Resource::Device(serial) if by_name => is_own_device(serial),
                Resource::Device(_) => action == "CreateVirtualMFADevice",
                Resource::Account => action == "ListVirtualMFADevices",
            };
        if allowed && !user.denied.contains(action) {
            return Ok(());
        }
        refused(&format!(" because no identity-based policy allows the iam:{action} action"))
    }
}
