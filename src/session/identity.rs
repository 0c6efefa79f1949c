//! What makes two sessions the same: everything that shapes their credentials, hashed with lengths (threat-model P18).

use std::fmt;

use sha2::{Digest, Sha256};

use crate::hex;
use crate::profile::base::Base;
use crate::profile::plan::Plan;
use crate::profile::steps::Step;
use crate::role::RoleRequest;

/// SHA-256 over the fields that shape one step's credentials.
///
/// Region and duration are not among them: callers bring their own region, and a session that lives is a valid answer
/// whatever the setting is now.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Identity([u8; 32]);

impl Identity {
    pub fn hex(&self) -> String {
        hex::hex(&self.0)
    }

    /// Reads what [`Identity::hex`] wrote.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        hex::bytes(text).map(Self)
    }

    pub fn bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Identity({})", &self.hex()[..16])
    }
}

#[derive(Clone, Copy, Debug)]
pub struct PlannedStep<'a> {
    pub step: &'a Step,
    /// What makes its credentials the same as those of another plan's step.
    pub identity: Identity,
}

/// What a source of credentials rests on beside its settings: the sign-in or the token there is now.
pub type Proof = [u8; 32];

/// A plan's steps, each with its identity. `endpoint` is given only when it is not AWS's own; `proof` belongs to the base.
pub fn of_plan<'a>(plan: &'a Plan, endpoint: Option<&str>, proof: Option<&Proof>) -> Vec<PlannedStep<'a>> {
    let mut fields = Fields::new();
    fields.text("partition", plan.partition.name());
    fields.optional("endpoint", endpoint);
    base(&mut fields, &plan.base);
    fields.optional("proof", proof.map(|proof| hex::hex(proof)).as_deref());
    fields.optional("device", plan.device.as_ref().map(|d| d.as_str()));
    plan.steps.iter().map(|step| PlannedStep { step, identity: next(&mut fields, step) }).collect()
}

fn base(fields: &mut Fields, base: &Base) {
    match base {
        Base::Key(key) => fields.text("key", key.id.as_str()),
        Base::Temporary(key) => fields.text("temporary key", key.id.as_str()),
        Base::Process(process) => fields.text("process", &process.line),
        Base::Sso(sso) => {
            fields.optional("sso session", sso.session.as_deref());
            fields.text("sso start url", &sso.start_url);
            fields.text("sso region", sso.region.as_str());
            fields.text("sso account", sso.account.as_str());
            fields.text("sso role", sso.role.as_str());
        }
        Base::Login(login) => fields.text("login session", &login.session),
        Base::WebIdentity(web) => {
            fields.text("token file", &web.token_file);
            role(fields, &web.request);
        }
    }
}

/// The identity of the next step; adds to the fields what shapes the steps above it too.
fn next(fields: &mut Fields, step: &Step) -> Identity {
    match step {
        // The session's hash does not enter a role's: whether a session stood in between changes nothing.
        Step::SessionToken { .. } => {
            let mut session = fields.clone();
            session.text("kind", "session");
            session.finish()
        }
        Step::Fetch { .. } => {
            let mut fetched = fields.clone();
            fetched.text("kind", "fetched");
            fetched.finish()
        }
        Step::AssumeRole { request, .. } => {
            role(fields, request);
            fields.clone().finish()
        }
    }
}

fn role(fields: &mut Fields, request: &RoleRequest) {
    fields.text("role", request.role.as_str());
    fields.text("session name", request.session_name.as_str());
    fields.optional("external id", request.external_id.as_ref().map(|id| id.as_str()));
    fields.optional("source identity", request.source_identity.as_ref().map(|id| id.as_str()));
    for tag in &request.tags {
        fields.text("tag", &tag.key);
        fields.text("value", &tag.value);
    }
    for key in &request.transitive_tags {
        fields.text("transitive", key);
    }
    for arn in &request.policy_arns {
        fields.text("policy", arn);
    }
}

/// Hashes named fields with their lengths, so that ("ab", "c") is not ("a", "bc").
#[derive(Clone)]
struct Fields(Sha256);

impl Fields {
    fn new() -> Self {
        let mut fields = Self(Sha256::new());
        fields.text("twolock", "session identity 1");
        fields
    }

    fn text(&mut self, name: &str, value: &str) {
        for part in [name, value] {
            self.0.update((part.len() as u64).to_be_bytes());
            self.0.update(part.as_bytes());
        }
    }

    fn optional(&mut self, name: &str, value: Option<&str>) {
        if let Some(value) = value {
            self.text(name, value);
        }
    }

    fn finish(self) -> Identity {
        Identity(self.0.finalize().into())
    }
}
#[cfg(test)]
pub(crate) mod tests;
