//! What only STS says, and what it means: codes of a device, roles, policies of a session (aws-contract 4.3).

mod web_identity;

use crate::aws::call::{Call, Signer};
use crate::aws::error::{AwsErrorKind, Meaning};
use crate::aws::failure::{Said, ServiceCall, refused};
use crate::aws::sts::operations::Mfa;
use crate::duration;
use crate::hint::{CommandLine, Hint, Verb};
use crate::role::RoleRequest;

/// One call of STS: with a device's code, or for a role.
#[derive(Clone, Copy, Debug)]
pub(super) struct StsCall<'a> {
    pub(super) common: Call<'a>,
    pub(super) mfa: Option<Mfa<'a>>,
    pub(super) role: Option<&'a RoleRequest>,
}

impl ServiceCall for StsCall<'_> {
    fn common(&self) -> &Call<'_> {
        &self.common
    }

    fn own_meaning(&self, said: &Said<'_>) -> Option<Meaning> {
        let words = said.words;
        match said.code {
            code if self.common.signer.is_none() && web_identity::CODES.contains(&code) => {
                self.role.and_then(|request| web_identity::meaning(&self.common, request, said))
            }
            "AccessDenied" => self.denied(said),
            "RegionDisabled" => Some(refused(
                format!("STS is not activated in {} for this account ({words})", self.common.endpoint.region()),
                "set another region for this profile, or activate STS there in IAM's account settings",
            )),
            "PackedPolicyTooLarge" => Some(refused(
                format!("tags and policies are too large together ({words})"),
                "use fewer or shorter ones: twolock_tags, twolock_policy_arns",
            )),
            "MalformedPolicyDocument" => {
                Some(refused(format!("a policy was not accepted ({words})"), "check twolock_policy_arns"))
            }
            "ValidationError" | "Validation" => self.too_long(said),
            _ => None,
        }
    }
}

impl StsCall<'_> {
    fn denied(&self, said: &Said<'_>) -> Option<Meaning> {
        let (action, words) = (self.common.action, said.words);
        Some(match () {
            () if said.says("invalid mfa one time pass code") => self.wrong_code(),
            () if said.says("validate mfa code") || said.says("mfa serial number is valid") => self.wrong_device(words),
            () if said.says("must provide both mfa") => {
                refused(format!("{action} needs both a device and a code, or neither ({words})"), "")
            }
            () if said.says("session credentials") && action == "GetSessionToken" => refused(
                format!(
                    "access key {} is temporary, and {action} requires a long-term key ({words})",
                    self.common.key_id()
                ),
                "the chain must start with a long-term access key (AKIA…) of an IAM user",
            ),
            () if said.says("by root account") => {
                refused(format!("root cannot assume roles ({words})"), "use an access key of an IAM user instead")
            }
            () => return self.role.map(|request| self.role_denied(request, words)),
        })
    }

    fn wrong_code(&self) -> Meaning {
        let endpoint = self.common.endpoint;
        let cause = format!("the code was refused by {endpoint}: wrong, already used, or from another device");
        let hint =
            self.mfa.map(|mfa| format!("check the code; each code works only once, and comes from {}", mfa.serial));
        (AwsErrorKind::WrongCode, cause, hint.into_iter().map(Hint::from).collect())
    }

    fn wrong_device(&self, words: &str) -> Meaning {
        let device = self.mfa.map(|mfa| mfa.serial.to_string()).unwrap_or_default();
        (
            AwsErrorKind::Missing,
            format!(
                "device '{device}' was refused: it belongs to another user, is not enabled, or does not use codes ({words})"
            ),
            vec![CommandLine::new(Verb::Devices).to("compare mfa_serial with the user's devices")],
        )
    }

    fn role_denied(&self, request: &RoleRequest, words: &str) -> Meaning {
        let trusts = format!("the trust policy of {} must allow {}", request.role.name(), self.caller());
        let mut hints: Vec<Hint> = vec![trusts.into()];
        match (self.common.signer, self.mfa) {
            (Some(Signer::Key(_)), None) => hints.push("if it requires MFA: set mfa_serial in this profile".into()),
            (Some(Signer::Session(_)), _) => {
                hints.push(CommandLine::new(Verb::Login).with("--fresh").to("if it requires a recent code"));
            }
            _ => {}
        }
        hints.push(match request.external_id {
            None => "if it requires an external ID: set external_id in this profile".into(),
            Some(_) => "if it requires an external ID: check external_id in this profile".into(),
        });
        if let Some(user) = user_of(words).filter(|user| *user != request.session_name.as_str()) {
            let set = CommandLine::new(Verb::Set).with("role_session_name").with(user);
            let named =
                format!("if the role requires your user name as the session name (it was '{}')", request.session_name);
            hints.push(set.to(named));
        }
        hints.push("the caller's own policies must allow sts:AssumeRole on that role".into());
        (AwsErrorKind::Denied, format!("not allowed to assume {} ({words})", request.role), hints)
    }

    fn too_long(&self, said: &Said<'_>) -> Option<Meaning> {
        let asked = self.role.map(|request| duration::show(request.duration)).unwrap_or_default();
        let words = said.words;
        if said.says("maxsessionduration") {
            return Some(refused(
                format!("the role does not allow sessions of {asked} ({words})"),
                "set a shorter duration_seconds or --duration, or raise the role's maximum session duration",
            ));
        }
        (said.says("role chaining") || said.says("1 hour session limit")).then(|| {
            refused(
                format!("a role assumed from a session lasts at most 1h, not {asked} ({words})"),
                "set duration_seconds = 3600 in this profile",
            )
        })
    }

    fn caller(&self) -> String {
        match self.common.signer {
            Some(Signer::Key(key)) => format!("the user of key {}", key.id),
            _ => "the session's user or role".into(),
        }
    }
}

/// The name of the IAM user that AWS's words call the caller: `User: arn:aws:iam::123456789012:user/path/ana is not …`.
fn user_of(words: &str) -> Option<&str> {
    let path = words.split_once(":user/")?.1.split_whitespace().next()?;
    path.rsplit('/').next()
}

#[cfg(test)]
mod tests;
