//! Holds who exists: users and roots with their keys and devices, roles, people of single sign-on, and the sessions issued so far.

mod device;
mod device_grant;
mod identity_provider;
mod key;
mod login;
mod role;
mod session;
mod sign_in;
mod sso;
mod user;

use std::collections::BTreeMap;

pub use device::{Code, ConsumedCode, Device};
pub use identity_provider::{IdentityProvider, WebIdentity};
pub use key::{AccessKey, KeyUse};
pub use login::LoginState;
pub use role::{Role, SourceIdentity};
pub use session::Session;
pub use sign_in::SignIn;
pub use sso::{Assignment, SsoUser};
pub use user::{NewUser, Policy, User};

pub(crate) use device::MfaDevice;
pub(crate) use device_grant::{Consent, DEVICE_INTERVAL, DEVICE_SECONDS, SsoClient};
pub(crate) use login::LOGIN_SECONDS;
pub(crate) use session::Caller;
pub(crate) use sso::{IssuedTokens, SsoPace};

use user::Account;

use crate::arn::Arn;
use crate::random;
use crate::refusal::Refusal;

/// How long IAM takes to spread what it was told, and how much fits into one of its lists.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Pace {
    pub key_delay: i64,
    pub device_delay: i64,
    pub list_delay: i64,
    pub page_size: usize,
}

/// Everything the server remembers between calls, except the calls themselves.
#[derive(Debug, Default)]
pub(crate) struct ServerState {
    pub pace: Pace,
    accounts: BTreeMap<String, Account>,
    aliases: BTreeMap<String, String>,
    keys: BTreeMap<String, AccessKey>,
    devices: BTreeMap<String, MfaDevice>,
    roles: BTreeMap<String, (Role, String)>,
    sessions: BTreeMap<String, Session>,
    issued: u64,
    waiting: BTreeMap<String, sign_in::Waiting>,
    sign_ins: Vec<SignIn>,
    consumed: Vec<ConsumedCode>,
    sso_pace: SsoPace,
    sso_users: BTreeMap<String, SsoUser>,
    reserved_roles: BTreeMap<(String, String), String>,
    sso_clients: BTreeMap<String, SsoClient>,
    sso_sessions: Vec<sso::SsoSession>,
    device_grants: Vec<device_grant::DeviceGrant>,
    logins: login::Logins,
    pub providers: identity_provider::Providers,
}

impl ServerState {
    pub(crate) fn new(pace: Pace, sso_pace: SsoPace) -> ServerState {
        ServerState { pace, sso_pace, ..ServerState::default() }
    }

    /// Adds a user or a root, with a first key; a known one gets a further key.
    pub(crate) fn add_user(&mut self, new: NewUser, now: i64) -> Result<User, String> {
        let arn = Arn::parse(&new.arn)
            .filter(|arn| arn.is_user() || arn.is_root())
            .ok_or_else(|| format!("not the ARN of a user or root: {}", new.arn))?;
        let id = new.access_key_id.unwrap_or_else(|| random::identifier("AKIA"));
        if self.keys.contains_key(&id) {
            return Err(format!("this access key exists already: {id}"));
        }
        let secret = new.secret_access_key.unwrap_or_else(random::secret);
        self.add_key(AccessKey::new(id.clone(), secret.clone(), &new.arn, now));
        let account = self.accounts.entry(new.arn.clone()).or_insert_with(|| Account::new(&arn, now));
        let user_id = account.user_id.clone();
        Ok(User { arn: new.arn, user_id, access_key_id: id, secret_access_key: secret })
    }

    /// Accepts a code of the caller's own device, once, and remembers it.
    pub(crate) fn consume(&mut self, caller: &Caller, serial: &str, code: &str, now: i64) -> Result<(), Refusal> {
        let known =
            |device: &&mut MfaDevice| caller.owns(device.owner()) && !device.is_passkey() && device.works_from <= now;
        let device = self.devices.get_mut(serial).filter(known).ok_or_else(|| {
            // The two spaces are AWS's.
            Refusal::access_denied(
                "MultiFactorAuthentication failed, unable to validate MFA code.  Please \
                     verify your MFA serial number is valid and associated with this user.",
            )
        })?;
        let step = device.accept(code, now).ok_or_else(|| {
            // The space at the end is AWS's.
            Refusal::access_denied("MultiFactorAuthentication failed with invalid MFA one time pass code. ")
        })?;
        self.note_code(serial, code, step, now);
        Ok(())
    }

    pub(crate) fn note_code(&mut self, serial: &str, code: &str, step: i64, now: i64) {
        self.consumed.push(ConsumedCode { serial: serial.to_owned(), code: code.to_owned(), step, time: now });
    }

    pub(crate) fn consumed(&self) -> &[ConsumedCode] {
        &self.consumed
    }

    /// Adds or replaces a role and returns its name in full.
    pub(crate) fn put_role(&mut self, role: Role) -> String {
        let arn = role.arn();
        // A replaced role keeps its id, as an edited one does.
        let id = self.roles.remove(&arn).map_or_else(|| random::identifier("AROA"), |(_, id)| id);
        self.roles.insert(arn.clone(), (role, id));
        arn
    }

    /// Returns a role and its id.
    pub(crate) fn role(&self, arn: &str) -> Option<(&Role, &str)> {
        self.roles.get(arn).map(|(role, id)| (role, id.as_str()))
    }

    /// Numbers a new session and keeps it.
    pub(crate) fn remember(&mut self, mut session: Session) {
        self.issued += 1;
        session.number = self.issued;
        self.sessions.insert(session.access_key_id.clone(), session);
    }

    pub(crate) fn session_mut(&mut self, id: &str) -> Option<&mut Session> {
        self.sessions.get_mut(id)
    }

    pub(crate) fn forget_session(&mut self, id: &str) -> bool {
        self.sessions.remove(id).is_some()
    }

    /// Returns the sessions issued and not revoked, oldest first.
    pub(crate) fn sessions(&self) -> Vec<Session> {
        let mut sessions: Vec<Session> = self.sessions.values().cloned().collect();
        sessions.sort_by_key(|session| session.number);
        sessions
    }

    /// Returns who a key id belongs to and the secret behind it, whatever its state.
    pub(crate) fn caller(&self, id: &str, now: i64) -> Option<(Caller, &str)> {
        if let Some(session) = self.sessions.get(id) {
            return Some((Caller::of_session(session), session.secret_access_key.as_str()));
        }
        let key = self.keys.get(id)?;
        let account = self.accounts.get(&key.owner)?;
        let caller = Caller::of_key(id, &key.owner, &account.user_id, key.active && key.works_from <= now);
        Some((caller, key.secret.as_str()))
    }

    pub(crate) fn role_arns(&self) -> impl Iterator<Item = &String> {
        self.roles.keys()
    }
}
