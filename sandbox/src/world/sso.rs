//! People of IAM Identity Center: the permission sets they are assigned, and their sign-ins with the tokens of each.

use super::{Role, ServerState};
use crate::arn::partition_of;
use crate::random;

/// A permission set that a person may use in an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assignment {
    pub account: String,
    /// The permission set, which is the role's name in the portal.
    pub role_name: String,
    /// How long its credentials last, 3,600 to 43,200.
    pub seconds: i64,
}

/// A person of IAM Identity Center.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SsoUser {
    /// Tells people apart, also those of two start URLs.
    pub name: String,
    pub start_url: String,
    pub region: String,
    pub assignments: Vec<Assignment>,
}

impl SsoUser {
    /// Returns a person in `us-east-1` who is assigned nothing yet.
    pub fn new(name: &str) -> SsoUser {
        SsoUser {
            name: name.to_owned(),
            start_url: "https://example.awsapps.com/start".to_owned(),
            region: "us-east-1".to_owned(),
            assignments: Vec::new(),
        }
    }

    /// Assigns a permission set, with credentials for an hour.
    #[must_use]
    pub fn assigned(mut self, account: &str, role_name: &str) -> SsoUser {
        let (account, role_name) = (account.to_owned(), role_name.to_owned());
        self.assignments.push(Assignment { account, role_name, seconds: 3600 });
        self
    }

    pub(crate) fn assignment(&self, account: &str, role_name: &str) -> Option<&Assignment> {
        self.assignments.iter().find(|it| it.account == account && it.role_name == role_name)
    }

    /// Returns the accounts in which something is assigned, each once.
    pub(crate) fn accounts(&self) -> Vec<&str> {
        let mut accounts: Vec<&str> = self.assignments.iter().map(|it| it.account.as_str()).collect();
        accounts.sort_unstable();
        accounts.dedup();
        accounts
    }
}

/// A sign-in as the server remembers it, with the tokens of it that are good.
#[derive(Debug)]
pub(crate) struct SsoSession {
    pub user: String,
    pub client_id: String,
    /// Access tokens, and until when each is good.
    pub access: Vec<(String, i64)>,
    pub refresh: Option<String>,
    /// Until when it can be refreshed.
    pub until: i64,
}

/// How long tokens of single sign-on last, in seconds.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct SsoPace {
    pub token: i64,
    pub session: i64,
}

impl ServerState {
    /// Adds or replaces a person and returns the ARNs of the assigned roles, in order.
    pub(crate) fn put_sso_user(&mut self, user: SsoUser) -> Vec<String> {
        let arns = user.assignments.iter().map(|it| self.put_reserved_role(&user.region, it)).collect();
        self.sso_users.insert(user.name.clone(), user);
        arns
    }

    /// Makes the role of a permission set; two people share the role of an account.
    fn put_reserved_role(&mut self, region: &str, assignment: &Assignment) -> String {
        let known = (assignment.account.clone(), assignment.role_name.clone());
        if let Some(arn) = self.reserved_roles.get(&known) {
            return arn.clone();
        }
        let place = if region == "us-east-1" { String::new() } else { format!("{region}/") };
        let name = format!("AWSReservedSSO_{}_{}", assignment.role_name, random::hex(8));
        let role = Role {
            partition: partition_of(region).to_owned(),
            path: format!("/aws-reserved/sso.amazonaws.com/{place}"),
            max_duration: assignment.seconds.max(3600),
            ..Role::new(&assignment.account, &name)
        };
        assert!(Role::from_arn(&role.arn()).is_some(), "not an account: {}", assignment.account);
        let arn = self.put_role(role);
        self.reserved_roles.insert(known, arn.clone());
        arn
    }

    pub(crate) fn reserved_role(&self, assignment: &Assignment) -> Option<&String> {
        self.reserved_roles.get(&(assignment.account.clone(), assignment.role_name.clone()))
    }

    pub(crate) fn sso_user(&self, name: &str) -> Option<&SsoUser> {
        self.sso_users.get(name)
    }

