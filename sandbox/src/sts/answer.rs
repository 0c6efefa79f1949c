//! Holds an answer as values, so that faults can falsify it, and writes it as XML.

use crate::arn::with_account;
use crate::clock::iso;
use crate::fault::FaultKind;
use crate::world::Session;
use crate::xml::{self, element, wrap};

pub(crate) const NAMESPACE: &str = "https://sts.amazonaws.com/doc/2011-06-15/";

/// A good answer; which fields are there depends on the action.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    action: &'static str,
    pub identity: Option<Identity>,
    pub credentials: Option<Credentials>,
    pub assumed_role: Option<AssumedRole>,
    pub packed_policy_size: Option<usize>,
    pub source_identity: Option<String>,
    pub web_identity: Option<Subject>,
}

/// Whom an identity token named, and who vouches for it.
#[derive(Clone, Debug)]
pub(crate) struct Subject {
    pub subject: String,
    pub audience: String,
    pub provider: String,
}

#[derive(Clone, Debug)]
pub(crate) struct Identity {
    pub arn: String,
    pub user_id: String,
    pub account: String,
}

#[derive(Clone, Debug)]
pub(crate) struct AssumedRole {
    pub arn: String,
    pub id: String,
}

#[derive(Clone, Debug)]
pub(crate) struct Credentials {
    pub access_key_id: String,
    pub secret_access_key: String,
    /// Missing only when a fault removes it.
    pub session_token: Option<String>,
    pub expiration: i64,
}

impl From<&Session> for Credentials {
    fn from(session: &Session) -> Credentials {
        Credentials {
            access_key_id: session.access_key_id.clone(),
            secret_access_key: session.secret_access_key.clone(),
            session_token: Some(session.session_token.clone()),
            expiration: session.expires_at,
        }
    }
}

impl Answer {
    pub(super) fn new(action: &'static str) -> Answer {
        Answer {
            action,
            identity: None,
            credentials: None,
            assumed_role: None,
            packed_policy_size: None,
            source_identity: None,
            web_identity: None,
        }
    }

    /// Puts another account wherever the answer names one.
    pub(crate) fn move_to_account(&mut self, account: &str) {
        if let Some(identity) = &mut self.identity {
            identity.arn = with_account(&identity.arn, account);
            identity.account = account.to_owned();
        }
        if let Some(role) = &mut self.assumed_role {
            role.arn = with_account(&role.arn, account);
        }
    }

    /// Names another role, or changes how long the credentials last or whether they are whole.
    pub(crate) fn falsify(&mut self, kind: &FaultKind, now: i64) {
        if let (FaultKind::ForeignRole(arn), Some(role)) = (kind, &mut self.assumed_role) {
            role.arn.clone_from(arn);
        }
        let Some(credentials) = &mut self.credentials else {
            return;
        };
        match kind {
            FaultKind::ExpiryPast => credentials.expiration = now - 3600,
            FaultKind::ExpiryBeyond(seconds) => credentials.expiration += seconds,
            FaultKind::NoSessionToken => credentials.session_token = None,
            _ => {}
        }
    }

    pub(crate) fn xml(&self, request_id: &str) -> String {
        let mut body = String::new();
        if let Some(role) = &self.assumed_role {
            let fields = element("AssumedRoleId", &role.id) + &element("Arn", &role.arn);
            body += &wrap("AssumedRoleUser", &fields);
        }
        if let Some(credentials) = &self.credentials {
            body += &credentials.xml();
        }
        if let Some(percent) = self.packed_policy_size {
            body += &element("PackedPolicySize", &percent.to_string());
        }
        if let Some(source) = &self.source_identity {
            body += &element("SourceIdentity", source);
        }
        if let Some(it) = &self.web_identity {
            body += &element("SubjectFromWebIdentityToken", &it.subject);
            body += &element("Audience", &it.audience);
            body += &element("Provider", &it.provider);
        }
        if let Some(identity) = &self.identity {
            body += &element("Arn", &identity.arn);
            body += &element("UserId", &identity.user_id);
            body += &element("Account", &identity.account);
        }
        xml::response(self.action, NAMESPACE, Some(&body), request_id)
    }
}

impl Credentials {
    fn xml(&self) -> String {
        let mut fields = element("AccessKeyId", &self.access_key_id);
        fields += &element("SecretAccessKey", &self.secret_access_key);
        if let Some(token) = &self.session_token {
            fields += &element("SessionToken", token);
        }
        fields += &element("Expiration", &iso(self.expiration));
        wrap("Credentials", &fields)
    }
}
