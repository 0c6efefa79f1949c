//! Clients registered for single sign-on, and the device codes that wait for a person.

use super::ServerState;
use super::sso::is_same_start_url;
use crate::random;

/// How long a device code waits for its person.
pub(crate) const DEVICE_SECONDS: i64 = 600;
/// How many seconds a client leaves between two questions at first.
pub(crate) const DEVICE_INTERVAL: i64 = 1;
/// By how many seconds it grows for who asks too soon (RFC 8628, 3.5).
const SLOWER_BY: i64 = 5;
const CLIENT_SECONDS: i64 = 90 * 24 * 3600;

#[derive(Clone, Debug)]
pub(crate) struct SsoClient {
    pub id: String,
    pub secret: String,
    pub scoped: bool,
    pub expires_at: i64,
}

/// What a person has said about a device code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Consent {
    Waiting,
    Approved(String),
    Denied,
    /// The tokens were given out.
    Used,
}

#[derive(Clone, Debug)]
pub(crate) struct DeviceGrant {
    pub device_code: String,
    pub user_code: String,
    pub client_id: String,
    pub start_url: String,
    pub expires_at: i64,
    pub consent: Consent,
    interval: i64,
    /// When the client asked, the last two times.
    asked_at: [Option<i64>; 2],
}

impl DeviceGrant {
    pub(crate) fn is_waiting(&self, now: i64) -> bool {
        self.consent == Consent::Waiting && self.expires_at > now
    }

    /// Notes a question of the client; says whether it came too soon after the one before.
    pub(crate) fn is_asked_too_soon(&mut self, now: i64) -> bool {
        let [first, last] = self.asked_at;
        // The AWS CLI asks once before it shows the code and at once again, so the first question starts no interval.
        let soon = first.is_some() && last.is_some_and(|before| now - before < self.interval);
        self.asked_at = [last, Some(now)];
        if soon {
            self.interval += SLOWER_BY;
        }
        soon
    }
}

impl ServerState {
    pub(crate) fn register_client(&mut self, scoped: bool, now: i64) -> SsoClient {
        let client =
            SsoClient { id: random::word(22), secret: random::word(300), scoped, expires_at: now + CLIENT_SECONDS };
        self.sso_clients.insert(client.id.clone(), client.clone());
        client
    }

    pub(crate) fn sso_client(&self, id: &str) -> Option<&SsoClient> {
        self.sso_clients.get(id)
    }

    pub(crate) fn start_device_grant(&mut self, client_id: &str, start_url: &str, now: i64) -> DeviceGrant {
        let letters = random::identifier("");
        let grant = DeviceGrant {
            device_code: random::word(60),
            user_code: format!("{}-{}", &letters[..4], &letters[4..8]),
            client_id: client_id.to_owned(),
            start_url: start_url.to_owned(),
            expires_at: now + DEVICE_SECONDS,
            consent: Consent::Waiting,
            interval: DEVICE_INTERVAL,
            asked_at: [None; 2],
        };
        self.device_grants.push(grant.clone());
        grant
    }

    pub(crate) fn device_grant(&mut self, device_code: &str, client_id: &str) -> Option<&mut DeviceGrant> {
        self.device_grants.iter_mut().find(|it| it.device_code == device_code && it.client_id == client_id)
    }

    pub(crate) fn waiting_grants(&self, now: i64) -> impl Iterator<Item = &DeviceGrant> {
        self.device_grants.iter().filter(move |grant| grant.is_waiting(now))
    }

    /// Lets a person answer for a device code: with a name it is approved, without one denied.
    pub(crate) fn answer_device(&mut self, user_code: &str, user: Option<&str>, now: i64) -> Result<(), String> {
        let grant = self.device_grants.iter_mut().find(|it| it.user_code == user_code && it.is_waiting(now));
        let grant = grant.ok_or_else(|| format!("no such user code is waiting: {user_code}"))?;
        let Some(name) = user else {
            grant.consent = Consent::Denied;
            return Ok(());
        };
        let person = self.sso_users.get(name).ok_or_else(|| format!("no such person: {name}"))?;
        if !is_same_start_url(&person.start_url, &grant.start_url) {
            return Err(format!("{name} does not belong to {}", grant.start_url));
        }
        grant.consent = Consent::Approved(name.to_owned());
        Ok(())
    }
}