    pub(crate) fn sso_user_mut(&mut self, name: &str) -> Option<&mut SsoUser> {
        self.sso_users.get_mut(name)
    }

    /// Says whether a start URL is somebody's; the forms that browsers show are the same.
    pub(crate) fn knows_start_url(&self, url: &str) -> bool {
        self.sso_users.values().any(|user| is_same_start_url(&user.start_url, url))
    }

    /// Signs a person in and returns the tokens; only a client with scopes gets one to refresh with.
    pub(crate) fn start_sso_session(&mut self, user: &str, client_id: &str, scoped: bool, now: i64) -> IssuedTokens {
        self.sso_sessions.push(SsoSession {
            user: user.to_owned(),
            client_id: client_id.to_owned(),
            access: Vec::new(),
            refresh: None,
            until: now + self.sso_pace.session,
        });
        self.issue_tokens(self.sso_sessions.len() - 1, scoped, now)
    }

    /// Issues another access token of a sign-in, and a refresh token in the place of the one before.
    pub(crate) fn issue_tokens(&mut self, session: usize, scoped: bool, now: i64) -> IssuedTokens {
        let seconds = self.sso_pace.token;
        let session = &mut self.sso_sessions[session];
        let access = format!("aoa{}", random::word(400));
        session.access.push((access.clone(), now + seconds));
        session.refresh = scoped.then(|| format!("aor{}", random::word(400)));
        IssuedTokens { access, seconds, refresh: session.refresh.clone() }
    }

    /// Returns the sign-in that a refresh token belongs to, as a place for `issue_tokens`.
    pub(crate) fn refreshable(&self, token: &str, client_id: &str, now: i64) -> Option<usize> {
        self.sso_sessions.iter().position(|session| {
            session.client_id == client_id && session.refresh.as_deref() == Some(token) && session.until > now
        })
    }

    /// Returns the person whom an access token belongs to.
    pub(crate) fn sso_bearer(&self, token: &str, now: i64) -> Option<&SsoUser> {
        let good = |session: &&SsoSession| session.access.iter().any(|(it, until)| it == token && *until > now);
        self.sso_users.get(&self.sso_sessions.iter().find(good)?.user)
    }

    /// Returns the person whose refresh token this is.
    pub(crate) fn sso_owner(&self, refresh_token: &str) -> Option<&str> {
        let own = |session: &&SsoSession| session.refresh.as_deref() == Some(refresh_token);
        Some(&self.sso_sessions.iter().find(own)?.user)
    }

    /// Ends the sign-in of an access token; says whether there was one.
    pub(crate) fn sign_out_token(&mut self, token: &str) -> bool {
        let before = self.sso_sessions.len();
        self.sso_sessions.retain(|session| session.access.iter().all(|(it, _)| it != token));
        self.sso_sessions.len() < before
    }

    /// Ends every sign-in of a person; says whether there was one.
    pub(crate) fn sign_out(&mut self, user: &str) -> bool {
        let before = self.sso_sessions.len();
        self.sso_sessions.retain(|session| session.user != user);
        self.sso_sessions.len() < before
    }

    /// Ends an access token now, but not its sign-in; says whether there is such a token.
    pub(crate) fn expire_sso_token(&mut self, token: &str, now: i64) -> bool {
        let mut tokens = self.sso_sessions.iter_mut().flat_map(|session| &mut session.access);
        tokens.find(|(it, _)| it == token).map(|(_, until)| *until = now).is_some()
    }

    pub(crate) fn sso_users(&self) -> impl Iterator<Item = &SsoUser> {
        self.sso_users.values()
    }
}

/// Tokens as a client gets them.
#[derive(Debug)]
pub(crate) struct IssuedTokens {
    pub access: String,
    pub seconds: i64,
    pub refresh: Option<String>,
}

pub(super) fn is_same_start_url(a: &str, b: &str) -> bool {
    let bare = |url: &str| url.trim_end_matches(['/', '#']).to_owned();
    bare(a) == bare(b)
}
