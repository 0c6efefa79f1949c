//! Describes roles, and their trust policies as plain conditions.

use super::WebIdentity;
use crate::arn::Arn;

/// What a trust policy says about a source identity.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum SourceIdentity {
    /// The policy does not allow `sts:SetSourceIdentity`.
    #[default]
    Refused,
    Allowed,
    /// Some source identity must be there.
    Required,
    /// This one must be there.
    Exactly(String),
}

/// A role, and who may assume it under which conditions.
#[derive(Clone, Debug)]
pub struct Role {
    pub partition: String,
    pub account: String,
    /// Begins and ends with a slash.
    pub path: String,
    pub name: String,
    /// ARNs of users, roles, role sessions or account roots (which stand for all in the account); `*` for anybody.
    pub principals: Vec<String>,
    /// `aws:MultiFactorAuthPresent` must be true.
    pub require_mfa: bool,
    /// `aws:MultiFactorAuthAge` must be at most so many seconds.
    pub max_mfa_age: Option<i64>,
    pub external_id: Option<String>,
    pub source_identity: SourceIdentity,
    /// The policy allows `sts:TagSession`.
    pub allow_tags: bool,
    /// Subjects that may assume it with an identity token.
    pub web_identities: Vec<WebIdentity>,
    /// `MaxSessionDuration`, 3,600 to 43,200.
    pub max_duration: i64,
}

impl Role {
    /// Returns a role that no one may assume yet, for up to an hour.
    pub fn new(account: &str, name: &str) -> Role {
        Role {
            partition: "aws".to_owned(),
            account: account.to_owned(),
            path: "/".to_owned(),
            name: name.to_owned(),
            principals: Vec::new(),
            require_mfa: false,
            max_mfa_age: None,
            external_id: None,
            source_identity: SourceIdentity::Refused,
            allow_tags: false,
            web_identities: Vec::new(),
            max_duration: 3600,
        }
    }

    /// Returns a role that this principal may assume, further conditions apart.
    pub fn trusting(account: &str, name: &str, principal: &str) -> Role {
        Role { principals: vec![principal.to_owned()], ..Role::new(account, name) }
    }

    /// Returns the role of this name, with its partition and path, or nothing for another name.
    pub fn from_arn(arn: &str) -> Option<Role> {
        let arn = Arn::parse(arn).filter(Arn::is_role)?;
        let name = arn.name().to_owned();
        let path = arn.resource.strip_prefix("role")?.strip_suffix(&name)?;
        Some(Role { partition: arn.partition.clone(), path: path.to_owned(), ..Role::new(&arn.account, &name) })
    }

    /// Returns the name in full.
    pub fn arn(&self) -> String {
        format!("arn:{}:iam::{}:role{}{}", self.partition, self.account, self.path, self.name)
    }
}
