//! Sessions of `aws login`: who signed in, with which key, and what has become of the sign-in.

use std::collections::BTreeSet;

use super::{ServerState, Session};
use crate::arn::Arn;
use crate::random;

/// What the sign-in service thinks of a session of `aws login`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LoginState {
    #[default]
    Good,
    /// It cannot be refreshed any more: `TOKEN_EXPIRED`.
    Expired,
    /// The password was changed since: `USER_CREDENTIALS_CHANGED`.
    CredentialsChanged,
    /// A policy does not allow it: `INSUFFICIENT_PERMISSIONS`.
    NotPermitted,
}

/// The longest that credentials of `aws login` last.
pub(crate) const LOGIN_SECONDS: i64 = 900;

/// Whose credentials a session of `aws login` gives.
#[derive(Clone, Debug)]
pub(crate) struct LoginSession {
    pub arn: String,
    user_id: String,
    role_arn: Option<String>,
    mfa_at: Option<i64>,
    pub client_id: String,
    /// The public key of its proofs, as an uncompressed point.
    pub point: Vec<u8>,
    pub refresh_token: String,
    pub state: LoginState,
}

/// The sessions by ARN, and the proofs that were shown so far.
#[derive(Debug, Default)]
pub(super) struct Logins {
    sessions: Vec<LoginSession>,
    proofs: BTreeSet<String>,
}

impl ServerState {
    /// Opens a session for a user, a root or a session of a role; one of the same ARN ends.
    pub(crate) fn open_login(
        &mut self,
        arn: &str,
        client_id: &str,
        point: &[u8],
        mfa_at: Option<i64>,
    ) -> Result<LoginSession, String> {
        let (user_id, role_arn) = self.login_identity(arn).ok_or_else(|| format!("nobody here has this ARN: {arn}"))?;
        let session = LoginSession {
            arn: arn.to_owned(),
            user_id,
            role_arn,
            mfa_at,
            client_id: client_id.to_owned(),
            point: point.to_vec(),
            refresh_token: random::word(600),
            state: LoginState::Good,
        };
        self.logins.sessions.retain(|other| other.arn != arn);
        self.logins.sessions.push(session.clone());
        Ok(session)
    }

    /// Returns the user id of an ARN, and the role behind it.
    fn login_identity(&self, arn: &str) -> Option<(String, Option<String>)> {
        if let Some(account) = self.account(arn) {
            return Some((account.user_id.clone(), None));
        }
        let name = Arn::parse(arn).filter(|name| name.service == "sts")?;
        let &["assumed-role", role, session] = name.resource.split('/').collect::<Vec<_>>().as_slice() else {
            return None;
        };
        let is_it = |role_arn: &&String| {
            Arn::parse(role_arn).is_some_and(|it| it.name() == role && it.sibling("sts", "") == name.sibling("sts", ""))
        };
        let role_arn = self.role_arns().find(is_it)?;
        let (_, id) = self.role(role_arn)?;
        Some((format!("{id}:{session}"), Some(role_arn.clone())))
    }

    pub(crate) fn login(&self, refresh_token: &str) -> Option<&LoginSession> {
        self.logins.sessions.iter().find(|session| session.refresh_token == refresh_token)
    }

    pub(crate) fn set_login_state(&mut self, arn: &str, state: LoginState) -> bool {
        self.logins.sessions.iter_mut().find(|it| it.arn == arn).map(|it| it.state = state).is_some()
    }

    /// Puts another refresh token in the place of one, and returns it.
    pub(crate) fn rotate_login(&mut self, refresh_token: &str) -> Option<String> {
        let session = self.logins.sessions.iter_mut().find(|session| session.refresh_token == refresh_token)?;
        session.refresh_token = random::word(600);
        Some(session.refresh_token.clone())
    }

    /// Remembers the number of a proof; says whether it is new.
    pub(crate) fn is_new_proof(&mut self, jti: &str) -> bool {
        self.logins.proofs.insert(jti.to_owned())
    }

    /// Gives credentials of a session, which the services take from now on.
    pub(crate) fn issue_login(&mut self, login: &LoginSession, token_length: usize, now: i64) -> Session {
        let session = Session {
            arn: login.arn.clone(),
            user_id: login.user_id.clone(),
            role_arn: login.role_arn.clone(),
            mfa_at: login.mfa_at,
            ..Session::new(&login.client_id, now, LOGIN_SECONDS, token_length)
        };
        self.remember(session.clone());
        session
    }
}
