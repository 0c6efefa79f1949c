//! What IAM's own errors mean: keys and devices that are too many, missing or in use (aws-contract 4.4).

use crate::aws::call::{Call, Signer};
use crate::aws::error::{AwsErrorKind, Meaning};
use crate::aws::failure::{Said, ServiceCall, refused};
use crate::aws::iam::request::Parameter;
use crate::names::MfaCode;

/// One call of IAM and what it says.
#[derive(Clone, Debug)]
pub(super) struct IamCall<'a> {
    pub(super) common: Call<'a>,
    /// Codes are not among them.
    pub(super) parameters: Vec<Parameter<'a>>,
}

impl<'a> IamCall<'a> {
    /// See [`Call::once`].
    pub(super) fn once(self) -> Self {
        Self { common: self.common.once(), ..self }
    }

    /// The same call with two codes that follow each other.
    pub(super) fn carrying(self, codes: [&'a MfaCode; 2]) -> Self {
        Self { common: self.common.carrying(codes.map(Some)), ..self }
    }

    fn parameter(&self, name: &str) -> Option<&'a str> {
        self.parameters.iter().find(|(known, _)| *known == name).map(|(_, value)| *value)
    }

    fn user(&self) -> String {
        self.parameter("UserName").map(|name| format!("user '{name}'")).unwrap_or_else(|| "the user".into())
    }

    /// What the call is about: a device, a key, a user.
    fn subject(&self) -> String {
        let device = self.parameter("SerialNumber").or(self.parameter("VirtualMFADeviceName"));
        let device = device.map(|device| format!("device '{device}'"));
        let key = || self.parameter("AccessKeyId").map(|id| format!("access key {id}"));
        device.or_else(key).unwrap_or_else(|| self.user())
    }
}

impl ServiceCall for IamCall<'_> {
    fn common(&self) -> &Call<'_> {
        &self.common
    }

    fn own_meaning(&self, said: &Said<'_>) -> Option<Meaning> {
        let (subject, words) = (self.subject(), said.words);
        Some(match said.code {
            "AccessDenied" => self.denied(words),
            "InvalidClientTokenId" => return self.without_mfa(words),
            "NoSuchEntity" if said.says("the user with name") => {
                refused(format!("{} does not exist ({words})", self.user()), "")
            }
            "NoSuchEntity" => (
                AwsErrorKind::Missing,
                format!("{subject} does not exist, or does not belong to {} ({words})", self.user()),
                vec!["if it was created just now, try again in a minute".into()],
            ),
            "LimitExceeded" => self.too_many(words),
            "InvalidAuthenticationCode" => self.wrong_codes(),
            "DeleteConflict" => (
                AwsErrorKind::InUse,
                format!("{subject} is still enabled for a user, so it cannot be deleted ({words})"),
                vec!["deactivate it first".into()],
            ),
            "EntityAlreadyExists" => self.exists(words),
            "EntityTemporarilyUnmodifiable" => refused(
                format!("{subject} is being changed at AWS at this moment ({words})"),
                "try again in a few minutes",
            ),
            _ => return None,
        })
    }
}

impl IamCall<'_> {
    fn denied(&self, words: &str) -> Meaning {
        let action = self.common.action;
        let hint = match self.common.signer {
            Some(Signer::Session(_)) => format!("your policies must allow iam:{action} on {}", self.own()),
            _ => "if your policies require MFA for this action, it needs a session made with a code".into(),
        };
        (AwsErrorKind::Denied, format!("{action} is not allowed ({words})"), vec![hint.into()])
    }

    fn own(&self) -> &'static str {
        match () {
            () if self.parameter("UserName").is_some() => "your own user",
            () if self.parameter("AccessKeyId").is_some() => "your own keys",
            () if self.common.action.ends_with("Device") => "your own devices",
            () => "your account",
        }
    }

    /// IAM knows only sessions that a code was given for, and says no more than this of others.
    fn without_mfa(&self, words: &str) -> Option<Meaning> {
        let Some(Signer::Session(_)) = self.common.signer else { return None };
        let cause = format!("AWS no longer knows the session, or it was made without a code ({words})");
        Some((AwsErrorKind::StaleSession, cause, vec!["IAM accepts only sessions made with an MFA code".into()]))
    }

    fn too_many(&self, words: &str) -> Meaning {
        let user = self.user();
        match self.common.action {
            "CreateAccessKey" => refused(
                format!("{user} already has two access keys, the most that AWS allows ({words})"),
                "delete one of them; an inactive key counts too",
            ),
            "EnableMFADevice" => refused(
                format!("{user} already has as many MFA devices as AWS allows ({words})"),
                "remove one that is no longer used",
            ),
            action => refused(format!("{action} would exceed a quota of the account ({words})"), ""),
        }
    }

    fn wrong_codes(&self) -> Meaning {
        let (endpoint, device) = (self.common.endpoint, self.parameter("SerialNumber").unwrap_or_default());
        let cause = format!("the codes were refused by {endpoint}: wrong, not consecutive, or from another device");
        let hint = format!("enter two codes that follow each other, both from {device}");
        (AwsErrorKind::WrongCode, cause, vec![hint.into()])
    }

    fn exists(&self, words: &str) -> Meaning {
        let subject = self.subject();
        match self.common.action {
            "EnableMFADevice" => refused(format!("{subject} is already enabled for a user ({words})"), ""),
            _ => (
                AwsErrorKind::Exists,
                format!("{subject} already exists in this account ({words})"),
                vec!["choose another name".into()],
            ),
        }
    }
}

#[cfg(test)]
mod tests;
