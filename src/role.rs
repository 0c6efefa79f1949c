//! What AssumeRole is asked: everything that shapes a role's credentials, the signer and the code aside.

use std::time::Duration;

use crate::arn::RoleArn;
use crate::names::{ExternalId, SessionName, SourceIdentity, Tag};

/// Everything AssumeRole is sent, the signer and the code aside (aws-contract 4.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoleRequest {
    /// The role.
    pub role: RoleArn,
    /// How the session is called in CloudTrail.
    pub session_name: SessionName,
    /// What a third party demands.
    pub external_id: Option<ExternalId>,
    /// Who is behind the session.
    pub source_identity: Option<SourceIdentity>,
    /// Session tags, at most 50.
    pub tags: Vec<Tag>,
    /// Keys of tags that persist through chains.
    pub transitive_tags: Vec<String>,
    /// Managed policies that narrow the session, at most 10.
    pub policy_arns: Vec<String>,
    /// 900 s to 12 h.
    pub duration: Duration,
}

impl RoleRequest {
    /// What AssumeRole demands, and nothing besides.
    pub fn plain(role: RoleArn, session_name: SessionName, duration: Duration) -> Self {
        let (tags, transitive_tags, policy_arns) = (Vec::new(), Vec::new(), Vec::new());
        let (external_id, source_identity) = (None, None);
        Self { role, session_name, external_id, source_identity, tags, transitive_tags, policy_arns, duration }
    }
}
