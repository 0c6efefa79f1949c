//! Temporary sessions, and the identity of a caller with one or with a long-term key.

use crate::arn::Arn;
use crate::random;

/// Temporary credentials as the server remembers them.
#[derive(Clone, Debug)]
pub struct Session {
    /// Counts sessions in the order of issue, from 1.
    pub number: u64,
    pub access_key_id: String,
    pub secret_access_key: String,
    pub session_token: String,
    /// When issued and until when good, by the server's clock.
    pub made_at: i64,
    pub expires_at: i64,
    /// When a one-time code was given for this very session. A chained role does not inherit it.
    pub mfa_at: Option<i64>,
    /// The key that made the call, or what stood for one: a client, or a provider of identity tokens.
    pub made_by: String,
    /// What `GetCallerIdentity` answers: the user's own ARN, or the role session's.
    pub arn: String,
    pub user_id: String,
    /// The role behind a role session.
    pub role_arn: Option<String>,
    pub source_identity: Option<String>,
    /// Tags that stay with the sessions chained from this one.
    pub transitive_tags: Vec<(String, String)>,
}

impl Session {
    /// Returns new credentials of nobody yet; the world numbers them.
    pub(crate) fn new(made_by: &str, now: i64, seconds: i64, token_length: usize) -> Session {
        Session {
            number: 0,
            access_key_id: random::identifier("ASIA"),
            secret_access_key: random::secret(),
            session_token: random::token(token_length),
            made_at: now,
            expires_at: now + seconds,
            mfa_at: None,
            made_by: made_by.to_owned(),
            arn: String::new(),
            user_id: String::new(),
            role_arn: None,
            source_identity: None,
            transitive_tags: Vec::new(),
        }
    }
}

/// The identity of a key id.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    pub access_key_id: String,
    pub arn: String,
    pub user_id: String,
    pub active: bool,
    pub session: Option<Session>,
}

impl Caller {
    pub(super) fn of_session(session: &Session) -> Caller {
        Caller {
            access_key_id: session.access_key_id.clone(),
            arn: session.arn.clone(),
            user_id: session.user_id.clone(),
            active: true,
            session: Some(session.clone()),
        }
    }

    pub(super) fn of_key(id: &str, arn: &str, user_id: &str, active: bool) -> Caller {
        Caller { access_key_id: id.to_owned(), arn: arn.to_owned(), user_id: user_id.to_owned(), active, session: None }
    }

    /// Returns the parts of the caller's name.
    pub(crate) fn name(&self) -> Arn {
        Arn::parse(&self.arn).expect("only whole ARNs enter the world")
    }

    pub(crate) fn is_root(&self) -> bool {
        self.name().is_root()
    }

    /// Says whether a device of this owner is the caller's own; role sessions own none.
    pub(crate) fn owns(&self, owner: Option<&str>) -> bool {
        owner == Some(&self.arn)
    }

    pub(crate) fn role_arn(&self) -> Option<&str> {
        self.session.as_ref()?.role_arn.as_deref()
    }

    /// Says whether the caller has only a session of a user or root that was made without a code.
    pub(crate) fn is_session_without_mfa(&self) -> bool {
        self.session.as_ref().is_some_and(|session| session.role_arn.is_none() && session.mfa_at.is_none())
    }

    pub(crate) fn mfa_at(&self) -> Option<i64> {
        self.session.as_ref()?.mfa_at
    }

    /// Says whether a trust policy's principal means this caller.
    pub(crate) fn is_meant_by(&self, principal: &str) -> bool {
        let own = self.name();
        principal == "*"
            || principal == self.arn
            || self.role_arn() == Some(principal)
            || principal == own.sibling("iam", "root")
            || principal == own.account
    }
}
