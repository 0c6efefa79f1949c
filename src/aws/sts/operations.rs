//! The operations of STS as the session layer needs them.

use std::time::Duration;

use crate::arn::{AccountId, MfaSerial};
use crate::aws::call::{Bounds, Signer};
use crate::aws::error::AwsError;
use crate::credentials::Session;
use crate::names::{MfaCode, UserName};
use crate::role::RoleRequest;
use crate::secret::Secret;

/// A device and its current code; always sent together.
#[derive(Clone, Copy, Debug)]
pub struct Mfa<'a> {
    /// The device.
    pub serial: &'a MfaSerial,
    /// Its code, which STS takes once.
    pub code: &'a MfaCode,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallerIdentity {
    pub account: AccountId,
    /// The whole ARN of user or role session.
    pub arn: String,
    pub user_id: String,
}

impl CallerIdentity {
    /// The name of the IAM user; a role and root have none.
    pub fn user(&self) -> Option<UserName> {
        UserName::of_arn(&self.arn)
    }
}

/// STS as the session layer needs it. Answers are checked before they are returned: expiry, lengths, the role's
/// account (threat-model P18, F34). A call that carries a code is sent once (P24).
pub trait Sts {
    /// Mints a session, with MFA when a device and code are given. AWS accepts long-term keys only.
    fn get_session_token(
        &self,
        signer: Signer<'_>,
        mfa: Option<Mfa<'_>>,
        duration: Duration,
        bounds: Bounds,
    ) -> Result<Session, AwsError>;

    /// Mints credentials of a role.
    fn assume_role(
        &self,
        signer: Signer<'_>,
        request: &RoleRequest,
        mfa: Option<Mfa<'_>>,
        bounds: Bounds,
    ) -> Result<Session, AwsError>;

    /// Mints credentials of a role for whom a token of an identity provider names; nobody signs the call. Of the request,
    /// external ID, source identity and tags do not apply: they are in the token, or nowhere.
    fn assume_role_with_web_identity(
        &self,
        token: &Secret<String>,
        request: &RoleRequest,
        bounds: Bounds,
    ) -> Result<Session, AwsError>;

    /// Says who the signer is.
    fn get_caller_identity(&self, signer: Signer<'_>, bounds: Bounds) -> Result<CallerIdentity, AwsError>;
}
